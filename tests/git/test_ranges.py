"""`leakguard git` with a range: blobs decide, so nothing that decides how a diff looks can hide what was added."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from leaks import leak
from repos import Repository

from leakguard.cli.main import run as leakguard
from leakguard.sources.diff import hunks
from leakguard.sources.index import Blobs, Here
from leakguard.sources.ranges import _oldest_first

pytestmark = pytest.mark.usefixtures("loaded")

TEXT, SECRET = (part.decode() for part in leak("github", 21))
OTHER_TEXT, OTHER = (part.decode() for part in leak("npm", 22))
THIRD_TEXT, THIRD = (part.decode() for part in leak("github", 23))
BINANCE, BINANCE_SECRET = (part.decode() for part in leak("binance", 24))
BINANCE_KEY = BINANCE.replace("SECRET", "KEY").replace(BINANCE_SECRET, leak("binance", 25)[1].decode())
PASSWORD, _ = (part.decode() for part in leak("postgres", 26))
OTHER_PASSWORD, _ = (part.decode() for part in leak("postgres", 27))


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    made = Repository(tmp_path / "repo", "-b", "main")
    monkeypatch.chdir(made.root)
    return made


class Said:
    """What a run of the command said."""

    def __init__(self, code: int, records: list[dict[str, Any]], err: str) -> None:
        self.code = code
        self.err = err
        self.findings = records

    @property
    def places(self) -> set[str]:
        return {f"{found['path']}:{found['start_line']}" for found in self.findings}


Scan = Callable[..., Said]


@pytest.fixture
def scan(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Scan:
    """Runs `leakguard git`. No output holds a secret, and what was looked at is always said."""
    out = tmp_path / "out.jsonl"

    def run(*arguments: str) -> Said:
        out.unlink(missing_ok=True)
        capsys.readouterr()
        code = leakguard(["git", *arguments, "-f", "jsonl", "-o", str(out)])
        text = out.read_text("utf-8") if out.exists() else ""
        err = capsys.readouterr().err
        for secret in (SECRET, OTHER, THIRD, BINANCE_SECRET):
            assert secret not in text + err
        return Said(code, [json.loads(line) for line in text.splitlines()], err)

    return run


# ---- which commits --------------------------------------------------------------------------------------------------


def test_a_range_reports_what_its_commits_add(repo: Repository, scan: Scan) -> None:
    first = repo.commit("a.txt", TEXT)
    second = repo.commit("b.txt", f"\n{OTHER_TEXT}", "the second")
    third = repo.commit("b.txt", "removed again\n")
    for arguments in (
        ("--since", first),
        ("--range", f"{first}..{third}"),
        ("--range", f"{first}..."),
        ("--commit", second),
        ("--branch", "main", "--since", first[:9]),
    ):
        said = scan(*arguments)
        assert (said.code, said.places) == (1, {"b.txt:2"}), arguments
        facts = said.findings[0]["origin"]["facts"]
        assert facts["commit"] == second
        assert (facts["author"], facts["subject"]) == ("A <a@example.com>", "the second")
    assert scan("--since", second).code == 0
    assert scan("--commit", third).code == 0
    assert scan("--branch", "main").places == {"a.txt:1", "b.txt:2"}
    assert scan("--range", f"{third}..{third}").code == 0


def test_who_wrote_in_another_encoding_is_shown_as_he_wrote(repo: Repository, scan: Scan) -> None:
    repo.commit("a.txt", "a\n")
    repo.stage("b.txt", TEXT)
    who = "J\xfcrgen <j@example.com> 1600000000 +0200"
    for name, said, shown in (
        ("ISO-8859-1", "Gr\xfc\xdfe", "Gr\xfc\xdfe"), ("hz", f"key {OTHER[:20]}~\n{OTHER[20:]}", None)
    ):  # fmt: skip
        head = f"tree {repo.git('write-tree').strip()}\nparent {repo.head()}\nauthor {who}\ncommitter {who}\n"
        path = repo.root.parent / "commit"
        path.write_bytes(f"{head}encoding {name}\n\n{said}\n".encode("latin-1"))
        facts = scan("--commit", repo.git("hash-object", "-t", "commit", "-w", str(path)).strip()).findings[0]["origin"]["facts"]
        assert facts.get("subject") == shown or (shown is None and OTHER not in str(facts))
        if shown:
            assert facts["author"] == "J\xfcrgen <j@example.com>"


def test_a_root_commit_adds_everything(repo: Repository, scan: Scan) -> None:
    repo.commit("a.txt", TEXT)
    assert scan("--commit", "HEAD").places == {"a.txt:1"}


def test_two_dots_leave_the_other_side_out_and_three_take_it_in(repo: Repository, scan: Scan) -> None:
    repo.commit("a.txt", "base\n")
    repo.git("checkout", "-q", "-b", "side")
    repo.commit("b.txt", TEXT)
    repo.git("checkout", "-q", "main")
    repo.commit("c.txt", OTHER_TEXT)
    assert scan("--range", "side..main").places == {"c.txt:1"}
    assert scan("--range", "side...main").places == {"b.txt:1", "c.txt:1"}


def test_a_name_that_means_two_commits_is_a_mistake(repo: Repository, scan: Scan) -> None:
    """A tag that is called like the branch in which a range begins would leave nothing of the range to look at."""
    old = repo.commit("a.txt", "old\n")
    new = repo.commit("b.txt", TEXT)
    repo.git("update-ref", "refs/remotes/origin/main", old)
    assert scan("--since", "origin/main").places == {"b.txt:1"}
    repo.git("tag", "origin/main", new)
    repo.git("config", "core.warnAmbiguousRefs", "false")
    for arguments in (
        ("--since", "origin/main"), ("--range", "origin/main..HEAD"), ("--range", "origin/main...HEAD"),
        ("--since", "origin/main~0"), ("--branch", "origin/main"),
    ):  # fmt: skip
        said = scan(*arguments)
        assert said.code == 2
        assert "refs/tags/origin/main, refs/remotes/origin/main" in said.err
    assert scan("--since", "refs/remotes/origin/main").places == {"b.txt:1"}
    repo.git("tag", "-f", "origin/main", old)
    assert scan("--since", "origin/main").places == {"b.txt:1"}  # both are the same


def test_a_branch_is_the_branch_and_an_id_the_object_whatever_else_has_that_name(repo: Repository, scan: Scan) -> None:
    old = repo.commit("a.txt", "old\n")
    new = repo.commit("b.txt", TEXT)
    repo.git("tag", "main", old)
    assert scan("--branch", "main").places == {"b.txt:1"}
    assert scan("--branch", "main", "--since", old).places == {"b.txt:1"}
    repo.git("update-ref", "refs/heads/HEAD", old)
    assert scan("--commit", "HEAD").places == {"b.txt:1"}
    repo.git("update-ref", f"refs/heads/{old}", new)
    assert scan("--since", old).places == {"b.txt:1"}
    assert scan("--branch", old).code == 0
    repo.git("update-ref", f"refs/heads/{old[:9]}", new)
    said = scan("--since", old[:9])
    assert said.code == 2
    assert f"refs/heads/{old[:9]}, {old}" in said.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("--since", "nosuch"), ("--branch", "nosuch"), ("--commit", "nosuch"), ("--range", "nosuch..HEAD"),
        ("--range", "HEAD..nosuch"), ("--range", "nosuch...HEAD"), ("--since", "--all"), ("--branch", "--all"),
        ("--since", "deadbeef"), ("--commit", "HEAD^{tree}~nosuch"), ("--since", ""),
    ],
)  # fmt: skip
def test_a_revision_that_is_not_there_is_a_mistake_that_names_it(
    repo: Repository, scan: Scan, arguments: tuple[str, str]
) -> None:
    repo.commit("a.txt", TEXT)
    said = scan(*arguments)
    assert said.code == 2
    wrong = arguments[1].replace("HEAD..", "").replace("..HEAD", "").strip(".")
    assert wrong in said.err
    assert arguments[0] in said.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("--range", "HEAD"),
        ("--since", "HEAD", "--staged"),
        ("--commit", "HEAD", "--range", "HEAD..HEAD"),
        ("--diff", "no.diff"),
    ],
)
def test_other_mistakes(repo: Repository, scan: Scan, arguments: tuple[str, ...]) -> None:
    repo.commit("a.txt", TEXT)
    assert scan(*arguments).code == 2


def test_outside_a_repository(tmp_path: Path, scan: Scan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    assert scan(str(tmp_path), "--staged").code == 2
    assert scan(str(tmp_path / "nowhere"), "--staged").code == 2


def test_another_repository_than_the_one_here(
    repo: Repository, tmp_path: Path, scan: Scan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And not the one git told a hook about, either."""
    other = Repository(tmp_path / "other one")
    other.commit("x y.txt", TEXT)
    repo.commit("a.txt", "clean\n")
    monkeypatch.setenv("GIT_DIR", str(repo.root / ".git"))
    assert scan(str(other.root), "--commit", "HEAD").places == {"x y.txt:1"}
    assert scan("--commit", "HEAD").code == 0


