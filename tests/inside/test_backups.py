"""What an incident responder's backups hold beside archives and documents: hives, property lists, exported machines, evidence,
phones, brokers, caches, mail. The five cases of each are in test_cases; here is what single formats need beyond them."""

from __future__ import annotations

import base64
import gzip
import io
import json
import plistlib
import shutil
import struct
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from random import Random

import backups
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nests import look, look_at, tar, zip_
from scanned import findings, scanned
from test_inside_scan import planted, run, token

from leakguard.detect.generate import expand
from leakguard.sources.inside.limits import Limits
from leakguard.sources.inside.magic import kind_of

pytestmark = pytest.mark.usefixtures("loaded")

NAME = "BINANCE_API_SECRET"


def plain(number: int) -> str:
    """A secret without a shape of its own: found by its name alone."""
    return expand("{{alnum*64}}", Random(number))


def secrets(folder: Path, name: str, data: bytes) -> list[tuple[str, str]]:
    """(chain, secret) of what a scan of one file finds; incidents fail the test."""
    (folder / name).write_bytes(data)
    return [(str(record["path"]), str(record["secret"])) for record in findings(folder, ".")]


# ---------------------------------------------------------------- the registry
def test_values_of_the_registry_stand_beside_their_names(tmp_path: Path) -> None:
    """`setx NAME VALUE` keeps variables so: the value lies in another cell than its name, in UTF-16."""
    data = backups.hive({"Path": "C:\\Windows", NAME: plain(1), "Other": token(2), "blob": f"{NAME}={plain(3)}".encode()})
    found = secrets(tmp_path, "NTUSER.DAT", data)
    assert sorted(found) == sorted(("NTUSER.DAT!/@values", secret) for secret in (plain(1), token(2), plain(3)))
    text = look(data, tmp_path, "NTUSER.DAT").members["NTUSER.DAT!/@values"].decode()
    assert text.startswith("[Environment]\nPath = C:\\Windows\n")


@pytest.mark.parametrize("kind", [1, 2, 6])
def test_logs_of_the_registry_are_bytes(kind: int, tmp_path: Path) -> None:
    """NTUSER.DAT.LOG begins as a hive, with another number, and lies in every profile: it was told as damaged."""
    data = bytearray(backups.hive({"TOKEN": "x"})[:512])
    data[28] = kind
    assert kind_of(bytes(data), "NTUSER.DAT.LOG1") == ""


def test_long_values_and_deleted_ones_are_read(tmp_path: Path) -> None:
    text = "words " * 2700 + f"GITHUB_TOKEN={token(4)} " + "words " * 6000  # over the border of two cells
    data = backups.hive({"Config": text}, deleted=f"GITHUB_TOKEN={token(5)}\0".encode("utf-16-le"))
    assert sorted(secrets(tmp_path, "SOFTWARE", data)) == sorted(
        [("SOFTWARE!/@values", token(4)), ("SOFTWARE!/@free", token(5))]
    )


def test_values_that_are_files_are_looked_into(tmp_path: Path) -> None:
    data = backups.hive({"State": gzip.compress(planted(6)), "List": backups.plist({"GITHUB_TOKEN": token(7)})})
    assert {secret for _, secret in secrets(tmp_path, "hive", data)} == {token(6), token(7)}


def test_numbers_lists_and_inline_values_of_the_registry(tmp_path: Path) -> None:
    made = backups.Hive()
    root = made.key("ROOT", 0, root=True)
    values = [made.value("n", 4, struct.pack("<I", 7)), made.value("q", 11, struct.pack("<Q", 1 << 40)), made.value("s", 1, "a\0".encode("utf-16-le")),
              made.value("m", 7, "one\0two\0\0".encode("utf-16-le")), made.value("", 1, backups.utf16("it"))]  # fmt: skip
    made.key("Sub", made.key("Top", root), values)
    text = look(made.end(root), tmp_path, "hive").members["hive!/@values"].decode()
    assert text == "[Top\\Sub]\nn = 7\nq = 1099511627776\ns = a\nm = one\ntwo\n(default) = it\n\n"


def test_keys_in_a_circle_and_values_that_are_not_there_end(tmp_path: Path) -> None:
    made = backups.Hive()
    first = made.key("a", 0, [made.value("x", 1, backups.utf16("text"))])
    struct.pack_into("<I", made.cells, first - 32 + 4 + 16, first)  # it is its own parent
    made.key("b", first, [0xFFFFFF, first])
    seen = look(made.end(first), tmp_path, "hive")
    assert b"x = text" in seen.members["hive!/@values"]
    assert "names values that are not there" in seen.reasons


# ---------------------------------------------------------------- property lists
def test_values_of_property_lists_stand_beside_their_keys(tmp_path: Path) -> None:
    inner = backups.plist({"GITHUB_TOKEN": token(11)})
    data = backups.plist({"binance": {"key": 1, NAME: plain(10)}, "state": inner, "text": f"ключ GITHUB_TOKEN={token(12)}"})
    assert {secret for _, secret in secrets(tmp_path, "x.plist", data)} == {plain(10), token(11), token(12)}
    assert b"[binance]\n" in look(data, tmp_path, "x.plist").members["x.plist!/@values"]


def test_archived_objects_and_lists_in_cells_of_databases(tmp_path: Path) -> None:
    import sqlite3

    data = backups.archived({NAME: plain(13), "github_token": token(14)})
    base = sqlite3.connect(tmp_path / "Manifest.db")
    base.execute("create table Files (fileID text, file blob)")
    base.execute("insert into Files values ('ab', ?)", (data,))
    base.commit()
    base.close()
    found = findings(tmp_path, ".")
    assert {record["secret"] for record in found} == {plain(13), token(14)}


def test_a_list_in_a_circle_costs_nothing(tmp_path: Path) -> None:
    """A list of itself, and a million references to one object."""
    objects = b"\xa2\0\1" + b"\xd1\1\1" + b"\xaf\x11\x10\x00" + b"\1" * 4096
    places = (8, 11, 14)
    data = b"bplist00" + objects + bytes(places)
    data += struct.pack(">6xBBQQQ", 1, 1, 3, 0, 8 + len(objects))
    seen = look(data, tmp_path, "x.bin")
    assert "internal error" not in seen.reasons


