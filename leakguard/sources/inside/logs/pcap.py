"""pcap and pcapng: what was sent, each direction of a TCP connection put together.

Promises: a capture is read twice, once for where its packets are and once for what is in them, so that memory is an
index of so many packets, and never their content; a connection's bytes come in the order of their sequence numbers,
each once, the chunks of an HTTP body put together; a segment that says something else about bytes that were sent before is
handed out by itself, and so is every packet that is no TCP over IP (of UDP what it carries, IPv4's fragments as one); what
pcapng holds beside packets (comments, names, keys
of TLS) is handed out as it stands. A link layer that is not known is told by its packets being read as they stand.

Never decrypts. Imported by `sources.inside.walk`.
"""

from __future__ import annotations

import struct
from array import array
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from leakguard.sources.inside.base import CHUNK, BrokenError, Context, Member, Pieces, Pull, Stream, from_file
from leakguard.sources.inside.logs.chunked import Chunks

MOST_PACKETS = 1_000_000
"""Packets put in order at a time; connections that go on behind them begin anew."""
LARGEST_PACKET = 16 * 1024 * 1024
LARGEST_BLOCK = 64 * 1024 * 1024
MOST_FLOWS = 200_000
MOST_SENT = 64
"""Segments among which one is looked for that was sent again."""
_LITTLE = (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1", b"\x34\xcd\xb2\xa1")
_MODIFIED = (b"\x34\xcd\xb2\xa1", b"\xa1\xb2\xcd\x34")
"""Kuznetzov's libpcap: eight bytes more before each packet."""
_SECTION, _INTERFACE, _SIMPLE, _ENHANCED, _OBSOLETE = 0x0A0D0D0A, 1, 3, 6, 2


class Packet(NamedTuple):
    """Where a packet lies in the capture."""

    number: int
    start: int
    end: int
    link: int


# ---------------------------------------------------------------- packets
class _Capture:
    """The packets of a file, one after the other; what is beside them in pcapng is kept as (start, end) in `beside`."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self.file = file
        self.size = size
        self.beside: list[tuple[int, int]] = []
        self.broken = ""
        self.end = 0
        self._number = 0
        self._start, self._window = 0, b""

    def at(self, start: int, count: int) -> bytes:
        """Up to `count` bytes at `start`, fewer at the file's end. Made for going forward."""
        low = start - self._start
        if low < 0 or low + count > len(self._window):
            self.file.seek(start)
            self._start, low = start, 0
            self._window = self.file.read(max(0, min(max(count, CHUNK), self.size - start)))
        return self._window[low : low + count]

    def packets(self) -> Iterator[Packet]:
        head = self.at(0, 24)
        found = self._pcapng() if head[:4] == b"\n\r\r\n" else self._pcap(head)
        for start, end, link in found:
            self._number += 1
            yield Packet(self._number, start, end, link)

    def _pcap(self, head: bytes) -> Iterator[tuple[int, int, int]]:
        if len(head) < 24:
            raise BrokenError("ends in its header")
        order = "<" if head[:4] in _LITTLE else ">"
        link = struct.unpack(order + "I", head[20:24])[0] & 0xFFFF
        at = self.end = 24
        record = 24 if head[:4] in _MODIFIED else 16
        while at < self.size:
            raw = self.at(at, record)
            length = struct.unpack(order + "I", raw[8:12])[0] if len(raw) == record else LARGEST_PACKET + 1
            if length > LARGEST_PACKET or at + record + length > self.size:
                short = len(raw) < record or length <= LARGEST_PACKET
                self.broken = f"{'ends in the middle of' if short else 'has'} a {'' if short else 'damaged '}packet at byte {at}"
                return
            yield at + record, at + record + length, link
            at = self.end = at + record + length

    def _pcapng(self) -> Iterator[tuple[int, int, int]]:
        at, order = 0, "<"
        links: list[int] = []
        while at < self.size:
            raw = self.at(at, 32)
            if raw[:4] == b"\n\r\r\n":
                order = "<" if raw[8:12] == b"\x4d\x3c\x2b\x1a" else ">"
                links = []
            if len(raw) < 12:
                self.broken = f"ends in the middle of a block at byte {at}"
                return
            kind, length = struct.unpack(order + "II", raw[:8])
            if length < 12 or length % 4 or length > LARGEST_BLOCK or at + length > self.size:
                self.broken = f"has a damaged block at byte {at}, or ends in it"
                return
            body, stop = at + 8, at + length - 4
            start, end, interface = self._in_block(kind, order, raw, body, stop)
            if kind == _INTERFACE:
                links.append(struct.unpack(order + "H", raw[8:10])[0])
            if end > start:
                yield start, end, links[interface] if interface < len(links) else -1
                end += -(end - start) % 4
            if stop - end > 4:  # options: comments, names, keys
                self._keep(end, stop)
            at = self.end = at + length

    def _in_block(self, kind: int, order: str, raw: bytes, body: int, stop: int) -> tuple[int, int, int]:
        """(start, end, interface) of the packet in a block; of one without, where its fixed fields end."""
        if kind in (_ENHANCED, _OBSOLETE) and len(raw) >= 28:
            interface = struct.unpack(order + ("I" if kind == _ENHANCED else "H"), raw[8 : 12 if kind == _ENHANCED else 10])[0]
            captured = struct.unpack(order + "I", raw[20:24])[0]
            return body + 20, min(body + 20 + captured, stop), interface
        if kind == _SIMPLE:
            original = struct.unpack(order + "I", raw[8:12])[0]
            return body + 4, min(body + 4 + original, stop), 0
        fixed = {_SECTION: 16, _INTERFACE: 8}.get(kind, 0)
        return body + fixed, body + fixed, 0

    def _keep(self, start: int, end: int) -> None:
        if len(self.beside) < MOST_PACKETS:
            self.beside.append((start, end))
        else:
            self.broken = f"more than {MOST_PACKETS} blocks beside its packets"


# ---------------------------------------------------------------- layers
def _network(data: bytes, link: int) -> tuple[int, int]:
    """(protocol, offset) of what a frame carries: 4 for IPv4, 6 for IPv6, 0 for something else."""
    at = kind = 0
    if link == 1 and len(data) >= 14:
        at, kind = 14, int.from_bytes(data[12:14], "big")
    elif link == 113 and len(data) >= 16:  # Linux "any"
        at, kind = 16, int.from_bytes(data[14:16], "big")
    elif link == 276 and len(data) >= 20:
        at, kind = 20, int.from_bytes(data[:2], "big")
    elif link in (0, 108) and len(data) >= 4:
        at = 4
    elif link not in (12, 14, 101, 228, 229):
        return 0, 0
    while kind in (0x8100, 0x88A8, 0x9100) and len(data) >= at + 4:  # VLAN
        at, kind = at + 4, int.from_bytes(data[at + 2 : at + 4], "big")
    if kind not in (0, 0x0800, 0x86DD) or at >= len(data):
        return 0, 0
    version = data[at] >> 4
    return (version, at) if version in (4, 6) else (0, 0)


def _transport(data: bytes, link: int) -> tuple[int, int, int, bytes, bytes]:
    """(protocol, start, end, sender, receiver) of what an IP packet carries; protocol 0 if that is not known."""
    version, at = _network(data, link)
    nothing = (0, 0, 0, b"", b"")
    if version == 4 and len(data) >= at + 20:
        start = at + 4 * (data[at] & 15)
        total = int.from_bytes(data[at + 2 : at + 4], "big") or len(data) - at  # 0: the network card cut it up
        if int.from_bytes(data[at + 6 : at + 8], "big") & 0x3FFF or start < at + 20:
            return nothing  # a fragment: read as it stands
        return data[at + 9], start, min(len(data), at + total), data[at + 12 : at + 16], data[at + 16 : at + 20]
    if version == 6 and len(data) >= at + 40:
        total = int.from_bytes(data[at + 4 : at + 6], "big")
        end = min(len(data), at + 40 + total) if total else len(data)
        protocol, start = data[at + 6], at + 40
        while protocol in (0, 43, 60) and start + 8 <= end:
            protocol, start = data[start], start + 8 * (data[start + 1] + 1)
        return protocol, start, end, data[at + 8 : at + 24], data[at + 24 : at + 40]
    return nothing


def _address(raw: bytes, port: int) -> str:
    from ipaddress import ip_address

    text = str(ip_address(raw))
    return f"[{text}]:{port}" if ":" in text else f"{text}:{port}"


def _fragment(data: bytes, link: int) -> tuple[bytes, int, bool, int, int] | None:
    """(whose it is, its place, does more follow, start, end) of a fragment of IPv4; None for what is none."""
    version, at = _network(data, link)
    if version != 4 or len(data) < at + 20:
        return None
    word = int.from_bytes(data[at + 6 : at + 8], "big")
    start, end = at + 4 * (data[at] & 15), at + int.from_bytes(data[at + 2 : at + 4], "big")
    if not word & 0x3FFF or not at + 20 <= start < end <= len(data):
        return None
    return data[at + 4 : at + 6] + data[at + 9 : at + 10] + data[at + 12 : at + 20], 8 * (word & 0x1FFF), bool(word & 0x2000), start, end


class _Index:
    """Up to MOST_PACKETS packets: of each connection its segments, and all that is no TCP."""

    def __init__(self) -> None:
        self.flows: dict[tuple[bytes, bytes], tuple[int, array[int]]] = {}
        self.others = array("q")
        self.count = 0
        self.fragments: dict[bytes, list[tuple[int, bool, int, int, Packet]]] = {}

    def add(self, data: bytes, packet: Packet) -> None:
        self.count += 1
        if (found := _fragment(data, packet.link)) is not None:
            whose, place, more, start, end = found
            self.fragments.setdefault(whose, []).append((place, more, packet.start + start, packet.start + end, packet))
            return
        protocol, start, end, sender, receiver = _transport(data, packet.link)
        if protocol == 6 and end >= start + 20:
            begin = start + 4 * (data[start + 12] >> 4)
            if start + 20 <= begin <= end:
                if begin < end:
                    self._segment(data, packet, start, begin, end, sender, receiver)
                return
        if protocol == 17 and end >= start + 8:
            self.others.extend((packet.start + start + 8, packet.start + end, packet.number))
        elif data:
            self.others.extend((packet.start, packet.end, packet.number))

    def whole(self) -> None:
        """Puts fragments that fit together into one datagram; the others are read packet by packet. Told at the end."""
        for parts in self.fragments.values():
            parts.sort(key=lambda part: part[0])
            place, fits = 0, not parts[-1][1]
            for at, _, start, end, _ in parts:
                fits = fits and at == place
                place += end - start
            for number, (_, _, start, end, packet) in enumerate(parts, 1):
                if fits:  # a number below zero: no line ends here
                    self.others.extend((start, end, packet.number if number == len(parts) else -packet.number))
                else:
                    self.others.extend((packet.start, packet.end, packet.number))
        self.fragments.clear()

    def _segment(
        self, data: bytes, packet: Packet, start: int, begin: int, end: int, sender: bytes, receiver: bytes
    ) -> None:
        key = sender + data[start : start + 2], receiver + data[start + 2 : start + 4]
        sequence = int.from_bytes(data[start + 4 : start + 8], "big") + (data[start + 13] >> 1 & 1)  # SYN counts for one
        known = self.flows.get(key)
        if known is None:
            if len(self.flows) >= MOST_FLOWS:
                self.others.extend((packet.start + begin, packet.start + end, packet.number))
                return
            known = self.flows[key] = (sequence, array("q"))
        behind = (sequence - known[0] + (1 << 31)) % (1 << 32) - (1 << 31)
        if known[1]:  # more than 2 GiB of one connection: near where the last one was
            last = known[1][-4]
            behind = last + (behind - last + (1 << 31)) % (1 << 32) - (1 << 31)
        known[1].extend((behind, packet.start + begin, packet.start + end, packet.number))


# ---------------------------------------------------------------- reading
def pcap(stream: Stream, context: Context) -> Iterator[Member]:
    """Connections as `tcp/FROM-TO`, everything else as `packets`."""
    file, size = stream.file()
    capture = _Capture(file, size)
    packets = capture.packets()
    while True:
        index = _Index()
        for packet in packets:
            index.add(capture.at(packet.start, packet.end - packet.start), packet)
            if index.count >= MOST_PACKETS:
                break
        if not index.count:
            break
        index.whole()
        odd = array("q")
        for (sender, receiver), (_, segments) in index.flows.items():
            flow = _Flow(file, segments, odd, context)
            ports = int.from_bytes(sender[-2:], "big"), int.from_bytes(receiver[-2:], "big")
            name = f"tcp/{_address(sender[:-2], ports[0])}-{_address(receiver[:-2], ports[1])}"
            yield Member(name, Pieces(flow.pieces()), place=flow.place)
        index.others.extend(odd)
        if index.others:
            loose = _Loose(file, index.others)
            yield Member("packets", Pieces(loose.pieces()), place=loose.place)
    for start, end in capture.beside:
        yield Member(f"@{start}", from_file(file, start, end - start), end - start, "gap")
    if capture.end < size and capture.broken:
        yield Member(f"@{capture.end}", _rest(file, capture.end, size), size - capture.end, "gap")
    if capture.broken:
        context.tell("failed", "", f"pcap: {capture.broken}")


def _rest(file: BinaryIO, start: int, end: int) -> Pull:
    return from_file(file, start, end - start)


class _Numbered:
    """Text made of packets, with the number of the one that a byte of it came in."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self._made = 0
        self._offsets = array("q")
        self._numbers = array("q")

    def read(self, start: int, end: int) -> bytes:
        self.file.seek(start)
        return self.file.read(end - start)

    def mark(self, number: int, size: int) -> None:
        self._offsets.append(self._made)
        self._numbers.append(number)
        self._made += size

    def place(self, offset: int) -> tuple[tuple[str, str], ...]:
        at = bisect_right(self._offsets, offset) - 1
        return (("packet", str(self._numbers[at])),) if at >= 0 else ()


class _Flow(_Numbered):
    """One direction of a connection."""

    def __init__(self, file: BinaryIO, segments: array[int], odd: array[int], context: Context) -> None:
        super().__init__(file)
        self.context = context
        self.segments = segments
        self.odd = odd
        """(start, end, packet) of what contradicts that which was sent before."""

    def pieces(self) -> Iterator[bytes]:
        chunks = Chunks(self.context.tell)
        number = 0
        for number, data in self._sent():
            out = chunks.feed(data)
            if out:
                self.mark(number, len(out))
                yield out
        out = chunks.rest()
        if out:
            self.mark(number, len(out))
            yield out

    def _sent(self) -> Iterator[tuple[int, bytes]]:
        """(number of the packet, what it brought) in order; a line break where something was not captured."""
        segments = self.segments
        rows = sorted(range(0, len(segments), 4), key=lambda at: segments[at])  # numbers: a tuple each would be 160 bytes
        reached = segments[rows[0]]
        sent: deque[tuple[int, int, int]] = deque(maxlen=MOST_SENT)
        for at in rows:
            sequence, start, end, number = segments[at : at + 4]
            if sequence > reached:  # some were not captured
                yield number, b"\n"
                reached = sequence
            known = min(reached - sequence, end - start)
            if known and not self._said(sequence, start, known, sent):
                self.odd.extend((start, start + known, number))
            if known < end - start:
                yield number, self.read(start + known, end)
                sent.append((reached, start + known, end))
                reached = sequence + end - start

    def _said(self, sequence: int, start: int, count: int, sent: deque[tuple[int, int, int]]) -> bool:
        """Are the `count` bytes at `start` those that were sent before? Asked of the last segments."""
        before = b""
        for begun, low, high in sent:
            skip = sequence + len(before) - begun
            if 0 <= skip < high - low and len(before) < count:
                self.file.seek(low + skip)
                before += self.file.read(min(high - low - skip, count - len(before)))
        self.file.seek(start)
        return before == self.file.read(count)


class _Loose(_Numbered):
    """Packets that belong to no connection, a line each at least."""

    def __init__(self, file: BinaryIO, spans: array[int]) -> None:
        super().__init__(file)
        self.spans = spans

    def pieces(self) -> Iterator[bytes]:
        for at in range(0, len(self.spans), 3):
            start, end, number = self.spans[at : at + 3]
            data = self.read(start, end) + (b"\n" if number > 0 else b"")
            self.mark(abs(number), len(data))
            yield data
