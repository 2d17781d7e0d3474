"""The hooks as pre-commit itself installs and runs them, from a repository that holds this source tree.

pre-commit builds an environment with pip. What that needs is lent from the environment of the tests, so that no index
is asked; the last test goes the long way.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest
from leaks import leak
from repos import Repository

ROOT = Path(__file__).parents[2]
PARTS = ("leakguard", "rules", "tools", "pyproject.toml", "README.md", "LICENSE", ".pre-commit-hooks.yaml")

TEXT, SECRET = (part.decode() for part in leak("github", 51))


def pre_commit() -> str:
    path = shutil.which("pre-commit", path=os.path.dirname(sys.executable)) or shutil.which("pre-commit")
    if path is None:
        assert "LEAKGUARD_CI" not in os.environ, "pre-commit is not installed"
        pytest.skip("pre-commit is not installed")
    return path


LENT = {
    "PIP_NO_BUILD_ISOLATION": "0",  # pip reads this one upside down
    "PIP_NO_DEPS": "1",
    "PIP_NO_INDEX": "1",
    "PYTHONPATH": sysconfig.get_paths()["purelib"],
    "GIT_ALLOW_PROTOCOL": "file",
}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """This source tree as a repository that pre-commit can take hooks from."""
    made = Repository(tmp_path_factory.mktemp("source"))
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, made.root / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / part, made.root / part)
    made.git("add", "-A")
    made.git("commit", "-q", "-m", "x")
    return made


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """pre-commit's environments: built by the first test that needs them."""
    return tmp_path_factory.mktemp("home")


Run = Callable[..., tuple[int, str]]


@pytest.fixture
def repo(tmp_path: Path, source: Repository) -> Repository:
    """A repository that is set up for all four hooks."""
    made = Repository(tmp_path / "a repo", "-b", "main")
    hooks = "".join(
        f"      - id: {name}\n" for name in ("leakguard", "leakguard-files", "leakguard-push", "leakguard-commit-msg")
    )
    made.commit(
        ".pre-commit-config.yaml", f"repos:\n  - repo: {source.root}\n    rev: {source.head()}\n    hooks:\n{hooks}"
    )
    return made


@pytest.fixture
def run(repo: Repository, home: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs pre-commit in the repository: (exit code, what it and its hooks said)."""
    for name, value in (*LENT.items(), ("PRE_COMMIT_HOME", str(home))):
        monkeypatch.setenv(name, value)
    program = pre_commit()

    def run(*arguments: str) -> tuple[int, str]:
        done = subprocess.run(
            [program, *arguments], cwd=repo.root, capture_output=True, text=True, check=False, timeout=300
        )
        assert SECRET not in done.stdout + done.stderr
        return done.returncode, done.stdout + done.stderr

    return run


@pytest.mark.usefixtures("loaded")
def test_run_looks_at_the_index_and_always_says_how_much(repo: Repository, run: Run) -> None:
    path = repo.stage("a.txt", TEXT)
    path.write_text("clean in the work tree\n")
    code, said = run("run", "leakguard")
    assert (code, "a.txt:1: " in said, "1 finding; looked at 1 object" in said) == (1, True, True)
    repo.stage("a.txt", "clean\n")
    code, said = run("run", "leakguard")
    assert (code, "nothing found; looked at 1 object, 6 bytes" in said) == (0, True)


@pytest.mark.usefixtures("loaded")
def test_all_files_and_named_files_really_scan(repo: Repository, run: Run) -> None:
    repo.commit("a b.txt", TEXT)
    (repo.root / "link").symlink_to(f"https://u:{SECRET}@example.com/")
    repo.git("add", "link")
    repo.git("commit", "-q", "-m", "x")
    code, said = run("run", "leakguard-files", "--all-files")
    assert code == 1
    assert "a b.txt:1: " in said
    assert "link:1: " in said
    assert "looked at 3 objects" in said
    code, said = run("run", "leakguard-files", "--files", ".pre-commit-config.yaml")
    assert (code, "looked at 1 object" in said) == (0, True)
    # the staged hook has nothing to look at there, and says so
    assert "looked at 0 objects, 0 bytes" in run("run", "leakguard", "--all-files")[1]


@pytest.mark.usefixtures("loaded")
def test_a_range_in_ci(repo: Repository, run: Run) -> None:
    base = repo.head()
    repo.commit("a.txt", TEXT)
    repo.commit("a.txt", "removed again\n")
    for arguments in (("leakguard",), ("leakguard-push", "--hook-stage", "pre-push")):
        code, said = run("run", *arguments, "--from-ref", base, "--to-ref", "HEAD")
        assert (code, "a.txt:1 (commit " in said) == (1, True), said


@pytest.mark.usefixtures("loaded")
def test_install_stops_commits_messages_and_pushes(repo: Repository, run: Run, tmp_path: Path) -> None:
    for kind in ("pre-commit", "pre-push", "commit-msg"):
        assert run("install", "-t", kind)[0] == 0
    repo.stage("a.txt", TEXT)
    assert "a.txt:1: " in repo.git("commit", "-m", "x", code=1)
    repo.stage("a.txt", "clean\n")
    said = repo.git("commit", "-m", f"see {TEXT}", code=1)
    assert "commit message:1: " in said
    assert SECRET not in said
    assert "looked at 1 object" in repo.git("commit", "-m", "x")
    remote = tmp_path / "remote.git"
    subprocess.run(["git", "init", "-q", "--bare", str(remote)], check=True)
    repo.git("remote", "add", "origin", str(remote))
    repo.git("push", "origin", "HEAD:refs/heads/main")
    repo.stage("b.txt", TEXT)
    repo.git("commit", "-q", "--no-verify", "-m", "x")
    repo.stage("b.txt", "removed again\n")
    repo.git("commit", "-q", "--no-verify", "-m", "x")
    said = repo.git("push", "origin", "HEAD:refs/heads/main", code=1)
    assert "b.txt:1 (commit " in said
    assert SECRET not in said


@pytest.mark.slow
def test_try_repo(repo: Repository, source: Repository, run: Run) -> None:
    repo.stage("a.txt", TEXT)
    code, said = run("try-repo", str(source.root), "leakguard", "--verbose")
    assert (code, "a.txt:1: " in said) == (1, True)
    code, said = run("try-repo", str(source.root), "leakguard-files", "--verbose", "--all-files")
    assert (code, "a.txt:1: " in said) == (1, True)


@pytest.mark.slow
def test_installed_from_an_index(repo: Repository, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing lent: dependencies and the build's own come from the index that pip is set up for."""
    for name in LENT:
        monkeypatch.delenv(name)
    wanted = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(tmp_path / "probe"), "hatchling"]
    if subprocess.run(wanted, capture_output=True, check=False).returncode:
        assert "LEAKGUARD_CI" not in os.environ, "there is no package index"
        pytest.skip("there is no package index")
    monkeypatch.setenv("PRE_COMMIT_HOME", str(tmp_path / "home"))
    repo.stage("a.txt", TEXT)
    code, said = run("run", "leakguard")
    assert (code, "a.txt:1: " in said) == (1, True)
