"""What each format promises beyond its bytes: schemas, counts, escapes, order."""

from __future__ import annotations

import base64
import csv
import io
import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from report_checks import OURS, check_quiet, check_uris, valid
from report_samples import (
    BLOB,
    EVIL_PATH,
    HALF,
    MEMBER,
    PAIR,
    SAMPLES,
    SECRET,
    context,
    empty,
    hostile,
    incidents,
    key_finding,
    one,
    secret_finding,
    several,
)

from leakguard.errors import UsageError
from leakguard.model import Incident, Origin, ScanResult, Severity, Suppression, Totals
from leakguard.report import FORMATS, ReportContext, render
from leakguard.report.common import (
    RuleInfo,
    by_state,
    clean,
    human_bytes,
    mask_userinfo,
    plain_seconds,
    printable,
    shorten,
    utc_text,
    well_formed,
)
from leakguard.report.gitlab import code_span
from leakguard.report.receipt import summary_lines
from leakguard.report.sarif import uri
from leakguard.report.table import cell


def rendered(result: ScanResult, fmt: str, ctx: ReportContext | None = None) -> bytes:
    out = io.BytesIO()
    render(result, fmt, out, ctx or context())
    return out.getvalue()


def parsed(result: ScanResult, fmt: str, ctx: ReportContext | None = None) -> Any:
    return json.loads(rendered(result, fmt, ctx))


# -- all -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan")])
def test_a_number_that_json_has_none_for_is_null(value: float) -> None:
    assert clean({"a": [value, -1.5]}) == {"a": [None, -1.5]}


def test_a_text_that_is_cut_says_so_within_its_limit() -> None:
    assert [shorten("0123456789", limit) for limit in (10, 9, 2)] == ["0123456789", "012345...", "..."]


def test_unknown_format_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean sarif"):
        rendered(empty(), "SARIFF")
    with pytest.raises(UsageError, match=r"unknown name 'x\\\\x1b'.*known: text"):
        rendered(empty(), "x\x1b")


@pytest.mark.parametrize("fmt", FORMATS)
def test_importing_report_loads_no_format(fmt: str) -> None:
    module = FORMATS[fmt].partition(":")[0]
    code = f"import sys, leakguard.report; sys.exit({module!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.parametrize("show", [False, True])
def test_nothing_reaches_the_terminal(sample: str, fmt: str, show: bool) -> None:
    check_quiet(rendered(SAMPLES[sample](), fmt, context(show_secrets=show)))


@pytest.mark.parametrize("fmt", FORMATS)
def test_order_of_workers_does_not_show(fmt: str) -> None:
    result = several()
    turned = result._replace(findings=result.findings[::-1], sets=result.sets[::-1])
    assert rendered(turned, fmt) == rendered(result, fmt)


@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.parametrize("show", [False, True])
def test_schemas(sample: str, show: bool) -> None:
    result, ctx = SAMPLES[sample](), context(show_secrets=show, sets_in_jsonl=True)
    valid("report", parsed(result, "json", ctx))
    lines = rendered(result, "jsonl", ctx).decode("ascii").splitlines()
    assert len(lines) == len(result.findings) + len(result.sets)
    for line in lines:
        valid("finding", json.loads(line))
    valid("sarif", parsed(result, "sarif", ctx))
    check_uris(parsed(result, "sarif", ctx))
    valid("gitlab", parsed(result, "gitlab", ctx))


def test_schema_refuses_what_is_missing_or_foreign() -> None:
    record = json.loads(rendered(one(), "jsonl"))
    for broken in ({**record, "extra": 1}, {key: value for key, value in record.items() if key != "rule"}):
        with pytest.raises(AssertionError):
            valid("finding", broken)


# -- json and jsonl ------------------------------------------------------------------------------------------


def test_jsonl_holds_findings_only_by_default() -> None:
    records = [json.loads(line) for line in rendered(several(), "jsonl").splitlines()]
    assert {record["type"] for record in records} == {"finding"}
    assert {record["set"] for record in records} == {PAIR.id, None}
    with_sets = [json.loads(line) for line in rendered(several(), "jsonl", context(sets_in_jsonl=True)).splitlines()]
    assert [record["id"] for record in with_sets if record["type"] == "set"] == [PAIR.id, HALF.id]
    for record in with_sets:
        assert isinstance(record["path"], str)
        assert record["start_line"] <= record["end_line"]


