"""Context rules: values that must not be logged because of what they are called or where they stand, whether or not any
scanner's rule knows them.

Sensitive names in any case and separator style (fields, headers, query parameters), signatures and other one-time
proofs, passwords in URLs, bot tokens in URL paths, the bodies of PEM blocks line by line. The scanner reports none of
these without more evidence; a log must not hold them. Pure functions over bytes: no state but the PEM block that is
open, no value is kept. Imported by redact/ only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from leakguard.detect.naming import kind_of, part_of, words
from leakguard.detect.runtime import REDACT_BASE, Assigned
from leakguard.detect.stage1 import CONTEXT_BASE
from leakguard.model import Venue
from leakguard.redact.pieces import OPEN, said

USERINFO, PEM, BOT, COOKIE, RUN, BRIEF = (REDACT_BASE + number for number in range(6))
LISTEN, LOGIN, SIGNED, FORGED = (REDACT_BASE + number for number in range(16, 20))

TRIGGERS: tuple[tuple[int, bytes], ...] = (
    # unbounded repeats are one state each; how long the parts are is checked later
    # any user part: with its colon it costs three times as much where half-written URLs follow each other
    (USERINFO, rb"://[^\s/\"'<>]+@"),
    (PEM, rb"-----BEGIN [A-Z0-9 ]*PRIVATE KEY"),
    (BOT, rb"/bot[0-9]{6,12}:[A-Za-z0-9_\-]{20}"),
    (COOKIE, rb"(?i)cookie[\"']?[ \t]{0,4}[:=,][ \t]{0,4}b?[\"']?[^\s\"']"),
    # a line's end in base64: it may go on in the next line
    (RUN, rb"[A-Za-z0-9+/_\-]{40}={0,2}\r?\n"),
    # names too brief for the scanner's list of words, which may stand anywhere in a name
    (BRIEF, rb"(?i)(?:^|[^a-z0-9])(?:sig|t?otp|[2mt]fa|jwt)(?:[_\-]?code)?[\"']?[ \t]?[:=][ \t]?b?[\"']?[^\s\"'<>]"),
    # a user's stream at a venue, by the key that lets anybody listen: wss://stream.../ws/KEY
    (LISTEN, rb"/ws/[A-Za-z0-9]{60}"),
    # logins over a socket: {"op": "auth", "args": [KEY, expires, SIGNATURE]}
    (LOGIN, rb"[\"']auth[A-Za-z]*\\*[\"'] ?, ?\\*[\"']args\\*[\"'] ?: ?\[ ?\\*[\"'][A-Za-z0-9\-]{8}"),
    (SIGNED, rb"[\"']args\\*[\"'] ?: ?\[ ?\\*[\"'][^\s\"'\\]+\\*[\"'] ?, ?"
     rb"\\*[\"']?[0-9]{10}[0-9]*\\*[\"']? ?, ?\\*[\"'][A-Za-z0-9+/=]{16}"),
    # what begins like a replacement without quotes and does not go on like one (no repeats of four and more: see runs.relaxed)
    (FORGED, rb"[:=][ \t]?<redacted:[A-Za-z._\-]*(?:[^A-Za-z._\-:>]|:[0-9a-f]{0,3}[^0-9a-f]|:[0-9a-f]{4}[0-9a-f]?[^0-9a-f]"
     rb"|:[0-9a-f]{6}[^>]|(?::[0-9a-f]{6})?>[A-Za-z0-9]{4}|$)"),
)
"""What the redactor looks for beside the scanner's triggers, in the same pass."""


class Span(NamedTuple):
    """What is replaced: data[start:end], said to be of `kind`; `secret` where the pseudonym's value stands."""

    start: int
    end: int
    kind: str
    rank: int
    """Of overlapping spans the highest names them all."""
    suffix: str = ""
    """The pseudonym, where it is not the one of the replaced bytes."""


RANK_KNOWN, RANK_RULE, RANK_GENERIC, RANK_NAME = 40, 30, 20, 10

