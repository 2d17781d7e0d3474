"""Text of two bytes a character (UTF-16, as PowerShell writes its logs), read as UTF-8 by the redactor and written as it was.

The scanner's rules read such text by themselves, but names, places and lines of JSON are looked for in text of one byte: so what
begins as UTF-16 is recoded on its way in and back on its way out, character by character; a half of one at the end stays. All
else passes as it is. Keeps a few bytes. Imported by files.py, pump.py and cli/redact.py.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable, Iterator

_BOMS = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_UTF_32 = b"\xff\xfe\0\0"
LOOK = 32
"""Bytes without a mark of their order that must be of the one or the other."""


def encoding_of(head: bytes) -> str:
    """`utf-16-le` or `utf-16-be` for what begins so; "" for everything else."""
    if head.startswith(_UTF_32):
        return ""
    if head[:2] in _BOMS:
        return _BOMS[head[:2]]
    first, second = head[:LOOK:2], head[1:LOOK:2]
    if len(head) < LOOK or any(first) is any(second) or 0 in (first if any(first) else second):
        return ""
    return "utf-16-le" if any(first) else "utf-16-be"


class Recoded:
    """The way in (`taken`) and out (`given`) of one text. `write`: gets what is given."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write
        self._encoding: str | None = None
        self._held = b""

    def taken(self, data: bytes) -> bytes:
        """What the redactor is to read of the next piece."""
        if self._encoding == "":
            return data
        if self._encoding is None:
            data, self._held = self._held + data, b""
            if data in (b"\xff", b"\xfe"):
                self._held = data
                return b""
            self._encoding = encoding_of(data)
            if not self._encoding:
                return data
            self._in = codecs.getincrementaldecoder(self._encoding)("surrogatepass")
            self._out = codecs.getincrementaldecoder("utf-8")("surrogatepass")
        return self._in.decode(data).encode("utf-8", "surrogatepass")

    def given(self, data: bytes) -> None:
        """Writes what the redactor made of it, as it was written."""
        self._write(self.back(data) if self._encoding else data)

    def back(self, data: bytes) -> bytes:
        """The same without writing."""
        try:
            return self._out.decode(data).encode(self._encoding or "utf-16-le", "surrogatepass")
        except UnicodeDecodeError:  # a mask that begins or ends within a character
            self._out.reset()
            return data.decode("utf-8", "replace").encode(self._encoding or "utf-16-le")

    def rest(self) -> bytes:
        """What is left at the end: half a character."""
        if self._encoding is None:
            return self._held
        return bytes(self._in.getstate()[0]) if self._encoding else b""


def through(source: Iterable[bytes], redacted: Callable[[Iterable[bytes]], Iterable[bytes]]) -> Iterator[bytes]:
    """Pieces of a text of two bytes a character through `redacted`."""
    recoded = Recoded(lambda _data: None)
    for data in redacted(map(recoded.taken, source)):
        yield recoded.back(data)
    yield recoded.rest()
