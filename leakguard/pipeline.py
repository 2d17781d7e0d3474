"""The one place where sources, detection and triage meet: documents in, a ScanResult out.

Turns matches into findings (place, mask, fingerprint) while the document is alive, then lets it go. Keeps an account
of everything that was looked at or could not be. Knows no command line and no report format.
Imported by cli/, hook.py and sweep/.
"""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple, TypeVar

from leakguard.detect.engine import Engine
from leakguard.detect.pairing import pair
from leakguard.errors import EngineError
from leakguard.model import (
    Confidence,
    CredentialSet,
    Document,
    Finding,
    Incident,
    Match,
    Origin,
    Rule,
    ScanResult,
    Severity,
    Totals,
)
from leakguard.sources.files import FileTask, read_stream, read_windows
from leakguard.triage.exposure import credential_set, is_test, judge
from leakguard.triage.fingerprint import fingerprint

SNIPPET = 160
"""Characters of a line shown around a secret."""

MOST_PER_OBJECT = 10_000
"""Findings kept of one object; more are counted and said to be left out."""

SPLIT = 32 * 1024 * 1024
"""Files from this size on are cut into parts of SPLIT bytes, one unit of work each."""

BATCH_BYTES = 2 * 1024 * 1024
BATCH_FILES = 256

PARALLEL_FROM = 8 * 1024 * 1024
"""Expected bytes from which worker processes are worth their start."""

PER_FILE = 4096
"""What a file costs beside its bytes, in bytes."""


_T = TypeVar("_T", Finding, CredentialSet)


class Unit(NamedTuple):
    """A piece of work: a file, or the part [start, end) of one."""

    task: FileTask
    start: int = 0
    end: int | None = None
    last: bool = True
    """The last part of its file."""


class Done(NamedTuple):
    """What a unit of work gave. Lines of findings count from the unit's first line."""

    findings: list[Finding]
    sets: list[CredentialSet]
    lines: int
    """Line breaks in the unit's own bytes: the offset of the next part's lines."""
    bytes: int
    views: int
    view_bytes: int
    incidents: list[Incident]


class Policy(NamedTuple):
    """What is reported of what is found."""

    min_severity: int = 0
    min_confidence: int = 0


# ---------------------------------------------------------------- one document
def findings_of(
    engine: Engine, document: Document, matches: Sequence[Match], first_line: int
) -> tuple[list[Finding], list[CredentialSet]]:
    """A document's own findings, and the sets they make. `first_line`: the number of the line its core starts in."""
    if not any(document.core_start <= m.secret_start < document.core_end for m in matches):
        return [], []
    data = document.data
    matches = sorted(matches, key=_by_start)
    masks = Masks((m.secret_start, m.secret_end, engine.rules[m.rule].id, m.length) for m in matches)
    path = str(document.origin)
    found = []
    # matches in the context before the core come first: their lines are counted back from the core's
    line = first_line - data.count(b"\n", min(matches[0].secret_start, document.core_start), document.core_start)
    at = min(matches[0].secret_start, document.core_start)
    for match in matches:
        line += data.count(b"\n", at, match.secret_start)
        at = match.secret_start
        rule = engine.rules[match.rule]
        found.append(_finding(engine, document, match, rule, line, masked_line(data, match, masks), path))
    sets = _judge(engine, document, matches, found)
    core = range(document.core_start, document.core_end)
    return [finding for match, finding in zip(matches, found, strict=True) if match.secret_start in core], sets


def _judge(
    engine: Engine, document: Document, matches: Sequence[Match], found: list[Finding]
) -> list[CredentialSet]:
    """Joins findings into sets, and lets each say what it is part of. Replaces entries of `found`."""
    paired = {ident for item in engine.ruleset.sets for _, ids in item.parts for ident in ids}
    venues = engine.venues
    groupings = pair(document.data, matches, engine.ruleset) if any(f.rule in paired for f in found) else []
    sets = []
    grouped: dict[int, tuple[bool, str, bool]] = {}
    for grouping in groupings:
        members = [(role, found[index]) for role, index in grouping.parts]
        venue = venues.get(grouping.rule.provider)
        test = any(
            is_test(document.data, matches[i].start, matches[i].end, matches[i].name, venue) for _, i in grouping.parts
        )
        lone = len(members) == 1 and not grouping.complete
        made = None if lone else credential_set(grouping, members, venue, test)
        if made is not None and document.core_start <= matches[grouping.parts[0][1]].secret_start < document.core_end:
            sets.append(made)
        for _, index in grouping.parts:
            grouped[index] = (not grouping.complete, made.id if made is not None else "", test)
    for index, finding in enumerate(found):
        venue = venues.get(finding.provider)
        half, set_id, test = grouped.get(index, (False, "", False))
        if venue is not None and (index in grouped or venue.status == "defunct"):
            found[index] = judge(finding, venue, test, half)._replace(set_id=set_id)
    return sets