# ---- what counts as added -------------------------------------------------------------------------------------------


def test_a_secret_that_was_there_is_not_reported_again(repo: Repository, scan: Scan) -> None:
    first = repo.commit("a.txt", f"one\n{TEXT}two\n")
    repo.commit("a.txt", f"one\nanother line\n{TEXT}two\n")
    repo.commit("a.txt", f"  {TEXT}one\nanother line\n")
    repo.commit("a.txt", f"# wrapped: {TEXT.strip()} #\r\n")
    assert scan("--since", first).code == 0
    repo.commit("a.txt", f"# wrapped: {TEXT.strip()} #\r\nand again {TEXT}")
    said = scan("--since", first)
    assert said.places == {"a.txt:2"}


def test_another_password_at_the_same_place_is_added(repo: Repository, scan: Scan) -> None:
    """A password is named by its place: what is compared is the value itself."""
    first = repo.commit("a.yml", PASSWORD)
    repo.commit("a.yml", OTHER_PASSWORD)
    said = scan("--since", first)
    assert (said.code, said.places) == (1, {"a.yml:1"})
    repo.stage("a.yml", PASSWORD)
    assert scan("--staged").code == 1


def test_moving_and_renaming_add_nothing_and_editing_on_the_way_does(repo: Repository, scan: Scan) -> None:
    first = repo.commit("a.txt", TEXT + "line\n" * 30)
    repo.git("mv", "a.txt", "b.txt")
    repo.git("commit", "-q", "-m", "moved")
    assert scan("--since", first).code == 0
    repo.git("mv", "b.txt", "c.txt")
    repo.stage("c.txt", TEXT + "line\n" * 30 + OTHER_TEXT)
    repo.git("commit", "-q", "-m", "moved and edited")
    assert scan("--since", first).places == {"c.txt:32"}
    repo.commit("copy.txt", TEXT)
    assert scan("--commit", "HEAD").places == {"copy.txt:1"}


def test_an_edit_that_completes_a_credential_reports_both_halves(repo: Repository, scan: Scan) -> None:
    first = repo.commit("bot.env", f"A=1\n{BINANCE_KEY}B=2\n")
    repo.commit("bot.env", f"A=1\n{BINANCE_KEY}{BINANCE}B=2\n")
    said = scan("--since", first)
    assert said.places == {"bot.env:2", "bot.env:3"}
    assert "1 usable credential set" in said.err
    old = next(found for found in said.findings if found["start_line"] == 2)
    assert any("completes the credential" in reason for reason in old["reasons"])
    repo.commit("bot.env", f"A=1\n{BINANCE_KEY}{BINANCE}B=2\nC=3\n")
    assert scan("--commit", "HEAD").code == 0


