"""Views of UTF-16: runs of eight or more ASCII characters with a NUL each, in either byte order, with or without a BOM. Those
of UTF-32, which utf32.py finds, are made here, too.

An automaton says where there could be any, at a nanosecond a byte; there one search over a copy that has one letter a class
of bytes finds them. Bounded by the data: a view has at most half of its bytes, and what stands between two runs is left out.
Knows no rules and no files. Imported by engine.py for bytes that hold a NUL.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import cache
from typing import Any

import hyperscan

from leakguard.detect import utf32
from leakguard.detect.decode import View
from leakguard.detect.patterns import compiled

# Read off a copy that has one letter a class of bytes, where `find` goes ten times as fast as a pattern over the bytes.
_CLASSES = bytes(ord("0") if not c else ord("c") if c in b"\t\n\r" or 0x20 <= c < 0x7F else ord("x") for c in range(256))
_WIDE = (("utf-16le", 0, 2), ("utf-16be", 1, 2), ("utf-32le", 0, 4), ("utf-32be", 3, 4))
"""The kinds of views, which byte of a character the letter is, and of how many."""
_LEAST = 8
"""Letters of a run."""
_CORE = b"c0" * (_LEAST - 1) + b"c"
"""What a run of either order has in it: one search is for both."""
_RUN = compiled(_CORE + rb"(?:0c)*+0?+")
_TOGETHER = 4096
"""Classes behind a core in which the pattern looks for more: where one run is others are, and a `find` takes as long for each as
it does for a hundred bytes; where none is the pattern takes three times as long."""
_NUL = ord("0")


_STEP = 8 * 1024
"""Bytes looked at together, first by the automaton: a `find` over more than 30,000 is done in a way that takes twice as long."""
_ALONE = 4096
"""Bytes from which the automaton is asked."""
_LETTER, _NULS = r"[\x09-\x7e]", r"[\x00\xf1-\xf5]"
_NEARLY = f"(?:{_LETTER}{_NULS}){{7}}{_LETTER}|(?:{_LETTER}{_NULS}{{3}}){{3}}{_LETTER}"
"""Wherever a run of UTF-16 or UTF-32 is, and hardly anywhere else. NUL alone would be a literal, which machine code is full of:
ten times as slow, as are the two apart; so bytes are with it that hardly follow a letter (of Python's byte code small ones do)."""
_CONTEXT = 64
"""Bytes of what is beside a stretch that go with it: more than a run could reach over its edge and not begin in the next one,
too, and a multiple of four."""


def _wide_runs(data: bytes, base: int, classes: bytes) -> list[tuple[int, int, int]]:
    """(start, end, index in _WIDE) of the runs of UTF-16 in the stretch of `data` from `base` on, in order.

    Where letters and NULs alternate, both orders may be meant: the longer reading is. Of two alike one took a byte from what
    stands beside the run for a letter: most often a line's end, before it or after it.
    """
    out: list[tuple[int, int, int]] = []
    for at, low in _alternating(classes):
        count = low - at
        start = base + at
        end = start + (count & ~1)
        if at and classes[at - 1] == _NUL:  # big endian from there on
            if count & 1:
                out.append((start - 1, end + 1, 1))
            elif data[start] in _BLANK and data[end - 2] not in _BLANK:
                out.append((start, end, 0))
            else:
                out.append((start - 1, end - 1, 1))
        elif count >= 2 * _LEAST:
            other = count & 1 and data[start] in _BLANK and data[end] not in _BLANK
            out.append((start + 1, end + 1, 1) if other else (start, end, 0))
    return out


def _alternating(classes: bytes) -> list[tuple[int, int]]:
    """(start, end) of where letters and NULs alternate, from a letter on, where a core is; in order."""
    out: list[tuple[int, int]] = []
    low, size, edge = 0, len(classes), len(_CORE) - 1
    while low < size:
        at = classes.find(_CORE, low, low + utf32.STEP + edge)
        if at < 0:
            low += utf32.STEP
            continue
        stop = at + _TOGETHER
        out += [found.span() for found in _RUN.finditer(classes, at, stop)]
        if out[-1][1] == stop and (found := _RUN.match(classes, out[-1][0])):
            out[-1] = found.span()  # it goes on
        low = max(out[-1][1], stop - edge)
    return out


_BLANK = b" \t\r\n"


def _stretches(data: bytes) -> list[tuple[int, bytes]]:
    """(place, classes) of the stretches that hold all the runs there are, and no part of one."""
    if len(data) <= _ALONE:
        return [(0, data.translate(_CLASSES))]
    spans: list[list[int]] = []
    for low in _near(data):
        if spans and spans[-1][1] == low:
            spans[-1][1] += _STEP
        else:
            spans.append([low, low + _STEP])
    return [(at := max(0, low - _CONTEXT), data[at : high + _CONTEXT].translate(_CLASSES)) for low, high in spans]


_local = threading.local()


def _near(data: bytes) -> list[int]:
    """Where those of each _STEP bytes begin in which _NEARLY matches."""
    own = getattr(_local, "own", None)
    if own is None:
        database = _automaton()
        own = _local.own = database, hyperscan.Scratch(database)
    database, scratch = own
    out: list[int] = []
    low = 0

    def on_match(_ident: int, _start: int, _end: int, _flags: int, _context: object) -> None:
        out.append(low)

    with memoryview(data) as view:
        for low in range(0, len(data), _STEP):
            database.scan(view[low : low + _STEP + _CONTEXT], match_event_handler=on_match, scratch=scratch)
    return out


@cache
def _automaton() -> Any:
    made = hyperscan.Database()
    made.compile(expressions=[_NEARLY.encode()], ids=[0], elements=1, flags=[hyperscan.HS_FLAG_SINGLEMATCH])
    return made


_GAP_OF_WIDE = 256
"""Bytes between two runs that are read as one text. A program's table of strings has hundreds of thousands of runs, each of
which would be scanned by itself; and so few bytes that what lies near in the view does so in the data."""
_APART = b"\n\x1e\n"
"""Stands for what is between two runs."""


def wide_views(data: bytes) -> Iterator[View]:
    """Runs of eight or more ASCII characters in UTF-16 or UTF-32, either byte order, with or without a BOM; those that lie
    close together in one view, a line each.

    Only asked for when the bytes hold NULs. Non-ASCII characters end a run: no secret format has any but
    mnemonics, which are looked for in whole decoded text by the rule for them.
    """
    groups: list[list[tuple[int, int]]] = [[], [], [], []]
    stretches = _stretches(data)
    runs: list[tuple[int, int, int]] = []
    for base, classes in stretches:
        runs += _wide_runs(data, base, classes)
    for base, classes in stretches:
        runs += [(base + start, base + end, which) for start, end, which in utf32.runs(classes, 2, 3)]
    for start, end, which in runs:
        group = groups[which]
        if group and start - group[-1][1] > _GAP_OF_WIDE:
            yield _wide(data, group, which)
            group.clear()
        group.append((start, end))
    for which, group in enumerate(groups):
        if group:
            yield _wide(data, group, which)


def _wide(data: bytes, runs: list[tuple[int, int]], which: int) -> View:
    kind, offset, step = _WIDE[which]
    out: list[bytes] = []
    breaks: list[tuple[int, int, int, int]] = []
    at = last = 0
    for start, stop in runs:
        text = data[start + offset : stop : step]
        if at:
            breaks.append((at, last, 0, 1))
            at += len(_APART)
        breaks.append((at, start, step, 1))
        out.append(text)
        size = len(text)
        at += size
        last = start + step * size
    return View(kind, _APART.join(out), breaks, runs[0][0], runs[-1][1])