# ---------------------------------------------------------------- names
_KINDS = {
    "password": "generic.password", "secret": "generic.secret", "token": "generic.token", "key": "generic.api-key"
}  # fmt: skip
_HEADERS = {
    "authorization": "field.authorization",
    "proxy-authorization": "field.authorization",
    "cookie": "field.cookie",
    "set-cookie": "field.cookie",
    "x-api-key": "field.api-key",
    "x-auth-token": "field.token",
    "x-access-token": "field.token",
    "x-csrf-token": "field.token",
    "listenkey": "field.listen-key",
    "listen-key": "field.listen-key",
}
_QUOTES = (b'"', b"'")
OTP = "field.otp"
_CODES = frozenset("otp totp 2fa mfa tfa otpcode totpcode mfacode tfacode facode".split())
"""The last of a name's words, under which a few digits are what lets somebody in."""
_CODE = re.compile(rb"[0-9]{3}[ \-]?[0-9]{3,5}")
_ONE_TIME = frozenset("signature sign sig signed hmac mac digest".split())
_SIGNS = frozenset("access api bapi kc ok bm mbx bitget cb x signature sign header param request req body".split())
_STRONG = re.compile(
    "secret|passw|passphrase|passcode|pwd|credential|authori[sz]ation|apikey|apisecret|privatekey|privkey|secretkey"
    "|accesskey|signingkey|encryptionkey|mnemonic|seedphrase|recoveryphrase|accesstoken|authtoken|refreshtoken|sessiontoken"
    "|bearertoken|apitoken|bottoken|signature|sessionid|otpsecret|totp"
)
_WEAK = re.compile("key|pass|token|credential|auth(?!or(?!i))|secret|session|cookie|sign|seed|phrase|salt|otp|pin|2fa|mfa|jwt|nonce$")
_ABOUT = frozenset(
    "file files filename path paths dir name names type types kind url urls uri uris endpoint host count counts len length size limit "
    "limits max min index expiry expires expiration expire ttl age at created updated issued version status state "
    "enabled disabled required valid invalid policy format algorithm alg mode scope scopes symbol symbols pair address "
    "addr decimals price amount balance supply volume public pub primary foreign sort partition keyboard author authors "
    "signal signals design assigned assign signup signin signum significant tokens tokenize bypass compass passed passes "
    "passing passive passenger board monkey turkey keys keyed used usage error errors failed refill bucket "
    "remaining per rate cost".split()
)
"""A name with one of these words is about a secret; its value is masked only if it looks like one."""


@lru_cache(maxsize=16_384)
def kind_for(name: bytes) -> tuple[str, bool]:
    """(kind, sure) of a field's name: "" for one that names no secret. If not sure, the value must look like one."""
    pieces = words(name)
    if not pieces:
        return "", False
    dashed = name.decode("latin-1").lower().strip("-_. ").replace("_", "-")
    header = _HEADERS.get(dashed)
    if header:
        return header, True
    kind = _KINDS.get(kind_of(name), "")
    if kind:
        return kind, True
    about = not _ABOUT.isdisjoint(pieces)
    last = pieces[-1]
    if not about and ("".join(pieces[-2:]) if last in ("code", "fa") else last) in _CODES:
        return OTP, True
    if last in _ONE_TIME and not about:
        return "field.signature", last in ("signature", "hmac") or len(pieces) == 1 or not _SIGNS.isdisjoint(pieces)
    squashed = "".join(pieces)
    strong = _STRONG.search(squashed)
    if strong:
        return f"field.{part_of(pieces) or 'secret'}", not about
    if _WEAK.search(squashed):
        return f"field.{part_of(pieces) or 'secret'}", False
    return "", False


_NOTHING = re.compile(
    rb"(?i)(?:true|false|none|null|nil|undefined|nan|yes|no|on|off|ok|\[?filtered\]?|\[?redacted\]?|hidden|masked|\.{2,}|[*x.\-#\xe2\x80\xa2\xa6]+"
    rb"|\[[a-z ]+\]|secretstr\(.*|[+\-]?[0-9]{1,7}(?:\.[0-9]+)?|<[^>]*>|\$\{?[\w.]+\}?|\{\{.*|\{\w*\}|%\(.*|%[sdr]|[A-Z][a-z]+Error.*)\Z"
)
_DATE = re.compile(rb"[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{1,2}:[0-9]{2}|[a-z]+://|[~./\\]|[0-9.,]+[a-zA-Z%]{0,4}\Z")
_DIGIT = re.compile(rb"[0-9]")
_LETTER = re.compile(rb"[A-Za-z]")
_TOKENLIKE = re.compile(rb"[A-Za-z0-9+/=_.~:\-]{12,}")


