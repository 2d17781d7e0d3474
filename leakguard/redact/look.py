"""The first look at a record, which is the only one at most of them.

A small database that fires wherever a secret could be (detect/guards.py), and one of the known values' forms in which it
would not; only a text in which one of them fires, or that has a byte the guard does not judge, is looked at with all
rules. Keeps nothing of what it looks at. Imported by core.py only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import hyperscan

from leakguard.detect.runtime import phrases
from leakguard.detect.stage1 import PHRASE_BASE
from leakguard.redact import mask

if TYPE_CHECKING:
    from leakguard.detect.runtime import Merged
    from leakguard.detect.stage1 import Ends
    from leakguard.redact.known import Known, Place

    Fired = tuple[Ends, list[Place], bool]

GUARDED = 4096
"""Bytes of a text up to which a small database is asked first: in longer ones it would hardly ever say no."""


class Looks(NamedTuple):
    """The looks at a record. `calm` and `look` count what they answered for; none of them may see more than one record."""

    calm: Callable[[bytes], bool]
    """Whether a record is sure to be clean, by the guard alone: False says nothing."""
    look: Callable[[bytes], Fired | None]
    """What fired in it, which known values are there, and whether the ends are all there are (Merged.thinned has not seen
    them); None if nothing is and no closer look is needed. Flood for a text that is made of triggers."""
    settled: Callable[[bytes], bool]
    """Whether nothing came to be in a record in which all ends there were are masked by quick.py. False says nothing."""
    guard: Guard
    """What `calm` asks, for who cannot afford a call."""


class Guard(NamedTuple):
    """The guard laid out: `scan(data, fired, 0, None, scratch)` raises `stopped` if something could be in `data`, which has no
    byte of guards.ASK and none beyond ASCII, and at most `most` of them. `free` gives a scratch that nobody else has, or
    raises IndexError; `fresh` makes one; `back` takes it."""

    scan: Callable[..., None]
    fired: Callable[..., bool]
    stopped: type[Exception]
    most: int
    free: Callable[[], Any]
    fresh: Callable[[], Any]
    back: Callable[[Any], None]


def _fired(*_match: object) -> bool:
    """Ends a scan at the first match."""
    return True


def looker(merged: Merged, known: Known, count: Iterator[int]) -> Looks:  # noqa: PLR0915 - two functions, flat
    """The looks of one Redactor. Every name in them is a local one, and what they call is C: half of a clean record's cost
    is Python, and what runs once a record is never in the processor's caches."""
    guard, scan, marked = merged.guard.scan, merged.database.scan, merged.marked
    take, give, fresh = merged.pool.pop, merged.pool.append, merged.own
    scratches: list[Any] = []
    """The guard's, that nobody looks at a record with at the moment: so threads and finalisers never share one."""
    free, back, stopped = scratches.pop, scratches.append, hyperscan.ScanTerminated

    def made() -> Any:
        return hyperscan.Scratch(merged.guard)

    quiet = True
    """Whether the last record was clean: secrets come in bursts, and where one is the guard is a waste."""

    def calm(data: bytes) -> bool:
        nonlocal quiet
        if not quiet or len(data) > GUARDED or (
            10 in data or 92 in data or 37 in data or 27 in data or 0 in data or 8 in data  # guards.ASK
        ) or not data.isascii():  # fmt: skip
            return False
        try:
            own = free()
        except IndexError:
            own = made()
        try:
            guard(data, _fired, 0, None, own)
        except stopped:
            quiet = False
            back(own)
            return False
        back(own)
        if known.loose is not None and loosely(data):
            quiet = False
            return False
        next(count)
        return True

    def loosely(data: bytes) -> bool:
        """Whether a form of a known value may be in a record that the guard does not see."""
        loose = known.loose
        if loose is None:
            return False
        own = fresh()
        found = own.found
        try:
            own.fit(loose)
            loose.scan(data, own.on_found, 0, None, own.other)
            return bool(found)
        finally:
            found.clear()
            give(own)

    def look(data: bytes) -> Fired | None:
        nonlocal quiet
        next(count)
        if len(data) > GUARDED or (marked and not data.isascii()):
            return long(data)
        try:
            own = take()
        except IndexError:
            own = fresh()
        found = own.found
        try:
            scan(data, own.on_some, 0, None, own.scratch)
            table = known.table
            places = table.find(data) if table is not None else []
            if found or places:
                fired = found[:]
                if fired and fired[0][0] == PHRASE_BASE:  # in prose each word is one, and few are of a list
                    fired = [one for one in found if one[0] != PHRASE_BASE]
                    fired += phrases(data, [end for ident, end in found if ident == PHRASE_BASE])
                if fired or places:
                    quiet = False
                    return fired, places, True
            quiet = True
            return ([], [], True) if mask.odd(data) else None
        except hyperscan.ScanTerminated:
            return long(data)
        finally:
            if found:
                found.clear()
            give(own)

    def long(data: bytes) -> Fired | None:
        nonlocal quiet
        mask.bounded(data)  # a pass with all rules would not change what becomes of it
        ends, places = merged.scan(data), known.find(data)
        quiet = not ends and not places
        return None if quiet and not mask.odd(data) else (ends, places, False)

    return Looks(calm, look, _settler(merged), Guard(guard, _fired, stopped, GUARDED, free, made, back))


def _settler(merged: Merged) -> Callable[[bytes], bool]:
    across, marked = merged.across.scan, merged.marked
    take, give, fresh = merged.pool.pop, merged.pool.append, merged.own

    def settled(data: bytes) -> bool:
        if marked and not data.isascii():
            return False
        try:
            own = take()
        except IndexError:
            own = fresh()
        found = own.found
        try:
            across(data, own.on_found, 0, None, own.narrow)
            return not found
        finally:
            if found:
                found.clear()
            give(own)

    return settled
