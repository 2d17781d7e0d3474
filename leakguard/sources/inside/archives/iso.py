"""ISO 9660 images: files by their directories (Rock Ridge names, Joliet beside them), all other sectors as gaps.

Promises: each directory is read once, however the tree points at itself; what no file covers (system area, deleted
sessions, UDF structures) is scanned as it stands. Imported by `sources.inside.walk`.

Why not `pycdlib`: it reads the whole tree into memory before the first file, and says nothing of the rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from leakguard.sources.inside.base import BrokenError, Context, LimitError, Member, Stream, from_file

SECTOR = 2048
LARGEST_DIRECTORY = 16 * 1024 * 1024
MOST_EXTENTS = 2_000_000


def iso(stream: Stream, context: Context) -> Iterator[Member]:
    """All files of all trees, each extent once, then the gaps."""
    file, size = stream.file()
    image = _Image(file, size, context)
    roots = image.roots()
    if not roots:
        raise BrokenError("no volume descriptor")
    for root, joliet in roots:
        yield from image.tree(root, joliet)
    yield from image.gaps()


class _Image:
    def __init__(self, file: BinaryIO, size: int, context: Context) -> None:
        self.file = file
        self.size = size
        self.context = context
        self.covered: dict[int, int] = {}
        self.entered: set[int] = set()

    def at(self, offset: int, count: int) -> bytes:
        self.file.seek(offset)
        return self.file.read(count)

    def roots(self) -> list[tuple[bytes, bool]]:
        """(root directory's record, are names UCS-2) of each volume descriptor."""
        found = []
        for sector in range(16, 16 + 64):
            block = self.at(sector * SECTOR, SECTOR)
            if len(block) < SECTOR or block[1:6] != b"CD001" or block[0] == 255:
                break
            if block[0] == 1 and int.from_bytes(block[80:84], "little") * SECTOR > self.size:
                self.context.tell("failed", "", "iso: the image is cut off")
            if block[0] in (1, 2):
                found.append((block[156:190], block[0] == 2 and block[88:91] in (b"%/@", b"%/C", b"%/E")))
        return found

    def tree(self, root: bytes, joliet: bool) -> Iterator[Member]:
        stack = [("", _extent(root))]
        while stack:
            path, (start, length) = stack.pop()
            if start in self.entered:
                continue
            self.entered.add(start)
            if length > LARGEST_DIRECTORY or start + length > self.size:
                self.context.tell("failed", path, "iso: damaged directory")
                continue
            for record in _records(self.at(start, length)):
                name = _record_name(record, joliet)
                if not name:
                    continue
                where, size = _extent(record)
                if record[25] & 2:
                    self.context.named(f"{path}{name}/")
                    stack.append((f"{path}{name}/", (where, size)))
                elif not size or where in self.covered:
                    self.context.named(f"{path}{name}")
                else:
                    yield from self._file(f"{path}{name}", where, size)

    def _file(self, name: str, where: int, size: int) -> Iterator[Member]:
        if len(self.covered) >= MOST_EXTENTS:
            raise LimitError(f"iso: more than {MOST_EXTENTS} files")
        if where + size > self.size:
            self.context.tell("failed", name, "iso: file ends behind the end of the image")
            size = max(0, self.size - where)
        self.covered[where] = size
        if size:
            yield Member(name, from_file(self.file, where, size), size)

    def gaps(self) -> Iterator[Member]:
        at = 0
        for where in sorted(self.covered):
            if where > at:
                yield Member(f"@{at}", from_file(self.file, at, where - at), where - at, "gap")
            at = max(at, where + self.covered[where])
        if at < self.size:
            yield Member(f"@{at}", from_file(self.file, at, self.size - at), self.size - at, "gap")


def _extent(record: bytes) -> tuple[int, int]:
    """(offset, length) in bytes of what a directory record points at."""
    return int.from_bytes(record[2:6], "little") * SECTOR, int.from_bytes(record[10:14], "little")


def _records(data: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        length = data[at]
        if length < 34:
            at = (at // SECTOR + 1) * SECTOR  # records do not cross sectors
            continue
        yield data[at : at + length]
        at += length


def _record_name(record: bytes, joliet: bool) -> str:
    """The name of a record, "" for a directory itself and its parent."""
    length = record[32] if len(record) > 33 else 0
    raw = record[33 : 33 + length]
    if raw in (b"\0", b"\1", b""):
        return ""
    if joliet:
        return raw.decode("utf-16-be", "replace").split(";", 1)[0]
    system = record[33 + length + (length + 1) % 2 :]
    return (_rock_ridge(system) or raw.split(b";", 1)[0].rstrip(b".")).decode("utf-8", "surrogateescape")


def _rock_ridge(area: bytes) -> bytes:
    """The name in NM fields."""
    name, at = b"", 0
    while at + 4 <= len(area) and area[at + 2] >= 4:
        if area[at : at + 2] == b"NM":
            name += area[at + 5 : at + area[at + 2]]
        at += area[at + 2]
    return name
