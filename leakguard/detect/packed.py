"""Packed data in the middle of other bytes, or written out as digits: gzip, zlib, bzip2, xz, LZMA, zstd, lz4, Snappy in frames, zip.

Promises: a pure function of bytes; nothing is unpacked beyond MAX_VIEW, and a result that stops there says so. Packed bytes
are taken piece by piece, and none behind the first damage. What came out before it counts, too little of it does not: marks
of three bytes stand in programs as well. zstd and lz4 need the extra `leakguard-scanner[archives]`, Snappy `[databases]`, and
give nothing without it
(docs/inside.md).

Imported by decode/; files that are archives have readers (sources/inside).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import IO, Any, NamedTuple, cast

MAX_VIEW = 8 * 1024 * 1024
"""As in decode/."""
LEAST = 16
STEP = 4096
"""Packed bytes of a piece, at most: of the one in which damage is, nothing comes out."""
_MOST_MEMORY = 128 * 1024 * 1024
_ZIP = b"PK\3\4"
_SNAPPY = b"\xff\6\0\0sNaPpY"
_FRAME = 64 * 1024
"""Bytes that one frame of Snappy holds, at most."""
MARKS: tuple[tuple[bytes, str], ...] = (
    (b"\x1f\x8b\x08", "gzip"), (b"BZh", "bzip2"), (b"\xfd7zXZ\0", "xz"), (b"\x28\xb5\x2f\xfd", "zstd"), (_ZIP, "zip"),
    (b"\x04\x22\x4d\x18", "lz4"), (_SNAPPY, "snappy"), (b"\x78", "zlib"),
)  # fmt: skip
_LEADS = {kind: mark for mark, kind in MARKS}


class Unpacked(NamedTuple):
    """`used`: packed bytes that belong to it; all that were taken if it does not come to its end."""

    kind: str
    data: bytes
    clipped: bool
    used: int


class Tries:
    """How many packed bytes one document may have taken in vain: data in which packed data seems to begin everywhere, and
    never does, costs a few times its size and no more. `over` once that was not enough, which is a limit reached."""

    def __init__(self, size: int) -> None:
        self.left = 4 * size + MAX_VIEW
        self.over = False


class _Taken:
    """Pieces, counted."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self.pieces = pieces
        self.size = 0

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        piece = next(self.pieces)
        self.size += len(piece)
        return piece

    def read(self, _size: int = -1) -> bytes:
        return next(self, b"")


def unpacked(pieces: Iterator[bytes], tries: Tries, kind: str = "") -> Unpacked | None:
    """What is packed at the beginning of `pieces`, each of at most STEP bytes; None if nothing is, or hardly anything comes
    out; `kind`, if its mark tells too little. When too much was tried in vain, an empty result that is clipped, once."""
    if tries.over:
        return None
    taken = _Taken(pieces)
    first = next(taken, b"")
    kind = kind or next((kind for mark, kind in MARKS if first.startswith(mark)), "")
    if not kind:
        return None
    if tries.left <= 0:
        tries.over = True
        return Unpacked(kind, b"", True, len(first))
    found = _HOW.get(kind, _stream)(kind, first, taken)
    if found is not None and len(found.data) >= LEAST:
        return found
    tries.left -= taken.size
    return None


def _decoder(kind: str) -> tuple[Any, tuple[type[Exception], ...]]:
    """A decoder and what it raises where it finds damage."""
    if kind in ("gzip", "zlib"):
        return zlib.decompressobj(31 if kind == "gzip" else 15), (zlib.error,)
    if kind == "bzip2":
        import bz2

        return bz2.BZ2Decompressor(), (OSError, ValueError)
    if kind == "lz4":
        import lz4.frame

        return lz4.frame.LZ4FrameDecompressor(), (RuntimeError, ValueError, EOFError)
    import lzma

    return lzma.LZMADecompressor(lzma.FORMAT_ALONE if kind == "lzma" else lzma.FORMAT_XZ, memlimit=_MOST_MEMORY), (lzma.LZMAError,)


def _stream(kind: str, piece: bytes, taken: _Taken) -> Unpacked:
    """Several streams one behind the other are one, as their programs have it."""
    try:
        decoder, errors = _decoder(kind)
    except ImportError:
        return Unpacked(kind, b"", False, len(piece))
    out: list[bytes] = []
    size = 0
    while piece:
        try:
            out.append(decoder.decompress(piece, MAX_VIEW - size))
        except errors:
            return Unpacked(kind, b"".join(out), False, taken.size - len(piece))
        size += len(out[-1])
        if size >= MAX_VIEW:
            return Unpacked(kind, b"".join(out), not decoder.eof, taken.size - len(decoder.unused_data or b""))
        if not decoder.eof:
            piece = next(taken, b"")
            continue
        # of what was given it last, a decoder that came to its end says what is not its own
        piece = decoder.unused_data or b""
        if len(piece) < STEP:
            piece += next(taken, b"")
        if kind not in _LEADS or not piece.startswith(_LEADS[kind]):
            break
        decoder, errors = _decoder(kind)
    return Unpacked(kind, b"".join(out), False, taken.size - len(piece))


def _zstd(kind: str, first: bytes, taken: _Taken) -> Unpacked | None:
    try:
        import zstandard
    except ImportError:
        return None
    taken = _again(first, taken)
    file = cast("IO[bytes]", taken)
    out: list[bytes] = []
    size = 0
    try:
        with zstandard.ZstdDecompressor(max_window_size=_MOST_MEMORY).stream_reader(file, read_across_frames=True) as reader:
            while size < MAX_VIEW and (piece := reader.read(min(64 * 1024, MAX_VIEW - size))):
                out.append(piece)
                size += len(piece)
    except zstandard.ZstdError:
        pass  # behind the frame stands something else, or it is damaged: what came out before counts
    return Unpacked(kind, b"".join(out), size >= MAX_VIEW, taken.size)


