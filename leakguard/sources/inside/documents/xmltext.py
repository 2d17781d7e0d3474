"""XML parts of documents as the text that people read: paragraphs as lines, rows of tables with their labels, attributes.

Promises: nothing is dropped. Runs of one paragraph are one piece of text, deleted text stands on a line of its own, text
outside of paragraphs is `label: text`, attributes and comments follow in the end; only values too short or too plain to
be anything are left out. No entity is ever declared or fetched, a token or a nest too large for memory is damage, and
from where the XML is damaged its bytes are handed on as they stand. Memory is a paragraph, a row and the attributes.

Knows no archive. Imported by `office` and `sheets`.
"""

from __future__ import annotations

import re
from typing import Any
from xml.parsers import expat

from leakguard.sources.inside.base import Context, LimitError, Pull, ratio_guard
from leakguard.sources.inside.documents.rows import Rows

PIECE = 64 * 1024
LONGEST = 1024 * 1024
"""Characters of a paragraph or a row that are held; a longer one is given in pieces."""
MOST_ASIDE = 4 * 1024 * 1024
"""Characters of attributes that wait for the end of their part; more are given as they come."""
MOST_KNOWN = 100_000
DEEPEST = 10_000
LARGEST_TOKEN = 8 * 1024 * 1024
"""Bytes of one tag or comment, which the parser holds in memory."""
MOST_TAGS = 2_000_000
"""Tags of a part that are read in any case: each costs as much as hundreds of bytes of text ..."""
TAGS_PER_BYTE = 25
"""... and for each byte it was packed in as many more as the ratio that is allowed, by this. Sheets of nothing but zeros have
less than two a byte."""

PARAGRAPHS = {"word": {"p"}, "ppt": {"p", "text"}, "xl": {"p", "si", "text"}, "odf": {"p", "h"}, "": set[str]()}
"""Family of formats -> elements that are paragraphs there."""

_VERBATIM = frozenset({"t", "delText", "instrText", "delInstrText"})
_DELETED = frozenset({"del", "moveFrom", "deletion"})
_INSERTED = frozenset({"ins", "moveTo"})
_CODES = frozenset({"instrText", "delInstrText"})
_ROWS = frozenset({"tr", "table-row"})
_CELLS = frozenset({"tc", "table-cell", "covered-table-cell"})
_BREAKS = {"br": "\n", "cr": "\n", "line-break": "\n", "tab": "\t", "s": " ", "noBreakHyphen": "-", "ptab": "\t", "rPh": " "}
_SPECIAL = _DELETED | _INSERTED | _ROWS | _CELLS | frozenset(_BREAKS) | {"tbl", "table", "AlternateContent", "Fallback"}
_NAMES = ("name", "key", "alias", "tag", "title")
_VALUES = ("val", "value", "v", "content", "string-value", "descr")
_PLAIN = re.compile(r"[0-9A-Fa-f]{0,8}|-?[0-9.,%]{0,17}(?:pt|in|cm|mm|px|em|%)?|[A-Za-z]{1,7}|#[0-9A-Fa-f]{6}")
_CHANGED = re.compile(r"(?=\S*[0-9])(?=\S*[A-Za-z])\S{8,}")


class DeclaresError(Exception):
    """The XML declares entities: it is not read on as XML."""


