"""Work trees scanned with their packs: what a file holds is not scanned again as a blob, and nothing that is said changes."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from random import Random

import pytest
from repos import Repository

from leakguard import pieces
from leakguard.collector import Collector
from leakguard.detect.engine import Engine
from leakguard.detect.generate import expand
from leakguard.model import Finding, ScanResult
from leakguard.pipeline import scan_files
from leakguard.sources.files import Options, walk
from leakguard.sources.inside.limits import Limits
from leakguard.work import Policy

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="workers are not forked there")


def scanned(root: Path, engine: Engine, jobs: int) -> ScanResult:
    collector = Collector()
    collector.accounts = True
    policy = Policy(inside=Limits(), git=True)
    here = os.getcwd()
    os.chdir(root.parent)
    try:
        tasks = walk([root.name], Options(git=True), collector.incidents.append)
        scan_files(tasks, lambda _: engine, policy, jobs, collector, parallel_from=1)
    finally:
        os.chdir(here)
    return collector.result()


def told(result: ScanResult) -> list[tuple[str, str, int, bytes | None]]:
    return [(finding.rule, str(finding.origin), finding.start_line, finding.secret) for finding in result.findings]


def secret_in(finding: Finding, text: str) -> bool:
    return finding.secret is not None and finding.secret.decode() in text


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the blobs that were scanned."""
    names: list[str] = []
    look = pieces.Contents.look

    def looked(self: pieces.Contents, piece: pieces.Piece) -> None:
        look(self, piece)
        names.extend([] if piece.again else [str(piece.origin).rpartition("/")[2]])

    monkeypatch.setattr(pieces.Contents, "look", looked)
    return names


def built(folder: Path, count: int = 60) -> Repository:
    repo = Repository(folder)
    for number in range(count):
        rng = Random(number)
        words = "\n".join(" ".join(rng.choices("one two three four = ( ) ' key x".split(), k=9)) for _ in range(60))
        repo.write(f"src/{number}.py", f"# file {number}\n{words}\n")
    repo.git("add", "-A")
    repo.git("commit", "-qm", "first")
    return repo


def ids(repo: Repository, *names: str) -> list[str]:
    return [repo.git("rev-parse", f"HEAD:{name}").strip() for name in names]


def test_what_is_said_is_what_one_process_says(tmp_path: Path, engine: Engine, sent: list[str]) -> None:
    rng = Random(1)
    repo = built(tmp_path / "work")
    token, other = expand("{{gen:github ghp_}}", rng), expand("{{gen:github ghp_}}", rng)
    repo.write("gone.env", f"GITHUB_TOKEN={token}\n")
    repo.write("src/binance/config.py", f"api_key = '{expand('{{alnum*64}}', rng)}'\n")  # whose it is only the path says
    repo.write("here.env", f"GITHUB_TOKEN={other}\n")
    repo.write("docker-compose.yml", "services:\n  a:\n    env_file: here.env\n")
    repo.write("empty", b"")
    repo.git("add", "-A")
    repo.git("commit", "-qm", "second")
    repo.git("rm", "-q", "gone.env")
    repo.git("commit", "-qm", "third")
    repo.git("gc", "-q")
    one = scanned(repo.root, engine, 1)
    assert not sent
    for jobs in (2, 3):
        sent.clear()
        more = scanned(repo.root, engine, jobs)
        assert told(more) == told(one)
        assert (more.sets, more.incidents, more.totals, more.receipt) == (one.sets, one.incidents, one.totals, one.receipt)
        again = set(ids(repo, *[f"src/{number}.py" for number in range(60)])) - set(sent)
        assert len(again) == 60
    assert sum(secret_in(finding, token) for finding in one.findings) == 1
    assert sum(secret_in(finding, other) for finding in one.findings) == 2, "as a file and as a blob"
    assert one.totals.objects > 2 * 60


def test_of_a_file_that_was_changed_the_blob_is_scanned(tmp_path: Path, engine: Engine, sent: list[str]) -> None:
    """Also where size and time say that it is the same, and the index believes that."""
    rng = Random(2)
    repo = built(tmp_path / "work", 12)
    token = expand("{{gen:github ghp_}}", rng)
    path = repo.write("a.env", f"GITHUB_TOKEN={token}\n")
    os.utime(path, ns=(10**18, 10**18))
    repo.git("add", "-A")
    repo.git("commit", "-qm", "leak")
    repo.git("gc", "-q")
    (blob,) = ids(repo, "a.env")
    path.write_bytes(f"GITHUB_TOKEN={'x' * len(token)}\n".encode())
    os.utime(path, ns=(10**18, 10**18))
    repo.git("update-index", "--assume-unchanged", "a.env")
    result = scanned(repo.root, engine, 2)
    assert [str(finding.origin).rpartition("/")[2] for finding in result.findings] == [blob]
    assert blob in sent


def test_what_is_nothing_in_a_program_may_be_something_in_a_blob(tmp_path: Path, engine: Engine) -> None:
    """A bare word after `password =` is a name in a program, and a value in a file that nobody knows."""
    repo = built(tmp_path / "work", 12)
    repo.write("a.py", "password = Tr0ub4dor_and_3\n")
    repo.git("add", "-A")
    repo.git("commit", "-qm", "x")
    repo.git("gc", "-q")
    (blob,) = ids(repo, "a.py")
    one, two = scanned(repo.root, engine, 1), scanned(repo.root, engine, 2)
    assert told(one) == told(two)
    assert {str(finding.origin).rpartition("/")[2] for finding in one.findings} == {blob}


@pytest.mark.parametrize("jobs", [1, 2])
def test_no_index_hides_what_a_pack_holds(tmp_path: Path, engine: Engine, jobs: int) -> None:
    """Ids and places are those of the pack's bytes; an index that has an object twice, and another not at all, changes nothing."""
    rng = Random(3)
    repo = built(tmp_path / "work", 12)
    token = expand("{{gen:github ghp_}}", rng)
    repo.commit("a.env", f"GITHUB_TOKEN={token}\n")
    repo.git("rm", "-q", "a.env")
    repo.git("commit", "-qm", "gone")
    repo.git("gc", "-q")
    before = scanned(repo.root, engine, jobs)
    assert any(secret_in(finding, token) for finding in before.findings)
    (index,) = (repo.root / ".git/objects/pack").glob("*.idx")
    data = bytearray(index.read_bytes())
    count = int.from_bytes(data[8 + 1020 : 8 + 1024], "big")
    places = 8 + 1024 + 24 * count
    index.chmod(0o600)
    data[places : places + 4 * count] = data[places : places + 4] * count
    index.write_bytes(data)
    assert told(scanned(repo.root, engine, jobs)) == told(before)


def test_several_packs_and_loose_objects(tmp_path: Path, engine: Engine, sent: list[str]) -> None:
    rng = Random(4)
    repo = built(tmp_path / "work", 20)
    repo.git("gc", "-q")
    for number in range(3):
        repo.commit(f"new{number}.env", f"GITHUB_TOKEN={expand('{{gen:github ghp_}}', rng)}\n" + "words of it\n" * 20)
        if number < 2:
            repo.git("repack", "-dq")
    one = scanned(repo.root, engine, 1)
    two = scanned(repo.root, engine, 2)
    assert told(one) == told(two)
    assert (one.totals, one.receipt, one.incidents) == (two.totals, two.receipt, two.incidents)
    assert len(one.findings) == 6
    assert not set(ids(repo, "src/3.py", "src/7.py")) & set(sent)
