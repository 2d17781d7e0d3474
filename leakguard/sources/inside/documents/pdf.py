"""PDF: the text of each page, attachments, and every object that ever stood in the file, by pypdf in a process of its own.

Promises: what a page shows is a member `page-3`; attachments come under their names; every stream that no page showed
(earlier revisions, form fields' looks, metadata) is unpacked into `object-12`; everything between streams (metadata,
links, annotations, fields) is `objects`, its strings decoded and beside their names. An encrypted file is read where no
password is needed, and told where one is. A page that takes too long is told, and its content given as it is packed.

This file is both sides: `pdf` in the parent; loaded by the child (see `child`), which imports nothing of the project.
"""

from __future__ import annotations

import mmap
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leakguard.sources.inside.base import Context, Member, Stream

PAGE_SECONDS = 20
MOST_REVISIONS = 16
_END = b"E"

_OBJECT = re.compile(rb"(\d{1,10})[ \t\r\n]{1,8}(\d{1,5})[ \t\r\n]{1,8}obj\b")
_LENGTH = re.compile(rb"/Length[ \t\r\n]{0,8}(\d{1,12})(?![ \t\r\n]{1,8}\d{1,8}[ \t\r\n]{1,8}R)")
_FILTER = re.compile(rb"/(?:Filter|F)[ \t\r\n]{0,8}(\[[^\]]{0,256}\]|/[A-Za-z0-9]{1,32})")
_NAME = re.compile(rb"/([A-Za-z0-9]{1,32})")
_SHORT = {b"Fl": b"FlateDecode", b"LZW": b"LZWDecode", b"AHx": b"ASCIIHexDecode", b"A85": b"ASCII85Decode",
          b"RL": b"RunLengthDecode"}  # fmt: skip

_PICTURES = frozenset((b"DCTDecode", b"DCT", b"CCITTFaxDecode", b"CCF", b"JPXDecode", b"JBIG2Decode"))
"""What nothing but pictures is packed by, be they called so (small ones of pages are not)."""


# ---------------------------------------------------------------- the parent
def pdf(stream: Stream, context: Context) -> Iterator[Member]:
    """Pages, attachments, objects."""
    from leakguard.sources.inside.base import UnreadError
    from leakguard.sources.inside.child import parsed

    try:
        yield from parsed("pdf", stream, context)
    except ImportError:
        raise UnreadError("install leakguard-scanner[documents]") from None


# ---------------------------------------------------------------- the child
class _Late(BaseException):
    """A page took too long. No Exception: parsers catch these."""


def read(handle: int, out: Any) -> None:
    """Everything in the PDF that `handle` is open on."""
    import pypdf

    sys.setrecursionlimit(3000)
    size = os.fstat(handle).st_size
    with mmap.mmap(handle, size, access=mmap.ACCESS_READ) as data, open(handle, "rb", closefd=False) as file:
        reader = _Reader(data, out)
        try:
            document = pypdf.PdfReader(file, strict=False)
            locked = document.is_encrypted
            if locked and not document.decrypt(""):
                out.told("broken", "encrypted")
                return
        except _Late:
            raise
        except Exception as error:  # noqa: BLE001 - the objects are read without it
            out.told(f"its structure is damaged ({type(error).__name__}), and only its objects are read")
            reader.objects()
            return
        reader.current(document)
        if locked:
            reader.unlocked(document)
            return
        reader.earlier()
        reader.objects()


def sample() -> bytes:
    """A page of text, to be read before any file is: half of what pypdf imports and prepares, it does when it meets a page."""
    from zlib import compress

    text = compress(b"BT /F1 12 Tf 72 720 Td (one line) Tj 0 -14 Td [(another) -250 (one)] TJ ET")
    objects = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d/Filter/FlateDecode>>\nstream\n%b\nendstream" % (len(text), text),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
    )
    out, places = b"%PDF-1.7\n", []
    for number, content in enumerate(objects, 1):
        places.append(b"%010d 00000 n \n" % len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    table = b"xref\n0 %d\n0000000000 65535 f \n%b" % (len(objects) + 1, b"".join(places))
    return out + table + b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(out))


