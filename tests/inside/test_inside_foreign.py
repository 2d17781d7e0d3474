"""What other programs and packages read for us: in a process of its own, within limits, and told when it is missing."""

from __future__ import annotations

import io
import os
import shutil
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from nests import ARCHIVES, bundle, look, tar, zip_records

from leakguard.sources.inside import child, nursery
from leakguard.sources.inside.limits import Limits

FILES = [("a.env", b"the content of a " * 30), ("d/b", Random(1).randbytes(5000))]
FOREIGN = ["7z", "rar", "cab", "lha", "xar", "squashfs"]


def seven(password: str | None = None) -> bytes:
    py7zr = pytest.importorskip("py7zr")
    out = io.BytesIO()
    with py7zr.SevenZipFile(out, "w", password=password) as archive:
        for name, data in FILES:
            archive.writestr(data, name)
    return out.getvalue()


def test_members_of_a_7z_that_do_not_say_what_they_are_are_read(tmp_path: Path) -> None:
    """Those that py7zr wrote for years and what Qt is delivered in: permissions, and no type. They were passed by unseen."""
    py7zr = pytest.importorskip("py7zr")
    out = io.BytesIO()
    with py7zr.SevenZipFile(out, "w") as archive:
        for name, data in FILES:
            archive.writestr(data, name)
        for entry in archive.header.files_info.files:
            entry["attributes"] = 0x8020 | 0o644 << 16
    seen = look(out.getvalue(), tmp_path)
    assert seen.reasons == ""
    assert seen.members == {f"it!/{name}": content for name, content in FILES}


def rar5(files: list[tuple[str, bytes]]) -> bytes:
    """RAR 5, stored, as rar 6 writes it, but for times."""

    def number(value: int) -> bytes:
        return bytes((value,)) if value < 128 else bytes((value & 0x7F | 0x80,)) + number(value >> 7)

    def block(*fields: int, more: bytes = b"") -> bytes:
        body = b"".join(map(number, fields)) + more
        body = number(len(body)) + body
        return struct.pack("<I", zlib.crc32(body)) + body

    out = b"Rar!\x1a\7\1\0" + block(1, 0, 0)
    for name, data in files:
        raw = name.encode()
        crc = struct.pack("<I", zlib.crc32(data))
        body = b"".join((number(4), number(len(data)), number(0o100644), crc, number(0), number(1), number(len(raw)), raw))
        out += block(2, 2, len(data), more=body) + data
    return out + block(5, 0, 0)


