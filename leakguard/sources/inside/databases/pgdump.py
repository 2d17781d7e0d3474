"""pg_dump's own formats: custom (-Fc), tar (-Ft), and the table of contents of a directory (-Fd).

Promises: no SQL is run; blocks are decompressed as they are pulled (zlib, lz4, zstd), under the limits of any
compressed data; the table of contents is scanned as text and believed for the names of tables and columns alone; rows
are read as COPY writes them, anything else (INSERT statements, large objects) as it stands.

Sources: PostgreSQL's src/bin/pg_dump/pg_backup_archiver.c (WriteHead, WriteToc), pg_backup_custom.c, pg_backup_tar.c,
versions 1.10 (PostgreSQL 8.0) to 1.16 of the format. Imported by `sources.inside.walk`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from leakguard.sources.inside.archives.codecs import Decoding, Deflate, Lz4
from leakguard.sources.inside.base import BrokenError, Context, Member, Pull, Stream, UnreadError, from_bytes
from leakguard.sources.inside.databases.records import Row, tables
from leakguard.sources.inside.databases.sqldump import copied, names_of

LONGEST_TOC = 64 * 1024 * 1024
LONGEST_STRING = 16 * 1024 * 1024
LONGEST_ROW = 64 * 1024 * 1024
MOST_ENTRIES = 2_000_000
_OLDEST, _NEWEST = (1, 10), (1, 16)
_CUSTOM, _TAR = 1, 3
_DATA, _BLOBS = 1, 3
_COPY = re.compile(r"COPY .*?\((.*)\) FROM stdin", re.DOTALL)
_MAGICS = {b"\x28\xb5\x2f\xfd": "zstd", b"\x04\x22\x4d\x18": "lz4"}


class Entry(NamedTuple):
    """What the table of contents says of one object."""

    ident: int
    name: str
    columns: list[str]
    file: str


class _Toc:
    """The header and table of contents, read from a stream; `raw` is all of it."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.raw = bytearray(stream.exactly(11))
        version = (self.raw[5], self.raw[6])
        self.int_size, self.offset_size, self.format = self.raw[8], self.raw[9], self.raw[10]
        if self.raw[:5] != b"PGDMP" or not 2 <= self.int_size <= 8 or not 4 <= self.offset_size <= 8:
            raise BrokenError("damaged header", bytes(self.raw))
        if not _OLDEST <= version <= _NEWEST:
            stream.unread(bytes(self.raw))
            raise UnreadError(f"version {version[0]}.{version[1]} of its format is not known")
        self.version = version
        self.compression = self._byte() if version >= (1, 15) else self._int()
        for _ in range(7):
            self._int()
        for _ in range(3):
            self._string()
        count = self._int()
        if not 0 <= count <= MOST_ENTRIES:
            raise BrokenError("damaged table of contents", bytes(self.raw))
        self.entries = [self._entry() for _ in range(count)]

    def _take(self, count: int) -> bytes:
        if len(self.raw) + count > LONGEST_TOC:
            raise BrokenError("damaged table of contents", bytes(self.raw))
        try:
            data = self.stream.exactly(count)
        except BrokenError as error:
            raise BrokenError(error.reason, bytes(self.raw)) from None
        self.raw += data
        return data

    def _byte(self) -> int:
        return self._take(1)[0]

    def _int(self) -> int:
        data = self._take(1 + self.int_size)
        value = int.from_bytes(data[1:], "little")
        return -value if data[0] else value

    def _string(self) -> str | None:
        length = self._int()
        if length < 0:
            return None
        if length > LONGEST_STRING:
            raise BrokenError("damaged table of contents", bytes(self.raw))
        return self._take(length).decode("utf-8", "replace")

    def _entry(self) -> Entry:
        """In the order of WriteToc."""
        ident = self._int()
        self._int()
        self._string()
        self._string()
        tag, _ = self._string(), self._string()
        if self.version >= (1, 11):
            self._int()
        self._string()
        self._string()
        copy = self._string() or ""
        namespace = self._string()
        self._string()  # tablespace
        if self.version >= (1, 14):
            self._string()
        if self.version >= (1, 16):
            self._int()
        self._string()
        self._string()
        while self._string() is not None:  # what it depends on
            pass
        file = ""
        if self.format == _CUSTOM:
            self._take(1 + self.offset_size)
        else:
            file = self._string() or ""
        found = _COPY.match(copy)
        columns = names_of(found[1].encode()) if found is not None else []
        return Entry(ident, f"{namespace}.{tag}" if namespace else tag or f"#{ident}", columns, file)


def custom(stream: Stream, context: Context) -> Iterator[Member]:
    """The custom format, or the table of contents of a directory, whose data lies beside it."""
    toc = _Toc(stream)
    yield Member("@toc", from_bytes(bytes(toc.raw)), len(toc.raw), kind="gap")
    if toc.format != _CUSTOM:
        return
    entries = {entry.ident: entry for entry in toc.entries}
    while kind := stream.some(1):
        if kind[0] not in (_DATA, _BLOBS):
            raise BrokenError("damaged data block", kind)
        blocks = _Blocks(stream, toc.int_size)
        ident = blocks.number()
        entry = entries.get(ident)
        name = entry.name if entry is not None else f"#{ident}"
        if kind[0] == _DATA:
            yield from _data(blocks, context, name, entry)
            continue
        while oid := blocks.number():
            blocks.ended = False
            yield from _data(blocks, context, f"{name}/{oid}", None)


