"""`leakguard-hook` on real repositories: what is staged decides, nothing of the repository runs, what was known is no news."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from leaks import leak

from leakguard import hook
from leakguard.detect.engine import Engine
from leakguard.errors import EngineError, LeakguardError, SourceError, UsageError

pytestmark = pytest.mark.usefixtures("loaded")

TEXT, SECRET = (part.decode() for part in leak("github", 1))
OTHER_TEXT, OTHER = (part.decode() for part in leak("npm", 2))


class Repository:
    """A git repository in the folder the test runs in."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.git("init", "-q")
        self.git("config", "user.email", "a@example.com")
        self.git("config", "user.name", "A")

    def git(self, *arguments: str, code: int | None = 0, **environment: str) -> str:
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.root,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert code is None or done.returncode == code, done.stderr
        return done.stdout + done.stderr

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def stage(self, name: str, text: str | bytes) -> Path:
        path = self.write(name, text)
        self.git("add", "--", name)
        return path

    def commit(self, name: str, text: str) -> None:
        self.stage(name, text)
        self.git("commit", "-q", "-m", "x")


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    monkeypatch.chdir(tmp_path)
    return Repository(tmp_path)


Say = Callable[..., tuple[int, str]]


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    """Runs the hook: (exit code, what it said). It never says a secret, and never a control character."""

    def run(*arguments: str) -> tuple[int, str]:
        capsys.readouterr()
        code = hook.run(arguments)
        out, err = capsys.readouterr()
        assert out == ""
        assert SECRET not in err
        assert OTHER not in err
        assert all(line.isprintable() for line in err.split("\n"))
        return code, err

    return run


# ---- what is staged -------------------------------------------------------------------------------------------------


def test_a_staged_secret_stops_the_commit(repo: Repository, say: Say) -> None:
    repo.commit("README", "hello\n")
    repo.stage("src/app.py", f"import os\n\n{TEXT}")
    code, said = say()
    assert code == 1
    assert "src/app.py:3: " in said
    assert "[github.personal-access-token]" in said
    assert "1 findings; looked at 1 objects" in said


def test_nothing_staged_is_nothing_looked_at(repo: Repository, say: Say) -> None:
    assert say() == (0, "leakguard: nothing found; looked at 0 objects, 0 bytes\n")
    repo.commit("README", "hello\n")
    repo.write("README", TEXT)
    code, said = say()
    assert (code, "0 objects" in said) == (0, True)


def test_before_the_first_commit_everything_is_new(repo: Repository, say: Say) -> None:
    repo.stage("a.txt", "hello\n")
    assert say()[0] == 0
    repo.stage("b.txt", TEXT)
    code, said = say()
    assert (code, "looked at 2 objects" in said) == (1, True)


def test_the_work_tree_does_not_decide(repo: Repository, say: Say) -> None:
    """A secret that was staged and then taken out of the file is still about to be committed."""
    path = repo.stage("a.txt", TEXT)
    path.write_text("clean now\n")
    assert say()[0] == 1
    repo.git("add", "a.txt")
    path.write_text(TEXT)
    assert say()[0] == 0
    path.unlink()
    assert say()[0] == 0


def test_what_head_has_is_no_news(repo: Repository, say: Say) -> None:
    repo.commit("a.txt", TEXT)
    repo.stage("a.txt", f"one line more\n\n{TEXT}and another\n")
    assert say()[0] == 0
    repo.stage("a.txt", TEXT + OTHER_TEXT)
    code, said = say()
    assert code == 1
    assert "npm" in said
    assert "github" not in said


def test_moving_a_file_is_no_news(repo: Repository, say: Say) -> None:
    repo.commit("a.txt", TEXT + "and more\n" * 20)
    repo.git("mv", "a.txt", "b.txt")
    assert say()[0] == 0
    repo.stage("c.txt", OTHER_TEXT)
    code, said = say()
    assert (code, "b.txt" in said, "c.txt" in said) == (1, False, True)


def test_copying_a_secret_from_an_untouched_file_is_news(repo: Repository, say: Say) -> None:
    repo.commit("a.txt", TEXT)
    repo.stage("b.txt", TEXT)
    assert say()[0] == 1


def test_removing_a_secret_is_clean(repo: Repository, say: Say) -> None:
    repo.commit("a.txt", TEXT)
    repo.stage("a.txt", "gone\n")
    assert say()[0] == 0
    repo.git("rm", "-q", "-f", "a.txt")
    assert say()[0] == 0


