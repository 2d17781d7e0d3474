"""Bytes that programs of old write as text, firmware, and tokens that other strings are glued to: what decode/written.py undoes."""

from __future__ import annotations

import base64
import binascii
import gzip
import lzma
import struct
import time
import zlib
from collections.abc import Callable
from random import Random
from urllib.parse import quote

import pytest
from leaks import bare, leak, noise, secrets

from leakguard.detect import decode
from leakguard.detect.decode.base import MAX_VIEW
from leakguard.detect.engine import Engine
from leakguard.detect.generate import expand


def _wrapped(data: bytes, width: int) -> bytes:
    return b"\n".join(data[at : at + width] for at in range(0, len(data), width))


def uu(data: bytes) -> bytes:
    lines = b"".join(binascii.b2a_uu(data[at : at + 45]) for at in range(0, len(data), 45))
    return b"begin 644 app.env\n" + lines + b"`\nend\n"


def yenc(data: bytes) -> bytes:
    out = bytearray()
    for at, byte in enumerate(data):
        value = (byte + 42) & 255
        out += bytes((61, (value + 64) & 255)) if value in (0, 10, 13, 61) else bytes((value,))
        out += b"\r\n" if at % 128 == 127 else b""
    return b"=ybegin line=128 size=%d name=app.env\r\n" % len(data) + bytes(out) + b"\r\n=yend size=%d\r\n" % len(data)


def intel(data: bytes) -> bytes:
    out = b""
    for at in range(0, len(data), 16):
        line = bytes((len(data[at : at + 16]),)) + struct.pack(">H", at & 0xFFFF) + b"\0" + data[at : at + 16]
        out += b":" + (line + bytes((-sum(line) & 255,))).hex().upper().encode() + b"\r\n"
    return out + b":00000001FF\r\n"


def motorola(data: bytes) -> bytes:
    out = b"S00600004844521B\n"
    for at in range(0, len(data), 16):
        line = bytes((len(data[at : at + 16]) + 5,)) + struct.pack(">I", at) + data[at : at + 16]
        out += b"S3" + (line + bytes((~sum(line) & 255,))).hex().upper().encode() + b"\n"
    return out + b"S70500000000FA\n"


def diagram(data: bytes) -> bytes:
    packed = zlib.compress(quote(data.decode()).encode())[2:-4]
    return b'<mxfile><diagram id="a" name="Page-1">' + base64.b64encode(packed) + b"</diagram></mxfile>"


WRITTEN: dict[str, Callable[[bytes], bytes]] = {
    "uuencode": uu,
    "yEnc": yenc,
    "ASCII85": lambda data: base64.a85encode(data, adobe=True, wrapcol=76),
    "ASCII85, packed": lambda data: base64.a85encode(gzip.compress(data), adobe=True),
    "base32": lambda data: b"base32: " + base64.b32encode(data),
    "base32, wrapped": lambda data: b"base32 -d <<E\n" + _wrapped(base64.b32encode(data), 76),
    "Intel": intel,
    "Motorola": motorola,
    "draw.io": diagram,
    "LZMA alone": lambda data: b"\0\xff\1\2" + lzma.compress(data, format=lzma.FORMAT_ALONE),
}


@pytest.mark.parametrize("name", sorted(WRITTEN))
@pytest.mark.parametrize("kind", ["github", "binance", "postgres"])
def test_what_is_written_so_is_read(engine: Engine, name: str, kind: str) -> None:
    for seed in range(3):
        text, secret = leak(kind, seed)
        data = b"# what the service is told\n" + text + b"DEBUG=no\nNAME=service\n"
        before = noise(seed, 3000).replace(b"begin", b"start") + b"\n"
        assert secret in secrets(engine, before + WRITTEN[name](data) + b"\n" + noise(seed, 300))


@pytest.mark.parametrize("name", sorted(WRITTEN))
def test_what_is_cut_off_or_damaged_fails_nowhere(engine: Engine, name: str) -> None:
    text, _ = leak("binance", 3)
    data = b"x" * 2100 + b"\n" + WRITTEN[name](b"NAME=service\n" * 20 + text)
    random = Random(name)
    for _ in range(60):
        broken = bytearray(data[: random.randrange(2100, len(data))])
        for _ in range(random.randrange(4)):
            broken[random.randrange(len(broken))] = random.randrange(256)
        engine.scan(bytes(broken))


