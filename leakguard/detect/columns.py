"""Where text was folded at a column: a line of a usual width ends inside a word that the next line goes on with.

Pure functions of bytes, without patterns: it is asked of every document, on the path of every start. Knows no rules.
Imported by engine.py and pipeline.py; decode.py undoes the folds.
"""

from __future__ import annotations

from itertools import accumulate

FOLD_LIMIT = 1 << 20
"""Largest object that is looked at: mails and pasted text are folded, logs are not."""

_WIDTHS = (64, 72, 76, 80)
_FOLDED = frozenset((*_WIDTHS, *(width + 1 for width in _WIDTHS)))
_TOKEN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+/-")


def fold_hits(data: bytes) -> list[tuple[str, int]]:
    """Hits for decode.Runs: where a line of a usual fold width (64, 72, 76, 80) ends inside a token."""
    lines = data.split(b"\n")
    if _FOLDED.isdisjoint(map(len, lines)):
        return []
    sizes = list(map(len, lines))
    starts = list(accumulate(sizes, _next_line, initial=0))
    out: list[tuple[str, int]] = []
    for number, size in enumerate(sizes[:-1]):
        if size in _FOLDED:
            line, after = lines[number].rstrip(b"\r"), lines[number + 1]
            if len(line) in _WIDTHS and line[-1] in _TOKEN and after[:1] and after[0] in _TOKEN:
                out.append(("fold", starts[number + 1] + 1))
    return out


def _next_line(start: int, size: int) -> int:
    return start + size + 1
