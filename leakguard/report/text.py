"""The format `text`: for a person under stress. What to act on first stands first.

Usable credential sets, then findings by file, then what could not be read, then one line of counts. Our own words
are ASCII, everything from a target goes through `printable`, colour only if the context says so. Knows model only.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import BinaryIO, NamedTuple

from leakguard.model import CredentialSet, Finding, Incident, Origin, ScanResult, Severity, is_half, rights
from leakguard.report.common import (
    ReportContext,
    by_state,
    chain,
    counted,
    human_bytes,
    is_complete,
    ordered,
    ordered_sets,
    passed_by,
    printable,
    reason_counts,
    scanned_text,
    secret_fields,
    severity_text,
    shorten,
    suppressed_text,
)

ALSO_LIMIT = 5
INCIDENT_LIMIT = 20
ADVICE_LIMIT = 3
"""Files in which a rule's advice is told in full."""
LABEL = 10
"""Width of the column of labels (because, risk, do ...)."""

_BOLD = "1"
_DIM = "2"
_GREEN = "32"
_MARK = "1;35"
_PATH = "1;4"
_COLORS = {
    Severity.CRITICAL: "1;97;41",
    Severity.HIGH: "1;31",
    Severity.MEDIUM: "1;33",
    Severity.LOW: "36",
    Severity.INFO: "2",
}

_WIDEST = max(len(severity.name) for severity in Severity)


class _Group(NamedTuple):
    """One secret: the finding to show and the places it is at as well."""

    finding: Finding
    also: tuple[Finding, ...]


class _Paper:
    """Lines to a stream, with colour if wanted. Gets text that is already safe."""

    def __init__(self, out: BinaryIO, context: ReportContext) -> None:
        self._out = out
        self._color = context.color
        self.width = max(40, context.width) if context.width > 0 else 0

    def style(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._color and text else text

    def line(self, text: str = "") -> None:
        self._out.write(text.encode("utf-8") + b"\n")

    def field(self, indent: int, label: str, text: str, hang: int = 0) -> None:
        """`label  text`, wrapped under itself (`hang` deeper); nothing if there is no text."""
        if not text:
            return
        first = " " * indent + label.ljust(LABEL)
        rest = " " * (indent + LABEL + hang)
        if self.width:
            room = max(20, self.width - len(rest))
            import textwrap  # a clean run has nothing to wrap

            lines = textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False) or [text]
        else:
            lines = [text]
        self.line(self.style(first, _DIM) + lines[0])
        for more in lines[1:]:
            self.line(rest + more)


def render_text(result: ScanResult, out: BinaryIO, context: ReportContext) -> None:
    """The whole report."""
    paper = _Paper(out, context)
    if result.findings or result.sets:
        places = _places(result)
        sets = ordered_sets(result.sets)
        whole = [found for found in sets if found.complete]
        alone = _alone(paper, result.findings, whole)
        urge = " - act on this, too" if alone else " - act on this first"
        _sets(paper, [found for found in whole if found.severity > Severity.LOW], places, "USABLE CREDENTIAL SET", urge)
        # a test network's, a closed venue's
        _sets(paper, [found for found in whole if found.severity <= Severity.LOW], places, "COMPLETE CREDENTIAL SET OF LOW SEVERITY")
        _sets(paper, [found for found in sets if not found.complete], places, "INCOMPLETE CREDENTIAL SET")
        _findings(paper, result.findings, sets, context)
    if context.show_suppressed:
        _suppressed(paper, result.suppressed)
    _incidents(paper, result, context)
    _ending(paper, result, context)


class _Places(NamedTuple):
    """Where the parts of sets are, by their fingerprints; one may have been suppressed."""

    first: dict[str, Finding]
    within: dict[tuple[str, str], list[Finding]]
    """By fingerprint and origin, in the order of lines."""


def _places(result: ScanResult) -> _Places:
    places = _Places({}, {})
    for finding in [*_plainest(result.findings), *_plainest(result.suppressed)]:
        places.first.setdefault(finding.fingerprint, finding)
        places.within.setdefault((finding.fingerprint, str(finding.origin)), []).append(finding)
    for having in places.within.values():
        having.sort(key=_line)
    return places


def _part_of(found: CredentialSet, fingerprint: str, places: _Places) -> Finding | None:
    """A set's own finding: what is too weak to be told apart by its hash (a passphrase of eight letters) has the same fingerprint
    in each account of a file."""
    having = places.within.get((fingerprint, str(found.origin)), ())
    at = bisect_left(having, found.start_line, key=_line)
    if at < len(having) and having[at].start_line <= found.end_line:
        return having[at]
    return places.first.get(fingerprint)


