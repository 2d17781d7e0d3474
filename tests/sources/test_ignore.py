"""--gitignore leaves out what git leaves out, says so, and lets nothing in the target act."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leakguard.errors import SourceError, UsageError
from leakguard.model import Incident
from leakguard.sources import ignore
from leakguard.sources.files import Options, walk
from leakguard.sources.gitcall import find_git

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="asks git")


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty repository to stand in, and a user without configuration."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home" / ".config"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    folder = tmp_path / "repo"
    folder.mkdir()
    monkeypatch.chdir(folder)
    git("init", "-q")
    return folder


def git(*words: str, **options: str) -> str:
    done = subprocess.run(["git", *words], check=True, capture_output=True, **options)  # type: ignore[call-overload]
    return os.fsdecode(done.stdout)


def write(path: str, text: str = "x") -> None:
    folder = os.path.dirname(path)
    if folder:
        os.makedirs(folder, exist_ok=True)
    Path(path).write_text(text)


def commit_nothing() -> None:
    git("-c", "user.name=n", "-c", "user.email=e", "commit", "-q", "--allow-empty", "-m", "m")


def found(*paths: str, **options: object) -> tuple[list[str], list[Incident]]:
    incidents: list[Incident] = []
    chosen = Options(gitignore=True, **options)  # type: ignore[arg-type]
    tasks = list(walk(paths or ["."], chosen, incidents.append))
    return [task.path for task in tasks if "/.git/" not in f"/{task.path}"], incidents


def names(*paths: str) -> list[str]:
    return found(*paths)[0]


# ---- git's semantics ------------------------------------------------------------------------------------------------


def test_ignored_files_and_folders_are_left_out_and_told(repo: Path) -> None:
    write(".gitignore", "*.log\nnode_modules/\n/build\n")
    write("src/.gitignore", "!keep.log\n")
    for path in (
        "a.log",
        "b.log",
        "src/x.log",
        "src/keep.log",
        "src/y.py",
        "node_modules/m/i.js",
        "build/o",
        "x/build",
    ):
        write(path, "12345")
    seen, incidents = found(skip_dirs=(".git",))
    assert seen == [".gitignore", "src/.gitignore", "src/keep.log", "src/y.py", "x/build"]
    assert incidents == [
        Incident("skipped", ".git", "directory of a name to skip"),
        Incident("skipped", "build", "directory ignored by git"),
        Incident("skipped", "node_modules", "directory ignored by git"),
        Incident("skipped", "src", "ignored by git: 1 file", 5),
        Incident("skipped", ".", "ignored by git: 2 files", 10),
    ]


def test_a_tracked_file_is_never_ignored(repo: Path) -> None:
    """The classic leak: a pattern ignores .env, and somebody added it by force."""
    write(".gitignore", ".env\nsecrets/\n")
    write(".env")
    write("secrets/tracked")
    write("secrets/other")
    git("add", "-f", ".env", "secrets/tracked")
    assert names() == [".env", ".gitignore", "secrets/tracked"]
    git("rm", "-q", "--cached", ".env", "secrets/tracked")
    assert names() == [".gitignore"]


def test_git_folder_itself_is_not_ignored(repo: Path) -> None:
    write(".gitignore", "*\n")
    incidents: list[Incident] = []
    assert ".git/config" in [task.path for task in walk(["."], Options(gitignore=True), incidents.append)]


def test_the_exclude_files_of_repository_and_user_count(repo: Path, tmp_path: Path) -> None:
    write(".git/info/exclude", "by-repository\n")
    write(str(tmp_path / "home" / ".config" / "git" / "ignore"), "by-user\n")
    for name in ("by-repository", "by-user", "neither"):
        write(name)
    assert names() == ["neither"]
    write(str(tmp_path / "own"), "neither\n")
    write(str(tmp_path / "home" / ".gitconfig"), f"[core]\nexcludesFile = {tmp_path}/own\n")
    assert names() == ["by-user"]


def test_without_a_repository_the_files_count_too(repo: Path) -> None:
    shutil.rmtree(".git")
    write("d/.gitignore", "*.log\nout/\n")
    for name in ("d/a.log", "d/b", "d/out/c", "x.log"):
        write(name)
    assert names("d") == ["d/.gitignore", "d/b"]
    assert names() == ["d/.gitignore", "d/b", "x.log"]


@pytest.mark.parametrize("argument", ["src", "src/", "./src", "src/sub", "{here}/src", "link"])
def test_a_folder_inside_the_work_tree(repo: Path, argument: str) -> None:
    write(".gitignore", "*.log\n/src/sub/gone/\n")
    for name in ("src/sub/a.log", "src/sub/b", "src/sub/gone/c"):
        write(name)
    os.symlink("src", "link")
    seen = names(argument.format(here=repo))
    assert [os.path.basename(path) for path in seen] == ["b"]


def test_what_is_asked_for_by_name_is_not_ignored(repo: Path) -> None:
    write(".gitignore", "*.log\nout/\n")
    for name in ("out/deep/a", "out/deep/b.log", "c.log"):
        write(name)
    assert names("out") == ["out/deep/a", "out/deep/b.log"]
    assert names("out/deep/") == ["out/deep/a", "out/deep/b.log"]
    assert names("c.log") == ["c.log"]
    assert names() == [".gitignore"]


def test_a_nested_repository_has_its_own_rules(repo: Path) -> None:
    write(".gitignore", "*.log\n")
    write("inner/a.log")
    write("inner/b.tmp")
    write("inner/sub/c.tmp")
    git("init", "-q", "inner")
    write("inner/.gitignore", "*.tmp\n")
    write("z.log")
    assert names() == [".gitignore", "inner/.gitignore", "inner/a.log"]


def test_a_folder_that_only_looks_like_a_repository_has_not(repo: Path) -> None:
    write(".gitignore", "*.log\n")
    write("inner/a.log")
    write("inner/b")
    os.mkdir("inner/.git")
    assert names() == [".gitignore", "inner/b"]


def test_a_linked_work_tree(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit_nothing()
    git("worktree", "add", "-q", "../linked")
    write(".git/info/exclude", "common\n")
    monkeypatch.chdir("../linked")
    write(".gitignore", "own\nforced\n")
    for name in ("common", "own", "forced", "x"):
        write(name)
    git("add", "-f", "forced")
    assert os.path.isfile(".git")
    assert [name for name in names() if name != ".git"] == [".gitignore", "forced", "x"]


def test_a_repository_of_sha256(repo: Path) -> None:
    shutil.rmtree(".git")
    git("init", "-q", "--object-format=sha256")
    write(".gitignore", ".env*\n")
    write(".env")
    write(".env.tracked")
    git("add", "-f", ".env.tracked")
    assert found(skip_dirs=(".git",)) == (
        [".env.tracked", ".gitignore"],
        [
            Incident("skipped", ".git", "directory of a name to skip"),
            Incident("skipped", ".", "ignored by git: 1 file", 1),
        ],
    )


def test_names_that_are_no_text(repo: Path) -> None:
    write(".gitignore", "*.log\n")
    for raw in (b"a\xff.log", b"b\xff", b"new\nline.log", b"new\nline"):
        with open(raw, "wb"):
            pass
    assert [os.fsencode(name) for name in names()] == [b".gitignore", b"b\xff", b"new\nline"]


def test_links_are_ignored_like_files_and_not_looked_through(repo: Path) -> None:
    write(".gitignore", "*.log\nreal/out/\n")
    write("real/out/x")
    write("real/y.log")
    os.symlink("real", "a")
    os.symlink("nowhere", "b.log")
    assert names() == [".gitignore", "a"]
    followed, _ = found(follow_symlinks=True)
    assert followed == [".gitignore", "a/out/x", "a/y.log"]


def test_the_environment_of_a_hook_does_not_mislead(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(".gitignore", "*.log\n")
    write("a.log")
    write("b")
    monkeypatch.setenv("GIT_DIR", "/nonexistent")
    monkeypatch.setenv("GIT_WORK_TREE", "/")
    monkeypatch.setenv("GIT_INDEX_FILE", "/nonexistent")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.excludesFile")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", str(repo / "all"))
    write("all", "b\n")
    assert names() == [".gitignore", "all", "b"]


LINES = st.lists(
    st.sampled_from(
        ["a", "b/", "/a", "*.x", "!a", "!*.x", "!b/", "a/b", "**/b", "a/**", "?", "[ab].x", "# a", "\\#", " ", "!/a"]
    ),
    max_size=4,
).map("\n".join)
FOLDERS = st.sampled_from(["", "a/", "b/", "a/b/", "b/a/"])


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(rules=st.dictionaries(FOLDERS, LINES, max_size=3), forced=st.sets(FOLDERS, max_size=2))
def test_chance_agrees_with_git(repo: Path, rules: dict[str, str], forced: set[str]) -> None:
    for name in os.listdir(repo):
        shutil.rmtree(name) if os.path.isdir(name) else os.unlink(name)
    git("init", "-q")
    for folder in ("", "a/", "b/", "a/b/", "b/a/"):
        for name in ("c", "c.x", "a.x"):
            write(folder + name)
        if folder in rules:
            write(f"{folder}.gitignore", rules[folder])
    for folder in forced:
        git("add", "-f", f"{folder}c.x")
    listed = git("ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    assert set(names()) == set(filter(None, listed))


# ---- a target that is not trusted -----------------------------------------------------------------------------------


def test_nothing_in_the_target_runs(repo: Path, tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    script = tmp_path / "evil"
    write(str(script), f"#!/bin/sh\necho ran >> {marker}\n")
    script.chmod(0o755)
    for key in ("core.fsmonitor", "core.pager", "core.sshCommand", "filter.f.clean", "filter.f.process"):
        git("config", key, str(script))
    for hook in ("post-index-change", "fsmonitor-watchman"):
        shutil.copy(script, f".git/hooks/{hook}")
    write(".gitattributes", "* filter=f\n")
    write(".gitignore", "*.log\n")
    write("a.log")
    write("b")
    subprocess.run(["git", "status"], check=True, capture_output=True)
    assert marker.exists(), "the trap must work for this to be a test"
    marker.unlink()
    assert names() == [".gitattributes", ".gitignore", "b"]
    assert not marker.exists()


def test_the_configuration_of_the_target_does_not_count(repo: Path, tmp_path: Path) -> None:
    write(str(tmp_path / "all"), "*\n")
    write("a")
    git("config", "core.excludesFile", str(tmp_path / "all"))
    git("config", "core.worktree", str(tmp_path))
    git("config", "core.bare", "true")
    git("config", "include.path", "/dev/zero")
    assert names() == ["a"]


def test_a_fifo_as_gitignore_ends_in_an_incident(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ignore, "TIMEOUT", 1.0)
    write("d/a")
    os.mkfifo("d/.gitignore")
    begin = time.monotonic()
    seen, incidents = found(skip_dirs=(".git",))
    assert time.monotonic() - begin < 6
    assert seen == ["d/a"]
    assert [(incident.state, incident.origin) for incident in incidents] == [
        ("failed", "."),
        ("skipped", ".git"),
        ("skipped", "d/.gitignore"),
    ]
    assert incidents[0].reason == "git took more than 1 s to list what is ignored; nothing in it was ignored"


def fifo_for_index() -> None:
    os.mkfifo(".git/index")


def fifo_for_exclude() -> None:
    os.unlink(".git/info/exclude")
    os.mkfifo(".git/info/exclude")


def link_for_exclude() -> None:
    os.unlink(".git/info/exclude")
    os.symlink("/dev/zero", ".git/info/exclude")


def endless_exclude() -> None:
    write(".git/info/exclude", "b\n" * 600_000)


def device_for_git_folder() -> None:
    shutil.rmtree(".git")
    write(".git", "gitdir: /dev/stdin\n")


def nul_in_git_file() -> None:
    shutil.rmtree(".git")
    write(".git", "gitdir: a\0b\n")


@pytest.mark.parametrize(
    "trap",
    [fifo_for_index, fifo_for_exclude, link_for_exclude, endless_exclude, device_for_git_folder, nul_in_git_file],
)
def test_traps_in_the_git_folder_stop_nothing(
    repo: Path, monkeypatch: pytest.MonkeyPatch, trap: Callable[[], None]
) -> None:
    monkeypatch.setattr(ignore, "TIMEOUT", 10.0)
    write(".gitignore", "*.log\n")
    write("a.log")
    write("b")
    trap()
    seen, incidents = found(skip_dirs=(".git",))
    assert [name for name in seen if name != ".git"] == [".gitignore", "b"]
    assert [incident for incident in incidents if incident.state == "failed"] == []


def test_a_broken_index_ignores_nothing_and_is_told(repo: Path) -> None:
    write(".gitignore", "*.log\n")
    write("a.log")
    write(".git/index", "DIRC\x1b[31m nonsense " * 10)
    seen, incidents = found(skip_dirs=(".git",))
    assert seen == [".gitignore", "a.log"]
    assert [(incident.state, incident.origin) for incident in incidents] == [("failed", "."), ("skipped", ".git")]
    assert incidents[0].reason.startswith("git could not list what is ignored: ")
    assert incidents[0].reason.endswith("; nothing in it was ignored")
    assert incidents[0].reason.isprintable()


def test_what_git_says_cannot_write_to_the_terminal(repo: Path, tmp_path: Path) -> None:
    script = tmp_path / "git"
    write(str(script), "#!/bin/sh\nprintf 'first\\nfatal: \\033[31m\\377' >&2\nexit 128\n")
    script.chmod(0o755)
    with pytest.raises(SourceError) as caught:
        ignore.ignored(str(script), str(repo))
    assert caught.value.reason == "git could not list what is ignored: fatal: ?[31m\ufffd"
    write(str(script), "#!/bin/sh\nexit 1\n")
    with pytest.raises(SourceError, match="no reason given"):
        ignore.ignored(str(script), str(repo))


def test_git_that_cannot_start_is_told(repo: Path) -> None:
    with pytest.raises(SourceError, match="git could not be asked what is ignored"):
        ignore.ignored("/nonexistent/git", str(repo))


def test_the_target_is_left_as_it_was(repo: Path) -> None:
    write(".gitignore", "*.log\n")
    write("a.log")
    git("add", ".gitignore")

    def state() -> dict[Path, tuple[int, int, int]]:
        return {path: ((info := path.lstat()).st_ino, info.st_mtime_ns, info.st_ctime_ns) for path in repo.rglob("*")}

    before = state()
    assert len(before) > 10
    assert names() == [".gitignore"]
    assert state() == before


def test_no_git_is_a_usage_error_before_anything_is_read(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(UsageError, match="git: not installed"):
        walk(["."], Options(gitignore=True), print)


def test_git_is_not_taken_from_the_target(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = find_git()
    write("git", "#!/bin/sh\n")
    write("bin/git", "#!/bin/sh\n")
    os.chmod("git", 0o755)
    os.chmod("bin/git", 0o755)
    monkeypatch.setenv("PATH", f".:bin::{os.path.dirname(real)}")
    assert find_git() == real
