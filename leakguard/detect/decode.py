"""Decoded views: text that hides in text, with a map back to where it stood.

base64 (both alphabets, wrapped lines, gzip or zlib inside), hex, percent, quoted-printable, \\u and \\x and HTML
escapes, JSON escapes, colours, letters that nobody sees, string pieces joined over `+` and lines, folded lines. The first
stage's own pass over the bytes says where a run could be (`TRIGGERS`), so bytes without any cost nothing; the patterns ask for runs that
decode to ASCII text, which a random run of six base64 groups does once in 2^18.

Bounded: a view is at most MAX_VIEW bytes and is made when it is asked for, a longer run gives several that overlap;
decompression stops at MAX_VIEW and says so (`View.clipped`). Runs that only their beginning explains, and that a
window may not hold to the end, are told (`Runs.long`), never dropped in silence.
UTF-16 has a module of its own (utf16.py). Knows no rules and no files. Imported by engine.py and what scans beside it
(looks.py, reaches.py, inplace.py, utf16.py), by stage1.py and guards.py for the triggers, and by redact/units.py.
"""

from __future__ import annotations

import binascii
import re
from bisect import bisect_right
from collections.abc import Callable, Generator, Iterable, Iterator
from itertools import accumulate
from typing import NamedTuple

from leakguard.detect.packed import MARKS, STEP, Tries, unpacked, zip_members
from leakguard.detect.patterns import compiled

MAX_VIEW = 8 * 1024 * 1024
OVERLAP = 64 * 1024
"""Of two views of one long run, in encoded bytes; a multiple of four."""


def _base64_class(mask: int, value: int) -> str:
    """The base64 digits whose six bits have `mask & digit == value`, as a character class."""
    digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    kept = "".join(c for i, c in enumerate(digits) if i & mask == value)
    return "[" + kept.replace("+", "+\\-").replace("/", "/_") + "]"


def _deflated(least: int) -> str:
    """The first bytes, from `least` on, of a block of Deflate that is packed by codes of its own or by those that all know."""
    return "[" + "".join(f"\\x{byte:02x}" for byte in range(least, 256) if 2 <= byte & 7 <= 5) + "]"


# Each byte of ASCII text has its top bit clear; in a group of four base64 digits these are the top bit of the
# first, the 8-bit of the second and the 2-bit of the third digit.
_TEXT_GROUP = _base64_class(32, 0) + _base64_class(8, 0) + _base64_class(2, 0) + r"[A-Za-z0-9+/_\-]"
_EDGE = r"(?:^|[^A-Za-z0-9+/_\-]|\\[nrt])"
_PIECE = r"[A-Za-z0-9_+/=.\-]"
_PLUS = r"[ \t]{0,4}[+.&|]{0,2}[ \t]{0,4}"
_QUOT = r"&(?:quot|apos|#34|#39|#x22|#x27);"

_COLOUR = r"(?:\x1b|\\(?:u001[bB]|x1[bB]|033|e)|#033|\^\[)\[[0-9;]{0,12}m"
_NAMED_PART = "(?i:pass(?:word|wd|phrase)?|pwd|secret|token|key)"
_TAGS = "(?:li|td|span|div|p)"
_WORD_TAG = f"</{_TAGS}>"
_NAME_END = "(?i:key|secret|token|password|passwd|passphrase|mnemonic)"

