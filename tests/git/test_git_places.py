"""The planted matrix: a token in every place where git keeps bytes, each found, each said where it is.

Real git builds every place; the first 21 are those in which other scanners were measured.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from repos import Repository

from leakguard import report
from leakguard.detect.engine import Engine
from leakguard.detect.generate import expand
from leakguard.history import Options, scan_repository
from leakguard.model import Finding, ScanResult
from leakguard.report import ReportContext, render
from leakguard.sources.inside.limits import Limits
from leakguard.work import Policy

SUB = ("-c", "protocol.file.allow=always")


def token(place: str) -> str:
    return expand("{{gen:github ghp_}}", Random(f"place:{place}"))


def line(place: str) -> str:
    return f"TOKEN = '{token(place)}'\n"


# ---------------------------------------------------------------- places
def submodule_file(repo: Repository) -> None:
    lib = Repository(repo.root.parent / "lib", "-b", "main")
    lib.commit("lib.py", line("submodule file"))
    lib.commit("lib.py", "clean\n", f"message {token('submodule message')}")
    repo.git(*SUB, "submodule", "add", "-q", str(lib.root), "libs/lib")
    repo.git("commit", "-q", "-m", "submodule")


def plain_commit(repo: Repository) -> None:
    repo.commit("plain.py", line("plain commit"))
    repo.commit("plain.py", "clean\n")


def commit_message(repo: Repository) -> None:
    repo.commit("m.txt", "m\n", f"use {token('commit message')} for now")


def merge_resolution(repo: Repository) -> None:
    base = repo.commit("both.txt", "one\n")
    repo.commit("both.txt", "two\n")
    repo.git("checkout", "-q", "-b", "side", base)
    repo.commit("both.txt", "three\n")
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "side", code=1)
    repo.stage("both.txt", line("merge resolution"))
    repo.git("commit", "-q", "-m", "merged")
    repo.commit("both.txt", "clean\n")


def attribute(repo: Repository, name: str, attributes: str) -> None:
    repo.stage(".gitattributes", f"*.{name} {attributes}\n")
    repo.commit(f"file.{name}", line(name))


def utf16(repo: Repository) -> None:
    repo.commit("wide.txt", line("utf-16").encode("utf-16"))


def renamed(repo: Repository) -> None:
    repo.commit("old.txt", "\n".join(f"line {number}" for number in range(50)))
    repo.git("mv", "old.txt", "new.txt")
    repo.commit("new.txt", "\n".join(f"line {number}" for number in range(50)) + "\n" + line("renamed"))


def file_name(repo: Repository) -> None:
    repo.commit(f"dir/dump-{token('file name')}.txt", "nothing in it\n")
    repo.git("rm", "-q", "-r", "dir")
    repo.git("commit", "-q", "-m", "gone")


def tag_message(repo: Repository) -> None:
    repo.git("tag", "-a", "v1", "-m", f"release with {token('tag message')}")


def notes(repo: Repository) -> None:
    repo.git("notes", "add", "-m", line("notes"))


def branch_name(repo: Repository) -> None:
    repo.git("branch", f"try-{token('branch name')}")


def tag_on_blob(repo: Repository) -> None:
    blob = repo.git("hash-object", "-w", "--stdin", given=line("tag on blob")).strip()
    repo.git("tag", "blob-tag", blob)


def pull_ref(repo: Repository) -> None:
    repo.git("checkout", "-q", "--detach")
    repo.commit("pull.txt", line("pull ref"))
    repo.git("update-ref", "refs/pull/7/head", "HEAD")
    repo.git("checkout", "-q", "main")


def amended(repo: Repository) -> None:
    repo.commit("amended.txt", line("amended"))
    repo.stage("amended.txt", "clean\n")
    repo.git("commit", "-q", "--amend", "-m", "clean")


def dangling_blob(repo: Repository) -> None:
    repo.stage("dangling.txt", line("dangling blob"))
    repo.git("rm", "-q", "--cached", "dangling.txt")
    (repo.root / "dangling.txt").unlink()


def stash(repo: Repository) -> None:
    repo.commit("stashed.txt", "clean\n")
    repo.write("stashed.txt", line("stash"))
    repo.git("stash", "-q")


def stash_untracked(repo: Repository) -> None:
    repo.write("untracked.txt", line("stash untracked"))
    repo.git("stash", "-q", "-u")


def lfs_object(repo: Repository) -> None:
    data = line("lfs object").encode()
    oid = hashlib.sha256(data).hexdigest()
    folder = repo.root / ".git" / "lfs" / "objects" / oid[:2] / oid[2:4]
    folder.mkdir(parents=True)
    (folder / oid).write_bytes(data)
    repo.commit("big.bin", f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(data)}\n")


def remote_url(repo: Repository) -> None:
    repo.git("remote", "add", "origin", f"https://me:{token('remote url')}@github.example/me/it.git")


def zip_in_history(repo: Repository) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner/config.py", line("zip in history") * 20)
    repo.commit("backup.zip", buffer.getvalue())
    repo.git("rm", "-q", "backup.zip")
    repo.git("commit", "-q", "-m", "gone")


PEERS: dict[str, Callable[[Repository], None]] = {
    "submodule file": submodule_file,
    "plain commit": plain_commit,
    "commit message": commit_message,
    "merge resolution": merge_resolution,
    "nodiff": lambda repo: attribute(repo, "nodiff", "-diff"),
    "asbinary": lambda repo: attribute(repo, "asbinary", "binary"),
    "utf-16": utf16,
    "renamed": renamed,
    "file name": file_name,
    "tag message": tag_message,
    "notes": notes,
    "branch name": branch_name,
    "tag on blob": tag_on_blob,
    "pull ref": pull_ref,
    "amended": amended,
    "dangling blob": dangling_blob,
    "stash": stash,
    "stash untracked": stash_untracked,
    "lfs object": lfs_object,
    "remote url": remote_url,
    "zip in history": zip_in_history,
}


def author_field(repo: Repository) -> None:
    repo.stage("author.txt", "a\n")
    repo.git("commit", "-q", "-m", "x", "--author", f"{token('author field')} <a@example.com>")


def committer_field(repo: Repository) -> None:
    repo.stage("committer.txt", "a\n")
    repo.git("commit", "-q", "-m", "x", GIT_COMMITTER_EMAIL=f"{token('committer field')}@example.com")


def linked_worktree(repo: Repository) -> None:
    folder = repo.root.parent / "linked"
    repo.git("worktree", "add", "-q", "--detach", str(folder))
    (folder / "tree.txt").write_text(line("linked work tree"))
    repo.git("-C", str(folder), "add", "tree.txt")
    repo.git("-C", str(folder), "commit", "-q", "-m", "in the linked tree")
    (folder / "staged.txt").write_text(line("staged in linked work tree"))
    repo.git("-C", str(folder), "add", "staged.txt")


def staged_only(repo: Repository) -> None:
    repo.stage("staged.txt", line("staged only"))
    repo.write("staged.txt", "clean\n")


def alternate_inside(repo: Repository) -> None:
    inner = Repository(repo.root / ".git" / "borrowed", "-b", "main")
    inner.commit("x.txt", line("alternate inside"))
    info = repo.root / ".git" / "objects" / "info"
    info.mkdir(exist_ok=True)
    (info / "alternates").write_text("../borrowed/.git/objects\n")


def deleted_branch(repo: Repository) -> None:
    repo.git("checkout", "-q", "-b", f"old-{token('reflog of deleted branch')}")
    repo.git("checkout", "-q", "main")
    repo.git("branch", "-q", "-D", f"old-{token('reflog of deleted branch')}")


def symbolic_link(repo: Repository) -> None:
    (repo.root / "link").symlink_to(f"/nowhere/{token('link target')}")
    repo.git("add", "link")
    repo.git("commit", "-q", "-m", "link")


def dangling_commit(repo: Repository) -> None:
    tree = repo.git("write-tree").strip()
    repo.git("commit-tree", tree, "-m", f"nobody knows {token('dangling commit')}")


def nested_tag(repo: Repository) -> None:
    repo.git("tag", "-a", "inner", "-m", f"inner {token('tag behind a tag')}")
    repo.git("tag", "-a", "outer", "-m", "outer", "inner")
    repo.git("tag", "-d", "inner")


def fetch_head(repo: Repository) -> None:
    head = repo.head()
    repo.write(".git/FETCH_HEAD", f"{head}\t\tbranch 'main' of https://x:{token('fetch head')}@example.org/r\n")


def merge_message(repo: Repository) -> None:
    repo.write(".git/COMMIT_EDITMSG", f"given up: {token('commit message not used')}\n")


def credentials(repo: Repository) -> None:
    repo.git("config", "http.https://example.org.extraHeader", f"Authorization: token {token('extra header')}")


OURS: dict[str, Callable[[Repository], None]] = {
    "author field": author_field,
    "committer field": committer_field,
    "linked work tree": linked_worktree,
    "alternate inside": alternate_inside,
    "reflog of deleted branch": deleted_branch,
    "link target": symbolic_link,
    "dangling commit": dangling_commit,
    "tag behind a tag": nested_tag,
    "fetch head": fetch_head,
    "commit message not used": merge_message,
    "extra header": credentials,
    "staged only": staged_only,
}
ALSO = ("submodule message", "staged in linked work tree")
"""Places that another one's maker fills."""


