"""Secrets that are spelled out as numbers, and packed data in the middle of other bytes, are found where they stand."""

from __future__ import annotations

import base64
import bz2
import gzip
import io
import json
import lzma
import subprocess
import tarfile
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from leaks import leak, secrets

from leakguard.detect import decode, packed
from leakguard.detect import spelled as spelled_module
from leakguard.detect.engine import Engine
from leakguard.detect.generate import expand
from leakguard.detect.packed import Tries, Unpacked
from leakguard.detect.spelled import _dump_line, _words, spelled

TOKEN, SECRET = leak("github", 31)
CONFIG = b"[bot]\nname = alpha\ngithub_token = " + TOKEN + b"\nmode: live\n"


def rows(data: bytes, width: int = 16) -> list[tuple[int, bytes]]:
    return [(at, data[at : at + width]) for at in range(0, len(data), width)]


def shown(part: bytes) -> str:
    return "".join(chr(byte) if 32 <= byte < 127 else "." for byte in part)


def swapped(part: bytes, size: int = 2) -> str:
    words = [part[at : at + size].ljust(size, b"\0")[::-1] for at in range(0, len(part), size)]
    return " ".join(word.hex() for word in words)


def xxd(data: bytes) -> str:
    groups = [(at, part.hex(" ", -2), shown(part)) for at, part in rows(data)]
    return "".join(f"{at:08x}: {digits:<39}  {text}\n" for at, digits, text in groups)


def hexdump(data: bytes, start: int = 0) -> str:
    halves = [(at, part[:8].hex(" "), part[8:].hex(" "), shown(part)) for at, part in rows(data)]
    return "".join(f"{start + at:08x}  {left:<23}  {right:<23}  |{text}|\n" for at, left, right, text in halves)


def od(data: bytes, form: str) -> str:
    return subprocess.run(["od", "-v", f"-t{form}"], input=data, capture_output=True, check=True).stdout.decode()


def listed(data: bytes, between: str = ", ") -> str:
    return between.join(map(str, data))


