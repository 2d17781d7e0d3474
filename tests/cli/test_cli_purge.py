"""`leakguard purge-plan` with the real git-filter-repo: planned, rewritten, and proved by a scan of every object."""

from __future__ import annotations

import base64
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from leakguard.cli.main import run
from leakguard.detect.generate import expand

FILE = expand("{{gen:github ghp_}}", Random(461))
MESSAGE = expand("{{gen:github ghp_}}", Random(462))
TAG = expand("{{gen:github ghp_}}", Random(463))
STASH = expand("{{gen:github ghp_}}", Random(464))
DANGLING = expand("{{gen:github ghp_}}", Random(465))
ALL = (FILE, MESSAGE, TAG, STASH, DANGLING)

pytestmark = pytest.mark.usefixtures("loaded")
Said = Callable[[], str]


def git(*arguments: str, folder: Path, stdin: str | None = None) -> str:
    who = ("-c", "user.name=Ann", "-c", "user.email=ann@desk.example", "-c", "init.defaultBranch=main")
    done = subprocess.run(
        ["git", *who, *arguments], cwd=folder, input=stdin, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def said(capfd: pytest.CaptureFixture[str]) -> Iterator[Said]:
    def read() -> str:
        text = "".join(capfd.readouterr())
        assert not [secret for secret in ALL if secret in text]
        return text

    yield read
    read()


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: Said) -> Path:
    """Secrets in a file, a commit message, a tag's message, a stash and an object that nothing reaches."""
    folder = tmp_path / "repo"
    folder.mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LEAKGUARD_STATE_DIR", str(tmp_path / "state"))
    git("init", "-q", folder=folder)
    (folder / "a.py").write_text(f"t = '{FILE}'\n")
    git("add", ".", folder=folder)
    git("commit", "-qm", "one", folder=folder)
    (folder / "a.py").write_text("t = None\n")
    git("commit", "-qam", f"no more {MESSAGE} here", folder=folder)
    git("tag", "-a", "v1", "-m", f"log in with {TAG}", folder=folder)
    (folder / "a.py").write_text(f"t = '{STASH}'\n")
    git("stash", folder=folder)
    git("hash-object", "-w", "--stdin", folder=folder, stdin=f"t = '{DANGLING}'\n")
    return folder


def plan_folder(tmp_path: Path) -> Path:
    return next((tmp_path / "state" / "purge").iterdir())


def rewrite(folder: Path, expressions: Path, *more: str) -> None:
    command = [sys.executable, "-m", "git_filter_repo", "--force", "--replace-text", str(expressions),
               "--replace-message", str(expressions), *more]  # fmt: skip
    environment = {**os.environ, "PATH": os.environ["PATH"]}
    subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=True)


