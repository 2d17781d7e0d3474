"""The format `github`: workflow commands that GitHub Actions turns into annotations.

One line per finding, the worst first (GitHub shows ten per kind and step and drops the rest), one per incident.
Never carries a secret. Nothing from a target can end a line or a property, so none can add a command of its own.
Knows model only.
"""

from __future__ import annotations

from typing import BinaryIO

from leakguard.model import Finding, Incident, ScanResult, Severity
from leakguard.report.common import TOOL, ReportContext, anchor, by_state, ordered, printable
from leakguard.report.receipt import summary_lines

_LEVELS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "notice",
    Severity.INFO: "notice",
}
_GAPS = {"failed": "error", "truncated": "warning", "skipped": "notice"}
_LIMIT = 100
"""Incidents of one kind that get a line; the counts are in the first line."""


def data(text: str) -> str:
    """The message of a command: percent and line ends as the runner decodes them. Line ends are ours alone."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def prop(text: str) -> str:
    """A property of a command: besides, colon and comma would end it."""
    return data(printable(text)).replace(":", "%3A").replace(",", "%2C")


def command(level: str, properties: dict[str, str], message: str) -> bytes:
    """`::error file=...,line=...::message`"""
    inside = ",".join(f"{name}={prop(value)}" for name, value in properties.items() if value)
    return f"::{level} {inside}::{data(message)}\n".encode()


def render_github(result: ScanResult, out: BinaryIO, context: ReportContext) -> None:
    """A plain line with the verdict (in the log, no annotation), then the commands."""
    out.write("\n".join(summary_lines(result, context)).encode("utf-8") + b"\n")
    for finding in sorted(ordered(result.findings), key=lambda one: -one.severity):
        out.write(_finding(finding))
    for state, incidents in by_state(result.incidents).items():
        for incident in incidents[:_LIMIT]:
            out.write(_incident(state, incident))


def _finding(finding: Finding) -> bytes:
    on_disk = anchor(finding.origin)
    properties = {"file": on_disk.path}
    if on_disk is finding.origin:  # lines of a member say nothing about its archive
        properties["line"] = str(finding.start_line)
        properties["endLine"] = str(finding.end_line)
        if finding.start_line == finding.end_line:  # GitHub refuses columns over several lines
            properties["col"] = str(finding.start_column)
            properties["endColumn"] = str(finding.end_column)
    properties["title"] = f"{finding.title} ({finding.severity.label})"
    lines = [f"{finding.title} at {finding.path}:{finding.start_line}:{finding.start_column} [{finding.rule}]"]
    lines += [finding.masked, finding.why, finding.fix]
    return command(_LEVELS[finding.severity], properties, "\n".join(printable(line) for line in lines if line))


def _incident(state: str, incident: Incident) -> bytes:
    message = f"{printable(incident.origin)}: {printable(incident.reason)}"
    return command(_GAPS[state], {"title": f"{TOOL}: {state}"}, message)
