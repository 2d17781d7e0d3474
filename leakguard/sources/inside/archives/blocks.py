"""Disks of virtual machines that grow as they are written: VirtualBox' VDI, Microsoft's VHD and VHDX, VMware's sparse VMDK.

Promises: their blocks are handed out in the order of the disk, so that a secret over the border of two is seen; what the image
stores and no more, so holes cost nothing; a block that is named twice, or overlaps another, comes once. Tables are left in the
stream, and so is what no table names (blocks that were given up): the walk scans both as they stand. That a disk lies upon
another file is told, unless that file lies beside it.

Sources: VirtualBox' VDICore.h; Microsoft's Virtual Hard Disk Image Format Specification, and [MS-VHDX]; VMware's Virtual Disk
Format 5.0 (and its 1.1 for `COWD`). Imported by `sources.inside.walk`.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from leakguard.sources.inside.base import BrokenError, Context, Member, Pieces, Stream, from_bytes

SECTOR = 512
PIECE = 1024 * 1024
"""Bytes read at a time: blocks that follow one another are read as one, longer ones in pieces."""
MOST_TABLE = 256 * 1024 * 1024
"""Bytes of a table: enough for 64 TiB in blocks of 1 MiB."""
LARGEST = 256 * 1024 * 1024
"""Bytes of a block, as VHDX has it."""
STEP = 65_536
"""Bytes of a table that are looked at at a time."""
_HOLE = bytes(SECTOR)
_HIGH = 0xFFFF_FFFF
BASE = "a disk that lies upon another, which holds what was not changed: scan that one, too"

Block = tuple[int, int, int]
"""(offset on the disk, offset in the file, bytes)."""


class Image:
    """One image: its file, and the blocks of it that came."""

    def __init__(self, stream: Stream, context: Context) -> None:
        self.file, self.size = stream.file()
        self.raw: BinaryIO = getattr(self.file, "file", self.file)
        """For tables: what is read here is scanned as it stands, so that nothing hides in one."""
        self.context = context
        self.damaged = False

    def look(self, at: int, count: int) -> bytes:
        """Bytes of a header or a table; fewer at the end of the file."""
        if not 0 <= at <= self.size:
            return b""
        self.raw.seek(at)
        return self.raw.read(count)

    def table(self, at: int, count: int, form: str) -> Iterator[int]:
        """`count` numbers of a table, each of the form `form`."""
        width = struct.calcsize(form)
        if at <= 0 or count * width > MOST_TABLE or at + count * width > self.size:
            raise BrokenError("damaged table of the disk's blocks")
        for start in range(0, count * width, STEP):
            part = self.look(at + start, min(STEP, count * width - start))
            for (number,) in struct.iter_unpack(form, part):
                yield number

    def disk(self, blocks: Iterable[Block], unit: int) -> Member:
        """The disk. `unit`: bytes of a block, of which no two that are whole begin nearer to each other."""
        if not SECTOR <= unit <= LARGEST or unit % SECTOR:
            raise BrokenError("damaged header")
        return Member("disk", Pieces(self._pieces(self._runs(blocks, unit))))

    def _runs(self, blocks: Iterable[Block], unit: int) -> Iterator[Block]:
        """Blocks, those that follow one another as one."""
        came = bytearray(self.size // unit // 8 + 1)
        run: Block | None = None
        for disk, place, length in blocks:
            if place <= 0 or place + SECTOR > self.size:
                self.tell("a part lies behind the end of the file")
                continue
            byte, bit = divmod(place // unit, 8)
            if came[byte] >> bit & 1:
                continue
            came[byte] |= 1 << bit
            if run is not None and run[0] + run[2] == disk and run[1] + run[2] == place:
                run = run[0], run[1], run[2] + length
                continue
            if run is not None:
                yield run
            run = disk, place, length
        if run is not None:
            yield run

    def _pieces(self, runs: Iterable[Block]) -> Iterator[bytes]:
        following = 0
        for disk, place, length in runs:
            if disk != following:
                yield _HOLE
            following = disk + length
            for at in range(place, place + length, PIECE):
                self.file.seek(at)
                piece = self.file.read(min(PIECE, place + length - at))
                if piece:
                    yield piece
            if place + length > self.size:
                self.tell("a part lies behind the end of the file")

    def tell(self, reason: str) -> None:
        """Once: a table that is damaged may be so in every entry."""
        if not self.damaged:
            self.context.tell("failed", "", reason)
        self.damaged = True



def upon(context: Context, paths: list[str]) -> None:
    """Tells of the file below, by the first name that the paths lead to, unless one of them lies beside this."""
    names = [name for path in paths if (name := re.split(r"[/\\]", path)[-1].strip())]
    beside = context.beside or (lambda _name: None)
    for name in names:
        if (handle := beside(name)) is not None:
            handle.close()
            return
    context.tell("unread", names[0] if names else "", BASE)


# ---------------------------------------------------------------- VirtualBox
def vdi(stream: Stream, context: Context) -> Iterator[Member]:
    """A table of the numbers of blocks, which stand one behind the other."""
    image = Image(stream, context)
    head = image.look(0, SECTOR)
    if len(head) < SECTOR:
        raise BrokenError("damaged header")
    kind, = struct.unpack_from("<I", head, 76)
    table, data = struct.unpack_from("<II", head, 340)
    unit, extra, count = struct.unpack_from("<III", head, 376)
    if kind == 4:
        upon(context, [])
    if extra > unit:
        raise BrokenError("damaged header")
    numbers = enumerate(image.table(table, count, "<I"))
    places = ((n * unit, data + number * (unit + extra) + extra, unit) for n, number in numbers if number < _HIGH - 1)
    yield image.disk(places, unit)


# ---------------------------------------------------------------- VHD
def vhd(stream: Stream, context: Context) -> Iterator[Member]:
    """A copy of the footer, a header, a table of sectors; each block has a bitmap before it."""
    image = Image(stream, context)
    footer = image.look(0, SECTOR)
    at, = struct.unpack_from(">Q", footer.ljust(SECTOR, b"\0"), 16)
    head = image.look(at, 1024)
    if head[:8] != b"cxsparse" or len(head) < 1024:
        raise BrokenError("has no header")
    table, _, count, unit = struct.unpack_from(">QIII", head, 16)
    if footer[60:64] == b"\0\0\0\4":
        upon(context, [head[64:576].decode("utf-16-be", "replace").rstrip("\0")])
    bitmap = -(-unit // SECTOR // 8 // SECTOR) * SECTOR

    def places() -> Iterator[Block]:
        for number, sector in enumerate(image.table(table, count, ">I")):
            if sector != _HIGH:
                _pass_bits(image, sector * SECTOR, bitmap)
                yield number * unit, sector * SECTOR + bitmap, unit

    yield image.disk(places(), unit)


def _pass_bits(image: Image, at: int, count: int) -> None:
    """Counts the bitmap before a block as read, where it says that all of it or nothing is there: it holds no text."""
    bits = image.look(at, min(count, STEP))
    if bits.strip(b"\xff") == b"" or bits.strip(b"\0") == b"":
        image.file.seek(at)
        image.file.read(len(bits))


# ---------------------------------------------------------------- VHDX
_REGIONS = (192 * 1024, 256 * 1024)
_BAT = bytes.fromhex("6677c22d23f600429d64115e9bfd4a08")
_METADATA = bytes.fromhex("06a27c8b90479a4bb8fe575f050f886e")
_PARAMETERS = bytes.fromhex("3767a1ca36fa434db3b633f0aa44e76b")
_LENGTH = bytes.fromhex("2442a52f1bcd7648b2115dbed83bf4b8")
_SECTORS = bytes.fromhex("1dbf41816fa90947ba47f233a8faab5f")
_PARENT = bytes.fromhex("2d5fd3a80bb34d45abf7d3d84834ab0c")
_WHOLE, _PARTLY = 6, 7


def vhdx(stream: Stream, context: Context) -> Iterator[Member]:
    """Regions: metadata, and a table of blocks, between which stand bitmaps of those that are there in part."""
    image = Image(stream, context)
    regions = next((found for at in _REGIONS if (found := _listed(image.look(at, STEP), b"regi", 16))), {})
    if _BAT not in regions or _METADATA not in regions:
        raise BrokenError("has no list of its regions")
    base, = struct.unpack_from("<Q", regions[_METADATA])
    items = _listed(image.look(base, STEP), b"metadata", 32)

    def item(key: bytes, least: int, most: int = STEP) -> bytes:
        at, length = struct.unpack_from("<II", items.get(key, bytes(8)))
        data = image.look(base + at, min(length, most)) if at else b""
        return data if len(data) >= least else bytes(least)

    unit, flags = struct.unpack_from("<II", item(_PARAMETERS, 8))
    length, = struct.unpack_from("<Q", item(_LENGTH, 8))
    sector, = struct.unpack_from("<I", item(_SECTORS, 4))
    if sector not in (512, 4096) or unit < PIECE or unit & (unit - 1):
        raise BrokenError("damaged list of its properties")
    if flags & 2:
        upon(context, _parents(item(_PARENT, 20)))
    chunk = (sector << 23) // unit
    count = -(-length // unit)
    table, room = struct.unpack_from("<QI", regions[_BAT])
    count = min(count + (count - 1) // chunk, room // 8) if count else 0

    def places() -> Iterator[Block]:
        for index, entry in enumerate(image.table(table, count, "<Q")):
            number, bits = divmod(index, chunk + 1)
            if bits < chunk and entry & 7 in (_WHOLE, _PARTLY):
                yield (number * chunk + bits) * unit, entry >> 20 << 20, unit

    yield image.disk(places(), unit)


def _listed(data: bytes, mark: bytes, header: int) -> dict[bytes, bytes]:
    """identifier -> what follows it, of a list of regions or of metadata: both have entries of 32 bytes."""
    if not data.startswith(mark):
        return {}
    at = 8
    count = int.from_bytes(data[at : at + 4], "little") if header == 16 else int.from_bytes(data[10:12], "little")
    entries = (data[place : place + 32] for place in range(header, header + 32 * min(count, 2047), 32))
    return {entry[:16]: entry[16:] for entry in entries if len(entry) == 32}


def _parents(locator: bytes) -> list[str]:
    """Paths of the file below, as the locator has them: keys and values in UTF-16."""
    out = []
    for number in range(min(int.from_bytes(locator[18:20], "little"), 64)):
        entry = locator[20 + 12 * number : 32 + 12 * number].ljust(12, b"\0")
        key, value, key_size, value_size = struct.unpack("<IIHH", entry)
        if locator[key : key + key_size].decode("utf-16-le", "replace").endswith("path"):
            out.append(locator[value : value + value_size].decode("utf-16-le", "replace"))
    return out


# ---------------------------------------------------------------- VMware
_HINT = re.compile(rb'^parentFileNameHint\s*=\s*"([^"\r\n]{1,1024})"', re.MULTILINE)
_OWN = re.compile(rb"^parentCID\s*=\s*f{8}\s*$", re.MULTILINE | re.IGNORECASE)


def vmdk(stream: Stream, context: Context) -> Iterator[Member]:
    """A directory of tables of grains, all in sectors. Its text says whether it lies upon another."""
    image = Image(stream, context)
    head = image.look(0, SECTOR)
    if len(head) < SECTOR:
        raise BrokenError("damaged header")
    if head[:4] == b"COWD":
        length, grain, directory = struct.unpack_from("<III", head, 12)
        yield image.disk(_grains(image, length, grain, 4096, directory), grain * SECTOR)
        return
    length, grain, at, size, entries, copy, directory = struct.unpack_from("<QQQQIQQ", head, 12)
    if at and 0 < size * SECTOR <= MOST_TABLE:
        image.file.seek(at * SECTOR)
        text = image.file.read(min(size * SECTOR, PIECE)).strip(b"\0")
        yield Member("descriptor", from_bytes(text), len(text))
        if b"parentCID" in text and not _OWN.search(text):
            upon(context, [name.decode("utf-8", "replace") for name in _HINT.findall(text)])
    directory = copy if directory in (0, (1 << 64) - 1) else directory
    yield image.disk(_grains(image, length, grain, entries, directory), grain * SECTOR)


def _grains(image: Image, length: int, grain: int, entries: int, directory: int) -> Iterator[Block]:
    """Grains of a disk of `length` sectors, `entries` of them in each table."""
    if not (0 < grain <= LARGEST // SECTOR and 0 < entries <= 1 << 16):
        raise BrokenError("damaged header")
    tables = -(-length // (grain * entries))
    for number, table in enumerate(image.table(directory * SECTOR, tables, "<I")):
        if not table:
            continue
        if (table + -(-entries * 4 // SECTOR)) * SECTOR > image.size:
            image.tell("damaged table of the disk's blocks")
            continue
        for index, place in enumerate(image.table(table * SECTOR, entries, "<I")):
            if place > 1:
                yield (number * entries + index) * grain * SECTOR, place * SECTOR, grain * SECTOR
