"""The formats that logs lie in: how a file's content is read, and written again in the same format.

Compression by the standard library, zstd by `zstandard` (an extra). A truncated or damaged file is an error, never a
shorter file. Values only; imported by files.py.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO, NamedTuple, Protocol

from leakguard.errors import SourceError, UsageError

READ = 1 << 20


class Reader(Protocol):
    """Something to read from."""

    def read(self, size: int = -1) -> bytes: ...


class Kind(NamedTuple):
    """A file's format."""

    name: str
    """plain, gzip, xz, bzip2, zstd; with `journal export` inside, `+journal`."""
    compression: str
    journal: bool = False
    mtime: int = 0
    """gzip: the time in its header."""
    level: int = 6
    filename: str = ""
    """gzip: the name in its header."""


_MAGIC = ((b"\x1f\x8b", "gzip"), (b"\xfd7zXZ\x00", "xz"), (b"BZh", "bzip2"), (b"\x28\xb5\x2f\xfd", "zstd"))
_JOURNAL = (b"__CURSOR=", b"__REALTIME_TIMESTAMP=")


_FOREIGN = (
    (b"LPKSHHRH", "a journal's own file: it is sealed, clean its export"), (b"SQLite format 3\0", "a database"),
    (b"\x7fELF", "a program or a core dump"), (b"PK\x03\x04", "a zip archive"), (b"PK\x05\x06", "a zip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"), (b"Rar!\x1a\x07", "a rar archive"), (b"\x04\x22\x4d\x18", "lz4"),
    (b"\x1f\x9d", "compress"), (b"\x5d\x00\x00", "lzma"), (b"%PDF-", "a PDF"), (b"\x89PNG\r\n", "an image"),
    (b"\xff\xd8\xff", "an image"), (b"GIF8", "an image"), (b"PAR1", "parquet"), (b"Obj\x01", "avro"),
)  # fmt: skip
"""What is no log, and what a change would break or nothing would be found in."""
_TAR = 257
"""Where a tar archive says that it is one."""


def foreign(kind: Kind, file: BinaryIO) -> str:
    """What a file is, inside of its compression, if it is none of ours to rewrite; "" for a log. Leaves the file at its
    beginning."""
    head = b"".join(_some(content(kind, file), 512))
    file.seek(0)
    if head[_TAR : _TAR + 5] == b"ustar":
        return "a tar archive"
    if kind.compression != "plain" and head.startswith(tuple(magic for magic, _ in _MAGIC)):
        return "compressed twice"
    return next((what for magic, what in _FOREIGN if head.startswith(magic)), "")


def _filename(head: bytes) -> str:
    """The name in a gzip file's header; "" for none."""
    if len(head) < 10 or not head[3] & 8:
        return ""
    at = 10 + (2 + int.from_bytes(head[10:12], "little") if head[3] & 4 else 0)
    return head[at : max(at, head.find(b"\0", at))].decode("latin-1")


def kind_of(file: BinaryIO) -> Kind:
    """The format of a file, by what it begins with. Leaves the file at its beginning."""
    head = file.read(1024)
    file.seek(0)
    compression = next((name for magic, name in _MAGIC if head.startswith(magic)), "plain")
    mtime = int.from_bytes(head[4:8], "little") if compression == "gzip" else 0
    level = {2: 9, 4: 1}.get(head[8], 6) if compression == "gzip" and len(head) > 8 else 6
    kind = Kind(compression, compression, False, mtime, level, _filename(head) if compression == "gzip" else "")
    first = b"".join(_some(content(kind, file), 64))
    file.seek(0)
    if first.startswith(_JOURNAL):
        kind = kind._replace(name=f"{compression}+journal", journal=True)
    return kind


def _some(pieces: Iterable[bytes], size: int) -> Iterator[bytes]:
    for piece in pieces:
        yield piece[:size]
        size -= len(piece)
        if size <= 0:
            return


def _zstandard() -> Any:
    try:
        import zstandard
    except ImportError:
        raise UsageError("zstd files need the package `zstandard` (the extra `redact`)") from None
    return zstandard


def content(kind: Kind, file: Reader) -> Iterator[bytes]:
    """What a file holds. SourceError if it is damaged or cut off."""
    try:
        if kind.compression == "plain":
            while data := file.read(READ):
                yield data
        elif kind.compression == "zstd":
            yield from _unzstd(file)
        else:
            yield from _decompressed(kind.compression, file)
    except (EOFError, zlib.error, lzma.LZMAError, ValueError) as error:
        raise SourceError(kind.compression, f"damaged or cut off ({type(error).__name__})") from None
    except OSError as error:
        if error.errno is None:  # gzip and bz2 complain about content this way
            raise SourceError(kind.compression, "damaged or cut off") from None
        raise


def _decompressed(name: str, file: Reader) -> Iterator[bytes]:
    """All members or streams of a file, one after the other."""
    makers: dict[str, Callable[[], Any]] = {
        "gzip": lambda: zlib.decompressobj(31), "xz": lzma.LZMADecompressor, "bzip2": bz2.BZ2Decompressor
    }  # fmt: skip
    new = makers[name]
    decompressor = new()
    fresh = True
    data = file.read(READ)
    while data:
        if fresh:
            data = data.lstrip(b"\0")  # what tapes and xz pad with
            if not data:
                data = file.read(READ)
                continue
        fresh = False
        out = decompressor.decompress(data, READ) if name == "gzip" else decompressor.decompress(data)
        if out:
            yield out
        if decompressor.eof:
            data = decompressor.unused_data or file.read(READ)
            decompressor, fresh = new(), True
        else:
            data = (decompressor.unconsumed_tail if name == "gzip" else b"") or file.read(READ)
    if not fresh:
        if name == "gzip":
            rest = decompressor.flush()
            if rest:
                yield rest
            if decompressor.eof:
                return
        raise EOFError


def _unzstd(file: Reader) -> Iterator[bytes]:
    zstandard = _zstandard()
    decompressor = None
    data = file.read(READ)
    while data:
        if decompressor is None:
            decompressor = zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj()
        try:
            out = decompressor.decompress(data)
        except zstandard.ZstdError:
            raise EOFError from None
        if out:
            yield out
        if decompressor.eof:
            data = decompressor.unused_data or file.read(READ)
            decompressor = None
        else:
            data = file.read(READ)
    if decompressor is not None:
        raise EOFError


def rewrite(kind: Kind, source: Reader, out: BinaryIO, redacted: Callable[[Iterable[bytes]], Iterable[bytes]]) -> None:
    """Writes a file's content anew, redacted, in the file's own compression."""
    with _compressed(kind, out) as sink:
        for piece in redacted(content(kind, source)):
            sink.write(piece)


class _Plain:
    def __init__(self, out: BinaryIO) -> None:
        self.write = out.write

    def __enter__(self) -> _Plain:
        return self

    def __exit__(self, *_: object) -> None:
        return None


def _compressed(kind: Kind, out: BinaryIO) -> Any:
    if kind.compression == "gzip":
        return gzip.GzipFile(filename=kind.filename, mode="wb", compresslevel=kind.level, fileobj=out, mtime=kind.mtime)
    if kind.compression == "xz":
        return lzma.LZMAFile(out, "wb")
    if kind.compression == "bzip2":
        return bz2.BZ2File(out, "wb")
    if kind.compression == "zstd":
        return _zstandard().ZstdCompressor(write_checksum=True).stream_writer(out, closefd=False)
    return _Plain(out)
