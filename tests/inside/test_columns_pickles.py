"""Pickles and NumPy's arrays: what is in them is read, and nothing of it is ever run."""

from __future__ import annotations

import gzip
import os
import pickle
import random
import struct
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nests import look, tar, zip_
from scanned import findings
from test_inside_scan import token

from leakguard.sources.inside.base import BrokenError, Stream, from_bytes
from leakguard.sources.inside.columns import pickles
from leakguard.sources.inside.magic import kind_of

pytestmark = pytest.mark.usefixtures("loaded")

PROTOCOLS = (1, 2, 3, 4, 5)


class Thing:
    def __init__(self, **names: object) -> None:
        self.__dict__.update(names)


def text_of(data: bytes) -> bytes:
    return b"".join(pickles.texts(Stream(from_bytes(data))))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_keys_and_values_stand_on_one_line(protocol: int) -> None:
    made = {"binance": {"apiKey": "one", "secret": "two", "nested": {"deep": b"bytes"}}, "list": ["a", "b"], "n": 7, "pair": ("x", "y")}
    data = pickle.dumps(made, protocol)
    assert kind_of(data[:512]) == "pickle"
    told = text_of(data).splitlines()
    assert told[0] == b"[binance]"
    for line in (b"apiKey = one", b"secret = two", b"a", b"b", b"pair = x, y"):
        assert told.count(line) == 1
    assert (b"deep = bytes" in told) or protocol <= 2  # protocols 1 and 2 have no bytes: it calls an encoder


def test_objects_and_shared_keys() -> None:
    data = pickle.dumps([Thing(api_key=f"key {n}", secret=f"secret {n}") for n in range(3)])
    told = text_of(data).splitlines()
    for n in range(3):
        assert told.count(b"api_key = key %d" % n) == told.count(b"secret = secret %d" % n) == 1
    shared = "the same value"
    assert text_of(pickle.dumps([{"a": shared}, {"b": shared}, shared])).count(b"the same value") == 1


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_secret_in_a_pickle_in_a_tar(protocol: int, tmp_path: Path) -> None:
    data = pickle.dumps({"model": Thing(x=[1.5] * 100), "settings": {"GITHUB_TOKEN": token(1)}}, protocol)
    (tmp_path / "m.pkl").write_bytes(data)
    (tmp_path / "m.tar.gz").write_bytes(gzip.compress(tar([("m.pkl", data)])))
    (tmp_path / "z.joblib").write_bytes(zlib.compress(data))
    (tmp_path / "z.zz").write_bytes(zlib.compress(data))
    found = findings(tmp_path, ".")
    assert [(r["path"], r["secret"]) for r in found] == [
        ("m.pkl!/strings", token(1)), ("m.tar.gz!/m.pkl!/strings", token(1)), ("z.joblib!/strings", token(1)),
        ("z.zz!/strings", token(1)),
    ]  # fmt: skip
    assert all("GITHUB_TOKEN" in str(r["masked"]) for r in found)


def test_nothing_is_run(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.system, (f"touch {tmp_path}/ran",)

    data = pickle.dumps({"a": Evil(), "b": token(2)})
    seen = look(data, tmp_path, "x.pkl")
    assert not (tmp_path / "ran").exists()
    text = seen.members["x.pkl!/strings"]
    assert b"touch" in text  # what it would have run is text like any other
    assert token(2).encode() in text
    assert seen.incidents == []


VALUES = st.recursive(
    st.none() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=300) | st.binary(max_size=300),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=9), inner, max_size=5) | st.tuples(inner, inner)
    | st.frozensets(st.text(max_size=5)),
    max_leaves=25,
)  # fmt: skip


def strings_in(value: object) -> list[bytes]:
    if isinstance(value, str):
        return [value.encode("utf-8", "surrogatepass")]
    if isinstance(value, bytes):
        return [value]
    if isinstance(value, dict):
        return [text for pair in value.items() for one in pair for text in strings_in(one)]
    return [text for one in value for text in strings_in(one)] if isinstance(value, (list, tuple, frozenset)) else []


