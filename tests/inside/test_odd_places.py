"""Containers as they are found and not as they should be: each case is one that an audit by hand, with real tools, saw go wrong."""

from __future__ import annotations

import base64
import gzip
import json
import os
import pickle
import shutil
import sqlite3
import struct
import subprocess
import zlib
from pathlib import Path
from random import Random

import papers
import pytest
import recorded
from nests import tar, zip_
from scanned import findings
from test_inside_scan import planted, run, token

from leakguard.sources.inside.magic import ends_as_zip, kind_of

pytestmark = pytest.mark.usefixtures("loaded")


def found(folder: Path, *names: str) -> list[tuple[str, int, str]]:
    return [(str(r["path"]), int(r["start_line"]), str(r["secret"])) for r in findings(folder, *names or ".")]


# ---- archives -------------------------------------------------------------------------------------------------------
def widened(data: bytes) -> bytes:
    """A zip with a wide end record whose values the short one holds as well, as `zip` writes to a pipe."""
    at = data.rfind(b"PK\5\6")
    count, size, offset = struct.unpack("<HII", data[at + 10 : at + 20])
    wide = b"PK\6\6" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, count, count, size, offset)
    return data[:at] + wide + b"PK\6\7" + struct.pack("<IQI", 0, at, 1) + data[at:]


@pytest.mark.parametrize("before", [b"", b"#!/bin/sh\necho hello\n\0"])
def test_a_wide_record_that_the_short_one_does_not_speak_of(before: bytes, tmp_path: Path) -> None:
    data = before + widened(zip_([("a.env", planted(1))]))
    assert ends_as_zip(data)
    (tmp_path / "a.zip").write_bytes(data)
    assert found(tmp_path) == [("a.zip!/a.env", 2, token(1))]


def test_a_program_that_knows_the_marks_of_zips_is_none() -> None:
    """As osslsigncode, which signs them: the marks stand one behind the other."""
    program = b"\x7fELF\2\1\1\0" + bytes(70_000) + b"PK\6\6PK\6\7PK\7\x08PK\5\6PK\1\2PK\3\4" + b"\xff" * 4 + bytes(30_000)
    assert not ends_as_zip(program)
    assert not ends_as_zip(program[-65_557:])


@pytest.mark.parametrize("streamed", [False, True])
def test_a_member_of_which_the_index_says_that_it_is_empty(streamed: bool, tmp_path: Path) -> None:
    """Programs that go by the local headers unpack it."""
    data = bytearray(zip_([("a.env", planted(1)), ("b.txt", b"text\n")], streamed=streamed))
    entry = data.index(b"PK\1\2")
    for field in ((20, 24), (20, 28), (16, 28)):  # what is packed; and how long it is; and its checksum
        changed = bytes(data[: entry + field[0]]) + bytes(field[1] - field[0]) + bytes(data[entry + field[1] :])
        (tmp_path / "a.zip").write_bytes(changed)
        assert found(tmp_path) == [("a.zip!/a.env", 2, token(1))]


@pytest.mark.skipif(not shutil.which("git"), reason="needs git")
def test_a_bundle_that_was_made_with_a_filter_is_not_all(tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    git = ["git", "-C", str(repo), "-c", "user.name=A", "-c", "user.email=a@example.org"]
    subprocess.run(["git", "init", "-q", str(repo)], check=True)
    (repo / "a.env").write_bytes(planted(1))
    subprocess.run([*git, "add", "-A"], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "one"], check=True)
    out = tmp_path / "out"
    out.mkdir()
    subprocess.run([*git, "bundle", "create", "-q", "--version=3", str(out / "x.bundle"), "--all", "--filter=blob:none"], check=True)
    done = run(tmp_path, "scan", "out")
    assert done.returncode == 3
    assert b"partial clone" in done.stdout


@pytest.mark.skipif(not shutil.which("zip"), reason="needs zip")
def test_what_zip_writes_to_a_pipe(tmp_path: Path) -> None:
    subprocess.run(["sh", "-c", "cat | zip -q - - > a.zip"], cwd=tmp_path, input=planted(1) + b"text " * 5000, check=True)
    assert found(tmp_path) == [("a.zip!/-", 2, token(1))]


# ---- one secret, one finding ----------------------------------------------------------------------------------------
def test_what_is_left_of_a_row_in_the_log_that_holds_it_is_no_second_finding(tmp_path: Path) -> None:
    base = sqlite3.connect(tmp_path / "live.db")
    base.execute("pragma journal_mode = wal")
    base.execute("pragma wal_autocheckpoint = 0")
    base.execute("create table accounts (id integer primary key, github_token)")
    for number in (1, 2):
        base.execute("insert into accounts values (?, ?)", (number, token(number)))
        base.commit()
    base.execute("update accounts set github_token = '-' where id = 2")
    base.commit()
    folder = tmp_path / "copy"
    folder.mkdir()
    shutil.copy(tmp_path / "live.db-wal", folder / "x.db-wal")
    base.close()
    told = found(folder)
    assert sorted(secret for _, _, secret in told) == sorted([token(1), token(2)])
    assert {path for path, _, _ in told} == {"x.db-wal!/@rows"}


# ---- places that can be gone to -------------------------------------------------------------------------------------
DOCKER = b"".join(
    json.dumps({"log": part, "stream": "stdout", "time": "2026-01-01T00:00:00Z"}, separators=(",", ":")).encode() + b"\n"
    for part in ("hello\n", ("x" * 16_350 + f" GITHUB_TOKEN={token(1)}")[:16_384], f"{token(1)[18:]}\n")
)
SQL = (
    "-- MySQL dump 10.13  Distrib 8.0\n--\nCREATE TABLE `a` (\n  `id` int,\n  `github_token` text\n);\n"
    f"INSERT INTO `a` VALUES (1,'{token(1)}');\n-- Dump completed\n"
).encode()