def scan(repo: Path, engine: Engine, **options: object) -> ScanResult:
    policy = Policy(0, 0, Limits())
    chosen = Options(**{"jobs": 1, "cache": "", **options})  # type: ignore[arg-type]
    result, interrupted = scan_repository(str(repo), lambda _expected: engine, policy, chosen)
    assert not interrupted
    return result


class Matrix:
    """The repository with everything in it, and what a scan found."""

    def __init__(self, repo: Repository, result: ScanResult) -> None:
        self.repo = repo
        self.result = result

    def of(self, place: str) -> list[Finding]:
        wanted = token(place).encode()
        return [finding for finding in self.result.findings if finding.secret == wanted]


@pytest.fixture(scope="module")
def matrix(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> Iterator[Matrix]:
    repo = Repository(tmp_path_factory.mktemp("matrix") / "repo", "-b", "main")
    repo.commit("README", "hello\n", "start")
    for make in (*PEERS.values(), *OURS.values()):
        make(repo)
    yield Matrix(repo, scan(repo.root, engine))


@pytest.mark.parametrize("place", [*PEERS, *OURS, *ALSO])
def test_a_token_is_found_in_every_place(matrix: Matrix, place: str) -> None:
    assert matrix.of(place), place


def test_everything_was_read(matrix: Matrix) -> None:
    assert matrix.result.incidents == ()
    counts = matrix.result.receipt["repositories"]
    assert [store["name"] for store in counts] == [".", "modules/libs/lib"]
    assert counts[0]["lfs"] == {"pointers": 1, "absent": 0}
    assert counts[0]["inside"][:2] == [1, 1]


def test_no_text_of_a_finding_holds_a_token(matrix: Matrix) -> None:
    """Subjects, authors, paths and refs come from the repository, too."""
    places = [*PEERS, *OURS, *ALSO]
    for finding in matrix.result.findings:
        text = repr(finding._replace(secret=None)) + repr(finding.origin) + finding.masked
        assert [place for place in places if token(place) in text] == []


def fact(finding: Finding, name: str) -> str:
    return dict(finding.origin.facts).get(name, "")


def test_a_finding_says_who_brought_it_when_and_whether_it_is_still_there(matrix: Matrix) -> None:
    (finding,) = matrix.of("plain commit")
    first = matrix.repo.git("log", "--format=%H", "--reverse", "--", "plain.py").split()[0]
    assert str(finding.origin) == "plain.py"
    assert fact(finding, "commit") == first
    assert fact(finding, "author") == "A <a@example.com>"
    assert fact(finding, "subject") == "x"
    assert fact(finding, "date").endswith("Z")
    assert fact(finding, "now") == "not in refs/heads/main"
    assert fact(finding, "reachable").startswith("from refs/heads/main")
    (finding,) = matrix.of("renamed")
    assert fact(finding, "now") == "in refs/heads/main"


def foreign_commit(repo: Repository, name: str, said: str, encoding: str, who: str) -> str:
    """A commit whose people wrote in another encoding than UTF-8, as git keeps one."""
    text = (
        f"tree {repo.git('write-tree').strip()}\nparent {repo.head()}\nauthor {who}\ncommitter {who}\n"
        f"encoding {name}\n\n{said}\n\nmore\n"
    )
    path = repo.root.parent / "commit"
    path.write_bytes(text.encode(encoding, "surrogateescape"))
    commit = repo.git("hash-object", "-t", "commit", "-w", str(path)).strip()
    repo.git("update-ref", "refs/heads/main", commit)
    return commit


@pytest.mark.parametrize(
    ("name", "encoding", "who", "subject"),
    [
        ("ISO-8859-1", "latin-1", "J\xfcrgen Gro\xdf", "Gr\xfc\xdfe an alle"),
        ("Shift_JIS", "shift_jis", "\u5c71\u7530\u80fd", "\u79d8\u5bc6\u3092\u8868\u793a"),
        ("KOI8-R", "koi8-r", "\u0418\u0432\u0430\u043d", "\u043a\u043b\u044e\u0447\u0438"),
        ("no-such-encoding", "utf-8", "J\xfcrgen", "Gr\xfc\xdfe"),
        ("UTF-16", "utf-8", "J\xfcrgen", "Gr\xfc\xdfe"),
        ("zlib_codec", "utf-8", "J\xfcrgen", "Gr\xfc\xdfe"),
    ],
)
def test_people_who_wrote_in_another_encoding_are_shown_as_they_wrote(
    repo: Repository, engine: Engine, name: str, encoding: str, who: str, subject: str
) -> None:
    repo.stage("a.txt", line("another encoding"))
    foreign_commit(repo, name, subject, encoding, who=f"{who} <j@example.com> 1600000000 +0200")
    (finding,) = scan(repo.root, engine).findings
    assert (fact(finding, "author"), fact(finding, "subject")) == (f"{who} <j@example.com>", subject)
    assert fact(finding, "date") == "2020-09-13T12:26:40Z"


def test_a_secret_that_only_an_encoding_shows_is_masked(repo: Repository, engine: Engine) -> None:
    secret = token("by an encoding")
    repo.stage("a.txt", line("another encoding"))
    foreign_commit(repo, "hz", f"key {secret[:20]}~\n{secret[20:]} is new", "utf-8", who="A <a@example.com> 1600000000 +0200")
    result = scan(repo.root, engine)
    assert secret not in repr(result)


def test_a_merge_is_what_brought_its_own_resolution(matrix: Matrix) -> None:
    (finding,) = matrix.of("merge resolution")
    assert fact(finding, "subject") == "merged"
    assert str(finding.origin) == "both.txt"


@pytest.mark.parametrize(
    ("place", "holder"),
    [
        ("pull ref", "from refs/pull/7/head"),
        ("notes", "from refs/notes/commits"),
        ("stash", "from refs/stash"),
        ("stash untracked", "from refs/stash"),
        ("tag on blob", "from refs/tags/blob-tag"),
        ("tag message", "from refs/tags/v1"),
        ("amended", "only from logs/HEAD"),
        ("dangling blob", "from nothing"),
        ("dangling commit", "from nothing"),
        ("staged only", "from index"),
        ("staged in linked work tree", "from worktrees/linked/index"),
        ("linked work tree", "from worktrees/linked/HEAD"),
    ],
)
def test_a_finding_says_what_still_reaches_it(matrix: Matrix, place: str, holder: str) -> None:
    finding = next(finding for finding in matrix.of(place) if finding.origin.kind != "file")
    told = fact(finding, "reachable")
    assert told.startswith(holder) if place != "stash" else "refs/stash" in told, told


def removed(result: ScanResult, place: str) -> set[str]:
    """The commits that `removed` names for a token."""
    found = [finding for finding in result.findings if finding.secret == token(place).encode()]
    assert found
    return {fact(finding, "removed").rpartition(" ")[2] for finding in found}


def test_a_finding_says_when_the_default_branch_lost_it(tmp_path: Path, engine: Engine) -> None:
    repo = Repository(tmp_path / "repo", "-b", "main")
    bob = {"GIT_AUTHOR_NAME": "Bob", "GIT_COMMITTER_DATE": "1600000000 +0200"}
    repo.commit("a.py", line("twice"))
    repo.commit("a.py", line("twice") + "edited\n")
    for number in range(40):
        repo.commit("other", f"{number}\n")
    repo.stage("a.py", "clean\n")
    repo.git("commit", "-q", "-m", "x", **bob)
    out = repo.head()
    repo.commit("other", "more\n")
    (finding,) = scan(repo.root, engine).findings
    assert fact(finding, "removed") == f"2020-09-13T12:26:40Z by Bob <a@example.com> in {out}"
    repo.git("revert", "--no-edit", out)
    assert removed(scan(repo.root, engine), "twice") == {""}
    repo.git("rm", "-q", "a.py")
    repo.git("commit", "-q", "-m", "x")
    assert removed(scan(repo.root, engine), "twice") == {repo.head()}


def test_what_cannot_be_read_lost_nothing(tmp_path: Path, engine: Engine) -> None:
    """A tree that is gone has no secret either, and yet nobody took it out there."""
    repo = Repository(tmp_path / "repo", "-b", "main")
    repo.commit("d/a.py", line("damaged"))
    for number in range(5):
        repo.commit("d/other", f"{number}\n")
    tree = repo.git("rev-parse", "HEAD~2:d").strip()
    for number in range(5):
        repo.commit("d/other", f"and {number}\n")
    repo.git("rm", "-q", "d/a.py")
    repo.git("commit", "-q", "-m", "x")
    assert removed(scan(repo.root, engine), "damaged") == {repo.head()}
    repo.lose(tree)
    assert removed(scan(repo.root, engine), "damaged") <= {"", repo.head()}


def test_what_other_branches_had_and_lost_and_what_was_renamed(tmp_path: Path, engine: Engine) -> None:
    repo = Repository(tmp_path / "repo", "-b", "main")
    repo.commit("a", "a\n")
    for place, lost in (("branch", False), ("never", True)):
        repo.git("checkout", "-q", "-b", place)
        repo.commit(f"{place}.py", line(place))
        if lost:
            repo.git("rm", "-q", f"{place}.py")
            repo.git("commit", "-q", "-m", "x")
        repo.git("checkout", "-q", "main")
        repo.git("merge", "-q", "--no-ff", "-m", "x", place)
    repo.git("checkout", "-q", "-b", "cleaning")
    repo.git("rm", "-q", "branch.py")
    repo.git("commit", "-q", "-m", "x")
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "--no-ff", "-m", "x", "cleaning")
    merge = repo.head()
    for place in ("renamed", "still there"):
        repo.commit("old.py", line(place))
        repo.git("rm", "-q", "old.py")
        repo.commit(f"{place}\té.py", line(place) + "edited\n")
    repo.git("rm", "-q", "renamed\té.py")
    repo.commit("odd\nname.py", line("odd name"), "x")
    last = repo.head()
    repo.git("rm", "-q", "odd\nname.py")
    repo.git("commit", "-q", "-m", "x")
    result = scan(repo.root, engine)
    assert removed(result, "branch") == {merge}
    assert removed(result, "renamed") == {last}
    for place in ("never", "still there", "odd name"):
        assert removed(result, place) == {""}
    repo.git("checkout", "-q", "--orphan", "empty")  # no default branch at all
    assert removed(scan(repo.root, engine), "branch") == {""}