def _snappy(kind: str, first: bytes, taken: _Taken) -> Unpacked | None:
    """Frames, each with its length; the checksums are not verified. What is no frame ends it."""
    try:
        from cramjam import snappy
    except ImportError:
        return None
    out: list[bytes] = []
    size = at = 0
    data = first
    while size < MAX_VIEW:
        while len(data) - at < 4 + _FRAME + 4096 and (piece := next(taken, b"")):  # what random bytes grow by at most is less
            data, at = data[at:] + piece, 0
        how, length = data[at : at + 1], int.from_bytes(data[at + 1 : at + 4], "little")
        body = data[at + 4 : at + 4 + length]
        if how not in (b"\xff", b"\0", b"\1") or len(body) < length or length < 5:
            break
        if how == b"\xff":
            if body != b"sNaPpY":
                break
        else:
            try:
                made = body[4:] if how == b"\1" else bytes(snappy.decompress_raw(body[4:])) if _told(body[4:]) <= _FRAME else b""
            except Exception:  # noqa: BLE001 - whatever a package calls its error
                break
            if not made:
                break
            out.append(made)
            size += len(made)
        at += 4 + length
    return Unpacked(kind, b"".join(out), size >= MAX_VIEW, taken.size - len(data) + at)


def _told(block: bytes) -> int:
    """How long a block of Snappy says that it is."""
    value = 0
    for shift, byte in enumerate(block[:5]):
        value |= (byte & 0x7F) << 7 * shift
        if byte < 0x80:
            return value
    return _FRAME + 1


def _again(first: bytes, taken: _Taken) -> _Taken:
    """With the first piece put back."""

    def both() -> Iterator[bytes]:
        yield first
        yield from taken

    return _Taken(both())


def _zip(kind: str, first: bytes, taken: _Taken) -> Unpacked:
    """The members as their local headers tell of them, one behind the other, each under its name."""
    packed = [first]
    while taken.size < MAX_VIEW and (piece := next(taken, b"")):
        packed.append(piece)
    data = b"".join(packed)
    out: list[bytes] = []
    size = at = 0
    while data[at : at + 4] == _ZIP and len(data) - at > 30 and size < MAX_VIEW:
        member = _member(data, at, MAX_VIEW - size)
        out.append(member.text)
        size += len(member.text)
        at = member.stop
        if member.damaged:
            break
        if member.unsized:  # how long it is stands behind it
            at = data.find(_ZIP, at, at + 64)
            if at < 0:
                at = member.stop
                break
    return Unpacked(kind, b"".join(out), size >= MAX_VIEW or taken.size >= MAX_VIEW, min(at, len(data)))


def zip_members(data: bytes, start: int, tries: Tries) -> Unpacked | None:
    """The members that stand one behind the other from `start` on, as their local headers tell of them; what each is packed in is asked
    for as it is needed, and headers that were gone through are not gone through again. Empty if hardly anything comes out."""
    if tries.over:
        return None
    if tries.left <= 0:
        tries.over = True
        return Unpacked("zip", b"", True, 30)
    out: list[bytes] = []
    size = made = 0
    at = start
    while data[at : at + 4] == _ZIP and len(data) - at > 30 and size < MAX_VIEW:
        if data[at + 6] & 1:  # encrypted
            break
        member = _member(data, at, MAX_VIEW - size)
        name = int.from_bytes(data[at + 26 : at + 28], "little")
        made += max(0, len(member.text) - name - 2)
        out.append(member.text)
        size += len(member.text)
        if member.damaged or member.stop >= len(data):  # where it ends nobody knows
            at += 30
            break
        at = member.stop
        if member.unsized:
            at = data.find(_ZIP, at, at + 64)
            if at < 0:
                at = member.stop
                break
    used = max(30, min(at, len(data)) - start)
    if made < LEAST:
        tries.left -= STEP + size
        return Unpacked("zip", b"", False, used)
    return Unpacked("zip", b"".join(out), size >= MAX_VIEW, used)


class _Member(NamedTuple):
    text: bytes
    stop: int
    unsized: bool
    damaged: bool


def _member(data: bytes, at: int, most: int) -> _Member:
    """One member's name and its first `most` bytes."""
    flags, method = (int.from_bytes(data[at + low : at + low + 2], "little") for low in (6, 8))
    size, name, extra = (int.from_bytes(data[at + low : at + high], "little") for low, high in ((18, 22), (26, 28), (28, 30)))
    begin = at + 30 + name + extra
    unsized = bool(flags & 8)
    stop = len(data) if unsized else begin + size
    out = [data[at + 30 : at + 30 + name], b"\n"]
    damaged = False
    if method == 8:
        decoder = zlib.decompressobj(-15)
        for low in range(begin, min(stop, len(data)), STEP):
            try:
                out.append(decoder.decompress(data[low : min(stop, low + STEP)], most))
            except zlib.error:
                damaged = True
                break
            most -= len(out[-1])
            if decoder.eof or most <= 0:
                stop = min(stop, low + STEP) - len(decoder.unused_data) if unsized else stop
                break
    elif method == 0 and not flags & 9:
        out.append(data[begin : min(stop, begin + most)])
    return _Member(b"".join([*out, b"\n"]), stop, unsized, damaged)


_HOW = {"zip": _zip, "zstd": _zstd, "snappy": _snappy}
"""Kinds that are no plain stream."""
