"""Office documents: what their text says is found whole, once, at its paragraph or row; damage and bombs are told."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nests import Seen, look, tar, zip_
from papers import (
    HEAD,
    OD,
    TYPES,
    A,
    R,
    S,
    W,
    biff12,
    docx,
    ods_table,
    opendocument,
    paragraph,
    pptx,
    runs,
    slide,
    wide,
    word_table,
    xlsb,
    xlsx,
)

from leakguard.sources.inside.documents.rows import Rows, says
from leakguard.sources.inside.limits import Limits

KEY = "a-value-that-is-cut-into-runs-0123456789"
MORE = "another-value-0123456789-in-runs"


def text(seen: Seen, name: str) -> str:
    return seen.members[f"it!/{name}"].decode()


def lines(seen: Seen, name: str) -> list[str]:
    return text(seen, name).split("\n")


# ---- docx -----------------------------------------------------------------------------------------------------------


def test_runs_are_one_text_and_a_line_is_a_paragraph(tmp_path: Path) -> None:
    seen = look(docx(paragraph("first") + paragraph(f"it is {KEY} & <more>")), tmp_path)
    assert lines(seen, "word/document.xml")[:2] == ["first", f"it is {KEY} & <more>"]
    assert seen.incidents == []


def test_the_text_comes_instead_of_the_xml(tmp_path: Path) -> None:
    """A secret in one run stands in the XML as it is: it is to be found once."""
    body = f"<w:p><w:r><w:t>{KEY}</w:t></w:r></w:p>"
    seen = look(docx(body), tmp_path)
    assert sum(content.count(KEY.encode()) for content in seen.members.values()) == 1


def test_cells_stand_beside_their_labels(tmp_path: Path) -> None:
    seen = look(docx(word_table([["Exchange", "API secret"], ["binance", KEY]]) + word_table([["Password:", MORE]])), tmp_path)
    assert lines(seen, "word/document.xml")[1:3] == [f"Exchange: binance\tAPI secret: {KEY}", f"Password: {MORE}"]


def test_deleted_and_inserted_text_are_two_texts(tmp_path: Path) -> None:
    deleted = f"<w:del w:id='1'>{runs(KEY, 'w:delText')}</w:del>"
    body = f"<w:p>{runs('token: ')}{deleted}<w:ins>{runs(MORE)}</w:ins></w:p>"
    seen = look(docx(body), tmp_path)
    assert lines(seen, "word/document.xml")[:2] == [f"token: {MORE}", f"token: {KEY}"]


def test_what_a_deletion_left_alone_is_said_once(tmp_path: Path) -> None:
    body = f"<w:p>{runs(KEY)}<w:del>{runs(' gone', 'w:delText')}</w:del></w:p>"
    seen = look(docx(body), tmp_path)
    assert text(seen, "word/document.xml").count(KEY) == 1
    assert "... gone" in text(seen, "word/document.xml")


def test_everything_else_that_holds_text_is_read(tmp_path: Path) -> None:
    parts: dict[str, str | bytes] = {
        "word/comments.xml": f"<w:comments {W}><w:comment>{paragraph('comment ' + KEY)}</w:comment></w:comments>",
        "word/footnotes.xml": f"<w:footnotes {W}><w:footnote>{paragraph('footnote ' + KEY)}</w:footnote></w:footnotes>",
        "word/header1.xml": f"<w:hdr {W}>{paragraph('header ' + KEY)}</w:hdr>",
        "word/settings.xml": f'<w:settings {W}><w:docVars><w:docVar w:name="db_password" w:val="{KEY}"/></w:docVars></w:settings>',
        "word/_rels/document.xml.rels": f'<Relationships><Relationship Target="https://user:{KEY}@host/"/></Relationships>',
        "docProps/core.xml": f"<c xmlns:dc='x'><dc:description>about {KEY}</dc:description><!-- aside {KEY} --></c>",
        "docProps/custom.xml": f'<Properties><property pid="2" name="apiSecret"><vt:lpwstr xmlns:vt="x">{KEY}</vt:lpwstr></property></Properties>',
        "customXml/item1.xml": f"<root><ApiSecret>{KEY[:9]}<![CDATA[{KEY[9:]}]]></ApiSecret></root>",
        "word/vbaProject.bin": b"\1\2" + KEY.encode(),
    }
    seen = look(docx(paragraph("nothing"), parts), tmp_path)
    for name in parts:
        assert text(seen, name).count(KEY) == (2 if "core" in name else 1), name
    assert f'db_password="{KEY}"' in text(seen, "word/settings.xml")
    assert f"apiSecret: {KEY}" in text(seen, "docProps/custom.xml")
    assert f"ApiSecret: {KEY}" in text(seen, "customXml/item1.xml")
    assert seen.incidents == []


def test_fields_and_boxes_do_not_cut_the_text_around_them(tmp_path: Path) -> None:
    code = runs('HYPERLINK "https://host/?key=1"', "w:instrText")
    box = f"<w:r><w:drawing><w:txbxContent>{paragraph('in a box')}</w:txbxContent></w:drawing></w:r>"
    seen = look(docx(f"<w:p>{runs(KEY[:20])}{code}{box}{runs(KEY[20:])}</w:p>"), tmp_path)
    assert lines(seen, "word/document.xml")[:3] == [KEY, 'HYPERLINK "https://host/?key=1"', "in a box"]


def test_a_fallback_is_read_where_it_says_something_else(tmp_path: Path) -> None:
    choice = f"<mc:Choice>{paragraph('the same')}</mc:Choice>"
    fallback = f"<mc:Fallback>{paragraph('the same')}{paragraph(KEY)}</mc:Fallback>"
    body = f'<mc:AlternateContent xmlns:mc="m">{choice}{fallback}</mc:AlternateContent>'
    seen = look(docx(body), tmp_path)
    assert text(seen, "word/document.xml").count("the same") == 1
    assert KEY in text(seen, "word/document.xml")


def test_an_embedded_workbook_is_looked_into(tmp_path: Path) -> None:
    inner = xlsx({"Keys": [["API secret", KEY]]})
    seen = look(docx(paragraph("see"), {"word/embeddings/book.xlsx": inner}), tmp_path, "a.docx")
    assert seen.members["a.docx!/word/embeddings/book.xlsx!/Keys"] == f"API secret: {KEY}\n".encode()


# ---- xlsx -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shared", [True, False])
def test_a_line_of_a_sheet_is_its_row(shared: bool, tmp_path: Path) -> None:
    rows = [["exchange", "api key", "api secret"], ["binance", KEY, MORE], [], ["", "", "12345678"], ["Password", MORE]]
    seen = look(xlsx({"Keys & more": rows}, shared=shared), tmp_path)
    assert lines(seen, "Keys & more")[:5] == [
        "exchange\tapi key\tapi secret",
        f"exchange: binance\tapi key: {KEY}\tapi secret: {MORE}",
        "",
        "api secret: 12345678",
        f"exchange: Password: {MORE}",
    ]
    assert seen.incidents == []
    assert sum(content.count(KEY.encode()) for content in seen.members.values()) == 1


def test_hidden_sheets_are_read_and_marked(tmp_path: Path) -> None:
    made = xlsx({"Open": [["x"]], "Shut": [[KEY]], "Deep": [[MORE]]}, states={"Shut": "hidden", "Deep": "veryHidden"})
    seen = look(made, tmp_path)
    facts = {origin.path: dict(origin.facts).get("sheet") for origin in seen.origins}
    assert (facts["Open"], facts["Shut"], facts["Deep"]) == (None, "hidden", "very hidden")
    assert KEY in text(seen, "Shut")


def test_strings_that_no_cell_shows_are_read(tmp_path: Path) -> None:
    seen = look(xlsx({"One": [["shown"]]}, orphans=(KEY, "left over")), tmp_path)
    assert text(seen, "xl/sharedStrings.xml").split("\n")[:2] == [KEY, "left over"]


def test_line_breaks_in_a_cell_do_not_move_the_rows(tmp_path: Path) -> None:
    seen = look(xlsx({"One": [["a\nb\nc"], [KEY]]}), tmp_path)
    assert lines(seen, "One")[:2] == ["a\rb\rc", KEY]


def test_formulas_comments_and_connections_are_read(tmp_path: Path) -> None:
    sheet = f'<worksheet {S}><sheetData><row r="3"><c r="A3" t="str"><f>WEBSERVICE("https://h/?token={KEY}")</f><v>ok</v></c></row></sheetData></worksheet>'
    parts: dict[str, str | bytes] = {
        "xl/workbook.xml": f"<workbook {S} {R}><sheets><sheet name='F' r:id='r1'/></sheets></workbook>",
        "xl/_rels/workbook.xml.rels": "<Relationships><Relationship Id='r1' Target='/xl/worksheets/s.xml'/></Relationships>",
        "xl/worksheets/s.xml": sheet,
        "xl/comments1.xml": f"<comments {S}><comment ref='A1'><text><r><t>{KEY[:9]}</t></r><r><t>{KEY[9:]}</t></r></text></comment></comments>",
        "xl/connections.xml": f'<connections><connection><dbPr connection="Password={KEY};Server=x"/></connection></connections>',
        "xl/pivotCache/pivotCacheDefinition1.xml": f'<p><sharedItems><s v="{KEY}"/></sharedItems></p>',
    }
    files = [TYPES, *((name, data.encode() if isinstance(data, str) else data) for name, data in parts.items())]
    seen = look(zip_(files), tmp_path)
    assert lines(seen, "F")[2] == "ok"
    for name in ("F", "xl/comments1.xml", "xl/connections.xml", "xl/pivotCache/pivotCacheDefinition1.xml"):
        assert KEY in text(seen, name), name


def test_a_sheet_with_the_name_of_a_part_hides_none(tmp_path: Path) -> None:
    seen = look(xlsx({"xl/workbook.xml": [[KEY]], "Twice": [["1x"]]}), tmp_path)
    assert any(KEY.encode() in content for content in seen.members.values())
    assert len([name for name in seen.members if name.startswith("it!/xl/workbook.xml")]) == 2


# ---- pptx, OpenDocument ---------------------------------------------------------------------------------------------


def test_slides_and_notes(tmp_path: Path) -> None:
    table = f"<a:tbl><a:tr><a:tc><a:p><a:r><a:t>API token</a:t></a:r></a:p></a:tc><a:tc><a:p><a:r><a:t>{KEY[:8]}</a:t></a:r><a:r><a:t>{KEY[8:]}</a:t></a:r></a:p></a:tc></a:tr></a:tbl>"
    parts: dict[str, str | bytes] = {
        "ppt/notesSlides/notesSlide1.xml": slide(f"note {MORE}"),
        "ppt/slides/slide9.xml": f"<p:sld {A}>{table}</p:sld>",
        "ppt/comments/comment1.xml": f"<p:cmLst {A}><p:cm><p:text>remark {MORE}</p:text></p:cm></p:cmLst>",
    }
    seen = look(pptx([f"Title\n{KEY}"], parts), tmp_path)
    assert lines(seen, "ppt/slides/slide1.xml")[:2] == ["Title", KEY]
    assert lines(seen, "ppt/slides/slide9.xml")[0] == f"API token: {KEY}"
    assert lines(seen, "ppt/notesSlides/notesSlide1.xml")[0] == f"note {MORE}"
    assert lines(seen, "ppt/comments/comment1.xml")[0] == f"remark {MORE}"


def test_an_opendocument_text(tmp_path: Path) -> None:
    note = f"<office:annotation><text:p>remark {MORE}</text:p></office:annotation>"
    deleted = f"<text:tracked-changes><text:changed-region><text:deletion><text:p>deleted {MORE}</text:p></text:deletion></text:changed-region></text:tracked-changes>"
    body = f"{deleted}<text:p><text:span>{KEY[:9]}</text:span>{note}{KEY[9:]}<text:line-break/>next<text:s text:c='2'/>x</text:p>"
    meta = f"<office:document-meta {OD}><office:meta><meta:user-defined meta:name='apiSecret'>{KEY}</meta:user-defined></office:meta></office:document-meta>"
    seen = look(opendocument("text", body, {"meta.xml": meta}), tmp_path)
    said = lines(seen, "content.xml")
    assert f"deleted {MORE}" in said
    assert said[said.index(KEY) : said.index(KEY) + 3] == [KEY, "next  x", f"remark {MORE}"]
    assert lines(seen, "meta.xml")[0] == f"apiSecret: {KEY}"


def test_an_opendocument_spreadsheet(tmp_path: Path) -> None:
    body = ods_table("One", [["API secret", KEY], [], ["a\tb", "c"]]) + ods_table("Two", [["user", "password"], ["me", MORE]])
    seen = look(opendocument("spreadsheet", body), tmp_path)
    assert lines(seen, "One")[:3] == [f"API secret: {KEY}", "", "a b\tc"]
    assert lines(seen, "Two")[:2] == ["user\tpassword", f"user: me\tpassword: {MORE}"]
    assert sum(content.count(KEY.encode()) for content in seen.members.values()) == 1


# ---- nested, damaged, hostile ---------------------------------------------------------------------------------------

DOCUMENTS = {
    "docx": (docx(paragraph(KEY)), "word/document.xml"),
    "xlsx": (xlsx({"One": [[KEY]]}), "One"),
    "pptx": (pptx([KEY]), "ppt/slides/slide1.xml"),
    "odt": (opendocument("text", f"<text:p>{KEY}</text:p>"), "content.xml"),
    "ods": (opendocument("spreadsheet", ods_table("One", [[KEY]])), "One"),
    "odp": (opendocument("presentation", f"<draw:page><text:p>{KEY}</text:p></draw:page>"), "content.xml"),
}


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_documents_in_archives(kind: str, tmp_path: Path) -> None:
    made, member = DOCUMENTS[kind]
    seen = look(gzip.compress(tar([(f"files/a.{kind}", made), ("after", b"after it")])), tmp_path, "b.tgz")
    assert KEY in seen.members[f"b.tgz!/files/a.{kind}!/{member}"].decode()
    assert seen.members["b.tgz!/after"] == b"after it"
    assert seen.incidents == []


@pytest.mark.parametrize("kind", DOCUMENTS)
@pytest.mark.parametrize("keep", [0.3, 0.6, 0.9])
def test_a_document_cut_off_is_told(kind: str, keep: float, tmp_path: Path) -> None:
    made = DOCUMENTS[kind][0]
    assert look(made[: int(len(made) * keep)], tmp_path).states & {"failed", "truncated"}


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_damaged_content_is_told(kind: str, tmp_path: Path) -> None:
    made = bytearray(DOCUMENTS[kind][0])
    name = {"xlsx": b"xl/worksheets/sheet1.xml", "pptx": b"ppt/slides/slide1.xml", "docx": b"word/document.xml"}.get(kind, b"content.xml")
    at = made.find(name) + len(name) + 20
    made[at] ^= 0x55
    assert "failed" in look(bytes(made), tmp_path).states


@pytest.mark.parametrize("part", ["word/document.xml", "docProps/core.xml"])
@pytest.mark.parametrize("broken", ["<a><p>x</a></p>", "<a>", "no xml at all", "<a>&undefined;</a>", "\0\1\2"])
def test_broken_xml_is_scanned_as_it_stands(part: str, broken: str, tmp_path: Path) -> None:
    files = [TYPES, ("word/x", b""), (part, f"{broken} {KEY}".encode())]
    seen = look(zip_(files), tmp_path)
    assert KEY in text(seen, part)
    if broken[0] == "<":
        assert "damaged XML" in seen.reasons


def test_entities_are_neither_declared_nor_fetched(tmp_path: Path) -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + "".join(
        f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9)
    )
    for body in (f"{bomb}]><x>&j; {KEY}</x>", f'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]><x>&e; {KEY}</x>'):
        seen = look(docx(paragraph("x"), {"word/other.xml": body}), tmp_path)
        assert "declares entities" in seen.reasons
        assert KEY in text(seen, "word/other.xml")
        assert seen.tally.expanded < 100_000


def test_a_zip_under_the_name_of_a_part_is_a_zip(tmp_path: Path) -> None:
    seen = look(docx(paragraph("x"), {"word/settings.xml": zip_([("in", KEY.encode())])}), tmp_path)
    assert text(seen, "word/settings.xml!/in") == KEY


def test_a_part_that_unpacks_without_end_is_told(tmp_path: Path) -> None:
    bomb = b"<a>" + b" " * (20 << 20) + b"</a>"
    seen = look(docx(paragraph(KEY), {"word/bomb.xml": bomb}), tmp_path, limits=Limits(bytes=4 << 20))
    assert "--archive-bytes" in seen.reasons
    assert "truncated" in seen.states
    assert KEY in text(seen, "word/document.xml")


def test_one_string_in_a_million_cells_ends_at_the_ratio(tmp_path: Path) -> None:
    cells = "".join(f'<row r="{n}"><c r="A{n}" t="s"><v>0</v></c></row>' for n in range(1, 6_000))
    parts: dict[str, str | bytes] = {
        "xl/workbook.xml": f"<workbook {S} {R}><sheets><sheet name='One' r:id='r1'/></sheets></workbook>",
        "xl/_rels/workbook.xml.rels": "<Relationships><Relationship Id='r1' Target='worksheets/s.xml'/></Relationships>",
        "xl/worksheets/s.xml": f"<worksheet {S}><sheetData>{cells}</sheetData></worksheet>",
        "xl/sharedStrings.xml": f"<sst {S}><si><t>{'x' * 32_000}</t></si></sst>",
    }
    files = [TYPES, *((name, data.encode() if isinstance(data, str) else data) for name, data in parts.items())]
    seen = look(zip_(files), tmp_path, limits=Limits(ratio=1))
    assert "--archive-ratio" in seen.reasons
    assert seen.tally.expanded < 150 << 20


def test_a_nest_of_elements_and_a_tag_without_end_are_damage(tmp_path: Path) -> None:
    for body in ("<a>" * 50_000 + KEY, "<a b='" + "x" * (9 << 20) + KEY):
        seen = look(docx(paragraph("x"), {"word/other.xml": body}), tmp_path)
        assert "damaged XML" in seen.reasons
        assert KEY in text(seen, "word/other.xml")


def test_rows_far_apart_cost_no_more_than_a_sheet_has(tmp_path: Path) -> None:
    sheet = f'<worksheet {S}><sheetData><row r="999999999"><c r="A1" t="str"><v>{KEY}</v></c></row></sheetData></worksheet>'
    made = xlsx({"One": [["x"]]}, parts={"xl/worksheets/other.xml": sheet})
    seen = look(made, tmp_path)
    assert any(KEY.encode() in content for content in seen.members.values())
    assert sum(map(len, seen.members.values())) < 1 << 21


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_any_damage_is_told_or_does_no_harm(kind: str, tmp_path: Path) -> None:
    """Bytes of the XML itself changed at random, behind right checksums."""
    with zipfile.ZipFile(io.BytesIO(DOCUMENTS[kind][0])) as archive:
        files = [(name, archive.read(name)) for name in archive.namelist()]
    for number in range(12):
        random = Random(number)
        hostile = []
        for name, data in files:
            changed = bytearray(data)
            for _ in range(random.randrange(4)):
                changed[random.randrange(len(changed))] = random.randrange(256)
            hostile.append((name, bytes(changed)))
        seen = look(zip_(hostile), tmp_path)
        assert "internal error" not in seen.reasons
        text = b"".join(seen.members.values()).replace(b"\n", b"")
        assert "failed" in seen.states or KEY[:6].encode() in text or KEY[-6:].encode() in text


def test_a_drawing_that_is_no_xml_is_no_damage(tmp_path: Path) -> None:
    seen = look(xlsx({"One": [["x"]]}, parts={"xl/drawings/vmlDrawing1.vml": f"<xml><div>{KEY}<br></div></xml>"}), tmp_path)
    assert KEY in text(seen, "xl/drawings/vmlDrawing1.vml")
    assert seen.incidents == []


def test_other_zips_are_no_documents(tmp_path: Path) -> None:
    seen = look(zip_([("word/document.xml", b"<a b='c'>x</a>")]), tmp_path)
    assert text(seen, "word/document.xml") == "<a b='c'>x</a>"


def test_encoded_as_utf16(tmp_path: Path) -> None:
    body = HEAD.replace("UTF-8", "UTF-16") + f"<w:document {W}><w:body>{paragraph(KEY)}</w:body></w:document>"
    files = [TYPES, ("word/document.xml", body.encode("utf-16"))]
    assert lines(look(zip_(files, zipfile.ZIP_STORED), tmp_path), "word/document.xml")[0] == KEY


# ---- rows -----------------------------------------------------------------------------------------------------------

CELLS = st.lists(
    st.tuples(st.integers(0, 30), st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40).filter(str.strip)),
    max_size=8,
    unique_by=lambda cell: cell[0],
)


@given(st.lists(CELLS.map(sorted), max_size=5))
def test_every_cell_is_in_its_line(table: list[list[tuple[int, str]]]) -> None:
    rows = Rows()
    for cells in table:
        line = " ".join(rows.line(cells).split())
        for _, cell in cells:
            assert " ".join(cell.split()).rstrip(": ") in line


def test_which_labels_say_something() -> None:
    for label in ("API Secret", "apiKey", "DB_PASSWORD", "Passwort", "Пароль", "访问密码", "Private key:", "seed phrase"):
        assert says(label), label
    for label in ("PassengerId", "author", "keyboard", "monkey", "name", "key", "compass", "4f9a8bsecret000111"):
        assert not says(label), label


def shown_rows(seen: Seen, name: str) -> list[str]:
    return seen.members[f"it!/{name}"].decode().split("\n")


@pytest.mark.parametrize("inline", [False, True])
def test_binary_workbooks_are_rows_beside_their_labels(inline: bool, tmp_path: Path) -> None:
    rows = [["Exchange", "API secret"], ["binance", KEY], [], ["", ""], ["two\nlines", MORE]]
    seen = look(xlsb({"My keys": rows, "hidden one": [["password", MORE]]}, inline), tmp_path)
    assert seen.reasons == ""
    assert shown_rows(seen, "My keys")[:2] == ["Exchange\tAPI secret", f"Exchange: binance\tAPI secret: {KEY}"]
    assert shown_rows(seen, "My keys")[4] == f"Exchange: two\rlines\tAPI secret: {MORE}"
    assert shown_rows(seen, "hidden one")[0] == f"password: {MORE}"
    facts = {origin.path: dict(origin.facts) for origin in seen.origins}
    assert facts["hidden one"] == {"part": "xl/worksheets/sheet2.bin", "sheet": "hidden"}
    everything = b"".join(seen.members.values())
    assert everything.count(KEY.encode()) == 1
    assert KEY.encode("utf-16-le") not in everything


def test_what_is_no_cell_of_a_binary_workbook_is_kept(tmp_path: Path) -> None:
    link = biff12(494, bytes(16) + wide("rId1") + wide(f"https://host/?key={KEY}"))
    number = biff12(0, struct.pack("<I", 7)) + biff12(5, bytes(8) + struct.pack("<d", 1234567890.5)) + biff12(2, bytes(8) + struct.pack("<i", 42 << 2 | 2))
    formula = biff12(8, bytes(8) + wide("result") + bytes(2) + struct.pack("<I", 60) + MORE.encode("utf-16-le"))
    seen = look(xlsb({"one": [["a"]]}, more=number + formula + link), tmp_path)
    assert seen.reasons == ""
    assert shown_rows(seen, "one")[7].split("\t") == ["1234567890.5", "42", "result"]
    rest = seen.members["it!/xl/worksheets/sheet1.bin.rest"]
    assert KEY.encode("utf-16-le") in rest
    assert MORE.encode("utf-16-le") in rest


def test_strings_that_no_cell_of_a_binary_workbook_shows_are_read(tmp_path: Path) -> None:
    whole = xlsb({"one": [["shown", KEY]]})
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        parts = [(name, archive.read(name)) for name in archive.namelist()]
    parts = [(name, data + biff12(19, b"\0" + wide(MORE)) if name.endswith("Strings.bin") else data) for name, data in parts]
    seen = look(zip_(parts), tmp_path)
    assert MORE.encode() in b"".join(seen.members.values())
    lies = [(name, data + b"\x06\xff\xff\xff\x7f" if "sheet1" in name else data) for name, data in parts]
    seen = look(zip_(lies), tmp_path)
    assert "cannot be so long" in seen.reasons
    assert KEY.encode() in b"".join(seen.members.values())


def test_a_part_that_holds_nothing_is_no_damage(tmp_path: Path) -> None:
    """OpenOffice writes `Configurations2/accelerator/current.xml` so: every document of it was told as damaged."""
    data = opendocument("text", "<text:p>x</text:p>", {"Configurations2/accelerator/current.xml": b""})
    assert look(data, tmp_path, "a.odt").incidents == []
