"""Compressed streams: one content each, whatever number of frames it is in, and gaps for what is no frame.

Promises: output is made in pieces of bounded size, whatever the input claims; a window larger than WINDOW is refused;
content that ends early, or whose checksum is wrong, is a BrokenError after everything that could be decoded; bytes
behind the last frame stay in the stream. Packages of the extra `archives` are imported where used.

Imported by `sources.inside.walk` and, for their decoders, by other readers of the package.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from leakguard.sources.inside.archives.zstdframes import INPUT, WINDOW, Aside, Zstd
from leakguard.sources.inside.base import (
    CHUNK,
    LEAST_HOLE,
    BrokenError,
    Context,
    LimitError,
    Member,
    Pieces,
    Stream,
    Told,
    UnreadError,
    from_bytes,
    ratio_guard,
    stem,
)

GZIP_HEADER = 72 * 1024
"""Bytes of a gzip's header looked at, if it has any fields: an extra field has at most 64 KiB."""
GZIP_USUAL = 512
BROTLI_HEAD = 4096
BROTLI_PIECE = 256
MOST_ASIDE = 1024 * 1024
"""Bytes kept of the headers of gzip, to be scanned behind the content."""

SUFFIXES = {
    ".gz": "", ".tgz": ".tar", ".bz2": "", ".tbz2": ".tar", ".tbz": ".tar", ".xz": "", ".txz": ".tar", ".lzma": "",
    ".lz": "", ".zst": "", ".zstd": "", ".tzst": ".tar", ".lz4": "", ".br": "", ".z": "", ".taz": ".tar", ".lzo": "",
    ".tzo": ".tar",
}  # fmt: skip


class Decoder(Protocol):
    """What the decoders have in common, as those of the standard library."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    @property
    def needs_input(self) -> bool: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class Deflate:
    """zlib's decoder with the manners of the others."""

    def __init__(self, bits: int) -> None:
        self._decoder = zlib.decompressobj(bits)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._decoder.eof

    @property
    def unused_data(self) -> bytes:
        return self._decoder.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        tail = self._decoder.unconsumed_tail
        out = self._decoder.decompress(tail + data if tail else data, max_length)
        # output may wait without input: only a short answer says that there is none
        self.needs_input = not self._decoder.unconsumed_tail and len(out) < max_length
        return out


class Igzip:
    """One gzip member by the extra's decoder, which takes half as long as the standard library's."""

    def __init__(self) -> None:
        from isal import igzip_lib

        self._decoder = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)
        self._error: Any = igzip_lib.IsalError

    @property
    def eof(self) -> bool:
        return self._decoder.eof

    @property
    def unused_data(self) -> bytes:
        return self._decoder.unused_data

    @property
    def needs_input(self) -> bool:
        return self._decoder.needs_input

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        try:
            return self._decoder.decompress(data, max_length)
        except self._error:
            raise BrokenError("damaged compressed data") from None


def gunzip() -> Decoder:
    """A decoder of one gzip member: the best there is."""
    try:
        return Igzip()
    except ImportError:
        return Deflate(31)


class Lz4:
    """One lz4 frame."""

    def __new__(cls) -> Decoder:  # type: ignore[misc]
        import lz4.frame

        made: Decoder = lz4.frame.LZ4FrameDecompressor()
        return made


ERRORS = (zlib.error, lzma.LZMAError, OSError, EOFError, RuntimeError, ValueError)
"""What decoders raise at damaged data. Their messages are not ours to show."""


class Decoding:
    """The content of a run of frames, to be pulled. `unused` is what was read behind the last of them.

    `starts` says whether what follows a frame is another one; it may read over padding.
    """

    def __init__(
        self,
        source: Stream,
        make: Callable[[], Decoder],
        starts: Callable[[Stream], bool],
        context: Context,
    ) -> None:
        self.source = source
        self.make = make
        self.starts = starts
        self.limits = context.limits
        self.base = source.position
        self.decoder: Decoder | None = make()
        self.produced = 0

    def __call__(self, count: int) -> bytes:
        while self.decoder is not None:
            data = b""
            if self.decoder.needs_input:
                data = self.source.read(INPUT)
                if not data:
                    raise BrokenError("compressed data ends early")
            try:
                out = self.decoder.decompress(data, min(count, CHUNK))
            except MemoryError:
                raise
            except BrokenError as error:
                raise self._damaged(data, error.reason) from None
            except ERRORS as error:
                reason = "needs too much memory" if "emory" in str(error) else "damaged compressed data"
                raise self._damaged(data, reason) from None
            if self.decoder.eof:
                self.source.unread(self.decoder.unused_data or b"")  # lz4 says None
                self.decoder = self.make() if self.starts(self.source) else None
            self.produced += len(out)
            ratio_guard(self.limits, self.produced, self.source.position - self.base)
            if out:
                return out
        return b""

    def _damaged(self, data: bytes, reason: str) -> BrokenError:
        """What was just read goes back, to be scanned as it stands: it may be no compressed data at all."""
        self.source.unread(data)
        self.decoder = None
        at = self.source.position - self.base
        return BrokenError(f"{reason} at byte {at} or after")


