"""The receipt accounts for every byte: of the files on disk, and of what came out of the containers in them."""

from __future__ import annotations

import gzip
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import dbs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nests import ARCHIVES, CODECS, look, tar, zip_
from scanned import held, scanned
from test_inside_scan import planted, run
from test_matrix import contents

from leakguard.sources.inside.cover import Covered
from leakguard.sources.inside.limits import Bytes, Limits

pytestmark = pytest.mark.usefixtures("loaded")


def on_disk(folder: Path) -> int:
    """Bytes of all files and links below a folder."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_symlink() or path.is_file())


def accounted(folder: Path, limits: Limits | None = None, **options: Any) -> dict[str, dict[str, int]]:
    result = scanned(folder, limits or Limits(), **options)
    account: dict[str, dict[str, int]] = dict(result.receipt["account"])
    held(account, on_disk(folder), result.totals.bytes)
    return account


def test_a_nest_of_every_kind_is_accounted_for_to_the_byte(tmp_path: Path) -> None:
    folder = tmp_path / "nest"
    folder.mkdir()
    inner = []
    for number, (name, make) in enumerate(contents().items()):
        data = make(planted(4000 + number).decode().split("=")[1].split()[0])
        (folder / name.replace("/", "-")).write_bytes(data)
        inner.append((name, data))
    (folder / "all.tar").write_bytes(tar([("images/app.tar", tar(inner))]))
    (folder / "all.zip").write_bytes(zip_(inner))
    (folder / "plain.env").write_bytes(planted(1))
    (folder / "empty").write_bytes(b"")
    os.symlink("plain.env", folder / "link")
    account = accounted(folder)
    assert account["files"]["failed"] == account["files"]["truncated"] == account["files"]["skipped"] == 0
    assert account["members"]["failed"] == account["members"]["truncated"] == account["members"]["skipped"] == 0
    # each member's bytes, at their level: the two archives hold all of them once, and the tar in the tar as a whole
    assert account["members"]["bytes"] > 2 * sum(len(data) for _, data in inner)


@pytest.mark.parametrize("form", ARCHIVES)
def test_of_an_archive_each_byte_is_read_and_each_member_scanned(form: str, tmp_path: Path) -> None:
    members = [("a.txt", b"hello " * 700), ("b/c.txt", b"world " * 900)]
    (tmp_path / "it").write_bytes(ARCHIVES[form](members))
    account = accounted(tmp_path)
    assert account["files"]["scanned"] == 0
    assert account["files"]["containers"] == account["files"]["bytes"]
    assert account["members"]["scanned"] >= sum(len(data) for _, data in members)


FOREIGN = ("7z", "squashfs", "rar", "cab", "lha", "xar")

DAMAGED: dict[str, Callable[[bytes], bytes]] = {
    "cut": lambda data: data[: len(data) * 2 // 3],
    "hole": lambda data: data[: len(data) // 2] + b"\xff" * 40 + data[len(data) // 2 + 40 :],
    "more behind": lambda data: data + b"\0" * 700 + b"text behind it\n" * 9,
    "head": lambda data: data[:12] + b"\x55" * 12 + data[24:],
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_damaged_containers_are_accounted_for(
    damage: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    noise = Random(5).randbytes(9000)
    members = [("a.txt", b"hello " * 900), ("b.bin", noise), ("c.txt", planted(2) * 90)]
    for name, make in ARCHIVES.items():
        if name in FOREIGN:
            continue  # parsed in a process each: below
        (tmp_path / name.replace("/", "-")).write_bytes(DAMAGED[damage](make(members)))
    for suffix, pack in CODECS.values():
        (tmp_path / f"x{suffix}").write_bytes(DAMAGED[damage](pack(noise + b"words " * 5000)))
    for number, form in enumerate(dbs.FORMS):
        (folder := tmp_path / f"db{number}").mkdir()
        (work := tmp_path_factory.mktemp("work")).joinpath("x").mkdir()
        made = dbs.FORMS[form](work / "x")
        (folder / made.name).write_bytes(DAMAGED[damage](made.data))
    accounted(tmp_path)


@pytest.mark.parametrize("form", FOREIGN)
def test_damage_before_a_parser_in_another_process_is_accounted_for(form: str, tmp_path: Path) -> None:
    data = ARCHIVES[form]([("a.txt", b"hello " * 900), ("c.txt", planted(2) * 90)])
    for name, damage in DAMAGED.items():
        (tmp_path / name.replace(" ", "-")).write_bytes(damage(data))
    accounted(tmp_path)


@pytest.mark.parametrize(
    "limits", [Limits(depth=1, ratio=0), Limits(members=3), Limits(bytes=100_000), Limits(ratio=1), Limits(depth=3, members=9)]
)
def test_what_lies_behind_a_limit_is_told_in_bytes(limits: Limits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leakguard.sources.inside.base.FLOOR", 50_000)
    big = [(f"{n}.txt", b"hello %d " % n * 3000) for n in range(12)]
    for name in ("tar pax", "zip", "iso"):
        make = ARCHIVES[name]
        (tmp_path / f"{name.replace('/', '-')}.gz").write_bytes(gzip.compress(make(big), mtime=0))
        (tmp_path / name.replace("/", "-")).write_bytes(make(big))
    account = accounted(tmp_path, limits)
    if limits.bytes == 100_000:
        assert account["files"]["truncated"] > 0
    if limits.depth == 1:
        assert account["members"]["truncated"] == account["files"]["truncated"] == 0  # they are scanned as they stand


def test_what_was_not_asked_for_is_skipped_in_bytes(tmp_path: Path) -> None:
    (tmp_path / "a.env").write_bytes(planted(1))
    (tmp_path / "b.log").write_bytes(b"x\n" * 500)
    (tmp_path / "c.bin").write_bytes(bytes(5000))
    account = accounted(tmp_path, exclude=("*.log",), max_size=4000)
    assert account["files"]["skipped"] == 6000
    assert account["files"]["scanned"] == len(planted(1))


def test_a_file_that_cannot_be_opened_is_failed_in_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.env").write_bytes(planted(1))
    (tmp_path / "b.tgz").write_bytes(gzip.compress(tar([("x", planted(2))])))
    real = os.open

    def denied(path: Any, *arguments: Any, **named: Any) -> int:
        if str(path).endswith(("a.env", "b.tgz")):
            raise PermissionError(13, "Permission denied")
        return real(path, *arguments, **named)

    monkeypatch.setattr(os, "open", denied)
    account = accounted(tmp_path)
    assert account["files"]["failed"] == on_disk(tmp_path)


def test_bytes_that_no_reader_asked_for_are_scanned(tmp_path: Path) -> None:
    """An SQLite page that nothing names, a zip member that lies about where it is: whoever seeks can pass over bytes."""
    records = [("a.txt", b"hello " * 50)]
    data = zip_(records) + planted(7)
    seen = look(data, tmp_path)
    assert planted(7) in b"".join(seen.members.values())
    assert seen.tally.root.unaccounted == 0
    assert seen.tally.root.bytes == len(data)


def test_parallel_and_single_scans_give_one_account(tmp_path: Path) -> None:
    rng = Random(9)
    members = [(f"{n}.bin", rng.randbytes(300_000)) for n in range(8)]
    folder = tmp_path / "it"
    folder.mkdir()
    (folder / "a.tgz").write_bytes(gzip.compress(tar(members), 1, mtime=0))
    (folder / "b.zip").write_bytes(zip_(members))
    (folder / "c.log").write_bytes(b"some words of a log\n" * 500_000)
    told = []
    for jobs in ("1", "2"):
        done = run(tmp_path, "scan", "it", "-j", jobs, "--receipt", "r.json", "-f", "jsonl")
        assert done.returncode == 0, done.stderr
        told.append(json.loads((tmp_path / "r.json").read_bytes()))
        held(told[-1]["account"], on_disk(folder), told[-1]["bytes"])
    assert told[0]["account"] == told[1]["account"]


def test_standard_input_is_accounted_for(tmp_path: Path) -> None:
    for data in (planted(1), gzip.compress(planted(1))):
        run(tmp_path, "scan", "-", "--receipt", "r.json", "-f", "jsonl", stdin=data)
        told = json.loads((tmp_path / "r.json").read_bytes())
        held(told["account"], len(data), told["bytes"])


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(0, 60)), max_size=30), st.integers(0, 220))
@settings(max_examples=200)
def test_what_was_not_read_of_a_file_is_known(reads: list[tuple[int, int]], size: int) -> None:
    file = Covered(io.BytesIO(bytes(size)))
    read = set()
    for at, count in reads:
        file.seek(at)
        read |= set(range(at, at + len(file.read(count))))
    missing = {n for low, high in file.missing(size) for n in range(low, high)}
    assert missing == set(range(size)) - read


def test_a_sum_of_accounts_accounts_for_the_sum() -> None:
    one, two = Bytes(10, scanned=4, containers=6), Bytes(7, failed=7)
    assert one.plus(two) == Bytes(17, scanned=4, containers=6, failed=7)
    assert one.plus(two).unaccounted == 0
    assert Bytes(5, scanned=3).unaccounted == 2