class _Reader:
    def __init__(self, data: mmap.mmap, out: Any) -> None:
        self.data = data
        self.out = out
        self.decode: Any = out.beside("documents/pdftext")
        self.shown: set[int] = set()
        """Offsets of the objects whose text a page showed."""
        self.names: dict[int, str] = {}
        """Offset of an embedded file's object -> its name."""
        self.lines: set[int] = set()

    def give(self, name: str, data: bytes, kind: bytes = b"v") -> None:
        self.out.name(name, len(data), kind)
        self.out.data(data)
        self.out.send(_END)

    # ------------------------------------------------------------ by pypdf
    def current(self, document: Any) -> None:
        """The pages as they are now, and the names of attachments."""
        self._pages(document, "", tell=True)
        names: dict[int, str] = {}
        _quiet(lambda: _embedded(document, names))
        for number, name in names.items():
            at = _offset(document, number)
            if at >= 0:
                self.names[at] = name

    def earlier(self) -> None:
        """What pages of earlier revisions said that no later one says."""
        from io import BytesIO

        import pypdf

        ends: list[int] = []
        at = self.data.rfind(b"%%EOF", 0, max(0, len(self.data) - 64))
        while at >= 0 and len(ends) < MOST_REVISIONS:
            ends.append(at + 5)
            at = self.data.rfind(b"%%EOF", 0, at)
        if at >= 0:
            self.out.told(f"more than {MOST_REVISIONS} earlier revisions, whose pages are not all read", "objects")
        for number, end in enumerate(reversed(ends), 1):
            if self.data.rfind(b"startxref", max(0, end - 64), end) >= 0:
                made = _quiet(lambda end=end: pypdf.PdfReader(BytesIO(self.data[:end]), strict=False))  # type: ignore[misc]
                if made is not None:
                    self._pages(made, f"revision-{number}/", tell=False)

    def _pages(self, document: Any, prefix: str, *, tell: bool) -> None:
        count = _quiet(lambda: len(document.pages)) or 0
        for number in range(count):
            name = f"{prefix}page-{number + 1}"
            try:
                with _limited():
                    page = document.pages[number]
                    text = page.extract_text() or ""
                    shown = set(_contents(document, page))
            except _Late:
                if tell:
                    self.out.told("takes too long to read", name)
                continue
            except Exception:  # noqa: BLE001 - its content is given as it is packed; a message could quote it
                if tell:
                    self.out.told("damaged page, whose content is given as it is packed", name)
                continue
            lines = text.split("\n")
            if prefix:
                lines = [line for line in lines if hash(line) not in self.lines]
            self.lines.update(map(hash, lines))
            if tell and _unlettered(text):
                self.out.told("damaged font, or one that does not say which letters it shows", name)
            if any(lines):
                self.give(name, "\n".join(lines).encode("utf-8", "replace"))
            if text.strip():
                self.shown |= shown

    def unlocked(self, document: Any) -> None:
        """The objects of a file that is encrypted with no password. Strings stand in no file as they are."""
        fields = _quiet(lambda: {name: item.get("/V") for name, item in (document.get_fields() or {}).items()}) or {}
        lines = [f"{name}: {value}" for name, value in fields.items() if value]
        locks = getattr(document.trailer.raw_get("/Encrypt"), "idnum", -1)
        names: dict[int, str] = {}
        _quiet(lambda: _embedded(document, names))
        numbers = sorted({number for table in document.xref.values() for number in table} | set(document.xref_objStm))
        for number in numbers:
            found = _quiet(lambda number=number: document.get_object(number))  # type: ignore[misc]
            if hasattr(found, "get_data"):
                packed = _quiet(found.get_data)
                if packed and _offset(document, number) not in self.shown and found.get("/Subtype") != "/Image":
                    self._object(number, packed, names.get(number, ""))
            elif found is not None and number != locks:
                lines += _strings(found, "")
        self.give("objects", "\n".join(lines).encode("utf-8", "replace"))
        if self.data.find(b"/Prev") >= 0:
            self.out.told("earlier revisions of an encrypted file are not read", "")

    # ------------------------------------------------------------ by its bytes
    def objects(self) -> None:
        """Every stream in the file that no page showed, then what stands between the streams."""
        between: list[tuple[int, int]] = []
        at = start = 0
        while (at := self.data.find(b"stream", at)) >= 0:
            begin = at + 6
            after = self.data[begin : begin + 2]
            if self.data[max(0, at - 3) : at] == b"end" or after[:1] not in (b"\r", b"\n"):
                at = begin
                continue
            begin += 2 if after == b"\r\n" else 1
            head_start, number, head = self._head(start, at)
            end = self._end(head, begin)
            between.append((start, begin))
            self._stream(head_start, number, head, begin, end)
            start = at = end
        between.append((start, len(self.data)))
        self._between(between)
        last = max(self.data.rfind(mark) for mark in (b"endobj", b"endstream"))
        if last > max(self.data.rfind(mark) for mark in (b"startxref", b"%%EOF")):
            self.out.told("ends before its table of objects", "")

    def _head(self, low: int, at: int) -> tuple[int, int, bytes]:
        """(offset, number, dictionary) of the object whose stream begins at `at`."""
        low = max(low, at - 64 * 1024)
        text = self.data[low:at]
        found = None
        for found in _OBJECT.finditer(text):  # noqa: B007 - the last one counts
            pass
        if found is None:
            return -1, 0, text
        return low + found.start(), int(found[1]), text[found.end() :]

    def _end(self, head: bytes, begin: int) -> int:
        """Where a stream ends: by its length, if that is true, else where its end is marked."""
        length = _LENGTH.search(head)
        if length is not None:
            end = begin + int(length[1])
            if end <= len(self.data) and self.data[end : end + 16].lstrip(b"\r\n \t")[:9] == b"endstream":
                return end
        end = self.data.find(b"endstream", begin)
        return end if end >= 0 else len(self.data)

    def _stream(self, start: int, number: int, head: bytes, begin: int, end: int) -> None:
        if re.search(rb"/Type[ \t\r\n]{0,4}/XRef\b", head):
            return
        found = _FILTER.search(head)
        filters = [_SHORT.get(name, name) for name in _NAME.findall(found[1])] if found is not None else []
        if start in self.shown:  # pypdf takes what it can of a damaged stream, and says nothing
            if filters[:1] == [b"FlateDecode"] and not self.decode.is_whole(self.data, begin, end):
                self.out.told("damaged compressed data", f"object-{number}")
                self.give(f"object-{number}.packed", self.data[begin:end])
            return
        if (filters and _PICTURES.issuperset(filters)) or re.search(rb"/Subtype[ \t\r\n]{0,4}/Image\b", head):
            suffix = "jpg" if b"DCTDecode" in head or b"/DCT" in head else "image"
            self.out.name(f"object-{number}.{suffix}", end - begin, b"f" if suffix == "jpg" else b"v")
            self.out.data(self.data[begin:end])
            self.out.send(_END)
            return
        name = self.names.get(start, "")
        if filters == [b"FlateDecode"] and name:
            self.out.name(f"attachments/{name}", -1, b"f")
            good = True
            for piece in self.decode.inflated(self.data, begin, end):
                good = piece is not None
                self.out.data(piece or b"")
            self.out.send(_END)
            if not good:
                self.out.told("damaged compressed data", f"attachments/{name}")
            return
        content, problem = self.decode.decoded(self.data, begin, end, filters)
        if problem:
            self.out.told(problem, f"object-{number}")
            self.give(f"object-{number}.packed", self.data[begin:end])
        if content:
            self._object(number, content, name)

    def _object(self, number: int, content: bytes, name: str) -> None:
        most = self.decode.LARGEST_TEXT
        if name:
            self.give(f"attachments/{name}", content, b"f")
        elif b"BT" in content and (b"Tj" in content or b"TJ" in content):
            self.give(f"object-{number}", self.decode.shown_text(content))
        elif re.match(rb"\s*\d+\s+\d+\s", content) or b"<<" in content[:4096]:
            self.give(f"object-{number}", self.decode.strings_decoded(content[:most]) + content[most:])
        else:
            self.give(f"object-{number}", content)

    def _between(self, runs: list[tuple[int, int]]) -> None:
        self.out.name("objects", -1, b"v")
        for low, high in runs:
            for at in range(low, high, self.decode.LARGEST_TEXT):
                piece = self.data[at : min(high, at + self.decode.LARGEST_TEXT)]
                self.out.data(self.decode.strings_decoded(piece) + b"\n")
        self.out.send(_END)