@pytest.mark.parametrize(
    ("name", "data", "line"),
    [("d.sql", SQL, 7), ("t.csv", f'name,github_token\n"a ""x""","{token(1)}"\n'.encode(), 2), ("c-json.log", DOCKER, 2)],
)
def test_a_place_in_compressed_text_names_that_text(name: str, data: bytes, line: int, tmp_path: Path) -> None:
    """Lines count in it, so the chain goes there, as that of any other text does."""
    assert kind_of(data[:512], name)
    (tmp_path / f"{name}.gz").write_bytes(gzip.compress(data))
    chain = f"{name}.gz!/{name}"
    told = found(tmp_path)
    assert [(path, at) for path, at, _ in told] == [(chain, line)]
    done = run(tmp_path, "extract", f"{chain}:{line}")
    assert (done.returncode, done.stdout) == (0, data)


def test_a_name_that_ends_like_a_place_can_be_extracted(tmp_path: Path) -> None:
    (tmp_path / "x.pcap").write_bytes(recorded.pcap([recorded.Sent("10.0.0.1:1000", "10.0.0.2:80", planted(1), 1)]))
    [(path, line, _)] = found(tmp_path)
    for chain in (path, f"{path}:{line}", f"{path}:{line}:14"):
        done = run(tmp_path, "extract", chain)
        assert (done.returncode, done.stdout) == (0, planted(1)), chain


def test_a_file_attached_to_a_notebook_is_looked_into(tmp_path: Path) -> None:
    packed = base64.encodebytes(zip_([("a.env", planted(1))])).decode()
    bundle = {"application/octet-stream": packed, "application/x-notes": "no base64: just words"}
    cell = {"cell_type": "markdown", "metadata": {}, "source": "see", "attachments": {"keys.zip": bundle}}
    (tmp_path / "n.ipynb").write_bytes(json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode())
    assert found(tmp_path) == [("n.ipynb!/cell-1/keys.zip.bin!/a.env", 2, token(1))]


# ---- old and sloppy writers -----------------------------------------------------------------------------------------
def test_pickles_of_protocol_0(tmp_path: Path) -> None:
    (tmp_path / "a.pkl").write_bytes(pickle.dumps({"github_token": token(1), "more": [1, 2]}, 0))
    (tmp_path / "b.pkl").write_bytes(pickle.dumps(["a", "GITHUB_TOKEN=" + token(2)], 0) + pickle.dumps({"c": token(3)}, 0))
    assert [(path, secret) for path, _, secret in found(tmp_path)] == [
        ("a.pkl!/strings", token(1)), ("b.pkl!/strings", token(2)), ("b.pkl!/strings", token(3)),
    ]  # fmt: skip


@pytest.mark.parametrize("text", [b"(dpi = 300)\n", b"(lp\n", b"(lp0x\n", b"copyright\n", b"(dp99999999999\n"])
def test_text_is_no_pickle(text: bytes) -> None:
    assert kind_of(text, "x.txt") == ""


def test_a_pdf_that_something_stands_before(tmp_path: Path) -> None:
    pytest.importorskip("pypdf")
    (tmp_path / "a.pdf").write_bytes(b"HTTP/1.1 200 OK\r\n\r\n" + papers.pdf([[f"GITHUB_TOKEN={token(1)}"]]).end())
    assert [(path, secret) for path, _, secret in found(tmp_path)] == [("a.pdf!/page-1", token(1))]
    assert kind_of(b"notes on %PDF- files" + os.urandom(9), "a.txt") == ""


def test_a_place_that_may_be_part_of_a_name_is_not_guessed(tmp_path: Path) -> None:
    """`x:12:3` is line 12 of `x`, or line 3 of `x:12`: with both there, neither is written until it is clear."""
    (tmp_path / "a.tar").write_bytes(tar([("x", b"one\n"), ("x:12", b"two\n"), ("y:7", b"three\n")]))
    for name in ("x:12:3", "x:12"):
        done = run(tmp_path, "extract", f"a.tar!/{name}", "-o", "out")
        assert done.returncode == 2 and b"2 members fit" in done.stderr, name
        assert not (tmp_path / "out").exists()
    for name, content in (("x", b"one\n"), ("x:1", b"one\n"), ("x:12:3:2", b"two\n"), ("y:7", b"three\n"), ("y:7:1", b"three\n")):
        done = run(tmp_path, "extract", f"a.tar!/{name}")
        assert (done.returncode, done.stdout) == (0, content), name


@pytest.mark.parametrize("level", [0, 1, 6, 9])
@pytest.mark.parametrize("size", [40, 9000])
def test_zlib_is_known_without_a_name(level: int, size: int, tmp_path: Path) -> None:
    """Two bytes say what it is, and that it can be unpacked."""
    text = Random(level).randbytes(size).hex().encode() + b"\nGITHUB_TOKEN=" + token(61).encode() + b"\n"
    (tmp_path / "blob").write_bytes(zlib.compress(text, level))
    (tmp_path / "b.tar").write_bytes(tar([("x/blob", zlib.compress(text, level))]))
    assert [one["secret"] for one in findings(tmp_path, "blob")] == [token(61)]
    assert [one["secret"] for one in findings(tmp_path, "b.tar")] == [token(61)]


@pytest.mark.parametrize("data", [b"x^2 + y^2 = 1\n" * 60, b"x\x9c" + bytes(range(256)) * 4, b"x\xda", b"x\x01" + b"\xff" * 600])
def test_what_only_begins_like_zlib_is_scanned_as_it_stands(data: bytes) -> None:
    assert kind_of(data, "blob") == ""
