"""Decoded views: text that hides in text, with a map back to where it stood.

base64 and hex (digits.py), packed bytes (unpacking.py), escapes (escapes.py), colours, letters that nobody sees and tags
(marks.py), strings in pieces and folded lines (joins.py), statements and their parameters (bound.py), names and values without
a sign between them (pairs.py), what programs of old write as text (written.py). The first stage's own pass over the bytes says
where a run could be (`TRIGGERS`), so bytes without any cost nothing. A new encoding is a trigger and a decoder in one of these.

Bounded: a view is at most MAX_VIEW bytes and is made when it is asked for, a longer run gives several that overlap;
decompression stops at MAX_VIEW and says so (`View.clipped`). Runs that only their beginning explains, and that a
window may not hold to the end, are told (`Runs.long`), never dropped in silence.
UTF-16 has a module of its own (utf16.py). Knows no rules and no files. Imported by engine.py and what scans beside it
(looks.py, reaches.py, inplace.py, utf16.py), by stage1.py and guards.py for the triggers, and by redact/units.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from leakguard.detect.decode import bound, digits, escapes, joins, marks, pairs, unpacking, written
from leakguard.detect.decode.base import LONG, MAX_VIEW, OVERLAP, Run, View
from leakguard.detect.decode.digits import TEXT_TRIGGERS, decoded64, texty
from leakguard.detect.decode.escapes import SAID, escaped_stop
from leakguard.detect.decode.joins import JOIN_REACH, folded, joined
from leakguard.detect.packed import Tries

__all__ = [
    "FINDERS", "JOIN_REACH", "LONG", "MAX_VIEW", "OVERLAP", "SAID", "TEXT_TRIGGERS", "TRIGGERS", "Run", "Runs", "View", "decoded64",
    "escaped_stop", "folded", "joined", "texty",
]  # fmt: skip

_MODULES = (escapes, marks, joins, bound, unpacking, digits, written, pairs)
TRIGGERS = tuple(trigger for module in _MODULES for trigger in module.TRIGGERS)
"""(kind, first-stage pattern in hyperscan syntax). Each ends inside the run that its decoder then measures. They share the rules'
database, whose literal matcher finds them for little. TEXT_TRIGGERS are automata without a literal: beside the rules they slow
both (560 and 900 MB/s apart, 210 together), so they have a pass of their own."""
FINDERS = {kind: finder for module in _MODULES for kind, finder in module.FINDERS.items()}
"""By kind, what makes the views of the run that ends, or goes on, at an offset."""
_UNPACKING = unpacking.UNPACKING | digits.UNPACKING | written.UNPACKING
"""The same of what may be packed: unpacking is tried so often only."""


class Runs:
    """The views behind first-stage hits (kind, end offset), one by one. A run is decoded once, whatever hit it.

    `long`, once they were all taken: (start, stop, spread) of runs that a window may not hold as a whole.
    """

    def __init__(self, data: bytes, hits: Iterable[tuple[str, int]]) -> None:
        self.data = data
        self.hits = sorted(hits, key=_by_offset)
        self.long: list[tuple[int, int, bool]] = []

    def __iter__(self) -> Iterator[View]:
        done: dict[str, int] = {}
        tries = Tries(len(self.data))
        for kind, end in self.hits:
            if end <= done.get(kind, 0):
                continue
            if finder := FINDERS.get(kind):
                run = yield from finder(self.data, end)
            else:
                run = yield from _UNPACKING[kind](self.data, end, tries)
            done[kind] = run.stop
            if run.whole and (run.stop - run.start > LONG or run.stop >= len(self.data)):
                self.long.append((run.start, run.stop, run.spread))


def _by_offset(hit: tuple[str, int]) -> int:
    return hit[1]
