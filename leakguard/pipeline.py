"""The one place where sources, detection and triage meet: documents in, findings out.

Lets a document go as soon as its findings are made (findings.py). What is to be done comes as units (work.py); what came of
all of it is put together by collector.py. Knows no command line and no report format. Imported by cli/, hook.py and whoever
scans more than one document.
"""

# No `from __future__ import annotations` here: NamedTuple would compile every annotation, on every start.
import os
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from leakguard.detect.columns import FOLD_LIMIT
from leakguard.detect.engine import Engine, Scan
from leakguard.errors import EngineError
from leakguard.findings import breaks, findings_of, line_start_of
from leakguard.model import CredentialSet, Document, Finding, Incident, Origin
from leakguard.paths import Names, without_copies
from leakguard.sources.files import REACH, FileTask, read_stream, read_windows
from leakguard.sources.inside.limits import Limits
from leakguard.sources.inside.opaque import NOTED
from leakguard.sources.windows import WINDOW, Windows, read_on, read_whole
from leakguard.work import PER_FILE, Done, Policy, Unit, archive_kind, batches, lost, units

if TYPE_CHECKING:
    from leakguard.collector import Collector
    from leakguard.sources.inside.walk import Leaf, Tally
    from leakguard.triage.joining import References

MOST_PER_OBJECT = 10_000
"""Findings kept of one object; more are counted and said to be left out."""

MOST_PER_ARCHIVE = 100_000
"""The same of an archive with all that is in it."""

PARALLEL_FROM = 4 * 1024 * 1024
"""Expected bytes from which worker processes are worth their start."""


# ---------------------------------------------------------------- one unit of work
def held(policy: Policy, task: FileTask) -> Policy:
    """The policy for one file: strict for one that was asked for by name."""
    return policy._replace(strict=True) if task.named and not policy.strict else policy


def scan_unit(engine: Engine, unit: Unit, policy: Policy) -> Done:
    """Scans a file or a part of it, window by window. What goes wrong in here fails this unit, and not the run."""
    task = unit.task
    policy = held(policy, task)
    try:
        if task.kind == "link":
            return _scan_link(engine, task, policy)
        if task.kind == "volumes":
            return _scan_inside(engine, task, archive_kind(task._replace(open_path=task.parts[0])), policy)
        incidents: list[Incident] = []
        if unit.start == 0 and unit.end is None and task.size <= FOLD_LIMIT:
            document = _whole(task, policy)
            if document is not None:
                return scan_whole(engine, document, policy, incidents)
        windows = read_windows(task, Origin("file", task.path), incidents.append, start=unit.start, end=unit.end)
        first = None
        if policy.inside is not None and unit.start == 0:
            first = next(windows, None)
            kind = _container(task, first, policy.git) if first is not None else ""
            if first is not None and policy.inside.ocr and unit.end is None:
                kind = _picture(first) or kind
            if kind in NOTED:
                incidents.append(_noted(task, kind, policy))
            elif kind:
                windows.close()
                return _scan_inside(engine, task, kind, policy)
        return _drain(engine, windows, policy, incidents, size=task.size, unit=unit, first=first)
    except Exception as error:  # noqa: BLE001 - it is told as a failure, by its kind alone: a message could quote content
        return lost(unit, f"internal error: {type(error).__name__}")


def _whole(task: FileTask, policy: Policy) -> Document | None:
    """A small file that is no container, as nearly all are; None for all others."""
    data = read_whole(task.open_path, FOLD_LIMIT)
    if data is None:
        return None
    if policy.inside is not None:
        from leakguard.sources.inside.magic import ends_as_zip, is_picture, kind_of

        if kind_of(data, task.path) or ends_as_zip(data) or (policy.inside.ocr and is_picture(data)):
            return None
    return Document(data, Origin("file", task.path, about=_read_by(task)))


