"""Object folders as nobody would want them: left over, lying, or leading elsewhere. Nothing hides, nothing waits."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import struct
import zlib
from pathlib import Path
from random import Random

import pytest
from repos import Repository, gaps, secrets

from leakguard.detect.engine import Engine
from leakguard.detect.generate import expand
from leakguard.errors import SourceError
from leakguard.history import Options, scan_repository
from leakguard.model import Incident, ScanResult
from leakguard.sources.git import check_files
from leakguard.sources.gitpacks import hides
from leakguard.sources.gitstore import strays
from leakguard.sources.inside.limits import Limits
from leakguard.work import Policy

TOKEN = expand("{{gen:github ghp_}}", Random(811))
OTHER = expand("{{gen:github ghp_}}", Random(812))
LINE = f"TOKEN = '{TOKEN}'\n"
ALLOWED = ("-c", "protocol.file.allow=always")


def scan(repo: Path, engine: Engine, **options: object) -> ScanResult:
    chosen = Options(**{"jobs": 1, "cache": "", **options})  # type: ignore[arg-type]
    return scan_repository(str(repo), lambda _expected: engine, Policy(0, 0, Limits()), chosen)[0]


def objects(repo: Repository) -> Path:
    return repo.root / ".git" / "objects"


# ---------------------------------------------------------------- what git does not look at
def loose(text: str) -> tuple[str, bytes]:
    """(id, file) of a loose blob."""
    data = text.encode()
    whole = b"blob %d\0" % len(data) + data
    return hashlib.sha1(whole).hexdigest(), zlib.compress(whole)


@pytest.mark.parametrize(
    ("name", "origin"),
    [
        ("pack/tmp_pack_Ab12Cd", ".git/objects/pack/tmp_pack_Ab12Cd"),
        ("pack/pack-1.keep", ".git/objects/pack/pack-1.keep"),
        ("info/notes", ".git/objects/info/notes"),
        ("stray.txt", ".git/objects/stray.txt"),
        ("aa/not-an-object", ".git/objects/aa/not-an-object"),
        ("some/where/deep", ".git/objects/some/where/deep"),
    ],
)
def test_a_file_among_objects_that_is_none_is_read(repo: Repository, engine: Engine, name: str, origin: str) -> None:
    path = objects(repo) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(LINE)
    result = scan(repo.root, engine)
    assert [str(finding.origin) for finding in result.findings] == [origin]
    assert result.findings[0].secret == TOKEN.encode()


def test_what_a_killed_push_or_fetch_left_is_read(repo: Repository, engine: Engine) -> None:
    oid, packed = loose(LINE)
    left = objects(repo) / "tmp_objdir-incoming-Xy12" / oid[:2]
    left.mkdir(parents=True)
    (left / oid[2:]).write_bytes(packed)
    half = objects(repo) / "cc"
    half.mkdir(exist_ok=True)
    (half / "tmp_obj_Q1w2E3").write_bytes(loose(f"A = '{OTHER}'\n" + "filler " * 900)[1][:-4])
    result = scan(repo.root, engine)
    assert secrets(result) == {TOKEN.encode(), OTHER.encode()}
    assert oid in {dict(finding.origin.facts).get("blob") for finding in result.findings}


def test_a_pack_without_its_index_is_read_and_said(repo: Repository, engine: Engine) -> None:
    repo.commit("b.txt", LINE)
    repo.git("repack", "-a", "-d", "-q")
    (index,) = (objects(repo) / "pack").glob("*.idx")
    index.unlink()
    result = scan(repo.root, engine)
    assert secrets(result) == {TOKEN.encode()}
    assert any("without its index" in gap for gap in gaps(result))


@pytest.mark.parametrize("damage", [b"", b"nothing that git would write\n" * 100, 1000, -20, 8 + 4 * 255])
def test_a_pack_whose_index_git_refuses_is_read_and_said(repo: Repository, engine: Engine, damage: bytes | int) -> None:
    """Damaged: another content, cut off at a place, or a count that its length belies."""
    repo.commit("b.txt", LINE)
    repo.git("repack", "-a", "-d", "-q")
    (index,) = (objects(repo) / "pack").glob("*.idx")
    content = index.read_bytes()
    index.chmod(0o644)
    if damage == 8 + 4 * 255:
        index.write_bytes(content[:damage] + b"\0\0\0\1" + content[damage + 4 :])
    else:
        index.write_bytes(damage if isinstance(damage, bytes) else content[:damage])
    result = scan(repo.root, engine)
    assert secrets(result) == {TOKEN.encode()}
    assert gaps(result)


@pytest.mark.parametrize("version", ["1", "2", "2,0x40"])  # the last: all offsets but the first in the table of large ones
@pytest.mark.parametrize("kind", ["sha1", "sha256"])
def test_a_pack_with_its_index_is_no_stray(tmp_path: Path, version: str, kind: str) -> None:
    repo = Repository(tmp_path / "repo", f"--object-format={kind}")
    for number in range(3):
        repo.commit(f"f{number}.txt", f"content {number}\n")
    repo.git("repack", "-a", "-d", "-q")
    (pack,) = (objects(repo) / "pack").glob("*.pack")
    index = pack.with_suffix(".idx")
    index.unlink()
    repo.git("index-pack", f"--index-version={version}", "-o", str(index), str(pack))
    told: list[Incident] = []
    assert [name for name in strays(str(objects(repo)), told.append) if name.startswith("pack/")] == []
    assert told == []


# ---------------------------------------------------------------- indexes that lie
class Packed:
    """A repository in one pack, of which one blob is reached by nothing; its index can be written anew."""

    def __init__(self, repo: Repository) -> None:
        for number in range(3):
            repo.commit(f"f{number}.txt", f"content {number}\n" * 40)
        self.hidden = bytes.fromhex(repo.git("hash-object", "-w", "--stdin", given=LINE).strip())
        ids = repo.git("cat-file", "--batch-all-objects", "--batch-check=%(objectname)")
        self.blobs = [
            bytes.fromhex(row.split()[0])
            for row in repo.git("cat-file", "--batch-all-objects", "--batch-check").splitlines()
            if " blob " in row
        ]
        (objects(repo) / "pack").mkdir(exist_ok=True)
        name = repo.git("pack-objects", "-q", ".git/objects/pack/pack", given=ids).split()[-1]
        for folder in objects(repo).iterdir():
            if len(folder.name) == 2:
                shutil.rmtree(folder)
        self.index = objects(repo) / "pack" / f"pack-{name}.idx"
        data = self.index.read_bytes()
        self.index.chmod(0o600)
        count = struct.unpack(">I", data[1028:1032])[0]
        at = 1032 + 20 * count
        self.rows = [
            (data[1032 + 20 * n : 1052 + 20 * n], data[at + 4 * n : at + 4 * n + 4], data[at + 4 * (count + n) :][:4])
            for n in range(count)
        ]
        self.tail = data[-40:-20]

    def other(self) -> int:
        """The row of a blob that is not the hidden one."""
        return next(n for n, row in enumerate(self.rows) if row[0] in self.blobs and row[0] != self.hidden)

    def own(self) -> int:
        return next(n for n, row in enumerate(self.rows) if row[0] == self.hidden)

    def write(self, rows: list[tuple[bytes, bytes, bytes]]) -> None:
        fanout = b"".join(sum(name[0] <= top for name, _, _ in rows).to_bytes(4, "big") for top in range(256))
        body = b"\xfftOc\0\0\0\2" + fanout + b"".join(b"".join(row[part] for row in rows) for part in range(3))
        body += self.tail
        self.index.write_bytes(body + hashlib.sha1(body).digest())

    def write_first_version(self, rows: list[tuple[bytes, bytes, bytes]]) -> None:
        fanout = b"".join(sum(name[0] <= top for name, _, _ in rows).to_bytes(4, "big") for top in range(256))
        body = fanout + b"".join(place + name for name, _, place in rows) + self.tail
        self.index.write_bytes(body + hashlib.sha1(body).digest())


def test_a_reverse_index_that_leaves_an_object_out_hides_nothing(repo: Repository, engine: Engine) -> None:
    """git lists a pack by its reverse index, whose numbers nothing but fsck checks."""
    packed = Packed(repo)
    order = sorted(range(len(packed.rows)), key=lambda n: packed.rows[n][2])
    own = order.index(packed.own())
    order[own] = order[own - 1]
    body = b"RIDX" + struct.pack(f">II{len(order)}I", 1, 1, *order) + packed.tail
    packed.index.with_suffix(".rev").write_bytes(body + hashlib.sha1(body).digest())
    listed = repo.git("cat-file", "--batch-all-objects", "--batch-check", "--unordered")
    assert packed.hidden.hex() not in listed  # so it would be hidden
    result = scan(repo.root, engine)
    assert secrets(result) == {TOKEN.encode()}
    assert gaps(result) == []


@pytest.mark.parametrize("what", ["name", "place"])
@pytest.mark.parametrize("version", [1, 2])
def test_an_index_that_leaves_an_object_out_is_said(
    repo: Repository, engine: Engine, what: str, version: int
) -> None:
    packed = Packed(repo)
    rows, other = list(packed.rows), packed.rows[packed.other()]
    rows[packed.own()] = other if what == "name" else (packed.hidden, *other[1:])
    (packed.write if version == 2 else packed.write_first_version)(sorted(rows))
    result = scan(repo.root, engine)
    assert any("leaves out an object" in gap for gap in gaps(result))
    assert any("leaves out an object" in gap for gap in gaps(scan(repo.root, engine)))


@pytest.mark.parametrize("version", [1, 2])
def test_an_index_of_git_hides_nothing(repo: Repository, version: int) -> None:
    packed = Packed(repo)
    (packed.write if version == 2 else packed.write_first_version)(packed.rows)
    assert not hides(str(packed.index)[:-4], 20)


# ---------------------------------------------------------------- links
@pytest.fixture
def private(tmp_path: Path) -> Repository:
    """Somebody else's repository."""
    made = Repository(tmp_path / "private", "-b", "main")
    made.commit("a.txt", LINE)
    return made