def test_secret_as_text_or_base64() -> None:
    ctx = context(show_secrets=True)
    text = json.loads(rendered(ScanResult((secret_finding(),), (), (), Totals()), "jsonl", ctx))
    assert text["secret"] == SECRET.decode()
    assert "secret_base64" not in text
    blob = json.loads(rendered(ScanResult((secret_finding(secret=BLOB),), (), (), Totals()), "jsonl", ctx))
    assert base64.b64decode(blob["secret_base64"]) == BLOB
    assert "secret" not in blob


def test_a_path_survives_exactly_in_json() -> None:
    plain = json.loads(rendered(ScanResult((key_finding(origin=Origin("file", "a\n\x1b\u202eb")),), (), (), Totals()),
                                "jsonl"))  # fmt: skip
    assert plain["path"] == "a\n\x1b\u202eb"
    assert "path_base64" not in plain
    record = json.loads(rendered(ScanResult((key_finding(origin=Origin("file", EVIL_PATH)),), (), (), Totals()),
                                 "jsonl"))  # fmt: skip
    assert base64.b64decode(record["path_base64"]) == EVIL_PATH.encode("utf-8", "surrogateescape")
    assert record["path"] == EVIL_PATH.replace("\udcff", "\\xff")
    assert record["origin"]["path_base64"] == record["path_base64"]


def test_json_document_holds_everything() -> None:
    document = parsed(several(), "json")
    assert len(document["findings"]) == 14
    assert [found["id"] for found in document["sets"]] == [PAIR.id, HALF.id]
    assert len(document["suppressed"]) == 1
    assert document["totals"]["objects"] == 15_000
    assert document["receipt"]["exit_code"] == 1
    assert [i["state"] for i in parsed(incidents(), "json")["incidents"]].count("failed") == 2


def test_text_and_jsonl_report_what_was_suppressed_where_asked() -> None:
    shown = rendered(several(), "text", context(show_suppressed=True)).decode()
    assert "1 SUPPRESSED FINDING" in shown
    assert "baseline, leakguard.baseline:3, ann, until 2027-01-31" in shown and "a key of the test venue" in shown
    assert "SUPPRESSED FINDING" not in rendered(several(), "text").decode()
    last = json.loads(rendered(several(), "jsonl", context(show_suppressed=True)).splitlines()[-1])
    assert last["suppression"]["status"] == "accepted" and last["suppression"]["owner"] == "ann"


def test_a_suppression_that_did_not_count_is_told_beside_the_finding() -> None:
    said = Suppression("inline", "", "its own line", note="the comment gives no reason, so it allows nothing")
    result = one()
    result = result._replace(findings=(result.findings[0]._replace(suppression=said),))
    assert "its own line: the comment gives no reason" in rendered(result, "text").decode()
    assert json.loads(rendered(result, "jsonl"))["suppression"]["status"] == "refused"
    assert parsed(result, "json")["receipt"]["suppressed"] == {"count": 0, "ways": {}, "refused": 1}


# -- sarif ---------------------------------------------------------------------------------------------------


def test_sarif_says_when_it_is_not_complete() -> None:
    invocation = parsed(incidents(), "sarif")["runs"][0]["invocations"][0]
    assert invocation["executionSuccessful"] is False
    assert invocation["exitCode"] == 3
    levels = [entry["level"] for entry in invocation["toolExecutionNotifications"]]
    assert levels == ["error", "error", "warning", "note", "note", "note"]
    only_skipped = empty()._replace(incidents=(Incident("skipped", "x", "socket"),))
    assert parsed(only_skipped, "sarif")["runs"][0]["invocations"][0]["executionSuccessful"] is True


