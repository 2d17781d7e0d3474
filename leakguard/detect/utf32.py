"""Runs of UTF-32: eight or more ASCII characters with three NULs each, in either byte order, with or without a BOM.

Looked for in the copy with one letter a class of bytes that utf16.py makes, and made into views there. Each byte is looked at
a bounded number of times. Knows no rules and no files. Imported by utf16.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from leakguard.detect.patterns import compiled

LEAST = 8
"""Letters of a run."""
_CORE = b"c000" * (LEAST - 1) + b"c"
"""What a run of either order has in it: one search is for both."""
_SPACED = compiled(rb"(?:c000)+c?+")
_NULS = b"000"
STEP = 16 * 1024
"""Bytes that one `find` goes through: where there is no core it would look for it at each letter, to the end."""


def cores(classes: bytes, core: bytes, run: re.Pattern[bytes]) -> Iterator[tuple[int, int]]:
    """(start, end) of what `run` matches where a `core` is, in order."""
    find, match = classes.find, run.match
    low, size = 0, len(classes)
    while low < size:
        at = find(core, low, low + STEP + len(core) - 1)
        if at < 0:
            low += STEP
            continue
        found = match(classes, at)
        low = found.end() if found else at + len(core)
        yield at, low


def runs(classes: bytes, little: int, big: int) -> Iterator[tuple[int, int, int]]:
    """(start, end, `little` or `big`) of the runs, in order, in bytes with `c` for a letter and `0` for a NUL.

    Three NULs stand before the first letter (big endian) or behind the last one (little). Where they do both, what is beside
    the run is of Latin-1; then a character begins at a multiple of four. A last letter without NULs behind it is one in big
    endian, if what follows begins with a NUL as all characters do there; else it is the first byte of another character, as
    the first letter of such a run is the last byte of one if no NULs stand before it.
    """
    size = len(classes)
    for at, low in cores(classes, _CORE, _SPACED):
        letters, begin = (low - at) // 4, at
        before = at >= 3 and classes[at - 3 : at] == _NULS
        reads_big = at >= 3 and (before or classes[at - 1 : at] != b"0")
        if (low - at) % 4 == 0:
            reads_big = reads_big and at % 4 == 3
        elif reads_big and classes[low : low + 1] in (b"0", b""):
            letters += before
            begin = at if before else at + 4
        else:
            reads_big = False
            letters += low == size
        if letters >= LEAST:
            start = begin - 3 if reads_big else begin
            yield start, min(start + 4 * letters, size), big if reads_big else little
