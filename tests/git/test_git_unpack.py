"""Packs that are unpacked in order: what git reads in them, whatever an index says, and doubt where something is odd."""

from __future__ import annotations

import hashlib
import mmap
import os
import zlib
from pathlib import Path
from random import Random

import pytest
from repos import Repository

from leakguard.model import Incident, Origin
from leakguard.sources import gitpacks, gitunpack
from leakguard.sources.gitpacks import Doubt
from leakguard.sources.gitunpack import Unpacked
from leakguard.sources.inside.archives import gitpack
from leakguard.sources.inside.limits import Limits
from leakguard.sources.inside.walk import Tally, leaves
from leakguard.sources.windows import FileTask

Listed = dict[str, tuple[str, bytes]]


def built(folder: Path, *options: str) -> Repository:
    """A repository with versions of texts, a tag, deep folders and something binary."""
    rng = Random(9)
    repo = Repository(folder, *options)
    lines = [" ".join(rng.choices("one two three four five six".split(), k=9)) for _ in range(300)]
    for number in range(25):
        lines[rng.randrange(len(lines))] = f"line {number} of {rng.random()}"
        repo.write("a.txt", "\n".join(lines))
        repo.write(f"deep/er/{number % 4}.py", "\n".join(lines[: 40 + number]))
        repo.write(f"b{number}.bin", rng.randbytes(3000))
        repo.git("add", "-A")
        repo.git("commit", "-qm", f"change {number}")
    repo.write("empty", b"")
    repo.commit("large.txt", "\n".join(lines) * 40)
    repo.git("tag", "-a", "v1", "-m", "a tag")
    return repo


def packed(repo: Repository, *options: str) -> Path:
    repo.git(*options, "repack", "-adfq", "--window=20", "--depth=30")
    (pack,) = (repo.root / ".git/objects/pack").glob("*.pack")
    return pack


def by_git(repo: Repository) -> Listed:
    out = {}
    for line in repo.git("cat-file", "--batch-all-objects", "--batch-check=%(objectname) %(objecttype)").splitlines():
        name, kind = line.split()
        if kind != "tree":
            out[name] = (kind, os.fsencode(repo.git("cat-file", kind, name)))
    return out


def unpacked(text: bytes, folder: Path) -> Listed:
    path = folder / "one.pack"
    path.write_bytes(text)
    out = {}
    with open(path, "rb") as file:
        pack = Unpacked(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), lambda produced: None)
        for kind, name, size, data, place in pack.objects():
            content = data or b""
            if data is None:
                pull = pack.stream(place, size)
                while more := pull(1000):
                    content += more
            assert len(content) == size
            out[name] = (kind, content)
    return out


@pytest.mark.parametrize("kind", ["sha1", "sha256"])
@pytest.mark.parametrize("limits", ["usual", "all large", "no bases kept"])
def test_objects_are_those_that_git_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, limits: str) -> None:
    repo = built(tmp_path / "repo", f"--object-format={kind}")
    data = packed(repo, *(("-c", "pack.window=0", "-c", "pack.depth=0") if limits == "all large" else ())).read_bytes()
    if limits == "all large":
        repo.git("repack", "-adfq", "--window=0", "--depth=0")
        (path,) = (repo.root / ".git/objects/pack").glob("*.pack")
        data = path.read_bytes()
        monkeypatch.setattr(gitunpack, "LARGEST", 500)
        monkeypatch.setattr(gitunpack, "_CHUNK", 700)
    elif limits == "no bases kept":
        monkeypatch.setattr(gitunpack, "BASES", 0)
    expected = by_git(repo)
    found = unpacked(data, tmp_path)
    assert found.keys() == expected.keys()
    for name, (what, content) in expected.items():
        if b".bin" not in content and b"\r" not in content:  # what our reading of git's answer would change
            assert found[name][0] == what
        assert name == hashlib.new(kind, b"%s %d\0%s" % (found[name][0].encode(), len(found[name][1]), found[name][1])).hexdigest()


def sealed(body: bytes) -> bytes:
    return body + hashlib.sha1(body).digest()


