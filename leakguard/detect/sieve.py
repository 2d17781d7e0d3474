"""Where in bytes that are no text an automaton without a literal could match at all: one look at a third of a nanosecond a byte,
where such an automaton takes one to two.

All that encoded text and phrases are made of are long runs of few kinds of bytes, which machine code and tables hardly ever
have. Outside of what is returned there is no such run, so that nothing that is made of one can match there; a run is returned
whole, with the byte before it. Pure functions of bytes; each thread has its own scratch. Knows no rules. Imported by
stage1.py and apart.py.
"""

from __future__ import annotations

import threading
from typing import Any

import hyperscan

LEAST = 64 * 1024
"""Bytes from which it is worth asking: what is shorter is text, or half of it is (byte code)."""

DIGITS, DIGITS_RUN = r"[A-Za-z0-9+/_\-]", 20
"""What runs of encoded text are made of that decode.py unpacks, and how long they are at least."""
TEXT, TEXT_RUN = r"[\x09-\x0d\x20-\x7e\x80-\xbf\xc3\xc5\xcc\xe1-\xed\xef]", 36
"""What phrases are made of, and how long they are at least. With the other bytes from 0xC0 on, which code of x86 is full of and no
word of a list, three times as much of a program would have to be looked at."""

BASE58, BASE58_RUN = r"[1-9A-HJ-NP-Za-km-z]", 51
"""What keys of Bitcoin and Solana are made of, which nothing but their digits marks, and how long they are at least."""

_STEP = 4096
"""Bytes behind a run that are taken with it, so that the next one is not asked for at once; twice as many each time that one
follows nevertheless."""
_LARGEST_STEP = 64 * 1024

_KINDS = ((DIGITS, DIGITS_RUN, _STEP), (TEXT, TEXT_RUN, _STEP), (BASE58, BASE58_RUN, _STEP // 8))

_local = threading.local()

Spans = list[tuple[int, int]]


def encoded(data: bytes) -> Spans:
    """[start, end) of the parts of `data` that hold all runs of DIGITS that are DIGITS_RUN long."""
    return _spans(data, 0)


def texts(data: bytes) -> Spans:
    """The same of TEXT and TEXT_RUN."""
    return _spans(data, 1)


def base58(data: bytes | memoryview) -> Spans:
    """The same of BASE58 and BASE58_RUN, for any data."""
    return _spans(data, 2)


def _spans(data: bytes | memoryview, which: int) -> Spans:
    own: dict[int, tuple[Any, Any]] | None = getattr(_local, "own", None)
    if own is None:
        own = _local.own = {}
    if which not in own:
        own[which] = _made(*_KINDS[which][:2])
    database, scratch = own[which]
    _, run, least = _KINDS[which]
    out: Spans = []
    size, low, step = len(data), 0, least
    start = found = -1
    stop = -2  # before all that could begin at once

    def on_match(_ident: int, _start: int, end: int, _flags: int, _context: object) -> bool:
        nonlocal found
        found = end
        return True

    with memoryview(data) as view:
        while size - low >= run:
            found = -1
            try:  # noqa: SIM105 - it costs as much as a kilobyte
                database.scan(view[low:], match_event_handler=on_match, scratch=scratch)
            except hyperscan.ScanTerminated:
                pass
            if found < 0:
                break
            begin, end = low + found - run - 1, low + found
            if begin <= stop:
                step = min(2 * step, _LARGEST_STEP)
            else:
                if stop >= 0:
                    out.append((start, stop))
                start, step = max(0, begin), least
            stop = min(size, end + step)
            low = stop - run + 1  # a run that goes on behind what is taken is seen again
    if stop >= 0:
        out.append((start, stop))
    return out


def _made(kind: str, run: int) -> tuple[Any, Any]:
    database = hyperscan.Database()
    database.compile(
        expressions=[f"{kind}{{{run}}}".encode()], ids=[0], elements=1, flags=[hyperscan.HS_FLAG_SINGLEMATCH]
    )
    return database, hyperscan.Scratch(database)
