"""Binary property lists (macOS, iOS: settings, sessions, archived objects, and whole lists in cells of databases).

Promises: each object of the list is read once, in the order of its table, so that references in a circle, or to one object a
million times, cost nothing; every dictionary is a section with a line `key = value` for each value, under the keys that lead to
it; values that are files (another list, gzip) are looked into; bytes that no object has are handed out as they stand. What
NSKeyedArchiver wrote (`$objects`, references to them) reads as the dictionaries and objects that it stands for.

Format: CFBinaryPList.c. Imported by `sources.inside.walk`.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator
from typing import NamedTuple

from leakguard.sources.inside.base import BrokenError, Context, Member, Stream, UnreadError
from leakguard.sources.inside.databases.records import Cell, Row, Runs, tables

LARGEST = 64 * 1024 * 1024
MOST_OBJECTS = 4_000_000
DEEPEST = 8
"""Keys that are told of what a dictionary lies in."""
_TRAILER = 32
_DICT, _ARRAY, _SETS = 0xD, 0xA, frozenset((0xB, 0xC))
_NO_NAMES = frozenset({"$objects", "NS.objects", "NS.keys", "NS.string", "NS.bytes", "NS.data", "$class", "$top", "root"})
"""Keys that say nothing of what stands behind them."""


class _Object(NamedTuple):
    """A value, or a container's references: of a dictionary the keys, then as many values."""

    kind: int
    value: bytes | int | float | None
    refs: tuple[int, ...]
    end: int


def plist(stream: Stream, context: Context) -> Iterator[Member]:
    """The list as rows, and what stands between its objects."""
    file, size = stream.file()
    if size > LARGEST:
        raise UnreadError(f"larger than {LARGEST} bytes")
    file.seek(0)
    reader = _List(file.read())
    if context.name.endswith("Manifest.plist") and reader.says(b"IsEncrypted"):
        # the files of the backup lie beside it, under names that tell nothing, and look like random bytes
        context.tell("unread", "", "a backup of iOS, encrypted: the files beside this list are not seen")
    yield from tables("@values", reader.rows())
    if reader.holes:
        pieces = Runs(file, reader.holes)
        yield Member("@rest", pieces, kind="gap", place=pieces.facts_at)


