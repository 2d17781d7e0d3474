"""Containers of every kind, made for the tests: by the standard library, by the packages of the extra, or byte by byte."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import shutil
import struct
import subprocess
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from leakguard.model import Incident, Origin
from leakguard.sources.files import FileTask
from leakguard.sources.inside import walk
from leakguard.sources.inside.limits import Limits

Files = list[tuple[str, bytes]]


class Seen:
    """What a walk gave: chain -> content, in order, and the incidents."""

    def __init__(self) -> None:
        self.members: dict[str, bytes] = {}
        self.origins: list[Origin] = []
        self.incidents: list[Incident] = []
        self.tally = walk.Tally()

    @property
    def reasons(self) -> str:
        return " | ".join(f"{i.state} {i.origin}: {i.reason}" for i in self.incidents)

    @property
    def states(self) -> set[str]:
        return {incident.state for incident in self.incidents}


def look(data: bytes, folder: Path, name: str = "it", limits: Limits | None = None, strict: bool = False) -> Seen:
    """Writes a file and walks through it; a file that is no container is its own only member."""
    path = folder / name
    path.write_bytes(data)
    return look_at(path, limits, strict)


def look_at(path: Path, limits: Limits | None = None, strict: bool = False) -> Seen:
    out = Seen()
    size = path.stat().st_size
    with path.open("rb") as handle:
        head = handle.read(40_000)
    kind = walk.is_container(head, path.name, str(path), len(head) == size)
    task = FileTask(path.name, str(path), size)
    if not kind:
        out.members[path.name] = path.read_bytes()
        return out
    found = walk.leaves(
        task, Origin("file", path.name), kind, limits or Limits(), out.incidents.append, strict=strict, tally=out.tally
    )
    buffer = bytearray(64 * 1024)
    for leaf in found:
        content = bytearray()
        while count := leaf.stream.readinto(memoryview(buffer)):
            if len(content) < 1 << 24:
                content += buffer[:count]
        # a container that is damaged comes twice: what could be made of it, and as it stands
        again = str(leaf.origin) in out.members and leaf.origin.inside is not None
        assert not again or out.incidents, str(leaf.origin)
        out.members[str(leaf.origin)] = out.members[str(leaf.origin)] + bytes(content) if again else bytes(content)
        out.origins.append(leaf.origin)
    return out


# ---- codecs ---------------------------------------------------------------------------------------------------------


def zst(data: bytes) -> bytes:
    return bytes(pytest.importorskip("zstandard").ZstdCompressor(level=3, write_checksum=True).compress(data))


def lz4(data: bytes) -> bytes:
    return bytes(pytest.importorskip("lz4.frame").compress(data, content_checksum=True))


def lz4_legacy(data: bytes) -> bytes:
    block = pytest.importorskip("lz4.block").compress(data, store_size=False)
    return b"\x02\x21\x4c\x18" + struct.pack("<I", len(block)) + bytes(block)


def br(data: bytes) -> bytes:
    return bytes(pytest.importorskip("brotli").compress(data))


def lzip(data: bytes) -> bytes:
    raw = lzma.compress(data, lzma.FORMAT_ALONE, filters=[{"id": lzma.FILTER_LZMA1, "dict_size": 1 << 20}])[13:]
    size = 6 + len(raw) + 20
    return b"LZIP\1\x14" + raw + struct.pack("<IQQ", zlib.crc32(data), len(data), size)


def unix_compress(data: bytes) -> bytes:
    """LZW as `compress` writes it: where codes become longer, the group of eight they stand in is filled up."""
    out = bytearray(b"\x1f\x9d\x90")
    words = {bytes((code,)): code for code in range(256)}
    width, free, word = 9, 257, b""
    group: list[int] = []

    def flush(size: int) -> None:
        out.extend(sum(code << width * at for at, code in enumerate(group)).to_bytes(width, "little")[:size])
        group.clear()

    for at in range(len(data) + 1):
        letter = data[at : at + 1]
        if letter and word + letter in words:
            word += letter
            continue
        if word:
            group.append(words[word])
        if len(group) == 8 or not letter:
            flush(width if letter else (len(group) * width + 7) // 8)
        if not letter:
            break
        if free > (1 << width) - 1 and width < 16:
            if group:
                flush(width)
            width += 1
        if free < 1 << 16 and word:
            words[word + letter] = free
            free += 1
        word = letter
    return bytes(out)


def lzo1x(data: bytes) -> bytes:
    """One block, by the longest of what is found at the last place of the next four bytes."""
    out = bytearray()
    seen: dict[bytes, int] = {}
    at = low = behind = 0

    def literals(upto: int) -> None:
        run = data[low:upto]
        if not out and len(run) <= 238:
            out.append(17 + len(run))
        elif len(run) < 4 and out:
            out[behind] |= len(run)
        elif len(run) <= 18:
            out.append(len(run) - 3)
        else:
            zeros, last = divmod(len(run) - 18 - 1, 255)
            out.extend(bytes(1 + zeros) + bytes((last + 1,)))
        out.extend(run)

    while at < len(data):
        start = seen.get(data[at : at + 4], -1)
        seen[data[at : at + 4]] = at
        if start < 0 or at - start > 16_384 or len(data) - at < 4 or not at:
            at += 1
            continue
        count = 4
        while at + count < len(data) and data[start + count] == data[at + count]:
            count += 1
        literals(at)
        if count <= 33:
            out.append(32 + count - 2)
        else:
            zeros, last = divmod(count - 33 - 1, 255)
            out.extend(b"\x20" + bytes(zeros) + bytes((last + 1,)))
        behind = len(out)
        out.extend(struct.pack("<H", (at - start - 1) << 2))
        at += count
        low = at
    if low < len(data):
        literals(len(data))
    return bytes(out) + b"\x11\0\0"


def lzop(data: bytes, name: bytes = b"") -> bytes:
    """A block that is packed and one that is not."""
    head = struct.pack(">HHHBBIIII", 0x1030, 0x2080, 0x0940, 1, 5, 0x1, 0o100644, 0, 0) + bytes((len(name),)) + name
    out = b"\x89LZO\0\r\n\x1a\n" + head + struct.pack(">I", zlib.adler32(head))
    cut = len(data) * 3 // 4
    for block in (data[:cut], data[cut:]):
        packed = lzo1x(block)
        body = packed if len(packed) < len(block) else block
        out += struct.pack(">III", len(block), len(body), zlib.adler32(block)) + body if block else b""
    return out + bytes(4)


CODECS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": (".gz", lambda data: gzip.compress(data, mtime=0)),
    "bzip2": (".bz2", bz2.compress),
    "xz": (".xz", lzma.compress),
    "lzma": (".lzma", lambda data: lzma.compress(data, lzma.FORMAT_ALONE)),
    "lzip": (".lz", lzip),
    "zstd": (".zst", zst),
    "lz4": (".lz4", lz4),
    "lz4-legacy": (".lz4", lz4_legacy),
    "brotli": (".br", br),
    "compress": (".Z", unix_compress),
    "lzop": (".lzo", lzop),
}


# ---- archives -------------------------------------------------------------------------------------------------------


def tar(files: Files, form: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for name, data in files:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def tar_v7(files: Files) -> bytes:
    """A tar without a magic: the checksum alone tells."""
    out = b""
    for name, data in files:
        head = bytearray(512)
        head[:100] = name.encode().ljust(100, b"\0")
        head[100:156] = b"%07o\0%07o\0%07o\0%011o\0%011o\0        " % (0o644, 0, 0, len(data), 0)
        head[148:156] = b"%06o\0 " % sum(head)
        out += bytes(head) + data + bytes(-len(data) % 512)
    return out + bytes(1024)


def zip_(files: Files, method: int = zipfile.ZIP_DEFLATED, streamed: bool = False) -> bytes:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return not streamed

        def seek(self, at: int, whence: int = 0) -> int:
            if streamed:
                raise io.UnsupportedOperation
            return super().seek(at, whence)

        def tell(self) -> int:
            if streamed:
                raise io.UnsupportedOperation
            return super().tell()

    out = Pipe()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in files:
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return out.getvalue()


def zip_zstd(files: Files) -> bytes:
    """Method 93, which the standard library's zip did not know: written as stored, and renamed."""
    out = zip_([(name, zst(data)) for name, data in files], zipfile.ZIP_STORED)
    made = bytearray(out)
    for name, data in files:
        local = made.find(b"PK\3\4")
        while made[local + 30 : local + 30 + len(name)] != name.encode():
            local = made.find(b"PK\3\4", local + 4)
        central = made.find(b"PK\1\2")
        while made[central + 46 : central + 46 + len(name)] != name.encode():
            central = made.find(b"PK\1\2", central + 4)
        for at, size in ((local + 8, local + 22), (central + 10, central + 24)):
            made[at : at + 2] = struct.pack("<H", 93)
            made[size : size + 4] = struct.pack("<I", len(data))
            made[size - 8 : size - 4] = struct.pack("<I", zlib.crc32(data))
    return bytes(made)


