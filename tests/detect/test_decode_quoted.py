"""Runs of base64 whose lines are quoted, numbered or pieces of a list, and packed data as hex digits."""

from __future__ import annotations

import base64
import bz2
import gzip
import lzma
import struct
import zlib
from collections.abc import Callable
from random import Random

import lz4.frame
import pytest
import zstandard
from leaks import leak, noise, secrets

from leakguard.detect.engine import Engine

MARKS: dict[str, Callable[[int, str], str]] = {
    "an answer": lambda _, line: "> " + line,
    "an answer to an answer": lambda _, line: "> > " + line,
    "a comment": lambda _, line: "# " + line,
    "another comment": lambda _, line: "    // " + line,
    "a block of a comment": lambda _, line: " * " + line,
    "a table": lambda _, line: "  | " + line,
    "a list": lambda _, line: f'    "{line}",',
    "cat -n": lambda number, line: f"{number:6d}\t{line}",
    "strings": lambda _, line: f"  '{line}'",
}


def _lines(data: bytes, width: int) -> list[str]:
    digits = base64.b64encode(data).decode()
    return [digits[at : at + width] for at in range(0, len(digits), width)]


@pytest.mark.parametrize("name", sorted(MARKS))
@pytest.mark.parametrize("width", [60, 64, 76])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_lines_behind_a_mark_are_one_run(engine: Engine, name: str, width: int, end: str) -> None:
    for seed in range(4):
        text, secret = leak("binance", seed)
        data = b"# what the service is told\nNAME=service\n" + text + b"DEBUG=no\n"
        quoted = end.join(MARKS[name](number, line) for number, line in enumerate(_lines(data, width), 1))
        for before, after in (("@@ -0,0 +1,9 @@" + end, ""), ("Bob wrote:" + end, end + "so far" + end)):
            assert secret in secrets(engine, (before + quoted + after).encode())


def test_values_of_a_list_that_are_short_are_no_lines(engine: Engine) -> None:
    values = [base64.b64encode(f"name-{number:02d}=value-of-it".encode() + b".." * 5).decode()[:40] for number in range(6)]
    text, secret = leak("github", 3)
    data = "".join(f'  "{value}",\n' for value in values).encode() + text
    assert secret in secrets(engine, data)


def test_text_that_begins_with_a_mark_of_its_order(engine: Engine) -> None:
    text, secret = leak("binance", 5)
    data = b'{"data": "' + base64.b64encode(b"\xef\xbb\xbf[settings]\r\n" + text) + b'"}'
    assert secret in secrets(engine, data)


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zlib": zlib.compress,
    "quick zlib": lambda data: zlib.compress(data, 1),
    "best zlib": lambda data: zlib.compress(data, 9),
    "COMPRESS() of MySQL": lambda data: struct.pack("<I", len(data)) + zlib.compress(data),
    "xz": lzma.compress,
    "bzip2": bz2.compress,
    "zstd": zstandard.compress,
    "lz4": lz4.frame.compress,
}


@pytest.mark.parametrize("name", sorted(PACKERS))
@pytest.mark.parametrize("before", ["'\\x", "0x", '{"data":"'])
@pytest.mark.parametrize("upper", [False, True])
def test_packed_data_in_hex(engine: Engine, name: str, before: str, upper: bool) -> None:
    text, secret = leak("binance", 9)
    digits = PACKERS[name](noise(4, 700) + b"\n" + text + noise(5, 700)).hex()
    data = ("INSERT INTO t VALUES (1, " + before + (digits.upper() if upper else digits) + "');\n").encode()
    assert secret in secrets(engine, data)
    assert secret not in secrets(engine, data[: len(data) // 4])  # cut off: nothing, and no failure


def test_digests_that_begin_as_packed_data_does_cost_little(engine: Engine) -> None:
    random = Random(4)
    lines = "".join(f"78da{random.randbytes(30).hex()}  file\n" for _ in range(20_000)).encode()
    result = engine.scan(lines)
    assert not result.matches
