"""`leakguard-hook` on real repositories: what is staged decides, nothing of the repository runs, what was known is no news."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from leaks import leak
from repos import Repository

from leakguard import hook
from leakguard.detect.engine import Engine
from leakguard.errors import EngineError, LeakguardError, SourceError, UsageError

pytestmark = pytest.mark.usefixtures("loaded")

TEXT, SECRET = (part.decode() for part in leak("github", 1))
OTHER_TEXT, OTHER = (part.decode() for part in leak("npm", 2))
BINANCE, BINANCE_SECRET = (part.decode() for part in leak("binance", 3))
BINANCE_KEY = BINANCE.replace("SECRET", "KEY").replace(BINANCE_SECRET, leak("binance", 4)[1].decode())
ZERO = "0" * 40


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
        assert BINANCE_SECRET not in err
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
    assert "1 finding; looked at 1 object" in said


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


# ---- the nine ways to hide a staged secret (and more) ---------------------------------------------------------------


def test_no_setting_of_how_a_diff_looks_hides_anything(repo: Repository, say: Say) -> None:
    repo.commit(".gitattributes", "*.sec -diff\n*.bin binary\n")
    for key, value in {
        "color.ui": "always", "color.diff": "always", "diff.external": "true", "diff.noprefix": "true",
        "diff.mnemonicPrefix": "true", "diff.renames": "copies", "diff.orderFile": "nowhere", "core.quotePath": "true",
        "diff.ignoreSubmodules": "all", "diff.submodule": "log", "diff.wordRegex": ".", "diff.context": "0",
    }.items():  # fmt: skip
        repo.git("config", key, value)
    repo.stage("a.sec", TEXT)
    repo.stage("b.bin", TEXT)
    repo.stage("c.txt", OTHER_TEXT)
    code, said = say()
    assert code == 1
    assert all(f"{name}:1: " in said for name in ("a.sec", "b.bin", "c.txt"))


def test_renamed_and_edited(repo: Repository, say: Say) -> None:
    repo.commit("a.txt", "line\n" * 50)
    repo.git("mv", "a.txt", "b.txt")
    repo.stage("b.txt", "line\n" * 50 + TEXT)
    assert "b.txt:51: " in say()[1]


def test_in_a_linked_worktree(repo: Repository, say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repo.commit("a.txt", "hello\n")
    linked = tmp_path / "a linked one"
    repo.git("worktree", "add", "-q", "--detach", str(linked))
    monkeypatch.chdir(linked)
    (linked / "b.txt").write_text(TEXT)
    subprocess.run(["git", "add", "b.txt"], check=True)
    assert "b.txt:1: " in say()[1]


def test_odd_states_of_the_index(repo: Repository, say: Say) -> None:
    for name in ("assumed", "sparse", "kept"):
        repo.commit(name, "hello\n")
    repo.write("intent", TEXT)
    repo.git("add", "-N", "intent")
    assert say()[0] == 0  # nothing of it would be committed
    repo.stage("assumed", TEXT)
    repo.git("update-index", "--assume-unchanged", "assumed")
    repo.stage("sparse", OTHER_TEXT)
    repo.git("update-index", "--skip-worktree", "sparse")
    (repo.root / "sparse").unlink()
    repo.git("update-index", "--split-index")
    repo.stage("split", f"x\n{TEXT}")
    code, said = say()
    assert code == 1
    assert all(place in said for place in ("assumed:1: ", "sparse:1: ", "split:2: "))


def test_a_sparse_checkout(repo: Repository, say: Say) -> None:
    repo.commit("in/a.txt", "hello\n")
    repo.commit("out/b.txt", "hello\n")
    repo.git("sparse-checkout", "set", "--cone", "--sparse-index", "in")
    assert not (repo.root / "out").exists()
    repo.stage("in/a.txt", TEXT)
    blob = repo.git("hash-object", "-w", "--stdin", given=OTHER_TEXT).strip()
    repo.git("update-index", "--add", "--cacheinfo", f"100644,{blob},out/b.txt")
    code, said = say()
    assert code == 1
    assert "in/a.txt:1: " in said
    assert "out/b.txt:1: " in said


def test_an_executable_bit_is_nothing_to_look_at(repo: Repository, say: Say) -> None:
    repo.commit("a.sh", TEXT)
    repo.git("update-index", "--chmod=+x", "a.sh")
    assert say() == (0, "leakguard: nothing found; looked at 0 objects, 0 bytes\n")


def test_replace_refs_hide_nothing(repo: Repository, say: Say) -> None:
    repo.stage("a.txt", TEXT)
    clean = repo.git("hash-object", "-w", "--stdin", given="clean\n").strip()
    repo.git("replace", repo.git("rev-parse", ":a.txt").strip(), clean)
    assert say()[0] == 1


def test_a_secret_in_a_name_is_found_and_not_said(repo: Repository, say: Say) -> None:
    repo.stage(f"{SECRET}.txt", "clean\n")
    code, said = say()
    assert code == 1
    assert "<github.personal-access-token:" in said
    repo.git("commit", "-q", "-m", "x")
    repo.stage(f"{SECRET}.txt", OTHER_TEXT)
    code, said = say()
    assert (code, "npm" in said) == (1, True)


def test_a_half_in_head_is_reported_with_the_half_that_completes_it(repo: Repository, say: Say) -> None:
    repo.commit("bot.env", f"A=1\n{BINANCE_KEY}")
    repo.stage("bot.env", f"A=1\n{BINANCE_KEY}{BINANCE}")
    code, said = say()
    assert code == 1
    assert "bot.env:2: " in said
    assert "bot.env:3: " in said
    assert "complete credential: " in said
    assert "completes the credential" in said
    repo.git("commit", "-q", "-m", "x")
    repo.stage("bot.env", f"A=2\n{BINANCE_KEY}{BINANCE}")
    assert say()[0] == 0


def test_another_password_in_the_same_place_is_news(repo: Repository, say: Say) -> None:
    repo.commit("a.yml", leak("postgres", 5)[0].decode())
    repo.stage("a.yml", leak("postgres", 6)[0].decode())
    assert say()[0] == 1


def test_what_blocks_says_how_to_go_on(repo: Repository, say: Say) -> None:
    repo.stage("a.txt", TEXT)
    _, said = say()
    for part in (
        "a.txt:1: ",
        "do: ",
        "the commit is stopped",
        "leakguard: allow[github.personal-access-token] <reason>",
    ):
        assert part in said


PAIR = f'client = Client(api_key="{leak("binance", 6)[1].decode()}", api_secret="{BINANCE_SECRET}")'
"""Two rules on one line."""


def test_the_comment_it_proposes_allows_what_it_told(repo: Repository, say: Say) -> None:
    """With one rule of two in it the commit was stopped again, after the advice was followed to the letter."""
    head = "from binance.client import Client\n"
    repo.stage("a.py", f"{head}{PAIR}\n")
    code, said = say()
    advice = next(line for line in said.splitlines() if "leakguard: allow[" in line)
    comment = advice[advice.index("leakguard: allow[") :].replace("<reason>", "keys of the test venue")
    assert (code, comment.count(",")) == (1, 1)
    repo.stage("a.py", f"{head}{PAIR}  # {comment}\n")
    code, said = say()
    assert (code, "2 allowed" in said) == (0, True)


def test_what_is_staged_can_be_fixed_by_a_command_that_is_named(repo: Repository, say: Say) -> None:
    repo.stage("a.py", f"{PAIR}\n")
    assert "leakguard fix --staged" in say()[1]


def test_a_staged_env_file_is_told_to_go_not_its_values(repo: Repository, say: Say) -> None:
    """`Move the value out of the file (environment ...)` was said of the file whose place that is."""
    repo.stage("bot/.env", BINANCE_KEY + BINANCE)
    _, said = say()
    assert "git rm --cached" in said
    assert ".gitignore" in said
    assert "move the value out" not in said.lower()
    repo.stage("a.py", f"{PAIR}\n")
    _, said = say()
    assert "git rm --cached bot/.env" in said
    assert "move the value out" in said.lower()


def test_what_is_proposed_can_be_pasted_whatever_a_folder_is_called(repo: Repository, say: Say) -> None:
    repo.stage("a; rm -rf x/.env", BINANCE_KEY + BINANCE)
    assert "git rm --cached 'a; rm -rf x/.env'" in say()[1]


def test_a_right_that_may_be_restricted_is_said_in_words(repo: Repository, say: Say) -> None:
    """`withdraw?` is how packs write it; who reads it in a terminal had no way to know what it means."""
    repo.stage("a.env", BINANCE_KEY + BINANCE)
    _, said = say()
    assert "; unless the key is restricted also: transfer; withdraw" in said
    assert "?" not in said


def test_an_allow_comment_with_a_reason_is_honoured(repo: Repository, say: Say) -> None:
    line = TEXT.rstrip("\n")
    repo.stage("a.py", f"{line}  # leakguard: allow[github.personal-access-token] a sample for the docs\n")
    code, said = say()
    assert (code, "1 allowed" in said) == (0, True)
    repo.stage("a.py", f"{line}  # leakguard: allow[github.personal-access-token]\n")
    code, said = say()
    assert (code, "gives no reason" in said) == (1, True)
    repo.stage("leakguard.toml", "inline = false\n")
    repo.stage("a.py", f"{line}  # leakguard: allow[github.personal-access-token] a sample for the docs\n")
    assert say()[0] == 1


def test_a_staged_archive_is_opened(repo: Repository, say: Say) -> None:
    path = repo.write("a.zip", "")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("deep/er.env", TEXT)
    repo.git("add", "a.zip")
    code, said = say()
    assert (code, "a.zip!/deep/er.env:1: " in said) == (1, True)
    assert "a.zip!/deep/er.env:1: " in say("--files", "a.zip")[1]
    repo.write("leakguard.toml", "archives = false\n")
    assert say()[0] == 0


def test_of_very_many_findings_some_are_told(repo: Repository, say: Say) -> None:
    repo.stage("a.txt", "".join(leak("github", 1000 + number)[0].decode() for number in range(130)))
    code, said = say()
    assert (code, "130 findings" in said, "and 30 more findings" in said) == (1, True, True)


# ---- messages -------------------------------------------------------------------------------------------------------


def test_a_commit_message_is_looked_at(repo: Repository, say: Say) -> None:
    path = str(repo.write("a message", f"subject\n\nuse {TEXT}"))
    code, said = say("--message", path)
    assert code == 1
    assert "commit message:3: " in said
    assert "leakguard: allow" not in said
    repo.write("a message", "subject\n")
    assert say("--message", path) == (0, "leakguard: nothing found; looked at 1 object, 8 bytes\n")
    for arguments in (("--message",), ("--message", "a", "b"), ("--message", str(repo.root / "gone"))):
        with pytest.raises(UsageError):
            say(*arguments)


def test_of_a_verbose_commit_the_diff_is_left_out_and_nothing_else(repo: Repository, say: Say) -> None:
    """Whoever removes a secret with `git commit -v` has it in the message file, as a removed line."""
    cut = "# ------------------------ >8 ------------------------\n# Do not modify or remove the line above.\n"
    diff = f"diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-{TEXT}+gone\n"
    path = str(repo.write("message", f"subject\n{cut}{diff}"))
    assert say("--message", path)[0] == 0
    for text in (f"subject {TEXT}{cut}{diff}", f"subject\n{cut}{TEXT}", f"subject\n{cut}{TEXT}{diff}"):
        repo.write("message", text)
        assert say("--message", path)[0] == 1


# ---- pushes ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Sets standard input."""

    def give(text: str) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))

    return give