def test_an_edit_that_says_what_an_old_value_is(repo: Repository, scan: Scan) -> None:
    value = BINANCE_SECRET
    repo.commit("x.ini", f"[main]\nvalue_of_it = {value}\n")
    assert scan("--commit", "HEAD").code == 0
    repo.commit("x.ini", f"[main]\nBINANCE_API_SECRET = {value}\n")
    said = scan("--commit", "HEAD")
    assert (said.code, said.places) == (1, {"x.ini:2"})


def test_a_secret_in_many_commits_is_told_once_and_from_the_first(repo: Repository, scan: Scan) -> None:
    repo.commit("base", "x\n")
    first = repo.commit("a.txt", TEXT)
    for number in range(3):
        repo.commit("a.txt", f"{number}\n")
        repo.commit("a.txt", f"{TEXT}{number}\n")
    said = scan("--since", "HEAD~7")
    assert len(said.findings) == 1
    assert said.findings[0]["origin"]["facts"]["commit"] == first
    repo.commit("a.txt", f"{TEXT}{TEXT}")
    assert len(scan("--commit", "HEAD").findings) == 1


# ---- nothing hides --------------------------------------------------------------------------------------------------


def test_what_only_the_merge_has(repo: Repository, scan: Scan) -> None:
    repo.commit("a.txt", "base\n")
    base = repo.head()
    repo.git("checkout", "-q", "-b", "side")
    repo.commit("a.txt", "side\n")
    repo.git("checkout", "-q", "main")
    repo.commit("a.txt", "main\n")
    repo.git("merge", "-q", "side", code=None)
    repo.write("evil.txt", OTHER_TEXT)
    repo.write("a.txt", f"main\n{TEXT}side\n")
    repo.git("add", "-A")
    repo.git("commit", "-q", "-m", "merged")
    merge = repo.head()
    said = scan("--since", base)
    assert said.places == {"a.txt:2", "evil.txt:1"}
    assert {found["origin"]["facts"]["commit"] for found in said.findings} == {merge}
    assert scan("--commit", "HEAD").places == {"a.txt:2", "evil.txt:1"}


def test_a_merge_adds_nothing_that_a_parent_has(repo: Repository, scan: Scan) -> None:
    repo.commit("a.txt", "base\n" * 9)
    repo.git("checkout", "-q", "-b", "side")
    repo.commit("a.txt", TEXT + "base\n" * 9)
    repo.git("checkout", "-q", "main")
    repo.commit("a.txt", "base\n" * 9 + "more\n")
    repo.git("merge", "-q", "-m", "merged", "side")
    assert repo.git("show", "HEAD:a.txt").startswith("token")
    assert scan("--commit", "HEAD").code == 0
    assert scan("--branch", "main").places == {"a.txt:1"}


def test_what_a_merge_brings_back(repo: Repository, scan: Scan) -> None:
    """No commit of the range adds it, and no parent lacks it; and yet it was gone, and is there again."""
    repo.commit("a.txt", TEXT)
    repo.git("branch", "side")
    base = repo.commit("a.txt", "taken out\n")
    repo.git("checkout", "-q", "side")
    repo.commit("b.txt", "b\n")
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "--no-commit", "side")
    repo.git("checkout", "-q", "side", "--", "a.txt")
    repo.git("commit", "-q", "-m", "merged")
    for arguments in (("--since", base), ("--range", f"{base}..HEAD")):
        said = scan(*arguments)
        assert (said.code, said.places) == (1, {"a.txt:1"})
        assert any("a merge brings back" in reason for reason in said.findings[0]["reasons"])
    repo.commit("c.txt", "c\n")
    assert scan("--since", "HEAD~1").code == 0
    # what a merge takes from a side that the range starts at is not added by it
    repo.git("checkout", "-q", "-b", "late", "side")
    repo.commit("d.txt", "d\n")
    repo.git("merge", "-q", "--no-edit", "main")
    assert scan("--range", "main..late").code == 0


