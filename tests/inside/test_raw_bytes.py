"""Core dumps, swap, memory and disks: streams of bytes, read as 8-bit text and as UTF-16 in either order."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from nests import tar
from scanned import findings
from test_inside_scan import token

from leakguard.model import MAX_MATCH
from leakguard.sources.windows import REACH, WINDOW

pytestmark = pytest.mark.usefixtures("loaded")

ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be")


def image(size: int, seed: int) -> bytearray:
    """Memory, more or less: zeros, random pages, pointers, text."""
    noise = Random(seed)
    out = bytearray()
    while len(out) < size:
        kind = noise.randrange(4)
        if kind == 0:
            out += bytes(4096)
        elif kind == 1:
            out += noise.randbytes(4096)
        elif kind == 2:
            out += b"".join((0x7F00_0000_0000 + noise.randrange(1 << 30)).to_bytes(8, "little") for _ in range(512))
        else:
            out += (b"/usr/lib/x86_64-linux-gnu/libc.so.6\0GLIBC_2.34\0" * 90)[:4096]
    return out[:size]


@pytest.fixture(scope="module")
def made() -> bytes:
    return bytes(image(17 * 1024 * 1024 + 7, 1))


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("odd", [0, 1])
def test_text_at_any_offset_of_a_big_binary(encoding: str, odd: int, made: bytes, tmp_path: Path) -> None:
    """At even and odd places, at page borders, and across where windows and parts of files meet."""
    data = bytearray(made)
    places = [10_000, 4096 * 500 - 31, WINDOW - 40, WINDOW + 500, 8 * 1024 * 1024 - 21, 2 * WINDOW + REACH - 11, len(data) - 400]
    planted = {}
    for number, place in enumerate(places):
        text = f"\0\0GITHUB_TOKEN={token(number)}\0\0".encode(encoding)
        at = place - place % 2 + odd
        data[at : at + len(text)] = text
        planted[token(number)] = at + len("\0\0GITHUB_TOKEN=".encode(encoding))
    (tmp_path / "memory.img").write_bytes(data)
    found = {str(r["secret"]): int(str(r["start_byte"])) for r in findings(tmp_path, "memory.img")}
    assert found.keys() == planted.keys()
    # between NULs either order reads the same text: the place may be that of the byte beside it
    assert all(abs(found[secret] - planted[secret]) <= (encoding != "utf-8") for secret in planted)


def test_both_orders_side_by_side_and_inside_of_an_archive(tmp_path: Path) -> None:
    data = image(300_000, 2)
    at = 1001
    for number, encoding in enumerate(ENCODINGS * 2):
        text = f"\0\0GITHUB_TOKEN={token(number)}\0\0".encode(encoding)
        data[at : at + len(text)] = text
        at += len(text) + 1
    (tmp_path / "x.tar.gz").write_bytes(gzip.compress(tar([("var/core.1234", bytes(data))])))
    found = findings(tmp_path, ".")
    assert {r["secret"] for r in found} == {token(number) for number in range(6)}
    assert {r["path"] for r in found} == {"x.tar.gz!/var/core.1234"}
    assert len(found) == 6


def test_a_wide_private_key_with_its_lines(tmp_path: Path) -> None:
    from leaks import leak

    text, _ = leak("pem", 1)
    data = image(200_000, 3)
    wide = text.decode().replace("\n", "\r\n").encode("utf-16-le")
    data[50_001 : 50_001 + len(wide)] = wide
    (tmp_path / "pagefile.sys").write_bytes(data)
    assert [str(r["rule"]) for r in findings(tmp_path, ".")] != []


def test_a_real_core_dump(tmp_path: Path) -> None:
    tool = shutil.which("gcore")
    if tool is None:
        pytest.skip("needs gcore")
    program = (
        "import sys\nkeep = sys.stdin.readline().strip()\nwide = keep.encode('utf-16-le')\n"
        "print('ready', flush=True)\nsys.stdin.readline()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={"PATH": os.defpath}
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"GITHUB_TOKEN={token(9)}\n".encode())
        process.stdin.flush()
        process.stdout.readline()
        made = subprocess.run([tool, "-o", tmp_path / "core", str(process.pid)], capture_output=True, check=False)
        process.stdin.close()
    cores = list(tmp_path.glob("core.*"))
    if made.returncode or not cores:
        pytest.skip("this system lets no process be dumped")
    found = findings(tmp_path, cores[0].name)
    assert token(9) in {str(r["secret"])[: len(token(9))] for r in found}
    assert any("utf-16le" in str(r.get("view", "")) for r in found)


def test_one_line_without_end_is_read_in_windows(tmp_path: Path) -> None:
    """Neither its length nor a run in it that is longer than any window takes more than windows of memory."""
    program = (
        "import resource, subprocess, sys\n"
        "done = subprocess.run([sys.executable, '-m', 'leakguard', 'scan', '-j', '1', '-f', 'jsonl', '--show-secrets', 'one.log'])\n"
        "print('peak', resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
    )
    with (tmp_path / "one.log").open("wb") as handle:
        for _ in range(30):
            handle.write(b"x y " * 262_144)
        handle.write(b" GITHUB_TOKEN=" + token(8).encode() + b" ")
        for _ in range(20):
            handle.write(b"{'a':1}," * 131_072)
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, check=True, text=True, timeout=300)
    assert token(8) in done.stdout
    assert int(done.stdout.rsplit("peak ", 1)[1]) < 300 * 1024
    assert MAX_MATCH < REACH