Give = Callable[[str], None]


def test_a_push_is_looked_at_commit_by_commit(repo: Repository, say: Say, given: Give) -> None:
    first = repo.commit("a.txt", "hello\n")
    repo.commit("b.txt", TEXT)
    last = repo.commit("b.txt", "removed again\n")
    given(f"refs/heads/main {last} refs/heads/main {first}\n")
    code, said = say("--push", "origin", "somewhere")
    assert code == 1
    assert "b.txt:1 (commit " in said
    assert "the push is stopped" in said
    given(f"refs/heads/main {last} refs/heads/main {last}\n")
    assert say("--push", "origin", "somewhere") == (0, "leakguard: nothing found; looked at 0 objects, 0 bytes\n")
    given(f"(delete) {ZERO} refs/heads/main {first}\n")
    assert say("--push", "origin")[0] == 0
    given("")
    assert say("--push")[0] == 0


def test_a_new_branch_is_held_against_what_the_remote_has(
    repo: Repository, say: Say, given: Give, tmp_path: Path
) -> None:
    repo.commit("a.txt", TEXT)
    remote = tmp_path.parent / f"{tmp_path.name} remote.git"
    subprocess.run(["git", "init", "-q", "--bare", str(remote)], check=True)
    repo.git("remote", "add", "origin", str(remote))
    repo.git("remote", "add", "other", str(remote))
    repo.git("push", "-q", "other", "HEAD:refs/heads/main")
    given(f"refs/heads/x {repo.head()} refs/heads/x {ZERO}\n")
    assert say("--push", "origin")[0] == 1  # what another remote has this one may not have
    repo.git("fetch", "-q", "origin")
    given(f"refs/heads/x {repo.head()} refs/heads/x {ZERO}\n")
    assert say("--push", "origin")[0] == 0
    given(f"refs/heads/x {repo.head()} refs/heads/x {ZERO}\n")
    assert say("--push", str(remote), str(remote))[0] == 1  # an address has no tracking branches
    given(f"refs/heads/x {repo.head()} refs/heads/x {'1' * 40}\n")
    assert say("--push", "origin")[0] == 0  # the remote's tip is not here


