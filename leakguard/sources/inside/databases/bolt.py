"""Files of bbolt: etcd (all secrets of a Kubernetes cluster), Consul's and Vault's logs, containerd, and much else in Go; and etcd's
write-ahead log.

Promises: every page of leaves is read, whether a tree leads to it or not, so that what was deleted or overwritten is found for
as long as its page is not used again; a value that is a message (see `protobuf`) is given field by field; pages that are none, and
what lies between the pairs of one, are handed out as they stand. Memory is a page with its overflow, LARGEST at most.

Formats: bbolt's page.go and bucket.go; etcd's server/storage/wal/encoder.go. Checked with what etcd 3.4 wrote. Imported by
`sources.inside.walk`.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator
from typing import BinaryIO

from leakguard.sources.inside.base import BrokenError, Context, Member, Stream
from leakguard.sources.inside.databases.protobuf import cells_of
from leakguard.sources.inside.databases.records import Cell, Row, Runs, pair, tables

LARGEST = 64 * 1024 * 1024
MOST_PAIRS = 1_000_000
_SUM = 32
"""Bytes of a checksum that `etcdctl snapshot save` puts behind the last page."""
_HEAD, _ELEMENT = 16, 16
_LEAF, _BUCKET = 2, 1
_PAGES = frozenset((1, 4, 16))
"""Branches, which repeat keys; the two first pages; the list of free ones."""


def bolt(stream: Stream, context: Context) -> Iterator[Member]:
    """The pairs of all pages, and what is none."""
    file, size = stream.file()
    reader = _File(file, size, context)
    yield from tables("@pairs", reader.rows())
    if reader.raw:
        pieces = Runs(file, reader.raw, lambda at: at // reader.page)
        yield Member("@free", pieces, kind="gap", place=pieces.facts_at)


class _File:
    """`raw`: start, end of what holds no pair."""

    def __init__(self, file: BinaryIO, size: int, context: Context) -> None:
        self.file = file
        self.size = size
        self.context = context
        self.raw = array("Q")
        file.seek(0)
        head = file.read(64)
        self.page = int.from_bytes(head[24:28], "little")
        if not 512 <= self.page <= 1 << 16 or self.page & (self.page - 1):
            raise BrokenError("damaged first page")
        file.seek(self.page)
        pages = max(int.from_bytes(raw[56:64], "little") for raw in (head, file.read(64)))
        self.said: set[int] = set()
        """Pairs that were given, by their hashes: a page that is changed is written anew, and the old one stays."""
        if size % self.page not in (0, _SUM) or size < pages * self.page <= 1 << 50:
            context.tell("failed", "", "bolt: ends early")

    def rows(self) -> Iterator[Row]:
        at = 0
        while at < self.size:
            self.file.seek(at)
            head = self.file.read(_HEAD)
            number, flags, count, overflow = struct.unpack("<QHHI", head.ljust(_HEAD, b"\xff"))
            length = self.page * (1 + overflow)
            if number != at // self.page or flags not in (_LEAF, *_PAGES) or length > LARGEST or at + length > self.size:
                end = min(at + self.page, self.size)
                self.raw.extend((at, end))
                at = end
                continue
            self.file.seek(at)
            data = self.file.read(length)
            if flags == _LEAF:
                self.context.budget.spend(0)
                yield from self._leaves(data, at, 0, count, number)
            elif flags == 1:
                self.raw.extend((at + _HEAD, at + length))
            at += length

    def _leaves(self, data: bytes, base: int, start: int, count: int, number: int) -> Iterator[Row]:
        """The pairs of a page, which begins at `start` of the data, and of small buckets that lie in its values."""
        covered = start + _HEAD + _ELEMENT * count
        for place in range(start + _HEAD, min(covered, len(data) - _ELEMENT + 1), _ELEMENT):
            flags, at, key_size, value_size = struct.unpack_from("<IIII", data, place)
            key_at = place + at
            value_at = key_at + key_size
            end = value_at + value_size
            if key_at < covered or end > len(data):
                self.context.tell("failed", "", "bolt: damaged page")
                self.raw.extend((base + place, base + len(data)))
                return
            if key_at > covered:
                self.raw.extend((base + covered, base + key_at))
            covered = end
            key, value = data[key_at:value_at], data[value_at:end]
            if flags & _BUCKET:
                inner = value_at + 16
                if value[:8] == bytes(8) and len(value) >= 16 + _HEAD:
                    yield from self._leaves(data[:end], base, inner, int.from_bytes(data[inner + 10 : inner + 12], "little"), number)
                value = b""
            pair_of = hash((key, value))
            if pair_of in self.said:
                continue
            if len(self.said) < MOST_PAIRS:
                self.said.add(pair_of)
            yield Row("pair", _pair(key, value), (("page", str(number)),), f"page {number} offset {key_at}")
        if start == 0 and covered < len(data):
            self.raw.extend((base + covered, base + len(data)))


def _pair(key: bytes, value: bytes) -> list[Cell]:
    fields = cells_of(value) if value else None
    return [("key", key), *fields] if fields else pair(key, value)


# ---------------------------------------------------------------- etcd's write-ahead log
def wal(stream: Stream, context: Context) -> Iterator[Member]:
    """Every put of an etcd, also of what was deleted or overwritten since."""
    frames = _Frames(stream, context)
    yield from tables("@log", frames.rows())
    if not frames.whole:
        raise BrokenError("ends in a damaged record")


class _Frames:
    """Records, each with its length; what is behind the last is room made beforehand. `whole`: no length was wrong."""

    def __init__(self, stream: Stream, context: Context) -> None:
        self.stream = stream
        self.context = context
        self.whole = True

    def rows(self) -> Iterator[Row]:
        number = 0
        while len(head := self.stream.peek(8)[:8]) == 8 and any(head):
            size = int.from_bytes(head[:7], "little")
            padding = head[7] & 7 if head[7] & 0x80 else 0
            if not 0 < size <= LARGEST:
                break
            raw = self.stream.some(8 + size + padding)
            if len(raw) < 8 + size:
                self.stream.unread(raw)
                break
            number += 1
            self.context.budget.spend(0)
            data = raw[8 : 8 + size]
            yield Row("record", cells_of(data) or [("data", data)], (("record", str(number)),), f"record {number}")
        self.whole = not any(self.stream.peek(8)[:8])
