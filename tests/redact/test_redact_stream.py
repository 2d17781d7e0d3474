"""Streams: what leaves when, and what goes over lines."""

from __future__ import annotations

import base64
import os
import select
import subprocess
import sys
import threading
import time

import pytest

from leakguard.redact import Redactor, Stream
from leakguard.redact.pump import follow, pump_many, writer
from leakguard.redact.stream import MAX_UNIT
from tests import leaks
from tests.redact.texts import clean_lines, leaky_lines, secret

KEY = secret(21, "{{alnum*64}}")
TOKEN = secret(22, "{{gen:github ghp_}}")


class Out(list[bytes]):
    def text(self) -> bytes:
        return b"".join(self)


@pytest.fixture
def out() -> Out:
    return Out()


def test_a_complete_line_leaves_at_once(redactor: Redactor, out: Out) -> None:
    stream = Stream(redactor, out.append)
    for line in clean_lines(1, 20):
        before = len(out.text())
        stream.feed(line)
        assert len(out.text()) == before + len(line)
        assert not stream.waiting


@pytest.mark.parametrize("prompt", [b"Continue? [y/N] ", b">>> ", b"(gdb) ", b"Password: ", b"Enter API key: ", b"45%", b"loading ..."])
def test_a_prompt_is_shown_when_nothing_comes(redactor: Redactor, out: Out, prompt: bytes) -> None:
    stream = Stream(redactor, out.append)
    stream.feed(prompt)
    assert out.text() == b""
    stream.idle()
    assert out.text() == prompt
    stream.feed(b"\nmore\n")
    assert out.text() == prompt + b"\nmore\n"


@pytest.mark.parametrize("cut", range(1, 90, 7))
@pytest.mark.parametrize("line", [line for line, _ in leaky_lines(50)] + [f"got {TOKEN} now\n".encode()])
def test_no_beginning_of_a_secret_is_shown(redactor: Redactor, out: Out, line: bytes, cut: int) -> None:
    """Whatever was shown of the line when it paused, no piece of the secret as long as eight bytes gets out."""
    values = {value for text, value in leaky_lines(50) if text == line} or {TOKEN.encode()}
    stream = Stream(redactor, out.append)
    stream.feed(line[:cut])
    stream.idle()
    stream.feed(line[cut:])
    stream.flush()
    for value in values:
        assert not any(value[at : at + 8] in out.text() for at in range(len(value) - 7))


def test_a_known_value_is_held_from_its_first_byte(own: Redactor, out: Out) -> None:
    value = "correct horse battery staple"
    own.register(value, "phrase")
    stream = Stream(own, out.append)
    for byte in b"it is correct horse battery staple!":
        stream.feed(bytes([byte]))
        stream.idle()
    stream.feed(b"\n")
    assert out.text() == b"it is <redacted:phrase>!\n" or out.text().startswith(b"it is <redacted:phrase:")
    assert b"horse" not in out.text()


def test_carriage_returns_end_units(redactor: Redactor, out: Out) -> None:
    stream = Stream(redactor, out.append)
    stream.feed(b" 10%\r 20%\r")
    assert out.text() == b" 10%\r"
    stream.idle()
    assert out.text() == b" 10%\r 20%\r"
    stream.feed(f"token={KEY}\r\ndone\r\n".encode())
    assert KEY.encode() not in out.text()
    assert out.text().endswith(b">\r\ndone\r\n")


def test_colours_inside_a_secret(redactor: Redactor, out: Out) -> None:
    text = f"\x1b[32mfound\x1b[0m {TOKEN[:12]}\x1b[1;31m{TOKEN[12:]}\x1b[0m end\n".encode()
    stream = Stream(redactor, out.append)
    stream.feed(text)
    plain = out.text().replace(b"\x1b[1;31m", b"")
    assert TOKEN.encode() not in plain
    assert out.text().startswith(b"\x1b[32mfound\x1b[0m <redacted:")
    assert out.text().endswith(b" end\n")


def test_bytes_that_are_no_text_pass_byte_for_byte(redactor: Redactor, out: Out) -> None:
    data = bytes(range(256)) * 40 + b"\n" + os.urandom(3000).replace(b"\0", b"\1") + b"\n"
    stream = Stream(redactor, out.append)
    stream.feed(data)
    stream.flush()
    assert out.text() == data


@pytest.mark.parametrize("prefix", [b"", b"2026-11-21 11:41:17 ERROR ", b"    "])
@pytest.mark.parametrize("close", [True, False])
def test_private_keys_over_lines(redactor: Redactor, out: Out, prefix: bytes, close: bool) -> None:
    text, _ = leaks.leak("pem", 5)
    lines = text.splitlines()[: None if close else -1]
    stream = Stream(redactor, out.append)
    for line in lines:
        stream.feed(prefix + line + b"\n")
    stream.flush()
    for line in lines:
        assert line.startswith(b"-----") or line not in out.text()
    assert out.text().count(b"\n") == len(lines)


