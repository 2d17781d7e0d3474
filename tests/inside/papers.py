"""Documents made for the tests, part by part: what office programs, mail programs and notebooks write, without them."""

from __future__ import annotations

import struct
import zlib
from itertools import pairwise
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from nests import zip_

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
A = 'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main"'
S = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
R = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
OD = " ".join(f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "text", "table", "draw", "meta"))  # fmt: skip
HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
TYPES = "[Content_Types].xml", (HEAD + "<Types><Default Extension='xml' ContentType='application/xml'/></Types>").encode()


def runs(text: str, tag: str = "w:t", size: int = 7) -> str:
    """A text in pieces, as an editor leaves it after a spelling check."""
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    return "".join(f'<w:r><w:rPr><w:b/></w:rPr><{tag} xml:space="preserve">{escape(piece)}</{tag}></w:r>' for piece in pieces)


def paragraph(text: str) -> str:
    return f'<w:p w:rsidR="00A77B3E"><w:pPr><w:jc w:val="left"/></w:pPr>{runs(text)}</w:p>'


def word_table(rows: list[list[str]]) -> str:
    cells = ("".join(f"<w:tc><w:tcPr/>{paragraph(cell)}</w:tc>" for cell in row) for row in rows)
    return "<w:tbl>" + "".join(f"<w:tr>{row}</w:tr>" for row in cells) + "</w:tbl>"


def docx(body: str, parts: dict[str, str | bytes] | None = None) -> bytes:
    files = [TYPES, ("word/document.xml", f"{HEAD}<w:document {W}><w:body>{body}</w:body></w:document>".encode())]
    files += [(name, data.encode() if isinstance(data, str) else data) for name, data in (parts or {}).items()]
    return zip_(files)


def xlsx(
    sheets: dict[str, list[list[str]]],
    *,
    shared: bool = True,
    states: dict[str, str] | None = None,
    parts: dict[str, str | bytes] | None = None,
    orphans: tuple[str, ...] = (),
) -> bytes:
    """A workbook; strings that are shared are split into rich text runs."""
    strings: list[str] = list(orphans)
    listed, relations, files = "", "", []
    for number, (name, rows) in enumerate(sheets.items(), 1):
        state = f' state="{states[name]}"' if states and name in states else ""
        listed += f'<sheet name={quoteattr(name)} sheetId="{number}"{state} r:id="rId{number}"/>'
        relations += f'<Relationship Id="rId{number}" Type="t" Target="worksheets/sheet{number}.xml"/>'
        data = "".join(_row(at, row, strings if shared else None) for at, row in enumerate(rows, 1) if any(row))
        files.append((f"xl/worksheets/sheet{number}.xml", f"{HEAD}<worksheet {S}><sheetData>{data}</sheetData></worksheet>"))
    items = "".join(f"<si>{_rich(text)}</si>" for text in strings)
    files = [
        ("xl/workbook.xml", f"{HEAD}<workbook {S} {R}><sheets>{listed}</sheets></workbook>"),
        ("xl/_rels/workbook.xml.rels", f"{HEAD}<Relationships>{relations}</Relationships>"),
        *files,
        ("xl/sharedStrings.xml", f"{HEAD}<sst {S}>{items}</sst>"),
        *(parts or {}).items(),
    ]
    return zip_([TYPES, *((name, data.encode() if isinstance(data, str) else data) for name, data in files)])


def biff12(kind: int, data: bytes = b"") -> bytes:
    """A record of an xlsb."""
    head = bytes((kind,)) if kind < 128 else bytes((kind & 0x7F | 0x80, kind >> 7))
    size, out = len(data), b""
    while size >= 128:
        out += bytes((size & 0x7F | 0x80,))
        size >>= 7
    return head + out + bytes((size,)) + data


def wide(text: str) -> bytes:
    return struct.pack("<I", len(text)) + text.encode("utf-16-le")


