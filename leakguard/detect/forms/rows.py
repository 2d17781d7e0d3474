"""Several values in a row of which the place says what each is: a client's arguments, a venue's list, lines below a title.

Key, secret, passphrase is the order that all of them have. Pure; knows no rules. Imported by this package.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from leakguard.detect.forms.base import ARGUMENTS, DIGIT, LIST_OF, LONG, RUN, VALUE, Form, Named, random, short
from leakguard.detect.patterns import compiled

_CLIENT = (
    r"(?:client|auth|credentials?|connect(?:or)?|api|exchange|binance::|newinstance|[ .]private|[ .]account|\.spot|\.new|\.init"
    r"|(?:set|load|use|with)_?(?:api)?_?keys|bit|coin|zaif|kraken|gate|luno|polo|blofin|nicehash|polymarket|phemex|mexc|huobi|okx|gemini|exmo|reserve|markets|bullish"
    r"|hashkey|__construct)"
)
"""What a constructor that takes a key and a secret has in its name; of venues those that have nothing else in it."""
_LITERAL = r"(?:Some\()?[bru]?[\"'`][0-9A-Za-z+/=_:\-]+[\"'`](?:\.(?:into|to_string|to_owned)\(\))?\)?"
_CALLED = compiled(
    f"(?i){_CLIENT}\\w{{0,16}}(?: ?= ?)?[({{]\\s{{0,40}}(?P<before>(?:{_LITERAL},\\s{{0,40}}){{0,2}})(?:Some\\()?[bru]?"
    "(?P<quote>[\"'`])\\Z".encode()
)
_TUPLE = compiled(
    f"[\"'] ?: ?\\(\\s{{0,40}}(?P<before>(?:{_LITERAL},\\s{{0,40}}){{0,2}})[bru]?(?P<quote>[\"'])\\Z".encode()
)
UNPACKED = compiled(
    rb"(?:\A|\n)[ \t]{0,24}(?:const |let |var |local |val )?[\[(]?(?P<names>[\w.]{1,40}(?:, ?[\w.]{1,40}){1,4})[\])]? ?:?= ?[\[(]?"
    rb"(?P<before>(?:[bru]?[\"'][^\s\"'\\]+[\"'], ?){1,4})[bru]?(?P<quote>[\"'])\Z"
)
_NEWED = compiled(rb"(?<![\w.>:])(?:new )?((?:[a-z]\w{1,30}(?:\.|::))?[A-Z]\w{2,40})\([bru]?(?P<quote>[\"'])\Z")
_SAYS_WHAT = compiled(rb"(?i)pass|secret|token|key|pwd|cred|phrase|auth|otp")
_TYPES = compiled(
    rb"(?:\w+\.)?(?:String|Str|Text|Bytes|Buffer|Some|Just|Ok|Value|Literal|Const|Optional|Uint8Array|UUID|Guid|BigInt|Decimal|Number|Uri|URL|Path|File"
    rb"|Sprintf|Errorf?|\w+(?:Error|Exception))"
)
"""What a text is made to be, and no client of anybody's."""
_NAMED_ALREADY = compiled(
    rb"(?i)(?:pass|secret|token|key|pwd|cred|phrase|auth)\w{0,12}[\"'\])]{0,2}[ \t]{0,3}(?::[ \t]?[\w<>]{0,20}[ \t]?=?|:=|=>|=)[ \t]{0,3}\Z"
)
_ONLY = compiled(rb"[0-9A-Za-z+/=_:\-]{16,512}[\"'](?:,[^\n]{0,80})?\)")
_SLASHED = compiled(rb"(?:\A|[\s:`])([0-9A-Za-z+/=_\-]{16,512}) / \Z")
_THIRD_SLASHED = compiled(rb"[0-9A-Za-z+/=_\-]{16,512} / (?=[^\s]{0,40}[0-9!@#$%&*_\-])([^\s\"'/]{6,64})(?=\s|\Z)")
_WHO = rb"(?:[ \t]{0,4}|(?:\[[^\]\n]{4,24}\] |[0-9./,\- ]{8,14}[0-9:]{4,8}(?: [AaPp][Mm])? ?- )?<?[A-Za-z][\w .]{0,24}[:>] )"
"""What may stand before a line of a chat."""
_BARE = compiled(rb"(?i)(?:\A|\n)[^\n]{0,90}(?:apis?|keys|creds|credentials|account):?\r?\n(?:\r?\n)?" + _WHO + rb"\Z")
_BRIEF = compiled(rb"(?:[\"'](?:k|public|api)[\"'](?:: ?|\] ?= ?)|[ \t\n]k ?= ?)(?P<quote>[\"'])\Z")
_SEQUENCE = compiled(
    rb"(?:\A|\n)[ \t]{0,40}(?:- )?(?:[\"']?[A-Za-z][\w.\- ]{1,40}[\"']?: ?\[|[\"'][A-Za-z][\w.\- ]{1,40}[\"']:[ ]{1,2}\{)"
    rb"[ \t]{0,4}(?P<quote>[\"']?)\Z"
)
_BUILT = compiled(rb"constructor-arg value=(?P<quote>\")\Z")
_TITLED = compiled(
    rb"(?:\A|[\r\n>\"'(*#]|\\n|: ) {0,3}[A-Z][\w.]{1,20}(?: [\w.]{1,16}){0,2}:(?P<quote>)"
    rb"(?:[ \t]{0,2}\r?\n(?:> ?){0,5}|\\n|<br/?>\n?)\Z"
)
_RETURNED = compiled(rb"\breturn (?P<quote>[\"'])\Z")
_OPTIONS = compiled(rb" -k (?P<quote>[\"']?)\Z")
_THIRD = compiled(
    rb"[\[({](?:[\"'][A-Za-z][\w.\-/ ]{1,16}[\"'],\s{0,12}){1,2}(?:[\"'][\w\-]{8,10}[\"'],\s{0,12})?[bru]?(?P<quote>[\"'])\Z"
)
_AUTHED = compiled(rb"\"auth\w{0,12}\"[^\n\[\]]{0,60}\"args\": ?\[(?P<quote>\")\Z")
_MAPPED = compiled(
    rb"(?:-> ?[\"'](?P<key>[0-9A-Za-z+/=_:\-]{8,256})|[\"']([A-Za-z_][\w.\-]{1,79}))[\"'] to (?P<quote>[\"'])\Z"
)
_ROW = compiled(
    rb"(?:(?:[\"'\w)](?: ?[:=]>?|,| to) ?[\w:]{0,24}|(?<![A-Za-z])[A-Z][A-Z_]{1,20})[\[({]{1,2}\s{0,40}"
    rb"|::\w{3,20}\(\s{0,40}(?:Some\()?|\", ?\{ ?|\w>\(|\w\{)[bru]?(?P<quote>[\"'])\Z"
)


