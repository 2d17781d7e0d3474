"""What lies in backups of machines and phones, made byte by byte as their programs write it: hives, property lists, disk images,
logs of brokers and databases, caches, mail."""

from __future__ import annotations

import bz2
import gzip
import lzma
import plistlib
import struct
import zlib
from collections.abc import Callable, Iterable

HOLE = 0xFFFFFFFF


# ---------------------------------------------------------------- the registry
def utf16(text: str) -> bytes:
    return (text + "\0").encode("utf-16-le")


class Hive:
    """Cells, one behind the other, in one block."""

    def __init__(self) -> None:
        self.cells = bytearray()

    def cell(self, data: bytes, free: bool = False) -> int:
        at, size = len(self.cells) + 32, (len(data) + 4 + 7) // 8 * 8
        self.cells += struct.pack("<i", size if free else -size) + data + bytes(size - 4 - len(data))
        return at

    def value(self, name: str, kind: int, data: bytes) -> int:
        size, where = len(data), int.from_bytes(data[:4].ljust(4, b"\0"), "little")
        if size <= 4:
            size |= 0x80000000
        elif size > 16_344:
            parts = [self.cell(data[at : at + 16_344]) for at in range(0, size, 16_344)]
            where = self.cell(b"db" + struct.pack("<HI", len(parts), self.cell(struct.pack(f"<{len(parts)}I", *parts))))
        else:
            where = self.cell(data)
        return self.cell(b"vk" + struct.pack("<HIIIHH", len(name), size, where, kind, 1, 0) + name.encode())

    def key(self, name: str, parent: int, values: Iterable[int] = (), root: bool = False) -> int:
        listed = list(values)
        where = self.cell(struct.pack(f"<{len(listed)}I", *listed)) if listed else HOLE
        head = struct.pack("<HQIIIIII", 0x2C if root else 0x20, 0, 0, parent, 0, 0, HOLE, HOLE)
        head += struct.pack("<II", len(listed), where) + struct.pack("<II20xHH", HOLE, HOLE, len(name), 0)
        return self.cell(b"nk" + head + name.encode())

    def end(self, root: int) -> bytes:
        size = (len(self.cells) + 32 + 4095) // 4096 * 4096
        left = size - 32 - len(self.cells)
        cells = bytes(self.cells) + (struct.pack("<i", left) + bytes(left - 4) if left else b"")
        head = b"regf" + struct.pack("<IIQIIIIII", 1, 1, 0, 1, 5, 0, 1, root, size)
        return head.ljust(4096, b"\0") + b"hbin" + struct.pack("<II20x", 0, size) + cells


def hive(values: dict[str, bytes | str], deleted: bytes = b"") -> bytes:
    made = Hive()
    root = made.key("ROOT", 0, root=True)
    made.key("Environment", root, [made.value(n, 1 if isinstance(v, str) else 3, utf16(v) if isinstance(v, str) else v) for n, v in values.items()])
    if deleted:
        made.cell(deleted, free=True)
    return made.end(root)


