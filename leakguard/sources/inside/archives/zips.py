"""zip and what is one (jar, war, apk, ipa, whl, egg, crx, vsix, docx): by its index and by what is really there.

Promises: the central directory is read as a stream of records, not into memory; what lies between the members it
names (hidden members with a local header of their own, data before, between and behind) is found and read, so a file
that two readers understand differently is read both ways; members that share bytes are told; encrypted ones, spanned
archives and wrong checksums are told. A damaged or missing index ends in a search for local headers.

Why not `zipfile`: it holds the whole index in memory, believes it alone, and reads what it says even where two members
overlap. Imported by `sources.inside.walk`.
"""

from __future__ import annotations

import lzma
import struct
import zlib
from array import array
from collections.abc import Generator, Iterator
from functools import partial
from itertools import chain
from typing import BinaryIO, NamedTuple

from leakguard.sources.inside.archives.codecs import ERRORS, Decoder, raw_decoder
from leakguard.sources.inside.archives.zstdframes import WINDOW, Zstd
from leakguard.sources.inside.base import (
    CHUNK,
    BrokenError,
    Context,
    Member,
    Pieces,
    Pull,
    Stream,
    UnreadError,
    from_file,
    ratio_guard,
)

END = b"PK\5\6"
LOCAL = b"PK\3\4"
CENTRAL = b"PK\1\2"
EXTRA_USUAL = 128
"""Bytes of extra fields that tools write; more may be anything, and is scanned."""
_FAMILIES = frozenset({b"word/", b"xl/", b"ppt/", b"visio/"})
_PARTS = _FAMILIES | {b"[Content_Types].xml", b"mimetype", b"content.xml"}
"""Names in an index that tell an office document from other zips."""
_TAIL = 65_557
_ZIP64 = 0xFFFFFFFF


class Index(NamedTuple):
    """Where the central directory is, and what has to be added to the offsets in it."""

    start: int
    size: int
    shift: int
    end: int
    """Where the archive ends: behind the end record and its comment."""
    comment: bool
    spanned: bool


class Entry(NamedTuple):
    """One member, by the index or by its local header."""

    name: str
    start: int
    """Offset of the local header."""
    packed: int
    size: int
    method: int
    flags: int
    crc: int
    hidden: bool = False
    data: int = 0
    """Offset of the data, for a hidden one."""


def zip_file(stream: Stream, context: Context) -> Iterator[Member]:
    """All members, then all gaps."""
    file, size = stream.file()
    archive = Zip(file, size, context)
    if context.name.endswith(".aff4"):  # its members are stored, and their chunks packed
        context.tell("unread", "", "an image of evidence (AFF4): what is compressed in its chunks is not seen")
    kind = archive.document()
    if kind:
        from leakguard.sources.inside.documents.office import document

        yield from document(archive, kind, context)
    else:
        yield from archive.members()


