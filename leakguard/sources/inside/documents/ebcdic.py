"""Text in EBCDIC, as mainframes and IBM i write it (code pages 037, 500, 1047, which differ in brackets alone), in the file's own place.

Promises: each byte stands for one, so places are the file's; both of its line ends are line breaks. A run of what is text in ASCII, and is
none in EBCDIC, stays as it is: a beginning in EBCDIC hides nothing. Memory is a block.

Imported by `sources.inside.walk`; `magic` knows these files by the letters that they are made of.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from leakguard.sources.inside.base import CHUNK, Context, Member, Pieces, Stream

_MEANT = bytes(range(256)).decode("cp037").encode("latin-1").translate(bytes.maketrans(b"\x85", b"\n"))
_ASCII = re.compile(rb"[\t\r\n\x20-\x7e]{12,}")
_OWN = b"0123456789bcdefghipqrstuvwxABCDEFGHIQRSTUVWXY"
"""Of the letters and digits of ASCII those that are no sign of EBCDIC's: accented letters, in some pages."""
_LONGEST = 64 * 1024
"""Bytes of a run that is kept for the next block."""


def ebcdic(stream: Stream, _context: Context) -> Iterator[Member]:
    """The text that it is."""
    yield Member("text", Pieces(_text(stream)), stream.size, "text")


def _text(stream: Stream) -> Iterator[bytes]:
    rest = b""
    while data := stream.read(CHUNK):
        block = rest + data
        at = len(block)
        while at > max(0, len(block) - _LONGEST) and _ASCII_BYTE[block[at - 1]]:
            at -= 1
        rest = block[at:]
        if at:
            yield _read(block[:at])
    if rest:
        yield _read(rest)


_ASCII_BYTE = [byte in b"\t\r\n" or 0x20 <= byte <= 0x7E for byte in range(256)]


def _read(block: bytes) -> bytes:
    out, at = [], 0
    for found in _ASCII.finditer(block):
        run = found.group()
        if 2 * len(run.translate(None, _OWN)) < len(run):  # more than half of it
            out += [block[at : found.start()].translate(_MEANT), run]
            at = found.end()
    out.append(block[at:].translate(_MEANT))
    return b"".join(out)


__all__ = ["ebcdic"]