def _unpacked(data: bytes, start: int, found: re.Match[bytes], name: Named) -> Named | None:
    called = _of_several(found)
    return name._replace(name=called) if called else None


def _mapped(data: bytes, start: int, found: re.Match[bytes], name: Named) -> Named | None:
    """What a name is mapped to; or a secret, whose key is to its left: "venue" -> "key" to "secret"."""
    if found["key"] is None:
        return name._replace(name=found[2])
    return name._replace(name=ARGUMENTS[1]) if DIGIT.search(found["key"]) and random(data, start) else None


def _authed(data: bytes, start: int, found: re.Match[bytes], name: Named) -> Named | None:
    return name._replace(name=ARGUMENTS[0]) if random(data, start) else None


_IMPORTED = 1500
"""Bytes before a call in which what it calls may be imported."""


def _since_new(data: bytes, start: int) -> int:
    """Most calls with a text have a name in it, or go on with another one."""
    return max(0, start - 120) if _ONLY.match(data, start) and random(data, start) else -1


def _newed(data: bytes, start: int, found: re.Match[bytes], name: Named) -> Named | None:
    """The first argument of a client that is called after its service; of any other callee nobody is told."""
    called = found[1].replace(b"::", b".")
    if _SAYS_WHAT.search(called) or _TYPES.fullmatch(called) or _NAMED_ALREADY.search(found.string, 0, found.start()):
        return None  # ssh.Password("v"), Token: String("v"): assignments like others
    return name._replace(name=b"_".join((*_module(data, start, found[1]), called, ARGUMENTS[0])))


def _module(data: bytes, start: int, callee: bytes) -> tuple[bytes, ...]:
    """The module that a callee was imported from: `from deepl import Translator` says whose Translator("v") is."""
    first = re.escape(re.split(rb"[.:]", callee)[0])
    found = re.search(
        rb"(?:from[ \t]{1,4}([\w.\-]{2,60})[ \t]{1,4}import[ \t][^\n]{0,120}?\b%b\b"
        rb"|\bimport[ \t{][^;\n]{0,120}?\b%b\b[^;\n]{0,80}?from ?[\"']([^\"'\n]{2,60})"
        rb"|\b%b\b[^\n]{0,40}?require\([\"']([^\"'\n]{2,60}))" % (first, first, first),
        data[max(0, start - _IMPORTED) : start],
    )
    named = next((name for name in found.groups() if name), b"") if found else b""
    return (re.sub(rb"[^\w.\-]", b".", named),) if named else ()


def _of_several(found: re.Match[bytes]) -> bytes:
    """The name of the value that comes after `before`; b"" if there are not as many names as values."""
    names = [name.strip() for name in found["names"].split(b",")]
    place = len(_VALUES.findall(found["before"]))
    return names[place] if place < len(names) else b""


