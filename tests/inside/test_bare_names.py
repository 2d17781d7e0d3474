"""What has a name and no content (folders, empty and encrypted files, devices), and names in places where few look: a name that
is a secret is a finding there, too, once, and long or many names cost no more than they are worth."""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import struct
import subprocess
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from nests import asar, tar, zip_
from scanned import _engine, findings, scanned
from test_inside_scan import run, token

from leakguard import paths
from leakguard.model import Origin
from leakguard.paths import Names
from leakguard.sources.inside.limits import Limits

pytestmark = pytest.mark.usefixtures("loaded")


def found(folder: Path) -> list[tuple[str, str]]:
    """(path, secret) of what is found in a folder in which all can be read."""
    return sorted((str(record["path"]), str(record["secret"])) for record in findings(folder, "."))


def special(name: str, kind: bytes, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


def tar_of(*infos: tarfile.TarInfo, form: int = tarfile.GNU_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for info in infos:
            archive.addfile(info, io.BytesIO(bytes(info.size)))
    return out.getvalue()


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT])
def test_a_tar(form: int, tmp_path: Path) -> None:
    kinds = {
        0: tarfile.REGTYPE, 1: tarfile.DIRTYPE, 2: tarfile.FIFOTYPE, 3: tarfile.CHRTYPE, 4: tarfile.BLKTYPE, 5: tarfile.CONTTYPE,
    }  # fmt: skip
    data = tar_of(*(special(f"srv/x-{token(n)}", kind) for n, kind in kinds.items()), form=form)
    (tmp_path / "a.tar").write_bytes(data)
    assert found(tmp_path) == sorted((f"a.tar!/srv/x-{token(n)}", token(n)) for n in kinds)


def test_the_label_of_a_volume_and_an_owner(tmp_path: Path) -> None:
    label, owned = special(f"backup {token(1)}", b"V"), special("f", tarfile.REGTYPE)
    owned.uname = token(2)
    (tmp_path / "a.tar").write_bytes(tar_of(label))
    (tmp_path / "b.tar").write_bytes(tar_of(owned, form=tarfile.PAX_FORMAT))
    assert [secret for _, secret in found(tmp_path)] == [token(1), token(2)]


def test_a_pax_header_that_says_a_thing_twice_is_scanned(tmp_path: Path) -> None:
    def record(value: str) -> bytes:
        text = f" path={value}\n"
        return f"{len(text) + 2}{text}".encode()

    data = record(f"one-{token(1)}") + record("two")
    header = special("@PaxHeader", tarfile.XHDTYPE)
    header.size = len(data)
    blocks = header.tobuf() + data.ljust(512, b"\0") + special("f", tarfile.REGTYPE).tobuf() + bytes(1024)
    (tmp_path / "a.tar").write_bytes(blocks)
    assert found(tmp_path) == [("a.tar!/@pax-header-1", token(1))]


def test_a_zip(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zip_([(f"empty-{token(1)}.txt", b""), (f"folder-{token(2)}/", b"")], zipfile.ZIP_STORED))
    assert [secret for _, secret in found(tmp_path)] == [token(1), token(2)]


def test_members_of_a_zip_that_cannot_be_read_and_names_that_two_headers_differ_in(tmp_path: Path) -> None:
    sealed = bytearray(zip_([(f"{token(1)}.txt", b"some content")]))
    sealed[6] |= 1
    sealed[sealed.find(b"PK\1\2") + 8] |= 1
    unknown = bytearray(zip_([(f"{token(2)}.txt", b"some content")]))
    unknown[8:10] = b"\x61\0"  # WavPack
    at = unknown.find(b"PK\1\2")
    unknown[at + 10 : at + 12] = b"\x61\0"
    local = zip_([(token(3), b"some content")], zipfile.ZIP_STORED)
    other = local.replace(token(3).encode(), b"y" * len(token(3)))
    (tmp_path / "1.zip").write_bytes(sealed)
    (tmp_path / "2.zip").write_bytes(unknown)
    (tmp_path / "3.zip").write_bytes(local[: local.find(b"PK\1\2")] + other[other.find(b"PK\1\2") :])
    result = scanned(tmp_path, Limits())
    assert sorted((finding.secret or b"").decode() for finding in result.findings) == sorted(token(n) for n in (1, 2, 3))
    assert {(incident.state, incident.reason) for incident in result.incidents} == {
        ("failed", "zip: encrypted"), ("skipped", "zip: compressed by method 97: no reader"),
    }  # fmt: skip


def test_folders_links_and_what_lies_beside_an_asar(tmp_path: Path) -> None:
    data = asar([("a", b"content")])
    index = {"files": {f"d-{token(1)}": {"files": {}}, "l": {"link": f"to/{token(2)}"}, "a": {"size": 7, "offset": "0"}}}
    text = json.dumps(index, separators=(",", ":")).encode()
    padded = text + bytes(-len(text) % 4)
    head = struct.pack("<IIII", 4, len(padded) + 8, len(padded) + 4, len(text))
    assert data.endswith(b"content")
    (tmp_path / "app.asar").write_bytes(head + padded + b"content")
    assert found(tmp_path) == [(f"app.asar!/d-{token(1)}", token(1)), (f"app.asar!/to/{token(2)}", token(2))]