class Part:
    """A part's text, to be pulled out of its XML."""

    def __init__(self, pull: Pull, handler: Handler, context: Context, name: str) -> None:
        self.pull = pull
        self.handler = handler
        self.context = context
        self.name = name
        self.parser = _parser(handler)
        self.buffer = b""
        self.before = b""
        self.at = self.fed = self.given = self.tags = 0
        self.error: Exception | None = None
        self.state = "xml"
        self.raw_at = 1 << 62
        """Where in the text begins what is handed on as it stands."""

    def __call__(self, count: int) -> bytes:
        while not self.buffer and self.state != "end":
            if self.error is not None:
                error, self.error, self.state = self.error, None, "end"
                raise error
            if self.state == "raw":
                self.buffer = self._source(count)
                self.state = "raw" if self.buffer else "end"
            else:
                self._step()
        out = self.buffer[self.at : self.at + count]
        self.at += len(out)
        if self.at >= len(self.buffer):  # cutting it at every read would copy it every time
            self.buffer, self.at = b"", 0
        self.given += len(out)
        ratio_guard(self.context.limits, self.given, max(self.fed, self.context.budget.size))
        return out

    def _source(self, count: int) -> bytes:
        data = self.pull(count)
        self.context.budget.spend(len(data))
        self.fed += len(data)
        if self.state == "xml":
            self.tags += data.count(b"<")
            if self.tags > MOST_TAGS:
                self._guard()
        return data

    def _guard(self) -> None:
        """Raises LimitError where so few bytes hold more tags than any document's."""
        ratio, taken = self.context.limits.ratio, getattr(self.pull, "taken", None)
        most = MOST_TAGS + (self.fed if taken is None else taken) * ratio // TAGS_PER_BYTE
        if ratio and self.tags > most:
            raise LimitError(f"more than {most} tags in {taken} bytes (--archive-ratio)")

    def _step(self) -> None:
        """One piece of XML more."""
        try:
            data = self._source(PIECE)
        except Exception as error:  # noqa: BLE001 - raised again as soon as what was read until here is given
            self.error, data = error, b""
        if not self.fed and self.error is None:  # OpenOffice writes parts that hold nothing
            self.state = "end"
            return
        try:
            self.parser.Parse(data, not data and self.error is None)
            if self.fed - max(0, self.parser.CurrentByteIndex) > LARGEST_TOKEN or self.handler.depth > DEEPEST:
                raise DeclaresError
        except (expat.ExpatError, DeclaresError, LookupError, ValueError):  # the last two: of its encoding
            self._damaged(data)
            return
        if not data:
            self.handler.finish()
            self.state = "xml" if self.error is not None else "end"
        self.buffer = self.handler.take()
        self.before = data

    def _damaged(self, data: bytes) -> None:
        """The rest as it stands: from the piece before on, for the parser may have held some of that."""
        reason = "damaged XML" if self.handler.entities == 0 else "XML that declares entities"
        self.context.tell("failed", self.name, f"{reason}: scanned as it stands from there on")
        self.handler.finish()
        text = self.handler.take()
        self.raw_at = self.given + len(text)
        self.buffer = text + b"\n" + self.before + data
        self.state = "raw"


def _parser(handler: Handler) -> Any:
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.buffer_size = 16 * 1024
    parser.StartElementHandler = handler.start
    parser.EndElementHandler = handler.end
    parser.CharacterDataHandler = handler.text
    parser.CommentHandler = handler.comment
    parser.ProcessingInstructionHandler = handler.instruction
    parser.EntityDeclHandler = handler.declares
    parser.SkippedEntityHandler = handler.skipped
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    return parser