_VALUES = compiled(rb"[\"'][^\s\"'\\]+[\"']")
_NEXT = compiled(
    rb"[0-9A-Za-z+/=_:\-]{16,512}[\"'`](?:\.(?:into|to_string|to_owned)\(\))?\)?,\s{0,40}(?:Some\()?[bru]?[\"'`]"
)
_WRAPPERS = (b"Some", b".into", b".to_string", b".to_owned")


def _callee(data: bytes, start: int) -> int:
    """Where to look for the call that `start` is an argument of; -1 if it is none that could be a client's. Most of what
    the first stage reports is some call with one short string, which is seen here for little."""
    low = max(0, start - 420)
    opener = max(data.rfind(b"(", low, start), data.rfind(b"{", max(low, start - 220), start))
    while opener >= 0 and data[max(0, opener - 10) : opener].endswith(_WRAPPERS):
        opener = data.rfind(b"(", low, opener)
    if opener < 0:
        return -1
    first = b"," not in data[opener:start]
    if first and not (_NEXT.match(data, start) and random(data, start)):
        return -1
    return max(low, opener - 80)


def _argument(data: bytes, start: int, found: re.Match[bytes], name: Named) -> Named | None:
    """A client's argument, if there are at least two that could be a key and its secret."""
    before = _LITERALS.findall(found["before"])
    if not before and b"__construct" in found[0] and not _MEMBERS.match(data, start):
        return None  # a trace shows what everything was made of
    if not before and not (_NEXT.match(data, start) and random(data, start)):
        return None
    if before and (len(before[0]) < 16 or not DIGIT.search(before[0])):
        # some venues' keys are short, and no word as the venue's name is: the secret after one is all the longer
        if _WORD.fullmatch(before[0]):
            return None
        secret = RUN.match(data, start) if len(before) == 1 and len(before[0]) >= 8 else None
        if secret is None or len(secret[0]) < 32 or not random(data, start):
            return None
    return name._replace(name=ARGUMENTS[len(before)])


_WORD = compiled(rb"[A-Z]?[a-z]+|[A-Z]+")


def _short_key(data: bytes, start: int) -> list[tuple[bytes, int, int]]:
    """A client's first argument, where its second one is at `start` and it is too short to be taken for a key without that."""
    low = max(0, start - 100)
    before = _SHORT_FIRST.search(data[low:start])
    return [(ARGUMENTS[0], low + before.start(1), low + before.end(1))] if before else []


# Behind the account's name and the venue's, too: ("main", "deribit", "a1B2c3D4", "v")
_SHORT_FIRST = compiled(
    rb"[(\[{]\s{0,16}(?:[\"'][A-Za-z][\w.\-/ ]{1,16}[\"'],\s{0,12}){0,2}[bru]?"
    rb"[\"'`]([0-9A-Za-z+/=_\-]{8,15})[\"'`],\s{0,16}[bru]?(?P<quote>[\"'`])\Z"
)
_SECOND = compiled(rb"(?=[^\"']{0,40}[0-9])[0-9A-Za-z+/=_\-]{32,256}[\"'](?:, ?[\"'][^\"'\n]{0,40}[\"'])?,?\s{0,40}[\])}]")
_INTO = rb"(?:\.(?:into|to_string|to_owned)\(\))?\)?"
_MEMBERS = compiled(
    rb"[0-9A-Za-z+/=_:\-]{16,256}[\"']" + _INTO + rb",\s{0,40}(?:Some\()?[bru]?[\"']([0-9A-Za-z+/=_:\-]{16,256})[\"']" + _INTO
    + rb"(?:,\s{0,40}(?:Some\()?[bru]?[\"']([^\s\"'\\]{4,128})[\"']" + _INTO + rb")?"
    rb"(?:,\s{0,40}(?:NULL|null|None|True|False|true|false|[0-9]{1,9}|[\"'][^\"'\n]{0,40}[\"'])){0,4},?\s{0,40}[\])}]"
)
_HASHES = compiled(
    rb"0x[0-9a-fA-F]{64}[\"'],\s{0,40}[\"']0x[0-9a-fA-F]{64}[\"']|0x[0-9a-fA-F]{40}[\"'],\s{0,40}[\"'](?:0x)?[0-9a-fA-F]{40}[\"']"
)
"""Two words of the chain: the proof that something is in a tree, the topics of an event; two addresses."""
_OF_OTHERS = compiled(
    rb"(?:(?i:witness|account_?keys|pub(?:lic)?_?keys|secrets|signatures|checksums)"
    rb"|(?:(?<![A-Za-z])|(?<=[a-z])(?=[A-Z]))(?i:topics|proofs?|hash(?:es)?|(?:tx(?:id)?|order|trade|id|addresse)s|stack))"
    rb"[\"']? ?[:=]>? ?[\[({]{1,2}\s{0,40}[bru]?[\"']?\Z"
)
"""The name of a list of something else than a key and its secret: of a transaction's parts, of all accounts' secrets."""
_PARALLEL = compiled(rb",?;?\s{1,40}[\"']?\w{0,30}(?i:secrets|passphrases)[\"']? ?[:=]>? ?[\[({]")
"""Behind a list of keys that of their secrets."""
_IDENTIFIER = compiled(rb"[0-9a-fA-F\-]{24,}")
"""What follows a key and a secret and is no passphrase: of three such the row is an order's."""


