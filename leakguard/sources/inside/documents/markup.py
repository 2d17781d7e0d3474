"""RTF, and pages of HTML inside of other documents, as text.

Promises: every word of the source is in the text, wherever it stands (fields, comments, deleted text, variables,
attributes); formatting never cuts a word; cells of tables stand beside their labels; what is embedded in hexadecimal is
decoded into members. One pass, and what does not parse is text.

Pages on disk are source code, too, and are scanned as they stand. Imported by `walk`, `mail` and `notebook`.
"""

from __future__ import annotations

import re
from codecs import lookup
from collections.abc import Iterator
from html import unescape

from leakguard.sources.inside.base import BrokenError, Context, Member, Stream, from_bytes
from leakguard.sources.inside.documents.rows import Rows

LONGEST_RTF = 64 * 1024 * 1024
DEEPEST = 5000

# ---------------------------------------------------------------- HTML
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9:_\-]{0,40})([^<>]{0,65536})>")
_ATTRIBUTE = re.compile(r"""([A-Za-z_:@][\w:.\-]{0,64})\s{0,8}=\s{0,8}(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""")
_INLINE = frozenset(
    "a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd label mark o:p q s samp small span strike strong "
    "sub sup time tt u var wbr".split()
)
_EMPTY = re.compile(r"\n[ \t\r\n]{1,}")
_DULL = frozenset("class style id width height align valign bgcolor border cellpadding cellspacing color face size dir lang "
                  "rel target colspan rowspan role type".split())  # fmt: skip


def html_text(page: str) -> bytes:
    """What a page says, in UTF-8: its text with tables' labels, then scripts, comments and attributes."""
    made = _Page()
    at, comments = 0, True
    while at < len(page):
        start = page.find("<", at)
        if start < 0:
            break
        made.text(page[at:start])
        if comments and page.startswith("<!--", start):
            end = page.find("-->", start + 4)
            comments = end >= 0
            if comments:
                made.aside.append(page[start + 4 : end])
                at = end + 3
                continue
        found = _TAG.match(page, start)
        if found is None:
            made.text("<")
            at = start + 1
            continue
        at = found.end()
        name = found[2].lower()
        made.tag(name, bool(found[1]), found[3])
        if name in ("script", "style") and not found[1]:
            end = page.find(f"</{found[2]}", at)
            made.aside.append(page[at : end if end >= 0 else len(page)])
            at = end if end >= 0 else len(page)
    made.text(page[at:])
    return made.result().encode("utf-8", "surrogateescape")


class _Page:
    def __init__(self) -> None:
        self.out: list[str] = []
        self.aside: list[str] = []
        self.known: set[str] = set()
        self.rows = [Rows()]
        self.cells: list[tuple[int, str]] = []
        self.cell: list[str] | None = None

    def text(self, text: str) -> None:
        if text:
            (self.out if self.cell is None else self.cell).append(unescape(text))

    def tag(self, name: str, closing: bool, attributes: str) -> None:
        if attributes.strip(" /\n\t\r"):
            self._attributes(name, attributes)
        if name in ("td", "th"):
            self._cell_over()
            self.cell = None if closing else []
        elif name in ("tr", "table"):
            self._row_over()
            if name == "table":
                self.rows = [Rows()]
        elif name in ("dt", "dd"):
            self.text(": " if closing and name == "dt" else "" if name == "dd" and not closing else "\n")
        elif name not in _INLINE:
            self.text("\n")

    def result(self) -> str:
        self._cell_over()
        self._row_over()
        return _EMPTY.sub("\n", "".join(self.out)).lstrip() + "\n" + "\n".join(self.aside) + "\n"

    def _cell_over(self) -> None:
        if self.cell is not None:
            text = " ".join("".join(self.cell).split(" ")).strip()
            if text:
                self.cells.append((len(self.cells), text))
            self.cell = None

    def _row_over(self) -> None:
        self._cell_over()
        if self.cells:
            self.out.append(self.rows[0].line(self.cells) + "\n")
            self.cells = []

    def _attributes(self, name: str, text: str) -> None:
        told = []
        for found in _ATTRIBUTE.finditer(text):
            value = unescape(found[2] or found[3] or found[4] or "")
            if value and found[1].lower() not in _DULL:
                told.append(f'{found[1]}="{value}"')
        line = f"{name} {' '.join(told)}"
        if told and line not in self.known:
            if len(self.known) < 10_000:
                self.known.add(line)
            self.aside.append(line)


