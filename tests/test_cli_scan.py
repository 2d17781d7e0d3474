"""`leakguard scan` as its users run it: whole processes on real files."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest
from repos import Repository

from leakguard.detect.generate import expand

TOKEN = expand("{{gen:github ghp_}}", Random(11))
PASSWORD = expand("{{alnum*18}}", Random(12))

pytestmark = pytest.mark.usefixtures("loaded")


def run(*arguments: str, folder: Path, stdin: bytes | None = None, **kwargs: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "leakguard", *arguments], cwd=folder, input=stdin, capture_output=True, check=False,
        timeout=120, **kwargs,
    )  # fmt: skip


@pytest.fixture
def leaky(tmp_path: Path) -> Path:
    (tmp_path / "app.env").write_text(f"DEBUG=1\nGITHUB_TOKEN={TOKEN}\n")
    (tmp_path / "clean.txt").write_text("nothing here\n")
    return tmp_path


def test_findings_end_with_one_and_no_output_holds_the_secret(leaky: Path) -> None:
    done = run("scan", ".", "--receipt", "receipt.json", folder=leaky)
    assert done.returncode == 1
    assert b"app.env:2:14" in done.stdout
    for output in (done.stdout, done.stderr, (leaky / "receipt.json").read_bytes()):
        assert TOKEN.encode() not in output


def test_clean_ends_with_zero(leaky: Path) -> None:
    assert run("scan", "clean.txt", folder=leaky).returncode == 0


def test_show_secrets_shows_them_in_a_private_file(leaky: Path) -> None:
    done = run("scan", "app.env", "-f", "jsonl", "-o", "out.jsonl", "--show-secrets", folder=leaky)
    assert done.returncode == 1
    record = json.loads((leaky / "out.jsonl").read_text())
    assert record["secret"] == TOKEN
    assert stat.S_IMODE((leaky / "out.jsonl").stat().st_mode) == 0o600


@pytest.mark.parametrize(("options", "code"), [(["--exit-zero"], 0), (["--exit-code", "7"], 7), ([], 1)])
def test_the_exit_code_of_findings_can_be_chosen(leaky: Path, options: list[str], code: int) -> None:
    assert run("scan", "app.env", *options, folder=leaky).returncode == code


@pytest.mark.parametrize(
    "arguments", [["nowhere"], ["app.env", "nowhere"], [], ["app.env", "-f", "nope"], ["app.env", "--only", "nobody"], ["--nope"]]
)
def test_a_mistake_ends_with_two_and_scans_nothing(leaky: Path, arguments: list[str]) -> None:
    done = run("scan", *arguments, folder=leaky)
    assert done.returncode == 2
    assert b"app.env:2" not in done.stdout
    assert b"Traceback" not in done.stderr


def test_every_finding_has_the_promised_fields(leaky: Path) -> None:
    done = run("scan", "app.env", "-f", "jsonl", folder=leaky)
    record = json.loads(done.stdout)
    assert {
        "rule", "provider", "part", "severity", "confidence", "fingerprint", "path", "start_line", "start_column",
        "end_line", "end_column", "start_byte", "end_byte", "masked", "origin",
    } <= set(record)  # fmt: skip
    assert "secret" not in record
    data = (leaky / "app.env").read_bytes()
    assert data[record["start_byte"] : record["end_byte"]] == TOKEN.encode()
    assert (record["start_line"], record["start_column"]) == (2, 14)


def test_standard_input_is_scanned(leaky: Path) -> None:
    done = run("scan", "-", folder=leaky, stdin=f"x\nGITHUB_TOKEN={TOKEN}\n".encode())
    assert done.returncode == 1
    assert b"<stdin>:2" in done.stdout


def test_the_environment_of_a_process_is_read(tmp_path: Path) -> None:
    """/proc/PID/environ and a core dump part variables by NUL bytes: each value went on to the end of the next words."""
    rng = Random(7)
    secret, key = expand("{{alnum*40}}", rng), expand("{{alnum*64}}", rng)
    dump = f"HOME=/root\0AWS_SECRET_ACCESS_KEY={secret}\0BINANCE_API_SECRET={key}\0TERM=dumb\0"
    (tmp_path / "environ").write_bytes(dump.encode())
    (tmp_path / "core").write_bytes(b"\x7fELF\2\1\1" + bytes(200) + dump.encode() + bytes(200))
    found = [json.loads(line) for line in run("scan", ".", "-f", "jsonl", folder=tmp_path).stdout.splitlines()]
    assert sorted((one["path"], one["rule"]) for one in found) == [
        ("core", "aws.secret-access-key"), ("core", "binance.api-secret"),
        ("environ", "aws.secret-access-key"), ("environ", "binance.api-secret"),
    ]  # fmt: skip


def test_what_cannot_be_read_is_said_and_never_clean(tmp_path: Path) -> None:
    (tmp_path / "fine.txt").write_text("fine\n")
    os.mkfifo(tmp_path / "pipe")
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(tmp_path / "sock"))
    done = run("scan", "pipe", "fine.txt", folder=tmp_path)
    server.close()
    assert done.returncode == 3
    assert b"fifo" in done.stderr
    done = run("scan", ".", "--receipt", "receipt.json", folder=tmp_path)
    receipt = json.loads((tmp_path / "receipt.json").read_text())
    assert receipt["skipped"]["reasons"] == {"fifo": 1, "socket": 1}
    assert done.returncode == 0


def test_an_unreadable_file_gives_three_and_findings_win(leaky: Path) -> None:
    locked = leaky / "locked"
    locked.write_text("x")
    locked.chmod(0)
    leaky.chmod(0o755)
    become = {"user": 65534, "group": 65534} if os.geteuid() == 0 else {}
    for folder in (leaky, *leaky.parents, *Path(__file__).resolve().parents, *Path(sys.executable).parents,
        *Path(sys.executable).resolve().parents):
        if become and not folder.stat().st_mode & 0o001:
            pytest.skip("the temporary folder is closed to other users")
    environment = {**os.environ, "LEAKGUARD_CACHE_DIR": ""}
    alone = run("scan", "locked", "clean.txt", folder=leaky, env=environment, **become)
    both = run("scan", "locked", "app.env", folder=leaky, env=environment, **become)
    assert alone.returncode == 3
    assert b"locked" in alone.stderr + alone.stdout
    assert both.returncode == 1
    assert b"locked" in both.stdout + both.stderr


def test_a_full_disk_ends_with_three(leaky: Path) -> None:
    done = run("scan", "app.env", "-o", "/dev/full", folder=leaky)
    assert done.returncode == 3
    assert b"/dev/full" in done.stderr
    assert b"Traceback" not in done.stderr


def test_no_half_report_is_left(leaky: Path) -> None:
    done = run("scan", "app.env", "-o", "missing/out.json", folder=leaky)
    assert done.returncode == 3
    assert not (leaky / "missing").exists()


def test_the_receipt_accounts_for_every_byte(leaky: Path) -> None:
    run("scan", "app.env", "clean.txt", "--receipt", "receipt.json", folder=leaky)
    receipt = json.loads((leaky / "receipt.json").read_text())
    assert receipt["objects"] == 2
    assert receipt["bytes"] == sum((leaky / name).stat().st_size for name in ("app.env", "clean.txt"))
    assert receipt["rules_digest"]
    assert receipt["config_digest"]
    assert receipt["complete"] is True


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("[pack\n", "not valid TOML"),
        ('[pack]\nprovider = "x"\ntitle = "X"\ncolour = 1\n', "colour"),
        ('[pack]\nprovider = "x"\ntitle = "X"\n[[rule]]\nid = "x.y"\ntitle = "t"\npart = "api-key"\nseverity = "low"\n'
         'confidence = "low"\nkeywords = ["abc"]\npattern = "abc(?P<secret>[a-z]+)"\n', "pattern"),
    ],
)  # fmt: skip
def test_a_broken_pack_ends_with_two_naming_file_and_field(leaky: Path, text: str, field: str) -> None:
    (leaky / "mine.toml").write_text(text)
    done = run("scan", "app.env", "--rules", "mine.toml", folder=leaky)
    assert done.returncode == 2
    assert b"mine.toml" in done.stderr
    assert field.encode() in done.stderr


def test_hostile_names_do_not_reach_the_terminal(tmp_path: Path) -> None:
    name = "a\x1b[31m\n::error::x\u202e.env"
    (tmp_path / name).write_text(f"GITHUB_TOKEN={TOKEN}\n")
    for fmt in ("text", "github", "csv", "junit"):
        done = run("scan", ".", "-f", fmt, folder=tmp_path)
        assert done.returncode == 1
        for line in (done.stdout + done.stderr).decode().splitlines():
            assert "\x1b" not in line
            assert "\u202e" not in line
            assert not line.startswith("::error::x")


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX")
@pytest.mark.parametrize(
    ("setting", "coloured"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False), ({"TERM": ""}, True)],
)
def test_colours_are_for_terminals_that_show_them(leaky: Path, setting: dict[str, str], coloured: bool) -> None:
    import pty

    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "leakguard", "scan", "app.env", "-q"], cwd=leaky, stdout=theirs, stdin=subprocess.DEVNULL,
        env={**os.environ, "TERM": "xterm", **setting},
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    try:
        while more := os.read(ours, 65536):
            shown += more
    except OSError:
        pass  # Linux says so when the last writer is gone
    os.close(ours)
    assert process.wait(60) == 1
    assert (b"\x1b[" in shown) is coloured


def test_a_configuration_in_the_target_is_not_trusted(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    (target / "app.env").write_text(f"GITHUB_TOKEN={TOKEN}\n")
    (target / "leakguard.toml").write_text('exclude = ["github", "generic"]\n')
    inside = run("scan", ".", folder=target)
    trusted = run("scan", ".", "--trust-target", folder=target)
    outside = run("scan", "target", folder=tmp_path)
    assert (inside.returncode, outside.returncode, trusted.returncode) == (1, 1, 0)
    assert b"--trust-target" in inside.stderr


def test_a_configuration_where_the_command_runs_is_used(tmp_path: Path) -> None:
    (tmp_path / "target").mkdir()
    (tmp_path / "target" / "app.env").write_text(f"GITHUB_TOKEN={TOKEN}\n")
    (tmp_path / "pyproject.toml").write_text('[tool.leakguard]\nexclude = ["github", "generic"]\n')
    assert run("scan", "target", folder=tmp_path).returncode == 0
    shown = run("config", "show", folder=tmp_path)
    assert b'exclude = ["github", "generic"]' in shown.stdout
    assert b"pyproject.toml" in shown.stdout


def test_an_unknown_key_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "leakguard.toml").write_text("exlude = []\n")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x").write_text("x")
    done = run("scan", "a", folder=tmp_path)
    assert done.returncode == 2
    assert b"exlude" in done.stderr
    assert b"exclude?" in done.stderr


def test_an_interrupt_ends_with_130_and_takes_the_workers_along(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "slow")
    reader = os.open(tmp_path / "slow", os.O_RDWR)
    process = subprocess.Popen(
        [sys.executable, "-m", "leakguard", "scan", "-"], stdin=reader, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        start_new_session=True, cwd=tmp_path,
    )  # fmt: skip
    os.write(reader, b"some text\n")
    time.sleep(1.5)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    os.close(reader)
    assert process.returncode == 130
    assert b"Traceback" not in errors


def _children(pid: int) -> list[int]:
    with open(f"/proc/{pid}/task/{pid}/children") as handle:
        return [int(child) for child in handle.read().split()]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_killed_worker_is_reported_and_the_rest_scanned(tmp_path: Path) -> None:
    for number in range(24):
        with open(tmp_path / f"{number:02}.log", "wb") as out:
            out.write((b"2026-11-21 10:00:00 INFO order filled at a price\n" * 80_000) + f"T={TOKEN}\n".encode())
    process = subprocess.Popen(
        [sys.executable, "-m", "leakguard", "scan", ".", "-j", "2", "--receipt", "../receipt.json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path,
    )  # fmt: skip
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and not _children(process.pid):
        time.sleep(0.005)
    children = _children(process.pid)
    assert children
    os.kill(children[0], signal.SIGKILL)
    _, errors = process.communicate(timeout=120)
    receipt = json.loads((tmp_path.parent / "receipt.json").read_text())
    assert process.returncode in (1, 3)
    assert b"Traceback" not in errors
    if receipt["failed"]["count"]:  # it held a batch
        assert "died" in next(iter(receipt["failed"]["reasons"]))
        assert receipt["complete"] is False
    assert receipt["objects"] + receipt["failed"]["count"] >= 24


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="peak memory is read from wait4")
def test_a_huge_line_needs_bounded_memory(tmp_path: Path) -> None:
    with open(tmp_path / "line.log", "wb") as out:
        for _ in range(200):
            out.write(b"x=1 price and size " * 55_188)
        out.write(f" GITHUB_TOKEN={TOKEN}".encode())
    # A small process in between: the kernel counts the memory of whoever forked as the child's own peak.
    launcher = (
        "import resource, subprocess, sys\n"
        "done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)\n"
        "print(done.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
    )
    command = [sys.executable, "-m", "leakguard", "scan", "line.log", "-q", "-j", "1"]
    done = subprocess.run(
        [sys.executable, "-c", launcher, *command], cwd=tmp_path, stdout=subprocess.PIPE, check=True, text=True
    )
    code, peak_kib = map(int, done.stdout.split())
    assert code == 1
    assert peak_kib < 250 * 1024


def test_a_cache_folder_that_is_none_still_scans(leaky: Path) -> None:
    (leaky / "file").write_text("x")
    done = run("scan", "app.env", folder=leaky, env={**os.environ, "LEAKGUARD_CACHE_DIR": str(leaky / "file")})
    assert done.returncode == 1


def test_sets_are_named_with_what_they_allow(tmp_path: Path) -> None:
    random = Random(3)
    key, secret = expand("{{alnum*64}}", random), expand("{{alnum*64}}", random)
    (tmp_path / "config.json").write_text(
        json.dumps({"exchange": {"name": "binance", "key": key, "secret": secret}}, indent=2)
    )
    done = run("scan", "config.json", "-f", "json", folder=tmp_path)
    document = json.loads(done.stdout)
    assert [made["provider"] for made in document["sets"]] == ["binance"]
    assert document["sets"][0]["complete"] is True
    assert {finding["rule"] for finding in document["findings"]} == {"binance.api-key", "binance.api-secret"}
    text = run("scan", "config.json", folder=tmp_path).stdout.decode()
    assert "Binance" in text
    assert "withdraw" in text


def test_a_filter_that_matches_nothing_is_a_mistake(leaky: Path) -> None:
    done = run("scan", ".", "--include-path", "*.envv", folder=leaky)
    assert done.returncode == 2
    assert b"*.envv" in done.stderr


@pytest.mark.parametrize("packed", [False, True])
def test_a_git_history_among_files_is_told_or_read(tmp_path: Path, packed: bool) -> None:
    repo = Repository(tmp_path / "work")
    repo.write("old.env", f"GITHUB_TOKEN={TOKEN}\n")
    repo.git("add", "-A")
    repo.git("commit", "-qm", "one")
    repo.git("rm", "-q", "old.env")
    repo.git("commit", "-qm", "two")
    if packed:
        repo.git("gc", "-q")
    plain = run("scan", "work", "--receipt", "r.json", folder=tmp_path)
    assert plain.returncode == 0
    assert b"git history, not read: use leakguard git" in plain.stdout
    (reason,) = json.loads((tmp_path / "r.json").read_text())["skipped"]["reasons"]
    assert reason.startswith("git history")
    assert run("scan", "work", "--strict", folder=tmp_path).returncode == 3
    read = run("scan", "work", "--git-objects", "--strict", "-f", "jsonl", folder=tmp_path)
    assert read.returncode == 1
    record = json.loads(read.stdout.splitlines()[0])
    assert record["rule"] == "github.personal-access-token"
    assert b"skipped 0" in read.stderr
    written = run("extract", record["path"], "-o", "out", folder=tmp_path)
    assert written.returncode == 0
    assert (tmp_path / "out").read_text().endswith(f"GITHUB_TOKEN={TOKEN}\n")  # a loose object has its kind before it


def test_a_repository_without_objects_has_no_history(tmp_path: Path) -> None:
    Repository(tmp_path / "work")
    done = run("scan", "work", folder=tmp_path)
    assert done.returncode == 0
    assert b"skipped 0" in done.stderr