@pytest.mark.parametrize("seed", range(6))
def test_a_hostile_pack_is_doubt_and_nothing_else(tmp_path: Path, seed: int) -> None:
    """Bytes that were changed under a checksum that is right: what is given has the id of what is given."""
    rng = Random(seed)
    body = packed(built(tmp_path / "repo")).read_bytes()[:-20]
    whole = unpacked(sealed(body), tmp_path)
    doubts = 0
    for _ in range(60):
        data = bytearray(body)
        kind = rng.randrange(4)
        at = rng.randrange(12, len(data))
        if kind == 0:
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            data[at : at + rng.randrange(1, 40)] = rng.randbytes(rng.randrange(40))
        elif kind == 2:
            del data[at:]
        else:
            data[8:12] = rng.randbytes(4)
        try:
            found = unpacked(sealed(bytes(data)), tmp_path)
        except Doubt:
            doubts += 1
        else:
            assert len(found) >= len(whole) - 1
    assert doubts > 40
    for odd in (b"", b"PACK", body, body + b"\0" * 20, sealed(body + b"x"), sealed(b"PACK\0\0\0\2\0\0\0\1"), sealed(b"PACK\0\0\0\4" + body[8:])):
        with pytest.raises((Doubt, ValueError)):  # nothing can be mapped of nothing
            unpacked(odd, tmp_path)


def members(pack: Path, told: list[Incident], limits: Limits = Limits()) -> dict[str, bytes]:  # noqa: B008 - cannot change
    tally = Tally()
    task = FileTask(str(pack), str(pack), pack.stat().st_size)
    found = leaves(task, Origin("file", "x.pack"), "git-pack", limits, told.append, tally=tally)
    out = {str(leaf.origin).removeprefix("x.pack!/"): leaf.stream.taken(1 << 30) for leaf in found}
    assert tally.root.bytes == tally.root.scanned + tally.root.containers == pack.stat().st_size
    return out


@pytest.mark.parametrize("what", ["usual", "bases by id", "large"])
def test_from_the_first_doubt_on_git_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    repo = built(tmp_path / "repo")
    pack = packed(repo, *(("-c", "repack.useDeltaBaseOffset=false") if what == "bases by id" else ()))
    asked: list[int] = []
    by = gitpack._by_git

    def noted(spool: object, size: int, context: object, taken: set[str]) -> object:
        asked.append(len(taken))
        return by(spool, size, context, taken)  # type: ignore[arg-type]

    monkeypatch.setattr(gitpack, "_by_git", noted)
    if what == "large":
        for module in (gitpacks, gitunpack):
            monkeypatch.setattr(module, "LARGEST", 2000)
    told: list[Incident] = []
    found = members(pack, told)
    assert not told
    expected = by_git(repo)
    assert {name for name in found if not name.endswith("#1")} == {f"{kind}/{name}" for name, (kind, data) in expected.items() if data}
    assert bool(asked) is (what != "usual")
    if what == "bases by id":
        assert asked[0] > 20, "what came before stays"


def test_a_damaged_pack_is_scanned_as_it_stands(tmp_path: Path) -> None:
    pack = packed(built(tmp_path / "repo"))
    data = bytearray(pack.read_bytes())
    data[len(data) // 2] ^= 1
    other = tmp_path / "other.pack"
    other.write_bytes(data)
    told: list[Incident] = []
    assert "@pack" in "".join(members(other, told))
    assert [incident.reason for incident in told] == ["git pack: damaged, or it needs objects that it does not hold"]


def test_trees_are_no_way_to_expand_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = zlib.compress(b"\0" * 60_000)
    one = bytes((0x80 | 2 << 4 | 60_000 & 15, 0x80 | 60_000 >> 4 & 127, 60_000 >> 11)) + tree
    pack = tmp_path / "bomb.pack"
    pack.write_bytes(sealed(b"PACK\0\0\0\2" + (50).to_bytes(4, "big") + one * 50))
    monkeypatch.setattr("leakguard.sources.inside.base.FLOOR", 1_000_000)
    told: list[Incident] = []
    members(pack, told)
    assert [incident.state for incident in told] == ["truncated"]
    assert "--archive-ratio" in told[0].reason


def test_a_pack_that_takes_too_long_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of trees nobody takes a byte: unpacking them is work all the same."""
    pack = packed(built(tmp_path / "repo"))
    from leakguard.sources.inside.base import Budget

    monkeypatch.setattr(Budget, "member", lambda self: setattr(self, "_deadline", 0.0))
    told: list[Incident] = []
    task = FileTask(str(pack), str(pack), pack.stat().st_size)
    list(leaves(task, Origin("file", "x.pack"), "git-pack", Limits(seconds=1), told.append))
    assert [incident.state for incident in told] == ["truncated"]
    assert "--archive-seconds" in told[0].reason
