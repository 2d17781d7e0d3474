"""The other half: a key that stands beside its secret under a name that says too little, and the rows of values that nothing
names, after the name of their venue.

`X_ID` beside `X_SECRET`, a user name beside its password, `public` beside `private`: such names are on every page, and mean
a key only where its secret stands. So the first stage does not look for them; here they are looked for from the secret.
Rows are for files that people keep notes and tables in, which are small (`engine.ROW_FILES`): nothing but the venue tells
a row from any other text, so that no pattern of the first stage could be quick about it.

Depends on no more than `REACH` bytes around what it is asked about. Pure functions; knows no rules. Imported by context.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from leakguard.detect.assign import PART_NAMES, Assigned, words
from leakguard.detect.forms import unlike_words
from leakguard.detect.patterns import compiled

REACH = 320
"""Bytes from a secret to its key; as far as reuse.py takes an end to lead to a value."""

KEY, SECRET, PASSPHRASE = b"key_of_client", b"secret_of_client", b"passphrase_of_client"
"""Names that no generic rule listens to."""

_GIVEN = (
    rb"(?:=>|:=|<-|\?=|,?\s{1,40}[\"']?(?i:value)[\"']?[ \t]?[:=]|(?:[Aa]s )?[Ss]tring ?=|: ?[&\w'<>]{2,16}(?: str)? ?=|[:=,]"
    rb"|</[A-Za-z]{1,12}>\s{0,20}<[A-Za-z]{1,12}>|[ \t](?=[\"'`])|[ \t]{2,24}(?=[0-9A-Za-z+/=_\-]{8})"
    rb"|[ \t](?:is|ist|es|->)[ \t]|(?:[ \t]|[ \t]{0,4}:?[ \t]{0,4}\r?\n)(?=[0-9A-Za-z+/=_\-]{8,64}"
    rb"(?:[ \t]{0,4}(?:\r?\n|\Z)|[ \t](?i:secret|api_?secret|private))))"
)
"""What stands between a name and its value: of assignments in many languages, of tags, of a table of names and values, of what
people say; where nothing but a blank or a line's end does, the value ends its line."""
_FIELD = rb"(?:=>|:=|,\s{1,40}[\"']?value[\"']?[ \t]?[:=]|[:=,]|</[A-Za-z]{1,12}>\s{0,20}<[A-Za-z]{1,12}>)"
_SIGNS = rb"[0-9A-Za-z+/=_:\-]"
_BESIDE = compiled(
    rb"(?<![A-Za-z0-9$])(?P<name>(?:[A-Za-z_$][\w.$\-]{0,60}?[_.\-]?)?"
    rb"(?P<what>(?i:id|public|pub(?:lic)?[_\-]?key|user[_\-]?name|user|login|keey|key|ak|codename|(?:clave|chave|cle|llave|chiave)[_\-]?api"
    rb"|schl(?:ue|u)ssel|clave|chave|chiave|klucz|anahtari?|kunci|sleutel)))"
    rb"(?P<mark>_(?:[0-9]{1,2}|[A-Z]{1,8}_?[0-9]{0,2}))?"
    rb"[\"'`\])\\]{0,4}[ \t]{0,4}" + _GIVEN + rb"\s{0,4}[\[({]?[\"'`\\]{0,4}"
    rb"(?P<value>" + _SIGNS + rb"{8,256})(?!" + _SIGNS + rb"|[\"'`](?:\s{0,4}:|,\s{1,40}[\"']?value[\"']?[ \t]?[:=]))"
)
_CELL_BEFORE = compiled(rb"(?:\A|[,;\t\n])[\"']?(?P<value>[0-9A-Za-z+/=_:\-]{8,256})[\"']?[,;\t](?:\w{1,20}=)?[\"']?(?:\w{1,20}: )?\Z")
"""The cell before the secret's, in the columns of a user name and a password."""
_ID = frozenset({"id", "user", "login", "key"})
_KEY_IDS = frozenset({("api", "key", "id"), ("access", "key", "id"), ("key", "id"), ("access", "id"), ("api", "id")})
_OF_IDS = ("api", "key", "access", "client", "tapi", "app")
_RECORDS = frozenset(
    "order trade request req trace span session chat account acct user sub tx txn block message msg channel guild device record row"
    " object job task run build group tenant parent client project org app bot event user_id customer wallet team agent broker"
    " foreign primary partition sort cache lookup unique idempotency listen".split()
)
"""What has an id or a key of its own that is no credential."""


