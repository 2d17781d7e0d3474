"""Other tools' files of accepted findings: what is read, and when a finding of ours is the same."""

from __future__ import annotations

import hashlib
import json
from random import Random

import pytest

from leakguard.detect.engine import Engine
from leakguard.detect.generate import expand
from leakguard.errors import ConfigError
from leakguard.findings import findings_of
from leakguard.model import Document, Finding, Origin
from leakguard.triage.foreign import kind_of, read

TOKEN = expand("{{gen:github ghp_}}", Random(421))
OTHER = expand("{{gen:github ghp_}}", Random(422))
COMMIT = "a" * 40


@pytest.fixture(scope="module")
def finding(engine: Engine) -> Finding:
    data = f"\nTOKEN={TOKEN}\n".encode()
    return findings_of(engine, Document(data, Origin("file", "a.env")), engine.scan(data).matches, 1)[0][0]


def test_gitleaksignore() -> None:
    text = f"# comment\n\na.env:github-pat:2\n{COMMIT}:dir/b:c.env:github-pat:7\nwhat is this\n"
    first, second, third = read(text.encode(), ".gitleaksignore")
    assert (first.path, first.label, first.line, first.commit) == ("a.env", "github-pat", 2, "")
    assert (second.path, second.line, second.commit) == ("dir/b:c.env", 7, COMMIT)
    assert third.path == "" and third.where == ".gitleaksignore:5"


def test_gitleaks_report_counts_by_value_where_it_has_one(finding: Finding) -> None:
    rows = [
        {"RuleID": "github-pat", "File": "a.env", "StartLine": 2, "Commit": "", "Secret": TOKEN},
        {"RuleID": "github-pat", "File": "a.env", "StartLine": 2, "Commit": "", "Secret": OTHER},
        {"RuleID": "github-pat", "File": "a.env", "StartLine": 2, "Commit": COMMIT, "Secret": "REDACTED"},
        {"RuleID": "github-pat", "File": "a.env", "StartLine": 9, "Commit": COMMIT, "Secret": "REDACTED"},
    ]
    entries = read(json.dumps(rows).encode(), "r.json")
    assert [bool(entry.doubt(finding)) for entry in entries] == [False, True, False, True]
    assert TOKEN not in repr(entries)


def test_trufflehog_report_counts_by_value(finding: Finding) -> None:
    def row(raw: str, where: dict[str, object]) -> str:
        return json.dumps({"SourceMetadata": {"Data": where}, "DetectorName": "Github", "Raw": raw})

    lines = [
        row(TOKEN, {"Filesystem": {"file": "a.env", "line": 99}}),
        row(OTHER, {"Git": {"commit": COMMIT, "file": "a.env", "line": 2}}),
        json.dumps({"level": "info", "msg": "finished scanning"}),
    ]
    first, second = read("\n".join(lines).encode(), "t.json")
    assert not first.doubt(finding)
    assert second.doubt(finding) == "no finding with that value"
    assert second.commit == COMMIT


def test_secrets_baseline_counts_by_hash(finding: Finding) -> None:
    def sha1(text: str) -> str:
        return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()

    rows = [
        {"type": "Github Token", "hashed_secret": sha1(TOKEN), "line_number": 5},
        {"type": "Github Token", "hashed_secret": sha1("ghp"), "line_number": 2, "is_secret": True},
    ]
    first, second = read(json.dumps({"version": "1.5.0", "results": {"dir\\a.env": rows}}).encode(), "b")
    assert first.path == "dir/a.env"
    assert not first.doubt(finding)
    assert second.doubt(finding) == "no finding with that hash"
    assert "marked as a real secret" in second.label


@pytest.mark.parametrize(
    ("text", "kind"),
    [("[]", "gitleaks"), ('{"DetectorName": "x"}', "trufflehog"), ('{\n "results": {}}', "detect-secrets"),
     ("a:b:1", "gitleaksignore"), ("", "gitleaksignore")],
)  # fmt: skip
def test_files_are_told_apart(text: str, kind: str) -> None:
    assert kind_of(text.encode(), "f") == kind


@pytest.mark.parametrize(
    "text", ["[1]", "[{}]", '{"results": 5}', '{"DetectorName": "x"}\n{{', "[" * 100_000, "no form"]
)
def test_a_damaged_file_is_an_error_that_quotes_nothing(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(text.encode(), "f")
    assert text not in caught.value.message
