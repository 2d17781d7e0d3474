"""XML and HTML files with what their references stand for, in the file's own place.

`<password>Xk&amp;9</password>` gives a password that no rule sees, and so does a value in a CDATA section. References to
characters that close no tag, no quote and no other reference are put as what they stand for, the marks of CDATA are left
out, and all else is handed on byte for byte, with a map back to the file's own lines and columns.

Promises: nothing but such references changes; memory is a block and 80 bytes for each of them, with a limit that is told.
What quotes and angle brackets are escaped is left for the decoders (detect/decode.py), which know what they enclose.
Imported by `walk`; `magic` knows these files by their names and a look for references.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from leakguard.sources.inside.base import CHUNK, Context, Member, Pieces, Stream
from leakguard.sources.inside.places import Places

LARGEST = 64 * 1024 * 1024
"""Bytes of a file; a larger one is data."""
MOST_REFERENCES = 1 << 20
_LONGEST = 16
"""Bytes of a reference or a mark: no block ends in one."""

_REFERENCE = re.compile(rb"&(?:amp|#([0-9]{2,3})|#[xX]([0-9A-Fa-f]{2}));|<!\[CDATA\[|\]\]>")
_CLOSING = frozenset(b"<>\"'&`\\")


def entities(stream: Stream, context: Context) -> Iterator[Member]:
    """The file as one text."""
    if stream.size > LARGEST:
        return  # it is left in the stream, and scanned as it stands
    text = _Text(stream, context)
    yield Member("text", Pieces(iter(text)), stream.size, "text", moved=text.places.moved)


class _Text:
    def __init__(self, stream: Stream, context: Context) -> None:
        self.stream = stream
        self.context = context
        self.places = Places()
        self.offset = self.line = self.column = self.count = 0
        self.section = False

    def __iter__(self) -> Iterator[bytes]:
        rest = b""
        while True:
            data = self.stream.read(CHUNK)
            block = rest + data
            cut = len(block)
            if data:
                low = max(0, cut - _LONGEST)
                near = max(block.rfind(b"&", low), block.rfind(b"<", low))
                closing = cut - len(block[low:].rstrip(b"]")) - low
                near = max(near, cut - min(2, closing) if closing else -1)
                cut = near if near >= 0 else cut
            out = self._block(block[:cut])
            rest = block[cut:]
            if out:
                yield out
            if not data:
                return

    def _block(self, block: bytes) -> bytes:
        out: list[bytes] = []
        done = 0
        for found in _REFERENCE.finditer(block):
            instead = self._stands_for(found)
            if instead is None:
                continue
            out.append(self._add(block[done : found.start()]))
            self.count += bool(instead)
            if instead:
                self.places.add(instead, self.offset, self.line, self.column)
                out.append(instead)
            self.offset += found.end() - found.start()
            self.column += found.end() - found.start()
            done = found.end()
        out.append(self._add(block[done:]))
        return b"".join(out)

    def _stands_for(self, found: re.Match[bytes]) -> bytes | None:
        """What is put in place of a reference or mark; None: itself."""
        mark = found[0]
        if mark[:1] != b"&":
            if (mark[:1] == b"<") == self.section:
                return None  # `]]>` in a script, or a section in a section
            self.section = not self.section
            return b""
        if self.section or self.count >= MOST_REFERENCES:
            if self.count == MOST_REFERENCES:
                self.count += 1
                self.context.tell("truncated", "", f"limit reached: only {MOST_REFERENCES} references are read as what they stand for")
            return None
        if mark == b"&amp;":
            return b"&"
        code = int(found[1]) if found[1] else int(found[2], 16)
        return bytes((code,)) if 32 < code < 127 and code not in _CLOSING else None

    def _add(self, data: bytes) -> bytes:
        """Handed on as it stands."""
        if data:
            self.places.add(data, self.offset, self.line, self.column)
            self.offset += len(data)
            breaks = data.count(b"\n")
            self.line += breaks
            self.column = len(data) - data.rfind(b"\n") - 1 if breaks else self.column + len(data)
        return data