class Zip:
    """One archive being read."""

    def __init__(self, file: BinaryIO, size: int, context: Context) -> None:
        self.file = file
        self.raw: BinaryIO = getattr(file, "file", file)
        """To look for something: what is read here does not count as read."""
        self.size = size
        self.context = context
        self.starts = array("Q")
        self.ends = array("Q")
        self.commented = False
        self.reach = 0
        self.disks: list[int] = getattr(file, "starts", [0])
        """Where each part of a spanned archive begins, the parts joined."""

    def members(self) -> Iterator[Member]:
        """All members by the index; by their own heads where it is missing or lies. BrokenError."""
        index = self._index()
        if index is None:
            if self.file.seek(0) == 0 and self.file.read(4) == b"PK\7\x08":
                self.context.tell("failed", "", "zip: first part of a spanned archive; scan the parts joined")
            else:
                self.context.tell("failed", "", "zip: no index: the file is cut off or damaged")
        else:
            if index.spanned and len(self.disks) < 2:
                self.context.tell("failed", "", "zip: last part of a spanned archive; scan the parts joined")
            yield from self._listed(index)
            if index.comment or self.commented:
                self._covered(index.start, index.start)  # and so a gap
            else:
                behind = index.start + index.size
                self._covered(index.start, index.end)
                self._at(behind, index.end - behind)
        yield from self._gaps()

    def document(self) -> str:
        """What kind of office document the archive is; "" for nearly all."""
        index = self._index()
        if index is None or self.size < 64:
            return ""
        if b"application/vnd.oasis.opendocument" in (head := self._look(0, 128)) or b"vnd.sun.xml" in head:
            return "odf"
        names = Stream(from_file(self.file, index.start, index.size))
        seen: set[bytes] = set()
        before = b""
        while piece := names.read(CHUNK):
            data = before + piece
            seen.update(name for name in _PARTS if name in data)
            before = piece[-32:]
        if b"[Content_Types].xml" in seen and seen & _FAMILIES:
            return "ooxml"
        return "odf" if {b"mimetype", b"content.xml"} <= seen else ""

    def named(self, names: set[str]) -> Iterator[tuple[str, Pull]]:
        """(name, content) of those members of the index that have one of these names, whatever their case."""
        index = self._index()
        for entry in self._records(index) if index is not None else ():
            if entry.name.lower() not in names or entry.flags & 1 or not entry.packed:
                continue
            local = self._at(entry.start, 30) if 0 <= entry.start <= self.size - 30 else b""
            if local[:4] == LOCAL:
                name_size, extra_size = struct.unpack("<HH", local[26:30])
                data = entry.start + 30 + name_size + extra_size
                packed = min(entry.packed, max(0, self.size - data))
                try:
                    content = Content(from_file(self.file, data, packed), entry._replace(packed=packed), self.context)
                except UnreadError:
                    continue  # it is told when the member itself comes
                yield entry.name, content

    # ------------------------------------------------------------ the index
    def _index(self) -> Index | None:
        """The last end record that a directory stands before."""
        low = max(0, self.size - _TAIL - CHUNK)  # some data may hang behind it
        tail = self._look(low, self.size - low)
        at = len(tail)
        while (at := tail.rfind(END, 0, at)) >= 0:
            record = tail[at : at + 22]
            if len(record) == 22:
                found = self._end_record(low + at, record)
                if found is not None:
                    return found
        return None

    def _end_record(self, at: int, record: bytes) -> Index | None:
        disk, first, here, total, size, offset, comment = struct.unpack("<HHHHIIH", record[4:])
        directory_end = at
        spanned = disk not in (0, 0xFFFF) or first not in (0, 0xFFFF) or total not in (here, 0xFFFF)
        start = at - size
        wide_needed = _ZIP64 in (size, offset) or 0xFFFF in (here, total)
        # `zip` to a pipe writes a wide record between, whose values the short one holds as well
        if wide_needed or start < 0 or (size and self._at(start, 4) != CENTRAL):
            locator = self._at(at - 20, 20) if at >= 20 else b""
            if locator[:4] == b"PK\6\7":
                where = struct.unpack("<Q", locator[8:16])[0]
                for place in (where, at - 76):  # a prefix moves it
                    wide = self._at(place, 56) if 0 <= place <= at - 56 else b""
                    if wide[:4] == b"PK\6\6":
                        size, offset = struct.unpack("<QQ", wide[40:56])
                        spanned = struct.unpack("<II", wide[16:24]) != (0, 0)
                        directory_end = place
                        break
        start = directory_end - size
        if start < 0 or (size and self._at(start, 4) != CENTRAL):
            return None
        return Index(start, size, start - offset, min(self.size, at + 22 + comment), comment > 0, spanned)

    def _records(self, index: Index) -> Iterator[Entry]:
        """The index, record by record."""
        pull = from_file(self.file, index.start, index.size)
        stream = Stream(pull)
        while len(head := stream.some(46)) == 46 and head[:4] == CENTRAL:
            (flags, method, _time, crc, packed, size, name_size, extra_size, comment_size) = struct.unpack(
                "<HHIIIIHHH", head[8:34]
            )
            disk, start = struct.unpack("<H6xI", head[34:46])
            name = stream.some(name_size)
            extra = stream.some(extra_size)
            self.commented = self.commented or comment_size > 0
            stream.skip(comment_size)
            self.commented = self.commented or extra_size > EXTRA_USUAL
            if _ZIP64 in (packed, size, start):
                size, packed, start = _wide(extra, size, packed, start)
            shift = self.disks[min(disk, len(self.disks) - 1)] if index.spanned else index.shift
            yield Entry(_name(name, flags), start + shift, packed, size, method, flags, crc)
        if head:
            self.context.tell("failed", "", f"zip: damaged index at byte {index.start + stream.position - len(head)}")

    def _listed(self, index: Index) -> Iterator[Member]:
        """What the index names."""
        for entry in self._records(index):
            local = self._at(entry.start, 30) if 0 <= entry.start <= self.size - 30 else b""
            if local[:4] != LOCAL:
                self.context.named(entry.name)
                self.context.tell("failed", entry.name, "zip: the index names a place where no member is")
                continue
            name_size, extra_size = struct.unpack("<HH", local[26:30])
            data = entry.start + 30 + name_size + extra_size
            facts: tuple[tuple[str, str], ...] = ()
            own = _name(self._at(entry.start + 30, name_size), entry.flags)
            if own != entry.name:
                if "\0" not in own:  # else it is damage: the length of a name, and content in it
                    self.context.named(own)
                facts = (("local_name", own[:256]),)
            if data > self.size:
                self.context.named(entry.name)
                self.context.tell("failed", entry.name, "zip: damaged local header")
                continue
            if not entry.packed and _has_content(local):
                self.context.named(entry.name)
                continue  # the index says that nothing is there, the member itself says otherwise: a gap, and so read
            if self._covered(entry.start, data + entry.packed):
                facts += (("overlap", "shares bytes with another member"),)
            if extra_size > EXTRA_USUAL:
                extra = data - extra_size
                yield Member(f"@{extra}", from_file(self.file, extra, extra_size), extra_size, "gap")
            yield from self._member(entry, data, facts)

    # ------------------------------------------------------------ members
    def _member(self, entry: Entry, data: int, facts: tuple[tuple[str, str], ...]) -> Iterator[Member]:
        if data + entry.packed > self.size:
            self.context.tell("failed", entry.name, "zip: member ends behind the end of the archive")
            entry = entry._replace(packed=max(0, self.size - data))
        if entry.flags & 1 or entry.method == 99:
            self.context.named(entry.name)
            self.context.tell("failed", entry.name, "zip: encrypted")
            return
        if not entry.packed:
            self.context.named(entry.name)
            if entry.size:
                self.context.tell("failed", entry.name, "zip: says what it holds, and that nothing is there")
            self.context.budget.member()  # an empty one: nothing to read, but not for nothing
            return
        packed = from_file(self.file, data, entry.packed)
        try:
            content = Content(packed, entry, self.context)
        except UnreadError as error:
            self.context.named(entry.name)
            self.context.tell("unread", entry.name, f"zip: {error.reason}")
            return
        yield Member(entry.name, content, entry.size, facts=facts)
        if content.finished and content.left:
            behind = data + entry.packed - content.left
            yield Member(f"@{behind}", from_file(self.file, behind, content.left), content.left, "gap")

    def _covered(self, start: int, end: int) -> bool:
        """Notes a run as read; whether it shares bytes with the one noted before or with what is behind it."""
        self.starts.append(max(0, start))
        self.ends.append(min(self.size, max(start, end)))
        overlap = start < self.reach
        self.reach = max(self.reach, end)
        return overlap

    # ------------------------------------------------------------ what the index does not name
    def _gaps(self) -> Iterator[Member]:
        order: list[int] | range = range(len(self.starts))
        if any(self.starts[i] > self.starts[i + 1] for i in range(len(self.starts) - 1)):
            order = sorted(order, key=self.starts.__getitem__)
        at = 0
        for number in order:
            if self.starts[number] > at:
                yield from self._gap(at, self.starts[number])
            at = max(at, self.ends[number])
        if at < self.size:
            yield from self._gap(at, self.size)

    def _gap(self, low: int, high: int) -> Iterator[Member]:
        """Hidden members in [low, high), and the bytes around them."""
        if high - low in (16, 24) and self._at(low, high - low)[:4] == b"PK\7\x08":
            return  # the descriptor behind a member that was written as a stream
        at = low
        while at < high:
            header = self._find(LOCAL, at, high)
            entry = self._local(header, high) if header < high else None
            while header < high and entry is None:
                header = self._find(LOCAL, header + 4, high)
                entry = self._local(header, high) if header < high else None
            if header > at:
                yield Member(f"@{at}", from_file(self.file, at, header - at), header - at, "gap")
            if entry is None:
                return
            at = yield from self._hidden(entry, high)

    def _hidden(self, entry: Entry, high: int) -> Generator[Member, None, int]:
        """A member by its local header; returns where it ends."""
        known = entry.packed or not entry.flags & 8
        room = high - entry.data
        packed = min(entry.packed, room) if known else room
        if entry.flags & 1 or entry.method == 99:
            self.context.named(entry.name)
            self.context.tell("failed", entry.name, "zip: encrypted")
            return entry.data + (packed if known else 0)
        if not packed:
            self.context.named(entry.name)
            return entry.data
        if not known:
            entry = entry._replace(crc=0, size=-1)
        try:
            content = Content(from_file(self.file, entry.data, packed), entry._replace(packed=packed), self.context)
        except UnreadError as error:
            self.context.named(entry.name)
            self.context.tell("unread", entry.name, f"zip: {error.reason}")
            return entry.data + (packed if known else 0)
        yield Member(entry.name, content, entry.size, facts=(("hidden", "not in the archive's index"),))
        if known:
            return entry.data + packed
        end = entry.data + packed - content.left if content.finished else high
        return end + 16 if self._at(end, 16)[:4] == b"PK\7\x08" else end

    def _local(self, at: int, high: int) -> Entry | None:
        """The local header at `at`, if it is believable."""
        head = self._at(at, 30)
        if len(head) < 30:
            return None
        (version, flags, method, _time, crc, packed, size, name_size, extra_size) = struct.unpack(
            "<HHHIIIIHH", head[4:]
        )
        data = at + 30 + name_size + extra_size
        if version & 0xFF > 63 or not 0 < name_size <= 4096 or data > high or method > 99:
            return None
        if flags & 8 and not packed and method == 0:
            return None  # stored, of a length that nobody says: its bytes stand there anyway
        raw = self._at(at + 30, name_size + extra_size)
        if _ZIP64 in (packed, size):
            size, packed, _ = _wide(raw[name_size:], size, packed, 0)
        return Entry(_name(raw[:name_size], flags), at, packed, size, method, flags, crc, True, data)

    def _find(self, what: bytes, low: int, high: int) -> int:
        """Where `what` comes next in [low, high); `high` if nowhere."""
        while low < high:
            data = self._look(low, min(CHUNK, high - low))
            found = data.find(what)
            if found >= 0:
                return low + found
            if low + len(data) >= high or not data:
                return high
            low += len(data) - len(what) + 1
        return high

    def _look(self, offset: int, count: int) -> bytes:
        self.raw.seek(offset)
        return self.raw.read(count)

    def _at(self, offset: int, count: int) -> bytes:
        self.file.seek(offset)
        return self.file.read(count)