def test_a_plan_then_a_rewrite_then_the_proof(repo: Path, tmp_path: Path, said: Said) -> None:
    pytest.importorskip("git_filter_repo")
    before = git("cat-file", "--batch-all-objects", "--batch-check", folder=repo)
    assert run(["purge-plan", "repo"]) == 0
    assert git("cat-file", "--batch-all-objects", "--batch-check", folder=repo) == before
    text = said()
    assert "5 SECRETS IN FULL" in text and "1. REVOKE" in text
    folder = plan_folder(tmp_path)
    for name in ("expressions.txt", "PLAN.txt"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    held = (folder / "expressions.txt").read_text()
    assert all(secret in held for secret in ALL)
    assert not [secret for secret in ALL if secret in (folder / "PLAN.txt").read_text()]

    assert run(["purge-plan", "repo", "--verify"]) == 1
    assert "left: " in said()

    mirror = tmp_path / "purge.git"
    git("clone", "-q", "--mirror", "--no-local", str(repo), str(mirror), folder=tmp_path)
    rewrite(mirror, folder / "expressions.txt")
    assert run(["purge-plan", str(mirror), "--verify", "--expressions", str(folder / "expressions.txt")]) == 0
    assert "NOTHING IS LEFT" in said()
    assert "***REMOVED:github.personal-access-token***" in git("show", "v1", folder=mirror)

    # the old clone with the new history still has everything, until its reflogs and stashes are gone
    git("fetch", "-q", "--force", str(mirror), "+refs/*:refs/fetched/*", folder=repo)
    git("reset", "-q", "--hard", "refs/fetched/heads/main", folder=repo)
    git("tag", "-f", "v1", "refs/fetched/tags/v1", folder=repo)
    assert run(["purge-plan", "repo", "--verify"]) == 1
    git("stash", "clear", folder=repo)
    git("update-ref", "-d", "ORIG_HEAD", folder=repo)
    (repo / ".git" / "FETCH_HEAD").unlink()
    assert (repo / ".git" / "COMMIT_EDITMSG").exists()
    subprocess.run("rm -f .git/*_EDITMSG .git/*_MSG", shell=True, cwd=repo, check=True)
    git("reflog", "expire", "--expire=now", "--expire-unreachable=now", "--all", folder=repo)
    assert run(["purge-plan", "repo", "--verify"]) == 1
    git("gc", "-q", "--prune=now", folder=repo)
    assert run(["purge-plan", "repo", "--verify"]) == 0


def test_what_replacing_does_not_reach_is_told_and_found_again(repo: Path, tmp_path: Path, said: Said) -> None:
    pytest.importorskip("git_filter_repo")
    (repo / "enc.txt").write_text(base64.b64encode(f"token={FILE}".encode()).decode() + "\n")
    (repo / "wide.txt").write_bytes(f"token={TAG}\n".encode("utf-16"))
    (repo / "dump.bin").write_bytes(b"\0\1\2" + MESSAGE.encode() + b"\0")
    git("add", ".", folder=repo)
    git("commit", "-qm", "more", folder=repo)
    assert run(["purge-plan", "repo"]) == 0
    text = said()
    assert "github.personal-access-token in enc.txt:1: encoded" in text
    mirror = tmp_path / "purge.git"
    git("clone", "-q", "--mirror", "--no-local", str(repo), str(mirror), folder=tmp_path)
    expressions = plan_folder(tmp_path) / "expressions.txt"
    rewrite(mirror, expressions)
    verify = ["purge-plan", str(mirror), "--verify", "--expressions", str(expressions)]
    assert run(verify) == 1
    left = said()
    assert "enc.txt" in left and "wide.txt" in left and "dump.bin" in left
    rewrite(mirror, expressions, "--invert-paths", "--path", "enc.txt", "--path", "wide.txt", "--path", "dump.bin")
    assert run(verify) == 0


def test_a_value_that_stands_nowhere_in_the_clear_is_looked_for_too(repo: Path, tmp_path: Path, said: Said) -> None:
    """Replacing cannot take it out, so it is in no replacement file; the proof must not say that nothing is left."""
    pytest.importorskip("git_filter_repo")
    only = expand("{{gen:github ghp_}}", Random(466))
    (repo / "enc.txt").write_text(base64.b64encode(f"token={only}".encode()).decode() + "\n")
    git("add", ".", folder=repo)
    git("commit", "-qm", "more", folder=repo)
    assert run(["purge-plan", "repo"]) == 0
    folder = plan_folder(tmp_path)
    for path in folder.iterdir():
        assert only not in path.read_text()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    mirror = tmp_path / "purge.git"
    git("clone", "-q", "--mirror", "--no-local", str(repo), str(mirror), folder=tmp_path)
    rewrite(mirror, folder / "expressions.txt")
    verify = ["purge-plan", str(mirror), "--verify", "--expressions", str(folder / "expressions.txt")]
    said()
    assert run(verify) == 1
    assert "left: enc.txt" in said()
    rewrite(mirror, folder / "expressions.txt", "--invert-paths", "--path", "enc.txt")
    assert run(verify) == 0
    (folder / "expressions.txt.others").write_text("something else\n")
    assert run(verify) == 2


def test_what_lies_in_archives_is_planned_and_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: Said) -> None:
    """Whatever is configured: a proof looks into things."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LEAKGUARD_STATE_DIR", str(tmp_path / "state"))
    (tmp_path / "repo").mkdir()
    git("init", "-q", folder=tmp_path / "repo")
    with ZipFile(tmp_path / "repo" / "backup.zip", "w", ZIP_DEFLATED) as packed:
        packed.writestr("srv/a.env", f"T={FILE}\n" * 3)
    git("add", ".", folder=tmp_path / "repo")
    git("commit", "-qm", "one", folder=tmp_path / "repo")
    assert run(["purge-plan", "repo"]) == 0
    assert "backup.zip!/srv/a.env" in said()
    (tmp_path / "leakguard.toml").write_text("archives = false\n")
    assert run(["purge-plan", "repo", "--verify"]) == 1
    assert "left: backup.zip!/srv/a.env" in said()


def test_what_lies_among_the_objects_is_searched(repo: Path, tmp_path: Path, said: Said) -> None:
    assert run(["purge-plan", "repo"]) == 0
    empty = tmp_path / "empty.git"
    git("init", "-q", "--bare", str(empty), folder=tmp_path)
    verify = ["purge-plan", str(empty), "--verify", "--expressions", str(plan_folder(tmp_path) / "expressions.txt")]
    assert run(verify) == 0
    (empty / "objects" / "pack" / "tmp_pack_Ab12Cd").write_bytes(b"PACK\0" + FILE.encode())
    assert run(verify) == 1
    assert "tmp_pack_Ab12Cd" in said()


def test_values_in_names_and_configuration_are_found(repo: Path, said: Said) -> None:
    assert run(["purge-plan", "repo"]) == 0
    for way in (["branch", f"b-{FILE}"], ["config", "remote.x.url", f"https://u:{TAG}@h.example/x"]):
        git("clone", "-q", "--bare", str(repo), "clean.git", folder=repo.parent)
        clean = repo.parent / "clean.git"
        git("symbolic-ref", "HEAD", "refs/heads/empty", folder=clean)
        for ref in git("for-each-ref", "--format=%(refname)", folder=clean).split():
            git("update-ref", "-d", ref, folder=clean)
        git("config", "--unset-all", "remote.origin.url", folder=clean)
        git("gc", "-q", "--prune=now", folder=clean)
        (clean / "packed-refs").unlink(missing_ok=True)
        expressions = str(plan_folder(repo.parent) / "expressions.txt")
        verify = ["purge-plan", "clean.git", "--verify", "--expressions", expressions]
        (clean / "new").write_text("x\n")
        blob = git("hash-object", "-w", "--no-filters", "new", folder=clean)
        made = git("mktree", folder=clean, stdin=f"100644 blob {blob}\tx\n")
        commit = git("commit-tree", made, "-m", "clean", folder=clean)
        (clean / "new").unlink()
        git("update-ref", "refs/heads/empty", commit, folder=clean)
        assert run(verify) == 0, said()
        git(*way, folder=clean)
        assert run(verify) == 1
        subprocess.run(["rm", "-rf", str(clean)], check=True)


def test_a_report_with_secrets_will_do_and_one_without_will_not(repo: Path, tmp_path: Path, said: Said) -> None:
    (tmp_path / "x.py").write_text(f"t = '{FILE}'\n")
    run(["scan", "-q", "x.py", "-f", "jsonl", "-o", "bare.jsonl"])
    assert run(["purge-plan", "repo", "--report", "bare.jsonl"]) == 2
    assert "--show-secrets" in said()
    for fmt in ("jsonl", "json"):
        run(["git", "-q", "repo", "-f", fmt, "-o", f"full.{fmt}", "--show-secrets"])
        assert run(["purge-plan", "repo", "--report", f"full.{fmt}"]) == 0
        assert "5 SECRETS IN FULL" in said()
    (tmp_path / "junk.json").write_text("[[[")
    assert run(["purge-plan", "repo", "--report", "junk.json"]) == 2


def test_the_file_of_secrets_never_goes_into_the_repository(repo: Path, said: Said) -> None:
    assert run(["purge-plan", "repo", "-o", "repo/plan"]) == 2
    assert run(["purge-plan", "repo", "-o", "repo"]) == 2
    assert not (repo / "plan").exists()
    git("worktree", "add", "-q", str(repo.parent / "linked"), folder=repo)
    for place in ("repo/plan", "repo/.git/plan", "linked/plan"):
        assert run(["purge-plan", "linked", "-o", place]) == 2
    assert not (repo / "plan").exists()
    assert run(["purge-plan", "repo", "-o", "elsewhere"]) == 0
    assert run(["purge-plan", "nowhere"]) == 2
    assert run(["purge-plan", ".", "--verify", "--expressions", "nowhere"]) == 2
    assert run(["purge-plan", "repo", "--verify", "--expressions", os.devnull]) == 2


def test_a_damaged_repository_proves_nothing(repo: Path, said: Said) -> None:
    assert run(["purge-plan", "repo"]) == 0
    other = repo.parent / "other"
    other.mkdir()
    git("init", "-q", folder=other)
    (other / "f").write_text("x\n" * 100)
    git("add", ".", folder=other)
    git("commit", "-qm", "x", folder=other)
    expressions = str(plan_folder(repo.parent) / "expressions.txt")
    assert run(["purge-plan", "other", "--verify", "--expressions", expressions]) == 0
    blob = git("rev-parse", "HEAD:f", folder=other)
    path = other / ".git" / "objects" / blob[:2] / blob[2:]
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-6])
    assert run(["purge-plan", "other", "--verify", "--expressions", expressions]) == 3


def test_nothing_found_plans_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: Said) -> None:
    monkeypatch.setenv("LEAKGUARD_STATE_DIR", str(tmp_path / "state"))
    git("init", "-q", "clean", folder=tmp_path)
    monkeypatch.chdir(tmp_path)
    assert run(["purge-plan", "clean"]) == 0
    assert "nothing to purge" in said()
    assert not (tmp_path / "state").exists()