def _read_by(task: FileTask) -> tuple[str, ...]:
    """What compose files say of an environment file's variables: see composed.py, which few scans need."""
    if ".env" not in os.path.basename(task.open_path):
        return ()
    from leakguard.sources.composed import read_by

    return read_by(task.open_path)


def scan_whole(engine: Engine, document: Document, policy: Policy, incidents: list[Incident]) -> Done:
    """Scans what is one Document from end to end."""
    size = len(document.data)
    if not size and not ties(str(document.origin)):
        return Done([], [], 0, 0, 0, 0, incidents)
    try:
        scan = engine.scan(document.data, document.origin.told, size=size, core_end=size)
    except EngineError as error:
        incidents.append(Incident("failed", str(document.origin), error.message, size))
        return Done([], [], 0, 0, 0, 0, incidents)
    if not scan.matches and not scan.incidents and not ties(str(document.origin)):
        return Done([], [], 0, size, scan.views, scan.view_bytes, incidents)
    account = _Account(0, incidents)
    account.add(_judged(engine, document, scan, account), policy)
    return account.done()


def scan_windows(
    engine: Engine, windows: Windows, policy: Policy, incidents: list[Incident], start: int = 0
) -> Done:
    """Scans what another source cut into windows, of which the first has its core at `start`; `incidents` is the list that
    the source reports to."""
    return _drain(engine, windows, policy, incidents, unit=Unit(FileTask("", "", 0), start) if start else None)


def scan_part(engine: Engine, document: Document, policy: Policy, incidents: list[Incident]) -> Done:
    """Scans a part of something large that was cut where no encoded run is."""
    start = document.base + document.core_start
    return _drain(engine, _one(document), policy, incidents, size=1 << 62, unit=Unit(FileTask("", "", 0), start))


def scan_standard_input(engine: Engine, handle: int, policy: Policy) -> Done:
    """Scans a stream to its end in bounded memory."""
    incidents: list[Incident] = []
    origin = Origin("stdin", "<stdin>")
    if policy.inside is not None:
        from leakguard.sources.inside.walk import Tally, piped

        tally = Tally()
        found = piped(handle, origin, policy.inside, incidents.append, strict=True, tally=tally)  # asked for by name
        return scan_leaves(engine, found, policy, incidents, tally)
    return _drain(engine, read_stream(handle, origin, incidents.append), policy, incidents)


def _container(task: FileTask, first: Document, git: bool) -> str:
    """What kind of container a file is, by its first window; "" for nearly all."""
    from leakguard.sources.inside.magic import ends_as_zip, kind_of

    if first.final and not kind_of(first.data, task.path) and not ends_as_zip(first.data):
        return ""
    from leakguard.sources.inside.walk import is_container

    return is_container(first.data, task.path, task.open_path, first.final, git)


def _noted(task: FileTask, kind: str, policy: Policy) -> Incident:
    """What a scan of its bytes does not see of a file."""
    from leakguard.sources.inside.opaque import REASONS

    return Incident("failed" if policy.strict else "skipped", task.path, f"of kind {kind}, not read: {REASONS[kind]}")


def _picture(first: Document) -> str:
    """Is it something to read by OCR?"""
    from leakguard.sources.inside.magic import is_picture

    return "picture" if is_picture(first.data) else ""


def _scan_inside(engine: Engine, task: FileTask, kind: str, policy: Policy) -> Done:
    """Scans everything in an archive."""
    from leakguard.sources.inside.walk import Tally, leaves

    incidents: list[Incident] = []
    tally, limits = Tally(), policy.inside or Limits()
    origin = Origin("file", task.path)
    found = leaves(task, origin, kind, limits, incidents.append, strict=policy.strict, tally=tally)
    return scan_leaves(engine, found, policy, incidents, tally)