def xlsb(sheets: dict[str, list[list[str]]], inline: bool = False, more: bytes = b"") -> bytes:
    """A binary workbook, its strings shared or in their cells; sheets whose names begin with `hidden` are. `more`: records
    behind the cells of each."""
    strings: list[str] = []
    files: list[tuple[str, bytes]] = [("[Content_Types].xml", b"<Types/>")]
    bundle, relations = b"", ""
    for number, (name, rows) in enumerate(sheets.items(), 1):
        bundle += biff12(156, struct.pack("<II", name.startswith("hidden"), number) + wide(f"rId{number}") + wide(name))
        relations += f'<Relationship Id="rId{number}" Type="worksheet" Target="worksheets/sheet{number}.bin"/>'
        data = biff12(129) + biff12(145)
        for at, cells in enumerate(rows):
            data += biff12(0, struct.pack("<III", at, 0, 0) + bytes(13)) if cells else b""
            for column, text in enumerate(cells):
                place = struct.pack("<II", column, 0)
                if inline:
                    data += biff12(6, place + wide(text))
                else:
                    strings.append(text)
                    data += biff12(7, place + struct.pack("<I", len(strings) - 1))
        files.append((f"xl/worksheets/sheet{number}.bin", data + biff12(146) + more + biff12(130)))
    items = b"".join(biff12(19, b"\0" + wide(text)) for text in strings)
    files.append(("xl/workbook.bin", biff12(131) + biff12(143) + bundle + biff12(144) + biff12(132)))
    files.append(("xl/_rels/workbook.bin.rels", f"<Relationships>{relations}</Relationships>".encode()))
    files.append(("xl/sharedStrings.bin", biff12(159, bytes(8)) + items + biff12(160)))
    return zip_(files)


def _row(number: int, cells: list[str], strings: list[str] | None) -> str:
    out = ""
    for column, text in enumerate(cells):
        at = f"{chr(65 + column)}{number}"
        if not text:
            continue
        if text.isdigit() and len(text) < 12:
            out += f'<c r="{at}" s="1"><v>{text}</v></c>'
        elif strings is None:
            out += f'<c r="{at}" t="inlineStr"><is><t>{escape(text)}</t></is></c>'
        else:
            strings.append(text)
            out += f'<c r="{at}" t="s"><v>{len(strings) - 1}</v></c>'
    return f'<row r="{number}" spans="1:9">{out}</row>'


def _rich(text: str, size: int = 9) -> str:
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    return "".join(f"<r><rPr><b/></rPr><t>{escape(piece)}</t></r>" for piece in pieces)


def pptx(slides: list[str], parts: dict[str, str | bytes] | None = None) -> bytes:
    """Slides of one text each, in runs."""
    files: list[tuple[str, bytes]] = [TYPES]
    for number, text in enumerate(slides, 1):
        files.append((f"ppt/slides/slide{number}.xml", slide(text)))
    files += [(name, data.encode() if isinstance(data, str) else data) for name, data in (parts or {}).items()]
    return zip_(files)


def slide(text: str) -> bytes:
    lines = "".join(
        "<a:p>" + "".join(f"<a:r><a:t>{escape(line[at : at + 6])}</a:t></a:r>" for at in range(0, len(line), 6)) + "</a:p>"
        for line in text.split("\n")
    )
    return f"{HEAD}<p:sld {A}><p:cSld><p:spTree><p:sp><p:txBody>{lines}</p:txBody></p:sp></p:spTree></p:cSld></p:sld>".encode()


def opendocument(kind: str, body: str, parts: dict[str, str | bytes] | None = None) -> bytes:
    """An odt, ods or odp (`kind`: text, spreadsheet, presentation)."""
    content = f"{HEAD}<office:document-content {OD}><office:body><office:{kind}>{body}</office:{kind}></office:body></office:document-content>"
    files = [("mimetype", f"application/vnd.oasis.opendocument.{kind}".encode()), ("content.xml", content.encode())]
    files += [(name, data.encode() if isinstance(data, str) else data) for name, data in (parts or {}).items()]
    return zip_(files)


def flat(kind: str, body: str) -> bytes:
    """The same in one file: an .fodt, .fods or .fodp."""
    mime = f'office:mimetype="application/vnd.oasis.opendocument.{kind}"'
    return f"{HEAD}<office:document {OD} {mime}><office:body><office:{kind}>{body}</office:{kind}></office:body></office:document>".encode()


