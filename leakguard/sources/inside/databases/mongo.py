"""BSON, as mongodump writes it: a file for each collection (.bson), or an archive of all of them.

Promises: a stream of documents, one in memory at a time; lengths are checked before they are believed, nesting is
bounded; a damaged document is told, and the rest is handed out as it stands.

Sources: https://bsonspec.org/spec.html; mongo-tools' common/archive/prelude.go and parser.go (the archive).
Imported by `sources.inside.walk`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import count
from typing import Any

from leakguard.sources.inside.base import BrokenError, Context, Member, Stream, stem
from leakguard.sources.inside.databases.records import LONGEST_NAME, Cell, Row, Tape, tables

LARGEST = 64 * 1024 * 1024
"""Longest document. MongoDB's own limit is 16 MiB and a little."""
DEEPEST = 200
ARCHIVE = b"\x6d\xe2\x99\x81"
_END = b"\xff\xff\xff\xff"
_FIXED = {6: 0, 7: 12, 8: 1, 9: 8, 10: 0, 17: 8, 19: 16, 127: 0, 255: 0}


def bson(stream: Stream, context: Context) -> Iterator[Member]:
    """A collection's documents."""
    name = stem(context.name, {".bson": ""})
    tape = Tape(stream)
    numbers = count(1)
    yield from tables(name, tape.records(lambda: iter((_row(_document(tape, context), name, next(numbers)),))))


def _row(data: bytes, name: str, number: int) -> Row:
    facts = (("collection", name), ("document", str(number)))
    return Row(f"{name}:{number}", list(cells_of(data)), facts)


def _document(tape: Tape, context: Context) -> bytes:
    """The next document as it stands."""
    context.budget.spend(0)
    head = tape.exactly(4)
    size = int.from_bytes(head, "little")
    if not 5 <= size <= LARGEST:
        raise BrokenError("damaged document")
    data = head + tape.exactly(size - 4)
    if data[-1]:
        raise BrokenError("damaged document")
    return data


def cells_of(data: bytes) -> Iterator[Cell]:
    """The fields of a document; those of documents in it with dots in their names. Raises BrokenError."""
    try:
        yield from _fields(data, 4, len(data) - 1, "", 0)
    except (IndexError, struct.error):
        raise BrokenError("damaged document") from None


def _fields(data: bytes, at: int, end: int, prefix: str, depth: int) -> Iterator[Cell]:
    if depth > DEEPEST:
        yield prefix.rstrip("."), data[at:end]
        return
    while at < end:
        kind = data[at]
        stop = data.find(b"\0", at + 1, end)
        if not kind or not 0 < stop < end:
            raise BrokenError("damaged document")
        name = prefix + data[at + 1 : stop].decode("utf-8", "replace")
        at = stop + 1
        if kind in (3, 4):
            size = _size(data, at, end)
            if len(name) > LONGEST_NAME:
                yield "name", name.encode()
            yield from _fields(data, at + 4, at + size - 1, f"{name[-LONGEST_NAME:]}.", depth + 1)
            at += size
            continue
        if kind == 15:  # code, and the variables it sees
            whole = at + int.from_bytes(data[at : at + 4], "little")
            value, scope = _value(data, 13, at + 4, end)
            yield name, value
            size = _size(data, scope, end)
            yield from _fields(data, scope + 4, scope + size - 1, f"{name[-LONGEST_NAME:]}.", depth + 1)
            at = max(scope + size, min(whole, end))
            continue
        value, at = _value(data, kind, at, end)
        yield name, value


def _size(data: bytes, at: int, end: int) -> int:
    size = int.from_bytes(data[at : at + 4], "little")
    if not 5 <= size <= end - at:
        raise BrokenError("damaged document")
    return size


def _value(data: bytes, kind: int, at: int, end: int) -> tuple[Any, int]:
    """(a value that is no document, where it ends)."""
    if kind in (2, 12, 13, 14):
        size = int.from_bytes(data[at : at + 4], "little")
        stop = at + 4 + size + (12 if kind == 12 else 0)
        if not size >= 1 or stop > end:
            raise BrokenError("damaged document")
        return data[at + 4 : at + 3 + size], stop
    if kind == 5:
        size = int.from_bytes(data[at : at + 4], "little")
        if at + 5 + size > end:
            raise BrokenError("damaged document")
        return data[at + 5 : at + 5 + size], at + 5 + size
    if kind == 11:
        middle = data.find(b"\0", at, end)
        stop = data.find(b"\0", middle + 1, end) if middle >= 0 else -1
        if stop < 0:
            raise BrokenError("damaged document")
        return data[at:middle], stop + 1
    if kind == 1:
        return struct.unpack_from("<d", data, at)[0], at + 8
    if kind in (16, 18):
        width = 4 if kind == 16 else 8
        return int.from_bytes(data[at : at + width], "little", signed=True), at + width
    if kind not in _FIXED or at + _FIXED[kind] > end:
        raise BrokenError("damaged document")
    return (data[at : at + 12].hex().encode() if kind == 7 else None), at + _FIXED[kind]


def archive(stream: Stream, context: Context) -> Iterator[Member]:
    """`mongodump --archive`: what it says of the collections, then their documents, interleaved."""
    stream.exactly(4)
    reader = _Archive(Tape(stream), context)
    yield from tables("@documents", reader.tape.records(reader.rows))
    if reader.name != _BETWEEN:
        raise BrokenError("ends without its last section's end")


_BETWEEN = ""


class _Archive:
    """An archive's documents: first those that tell of its collections, then sections, each with a header."""

    def __init__(self, tape: Tape, context: Context) -> None:
        self.tape = tape
        self.context = context
        self.name = "prelude"
        """The collection whose documents come; "" where a header comes."""
        self.number = 0

    def rows(self) -> Iterator[Row]:
        """The next document, header or end of a section."""
        if self.tape.peek(4) == _END:
            self.tape.exactly(4)
            self.name = _BETWEEN
            return
        data = _document(self.tape, self.context)
        if self.name != _BETWEEN:
            self.number += 1
            yield _row(data, self.name, self.number)
            return
        head = dict(cells_of(data))
        names = [head.get(key) for key in ("db", "collection")]
        self.name = ".".join(name.decode("utf-8", "replace") for name in names if isinstance(name, bytes)) or "?"
