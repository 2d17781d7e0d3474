"""Everything that programs write down, in one archive: each secret once, and the receipt has nothing to say."""

from __future__ import annotations

import gzip
import json
import pickle
import zlib
from pathlib import Path
from random import Random

import pytest
from nests import CODECS, look, tar, zip_
from recorded import Sent, evtx, journal, pcap, pcapng
from test_columns_pickles import npy, wide
from test_columns_tables import FORMS as TABLES
from test_inside_scan import findings, token
from test_logs_lines import FORMS as CONTAINERS
from test_logs_lines import counted, entry, field, split_token

pytestmark = pytest.mark.usefixtures("loaded")


def test_each_secret_once(tmp_path: Path) -> None:
    pytest.importorskip("evtx")
    files: list[tuple[str, bytes]] = []

    def add(name: str, data: bytes) -> None:
        files.append((f"var/{len(files)}/{name}", data))

    def following() -> tuple[int, str, bytes]:
        number = len(files)
        return number, token(number), b"GITHUB_TOKEN=" + token(number).encode()

    for make in CONTAINERS.values():
        add("c.log", make([("stdout", "first\n"), *split_token(following()[0])]))
    add("s.log", counted([b"<34>1 - - - - - " + following()[2]]))
    add("j.export", entry(1, field("MESSAGE", b"a\n" + following()[2], True)))
    add("system.journal", journal([[b"MESSAGE=a\n" + following()[2] + b" " * 200]], compact=True, packed="xz"))
    add("Security.evtx", evtx([[("GITHUB_TOKEN", following()[1])]]))
    for suffix, table in TABLES.values():
        add(f"t{suffix}", table([{"github_token": following()[1], "n": 1}]))
    add("m.pkl", pickle.dumps({"GITHUB_TOKEN": following()[1]}))
    add("m.npz", zip_([("a.npy", npy("<U60", wide("GITHUB_TOKEN=" + following()[1], 60)))]))
    for capture in (pcap, pcapng):
        request = b"Authorization: token " + following()[1].encode()
        add("c.pcap", capture([Sent("10.0.0.1:5", "10.0.0.2:80", request[at : at + 9], 7 + at) for at in range(0, len(request), 9)]))
    add("core", b"\x7fELF" + bytes(501) + following()[2].decode().encode("utf-16-le") + bytes(50))
    add("app.log", b"quiet\n" + following()[2] + b"\n")
    (tmp_path / "backup.tar.zst").write_bytes(CODECS["zstd"][1](tar(files)))
    found = findings(tmp_path, ".", "--receipt", "../receipt.json")
    assert sorted(str(record["secret"]) for record in found) == sorted(token(number) for number in range(len(files)))
    for number, (name, _) in enumerate(files):
        record = next(record for record in found if record["secret"] == token(number))
        assert str(record["path"]).startswith(f"backup.tar.zst!/{name}")
    receipt = json.loads((tmp_path / "../receipt.json").read_bytes())
    assert receipt["complete"] is True
    assert receipt["failed"]["count"] == receipt["truncated"]["count"] == receipt["skipped"]["count"] == 0


def cut_off(data: bytes) -> tuple[bytes, bytes]:
    """(a gzip file that ends early, what of its content can still be had)."""
    packed = gzip.compress(data, mtime=0)
    packed = packed[: len(packed) * 3 // 4]
    return packed, zlib.decompressobj(31).decompress(packed)


def many(number: int) -> list[str]:
    noise = Random(number)
    return [f"{n} {''.join(noise.choices('abcdefghijklmnopqrstuvwxyz', k=40))}" for n in range(600)]


@pytest.mark.parametrize("kind", ["json-file", "cri", "syslog", "export", "journal", "pickle", "npy"])
def test_what_is_left_of_a_damaged_gzip_is_all_read(kind: str, tmp_path: Path) -> None:
    """Lines that wait, values without their entry, strings without their key: none is lost with the end."""
    words = many(1)
    if kind in CONTAINERS:
        parts = [("stdout", words[0]), *[("stderr", word + "\n") for word in words[1:]]]
        data = CONTAINERS[kind](parts)
    else:
        make = {
            "syslog": lambda: counted([b"<1>" + word.encode() for word in words]),
            "export": lambda: entry(1, *[field("MESSAGE", word.encode(), True) for word in words]),
            "journal": lambda: journal([[b"MESSAGE=" + word.encode() for word in words]]),
            "pickle": lambda: pickle.dumps({word: word[::-1] for word in words}),
            "npy": lambda: npy("<U60", b"".join(wide(word, 60) for word in words)),
        }
        data = make[kind]()
    packed, left = cut_off(data)
    seen = look(tar([("x.gz", packed)]), tmp_path, "x.tar")
    assert seen.states == {"failed"}
    told = b"".join(seen.members.values())
    have = [word.encode() for word in words if (wide(word, 60) if kind == "npy" else word.encode()) in left]
    assert 200 < len(have) < 600
    most = 2 if kind == "pickle" else 1  # it is read once more as it stands: a length that lies may have swallowed something
    assert [word for word in have if not 1 <= told.count(word) <= most] == []