def test_an_unfinished_private_key_ends_somewhere(redactor: Redactor, out: Out) -> None:
    stream = Stream(redactor, out.append)
    stream.feed(b"-----BEGIN PRIVATE KEY-----\n")
    line = b"an ordinary line with a tail of letters " + b"A" * 64 + b"\n"
    for _ in range(420):
        stream.feed(line)
    assert out[1] != line
    assert out[-1] == line


def test_a_private_key_in_one_line(redactor: Redactor, out: Out) -> None:
    text, _ = leaks.leak("pem", 6)
    line = b'{"key": "' + text.strip().replace(b"\n", b"\\n") + b'"}\n'
    stream = Stream(redactor, out.append)
    stream.feed(line)
    assert not any(part in out.text() for part in text.splitlines()[1:-1])
    import json

    assert json.loads(out.text())["key"].startswith("-----BEGIN")


@pytest.mark.parametrize("kind", ["github", "binance", "postgres"])
def test_wrapped_base64_is_seen_as_one(redactor: Redactor, out: Out, kind: str) -> None:
    text, value = leaks.leak(kind, 3)
    body = b"a long text that is wrapped " * 4 + b"\n" + text + b"and goes on for some more words after it\n" * 2
    wrapped = leaks.wrapped(body)
    stream = Stream(redactor, out.append)
    for line in wrapped.splitlines(keepends=True):
        stream.feed(line)
    stream.feed(b"\nthe next line\n")
    stream.flush()
    left = b"".join(base64.b64decode(p + b"=" * (-len(p) % 4)) for p in [out.text().partition(b"<")[0].replace(b"\n", b"")] if len(p) % 4 != 1)
    assert b"<redacted:" in out.text()
    assert value not in leaks.bare(left)
    assert out.text().endswith(b"\nthe next line\n")


def test_a_line_without_end_is_cut(redactor: Redactor, out: Out) -> None:
    stream = Stream(redactor, out.append)
    word = b"the order was filled "
    data = word * (3 * MAX_UNIT // len(word))
    stream.feed(data)
    assert len(out.text()) >= 2 * MAX_UNIT - 200_000
    stream.feed(f"token={KEY}".encode())
    stream.flush()
    assert out.text().startswith(data)
    assert KEY.encode() not in out.text()


def test_a_flood_costs_its_own_line_only(own: Redactor, out: Out) -> None:
    stream = Stream(own, out.append)
    stream.feed(b"before\n" + b"password=" * 20_000 + b"\nafter\n")
    assert out.text() == b"before\n<redacted:error>\nafter\n"
    assert own.stats().floods == 1


def test_what_cannot_be_checked_is_masked(own: Redactor, out: Out) -> None:
    def broken(*_: object) -> object:
        raise ValueError(KEY)

    own.runtime.merged.scan = broken  # type: ignore[method-assign, assignment]
    stream = Stream(own, out.append)
    stream.feed(b"one line\n")
    stream.flush()
    assert out.text() == b"<redacted:error>\n"
    assert own.stats().errors == 1


# ---------------------------------------------------------------- descriptors
def _read_for(handle: int, seconds: float, least: int) -> bytes:
    data = b""
    until = time.monotonic() + seconds
    while len(data) < least and select.select([handle], [], [], max(0, until - time.monotonic()))[0]:
        piece = os.read(handle, 65536)
        if not piece:
            break
        data += piece
    return data


def test_a_pipe_is_interactive(redactor: Redactor) -> None:
    (theirs, ours), (back, away) = os.pipe(), os.pipe()
    work = threading.Thread(target=pump_many, args=([(theirs, Stream(redactor, writer(away)))],))
    work.start()
    try:
        os.write(ours, b"a line\nname? ")
        assert _read_for(back, 10, 13) == b"a line\nname? "
        os.write(ours, f"token={KEY}".encode())
        os.write(ours, b"\n")
        got = _read_for(back, 10, 20)
        assert got.startswith(b"token=<redacted:")
    finally:
        os.close(ours)
        work.join()
        for handle in (theirs, back, away):
            os.close(handle)


def test_files_are_followed_through_rotation(redactor: Redactor, tmp_path: object) -> None:
    path = f"{tmp_path}/app.log"
    out = Out()
    rows = [(b"first\n", ""), (f"token={KEY}\n".encode(), ""), (b"after rotation\n", "rename"), (b"x\n", "truncate")]
    with open(path, "wb") as file:
        file.write(rows[0][0])
    seen = [0]

    def goes_on() -> bool:
        done = out.text().count(b"\n")
        if done == len(rows):
            return False
        if done > seen[0]:
            seen[0] = done
            line, how = rows[done]
            if how == "rename":
                os.rename(path, path + ".1")
            with open(path, "wb" if how == "truncate" else "ab") as file:
                file.write(line)
        return True

    follow(redactor, [path], out.append, lambda: (seen.__setitem__(0, seen[0]) or goes_on()))
    assert out[0] == b"first\n"
    assert KEY.encode() not in out.text()
    assert out.text().endswith(b"after rotation\nx\n")


def run(*arguments: str, **kwargs: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "leakguard", "redact", *arguments], capture_output=True, check=False, timeout=120,
        **kwargs,  # type: ignore[call-overload]
    )  # fmt: skip