@pytest.mark.parametrize("what", ["objects", "pack", "loose", "modules", "logs", "worktrees"])
def test_a_link_out_of_the_repository_is_not_followed(
    repo: Repository, private: Repository, engine: Engine, what: str
) -> None:
    if what == "objects":
        shutil.rmtree(objects(repo))
        objects(repo).symlink_to(objects(private))
    elif what == "pack":
        private.git("repack", "-a", "-d", "-q")
        for path in (objects(private) / "pack").iterdir():
            (objects(repo) / "pack" / path.name).symlink_to(path)
    elif what == "loose":
        oid, _ = loose(LINE)
        folder = objects(repo) / oid[:2]
        folder.mkdir(exist_ok=True)
        (folder / oid[2:]).symlink_to(objects(private) / oid[:2] / oid[2:])
    else:
        shutil.rmtree(repo.root / ".git" / what, ignore_errors=True)
        (repo.root / ".git" / what).symlink_to(private.root.parent)
    result = scan(repo.root, engine)
    assert result.findings == ()
    assert any("not followed" in gap for gap in gaps(result)), gaps(result)
    if what in ("objects", "pack", "loose"):
        assert secrets(scan(repo.root, engine, follow_alternates=True)) == {TOKEN.encode()}


# ---------------------------------------------------------------- what never ends
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names")
@pytest.mark.parametrize("name", ["HEAD", "config", "index", "packed-refs", "commondir", "objects/info/alternates"])
def test_git_is_not_asked_where_it_would_wait_for_ever(repo: Repository, engine: Engine, name: str) -> None:
    path = repo.root / ".git" / name
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    with pytest.raises(SourceError, match="no file"):
        scan(repo.root, engine)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names")