def test_object_stores_elsewhere_are_read_only_if_asked(
    repo: Repository, tmp_path: Path, scan: Scan, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.commit("a.txt", TEXT)
    borrower = tmp_path / "borrower"
    repo.git("clone", "-q", "--shared", str(repo.root), str(borrower))
    monkeypatch.chdir(borrower)
    said = scan("--branch", "main")
    assert said.code == 2 and "--follow-alternates" in said.err
    said = scan("--staged")
    assert said.code == 3 and "alternate object store outside" in said.err
    said = scan("--branch", "main", "--follow-alternates")
    assert (said.code, said.places) == (1, {"a.txt:1"})


@pytest.mark.parametrize("arguments", [("--staged",), ("--since", "HEAD~1"), ("--unstaged",)])
def test_a_broken_repository_is_not_read_rather_than_none(
    repo: Repository, scan: Scan, arguments: tuple[str, ...]
) -> None:
    repo.commit("a.txt", TEXT)
    (repo.root / ".git" / "HEAD").write_text("garbage\n")
    assert scan(*arguments).code == 3


def test_attributes_settings_and_encodings_hide_nothing(repo: Repository, scan: Scan) -> None:
    marker = repo.root / "ran"
    program = repo.write("evil.sh", f"#!/bin/sh\ntouch {marker}\ncat\n")
    program.chmod(0o755)
    base = repo.commit("base", "x\n")
    for key, value in {
        "color.ui": "always", "color.diff": "always", "diff.external": program, "diff.noprefix": "true",
        "diff.x.textconv": program, "diff.x.command": program, "core.fsmonitor": program, "core.pager": program,
        "diff.renames": "copies", "diff.ignoreSubmodules": "all", "log.showSignature": "true",
        "diff.algorithm": "patience", "core.quotePath": "true", "core.sshCommand": program, "gpg.program": program,
        "core.hooksPath": repo.root, "alias.diff-tree": "!false",
    }.items():  # fmt: skip
        repo.git("config", key, str(value))
    off = ("-c", "core.fsmonitor=false")
    repo.write(".gitattributes", "* -diff binary diff=x\n*.wide working-tree-encoding=UTF-16\n")
    repo.write("a.txt", TEXT)
    repo.write("b.utf16", OTHER_TEXT.encode("utf-16"))
    (repo.root / "link").symlink_to(f"https://u:{THIRD}@example.com/")
    repo.git(*off, "add", "-A")
    repo.git(*off, "-c", "core.hooksPath=/dev/null", "commit", "-q", "-m", "y")
    repo.git("config", "diff.orderFile", "nowhere")
    marker.unlink(missing_ok=True)
    said = scan("--since", base)
    assert said.code == 1
    assert {found["path"] for found in said.findings} == {"a.txt", "b.utf16", "link"}
    assert not marker.exists()


def test_replace_refs_and_grafts_hide_nothing(repo: Repository, scan: Scan) -> None:
    base = repo.commit("base", "x\n")
    repo.commit("a.txt", TEXT)
    clean = repo.git("hash-object", "-w", "--stdin", given="clean\n").strip()
    repo.git("replace", repo.git("rev-parse", "HEAD:a.txt").strip(), clean)
    empty = repo.commit("c.txt", "z\n")
    repo.write(".git/info/grafts", f"{empty} {base}\n")
    assert scan("--since", base).places == {"a.txt:1"}


def test_messages_people_and_names_are_looked_at(repo: Repository, scan: Scan) -> None:
    base = repo.commit("base", "x\n")
    repo.commit("a.txt", "a\n", f"subject\n\nuse {TEXT}")
    repo.stage("b.txt", "b\n")
    repo.git("commit", "-q", "-m", "b", GIT_AUTHOR_NAME=OTHER_TEXT.strip())
    repo.commit(f"dir/{THIRD}.txt", PASSWORD)
    said = scan("--since", base)
    assert said.code == 1
    kinds = {found["origin"]["kind"] for found in said.findings}
    assert {"commit", "name", "blob"} <= kinds
    messages = [found for found in said.findings if found["path"].endswith("/message")]
    assert [found["start_line"] for found in messages] == [3]


def test_modes_submodules_and_types(repo: Repository, tmp_path: Path, scan: Scan) -> None:
    inner = Repository(tmp_path / "inner")
    inner.commit("x", TEXT)
    repo.commit("a.sh", TEXT)
    repo.git("update-index", "--chmod=+x", "a.sh")
    repo.git("commit", "-q", "-m", "executable")
    assert scan("--commit", "HEAD").code == 0
    repo.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(inner.root), "sub")
    repo.git("commit", "-q", "-m", "submodule")
    said = scan("--commit", "HEAD")
    assert (said.code, "submodule" in said.err) == (0, True)
    repo.git("rm", "-q", "--cached", "a.sh")
    (repo.root / "a.sh").unlink()
    (repo.root / "a.sh").symlink_to(f"https://u:{THIRD}@example.com/")
    repo.git("add", "a.sh")
    repo.git("commit", "-q", "-m", "now a link")
    assert scan("--commit", "HEAD").places == {"a.sh:1"}


def test_hostile_names(repo: Repository, scan: Scan) -> None:
    base = repo.commit("base", "x\n")
    names = ["two\nlines.txt", "tab\t.txt", ":100644 100644", " space", "-n", 'quote".txt', ":(glob)*", "\x1b[31m.txt"]
    for name in names:
        repo.write(name, TEXT)
    with open(os.fsencode(str(repo.root)) + b"/\xff.txt", "wb") as out:
        out.write(OTHER_TEXT.encode())
    repo.git("add", "-A")
    repo.git("commit", "-q", "-m", "y")
    assert len(scan("--since", base).findings) == len(names) + 1


def test_globs_of_the_command_line(repo: Repository, scan: Scan) -> None:
    repo.commit("tests/a.txt", TEXT)
    assert scan("--commit", "HEAD", "--exclude-path", "tests/**").code == 0
    assert scan("--commit", "HEAD", "--include-path", "tests/**").code == 1


# ---- what cannot be read --------------------------------------------------------------------------------------------


def lfs(repo: Repository, name: str, text: str, storage: str = ".git/lfs") -> None:
    """Stages an LFS file as git-lfs does: its content beside the objects, a pointer in the index."""
    data = text.encode()
    ident = hashlib.sha256(data).hexdigest()
    repo.write(f"{storage}/objects/{ident[:2]}/{ident[2:4]}/{ident}", data)
    repo.stage(name, f"version https://git-lfs.github.com/spec/v1\noid sha256:{ident}\nsize {len(data)}\n")


