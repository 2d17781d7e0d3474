"""WiredTiger's tables and log (MongoDB): documents on packed pages, on pages out of use, in records of the log."""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random

import backups
import pytest
from dbs import bson_document
from hypothesis import given, settings
from hypothesis import strategies as st
from nests import look, tar
from test_backups import plain, secrets
from test_inside_scan import planted, token

from leakguard.sources.inside.databases import wiredtiger
from leakguard.sources.inside.databases.snappy import DamagedError
from leakguard.sources.inside.limits import Limits

pytestmark = pytest.mark.usefixtures("loaded")

DOCUMENTS = [bson_document(n=number, note=b"words " * 12) for number in range(60)]
KEYED = bson_document(venue=b"binance", deep={"binance_api_secret": plain(1).encode()}, github_token=token(1).encode())


def packers() -> dict[str, Callable[[bytes], bytes]]:
    return {
        "": lambda data: data,
        "zlib": zlib.compress,
        "snappy": lambda data: (packed := backups.snappied(data)) and struct.pack("<Q", len(packed)) + packed,
        "zstd": lambda data: (packed := pytest.importorskip("zstandard").compress(data)) and struct.pack("<Q", len(packed)) + packed,
        "lz4": lambda data: (packed := pytest.importorskip("lz4.block").compress(data, store_size=False))
        and struct.pack("<IIII", len(packed), len(data), len(data), 0) + packed,
    }


@pytest.mark.parametrize("packer", ["", "zlib", "snappy", "zstd", "lz4"])
def test_documents_of_a_collection(packer: str, tmp_path: Path) -> None:
    pairs = [(bytes((0x80 + number,)), value) for number, value in enumerate([*DOCUMENTS, KEYED])]
    data = backups.wiredtiger(pairs, packers()[packer] if packer else None)
    found = secrets(tmp_path, "collection-7.wt", data)
    assert found == [("collection-7.wt!/@pairs", plain(1)), ("collection-7.wt!/@pairs", token(1))]
    seen = look(gzip.compress(tar([("db/collection-7.wt", data)])), tmp_path, "b.tgz")
    assert b"deep.binance_api_secret = " + plain(1).encode() in seen.members["b.tgz!/db/collection-7.wt!/@pairs"]


def test_keys_with_a_prefix_and_values_of_text(tmp_path: Path) -> None:
    """Strings end with a NUL; what a key has of the one before it is not written again; long ones have a length of their own."""
    pairs = [(b"accounts/1\0", b"x\0"), (b"accounts/github_token\0", token(2).encode() + b"\0"), (b"accounts/z" + b"z" * 90 + b"\0", planted(3))]
    seen = look(backups.wiredtiger(pairs, prefixes=True), tmp_path, "x.wt")
    lines = seen.members["x.wt!/@pairs"].split(b"\n")
    assert b"accounts/github_token = " + token(2).encode() in lines
    assert b"accounts/z" + b"z" * 90 + b" = " + planted(3).split(b"\n")[0] in lines
    assert seen.incidents == []


def test_what_was_deleted_is_found_until_its_page_is_used_again(tmp_path: Path) -> None:
    new, old = backups.wiredtiger([(b"\x81", DOCUMENTS[1])], zlib.compress), backups.wiredtiger([(b"\x81", KEYED)], zlib.compress)
    seen = look(new + old[4096:], tmp_path, "x.wt")
    assert token(1).encode() in seen.members["x.wt!/@pairs"]
    twice = look(old + old[4096:], tmp_path, "x.wt")
    assert twice.members["x.wt!/@pairs"].count(token(1).encode()) == 1


def test_a_page_half_written_over_is_no_damage_and_any_other_is(tmp_path: Path) -> None:
    pairs = [(struct.pack(">H", number), bson_document(a=Random(number).randbytes(40).hex().encode())) for number in range(300)]
    large = backups.wiredtiger(pairs, zlib.compress)
    small = backups.wiredtiger([(b"\x81", KEYED)], zlib.compress)[4096:]
    assert len(large) > 4096 * 4
    over = large[:8192] + small + large[8192 + len(small) :]
    seen = look(over, tmp_path, "x.wt")
    assert token(1).encode() in seen.members["x.wt!/@pairs"]
    assert seen.incidents == []
    damaged = large[:9000] + bytes(byte ^ 0x5A for byte in large[9000:9016]) + large[9016:]
    assert "damaged page" in look(damaged, tmp_path, "x.wt").reasons
    assert "middle of a page" in look(large[:-5000], tmp_path, "x.wt").reasons
    encrypted = bytearray(large)
    encrypted[4096 + 25] |= 8
    assert "encrypted" in look(bytes(encrypted), tmp_path, "x.wt").reasons


@pytest.mark.parametrize("packer", ["", "snappy"])
def test_records_of_the_log(packer: str, tmp_path: Path) -> None:
    """A put holds a key, lengths, and the document, one behind the other: its values must not be glued to them."""
    records = [b"\2\0\0\0file\x81" + DOCUMENTS[number] for number in range(9)] + [b"\2\0\0\0x" + KEYED + b"tail of it"]
    data = backups.wiredtiger_log(records, packers()[packer] if packer else None)
    found = secrets(tmp_path, "WiredTigerLog.0000000001", data)
    assert found == [("WiredTigerLog.0000000001!/@log", plain(1)), ("WiredTigerLog.0000000001!/@log", token(1))]
    assert b"tail of it" in look(data, tmp_path, "WiredTigerLog.1").members["WiredTigerLog.1!/@log"]
    assert look(data + bytes(9000), tmp_path, "WiredTigerLog.1").incidents == []
    assert "middle of one" in look(data[:-200], tmp_path, "WiredTigerLog.1").reasons


def test_a_page_cannot_unpack_to_more_than_it_says(tmp_path: Path) -> None:
    bomb = backups.wiredtiger([(b"\x81", bytes(3_000_000))], zlib.compress)
    small = bytearray(bomb)
    struct.pack_into("<I", small, 4096 + 16, 500)
    seen = look(bytes(small), tmp_path, "x.wt", Limits())
    assert seen.tally.expanded < 100_000


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 50))
def test_any_cells_end(data: bytes, count: int) -> None:
    with suppress(DamagedError):
        assert len(list(wiredtiger._cells(data, count))) <= count


@settings(max_examples=200, deadline=None)
@given(st.integers(0, (1 << 40)))
def test_packed_numbers(value: int) -> None:
    """As WiredTiger's intpack_inline.h packs them."""
    packed = backups.wiredtiger_number(value)
    assert wiredtiger._number(packed + b"more", 0) == (value, len(packed))
