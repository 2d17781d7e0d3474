"""What every report format shares: the context, safe text, records, order, counts.

Turns model values into plain data and strings that are safe to show. Never opens a file, never prints, never
reads a secret except `secret_fields` when the user asked for it. Imported by leakguard.report and cli/.
"""

# No `from __future__ import annotations` here: NamedTuple would compile every annotation, on every start.
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from leakguard.errors import EXIT_CLEAN, EXIT_FINDINGS, EXIT_INCOMPLETE, EXIT_INTERRUPTED
from leakguard.model import CredentialSet, Finding, Incident, Origin, ScanResult, Severity
from leakguard.rotated import by_age, may_be

TOOL = "leakguard"
_INFINITE = float("inf")
STATES = ("failed", "truncated", "skipped")
ANCHORS = frozenset({"file", "blob", "index", "stdin"})
"""Kinds of origin that a viewer of a checkout can open; members and layers are inside one of these."""


class RuleInfo(NamedTuple):
    """What a report tells about a rule beyond its findings."""

    title: str
    why: str
    fix: str
    severity: Severity
    references: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


class ReportContext(NamedTuple):
    """Everything a report says that is not in the ScanResult. Times are UTC and injected, never read here."""

    version: str
    rules_digest: str
    config_digest: str
    started: datetime
    finished: datetime | None = None
    color: bool = False
    width: int = 100
    show_secrets: bool = False
    sets_in_jsonl: bool = False
    rules: Mapping[str, RuleInfo] = {}
    rules_count: int = 0
    targets: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    config_sources: tuple[str, ...] = ()
    exit_code: int | None = None
    """What the process will end with; None: derived from the result."""
    interrupted: bool = False
    show_suppressed: bool = False
    """Whether text and jsonl report what was suppressed; json and SARIF always do, the receipt counts it."""


# -- safe text -----------------------------------------------------------------------------------------------

# Letters and symbols by category, blank on the screen: str.isprintable lets them pass, eyes do not see them.
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_SURROGATES = "[\ud800-\udfff]"
_USERINFO = r"(?i)\b([a-z][a-z0-9+.-]*://)[^\s/?#]*@"
# compiled when one is needed: this module is on the start-up path


def _escape(char: str) -> str:
    """A character as visible ASCII: `\\xNN` for an undecodable byte or ASCII control, `\\u` for the rest."""
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:  # surrogateescape: a byte of a name that is not UTF-8
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x80:
        return _SHORT.get(char, f"\\x{code:02x}")
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def printable(text: str) -> str:
    """`text` with everything a terminal, a log viewer or an eye could be fooled by made visible.

    Control characters, ANSI escapes, line separators, bidi overrides, zero-width and private characters and lone
    surrogates come out as escapes; the result has one line, encodes to UTF-8 and is legal in XML 1.0.
    """
    if text.isprintable() and (text.isascii() or _BLANK.isdisjoint(text)):
        return text
    return "".join(c if c.isprintable() and c not in _BLANK else _escape(c) for c in text)


def well_formed(text: str) -> str:
    """`text` with lone surrogates escaped and all else exact: for JSON, which escapes the rest by itself."""
    return text if text.isascii() else re.sub(_SURROGATES, lambda m: _escape(m.group()), text)


def raw_bytes(text: str) -> bytes:
    """The bytes a name was decoded from. Lone surrogates that hide no byte (Windows names) keep their own code."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def mask_userinfo(text: str) -> str:
    """A command-line argument without the password a URL may carry."""
    return re.sub(_USERINFO, r"\1***@", text) if "@" in text else text


def shorten(text: str, limit: int) -> str:
    """`text` cut to `limit` characters, saying so."""
    return text if len(text) <= limit else text[: max(0, limit - 3)] + "..."


def clean(value: Any) -> Any:
    """Plain data for JSON. A foreign type shows its name, never its content, which nobody has judged."""
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, str):
        return well_formed(value)
    if isinstance(value, float):
        return value if -_INFINITE < value < _INFINITE else None
    if isinstance(value, Mapping):
        return {well_formed(str(key)): clean(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [clean(item) for item in value]
    return f"<{type(value).__name__}>"


def dump_json(value: Any, indent: int | None = None) -> bytes:
    """One JSON text in ASCII: what is written to a terminal can be neither a control character nor a bidi mark."""
    import json  # the text of a clean run needs none

    separators = (",", ":") if indent is None else (",", ": ")
    text = json.dumps(clean(value), ensure_ascii=True, allow_nan=False, indent=indent, separators=separators)
    return text.encode("ascii") + b"\n"


# -- times and sizes -----------------------------------------------------------------------------------------


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def utc_text(moment: datetime) -> str:
    """2026-01-31T09:30:00.000Z"""
    return _utc(moment).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def plain_seconds(moment: datetime) -> str:
    """2026-01-31T09:30:00, UTC without saying so: what GitLab and JUnit ask for."""
    return _utc(moment).replace(tzinfo=None).isoformat(timespec="seconds")


def human_bytes(count: int) -> str:
    """1.2 MB; decimal units, as disks and clouds count."""
    if count < 1000:
        return f"{count} B"
    value = float(count)
    for unit in ("kB", "MB", "GB"):
        value /= 1000
        if value < 999.95:
            return f"{value:.1f} {unit}"
    return f"{value / 1000:,.1f} TB"


def counted(count: int, noun: str) -> str:
    """1 finding, 1,204 findings."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


