"""The coverage receipt: what a run looked at, what it did not and why, with which rules and settings.

Data and two lines for stderr; never prints, never reads a clock, a file or a finding's content. Described by
receipt.schema.json; may be imported by report and cli.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, BinaryIO

from leakguard.model import Incident, ScanResult
from leakguard.report.common import (
    TOOL,
    ReportContext,
    by_state,
    counted,
    dump_json,
    exit_code,
    human_bytes,
    is_complete,
    mask_userinfo,
    passed_by,
    printable,
    reason_counts,
    severity_text,
    shorten,
    suppressed_counts,
    suppressed_text,
    utc_text,
)

LIST_LIMIT = 100
"""Incidents listed one by one per state; the rest is counted. The json format lists all."""


def receipt(result: ScanResult, context: ReportContext, limit: int = LIST_LIMIT) -> dict[str, Any]:
    """The receipt as plain data. What the pipeline left in `result.receipt` is under `details`, but for `account`: what
    became of every byte."""
    groups = by_state(result.incidents)
    out: dict[str, Any] = {
        "type": "receipt",
        "tool": TOOL,
        "version": context.version,
        "started": utc_text(context.started),
        "finished": utc_text(context.finished) if context.finished else None,
        "complete": is_complete(result, context),
        "interrupted": context.interrupted,
        "exit_code": exit_code(result, context),
        "targets": [mask_userinfo(target) for target in context.targets],
        **result.totals._asdict(),
        "skipped": _group(groups["skipped"], limit),
        "failed": _group(groups["failed"], limit),
        "truncated": _group(groups["truncated"], limit),
        "suppressed": {
            "count": len(result.suppressed),
            "ways": suppressed_counts(result),
            "refused": sum(1 for f in result.findings if f.suppression is not None and f.suppression.note),
        },
        "rules_digest": context.rules_digest,
        "rules_count": context.rules_count,
        "config_digest": context.config_digest,
        "config_sources": list(context.config_sources),
        "arguments": [mask_userinfo(argument) for argument in context.arguments],
    }
    details = dict(result.receipt)
    account = details.pop("account", None)
    if account is not None:
        out["account"] = account
    if details:
        out["details"] = details
    return out


def _group(incidents: Sequence[Incident], limit: int) -> dict[str, Any]:
    return {
        "count": len(incidents),
        "bytes": sum(incident.bytes for incident in incidents),
        "reasons": reason_counts(incidents),
        "list": [{"origin": i.origin, "reason": i.reason, "bytes": i.bytes} for i in incidents[:limit]],
        "omitted": max(0, len(incidents) - limit),
    }


def render_receipt(result: ScanResult, out: BinaryIO, context: ReportContext) -> None:
    """The receipt as one JSON document."""
    out.write(dump_json(receipt(result, context), indent=2))


def summary_lines(result: ScanResult, context: ReportContext) -> tuple[str, str]:
    """Two lines for stderr: the verdict, then what it rests on."""
    return f"{TOOL}: {_verdict(result, context)}", f"{TOOL}: {_coverage(result, context)}"


def _verdict(result: ScanResult, context: ReportContext) -> str:
    if result.findings:
        text = f"{counted(len(result.findings), 'finding')} ({severity_text(result.findings)})"
    else:
        text = "nothing found" if result.totals.objects else "nothing was scanned"
        if result.totals.objects and is_complete(result, context) and passed_by(result):
            text += " in what was read"
    sets = {found.id or str(number): found for number, found in enumerate(result.sets)}.values()
    usable = sum(found.complete for found in sets)
    halves = len(sets) - usable
    if usable:
        text += f", {counted(usable, 'usable credential set')}"
    if halves:
        text += f", {counted(halves, 'incomplete set')}"
    if result.suppressed:
        text += f", {suppressed_text(result)}"
    if context.interrupted:
        text += "; INTERRUPTED, the rest was not looked at"
    elif not is_complete(result, context):
        text += "; INCOMPLETE, not everything could be read"
    return text


def _coverage(result: ScanResult, context: ReportContext) -> str:
    groups = by_state(result.incidents)
    scanned = f"scanned {counted(result.totals.objects, 'object')}, {human_bytes(result.totals.bytes)}"
    parts = [scanned]
    for state in ("skipped", "failed", "truncated"):
        parts.append(f"{state} {len(groups[state]):,}{_why(groups[state])}")
    parts.append(f"rules {printable(context.rules_digest[:8]) or 'unknown'}, version {printable(context.version)}")
    return "; ".join(parts)


def _why(incidents: Sequence[Incident]) -> str:
    """The three most frequent reasons: a line on a screen must stay a line."""
    reasons = [f"{count:,} {shorten(printable(reason), 60)}" for reason, count in reason_counts(incidents).items()]
    if not reasons:
        return ""
    if len(reasons) > 3:
        reasons[3:] = [f"{counted(len(reasons) - 3, 'other reason')}"]
    return f" ({', '.join(reasons)})"