class Frames:
    """Does another frame follow, maybe after frames that decoders pass over? Those are put aside, to be scanned."""

    def __init__(self, mark: bytes) -> None:
        self.follows = _another(mark)
        self.aside = Aside()

    def __call__(self, stream: Stream) -> bool:
        while _is_skippable(head := stream.peek(8)):
            stream.skip(8)
            self.aside.take(stream, int.from_bytes(head[4:], "little"))
        return self.follows(stream)

    def around(self, content: Member | None, context: Context) -> Iterator[Member]:
        """The content, and what was put aside."""
        try:
            if content is not None:
                yield content
            yield from self.aside.members()
            if self.aside.short:
                context.tell("failed", "", "compressed data ends early")
        finally:
            self.aside.close()


def _is_skippable(head: bytes) -> bool:
    return len(head) == 8 and head[0] & 0xF0 == 0x50 and head[1:4] == b"\x2a\x4d\x18"


def _content(stream: Stream, context: Context, make: Callable[[], Decoder], starts: Callable[[Stream], bool]) -> Member:
    return Member(stem(context.name, SUFFIXES), Decoding(stream, make, starts, context), kind="content")


def _zstd(stream: Stream, context: Context, frames: Frames) -> Member:
    return Member(stem(context.name, SUFFIXES), Zstd(stream, frames, context.limits), kind="content")


def gzip(stream: Stream, context: Context) -> Iterator[Member]:
    """gzip of any number of members, with NUL padding. Comments and extra fields are content, too."""
    headers = _GzipHeaders(context)
    headers.look(stream)
    yield from headers.members("@header")
    yield _content(stream, context, gunzip, headers)
    yield from headers.members("@headers")


class _GzipHeaders:
    """Does another member follow? What the header of each says beside what is packed is put aside, to be scanned; the name
    of the file that was packed is told."""

    def __init__(self, context: Context) -> None:
        self.named = context.named
        self.follows = _another(b"\x1f\x8b\x08")
        self.aside: list[bytes] = []
        self.size = 0
        self.before = b""

    def __call__(self, stream: Stream) -> bool:
        if not self.follows(stream):
            return False
        self.look(stream)
        return True

    def look(self, stream: Stream) -> None:
        data = stream.peek(GZIP_USUAL)
        flags = data[3] if len(data) > 10 else 0
        if not flags & 0x1C:
            return
        extra = 2 + int.from_bytes(data[10:12], "little") if flags & 4 else 0  # FEXTRA
        if 10 + extra >= len(data) or data.count(b"\0", 10 + extra) < (flags >> 3 & 1) + (flags >> 4 & 1):
            data = stream.peek(GZIP_HEADER)
        at = 10 + extra
        kept = data[12:at] if extra > LEAST_HOLE else b""  # shorter ones are those of tools, of each block of a file
        for flag in (8, 16):  # FNAME, FCOMMENT
            if not flags & flag:
                continue
            text = data[at:].split(b"\0", 1)[0]
            at += len(text) + 1
            if flag == 8 and text != self.before:  # of a million members most have the same
                self.before = text
                self.named(text.decode("utf-8", "surrogateescape"))
            elif flag == 16:
                kept += b"\n" + text
        self.size += len(kept)
        if self.size > MOST_ASIDE:
            raise LimitError(f"more than {MOST_ASIDE} bytes in headers of gzip")
        if kept:
            self.aside.append(kept)

    def members(self, name: str) -> Iterator[Member]:
        """What was put aside since this was asked last."""
        data, self.aside = b"\n".join(self.aside), []
        if data:
            yield Member(name, from_bytes(data), len(data), "gap")


