"""All objects of a pack one after the other, from its bytes alone: no index, no git.

For packs among files and in archives (inside/archives/gitpack.py). Each object begins where the one before it ends, so none
can be left out; ids are computed from what was read, and the pack's own checksum is verified first. At any doubt (a base that
is named by its id or lies elsewhere, a size, a checksum of zlib's, a chain that is too long) `Doubt` is raised: what was
given until then is right, and git may read the rest.

Memory: one object up to 8 MB and BASES of those that others may be made of; larger ones are streams. Never writes.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import zlib
from array import array
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from struct import unpack_from
from typing import NamedTuple

from leakguard.sources.gitpacks import BLOB, LARGEST, Doubt, Pack, applied
from leakguard.sources.windows import FileTask, open_regular

BASES = 24 * 1024 * 1024
"""Bytes of objects that are kept for those that are made of them."""
_KINDS = {1: "commit", 2: "tree", BLOB: "blob", 4: "tag"}
_TREE = 2
_CHUNK = 256 * 1024
_MARK = b"PACK\0\0\0\2"
_FORMATS = {20: hashlib.sha1, 32: hashlib.sha256}
"""What ids and a pack's own checksum are made with, by their length."""

Guard = Callable[[int], None]
"""Told how many bytes one object came to so far; raises where that is too many, or where time is up."""


class Object(NamedTuple):
    """A commit, tag or blob. `data` is None for a large one, which `Unpacked.stream(place, size)` gives."""

    kind: str
    name: str
    """Its id in hex."""
    size: int
    data: bytes | None
    place: int
    """Where its packed bytes begin."""


class Unpacked(Pack):
    """A pack whose index nobody asks. `guard` is asked about each object."""

    def __init__(self, pack: mmap.mmap, guard: Guard) -> None:
        """Doubt if it is no pack, or not what its checksum was made of."""
        self._pack, self._view, self.guard = pack, memoryview(pack), guard
        size = len(pack)
        version, count = unpack_from(">II", pack, 4) if size >= 12 + 20 else (0, 0)
        if pack[:4] != b"PACK" or version not in (2, 3):
            raise Doubt("not a pack")
        self.count = int(count)
        for width, function in _FORMATS.items():
            if size >= 12 + width and function(self._view[: size - width]).digest() == pack[size - width :]:
                self.width, self._end, self._hash = width, size - width, function
                return
        raise Doubt("another checksum")

    def objects(self) -> Iterator[Object]:
        """All objects but trees, in order. Trees are unpacked, too: where the next object begins only that tells."""
        places, kinds = array("Q"), bytearray()
        known: OrderedDict[int, bytes] = OrderedDict()
        kept, at, trees = 0, 12, 0
        for _ in range(self.count):
            kind, size, base, start = self.header(at)
            if base >= 0:
                number = bisect_left(places, base)
                if number == len(places) or places[number] != base:
                    raise Doubt("a base that is no object")
                kind = kinds[number]
            if kind not in _KINDS:
                raise Doubt("a base that is named by its id, or nothing that git knows")
            places.append(at)
            kinds.append(kind)
            if size > LARGEST:
                if base >= 0:
                    raise Doubt("a large difference")
                at, name = self._passed(_KINDS[kind], start, size)
                if kind != _TREE:
                    yield Object(_KINDS[kind], name, size, None, start)
                continue
            own = at
            data, at = self.unpacked(start, size)
            if kind == _TREE:  # nobody is given them: all together count as one
                trees += len(data)
                self.guard(trees)
                continue
            if base >= 0:
                old = known.pop(base, None)
                if old is None:
                    _, old = self.made(base)
                    kept += len(old)
                known[base] = old  # what was asked for last goes last
                data, _ = applied(old, data, differs=False)
            self.guard(len(data))
            yield Object(_KINDS[kind], self._id(_KINDS[kind], data), len(data), data, start)
            known[own] = data
            kept += len(data)
            while kept > BASES:
                kept -= len(known.popitem(last=False)[1])
        if at != self._end:
            raise Doubt("more than its objects")

    def stream(self, place: int, size: int) -> Callable[[int], bytes]:
        """A large object's content, some bytes at a time."""
        pieces = self._pieces(place, size)
        rest = b""

        def pull(count: int) -> bytes:
            nonlocal rest
            if not rest:
                rest, _ = next(pieces, (b"", 0))
            taken, rest = rest[:count], rest[count:]
            return taken

        return pull

    def header(self, at: int) -> tuple[int, int, int, int]:
        try:
            return super().header(at)
        except IndexError:
            raise Doubt("breaks off") from None

    def _id(self, kind: str, data: bytes) -> str:
        return self._hash(b"%s %d\0%s" % (kind.encode(), len(data), data)).hexdigest()

    def _pieces(self, at: int, size: int) -> Iterator[tuple[bytes, int]]:
        """What is packed at an offset bit by bit, each with where the next one begins to be packed."""
        packed = zlib.decompressobj()
        done = 0
        while not packed.eof:
            rest = packed.unconsumed_tail or self._view[at : min(self._end, at + _CHUNK)]
            if not len(rest):
                raise Doubt("breaks off")
            at += 0 if packed.unconsumed_tail else len(rest)
            try:
                out = packed.decompress(rest, _CHUNK)
            except zlib.error:
                raise Doubt("damaged") from None
            done += len(out)
            if done > size:
                raise Doubt("another size than it says")
            yield out, at - len(packed.unused_data)
        if done != size:
            raise Doubt("another size than it says")

    def _passed(self, kind: str, start: int, size: int) -> tuple[int, str]:
        """Where a large object ends, and its id."""
        made = self._hash(b"%s %d\0" % (kind.encode(), size))
        done, end = 0, start
        for out, end in self._pieces(start, size):  # noqa: B007 - the last one is
            made.update(out)
            done += len(out)
            self.guard(done)
        return end, made.hexdigest()


# ---------------------------------------------------------------- packs among files
def is_pack(task: FileTask) -> bool:
    """Whether a file is a pack of git's."""
    if task.kind != "file" or not task.path.endswith(".pack"):
        return False
    try:
        handle, _ = open_regular(task.open_path)
    except OSError:
        return False  # whoever reads it will say so
    try:
        return os.read(handle, len(_MARK)) == _MARK
    except OSError:
        return False
    finally:
        os.close(handle)


def apart(tasks: Iterable[FileTask], packs: list[FileTask]) -> Iterator[FileTask]:
    """The same files but for packs, which go to that list."""
    for task in tasks:
        if is_pack(task):
            packs.append(task)
        else:
            yield task


def packs_last(tasks: Iterable[FileTask]) -> Iterator[FileTask]:
    """The same files, those that are packs behind all others."""
    packs: list[FileTask] = []
    yield from apart(tasks, packs)
    yield from packs
