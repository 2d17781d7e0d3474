"""The journal's export format (`journalctl -o export`): text fields `NAME=value`, binary ones with a 64-bit length.

Each field is redacted as the value of its name, and lengths are written anew; the order and every other byte stay. Never
touches `.journal` files, which are sealed. Imported by formats.py and files.py.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

from leakguard.errors import SourceError
from leakguard.redact.core import Redactor

MOST = 768 * 1024 * 1024
"""The largest field that the journal itself takes."""


def rewritten(redactor: Redactor, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """An export with its fields redacted. SourceError if it is none."""
    source = _Source(pieces)
    out: list[bytes] = []
    size = 0
    while (line := source.line()) is not None:
        name, equals, value = line.rstrip(b"\n").partition(b"=")
        if not name or equals:
            new = redactor.redact_field(name.decode("latin-1"), value) if equals else value
            out.append(line if new == value else name + equals + new + b"\n")
        else:
            length = struct.unpack("<Q", source.exactly(8))[0]
            if length > MOST:
                raise SourceError("journal", "a field is longer than any can be")
            value = source.exactly(length)
            new = redactor.redact_field(name.decode("latin-1"), value)
            out.append(line + struct.pack("<Q", len(new)) + new + source.exactly(1))
        size += len(out[-1])
        if size > 1 << 18:
            yield b"".join(out)
            out, size = [], 0
    yield b"".join(out)


class _Source:
    """Pieces, to be taken by lines or by numbers of bytes."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._data = b""
        self._at = 0

    def _more(self) -> bool:
        piece = next(self._pieces, None)
        if piece is None:
            return False
        self._data = self._data[self._at :] + piece
        self._at = 0
        return True

    def line(self) -> bytes | None:
        """The next line; None at the end."""
        while (end := self._data.find(b"\n", self._at)) < 0:
            if not self._more():
                rest, self._data, self._at = self._data[self._at :], b"", 0
                return rest or None
        line = self._data[self._at : end + 1]
        self._at = end + 1
        return line

    def exactly(self, size: int) -> bytes:
        """So many bytes. SourceError if there are fewer."""
        while len(self._data) - self._at < size:
            if not self._more():
                raise SourceError("journal", "is cut off")
        out = self._data[self._at : self._at + size]
        self._at += size
        return out