def bzip2(stream: Stream, context: Context) -> Iterator[Member]:
    """bzip2, also of many streams."""
    yield _content(stream, context, bz2.BZ2Decompressor, _another(b"BZh"))


def xz(stream: Stream, context: Context) -> Iterator[Member]:
    """xz, also of many streams, with padding."""
    yield _content(stream, context, _xz, _another(b"\xfd7zXZ\0"))


def _xz() -> Decoder:
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=WINDOW)


def lzma_alone(stream: Stream, context: Context) -> Iterator[Member]:
    """The .lzma of old."""
    yield _content(stream, context, lambda: lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=WINDOW), _never)


def lzip(stream: Stream, context: Context) -> Iterator[Member]:
    """lzip: LZMA1 with an end mark and a trailer of 20 bytes, whose checksum is compared."""
    yield _content(stream, context, _Lzip, _another(b"LZIP\1"))


class _Lzip:
    def __init__(self) -> None:
        self._head = b""
        self._tail = b""
        self._decoder: lzma.LZMADecompressor | None = None
        self._crc = 0
        self.eof = False
        self.unused_data = b""

    @property
    def needs_input(self) -> bool:
        return self._decoder is None or self._decoder.needs_input or self._decoder.eof

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        if self._decoder is None:
            self._head += data
            if len(self._head) < 6:
                return b""
            base = 1 << (self._head[5] & 31)
            size = base - base // 16 * (self._head[5] >> 5)
            if not 4096 <= size <= WINDOW // 2:
                raise BrokenError("needs a larger window than is allowed")
            filters = [{"id": lzma.FILTER_LZMA1, "dict_size": size, "lc": 3, "lp": 0, "pb": 2}]
            self._decoder = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters)
            data = self._head[6:]
        if not self._decoder.eof:
            out = self._decoder.decompress(data, max_length)
            self._crc = zlib.crc32(out, self._crc)
            data = self._decoder.unused_data if self._decoder.eof else b""
        else:
            out = b""
        if self._decoder.eof:
            self._tail += data
            if len(self._tail) >= 20:
                if int.from_bytes(self._tail[:4], "little") != self._crc:
                    raise BrokenError("checksum differs")
                self.eof, self.unused_data = True, self._tail[20:]
        return out


def zstd(stream: Stream, context: Context) -> Iterator[Member]:
    """zstd of any number of frames."""
    import zstandard  # noqa: F401 - before anything is read

    frames = Frames(b"\x28\xb5\x2f\xfd")
    yield from frames.around(_zstd(stream, context, frames), context)


def lz4(stream: Stream, context: Context) -> Iterator[Member]:
    """lz4 of any number of frames."""
    import lz4.frame  # noqa: F401

    frames = Frames(b"\x04\x22\x4d\x18")
    yield from frames.around(_content(stream, context, Lz4, frames), context)


def lz4_legacy(stream: Stream, context: Context) -> Iterator[Member]:
    """lz4 of old (Linux kernels): blocks of at most 8 MiB."""
    import lz4.block

    block_size = 8 * 1024 * 1024
    start = stream.position
    stream.exactly(4)

    def blocks() -> Iterator[bytes]:
        produced = 0
        while len(head := stream.peek(4)) == 4:
            size = int.from_bytes(head, "little")
            if size == 0x184C2102:
                stream.exactly(4)
                continue
            if not 0 < size <= block_size + block_size // 255 + 16:
                return
            stream.exactly(4)
            data = stream.exactly(size)
            try:
                out = lz4.block.decompress(data, uncompressed_size=block_size)
            except (lz4.block.LZ4BlockError, ValueError):
                stream.unread(head + data)
                raise BrokenError("damaged compressed data") from None
            produced += len(out)
            yield out
            ratio_guard(context.limits, produced, stream.position - start)
        if head:
            raise BrokenError("compressed data ends early")

    yield Member(stem(context.name, SUFFIXES), Pieces(blocks()), kind="content")


def compress(stream: Stream, context: Context) -> Iterator[Member]:
    """What `compress` of old wrote (.Z), and text that stands in it in the open."""
    from leakguard.sources.inside.archives.old import Looked, compressed

    looked = Looked(stream)
    try:
        content = Pieces(compressed(Stream(looked), context))
        yield Member(stem(context.name, SUFFIXES), content, kind="content")
        yield from looked.text.members()
    finally:
        looked.text.close()


