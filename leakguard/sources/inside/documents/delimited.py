"""CSV and its kin: a value in a column that is named like a credential stands beside that name, in its own place.

A row says nothing of what its values are; the rules read labels. So in columns whose header may name a secret each value
gets it (`"api secret: ..."`), doubled quotes are undone, and all else is handed on byte for byte, with a map back to the
file's own lines and columns.

Promises: cells with line breaks, any of four delimiters, quotes in quotes; a table without such a column, and a row that
does not parse, are handed on as they stand; memory is a row and 80 bytes for each labelled value, with a limit that is
told. Imported by `walk`; `magic` knows these files by their names and first line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from leakguard.sources.inside.base import CHUNK, Context, Member, Pieces, Stream
from leakguard.sources.inside.documents.rows import says
from leakguard.sources.inside.places import Places

LONGEST_HEADER = 64 * 1024
LONGEST_ROW = 1024 * 1024
LARGEST = 64 * 1024 * 1024
"""Bytes of a table; a larger one is data, and scanned as it stands (in parts, by several processes)."""
MOST_LABELLED = 1 << 20
_DELIMITERS = (b",", b";", b"\t", b"|")
_VALUE = re.compile(rb"(?=[^0-9]*[0-9][^0-9]*[0-9])[0-9A-Za-z+/=_\-]{20,}")
"""What no column is called."""


def delimited(stream: Stream, context: Context) -> Iterator[Member]:
    """The table as one text. What has no column to label is left in the stream, and is scanned as it stands."""
    head = stream.peek(LONGEST_HEADER)
    end = head.find(b"\n")
    if end < 0 or stream.size > LARGEST:
        return
    header = head[:end].rstrip(b"\r")
    delimiter = max(_DELIMITERS, key=header.count)
    cell = _cell(delimiter)
    names = [_name(found) for found in _cells(cell, header)] if header.count(delimiter) else []
    labels = {column: name for column, name in enumerate(names) if name and says(name.decode("utf-8", "replace"))}
    if labels:
        labels |= {column: name for column, name in enumerate(names) if name.lower() == b"key"}
    if not labels or any(_VALUE.fullmatch(name) for name in names):
        return  # a table without a head, whose rows are a label and its value
    table = _Table(stream, delimiter, labels, context)
    yield Member("text", Pieces(iter(table)), stream.size, "text", moved=table.places.moved)


def _cell(delimiter: bytes) -> re.Pattern[bytes]:
    d = re.escape(delimiter)
    end = rb"(?:" + d + rb"|\r?\n|$)"
    quoted = rb'[ ]{0,8}"([^"]*+(?:""[^"]*+)*+)"[^' + d + rb"\r\n]{0,64}" + end
    return re.compile(quoted + rb"|([^\r\n" + d + rb"]*+)" + end)


def _cells(cell: re.Pattern[bytes], row: bytes) -> Iterator[re.Match[bytes]]:
    """The cells of a row, as far as they follow one another."""
    at = 0
    while at < len(row) and (found := cell.match(row, at)) is not None and found.end() > at:
        yield found
        at = found.end()


def _name(found: re.Match[bytes]) -> bytes:
    text = found[1] if found[1] is not None else found[2] or b""
    return b" ".join(text.removeprefix(b"\xef\xbb\xbf").split())


class _Table:
    """The rows of a table, as pieces of text."""

    def __init__(self, stream: Stream, delimiter: bytes, labels: dict[int, bytes], context: Context) -> None:
        self.stream = stream
        self.delimiter = delimiter
        self.cell = _cell(delimiter)
        self.labels = labels
        self.columns = sorted(labels)
        self.context = context
        self.places = Places()
        self.offset = self.line = self.labelled = 0

    def __iter__(self) -> Iterator[bytes]:
        rest = b""
        header = True
        while True:
            data = self.stream.read(CHUNK)
            block = rest + data
            at = raw = 0
            out: list[bytes] = []
            while (end := self._row_end(block, at, final=not data)) > at:
                if header or self._asks(block[at:end]):
                    out.append(self._raw(block[raw:at]))
                    out += self._row(block[at:end], header=header)
                    raw = end
                    header = False
                at = end
            out.append(self._raw(block[raw:at]))
            rest = block[at:]
            if at:
                yield b"".join(out)
            if not data:
                return

    def _raw(self, rows: bytes) -> bytes:
        """Rows that are handed on as they stand."""
        if rows:
            self._add(rows, rows, 0)
            self._passed(rows)
        return rows

    def _passed(self, rows: bytes) -> None:
        self.offset += len(rows)
        self.line += rows.count(b"\n")

    def _asks(self, row: bytes) -> bool:
        """Is there a value in the row that could be a secret? Asked of each, so it is to be fast."""
        if b'"' in row:
            return True
        cells = row.split(self.delimiter)
        return any(_may_be(cells[column]) for column in self.columns if column < len(cells))

    def _row_end(self, block: bytes, at: int, *, final: bool) -> int:
        """Where the row that begins at `at` ends: at the first line break outside of quotes; `at` if that is not here."""
        end = at
        quotes = 0
        while (line := block.find(b"\n", end)) >= 0:
            quotes += block.count(b'"', end, line)
            end = line + 1
            if quotes % 2 == 0:
                return end
            if end - at > LONGEST_ROW:
                return block.find(b"\n", at) + 1  # a quote that nobody closes
        if final or len(block) - at > 2 * LONGEST_ROW:
            line = block.find(b"\n", at)
            return line + 1 if line >= 0 else len(block)
        return at

    def _row(self, row: bytes, *, header: bool) -> list[bytes]:
        out: list[bytes] = []
        done = 0
        for column, found in enumerate(_cells(self.cell, row)):
            label = self.labels.get(column)
            group = 1 if found[1] is not None else 2
            start, end = found.span(group)
            if header:  # no name is to look like another's value
                out.append(self._add(row[done:end], row, done))
                out.append(self._add(b" /", row, max(0, end - 1)))
                done = end
            elif label is not None and _may_be(row[start:end]) and self._counted():
                value = row[start:end]
                quoted = group == 1 or b'"' in value
                out.append(self._add(row[done:start], row, done))
                out.append(self._add(label + b": " if quoted else label.replace(b" ", b"_") + b'="', row, start))
                out.append(self._add(value.replace(b'""', b'"') if group == 1 else value, row, start))
                if not quoted:
                    out.append(self._add(b'"', row, max(start, end - 1)))
                done = end
        out.append(self._add(row[done:], row, done))
        self._passed(row)
        return out

    def _counted(self) -> bool:
        """May one more value have its label?"""
        self.labelled += 1
        if self.labelled == MOST_LABELLED:
            self.context.tell("truncated", "", f"limit reached: only {MOST_LABELLED} values are read with their column")
        return self.labelled < MOST_LABELLED

    def _add(self, data: bytes, row: bytes, at: int) -> bytes:
        """Notes where a piece stands that comes next."""
        if data:
            line = self.line + row.count(b"\n", 0, at)
            self.places.add(data, self.offset + at, line, at - (row.rfind(b"\n", 0, at) + 1))
        return data


def _may_be(value: bytes) -> bool:
    """Is it worth its label? Not a number, and no symbol of a few letters."""
    return len(value) > 5 and not value.isdigit() and bool(value.strip())
