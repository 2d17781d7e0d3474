"""SQL dumps as text (pg_dump, pg_dumpall, mysqldump, mariadb-dump, phpMyAdmin, SQLite's .dump): each value beside its column.

Rows stand far from the names of their columns: in COPY blocks below one header, in INSERT statements of megabytes in one
line. Here each row becomes a section of `column = value` lines, its escapes undone; all else of the dump is handed on
byte for byte, and `Places` knows of each value where it stands in the dump itself.

Promises: no SQL is run; a row is one row whatever it holds; text that is no statement known here is handed on as it
stands. Memory is a row, and the places of PART_ROWS rows.

Sources: PostgreSQL's documentation of COPY ("Text Format") and of string constants (4.1.2.1), MySQL's of string literals
(9.1.1). Imported by `sources.inside.walk`; `pgdump` reads COPY's rows with it.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence

from leakguard.sources.inside.base import CHUNK, Context, Member, Stream
from leakguard.sources.inside.databases.records import Facts, named, shown
from leakguard.sources.inside.databases.sqlitepages import plain, table_of
from leakguard.sources.inside.places import Places

PART_ROWS = 10_000
"""Rows whose places are remembered at a time."""
LONGEST_ROW = 64 * 1024 * 1024
"""Bytes of a row, or of a line; longer ones are handed on as they stand."""
LONGEST_HEAD = 1024 * 1024
MOST_TABLES = 100_000
MOST_COLUMNS = 4096

_NAME = rb"(?:[\w.$]|`[^`\n]*`|\"[^\"\n]*\"|\[[^\]\n]*\])+"
_STATEMENT = re.compile(rb"^(?:COPY |INSERT |REPLACE |CREATE (?:(?:MEMORY|CACHED|TEXT) )?TABLE )", re.MULTILINE)
_COPY = re.compile(rb"COPY (%b) ?(?:\(([^\n]*)\))? FROM stdin[^\n]*;\r?\n" % _NAME)
_INSERT = re.compile(
    rb"(?:INSERT|REPLACE)(?: IGNORE| LOW_PRIORITY| DELAYED)* INTO (%b)\s{0,99}(?:\(([^()]{0,20000})\)\s{0,99})?"
    rb"(?:OVERRIDING \w+ VALUE\s+)?VALUES?\s*" % _NAME
)
_CREATE = re.compile(rb"CREATE (?:(?:MEMORY|CACHED|TEXT) )?TABLE (?:IF NOT EXISTS )?(%b)" % _NAME)
_NEXT = re.compile(rb"\s*,?\s*\(")
_BARE = rb"[^,()'\"]*(?:\([^()'\"]*\)[^,()'\"]*)*"
_DOUBLE = rb"\"[^\"\\]*(?:(?:\"\"|\\.)[^\"\\]*)*\""
_SINGLE = rb"(?:[A-Za-z_][\w]*\s*)?'[^'\\]*(?:(?:''|\\.)[^'\\]*)*'(?:::\w+)?"
_STANDARD = rb"(?:[A-Za-z_][\w]*\s*)?'[^']*(?:''[^']*)*'(?:::[\w ]+)?"
_ESCAPED = rb"[Ee]'[^'\\]*(?:(?:''|\\.)[^'\\]*)*'"
_ESCAPING = re.compile(rb"\s*(%b|%b|%b)\s*([,)])" % (_SINGLE, _DOUBLE, _BARE), re.DOTALL)
_PLAIN = re.compile(rb"\s*(%b|%b|%b|%b)\s*([,)])" % (_ESCAPED, _STANDARD, _DOUBLE, _BARE), re.DOTALL)
_COPY_ESCAPE = re.compile(rb"\\(?:x([0-9A-Fa-f]{1,2})|([0-7]{1,3})|(.))", re.DOTALL)
_COPIED = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}
_SQL_ESCAPE = re.compile(rb"''|\"\"|\\(.)", re.DOTALL)
_QUOTED = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"0": b"\0", b"Z": b"\x1a", b"b": b"\b"}
_LAST = {b"-- PostgreSQL database cluster dump": b"cluster dump complete", b"-- PostgreSQL database dump": b"database dump complete",
         b"-- MySQL dump ": b"-- Dump completed", b"-- MariaDB dump ": b"-- Dump completed",
         b"PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;": b"COMMIT;"}  # fmt: skip
"""How a dump begins -> what its last line says."""
_KEYS = frozenset(("key", "index", "fulltext", "spatial", "period", "exclude", "like"))

Cell = tuple[bytes, int]
"""(value, where it stands in the buffer)."""


def sql_dump(stream: Stream, context: Context) -> Iterator[Member]:
    """The dump itself, put so that values stand beside their columns' names."""
    dump = _Dump(stream, context)
    while not dump.ended:
        part = _Part(dump)
        yield Member("", part, kind="text", moved=part.places.moved, place=part.facts_at)
        part.finish()
    if not dump.closed:
        context.tell("unread", "", "sql dump: ends before its last line: it was cut off")


