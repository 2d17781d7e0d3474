"""Logs that databases of measurements write before all else, packed by Snappy: Prometheus' (Loki's and Mimir's, too) and InfluxDB's.

Promises: a record is at most LARGEST bytes, packed or not, whatever it claims; one that cannot be unpacked is told and scanned as
it stands, and the others are read; what a file holds behind its last record is a gap. What came out is handed on as it is: labels and
lines stand in it one behind the other, each behind its length.

Formats: prometheus/tsdb/docs/format/wal.md; influxdb/tsdb/engine/tsm1/wal.go. Imported by `sources.inside.walk`.
"""

from __future__ import annotations

from collections.abc import Iterator

from leakguard.sources.inside.archives.zstdframes import WINDOW
from leakguard.sources.inside.base import BrokenError, Context, Member, Pieces, Stream, from_bytes
from leakguard.sources.inside.databases.snappy import DamagedError, unsnapped

LARGEST = 64 * 1024 * 1024
PAGE = 32 * 1024
"""Bytes in which a record's parts lie, of Prometheus."""
_HEAD = 7
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4
_SNAPPY, _ZSTD = 8, 16


class _Records:
    """The records of a file, unpacked; those that cannot be are kept, and told."""

    def __init__(self, stream: Stream, context: Context) -> None:
        self.stream = stream
        self.context = context
        self.base = stream.position
        self.odd: list[tuple[int, bytes]] = []
        self.held = 0
        self.broken = ""

    def members(self, records: Iterator[bytes]) -> Iterator[Member]:
        yield Member("@records", Pieces(records), kind="table")
        for at, data in self.odd:
            yield Member(f"@{at}", from_bytes(data), len(data), "gap")
        if self.broken:
            raise BrokenError(self.broken)

    def unpacked(self, at: int, data: bytes, how: int) -> bytes:
        """What is in a record, and a line's end; nothing where that is not to be had."""
        try:
            out = data if not how else unsnapped(data, LARGEST) if how == _SNAPPY else _unzstd(data)
        except ImportError:
            self._odd(at, data, "unread", "compressed in a way not read: install leakguard-scanner[archives]")
            return b""
        except DamagedError:
            self._odd(at, data, "failed", "a damaged record")
            return b""
        if how:
            self.context.budget.spend(len(out))
        return out + b"\n"

    def _odd(self, at: int, data: bytes, state: str, reason: str) -> None:
        self.context.tell(state, "", reason)
        self.held += len(data)
        self.odd.append((at, data))
        if self.held > LARGEST:
            self.broken = "more damaged records than are kept"

    # ------------------------------------------------------------ Prometheus
    def pages(self) -> Iterator[bytes]:
        """Records in one part or several; what is left of a page may be zeros."""
        parts: list[bytes] = []
        size = start = 0
        while not self.broken and (head := self.stream.peek(1)):
            at = self.stream.position - self.base
            room = PAGE - at % PAGE
            if not head[0]:
                blank = self.stream.peek(room)
                if blank.strip(b"\0"):
                    self.broken = "damaged page"
                    return
                self.stream.skip(len(blank))
                continue
            head = self.stream.peek(_HEAD)
            kind, length = head[0] & 7, int.from_bytes(head[1:3], "big")
            body = self.stream.peek(_HEAD + length)[_HEAD:]
            if kind > _LAST or head[0] > 31 or length > room - _HEAD or len(body) < length:
                self.broken = "damaged record" if kind > _LAST or length > room - _HEAD else "ends in the middle of a record"
                if parts:
                    self._odd(start, b"".join(parts), "failed", "a record without its end")
                return
            self.stream.skip(_HEAD + length)
            if kind in (_FULL, _FIRST):
                parts, size, start = [], 0, at
            parts.append(body)
            size += length
            if size > LARGEST:
                self.broken = f"a record of more than {LARGEST} bytes"
                return
            if kind in (_FULL, _LAST):
                yield self.unpacked(start, b"".join(parts), head[0] & (_SNAPPY | _ZSTD))
                parts = []
        if parts:
            self._odd(start, b"".join(parts), "failed", "a record without its end")

    # ------------------------------------------------------------ InfluxDB
    def entries(self) -> Iterator[bytes]:
        """A kind, a length, and what was written."""
        while not self.broken and (head := self.stream.peek(5)):
            at, size = self.stream.position - self.base, int.from_bytes(head[1:5], "big")
            if len(head) < 5 or not 1 <= head[0] <= 3 or not 0 < size <= LARGEST:
                self.broken = "damaged entry"
                return
            data = self.stream.some(5 + size)
            if len(data) < 5 + size:
                self.stream.unread(data)
                self.broken = "ends in the middle of an entry"
                return
            yield self.unpacked(at, data[5:], _SNAPPY)


def _unzstd(data: bytes) -> bytes:
    import zstandard

    try:
        reader = zstandard.ZstdDecompressor(max_window_size=WINDOW // 2).stream_reader(data)
        out = bytes(reader.read(LARGEST))
    except zstandard.ZstdError:
        raise DamagedError("damaged") from None
    return out


def prometheus(stream: Stream, context: Context) -> Iterator[Member]:
    """`wal/00000012`, `checkpoint.00000011/00000000`: labels, and of Loki lines."""
    records = _Records(stream, context)
    yield from records.members(records.pages())


def influx(stream: Stream, context: Context) -> Iterator[Member]:
    """`wal/db/autogen/2/_00001.wal`: names, tags and values."""
    records = _Records(stream, context)
    yield from records.members(records.entries())


__all__ = ["influx", "prometheus"]
