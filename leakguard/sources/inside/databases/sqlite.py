"""SQLite databases, page by page: the rows of every table, what indexes hold beside them, and what was deleted.

Promises: SQLite itself is not used and nothing of the file's is executed; each page is read once, whatever points at
it; every byte is structure, part of a row, or handed out with the free space; deleted rows carry the fact `deleted`.
A row that stands in the file a second time (an index, a copy that moving rows between pages left behind) is given once.

Free space is what the freelist names, what nothing names, and what is between the cells of pages in use. In it records
are looked for (`sqlitecarve`); the rest is one member, `@free`. Imported by `sources.inside.walk`.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from leakguard.sources.inside.base import BrokenError, Context, Member, Stream
from leakguard.sources.inside.databases.records import Facts, Row, Runs, tables
from leakguard.sources.inside.databases.sqlitecarve import Carved, Effort, carve, unknown
from leakguard.sources.inside.databases.sqlitepages import (
    INDEX_INTERIOR,
    INDEX_LEAF,
    INTERIOR,
    LEAF,
    Cell,
    Format,
    Page,
    Table,
    Value,
    format_of,
    page_of,
    record_of,
    table_of,
    values_of,
)

LARGEST = 64 * 1024 * 1024
"""Longest row that is put together, in bytes; what is longer is scanned page by page."""
MOST_KNOWN = 500_000
"""Rows, and values of indexed tables, that are remembered so that their copies are not given again."""
MOST_TABLES = 100_000
_SCHEMA = Table(
    "sqlite_schema", 1, ("type", "name", "tbl_name", "rootpage", "sql"), ("text", "text", "text", "integer", "text")
)
_DELETED: Facts = (("deleted", "yes"),)
_FREE, _USED = 0, 1


def sqlite(stream: Stream, context: Context) -> Iterator[Member]:
    """A database: a member for each table, one for deleted rows, one for the rest of the free space."""
    file, size = stream.file()
    file.seek(0)
    head = file.read(100)
    form = format_of(head)
    if form is None:
        raise BrokenError("damaged header")
    told = int.from_bytes(head[28:32], "big")
    if head[24:28] == head[92:96] and told * form.page_size > size:
        context.tell("failed", "", f"sqlite: ends early: {size // form.page_size} of {told} pages are there")
    yield from Database(file, size, form, context).members()


class Known:
    """Rows and values that were given before, by their hashes."""

    def __init__(self) -> None:
        self._rows: set[int] = set()
        self._values: set[int] = set()

    def row(self, values: Sequence[Value]) -> bool:
        """Was a row of these values given before? It is remembered."""
        key = hash(tuple(value for value in values if isinstance(value, bytes) and value))
        if key in self._rows:
            return True
        if len(self._rows) < MOST_KNOWN:
            self._rows.add(key)
        return False

    def add(self, values: Sequence[Value]) -> None:
        """Remembers single values."""
        if len(self._values) < MOST_KNOWN:
            self._values.update(hash(value) for value in values if isinstance(value, bytes) and len(value) > 3)

    def all(self, values: Sequence[Value]) -> bool:
        """Was each of these values given before?"""
        return all(hash(value) in self._values for value in values if isinstance(value, bytes) and len(value) > 3)


class Database:
    """One database in a seekable file."""

    def __init__(self, file: BinaryIO, size: int, form: Format, context: Context) -> None:
        self.file = file
        self.size = size
        self.form = form
        self.context = context
        self.pages = size // form.page_size
        self.state = bytearray(self.pages + 1)
        self.known = Known()
        self.sealed = False
        """Was it told that values are encrypted?"""
        self.tables: list[Table] = [_SCHEMA]
        self.areas = array("Q")
        """Free space in pages in use: start, end, number of the table."""
        self.raw = array("Q")
        """What of the free space is no record: start, end."""
        self.effort = Effort(size)

    def members(self) -> Iterator[Member]:
        """A member for each table and index, then what is out of use."""
        schema: list[list[Value]] = []
        yield from tables("sqlite_schema", self._schema(schema))
        found = _tables_of(schema)
        for made in found:
            if not made.is_index:
                self.tables.append(made)
                yield from tables(made.name, self._rows(made, len(self.tables) - 1))
        for made in found:
            if made.is_index:
                self.tables.append(made)
                yield from tables(made.name, self._entries(made, len(self.tables) - 1))
        yield from tables("@deleted", self._deleted())
        yield from self._rest()

    def schema(self) -> list[Table]:
        """The tables and indexes alone."""
        out: list[list[Value]] = []
        for _ in self._schema(out):
            pass
        return _tables_of(out)

    # ------------------------------------------------------------ live rows
    def _schema(self, out: list[list[Value]]) -> Iterator[Row]:
        for number, page in self._walk(1, 0, False):
            for cell, values in self._records(number, page, 0):
                if len(values) == 5:
                    out.append(values)
                self.known.row(values)
                yield self._row(_SCHEMA, number, cell.rowid, values)

    def _rows(self, table: Table, at: int) -> Iterator[Row]:
        for number, page in self._walk(table.root, at, table.rowless):
            for cell, values in self._records(number, page, at):
                if any(isinstance(value, bytes) and value for value in values):
                    self.known.row(values)
                    self.known.add(values)
                    yield self._row(table, number, cell.rowid, values)

    def _entries(self, index: Table, at: int) -> Iterator[Row]:
        """Entries of an index that are no copies of what its table has: somebody put them there."""
        for number, page in self._walk(index.root, at, True):
            for _, values in self._records(number, page, at):
                if not self.known.all(values):
                    yield self._row(index, number, 0, values)

    def _row(self, table: Table, page: int, rowid: int | None, values: Sequence[Value], facts: Facts = ()) -> Row:
        names = table.columns
        cells = [
            (names[at] if at < len(names) else f"c{at + 1}", rowid if at == table.alias and value is None else value)
            for at, value in enumerate(values)
        ]
        if not self.sealed and (table.name == _KEYS_OF_FIREFOX or any(name in _SEALED and _sealed(value) for name, value in cells)):
            self.sealed = True
            self.context.tell("unread", "", "sqlite: values that a browser encrypted (cookies, passwords)")
        if "compression_type" in names:
            cells = _unsnapped(cells)
        elif "object_store_id" in names or "object_data_key" in names:
            cells = [one for cell in cells for one in _cloned(cell)]
        own: tuple[tuple[str, str], ...] = (("table", table.name), ("page", str(page)))
        known = rowid is not None and not table.rowless
        if known:
            own += (("rowid", str(rowid)),)
        label = f"{table.name}:{rowid}" if known else table.name
        return Row(f"deleted {label}" if facts else label, cells, own + facts)

    def _records(self, number: int, page: Page, table: int) -> Iterator[tuple[Cell, list[Value]]]:
        """The records of a page's cells; one that makes no sense is free space."""
        if page.kind == INTERIOR:
            return
        for cell in page.cells:
            types, at = record_of(cell)
            if types:
                yield cell, values_of(self._payload(cell), types, at, self.form.encoding)
            else:
                self.context.tell("failed", "", "sqlite: damaged record")
                base = (number - 1) * self.form.page_size
                self.areas.extend((base + cell.start, base + cell.end, table))

    def _payload(self, cell: Cell, taken: int = _USED) -> bytes:
        """A cell's payload with what is on overflow pages."""
        if len(cell.payload) == cell.size:
            return cell.payload
        if cell.size > LARGEST:
            self.context.tell("truncated", "", f"sqlite: a row of more than {LARGEST} bytes is scanned page by page")
            return cell.payload
        parts, left, number = [cell.payload], cell.size - len(cell.payload), cell.overflow
        room = self.form.usable - 4
        while left > 0:
            if not 1 < number <= self.pages or self.state[number]:
                if taken == _USED:
                    self.context.tell("failed", "", "sqlite: a row's overflow pages are damaged")
                break
            self.state[number] = _USED
            page = self.page(number)
            if left < room:
                base = (number - 1) * self.form.page_size
                self._area(base + 4 + left, base + self.form.page_size, page[4 + left :], 0)
            parts.append(page[4 : 4 + min(left, room)])
            left -= room
            number = int.from_bytes(page[:4], "big")
            self.context.budget.spend(0)
        return b"".join(parts)

    # ------------------------------------------------------------ pages
    def page(self, number: int) -> bytes:
        """The page of a number, from 1."""
        self.file.seek((number - 1) * self.form.page_size)
        return self.file.read(self.form.page_size)

    def number_at(self, offset: int) -> int:
        """The number of the page that the byte at `offset` of the file is in."""
        return offset // self.form.page_size + 1

    def _walk(self, root: int, table: int, index: bool) -> Iterator[tuple[int, Page]]:
        """The pages of a B-tree, each once however its pointers run."""
        kinds = (INDEX_LEAF, INDEX_INTERIOR) if index else (LEAF, INTERIOR)
        stack = [root]
        while stack:
            number = stack.pop()
            self.context.budget.spend(0)
            if not 0 < number <= self.pages:
                self.context.tell("failed", "", "sqlite: points at a page that is not there")
                continue
            if self.state[number]:
                self.context.tell("failed", "", "sqlite: a page is used twice")
                continue
            data = self.page(number)
            page = page_of(data, number, self.form)
            if page is None or page.kind not in kinds:
                self.context.tell("failed", "", "sqlite: damaged page")
                continue  # it is free space, then
            self.state[number] = _USED
            if page.damaged:
                self.context.tell("failed", "", "sqlite: damaged page")
            base = (number - 1) * self.form.page_size
            for start, end in page.free:
                self._area(base + start, base + end, data[start:end], table)
            self._area(base + self.form.usable, base + len(data), data[self.form.usable :], table)
            stack += reversed(page.children)
            yield number, page

    def _area(self, start: int, end: int, data: bytes, table: int) -> None:
        if end - start > 3 and any(data):
            self.areas.extend((start, end, table))

    # ------------------------------------------------------------ deleted rows
    def _deleted(self) -> Iterator[Row]:
        """Rows in free space: between the cells of pages in use first (a dropped table's schema is there), then in
        pages out of use."""
        at = 0
        while at < len(self.areas):  # overflow pages of deleted rows add to it
            start, end, table = self.areas[at : at + 3]
            at += 3
            yield from self._carved(start, end, [self.tables[table]] if self.tables[table].columns else self.tables)
        for number in self._freelist():
            yield from self._dead(number)
        for number in range(1, self.pages + 1):
            if not self.state[number]:
                yield from self._dead(number)
        while at < len(self.areas):
            self.raw.extend(self.areas[at : at + 2])
            at += 3

    def _freelist(self) -> Iterator[int]:
        """Pages that the freelist names; its trunks are seen to here."""
        trunk = self.form.first_trunk
        while trunk:
            if not 0 < trunk <= self.pages or self.state[trunk]:
                self.context.tell("failed", "", "sqlite: damaged freelist")
                return
            self.state[trunk] = _USED
            data = self.page(trunk)
            count = min(int.from_bytes(data[4:8], "big"), self.form.usable // 4 - 2)
            yield -trunk
            for at in range(8, 8 + 4 * count, 4):
                yield int.from_bytes(data[at : at + 4], "big")
            trunk = int.from_bytes(data[:4], "big")

    def _dead(self, number: int) -> Iterator[Row]:
        """The rows of a page that is not in use: as its header says, if it still has one, else by carving."""
        if number < 0:  # a trunk: its first bytes are written over
            base = (-number - 1) * self.form.page_size
            count = min(int.from_bytes(self.page(-number)[4:8], "big"), self.form.usable // 4 - 2)
            yield from self._carved(base + 8 + 4 * count, base + self.form.page_size, self.tables)
            return
        if not 0 < number <= self.pages or self.state[number]:
            return
        self.context.budget.spend(0)
        self.state[number] = _USED
        data = self.page(number)
        base = (number - 1) * self.form.page_size
        page = page_of(data, number, self.form) if number > 1 else None
        records = self._stale(page) if page is not None else []
        if page is None or not records:
            yield from self._carved(base, base + len(data), self.tables)
            return
        for cell, types, values in records:
            table = self._guessed(types)
            if not self.known.row(values) and not (page.kind != LEAF and self.known.all(values)):
                self.known.add(values)
                yield self._row(table, number, cell.rowid if page.kind == LEAF else None, values, _DELETED)
        for start, end in page.free:
            yield from self._carved(base + start, base + end, self.tables)

    def _stale(self, page: Page) -> list[tuple[Cell, list[int], list[Value]]]:
        """The records of a page that was in use once; none if one of them makes no sense."""
        if page.damaged or page.kind == INTERIOR or not page.cells:
            return []
        out = []
        for cell in page.cells:
            types, at = record_of(cell)
            if not types:
                return []
            payload = self._payload(cell, _FREE)
            out.append((cell, types, values_of(payload, types, at, self.form.encoding)))
        return out

    def _guessed(self, types: Sequence[int]) -> Table:
        """The table whose columns fit these types best; one without names if there is none."""
        best, most = Table("?", 0, ()), 0
        for table in self.tables:
            if len(table.columns) != len(types):
                continue
            score = 1
            for at, (kind, affinity) in enumerate(zip(types, table.affinities, strict=False)):
                text = kind >= 13 and kind & 1
                if (at == table.alias and kind) or (affinity == "text" and 0 < kind < 10):
                    score -= 100
                score += affinity == "text" and bool(text)
                score += affinity == "integer" and kind < 10
                score -= affinity == "integer" and bool(text)
            if score > most:
                best, most = table, score
        return best

    def _carved(self, start: int, end: int, candidates: Sequence[Table]) -> Iterator[Row]:
        """Records in a run of free space of one page; what is left of it goes to `raw`."""
        self.file.seek(start)
        data = self.file.read(end - start)
        if not data.strip(b"\0"):
            return
        at = 0
        left: list[tuple[int, int]] = []
        if self.effort.left > 0:
            self.effort.left -= len(data) // 64
            for found in carve(data, self.form, candidates, self.effort):
                left.append((at, found.start))
                at = found.end
                if found.table is _SCHEMA:
                    self._dropped(found.values)
                yield from self._found(found, start)
        for low, high in (*left, (at, len(data))):
            run = data[low:high]
            at = 0
            for found in unknown(run, self.form, self.effort):
                if found.start > at:
                    self.raw.extend((start + low + at, start + low + found.start))
                at = found.end
                yield from self._found(found, start)
            if run[at:].strip(b"\0"):
                self.raw.extend((start + low + at, start + high))

    def _found(self, found: Carved, start: int) -> Iterator[Row]:
        """A deleted row, unless what is in it was given."""
        if not self._given(found):
            self.known.add(found.values)
            yield self._row(found.table, self.number_at(start), found.rowid, found.values, _DELETED)

    def _given(self, found: Carved) -> bool:
        """Is it a copy of what was given? Of one that is cut off, what is left of it."""
        if not found.cut:
            return self.known.row(found.values) or (found.table.rowless and self.known.all(found.values))
        return self.known.all(found.values)

    def _dropped(self, values: Sequence[Value]) -> None:
        """A dropped table's columns, for rows of it that are found later."""
        if len(self.tables) < MOST_TABLES and len(values) == 5 and values[0] == b"table" and _text(values[4]):
            self.tables.append(table_of(_text(values[1]), 0, _text(values[4])))

    # ------------------------------------------------------------ the rest
    def _rest(self) -> Iterator[Member]:
        """The free space without the records in it, and what is behind the last page."""
        whole = self.pages * self.form.page_size
        if whole < self.size:
            self.raw.extend((whole, self.size))
        if self.raw:
            pieces = Runs(self.file, self.raw, self.number_at)
            yield Member("@free", pieces, kind="gap", facts=_DELETED, place=pieces.facts_at)


def _tables_of(schema: Sequence[Sequence[Value]]) -> list[Table]:
    """What the rows of the schema describe."""
    found = []
    for kind, name, of, root, sql in schema[:MOST_TABLES]:
        if isinstance(root, int) and root > 0:
            made = table_of(_text(name), root, _text(sql))
            if kind == b"index":
                full = f"{_text(of)}/{made.name}"
                made = Table(full, root, (*made.columns, "rowid"), rowless=True, is_index=True)
            found.append(made)
    return found


def _text(value: Value) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else ""


_SEALED = frozenset(("encrypted_value", "password_value", "card_number_encrypted", "encrypted_token", "value_encrypted"))
"""Columns in which Chromium keeps what it encrypted."""


_KEYS_OF_FIREFOX = "nssPrivate"
"""Table of its `key4.db`, whose rows are what the passwords in `logins.json` are encrypted with."""


def _sealed(value: Value) -> bool:
    return isinstance(value, bytes) and value[:3] in (b"v10", b"v11", b"v20")


_KEYS = ("key", "object_data_key", "value", "value_locale")
"""Columns of Firefox' IndexedDB that hold keys, in its own encoding."""


def _cloned(cell: tuple[str, Value]) -> list[tuple[str, Value]]:
    """Firefox' IndexedDB: the fields of an object."""
    from leakguard.sources.inside.databases.idbkeys import mozilla
    from leakguard.sources.inside.databases.mozvalues import cells_of

    name, value = cell
    if not isinstance(value, bytes):
        return [cell]
    if name in _KEYS:
        texts = mozilla(value)
        return [cell] if texts is None else [(name, text) for text in texts]
    fields = cells_of(value) if name == "data" else None
    return [cell] if fields is None else [*fields]


def _unsnapped(cells: list[tuple[str, Value]]) -> list[tuple[str, Value]]:
    """Firefox keeps localStorage so: `compression_type` 1 is Snappy, `conversion_type` 0 UTF-16, 1 UTF-8
    (dom/localstorage/LSValue.h)."""
    from leakguard.sources.inside.databases.snappy import DamagedError, unsnapped

    told = dict(cells)
    value = told.get("value")
    if not isinstance(value, bytes):
        return cells
    if told.get("compression_type") == 1:
        try:
            value = unsnapped(value, LARGEST)
        except DamagedError:
            return cells
    if told.get("conversion_type") == 0 and b"\0" in value:
        value = value.decode("utf-16-le", "replace").encode()
    key = told.get("key")
    name = key.decode("utf-8", "replace") if isinstance(key, bytes) else "value"
    return [(name if column == "value" else column, value if column == "value" else other) for column, other in cells]