def test_sarif_bounds_notifications_but_counts_them() -> None:
    many = empty()._replace(incidents=tuple(Incident("failed", f"f{n}", "unreadable") for n in range(1003)))
    entries = parsed(many, "sarif")["runs"][0]["invocations"][0]["toolExecutionNotifications"]
    assert len(entries) == 1001
    assert "3 more" in entries[-1]["message"]["text"]


def test_sarif_suppressions_are_on_all_or_none() -> None:
    results = parsed(several(), "sarif")["runs"][0]["results"]
    assert [entry["suppressions"] for entry in results[:14]] == [[]] * 14
    (said,) = results[14]["suppressions"]
    assert (said["kind"], said["status"], said["justification"]) == ("external", "accepted", "a key of the test venue")
    assert all("suppressions" not in entry for entry in parsed(one(), "sarif")["runs"][0]["results"])


def test_sarif_rule_metadata() -> None:
    run = parsed(several(), "sarif")["runs"][0]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["binance.api-key", "binance.api-secret", "generic.assignment"]
    assert rules[1]["properties"]["security-severity"] == "9.5"
    assert rules[1]["helpUri"] == "https://developers.binance.com/docs"
    assert "Delete the key" in rules[1]["help"]["text"]
    for entry in run["results"]:
        assert rules[entry["ruleIndex"]]["id"] == entry["ruleId"]
    found = next(entry for entry in run["results"] if entry["properties"].get("set"))
    assert found["partialFingerprints"] == {"leakguardFingerprint/v1": found["properties"]["fingerprint"]}


def test_sarif_has_no_more_results_than_code_scanning_takes() -> None:
    """GitHub refuses a file with more than 25,000 results, and with it the worst of them."""
    many = [key_finding(severity=Severity.LOW, start_byte=at, start_line=at + 1) for at in range(25_010)]
    last = secret_finding(origin=Origin("file", "z.env"))
    kept = [key_finding(suppression=Suppression("baseline", "known", accepted=True))]
    run = parsed(ScanResult((*many, last), (), (), Totals(1, 1), tuple(kept)), "sarif")["runs"][0]
    assert len(run["results"]) == 25_000
    assert run["results"][-1]["ruleId"] == last.rule and "suppressions" in run["results"][0]
    (note,) = run["invocations"][0]["toolExecutionNotifications"]
    assert note["descriptor"]["id"] == "truncated" and "12 results more" in note["message"]["text"]


def test_sarif_rules_have_no_more_tags_than_code_scanning_takes() -> None:
    info = RuleInfo("t", "w", "f", Severity.HIGH, (), tuple(f"tag-{number:02}" for number in range(30)))
    ctx = context(rules={"binance.api-key": info})
    tags = parsed(ScanResult((key_finding(),), (), (), Totals(1, 1)), "sarif", ctx)["runs"][0]["tool"]["driver"]["rules"][0]["properties"]["tags"]
    assert len(tags) == 20 and {"security", "secret", "tag-00"} <= set(tags)


def test_sarif_member_points_at_its_archive() -> None:
    result = ScanResult((key_finding(origin=MEMBER),), (), (), Totals())
    location = parsed(result, "sarif")["runs"][0]["results"][0]["locations"][0]
    assert location["physicalLocation"]["artifactLocation"]["uri"] == "backup/2025%2012.tar.gz"
    assert "region" not in location["physicalLocation"]
    assert location["logicalLocations"][0]["fullyQualifiedName"].endswith("!/home/bot/config.json")


def test_sarif_message_cannot_be_given_a_link() -> None:
    result = ScanResult((key_finding(title="[x](https://evil.example)"),), (), (), Totals())
    assert "](" not in parsed(result, "sarif")["runs"][0]["results"][0]["message"]["text"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("src/a b.py", "src/a%20b.py"),
        ("/etc/x#1?", "file:///etc/x%231%3F"),
        ("a:b/c", "a%3Ab/c"),
        ("../up", "../up"),
        ("ü%\udcff\n", "%C3%BC%25%FF%0A"),
        ("C:\\Users\\é\\x", "file:///C:/Users/%C3%A9/x"),
        ("C:/a b", "file:///C:/a%20b"),
        ("back\\slash", "back%5Cslash"),
    ],
)
def test_uri(path: str, expected: str) -> None:
    assert uri(path) == expected


