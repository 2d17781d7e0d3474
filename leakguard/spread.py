"""Files over several processes, in batches: the large archives among them in pieces, and what needs a slow parser last.

Promises: files are scanned in the order they come in, but for those that wait for their parser; what is told is in that
order too; batches are small at first, so that nobody waits, and at the end, so that all workers end together; what waits
in memory is names of files and one batch.

Imported by pipeline.py. Knows no command line and no report format.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence

from leakguard.collector import Collector
from leakguard.detect.engine import Engine
from leakguard.model import Incident, Origin
from leakguard.paths import Names
from leakguard.pieces import FIRST_BYTES, Contents, Piece, Share, batches, end_of, run_pieces
from leakguard.pipeline import held
from leakguard.sources.inside.limits import Bytes, Limits
from leakguard.sources.inside.nursery import Common, promised
from leakguard.sources.inside.walk import READERS, Tally, leaves
from leakguard.sources.windows import FileTask
from leakguard.work import BATCH_BYTES, BATCH_FILES, PER_FILE, Policy, Unit, archive_kind, units

SHARED = 2 * 1024 * 1024
"""Bytes from which the members of an archive are spread over the workers."""
_WITH_MEMBERS = frozenset(
    kind
    for kind, (module, _) in READERS.items()
    if module == "child" or (module.startswith("archives.") and module != "archives.gitpack")
)
MOST_WAITING = 10_000
"""Files looked at beforehand to see whether there is other work."""

LATE_KIND, LATE_NAME = "pdf", ".pdf"
"""Files that wait until the parser of their kind is ready, and the end of their names: of the formats that foreign parsers read
it is the one that is in every fourth repository, and its package takes longer to import than most of these to scan."""
LATE_COST = 256 * 1024
"""What one of them costs, in bytes of text."""
LATE_AFTER = 10 * 1024 * 1024
"""Bytes that two processes scan while the parser's package is imported."""


def scan_shared(engine: Engine, tasks: Iterable[FileTask], policy: Policy, jobs: int, collector: Collector) -> None:
    """Scans files by workers. An archive goes whole to one of them while there is as much else to do; the last ones are
    read here, and what is in them is spread over all."""
    with promised(LATE_KIND) as common:
        if not policy.git:
            run_pieces(engine, _work(engine, tasks, policy, collector, jobs, _Late(common)), policy, jobs, collector)
            return
        from leakguard.sources.gitunpack import apart

        packs: list[FileTask] = []
        files = _work(engine, apart(tasks, packs), policy, collector, jobs, _Late(common))
        contents = Contents(engine)
        run_pieces(engine, _then(files, engine, packs, policy, collector, contents), policy, jobs, collector, contents)


def _then(
    files: Iterable[Sequence[Piece | Unit]],
    engine: Engine,
    packs: Sequence[FileTask],
    policy: Policy,
    collector: Collector,
    contents: Contents,
) -> Iterator[Sequence[Piece | Unit]]:
    """Files, then git's packs: of the contents of these most are files in the work tree."""
    yield from files
    if packs:
        yield ()  # what all of them hold is to be known
    for task in packs:
        yield from _shared(engine, task, "git-pack", policy, collector, contents)


