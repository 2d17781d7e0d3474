"""The first look at a record, which is the only one at most of them.

A small database that fires wherever a secret could be (runtime.guards), and one of the known values' forms in which it
would not; only a text in which one of them fires, or that has a byte the guard does not judge, is looked at with all
rules. Keeps nothing of what it looks at. Imported by core.py only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import hyperscan

from leakguard.detect.runtime import Flood
from leakguard.redact import mask

if TYPE_CHECKING:
    from leakguard.detect.runtime import Merged
    from leakguard.detect.stage1 import Ends
    from leakguard.redact.known import Known, Place

    Fired = tuple[Ends, list[Place]]

GUARDED = 4096
"""Bytes of a text up to which a small database is asked first: in longer ones it would hardly ever say no."""


def looker(merged: Merged, known: Known) -> Callable[[bytes], Fired | None]:
    """A function that says what fired in a record and which known values are there, or None if nothing is and no closer
    look is needed. Flood for a text that is made of triggers. Every name in it is a local one, and what it calls is C."""
    guard, scan, pool, marked = merged.guard.scan, merged.database.scan, merged.pool, merged.marked
    take, give, fresh = pool.pop, pool.append, merged.own
    calm = True
    """Whether the last record was clean: secrets come in bursts, and where one is the guard is a waste."""

    def look(data: bytes) -> Fired | None:
        nonlocal calm
        try:
            own = take()
        except IndexError:
            own = fresh()
        found = own.found
        try:
            table = known.table
            if calm and len(data) <= GUARDED:
                guard(data, own.on_found, 0, None, own.small)
                if table is not None and table.loose is not None and not found:
                    own.fit(table.loose)
                    table.loose.scan(data, own.on_found, 0, None, own.other)
                if not found and not (
                    10 in data or 92 in data or 37 in data or 27 in data or 0 in data or 8 in data  # runtime.ASK
                ) and data.isascii():  # fmt: skip
                    return None
                found.clear()
            own.begin(data)
            scan(data, own.on_match, 0, None, own.scratch)
            if marked and not data.isascii():
                merged.phrases(data, own)
            places = known.find(data) if table is not None else []
            calm = not own.ends and not places
            if not calm:
                return own.taken(), places
            return ([], []) if mask.odd(data) else None
        except hyperscan.ScanTerminated:
            if own.full():
                raise Flood from None
            raise
        finally:
            if own.ends or found:
                own.clear()
            own.data = b""
            give(own)

    return look
