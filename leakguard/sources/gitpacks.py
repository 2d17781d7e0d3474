"""Packs read without git: where a blob lies, what it is a version of, and what of it is not in that one.

Git keeps most blobs as the difference to another. Who reads packs itself gets these differences for nothing, and copies
what is the same; `git cat-file` makes the whole of each and sends it through a pipe. Only blobs are read here, and only
what is exactly as git writes it: at any doubt (a size, an offset, a checksum of zlib's, a chain that is too long) `Doubt`
is raised and the object is left to git, which says what is wrong. Ids are believed, as git does when it reads.

Knows no errors of its own to tell. Never writes. Imported by cutting.py, objects.py, gitunpack.py and the reader of
packs (inside/archives/gitpack.py).
"""

from __future__ import annotations

import mmap
import os
import sys
import zlib
from array import array
from bisect import bisect_left
from collections.abc import Container, Iterable, Iterator
from operator import ge
from struct import iter_unpack, unpack_from
from typing import NamedTuple

from leakguard.sources.windows import open_regular

BLOB = 3
_OFFSET, _REFERENCE = 6, 7
LARGEST = 8 * 1024 * 1024
"""Bytes of a blob, and of a difference: larger ones are git's."""
_LONGEST = 4096
"""Differences one behind the other; git itself makes at most 4,095."""
_MOST_WORK = 256 * 1024 * 1024
"""Bytes that are put together for one blob whose base is not at hand."""
_SLACK = 1024
"""Bytes that what is packed may be longer than unpacked, beside a thousandth."""
_LEAST = 24
"""Bytes of a copied piece that is worth to be called the same."""

Hunk = tuple[int, int, int, int]
"""old[a:b] became new[c:d], as (a, b, c, d)."""


class Doubt(Exception):  # noqa: N818 - it is none: whoever has it asks git
    """Something is not as git would have written it."""


class Version(NamedTuple):
    """A blob. `base`: the offset of the one it is a version of, -1 if it stands alone; `hunks`: where it differs from that."""

    data: bytes
    base: int
    old: bytes
    hunks: list[Hunk]


