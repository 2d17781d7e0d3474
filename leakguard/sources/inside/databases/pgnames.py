"""The columns of a table in PostgreSQL's data folder, by the catalog that lies beside it, and the values of a row by its columns.

Promises: reads two files beside the table (`1259`, pg_class, and `1249`, pg_attribute) and `PG_VERSION`, at most LARGEST bytes of
each; a catalog that is not understood, or was moved (after VACUUM FULL), gives no names; a row that its columns do not fit gives no
values, so that its bytes are looked at as those of any.

Formats: src/include/catalog/pg_class.h and pg_attribute.h of 12 to 18, access/htup_details.h. Checked with what PostgreSQL 15 wrote.
Imported by `pgheap`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from io import RawIOBase
from typing import NamedTuple

PAGE = 8192
LARGEST = 64 * 1024 * 1024
MOST_COLUMNS = 1600
FIRST_OWN = 16_384
"""Numbers from here on are of tables that somebody made; those below are of the system's."""
_ALIGNED = {b"c": 1, b"s": 2, b"i": 4, b"d": 8}
_LENGTH = {12: 76, 13: 76, 14: 76, 15: 76, 16: 72, 17: 72, 18: 72}
_ALIGNMENT = {12: 94, 13: 94, 14: 93, 15: 93, 16: 87, 17: 87, 18: 83}
"""Where in a row of pg_attribute a column's length, behind it its number, and its alignment stand, by version."""


class Column(NamedTuple):
    name: str
    length: int
    """Bytes; -1 for a value behind its length, -2 for text up to a NUL."""
    align: int


Beside = Callable[[str], "RawIOBase | None"]


def columns(number: int, beside: Beside) -> list[Column]:
    """The columns of the table in the file `number`, in order; none where the catalog does not say."""
    version = _read(beside, "PG_VERSION").strip()
    major = int(version) if version.isdigit() and len(version) < 4 else 0
    if major not in _LENGTH:
        return []
    packed = struct.pack("<I", number)
    catalog = _read(beside, "1259")
    tables = [(live, row) for live, row in _with(catalog, packed) if row[88:92] == packed and len(row) > 92]
    # VACUUM FULL leaves the row of a passing table, deleted
    table = max(tables, key=lambda found: found[0], default=(False, b""))[1]
    if not table or table[4:13] == b"pg_toast_":
        return []  # the pieces of long values: their names are the table's
    return _of(table[:4], _read(beside, "1249"), _LENGTH[major], _ALIGNMENT[major])


def _of(table: bytes, catalog: bytes, length_at: int, align_at: int) -> list[Column]:
    """The columns of the table with this number: of several versions of one the one that is in force."""
    found: dict[int, tuple[bool, Column]] = {}
    for live, row in _with(catalog, table):
        if row[:4] != table or len(row) <= align_at:
            continue
        length, number = struct.unpack_from("<hh", row, length_at)
        align = _ALIGNED.get(row[align_at : align_at + 1], 0)
        name = row[4:68].split(b"\0", 1)[0].decode("utf-8", "replace")
        if number < 1:
            continue
        if not align or not (length > 0 or length in (-1, -2)) or not name:
            return []
        if number not in found or live >= found[number][0]:
            found[number] = live, Column(name, length, align)
    if not 0 < len(found) <= MOST_COLUMNS or set(found) != set(range(1, len(found) + 1)):
        return []
    return [column for _, (_, column) in sorted(found.items())]


def _with(catalog: bytes, packed: bytes) -> Iterator[tuple[bool, bytes]]:
    """(nobody deleted it, data) of the rows on pages that hold these bytes."""
    at = -1
    while (at := catalog.find(packed, at + 1)) >= 0:
        start = at // PAGE * PAGE
        page, at = catalog[start : start + PAGE], start + PAGE - 1
        lower = min(int.from_bytes(page[12:14], "little"), PAGE)
        for place in range(24, lower - 3, 4):
            pointer = int.from_bytes(page[place : place + 4], "little")
            row = page[pointer & 0x7FFF :][: pointer >> 17]
            if pointer >> 15 & 3 == 1 and len(row) > 23 and 24 <= row[22] <= len(row) and packed in row:
                yield not any(row[4:8]) or bool(row[21] & 8), row[row[22] :]


def _read(beside: Beside, name: str) -> bytes:
    handle = beside(name)
    if handle is None:
        return b""
    with handle:
        parts, left = [], LARGEST
        while left > 0 and (data := handle.read(min(left, 1 << 20))):
            parts.append(data)
            left -= len(data)
    return b"".join(parts)


def values(row: bytes, known: list[Column]) -> list[tuple[str, bytes, bool]] | None:
    """(column, bytes, behind a length of four bytes that says it is packed) of each value that is no number and not kept
    elsewhere; None for a row that these columns do not fit."""
    count, bits = int.from_bytes(row[18:20], "little") & 0x7FF, row[20] & 1
    data, out, at = row[row[22] :], [], 0
    if count > len(known):
        return None
    for number, column in enumerate(known[:count]):
        if bits and not row[23 + number // 8] >> number % 8 & 1:
            continue
        if column.length == -1:
            if at < len(data) and not data[at]:  # padding; a length of one byte is never 0 and is not aligned
                at += -at % column.align
            found = _long(data, at)
            if found is None:
                return None
            value, packed, at = found
            if value:
                out.append((column.name, value, packed))
            continue
        at += -at % column.align if column.length > 0 else 0
        end = data.find(b"\0", at) + 1 if column.length == -2 else at + column.length
        if not at < end <= len(data):
            return None
        if column.length > 8 or column.length == -2:
            out.append((column.name, data[at:end].rstrip(b"\0"), False))
        at = end
    return out if at <= len(data) < at + 8 else None


def _long(data: bytes, at: int) -> tuple[bytes, bool, int] | None:
    """(the value behind its length, packed or not, its end); nothing of one that is kept elsewhere."""
    if at >= len(data):
        return None
    first = data[at]
    if first == 1:  # a pointer to where it is
        end = at + 18
        return (b"", False, end) if data[at + 1 : at + 2] == b"\x12" and end <= len(data) else None
    if first & 1:
        end = at + (first >> 1)
        return (data[at + 1 : end], False, end) if end <= len(data) else None
    head = int.from_bytes(data[at : at + 4], "little")
    end = at + (head >> 2)
    return (data[at + 4 : end], bool(head & 2), end) if head >> 2 >= 4 and end <= len(data) else None