SPELLED: dict[str, Callable[[bytes], str]] = {
    "xxd": xxd,
    "xxd, upper case": lambda d: "\n".join(line[:50].upper() + line[50:] for line in xxd(d).split("\n")),
    "xxd -p": lambda d: "\n".join(d.hex()[at : at + 60] for at in range(0, 2 * len(d), 60)),
    "xxd -i": lambda d: "unsigned char x[] = {\n  " + ",\n  ".join(", ".join(f"0x{b:02x}" for b in part) for _, part in rows(d, 12)) + "\n};",
    "hexdump -C": hexdump,
    "hexdump -C of memory": lambda d: hexdump(d, 0x7FFD1C0),
    "hexdump": lambda d: "".join(f"{at:07x} {swapped(part)}\n" for at, part in rows(d)),
    "od -x": lambda d: "".join(f"{at:07o} {swapped(part)}\n" for at, part in rows(d)),
    "od -c": lambda d: od(d, "c"),
    "od -tu1": lambda d: od(d, "u1"),
    "od -b": lambda d: od(d, "o1"),
    "od -tx1": lambda d: "".join(f"{at:07o} {part.hex(' ')}\n" for at, part in rows(d)),
    "od -An -tx1": lambda d: "".join(f" {part.hex(' ')}\n" for _, part in rows(d)),
    "wireshark": lambda d: "".join(f"{at:04x}  {part.hex(' '):<47}   {shown(part)}\n" for at, part in rows(d)),
    "windbg": lambda d: "".join(f"00000000`{at:08x}  {part[:8].hex(' ')}-{part[8:].hex(' '):<23}  {shown(part)}\n" for at, part in rows(d)),
    "gdb x/8xb": lambda d: "".join(f"0x5555{at:04x} <buf+{at}>:\t" + "\t".join(f"0x{b:02x}" for b in part) + "\n" for at, part in rows(d, 8)),
    "gdb x/4xw": lambda d: "".join(f"0x5555{at:04x}:\t0x" + swapped(part, 4).replace(" ", "\t0x") + "\n" for at, part in rows(d)),
    "kernel": lambda d: "".join(f"[   12.345678] usb 1-1: {at:08x}: {part.hex(' ')}\n" for at, part in rows(d)),
    "pairs": lambda d: d.hex(" "),
    "pairs with colons": lambda d: d.hex(":"),
    "pairs with strokes": lambda d: d.hex("-"),
    "registry": lambda d: '"env"=hex:' + ",\\\r\n  ".join(part.hex(",") for _, part in rows(d, 25)) + "\r\n",
    "registry, UTF-16": lambda d: '"env"=hex(2):' + ",\\\r\n  ".join(part.hex(",") for _, part in rows(d.decode().encode("utf-16-le"), 25)),
    "node": lambda d: f"<Buffer {d.hex(' ')}>",
    "JSON of a buffer": lambda d: json.dumps({"type": "Buffer", "data": list(d)}),
    "JSON of a buffer, pretty": lambda d: json.dumps({"type": "Buffer", "data": list(d)}, indent=2),
    "array": lambda d: f"[]byte{{{listed(d)}}}",
    "array, tight": lambda d: f"[{listed(d, ',')}]",
    "array, wrapped": lambda d: "{\n" + ",\n".join(f"  {listed(part)}" for _, part in rows(d, 12)) + "\n}",
    "Go's %v": lambda d: f"[{listed(d, ' ')}]",
    "fromCharCode": lambda d: f"String.fromCharCode({listed(d)})",
    "chr": lambda d: ".".join(f"chr({byte})" for byte in d),
    "Visual Basic": lambda d: " & ".join(f"Chr({byte})" for byte in d),
    "PowerShell": lambda d: "+".join(f"[char]{byte}" for byte in d),
    "octal": lambda d: "printf '" + "".join(f"\\{byte:03o}" for byte in d) + "'",
    "braces": lambda d: '"' + "".join(f"\\u{{{byte:x}}}" for byte in d) + '"',
    "eight digits": lambda d: '"' + "".join(f"\\U{byte:08x}" for byte in d) + '"',
    "a backslash too many": lambda d: '"' + "".join(f"\\\\x{byte:02x}" for byte in d) + '"',
    "bytes in strings on lines": lambda d: "\n".join('  "' + "".join(f"\\x{b:02x}" for b in part) + '"' for _, part in rows(d)),
    "entities with noughts": lambda d: "".join(f"&#{byte:07d};" for byte in d),
    "entities without an end": lambda d: "".join(f"&#{byte}" for byte in d),
    "entities of entities": lambda d: "".join(f"&amp;#{byte};" for byte in d),
    "hex of a section": lambda d: "x'" + d.hex() + "'",
}


@pytest.mark.parametrize("name", sorted(SPELLED))
@pytest.mark.parametrize("data", [CONFIG, b"export TOKEN=" + TOKEN + b"\n"], ids=["file", "line"])
def test_bytes_that_are_written_as_numbers_are_read(engine: Engine, name: str, data: bytes) -> None:
    if name == "hex of a section" and data is not CONFIG:
        data = b"export " + data
    text = SPELLED[name](data).encode()
    for before, after in ((b"", b""), (b"what it said, before:\n\n", b"\nand behind\n")):
        assert SECRET in secrets(engine, before + text + after)


def test_a_dump_is_masked_to_the_end_of_its_lines(engine: Engine) -> None:
    """The same letters stand in the column beside: to mask the digits alone would show them."""
    text = hexdump(CONFIG).encode()
    match = next(match for match in engine.scan(text).matches if match.secret == SECRET)
    assert match.view == ("bytes",)
    assert text[match.secret_end : match.secret_end + 1] == b"\n"
    line = text[text.rindex(b"\n", 0, match.secret_start) + 1 : match.secret_start]
    assert line.startswith(f"{CONFIG.index(SECRET) // 16 * 16:08x}  ".encode())
    assert secrets(engine, text[: match.secret_start] + b"x" + text[match.secret_end :]) == set()


