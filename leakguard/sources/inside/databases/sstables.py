"""Sorted tables of LevelDB and RocksDB (.ldb, .sst): every version of every key that the file still holds.

Promises: a table is read block by block as its index has them, each block once; a block's length is checked before it
is decompressed; what no data block covers (filters, properties, what the index does not name) is handed out as it
stands. Packages of extras (lz4, zstd) are imported where a block asks for them.

Sources: LevelDB's doc/table_format.md; RocksDB's wiki "Rocksdb BlockBasedTable Format", table/format.cc (footers up to
version 7) and table/block_based/block.cc (delta-encoded index values). Imported by `sources.inside.walk` and rocksblob.py.
"""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from leakguard.sources.inside.base import BrokenError, Context, Member, Stream, from_file, ratio_guard
from leakguard.sources.inside.databases.leveldb import Entry, Said, varint
from leakguard.sources.inside.databases.records import Row, Runs, tables
from leakguard.sources.inside.databases.snappy import DamagedError, unsnapped

LARGEST_BLOCK = 64 * 1024 * 1024
MOST_BLOCKS = 4_000_000
_LEVELDB = bytes.fromhex("57fb808b247547db")
_ROCKSDB = bytes.fromhex("f7cff485b741e288")
_TRAILER = 5
"""Behind each block: how it is compressed, and a checksum."""
_DELETIONS = frozenset((0, 7, 14, 15, 20))
_NEW_FOOTER = b"\x3e\x00\x7a\x00"


class Handle(NamedTuple):
    """Where a block is."""

    offset: int
    size: int


class Footer(NamedTuple):
    """What a table's last bytes say."""

    metaindex: Handle
    top: Handle
    """The index."""
    version: int
    """0 for LevelDB."""


def sstable(stream: Stream, context: Context) -> Iterator[Member]:
    """A table's keys and values, then the rest of the file."""
    file, size = stream.file()
    footer = _footer(file, size)
    if footer is None:
        context.tell("failed", "", "sstable: ends without its footer")
        yield Member("@0", from_file(file, 0, size), size, "gap")
        return
    table = _Table(file, size, footer, context)
    handles = table.index()
    yield from tables("@table", table.rows(handles))
    rest = table.rest()
    if rest:
        pieces = Runs(file, rest)
        yield Member("@rest", pieces, kind="gap", place=pieces.facts_at)


def _footer(file: BinaryIO, size: int) -> Footer | None:
    file.seek(max(0, size - 53))
    tail = file.read(53)
    if tail[-8:] == _LEVELDB and len(tail) >= 48:
        return _handles(tail[-48:], 0, 0)
    if tail[-8:] != _ROCKSDB or len(tail) < 53:
        return None
    version = int.from_bytes(tail[-12:-8], "little")
    if version >= 6:
        if tail[1:5] != _NEW_FOOTER:
            return None
        length = int.from_bytes(tail[13:17], "little")
        start = size - 53 - _TRAILER - length
        return Footer(Handle(start, length), Handle(0, 0), version) if start >= 0 else None
    return _handles(tail, 1, version)


def _handles(data: bytes, at: int, version: int) -> Footer | None:
    first, at = _handle(data, at)
    second, at = _handle(data, at)
    return Footer(first, second, version) if at > 0 else None


def _handle(data: bytes, at: int) -> tuple[Handle, int]:
    offset, at = varint(data, at)
    size, at = varint(data, at)
    return Handle(offset, size), at


