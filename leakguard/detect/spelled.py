"""Text that is spelled out byte by byte: dumps of `xxd`, `hexdump`, `od -x` and debuggers, arrays of bytes, `chr(103)`.

Promises: a pure function of bytes. A dump is read line by line, its columns of text left out and its words put the right way
round; what lies at addresses that do not follow one another is not glued together. An array is read as far as one sign stands
between its numbers. What is no text gives no view. Each byte of a view knows where it was spelled, of a dump to the end of
its line: there the same letters stand once more.

Knows no rules and no files. Imported by decode.py when one of its triggers fired.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

from leakguard.detect.patterns import compiled

BEFORE = 8192
"""How far before a hit a dump or an array is taken up: two thousand bytes that are spelled."""
CHUNK = 64 * 1024
"""Raw bytes that make one view, and ..."""
SHARED = 24 * 1024
"""... how many of them the next one sees, too."""

_Spelled = tuple[int, int, int]
"""(value of a byte, where it is spelled, how far what tells of it goes)."""


class Piece(NamedTuple):
    """Text, and where its bytes were spelled; `start` and `stop` are those of the lines or numbers."""

    text: bytes
    breaks: list[tuple[int, int, int, int]]
    start: int
    stop: int


class Found(NamedTuple):
    """What a hit led to. `whole`: only its beginning says what it is."""

    pieces: list[Piece]
    start: int
    stop: int
    whole: bool


# an address, maybe behind what a log puts before it, and what parts it from the bytes
_DUMP = compiled(
    rb"(?:[ \t]*|[^\r\n]{0,96}?[ \t\]](?=[0-9A-Fa-f]{4,16}: ))(?:0x)?(?P<at>[0-9A-Fa-f`]{4,17})"
    rb"(?:[ \t]*<[^>\r\n]{1,120}>)?(?P<sep>:[ \t]{0,4}|[ \t]{1,4}|\|[ \t]{0,2})(?=(?:0x)?[0-9A-Fa-f]{2})"
)
_WORD = compiled(rb"(?P<sign>0x)?(?P<digits>(?:[0-9A-Fa-f]{2}){1,8})(?![0-9A-Za-z])")
_GAP = compiled(rb"[ \t]+|-|:|,[ \t]*")
# most lines: words one blank apart, or bytes; what could go on otherwise is looked at word by word
_NARROW = compiled(rb"(?:(?:[0-9A-Fa-f]{2}){1,8}[ \-:])*(?:[0-9A-Fa-f]{2}){1,8}(?![0-9A-Za-z])")
_BYTES = compiled(rb"(?:[0-9A-Fa-f]{2}(?: {1,2}|-|:))*[0-9A-Fa-f]{2}(?![0-9A-Za-z])")
_PAIRS = compiled(rb"(?:[0-9A-Fa-f]{4} {1,2})*[0-9A-Fa-f]{4}(?![0-9A-Za-z])")
_ENDS = frozenset((b"", b"  |", b"  >"))
"""What may stand behind them (behind words one blank apart two blanks do): else each word is looked at."""
_LINE = compiled(rb"[^\r\n]*")
_TEXT = compiled(rb"[\x20-\x7e\t\r\n]{12}|(?:[\x20-\x7e]\0){12}")
_DIGITS = compiled(rb"[0-9]{1,20}")
_IN_NUMBERS = b"0123456789, \t\r\n"
_LONGEST_LINE = 512
_WIDEST = 64
"""Bytes of a dump's line."""