def test_addresses_that_do_not_follow_are_not_glued(engine: Engine) -> None:
    half = TOKEN[:20]
    text = (hexdump(b"_=:" + half.rjust(29)) + hexdump(TOKEN[20:] + b" _=:_=:_=:_=:", 0x9000)).encode()
    pieces = [piece.text for view in [spelled(text, text.index(b"5f 3d") + 5)] for piece in view.pieces]
    assert len(pieces) == 1
    assert half + b"\n" + TOKEN[20:] in pieces[0]
    assert SECRET not in secrets(engine, text)


def test_numbers_that_are_no_text_give_no_view(engine: Engine) -> None:
    random = Random(5)
    table = ", ".join(str(random.randrange(2000)) for _ in range(9000)).encode()
    raw = ", ".join(f"0x{random.randrange(256):02x}" for _ in range(9000)).encode()
    for data in (table, raw, b"61, 58, 95, " * 3 + table, hexdump(random.randbytes(9000)).encode()):
        assert not [view for view in decode.Runs(data, [("spelled", at) for at in range(40, len(data), 700)]) if SECRET in view.data]
        assert engine.scan(data).views <= 2


def test_a_long_dump_is_read_to_its_end(engine: Engine) -> None:
    body = b"name = alpha_beta: gamma\n" * 3000
    data = body + CONFIG + body
    for text in (xxd(data), hexdump(data), "".join(f"{at:07x} {swapped(part)}\n" for at, part in rows(data)), f"[{listed(data)}]"):
        assert SECRET in secrets(engine, text.encode())


# ---- packed ---------------------------------------------------------------------------------------------------------