def beside(data: bytes, start: int, end: int, names_venue: Callable[[tuple[str, ...]], bool]) -> Iterator[Assigned]:
    """The values around the secret data[start:end] that could be its key, the nearer first, and before those behind it.
    `names_venue`: whether words of a name are the venue's, for everything has an id."""
    low, high = max(0, start - REACH), min(len(data), end + REACH)
    before, after = data.rfind(b"\n\n", low, start), data.find(b"\n\n", end, high)
    low, high = before + 2 if before >= 0 else low, after if after >= 0 else high
    cell = _CELL_BEFORE.search(data, max(low, start - 264), start)
    if cell is not None:
        yield Assigned(KEY, cell.start("value"), *cell.span("value"), b"", 0, b"=")
    found = [match for match in _BESIDE.finditer(data, low, high) if match.end("value") <= start or match.start("value") >= end]
    own = _own_name(data, start)
    whose = _whose(words(own[1]), names_venue) if own is not None else frozenset()
    for match in sorted(found, key=lambda match: _distance(match, start, end)):
        name = words(match["name"])
        if not name or (match["mark"] and not _is_marked(data, start, match["mark"])):
            continue
        others = _whose(name, names_venue)
        if whose - others and others - whose:
            continue  # another account's
        if name[-1:] == ("key",) and name[-2:-1] not in ((), ("public",), ("pub",), ("api",)) and not names_venue(name):
            continue
        if name[-1] == "id" and name not in _KEY_IDS and (_UUID.fullmatch(match["value"]) if len(name) == 1 else not names_venue(name)):
            continue
        if name[-1].endswith("id") and name[-1] != "id" and not name[-1].startswith(_OF_IDS):
            continue  # $oid, uuid
        if len(name) > 1 and name[-1] in _ID and not _RECORDS.isdisjoint(name[:-1]):
            continue
        # which of several accounts it is of, only its name says
        called = data[match.start("name") : match.start("what")] + b"api_key" + match["mark"] if match["mark"] else KEY
        yield Assigned(called, match.start("name"), *match.span("value"), b"", 0, b"=")


_OWN_NAME = compiled(
    rb"([A-Za-z_][\w.\-]{2,79})(?:(?: [Aa]s|:)? ?[Ss]tring|: ?(?:&(?:'static )?)?str)?[^\w\n]{1,12}\Z"
)
_PARTS = frozenset(word for _, runs in PART_NAMES for run in runs for word in run.split("_")) | {
    "id", "public", "pub", "private", "priv", "b64", "base64", "user", "name", "login", "code", "codename", "ak", "sk", "sec", "value",
    "my",
}  # fmt: skip


def _own_name(data: bytes, start: int) -> re.Match[bytes] | None:
    """The name that the secret at `start` was given to, if it stands right before it."""
    return _OWN_NAME.search(data[max(0, start - 100) : start])


def _whose(name: tuple[str, ...], names_venue: Callable[[tuple[str, ...]], bool]) -> frozenset[str]:
    """What a name says of the account: neither the part's words nor the venue's."""
    return frozenset(word for word in name if word not in _PARTS and not names_venue((word,)))


_PHRASE = compiled(
    rb"(?<![A-Za-z0-9$])(?P<name>(?:[A-Za-z_$][\w.$\-]{0,60}?[_.\-])?"
    rb"(?i:(?:api|auth|rest|key|trade|app|sec)?pass(?:[_\-]?phrase|word|wd|phrse|prase|phase)?|(?:api)?pwd|pp|senha|frase|contrase(?:n|\xc3\xb1)a"
    rb"|parola|kennwort|passwort|mot_?de_?passe|haslo|phrase(?:_?secrete)?)(?:[_\-]\w{1,12})?|[a-z]\w{0,60}?(?:Pass(?:[Pp]hra?se|word)?|Pp))[\"'`\])\\]{0,4}"
    rb"(?:[ \t]{0,4}" + _FIELD + rb"\s{0,4}[\[({]?[\"'`\\]{0,4}|[ \t]{1,4}(?:value=)?[\"'`]|\([\"'`]"
    rb"|[ \t](?:is|to)[ \t]|[ \t]{1,30}|,{2,6})(?<=[\s\"'`=:,>])"
    rb"(?P<value>(?=[^\s\"'`]{0,40}[0-9]|[A-Za-z]{10,32}(?![^\s\"'`,;<>)}\]]))[^\s\"'`\\,;<>{}()$|=:][^\s\"'`\\,;<>{}()]{3,127})(?![^\s\"'`,;<>)}\]])"
)
"""A passphrase with a digit in it, or of letters that are no words, of any form in which its secret was found."""