def test_links_are_looked_at_and_submodules_are_not(repo: Repository, say: Say) -> None:
    inner = repo.root / "inner"
    inner.mkdir()
    Repository(inner).commit("x", TEXT)
    repo.git("add", "inner", code=None)
    (repo.root / "link").symlink_to(f"https://user:{SECRET}@example.com/")
    repo.git("add", "link")
    code, said = say()
    assert code == 1
    assert "link:1: " in said
    assert "inner" not in said


def test_an_unmerged_file_is_not_clean(repo: Repository, say: Say) -> None:
    repo.commit("a.txt", "one\n")
    repo.git("checkout", "-q", "-b", "other")
    repo.commit("a.txt", "two\n")
    repo.git("checkout", "-q", "-")
    repo.commit("a.txt", "three\n")
    repo.git("merge", "-q", "other", code=None)
    code, said = say()
    assert code == 3
    assert "not read: a.txt" in said


# ---- nothing of the repository runs ---------------------------------------------------------------------------------


def test_nothing_of_the_repository_runs_or_hides(repo: Repository, say: Say) -> None:
    marker = repo.root / "ran"
    program = repo.write("evil.sh", f"#!/bin/sh\ntouch {marker}\ncat\n")
    program.chmod(0o755)
    repo.commit("a.txt", "hello\n")
    for key in (
        "core.fsmonitor",
        "diff.external",
        "diff.x.textconv",
        "diff.x.command",
        "filter.x.smudge",
        "core.pager",
    ):
        repo.git("config", key, str(program))
    repo.write(".gitattributes", "* -diff -text diff=x filter=x binary export-ignore linguist-generated\n")
    repo.write(".leakguardignore", "*\n")
    repo.git("-c", "core.fsmonitor=false", "add", ".gitattributes", code=None)
    repo.write("a.txt", TEXT)
    repo.git("-c", "core.fsmonitor=false", "-c", "filter.x.clean=cat", "add", "a.txt")
    marker.unlink(missing_ok=True)
    code, said = say()
    assert (code, "a.txt:1: " in said) == (1, True)
    assert not marker.exists()


def test_git_commit_is_stopped(repo: Repository) -> None:
    """As git calls it: with the index of this commit alone, from a subfolder, too."""
    repo.commit("a.txt", "hello\n")
    root = Path(hook.__file__).parents[1]
    script = repo.write(
        ".git/hooks/pre-commit", f"#!/bin/sh\nPYTHONPATH={root} exec {sys.executable} -m leakguard.hook\n"
    )
    script.chmod(0o755)
    repo.stage("b.txt", TEXT)
    said = repo.git("commit", "-m", "x", code=1)
    assert "b.txt:1" in said
    assert SECRET not in said
    repo.write("a.txt", "hello again\n")
    repo.git("commit", "-q", "-m", "only a", "a.txt")
    repo.write("a.txt", TEXT)
    repo.git("reset", "-q", "b.txt")
    assert "a.txt:1" in repo.git("commit", "-a", "-m", "x", code=1)
    assert repo.git("log", "--format=%s").split("\n")[0] == "only a"