def ar(files: Files) -> bytes:
    out = b"!<arch>\n"
    for name, data in files:
        out += b"%-16s%-12d%-6d%-6d%-8o%-10d`\n" % (name.encode() + b"/", 0, 0, 0, 0o644, len(data))
        out += data + b"\n" * (len(data) % 2)
    return out


def ar_long(files: Files) -> bytes:
    """Names in a table of their own (GNU), and before the data (BSD)."""
    table = b"".join(name.encode() + b"/\n" for name, _ in files)
    out = b"!<arch>\n" + b"%-48s%-10d`\n" % (b"//", len(table)) + table + b"\n" * (len(table) % 2)
    at = 0
    for number, (name, data) in enumerate(files):
        head, body = (b"#1/%d" % len(name), name.encode() + data) if number % 2 else (b"/%d" % at, data)
        out += b"%-16s%-12d%-6d%-6d%-8o%-10d`\n" % (head, 0, 0, 0, 0o644, len(body)) + body + b"\n" * (len(body) % 2)
        at += len(name) + 2
    return out


def deb(files: Files) -> bytes:
    return ar(
        [
            ("debian-binary", b"2.0\n"),
            ("control.tar.gz", gzip.compress(tar([("control", b"Package: x\n")]), mtime=0)),
            ("data.tar.xz", lzma.compress(tar(files))),
        ]
    )