def test_what_lfs_holds_is_looked_at_in_place_of_its_pointer(repo: Repository, scan: Scan) -> None:
    base = repo.commit("a.txt", "a\n")
    lfs(repo, "big.csv", f"x\n{TEXT}")
    assert scan("--staged").places == {"big.csv:2"}
    repo.git("commit", "-q", "-m", "x")
    assert scan("--since", base).places == {"big.csv:2"}
    lfs(repo, "big.csv", f"x\ny\n{TEXT}{THIRD_TEXT}")
    assert scan("--staged").places == {"big.csv:4"}
    shutil.rmtree(repo.root / ".git" / "lfs")
    assert scan("--staged").code == 3
    assert scan("--since", base).code == 3


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names")
@pytest.mark.parametrize(
    "name",
    [
        "refs/heads/main", "refs/remotes/a/b", "ORIG_HEAD", "logs/HEAD", "objects/pack/pack-1.idx", "objects/ab/" + "c" * 38,
        "info/attributes", "info/sparse-checkout", "worktrees/w/HEAD",
    ],
)  # fmt: skip
def test_git_is_not_asked_for_a_range_where_it_would_wait_for_ever(
    repo: Repository, tmp_path: Path, scan: Scan, name: str
) -> None:
    repo.commit("a.txt", "a\n")
    for home in (repo.root / ".git", tmp_path / "other" / "objects"):
        path = home / name.removeprefix("objects/") if home.name == "objects" else home / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.unlink(missing_ok=True)
        os.mkfifo(path)
        for arguments in (("--branch", "main"), ("--staged",), ("--unstaged",)):
            said = scan(*arguments)
            assert (said.code, "could wait for it for ever" in said.err) == (3, True), arguments
        path.unlink()
        if not name.startswith("objects/"):
            return
        repo.write(".git/objects/info/alternates", f"{tmp_path / 'other' / 'objects'}\n")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names")
@pytest.mark.parametrize("folder", ["", "d/e/"])
def test_attributes_that_are_a_pipe_keep_nobody_waiting(repo: Repository, scan: Scan, folder: str) -> None:
    repo.commit("d/e/a.txt", "a\n")
    repo.write("d/e/a.txt", TEXT)
    os.mkfifo(repo.root / folder / ".gitattributes")
    said = scan("--unstaged")
    assert (said.code, "could wait for it for ever" in said.err) == (3, True)


@pytest.mark.parametrize(
    ("storage", "value", "inside"),
    [(".git/elsewhere", "elsewhere", True), (".git/own/lfs", "own/lfs", True), ("../kept", "", False), ("kept", "../kept", True)],
)
def test_lfs_contents_lie_where_the_configuration_says(
    repo: Repository, scan: Scan, monkeypatch: pytest.MonkeyPatch, storage: str, value: str, inside: bool
) -> None:
    value = value or str(repo.root.parent / "kept")
    repo.git("config", "lfs.storage", value)
    lfs(repo, "big.csv", f"x\n{TEXT}", storage)
    assert (scan("--staged").code, scan("--staged", "--follow-alternates").places) == (1 if inside else 3, {"big.csv:2"})
    repo.git("commit", "-q", "-m", "x")
    said = scan("--no-cache")
    assert (said.code, "big.csv:2" in said.places) == ((1, True) if inside else (3, False))
    assert "big.csv:2" in scan("--no-cache", "--follow-alternates").places
    # what the user himself says counts anywhere
    repo.git("config", "--unset", "lfs.storage")
    config = repo.root.parent / "users"
    config.write_text(f"[lfs]\n\tstorage = {value}\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    assert scan("--commit", "HEAD").places == {"big.csv:2"}
    assert "big.csv:2" in scan("--no-cache").places


def test_a_missing_commit_of_a_range_hides_nothing_else(repo: Repository, scan: Scan) -> None:
    first = repo.commit("a.txt", TEXT)
    gone = repo.commit("b.txt", "clean\n")
    third = repo.commit("c.txt", f"\n{OTHER_TEXT}")
    repo.git("checkout", "-q", "-b", "side", first)
    repo.commit("d.txt", f"\n\n{THIRD_TEXT}")
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "-m", "m", "side")
    repo.git("tag", "-a", "-m", "t", "v1", first)
    repo.lose(gone)
    for arguments in (("--since", first), ("--since", "v1"), ("--range", f"{first}...main")):
        said = scan(*arguments)
        assert {"c.txt:2", "d.txt:3"} <= said.places, arguments
        # all that stands behind the gap counts as added, for what was there before is not known
        assert {found["origin"]["facts"]["commit"] for found in said.findings if found["path"] == "a.txt"} <= {first, third}
    repo.git("tag", "-d", "v1")
    assert scan("--branch", "main").places == {"a.txt:1", "c.txt:2", "d.txt:3"}
    repo.git("update-ref", "refs/heads/clean", repo.git("commit-tree", "-p", "side", "-m", "x", "side^{tree}").strip())
    assert scan("--since", "side", "--branch", "clean").code == 0


def test_a_missing_commit_of_a_range_is_never_clean(repo: Repository, scan: Scan) -> None:
    first = repo.commit("a.txt", "a\n")
    gone = repo.commit("b.txt", "b\n")
    repo.commit("c.txt", "c\n")
    repo.lose(gone)
    receipt = repo.root.parent / "receipt.json"
    said = scan("--since", first, "--receipt", str(receipt))
    assert (said.code, said.findings) == (3, [])
    told = receipt.read_text()
    assert f"commit {gone[:12]}" in told and "1 that something leads to were looked at" in told


def test_a_commit_that_is_its_own_ancestor_ends() -> None:
    assert sorted(_oldest_first({"a": ["b"], "b": ["c", "a"], "c": ["b", "x"]})) == ["a", "b", "c"]
    assert _oldest_first({"d": ["b", "c"], "b": ["a"], "c": ["a"], "a": []}) == ["a", "b", "c", "d"]


def test_a_missing_blob_is_not_clean(repo: Repository, scan: Scan) -> None:
    base = repo.commit("base", "x\n")
    repo.commit("a.txt", "something that is nowhere else\n")
    lost = repo.git("rev-parse", "HEAD:a.txt").strip()
    repo.git("rm", "-q", "a.txt")
    repo.git("commit", "-q", "-m", "removed")
    repo.lose(lost)
    assert scan("--since", base).code == 3
    repo.commit("b.txt", TEXT)
    assert scan("--since", base).code == 1


