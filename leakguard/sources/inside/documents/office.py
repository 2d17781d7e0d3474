"""Office documents (docx, xlsx, xlsb, pptx, odt, ods, odp and their kin): a zip whose XML parts are read as text.

Promises: a part of XML is handed out once, as text, under its own name (`word/document.xml`); a worksheet under the name
that people see (`Sheet1`), hidden ones marked; everything else in the zip (pictures, embedded files, macros, hidden
members, gaps) as the zip's reader gives it. Nothing is dropped: what cannot be read as XML is handed out as it stands.

Why not openpyxl or python-docx: they build whole documents in memory, of what they understand. Imported by `zips`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from leakguard.sources.inside.base import CHUNK, BrokenError, Context, LimitError, Member, Pull, Stream
from leakguard.sources.inside.documents import xlsb
from leakguard.sources.inside.documents.sheets import MARK, OpenSheets, SharedStrings, Sheet, Strings, Workbook
from leakguard.sources.inside.documents.xmltext import Handler, Part
from leakguard.sources.inside.magic import HEAD

if TYPE_CHECKING:
    from leakguard.sources.inside.archives.zips import Zip

_XML = (".xml", ".rels", ".vml", ".rdf", ".xhtml")
_STRINGS = "xl/sharedstrings.xml"
_WORKBOOK = ("xl/workbook.xml", "xl/_rels/workbook.xml.rels")
_BINARY = ("xl/workbook.bin", "xl/_rels/workbook.bin.rels", "xl/sharedstrings.bin")
_STATES = {"hidden": "hidden", "veryHidden": "very hidden"}


def document(archive: Zip, kind: str, context: Context) -> Iterator[Member]:
    """Every member of the zip, XML as text."""
    reader = _Document(archive, kind, context)
    try:
        yield from reader.members()
    finally:
        if reader.strings is not None:
            reader.strings.close()


def flat(stream: Stream, context: Context) -> Iterator[Member]:
    """A document that is one XML file: OpenDocument (.fodt, .fods), or what Word saves as XML."""
    head = stream.peek(HEAD)
    if b"office:document" not in head:
        pull = Part(stream.read, Handler("word"), context, context.name)
        yield Member("text", pull, -1, "view")
        return
    yield from _tables(Member("text", stream.read), context)


class _Document:
    def __init__(self, archive: Zip, kind: str, context: Context) -> None:
        self.archive = archive
        self.kind = kind
        self.context = context
        self.strings: Strings | None = None
        self.workbook = Workbook()

    def members(self) -> Iterator[Member]:
        sheets: dict[str, tuple[str, str]] = {}
        if self.kind == "ooxml":
            self._look_ahead()
            sheets = self.workbook.named()
        read = False
        for member in self.archive.members():
            name = member.name.lower()
            if member.kind == "member" and name.endswith(".bin") and name in sheets:
                yield from xlsb.sheet(member, *self._named(member, *sheets.pop(name)), self.strings)
            elif name == _BINARY[2] and self.strings is not None and not read:
                read = True
            elif member.kind != "member" or not name.endswith(_XML):
                yield member
            elif name == _STRINGS and self.strings is not None and not read:
                read = True  # its cells show it
            elif name in sheets:
                yield self._sheet(member, *sheets.pop(name))
            elif self.kind == "odf" and name.rsplit("/", 1)[-1] == "content.xml":
                yield from _tables(member, self.context)
            else:
                yield self._part(member, Handler(self._family(name)))
        yield from self._unseen()

    def _family(self, name: str) -> str:
        if self.kind == "odf":
            return "odf"
        top = name.split("/", 1)[0]
        return top if top in ("word", "ppt", "xl") and "/_rels/" not in name else ""

    def _part(self, member: Member, handler: Handler) -> Member:
        """A part as text, unless it only has the name of one."""
        member, xml = _looked_at(member)
        if not xml:
            return member
        # Excel's drawings of comments are hardly ever XML; their texts stand in a part of their own
        context = self.context._replace(tell=_nothing) if member.name.lower().endswith(".vml") else self.context
        return member._replace(pull=Part(member.pull, handler, context, member.name), size=-1, kind="view")

    # ------------------------------------------------------------ workbooks
    def _look_ahead(self) -> None:
        """What is needed before the first worksheet: their names, the strings they share."""
        for number, (name, pull) in enumerate(self.archive.named({*_WORKBOOK, _STRINGS, *_BINARY})):
            if number > 8:
                return
            if name.lower().endswith(".bin"):
                self._look_at_binary(name, pull)
                continue
            if name.lower() != _STRINGS:
                part = Part(pull, self.workbook, self.context._replace(tell=_nothing), name)  # it comes again, and is told
            elif self.strings is None:
                self.strings = Strings()
                part = Part(pull, SharedStrings(self.strings), self.context, name)
            else:
                continue
            try:
                while data := part(CHUNK):
                    if self.strings is not None and name.lower() == _STRINGS:
                        self.strings.add(data.decode("utf-8", "replace"))
            except LimitError as error:
                self.context.tell("truncated", name, f"limit reached: {error.reason}")
            except BrokenError as error:
                self.context.tell("failed", name, error.reason)
        if self.strings is not None and self.strings.over:
            self.context.tell("truncated", _STRINGS, f"{self.strings.over} more strings than are read")

    def _look_at_binary(self, name: str, pull: Pull) -> None:
        """The same of an xlsb."""
        try:
            if name.lower() == _BINARY[0]:
                self.workbook.sheets += islice(xlsb.sheets(pull), 65_536)
            elif self.strings is None:
                self.strings = Strings()
                xlsb.shared(pull, self.strings)
        except LimitError as error:
            self.context.tell("truncated", name, f"limit reached: {error.reason}")
        except BrokenError as error:
            self.context.tell("failed", name, error.reason)

    def _named(self, member: Member, name: str, state: str) -> tuple[str, tuple[tuple[str, str], ...]]:
        """A sheet's name, and its facts."""
        facts = (*member.facts, ("part", member.name))
        return name, (*facts, ("sheet", _STATES[state])) if state in _STATES else facts

    def _sheet(self, member: Member, name: str, state: str) -> Member:
        name, facts = self._named(member, name, state)
        pull = Part(member.pull, Sheet(self.strings), self.context, member.name)
        return Member(name, pull, -1, "view", facts)

    def _unseen(self) -> Iterator[Member]:
        """Shared strings that no cell shows, and what else stood with them."""
        if self.strings is not None:
            yield Member("xl/sharedStrings.xml", self.strings.unseen(), -1, "view")


