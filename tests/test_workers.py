"""Worker processes: the same results in the same order, whatever happens to one of them; and none of them is left."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from leaks import ENCODINGS, TEMPLATES, leak, noise

from leakguard import forks, pipeline, work, workers
from leakguard.collector import Collector
from leakguard.detect.engine import Engine
from leakguard.model import Finding, ScanResult
from leakguard.pipeline import scan_files
from leakguard.sources.files import FileTask, Options, walk
from leakguard.work import Done, Policy, Unit, batches, units

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Small files with secrets, and one that is cut into parts."""
    for number in range(40):
        text, _ = leak(sorted(TEMPLATES)[number % len(TEMPLATES)], number)
        (tmp_path / f"{number:02}.txt").write_bytes(noise(number, 2000) + b"\n" + text)
    parts = []
    for number in range(60):
        text, _ = leak(sorted(TEMPLATES)[number % len(TEMPLATES)], number)
        parts += [noise(number, 20_000), b"\n", ENCODINGS["base64"](text * 30) if number % 4 == 1 else text]
    (tmp_path / "large.log").write_bytes(b"".join(parts))
    return tmp_path


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """So small that there is much to hand out."""
    monkeypatch.setattr(work, "SPLIT", 200_000)
    monkeypatch.setattr(work, "BATCH_BYTES", 10_000)


@pytest.fixture(autouse=True)
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[workers._Worker]]:
    """The workers that a test started: none of them may be left when it ends."""
    started: list[workers._Worker] = []
    start = workers._Worker.__init__

    def init(self: workers._Worker, engine: Engine, policy: Policy, scan: Callable[..., Done]) -> None:
        start(self, engine, policy, scan)
        started.append(self)

    monkeypatch.setattr(workers._Worker, "__init__", init)
    yield started
    assert alive(started) == []


def alive(started: list[workers._Worker]) -> list[int]:
    """Their process numbers."""
    return [worker.process.pid for worker in started if worker.process.is_alive()]


def tasks(tree: Path) -> list[FileTask]:
    return list(walk([str(tree)], Options(), lambda incident: pytest.fail(str(incident))))


def scanned(engine: Engine, tree: Path, jobs: int) -> ScanResult:
    collector = Collector()
    scan_files(tasks(tree), lambda _: engine, Policy(), jobs, collector, parallel_from=0 if jobs > 1 else 1 << 60)
    return collector.result()


def findings(result: ScanResult) -> list[Finding]:
    return sorted(result.findings, key=lambda finding: (finding.path, finding.start_byte, finding.rule, finding.view))


# ---- the same -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("jobs", [2, 5])
def test_many_workers_find_what_one_does(engine: Engine, tree: Path, many: None, jobs: int) -> None:
    assert len(list(units(tasks(tree)))) > 44
    alone, together = scanned(engine, tree, 1), scanned(engine, tree, jobs)
    assert len(alone.findings) > 80
    assert together.findings == alone.findings
    assert together.sets == alone.sets
    assert together.incidents == alone.incidents == ()
    assert together.totals == alone.totals