def test_a_damaged_blob_costs_itself_alone(repo: Repository, scan: Scan) -> None:
    base = repo.commit("base", "x\n")
    repo.stage("a.txt", "something that is nowhere else\n")
    repo.stage("b.txt", TEXT)
    repo.stage("c.txt", "another\n")
    repo.git("commit", "-q", "-m", "y")
    blob = repo.git("rev-parse", "HEAD:a.txt").strip()
    path = repo.root / ".git" / "objects" / blob[:2] / blob[2:]
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-6] + b"damage")
    said = scan("--since", base)
    assert (said.code, said.places) == (1, {"b.txt:1"})
    assert "failed 1" in said.err


def test_a_damaged_commit_costs_itself_alone(repo: Repository, scan: Scan) -> None:
    base = repo.commit("base", "x\n")
    repo.commit("one/a.txt", "a tree that is nowhere else\n")
    lost = repo.head()
    repo.lose(repo.git("rev-parse", "HEAD:one").strip())
    repo.git("read-tree", base)
    blob = repo.git("hash-object", "-w", "--stdin", given=TEXT).strip()
    for name in ("b.txt", "c.txt"):
        tree = repo.git("mktree", given=f"100644 blob {blob}\t{name}\n").strip()
        repo.git("update-ref", "HEAD", repo.git("commit-tree", "-p", "HEAD", "-m", name, tree).strip())
    said = scan("--since", base)
    assert said.code == 1
    assert "failed " in said.err
    # the commit behind the lost tree cannot be held against it, so all that it has counts
    assert said.places == {"b.txt:1"}
    assert scan("--commit", lost).code == 3


def test_a_shallow_clone_is_not_clean_where_its_history_ends(repo: Repository, tmp_path: Path, scan: Scan) -> None:
    for number in range(4):
        repo.commit("a.txt", f"{number}\n")
    subprocess.run(["git", "clone", "-q", "--depth", "2", repo.root.as_uri(), "shallow"], cwd=tmp_path, check=True)
    clone = str(tmp_path / "shallow")
    assert scan(clone, "--range", "HEAD~1..HEAD").code == 0
    assert scan(clone, "--branch", "main").code == 3
    said = scan(clone, "--since", repo.git("rev-parse", "HEAD~3").strip())
    assert (said.code, "shallow" in said.err) == (2, True)


def test_a_partial_clone_fetches_nothing(repo: Repository, tmp_path: Path, scan: Scan) -> None:
    repo.git("config", "uploadpack.allowFilter", "true")
    repo.commit("a.txt", "a\n")
    repo.commit("a.txt", TEXT)
    command = ["git", "clone", "-q", "--no-checkout", "--filter=blob:none", repo.root.as_uri(), "partial"]
    subprocess.run(command, cwd=tmp_path, check=True)
    clone = tmp_path / "partial"
    before = sorted(path.name for path in (clone / ".git" / "objects").rglob("*"))
    assert scan(str(clone), "--branch", "main").code == 3
    assert sorted(path.name for path in (clone / ".git" / "objects").rglob("*")) == before


def test_bare_and_linked(repo: Repository, tmp_path: Path, scan: Scan) -> None:
    repo.commit("a.txt", TEXT)
    subprocess.run(["git", "clone", "-q", "--bare", str(repo.root), "bare.git"], cwd=tmp_path, check=True)
    assert scan(str(tmp_path / "bare.git"), "--branch", "main").places == {"a.txt:1"}
    repo.git("worktree", "add", "-q", "--detach", str(tmp_path / "a linked one"))
    (tmp_path / "a linked one" / "b.txt").write_text(OTHER_TEXT)
    subprocess.run(["git", "add", "b.txt"], cwd=tmp_path / "a linked one", check=True)
    assert scan(str(tmp_path / "a linked one"), "--staged").places == {"b.txt:1"}
    assert scan("--staged").code == 0