def ods_table(name: str, rows: list[list[str]]) -> str:
    out = ""
    for row in rows:
        cells = "".join(
            f'<table:table-cell office:value-type="string" office:string-value={quoteattr(cell)}><text:p>{_spans(cell)}</text:p></table:table-cell>'
            if cell
            else "<table:table-cell/>"
            for cell in row
        )
        out += f"<table:table-row>{cells or '<table:table-cell/>'}</table:table-row>"
    return f"<table:table table:name={quoteattr(name)}>{out}<table:table-row table:number-rows-repeated='1048500'><table:table-cell/></table:table-row></table:table>"


def _spans(text: str, size: int = 8) -> str:
    return "".join(f"<text:span>{escape(text[at : at + size])}</text:span>" for at in range(0, len(text), size))


# ---- PDF ------------------------------------------------------------------------------------------------------------


def shown(lines: list[str], size: int = 5) -> bytes:
    """A content stream that shows lines, each in kerned pieces."""
    out = ["BT /F1 12 Tf 72 720 Td"]
    for line in lines:
        pieces = (line[at : at + size] for at in range(0, len(line), size))
        escaped = (piece.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)") for piece in pieces)
        out.append("[" + " -10 ".join(f"({piece})" for piece in escaped) + "] TJ 0 -14 Td")
    return "\n".join([*out, "ET"]).encode()


class Pdf:
    """A PDF, object by object; `update` appends a revision as editors do."""

    def __init__(self) -> None:
        self.data = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
        self.offsets: dict[int, int] = {}
        self.start = 0

    def put(self, number: int, body: bytes) -> None:
        self.offsets[number] = len(self.data)
        self.data += b"%d 0 obj\n%s\nendobj\n" % (number, body)

    def stream(self, number: int, content: bytes, entries: bytes = b"", packed: bool = True, cut: int = 0) -> None:
        if packed:
            content = zlib.compress(content)
            content = content[: len(content) - cut]
            entries += b" /Filter /FlateDecode"
        self.put(number, b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(content), entries, content))

    def end(self, more: bytes = b"") -> bytes:
        """The table of offsets and the trailer; a revision ends here."""
        table = b"".join(b"%d 1\n%010d 00000 n \n" % item for item in sorted(self.offsets.items()))
        at = len(self.data)
        previous = b"/Prev %d" % self.start if self.start else b""
        self.data += b"xref\n0 1\n0000000000 65535 f \n%strailer\n<< /Size 100 /Root 1 0 R %s %s >>\n" % (table, previous, more)
        self.data += b"startxref\n%d\n%%%%EOF\n" % at
        self.start = at
        self.offsets = {}
        return self.data


