"""Records of a database as text: a section for each row, a line `column = value` for each of its cells.

Promises: label and value stand on one line, so that what names a value is seen with it; rows are kept apart as sections
of an INI file are, so that no key is paired with another row's secret; a value is written as it is (a PEM, a JSON
document, a script stay what they are), and as hex digits if it is short and no text; text is made as it is pulled, and
of a place in it can be told which row it is of. Numbers are written where a row has text beside them, and nowhere
else: they hide nothing, and are most of what databases hold.

Knows no format and no rule. Imported by the readers of databases and dumps.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import BinaryIO, NamedTuple

from leakguard.sources.inside import magic
from leakguard.sources.inside.base import CHUNK, BrokenError, Member, Stream, from_bytes

Facts = tuple[tuple[str, str], ...]
Cell = tuple[str, "bytes | int | float | None"]

SHORT = 64
"""Longest value, in bytes, that is written in hex if it is no text."""
MOST_ROWS = 50_000
"""Rows of one member; more go into a second of the same name."""
LONGEST_NAME = 200
_LEAST_FILE = 20
_MOST_APART = 16 * 1024 * 1024
"""Bytes of values kept to be looked into behind their rows; then a new member begins."""
_SEPARATOR = b"\n\0\n"
_PRINTABLE = bytes((*range(32, 127), 9, 10, 13))
_CONTROLS = bytes({*range(32)} - {9, 10, 13})
_FLAT = bytes(0x20 if byte < 32 or byte in b"[]\x7f" else byte for byte in range(256))


def is_text(value: bytes) -> bool:
    """Whether bytes that nothing describes are a text: UTF-8 without control characters but tabs and line ends."""
    if len(value.translate(None, _CONTROLS)) != len(value):
        return False
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


class Row(NamedTuple):
    """One row, key and value pair or document."""

    label: str
    """What names it: table and number. Written as the section's header."""
    cells: Iterable[Cell]
    facts: Facts = ()
    """What a finding in it carries beside its place: rowid, page, deleted ... Nothing that somebody chose: a key may be
    a secret, and facts are shown."""
    name: str = ""
    """What a value in it is called that is a file of its own; else the label."""


class Rows:
    """The text of some rows, to be pulled, and their places in it."""

    def __init__(self, rows: Iterator[Row], most: int = MOST_ROWS) -> None:
        self.rows = rows
        self.most = most
        self.ended = False
        """Were these the last rows?"""
        self.apart: list[tuple[str, bytes, Facts]] = []
        """Values that are files of their own: (name, content, facts)."""
        self._kept = 0
        self._offsets = array("Q")
        self._facts: list[Facts] = []
        self._made = 0
        self._text = bytearray()
        self._error: Exception | None = None

    def __call__(self, count: int) -> bytes:
        if self._error is not None:
            raise self._error
        try:
            while len(self._text) < min(count, CHUNK) and self._next():
                pass
        except Exception as error:
            if not self._text:
                raise
            self._error = error  # what was read before the damage comes first
        out = bytes(self._text[:count])
        del self._text[:count]
        return out

    def facts_at(self, offset: int) -> Facts:
        """The facts of the row that the byte at `offset` of the text is of."""
        at = bisect_right(self._offsets, offset) - 1
        return self._facts[at] if at >= 0 else ()

    def finish(self) -> None:
        """Passes over what was not pulled."""
        while self._next():
            self._text.clear()

    def _next(self) -> bool:
        """One row more; False if there is none, or this member has enough of them."""
        if self.ended or len(self._facts) >= self.most or self._kept >= _MOST_APART:
            return False
        row = next(self.rows, None)
        if row is None:
            self.ended = True
            return False
        text = self._render(row)
        if text:
            self._offsets.append(self._made)
            self._facts.append(row.facts)
            self._made += len(text)
            self._text += text
        return True

    def _render(self, row: Row) -> bytes:
        """A row's section; b"" for one without text."""
        lines = [] if len(row.label) <= LONGEST_NAME else [b"name = %s\n" % row.label.encode("utf-8", "replace")]
        some = bool(lines)
        for name, value in row.cells:
            if len(name) > LONGEST_NAME:
                lines.append(b"name = %s\n" % name.encode("utf-8", "replace"))
            if isinstance(value, bytes):
                if not value:
                    continue
                some = True
                if len(value) > _LEAST_FILE and _is_file(value):
                    self._keep(row, name, value)
                    lines.append(b"%s =\n" % named(name))
                    continue
                raw = shown(value)
            elif value is None:
                continue
            else:
                raw = repr(value).encode()
            lines.append(b"%s = %s\n" % (named(name), raw))
        return b"[%s]\n%s\n" % (named(row.label), b"".join(lines)) if some and lines else b""

    def _keep(self, row: Row, name: str, value: bytes) -> None:
        """Puts a value aside, to be a member of its own: it is a container."""
        self._kept += len(value)
        self.apart.append((row.name or f"{row.label}/{name}", value, row.facts))


