"""Bytes without what hides a secret in them: terminal escapes, line breaks of wrapped values; with a map back.

Pure functions; a view lives as long as the record it is of. Imported by redact/ only.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import Any

ANSI = re.compile(rb"\x1b(?:\[[0-9:;<=>?]*[ -/]*[@-~]|\][^\x07\x1b\r\n]*(?:\x07|\x1b\\)|[@-Z\\^_])|[\x08\x00]")
"""Colours, cursor moves, titles and links of a terminal."""
WRAP = re.compile(rb"\\+r\\+n[ \t]*|\\+n[ \t]*|\r?\n[ \t]*|=\r?\n")


class Stripped:
    """`data` without what a pattern matches. `raw` maps spans back: from the first kept byte to after the last."""

    __slots__ = ("_pattern", "_raw", "_view", "_whole", "data")

    def __init__(self, data: bytes, pattern: Any) -> None:
        self.data: bytes = pattern.sub(b"", data)
        self._whole = data
        self._pattern = pattern
        self._view: list[int] = []
        self._raw: list[int] = []

    def _map(self) -> None:
        """Where each kept piece begins, in the view and in the original; made for the first who asks."""
        self._view, self._raw = [0], [0]
        at = size = 0
        for found in self._pattern.finditer(self._whole):
            low, high = found.span()
            size += low - at
            at = high
            self._view.append(size)
            self._raw.append(high)

    def __bool__(self) -> bool:
        return len(self.data) != len(self._whole)

    def raw(self, start: int, end: int) -> tuple[int, int]:
        """The span of the original that view bytes [start, end) come from."""
        return self._at(start), self._at(end - 1) + 1

    def _at(self, offset: int) -> int:
        if not self._view:
            self._map()
        piece = bisect_right(self._view, offset) - 1
        return self._raw[piece] + offset - self._view[piece]