def scan_leaves(
    engine: Engine, leaves: "Iterable[Leaf]", policy: Policy, incidents: list[Incident], tally: "Tally"
) -> Done:
    """Scans members as they come, each an object with lines and offsets of its own. `incidents` is the list that the
    walk through the archive reports to."""
    findings: list[Finding] = []
    sets: list[CredentialSet] = []
    references: list[References] = []
    objects = size = views = view_bytes = left_out = 0
    names = Names(engine, policy.min_severity, policy.min_confidence)
    tally.named = names.add
    for leaf in leaves:
        done = scan_leaf(engine, leaf, policy)
        room = max(0, MOST_PER_ARCHIVE - len(findings))
        findings += done.findings[:room]
        left_out += len(done.findings[room:])
        sets += done.sets if room else []
        references += done.references if room else ()
        incidents += done.incidents
        objects += 1
        size += done.bytes
        views += done.views
        view_bytes += done.view_bytes
    if left_out:
        reason = f"{left_out} more findings left out of the report"
        incidents.append(Incident("truncated", findings[-1].path, reason))
    inside = (tally.containers, tally.members, tally.expanded)
    tally.named = None
    named = names.taken()
    incidents += named[2]
    findings, sets = once(findings + named[0], sets + named[1])
    return Done(
        findings, sets, 0, size, views, view_bytes, incidents, references=tuple(references), objects=objects,
        inside=inside, account=(tally.root, tally.inner), last=tally.last,
    )  # fmt: skip


def once(findings: list[Finding], sets: list[CredentialSet]) -> tuple[list[Finding], list[CredentialSet]]:
    """The same without what a container says as it stands (a damaged one is scanned so, too) and a member of it says by its
    full chain, and without what was found twice in one place."""
    if len({finding.fingerprint for finding in findings}) == len(findings):
        return findings, sets
    findings = without_copies(findings)
    inner: dict[str, set[Origin]] = {}
    for finding in findings:
        _note_ancestors(finding.origin, inner.setdefault(finding.fingerprint, set()))
    places: set[tuple[Any, ...]] = set()
    kept = []
    for finding in findings:
        origin = finding.origin._replace(facts=())
        place = (finding.fingerprint, origin, finding.start_byte)
        if origin not in inner[finding.fingerprint] and place not in places:
            places.add(place)
            kept.append(finding)
    if len(kept) == len(findings):
        return findings, sets
    made: dict[tuple[Any, ...], set[Origin]] = {}
    for one in sets:
        _note_ancestors(one.origin, made.setdefault((one.rule, one.parts), set()))
    return kept, [one for one in sets if one.origin._replace(facts=()) not in made[one.rule, one.parts]]


def _note_ancestors(origin: Origin, known: set[Origin]) -> None:
    """Adds the containers that a thing is in."""
    while (origin := origin.inside) is not None:
        known.add(origin._replace(facts=()))


def scan_leaf(engine: Engine, leaf: "Leaf", policy: Policy) -> Done:
    """Scans one member to its end."""
    told: list[Incident] = []
    data = leaf.stream.taken(WINDOW + 1)
    if len(data) <= WINDOW:
        done = scan_whole(engine, Document(data, leaf.origin), policy, told)
    else:
        done = _drain(engine, read_on(leaf.stream, leaf.origin, told.append, data, 0, 0), policy, told)
    if leaf.moved is not None:
        findings, sets = leaf.moved(done.findings, done.sets)
        done = done._replace(findings=findings, sets=sets)
    return done._replace(findings=_placed(done.findings, leaf)) if leaf.place is not None else done


def _placed(findings: list[Finding], leaf: "Leaf") -> list[Finding]:
    """The findings of a leaf that knows of each place in it what row, page or packet it is of."""
    place, origin = leaf.place, leaf.origin
    if place is None:
        return findings
    return [
        finding._replace(origin=origin._replace(facts=origin.facts + place(finding.start_byte))) for finding in findings
    ]


