"""`leakguard hook install` and `uninstall`: hooks that git runs, in place of none and beside somebody's."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest
from leaks import leak
from repos import Repository

from leakguard.cli.main import run as leakguard

pytestmark = pytest.mark.usefixtures("loaded")

TEXT, SECRET = (part.decode() for part in leak("github", 41))


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    made = Repository(tmp_path / "a repo", "-b", "main")
    monkeypatch.chdir(made.root)
    return made


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user with configuration of their own: the folder of leakguard's settings."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "a config"))
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path / "a config" / "leakguard" / "git-hooks"


def script(path: Path, body: str, mode: int = 0o755) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(mode)
    return path.read_bytes()


def state(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every entry of a folder: mode, content or target."""
    return {
        path.name: (
            stat.S_IMODE(path.lstat().st_mode),
            os.fsencode(os.readlink(path)) if path.is_symlink() else path.read_bytes(),
        )
        for path in sorted(folder.iterdir())
    }


def test_a_commit_is_stopped_and_uninstall_leaves_nothing(repo: Repository) -> None:
    hooks = repo.root / ".git" / "hooks"
    before = state(hooks)
    assert leakguard(["hook", "install"]) == 0
    repo.stage("a.txt", TEXT)
    said = repo.git("commit", "-m", "x", code=1)
    assert "a.txt:1" in said
    assert SECRET not in said
    repo.stage("a.txt", "clean\n")
    assert "looked at 1 object, 6 bytes" in repo.git("commit", "-m", "x")
    assert leakguard(["hook", "install"]) == 0  # twice is once
    assert leakguard(["hook", "uninstall"]) == 0
    assert state(hooks) == before
    assert leakguard(["hook", "uninstall"]) == 2
    repo.commit("a.txt", TEXT)


def test_all_three_hooks(repo: Repository, tmp_path: Path) -> None:
    repo.commit("a.txt", TEXT)
    assert leakguard(["hook", "install", "--push", "--commit-msg"]) == 0
    repo.stage("b.txt", "clean\n")
    said = repo.git("commit", "-m", f"use {TEXT}", code=1)
    assert "commit message:1" in said
    repo.git("commit", "-q", "-m", "clean")
    remote = tmp_path / "the remote.git"
    subprocess.run(["git", "init", "-q", "--bare", str(remote)], check=True)
    said = repo.git("push", str(remote), "HEAD:refs/heads/main", code=1)
    assert "a.txt:1 (commit " in said
    assert "the push is stopped" in said
    assert SECRET not in said
    assert leakguard(["hook", "uninstall"]) == 0
    repo.git("push", "-q", str(remote), "HEAD:refs/heads/main")


def test_what_stood_there_runs_after_ours_and_comes_back_as_it_was(repo: Repository, tmp_path: Path) -> None:
    hooks = repo.root / ".git" / "hooks"
    log = tmp_path / "log"
    script(hooks / "pre-commit", f'echo "pre-commit $#" >> "{log}"; exit 7', 0o744)
    script(tmp_path / "mine", f'(echo "pre-push $1 $2"; cat) >> "{log}"')
    (hooks / "pre-push").symlink_to("../../../mine")
    script(hooks / "commit-msg", "exit 1", 0o644)  # not executable: git does not run it
    before = state(hooks)
    assert leakguard(["hook", "install", "--push", "--commit-msg"]) == 0
    repo.stage("a.txt", TEXT)
    repo.git("commit", "-m", "x", code=1)
    assert not log.exists()  # ours stopped it first
    repo.stage("a.txt", "clean\n")
    repo.git("commit", "-m", "x", code=1)  # theirs stops it
    assert log.read_text() == "pre-commit 0\n"
    repo.git("commit", "-q", "--no-verify", "-m", "x")
    remote = tmp_path / "remote.git"
    subprocess.run(["git", "init", "-q", "--bare", str(remote)], check=True)
    log.unlink()
    repo.git("remote", "add", "origin", str(remote))
    repo.git("push", "-q", "origin", "HEAD:refs/heads/main")
    assert log.read_text() == (f"pre-push origin {remote}\nHEAD {repo.head()} refs/heads/main {'0' * 40}\n")
    assert leakguard(["hook", "install", "--push", "--commit-msg"]) == 0
    assert leakguard(["hook", "uninstall"]) == 0
    assert state(hooks) == before


