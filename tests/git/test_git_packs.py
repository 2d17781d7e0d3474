"""Blobs read from packs are those that git reads, and what is odd about a pack is left to git to tell."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from repos import Repository

from leakguard import cutting, history
from leakguard.detect.engine import Engine
from leakguard.detect.generate import expand
from leakguard.history import Options, scan_repository
from leakguard.model import ScanResult
from leakguard.sources import gitpacks
from leakguard.sources.gitpacks import Doubt, Pack, applied, families, paths_of_packs
from leakguard.work import Policy

SEEDS = st.integers(0, 1 << 32)
TOKENS = [expand("{{gen:github ghp_}}", Random(number)) for number in range(6)]


def lines(random: Random, count: int) -> list[str]:
    return [f"    result = row[{random.randrange(1 << 30)}] + {random.randrange(1 << 30)}\n" for _ in range(count)]


def built(folder: Path, *options: str, commits: int = 30) -> Repository:
    """Three files that change; lines move, too, and tokens come and go. Nothing is packed."""
    random = Random(11)
    made = Repository(folder, "-b", "main", *options)
    files = {"app.py": lines(random, 200), "conf/notes.md": lines(random, 300), "empty.txt": []}
    for number in range(commits):
        name = random.choice(sorted(files))
        text = files[name]
        at = random.randrange(len(text) + 1)
        if number % 4 == 0:
            text.insert(at, f"TOKEN = '{random.choice(TOKENS)}'\n")
        elif number % 4 == 1:
            low = random.randrange(len(text) + 1)
            piece = text[low : low + 40]
            del text[low : low + 40]
            text[at:at] = piece
        else:
            text[at : at + random.randrange(6)] = lines(random, random.randrange(8))
        text.append(f"# {number}\n")
        made.commit(name, "".join(text), f"{number}")
    return made


def packed(repo: Repository, *options: str) -> Repository:
    repo.git(*options, "repack", "-a", "-d", "-f", "-q", "--depth=20")
    return repo


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    return packed(built(tmp_path_factory.mktemp("packs") / "repo"))


def scanned(where: Path, engine: Engine) -> ScanResult:
    return scan_repository(str(where), lambda _size: engine, Policy(), Options(cache=""))[0]


def by_git(where: Path, engine: Engine) -> ScanResult:
    """The same with every object read by git."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cutting, "MOST_BLOBS", -1)
        return scanned(where, engine)


def told(result: ScanResult) -> list[str]:
    """The incidents; git names our own folder in some, which is another one each time."""
    return sorted(re.sub(r"leakguard-git-\w+", "", f"{one.state} {one.origin} {one.reason}") for one in result.incidents)


def same(one: ScanResult, other: ScanResult) -> None:
    assert sorted(map(repr, one.findings)) == sorted(map(repr, other.findings))
    assert told(one) == told(other)
    assert one.totals[:2] == other.totals[:2]
    assert [store["blobs"] for store in one.receipt["repositories"]] == [s["blobs"] for s in other.receipt["repositories"]]


