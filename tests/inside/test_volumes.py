"""Archives cut into several files: made by the tools that people have, read as one where all parts lie together."""

from __future__ import annotations

import gzip
import io
import os
import shutil
import struct
import subprocess
import zlib
from pathlib import Path
from random import Random

import pytest
from nests import tar, zip_
from test_inside_scan import findings, planted, run, token

from leakguard.model import Incident
from leakguard.sources.files import FileTask, Options, walk
from leakguard.sources.volumes import Joined, beside, gathered

pytestmark = pytest.mark.usefixtures("loaded")


def tool(*names: str) -> str:
    for name in names:
        if found := shutil.which(name):
            return found
    pytest.skip(f"needs {names[0]}")


def files(folder: Path) -> None:
    """Enough that nothing packs away: the secret stands behind the first border."""
    rng = Random(1)
    (folder / "a.bin").write_bytes(rng.randbytes(150_000))
    (folder / "b.env").write_bytes(planted(7))
    (folder / "c.bin").write_bytes(rng.randbytes(70_000))


def cut(data: bytes, folder: Path, names: list[str]) -> None:
    size = -(-len(data) // len(names))
    for number, name in enumerate(names):
        (folder / name).write_bytes(data[number * size : (number + 1) * size])


def make_zip(folder: Path) -> tuple[str, str]:
    subprocess.run([tool("zip"), "-q", "-s", "64k", "x.zip", "a.bin", "b.env", "c.bin"], cwd=folder, check=True)
    return "x.zip!/b.env", "x.z01"


def make_7z(folder: Path) -> tuple[str, str]:
    pytest.importorskip("py7zr")
    command = [tool("7zz", "7z"), "a", "-bd", "-v64k", "x.7z", "a.bin", "b.env", "c.bin"]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return "x.7z.001!/b.env", "x.7z.002"


def make_zip_by_7z(folder: Path) -> tuple[str, str]:
    command = [tool("7zz", "7z"), "a", "-bd", "-tzip", "-v64k", "x.zip", "a.bin", "b.env", "c.bin"]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return "x.zip.001!/b.env", "x.zip.002"


def make_split(folder: Path) -> tuple[str, str]:
    content = [(name, (folder / name).read_bytes()) for name in ("a.bin", "b.env", "c.bin")]
    (folder / "x.tgz").write_bytes(gzip.compress(tar(content)))
    subprocess.run(["split", "-b", "64k", "x.tgz", "x.tgz."], cwd=folder, check=True)
    (folder / "x.tgz").unlink()
    return "x.tgz.aa!/b.env", "x.tgz.ac"


def make_rar(folder: Path) -> tuple[str, str]:
    """Nothing free writes these: three volumes of RAR 4, stored, the file cut twice."""
    pytest.importorskip("libarchive")
    data = planted(7) * 3

    def block(kind: int, flags: int, body: bytes) -> bytes:
        raw = struct.pack("<BHH", kind, flags, 7 + len(body)) + body
        return struct.pack("<H", zlib.crc32(raw) & 0xFFFF) + raw

    for number in range(3):
        part = data[number * 60 : (number + 1) * 60 if number < 2 else None]
        crc = zlib.crc32(data if number == 2 else part)
        body = struct.pack("<IIBIIBBHI", len(part), len(data), 3, crc, 0, 20, 0x30, 5, 0o100644) + b"b.env"
        head = block(0x73, 0x11 | (0x100 if number == 0 else 0), bytes(6))
        split = (1 if number else 0) | (2 if number < 2 else 0)
        end = block(0x7B, 0x4000 | (number < 2), b"")
        out = b"Rar!\x1a\x07\0" + head + block(0x74, 0x8000 | split, body) + part + end
        (folder / f"x.part{number + 1}.rar").write_bytes(out)
    return "x.part1.rar!/b.env", "x.part2.rar"


MAKERS = [make_zip, make_7z, make_zip_by_7z, make_split, make_rar]


@pytest.mark.parametrize("make", MAKERS)
def test_parts_that_lie_together_are_one_archive(make: object, tmp_path: Path) -> None:
    files(tmp_path)
    chain, _ = make(tmp_path)  # type: ignore[operator]
    for name in ("a.bin", "b.env", "c.bin"):
        (tmp_path / name).unlink()
    done = run(tmp_path, "scan", "-f", "jsonl", "--show-secrets", ".")
    assert done.returncode == 1, done.stderr
    found = findings(tmp_path, ".")
    assert {r["secret"] for r in found} == {token(7)}
    assert {str(r["path"]).partition(":")[0] for r in found} == {chain}
    out = run(tmp_path, "extract", chain, "-o", "member")
    assert out.returncode == 0, out.stderr
    assert (tmp_path / "member").read_bytes().startswith(planted(7))


@pytest.mark.parametrize("make", MAKERS)
def test_a_missing_part_is_told(make: object, tmp_path: Path) -> None:
    files(tmp_path)
    _, part = make(tmp_path)  # type: ignore[operator]
    for name in ("a.bin", "b.env", "c.bin", part):
        (tmp_path / name).unlink()
    done = run(tmp_path, "scan", ".")
    assert done.returncode in (1, 3)
    assert b"INCOMPLETE" in done.stdout + done.stderr


@pytest.mark.parametrize("make", MAKERS)
def test_parts_inside_of_another_archive_are_told(make: object, tmp_path: Path) -> None:
    files(tmp_path)
    make(tmp_path)  # type: ignore[operator]
    for name in ("a.bin", "b.env", "c.bin"):
        (tmp_path / name).unlink()
    parts = [(path.name, path.read_bytes()) for path in sorted(tmp_path.iterdir())]
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "all.tar").write_bytes(tar(parts))
    done = run(tmp_path, "scan", "in")
    assert done.returncode in (1, 3)
    assert b"INCOMPLETE" in done.stdout + done.stderr


