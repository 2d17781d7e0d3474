"""Hives of the Windows registry (NTUSER.DAT, SOFTWARE, SAM, UsrClass.dat, Amcache): `setx` keeps variables of users here,
programs their connections and passwords.

Promises: every key that its block calls a key is a section under its path, whether a tree leads to it or not; text is given as
UTF-8 beside the name of its value; long values are put together; cells that are free (deleted keys and values) or that nobody
names are handed out as they stand. A hive is held in memory, up to LARGEST bytes. Its logs (.LOG1) are bytes.

Format: Maxim Suhanov, "Windows registry file format specification". Imported by `sources.inside.walk`.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator

from leakguard.sources.inside.base import BrokenError, Context, Member, Stream, UnreadError
from leakguard.sources.inside.databases.records import Cell, Row, Runs, tables

LARGEST = 192 * 1024 * 1024
DEEPEST = 512
_START = 4096
"""Bytes before the first block: offsets count from here."""
_SEGMENT = 16_344
"""Bytes of a long value in one cell."""
_STRUCTURE = frozenset((b"nk", b"vk", b"lf", b"lh", b"li", b"ri", b"sk", b"db"))
_TEXT = frozenset((1, 2, 6, 7))
_NUMBERS = {4: "<I", 5: ">I", 11: "<Q"}


def hive(stream: Stream, context: Context) -> Iterator[Member]:
    """The values of all keys, then what is free."""
    file, size = stream.file()
    if size > LARGEST:
        raise UnreadError(f"larger than {LARGEST} bytes")
    file.seek(0)
    reader = _Hive(file.read(), context)
    yield from tables("@values", reader.rows())
    raw = reader.raw()
    if raw:
        pieces = Runs(file, raw)
        yield Member("@free", pieces, kind="gap", place=pieces.facts_at)


class _Hive:
    """One hive being read. Cells go by their offsets, as the hive has them."""

    def __init__(self, data: bytes, context: Context) -> None:
        self.data = data
        self.context = context
        self.cells: dict[int, int] = {}
        """Where a cell in use begins -> how long it is."""
        self.used: set[int] = set()
        self.loose = array("Q")
        """Runs that no cell in use has: start, end, in the file."""
        self.told = False
        if data[_START : _START + 4] != b"hbin":
            raise BrokenError("has no first block")
        self._blocks()

    def _blocks(self) -> None:
        at = _START
        while self.data[at : at + 4] == b"hbin":
            size = int.from_bytes(self.data[at + 8 : at + 12], "little")
            if size < 4096 or size % 4096:
                break
            end = min(at + size, len(self.data))
            if at + size > end:
                self._damaged("ends in the middle of a block")
            self._cells_of(at + 32, end)
            at = end
        stated = _START + int.from_bytes(self.data[40:44], "little")
        if at < min(stated, len(self.data)) or len(self.data) < stated:
            self._damaged("damaged block" if at < len(self.data) else "ends early")
        if at < len(self.data):
            self.loose.extend((at, len(self.data)))

    def _cells_of(self, at: int, end: int) -> None:
        while at + 4 <= end:
            size = int.from_bytes(self.data[at : at + 4], "little", signed=True)
            if abs(size) < 8 or at + abs(size) > end:
                self._damaged("damaged cell")
                self.loose.extend((at, end))
                return
            if size < 0:
                self.cells[at - _START] = -size
            elif size > 8:
                self.loose.extend((at + 4, at + size))
            at += abs(size)

    def _damaged(self, what: str) -> None:
        if not self.told:
            self.context.tell("failed", "", f"regf: {what}")
        self.told = True

    def _cell(self, place: int, note: bool = True) -> bytes:
        """What a cell in use holds; b"" if there is none."""
        size = self.cells.get(place, 0)
        if size and note:
            self.used.add(place)
        return self.data[_START + place + 4 : _START + place + size] if size else b""

    def rows(self) -> Iterator[Row]:
        """A section for each key that has values."""
        for place in list(self.cells):
            key = self._cell(place, note=False)
            if key[:2] == b"nk" and len(key) >= 76:
                cells = list(self._values(key))
                if cells:
                    yield Row(self._path(key), cells, (), f"key {place}")

    def _values(self, key: bytes) -> Iterator[Cell]:
        count, place = struct.unpack_from("<II", key, 36)
        listed = self._cell(place) if count else b""
        if 4 * count > len(listed) and count != 0xFFFFFFFF:
            self._damaged("a key names values that are not there")
        for (at,) in struct.iter_unpack("<I", listed[: min(4 * count, len(listed) // 4 * 4)]):
            value = self._cell(at)
            if value[:2] != b"vk" or len(value) < 20:
                self._damaged("a key names values that are not there")
                continue
            length, size, where, kind, flags = struct.unpack_from("<HIIIH", value, 2)
            name = _name(value[20 : 20 + length], flags & 1)
            yield name or "(default)", self._content(size, where, kind, value[8:12])

    def _content(self, size: int, where: int, kind: int, inline: bytes) -> bytes | int:
        if size & 0x80000000:
            data = inline[: size & 7]
        else:
            data = self._cell(where)
            if data[:2] == b"db" and size > _SEGMENT:
                data = self._long(data)
            if len(data) < size:
                self._damaged("a value is shorter than it says")
            data = data[:size]
        if kind in _TEXT:
            return data.decode("utf-16-le", "replace").rstrip("\0").replace("\0", "\n").encode()
        if kind in _NUMBERS and len(data) == struct.calcsize(_NUMBERS[kind]):
            number: int = struct.unpack(_NUMBERS[kind], data)[0]
            return number
        return data

    def _long(self, data: bytes) -> bytes:
        count, place = struct.unpack_from("<HI", data, 2)
        listed = self._cell(place)[: 4 * count]
        segments = [self._cell(at)[:_SEGMENT] for (at,) in struct.iter_unpack("<I", listed[: len(listed) // 4 * 4])]
        return b"".join(segments)

    def _path(self, key: bytes) -> str:
        """The names of a key and of those above it, but for the root's."""
        names = []
        for _ in range(DEEPEST):
            flags, parent, length = struct.unpack_from("<H12xI52xH", key, 2)
            names.append(_name(key[76 : 76 + length], flags & 0x20))
            if flags & 4:
                names.pop()
                break
            key = self._cell(parent, note=False)
            if key[:2] != b"nk" or len(key) < 76:
                break
        return "\\".join(reversed(names)) or "root"

    def raw(self) -> array[int]:
        """Runs of what is free, and of cells that nobody names."""
        raw = array("Q", self.loose)
        for place, size in self.cells.items():
            start = _START + place + 4
            if place not in self.used and self.data[start : start + 2] not in _STRUCTURE:
                raw.extend((start, start + size - 4))
        return raw


def _name(raw: bytes, ascii_: int) -> str:
    return raw.decode("latin-1") if ascii_ else raw.decode("utf-16-le", "replace")
