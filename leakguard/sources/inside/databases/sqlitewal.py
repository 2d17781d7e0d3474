"""SQLite's write-ahead log and rollback journal: every page in them, those of checkpoints and transactions past, too.

Promises: nothing is rolled back, replayed or written; each frame is read once; a row that stands in several frames is
given once; rows carry the fact `frame`, and those of frames that the log has left behind `old`. What no row covers is
one member, `@free`. A log lies beside its database and is read by itself, as a backup may have lost the other: columns
have names where the log holds the schema, and are c1, c2 ... where it does not.

Source: https://www.sqlite.org/fileformat2.html, sections 3 (journal) and 4 (WAL).
Imported by `sources.inside.walk`.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator
from typing import BinaryIO, cast

from leakguard.sources.inside.base import BrokenError, Context, Member, Stream
from leakguard.sources.inside.databases.records import Facts, Row, tables
from leakguard.sources.inside.databases.sqlite import LARGEST, Database
from leakguard.sources.inside.databases.sqlitecarve import KINDS
from leakguard.sources.inside.databases.sqlitepages import (
    INTERIOR,
    LEAF,
    MAGIC,
    Cell,
    Format,
    Page,
    Table,
    format_of,
    page_of,
    record_of,
    table_of,
    values_of,
)

JOURNAL = b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7"
_FRAME = 24


def wal(stream: Stream, context: Context) -> Iterator[Member]:
    """A write-ahead log: its frames, one behind the other."""
    file, size = stream.file()
    file.seek(0)
    head = file.read(32)
    page_size = _page_size(head[8:12])
    if len(head) < 32 or not page_size:
        raise BrokenError("damaged header")
    log = _Log(file, size, page_size, context)
    at, salts = 32, head[16:24]
    while at + _FRAME + page_size <= size:
        context.budget.spend(0)
        file.seek(at)
        frame = file.read(_FRAME)
        log.add(at + _FRAME, int.from_bytes(frame[:4], "big"), frame[8:16] != salts)
        at += _FRAME + page_size
    if at < size:
        context.tell("failed", "", "sqlite-wal: ends in the middle of a frame")
        log.raw.extend((at, size))
    yield from log.members()


def journal(stream: Stream, context: Context) -> Iterator[Member]:
    """A rollback journal: pages as they were before a transaction."""
    file, size = stream.file()
    file.seek(0)
    head = file.read(28)
    sector, page_size = int.from_bytes(head[20:24], "big"), _page_size(head[24:28])
    if head == bytes(28):  # the mode `persist`: the transaction is over, and its journal's header alone gone
        sector, page_size = _measured(file, size)
        if not sector:
            return  # it is scanned as it stands
    if len(head) < 28 or not page_size or sector < 32 or sector & (sector - 1) or sector > 1 << 16:
        raise BrokenError("damaged header")
    log = _Log(file, size, page_size, context, (4, 4))
    pages = int.from_bytes(head[16:20], "big")
    at = 0
    while at < size:
        context.budget.spend(0)
        file.seek(at)
        mark = file.read(8)
        if mark == JOURNAL:
            log.raw.extend((min(at + 28, size), min(at + sector, size)))
            at += sector
        elif at + page_size + 8 <= size and any(mark[:4]):
            log.add(at + 4, int.from_bytes(mark[:4], "big"), False)
            at += page_size + 8
        else:
            if at + page_size + 8 > size and 0 < int.from_bytes(mark[:4], "big") <= pages:
                context.tell("failed", "", "sqlite-journal: ends in the middle of a page")
            following = (at // sector + 1) * sector  # a header begins a sector
            log.raw.extend((at, min(following, size)))
            at = following
    if 0 < pages < 1 << 31 and size < sector + page_size + 8:
        context.tell("failed", "", "sqlite-journal: ends before its first page")
    yield from log.members()


def _measured(file: BinaryIO, size: int) -> tuple[int, int]:
    """(bytes of a sector, of a page) by which the first pages of a journal without a header are some; zeros if there are none."""
    for sector in (512, 4096, 1024, 2048, 8192, 16384, 32768, 65536):
        for page_size in (4096, 1024, 8192, 2048, 512, 16384, 32768, 65536):
            trees = 0
            numbers = set()
            for at in range(sector, min(size - page_size - 7, sector + 3 * (page_size + 8)), page_size + 8):
                file.seek(at)
                head = file.read(20)
                number, kind = int.from_bytes(head[:4], "big"), head[4]
                if not 0 < number < 1 << 28 or number in numbers or kind not in (_TREES if number > 1 else MAGIC[:1]):
                    break
                numbers.add(number)
                trees += kind != 0
            else:
                if trees:
                    return sector, page_size
    return 0, 0


_TREES = b"\x00\x02\x05\x0a\x0d"
"""First bytes of pages: a B-tree's, or the high byte of the next overflow page."""


def _page_size(field: bytes) -> int:
    """The size of pages that a header tells, 0 if it cannot be."""
    size = int.from_bytes(field, "big")
    size = 65536 if size == 1 else size
    return size if 512 <= size <= 65536 and not size & (size - 1) else 0