def tarred(data: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as file:
        entry = tarfile.TarInfo("srv/bot.env")
        entry.size = len(data)
        file.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def zipped(data: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("one.txt", b"nothing in it")
        file.writestr("srv/bot.env", data)
    return out.getvalue()


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress, "tar.gz": tarred, "xz": lzma.compress, "bzip2": bz2.compress,
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(PACKED))
def test_packed_data_is_read_in_the_middle_of_other_bytes(engine: Engine, name: str) -> None:
    packed = PACKED[name](CONFIG)
    for before in (b"#!/bin/sh\nsed -n '/^__ARCHIVE/,$p' $0\nexit\n__ARCHIVE__\n", Random(4).randbytes(5000), bytes(4096)):
        for after in (b"", Random(6).randbytes(900)):
            assert SECRET in secrets(engine, before + packed + after)


@pytest.mark.parametrize("name", [*sorted(PACKED), "zip", "zlib, quick", "zlib, best"])
def test_packed_data_is_read_in_base64_and_hex(engine: Engine, name: str) -> None:
    import zlib

    more = {"zip": zipped, "zlib, quick": lambda d: zlib.compress(d, 1), "zlib, best": lambda d: zlib.compress(d, 9)}
    packed = {**PACKED, **more}[name](CONFIG)
    digits = base64.b64encode(packed)
    assert SECRET in secrets(engine, b'content: "' + digits + b'"\n')
    assert SECRET in secrets(engine, b"data: |\n" + base64.encodebytes(packed))
    assert SECRET in secrets(engine, b'"release": "' + base64.b64encode(digits) + b'"')
    if packed.startswith(b"\x1f\x8b"):
        assert SECRET in secrets(engine, b"x'" + packed.hex().encode() + b"'")


def test_zstd_in_base64(engine: Engine) -> None:
    zstandard = pytest.importorskip("zstandard")
    packed = zstandard.compress(CONFIG)
    assert SECRET in secrets(engine, b"blob = " + base64.b64encode(packed))
    assert SECRET in secrets(engine, b"\0" * 64 + packed)


LEVELS = {"zlib, quick": 1, "zlib, between": 5, "zlib": 6, "zlib, best": 9}


@pytest.mark.parametrize("name", LEVELS)
def test_zlib_is_read_in_the_middle_of_other_bytes(engine: Engine, name: str) -> None:
    """A value in a database, a chunk of a program of Erlang: two bytes are its mark."""
    made = zlib.compress(CONFIG + bytes(range(256)) * 3 + b"words of many letters " * 40, LEVELS[name])
    for before in (b"LitT\0\0\1\0", Random(4).randbytes(5000), bytes(4096)):
        for after in (b"", Random(6).randbytes(900)):
            assert SECRET in secrets(engine, before + made + after)
    two = zlib.compress(b"nothing in it " * 9) + zlib.compress(CONFIG)
    assert SECRET in secrets(engine, b"\0\0\0\1" + two)
    assert SECRET in secrets(engine, b"\0\0\0\1" + made[: len(made) - 3])


def in_patch(data: bytes, ending: bytes = b"\n") -> bytes:
    """As `git format-patch --binary` writes a file."""
    made, lines = zlib.compress(data), []
    for at in range(0, len(made), 52):
        part = made[at : at + 52]
        digits = base64.b85encode(part + bytes(-len(part) % 4))
        lines.append(bytes((len(part) + (64 if len(part) < 27 else 70),)) + digits)
    head = [b"index 0000000..1234567", b"GIT binary patch", b"literal %d" % len(data)]
    return ending.join([b"diff --git a/x.bin b/x.bin", *head, *lines, b"", b"literal 0", b"HcmV?d00001", b"", b"-- ", b""])


def test_a_binary_file_in_a_patch_is_read(engine: Engine) -> None:
    file = b"\0\1" + CONFIG + Random(3).randbytes(4000)
    for text in (in_patch(file), in_patch(CONFIG), in_patch(file, b"\r\n"), in_patch(b"nothing in it") + in_patch(file) + b"more words\n"):
        assert SECRET in secrets(engine, text)
        assert engine.scan(text).incidents == []
    whole = in_patch(file)
    for at in range(90, len(whole), 97):
        engine.scan(whole[:at] + b"~~" + whole[at:])
    assert engine.scan(b"\nliteral 99\nzabcdeabcde\n" * 9000).incidents == []
    bomb = engine.scan(b"\n" + in_patch(bytes(decode.MAX_VIEW + 4096)))
    assert any("is longer than" in reason for reason in bomb.incidents)


def test_a_zip_in_the_middle_of_other_bytes_is_read(engine: Engine) -> None:
    """In an image of a disk: its end record is far from the file's end."""
    made = zipped(CONFIG + b"words of many letters " * 90)
    for before in (Random(4).randbytes(5000), bytes(4096)):
        for after in (Random(6).randbytes(90_000), bytes(80_000)):
            assert SECRET in secrets(engine, before + made + after)
    assert SECRET in secrets(engine, bytes(512) + made[: len(made) // 2] + made)
    for at in range(40, len(made), 37):
        changed = bytearray(made)
        changed[at] ^= 0xFF
        assert engine.scan(bytes(512) + bytes(changed) + bytes(99)).cut == -1


def test_headers_of_zips_without_end_cost_little(engine: Engine) -> None:
    head = b"PK\3\4\x14\0\0\0\x08\0" + bytes(20)
    started = time.process_time()
    for data in (head * 100_000, (head[:6] + b"\x08" + head[7:]) * 100_000, (head[:18] + b"\xff\xff\xff\x7f" * 2 + head[26:] + b"K,*)") * 50_000):
        assert len(engine.scan(b"firmware" + data).incidents) <= 1
    assert time.process_time() - started < 60


def test_pixels_are_not_unpacked(engine: Engine) -> None:
    """They are nearly all zlib that there is, and say nothing."""
    pixels = zlib.compress(CONFIG * 3)
    assert engine.scan(b"\x89PNG\r\n\x1a\n" + b"\0\0\0\x40IDAT" + pixels).views == 0


def test_what_chance_makes_of_two_bytes_is_nothing(engine: Engine) -> None:
    scan = engine.scan(Random(8).randbytes(3_000_000))
    assert scan.incidents == []
    powers = b"x^2 + x^3 = x^" + "é".encode() * 900
    assert engine.scan(b"".join((b"x\x9c", powers)) * 90).incidents == []


def test_zlib_that_seems_to_begin_everywhere_costs_little(engine: Engine) -> None:
    started = time.process_time()
    scan = engine.scan(b"x\x9c\x04\x80\xff" * 400_000)
    assert time.process_time() - started < 30
    assert len(scan.incidents) <= 2
    bomb = engine.scan(b"firmware" * 9 + zlib.compress(bytes(decode.MAX_VIEW + 4096)) + b"y" * 99)
    assert any("is longer than" in incident for incident in bomb.incidents)


def test_lz4_in_the_middle_of_other_bytes(engine: Engine) -> None:
    frame = pytest.importorskip("lz4.frame")
    made = frame.compress(b"old_token = ghp_none\n" * 9 + CONFIG)
    for before in (b"loki\0", Random(4).randbytes(5000)):
        for after in (b"", Random(6).randbytes(900)):
            assert SECRET in secrets(engine, before + made + after)
    scan = engine.scan(b"program\x04\x22\x4d\x18\x60" + Random(8).randbytes(3000))
    assert (scan.views, scan.incidents) == (0, [])


def test_snappy_in_the_middle_of_other_bytes(engine: Engine) -> None:
    """As Loki keeps its lines, and AVML memory."""
    snappy = pytest.importorskip("cramjam").snappy
    made = bytes(snappy.compress(b"old_token = ghp_none\n" * 9000 + CONFIG))
    for before in (b"loki\0", Random(4).randbytes(5000)):
        for after in (b"", Random(6).randbytes(900), b"\0\0\0\0" + made):
            assert SECRET in secrets(engine, before + made + after)
    rng = Random(9)
    for _ in range(40):  # damaged, cut off, and claims of any length
        changed = bytearray(made[: rng.randrange(11, len(made))])
        changed[rng.randrange(10, len(changed))] ^= rng.randrange(1, 256)
        assert engine.scan(b"loki\0" + changed).incidents == []
    zeros = bytes(snappy.compress(bytes(65_536)))[10:]
    assert any("is longer than" in reason for reason in engine.scan(b"loki\0" + made[:10] + zeros * 200).incidents)
    hostile = made[:10] + b"\0\x0a\0\0abcd\xff\xff\xff\xff\x0f" + bytes(99)  # a block of four gigabytes
    assert engine.scan(b"loki\0" + hostile).incidents == []


def test_what_stands_in_the_open_among_packed_bytes_takes_the_place_of_nothing_else(engine: Engine) -> None:
    """lz4 and Snappy leave most of a text as it is: one secret of it was found there, and all others of the same bytes were lost."""
    snappy = pytest.importorskip("cramjam").snappy
    values = [leak("binance", seed) for seed in (1, 2, 3)]
    text = b'BINANCE_API_SECRET="none"\n' * 3 + values[0][0] + b'"BINANCE_API_SECRET=' * 2 + values[1][0] + CONFIG + values[2][0]
    made = bytes(snappy.compress(text))
    for data in (b"loki\0" + made, b"key = " + values[0][1] + b"\n\0" + made, b"\0" + gzip.compress(text, 0) + values[0][0]):
        assert {SECRET, *(secret for _, secret in values)} <= secrets(engine, data)


def test_what_is_packed_and_too_long_is_told(engine: Engine) -> None:
    packed = gzip.compress(bytes(decode.MAX_VIEW + 4096))
    scan = engine.scan(b"firmware" * 9 + packed + b"x" * 99)
    assert any("is longer than" in incident for incident in scan.incidents)


def test_a_mark_of_packed_data_alone_is_nothing(engine: Engine) -> None:
    for mark in (b"\x1f\x8b\x08\0", b"\xfd7zXZ\0\0\x04", b"BZh91AY&SY", b"\x28\xb5\x2f\xfd\x04"):
        scan = engine.scan(b"program" + mark + Random(8).randbytes(3000))
        assert (scan.views, scan.incidents) == (0, [])


def test_streams_one_behind_the_other_are_one(engine: Engine) -> None:
    """As `cat` of two and as programs that pack on several processors write them."""
    for name in ("gzip", "xz", "bzip2"):
        packed = PACKED[name](b"nothing in it\n" * 400) * 3 + PACKED[name](CONFIG)
        assert SECRET in secrets(engine, b"head " + packed), name
        assert SECRET in secrets(engine, b'content: "' + base64.b64encode(packed) + b'"\n'), name
    assert SECRET in secrets(engine, b"x'" + (gzip.compress(b"nothing in it " * 9) + gzip.compress(CONFIG)).hex().encode() + b"'")


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("streamed", [False, True])
def test_every_member_of_a_zip_is_read(engine: Engine, method: int, streamed: bool) -> None:
    """Also of one written into a pipe, whose members tell their sizes behind themselves."""
    out = io.BytesIO()
    if streamed:
        out.seekable = lambda: False  # type: ignore[method-assign]
    with zipfile.ZipFile(out, "w", method) as file:
        file.writestr("one.txt", b"nothing in it")
        file.writestr("srv/bot.env", CONFIG)
    assert SECRET in secrets(engine, b'content: "' + base64.b64encode(out.getvalue()) + b'"\n')


class Counted:
    """Packed bytes that were asked for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.size = 0
        self.unpack = packed.unpacked
        for module in (decode.digits, decode.unpacking):
            monkeypatch.setattr(module, "unpacked", self)

    def __call__(self, pieces: Iterator[bytes], tries: Tries) -> Unpacked | None:
        return self.unpack(self.each(pieces), tries)

    def each(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self.size += len(piece)
            yield piece


BEGINNINGS = {
    "hex": b"1f8b0800" * 100_000,
    "hex, wrapped": (b"1f8b0800" * 8 + b"\n") * 9_000,
    "gzip": b"\x1f\x8b\x08\x00" * 100_000,
    **{
        f"base64 of {mark!r}": (base64.b64encode(mark + bytes(57 - len(mark))) + b"\n") * 5_000
        for mark in (b"\x1f\x8b\x08\0\0", b"PK\3\4", b"BZh91AY&SY", b"\xfd7zXZ\0\0\1", b"\x28\xb5\x2f\xfd")
    },
}


@pytest.mark.parametrize("kind", sorted(BEGINNINGS))
def test_packed_data_that_begins_everywhere_is_bounded(engine: Engine, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = BEGINNINGS[kind]
    taken = Counted(monkeypatch)
    engine.scan(b"x = " + data)
    # one more try than there was left, and the first piece of each later one is not taken at all
    assert taken.size <= 6 * len(data) + 2 * decode.MAX_VIEW


def test_what_may_be_tried_in_vain_is_told_once_it_is_over(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Heads of gzip whose file name never ends: each takes all that is behind it."""
    data = b"x" + b"\x1f\x8b\x08\x08\1\1\1\1\1\1" * 30_000
    taken = Counted(monkeypatch)
    scan = engine.scan(data)
    assert taken.size <= 6 * len(data) + 2 * decode.MAX_VIEW
    assert sum("too many places" in reason for reason in scan.incidents) == 1


def test_members_of_a_zip_are_unpacked_a_piece_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for number in range(3_000):
            file.writestr(f"f{number}", b"abc")
    data = out.getvalue()
    given = 0
    inner = zlib.decompressobj

    class Watched:
        def __init__(self, bits: int) -> None:
            self.inner = inner(bits)

        def decompress(self, piece: bytes, most: int) -> bytes:
            nonlocal given
            given += len(piece)
            return self.inner.decompress(piece, most)

        def __getattr__(self, name: str) -> object:
            return getattr(self.inner, name)

    monkeypatch.setattr(packed.zlib, "decompressobj", Watched)
    found = packed.unpacked(iter([data[:4096], data[4096:]]), packed.Tries(len(data)))
    assert found is not None and found.data.count(b"\nabc\n") == 3_000
    assert given <= 2 * len(data)


# ---- colours --------------------------------------------------------------------------------------------------------

COLOURED = ("password: {c}{v}{z}", "db_password={c}{v}{z}", '"password": {c}"{v}"{z}', "{c}password{z}: {c}{v}{z}", "{c}PGPASSWORD={z}{v}")


@pytest.mark.parametrize("line", COLOURED)
@pytest.mark.parametrize("escape", ["\x1b", "^["])
def test_a_coloured_password_is_found_though_it_is_short(engine: Engine, line: str, escape: str) -> None:
    value = expand("{{alnum*11}}", Random(12))
    text = line.format(c=f"{escape}[1;32m", z=f"{escape}[0m", v=value)
    assert value.encode() in secrets(engine, f"started\n{text}\nconnected\n".encode())


def test_colours_cost_no_step_each(engine: Engine) -> None:
    """Each line has a mark before something long: the view is made from the text as a whole."""
    random = Random(2)
    lines = [f"\x1b[32mINFO\x1b[0m request \x1b[36m{random.randbytes(16).hex()}\x1b[0m\n".encode() for _ in range(2000)]
    data = b"".join(lines)
    (view,) = list(decode.Runs(data[:50000], [("marked", 40)]))
    assert view.data.startswith(b"INFO request ")
    for at in range(0, 40000, 977):
        low, high = view.raw(at, at + 1)
        assert view.data[at : at + 1] == data[low:high]
    assert len(view.breaks) == data[:50000].count(b"\x1b[") + 1


# ---- what is read at once, and word by word ---------------------------------------------------------------------------

LINES = st.lists(
    st.sampled_from(["00000010", "7f45", "4c", "46454c7f", "0x41", "zz", ":", ": ", " ", "  ", "   ", "\t", "-", ",", " |.ELF|", "  .ELF", "  >ELF<"]),
    min_size=3, max_size=24,
).map("".join)  # fmt: skip


@given(LINES, st.sampled_from(["00000010: ", "00000010  ", "0x10:\t", "0000020 "]))
def test_a_line_of_a_dump_is_the_same_at_once_and_word_by_word(rest: str, head: str) -> None:
    line = (head + rest).encode()
    row = _dump_line(line, 0)
    if row is None:
        return
    words = list(_words(line, row.low, row.stop, row.narrow))
    assert row.values == bytes(value for items, _ in words for value, _, _ in items)[:64]
    assert row.swapped == any(turned for _, turned in words)


def test_short_arrays_one_a_line_are_read_line_by_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fingerprints and moduli: all that stands before a line was read anew for each."""
    random = Random(9)
    data = b"\n".join(b":".join(b"%02x" % byte for byte in random.randbytes(16)) for _ in range(4_000))
    searched = 0

    class Watched:
        def __init__(self, inner: Any) -> None:
            self.inner = inner

        def match(self, *args: Any) -> Any:
            nonlocal searched
            searched += 1
            return self.inner.match(*args)

        def search(self, *args: Any) -> Any:
            return self.inner.search(*args)

    arrays = [(kind, Watched(item), between) for kind, item, between in spelled_module._ARRAYS]
    monkeypatch.setattr(spelled_module, "_ARRAYS", arrays)
    hits = list(range(40, len(data), 97))
    for end in hits:
        spelled(data, end)
    assert searched < 40 * len(hits)
