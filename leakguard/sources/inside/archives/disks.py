"""Disk images whose parts are compressed: VMDK as machines are exported (OVA), Apple's .dmg, EnCase's E01 and L01.

Promises: the disk is handed out in the order of its sectors, what the image stores of it and no more: holes are left out, so
that a disk of terabytes with little in it costs little; a part is at most LARGEST bytes, whatever it claims; parts that cannot
be read are told and passed over, the others are read. What is in the file systems of such a disk is bytes, and says so.

Sources: VMware's Virtual Disk Format 5.0; libewf's documentation of the Expert Witness format; for UDIF what hdiutil writes.
Imported by `sources.inside.walk`.
"""

from __future__ import annotations

import bz2
import lzma
import struct
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO

from leakguard.sources.inside.archives.zstdframes import WINDOW
from leakguard.sources.inside.base import (
    BrokenError,
    Context,
    Member,
    Pieces,
    Stream,
    UnreadError,
    from_bytes,
    ratio_guard,
)

SECTOR = 512
LARGEST = 64 * 1024 * 1024
"""Bytes of a part, packed or not."""
MOST_TABLE = 256 * 1024 * 1024
_HOLE = bytes(SECTOR)
"""What stands for a hole: nothing on its sides is read as one."""


class _Damage:
    """Parts that could not be unpacked: the first is told, the rest counted."""

    def __init__(self, context: Context) -> None:
        self.context = context

    def __call__(self, reason: str = "damaged part of the disk") -> bytes:
        self.context.tell("failed", "", reason)
        return _HOLE


# ---------------------------------------------------------------- VMDK
def vmdk(stream: Stream, context: Context) -> Iterator[Member]:
    """Marks, each before a part of the disk or before tables; the tables say what the marks have said."""
    head = stream.exactly(SECTOR)
    if not SECTOR <= int.from_bytes(head[64:72], "little") * SECTOR <= LARGEST:
        raise BrokenError("damaged header", head)
    description = stream.some(int.from_bytes(head[64:72], "little") * SECTOR - SECTOR).strip(b"\0")
    yield Member("descriptor", from_bytes(description), len(description))
    yield Member("disk", Pieces(_grains(stream, context, int.from_bytes(head[20:28], "little") * SECTOR)))


def _grains(stream: Stream, context: Context, grain: int) -> Iterator[bytes]:
    if not 0 < grain <= LARGEST:
        raise BrokenError("damaged header")
    damaged, produced, following = _Damage(context), 0, 0
    while len(mark := stream.some(12)) == 12:
        place, size = struct.unpack("<QI", mark)
        if not size:
            kind = int.from_bytes(stream.some(4), "little")
            stream.skip(SECTOR - 16)
            if kind == 0 and not place:
                return
            if kind > 3 or place * SECTOR > LARGEST:
                raise BrokenError("damaged mark between parts of the disk")
            stream.skip(place * SECTOR)
            continue
        data = stream.some(size) if size <= 2 * grain + SECTOR else b""
        if len(data) < size:
            stream.unread(mark + data)
            raise BrokenError("ends in the middle of a part" if data else "damaged part of the disk")
        stream.skip(-(12 + size) % SECTOR)
        if place != following:
            yield _HOLE
        following = place + grain // SECTOR
        out, good = _inflated(data, grain)
        produced += len(out)
        ratio_guard(context.limits, produced, stream.position)
        yield out if good else out + damaged()
    raise BrokenError("ends without its last mark")


def _inflated(data: bytes, most: int) -> tuple[bytes, bool]:
    """(what zlib packed, at most `most` bytes, whether that is all of it and whole)."""
    decoder = zlib.decompressobj()
    try:
        out = decoder.decompress(data, most)
    except zlib.error:
        return b"", False
    return out, decoder.eof or len(out) == most


# ---------------------------------------------------------------- .dmg
_ZERO, _RAW, _IGNORE, _ZLIB, _BZIP2, _LZMA = 0, 1, 2, 0x80000005, 0x80000006, 0x80000008
_COMMENT, _END = 0x7FFFFFFE, 0xFFFFFFFF
_NO_LIST = "a disk image of macOS without a list of its parts, scanned as bytes: what is compressed or encrypted in it is not seen"


def dmg(stream: Stream, context: Context) -> Iterator[Member]:
    """The partitions, as a property list at the end of the file says."""
    file, size = stream.file()
    file.seek(max(0, size - SECTOR))
    trailer = file.read(SECTOR)
    if trailer[:4] != b"koly":
        raise UnreadError(_NO_LIST)
    fork, = struct.unpack(">Q", trailer[24:32])
    at, length = struct.unpack(">QQ", trailer[216:232])
    for number, (name, table) in enumerate(_partitions(file, at, length)):
        yield Member(name or f"partition {number}", Pieces(_runs(file, fork, table, size, context)))