def pdf(pages: list[list[str]], info: bytes = b"", names: bytes = b"", form: bytes = b"", packed: bool = True) -> Pdf:
    """Objects 1 catalogue, 2 pages, 3 font, 4 information, 10.. pages, 30.. their contents."""
    made = Pdf()
    made.put(1, b"<< /Type /Catalog /Pages 2 0 R %s %s >>" % (names, form))
    kids = b" ".join(b"%d 0 R" % (10 + number) for number in range(len(pages)))
    made.put(2, b"<< /Type /Pages /Count %d /Kids [ %s ] >>" % (len(pages), kids))
    made.put(3, b"<< /Type /Font /Subtype /Type1 /BaseFont /Courier /Encoding /WinAnsiEncoding >>")
    made.put(4, b"<< /Producer (papers) %s >>" % info)
    for number, lines in enumerate(pages):
        made.put(10 + number, b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents %d 0 R /Resources << /Font << /F1 3 0 R >> >> >>" % (30 + number))  # fmt: skip
        made.stream(30 + number, shown(lines), packed=packed)
    return made


# ---- compound files -------------------------------------------------------------------------------------------------


def compound(streams: dict[str, bytes], free: bytes = b"") -> bytes:
    """An OLE compound file; `/` in a name is a storage. Small streams go to the small sectors, as they must."""
    tree: dict[str, dict[str, Any]] = {}
    for name, content in streams.items():
        node: dict[str, Any] = tree
        *folders, last = name.split("/")
        for folder in folders:
            node = node.setdefault(folder, {})
        node[last] = content
    entries: list[list[Any]] = [["Root Entry", 5, -1, b""]]  # name, kind, child, content
    siblings: dict[int, int] = {}

    def add(node: dict[str, Any]) -> int:
        numbers = []
        for name, item in node.items():
            entries.append([name, 1 if isinstance(item, dict) else 2, -1, b"" if isinstance(item, dict) else item])
            numbers.append(len(entries) - 1)
            if isinstance(item, dict):
                own = len(entries) - 1
                entries[own][2] = add(item)
        for one, following in pairwise(numbers):
            siblings[one] = following
        return numbers[0] if numbers else -1

    entries[0][2] = add(tree)
    sectors: list[bytes] = []
    fat: list[int] = []

    def store(content: bytes) -> int:
        first = len(sectors)
        count = -(-len(content) // 512)
        for number in range(count):
            sectors.append(content[number * 512 : number * 512 + 512].ljust(512, b"\0"))
            fat.append(first + number + 1 if number + 1 < count else 0xFFFFFFFE)
        return first if count else 0xFFFFFFFE

    small, small_fat, starts = b"", [], {}
    for number, (_, kind, _, content) in enumerate(entries):
        if kind == 2 and len(content) < 4096:
            count = -(-len(content) // 64)
            starts[number] = len(small_fat) if count else 0xFFFFFFFE
            small_fat += [len(small_fat) + 1 + step for step in range(count - 1)] + [0xFFFFFFFE] * bool(count)
            small += content.ljust(count * 64, b"\0")
        elif kind == 2:
            starts[number] = store(content)
    starts[0] = store(small)
    entries[0][3] = small
    table = store(struct.pack(f"<{len(small_fat)}I", *small_fat)) if small_fat else 0xFFFFFFFE
    directory = b""
    for number, (name, kind, child, content) in enumerate(entries):
        raw = name.encode("utf-16-le")
        directory += raw.ljust(64, b"\0") + struct.pack(
            "<HBBIII16sIQQIQ", len(raw) + 2, kind, 1, 0xFFFFFFFF, siblings.get(number, -1) & 0xFFFFFFFF, child & 0xFFFFFFFF,
            bytes(16), 0, 0, 0, starts.get(number, 0), len(content),
        )  # fmt: skip
    where = store(directory + b"\0" * (-len(directory) % 512))
    for at in range(0, len(free), 512):
        sectors.append(free[at : at + 512].ljust(512, b"\0"))
        fat.append(0xFFFFFFFF)
    count = -(-(len(fat) + 1) // 128)
    fat_at = len(sectors)
    fat += [0xFFFFFFFD] * count
    fat += [0xFFFFFFFF] * (-len(fat) % 128)
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    head += struct.pack("<IIIIIIIII", 0, count, where, 0, 4096, table, -(-len(small_fat) // 128), 0xFFFFFFFE, 0)
    head += struct.pack("<109I", *range(fat_at, fat_at + count), *[0xFFFFFFFF] * (109 - count))
    return head + b"".join(sectors) + struct.pack(f"<{len(fat)}I", *fat)


def msg(subject: str, body: str, attachments: dict[str, bytes] | None = None, more: dict[str, bytes] | None = None) -> bytes:
    streams = {"__substg1.0_0037001F": subject.encode("utf-16-le"), "__substg1.0_1000001F": body.encode("utf-16-le")}
    for number, (name, content) in enumerate((attachments or {}).items()):
        storage = f"__attach_version1.0_#{number:08X}"
        streams[f"{storage}/__substg1.0_3707001F"] = name.encode("utf-16-le")
        streams[f"{storage}/__substg1.0_37010102"] = content
    return compound(streams | (more or {}))


def vba_packed(source: bytes) -> bytes:
    """A macro's source as Office packs it: a chunk of literals, with one copy token where the text repeats itself."""
    chunk = b""
    for at in range(0, len(source), 8):
        chunk += b"\0" + source[at : at + 8]
    return b"\1" + struct.pack("<H", 0xB000 | len(chunk) - 1) + chunk


# ---- pictures -------------------------------------------------------------------------------------------------------


def png(chunks: list[tuple[bytes, bytes]]) -> bytes:
    """A PNG of one pixel with more chunks before its pixel."""
    out = b"\x89PNG\r\n\x1a\n"
    pixel = zlib.compress(b"\0\xff\xff\xff")
    for kind, data in [(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)), *chunks, (b"IDAT", pixel), (b"IEND", b"")]:
        out += struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return out
