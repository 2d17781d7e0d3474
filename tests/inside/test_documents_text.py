"""Mails, notebooks, RTF, pages and tables of text: parts decoded, places kept, damage told."""

from __future__ import annotations

import base64
import csv
import gzip
import io
import json
import mailbox
from email.message import EmailMessage
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nests import Seen, look, tar, zip_
from scanned import findings
from test_inside_scan import token

from leakguard.detect.generate import expand
from leakguard.sources.inside.documents.markup import html_text
from leakguard.sources.inside.limits import Limits
from leakguard.sources.inside.magic import kind_of

KEY = "a-value-that-is-cut-into-runs-0123456789"
MORE = "another-value-0123456789-in-runs"


def mail(subject: str = "nothing", body: str = "hello\n", cte: str = "quoted-printable") -> EmailMessage:
    made = EmailMessage()
    made["From"] = "Me <me@example.org>"
    made["To"] = "you@example.org"
    made["Date"] = "Sat, 21 Nov 2026 10:00:00 +0000"
    made["Subject"] = subject
    made.set_content(body, cte=cte)
    return made


def told(seen: Seen) -> bytes:
    return b"\n".join(seen.members.values())


# ---- mails ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cte", ["quoted-printable", "base64", "8bit"])
def test_a_body_is_decoded(cte: str, tmp_path: Path) -> None:
    body = f"Grüße\nAPI = {KEY} {'long ' * 20 * (cte != '8bit')}\n"
    seen = look(mail(body=body, cte=cte).as_bytes(), tmp_path, "a.eml")
    assert seen.members["a.eml!/part-1.txt"].decode().replace("\r", "") == body
    assert seen.incidents == []


def test_headers_are_decoded_a_line_each(tmp_path: Path) -> None:
    seen = look(mail(subject=f"Schlüssel {KEY} und noch viel mehr Text für eine zweite Zeile").as_bytes(), tmp_path, "a.eml")
    lines = seen.members["a.eml!/headers"].decode().split("\n")
    assert lines[3].startswith(f"Subject: Schlüssel {KEY} und noch")


def test_attachments_keep_their_names_and_are_looked_into(tmp_path: Path) -> None:
    made = mail()
    made.add_attachment(zip_([("keys.env", KEY.encode())]), maintype="application", subtype="zip", filename="Schlüssel.zip")
    inner = mail(body=f"inner {MORE}\n")
    made.add_attachment(inner)
    seen = look(made.as_bytes(), tmp_path, "a.eml")
    assert seen.members["a.eml!/Schlüssel.zip!/keys.env"] == KEY.encode()
    assert MORE.encode() in seen.members["a.eml!/part-3.eml!/part-1.txt"]
    assert seen.incidents == []


def test_a_page_in_a_mail_is_text_with_its_tables(tmp_path: Path) -> None:
    made = mail()
    page = f"<p>Hello</p><table><tr><td>API <b>sec</b>ret</td><td><i>{KEY[:9]}</i>{KEY[9:]}</td></tr></table><a href='https://h/?k={MORE}&amp;x'>x</a>"
    made.add_alternative(page, subtype="html", cte="base64")
    text = look(made.as_bytes(), tmp_path, "a.eml").members["a.eml!/part-2.html"].decode()
    assert f"API secret: {KEY}\n" in text
    assert f'href="https://h/?k={MORE}&x"' in text


def test_a_mail_is_known_without_its_name(tmp_path: Path) -> None:
    seen = look(mail(body=f"{KEY}\n").as_bytes(), tmp_path, "1732183200.M1P2.host:2,S")
    assert any(name.endswith("!/part-1.txt") for name in seen.members)
    assert kind_of(b"From: the desk of a writer\n\nTo: whom it may concern\n") == ""
    assert kind_of(b"From 0123456789abcdef Mon Sep 17 00:00:00 2001\nFrom: me\nDate: x\nSubject: [PATCH] x\n") == ""