class Handler:
    """What is made of elements as they come. `family` is a key of PARAGRAPHS."""

    def __init__(self, family: str) -> None:
        self.family = family
        self.paragraphs = PARAGRAPHS[family]
        self.special = _SPECIAL | self.paragraphs
        self.out: list[str] = []
        self.aside: list[str] = []
        self.aside_size = 0
        self.known: set[int] = set()
        self.depth = 0
        self.entities = 0
        self.labels: list[tuple[str, bool]] = []
        self.loose: list[str] = []
        self.loose_size = 0
        self.open: list[_Paragraph] = []
        self.tables: list[Table] = []
        self.deleted = self.inserted = 0
        self.path: list[str] = []
        self.choices: list[set[int]] = []
        self.fallback = 0
        self._local: dict[str, str] = {}

    # ------------------------------------------------------------ what the parser calls
    def start(self, tag: str, attributes: dict[str, str]) -> None:
        local = self._local.get(tag) or self.local(tag)
        self.depth += 1
        self.path.append(local)
        if self.loose:
            self._loose()
        if not self.element(local, attributes) and attributes:
            self.attributes(local, attributes)
        if local in self.special:
            self._begins(local, attributes)
        if not self.open:
            self.labels.append(self._label(local, attributes) if attributes or self.labels else (local, False))

    def _begins(self, local: str, attributes: dict[str, str]) -> None:
        """The start of an element that means something."""
        if local in self.paragraphs:
            self.open.append(_Paragraph(bool(self.open)))
        elif local in _DELETED:
            self.deleted += 1
        elif local in _INSERTED:
            self.inserted += 1
        elif local in _BREAKS and self.open and not (local == "s" and self.family != "odf"):
            repeat = min(int(digits(attributes.get("text:c", "1"))), 256) if local == "s" else 1
            self.open[-1].add(0, _BREAKS[local] * repeat)
        elif local in _CELLS and self.tables:
            self.tables[-1].cell(attributes)
        elif local in _ROWS and self.tables:
            self.tables[-1].row(attributes)
        elif local in ("tbl", "table"):
            self.tables.append(Table())
        elif local == "AlternateContent":
            self.choices.append(set())
        elif local == "Fallback":
            self.fallback += 1

    def end(self, _tag: str) -> None:
        local = self.path.pop()
        if self.loose:
            self._loose()
        self.depth -= 1
        if local in self.special:
            self._ends(local)
        if len(self.labels) > self.depth:
            del self.labels[self.depth :]
        self.closed(local)
        if self.aside_size > MOST_ASIDE and not self.open:
            self._give_aside()

    def _ends(self, local: str) -> None:
        """The end of an element that means something."""
        if local in self.paragraphs and self.open:
            self._paragraph(self.open.pop())
        elif local in _DELETED:
            self.deleted -= 1
        elif local in _INSERTED:
            self.inserted -= 1
        elif local in _ROWS and self.tables:
            self.row_ended()
        elif local in ("tbl", "table") and self.tables:
            self.table_ended()
        elif local == "AlternateContent" and self.choices:
            self.choices.pop()
        elif local == "Fallback":
            self.fallback -= 1

    def text(self, data: str) -> None:
        if self.inner(data):
            return
        if self.open:
            inside = self.path[-1]
            if inside not in _VERBATIM and self.family != "":
                if self.family == "odf" or inside in self.paragraphs:
                    data = _SPACE.sub(" ", data) if self.family == "odf" else data
                else:
                    data = data.strip()
            if data:
                paragraph = self.open[-1]
                kind = 3 if inside in _CODES else 1 if self.deleted else 2 if self.inserted else 0
                paragraph.add(kind, data)
                if paragraph.size > LONGEST:
                    self.write(paragraph.lines())
                    paragraph.clear()
        else:
            self.loose.append(data)
            self.loose_size += len(data)
            if self.loose_size > LONGEST:
                self._loose()

    def comment(self, data: str) -> None:
        if data.strip():
            self.beside(data)

    def instruction(self, target: str, data: str) -> None:
        self.beside(f"{target} {data}")

    def declares(self, *_: Any) -> None:
        self.entities += 1
        raise DeclaresError

    def skipped(self, name: str, _parameter: bool) -> None:
        self.text(f"&{name};")

    # ------------------------------------------------------------ for those who know more of a format
    def element(self, local: str, attributes: dict[str, str]) -> bool:
        """Called at each start; True if it took care of the attributes."""
        return False

    def inner(self, data: str) -> bool:
        """Called with all text; True if it took it."""
        return False

    def closed(self, local: str) -> None:
        """Called at each end."""

    def row_ended(self) -> None:
        """A row of a table is complete."""
        table = self.tables[-1]
        line = table.line()
        if line:
            self.write([line])

    def table_ended(self) -> None:
        table = self.tables.pop()
        line = table.line()
        if line:
            self.write([line])

    # ------------------------------------------------------------ what comes out
    def write(self, lines: list[str]) -> None:
        """Lines of text: into the cell they stand in, or out."""
        if self.tables and self.tables[-1].cells is not None:
            table = self.tables[-1]
            table.add(lines)
            if table.size > LONGEST:
                line = table.line()
                if line:
                    self._out([line])
        else:
            self._out(lines)

    def _out(self, lines: list[str]) -> None:
        if self.choices:
            known = self.choices[-1]
            if self.fallback:
                lines = [line for line in lines if hash(line) not in known]
            elif len(known) < MOST_KNOWN:
                known.update(map(hash, lines))
        self.out += [f"{line}\n" for line in lines]

    def beside(self, line: str) -> None:
        """A line that is to stand behind the text. The same is said once."""
        if hash(line) not in self.known:
            if len(self.known) < MOST_KNOWN:
                self.known.add(hash(line))
            self.aside.append(f"{line}\n")
            self.aside_size += len(line)

    def attributes(self, local: str, attributes: dict[str, str]) -> None:
        """The values of an element that say something."""
        told = {}
        for name, value in attributes.items():
            if len(value) > 3 and not _PLAIN.fullmatch(value):
                bare = self._local.get(name) or self.local(name)
                if name[:5] != "xmlns" and bare[:4] != "rsid" and name != "xml:space":
                    told[bare] = value
        if not told:
            return
        label = next((told[name] for name in _NAMES if name in told), "")
        value = next((name for name in _VALUES if name in told), "")
        if not value and label:
            bare_values = {self.local(name): text for name, text in attributes.items()}
            value = next((name for name in _VALUES if bare_values.get(name)), "")
            if value:
                told[value] = bare_values[value]
        if label and value and told[value] != label:
            rest = "".join(f' {name}="{text}"' for name, text in told.items() if text != label and name != value)
            self.beside(f'{local}{rest} {label}="{told[value]}"')
        else:
            self.beside(local + "".join(f' {name}="{text}"' for name, text in told.items()))

    def finish(self) -> None:
        """The end: whatever is open is given."""
        self._loose()
        while self.open:
            self._paragraph(self.open.pop())
        while self.tables:
            self.table_ended()
        self._give_aside()

    def take(self) -> bytes:
        """What came out since it was asked last."""
        out = "".join(self.out)
        self.out.clear()
        return out.encode("utf-8", "replace")

    def local(self, tag: str) -> str:
        """A name without its prefix."""
        found = self._local.get(tag)
        if found is None:
            found = tag.rpartition(":")[2]
            if len(self._local) < 4096:
                self._local[tag] = found
        return found

    def _give_aside(self) -> None:
        self.out += self.aside
        self.aside.clear()
        self.aside_size = 0

    def _label(self, local: str, attributes: dict[str, str]) -> tuple[str, bool]:
        """What text in an element is called: the element's name attribute, or its parent's, or the element."""
        for name, value in attributes.items():
            if name[-4:] == "name" and value and self.local(name) == "name":
                return " ".join(value.split())[:128], True
        if self.labels and self.labels[-1][1]:
            return self.labels[-1]
        return local, False

    def _loose(self) -> None:
        """Text that stands in no paragraph."""
        text = "".join(self.loose).strip()
        self.loose.clear()
        self.loose_size = 0
        if text:
            label = self.labels[-1][0] if self.labels else ""
            self.record(label, text)

    def record(self, label: str, text: str) -> None:
        """A named text."""
        self.write([f"{label}: {text}"])

    def _paragraph(self, paragraph: _Paragraph) -> None:
        lines = paragraph.lines()
        if paragraph.nested and self.open:
            self.open[-1].later += lines
        else:
            self.write(lines)