def _partitions(file: BinaryIO, at: int, length: int) -> list[tuple[str, bytes]]:
    import plistlib
    from xml.parsers.expat import ExpatError

    if not 0 < length <= LARGEST:
        raise BrokenError("has no list of its partitions")
    file.seek(at)
    try:
        listed: Any = plistlib.loads(file.read(length), fmt=plistlib.FMT_XML)
        blocks = listed["resource-fork"]["blkx"]
        return [(str(block.get("Name", "")), bytes(block["Data"])) for block in blocks]
    except (ExpatError, plistlib.InvalidFileException, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise BrokenError("damaged list of its partitions") from None


def _runs(file: BinaryIO, fork: int, table: bytes, size: int, context: Context) -> Iterator[bytes]:
    """What the runs of one partition hold."""
    if table[:4] != b"mish":
        raise BrokenError("damaged table of a partition")
    damaged, taken, produced = _Damage(context), 0, 0
    for at in range(204, len(table) - 39, 40):
        kind, _, _, sectors, offset, length = struct.unpack(">IIQQQQ", table[at : at + 40])
        if kind == _END:
            return
        if kind in (_ZERO, _IGNORE):
            yield _HOLE
        elif kind != _COMMENT:
            if fork + offset + length > size or length > LARGEST:
                yield damaged("a part lies behind the end of the file, or is too large")
                continue
            file.seek(fork + offset)
            if kind not in (_RAW, _ZLIB, _BZIP2, _LZMA):
                context.tell("unread", "", "a part is compressed in a way not read (LZFSE, ADC)")
                yield _HOLE
                continue
            out, good = _unpacked(kind, file.read(length), min(sectors * SECTOR, LARGEST))
            taken, produced = taken + length, produced + len(out)
            ratio_guard(context.limits, produced, taken)
            yield out if good else out + damaged()


def _unpacked(kind: int, data: bytes, most: int) -> tuple[bytes, bool]:
    """(a run, whether it is whole)."""
    if kind == _RAW:
        return data, True
    if kind == _ZLIB:
        return _inflated(data, most)
    try:
        decoder = bz2.BZ2Decompressor() if kind == _BZIP2 else lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=WINDOW)
        out = decoder.decompress(data, most)
    except (OSError, lzma.LZMAError, EOFError, ValueError):
        return b"", False
    return out, decoder.eof or len(out) == most


# ---------------------------------------------------------------- E01
_SECTION = struct.Struct("<16sQQ40xI")
_PACKED = 0x80000000


def ewf(stream: Stream, context: Context) -> Iterator[Member]:
    """One segment: what its header says, and the parts of the disk that it holds."""
    file, size = stream.file()
    sections = list(_sections(file, size))
    for kind, at, length in sections:
        if kind in (b"header", b"header2") and 0 < length <= LARGEST:
            file.seek(at)
            text, _ = _inflated(file.read(length), LARGEST)
            yield Member(kind.decode(), from_bytes(text), len(text))
    yield Member("disk", Pieces(_chunks(file, size, sections, context)))
    if not sections or sections[-1][0] not in (b"done", b"next"):
        raise BrokenError("ends without its last section")


def _sections(file: BinaryIO, size: int) -> Iterator[tuple[bytes, int, int]]:
    """(kind, where its data begins, how long that is), in order."""
    at = 13
    while at + _SECTION.size <= size:
        file.seek(at)
        raw = file.read(_SECTION.size)
        kind, following, length, checksum = _SECTION.unpack(raw)
        if zlib.adler32(raw[:72]) != checksum:
            return
        kind = kind.rstrip(b"\0")
        end = at + length if length >= _SECTION.size else following
        yield kind, at + _SECTION.size, max(0, min(end, size) - at - _SECTION.size)
        if following <= at or kind in (b"done", b"next"):
            return
        at = following


def _chunks(file: BinaryIO, size: int, sections: list[tuple[bytes, int, int]], context: Context) -> Iterator[bytes]:
    """The parts that the tables name, in order. A second copy of each table is passed over."""
    damaged, taken, produced, end = _Damage(context), 0, 0, size
    for kind, at, length in sections:
        if kind == b"sectors":
            end = at + length
        if kind != b"table":
            continue
        for start, stop, packed in _places(file, at, length, end):
            if not 0 < stop - start <= LARGEST:
                yield damaged("a part lies behind the end of the file, or is too large")
                continue
            file.seek(start)
            data = file.read(stop - start)
            out, good = _inflated(data, LARGEST) if packed else (data[:-4], True)
            taken, produced = taken + len(data), produced + len(out)
            ratio_guard(context.limits, produced, taken)
            yield out if good else out + damaged()


def _places(file: BinaryIO, at: int, length: int, end: int) -> Iterator[tuple[int, int, bool]]:
    """(start, end, packed or not) of the parts that a table names."""
    file.seek(at)
    count, base = struct.unpack("<I4xQ8x", file.read(24).ljust(24, b"\0"))
    if 4 * count > min(length, MOST_TABLE):
        raise BrokenError("damaged table of the disk's parts")
    raw = file.read(4 * count)
    entries = struct.unpack(f"<{len(raw) // 4}I", raw[: len(raw) // 4 * 4])
    for number, entry in enumerate(entries):
        start = base + (entry & ~_PACKED)
        stop = base + (entries[number + 1] & ~_PACKED) if number + 1 < len(entries) else end
        yield start, stop, bool(entry & _PACKED)