# -- csv -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d"])
def test_csv_cell_starts_no_formula(start: str) -> None:
    assert cell(f"{start}1+1").startswith("'")
    assert cell([f"{start}1"]).startswith("'")
    assert cell({f"{start}k": "v"}).startswith("'")


@pytest.mark.parametrize("text", ["a;=cmd|' /C calc'!A0", 'x; "=1+1', "conf;@SUM(A1)", "k;\t-2+3", "a;;+1"])
def test_csv_cell_starts_no_formula_behind_a_semicolon(text: str) -> None:
    """Where the comma is the decimal sign, a semicolon ends the cell, and quotes do not hold it together."""
    for part in cell(text).split(";")[1:]:
        assert not part.strip(" \t\"").startswith(("=", "+", "-", "@")), part
    assert cell("a=1; b=2") == "a=1; b=2"


def test_csv_rows() -> None:
    rows = list(csv.DictReader(io.StringIO(rendered(hostile(), "csv").decode())))
    assert len(rows) == 3
    assert {row["start_line"] for row in rows} == {"13"}
    assert {row["title"][:6] for row in rows} == {"'=cmd|"}
    assert "secret" not in rows[0]
    assert cell(-1) == "-1"


# -- junit ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sample", SAMPLES)
def test_junit_counts(sample: str) -> None:
    result = SAMPLES[sample]()
    groups = by_state(result.incidents)
    suite = ET.fromstring(rendered(result, "junit"))[0]
    assert len(suite) == int(suite.get("tests", ""))
    assert len(suite.findall("testcase/failure")) == int(suite.get("failures", "")) == len(result.findings)
    gaps = len(groups["failed"]) + len(groups["truncated"])
    assert len(suite.findall("testcase/error")) == int(suite.get("errors", "")) == gaps
    assert len(suite.findall("testcase/skipped")) == int(suite.get("skipped", "")) == len(groups["skipped"])


JUNIT = {
    "testsuites": {"name", "time", "tests", "failures", "errors"},
    "testsuite": {"name", "tests", "failures", "errors", "skipped", "time", "timestamp"},
    "testcase": {"name", "classname"},
    "failure": {"type", "message"},
    "error": {"type", "message"},
    "skipped": {"type", "message"},
}
"""Attributes by element, as the schema of Jenkins' xUnit plugin (junit-10.xsd) has them, of those that we write."""


@pytest.mark.parametrize("sample", SAMPLES)
def test_junit_has_what_its_strictest_reader_knows(sample: str) -> None:
    """Jenkins refuses a file with an attribute that its schema does not have: `skipped` of all suites was one."""
    root = ET.fromstring(rendered(SAMPLES[sample](), "junit"))
    for element in root.iter():
        assert set(element.attrib) <= JUNIT[element.tag], element.tag
    required = {"name", "tests", "failures", "errors"}
    assert all(required <= set(suite.attrib) for suite in root)


def test_junit_clean_run_is_one_passed_test() -> None:
    case = ET.fromstring(rendered(empty(), "junit"))[0][0]
    assert case.get("name", "").startswith("nothing found: 1,204 objects")
    assert list(case) == []


def test_junit_interrupted_is_an_error() -> None:
    suite = ET.fromstring(rendered(empty(), "junit", context(interrupted=True)))[0]
    assert suite.get("errors") == "1"
    assert [child.tag for child in suite[0]] == ["error"]


# -- gitlab and github ---------------------------------------------------------------------------------------


def test_gitlab_ids_are_stable_and_distinct() -> None:
    ids = [entry["id"] for entry in parsed(several(), "gitlab")["vulnerabilities"]]
    assert len(set(ids)) == len(ids) == 14
    assert ids == [entry["id"] for entry in parsed(several(), "gitlab")["vulnerabilities"]]