# (kind, first-stage pattern in hyperscan syntax). Each ends inside the run that its decoder then measures.
# Two groups, for two databases: these share the rules' database, whose literal matcher finds them for little ...
TRIGGERS: tuple[tuple[str, str], ...] = (
    ("percent", r"(?:%[2-7][0-9A-Fa-f]){4}"),
    ("percent", r"%(?:25)?(?:3[AaDd]|22|27|7[Bb])[A-Za-z0-9%._\-]{12}"),
    ("percent", r"[A-Za-z0-9]{8}%(?:2[BbFf][A-Za-z0-9]{8}|3[Dd])"),
    ("percent", r"-----BEGIN(?:%20|\+)[A-Z]"),
    # one letter of a token, written so by who escapes more than is needed
    ("percent", r"%(?:5[Ff]|2[DdEe])[A-Za-z0-9_\-]{10}"),
    ("escape", r"[A-Za-z0-9_\-]{4}\\(?:x|u00)[2-7][0-9A-Fa-f][A-Za-z0-9_\-]{10}"),
    ("escape", r"&#x?[0-9A-Fa-f]{2,3};[A-Za-z0-9_\-]{10}"),
    ("escape", r"(?:\\u00[2-7][0-9A-Fa-f]){4}"),
    # a label in a language that JSON writes as escapes, and the value behind it
    ("said", r"\\u[0-9A-Fa-f]{4}[a-z]{0,8}(?:(?: API)?[ :=]{1,3}|\\n)[A-Za-z0-9+/=_\-]{16}"),
    ("said", r"\\u(?:ff1a|FF1A|300c|300C|2014|662f|662F|306f|306F|4e3a|4E3A)[ ]{0,2}[A-Za-z0-9+/=_\-]{16}"),
    # a phrase in a language that JSON writes as escapes: eleven words and what parts them
    ("escape", r"(?:(?:\\u[0-9A-Fa-f]{4})+(?:\\u3000|\",\s*\"| )){11}\\u"),
    ("escape", r"(?:\\x[2-7][0-9A-Fa-f]){4}"),
    # JSON in JSON as .NET writes it, a request's body in nginx' log
    ("escape", r"[:=,]\\{1,2}(?:u00|x)2[27][A-Za-z0-9+/=_\-]{12}"),
    ("escape", r"(?:&#x?[0-9A-Fa-f]{2,4};){4}"),
    ("rarer", r"(?:&(?:amp;)?#[xX]?0{0,5}[0-9A-Fa-f]{2,3};?){4}"),
    ("rarer", r"(?:\\u\{0{0,4}[2-7][0-9A-Fa-f]\}){4}"),
    ("rarer", r"(?:\\x\{[2-7][0-9A-Fa-f]\}){4}"),
    ("rarer", r"(?:\\U000000[2-7][0-9A-Fa-f]){4}"),
    ("rarer", r"(?:\\\\x[2-7][0-9A-Fa-f]){4}"),
    ("rarer", r"(?:\\1[0-7]{2}){4}"),
    ("escape", r"[:=][ \t]{0,2}" + _QUOT),
    ("escape", r"\\\\\\\"[ \t]{0,2}[:=,]"),
    ("escape", r"[A-Za-z0-9]\\(?:/|u00(?:2[bBfF]|3[dD]))[A-Za-z0-9+/=]"),
    ("marked", r"\x1b\[[0-9;]{0,12}[mK]\\?[\"'`]?[A-Za-z0-9+/=_\-]{16}"),
    ("marked", r"(?:\\(?:u001[bB]|x1[bB]|033|e)|#033|\^\[)\[[0-9;]{0,12}[mK]\\{0,3}[\"'`]?[A-Za-z0-9+/=_\-]{16}"),
    # a password is shorter than what is looked at for its colour alone: its name has to stand before it
    ("marked", _NAMED_PART + r"[\"']?[ \t]?[:=][ \t]{0,2}" + _COLOUR + r"[\"'`]?[!-~]{6}"),
    ("marked", _NAMED_PART + r"[\"']?" + _COLOUR + r"[ \t]{0,2}[:=][ \t]{0,2}(?:" + _COLOUR + r")?[\"'`]?[!-~]{6}"),
    ("marked", r"[!-~](?:\xe2\x80[\x8b-\x8f]|\xe2\x81\xa0|\xef\xbb\xbf|\xc2\xad)[A-Za-z0-9+/=_\-]{4}"),
    ("marked", r"[:=](?:\xc2\xa0|\xe2\x80\xaf)[\"'`]?[A-Za-z0-9+/=_\-]{12}"),
    ("marked", r"[A-Za-z]\\{1,2}_[A-Za-z0-9]{16}"),
    # words in a list or a table of a page, one in each: a recovery phrase as a page shows it
    ("tagged", _WORD_TAG + r"\s{0,20}<" + _TAGS + r"(?: [^<>]{1,60})?>(?:[0-9]{1,2}[.):]? ?)?[a-z]{3,8}" + _WORD_TAG),
    ("quoted", r"[A-Za-z0-9_\"']=3D[A-Za-z0-9+/_\-\"']{4}"),
    ("quoted", r"[A-Za-z0-9_+/\-]{4}=\r?\n[A-Za-z0-9_+/\-]{4}"),
    ("join", _PIECE + r"[\"'`]" + _PLUS + r"[\\_]?\r?\n[ \t]{0,56}" + _PLUS + r"[bfruBFRU]{0,2}[\"'`]" + _PIECE),
    ("join", _PIECE + r"[\"'`][ \t]{0,4}[+.&|]{1,2}[ \t]{0,4}[\"'`]" + _PIECE),
    ("fold", r"[A-Za-z0-9_+/\-]{4}\\\r?\n[ \t]{0,20}[A-Za-z0-9_+/\-]{4}"),
    # bytes that are written as numbers, known by the signs that names and assignments have: `:`, `=` and `_`
    ("spelled", r"0: (?:[2-7][0-9A-Fa-f] ?){4}"),
    ("spelled", r"00000[12]0 {1,2}[0-9A-Fa-f]{4}"),
    ("spelled", r"0000020(?: (?:  [ -~]|[ 01][0-9]{2}| \\[nrt0])){4} "),  # od -c, -tu1, -to1
    *(("spelled", rf"(?:[2-7][0-9A-Fa-f]|00){s}(?:3[AaDd]|5[Ff]){s}(?:[2-7][0-9A-Fa-f]|00){s}[0-7]") for s in " :,-"),
    ("spelled", r":\t0x(?:[2-7][0-9A-Fa-f]){4}(?:(?:[2-7][0-9A-Fa-f]){4})?\t"),
    ("spelled", r"0[xX](?:3[AaDd]|5[Ff]),?[ \t]{0,2}0[xX][2-7][0-9A-Fa-f][, \t\r\n]"),
    ("spelled", r"(?:[3-9][0-9]|1[012][0-9]), ?(?:58|61|95), ?(?:[3-9][0-9]|1[012][0-9]),"),
    ("spelled", r"(?:[3-9][0-9]|1[012][0-9]),\r?\n[ \t]{0,24}(?:58|61|95),\r?\n"),
    ("spelled", r"(?:[3-9][0-9]|1[012][0-9]) (?:58|61|95)(?: (?:[3-9][0-9]|1[012][0-9])){3} "),
    ("spelled", r"(?i:chrw?|char)\$?\((?:58|61|95)\)"),
    ("spelled", r"(?i:\[char\])(?:58|61|95)[^0-9]"),
    # values behind their length, which is no text: MessagePack, CBOR, protobuf, numbers of 16 to 64 bits
    ("prefixed", _NAME_END + r"(?:\xd9[\x08-\xff]|\xda[\x00-\x0f][\x00-\xff]|[\xa8-\xbf]|x[\x18-\xff]|[\x12\x1a][\x08-\xff][\x01-\x1f]?"
                 r"|[A-Za-z]?\x00{1,3}[\x08-\xff]|(?:[\x01-\x1f]\x00{3})?[\x08-\xff]\x00{3,7})[!-~]{8}"),
    ("packed", r"\x1f\x8b\x08[\x00-\x1f]"),
    ("packed", r"\xfd7zXZ\x00\x00[\x00-\x0f]"),
    ("packed", r"BZh[1-9]1AY&SY"),
    ("packed", r"\x28\xb5\x2f\xfd[^\x00]"),
    ("packed", r"\x04\x22\x4d\x18[\x40-\x7f]"),
    ("packed", r"\xff\x06\x00\x00sNaPpY[\x00\x01]"),
    # zlib has a mark of two bytes, and a block behind it that is packed: one that is not stands in the open
    ("packed zlib", rf"x[\x01\x9c\xda]{_deflated(0)}"),
    ("packed zlib", rf"x\^{_deflated(128)}"),  # in texts that is a power of x
    # a member that is packed; where the whole is a zip its reader goes through it
    ("packed zip", r"PK\x03\x04[\x0a-\x3f]\x00[\x00-\xff][\x00-\x0f]\x08\x00"),
    ("packed patch", r"\n(?:literal|delta) [0-9]{1,10}\r?\n[A-Za-z][0-9A-Za-z!#-&(-+;-@^-`{-~\-]{5}"),
    ("packed hex", r"(?i:1f8b08)[01][0-9A-Fa-f]{23}"),
    # an INI's section and pretty JSON, whose first line's end comes too soon for the automaton
    ("hex lines", r"5[bB](?:[2-7][0-9A-Fa-f]){1,16}5[dD](?:0[dD])?0[aA](?:[2-7][0-9A-Fa-f]){2}"),
    ("hex lines", r"(?:5|7)[bB](?:0[dD])?0[aA](?:20|09){1,8}(?:22|7[bB])"),
    # a line's end within its first six bytes, behind which it is text
    ("short hex", r"0[aA](?:[2-7][0-9A-Fa-f]){8}"),
    ("base64", _EDGE + r"(?:[/_]Td6WFoA[A-Za-z0-9+/_\-]{12}|QlpoOTFBWSZTW[A-Za-z0-9+/_\-]{7})"),
    # zlib at its other levels, a pattern each: in one with the usual level they made the database a third slower
    *(("base64", _EDGE + start + r"[A-Za-z0-9+/_\-]{17}") for start in ("eN[opqr]", "eA[EFGH]", "eF[4567]")),
    ("base64", _EDGE + r"(?:KLUv[/_][A-Za-z0-9+/_\-]{15}|UEsDB[AB][A-Za-z0-9+/_\-]{14})"),
)  # fmt: skip
# ... and these are automata without a literal: beside the rules they slow both (560 and 900 MB/s apart, 210
# together), so they have a pass of their own. Six hex pairs keep that automaton at 16 states, which is quick.
TEXT_TRIGGERS: tuple[tuple[str, str], ...] = (
    ("base64", f"{_EDGE}(?:{_TEXT_GROUP}){{5}}"),
    ("base64", _EDGE + r"(?:H4sI[A-Za-z0-9+/_\-]{16}|eJ[wxyz][A-Za-z0-9+/_\-]{17})"),
    ("hex", r"(?:^|[^0-9A-Fa-f])(?:[2-7][0-9A-Fa-f]){6}"),
    ("wide hex", r"(?:^|[^0-9A-Fa-f])(?:[2-7][0-9A-Fa-f]00){6}"),
)