@given(VALUES, st.sampled_from(PROTOCOLS[2:]))
@settings(max_examples=300, deadline=None)
def test_every_string_is_there(value: object, protocol: int) -> None:
    told = text_of(pickle.dumps(value, protocol))
    for text in strings_in(value):
        assert text in told


@given(st.binary(max_size=200))
@settings(max_examples=300, deadline=None)
def test_anything_behind_the_mark_ends(tail: bytes) -> None:
    stream = Stream(from_bytes(b"\x80\4\x95" + tail))
    try:
        told = b"".join(pickles.texts(stream))
    except BrokenError:
        told = b""
    assert len(told) < 100_000


@pytest.mark.parametrize("end", range(1, 60, 5))
def test_a_truncated_pickle_gives_what_is_left(end: int, tmp_path: Path) -> None:
    data = pickle.dumps({"a": "x" * 50, "k": token(3), "rest": "y" * 50})[:-end]
    seen = look(data, tmp_path, "x.pkl")
    assert seen.states == {"failed"}
    assert (token(3).encode() in b"".join(seen.members.values())) == (token(3).encode() in data)


def test_what_is_no_pickle_is_scanned_as_it_stands(tmp_path: Path) -> None:
    data = b"\x80\4X\xff\xff\xff\xff" + b" GITHUB_TOKEN=" + token(4).encode()
    seen = look(data, tmp_path, "x.pkl")
    assert token(4).encode() in b"".join(seen.members.values())
    assert seen.states == {"failed"}


def test_a_string_longer_than_what_waits_comes_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickles, "LONGEST_STRING", 1000)
    monkeypatch.setattr(pickles, "MOST_WAITING", 4000)
    long = b"z" * 5000
    told = text_of(pickle.dumps([{"k": long}, *[f"a{n}" * 300 for n in range(40)]]))
    assert long in told
    assert all((b"a%d" % n) * 300 in told for n in range(40))


def test_a_hostile_stack_is_bounded() -> None:
    assert text_of(b"\x80\2" + b"(" * 500_000 + b".") == b""
    assert text_of(b"\x80\2}" + b"0" * 1000 + b"us" * 1000 + b".") == b""
    deep = b"\x80\2" + b"U\1k2" * 200_000 + b"."
    assert text_of(deep).count(b"k") == 200_000


def test_raw_arrays_between_operations_are_no_damage(tmp_path: Path) -> None:
    """As joblib writes them: the pickle of a wrapper, and then the array's bytes in the midst of it."""
    head = pickle.dumps("before", 2)[:-1] + b"cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81b\xff\xff"
    seen = look(head + bytes(100) + b"GITHUB_TOKEN=" + token(5).encode(), tmp_path, "x.pkl")
    assert seen.incidents == []
    assert token(5).encode() in b"".join(seen.members.values())


def test_pickles_one_behind_the_other_and_what_follows(tmp_path: Path) -> None:
    data = pickle.dumps(["one " + token(6)], 2) + pickle.dumps({"two": token(7)}, 2) + b"\0\0 storage " + token(8).encode()
    seen = look(data, tmp_path, "x.pt")
    assert seen.incidents == []
    told = b"".join(seen.members.values())
    assert [told.count(token(n).encode()) for n in (6, 7, 8)] == [1, 1, 1]
    torch = zip_([("archive/data.pkl", pickle.dumps({"k": token(9)}, 2)), ("archive/data/0", bytes(40)), ("archive/version", b"3\n")])
    assert token(9).encode() in look(torch, tmp_path, "y.pt").members["y.pt!/archive/data.pkl!/strings"]


# ---- NumPy ----------------------------------------------------------------------------------------------------------


