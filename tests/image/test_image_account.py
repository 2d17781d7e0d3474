"""The receipt of `leakguard image` accounts for every byte: of files, of blobs that manifests name, of what came out of them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from random import Random
from typing import Any

import made
import pytest
from made import (
    LAYOUTS,
    Files,
    Made,
    Registry,
    Report,
    artifact,
    digest,
    docker,
    layer,
    layout,
    pack,
    planted,
    registry,
    run,
    scan,
    storage,
    tar,
    token,
    write,
)
from test_image_files import HOSTILE, five

from leakguard.errors import EngineError
from leakguard.sources.inside.limits import Limits

ROOTS = ("index.json", "manifest.json")


def held(seen: Report) -> dict[str, dict[str, int]]:
    """The account, after the laws that hold for every one."""
    account: dict[str, dict[str, int]] = {name: dict(part) for name, part in seen.receipt["account"].items()}
    assert list(account) == ["files", "blobs", "members"]
    assert account["files"].pop("vanished") == account["files"].pop("grown") == 0, account
    for name, part in account.items():
        assert part["bytes"] == sum(part.values()) - part["bytes"], (name, account)
        assert all(count >= 0 for count in part.values()), (name, account)
    assert sum(part["scanned"] for part in account.values()) == seen.receipt["bytes"], account
    return account


def on_disk(path: Path) -> int:
    found = [path] if path.is_file() else [p for p in path.rglob("*") if p.is_symlink() or p.is_file()]
    return sum(one.lstat().st_size for one in found)


def named(files: Files, image: Made) -> int:
    """Bytes of what manifests name, and of the documents that all begins with."""
    contents = {data for data in (image.config, image.manifest, *image.packed) if data in files.values()}
    return sum(len(data) for data in contents) + sum(len(files[n]) for n in ROOTS if n in files and files[n] not in contents)


@pytest.mark.parametrize("codec", ["", "gzip", "zstd"])
@pytest.mark.parametrize("form", LAYOUTS)
def test_every_byte_of_a_layout_is_accounted_for(form: str, codec: str, tmp_path: Path) -> None:
    image = five(codec)
    files = {**LAYOUTS[form](image), "notes/more.env": planted(7), "notes/x.gz": gzip.compress(b"words " * 99)}
    (tmp_path / "app.tar").write_bytes(tar(files))
    (tmp_path / "app.tgz").write_bytes(gzip.compress(tar(files)))
    write(files, tmp_path / "app")
    for target in ("app.tar", "app.tgz", "app"):
        seen = scan(tmp_path, target)
        assert seen.receipt["complete"], seen.reasons
        account = held(seen)
        assert account["files"]["bytes"] == account["files"]["containers"] == on_disk(tmp_path / target), target
        assert account["blobs"]["bytes"] == named(files, image), target
        assert account["blobs"]["containers"] >= sum(map(len, image.packed))
        lost = ("skipped", "failed", "truncated")
        assert not any(part[state] for part in account.values() for state in lost), target


def test_the_receipt_of_the_command_holds_the_account(tmp_path: Path) -> None:
    (tmp_path / "app.tar").write_bytes(tar(layout([five()])))
    run(tmp_path, "-f", "jsonl", "--receipt", "r.json", "app.tar")
    told = json.loads((tmp_path / "r.json").read_bytes())
    assert set(told["account"]) == {"files", "blobs", "members"}
    assert told["account"]["files"]["bytes"] == on_disk(tmp_path / "app.tar")
    assert sum(part["scanned"] for part in told["account"].values()) == told["bytes"]


def test_a_blob_counts_once_whoever_names_it(tmp_path: Path) -> None:
    base = layer(("etc/base.env", planted(0)))
    images = [
        Made([base, layer((f"srv/{name}", name.encode()))], platform=("linux", name)) for name in ("amd64", "arm64")
    ]
    other = artifact(b'{"predicate": {}}')
    files = layout(images, [other])
    (tmp_path / "app.tar").write_bytes(tar(files))
    account = held(scan(tmp_path, "app.tar"))
    blobs = {name: data for part in (*(image.blobs for image in images), other) for name, data in part.items()}
    assert account["blobs"]["bytes"] == sum(map(len, blobs.values())) + len(files["index.json"])
    (tmp_path / "again.tar").write_bytes(tar(docker(images[0])))
    both = held(scan(tmp_path, "app.tar", "again.tar"))
    more = both["blobs"]["bytes"] - account["blobs"]["bytes"]
    assert more == len(docker(images[0])["manifest.json"])
    assert both["files"]["bytes"] == on_disk(tmp_path / "app.tar") + on_disk(tmp_path / "again.tar")


def test_an_image_of_a_registry_is_accounted_for(tmp_path: Path) -> None:
    there = Registry()
    image = five()
    other = artifact(json.dumps({"GITHUB_TOKEN": token(6)}).encode())
    there.add("1", [image], [other])
    with registry(there):
        seen = scan(tmp_path, f"docker://{there.host}/team/app:1")
        account = held(seen)
        blobs = {**image.blobs, **other}
        assert account["files"]["bytes"] == 0
        assert account["blobs"]["bytes"] == sum(map(len, blobs.values())) + len(there.manifests["1"])
        there.blobs.pop(digest(image.packed[0]))
        there.cut[digest(image.packed[1])] = 40
        there.ranges = False
        without = held(scan(tmp_path, f"docker://{there.host}/team/app:1"))
    assert without["blobs"]["bytes"] == account["blobs"]["bytes"]
    assert without["blobs"]["failed"] == len(image.packed[0]) + len(image.packed[1]) - 40


def test_a_storage_root_is_accounted_for(tmp_path: Path) -> None:
    write({**storage(five()), "overlay/f00/diff/root/written.env": planted(7)}, tmp_path / "store")
    seen = scan(tmp_path, "store")
    assert held(seen)["files"]["bytes"] == on_disk(tmp_path / "store")
    record = next((tmp_path / "store").glob("overlay-layers/*.gz"))
    record.write_bytes(record.read_bytes()[:-20])
    (tmp_path / "store" / "link").symlink_to("overlay")
    assert held(scan(tmp_path, "store"))["files"]["bytes"] == on_disk(tmp_path / "store")


@pytest.mark.parametrize("what", ["layer", "config", "manifest"])
@pytest.mark.parametrize("damage", ["gone", "cut", "lie"])
def test_damaged_blobs_are_accounted_for(what: str, damage: str, tmp_path: Path) -> None:
    image = five()
    hit = {"layer": image.packed[0], "config": image.config, "manifest": image.manifest}[what]
    files = layout([image])
    name = next(name for name, data in files.items() if data == hit)
    if damage == "gone":
        del files[name]
    else:
        files[name] = hit[:-30] if damage == "cut" else b"\x1f\x8b\x08 it is not that " + hit
    (tmp_path / "app.tar").write_bytes(tar(files))
    write(files, tmp_path / "app")
    for target in ("app.tar", "app"):
        seen = scan(tmp_path, target)
        account = held(seen)
        assert account["files"]["bytes"] == on_disk(tmp_path / target)
        assert seen.receipt["failed"]["count"]
        if damage == "gone":
            assert account["blobs"]["failed"] == len(hit)


@pytest.mark.parametrize("form", LAYOUTS)
def test_what_chance_makes_of_an_archive_is_accounted_for(form: str, tmp_path: Path) -> None:
    rng = Random(f"account:{form}")
    for codec in ("", "gzip"):
        data = tar(LAYOUTS[form](five(codec))).rstrip(b"\0")
        for turn in range(12):
            broken = bytearray(data)
            for _ in range(rng.randrange(1, 4)):
                at = rng.randrange(len(broken))
                broken[at : at + rng.choice((1, 40, 600))] = rng.randbytes(rng.choice((0, 1, 40, 600)))
            if turn % 3 == 0:
                del broken[rng.randrange(len(broken) // 2, len(broken)) :]
            (tmp_path / "app.tar").write_bytes(broken)
            seen = scan(tmp_path, "app.tar")
            if seen.code != 2:  # it was no image any more
                assert held(seen)["files"]["bytes"] == len(broken)


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_manifests_are_accounted_for(case: str, tmp_path: Path) -> None:
    files = HOSTILE[case]()
    (tmp_path / "app.tar").write_bytes(tar(files))
    write(files, tmp_path / "app")
    for target in ("app.tar", "app"):
        assert held(scan(tmp_path, target))["files"]["bytes"] == on_disk(tmp_path / target)


@pytest.mark.parametrize(
    "limits", [Limits(depth=1), Limits(members=3), Limits(members=12), Limits(bytes=3000), Limits(bytes=20_000), Limits(ratio=1)]
)
def test_what_lies_behind_a_limit_is_accounted_for(
    limits: Limits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leakguard.sources.inside.base.FLOOR", 10_000)
    monkeypatch.setattr(made, "Limits", lambda: limits)
    image = Made([layer(*((f"a/{n}", b"hello %d " % n * 300) for n in range(9))), layer(("b.txt", b"words " * 3000))])
    files = {**layout([image]), "notes/a.txt": b"notes " * 300, "notes/z.txt": b"notes " * 300}
    (tmp_path / "app.tar").write_bytes(tar(files))
    (tmp_path / "app.tgz").write_bytes(gzip.compress(tar(files)))
    write(files, tmp_path / "app")
    for target in ("app.tar", "app.tgz", "app"):
        seen = scan(tmp_path, target)
        account = held(seen)
        assert account["files"]["bytes"] == on_disk(tmp_path / target), target
        if limits.depth > 1:
            assert seen.code == 3 and "limit reached" in seen.reasons, (target, seen.reasons)


def test_several_processes_give_one_account(tmp_path: Path) -> None:
    rng = Random(9)
    large = rng.randbytes(9_000_000)
    image = Made([layer(("a/large", large), *((f"b/{n}", rng.randbytes(90_000)) for n in range(9))), layer(("c", planted(1)))])
    (tmp_path / "app.tar").write_bytes(tar(docker(image)))
    one, two = scan(tmp_path, "app.tar"), scan(tmp_path, "app.tar", jobs=2)
    assert held(one) == held(two)


def test_what_the_engine_failed_on_is_no_blob_that_was_scanned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = type(made.ENGINE[0]).scan

    def failing(self: Any, data: bytes, *arguments: Any, **named: Any) -> Any:
        if b"mediaType" in data or b"first line" in data:
            raise EngineError("rule", "took too long")
        return real(self, data, *arguments, **named)

    monkeypatch.setattr(type(made.ENGINE[0]), "scan", failing)
    image = Made([layer(("a.env", planted(0)))])
    files = layout([image])
    (tmp_path / "app.tar").write_bytes(tar(files))
    seen = scan(tmp_path, "app.tar")
    account = held(seen)
    assert seen.code == 3
    assert account["blobs"]["failed"] == len(image.manifest) + len(files["index.json"])
    assert account["members"]["failed"] == len(planted(0))


def test_a_document_that_is_no_container_is_scanned_as_a_blob(tmp_path: Path) -> None:
    note = json.dumps({"predicate": {"GITHUB_TOKEN": token(3)}}).encode()
    other = artifact(note)
    files = layout([Made([layer(("a", b"x"))])], [other])
    (tmp_path / "app.tar").write_bytes(tar(files))
    (tmp_path / "app.tar.z").write_bytes(pack(tar(files), "gzip"))
    for target in ("app.tar", "app.tar.z"):
        seen = scan(tmp_path, target)
        assert seen.secrets == [token(3)] and held(seen)["blobs"]["scanned"] >= len(note)