def copied(value: bytes) -> bytes | None:
    """A value of COPY's text format, its escapes undone; None for NULL."""
    if b"\\" not in value:
        return value
    return None if value == b"\\N" else _COPY_ESCAPE.sub(_uncopied, value)


def _uncopied(found: re.Match[bytes]) -> bytes:
    if found[1]:
        return bytes((int(found[1], 16),))
    if found[2]:
        return bytes((int(found[2], 8) & 255,))
    return _COPIED.get(found[3], found[3])


def names_of(text: bytes) -> list[str]:
    """The columns of a list with commas between."""
    parts = re.findall(r'"(?:[^"]|"")*"|`[^`]*`|\[[^\]]*\]|[^,\s]+', text.decode("utf-8", "replace"))
    return [plain(part) for part in parts]


class _Part:
    """The text of some rows and of what is between them, to be pulled, with its places in the dump."""

    def __init__(self, dump: _Dump) -> None:
        self.dump = dump
        self.places = Places()
        self.rows = 0
        self._out = bytearray()
        self._error: Exception | None = None
        self._offsets = array("Q")
        self._tables: list[str] = []

    def __call__(self, count: int) -> bytes:
        if self._error is not None:
            raise self._error
        want = min(count, CHUNK)
        try:
            while len(self._out) < want and self._more():
                pass
        except Exception as error:
            if not self._out:
                raise
            self._error = error  # what was read before it comes first
        out = bytes(self._out[:want])
        del self._out[:want]
        return out

    def finish(self) -> None:
        """Passes over what was not pulled."""
        while self._more():
            self._out.clear()

    def facts_at(self, offset: int) -> Facts:
        """The table of what stands at an offset of the dump."""
        at = bisect_right(self._offsets, offset) - 1
        return (("table", self._tables[at]),) if at >= 0 and self._tables[at] else ()

    def table(self, offset: int, name: str) -> None:
        """From `offset` of the dump on, it is rows of a table, or ("") something else."""
        if not self._tables or self._tables[-1] != name:
            self._offsets.append(offset)
            self._tables.append(name)

    def put(self, data: bytes, offset: int, line: int, column: int) -> None:
        """`data` comes next."""
        self.places.add(data, offset, line, column)
        self._out += data

    def _more(self) -> bool:
        if self.dump.ended or self.rows >= PART_ROWS:
            return False
        self.dump.step(self)
        return True