def _line(finding: Finding) -> int:
    return finding.start_line


def _place(finding: Finding) -> str:
    return f"{printable(finding.path)}:{finding.start_line}:{finding.start_column}"


def _severity(paper: _Paper, severity: Severity) -> str:
    return paper.style(severity.name, _COLORS[severity])


# -- sets ----------------------------------------------------------------------------------------------------


def _sets(
    paper: _Paper, sets: Sequence[CredentialSet], places: _Places, heading: str, urge: str = ""
) -> None:
    if not sets:
        return
    groups: dict[str, list[CredentialSet]] = {}
    for number, found in enumerate(sorted(sets, key=lambda one: (-one.severity, _depth(one.origin)))):
        groups.setdefault(found.id or f"\0{number}", []).append(found)
    heading = heading if len(groups) == 1 else heading.replace(" SET", " SETS")
    paper.line(paper.style(f"{len(groups):,} {heading}{urge}", _BOLD))
    paper.line()
    told: dict[_Advice, str] = {}
    for group in groups.values():
        _set(paper, group[0], group[1:], places, told)


_Advice = tuple[tuple[str, ...], str, tuple[str, ...]]
"""What a set allows, its risk and its steps."""


def _set(
    paper: _Paper,
    found: CredentialSet,
    also: Sequence[CredentialSet],
    places: _Places,
    told: dict[_Advice, str],
) -> None:
    where = f"{printable(str(found.origin))}:{found.start_line}"
    where += f"-{found.end_line}" if found.end_line > found.start_line else ""
    title = paper.style(printable(found.title), _BOLD)
    venue = printable(found.provider) + (", testnet" if found.testnet else "")
    paper.line(f"  {_severity(paper, found.severity)}  {title}  ({venue})")
    paper.field(4, "at", where)
    others = [f"{printable(str(one.origin))}:{one.start_line}" for one in also]
    paper.field(4, "also at:", _some(others))
    label = "parts"
    roles = max((len(printable(role)) for role, _ in found.parts), default=0)
    for role, fingerprint in found.parts:
        part = _part_of(found, fingerprint, places)
        at = _place(part) if part else "(not among the findings)"
        paper.line(f"    {paper.style(label.ljust(LABEL), _DIM)}{printable(role).ljust(roles)}  {at}")
        label = ""
    paper.field(4, "missing", ", ".join(printable(role) for role in found.missing))
    advice = (found.allows, found.why, found.steps)
    before = told.setdefault(advice, where)
    if before is not where and found.steps:  # twenty lines for each of a desk's accounts hide the accounts
        paper.field(4, "do now", f"as for {before}, above")
        paper.line()
        return
    paper.field(4, "allows" if found.complete else "if whole", rights(map(printable, found.allows)))
    paper.field(4, "risk", printable(found.why))
    for number, step in enumerate(found.steps, 1):
        paper.field(4, "do now" if number == 1 else "", f"{number}. {printable(step)}", hang=3)
    paper.line()


_WALLET = frozenset({"mnemonic", "seed", "private-key"})
"""Parts behind which nobody stands who could freeze an account."""


def _alone(paper: _Paper, findings: Sequence[Finding], sets: Iterable[CredentialSet]) -> bool:
    """A few lines for each kind of critical secret that is no part of a set that works; whether there are any.

    The worst there is (a recovery phrase) has no other half: it stood behind every set and all files before its own.
    """
    told = {fingerprint for found in sets for _, fingerprint in found.parts}
    kinds: dict[str, list[_Group]] = {}
    worst = [found for found in findings if found.severity >= Severity.CRITICAL and not is_half(found.reasons)]
    groups = _grouped(found for found in worst if not found.fingerprint or found.fingerprint not in told)
    for group in sorted(groups, key=lambda one: (one.finding.part not in _WALLET, -one.finding.confidence)):
        kinds.setdefault(group.finding.rule, []).append(group)
    count = sum(map(len, kinds.values()))
    if not count:
        return False
    heading = "CRITICAL SECRET THAT NEEDS NO OTHER PART - act on this first"
    if count > 1:
        heading = "CRITICAL SECRETS THAT NEED NO OTHER PART - act on these first"
    paper.line(paper.style(f"{count:,} {heading}", _BOLD))
    for same in kinds.values():
        first = same[0].finding
        paper.line()
        title = paper.style(printable(first.title), _BOLD)
        paper.line(f"  {_severity(paper, first.severity)}  {title}  ({printable(first.rule)})")
        paper.field(4, "at", _some([_place(group.finding) for group in same]))
        paper.field(4, "do now", printable(first.fix))
    paper.line()
    return True


