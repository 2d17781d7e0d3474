"""What is packed as others pack, behind a header of its own: Android's backups, the payloads of macOS packages (pbzx), Firefox'
sessions (mozLz4), objects of an OSTree, chunks of Proxmox Backup, framed Snappy, the pool of BackupPC, mails that Dovecot packed with lz4.

Promises: what is encrypted is told, and scanned as it stands; a piece is at most LARGEST bytes, packed or not, whatever it
claims; damage is a BrokenError after everything that could be read. Imported by `sources.inside.walk`.
"""

from __future__ import annotations

import lzma
from collections.abc import Iterator

from leakguard.sources.inside.archives.codecs import SUFFIXES, Decoding, Deflate, Frames
from leakguard.sources.inside.archives.zstdframes import WINDOW, Zstd
from leakguard.sources.inside.base import (
    BrokenError,
    Context,
    Member,
    Pieces,
    Stream,
    UnreadError,
    ratio_guard,
    stem,
)

LARGEST = 256 * 1024 * 1024
"""Bytes of a piece that is unpacked at once."""
_FRAME = 64 * 1024
_LARGEST_FRAME = _FRAME + _FRAME // 6 + 64
"""Bytes of a frame of Snappy, and of what is packed or not in one."""
_LARGEST_BLOCK = 16 * 1024 * 1024
"""Bytes of a block of Dovecot's; it writes 64 KiB."""
_ANDROID = 512
"""Bytes in which the four lines of a backup's header end."""
_LARGEST_HEADER = 1024 * 1024
"""Bytes of attributes of a file; file systems keep 64 KiB."""
_MOZILLA = {".jsonlz4": ".json", ".mozlz4": "", ".lz4": "", ".baklz4": ".bak"}


def android(stream: Stream, context: Context) -> Iterator[Member]:
    """`adb backup`: four lines (mark, version, packed or not, encryption), and a tar."""
    lines = stream.peek(_ANDROID).split(b"\n", 4)
    if len(lines) < 5 or not lines[1].isdigit() or lines[2] not in (b"0", b"1"):
        raise BrokenError("damaged header")
    if lines[3] != b"none":
        raise UnreadError("encrypted")
    stream.skip(sum(len(line) + 1 for line in lines[:4]))
    packed = lines[2] == b"1"
    pull = Decoding(stream, lambda: Deflate(15), lambda _: False, context) if packed else stream.read
    yield Member(stem(context.name, {".ab": ".tar"}), pull, kind="content")


def ostree(stream: Stream, context: Context) -> Iterator[Member]:
    """A file in an archive of OSTree (Flatpak, Fedora's systems): a header with its mode and attributes, and deflate without one.

    The header is scanned, too: values of attributes stand in it. That all of the content came is told by its size.
    """
    head = stream.peek(16)
    size, told = int.from_bytes(head[:4], "big"), int.from_bytes(head[8:16], "big")
    if not 24 <= size <= _LARGEST_HEADER:
        raise BrokenError("damaged header")
    header = stream.exactly(8 + size)
    yield Member("@header", Pieces(iter((header[32:],))), kind="view")
    unpacked = Decoding(stream, lambda: Deflate(-15), lambda _: False, context)
    yield Member(stem(context.name, {".filez": ""}), unpacked, kind="content")
    if unpacked.produced != told:
        raise BrokenError("holds another number of bytes than its header says")


def pbzx(stream: Stream, context: Context) -> Iterator[Member]:
    """Pieces, each with its length, in xz or as they are."""
    yield Member(stem(context.name, SUFFIXES), Pieces(_pieces(stream, context)), kind="content")


def _pieces(stream: Stream, context: Context) -> Iterator[bytes]:
    start, produced = stream.position, 0
    stream.exactly(12)
    while head := stream.some(16):
        size, packed = int.from_bytes(head[:8], "big"), int.from_bytes(head[8:], "big")
        if len(head) < 16 or not size or not packed or size > LARGEST or packed > LARGEST:
            stream.unread(head)
            raise BrokenError("ends in the middle of a piece" if len(head) < 16 else "damaged piece")
        data = stream.some(packed)
        if len(data) < packed:
            stream.unread(head + data)
            raise BrokenError("ends in the middle of a piece")
        if data.startswith(b"\xfd7zXZ\0"):
            try:
                out = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=WINDOW).decompress(data, size)
            except lzma.LZMAError:
                out = b""
            if len(out) != size:
                stream.unread(head + data)
                raise BrokenError("damaged compressed data")
            data = out
        produced += len(data)
        ratio_guard(context.limits, produced, stream.position - start)
        yield data