@pytest.mark.parametrize("key", ["include.path", "includeIf.gitdir:/.path", "core.attributesFile"])
@pytest.mark.parametrize("through", ["", "another"])
def test_a_configuration_that_leads_to_a_pipe_is_found_before_git_waits(
    repo: Repository, engine: Engine, key: str, through: str
) -> None:
    os.mkfifo(repo.root / ".git" / "pipe")
    config = repo.root / ".git" / "config"
    at = config.with_name(through) if through else config
    repo.git("config", "--file", str(at), key, "pipe")
    if through:
        repo.git("config", "--file", str(config), "include.path", through)
    with pytest.raises(SourceError, match="no file"):
        scan(repo.root, engine)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names")
@pytest.mark.parametrize("name", ["refs/heads/pipe", "refs/deep/er/pipe", "logs/refs/heads/pipe"])
def test_a_pipe_in_place_of_a_ref_is_a_gap_and_no_wait(repo: Repository, engine: Engine, name: str) -> None:
    repo.commit("b.txt", LINE)
    path = repo.root / ".git" / name
    path.parent.mkdir(exist_ok=True, parents=True)
    os.mkfifo(path)
    result = scan(repo.root, engine)
    assert f"{name}: not a file" in gaps(result)
    assert secrets(result) == {TOKEN.encode()}


