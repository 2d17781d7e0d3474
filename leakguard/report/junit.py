"""The format `junit`: XML for CI servers that show tests.

Each finding is a failed test, each thing that could not be read an error, each thing left out by rule a skipped
test; a clean run is one passed test. Never carries a secret, show_secrets or not: servers keep what they are
given. All text goes through `printable`, so nothing illegal in XML 1.0 is left. Knows model only.
"""

from __future__ import annotations

from html import escape
from typing import BinaryIO

from leakguard.model import Finding, Incident, ScanResult
from leakguard.report.common import (
    TOOL,
    ReportContext,
    by_state,
    ordered,
    plain_seconds,
    printable,
    scanned_text,
)


def render_junit(result: ScanResult, out: BinaryIO, context: ReportContext) -> None:
    """One suite, one test per finding and incident."""
    groups = by_state(result.incidents)
    gaps = len(groups["failed"]) + len(groups["truncated"])
    cases = [_finding(finding) for finding in ordered(result.findings)]
    cases += [_incident(state, incident) for state, own in groups.items() for incident in own]
    if context.interrupted:
        gaps += 1
        cases.append(_incident("failed", Incident("failed", "scan", "interrupted, the rest was not looked at")))
    if not result.findings and not gaps:
        cases.insert(0, _case(f"{TOOL}.scan", f"nothing found: {scanned_text(result, context)}", ""))
    numbers = {"tests": str(len(cases)), "failures": str(len(result.findings)), "errors": str(gaps)}
    skipped = {"skipped": str(len(groups["skipped"]))}  # of a suite alone: the schema of Jenkins knows it of no more
    end = context.finished or context.started
    seconds = f"{max(0.0, (end - context.started).total_seconds()):.3f}"
    suite = _attributes({"name": TOOL, **numbers, **skipped, "time": seconds, "timestamp": plain_seconds(context.started)})
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f"<testsuites{_attributes({'name': TOOL, **numbers, 'time': seconds})}>",
        f"  <testsuite{suite}>",
        *cases,
        "  </testsuite>",
        "</testsuites>",
    ]
    out.write("\n".join(lines).encode("utf-8") + b"\n")


def _attributes(values: dict[str, str]) -> str:
    return "".join(f' {name}="{escape(printable(value))}"' for name, value in values.items())


def _case(classname: str, name: str, inside: str) -> str:
    head = f"    <testcase{_attributes({'classname': classname, 'name': name})}"
    return f"{head}>\n{inside}\n    </testcase>" if inside else f"{head}/>"


def _finding(finding: Finding) -> str:
    place = f"{finding.path}:{finding.start_line}:{finding.start_column}"
    facts = [
        ("line", finding.masked),
        ("severity", finding.severity.label),
        ("confidence", finding.confidence.label),
        ("because", "; ".join(finding.reasons)),
        ("risk", finding.why),
        ("do", finding.fix),
        ("fingerprint", finding.fingerprint),
    ]
    body = "\n".join(f"{label}: {escape(printable(text))}" for label, text in facts if text)
    message = f"{finding.title} at {place}"
    failure = f"      <failure{_attributes({'message': message, 'type': finding.severity.label})}>{body}</failure>"
    return _case(finding.rule, f"{place} {finding.title}", failure)


def _incident(state: str, incident: Incident) -> str:
    attributes = _attributes({"message": f"{incident.origin}: {incident.reason}"})
    if state == "skipped":
        inside = f"      <skipped{attributes}/>"
    else:
        inside = f"      <error{attributes}{_attributes({'type': state})}/>"
    return _case(f"{TOOL}.coverage", f"{state}: {incident.origin}", inside)
