"""pcap and pcapng: a secret cut by segments is found, whoever sent it, in whatever order it came."""

from __future__ import annotations

import gzip
import io
import random
import struct
import zlib
from pathlib import Path
from random import Random

import backups
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nests import Seen, look, tar
from recorded import LINKS, Sent, block, ip, pcap, pcapng
from scanned import findings, scanned
from test_inside_scan import planted, token

from leakguard.sources.inside.base import Budget, Context, Stream
from leakguard.sources.inside.limits import Limits
from leakguard.sources.inside.logs import pcap as reader
from leakguard.sources.inside.logs.chunked import Chunks
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


def chunked(data: bytes, size: int, extension: bytes = b"") -> bytes:
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    return b"".join(b"%x%b\r\n%b\r\n" % (len(piece), extension, piece) for piece in pieces) + b"0\r\n\r\n"


ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize("size", [1, 7, 40, 1460])
def test_chunks_of_a_body_are_put_together(size: int, tmp_path: Path) -> None:
    body = b"words " * 20 + request(3) + b"more words " * 20
    data = ANSWER + chunked(body, 33) + ANSWER + chunked(body[:50], 9) + b"GET / HTTP/1.1\r\n\r\n"
    seen = look(pcap(segments(data, size)), tmp_path, "x.pcap")
    assert content(seen) == ANSWER + body + b"\r\n" + ANSWER + body[:50] + b"\r\n" + b"GET / HTTP/1.1\r\n\r\n"


def test_a_packed_body_in_chunks_is_unpacked(tmp_path: Path) -> None:
    packed = gzip.compress(b"words " * 20 + request(4))
    (tmp_path / "x.pcap").write_bytes(pcap(segments(ANSWER + chunked(packed, 31), 50)))
    assert [(r["path"], r["secret"]) for r in findings(tmp_path, ".")] == [(f"x.pcap!/{NAME}", token(4))]


def test_what_is_no_chunk_stands_as_it_is(tmp_path: Path) -> None:
    """A segment that was not captured, a length that is none, more behind a length."""
    odd = b"5;note=" + request(5)[:20].replace(b"\r\n", b"") + b"\r\nabcde\r\n"
    for body in (b"no length at all\r\n" + request(5), b"zz\r\n", b"5\r\nabcdefgh\r\n" + b"x" * 400, b"ffffffffff\r\nabc"):
        seen = look(pcap(segments(ANSWER + body, 61)), tmp_path, "x.pcap")
        assert content(seen).replace(b"5\r\n", b"") == ANSWER + body.replace(b"5\r\n", b"")
    assert b";note=" in content(look(pcap(segments(ANSWER + odd, 61)), tmp_path, "x.pcap"))


@given(st.binary(max_size=300), st.integers(1, 50), st.integers(1, 90))
def test_chunks_of_any_size_give_the_body(body: bytes, size: int, cut: int) -> None:
    data = ANSWER + chunked(body, size) + b"end"
    chunks = Chunks()
    made = b"".join(chunks.feed(data[at : at + cut]) for at in range(0, len(data), cut)) + chunks.rest()
    assert made == ANSWER + body + b"\r\nend"


@given(st.lists(st.sampled_from([ANSWER, b"\r\n\r\n", b"5\r\n", b"abcde", b"\r\n", b"0", b"f;x", b"HTTP/1.1 "])), st.integers(1, 40))
def test_any_chunks_lose_nothing_but_lengths(parts: list[bytes], cut: int) -> None:
    data = b"".join(parts)
    chunks = Chunks()
    made = b"".join(chunks.feed(data[at : at + cut]) for at in range(0, len(data), cut)) + chunks.rest()
    gone = bytes.maketrans(b"0123456789abcdefABCDEF\r\n", b"\0" * 24)
    assert made.translate(gone).replace(b"\0", b"") == data.translate(gone).replace(b"\0", b"")