def _scan_link(engine: Engine, task: FileTask, policy: Policy) -> Done:
    """A symbolic link's target is text that somebody wrote: it can hold a secret."""
    try:
        data = os.readlink(os.fsencode(task.open_path))
    except OSError as error:
        return Done([], [], 0, 0, 0, 0, [Incident("failed", task.path, error.strerror or "cannot be read", task.size)])
    return _drain(engine, _one(Document(data, Origin("link", task.path))), policy, [])


def _one(document: Document) -> Windows:
    yield document


class _Window(NamedTuple):
    """What one window gave, until it is known whether the same core comes again, longer."""

    at: int
    """Absolute offset of its core."""
    findings: list[Finding]
    sets: list[CredentialSet]
    incidents: list[Incident]
    lines: int
    line_start: int
    bytes: int
    end: int
    views: int
    view_bytes: int
    references: tuple["References", ...] = ()


class _Account:
    """What the windows of one unit gave so far."""

    def __init__(self, start: int, incidents: list[Incident]) -> None:
        self.findings: list[Finding] = []
        self.sets: list[CredentialSet] = []
        self.incidents = incidents
        self.lines = self.bytes = self.views = self.view_bytes = self.left_out = 0
        self.line_start = self.end = start
        self.references: tuple[References, ...] = ()

    def add(self, window: _Window, policy: Policy) -> None:
        self.sets += window.sets
        self.incidents += window.incidents
        for finding in window.findings:
            if finding.severity < policy.min_severity or finding.confidence < policy.min_confidence:
                continue
            if len(self.findings) < MOST_PER_OBJECT:
                self.findings.append(finding)
            else:
                self.left_out += 1
        self.lines += window.lines
        self.line_start = window.line_start
        self.bytes += window.bytes
        self.end = window.end
        self.views += window.views
        self.view_bytes += window.view_bytes
        self.references += window.references

    def done(self) -> Done:
        if self.left_out:
            reason = f"{self.left_out} more findings left out of the report"
            self.incidents.append(Incident("truncated", self.findings[-1].path, reason))
        return Done(
            self.findings, self.sets, self.lines, self.bytes, self.views, self.view_bytes, self.incidents,
            self.end - self.line_start, self.references,
        )  # fmt: skip


def _drain(
    engine: Engine,
    windows: Windows,
    policy: Policy,
    incidents: list[Incident],
    *,
    size: int | None = None,
    unit: Unit | None = None,
    reach: int = REACH,
    first: Document | None = None,
) -> Done:
    """Scans windows as they come, and has a core begin anew at a run that its window did not hold. `reach` is what was
    asked of `windows`, `first` what was taken from them already."""
    account = _Account(unit.start if unit is not None else 0, incidents)
    waiting: _Window | None = None
    cut: int | None = None
    while True:
        try:
            document = first or windows.send(cut)
        except StopIteration:
            break
        first = None
        if waiting is not None and waiting.at < document.base + document.core_start:
            account.add(waiting, policy)
        end = unit.end if unit is not None else None
        waiting, cut = _scan_window(engine, document, account, size=size, end=end, reach=reach)
    if waiting is not None:
        account.add(waiting, policy)
    return account.done()


def _scan_window(
    engine: Engine, document: Document, account: _Account, *, size: int | None, end: int | None, reach: int
) -> tuple[_Window, int | None]:
    """What one window gives, and where the next core shall begin if not after this one."""
    data, base = document.data, document.base
    whole = size if size is not None else (len(data) if document.final and base == 0 else 1 << 62)
    # where a part ends nobody goes on: parts are cut where no run is (`units`)
    border = len(data) if base + document.core_end == end else document.core_end
    cut = None
    try:
        scan = engine.scan(data, document.origin.told, document.final, size=whole, core_end=border, reach=reach)
    except EngineError as error:
        return _judged(engine, document, error, account), cut
    if 0 <= scan.cut < document.core_end:
        cut = base + scan.cut
        if scan.cut > document.core_start:
            document.core_end = scan.cut
    return _judged(engine, document, scan, account), cut