def _unlettered(text: str) -> bool:
    """Are these numbers of glyphs? Of 459 pages of real PDFs none had as many control characters."""
    odd = sum(1 for letter in text if letter < " " and letter not in "\n\t\r\f")
    return odd >= 16 and 10 * odd > len(text)


def _strings(item: Any, name: str) -> list[str]:
    """The strings of an object, each behind the name of what holds it."""
    out: list[str] = []
    stack: list[tuple[str, Any]] = [(name, item)]
    while stack and len(out) < 1_000_000:
        name, item = stack.pop()
        if hasattr(item, "idnum"):
            continue  # an object of its own
        if isinstance(item, dict):
            stack += [(str(key).lstrip("/"), item.raw_get(key)) for key in item]  # type: ignore[attr-defined]
        elif isinstance(item, list):
            stack += [(name, each) for each in item]
        elif isinstance(item, (str, bytes)) and not str(item).startswith("/"):
            out.append(f"{name}: {item if isinstance(item, str) else item.decode('latin-1')}")
    return out


def _quiet(ask: Callable[[], Any]) -> Any:
    """What pypdf says, or None: a damaged file makes it raise anything."""
    try:
        with _limited():
            return ask()
    except _Late:
        return None
    except Exception:  # noqa: BLE001 - the objects are read by their bytes all the same
        return None


