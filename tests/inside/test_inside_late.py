"""Files that wait for their parser: put off, never forgotten, and found as one process finds them."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random

import pytest
from papers import pdf

from leakguard import spread
from leakguard.collector import Collector
from leakguard.detect.engine import Engine
from leakguard.detect.generate import expand
from leakguard.model import Incident, ScanResult
from leakguard.pipeline import scan_files
from leakguard.sources.files import Options, walk
from leakguard.sources.inside import nursery
from leakguard.sources.inside.limits import Limits
from leakguard.work import Policy, Unit

pytestmark = pytest.mark.skipif(not nursery.able(), reason="nothing can be forked so here")

POLICY = Policy(inside=Limits())


class _Common(nursery.Common):
    """One that nobody starts, and that is ready when it was asked so often."""

    def __init__(self, patience: int) -> None:
        super().__init__("pdf")
        self.begun = 0
        self.patience = patience

    def begin(self, command: list[str], environment: dict[str, str]) -> None:
        self.begun += 1

    def ready(self) -> bool:
        self.patience -= 1
        return self.patience < 0


def _names(engine: Engine, folder: Path, common: _Common, jobs: int = 2) -> list[list[str]]:
    told: list[Incident] = []
    work = spread._work(engine, walk([str(folder)], Options(), told.append), POLICY, Collector(), jobs, spread._Late(common))
    return [[os.path.basename(item.task.path) for item in batch if isinstance(item, Unit)] for batch in work]


@pytest.mark.parametrize(("patience", "after"), [(0, 1 << 40), (1000, 1 << 40), (1000, 100_000), (1000, 1)])
def test_they_come_when_the_parser_is_ready_or_at_the_end_and_each_once(
    patience: int, after: int, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spread, "FIRST_BYTES", 8 * 1024)
    monkeypatch.setattr(spread, "BATCH_BYTES", 64 * 1024)
    monkeypatch.setattr(spread, "LATE_COST", 16 * 1024)
    monkeypatch.setattr(spread, "LATE_AFTER", after)
    for number in range(60):
        (tmp_path / f"{number:02}.txt").write_bytes(b"a line\n" * 1000)
        if number % 3 == 0:
            (tmp_path / f"{number:02}.pdf").write_bytes(b"no page\n")
    common = _Common(patience)
    try:
        batches = _names(engine, tmp_path, common)
    finally:
        common.close()
    assert common.begun
    names = [name for batch in batches for name in batch]
    assert sorted(names) == sorted(os.listdir(tmp_path))
    late = [number for number, name in enumerate(names) if name.endswith(".pdf")]
    if after == 1 << 40 and patience:
        assert late == [*range(60, 80)], "last, if it was never ready"
    else:
        assert late[0] < 20
    assert max(sum(name.endswith(".pdf") for name in batch) for batch in batches) <= 4
    assert not any(name.endswith(".pdf") and not all(other.endswith(".pdf") for other in batch) for batch in batches for name in batch)


def _scan(path: Path, engine: Engine, jobs: int) -> ScanResult:
    told: list[Incident] = []
    collector = Collector()
    before = os.getcwd()
    os.chdir(path)
    try:
        scan_files(walk(["."], Options(), told.append), lambda _: engine, POLICY, jobs, collector, parallel_from=1)
    finally:
        os.chdir(before)
    return collector.result(told)


def test_two_processes_find_in_them_what_one_does(engine: Engine, tmp_path: Path) -> None:
    rng = Random(4)
    for number in range(30):
        value = expand("{{gen:github ghp_}}", rng)
        (tmp_path / f"{number:02}.txt").write_text("nothing at all\n" * 400)
        if number % 4 == 0:
            (tmp_path / f"{number:02}.pdf").write_bytes(pdf([[f"GITHUB_TOKEN={value}"]]).end())
    (tmp_path / "no.pdf").write_bytes(b"GITHUB_TOKEN=" + expand("{{gen:github ghp_}}", rng).encode())
    (tmp_path / "cut.pdf").write_bytes(pdf([["a page"]]).end()[:200])
    (tmp_path / "link.pdf").symlink_to("00.pdf")
    one, two = _scan(tmp_path, engine, 1), _scan(tmp_path, engine, 2)
    places = [sorted((str(f.origin), f.start_line, f.fingerprint) for f in result.findings) for result in (one, two)]
    assert places[0] == places[1]
    assert len({path for path, _, _ in places[0]}) == 9
    assert sorted(one.incidents, key=str) == sorted(two.incidents, key=str)
    assert one.totals == two.totals
    assert not nursery._promised