TOOLS: dict[str, Callable[[Path, Path], list[str]]] = {
    "7zz": lambda source, out: ["7zz", "a", str(out), str(source / ".")],
    "mksquashfs": lambda source, out: ["mksquashfs", str(source), str(out), "-quiet", "-no-progress"],
    "xorriso": lambda source, out: ["xorriso", "-as", "mkisofs", "-quiet", "-R", "-J", "-joliet-long", "-o", str(out), str(source)],
}


@pytest.mark.parametrize("tool", TOOLS)
def test_what_real_tools_write(tool: str, tmp_path: Path) -> None:
    if shutil.which(tool) is None:
        pytest.skip(f"needs {tool}")
    source = tmp_path / "source"
    (source / f"folder-{token(1)}").mkdir(parents=True)
    (source / f"empty-{token(2)}.txt").write_bytes(b"")
    (source / f"full-{token(3)}.txt").write_bytes(b"nothing\n")
    subprocess.run(TOOLS[tool](source, tmp_path / "archive"), check=True, capture_output=True)
    shutil.rmtree(source)
    # an image has each name in two trees, which are scanned as they stand
    names = [f"empty-{token(2)}.txt", f"folder-{token(1)}", f"full-{token(3)}.txt"]
    told = [path.partition("!/")[2].removeprefix("source/") for path, _ in found(tmp_path)]  # 7zz keeps the folder
    assert told == names


def gzip_member(content: bytes, name: bytes = b"", comment: bytes = b"", extra: bytes = b"") -> bytes:
    flags = 8 * bool(name) | 16 * bool(comment) | 4 * bool(extra)
    head = b"\x1f\x8b\x08" + bytes((flags,)) + bytes(5) + b"\xff"
    head += struct.pack("<H", len(extra)) + extra if extra else b""
    head += name + b"\0" if name else b""
    head += comment + b"\0" if comment else b""
    packed = zlib.compressobj(9, zlib.DEFLATED, -15)
    return head + packed.compress(content) + packed.flush() + struct.pack("<II", zlib.crc32(content), len(content))


def test_the_name_in_a_gzip_and_the_headers_of_later_members(tmp_path: Path) -> None:
    first = gzip_member(b"hello\n", name=f"{token(1)}.log".encode())
    more = gzip_member(b"more\n", comment=f"GITHUB_TOKEN={token(2)}".encode(), extra=b"XX\x28\0" + token(3).encode())
    (tmp_path / "x.gz").write_bytes(first + more + gzip_member(b"last\n", name=b"n" * 600, extra=b"BC\2\0\1\2"))
    assert found(tmp_path) == [
        ("x.gz!/@headers", token(3)), ("x.gz!/@headers", token(2)), (f"x.gz!/{token(1)}.log", token(1)),
    ]  # fmt: skip
    assert gzip.decompress((tmp_path / "x.gz").read_bytes()) == b"hello\nmore\nlast\n"


def test_what_lies_deep_in_a_long_name(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zip_([("n" * 30_000 + f"-{token(1)}", b"content")]))
    (tmp_path / "b.tar").write_bytes(tar([("y" * 5000 + f"/{token(2)}", b"content")], tarfile.GNU_FORMAT))
    (tmp_path / "c.tar").write_bytes(tar([("z/" * 50_000 + token(3), b"content")], tarfile.GNU_FORMAT))
    (tmp_path / "d.tar").write_bytes(tar([("z/" * 50_000 + token(4), b"content")], tarfile.PAX_FORMAT))
    told = {secret: path for path, secret in found(tmp_path)}
    assert set(told) == {token(n) for n in (1, 2, 3, 4)}
    done = run(tmp_path, "scan", "-f", "jsonl", ".")
    assert all(len(json.loads(line)["path"]) < 3000 for line in done.stdout.splitlines())
    assert (told[token(3)], told[token(4)]) == ("c.tar!/@long-name-1", "d.tar!/@pax-header-1")


def test_folders_count_as_members(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(tar_of(*(special(f"d{n}", tarfile.DIRTYPE) for n in range(300))))
    result = scanned(tmp_path, Limits(members=100))
    assert any("members (--archive-members)" in incident.reason for incident in result.incidents)


def test_names_that_look_like_secrets_end_at_a_limit_that_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "MOST_JUDGED", 10)
    names = Names(_engine(os.environ["LEAKGUARD_CACHE_DIR"]))
    inside = Origin("file", "a.tar")
    for number in range(30):
        names.add(Origin("member", f"{number}/x-{token(number)}", inside))
    told, _, incidents = names.taken()
    assert len(told) == 10
    assert [(incident.state, incident.origin) for incident in incidents] == [("truncated", "a.tar")]
    assert "20 names were not looked at" in incidents[0].reason
    names.add(Origin("member", "plain", inside))
    assert names.taken() == ([], [], [])


def test_extract_says_that_there_is_nothing_but_a_name(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(tar_of(special(f"x-{token(1)}", tarfile.DIRTYPE)))
    for chain in (f"a.tar!/x-{token(1)}", "a.tar!/x-<github.personal-access-token:40>"):
        done = run(tmp_path, "extract", chain, "-o", "out")
        assert done.returncode == 2
        assert b"a name without content" in done.stderr
    assert not (tmp_path / "out").exists()
    assert b"no such member" in run(tmp_path, "extract", "a.tar!/other", "-o", "out").stderr