def test_the_command_copies_without_secrets(tmp_path: object) -> None:
    done = run(input=f"one\ntoken={KEY}\n\xff\n".encode("latin-1"))
    assert done.returncode == 0
    assert done.stdout.startswith(b"one\ntoken=<redacted:")
    assert done.stdout.endswith(b">\n\xff\n")
    path = f"{tmp_path}/a.log"
    with open(path, "w") as file:
        file.write(f"secret={KEY}\n")
    done = run(path, f"{tmp_path}/missing")
    assert done.returncode == 3
    assert KEY.encode() not in done.stdout
    assert b"missing" in done.stderr


def test_a_childs_outputs_are_apart_and_its_code_is_ours() -> None:
    script = f"import sys, os; print('token={KEY}'); os.write(2, b'api_secret={KEY}\\n'); sys.exit(7)"
    done = run("--", sys.executable, "-c", script)
    assert done.returncode == 7
    assert KEY.encode() not in done.stdout + done.stderr
    assert done.stdout.startswith(b"token=<redacted:")
    assert done.stderr.startswith(b"api_secret=<redacted:")
    assert run("--", sys.executable, "-c", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)").returncode == 137
    assert run("--", "no-such-command-at-all").returncode == 127


def test_a_reader_that_goes_away_ends_it_as_it_ends_cat() -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", "leakguard", "redact"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        bufsize=0,
    )  # fmt: skip
    assert child.stdin
    assert child.stdout
    assert child.stderr
    child.stdin.write(b"one\n")
    child.stdin.flush()
    assert child.stdout.readline() == b"one\n"
    child.stdout.close()
    try:
        for _ in range(100_000):
            child.stdin.write(b"more and more\n")
    except BrokenPipeError:
        pass
    child.stdin.close()
    assert child.wait(timeout=60) == -13
    assert child.stderr.read() == b""
    child.stderr.close()


@pytest.mark.parametrize("arguments", [
    ["--"], ["a", "--", "b"], ["--in-place"], ["--follow"], ["--dry-run"], ["--backup", "sealed", "--in-place", "x"],
    ["--escrow", "x"], ["--style", "rot13"],
], ids=" ".join)  # fmt: skip
def test_mistakes_end_with_two(arguments: list[str]) -> None:
    assert run(*arguments, input=b"").returncode == 2


def test_known_values_come_from_files_and_the_environment(tmp_path: object) -> None:
    path = f"{tmp_path}/one.env"
    with open(path, "w") as file:
        file.write("# a comment\nexport DB_PASSWORD='a plain phrase'\nCOLOUR=green and blue\n")
    text = b"a plain phrase / green and blue / words of the env\n"
    done = run("--known", path, "--env", "MY_*", input=text, env={**os.environ, "MY_THING": "words of the env"})
    assert done.stdout == b"<redacted:DB_PASSWORD> / green and blue / <redacted:MY_THING>\n" or (
        b"plain phrase" not in done.stdout and b"words of" not in done.stdout and b"green and blue" in done.stdout
    )


def test_known_values_that_are_none_are_told(tmp_path: object) -> None:
    path = f"{tmp_path}/one.env"
    with open(path, "w") as file:
        file.write("COLOUR=green and blue\n")
    done = run("--known", path, "--env", "NO_SUCH_*", input=b"green and blue\n")
    assert (done.returncode, done.stdout) == (0, b"green and blue\n")
    assert [line.partition(b": ")[2].split(b" ")[0] for line in done.stderr.splitlines()] == [b"--env", b"--known"]
    with open(path, "w") as file:
        file.write("DB_PASSWORD=words\n" * (1 << 20))
    done = run("--known", path, input=b"words\n")
    assert (done.returncode, done.stdout, b"too large" in done.stderr) == (3, b"", True)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_standard_output_is_said() -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "leakguard", "redact"], input=b"words\n" * 10, stdout=full, stderr=subprocess.PIPE,
            check=False, timeout=120,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (3, b"leakguard: error: standard output: No space left on device\n")