_NUMBER = r"(?:0|[1-9][0-9]{0,3})"
_VERSION = re.compile(
    # a date may be a password
    (r"(?![0-9]{1,2}\.[0-9]{1,2}\.(?:[0-9]{4}|[3-9][0-9])\Z|1[0-9]{3}\.)"
     r"(?:[\^~]|~>[ ]?|[<>=!]{1,2}[ ]?)?v?N(?:\.N){2,3}(?:[.\-+]?(?:a|b|rc|alpha|beta|c|dev|post|pre|preview|next|canary|snapshot|final)"
     r"[.\-]?[0-9]{0,4}){0,2}\Z").replace("N", _NUMBER).encode()
)
"""A version, as files of dependencies have it: "shamir-mnemonic": "^0.3.0"."""
_VERSIONS_BEGIN = frozenset(b"0123456789^~<>=!v")
_HEADING = re.compile(
    rb"(?i)[\"'`]?(?:api|secret|access|private|client)?[ _-]?(?:key|secret|pass(?:phrase|word)|token)(?:[ _-]?id)?[\"'`]?"
)
"""The next column's name in a table's first row: masked, nobody would know what the rows below it hold."""


def is_value(value: bytes, sure: bool, kind: str = "") -> bool:
    """Whether what stands under a sensitive name, which says `kind`, is worth masking."""
    if kind == OTP and _CODE.fullmatch(value):
        return True
    if not value or _HEADING.fullmatch(value) or (value[0] in _VERSIONS_BEGIN and _VERSION.match(value)):
        return False
    if value.startswith(OPEN):
        if said(value):
            return False
    elif _NOTHING.match(value):
        return False
    if sure:
        return True
    return (
        len(value) >= 12
        and _DIGIT.search(value) is not None
        and _LETTER.search(value) is not None
        and _DATE.match(value) is None
        and _TOKENLIKE.fullmatch(value) is not None
    )


class Names:
    """Which names are sensitive, with what the venues in force call their headers and parameters."""

    def __init__(self, venues: Iterable[Venue] = (), extra: Iterable[str] = (), allow: Iterable[str] = ()) -> None:
        self._special: dict[bytes, tuple[str, bool]] = {}
        self._aliases: dict[str, str] = {}
        shared: dict[bytes, set[str]] = {}
        for venue in venues:
            for alias in (venue.provider, *venue.aliases):
                self._aliases.setdefault("".join(words(alias.encode())), venue.provider)
            for name, part in (*venue.headers, *venue.params):
                key = _plain(name.encode())
                if kind_for(name.encode())[0] == OTP:
                    continue  # whoever else has it: a few digits are enough
                shared.setdefault(key, set()).add(venue.provider)
                self._special[key] = (f"{venue.provider}.{part}", True)
        for key, owners in shared.items():
            if len(owners) > 1:  # nobody's alone
                part = self._special[key][0].partition(".")[2]
                self._special[key] = (f"field.{part}", _plain(part.encode()) in key or len(key) > 6)
        for name in extra:
            self._special[_plain(name.encode())] = ("field.configured", True)
        for name in allow:
            self._special[_plain(name.encode())] = ("", False)
        self._kinds: dict[bytes, tuple[str, bool]] = {}
        self.providers = set(self._aliases.values())

    def kind(self, name: bytes) -> tuple[str, bool]:
        """(kind, sure) of a name; see kind_for."""
        known = self._kinds.get(name)
        if known is None:
            known = self._kind(name[:256])
            if len(self._kinds) > 16_384:
                self._kinds.clear()
            self._kinds[name] = known
        return known

    def _kind(self, name: bytes) -> tuple[str, bool]:
        special = self._special.get(_plain(name))
        if special is not None:
            return special
        kind, sure = kind_for(name)
        if kind and sure:
            pieces = words(name)
            provider = self._aliases.get(pieces[0]) or self._aliases.get("".join(pieces[:2]))
            part = part_of(pieces)
            if provider and part and len(pieces) > 1:
                kind = f"{provider}.{part}"
        return kind, sure

    def spans(self, data: bytes, found: Iterable[Assigned]) -> list[Span]:
        """What is masked of assignments, and why."""
        out = []
        for item in found:
            kind, sure = self.kind(item.name)
            if kind and item.sep != b"|" and is_value(data[item.start : item.end], sure, kind):  # the rule below a table's head is none
                out.append(Span(item.start, item.end, kind, RANK_NAME))
        return out


    def forged(self, data: bytes, ends: Iterable[tuple[int, int]]) -> list[Span]:
        """What stands under a sensitive name and begins like a replacement, and is none."""
        out = []
        for ident, end in ends:
            if ident == FORGED:
                start = data.rfind(OPEN, 0, end)
                found = _FORGED.match(data, start)
                if start < 0 or found is None or said(found.group()):
                    continue
                before = data[max(0, start - 160) : start][::-1]
                name, user = _NAME_BEFORE.match(before), _USER_BEFORE.match(before)
                kind, sure = self.kind(name[1][::-1]) if name is not None else ("", False)
                if user is not None:
                    out.append(Span(start, found.end(1), "url.password", RANK_NAME))
                elif kind and sure:
                    out.append(Span(start, found.end(), kind, RANK_NAME))
        return out


