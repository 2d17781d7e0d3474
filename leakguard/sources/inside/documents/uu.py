"""uuencoded files in text: mails of old, Usenet, shell archives. The text is one thing, each file in it a member.

Promises: the text is handed out as it stands, every line of it; each body is decoded as far as it goes, and one that ends
before its time is told; decoded bytes lie in one temporary file and not in memory, and `begin` lines without a body, however
many, leave nothing behind. Nothing expands: three bytes come of four. Imported by `walk`; `magic` knows such text.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from tempfile import SpooledTemporaryFile

from leakguard.sources.inside.base import CHUNK, SPOOL, Context, Member, Pull, Stream

MOST = 10_000
"""Files in one text; more are told."""
_LINE = 256
"""Bytes of a line: a body's have at most 86, and a `begin` line a name."""
_BEGIN = re.compile(rb"begin 0?[0-7]{3} ([^\r\n]{1,200})\r?\n")


def uuencoded(stream: Stream, context: Context) -> Iterator[Member]:
    """The text, then what is in it."""
    with SpooledTemporaryFile(SPOOL) as file:
        text = _Text(stream, file)
        yield Member("text", text, stream.size, "text")
        while text(CHUNK):  # if nobody wanted it
            pass
        for name, start, size, ended in text.bodies:
            if not ended:
                context.tell("failed", name, "uuencoded: ends early")
            yield Member(name, _part(file, start, size), size)
        if text.over:
            context.tell("truncated", "", f"{text.over} more uuencoded files than are read")


def _part(file: SpooledTemporaryFile[bytes], start: int, size: int) -> Pull:
    at = 0

    def pull(count: int) -> bytes:
        nonlocal at
        file.seek(start + at)
        data = file.read(min(count, size - at))
        at += len(data)
        return data

    return pull


class _Text:
    """A text as it stands; what is uuencoded in it goes to a file on the way."""

    def __init__(self, stream: Stream, file: SpooledTemporaryFile[bytes]) -> None:
        self.stream = stream
        self.file = file
        self.bodies: list[tuple[str, int, int, bool]] = []
        """(name, where it begins in the file, its size, whether its end was seen)."""
        self.over = 0
        self.rest = b""
        """Of the block before, from the start of a line on."""
        self.name: str | None = None
        self.cut = False
        """The text ended without a line break."""
        self.start = self.size = 0

    def __call__(self, count: int) -> bytes:
        data = self.stream.read(count)
        if data:
            self._block(self.rest + data)
        elif self.rest or self.name is not None:
            rest, self.rest, self.cut = self.rest, b"", True
            if rest:
                self._block(rest + b"\n")
            self._close(ended=False)
        return data

    def _block(self, block: bytes) -> None:
        at = 0
        while at < len(block):
            if self.name is None:
                found = _BEGIN.search(block, at)
                if found is None:
                    at = max(at, block.rfind(b"\n") + 1, len(block) - _LINE)
                    break
                at = found.end()
                if found.start() == 0 or block[found.start() - 1] in b"\r\n":
                    self.name, self.start, self.size = found[1].decode("utf-8", "replace").strip(), self.start + self.size, 0
                continue
            end = block.find(b"\n", at, at + _LINE)
            if end < 0 and len(block) - at < _LINE:
                break
            if end < 0:
                self._close(ended=False)  # no line of a body is so long
            elif self._line(block[at:end].rstrip(b"\r")):
                at = end + 1
        self.rest = block[at:]

    def _line(self, line: bytes) -> bool:
        """One line of a body; False if it is none, and the body over."""
        count = line[0] - 32 & 63 if line else 0
        if not count:
            self._close(ended=True)
            return bool(line)
        try:
            data = binascii.a2b_uu(line[: 1 + (count + 2) // 3 * 4]) if 32 < line[0] < 96 and line != b"end" else b""
        except binascii.Error:
            data = b""
        if not data:
            self._close(ended=line == b"end")
            return False
        if self.cut:  # else what is missing at a line's end are blanks, which stand for zeros
            data = data[: (len(line) - 1) * 3 // 4]
        if len(self.bodies) < MOST:
            self.file.seek(self.start + self.size)
            self.file.write(data)
            self.size += len(data)
        else:
            self.size = 1
        return True

    def _close(self, *, ended: bool) -> None:
        if self.name is not None and self.size:
            if len(self.bodies) < MOST:
                self.bodies.append((self.name, self.start, self.size, ended))
            else:
                self.over += 1
                self.size = 0
        self.name = None