_HEX, _SIGNED, _NUMBER, _CALL = range(4)
# what a byte is, and what stands between two: the same sign all along, so that a number behind the array is none of it
_ARRAYS: tuple[tuple[int, re.Pattern[bytes], re.Pattern[bytes]], ...] = (
    (_SIGNED, compiled(rb"0[xX](?P<it>[0-9A-Fa-f]{2})(?![0-9A-Za-z])"), compiled(rb"[ \t]*,?\s{0,40}")),
    (_CALL, compiled(rb"(?i:chrw?|char)\$?\((?P<it>[0-9]{1,3})\)|\[(?i:char)\](?P<as>[0-9]{1,3})(?![0-9])"),
     compiled(rb"[ \t]{0,4}[.+&|,]{0,2}[ \t]{0,4}(?:_?\r?\n[ \t]{0,40}[.+&|,]{0,2}[ \t]{0,4})?")),
    (_HEX, compiled(rb"(?P<it>[0-9A-Fa-f]{2})(?![0-9A-Za-z])"), compiled(rb"[ \-:,](?:\\?\r?\n[ \t]{0,40})?|\r?\n[ \t]{0,40}")),
    (_NUMBER, compiled(rb"(?P<it>[0-9]{1,3})(?![0-9A-Za-z.])"), compiled(rb"[ \t]{0,2},\s{0,40}| ")),
)  # fmt: skip
_LEAST = 12
"""Bytes of an array that are worth a look."""


def spelled(data: bytes, end: int) -> Found:
    """The dump or array that the byte before `end` belongs to, in pieces that overlap."""
    line = data.rfind(b"\n", max(0, end - _LONGEST_LINE), end) + 1 or max(0, end - _LONGEST_LINE)
    if _dump_line(data, line):
        found = _dump(data, line)
        if found.pieces:
            return found
    if _OD_LINE.match(data, line):
        return _od(data, line)
    hit = data[max(0, end - 24) : end].lower()
    if not hit.translate(None, _IN_NUMBERS) and not _text_near(data, end):
        return Found([], end, end, False)  # tables of numbers have a hit in every hundredth line
    for kind, item, between in _ARRAYS:
        if (kind == _SIGNED) == (b"0x" in hit) and (kind == _CALL) == (b"ch" in hit):
            found = _array(data, end, kind, item, between)
            if found.pieces:
                return found
    return Found([], end, end, False)


def _text_near(data: bytes, end: int) -> bool:
    """Whether the decimal numbers just before and after a place could be letters, or a few of them ends of lines."""
    numbers = [int(digits) for digits in _DIGITS.findall(data, max(0, end - 24), end + 24)[1:-1]]
    return all(32 <= number < 127 or number in (9, 10, 13) for number in numbers)


# ---------------------------------------------------------------- dumps
class _Row(NamedTuple):
    address: bytes
    values: bytes
    low: int
    """Where its bytes begin, and ..."""
    stop: int
    narrow: bool
    """Behind a colon (xxd) two blanks end the bytes, elsewhere (hexdump -C) they stand in the middle, too."""
    swapped: bool


def _dump_line(data: bytes, at: int) -> _Row | None:
    """The bytes of a line of a dump; None if it is none."""
    found = _LINE.match(data, at, at + _LONGEST_LINE)
    stop = found.end() if found else at
    head = _DUMP.match(data, at, stop)
    if head is None:
        return None
    narrow = b":" in head["sep"]
    plain = (_NARROW if narrow else _BYTES).match(data, head.end(), stop)
    swapped = plain is None and not narrow
    plain = _PAIRS.match(data, head.end(), stop) if swapped else plain
    if plain is not None and ((behind := data[plain.end() : min(plain.end() + 3, stop)]) in _ENDS or (narrow and behind[:2] == b"  ")):
        values = bytes.fromhex(plain[0].translate(None, b"-:").decode())
        if swapped:
            values = bytes(chain.from_iterable(zip(values[1::2], values[::2], strict=True)))
    else:
        words = list(_words(data, head.end(), stop, narrow))
        values = bytes([value for items, _ in words for value, _, _ in items])
        swapped = any(turned for _, turned in words)
    if not values or len(values) > 4 * _WIDEST:
        return None
    return _Row(head["at"].replace(b"`", b""), values[:_WIDEST], head.end(), stop, narrow, swapped)