def test_parts_find_what_a_file_scanned_at_once_does(
    engine: Engine, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = scanned(engine, tree, 1)
    monkeypatch.setattr(work, "SPLIT", 200_000)
    assert findings(scanned(engine, tree, 3)) == findings(whole)


def test_spawned_workers_find_the_same(engine: Engine, tree: Path, many: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where processes cannot be forked the compiled rules are sent to them."""
    monkeypatch.setattr(workers, "METHOD", "spawn")
    assert scanned(engine, tree, 2) == scanned(engine, tree, 1)


def test_results_come_in_order(engine: Engine, tree: Path, many: None) -> None:
    handed = list(units(tasks(tree)))
    assert [unit for unit, _ in workers.run(engine, batches(handed), Policy(), 4)] == handed
    assert list(workers.run(engine, [], Policy(), 2)) == []


def test_little_work_starts_nobody(engine: Engine, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "run", lambda *_: pytest.fail("a worker was started"))
    collector = Collector()
    scan_files(tasks(tree), lambda _: engine, Policy(), 4, collector)
    assert collector.objects == 41


# ---- a worker dies --------------------------------------------------------------------------------------------------


def deadly(monkeypatch: pytest.MonkeyPatch, names: set[str], code: int = 9) -> None:
    """Lets a worker die on files of these names."""
    scan = workers.scan_unit
    parent = os.getpid()

    def dies(engine: Engine, unit: Unit, policy: Policy) -> Done:
        if os.path.basename(unit.task.path) in names:
            assert os.getpid() != parent
            os._exit(code)
        return scan(engine, unit, policy)

    monkeypatch.setattr(workers, "scan_unit", dies)


def test_what_a_worker_dies_on_is_told_and_the_rest_scanned(
    engine: Engine, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deadly(monkeypatch, {"03.txt", "17.txt", "39.txt"})
    alone = [f for f in scanned(engine, tree, 1).findings if not f.path.endswith(("/03.txt", "/17.txt", "/39.txt"))]
    result = scanned(engine, tree, 2)
    assert list(result.findings) == alone
    assert [(os.path.basename(i.origin), i.state) for i in result.incidents] == [
        ("03.txt", "failed"), ("17.txt", "failed"), ("39.txt", "failed"),
    ]  # fmt: skip
    assert all("died" in incident.reason for incident in result.incidents)
    assert sum(i.bytes for i in result.incidents) == sum((tree / f"{n}.txt").stat().st_size for n in ("03", "17", "39"))
    assert result.totals.objects == 38


def test_a_part_a_worker_dies_on_is_not_the_whole_file(
    engine: Engine, tree: Path, many: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan = workers.scan_unit

    def dies(engine: Engine, unit: Unit, policy: Policy) -> Done:
        if unit.start == 200_000:
            os._exit(9)
        return scan(engine, unit, policy)

    monkeypatch.setattr(workers, "scan_unit", dies)
    result = scanned(engine, tree, 2)
    assert [incident.bytes for incident in result.incidents] == [200_000]
    assert result.totals.bytes + 200_000 == sum(path.stat().st_size for path in tree.iterdir())


def test_everybody_dying_ends(engine: Engine, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deadly(monkeypatch, {f"{number:02}.txt" for number in range(40)} | {"large.log"})
    result = scanned(engine, tree, 2)
    assert (len(result.incidents), result.totals.objects) == (41, 0)


def test_a_killed_worker_costs_nothing(engine: Engine, tree: Path, many: None) -> None:
    """Killed from outside, and not by what it scans: another one does its work."""
    results = []
    pool = workers._Pool(engine, Policy(), 2)
    try:
        for number, result in enumerate(pool.run(batches(units(tasks(tree))))):
            results.append(result)
            if number == 3:
                for worker in pool.workers:
                    os.kill(worker.process.pid, signal.SIGKILL)
        pool.finish()
    finally:
        pool.kill()
    alone = [pipeline.scan_unit(engine, unit, Policy()) for unit in units(tasks(tree))]
    assert [done for _, done in results] == alone


def test_a_worker_that_fails_says_nothing(
    engine: Engine, tree: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A traceback could quote what is scanned."""

    def fails(engine: Engine, unit: Unit, policy: Policy) -> Done:
        raise RuntimeError(f"saw {leak('github', 1)[0]!r}")

    monkeypatch.setattr(workers, "scan_unit", fails)
    result = scanned(engine, tree, 2)
    assert len(result.incidents) == 41
    assert capfd.readouterr() == ("", "")


# ---- nobody is left -------------------------------------------------------------------------------------------------


def test_whoever_stops_listening_leaves_nobody(
    engine: Engine, tree: Path, many: None, made: list[workers._Worker]
) -> None:
    results = workers.run(engine, batches(units(tasks(tree))), Policy(), 3)
    next(results)
    assert len(alive(made)) == 3
    results.close()
    assert len(made) == 3
    assert alive(made) == []


def test_an_interrupt_leaves_nobody(
    engine: Engine, tree: Path, monkeypatch: pytest.MonkeyPatch, made: list[workers._Worker]
) -> None:
    """^C goes to everybody in the foreground: the workers ignore it, and are ended by who started them."""
    scan = workers.scan_unit

    def slow(engine: Engine, unit: Unit, policy: Policy) -> Done:
        time.sleep(0.2)
        return scan(engine, unit, policy)

    monkeypatch.setattr(workers, "scan_unit", slow)

    def interrupt(*_: object) -> None:
        for process in alive(made):
            os.kill(process, signal.SIGINT)
        raise KeyboardInterrupt

    monkeypatch.setattr(work, "BATCH_FILES", 1)
    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    try:
        with pytest.raises(KeyboardInterrupt):
            scanned(engine, tree, 2)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert len(made) == 2
    assert alive(made) == []


def test_failing_to_start_leaves_nobody(
    engine: Engine, tree: Path, monkeypatch: pytest.MonkeyPatch, made: list[workers._Worker]
) -> None:
    start = workers._Worker.__init__
    count = 0

    def third_fails(self: workers._Worker, *more: object) -> None:
        nonlocal count
        count += 1
        if count == 3:
            raise OSError("no more processes")
        start(self, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(workers._Worker, "__init__", third_fails)
    with pytest.raises(OSError, match="no more"):
        scanned(engine, tree, 4)
    assert len(made) == 2
    assert alive(made) == []


# ---- batches of content, which a worker has two of ------------------------------------------------------------------


def _answered(_engine: Engine, unit: bytes, _policy: Policy) -> bytes:
    if unit.startswith(b"deadly"):
        os.kill(os.getpid(), signal.SIGKILL)
    return unit * 3


def _gone(unit: bytes, reason: str) -> bytes:
    return f"{len(unit)} {reason}".encode()


@pytest.mark.parametrize("arena", [workers.ARENA, 300_000])
def test_batches_that_are_handed_out_beforehand_are_answered_in_order(
    engine: Engine, arena: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither what does not fit the arena nor answers that no pipe holds make one wait for the other."""
    monkeypatch.setattr(workers, "ARENA", arena)
    units = [b"%d " % number * (number * 7919 % 60_000) for number in range(90)]
    batches = [units[at : at + 3] for at in range(0, len(units), 3)]
    done = list(workers.run_any(engine, batches, Policy(), 2, _answered, _gone, lambda batch: sum(map(len, batch)) + 1))
    assert done == [(unit, unit * 3) for unit in units]


def test_a_worker_that_dies_with_two_batches_loses_one_unit(engine: Engine) -> None:
    units = [b"deadly %d" % number if number % 17 == 5 else b"%d" % number for number in range(120)]
    batches = [units[at : at + 4] for at in range(0, len(units), 4)]
    done = list(workers.run_any(engine, batches, Policy(), 3, _answered, _gone, lambda batch: 1))
    assert [unit for unit, _ in done] == units
    for unit, answer in done:
        if unit.startswith(b"deadly"):
            assert answer.startswith(b"%d a worker died on it" % len(unit))
        else:
            assert answer == unit * 3


@pytest.mark.parametrize("weight", [None, 0, 1])
def test_what_follows_an_empty_batch_is_made_when_all_before_it_was_handed_on(engine: Engine, weight: int | None) -> None:
    taken: list[bytes] = []
    seen: list[int] = []

    def batches() -> Iterator[list[bytes]]:
        for part in range(3):
            yield from ([b"%d" % number] for number in range(part * 20, part * 20 + 20))
            yield []
            seen.append(len(taken))

    weigh = None if weight is None else lambda batch: weight * len(batch)
    for unit, answer in workers.run_any(engine, batches(), Policy(), 2, _answered, _gone, weigh):
        assert answer == unit * 3
        taken.append(unit)
    assert taken == [b"%d" % number for number in range(60)]
    assert seen == [20, 40, 60]


@pytest.mark.parametrize("empty", [[[]], [[], []], [[], [b"1"], [], []]])
def test_empty_batches_end(engine: Engine, empty: list[list[bytes]]) -> None:
    done = list(workers.run_any(engine, iter(empty), Policy(), 2, _answered, _gone))
    assert done == [(unit, unit * 3) for batch in empty for unit in batch]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a system without fork")
@pytest.mark.parametrize("processes", [1, 2, 3, 9])
def test_items_are_done_in_order_whoever_does_them(processes: int) -> None:
    items = [bytes([number]) * 100_000 for number in range(7)]  # more than a pipe holds
    told = forks.over(lambda item: (item, os.getpid()), items, processes)
    assert [item for item, _ in told] == items
    assert len({pid for _, pid in told}) == min(processes, len(items))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a system without fork")
def test_what_another_process_fails_at_is_raised_here() -> None:
    here, before = os.getpid(), _children()

    def elsewhere(number: int) -> int:
        if os.getpid() != here:
            raise ValueError(number)  # or it was killed
        return number

    def nowhere(number: int) -> int:
        if number == 3:
            raise ValueError(number)
        return number

    assert forks.over(elsewhere, range(5), 2) == [0, 1, 2, 3, 4]
    with pytest.raises(ValueError, match="3"):
        forks.over(nowhere, range(5), 2)
    assert set(_children()) <= set(before)


def _children() -> list[str]:
    path = f"/proc/{os.getpid()}/task/{os.getpid()}/children"
    if not os.path.exists(path):
        return []
    with open(path) as handle:
        return handle.read().split()
