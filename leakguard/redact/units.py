"""Where lines and what belongs together begin and end in a stream's bytes: line ends, safe places to cut, wrapped base64.

A line is ended by LF, CR LF or CR. Pure functions of bytes. Imported by stream.py, folds.py, tables.py and helper.py.
"""

from __future__ import annotations

import re

from leakguard.detect.decode import decoded64, texty

MAX_UNIT = 1024 * 1024
SAFE = 64 * 1024
"""How far before MAX_UNIT a place is looked for where a unit can be cut."""
MAX_GROUP = 64 * 1024
"""Bytes of wrapped base64 that are held back until its end is seen."""

_WRAPPED = re.compile(rb"([A-Za-z0-9+/_\-]{56,})={0,2}\r?\n\Z")
GOES_ON = re.compile(rb"[ \t]{0,60}[A-Za-z0-9+/_\-]+={0,2}\r?\n\Z")
"""A further line of wrapped base64."""
_HEX = re.compile(rb"[0-9A-Fa-f]+\Z")
_SPACE = re.compile(rb"[\s,;\"'&]")


def line_end(data: bytes, start: int, stop: int) -> int:
    """After the first line's end in data[start:stop]; 0 if there is none."""
    feed = data.find(b"\n", start, stop)
    back = data.find(b"\r", start, stop if feed < 0 else feed)
    if back < 0:
        return feed + 1
    return back + 2 if feed == back + 1 else back + 1


def safe_cut(data: bytes) -> int:
    """Where a unit that is too long is cut: before its last word's beginning, if that is near."""
    low = MAX_UNIT - SAFE
    last = low
    for found in _SPACE.finditer(data, low, MAX_UNIT):
        last = found.end()
    return last if last > low else MAX_UNIT


def unit_start(data: bytes, at: int, base: int) -> int:
    """Where the line begins that byte `at` is in."""
    if at > base and data[at - 1 : at + 1] == b"\r\n":
        at -= 1
    feed = data.rfind(b"\n", base, at)
    return max(feed, data.rfind(b"\r", base if feed < 0 else feed, at)) + 1 or base  # not back to where there is none


def wrapped(line: bytes) -> bool:
    """Whether a line ends in what could be base64 that goes on in the next one."""
    found = _WRAPPED.search(line, max(0, len(line) - 4096))
    if found is None or len(found[1]) % 4 or _HEX.match(found[1]):
        return False
    return found[1][:4] == b"H4sI" or found[1][:2] == b"eJ" or texty(decoded64(found[1][: len(found[1]) // 4 * 4]))


def group_start(data: bytes, base: int, end: int) -> int:
    """Where the group of wrapped lines begins that ends with the line before `end`; `end` if that is none."""
    start = end
    while start > base:
        low = unit_start(data, start - 1, base)
        line = data[low:start]
        if not wrapped(line):
            break
        start = low
        if not GOES_ON.match(line):
            break  # something stands before it: the first line
    return start