@pytest.mark.parametrize("first", [
    f"Return-path: <a@example.org>\nEnvelope-to: you@example.org\nDelivery-date: Sat, 21 Nov 2026 10:00:00 +0000\nReceived: by x ({'y' * 900})\n",
    f"Delivered-To: you@example.org\nReceived: by 10.0.0.1 with SMTP id x;\nX-Received: by 10.0.0.2 with SMTP id {'y' * 900};\n",
    "".join(f"Received: from {n}.example.org ({n}.example.org [192.0.2.{n}])\n\tby x.example.org (Postfix) id {n}{'y' * 120}\n" for n in range(9)),
    f"Authentication-Results: x.example.org; spf=pass {'y' * 300}\nReceived-SPF: Pass {'y' * 300}\nDKIM-Signature: v=1; {'y' * 300}\n",
])  # fmt: skip
def test_a_mail_that_was_carried_is_known_without_its_name(first: str, tmp_path: Path) -> None:
    """Of 22 real ones seven were not, for who wrote them stands far behind who carried them."""
    seen = look(first.replace("\n", "\r\n").encode() + mail(body=f"a {KEY}{' long' * 20}\n").as_bytes(), tmp_path, "1732183200.M1P2.host:2,S")
    assert KEY.encode() in seen.members["1732183200.M1P2.host:2,S!/part-1.txt"]
    assert seen.incidents == []


def test_text_of_headers_is_no_mail() -> None:
    assert kind_of(b"Content-Type: text/html\nServer: x\nDate: today\n\nDelivered-To: a\nReceived: from b\nReceived: from c\n") == ""
    assert kind_of(b"Received: 12 packets\nReceived: 13 packets\nReceived: 14 packets\n") == ""
    assert kind_of(b"Authentication-Results: the header that says who a mail is from\nReceived: the other one\n") == ""


def test_a_folder_of_mails(tmp_path: Path) -> None:
    box = mailbox.mbox(str(tmp_path / "box"), create=True)
    for number in range(3):
        box.add(mail(body=f"From here on {number}\n\nFrom there {KEY}\n", cte="base64"))
    box.close()
    seen = look((tmp_path / "box").read_bytes(), tmp_path, "all.mbox")
    for number in range(1, 4):
        assert f"{number - 1}\n\nFrom there {KEY}" in seen.members[f"all.mbox!/{number}.eml!/part-1.txt"].decode()
    assert seen.incidents == []


def test_a_mail_in_an_archive(tmp_path: Path) -> None:
    seen = look(gzip.compress(tar([("in/a.eml", mail(body=KEY).as_bytes())])), tmp_path, "b.tgz")
    assert KEY.encode() in seen.members["b.tgz!/in/a.eml!/part-1.txt"]


def test_a_mail_cut_off_is_told(tmp_path: Path) -> None:
    made = mail()
    made.add_attachment(KEY.encode() * 40, maintype="application", subtype="x", filename="a.bin")
    data = made.as_bytes()
    for keep in (0.6, 0.9):
        seen = look(data[: int(len(data) * keep)], tmp_path, "a.eml")
        assert "ends before its last boundary" in seen.reasons


def test_what_is_no_base64_is_read_as_it_stands(tmp_path: Path) -> None:
    head = b"From: a@b\nTo: c@d\nSubject: x\nContent-Type: application/x\nContent-Transfer-Encoding: base64\n\n"
    data = head + base64.encodebytes(b"first part") + f"this: {KEY}!\n".encode()
    seen = look(data, tmp_path, "a.eml")
    assert seen.members["a.eml!/part-1.bin"] == b"first part"
    assert KEY.encode() in seen.members["a.eml!/part-1.rest"]


def test_text_before_between_and_behind_parts(tmp_path: Path) -> None:
    data = (
        b"From: a@b\nTo: c@d\nSubject: x\nContent-Type: multipart/mixed; boundary=B\n\n"
        + f"before {KEY}\n--B\n\none\n--B\nX-Odd: {MORE}\n\ntwo\n--B--\nbehind {KEY}\n".encode()
    )
    seen = look(data, tmp_path, "a.eml")
    assert told(seen).count(KEY.encode()) == 2
    assert MORE.encode() in told(seen)
    assert seen.members["a.eml!/part-1.txt"].strip() == b"one"
    assert seen.incidents == []