@contextmanager
def _limited() -> Iterator[None]:
    """Raises _Late in the block after PAGE_SECONDS of work."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def late(_number: int, _frame: Any) -> None:
        raise _Late

    before = signal.signal(signal.SIGPROF, late)
    signal.setitimer(signal.ITIMER_PROF, PAGE_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _offset(document: Any, number: int) -> int:
    """Where an object stands in the file; -1 if it is packed in another."""
    for table in document.xref.values():
        if number in table:
            return int(table[number])
    return -1


def _contents(document: Any, page: Any) -> Iterator[int]:
    """Offsets of the streams whose text a page shows: its contents, and the forms that these may draw."""
    contents = page.raw_get("/Contents") if "/Contents" in page else None
    for item in _listed(contents):
        if hasattr(item, "idnum"):
            yield _offset(document, item.idnum)
    drawn = re.compile(rb"/([^\s/<>\[\]()]{1,127})\s+Do\b").findall(_quiet(lambda: page.get_contents().get_data()) or b"")
    objects: Any = _plain(_plain(page.get("/Resources")).get("/XObject"))
    for name in objects:
        item = objects.raw_get(name)
        known = str(name)[1:].encode("latin-1", "replace") in drawn and hasattr(item, "idnum")
        if known and item.get_object().get("/Subtype") == "/Form":
            yield _offset(document, item.idnum)


def _plain(item: Any) -> Any:
    """What a reference points to; nothing for nothing."""
    return item.get_object() if hasattr(item, "get_object") else {}


def _listed(contents: Any) -> list[Any]:
    if contents is None:
        return []
    plain = contents.get_object() if hasattr(contents, "idnum") else contents
    return list(plain) if isinstance(plain, list) else [contents]


def _embedded(document: Any, names: dict[int, str]) -> None:
    """Number of each embedded file's object -> its name: of the catalogue's tree and of the pages' annotations."""
    specs: list[Any] = []
    root = document.trailer["/Root"].get_object()
    tree = _plain(root.get("/Names")).get("/EmbeddedFiles")
    stack = [tree.get_object()] if tree is not None else []
    while stack and len(specs) < 10_000:
        node = stack.pop()
        specs += [item.get_object() for item in list(node.get("/Names", []))[1::2]]
        stack += [kid.get_object() for kid in list(node.get("/Kids", []))[:1000]]
    for page in document.pages:
        for item in page.get("/Annots", []) or []:
            note = item.get_object()
            if note.get("/Subtype") == "/FileAttachment" and "/FS" in note:
                specs.append(note["/FS"].get_object())
    for spec in specs:
        files = _plain(spec.get("/EF"))
        for key in files:
            item = files.raw_get(key)
            if hasattr(item, "idnum"):
                names[item.idnum] = " ".join(str(spec.get("/UF") or spec.get("/F") or "file").split())
