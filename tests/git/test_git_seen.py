"""What was scanned before is not read again, and whatever happens to the cache, the findings are the same."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from repos import Repository

from leakguard import cutting, history
from leakguard.detect import cache
from leakguard.detect.engine import Engine
from leakguard.detect.generate import expand
from leakguard.errors import UsageError
from leakguard.gitpiece import PieceDone
from leakguard.history import Options, scan_repository
from leakguard.model import Confidence, CredentialSet, Finding, Origin, ScanResult, Severity, Suppression
from leakguard.objects import scan_piece
from leakguard.triage.seen import MERGE_FROM, Seen
from leakguard.work import Policy

PASSWORD = expand("{{alnum*20}}", Random(41))


def token(number: int) -> str:
    return expand("{{gen:github ghp_}}", Random(4000 + number))


def line(number: int) -> str:
    return f"TOKEN = '{token(number)}'\n"


@pytest.fixture(scope="module")
def quiet(loaded: cache.Loaded) -> Engine:
    """An engine that keeps no secrets: with one that does, nothing is remembered."""
    return Engine(loaded.ruleset, loaded.stage1)


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "repo", "-b", "main")
    made.commit("a.txt", line(1) + f"postgres://app:{PASSWORD}@db.example.org:5432/orders\n")
    made.commit("a.txt", "clean\n", f"took out {token(2)}")
    made.commit(f"name-{token(3)}.txt", "named\n")
    made.commit("b.txt", "b\n")
    return made


class Scanner:
    """Scans with a cache file and counts the objects whose content was read."""

    def __init__(self, repo: Path, file: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
        self.repo, self.file, self.engine = repo, file, engine
        self.read: list[str] = []
        monkeypatch.setattr(history, "scan_piece", self._piece)

    def _piece(self, engine: Engine, piece: object, policy: Policy) -> PieceDone:
        assert isinstance(piece, history.Piece)
        width = piece.width
        self.read += [piece.ids[at : at + width].hex() for at in range(0, len(piece.ids), width)]
        return scan_piece(engine, piece, policy)

    def __call__(self, **options: object) -> ScanResult:
        self.read.clear()
        chosen = Options(**{"jobs": 1, "cache": str(self.file), **options})  # type: ignore[arg-type]
        return scan_repository(str(self.repo), lambda _expected: self.engine, Policy(), chosen)[0]


@pytest.fixture
def scanner(repo: Repository, tmp_path: Path, quiet: Engine, monkeypatch: pytest.MonkeyPatch) -> Scanner:
    return Scanner(repo.root, tmp_path / "seen.sqlite", quiet, monkeypatch)


def same(one: ScanResult, other: ScanResult) -> bool:
    def told(result: ScanResult) -> tuple[object, ...]:
        gaps = {i for i in result.incidents if i.state != "skipped"}
        return set(result.findings), {(made.id, str(made.origin)) for made in result.sets}, gaps

    return told(one) == told(other)


def test_a_second_scan_reads_nothing_again_and_says_the_same(scanner: Scanner, repo: Repository) -> None:
    repo.git("rm", "-q", "--cached", f"name-{token(3)}.txt")
    fresh = scanner(cache="")
    first = scanner()
    assert same(first, fresh)
    second = scanner()
    # the commit that brought the name is read again: the name must not be kept in plain text
    assert [repo.git("cat-file", "-t", oid).strip() for oid in scanner.read] == ["commit"]
    assert same(second, fresh)
    assert second.receipt["repositories"][0]["known"] > 0


def test_without_a_secret_in_a_name_a_second_scan_reads_not_one_object(
    tmp_path: Path, quiet: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = Repository(tmp_path / "repo", "-b", "main")
    repo.commit("a.txt", line(1))
    scan = Scanner(repo.root, tmp_path / "seen.sqlite", quiet, monkeypatch)
    first = scan()
    assert len(scan.read) == 2  # trees are compared, not read
    assert same(first, scan())
    assert scan.read == []
    repo.commit("a.txt", line(2))
    third = scan()
    assert len(scan.read) == 2
    assert same(third, scan(cache=""))
    assert len(third.findings) == 2


def test_facts_follow_the_refs_when_no_object_is_new(scanner: Scanner, repo: Repository) -> None:
    scanner()
    repo.git("branch", "other")
    repo.git("update-ref", "-d", "refs/heads/main")
    repo.git("symbolic-ref", "HEAD", "refs/heads/other")
    assert same(scanner(), scanner(cache=""))


def test_what_was_pruned_is_not_found_any_more(scanner: Scanner, repo: Repository) -> None:
    repo.commit("c.txt", line(4))
    repo.commit("big.bin", f"version https://git-lfs.github.com/spec/v1\noid sha256:{'ab' * 32}\nsize 12\n")
    first = scanner()
    assert any("LFS" in incident.reason for incident in first.incidents)
    repo.git("reset", "-q", "--hard", "HEAD~2")
    repo.git("reflog", "expire", "--expire=now", "--all")
    repo.git("gc", "-q", "--prune=now")
    fresh, again = scanner(cache=""), scanner()
    assert len(fresh.findings) < len(first.findings)
    assert same(again, fresh)
    assert not [incident for incident in again.incidents if "LFS" in incident.reason]
    repo.commit("c.txt", line(4))  # the same object comes back
    assert same(scanner(), scanner(cache=""))


def test_what_is_missing_stays_missing(scanner: Scanner, repo: Repository) -> None:
    repo.commit("big.bin", f"version https://git-lfs.github.com/spec/v1\noid sha256:{'cd' * 32}\nsize 5\n")
    gone = repo.git("rev-parse", "HEAD:b.txt").strip()
    repo.lose(gone)
    fresh = scanner(cache="")
    assert len([i for i in fresh.incidents if i.state == "failed"]) == 2
    for _ in range(3):
        assert same(scanner(), fresh)
    repo.git("hash-object", "-w", "--stdin", given="b\n")
    assert len([i for i in scanner().incidents if i.state == "failed"]) == 1


def test_the_file_is_private_and_holds_no_secret(scanner: Scanner, repo: Repository) -> None:
    scanner()
    data = scanner.file.read_bytes()
    assert stat.S_IMODE(scanner.file.stat().st_mode) == 0o600
    for secret in (token(1), token(2), token(3), PASSWORD):
        assert secret.encode() not in data
        assert secret.encode() not in data.replace(b"\0", b"")
    assert b"github.personal-access-token" in data  # findings are kept in it


def test_other_rules_or_settings_start_anew(scanner: Scanner, loaded: cache.Loaded) -> None:
    scanner()
    count = len(scanner.read)
    assert count == 8
    scanner.engine = Engine(loaded.ruleset, loaded.stage1, decode_depth=1)
    scanner()
    assert len(scanner.read) == count
    scanner.engine = Engine(loaded.ruleset._replace(digest="other"), loaded.stage1)
    scanner()
    assert len(scanner.read) == count
    with sqlite3.connect(scanner.file) as db:
        assert db.execute("SELECT count(*) FROM scope").fetchone() == (2,)
        assert db.execute("SELECT count(DISTINCT scope) FROM found").fetchone() == (2,)
    db.close()


@pytest.mark.parametrize("after", [0, 1, 2, 3, 4, 6, 7, 30])
def test_a_scan_that_was_killed_leaves_a_cache_that_is_right(
    scanner: Scanner, repo: Repository, quiet: Engine, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    monkeypatch.setattr(cutting, "PIECE_OBJECTS", 1)
    monkeypatch.setattr(history, "COMMIT_EVERY", 0.0)
    fresh = scanner(cache="")
    process = multiprocessing.get_context("fork").Process(target=_killed, args=(repo.root, scanner.file, quiet, after))
    process.start()
    process.join()
    assert process.exitcode == (9 if after < 30 else 0)
    again = scanner()
    assert same(again, fresh)
    assert same(scanner(), fresh)


def _killed(repo: Path, file: Path, engine: Engine, after: int) -> None:
    left = [after]

    def piece(engine: Engine, piece: object, policy: Policy) -> PieceDone:
        assert isinstance(piece, history.Piece)
        if left[0] == 0:
            os._exit(9)
        left[0] -= 1
        return scan_piece(engine, piece, policy)

    history.scan_piece = piece  # type: ignore[assignment]
    scan_repository(str(repo), lambda _expected: engine, Policy(), Options(cache=str(file)))
    os._exit(0)


def test_blobs_that_were_done_before_a_kill_are_not_read_again(
    scanner: Scanner, repo: Repository, quiet: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cutting, "PIECE_OBJECTS", 1)
    monkeypatch.setattr(history, "COMMIT_EVERY", 0.0)
    scanner(cache="")
    everything = len(scanner.read)
    process = multiprocessing.get_context("fork").Process(
        target=_killed, args=(repo.root, scanner.file, quiet, everything - 1)
    )
    process.start()
    process.join()
    scanner()
    blobs = [oid for oid in scanner.read if repo.git("cat-file", "-t", oid).strip() == "blob"]
    assert len(blobs) == 1


def test_an_object_that_failed_is_tried_again(scanner: Scanner, repo: Repository) -> None:
    blob = repo.git("rev-parse", "HEAD:b.txt").strip()
    path = repo.root / ".git" / "objects" / blob[:2] / blob[2:]
    good = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(good[:5])
    assert [i for i in scanner().incidents if i.state == "failed"]
    assert [i for i in scanner().incidents if i.state == "failed"]
    path.write_bytes(good)
    assert not scanner().incidents
    assert blob in scanner.read


@pytest.mark.parametrize(
    "content", [b"not a database, but long enough to look at" * 10, b"SQLite format 3\0" + b"x" * 500]
)
def test_a_damaged_cache_is_made_anew_in_our_folder_and_refused_where_it_was_named(
    scanner: Scanner, content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scanner.file.write_bytes(content)
    with pytest.raises(UsageError, match="cannot be used"):
        scanner()
    assert scanner.file.read_bytes() == content
    monkeypatch.setenv("LEAKGUARD_CACHE_DIR", str(tmp_path / "caches"))
    fresh = scanner(cache=None)
    (own,) = (tmp_path / "caches" / "git").iterdir()
    own.write_bytes(content)
    assert same(scanner(cache=None), fresh)


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM found WHERE rowid = (SELECT min(rowid) FROM found)", "UPDATE found SET scope = scope + 7",
        "UPDATE found SET data = replace(data, 'findings', 'findingz')", "UPDATE found SET oid = zeroblob(20)",
        "UPDATE found SET data = x'00ff'", "UPDATE note SET value = 'x' WHERE kind = 'sum'", "DELETE FROM note WHERE kind = 'sum'",
    ],
)  # fmt: skip
def test_a_cache_that_lost_what_was_found_is_not_believed(
    scanner: Scanner, change: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One bit of it on a bad disk, and what was found would be gone, for its object is never read again."""
    monkeypatch.setenv("LEAKGUARD_CACHE_DIR", str(tmp_path / "caches"))
    fresh = scanner(cache=None)
    (own,) = (tmp_path / "caches" / "git").iterdir()
    for file, cached in ((own, None), (scanner.file, str(scanner.file))):
        scanner(cache=cached)
        with sqlite3.connect(file) as database:
            assert database.execute(change).rowcount > 0
        database.close()
    assert same(scanner(cache=None), fresh)
    with pytest.raises(UsageError, match="damaged"):
        scanner()


