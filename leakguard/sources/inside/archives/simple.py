"""Containers that are little more than headers between files: ar (deb), cpio, rpm, asar; as streams.

Promises: lengths are checked before they are believed; a damaged header ends the container with a BrokenError; what
follows an end mark stays in the stream and is looked at as a gap (an initramfs is cpio behind cpio).
Imported by `sources.inside.walk`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from leakguard.sources.inside.base import BrokenError, Context, Member, Part, Pull, Stream

LONGEST_NAME = 64 * 1024
LONGEST_INDEX = 64 * 1024 * 1024


# ---------------------------------------------------------------- ar
def ar(stream: Stream, _context: Context) -> Iterator[Member]:
    """ar in its GNU and BSD ways; a .deb is one."""
    stream.exactly(8)
    names = b""
    while len(head := stream.some(60)) == 60:
        if head[58:] != b"`\n" or not head[48:58].strip().isdigit():
            raise BrokenError("damaged header", head)
        size = int(head[48:58])
        name = head[:16].rstrip()
        padding = size % 2
        if name == b"//" and size <= LONGEST_INDEX:
            names = stream.exactly(size)
        elif name.startswith(b"#1/") and name[3:].isdigit() and int(name[3:]) <= min(size, LONGEST_NAME):
            length = int(name[3:])
            name = stream.exactly(length).rstrip(b"\0")
            yield from _part(stream, _text(name), size - length)
        else:
            if name[:1] == b"/" and name[1:].isdigit():
                name = names[int(name[1:]) :].split(b"\n", 1)[0]
            yield from _part(stream, _text(name.rstrip(b"/")) or "index", size)
        if padding:
            stream.skip(1)
    if head.strip(b"\0\n"):
        raise BrokenError("ends in the middle of a header", head)


def _part(stream: Stream, name: str, size: int, facts: tuple[tuple[str, str], ...] = ()) -> Iterator[Member]:
    part = stream.part(size)
    yield Member(name, part, size, facts=facts)
    part.finish()


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")


# ---------------------------------------------------------------- cpio
def cpio(stream: Stream, context: Context) -> Iterator[Member]:
    """cpio: new ASCII (with and without sums), old ASCII, binary of either byte order."""
    while True:
        head = stream.peek(6)
        told = stream.peek(110)[102:] if head == b"070702" else b""
        if not head:
            raise BrokenError("ends without its trailer")
        if head in (b"070701", b"070702"):
            name, size, mode, padding = _new_ascii(stream)
        elif head == b"070707":
            name, size, mode, padding = _old_ascii(stream)
        elif head[:2] in (b"\xc7\x71", b"\x71\xc7"):
            name, size, mode, padding = _binary(stream, "little" if head[:1] == b"\xc7" else "big")
        else:
            raise BrokenError("damaged header")
        if name == b"TRAILER!!!":
            return
        part = stream.part(size)
        kind = "link" if mode & 0o170000 == 0o120000 else "member"
        yield Member(_text(name), _summed(part, int(told, 16)) if told and kind == "member" else part, size, kind)
        part.finish()
        stream.skip(padding)


def _summed(part: Part, told: int) -> Pull:
    """The part, its end a BrokenError if its bytes do not add up to what its header told."""
    total = 0

    def pull(count: int) -> bytes:
        nonlocal total
        data = part(count)
        total += sum(data)
        if not data and total & 0xFFFFFFFF != told:
            raise BrokenError("cpio: content is not what the archive says of it (its sum)")
        return data

    return pull


def _new_ascii(stream: Stream) -> tuple[bytes, int, int, int]:
    head = stream.exactly(110)
    try:
        fields = [int(head[at : at + 8], 16) for at in range(6, 110, 8)]
    except ValueError:
        raise BrokenError("damaged header", head) from None
    name = _named(stream, fields[11], head)
    stream.skip(-(110 + fields[11]) % 4)
    return name, fields[6], fields[1], -fields[6] % 4


def _old_ascii(stream: Stream) -> tuple[bytes, int, int, int]:
    head = stream.exactly(76)
    try:
        mode, length, size = int(head[18:24], 8), int(head[59:65], 8), int(head[65:76], 8)
    except ValueError:
        raise BrokenError("damaged header", head) from None
    return _named(stream, length, head), size, mode, 0


def _binary(stream: Stream, order: Any) -> tuple[bytes, int, int, int]:
    head = stream.exactly(26)
    words = [int.from_bytes(head[at : at + 2], order) for at in range(0, 26, 2)]
    size = words[11] << 16 | words[12]
    name = _named(stream, words[10], head)
    stream.skip(words[10] % 2)
    return name, size, words[3], size % 2


def _named(stream: Stream, length: int, head: bytes) -> bytes:
    if not 0 < length <= LONGEST_NAME:
        raise BrokenError("damaged header", head)
    return stream.exactly(length).split(b"\0", 1)[0]


# ---------------------------------------------------------------- rpm
def rpm(stream: Stream, _context: Context) -> Iterator[Member]:
    """An rpm package: its headers (scripts stand there), then the payload, a compressed cpio."""
    stream.exactly(96)
    for name in ("signature", "header"):
        intro = stream.exactly(16)
        if intro[:4] != b"\x8e\xad\xe8\x01":
            raise BrokenError("damaged header", intro)
        count, size = int.from_bytes(intro[8:12], "big"), int.from_bytes(intro[12:16], "big")
        if count > 1 << 20 or size > LONGEST_INDEX:
            raise BrokenError("damaged header", intro)
        stream.skip(16 * count)
        yield from _part(stream, f"@{name}", size)
        if name == "signature":
            stream.skip(-size % 8)
    if not stream.at_end():
        yield Member("payload", stream.read, kind="content")


# ---------------------------------------------------------------- asar
def asar(stream: Stream, context: Context) -> Iterator[Member]:
    """Electron's archive: an index in JSON, then the files one behind the other."""
    import json

    head = stream.exactly(16)
    total, length = int.from_bytes(head[4:8], "little"), int.from_bytes(head[12:16], "little")
    if not length <= total - 4 <= LONGEST_INDEX:
        raise BrokenError("damaged header", head)
    raw = stream.exactly(total - 8)
    try:
        index = json.loads(raw[:length])
        files = sorted(_asar_files(index, context))
    except (ValueError, RecursionError, AttributeError, TypeError, KeyError):
        raise BrokenError("damaged index", head + raw) from None
    at = 0
    for offset, size, name in files:
        if offset > at:
            yield Member(f"@{stream.position}", stream.part(offset - at), offset - at, "gap")
            at += offset - at
        if offset < at:
            context.tell("failed", name, "asar: shares bytes with another member")
            continue
        yield from _part(stream, name, size)
        at = offset + size


def _asar_files(index: Any, context: Context) -> Iterator[tuple[int, int, str]]:
    """(offset, size, path) of each file that is in the archive itself."""
    stack = [("", index)]
    while stack:
        path, node = stack.pop()
        for name, entry in node.get("files", {}).items():
            below = f"{path}{name}"
            if "files" in entry:
                context.named(f"{below}/")
                stack.append((f"{below}/", entry))
            elif "offset" in entry:
                offset, size = int(entry["offset"]), int(entry["size"])
                if offset < 0 or size < 0:
                    raise ValueError
                yield offset, size, below
            elif "link" in entry:
                context.named(below)
                context.named(str(entry["link"]))
            elif entry.get("unpacked"):
                context.named(below)
                context.tell("skipped", below, "asar: lies beside the archive, not in it")
