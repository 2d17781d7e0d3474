"""Binary workbooks (xlsb): worksheets as lines, as those of an xlsx; what of a part is no cell is handed out as it stands.

Promises: a worksheet is read record by record, memory is a row and a record of at most LONGEST_RECORD bytes; each record is in a
row or in the part's rest, so that nothing is dropped; one that lies about its length ends the part as damaged. Written from
[MS-XLSB] 2.1.4 (records) and 2.4 (cells, shared strings, sheets). Why not pyxlsb: it holds all shared strings in memory, drops what
is no cell, and has no release since 2022. Knows no archive. Imported by `office`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from leakguard.sources.inside.base import BrokenError, Member, Pieces, Pull, Stream, from_bytes
from leakguard.sources.inside.documents.rows import Rows
from leakguard.sources.inside.documents.sheets import MOST_ROWS, Strings

LONGEST_RECORD = 8 * 1024 * 1024
MOST_REST = 16 * 1024 * 1024
"""Bytes kept of what is no cell, per part."""

_ROW, _RK, _BOOL, _REAL, _TEXT, _SHARED, _RESULT, _NUMBER, _RICH = 0, 2, 4, 5, 6, 7, 8, 9, 62
_ITEM, _SHEET = 19, 156
_SILENT = frozenset({1, 3, 4, 10, 11, 60, 145, 146, 148, 129, 130, 147, 151, 152, 159, 160})
"""Blank cells, truth values, errors, brackets, sizes: nothing that could say something."""
STATES = {1: "hidden", 2: "veryHidden"}


def records(stream: Stream) -> Iterator[tuple[int, bytes]]:
    """(type, content) of each record."""
    while first := stream.some(1):
        kind = first[0]
        if kind & 0x80:
            kind = kind & 0x7F | (stream.exactly(1)[0] & 0x7F) << 7
        size = shift = 0
        for _ in range(4):
            byte = stream.exactly(1)[0]
            size |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                break
        if size > LONGEST_RECORD:
            raise BrokenError("xlsb: a record that cannot be so long")
        yield kind, stream.exactly(size)


def string(data: bytes, at: int) -> str:
    """A string with its length in characters before it; "" if it goes over the end."""
    if at + 4 > len(data):
        return ""
    size = 2 * int.from_bytes(data[at : at + 4], "little")
    return data[at + 4 : at + 4 + size].decode("utf-16-le", "replace") if at + 4 + size <= len(data) else ""


def shared(pull: Pull, strings: Strings) -> None:
    """Puts the items of xl/sharedStrings.bin into the store."""
    for kind, data in records(Stream(pull)):
        if kind == _ITEM:
            strings.add(string(data, 1))


def sheets(pull: Pull) -> Iterator[tuple[str, str, str]]:
    """(name, state, id of the relation) of each sheet in xl/workbook.bin."""
    for kind, data in records(Stream(pull)):
        if kind == _SHEET:
            relation = string(data, 8)
            yield string(data, 12 + 2 * len(relation)), STATES.get(int.from_bytes(data[:4], "little"), ""), relation


def sheet(member: Member, name: str, facts: tuple[tuple[str, str], ...], strings: Strings | None) -> Iterator[Member]:
    """A worksheet's rows, then what is no cell."""
    reader = _Sheet(member.pull, strings)
    yield Member(name, Pieces(reader.lines()), -1, "view", facts)
    rest = b"\n".join(reader.rest)
    if rest:
        yield Member(f"{member.name}.rest", from_bytes(rest), len(rest), "view", facts)


class _Sheet:
    def __init__(self, pull: Pull, strings: Strings | None) -> None:
        self.stream = Stream(pull)
        self.strings = strings
        self.rest: list[bytes] = []
        self.size = 0
        self.error: Exception | None = None

    def lines(self) -> Iterator[bytes]:
        """A line for each row; rows that the file leaves out are empty ones."""
        rows, written, number = Rows(), 0, 0
        cells: list[tuple[int, str]] = []
        for kind, data in self._records():
            if kind == _ROW and len(data) >= 4:
                if cells:
                    yield self._line(rows, cells, max(0, min(number - written, MOST_ROWS - written)))
                    written, cells = max(written, min(number, MOST_ROWS)) + 1, []
                number = int.from_bytes(data[:4], "little")
                continue
            text = self._cell(kind, data)
            if text:
                cells.append((int.from_bytes(data[:4], "little") + 1, text))
        if cells:
            yield self._line(rows, cells, max(0, min(number - written, MOST_ROWS - written)))
        if self.error is not None:
            raise self.error

    def _records(self) -> Iterator[tuple[int, bytes]]:
        """The records up to damage, if there is some; what is behind it goes to the rest."""
        try:
            yield from records(self.stream)
        except Exception as error:  # noqa: BLE001 - raised again when the row before it was handed on
            self.error = error
        try:
            behind = self.stream.some(MOST_REST) if self.error is not None else b""
        except Exception:  # noqa: BLE001 - it is the same error again
            behind = b""
        self._aside(behind)

    def _line(self, rows: Rows, cells: list[tuple[int, str]], gap: int) -> bytes:
        line = rows.line(cells).replace("\r\n", "\r").replace("\n", "\r")
        return b"\n" * gap + line.encode("utf-8", "replace") + b"\n"

    def _cell(self, kind: int, data: bytes) -> str:
        """What a cell shows; what is no cell goes to the rest."""
        value = data[8:]
        if kind == _SHARED and len(value) == 4 and self.strings is not None:
            return self.strings.get(str(int.from_bytes(value, "little"))).strip()
        if kind in (_TEXT, _RESULT):
            if kind == _RESULT:
                self._aside(value[4 + 2 * int.from_bytes(value[:4], "little") :])
            return string(value, 0).strip()
        if kind == _RICH:
            return string(value, 1).strip()
        if kind in (_REAL, _NUMBER) and len(value) >= 8:
            if kind == _NUMBER:
                self._aside(value[8:])
            return _shown(struct.unpack_from("<d", value)[0])
        if kind == _RK and len(value) == 4:
            return _packed(value)
        if kind not in _SILENT:
            self._aside(data)
        return ""

    def _aside(self, data: bytes) -> None:
        """A formula, a link, a header: its texts are found as runs of UTF-16."""
        if len(data) >= 16 and self.size < MOST_REST:
            self.rest.append(data)
            self.size += len(data)


def _packed(value: bytes) -> str:
    """A number in four bytes: an integer or the upper half of a float, perhaps a hundred times as large."""
    number = int.from_bytes(value, "little", signed=True)
    made = float(number >> 2) if number & 2 else struct.unpack("<d", bytes(4) + struct.pack("<i", number & ~3))[0]
    return _shown(made / 100 if number & 1 else made)


def _shown(number: float) -> str:
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)