# ---------------------------------------------------------------- disks
def vmdk(disk: bytes) -> bytes:
    """As machines are exported: a mark before each part of 64 KiB, holes left out."""
    head = struct.pack("<4sIIQQQQIQQQ?4sH433x", b"KDMV", 3, 0x30001, len(disk) // 512, 128, 1, 2, 512, 0, 2**64 - 1, 128, False, b"\n \r\n", 1)
    out = bytearray(head.ljust(512, b"\0") + b'# Disk DescriptorFile\ncreateType="streamOptimized"\n')
    out += bytes(128 * 512 - len(out))
    for at in range(0, len(disk), 65_536):
        part = disk[at : at + 65_536].ljust(65_536, b"\0")
        if part.strip(b"\0"):
            packed = zlib.compress(part)
            out += struct.pack("<QI", at // 512, len(packed)) + packed
            out += bytes(-len(out) % 512)
    for count, kind in ((1, 1), (1, 2), (1, 3)):
        out += struct.pack("<QII", count, 0, kind).ljust(512, b"\0") + bytes(512 * count)
    return bytes(out + bytes(512))


PACKED = {0x80000005: zlib.compress, 0x80000006: bz2.compress, 0x80000008: lzma.compress, 1: bytes}


def dmg(disk: bytes, kinds: Iterable[int] = tuple(PACKED), step: int = 8192) -> bytes:
    kinds = tuple(kinds)
    out, runs = bytearray(), []
    for number, at in enumerate(range(0, len(disk), step)):
        part, kind = disk[at : at + step], kinds[number % len(kinds)]
        packed = PACKED.get(kind, zlib.compress)(part)
        runs.append((kind, at // 512, -(-len(part) // 512), len(out), len(packed)))
        out += packed
    size = len(out)
    table = struct.pack(">4sIQQQII24xII128xI", b"mish", 1, 0, len(disk) // 512, 0, 520, 0, 2, 32, len(runs) + 1)
    for kind, sector, count, at, length in [*runs, (HOLE, 0, 0, size, 0)]:
        table += struct.pack(">IIQQQQ", kind, 0, sector, count, at, length)
    listed = plistlib.dumps({"resource-fork": {"blkx": [{"Name": "whole", "Data": table}]}})
    tail = struct.pack(">4sIIIQQQQQIIIIIIII128xQQ", b"koly", 4, 512, 1, 0, 0, size, 0, 0, 1, 1, 0, 0, 0, 0, 2, 32, size, len(listed))
    return bytes(out) + listed + tail.ljust(512, b"\0")


def qcow2(disk: bytes, how: str = "zlib", before: bytes = b"", bits: int = 12, crypt: int = 0, features: int = 0) -> bytes:
    """Tables, then the clusters that are not empty. `before` is the disk as a snapshot has it, whose clusters stand as they are."""
    size, version = 1 << bits, 3
    out = bytearray(2 * size)  # the header, then the list of snapshots

    def place(data: bytes) -> int:
        at = len(out)
        out.extend(data + bytes(-len(data) % size))
        return at

    def cluster(part: bytes, how: str) -> int:
        if not part.strip(b"\0"):
            return 0
        if how == "plain":
            return place(part) | 1 << 63
        packer = zlib.compressobj(9, zlib.DEFLATED, -12)
        packed = packer.compress(part) + packer.flush()
        if how == "zstd":
            import zstandard

            packed = zstandard.compress(part)
        if len(packed) >= size:
            return place(part) | 1 << 63
        at = len(out) + 7  # they stand at any byte
        sectors = (at % 512 + len(packed) + 511) // 512 - 1
        place(bytes(7) + packed)
        return at | sectors << 70 - bits | 1 << 62

    def tables(disk: bytes, how: str) -> tuple[int, int]:
        entries = [cluster(disk[at : at + size].ljust(size, b"\0"), how) for at in range(0, len(disk), size)]
        per = size // 8
        firsts = [place(struct.pack(f">{len(run)}Q", *run)) | 1 << 63 for run in (entries[n : n + per] for n in range(0, len(entries), per))]
        return place(struct.pack(f">{len(firsts)}Q", *firsts)), len(firsts)

    if before:
        at, count = tables(before, "plain")
        out[size : size + 40] = struct.pack(">QIHHIIQII", at, count, 1, 3, 0, 0, 0, 0, 0)
        out[size + 40 : size + 44] = b"1one"
    at, count = tables(disk, how)
    features |= 8 if how == "zstd" else 0
    out[:105] = struct.pack(">4sIQIIQIIQQIIQQQQIIB", b"QFI\xfb", version, 0, 0, bits, len(disk), crypt, count, at, 0, 0,
                            1 if before else 0, size if before else 0, features, 0, 0, 4, 112, how == "zstd")  # fmt: skip
    return bytes(out)


def _stored(disk: bytes, unit: int) -> tuple[list[int], list[bytes]]:
    """(which of the stored blocks each block of the disk is, or -1; the stored ones, in no order of the disk)."""
    blocks = [disk[at : at + unit].ljust(unit, b"\0") for at in range(0, len(disk), unit)]
    there = [number for number, block in enumerate(blocks) if block.strip(b"\0")][::-1]
    return [there.index(number) if number in there else -1 for number in range(len(blocks))], [blocks[number] for number in there]


def vdi(disk: bytes, unit: int = 4096, kind: int = 1) -> bytes:
    table, blocks = _stored(disk, unit)
    packed = struct.pack(f"<{len(table)}I", *(number & HOLE for number in table))
    at = 512 + len(packed) + -len(packed) % 512
    head = b"<<< Oracle VM VirtualBox Disk Image >>>\n".ljust(64, b"\0")
    head += struct.pack("<IHHIII", 0xBEDA107F, 1, 1, 400, kind, 0).ljust(340 - 64, b"\0")
    head += struct.pack("<IIIIIIIQIIII", 512, at, 0, 0, 0, 512, 0, len(disk), unit, 0, len(table), len(blocks))
    return head.ljust(512, b"\0") + packed.ljust(at - 512, b"\0") + b"".join(blocks)


def vhd(disk: bytes, unit: int = 4096, base: str = "") -> bytes:
    table, blocks = _stored(disk, unit)
    footer = struct.pack(">8sIIQI4sI4sQQIII16xB", b"conectix", 2, 0x10000, 512, 0, b"qemu", 0x50003, b"Wi2k", len(disk), len(disk), 0,
                         4 if base else 3, 0, 0).ljust(512, b"\0")  # fmt: skip
    head = struct.pack(">8sQQIII24x", b"cxsparse", (1 << 64) - 1, 1536, 0x10000, len(table), unit).ljust(64, b"\0")
    head = (head + base.encode("utf-16-be")).ljust(1024, b"\0")
    size = 4 * len(table) + -4 * len(table) % 512
    first = (1536 + size) // 512
    packed = struct.pack(f">{len(table)}I", *(HOLE if number < 0 else first + number * (unit // 512 + 1) for number in table))
    return footer + head + packed.ljust(size, b"\xff") + b"".join(b"\xff" * 512 + block for block in blocks) + footer


def vhdx(disk: bytes, base: str = "") -> bytes:
    """Its blocks have a MiB or more; the last is written as far as there is something in it."""
    mib = 1 << 20
    table, blocks = _stored(disk, mib)
    guids = {name: bytes.fromhex(text) for name, text in (
        ("bat", "6677c22d23f600429d64115e9bfd4a08"), ("meta", "06a27c8b90479a4bb8fe575f050f886e"),
        ("unit", "3767a1ca36fa434db3b633f0aa44e76b"), ("size", "2442a52f1bcd7648b2115dbed83bf4b8"),
        ("sector", "1dbf41816fa90947ba47f233a8faab5f"), ("base", "2d5fd3a80bb34d45abf7d3d84834ab0c"))}  # fmt: skip
    out = bytearray(b"vhdxfile".ljust(192 * 1024, b"\0"))
    regions = b"regi" + struct.pack("<III", 0, 2, 0)
    regions += guids["bat"] + struct.pack("<QII", 320 * 1024, 4096, 1) + guids["meta"] + struct.pack("<QII", 256 * 1024 + 4096, 60_000, 1)
    out += regions.ljust(64 * 1024, b"\0") + bytes(4096)
    key, value = "relative_path".encode("utf-16-le"), base.encode("utf-16-le")
    locator = bytes(18) + struct.pack("<HIIHH", 1, 32, 32 + len(key), len(key), len(value)) + key + value
    items = [("unit", struct.pack("<II", mib, 2 if base else 0)), ("size", struct.pack("<Q", len(disk))), ("sector", struct.pack("<I", 512)),
             *([("base", locator)] if base else [])]  # fmt: skip
    listed, content = b"metadata" + struct.pack("<HH20x", 0, len(items)), b""
    for name, data in items:
        listed += guids[name] + struct.pack("<IIII", 4096 + len(content), len(data), 4, 0)
        content += data
    out += listed.ljust(4096, b"\0") + content
    out += bytes(320 * 1024 - len(out))
    out += struct.pack(f"<{len(table)}Q", *(0 if number < 0 else (number + 1) << 20 | 6 for number in table))
    out += bytes(mib - len(out))
    return bytes(out) + b"".join(blocks)


def sparse_vmdk(disk: bytes, grain: int = 8, base: str = "") -> bytes:
    """Tables of 16 parts, as many as it takes."""
    table, blocks = _stored(disk, grain * 512)
    entries, text = 16, f'# Disk DescriptorFile\nCID=1\nparentCID={"12345678" if base else "ffffffff"}\n'
    text += f'parentFileNameHint="{base}"\n' if base else ""
    tables = -(-len(table) // entries)
    first = 2 + -(-tables // 128)
    size = -(-(first + tables) // grain) * grain
    head = struct.pack("<4sIIQQQQIQQQB4sH433x", b"KDMV", 1, 3, -(-len(disk) // 512), grain, 1, 1, entries, 0, 2, size, 0, b"\n \r\n", 0)
    out = head.ljust(512, b"\0") + text.encode().ljust(512, b"\0")
    out += struct.pack(f"<{tables}I", *range(first, first + tables)).ljust((first - 2) * 512, b"\0")
    places = [0 if number < 0 else size + number * grain for number in table]
    for at in range(0, len(table), entries):
        out += struct.pack(f"<{len(places[at : at + entries])}I", *places[at : at + entries]).ljust(512, b"\0")
    return out.ljust(size * 512, b"\0") + b"".join(blocks)


def sif(objects: Iterable[tuple[int, str, bytes]]) -> bytes:
    """(type, name, content) of each."""
    listed, content, base = b"", b"", 4096
    objects = list(objects)
    for number, (kind, name, data) in enumerate(objects, 1):
        listed += struct.pack("<i?IIIQQQ32x128s384x", kind, True, number, 1, 0, base + len(content), len(data), len(data), name.encode())
        content += data
    head = b"#!/usr/bin/env run-singularity\n".ljust(32, b"\0") + b"SIF_MAGIC\0" + b"01\0" + b"02\0" + bytes(16)
    head += struct.pack("<QQQQQQQQ", 0, 0, 0, len(objects), 128, len(listed), base, len(content))
    return (head + listed).ljust(base, b"\0") + content


def ewf(disk: bytes) -> bytes:
    out = bytearray(b"EVF\x09\r\n\xff\0\1\1\0\0\0")

    def section(kind: bytes, body: bytes, last: bool = False) -> None:
        size = 76 + len(body)
        head = struct.pack("<16sQQ40x", kind, len(out) + (0 if last else size), size)
        out.extend(head + struct.pack("<I", zlib.adler32(head)) + body)

    section(b"header", zlib.compress(b"1\nmain\nc\tn\na\te\tt\n\n"))
    base, parts, places = len(out) + 76, bytearray(), []
    for at in range(0, len(disk), 32_768):
        part = disk[at : at + 32_768]
        packed = zlib.compress(part)
        short = len(packed) < len(part)
        places.append(base + len(parts) | (short << 31))
        parts += packed if short else part + struct.pack("<I", zlib.adler32(part))
    section(b"sectors", bytes(parts))
    table = struct.pack("<IIQII", len(places), 0, 0, 0, 0) + struct.pack(f"<{len(places)}I", *places)
    section(b"table", table)
    section(b"table2", table)
    section(b"done", b"", last=True)
    return bytes(out)


# ---------------------------------------------------------------- what is packed behind a header
def pbzx(data: bytes, step: int = 4096) -> bytes:
    out = b"pbzx" + struct.pack(">Q", step)
    for at in range(0, len(data), step):
        part = data[at : at + step]
        packed = lzma.compress(part)
        packed = part if len(packed) >= len(part) else packed
        out += struct.pack(">QQ", len(part), len(packed)) + packed
    return out


def android(tar: bytes, packed: bool = True, how: bytes = b"none") -> bytes:
    return b"ANDROID BACKUP\n5\n%d\n%b\n" % (packed, how) + (zlib.compress(tar) if packed else tar)


def ostree(data: bytes, attributes: bytes = b"", told: int | None = None, mode: int = 0o100644) -> bytes:
    """A file in a repository of the mode `archive`: `(tuuuusa(ayay))`, which begins with its size, owners and mode."""
    header = struct.pack(">QIIII", len(data) if told is None else told, 0, 0, mode, 0) + b"\0" + attributes
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return struct.pack(">II", len(header), 0) + header + packer.compress(data) + packer.flush()


def mozlz4(data: bytes) -> bytes:
    import lz4.block

    return b"mozLz40\0" + bytes(lz4.block.compress(data, store_size=True))


def proxmox(data: bytes) -> bytes:
    import zstandard

    return b"\x31\xb9\x58\x42\x6f\xb6\xa3\x7f" + bytes(4) + zstandard.compress(data)


# ---------------------------------------------------------------- brokers, databases, caches
def zigzag(value: int) -> bytes:
    value, out = (value << 1) ^ (value >> 63), b""
    while value > 127:
        out += bytes((value & 127 | 128,))
        value >>= 7
    return out + bytes((value,))


def kafka(pairs: list[tuple[bytes, bytes]], how: str = "none", offset: int = 0) -> bytes:
    """One batch of version 2."""
    records = b""
    for number, (key, value) in enumerate(pairs):
        record = b"\0" + zigzag(0) + zigzag(number) + zigzag(len(key)) + key + zigzag(len(value)) + value + zigzag(0)
        records += zigzag(len(record)) + record
    code, records = packed_by(how, records)
    body = struct.pack(">hiqqqhii", code, len(pairs) - 1, 0, 0, -1, -1, -1, len(pairs)) + records
    return struct.pack(">qi", offset, len(body) + 9) + struct.pack(">ibI", 0, 2, 0) + body


def kafka_of_old(values: list[bytes], how: str = "none", version: int = 1) -> bytes:
    """Messages, and one that holds them packed."""

    def message(value: bytes, code: int) -> bytes:
        body = struct.pack(">bb", version, code) + (bytes(8) if version else b"") + struct.pack(">ii", -1, len(value)) + value
        return struct.pack(">qiI", 0, len(body) + 4, 0) + body

    plain = b"".join(message(value, 0) for value in values)
    if how == "none":
        return plain
    code, packed = packed_by(how, plain)
    return message(packed, code)


def packed_by(how: str, data: bytes) -> tuple[int, bytes]:
    if how == "gzip":
        return 1, gzip.compress(data)
    if how == "snappy":
        return 2, b"\x82SNAPPY\0" + struct.pack(">II", 1, 1) + struct.pack(">I", len(raw := snappied(data))) + raw
    if how == "raw snappy":
        return 2, snappied(data)
    if how == "lz4":
        import lz4.frame

        return 3, lz4.frame.compress(data)
    if how == "zstd":
        import zstandard

        return 4, zstandard.compress(data)
    return 0, data


def snappied(data: bytes) -> bytes:
    import cramjam

    return bytes(cramjam.snappy.compress_raw(data))


def event(kind: int, body: bytes) -> bytes:
    return struct.pack("<IBIIIH", 0, kind, 1, 19 + len(body), 0, 0) + body


def statement(text: bytes) -> bytes:
    return event(2, struct.pack("<IIBHH", 1, 0, 2, 0, 0) + b"db\0" + text)


def binlog(*events: bytes) -> bytes:
    return b"\xfebin" + event(15, bytes(95)) + b"".join(events)


def payload(events: bytes, how: int = 0) -> bytes:
    """A transaction of MySQL 8, packed by zstd (0) or not at all (255)."""
    import zstandard

    data = zstandard.compress(events) if how == 0 else events
    kind = b"\2\1\0" if how == 0 else b"\2\3\xfc\xff\0"
    return event(40, kind + b"\1\4\xfd" + struct.pack("<I", len(data))[:3] + b"\0" + data)


def mariadb(text: bytes) -> bytes:
    """A statement of MariaDB, packed by zlib."""
    return event(165, struct.pack("<IIBHH", 1, 0, 2, 0, 0) + b"db\0" + b"\x84" + struct.pack(">I", len(text)) + zlib.compress(text))


def cached(url: str, body: bytes, headers: bytes, hashed: bool = True) -> bytes:
    """An entry of Chromium's cache."""

    def end(data: bytes, flags: int) -> bytes:
        told = len(data) if flags & 2 or not hashed else 0  # of a body the browser tells none
        return struct.pack("<QIII4x", 0xF4FA6F45970D41D8, flags, zlib.crc32(data), told)

    key = url.encode()
    out = struct.pack("<QIII4x", 0xFCFB6D1BA7725C30, 9, len(key), 0) + key + body + end(body, 1) + headers
    return out + (bytes(range(32)) if hashed else b"") + end(headers, 3 if hashed else 1)


def mozilla_cached(url: str, body: bytes, headers: bytes) -> bytes:
    """An entry of Firefox' cache, as version 153 writes it."""
    key = b"O^partitionKey=%28https%2Cexample.org%29,:" + url.encode()
    told = {b"strongly-framed": b"1", b"request-method": b"GET", b"response-head": headers, b"original-response-headers": headers}
    elements = b"".join(name + b"\0" + value + b"\0" for name, value in told.items())
    meta = struct.pack(">8I", 4, 1, 0x6B035107, 0x6B035107, 0, 0x6B04A287, len(key), 0) + key + b"\0" + elements
    sums = bytes(2 * -(-len(body) // (256 * 1024)))
    return body + struct.pack(">I", zlib.crc32(meta)) + sums + meta + struct.pack(">I", len(body))


def framed(data: bytes, size: int = 65_536) -> bytes:
    """Snappy in frames."""
    import cramjam

    out = b"\xff\6\0\0sNaPpY"
    for at in range(0, len(data), size):
        packed = bytes(4) + bytes(cramjam.snappy.compress_raw(data[at : at + size]))
        out += b"\0" + len(packed).to_bytes(3, "little") + packed
    return out


def field(number: int, value: bytes) -> bytes:
    """A field of a message of Protocol Buffers."""
    size, out = len(value), bytes((number << 3 | 2,))
    while size > 127:
        out += bytes((size & 127 | 128,))
        size >>= 7
    return out + bytes((size,)) + value


def message(pairs: dict[str, str]) -> bytes:
    """Android's DataStore: entries of a map, their values in a message of their own."""
    return b"".join(field(1, field(1, name.encode()) + field(2, field(5, value.encode()))) for name, value in pairs.items())


def kubernetes(data: dict[str, str]) -> bytes:
    """A Secret as etcd keeps it: in a message of the store, behind a mark, in an envelope."""
    entries = b"".join(field(2, field(1, name.encode()) + field(2, value.encode())) for name, value in data.items())
    secret = field(1, field(1, b"it") + field(3, b"default")) + entries + field(3, b"Opaque")
    envelope = b"k8s\0" + field(1, field(1, b"v1") + field(2, b"Secret")) + field(2, secret)
    return field(1, b"/registry/secrets/default/it") + b"\x10\5\x18\5\x20\1" + field(5, envelope)


def etcd_wal(*puts: tuple[bytes, bytes]) -> bytes:
    """What an etcd writes before all else: a checksum, then puts, each padded to eight bytes; and room behind them."""

    def frame(record: bytes) -> bytes:
        padding = -len(record) % 8
        return (len(record) | (0x80 | padding if padding else 0) << 56).to_bytes(8, "little") + record + bytes(padding)

    out = frame(b"\x08\4\x10\0")
    for number, (key, value) in enumerate(puts, 1):
        request = field(4, field(1, key) + field(2, value))
        out += frame(b"\x08\2\x10\7" + field(3, b"\x08\0\x10\2\x18" + bytes((number,)) + field(4, request)))
    return out + bytes(4096)


def pg_heap(rows: list[bytes], columns: int = 5) -> bytes:
    """A page of a table: rows from its end on, as PostgreSQL 15 writes them."""
    page = bytearray(8192)
    at, pointers = 8192, b""
    for data in rows:
        row = struct.pack("<IIIHHHHHB", 700, 0, 0, 0, 0, 1, columns, 0x0902, 24) + b"\0" + data
        at -= len(row) + -len(row) % 8
        page[at : at + len(row)] = row
        pointers += (at | 1 << 15 | len(row) << 17).to_bytes(4, "little")
    page[:24] = struct.pack("<QHHHHHHI", 1 << 32, 0, 0, 24 + len(pointers), at, 8192, 8196, 0)
    page[24 : 24 + len(pointers)] = pointers
    return bytes(page)


def pg_catalog(tables: list[tuple[int, str, int]], columns: list[tuple[int, str, int, int, str]]) -> dict[str, bytes]:
    """What lies beside the tables of a database of PostgreSQL 15. Tables: (number, name, file); columns: (table, name, number, bytes
    or -1, alignment)."""
    classes = [struct.pack("<I64s20xI24x", number, name.encode(), file) for number, name, file in tables]
    attributes = [struct.pack("<I64sIihh13xc14x", table, name.encode(), 25, -1, length, number, align.encode())
                  for table, name, number, length, align in columns]  # fmt: skip
    return {"PG_VERSION": b"15\n", "1259": pg_heap(classes), "1249": pg_heap(attributes)}


def pg_insert(row: bytes, columns: int = 3) -> bytes:
    """A record of the log: a row that was written."""
    data = struct.pack("<HHB", columns, 2, 24) + b"\0" + row
    return pg_record(10, 0, data, bytes(3))


def pg_record(manager: int, info: int, data: bytes, main: bytes, image: bytes = b"", hole: tuple[int, int] = (0, 0), how: int = 0) -> bytes:
    head = struct.pack("<BBH", 0, 0x10 if image else 0, len(data))
    if image:
        head += struct.pack("<HHB", len(image), hole[0], (1 if hole[1] else 0) | how) + (struct.pack("<H", hole[1]) if how and hole[1] else b"")
    head += struct.pack("<IIII", 1663, 5, 16384, 0) + struct.pack("<BB", 255, len(main))
    body = head + image + data + main
    return struct.pack("<IIQBB2xI", 24 + len(body), 700, 0, info, manager, 0) + body


def pg_wal(records: list[bytes]) -> bytes:
    """Records one behind the other, over the borders of pages."""
    out, left = bytearray(struct.pack("<HHIQIxxxxQII", 0xD110, 2, 1, 0, 0, 1, 1 << 24, 8192)), 0
    for record in records:
        out += bytes(-len(out) % 8)
        for number, byte in enumerate(record):
            if len(out) % 8192 == 0:
                left = len(record) - number
                out += struct.pack("<HHIQI4x", 0xD110, 1 if number else 0, 1, len(out), left if number else 0)
            out.append(byte)
    return bytes(out) + bytes(-len(out) % 8192)


def varlena(value: bytes) -> bytes:
    """A value behind its length: one byte, or four."""
    return bytes((len(value) + 1 << 1 | 1,)) + value if len(value) < 126 else (len(value) + 4 << 2).to_bytes(4, "little") + value


def pglz(data: bytes, runs: int = 0) -> bytes:
    """A compressed value: a length, literals, and at its end a run of the last byte that is `runs` long (3 to 17)."""
    items = [bytes((byte,)) for byte in data] + ([bytes((runs - 3, 1))] * 40 if runs else [])
    out = struct.pack("<I", len(data) + 40 * runs)
    for at in range(0, len(items), 8):
        group = items[at : at + 8]
        out += bytes((sum((len(item) == 2) << bit for bit, item in enumerate(group)),)) + b"".join(group)
    return out


def bolt(pairs: list[tuple[bytes, bytes]], stale: bytes = b"", inline: list[tuple[bytes, bytes]] | None = None) -> bytes:
    """Two first pages, a page of leaves, and one that is free."""

    def page(number: int, flags: int, body: bytes, count: int = 0) -> bytes:
        size = -(-(16 + len(body)) // 4096)
        return (struct.pack("<QHHI", number, flags, count, size - 1) + body).ljust(4096 * size, b"\0")

    def leaves(pairs: list[tuple[bytes, bytes, int]]) -> bytes:
        heads, data = b"", b""
        for number, (key, value, flags) in enumerate(pairs):
            heads += struct.pack("<IIII", flags, 16 * (len(pairs) - number) + len(data), len(key), len(value))
            data += key + value
        return heads + data

    meta = struct.pack("<IIII24xQ", 0xED0CDAED, 2, 4096, 0, 3)
    all_of = [(key, value, 0) for key, value in pairs]
    if inline is not None:
        inner = leaves([(key, value, 0) for key, value in inline])
        all_of.append((b"bucket", bytes(16) + struct.pack("<QHHI", 0, 2, len(inline), 0) + inner, 1))
    out = page(0, 4, meta) + page(1, 4, meta) + page(2, 2, leaves(all_of), len(all_of))
    return out + (page(len(out) // 4096, 2, leaves([(b"old", stale, 0)]), 1) if stale else b"") + bytes(4096)


def cloned(pairs: dict[str, str | int]) -> bytes:
    """An object as Firefox keeps it in IndexedDB."""

    def text(value: str) -> bytes:
        raw = value.encode("latin-1")
        return struct.pack("<II", len(raw) | 1 << 31, 0xFFFF0004) + raw + bytes(-len(raw) % 8)

    out = struct.pack("<IIII", 0, 0xFFF10003, 0, 0xFFFF0008)
    for name, value in pairs.items():
        out += text(name) + (text(value) if isinstance(value, str) else struct.pack("<II", value, 0xFFFF0003))
    return snappied(out + struct.pack("<II", 0, 0xFFFF0013))


# ---------------------------------------------------------------- mail
def tnef(files: list[tuple[str, bytes]], properties: bytes = b"") -> bytes:
    def attribute(level: int, ident: int, data: bytes) -> bytes:
        return struct.pack("<BII", level, ident, len(data)) + data + struct.pack("<H", sum(data) & 0xFFFF)

    out = struct.pack("<IH", 0x223E9F78, 1) + attribute(1, 0x89006, struct.pack("<I", 0x10000)) + attribute(1, 0x78008, b"IPM\0")
    if properties:
        out += attribute(1, 0x69003, properties)
    for name, data in files:
        out += attribute(2, 0x69002, bytes(14)) + attribute(2, 0x6800F, data) + attribute(2, 0x18010, name.encode() + b"\0")
    return out


def pst(text: bytes, how: int = 1) -> bytes:
    from leakguard.sources.inside.documents.outlook import _DECODE

    data = text.translate(bytes(_DECODE.index(byte) for byte in range(256))) if how == 1 else text
    return (b"!BDN" + bytes(4) + b"SM" + struct.pack("<HH", 23, 19)).ljust(512, b"\0") + bytes((0x80, how)) + bytes(600) + data + bytes(90)


def emlx(mail: bytes) -> bytes:
    return b"%-10d\n" % len(mail) + mail + plistlib.dumps({"flags": 1})


# ---------------------------------------------------------------- property lists
def plist(value: object) -> bytes:
    return plistlib.dumps(value, fmt=plistlib.FMT_BINARY)


def archived(pairs: dict[str, str]) -> bytes:
    """A dictionary as NSKeyedArchiver writes it."""
    objects: list[object] = ["$null", {}]
    uids = []
    for text in (*pairs, *pairs.values()):
        uids.append(plistlib.UID(len(objects)))
        objects.append(text)
    objects[1] = {"NS.keys": uids[: len(pairs)], "NS.objects": uids[len(pairs) :]}
    return plist({"$version": 100000, "$archiver": "NSKeyedArchiver", "$top": {"root": plistlib.UID(1)}, "$objects": objects})




# ---------------------------------------------------------------- WiredTiger
def wiredtiger_number(value: int) -> bytes:
    """A number as WiredTiger packs it: one byte up to 63, two up to 8255, else its bytes behind how many there are."""
    if value < 64:
        return bytes((0x80 | value,))
    if value < 8256:
        return struct.pack(">H", 0xC000 | value - 64)
    rest = (value - 8256).to_bytes(8, "big").lstrip(b"\0")
    return bytes((0xE0 | len(rest),)) + rest


def wiredtiger(pairs: list[tuple[bytes, bytes]], pack: Callable[[bytes], bytes] | None = None, prefixes: bool = False) -> bytes:
    """A table: the first block, and a page of rows."""
    body, before = b"", b""
    for key, value in pairs:
        shared = next((at for at in range(len(key)) if key[at : at + 1] != before[at : at + 1]), len(key)) if prefixes else 0
        rest = key[shared:]
        if len(rest) < 64:
            body += bytes((len(rest) << 2 | (2 if shared else 1),)) + bytes((shared,)) * bool(shared) + rest
        else:
            body += bytes((0x70 if shared else 0x50,)) + bytes((shared,)) * bool(shared) + wiredtiger_number(len(rest) - 64) + rest
        before = key
        body += bytes((len(value) << 2 | 3,)) if len(value) < 64 else b"\x80" + wiredtiger_number(len(value) - 64)
        body += value
    memory = 40 + len(body)
    if pack is not None:
        body = body.ljust(24, b"\0")
        body = body[:24] + pack(body[24:])
    length = -(-(40 + len(body)) // 4096) * 4096
    head = struct.pack("<QQIIBBBB", 0, 5, memory, 2 * len(pairs), 7, 4 | (pack is not None), 0, 0) + struct.pack("<IIB3x", length, 77, 1)
    return b"\x41\xd8\1\0\1\0\0\0".ljust(4096, b"\0") + (head + body).ljust(length, b"\0")


def wiredtiger_log(records: list[bytes], pack: Callable[[bytes], bytes] | None = None) -> bytes:
    """A log: what it is, then records, each from a multiple of 128 bytes on."""
    out = struct.pack("<IIHHI", 128, 1, 0, 0, 0) + struct.pack("<IHHQ", 0x101064, 3, 0, 1 << 20)
    out = out.ljust(128, b"\0")
    for record in records:
        body = pack(record) if pack is not None else record
        out += struct.pack("<IIHHI", 16 + len(body), 1, int(pack is not None), 0, 16 + len(record)) + body
        out += bytes(-len(out) % 128)
    return out


def rocks_blobs(pairs: Iterable[tuple[bytes, bytes]], how: str = "zstd") -> bytes:
    """A blob file of RocksDB: a header, records, a footer."""
    import bz2

    import zstandard

    out = b"\x37\x8f\x24\0" + struct.pack("<II2B16s", 1, 0, 0, {"none": 0, "zlib": 2, "bzip2": 3, "zstd": 7}[how], bytes(16))[: 26]
    count = 0
    for key, value in pairs:
        deflated = zlib.compressobj(6, zlib.DEFLATED, -15)
        packed = {"none": lambda v=value: v, "bzip2": lambda v=value: bz2.compress(v), "zstd": lambda v=value: zstandard.compress(v),
                  "zlib": lambda v=value, d=deflated: d.compress(v) + d.flush()}[how]()  # fmt: skip
        if how != "none":
            size = len(value)
            packed = (bytes((size,)) if size < 128 else bytes((size & 127 | 128, size >> 7))) + packed
        out += struct.pack("<QQQII", len(key), len(packed), 0, 1, 2) + key + packed
        count += 1
    return out + b"\x37\x8f\x24\0" + struct.pack("<QQQI", count, 0, 0, 3)


# ---------------------------------------------------------------- of servers
def backuppc(data: bytes) -> bytes:
    """Two streams, and the sums behind them."""
    half = len(data) // 2
    return b"\xd7" + zlib.compress(data[:half], 3)[1:] + zlib.compress(data[half:], 3) + b"\xb3" + bytes(range(40))


def dovecot(data: bytes, step: int = 65_536) -> bytes:
    import lz4.block

    blocks = [lz4.block.compress(data[at : at + step], store_size=False) for at in range(0, len(data), step)]
    return b"Dovecot-LZ4\r*\x9b\xc5" + struct.pack(">I", step) + b"".join(struct.pack(">I", len(block)) + block for block in blocks)


def xbstream(files: Iterable[tuple[str, bytes]], step: int = 300, mixed: bool = False, ended: bool = True) -> bytes:
    """`mixed`: the chunks of all files in turns, as several threads write them."""
    chunks, ends = [], []
    for order, (name, data) in enumerate(files):
        head = struct.pack("<I", len(name)) + name.encode()
        for at in range(0, len(data), step):
            part = data[at : at + step]
            chunk = b"XBSTCK01\0P" + head + struct.pack("<QQI", len(part), at, zlib.crc32(part)) + part
            chunks.append((at if mixed else order, order, at, chunk))
        ends.append((order, b"XBSTCK01\0E" + head))
    out = b"".join(chunk for *_, chunk in sorted(chunks, key=lambda one: one[:3]))
    return out + b"".join(end for _, end in ends) * ended


def prometheus_wal(records: Iterable[bytes], how: int = 8) -> bytes:
    """Records in pages of 32 KiB; one that a page has no room for goes on in the next."""
    out = bytearray()
    for record in records:
        body, first = framed_raw(record) if how else record, True
        while True:
            room = 32_768 - len(out) % 32_768
            if room < 8:
                out += bytes(room)
                continue
            part, body = body[: room - 7], body[room - 7 :]
            kind = (1 if not body else 2) if first else 3 if body else 4
            out += struct.pack(">BHI", kind | how, len(part), zlib.crc32(part)) + part
            first = False
            if not body:
                break
    return bytes(out + bytes(-len(out) % 32_768))


def influx_wal(entries: Iterable[bytes]) -> bytes:
    return b"".join(b"\1" + struct.pack(">I", len(packed)) + packed for packed in map(framed_raw, entries))


def framed_raw(data: bytes) -> bytes:
    """A block of Snappy, without a frame: literals, and a copy of what was there before."""
    import cramjam

    return bytes(cramjam.snappy.compress_raw(data))


def clickhouse(blocks: Iterable[Iterable[str]], how: int = 0x82) -> bytes:
    """A column of strings: each behind its length (of up to 127 bytes, here)."""
    return b"".join(clickhouse_block(b"".join(bytes((len(one),)) + one.encode() for one in values), how) for values in blocks)


def clickhouse_block(data: bytes, how: int = 0x82, size: int = -1) -> bytes:
    import lz4.block
    import zstandard

    packed = {0x82: lambda: lz4.block.compress(data, store_size=False), 0x90: lambda: zstandard.compress(data)}.get(how, lambda: data)()
    return bytes(range(16)) + struct.pack("<BII", how, len(packed) + 9, len(data) if size < 0 else size) + packed


def answer(body: bytes, how: str = "", chunked: bool = False, step: int = 60) -> bytes:
    """An answer of HTTP."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n" + (f"Content-Encoding: {how}\r\n".encode() if how else b"")
    if not chunked:
        return head + b"Content-Length: %d\r\n\r\n" % len(body) + body
    parts = [body[at : at + step] for at in range(0, len(body), step)]
    return head + b"Transfer-Encoding: chunked\r\n\r\n" + b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def warc(*answers: bytes) -> bytes:
    head = b"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: https://example.org/\r\nContent-Length: %d\r\n\r\n"
    return b"".join(head % len(one) + one + b"\r\n\r\n" for one in answers)