def _is_file(value: bytes) -> bool:
    return bool(magic.kind_of(value[: magic.HEAD]))


def pair(key: bytes, value: bytes) -> list[Cell]:
    """The cells of a key and its value: `key = value`, or a line for each where the key is no name."""
    if not value:
        return [("key", key)]
    try:
        name = key.decode()
    except UnicodeDecodeError:
        name = ""
    if name.isprintable() and 0 < len(name) <= LONGEST_NAME and "=" not in name:
        return [(name, value)]
    return [("key", key), ("value", value)]


def shown(value: bytes) -> bytes:
    """A value as it is written: hex digits for a short one that is no text (a private key of 32 bytes is one)."""
    if len(value) > SHORT or 3 * len(value.translate(None, _PRINTABLE)) <= len(value):
        return value
    try:
        if value.decode().isprintable():
            return value
    except UnicodeDecodeError:
        pass
    return value.hex().encode()


def named(name: str) -> bytes:
    """A name as text of one line."""
    return name[:LONGEST_NAME].encode("utf-8", "replace").translate(_FLAT)


def tables(name: str, rows: Iterator[Row], facts: Facts = (), *, most: int = MOST_ROWS) -> Iterator[Member]:
    """Rows as members: text of so many rows each, and behind it the values in them that are files of their own."""
    while True:
        text = Rows(rows, most)
        yield Member(name, text, kind="table", facts=facts, place=text.facts_at)
        text.finish()
        for own, value, more in text.apart:
            yield Member(own, from_bytes(value), len(value), facts=facts + more)
        if text.ended:
            return


class Runs:
    """Runs of a file one behind the other, with a separator between, and their places."""

    def __init__(self, file: BinaryIO, runs: Sequence[int], number_at: Callable[[int], int] | None = None) -> None:
        self.file = file
        self.runs = _merged(runs)
        self.number_at = number_at
        self.at = 0
        self.done = 0
        self._made = 0
        self._offsets = array("Q")

    def __call__(self, count: int) -> bytes:
        out = bytearray()
        want = min(count, CHUNK)
        while self.at < len(self.runs) and len(out) < want:
            start, end = self.runs[self.at], self.runs[self.at + 1]
            if not self.done:
                out += _SEPARATOR
                self._offsets.append(self._made + len(out))
            self.file.seek(start + self.done)
            data = self.file.read(min(end - start - self.done, want))
            out += data
            self.done += len(data)
            if start + self.done >= end or not data:
                self.at += 2
                self.done = 0
        self._made += len(out)
        return bytes(out)

    def facts_at(self, offset: int) -> Facts:
        """Where in the file the byte at an offset of the pieces is."""
        at = bisect_right(self._offsets, offset) - 1
        if at < 0:
            return ()
        there = self.runs[2 * at] + offset - self._offsets[at]
        page = (("page", str(self.number_at(there))),) if self.number_at is not None else ()
        return (*page, ("offset", str(there)))


def _merged(runs: Sequence[int]) -> array[int]:
    """Runs in order; those that touch are one."""
    out = array("Q")
    for start, end in sorted(zip(runs[::2], runs[1::2], strict=True)):
        if out and start <= out[-1]:
            out[-1] = max(out[-1], end)
        elif end > start:
            out.extend((start, end))
    return out


class Tape:
    """A stream of records, of which a damaged one can be given back whole, to be scanned as it stands."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self._parts: list[bytes] = []

    def exactly(self, count: int) -> bytes:
        """`count` bytes; BrokenError if there are fewer."""
        data = self.stream.some(count)
        self._parts.append(data)
        if len(data) < count:
            raise BrokenError("ends in the middle of a record")
        return data

    def peek(self, count: int) -> bytes:
        """The next `count` bytes, fewer only at the end; they stay unread."""
        return self.stream.peek(count)

    def records(self, make: Callable[[], Iterator[Row]]) -> Iterator[Row]:
        """The rows that `make` reads of a record, again and again up to the end of the stream."""
        while self.stream.peek(1):
            self._parts.clear()
            try:
                yield from make()
            except BrokenError:
                self.stream.unread(b"".join(self._parts))
                raise
