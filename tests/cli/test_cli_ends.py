"""However a scan ends: what it could not read or write is told, nobody is left, and no secret is anywhere."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from leaks import ENCODINGS, TEMPLATES, leak

pytestmark = [pytest.mark.usefixtures("loaded"), pytest.mark.skipif(sys.platform == "win32", reason="POSIX")]

LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")
TEXT, SECRET = leak("github", 5)
COMMAND = [sys.executable, "-m", "leakguard"]


def run(folder: Path, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    done = subprocess.run([*COMMAND, *arguments], cwd=folder, input=stdin, capture_output=True, check=False, timeout=60)
    assert b"Traceback" not in done.stderr
    assert SECRET not in done.stdout + done.stderr
    return done


def receipt(folder: Path) -> dict[str, object]:
    return dict(json.loads((folder / "receipt.json").read_bytes()))


# ---- unread ---------------------------------------------------------------------------------------------------------


@LINUX
def test_a_read_error_gives_three_and_findings_win(tmp_path: Path) -> None:
    """/proc/self/mem opens, and fails when it is read: for root, too."""
    (tmp_path / "app.env").write_bytes(TEXT)
    (tmp_path / "clean").write_bytes(b"clean\n")
    alone = run(tmp_path, "scan", "/proc/self/mem", "clean", "--receipt", "receipt.json")
    assert alone.returncode == 3
    assert b"INCOMPLETE" in alone.stderr
    assert b"/proc/self/mem" in alone.stdout
    assert receipt(tmp_path)["complete"] is False
    assert receipt(tmp_path)["exit_code"] == 3
    assert receipt(tmp_path)["failed"]["count"] == 1  # type: ignore[index]
    both = run(tmp_path, "scan", "/proc/self/mem", "app.env", "--receipt", "receipt.json")
    assert both.returncode == 1
    assert b"INCOMPLETE" in both.stderr
    assert b"app.env:1" in both.stdout
    assert receipt(tmp_path)["failed"]["count"] == 1  # type: ignore[index]
    assert run(tmp_path, "scan", "/proc/self/mem", "--exit-zero").returncode == 3


@LINUX
def test_what_says_it_is_empty_is_read(tmp_path: Path) -> None:
    done = run(tmp_path, "scan", "/proc/self/status", "--receipt", "receipt.json")
    assert done.returncode == 0
    assert int(str(receipt(tmp_path)["bytes"])) > 100


def test_a_folder_that_is_not_open_is_told(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may open everything")
    (tmp_path / "closed").mkdir(mode=0)
    (tmp_path / "clean").write_bytes(b"clean\n")
    done = run(tmp_path, "scan", ".")
    (tmp_path / "closed").chmod(0o755)
    assert done.returncode == 3
    assert b"closed" in done.stdout


# ---- unwritten ------------------------------------------------------------------------------------------------------


@LINUX
def test_messages_that_cannot_be_written_are_an_error_of_ours(tmp_path: Path) -> None:
    """Python makes 120 of every exit code when the last of its messages is lost."""
    (tmp_path / "app.env").write_bytes(TEXT)
    (tmp_path / "clean").write_bytes(b"clean\n")
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    for name, code in (("app.env", 3), ("clean", 3), ("gone", 2)):
        with open("/dev/full", "wb") as full:
            command = [*COMMAND, "scan", name, "-f", "jsonl"]
            done = subprocess.run(
                command, cwd=tmp_path, env=buffered, stdout=subprocess.PIPE, stderr=full, check=False, timeout=60
            )
        assert done.returncode == code


def test_a_report_that_cannot_be_written_is_in_the_receipt(tmp_path: Path) -> None:
    (tmp_path / "app.env").write_bytes(TEXT)
    done = run(tmp_path, "scan", "app.env", "-o", "gone/report", "--receipt", "receipt.json")
    assert done.returncode == 3
    assert b"1 finding" in done.stderr
    assert receipt(tmp_path)["exit_code"] == 3


def test_a_reader_that_went_away_is_no_clean_run(tmp_path: Path) -> None:
    for number in range(300):
        (tmp_path / f"{number}.env").write_bytes(leak("github", number)[0])
    read, write = os.pipe()
    os.close(read)
    process = subprocess.Popen([*COMMAND, "scan", "."], cwd=tmp_path, stdout=write, stderr=subprocess.PIPE)
    os.close(write)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 3
    assert b"Traceback" not in errors
    assert b"Exception ignored" not in errors


@LINUX
def test_a_full_standard_output_is_no_clean_run(tmp_path: Path) -> None:
    (tmp_path / "clean").write_bytes(b"clean\n")
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [*COMMAND, "scan", "clean"], cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 3
    assert b"Exception ignored" not in done.stderr


@LINUX
@pytest.mark.parametrize("arguments", [["--version"], ["scan", "--help"], ["rules", "list"], ["config", "show"]])
def test_what_cannot_be_written_is_no_fault_of_ours(tmp_path: Path, arguments: list[str]) -> None:
    """A full disk behind standard output was an internal error in all that is no report."""
    with open("/dev/full", "wb") as full:
        done = subprocess.run([*COMMAND, *arguments], cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (3, b"leakguard: error: standard output: No space left on device\n")


@pytest.mark.parametrize(
    ("closed", "arguments", "code", "said"),
    [
        ((1,), ["scan", "app.env", "-q"], 3, b"standard output: Bad file descriptor"),
        ((1,), ["rules", "list"], 3, b"standard output: Bad file descriptor"),
        ((1,), ["config", "show"], 3, b"standard output: Bad file descriptor"),
        ((1,), ["--version"], 3, b"standard output: Bad file descriptor"),
        ((0,), ["scan", "-", "-o", "out"], 3, b"1 Bad file descriptor"),
        ((0,), ["scan", "app.env", "-o", "out", "-q"], 1, b""),
        ((0, 1), ["scan", "app.env", "-o", "out", "-q"], 1, b""),
        ((0, 1, 2), ["scan", "app.env", "-o", "out"], 1, b""),
        ((2,), ["scan", "app.env", "-o", "out"], 1, b""),
    ],
)
def test_streams_that_are_closed(
    tmp_path: Path, closed: tuple[int, ...], arguments: list[str], code: int, said: bytes
) -> None:
    """A file that is opened takes the lowest number that is free: with 1 closed, a report could go into the cache."""
    (tmp_path / "app.env").write_bytes(TEXT)
    command = f"exec {' '.join(f'{number}>&-' for number in closed)}; exec \"$@\""
    done = subprocess.run(
        ["sh", "-c", command, "sh", *COMMAND, *arguments], cwd=tmp_path, capture_output=True, check=False, timeout=60
    )
    assert (done.returncode, b"Traceback" in done.stderr, b"internal" in done.stderr) == (code, False, False)
    assert said in done.stderr
    if "app.env" in arguments and "out" in arguments:
        assert b"app.env:1" in (tmp_path / "out").read_bytes()


def test_a_folder_that_was_removed_is_no_fault_of_ours(tmp_path: Path) -> None:
    (tmp_path / "app.env").write_bytes(TEXT)
    (tmp_path / "gone").mkdir()
    command = 'rmdir ../gone; exec "$@"'
    for arguments, code in (
        (["scan", str(tmp_path), "-q"], 1), (["scan", ".", "-q"], 2), (["config", "show"], 0), (["redact"], 0),
        (["rules", "check", "--only", "github"], 0), (["git"], 2), (["rules", "check", "--rules", "x"], 2),
    ):  # fmt: skip
        (tmp_path / "gone").mkdir(exist_ok=True)
        done = subprocess.run(
            ["sh", "-c", command, "sh", *COMMAND, *arguments], cwd=tmp_path / "gone", stdin=subprocess.DEVNULL,
            capture_output=True, check=False, timeout=60,
        )  # fmt: skip
        assert (arguments, done.returncode, b"internal" in done.stderr) == (arguments, code, False), done.stderr


# ---- interrupted ----------------------------------------------------------------------------------------------------


def _children(pid: int) -> list[int]:
    with open(f"/proc/{pid}/task/{pid}/children") as handle:
        return [int(child) for child in handle.read().split()]


def _alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as handle:
            return handle.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


@LINUX
def test_an_interrupt_while_workers_scan(tmp_path: Path) -> None:
    """As a terminal sends it: to everybody in the foreground at once."""
    (tmp_path / "first.env").write_bytes(TEXT)
    with open(tmp_path / "large.log", "wb") as out:
        for _ in range(60):
            out.write(b"2026-11-21 10:00:00,123 INFO order filled key=value price=1.5 token: none\n" * 14_000)
    process = subprocess.Popen(
        [*COMMAND, "scan", ".", "-j", "3", "--receipt", "receipt.json"], cwd=tmp_path, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + 30
    while not (workers := _children(process.pid)) and time.monotonic() < deadline:
        time.sleep(0.002)
    assert len(workers) >= 1
    os.killpg(process.pid, signal.SIGINT)
    out_bytes, errors = process.communicate(timeout=30)
    assert (process.returncode, b"INTERRUPTED" in errors) == (130, True), errors
    assert b"Traceback" not in errors + out_bytes
    assert not [worker for worker in workers if _alive(worker)]
    assert receipt(tmp_path)["interrupted"] is True
    assert receipt(tmp_path)["exit_code"] == 130


@LINUX
@pytest.mark.parametrize("after", [0.02, 0.08, 0.15, 0.3])
def test_an_interrupt_at_any_time(tmp_path: Path, after: float) -> None:
    (tmp_path / "x").write_bytes(b"words and more\n" * 400_000)
    process = subprocess.Popen(
        [*COMMAND, "scan", "x"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        env={**os.environ, "LEAKGUARD_CACHE_DIR": ""},
    )  # fmt: skip
    time.sleep(after)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    # before Python or the command itself runs there is nobody to answer but Python and the system
    if process.returncode in (130, 0):
        assert b"Traceback" not in errors
    else:
        assert process.returncode in (1, -signal.SIGINT)
        assert b"leakguard/cli/scan" not in errors


def test_an_interrupt_while_the_command_line_is_imported(tmp_path: Path) -> None:
    code = """