_SPACE = re.compile(r"[ \t\r\n]+")


def digits(text: str) -> str:
    """A count as attributes have it, of at most nine digits; "1" for anything else."""
    return text if text.isascii() and text.isdigit() and len(text) < 10 else "1"


class _Paragraph:
    """The runs of a paragraph: kind 0 stays, 1 was deleted, 2 inserted, 3 is code of a field."""

    __slots__ = ("later", "nested", "runs", "size")

    def __init__(self, nested: bool) -> None:
        self.nested = nested
        self.later: list[str] = []
        self.clear()

    def clear(self) -> None:
        self.runs: list[tuple[int, str]] = []
        self.size = 0

    def add(self, kind: int, text: str) -> None:
        self.runs.append((kind, text))
        self.size += len(text)

    def lines(self) -> list[str]:
        """What it says, what it said before deletions, its fields' codes, and the paragraphs that stand in it."""
        now = "".join(text for kind, text in self.runs if kind in (0, 2))
        out = [now]
        if any(kind == 1 for kind, _ in self.runs):
            kept = frozenset(now.split())
            was = "".join(text for kind, text in self.runs if kind in (0, 1))
            out.append(_CHANGED.sub(lambda word: "..." if word[0] in kept else word[0], was))
        code = "".join(text for kind, text in self.runs if kind == 3)
        if code.strip():
            out.append(code)
        out += self.later
        self.later = []
        return out


class Table:
    """The table that is being read; its row, its cell."""

    def __init__(self) -> None:
        self.rows = Rows()
        self.cells: list[tuple[int, str]] | None = None
        self.lines: list[str] = []
        self.column = self.width = 0
        self.size = 0
        self.repeat = 1

    def row(self, attributes: dict[str, str]) -> None:
        self.cells, self.lines, self.size = [], [], 0
        self.column, self.width = 0, 0
        self.repeat = int(digits(attributes.get("table:number-rows-repeated", "1")))

    def cell(self, attributes: dict[str, str]) -> None:
        self._close()
        self.width = int(digits(attributes.get("table:number-columns-repeated", "1")))

    def add(self, lines: list[str]) -> None:
        self.lines += lines
        self.size += sum(map(len, lines))

    def line(self, joint: str = "\n") -> str:
        """The row as one text, and it is over."""
        self._close(joint)
        cells, self.cells, self.size = self.cells or [], None, 0
        return self.rows.line(cells)

    def _close(self, joint: str = "\n") -> None:
        text = joint.join(line for line in self.lines if line)
        if text and self.cells is not None:
            self.cells.append((self.column, text))
        self.lines = []
        self.column += self.width
        self.width = 0