# -- findings ------------------------------------------------------------------------------------------------


def _grouped(findings: Iterable[Finding]) -> list[_Group]:
    """One group per secret, by its first place that is the least packed; a finding without fingerprint stands alone."""
    seen: dict[tuple[str, str], list[Finding]] = {}
    for number, finding in enumerate(_plainest(findings)):
        key = (finding.rule, finding.fingerprint) if finding.fingerprint else ("", str(number))
        seen.setdefault(key, []).append(finding)
    return [_Group(same[0], tuple(same[1:])) for same in seen.values()]


def _depth(origin: Origin) -> int:
    """How many containers something lies in."""
    return sum(1 for _ in chain(origin))


def _plainest(findings: Iterable[Finding]) -> list[Finding]:
    """By place, files before what lies in archives."""
    return sorted(ordered(findings), key=lambda finding: _depth(finding.origin))


def _by_file(groups: Iterable[_Group]) -> list[list[_Group]]:
    """Groups per file of their first place; the file with the worst finding first, its worst finding first."""
    files: dict[str, list[_Group]] = {}
    for group in sorted(groups, key=lambda one: -one.finding.severity):
        files.setdefault(group.finding.path, []).append(group)
    return list(files.values())


def _findings(
    paper: _Paper, findings: Sequence[Finding], sets: Sequence[CredentialSet], context: ReportContext
) -> None:
    if not findings:
        return
    groups = _grouped(findings)
    titles = {found.id: printable(found.title) for found in sets}
    places = len({finding.path for finding in findings})
    heading = f"{counted(len(findings), 'FINDING').upper()}{_same(groups, findings)} in {counted(places, 'file')}"
    paper.line(paper.style(heading, _BOLD))
    told: dict[str, list[str]] = {}
    for own in _by_file(groups):
        paper.line()
        count = f"  {severity_text(group.finding for group in own)}"
        paper.line(paper.style(printable(own[0].finding.path), _PATH) + paper.style(count, _DIM))
        for number, group in enumerate(own):
            if number:
                paper.line()
            _finding(paper, group, titles, told, context)
    paper.line()


def _finding(
    paper: _Paper, group: _Group, titles: dict[str, str], told: dict[str, list[str]], context: ReportContext
) -> None:
    finding = group.finding
    title = paper.style(printable(finding.title), _BOLD)
    tail = paper.style(f"({printable(finding.rule)}, confidence {finding.confidence.label})", _DIM)
    severity = _severity(paper, finding.severity) + " " * (_WIDEST - len(finding.severity.name))
    paper.line(f"  {severity}  {_place(finding)}  {title}  {tail}")
    paper.line(_snippet(paper, finding))
    for field, value in secret_fields(finding, context).items():
        form = "base64: " if field == "secret_base64" else ""
        paper.line(f"      {paper.style('secret'.ljust(LABEL), _DIM)}{form}{printable(value)}")
    paper.field(6, "because", "; ".join(_reasons(finding)))
    paper.field(6, "found in", _provenance(finding))
    paper.field(6, "set", titles.get(finding.set_id, ""))
    said = finding.suppression
    paper.field(6, "allowed?", f"{printable(said.where)}: {printable(said.note)}" if said is not None and said.note else "")
    places = told.setdefault(finding.rule, [])
    file = printable(finding.path)
    # the same advice ten times in a row hides the one that differs
    if places[-1:] == [file] or len(places) >= ADVICE_LIMIT:
        if finding.why or finding.fix:
            paper.field(6, "do", "as above" if places[-1:] == [file] else f"as in {places[0]}, above")
    else:
        places.append(file)
        paper.field(6, "risk", printable(finding.why))
        paper.field(6, "do", printable(finding.fix))
    paper.field(6, "also at:", _some([_place(other) for other in group.also]))


def _suppressed(paper: _Paper, findings: Sequence[Finding]) -> None:
    """What was found and is not reported: two lines each, the second with who said so and why."""
    if not findings:
        return
    paper.line(paper.style(counted(len(findings), "SUPPRESSED FINDING").upper(), _BOLD))
    for finding in ordered(findings):
        paper.line(f"  {_severity(paper, finding.severity)}  {_place(finding)}  {printable(finding.rule)}")
        said = finding.suppression
        if said is not None:
            by = [said.way, said.where, said.owner, f"until {said.expires}" if said.expires else ""]
            paper.field(6, "by", ", ".join(printable(part) for part in by if part))
            paper.field(6, "reason", printable(said.reason))
    paper.line()