class Counted:
    """Counts the blobs that were read from packs."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.count = 0
        version: Callable[..., gitpacks.Version] = Pack.version

        def counted(pack: Pack, at: int, known: dict[int, bytes]) -> gitpacks.Version:
            read = version(pack, at, known)
            self.count += 1
            return read

        patch.setattr(Pack, "version", counted)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    return Counted(monkeypatch)


# ---------------------------------------------------------------- the same as git
@pytest.mark.parametrize("options", [(), ("--object-format=sha256",)])
def test_blobs_are_those_that_git_reads(tmp_path: Path, options: tuple[str, ...]) -> None:
    repo = packed(built(tmp_path / "repo", *options))
    width = 32 if options else 20
    (path,) = paths_of_packs(str(repo.root / ".git/objects"))
    pack = Pack(path, width)
    rows = repo.git("cat-file", "--batch-all-objects", "--batch-check=%(objecttype) %(objectname)").split("\n")
    blobs = {bytes.fromhex(row[5:]) for row in rows if row.startswith("blob ")}
    assert len(pack.places()) == pack.count == len(rows) - 1
    names = {at: oid for oid, at in pack.places(blobs).items()}
    order = [at for family in families(pack, names) for at, _ in family]
    assert sorted(order) == sorted(names)
    known: dict[int, bytes] = {}
    bases = 0
    for at in order:
        read = pack.version(at, known)
        assert read.data.decode() == repo.git("cat-file", "blob", names[at].hex())
        assert read.data == pack.data(at)
        if read.base >= 0:
            assert read.old == known[read.base]
            unchanged(read.old, read.data, read.hunks)
            assert sum(d - c for _, _, c, d in read.hunks) < len(read.data) // 2
            bases += 1
        known[at] = read.data
    assert bases > len(order) // 2


def unchanged(old: bytes, new: bytes, hunks: list[gitpacks.Hunk]) -> None:
    """Outside of the hunks both are the same, and these stand in order."""
    b = d = 0
    for low, high, start, stop in hunks:
        assert b <= low <= high
        assert d <= start <= stop
        assert old[b:low] == new[d:start]
        b, d = high, stop
    assert old[b:] == new[d:]


def number(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes((*out, value))


def delta(random: Random, old: bytes) -> tuple[bytes, bytes]:
    """A difference as git writes it, whatever it copies, and what it makes of a text."""
    out, new = bytearray(), bytearray()
    at = 0
    for _ in range(random.randrange(1, 12)):
        if random.random() < 0.4 or not old:
            text = random.randbytes(random.randrange(1, 128))
            out += bytes((len(text),)) + text
            new += text
            continue
        low = at if random.random() < 0.7 else random.randrange(len(old))
        size = min(random.randrange(1, max(2, len(old) - low)), 0xFFFFFF)
        op, tail = 0x80, b""
        for bit, value in enumerate((*low.to_bytes(4, "little"), *size.to_bytes(3, "little"))):
            if value:
                op |= 1 << bit
                tail += bytes((value,))
        if size == 0x10000:
            op, tail = op & ~0x70, tail[: bin(op & 15).count("1")]
        out += bytes((op,)) + tail
        new += old[low : low + size]
        at = min(low + size + random.randrange(40), len(old) - 1)
    return number(len(old)) + number(len(new)) + bytes(out), bytes(new)


@given(SEEDS)
@settings(max_examples=300)
def test_a_difference_makes_what_git_would_make(seed: int) -> None:
    random = Random(seed)
    old = random.randbytes(random.choice((0, 1, 50, 3000, 70_000)))
    packed, new = delta(random, old)
    data, hunks = applied(old, packed)
    assert data == new
    unchanged(old, new, hunks)


def resident(path: str) -> int:
    """KB of a mapped file that count as this process's memory."""
    size, ours = 0, False
    with open("/proc/self/smaps") as handle:
        for line in handle:
            name = line.split(None, 5)
            if "-" in name[0]:
                ours = len(name) == 6 and name[5].strip() == path
            elif ours and name[0] == "Rss:":
                size += int(name[1])
    return size


@pytest.mark.skipif(not os.path.exists("/proc/self/smaps"), reason="no account of mappings here")
def test_what_was_read_of_a_pack_leaves_memory_again(repo: Repository) -> None:
    """Workers held all of a pack in the end, each for itself: half of a gigabyte for a pack of that size."""
    (path,) = paths_of_packs(str(repo.root / ".git/objects"))
    pack = Pack(path, 20)
    read = {at: pack.made(at) for at in pack.places().values()}
    assert resident(path + ".pack") > 0
    pack.release()
    assert resident(path + ".pack") == resident(path + ".idx") == 0
    assert {at: pack.made(at) for at in pack.places().values()} == read


def test_a_copy_of_64_kb_has_no_length() -> None:
    old = Random(1).randbytes(0x10000)
    assert applied(old, number(len(old)) * 2 + b"\x80") == (old, [])


@given(SEEDS)
@settings(max_examples=300)
def test_a_hostile_difference_is_doubt_and_nothing_else(seed: int) -> None:
    random = Random(seed)
    old = random.randbytes(random.randrange(400))
    packed = bytearray(delta(random, old)[0])
    for _ in range(random.randrange(1, 4)):
        packed[random.randrange(len(packed))] = random.randrange(256)
    if random.random() < 0.3:
        del packed[random.randrange(len(packed)) :]
    with suppress(Doubt):
        data, hunks = applied(old, bytes(packed))
        assert len(data) <= 8 << 20
        unchanged(old, data, hunks)


# ---------------------------------------------------------------- the same findings
KINDS: dict[str, tuple[tuple[str, ...], tuple[str, ...], bool]] = {
    "as usual": ((), (), True),
    "bases by id": (("-c", "repack.useDeltaBaseOffset=false"), (), False),
    "an index of version 1": (("-c", "pack.indexVersion=1"), (), False),
    "offsets of 64 bits": ((), ("--index-version=2,0x40",), True),
}


@pytest.mark.parametrize("kind", KINDS)
def test_packs_of_all_kinds_give_what_git_gives(tmp_path: Path, engine: Engine, kind: str, counted: Counted) -> None:
    options, index, read = KINDS[kind]
    repo = packed(built(tmp_path / "repo", commits=16), *options)
    if index:
        (pack,) = (repo.root / ".git/objects/pack").glob("*.pack")
        for old in pack.parent.glob("*.idx"):
            old.unlink()
        repo.git("index-pack", *index, str(pack))
    result = scanned(repo.root, engine)
    same(result, by_git(repo.root, engine))
    assert len(result.findings) > 2
    assert result.incidents == ()
    blobs = result.receipt["repositories"][0]["blobs"]
    assert counted.count == blobs if read else counted.count < blobs