def test_gitlab_commit_and_status() -> None:
    shas = {entry["location"]["commit"]["sha"] for entry in parsed(several(), "gitlab")["vulnerabilities"]}
    assert shas == {"0000000", "4b825dc642cb6eb9a060e54bf8d69288fbee4904"}
    assert parsed(several(), "gitlab")["scan"]["status"] == "success"
    scan = parsed(incidents(), "gitlab")["scan"]
    assert scan["status"] == "failure"
    assert [message["level"] for message in scan["messages"]] == ["warn"] * 3 + ["info"] * 3


def test_gitlab_bounds() -> None:
    long = key_finding(title="t" * 400, fix="f" * 9000)
    many = tuple(Incident("failed", f"f{n}", "unreadable") for n in range(150))
    document = parsed(ScanResult((long,), (), many, Totals()), "gitlab")
    valid("gitlab", document)
    assert len(document["scan"]["messages"]) == 101
    assert document["scan"]["messages"][-1]["value"] == "failed: 50 more"


def test_code_span_cannot_be_left() -> None:
    assert code_span("a```b`") == "```` a```b` ````"


def test_github_lines() -> None:
    lines = rendered(several(), "github").decode().splitlines()
    assert lines[0].startswith("leakguard: 14 findings")
    levels = [line.split(" ")[0] for line in lines[2:]]
    assert levels == ["::error"] * 13 + ["::notice"]
    assert all("Binance API secret" in line for line in lines[2:12]), "the worst first: GitHub shows ten"


def test_github_command_cannot_be_injected() -> None:
    lines = rendered(hostile(), "github").decode().splitlines()
    assert len(lines) == 2 + 3 + 2
    for line in lines[2:]:
        level, _, rest = line.removeprefix("::").partition(" ")
        assert level in ("error", "warning", "notice")
        properties, _, _message = rest.partition("::")
        names = [part.partition("=")[0] for part in properties.split(",")]
        assert set(names) <= {"file", "line", "endLine", "col", "endColumn", "title"}
        assert len(names) == len(set(names))


def test_github_columns_only_on_one_line() -> None:
    over_two = key_finding(start_line=9, end_line=10)
    line = rendered(ScanResult((over_two,), (), (), Totals()), "github").decode().splitlines()[2]
    assert "line=9,endLine=10,title=" in line


# -- text ----------------------------------------------------------------------------------------------------


def test_text_prints_a_secret_once_and_says_where_else() -> None:
    text = rendered(several(), "text").decode()
    assert "logs/bot-5.log:5:20 and 3 more" in " ".join(text.split())
    assert "logs/bot-6.log" not in text
    assert "14 findings of 6 secrets: 10 critical, 3 high, 1 low." in text


def test_text_puts_the_worst_first() -> None:
    text = rendered(several(), "text").decode()
    assert text.index("USABLE CREDENTIAL SET - act") < text.index("INCOMPLETE CREDENTIAL SET") < text.index("FINDINGS")
    order = [text.index(f"\n{path}  ") for path in ("deploy/.env", "src/ex.py", "/srv/app/settings.py")]
    assert order == sorted(order)


PHRASE = secret_finding(
    rule="bip39.mnemonic", provider="bip39", part="mnemonic", title="BIP-39 recovery phrase", fingerprint="lg1-p", set_id="",
    fix="Move all funds.", origin=Origin("file", "notes.txt"), severity=Severity.CRITICAL,
)  # fmt: skip


def test_text_puts_what_works_alone_before_all_else() -> None:
    """A recovery phrase stood behind twenty lines a set, and behind every finding of the files before its own."""
    lone = secret_finding(fingerprint="lg1-lone", set_id="", reasons=("named beside it", "the other half was not found"))
    result = several()._replace(findings=(secret_finding(), key_finding(), lone, PHRASE))
    text = rendered(result, "text").decode()
    head = "1 CRITICAL SECRET THAT NEEDS NO OTHER PART - act on this first\n"
    assert text.startswith(head)
    assert text.index("notes.txt") < text.index("1 USABLE CREDENTIAL SET - act on this, too") < text.index("FINDINGS")
    assert text[: text.index("USABLE")].count("Move all funds.") == 1
    # what belongs to a set that works is told with that set, and a half opens nothing
    assert "binance.api-secret" not in text[: text.index("USABLE")]


