"""The log of a PostgreSQL, `pg_wal`: the rows that it says were written, deleted ones, too, and the pages that it keeps whole.

Promises: records are put together over the borders of pages; values are given one by one, as `pgheap` does it, since in the log a
length that is mostly a letter stands right before each; pages that are packed (wal_compression) are unpacked. What of a segment is
no record any more, or was not understood, is handed out as it stands: segments are used again, and hold behind their end what they
held before. Columns' names are in other files: that is told. Memory is one record, of at most LARGEST bytes.

Formats: src/include/access/xlogrecord.h, xlog_internal.h, heapam_xlog.h, of 9.5 and newer. Checked with what PostgreSQL 15 wrote.
Imported by `sources.inside.walk`.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from leakguard.sources.inside.base import Context, Member, Stream
from leakguard.sources.inside.databases.pgheap import Heap, cells, unpglz
from leakguard.sources.inside.databases.records import Cell, Row, Runs, tables

PAGE = 8192
LARGEST = 64 * 1024 * 1024
_HEAD = 24
_LEAST = 16
_UNSEEN = "the log of a PostgreSQL, which does not hold the names of columns: scan what pg_dump writes of it, replayed"
_HEAP = 10
_NEWER = 0xD110
"""Mark of the pages of version 15, from which on an image may be packed in three ways."""


class Image(NamedTuple):
    """A page that a record keeps whole: what stands in the record, where its hole is, and how it is packed."""

    data: bytes
    hole: int
    missing: int
    how: int
    """0, or a bit of bimg_info: 4 for pglz, 8 for lz4, 16 for zstd."""


def wal(stream: Stream, context: Context) -> Iterator[Member]:
    """The rows of a segment, and what is left of it."""
    file, size = stream.file()
    context.tell("unread", "", _UNSEEN)
    segment = _Segment(file, size, context)
    yield from tables("@rows", segment.rows())
    if segment.raw:
        pieces = Runs(file, segment.raw, lambda at: at // PAGE)
        yield Member("@free", pieces, kind="gap", place=pieces.facts_at)


class _Segment:
    """`raw`: start, end of what is no record."""

    def __init__(self, file: BinaryIO, size: int, context: Context) -> None:
        self.file, self.size, self.context = file, size, context
        self.raw = array("Q")
        self.heap = Heap(file, 0, context, [])
        self.mark = 0

    def rows(self) -> Iterator[Row]:
        for number, (at, record) in enumerate(self._records(), 1):
            if not number & 255:
                self.context.budget.spend(0)
            place = f"record at {at}", (("record", str(at)),)
            try:
                yield from self._record(record, *place)
            except struct.error:
                if found := list(cells(record)):
                    yield Row(place[0], found, place[1])
        yield from self.heap.whole()

    def _records(self) -> Iterator[tuple[int, bytes]]:
        """(offset, record without its head) of each, put together."""
        held, need, first = bytearray(), 0, 0
        spans: list[tuple[int, int]] = []
        for base in range(0, self.size, PAGE):
            self.file.seek(base)
            page = self.file.read(PAGE)
            mark, info, _, _, left = struct.unpack_from("<HHIQI", page.ljust(40, b"\0"))
            at = 40 if info & 2 else 24
            if mark >> 8 != 0xD1 or len(page) < at or info & ~0xF:
                if page.strip(b"\0"):  # a segment has its full length from the beginning on
                    self.raw.extend((base, base + len(page)))
                continue
            self.mark = mark
            if held and (not info & 1 or left != need - len(held)):  # the record went on elsewhere, or never
                self._left(spans)
                held, spans = bytearray(), []
            if not held and left:  # the end of one that began before
                self._left([(base + at, base + min(len(page), at + left))])
                at = min(len(page), at + left)
            while at < len(page):
                if not held:
                    at += -at % 8
                    need, first = int.from_bytes(page[at : at + 4], "little"), base + at
                    if not _HEAD <= need <= LARGEST:
                        self._left([(base + at, base + len(page))] if page[at:].strip(b"\0") else [])
                        break
                taken = page[at : at + need - len(held)]
                spans.append((base + at, base + at + len(taken)))
                held += taken
                at += len(taken)
                if len(held) == need:
                    yield first, bytes(held)
                    held, spans = bytearray(), []
        self._left(spans)

    def _left(self, spans: list[tuple[int, int]]) -> None:
        for start, end in spans:
            if end > start:
                self.raw.extend((start, end))

    def _record(self, record: bytes, label: str, facts: tuple[tuple[str, str], ...]) -> Iterator[Row]:
        kind, at = record[17], _HEAD
        images: list[tuple[int, int, int, int]] = []
        sizes: list[int] = []
        main = 0
        while at < len(record) - sum(sizes) - main:
            ident = record[at]
            if ident > 32:
                if ident in (255, 254):
                    main, = struct.unpack_from("<B" if ident == 255 else "<I", record, at + 1)
                    at += 2 if ident == 255 else 5
                    break
                at += {253: 3, 252: 5}[ident] if ident in (253, 252) else len(record)
                continue
            flags, size = struct.unpack_from("<BH", record, at + 1)
            at += 4
            image = (0, 0, 0, 0)
            if flags & 0x10:
                length, hole, how = struct.unpack_from("<HHB", record, at)
                at += 5
                missing = 0
                packed = how & 28 if self.mark >= _NEWER else how << 1 & 4
                if how & 1:
                    missing = PAGE - length
                    if packed:
                        missing, = struct.unpack_from("<H", record, at)
                        at += 2
                image = length, hole, missing, packed
            at += (0 if flags & 0x80 else 12) + 4
            images.append(image)
            sizes += [image[0], size]
        if at + sum(sizes) + main != len(record):
            raise struct.error
        out: list[Cell] = []
        for number, (length, hole, missing, packed) in enumerate(images):
            if length:
                yield from self._image(Image(record[at : at + length], hole, missing, packed), label, facts)
            at += length
            data = record[at : at + sizes[2 * number + 1]]
            at += len(data)
            if kind == _HEAP and record[16] & 0x70 == 0 and len(data) > 5 and 24 <= data[4] <= len(data) + 18:
                yield from self.heap.row(bytes(18) + data, label, facts)
            else:
                out += cells(data)
        out += cells(record[at:])
        if out:
            yield Row(label, out, facts)

    def _image(self, image: Image, label: str, facts: tuple[tuple[str, str], ...]) -> Iterator[Row]:
        """The rows of a page that was kept whole; of one of an index its values."""
        data = _unpacked(image)
        if data is None:
            self.context.tell("failed", "", "pg-wal: a packed page that could not be unpacked")
            data = image.data
        page = data[: image.hole] + bytes(min(image.missing, PAGE)) + data[image.hole :]
        lower, upper, special = struct.unpack_from("<HHH", page.ljust(PAGE, b"\0"), 12)
        if len(page) != PAGE or special != PAGE or not 24 <= lower <= upper <= special:
            if found := list(cells(data)):
                yield Row(label, found, facts)
            return
        done = upper
        pointers = (int.from_bytes(page[place : place + 4], "little") for place in range(24, lower - 3, 4))
        for start, size in sorted((one & 0x7FFF, one >> 17) for one in pointers if one >> 15 & 3 == 1):
            row = page[start : start + size]
            if start < done or len(row) < 24 or not 24 <= row[22] <= len(row):
                continue
            if start - done >= _LEAST:
                yield Row(label, cells(page[done:start]), facts)
            yield from self.heap.row(row, label, facts)
            done = start + size
        if PAGE - done >= _LEAST:
            yield Row(label, cells(page[done:]), facts)


def _unpacked(image: Image) -> bytes | None:
    """The page without its hole; None where it cannot be had."""
    size = PAGE - image.missing
    if not image.how or size <= 0:
        return image.data
    if image.how == 4:
        return unpglz(image.data, size)
    try:
        if image.how == 8:
            import lz4.block

            return bytes(lz4.block.decompress(image.data, uncompressed_size=size))
        import zstandard

        return bytes(zstandard.ZstdDecompressor().decompress(image.data, max_output_size=size))
    except Exception:  # noqa: BLE001 - damaged, or no package for it: either is told
        return None