def _in_row(data: bytes, start: int, before: re.Pattern[bytes] = _ROW) -> Named | None:
    """The first of two or three values in a list that is a venue's: key, secret, passphrase."""
    if not random(data, start):
        return None
    column = _column(data, start)
    if column is not None:
        return Named(column + b"_1", start - 1, data[start - 1 : start])
    members = _MEMBERS.match(data, start)
    if members is None or not DIGIT.search(members[1]) or _HASHES.match(data, start) or (members[2] and _IDENTIFIER.fullmatch(members[2])):
        return None
    low = max(0, start - 90)
    found = before.search(data[low:start])
    if found is None or _OF_OTHERS.search(found.string) or _PARALLEL.match(data, members.end()):
        return None
    return Named(ARGUMENTS[0], low + found.start() + 1, found["quote"])


_COLUMN = compiled(rb"(?i)(?<![a-z])(?:api_?)?(key|secret|passphrase|password)s[\"']? ?[:=]>? ?[\[({]\s{0,40}[bru]?[\"']\Z")
_OF_COLUMN = compiled(rb"[^\s\"'\\]{8,512}[\"'](?:,\s{0,40}[bru]?[\"'][^\s\"'\\]{4,512}[\"']){1,19},?\s{0,40}[\])}]")


def _column(data: bytes, start: int) -> bytes | None:
    """What each value of a list is, where one list holds the keys of several accounts and another their secrets."""
    found = _COLUMN.search(data[max(0, start - 90) : start])
    values = _OF_COLUMN.match(data, start) if found else None
    if found is None or values is None:
        return None
    word = found[1].lower()
    if word == b"key":
        return ARGUMENTS[0] if _PARALLEL.match(data, values.end()) else None
    return ARGUMENTS[1 if word == b"secret" else 2]


def _third(data: bytes, start: int) -> Named | None:
    """The same behind the name of the venue or of the account; or the secret behind a key as short as a name."""
    if _MEMBERS.match(data, start):
        return _in_row(data, start, _THIRD)
    low = max(0, start - 100)
    key = _SHORT_FIRST.search(data[low:start])
    if key is None or not _SECOND.match(data, start) or not short(data, low + key.start(1)):
        return None
    return Named(ARGUMENTS[1], low + key.start(1), key["quote"])


def _slashed(data: bytes, start: int, found: re.Match[bytes], name: Named) -> Named | None:
    if not (DIGIT.search(found[1]) and random(data, start)):
        return None
    return name._replace(name=ARGUMENTS[1])


_LINES = compiled(
    rb"[0-9A-Za-z+/=_\-]{16,512}[ \t]{0,4}\r?\n(?:\r?\n)?" + _WHO + rb"([0-9A-Za-z+/=_\-]{16,512})[ \t]{0,4}(?=\r?\n|\Z)"
    rb"(?:\r?\n" + _WHO + rb"(?:(?i:pass|passphrase|password|pw|pwd|pp)(?: is)?:? {1,2})?([!-~]{6,64})[ \t]{0,4}"
    rb"(?=\r?\n[ \t]{0,4}(?:\r?\n|\Z)|\Z))?"
)
_BRIEFLY = compiled(
    rb"[0-9A-Za-z+/=_\-]{16,512}[\"'](?:,|:|,?;?\s)\s{0,40}(?:[\w.]{1,30}(?:\[[\"'][\w\-]{1,30}[\"']\]){0,2}\[)?"
    rb"[\"']?(?:s|secret|private|priv)[\"']?\]? ?[:=] ?[\"']([0-9A-Za-z+/=_\-]{16,512})[\"']"
    rb"(?:(?:,|:|,?;?\s)\s{0,40}[\"']?(?:p|passphrase|password)[\"']? ?[:=] ?[\"']([^\s\"'\\]{4,128})[\"'])?"
)


def _brief(data: bytes, start: int) -> Named | None:
    """The key of a pair whose names say no more than k and s."""
    pair = _BRIEFLY.match(data, start) if random(data, start) else None
    if pair is None or not random(data, pair.start(1)):
        return None
    low = max(0, start - 20)
    found = _BRIEF.search(data[low:start])
    return Named(ARGUMENTS[0], low + found.start(), found["quote"]) if found else None


