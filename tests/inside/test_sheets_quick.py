"""Cells of worksheets are read in few calls: with the same outcome as elements of any kind, and a sheet of nothing but tags ends
at its limit."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scanned import scanned

from leakguard.sources.inside.base import Budget, Context, from_bytes
from leakguard.sources.inside.documents import xmltext
from leakguard.sources.inside.documents.sheets import Sheet, Strings
from leakguard.sources.inside.documents.xmltext import Handler, Part
from leakguard.sources.inside.limits import Limits

pytestmark = pytest.mark.usefixtures("loaded")


class Slow(Sheet):
    """A sheet whose cells are read as all other elements."""

    start = Handler.start
    end = Handler.end
    text = Handler.text


def read(kind: type[Sheet], xml: bytes) -> tuple[bytes, list[tuple[str, str, str]]]:
    told: list[tuple[str, str, str]] = []
    context = Context("x", Limits(), Budget(Limits(), len(xml)), lambda *said: told.append(said))
    strings = Strings()
    for text in ("shared one", "API secret", "two\nlines"):
        strings.add(text)
    part = Part(from_bytes(xml), kind(strings), context, "sheet1.xml")
    out = b""
    while data := part(777):
        out += data
    strings.close()
    return out, told


_PLACES = st.sampled_from(["", ' r="A1"', ' r="AB12"', ' r="b3"', ' r="$C$1" s="4"', ' t="s" r="XFD2"', ' t="inlineStr"', ' odd="a-long value"'])
_TEXTS = st.sampled_from(["", "1", "0", "12.5", "API secret", "a &amp; b", " x ", "A1&#10;B2", "<![CDATA[<c>]]>", "SUM(\"a\",'b')", "é" * 3])
_INNER = st.one_of(
    _TEXTS.map(lambda text: f"<v>{text}</v>"), _TEXTS.map(lambda text: f"<f>{text}</f><v>2</v>"), _TEXTS,
    _TEXTS.map(lambda text: f"<is><t>{text}</t></is>"), _TEXTS.map(lambda text: f"<is><r><rPr><b/></rPr><t>{text}</t></r></is>"),
    _TEXTS.map(lambda text: f'<f t="shared" ref="A1:B2">{text}</f>'), st.just("<v/>"), st.just("<!-- a comment -->"), st.just("<?pi x?>"),
    st.just("<c><v>nested</v></c>"), st.just('<ext name="n" val="password-1"/>'), st.just("<p>in a <v>paragraph</v></p>"),
)  # fmt: skip
_CELL = st.tuples(_PLACES, st.lists(_INNER, max_size=3)).map(lambda cell: f"<c{cell[0]}>{''.join(cell[1])}</c>")
_ROWS = st.lists(st.tuples(st.sampled_from(["", ' r="3"', ' r="7" spans="1:2"']), st.lists(st.one_of(_CELL, _TEXTS, st.just("<x/>")), max_size=5)))


@given(_ROWS, st.sampled_from(["", "loose", "<c><v>1</v></c>", "<p><c><v>1</v></c></p>", "</broken>"]))
@settings(max_examples=300, deadline=None)
def test_cells_say_the_same_in_fewer_calls(rows: list[tuple[str, list[str]]], around: str) -> None:
    body = "".join(f"<row{place}>{''.join(cells)}</row>" for place, cells in rows)
    xml = f"<worksheet><sheetData>{around}{body}</sheetData>{around}</worksheet>".encode()
    assert read(Sheet, xml) == read(Slow, xml)


def test_a_sheet_of_many_ordinary_cells_is_read_to_its_end() -> None:
    rows = "".join(
        f'<row r="{row}">' + "".join(f'<c r="{chr(65 + at)}{row}" s="1"><v>{row * at}</v></c>' for at in range(20)) + "</row>"
        for row in range(1, 600)
    )
    out, told = read(Sheet, f"<worksheet><sheetData>{rows}</sheetData></worksheet>".encode())
    assert not told
    assert out.splitlines()[598] == b"\t".join(b"%d" % (599 * at) for at in range(20))


@pytest.mark.parametrize("body", [b"<c/>", b'<c r="A1"><v>1</v></c>', b"<row/>", b"<x/>"])
def test_a_small_file_that_is_a_large_sheet_ends_at_its_limit(
    body: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(xmltext, "MOST_TAGS", 20_000)
    sheet = b"<worksheet><sheetData><row>" + body * 60_000 + b"</row></sheetData></worksheet>"
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.xml", '<workbook xmlns:r="r"><sheets><sheet name="S" r:id="a"/></sheets></workbook>')
        archive.writestr("xl/_rels/workbook.xml.rels", '<R><Relationship Id="a" Target="worksheets/sheet1.xml"/></R>')
        archive.writestr("xl/worksheets/sheet1.xml", sheet)
    told = scanned(tmp_path, Limits()).incidents
    assert [(one.state, one.origin) for one in told] == [("truncated", "a.xlsx!/S")]
    assert "tags in" in told[0].reason
    assert "--archive-ratio" in told[0].reason
    assert not scanned(tmp_path, Limits(ratio=0)).incidents
