"""Deleted rows of SQLite: records found again in free space, by the shape that the schema says they have.

SQLite leaves a deleted row's bytes where they were and writes, if at all, four bytes of a freeblock's header over its
beginning: the row's size, its rowid and the first part of its header are lost, the rest of the header and all values
are not. So a record is looked for in two ways: whole, by its header (as many types as a table has columns), and without
its head, at the beginning of free space.

Promises: pure functions of bytes; a record is believed only if its values fit into the free space, its types fit the
columns and its text is text; what is no record is left to be scanned as it stands. Work is linear in the free space.

Sources: https://www.sqlite.org/fileformat2.html, sections 1.6 (freeblocks) and 2.1 (records).
Imported by the readers of SQLite's files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from leakguard.sources.inside.databases.records import is_text
from leakguard.sources.inside.databases.sqlitepages import Format, Table, Value, types_of, values_of, varint, width

MOST_COLUMNS = 60
"""Columns beyond which records are not looked for: any text looks like such a header."""
MOST_SHAPES = 24
LEAST_EFFORT = 200_000
"""Tables tried in any database, and one more for each 64 bytes of it; a hundred thousand take a second or two."""
MOST_TABLES = 400
"""Tables whose rows are looked for, and numbers of columns that they may have."""
SURE = 4
"""Types in a row that are a header also where the freeblock's size is not the row's."""
_LEAST_TEXT = 4
KINDS = frozenset((b"table", b"index", b"view", b"trigger"))
"""What the first column of the schema says."""
_TYPE = rb"(?:[\x00-\x09\x0c-\x7f]|[\x81-\xff][\x00-\x7f]|[\x81-\xff]{2}[\x00-\x7f])"


_ANY = re.compile(rb"(?=%b)" % b"|".join(rb"\x%02x%b{%d}" % (count + 1, _TYPE, count // 2) for count in range(2, 31)), re.DOTALL)
"""A header of up to 30 types, half of which may take two bytes. In text there is no such byte but tabs and line breaks."""


class Carved(NamedTuple):
    """A record found: [start, end) of the free space, its rowid if that is still there."""

    start: int
    end: int
    rowid: int | None
    values: list[Value]
    table: Table
    cut: bool = False
    """Were the values behind these written over?"""


class Effort:
    """What looking for records may still cost: tables tried. When it is spent the rest is scanned as it stands."""

    def __init__(self, size: int) -> None:
        self.left = LEAST_EFFORT + size // 64
        self.unknown = LEAST_EFFORT // 4 + size // 128
        """The same for rows of tables that nobody describes, a dozen microseconds each."""


def carve(data: bytes, form: Format, tables: Sequence[Table], effort: Effort) -> Iterator[Carved]:
    """Records of one of `tables` in a run of free space, in order and without overlap."""
    by_count: dict[int, list[Table]] = {}
    for table in tables[:MOST_TABLES]:
        if 1 < len(table.columns) <= MOST_COLUMNS:
            by_count.setdefault(len(table.columns), []).append(table)
    some = [table for count in by_count for table in by_count[count]]
    high = form.page_size >> 8
    starts: set[tuple[int, bool, int]] = set()
    for count in sorted(by_count)[:MOST_SHAPES]:
        starts.update((match.start(), False, count) for match in _shape(count).finditer(data))
        for lost in (0, 1):
            if count - lost > 1:
                starts.update((match.start(), True, count) for match in _block(count - lost, high).finditer(data))
    at = 0
    found = _headless(data, at, form, some)
    for start, headless, count in ((-1, True, 0), *sorted(starts)):
        if effort.left <= 0:
            return
        if start >= at:
            candidates = by_count[count]
            effort.left -= len(candidates)
            found = (_headless if headless else _whole)(data, start, form, candidates, at)
        while found is not None:
            yield found
            at = found.end
            effort.left -= len(some)
            found = _headless(data, at, form, some)


def unknown(data: bytes, form: Format, effort: Effort) -> Iterator[Carved]:
    """Records of tables that nobody describes any more (a dropped one, whose schema was written over), in order and without
    overlap: whole ones alone, whose size, rowid, types and values fit to the byte."""
    at = 0
    for match in _ANY.finditer(data):
        start = match.start()
        if start < at + 2:
            continue
        if effort.unknown <= 0:
            return
        effort.unknown -= 1
        types, place = types_of(data[start : start + data[start]])
        size = data[start] + sum(width(kind) for kind in types)
        if len(types) < 2 or start + size > len(data) or (before := _before(data, start, at, size, False)) is None:
            continue
        values = values_of(data[start + place : start + size], types, 0, form.encoding)
        if _believable(types, values, _NOBODY):
            yield Carved(before[0], start + size, before[1], values, _NOBODY)
            at = start + size


_NOBODY = Table("?", 0, ())


@lru_cache(maxsize=128)
def _shape(count: int) -> re.Pattern[bytes]:
    """A header of `count` types, in the bytes that its length may have."""
    low, high = count + 1, min(127, 3 * count + 1)
    return re.compile(rb"(?=[\x%02x-\x%02x]%b{%d})" % (low, high, _TYPE, count), re.DOTALL)


@lru_cache(maxsize=128)
def _block(count: int, high: int) -> re.Pattern[bytes]:
    """`count` types behind the header of a freeblock in a page of `high` times 256 bytes."""
    return re.compile(rb"(?=..[\x00-\x%02x].%b{%d})" % (min(high, 255), _TYPE, count), re.DOTALL)


def _whole(data: bytes, start: int, form: Format, tables: Sequence[Table], low: int) -> Carved | None:
    """The record whose header begins at `start`; `low`: what is before belongs to others."""
    length = data[start]
    types, _ = types_of(data[start : start + length])
    if not types:
        return None
    size = length + sum(width(kind) for kind in types)
    for table in tables:
        if len(table.columns) != len(types) or not _fits(types, table):
            continue
        before = _before(data, start, low, size, table.rowless) or _blocked(data, start, low, size, len(types))
        if before is None:
            continue
        begin, rowid = before
        some = _good(data, start + length, types, form.encoding)
        whole = len(some) == len(types)
        if _believable(types[: len(some)], some, table):
            end = start + length + sum(width(kind) for kind in types[: len(some)])
            return Carved(begin, end, rowid, some, table, not whole)
    return None


def _good(data: bytes, at: int, types: Sequence[int], encoding: int) -> list[Value]:
    """The values up to the first that was written over."""
    out: list[Value] = []
    for kind in types:
        end = at + width(kind)
        if end > len(data):
            break
        value = values_of(data[at:end], [kind], 0, encoding)
        if not _is_text(kind, value[0]):
            break
        out += value
        at = end
    return out


def _before(data: bytes, start: int, low: int, size: int, rowless: bool) -> tuple[int, int | None] | None:
    """(where the cell begins, rowid): a payload size that fits and a rowid stand before the header."""
    if rowless:
        lengths = (length for length in (1, 2, 3) if varint(data, max(low, start - length)) == (size, start))
        return next(((start - length, None) for length in lengths), None)
    for rowid_length in range(1, 10):
        for size_length in (1, 2, 3):
            at = start - rowid_length - size_length
            if at < low:
                break
            told, end = varint(data, at)
            if told != size or end != at + size_length:
                continue
            rowid, end = varint(data, end)
            if end == start:
                return at, rowid
    return None


def _blocked(data: bytes, start: int, low: int, size: int, count: int) -> tuple[int, None] | None:
    """The same where a freeblock's header has taken the place of the payload's size and of the rowid's beginning."""
    for at in range(start - 4, max(low - 1, start - 10), -1):
        room = int.from_bytes(data[at + 2 : at + 4], "big")
        if room == start - at + size or (count >= SURE and room == len(data) - at and room > size):
            return at, None
    return None