def _by_start(match: Match) -> tuple[int, int]:
    return match.secret_start, match.secret_end


def _finding(
    engine: Engine, document: Document, match: Match, rule: Rule, line: int, masked: str, path: str
) -> Finding:
    data, start, end = document.data, match.secret_start, match.secret_end
    end_line = line + data.count(b"\n", start, end)
    return Finding(
        rule=rule.id,
        provider=rule.provider,
        part=rule.part,
        title=rule.title,
        severity=Severity.INFO if match.reasons[:1] and match.reasons[0].startswith("example: ") else Severity(rule.severity),
        confidence=Confidence(match.confidence),
        fingerprint=fingerprint(rule, match, engine.fingerprint_key, path, masked),
        origin=document.origin,
        start_line=line,
        start_column=start - data.rfind(b"\n", 0, start),
        end_line=end_line,
        end_column=end - data.rfind(b"\n", 0, end),
        start_byte=document.base + start,
        end_byte=document.base + end,
        masked=masked,
        length=match.length,
        view=match.view,
        name=match.name,
        facts=match.facts,
        reasons=match.reasons,
        why=rule.why,
        fix=rule.fix,
        secret=match.secret,
    )


_GLUED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=_-.~%!#$^*@:?\\|")


class Masks:
    """Everything in a document that must not be shown: (start, end, rule id, length), findable by place."""

    def __init__(self, spans: Iterable[tuple[int, int, str, int]]) -> None:
        self.spans = sorted(spans)
        self._starts = [span[0] for span in self.spans]
        self._longest = max((span[1] - span[0] for span in self.spans), default=0)

    def between(self, low: int, high: int) -> list[tuple[int, int, str, int]]:
        """The spans that touch [low, high), in order."""
        first = bisect_left(self._starts, low - self._longest)
        return [span for span in self.spans[first : bisect_left(self._starts, high)] if span[1] > low]


def masked_line(data: bytes, match: Match, masks: Masks) -> str:
    """The line around a match with every secret in it masked, cut to SNIPPET characters on either side.

    What stands glued to a secret's end is masked with it: a value that goes on where a rule's alphabet ended is
    still a value.
    """
    low = max(data.rfind(b"\n", max(0, match.secret_start - SNIPPET), match.secret_start) + 1, match.secret_start - SNIPPET, 0)
    stop = data.find(b"\n", match.secret_end, match.secret_end + SNIPPET)
    high = stop if stop >= 0 else min(len(data), match.secret_end + SNIPPET)
    pieces: list[str] = []
    at = low
    for start, end, name, length in masks.between(low, high):
        while end < len(data) and data[end] in _GLUED:
            end += 1
        if start > at:
            pieces.append(data[at:start].decode("utf-8", "backslashreplace"))
        if end > at:
            pieces.append(f"<{name}:{length}>")
            at = end
    if at < high:
        pieces.append(data[at:high].decode("utf-8", "backslashreplace"))
    return "".join(pieces).strip()


# ---------------------------------------------------------------- one unit of work
def scan_unit(engine: Engine, unit: Unit, policy: Policy) -> Done:
    """Scans a file or a part of it, window by window."""
    task = unit.task
    origin = Origin("file", task.path)
    incidents: list[Incident] = []
    if task.kind == "link":
        return _scan_link(engine, task, policy)
    windows = read_windows(task, origin, incidents.append, start=unit.start, end=unit.end)
    size = None if unit.start == 0 and unit.end is None and task.size <= 1 << 20 else task.size
    return _drain(engine, windows, policy, incidents, size)


def scan_standard_input(engine: Engine, handle: int, policy: Policy) -> Done:
    """Scans a stream to its end in bounded memory."""
    incidents: list[Incident] = []
    windows = read_stream(handle, Origin("stdin", "<stdin>"), incidents.append)
    return _drain(engine, windows, policy, incidents, None)


def _scan_link(engine: Engine, task: FileTask, policy: Policy) -> Done:
    """A symbolic link's target is text that somebody wrote: it can hold a secret."""
    try:
        data = os.readlink(os.fsencode(task.open_path))
    except OSError as error:
        return Done([], [], 0, 0, 0, 0, [Incident("failed", task.path, error.strerror or "cannot be read")])
    return _drain(engine, _one(Document(data, Origin("link", task.path))), policy, [], None)


def _one(document: Document) -> Iterator[Document]:
    yield document