class Content:
    """A member's content, to be pulled. Once `finished`, `left` packed bytes lie behind the end of the compressed data."""

    def __init__(self, packed: Pull, entry: Entry, context: Context) -> None:
        self.packed = packed
        self.entry = entry
        self.limits = context.limits
        self.left = entry.packed
        self.produced = 0
        self.crc = 0
        self.finished = False
        self.checked = False
        self.source: Stream | None = None
        self.decoder: Decoder | None = None
        self.pull: Pull = packed
        if entry.method == 14:
            self._lzma_head()
        elif entry.method in (20, 93):
            source = Stream(packed)
            self.pull = Zstd(source, lambda _: False, context.limits)
            self.source = source
        elif entry.method == 98:
            self.pull = Pieces(_by_child("zip-ppmd", packed, entry, context))
        else:
            make = raw_decoder(entry.method)
            self.decoder = make() if make is not None else None

    @property
    def taken(self) -> int:
        """Packed bytes read so far."""
        return self.entry.packed - self.left

    def _lzma_head(self) -> None:
        """LZMA1 without a header of its own: version, length of the properties, properties."""
        head = self.packed(9)
        self.left -= len(head)
        if len(head) < 9 or head[2:4] != b"\5\0" or head[4] >= 225:
            raise UnreadError("damaged LZMA properties")
        size = int.from_bytes(head[5:9], "little")
        if size > WINDOW // 2:
            raise UnreadError("needs a larger window than is allowed")
        rest, lc = divmod(head[4], 9)
        pb, lp = divmod(rest, 5)
        if lc + lp > 4:
            raise UnreadError("damaged LZMA properties")
        filters = [{"id": lzma.FILTER_LZMA1, "dict_size": max(4096, size), "lc": lc, "lp": lp, "pb": pb}]
        self.decoder = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters)

    def __call__(self, count: int) -> bytes:
        while not self.finished:
            out = self._stored(count) if self.decoder is None else self._decoded(self.decoder, count)
            if out:
                self.produced += len(out)
                self.crc = zlib.crc32(out, self.crc)
                ratio_guard(self.limits, self.produced, self.taken)
                return out
        if not self.checked:
            self.checked = True
            self._check()
        return b""

    def _stored(self, count: int) -> bytes:
        data = self.pull(count)
        self.left = self.left - len(data) if self.source is None else self.entry.packed - self.source.position
        self.finished = not data
        return data

    def _decoded(self, decoder: Decoder, count: int) -> bytes:
        data = b""
        if decoder.needs_input:
            data = self.packed(CHUNK // 4)
            self.left -= len(data)
            if not data and self.entry.method != 14:
                raise BrokenError("zip: compressed data ends early")
        try:
            out = decoder.decompress(data, min(count, CHUNK))
        except BrokenError as error:
            raise BrokenError(f"zip: {error.reason}") from None
        except ERRORS:
            raise BrokenError("zip: damaged compressed data") from None
        if decoder.eof:
            self.left += len(decoder.unused_data)
            self.finished = True
        elif not data and not out and self.entry.method == 14:
            self.finished = True  # LZMA in a zip need not have an end mark
        return out

    def _check(self) -> None:
        if self.entry.size >= 0 and (self.entry.crc != self.crc or self.entry.size != self.produced):
            raise BrokenError("zip: content is not what the archive says of it (checksum or length)")


def _by_child(kind: str, packed: Pull, entry: Entry, context: Context) -> Iterator[bytes]:
    """The content of a member whose decoder is foreign, in a process of its own."""
    from leakguard.sources.inside.child import parsed

    size = entry.size if entry.size >= 0 else 0
    data = Stream(Pieces(chain((size.to_bytes(8, "little"),), iter(partial(packed, CHUNK), b""))))
    try:
        for member in parsed(kind, data, context):
            while piece := member.pull(CHUNK):
                yield piece
    finally:
        data.close()


def _wide(extra: bytes, size: int, packed: int, start: int) -> tuple[int, int, int]:
    """64-bit values of an extra field, for those of 32 bits that say so."""
    at = 0
    while at + 4 <= len(extra):
        ident, length = struct.unpack("<HH", extra[at : at + 4])
        if ident == 1:
            field = extra[at + 4 : at + 4 + length]
            values = list(struct.unpack(f"<{len(field) // 8}Q", field[: len(field) // 8 * 8]))
            size = values.pop(0) if size == _ZIP64 and values else size
            packed = values.pop(0) if packed == _ZIP64 and values else packed
            start = values.pop(0) if start == _ZIP64 and values else start
            break
        at += 4 + length
    return size, packed, start


def _has_content(local: bytes) -> bool:
    """Whether a local header says that data follow: so many, or compressed ones of a length that stands behind them."""
    flags, method, packed = struct.unpack("<HH8xI", local[6:22])
    return bool(packed or (flags & 8 and method))


def _name(raw: bytes, flags: int) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("utf-8", "surrogateescape") if flags & 0x800 else raw.decode("cp437")