def test_fragments_of_a_datagram_are_one(tmp_path: Path) -> None:
    whole = b"words " * 9 + request(6) + b"more " * 30
    raw = ip(Sent(CLIENT, SERVER, whole))
    head, body = raw[:20], raw[20:]
    pieces = []
    for at in range(0, len(body), 72):
        part = body[at : at + 72]
        more = 0x2000 if at + 72 < len(body) else 0
        pieces.append(head[:2] + struct.pack(">HHH", 20 + len(part), 7, more | at // 8) + head[8:] + part)
    for order in (pieces, pieces[::-1]):
        seen = look(raw_pcap(order), tmp_path, "x.pcap")
        assert whole in content(seen, "packets")
    lost = content(look(raw_pcap(pieces[:1] + pieces[2:]), tmp_path, "x.pcap"), "packets")
    assert all(piece in lost for piece in pieces[2:])


def raw_pcap(packets: list[bytes], modified: bool = False) -> bytes:
    """Packets of IP without a link layer, as libpcap or Kuznetzov's writes them."""
    out = struct.pack("<IHHIIII", 0xA1B2CD34 if modified else 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)
    for packet in packets:
        out += struct.pack("<IIII", 1, 2, len(packet), len(packet)) + bytes(8 * modified) + packet
    return out


def test_a_capture_of_the_modified_libpcap(tmp_path: Path) -> None:
    packets = [ip(packet) for packet in segments(request(7), 61)]
    seen = look(raw_pcap(packets, modified=True), tmp_path, "x.pcap")
    assert seen.members == {f"x.pcap!/{NAME}": request(7)}
    assert "middle" in look(raw_pcap(packets, modified=True)[:-5], tmp_path, "x.pcap").reasons


def packed(how: str, data: bytes) -> bytes:
    if how == "br":
        return bytes(pytest.importorskip("brotli").compress(data))
    if how == "raw":
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        return packer.compress(data) + packer.flush()
    return gzip.compress(data) if how == "gzip" else zlib.compress(data) if how == "deflate" else data


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("how", ["br", "raw", "deflate", "gzip", ""])
def test_packed_bodies_are_read(how: str, chunked: bool, tmp_path: Path) -> None:
    """In a capture and in what a crawler kept, whole or compressed."""
    text = b"old_token = ghp_none\n" * 30 + planted(5) + b"words " * 500
    body = packed(how, text)
    said = backups.answer(b"first", "") + backups.answer(body, "deflate" if how == "raw" else how, chunked)
    kept = backups.warc(backups.answer(b"first"), backups.answer(body, "deflate" if how == "raw" else how, chunked), backups.answer(planted(6)))
    segments = [Sent("10.0.0.2:80", "10.0.0.1:9", said[at : at + 200], 1 + at) for at in range(0, len(said), 200)]
    (tmp_path / "x.pcap").write_bytes(pcap(segments))
    (tmp_path / "x.warc").write_bytes(kept)
    (tmp_path / "y.warc.gz").write_bytes(gzip.compress(kept))
    found = {(str(one["path"]).split("!")[0], str(one["secret"])) for one in findings(tmp_path, ".")}
    assert found == {("x.pcap", token(5)), *((name, token(number)) for name in ("x.warc", "y.warc.gz") for number in (5, 6))}


def test_bodies_that_cannot_be_unpacked_are_told(tmp_path: Path) -> None:
    bomb = packed("br", bytes(200_000_000))
    damaged = packed("br", planted(5) * 90)[:60] + Random(3).randbytes(90)
    behind = packed("br", b"words") + planted(7)  # what no browser shows
    (tmp_path / "x.warc").write_bytes(backups.warc(backups.answer(behind, "br")))
    assert len(scanned(tmp_path, Limits()).findings) == 1
    for body, state in ((bomb, "truncated"), (damaged, "failed"), (packed("raw", planted(5) * 90)[:40], "failed")):
        for chunked in (False, True):
            (tmp_path / "x.warc").write_bytes(backups.warc(backups.answer(body, "deflate" if len(body) == 40 else "br", chunked), backups.answer(planted(6))))
            result = scanned(tmp_path, Limits())
            assert {i.state for i in result.incidents} == {state}
            assert len(result.findings) == 1


def test_no_pieces_make_a_difference() -> None:
    said = backups.answer(packed("br", b"words " * 900), "br", True) + backups.answer(packed("raw", b"others " * 900), "deflate") + b"last"
    whole = Chunks().feed(said)
    assert b"words " * 900 in whole
    assert b"others " * 900 in whole
    assert whole.endswith(b"last")
    for step in (1, 7, 300):
        chunks = Chunks()
        assert b"".join(chunks.feed(said[at : at + step]) for at in range(0, len(said), step)) + chunks.rest() == whole
