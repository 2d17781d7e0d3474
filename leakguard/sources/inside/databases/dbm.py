"""DBM files: Berkeley DB (btree and hash: Bitcoin Core's wallet.dat of old, ndbm) and gdbm.

Promises: pages are read in the order of the file, each once, and no library of these formats is used; items that were
deleted and are still there carry the fact `deleted`; what is no item is one member, `@free`. dumbdbm's files are text
and values as they stand: nothing need be done for them.

Sources: Berkeley DB's src/dbinc/db_page.h; GDBM's src/gdbmdefs.h and gdbmconst.h. Imported by `sources.inside.walk`.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from leakguard.sources.inside.base import BrokenError, Context, Member, Stream
from leakguard.sources.inside.databases.records import Row, Runs, pair, tables

LARGEST = 64 * 1024 * 1024
MOST_KNOWN = 500_000
MOST_LOOKED = 64 * 1024 * 1024
"""Bytes of free space in which copies of what was given are looked for."""
_PAGE_HEADER = 26
_INTERNAL = 3
_HASH_OLD, _BTREE_LEAF, _OVERFLOW, _HASH, _DUPLICATES = 2, 5, 7, 13, 12
_ITEM, _DUPLICATE, _FAR = 1, 2, 3
GDBM = {b"\xce\x9a\x57\x13": "<", b"\xcf\x9a\x57\x13": "<", b"\xd0\x9a\x57\x13": "<", b"\xd1\x9a\x57\x13": "<",
        b"\x13\x57\x9a\xce": ">", b"\x13\x57\x9a\xcf": ">", b"\x13\x57\x9a\xd0": ">", b"\x13\x57\x9a\xd1": ">"}  # fmt: skip


class Item(NamedTuple):
    """A key or a value."""

    data: bytes
    deleted: bool
    start: int
    end: int
    """Where it is in its page."""


def berkeley(stream: Stream, context: Context) -> Iterator[Member]:
    """The pairs of a Berkeley DB file."""
    file, size = stream.file()
    file.seek(0)
    head = file.read(72)
    order = "<" if int.from_bytes(head[12:16], "little") < 1 << 24 else ">"
    page_size = struct.unpack_from(f"{order}I", head, 20)[0] if len(head) == 72 else 0
    if not 512 <= page_size <= 65536 or page_size & (page_size - 1):
        raise BrokenError("damaged header")
    if (struct.unpack_from(f"{order}I", head, 32)[0] + 1) * page_size > size:
        context.tell("failed", "", "berkeley-db: ends early: the last pages are missing")
    if head[24]:
        context.tell("failed", "", "berkeley-db: encrypted")
    database = _Berkeley(file, size, page_size, order, context)
    yield from tables("@pairs", database.rows())
    yield from _free(file, database.raw)


def _free(file: BinaryIO, raw: array[int]) -> Iterator[Member]:
    if raw:
        pieces = Runs(file, raw)
        yield Member("@free", pieces, kind="gap", place=pieces.facts_at)


class _Berkeley:
    def __init__(self, file: BinaryIO, size: int, page_size: int, order: str, context: Context) -> None:
        self.file = file
        self.size = size
        self.page_size = page_size
        self.order = order
        self.context = context
        self.pages = size // page_size
        self.used = bytearray(self.pages + 1)
        self.known: set[int] = set()
        self.looked = 0
        self.areas = array("Q")
        """Free space within pages: start, end."""
        self.raw = array("Q")
        if size % page_size:
            context.tell("failed", "", "berkeley-db: ends in the middle of a page")
            self.raw.extend((self.pages * page_size, size))

    def page(self, number: int) -> bytes:
        self.file.seek(number * self.page_size)
        return self.file.read(self.page_size)

    def rows(self) -> Iterator[Row]:
        later = []
        for number in range(self.pages):
            self.context.budget.spend(0)
            data = self.page(number)
            kind = data[25]
            if kind in (_BTREE_LEAF, _HASH, _HASH_OLD, _DUPLICATES):
                yield from self._pairs(number, data, kind)
            elif kind == _INTERNAL and number:
                top = struct.unpack_from(f"{self.order}H", data, 22)[0]
                self.areas.extend((number * self.page_size + _PAGE_HEADER, number * self.page_size + top))
                self.raw.extend((number * self.page_size + max(top, _PAGE_HEADER), (number + 1) * self.page_size))
            else:
                later.append(number)
        for number in later:
            if not self.used[number] and self.page(number).strip(b"\0"):
                self.raw.extend((number * self.page_size, (number + 1) * self.page_size))
        for at in range(0, len(self.areas), 2):
            self.context.budget.spend(0)
            self._left(self.areas[at], self.areas[at + 1])

    def _left(self, start: int, end: int) -> None:
        """What of free space is no copy of an item that was given: a split leaves half a page of them behind."""
        self.looked += end - start
        if self.looked > MOST_LOOKED:
            self.raw.extend((start, end))
            return
        self.file.seek(start)
        data = self.file.read(end - start)
        at = -start % 4
        kept = 0
        while at + 3 < len(data):
            length, kind = struct.unpack_from(f"{self.order}HB", data, at)
            stop = at + 3 + length
            if kind != _ITEM or not length or stop > len(data) or hash(data[at + 3 : stop]) not in self.known:
                at += 4
                continue
            if data[kept:at].strip(b"\0"):
                self.raw.extend((start + kept, start + at))
            kept = stop
            at = stop + -(start + stop) % 4
        if data[kept:].strip(b"\0"):
            self.raw.extend((start + kept, end))

    def _pairs(self, number: int, data: bytes, kind: int) -> Iterator[Row]:
        count = struct.unpack_from(f"{self.order}H", data, 20)[0]
        low = _PAGE_HEADER + 2 * count
        if low > self.page_size:
            self.context.tell("failed", "", "berkeley-db: damaged page")
            self.raw.extend((number * self.page_size, (number + 1) * self.page_size))
            return
        offsets = struct.unpack_from(f"{self.order}{count}H", data, _PAGE_HEADER)
        take = self._btree if kind in (_BTREE_LEAF, _DUPLICATES) else self._hashed
        items = [take(data, at, offsets[n - 1] if n else self.page_size) for n, at in enumerate(offsets)]
        at, base = low, number * self.page_size
        for start, end in (*sorted((item.start, item.end) for item in items if item), (len(data), len(data))):
            if start - at > 3 and any(data[at:start]):
                self.areas.extend((base + at, base + start))
            at = max(at, end)
        damaged = False
        if (
            len(set(offsets)) * 2 < count
            or sum(len(item.data) for item in items if item and item.end - item.start > 12) > 2 * self.page_size
        ):  # duplicates share their key's item, and no more than that
            damaged = True
            items = items[: self.page_size // 8]
        facts = (("page", str(number)),)
        step = 1 if kind == _DUPLICATES else 2
        for at in range(0, len(items) - step + 1, step):
            key, value = items[at], items[at + step - 1]
            if key is None or value is None:
                damaged = True
                continue
            if len(self.known) < MOST_KNOWN:
                self.known.update((hash(key.data), hash(value.data)))
            own = (*facts, ("deleted", "yes")) if key.deleted or value.deleted else facts
            yield Row("pair", pair(key.data, value.data) if step == 2 else [("value", key.data)], own, f"page {number}")
        if damaged or len(items) % step:
            self.context.tell("failed", "", "berkeley-db: damaged page")
            self.raw.extend((number * self.page_size, (number + 1) * self.page_size))

    def _btree(self, data: bytes, at: int, _end: int) -> Item | None:
        if at + 3 > self.page_size or at < _PAGE_HEADER:
            return None
        length, kind = struct.unpack_from(f"{self.order}HB", data, at)
        deleted = bool(kind & 0x80)
        if kind & 0x7F == _ITEM and at + 3 + length <= self.page_size:
            return Item(data[at + 3 : at + 3 + length], deleted, at, at + 3 + length)
        if kind & 0x7F == _FAR and at + 12 <= self.page_size:
            return Item(self._far(data, at + 4), deleted, at, at + 12)
        return Item(b"", deleted, at, at + 12) if kind & 0x7F == _DUPLICATE else None

    def _hashed(self, data: bytes, at: int, end: int) -> Item | None:
        if not _PAGE_HEADER <= at < end <= self.page_size:
            return None
        kind = data[at]
        if kind == _FAR and at + 12 <= end:
            return Item(self._far(data, at + 4), False, at, end)
        return Item(data[at + 1 : end], False, at, end) if kind in (_ITEM, _DUPLICATE) else None

    def _far(self, data: bytes, at: int) -> bytes:
        """An item on overflow pages."""
        number, left = struct.unpack_from(f"{self.order}II", data, at)
        parts: list[bytes] = []
        left = min(left, LARGEST)
        while left > 0:
            if not 0 < number < self.pages or self.used[number]:
                self.context.tell("failed", "", "berkeley-db: an item's overflow pages are damaged")
                break
            self.context.budget.spend(0)
            page = self.page(number)
            if page[25] != _OVERFLOW:
                self.context.tell("failed", "", "berkeley-db: an item's overflow pages are damaged")
                break
            self.used[number] = 1
            number = struct.unpack_from(f"{self.order}I", page, 16)[0]
            length = struct.unpack_from(f"{self.order}H", page, 22)[0]
            parts.append(page[_PAGE_HEADER : _PAGE_HEADER + length])
            left -= max(1, length)
        return b"".join(parts)


# ---------------------------------------------------------------- gdbm
_ELEMENTS = 112
"""Where the table of a bucket begins, with 64-bit offsets."""
MOST_BUCKETS = 1 << 22


def gdbm(stream: Stream, context: Context) -> Iterator[Member]:
    """The pairs of a gdbm file with 64-bit offsets."""
    file, size = stream.file()
    file.seek(0)
    head = file.read(40)
    order = GDBM[head[:4]]
    if len(head) < 40:
        raise BrokenError("damaged header")
    where, length, _, bucket_size, count = struct.unpack_from(f"{order}qiiii", head, 8)
    if not (0 < where <= size and 0 < length <= size and 0 < count <= bucket_size // 24 and bucket_size <= 1 << 20):
        raise BrokenError("damaged header")
    if struct.unpack_from(f"{order}q", head, 32)[0] > size:
        context.tell("failed", "", "gdbm: ends early")
    covered: list[tuple[int, int]] = [(0, 40), (where, where + length)]
    yield from tables("@pairs", _pairs(file, size, (order, where, length, bucket_size, count), context, covered))
    raw = array("Q")
    at = 0
    for start, end in sorted(covered):
        if start > at:
            raw.extend((at, min(start, size)))
        at = max(at, end)
    if at < size:
        raw.extend((at, size))
    yield from _free(file, raw)


def _pairs(
    file: BinaryIO, size: int, shape: tuple[str, int, int, int, int], context: Context, covered: list[tuple[int, int]]
) -> Iterator[Row]:
    """The pairs that the buckets of the directory name, each bucket and each pair once."""
    order, where, length, bucket_size, count = shape
    file.seek(where)
    directory = file.read(min(length, 8 * MOST_BUCKETS))
    buckets = sorted(set(struct.unpack(f"{order}{len(directory) // 8}q", directory[: len(directory) // 8 * 8])))
    met: set[int] = set()
    if len(buckets) * bucket_size > size:
        context.tell("failed", "", "gdbm: damaged directory")
    for bucket in buckets[: size // bucket_size]:
        context.budget.spend(0)
        if not 0 < bucket <= size - bucket_size:
            context.tell("failed", "", "gdbm: damaged directory")
            continue
        file.seek(bucket)
        data = file.read(bucket_size)
        covered.append((bucket, bucket + bucket_size))
        for number in range(count):
            at = _ELEMENTS + 24 * number
            if at + 24 > len(data):
                break
            mark, start, place, key_size, value_size = struct.unpack_from(f"{order}i4sqii", data, at)
            if mark == -1 or place in met:
                continue
            if key_size < 0 or value_size < 0 or not 0 < place <= size - key_size - value_size:
                context.tell("failed", "", "gdbm: damaged bucket")
                continue
            met.add(place)
            file.seek(place)
            pair_data = file.read(min(key_size + value_size, LARGEST))
            if start[:key_size] != pair_data[: min(4, key_size)]:
                raise BrokenError("damaged bucket")  # nothing stands where it should
            covered.append((place, place + len(pair_data)))
            yield Row(
                "pair", pair(pair_data[:key_size], pair_data[key_size:]), (("offset", str(place)),), f"offset {place}"
            )