def test_text_tells_many_that_work_alone_by_kind() -> None:
    many = [PHRASE._replace(fingerprint=f"lg1-{n}", origin=Origin("file", f"n{n}"), start_line=n) for n in range(1, 41)]
    text = rendered(ScanResult((*many, *many), (), (), Totals(1, 1)), "text").decode()
    top = text[: text.index("FINDINGS")]
    assert top.startswith("40 CRITICAL SECRETS THAT NEED NO OTHER PART - act on these first\n")
    assert "n13:13:" in top
    assert "and 35 more" in top
    assert len(top.splitlines()) < 9


def test_text_gives_the_same_advice_a_few_times_only() -> None:
    """Of 250 accounts of one venue each took the twenty lines of the first: 9,000 lines for 500 findings."""
    files = [Origin("file", f"{n:03}.env") for n in range(100, 350)]
    findings = [secret_finding(origin=origin, fingerprint=f"lg1-{origin.path}", set_id=f"lgs-{origin.path}") for origin in files]
    sets = [
        PAIR._replace(id=f"lgs-{origin.path}", origin=origin, parts=(("secret", f"lg1-{origin.path}"),)) for origin in files
    ]
    text = rendered(ScanResult(tuple(findings), tuple(sets), (), Totals(1, 1)), "text").decode()
    assert text.count(PAIR.steps[1]) == 1
    assert text.count("as for 100.env:12-13, above\n") == 249
    assert text.count("Delete the key under API Management first") == 3
    assert text.count("as in 100.env, above\n") == 247
    assert len(text.splitlines()) < 3_100
    other = sets[1]._replace(id="other", steps=("Something else.",))
    text = rendered(ScanResult((), (sets[0], other), (), Totals(1, 1)), "text").decode()
    assert "1. Something else." in text
    assert PAIR.steps[1] in text


def test_text_shows_a_secret_where_it_is_easiest_to_get_at() -> None:
    """Copies in archives come after the file they are of, whatever they are called."""
    packed = Origin("file", "etc/.env", inside=Origin("file", "backup.tar"))
    copies = (key_finding(origin=packed), key_finding(origin=Origin("file", "etc/.env")))
    text = rendered(ScanResult(copies, (), (), Totals(1, 1)), "text").decode()
    assert text.index("  etc/.env:12:17  ") < text.index("also at:  backup.tar!/etc/.env:12:17")
    sets = tuple(PAIR._replace(origin=origin, start_line=3) for origin in (packed, Origin("file", "etc/.env")))
    text = rendered(ScanResult(copies, sets, (), Totals(1, 1)), "text").decode()
    assert text.index("at        etc/.env:3") < text.index("also at:  backup.tar!/etc/.env:3")


def test_text_says_in_words_what_a_set_may_allow() -> None:
    made = PAIR._replace(allows=("read", "trade", "transfer?", "withdraw?"))
    text = rendered(ScanResult((), (made,), (), Totals(1, 1)), "text").decode()
    assert "read; trade; unless the key is restricted also: transfer; withdraw\n" in text
    lone = made._replace(complete=False, allows=("read",), missing=("secret",))
    assert "if whole  read\n" in rendered(ScanResult((), (lone,), (), Totals(1, 1)), "text").decode()
    text = rendered(ScanResult((), (made._replace(allows=("trade?",)),), (), Totals(1, 1)), "text").decode()
    assert "allows    unless the key is restricted: trade\n" in text


def test_text_colour_only_if_asked() -> None:
    plain, color = rendered(several(), "text"), rendered(several(), "text", context(color=True))
    assert b"\x1b" not in plain
    assert b"\x1b[1;97;41mCRITICAL\x1b[0m" in color
    check_quiet(color, "\n\x1b")