def _words(data: bytes, at: int, stop: int, narrow: bool) -> Iterator[tuple[list[_Spelled], bool]]:
    """The words of a dump's line, and whether each was turned round."""
    while word := _WORD.match(data, at, stop):
        digits = word["digits"]
        places = range(word.start("digits"), word.end("digits"), 2)
        values = [int(data[place : place + 2], 16) for place in places]
        turned = len(digits) > 2 and (bool(word["sign"]) or not narrow)
        if turned:
            values.reverse()
        yield [(value, place, stop) for value, place in zip(values, places, strict=True)], turned
        gap = _GAP.match(data, word.end(), stop)
        if gap is None:
            return
        wide = gap.end() - gap.start()
        if data[gap.end() : gap.end() + 1] in (b"|", b">") or (wide > (1 if narrow else 2) and b"," not in gap[0]):
            return
        at = gap.end()


def _dump(data: bytes, line: int) -> Found:
    start = line
    low = max(0, line - BEFORE)
    while start > low:
        before = data.rfind(b"\n", low, start - 1) + 1 or low
        if before == start or (before and before == low) or _dump_line(data, before) is None:
            break
        start = before
    at, rows, whole = start, list[_Row](), False
    pieces: list[Piece] = []
    begun = start
    starts: list[int] = []
    while row := _dump_line(data, at):
        rows.append(row)
        starts.append(at)
        whole |= row.swapped
        at = data.find(b"\n", row.stop, row.stop + 2) + 1
        if not at:
            at = row.stop
            break
        if at - begun >= CHUNK:
            pieces += _piece(data, rows, begun, row.stop)
            keep = next(n for n, place in enumerate(starts) if place >= at - SHARED)
            begun, rows, starts = starts[keep], rows[keep:], starts[keep:]
    if rows:
        pieces += _piece(data, rows, begun, rows[-1].stop)
    return Found(pieces, start, at, whole)


def _piece(data: bytes, rows: list[_Row], start: int, stop: int) -> Iterator[Piece]:
    widths: list[tuple[int, bool]] = []
    text: list[bytes] = []
    width = _WIDEST
    for number, row in enumerate(rows):
        step = _step(row, rows[number + 1]) if number + 1 < len(rows) else 0
        if 0 < step <= width:
            width = step
        own = row.values[:width]
        ends = bool(step) and step != len(own)
        text.append(own + b"\n" if ends else own)
        widths.append((len(own), ends))
    if not _TEXT.search(b"".join(text)):
        return
    items: list[_Spelled] = []
    for row, (count, ends) in zip(rows, widths, strict=True):
        own_items = [item for word, _ in _words(data, row.low, row.stop, row.narrow) for item in word]
        items += own_items[:count]
        if ends:
            items.append((10, row.stop, row.stop))
    yield from _text(items, start, stop)


def _step(row: _Row, after: _Row) -> int:
    """Bytes from one address to the next one; of octal and decimal ones, too, if that is what fits. -1 backwards."""
    for base in (16, 8, 10):
        try:
            step = int(after.address, base) - int(row.address, base)
        except ValueError:
            continue
        if step == len(row.values) or (base == 16 and 0 < step < len(row.values)):
            return step
    return -1


# ---------------------------------------------------------------- od -c, -to1, -tu1
_OD_LINE = compiled(
    rb"(?P<at>[0-7]{7,10})(?P<fields>(?: (?:  [!-~ ]| [ 0-9\\][0-9a-z]|[01][0-9]{2}|[2-3][0-7]{2})){1,32})[ \t]*(?:\r?\n|\Z)"
)
_OD_SIGNS = {b"\\n": 10, b"\\r": 13, b"\\t": 9, b"\\0": 0, b"\\a": 7, b"\\b": 8, b"\\f": 12, b"\\v": 11, b"": 32}