def test_a_nest_of_multiparts_costs_no_more_than_its_bytes(tmp_path: Path) -> None:
    data = b"From: a@b\nTo: c@d\nSubject: x\n"
    for number in range(3000):
        data += b"Content-Type: multipart/mixed; boundary=B%d\n\n--B%d\n" % (number, number)
    seen = look(data + b"\n" + KEY.encode() + b"\n" + b"--x\n" * 200_000, tmp_path, "a.eml")
    assert KEY.encode() in told(seen)
    assert "failed" in seen.states


def test_mails_in_mails_end_at_the_depth(tmp_path: Path) -> None:
    made = mail(body=KEY)
    for _ in range(14):
        outer = mail()
        outer.add_attachment(made)
        made = outer
    seen = look(made.as_bytes(), tmp_path, "a.eml")
    assert "--archive-depth" in seen.reasons
    assert KEY.encode() in told(seen)


LINES = st.lists(st.sampled_from([b"--B", b"--B--", b"Content-Type: multipart/mixed; boundary=B", b"", b"text", b"=?utf-8?q?=C3?=",
                                  b"Content-Transfer-Encoding: base64", b"QUJD", b"QU", b"Content-Type: text/html", b"<td>x",
                                  b"Content-Transfer-Encoding: quoted-printable", b"a=", b"=4", b" folded", b"From x 10:00:00"]))  # fmt: skip


@given(LINES)
def test_any_mail_is_read_without_an_error_of_ours(tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]) -> None:
    head = [b"From: a@b", b"To: c@d", b"Subject: s"]
    seen = look(b"\n".join([*head, *lines, KEY.encode(), b""]), tmp_path_factory.mktemp("mail"), "a.eml")
    assert "internal error" not in seen.reasons


# ---- notebooks ------------------------------------------------------------------------------------------------------


def notebook() -> dict[str, object]:
    table = f"<table><tr><th>token</th></tr><tr><td>{KEY}</td></tr></table>"
    outputs = [
        {"output_type": "stream", "name": "stdout", "text": ["one\n", f"printed {MORE}\n"]},
        {"output_type": "execute_result", "data": {"text/plain": [f"token\n{KEY}"], "text/html": table}},
        {"output_type": "display_data", "data": {"image/png": base64.b64encode(zip_([("x", b"in a picture")])).decode()}},
        {"output_type": "error", "ename": "E", "evalue": "odd", "traceback": [f"\x1b[0;31mE\x1b[0m: {MORE[:9]}\x1b[1m{MORE[9:]}", "odd"]},
    ]
    return {
        "cells": [
            {"cell_type": "markdown", "source": "# title"},
            {"cell_type": "code", "source": ["import os\n", f'api_secret = "{MORE}\\n"\n'], "outputs": outputs, "metadata": {"tags": [KEY]}},
        ],
        "metadata": {"language_info": {"file_extension": ".py"}, "papermill": {"token": MORE}},
        "nbformat": 4,
    }  # fmt: skip


def test_a_place_in_a_notebook_is_a_cell_and_its_line(tmp_path: Path) -> None:
    seen = look(json.dumps(notebook()).encode(), tmp_path, "a.ipynb")
    get = seen.members.__getitem__
    assert get("a.ipynb!/cell-1.md") == b"# title"
    assert get("a.ipynb!/cell-2.py") == f'import os\napi_secret = "{MORE}\\n"\n'.encode()
    assert get("a.ipynb!/cell-2/output-1.txt") == f"one\nprinted {MORE}\n".encode()
    assert get("a.ipynb!/cell-2/output-2.txt") == f"token\n{KEY}".encode()
    assert KEY.encode() not in get("a.ipynb!/cell-2/output-2.html")  # it is said once
    assert get("a.ipynb!/cell-2/output-3.png!/x") == b"in a picture"
    assert get("a.ipynb!/cell-2/output-4.txt") == f"E: {MORE}\nodd".encode()
    assert KEY.encode() in get("a.ipynb!/metadata")
    assert MORE.encode() in get("a.ipynb!/metadata")
    assert seen.incidents == []