def test_text_never_sounds_clean_when_it_is_not() -> None:
    text = rendered(incidents(), "text").decode()
    assert "INCOMPLETE: 3 things were not read" in text
    assert "\nNothing found:" not in text
    assert "Nothing found:" not in rendered(empty(), "text", context(interrupted=True)).decode()
    assert rendered(ScanResult((), (), (), Totals()), "text").startswith(b"Nothing was scanned")
    passed = empty()._replace(incidents=(Incident("skipped", "x.7z", "of kind 7z, not read: install leakguard-scanner[archives]"),))
    assert rendered(passed, "text").splitlines()[-1].startswith(b"Nothing found in what was read: scanned")
    assert summary_lines(passed, context())[0] == "leakguard: nothing found in what was read"
    both = one()._replace(incidents=(Incident("failed", "x", "unreadable"),))
    assert b"Not everything could be read." in rendered(both, "text").splitlines()[-1]


def test_text_clean_is_one_line() -> None:
    assert rendered(empty(), "text") == b"Nothing found: scanned 1,204 objects (31.2 MB) in src, deploy.\n"


def test_text_findings_without_fingerprint_stay_apart() -> None:
    twins = (key_finding(fingerprint=""), key_finding(fingerprint="", start_line=20))
    text = rendered(ScanResult(twins, (), (), Totals(1, 1)), "text").decode()
    assert "deploy/.env:12:17" in text
    assert "deploy/.env:20:17" in text
    assert "also at" not in text


def test_text_prints_a_set_once_and_says_where_else() -> None:
    copies = tuple(PAIR._replace(origin=Origin("file", f"copy{n}"), start_line=n) for n in range(3))
    text = rendered(ScanResult((), copies, (), Totals(3, 1)), "text").decode()
    assert text.startswith("1 USABLE CREDENTIAL SET -")
    assert "also at:  copy1:1, copy2:2\n" in text
    nameless = tuple(found._replace(id="") for found in copies)
    text = rendered(ScanResult((), nameless, (), Totals(3, 1)), "text").decode()
    assert text.startswith("3 USABLE CREDENTIAL SETS -")
    assert "also at" not in text


def test_text_says_where_the_parts_of_each_account_are() -> None:
    """Passphrases that are too short to be told apart by a hash have one fingerprint in a file."""
    weak = [PHRASE._replace(fingerprint="lg1-weak", origin=Origin("file", "keys"), start_line=line) for line in (3, 13, 23)]
    sets = [
        PAIR._replace(id=f"s{line}", parts=(("key", f"k{line}"), ("passphrase", "lg1-weak")), origin=Origin("file", "keys"),
                      start_line=line - 2, end_line=line)
        for line in (3, 13, 23)
    ]  # fmt: skip
    text = rendered(ScanResult(tuple(weak), tuple(sets), (), Totals(1, 1)), "text").decode()
    column = weak[0].start_column
    assert [line.split()[-1] for line in text.splitlines() if line.strip().startswith("passphrase ")] == [
        f"keys:{line}:{column}" for line in (3, 13, 23)
    ]


def test_text_urges_to_no_set_without_money_behind_it() -> None:
    """A test network's set, or one of a venue that is closed, is whole and nothing to act on first."""
    idle = PAIR._replace(id="idle", severity=Severity.LOW, testnet=True, origin=Origin("file", "idle"))
    text = rendered(ScanResult((), (idle,), (), Totals(1, 1)), "text").decode()
    assert text.startswith("1 COMPLETE CREDENTIAL SET OF LOW SEVERITY\n")
    text = rendered(ScanResult((), (idle, PAIR), (), Totals(2, 1)), "text").decode()
    assert text.startswith("1 USABLE CREDENTIAL SET - act on this first\n")
    assert text.index("LOW SEVERITY") < text.index("idle:")


def test_text_says_of_a_signed_request_once_what_it_is() -> None:
    facts = (("signed-request", "replayable"), ("signed-request-until", "2026-11-21T10:00:05Z"), ("layer", "x"))
    found = key_finding(reasons=("a signed request stands beside it: replayable until 2026-11-21T10:00:05Z",), facts=facts)
    text = " ".join(rendered(ScanResult((found,), (), (), Totals(1, 1)), "text").decode().split())
    assert text.count("replayable") == 1
    assert "layer x" in text