@pytest.mark.parametrize("first", ["/bin/sh", "/usr/bin/env sh", "/bin/sh -e", "/usr/bin/env bash", "/bin/bash"])
def test_a_hook_that_asks_its_own_name_is_told_the_one_it_had(repo: Repository, tmp_path: Path, first: str) -> None:
    """As husky's do, which run the file of that name one folder above."""
    log = tmp_path / "log"
    hooks = repo.root / ".husky" / "_"
    script(repo.root / ".husky" / "pre-commit", f'echo "$# $1" >> "{log}"; exit 5')
    script(repo.root / ".husky" / "pre-push", f'(echo "$1"; cat) >> "{log}"; exit 6')
    script(hooks / "h", 's="$(dirname "$(dirname "$0")")/$(basename "$0")"\n[ ! -f "$s" ] && exit 0\nsh "$s" "$@"')
    for name in ("pre-commit", "pre-push"):
        script(hooks / name, '. "$(dirname "$0")/h"')
        (hooks / name).write_text((hooks / name).read_text().replace("#!/bin/sh", "#!" + first))
    before = state(hooks)
    repo.git("config", "core.hooksPath", ".husky/_")
    assert leakguard(["hook", "install", "--push"]) == 0
    repo.stage("a.txt", "clean\n")
    repo.git("commit", "-m", "x", code=1)
    assert log.read_text() == "0 \n"
    repo.git("commit", "-q", "--no-verify", "-m", "x")
    remote = tmp_path / "remote.git"
    subprocess.run(["git", "init", "-q", "--bare", str(remote)], check=True)
    repo.git("push", "-q", str(remote), "HEAD:refs/heads/main", code=1)
    assert log.read_text() == f"0 \n{remote}\nHEAD {repo.head()} refs/heads/main {'0' * 40}\n"
    assert leakguard(["hook", "uninstall"]) == 0
    assert state(hooks) == before


