"""Segments of Kafka's log: batches of messages, packed with gzip, Snappy, lz4 or zstd, of all three versions.

Promises: a batch is at most LARGEST bytes, packed or not, whatever it claims; one that cannot be unpacked is told and scanned
as it stands, and the others are read; what a file holds behind its last batch (zeros, a batch that was cut off) is a gap. Keys
and headers are content, and name nothing but a value beside them.

Format: Kafka's protocol guide, "Record Batch" and "Message sets". Imported by `sources.inside.walk`.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from leakguard.sources.inside.archives.zstdframes import WINDOW
from leakguard.sources.inside.base import CHUNK, BrokenError, Context, Member, Stream, from_bytes
from leakguard.sources.inside.databases.records import Cell, Row, pair, tables
from leakguard.sources.inside.databases.snappy import DamagedError, unsnapped

LARGEST = 64 * 1024 * 1024
_HEAD = 12
_BATCH = struct.Struct(">ibIhiqqqhii")
"""Of version 2, behind offset and length: leader's epoch, version, checksum, attributes, ..., number of records."""
_XERIAL = b"\x82SNAPPY\0"
_DAMAGED = (DamagedError, zlib.error, ValueError, RuntimeError, OSError, EOFError, struct.error, IndexError)


class _UnpackedError(Exception):
    """A batch cannot be unpacked. Its text says why."""


def segment(stream: Stream, context: Context) -> Iterator[Member]:
    """The records of all batches, and those batches that cannot be read."""
    reader = _Segment(stream, context)
    yield from tables("@records", reader.rows())
    for at, data in reader.odd:
        yield Member(f"@{at}", from_bytes(data), len(data), "gap")
    if reader.broken:
        raise BrokenError(reader.broken)


class _Segment:
    def __init__(self, stream: Stream, context: Context) -> None:
        self.stream = stream
        self.context = context
        self.base = stream.position
        self.odd: list[tuple[int, bytes]] = []
        self.held = 0
        self.broken = ""

    def rows(self) -> Iterator[Row]:
        """The records, batch by batch. What follows a batch that is none stays in the stream."""
        while len(head := self.stream.peek(_HEAD + 5)) == _HEAD + 5 and not self.broken:
            offset, size = struct.unpack(">qi", head[:_HEAD])
            if not size and not offset:
                return  # room that was set aside
            if not 14 <= size <= LARGEST or head[16] > 2 or offset < 0:
                self.broken = "damaged batch"
                return
            at = self.stream.position - self.base
            data = self.stream.some(_HEAD + size)
            if len(data) < _HEAD + size:
                self.stream.unread(data)
                self.broken = "ends in the middle of a batch"
                return
            try:
                yield from self._batch(offset, data) if head[16] == 2 else self._messages(data, 0)
            except ImportError:
                self._odd(at, data, "unread", "compressed in a way not read: install leakguard-scanner[databases]")
            except _UnpackedError as error:
                self._odd(at, data, "failed", f"kafka: {error}")

    def _odd(self, at: int, data: bytes, state: str, reason: str) -> None:
        self.context.tell(state, "", reason)
        self.held += len(data)
        self.odd.append((at, data))
        if self.held > LARGEST:
            self.broken = "more damaged batches than are kept"

    def _unpacked(self, how: int, data: bytes) -> bytes:
        """The records of a batch, within the limits of the whole."""
        try:
            out = _UNPACK[how](data) if how else data
        except _DAMAGED:
            raise _UnpackedError("damaged compressed batch") from None
        except KeyError:
            raise _UnpackedError("compressed in a way that nobody knows") from None
        except Exception as error:
            if type(error).__module__.split(".")[0] in ("zstandard", "lz4"):
                raise _UnpackedError("damaged compressed batch") from None
            raise
        if how:
            self.context.budget.spend(len(out))
        if len(out) >= LARGEST:
            raise _UnpackedError(f"a batch of more than {LARGEST} bytes")
        return out

    def _batch(self, offset: int, data: bytes) -> Iterator[Row]:
        """Version 2: records with lengths of variable size."""
        if len(data) < _HEAD + _BATCH.size:
            raise _UnpackedError("damaged batch")
        attributes, count = (fields := _BATCH.unpack_from(data, _HEAD))[3], fields[10]
        body = self._unpacked(attributes & 7, data[_HEAD + _BATCH.size :])
        at = 0
        try:
            for _ in range(count):
                length, at = _varint(body, at)
                record = body[at : at + length]
                if len(record) < length or length <= 0:
                    raise IndexError
                yield _record(record, offset)
                at += length
        except IndexError:
            raise _UnpackedError("damaged record") from None

    def _messages(self, data: bytes, depth: int) -> Iterator[Row]:
        """Versions 0 and 1: messages one behind the other, of which one may hold others, packed."""
        at = 0
        while at + _HEAD + 14 <= len(data):
            offset, size, _, version, attributes = struct.unpack_from(">qiIbB", data, at)
            message = data[at + _HEAD + 6 + (8 if version == 1 else 0) : at + _HEAD + size]
            try:
                key, behind = _field(message, 0)
                value, _ = _field(message, behind)
            except (IndexError, struct.error):
                raise _UnpackedError("damaged message") from None
            if attributes & 7 and depth == 0:
                yield from self._messages(self._unpacked(attributes & 7, value), 1)
            else:
                yield Row("record", pair(key, value) if key else [("value", value)], (("offset", str(offset)),), f"offset {offset}")
            at += _HEAD + max(14, size)