def phrases_beside(data: bytes, start: int, end: int) -> Iterator[Assigned]:
    """The values around the secret data[start:end] that could be its passphrase, those behind it first: it comes last."""
    low, high = max(0, start - REACH), min(len(data), end + REACH)
    before, after = data.rfind(b"\n\n", low, start), data.find(b"\n\n", end, high)
    low, high = before + 2 if before >= 0 else low, after if after >= 0 else high
    found = [match for match in _PHRASE.finditer(data, low, high) if match.end("value") <= start or match.start("name") >= end]
    for match in sorted(found, key=lambda match: (match.start() < start, abs(match.start() - start))):
        first, last = match.span("value")
        if not _DIGIT.search(match["value"]) and not unlike_words(match["value"]):
            continue
        if data[last - 1 : last] == b"." and _SAID.search(data, match.start(), first):
            last -= 1  # of the sentence
        around = data[first - 1 : first], data[last : last + 1]
        quote = around[0] if around in _QUOTES else b""
        yield Assigned(match["name"], match.start("name"), first, last, quote, 0, b"=")


_QUOTES = ((b'"', b'"'), (b"'", b"'"))
_SAID = compiled(rb"[ \t](?:is|to)[ \t]\Z")


def _is_marked(data: bytes, start: int, mark: bytes) -> bool:
    """Whether the name of the secret at `start` ends in the mark that tells one account's from another's: _1, _MAIN."""
    before = data[max(data.rfind(b"\n", 0, start) + 1, start - 120) : start]
    return before.rstrip(b" \t\"'`=:").endswith(mark)


def _distance(match: re.Match[bytes], start: int, end: int) -> tuple[int, int]:
    return (start - match.end("value"), 0) if match.end("value") <= start else (match.start("value") - end, 1)


_LOGIN = compiled(
    rb"(?i:user(?:[_\-]?name)?|login|<Value>|[,;\t])[\"'`\\]{0,4}[ \t]{0,4}(?:" + _FIELD + rb")?\s{0,4}[\"'`\\]{0,4}"
    rb"(?=" + _SIGNS + rb"{0,64}[0-9])" + _SIGNS + rb"{8,256}[\"'`\\]{0,4}(?:[,;\t]\s{0,40}|\r?\n\s{0,24}|</[A-Za-z]{1,12}>)"
    rb"(?:[\"'`\\]{0,4}(?i:pass(?:word|wd)?|pwd|value)[\"'`\\]{0,4}[ \t]{0,4}[:=]\s{0,4})?[\"'`\\]{0,4}\Z"
)
_BETWEEN = compiled(rb"(?:</String>\s{0,40})?<String>\s{0,40}<Key>Password</Key>\s{0,40}<Value[^<>]{0,40}>\Z")


def follows_login(data: bytes, start: int) -> bool:
    """Whether what stands before the password at `start` is a user's name that nobody was ever given: letters and digits."""
    before = data[max(0, start - REACH) : start]
    if not _DIGIT.search(before):
        return False
    keepass = _BETWEEN.search(before) if b"<Value" in before else None
    return _LOGIN.search(before[: keepass.start()] if keepass else before) is not None