_FORGED = re.compile(rb"(<redacted:[^\s\"'`<>,;&|@]*(?:>[^\s\"'`<>,;&|@]*)?)(?:@[^\s\"'`<>,;&|]*)?")
_NAME_BEFORE = re.compile(rb"[ \t]?[:=][ \t]{0,8}[\"'\])}\\]{0,6}([\w.\-]{1,80})")
_USER_BEFORE = re.compile(rb":[^\s/@:\"'<>]{0,64}//:")


def _plain(name: bytes) -> bytes:
    """A name without case and separators."""
    return name.lower().translate(None, b"-_. \t:")


# ---------------------------------------------------------------- places
_USERINFO = re.compile(
    rb"://([^\s/@:\"'<>]{0,64}):([^\s/@\"'<>]{1,128}(?:@[^\s/@\"'<>:]{0,64}){0,3}?)@"
    rb"(?=[^\s/@\"'<>]{0,255}(?:[/?#\s\"'<>:,;)\]}]|\Z))"
)
_BOT = re.compile(rb"/bot([0-9]{6,12}:[A-Za-z0-9_\-]{20,64})")
_COOKIE = re.compile(
    rb"(?i)cookie[\"']?[ \t]{0,4}[:=,][ \t]{0,4}b?"
    rb"(?:\"([^\"\r\n]+)|'([^'\r\n]+)|([^\s\"';]+(?:; ?[^\s\"';=]+=[^\s\"';]*)*))"
)


def place_spans(data: bytes, ends: Iterable[tuple[int, int]]) -> list[Span]:
    """What stands in a sensitive place at the redactor's own triggers."""
    found = (place(data, ident, end) for ident, end in ends)
    return [Span(*item, RANK_NAME) for item in found if item is not None]


def place(data: bytes, ident: int, end: int) -> tuple[int, int, str] | None:
    """(start, end, kind) of what stands in a sensitive place where one of the redactor's own triggers ends."""
    if ident == USERINFO:
        at = data.rfind(b"://", end - 260 if end > 260 else 0, end)
        found = _USERINFO.match(data, at) if at >= 0 else None
        if found is not None and not _NOTHING.match(found[2]):
            return found.start(2), found.end(2), "url.password"
    elif ident == BOT:
        at = data.rfind(b"/bot", end - 48 if end > 48 else 0, end)
        found = _BOT.match(data, at) if at >= 0 else None
        if found is not None:
            return at + 4, found.end(), "url.bot-token"
    elif ident == COOKIE:
        at = data.lower().rfind(b"cookie", max(0, end - 32), end) if len(data) < 4096 else _rfind(data, end)
        found = _COOKIE.match(data, at) if at >= 0 else None
        if found is not None and is_value(found[found.lastindex or 0], True):
            return *found.span(found.lastindex or 0), "field.cookie"
    elif ident == BRIEF:
        return _brief(data, end)
    elif ident == LISTEN:
        found = _LISTEN.match(data, end - 64) if end >= 64 else None
        if found is not None:
            return *found.span(1), "url.listen-key"
    elif ident in (LOGIN, SIGNED):
        at = data.rfind(b"args", end - 320 if end > 320 else 0, end)
        found = _ARGS.match(data, at) if at >= 0 else None
        if found is not None and ident == LOGIN:
            return *found.span(1), "field.api-key"
        if found is not None and found[2] is not None:
            return *found.span(2), "field.signature"
    return None


