"""Logs and captures made byte by byte after their documentation: journald's files, Windows' event logs, pcap, pcapng."""

from __future__ import annotations

import lzma
import struct
import zlib
from typing import NamedTuple

# ---- journald: https://systemd.io/JOURNAL_FILE_FORMAT/ ---------------------------------------------------------------


def journal_object(kind: int, body: bytes, flags: int = 0) -> bytes:
    size = 16 + len(body)
    return struct.pack("<BB6xQ", kind, flags, size) + body + bytes(-size % 8)


def journal_data(field: bytes, compact: bool = False, packed: str = "") -> bytes:
    value, flags = field, 0
    if packed == "xz":
        value, flags = lzma.compress(field), 1
    elif packed == "lz4":
        import lz4.block

        value, flags = struct.pack("<Q", len(field)) + lz4.block.compress(field, store_size=False), 2
    elif packed == "zstd":
        import zstandard

        value, flags = zstandard.compress(field), 4
    return journal_object(1, bytes(48) + (bytes(8) if compact else b"") + value, flags)


def journal_entry(number: int) -> bytes:
    time = 1_700_000_000_000_000 + number * 1_000_000
    return journal_object(3, struct.pack("<QQQ16sQ", number, time, number, bytes(16), 0) + bytes(16))


def journal(entries: list[list[bytes]], compact: bool = False, packed: str = "", tail: int = 4096) -> bytes:
    """A file with so many entries, each with its fields; what an earlier one has is not written again."""
    flags = (16 if compact else 0) | {"xz": 1, "lz4": 2, "zstd": 8}.get(packed, 0)
    out = journal_object(4, bytes(160)) + journal_object(5, bytes(160))
    known: set[bytes] = set()
    for number, fields in enumerate(entries, 1):
        for field in fields:
            if field not in known:
                known.add(field)
                out += journal_data(field, compact, packed if len(field) > 100 else "")
                out += journal_object(2, bytes(24) + field.split(b"=", 1)[0])
        out += journal_entry(number)
    head = b"LPKSHHRH" + struct.pack("<II", 0, flags) + b"\1" + bytes(7) + bytes(64)
    return (head + struct.pack("<QQ", 256, len(out))).ljust(256, b"\0") + out + bytes(tail)


# ---- Windows' event logs ----------------------------------------------------------------------------------------------


def _name(at: int, name: str) -> bytes:
    """A name, written where it is first used; `at` is where in the chunk."""
    checksum = 0
    for char in name:
        checksum = (checksum * 65599 + ord(char)) & 0xFFFFFFFF
    raw = struct.pack("<IHH", 0, checksum & 0xFFFF, len(name)) + name.encode("utf-16-le") + b"\0\0"
    return struct.pack("<I", at + 4) + raw


def _element(at: int, name: str, content: str | list[tuple[str, str]]) -> bytes:
    head = b"\x01"  # in templates a number follows, of the value that it depends on
    named = _name(at + len(head) + 4, name)
    body = b"\x02"
    start = at + len(head) + 4 + len(named)
    if isinstance(content, str):
        body += b"\x05\x01" + struct.pack("<H", len(content)) + content.encode("utf-16-le")
    else:
        for child, text in content:
            body += _element(start + len(body), child, text)
    body += b"\x04"
    return head + struct.pack("<I", len(named) + len(body)) + named + body


def evtx(events: list[list[tuple[str, str]]]) -> bytes:
    """A log with one chunk; each event has elements below `Event`, by name and text."""
    records = b""
    last = 512
    for number, fields in enumerate(events, 1):
        last = 512 + len(records)
        xml = b"\x0f\x01\x01\0" + _element(last + 24 + 4, "Event", fields) + b"\0"
        size = 24 + len(xml) + 4
        records += struct.pack("<IIQQ", 0x2A2A, size, number, 133_000_000_000_000_000) + xml + struct.pack("<I", size)
    head = b"ElfChnk\0" + struct.pack("<QQQQIIII", 1, len(events), 1, len(events), 128, last, 512 + len(records), zlib.crc32(records))
    head = head.ljust(124, b"\0")
    head += struct.pack("<I", zlib.crc32(head[:120] + bytes(384)))
    chunk = (head.ljust(512, b"\0") + records).ljust(65536, b"\0")
    file = b"ElfFile\0" + struct.pack("<QQQIHHHH", 0, 0, len(events) + 1, 128, 1, 3, 4096, 1)
    file = file.ljust(120, b"\0")
    file += struct.pack("<II", 0, zlib.crc32(file[:120]))
    return file.ljust(4096, b"\0") + chunk


