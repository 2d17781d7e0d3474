"""Every format byte for byte. LEAKGUARD_UPDATE_GOLDEN=1 rewrites the files; read the difference before keeping it."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from report_samples import SAMPLES, SECRETS, context

from leakguard.report import FORMATS, ReportContext, render
from leakguard.report.receipt import render_receipt, summary_lines

GOLDEN = Path(__file__).parent / "golden"
UPDATE = os.environ.get("LEAKGUARD_UPDATE_GOLDEN") == "1"
CARRY_SECRETS = ("text", "json", "jsonl", "csv")


def rendered(sample: str, fmt: str, ctx: ReportContext) -> bytes:
    out = io.BytesIO()
    render(SAMPLES[sample](), fmt, out, ctx)
    return out.getvalue()


def check(name: str, got: bytes) -> None:
    path = GOLDEN / name
    if UPDATE:
        path.write_bytes(got)
    assert path.is_file(), f"no golden file {name}: run once with LEAKGUARD_UPDATE_GOLDEN=1"
    assert got == path.read_bytes()


@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize("sample", SAMPLES)
def test_golden(sample: str, fmt: str) -> None:
    got = rendered(sample, fmt, context())
    assert not [secret for secret in SECRETS if secret in got]
    check(f"{sample}.{fmt}", got)


@pytest.mark.parametrize("fmt", CARRY_SECRETS)
@pytest.mark.parametrize("sample", ["one", "several", "hostile"])
def test_golden_with_secrets(sample: str, fmt: str) -> None:
    got = rendered(sample, fmt, context(show_secrets=True))
    assert got != rendered(sample, fmt, context())
    check(f"{sample}-secrets.{fmt}", got)


@pytest.mark.parametrize("fmt", [fmt for fmt in FORMATS if fmt not in CARRY_SECRETS])
@pytest.mark.parametrize("sample", SAMPLES)
def test_formats_made_for_upload_never_carry_secrets(sample: str, fmt: str) -> None:
    assert rendered(sample, fmt, context(show_secrets=True)) == rendered(sample, fmt, context())


@pytest.mark.parametrize("sample", SAMPLES)
def test_golden_receipt(sample: str) -> None:
    out = io.BytesIO()
    render_receipt(SAMPLES[sample](), out, context())
    check(f"{sample}.receipt.json", out.getvalue())


@pytest.mark.parametrize("sample", SAMPLES)
def test_golden_summary(sample: str) -> None:
    lines = summary_lines(SAMPLES[sample](), context())
    check(f"{sample}.summary", "\n".join(lines).encode() + b"\n")


def test_golden_color() -> None:
    check("several-color.text", rendered("several", "text", context(color=True)))


def test_golden_narrow() -> None:
    check("several-narrow.text", rendered("several", "text", context(width=60)))


def test_golden_jsonl_with_sets() -> None:
    check("several-sets.jsonl", rendered("several", "jsonl", context(sets_in_jsonl=True)))


def test_golden_interrupted() -> None:
    for fmt in ("text", "junit", "sarif", "gitlab"):
        check(f"empty-interrupted.{fmt}", rendered("empty", fmt, context(interrupted=True)))


def test_no_golden_file_is_forgotten() -> None:
    """A file that no test compares would be read as the truth."""
    known = {f"{sample}.{fmt}" for sample in SAMPLES for fmt in (*FORMATS, "receipt.json", "summary")}
    known |= {f"{sample}-secrets.{fmt}" for sample in ("one", "several", "hostile") for fmt in CARRY_SECRETS}
    known |= {f"empty-interrupted.{fmt}" for fmt in ("text", "junit", "sarif", "gitlab")}
    known |= {"several-color.text", "several-narrow.text", "several-sets.jsonl"}
    assert {path.name for path in GOLDEN.iterdir()} == known