def test_sha256_repositories(tmp_path: Path, scan: Scan, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Repository(tmp_path / "new", "--object-format=sha256")
    made.stage("a.txt", TEXT)
    monkeypatch.chdir(made.root)
    assert scan("--staged").places == {"a.txt:1"}
    made.git("commit", "-q", "-m", "y")
    assert scan("--commit", "HEAD").places == {"a.txt:1"}


# ---- the index and the work tree ------------------------------------------------------------------------------------


def test_staged_and_unstaged(repo: Repository, scan: Scan) -> None:
    repo.commit("a.txt", TEXT)
    repo.stage("b.txt", OTHER_TEXT)
    repo.write("b.txt", f"{OTHER_TEXT}more\n{THIRD_TEXT}")
    assert scan("--staged").places == {"b.txt:1"}
    assert scan("--unstaged").places == {"b.txt:3"}
    assert scan("--staged", "--unstaged").places == {"b.txt:1", "b.txt:3"}
    (repo.root / "b.txt").unlink()
    assert scan("--unstaged").code == 0


def test_the_sides_of_what_is_not_merged_are_read(repo: Repository, scan: Scan) -> None:
    """The index holds them as it holds anything else; that they are not merged is told all the same."""
    repo.commit("deep/a.txt", "one\n")
    repo.git("checkout", "-q", "-b", "side")
    repo.commit("deep/a.txt", f"two\n{TEXT}")
    repo.git("checkout", "-q", "main")
    repo.commit("deep/a.txt", "three\n")
    repo.git("merge", "-q", "side", code=1)
    said = scan("--staged")
    assert (said.code, said.places) == (1, {"deep/a.txt:2"})
    assert "unmerged" in said.err
    other = repo.git("hash-object", "-w", "--stdin", given=OTHER_TEXT).strip()
    third = repo.git("hash-object", "-w", "--stdin", given=THIRD_TEXT).strip()
    repo.git("update-index", "--index-info", given=f"100644 {other} 1\tb.txt\n120000 {third} 2\tb.txt\n")
    assert scan("--staged").places == {"deep/a.txt:2", "b.txt:1"}
    assert len(scan("--staged").findings) == 3


def test_the_work_tree_runs_no_filter_and_overlooks_nothing(repo: Repository, scan: Scan) -> None:
    marker = repo.root.parent / "ran"
    program = repo.root.parent / "evil.sh"
    program.write_text(f"#!/bin/sh\ntouch {marker}\ncat\n")
    program.chmod(0o755)
    repo.stage(".gitattributes", "* filter=x\n")
    for name in ("racy", "assumed", "sparse", "link", "added"):
        repo.write(name, "clean\n")
        repo.git("add", *(["-N"] if name == "added" else []), name)
    repo.git("commit", "-q", "-m", "x")
    repo.git("update-index", "--assume-unchanged", "assumed")
    repo.git("update-index", "--skip-worktree", "sparse")
    for key in ("clean", "smudge", "process"):
        repo.git("config", f"filter.x.{key}", str(program))
    repo.git("config", "filter.x.required", "true")
    (repo.root / "link").unlink()
    (repo.root / "link").symlink_to(f"https://u:{THIRD}@example.com/")
    for name in ("racy", "assumed", "sparse", "added"):
        repo.write(name, TEXT)
    marker.unlink(missing_ok=True)
    said = scan("--unstaged")
    assert {found["path"] for found in said.findings} == {"racy", "assumed", "sparse", "link", "added"}
    assert not marker.exists()


@pytest.mark.parametrize("mark", ["", "--skip-worktree", "--assume-unchanged"])
def test_nothing_is_read_through_a_folder_that_is_a_link(
    repo: Repository, tmp_path: Path, scan: Scan, mark: str
) -> None:
    repo.commit("d/s.txt", "clean\n")
    if mark:
        repo.git("update-index", mark, "d/s.txt")
    shutil.rmtree(repo.root / "d")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "s.txt").write_text(TEXT)
    (repo.root / "d").symlink_to(tmp_path / "outside")
    assert scan("--unstaged").places == set()


def test_submodules_of_the_work_tree_run_nothing(repo: Repository, tmp_path: Path, scan: Scan) -> None:
    inner = Repository(tmp_path / "inner")
    inner.commit("x", "x\n")
    repo.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(inner.root), "sub")
    repo.git("commit", "-q", "-m", "x")
    marker = tmp_path / "ran"
    program = tmp_path / "evil.sh"
    program.write_text(f"#!/bin/sh\ntouch '{marker}'\n")
    program.chmod(0o755)
    repo.git("-C", "sub", "config", "core.fsmonitor", str(program))
    repo.write("sub/x", TEXT)
    repo.write("a.txt", "clean\n")
    for mode in ("--unstaged", "--staged"):
        assert scan(mode).code == 0
    assert not marker.exists()
    repo.git("status")
    assert marker.exists()  # the trap is a trap


# ---- diffs ----------------------------------------------------------------------------------------------------------


def diffed(repo: Repository, *options: str) -> str:
    path = repo.root.parent / "some.diff"
    path.write_bytes(os.fsencode(repo.git("diff", *options, "HEAD")))
    return str(path)


def test_a_diff_reports_its_added_lines_where_they_are(repo: Repository, scan: Scan) -> None:
    repo.commit("src/a.txt", "line\n" * 40 + TEXT + "line\n" * 40)
    repo.write("src/a.txt", "line\n" * 38 + "new\n" + "line\n" * 2 + TEXT + "line\n" * 38 + OTHER_TEXT + "line\n" * 2)
    repo.stage("new name.txt", f"a\n{THIRD_TEXT}")
    for options in ((), ("--no-prefix",), ("--color=always",), ("-U0",), ("-U20",), ("--binary",)):
        said = scan("--diff", diffed(repo, *options))
        assert said.places == {"src/a.txt:81", "new name.txt:2"}, options


def test_a_diff_from_standard_input(repo: Repository, scan: Scan, monkeypatch: pytest.MonkeyPatch) -> None:
    repo.stage("a.txt", TEXT)
    text = repo.git("diff", "--cached").encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))
    assert scan("--diff", "-").places == {"a.txt:1"}


def test_a_diff_completes_a_credential(repo: Repository, scan: Scan) -> None:
    repo.commit("bot.env", f"A=1\n{BINANCE_KEY}B=2\n")
    repo.write("bot.env", f"A=1\n{BINANCE_KEY}{BINANCE}B=2\n")
    assert scan("--diff", diffed(repo)).places == {"bot.env:2", "bot.env:3"}


def test_a_diff_of_a_merge(repo: Repository, scan: Scan) -> None:
    repo.commit("a.txt", "base\n")
    repo.git("checkout", "-q", "-b", "side")
    repo.commit("a.txt", "side\n")
    repo.git("checkout", "-q", "main")
    repo.commit("a.txt", "main\n")
    repo.git("merge", "-q", "side", code=None)
    repo.stage("a.txt", f"main\n{TEXT}side\n")
    repo.git("commit", "-q", "-m", "merged")
    path = repo.root.parent / "merge.diff"
    path.write_text(repo.git("show", "--cc", "HEAD"))
    assert scan("--diff", str(path)).places == {"a.txt:2"}