def test_a_key_that_stands_twice_is_read_twice(tmp_path: Path) -> None:
    text = json.dumps(notebook())
    twice = text[:-1] + f', "cells": [{{"cell_type": "code", "source": "{KEY}-first", "source": "last"}}]}}'
    assert f"{KEY}-first".encode() in told(look(twice.encode(), tmp_path, "a.ipynb"))


def test_a_notebook_of_version_three(tmp_path: Path) -> None:
    old = {"worksheets": [{"cells": [{"cell_type": "code", "input": [f"x = '{KEY}'"], "outputs": [{"text": [MORE]}]}]}], "nbformat": 3}
    seen = look(json.dumps(old).encode(), tmp_path, "a.ipynb")
    assert seen.members["a.ipynb!/cell-1.py"] == f"x = '{KEY}'".encode()
    assert seen.members["a.ipynb!/cell-1/output-1.txt"] == MORE.encode()


def test_an_empty_notebook_and_no_mail_are_no_damage(tmp_path: Path) -> None:
    assert look(b'{"cells": [], "metadata": {"x": "y"}}', tmp_path, "a.ipynb").incidents == []
    seen = look(f"note: {KEY}\n".encode(), tmp_path, "a.eml")
    assert KEY.encode() in told(seen)
    assert seen.incidents == []


def test_a_notebook_in_an_archive(tmp_path: Path) -> None:
    seen = look(zip_([("n/a.ipynb", json.dumps(notebook()).encode())]), tmp_path, "b.zip")
    assert MORE.encode() in seen.members["b.zip!/n/a.ipynb!/cell-2.py"]


@pytest.mark.parametrize("damage", ["cut", "deep", "odd", "empty"])
def test_a_damaged_notebook_is_told_and_scanned_as_it_stands(damage: str, tmp_path: Path) -> None:
    text = json.dumps(notebook())
    data = {"cut": text[:-40], "deep": "{" + '"a":[' * 100_000 + KEY, "odd": f'{{"cells": 1, "x": "{KEY}"}}', "empty": f'{{"x": "{KEY}"}}'}
    seen = look(data[damage].encode(), tmp_path, "a.ipynb")
    assert seen.members == {"a.ipynb": data[damage].encode()}
    assert "failed" in seen.states


# ---- RTF ------------------------------------------------------------------------------------------------------------

RTF = (
    r"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}{\info{\title The title}{\doccomm about " + MORE + r"}}"
    r"{\*\docvar {db_password}{" + MORE + r"}}{\*\userprops {\propname apiSecret}\proptype30{\staticval " + MORE + r"}}"
    r"Hello {\b wor}ld \{x\} K\'fcche \u8364?!\par it is {\i " + KEY[:9] + r"}{\cf1 " + KEY[9:] + r"}\par"
    r"\trowd API secret\cell {\b " + KEY[:5] + r"}" + KEY[5:] + r"\cell\row old: {\deleted " + MORE + r"}\par "
    r'{\field{\*\fldinst HYPERLINK "https://h/?k=' + MORE + r'"}{\fldrslt here}}{\object{\*\objdata ' + KEY.encode().hex() + "}}}"
)  # fmt: skip


def test_rtf_is_text(tmp_path: Path) -> None:
    seen = look(RTF.encode(), tmp_path, "a.rtf")
    lines = seen.members["a.rtf!/text"].decode().split("\n")
    assert lines[:3] == ["Hello world {x} Küche €!", f"it is {KEY}", f"API secret: {KEY}"]
    for line in (f"doccomm: about {MORE}", f"db_password: {MORE}", f"apiSecret: {MORE}", f"old: {MORE}", f'HYPERLINK "https://h/?k={MORE}"'):
        assert line in lines
    assert seen.members["a.rtf!/object-1"] == KEY.encode()
    assert seen.incidents == []


def test_the_date_of_a_comment_stands_apart_from_its_text(tmp_path: Path) -> None:
    """As LibreOffice writes them: a number in a group right before the text, where a token would no longer be one."""
    body = r"{\rtf1 text{\*\atnauthor a}\chatn{\*\annotation{\*\atndate 666961920}\loch{\rtlch\lang1023 \ltrch " + KEY + r"}}}"
    assert f"\n{KEY}" in look(body.encode(), tmp_path, "a.rtf").members["a.rtf!/text"].decode()


