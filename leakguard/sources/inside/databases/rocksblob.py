"""RocksDB's blob files (`000010.blob`): the large values of its tables, each beside its key.

Promises: a record is at most LARGEST bytes, packed or not, whatever it claims; one that cannot be unpacked is told and scanned as
it stands, and the others are read; what follows the last record is left in the stream. The values of keys deleted since are there,
too: nothing here tells which they are.

Format: RocksDB's db/blob/blob_log_format.h. Packages of extras (lz4, zstd) are imported where a record asks for them. Imported by
`sources.inside.walk`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from leakguard.sources.inside.base import BrokenError, Context, Member, Stream, from_bytes
from leakguard.sources.inside.databases.leveldb import Entry, Said
from leakguard.sources.inside.databases.records import Row, tables
from leakguard.sources.inside.databases.snappy import DamagedError, unsnapped
from leakguard.sources.inside.databases.sstables import rocks

LARGEST = 64 * 1024 * 1024
_HEADER = 30
_RECORD = struct.Struct("<QQQII")
"""Lengths of key and value, when it expires, two checksums."""
_MARK = b"\x37\x8f\x24\0"
_FOOTER = 32


def blobs(stream: Stream, context: Context) -> Iterator[Member]:
    """The records, and those that cannot be read."""
    reader = _Blobs(stream, context)
    yield from tables("@blobs", reader.rows())
    for at, data in reader.odd:
        yield Member(f"@{at}", from_bytes(data), len(data), "gap")
    if reader.broken:
        raise BrokenError(reader.broken)


class _Blobs:
    def __init__(self, stream: Stream, context: Context) -> None:
        self.stream = stream
        self.context = context
        self.odd: list[tuple[int, bytes]] = []
        self.held = 0
        self.broken = ""

    def rows(self) -> Iterator[Row]:
        """The records, one by one. What follows one that is none stays in the stream."""
        base = self.stream.position
        kind = self.stream.exactly(_HEADER)[13]
        said = Said()
        while len(head := self.stream.peek(_RECORD.size)) == _RECORD.size and not self.broken:
            if head[:4] == _MARK and len(self.stream.peek(_FOOTER + 1)) == _FOOTER:
                return
            keys, size, _, _, _ = _RECORD.unpack(head[: _RECORD.size])
            if keys + size > LARGEST:
                self.broken = "damaged record"
                return
            at = self.stream.position - base
            data = self.stream.some(_RECORD.size + keys + size)
            if len(data) < _RECORD.size + keys + size:
                self.stream.unread(data)
                self.broken = "ends in the middle of a record"
                return
            key, value = data[_RECORD.size : _RECORD.size + keys], data[_RECORD.size + keys :]
            try:
                row = said.row(Entry(key, _plain(value, kind), 0), False)
                if row is not None:
                    yield row._replace(facts=())
            except ImportError:
                self._odd(at, data, "unread", "compressed in a way not read: install leakguard-scanner[databases]")
            except (BrokenError, DamagedError):
                self._odd(at, data, "failed", "rocksdb: a record is damaged")

    def _odd(self, at: int, data: bytes, state: str, reason: str) -> None:
        self.context.tell(state, "", reason)
        self.held += len(data)
        self.odd.append((at, data))
        if self.held > LARGEST:
            self.broken = "more damaged records than are kept"


def _plain(value: bytes, kind: int) -> bytes:
    if not kind:
        return value
    return unsnapped(value, LARGEST) if kind == 1 else rocks(value, kind)