def cpio_newc(files: Files, sums: bool = False) -> bytes:
    out = b""
    for number, (name, data) in enumerate([*files, ("TRAILER!!!", b"")], 1):
        raw = name.encode() + b"\0"
        head = (b"070702" if sums else b"070701") + b"".join(
            b"%08x" % v for v in (number, 0o100644, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(raw), sum(data) if sums else 0)
        )
        out += head + raw
        out += bytes(-len(out) % 4) + data
        out += bytes(-len(out) % 4)
    return out + bytes(-len(out) % 512)


def cpio_odc(files: Files) -> bytes:
    out = b""
    for name, data in [*files, ("TRAILER!!!", b"")]:
        raw = name.encode() + b"\0"
        out += (
            b"070707"
            + b"%06o" * 3 % (0, 1, 0o100644)
            + b"%06o" * 4 % (0, 0, 1, 0)
            + b"%011o%06o%011o" % (0, len(raw), len(data))
        )
        out += raw + data
    return out


def cpio_bin(files: Files, order: str = "<") -> bytes:
    out = b""
    for name, data in [*files, ("TRAILER!!!", b"")]:
        raw = name.encode() + b"\0"
        size = len(data)
        out += struct.pack(
            f"{order}13H", 0o070707, 0, 1, 0o100644, 0, 0, 1, 0, 0, 0, len(raw), size >> 16, size & 0xFFFF
        )
        out += raw + bytes(len(raw) % 2) + data + bytes(size % 2)
    return out


def rpm(files: Files) -> bytes:
    def header(store: bytes) -> bytes:
        return (
            b"\x8e\xad\xe8\x01\0\0\0\0"
            + struct.pack(">II", 1, len(store))
            + struct.pack(">IIII", 1000, 6, 0, 1)
            + store
        )

    signature = header(b"signature\0")
    signature += bytes(-(len(signature)) % 8)
    return b"\xed\xab\xee\xdb\3\0".ljust(96, b"\0") + signature + header(b"%post echo\0") + zst(cpio_newc(files))


def asar(files: Files) -> bytes:
    index: dict[str, object] = {}
    data = b""
    for name, content in files:
        node = index
        *folders, leaf = name.split("/")
        for folder in folders:
            node = node.setdefault("files", {}).setdefault(folder, {})  # type: ignore[attr-defined]
        node.setdefault("files", {})[leaf] = {"size": len(content), "offset": str(len(data))}  # type: ignore[attr-defined,index]
        data += content
    text = json.dumps(index, separators=(",", ":")).encode()
    padded = text + bytes(-len(text) % 4)
    return struct.pack("<IIII", 4, len(padded) + 8, len(padded) + 4, len(text)) + padded + data


