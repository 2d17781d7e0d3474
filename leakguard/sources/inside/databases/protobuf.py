"""Messages of Protocol Buffers without their description: what etcd keeps of Kubernetes, and apps of Android in their settings.

Promises: a pure function; what is no message to its last byte is none; text is text, though it may be a message, too; an entry of
a map (a name, and one value) is that value under that name, and everything else stands under its fields' numbers. No more than
MOST fields are read, DEEPEST deep.

Format: protobuf.dev, "Encoding"; Kubernetes' envelope: a mark of four bytes before a message. Imported by readers of databases.
"""

from __future__ import annotations

from collections.abc import Iterator

from leakguard.sources.inside.base import BrokenError, Context, Member, Stream, UnreadError
from leakguard.sources.inside.databases.records import LONGEST_NAME, Cell, Row, is_text, tables

LARGEST = 64 * 1024 * 1024
MOST = 1_000_000
DEEPEST = 24
_KUBERNETES = b"k8s\0"
_PAIR = [1, 2, 3, 4, 5]
"""Fields of a pair of etcd (mvccpb.KeyValue): its key, when it was made and changed, how often, its value."""
_Field = tuple[int, "int | bytes"]


def settings(stream: Stream, _context: Context) -> Iterator[Member]:
    """A file that is one message: Android's DataStore (`.preferences_pb`)."""
    file, size = stream.file()
    if size > LARGEST:
        raise UnreadError(f"larger than {LARGEST} bytes")
    file.seek(0)
    cells = cells_of(file.read())
    if cells is None:
        raise BrokenError("is no message")
    yield from tables("@values", iter((Row("values", cells),)))


def fields_of(data: bytes) -> list[tuple[int, int | bytes]]:
    """(number, value) of each field of a message; none at all if it is none."""
    return _fields(data, [MOST])


def cells_of(data: bytes) -> list[Cell] | None:
    """The values of a message, each beside what names it; None for what is no message."""
    data = data.removeprefix(_KUBERNETES)
    left = [MOST]
    fields = _fields(data, left)
    return list(_cells(fields, "", 0, left)) if fields else None


def _cells(fields: list[_Field], path: str, depth: int, left: list[int]) -> Iterator[Cell]:
    named = _entry(fields)
    if named is not None:
        name, content = named
        inner = _inner(content, depth, left)
        if inner is None:
            wrapped = _fields(content, left)
            # what is text, and as well a message of one text of just that length, is hardly text
            only = wrapped[0][1] if len(wrapped) == 1 else content
            yield name, only if isinstance(only, bytes) else content
        elif len(inner) == 1 and isinstance(inner[0][1], bytes) and _inner(inner[0][1], depth + 1, left) is None:
            yield name, inner[0][1]
        else:
            yield from _cells(inner, name, depth + 1, left)
        return
    for number, value in fields:
        if isinstance(value, int):
            continue
        inner = _inner(value, depth, left)
        place = f"{path}.{number}" if path else str(number)
        if inner is None:
            yield place, value
        else:
            yield from _cells(inner, place if len(place) < LONGEST_NAME else "", depth + 1, left)


def _entry(fields: list[_Field]) -> tuple[str, bytes] | None:
    """(name, value) of an entry of a map, and of what else is a name and a value: a pair of etcd has numbers between them."""
    if len(fields) >= 5 and [number for number, _ in fields[:5]] == _PAIR and all(isinstance(fields[at][1], int) for at in (1, 2, 3)):
        fields = [fields[0], (2, fields[4][1])]
    if not 2 <= len(fields) <= 3 or fields[0][0] != 1 or fields[1][0] != 2:
        return None
    name, value = fields[0][1], fields[1][1]
    if isinstance(name, int) or isinstance(value, int) or not 0 < len(name) <= LONGEST_NAME or not is_text(name):
        return None
    return (name.decode(), value) if b" " not in name else None


def _inner(value: bytes, depth: int, left: list[int]) -> list[_Field] | None:
    """The fields of a value that is a message itself."""
    if value[:4] == _KUBERNETES:
        value = value[4:]
    elif not value or is_text(value):
        return None
    return (_fields(value, left) or None) if depth < DEEPEST else None


def _fields(data: bytes, left: list[int]) -> list[_Field]:
    """(number, value) of each field; none at all if it is no message."""
    out: list[_Field] = []
    at = 0
    try:
        while at < len(data):
            tag, at = _varint(data, at)
            kind, number = tag & 7, tag >> 3
            left[0] -= 1
            if not 0 < number < 1 << 29 or left[0] < 0:
                return []
            if kind == 0:
                plain, at = _varint(data, at)
                out.append((number, plain))
                continue
            size, at = _varint(data, at) if kind == 2 else ({1: 8, 5: 4}[kind], at)
            if at + size > len(data):
                return []
            if kind == 2:
                out.append((number, data[at : at + size]))
            at += size
    except (IndexError, KeyError):
        return []
    return out


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise IndexError