def test_a_diff_holds_binaries_or_is_not_clean(repo: Repository, scan: Scan) -> None:
    repo.commit("old.bin", bytes(range(256)) * 40)
    repo.stage("a.bin", bytes(range(256)) + TEXT.encode() + bytes(range(256)))
    repo.stage("old.bin", bytes(range(256)) * 40 + b"\n" + OTHER_TEXT.encode() + bytes(range(256)) * 3)
    assert scan("--diff", diffed(repo)).code == 3
    said = scan("--diff", diffed(repo, "--binary"))
    assert {found["path"] for found in said.findings} == {"a.bin", "old.bin"}


def test_a_patch_series_with_its_messages(repo: Repository, scan: Scan) -> None:
    base = repo.commit("a.txt", "a\n")
    repo.commit("b.txt", "b\n", f"subject\n\nsee {TEXT}")
    repo.commit("c.txt", OTHER_TEXT)
    path = repo.root.parent / "series.mbox"
    path.write_text(repo.git("format-patch", "--stdout", base))
    said = scan("--diff", str(path))
    assert said.code == 1
    assert "c.txt:1" in said.places
    line = next(n for n, text in enumerate(path.read_text().split("\n"), 1) if SECRET in text)
    assert f"{path}:{line}" in said.places


def test_quoted_and_strange_names_in_a_diff(repo: Repository, scan: Scan) -> None:
    for name in ("ta\tb.txt", "ümlaut.txt", 'quo"te.txt', "a b/c d.txt"):
        repo.stage(name, TEXT)
    repo.git("commit", "-q", "--allow-empty", "-m", "x", "--only")
    assert {found["path"] for found in scan("--diff", diffed(repo)).findings} == {
        "ta\tb.txt", "ümlaut.txt", 'quo"te.txt', "a b/c d.txt",
    }  # fmt: skip


def test_a_name_that_is_quoted_and_has_a_blank(repo: Repository, scan: Scan) -> None:
    """git writes a tab behind names with a blank, behind the quotes, too."""
    first = repo.commit("g é.txt", "x\n")
    repo.commit("g é.txt", f"x\n{TEXT}")
    Path("d").write_text(repo.git("diff", first, "HEAD"))
    assert '"\t\n' in Path("d").read_text()
    assert scan("--diff", "d").places == {"g é.txt:2"}


def test_what_is_no_diff_is_a_mistake_and_what_is_cut_off_is_not_clean(repo: Repository, scan: Scan) -> None:
    path = repo.root.parent / "x"
    path.write_text("no diff at all\n")
    assert scan("--diff", str(path)).code == 2
    path.write_text("")
    assert scan("--diff", str(path)).code == 0
    path.write_text("--- a/x\n+++ b/x\n@@ -0,0 +1,9 @@\n+one\n+two\n")
    said = scan("--diff", str(path))
    assert (said.code, "ends 7 lines before" in said.err) == (3, True)


@given(st.lists(st.tuples(st.sampled_from("+- "), st.text("abc+-@\\ ", max_size=6)), max_size=30), st.integers(1, 99))
def test_hunks_hold_the_new_side_and_nothing_else(rows: list[tuple[str, str]], start: int) -> None:
    new = [text for sign, text in rows if sign != "-"]
    old = [text for sign, text in rows if sign != "+"]
    body = "".join(f"{sign}{text}\n" for sign, text in rows)
    text = f"--- a/x\n+++ b/x\n@@ -{start},{len(old)} +{start},{len(new)} @@\n{body}tail {{}}\n"
    told: list[Any] = []
    found, rest = hunks(text.encode(), "d", told.append)
    assert not told
    assert b"".join(hunk.data for hunk in found).decode() == "".join(f"{line}\n" for line in new)
    number, added = start, set()
    for sign, _ in rows:
        if sign != "-":
            if sign == "+":
                added.add(number)
            number += 1
    assert set().union(*(hunk.added for hunk in found)) == added
    assert rest.split(b"\n")[-1] == b"tail {}"


@given(st.binary(max_size=300))
def test_no_text_breaks_the_parser(noise: bytes) -> None:
    lines = b"diff --git a/x b/x\n" + noise + b"\n--- a/y\n+++ b/y\n@@ -1 +1,99 @@\n" + noise
    hunks(lines + b"\nGIT binary patch\nliteral 20\n" + base64.b85encode(noise[:20]), "d", lambda _: None)


# ---- reading objects ------------------------------------------------------------------------------------------------


def test_objects_are_read_in_any_number_and_order(repo: Repository) -> None:
    blobs = [repo.git("hash-object", "-w", "--stdin", given="x" * n).strip() for n in (0, 1, 70_000)]
    wanted = (blobs * 200)[:590]
    wanted[300] = "0" * 40
    with Blobs(Here()) as reader:
        told = list(reader.each(wanted))
        assert [ident for ident, _ in told] == wanted
        assert [len(data) if isinstance(data, bytes) else -1 for _, data in told] == [
            -1 if ident == "0" * 40 else (0, 1, 70_000)[blobs.index(ident)] for ident in wanted
        ]
        assert reader.read(blobs[1]) == b"x"


# ---- archives -------------------------------------------------------------------------------------------------------


def packed(**members: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(zipfile.ZipInfo(name), text)
    return out.getvalue()


def test_what_an_archive_gains_is_reported(repo: Repository, scan: Scan) -> None:
    first = repo.commit("a.zip", packed(old=TEXT))
    assert scan("--commit", first).places == {"a.zip!/old:1"}
    repo.commit("a.zip", packed(old=TEXT, more="line\n"))
    assert scan("--since", first).code == 0
    repo.commit("a.zip", packed(old=TEXT, new=f"line\n{OTHER_TEXT}"))
    said = scan("--since", first)
    assert said.places == {"a.zip!/new:2"}
    assert said.findings[0]["origin"]["inside"]["facts"]["commit"] == repo.head()
    repo.stage("a.zip", packed(third=THIRD_TEXT))
    assert scan("--staged").places == {"a.zip!/third:1"}
