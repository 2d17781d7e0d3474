"""Packed data in the middle of other bytes, or written out as digits: gzip, bzip2, xz, zstd, zip.

Promises: a pure function of bytes; nothing is unpacked beyond MAX_VIEW, and a result that stops there says so. What came out
before an error counts, too little of it does not: marks of three bytes stand in programs as well. zstd needs the extra
`leakguard-scanner[archives]`, and gives nothing without it (docs/inside.md).

Imported by decode.py when one of its triggers fired; files that are archives have readers (sources/inside).
"""

from __future__ import annotations

import zlib
from typing import Any, NamedTuple

MAX_VIEW = 8 * 1024 * 1024
"""As in decode.py."""
LEAST = 16
_STEP = 4096
"""Packed bytes at a time: of the step in which damage is, nothing comes out."""
_MOST_MEMORY = 128 * 1024 * 1024
_ZIP = b"PK\3\4"
MARKS: tuple[tuple[bytes, str], ...] = (
    (b"\x1f\x8b\x08", "gzip"), (b"BZh", "bzip2"), (b"\xfd7zXZ\0", "xz"), (b"\x28\xb5\x2f\xfd", "zstd"), (_ZIP, "zip"),
)  # fmt: skip


class Unpacked(NamedTuple):
    """`used`: bytes of the data that belong to it; all of it if it does not come to its end."""

    kind: str
    data: bytes
    clipped: bool
    used: int


def unpacked(data: bytes | memoryview) -> Unpacked | None:
    """What is packed at the beginning of `data`; None if nothing is, or hardly anything comes out."""
    head = bytes(data[:8])
    kind = next((kind for mark, kind in MARKS if head.startswith(mark)), "")
    if not kind:
        return None
    found = _zip(bytes(data)) if kind == "zip" else _zstd(data) if kind == "zstd" else _stream(kind, data)
    return found if found is not None and len(found.data) >= LEAST else None


def _decoder(kind: str) -> tuple[Any, tuple[type[Exception], ...]]:
    """A decoder and what it raises where it finds damage."""
    if kind == "gzip":
        return zlib.decompressobj(31), (zlib.error,)
    if kind == "bzip2":
        import bz2

        return bz2.BZ2Decompressor(), (OSError, ValueError)
    import lzma

    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MOST_MEMORY), (lzma.LZMAError,)


def _stream(kind: str, data: bytes | memoryview) -> Unpacked:
    decoder, errors = _decoder(kind)
    out: list[bytes] = []
    size = at = 0
    while at < len(data) and not decoder.eof and size < MAX_VIEW:
        try:
            out.append(decoder.decompress(data[at : at + _STEP], MAX_VIEW - size))
        except errors:
            return Unpacked(kind, b"".join(out), False, at)
        size += len(out[-1])
        at = min(len(data), at + _STEP)
    # of what was given it last, a decoder that came to its end says what is not its own
    return Unpacked(kind, b"".join(out), size >= MAX_VIEW and not decoder.eof, at - len(decoder.unused_data))


def _zstd(data: bytes | memoryview) -> Unpacked | None:
    try:
        import zstandard
    except ImportError:
        return None
    try:
        with zstandard.ZstdDecompressor(max_window_size=_MOST_MEMORY).stream_reader(data, read_size=_STEP) as reader:
            out = reader.read(MAX_VIEW)
            return Unpacked("zstd", out, bool(len(out) == MAX_VIEW and reader.read(1)), len(data))
    except zstandard.ZstdError:
        return None


def _zip(data: bytes) -> Unpacked:
    """The members as their local headers tell of them, one behind the other, each under its name."""
    out: list[bytes] = []
    size = at = 0
    while data[at : at + 4] == _ZIP and len(data) - at > 30 and size < MAX_VIEW:
        flags, method = (int.from_bytes(data[at + low : at + low + 2], "little") for low in (6, 8))
        packed, name, extra = (int.from_bytes(data[at + low : at + high], "little") for low, high in ((18, 22), (26, 28), (28, 30)))
        begin = at + 30 + name + extra
        out.append(data[at + 30 : at + 30 + name] + b"\n")
        stop = begin + packed
        if method == 8:
            decoder = zlib.decompressobj(-15)
            try:
                out.append(decoder.decompress(data[begin:], MAX_VIEW - size))
            except zlib.error:
                break
            if flags & 8:  # how long it is stands behind it
                stop = len(data) - len(decoder.unused_data)
        elif method == 0 and not flags & 9:
            out.append(data[begin : min(stop, begin + MAX_VIEW - size)])
        size += len(out[-1])
        out.append(b"\n")
        at = stop
        if flags & 8:
            at = data.find(_ZIP, at, at + 64)
            if at < 0:
                return Unpacked("zip", b"".join(out), size >= MAX_VIEW, stop)
    return Unpacked("zip", b"".join(out), size >= MAX_VIEW, min(at, len(data)))