def _od(data: bytes, line: int) -> Found:
    """Lines of fields of four columns: letters as they are, with octal numbers between; or numbers alone, in octal or decimal."""
    start = line
    low = max(0, line - BEFORE)
    while start > low:
        before = data.rfind(b"\n", low, start - 1) + 1 or low
        if before == start or (before and before == low) or not _OD_LINE.match(data, before):
            break
        start = before
    rows = []
    at = start
    while at < start + CHUNK and (row := _OD_LINE.match(data, at)):
        rows.append(row)
        at = row.end()
    fields = [
        (row["fields"][low + 1 : low + 4].strip(), row.start("fields") + low + 1, row.end())
        for row in rows for low in range(0, len(row["fields"]), 4)
    ]  # fmt: skip
    letters = any(not field.isdigit() for field, _, _ in fields)
    octal = letters or all(len(field) == 3 and not field.translate(None, _OCTAL) for field, _, _ in fields)
    items = [(_od_value(field, letters, octal), place, stop) for field, place, stop in fields]
    return Found(list(_text(items, start, at)), start, max(at, line + 1), False)


_OCTAL = b"01234567"


def _od_value(field: bytes, letters: bool, octal: bool) -> int:
    """What a field stands for: a letter or sign by itself, or a number."""
    if letters and len(field) != 3:
        return _OD_SIGNS.get(field, field[0] if len(field) == 1 else 0)
    if field.translate(None, _OCTAL if octal else b"0123456789"):
        return 0
    return int(field, 8 if octal else 10) & 255


# ---------------------------------------------------------------- arrays
def _array(data: bytes, end: int, kind: int, item: re.Pattern[bytes], between: re.Pattern[bytes]) -> Found:
    low = _left(data, end, kind)
    items: list[_Spelled] = []
    pieces: list[Piece] = []
    at = first = begun = low
    sign: bytes | None = None
    # from the left, so that what each number is does not depend on where the hit is in it
    while True:
        found = item.match(data, at) if items else item.search(data, at, end + 24)
        if found is None:
            if not items or at >= end:
                break
            items, sign = [], None
            continue
        if not items and found.start() and data[found.start() - 1 : found.start()].isalnum():
            at = found.end()
            continue
        digits = found["it"] or found["as"]
        value = int(digits, 16 if kind in (_HEX, _SIGNED) else 10)
        if not items:
            first = begun = found.start()
        if value < 256:
            items.append((value, found.start(), found.end()))
        gap = between.match(data, found.end()) if value < 256 else None
        mark = gap[0].strip()[:1] if gap else None
        if gap is not None and (sign is None or mark == sign) and gap.end() > gap.start():
            sign, at = mark, gap.end()
            if at - begun >= CHUNK:
                pieces += _text(items, begun, at)
                items = [one for one in items if one[1] >= at - SHARED]
                begun = items[0][1]
            continue
        at = max(found.end(), at)
        if at >= end:
            break
        items, sign, pieces = [], None, []
    if len(items) >= _LEAST:
        pieces += _text(items, begun, items[-1][2])
    return Found(pieces, first, max(at, end), False)


def _left(data: bytes, end: int, kind: int) -> int:
    """From where on an array that goes over `end` is read: where one of its numbers ends a line none of it stands before, unless
    blanks or lines' ends part them."""
    low = max(0, end - BEFORE)
    near = data[max(low, end - 8) : end]
    if kind == _NUMBER or (kind == _HEX and near.translate(None, b":-,") != near and near.count(b"\n") < 2):
        at = data.rfind(b"\n", low, end)
        while at >= 0:
            if data[max(0, at - 2) : at].rstrip(b"\r")[-1:].isalnum():
                return at + 1
            at = data.rfind(b"\n", low, at)
    return low


def _text(items: list[_Spelled], start: int, stop: int) -> Iterator[Piece]:
    text = bytes(value for value, _, _ in items)
    if _TEXT.search(text):
        yield Piece(text, [(number, low, high - low, 1) for number, (_, low, high) in enumerate(items)], start, stop)