def _headless(data: bytes, at: int, form: Format, tables: Sequence[Table], low: int = -1) -> Carved | None:
    """The record whose first four bytes are a freeblock's header now. With `low` the block's size must be the record's."""
    if at + 8 > len(data):
        return None
    room = int.from_bytes(data[at + 2 : at + 4], "big")
    if not 8 <= room <= len(data) - at:
        return None
    best: Carved | None = None
    for table in tables:
        for lost in () if table.rowless else (0, 1):
            found = _without_head(data, at, form, table, lost, room)
            if found is not None and found.end - at == room:
                return found
            if low < 0 and room == len(data) - at and len(table.columns) - lost >= SURE:
                best = best or found  # blocks beside each other were made one
    return best


def _without_head(data: bytes, at: int, form: Format, table: Table, lost: int, room: int) -> Carved | None:
    """The same of one table, if `lost` types were written over."""
    count = len(table.columns)
    if count <= lost:
        return None
    types: list[int] = []
    place = at + 4
    while len(types) < count - lost:
        kind, place = varint(data, place)
        if kind in (-1, 10, 11):
            return None
        types.append(kind)
    rest = sum(width(kind) for kind in types)
    if place + rest > len(data):
        return None
    for first in _first(table, lost, room - (place - at) - rest if room else -1):
        whole = [first, *types] if lost else types
        size = sum(width(kind) for kind in whole)
        if place + size > len(data) or not _fits(whole, table):
            continue
        values = values_of(data[place : place + size], whole, 0, form.encoding)
        if _believable(whole, values, table):
            return Carved(at, place + size, None, values, table)
    return None


def _first(table: Table, lost: int, left: int) -> tuple[int, ...]:
    """Types that the first column may have had."""
    if not lost or table.alias == 0:
        return (0,)
    text = (13 + 2 * left,) if 0 < left < 1 << 16 else ()
    if table.affinities[:1] == ("text",):
        return (*text, 0)
    exact = tuple(kind for kind in (1, 2, 3, 4, 5, 6, 0) if width(kind) == left)
    return (*exact, *text, 1, 2, 3, 4, 0)


def _fits(types: Sequence[int], table: Table) -> bool:
    for at, (kind, affinity) in enumerate(zip(types, table.affinities, strict=False)):
        if at == table.alias and kind:
            return False
        if (affinity == "integer" and kind >= 13 and kind & 1) or (affinity == "text" and 1 <= kind <= 9):
            return False
    return True


def _believable(types: Sequence[int], values: Sequence[Value], table: Table) -> bool:
    """Is what should be text text, and is there enough of it to be worth a row?"""
    if table.root == 1 and (not values or values[0] not in KINDS):
        return False
    length = 0
    for kind, value in zip(types, values, strict=True):
        if not _is_text(kind, value):
            return False
        length += len(value) if isinstance(value, bytes) else 0
    return length >= _LEAST_TEXT


def _is_text(kind: int, value: Value) -> bool:
    """Is what should be text text?"""
    if kind < 13 or not kind & 1 or not isinstance(value, bytes):
        return True
    return is_text(value)