@pytest.mark.parametrize("name", ["uuencode", "base32", "base32, wrapped", "Intel", "Motorola"])
def test_places_are_those_of_the_run(engine: Engine, name: str) -> None:
    text, secret = leak("github", 8)
    text = b"\n# what the service is told, and where it stands in what is told\n" + text
    data = b"y " * 1200 + b"\n" + WRITTEN[name](text) + b"\n"
    match = next(match for match in engine.scan(data).matches if bare(match.secret or b"") == secret)
    run = data[match.start : match.end]
    assert 1.3 * len(secret) < len(run) < 3.2 * len(secret)
    base = data.index(WRITTEN[name](text))
    share = text.index(secret) / len(text)
    assert abs((match.start - base) / len(WRITTEN[name](text)) - share) < 0.12


def test_a_begin_line_near_the_start_is_left_to_the_reader_of_files() -> None:
    text, _ = leak("github", 2)
    data = b"a few words\n" + uu(text)
    assert list(decode.Runs(data, [("uuencode", data.index(b"env\n") + 5)])) == []


@pytest.mark.parametrize("name", ["ghp_", "gho_", "ghs_"])
@pytest.mark.parametrize("glue", [b"open file", b"0"])
def test_tokens_in_programs_whose_strings_have_no_ends(engine: Engine, name: str, glue: bytes) -> None:
    token = expand("{{gen:github " + name + "}}", Random(name)).encode()
    data = b"\x7fELF" + bytes(60) + b"invalid argumentbad pointer" + glue + token + b"unexpected EOFno such file or directory" + bytes(9)
    assert token in secrets(engine, data)
    wrong = token[:-1] + (b"A" if token[-1:] != b"A" else b"B")
    assert not secrets(engine, data.replace(token, wrong))  # no checksum: chance


def test_glued_prefixes_in_base64_are_chance(engine: Engine) -> None:
    random = Random(2)
    lines = b"".join(base64.b64encode(random.randbytes(40)) + b"AKIA" + base64.b32encode(random.randbytes(10)) + b"x" for _ in range(300))
    assert not secrets(engine, lines)


def test_glued_tokens_side_by_side(engine: Engine) -> None:
    tokens = [expand("{{gen:github ghp_}}", Random(number)).encode() for number in range(8)]
    assert secrets(engine, b"invalid argument open" + b"x".join(tokens) + b"x unexpected EOF") == set(tokens)


HOSTILE = {
    "ascii85": b"<~" + b"a" * 22,
    "ascii85, damaged": b"<~" + b"{" * 30,
    "yenc": b"=ybegin line=1 \n",
    "yenc, ended": b"=ybegin line=1 \naaa\n=yend \n",
    "uuencode": b"\nbegin 644 a\nM",
    "records": b"\n:1000000041414141" + b"4" * 24,
    "other records": b"\nS113000041414141",
    "base32": b" " + b"ME" * 20 + b"\n",
    "diagram": b'<diagram a="">' + b"7" * 30,
    "lzma": b"]\0\0\x80\0" + b"\xff" * 8 + b"\0" * 9,
    "glued": b"aghp_" + b"a" * 36 + b" ",
    "serialized": b's:3:"key";s:9:"aaaa',
    "registry": b'"a"=hex(2):41,00,42,00,',
    "page": b":<br><code>aaaaaaaaaaaaaaaaaaa",
    "class": b"\1\0\3key\x08\0\1\1\0\x40aaaaaaaaaa",
    "lines of a mail": b"\n> " + b"QUFB" * 16,
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_beginnings_without_end_cost_what_they_weigh(engine: Engine, name: str) -> None:
    data = (HOSTILE[name] * (2_000_000 // len(HOSTILE[name])))
    started = time.process_time()
    engine.scan(data)
    engine.scan(data + b"~>" + b'";')
    assert time.process_time() - started < 40  # some two seconds each, on a slow machine ten times as much


def test_bombs_are_bounded(engine: Engine) -> None:
    zeros = bytes(64 * 1024 * 1024)
    bombs = diagram_of(zeros) + b"\n\0\xff" + lzma.compress(zeros, format=lzma.FORMAT_ALONE)
    result = engine.scan(b"x" * 100 + bombs)
    assert not result.matches
    for view in decode.Runs(bombs, [("diagram", bombs.index(b'">') + 22)]):
        assert len(view.data) <= MAX_VIEW


def diagram_of(data: bytes) -> bytes:
    return b'<diagram name="a">' + base64.b64encode(zlib.compress(data, 9)[2:-4]) + b"</diagram>"