def lzop(stream: Stream, context: Context) -> Iterator[Member]:
    """lzop of any number of files."""
    from leakguard.sources.inside.archives.old import lzopped

    yield Member(stem(context.name, SUFFIXES), Pieces(lzopped(stream, context)), kind="content")


def skippable(stream: Stream, context: Context) -> Iterator[Member]:
    """A stream that begins with a frame to be passed over: zstd or lz4, as what follows tells (pzstd writes so)."""
    frames = Frames(b"\x28\xb5\x2f\xfd")
    content: Member | None = None
    try:
        another = frames(stream)
    except Told:
        frames.aside.close()
        raise
    if another:
        content = _zstd(stream, context, frames)
    elif stream.peek(4) == b"\x04\x22\x4d\x18":
        frames.follows = _another(b"\x04\x22\x4d\x18")
        content = _content(stream, context, Lz4, frames)
    yield from frames.around(content, context)


class Brotli:
    """Fed by single bytes at first, then by few: the library refuses a piece that goes on behind the end."""

    def __init__(self) -> None:
        import brotli as library

        self._error = library.error
        self._decoder = library.Decompressor()
        self._input = b""
        self._fed = 0
        self._more = False  # output may wait where the library says that it takes input

    @property
    def eof(self) -> bool:
        return bool(self._decoder.is_finished())

    @property
    def unused_data(self) -> bytes:
        return self._input

    @property
    def needs_input(self) -> bool:
        return not self._input and not self._more

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        self._input += data
        out: list[bytes] = []
        room = max(1, max_length)
        while room > 0 and not self.eof:
            piece = b""
            if self._decoder.can_accept_more_data():
                piece = self._input[: 1 if self._fed < BROTLI_HEAD else BROTLI_PIECE]
            try:
                out.append(self._decoder.process(piece, output_buffer_limit=room))
            except self._error:
                raise BrokenError("damaged compressed data") from None
            self._input = self._input[len(piece) :]
            self._fed += len(piece)
            room -= len(out[-1])
            self._more = bool(out[-1])
            if not piece and not self._more:
                break
        return b"".join(out)


def brotli(stream: Stream, context: Context) -> Iterator[Member]:
    """brotli has no mark: a file of that name whose beginning decodes is taken for it."""
    head = stream.peek(BROTLI_HEAD)
    try:
        Brotli().decompress(head, CHUNK)
    except BrokenError:
        raise BrokenError("is not brotli") from None
    yield _content(stream, context, Brotli, _never)


def zlib_stream(stream: Stream, context: Context) -> Iterator[Member]:
    """A loose git object."""
    yield Member("content", Decoding(stream, lambda: Deflate(15), _never, context), kind="content")


def _another(mark: bytes) -> Callable[[Stream], bool]:
    """Does another frame follow, maybe after NUL padding? Padding is read over only where one does."""

    def follows(stream: Stream) -> bool:
        if stream.peek(len(mark)) == mark:
            return True
        ahead = stream.peek(4096)
        rest = ahead.lstrip(b"\0")
        if len(rest) >= len(mark) and rest.startswith(mark):
            stream.skip(len(ahead) - len(rest))
            return True
        return False

    return follows


def _never(_stream: Stream) -> bool:
    return False


def raw_decoder(method: int) -> Callable[[], Decoder] | None:
    """The decoder of a zip method other than zstd; None for stored. UnreadError for one nobody here reads."""
    if method == 0:
        return None
    if method == 8:
        return lambda: Deflate(-15)
    if method == 9:
        return _deflate64
    if method == 12:
        return bz2.BZ2Decompressor
    if method == 95:
        return _xz
    raise UnreadError(f"compressed by method {method}: no reader")


def _deflate64() -> Decoder:
    import inflate64

    class Decoder:
        def __init__(self) -> None:
            self._decoder = inflate64.Inflater()
            self.unused_data = b""
            self.needs_input = True

        @property
        def eof(self) -> bool:
            return bool(self._decoder.eof)

        def decompress(self, data: bytes, max_length: int = -1) -> bytes:
            out: bytes = self._decoder.inflate(data)
            return out

    return Decoder()