_LISTEN = re.compile(rb"/ws/([A-Za-z0-9]{60,128})(?![A-Za-z0-9])")
_ARGS = re.compile(
    rb"args\\*[\"'] ?: ?\[ ?\\*[\"']([A-Za-z0-9\-]{8,128}|<redacted:[^<>\s]{1,110}>)\\*[\"']"
    rb"(?: ?, ?\\*[\"']?[0-9]{10,20}\\*[\"']? ?, ?\\*[\"']([A-Za-z0-9+/=]{16,256}))?"
)
_BRIEF = re.compile(
    rb"(?i)(?<![a-z0-9])(sig|t?otp|[2mt]fa|jwt)(?:[_\-]?code)?[\"']?[ \t]?[:=][ \t]?b?(?=[\"']?([^\s\"'<>]))"
    rb"(?:\"([^\"\r\n]{1,1024})\"|'([^'\r\n]{1,1024})'|[\"']?([^\s\"'`<>,;&|(){}\[\]]{1,1024}))"
)
_SIGNED = re.compile(rb"(?=[^0-9]*[0-9])(?=[^A-Za-z]*[A-Za-z])[A-Za-z0-9+/=_.~:%\-]{16,}")


def _brief(data: bytes, end: int) -> tuple[int, int, str] | None:
    """What stands after a brief name whose value's first byte ends at `end`: codes of some digits, and what looks signed."""
    for found in _BRIEF.finditer(data, max(0, end - 24), end + 1024):
        if found.end(2) == end:
            start, stop = found.span(found.lastindex or 0)
            kind = {b"sig": "field.signature", b"jwt": "field.token"}.get(found[1].lower(), OTP)
            value = data[start:stop]
            wanted = _SIGNED.fullmatch(value) if kind != OTP else _CODE.fullmatch(value) or _SIGNED.fullmatch(value)
            return (start, stop, kind) if wanted else None
    return None


def _rfind(data: bytes, end: int) -> int:
    low = max(0, end - 32)
    at = data[low:end].lower().rfind(b"cookie")
    return low + at if at >= 0 else -1


# ---------------------------------------------------------------- quoted values that are cut off
_NAME_BACK = re.compile(
    rb"[\"']\\{0,3}[bru]?[ \t\r\n]{0,60}[:=(,>]{1,2}[ \t]{0,8}[\"'\])}\\]{0,6}([\w.\-]{1,80})"
)
_PIECE = re.compile(rb"[^\s\"'`<>\\]*")
_LINE_END = re.compile(rb"\\?(?:\r\n?|\n)[ \t]{0,60}|\\?\Z")
CUT_LINES = 16
"""Lines over which a quoted value may go on."""
LONGEST_QUOTED = 1024
"""Bytes of a quoted value up to which detect/assign.py finds where it closes: a longer one is read as one that is cut off."""


def cut_starts(data: bytes, ends: Iterable[tuple[int, int]]) -> list[int]:
    """Where quoted values begin in which triggers end."""
    out = set()
    for ident, end in ends:
        form = ident - CONTEXT_BASE
        if form in (0, 1) and data[end - 6 + form : end - 5 + form] in _QUOTES:
            out.add(end - 5 + form)
    return sorted(out)


def cut_spans(data: bytes, starts: Iterable[int], names: Names) -> list[Span]:
    """Quoted values whose quote does not close in their line, or very late: a record that was shortened, a line that was wrapped.
    `starts` follow opening quotes; one span a line. What is masked of a line depends on it and those before it."""
    out: list[Span] = []
    for start in starts:
        quote = data[start - 1 : start]
        at = start
        for number in range(CUT_LINES):
            end = _PIECE.match(data, at).end()  # type: ignore[union-attr]
            closed = data[end : end + 1] == quote
            after = _LINE_END.match(data, end)
            if not number:
                kind = "" if after is None and end - start <= LONGEST_QUOTED else _opened(data, start, names)
                if not kind or not is_value(data[at:end], True):
                    break
            elif not closed and (after is None or end - at < 8):
                break
            if end > at:
                out.append(Span(at, end, kind, RANK_NAME))
            if closed or after is None or after.end() == end:
                break
            at = after.end()
    return out


def _opened(data: bytes, start: int, names: Names) -> str:
    """The kind of what is quoted from `start` on; "" if its name names no secret."""
    back = _NAME_BACK.match(data[max(0, start - 160) : start][::-1])
    kind, sure = names.kind(back[1][::-1]) if back is not None else ("", False)
    return kind if sure else ""


# ---------------------------------------------------------------- long values
LONG = 500
"""Bytes from which a span may be but the beginning of a value: patterns and shapes read 512 of one without quotes."""
_REST = re.compile(rb"[A-Za-z0-9+/=_\-]+(?:[.~%:][A-Za-z0-9+/=_\-]+)*")


