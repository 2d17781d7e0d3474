"""What engines keep on disk: Docker's own folder, and stores of blobs without an index."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from made import Files, Made, digest, engine_folder, index_of, layer, planted, scan, token, write


def three() -> Made:
    """0 a deleted file, 1 an overwritten one, 2 a file that stays, 3 a variable, 4 a build step."""
    return Made(
        [
            layer(("srv/", None), ("srv/old.env", planted(0)), ("srv/new.env", planted(1)), ("srv/config.env", planted(2))),
            layer(("srv/.wh.old.env", b""), ("srv/new.env", b"NAME=app\n")),
        ],
        {"Env": ["PATH=/bin", f"GITHUB_TOKEN={token(3)}"]},
        ["COPY srv /srv", f"RUN |1 GITHUB_TOKEN={token(4)} /bin/sh -c rm /srv/old.env"],
    )


@pytest.mark.parametrize("driver", ["overlay2", "vfs"])
def test_dockers_folder_is_read(driver: str, tmp_path: Path) -> None:
    container = f"containers/{digest(b'1')[7:]}/config.v2.json"
    settings = json.dumps({"Config": {"Env": [f"GITHUB_TOKEN={token(5)}"]}}).encode()
    more = {container: settings, f"{driver}/work/diff/root/written.env": planted(6), "volumes/data/_data/a.env": planted(7)}
    write({**engine_folder(three(), driver=driver), **more}, tmp_path / "docker")
    seen = scan(tmp_path, "docker")
    assert seen.secrets == sorted(token(number) for number in range(8)), seen.error
    assert seen.receipt["complete"], seen.reasons
    assert seen.facts(0)["final"].startswith("deleted in layer 2")
    assert seen.facts(1)["final"].startswith("overwritten in layer 2")
    assert seen.facts(2)["final"] == "visible"
    assert "app:1" in seen.facts(3)["image"]


def test_marks_of_deleted_files_are_nothing_that_was_left_out(tmp_path: Path) -> None:
    write({**engine_folder(three()), "overlay2/work/diff/root/written.env": planted(6)}, tmp_path / "docker")
    try:
        os.mknod(tmp_path / "docker/overlay2/work/diff/root/old.env", stat.S_IFCHR | 0o600, os.makedev(0, 0))
    except (OSError, AttributeError):
        pytest.skip("needs the right to make devices")
    seen = scan(tmp_path, "docker")
    assert token(6) in seen.secrets and seen.receipt["complete"] and not seen.receipt["skipped"]["count"], seen.reasons


def _changed(files: Files, change: str) -> Files:
    record = max((name for name in files if name.endswith("tar-split.json.gz")), key=lambda name: len(files[name]))
    leak = next(name for name in files if name.endswith("srv/old.env"))
    if change == "record":
        return {**files, record: files[record][:-20]}
    if change == "file":
        return {**files, leak: files[leak] + b"more"}
    if change == "cache":  # an id that leads out of the folder
        return {**files, record.replace("tar-split.json.gz", "cache-id"): b"../../../../etc"}
    if change == "names":
        return {**files, "image/overlay2/repositories.json": b"[{"}
    return {name: data for name, data in files.items() if name != record}


@pytest.mark.parametrize("change", ["record", "no record", "file", "cache", "names"])
def test_a_damaged_folder_is_told_and_its_files_are_read(change: str, tmp_path: Path) -> None:
    write(_changed(engine_folder(three()), change), tmp_path / "docker")
    seen = scan(tmp_path, "docker")
    assert set(seen.secrets) >= {token(0), token(1), token(2)}, seen.error
    assert seen.receipt["failed"]["count"], change


def blobs(image: Made, index: bool) -> Files:
    every = dict(image.blobs)
    if index:
        data = index_of([image])
        every[digest(data)] = data
    return {f"blobs/sha256/{name[7:]}": data for name, data in every.items()}


@pytest.mark.parametrize("index", [False, True])
def test_blobs_without_an_index_are_images(index: bool, tmp_path: Path) -> None:
    write(blobs(three(), index), tmp_path / "content")
    seen = scan(tmp_path, "content")
    assert seen.secrets == sorted(token(number) for number in range(5)), seen.error
    assert seen.receipt["complete"], seen.reasons
    assert seen.facts(0)["final"].startswith("deleted in layer 2")


def test_a_store_that_lacks_a_layer_is_incomplete(tmp_path: Path) -> None:
    made = three()
    files = blobs(made, index=True)
    del files[f"blobs/sha256/{digest(made.packed[0])[7:]}"]
    write(files, tmp_path / "content")
    seen = scan(tmp_path, "content")
    assert seen.receipt["failed"]["count"] and not seen.receipt["complete"]


def test_a_document_that_is_not_what_its_name_says(tmp_path: Path) -> None:
    made = three()
    files = blobs(made, index=False)
    name = f"blobs/sha256/{digest(made.manifest)[7:]}"
    write({**files, name: files[name].replace(b'"schemaVersion": 2', b'"schemaVersion":  2')}, tmp_path / "content")
    seen = scan(tmp_path, "content")
    assert set(seen.secrets) >= {token(0), token(1), token(2)} and seen.receipt["failed"]["count"]


def test_hostile_documents_of_a_store_end(tmp_path: Path) -> None:
    ring = {f"blobs/sha256/{digest(bytes([n]))[7:]}": json.dumps({"manifests": [{"digest": 7}, 3, {}], "n": n}).encode() for n in range(50)}
    write({**ring, "blobs/sha256/no-digest": b"{", f"blobs/sha256/{'0' * 64}": b"[" * 100_000}, tmp_path / "content")
    seen = scan(tmp_path, "content")
    assert not seen.secrets and not seen.receipt["complete"]