class _Log(Database):
    """Pages in the order of a log."""

    def __init__(
        self, file: BinaryIO, size: int, page_size: int, context: Context, around: tuple[int, int] = (_FRAME, 0)
    ) -> None:
        super().__init__(file, size, Format(page_size, page_size), context)
        self.lead, self.trail = around
        """Bytes of a frame before and behind its page."""
        self.starts = array("Q")
        self.numbers = array("L")
        self.old = bytearray()
        self.latest: dict[int, int] = {}
        self.taken: set[int] = set()
        self.owners: dict[int, Table] = {}

    def add(self, start: int, number: int, old: bool) -> None:
        """A page of the log: where it starts, its number in the database."""
        self.latest[number] = len(self.starts)
        self.starts.append(start)
        self.numbers.append(number)
        self.old.append(old)

    def number_at(self, offset: int) -> int:
        at = bisect_right(self.starts, offset) - 1
        return self.numbers[at] if at >= 0 else 0

    def members(self) -> Iterator[Member]:
        self._learn()
        yield from tables("@rows", self._frames())
        yield from self._rest()

    def _page(self, frame: int) -> tuple[bytes, Page | None]:
        self.context.budget.spend(0)
        self.file.seek(self.starts[frame])
        data = self.file.read(self.form.page_size)
        return data, page_of(data, self.numbers[frame], self.form)

    def _learn(self) -> None:
        """What the log tells of the database: its header, the schema, and which page is of which table."""
        first = self.latest.get(1)
        if first is not None:
            data, _ = self._page(first)
            self.form = format_of(data[:100]) or self.form
        roots: dict[int, Table] = self._beside()
        children: dict[int, list[int]] = {}
        for frame in range(len(self.starts)):
            _, page = self._page(frame)
            if page is None:
                continue
            if page.children:
                children[self.numbers[frame]] = page.children
            for cell in page.cells if page.kind == LEAF else ():
                types, at = record_of(cell)
                if len(types) == 5 and types[0] in (21, 23):
                    kind, name, of, root, sql = values_of(self._payload(cell), types, at, self.form.encoding)
                    if kind in KINDS and isinstance(name, bytes) and isinstance(sql, bytes) and isinstance(root, int):
                        made = table_of(name.decode("utf-8", "replace"), root, sql.decode("utf-8", "replace"))
                        if kind == b"index" and isinstance(of, bytes):
                            names = (*made.columns, "rowid")
                            made = Table(f"{of.decode('utf-8', 'replace')}/{made.name}", root, names, rowless=True)
                        roots[root] = made
        self.taken.clear()
        self.tables += roots.values()
        for root, table in roots.items():
            stack = [root]
            while stack:
                number = stack.pop()
                if number not in self.owners:
                    self.owners[number] = table
                    stack += children.get(number, ())

    def _beside(self) -> dict[int, Table]:
        """The tables of the database that lies beside the log, by their roots."""
        name = self.context.name.rsplit("/", 1)[-1].removesuffix("-wal").removesuffix("-journal")
        opened = self.context.beside(name) if self.context.beside is not None else None
        if opened is None:
            return {}
        with opened:
            size = opened.seek(0, 2)
            opened.seek(0)
            form = format_of(opened.read(100) or b"")
            if form is None:
                return {}
            quiet = self.context._replace(tell=lambda *_: None)  # it is told where that file is read
            found = Database(cast(BinaryIO, opened), size, form, quiet).schema()
        return {table.root: table for table in found}

    def _frames(self) -> Iterator[Row]:
        """The rows of all pages; what is none is left for the end, when it is known what overflow pages took."""
        later: list[int] = []
        left: list[int] = []
        for frame in reversed(range(len(self.starts))):  # the last state of a row first: it has no `old`
            data, page = self._page(frame)
            if page is not None and page.kind == LEAF:
                yield from self._records_of(frame, data, page, left)
            else:
                later.append(frame)
        for frame in later:  # what indexes hold beside the tables
            data, page = self._page(frame)
            if page is None:
                left.append(frame)
            else:
                yield from self._records_of(frame, data, page, left)
        for frame in sorted(left):
            if frame not in self.taken:  # it may be no frame at all: what is around the page is looked at, too
                start, end = self.starts[frame], self.starts[frame] + self.form.page_size
                yield from self._carved(start - self.lead, min(end + self.trail, self.size), self.tables)

    def _records_of(self, frame: int, data: bytes, page: Page, left: list[int]) -> Iterator[Row]:
        """The rows of one page that were not given before; `left` gets a page that makes no sense."""
        records = self._stale(page)
        if (page.cells and not records and page.kind != INTERIOR) or page.damaged:
            left.append(frame)
            return
        facts: Facts = (("frame", str(frame + 1)), *((("old", "yes"),) if self.old[frame] else ()))
        owner = self.owners.get(self.numbers[frame])
        for cell, types, values in records:
            if self.known.row(values) or (page.kind != LEAF and self.known.all(values)):
                continue
            self.known.add(values)
            table = owner if owner is not None and len(owner.columns) >= len(types) else self._guessed(types)
            row = self._row(table, self.numbers[frame], cell.rowid if page.kind == LEAF else None, values)
            yield row._replace(facts=row.facts + facts)
        candidates = [owner] if owner is not None and owner.columns else self.tables
        for start, end in page.free:
            if any(data[start:end]):
                yield from self._carved(self.starts[frame] + start, self.starts[frame] + end, candidates)

    def _payload(self, cell: Cell, taken: int = 0) -> bytes:
        """A cell's payload with what is on overflow pages that the log has."""
        parts, left, number = [cell.payload], cell.size - len(cell.payload), cell.overflow
        while 0 < left <= LARGEST and number in self.latest and self.latest[number] not in self.taken:
            frame = self.latest[number]
            self.taken.add(frame)
            self.context.budget.spend(0)
            self.file.seek(self.starts[frame])
            page = self.file.read(self.form.usable)
            parts.append(page[4 : 4 + left])
            left -= len(page) - 4
            number = int.from_bytes(page[:4], "big")
        return b"".join(parts)


__all__ = ["MAGIC", "journal", "wal"]