class Pack:
    """One pack with its index, both mapped into memory."""

    def __init__(self, path: str, width: int) -> None:
        """`path` without its ending. Doubt if it is none."""
        self.path, self.width = path, width
        try:
            self._index = _mapped(path + ".idx")
            self._pack = _mapped(path + ".pack")
        except (OSError, ValueError, OverflowError) as error:
            raise Doubt(str(error)) from None
        index, pack = self._index, self._pack
        if len(index) < 8 + 1024 + 2 * width or len(pack) < 12 + width:
            raise Doubt("too short")
        self.count = int(unpack_from(">I", index, 8 + 1020)[0])
        least = 8 + 1024 + self.count * (width + 8) + 2 * width
        version, count = unpack_from(">II", pack, 4)
        if index[:8] != b"\xfftOc\0\0\0\2" or pack[:4] != b"PACK" or version not in (2, 3) or count != self.count:
            raise Doubt("not a pack and its index, version 2")
        if len(index) < least or (len(index) - least) % 8 or index[-2 * width : -width] != pack[-width:]:
            raise Doubt("an index of another pack")
        self._end = len(pack) - width
        self._view = memoryview(pack)

    def release(self) -> None:
        """Takes what was read out of this process's memory: it stays in the system's, and is mapped again when it is asked for."""
        for mapped in (self._index, self._pack):
            if hasattr(mapped, "madvise") and hasattr(mmap, "MADV_DONTNEED"):
                mapped.madvise(mmap.MADV_DONTNEED)

    def places(self, wanted: Container[bytes] | None = None) -> dict[bytes, int]:
        """The offsets of these ids, or of all, as far as they are here. Doubt if git would not find each of them at just that
        place: it looks for them by halves, and by their first bytes."""
        width, count, index = self.width, self.count, self._index
        names = [name for (name,) in iter_unpack(f"{width}s", index[1032 : 1032 + count * width])]
        if any(map(ge, names, names[1:])):
            raise Doubt("an index out of order")
        if [bisect_left(names, bytes((top + 1,))) for top in range(255)] != list(unpack_from(">255I", index, 8)):
            raise Doubt("an index whose first bytes are others")
        at = 1032 + count * (width + 4)
        places = array("I", index[at : at + 4 * count])
        if len(set(places)) != count:
            raise Doubt("two objects at one place")
        if places.itemsize != 4:
            raise Doubt("integers of another size")
        if sys.byteorder == "little":
            places.byteswap()
        far = at + 4 * count
        if len(index) > far + 2 * width and len(set(_resolved(index, places, far))) != count:
            raise Doubt("two objects at one place")
        if wanted is None:
            out = dict(zip(names, places, strict=True))
        else:
            out = {name: place for name, place in zip(names, places, strict=True) if name in wanted}
        if len(index) > far + 2 * width:
            for name, place in out.items():
                if place & 0x80000000:
                    where = far + 8 * (place & 0x7FFFFFFF)
                    if where + 8 > len(index) - 2 * width:
                        raise Doubt("an offset outside of the index")
                    out[name] = int(unpack_from(">Q", index, where)[0])
        return out

    def header(self, at: int) -> tuple[int, int, int, int]:
        """What lies at an offset: (kind, size of what is packed there, the base's offset or -1, where that begins).
        References by id are Doubt: git writes them into packs on disk only if it is told to."""
        pack = self._pack
        if not 12 <= at < self._end - 1:
            raise Doubt("an offset outside of the pack")
        start = at
        byte = pack[at]
        kind = byte >> 4 & 7
        size = byte & 15
        shift = 4
        at += 1
        while byte & 0x80:
            byte = pack[at]
            at += 1
            size |= (byte & 0x7F) << shift
            shift += 7
            if shift > 40:
                raise Doubt("a size that is none")
        if kind == _OFFSET:
            byte = pack[at]
            at += 1
            back = byte & 0x7F
            while byte & 0x80:
                byte = pack[at]
                at += 1
                back = (back + 1 << 7) | (byte & 0x7F)
                if back > start:
                    raise Doubt("a base outside of the pack")
            if not 0 < back <= start - 12:
                raise Doubt("a base outside of the pack")
            return kind, size, start - back, at
        return kind, size, -1, at

    def unpacked(self, at: int, size: int) -> tuple[bytes, int]:
        """What is packed at an offset, and where that ends."""
        if size > LARGEST:
            raise Doubt("large")
        stop = min(self._end, at + size + size // 1000 + _SLACK)
        packed = zlib.decompressobj()
        try:
            out = packed.decompress(self._view[at:stop], size + 1)
        except zlib.error:
            raise Doubt("damaged") from None
        if not packed.eof or len(out) != size:
            raise Doubt("another size than it says")
        return out, stop - len(packed.unused_data)

    def made(self, at: int) -> tuple[int, bytes]:
        """The kind of the object at an offset, and its content, whatever that is a difference to."""
        chain = []
        kind, size, base, start = self.header(at)
        while base >= 0:
            chain.append((start, size))
            if len(chain) > _LONGEST:
                raise Doubt("a chain that is too long")
            kind, size, base, start = self.header(base)
        data, _ = self.unpacked(start, size)
        work = 0
        for start, size in reversed(chain):
            data, _ = applied(data, self.unpacked(start, size)[0], differs=False)
            work += len(data)
            if work > _MOST_WORK:
                raise Doubt("a chain of large ones")
        return kind, data

    def data(self, at: int) -> bytes:
        """The blob at an offset."""
        kind, data = self.made(at)
        if kind != BLOB:
            raise Doubt("no blob")
        return data

    def version(self, at: int, known: dict[int, bytes]) -> Version:
        """The blob at an offset with what it differs in from its base. `known`: blobs by their offsets."""
        kind, size, base, start = self.header(at)
        if base < 0:
            if kind != BLOB:
                raise Doubt("no blob")
            return Version(self.unpacked(start, size)[0], -1, b"", [])
        old = known.get(base)
        if old is None:
            old = self.data(base)
        data, hunks = applied(old, self.unpacked(start, size)[0])
        return Version(data, base, old, hunks)


def _mapped(path: str) -> mmap.mmap:
    handle, size = open_regular(path)
    try:
        return mmap.mmap(handle, size, access=mmap.ACCESS_READ)
    finally:
        os.close(handle)


def _length_at(delta: bytes, at: int) -> tuple[int, int]:
    """A number as differences begin with two of; and what follows it."""
    value = shift = 0
    while True:
        byte = delta[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at
        if shift > 35:
            raise Doubt("a size that is none")


def applied(old: bytes, delta: bytes, differs: bool = True) -> tuple[bytes, list[Hunk]]:
    """What a difference makes of a text, and where that differs; nothing of that without `differs`, in half of the time."""
    try:
        return _applied(old, delta, differs)
    except IndexError:
        raise Doubt("a difference that breaks off") from None


def _applied(old: bytes, delta: bytes, differs: bool) -> tuple[bytes, list[Hunk]]:  # noqa: PLR0912, PLR0915 - the hot loop, flat
    most, at = _length_at(delta, 0)
    size, at = _length_at(delta, at)
    if most != len(old) or size > LARGEST:
        raise Doubt("a difference to something else")
    view = memoryview(old)
    end = len(delta)
    pieces: list[bytes | memoryview] = []
    same: list[tuple[int, int, int]] = []  # (offset in the old text, in the new one, bytes)
    done = behind = last = 0
    while at < end:
        op = delta[at]
        if op == 0x93:  # half of all: an offset of two bytes and a length of one
            low = delta[at + 1] | delta[at + 2] << 8
            length = delta[at + 3] or 0x10000
            at += 4
        elif op == 0xB3:
            low = delta[at + 1] | delta[at + 2] << 8
            length = delta[at + 3] | delta[at + 4] << 8 or 0x10000
            at += 5
        elif op == 0x97:
            low = delta[at + 1] | delta[at + 2] << 8 | delta[at + 3] << 16
            length = delta[at + 4] or 0x10000
            at += 5
        elif op >= 0x80:
            at += 1
            low = length = 0
            if op & 1:
                low = delta[at]
                at += 1
            if op & 2:
                low |= delta[at] << 8
                at += 1
            if op & 4:
                low |= delta[at] << 16
                at += 1
            if op & 8:
                low |= delta[at] << 24
                at += 1
            if op & 16:
                length = delta[at]
                at += 1
            if op & 32:
                length |= delta[at] << 8
                at += 1
            if op & 64:
                length |= delta[at] << 16
                at += 1
            length = length or 0x10000
        elif op:
            at += 1
            high = at + op
            pieces.append(delta[at:high])
            at = high
            done += op
            continue
        else:
            raise Doubt("a difference with something that is none")
        high = low + length
        if high > most:
            raise Doubt("a difference to something else")
        pieces.append(view[low:high] if length > 200 else old[low:high])
        if differs and length >= _LEAST:
            if low >= behind:
                same.append((low, done, length))
                behind, last = high, length
            elif length > last or behind - low < last:  # else it would have to go where a larger one lies
                behind = _ordered(same, low, done, length)
                last = same[-1][2]
        done += length
        if done > size:
            raise Doubt("another size than it says")
    if done != size or at != end:
        raise Doubt("another size than it says")
    return b"".join(pieces), _between(same, most, size) if differs else []


def _ordered(same: list[tuple[int, int, int]], low: int, new: int, length: int) -> int:
    """Adds a piece that lies before the last ones in the old text, if it is larger than all that have to go for it. Returns
    what lies behind the last piece."""
    going = 0
    number = len(same)
    while number and same[number - 1][0] + same[number - 1][2] > low:
        number -= 1
        going += same[number][2]
        if going >= length and number + 1 < len(same):  # it stays out, however many more would have to go
            return same[-1][0] + same[-1][2]
    if number + 1 == len(same):
        over = same[-1][0] + same[-1][2] - low
        if 2 * over < min(going, length):  # what both have belongs to the first
            same.append((low + over, new + over, length - over))
            return low + length
    if going < length:
        same[number:] = [(low, new, length)]
        return low + length
    return same[-1][0] + same[-1][2]


def _between(same: list[tuple[int, int, int]], old: int, new: int) -> list[Hunk]:
    """What lies between pieces that are the same."""
    hunks = []
    a = c = 0
    for low, place, length in same:
        if low > a or place > c:
            hunks.append((a, low, c, place))
        a = low + length
        c = place + length
    if a < old or c < new:
        hunks.append((a, old, c, new))
    return hunks


def paths_of_packs(folder: str) -> Iterator[str]:
    """The packs of an object store and of its alternates, without their endings."""
    for store in (folder, *_alternates(folder)):
        top = os.path.join(store, "pack")
        try:
            names = set(os.listdir(top))
        except OSError:
            continue  # there are none
        for name in sorted(names):
            if name.endswith(".idx") and name[:-4] + ".pack" in names:
                path = os.path.join(top, name[:-4])
                # a shadow has links where a folder holds more than git may see, and nothing else here follows a link
                real = os.path.realpath(path + ".idx").removesuffix(".idx")
                yield real if os.path.realpath(path + ".pack") == real + ".pack" else path


def _resolved(index: mmap.mmap, places: Iterable[int], far: int) -> Iterator[int]:
    """Offsets as they are, where an index keeps large ones in a table of their own, which begins at `far`."""
    for place in places:
        where = far + 8 * (place & 0x7FFFFFFF)
        yield int(unpack_from(">Q", index, where)[0]) if place & 0x80000000 and where + 8 <= len(index) else place


def hides(path: str, width: int) -> bool:
    """Whether the index of a pack names an object twice, or two at one place: then there is one in the pack that it does not
    name, and that nobody who asks git can see. `path` without its ending; False also for what is no index at all."""
    try:
        index = _mapped(path + ".idx")
    except (OSError, ValueError, OverflowError):
        return False
    with index:
        head = 8 if index[:8] == b"\xfftOc\0\0\0\2" else 0
        if len(index) < head + 1024:
            return False
        count = int(unpack_from(">I", index, head + 1020)[0])
        start = head + 1024
        if len(index) < start + count * (width + (8 if head else 4)) + 2 * width:
            return False
        if not head:  # version 1: each name behind its offset
            rows = list(iter_unpack(f">I{width}s", index[start : start + count * (width + 4)]))
            return len({name for _, name in rows}) != count or len({place for place, _ in rows}) != count
        names = index[start : start + count * width]
        far = start + count * (width + 8)
        places = [place for (place,) in iter_unpack(">I", index[far - 4 * count : far])]
        return len(set(iter_unpack(f"{width}s", names))) != count or len(set(_resolved(index, places, far))) != count


def _alternates(folder: str) -> list[str]:
    try:
        with open(os.path.join(folder, "info", "alternates"), "rb") as handle:
            return [os.fsdecode(line) for line in handle.read().splitlines()]
    except OSError:
        return []


def families(pack: Pack, places: Iterable[int]) -> Iterator[list[tuple[int, int]]]:
    """Blobs that are versions of each other, as `grouped` has them."""
    return grouped(bases_of(pack, places))


def bases_of(pack: Pack, places: Iterable[int]) -> dict[int, int]:
    """The offsets of blobs with those of their bases (-1: none), as `header` says. What cannot be told is left out."""
    bases: dict[int, int] = {}
    for at in places:
        try:
            kind, size, base, _ = pack.header(at)
        except (Doubt, IndexError):
            continue
        if size <= LARGEST and kind in (BLOB, _OFFSET):
            bases[at] = base
    return bases


def grouped(bases: dict[int, int]) -> Iterator[list[tuple[int, int]]]:
    """Blobs that are versions of each other, as (offset, how many are made of it), each behind its base, and a base's
    versions one after the other as they were made of each other."""
    below: dict[int, list[int]] = {}
    roots = []
    for at in sorted(bases):
        if bases[at] in bases:
            below.setdefault(bases[at], []).append(at)
        else:
            roots.append(at)
    for root in roots:
        out = []
        waiting = [root]
        while waiting:
            at = waiting.pop()
            own = below.get(at, ())
            out.append((at, len(own)))
            waiting += own
        yield out