class _Dump:
    """A dump, statement by statement and row by row."""

    def __init__(self, stream: Stream, context: Context) -> None:
        self.stream = stream
        self.context = context
        head = stream.peek(512)
        self.lines = head.startswith(b"SET DATABASE ")
        """Does a statement end where its line does? HSQLDB's do, whose tables are named in full where they are made alone."""
        self.value = _PLAIN if b"PostgreSQL" in head or head.startswith(b"PRAGMA") or self.lines else _ESCAPING
        self.last = next((last for first, last in _LAST.items() if first in head), b"")
        self.closed = not self.last
        """Was its last line there? Nothing may say that there is one."""
        self.data = b""
        self.at = 0
        self.base = 0
        """Offset of `data` in the dump."""
        self.line = 0
        self.line_start = 0
        """Offset of the line that `at` is in."""
        self.all_read = False
        self.ended = False
        self.table = ""
        self.columns: Sequence[str] = ()
        self.known: dict[str, Sequence[str]] = {}
        self.mode: Callable[[_Part], None] = self._text

    def step(self, part: _Part) -> None:
        """A row, or a run of text, more in `part`."""
        part.table(self.base + self.at, self.table)
        self.mode(part)

    # ------------------------------------------------------------ the buffer
    def _need(self) -> bool:
        """More data behind what is there, as much again if that is much; False at the end."""
        if self.all_read:
            return False
        rest = self.data[self.at :]
        more = self.stream.read(max(CHUNK, len(rest)))
        if not self.closed:
            self.closed = self.last in self.data[-64:] + more
        self.base += self.at
        self.data, self.at = rest + more, 0
        self.all_read = not more
        return not self.all_read

    def _pass(self, end: int) -> None:
        """Goes on at data[end]."""
        breaks = self.data.count(b"\n", self.at, end)
        if breaks:
            self.line += breaks
            self.line_start = self.base + self.data.rfind(b"\n", self.at, end) + 1
        self.at = end

    def _put(self, part: _Part, end: int) -> None:
        """Hands on data[at:end] as it stands."""
        if end > self.at:
            offset = self.base + self.at
            part.put(self.data[self.at : end], offset, self.line, offset - self.line_start)
            self._pass(end)

    # ------------------------------------------------------------ text between rows
    def _text(self, part: _Part) -> None:
        found = _STATEMENT.search(self.data, self.at)
        if found is None:
            end = self.data.rfind(b"\n") + 1
            if end <= self.at and (len(self.data) - self.at < LONGEST_HEAD) and self._need():
                return
            if end > self.at:
                self._put(part, end)
            else:
                self._put(part, len(self.data))
            if self.all_read and self.at >= len(self.data):
                self.ended = True
            return
        if found.start() > self.at:
            self._put(part, found.start())
            return
        if self.base + self.at != self.line_start and self.at == 0:
            self._put(part, found.end())  # the buffer begins in the middle of a line
            return
        starts = {67: self._copy_or_create, 73: self._insert, 82: self._insert}
        starts[self.data[self.at]](part)

    def _copy_or_create(self, part: _Part) -> None:
        if self.data.startswith(b"CREATE", self.at):
            end = self._find(b"\n" if self.lines else b";", LONGEST_HEAD)
            found = _CREATE.match(self.data, self.at)
            if found is not None and end > 0 and len(self.known) < MOST_TABLES:
                name = _plain_name(found[1])
                text = self.data[self.at : end].decode("utf-8", "replace")
                text = f"create table x {text[found.end() - self.at :]}"
                self.known[name] = table_of(name, 0, text, _KEYS).columns[:MOST_COLUMNS]
                if self.lines:
                    self.known[name.rpartition(".")[2]] = self.known[name]
            self._put(part, end if end > 0 else min(self.at + LONGEST_HEAD, len(self.data)))
            return
        end = self._find(b"\n", LONGEST_HEAD)
        found = _COPY.match(self.data, self.at)
        if found is None:
            self._put(part, end if end > 0 else min(self.at + LONGEST_HEAD, len(self.data)))
            return
        self.table = _plain_name(found[1])
        self.columns = names_of(found[2]) if found[2] else self.known.get(self.table, ())
        self._put(part, found.end())
        self.mode = self._copied

    def _find(self, mark: bytes, most: int) -> int:
        """Where the statement or line ends; -1 if not within `most` bytes."""
        while True:
            end = self.data.find(mark, self.at, self.at + most)
            if end >= 0:
                return end + len(mark)
            if len(self.data) - self.at >= most or not self._need():
                return -1

    # ------------------------------------------------------------ rows
    def _copied(self, part: _Part) -> None:
        end = self._find(b"\n", LONGEST_ROW)
        if end < 0:
            self._put(part, len(self.data))
            self.table, self.mode = "", self._text
            return
        line = self.data[self.at : end].rstrip(b"\r\n")
        if line == b"\\.":
            self._put(part, end)
            self.table, self.mode = "", self._text
            return
        cells: list[Cell] = []
        at = self.at
        for raw in line.split(b"\t"):
            cells.append((copied(raw) or b"", at))
            at += len(raw) + 1
        self._row(part, cells)
        self._pass(end)

    def _insert(self, part: _Part) -> None:
        found = _INSERT.match(self.data, self.at)
        while (found is None or found.end() >= len(self.data)) and len(self.data) - self.at < CHUNK and self._need():
            found = _INSERT.match(self.data, self.at)
        if found is None:
            self._put(part, self.at + 6)
            return
        self.table = _plain_name(found[1])
        self.columns = names_of(found[2]) if found[2] else self.known.get(self.table, ())
        self._put(part, found.end())
        self.mode = self._inserted

    def _inserted(self, part: _Part) -> None:
        while True:
            opened = _NEXT.match(self.data, self.at)
            cells, end = self._cells(opened.end()) if opened is not None else ([], -1)
            if end > 0:
                self._row(part, cells)
                self._pass(end)
                return
            short = opened is not None or len(self.data) - self.at < 64
            if not short or len(self.data) - self.at > LONGEST_ROW or not self._need():
                self.table, self.mode = "", self._text
                if opened is not None:
                    self._put(part, opened.end())
                return

    def _cells(self, at: int) -> tuple[list[Cell], int]:
        """The values of a row from behind its bracket on, and where it ends; -1 where the buffer does before."""
        cells: list[Cell] = []
        while True:
            found = self.value.match(self.data, at)
            if found is None:
                return [], -1
            cells.append((self._unquoted(found[1]), found.start(1) + (found[1][:1] in (b"'", b'"'))))
            at = found.end()
            if found[2] == b")":
                return cells, at

    def _unquoted(self, value: bytes) -> bytes:
        """A literal's value; nothing for NULL."""
        at = value.find(b"'") if value[-1:] != b'"' else value.find(b'"')
        if at < 0:
            if value[:2] in (b"0x", b"0X") and len(value) % 2 == 0:
                return _unhexed(value[2:], value)
            return b"" if value.upper() == b"NULL" else value
        stop = value.rfind(value[at : at + 1])
        text = value[at + 1 : stop]
        if value[:at].strip().upper() in (b"X", b"0X"):
            return _unhexed(text, value)
        if self.value is _PLAIN and value[:1] not in b"Ee":
            return text.replace(b"''", b"'")
        return _SQL_ESCAPE.sub(_unescaped, text) if b"\\" in text or b"''" in text or b'""' in text else text

    def _row(self, part: _Part, cells: list[Cell]) -> None:
        """A section for a row."""
        part.rows += 1
        start = self.base + self.at
        head = b"\n[%s]\n" % named(self.table)
        line, column = self.line, start - self.line_start
        for number, (value, at) in enumerate(cells):
            if not value:
                continue
            name = self.columns[number] if number < len(self.columns) else f"c{number + 1}"
            part.put(b"%s%s = " % (head, named(name)), start, line, column)
            breaks = self.data.count(b"\n", self.at, at)
            before = self.base + self.data.rfind(b"\n", self.at, at) + 1 if breaks else self.line_start
            part.put(shown(value) + b"\n", self.base + at, line + breaks, self.base + at - before)
            head = b""


def _unescaped(found: re.Match[bytes]) -> bytes:
    return _QUOTED.get(found[1], found[1]) if found[1] else found[0][:1]


def _unhexed(digits: bytes, otherwise: bytes) -> bytes:
    try:
        return bytes.fromhex(digits.decode("ascii"))
    except ValueError:
        return otherwise


def _plain_name(raw: bytes) -> str:
    """`public."Table"` without quotes."""
    return ".".join(plain(part) for part in re.findall(r'"(?:[^"]|"")*"|`[^`]*`|[^.]+', raw.decode("utf-8", "replace")))