import sys
class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == "click":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupting())
from leakguard.__main__ import main
main()
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


@pytest.mark.parametrize("more", ["", "thread", "trace"])
def test_the_end_leaves_nothing_undone(tmp_path: Path, more: str) -> None:
    """The process ends without taking the interpreter apart: what registered for the end is called first, what was written
    arrives, and who goes on is waited for."""
    code = f"""
import atexit, os, sys, threading
atexit.register(os.write, 2, b"registered\\n")
leave = os._exit
os._exit = lambda code: (os.write(2, b"at once\\n"), leave(code))
ended = threading.Event()  # however slow the scan is: the thread outlives it
if {more!r} == "thread":
    threading.Thread(target=lambda: (ended.wait(60), os.write(2, b"went on\\n"))).start()
if {more!r} == "trace":
    sys.setprofile(lambda *_: None)
sys.argv = ["leakguard", "scan", "app.env", "-q", "-f", "jsonl"]
from leakguard.__main__ import main
try:
    main()
finally:
    ended.set()
"""
    (tmp_path / "app.env").write_bytes(TEXT)
    root = str(Path(__file__).parents[2])
    environment = {**os.environ, "PYTHONPATH": root}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, check=False, timeout=60)
    assert done.returncode == 1
    assert [json.loads(line)["path"] for line in done.stdout.splitlines()] == ["app.env"]
    said = done.stderr.decode().splitlines()
    assert said.count("registered") == 1
    assert ("went on" in said) == (more == "thread")
    assert ("at once" in said) == (more == "")