def _bare(data: bytes, start: int) -> Named | None:
    """The first of two lines, or three, that are a key, its secret and a passphrase with nothing said of them."""
    lines = _LINES.match(data, start) if random(data, start) else None
    if lines is None or not random(data, lines.start(1)):
        return None
    low = max(0, start - 90)
    found = _BARE.search(data[low:start])
    return Named(ARGUMENTS[0], low + found.start() + 1, b"") if found else None


_SEQUENCED = compiled(
    rb"[0-9A-Za-z+/=_:\-]{8,256}[\"']?, ?[\"']?([0-9A-Za-z+/=_:\-]{16,256})[\"']?(?:, ?[\"']?([^\s\"'\\,\[\]{}]{4,128})[\"']?)?"
    rb"[ \t]{0,4}[\]}]"
)
_CONSTRUCTED = compiled(
    rb"[0-9A-Za-z+/=_:\-]{8,256}\"\s?/?>(?:\s{0,4}</constructor-arg>)?\s{0,80}<constructor-arg value=\"([0-9A-Za-z+/=_:\-]{16,256})\""
    rb"(?:\s?/?>(?:\s{0,4}</constructor-arg>)?\s{0,80}<constructor-arg value=\"([^\s\"]{4,128})\")?"
)
_BREAK = rb"[ \t]{0,4}(?:\r?\n(?:> ?){0,5}|\\n|<br/?>\n?)"
_BELOW = compiled(
    rb"[0-9A-Za-z+/=_\-]{8,256}" + _BREAK + rb"([0-9A-Za-z+/=_\-]{16,512})"
    rb"(?:" + _BREAK + rb"(?=[^\s\"<\\]{0,40}[0-9!@#$%&*_\-])([^\s\"<\\:]{6,64}))?(?=[ \t]{0,4}(?:\r?\n|\\n|\Z|[\"<]))"
)
_GIVEN_BACK = compiled(
    rb"[0-9A-Za-z+/=_:\-]{8,256}[\"'], ?[\"']([0-9A-Za-z+/=_:\-]{16,256})[\"'](?:, ?[\"']([^\s\"'\\]{4,128})[\"'])?"
    rb"(?:, ?(?:\w{1,16}|[\"']{2}))?[ \t]{0,4};?(?=\r?\n| \}|[ \t]{1,4}(?:#|//))"
)
_OPTIONED = compiled(
    rb"[0-9A-Za-z+/=_:\-]{8,256}[\"']? -s [\"']?([0-9A-Za-z+/=_:\-]{16,256})[\"']?(?: -p [\"']?([^\s\"']{4,128})[\"']?)?"
)
_HEX_OR_ID = compiled(rb"(?:0x)?[0-9a-f]{64}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{24}")
"""Of two such a list may be of orders, or of what they were settled by; but a short one before a long one is a key and its
secret, too."""


def _listing(pattern: re.Pattern[bytes], before: re.Pattern[bytes]) -> Callable[[bytes, int], Named | None]:
    """A reader of two or three values in a row, of which nothing but the place says which is which."""

    def read(data: bytes, start: int) -> Named | None:
        members = pattern.match(data, start)
        if members is None or not DIGIT.search(members[1]) or (members[2] and _IDENTIFIER.fullmatch(members[2])):
            return None
        first = RUN.match(data, start) or _SHORT_RUN.match(data, start)
        if first is None:
            return None
        if _HEX_OR_ID.fullmatch(first[0]) and _HEX_OR_ID.fullmatch(members[1]) and not (len(first[0]) == 24 and len(members[1]) == 36):
            return None
        low = max(0, start - 90)
        found = before.search(data[low:start])
        if found is None or _OF_OTHERS.search(found.string):
            return None
        return Named(ARGUMENTS[0], low + found.start() + 1, found["quote"])

    return read


_SHORT_RUN = compiled(rb"[0-9A-Za-z+/=_:\-]{8,512}")
_LITERALS = compiled(rb"[\"'`]([0-9A-Za-z+/=_:\-]+)[\"'`]")


_PAIRS_OF = compiled(rb"(?i)(?<![a-z])(?:accounts?|creds?|credentials|keys|pairs|auth|api)[\"']?(?:=| ?[:=] ?(?=[\"']))(?P<quote>[\"']?)\Z")
_PAIR = compiled(
    rb"([0-9A-Za-z+/=_\-]{8,256}):([0-9A-Za-z+/=_\-]{20,512})(?::(?=[^\s:,;\"']{0,40}[0-9])([^\s:,;|\"']{4,64}))?(?=[,;|\s\"']|\Z)"
)
_NEXT_PAIR = compiled(rb"[,;|] ?")
_MOST_PAIRS = 20