# ---------------------------------------------------------------- RTF
_TOKEN = re.compile(
    rb"\\'([0-9A-Fa-f]{2})|\\([A-Za-z]{1,32})(-?[0-9]{1,10})? ?|\\([^A-Za-z])|([{}])|[\r\n]+|([^\\{}\r\n]+)|\\", re.DOTALL
)
_BREAKS = {"par": "\n", "line": "\n", "sect": "\n", "page": "\n", "tab": "\t", "emdash": "-", "endash": "-", "bullet": "*",
           "lquote": "'", "rquote": "'", "ldblquote": '"', "rdblquote": '"', "emspace": " ", "enspace": " "}  # fmt: skip
_ASIDE = frozenset(
    "title subject author manager company operator category keywords comment doccomm hlinkbase header headerl headerr headerf "
    "footer footerl footerr footerf footnote fldinst annotation atnid atnauthor atndate atntime atnref atnparent "
    "docvar fonttbl colortbl stylesheet info userprops propname staticval "
    "linkval xmlns datafield txe deleted object objclass objname xe tc".split()
)
_HEX = frozenset({"pict", "objdata", "objalias", "datastore", "themedata", "colorschememapping", "datafield", "blipuid"})
_PAIRS = {"docvar": ": ", "propname": ": "}


def rtf(stream: Stream, context: Context) -> Iterator[Member]:
    """The text, then what is embedded."""
    data = stream.some(LONGEST_RTF + 1)
    if len(data) > LONGEST_RTF:
        raise BrokenError(f"longer than {LONGEST_RTF} bytes", data)
    reader = _Rtf(data)
    try:
        end = reader.run()
        text = reader.text()
    except (LookupError, ValueError):
        raise BrokenError("damaged", data) from None
    yield Member("text", from_bytes(text), len(text), "view")
    for number, (kind, content) in enumerate(reader.members, 1):
        yield Member(f"{kind}-{number}", from_bytes(content), len(content))
    behind = data[end:].strip(b"\0\r\n \t")
    if behind:
        stream.unread(data[end:])
    if b"\\'" in behind or b"\\u" in behind:  # a group was closed that nobody opened, or letters hide behind the end
        context.tell("failed", "", "rtf: letters behind its end are written as escapes, which are not undone")
    if reader.depth > 0:
        raise BrokenError("ends before its last group")