def test_a_cache_that_cannot_be_kept_is_not_called_warm(tmp_path: Path) -> None:
    (tmp_path / "leakguard.toml").write_text('only = ["github"]\n')
    (tmp_path / "file").touch()

    def ends(folder: str, command: str) -> tuple[int, bytes]:
        environment = {**os.environ, "LEAKGUARD_CACHE_DIR": str(tmp_path / folder)}
        done = subprocess.run([*COMMAND, "cache", command], cwd=tmp_path, env=environment, capture_output=True, check=False)
        return done.returncode, done.stdout + done.stderr

    code, said = ends("file/cache", "warm")
    assert (code, b"could not be kept" in said, b"compiled\n" in said) == (3, True, False)
    assert ends("cache", "warm") == (0, b"compiled\n")
    assert ends("cache", "warm") == (0, b"already there\n")


# ---- secrets --------------------------------------------------------------------------------------------------------

FORMATS = ("text", "json", "jsonl", "sarif", "csv", "junit", "gitlab", "github")


def test_no_output_and_no_file_holds_a_secret(tmp_path: Path, environment: str) -> None:
    """Whatever the encoding and the format, and wherever else the value stands on its line."""
    target = tmp_path / "target"
    target.mkdir()
    needles: set[bytes] = set()
    for number, kind in enumerate(sorted(TEMPLATES)):
        text, _ = leak(kind, number)
        # of a phrase its words together: each alone is in any dictionary
        value = text.strip() if kind == "phrase" else max(text.replace(b"\n", b" ").replace(b'"', b" ").replace(b"=", b" ").split(), key=len)
        needles.add(value[:40])
        needles.add(value[-24:])
        (target / f"{kind}.txt").write_bytes(text.rstrip() + b"  # was " + text)
        for name, encode in ENCODINGS.items():
            (target / f"{kind}-{name.replace(' ', '-')}.txt").write_bytes(encode(text))
    assert len(needles) == 2 * len(TEMPLATES)
    for fmt in FORMATS:
        done = run(tmp_path, "scan", "target", "-f", fmt, "--receipt", f"{fmt}.receipt", "-o", f"{fmt}.out")
        assert done.returncode == 1
        written = b"".join((tmp_path / f"{fmt}.{part}").read_bytes() for part in ("out", "receipt"))
        assert len(written) > 1000
        for needle in needles:
            assert needle not in written + done.stdout + done.stderr
    for path in (path for path in Path(environment).rglob("*") if path.is_file()):
        content = path.read_bytes()
        assert not [needle for needle in needles if needle in content]


def test_a_password_in_an_argument_is_masked(tmp_path: Path) -> None:
    (tmp_path / "clean").write_bytes(b"x")
    run(tmp_path, "scan", "clean", "--exclude-path", "https://me:hunter2secret@host/x", "--receipt", "receipt.json")
    assert b"hunter2secret" not in (tmp_path / "receipt.json").read_bytes()
