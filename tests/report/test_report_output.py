"""write_atomic: whole or not at all, under every way to fail."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import BinaryIO

import pytest

from leakguard.errors import OutputError, UsageError
from leakguard.report.output import write_atomic


def hello(stream: BinaryIO) -> None:
    stream.write(b"hello\n")


def broken(stream: BinaryIO) -> None:
    stream.write(b"half")
    raise ValueError("holds NOT-A-SECRET")


def test_new_file_obeys_the_umask_and_private_does_not_ask(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        write_atomic(str(tmp_path / "open"), hello)
        write_atomic(str(tmp_path / "closed"), hello, private=True)
    finally:
        os.umask(old)
    assert (tmp_path / "open").read_bytes() == b"hello\n"
    assert stat.S_IMODE((tmp_path / "open").stat().st_mode) == 0o640
    assert stat.S_IMODE((tmp_path / "closed").stat().st_mode) == 0o600
    assert {path.name for path in tmp_path.iterdir()} == {"open", "closed"}


def test_existing_file_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "r"
    path.write_bytes(b"old")
    path.chmod(0o604)
    write_atomic(str(path), hello)
    assert path.read_bytes() == b"hello\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o604


def test_what_is_to_replace_a_file_is_closed_to_others_from_its_first_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "r"
    path.write_bytes(b"old")
    path.chmod(0o600)
    modes = []
    opened = os.open

    def noted(name: str, flags: int, mode: int = 0o777) -> int:
        modes.append(mode)
        return opened(name, flags, mode)

    monkeypatch.setattr(os, "open", noted)
    write_atomic(str(path), hello)
    assert modes == [0o600]


def test_the_bytes_are_on_the_disk_before_the_name_is_theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = []
    synced, replaced = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (synced(handle), done.append("bytes")))
    monkeypatch.setattr(os, "replace", lambda old, new: (replaced(old, new), done.append("name")))
    write_atomic(str(tmp_path / "r"), hello)
    assert done == ["bytes", "name"]


def test_relative_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_atomic("plain", hello)
    assert (tmp_path / "plain").read_bytes() == b"hello\n"


def test_longest_name(tmp_path: Path) -> None:
    path = tmp_path / ("ü" * 127)
    write_atomic(str(path), hello)
    assert path.read_bytes() == b"hello\n"


@pytest.mark.parametrize("existing", [False, True])
def test_a_broken_writer_leaves_what_was_there(tmp_path: Path, existing: bool) -> None:
    path = tmp_path / "r"
    if existing:
        path.write_bytes(b"old")
    with pytest.raises(OutputError) as caught:
        write_atomic(str(path), broken)
    assert str(path) in caught.value.message
    assert "NOT-A-SECRET" not in caught.value.message
    assert caught.value.__suppress_context__
    assert [one.read_bytes() for one in tmp_path.iterdir()] == ([b"old"] if existing else [])


def test_our_own_errors_pass_and_leave_nothing(tmp_path: Path) -> None:
    def refuse(stream: BinaryIO) -> None:
        raise UsageError("format: unknown name")

    with pytest.raises(UsageError, match="unknown name"):
        write_atomic(str(tmp_path / "r"), refuse)
    assert list(tmp_path.iterdir()) == []


def test_interrupt_leaves_nothing(tmp_path: Path) -> None:
    def interrupt(stream: BinaryIO) -> None:
        stream.write(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_atomic(str(tmp_path / "r"), interrupt)
    assert list(tmp_path.iterdir()) == []


def test_missing_folder(tmp_path: Path) -> None:
    path = tmp_path / "no" / "r"
    with pytest.raises(OutputError, match="No such file") as caught:
        write_atomic(str(path), hello)
    assert str(path) in caught.value.message


def test_folder_and_link_to_folder(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "l").symlink_to(tmp_path / "d")
    for name in ("d", "l"):
        with pytest.raises(OutputError, match="is a directory"):
            write_atomic(str(tmp_path / name), hello)
    assert list((tmp_path / "d").iterdir()) == []


def test_a_link_is_replaced_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_bytes(b"mine")
    (tmp_path / "r").symlink_to(tmp_path / "precious")
    write_atomic(str(tmp_path / "r"), hello)
    assert (tmp_path / "precious").read_bytes() == b"mine"
    assert not (tmp_path / "r").is_symlink()
    assert (tmp_path / "r").read_bytes() == b"hello\n"


def test_a_pipe_is_written_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(path.read_bytes()))
    reader.start()
    write_atomic(str(path), hello)
    reader.join(10)
    assert got == [b"hello\n"]
    assert stat.S_ISFIFO(path.stat().st_mode)


def test_name_in_the_error_is_printable(tmp_path: Path) -> None:
    with pytest.raises(OutputError) as caught:
        write_atomic(str(tmp_path / "no\x1b\n" / "r"), hello)
    assert caught.value.message.isprintable()


needs_full = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")


@needs_full
def test_full_device() -> None:
    with pytest.raises(OutputError, match="/dev/full: No space left"):
        write_atomic("/dev/full", hello)
    assert stat.S_ISCHR(os.stat("/dev/full").st_mode)


FULL_DISK = """
import resource, sys
from leakguard.errors import OutputError
from leakguard.report.output import write_atomic
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    write_atomic(sys.argv[1], lambda stream: stream.write(b"x" * 100_000))
except OutputError as error:
    print(error.message)
    sys.exit(error.exit_code)