def gather(folder: Path, told: list[Incident] | None = None) -> list[FileTask]:
    told = [] if told is None else told
    return list(gathered(walk([str(folder)], Options(), told.append), told.append))


@pytest.mark.parametrize(
    "names",
    [
        ["log.001", "log.002"], ["app.log.10", "app.log.11"], ["notes.aa", "notes.ab"], ["a.zip", "b.rar", "c.7z"],
        ["report.2024", "report.2025"], ["x.z01x", "rz1", "001", ".aa"],
    ],
)  # fmt: skip
def test_what_is_no_part_of_an_archive_is_left_alone(names: list[str], tmp_path: Path) -> None:
    for name in names:
        (tmp_path / name).write_bytes(b"plain text\n")
    told: list[Incident] = []
    tasks = gather(tmp_path, told)
    assert sorted(os.path.basename(task.path) for task in tasks) == sorted(names)
    assert {task.kind for task in tasks} == {"file"}
    assert not told


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["x.tgz.aa", "x.tgz.ab", "x.tgz.ad"], 1), (["x.tgz.ab", "x.tgz.ac"], 1), (["x.7z.002"], 1), (["x.z01"], 1),
        (["x.part2.rar"], 1), (["x.r00", "x.r01"], 1), (["x.tgz.aa"], 0), (["x.zip.001"], 0),
    ],
)  # fmt: skip
def test_a_set_with_a_gap_is_told_once_and_read_one_by_one(names: list[str], told: int, tmp_path: Path) -> None:
    cut(gzip.compress(tar([("a", planted(1))])), tmp_path, names)
    incidents: list[Incident] = []
    tasks = gather(tmp_path, incidents)
    assert sorted(os.path.basename(task.path) for task in tasks) == sorted(names)
    assert [i.state for i in incidents] == ["failed"] * told


def test_two_sets_in_one_folder_and_one_that_was_not_asked_for(tmp_path: Path) -> None:
    data = zip_([("a", planted(1))])
    cut(data, tmp_path, ["one.zip.001", "one.zip.002"])
    cut(data, tmp_path, ["two.zip.001", "two.zip.002", "two.zip.003"])
    (tmp_path / "whole.zip").write_bytes(data)
    tasks = gather(tmp_path)
    assert [(os.path.basename(t.path), len(t.parts), t.size) for t in tasks] == [
        ("whole.zip", 0, len(data)), ("one.zip.001", 2, len(data)), ("two.zip.001", 3, len(data)),
    ]  # fmt: skip
    told: list[Incident] = []
    asked = [task for task in walk([str(tmp_path)], Options(), told.append) if not task.path.endswith("003")]
    assert {len(t.parts) for t in gathered(asked, told.append)} == {0, 2}
    assert beside(str(tmp_path / "two.zip.001"))[2].endswith("two.zip.003")
    assert beside(str(tmp_path / "whole.zip")) == ()


def test_joined_files_read_as_one(tmp_path: Path) -> None:
    rng = Random(4)
    data = rng.randbytes(5000)
    places = []
    at = 0
    for number, size in enumerate((1, 0, 999, 3000, 1000)):
        places.append(str(tmp_path / str(number)))
        (tmp_path / str(number)).write_bytes(data[at : at + size])
        at += size
    with Joined(places) as joined:
        assert (joined.size, joined.read()) == (5000, data)
        for _ in range(200):
            low, count = rng.randrange(5100), rng.randrange(3000)
            joined.seek(low)
            assert joined.read(count) == data[low : low + count]
        assert os.pread(joined.fileno(), 6000, 0) == data
        assert joined.seek(-10, io.SEEK_END) == 4990
    with pytest.raises(OSError, match="No such file"):
        Joined([*places, str(tmp_path / "none")])