# ---------------------------------------------------------------- OpenDocument
def _tables(member: Member, context: Context) -> Iterator[Member]:
    """The tables of a spreadsheet one by one, then the rest; any other document's text at once."""
    handler = OpenSheets()
    pieces = _Pieces(Part(member.pull, handler, context, member.name), handler)
    if not pieces.is_spreadsheet():
        yield member._replace(pull=pieces, size=-1, kind="view")
        return
    while pieces.following():
        yield Member(pieces.name or member.name, pieces, -1, "view", (("part", member.name), *member.facts))
        pieces.finish()


def _looked_at(member: Member) -> tuple[Member, bool]:
    """The member, unread, and whether it begins as XML does."""
    try:
        head = member.pull(CHUNK)
    except Exception as error:  # noqa: BLE001 - raised again to whoever reads it
        return member._replace(pull=_Again(b"", member.pull, error)), False
    text = head[:HEAD].lstrip(b"\xef\xbb\xbf \t\r\n")
    wide = head[:2] in (b"\xff\xfe", b"\xfe\xff")
    return member._replace(pull=_Again(head, member.pull)), text[:1] == b"<" or wide or not head


class _Again:
    """What was read already, then the rest."""

    def __init__(self, head: bytes, pull: Pull, error: Exception | None = None) -> None:
        self.head = head
        self.pull = pull
        self.error = error

    @property
    def taken(self) -> int | None:
        """See zips.Content."""
        return getattr(self.pull, "taken", None)

    def __call__(self, count: int) -> bytes:
        if self.error is not None:
            raise self.error
        if self.head:
            out, self.head = self.head[:count], self.head[count:]
            return out
        return self.pull(count)


def _nothing(_state: str, _name: str, _reason: str) -> None:
    return None


class _Pieces:
    """The text of content.xml, cut where a sheet begins and ends."""

    def __init__(self, part: Part, handler: OpenSheets) -> None:
        self.part = part
        self.handler = handler
        self.name = ""
        self.error: Exception | None = None
        self.buffer = b""
        self.at = 0
        self.base = 0
        """Where in the part's text the buffer begins."""
        self.ended = False

    def is_spreadsheet(self) -> bool:
        """Is there a sheet in what is read first?"""
        self._fill()
        return self.handler.sheets > 0

    def following(self) -> bool:
        """Goes to the next piece; False if there is none."""
        while not self.buffer and not self.ended:
            self._fill()
        self._drop(self.at)
        if self._mark() == 0:
            end = self.buffer.find(b"\n")
            while end < 0 and not self.ended:
                self._fill()
                end = self.buffer.find(b"\n")
            name = self.buffer[1:end]
            self._drop(end + 1)
            self.name = name.decode("utf-8", "replace")
            return True
        self.name = ""
        return bool(self.buffer) or self.error is not None

    def __call__(self, count: int) -> bytes:
        while not self.buffer and not self.ended:
            self._fill()
        if not self.buffer and self.error is not None:
            error, self.error = self.error, None
            raise error
        border = self._mark()
        out = self.buffer[self.at : self.at + count if border < 0 else min(self.at + count, border)]
        self.at += len(out)
        if self.at >= len(self.buffer):
            self._drop(self.at)
        return out

    def _mark(self) -> int:
        """Where the next mark is, or -1: bytes as they stand may hold NUL, too."""
        at = self.buffer.find(MARK, self.at)
        return at if self.base + at < self.part.raw_at else -1

    def _drop(self, count: int) -> None:
        self.buffer, self.at = self.buffer[count:], 0
        self.base += count

    def finish(self) -> None:
        """Passes over the rest of the piece."""
        while self(CHUNK):
            pass

    def _fill(self) -> None:
        try:
            data = self.part(CHUNK)
        except Exception as error:  # noqa: BLE001 - raised again to whoever reads the piece it happened in
            self.error, data = error, b""
        self.ended = not data
        self.buffer += data