def test_escapes_behind_the_end_of_an_rtf_are_told(tmp_path: Path) -> None:
    """Damage closed the outermost group, or something hides there: no program shows it, and it is not decoded."""
    hidden = "".join(f"\\'{byte:02x}" for byte in KEY.encode())
    assert "behind its end" in look((RTF + hidden).encode(), tmp_path, "a.rtf").reasons
    assert look((RTF + " \0\n").encode(), tmp_path, "b.rtf").incidents == []


def test_rtf_nested_cut_and_with_more_behind(tmp_path: Path) -> None:
    nested = look(gzip.compress(tar([("a", RTF.encode())])), tmp_path, "b.tgz")
    assert KEY.encode() in nested.members["b.tgz!/a!/text"]
    cut = look(RTF[:-100].encode(), tmp_path, "cut.rtf")
    assert "ends before its last group" in cut.reasons
    assert KEY.encode() in told(cut)
    behind = look((RTF + MORE).encode(), tmp_path, "more.rtf")
    assert list(behind.members.values())[-1] == MORE.encode()


@pytest.mark.parametrize("body", ["{" * 100_000 + KEY, "\\" * 98 + KEY, r"\u55357?\u56832? " + KEY, r"\bin99999 " + KEY, r"{\pict zz " + KEY + "}", r"\ansicpg99999 " + KEY])  # fmt: skip
def test_odd_rtf_hides_nothing(body: str, tmp_path: Path) -> None:
    seen = look((r"{\rtf1 " + body + "}").encode(), tmp_path, "a.rtf")
    assert KEY.encode() in told(seen).replace(b" ", b"")
    assert "internal" not in seen.reasons


@given(st.lists(st.sampled_from([r"{", r"}", r"\deleted ", r"{\*\docvar ", r"\cell ", r"\row ", r"\u20?", r"\'e9", r"\pict ", "ab", r"\bin3 "])))
def test_any_rtf_is_read_without_an_error_of_ours(tmp_path_factory: pytest.TempPathFactory, parts: list[str]) -> None:
    seen = look((r"{\rtf1 " + "".join(parts)).encode(), tmp_path_factory.mktemp("rtf"), "a.rtf")
    assert "internal error" not in seen.reasons


# ---- pages ----------------------------------------------------------------------------------------------------------


def test_a_page_loses_nothing_but_its_tags() -> None:
    page = f"<!-- {MORE} --><script>var k='{KEY}'</script><b>A</b>PI&#58; x&amp;y<br><dl><dt>Pass<i>word</i></dt><dd>{KEY}</dd></dl><p title='{MORE}'>&lt;b"
    text = html_text(page).decode()
    assert "API: x&y\n" in text
    assert f"Password: {KEY}" in text
    assert text.count(MORE) == 2
    assert f"var k='{KEY}'" in text
    assert "<b" in text


def test_pages_of_openings_are_read_in_a_moment() -> None:
    for page in ("<!--" * 200_000, "<a " * 200_000, '<a b="' * 200_000, "<script>" * 100_000, "<td>" * 200_000):
        assert html_text(page + KEY).decode().count(KEY) == 1


def test_references_are_what_they_stand_for(tmp_path: Path) -> None:
    data = b"<a>\n<p>x&amp;y&#45;z&#x2D;</p><k><![CDATA[ab&amp;c]]></k>\n&lt;q&quot; &#10; &#60; a[b[0]]>1 &nbsp;</a>"
    made = b"<a>\n<p>x&y-z-</p><k>ab&amp;c</k>\n&lt;q&quot; &#10; &#60; a[b[0]]>1 &nbsp;</a>"
    assert look(data, tmp_path, "a.xml").members == {"a.xml": made}
    assert look(data, tmp_path, "a.py").members == {"a.py": data}
    assert look(b"<p>this &amp; that</p>" * 99, tmp_path, "a.html").members == {"a.html": b"<p>this &amp; that</p>" * 99}
    nested = look(zip_([("a.html", data)]), tmp_path, "b.zip", Limits(depth=1))
    assert nested.incidents == []
    assert nested.members == {"b.zip!/a.html": made}


