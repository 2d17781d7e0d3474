"""Members of archives as work for several processes: the same findings, places and account as one process has."""

from __future__ import annotations

import base64
import gzip
import io
import os
import sys
import tarfile
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leakguard import pieces, spread
from leakguard.collector import Collector
from leakguard.detect.engine import Engine
from leakguard.detect.generate import expand
from leakguard.model import Incident, Origin, ScanResult
from leakguard.pipeline import scan_files, scan_leaf
from leakguard.sources.files import Options, walk
from leakguard.sources.inside.base import Stream, from_bytes
from leakguard.sources.inside.limits import Limits
from leakguard.sources.inside.walk import Leaf
from leakguard.work import Policy

POLICY = Policy(inside=Limits())
WORDS = "the order was filled at a price of its own and the bot went on to the next one".split()


def token(rng: Random) -> str:
    return expand("{{gen:github ghp_}}", rng)


def log(rng: Random, size: int) -> bytes:
    """Text of lines with spaces, with a token now and then, plain or in a wrapped base64 block."""
    out = io.BytesIO()
    while out.tell() < size:
        kind = rng.randrange(700)
        if kind == 0:
            out.write(f"GITHUB_TOKEN={token(rng)}\n".encode())
        elif kind == 1:
            inner = f"first line of it\nGITHUB_TOKEN={token(rng)}\n".encode() + b"some text " * rng.randrange(4500)
            out.write(b"attachment:\n" + base64.encodebytes(inner))
        elif kind == 2:
            half = token(rng)
            out.write(f'value = "{half[:20]}" +\n    "{half[20:]}"\n'.encode())
        else:
            out.write((" ".join(rng.choices(WORDS, k=rng.randrange(3, 20))) + "\n").encode())
    return out.getvalue()


def binary(rng: Random, size: int) -> bytes:
    out = io.BytesIO()
    while out.tell() < size:
        out.write(rng.randbytes(rng.randrange(1, 50_000)))
        text = f"\0GITHUB_TOKEN={token(rng)}\0"
        out.write(text.encode("utf-16-le") if rng.random() < 0.3 else text.encode())
    return out.getvalue()


