"""Worksheets as lines: line 3 of a sheet is its row 3, a value stands beside the label or under the header that names it.

Promises: every cell's text is in its row, line breaks in it as carriage returns; rows that a file leaves out are empty
lines, as far as there are rows in a sheet; formulas that hold text, attributes and headers stand behind the last row;
shared strings lie in a temporary file and not in memory, and the ones no cell shows are told apart, so that they are
given, too.

Knows no archive. Imported by `office`.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from tempfile import SpooledTemporaryFile

from leakguard.sources.inside.base import SPOOL
from leakguard.sources.inside.documents.xmltext import LONGEST, MOST_ASIDE, Handler, Table, digits

MOST_ROWS = 1 << 20
"""Empty lines that are written for rows left out, per sheet."""
MOST_STRINGS = 16 * 1024 * 1024
_CELL = frozenset({"r", "s", "t", "cm", "vm", "ph"})
_IN_CELLS = frozenset({"v", "f", "is", "t"})
MOST_COLUMNS = 16_384
OF_A_CELL = 16
"""What a cell counts beside its characters: a row is given in pieces if it is longer than LONGEST."""


class Strings:
    """The shared strings of a workbook, and which of them a cell showed."""

    def __init__(self) -> None:
        self.file = SpooledTemporaryFile(SPOOL)  # noqa: SIM115 - closed with the document
        self.offsets = array("Q", [0])
        self.shown = bytearray()
        self.over = 0

    def add(self, text: str) -> None:
        if len(self.shown) >= MOST_STRINGS:
            self.over += 1
            return
        data = text.encode("utf-8", "replace")
        self.file.seek(self.offsets[-1])
        self.file.write(data)
        self.offsets.append(self.offsets[-1] + len(data))
        self.shown.append(0)

    def get(self, number: str) -> str:
        """The string of an index as a cell has it; the index itself if there is none."""
        index = int(number) if number.isascii() and number.isdigit() and len(number) < 10 else -1
        if not 0 <= index < len(self.shown):
            return number
        self.shown[index] = 1
        return self._at(index)

    def unseen(self) -> Callable[[int], bytes]:
        """What no cell showed, a line each, to be pulled."""
        at = 0

        def pull(count: int) -> bytes:
            nonlocal at
            out: list[bytes] = []
            size = 0
            while size < count and (at := self.shown.find(0, at)) >= 0:
                out.append(self._at(at).encode("utf-8", "replace") + b"\n")
                size += len(out[-1])
                at += 1
            at = at if at >= 0 else len(self.shown)
            return b"".join(out)

        return pull

    def close(self) -> None:
        self.file.close()

    def _at(self, index: int) -> str:
        start, end = self.offsets[index], self.offsets[index + 1]
        self.file.seek(start)
        return self.file.read(end - start).decode("utf-8", "replace")


class SharedStrings(Handler):
    """sharedStrings.xml: its items go to the store, anything else beside."""

    def __init__(self, strings: Strings) -> None:
        super().__init__("xl")
        self.strings = strings

    def closed(self, local: str) -> None:
        if local == "si":
            self.strings.add("".join(self.out).rstrip("\n"))
            self.out.clear()

    def write(self, lines: list[str]) -> None:
        if lines == [""]:
            lines = []
        super().write(lines)


class Workbook(Handler):
    """workbook.xml and its relations: which part is which sheet."""

    def __init__(self) -> None:
        super().__init__("xl")
        self.sheets: list[tuple[str, str, str]] = []
        """(name, state, id of the relation)."""
        self.targets: dict[str, str] = {}

    def element(self, local: str, attributes: dict[str, str]) -> bool:
        bare = {self.local(name): value for name, value in attributes.items()}
        if local == "sheet" and len(self.sheets) < 65_536:
            self.sheets.append((bare.get("name", ""), bare.get("state", ""), bare.get("id", "")))
        elif local == "Relationship" and len(self.targets) < 65_536:
            self.targets[bare.get("Id", "")] = bare.get("Target", "")
        return True

    def named(self) -> dict[str, tuple[str, str]]:
        """Path of the part -> (name of the sheet, its state)."""
        out = {}
        for name, state, relation in self.sheets:
            target = self.targets.get(relation, "")
            path = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
            if target and name:
                out[path.lower()] = (name, state)
        return out


class _Lines(Handler):
    """A handler whose rows have numbers: everything else waits until they are over."""

    row_number = 0
    rows = 0
    """Rows that were written, empty ones too."""

    def _write_row(self, line: str) -> None:
        gap = self.row_number - 1 - self.rows
        if 0 < gap <= MOST_ROWS - self.rows:
            self.out.append("\n" * gap)
            self.rows += gap
        self.out.append(line.replace("\r\n", "\r").replace("\n", "\r") + "\n")
        self.rows += 1


class Sheet(_Lines):
    """worksheets/sheet1.xml."""

    def __init__(self, strings: Strings | None) -> None:
        super().__init__("xl")
        self.strings = strings
        self.kind = ""
        self.column = 0
        self.value: list[str] = []
        self.formula: list[str] = []
        self.in_cell = False
        self.table = Table()
        self.size = 0
        self._columns: dict[str, int] = {}
        self.cell: list[str] = []
        """The elements that are open, from the cell on, as long as there are none but those of _IN_CELLS."""

    # A sheet can have millions of cells, and each call costs as much as reading hundreds of bytes of text. So of a cell and the
    # value in it hardly more is noted than that they are open, until something else comes in them.
    def start(self, tag: str, attributes: dict[str, str]) -> None:
        cell = self.cell
        if cell:
            if tag in _IN_CELLS and not attributes and len(cell) < 8:
                cell.append(tag)
                return
            self._spelt_out()
        elif tag == "c" and not self.open and _CELL.issuperset(attributes):
            if self.loose:
                self._loose()
            if attributes:
                self._begun(attributes)
            else:
                self.in_cell, self.kind = True, ""
                self.column += 1
            cell.append(tag)
            return
        super().start(tag, attributes)

    def end(self, tag: str) -> None:
        cell = self.cell
        if not cell:
            super().end(tag)
            return
        cell.pop()
        if not cell:
            self.in_cell = False
            if self.value or self.formula:
                self._cell()
            if self.aside_size > MOST_ASIDE:
                self._give_aside()

    def text(self, data: str) -> None:
        cell = self.cell
        if cell and self.size + len(data) < LONGEST - OF_A_CELL:
            (self.formula if cell[-1] == "f" else self.value).append(data)
            self.size += len(data) + OF_A_CELL
        else:
            self._spelt_out()
            super().text(data)

    def _spelt_out(self) -> None:
        """The open cell, and what is open in it, as Handler has elements."""
        for name in self.cell:
            self.depth += 1
            self.path.append(name)
            self.labels.append(self.labels[-1] if self.labels and self.labels[-1][1] else (name, False))
        self.cell.clear()

    def _begun(self, attributes: dict[str, str]) -> None:
        """A cell begins."""
        self.in_cell = True
        self.kind = attributes.get("t", "")
        letters = attributes.get("r", "").rstrip("0123456789")
        column = self._columns.get(letters)
        if column is None:
            column = _column(letters)
            if len(self._columns) < MOST_COLUMNS:
                self._columns[letters] = column
        self.column = column or self.column + 1

    def element(self, local: str, attributes: dict[str, str]) -> bool:
        if local == "c":
            self._begun(attributes)
            return _CELL.issuperset(attributes)
        if local == "row":
            number = int(digits(attributes.get("r", "0")))
            self.row_number = number if number > self.row_number else self.row_number + 1
            self.table.row({})
            self.column = self.size = 0
        return False

    def inner(self, data: str) -> bool:
        if not self.in_cell:
            return False
        (self.formula if self.path[-1] == "f" else self.value).append(data)
        self.size += len(data) + OF_A_CELL
        if self.size > LONGEST:
            self._cell()
            self._row()
            self.table.row({})
        return True

    def closed(self, local: str) -> None:
        if local == "c":
            self._cell()
            self.in_cell = False
        elif local == "row":
            self._row()

    def write(self, lines: list[str]) -> None:
        for line in lines:
            if line.strip():
                self.beside(line)

    def _cell(self) -> None:
        value, formula = self.value, self.formula
        if not value and not formula:
            return
        text = value[0] if len(value) == 1 else "".join(value)
        value.clear()
        if self.kind == "s" and self.strings is not None:
            text = self.strings.get(text.strip())
            self.size += len(text)
        bare = text.strip()
        cells = self.table.cells
        if bare and cells is not None:
            cells.append((self.column, bare))
        elif bare:
            self.beside(text)
        if formula:
            self._formula("".join(formula))
            formula.clear()
        if self.size > LONGEST and cells is not None:
            self._row()
            self.table.row({})
            self.size = 0

    def _formula(self, text: str) -> None:
        if '"' in text or "'" in text or len(text) > 64:
            self.beside(f"={text}")

    def _row(self) -> None:
        line = self.table.line("\r")
        if line:
            self._write_row(line)


MARK = b"\0"
"""Stands, with a sheet's name and a line break, before the sheet, and without a name behind it. XML has no such byte."""