def _judged(engine: Engine, document: Document, scan: Scan | EngineError, account: _Account) -> _Window:
    """What a scan of a window, or its failure, comes to."""
    low, high = document.core_start, document.core_end
    place = document.origin.path if document.origin.inside is None else str(document.origin)
    own: list[Finding] = []
    sets: list[CredentialSet] = []
    views = view_bytes = read = 0
    if isinstance(scan, EngineError):
        told = [Incident("failed", place, scan.message, high - low)]
    else:
        own, sets = findings_of(engine, document, scan.matches, account.lines + 1, account.line_start)
        told = [Incident("truncated", place, reason) for reason in scan.incidents]
        views, view_bytes, read = scan.views, scan.view_bytes, high - low
    refers = _references(document, own)
    lines = breaks(document.data, low, high)
    begin = line_start_of(document, low, high, account.line_start)
    base = document.base
    return _Window(base + low, own, sets, told, lines, begin, read, base + high, views, view_bytes, refers)


def ties(path: str) -> bool:
    """Whether a file may tie others together, going by its name."""
    return "compose" in path or path.endswith((".service", "Procfile"))


def _references(document: Document, own: list[Finding]) -> tuple["References", ...]:
    """What a document refers to, if it holds a half of a credential or is a file that ties others together."""
    path = str(document.origin)
    if not own and not ties(path):
        return ()
    from leakguard.triage.joining import references

    return references(path, document.data, own)


# ---------------------------------------------------------------- many files
def scan_files(
    tasks: Iterable[FileTask],
    engine_for: Callable[[int], Engine],
    policy: Policy,
    jobs: int,
    collector: "Collector",
    *,
    parallel_from: int = PARALLEL_FROM,
    named: bool = True,
) -> None:
    """Scans files into `collector`, in this process or, where the work is worth it, in `jobs` worker processes.

    `engine_for(expected bytes)` makes the engine; it is called once, after a look at how much there is. `named`: what the
    files are called is looked at, too.
    """
    head: list[FileTask] = []
    expected = 0
    from leakguard.rotated import seams

    pairs: list[tuple[FileTask, FileTask]] = []
    tasks = seams(tasks, lambda task: task.path if task.kind == "file" else "", pairs)
    if policy.inside is not None:
        from leakguard.sources.volumes import gathered

        tasks = gathered(tasks, collector.incidents.append)
    if policy.git:
        from leakguard.sources.gitunpack import packs_last

        tasks = packs_last(tasks)
    names = Names(None, policy.min_severity, policy.min_confidence)
    tasks = _named(tasks, names) if named else iter(tasks)
    for task in tasks:
        head.append(task)
        expected += task.size + PER_FILE
        if expected >= parallel_from:
            break
    engine = names.engine = engine_for(expected)
    collector.limits, collector.accounts = policy.inside, True
    if jobs > 1 and expected >= parallel_from and policy.inside is not None:
        from leakguard.spread import scan_shared

        scan_shared(engine, chain(head, tasks), policy, jobs, collector)
        take_names(collector, names)
        collector.join(engine, policy, pairs)
        return
    work = units(chain(head, tasks), policy.inside is not None)
    if jobs < 2 or expected < parallel_from:
        for unit in work:
            collector.add(unit, scan_unit(engine, unit, policy))
        take_names(collector, names)
        collector.join(engine, policy, pairs)
        return
    from leakguard.workers import run

    for unit, done in run(engine, batches(work), policy, jobs):
        collector.add(unit, done)
    take_names(collector, names)
    collector.join(engine, policy, pairs)


def _named(tasks: Iterable[FileTask], names: Names) -> Iterator[FileTask]:
    """The same files, their names told."""
    for task in tasks:
        names.add(task.path)
        yield task


def take_names(collector: "Collector", names: Names) -> None:
    """Hands on what was found in names."""
    findings, sets, incidents = names.taken()
    collector.findings += findings
    collector.sets += sets
    collector.incidents += incidents
