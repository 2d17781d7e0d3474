"""journald's files and Windows' event logs: built byte by byte, and by systemd's own tools where there are any."""

from __future__ import annotations

import gzip
import importlib.util
import os
import random
import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from nests import Seen, look, tar
from recorded import evtx, journal, journal_data, journal_object
from scanned import findings
from test_inside_scan import token

from leakguard.sources.inside.logs import journal as reader
from leakguard.sources.inside.magic import kind_of

pytestmark = pytest.mark.usefixtures("loaded")

NOISE = b"NOISE=" + b"the same words again " * 30


def planted(number: int) -> bytes:
    return b"MESSAGE=first\nGITHUB_TOKEN=" + token(number).encode() + b"\n" + b"and more " * 30


def entries(seen: Seen, name: str = "x.journal") -> bytes:
    return seen.members[f"{name}!/entries"]


# ---- journald -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("compact", [False, True])
@pytest.mark.parametrize("packed", ["", "xz", "lz4", "zstd"])
def test_every_field_of_a_journal_once(packed: str, compact: bool, tmp_path: Path) -> None:
    data = journal([[b"_COMM=app", NOISE, b"MESSAGE=%d" % n] for n in range(50)] + [[planted(1), b"_COMM=app"]], compact, packed)
    assert kind_of(data[:512]) == "journal"
    seen = look(data, tmp_path, "x.journal")
    assert seen.incidents == []
    text = entries(seen)
    assert list(seen.members) == ["x.journal!/entries"]
    assert text.count(NOISE) == text.count(b"_COMM=app") == text.count(token(1).encode()) == 1
    assert text.count(b"MESSAGE=") == 51
    assert text.startswith(b"# entry 1 2023-11-14T22:13:21.000000Z\n_COMM=app\nNOISE=")


def test_a_finding_says_which_entry_it_is_of(tmp_path: Path) -> None:
    data = journal([[b"MESSAGE=nothing"], [planted(2)], [b"MESSAGE=end"]], packed="xz")
    (tmp_path / "x.tar.gz").write_bytes(gzip.compress(tar([("var/log/journal/system.journal", data)])))
    (record,) = findings(tmp_path, ".")
    assert (record["path"], record["secret"]) == ("x.tar.gz!/var/log/journal/system.journal!/entries", token(2))
    assert record["start_line"] == 6
    origin = record["origin"]
    assert isinstance(origin, dict)
    assert origin["facts"] == {"entry": "2", "time": "2023-11-14T22:13:22.000000Z"}


def test_what_no_entry_has_any_more_is_read(tmp_path: Path) -> None:
    data = journal([[b"MESSAGE=a"]], tail=0) + journal_data(planted(3)) + bytes(64)
    assert token(3).encode() in entries(look(data, tmp_path, "x.journal"))


def test_a_truncated_journal_gives_what_is_left(tmp_path: Path) -> None:
    data = journal([[planted(4)], [planted(5)]], tail=0)
    for end in range(1, len(data) - 300, 97):
        seen = look(data[:-end], tmp_path, "x.journal")
        told = b"".join(seen.members.values())
        for number in (4, 5):
            assert (token(number).encode() in data[:-end]) == (token(number).encode() in told)
        if end % 8:
            assert seen.states == {"failed"}


@pytest.mark.parametrize("compact", [False, True])
def test_a_damaged_object_ends_it_and_the_rest_is_read_as_it_stands(compact: bool, tmp_path: Path) -> None:
    data = bytearray(journal([[b"MESSAGE=a"], [planted(6)], [planted(7)]], compact))
    at = data.index(b"MESSAGE=first") - (72 if compact else 64)
    data[at + 8 : at + 16] = struct.pack("<Q", 1 << 60)
    seen = look(bytes(data), tmp_path, "x.journal")
    assert seen.states == {"failed"}
    assert "a value of an impossible size at byte" in seen.reasons
    told = b"".join(seen.members.values())
    assert told.count(token(6).encode()) == told.count(token(7).encode()) == 1


@pytest.mark.parametrize("packed", ["xz", "lz4", "zstd"])
def test_a_damaged_value_is_told_and_the_others_are_read(packed: str, tmp_path: Path) -> None:
    data = bytearray(journal([[NOISE], [planted(8)]], packed=packed))
    start = data.index(journal_data(NOISE, packed=packed)[:16]) + 64
    data[start + 8 : start + 40] = b"\xff" * 32
    seen = look(bytes(data), tmp_path, "x.journal")
    assert "a damaged compressed value" in seen.reasons
    assert token(8).encode() in entries(seen)


@pytest.mark.parametrize("packed", ["xz", "lz4", "zstd"])
def test_a_bomb_in_a_value_is_told(packed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "LARGEST", 1 << 20)
    seen = look(journal([[b"A=" + bytes(3 << 20)], [planted(9)]], packed=packed), tmp_path, "x.journal")
    assert "truncated" in seen.states
    assert "limit reached: a value of" in seen.reasons
    assert token(9).encode() in entries(seen)


