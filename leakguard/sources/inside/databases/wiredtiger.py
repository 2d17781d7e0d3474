"""WiredTiger's files: MongoDB's collections and indexes (`collection-7-*.wt`), and its log (`WiredTigerLog.*`).

Promises: nothing is recovered, replayed or written; every page is read that a header announces, whether a checkpoint still
leads to it or not, so that documents changed or deleted since are found for as long as their page is not used again; a pair
that several pages hold is given once. A page that does not come out as its header says is told, unless another one was written
over it, and is handed out as it stands. Memory is a page, LARGEST at most.

Values that are BSON are documents (MongoDB); all else is a key and its value. Pages are packed by Snappy (MongoDB's default), zlib,
zstd or lz4; encrypted ones are told. Sources: WiredTiger's src/include/btmem.h, block.h, cell.h, intpack_inline.h, log.h and
ext/compressors. Checked with what WiredTiger 3.2 wrote. Imported by `sources.inside.walk`.
"""

from __future__ import annotations

import struct
import zlib
from array import array
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from leakguard.sources.inside.base import BrokenError, Context, Member, Stream
from leakguard.sources.inside.databases import mongo
from leakguard.sources.inside.databases.records import Cell, Row, Runs, pair, tables
from leakguard.sources.inside.databases.snappy import DamagedError, unsnapped

LARGEST = 64 * 1024 * 1024
MOST_KNOWN = 500_000
ALIGNED = 512
"""What pages are multiples of, at least; by default of 4 KiB."""
FIRST = 4096
"""Bytes of the block that a table begins with."""
_HEAD = 40
_SKIPPED = 64
"""Bytes of a page that are not packed."""
_OVERFLOW, _ROW_LEAF = 5, 7
_KINDS = frozenset(range(1, 8))
_PACKED, _ENCRYPTED = 1, 8
_LOG_MARK = b"\x64\x10\x10\0"
_RECORD = 16
_ADJUSTED = 64
"""What the length of a long cell is less than its bytes."""


class _Page(NamedTuple):
    """The header of a page."""

    start: int
    length: int
    memory: int
    entries: int
    kind: int
    flags: int


def table(stream: Stream, context: Context) -> Iterator[Member]:
    """The pairs of all pages, and what is none."""
    file, size = stream.file()
    reader = _File(file, size, context)
    yield from tables("@pairs", reader.rows())
    if reader.raw:
        pieces = Runs(file, reader.raw)
        yield Member("@free", pieces, kind="gap", place=pieces.facts_at)