def _reasons(finding: Finding) -> list[str]:
    reasons = [printable(reason) for reason in finding.reasons]
    if finding.view:
        reasons.append("decoded from " + " in ".join(printable(step) for step in reversed(finding.view)))
    # what is known of a signed request is a reason already, in words
    told = (pair for pair in finding.facts if not pair[0].startswith("signed-request"))
    reasons.extend(f"{printable(key)} {printable(value)}" for key, value in told)
    return reasons


def _provenance(finding: Finding) -> str:
    """Commit, author, layer: what the origin knows beyond its path."""
    facts = [pair for link in chain(finding.origin) for pair in link.facts]
    return ", ".join(f"{printable(key)} {printable(value)}" for key, value in facts)


def _some(places: Sequence[str]) -> str:
    more = len(places) - ALSO_LIMIT
    return ", ".join(places[:ALSO_LIMIT]) + (f" and {more:,} more" if more > 0 else "")


def _snippet(paper: _Paper, finding: Finding) -> str:
    """`12 | NAME=<rule:64>`, cut to the width around the mark of this finding."""
    gutter = f"{finding.start_line:>7} | "
    text = printable(finding.masked.strip())
    mark = f"<{printable(finding.rule)}:{finding.length}>"
    at = text.find(mark)
    room = paper.width - len(gutter) if paper.width else len(text)
    if len(text) > room:
        start = max(0, min(at - (room - len(mark)) // 2, len(text) - room)) if at >= 0 else 0
        head = "..." if start else ""
        tail = "..." if start + room < len(text) else ""
        text = head + text[start + len(head) : start + room - len(tail)] + tail
        at = text.find(mark)
    if at >= 0:
        text = text[:at] + paper.style(mark, _MARK) + text[at + len(mark) :]
    return paper.style(gutter, _DIM) + text


# -- what was not read, and the end --------------------------------------------------------------------------


def _incidents(paper: _Paper, result: ScanResult, context: ReportContext) -> None:
    groups = by_state(result.incidents)
    gaps: list[tuple[str, Incident]] = [(state, i) for state in ("failed", "truncated") for i in groups[state]]
    if gaps:
        noun = "thing was" if len(gaps) == 1 else "things were"
        heading = f"INCOMPLETE: {len(gaps):,} {noun} not read to the end"
        paper.line(paper.style(heading, _COLORS[Severity.HIGH]))
        for state, incident in gaps[:INCIDENT_LIMIT]:
            size = f" ({human_bytes(incident.bytes)})" if incident.bytes > 0 else ""
            paper.line(f"  {state.ljust(LABEL)}{printable(incident.origin)}: {printable(incident.reason)}{size}")
        if len(gaps) > INCIDENT_LIMIT:
            paper.line(f"  and {len(gaps) - INCIDENT_LIMIT:,} more: the json report lists all")
        paper.line()
    if context.interrupted:
        paper.line(paper.style("INTERRUPTED: the rest was not looked at", _COLORS[Severity.HIGH]))
        paper.line()
    if groups["skipped"]:
        reasons = [f"{count:,} {printable(reason)}" for reason, count in reason_counts(groups["skipped"]).items()]
        text = f"Skipped {len(groups['skipped']):,}: {_some(reasons)}"
        paper.line(paper.style(shorten(text, 4 * (paper.width or 200)), _DIM))


def _same(groups: Sequence[_Group], findings: Sequence[Finding]) -> str:
    return f" of {counted(len(groups), 'secret')}" if len(groups) < len(findings) else ""


def _ending(paper: _Paper, result: ScanResult, context: ReportContext) -> None:
    """The last line: what stays on the screen. Never sounds clean when something was not read."""
    hidden = f"; {suppressed_text(result)}" if result.suppressed else ""
    scanned = f"{scanned_text(result, context)}{hidden}"
    complete = is_complete(result, context)
    if result.findings:
        same = _same(_grouped(result.findings), result.findings)
        verdict = f"{counted(len(result.findings), 'finding')}{same}: {severity_text(result.findings)}."
        gap = "" if complete else " Not everything could be read."
        paper.line(f"{paper.style(verdict + gap, _BOLD)} Scanned {scanned}.")
    elif not complete:
        paper.line(f"Nothing found in what could be read: scanned {scanned}.")
    elif result.totals.objects == 0:
        paper.line(f"Nothing was scanned: {scanned}.")
    elif passed_by(result):
        paper.line(f"Nothing found in what was read: scanned {scanned}.")
    else:
        paper.line(f"{paper.style('Nothing found', _GREEN)}: scanned {scanned}.")