def _pairs(data: bytes, start: int) -> list[re.Match[bytes]]:
    """The accounts of a list that has a colon between a key and its secret."""
    out: list[re.Match[bytes]] = []
    while (pair := _PAIR.match(data, start)) is not None and DIGIT.search(pair[2]) and len(out) < _MOST_PAIRS:
        out.append(pair)
        between = _NEXT_PAIR.match(data, pair.end())
        if between is None:
            break
        start = between.end()
    return out


def _paired_key(data: bytes, start: int) -> Named | None:
    """The first key of VENUE_ACCOUNTS=key:secret,key:secret."""
    if not random(data, start) or not _pairs(data, start):
        return None
    low = max(0, start - 90)
    found = _PAIRS_OF.search(data[low:start])
    return Named(ARGUMENTS[0] + b"_1", low + found.start(), found["quote"]) if found else None


def _rest_of_pairs(data: bytes, start: int) -> list[tuple[bytes, int, int]]:
    """All of them, the first one, too: as a value it would go on behind its colon."""
    return [
        (called + b"_%d" % number, *pair.span(group))
        for number, pair in enumerate(_pairs(data, start), 1)
        for group, called in enumerate(ARGUMENTS, 1)
        if pair[group]
    ]


_SCHEME = compiled(rb"(?<![\w+])([a-z][a-z0-9_\-]{1,24})(?:\+[a-z]{2,8})?://\Z")
_USER = compiled(rb"(?P<key>[0-9A-Za-z_\-]{8,256}):(?P<secret>[0-9A-Za-z+/=_\-]{20,512})@")
_PHRASE_OF_QUERY = compiled(rb"[^\s\"'<>?]{0,80}\?[^\s\"'<>]{0,80}?(?:pass(?:phrase|word)?|pw)=([^\s\"'<>&]{4,128})")
_PAGES = frozenset((b"http", b"https", b"ws", b"wss", b"ftp", b"sftp", b"ssh", b"git", b"file", b"tcp", b"udp"))


def _schemed(data: bytes, start: int) -> Named | None:
    """The key before the secret in an address that a venue is the scheme of: venue://key:secret@host."""
    pair = _USER.match(data, start)
    low = max(0, start - 48)
    found = _SCHEME.search(data[low:start]) if pair and DIGIT.search(pair["secret"]) else None
    if found is None or found[1] in _PAGES:
        return None
    return Named(found[1] + b"_" + ARGUMENTS[0], low + found.start(1), b"")


def _rest_of_address(data: bytes, start: int) -> list[tuple[bytes, int, int]]:
    """All parts of it, the first one, too: as a value it would go on behind its colon."""
    named, pair = _schemed(data, start), _USER.match(data, start)
    if named is None or pair is None:
        return []
    whose = named.name.removesuffix(ARGUMENTS[0])
    out = [(whose + ARGUMENTS[0], *pair.span("key")), (whose + ARGUMENTS[1], *pair.span("secret"))]
    phrase = _PHRASE_OF_QUERY.match(data, pair.end())
    return [*out, (whose + ARGUMENTS[2], *phrase.span(1))] if phrase else out


_APPLIED = compiled(rb"\"([0-9A-Za-z+/=_:\-]{8,256})\" (?P<quote>\")\Z")
_APPLIED_THIRD = compiled(rb"[^\s\"]{16,512}\" \"([^\s\"\\]{4,64})\"")


def _applied(data: bytes, start: int, found: re.Match[bytes], name: Named) -> Named | None:
    """The secret behind its key, where a function's arguments stand side by side: Creds "key" "secret"."""
    return name._replace(name=ARGUMENTS[1]) if DIGIT.search(found[1]) and random(data, start) else None


def _around_applied(data: bytes, start: int) -> list[tuple[bytes, int, int]]:
    low = max(0, start - 270)
    key = _APPLIED.search(data[low:start])
    third = _APPLIED_THIRD.match(data, start)
    out = [(ARGUMENTS[0], low + key.start(1), low + key.end(1))] if key else []
    return [*out, (ARGUMENTS[2], *third.span(1))] if third else out


def _row(trigger: str) -> Form:
    return Form(_ROW, trigger, whole=_in_row, rest=_rest_of_row, listed=True)


def _in_order(before: re.Pattern[bytes], row: re.Pattern[bytes], trigger: str, listed: bool = False) -> Form:
    """Two or three values of which nothing but their place says which is which: `row` has them from the first one on."""
    return Form(before, trigger, whole=_listing(row, before), rest=_members_of(row), listed=listed)