@pytest.mark.parametrize("width", [0, 40, 60, 200])
def test_text_keeps_the_mark_in_sight(width: int) -> None:
    mark = "<binance.api-key:64>"
    for masked in ("x" * 500 + mark, mark + "x" * 500, "x" * 250 + mark + "x" * 250):
        result = ScanResult((key_finding(masked=masked),), (), (), Totals(1, 1))
        line = next(x for x in rendered(result, "text", context(width=width)).decode().splitlines() if " | " in x)
        assert mark in line
        assert width == 0 or len(line) <= width


def test_text_lists_many_incidents_shortly() -> None:
    many = tuple(Incident("failed", f"f{n:03}", "unreadable") for n in range(50))
    text = rendered(empty()._replace(incidents=many), "text").decode()
    assert "f019" in text
    assert "f020" not in text
    assert "and 30 more" in text


# -- the small things ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain é 漢 🙂", "plain é 漢 🙂"),
        ("a\n\r\tb", "a\\n\\r\\tb"),
        ("\x1b[31m\x00\x7f", "\\x1b[31m\\x00\\x7f"),
        ("\x9b\x85", "\\u009b\\u0085"),
        ("\u202e\u2066\u200b\ufeff\u2028", "\\u202e\\u2066\\u200b\\ufeff\\u2028"),
        ("\udcff\ud800", "\\xff\\ud800"),
        ("\U000e0041", "\\U000e0041"),
        ("\u3164\u2800", "\\u3164\\u2800"),
        ("\ufffe", "\\ufffe"),
    ],
)
def test_printable(raw: str, shown: str) -> None:
    assert printable(raw) == shown


def test_well_formed_touches_only_surrogates() -> None:
    assert well_formed("é\x1b\udcfe\ud800") == "é\x1b\\xfe\\ud800"


def test_clean_never_shows_a_foreign_value() -> None:
    assert clean({"a": SECRET, "b": (1, 2.5, None, True), "c": float("nan"), 3: {"x"}}) == {
        "a": "<bytes>",
        "b": [1, 2.5, None, True],
        "c": None,
        "3": "<set>",
    }


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (999_949, "999.9 kB"), (999_999, "1.0 MB"), (10**9, "1.0 GB"),
     (2 * 10**15, "2,000.0 TB")],
)  # fmt: skip
def test_human_bytes(count: int, text: str) -> None:
    assert human_bytes(count) == text


def test_times_are_utc() -> None:
    east = datetime(2026, 1, 31, 12, 0, tzinfo=timezone(timedelta(hours=3)))
    assert utc_text(east) == "2026-01-31T09:00:00.000Z"
    assert plain_seconds(east) == "2026-01-31T09:00:00"
    assert utc_text(datetime(2026, 1, 1)) == utc_text(datetime(2026, 1, 1, tzinfo=UTC))


def test_mask_userinfo() -> None:
    assert mask_userinfo("https://me:hunter2@host/x?a=b@c") == "https://***@host/x?a=b@c"
    assert mask_userinfo("git+ssh://git@host:22/x") == "git+ssh://***@host:22/x"
    assert mask_userinfo("user@host:path") == "user@host:path"


def test_rule_info_takes_references_that_are_no_links() -> None:
    info = RuleInfo("T", "", "", Severity.LOW, ("RFC 1", "https://example.com/a b\u202e"))
    run = parsed(one(), "sarif", context(rules={"binance.api-key": info}))["runs"][0]
    assert run["tool"]["driver"]["rules"][0]["helpUri"] == "https://example.com/a%20b%E2%80%AE"
    check_uris(run)


# -- docs/output.md ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("schema", ["finding", "report", "receipt"])
def test_docs_name_every_field_and_format(schema: str) -> None:
    text = (Path(__file__).parents[2] / "docs" / "output.md").read_text(encoding="utf-8")
    loaded = json.loads((OURS / f"{schema}.schema.json").read_text(encoding="utf-8"))
    fields = set(loaded.get("properties", {}))
    for kind in ("finding", "set"):
        fields |= set(loaded["$defs"][kind]["properties"]) if schema == "finding" else set()
    fields -= {"tool", "type"} if schema == "receipt" else set()
    assert not [field for field in fields | set(FORMATS) if f"`{field}`" not in text]
    assert "pip install" not in text