COLOURED = (
    '<!DOCTYPE html><html><style>.highlight .n {{ color: #111 }}</style><p title="a &amp; b">x&#45;y <span class="k">z</span></p>\n'
    '<div class="highlight"><pre><span></span><a id="line-1" href="#line-1"></a><span class="n">binance_api_secret</span> '
    '<span class="o">=</span> <span class="s2">&quot;{}&quot;</span>\n<span title="{}">kept</span> &lt;b&gt;</pre></div><b>after</b>\n'
)


@pytest.mark.usefixtures("loaded")
def test_code_that_a_page_shows_in_colours_is_code(tmp_path: Path) -> None:
    """Each name, sign and value has a tag around it: what is assigned to which name could not be seen."""
    secret = expand("{{alnum*64}}", Random(3))
    page = COLOURED.format(secret, MORE)
    seen = look(page.encode(), tmp_path, "analysis.html")
    lines = seen.members["analysis.html"].decode().split("\n")
    assert lines[0].endswith('<p title="a & b">x-y <span class="k">z</span></p>')
    assert lines[1] == f'<div class="highlight"><pre>binance_api_secret = "{secret}"'
    assert lines[2] == f'<span title="{MORE}">kept <b></pre></div><b>after</b>'
    (tmp_path / "a").mkdir()
    (tmp_path / "a/analysis.html").write_text(page)
    (record,) = (record for record in findings(tmp_path, "a") if record["rule"] == "binance.api-secret")
    at = page.index(secret)
    assert (record["start_byte"], record["start_line"], record["start_column"]) == (at, 2, at - page.index("<div") + 1)
    assert record["secret"] == secret


def test_pages_without_code_and_other_files_keep_their_tags(tmp_path: Path) -> None:
    page = '<html><p><span class="n">one</span> w&amp;x &quot;</p></html>' * 20
    assert look(page.encode(), tmp_path, "a.html").members["a.html"].decode() == page.replace("&amp;", "&")
    coloured = COLOURED.format("x", "y").encode()
    assert b'<span class="n">' in look(coloured, tmp_path, "a.xml").members["a.xml"]
    assert look(coloured, tmp_path, "a.py").members["a.py"] == coloured


PARTS = ["&amp;", "&#49;", "&#x41;", "&lt;", "<![CDATA[", "]]>", "<a>", "\n", "text ", "é", "&", "]]", "&#4", "<pre>", "</pre>", "<span>",
         '<span class="n">', "</span>", "&quot;", "<", "<span title='x'>", "<pre class='&amp;'>"]  # fmt: skip


@given(st.lists(st.sampled_from(PARTS)), st.integers(1, 9), st.sampled_from(["a", "a.html"]))
def test_references_keep_all_else_and_know_their_places(parts: list[str], size: int, name: str) -> None:
    """Whatever the blocks are cut into: each byte that stayed is where the map says it is."""
    from leakguard.sources.inside.base import Context, Stream
    from leakguard.sources.inside.documents.entities import _Text

    data = "".join(parts).encode()
    source = io.BytesIO(data)
    text = _Text(Stream(lambda _count: source.read(size)), Context(name, Limits(), None, lambda *_: None))  # type: ignore[arg-type]
    made = b"".join(text)
    whole = _Text(Stream(io.BytesIO(data).read), Context(name, Limits(), None, lambda *_: None))  # type: ignore[arg-type]
    assert made == b"".join(whole)
    for at, byte in enumerate(made):
        offset, line, column = text.places.place(at, made.count(b"\n", 0, at) + 1, at - made.rfind(b"\n", 0, at))
        assert data[offset] in (byte, ord("&"))
        assert line == data.count(b"\n", 0, offset) + 1
        assert column == offset - data.rfind(b"\n", 0, offset)


# ---- tables of text -------------------------------------------------------------------------------------------------


