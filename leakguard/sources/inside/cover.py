"""Which bytes of a seekable file were read: what lets a receipt account for every byte of a container.

Promises: reads through and changes nothing; a descriptor that is handed out (to a parser in a process of its own) counts as
all of it read; memory stays bounded however a reader jumps about. Knows nothing of the project. Imported by `base`.
"""

from __future__ import annotations

import io
from array import array
from typing import Any, BinaryIO

MOST_RUNS = 1 << 16
"""Runs kept before they are put together."""
MOST_HOLES = 1000
"""Holes told one by one; in a file with more of them nothing is sure, and it counts as not read from the first one on."""


class Covered(io.RawIOBase):
    """A file that knows which of its bytes were read."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self._at = 0
        self._low = self._high = 0
        self._lows = array("q")
        self._highs = array("q")
        self._all = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["file"], name)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        self.file.seek(offset, whence)
        self._at = offset if whence == 0 else self.file.tell()
        return self._at

    def tell(self) -> int:
        return self._at

    def read(self, size: int = -1) -> bytes:
        data = self.file.read(size)
        self._note(len(data))
        return data

    def readinto(self, buffer: Any) -> int:
        count: int = self.file.readinto(buffer)  # type: ignore[attr-defined]
        self._note(count)
        return count

    def fileno(self) -> int:
        self._all = True
        return self.file.fileno()

    def flush(self) -> None:
        self.file.flush()

    def close(self) -> None:
        """Leaves the file open: who opened it closes it."""

    def missing(self, size: int) -> list[tuple[int, int]]:
        """The runs of [0, size) that nobody read, in order."""
        if self._all:
            return []
        self._merge()
        out, at = [], 0
        for low, high in zip(self._lows, self._highs, strict=True):
            if low > at:
                out.append((at, min(low, size)))
            at = max(at, high)
            if len(out) > MOST_HOLES:
                return [(out[0][0], size)]
        if at < size:
            out.append((at, size))
        return out

    def _note(self, count: int) -> None:
        at = self._at
        self._at = end = at + count
        if self._low <= at <= self._high:
            self._high = max(self._high, end)
            return
        self._lows.append(self._low)
        self._highs.append(self._high)
        self._low, self._high = at, end
        if len(self._lows) >= MOST_RUNS:
            self._merge()

    def _merge(self) -> None:
        """Puts runs together that touch."""
        runs = sorted([*zip(self._lows, self._highs, strict=True), (self._low, self._high)])
        self._lows, self._highs = array("q"), array("q")
        for low, high in runs:
            if self._highs and low <= self._highs[-1]:
                self._highs[-1] = max(self._highs[-1], high)
            else:
                self._lows.append(low)
                self._highs.append(high)