def test_who_uses_husky_is_told_what_stays(repo: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    script(repo.root / ".husky" / "_" / "h", "exit 0")
    repo.git("config", "core.hooksPath", ".husky/_")
    assert leakguard(["hook", "install"]) == 0
    assert "`leakguard-hook` in .husky/pre-commit stays" in capsys.readouterr().out


def test_hooks_path_is_respected(repo: Repository) -> None:
    repo.git("config", "core.hooksPath", "my hooks")
    repo.write("deep/er/x", "x\n")
    theirs = script(repo.root / "my hooks" / "pre-commit", "exit 0")
    os.chdir(repo.root / "deep" / "er")
    assert leakguard(["hook", "install"]) == 0
    assert (repo.root / "my hooks" / "pre-commit.before-leakguard").read_bytes() == theirs
    assert not (repo.root / ".git" / "hooks" / "pre-commit").exists()
    repo.stage("a.txt", TEXT)
    repo.git("commit", "-m", "x", code=1)
    assert leakguard(["hook", "uninstall"]) == 0
    assert (repo.root / "my hooks" / "pre-commit").read_bytes() == theirs


def test_who_names_a_folder_of_each_work_tree_is_told(repo: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    """Of a relative core.hooksPath git asks the work tree that commits: in another one nothing is installed."""
    repo.git("config", "core.hooksPath", "hooks")
    assert leakguard(["hook", "install"]) == 0
    assert "other linked work trees need an install of their own" in capsys.readouterr().out
    repo.git("config", "core.hooksPath", str(repo.root / "hooks"))
    assert leakguard(["hook", "install"]) == 0
    assert "linked work trees" not in capsys.readouterr().out


def test_a_folder_that_was_made_is_taken_away_and_one_that_was_there_is_not(repo: Repository) -> None:
    for made in (True, False):
        folder = repo.root / f"hooks {made}"
        if not made:
            folder.mkdir()
        repo.git("config", "core.hooksPath", str(folder))
        assert leakguard(["hook", "install"]) == 0
        assert leakguard(["hook", "install", "--push"]) == 0
        assert leakguard(["hook", "uninstall"]) == 0
        assert folder.exists() is not made


def test_in_a_linked_worktree(repo: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repo.commit("a.txt", "hello\n")
    linked = tmp_path / "linked one"
    repo.git("worktree", "add", "-q", "--detach", str(linked))
    monkeypatch.chdir(linked)
    assert leakguard(["hook", "install"]) == 0
    assert (repo.root / ".git" / "hooks" / "pre-commit").exists()
    (linked / "b.txt").write_text(TEXT)
    subprocess.run(["git", "add", "b.txt"], check=True)
    done = subprocess.run(["git", "commit", "-m", "x"], capture_output=True, text=True, check=False)
    assert (done.returncode, "b.txt:1" in done.stderr) == (1, True)


def test_nothing_is_overwritten(repo: Repository) -> None:
    hooks = repo.root / ".git" / "hooks"
    script(hooks / "pre-commit", "exit 0")
    assert leakguard(["hook", "install"]) == 0
    script(hooks / "pre-commit", "exit 5")  # another tool's installer came after us
    before = state(hooks)
    assert leakguard(["hook", "install"]) == 2
    assert leakguard(["hook", "uninstall"]) == 2
    assert state(hooks) == before


def test_hooks_that_are_switched_off_and_places_without_a_repository(
    repo: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.git("config", "core.hooksPath", os.devnull)
    assert leakguard(["hook", "install"]) == 2
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    assert leakguard(["hook", "install"]) == 2
    assert leakguard(["hook", "uninstall"]) == 2


def test_a_hook_whose_python_is_gone_stops_the_commit_and_says_so(repo: Repository) -> None:
    assert leakguard(["hook", "install"]) == 0
    path = repo.root / ".git" / "hooks" / "pre-commit"
    lines = path.read_text().split("\n")
    path.write_text("\n".join("python='/no where/python'" if line.startswith("python=") else line for line in lines))
    repo.stage("a.txt", "clean\n")
    assert "/no where/python is gone" in repo.git("commit", "-m", "x", code=1)


def test_nothing_is_imported_from_the_repository(repo: Repository) -> None:
    assert leakguard(["hook", "install"]) == 0
    marker = repo.root.parent / "ran"
    for name in ("leakguard", "subprocess", "hyperscan", "json", "sitecustomize", "usercustomize", "re"):
        repo.write(f"{name}.py", f"open({str(marker)!r}, 'w')\n")
    repo.stage("a.txt", "clean\n")
    repo.git("commit", "-q", "-m", "x", PYTHONPATH=".")
    assert not marker.exists()


# ---- for all repositories -------------------------------------------------------------------------------------------


def test_global_hooks_hand_on_to_the_repositorys(repo: Repository, user: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    for name in ("pre-commit", "post-commit", "prepare-commit-msg", "reference-transaction"):
        script(repo.root / ".git" / "hooks" / name, f'echo "{name}" >> "{log}"')
    assert leakguard(["hook", "install", "--global", "--commit-msg"]) == 0
    repo.stage("a.txt", TEXT)
    assert "a.txt:1" in repo.git("commit", "-m", "x", code=1)
    log.write_text("")
    repo.stage("a.txt", "clean\n")
    assert "commit message:1" in repo.git("commit", "-m", TEXT, code=1)
    repo.git("commit", "-q", "-m", "x")
    assert {"pre-commit", "post-commit", "prepare-commit-msg", "reference-transaction"} == set(log.read_text().split())
    assert leakguard(["hook", "install"]) == 2  # it would go into the shared folder
    assert leakguard(["hook", "install", "--global", "--push"]) == 0
    assert leakguard(["hook", "uninstall", "--global"]) == 0
    assert not user.exists()
    assert repo.git("config", "--get", "core.hooksPath", code=1) == ""
    assert leakguard(["hook", "uninstall", "--global"]) == 2


def test_a_global_folder_of_the_users_own_is_used(repo: Repository, user: Path, tmp_path: Path) -> None:
    folder = tmp_path / "my hooks"
    theirs = script(folder / "pre-commit", "exit 0")
    repo.git("config", "--global", "core.hooksPath", "~/my hooks")
    assert leakguard(["hook", "install", "--global"]) == 0
    repo.stage("a.txt", TEXT)
    assert "a.txt:1" in repo.git("commit", "-m", "x", code=1)
    assert leakguard(["hook", "uninstall", "--global"]) == 0
    assert (folder / "pre-commit").read_bytes() == theirs
    assert repo.git("config", "--get", "core.hooksPath").strip() == "~/my hooks"
    assert not user.exists()