class _Rtf:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.stack: list[tuple[str, int, list[str], str]] = []
        """Of each open group: (destination, \\uc, where its text goes, code page)."""
        self.depth = 0
        self.out: list[str] = []
        self.target = self.out
        self.kind = ""
        self.unicode_skip = 1
        self.skip = 0
        self.aside: list[str] = []
        self.members: list[tuple[str, bytes]] = []
        self.rows = Rows()
        self.cells: list[tuple[int, str]] = []
        self.hexes: list[bytes] = []
        self.page = "cp1252"
        self.pending = bytearray()

    def run(self) -> int:
        """Reads the source; returns where its outermost group ends."""
        at = 0
        data = self.data
        while at < len(data):
            found = _TOKEN.match(data, at)
            if found is None:
                return at
            at = found.end()
            if found[1] is not None:
                self._byte(int(found[1], 16))
                continue
            if self.pending:
                self._flush()
            if found[2] is not None:
                at = self._word(found[2].decode(), found[3], at)
            elif found[4] is not None:
                self._symbol(found[4])
            elif found[5] == b"{":
                self.depth += 1
                if self.depth > DEEPEST:
                    raise BrokenError("groups nested too deep", data)
                self.stack.append((self.kind, self.unicode_skip, self.target, self.page))
            elif found[5] == b"}":
                if self._close():
                    return at
            elif found[6] is not None:
                self._plain(found[6])
        return at

    def text(self) -> bytes:
        self._flush()
        self._row()
        lines = "".join(self.out) + "\n" + "".join(f"{line}\n" for line in self.aside if line.strip())
        return lines.encode("utf-8", "surrogatepass")

    # ------------------------------------------------------------ tokens
    def _plain(self, text: bytes) -> None:
        if self.kind in _HEX:
            self.hexes.append(text)
            return
        drop = min(self.skip, len(text))
        self.skip -= drop
        self.target.append(text[drop:].decode(self.page, "replace"))

    def _byte(self, value: int) -> None:
        if self.skip:
            self.skip -= 1
        else:
            self.pending.append(value)

    def _flush(self) -> None:
        if self.pending:
            self.target.append(self.pending.decode(self.page, "replace"))
            self.pending.clear()

    def _symbol(self, symbol: bytes) -> None:
        if symbol in (b"\\", b"{", b"}"):
            self._plain(symbol)
        elif symbol == b"~":
            self.target.append(" ")
        elif symbol == b"_":
            self.target.append("-")
        elif symbol in (b"\n", b"\r"):
            self.target.append("\n")

    def _word(self, word: str, number: bytes | None, at: int) -> int:
        value = int(number) if number else 0
        if word in _BREAKS:
            self.target.append(_BREAKS[word])
        elif word == "u" and number:
            self.skip = self.unicode_skip
            code = value & 0xFFFF
            self.target.append(chr(code) if not 0xD800 <= code < 0xE000 else self._surrogate(code))
        elif word == "uc":
            self.unicode_skip = max(0, min(value, 16))
        elif word == "bin" and value > 0:
            end = min(len(self.data), at + value)
            self.members.append((self.kind or "data", self.data[at:end]))
            return end
        elif word in ("cell", "nestcell"):
            self._cell()
        elif word in ("row", "nestrow"):
            self._row()
        elif word == "trowd" and not self.cells:
            self._break()
        elif word == "ansicpg":
            self.page = {65001: "utf-8", 0: "cp1252"}.get(value, f"cp{value}")
            try:
                lookup(self.page)
            except LookupError:
                self.page = "cp1252"
        elif word in _ASIDE or word in _HEX:
            self._destination(word)
        return at

    def _surrogate(self, code: int) -> str:
        """A pair of two escapes is one character."""
        last = self.target[-1] if self.target else ""
        if code >= 0xDC00 and last and 0xD800 <= ord(last[-1]) < 0xDC00:
            self.target[-1] = last[:-1]
            return chr(0x10000 + (ord(last[-1]) - 0xD800 << 10) + code - 0xDC00)
        return chr(code)

    # ------------------------------------------------------------ groups
    def _destination(self, word: str) -> None:
        if not self.stack or self.kind == word:
            return
        before = ""
        if word == "deleted":
            before = "".join(self.target[-64:]).rpartition("\n")[2]
        elif self.kind == "info":
            before = f"{word}: "
        self.kind = word
        if word in _HEX:
            self.hexes = []
        else:
            self.target = [before]

    def _close(self) -> bool:
        """The end of a group; True if it was the outermost one."""
        if not self.stack:
            return True
        kind, skip, target, page = self.stack.pop()
        self.depth -= 1
        if self.kind in _HEX and kind != self.kind:
            self._hex()
        elif self.target is not target:
            self.aside.append("".join(self.target).strip())
        elif kind in _PAIRS and _PAIRS[kind] not in "".join(target):
            target.append(_PAIRS[kind])
        if self.kind == "propname" and self.aside:
            self.aside[-1] += ":"
        elif self.kind in ("staticval", "linkval") and len(self.aside) > 1 and self.aside[-2].endswith(":"):
            self.aside[-2:] = [f"{self.aside[-2]} {self.aside[-1]}"]
        self.kind, self.unicode_skip, self.target, self.page = kind, skip, target, page
        self.skip = 0
        return not self.stack

    def _hex(self) -> None:
        digits = b"".join(self.hexes).translate(None, b" \t\r\n")
        self.hexes = []
        try:
            content = bytes.fromhex(digits[: len(digits) & ~1].decode("ascii"))
        except ValueError:
            content = digits  # no hexadecimal at all: text that hides there
        if content:
            self.members.append(("object" if self.kind == "objdata" else self.kind, content))

    def _break(self) -> None:
        if self.target and not self.target[-1].endswith("\n"):
            self.target.append("\n")

    def _cell(self) -> None:
        """The text since the last line break is a cell."""
        taken: list[str] = []
        while self.target:
            piece = self.target.pop()
            if piece.endswith("\n") or "\n" in piece:
                head, _, tail = piece.rpartition("\n")
                self.target.append(head + "\n")
                taken.append(tail)
                break
            taken.append(piece)
        self.cells.append((len(self.cells), "".join(reversed(taken)).strip()))

    def _row(self) -> None:
        if self.cells:
            line = self.rows.line([cell for cell in self.cells if cell[1]])
            self.cells = []
            self.target.append(line + "\n")
