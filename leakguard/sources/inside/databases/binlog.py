"""MySQL's and MariaDB's binary logs, with the transactions and statements in them that are compressed.

Promises: every event is handed out, in order, as it stands or unpacked; what is encrypted, or packed in a way nobody knows, is
told; an event is at most LARGEST bytes, packed or not; what follows a damaged event is scanned as it stands.

Format: MySQL's "Binary Log Event" (libbinlogevents), MariaDB's "Query_compressed_event". Imported by `sources.inside.walk`.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from leakguard.sources.inside.archives.zstdframes import WINDOW
from leakguard.sources.inside.base import CHUNK, BrokenError, Context, Member, Pieces, Stream, ratio_guard

LARGEST = 128 * 1024 * 1024
_HEAD = struct.Struct("<IBIIIH")
_PAYLOAD, _ENCRYPTED, _QUERY = 40, 164, 165
_ROWS = frozenset(range(166, 172))
_ZSTD, _NONE = 0, 255


def binlog(stream: Stream, context: Context) -> Iterator[Member]:
    """All events, one behind the other."""
    yield Member("events", Pieces(_events(stream, context)), kind="view")


def _events(stream: Stream, context: Context) -> Iterator[bytes]:
    start, produced = stream.position, 0
    yield stream.exactly(4)
    while head := stream.some(_HEAD.size):
        size = _HEAD.unpack(head)[3] if len(head) == _HEAD.size else 0
        if not _HEAD.size <= size <= LARGEST:
            stream.unread(head)
            raise BrokenError("damaged event, or ends in the middle of one")
        body = stream.some(size - len(head))
        if len(head) + len(body) < size:
            stream.unread(head + body)
            raise BrokenError("ends in the middle of an event")
        if head[4] == _ENCRYPTED:
            yield head + body
            context.tell("failed", "", "binlog: encrypted from here on")
            continue
        out = _unpacked(head[4], body, context)
        produced += len(out or b"")
        ratio_guard(context.limits, produced, stream.position - start)
        yield head + (body if out is None else out)


def _unpacked(kind: int, body: bytes, context: Context) -> bytes | None:
    """What an event holds, unpacked; None for one that is not packed, or that cannot be read, which is told."""
    if kind not in (_PAYLOAD, _QUERY) and kind not in _ROWS:
        return None
    try:
        out = _payload(body) if kind == _PAYLOAD else _statement(body) if kind == _QUERY else _rows(body)
    except ImportError:
        context.tell("unread", "", "an event is compressed in a way not read: install leakguard-scanner[archives]")
        return None
    except (zlib.error, IndexError, struct.error, _DamagedError):
        out = b""
    if not out:
        context.tell("failed", "", "binlog: damaged compressed event")
    return out or None


class _DamagedError(Exception):
    """It is no such event."""


def _number(data: bytes, at: int) -> tuple[int, int]:
    """(a number of MySQL's variable length, where it ends). IndexError where there is none."""
    width = {0xFC: 2, 0xFD: 3, 0xFE: 8}.get(data[at], 0)
    if width:
        return int.from_bytes(data[at + 1 : at + 1 + width], "little"), at + 1 + width
    return data[at], at + 1


def _payload(body: bytes) -> bytes:
    """A transaction: fields, each with its type and length, and then the events of it."""
    at, how, size = 0, _ZSTD, len(body)
    while True:
        field, at = _number(body, at)
        if not field:
            break
        length, at = _number(body, at)
        if field == 1:
            size, _ = _number(body, at)
        elif field == 2:
            how, _ = _number(body, at)
        at += length
    data = body[at : at + size]
    if how == _NONE:
        return data
    import zstandard

    reader = zstandard.ZstdDecompressor(max_window_size=WINDOW // 2).stream_reader(data, read_size=4096)
    out, made = [], 0
    try:
        while made < LARGEST and (piece := reader.read(CHUNK)):
            out.append(piece)
            made += len(piece)
    except zstandard.ZstdError:
        raise _DamagedError from None
    if made >= LARGEST:
        raise _DamagedError
    return b"".join(out)


def _statement(body: bytes) -> bytes:
    """MariaDB's: the name of the database stands before the statement."""
    name, status = body[8], int.from_bytes(body[11:13], "little")
    at = 13 + status + name + 1
    return body[:at] + _zlibbed(body, at)


def _rows(body: bytes) -> bytes:
    """MariaDB's rows: a table's number, flags, its width and columns, each of a length that the width tells."""
    columns, at = _number(body, 8)
    bits = (columns + 7) // 8
    for place in (at + bits, at + 2 * bits):
        try:
            return body[:place] + _zlibbed(body, place)
        except (zlib.error, IndexError, _DamagedError):
            continue
    raise _DamagedError


def _zlibbed(body: bytes, at: int) -> bytes:
    """A byte that tells how it is packed and how long its length is, the length, and the data."""
    head = body[at]
    width = head & 7
    size = int.from_bytes(body[at + 1 : at + 1 + width], "big")
    if not head & 0x80 or head >> 4 & 7 or not 0 < size <= LARGEST:
        raise _DamagedError
    out = zlib.decompressobj().decompress(body[at + 1 + width :], size)
    if len(out) != size:
        raise _DamagedError
    return out
