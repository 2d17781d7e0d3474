"""The receipt and its two lines."""

from __future__ import annotations

import io
import json

import pytest
from report_checks import check_quiet, valid
from report_samples import SAMPLES, context, empty, incidents, one, several

from leakguard.errors import EXIT_CLEAN, EXIT_FINDINGS, EXIT_INCOMPLETE, EXIT_INTERRUPTED
from leakguard.model import Incident, ScanResult, Totals
from leakguard.report.receipt import receipt, render_receipt, summary_lines


@pytest.mark.parametrize("sample", SAMPLES)
def test_schema(sample: str) -> None:
    out = io.BytesIO()
    render_receipt(SAMPLES[sample](), out, context(finished=None))
    check_quiet(out.getvalue())
    valid("receipt", json.loads(out.getvalue()))
    valid("receipt", receipt(SAMPLES[sample](), context()))


def test_exit_codes() -> None:
    failed = (Incident("failed", "x", "unreadable"),)
    skipped = (Incident("skipped", "x", "socket"),)
    cases = [
        (empty(), {}, EXIT_CLEAN, True),
        (empty()._replace(incidents=skipped), {}, EXIT_CLEAN, True),
        (empty()._replace(incidents=failed), {}, EXIT_INCOMPLETE, False),
        (one()._replace(incidents=failed), {}, EXIT_FINDINGS, False),
        (one(), {"exit_code": 7}, 7, True),
        (empty(), {"interrupted": True}, EXIT_INTERRUPTED, False),
    ]
    for result, changes, code, complete in cases:
        made = receipt(result, context(**changes))
        assert (made["exit_code"], made["complete"]) == (code, complete)


def test_groups_are_counted_in_full_and_listed_in_part() -> None:
    many = tuple(Incident("failed", f"f{n}", "odd" if n % 3 else "even", 10) for n in range(25))
    group = receipt(ScanResult((), (), many, Totals()), context(), limit=10)["failed"]
    assert group["count"] == 25
    assert group["bytes"] == 250
    assert group["reasons"] == {"odd": 16, "even": 9}
    assert list(group["reasons"]) == ["odd", "even"]
    assert len(group["list"]) == 10
    assert group["omitted"] == 15


def test_an_unknown_state_counts_as_failed() -> None:
    made = receipt(empty()._replace(incidents=(Incident("vanished", "x", "gone"),)), context())
    assert made["failed"]["count"] == 1
    assert made["complete"] is False


def test_details_and_arguments() -> None:
    made = receipt(incidents(), context(arguments=("scan", "https://u:pw@host/r"), targets=("https://u:pw@host/r",)))
    assert made["details"]["workers"] == 2
    assert made["arguments"] == ["scan", "https://***@host/r"]
    assert made["targets"] == ["https://***@host/r"]
    assert "details" not in receipt(empty(), context())


def test_summary_is_two_lines_whatever_the_names() -> None:
    for sample in SAMPLES.values():
        lines = summary_lines(sample(), context())
        assert len(lines) == 2
        for line in lines:
            assert line.startswith("leakguard: ")
            check_quiet(line.encode())


def test_summary_verdicts() -> None:
    assert summary_lines(empty(), context())[0] == "leakguard: nothing found"
    assert "INCOMPLETE" in summary_lines(incidents(), context())[0]
    assert "INTERRUPTED" in summary_lines(empty(), context(interrupted=True))[0]
    assert "nothing was scanned" in summary_lines(ScanResult((), (), (), Totals()), context())[0]
    first = summary_lines(several(), context())[0]
    assert "14 findings (10 critical, 3 high, 1 low), 1 usable credential set, 1 incomplete set" in first
    # a copy of a set is no other set: the report says 1, too
    copies = several()._replace(sets=several().sets * 3)
    assert "1 usable credential set, 1 incomplete set" in summary_lines(copies, context())[0]


def test_summary_keeps_many_reasons_short() -> None:
    many = tuple(Incident("skipped", "x", f"reason {n} " + "long " * 50) for n in range(10))
    line = summary_lines(empty()._replace(incidents=many), context())[1]
    assert "skipped 10 (" in line
    assert "7 other reasons" in line
    assert len(line) < 400