def _members_of(row: re.Pattern[bytes]) -> Callable[[bytes, int], list[tuple[bytes, int, int]]]:
    """What gives the secret and the passphrase that follow a key."""

    def rest(data: bytes, start: int) -> list[tuple[bytes, int, int]]:
        members = row.match(data, start)
        return [(ARGUMENTS[number], *members.span(number)) for number in (1, 2) if members[number]] if members else []

    return rest


_rest_of_members = _members_of(_MEMBERS)


def _rest_of_row(data: bytes, start: int) -> list[tuple[bytes, int, int]]:
    """The others of a venue's row, or of a list that holds the keys of several accounts."""
    column = _column(data, start)
    if column is None:
        return _rest_of_members(data, start)
    values = _OF_COLUMN.match(data, start)
    rest = _VALUES.finditer(data, start + data[start:].index(data[start - 1 : start]) + 1, values.end()) if values else ()
    return [(column + b"_%d" % number, each.start() + 1, each.end() - 1) for number, each in enumerate(rest, 2)]


def _rest_of_third(data: bytes, start: int) -> list[tuple[bytes, int, int]]:
    return _rest_of_members(data, start) if _MEMBERS.match(data, start) else _short_key(data, start)


def _mapped_key(data: bytes, start: int) -> list[tuple[bytes, int, int]]:
    """The key to the left of a secret: "venue" -> "key" to "secret"."""
    low = max(0, start - 270)
    before = _MAPPED.search(data[low:start])
    return [(ARGUMENTS[0], low + before.start(1), low + before.end(1))] if before and before["key"] else []


def _around_slashes(data: bytes, start: int) -> list[tuple[bytes, int, int]]:
    """The key before a secret, and the passphrase behind it: key / secret / passphrase."""
    low = max(0, start - 520)
    before = _SLASHED.search(data[low:start])
    third = _THIRD_SLASHED.match(data, start)
    out = [(ARGUMENTS[0], low + before.start(1), low + before.end(1))] if before else []
    return [*out, (ARGUMENTS[2], *third.span(1))] if third else out