def _data(blocks: _Blocks, context: Context, name: str, entry: Entry | None) -> Iterator[Member]:
    """One object's data, its compression undone."""
    source = Stream(blocks)
    pull = _plain(source, context)
    if entry is not None and entry.columns:
        yield from tables(entry.name, _rows(Stream(pull), entry, context))
    else:
        yield Member(name, pull)
    blocks.finish()


def _plain(source: Stream, context: Context) -> Pull:
    """What a compressed stream holds; the stream itself if it is none."""
    head = source.peek(4)
    kind = _MAGICS.get(head)
    if kind == "zstd":
        from leakguard.sources.inside.archives.zstdframes import Zstd

        return Zstd(source, _never, context.limits)
    if kind == "lz4":
        return Decoding(source, Lz4, _never, context)
    if len(head) > 1 and head[0] & 0x0F == 8 and int.from_bytes(head[:2], "big") % 31 == 0:
        return Decoding(source, lambda: Deflate(15), _never, context)
    return source.read


def _never(_stream: Stream) -> bool:
    return False


class _Blocks:
    """The chunks of one object: a length and so many bytes each, up to a length of zero."""

    def __init__(self, stream: Stream, int_size: int) -> None:
        self.stream = stream
        self.int_size = int_size
        self.left = 0
        self.ended = False

    def number(self) -> int:
        """The next integer."""
        data = self.stream.exactly(1 + self.int_size)
        value = int.from_bytes(data[1:], "little")
        return -value if data[0] else value

    def __call__(self, count: int) -> bytes:
        while not self.left:
            if self.ended:
                return b""
            self.left = self.number()
            if self.left < 0:
                raise BrokenError("damaged data block")
            self.ended = not self.left
        data = self.stream.read(min(count, self.left))
        if not data:
            raise BrokenError("ends in the middle of a data block")
        self.left -= len(data)
        return data

    def finish(self) -> None:
        """Passes over what was not pulled."""
        while self(1 << 18):
            pass


def _rows(stream: Stream, entry: Entry, context: Context) -> Iterator[Row]:
    """COPY's rows. What is no row of so many columns is handed on as a text."""
    rest = b""
    number = 0
    while True:
        try:
            data = stream.read(1 << 18)
        except Exception:
            yield Row(entry.name, [("text", rest)], (("table", entry.name),))
            raise
        rest += data
        if b"\n" not in data and data and len(rest) < LONGEST_ROW:
            continue
        lines = rest.split(b"\n")
        rest = lines.pop() if data else b""
        for line in lines:
            if line in (b"", b"\\."):
                continue
            number += 1
            cells = line.split(b"\t")
            facts = (("table", entry.name), ("row", str(number)))
            label = f"{entry.name}:{number}"
            if len(cells) == len(entry.columns):
                yield Row(label, zip(entry.columns, map(copied, cells), strict=True), facts)
            else:
                yield Row(label, [("text", line)], facts)
        if not data:
            return
        context.budget.spend(0)


def in_tar(stream: Stream, context: Context) -> Iterator[Member]:
    """The tar format: the table of contents first, then a file for each table."""
    from leakguard.sources.inside.archives.tars import tar

    files: dict[str, Entry] = {}
    for member in tar(stream, context):
        if member.name == "toc.dat" and not files:
            data = Stream(member.pull)
            try:
                toc = _Toc(data)
                files = {entry.file: entry for entry in toc.entries if entry.file}
                raw = bytes(toc.raw)
            except BrokenError as error:
                context.tell("failed", "toc.dat", f"pg_dump: {error.reason}")
                raw = error.unread
            yield Member("toc.dat", _both(raw, data), member.size)
            continue
        found = files.get(member.name)
        if found is not None and found.columns and member.kind == "member":
            yield from tables(f"{member.name}/{found.name}", _rows(Stream(member.pull), found, context))
        else:
            yield member


def _both(raw: bytes, rest: Stream) -> Pull:
    first = from_bytes(raw)
    return lambda count: first(count) or rest.read(count)


def in_folder(stream: Stream, context: Context) -> Iterator[Member]:
    """A table's data in the directory format; its columns are told by the `toc.dat` beside it."""
    entry = _beside(context)
    if entry is not None and entry.columns:
        yield from tables(entry.name, _rows(stream, entry, context))
        return
    last = b""

    def read(count: int) -> bytes:
        nonlocal last
        data = stream.read(count)
        last = (last + data)[-16:]
        return data

    yield Member("", read, kind="text")
    if last.rstrip(b"\n").endswith(b"\n\\."):  # else it is called like a table, and is none
        context.tell("unread", "", "pg_dump: a table whose columns' names (toc.dat) do not lie beside it in a folder: "
                     "what is a secret by its name alone is not seen")  # fmt: skip


def _beside(context: Context) -> Entry | None:
    """What the table of contents in the container's folder says of it."""
    opened = context.beside("toc.dat") if context.beside is not None else None
    if opened is None:
        return None
    name = context.name.rsplit("/", 1)[-1].partition(".")[0] + ".dat"
    with opened:
        try:
            toc = _Toc(Stream(lambda count: opened.read(count) or b""))
        except (BrokenError, UnreadError):
            return None  # it is told where that file is read
    return next((entry for entry in toc.entries if entry.file == name), None)
