"""What people write to one another: labels of notes and chats, in their languages.

"API key: v", "API ключ = v", "key v secret v", a label and the value on the next line. Whose such a key is was said some messages
before. The words of other languages are in labels.py. Pure; knows no rules. Imported by this package.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from leakguard.detect.forms.base import (
    ARGUMENTS,
    CELL,
    DIGIT,
    LINE,
    LONG,
    LONG_TAIL,
    VALUE,
    WITH_DIGIT,
    Form,
    Named,
    random,
    short,
)
from leakguard.detect.labels import LABELS, LAST, LAST_BEYOND
from leakguard.detect.patterns import compiled

_OF_API = "(?:[ \\-](?i:api))?"
_QUOTES = "\u300c\u300e\u3010\u201c\u201e\u2018\u00ab\u2039\"'`"
_OPENING = "(?:\u300c|\u300e|\u3010|\u201c|\u201e|\u2018|\u00ab|\u2039)?"
_IS = "\u306f|\u662f|\u4e3a|\u70ba|(?:\uc740|\ub294|\uc774|\uac00)[ \t]| (?:ist|es|\u00e9|\u00e8|l\u00e0) "
"""Between a name and its value, in a sentence."""
_LABELLED = (
    f"{_OF_API}[ \\t*_`)]{{0,4}}(?::|\uff1a|=|\\|| (?:-|\u2013|\u2014|\u2192) |[ \\t]|\\r?\\n|{_IS})"
    f"(?:\\\\n|\\r?\\n<\\w{{1,15}}>)?[ \\t\\r\\n*_`\"'>]{{0,6}}{_OPENING}{VALUE}"
)


def _by_letter(words: Iterable[str]) -> str:
    """A pattern of these words, in their order for each first letter. `re` tries all of them at each place, and of those
    that begin with the letter there is mostly none: a tenth of the time."""
    ends: dict[str, list[str]] = {}
    for word in words:
        ends.setdefault(word[0], []).append(re.escape(word[1:]))
    groups = [f"{re.escape(letter)}(?:{'|'.join(rest)})" for letter, rest in ends.items()]
    return f"(?=[{''.join(map(re.escape, ends))}])({'|'.join(groups)})"


_LABEL = compiled(
    f"(?i){_by_letter(word for word, _ in LABELS)}"
    f"{_OF_API}[ \t*_`)]{{0,4}}(?:(?P<sep>:|\uff1a|=|\\|| (?:-|\u2013|\u2014|\u2192) )|(?P<said>{_IS})|[ \t]|\r?\n)"
    f"(?:\\\\n|\\r?\\n<\\w{{1,15}}>)?[ \t\r\n*_`\"'>]{{0,6}}{_OPENING}\\Z"
)
_LONGEST_LABEL = max(len(word) for word, _ in LABELS) + 44
"""Characters, with all that may stand between it and the value: what _LABEL matches is no longer."""
_ENGLISH = dict(LABELS)
_WHOSE = compiled(
    "(?i)(?<![A-Za-z0-9_.])(?:(?P<part>(?:(?:api|secret|access|private|client)[ _\\-]?)?(?:key|secret|pass ?phrase|password)|"
    "api(?= [a-z]))|"
    f"(?P<label>{_by_letter(word for word, _ in LABELS)}))"
    "\\*{0,2}(?: (?:of|for|on|from|de|da|do|del|di|von|f\u00fcr|pour|bei|\u043e\u0442|\u0434\u043b\u044f))?"
    "(?: (?P<who>[A-Za-z][\\w.\\-]{1,24}(?: [A-Za-z][\\w.]{1,16})?)| ?\\([^()\\[\\]\\n]{1,30}\\))\\*{0,2}"
    "(?:(?: ?:\\*{0,2}| [=\\-]| ->| \u2192)[ \\t]|\uff1a)[ \\t]{0,3}[`\"']?\\Z"
)
_DECORATED = compiled(
    rb"(?i)((?:(?<!\w)[a-z]\w{0,60}_)?(?:(?:api|secret|access|private|client|trading)[ _\-]?)?"
    rb"(?:key|secret|pass ?phrase|token|password|memo))"
    rb"\)?(?:\*\*:?|__:?|`:?|(?:`|\*\*)?[ ]{0,24}\||[ ]&[ ]|:?&nbsp;|[ ](?:-|\xe2\x80[\x93\x94]|\xe2\x86\x92|\xe2\x87\x92"
    rb"|\xe2\x9e\x9c|\xe2\x9e\xa1(?:\xef\xb8\x8f)?|->|=>|>>>)[ ]|\xef\xbc\x9a|\xe6\x98\xaf|\xe3\x81\xaf|\xe4\xb8\xba"
    rb"|(?:\xec\x9d\x80|\xeb\x8a\x94)[ ])"
    rb"[ \t]{0,3}:?[ \t]{0,3}(?:\\\w{2,8}[{|]|<\w{1,8}>|\xe3\x80\x8c|\xe2\x80\x9c)?[`*\"']{0,3}\Z"
)
_SPOKEN = compiled(rb"(?i)((?:api|access|secret|private)[ _\-](?:key|secret))[ \t]{1,16}(?:to )?`?\Z")
_ABOVE = compiled(
    rb"(?i)(?:\A|\n)[ \t>#\d.)*\-]{0,8}[_`]{0,3}(?:[^\x00-\x7f]{1,40} ?\()?"
    rb"((?:[a-z][\w.]{1,20}[ _\-]){0,3}(?:key|secret|pass ?phrase|memo)(?: id)?)"
    rb"\)?[*_`]{0,3}:?[*_`]{0,3}[ \t]{0,8}\r?\n[ \t\r\n>*`\-]{0,12}\Z"
)
_WHEN = r"(?:\[[0-9][^\]\n]{4,24}\] |[0-9]{1,4}[0-9./\-]{3,8},? [0-9:]{4,8}(?: [AaPp][Mm])? - )"
"""What exports of a messenger begin each line with, before who says it."""
# What an assignment ends in is no label, and a field of a configuration says nothing: x = secret_key, and below it nonce_key: v
_SAID = compiled(
    rb"(?i)(?<![.$(=])(?<!= )\b((?:(?:api|secret|access|private)[ _\-])?(?:key|secret|pass ?phrase))(?: is| was)?:?[ \t]{0,4}\r?\n"
    rb"(?:<?(?!\w{0,12}(?:key|hash|token|nonce|uuid|etag|secret|signature|_id): )[a-z]\w{0,15}(?:: |> )|"
    + _WHEN.encode() + rb"[a-z][\w .]{0,24}: )?\Z"
)
_CHATTED = compiled(
    rb"(?i)(?:\A|[\s,;:(|/>\"\-]|\\n)(?:api[ _\-])?(key|secret|pass(?:phrase|word)?)"
    rb"(?: (?:de|da|do|del|for|of|f\xc3\xbcr|von) [\w.\-]{2,20})?(?: is:?| was:?|'s| es| ist| \xc3\xa9| \xc3\xa8| est)?"
    rb"[ \t]{1,16}(?P<quote>[`\"']?)\Z"
)
_GLUED = compiled(rb"(?i)(?<![\w.$@\-])(api_?key|api_?secret|secretkey)(?: is)?[ ]{1,16}(?P<quote>)\Z")
_COLONS = compiled(
    rb"(?i)((?:(?:api|secret|access|private|client|trading)[ _\-])?(?:key|secret|pass ?phrase|token|password|memo))"
    rb"(?:[ \t]?::[ \t]{1,4}|:\*{1,2}[ \t]{0,4})(?P<quote>[`\"']?)\Z"
)
_ENTITY = compiled(
    rb"(?i)((?:(?:api|secret|access|private|client|trading)[ _\-])?(?:key(?: id)?|secret|pass ?phrase|password|pass))(?: is| was| es| ist)?"
    rb"[: ]{0,3}\",\s{0,40}\{\s{0,40}\"type\": ?\"\w{3,4}\",\s{0,40}\"text\": ?(?P<quote>\")\Z"
)
_MARKED = compiled(
    rb"(?i)((?:(?:api|secret|access|private|client|trading)[ _\-])?(?:key|secret|pass ?phrase|password)):?(?:</\w{1,8}>)?:?"
    rb"[ \t]{0,3}<(?:code|b|strong|kbd|pre|tt|em|i)>\Z"
)
_TERSE = compiled(
    rb"(?i)(?:\A|[\s>,;/|])(?:(sec|scrt|priv)(?: is)?(?::| ?=|[ ]-)?|(api)(?::| is:?|[ ]=|[ ]-)) {1,3}(?P<quote>[`\"']?)\Z"
)
_SPOILED = compiled(
    rb"(?i)((?:(?:api|secret|access|private)[ _\-]?)?(?:key|secret|pass ?phrase|password)):\*{0,2} ?\|\|(?P<quote>)\Z"
)
_ARROWED = compiled(rb"=>[ \t]{1,4}[\"']\Z")


def _decorated(data: bytes, start: int, found: re.Match[bytes], name: Named) -> Named | None:
    """`:password => "v"` is an assignment of a program's, whose quotes say that the value is any word; `key => v` is a note's."""
    return None if _ARROWED.search(found.string) else name


def _spoken(data: bytes, start: int, found: re.Match[bytes], name: Named) -> Named | None:
    # of an option, or the variable of a command (`set -gx VENUE_API_KEY v`): it says whose, too
    own = _OPTION.search(found.string, 0, found.end(1)) or _VARIABLE.search(found.string, 0, found.end(1))
    if own is not None and own.start() < found.start(1):
        name = name._replace(name=own[0], start=name.start - found.start() + own.start())
    return name if random(data, start) or short(data, start) else None


_OPTION = compiled(rb"(?<![\w\-])--?[A-Za-z][\w.\-]{2,79}\Z")
_VARIABLE = compiled(rb"(?<![\w.$@\-])[A-Z][A-Z0-9_]{2,79}\Z")


def _above(data: bytes, start: int) -> Named | None:
    """What the line above says of the value: a label, or the end of what somebody said."""
    low = max(0, start - 200)
    before = data[low:start]
    found = _ABOVE.search(before) or _SAID.search(before)
    return Named(found[1], low + found.start(1), b"") if found and _below(data, start, found[1].lower()) else None


_OF_SECRETS = (b"secret ", b"private ", b"secret\t", b"secret-", b"private-", b"priv-")


def _chatted(data: bytes, start: int, found: re.Match[bytes], name: Named) -> Named | None:
    if found[1][:1] in b"pP":
        good = bool(_AFTER_VALUE.search(found.string, 0, found.start(1)) and (LINE.match(data, start) or CELL.match(data, start)))
    else:
        good = random(data, start) or short(data, start)
    called = found[1].lower()
    if called == b"key" and found.string[: found.start(1)].lower().endswith(_OF_SECRETS):
        called = b"secret"
    kebab = _KEBAB.search(found.string, 0, found.start(1))
    return name._replace(name=(kebab[0] if kebab else b"") + called + b"_of_client") if good else None


_KEBAB = compiled(rb"(?<![\w\-])(?:--?)?[A-Za-z][\w.]{0,40}(?:-[\w.]{1,20}){0,5}-\Z")
"""What stands before the part in a name of Clojure's, or of an option: it says which account's."""


def _glued(data: bytes, start: int, found: re.Match[bytes], name: Named) -> Named | None:
    return name if random(data, start) and DIGIT.search(data, start, start + LONG_TAIL) else None


def _terse(data: bytes, start: int, found: re.Match[bytes], name: Named) -> Named | None:
    return name._replace(name=ARGUMENTS[1] if found[1] else b"api_key") if random(data, start) else None


def _labelled(data: bytes, start: int) -> Named | None:
    """What a label in another language than English calls the value."""
    text = data[max(0, start - 200) : start].decode("utf-8", "replace")
    label = _LABEL.search(text, max(0, len(text) - _LONGEST_LABEL))
    if label is None:
        return None
    loose = not label["sep"] and not (label["said"] and text.endswith(tuple(_QUOTES)))
    if loose and not random(data, start) and not short(data, start):
        line = LINE.match(data, start) or CELL.match(data, start)  # what people choose is no longer than a word
        if line is None or _ENGLISH[label.group(1).lower()] != "passphrase" or not DIGIT.search(line[1]):
            return None
    name, at = _ENGLISH[label.group(1).lower()].encode(), start - len(text[label.start() :].encode())
    own = _OF_NAME.search(text, 0, label.end(1)) if label.group(1).isascii() and label.start() else None
    if own is not None and own.start() < label.start():
        name, at = own[0].encode(), start - len(text[own.start() :].encode())  # a variable's: it says which account's, too
    return Named(name, at, b"")


def _whose(data: bytes, start: int) -> Named | None:
    """A label with the name of whose key it is behind it, "clave secreta Venue: v": the two in the order of a variable's name."""
    if not random(data, start):
        return None
    text = data[max(0, start - 200) : start].decode("utf-8", "replace")
    found = _WHOSE.search(text, max(0, len(text) - _LONGEST_LABEL - 60))
    if found is None:
        return None
    part = found["part"] or _ENGLISH[found["label"].lower()]
    if part.lower() == "api":
        part = "key of client"  # "API version: v" is no key, unless a venue is named
    called = "_".join((found["who"] or "").replace(".", " ").split() + part.split())
    return Named(called.encode("ascii", "ignore"), start - len(text[found.start() :].encode()), b"")


