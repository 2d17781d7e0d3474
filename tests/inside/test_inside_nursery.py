"""Processes for parsers, forked from one that has their packages: one a file, alone, and gone when nobody asks any more."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from nests import ARCHIVES, look

from leakguard.sources.inside import nursery

pytestmark = pytest.mark.skipif(not nursery.able(), reason="nothing can be forked so here")

FILES = [("a.env", b"the content of a " * 30), ("d/b", b"another\n")]
CHILD = """
import json, os, signal, time
prepared = []
def prepare(kind):
    prepared.append(kind)
def rehearse(kind):
    prepared.append("rehearsed " + kind)
def answer(kind, seconds):
    handles = sorted(int(name) for name in os.listdir("/proc/self/fd"))
    told = {"pid": os.getpid(), "parent": os.getppid(), "prepared": prepared, "seconds": seconds, "environment": dict(os.environ),
            "handles": handles, "file": os.read(0, 100).decode()}
    os.write(1, json.dumps(told).encode() + b"\\n")
    if kind == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if kind == "fail":
        raise ValueError
    if kind == "stay":
        time.sleep(100)
    if kind == "long":
        os.write(1, b"x" * 1_000_000)
"""


@pytest.fixture(autouse=True)
def none_kept() -> Iterator[None]:
    nursery.close()
    yield
    nursery.close()


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    (tmp_path / "child.py").write_text(CHILD)
    return [sys.executable, "-I", "-S", str(nursery.__file__), str(tmp_path / "child.py"), "group"]


def asked(command: list[str], kind: str = "a", text: str = "file") -> tuple[dict[str, Any], int, bytes]:
    """What a process says of itself, its exit code, and what follows."""
    process = started(command, kind, text)
    with process:
        told = json.loads(process.stdout.readline())
        rest = process.stdout.read()
        return told, process.wait(), rest


def started(command: list[str], kind: str, text: str = "file") -> nursery.Process:
    reader, writer = os.pipe()
    os.write(writer, text.encode())
    os.close(writer)
    try:
        process = nursery.started(command, {"A": "b"}, (kind, 7, reader))
    finally:
        os.close(reader)
    assert process is not None
    return process


def gone(pid: int) -> bool:
    """Does a process end within some seconds?"""
    for _ in range(500):
        try:
            with open(f"/proc/{pid}/stat", encoding="latin-1") as handle:
                if handle.read().rsplit(")", 1)[1].split()[0] == "Z":
                    return True
        except OSError:
            return True
        time.sleep(0.01)
    return False


def test_each_file_has_a_process_of_its_own_with_nothing_but_it(command: list[str]) -> None:
    first, code, _ = asked(command, "a", "one")
    other, _, _ = asked(command, "b", "two")
    assert code == 0
    assert first["pid"] != other["pid"]
    assert first["parent"] == other["parent"] != os.getpid()
    assert (first["file"], other["file"]) == ("one", "two")
    assert other["prepared"] == ["a", "rehearsed a", "b", "rehearsed b"]
    assert other["seconds"] == 7
    assert {name: value for name, value in other["environment"].items() if name != "LC_CTYPE"} == {"A": "b"}
    assert len(other["handles"]) == 4, "beside the three there is but that of the list itself"


def test_a_failure_is_told_and_the_next_file_read(command: list[str]) -> None:
    first, code, _ = asked(command, "fail")
    assert code == 1
    assert asked(command)[0]["parent"] == first["parent"]


def test_behind_a_crash_another_one_forks(command: list[str]) -> None:
    """Where everything lies in memory is not to be tried out file by file."""
    first, code, _ = asked(command, "crash")
    assert code == -signal.SIGSEGV
    other, code, _ = asked(command)
    assert code == 0
    assert other["parent"] != first["parent"]
    assert gone(first["parent"])


def test_what_nobody_reads_is_ended(command: list[str]) -> None:
    with started(command, "stay") as process:
        told = json.loads(process.stdout.readline())
    assert gone(told["pid"])
    assert asked(command)[0]["parent"] == told["parent"]


def test_after_so_many_files_another_one_forks(command: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nursery, "MOST", 2)
    parents = [asked(command)[0]["parent"] for _ in range(4)]
    assert parents[0] == parents[1] != parents[2] == parents[3]
    assert gone(parents[0])


def test_one_that_nobody_asks_ends(command: list[str]) -> None:
    first = asked(command)[0]
    assert gone(first["parent"])
    other, code, _ = asked(command)
    assert code == 0
    assert other["parent"] != first["parent"]


def test_one_that_is_put_away_gives_what_it_was_asked_for(command: list[str]) -> None:
    """An archive in an archive in an archive, each by other packages."""
    with started(command, "long") as process:
        told = json.loads(process.stdout.readline())
        for number in range(nursery.KEPT + 1):
            assert asked([*command, str(number)])[1] == 0
        assert len(process.stdout.read()) == 1_000_000
        assert process.wait() == 0
    assert gone(told["parent"])


def test_it_ends_with_its_parent(command: list[str]) -> None:
    lines = (
        "import os, sys, json", f"sys.path[:] = {sys.path!r}", "from leakguard.sources.inside import nursery",
        f"process = nursery.started({command!r}, {{}}, ('stay', 7, os.open(os.devnull, os.O_RDONLY)))",
        "sys.stdout.buffer.write(process.stdout.readline())", "sys.stdout.flush()", "os._exit(0)",
    )  # fmt: skip
    made = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, check=True)
    told = json.loads(made.stdout)
    assert gone(told["pid"])
    assert gone(told["parent"])


def test_a_process_that_was_forked_has_its_own(command: list[str]) -> None:
    first = asked(command)[0]
    reader, writer = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            os.write(writer, str(asked(command)[0]["parent"]).encode())
            nursery.close()
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    assert int(os.read(reader, 20)) != first["parent"]
    assert asked(command)[0]["parent"] == first["parent"]
    os.close(reader)
    os.close(writer)


def test_where_none_can_be_had_nobody_waits_for_one(tmp_path: Path) -> None:
    command = [sys.executable, "-I", "-S", str(nursery.__file__), str(tmp_path / "no such child"), "group"]
    with open(os.devnull, "rb") as file:
        assert nursery.started(command, {}, ("a", 7, file.fileno())) is None


@pytest.mark.parametrize("kind", ["7z", "cab"])
def test_the_same_is_read_by_an_interpreter_a_file(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = ARCHIVES[kind](FILES)
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    forked = look(data, tmp_path / "a")
    monkeypatch.setattr(nursery, "able", lambda: False)
    alone = look(data, tmp_path / "b")
    assert forked.members == alone.members
    assert len(forked.members) >= len(FILES)
    assert forked.incidents == alone.incidents == []


# ---------------------------------------------------------------- one for all who are forked
def _in_forks(command: list[str], kind: str, count: int = 2) -> list[dict[str, Any]]:
    """What processes that were forked from here are told of theirs, all of them asking at once."""
    readers = []
    for _ in range(count):
        reader, writer = os.pipe()
        pid = os.fork()
        if not pid:
            try:
                os.write(writer, json.dumps(asked(command, kind)[0]).encode())
                nursery.close()
            finally:
                os._exit(0)
        os.close(writer)
        readers.append((pid, reader))
    out = []
    for pid, reader in readers:
        with os.fdopen(reader, "rb") as told:
            out.append(json.loads(told.read()))
        os.waitpid(pid, 0)
    return out


def test_one_that_is_promised_serves_all_who_are_forked(command: list[str]) -> None:
    with nursery.promised("a") as common:
        assert common is not None
        before = _in_forks(command, "a")
        assert before[0]["parent"] != before[1]["parent"], "nobody waits for what was not begun"
        common.begin([*command[:-1], f"{nursery.READY}a"], {"A": "b"})
        common.begin([*command[:-1], f"{nursery.READY}a"], {"A": "b"})
        one, other = _in_forks(command, "a")
        assert one["parent"] == other["parent"]
        assert one["prepared"][:2] == ["a", "rehearsed a"]
        assert one["environment"] == before[0]["environment"]
        assert one["handles"] == before[0]["handles"]
        assert common.ready()
        assert asked(command, "a")[0]["parent"] == one["parent"], "who promised it may ask, too"
        assert asked(command, "b")[0]["parent"] != one["parent"], "it is for one kind"
        own = asked(command, "b")[0]["parent"]
    assert gone(one["parent"])
    assert asked(command, "a")[0]["parent"] == own


@pytest.mark.parametrize("how", ["killed", "crash", "not there"])
def test_when_one_that_was_promised_ends_each_has_its_own(how: str, command: list[str], tmp_path: Path) -> None:
    with nursery.promised("a") as common:
        assert common is not None
        begun = [*command[:-1], f"{nursery.READY}a"]
        if how == "not there":
            begun[-2] = str(tmp_path / "nothing.py")
        common.begin(begun, {"A": "b"})
        if how == "killed":
            parent = asked(command, "a")[0]["parent"]
            os.kill(parent, signal.SIGKILL)
        elif how == "crash":
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(common, "kind", "crash")
                told, code, _ = asked(command, "crash")
            assert code == -signal.SIGSEGV
            parent = told["parent"]
        else:
            parent = -1
        one, other = _in_forks(command, "a")
        assert len({one["parent"], other["parent"], parent}) == 3


def test_one_is_promised_at_a_time_and_whatever_ends_it_nothing_is_left(command: list[str]) -> None:
    handles = set(os.listdir("/proc/self/fd"))
    with pytest.raises(KeyboardInterrupt), nursery.promised("a") as common:
        assert common is not None
        with nursery.promised("b") as other:
            assert other is None
        common.begin([*command[:-1], f"{nursery.READY}a"], {})
        parent = asked(command, "a")[0]["parent"]
        raise KeyboardInterrupt
    assert gone(parent)
    assert set(os.listdir("/proc/self/fd")) == handles
    with nursery.promised("b") as other:
        assert other is not None
