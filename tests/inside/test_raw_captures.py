"""pcap and pcapng: a secret cut by segments is found, whoever sent it, in whatever order it came."""

from __future__ import annotations

import gzip
import io
import random
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nests import Seen, look, tar
from recorded import LINKS, Sent, block, ip, pcap, pcapng
from scanned import findings
from test_inside_scan import token

from leakguard.sources.inside.base import Budget, Context, Stream
from leakguard.sources.inside.limits import Limits
from leakguard.sources.inside.logs import pcap as reader
from leakguard.sources.inside.magic import kind_of

pytestmark = pytest.mark.usefixtures("loaded")

CLIENT, SERVER = "10.0.0.1:40000", "10.0.0.2:80"
NAME = f"tcp/{CLIENT}-{SERVER}"


def request(number: int) -> bytes:
    return b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: token " + token(number).encode() + b"\r\nAccept: */*\r\n\r\n"


def segments(data: bytes, size: int, start: int = 1000, source: str = CLIENT, target: str = SERVER) -> list[Sent]:
    return [Sent(source, target, data[at : at + size], (start + at) % (1 << 32)) for at in range(0, len(data), size)]


def content(seen: Seen, member: str = NAME) -> bytes:
    return seen.members[f"x.pcap!/{member}"]


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("order", ["<", ">"])
def test_a_secret_cut_by_segments(link: str, order: str, tmp_path: Path) -> None:
    packets = segments(request(1), 61)
    for make in (pcap, pcapng):
        data = make(packets, link, order)
        assert kind_of(data[:512]) == "pcap"
        seen = look(data, tmp_path, "x.pcap")
        assert seen.members == {f"x.pcap!/{NAME}": request(1)}
        assert seen.incidents == []
    assert look(pcap(packets, link, order, nano=True), tmp_path, "x.pcap").members == {f"x.pcap!/{NAME}": request(1)}


def test_a_finding_names_the_connection_and_the_packet(tmp_path: Path) -> None:
    packets = [Sent("10.9.9.9:53", "10.0.0.1:5353", b"dns"), *segments(request(2), 61)]
    (tmp_path / "x.pcap").write_bytes(pcap(packets))
    (tmp_path / "x.tar.gz").write_bytes(gzip.compress(tar([("cap/y.pcapng", pcapng(packets))])))
    found = findings(tmp_path, ".")
    assert [(r["path"], r["start_line"], r["secret"]) for r in found] == [
        (f"x.pcap!/{NAME}", 3, token(2)), (f"x.tar.gz!/cap/y.pcapng!/{NAME}", 3, token(2)),
    ]  # fmt: skip
    begins = request(2).index(token(2).encode())
    for record in found:
        origin = record["origin"]
        assert isinstance(origin, dict)
        assert origin["facts"] == {"packet": str(2 + begins // 61)}


@given(
    st.binary(min_size=1, max_size=400),
    st.integers(1, 90),
    st.sampled_from([0, 5, (1 << 32) - 100, (1 << 31) - 50]),
    st.randoms(use_true_random=False),
)
@settings(max_examples=120, deadline=None)
def test_order_repeats_and_wrapping_numbers(data: bytes, size: int, start: int, chance: random.Random) -> None:
    packets = segments(data, size, start)
    again = [chance.choice(packets) for _ in range(3)]
    whole = [Sent(CLIENT, SERVER, data, start)] if chance.random() < 0.3 else []
    packets += again + whole
    chance.shuffle(packets)
    raw = pcap(packets)
    context = Context("x", Limits(), Budget(Limits(), len(raw)), lambda *_: pytest.fail("told"))
    found = {}
    stream = Stream(io.BytesIO(raw).read)
    for member in reader.pcap(stream, context):
        pieces = []
        while piece := member.pull(1 << 20):
            pieces.append(piece)
        found[member.name] = b"".join(pieces)
    stream.close()
    assert found == {NAME: data}


def test_both_directions_ipv6_and_datagrams(tmp_path: Path) -> None:
    packets = [
        *segments(b"question " + token(3).encode(), 20, source="[2001:db8::1]:1", target="[2001:db8::2]:2"),
        *segments(b"answer " + token(4).encode(), 20, source="[2001:db8::2]:2", target="[2001:db8::1]:1"),
        Sent("10.0.0.1:514", "10.0.0.2:514", b"<34>syslog GITHUB_TOKEN=" + token(5).encode()),
    ]
    seen = look(pcap(packets), tmp_path, "x.pcap")
    assert content(seen, "tcp/[2001:db8::1]:1-[2001:db8::2]:2") == b"question " + token(3).encode()
    assert content(seen, "tcp/[2001:db8::2]:2-[2001:db8::1]:1") == b"answer " + token(4).encode()
    assert content(seen, "packets") == packets[-1].data + b"\n"


def test_what_was_not_captured_leaves_a_break(tmp_path: Path) -> None:
    packets = segments(b"one two three four", 4)
    del packets[2]
    assert content(look(pcap(packets), tmp_path, "x.pcap")) == b"one two \ne four"


def test_a_segment_that_contradicts_what_was_sent_is_read_too(tmp_path: Path) -> None:
    packets = segments(b"x" * 200, 100)
    evil = b"GITHUB_TOKEN=" + token(6).encode()
    seen = look(pcap([*packets, Sent(CLIENT, SERVER, evil, 1000)]), tmp_path, "x.pcap")
    assert content(seen) == b"x" * 200
    assert content(seen, "packets") == evil + b"\n"


def test_what_pcapng_holds_beside_packets(tmp_path: Path) -> None:
    data = pcapng(
        segments(b"hello", 9), comment=b"GITHUB_TOKEN=" + token(7).encode(), keys=b"CLIENT_RANDOM " + token(8).encode()
    )
    seen = look(data, tmp_path, "x.pcap")
    told = b"".join(seen.members.values())
    assert told.count(token(7).encode()) == told.count(token(8).encode()) == 1
    assert content(seen) == b"hello"


def test_other_layers_are_read_as_they_stand(tmp_path: Path) -> None:
    frame = b"\1\2\3" * 20 + token(9).encode()
    for number in (147, 1):
        data = struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, number)
        data += struct.pack("<IIII", 0, 0, len(frame), len(frame)) + frame
        assert content(look(data, tmp_path, "x.pcap"), "packets") == frame + b"\n"


@pytest.mark.parametrize("make", [pcap, pcapng])
def test_a_truncated_capture_gives_what_is_left(make: object, tmp_path: Path) -> None:
    data = make([*segments(b"a" * 300, 100), *segments(request(10), 1000, 1300)])  # type: ignore[operator]
    for end in (1, 20, 60, 130):
        seen = look(data[:-end], tmp_path, "x.pcap")
        assert seen.states == {"failed"}
        told = b"".join(seen.members.values())
        assert (token(10).encode() in told) == (token(10).encode() in data[:-end])


@pytest.mark.parametrize("make", [pcap, pcapng])
def test_a_damaged_length_is_told_and_the_rest_read_as_it_stands(make: object, tmp_path: Path) -> None:
    data = bytearray(make([*segments(b"a" * 30, 10), *segments(request(11), 1000, 1030)]))  # type: ignore[operator]
    at = data.index(ip(segments(b"a" * 30, 10)[1])) - 14 - (8 if make is pcap else 24)
    data[at : at + 4] = b"\xfe\xff\xff\xff"
    seen = look(bytes(data), tmp_path, "x.pcap")
    assert seen.states == {"failed"}
    assert token(11).encode() in b"".join(seen.members.values())


def test_many_packets_in_turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than are put in order at a time: nothing is lost, and a connection goes on under its name and a number."""
    monkeypatch.setattr(reader, "MOST_PACKETS", 7)
    data = b"".join(b"%08d " % n for n in range(60))
    seen = look(pcap(segments(data, 20)), tmp_path, "x.pcap")
    assert b"".join(seen.members.values()) == data
    monkeypatch.setattr(reader, "MOST_FLOWS", 2)
    packets = [Sent(f"10.0.0.{n}:1", SERVER, b"flow %d" % n, 5) for n in range(1, 7)]
    told = b"".join(look(pcap(packets), tmp_path, "x.pcap").members.values())
    assert all(b"flow %d" % n in told for n in range(1, 7))


def test_hostile_captures_end(tmp_path: Path) -> None:
    noise = random.Random(1)
    for make in (pcap, pcapng):
        good = make([*segments(b"a" * 200, 20), Sent("10.0.0.1:1", "10.0.0.2:2", b"b" * 50)])
        for _ in range(150):
            data = bytearray(good)
            for _ in range(6):
                data[noise.randrange(4 if make is pcap else 12, len(data))] = noise.randrange(256)
            look(bytes(data), tmp_path, "x.pcap")
    empty = pcapng([]) + block(6, b"") + block(1, b"") + block(3, b"") + block(99, b"abc")
    look(empty, tmp_path, "x.pcap")
    assert look(pcap([]), tmp_path, "x.pcap").incidents == []
