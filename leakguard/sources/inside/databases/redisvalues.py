"""Redis' packed values: ziplist, listpack, intset and zipmap, and the entries of a stream.

Promises: pure functions; an encoding that is not known, or a length beyond the end, is a BrokenError.
Sources: Redis' src/ziplist.c, listpack.c (and listpack.md), intset.c, zipmap.c, t_stream.c. Imported by `redis`.
"""

from __future__ import annotations

from collections.abc import Iterator

from leakguard.sources.inside.base import BrokenError
from leakguard.sources.inside.databases.records import Cell, pair

Text = bytes | int


def elements(kind: int, data: bytes) -> Iterator[Text]:
    """The elements of a packed value, by the kind of value that is stored so."""
    if kind == 9:
        return _zipmap(data)
    if kind == 11:
        return _intset(data)
    return _ziplist(data) if kind in (10, 12, 13) else _listpack(data)


def _cut(data: bytes, at: int, length: int) -> bytes:
    if at + length > len(data):
        raise BrokenError("a packed value is damaged")
    return data[at : at + length]


def _signed(data: bytes, at: int, length: int) -> int:
    return int.from_bytes(_cut(data, at, length), "little", signed=True)


def _intset(data: bytes) -> Iterator[Text]:
    width = int.from_bytes(_cut(data, 0, 4), "little")
    if width not in (2, 4, 8):
        raise BrokenError("a packed value is damaged")
    for at in range(8, len(data) - width + 1, width):
        yield _signed(data, at, width)


def _zipmap(data: bytes) -> Iterator[Text]:
    at, is_value = 1, False
    while _cut(data, at, 1) != b"\xff":
        length, at = data[at], at + 1
        if length == 254:
            length, at = int.from_bytes(_cut(data, at, 4), "little"), at + 4
        free = 0
        if is_value:
            free, at = _cut(data, at, 1)[0], at + 1
        yield _cut(data, at, length)
        at += length + free
        is_value = not is_value


_ZIPLIST = {0xC0: 2, 0xD0: 4, 0xE0: 8, 0xF0: 3, 0xFE: 1}


def _ziplist(data: bytes) -> Iterator[Text]:
    at = 10
    while _cut(data, at, 1) != b"\xff":
        at += 5 if data[at] == 254 else 1
        first = _cut(data, at, 1)[0]
        kind = first >> 6
        if kind < 3:
            if kind == 0:
                length, at = first & 63, at + 1
            elif kind == 1:
                length, at = (first & 63) << 8 | _cut(data, at + 1, 1)[0], at + 2
            else:
                length, at = int.from_bytes(_cut(data, at + 1, 4), "big"), at + 5
            yield _cut(data, at, length)
            at += length
        elif first in _ZIPLIST:
            yield _signed(data, at + 1, _ZIPLIST[first])
            at += 1 + _ZIPLIST[first]
        elif 0xF1 <= first <= 0xFD:
            yield (first & 15) - 1
            at += 1
        else:
            raise BrokenError("a packed value is damaged")


_LISTPACK = {0xF1: 2, 0xF2: 3, 0xF3: 4, 0xF4: 8}


def _listpack(data: bytes) -> Iterator[Text]:
    at = 6
    while _cut(data, at, 1) != b"\xff":
        start, first = at, data[at]
        value: Text
        if first < 0x80:
            value, at = first, at + 1
        elif first < 0xC0:
            value = _cut(data, at + 1, first & 63)
            at += 1 + len(value)
        elif first < 0xE0:
            number = (first & 31) << 8 | _cut(data, at + 1, 1)[0]
            value, at = number - 8192 if number > 4095 else number, at + 2
        elif first < 0xF0:
            value = _cut(data, at + 2, (first & 15) << 8 | _cut(data, at + 1, 1)[0])
            at += 2 + len(value)
        elif first == 0xF0:
            value = _cut(data, at + 5, int.from_bytes(_cut(data, at + 1, 4), "little"))
            at += 5 + len(value)
        elif first in _LISTPACK:
            value, at = _signed(data, at + 1, _LISTPACK[first]), at + 1 + _LISTPACK[first]
        else:
            raise BrokenError("a packed value is damaged")
        yield value
        at += _back(at - start)


def _back(length: int) -> int:
    """Bytes of the length that stands behind each element."""
    return 1 if length < 128 else 2 if length < 16384 else 3 if length < 2097152 else 4 if length < 268435456 else 5


def stream_cells(data: bytes) -> Iterator[Cell]:
    """The fields and values of a node of a stream; entries that were deleted are still in it."""
    values = _listpack(data)

    def number() -> int:
        value = next(values, None)
        if not isinstance(value, int):
            raise BrokenError("a stream's node is damaged")
        return value

    entries, deleted, count = number(), number(), number()
    names = [_bytes(next(values, b"")) for _ in range(min(max(count, 0), len(data)))]
    number()
    for _ in range(min(entries + deleted, len(data))):
        flags = number()
        number(), number()
        if flags & 2:
            pairs = [(name, _bytes(next(values, b""))) for name in names]
        else:
            pairs = [(_bytes(next(values, b"")), _bytes(next(values, b""))) for _ in range(min(number(), len(data)))]
        number()
        for name, value in pairs:
            yield from pair(name, value)


def _bytes(value: Text) -> bytes:
    return value if isinstance(value, bytes) else b"%d" % value