def cab(files: Files) -> bytes:
    """One folder, stored."""
    data = b"".join(content for _, content in files)
    entries, at = b"", 0
    for name, content in files:
        entries += struct.pack("<IIHHHH", len(content), at, 0, 0, 0, 0x20) + name.encode() + b"\0"
        at += len(content)
    start = 36 + 8
    blocks = start + len(entries)
    head = b"MSCF" + struct.pack("<IIIIIBBHHHHH", 0, blocks + 8 + len(data), 0, start, 0, 3, 1, 1, len(files), 0, 1, 0)
    return head + struct.pack("<IHH", blocks, 1, 0) + entries + struct.pack("<IHH", 0, len(data), len(data)) + data


def rar(files: Files) -> bytes:
    """RAR 4, stored."""

    def block(kind: int, flags: int, body: bytes) -> bytes:
        raw = struct.pack("<BHH", kind, flags, 7 + len(body)) + body
        return struct.pack("<H", zlib.crc32(raw) & 0xFFFF) + raw

    out = b"Rar!\x1a\x07\0" + block(0x73, 0, bytes(6))
    for name, data in files:
        raw = name.encode()
        body = (
            struct.pack("<IIBIIBBHI", len(data), len(data), 3, zlib.crc32(data), 0, 20, 0x30, len(raw), 0o100644) + raw
        )
        out += block(0x74, 0x8000, body) + data
    return out + block(0x7B, 0x4000, b"")


def lha(files: Files) -> bytes:
    """Level 0 headers, stored."""
    out = b""
    for name, data in files:
        body = b"-lh0-" + struct.pack("<IIIBB", len(data), len(data), 0, 0x20, 0) + bytes([len(name)]) + name.encode()
        body += struct.pack("<H", _crc16(data))
        out += bytes([len(body), sum(body) & 0xFF]) + body + data
    return out + b"\0"