def whole(data: bytes, spans: Iterable[Span], high: int) -> list[Span]:
    """The spans, each with the rest of its value where that goes on before `high`: a key in one line of base64, a session."""
    out = []
    for span in spans:
        rest = _REST.match(data, span.end, high) if span.end - span.start >= LONG else None
        out.append(span if rest is None else span._replace(end=rest.end()))
    return out


# ---------------------------------------------------------------- PEM
_BEGIN = re.compile(rb"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_END = re.compile(rb"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_BODY = re.compile(rb"[A-Za-z0-9+/=]{20,}|[A-Za-z0-9+/]{1,}={1,2}(?=[\s\"'\\]|\Z)")
_LAST = re.compile(rb"[A-Za-z0-9+/]{1,64}={0,2}(?=[\"',\\ \t]*\r?\n?\Z)")
PEM_LINES = 400
PEM_BYTES = 64 * 1024


class Pem(NamedTuple):
    """The block that is open: how many lines and bytes of it were seen. (0, 0): none is."""

    lines: int = 0
    bytes: int = 0


CLOSED = Pem()


def pem_spans(data: bytes, state: Pem = CLOSED) -> tuple[list[Span], Pem]:
    """The bodies of private keys in whole lines, and the block that is open after them. A block that nobody closes ends
    after PEM_LINES lines or PEM_BYTES bytes."""
    out: list[Span] = []
    at = 0
    size = len(data)
    while at < size:
        if not state.lines:
            begin = _BEGIN.search(data, at)
            if begin is None:
                break
            at = begin.end()
            state = Pem(1, 0)
        end = _END.search(data, at)
        stop = end.start() if end else size
        for start, line in _lines(data, at, stop):
            _body(data, start, start + len(line), out)
            state = Pem(state.lines + (line[-1:] == b"\n"), state.bytes + len(line))
            if state.lines > PEM_LINES or state.bytes > PEM_BYTES:
                stop, end, state = start + len(line), None, CLOSED
                break
        at = stop
        if end:
            at, state = end.end(), CLOSED
    return out, state


def armoured(data: bytes, low: int, high: int, spans: list[Span]) -> list[Span]:
    """The spans without the line that closes a private key, unless they have the one that opens it, too: a block whose
    end is masked would never close."""
    if data.find(b"-----END ", low, high) < 0:
        return spans
    for end in _END.finditer(data, low, high):
        start, stop = end.span()
        kept = []
        for span in spans:
            if span.end <= start or span.start >= stop or _BEGIN.search(data, span.start, start):
                kept.append(span)
                continue
            if span.start < start:
                kept.append(span._replace(end=start))
            if span.end > stop:
                kept.append(span._replace(start=stop))
        spans = kept
    return spans


def _lines(data: bytes, start: int, stop: int) -> Iterable[tuple[int, bytes]]:
    while start < stop:
        end = data.find(b"\n", start, stop) + 1 or stop
        yield start, data[start:end]
        start = end


_ESCAPED = re.compile(rb"(?:\\+[rn]|%0[AaDd])+")
_CLOSING = re.compile(rb"[\"'`<]|\Z")


def _body(data: bytes, start: int, end: int, out: list[Span]) -> None:
    """What a line of an open block holds of it: runs of its digits, and the word that the line ends with. Where line
    breaks are escaped it is all that is quoted."""
    if b"\\" in data[start:end] or b"%0" in data[start:end]:
        skipped = _ESCAPED.match(data, start, end)
        low = skipped.end() if skipped else start
        closing = _CLOSING.search(data, low, end)
        high = len(data[low : closing.start() if closing else end].rstrip(b"\r\n\\ ")) + low
        if high > low:
            out.append(Span(low, high, "pem.private-key", RANK_NAME))
            return
    covered = start
    for found in _BODY.finditer(data, start, end):
        out.append(Span(*found.span(), "pem.private-key", RANK_NAME))
        covered = found.end()
    last = _LAST.search(data, covered, end) if covered < end else None
    if last and not (data[start : last.start()].strip() and _word(last.group())):
        out.append(Span(*last.span(), "pem.private-key", RANK_NAME))


def _word(text: bytes) -> bool:
    """Whether the end of a line that has more in it is a word of a log and not a key's last digits."""
    return (text.isalpha() and (text.islower() or text.istitle())) or text.isdigit()