def test_two_packs_loose_objects_and_an_alternate(tmp_path: Path, engine: Engine, counted: Counted) -> None:
    made = packed(built(tmp_path / "repo" / "lender", commits=12))
    borrower = Repository(tmp_path / "repo", "-b", "main")
    (borrower.root / ".git/objects/info/alternates").write_text(str(made.root / ".git/objects") + "\n")
    borrower.commit("one.txt", f"A = '{TOKENS[0]}'\n" + "".join(lines(Random(1), 50)))
    borrower.git("repack", "-a", "-d", "-q", "-l")
    borrower.commit("two.txt", f"A = '{TOKENS[1]}'\n" + "".join(lines(Random(2), 50)))
    borrower.git("repack", "-d", "-q", "-l")
    borrower.commit("three.txt", f"A = '{TOKENS[2]}'\n" + "".join(lines(Random(3), 50)))
    result = scan_repository(str(borrower.root), lambda _size: engine, Policy(), Options(cache=""))[0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cutting, "MOST_BLOBS", -1)
        same(result, scan_repository(str(borrower.root), lambda _size: engine, Policy(), Options(cache=""))[0])
    blobs = result.receipt["repositories"][0]["blobs"]
    assert counted.count == blobs - 1


@pytest.mark.parametrize("seed", range(12))
def test_a_damaged_pack_is_told_as_git_tells_it(repo: Repository, tmp_path: Path, engine: Engine, seed: int) -> None:
    """Bytes of the pack are not what they were: no blob is found that git does not give, and none is lost in silence."""
    random = Random(seed)
    shutil.copytree(repo.root, tmp_path / "repo")
    (pack,) = (tmp_path / "repo/.git/objects/pack").glob("*.pack")
    data = bytearray(pack.read_bytes())
    for _ in range(random.choice((1, 1, 3, 10))):
        data[random.randrange(12, len(data) - 20)] ^= 1 << random.randrange(8)
    pack.chmod(0o600)
    pack.write_bytes(data)
    same(scanned(tmp_path / "repo", engine), by_git(tmp_path / "repo", engine))