def test_values_stand_beside_their_column(tmp_path: Path) -> None:
    data = f'"exchange","api key","note"\r\n"binance","{KEY}","a ""b""\r\nc"\r\n'.encode()
    seen = look(data, tmp_path, "a.csv")
    assert seen.members == {"a.csv": f'"exchange /","api key /","note /"\r\n"binance","api key: {KEY}","a ""b""\r\nc"\r\n'.encode()}


def test_a_table_without_such_a_column_is_as_it_stands(tmp_path: Path) -> None:
    for data in (b"key,value\nx,y\n", b"passenger,monkey\n1,2\n", b"password\nalone\n", b"password,but no end"):
        assert look(data, tmp_path, "a.csv").members == {"a.csv": data}


@pytest.mark.parametrize("sign", [",", ";", "\t"])
def test_a_label_and_its_value_in_the_first_line_are_no_head(tmp_path: Path, sign: str) -> None:
    data = f"API key{sign}{KEY}\nAPI secret{sign}{KEY[::-1]}\n".encode()
    assert look(data, tmp_path, "a.csv").members == {"a.csv": data}


@given(
    st.lists(st.lists(st.text("ab\"'\n\r,;\t |é", max_size=6), min_size=2, max_size=4), max_size=6),
    st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
)
def test_no_byte_of_a_table_is_lost(tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], quoting: int) -> None:
    out = io.StringIO()
    csv.writer(out, quoting=quoting, lineterminator="\n").writerows([["name", "password"], *rows])  # type: ignore[arg-type]
    data = out.getvalue().encode()
    made = look(data, tmp_path_factory.mktemp("csv"), "a.csv").members["a.csv"]
    for extra in (b"password: ", b'password="', b'"', b" /"):
        made, data = made.replace(extra, b""), data.replace(extra, b"")
    assert made == data


def test_quotes_without_end_cost_no_more_than_a_row(tmp_path: Path) -> None:
    data = b'name,password\n"' + b'""' * 400_000 + b"\n" + b'a,"b\n' * 100_000 + KEY.encode()
    seen = look(data, tmp_path, "a.csv", limits=Limits())
    assert KEY.encode() in told(seen)


@pytest.mark.parametrize("page", ["cp037", "cp500", "cp1140"])
def test_text_of_mainframes_is_read_in_its_place(page: str, tmp_path: Path) -> None:
    words = b"//STEP1 EXEC PGM=IKJEFT01\n* a comment of some words\n" * 4
    text = words + b"GITHUB_TOKEN=" + token(3).encode() + b"\n" + words * 9000
    data = text.decode().encode(page)
    (tmp_path / "JOB.JCL").write_bytes(data)
    (record,) = findings(tmp_path, ".")
    assert (record["secret"], record["path"], record["start_line"]) == (token(3), "JOB.JCL", 9)
    assert record["start_byte"] == text.index(token(3).encode())
    records = b"".join(line.ljust(80) for line in text[:2000].split(b"\n"))  # of a fixed length, without any line ends
    (tmp_path / "JOB.JCL").write_bytes(records.decode().encode(page))
    assert [one["secret"] for one in findings(tmp_path, ".")] == [token(3)]


def test_a_beginning_in_ebcdic_hides_no_other_text(tmp_path: Path) -> None:
    begin = ("some words of a text, and more of them; " * 20).encode("cp037")
    for between in (b"", bytes(9), b"\x15" * 9, Random(3).randbytes(300_000)):
        (tmp_path / "x").write_bytes(begin + between + b"\nGITHUB_TOKEN=" + token(4).encode() + b"\n" + begin)
        assert [one["secret"] for one in findings(tmp_path, ".")] == [token(4)]


def test_other_texts_of_high_bytes_are_no_ebcdic() -> None:
    for text, page in (("привет мир, это письмо " * 20, "koi8-r"), ("Καλημέρα κόσμε " * 30, "cp1253"), ("こんにちは世界、" * 40, "shift-jis"),
                       ("你好世界这是一封信" * 40, "gb18030"), ("Grüße aus München " * 20, "latin-1"), ("@" * 300, "ascii")):  # fmt: skip
        assert kind_of(text.encode(page), "x") == "", page
