"""qcow2, the disk of QEMU's machines: its clusters in the order of the disk, those that are compressed unpacked.

Promises: what the image stores is handed out and no more, so holes cost nothing; a cluster that several tables share comes
once; a cluster is at most 2 MiB, whatever it claims; one that cannot be read is told, and the others are read. Clusters of
snapshots follow those of the disk. That it lies upon another file is told. What no table names (of deleted files, of snapshots
that were deleted) is left in the stream, which the walk scans as it stands; so is a table with an entry that no program writes.

Source: QEMU's docs/interop/qcow2.txt. Imported by `sources.inside.walk`.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from leakguard.sources.inside.archives.blocks import upon
from leakguard.sources.inside.base import BrokenError, Context, Member, Pieces, Stream, UnreadError, ratio_guard

SECTOR = 512
MOST_TABLE = 32 * 1024 * 1024
"""Bytes of a first table: QEMU reads no larger one."""
MOST_SNAPSHOTS = 65_536
LONGEST_PATH = 1023
"""Bytes of the name of the file below, as QEMU has it."""
MOST_KNOWN = 4_000_000
"""Compressed clusters remembered, so that two snapshots of one disk give each once; those beyond come as often as they are named."""
WINDOW = 8 * 1024 * 1024
"""Bytes zstd may look back: no more than a few clusters are packed at a time."""
_HOLE = bytes(SECTOR)
_HEAD = struct.Struct(">4sIQIIQIIQQIIQQQQII")
_SNAPSHOT = struct.Struct(">QIHHIIQII")
_OFFSET = 0x00FF_FFFF_FFFF_FE00
_RESERVED = 0x3F00_0000_0000_01FE
_PACKED, _ZERO = 1 << 62, 1
_EXTERNAL, _ZSTD, _HALVES = 4, 8, 16

Unpack = Callable[[bytes, int], bytes]
"""(packed, most bytes of the result) -> the cluster; fewer bytes where it is damaged."""


def qcow2(stream: Stream, context: Context) -> Iterator[Member]:
    """`disk`, and as `snapshot-N` what its snapshots have beside it."""
    head = stream.peek(_HEAD.size + 1)  # and not read: whatever else stands in it is scanned
    image = _Image(stream, context, head.ljust(_HEAD.size + 1, b"\0"))
    yield Member("disk", Pieces(image.clusters(*image.first)))
    for number, (at, count) in enumerate(image.snapshots(), 1):
        yield Member(f"snapshot-{number}", Pieces(image.clusters(at, count)))


class _Image:
    def __init__(self, stream: Stream, context: Context, head: bytes) -> None:
        _, version, below, length, bits, self.length, crypt, count, at, _, _, snapshots, self.at, features, _, _, _, header = (
            _HEAD.unpack_from(head)
        )
        features = features if version == 3 else 0
        if not 9 <= bits <= 21 or version not in (2, 3) or crypt > 2:
            raise BrokenError("damaged header")
        if crypt:
            raise UnreadError("a disk image of QEMU, encrypted")
        if features & _EXTERNAL:
            raise UnreadError("a disk image of QEMU whose data is in another file, raw: scan that one")
        self.unpack: Unpack = _unzstd() if features & _ZSTD and header > 104 and head[104] == 1 else _inflate
        self.entry = 16 if features & _HALVES else 8
        self.context = context
        self.bits, self.cluster = bits, 1 << bits
        self.first = at, count
        self.count = min(snapshots, MOST_SNAPSHOTS)
        self.file, self.size = stream.file()
        if below:
            upon(context, [_cut(self.file, below, min(length, LONGEST_PATH)).decode("utf-8", "replace")])
        self.known = bytearray((self.size >> bits) // 8 + 1)
        self.packed: set[int] = set()
        self.taken = self.produced = 0

    def snapshots(self) -> list[tuple[int, int]]:
        """(offset, entries) of each snapshot's first table."""
        out, at = [], self.at
        for _ in range(self.count):
            raw = _cut(self.file, at, _SNAPSHOT.size)
            if len(raw) < _SNAPSHOT.size:
                self.context.tell("failed", "", "damaged list of the disk's snapshots")
                break
            table, count, ident, name, _, _, _, _, extra = _SNAPSHOT.unpack(raw)
            out.append((table, count))
            at += -(-(_SNAPSHOT.size + extra + ident + name) // 8) * 8
        return out

    def clusters(self, at: int, count: int) -> Iterator[bytes]:
        """What the clusters under a first table hold, those that came before left out."""
        if count * 8 > MOST_TABLE or at + count * 8 > self.size:
            raise BrokenError("damaged table of the disk's clusters")
        first = _cut(self.file, at, count * 8)
        following = 0
        for number, (entry,) in enumerate(struct.iter_unpack(">Q", first)):
            table = entry & _OFFSET
            if not table or (self._is_regular(table) and self._came(table)):
                continue
            if entry & (_PACKED | _RESERVED | _ZERO) or not self._is_regular(table):
                self.context.tell("failed", "", "damaged table of the disk's clusters")
                yield first[number * 8 : number * 8 + 8]
                continue
            raw = _cut(self.file, table, self.cluster)
            begins = number * (self.cluster // self.entry)
            for index, data in self._under(raw, begins):
                if begins + index != following:
                    yield _HOLE
                following = begins + index + 1
                yield data

    def _under(self, table: bytes, begins: int) -> Iterator[tuple[int, bytes]]:
        """(number, content) of each cluster that a second table names, and the table where that is damaged. Its first cluster
        is number `begins` of the disk."""
        damaged = len(table) < self.cluster
        for index in range(len(table) // self.entry):
            entry = int.from_bytes(table[index * self.entry : index * self.entry + 8], "big")
            if not entry:
                continue
            left = self.length - (begins + index) * self.cluster
            if self.entry == 16:  # the parts of a cluster that are there: a file may end behind the last of them
                there = int.from_bytes(table[index * 16 + 12 : index * 16 + 16], "big")
                left = min(left, there.bit_length() * self.cluster // 32)
            data = self._unpacked(entry) if entry & _PACKED else self._plain(entry, left)
            if data is None:
                damaged = True
            elif data:
                ratio_guard(self.context.limits, self.produced, self.taken)
                yield index, data
        if damaged:
            self.context.tell("failed", "", "damaged part of the disk")
            yield -1, table

    def _plain(self, entry: int, left: int) -> bytes | None:
        """A cluster that stands as it is: b"" where there is nothing, or nothing new; None where it is damaged. The disk has
        `left` bytes more: a file may end with them."""
        place = entry & _OFFSET
        if entry & _RESERVED:
            return None
        if not place or entry & _ZERO:
            return b""
        if not self._is_regular(place):
            return None
        if self._came(place):
            return b""
        data = _cut(self.file, place, self.cluster)
        self.taken += len(data)
        self.produced += len(data)
        if len(data) < min(left, self.cluster):
            self.context.tell("failed", "", "a part lies behind the end of the file")
        return data

    def _unpacked(self, entry: int) -> bytes | None:
        """The same of one that is compressed."""
        shift = 70 - self.bits
        place = entry & ((1 << shift) - 1)
        sectors = (entry >> shift & ((1 << self.bits - 8) - 1)) + 1
        if place >= self.size:
            return None
        known = entry & (_PACKED - 1)
        if known in self.packed:
            return b""
        if len(self.packed) < MOST_KNOWN:
            self.packed.add(known)
        raw = _cut(self.file, place, sectors * SECTOR - place % SECTOR)
        data = self.unpack(raw, self.cluster)
        self.taken += len(raw)
        self.produced += len(data)
        if len(data) < self.cluster:
            self.context.tell("failed", "", "damaged part of the disk")
            return data + raw
        return data

    def _is_regular(self, place: int) -> bool:
        return place < self.size and not place & (self.cluster - 1)

    def _came(self, place: int) -> bool:
        """Was this cluster asked for before? It counts as asked for from now on."""
        byte, bit = divmod(place >> self.bits, 8)
        before = self.known[byte] >> bit & 1
        self.known[byte] |= 1 << bit
        return bool(before)


def _cut(file: BinaryIO, at: int, count: int) -> bytes:
    file.seek(at)
    return file.read(count)


def _inflate(packed: bytes, most: int) -> bytes:
    try:
        return zlib.decompressobj(-15).decompress(packed, most)
    except zlib.error:
        return b""


def _unzstd() -> Unpack:
    import zstandard

    library: Any = zstandard
    decoder = library.ZstdDecompressor(max_window_size=WINDOW)

    def unpack(packed: bytes, most: int) -> bytes:
        out = b""
        try:
            with decoder.stream_reader(io.BytesIO(packed)) as reader:
                while len(out) < most and (data := reader.read(most - len(out))):
                    out += data
        except library.ZstdError:
            pass  # the cluster is short, which is told
        return out

    return unpack