def test_from_a_subfolder_everything_is_looked_at(repo: Repository, say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    repo.stage("deep/er/a.txt", TEXT)
    repo.stage("b.txt", OTHER_TEXT)
    monkeypatch.chdir(repo.root / "deep" / "er")
    code, said = say()
    assert code == 1
    assert "deep/er/a.txt:1" in said
    assert "b.txt:1" in said


# ---- names and bytes ------------------------------------------------------------------------------------------------


def test_hostile_names_are_escaped(repo: Repository, say: Say) -> None:
    for name in (
        "a\x1b[31m.txt",
        "two\nlines: leakguard: nothing found",
        "bidi\u202e.txt",
        "-n",
        " space",
        'quote".txt',
    ):
        repo.stage(name, TEXT)
    repo.write("plain", TEXT)
    bytes_name = os.fsencode(str(repo.root)) + b"/\xff\xfe.txt"
    with open(bytes_name, "wb") as out:
        out.write(TEXT.encode())
    repo.git("add", "-A")
    code, said = say()
    assert code == 1
    assert "a\\x1b[31m.txt:1: " in said
    assert "two\\x0alines" in said
    assert "bidi\\u202e.txt:1: " in said
    assert "\\xff\\xfe.txt:1: " in said
    assert "8 findings; looked at 8 objects" in said


def test_bytes_of_any_kind_are_looked_at(repo: Repository, say: Say) -> None:
    repo.stage("wide.txt", TEXT.encode("utf-16"))
    repo.stage("binary", bytes(range(256)) + b"\n" + TEXT.encode() + bytes(range(256)))
    repo.stage("empty", b"")
    code, said = say()
    assert (code, "2 findings; looked at 3 objects" in said) == (1, True)


# ---- settings -------------------------------------------------------------------------------------------------------


def test_the_repositorys_settings_are_in_force(repo: Repository, say: Say) -> None:
    repo.stage("src/a.txt", TEXT)
    repo.stage("tests/b.txt", OTHER_TEXT)
    for settings, names in (
        ('exclude_paths = ["tests/**"]', {"src/a.txt"}),
        ('include_paths = ["tests/**"]', {"tests/b.txt"}),
        ('exclude = ["github", "generic"]', {"tests/b.txt"}),
        ('min_severity = "critical"\nmin_confidence = "certain"\nexclude = ["npm", "github", "generic"]', set()),
    ):
        repo.write("leakguard.toml", settings)
        code, said = say()
        assert {name for name in ("src/a.txt", "tests/b.txt") if f"{name}:1: " in said} == names
        assert code == (1 if names else 0)


def test_severities_below_the_wanted_are_not_reported(repo: Repository, say: Say) -> None:
    text, _ = leak("postgres", 5)
    repo.stage("a.txt", text)
    assert say()[0] == 1
    repo.write("leakguard.toml", 'min_confidence = "certain"')
    assert say()[0] == 0


def test_a_mistake_in_the_settings_stops(repo: Repository, say: Say) -> None:
    repo.stage("a.txt", TEXT)
    repo.write("leakguard.toml", "min_severety = 1")
    with pytest.raises(LeakguardError) as caught:
        say()
    assert caught.value.exit_code == 2
    assert "min_severity?" in caught.value.message


# ---- what cannot be read --------------------------------------------------------------------------------------------


def test_a_missing_blob_is_not_clean_and_findings_win(repo: Repository, say: Say) -> None:
    repo.stage("a.txt", "a text that is nowhere else\n")
    blob = repo.git("rev-parse", ":a.txt").strip()
    (repo.root / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    code, said = say()
    assert code == 3
    assert "not read: a.txt: " in said
    assert "1 could not be read" in said
    repo.stage("b.txt", TEXT)
    code, said = say()
    assert code == 1
    assert "not read: a.txt: " in said
    assert "b.txt:1" in said


def test_a_missing_predecessor_makes_everything_news(repo: Repository, say: Say) -> None:
    repo.commit("a.txt", TEXT)
    blob = repo.git("rev-parse", "HEAD:a.txt").strip()
    repo.stage("a.txt", TEXT + "more\n")
    (repo.root / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    assert say()[0] == 1


def test_an_engine_that_fails_on_one_file_goes_on(repo: Repository, say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    scan = Engine.scan

    def broken(self: Engine, data: bytes, path: str = "", *more: object) -> object:
        if path == "a.txt":
            raise EngineError("x.y", "ValueError")
        return scan(self, data, path)

    monkeypatch.setattr(Engine, "scan", broken)
    repo.stage("a.txt", "hello\n")
    assert say()[0] == 3
    repo.stage("b.txt", TEXT)
    code, said = say()
    assert (code, "not read: a.txt: engine: x.y: ValueError" in said) == (1, True)


def test_outside_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, say: Say) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    with pytest.raises(SourceError, match="not a git repository"):
        say()


def test_without_git(repo: Repository, monkeypatch: pytest.MonkeyPatch, say: Say) -> None:
    monkeypatch.setenv("PATH", str(repo.root))
    with pytest.raises(UsageError, match="git: not installed"):
        say()


# ---- named files ----------------------------------------------------------------------------------------------------


def test_named_files_are_read_from_the_work_tree(repo: Repository, say: Say) -> None:
    repo.write("a.txt", TEXT)
    repo.write("b.txt", "clean\n")
    code, said = say("--files", "a.txt", "b.txt")
    assert (code, "a.txt:1" in said, "looked at 2 objects" in said) == (1, True, True)
    assert say("--files", "--", "b.txt")[0] == 0
    assert say("--files")[0] == 0
    with pytest.raises(UsageError):
        say("--files", "gone.txt")


def test_other_arguments_are_a_mistake(say: Say) -> None:
    for arguments in (["--nope"], ["a.txt"], ["--file", "a"]):
        with pytest.raises(UsageError) as caught:
            say(*arguments)
        assert caught.value.exit_code == 2


# ---- the process ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("a mistake"), 2),
        (SourceError("x", "y"), 3),
        (KeyboardInterrupt(), 130),
        (ValueError(f"saw {SECRET}"), 3),
    ],
)
def test_every_end_has_its_code_and_shows_nothing(
    error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: object) -> int:
        raise error

    monkeypatch.setattr(hook, "run", fail)
    with pytest.raises(SystemExit) as caught:
        hook.main()
    assert caught.value.code == code
    out, err = capsys.readouterr()
    assert SECRET not in out + err
