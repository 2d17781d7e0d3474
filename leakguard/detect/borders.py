"""Where a token begins that an escape is glued to: `\\nghp_...` in JSON, `%2Fghp_...` in an URL, `#012ghp_...` in a syslog.

A pattern asks for what may not stand before its token, a letter or a digit; the last byte of an escape is one, though what
it stands for is none. `spaced` is the text with such escapes written as what they stand for, every byte in its place.
Pure functions of bytes; knows no rules. Imported by engine.py, when a first-stage end led to nothing,
and by floods.py, which measures the same walk.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from leakguard.detect.patterns import compiled

FARTHEST = 512
"""Bytes before an end within which its token begins, if an escape is to be its border."""
LOOKS_BACK = 32
"""Bytes before that: a pattern's look behind, and an escape, which ends there."""

_SIGNS = (b"\\", b"%", b"#0")
_ESCAPE = compiled(
    rb"(?:\\(?P<letter>[nrtbfv])|(?:\\(?:x|u00)|%(?:25){0,3})(?P<hex>[0-7][0-9A-Fa-f])|#(?P<octal>0[0-7]{2}))(?=[0-9A-Za-z])"
)
_LETTERS = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f", b"v": b"\v"}


Search = Callable[[bytes, int, int], Any]
"""(text, first place a match may begin at, where the text ends for it) -> a match of the regex package, or None."""


def glued(search: Search, data: bytes, begin: int, end: int, limit: int, most: int) -> tuple[list[tuple[Any, int]], int]:
    """The matches that begin behind an escape from `begin` to `end` and have none in them, each with what its offsets are
    short of those in `data`; and where the next look begins. `most`: the pattern's longest match; `limit` lies beyond what
    could match, so that ends which are dense cost no look each."""
    low = max(0, begin - LOOKS_BACK)
    text = spaced(data[low:limit])
    if text is None:
        return [], max(end + 1, limit - LOOKS_BACK)
    out: list[tuple[Any, int]] = []
    position = begin - low
    while position <= end - low:
        found = search(text, position, len(text))
        beyond = limit - most + 1
        if found is None or found.start() > end - low:
            return out, max(end + 1, beyond if found is None else min(low + found.start(), beyond))
        start, stop = low + found.start(), low + found.end()
        if start > low and data[start - 1] != text[start - low - 1] and data[start:stop] == found.group():
            out.append((found, low))
        position = found.start() + 1
    return out, end + 1


def spaced(text: bytes) -> bytes | None:
    """`text` with each escape before a letter or digit replaced by spaces and, as its last byte, what it stands for; as long
    as it was. None if there is none, or if all stand for letters and digits: those are no borders, and stay."""
    if not any(sign in text for sign in _SIGNS):
        return None
    out = _ESCAPE.sub(_as_meant, text)
    return None if out == text else out


def _as_meant(found: re.Match[bytes]) -> bytes:
    letter, digits, octal = found.group("letter", "hex", "octal")
    meant = _LETTERS[letter] if letter else bytes((int(digits, 16) if digits else int(octal, 8),))
    return found.group() if meant.isalnum() else meant.rjust(len(found.group()))