class _Table:
    def __init__(self, file: BinaryIO, size: int, footer: Footer, context: Context) -> None:
        self.file = file
        self.size = size
        self.footer = footer
        self.context = context
        self.covered: list[Handle] = []
        self.produced = 0

    # ------------------------------------------------------------ blocks
    def block(self, handle: Handle) -> bytes:
        """A block, decompressed. Raises BrokenError."""
        if handle.size > LARGEST_BLOCK or handle.offset + handle.size + _TRAILER > self.size:
            raise BrokenError("a block is not where it should be")
        self.file.seek(handle.offset)
        data = self.file.read(handle.size + 1)
        kind = data[handle.size] if len(data) > handle.size else 0
        out = self._plain(data[: handle.size], kind)
        self.produced += len(out)
        self.context.budget.spend(0)
        ratio_guard(self.context.limits, self.produced, self.size)
        return out

    def _plain(self, data: bytes, kind: int) -> bytes:
        if not kind:
            return data
        try:
            if kind == 1:
                return unsnapped(data, LARGEST_BLOCK)
            if not self.footer.version:
                if kind == 2:
                    return _zstd(data, LARGEST_BLOCK)
                raise BrokenError("a block is damaged, or compressed in a way not known")
            return rocks(data, kind)
        except DamagedError:
            raise BrokenError("a block is damaged") from None

    def entries(self, block: bytes) -> Iterator[tuple[bytes, bytes]]:
        """The keys and values of a block."""
        end = len(block) - 4
        if end < 0:
            raise BrokenError("a block is damaged")
        restarts = int.from_bytes(block[end:], "little")
        if restarts >> 31:  # RocksDB's hash index of a data block
            buckets = int.from_bytes(block[end - 2 : end], "little")
            restarts &= (1 << 31) - 1
            end -= 2 + buckets
        end -= 4 * restarts
        at, key = 0, b""
        while 0 <= at < end:
            shared, at = varint(block, at)
            more, at = varint(block, at)
            length, at = varint(block, at)
            if at < 0 or shared > len(key) or at + more + length > end:
                raise BrokenError("a block is damaged")
            key = key[:shared] + block[at : at + more]
            at += more
            yield key, block[at : at + length]
            at += length
        if end < 0:
            raise BrokenError("a block is damaged")

    # ------------------------------------------------------------ the index
    def index(self) -> list[Handle]:
        """Where the data blocks are."""
        meta = dict(self.entries(self.block(self.footer.metaindex))) if self.footer.version else {}
        where = self.footer.top
        if b"rocksdb.index" in meta:
            where, _ = _handle(meta[b"rocksdb.index"], 0)
        partitioned = False
        if b"rocksdb.properties" in meta:
            properties = dict(self.entries(self.block(_handle(meta[b"rocksdb.properties"], 0)[0])))
            partitioned = properties.get(b"rocksdb.block.based.table.index.type", b"")[:1] == b"\2"
        handles = self._handles_of(where)
        if partitioned:
            handles = [below for handle in handles for below in self._handles_of(handle)]
            if not self._follow(handles):
                raise BrokenError("its index is damaged")
        return handles[:MOST_BLOCKS]

    def _handles_of(self, where: Handle) -> list[Handle]:
        block = self.block(where)
        try:
            found = [_handle(value, 0)[0] for _, value in self.entries(block)]
            if found and self._follow(found):
                return found
        except BrokenError:
            pass
        found = _by_deltas(block)
        if not self._follow(found):
            raise BrokenError("its index is damaged")
        return found

    def _follow(self, handles: list[Handle]) -> bool:
        """Do blocks stand one behind the other, and in the file?"""
        at = 0
        for handle in handles:
            if handle.offset < at or handle.offset + handle.size + _TRAILER > self.size:
                return False
            at = handle.offset + handle.size + _TRAILER
        return True

    # ------------------------------------------------------------ rows
    def rows(self, handles: list[Handle]) -> Iterator[Row]:
        before: bytes | None = None
        said = Said()
        for handle in handles:
            try:
                for key, value in self.entries(self.block(handle)):
                    if len(key) < 8:
                        raise BrokenError("a block is damaged")
                    user, kind = key[:-8], key[-8]
                    sequence = int.from_bytes(key[-7:], "little")
                    stale = user == before  # versions of a key stand one behind the other, the newest first
                    before = user
                    row = said.row(Entry(user, value, sequence), stale) if kind not in _DELETIONS or value else None
                    if row is not None:
                        yield row
                self.covered.append(handle)
            except BrokenError as error:
                self.context.tell("failed", "", f"sstable: {error.reason}")

    def rest(self) -> array[int]:
        """Start, end of what no data block covers."""
        out = array("Q")
        at = 0
        for handle in sorted(self.covered):
            if handle.offset > at:
                out.extend((at, handle.offset))
            at = handle.offset + handle.size + _TRAILER
        if at < self.size - 53:
            out.extend((at, self.size))
        return out


def _by_deltas(block: bytes) -> list[Handle]:
    """An index block of RocksDB from format 4 on: values are told by what they differ in from the one before."""
    end = len(block) - 4
    end -= 4 * (int.from_bytes(block[-4:], "little") & ((1 << 31) - 1))
    at, before = 0, Handle(0, 0)
    found: list[Handle] = []
    while 0 <= at < end:
        shared, at = varint(block, at)
        more, at = varint(block, at)
        if at < 0:
            break
        at += more
        if shared:
            delta, at = varint(block, at)
            size = before.size + ((delta >> 1) ^ -(delta & 1))
            before = Handle(before.offset + before.size + _TRAILER, size)
        else:
            before, at = _handle(block, at)
        if at < 0 or before.size < 0:
            break
        found.append(before)
    return found


# ---------------------------------------------------------------- compression
def rocks(data: bytes, kind: int) -> bytes:
    """RocksDB's blocks, which tell their length first."""
    length, at = varint(data, 0)
    if at < 0 or length > LARGEST_BLOCK:
        raise BrokenError("a block is damaged")
    body = data[at:]
    if kind == 2:
        decoder = zlib.decompressobj(-15)
        try:
            return decoder.decompress(body, length + 1)
        except zlib.error:
            raise BrokenError("a block is damaged") from None
    if kind == 3:
        import bz2

        try:
            return bz2.BZ2Decompressor().decompress(body, length + 1)
        except OSError:
            raise BrokenError("a block is damaged") from None
    if kind in (4, 5):
        import lz4.block

        try:
            return bytes(lz4.block.decompress(body, uncompressed_size=length))
        except lz4.block.LZ4BlockError:
            raise BrokenError("a block is damaged") from None
    if kind == 7:
        return _zstd(body, length)
    raise BrokenError("a block is damaged, or compressed in a way not known")


def _zstd(data: bytes, most: int) -> bytes:
    import zstandard

    try:
        with zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(data) as reader:
            out: bytes = reader.read(most + 1)
    except zstandard.ZstdError:
        raise BrokenError("a block is damaged") from None
    if len(out) > most:
        raise BrokenError("a block is longer than it says")
    return out
