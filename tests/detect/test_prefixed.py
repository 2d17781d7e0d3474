"""Values that stand behind their length are given to the name before them, in whatever format that is."""

from __future__ import annotations

import struct
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakguard.detect.engine import Engine
from leakguard.detect.generate import expand
from leakguard.detect.prefixed import prefixed
from leakguard.findings import findings_of
from leakguard.model import Document, Origin

SECRET = expand("{{alnum*64}}", Random(61)).encode()
NAME = b"binance_api_secret"


def varint(number: int) -> bytes:
    return bytes((number,)) if number < 128 else bytes((number & 127 | 128, number >> 7))


WAYS: dict[str, Callable[[bytes, bytes], bytes]] = {
    "MessagePack": lambda name, value: b"\x82\xa4mode\xa4live" + bytes((0xA0 + len(name),)) + name + b"\xd9" + bytes((len(value),)) + value,
    "MessagePack, 16 bits": lambda name, value: bytes((0xA0 + len(name),)) + name + b"\xda" + struct.pack(">H", len(value)) + value + b"\xc0",
    "CBOR": lambda name, value: b"\xa2dmodedlive" + bytes((0x60 + len(name),)) + name + b"\x78" + bytes((len(value),)) + value,
    "protobuf": lambda name, value: b"\x0a" + varint(len(name)) + name + b"\x12" + varint(len(value)) + value + b"\x1a\1\0",
    "Erlang": lambda name, value: b"\x83h\3m" + struct.pack(">I", len(name)) + name + b"m" + struct.pack(">I", len(value)) + value + b"j",
    "Java": lambda name, value: b"\xac\xed\0\5t\0" + bytes((len(name),)) + name + b"t" + struct.pack(">H", len(value)) + value + b"x",
    "a class of Java": lambda name, value: b"\xca\xfe\xba\xbe\0\0\0\x3d\0\x2b\1\0" + bytes((len(name),)) + name + b"\1\0\x12Ljava/lang/String;"
    b"\1\0\x0dConstantValue\x08\0\x10\1" + struct.pack(">H", len(value)) + value + b"\1\0\4Code",
    "a class of Java, farther on": lambda name, value: b"\1\0" + bytes((len(name),)) + name + b"\x08\0\x13\1" + struct.pack(">H", len(value)) + value + b"\1",
    "R": lambda name, value: b"X\n\0\0\4\2\0\0\0\1\0\4\0\t" + struct.pack(">I", len(name)) + name + b"\0\0\0\x10\0\0\0\1\0\4\0\t"
    + struct.pack(">I", len(value)) + value + b"\0\0\0\xfe",
    "32 bits": lambda name, value: struct.pack("<I", len(name)) + name + struct.pack("<I", len(value)) + value + b"\0",
    "GGUF": lambda name, value: struct.pack("<Q", len(name)) + name + struct.pack("<IQ", 8, len(value)) + value + b"\1\0",
}


@pytest.mark.parametrize("way", WAYS)
def test_a_value_behind_its_length_is_found_in_its_place(way: str, engine: Engine) -> None:
    data = b"\0\1\2some bytes\xff" + WAYS[way](NAME, SECRET)
    found, _ = findings_of(engine, Document(data, Origin("file", "plan")), engine.scan(data, "plan").matches, 1)
    place = data.index(SECRET)
    assert [(one.rule, one.start_byte, one.end_byte) for one in found] == [("binance.api-secret", place, place + len(SECRET))]


@pytest.mark.parametrize("way", WAYS)
def test_a_length_that_is_not_its_own_gives_nothing(way: str) -> None:
    made = WAYS[way](NAME, SECRET)
    assert prefixed(made, made.index(SECRET) + 8) is not None
    assert prefixed(made[: made.index(SECRET) + 40], len(made) - 30) is None


def test_a_secret_of_more_than_127_bytes_has_a_length_of_two() -> None:
    made = WAYS["protobuf"](b"session_token", SECRET * 3)
    found = prefixed(made, made.index(SECRET) + 8)
    assert found is not None
    assert b'\nsession_token="' + SECRET * 3 + b'"\n' in found.text


def test_a_table_of_symbols_holds_no_values() -> None:
    """Text that ends with NUL: the first letter of the next one could be its length."""
    symbol = b"_" + b"ZN9grpc_core10Observabl" * 4 + b"abc"
    assert len(symbol) == 96
    data = b"generate_private_key\0" + symbol + b"\0derive_key\0" + symbol + b"\0"
    assert prefixed(data, 40) is None


@given(st.lists(st.sampled_from((b"\x0a\x12" + NAME, b"\xa5token", b"etoken", b"\xd9\x40", b"x\x40", b"\0\0\0\x40", b"\x12\x40", SECRET, b"\xff", b"word ")), max_size=20))
def test_each_byte_of_a_value_comes_from_where_it_stands(parts: list[bytes]) -> None:
    from leakguard.detect.decode import View

    data = b"".join(parts)
    found = prefixed(data, len(data))
    if found is None:
        return
    view = View("prefixed", found.text, found.breaks, found.start, found.stop)
    at = -1
    while (at := found.text.find(SECRET, at + 1)) >= 0:
        low, high = view.raw(at, at + len(SECRET))
        assert data[low:high] == SECRET


def test_names_in_a_table_of_a_go_programs_are_no_values(engine: Engine) -> None:
    """A mark, a length and a name each, those of one length together: of eight programs each had one that came after `password`."""
    names = (b"password", b"peekFront", b"pkghashes", b"popPrefix", b"fromP1xP1", b"printlock")
    table = b"".join(b"\0" + bytes((len(name),)) + name for name in names)
    assert engine.scan(b"\x7fELF" + b"\0" * 60 + table + b"\0" * 60, "prog").matches == []
