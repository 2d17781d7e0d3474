"""Chance against the formats: no value makes one fail, break its structure, or show a secret unasked."""

from __future__ import annotations

import base64
import csv
import io
import json
import xml.etree.ElementTree as ET
from datetime import datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from report_checks import check_quiet, check_uris, valid

from leakguard.model import (
    Confidence,
    CredentialSet,
    Finding,
    Incident,
    Origin,
    ScanResult,
    Severity,
    Suppression,
    Totals,
)
from leakguard.report import FORMATS, ReportContext, RuleInfo, render
from leakguard.report.common import printable
from leakguard.report.receipt import receipt, render_receipt, summary_lines

MARK = "LgSecretMark"
NASTY = ("", "\x1b[2J", "\n", "\r\n::error::x", "%0A", "]]>", "=1+1", "\udcff", "\ud800", "\u202e", "a/b:c,d", "`",
         "\x7f", "{0}", "[a](b)", "C:\\x", "//x", "!/", "\0")  # fmt: skip

texts = st.one_of(
    st.sampled_from(NASTY), st.text(st.characters(), max_size=12), st.lists(st.sampled_from(NASTY)).map("".join)
)
names = st.one_of(st.sampled_from(("a", "b.c")), texts)
pairs = st.lists(st.tuples(texts, texts), max_size=2).map(tuple)
numbers = st.integers(0, 2**40)
kinds = st.sampled_from(("file", "stdin", "member", "blob", "layer", "?"))
origins = st.recursive(
    st.builds(Origin, kinds, texts, st.none(), pairs),
    lambda inner: st.builds(Origin, kinds, texts, inner, pairs),
    max_leaves=3,
)
secrets = st.one_of(
    st.none(),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8).map(lambda text: (MARK + text).encode()),
    st.binary(max_size=8).map(lambda tail: MARK.encode() + tail),
)
suppressions = st.builds(
    Suppression, way=texts, reason=texts, where=texts, owner=texts, expires=texts, accepted=st.booleans(), note=texts
)
findings = st.builds(
    Finding,
    rule=names, provider=texts, part=texts, title=texts, severity=st.sampled_from(Severity),
    confidence=st.sampled_from(Confidence), fingerprint=names, origin=origins, start_line=numbers,
    start_column=numbers, end_line=numbers, end_column=numbers, start_byte=numbers, end_byte=numbers, masked=texts,
    length=numbers, view=st.lists(texts, max_size=2).map(tuple), name=texts, facts=pairs,
    reasons=st.lists(texts, max_size=2).map(tuple), why=texts, fix=texts, set_id=names, secret=secrets,
    suppression=st.one_of(st.none(), suppressions),
)  # fmt: skip
words = st.lists(texts, max_size=2).map(tuple)
sets = st.builds(
    CredentialSet,
    id=names, rule=texts, provider=texts, title=texts, severity=st.sampled_from(Severity),
    parts=st.lists(st.tuples(texts, names), max_size=3).map(tuple), complete=st.booleans(), missing=words,
    allows=words, why=texts, origin=origins, start_line=numbers, end_line=numbers, testnet=st.booleans(),
    steps=words,
)  # fmt: skip
incidents = st.builds(
    Incident, st.one_of(st.sampled_from(("failed", "truncated", "skipped")), texts), texts, texts, numbers
)
few = {"max_size": 3}
details = st.dictionaries(texts, st.one_of(texts, numbers, st.floats(), st.none(), st.binary(), words), max_size=2)
results = st.builds(
    ScanResult,
    st.lists(findings, **few).map(tuple),  # type: ignore[arg-type]
    st.lists(sets, **few).map(tuple),  # type: ignore[arg-type]
    st.lists(incidents, **few).map(tuple),  # type: ignore[arg-type]
    st.builds(Totals, numbers, numbers, numbers, numbers),
    st.lists(findings, **few).map(tuple),  # type: ignore[arg-type]
    details,
)
rules = st.builds(RuleInfo, texts, texts, texts, st.sampled_from(Severity), words, words)
contexts = st.builds(
    ReportContext,
    version=texts, rules_digest=texts, config_digest=texts, started=st.datetimes(datetime(1971, 1, 1)),
    finished=st.one_of(st.none(), st.datetimes(datetime(1971, 1, 1))), color=st.just(False),
    width=st.integers(-5, 150), show_secrets=st.booleans(), sets_in_jsonl=st.booleans(),
    rules=st.dictionaries(names, rules, max_size=2), rules_count=numbers, targets=words, arguments=words,
    config_sources=words, exit_code=st.one_of(st.none(), st.integers(0, 255)), interrupted=st.booleans(),
    show_suppressed=st.booleans(),
)  # fmt: skip