@pytest.mark.parametrize(
    ("place", "origin"),
    [
        ("submodule file", "modules/libs/lib!/lib.py"),
        ("zip in history", "backup.zip!/inner/config.py"),
        ("file name", "dump-<github.personal-access-token:40>"),
        ("branch name", "refs/heads/try-<github.personal-access-token:40>"),
        ("remote url", ".git/config"),
        ("staged only", "staged.txt"),
    ],
)
def test_a_finding_says_where_it_is(matrix: Matrix, place: str, origin: str) -> None:
    assert origin in [str(finding.origin) for finding in matrix.of(place)]


def test_a_file_name_is_attributed_to_the_commit_that_made_it(matrix: Matrix) -> None:
    finding = next(finding for finding in matrix.of("file name") if finding.origin.kind == "name")
    assert fact(finding, "commit")
    assert fact(finding, "now") == "not in refs/heads/main"


@pytest.mark.parametrize("fmt", ["text", "json", "jsonl", "sarif", "csv", "junit", "gitlab", "github"])
def test_every_format_takes_what_git_gives(matrix: Matrix, fmt: str) -> None:
    context = ReportContext("1", "r", "c", datetime(2026, 1, 1, tzinfo=UTC))
    out = io.BytesIO()
    findings = tuple(finding._replace(secret=None) for finding in matrix.result.findings)
    render(matrix.result._replace(findings=findings), fmt, out, context)
    assert not [place for place in (*PEERS, *OURS, *ALSO) if token(place).encode() in out.getvalue()]
    if fmt == "json":
        folder = Path(report.__file__).parent
        schemas = [json.loads((folder / name).read_text()) for name in ("report.schema.json", "finding.schema.json")]
        schemas.append(json.loads((folder / "receipt.schema.json").read_text()))
        registry = Registry().with_resources([(one["$id"], Resource.from_contents(one)) for one in schemas])
        Draft202012Validator(schemas[0], registry=registry).validate(json.loads(out.getvalue()))