def _drain(
    engine: Engine, windows: Iterator[Document], policy: Policy, incidents: list[Incident], size: int | None
) -> Done:
    findings: list[Finding] = []
    sets: list[CredentialSet] = []
    lines = read = views = view_bytes = left_out = 0
    cut: int | None = None
    while True:
        try:
            document = windows.send(cut) if cut is not None else next(windows)  # type: ignore[attr-defined]
        except StopIteration:
            break
        path = document.origin.path
        whole = size if size is not None else (len(document.data) if document.final and document.base == 0 else 1 << 62)
        try:
            scan = engine.scan(document.data, path, document.final, whole)
        except EngineError as error:
            incidents.append(Incident("failed", path, error.message, document.core_end - document.core_start))
            cut = None
            continue
        core_end = document.core_end
        cut = None
        if scan.cut >= 0 and not document.final and scan.cut < core_end:
            cut = document.base + scan.cut
            if scan.cut > document.core_start:
                core_end = scan.cut
                document.core_end = core_end
        views += scan.views
        view_bytes += scan.view_bytes
        incidents += [Incident("truncated", path, reason) for reason in scan.incidents]
        read += core_end - document.core_start
        own, made = findings_of(engine, document, scan.matches, lines + 1)
        sets += made
        for finding in own:
            if finding.severity < policy.min_severity or finding.confidence < policy.min_confidence:
                continue
            if len(findings) < MOST_PER_OBJECT:
                findings.append(finding)
            else:
                left_out += 1
        lines += document.data.count(b"\n", document.core_start, core_end)
    if left_out:
        incidents.append(Incident("truncated", findings[-1].path, f"{left_out} more findings left out of the report"))
    return Done(findings, sets, lines, read, views, view_bytes, incidents)


# ---------------------------------------------------------------- many files
def units(tasks: Iterable[FileTask]) -> Iterator[Unit]:
    """Cuts large files into parts."""
    for task in tasks:
        if task.kind != "file" or task.size < 2 * SPLIT:
            yield Unit(task)
            continue
        for start in range(0, task.size - SPLIT, SPLIT):
            yield Unit(task, start, start + SPLIT, False)
        # the last part has no end: what a growing file gained is its to report
        yield Unit(task, len(range(0, task.size - SPLIT, SPLIT)) * SPLIT, None, True)


def batches(work: Iterable[Unit]) -> Iterator[list[Unit]]:
    """Groups small files, so that handing them over costs little."""
    batch: list[Unit] = []
    size = 0
    for unit in work:
        batch.append(unit)
        size += (unit.end - unit.start) if unit.end is not None else unit.task.size
        if size >= BATCH_BYTES or len(batch) >= BATCH_FILES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _shifted(item: _T, lines: int) -> _T:
    return item._replace(start_line=item.start_line + lines, end_line=item.end_line + lines)


class Collector:
    """Puts the results of units, in order, into one ScanResult, giving each part of a file its lines."""

    def __init__(self, on_progress: Callable[[int, int], None] | None = None) -> None:
        self.findings: list[Finding] = []
        self.sets: list[CredentialSet] = []
        self.incidents: list[Incident] = []
        self.objects = self.bytes = self.views = self.view_bytes = 0
        self._lines = 0
        self._on_progress = on_progress

    def add(self, unit: Unit, done: Done) -> None:
        shift = self._lines
        if shift:
            self.findings += [_shifted(finding, shift) for finding in done.findings]
            self.sets += [_shifted(made, shift) for made in done.sets]
        else:
            self.findings += done.findings
            self.sets += done.sets
        self._lines = 0 if unit.last else shift + done.lines
        self.incidents += done.incidents
        if unit.start == 0 and not any(i.state == "failed" and i.bytes == 0 for i in done.incidents):
            self.objects += 1
        self.bytes += done.bytes
        self.views += done.views
        self.view_bytes += done.view_bytes
        if self._on_progress is not None:
            self._on_progress(self.objects, self.bytes)

    def result(self, incidents: Iterable[Incident] = ()) -> ScanResult:
        return ScanResult(
            tuple(self.findings),
            tuple(self.sets),
            (*incidents, *self.incidents),
            Totals(self.objects, self.bytes, self.views, self.view_bytes),
        )


def scan_files(
    tasks: Iterable[FileTask],
    engine_for: Callable[[int], Engine],
    policy: Policy,
    jobs: int,
    collector: Collector,
    parallel_from: int = PARALLEL_FROM,
) -> None:
    """Scans files into `collector`, in this process or, where the work is worth it, in `jobs` worker processes.

    `engine_for(expected bytes)` makes the engine; it is called once, after a look at how much there is.
    """
    head: list[FileTask] = []
    expected = 0
    tasks = iter(tasks)
    for task in tasks:
        head.append(task)
        expected += task.size + PER_FILE
        if expected >= parallel_from:
            break
    engine = engine_for(expected)
    work = units(chain(head, tasks))
    if jobs < 2 or expected < parallel_from:
        for unit in work:
            collector.add(unit, scan_unit(engine, unit, policy))
        return
    from leakguard.workers import run

    for unit, done in run(engine, batches(work), policy, jobs):
        collector.add(unit, done)