def test_tags_on_anything_and_names_of_refs_are_looked_at(repo: Repository, say: Say, given: Give) -> None:
    repo.commit("a.txt", "hello\n")
    repo.git("tag", "-a", "-m", f"release {TEXT}", "v1")
    repo.git("tag", "-a", "-m", "a tag on a tag", "v2", "v1")
    blob = repo.git("hash-object", "-w", "--stdin", given=OTHER_TEXT).strip()
    repo.git("tag", "blob", blob)
    tree = repo.git("mktree", given=f"100644 blob {blob}\tx\n").strip()
    for ident, known in ((repo.git("rev-parse", "v2").strip(), repo.head()), (blob, ZERO), (tree, ZERO)):
        given(f"refs/tags/x {ident} refs/tags/x {known}\n")
        assert say("--push", "origin")[0] == 1
    given(f"refs/heads/x {repo.head()} refs/heads/{SECRET} {repo.head()}\n")
    assert say("--push", "origin")[0] == 1


def test_what_git_does_not_say_is_a_mistake(repo: Repository, say: Say, given: Give) -> None:
    head = repo.commit("a.txt", "hello\n")
    for text in ("hello\n", f"a {head} b --all\n", f"a {head[:9]} b {head}\n", f"a {head} b\n"):
        given(text)
        with pytest.raises(UsageError):
            say("--push", "origin")
        given(text)
        if len(text.split()) != 3:
            with pytest.raises(UsageError):
                say("--receive")
    given(f"a {'1' * 40} b {head}\n")
    with pytest.raises(SourceError):
        say("--push", "origin")