def test_versions_of_a_file_are_one_finding(tmp_path: Path, engine: Engine) -> None:
    repo = Repository(tmp_path / "repo", "-b", "main")
    first = repo.commit("a.txt", line("v") + "1\n")
    for number in range(2, 6):
        repo.commit("a.txt", f"{number}\n{line('v')}")
    (finding,) = scan(repo.root, engine).findings
    assert fact(finding, "versions") == "5"
    assert fact(finding, "commit") == first
    assert finding.start_line == 1
    assert fact(finding, "now") == "in refs/heads/main"


def test_a_file_that_was_renamed_and_edited_at_once_says_where_its_secret_came_first(
    tmp_path: Path, engine: Engine
) -> None:
    repo = Repository(tmp_path / "repo", "-b", "main")
    repo.commit("a.txt", "clean\n")
    first = repo.commit("old.txt", line("v") + "more\n" * 30)
    repo.git("mv", "old.txt", "new.txt")
    renamed = repo.commit("new.txt", "edited\n" + line("v") + "more\n" * 30)
    old, new = sorted(scan(repo.root, engine).findings, key=lambda finding: str(finding.origin), reverse=True)
    assert (fact(old, "commit"), fact(old, "first")) == (first, "")
    assert (fact(new, "commit"), fact(new, "first")) == (renamed, f"{first} in old.txt")