def npy(form: object, data: bytes, version: int = 1, shape: tuple[int, ...] = (1,)) -> bytes:
    head = repr({"descr": form, "fortran_order": False, "shape": shape}).encode() + b"\n"
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", len(head)) + head + data


def wide(text: str, length: int, order: str = "<") -> bytes:
    return text.encode("utf-32-le" if order == "<" else "utf-32-be").ljust(4 * length, b"\0")


@pytest.mark.parametrize("version", [1, 2, 3])
@pytest.mark.parametrize("order", ["<", ">"])
def test_arrays_of_text(version: int, order: str, tmp_path: Path) -> None:
    data = npy(f"{order}U60", wide("first", 60, order) + wide("GITHUB_TOKEN=" + token(1), 60, order), version)
    seen = look(data, tmp_path, "x.npy")
    assert seen.members["x.npy!/rows"] == b"first\nGITHUB_TOKEN=" + token(1).encode() + b"\n"
    assert seen.incidents == []


def test_an_array_that_python_2_wrote_on_windows(tmp_path: Path) -> None:
    data = npy("<U60", wide("first", 60) + wide("GITHUB_TOKEN=" + token(1), 60), shape=(2, 10))
    size = int.from_bytes(data[8:10], "little")
    data = data[:8] + (size + 2).to_bytes(2, "little") + data[10:].replace(b"(2, 10)", b"(2L, 10L)", 1)
    seen = look(data, tmp_path, "x.npy")
    assert seen.members["x.npy!/rows"] == b"first\nGITHUB_TOKEN=" + token(1).encode() + b"\n"
    assert seen.incidents == []


def test_arrays_in_a_npz_and_of_records_and_objects(tmp_path: Path) -> None:
    records = npy([("id", "<i8"), ("api_key", "<U50"), ("note", "S4")], struct.pack("<q", 5) + wide(token(2), 50) + b"abc\0")
    objects = npy("|O", pickle.dumps([{"GITHUB_TOKEN": token(3)}]))
    numbers = npy("<f8", b"\0\0\0\0\0\0\xf8?" * 9)
    (tmp_path / "x.npz").write_bytes(zip_([("a.npy", records), ("b.npy", objects), ("c.npy", numbers)]))
    seen = look((tmp_path / "x.npz").read_bytes(), tmp_path, "x.npz")
    assert seen.members["x.npz!/a.npy!/rows"] == b"[row 1]\napi_key = " + token(2).encode() + b"\nnote = abc\n"
    assert [(r["path"], r["secret"]) for r in findings(tmp_path, ".")] == [
        ("x.npz!/a.npy!/rows", token(2)), ("x.npz!/b.npy!/strings", token(3)),
    ]  # fmt: skip
    assert seen.incidents == []


@pytest.mark.parametrize(
    "data",
    [
        b"\x93NUMPY\1\0\xff\xff" + b"(" * 300,
        npy("<U99999999", b"abc"),
        npy([("a", "<f8", (3, 3)), ("b", "<U5")], b"plain text"),
        npy(None, b"plain text"),
        npy("<U5", b"abc"),
        npy([[[]]], b"plain text"),
        b"\x93NUMPY\1",
    ],
)
def test_hostile_arrays_are_scanned_as_they_stand(data: bytes, tmp_path: Path) -> None:
    data += b" GITHUB_TOKEN=" + token(4).encode()
    seen = look(data, tmp_path, "x.npy")
    told = b"".join(seen.members.values())
    assert token(4).encode() in told


def test_noise_in_pickles_ends() -> None:
    noise = random.Random(5)
    good = pickle.dumps({"a": ["b" * 40, {"c": 1.5}], "d": Thing(e="f")})
    for _ in range(400):
        data = bytearray(good)
        for _ in range(3):
            data[noise.randrange(3, len(data))] = noise.randrange(256)
        try:
            text_of(bytes(data))
        except BrokenError as error:
            assert "pickle" in error.reason
