"""Columns of ClickHouse (`store/.../all_1_1_0/api_secret.bin`, `data.bin`): blocks of lz4, zstd, or nothing.

Promises: a block is at most LARGEST bytes, packed or not, whatever it claims; one that cannot be unpacked is told and scanned as it
stands, and the others are read; checksums are not verified. A column of strings is read as rows, each value under the name that its
file has; any other, and what holds all columns in one, as the bytes that come out.

Format: src/Compression/ICompressionCodec.h. Packages of extras (lz4, zstd) are imported where a block asks for them. Imported by
`sources.inside.walk`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from urllib.parse import unquote

from leakguard.sources.inside.archives.zstdframes import WINDOW
from leakguard.sources.inside.base import BrokenError, Context, Member, Pieces, Stream, from_bytes
from leakguard.sources.inside.databases.records import Row, is_text, tables
from leakguard.sources.inside.databases.snappy import DamagedError

LARGEST = 64 * 1024 * 1024
_HEAD = 25
"""A checksum, how it is packed, and two sizes, of which the first counts itself, the second and the byte before."""
_COUNTED = 9
_NONE, _LZ4, _ZSTD = 0x02, 0x82, 0x90
_SNIFFED = 200
"""Values by which a column of strings is known."""


def column(stream: Stream, context: Context) -> Iterator[Member]:
    """The values, and those blocks that cannot be read."""
    reader = _Column(stream, context)
    blocks = reader.blocks()
    first = next(blocks, b"")
    every = chain((first,), blocks)
    name = unquote(context.name.rsplit("/", 1)[-1].removesuffix(".bin"))
    if _is_strings(first):
        yield from tables("@values", reader.rows(every, name))
    else:
        yield Member("@values", Pieces(every), kind="table")
    for at, data in reader.odd:
        yield Member(f"@{at}", from_bytes(data), len(data), "gap")
    if reader.broken:
        raise BrokenError(reader.broken)


class _Column:
    def __init__(self, stream: Stream, context: Context) -> None:
        self.stream = stream
        self.context = context
        self.base = stream.position
        self.odd: list[tuple[int, bytes]] = []
        self.held = 0
        self.broken = ""

    def blocks(self) -> Iterator[bytes]:
        """What comes out, block by block. What follows one that is none stays in the stream."""
        while not self.broken and (head := self.stream.peek(_HEAD)):
            packed, size = int.from_bytes(head[17:21], "little"), int.from_bytes(head[21:25], "little")
            if len(head) < _HEAD or not _COUNTED < packed <= LARGEST or size > LARGEST:
                self.broken = "damaged block"
                return
            at = self.stream.position - self.base
            data = self.stream.some(16 + packed)
            if len(data) < 16 + packed:
                self.stream.unread(data)
                self.broken = "ends in the middle of a block"
                return
            try:
                out = _unpacked(head[16], data[_HEAD:], size)
                self.context.budget.spend(len(out))
                yield out
            except ImportError:
                self._odd(at, data, "unread", "compressed in a way not read: install leakguard-scanner[archives]")
            except DamagedError as error:
                self._odd(at, data, "unread" if head[16] not in (_NONE, _LZ4, _ZSTD) else "failed", f"clickhouse: {error}")

    def _odd(self, at: int, data: bytes, state: str, reason: str) -> None:
        self.context.tell(state, "", reason)
        self.held += len(data)
        self.odd.append((at, data))
        if self.held > LARGEST:
            self.broken = "more damaged blocks than are kept"

    def rows(self, blocks: Iterator[bytes], name: str) -> Iterator[Row]:
        """Strings behind their lengths; one may go on in the next block."""
        rest = b""
        for block in blocks:
            data, at = rest + block, 0
            while (found := _string(data, at)) is not None:
                start, end = found
                if end > len(data):
                    break
                if end > start:
                    yield Row(name, [(name, data[start:end])])
                at = end
            rest = data[at:]
            if len(rest) > LARGEST:
                break
        if rest:  # what is no string after all
            yield Row(name, [(name, rest)])
        for block in blocks:
            yield Row(name, [(name, block)])


def _string(data: bytes, at: int) -> tuple[int, int] | None:
    """Where the string at an offset begins and ends; None if not even its length is there."""
    size = 0
    for shift in range(0, 35, 7):
        if at >= len(data):
            return None
        byte = data[at]
        at += 1
        size |= (byte & 0x7F) << shift
        if byte < 0x80:
            break
    return at, at + size


def _is_strings(block: bytes) -> bool:
    """Do the first values of a block read as strings, nearly all of them text?"""
    at = count = texts = 0
    while count < _SNIFFED and (found := _string(block, at)) is not None:
        start, at = found
        if at > len(block):
            return count > 0 and texts == count and at - start <= LARGEST
        if at > start:
            count += 1
            texts += is_text(block[start:at])
    return count > 0 and 10 * texts >= 9 * count


def _unpacked(how: int, data: bytes, size: int) -> bytes:
    """A block of so many bytes. DamagedError, ImportError."""
    if how == _NONE:
        out = data
    elif how == _LZ4:
        import lz4.block

        try:
            out = bytes(lz4.block.decompress(data, uncompressed_size=size))
        except (lz4.block.LZ4BlockError, ValueError):
            raise DamagedError("a damaged block") from None
    elif how == _ZSTD:
        import zstandard

        try:
            out = zstandard.ZstdDecompressor(max_window_size=WINDOW // 2).stream_reader(data).read(size + 1)
        except zstandard.ZstdError:
            raise DamagedError("a damaged block") from None
    else:
        raise DamagedError("a block that was packed as numbers are, or encrypted")
    if len(out) != size:
        raise DamagedError("a damaged block")
    return out


__all__ = ["column"]
