"""The formats `json` (one document) and `jsonl` (one record per line), both ASCII.

Names and lines keep their exact characters, JSON-escaped; what is not UTF-8 is shown as `\\xNN`. A record holds
`secret` only with show_secrets. Described by finding.schema.json and report.schema.json; knows model only.
"""

from __future__ import annotations

from typing import BinaryIO

from leakguard.model import ScanResult
from leakguard.report.common import (
    TOOL,
    ReportContext,
    dump_json,
    finding_record,
    incident_record,
    ordered,
    ordered_sets,
    set_record,
)
from leakguard.report.receipt import receipt

DOCUMENT_VERSION = 1
"""Grows when a field changes its meaning or goes; a new field does not count."""


def render_json(result: ScanResult, out: BinaryIO, context: ReportContext) -> None:
    """One document with everything: findings, sets, suppressed, incidents, totals, receipt."""
    document = {
        "version": DOCUMENT_VERSION,
        "tool": {"name": TOOL, "version": context.version},
        "findings": [finding_record(finding, context) for finding in ordered(result.findings)],
        "sets": [set_record(found) for found in ordered_sets(result.sets)],
        "suppressed": [finding_record(finding, context) for finding in ordered(result.suppressed)],
        "incidents": [incident_record(incident) for incident in result.incidents],
        "totals": result.totals._asdict(),
        "receipt": receipt(result, context),
    }
    out.write(dump_json(document, indent=2))


def render_jsonl(result: ScanResult, out: BinaryIO, context: ReportContext) -> None:
    """One line per finding; sets first, but only with sets_in_jsonl: readers expect findings. So, too, with what was
    suppressed: at the end, and only with show_suppressed."""
    if context.sets_in_jsonl:
        for found in ordered_sets(result.sets):
            out.write(dump_json(set_record(found)))
    for finding in ordered(result.findings):
        out.write(dump_json(finding_record(finding, context)))
    if context.show_suppressed:
        for finding in ordered(result.suppressed):
            out.write(dump_json(finding_record(finding, context)))