chance = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def rendered(result: ScanResult, fmt: str, ctx: ReportContext) -> bytes:
    out = io.BytesIO()
    render(result, fmt, out, ctx)
    return out.getvalue()


def holds(output: bytes, finding: Finding) -> bool:
    if finding.secret is None:
        return False
    plain = MARK.encode()
    coded = base64.b64encode(plain).rstrip(b"=")[:-1]
    return plain in output or coded in output


@pytest.mark.parametrize("fmt", FORMATS)
@chance
@given(result=results, ctx=contexts)
def test_any_result_renders_quietly(fmt: str, result: ScanResult, ctx: ReportContext) -> None:
    output = rendered(result, fmt, ctx)
    check_quiet(output)
    shown = [*result.findings, *result.suppressed]
    if not ctx.show_secrets or fmt in ("sarif", "junit", "gitlab", "github"):
        assert not any(holds(output, finding) for finding in shown)
    STRUCTURE[fmt](result, ctx, output)


@chance
@given(result=results, ctx=contexts)
def test_any_receipt(result: ScanResult, ctx: ReportContext) -> None:
    out = io.BytesIO()
    render_receipt(result, out, ctx)
    check_quiet(out.getvalue())
    valid("receipt", json.loads(out.getvalue()))
    assert MARK not in str(receipt(result, ctx)) + "".join(summary_lines(result, ctx))
    for line in summary_lines(result, ctx):
        assert line.isprintable()


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.text(st.characters()))
def test_printable_is_printable_and_stays(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable()
    assert printable(shown) == shown
    shown.encode("utf-8")


# -- what must hold of each format's structure ---------------------------------------------------------------


def text_structure(result: ScanResult, ctx: ReportContext, output: bytes) -> None:
    last = output.decode().splitlines()[-1]
    assert ("Nothing found: " in last) == (
        not result.findings
        and not ctx.interrupted
        and result.totals.objects > 0
        and all(incident.state == "skipped" and "not read" not in incident.reason for incident in result.incidents)
    )


def json_structure(result: ScanResult, ctx: ReportContext, output: bytes) -> None:
    document = json.loads(output)
    valid("report", document)
    assert len(document["findings"]) == len(result.findings)


def jsonl_structure(result: ScanResult, ctx: ReportContext, output: bytes) -> None:
    records = [json.loads(line) for line in output.splitlines()]
    hidden = len(result.suppressed) if ctx.show_suppressed else 0
    assert len(records) == len(result.findings) + (len(result.sets) if ctx.sets_in_jsonl else 0) + hidden
    for record in records:
        valid("finding", record)
        assert {"path", "start_line", "end_line"} <= record.keys()


def sarif_structure(result: ScanResult, ctx: ReportContext, output: bytes) -> None:
    document = json.loads(output)
    valid("sarif", document)
    check_uris(document)
    assert len(document["runs"][0]["results"]) == len(result.findings) + len(result.suppressed)


def csv_structure(result: ScanResult, ctx: ReportContext, output: bytes) -> None:
    rows = list(csv.reader(io.StringIO(output.decode(), newline="")))
    assert len(rows) == len(result.findings) + 1
    assert {len(row) for row in rows} == {len(rows[0])}
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


def junit_structure(result: ScanResult, ctx: ReportContext, output: bytes) -> None:
    suite = ET.fromstring(output)[0]
    assert len(suite.findall("testcase/failure")) == len(result.findings)
    assert len(suite) == int(suite.get("tests", "")) > 0


def gitlab_structure(result: ScanResult, ctx: ReportContext, output: bytes) -> None:
    document = json.loads(output)
    valid("gitlab", document)
    assert len(document["vulnerabilities"]) == len(result.findings)


def github_structure(result: ScanResult, ctx: ReportContext, output: bytes) -> None:
    lines = output.decode().split("\n")
    assert len(lines) == 2 + len(result.findings) + len(result.incidents) + 1
    assert all(line.startswith("leakguard: ") for line in lines[:2])
    assert all(line.startswith(("::error ", "::warning ", "::notice ")) for line in lines[2:-1])


STRUCTURE = {
    "text": text_structure,
    "json": json_structure,
    "jsonl": jsonl_structure,
    "sarif": sarif_structure,
    "csv": csv_structure,
    "junit": junit_structure,
    "gitlab": gitlab_structure,
    "github": github_structure,
}