# -- order, groups, verdict ----------------------------------------------------------------------------------


def ordered(findings: Iterable[Finding]) -> list[Finding]:
    """By place: the same scan gives the same bytes, however many workers it had. Rotated logs go by their age."""
    found = sorted(findings, key=lambda f: (f.path, f.start_byte, f.end_byte, f.rule, f.view, f.fingerprint))
    roots = [finding.path.split("!/", 1)[0] for finding in found]
    names = list(dict.fromkeys(roots))
    order = by_age(names) if may_be("\n".join(names)) else None
    if order is None:
        return found
    ranks = {names[index]: rank for rank, index in enumerate(order)}
    return [found[at] for at in sorted(range(len(found)), key=lambda at: ranks[roots[at]])]


def ordered_sets(sets: Iterable[CredentialSet]) -> list[CredentialSet]:
    """Usable ones first, then by severity, then by place."""
    return sorted(sets, key=lambda s: (not s.complete, -s.severity, str(s.origin), s.start_line, s.end_line, s.id))


def chain(origin: Origin) -> Iterator[Origin]:
    """The origin and all that contain it, innermost first."""
    link: Origin | None = origin
    while link is not None:
        yield link
        link = link.inside


def anchor(origin: Origin) -> Origin:
    """The outermost link a viewer can open: the archive on disk, the file in the commit."""
    links = list(chain(origin))
    return next((link for link in reversed(links) if link.kind in ANCHORS), links[-1])


def origin_fact(origin: Origin, name: str) -> str:
    """The innermost fact of that name along the chain, or nothing."""
    return next((value for link in chain(origin) for key, value in link.facts if key == name), "")


def severity_counts(findings: Iterable[Finding]) -> list[tuple[Severity, int]]:
    """Worst first, only those that occur."""
    counts: dict[Severity, int] = {}
    for finding in findings:
        counts[finding.severity] = counts.get(finding.severity, 0) + 1
    return sorted(counts.items(), reverse=True)


def suppressed_counts(result: ScanResult) -> dict[str, int]:
    """How many findings each way of suppression took out, by name; those of a way not known count as `other`."""
    out: dict[str, int] = {}
    for finding in result.suppressed:
        way = finding.suppression.way if finding.suppression is not None else "other"
        out[way] = out.get(way, 0) + 1
    return dict(sorted(out.items()))


def suppressed_text(result: ScanResult) -> str:
    """3 suppressed (2 baseline, 1 inline)"""
    ways = suppressed_counts(result)
    told = f" ({', '.join(f'{count:,} {printable(way)}' for way, count in ways.items())})" if set(ways) - {"other"} else ""
    return f"{len(result.suppressed):,} suppressed{told}"


def severity_text(findings: Iterable[Finding]) -> str:
    """1 critical, 2 high"""
    return ", ".join(f"{count:,} {severity.label}" for severity, count in severity_counts(findings))


def state_of(incident: Incident) -> str:
    """The state; one that is not known counts as a failure, for it must not pass as clean."""
    return incident.state if incident.state in STATES else "failed"


def by_state(incidents: Sequence[Incident]) -> dict[str, list[Incident]]:
    """Incidents per state in the order of STATES; every state is there."""
    out: dict[str, list[Incident]] = {state: [] for state in STATES}
    for incident in incidents:
        out[state_of(incident)].append(incident)
    return out


