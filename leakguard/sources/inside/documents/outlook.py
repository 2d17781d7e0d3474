"""Outlook's own: attachments as TNEF (`winmail.dat`), and its folders (.pst, .ost).

Promises: each attachment of a TNEF is a member by its name, text in its properties is read as it stands, compressed RTF
unpacked. Of a folder, the substitution that Outlook calls compressible encryption is undone, byte for byte, and what that does not
show (attachments that are compressed, text over the border of two blocks) is told; a folder under the other encryption is told,
and scanned as it stands.

Formats: MS-OXTNEF; MS-PST 5.1. Imported by `sources.inside.walk`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from leakguard.sources.inside.base import BrokenError, Context, Member, Stream, UnreadError, from_bytes, from_file

LARGEST = 64 * 1024 * 1024
"""Bytes of properties that are searched for compressed text."""
_TITLE, _DATA, _RENDERED, _MESSAGE, _ATTACHMENT = 0x18010, 0x6800F, 0x69002, 0x69003, 0x69005


# ---------------------------------------------------------------- TNEF
def tnef(stream: Stream, context: Context) -> Iterator[Member]:
    """Attachments with their names, and the properties around them."""
    file, size = stream.file()
    at, number, ended = 6, 0, False
    title, data = "", (0, 0)
    rest: list[tuple[int, int]] = []
    while at + 9 <= size:
        file.seek(at)
        level, ident, length = struct.unpack("<BII", file.read(9))
        if level not in (1, 2) or at + 9 + length + 2 > size:
            ended = True
            break
        start = at + 9
        at = start + length + 2
        kind = ident & 0xFFFFF
        if kind == _RENDERED and level == 2:
            number += bool(data[1])
            yield from _attachment(file, title, number, data)
            title, data = "", (0, 0)
        elif kind == _TITLE and level == 2 and length < 4096:
            file.seek(start)
            title = file.read(length).rstrip(b"\0").decode("latin-1")
        elif kind == _DATA and level == 2:
            data = (start, length)
        else:
            rest.append((start, length))
    number += bool(data[1])
    yield from _attachment(file, title, number, data)
    yield from _properties(file, rest)
    if ended:
        raise BrokenError("damaged attribute, or ends in the middle of one")


def _attachment(file: object, title: str, number: int, data: tuple[int, int]) -> Iterator[Member]:
    start, length = data
    if length:
        yield Member(title or f"attachment {number}", from_file(file, start, length), length)  # type: ignore[arg-type]


def _properties(file: object, runs: list[tuple[int, int]]) -> Iterator[Member]:
    """What is no attachment, as it stands, and the text that is compressed in it."""
    from leakguard.sources.inside.documents.ole import rtf_unpacked

    for start, length in runs:
        if length < 8:
            continue
        yield Member(f"@{start}", from_file(file, start, length), length, "gap")  # type: ignore[arg-type]
        if length > LARGEST:
            continue
        raw = from_file(file, start, length)(length)  # type: ignore[arg-type]
        at = -1
        while (at := raw.find(b"LZFu", at + 1)) >= 8:
            text = rtf_unpacked(raw[at - 8 :])
            if text:
                yield Member("body.rtf", from_bytes(text), len(text))


# ---------------------------------------------------------------- PST
_DECODE = bytes.fromhex(
    "47f1b4e60b6a7248854e9eebe2f89453e0bba002e85a09abdbe3bac67cc310dd39059630f53760828cc9134a6b1df3fb8f2697ca911701c4322d6e3195ffd923"
    "d1005e79dc443b1a28c5615720903d83b943be67d2464276c06d5b7eb20f16293ca903540dda5ddff6b7c762cd8d06d3695c86d614f7a56675acb1e94521700c"
    "879f74a4224c6fbf1f56aa2eb3783350b0a392bccf191ca763cb1e4d3e4b1b9b4fe7f0eead3ab55904ea40552551e57a893868527bfc27aed7bdfa07f4cc8e5f"
    "ef359c842b15d5773449b6120a7f7188fd9d18417d93d8582ccefe24afdeb836c8a180a69998a82f0e816573e4c2a28ad4e111d0088b2af2ed9a643fc16cf9ec"
)
"""What each byte stands for (MS-PST 5.1, the inverse of its first table)."""
_HEAD = 564
_UNSEEN = "a folder of Outlook: attachments that are compressed, and text that goes over a border of blocks, are not seen"


def pst(stream: Stream, context: Context) -> Iterator[Member]:
    """The folder with its substitution undone, or as it is."""
    head = stream.peek(_HEAD)
    if len(head) < _HEAD:
        raise BrokenError("ends in its header")
    version = int.from_bytes(head[10:12], "little")
    how = head[461] if version < 20 else head[513]
    if how > 1:
        raise UnreadError("encrypted")
    if version >= 36:
        context.tell("unread", "", "a folder of Outlook 2013 or newer, whose blocks are compressed: export it")
    context.tell("unread", "", _UNSEEN)
    if how:
        file, size = stream.file()
        coded = from_file(file, 0, size)
        yield Member("mails", lambda count: coded(count).translate(_DECODE), size, "view")
        yield Member("@0", from_file(file, 0, size), size, "gap")  # what is not coded: names of folders, free space
    else:
        yield Member("mails", stream.read, kind="view")