def test_a_socket_of_gits_own_is_nobodys_concern(repo: Repository, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """`git fsmonitor--daemon` listens at one in the git folder."""
    monkeypatch.chdir(repo.root / ".git")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("fsmonitor--daemon.ipc")
        check_files(str(repo.root), deep=True)
        assert gaps(scan(repo.root, engine)) == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names")
@pytest.mark.parametrize("where", ["loose", "pack"])
def test_a_pipe_in_place_of_an_object_is_said(repo: Repository, engine: Engine, where: str) -> None:
    repo.commit("b.txt", LINE)
    oid = repo.git("rev-parse", "HEAD:a.txt").strip()
    path = objects(repo) / oid[:2] / oid[2:]
    if where == "pack":
        repo.git("repack", "-d", "-q")
        (path,) = (objects(repo) / "pack").glob("*.pack")
    path.unlink()
    os.mkfifo(path)
    result = scan(repo.root, engine)
    assert any("not a file" in gap for gap in gaps(result))
    assert secrets(result) == ({TOKEN.encode()} if where == "loose" else set())


# ---------------------------------------------------------------- what points into a store
def test_a_submodule_of_a_linked_work_tree(repo: Repository, engine: Engine, tmp_path: Path) -> None:
    lib = Repository(tmp_path / "lib", "-b", "main")
    lib.commit("lib.py", "clean\n")
    repo.git(*ALLOWED, "submodule", "add", "-q", str(lib.root), "libs/lib")
    repo.git("commit", "-q", "-m", "submodule")
    linked = tmp_path / "linked"
    repo.git("worktree", "add", "-q", "--detach", str(linked))
    repo.git("-C", str(linked), *ALLOWED, "submodule", "update", "--init", "-q")
    own = Repository(linked / "libs" / "lib")
    own.commit("lib.py", LINE)
    for root in (repo.root, linked):
        result = scan(root, engine)
        assert [str(finding.origin) for finding in result.findings] == ["worktrees/linked/modules/libs/lib!/lib.py"]
        assert gaps(result) == []


def test_a_repository_in_a_repository_in_a_repository(repo: Repository, engine: Engine, private: Repository) -> None:
    inner = Repository(repo.root / "inner", "-b", "main")
    deep = Repository(inner.root / "deep", "-b", "main")
    deep.commit("x.py", LINE)
    inner.git("-c", "advice.addEmbeddedRepo=false", "add", "deep")
    inner.git("commit", "-q", "-m", "deep")
    repo.git("-c", "advice.addEmbeddedRepo=false", "add", "inner")
    repo.git("commit", "-q", "-m", "inner")
    result = scan(repo.root, engine)
    assert [str(finding.origin) for finding in result.findings] == ["inner/deep!/x.py"]
    assert gaps(result) == []
    shutil.rmtree(inner.root)
    inner.root.symlink_to(private.root)
    result = scan(repo.root, engine)
    assert (result.findings, len(gaps(result))) == ((), 1)


def test_a_merge_of_several_branches_that_waits_for_its_commit_is_complete(repo: Repository, engine: Engine) -> None:
    base = repo.head()
    for name in ("x", "y", "z"):
        repo.git("checkout", "-q", "-b", name, base)
        repo.commit(f"{name}.txt", f"{name}\n")
    repo.git("merge", "-q", "--no-commit", "x", "y", code=None)
    assert len((repo.root / ".git" / "MERGE_HEAD").read_text().split()) == 2
    assert gaps(scan(repo.root, engine)) == []


def test_a_head_that_git_kept_nothing_for_is_no_gap(repo: Repository, engine: Engine) -> None:
    repo.commit("b.txt", "b\n")
    repo.git("reset", "-q", "--hard", "HEAD~1")
    repo.git("reflog", "expire", "--expire=now", "--all")
    repo.git("gc", "-q", "--prune=now")
    assert (repo.root / ".git" / "ORIG_HEAD").exists()
    assert gaps(scan(repo.root, engine)) == []


def test_what_only_such_a_head_remembers_says_so(repo: Repository, private: Repository, engine: Engine) -> None:
    repo.git("fetch", "-q", str(private.root), "main")
    (finding,) = scan(repo.root, engine).findings
    assert dict(finding.origin.facts)["reachable"] == "only from FETCH_HEAD"


def test_a_head_that_is_a_link_as_git_once_wrote_them(repo: Repository, engine: Engine) -> None:
    repo.commit("b.txt", LINE)
    (repo.root / ".git" / "HEAD").unlink()
    (repo.root / ".git" / "HEAD").symlink_to("refs/heads/main")
    result = scan(repo.root, engine)
    assert gaps(result) == []
    assert dict(result.findings[0].origin.facts)["now"] == "in refs/heads/main"
