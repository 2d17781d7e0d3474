"""Views of UTF-16: runs of eight or more ASCII characters with a NUL each, in either byte order, with or without a BOM.

Found by one search over a copy that has one letter a class of bytes. Bounded by the data: a view has at most half of its
bytes, and what stands between two runs is left out. Knows no rules and no files. Imported by engine.py for bytes that hold
a NUL.
"""

from __future__ import annotations

from collections.abc import Iterator

from leakguard.detect.decode import View
from leakguard.detect.patterns import compiled

# Read off a copy that has one letter a class of bytes, where `find` goes ten times as fast as a pattern over the bytes.
_CLASSES = bytes(ord("0") if not c else ord("c") if c in b"\t\n\r" or 0x20 <= c < 0x7F else ord("x") for c in range(256))
_WIDE = (("utf-16le", 0), ("utf-16be", 1))
"""The kinds of views, and which byte of a pair the letter is."""
_LEAST = 8
"""Letters of a run."""
_CORE = b"c0" * (_LEAST - 1) + b"c"
"""What a run of either order has in it: one search is for both."""
_ALTERNATING = compiled(rb"(?:c0)+c?+")


def _wide_spans(data: bytes) -> Iterator[tuple[int, int, int]]:
    """(start, end, index in _WIDE) of the runs. Where letters and NULs alternate, both orders may be meant."""
    classes = data.translate(_CLASSES)
    at = classes.find(_CORE)
    while at >= 0:
        found = _ALTERNATING.match(classes, at)
        end = found.end() if found else at + len(_CORE)
        for which, start in enumerate((at, at - 1 if classes.startswith(b"0", at - 1, at) else at + 1)):
            letters = (end - start) // 2
            if letters >= _LEAST:
                yield start, start + 2 * letters, which
        at = classes.find(_CORE, end)


_GAP_OF_WIDE = 256
"""Bytes between two runs that are read as one text. A program's table of strings has hundreds of thousands of runs, each of
which would be scanned by itself; and so few bytes that what lies near in the view does so in the data."""
_APART = b"\n\x1e\n"
"""Stands for what is between two runs."""


def wide_views(data: bytes) -> Iterator[View]:
    """Runs of eight or more ASCII characters in UTF-16, either byte order, with or without a BOM; those that lie close
    together in one view, a line each.

    Only asked for when the bytes hold NULs. Non-ASCII characters end a run: no secret format has any but
    mnemonics, which are looked for in whole decoded text by the rule for them.
    """
    groups: list[list[tuple[int, int]]] = [[], []]
    for start, end, which in _wide_runs(data):
        group = groups[which]
        if group and start - group[-1][1] > _GAP_OF_WIDE:
            yield _wide(data, group, which)
            group.clear()
        group.append((start, end))
    for which, group in enumerate(groups):
        if group:
            yield _wide(data, group, which)


def _wide_runs(data: bytes) -> Iterator[tuple[int, int, int]]:
    """The runs, one of those that overlap."""
    last: tuple[int, int, int] | None = None
    for span in sorted(_wide_spans(data)):
        if last is not None and span[0] < last[1] - 1:
            last = _likelier(data, last, span)
        else:
            if last is not None:
                yield last
            last = span
    if last is not None:
        yield last


def _likelier(data: bytes, one: tuple[int, int, int], other: tuple[int, int, int]) -> tuple[int, int, int]:
    """Which of two readings of the same bytes is meant: the longer one. Of two alike one took a byte from what stands
    beside the run for a letter: most often a line's end, before it or after it."""
    difference = (one[1] - one[0]) - (other[1] - other[0])
    if difference:
        return one if difference > 0 else other
    before, after = data[one[0] + _WIDE[one[2]][1]], data[other[1] - 2 + _WIDE[other[2]][1]]
    return other if before in b" \t\r\n" and after not in b" \t\r\n" else one


def _wide(data: bytes, runs: list[tuple[int, int]], which: int) -> View:
    kind, offset = _WIDE[which]
    out: list[bytes] = []
    breaks: list[tuple[int, int, int, int]] = []
    at = 0
    for start, stop in runs:
        text = data[start + offset : stop : 2]
        if out:
            breaks.append((at, breaks[-1][1] + 2 * len(out[-1]), 0, 1))
            out.append(_APART)
            at += len(_APART)
        breaks.append((at, start, 2, 1))
        out.append(text)
        at += len(text)
    return View(kind, b"".join(out), breaks, runs[0][0], runs[-1][1])