def reason_counts(incidents: Iterable[Incident]) -> dict[str, int]:
    """How often each reason occurs, the most frequent first."""
    counts: dict[str, int] = {}
    for incident in incidents:
        counts[incident.reason] = counts.get(incident.reason, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def is_complete(result: ScanResult, context: ReportContext) -> bool:
    """Whether all that was asked for was read to its end. Skipping by rule (a socket, an exclusion) is no gap."""
    return not context.interrupted and all(state_of(i) == "skipped" for i in result.incidents)


def passed_by(result: ScanResult) -> bool:
    """Whether something was recognised and not looked into: an archive whose reader is missing, a git history. It is no gap
    unless `strict` says so, and yet "nothing found" alone would say too much."""
    return any(state_of(i) == "skipped" and "not read" in i.reason for i in result.incidents)


def exit_code(result: ScanResult, context: ReportContext) -> int:
    """What the process ends with: as the caller said, else by the rule in leakguard.errors."""
    if context.exit_code is not None:
        return context.exit_code
    if context.interrupted:
        return EXIT_INTERRUPTED
    if result.findings:
        return EXIT_FINDINGS
    return EXIT_CLEAN if is_complete(result, context) else EXIT_INCOMPLETE


_PLACES = {".": "this folder", "-": "standard input"}
"""What these targets are called in a sentence, where `in ..` would be another folder."""


def scanned_text(result: ScanResult, context: ReportContext) -> str:
    """What was looked at, in words: `12 objects (3.4 MB) in src, tests`."""
    what = f"{counted(result.totals.objects, 'object')} ({human_bytes(result.totals.bytes)})"
    shown = [_PLACES.get(target) or printable(mask_userinfo(target)) for target in context.targets[:3]]
    more = len(context.targets) - len(shown)
    where = ", ".join(shown) + (f" and {more:,} more" if more else "")
    return f"{what} in {where}" if where else what


# -- records -------------------------------------------------------------------------------------------------


def secret_fields(finding: Finding, context: ReportContext) -> dict[str, str]:
    """The secret, only if the user asked and the engine kept it: as text, or base64 where it is none."""
    if not context.show_secrets or finding.secret is None:
        return {}
    try:
        return {"secret": finding.secret.decode("utf-8")}
    except UnicodeDecodeError:
        return {"secret_base64": _base64(finding.secret)}


def _base64(data: bytes) -> str:
    from binascii import b2a_base64

    return b2a_base64(data, newline=False).decode("ascii")


def _exact_path(text: str) -> dict[str, str]:
    """The name's bytes beside its readable form, where the readable form had to lose them."""
    return {"path_base64": _base64(raw_bytes(text))} if not text.isascii() and re.search(_SURROGATES, text) else {}


def origin_record(origin: Origin) -> dict[str, Any]:
    """`Origin.as_json()`, with the exact bytes of names that are not UTF-8."""
    out: dict[str, Any] = origin.as_json()
    link: dict[str, Any] | None = out
    while link is not None:
        link.update(_exact_path(link["path"]))
        link = link.get("inside")
    return out


def finding_record(finding: Finding, context: ReportContext) -> dict[str, Any]:
    """A finding as finding.schema.json describes it."""
    return {
        "type": "finding",
        "rule": finding.rule,
        "provider": finding.provider,
        "part": finding.part,
        "title": finding.title,
        "severity": finding.severity.label,
        "confidence": finding.confidence.label,
        "fingerprint": finding.fingerprint,
        "path": finding.path,
        **_exact_path(finding.path),
        "start_line": finding.start_line,
        "start_column": finding.start_column,
        "end_line": finding.end_line,
        "end_column": finding.end_column,
        "start_byte": finding.start_byte,
        "end_byte": finding.end_byte,
        "masked": finding.masked,
        "origin": origin_record(finding.origin),
        "length": finding.length,
        "view": list(finding.view),
        "name": finding.name,
        "facts": dict(finding.facts),
        "reasons": list(finding.reasons),
        "why": finding.why,
        "fix": finding.fix,
        "set": finding.set_id or None,
        **suppression_fields(finding),
        **secret_fields(finding, context),
    }


def suppression_fields(finding: Finding) -> dict[str, Any]:
    """What suppressed the finding, or tried to: only where there is something."""
    said = finding.suppression
    if said is None or not (said.accepted or said.note):
        return {}
    return {
        "suppression": {
            "status": "accepted" if said.accepted else "refused",
            "way": said.way,
            "reason": said.reason,
            "where": said.where,
            "owner": said.owner,
            "expires": said.expires or None,
            "note": said.note,
        }
    }


def set_record(found: CredentialSet) -> dict[str, Any]:
    """A set as finding.schema.json describes it. It has a place, for readers that ask one of every record."""
    path = str(found.origin)
    return {
        "type": "set",
        "id": found.id,
        "rule": found.rule,
        "provider": found.provider,
        "title": found.title,
        "severity": found.severity.label,
        "complete": found.complete,
        "missing": list(found.missing),
        "testnet": found.testnet,
        "parts": [{"role": role, "fingerprint": fingerprint} for role, fingerprint in found.parts],
        "allows": list(found.allows),
        "why": found.why,
        "steps": list(found.steps),
        "path": path,
        **_exact_path(path),
        "start_line": found.start_line,
        "end_line": found.end_line,
        "origin": origin_record(found.origin),
    }


def incident_record(incident: Incident) -> dict[str, Any]:
    """An incident as report.schema.json describes it."""
    return {
        "state": state_of(incident),
        "origin": incident.origin,
        "reason": incident.reason,
        "bytes": incident.bytes,
    }
