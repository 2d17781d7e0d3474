"""HTTP's chunks put together: a body that was sent in pieces as one run of bytes.

Promises: nothing is left out but the lengths of chunks and the line breaks behind them; what does not parse as chunks (a
segment that was not captured) goes on as it stands; memory is a header's. A body that is packed is not unpacked here: once it
is in one piece the decoders find it (detect/packed.py).

Knows no capture and no file. Imported by `pcap`.
"""

from __future__ import annotations

import re

LONGEST_HEAD = 8192
"""Bytes of a header in which it is looked for how the body comes."""
LONGEST_LINE = 256
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:[ \t]*(?:[a-z]{1,16},[ \t]*){0,4}chunked[ \t]*\r\n", re.IGNORECASE)
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(;[^\r\n]*)?\r\n")
_TEXT = -1


class Chunks:
    """One direction of a connection, fed as it comes."""

    def __init__(self) -> None:
        self._head = b""
        self._line = b""
        self._left = _TEXT
        """Bytes to come of a chunk; 0: a length is next; _TEXT: no chunks."""
        self._behind = False
        """Does the line break of a chunk come first?"""

    def feed(self, data: bytes) -> bytes:
        """What is to be handed on of the next bytes."""
        out: list[bytes] = []
        at = 0
        while at < len(data):
            if self._left == _TEXT:
                end = self._text(data, at)
                out.append(data[at:end])
            elif self._left:
                end = min(len(data), at + self._left)
                self._left -= end - at
                self._behind = True
                out.append(data[at:end])
            else:
                end = data.find(b"\n", at) + 1 or len(data)
                out.append(self._sized(data[at:end]))
            at = end
        return b"".join(out)

    def rest(self) -> bytes:
        """What was held back, at the end."""
        held, self._line = self._line, b""
        return held

    def _text(self, data: bytes, at: int) -> int:
        """Where the text ends that begins at `at`: behind the next header, if chunks follow it."""
        before = len(self._head)
        known = self._head + data[at:]
        self._head = b""
        place = max(0, before - 3)
        while (place := known.find(b"\r\n\r\n", place)) >= 0:
            low = max(0, place - LONGEST_HEAD)
            start = known.rfind(b"HTTP/1.", low, place)
            place += 4
            if start >= 0 and _CHUNKED.search(known, start, place - 2) is not None:
                self._left, self._behind = 0, False
                return at + place - before
        self._head = known[-LONGEST_HEAD:]
        return len(data)

    def _sized(self, piece: bytes) -> bytes:
        """Takes (a piece of) the line with a chunk's length; returns what of it is to be handed on."""
        line = self._line = self._line + piece
        if not line.endswith(b"\n") and len(line) <= LONGEST_LINE:
            return b""
        self._line = b""
        if self._behind and line == b"\r\n":
            self._behind = False
            return b""
        found = _SIZE.fullmatch(line)
        self._left = int(found[1], 16) or _TEXT if found is not None else _TEXT
        if found is None:
            return line
        return found[2] + b"\n" if found[2] else b""


__all__ = ["Chunks"]