FORMS = (
    # NewClient("key", "secret", "passphrase")
    Form(
        _CALLED,
        r"(?i)" + _CLIENT
        + r"\w{0,16}(?: ?= ?)?[({]\s{0,40}(?:" + _LITERAL + r",\s{0,40}){0,2}(?:Some\()?[bru]?[\"'`][^\s\"'`\\,(){}<>]{5}",
        asked=_argument, rest=_short_key, since=_callee,
    ),
    # "venue": ["key", "secret"], "venue" => ["key", "secret"], "venue" to Pair("key", "secret"); `following` reads the others.
    # Each has a literal, and the first nothing that repeats: one pattern for all of them was a third of stage 1
    _row(r"[\"']: ?[\[(][\"']" + LONG),
    _row(r"[\"'] => ?[\w:]*[\[({]{1,2}\s*[\"']" + LONG),
    _row(r"[\"'] to [\w:]*[\[({]\s*[\"']" + LONG),
    Form(
        _TUPLE,
        r"[\"'] ?: ?\(\s{0,40}(?:" + _LITERAL + r",\s{0,40}){1,2}[bru]?[\"'][^\s\"'`\\,(){}<>]{5}",
        asked=_argument, rest=_short_key, since=_callee,
    ),
    # api_key, api_secret = "v", "w"
    Form(
        UNPACKED,
        r"(?i:key|secret|phrase|password|memo|token)[\])]? ?:?= ?[\[(]?[bru]?[\"'][^\s\"'\\]+[\"'], ?"
        r"(?:[bru]?[\"'][^\s\"'\\]+[\"'], ?)?[bru]?[\"']" + VALUE,
        asked=_unpacked,
    ),
    # VENUE("key", "secret"), of an enumeration
    _row(r"[A-Z]\(\"" + LONG),
    _row(r"[A-Z]\('" + LONG),
    # venue key / secret
    Form(_SLASHED, r"[0-9A-Za-z+/=_\-]{16} / [0-9A-Za-z+/=_\-]{5}", asked=_slashed, rest=_around_slashes),
    # creds: ["key", "secret"]
    # API_KEYS: string[] = ["v", "w"], tokens := []string{"v"}
    _row(
        r"(?i)(?:cred|key|auth|api|account|token|secret)\w*[\"']?(?:: ?[\w\[\]<>]+)? ?(?:=>|:=|[:=]) ?" + LIST_OF
        + r"[\[({]\s*[\"']" + LONG,
    ),
    # Venue::new(Some("key".into()), Some("secret".into())): a literal of its own, where `_CLIENT` with it was dear
    _row(r"::(?:new|from_\w{1,12}|with_\w{1,16})\(\s{0,40}(?:Some\()?\"" + LONG),
    # {"venue", {"key", "secret"}}; std::make_unique<VenueClient>("key", "secret")
    _row(r"[\"'], ?[{\[] ?[\"']" + LONG),
    _row(r">\(\"" + LONG),
    # venue=("key", "secret"), venue = ["key", "secret"]: a literal each
    _row(r"\w=[\[(][\"']" + LONG),
    _row(r"[\w)] = [\[({][\"']" + LONG),
    _row(r"\w = \{ [\"']" + LONG),
    # Venue api, and on the next lines the key and the secret with no word before them
    Form(
        _BARE,
        r"(?i:api|apis|keys|creds|credentials|account)(?:\n|:\n|\r\n|:\r\n|\n\n|:\n\n|\r\n\r\n|:\r\n\r\n)(?:[ \t]{0,4}|[^\n]{2,44}[:>] )"
        + LONG,
        whole=_bare, rest=_members_of(_LINES),
    ),
    # "k": "key", "s": "secret"; k = "key" and below it s = "secret"; "public": "key", "secret": "v"
    Form(_BRIEF, r"[\"'](?:k|public)[\"']: ?[\"']" + LONG, whole=_brief, rest=_members_of(_BRIEFLY)),
    Form(_BRIEF, r"[\"']api[\"'](?:: ?|\] ?= ?)[\"']" + LONG, whole=_brief, rest=_members_of(_BRIEFLY)),
    Form(_BRIEF, r"[ \t\n]k ?= ?[\"']" + LONG, whole=_brief, rest=_members_of(_BRIEFLY)),
    # "apiKey" to "v"
    Form(_MAPPED, r"[\"'] to [\"']" + LONG, asked=_mapped, rest=_mapped_key),
    # connect("venue", "key", "secret"), ("main", "key", "secret")
    Form(
        _THIRD,
        r"[(\[{](?:[\"'][A-Za-z][\w.\-/ ]{1,16}[\"'], ?){1,2}(?:[\"'][\w\-]{8,10}[\"'], ?)?[\"']" + LONG,
        whole=_third, rest=_rest_of_third,
    ),
    Form(_THIRD, r"\([\"'][a-z]{2,16}[\"'],\n {0,8}[\"']" + LONG, whole=_third, rest=_rest_of_third),
    # {"op": "auth", "args": ["key", 1662350400000, "signature"]}
    Form(_AUTHED, r"\"args\": ?\[\"" + LONG, asked=_authed),
    # venue: [key, secret] of YAML; "venue": {"key", "secret"} of Go
    _in_order(_SEQUENCE, _SEQUENCED, r"\w: ?\[[\"']?" + LONG, listed=True),
    _in_order(_SEQUENCE, _SEQUENCED, r"\": {1,2}\{\"" + LONG, listed=True),
    # <constructor-arg value="key"/> and below it <constructor-arg value="secret"/>
    _in_order(_BUILT, _CONSTRUCTED, r"constructor-arg value=\"[0-9A-Za-z+/=_:\-]{5}"),
    # bot -k key -s secret -p passphrase
    _in_order(_OPTIONS, _OPTIONED, r" -k [\"']?[0-9A-Za-z+/=_:\-]{5}"),
    # return "key", "secret", "passphrase"
    _in_order(_RETURNED, _GIVEN_BACK, r"\breturn [\"']" + LONG),
    # Venue:, and on the next lines the key and the secret
    _in_order(_TITLED, _BELOW, r"[A-Za-z.]:(?:[ \t]{0,2}\r?\n(?:> ?){0,5}|\\n|<br/?>\n?)" + LONG),
    # VENUE_ACCOUNTS=key:secret,key:secret
    Form(
        _PAIRS_OF, r"(?:ACCOUNTS?|CREDS?|CREDENTIALS|KEYS|PAIRS|_AUTH|_API|accounts|creds|credentials|keys)=[\"']?" + LONG,
        whole=_paired_key, rest=_rest_of_pairs,
    ),
    Form(_PAIRS_OF, r"(?i:accounts|creds|credentials|keys)[\"']?(?::| =) [\"']" + LONG, whole=_paired_key, rest=_rest_of_pairs),
    # new NewsAPI("key"), shodan.Shodan("key")
    Form(_NEWED, r"[a-zA-Z]\([\"']" + LONG, asked=_newed, since=_since_new),
    # ApiCredentials = new("key", "secret")
    _row(r"= new\([\"']" + LONG),
    # Credentials{"key", "secret"}, Keys venue{"key", "secret"}
    _row(r"\w\{\"" + LONG),
    # venue://key:secret@host?passphrase=v
    Form(_SCHEME, r"[0-9A-Za-z]://" + LONG, whole=_schemed, rest=_rest_of_address),
    # venue = Credentials "key" "secret" "passphrase"
    Form(_APPLIED, r"[0-9A-Za-z+/=_\-]{8}\" \"" + LONG, asked=_applied, rest=_around_applied),
)