def mozlz4(stream: Stream, context: Context) -> Iterator[Member]:
    """One block of lz4 behind its length."""
    import lz4.block

    head = stream.exactly(12)
    size = int.from_bytes(head[8:], "little")
    data = stream.upto(min(LARGEST, size // 255 + size + 64) + 1)
    out = b""
    if 0 < size <= min(LARGEST, 255 * len(data) + 64):
        try:
            out = lz4.block.decompress(data, uncompressed_size=size)
        except (lz4.block.LZ4BlockError, ValueError, MemoryError):
            out = b""
    if not out or len(out) != size:
        stream.unread(head + data)
        raise BrokenError(f"damaged compressed data, or more than {LARGEST} bytes of it")
    yield Member(stem(context.name, _MOZILLA), Pieces(iter((out,))), size, kind="content")


def snappy(stream: Stream, context: Context) -> Iterator[Member]:
    """Snappy in frames, as Firefox keeps what service workers cached; the checksums are not verified."""
    name = stem(context.name, {".sz": "", ".snappy": ""})
    frames = _Frames(stream, context)
    while True:
        yield Member(name, Pieces(frames.pieces()), kind="content")
        if not frames.other:
            return
        part = stream.part(frames.other)  # what programs pass over is looked at, too
        yield Member(f"@{stream.position}", part, frames.other, "gap")
        part.finish()


class _Frames:
    """The frames of a file. `other`: the size of one that holds no data and is next in the stream; 0 at the end."""

    def __init__(self, stream: Stream, context: Context) -> None:
        self.stream = stream
        self.context = context
        self.start = stream.position
        self.produced = 0
        self.other = 0

    def pieces(self) -> Iterator[bytes]:
        """What the frames hold, up to the end or to one that holds something else."""
        self.other = 0
        while head := self.stream.some(4):
            kind, size = head[0], int.from_bytes(head[1:], "little")
            if len(head) < 4 or 1 < kind < 0x80 or (kind < 2 and not 4 < size <= _LARGEST_FRAME):
                self.stream.unread(head)
                raise BrokenError("ends in the middle of a frame" if len(head) < 4 else "damaged frame")
            if kind == 0xFF and size == 6 and self.stream.peek(6)[:6] == b"sNaPpY":
                self.stream.skip(size)  # the mark, again where two files were put together
            elif kind > 1:
                self.other = size
                if size:
                    return
            else:
                yield self._piece(head, size)

    def _piece(self, head: bytes, size: int) -> bytes:
        from leakguard.sources.inside.databases.snappy import DamagedError, unsnapped

        data = self.stream.some(size)
        try:
            if len(data) < size:
                raise BrokenError("ends in the middle of a frame")
            out = data[4:] if head[0] else unsnapped(data[4:], _FRAME)
        except (BrokenError, DamagedError) as error:
            self.stream.unread(head + data)
            raise BrokenError(error.reason if isinstance(error, BrokenError) else "damaged compressed data") from None
        self.produced += len(out)
        ratio_guard(self.context.limits, self.produced, self.stream.position - self.start)
        return out


def backuppc(stream: Stream, context: Context) -> Iterator[Member]:
    """A file of the pool: streams of zlib, of which the first byte says that sums stand behind them."""
    stream.skip(1)
    stream.unread(b"x")
    yield Member("content", Decoding(stream, lambda: Deflate(15), lambda rest: rest.peek(1) == b"x", context), kind="content")


def dovecot(stream: Stream, context: Context) -> Iterator[Member]:
    """Its mark, the most bytes of a block, and blocks of lz4 behind their lengths."""
    import lz4.block  # noqa: F401 - before anything is read

    head = stream.peek(19)
    most = int.from_bytes(head[15:19], "big")
    if len(head) < 19 or not 0 < most <= _LARGEST_BLOCK:
        raise BrokenError("damaged header")
    stream.skip(19)
    yield Member("content", Pieces(_blocks(stream, context, most)), kind="content")


def _blocks(stream: Stream, context: Context, most: int) -> Iterator[bytes]:
    import lz4.block

    start, produced = stream.position, 0
    while head := stream.some(4):
        size = int.from_bytes(head, "big")
        data = stream.some(size) if len(head) == 4 and 0 < size <= most + most // 255 + 16 else b""
        if len(data) < max(1, size):
            stream.unread(head + data)
            raise BrokenError("ends in the middle of a block" if data or len(head) < 4 else "damaged block")
        try:
            out: bytes = lz4.block.decompress(data, uncompressed_size=most)
        except (lz4.block.LZ4BlockError, ValueError):
            stream.unread(head + data)
            raise BrokenError("damaged compressed data") from None
        produced += len(out)
        ratio_guard(context.limits, produced, stream.position - start)
        yield out


def proxmox(stream: Stream, context: Context) -> Iterator[Member]:
    """A chunk: its mark, a checksum, and the data, in zstd or as it is."""
    head = stream.exactly(12)
    name = stem(context.name, {".blob": "", ".0.bad": ""})
    if head[:1] == b"\x42":
        yield Member(name, stream.read, kind="content")
        return
    import zstandard  # noqa: F401 - before anything is read

    frames = Frames(b"\x28\xb5\x2f\xfd")
    yield from frames.around(Member(name, Zstd(stream, frames, context.limits), kind="content"), context)
