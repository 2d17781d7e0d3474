"""The format `sarif`: SARIF 2.1.0 for code scanning.

Never carries a secret, show_secrets or not: SARIF is made to be uploaded. Rules, results (suppressed ones marked),
and one invocation that is not successful when something could not be read. Knows model only.
"""

from __future__ import annotations

from typing import Any, BinaryIO
from urllib.parse import quote

from leakguard.model import Confidence, Finding, Incident, ScanResult, Severity
from leakguard.report.common import (
    TOOL,
    ReportContext,
    RuleInfo,
    anchor,
    by_state,
    dump_json,
    exit_code,
    is_complete,
    ordered,
    origin_record,
    printable,
    raw_bytes,
    utc_text,
)

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
FINGERPRINT = "leakguardFingerprint/v1"
SOURCE_ROOT = "%SRCROOT%"

_LEVELS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFO: "note",
}
# GitHub: above 9.0 critical, from 7.0 high, from 4.0 medium, above 0 low
_SCORES = {
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.5",
    Severity.LOW: "2.0",
    Severity.INFO: "0.0",
}
_RANKS = {Confidence.LOW: 25.0, Confidence.MEDIUM: 50.0, Confidence.HIGH: 75.0, Confidence.CERTAIN: 100.0}
_PRECISION = {
    Confidence.LOW: "low",
    Confidence.MEDIUM: "medium",
    Confidence.HIGH: "high",
    Confidence.CERTAIN: "very-high",
}
_GAPS = {"failed": "error", "truncated": "warning", "skipped": "note"}
_NOTIFICATION_LIMIT = 1000
_RESULT_LIMIT = 25_000
"""GitHub refuses a whole file that has more in one run."""
_TAG_LIMIT = 20
"""The same for the tags of a rule."""