def _record(record: bytes, base: int) -> Row:
    """Attributes, times, and then key, value and headers. IndexError where it is damaged."""
    _, at = _varint(record, 1)
    delta, at = _varint(record, at)
    key, at = _sized(record, at)
    value, at = _sized(record, at)
    count, at = _varint(record, at)
    cells: list[Cell] = pair(key, value) if key else [("value", value)]
    for _ in range(max(0, min(count, len(record)))):
        name, at = _sized(record, at)
        content, at = _sized(record, at)
        cells.append((name.decode("utf-8", "replace"), content))
    return Row("record", cells, (("offset", str(base + delta)),), f"offset {base + delta}")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """(a number in zigzag, where it ends). IndexError where there is none."""
    value = 0
    for shift in range(0, 70, 7):
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), at
    raise IndexError


def _sized(data: bytes, at: int) -> tuple[bytes, int]:
    length, at = _varint(data, at)
    if length > len(data) - at:
        raise IndexError
    return (data[at : at + length], at + length) if length > 0 else (b"", at)


def _field(data: bytes, at: int) -> tuple[bytes, int]:
    """(bytes behind a length of four, where they end); none where the length is -1."""
    (length,) = struct.unpack_from(">i", data, at)
    if length > len(data) - at - 4:
        raise IndexError
    return (data[at + 4 : at + 4 + length], at + 4 + length) if length > 0 else (b"", at + 4)


# ---------------------------------------------------------------- packed
def _gunzipped(data: bytes) -> bytes:
    return zlib.decompressobj(31).decompress(data, LARGEST)


def _unsnappied(data: bytes) -> bytes:
    """Blocks behind their lengths, as Java's library frames them; or one block."""
    if not data.startswith(_XERIAL):
        return unsnapped(data, LARGEST)
    out, at, made = [], 16, 0
    while at + 4 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        out.append(unsnapped(data[at + 4 : at + 4 + size], LARGEST - made))
        made += len(out[-1])
        at += 4 + size
    return b"".join(out)


def _unlz4(data: bytes) -> bytes:
    import lz4.frame

    made: bytes = lz4.frame.LZ4FrameDecompressor().decompress(data, LARGEST)
    return made


def _unzstd(data: bytes) -> bytes:
    import zstandard

    reader = zstandard.ZstdDecompressor(max_window_size=WINDOW // 2).stream_reader(data, read_size=4096)
    out, made = [], 0
    while made < LARGEST and (piece := reader.read(CHUNK)):
        out.append(piece)
        made += len(piece)
    return b"".join(out)


_UNPACK = {1: _gunzipped, 2: _unsnappied, 3: _unlz4, 4: _unzstd}
