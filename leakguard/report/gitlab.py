"""The format `gitlab`: GitLab's secret-detection report, schema 15.0.

Never carries a secret: `raw_source_code_extract` is left out, show_secrets or not, because GitLab keeps reports
and shows them to everyone who may see the pipeline. Descriptions are Markdown, so text from a target stands in
code spans. Knows model only.
"""

from __future__ import annotations

import re
import uuid
from typing import Any, BinaryIO

from leakguard.model import Finding, ScanResult
from leakguard.report.common import (
    TOOL,
    ReportContext,
    anchor,
    by_state,
    dump_json,
    is_complete,
    ordered,
    origin_fact,
    plain_seconds,
    printable,
    shorten,
)

SCHEMA_VERSION = "15.0.7"
SCHEMA_URL = (
    "https://gitlab.com/gitlab-org/security-products/security-report-schemas/-/raw/"
    f"v{SCHEMA_VERSION}/dist/secret-detection-report-format.json"
)
NO_COMMIT = "0000000"
"""GitLab's own analyzer writes this for a working tree: the field is required."""

_NAMESPACE = uuid.UUID("6f1c9b1e-5d0a-5c56-9a0e-3a1f7d2c8b40")
_NAME_LIMIT = 255
_SOLUTION_LIMIT = 7000
_MESSAGE_LIMIT = 100
_FENCE = re.compile("`+")


def render_gitlab(result: ScanResult, out: BinaryIO, context: ReportContext) -> None:
    """One document; a scan with gaps has status failure and says so in its messages."""
    me = {"id": TOOL, "name": TOOL, "version": context.version or "0", "vendor": {"name": TOOL}}
    document = {
        "version": SCHEMA_VERSION,
        "schema": SCHEMA_URL,
        "scan": {
            "analyzer": me,
            "scanner": me,
            "type": "secret_detection",
            "start_time": plain_seconds(context.started),
            "end_time": plain_seconds(context.finished or context.started),
            "status": "success" if is_complete(result, context) else "failure",
            "messages": _messages(result, context),
        },
        "vulnerabilities": [_vulnerability(finding, context) for finding in ordered(result.findings)],
    }
    out.write(dump_json(document, indent=2))


def _messages(result: ScanResult, context: ReportContext) -> list[dict[str, str]]:
    messages = []
    for state, incidents in by_state(result.incidents).items():
        level = "info" if state == "skipped" else "warn"
        for one in incidents[:_MESSAGE_LIMIT]:
            text = f"{state}: {printable(one.origin)}: {printable(one.reason)}"
            messages.append({"level": level, "value": text})
        more = len(incidents) - _MESSAGE_LIMIT
        if more > 0:
            messages.append({"level": level, "value": f"{state}: {more:,} more"})
    if context.interrupted:
        messages.append({"level": "fatal", "value": "interrupted, the rest was not looked at"})
    return messages


def code_span(text: str) -> str:
    """Text as Markdown code: fenced by more backticks than it holds."""
    longest = max((len(run) for run in _FENCE.findall(text)), default=0)
    fence = "`" * (longest + 1)
    return f"{fence} {text} {fence}"


def _vulnerability(finding: Finding, context: ReportContext) -> dict[str, Any]:
    place = f"{finding.path}:{finding.start_line}:{finding.start_column}"
    identity = "\0".join((finding.rule, finding.fingerprint, place, str(finding.start_byte)))
    title = printable(finding.title) or printable(finding.rule) or "secret"
    rule = printable(finding.rule) or "unknown"
    lines = [f"{title} at {code_span(printable(place))}"]
    lines += [code_span(printable(finding.masked))] if finding.masked else []
    lines += [printable(finding.why)] if finding.why else []
    lines.append(f"Confidence {finding.confidence.label}; fingerprint {code_span(printable(finding.fingerprint))}")
    on_disk = anchor(finding.origin)
    location: dict[str, Any] = {
        "file": printable(on_disk.path),
        "commit": {"sha": printable(origin_fact(finding.origin, "commit")) or NO_COMMIT},
    }
    if on_disk is finding.origin:
        location |= {"start_line": finding.start_line, "end_line": finding.end_line}
    out = {
        # uuid5 of bytes as text: a name with a lone surrogate has no UTF-8
        "id": str(uuid.uuid5(_NAMESPACE, printable(identity))),
        "name": shorten(title, _NAME_LIMIT),
        "description": "\n\n".join(lines),
        "severity": finding.severity.label.capitalize(),
        "identifiers": [{"type": "leakguard_rule_id", "name": f"leakguard rule {rule}", "value": rule}],
        "location": location,
    }
    if finding.fix:
        out["solution"] = shorten(printable(finding.fix), _SOLUTION_LIMIT)
    info = context.rules.get(finding.rule)
    links = [url for url in info.references if url.startswith(("https://", "http://"))] if info else []
    if links:
        out["links"] = [{"url": printable(url)} for url in links]
    return out