def line(rng: Random, size: int) -> bytes:
    """One line, that can be cut nowhere."""
    half = ", ".join(f'"{word}": "{rng.random()}"' for word in rng.choices(WORDS, k=size // 60))
    return f'{{{half}, "github_token": "{token(rng)}", {half}}}'.encode()


def found(result: ScanResult) -> list[tuple[object, ...]]:
    return sorted((f.rule, str(f.origin), f.start_line, f.start_column, f.start_byte, f.end_byte, f.fingerprint, f.masked)
                  for f in result.findings)  # fmt: skip


@pytest.mark.parametrize("make", [log, binary, line])
@pytest.mark.parametrize("seed", range(3))
def test_parts_of_a_member_find_what_the_whole_does(
    engine: Engine, make: object, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pieces, "WHOLE", 400_000)
    monkeypatch.setattr(pieces, "PART", 130_000)
    data = make(Random(seed), 1_200_000)  # type: ignore[operator]
    origin = Origin("member", "a/b", Origin("file", "x.tar"))
    whole = scan_leaf(engine, Leaf(origin, Stream(from_bytes(data))), POLICY)
    assert whole.findings
    collector = Collector()
    share = pieces.Share("x.tar", collector, [], lambda: (1, 1, len(data)))
    cut = [
        p for batch in pieces.batches(engine, [Leaf(origin, Stream(from_bytes(data)))], POLICY, share) for p in batch
    ]
    assert (len(cut) > 3) == (make is not line)
    for piece in cut:
        share.take(piece, piece.done or pieces.scan_piece(engine, piece, POLICY))  # type: ignore[arg-type]
    share.finish()
    alone = Collector()
    alone.add(pieces.Unit(pieces._NOTHING), whole)
    assert found(collector.result()) == found(alone.result())
    assert collector.result().totals[:2] == alone.result().totals[:2] == (1, len(data))


def _archive(path: Path) -> None:
    rng = Random(11)
    files = {f"src/{n}.py": log(rng, rng.randrange(100, 20_000)) for n in range(120)}
    files |= {"lib/one.so": binary(rng, 600_000), "var/log": log(rng, 900_000), "one.json": line(rng, 500_000)}
    files["deep.tar.gz"] = gzip.compress(_tar({"inner/.env": log(rng, 5000)}), mtime=0)
    files["bad.gz"] = gzip.compress(log(rng, 50_000), mtime=0)[:-3000]
    path.write_bytes(gzip.compress(_tar(files), 1, mtime=0))


def _tar(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def _scan(path: Path, engine: Engine, jobs: int) -> ScanResult:
    told: list[Incident] = []
    collector = Collector()
    before = os.getcwd()
    os.chdir(path)
    try:
        scan_files(walk(["."], Options(), told.append), lambda _: engine, POLICY, jobs, collector, parallel_from=1)
    finally:
        os.chdir(before)
    return collector.result(told)


def test_an_archive_shared_by_workers_gives_what_one_process_finds(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pieces, "WHOLE", 300_000)
    monkeypatch.setattr(pieces, "PART", 130_000)
    monkeypatch.setattr(spread, "SHARED", 1)
    _archive(tmp_path / "one.tgz")
    (tmp_path / "two.txt").write_bytes(log(Random(3), 30_000))
    one, two = _scan(tmp_path, engine, 1), _scan(tmp_path, engine, 2)
    assert len(one.findings) > 20
    assert [(f.path, f.start_byte) for f in one.findings] == [(f.path, f.start_byte) for f in two.findings]
    assert found(one) == found(two)
    assert sorted(one.incidents) == sorted(two.incidents)
    assert any("bad.gz" in incident.origin for incident in two.incidents), two.incidents
    assert (one.totals[:2], one.receipt) == (two.totals[:2], two.receipt)


def _deadly(engine: Engine, piece: pieces.Piece, policy: Policy) -> object:
    if piece.origin.path.endswith("src/7.py"):
        os._exit(9)
    return REAL(engine, piece, policy)


REAL = pieces.scan_piece


@pytest.mark.skipif(sys.platform == "win32", reason="workers are not forked there")
def test_a_worker_that_dies_on_a_member_costs_that_member(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spread, "SHARED", 1)
    _archive(tmp_path / "one.tgz")
    whole = _scan(tmp_path, engine, 2)
    monkeypatch.setattr(pieces, "scan_piece", _deadly)
    result = _scan(tmp_path, engine, 2)
    lost = [incident for incident in result.incidents if "a worker died on it" in incident.reason]
    assert [incident.origin for incident in lost] == ["one.tgz!/src/7.py"]
    assert found(result) == [row for row in found(whole) if not str(row[1]).endswith("src/7.py")]


def test_an_archive_goes_whole_to_a_worker_while_there_is_as_much_else_to_do(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spread, "SHARED", 1)
    rng = Random(5)
    for number in range(3):
        (tmp_path / f"{number}.tar").write_bytes(_tar({"a": log(rng, 20_000)}))
    told: list[Incident] = []
    work = list(spread._work(engine, walk([str(tmp_path)], Options(), told.append), POLICY, Collector()))
    units = [item.task.path for batch in work for item in batch if isinstance(item, pieces.Unit)]
    assert [os.path.basename(path) for path in units] == ["0.tar", "1.tar"]
    assert any(isinstance(item, pieces.Piece) and item.origin.path == "a" for batch in work for item in batch)


def test_what_was_found_before_an_interrupt_is_kept(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spread, "SHARED", 1)
    _archive(tmp_path / "one.tgz")
    calls = []

    def interrupt(objects: int, _bytes: int) -> None:
        calls.append(objects)
        if objects > 60:
            raise KeyboardInterrupt

    told: list[Incident] = []
    collector = Collector(interrupt)
    with pytest.raises(KeyboardInterrupt):
        scan_files(
            walk([str(tmp_path)], Options(), told.append), lambda _: engine, POLICY, 2, collector, parallel_from=1
        )
    assert collector.result().findings
    assert collector.objects >= 60


@given(
    st.lists(st.sampled_from([b"\0", b"\1", b"a", b"/x/y", b"some words\n", b"\xff\xfe", b"ab\0cd", b"\0a\0"]), min_size=40, max_size=90),
    st.integers(0, 30),
    st.integers(31, 60),
    st.lists(st.integers(1, 40), min_size=90, max_size=90),
)
@settings(max_examples=300)
def test_the_border_is_the_same_however_a_member_comes(texts: list[bytes], low: int, high: int, sizes: list[int]) -> None:
    """Only as much as is looked at is put together."""
    data = b"".join(texts) + b"." * 120
    parts, at = [], 0
    for size in sizes:
        parts.append(data[at : at + size])
        at += size
    parts = [part for part in (*parts, data[at:]) if part]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "REACH", 20)
        patch.setattr(pieces, "_LOOK", 8)
        first, base, border = pieces._cut(parts, low, high)
        assert border == pieces._border(data, low, high)
    assert b"".join(parts) == data
    assert sum(map(len, parts[:first])) == base
    assert base <= max(0, low - 20)
    assert base + len(parts[first]) >= border + 20


def test_the_first_batches_are_small(engine: Engine) -> None:
    share = pieces.Share("a", Collector(), [], lambda: (0, 0, 0))
    found = (Leaf(Origin("member", str(number)), Stream(from_bytes(bytes(30_000)))) for number in range(400))
    sizes = [sum(piece.size for piece in batch) for batch in pieces.batches(engine, found, Policy(), share)]
    assert sizes[0] <= 2 * pieces.FIRST_BYTES
    assert sizes == sorted(sizes[:-1]) + sizes[-1:]
    assert sum(sizes) == 400 * 30_000


def test_batches_of_files_begin_small_and_get_smaller_towards_the_end(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spread, "BATCH_BYTES", 64 * 1024)
    monkeypatch.setattr(spread, "FIRST_BYTES", 8 * 1024)
    for number in range(200):
        (tmp_path / f"{number:03}.txt").write_bytes(b"a line\n" * 200)
    told: list[Incident] = []
    for jobs in (1, 2, 5):
        work = list(spread._work(engine, walk([str(tmp_path)], Options(), told.append), POLICY, Collector(), jobs))
        names = [os.path.basename(item.task.path) for batch in work for item in batch if isinstance(item, pieces.Unit)]
        assert names == [f"{number:03}.txt" for number in range(200)]
        sizes = [len(batch) for batch in work]
        most = sizes.index(max(sizes))
        assert sizes[:most] == sorted(sizes[:most])  # and larger from the first on, so that nobody waits for one to be made
        assert 4 * 8 * 1024 <= sizes[0] * (1400 + spread.PER_FILE) < 5 * 8 * 1024
        assert max(sizes) >= (64 * 1024 if jobs > 1 else 32 * 1024) // (1400 + spread.PER_FILE)
        assert sizes[-1] <= 2
        assert sizes[most:-1] == sorted(sizes[most:-1], reverse=True)


def test_a_content_that_is_there_again_is_scanned_once_and_found_as_often(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Layers that change the owners of files have all of them twice. The account is the same, also where a path has a say."""
    rng = Random(17)
    files: dict[str, bytes] = {}
    plain = {f"{number}.py": b" ".join(rng.choices([word.encode() for word in WORDS], k=400)) for number in range(40)}
    value = f"secret = '{expand('{{alnum*64}}', rng)}'\n".encode()
    folded = b"the words of it, then a token: " + b"x" * 20 + b" " + token(rng).encode() + b" and some more of them\n"
    for folder in ("usr/lib", "opt/app", "srv/binance", "var"):
        files |= {f"{folder}/{name}": data for name, data in plain.items()}
        files |= {f"{folder}/value.py": value, f"{folder}/found.env": b"GITHUB_TOKEN=" + token(Random(3)).encode() + b"\n"}
        files |= {f"{folder}/folded.txt": folded, f"{folder}/docker-compose.yml": b"services:\n  a:\n    env_file: found.env\n"}
        files |= {f"{folder}/empty": b"", f"{folder}/{rng.random()}.py": plain["7.py"]}
    (tmp_path / "one.tgz").write_bytes(gzip.compress(_tar(files), 1, mtime=0))
    monkeypatch.setattr(spread, "SHARED", 1)
    one = _scan(tmp_path, engine, 1)
    sent: list[str] = []
    look = pieces.Contents.look

    def looked(self: pieces.Contents, piece: pieces.Piece) -> None:
        look(self, piece)
        sent.extend([] if piece.again else [piece.origin.path])

    monkeypatch.setattr(pieces.Contents, "look", looked)
    two = _scan(tmp_path, engine, 2)
    assert len(two.findings) >= 4
    assert found(one) == found(two)
    assert sorted(one.incidents) == sorted(two.incidents)
    assert (one.totals, one.receipt) == (two.totals, two.receipt)
    again = len(files) - len(sent)
    assert again >= 80, "of each file of words one, and one in the folder of a venue"


@pytest.mark.skipif(sys.platform == "win32", reason="workers are not forked there")
def test_a_content_that_ends_a_worker_is_told_of_each_member(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process that reads does not try it."""
    data = b"some text of no account\n" * 50
    (tmp_path / "one.tgz").write_bytes(gzip.compress(_tar({"src/7.py": data, "lib/7.py": data}), 1, mtime=0))
    monkeypatch.setattr(spread, "SHARED", 1)
    monkeypatch.setattr(pieces, "scan_piece", _deadly)
    result = _scan(tmp_path, engine, 2)
    lost = [incident for incident in result.incidents if "a worker died on it" in incident.reason]
    assert [incident.origin for incident in lost] == ["one.tgz!/src/7.py", "one.tgz!/lib/7.py"]
    assert {incident.bytes for incident in lost} == {len(data)}