def test_a_range_of_pre_commits_is_scanned_as_one(repo: Repository, say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    first = repo.commit("a.txt", "hello\n")
    repo.commit("b.txt", TEXT)
    monkeypatch.setenv("PRE_COMMIT", "1")
    assert say("--push")[0] == 1  # a remote that has nothing: all is new
    monkeypatch.setenv("PRE_COMMIT_FROM_REF", first)
    monkeypatch.setenv("PRE_COMMIT_TO_REF", "HEAD")
    for arguments in ((), ("--push",)):
        code, said = say(*arguments)
        assert (code, "b.txt:1 (commit " in said) == (1, True)
    monkeypatch.setenv("PRE_COMMIT_FROM_REF", "nosuch")
    with pytest.raises(UsageError, match="nosuch"):
        say()


def test_a_hook_with_nothing_to_look_at_in_ci_says_what_to_use(
    repo: Repository, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.commit("a.txt", "hello\n")
    monkeypatch.setenv("PRE_COMMIT", "1")
    monkeypatch.setenv("CI", "true")
    code, said = say()
    assert (code, "leakguard-files" in said) == (0, True)
    repo.stage("b.txt", "hello\n")
    assert "leakguard-files" not in say()[1]


def test_a_server_looks_at_what_it_is_sent_before_it_has_it(repo: Repository, tmp_path: Path) -> None:
    """The objects are in quarantine while pre-receive runs, and gone when it refuses."""
    server = tmp_path.parent / f"{tmp_path.name} server.git"
    subprocess.run(["git", "init", "-q", "--bare", str(server)], check=True)
    script = server / "hooks" / "pre-receive"
    root = Path(hook.__file__).parents[1]
    script.write_text(
        f"#!/bin/sh\nPYTHONPATH='{root}' exec '{sys.executable}' -c 'from leakguard.hook import main; main()' --receive\n"
    )
    script.chmod(0o755)
    repo.git("remote", "add", "origin", str(server))
    repo.commit("a.txt", "hello\n")
    assert "nothing found; looked at 2 objects" in repo.git("push", "origin", "HEAD:refs/heads/main")
    repo.commit("b.txt", TEXT)
    repo.commit("b.txt", "removed again\n")
    said = repo.git("push", "origin", "HEAD:refs/heads/main", code=1)
    assert "b.txt:1 (commit " in said
    assert "the push is refused" in said
    assert SECRET not in said
    blob = repo.git("rev-parse", "HEAD~1:b.txt").strip()
    assert subprocess.run(["git", "cat-file", "-e", blob], cwd=server, check=False, capture_output=True).returncode
    repo.git("push", "-q", "origin", "HEAD~2:refs/heads/other")
    repo.git("push", "-q", "origin", ":refs/heads/other")


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