class View(NamedTuple):
    """Decoded bytes and their map back: breakpoints (view offset, raw offset, raw step, view step).

    Offset o after breakpoint (v, r, n, d) came from raw offset r + (o - v) * n // d. The secret-holding `data`
    lives as long as the scan of its document; repr shows lengths only.
    """

    kind: str
    data: bytes
    breaks: list[tuple[int, int, int, int]]
    start: int
    end: int
    """The raw run."""
    clipped: bool = False
    """There is more in the run than was unpacked."""
    kept: tuple[tuple[int, int], ...] = ()
    """Only what is found in these spans counts; all of it if there are none (inplace.py)."""

    def __repr__(self) -> str:
        return f"View({self.kind}, {len(self.data)} bytes of {self.start}..{self.end})"

    def raw(self, start: int, end: int) -> tuple[int, int]:
        """The raw span of view bytes [start, end)."""
        if not self.breaks:
            return self.start, self.end
        return self._at(start), min(self._at(end - 1, last=True), self.end)

    def _at(self, offset: int, last: bool = False) -> int:
        view, raw, num, den = self.breaks[bisect_right(self.breaks, (offset, 1 << 62, 0, 0)) - 1]
        if last:
            return raw + -(-(offset + 1 - view) * num // den)
        return raw + (offset - view) * num // den


class Run(NamedTuple):
    """What a decoder went through. `whole`: nobody can decode its middle without having seen its start.
    `spread`: what is found in it has a place in it, and not just the whole run's."""

    start: int
    stop: int
    whole: bool = False
    spread: bool = True


_Found = Generator[View, None, Run]


class Runs:
    """The views behind first-stage hits (kind, end offset), one by one. A run is decoded once, whatever hit it.

    `long`, once they were all taken: (start, stop, spread) of runs that a window may not hold as a whole.
    """

    def __init__(self, data: bytes, hits: Iterable[tuple[str, int]]) -> None:
        self.data = data
        self.hits = sorted(hits, key=_by_offset)
        self.long: list[tuple[int, int, bool]] = []

    def __iter__(self) -> Iterator[View]:
        done: dict[str, int] = {}
        tries = Tries(len(self.data))
        for kind, end in self.hits:
            if end <= done.get(kind, 0):
                continue
            if finder := _FINDERS.get(kind):
                run = yield from finder(self.data, end)
            else:
                run = yield from _UNPACKING[kind](self.data, end, tries)
            done[kind] = run.stop
            if run.whole and (run.stop - run.start > LONG or run.stop >= len(self.data)):
                self.long.append((run.start, run.stop, run.spread))


LONG = 4096
"""Runs of at most so many bytes are always seen whole: even encoded anew they are smaller than the context that
windows share."""


def _by_offset(hit: tuple[str, int]) -> int:
    return hit[1]


# ---------------------------------------------------------------- base64
_DIGITS = compiled(rb"[A-Za-z0-9+/_-]+")
_JOINT64 = compiled(rb"(?:\\r\\n|\\[nr]|\r?\n[ \t]{0,60})(?=[A-Za-z0-9+/_-])")
_CLOSED = compiled(rb"={0,2}[ \t]{0,4}(?:\Z|[\r\n\"'`\\<),;\]}])")
_NOT_DIGIT = compiled(rb"[^A-Za-z0-9+/_-]")
_NEXT_NAME = compiled(rb"[A-Za-z_][\w.\-]{0,60}(?:=(?![=\r\n]|\Z)|: )")
"""A line that gives something a value of its own, whose name the line before it did not break off in."""
_URL_TO_STD = bytes.maketrans(b"-_", b"+/")
_NO_CONTROL = bytes(c for c in range(256) if c in b"\0\t\n\r" or (c >= 0x20 and c != 0x7F))


def _base64(data: bytes, end: int, tries: Tries) -> _Found:
    start = end - 20  # both triggers are twenty digits from the run's edge on
    first = _DIGITS.match(data, start, start + 320)
    if first is None:
        return Run(start, end)
    head = decoded64(first.group()[: (first.end() - start) // 4 * 4])
    if head.startswith(_PACKED):
        lines = _Lines(_lines(data, start, packed=True))
        found = unpacked(_pieces(data, lines, STEP, decoded64), tries)
        if found is not None:
            stop = lines.to_the_end()
            yield View(f"base64>{found.kind}", found.data, [], start, stop, found.clipped)
            return Run(start, stop, True, False)
    if not texty(head):
        whole = _DIGITS.match(data, start)
        return Run(start, whole.end() if whole else end)
    pieces: list[tuple[int, int]] = []
    size = 0
    line = stop = start
    for low, high in _lines(data, start, packed=False):
        if low != stop:
            line = low
        stop = high
        pieces.append((low, high))
        size += high - low
        if size >= MAX_VIEW:
            yield _view64(data, pieces)
            pieces = _last_digits(pieces, OVERLAP)
            size = 0
    if size:
        yield _view64(data, pieces)
    # a wrapped run has an edge on every line; what stands on one line has one only at its start
    return Run(start, stop, line == start or stop - line > LONG)


_PACKED = tuple(mark for mark, _ in MARKS)


class _Lines:
    """The spans of a run, each when it is asked for: what is no packed data is known by its first bytes."""

    def __init__(self, spans: Iterator[tuple[int, int]]) -> None:
        self.spans = spans
        self.stop = 0

    def __iter__(self) -> Iterator[tuple[int, int]]:
        for span in self.spans:
            self.stop = span[1]
            yield span

    def to_the_end(self) -> int:
        """Where the last of them ends."""
        for _ in self:
            pass
        return self.stop


def _pieces(data: bytes, spans: Iterable[tuple[int, int]], step: int, decoded: Callable[[bytes], bytes]) -> Iterator[bytes]:
    for low, stop in spans:
        for at in range(low, stop, step):
            yield decoded(data[at : min(at + step, stop)])


def decoded64(digits: bytes) -> bytes:
    """What base64 digits of either alphabet stand for, whatever became of their padding."""
    digits = digits.translate(_URL_TO_STD)
    if len(digits) % 4 == 1:
        digits = digits[:-1]
    return binascii.a2b_base64(digits + b"=" * (-len(digits) % 4))


def texty(head: bytes) -> bool:
    """Whether bytes could be text, UTF-16 included: hardly any control characters, of which random bytes have 11 %."""
    return len(head.translate(None, _NO_CONTROL)) <= len(head) // 20


def _lines(data: bytes, start: int, packed: bool) -> Iterator[tuple[int, int]]:
    """The spans of digits that a run is made of: one line, or several that are wrapped at one width.

    Only the last line is shorter, and the first may be (a name stands before it); every line but the last is of whole
    groups. A word at the start of the next line of a list or of prose is not of the run, though all its letters are
    digits: what follows it gives it away, or that it decodes to no text.
    """
    width = 0
    number = 0
    at = start
    while found := _DIGITS.match(data, at, at + MAX_VIEW):
        low, high = found.span()
        if number and not packed and high - low != width and not _readable(decoded64(found.group())):
            return
        if number and (not _CLOSED.match(data, high) or (number > 1 and high - low > width)):
            return
        yield low, high
        if high - low == MAX_VIEW:
            at = high
            continue
        if (high - low) % 4 or (number and high - low < width):
            return
        joint = _JOINT64.match(data, high)
        if joint is None:
            return
        at = joint.end()
        number += 1
        width = width if number > 2 else high - low


def _readable(text: bytes) -> bool:
    """Whether the end of a run is text, as its beginning was."""
    odd = len(text.translate(None, _PRINTABLE))
    return odd <= len(text) // 8 or text.decode("utf-8", "ignore").encode() == text


_PRINTABLE = bytes(range(0x20, 0x7F)) + b"\t\n\r\0"


def _view64(data: bytes, pieces: list[tuple[int, int]]) -> View:
    breaks: list[tuple[int, int, int, int]] = []
    seen = 0
    for low, high in pieces:
        # three bytes a group of four digits, and every piece but the last is of whole groups
        breaks.append((seen * 3 // 4, low, 4, 3))
        seen += high - low
    decoded = decoded64(b"".join(data[low:high] for low, high in pieces))
    return View("base64", decoded, breaks, pieces[0][0], pieces[-1][1])


def _last_digits(pieces: list[tuple[int, int]], least: int) -> list[tuple[int, int]]:
    """The last pieces, or the end of the last one, with so many digits."""
    out: list[tuple[int, int]] = []
    for low, high in reversed(pieces):
        if least <= 0:
            break
        out.append((max(low, high - least), high))
        least -= high - low
    return out[::-1]


# ---------------------------------------------------------------- hex
_HEX_RUN = compiled(rb"[0-9A-Fa-f]+")
_NOT_HEX = compiled(rb"[^0-9A-Fa-f]")
_HEX_DIGITS = frozenset(b"0123456789ABCDEFabcdef")


def _hex(data: bytes, end: int) -> _Found:
    return (yield from _hex_from(data, end - 12))


def _hex_of_lines(data: bytes, end: int) -> _Found:
    """A run that begins with a short line."""
    low = max(0, end - 64)
    before = max((found.end() for found in _NOT_HEX.finditer(data, low, end)), default=low)
    return (yield from _hex_from(data, before))


def _hex_behind_a_line(data: bytes, end: int) -> _Found:
    """A run whose first line is so short that the automaton does not see what is behind it."""
    line = end - 18
    start = line
    while start > line - 14 and start and data[start - 1] in _HEX_DIGITS:
        start -= 1
    if not 0 < line - start <= 12 or (line - start) % 2:
        return Run(end, end)
    return (yield from _hex_from(data, start))


def _wide_hex(data: bytes, end: int) -> _Found:
    """UTF-16 in hex: SQL Server's dumps."""
    return (yield from _hex_from(data, end - 24))


def _hex_from(data: bytes, start: int) -> _Found:
    found = _HEX_RUN.match(data, start)
    stop = found.end() if found else start
    head = binascii.a2b_hex(data[start : start + min(stop - start, 512) // 2 * 2])
    if stop - start < 24 or len(head.translate(None, _PRINTABLE)) > 0.1 * len(head):
        return Run(start, stop)
    lines = list(_hex_lines(data, start, stop))
    if len(lines) > 1:
        # a value a line, or one that is wrapped: nothing tells which
        joined = b"".join(data[low:high] for low, high in lines)
        if len(joined) % 2 == 0:
            width = (stop - start) // 2
            breaks = [(number * width, low, 2, 1) for number, (low, _) in enumerate(lines)]
            yield View("hex", binascii.a2b_hex(joined), breaks, start, lines[-1][1])
    for low, stop in lines:
        yield from _hex_views(data, low, stop)
    return Run(start, stop, True)


def _hex_views(data: bytes, low: int, stop: int) -> Iterator[View]:
    while True:
        high = min(stop - (stop - low) % 2, low + 2 * MAX_VIEW)
        yield View("hex", binascii.a2b_hex(data[low:high]), [(0, low, 2, 1)], low, high)
        if high >= stop - 1:
            return
        low = high - OVERLAP


_HEX_WIDTHS = range(32, 257, 2)
_HEX_LINES = 64 * 1024
"""Bytes of wrapped lines that are taken together; one that goes on begins anew behind them, as a line of its own would."""
_HEX_JOINT = compiled(rb"\r?\n[ \t]{0,60}(?=[0-9A-Fa-f]{2})")


def _hex_lines(data: bytes, start: int, stop: int) -> Iterator[tuple[int, int]]:
    """The spans of a run that is wrapped at one width, as `xxd -p` does; only the last line is shorter."""
    yield start, stop
    width = stop - start
    while width in _HEX_WIDTHS and stop - start < _HEX_LINES and (joint := _HEX_JOINT.match(data, stop)):
        run = _HEX_RUN.match(data, joint.end(), joint.end() + width + 2)
        low, stop = run.span() if run else (stop, stop)
        if stop - low > width or not _CLOSED.match(data, stop):
            return
        yield low, stop
        if stop - low < width:
            return


# ---------------------------------------------------------------- packed bytes, spelled bytes
_PACKED_LEAD = 11
"""Bytes of the longest of the first stage's marks; the shorter ones end with their own last byte."""
_PACKED_MARK = compiled(rb"\x1f\x8b\x08|\xfd7zXZ\0|BZh[1-9]1AY|\x28\xb5\x2f\xfd|\x04\x22\x4d\x18|\xff\x06\x00\x00sNaPpY")


def _packed(data: bytes, end: int, tries: Tries) -> _Found:
    """gzip and its like in the middle of other bytes: behind a shell script, in firmware, in a page that nothing names."""
    mark = _PACKED_MARK.search(data, max(0, end - _PACKED_LEAD), end)
    if mark is None or mark.start() == 0:
        return Run(end, end)  # a file of that kind: who asks for it looks inside as into any archive
    start = mark.start()
    found = unpacked(_pieces(data, [(start, len(data))], STEP, bytes), tries)
    if found is None:
        return Run(start, end)
    stop = start + found.used
    yield View(found.kind, found.data, [], start, stop, found.clipped)
    return Run(start, max(stop, end), True, False)


_PICTURE = b"IDAT"
"""What stands before the pixels of a PNG, and before those of no other picture. They are most of all zlib that there is, and no text."""


def _packed_zlib(data: bytes, end: int, tries: Tries) -> _Found:
    """zlib in the middle of other bytes: values in databases, programs of Erlang, resources of Qt, tables of MATLAB."""
    start = end - 3
    if start == 0 or data.startswith(_PICTURE, start - 4):
        return Run(end, end)
    found = unpacked(_pieces(data, [(start, len(data))], STEP, bytes), tries)
    if found is None or len(found.data) < _LEAST_ZLIB:
        return Run(end, end)
    stop = start + found.used
    yield View(found.kind, found.data, [], start, stop, found.clipped)
    return Run(start, max(stop, end), True, False)


_LEAST_ZLIB = 24
"""Bytes that come out of one: of two bytes in any others, some do."""


def _packed_zip(data: bytes, end: int, tries: Tries) -> _Found:
    """A zip in the middle of other bytes: in an image of a disk, in firmware, with much behind it."""
    start = end - 10
    if start == 0:
        return Run(end, end)
    found = zip_members(data, start, tries)
    if found is None:
        return Run(start, end)
    stop = max(start + found.used, end)
    if found.data or found.clipped:
        yield View(found.kind, found.data, [], start, stop, found.clipped)
    return Run(start, stop, bool(found.data), False)


_PATCH_LINE = compiled(rb"([A-Za-z])([0-9A-Za-z!#-&(-+;-@^-`{-~-]{5,65})\r?\n")


def _packed_patch(data: bytes, end: int, tries: Tries) -> _Found:
    """A file in a patch of git's that is no text: zlib in lines of base85, each behind its length."""
    start = end - 6
    stop = start

    def pieces() -> Iterator[bytes]:
        nonlocal stop
        from base64 import b85decode

        while line := _PATCH_LINE.match(data, stop):
            size = line[1][0] - (64 if line[1] < b"a" else 70)
            try:
                made = b85decode(line[2])
            except ValueError:
                return
            if not 0 <= len(made) - size < 4:
                return
            stop = line.end()
            yield made[:size]

    found = unpacked(pieces(), tries)
    if found is None:
        return Run(start, end)
    yield View(f"patch>{found.kind}", found.data, [], start, stop, found.clipped)
    return Run(start, max(stop, end), True, False)


def _packed_hex(data: bytes, end: int, tries: Tries) -> _Found:
    start = end - 30
    lines = _Lines(_hex_spans(data, start))
    found = unpacked(_pieces(data, lines, 2 * STEP, _pairs), tries)
    if found is None:
        return Run(start, end)
    stop = lines.to_the_end()
    yield View(f"hex>{found.kind}", found.data, [], start, stop, found.clipped)
    return Run(start, stop, True, False)


def _hex_spans(data: bytes, start: int) -> Iterator[tuple[int, int]]:
    """A run of hex digits, wrapped or not; of one that is not, so much at a time that its end need not be known."""
    run = _HEX_RUN.match(data, start, start + 2 * STEP)
    if run is not None and run.end() - start in _HEX_WIDTHS:
        yield from _hex_lines(data, start, run.end())
        return
    while run is not None:
        yield run.span()
        run = _HEX_RUN.match(data, run.end(), run.end() + 2 * STEP)


def _pairs(digits: bytes) -> bytes:
    return binascii.a2b_hex(digits[: len(digits) // 2 * 2])


def _spelled(data: bytes, end: int) -> _Found:
    from leakguard.detect.spelled import spelled

    found = spelled(data, end)
    for piece in found.pieces:
        yield View("bytes", piece.text, piece.breaks, piece.start, piece.stop)
    return Run(found.start, found.stop, found.whole)


def _prefixed(data: bytes, end: int) -> _Found:
    from leakguard.detect.prefixed import prefixed

    found = prefixed(data, end)
    if found is None:
        return Run(end, end)
    yield View("prefixed", found.text, found.breaks, found.start, found.stop)
    # what begins at its end may go on behind it: it is seen again, with what is before it
    return Run(found.start, found.stop if found.stop == len(data) else max(end, found.stop - _BEFORE))


# ---------------------------------------------------------------- escapes, percent, quoted-printable
_PCT_RUN = compiled(rb"[A-Za-z0-9%._~+&=/:?,;@!$'()*-]+")
_PCT = compiled(rb"%([0-9A-Fa-f]{2})")
_QP = compiled(rb"=(?:([0-9A-F]{2})|\r?\n)")
_QP_GOES_ON = compiled(rb"=(?:3D|\r?\n)")
"""What a quoted-printable text is known by: `=` and two hex digits are in every log that has assignments."""
_QP_LINE = 76
"""Characters of its longest line; one is only cut where it would be longer."""
_QP_BARE = compiled(rb"=(?![0-9A-Fa-f]{2})")
_QP_KNOWN = compiled(rb"(?i:quoted-printable)|=(?:3D|20|C[23]|E[0-9A-F])")
_ESC = compiled(
    rb"\\u([0-9A-Fa-f]{4})|\\x([0-9A-Fa-f]{2})|&#x([0-9A-Fa-f]{1,4});|&#([0-9]{1,4});|&(quot|amp|lt|gt|apos);"
    rb"|\\([/\"\\])", re.DOTALL,
)  # fmt: skip
_RARER = compiled(
    rb"\\{1,2}(?:[ux]\{0{0,4}(?P<braced>[0-9A-Fa-f]{1,4})\}|U0000(?P<eight>[0-9A-Fa-f]{4})|x(?P<twice>[0-9A-Fa-f]{2})"
    rb"|(?P<octal>[0-3][0-7]{2}|[0-7]{2}))|&(?:amp;)?#(?:[xX]0{0,5}(?P<html>[0-9A-Fa-f]{1,4})|0{0,5}(?P<decimal>[0-9]{1,4}));?"
)
_BASES = {"octal": 8, "decimal": 10}
_LINE_GOES_ON = compiled(rb"\r?\n[ \t]{0,60}[+.&]?[ \t]?[bL]?[\"'`]?\\[xuU0-7]")
"""A line's end, and one that goes on in escapes: strings of bytes are written on several."""
_NAMED = {b"quot": b'"', b"amp": b"&", b"lt": b"<", b"gt": b">", b"apos": b"'"}
_CHUNK = 64 * 1024
"""Raw bytes of escaped text that make one view ..."""
_SHARED = 24 * 1024
"""... and how much of it is in the next one, too: a private key of which every byte is six."""
_FARTHEST = 128 * 1024
_BEFORE = 2048
"""How far before an escape the view begins: what names the value stands there."""
SAID = 5000
"""The same before a label in a language: in a chat the messages before it, each of which is an object with a dozen fields."""


def _percent(data: bytes, end: int) -> _Found:
    low = max(0, end - _BEFORE)
    left = max(data.rfind(edge, low, end) for edge in (b" ", b"\n", b'"', b"'", b"<", b"\t"))
    start = left + 1 if left >= 0 else low
    found = _PCT_RUN.match(data, end, end + _FARTHEST)
    stop = yield from _chunks("percent", data, _PCT, start, found.end() if found else end)
    return Run(start, stop)


def _escape(data: bytes, end: int, pattern: re.Pattern[bytes] = _ESC) -> _Found:
    low = max(0, end - _BEFORE)
    start = data.rfind(b"\n", low, end) + 1 or low
    stop = yield from _chunks("escape", data, pattern, start, escaped_stop(data, end))
    return Run(start, stop)


def _rarer(data: bytes, end: int) -> _Found:
    """Octal, braces, eight digits, a backslash too many: what hardly any text has, and would cost every text that has escapes."""
    return (yield from _escape(data, end, _RARER))


def _said(data: bytes, end: int) -> _Found:
    """The same with what was said before it: whose key it is."""
    low = max(0, end - SAID)
    start = data.find(b"\n", low, end) + 1 or low
    stop = yield from _chunks("escape", data, _ESC, start, escaped_stop(data, end))
    return Run(start, stop)


def escaped_stop(data: bytes, end: int) -> int:
    """Where escapes that are gone through from `end` on stop: at the first line's end behind which no line goes on with them."""
    most = min(len(data), end + _FARTHEST)
    stop = data.find(b"\n", end, most)
    while stop >= 0 and _LINE_GOES_ON.match(data, stop - (data[stop - 1 : stop] == b"\r")):
        stop = data.find(b"\n", stop + 1, most)
    return stop if stop >= 0 else most


def _quoted(data: bytes, end: int) -> _Found:
    low = max(0, end - _BEFORE)
    # a whole line, if one begins there: of a longer one, what was gone through before is not gone through again
    start = low and max(low, data.find(b"\n", low, end) + 1)
    stop = yield from _chunks("quoted-printable", data, _QP, start, min(len(data), end + _FARTHEST), _QP_GOES_ON)
    return Run(start, stop)


def _chunks(
    kind: str, data: bytes, pattern: re.Pattern[bytes], start: int, limit: int, goes_on: re.Pattern[bytes] | None = None
) -> Generator[View, None, int]:
    """Views of data[start:limit] for as long as escapes (those of `goes_on`) keep coming; returns how far that was."""
    while True:
        stop = min(limit, start + _CHUNK)
        view = _substituted(kind, data, pattern, start, stop)
        if view is not None:
            yield view
        if stop == limit or (goes_on or pattern).search(data, stop - _SHARED, stop) is None:
            return stop
        start = stop - _SHARED


def _substituted(kind: str, data: bytes, pattern: re.Pattern[bytes], start: int, stop: int) -> View | None:
    """A view in which each match of `pattern` is replaced by the byte or character it stands for."""
    out: list[bytes] = []
    breaks = [(0, start, 1, 1)]
    at, size = start, 0
    for found in pattern.finditer(data, start, stop):
        text = _character(found)
        if not (text or _folds(data, found.start())):
            continue
        size += found.start() - at
        out += (data[at : found.start()], text)
        if text:
            breaks.append((size, found.start(), found.end() - found.start(), len(text)))
            size += len(text)
        at = found.end()
        breaks.append((size, at, 1, 1))
    if not out:
        return None
    out.append(data[at:stop])
    return View(kind, b"".join(out), breaks, start, stop)


def _folds(data: bytes, at: int) -> bool:
    """Whether the `=` at a line's end says that the line goes on: base64 ends so, too. What is quoted-printable writes `=` as
    =3D; else it has no bare one and no long lines, and is cut at its longest one or known by other signs around."""
    if data.rfind(b"=3D", max(data.rfind(b"\n", max(0, at - _BEFORE), at), 0), at) >= 0:
        return True
    low = data.rfind(b"\n", max(0, at - _QP_LINE - 1), at) + 1
    if at - low >= _QP_LINE or _QP_BARE.search(data, low, at):
        return False
    return at - low >= _QP_LINE - 4 or _QP_KNOWN.search(data, max(0, at - _BEFORE), at + _BEFORE) is not None


def _character(found: re.Match[bytes]) -> bytes:
    if found.lastgroup:
        code = int(found[found.lastgroup], _BASES.get(found.lastgroup, 16))
        # what was a byte is one again, so that those of a character come together
        return bytes((code,)) if code < 256 and found.lastgroup in ("octal", "twice") else chr(code).encode("utf-8", "replace")
    groups = found.groups()
    if len(groups) == 1:
        return bytes((int(groups[0], 16),)) if groups[0] else b""
    u, x, html_hex, html_dec, named, plain = groups
    if plain is not None:
        return bytes(plain)
    if named is not None:
        return _NAMED[named]
    if html_dec is not None:
        return chr(int(html_dec)).encode("utf-8", "replace")
    return chr(int(u or x or html_hex, 16)).encode("utf-8", "replace")


# ---------------------------------------------------------------- colours, and letters that nobody sees
# every alternative begins with a byte of its own: then only places with one of these bytes are looked at
_MARK = compiled(
    rb"(\x1b\[[0-9;?]{0,16}[A-Za-z]|\\(?:u001[bB]|x1[bB]|033|e)\[[0-9;?]{0,16}[A-Za-z]|#033\[[0-9;?]{0,16}[A-Za-z]"
    rb"|\^\[\[[0-9;?]{0,16}[A-Za-z]|\xe2(?:\x80[\x8b-\x8f]|\x81\xa0)|\xef\xbb\xbf|\xc2\xad"
    rb"|\\(?<=[A-Za-z0-9]\\)\\?(?=_[A-Za-z0-9]))"
)


def _marked(data: bytes, end: int) -> _Found:
    """Text as people see it: without what colours it (logs that were made for a terminal), without the letters that editors and
    web pages put into words to break them and the strokes of Markdown and TeX (`ghp\\_...`), and with plain blanks. As far as
    such marks follow one another."""
    low = max(0, end - _BEFORE)
    start = low and max(low, data.find(b"\n", low, end) + 1)
    text = data[start : start + _CHUNK].replace(b"\xc2\xa0", b"  ").replace(b"\xe2\x80\xaf", b"   ")
    # coloured logs have eight marks a line: they are counted without a step of Python's for each
    parts = _MARK.split(text)
    sizes = list(map(len, parts))
    raw = [0, *accumulate(sizes)]
    far = end - start + _BEFORE
    most = len(parts)
    if max(sizes[0::2]) > _BEFORE:
        most = next((at for at in range(0, most - 1, 2) if sizes[at] > _BEFORE and raw[at + 1] > far), most - 1) + 1
    plain = parts[0:most:2]
    places = accumulate(map(len, plain[:-1]), initial=0)
    breaks = [(place, start + low, 1, 1) for place, low in zip(places, raw[0:most:2], strict=True)]
    last = raw[most - 1]
    stop = min(len(text), max(last, end - start) + _BEFORE)
    plain[-1] = text[last:stop]
    stop += start
    yield View("marked", b"".join(plain), breaks, start, stop)
    # what stands in the last of it may go on behind it: it is seen again, with what is before it
    return Run(start, stop if stop == len(data) else max(end, stop - _BEFORE))


_LIST_OF_WORDS = compiled(
    rb"(?:(?:<[^<>]{1,160}>|\s|&nbsp;|[0-9]{1,2}[.):]?){1,24}+[A-Za-z]{3,9}(?=<)){11,48}+"
)
_TAG_OR_ENTITY = compiled(rb"(?:<[^<>]{1,160}>|&nbsp;|\s)+")


def _tagged(data: bytes, end: int) -> _Found:
    """Words that stand one in each cell of a list, with blanks for the tags between them."""
    found = _LIST_OF_WORDS.search(data, max(0, end - 400), end + _BEFORE * 4)
    if found is None or not found.start() < end <= found.end():
        return Run(end, end)
    start, stop = found.span()
    out: list[bytes] = []
    breaks: list[tuple[int, int, int, int]] = []
    at, size = start, 0
    for gap in _TAG_OR_ENTITY.finditer(data, start, stop):
        low, high = gap.span()
        for piece, place in ((data[at:low], at), (b" ", low)):
            breaks.append((size, place, 1, 1))
            out.append(piece)
            size += len(piece)
        at = high
    breaks.append((size, at, 1, 1))
    out.append(data[at:stop])
    yield View("tagged", b"".join(out), breaks, start, stop)
    return Run(start, stop)


# ---------------------------------------------------------------- joined pieces, folded lines
# Either two quotes with nothing but a prefix between them, of which the first one closes a piece (in a list of one-letter
# strings it opens one); or what else may stand between pieces: a blank, an operator, a line's end. What is behind most quotes can
# be neither, which the look ahead tells sooner.
_JOINT = compiled(
    rb"[\"'`](?=[\"'`bfruBFRU \t\r+.&|\\_]|\n[ \t]{0,60}+[\"'`bfruBFRU+.&|])(?:(?<![,(\[{].)[bfruBFRU]{0,2}+[\"'`]"
    rb"|(?=[ \t\r\n+.&|\\_])[ \t]{0,8}+(?:[+.&|]{1,2}+[ \t]{0,4}+)?"
    rb"(?:[\\_]?\r?\n[ \t]{0,60}+)?(?:[+.&|]{1,2}+[ \t]{0,4}+)?[bfruBFRU]{0,2}+[\"'`])"
)
JOIN_REACH = 8192
_LONGEST_JOINT = 128


def _join(data: bytes, end: int) -> _Found:
    """The statement around `end` with the joints between its string pieces taken out."""
    start, stop, joints = joined(data, end)
    view = _without("join", data, start, stop, joints)
    if view is not None:
        yield view
    return Run(start, stop)


def joined(data: bytes, end: int) -> tuple[int, int, list[tuple[int, int]]]:
    """The statement around `end`: where it begins and stops, and the joints between its string pieces."""
    start = max(0, end - 400)
    newline = data.find(b"\n", start, end)
    if 0 <= newline < end - 120:
        start = newline + 1
    stop = min(len(data), end + JOIN_REACH)
    joints, stop = _chain(data, start, end, stop)
    return start, stop, joints


def _chain(data: bytes, start: int, end: int, stop: int) -> tuple[list[tuple[int, int]], int]:
    """The joints of the chain of pieces that `end` is in, and where it goes to: each within reach of the one before."""
    joints = []
    last = end
    at = start
    # no farther than one that counts can lie: the next one that does not may be far away
    while found := _JOINT.search(data, at, min(stop, last + 512 + _LONGEST_JOINT)):
        low, at = found.span()
        if at - low > 2:
            if low > last + 512:
                break
            joints.append((low, at))
            last = max(last, at)
    return joints, min(stop, last + 512)


def _fold(data: bytes, end: int) -> _Found:
    """The folded lines around `end` as one; base64 runs wrap by themselves and are left to `base64`."""
    start, stop, gaps = folded(data, end)
    view = _without("fold", data, start, stop, gaps) if gaps else None
    if view is not None:
        yield view
    return Run(start, stop)


def folded(data: bytes, end: int) -> tuple[int, int, list[tuple[int, int]]]:
    """The folded lines around `end`: where the first begins and the last stops, and what is between them; nothing is if they are
    none."""
    newline = data.rfind(b"\n", max(0, end - 40), end)
    if newline < 0:
        return end, end, []
    start = data.rfind(b"\n", max(0, newline - 400), newline) + 1 or max(0, newline - 400)
    if _NOT_DIGIT.search(data, start, newline) is None or (_NEXT_NAME.match(data, newline + 1) and data[newline - 1 : newline] != b"\\"):
        return start, end, []
    alike = _BEGINS.match(data, start)
    if alike is not None and data.startswith(alike[0], newline + 1):
        return start, end, []  # a list of commands
    line = newline - start
    gaps = [_gap(data, newline)]
    at = newline + 1
    while len(gaps) < 64:
        after = data.find(b"\n", at, at + line + 2)
        if after < 0 or after - at < line - 2:
            break
        gaps.append(_gap(data, after))
        at = after + 1
    stop = data.find(b"\n", at, at + 400)
    return start, stop if stop >= 0 else min(len(data), at + 400), gaps


_BEGINS = compiled(rb"[ \t]*[A-Za-z][\w.\-]{1,30}[ \t]+[\w.\-]{1,30}")
"""What a line begins with: two lines that begin with the same two words are two, however wide the first is."""


def _gap(data: bytes, newline: int) -> tuple[int, int]:
    """A line's end with the backslash before and the indentation after it."""
    low, high = newline, newline + 1
    if data[low - 1 : low] == b"\r":
        low -= 1
    if data[low - 1 : low] == b"\\":
        low -= 1
    while data[high : high + 1] in (b" ", b"\t"):
        high += 1
    return low, high


def _without(kind: str, data: bytes, start: int, stop: int, gaps: list[tuple[int, int]]) -> View | None:
    """A view of data[start:stop] with the gaps taken out."""
    out = []
    breaks: list[tuple[int, int, int, int]] = []
    at, size = start, 0
    for low, high in gaps:
        if low < at or high > stop:
            continue
        breaks.append((size, at, 1, 1))
        out.append(data[at:low])
        size += low - at
        at = high
    if not out:
        return None
    breaks.append((size, at, 1, 1))
    out.append(data[at:stop])
    return View(kind, b"".join(out), breaks, start, stop)


_FINDERS: dict[str, Callable[[bytes, int], _Found]] = {
    "hex": _hex,
    "hex lines": _hex_of_lines,
    "short hex": _hex_behind_a_line,
    "wide hex": _wide_hex,
    "percent": _percent,
    "quoted": _quoted,
    "escape": _escape,
    "said": _said,
    "rarer": _rarer,
    "spelled": _spelled,
    "prefixed": _prefixed,
    "marked": _marked,
    "tagged": _tagged,
    "join": _join,
    "fold": _fold,
}
_UNPACKING: dict[str, Callable[[bytes, int, Tries], _Found]] = {
    "base64": _base64,
    "packed": _packed,
    "packed zlib": _packed_zlib,
    "packed patch": _packed_patch,
    "packed zip": _packed_zip,
    "packed hex": _packed_hex,
}