def render_sarif(result: ScanResult, out: BinaryIO, context: ReportContext) -> None:
    """One log with one run."""
    findings, suppressed = _within_limit(result)
    shown = [*findings, *suppressed]
    rules = sorted({finding.rule for finding in shown})
    first = {finding.rule: finding for finding in reversed(shown)}
    index = {rule: number for number, rule in enumerate(rules)}
    titles = {found.id: found.title for found in result.sets}
    results = [_result(finding, index, titles) for finding in shown]
    if result.suppressed:  # the standard: if one result says whether it is suppressed, all must
        for number, entry in enumerate(results):
            entry["suppressions"] = [_suppression(shown[number])] if number >= len(findings) else []
    driver = {
        "name": TOOL,
        "version": context.version,
        "rules": [_rule(first[rule], context.rules.get(rule)) for rule in rules],
        "properties": {"rulesDigest": context.rules_digest, "configDigest": context.config_digest},
    }
    run = {
        "tool": {"driver": driver},
        "invocations": [_invocation(result, context, len(shown))],
        "originalUriBaseIds": {SOURCE_ROOT: {"description": {"text": "Where the scan was started."}}},
        # SARIF has no kind for bytes, which is what ours count; the same on every ASCII line
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    out.write(dump_json({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2))


def _within_limit(result: ScanResult) -> tuple[list[Finding], list[Finding]]:
    """The findings and the suppressed ones that become results, in order: of too many the worst."""
    findings, suppressed = ordered(result.findings), ordered(result.suppressed)
    if len(findings) > _RESULT_LIMIT:
        kept = sorted(range(len(findings)), key=lambda at: (-findings[at].severity, -findings[at].confidence, at))
        findings = [findings[at] for at in sorted(kept[:_RESULT_LIMIT])]
    return findings, suppressed[: _RESULT_LIMIT - len(findings)]


def _suppression(finding: Finding) -> dict[str, Any]:
    said = finding.suppression
    if said is None:
        return {"kind": "external"}
    out: dict[str, Any] = {"kind": "external" if said.way == "baseline" else "inSource", "status": "accepted"}
    if said.reason:
        out["justification"] = message_text(said.reason)
    facts = {"way": said.way, "where": said.where, "owner": said.owner, "expires": said.expires}
    out["properties"] = {key: printable(value) for key, value in facts.items() if value}
    return out


def message_text(text: str) -> str:
    """Plain message text in which a target cannot place a link: `](` is what makes one."""
    return printable(text).replace("](", "] (")


def uri(path: str) -> str:
    """A path as a percent-encoded URI reference, byte for byte; relative stays relative."""
    slashes = path.replace("\\", "/") if path[1:3] == ":\\" else path
    encoded = quote(raw_bytes(slashes), safe="/-._~")
    if slashes.startswith("/"):
        return f"file://{encoded}"
    if slashes[1:3] == ":/":  # a Windows drive
        return f"file:///{slashes[0]}:{encoded[len(quote(slashes[:2])) :]}"
    return encoded


def _location(finding: Finding) -> dict[str, Any]:
    on_disk = anchor(finding.origin)
    artifact = {"uri": uri(on_disk.path)}
    if not artifact["uri"].startswith("file:"):
        artifact["uriBaseId"] = SOURCE_ROOT
    physical: dict[str, Any] = {"artifactLocation": artifact}
    location: dict[str, Any] = {"physicalLocation": physical}
    if on_disk is finding.origin:
        physical["region"] = {
            "startLine": max(1, finding.start_line),
            "startColumn": max(1, finding.start_column),
            "endLine": max(1, finding.end_line),
            "endColumn": max(1, finding.end_column),
            "byteOffset": max(0, finding.start_byte),
            "byteLength": max(0, finding.end_byte - finding.start_byte),
        }
    else:  # the region would be one of the member, not of the file that the URI names
        location["logicalLocations"] = [{"fullyQualifiedName": printable(finding.path), "kind": "resource"}]
    return location


def _result(finding: Finding, index: dict[str, int], titles: dict[str, str]) -> dict[str, Any]:
    nested = anchor(finding.origin) is not finding.origin
    place = f" In {finding.path}, line {finding.start_line}." if nested else ""
    part_of = f" Part of: {titles[finding.set_id]}." if finding.set_id in titles else ""
    text = f"{finding.title} ({finding.severity.label}, confidence {finding.confidence.label}).{place}{part_of}"
    advice = " ".join(part for part in (finding.why, finding.fix) if part)
    properties: dict[str, Any] = {
        "severity": finding.severity.label,
        "confidence": finding.confidence.label,
        "provider": finding.provider,
        "part": finding.part,
        "fingerprint": finding.fingerprint,
        "masked": printable(finding.masked),
        "length": finding.length,
        "name": printable(finding.name),
        "view": list(finding.view),
        "reasons": [printable(reason) for reason in finding.reasons],
        "facts": dict(finding.facts),
        "origin": origin_record(finding.origin),
        "startLine": finding.start_line,
        "endLine": finding.end_line,
    }
    if finding.set_id:
        properties["set"] = finding.set_id
    return {
        "ruleId": finding.rule,
        "ruleIndex": index[finding.rule],
        "level": _LEVELS[finding.severity],
        "rank": _RANKS[finding.confidence],
        "message": {"text": message_text(f"{text} {advice}".strip())},
        "locations": [_location(finding)],
        "partialFingerprints": {FINGERPRINT: finding.fingerprint},
        "properties": properties,
    }


def _rule(example: Finding, info: RuleInfo | None) -> dict[str, Any]:
    """A rule's metadata; from a finding of it where the context knows nothing (a rule of another run)."""
    title = (info.title if info else example.title) or example.rule or "secret"
    why = info.why if info else example.why
    fix = info.fix if info else example.fix
    severity = info.severity if info else example.severity
    out: dict[str, Any] = {
        "id": example.rule,
        "shortDescription": {"text": message_text(title)},
        "fullDescription": {"text": message_text(why or title)},
        "help": {
            "text": message_text(" ".join(part for part in (why, fix) if part) or title),
            "markdown": _help_markdown(title, why, fix, info.references if info else ()),
        },
        "defaultConfiguration": {"level": _LEVELS[severity]},
        "properties": {
            "security-severity": _SCORES[severity],
            "precision": _PRECISION[example.confidence],
            "tags": _tags(info.tags if info else ()),
        },
    }
    links = [url for url in (info.references if info else ()) if url.startswith(("https://", "http://"))]
    if links:
        out["helpUri"] = quote(raw_bytes(links[0]), safe="/:?#@!$&'()*+,;=%-._~")
    return out


def _tags(own: tuple[str, ...]) -> list[str]:
    more = sorted({*own} - {"security", "secret"})
    return sorted(["security", "secret", *more[: _TAG_LIMIT - 2]])


def _help_markdown(title: str, why: str, fix: str, references: tuple[str, ...]) -> str:
    parts = [f"**{printable(title)}**"]
    parts += [f"**Risk:** {printable(why)}"] if why else []
    parts += [f"**What to do:** {printable(fix)}"] if fix else []
    parts += [f"<{printable(url)}>" for url in references]
    return "\n\n".join(parts)


def _invocation(result: ScanResult, context: ReportContext, results: int) -> dict[str, Any]:
    notifications = []
    if more := len(result.findings) + len(result.suppressed) - results:
        reason = f"{more:,} results more than code scanning takes, the least severe: see the json report"
        notifications.append(_notification("truncated", Incident("truncated", "this report", reason)))
    for state, incidents in by_state(result.incidents).items():
        notifications += [_notification(state, incident) for incident in incidents[:_NOTIFICATION_LIMIT]]
        more = len(incidents) - _NOTIFICATION_LIMIT
        if more > 0:
            notifications.append(_notification(state, Incident(state, f"{more:,} more", "see the json report")))
    if context.interrupted:
        notifications.append(_notification("failed", Incident("failed", "scan", "interrupted")))
    out = {
        "executionSuccessful": is_complete(result, context),
        "exitCode": exit_code(result, context),
        "startTimeUtc": utc_text(context.started),
        "toolExecutionNotifications": notifications,
    }
    if context.finished:
        out["endTimeUtc"] = utc_text(context.finished)
    return out


def _notification(state: str, incident: Incident) -> dict[str, Any]:
    return {
        "descriptor": {"id": state},
        "level": _GAPS[state],
        "message": {"text": message_text(f"{state}: {incident.origin}: {incident.reason}")},
    }