def test_a_damaged_report_is_made_anew(scanner: Scanner) -> None:
    fresh = scanner()
    scanner()
    with sqlite3.connect(scanner.file) as database:
        database.execute("UPDATE note SET value = substr(value, 1, 60) || 'x' || substr(value, 62) WHERE kind = 'report'")
    database.close()
    assert same(scanner(), fresh)


def test_somebody_elses_database_is_left_alone(scanner: Scanner) -> None:
    with sqlite3.connect(scanner.file) as db:
        db.execute("CREATE TABLE theirs (x)")
    db.close()
    with pytest.raises(UsageError, match="cannot be used"):
        scanner()


def test_asking_for_secrets_reads_them_again(scanner: Scanner, engine: Engine) -> None:
    scanner()
    scanner.engine = engine
    assert token(1).encode() in {finding.secret for finding in scanner().findings}


@pytest.mark.usefixtures("loaded")
def test_a_cache_that_comes_with_the_repository_is_refused(scanner: Scanner, repo: Repository) -> None:
    scanner()
    repo.commit("seen.sqlite", scanner.file.read_bytes())
    command = [sys.executable, "-m", "leakguard", "git", "--cache", "seen.sqlite"]
    done = subprocess.run(command, cwd=repo.root, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "would be believed" in done.stderr


# ---------------------------------------------------------------- the store itself
def test_ids_are_put_together_when_there_are_many_rows(tmp_path: Path) -> None:
    ids = [number.to_bytes(20, "big") for number in range(100)]
    everything = b"".join(ids)
    for round_ in range(3):
        with Seen(str(tmp_path / "s"), "scope", named=True) as seen:
            assert len(seen.unknown(everything, 20)) == (100 if round_ == 0 else 10)
            for oid in ids[:90] if round_ == 0 else []:
                seen.enter(oid)
            seen.commit()
    with sqlite3.connect(tmp_path / "s") as db:
        assert db.execute("SELECT count(*) FROM seen").fetchone()[0] <= MERGE_FROM
    db.close()


def test_what_was_not_committed_is_not_there(tmp_path: Path) -> None:
    with Seen(str(tmp_path / "s"), "scope", named=True) as seen:
        seen.enter(b"a" * 20)
    with Seen(str(tmp_path / "s"), "scope", named=True) as seen:
        assert seen.unknown(b"a" * 20, 20) == {b"a" * 20}


def test_a_finding_comes_back_as_it_went_in_but_for_the_secret(tmp_path: Path) -> None:
    origin = Origin("member", "x", Origin("blob", "a.zip", None, (("blob", "12"),)))
    said = Suppression("inline", "why", "line 3", proof=(b"\1\2",))
    finding = Finding(
        "r", "p", "password", "t", Severity.HIGH, Confidence.CERTAIN, "lg1-1", origin, 1, 2, 3, 4, 5, 6, "<r:3>", 3,
        ("base64",), "n", (("a", "b"),), ("because",), "why", "fix", "set", b"secret", said,
    )  # fmt: skip
    made = CredentialSet("i", "r", "p", "t", Severity.LOW, (("key", "f"),), True, ("m",), ("a",), "w", origin, 1, 2)
    with Seen(str(tmp_path / "s"), "scope", named=True) as seen:
        seen.keep(b"x", "blob", [finding], [made])
        seen.commit()
    with Seen(str(tmp_path / "s"), "scope", named=True) as seen:
        assert list(seen.kept()) == [(b"x", "blob", [finding._replace(secret=None)], [made])]


@pytest.mark.parametrize("pages", [1, 14, 16, 18])
def test_a_full_disk_stops_no_scan_and_keeps_nothing_by_halves(
    scanner: Scanner, repo: Repository, monkeypatch: pytest.MonkeyPatch, pages: int
) -> None:
    for number in range(40):
        repo.commit(f"more-{number}.txt", line(10 + number) * 3)
    fresh = scanner(cache="")
    prepare = Seen._prepare

    def full(seen: Seen, scope: str) -> None:
        prepare(seen, scope)
        assert seen._db.execute(f"PRAGMA max_page_count = {pages}").fetchone()

    with monkeypatch.context() as patched:
        patched.setattr(Seen, "_prepare", full)
        first = scanner()
    assert same(first, fresh)
    assert "full" in first.receipt["repositories"][0]["cache"]
    assert same(scanner(), fresh)  # what was kept is whole
    assert same(scanner(), fresh)


def test_a_cache_of_its_own_that_cannot_be_is_no_error(
    scanner: Scanner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("LEAKGUARD_CACHE_DIR", str(tmp_path / "file" / "cache"))
    result = scanner(cache=None)
    assert len(result.findings) > 2
    assert result.receipt["repositories"][0]["cache"] == "cannot be used, not used"
