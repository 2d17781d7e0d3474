"""Bytes that are written as digits: base64 of both alphabets, wrapped or not, and hex.

The patterns ask for runs that decode to ASCII text, which a random run of six base64 groups does once in 2^18. Knows no
rules and no files. Imported by this package.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Iterable, Iterator

from leakguard.detect.decode.base import LONG, MAX_VIEW, OVERLAP, Found, Run, View
from leakguard.detect.packed import MARKS, STEP, Tries, unpacked
from leakguard.detect.patterns import compiled


def _base64_class(mask: int, value: int) -> str:
    """The base64 digits whose six bits have `mask & digit == value`, as a character class."""
    digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    kept = "".join(c for i, c in enumerate(digits) if i & mask == value)
    return "[" + kept.replace("+", "+\\-").replace("/", "/_") + "]"


# Each byte of ASCII text has its top bit clear; in a group of four base64 digits these are the top bit of the
# first, the 8-bit of the second and the 2-bit of the third digit.
_TEXT_GROUP = _base64_class(32, 0) + _base64_class(8, 0) + _base64_class(2, 0) + r"[A-Za-z0-9+/_\-]"
_EDGE = r"(?:^|[^A-Za-z0-9+/_\-]|\\[nrt])"
_DIGITS = compiled(rb"[A-Za-z0-9+/_-]+")
_JOINT64 = compiled(rb"(?:\\r\\n|\\[nr]|\r?\n[ \t]{0,60})(?=[A-Za-z0-9+/_-])")
_LINE_MARK = compiled(
    rb"[ \t]{0,24}(?:(?:[>|#*;%+]|//|--)[ \t]{0,8}){1,8}|[ \t]{0,24}[\"'][ \t]{0,4}|[ \t]{0,8}(?P<number>[0-9]{1,7})[ \t:|.)]{1,4}"
)
"""What may stand before each line of a run that is quoted: in an answer to a mail, a comment, a list of strings, what
`cat -n` writes."""
_NEXT_NUMBER = compiled(rb"(?:\r?\n)[ \t]{0,8}[0-9]{1,7}[ \t:|.)]{1,4}(?=[A-Za-z0-9+/_-])")
_LEAST_MARKED = 60
"""Digits of such a line: shorter ones in a list may well be values of their own."""
_CLOSED = compiled(rb"={0,2}[ \t]{0,4}(?:\Z|[\r\n\"'`\\<),;\]}])")
_URL_TO_STD = bytes.maketrans(b"-_", b"+/")
_NO_CONTROL = bytes(c for c in range(256) if c in b"\0\t\n\r" or (c >= 0x20 and c != 0x7F))


def _base64(data: bytes, end: int, tries: Tries) -> Found:
    start = end - 20  # both triggers are twenty digits from the run's edge on
    first = _DIGITS.match(data, start, start + 320)
    if first is None:
        return Run(start, end)
    head = decoded64(first.group()[: (first.end() - start) // 4 * 4])
    if head.startswith(_PACKED):
        lines = Lines(_lines(data, start, packed=True))
        found = unpacked(in_steps(data, lines, STEP, decoded64), tries)
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


class Lines:
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


def in_steps(data: bytes, spans: Iterable[tuple[int, int]], step: int, decoded: Callable[[bytes], bytes]) -> Iterator[bytes]:
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
    mark = _line_mark(data, start)
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
        at = _behind_mark(data, high, mark) if mark and high - low >= _LEAST_MARKED else 0
        if not at:
            joint = _JOINT64.match(data, high)
            if joint is None:
                return
            at = joint.end()
        number += 1
        width = width if number > 2 else high - low


def _line_mark(data: bytes, start: int) -> re.Match[bytes] | None:
    """What the line begins with that `start` is in, if it is but a mark."""
    line = data.rfind(b"\n", max(0, start - 48), start) + 1
    return _LINE_MARK.fullmatch(data, line, start) if line or start < 48 else None


def _behind_mark(data: bytes, high: int, mark: re.Match[bytes]) -> int:
    """Where the digits of the next line begin, if it has the same mark; 0 if it has none."""
    if mark["number"]:
        found = _NEXT_NUMBER.match(data, high)
        return found.end() if found else 0
    text = mark.group()
    at = high
    if (quote := text.strip()) and quote in (b'"', b"'"):  # a list's, or pieces of a string that a plus or nothing joins
        at = next((high + len(sign) for sign in (quote + b",", quote) if data.startswith(sign, high)), high)
    line = data.find(b"\n", at, at + 4) + 1
    if not line or data[at : line - 1].strip() or not data.startswith(text, line):
        return 0
    return line + len(text) if data[line + len(text) : line + len(text) + 1].translate(None, _ALL_DIGITS) == b"" else 0


_ALL_DIGITS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/_-"


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


HEX_RUN = compiled(rb"[0-9A-Fa-f]+")
_NOT_HEX = compiled(rb"[^0-9A-Fa-f]")
_HEX_DIGITS = frozenset(b"0123456789ABCDEFabcdef")


def _hex(data: bytes, end: int) -> Found:
    return (yield from _hex_from(data, end - 12))


def _hex_of_lines(data: bytes, end: int) -> Found:
    """A run that begins with a short line."""
    low = max(0, end - 64)
    before = max((found.end() for found in _NOT_HEX.finditer(data, low, end)), default=low)
    return (yield from _hex_from(data, before))


def _hex_behind_a_line(data: bytes, end: int) -> Found:
    """A run whose first line is so short that the automaton does not see what is behind it."""
    line = end - 18
    start = line
    while start > line - 14 and start and data[start - 1] in _HEX_DIGITS:
        start -= 1
    if not 0 < line - start <= 12 or (line - start) % 2:
        return Run(end, end)
    return (yield from _hex_from(data, start))


def _wide_hex(data: bytes, end: int) -> Found:
    """UTF-16 in hex: SQL Server's dumps."""
    return (yield from _hex_from(data, end - 24))