def _crc16(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 * (crc & 1)
    return crc


def by_libarchive(form: str) -> Callable[[Files], bytes]:
    def make(files: Files) -> bytes:
        try:
            import libarchive
        except (ImportError, AttributeError, OSError, TypeError):
            pytest.skip("needs libarchive")
        handle, path = tempfile.mkstemp()
        os.close(handle)
        try:
            with libarchive.file_writer(path, form) as archive:
                for name, data in files:
                    archive.add_file_from_memory(name, len(data), data)
            return Path(path).read_bytes()
        finally:
            Path(path).unlink()

    return make


def squashfs(files: Files) -> bytes:
    pytest.importorskip("PySquashfsImage")
    tool = shutil.which("mksquashfs")
    if tool is None:
        pytest.skip("needs mksquashfs")
    with tempfile.TemporaryDirectory() as folder:
        for name, data in files:
            path = Path(folder, "root", name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        out = Path(folder, "out")
        subprocess.run([tool, f"{folder}/root", out, "-quiet", "-no-progress"], check=True, capture_output=True)
        return out.read_bytes()


def bundle(files: Files) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        git = ["git", "-C", folder, "-c", "user.name=t", "-c", "user.email=t@example.org"]
        subprocess.run([*git, "init", "-q"], check=True)
        for name, data in files:
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        subprocess.run([*git, "add", "-A"], check=True)
        subprocess.run([*git, "commit", "-qm", "all"], check=True)
        subprocess.run([*git, "bundle", "create", "-q", "out", "HEAD"], check=True)
        return Path(folder, "out").read_bytes()


def iso(files: Files) -> bytes:
    return by_libarchive("iso9660")(files)


ARCHIVES: dict[str, Callable[[Files], bytes]] = {
    "tar pax": tar,
    "tar gnu": lambda files: tar(files, tarfile.GNU_FORMAT),
    "tar ustar": lambda files: tar(files, tarfile.USTAR_FORMAT),
    "tar v7": tar_v7,
    "zip": zip_,
    "zip stored": lambda files: zip_(files, zipfile.ZIP_STORED),
    "zip streamed": lambda files: zip_(files, streamed=True),
    "zip bzip2": lambda files: zip_(files, zipfile.ZIP_BZIP2),
    "zip lzma": lambda files: zip_(files, zipfile.ZIP_LZMA),
    "zip zstd": zip_zstd,
    "ar": ar,
    "ar long": ar_long,
    "deb": deb,
    "cpio newc": cpio_newc,
    "cpio crc": lambda files: cpio_newc(files, sums=True),
    "cpio odc": cpio_odc,
    "cpio bin": cpio_bin,
    "cpio bin big": lambda files: cpio_bin(files, ">"),
    "rpm": rpm,
    "asar": asar,
    "iso": iso,
    "7z": by_libarchive("7zip"),
    "xar": by_libarchive("xar"),
    "cab": cab,
    "rar": rar,
    "lha": lha,
    "squashfs": squashfs,
    "git bundle": bundle,
}


# ---- bombs ----------------------------------------------------------------------------------------------------------


def gzip_quine() -> bytes:
    """A gzip file that expands to itself, by Russ Cox's construction ("Zip Files All The Way Down"): a program of stored
    blocks and repeats that prints itself, its own checksum solved for as a linear system."""

    def literal(count: int) -> bytes:
        return b"\0" + struct.pack("<HH", count, count ^ 0xFFFF)

    def repeat(count: int) -> bytes:
        """The last `count` bytes again: two matches in a fixed block, five bytes for 17 to 20."""
        bits = "010"
        for length in (10, count - 10):
            bits += f"{length - 2:07b}" + "01000" + f"{count - 17:03b}"[::-1]
        bits += "0000000"
        return bytes(int(bits[at : at + 8][::-1], 2) for at in range(0, 40, 8))

    def build(name: bytes, crc: int, size: int) -> bytes:
        p = b"\x1f\x8b\x08\x08\0\0\0\0\0\x03" + name + b"\0"
        s = b"\1\0\0\xff\xff" + struct.pack("<II", crc, size)
        n, k = len(p) + 5, len(s) + 5
        ln, rn, l5, l20, r20, l0, lk, rk = (
            literal(n),
            repeat(n),
            literal(5),
            literal(20),
            repeat(20),
            literal(0),
            literal(k),
            repeat(k),
        )
        return b"".join((
            p, ln, p, ln, rn, l5, rn, l5, l5, l20, rn, l5, l5, l20, r20, l20, r20, l20, r20, l20, r20,
            l20, r20, l0, l0, lk, r20, l0, l0, lk, rk, s, rk, s,
        ))  # fmt: skip

    for name in (b"a", b"ab", b"abc", b"abcd", b"b", b"bc", b"c"):
        size = len(build(name, 0, 0))
        zero = zlib.crc32(build(name, 0, size))
        rows = [0] * 32  # row i: coefficients of bit i of A xor I, and the constant in bit 32
        for bit in range(32):
            column = zlib.crc32(build(name, 1 << bit, size)) ^ zero ^ 1 << bit
            for row in range(32):
                rows[row] |= (column >> row & 1) << bit
        for row in range(32):
            rows[row] |= (zero >> row & 1) << 32
        crc = _solve(rows)
        if crc is not None:
            return build(name, crc, size)
    raise AssertionError("no name gives a system that can be solved")


def _solve(rows: list[int]) -> int | None:
    """Gauss over GF(2)."""
    for bit in range(32):
        pivot = next((row for row in range(bit, 32) if rows[row] >> bit & 1), None)
        if pivot is None:
            return None
        rows[bit], rows[pivot] = rows[pivot], rows[bit]
        for row in range(32):
            if row != bit and rows[row] >> bit & 1:
                rows[row] ^= rows[bit]
    return sum((rows[bit] >> 32 & 1) << bit for bit in range(32))


def zip_records(entries: list[tuple[str, bytes, int, int]], offsets: list[int] | None = None) -> bytes:
    """A zip of stored members whose parts are free: (name, data, flags, method); `offsets` in the index, if not theirs."""
    out, central = b"", b""
    for number, (name, data, flags, method) in enumerate(entries):
        at = len(out) if offsets is None else offsets[number]
        fixed = struct.pack("<HHHHIIIHH", flags, method, 0, 0, zlib.crc32(data), len(data), len(data), len(name), 0)
        out += b"PK\3\4" + struct.pack("<H", 20) + fixed + name.encode() + data
        central += (
            b"PK\1\2" + struct.pack("<HH", 20, 20) + fixed + struct.pack("<HHHII", 0, 0, 0, 0, at) + name.encode()
        )
    count = len(entries)
    return out + central + b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, count, count, len(central), len(out), 0)
