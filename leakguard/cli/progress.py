"""A line on the terminal that says how far a long run is. Silent for the first second, and where nobody looks."""

from __future__ import annotations

import time
from typing import TextIO

AFTER = 1.0
EVERY = 0.1


class Progress:
    """Called with (objects, bytes) as they grow; rewrites one line."""

    def __init__(self, out: TextIO) -> None:
        self.out = out
        self.started = time.monotonic()
        self.last = self.started + AFTER - EVERY
        self.shown = False

    def __call__(self, objects: int, size: int) -> None:
        now = time.monotonic()
        if now - self.last < EVERY:
            return
        self.last = now
        rate = size / max(now - self.started, 0.001) / 1e6
        self.out.write(f"\r\x1b[K{objects:,} objects, {size / 1e6:,.1f} MB, {rate:,.0f} MB/s")
        self.out.flush()
        self.shown = True

    def close(self) -> None:
        """Takes the line away."""
        if self.shown:
            self.out.write("\r\x1b[K")
            self.out.flush()