def test_a_missing_package_is_told_and_the_rest_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    data = journal([[NOISE], [b"MESSAGE=short"]], packed="zstd")
    monkeypatch.setitem(sys.modules, "zstandard", None)
    seen = look(data, tmp_path, "x.journal")
    assert seen.reasons.startswith("skipped x.journal: values compressed in a way not read: install leakguard-scanner[archives]")
    assert b"MESSAGE=short" in entries(seen)


def test_a_hostile_journal(tmp_path: Path) -> None:
    good = journal([[planted(10)]])
    for at, value, reason in ((88, 1 << 40, "impossible header"), (12, 1 << 9, "newer systemd")):
        data = bytearray(good)
        data[at : at + 4] = struct.pack("<Q", value)[:4] if value < 1 << 32 else b"\xff" * 4
        seen = look(bytes(data), tmp_path, "x.journal")
        assert reason in seen.reasons
        assert token(10).encode() in b"".join(seen.members.values())
    odd = journal_object(2, bytes(24) + b"secret as a name=" + token(11).encode())
    seen = look(journal([[b"A=b"]], tail=0) + odd, tmp_path, "x.journal")
    assert token(11).encode() in b"".join(seen.members.values())
    noise = random.Random(3)
    for _ in range(60):
        data = bytearray(good)
        for _ in range(4):
            data[noise.randrange(len(data) - 4096)] = noise.randrange(256)
        look(bytes(data), tmp_path, "x.journal")  # ends, and raises nothing


def test_journals_that_systemd_wrote(tmp_path: Path) -> None:
    tool = shutil.which("systemd-journal-remote", path=f"{os.environ.get('PATH', '')}:/lib/systemd:/usr/lib/systemd")
    if tool is None:
        pytest.skip("needs systemd-journal-remote")
    made = b""
    for number in range(200):
        value = b"same words over and over " * 60 if number == 7 else b"message %d" % number
        made += b"__REALTIME_TIMESTAMP=%d\n_BOOT_ID=%032d\nMESSAGE=%s\n" % (1_700_000_000_000_000 + number, 1, value)
        if number == 9:
            text = planted(12).removeprefix(b"MESSAGE=") * 3
            made += b"TEXT\n" + struct.pack("<Q", len(text)) + text + b"\n"
        made += b"\n"
    for compact, arguments in (("0", ["--compress=no"]), ("1", []), ("0", [])):
        path = tmp_path / f"x{compact}{len(arguments)}.journal"
        subprocess.run(
            [tool, *arguments, "-o", path, "-"], input=made, check=True, capture_output=True,
            env={**os.environ, "SYSTEMD_JOURNAL_COMPACT": compact},
        )  # fmt: skip
        seen = look(path.read_bytes(), tmp_path, "y.journal")
        assert seen.incidents == []
        text = entries(seen, "y.journal")
        assert text.count(b"# entry") == 200
        assert text.count(token(12).encode()) == 3
        assert text.count(b"MESSAGE=") == 200


# ---- Windows' event logs ----------------------------------------------------------------------------------------------

needs_evtx = pytest.mark.skipif(importlib.util.find_spec("evtx") is None, reason="needs the package evtx")
EVENTS = [
    [("Channel", "Security"), ("CommandLine", "setx GITHUB_TOKEN " + token(13))],
    [("GITHUB_TOKEN", token(14)), ("User", "someone")],
]


@needs_evtx
def test_events_are_lines_of_names_and_values(tmp_path: Path) -> None:
    data = evtx(EVENTS)
    assert kind_of(data[:512]) == "evtx"
    (tmp_path / "Security.evtx").write_bytes(data)
    (tmp_path / "x.tar.gz").write_bytes(gzip.compress(tar([("Security.evtx", data)])))
    found = findings(tmp_path, ".")
    assert [(r["path"], r["start_line"], r["secret"]) for r in found] == [
        ("Security.evtx!/events", 5, token(13)),
        ("Security.evtx!/events", 10, token(14)),
        ("x.tar.gz!/Security.evtx!/events", 5, token(13)),
        ("x.tar.gz!/Security.evtx!/events", 10, token(14)),
    ]


@needs_evtx
@pytest.mark.parametrize("end", [10, 60_000, 65_400, 65_536 + 4000])
def test_a_truncated_event_log_is_told_and_scanned_as_it_stands(end: int, tmp_path: Path) -> None:
    data = evtx(EVENTS)[:-end]
    seen = look(data, tmp_path, "x.evtx")
    assert seen.states == {"failed"}
    assert seen.members["x.evtx"] == data


@needs_evtx
def test_a_damaged_record_is_told_and_the_others_are_read(tmp_path: Path) -> None:
    data = bytearray(evtx(EVENTS * 3))
    at = data.index(b"**\0\0") + 29
    data[at : at + 8] = b"\xff" * 8
    seen = look(bytes(data), tmp_path, "x.evtx")
    assert seen.states == {"failed"}
    told = b"".join(seen.members.values())
    assert token(14).encode() in told or token(14).encode("utf-16-le") in told


def test_without_its_package_an_event_log_is_named_and_scanned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leakguard.sources.inside.columns.tables.find_spec", lambda name: None)
    data = evtx(EVENTS)
    seen = look(data, tmp_path, "x.evtx")
    assert seen.reasons == "skipped x.evtx: of kind evtx, not read: install leakguard-scanner[logs]"
    assert seen.members == {"x.evtx": data}