def _hex_from(data: bytes, start: int) -> Found:
    found = HEX_RUN.match(data, start)
    stop = found.end() if found else start
    head = binascii.a2b_hex(data[start : start + min(stop - start, 512) // 2 * 2])
    if stop - start < 24 or len(head.translate(None, _PRINTABLE)) > 0.1 * len(head):
        return Run(start, stop)
    lines = list(hex_lines(data, start, stop))
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


HEX_WIDTHS = range(32, 257, 2)
_HEX_LINES = 64 * 1024
"""Bytes of wrapped lines that are taken together; one that goes on begins anew behind them, as a line of its own would."""
_HEX_JOINT = compiled(rb"\r?\n[ \t]{0,60}(?=[0-9A-Fa-f]{2})")


def hex_lines(data: bytes, start: int, stop: int) -> Iterator[tuple[int, int]]:
    """The spans of a run that is wrapped at one width, as `xxd -p` does; only the last line is shorter."""
    yield start, stop
    width = stop - start
    while width in HEX_WIDTHS and stop - start < _HEX_LINES and (joint := _HEX_JOINT.match(data, stop)):
        run = HEX_RUN.match(data, joint.end(), joint.end() + width + 2)
        low, stop = run.span() if run else (stop, stop)
        if stop - low > width or not _CLOSED.match(data, stop):
            return
        yield low, stop
        if stop - low < width:
            return


TRIGGERS: tuple[tuple[str, str], ...] = (
    # an INI's section and pretty JSON, whose first line's end comes too soon for the automaton
    ("hex lines", r"5[bB](?:[2-7][0-9A-Fa-f]){1,16}5[dD](?:0[dD])?0[aA](?:[2-7][0-9A-Fa-f]){2}"),
    ("hex lines", r"(?:5|7)[bB](?:0[dD])?0[aA](?:20|09){1,8}(?:22|7[bB])"),
    # a line's end within its first six bytes, behind which it is text
    ("short hex", r"0[aA](?:[2-7][0-9A-Fa-f]){8}"),
    ("base64", _EDGE + r"(?:[/_]Td6WFoA[A-Za-z0-9+/_\-]{12}|QlpoOTFBWSZTW[A-Za-z0-9+/_\-]{7})"),
    # zlib at its other levels, a pattern each: in one with the usual level they made the database a third slower
    *(("base64", _EDGE + start + r"[A-Za-z0-9+/_\-]{17}") for start in ("eN[opqr]", "eA[EFGH]", "eF[4567]")),
    # what Windows wrote begins with a mark of its order, which is no ASCII
    ("base64", _EDGE + r"77u[/_](?:" + _TEXT_GROUP + r"){4}"),
    ("base64", _EDGE + r"(?:KLUv[/_][A-Za-z0-9+/_\-]{15}|UEsDB[AB][A-Za-z0-9+/_\-]{14})"),
)  # fmt: skip
TEXT_TRIGGERS: tuple[tuple[str, str], ...] = (
    ("base64", f"{_EDGE}(?:{_TEXT_GROUP}){{5}}"),
    ("base64", _EDGE + r"(?:H4sI[A-Za-z0-9+/_\-]{16}|eJ[wxyz][A-Za-z0-9+/_\-]{17})"),
    ("hex", r"(?:^|[^0-9A-Fa-f])(?:[2-7][0-9A-Fa-f]){6}"),
    ("wide hex", r"(?:^|[^0-9A-Fa-f])(?:[2-7][0-9A-Fa-f]00){6}"),
)
FINDERS: dict[str, Callable[[bytes, int], Found]] = {
    "hex": _hex,
    "hex lines": _hex_of_lines,
    "short hex": _hex_behind_a_line,
    "wide hex": _wide_hex,
}
UNPACKING: dict[str, Callable[[bytes, int, Tries], Found]] = {
    "base64": _base64,
}