class _File:
    """`raw`: start, end of what holds no pair."""

    def __init__(self, file: BinaryIO, size: int, context: Context) -> None:
        self.file = file
        self.size = size
        self.context = context
        self.raw = array("Q")
        self.known: set[int] = set()
        self.told: set[str] = set()
        if size < FIRST:
            self._tell("wiredtiger: ends in its first block")

    def rows(self) -> Iterator[Row]:
        at = ALIGNED
        while at < self.size:
            self.context.budget.spend(0)
            page = self._page(at)
            data = self._unpacked(page) if page is not None else None
            if page is None or data is None:
                self.raw.extend((at, min(at + ALIGNED, self.size)))
                at += ALIGNED
                continue
            yield from self._pairs(page, data)
            at += page.length

    def _page(self, at: int) -> _Page | None:
        """The page whose header stands there, if one does."""
        self.file.seek(at)
        head = self.file.read(_HEAD)
        if len(head) < _HEAD:
            return None
        memory, entries, kind, flags, unused, version, length = struct.unpack_from("<II4BI", head, 16)
        if kind not in _KINDS or unused or version > 1 or flags & ~0x1F or head[37:40] != bytes(3) or not head[36] < 2:
            return None
        if not _HEAD < length <= LARGEST or length % ALIGNED or memory > LARGEST or memory < _HEAD - 12 or not any(head[8:16]):
            return None
        return _Page(at, length, memory, entries, kind, flags)

    def _unpacked(self, page: _Page) -> bytes | None:
        """What is behind a page's header; None if it cannot be known."""
        if page.start + page.length > self.size:
            self._tell("wiredtiger: ends in the middle of a page")
            return None
        self.file.seek(page.start)
        data = self.file.read(page.length)
        if page.flags & _ENCRYPTED:
            self._tell("wiredtiger: encrypted")
            return None
        if not page.flags & _PACKED:
            return data[_HEAD:]
        try:
            return data[_HEAD:_SKIPPED] + inflated(data[_SKIPPED:], page.memory)
        except DamagedError:
            if not self._overwritten(page):
                self._tell("wiredtiger: a damaged page, or one packed in a way its reader does not know")
            return None
        except ImportError:
            self.context.tell("unread", "", "wiredtiger: pages, not read: install leakguard-scanner[archives]")
            return None

    def _overwritten(self, page: _Page) -> bool:
        """Does another page begin in this one?"""
        return any(self._page(at) is not None for at in range(page.start + ALIGNED, page.start + page.length, ALIGNED))

    def _tell(self, reason: str) -> None:
        if reason not in self.told:
            self.told.add(reason)
            self.context.tell("failed", "", reason)

    def _pairs(self, page: _Page, data: bytes) -> Iterator[Row]:
        """The pairs of a page of rows; a long value that has a page for itself."""
        number = page.start // FIRST
        if page.kind == _OVERFLOW:
            yield from self._row(b"", data[: page.entries], number)
        elif page.kind == _ROW_LEAF:
            key = b""
            try:
                for is_key, value in _cells(data[: page.memory - _HEAD], page.entries):
                    if is_key:
                        if key:
                            yield from self._row(key, b"", number)
                        key = value
                    else:
                        yield from self._row(key, value, number)
                        key = b""
                if key:
                    yield from self._row(key, b"", number)
            except DamagedError:
                if not self._overwritten(page):
                    self._tell("wiredtiger: damaged page")
                self.raw.extend((page.start, page.start + page.length))
        elif page.flags & _PACKED:
            yield from self._row(b"", data, number)  # of a tree: copies of keys; columns
        else:
            self.raw.extend((page.start + _HEAD, page.start + page.length))

    def _row(self, key: bytes, value: bytes, number: int) -> Iterator[Row]:
        known = hash((key, value))
        if known in self.known or not (key or value):
            return
        if len(self.known) < MOST_KNOWN:
            self.known.add(known)
        yield Row("pair", _shown(key.rstrip(b"\0"), value), (("page", str(number)),), f"page {number}")


def _shown(key: bytes, value: bytes) -> list[Cell]:
    """A document's fields, or a key and its value."""
    if len(value) >= 5 and int.from_bytes(value[:4], "little") == len(value) and not value[-1]:
        try:
            return [*mongo.cells_of(value)]
        except BrokenError:
            pass
    return pair(key, value.rstrip(b"\0")) if key else [("value", value)]


def _cells(data: bytes, count: int) -> Iterator[tuple[bool, bytes]]:
    """(is it a key, its bytes) of each cell of a page. Raises DamagedError."""
    at = 0
    before = b""
    for _ in range(count):
        if at >= len(data):
            raise DamagedError("cells")
        first = data[at]
        at += 1
        kind, prefix, size = first & 3, 0, first >> 2
        if not kind:
            kind = first & 0xF0
            if kind == 0x70:
                prefix, at = data[at] if at < len(data) else 0, at + 1
            at, size = _length(data, at, first, kind)
        elif kind == 2:
            prefix, at = data[at] if at < len(data) else 0, at + 1
        if at + size > len(data):
            raise DamagedError("cells")
        value = data[at : at + size]
        at += size
        if kind in (1, 2, 0x50, 0x70):
            before = before[:prefix] + value
            yield True, before
        elif kind in (3, 0x80):
            yield False, value


def _length(data: bytes, at: int, first: int, kind: int) -> tuple[int, int]:
    """(where the bytes of a long cell begin, how many)."""
    timed, repeated = bool(first & 8), bool(first & 4)
    if timed and kind not in (0x50, 0x70):
        flags = data[at] if at < len(data) else 0
        at += 1
        for bit in range(1, 7):
            if flags >> bit & 1:
                _, at = _number(data, at)
    if repeated:
        _, at = _number(data, at)
    if kind in (0x40, 0x00):  # a deleted value
        return at, 0
    size, at = _number(data, at)
    if kind == 0x90:  # a copy of an earlier one
        return at, 0
    if kind in (0x50, 0x70) or (kind == 0x80 and not timed and not repeated):
        size += _ADJUSTED
    return at, size


def _number(data: bytes, at: int) -> tuple[int, int]:
    """(a packed number, where it ends)."""
    first = data[at] if at < len(data) else 0
    if first & 0xC0 == 0x80:
        return first & 0x3F, at + 1
    if first & 0xE0 == 0xC0 and at + 2 <= len(data):
        return ((first & 0x1F) << 8 | data[at + 1]) + 64, at + 2
    end = at + 1 + (first & 0x0F)
    if first & 0xF0 != 0xE0 or end > len(data):
        raise DamagedError("number")
    return int.from_bytes(data[at + 1 : end], "big") + 8256, end


