"""HTTP's chunks put together: a body that was sent in pieces as one run of bytes; and unpacked, if it came as brotli or raw Deflate.

Promises: nothing is left out but the lengths of chunks and the line breaks behind them; what does not parse as chunks (a
segment that was not captured) goes on as it stands; memory is a header's. A body that is packed with gzip, zlib or zstd is not
unpacked here: once it is in one piece the decoders find it (detect/packed.py). brotli and raw Deflate have no mark by which they could
be found: they are unpacked, up to LARGEST bytes of one body, and what comes behind that, or is damaged, is told and goes on as it stands.

Knows no capture and no file. Imported by `pcap` and `warc`.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from typing import Protocol

from leakguard.sources.inside.base import CHUNK, BrokenError

LARGEST = 8 * 1024 * 1024
"""Bytes that are unpacked of one body."""
LONGEST_HEAD = 8192
"""Bytes of a header in which it is looked for how the body comes."""
LONGEST_LINE = 256
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:[ \t]*(?:[a-z]{1,16},[ \t]*){0,4}chunked[ \t]*\r\n", re.IGNORECASE)
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(;[^\r\n]*)?\r\n")
_PACKED = re.compile(rb"\r\ncontent-encoding:[ \t]*(br|deflate)[ \t]*\r\n", re.IGNORECASE)
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,15})[ \t]*\r\n", re.IGNORECASE)
_TEXT = -1

Tell = Callable[[str, str, str], None]


class _Decoder(Protocol):
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...


class _Body:
    """A body that is packed, piece by piece; as it stands from where it cannot be unpacked."""

    def __init__(self, how: bytes, tell: Tell | None) -> None:
        self._how = how
        self._tell = tell
        self._decoder: _Decoder | None = None
        self._begun = False
        self._made = 0

    def feed(self, data: bytes) -> bytes:
        if not self._begun and data:
            self._begin(data)
        if self._decoder is None:
            return data
        out: list[bytes] = []
        try:
            piece = data
            while self._made < LARGEST:
                made = self._decoder.decompress(piece, min(CHUNK, LARGEST - self._made))
                out.append(made)
                self._made += len(made)
                piece = b""
                if self._decoder.eof:
                    out.append(self._decoder.unused_data)  # what stands behind its end is nobody's: it is looked at as it is
                    self._decoder = None
                    break
                if self._decoder.needs_input or not made:
                    break
            else:
                self._stop("truncated", f"a body of more than {LARGEST} bytes, packed")
        except (BrokenError, zlib.error):
            self._stop("failed", "a body that is packed and damaged")
            out.append(data)
        return b"".join(out)

    def end(self) -> None:
        """All of the body was there."""
        if self._decoder is not None:
            self._stop("failed", "a body that is packed and ends early")

    def _begin(self, data: bytes) -> None:
        """The decoder that its first bytes ask for: what browsers call deflate is zlib, or the same without its mark."""
        from leakguard.sources.inside.archives.codecs import Brotli, Deflate

        self._begun = True
        if self._how == b"br":
            try:
                self._decoder = Brotli()
            except ImportError:
                self._stop("unread", "bodies packed with brotli, not read: install leakguard-scanner[archives]")
        elif data[0] & 15 != 8 or (len(data) > 1 and int.from_bytes(data[:2], "big") % 31):
            self._decoder = Deflate(-15)

    def _stop(self, state: str, reason: str) -> None:
        self._decoder = None
        if self._tell is not None:
            self._tell(state, "", reason)


class Chunks:
    """One direction of a connection, fed as it comes. `tell` is told of bodies that cannot be unpacked."""

    def __init__(self, tell: Tell | None = None) -> None:
        self._tell = tell
        self._body: _Body | None = None
        self._plain = 0
        """Bytes to come of a packed body that has a length, and no chunks."""
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
            if self._plain and self._body is not None:
                end = min(len(data), at + self._plain)
                self._plain -= end - at
                out.append(self._body.feed(data[at:end]))
                if not self._plain:
                    self._body.end()
                    self._body = None
            elif self._left == _TEXT:
                end = self._text(data, at)
                out.append(data[at:end])
            elif self._left:
                end = min(len(data), at + self._left)
                self._left -= end - at
                self._behind = True
                out.append(data[at:end] if self._body is None else self._body.feed(data[at:end]))
            else:
                end = data.find(b"\n", at) + 1 or len(data)
                out.append(self._sized(data[at:end]))
            at = end
        return b"".join(out)

    def rest(self) -> bytes:
        """What was held back, at the end."""
        held, self._line = self._line, b""
        if self._body is not None:
            self._body.end()
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
            if start < 0:
                continue
            packed = _PACKED.search(known, start, place - 2)
            self._body = _Body(packed[1].lower(), self._tell) if packed is not None else None
            if _CHUNKED.search(known, start, place - 2) is not None:
                self._left, self._behind = 0, False
                return at + place - before
            length = _LENGTH.search(known, start, place - 2) if packed is not None else None
            self._plain = int(length[1]) if length is not None else 0
            if self._plain:
                return at + place - before
            self._body = None
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
        if self._left == _TEXT and self._body is not None:
            self._body.end()
            self._body = None
        if found is None:
            return line
        return found[2] + b"\n" if found[2] else b""


__all__ = ["Chunks"]