_CELL = rb"[0-9A-Za-z+/_\-][0-9A-Za-z+/_:\-]{%d,511}={0,2}"
"""Ends, but does not go on behind `=`: `key=v` is no value."""
_OPENS = rb"(?:[\"'`]|\\\w{2,8}[{|])?"
"""A quote, or a command of TeX's for what is typed."""
_LEAD = rb"(?:[ \t]{0,4}\r?\n)?(?:(?:```|~~~)\w{0,12}\r?\n)?[ \t]{0,8}(?:(?:[\-*+>]|[0-9][.)]) {1,3})?"
"""What may stand before a line of a note: an empty line, a fence, an indentation, the mark of a list."""
_SAME = rb"(?(sep)(?P=sep)|(?(line)[ \t]{0,2}\r?\n" + _LEAD + rb"| ))" + _OPENS
"""What parts a cell from the next one: the same as the venue from the first."""
_CLOSES = rb"[\"'`}|]?"
_ENDS = _CLOSES + rb"(?=[\s,;|)\]]|\Z)"
_ROW = compiled(
    rb"[\w.\- ]{0,16}[\"'`]?"
    rb"(?:(?P<sep>[ \t]{0,2}(?:[,;\t&]|\|{1,2})[ \t]{0,2})(?:[\"'`]?[\w.@\- ]{0,24}[\"'`]?(?P=sep))?"
    rb"|(?P<line>(?: ?\([\w .\-]{1,24}\))?[:*=\-]{0,3}[ \t]{0,2}\r?\n(?:[=\-~]{2,60}\r?\n)?" + _LEAD + rb")|(?P<blank> ))"
    + _OPENS + rb"(?P<key>" + _CELL % 7 + rb")" + _CLOSES
    + _SAME + rb"(?P<secret>" + _CELL % 19 + rb")" + _ENDS
    + rb"(?:" + _SAME + rb"(?P<phrase>[^\s,;|\"'`{}]{4,64})" + _ENDS + rb")?"
)
_ROW_BEFORE = compiled(
    rb"[ \t]{0,8}(?:[\-*+>|] {0,3})?" + _OPENS + rb"(?P<key>" + _CELL % 7 + rb")" + _CLOSES
    + rb"(?P<sep>[ \t]{0,2}(?:[,;\t]|\|{1,2})[ \t]{0,2}|[ ]{1,4})" + _OPENS + rb"(?P<secret>" + _CELL % 19 + rb")" + _CLOSES
    + rb"(?:(?P=sep)" + _OPENS + rb"(?P<phrase>[^\s,;|\"'`{}]{4,64})" + _CLOSES + rb")?(?P=sep)(?:[#(\-] {0,2})?[\"'`]?"
)
_AFTER_ROW = compiled(rb"[\w.\-]{0,16}[\"'`)]?[ \t]{0,2}(?:[\r\n,;|]|\Z)")
"""The name of the venue ends its cell, or the line."""
_COLONS = compiled(
    rb"[\w.\- ]{0,16}[\"'`]?(?:(?::|=|,)?[ \t]{1,3}|:)" + _OPENS
    + rb"(?P<key>[0-9A-Za-z+/=_\-]{8,256}):(?P<secret>[0-9A-Za-z+/=_\-]{20,512})"
    rb"(?::(?P<phrase>[^\s:\"'`]{4,64}))?" + _ENDS
)
"""`venue: key:secret`, `venue:key:secret`."""
_UUID = compiled(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ID_OR_HASH = compiled(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{64}")
_NUMBER = compiled(rb"[\d.:TZ+\-/]+|0x[0-9a-fA-F]{40}|0x[0-9a-fA-F]{64}")
_ADDRESS = compiled(rb"(?:bc1|ltc1|addr1|cosmos1|tb1)[0-9a-z]{20,110}|(?![0-9a-f]+\Z)[13TrDLX][1-9A-HJ-NP-Za-km-z]{25,34}")
"""Of an account, as it stands before a transaction's hash in a list of withdrawals."""
_OF_TRANSFERS = compiled(
    rb"(?i)[^\n]{0,200}?(?<![a-z])(?:tx|tx_?id|tx_?hash|(?:transaction|block|order)_?(?:id|hash)|hash|address|signature)(?![a-z])[^\n]{0,200}"
)
_SHORT_HEAD = compiled(rb"(?i)[^\n]{1,40}[,;\t|]\"?ak\"?[,;\t|]\"?sk(?![a-z])")
"""The head of a table of access keys and their secrets, called by their first letters."""
_OF_ACCOUNTS = compiled(rb"(?i)secret|api|priv|pass")
_DIGIT = compiled(rb"[0-9]")
_CASES = compiled(rb"[a-z].*[A-Z]|[A-Z].*[a-z]|[0-9]")


def row(data: bytes, start: int, end: int) -> list[Assigned]:
    """The key, the secret and what may be a passphrase in a row that begins or ends with its venue's name, data[start:end]; [] if
    it is none."""
    found = _ROW.match(data, end) or _COLONS.match(data, end)
    if found is None and _AFTER_ROW.match(data, end):
        found = _ROW_BEFORE.fullmatch(data, data.rfind(b"\n", max(0, start - 2 * REACH), start) + 1, start)
    if found is None:
        return []
    if not _may_be(data, found["key"], found["secret"]):
        return []
    out = [Assigned(KEY, found.start("key"), *found.span("key"), b"", 0, b":"),
           Assigned(SECRET, found.start("secret"), *found.span("secret"), b"", 0, b":")]  # fmt: skip
    phrase = found["phrase"]
    if phrase and _DIGIT.search(phrase) and not _NUMBER.fullmatch(phrase):
        out.append(Assigned(PASSPHRASE, found.start("phrase"), *found.span("phrase"), b"", 0, b":"))
    return out


def _may_be(data: bytes, key: bytes, secret: bytes) -> bool:
    """Whether two cells of a row may be a key and its secret, of whatever venue."""
    if key == secret or _NUMBER.fullmatch(key) or _NUMBER.fullmatch(secret) or not _DIGIT.search(secret) or not _CASES.search(key):
        return False
    if _UUID.fullmatch(key) and _ID_OR_HASH.fullmatch(secret) and not _SHORT_HEAD.match(data):
        return False  # the ids of an order and of who gave it, a withdrawal and its transaction
    head = _OF_TRANSFERS.match(data)
    # who was paid, and in which transaction; a table whose columns are called so
    return not (_ADDRESS.fullmatch(key) or (head is not None and not _OF_ACCOUNTS.search(head[0])))


_ALONE = compiled(rb"[ \t]*(?:#{1,6} |\*\*|__|-{2,4} ?|={2,4} ?|\[)?\Z")
_ALONE_ENDS = compiled(
    rb"(?: \w[\w.\-]{0,15}){0,2}[\])]?(?:\*\*|__| ?-{2,4}| ?={2,4})?:?[ \t]*\r?\n(?:[=\-~]{2,60}\r?\n)?(?:[ \t]*\r?\n){0,2}"
)
_BELOW = compiled(rb"[ \t]{0,8}(?:[\-*+] )?(?P<cells>[!-~][^\n]{28,1200}?)[ \t]*\r?(?:\n|\Z)")
_PARTS_OF_ROW = tuple(compiled(sign) for sign in (rb"[ ]?\t[ ]?", rb"[ ]?[|;][ ]?", rb",[ ]?", rb"[ ]{2,}", rb"[ ]?:[ ]?"))
_KEY_CELL, _SECRET_CELL = compiled(_CELL % 7), compiled(_CELL % 19)
_MOST_BELOW = 200


def below(data: bytes, start: int, end: int) -> Iterator[list[list[Assigned]]]:
    """The rows below a title that is a venue's name, data[start:end], each with the ways to read it: an account's label may stand
    before its key. They end with the first line that is no such row."""
    if not _ALONE.fullmatch(data, data.rfind(b"\n", max(0, start - 16), start) + 1 if start > 16 else 0, start):
        return
    title = _ALONE_ENDS.match(data, end)
    at = title.end() if title else len(data)
    for _ in range(_MOST_BELOW):
        line = _BELOW.match(data, at)
        ways = _ways(data, *line.span("cells")) if line is not None else []
        if line is None or not ways:
            return
        yield ways
        at = line.end()


def _ways(data: bytes, low: int, high: int) -> list[list[Assigned]]:
    """The ways to read a line as key, secret and passphrase, of which the first may be a label."""
    for sign in _PARTS_OF_ROW:
        edges = [found.span() for found in sign.finditer(data, low, high)]
        if not 0 < len(edges) < 5:
            continue
        spans = list(zip([low, *(last for _, last in edges)], [*(first for first, _ in edges), high], strict=True))
        while spans and spans[-1][0] == spans[-1][1]:
            spans.pop()
        ways = [way for first in (0, 1) if (way := _way(data, spans[first : first + 3]))]
        if ways:
            return ways
    return []


def _way(data: bytes, spans: list[tuple[int, int]]) -> list[Assigned]:
    if len(spans) < 2:
        return []
    key, secret = (data[low:high] for low, high in spans[:2])
    if not (_KEY_CELL.fullmatch(key) and _SECRET_CELL.fullmatch(secret) and _may_be(data, key, secret)):
        return []
    return [Assigned(name, low, low, high, b"", 0, b":") for name, (low, high) in zip((KEY, SECRET, PASSPHRASE), spans, strict=False)]