def test_what_lfs_holds_is_attributed_to_its_pointer(matrix: Matrix, engine: Engine, tmp_path: Path) -> None:
    (finding,) = matrix.of("lfs object")
    assert str(finding.origin) == "big.bin"
    assert fact(finding, "commit") == matrix.repo.git("log", "--format=%H", "--", "big.bin").strip()
    assert fact(finding, "now") == "in refs/heads/main"
    cache = str(tmp_path / "cache")
    quiet = Engine(engine.ruleset, engine.stage1)
    for _ in range(2):
        told = scan(matrix.repo.root, quiet, cache=cache).findings
        (again,) = [one for one in told if one.fingerprint == finding.fingerprint]
        assert again.origin == finding.origin


def test_workers_find_what_one_process_finds(matrix: Matrix, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    from leakguard import cutting, history

    monkeypatch.setattr(history, "PARALLEL_FROM", 0)
    monkeypatch.setattr(cutting, "PIECE_OBJECTS", 7)
    again = scan(matrix.repo.root, engine, jobs=2)
    assert set(again.findings) == set(matrix.result.findings)
    assert again.totals == matrix.result.totals
    assert again.incidents == ()


@pytest.mark.parametrize("at", ["work tree", "folder in it", "git folder", "linked work tree"])
def test_a_repository_is_found_from_where_git_finds_it(matrix: Matrix, engine: Engine, at: str) -> None:
    root = matrix.repo.root
    where = {"work tree": root, "folder in it": root / "libs", "git folder": root / ".git"}.get(
        at, root.parent / "linked"
    )
    found = {finding.secret for finding in scan(where, engine).findings}
    assert token("plain commit").encode() in found
    assert token("dangling blob").encode() in found


def test_configurations_that_are_included_are_read_where_they_are_the_repositorys(tmp_path: Path, engine: Engine) -> None:
    repo = Repository(tmp_path / "repo", "-b", "main")
    repo.commit("a.txt", "clean\n")
    setting = "[http]\n\textraHeader = Authorization: token {}\n"
    repo.write("conf/work", setting.format(token("included")) + "[include]\n\tpath = ../next\n")
    repo.write("next", setting.format(token("included by that")))
    repo.write(".git/own", setting.format(token("in the git folder")))
    (tmp_path / "elsewhere").write_text(setting.format(token("elsewhere")))
    repo.git("config", "include.path", "../conf/work")
    repo.git("config", "--add", "include.path", "own")
    repo.git("config", "includeIf.gitdir:/.path", str(tmp_path / "elsewhere"))
    repo.git("config", "--add", "include.path", "../not-there")
    result = scan(repo.root, engine)
    assert {str(one.origin): one.secret for one in result.findings} == {
        "conf/work": token("included").encode(),
        "next": token("included by that").encode(),
        ".git/own": token("in the git folder").encode(),
    }
    assert [(one.state, one.origin) for one in result.incidents] == [("skipped", str(tmp_path / "elsewhere"))]


def test_what_the_configuration_of_a_linked_work_tree_includes_is_read(tmp_path: Path, engine: Engine) -> None:
    repo = Repository(tmp_path / "repo", "-b", "main")
    repo.commit("a.txt", "clean\n")
    repo.git("config", "extensions.worktreeConfig", "true")
    repo.git("worktree", "add", "-q", "-b", "other", str(tmp_path / "tree"))
    repo.write("conf", f"[http]\n\textraHeader = Authorization: token {token('included')}\n")
    repo.write(".git/worktrees/tree/config.worktree", "[include]\n\tpath = ../../../conf\n")
    assert token("included") in repo.git("-C", str(tmp_path / "tree"), "config", "http.extraHeader")
    assert [(str(one.origin), one.secret) for one in scan(repo.root, engine).findings] == [
        ("conf", token("included").encode())
    ]


def test_names_of_bytes_that_are_no_text(tmp_path: Path, engine: Engine) -> None:
    repo = Repository(tmp_path / "repo", "-b", "main")
    name = os.fsdecode(b'caf\xe9 "quoted"\n\ttab.txt')
    repo.commit(name, line("odd"))
    (finding,) = scan(repo.root, engine).findings
    assert finding.origin.path == name
    assert fact(finding, "commit") == repo.head()


def test_objects_of_sha256(tmp_path: Path, engine: Engine) -> None:
    repo = Repository(tmp_path / "repo", "-b", "main", "--object-format=sha256")
    head = repo.commit("a.txt", line("sha256"))
    (finding,) = scan(repo.root, engine).findings
    assert len(head) == 64
    assert fact(finding, "commit") == head