def inflated(data: bytes, most: int) -> bytes:
    """What was packed by whichever of WiredTiger's packers. Raises DamagedError."""
    if data[8:12] == b"\x28\xb5\x2f\xfd":
        return _zstd(data[8:], most)
    if data[:1] == b"\x78" and int.from_bytes(data[:2], "big") % 31 == 0:
        unpack = zlib.decompressobj()
        try:
            out = unpack.decompress(data, most)
        except zlib.error:
            raise DamagedError("zlib") from None
        if out:
            return out
    size = int.from_bytes(data[:8], "little")
    if 0 < size <= len(data) - 8:
        return unsnapped(data[8 : 8 + size], most)
    packed, whole = struct.unpack_from("<II", data) if len(data) > 16 else (0, 0)
    if 0 < packed <= len(data) - 16 and 0 < whole <= most:
        return _lz4(data[16 : 16 + packed], whole)
    raise DamagedError("no packer")


def _zstd(data: bytes, most: int) -> bytes:
    import zstandard

    try:
        return zstandard.ZstdDecompressor(max_window_size=1 << 27).decompress(data, max_output_size=most, allow_extra_data=True)
    except zstandard.ZstdError:
        raise DamagedError("zstd") from None


def _lz4(data: bytes, whole: int) -> bytes:
    import lz4.block  # type: ignore[import-untyped, unused-ignore]

    try:
        return bytes(lz4.block.decompress(data, uncompressed_size=whole))
    except Exception:  # noqa: BLE001 - LZ4BlockError is not public in all versions
        raise DamagedError("lz4") from None


# ---------------------------------------------------------------- the log
def log(stream: Stream, context: Context) -> Iterator[Member]:
    """Every record of the log as it stands, unpacked; what is behind the last is room made beforehand."""
    file, size = stream.file()
    records = _Records(file, size, context)
    yield from tables("@log", records.rows())
    if records.raw:
        pieces = Runs(file, records.raw)
        yield Member("@free", pieces, kind="gap", place=pieces.facts_at)


class _Records:
    def __init__(self, file: BinaryIO, size: int, context: Context) -> None:
        self.file = file
        self.size = size
        self.context = context
        self.raw = array("Q")

    def rows(self) -> Iterator[Row]:
        at = 0
        while at < self.size:
            self.context.budget.spend(0)
            self.file.seek(at)
            head = self.file.read(_RECORD)
            length, flags, memory = struct.unpack("<I4xH2xI", head.ljust(_RECORD, b"\0"))
            if not length:
                break
            if not _RECORD <= length <= LARGEST or at + length > self.size:
                self.context.tell("failed", "", "wiredtiger: ends in a damaged record, or in the middle of one")
                break
            data = self.file.read(length - _RECORD)
            if flags & 1:
                try:
                    data = inflated(data, max(memory, _RECORD))
                except DamagedError:
                    self.context.tell("failed", "", "wiredtiger: a damaged record, or one packed in a way its reader does not know")
            if flags & 2:
                self.context.tell("failed", "", "wiredtiger: encrypted")
            for cells in _said(data):
                yield Row("record", cells, (("offset", str(at)),), f"record at {at}")
            at += -(-length // 128) * 128
        if at < self.size:
            self.raw.extend((at, self.size))


def _said(data: bytes) -> Iterator[list[Cell]]:
    """The documents in a record, and what is between them."""
    at = done = 0
    while (at := data.find(b"\0", at)) >= 0:
        # a document begins with its length and a field: the fourth byte of a length is nearly always zero
        start = at - 3
        size = int.from_bytes(data[start : start + 4], "little") if start >= done else 0
        if 5 <= size <= len(data) - start and not data[start + size - 1] and (size == 5 or data[start + 4] in _FIELDS):
            try:
                cells = [*mongo.cells_of(data[start : start + size])]
            except BrokenError:
                cells = []
            if cells:
                if data[done:start].strip(b"\0"):
                    yield [("data", data[done:start])]
                yield cells
                at = done = start + size
                continue
        at += 1
    if data[done:].strip(b"\0"):
        yield [("data", data[done:])]


_FIELDS = frozenset((*range(1, 20), 127, 255))