class _List:
    """The objects of one list. BrokenError for a trailer or a table that cannot be."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        if len(data) < 8 + _TRAILER:
            raise BrokenError("ends early")
        self.width, self.ref, count, _, table = struct.unpack(">6xBBQQQ", data[-_TRAILER:])
        room = len(data) - _TRAILER - table
        if not (1 <= self.width <= 8 and 1 <= self.ref <= 8 and table >= 8 and 0 < count * self.width <= room) or count > MOST_OBJECTS:
            raise BrokenError("damaged trailer")
        places = data[table : table + count * self.width]
        width = self.width
        self.places = [int.from_bytes(places[at : at + width], "big") for at in range(0, len(places), width)]
        self.objects = [self._object(place, table) for place in self.places]
        spans = [*((place, one.end) for place, one in zip(self.places, self.objects, strict=True) if one.end)]
        self.holes = _between([(0, 8), *spans, (table, len(data))])
        self.archived = next((one.refs for one in self.objects if one.kind == _ARRAY and self._is_archive(one)), ())

    def _object(self, at: int, end: int) -> _Object:
        """The object at an offset; one of no kind and no length where there is none."""
        nothing = _Object(-1, None, (), 0)
        if not 8 <= at < end:
            return nothing
        kind, count = self.data[at] >> 4, self.data[at] & 15
        at += 1
        if kind in (0, 1, 2, 3, 8):
            length = count + 1 if kind == 8 else 0 if kind == 0 else 1 << min(count, 7)
            raw = self.data[at : min(at + length, end)]
            return _Object(kind, _number(kind, raw), (), at + len(raw))
        if count == 15:
            size = 1 << (self.data[at] & 3)
            count = int.from_bytes(self.data[at + 1 : at + 1 + size], "big")
            at += 1 + size
        if kind in (4, 5, 6, 7):
            raw = self.data[at : min(at + count * (2 if kind == 6 else 1), end)]
            value = raw.decode("utf-16-be", "replace").encode() if kind == 6 else raw
            return _Object(kind, value, (), at + len(raw))
        if kind not in (_DICT, _ARRAY, *_SETS):
            return nothing
        count = min(count * (2 if kind == _DICT else 1), (end - at) // self.ref)
        raw = self.data[at : at + count * self.ref]
        refs = tuple(int.from_bytes(raw[i : i + self.ref], "big") for i in range(0, len(raw), self.ref))
        return _Object(kind, None, refs, at + len(raw))

    def _is_archive(self, one: _Object) -> bool:
        first = self.objects[one.refs[0]] if one.refs and one.refs[0] < len(self.objects) else None
        return first is not None and first.value == b"$null"

    def says(self, key: bytes) -> bool:
        """Does a dictionary hold that a key is true?"""
        for one in self.objects:
            half = len(one.refs) // 2 if one.kind == _DICT else 0
            for name, value in zip(one.refs[:half], one.refs[half:], strict=True) if half else ():
                if max(name, value) < len(self.objects) and self.objects[name].value == key:
                    return self.data[self.places[value] : self.places[value] + 1] == b"\x09"
        return False

    def rows(self) -> Iterator[Row]:
        """A section for each container with values of its own, and one for values in no container."""
        labels = self._labels()
        met: set[int] = set()
        for number, one in enumerate(self.objects):
            if not one.refs:
                continue
            label = self._path(number, labels)
            cells = list(self._cells(one, met))
            if cells:
                yield Row(label or "list", cells, (), f"object {number}")
        for number, one in enumerate(self.objects):
            if isinstance(one.value, bytes) and number not in met:
                yield Row("list", [("value", one.value)], (), f"object {number}")

    def _pairs(self, one: _Object) -> Iterator[tuple[int, int]]:
        """(key, value) of a dictionary, and of what is one in an archive; by their numbers, -1 for no key."""
        if one.kind != _DICT:
            yield from ((-1, ref) for ref in one.refs)
            return
        half = len(one.refs) // 2
        inner = {}
        for key, value in zip(one.refs[:half], one.refs[half:], strict=False):
            named = self._at(key)
            if named is not None and named.value in (b"NS.keys", b"NS.objects"):
                found = self._at(value)
                inner[named.value] = found.refs if found is not None else ()
            yield key, value
        if inner.get(b"NS.keys"):
            yield from zip(map(self._resolved, inner[b"NS.keys"]), inner.get(b"NS.objects", ()), strict=False)

    def _cells(self, one: _Object, met: set[int]) -> Iterator[Cell]:
        for key, named in self._pairs(one):
            ref = self._resolved(named)
            value = self._at(ref)
            if key >= 0:
                met.add(key)
            if value is None or value.kind < 0 or value.refs or value.kind == 8:
                continue
            met.add(ref)
            if value.value is not None:
                yield self._name(key) or "value", value.value

    def _labels(self) -> dict[int, tuple[int, str]]:
        """Which container lies in which other, and under which key; the first that says so."""
        labels: dict[int, tuple[int, str]] = {}
        for number, one in enumerate(self.objects):
            if one.refs:
                for key, named in self._pairs(one):
                    ref = self._resolved(named)
                    inner = self._at(ref)
                    if inner is not None and inner.refs and ref != number:
                        labels.setdefault(ref, (number, self._name(key)))
        return labels

    def _path(self, number: int, labels: dict[int, tuple[int, str]]) -> str:
        names: list[str] = []
        for _ in range(DEEPEST):
            if number not in labels:
                break
            number, name = labels[number]
            if name and name not in _NO_NAMES:
                names.append(name)
        return ".".join(reversed(names))

    def _at(self, number: int) -> _Object | None:
        return self.objects[number] if 0 <= number < len(self.objects) else None

    def _resolved(self, number: int) -> int:
        """What an archive's reference stands for."""
        one = self._at(number)
        if one is not None and one.kind == 8 and isinstance(one.value, int) and one.value < len(self.archived):
            return self.archived[one.value]
        return number

    def _name(self, number: int) -> str:
        one = self._at(number)
        return one.value.decode("utf-8", "replace") if one is not None and isinstance(one.value, bytes) else ""


def _number(kind: int, raw: bytes) -> int | float | None:
    if kind in (1, 8):
        return int.from_bytes(raw, "big", signed=kind == 1 and len(raw) >= 8)
    if kind == 2 and len(raw) in (4, 8):
        value: float = struct.unpack(">f" if len(raw) == 4 else ">d", raw)[0]
        return value
    return None


def _between(spans: list[tuple[int, int]]) -> array[int]:
    """What lies between runs: start, end, start, end ..."""
    holes, at = array("Q"), 0
    for start, end in sorted(spans):
        if start - at >= 4:
            holes.extend((at, start))
        at = max(at, end)
    return holes