@pytest.mark.parametrize("what", ["cut", "another trailer", "a fifo", "an index of nothing"])
def test_what_is_no_pack_is_left_to_git(repo: Repository, tmp_path: Path, engine: Engine, what: str) -> None:
    shutil.copytree(repo.root, tmp_path / "repo")
    (pack,) = (tmp_path / "repo/.git/objects/pack").glob("*.pack")
    index = pack.with_suffix(".idx")
    data = pack.read_bytes()
    pack.chmod(0o600)
    index.chmod(0o600)
    if what == "cut":
        pack.write_bytes(data[: len(data) // 2])
    elif what == "another trailer":
        pack.write_bytes(data[:-20] + bytes(20))
    elif what == "a fifo":
        for old in pack.parent.glob("pack-*"):
            old.unlink()
        os.mkfifo(pack)
        index.write_bytes(b"")
    else:
        index.write_bytes(index.read_bytes()[:40])
    with pytest.raises(Doubt):
        Pack(str(pack)[:-5], 20)
    if what != "a fifo":  # git waits at it
        result = scanned(tmp_path / "repo", engine)
        same(result, by_git(tmp_path / "repo", engine))
        assert result.incidents


def test_bases_that_go_round_in_circles_end(tmp_path: Path) -> None:
    """Offsets go back only, and never out of the pack; a chain that is too long is git's."""
    import zlib

    first = bytes((0x30 | 5,)) + zlib.compress(b"hello")
    body = b"PACK" + (2).to_bytes(4, "big") + (3).to_bytes(4, "big") + first
    at = len(body)
    patch = number(5) + number(5) + b"\x90\x05"
    body += bytes((0x60 | len(patch),)) + bytes((at - 12,)) + zlib.compress(patch)
    wrong = len(body)
    body += bytes((0x60 | len(patch),)) + b"\x00" + zlib.compress(patch)
    names = [bytes((value,)) * 20 for value in (1, 2, 3)]
    index = b"\xfftOc" + (2).to_bytes(4, "big")
    index += b"".join(sum(name[0] <= top for name in names).to_bytes(4, "big") for top in range(256))
    index += b"".join(names) + bytes(12) + b"".join(place.to_bytes(4, "big") for place in (12, at, wrong))
    (tmp_path / "a.pack").write_bytes(body + b"T" * 20)
    (tmp_path / "a.idx").write_bytes(index + b"T" * 20 + b"I" * 20)
    pack = Pack(str(tmp_path / "a"), 20)
    assert pack.places() == dict(zip(names, (12, at, wrong), strict=True))
    assert pack.data(at) == b"hello"
    for place in (wrong, 0, 11, len(body), 1 << 40):
        with pytest.raises(Doubt):
            pack.data(place)
    with pytest.MonkeyPatch.context() as limits:
        limits.setattr(gitpacks, "_LONGEST", 0)
        with pytest.raises(Doubt):
            pack.data(at)
    with pytest.MonkeyPatch.context() as limits:
        limits.setattr(gitpacks, "_MOST_WORK", 4)
        with pytest.raises(Doubt):
            pack.data(at)


def test_what_two_packs_have_is_read_as_git_reads_it(tmp_path: Path, engine: Engine, counted: Counted) -> None:
    """A pack in which the blob with a token is another one that has its id: git takes one of them, and so do we."""
    repo = packed(built(tmp_path / "repo", commits=8))
    (index,) = (repo.root / ".git/objects/pack").glob("*.idx")
    other = Repository(tmp_path / "other")
    blob = other.git("hash-object", "-w", "--stdin", given="nothing\n").strip()
    other.commit("nothing.txt", "nothing\n")
    other.git("repack", "-a", "-d", "-q")
    (copy,) = (other.root / ".git/objects/pack").glob("*.pack")
    ids = repo.git("rev-list", "--objects", "--no-object-names", "--filter=object:type=blob", "--all").split()
    victim = next(oid for oid in ids if "TOKEN = " in repo.git("cat-file", "-p", oid, code=None))
    for suffix in (".pack", ".idx"):
        shutil.copy(copy.with_suffix(suffix), index.parent / ("pack-" + "0" * 40 + suffix))
    lying = index.parent / ("pack-" + "0" * 40 + ".idx")
    lying.chmod(0o600)
    data = bytearray(lying.read_bytes())
    count = int.from_bytes(data[8 + 1020 : 8 + 1024], "big")
    names = [bytes(data[1032 + 20 * n : 1052 + 20 * n]) for n in range(count)]
    crcs, places = data[1032 + 20 * count : 1032 + 24 * count], data[1032 + 24 * count : 1032 + 28 * count]
    rows = sorted(
        (bytes.fromhex(victim) if name.hex() == blob else name, bytes(crcs[4 * n : 4 * n + 4]), bytes(places[4 * n : 4 * n + 4]))
        for n, name in enumerate(names)
    )
    fanout = b"".join(sum(name[0] <= top for name, _, _ in rows).to_bytes(4, "big") for top in range(256))
    body = b"\xfftOc\0\0\0\2" + fanout + b"".join(b"".join(row[part] for row in rows) for part in range(3))
    lying.write_bytes(body + data[-40:-20] + hashlib.sha1(body + data[-40:-20]).digest())
    for newer in (lying, index):
        for old in index.parent.glob("pack-*"):
            old.chmod(0o600)
            os.utime(old, (1_000_000_000, 1_000_000_000))
        for own in (newer, newer.with_suffix(".pack")):
            os.utime(own)
        same(scanned(repo.root, engine), by_git(repo.root, engine))
    assert counted.count


@pytest.mark.parametrize("what", ["order", "first bytes"])
def test_an_index_that_git_would_search_in_vain_is_doubt(repo: Repository, tmp_path: Path, what: str) -> None:
    shutil.copytree(repo.root / ".git/objects/pack", tmp_path / "pack")
    (index,) = (tmp_path / "pack").glob("*.idx")
    index.chmod(0o600)
    data = bytearray(index.read_bytes())
    if what == "order":
        data[1032:1072] = data[1052:1072] + data[1032:1052]
    else:
        data[8 + 4 * 100 : 8 + 4 * 101] = (1).to_bytes(4, "big")
    index.write_bytes(data)
    with pytest.raises(Doubt):
        Pack(str(index)[:-4], 20).places()


# ---------------------------------------------------------------- what was learnt on the way
def test_attribution_from_what_was_learnt_is_that_of_asking_again(
    tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = built(tmp_path / "repo", commits=20)
    repo.git("checkout", "-q", "-b", "topic", "HEAD~6")
    repo.commit('odd "name"\t.txt', f"B = '{TOKENS[0]}'\n")
    repo.commit(f"{TOKENS[5]}/x.txt", "nothing\n")
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "-m", "both", "topic")
    repo.git("revert", "--no-edit", "-m", "1", "HEAD")
    learnt = scanned(repo.root, engine)
    monkeypatch.setattr(history, "MOST_TOLD", 0)
    same(learnt, scanned(repo.root, engine))
    kinds = {finding.origin.kind for finding in learnt.findings}
    assert {"blob", "name"} <= kinds
