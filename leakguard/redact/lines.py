"""The usual block of a stream, quickly: lines of text, of which some hold what quick.py knows how to mask.

What fires without a long run is known; the runs themselves are looked for in what is left after masking. A trigger that ends
with a run and is looked for only there (wide.Plan.far) ends in what was masked if the whole run was: nothing that
could change the outcome is left out, and the outcome is that of the long way (stream.py), which every other line takes.
Keeps nothing. Imported by stream.py only.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from itertools import accumulate
from operator import itemgetter
from typing import TYPE_CHECKING

from leakguard.detect.runs import TOKEN
from leakguard.detect.runtime import LEAST_ENDS
from leakguard.detect.stage1 import CONTEXT_BASE

if TYPE_CHECKING:
    from collections.abc import Callable

    from leakguard.detect.stage1 import Ends
    from leakguard.redact.known import Place
    from leakguard.redact.names import Span
    from leakguard.redact.quick import Edit, Quick

MOST = 1024
"""Bytes of a line that is handled without its runs: more of them could be a flood."""

_END = itemgetter(1, 0)
_STOP = itemgetter(1)
_NOWHERE: list[Place] = []
_NONE: list[Span] = []
_NAMED = frozenset((CONTEXT_BASE, CONTEXT_BASE + 1))
_QUOTES = frozenset(b"\"'")
_CUT = re.compile(rb"[^\s\"'`<>\\]*+\\?(?:[\r\n]|\Z)")
_HEX = frozenset(b"0123456789abcdefABCDEF")


Row = tuple[int, int, "Ends", "list[Place]", "list[Span]"]
"""A line in which something fired: (start, end, trigger ends, known values, spans of quoted values that are cut off)."""

Masked = tuple[int, int, bytes, "list[Edit]", bool]
"""A line that was masked: (start, end, what becomes of it, why, whether no run goes on beyond what was masked of it). Plain
tuples: there are many."""


def cut_off(data: bytes, ends: Ends) -> list[int]:
    """Where quoted values begin whose quote may not close in their line: those of names.cut_starts that do not end at once."""
    out = []
    for ident, end in ends:
        if ident in _NAMED:
            start = end - 5 if ident == CONTEXT_BASE else end - 4
            if data[start - 1] in _QUOTES and _CUT.match(data, start) is not None:
                out.append(start)
    return sorted(set(out)) if len(out) > 1 else out


def rows(data: bytes, base: int, ends: Ends, places: list[Place], cut: list[Span]) -> list[Row]:
    """The lines of data[base:], ended by LF, in which something fired, in order. `cut` are spans that begin in lines of
    their own."""
    marks = sorted(ends, key=_END)
    if marks and marks[0][1] <= base:
        marks = [mark for mark in marks if mark[1] > base]
    if places or cut:
        marks += [(-1, place[1]) for place in places if place[1] > base]
        marks += [(-1, span.end) for span in cut]
        marks.sort(key=_END)
        places = sorted(places, key=_STOP)
    out: list[Row] = []
    number, total, known, most = 0, len(marks), 0, len(places)
    find, rfind, size = data.find, data.rfind, len(data)
    low = high = base
    while number < total:
        mark = marks[number]
        end = mark[1]
        low = rfind(b"\n", high, end - 1) + 1 or high
        high = find(b"\n", end - 1) + 1 or size
        own: Ends = []
        while mark[1] <= high:
            if mark[0] >= 0:
                own.append(mark)
            number += 1
            if number == total:
                break
            mark = marks[number]
        here = _NOWHERE
        if known < most:
            here = []
            # of what goes over several lines the last one: more is not known when those before it leave
            while known < most and places[known][1] <= high:
                if places[known][1] > low:
                    here.append(places[known])
                known += 1
            if len(here) > 1:
                here.sort()
        out.append((low, high, own, here, [s for s in cut if low <= s.start < high] if cut else _NONE))
    return out


def masked(data: bytes, row: Row, quick: Quick | None) -> Masked | None:
    """A line with its secrets masked, or None if somebody else must look."""
    low, high, ends, places, cut = row
    if cut or quick is None or len(ends) >= LEAST_ENDS:
        return None
    edits = quick.line(data, low, high, ends, places)
    if not edits:
        return None
    whole = high - low <= MOST
    size = len(data)
    pieces: list[bytes] = []
    at = low
    for start, end, text, _, _ in edits:
        if data[start - 1] in _HEX or (end < size and data[end] in TOKEN):
            whole = False
        pieces += data[at:start], text
        at = end
    pieces.append(data[at:high])
    return low, high, b"".join(pieces), edits, whole


def by_line(seen: list[tuple[int, int]], far: Ends) -> list[tuple[int, int, Ends]]:
    """Ends of what is looked for in the lines `seen` only, with the lines in which they are."""
    stops = [stop for _, stop in seen]
    found: dict[int, Ends] = {}
    for item in far:
        found.setdefault(bisect_left(stops, item[1]), []).append(item)
    return [(*seen[number], ends) for number, ends in found.items()]


def explained(line: Masked, ends: Ends) -> bool:
    """Whether each of these ends lies in what was masked, or right after it: then quick.py would mask just that."""
    for _, end in ends:
        for edit in line[3]:
            if edit[0] < end <= edit[1] + 1:
                break
        else:
            return False
    return True


def with_far(table: list[Row], more: list[tuple[int, int, Ends]]) -> list[Row]:
    """Lines with more ends, and with all else that fired in them."""
    known = {row[0]: row for row in table} if more else {}
    out: list[Row] = []
    for low, high, ends in more:
        row = known.get(low)
        if row is None:
            out.append((low, high, sorted(ends, key=_END), _NOWHERE, _NONE))
        else:
            out.append((low, high, sorted([*row[2], *ends], key=_END), row[3], row[4]))
    return out


def with_runs(
    data: bytes, base: int, done: list[Masked], runs: Callable[[bytes], list[tuple[int, int]]]
) -> list[tuple[int, int]]:
    """The lines of data[base:] that have a run outside of what was masked in them."""
    if not done:
        return [(low + base, high + base) for low, high in runs(data[base:])]
    pieces: list[bytes] = []
    origins: list[tuple[int, int]] = []
    """Of each piece: where it comes from, and the end of the line if it is a masked one."""
    at = base
    for low, high, text, _, _ in done:
        pieces += data[at:low], text
        origins += (at, 0), (low, high)
        at = high
    pieces.append(data[at:])
    origins.append((at, 0))
    starts = [0, *accumulate(map(len, pieces))]
    out = []
    for low, high in runs(b"".join(pieces)):
        number = bisect_right(starts, low) - 1
        origin, stop = origins[number]
        by = origin - starts[number]
        out.append((origin, stop) if stop else (low + by, high + by))
    return out


__all__ = ["Masked", "Row", "by_line", "cut_off", "explained", "masked", "rows", "with_far", "with_runs"]
