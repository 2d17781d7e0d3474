"""What a view is, and the run that it was made of.

Pure; knows no rules and no files. Imported by this package.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Generator
from typing import NamedTuple

MAX_VIEW = 8 * 1024 * 1024
OVERLAP = 64 * 1024
"""Of two views of one long run, in encoded bytes; a multiple of four."""


class View(NamedTuple):
    """Decoded bytes and their map back: breakpoints (view offset, raw offset, raw step, view step).

    Offset o after breakpoint (v, r, n, d) came from raw offset r + (o - v) * n // d. The secret-holding `data`
    lives as long as the scan of its document; repr shows lengths only.
    """

    kind: str
    data: bytes
    breaks: list[tuple[int, int, int, int]]
    start: int
    end: int
    """The raw run."""
    clipped: bool = False
    """There is more in the run than was unpacked."""
    kept: tuple[tuple[int, int], ...] = ()
    """Only what is found in these spans counts; all of it if there are none (inplace.py)."""

    def __repr__(self) -> str:
        return f"View({self.kind}, {len(self.data)} bytes of {self.start}..{self.end})"

    def raw(self, start: int, end: int) -> tuple[int, int]:
        """The raw span of view bytes [start, end)."""
        if not self.breaks:
            return self.start, self.end
        return self._at(start), min(self._at(end - 1, last=True), self.end)

    def _at(self, offset: int, last: bool = False) -> int:
        view, raw, num, den = self.breaks[bisect_right(self.breaks, (offset, 1 << 62, 0, 0)) - 1]
        if last:
            return raw + -(-(offset + 1 - view) * num // den)
        return raw + (offset - view) * num // den


class Run(NamedTuple):
    """What a decoder went through. `whole`: nobody can decode its middle without having seen its start.
    `spread`: what is found in it has a place in it, and not just the whole run's."""

    start: int
    stop: int
    whole: bool = False
    spread: bool = True


Found = Generator[View, None, Run]
LONG = 4096
"""Runs of at most so many bytes are always seen whole: even encoded anew they are smaller than the context that
windows share."""
CHUNK = 64 * 1024
"""Raw bytes of text that make one view, where their signs follow one another for long."""
BEFORE = 2048
"""How far before such a sign the view begins: what names the value stands there."""