def test_what_no_object_of_a_list_has_is_scanned_as_it_stands(tmp_path: Path) -> None:
    data = backups.plist({"a": "b"})
    data = data[:8] + planted(15) + data[8:]
    cut = len(data) - 32
    table = struct.unpack(">Q", data[-8:])[0] + len(planted(15))
    places = bytes(place + len(planted(15)) for place in data[table:cut])
    data = data[:table] + places + data[cut:-8] + struct.pack(">Q", table)
    assert secrets(tmp_path, "x.bin", data) == [("x.bin!/@rest", token(15))]


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_no_bytes_make_lists_hives_or_batches_fail(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    makers: list[tuple[str, Callable[[], bytes]]] = [
        ("x.bin", lambda: backups.plist({"a": [1, {"b": "c" * 20}], "k": b"x" * 40})),
        ("hive", lambda: backups.hive({"a": "b" * 20, "c": b"x" * 20_000})),
        ("0" * 20 + ".log", lambda: backups.kafka([(b"a", b"b" * 60)], "gzip") + backups.kafka_of_old([b"x" * 20], "gzip")),
        ("b.000001", lambda: backups.binlog(backups.statement(b"x"), backups.mariadb(b"y" * 50), backups.payload(b"z" * 90, 255))),
        ("winmail.dat", lambda: backups.tnef([("a", b"b" * 50)], b"LZFu" * 9)),
        ("abc_0", lambda: backups.cached("https://x", b"y" * 60, b"HTTP/1.1 200\0\0")),
        ("x.db", lambda: backups.bolt([(b"k", backups.kubernetes({"a": "b" * 30}))], b"x" * 30, [(b"c", b"d" * 30)])),
        ("x.preferences_pb", lambda: backups.message({"a": "b" * 30, "c": "d" * 200})),
        ("x.E01", lambda: backups.ewf(b"words " * 9000)),
        ("x.dmg", lambda: backups.dmg(b"words " * 9000)),
        ("x.qcow2", lambda: backups.qcow2(b"words " * 900, bits=9, before=b"others " * 100)),
        ("x.qcow2", lambda: backups.qcow2(b"words " * 900, "zstd", bits=10)),
    ]
    name, make = data.draw(st.sampled_from(makers))
    changed = bytearray(make())
    for at in data.draw(st.lists(st.integers(0, min(len(changed), 6000) - 1), max_size=6)):
        changed[at] = data.draw(st.sampled_from((0, 1, 127, 128, 255)))
    seen = look(bytes(changed), tmp_path_factory.mktemp("it"), name, Limits(members=5000))
    assert "internal error" not in seen.reasons, seen.reasons


# ---------------------------------------------------------------- disks
def disk(number: int) -> bytes:
    """Text, a packed file and a hole, at borders of sectors."""
    noise = Random(number).randbytes(200_000)
    return noise.ljust(204_800, b"\0") + planted(number).ljust(65_536, b"\0") + bytes(300_032)


@pytest.mark.parametrize(("name", "make"), [("x.vmdk", backups.vmdk), ("x.dmg", backups.dmg), ("x.E01", backups.ewf),
                                             ("x.qcow2", backups.qcow2),
                                             ("big.qcow2", lambda it: backups.qcow2(it, bits=16))])  # fmt: skip
def test_packed_disks_are_read_part_by_part(name: str, make: Callable[[bytes], bytes], tmp_path: Path) -> None:
    data = make(disk(20))
    assert token(20).encode() not in data
    inside = "whole" if name == "x.dmg" else "disk"
    assert secrets(tmp_path, name, data) == [(f"{name}!/{inside}", token(20))]
    (tmp_path / name).unlink()
    assert secrets(tmp_path, "machine.ova", tar([("x.ovf", b"<Envelope/>"), (name, data)])) == [
        (f"machine.ova!/{name}!/{inside}", token(20))
    ]


def test_a_disk_of_qemu_is_put_in_order(tmp_path: Path) -> None:
    """Its clusters stand in any order: a secret that two of them share lies in neither."""
    data = bytearray(backups.qcow2(b"#" * 4086 + token(26).encode() + b"\n" * 5000, "plain"))
    assert token(26).encode() in data
    one, two = (data.index(text) for text in (b"#" * 4000, token(26).encode()[10:]))
    data[one : one + 4096], data[two : two + 4096] = data[two : two + 4096], data[one : one + 4096]
    table = struct.pack(">QQ", one | 1 << 63, two | 1 << 63)
    assert table in data
    at = data.index(table)
    data[at : at + 16] = struct.pack(">QQ", two | 1 << 63, one | 1 << 63)
    assert token(26).encode() not in data
    assert secrets(tmp_path, "x.qcow2", bytes(data)) == [("x.qcow2!/disk", token(26))]


GROWING = {"x.vdi": backups.vdi, "x.vhd": backups.vhd, "x.vhdx": backups.vhdx, "x.vmdk": backups.sparse_vmdk}
"""Disks whose blocks lie in any order; the makers here store the last one first."""
UNITS = {"x.vhdx": 1 << 20}

growing = pytest.mark.parametrize("name", GROWING)


def over_a_border(name: str, number: int) -> bytes:
    """A token that two blocks share, behind a hole."""
    unit = UNITS.get(name, 4096)
    return bytes(2 * unit) + b"#" * (unit - 10) + token(number).encode() + b"\n" + bytes(unit)


@growing
def test_disks_that_grow_are_put_in_order(name: str, tmp_path: Path) -> None:
    data = GROWING[name](over_a_border(name, 34))
    assert token(34).encode() not in data
    assert secrets(tmp_path, name, data) == [(f"{name}!/disk", token(34))]


@growing
def test_what_such_a_disk_gave_up_is_seen(name: str, tmp_path: Path) -> None:
    """A block that no table names any more."""
    data = GROWING[name](over_a_border(name, 35))
    at = len(data) - 512 if name == "x.vhd" else len(data)
    data = data[:at] + planted(36).ljust(4096, b"\0") + data[at:]
    found = sorted(secrets(tmp_path, name, data), key=lambda one: one[0].find("@"))
    assert found == [(f"{name}!/disk", token(35)), (f"{name}!/@{at}", token(36))]


@growing
def test_a_block_that_a_table_names_again_and_again_comes_once(name: str, tmp_path: Path) -> None:
    """A disk of terabytes that holds one block is no bomb."""
    unit = UNITS.get(name, 4096)
    whole = GROWING[name](b"x" * 15 * unit + planted(37).ljust(unit, b"\0"))
    table = {"x.vdi": (512, 4), "x.vhd": (1536, 4), "x.vhdx": (320 * 1024, 8), "x.vmdk": (1536, 4)}[name]
    entry = whole[table[0] + 15 * table[1] : table[0] + 16 * table[1]]
    data = whole[: table[0]] + entry * 16 + whole[table[0] + 16 * table[1] :]
    assert data != whole
    seen = look(data, tmp_path, name)
    assert seen.members[f"{name}!/disk"].count(token(37).encode()) == 1
    assert not seen.incidents
    assert seen.tally.expanded < 3 * len(data)


@growing
def test_a_table_that_names_what_is_not_there_is_told_once(name: str, tmp_path: Path) -> None:
    data = GROWING[name](bytes(UNITS.get(name, 4096)) + planted(38))[: -UNITS.get(name, 4096) // 2]
    data = data.replace(planted(38), b"") if name != "x.vhdx" else data
    seen = look(data, tmp_path, name)
    assert seen.reasons.count("behind the end of the file") == 1
    assert seen.states == {"failed"}


@growing
def test_a_disk_with_holes_costs_what_it_holds(name: str, tmp_path: Path) -> None:
    unit = UNITS.get(name, 4096)
    seen = look(GROWING[name](bytes(4000 * unit if unit == 4096 else 400 * unit) + planted(39)), tmp_path, name)
    assert token(39).encode() in seen.members[f"{name}!/disk"]
    assert not seen.incidents
    assert seen.tally.expanded < 4 << 20


UPON = {"x.vdi": lambda: backups.vdi(planted(40), kind=4), "x.vhd": lambda: backups.vhd(planted(40), base="C:\\vm\\base.vhd"),
        "x.vhdx": lambda: backups.vhdx(planted(40), base="..\\vm\\base.vhd"),
        "x.vmdk": lambda: backups.sparse_vmdk(planted(40), base="/vm/base.vhd"),
        "x.qcow2": lambda: upon_qcow2(b"/vm/base.vhd")}  # fmt: skip


def upon_qcow2(base: bytes) -> bytes:
    data = bytearray(backups.qcow2(planted(40), "plain"))
    data[8:20] = struct.pack(">QI", 1024, len(base))
    data[1024 : 1024 + len(base)] = base
    return bytes(data)


@pytest.mark.parametrize("name", ["x.vhd", "x.vdi"])
def test_what_is_extracted_of_a_disk_without_its_parent_is_not_whole(name: str, tmp_path: Path) -> None:
    """What it holds is written, and that it is not all is said by the exit code, too: as by a scan of a file that was named."""
    (tmp_path / name).write_bytes(UPON[name]())
    done = run(tmp_path, "extract", f"{name}!/disk", "-o", "disk")
    assert done.returncode == 3, done.stderr
    assert token(40).encode() in (tmp_path / "disk").read_bytes()
    assert b"lies upon another" in done.stderr



@pytest.mark.parametrize("name", UPON)
def test_a_disk_that_lies_upon_another_says_so(name: str, tmp_path: Path) -> None:
    """What was not changed since is in the other one, and nobody sees it here."""
    data = UPON[name]()
    seen = look(data, tmp_path, name)
    where = name if name == "x.vdi" else f"{name}!/base.vhd"
    assert f"skipped {where}: a disk that lies upon another" in seen.reasons
    assert token(40).encode() in seen.members[f"{name}!/disk"]
    assert look(data, tmp_path, name, strict=True).states == {"failed"}
    if name != "x.vdi":
        (tmp_path / "base.vhd").write_bytes(b"it is scanned itself")
        assert not look(data, tmp_path, name).incidents


@pytest.mark.skipif(not shutil.which("qemu-img"), reason="needs qemu-img")
@pytest.mark.parametrize("options", [("vdi",), ("vpc",), ("vhdx",), ("vmdk",), ("vmdk", "subformat=streamOptimized"), ("vmdk", "adapter_type=lsilogic"),
                                     ("vhdx", "block_size=2M"), ("vpc", "force_size=on")])  # fmt: skip
def test_disks_that_qemu_made_grow_are_read(options: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "raw").write_bytes(bytes(3 << 20) + disk(41) + bytes(5 << 20) + planted(42).ljust(512, b"\0"))
    (folder := tmp_path / "in").mkdir()
    made = [part for option in options[1:] for part in ("-o", option)]
    subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", options[0], *made, str(tmp_path / "raw"), str(folder / "x")], check=True)
    assert sorted((str(r["path"]), str(r["secret"])) for r in findings(folder, ".")) == sorted(("x!/disk", token(n)) for n in (41, 42))


def test_the_objects_of_a_container_image_of_singularity(tmp_path: Path) -> None:
    data = backups.sif([(0x4001, "x.def", planted(43)), (0x4004, "", tar([("srv/a.env", planted(44))]))]) + planted(45)
    assert sorted(secrets(tmp_path, "x.sif", data)) == sorted([
        ("x.sif!/x.def", token(43)), ("x.sif!/partition-2!/srv/a.env", token(44)), (f"x.sif!/@{len(data) - len(planted(45))}", token(45))])  # fmt: skip


@pytest.mark.skipif(not shutil.which("mksquashfs"), reason="needs mksquashfs")
def test_the_file_system_in_one_of_singularity(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "a.env").write_bytes(planted(46) * 40)
    subprocess.run(["mksquashfs", str(tmp_path / "tree"), str(tmp_path / "fs"), "-quiet", "-no-progress"], check=True, stdout=subprocess.DEVNULL)
    (folder := tmp_path / "in").mkdir()
    data = backups.sif([(0x4004, "x.squashfs", (tmp_path / "fs").read_bytes())])
    assert token(46).encode() not in data
    assert set(secrets(folder, "x.sif", data)) == {("x.sif!/x.squashfs!/a.env", token(46))}


def test_snapshots_of_a_disk_are_read_and_what_no_table_names(tmp_path: Path) -> None:
    data = backups.qcow2(planted(27).ljust(9000, b"\0"), before=bytes(8192) + planted(28)) + planted(29).ljust(4096, b"\0")
    found = dict(secrets(tmp_path, "x.qcow2", data))
    assert found == {"x.qcow2!/disk": token(27), "x.qcow2!/snapshot-1": token(28), f"x.qcow2!/@{len(data) - 4096}": token(29)}


def test_what_a_disk_shares_with_its_snapshot_comes_once(tmp_path: Path) -> None:
    """A disk whose every table is one table, and every entry one cluster, is no bomb."""
    data = bytearray(backups.qcow2(planted(30).ljust(4096, b"\0"), bits=12))
    entry = struct.pack(">Q", int.from_bytes(data[8192 + 4096 : 8192 + 4104], "big"))
    data[8192 + 4096 : 8192 + 8192] = entry * 512
    at = int.from_bytes(data[40:48], "big")
    data[at : at + 4096] = data[at : at + 8] * 512
    data[36:40] = struct.pack(">I", 512)
    data[24:32] = struct.pack(">Q", 512 * 512 * 4096)
    seen = look(bytes(data), tmp_path, "x.qcow2")
    assert not seen.incidents
    assert seen.members["x.qcow2!/disk"].count(token(30).encode()) == 1
    assert seen.tally.expanded < 1 << 20


@pytest.mark.parametrize("how", ["zlib", "zstd"])
def test_a_cluster_never_becomes_more_than_a_cluster(how: str, tmp_path: Path) -> None:
    import zlib

    import zstandard

    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(bytes(2_000_000)) + packer.flush() if how == "zlib" else zstandard.compress(bytes(200_000_000))
    data = bytearray(backups.qcow2(b"words " * 600, how))
    data[8192 + 7 : 8192 + 7 + len(packed)] = packed
    seen = look(bytes(data), tmp_path, "x.qcow2")
    assert len(seen.members["x.qcow2!/disk"]) <= 4096 + 512 + 4096


def test_text_in_the_tables_of_a_disk_is_seen(tmp_path: Path) -> None:
    """Tables are read, so nobody else would scan them: one that names what is not there is handed out as it stands."""
    data = bytearray(backups.qcow2(b"words " * 600, "plain"))
    at = int.from_bytes(data[40:48], "big")
    table = int.from_bytes(data[at + 1 : at + 8], "big")
    data[table + 8 : table + 8 + len(planted(31))] = planted(31)
    seen = look(bytes(data), tmp_path, "x.qcow2")
    assert token(31).encode() in seen.members["x.qcow2!/disk"]
    assert b"words words" in seen.members["x.qcow2!/disk"]
    assert "damaged part of the disk" in seen.reasons


@pytest.mark.parametrize(("crypt", "features", "reason"), [(2, 0, "encrypted"), (0, 4, "another file")])
def test_disks_of_qemu_that_nobody_reads_are_named(crypt: int, features: int, reason: str, tmp_path: Path) -> None:
    seen = look(backups.qcow2(planted(32), "plain", crypt=crypt, features=features), tmp_path, "x.qcow2", strict=True)
    assert seen.states == {"failed"}
    assert reason in seen.reasons


@pytest.mark.skipif(not shutil.which("qemu-img"), reason="needs qemu-img")
@pytest.mark.parametrize("options", ["compat=0.10", "compression_type=zstd", "extended_l2=on,cluster_size=128k", "cluster_size=512", "cluster_size=2M"])
@pytest.mark.parametrize("packed", [True, False])
def test_what_qemu_itself_wrote_is_read(options: str, packed: bool, tmp_path: Path) -> None:
    (tmp_path / "raw").write_bytes(disk(33))
    (folder := tmp_path / "in").mkdir()
    command = ["qemu-img", "convert", "-f", "raw", "-O", "qcow2", "-o", options, *(["-c"] if packed else [])]
    subprocess.run([*command, str(tmp_path / "raw"), str(folder / "x")], check=True)
    assert [(record["path"], record["secret"]) for record in findings(folder, ".")] == [("x!/disk", token(33))]


def test_the_file_system_of_a_packed_disk_is_named(tmp_path: Path) -> None:
    """It is bytes: what is compressed in it is not seen, and that is told."""
    image = bytes(1080) + b"\x53\xef" + bytes(16) + b"\1\0" + bytes(948) + disk(21)
    seen = look(backups.vmdk(image), tmp_path, "x.vmdk")
    assert "skipped x.vmdk!/disk: of kind ext, not read: a raw file system" in seen.reasons


def test_a_disk_with_large_holes_costs_what_it_holds(tmp_path: Path) -> None:
    data = backups.dmg(disk(22), kinds=(0x80000005,), step=65_536)
    at = data.find(b"mish")
    assert at < 0  # it is in base64 in the list
    sparse = backups.vmdk(bytes(64 << 20) + disk(22))
    seen = look(sparse, tmp_path, "x.vmdk")
    assert not seen.incidents
    assert seen.tally.expanded < 2 << 20


@pytest.mark.parametrize("kind", [0x80000004, 0x80000007])
def test_parts_of_a_dmg_that_nobody_reads_are_told(kind: int, tmp_path: Path) -> None:
    seen = look(backups.dmg(disk(23), kinds=(0x80000005, kind)), tmp_path, "x.dmg", strict=True)
    assert seen.states == {"failed"}
    assert "LZFSE" in seen.reasons


def test_a_damaged_part_of_a_disk_costs_no_other(tmp_path: Path) -> None:
    data = bytearray(backups.ewf(b"some words of a text\n" * 20_000 + planted(24)))
    data[260:270] = bytes(10)
    seen = look(bytes(data), tmp_path, "x.E01")
    assert token(24).encode() in seen.members["x.E01!/disk"]
    assert "damaged part of the disk" in seen.reasons


def test_a_dmg_without_a_list_is_named(tmp_path: Path) -> None:
    seen = look(Random(1).randbytes(5000) + planted(25), tmp_path, "x.dmg", strict=True)
    assert "a disk image of macOS without a list" in seen.reasons
    assert token(25).encode() in seen.members["x.dmg"]


# ---------------------------------------------------------------- phones, packages, browsers
@pytest.mark.parametrize("packed", [False, True])
def test_android_backups_are_looked_into(packed: bool, tmp_path: Path) -> None:
    data = backups.android(tar([("apps/x/sp/a.xml", planted(30)), ("apps/x/f/b.gz", gzip.compress(planted(31)))]), packed)
    assert sorted(secrets(tmp_path, "x.ab", data)) == sorted([("x.ab!/apps/x/sp/a.xml", token(30)), ("x.ab!/apps/x/f/b.gz!/b", token(31))])


def test_an_encrypted_android_backup_is_named(tmp_path: Path) -> None:
    seen = look(backups.android(b"AB" * 64, how=b"AES-256"), tmp_path, "x.ab")
    assert seen.reasons == "skipped x.ab: of kind android-backup, not read: encrypted"


def test_payloads_of_packages_are_looked_into(tmp_path: Path) -> None:
    assert secrets(tmp_path, "Payload", backups.pbzx(tar([("a", b"words " * 3000), ("x.env", planted(32))]))) == [("Payload!/x.env", token(32))]


def test_objects_of_an_ostree_are_looked_into(tmp_path: Path) -> None:
    inner = tar([("x.env", planted(40))])
    assert secrets(tmp_path, "0ab1.filez", backups.ostree(inner)) == [("0ab1.filez!/x.env", token(40))]


def test_an_object_of_an_ostree_is_none_of_dar(tmp_path: Path) -> None:
    data = backups.ostree(tar([("x.env", planted(40))]), b"a" * (0x7B - 25))
    assert data.startswith(b"\0\0\0\x7b")  # as what dar writes begins, too
    assert secrets(tmp_path, "0ab2.filez", data) == [("0ab2.filez!/x.env", token(40))]


def test_attributes_of_an_object_of_an_ostree_are_scanned(tmp_path: Path) -> None:
    assert [secret for _, secret in secrets(tmp_path, "0ab3.filez", backups.ostree(b"words", planted(41)))] == [token(41)]


@pytest.mark.parametrize("told", [0, 1 << 40])
def test_an_object_of_an_ostree_of_another_size_is_told(told: int, tmp_path: Path) -> None:
    seen = look(backups.ostree(b"words " * 90 + planted(42), told=told), tmp_path, "0ab1.filez")
    assert "another number of bytes" in seen.reasons
    assert any(token(42).encode() in data for data in seen.members.values())


@pytest.mark.parametrize("data", [b"", struct.pack(">II", 40, 0) + bytes(16) + struct.pack(">I", 0o120777), b"\xff" * 48])
def test_what_is_no_file_of_an_ostree_is_bytes(data: bytes, tmp_path: Path) -> None:
    seen = look(data + planted(43), tmp_path, "0ab4.filez")
    assert seen.members == {"0ab4.filez": data + planted(43)} and not seen.reasons


def test_sessions_of_firefox_are_read(tmp_path: Path) -> None:
    text = json.dumps({"windows": [{"url": "https://example.org/?" + "a=b&" * 99, NAME: plain(33), "form": {"token": token(34)}}]})
    assert {*secrets(tmp_path, "recovery.jsonlz4", backups.mozlz4(text.encode()))} == {
        ("recovery.jsonlz4!/recovery.json", plain(33)), ("recovery.jsonlz4!/recovery.json", token(34)),
    }  # fmt: skip


@pytest.mark.parametrize("packed", ["gzip", "br", "deflate", ""])
@pytest.mark.parametrize("hashed", [False, True])
def test_bodies_in_the_cache_of_chromium_are_unpacked(packed: str, hashed: bool, tmp_path: Path) -> None:
    import zlib

    import brotli

    body = {"gzip": gzip.compress, "br": brotli.compress, "deflate": zlib.compress, "": bytes}[packed](b"words " * 50 + planted(35))
    headers = f"HTTP/1.1 200\0content-type: text/plain\0{f'Content-Encoding: {packed}' if packed else ''}\0\0".encode()
    data = backups.cached(f"https://example.org/?access_token={token(36)}", body, headers, hashed)
    assert {secret for _, secret in secrets(tmp_path, "0123456789abcdef_0", data)} == {token(35), token(36)}


@pytest.mark.parametrize("name", ["index", "0123456789abcdef_0"])
def test_the_index_of_a_cache_is_no_entry(name: str, tmp_path: Path) -> None:
    data = struct.pack("<QIII4x", 0xFCFB6D1BA7725C30, 9, 0, 0)
    assert look(data, tmp_path, name).incidents == []


def test_what_chromium_keeps_beside_a_body_is_read(tmp_path: Path) -> None:
    key = b"1/0/https://example.org/"
    data = struct.pack("<QIII4x", 0xFCFB6D1BA7725C30, 9, len(key), 0) + key + planted(30) + struct.pack("<QIII4x", 0xF4FA6F45970D41D8, 1, 0, 0)
    assert secrets(tmp_path, "0123456789abcdef_1", data) == [("0123456789abcdef_1!/beside", token(30))]


@pytest.mark.parametrize("packed", ["gzip", "br", "deflate", ""])
@pytest.mark.parametrize("folder", ["entries", "doomed"])
def test_bodies_in_the_cache_of_firefox_are_unpacked(packed: str, folder: str, tmp_path: Path) -> None:
    """A header stands twice there, as it was understood and as it came: it is told once."""
    import zlib

    import brotli

    body = {"gzip": gzip.compress, "br": brotli.compress, "deflate": zlib.compress, "": bytes}[packed](b"words " * 50 + planted(35))
    headers = f"HTTP/1.1 200 OK\r\nx-auth: {token(37)}\r\n{f'Content-Encoding: {packed}' if packed else ''}\r\n".encode()
    data = backups.mozilla_cached(f"https://example.org/?access_token={token(36)}", body, headers)
    name = f"cache2/{folder}/{'0123456789ABCDEF0123' * 2}"
    (tmp_path / name).parent.mkdir(parents=True)
    assert sorted(secret for _, secret in secrets(tmp_path, name, data)) == sorted(map(token, (35, 36, 37)))


def test_frames_of_snappy_are_unpacked_and_what_is_passed_over_is_read(tmp_path: Path) -> None:
    passed = planted(39)
    data = backups.framed(b"words " * 20_000 + planted(38)) + b"\x80" + len(passed).to_bytes(3, "little") + passed + backups.framed(planted(31))
    assert {secret for _, secret in secrets(tmp_path, "x.sz", data)} == {token(38), token(39), token(31)}


# ---------------------------------------------------------------- brokers and databases
def test_a_pair_of_etcd_is_told_once_under_its_name_and_a_snapshot_has_a_checksum_behind_it(tmp_path: Path) -> None:
    pair = backups.field(1, NAME.encode()) + b"\x10\2\x18\2\x20\1" + backups.field(5, plain(89).encode())
    data = backups.bolt([(b"1", pair)], inline=[(b"1", pair)]) + bytes(range(100, 132))
    seen = look(data, tmp_path, "snapshot.db")
    assert seen.members["snapshot.db!/@pairs"].count(f"{NAME} = {plain(89)}\n".encode()) == 1
    assert seen.incidents == []


def test_the_log_of_etcd_tells_values_under_their_names(tmp_path: Path) -> None:
    data = backups.etcd_wal((b"a", b"b" * 50), (NAME.encode(), plain(88).encode()), (b"gone", token(87).encode()))
    name = "0000000000000000-0000000000000000.wal"
    assert f"{NAME} = {plain(88)}\n".encode() in look(data, tmp_path, name).members[f"{name}!/@log"]
    assert {secret for _, secret in secrets(tmp_path, name, data)} == {plain(88), token(87)}


def test_values_in_the_pages_of_postgresql_stand_apart_from_their_lengths(tmp_path: Path) -> None:
    """The length of 40 letters is an S, and stands right before them; a document's texts stand one behind the other."""
    document = struct.pack("<III", 1 | 0x20000000, 5, 40) + b"token" + token(84).encode()
    rows = [
        struct.pack("<I", 400) + backups.varlena(b"binance") + backups.varlena(token(82).encode()),
        struct.pack("<I", 7) + backups.varlena(b"x") + backups.varlena(document),
    ]
    data = backups.pg_heap(rows)
    assert b"S" + token(82).encode() in data
    text = look(data, tmp_path, "16385").members["16385!/@rows"]
    assert f"v2 = {token(82)}\n".encode() in text and f"token = {token(84)}\n".encode() in text
    assert "without the names of its columns" in look(data, tmp_path, "16385").reasons


ACCOUNTS = [(16384, "id", 1, 4, "i"), (16384, "note", 2, -1, "i"), (16384, NAME.lower(), 3, -1, "i"), (16384, "ctid", -1, 6, "s")]


def account(secret: str, note: str = "bot") -> bytes:
    return struct.pack("<I", 400) + backups.varlena(note.encode()) + backups.varlena(secret.encode())


def in_folder(folder: Path, name: str, data: bytes, beside: dict[str, bytes]) -> Path:
    for other, content in beside.items():
        (folder / other).write_bytes(content)
    (folder / name).write_bytes(data)
    return folder / name


def test_rows_of_postgresql_stand_under_the_names_that_lie_beside_them(tmp_path: Path) -> None:
    """A secret that is known by the name of its column alone; the file is not named after its table's number."""
    data = backups.pg_heap([account(plain(90)), account(plain(91), "n" * 200)], 3)
    path = in_folder(tmp_path, "16399", data, backups.pg_catalog([(16390, "passing", 16400), (16384, "bots", 16399)], ACCOUNTS))
    text = look_at(path).members["16399!/@rows"].decode()
    assert f"note = bot\n{NAME.lower()} = {plain(90)}\n" in text
    assert f"note = {'n' * 200}\n{NAME.lower()} = {plain(91)}\n" in text
    found = {(str(record["path"]), str(record["secret"])) for record in findings(tmp_path, ".")}
    assert found == {("16399!/@rows", plain(90)), ("16399!/@rows", plain(91))}


@pytest.mark.parametrize("beside", [
    {}, backups.pg_catalog([], ACCOUNTS), backups.pg_catalog([(16384, "bots", 16399)], ACCOUNTS[:1]),
    backups.pg_catalog([(16384, "bots", 16399)], [*ACCOUNTS[:2], (16384, "x", 4, -1, "i")]),
    backups.pg_catalog([(16384, "bots", 16399)], [(16384, "x", 1, -7, "q")]),
    {**backups.pg_catalog([(16384, "bots", 16399)], ACCOUNTS), "PG_VERSION": b"11\n"},
    {**backups.pg_catalog([(16384, "bots", 16399)], ACCOUNTS), "1249": b"\0\x40\0\0" * 5000},
    backups.pg_catalog([(16384, "pg_toast_1", 16399)], ACCOUNTS),
])  # fmt: skip
def test_a_catalog_that_does_not_fit_gives_no_names_and_that_is_told(beside: dict[str, bytes], tmp_path: Path) -> None:
    path = in_folder(tmp_path, "16399", backups.pg_heap([account(token(92)), account(token(93))], 3), beside)
    seen = look_at(path)
    assert f"v2 = {token(92)}\n".encode() in seen.members["16399!/@rows"]
    assert seen.reasons.count("without the names of its columns") == 1


def test_of_a_table_of_the_system_itself_no_names_are_missed(tmp_path: Path) -> None:
    """A catalog's columns hold no secret that they alone name; there are a hundred in each database."""
    assert not look(backups.pg_heap([account(token(94))], 3), tmp_path, "1418").incidents


def test_the_log_of_postgresql_is_put_together_and_its_values_apart(tmp_path: Path) -> None:
    """Of a row that was deleted long ago, over the border of two pages."""
    many = [backups.pg_insert(account("w" * number)) for number in range(1, 90)]
    record = backups.pg_insert(account(token(95)))
    size = len(backups.pg_wal(many).rstrip(b"\0"))
    data = b""
    for pad in range(0, 200, 8):  # until the token stands over the border
        data = backups.pg_wal([*many, backups.pg_record(0, 0, b"y" * (8192 - size % 8192 - 200 + pad), b""), record])
        if token(95).encode() not in data:
            break
    assert token(95).encode() not in data
    assert f"v2 = {token(95)}\n".encode() in look(data, tmp_path, "000000010000000000000003").members["000000010000000000000003!/@rows"]


@pytest.mark.parametrize("how", [0, 4, 8, 16])
def test_pages_that_the_log_keeps_whole_are_unpacked(how: int, tmp_path: Path) -> None:
    """As they are, and by pglz, lz4 and zstd."""
    import lz4.block
    import zstandard

    pack: dict[int, Callable[[bytes], bytes]] = {
        0: bytes, 4: lambda page: backups.pglz(page)[4:], 8: lambda page: bytes(lz4.block.compress(page, store_size=False)),
        16: zstandard.ZstdCompressor().compress,
    }  # fmt: skip
    page = backups.pg_heap([account(token(96)), account(token(97))], 3)
    lower, upper = struct.unpack_from("<HH", page, 12)
    image = pack[how](page[:lower] + page[upper:])
    data = backups.pg_wal([backups.pg_record(0, 0xB0, b"", b"x", image, (lower, upper - lower), how), backups.pg_insert(account(token(98)))])
    text = look(data, tmp_path, "000000010000000000000003").members["000000010000000000000003!/@rows"]
    for number in (96, 97, 98):
        assert f"v2 = {token(number)}\n".encode() in text


def test_what_a_segment_held_before_is_seen(tmp_path: Path) -> None:
    """Segments are used again: behind the last record stand records of old."""
    data = backups.pg_wal([backups.pg_insert(account("now"))] * 3) + bytes(8192) + b"\0" * 100 + planted(99).ljust(8092, b"\0")
    assert token(99).encode() in look(data, tmp_path, "000000010000000000000003").members["000000010000000000000003!/@free"]


@pytest.mark.parametrize("packed", [False, True])
def test_long_values_of_postgresql_are_put_together(packed: bool, tmp_path: Path) -> None:
    """Cut inside of a token; compressed ones have their length before them."""
    plainly = b"words " * 40 + planted(83) + b"words " * 300
    value = backups.pglz(plainly, 17) if packed else plainly
    at = 300 if packed else value.index(token(83).encode()) + 20
    rows = [struct.pack("<II", 16395, number) + (len(part) + 4 << 2).to_bytes(4, "little") + part for number, part in enumerate((value[:at], value[at:]))]
    assert token(83).encode() in look(backups.pg_heap(rows, 3), tmp_path, "16393").members["16393!/@rows"]


def test_secrets_of_kubernetes_stand_beside_their_names(tmp_path: Path) -> None:
    """In a snapshot of etcd: a message in an envelope in a message in a page; also of a page that nothing leads to any more."""
    data = backups.bolt([(b"1", backups.kubernetes({NAME: plain(90), "github_token": token(91)}))],
                        stale=backups.kubernetes({NAME: plain(92)}), inline=[(b"x", planted(93))])  # fmt: skip
    assert {secret for _, secret in secrets(tmp_path, "snapshot.db", data)} == {plain(90), token(91), plain(92), token(93)}
    text = look(data, tmp_path, "snapshot.db").members["snapshot.db!/@pairs"]
    assert f"{NAME} = {plain(90)}\n".encode() in text
    assert b"/registry/secrets/default/it" in text


def test_damaged_and_long_pages_of_bolt(tmp_path: Path) -> None:
    data = backups.bolt([(b"long", planted(94) + b"words " * 3000), (b"key", planted(95))])
    assert {secret for _, secret in secrets(tmp_path, "x.db", data)} == {token(94), token(95)}
    changed = bytearray(data)
    changed[8192 + 16 + 4 : 8192 + 16 + 8] = b"\xff\xff\xff\x7f"
    seen = look(bytes(changed), tmp_path, "x.db")
    assert "bolt: damaged page" in seen.reasons
    assert token(95).encode() in b"".join(seen.members.values())


def test_settings_of_android_stand_beside_their_names(tmp_path: Path) -> None:
    data = backups.message({NAME: plain(96), "github_token": token(97), "n": "words"})
    assert {secret for _, secret in secrets(tmp_path, "settings.preferences_pb", data)} == {plain(96), token(97)}
    seen = look(b"\ntext that only has the name\n" + planted(98), tmp_path, "x.preferences_pb")
    assert token(98).encode() in seen.members["x.preferences_pb"]


def test_objects_of_firefox_stand_beside_their_names(tmp_path: Path) -> None:
    import sqlite3

    base = sqlite3.connect(tmp_path / "it.sqlite")
    base.execute("create table object_data (object_store_id integer, key blob, index_data_values blob, file_ids text, data blob)")
    value = {"pad": "words " * 99, NAME: plain(99), "github": token(100), token(101): 5}
    base.execute("insert into object_data values (1, ?, null, null, ?)", (b"0k", backups.cloned(value)))
    base.commit()
    base.close()
    assert {record["secret"] for record in findings(tmp_path, ".")} == {plain(99), token(100), token(101)}


@pytest.mark.parametrize("how", ["none", "gzip", "snappy", "raw snappy", "lz4", "zstd"])
def test_batches_of_kafka_are_unpacked(how: str, tmp_path: Path) -> None:
    value = json.dumps({"pad": "words " * 200, NAME: plain(40)}).encode()
    data = backups.kafka([(b"a", b"words " * 400)], how) + backups.kafka([(b"", value), (b"github_token", token(41).encode())], how, 1)
    found = secrets(tmp_path, f"{0:020}.log", data + bytes(500))
    assert {secret for _, secret in found} == {plain(40), token(41)}
    assert {path for path, _ in found} == {f"{0:020}.log!/@records"}


@pytest.mark.parametrize("how", ["none", "gzip", "raw snappy"])
@pytest.mark.parametrize("version", [0, 1])
def test_messages_of_old_kafkas_are_unpacked(version: int, how: str, tmp_path: Path) -> None:
    data = backups.kafka_of_old([b"words " * 50, planted(42)], how, version)
    assert {secret for _, secret in secrets(tmp_path, f"{7:020}.log", data)} == {token(42)}


def test_a_damaged_batch_costs_no_other(tmp_path: Path) -> None:
    first = bytearray(backups.kafka([(b"a", b"words " * 400)], "gzip"))
    first[70:80] = bytes(10)
    seen = look(bytes(first) + backups.kafka([(b"a", planted(43))], "gzip"), tmp_path, f"{0:020}.log")
    assert token(43).encode() in seen.members[f"{0:020}.log!/@records"]
    assert "damaged" in seen.reasons
    assert bytes(first).lstrip(b"\0") in seen.members.values()


@pytest.mark.parametrize("how", ["gzip", "lz4", "zstd"])
def test_a_bomb_in_a_batch_ends_at_its_limit(how: str, tmp_path: Path) -> None:
    code, packed = backups.packed_by(how, bytes(200 << 20))
    body = struct.pack(">hiqqqhii", code, 0, 0, 0, -1, -1, -1, 1) + packed
    data = struct.pack(">qi", 0, len(body) + 9) + struct.pack(">ibI", 0, 2, 0) + body
    seen = look(data, tmp_path, f"{0:020}.log")
    assert seen.incidents
    assert seen.tally.expanded < 80 << 20


def test_transactions_and_statements_of_binary_logs_are_unpacked(tmp_path: Path) -> None:
    pad = b"words " * 99
    insert = b"INSERT INTO a VALUES ('%b')"
    data = backups.binlog(
        backups.statement(insert % token(44).encode()), backups.payload(backups.statement(pad + insert % token(45).encode())),
        backups.mariadb(pad + insert % token(46).encode()), backups.payload(backups.statement(insert % token(47).encode()), 255),
    )  # fmt: skip
    assert {*secrets(tmp_path, "binlog.000001", data)} == {("binlog.000001!/events", token(n)) for n in (44, 45, 46, 47)}


def test_an_encrypted_binary_log_is_told(tmp_path: Path) -> None:
    seen = look(backups.binlog(backups.event(164, bytes(20)), backups.event(2, bytes(80))), tmp_path, "binlog.000001")
    assert seen.reasons == "failed binlog.000001: binlog: encrypted from here on"


# ---------------------------------------------------------------- mail
def test_attachments_of_outlook_are_looked_into(tmp_path: Path) -> None:
    packed = zip_([("x.env", planted(50))])
    made = backups.tnef([("one.zip", packed), ("two.gz", gzip.compress(planted(51)))], f"GITHUB_TOKEN={token(52)}".encode("utf-16-le"))
    found = secrets(tmp_path, "winmail.dat", made)
    assert {secret for _, secret in found} == {token(50), token(51), token(52)}
    assert ("winmail.dat!/one.zip!/x.env", token(50)) in found
    mail = b"From: a@example.org\nTo: b@example.org\nSubject: k\nMIME-Version: 1.0\nContent-Type: application/ms-tnef; name=winmail.dat\n"
    mail += b"Content-Transfer-Encoding: base64\n\n" + base64.encodebytes(made)
    (tmp_path / "winmail.dat").unlink()
    assert ("m.eml!/winmail.dat!/one.zip!/x.env", token(50)) in secrets(tmp_path, "m.eml", mail)


def test_mails_of_apple_are_looked_into(tmp_path: Path) -> None:
    mail = b"From: a@example.org\nTo: b@example.org\nMIME-Version: 1.0\nContent-Type: application/zip; name=k.zip\n"
    mail += b"Content-Transfer-Encoding: base64\n\n" + base64.encodebytes(zip_([("x.env", planted(53))]))
    assert secrets(tmp_path, "12.emlx", backups.emlx(mail)) == [("12.emlx!/message.eml!/k.zip!/x.env", token(53))]


@pytest.mark.parametrize("how", [0, 1])
def test_folders_of_outlook_are_read_and_what_is_not_seen_is_told(how: int, tmp_path: Path) -> None:
    data = backups.pst(f"{NAME}={plain(54)}\r\nGITHUB_TOKEN={token(55)}\r\n".encode("utf-16-le"), how)
    (tmp_path / "x.pst").write_bytes(data)
    result = scanned(tmp_path, Limits())
    assert {f.path for f in result.findings} == {"x.pst!/mails"}
    assert len(result.findings) == 2
    assert [i.state for i in result.incidents] == ["skipped"]


def test_a_folder_of_outlook_that_is_encrypted_is_named(tmp_path: Path) -> None:
    assert look(backups.pst(b"", 2), tmp_path, "x.pst").reasons == "skipped x.pst: of kind pst, not read: encrypted"


# ---------------------------------------------------------------- archives
@pytest.fixture(scope="module")
def seven() -> str:
    tool = shutil.which("7zz") or shutil.which("7z")
    if tool is None:
        pytest.skip("needs 7-Zip")
    return tool


def by_seven(seven: str, folder: Path, *options: str, name: str, content: bytes) -> bytes:
    (folder / "x.env").write_bytes(content)
    subprocess.run([seven, "a", *options, name, "x.env"], cwd=folder, check=True, capture_output=True, timeout=60)
    data = (folder / name).read_bytes()
    (folder / "x.env").unlink()
    return data


@pytest.mark.parametrize("method", ["Copy", "Deflate", "Deflate64", "BZip2", "LZMA", "PPMd", "xz"])
def test_all_methods_of_zips_are_read(seven: str, method: str, tmp_path: Path) -> None:
    data = by_seven(seven, tmp_path, "-tzip", f"-mm={method}", name="a.zip", content=b"words " * 500 + planted(60) + b"more " * 90_000)
    assert secrets(tmp_path, "a.zip", data) == [("a.zip!/x.env", token(60))]
    (tmp_path / "a.zip").unlink()
    assert secrets(tmp_path, "b.tar", tar([("a.zip", data)])) == [("b.tar!/a.zip!/x.env", token(60))]


def test_damaged_and_cut_ppmd_is_told(seven: str, tmp_path: Path) -> None:
    data = by_seven(seven, tmp_path, "-tzip", "-mm=PPMd", name="a.zip", content=Random(3).randbytes(90_000) + planted(61))
    for at in (60, 2000, 80_000):
        changed = bytearray(data)
        changed[at : at + 4] = b"\xff\0\xff\0"
        seen = look(bytes(changed), tmp_path, "a.zip")
        assert "failed" in seen.states, at
        assert "internal error" not in seen.reasons
    assert look(data[:50_000], tmp_path, "a.zip").states == {"failed"}


@pytest.mark.parametrize("method", [1, 6, 97, 4, 77])
def test_methods_of_zips_that_nobody_reads_are_told(method: int, tmp_path: Path) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("a.env", planted(62))
        archive.writestr("b.env", planted(63))
    data = bytearray(made.getvalue())
    for mark, at in ((b"PK\3\4", 8), (b"PK\1\2", 10)):
        place = data.find(mark)
        struct.pack_into("<H", data, place + at, method)
    seen = look(bytes(data), tmp_path, "a.zip", strict=True)
    assert f"failed a.zip!/a.env: zip: compressed by method {method}: no reader" in seen.reasons
    assert token(63).encode() in seen.members["a.zip!/b.env"]


@pytest.mark.parametrize("method", ["LZMA", "LZMA2", "PPMd", "BZip2", "Deflate", "Deflate64", "Copy"])
def test_methods_of_7z_are_read(seven: str, method: str, tmp_path: Path) -> None:
    data = by_seven(seven, tmp_path, f"-m0={method}", name="a.7z", content=b"words " * 900 + planted(64))
    assert secrets(tmp_path, "a.7z", data) == [("a.7z!/x.env", token(64))]


def test_what_nobody_knows_in_a_7z_is_named_and_costs_no_other(seven: str, tmp_path: Path) -> None:
    """7-Zip packs programs for ARM64 by a filter that libarchive 3.6 gives up at; what comes behind them was not read."""
    for name, options in (("a", ["-m0=ARM64", "-m1=LZMA2"]), ("b", ["-m0=LZMA2"]), ("c", ["-m0=Deflate64"])):
        (tmp_path / f"{name}.env").write_bytes(b"words " * 90 + planted({"a": 65, "b": 66, "c": 67}[name]))
        subprocess.run([seven, "a", *options, "x.7z", f"{name}.env"], cwd=tmp_path, check=True, capture_output=True, timeout=60)
    seen = look((tmp_path / "x.7z").read_bytes(), tmp_path, "x.7z", strict=True)
    assert {name for name, data in seen.members.items() if b"ghp_" in data} == {"x.7z!/b.env", "x.7z!/c.env"}
    assert "failed x.7z!/a.env: packed by ARM64, which no reader here knows" in seen.reasons


def test_more_than_99_parts_of_a_zip_are_read_as_one(tmp_path: Path) -> None:
    """`.z99` is followed by `.z100`."""
    if shutil.which("zip") is None:
        pytest.skip("needs zip")
    (tmp_path / "r").write_bytes(Random(9).randbytes(6_800_000))
    (tmp_path / "x.env").write_bytes(planted(68))
    subprocess.run(["zip", "-q", "-s", "64k", "a.zip", "r", "x.env"], cwd=tmp_path, check=True, capture_output=True, timeout=120)
    assert (tmp_path / "a.z100").exists()
    (tmp_path / "r").unlink()
    (tmp_path / "x.env").unlink()
    (record,) = findings(tmp_path, ".")
    assert (record["path"], record["secret"]) == ("a.zip!/x.env", token(68))


# ---------------------------------------------------------------- extract
def test_extract_writes_what_chains_of_backups_name(tmp_path: Path) -> None:
    made = {
        "NTUSER.DAT": backups.hive({"GITHUB_TOKEN": token(70)}), "x.bin": backups.plist({"GITHUB_TOKEN": token(71)}),
        "x.vmdk": backups.vmdk(disk(72)), "x.E01": backups.ewf(disk(73)), "x.dmg": backups.dmg(disk(74)),
        "x.qcow2": backups.qcow2(disk(84)),
        "x.ab": backups.android(tar([("a/x.env", planted(75))])), "x.jsonlz4": backups.mozlz4(b"words " * 90 + planted(76)),
        f"{0:020}.log": backups.kafka([(b"k", planted(77))], "gzip"), "binlog.1": backups.binlog(backups.payload(planted(78).rjust(200))),
        "winmail.dat": backups.tnef([("k.gz", gzip.compress(planted(79)))]), "1_0": backups.cached("https://x", gzip.compress(planted(80)), b"\0\0"),
    }  # fmt: skip
    (folder := tmp_path / "in").mkdir()
    for name, data in made.items():
        (folder / name).write_bytes(data)
    found = list(scanned(folder, Limits()).findings)
    assert len(found) == len(made), sorted(f.path for f in found)
    for finding in found:
        done = run(folder, "extract", f"{finding.path}:{finding.start_line}")
        assert done.returncode == 0, done.stderr
        assert finding.secret is not None
        assert finding.secret in done.stdout, finding.path


def test_lists_as_xml_still_read(tmp_path: Path) -> None:
    data = plistlib.dumps({NAME: plain(81), "gz": gzip.compress(planted(82))})
    assert {secret for _, secret in secrets(tmp_path, "x.plist", data)} == {plain(81), token(82)}


def test_extract_of_what_a_scan_takes_for_read_is_no_failure(tmp_path: Path) -> None:
    """Rows of a log without their columns' names: that is said, and all there is of the member is written."""
    data = backups.pg_wal([backups.pg_insert(backups.varlena(b"words") + backups.varlena(planted(96))), backups.pg_insert(backups.varlena(b"last"))])
    (tmp_path / "000000010000000000000003").write_bytes(data)
    done = run(tmp_path, "extract", "000000010000000000000003!/@rows")
    assert done.returncode == 0
    assert token(96).encode() in done.stdout
    assert b"names of columns" in done.stderr


@pytest.mark.parametrize("how", ["none", "zlib", "bzip2", "zstd"])
def test_large_values_of_rocksdb_stand_beside_their_keys(how: str, tmp_path: Path) -> None:
    data = backups.rocks_blobs([(b"bot", b"words " * 40), (b"github_token", token(50).encode()), (b"last", b"more")], how)
    seen = look(data, tmp_path, "000010.blob")
    assert f"github_token = {token(50)}\n".encode() in seen.members["000010.blob!/@blobs"]
    assert b"more" in seen.members["000010.blob!/@blobs"]
    assert not seen.incidents


def test_a_damaged_value_of_rocksdb_costs_that_value(tmp_path: Path) -> None:
    data = bytearray(backups.rocks_blobs([(b"bot", b"words " * 40), (b"github_token", token(50).encode())]))
    at = data.index(b"\x28\xb5\x2f\xfd")
    data[at : at + 8] = b"\xff" * 8
    seen = look(bytes(data), tmp_path, "000010.blob")
    assert seen.reasons == "failed 000010.blob: rocksdb: a record is damaged"
    assert f"github_token = {token(50)}\n".encode() in seen.members["000010.blob!/@blobs"]
    assert b"bot" in seen.members["000010.blob!/@30"]


# ---------------------------------------------------------------- of servers
def test_files_whose_chunks_are_mixed_are_put_together(tmp_path: Path) -> None:
    one, two = Random(7).randbytes(3000), b"words " * 400
    data = backups.xbstream([("db/one", one), ("db/two", two), ("empty", b"")], mixed=True)
    seen = look(data, tmp_path, "x.xbstream")
    assert (seen.members, seen.incidents) == ({"x.xbstream!/db/one": one, "x.xbstream!/db/two": two}, [])
    cut = look(backups.xbstream([("a", one)], ended=False), tmp_path, "x.xbstream")
    assert cut.reasons.count("ends early") == 1
    damaged = bytearray(data)
    damaged[400] ^= 1
    assert "wrong checksum" in look(bytes(damaged), tmp_path, "x.xbstream").reasons
    seen = look(data + b"\nGITHUB_TOKEN=" + token(3).encode(), tmp_path, "x.xbstream")
    assert "damaged chunk" in seen.reasons
    assert token(3).encode() in b"".join(seen.members.values())


def test_what_a_chunk_claims_is_not_believed(tmp_path: Path) -> None:
    head = b"XBSTCK01\0P" + struct.pack("<I", 1) + b"a"
    for size in (1 << 63, (1 << 64) - 1, 1 << 30):
        seen = look(head + struct.pack("<QQI", size, 0, 0) + planted(5), tmp_path, "x.xbstream")
        assert "failed" in seen.states
        assert token(5).encode() in b"".join(seen.members.values())
    seen = look(b"XBSTCK01\0P" + struct.pack("<I", 0xFFFFFFFF) + planted(5), tmp_path, "x.xbstream")
    assert token(5).encode() in b"".join(seen.members.values())


def test_records_that_go_on_in_the_next_page(tmp_path: Path) -> None:
    records = [Random(1).randbytes(20_000), Random(2).randbytes(70_000) + b"\nGITHUB_TOKEN=" + token(4).encode() + b"\n", b"last"]
    for how in (0, 8):
        (folder := tmp_path / f"{how}" / "wal").mkdir(parents=True)
        (folder / "00000001").write_bytes(backups.prometheus_wal(records, how))
        assert [f.path for f in scanned(tmp_path / f"{how}", Limits()).findings] == ["wal/00000001!/@records"]


def test_a_record_that_is_damaged_costs_no_other(tmp_path: Path) -> None:
    records = [b"words " * 90, planted(1), planted(2)]
    data = bytearray(backups.influx_wal(records))
    data[5] = 0x7F  # the first says that it is shorter than what it holds
    (tmp_path / "_00002.wal").write_bytes(bytes(data))
    result = scanned(tmp_path, Limits())
    assert len(result.findings) == 2
    assert [i.reason for i in result.incidents] == ["a damaged record"]
    bomb = struct.pack(">BI", 1, 9) + b"\xff\xff\xff\xff\x0f" + bytes(4)  # four gigabytes, says it
    (tmp_path / "_00002.wal").write_bytes(bomb + backups.influx_wal(records))
    assert len(scanned(tmp_path, Limits()).findings) == 2


@pytest.mark.parametrize("how", [0x82, 0x90, 0x02])
def test_a_column_gives_its_values_its_name(how: int, tmp_path: Path) -> None:
    """A secret that is known by its name alone; one that goes on in the next block; a column whose name has signs in it."""
    part = tmp_path / "store" / "all_1_1_0"
    part.mkdir(parents=True)
    (part / f"{NAME}.bin").write_bytes(backups.clickhouse([["-" * 40, plain(1)] * 3, [plain(2)]], how))
    whole = bytes((64,)) + plain(3).encode()
    cut = backups.clickhouse_block(b"\2ab" + whole[:20], how) + backups.clickhouse_block(whole[20:], how)
    (part / "binance%5Fapi%5Fsecret.bin").write_bytes(cut)
    numbers = struct.pack("<40Q", *range(1 << 40, (1 << 40) + 40)) + b"\nGITHUB_TOKEN=" + token(4).encode() + b"\n"
    (part / "data.bin").write_bytes(backups.clickhouse_block(numbers, how))
    assert {str(one["secret"]) for one in findings(tmp_path, ".")} == {plain(1), plain(2), plain(3), token(4)}


def test_blocks_of_a_column_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    good = backups.clickhouse([[token(1)]])
    for name, odd, state in (
        ("codec", backups.clickhouse_block(b"abc" * 30, 0x91), "skipped"),
        ("damaged", backups.clickhouse_block(b"words " * 30, 0x82, 5_000_000), "failed"),
        ("large", backups.clickhouse_block(b"words " * 30, 0x82, 0xFFFFFFFF), "failed"),
        ("longer", bytes(16) + struct.pack("<BII", 0x82, 0xFFFFFFF0, 90) + bytes(99), "failed"),
    ):
        (tmp_path / "x.bin").write_bytes(good + odd + good)
        result = scanned(tmp_path, Limits())
        assert {i.state for i in result.incidents} == {state}, name
        assert len(result.findings) >= 1, name