_OF_NAME = compiled(r"(?<![\w.\-\\])[A-Za-z_][\w.\-]{0,79}\Z")
# a passphrase may be as plain as a word: it comes on the same line as the key or the secret, or on the next one
_AFTER_VALUE = compiled(rb"[ \t][0-9A-Za-z+/=_\-]{16,512}(?:[ \t,;]{1,3}(?:and )?(?:the )?|\r?\n[ \t]{0,8})\Z")
_VARIABLE_OF = compiled(rb"[A-Z][A-Z0-9_]{3,60}=")
"""What is on the next line is another variable's."""


def _below(data: bytes, start: int, label: bytes) -> bool:
    """Whether a whole line is the value of the label on the line above it."""
    line = LINE.match(data, start)
    if line is None or b"public" in label or _VARIABLE_OF.match(line[1]):
        return False
    if label.endswith((b"phrase", b"memo")):
        return DIGIT.search(line[1]) is not None
    return random(data, start)


FORMS = (
    # API ключ: value
    Form(None, f"(?:{LAST}){_LABELLED}", whole=_labelled),
    # **API Key**: value, | API Key | value |, API Key - `value`, API Key -> value
    Form(
        _DECORATED,
        r"(?i)(?:key|secret|phrase|token|password|memo)\)?(?:\*\*:?|__:?|`:?|(?:`|\*\*)? {0,24}\|| & |:?&nbsp;| (?:-|"
        "\u2013|\u2014|\u2192|\u21d2|\u279c|\u27a1\ufe0f?" r"|->|=>|>>>) |" "\uff1a|\u662f|\u306f|\u4e3a|\uc740 |\ub294 )"
        r"[ \t]{0,3}:?[ \t]{0,3}(?:\\\w{2,8}[{|]|<\w{1,8}>|" "\u300c|\u201c" r")?[`*\"']{0,3}" + VALUE,
        asked=_decorated,
    ),
    # api key value
    Form(
        _SPOKEN,
        r"(?i)(?:api|access|secret|private)[ _\-](?:key|secret)[ \t]{1,16}(?:to )?[`]?[0-9A-Za-z+/=_\-]{5}",
        asked=_spoken,
    ),
    # API Key, and the value on the next line; in a chat after who says it
    Form(
        _ABOVE,
        r"(?i)(?:key|secret|phrase|memo)(?: id| is| was)?\)?[*_`]{0,3}:?[*_`]{0,3}[ \t]{0,8}\r?\n[ \t\r\n>*`\-]{0,12}"
        r"(?:<?[A-Za-z]\w{0,15}(?:: |> )|" + _WHEN + r"[A-Za-z][\w .]{0,24}: )?[0-9A-Za-z+/=_\-]{5}",
        whole=_above,
    ),
    # key v secret v, in a chat
    Form(
        _CHATTED,
        r"(?:^|[\s,;:(|/>\"\-]|\\n)(?i:key|secret|passphrase|password|pass)(?: is:?| was:?|'s| es| ist)?[ \t]{1,16}[`\"']?(?:"
        + WITH_DIGIT + ")",
        asked=_chatted,
    ),
    # apikey v, apisecret v
    Form(_GLUED, r"(?i:apikey|api_key|apisecret|api_secret|secretkey)(?: is)?[ ]{1,16}" + LONG, asked=_glued),
    # API key:: v, **API key:** v
    Form(
        _COLONS,
        r"(?i)(?:key|secret|phrase|token|password|memo)(?:[ \t]?::[ \t]{1,4}|:\*{1,2}[ \t]{0,4})[`\"']?" + VALUE,
    ),
    Form(None, f"(?:{LAST_BEYOND}){_LABELLED}", whole=_labelled),
    # key v secret v, and :api-key "v", whose first bytes need not tell it from a word
    Form(
        _CHATTED,
        r"(?:^|[\s,;:(|/>\"\-]|\\n)(?i:key|secret)(?: (?:de|da|do|del|for|of|von|f" "\u00fc" r"r) [\w.\-]{2,20})?"
        r"(?: is:?| was:?|'s| es| ist|" " \u00e9| \u00e8" r"| est)?[ \t]{1,16}[`\"']?" + LONG,
        asked=_chatted,
    ),
    # "api key ", {"type": "code", "text": "v"}: a chat of Telegram's, as it is exported
    Form(
        _ENTITY,
        r"(?i:key|key id|secret|phrase|password|pass)(?: is| was| es| ist)?[: ]{0,3}\",\s{0,40}"
        r"\{\s{0,40}\"type\": ?\"\w{3,4}\",\s{0,40}\"text\": ?\"" + VALUE,
    ),
    # Secret key: <code>v</code>
    Form(
        _MARKED,
        r"(?i)(?:key|secret|phrase|password):?(?:</\w{1,8}>)?:?[ \t]{0,3}<(?:code|b|strong|kbd|pre|tt|em|i)>"
        + VALUE,
    ),
    # sec v, api: v, in a chat; API = "v" beside a SECRET
    Form(_TERSE, r"[\s>,;/|](?i:sec: |sec = |sec - |sec |sec  |scrt: |priv: )[`\"']?" + LONG, asked=_terse),
    Form(_TERSE, r"(?i:[ \n]api: |[ \n]api is )[`\"']?" + LONG, asked=_terse),
    # API key of Venue: v, clave secreta Venue: v, secret key (sub-account): v
    Form(
        None,
        "(?:(?i:key|secret|phrase|password|api|secret[ao]|privada|secr\u00e8te|priv\u00e9e|segret[ao]|privata|chave|clave|cl\u00e9|chiave"
        "|schl\u00fcssel|geheimnis)|\u043b\u044e\u0447|\u0435\u043a\u0440\u0435\u0442|\u043f\u0438)"
        r"\*{0,2}(?: (?:of|for|on|from|de|da|do|del|di|von|f" "\u00fcr|pour|bei|\u043e\u0442|\u0434\u043b\u044f))?"
        r"(?: [A-Za-z][\w.\-]{1,24}(?: [A-Za-z][\w.]{1,16})?| ?\([^()\[\]\n]{1,30}\))\*{0,2}"
        r"(?:(?: ?:\*{0,2}| [=\-]| ->|" " \u2192" r")[ \t]|" "\uff1a" r")[ \t]{0,3}[`\"']?" + LONG,
        whole=_whose,
    ),
    # key: ||v||, hidden on Discord until a reader clicks
    Form(_SPOILED, r"(?i)(?:key|secret|phrase|password):\*{0,2} ?\|\|" + LONG),
)