"""


def test_full_disk_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    pytest.importorskip("resource")
    path = tmp_path / "r"
    path.write_bytes(b"old")
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(path)], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 3, done.stderr
    assert done.stdout.startswith(f"{path}: ")
    assert [one.name for one in tmp_path.iterdir()] == ["r"]
    assert path.read_bytes() == b"old"


STDOUT = """
import sys
from leakguard.errors import OutputError
from leakguard.report.output import write_atomic
sys.stdout.write("before\\n")
def writer(stream):
    for _ in range(int(sys.argv[1])):
        stream.write(b"hello\\n")
try:
    write_atomic("-", writer)
except OutputError as error:
    sys.stdout.write("after\\n")
    print(error.message, file=sys.stderr)
    sys.exit(error.exit_code)
"""


def run_stdout(lines: str, unbuffered: str, stdout: int | BinaryIO) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    command = [sys.executable, "-c", STDOUT, lines]
    return subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, env=environment, check=False, timeout=60)


# one line stays in a buffer, where the interpreter finds it at exit; without buffers a write may stop half-way
every_buffer = pytest.mark.parametrize(("lines", "unbuffered"), [("1", ""), ("9999", ""), ("1", "1"), ("9999", "1")])


@every_buffer
def test_standard_output(lines: str, unbuffered: str) -> None:
    done = run_stdout(lines, unbuffered, subprocess.PIPE)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == b"before\n" + b"hello\n" * int(lines)


@needs_full
@pytest.mark.parametrize("lines", ["1", "9999"])
def test_full_standard_output_ends_with_our_code(lines: str) -> None:
    with open("/dev/full", "wb") as full:
        done = run_stdout(lines, "", full)
    assert done.stderr == b"standard output: No space left on device\n"
    assert done.returncode == 3


@pytest.mark.parametrize("lines", ["1", "9999"])
def test_closed_pipe_ends_with_our_code(lines: str) -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        done = run_stdout(lines, "", write)
    finally:
        os.close(write)
    assert done.stderr == b"standard output: Broken pipe\n"
    assert done.returncode == 3


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_full_disk_behind_standard_output_is_not_cut_silently(tmp_path: Path, unbuffered: str) -> None:
    """Without buffers sys.stdout.buffer.write returns what it managed to write and says nothing."""
    pytest.importorskip("resource")
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    with (tmp_path / "out").open("wb") as out:
        done = subprocess.run(
            [sys.executable, "-c", FULL_DISK, "-"], stdout=out, env=environment, check=False, timeout=60
        )
    assert done.returncode == 3


def test_no_standard_output(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(OutputError, match="standard output: is closed"):
        write_atomic("-", hello)


def test_standard_output_in_a_test_runner(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    write_atomic("-", hello)
    assert capsysbinary.readouterr().out == b"hello\n"
    with pytest.raises(OutputError, match=r"standard output: the report could not be made \(ValueError\)"):
        write_atomic("-", broken)
