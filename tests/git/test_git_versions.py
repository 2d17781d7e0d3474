"""Versions of files that are scanned by what differs give the findings of versions that are scanned whole."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from repos import Repository

from leakguard import cutting, history, objects
from leakguard.detect.engine import Engine
from leakguard.detect.generate import expand
from leakguard.detect.reuse import Reuse
from leakguard.history import Options, scan_repository
from leakguard.model import ScanResult
from leakguard.work import Policy


def dull(random: Random, count: int) -> list[str]:
    names = ("result", "index", "total", "row", "state", "width")
    return [f"    {random.choice(names)} = {random.choice(names)}[{random.randrange(10)}] + {random.choice(names)}\n" for _ in range(count)]


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    """Two files, changed in turn: by dull lines, and by leaks that come, move, and go, a line or a half at a time."""
    random = Random(5)
    made = Repository(tmp_path / "repo", "-b", "main")
    files = {"app.py": dull(random, 300), "conf/notes.md": dull(random, 400)}
    secret = expand("{{alnum*64}}", random)
    token = expand("{{gen:github ghp_}}", random)
    leaks = (
        [f"TOKEN = '{token}'\n"], [f"TOKEN = '{token[:20]}"], [f"{token[20:]}'\n"], ["[binance]\n", f'api_secret = "{secret}"\n'],
        [f'secret = "{secret}"\n'], ["# binance\n"], ["-----BEGIN RSA PRIVATE KEY-----\n"], [expand("{{gen:pem pkcs8}}", random) + "\n"],
        ["password = hunter2\n", "user = admin\n"],
    )  # fmt: skip
    for number in range(40):
        name = random.choice(sorted(files))
        lines = files[name]
        at = random.randrange(len(lines))
        if number % 3 == 0:
            lines[at:at] = random.choice(leaks)
        else:
            lines[at : at + random.randrange(6)] = dull(random, random.randrange(8))
        made.commit(name, "".join(lines))
    return made


def scanned(repo: Repository, engine: Engine, jobs: int) -> ScanResult:
    return scan_repository(str(repo.root), lambda _size: engine, Policy(), Options(jobs=jobs, cache=""))[0]


def test_files_that_move_to_other_folders_give_the_same(tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Into one that names a venue too: there more is found in the same lines."""
    random = Random(6)
    made = Repository(tmp_path / "repo", "-b", "main")
    value = expand("{{alnum*64}}", random)
    lines = [*dull(random, 300), f'secret = "{value}"\n', *dull(random, 300)]
    for folder in ("src", "lib/src", "lib/v2/src", "binance", "lib/binance", "last", "old/last"):
        lines[random.randrange(300)] = "".join(dull(random, 2))
        made.commit(f"{folder}/client.py", "".join(lines))
        lines.append("# more\n")
    made.git("repack", "-adfq", "--window=10")
    whole = scanned(made, engine, 1)
    reuse = Reuse(engine)
    monkeypatch.setattr(cutting, "VERSIONS_FROM", 0)
    monkeypatch.setattr(objects, "versions", lambda _engine, _shadow: reuse)
    again = scanned(made, engine, 1)
    assert (again.findings, again.sets, again.incidents) == (whole.findings, whole.sets, whole.incidents)
    assert whole.findings
    assert reuse.whole < 3.5 * len("".join(lines)) < reuse.reused + reuse.whole  # the first, and where a venue comes or goes


@pytest.mark.parametrize("jobs", [1, 2])
def test_versions_scanned_by_what_differs_give_the_same(
    repo: Repository, engine: Engine, jobs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = scanned(repo, engine, 1)
    made: list[Reuse] = []

    def versions(engine: Engine, shadow: str) -> Reuse:
        if not made:
            made.append(Reuse(engine))
        return made[0]

    monkeypatch.setattr(cutting, "VERSIONS_FROM", 0)
    monkeypatch.setattr(history, "PARALLEL_FROM", 0)
    monkeypatch.setattr(objects, "versions", versions)
    again = scanned(repo, engine, jobs)
    assert (again.findings, again.sets, again.incidents) == (whole.findings, whole.sets, whole.incidents)
    assert len(whole.findings) > 2
    assert again.totals[:2] == whole.totals[:2]
    assert jobs > 1 or made[0].reused > 0


def test_short_files_that_are_looked_at_together_are_found(tmp_path: Path, engine: Engine) -> None:
    """A key file is two bare lines and a table's row names nothing but a venue: neither may pass as a dull short blob."""
    random = Random(11)
    made = Repository(tmp_path / "repo", "-b", "main")
    for number in range(30):
        made.commit(f"dull{number}.py", "".join(dull(random, 6)))
    made.commit("kraken.key", expand("{{alnum*56}}\n{{b64*86}}==\n", random))
    made.commit("notes.txt", expand("bybit {{alnum*18}} {{alnum*36}}\n", random))
    made.git("repack", "-adq")
    found = {(str(one.path), one.part) for one in scanned(made, engine, 1).findings}
    assert found == {(name, part) for name in ("kraken.key", "notes.txt") for part in ("api-key", "api-secret")}
