"""Documents as users scan them: each planted secret once, at its place, by a chain that `extract` takes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zlib
from email.message import EmailMessage
from pathlib import Path
from random import Random

import pytest
from nests import tar, zip_
from papers import compound, docx, msg, ods_table, opendocument, paragraph, pdf, png, pptx, word_table, xlsx

from leakguard.collector import Collector
from leakguard.detect.engine import Engine
from leakguard.detect.generate import expand
from leakguard.model import ScanResult
from leakguard.pipeline import scan_files
from leakguard.sources.files import Options, walk
from leakguard.sources.inside.limits import Limits
from leakguard.work import Policy

pytestmark = pytest.mark.usefixtures("loaded")


def token(number: int) -> str:
    return expand("{{gen:github ghp_}}", Random(f"documents:{number}"))


def secret(number: int) -> str:
    return expand("{{alnum*64}}", Random(f"documents:{number}"))


def run(folder: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[bytes]:
    done = subprocess.run(
        [sys.executable, "-m", "leakguard", *arguments], cwd=folder, capture_output=True, check=False, timeout=300,
        env={**os.environ, **env},
    )  # fmt: skip
    assert b"Traceback" not in done.stderr
    return done


def scan(engine: Engine, folder: Path) -> ScanResult:
    collector = Collector()
    tasks = walk([str(folder)], Options(), lambda _: None)
    scan_files(tasks, lambda _: engine, Policy(inside=Limits()), 1, collector)
    return collector.result()


def eml(number: int) -> bytes:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "me@example.org", "you@example.org", "keys"
    made.set_content("Hello,\nhere it is:\n" + token(number) + "\n", cte="base64")
    return made.as_bytes()


def made(number: int) -> dict[str, tuple[bytes, str]]:
    """Kind -> (a document that says token(number) and secret(number) in its own way, the token's place in it)."""
    key, value = token(number), secret(number)
    book = json.dumps({"cells": [{"cell_type": "code", "source": ["# keys\n", f'token = "{key}"\n', f'binance_api_secret = "{value}"\n']}]})
    rtf = rf"{{\rtf1 Hello\par token {{\b {key[:7]}}}{key[7:]}\par\trowd Binance API secret\cell {{\i {value[:9]}}}{value[9:]}\cell\row}}"
    table = [["exchange", "api secret", "note"], ["binance", value, ""], ["", "", key]]
    return {
        "docx": (docx(paragraph("Hello") + paragraph(f"token {key}") + word_table([["Binance API secret", value]])), "word/document.xml:2"),
        "xlsx": (xlsx({"My keys": table}), "My keys:3"),
        "pptx": (pptx([f"Title\n{key}\nBinance API secret: {value}"]), "ppt/slides/slide1.xml:2"),
        "ods": (opendocument("spreadsheet", ods_table("Sheet1", table)), "Sheet1:3"),
        "odt": (opendocument("text", f"<text:p>x</text:p><text:p>{key[:9]}<text:span>{key[9:]}</text:span></text:p><text:p>Binance API secret: {value}</text:p>"), "content.xml:2"),
        "pdf": (pdf([["Hello"], ["two", f"token {key}", f"Binance API secret: {value}"]]).end(), "page-2:2"),
        "ipynb": (book.encode(), "cell-1.py:2"),
        "rtf": (rtf.encode(), "text:2"),
        "msg": (msg("keys", f"Hello\n{key}\nBinance API secret: {value}"), "body.txt:2"),
        "eml": (eml(number).replace(b"Subject: keys", b"Subject: Binance API secret: " + value.encode()), "part-1.txt:3"),
        "png": (png([(b"zTXt", b"Binance API secret\0\0" + zlib.compress(value.encode())), (b"zTXt", b"Comment\0\0" + zlib.compress(key.encode()))]), "text:2"),
    }  # fmt: skip


KINDS = sorted(made(0))


@pytest.mark.parametrize("kind", KINDS)
def test_each_secret_of_a_document_is_found_once_at_its_place(kind: str, engine: Engine, tmp_path: Path) -> None:
    data, place = made(KINDS.index(kind))[kind]
    (tmp_path / f"a.{kind}").write_bytes(data)
    result = scan(engine, tmp_path)
    found = {(finding.secret or b"").decode(): finding for finding in result.findings}
    assert sorted(found) == sorted([token(KINDS.index(kind)), secret(KINDS.index(kind))])
    assert len(result.findings) == 2
    assert found[secret(KINDS.index(kind))].rule == "binance.api-secret"
    first = found[token(KINDS.index(kind))]
    assert f"{first.path}:{first.start_line}".endswith(f"a.{kind}!/{place}")
    assert result.incidents == ()


def test_a_nest_of_documents_and_its_chains(tmp_path: Path) -> None:
    """Every kind in one backup; each chain that is reported can be extracted."""
    files = [(f"docs/a.{kind}", made(100 + number)[kind][0]) for number, kind in enumerate(KINDS)]
    (tmp_path / "backup.tar").write_bytes(tar([("inner.zip", zip_(files))]))
    done = run(tmp_path, "scan", "-f", "jsonl", "--show-secrets", ".", "--receipt", "../receipt.json")
    assert done.returncode == 1
    records = [json.loads(line) for line in done.stdout.splitlines()]
    found = [record for record in records if record.get("type", "finding") == "finding"]
    planted = [make(100 + number) for number in range(len(KINDS)) for make in (token, secret)]
    assert sorted(record["secret"] for record in found) == sorted(planted)
    receipt = json.loads((tmp_path / "../receipt.json").read_bytes())
    assert receipt["complete"] is True
    for record in found[::3]:
        chain = f"{record['path']}:{record['start_line']}:{record['start_column']}"
        assert chain.startswith("backup.tar!/inner.zip!/docs/a.")
        extracted = run(tmp_path, "extract", chain)
        assert extracted.returncode == 0, extracted.stderr
        line = extracted.stdout.split(b"\n")[record["start_line"] - 1]
        assert record["secret"].encode() in line


def test_a_quoted_table_is_found_in_its_own_place(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # of a test's own folder passwords are not reported
    key, value, password = secret(1), secret(2), "Xk9!fr2" + "Lmq"
    text = f'"exchange","note","api key","api secret","password"\r\n"binance","two\r\nlines, ""quoted""","{key}","{value}","{password}"\r\n'
    (tmp_path / "keys.csv").write_text(text, newline="")
    result = scan(engine, Path("keys.csv"))
    assert sorted((finding.secret or b"").decode() for finding in result.findings) == sorted([key, value, password])
    for finding in result.findings:
        assert text.encode()[finding.start_byte : finding.end_byte] == finding.secret
        assert text.encode().split(b"\n")[finding.start_line - 1][finding.start_column - 1 :].startswith(finding.secret or b"x")
        assert finding.path.endswith("keys.csv")
    assert result.sets


def test_references_in_xml_are_found_in_their_own_place(engine: Engine, tmp_path: Path) -> None:
    key = token(7)
    text = f"<a>\n<b>x &amp; y</b><c>{key[:12]}&#{ord(key[12])};{key[13:]}</c>\n<d><![CDATA[{token(8)}]]></d></a>\n"
    (tmp_path / "a.xml").write_text(text)
    first, second = scan(engine, tmp_path).findings
    assert (first.secret or b"").decode() == key
    assert text.encode()[first.start_byte : first.end_byte].decode() == f"{key[:12]}&#{ord(key[12])};{key[13:]}"
    assert (first.start_line, first.start_column) == (2, 20)
    assert text.encode()[second.start_byte : second.end_byte] == second.secret == token(8).encode()
    assert (second.start_line, second.start_column) == (3, 13)


def test_a_hidden_sheet_says_so(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_bytes(xlsx({"Open": [["x"]], "Shut": [[token(1)]]}, states={"Shut": "hidden"}))
    (found,) = scan(engine, tmp_path).findings
    assert dict(found.origin.facts)["sheet"] == "hidden"


def test_no_output_has_the_secret(tmp_path: Path) -> None:
    (tmp_path / "a.docx").write_bytes(docx(paragraph(f"token {token(1)}")))
    (tmp_path / "b.pdf").write_bytes(pdf([[f"token {token(1)}"]]).end()[:-30])
    done = run(tmp_path, "scan", "a.docx", "b.pdf", "--receipt", "r.json")
    assert b"a.docx!/word/document.xml:1:7" in done.stdout
    for output in (done.stdout, done.stderr, (tmp_path / "r.json").read_bytes()):
        assert token(1).encode() not in output


def test_what_cannot_be_read_of_a_document_is_never_clean(tmp_path: Path) -> None:
    (tmp_path / "locked.doc").write_bytes(compound({"WordDocument": b"\xec\xa5" + bytes(9) + b"\1" + bytes(40)}))
    done = run(tmp_path, "scan", "locked.doc")
    assert done.returncode == 3
    assert b"INCOMPLETE" in done.stderr


@pytest.mark.skipif(not os.path.isfile("/usr/bin/tesseract"), reason="tesseract is not installed")
def test_ocr_is_asked_for(tmp_path: Path) -> None:
    from PIL import Image, ImageDraw, ImageFont

    picture = Image.new("RGB", (700, 90), "white")
    ImageDraw.Draw(picture).text((10, 20), "Database password: Xk9fr2Lmq", fill="black", font=ImageFont.load_default(28))
    picture.save(tmp_path / "shot.jpg", quality=95)
    assert run(tmp_path, "scan", "shot.jpg").returncode == 0
    done = run(tmp_path, "scan", "--ocr", "shot.jpg")
    assert done.returncode == 1, (done.stdout, done.stderr)
    assert b"shot.jpg!/ocr:1" in done.stdout
    assert b"password" in run(tmp_path, "extract", "shot.jpg!/ocr:1").stdout