@pytest.mark.parametrize("make", [rar5, ARCHIVES["rar"]])
def test_a_rar_that_was_cut_off_is_told(make: Callable[[list[tuple[str, bytes]]], bytes], tmp_path: Path) -> None:
    """libarchive takes the end of the file for the end of the archive, and says nothing."""
    data = make(FILES)
    assert look(data, tmp_path).incidents == []
    first = data.index(FILES[0][1]) + len(FILES[0][1])
    keeps = [first + 4, first + 40, len(data) // 2, len(data) - 1, *[first] * (make is rar5)]  # the old one has no mark to miss there
    for keep in keeps:
        assert look(data[:keep], tmp_path).states == {"failed"}, keep


def test_an_old_rar_has_no_last_block(tmp_path: Path) -> None:
    """Versions before 2.9 wrote none."""
    data = ARCHIVES["rar"](FILES)
    assert look(data[: data.rindex(FILES[1][1]) + len(FILES[1][1])], tmp_path).incidents == []


def test_without_the_library_7z_is_read_by_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = seven()
    assert look(data, tmp_path).members == {f"it!/{name}": content for name, content in FILES}
    monkeypatch.setenv("LIBARCHIVE", "/nowhere/libarchive.so")
    seen = look(data, tmp_path)
    assert seen.reasons == ""
    assert seen.members == {f"it!/{name}": content for name, content in FILES}


@pytest.mark.parametrize("form", ["rar", "cab", "lha", "xar"])
def test_without_the_library_the_receipt_says_what_is_needed(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = ARCHIVES[form](FILES)
    monkeypatch.setenv("LIBARCHIVE", "/nowhere/libarchive.so")
    seen = look(data, tmp_path)
    assert [(i.state, i.reason) for i in seen.incidents] == [
        ("skipped", f"of kind {form}, not read: its reader needs the system's libarchive (libarchive13)")
    ]
    assert seen.members == {"it": data}


@pytest.mark.parametrize("form", FOREIGN)
def test_without_the_package_the_extra_is_named(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = ARCHIVES[form](FILES)
    monkeypatch.setattr(child, "_PACKAGES", dict.fromkeys(FOREIGN, ("no_such_package",)))
    seen = look(data, tmp_path)
    assert "install leakguard-scanner[archives]" in seen.reasons
    assert seen.members == {"it": data}


@pytest.mark.parametrize("library", ["", "/nowhere/libarchive.so"])
def test_an_encrypted_7z_is_told(library: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = seven("a password")
    if library:
        monkeypatch.setenv("LIBARCHIVE", library)
    seen = look(data, tmp_path)
    assert seen.states == {"failed"}
    assert "encrypted" in seen.reasons


@pytest.mark.skipif(sys.platform == "win32", reason="no limits there")
def test_a_reader_that_takes_too_much_memory_ends_and_is_told(tmp_path: Path) -> None:
    if shutil.which("7zz") is None and shutil.which("7z") is None:
        pytest.skip("needs 7-Zip")
    (tmp_path / "zeros").write_bytes(Random(2).randbytes(1 << 20))
    tool = shutil.which("7zz") or shutil.which("7z") or ""
    made = subprocess.run(
        [tool, "a", "-m0=lzma2:d=1536m:fb=5:a=0:mc=1", "big.7z", "zeros"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    if made.returncode:
        pytest.skip("no memory to make it")
    data = bytearray((tmp_path / "big.7z").read_bytes())
    small = data.find(b"\x21\x21\x01")  # the coder, its id, one property byte: the size of the dictionary
    if small < 0:
        pytest.skip("the header is packed")
    data[small + 3] = 39  # 3 GiB
    start = int.from_bytes(data[12:20], "little") + 32
    data[28:32] = zlib.crc32(data[start:]).to_bytes(4, "little")
    data[8:12] = zlib.crc32(data[12:32]).to_bytes(4, "little")
    seen = look(bytes(data), tmp_path)
    assert seen.states == {"failed"}


def test_the_child_takes_no_more_time_than_is_left(tmp_path: Path) -> None:
    assert look(ARCHIVES["cab"](FILES), tmp_path, limits=Limits(seconds=5)).incidents == []


def test_a_reader_that_is_not_read_to_its_end_is_gone(tmp_path: Path) -> None:
    """A limit in the middle of an archive ends its process."""
    data = ARCHIVES["7z"]([(str(n), Random(n).randbytes(100_000)) for n in range(10)])
    seen = look(data, tmp_path, limits=Limits(bytes=200_000))
    assert "limit reached" in seen.reasons
    nursery.close()
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


@pytest.mark.parametrize("packing", ["gzip", "xz", "zstd", "lzo", "lz4", "lzma"])
def test_squashfs_in_its_packings(packing: str, tmp_path: Path) -> None:
    pytest.importorskip("PySquashfsImage")
    tool = shutil.which("mksquashfs")
    if tool is None:
        pytest.skip("needs mksquashfs")
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a").write_bytes(FILES[0][1])
    subprocess.run(
        [tool, tmp_path / "src", tmp_path / "out", "-comp", packing, "-quiet", "-no-progress"],
        check=True,
        capture_output=True,
    )
    seen = look((tmp_path / "out").read_bytes(), tmp_path)
    if packing == "lzo" and seen.incidents:
        assert "needs the package lzo" in seen.reasons
    else:
        assert seen.members == {"it!/a": FILES[0][1]}
        assert seen.incidents == []


# ---- git ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    folder.mkdir()
    git = ["git", "-C", str(folder), "-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run([*git, "init", "-q"], check=True)
    for number in range(5):
        (folder / "a").write_text(f"version {number}\n" + "the same line\n" * 50)
        subprocess.run([*git, "add", "-A"], check=True)
        subprocess.run([*git, "commit", "-qm", f"message {number}"], check=True)
    return folder


def test_a_bundle_gives_blobs_messages_and_refs(tmp_path: Path) -> None:
    seen = look(bundle(FILES), tmp_path, "x.bundle")
    kinds = {origin.path.split("/")[0] for origin in seen.origins}
    assert {"blob", "commit"} <= kinds
    assert any(b"HEAD" in content for chain, content in seen.members.items() if "@refs" in chain)
    assert FILES[0][1] in seen.members.values()


@pytest.mark.parametrize("packed", [False, True])
def test_a_repository_in_an_archive_is_read(packed: bool, repository: Path, tmp_path: Path) -> None:
    if packed:
        subprocess.run(["git", "-C", str(repository), "gc", "-q", "--prune=now"], check=True, capture_output=True)
    files = [
        (f"repo/{p.relative_to(repository)}", p.read_bytes()) for p in sorted(repository.rglob("*")) if p.is_file()
    ]
    seen = look(tar(files), tmp_path, "x.tar")
    whole = b"\n".join(seen.members.values())
    for number in range(5):
        assert b"version %d\n" % number in whole
        assert b"message %d\n" % number in whole
    assert seen.incidents == []


def test_on_disk_objects_are_left_to_the_git_source(repository: Path) -> None:
    subprocess.run(["git", "-C", str(repository), "gc", "-q"], check=True, capture_output=True)
    (pack,) = repository.glob(".git/objects/pack/*.pack")
    from nests import look_at

    assert list(look_at(pack).members) == [pack.name]


def test_a_thin_bundle_is_told(repository: Path, tmp_path: Path) -> None:
    out = tmp_path / "thin.bundle"
    subprocess.run(["git", "-C", str(repository), "bundle", "create", "-q", str(out), "HEAD~1..HEAD"], check=True)
    seen = look(out.read_bytes(), tmp_path)
    assert seen.states == {"failed"} or any(b"version 4" in content for content in seen.members.values())


def test_deflate64_is_read(tmp_path: Path) -> None:
    inflate64 = pytest.importorskip("inflate64")
    content = b"some text, again and again; " * 5000
    packer = inflate64.Deflater()
    packed = packer.deflate(content) + packer.flush()
    data = bytearray(zip_records([("a", packed, 0, 9)]))
    for at in (data.find(b"PK\3\4") + 14, data.find(b"PK\1\2") + 16):
        data[at : at + 4] = zlib.crc32(content).to_bytes(4, "little")
        data[at + 8 : at + 12] = len(content).to_bytes(4, "little")
    seen = look(bytes(data), tmp_path)
    assert seen.members == {"it!/a": content}
    assert seen.incidents == []
