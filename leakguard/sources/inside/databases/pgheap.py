"""Files of PostgreSQL's data folder: the rows of a table's pages, live or deleted, and long values, which lie compressed or in pieces.

Promises: text is given value by value, since in the file a length that is mostly a letter stands right before each (`Sghp_...`), and
no rule sees a token there; documents of jsonb are given field by field; what is compressed is unpacked; the pieces of a long value
are put together where they lie one behind the other, as they are written. A page that is none, free space in one, and whatever of a
row is no text, is handed out as it stands. Columns' names are in other files: where these lie beside it, in a folder on disk, values
stand behind their names; else that is told. Memory is a page, one long value, and the catalog while it is looked into.

Formats: src/include/storage/bufpage.h, access/htup_details.h, varatt.h, utils/jsonb.h, common/pg_lzcompress.c. Checked with what
PostgreSQL 15 wrote. Imported by `sources.inside.walk`.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator
from typing import BinaryIO

from leakguard.sources.inside.base import Context, Member, Stream
from leakguard.sources.inside.databases.pgnames import FIRST_OWN, Column, columns, values
from leakguard.sources.inside.databases.records import Cell, Row, Runs, is_text, tables
from leakguard.sources.inside.databases.snappy import DamagedError

PAGE = 8192
LARGEST = 64 * 1024 * 1024
DEEPEST = 20
_LEAST = 16
"""Bytes between texts that are given, too: fewer are numbers."""
_SHORT = 127
UNSEEN = (
    "a table of PostgreSQL, read without the names of its columns, which other files hold: "
    "scan the unpacked folder, or what pg_dump writes"
)


def heap(stream: Stream, context: Context) -> Iterator[Member]:
    """The rows of a table, or the long values that belong to one."""
    file, size = stream.file()
    stem = context.name.rsplit("/", 1)[-1].split(".", 1)[0]
    number = int(stem) if stem.isdecimal() and len(stem) < 11 else FIRST_OWN
    known = columns(number, context.beside) if context.beside is not None and FIRST_OWN <= number < 1 << 32 else []
    if not known and number >= FIRST_OWN:  # of a system's table nothing is told by the name of a column alone
        context.tell("unread", "", UNSEEN)
    if size % PAGE:
        context.tell("failed", "", "pg-heap: ends in the middle of a page")
    reader = Heap(file, size, context, known)
    yield from tables("@rows", reader.rows())
    if reader.raw:
        pieces = Runs(file, reader.raw, lambda at: at // PAGE)
        yield Member("@free", pieces, kind="gap", place=pieces.facts_at)


class Heap:
    """`raw`: start, end of what is no row."""

    def __init__(self, file: BinaryIO, size: int, context: Context, known: list[Column]) -> None:
        self.file = file
        self.known = known
        self.told = False
        self.size = size
        self.context = context
        self.raw = array("Q")
        self.long = bytearray()
        self.parts = (0, 0)
        """Number of the long value whose pieces are put together, and of its next piece."""

    def rows(self) -> Iterator[Row]:
        for at in range(0, self.size, PAGE):
            self.context.budget.spend(0)
            self.file.seek(at)
            page = self.file.read(PAGE)
            lower, upper, special, form = struct.unpack_from("<HHHH", page.ljust(24, b"\0"), 12)
            if len(page) < PAGE or not 24 <= lower <= upper <= special <= PAGE or form >> 8 != PAGE >> 8:
                self.raw.extend((at, at + len(page)))
                continue
            if page[lower:upper].strip(b"\0"):
                self.raw.extend((at + lower, at + upper))
            if special < PAGE:
                self.raw.extend((at + special, at + PAGE))
            yield from self._page(page, at, lower, upper, special)
        yield from self.whole()

    def _page(self, page: bytes, base: int, lower: int, upper: int, special: int) -> Iterator[Row]:
        spans, done = [], upper
        for place in range(24, lower - 3, 4):
            pointer = int.from_bytes(page[place : place + 4], "little")
            start, state, size = pointer & 0x7FFF, pointer >> 15 & 3, pointer >> 17
            if state == 1:
                spans.append((start, start + size, (place - 20) // 4))
        for start, end, _ in sorted(spans):  # one behind the other, each from a multiple of eight on
            if start != done or end - start < 24 or not 24 <= page[start + 22] <= end - start:
                done = 0
                break
            done = end + -end % 8
        if done != special:
            self.context.tell("failed", "", "pg-heap: damaged page")
            self.raw.extend((base, base + PAGE))
            return
        for start, end, number in spans:  # as they were written: a page is filled from its end
            page_number = str(base // PAGE)
            facts = ("page", page_number), ("row", str(number))
            yield from self.row(page[start:end], f"page {page_number} row {number}", facts)

    def row(self, row: bytes, label: str, facts: tuple[tuple[str, str], ...]) -> Iterator[Row]:
        """One row, or what was put together before it."""
        count, data = int.from_bytes(row[18:20], "little") & 0x7FF, row[row[22] :]
        if count == 3 and not self.known and len(data) > 9:
            ident, part = struct.unpack_from("<II", data)
            if part == 0:
                yield from self.whole()
            if part == 0 or (ident, part) == self.parts:
                piece = _only(data[8:])
                if piece is not None and len(self.long) + len(piece) <= LARGEST:
                    self.long += piece
                    self.parts = (ident, part + 1)
                    return
        found = self._named(row) or list(_cells(data, 0))
        if found:
            yield Row(label, found, facts)

    def _named(self, row: bytes) -> list[Cell]:
        """The values of a row under the names of its columns; none if it has others."""
        out: list[Cell] = []
        found = values(row, self.known) if self.known else []
        if found is None and not self.told:
            self.context.tell("unread", "", UNSEEN)
            self.told = True
        for name, value, packed in found or ():
            plain = _unpacked(value) if packed else value
            for below, content in _value(value if plain is None else plain, 0):
                out.append((f"{name}.{below}" if below else name, content))
        return out

    def whole(self) -> Iterator[Row]:
        """The long value whose pieces were put together."""
        if self.long:
            value, self.long = bytes(self.long), bytearray()
            ident, count = self.parts
            plain = _unpacked(value)
            found = [("value", value)] if plain is None else list(_value(plain, 0))
            yield Row(f"value {ident}", found, (("value", str(ident)), ("pieces", str(count))))
        self.parts = (0, 0)


def _only(data: bytes) -> bytes | None:
    """The one value that the data is."""
    if data[0] & 1:
        return data[1:] if data[0] > 1 and data[0] >> 1 == len(data) else None
    return data[4:] if int.from_bytes(data[:4], "little") == len(data) << 2 else None


def cells(data: bytes) -> Iterator[Cell]:
    """The values in bytes that may be of a row."""
    return _cells(data, 0)


def _cells(data: bytes, depth: int) -> Iterator[Cell]:
    """The values of a row, or of a list; offsets count from where the data is aligned."""
    at = last = number = 0
    size = len(data)
    while at < size:
        first = data[at]
        if (first < 7 or at + (first >> 1) > size) if first & 1 else at & 3:  # most bytes: sooner told here
            at += 1
            continue
        found, end = _at(data, at, _SHORT if not depth else 4)
        if found is None:
            at += 1
            continue
        if at - last >= _LEAST:
            yield "bytes", data[last:at]
        for name, content in _value(found, depth):
            number += 1
            yield name or f"v{number}", content
        at = last = end
    if at - last >= _LEAST:
        yield "bytes", data[last:]


def _at(data: bytes, at: int, least: int) -> tuple[bytes | None, int]:
    """(the value that begins here, its end): behind one byte that tells its length, or four; packed or not. Numbers look like
    lengths: what they lead to must be a value, and of a row one of more bytes than a length of one byte can tell."""
    first = data[at]
    if first & 1:
        end = at + (first >> 1)
        value = data[at + 1 : end]
        return (value, end) if first > 5 and end <= len(data) and _is_value(value) else (None, at)
    if at % 4 or at + 8 > len(data):
        return None, at
    head = int.from_bytes(data[at : at + 4], "little")
    end = at + (head >> 2)
    if head >> 2 <= least or end > len(data):
        return None, at
    value = data[at + 4 : end]
    plain = _unpacked(value) if head & 3 == 2 else value if not head & 3 and _is_value(value) else None
    return (plain, end) if plain is not None else (None, at)


def _is_value(value: bytes) -> bool:
    """Is it text, a document or a list?"""
    return is_text(value) or (len(value) >= 12 and (value[:4] in _DIMENSIONS or bool(_document(value))))


def _value(value: bytes, depth: int) -> Iterator[Cell]:
    if is_text(value):
        # a view as it was compiled is a list of names: none is the value of the one before it
        yield "", value.replace(b" ", b"\n") if value.startswith((b"({", b"{")) and b" :location " in value else value
    elif depth < DEEPEST and (fields := _document(value)):
        yield from fields
    elif depth < DEEPEST and len(value) >= 24 and value[:4] in _DIMENSIONS:
        yield from _cells(bytes(4) + value, depth + 1)
    else:
        yield "", value


_DIMENSIONS = tuple(bytes((count, 0, 0, 0)) for count in range(1, 7))


# ---------------------------------------------------------------- jsonb
def _document(data: bytes) -> list[Cell]:
    """The strings of a jsonb, under the names that lead to them; none if it is no such document."""
    try:
        return list(_container(data, "", 0))
    except (struct.error, DamagedError, UnicodeDecodeError):
        return []


def _container(data: bytes, name: str, depth: int) -> Iterator[Cell]:
    (head,) = struct.unpack_from("<I", data)
    count, is_object = head & 0xFFFFFFF, bool(head & 0x20000000)
    if depth > DEEPEST or not head & 0x60000000 or head >> 31 or not 0 < count < len(data):
        raise DamagedError("no container")
    entries = struct.unpack_from(f"<{count * (1 + is_object)}I", data, 4)
    base = at = 4 + 4 * len(entries)
    keys: list[str] = []
    for number, entry in enumerate(entries):
        end = base + (entry & 0xFFFFFFF) if entry >> 31 else at + (entry & 0xFFFFFFF)
        kind = entry >> 28 & 7
        if not at <= end <= len(data) or kind > 5:
            raise DamagedError("no container")
        if is_object and number < count:
            keys.append(data[at:end].decode())
        else:
            own = keys[number - count] if is_object else str(number)
            full = f"{name[-200:]}.{own}" if name else own
            if kind == 0:
                yield full, data[at:end]
            elif kind == 5:
                yield from _container(data[at + -at % 4 : end], full, depth + 1)
        at = end


# ---------------------------------------------------------------- compressed values
def _unpacked(value: bytes) -> bytes | None:
    """What is packed, behind its length and the way it is; None for what is not."""
    told = int.from_bytes(value[:4], "little")
    size, how = told & 0x3FFFFFFF, told >> 30
    if len(value) < 8 or not len(value) - 4 < size <= min(LARGEST, 300 * len(value)) or how > 1:
        return None
    if how:
        try:
            import lz4.block
        except ImportError:
            return None
        try:
            return bytes(lz4.block.decompress(value[4:], uncompressed_size=size))
        except (lz4.block.LZ4BlockError, ValueError):
            return None
    return unpglz(value[4:], size)


def unpglz(data: bytes, size: int) -> bytes | None:
    """PostgreSQL's own way: a bit for each item, a byte or a copy of what is there already."""
    out = bytearray()
    at = 0
    while at < len(data) and len(out) < size:
        control = data[at]
        at += 1
        for bit in range(8):
            if at >= len(data) or len(out) >= size:
                break
            if not control >> bit & 1:
                out.append(data[at])
                at += 1
                continue
            if at + 2 > len(data):
                return None
            count, back = (data[at] & 15) + 3, (data[at] & 0xF0) << 4 | data[at + 1]
            at += 2
            if count == 18:
                if at >= len(data):
                    return None
                count += data[at]
                at += 1
            if not 0 < back <= len(out):
                return None
            run = out[-back:]
            out += (run * (count // back + 1))[:count]
    return bytes(out[:size]) if len(out) >= size and at == len(data) else None
