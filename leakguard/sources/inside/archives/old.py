"""Compression of old: `compress` (.Z) and lzop (.lzo), as backups of years ago and their scripts still have it.

Promises: output comes in pieces of bounded size, and memory is some tens of MiB whatever the input says; checksums are
compared; what follows the last file of a .lzo stays in the stream. A .Z has no end, no length and no checksum: of one that
was cut off nothing tells so, and what only begins as one may come out as anything, so text that stands in it in the open is
kept. Imported by `codecs`.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator

from leakguard.sources.inside.archives.lzo import unpacked
from leakguard.sources.inside.archives.zstdframes import Aside
from leakguard.sources.inside.base import CHUNK, BrokenError, Context, Stream, ratio_guard

LARGEST_BLOCK = 64 * 1024 * 1024
"""Bytes of a block of lzop: what it allows itself."""
LONGEST_TAIL = 1024
"""Bytes of a word of the table kept in one piece: words of a long run of zeros would take gigabytes."""
_CLEAR = 256
LZOP = b"\x89LZO\0\r\n\x1a\n"


_LEAST = 24
_OPEN = re.compile(rb"[\t\r\n\x20-\x7e]{24,}")
"""Text: a run of this length is an accident once in ten billion bytes that are packed."""
_TAIL = re.compile(rb"[\t\r\n\x20-\x7e]+\Z")
_CARRIED = 4096


# ---------------------------------------------------------------- compress
class Looked:
    """A pull from a stream that keeps the text which comes along."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.text = Aside("@text")
        self._rest = b""

    def __call__(self, count: int) -> bytes:
        data = self.stream.read(count)
        block = self._rest + data
        self._rest = b""
        if data:  # a run may go on
            tail = _TAIL.search(block, max(0, len(block) - _CARRIED))
            start = tail.start() if tail is not None else len(block)
            if len(block) - start >= _CARRIED:
                start = len(block) - _LEAST
            block, self._rest = block[:start], block[start:]
        for found in _OPEN.finditer(block):
            ends = found.end() < len(block) or len(self._rest) != _LEAST
            self.text.more(found[0] + b"\n" if ends else found[0])
        return data


class _Words:
    """The table of LZW: each word is a piece of its end, and maybe another word before it."""

    def __init__(self, first: int) -> None:
        self.tails = [bytes((code & 0xFF,)) for code in range(first)]
        self.before = [-1] * first

    def __len__(self) -> int:
        return len(self.tails)

    def __getitem__(self, code: int) -> bytes:
        before = self.before[code]
        if before < 0:
            return self.tails[code]
        parts = [self.tails[code]]
        while before >= 0:
            parts.append(self.tails[before])
            before = self.before[before]
        return b"".join(reversed(parts))

    def add(self, code: int, letter: bytes) -> None:
        """A word and one byte more."""
        tail = self.tails[code]
        if len(tail) < LONGEST_TAIL:
            self.tails.append(tail + letter)
            self.before.append(self.before[code])
        else:
            self.tails.append(letter)
            self.before.append(code)


def compressed(stream: Stream, context: Context) -> Iterator[bytes]:
    """The content of a .Z. Codes come in groups of eight; where their width changes, the rest of a group is padding."""
    start = stream.position
    flags = stream.exactly(3)[2]
    most, first = flags & 0x1F, 257 if flags & 0x80 else 256
    words = _Words(first)
    width, last, word = 9, -1, b""
    out: list[bytes] = []
    made = produced = 0
    while group := stream.some(width):
        bits = int.from_bytes(group, "little")
        mask, used = (1 << width) - 1, width
        for _ in range(len(group) * 8 // width):
            code = bits & mask
            bits >>= width
            if code == _CLEAR and first > _CLEAR:
                words, used, last = _Words(first), 9, -1
                break
            if last < 0:
                if code > 255:
                    raise BrokenError("damaged compressed data")
            elif len(words) < 1 << most:
                if code > len(words):
                    raise BrokenError("damaged compressed data")
                words.add(last, word[:1] if code == len(words) else words[code][:1])
            elif code >= len(words):
                raise BrokenError("damaged compressed data")
            last, word = code, words[code]
            out.append(word)
            made += len(word)
            if len(words) > mask and width < most:
                used = width + 1
                break
        width = used
        if made >= CHUNK:
            produced += made
            yield b"".join(out)
            ratio_guard(context.limits, produced, stream.position - start)
            out, made = [], 0
    yield b"".join(out)


# ---------------------------------------------------------------- lzop
def lzopped(stream: Stream, context: Context) -> Iterator[bytes]:
    """The content of a .lzo, of one file behind the other."""
    start, produced = stream.position, 0
    while stream.peek(len(LZOP)) == LZOP:
        flags = _header(stream, context)
        while size := int.from_bytes(stream.exactly(4), "big"):
            head = stream.exactly(4)
            packed = int.from_bytes(head, "big")
            if size > LARGEST_BLOCK or packed > size:
                raise BrokenError("damaged header of a block", size.to_bytes(4, "big") + head)
            sums = stream.exactly(4 * (bool(flags & 1) + bool(flags & 0x100)))
            if packed < size:
                stream.exactly(4 * (bool(flags & 2) + bool(flags & 0x200)))
            data = _block(stream.exactly(packed), size)
            produced += len(data)
            yield data
            ratio_guard(context.limits, produced, stream.position - start)
            _compare(data, sums, flags)


def _block(data: bytes, size: int) -> bytes:
    """A block's content; what is not packed is as long as that."""
    if len(data) == size:
        return data
    try:
        out = unpacked(data, size)
    except ValueError:
        out = b""
    if len(out) != size:
        raise BrokenError("damaged compressed data", data)
    return out


def _compare(data: bytes, sums: bytes, flags: int) -> None:
    told = [int.from_bytes(sums[at : at + 4], "big") for at in range(0, len(sums), 4)]
    if flags & 1 and told.pop(0) != zlib.adler32(data):
        raise BrokenError("checksum differs")
    if flags & 0x100 and told.pop(0) != zlib.crc32(data):
        raise BrokenError("checksum differs")


def _header(stream: Stream, context: Context) -> int:
    """The flags of a file; its name is told."""
    stream.exactly(len(LZOP))
    head = stream.exactly(2)
    new = int.from_bytes(head, "big") >= 0x0940
    head += stream.exactly(2 + 2 * new + 1 + new)
    if head[4 + 2 * new] not in (1, 2, 3):
        raise BrokenError("packed in a way that is not known", head)
    flags = int.from_bytes(stream.exactly(4), "big")
    stream.exactly(4 * bool(flags & 0x800) + 8 + 4 * new)
    name = stream.exactly(stream.exactly(1)[0])
    stream.exactly(4)
    if flags & 0x40:
        stream.skip(int.from_bytes(stream.exactly(4), "big") + 4)
    if name:
        context.named(name.decode("utf-8", "surrogateescape"))
    return flags