# ---- captures ---------------------------------------------------------------------------------------------------------


class Sent(NamedTuple):
    """A packet: from, to, what; TCP if it has a sequence number."""

    source: str
    target: str
    data: bytes
    sequence: int | None = None
    flags: int = 0x18


def _port(place: str) -> tuple[str, int]:
    host, _, port = place.rpartition(":")
    return host.strip("[]"), int(port)


def ip(packet: Sent) -> bytes:
    import ipaddress

    (source, source_port), (target, target_port) = _port(packet.source), _port(packet.target)
    ports = struct.pack(">HH", source_port, target_port)
    if packet.sequence is None:
        body, protocol = ports + struct.pack(">HH", 8 + len(packet.data), 0) + packet.data, 17
    else:
        rest = struct.pack(">IIBBHHH", packet.sequence & 0xFFFFFFFF, 0, 0x80, packet.flags, 1000, 0, 0) + b"\1\1\x08\x0a" + bytes(8)
        body, protocol = ports + rest + packet.data, 6
    one, other = ipaddress.ip_address(source), ipaddress.ip_address(target)
    if one.version == 6:
        return struct.pack(">IHBB", 6 << 28, len(body), protocol, 64) + one.packed + other.packed + body
    return struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(body), 1, 0x4000, 64, protocol, 0) + one.packed + other.packed + body


LINKS = {
    "ethernet": (1, lambda raw: bytes(12) + (b"\x86\xdd" if raw[0] >> 4 == 6 else b"\x08\0") + raw),
    "vlan": (1, lambda raw: bytes(12) + b"\x81\0\0\5" + (b"\x86\xdd" if raw[0] >> 4 == 6 else b"\x08\0") + raw),
    "raw": (101, lambda raw: raw),
    "loopback": (0, lambda raw: b"\2\0\0\0" + raw),
    "any": (113, lambda raw: bytes(14) + (b"\x86\xdd" if raw[0] >> 4 == 6 else b"\x08\0") + raw),
    "any 2": (276, lambda raw: (b"\x86\xdd" if raw[0] >> 4 == 6 else b"\x08\0") + bytes(18) + raw),
}


def pcap(packets: list[Sent], link: str = "ethernet", order: str = "<", nano: bool = False) -> bytes:
    number, wrap = LINKS[link]
    out = struct.pack(order + "IHHIIII", 0xA1B23C4D if nano else 0xA1B2C3D4, 2, 4, 0, 0, 65535, number)
    for packet in packets:
        raw = wrap(ip(packet))
        out += struct.pack(order + "IIII", 1_700_000_000, 0, len(raw), len(raw)) + raw
    return out


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    body += bytes(-len(body) % 4)
    size = 12 + len(body)
    return struct.pack(order + "II", kind, size) + body + struct.pack(order + "I", size)


def option(code: int, text: bytes, order: str = "<") -> bytes:
    return struct.pack(order + "HH", code, len(text)) + text + bytes(-len(text) % 4)


def pcapng(packets: list[Sent], link: str = "ethernet", order: str = "<", comment: bytes = b"", keys: bytes = b"") -> bytes:
    number, wrap = LINKS[link]
    out = block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1), order)
    out += block(1, struct.pack(order + "HHI", number, 0, 0), order)
    if keys:
        out += block(10, struct.pack(order + "II", 0x544C534B, len(keys)) + keys, order)
    for packet in packets:
        raw = wrap(ip(packet))
        body = struct.pack(order + "IIIII", 0, 0, 0, len(raw), len(raw)) + raw + bytes(-len(raw) % 4)
        if comment:
            body += option(1, comment, order) + option(0, b"", order)
        out += block(6, body, order)
    return out