class OpenSheets(_Lines):
    """content.xml of an OpenDocument: of a spreadsheet each table between marks, the rest behind them."""

    def __init__(self) -> None:
        super().__init__("odf")
        self.spreadsheet = False
        self.sheets = 0
        self.sheet = False
        self.strings: list[str] = []

    def element(self, local: str, attributes: dict[str, str]) -> bool:
        if local == "spreadsheet":
            self.spreadsheet = True
        elif local == "table" and self.spreadsheet and not self.tables:
            self.sheet = True
            self.sheets += 1
            self.row_number = self.rows = 0
            name = " ".join(attributes.get("table:name", "").split()) or f"table {self.sheets}"
            self.out.append(f"\0{name}\n")
        elif local in ("table-cell", "covered-table-cell") and self.sheet:
            for name in ("office:string-value", "table:formula"):
                value = attributes.get(name, "")
                if value and (name[0] == "o" or '"' in value or len(value) > 64):
                    self.strings.append(value)
            return all(name in _ODS_CELL for name in attributes)
        return False

    def row_ended(self) -> None:
        if not self.sheet or len(self.tables) > 1:
            super().row_ended()
            return
        table = self.tables[-1]
        repeat = table.repeat
        self.row_number += 1
        line = table.line("\r")
        if line:
            self._write_row(line)
        self.row_number += repeat - 1
        for text in self.strings:
            if text not in line:
                self.beside(text)
        self.strings.clear()

    def table_ended(self) -> None:
        if self.sheet and len(self.tables) == 1:
            self.tables.pop()
            self.sheet = False
            self.out.append("\0\n")
        else:
            super().table_ended()

    def write(self, lines: list[str]) -> None:
        if not self.spreadsheet or (self.tables and self.tables[-1].cells is not None):
            super().write(lines)
        else:
            for line in lines:
                if line.strip():
                    self.beside(line)

    def _give_aside(self) -> None:
        if not self.sheet:
            super()._give_aside()


_ODS_CELL = frozenset({
    "office:value-type", "office:value", "office:string-value", "office:boolean-value", "office:date-value", "calcext:value-type",
    "table:style-name", "table:formula", "table:number-columns-repeated", "table:number-columns-spanned",
    "table:number-rows-spanned", "table:content-validation-name", "office:currency", "office:time-value",
})  # fmt: skip


def _column(reference: str) -> int:
    """The number of the column in a reference such as AB12; 0 if there is none."""
    out = 0
    for letter in reference[:4]:
        if not "A" <= letter <= "Z":
            break
        out = out * 26 + ord(letter) - 64
    return out
