"""Repositories that want to run something, hide something, or are damaged: nothing runs, and nothing passes for clean."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from repos import Repository, gaps, secrets

from leakguard.detect.engine import Engine
from leakguard.detect.generate import expand
from leakguard.errors import SourceError, UsageError
from leakguard.history import Options, scan_repository
from leakguard.model import ScanResult
from leakguard.sources.gitcall import Git, find_git, last_words
from leakguard.work import Policy

TOKEN = expand("{{gen:github ghp_}}", Random(31))
OTHER = expand("{{gen:github ghp_}}", Random(32))
LINE = f"TOKEN = '{TOKEN}'\n"


def scan(repo: Path, engine: Engine, **options: object) -> ScanResult:
    chosen = Options(**{"jobs": 1, "cache": "", **options})  # type: ignore[arg-type]
    return scan_repository(str(repo), lambda _expected: engine, Policy(), chosen)[0]


# ---------------------------------------------------------------- what wants to run
def trap(repo: Repository) -> tuple[Path, str]:
    """(file that tells whether it ran, the program)."""
    ran = repo.root.parent / "ran"
    script = repo.root.parent / "trap.sh"
    script.write_text(f"#!/bin/sh\necho \"$0 $*\" >> '{ran}'\ncat\n")
    script.chmod(0o755)
    return ran, str(script)


@pytest.mark.skipif(os.name == "nt", reason="the trap is a shell script")
def test_nothing_of_a_repository_runs(repo: Repository, engine: Engine) -> None:
    repo.commit(".gitattributes", "*.txt filter=evil diff=evil\n")
    repo.commit("b.txt", LINE)
    tree = repo.git("rev-parse", "HEAD^{tree}").strip()
    signed = (
        f"tree {tree}\nparent {repo.head()}\nauthor A <a@example.com> 1 +0000\ncommitter A <a@example.com> 1 +0000\n"
        "gpgsig -----BEGIN PGP SIGNATURE-----\n \n iQ==\n -----END PGP SIGNATURE-----\n\nsigned\n"
    )
    commit = repo.git("hash-object", "-t", "commit", "-w", "--stdin", given=signed).strip()
    repo.git("update-ref", "refs/heads/main", commit)
    ran, program = trap(repo)
    hooks = repo.root / ".git" / "hooks"
    for name in ("post-index-change", "reference-transaction", "pre-commit", "post-checkout", "fsmonitor-watchman"):
        (hooks / name).write_text(Path(program).read_text())
        (hooks / name).chmod(0o755)
    for key in (
        "core.fsmonitor", "core.sshCommand", "core.pager", "core.editor", "core.askPass", "core.gitProxy",
        "core.alternateRefsCommand", "credential.helper", "diff.external", "diff.evil.textconv", "diff.evil.command",
        "filter.evil.clean", "filter.evil.smudge", "filter.evil.process", "gpg.program", "remote.origin.uploadpack",
        "pager.log", "pager.cat-file", "uploadpack.packObjectsHook",
    ):  # fmt: skip
        repo.git("config", key, program)
    repo.git("config", "log.showSignature", "true")
    repo.git("config", "protocol.ext.allow", "always")
    repo.git("config", "remote.origin.url", f"ext::{program}")
    repo.git("config", "remote.origin.promisor", "true")
    repo.git("config", "extensions.partialClone", "origin")
    repo.git("config", "core.repositoryFormatVersion", "1")
    repo.write(".gitmodules", f'[submodule "x"]\n\tpath = x\n\turl = ext::{program}\n\tupdate = !{program}\n')
    gone = repo.git("rev-parse", "HEAD~2:a.txt").strip()
    repo.lose(gone)
    ran.unlink(missing_ok=True)  # git config itself may have run a hook

    result = scan(repo.root, engine)

    assert not ran.exists(), ran.read_text()
    assert TOKEN.encode() in secrets(result)
    assert any("partial clone: 1 objects" in gap for gap in gaps(result))
    repo.git("log", "-1", code=None)
    assert ran.exists()  # the trap is one


def test_git_is_not_taken_from_the_target(repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    real = find_git()
    fake = repo.write("git", "#!/bin/sh\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.chdir(repo.root)
    monkeypatch.setenv("PATH", os.pathsep.join([".", "", os.path.dirname(real)]))
    assert find_git() == real
    monkeypatch.setenv("PATH", ".")
    with pytest.raises(UsageError, match="not installed"):
        find_git()


def test_the_environment_points_git_nowhere_else(
    repo: Repository, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.commit("b.txt", LINE)
    other = Repository(repo.root.parent / "other")
    monkeypatch.setenv("GIT_DIR", str(other.root / ".git"))
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(other.root / ".git" / "objects"))
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", "/bin/false")
    assert TOKEN.encode() in secrets(scan(repo.root, engine))


# ---------------------------------------------------------------- what wants to hide something
def test_a_replace_ref_a_graft_and_attributes_hide_nothing(repo: Repository, engine: Engine) -> None:
    repo.commit("b.txt", LINE)
    bad = repo.git("rev-parse", "HEAD:b.txt").strip()
    clean = repo.git("rev-parse", "HEAD:a.txt").strip()
    repo.commit("b.txt", "clean again\n")
    repo.git("replace", bad, clean)
    repo.git("replace", "--graft", "HEAD")
    result = scan(repo.root, engine)
    assert TOKEN.encode() in secrets(result)
    (finding,) = result.findings
    assert dict(finding.origin.facts)["subject"] == "x"


def test_an_alternate_outside_is_said_and_not_followed(repo: Repository, engine: Engine) -> None:
    other = Repository(repo.root.parent / "other")
    other.commit("b.txt", LINE)
    (repo.root / ".git" / "objects" / "info" / "alternates").write_text(str(other.root / ".git" / "objects") + "\n")
    result = scan(repo.root, engine)
    assert TOKEN.encode() not in secrets(result)
    assert any("outside of the repository" in gap for gap in gaps(result))
    followed = scan(repo.root, engine, follow_alternates=True)
    assert TOKEN.encode() in secrets(followed)
    assert gaps(followed) == []


def test_an_alternate_in_quotes_is_read_as_git_reads_it(repo: Repository, engine: Engine) -> None:
    """Git takes a line in quotes for a C string, if it is one, and for a path as it stands if it is none."""
    for number, (folder, named) in enumerate((('in "quotes"\t', r'in \"quotes\"\t'), ('in a "\\x', r'in a "\x'))):
        other = Repository(repo.root / folder)
        other.commit("b.txt", LINE)
        path = f"../../{named}/.git/objects"
        quoted = f'"{path}"' if not number else path
        (repo.root / ".git" / "objects" / "info" / "alternates").write_text(f"# a remark\n{quoted}\n")
        repo.git("cat-file", "-e", other.head())
        result = scan(repo.root, engine)
        assert secrets(result) == {TOKEN.encode()}
        assert gaps(result) == []


def test_an_object_folder_that_is_a_link_is_not_followed(repo: Repository, engine: Engine) -> None:
    other = Repository(repo.root.parent / "other")
    other.commit("b.txt", LINE)
    other.git("gc", "-q")
    pack = repo.root / ".git" / "objects" / "pack"
    pack.rmdir()
    pack.symlink_to(other.root / ".git" / "objects" / "pack")
    result = scan(repo.root, engine)
    assert TOKEN.encode() not in secrets(result)
    assert any("not followed" in gap for gap in gaps(result))


def test_a_secret_in_the_name_of_something_unreadable_is_masked(repo: Repository, engine: Engine) -> None:
    repo.write(f".git/refs/heads/broken-{TOKEN}", "no object\n")
    result = scan(repo.root, engine)
    assert any("damaged" in gap for gap in gaps(result))
    assert not any(TOKEN in gap for gap in gaps(result))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give files away")
def test_somebody_elses_repository_is_refused_as_git_does(repo: Repository, engine: Engine) -> None:
    for folder, _, files in os.walk(repo.root):
        for name in (folder, *(os.path.join(folder, file) for file in files)):
            os.chown(name, 12345, 12345)
    with pytest.raises(SourceError, match=r"safe\.directory"):
        scan(repo.root, engine)
    repo.write(".git/HEAD", "nonsense\n")
    os.chown(repo.root / ".git" / "HEAD", 12345, 12345)
    with pytest.raises(SourceError, match="another user"):
        scan(repo.root, engine)


# ---------------------------------------------------------------- what is damaged or not there
def test_git_is_quoted_with_what_explains_it() -> None:
    said = b"fatal: detected dubious ownership in repository at '/r'\nTo add an exception, call:\n\n\tgit config x\n"
    assert last_words(said) == "detected dubious ownership in repository at '/r' To add an exception, call: git config x"
    assert last_words(b"warning: one\nerror: two\n") == "two"
    assert last_words(b"error: first\nfatal: bad\x1b[31m object\n") == "bad?[31m object"
    assert last_words(b"") == ""


def test_a_missing_blob_is_named(repo: Repository, engine: Engine) -> None:
    repo.commit("gone.txt", "was here\n")
    repo.lose(repo.git("rev-parse", "HEAD:gone.txt").strip())
    assert gaps(scan(repo.root, engine)) == ["gone.txt: missing: something names this object, and it is not here"]


def test_a_missing_tree_hides_nothing_else(repo: Repository, engine: Engine) -> None:
    repo.commit("dir/b.txt", LINE)
    repo.lose(repo.git("rev-parse", "HEAD:dir").strip())
    result = scan(repo.root, engine)
    assert TOKEN.encode() in secrets(result)
    assert any(": missing: something names" in gap for gap in gaps(result))


def test_a_missing_commit_hides_nothing_else(repo: Repository, engine: Engine) -> None:
    middle = repo.commit("b.txt", "b\n")
    repo.commit("c.txt", LINE)
    repo.lose(middle)
    result = scan(repo.root, engine)
    (finding,) = result.findings
    assert finding.origin.path == "c.txt"
    assert any("missing" in gap for gap in gaps(result))


def test_a_damaged_object_costs_itself_alone(repo: Repository, engine: Engine) -> None:
    repo.commit("bad.txt", "will be damaged\n" * 100)
    repo.commit("b.txt", LINE)
    blob = repo.git("rev-parse", "HEAD:bad.txt").strip()
    path = repo.root / ".git" / "objects" / blob[:2] / blob[2:]
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:20] + b"\0" * 20)
    result = scan(repo.root, engine)
    assert TOKEN.encode() in secrets(result)
    assert gaps(result)
    path.write_bytes(b"")
    result = scan(repo.root, engine)
    assert TOKEN.encode() in secrets(result)
    assert gaps(result)


def test_a_damaged_pack_is_never_clean(repo: Repository, engine: Engine) -> None:
    random = Random(5)
    for number in range(20):
        repo.commit(f"f{number}.txt", "".join(random.choices("abcdefgh \n", k=4000)))
    repo.git("gc", "-q")
    (pack,) = (repo.root / ".git" / "objects" / "pack").glob("*.pack")
    data = bytearray(pack.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 400] = bytes(400)
    pack.chmod(0o644)
    pack.write_bytes(data)
    result = scan(repo.root, engine)
    assert gaps(result)
    assert result.totals.objects > 5


@pytest.mark.parametrize("kind", ["idx", "pack"])
def test_half_a_pack_is_said(repo: Repository, engine: Engine, kind: str) -> None:
    repo.git("gc", "-q")
    (path,) = (repo.root / ".git" / "objects" / "pack").glob(f"*.{kind}")
    path.unlink()
    assert any("its index" in gap or "its pack" in gap for gap in gaps(scan(repo.root, engine)))


def test_a_shallow_clone_is_incomplete_and_says_so(repo: Repository, engine: Engine) -> None:
    repo.commit("b.txt", LINE)
    repo.commit("c.txt", "c\n")
    clone = repo.root.parent / "clone"
    repo.git("clone", "-q", "--depth", "1", f"file://{repo.root}", str(clone))
    result = scan(clone, engine)
    assert gaps(result) == [".: shallow clone: the history before 1 commits is not here"]
    assert TOKEN.encode() in secrets(result)
    (finding,) = result.findings
    assert dict(finding.origin.facts)["commit"] == repo.head()  # as far as anybody here can know


@pytest.mark.parametrize("filter_by", ["blob:none", "tree:0"])
def test_a_partial_clone_fetches_nothing(repo: Repository, engine: Engine, filter_by: str) -> None:
    repo.commit("b.txt", LINE)
    repo.commit("b.txt", "clean\n")
    repo.git("config", "uploadpack.allowFilter", "true")
    clone = repo.root.parent / "clone"
    repo.git("clone", "-q", "--no-checkout", f"--filter={filter_by}", f"file://{repo.root}", str(clone))
    before = sorted(str(path) for path in (clone / ".git" / "objects").rglob("*"))
    result = scan(clone, engine)
    assert sorted(str(path) for path in (clone / ".git" / "objects").rglob("*")) == before
    (gap,) = gaps(result)
    assert "partial clone" in gap
    assert TOKEN.encode() not in secrets(result)


def test_an_lfs_content_that_is_not_here_is_a_line_of_the_receipt(repo: Repository, engine: Engine) -> None:
    repo.commit("big.bin", f"version https://git-lfs.github.com/spec/v1\noid sha256:{'ab' * 32}\nsize 123456\n")
    result = scan(repo.root, engine)
    (incident,) = result.incidents
    assert (incident.origin, incident.state, incident.bytes) == ("big.bin", "failed", 123456)
    assert result.receipt["repositories"][0]["lfs"] == {"pointers": 1, "absent": 1}


def test_bad_refs_are_said(repo: Repository, engine: Engine) -> None:
    repo.write(".git/refs/heads/garbage", "this is no id\n")
    repo.write(".git/refs/heads/nowhere", "1" * 40 + "\n")
    repo.write(".git/refs/heads/loop", "ref: refs/heads/loop\n")
    told = gaps(scan(repo.root, engine))
    assert [
        name for name in ("garbage", "nowhere", "loop") if not any(f"refs/heads/{name}:" in gap for gap in told)
    ] == []


@pytest.mark.parametrize(
    ("name", "content"), [("HEAD", "nonsense\n"), ("HEAD", None), ("config", "[core\nbroken = \n")]
)
def test_what_git_no_longer_takes_for_a_repository_is_read_all_the_same(
    repo: Repository, engine: Engine, name: str, content: str | None
) -> None:
    repo.commit("b.txt", LINE)
    path = repo.root / ".git" / name
    path.unlink()
    if content is not None:
        path.write_text(content)
    result = scan(repo.root, engine)
    assert TOKEN.encode() in secrets(result)
    assert any("git does not take it" in gap for gap in gaps(result))


def test_a_broken_repository_is_not_its_parent(repo: Repository, engine: Engine) -> None:
    """git looks on above a broken .git, and would answer with the repository around it."""
    repo.commit("b.txt", LINE)
    inner = Repository(repo.root / "inner")
    inner.commit("c.txt", f"T = '{OTHER}'\n")
    inner.write(".git/HEAD", "nonsense\n")
    result = scan(inner.root, engine)
    assert secrets(result) == {OTHER.encode()}
    assert gaps(result)


@pytest.mark.parametrize(
    "text",
    [
        f"tree abc\nparent 12\n\n{LINE}",
        f"tree {'z' * 40}\nauthor\ncommitter x <y> 99999999999999999999 +0000\n\n{LINE}",
        LINE,
        "",
    ],
)
def test_an_odd_commit_is_read_and_costs_no_other(repo: Repository, engine: Engine, text: str) -> None:
    repo.commit("c.txt", f"T = '{OTHER}'\n")
    repo.git("hash-object", "-t", "commit", "--literally", "-w", "--stdin", given=text)
    result = scan(repo.root, engine)
    assert OTHER.encode() in secrets(result)
    assert (TOKEN.encode() in secrets(result)) == bool(text)
    assert any("commit" in gap for gap in gaps(result))


def test_an_odd_tree_and_an_odd_tag(repo: Repository, engine: Engine) -> None:
    repo.commit("c.txt", f"T = '{OTHER}'\n")
    repo.git("hash-object", "-t", "tag", "--literally", "-w", "--stdin", given=f"object nonsense\n\n{LINE}")
    tree = repo.git("hash-object", "-t", "tree", "--literally", "-w", "--stdin", given="no tree at all").strip()
    repo.git("hash-object", "-t", "commit", "--literally", "-w", "--stdin", given=f"tree {tree}\n\nodd\n")
    assert secrets(scan(repo.root, engine)) == {TOKEN.encode(), OTHER.encode()}


@pytest.mark.skipif(os.name == "nt", reason="paths are shorter than the stack there")
def test_folders_nested_deeper_than_the_stack(repo: Repository, engine: Engine) -> None:
    repo.commit("b.txt", LINE)
    folder = os.open(repo.root / ".git" / "refs", os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("d", dir_fd=folder)
        below = os.open("d", os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = below
    os.close(folder)
    try:
        assert TOKEN.encode() in secrets(scan(repo.root, engine))
    finally:  # pytest's own cleaning would run into the same stack
        subprocess.run(["rm", "-rf", str(repo.root / ".git" / "refs" / "d")], check=True)


def test_an_empty_and_a_bare_repository(tmp_path: Path, repo: Repository, engine: Engine) -> None:
    empty = Repository(tmp_path / "empty")
    assert gaps(scan(empty.root, engine)) == []
    repo.commit("b.txt", LINE)
    bare = tmp_path / "bare.git"
    repo.git("clone", "-q", "--bare", str(repo.root), str(bare))
    result = scan(bare, engine)
    assert secrets(result) == {TOKEN.encode()}
    assert gaps(result) == []


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("https://example.org/r.git", "clone it first"),
        ("git@example.org:r.git", "clone it first"),
        ("missing", "no such folder"),
        (".", "no git repository"),
    ],
)
def test_what_is_no_repository_is_a_mistake(
    tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch, where: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(UsageError, match=message):
        scan(Path(where) if "://" not in where else where, engine)  # type: ignore[arg-type]


def test_a_worker_that_dies_costs_its_piece(repo: Repository, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    from leakguard import cutting, history

    repo.commit("kill.txt", "die here\n")
    repo.commit("b.txt", LINE)
    monkeypatch.setattr(history, "PARALLEL_FROM", 0)
    monkeypatch.setattr(cutting, "PIECE_OBJECTS", 1)
    monkeypatch.setattr(history, "scan_piece", _deadly)
    result = scan(repo.root, engine, jobs=2)
    assert TOKEN.encode() in secrets(result)
    assert any("a worker died" in gap for gap in gaps(result))


def _deadly(engine: Engine, piece: object, policy: Policy) -> object:
    from leakguard.gitpiece import Piece
    from leakguard.objects import scan_piece

    assert isinstance(piece, Piece)
    if piece.paths == ("kill.txt",):
        os._exit(9)
    return scan_piece(engine, piece, policy)


def test_a_large_blob_is_read_in_windows(repo: Repository, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    from leakguard.sources import gitobjects

    monkeypatch.setattr(gitobjects, "WHOLE", 1000)
    repo.commit("large.txt", "word " * 2000 + "\n" + LINE + "word " * 2000)
    repo.commit("after.txt", f"T = '{OTHER}'\n")
    result = scan(repo.root, engine)
    assert secrets(result) == {TOKEN.encode(), OTHER.encode()}
    assert gaps(result) == []
    assert next(f for f in result.findings if f.secret == TOKEN.encode()).start_line == 2


def test_no_fetching_even_where_a_repository_allows_every_protocol(repo: Repository) -> None:
    repo.git("config", "protocol.file.allow", "always")
    done = Git(str(repo.root)).ask("fetch", str(repo.root))
    assert done.returncode != 0
    assert b"not allowed" in done.stderr


# ---------------------------------------------------------------- the command
def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "leakguard", "git", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.usefixtures("loaded")
def test_the_command_ends_as_it_should(repo: Repository) -> None:
    assert run(repo.root).returncode == 0
    repo.commit("b.txt", "b\n")
    blob = repo.git("rev-parse", "HEAD:b.txt").strip()
    repo.commit("b.txt", "c\n")
    repo.lose(blob)
    done = run(repo.root, ".", "--receipt", "r.json")
    assert done.returncode == 3
    assert "INCOMPLETE" in done.stderr
    repo.commit("c.txt", LINE)
    done = run(repo.root, "-f", "json")
    assert done.returncode == 1
    assert TOKEN not in done.stdout + done.stderr
    assert run(repo.root, "missing").returncode == 2
    assert run(repo.root, "--exit-zero").returncode == 0
    assert run(repo.root, "--exclude-path", "c.txt").returncode == 3  # what is missing is missing


def test_what_a_killed_scan_left_behind_goes_with_the_next(repo: Repository, own_temporary_folder: Path) -> None:
    """108 folders of killed scans lay in /tmp."""
    import multiprocessing
    import signal

    from leakguard.sources.git import Shadow, find

    def folders() -> list[str]:
        return sorted(name for name in os.listdir(own_temporary_folder) if name.startswith("leakguard-git-"))

    def hang(ready: object) -> None:
        with Shadow(repository, lambda _incident: None):
            ready.set()  # type: ignore[attr-defined]
            signal.pause()

    repository = find(str(repo.root), lambda _incident: None)[0]
    context = multiprocessing.get_context("fork")
    ready = context.Event()
    process = context.Process(target=hang, args=(ready,))
    process.start()
    assert ready.wait(60)
    alive = folders()
    assert len(alive) == 1
    with Shadow(repository, lambda _incident: None):
        assert len(folders()) == 2  # the one in use stays
    assert folders() == alive
    process.kill()
    process.join()
    young = own_temporary_folder / "leakguard-git-young"  # another process has only begun with it
    young.mkdir()
    old = own_temporary_folder / "leakguard-git-old"
    old.mkdir()
    os.utime(old, (1, 1))
    (own_temporary_folder / "leakguard-git-link").symlink_to(repo.root)
    with Shadow(repository, lambda _incident: None) as shadow:
        assert folders() == sorted(["leakguard-git-link", "leakguard-git-young", os.path.basename(shadow.path)])
    assert (repo.root / ".git").is_dir()


# ---------------------------------------------------------------- what is no tree, no store, no pointer
def test_a_tree_that_git_would_not_have_made_is_told_and_looked_through(repo: Repository, engine: Engine) -> None:
    data = f"100644 {TOKEN}".encode()
    command = ["hash-object", "-t", "tree", "-w", "--literally", "--stdin"]
    subprocess.run(["git", "-C", str(repo.root), *command], input=data, check=True, capture_output=True)
    result = scan(repo.root, engine)
    assert TOKEN.encode() in secrets(result)
    assert any("do not fill it" in gap for gap in gaps(result))


def test_what_is_left_of_a_submodule_is_read(repo: Repository, engine: Engine) -> None:
    """A store without objects is none: its files are the repository's."""
    left = repo.root / ".git/modules/libs/lib"
    left.mkdir(parents=True)
    (left / "config").write_text(f'[remote "origin"]\n\turl = https://u:{TOKEN}@github.com/a/b\n')
    (repo.root / ".git/modules/notes.txt").write_text(f"{OTHER}\n")
    assert secrets(scan(repo.root, engine)) >= {TOKEN.encode(), OTHER.encode()}


@pytest.mark.parametrize(
    "head", ["version https://git-lfs.github.com/spec/v1\r\n", "version https://hawser.github.com/spec/v1\n", "version http://git-media.io/v/2\n"]
)  # fmt: skip
def test_an_lfs_pointer_as_git_lfs_reads_it(repo: Repository, engine: Engine, head: str) -> None:
    end = head[len(head.rstrip("\r\n")) :]
    repo.commit("big.bin", f"{head}oid sha256:{'ab' * 32}{end}size 12{end}")
    assert any("LFS" in gap for gap in gaps(scan(repo.root, engine)))
