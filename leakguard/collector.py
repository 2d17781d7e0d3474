"""What became of everything that was scanned: the results of units, in order, as one ScanResult with an account of every byte.

Gives the parts of a file their lines, joins what stands in several files, and never forgets an incident. Opens nothing.
Imported by pipeline.py and everybody who scans more than one document.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from leakguard.model import CredentialSet, Finding, Incident, ScanResult, Totals
from leakguard.sources.inside.limits import Bytes, Limits
from leakguard.sources.windows import FileTask
from leakguard.work import Done, Policy, Unit

if TYPE_CHECKING:
    from leakguard.detect.engine import Engine
    from leakguard.triage.joining import References

_T = TypeVar("_T", Finding, CredentialSet)

_TOLD = slice(Done._fields.index("incidents"), None)
_NOTHING_TOLD = Done([], [], 0, 0, 0, 0, [])[_TOLD]


def _shifted(item: _T, lines: int) -> _T:
    return item._replace(start_line=item.start_line + lines, end_line=item.end_line + lines)


def _moved(finding: Finding, lines: int, columns: int) -> Finding:
    """A finding with its place in the file, of which the part it was found in is not the first."""
    if finding.start_line == 1:
        finding = finding._replace(start_column=finding.start_column + columns)
    if finding.end_line == 1:
        finding = finding._replace(end_column=finding.end_column + columns)
    return _shifted(finding, lines)


class Collector:
    """Puts the results of units, in order, into one ScanResult, giving each part of a file its lines."""

    def __init__(self, on_progress: Callable[[int, int], None] | None = None) -> None:
        self.findings: list[Finding] = []
        self.sets: list[CredentialSet] = []
        self.incidents: list[Incident] = []
        self.objects = self.bytes = self.views = self.view_bytes = 0
        self.references: list[References] = []
        self._lines = self._columns = 0
        self._on_progress = on_progress
        self.inside = [0, 0, 0]
        self.limits: Limits | None = None
        self.files, self.members = Bytes(), Bytes()
        self._plain = 0
        self.ends: dict[str, bytes] = {}
        """The ends of rotated logs that were compressed, until they were put together (`seams`)."""
        self.accounts = False
        """Are the bytes of files what was asked for?"""
        self.vanished = self.grown = 0
        self._of_units = {"skipped": 0, "failed": 0, "truncated": 0}

    def add(self, unit: Unit, done: Done) -> None:
        """Takes what came of a unit. Those of one file must come in order: each is told from which line on it is."""
        whole = not unit.start and unit.end is None and done.bytes == unit.task.size
        if whole and done[_TOLD] == _NOTHING_TOLD and not done.findings and not done.sets:
            self._plain += done.bytes  # nearly all
            self.nothing_in(done)
            return
        if unit.start:
            self.findings += [_moved(finding, self._lines, self._columns) for finding in done.findings]
            self.sets += [_shifted(made, self._lines) for made in done.sets]
            self._lines += done.lines
            self._columns = done.tail if done.lines else self._columns + done.tail
        else:
            self.findings += done.findings
            self.sets += done.sets
            self._lines, self._columns = done.lines, done.tail
            if done.bytes or not any(incident.state == "failed" for incident in done.incidents):
                self.objects += done.objects
        self.inside = [a + b for a, b in zip(self.inside, done.inside, strict=True)]
        if done.last:
            self.ends[unit.task.path] = done.last
        self._account(unit, done)
        self.references += done.references
        self.incidents += done.incidents
        self.bytes += done.bytes
        self.views += done.views
        self.view_bytes += done.view_bytes
        if self._on_progress is not None:
            self._on_progress(self.objects, self.bytes)

    def nothing_in(self, done: Done) -> None:
        """The same as `add` for a whole file or member in which nothing was found or told: in haste."""
        self._lines, self._columns = done.lines, done.tail
        self.objects += done.objects
        self.bytes += done.bytes
        self.views += done.views
        self.view_bytes += done.view_bytes
        if self._on_progress is not None:
            self._on_progress(self.objects, self.bytes)

    def _account(self, unit: Unit, done: Done) -> None:
        """What became of a unit's bytes, by the states of its incidents or by the walk through the container it is."""
        if done.account is None and not done.incidents and unit.end is None and done.bytes == unit.task.size - unit.start:
            self._plain += done.bytes
            return
        files, members = done.account or (Bytes(scanned=done.bytes), Bytes())
        for incident in done.incidents:
            self._of_units[incident.state] += incident.bytes
            lost = {incident.state: incident.bytes}
            if done.account is None:
                files = files.plus(Bytes(**lost))
            elif incident.bytes and incident.origin == unit.task.path:  # the engine failed on what it was handed
                files = files.plus(Bytes(scanned=-incident.bytes, **lost))
            elif incident.bytes:
                members = members.plus(Bytes(scanned=-incident.bytes, **lost))
        listed = (unit.task.size if unit.end is None else unit.end) - unit.start
        if not unit.task.open_path:  # standard input
            listed = sum(files) - files.bytes
        files = files._replace(bytes=listed)
        states = {incident.state for incident in done.incidents}
        if files.unaccounted > 0 and states & {"failed", "truncated"}:  # reading ended early, as was told
            rest = files.unaccounted
            files = files.plus(Bytes(failed=rest) if "failed" in states else Bytes(truncated=rest))
        self.vanished += max(0, files.unaccounted)
        self.grown += max(0, -files.unaccounted)
        self.files, self.members = self.files.plus(files), self.members.plus(members)

    def progress_from(self) -> Callable[[int, int], None] | None:
        """Something to call with what was done beside what is in here already."""
        told, objects, size = self._on_progress, self.objects, self.bytes
        return None if told is None else lambda more, bytes_more: told(objects + more, size + bytes_more)

    def join(self, engine: Engine, policy: Policy, pairs: Sequence[tuple[FileTask, FileTask]] = ()) -> None:
        """Joins what stands in several files: halves of credentials, and secrets over the seams of rotated logs (`pairs`: a
        part, and what goes on with it). To be called when all files were added."""
        if pairs:
            from leakguard.seams import joined

            self.findings = joined(engine, policy, pairs, self.ends, self.findings)
            self.ends.clear()
        if self.references or any(finding.origin.about for finding in self.findings):
            from leakguard.triage.joining import join_halves

            self.findings, self.sets = join_halves(self.findings, self.sets, self.references, engine.ruleset)

    def result(self, incidents: Iterable[Incident] = ()) -> ScanResult:
        """All of it. `incidents`: those that the walk over files told, which come first."""
        incidents = tuple(incidents)
        return ScanResult(
            tuple(self.findings),
            tuple(self.sets),
            (*incidents, *self.incidents),
            Totals(self.objects, self.bytes, self.views, self.view_bytes),
            receipt=self._receipt((*incidents, *self.incidents)),
        )

    def _receipt(self, incidents: tuple[Incident, ...]) -> dict[str, Any]:
        """What became of the bytes; what was gone through in archives, and how far it was allowed to go."""
        files = self.files.plus(Bytes(self._plain, scanned=self._plain))
        for incident in incidents:  # files that were not read at all, too
            files = files.plus(Bytes(incident.bytes, **{incident.state: incident.bytes}))
        for state, size in self._of_units.items():
            files = files.plus(Bytes(-size, **{state: -size}))
        changed = {"vanished": self.vanished, "grown": self.grown}
        told = {"account": {"files": {**files._asdict(), **changed}, "members": self.members._asdict()}}
        return {**told, **self._inside()} if self.accounts else self._inside()

    def _inside(self) -> dict[str, Any]:
        if not self.inside[0]:
            return {}
        counts = dict(zip(("containers", "members", "expanded_bytes"), self.inside, strict=True))
        return {"inside": {**counts, "limits": self.limits._asdict() if self.limits is not None else {}}}