class _Late:
    """Files that are put off until their parser is ready."""

    def __init__(self, common: Common | None) -> None:
        self._common = common
        self._waiting: list[FileTask] = []
        self._since = 0
        """Bytes that were handed out since the first was seen."""

    def expect(self, task: FileTask) -> None:
        """A file was seen: its parser is going to be needed."""
        if self._common is not None and task.path.endswith(LATE_NAME) and task.kind == "file":
            from leakguard.sources.inside.child import begin

            begin(self._common)

    def takes(self, task: FileTask) -> bool:
        """Whether it is put off."""
        late = self._common is not None and task.path.endswith(LATE_NAME) and task.kind == "file"
        if late:
            self._waiting.append(task)
        return late

    def batches(self, jobs: int, given: int, last: bool = False) -> Iterator[list[Piece | Unit]]:
        """Those that need not wait any longer, in batches for so many workers, now that so many bytes more were handed out;
        `last`: there is nothing else to do."""
        if not self._waiting or self._common is None:
            return
        self._since += given
        if not last and self._since < LATE_AFTER and not self._common.ready():
            return
        waiting, self._waiting = self._waiting, []
        batch: list[Piece | Unit] = []
        enough = min(BATCH_BYTES // LATE_COST, -(-len(waiting) // (2 * jobs)))
        for unit in units(waiting, inside=True):
            batch.append(unit)
            if len(batch) >= enough:
                yield batch
                batch = []
        if batch:
            yield batch


def _work(
    engine: Engine, tasks: Iterable[FileTask], policy: Policy, collector: Collector, jobs: int = 1, late: _Late | None = None
) -> Iterator[Sequence[Piece | Unit]]:
    late = late or _Late(None)
    ahead = _Ahead(tasks, late.expect)
    plain: list[Unit] = []
    size = given = 0
    most = 4 * FIRST_BYTES  # who is to have the second batch waits for the first one to be made
    shares = 2 * jobs
    while True:
        # as far ahead as was handed out: nobody waits for the first batch, and the end is seen when it is near
        ahead.look(min(given, shares * BATCH_BYTES))
        task = ahead.take()
        if task is None:
            break
        if late.takes(task):
            continue
        first = task if task.kind == "file" else task._replace(open_path=task.parts[0] if task.parts else "")
        kind = archive_kind(first) if task.kind != "link" and task.size >= SHARED else ""
        if kind in _WITH_MEMBERS and not ahead.look(task.size):
            if plain:
                yield plain
                plain, size = [], 0
            yield from _shared(engine, task, kind, policy, collector)
            continue
        # towards the end a part of what is left, so that all workers end together
        enough = max(FIRST_BYTES, (ahead.cost + size) // shares) if ahead.ended else BATCH_BYTES
        for unit in units([task], inside=True):
            plain.append(unit)
            size += (unit.end if unit.end is not None else task.size) - unit.start + PER_FILE
            if size >= min(enough, most) or len(plain) >= BATCH_FILES:
                yield plain
                yield from late.batches(jobs, size)
                given += size
                plain, size, most = [], 0, min(2 * most, BATCH_BYTES)
    if plain:
        yield plain
    yield from late.batches(jobs, size, last=True)


class _Ahead:
    """Files in order, of which some were looked at beforehand, and all are told of. `cost`: that of these, in bytes; `ended`: they
    are the last."""

    def __init__(self, tasks: Iterable[FileTask], seen: Callable[[FileTask], None]) -> None:
        self._source = iter(tasks)
        self._seen = seen
        self._waiting: deque[FileTask] = deque()
        self.cost = 0
        self.ended = False

    def look(self, cost: int) -> bool:
        """Is there other work of that cost? Looks at what comes next, and keeps it."""
        while self.cost < cost and not self.ended and len(self._waiting) < MOST_WAITING:
            self._next()
        return self.cost >= cost or len(self._waiting) >= MOST_WAITING

    def take(self) -> FileTask | None:
        """The next file, if there is one."""
        if not self._waiting and not self.ended:
            self._next()
        if not self._waiting:
            return None
        task = self._waiting.popleft()
        self.cost -= task.size + PER_FILE
        return task

    def _next(self) -> None:
        task = next(self._source, None)
        if task is None:
            self.ended = True
            return
        self._seen(task)
        self._waiting.append(task)
        self.cost += task.size + PER_FILE


def _shared(
    engine: Engine, task: FileTask, kind: str, policy: Policy, collector: Collector, contents: Contents | None = None
) -> Iterator[Sequence[Piece]]:
    """What is in an archive."""
    incidents: list[Incident] = []
    tally = Tally()
    found = leaves(
        task, Origin("file", task.path), kind, policy.inside or Limits(), incidents.append, strict=held(policy, task).strict,
        tally=tally,
    )  # fmt: skip
    share = Share(
        task.path, collector, incidents, lambda: (tally.containers, tally.members, tally.expanded), task, tally
    )
    share.names = Names(engine, policy.min_severity, policy.min_confidence)
    tally.named = share.names.add
    try:
        yield from batches(engine, found, policy, share, contents)
    except Exception as error:  # noqa: BLE001 - this archive fails, and not the run; a message could quote content
        tally.root = Bytes(task.size, failed=task.size)
        incidents.append(Incident("failed", task.path, f"internal error: {type(error).__name__}"))
    yield [end_of(share)]
