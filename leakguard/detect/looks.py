"""Stage 1 over what differs in many versions of texts at once: a call for all of them costs what one for each would.

Of each version the surroundings of its differences are cut out, put behind one another, and run through the databases
together; what is found is told version by version, in offsets of each. A match that begins in one piece and ends in the
next is at most an end too many, which is judged and says nothing: the judgement looks at the text itself.
Short texts that are no versions of anything are looked at together in the same way (`quiet`, `briefly`).
Pure functions of rules and bytes. Keeps nothing. Imported by reuse.py and twin.py, and by what scans git's objects.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import NamedTuple

from leakguard.detect import phrases
from leakguard.detect.columns import CODE, FOLD_LIMIT, fold_hits
from leakguard.detect.decode import TRIGGERS
from leakguard.detect.engine import Engine
from leakguard.detect.reaches import MARGIN, WIDE_MARGIN, Reaches
from leakguard.detect.stage1 import DECODE_BASE, PHRASE_BASE, Compiled, Ends, thinned

LONGEST_WORD = 64
"""Bytes of the longest literal of a rule and of the longest name of a provider."""

LEAST, MOST = 3 * 1024, 4 * 1024 * 1024
"""Sizes of texts that are compared with their versions, in bytes."""

MOST_ENDS = 4_000
"""Ends in one look, beside one in 64 bytes: where there are more, texts are scanned whole."""

_WIDER = WIDE_MARGIN - MARGIN

FOLD = DECODE_BASE + next(number for number, (kind, _) in enumerate(TRIGGERS) if kind == "fold")

_offset = itemgetter(1)

Hunk = tuple[int, int, int, int]
"""old[a:b] became new[c:d], as (a, b, c, d)."""


class Pair(NamedTuple):
    """A text, the one it is a version of, and where they differ, in order; everything else is the same in both."""

    data: bytes
    path: str
    old: bytes
    hunks: list[Hunk]


class Look(NamedTuple):
    """What stage 1 says of a version."""

    data: bytes
    old: bytes
    hunks: list[Hunk]
    ascii: bool
    found: set[tuple[int, int]]
    """(trigger, offset) of the ends in and closely behind what differs."""
    words: frozenset[int]
    """Literals of the longest rules (Reaches.long) in what differs and around it."""

    def new(self) -> bytes:
        """What differs, with as much around it as a word is long."""
        data = self.data
        return b"\0\0".join([data[max(0, c - LONGEST_WORD) : d + LONGEST_WORD] for _, _, c, d in self.hunks])


def comparable(data: bytes) -> bool:
    """Whether a text is one of those that are compared with their versions."""
    return LEAST <= len(data) <= MOST and data.find(b"\0") < 0


def folded(data: bytes, path: str, size: int) -> Ends:
    """Where a part of a text of `size` bytes was folded at a column."""
    if size > FOLD_LIMIT or path.endswith(CODE):
        return []
    return [(FOLD, end) for _, end in fold_hits(data)]


class _Pieces:
    """Pieces of texts behind one another, a separator between them."""

    def __init__(self, separator: bytes) -> None:
        self.separator = separator
        self.pieces: list[bytes] = []
        self.bases: list[int] = []
        self.places: list[tuple[int, int, int, int]] = []
        """(number of the text, what to add to an offset, the first offset that counts, the last one)."""
        self.size = 0

    def add(self, number: int, data: bytes, windows: Iterable[tuple[int, int, int]]) -> None:
        """Windows of a text."""
        size = self.size
        for low, first, high in windows:
            piece = data[low:high] if low > 0 else data[:high]
            self.pieces.append(piece)
            self.bases.append(size)
            base = low if low > 0 else 0
            self.places.append((number, base - size, first, base + len(piece)))
            size += len(piece) + 1
        self.size = size

    def joined(self) -> bytes:
        return self.separator.join(self.pieces)

    def tell(self, ends: Iterable[tuple[int, int]], found: list[set[tuple[int, int]]]) -> None:
        """Gives each end to the text it is of."""
        bases, places = self.bases, self.places
        for ident, end in ends:
            number, shift, first, last = places[bisect_right(bases, end - 1) - 1]
            if first < end + shift <= last:
                found[number].add((ident, end + shift))

    def name(self, ends: Iterable[tuple[int, int]], words: list[set[int]]) -> None:
        """Gives each word to the text it is in."""
        bases, places = self.bases, self.places
        for word, end in ends:
            words[places[bisect_right(bases, end - 1) - 1][0]].add(word)


def look(stage1: Compiled, reaches: Reaches, deep: bool, pairs: Sequence[Pair]) -> list[Look | None]:
    """What stage 1 says of each version; None of those that must be scanned whole."""
    near = {True: _Pieces(b"\0"), False: _Pieces(b"\0")}
    # a break as a separator: the first line of a text is one
    lines, wide = _Pieces(b"\n"), _Pieces(b"\0")
    taken: dict[int, bool] = {}  # whether it is of ASCII
    found: list[set[tuple[int, int]]] = [set() for _ in pairs]
    for number, (data, path, old, hunks) in enumerate(pairs):
        if not hunks or not comparable(data) or (len(data) <= FOLD_LIMIT) != (len(old) <= FOLD_LIMIT):
            continue
        windows = _windows(hunks, MARGIN)
        if sum([high - low for low, _, high in windows]) > len(data) * 7 // 8 + 2 * MARGIN:
            continue
        ascii_only = taken[number] = data.isascii()
        near[ascii_only].add(number, data, windows)
        if deep and len(data) <= FOLD_LIMIT and not path.endswith(CODE):
            lines.add(number, data, windows)
        if len(windows) == 1:
            low, first, high = windows[0]
            wide.add(number, data, ((low - _WIDER, first, high + _WIDER),))
        else:
            wide.add(number, data, _windows(hunks, WIDE_MARGIN))
    words: list[set[int]] = [set() for _ in pairs]
    for ascii_only, pieces in near.items():
        if not pieces.pieces:
            continue
        data = pieces.joined()
        pieces.name(reaches.long.words_in(data), words)
        ends = stage1.raw(data, deep, ascii_only, MOST_ENDS + len(data) // 64)
        if ends is None:
            taken = {number: plain for number, plain in taken.items() if plain != ascii_only}
        else:
            pieces.tell(ends, found)
    if lines.pieces:
        lines.tell([(FOLD, end) for _, end in fold_hits(lines.joined())], found)
    wide.tell(reaches.long.ends(wide.joined()), found)
    looks: list[Look | None] = [None] * len(pairs)
    for number, plain in taken.items():
        data, _, old, hunks = pairs[number]
        looks[number] = Look(data, old, hunks, plain, found[number], frozenset(words[number]))
    return looks


def _windows(hunks: Sequence[Hunk], margin: int) -> list[tuple[int, int, int]]:
    """(from, behind what ends count, to) of differences with so much around them; what touches is one."""
    out = []
    _, _, first, high = hunks[0]
    low = first - margin
    high += margin
    for _, _, c, d in hunks:
        if c - margin > high:
            out.append((low, first, high))
            low, first = c - margin, c
        high = d + margin
    out.append((low, first, high))
    return out


def quiet(engine: Engine, texts: Sequence[bytes]) -> list[bool]:
    """Of which of these texts stage 1 says nothing that could mean anything: a scan of them as they stand, each without a
    path, would find nothing and look at nothing."""
    return [ends is not None and not ends for ends in briefly(engine, texts)]


_APART = b"\n\0\n"
"""Between texts that are looked at together. A break is on no side of any trigger a letter or a digit, so a text's edge and this one
are alike; and behind a break no trigger goes on over a byte that none of these texts has."""


def briefly(engine: Engine, texts: Sequence[bytes], paths: Sequence[str] = ()) -> list[Ends | None]:
    """What stage 1 says of each of these texts, folds among it, as `Engine.scan` takes it (`given`); None of those that it has
    to see by themselves. `paths`: where they are."""
    out: list[Ends | None] = [None] * len(texts)
    stage1 = engine.stage1
    if not isinstance(stage1, Compiled):
        return out
    deep = engine.decode_depth > 0
    for ascii_only in (True, False):
        numbers = [number for number, text in enumerate(texts) if text.isascii() == ascii_only and 0 not in text]
        data = _APART.join([texts[number] for number in numbers])
        ends = stage1.raw(data, deep, ascii_only, MOST_ENDS + len(data) // 64)
        if ends is None:
            continue
        if deep:
            ends += [(FOLD, end) for _, end in fold_hits(data)]
        told = _by_text([len(texts[number]) for number in numbers], ends)
        for number, own in zip(numbers, told, strict=True):
            code = paths[number].endswith(CODE) if paths else False
            out[number] = _meant(stage1, texts[number], own, code) if own else own
    return out


def _meant(stage1: Compiled, text: bytes, ends: Ends, code: bool) -> Ends:
    """The ends in a text without those that mean nothing; in `code` nobody looks for folds."""
    rows = [end for ident, end in ends if ident == PHRASE_BASE]
    good = [(PHRASE_BASE, end) for end in phrases.good(text, rows)] if rows else []
    folds = [] if code else [end for end in ends if end[0] == FOLD]
    others = [end for end in ends if end[0] not in (FOLD, PHRASE_BASE)]
    return folds + thinned(others, stage1.widths) + good  # thinned as stage 1 does it


def _by_text(sizes: Sequence[int], ends: Ends) -> list[Ends]:
    """The ends in each of some texts of these sizes that lie behind one another, `_APART` between them."""
    out: list[Ends] = []
    ends.sort(key=_offset)
    at = base = 0
    for size in sizes:
        own: Ends = []
        while at < len(ends) and ends[at][1] <= base + size:
            if ends[at][1] > base:
                own.append((ends[at][0], ends[at][1] - base))
            at += 1
        out.append(own)
        base += size + len(_APART)
    return out
