"""Versions of one text: what was said of the last one is not found out again, except where the two differ.

Most blobs of a history are the version of a file that was scanned a moment before. `Reuse.scan` looks for the last
version of the same path, compares the two (a few kilobytes differ), runs stage 1 over the differences alone and judges
anew every end whose judgement could depend on them. If that says nothing, the new version has the findings of the old
one; as soon as it says anything at all, the version is scanned whole. So what is reused is silence, never a verdict:
the law (tests/detect/test_reuse.py) is that matches are exactly those of Engine.scan.

How far a judgement looks is a number of bytes before and after its end (`Reaches`), by what kind of end it is, and
larger than what context.py, tables.py, decode.py, phrases.py and the gates of the rules in force say they look at.
One Reuse is for one thread, and so are all of one process. Keeps texts of one repository in memory, at most KEPT bytes
of them, and nothing anywhere else. Not for texts that are no versions of each other: there it only costs. Imported by
objects.py.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from itertools import chain
from operator import itemgetter
from typing import NamedTuple

from leakguard.detect.columns import CODE, FOLD_LIMIT, fold_hits
from leakguard.detect.decode import TRIGGERS
from leakguard.detect.engine import Engine, Scan
from leakguard.detect.reaches import MARGIN, QUIET, WIDE_MARGIN, End, Reaches, Watching, reaches_of
from leakguard.detect.stage1 import (
    CONTEXT_BASE,
    DECODE_BASE,
    PHRASE_BASE,
    Compiled,
    Ends,
    thinned,
)
from leakguard.model import Match

LONGEST_WORD = 64
"""Bytes of the longest literal of a rule and of the longest name of a provider."""

LEAST, MOST = 3 * 1024, 4 * 1024 * 1024
"""Sizes of texts that are compared with their versions, in bytes."""

KEPT = 24 * 1024 * 1024
"""Bytes of texts that are remembered."""

FAR = 256 * 1024
"""Farther than any reach."""
_NEAR = 2048
"""Of a difference so close to a match more may change than what is judged: the text is scanned whole."""

_MOST_ENDS = 4_000
_MOST_HUNKS = 12
_LOOK = 4 * 1024
"""Bytes of the old text in which a line of the new one is looked for."""
_AHEAD = (0, 1, 2, 3, 4, 6, 8, 11, 15, 20, 27, 36)
"""Lines of the new text that are tried."""
_ANCHOR = 48

_FOLD = DECODE_BASE + next(number for number, (kind, _) in enumerate(TRIGGERS) if kind == "fold")

Hunk = tuple[int, int, int, int]
"""old[a:b] became new[c:d], as (a, b, c, d)."""
_NO_HUNK = (1 << 60, 1 << 60, 1 << 60, 1 << 60)

_offset = itemgetter(0)
_LED = 320
"""Bytes from a value to the ends that led to it."""


class _Known(NamedTuple):
    """The last version of a path, and what was said of it."""

    data: bytes
    ascii: bool
    words: frozenset[int]
    """Which literals of the rules with the longest first-stage matches are, or once were, in it."""
    ends: list[End]
    matches: list[Match]


class Reuse:
    """Scans texts, versions of one path one after the other, as `engine.scan` does."""

    def __init__(self, engine: Engine) -> None:
        self.engine = copy(engine)
        self.engine.prepared = engine.prepared
        self.watch = self.engine.context = Watching(self.engine)
        self.stage1 = engine.stage1 if isinstance(engine.stage1, Compiled) else None
        self.deep = engine.decode_depth > 0
        self._known: dict[str, _Known] = {}
        self._size = 0
        self._reaches = reaches_of(engine) if self.stage1 is not None else None
        self.whole = self.reused = 0
        """Bytes that were scanned whole, and that were not."""

    def scan(self, data: bytes, path: str) -> Scan:
        """All matches in `data`, which is at `path`. Its views are those that were looked at anew."""
        reaches = self._reaches
        if reaches is None or not LEAST <= len(data) <= MOST or 0 in data:
            self.whole += len(data)
            return self.engine.scan(data, path)
        old = self._known.get(path)
        if old is not None:
            found = self._again(reaches, old, data, path)
            if found is not None:
                self.reused += len(data)
                return found
        self.whole += len(data)
        return self._whole(reaches, data, path)

    # ------------------------------------------------------------ a text that is new
    def _whole(self, reaches: Reaches, data: bytes, path: str) -> Scan:
        ascii_only = data.isascii()
        found = self._ends(data, ascii_only, len(data), path)
        if self.stage1 is None or found is None:
            self._forget(path)
            return self.engine.scan(data, path)
        raw, folds = found
        # thinned as stage 1 does it, so that this is Engine.scan to the letter
        self.watch.begin(data)
        scan = self.engine.scan(data, path, given=folds + thinned(raw, self.stage1.widths))
        words = reaches.long.words(data)
        if scan.incidents or reaches.long.apply(words):
            self._forget(path)
        else:
            ends = _joined([], reaches.described(data, set(raw + folds)), self.watch.asked(reaches))
            self._remember(path, _Known(data, ascii_only, words, ends, scan.matches))
        return scan

    def _ends(self, data: bytes, ascii_only: bool, size: int, path: str) -> tuple[Ends, Ends] | None:
        """All ends in what may be a part of a text of `size` bytes; those of folds by themselves. None if there are too
        many."""
        if self.stage1 is None:
            return None
        raw = self.stage1.raw(data, self.deep, ascii_only, _MOST_ENDS + len(data) // 64)
        if raw is None:
            return None
        folded = self.deep and size <= FOLD_LIMIT and not path.endswith(CODE)
        return raw, [(_FOLD, end) for _, end in fold_hits(data)] if folded else []

    # ------------------------------------------------------------ a version of a known one
    def _again(self, reaches: Reaches, old: _Known, data: bytes, path: str) -> Scan | None:
        """What the old version says of the new one; None if that one must be scanned whole."""
        if old.ascii != data.isascii() or (len(data) <= FOLD_LIMIT) != (len(old.data) <= FOLD_LIMIT):
            return None
        hunks = differences(old.data, data)
        new = b"\0\0".join([data[max(0, c - LONGEST_WORD) : d + LONGEST_WORD] for _, _, c, d in hunks])
        words = old.words | reaches.long.words(new)
        hunks = _merged(hunks, 2 * MARGIN)
        if reaches.long.apply(words) or sum(d - c + 2 * MARGIN for _, _, c, d in hunks) > len(data) * 7 // 8:
            return None
        near, far = _Parts(data, hunks, MARGIN), _Parts(data, hunks, WIDE_MARGIN)
        ends = self._ends(near.data, old.ascii, len(data), path)
        if ends is None:
            return None
        found = set(chain(near.behind(chain(*ends)), far.behind(reaches.long.ends(far.data))))
        if any(a - _NEAR < m.end and m.start < b + _NEAR for m in old.matches for a, b, _, _ in hunks):
            return None
        matches = [_shifted(match, hunks) for match in old.matches] if old.matches else old.matches
        kept = _sorted_out(old.ends, hunks, found, lambda: self.watch.named(new))
        views = view_bytes = 0
        if found:
            asking = reaches.described(data, found)
            self.watch.begin(data)
            scan = self.engine.scan(data, path, given=[(ident, end) for end, ident, _, _ in asking])
            if scan.incidents or not _same(matches, scan.matches, asking):
                return None
            kept = _joined(kept, asking, self.watch.asked(reaches))
            views, view_bytes = scan.views, scan.view_bytes
        self._remember(path, _Known(data, old.ascii, words, kept, matches))
        return Scan(matches, -1, views, view_bytes, [])

    # ------------------------------------------------------------ memory
    def _remember(self, path: str, known: _Known) -> None:
        self._forget(path)
        self._known[path] = known
        self._size += len(known.data)
        while self._size > KEPT:
            self._forget(next(iter(self._known)))

    def _forget(self, path: str) -> None:
        old = self._known.pop(path, None)
        if old is not None:
            self._size -= len(old.data)


# ---------------------------------------------------------------- where ends went
def _sorted_out(
    old: list[End], hunks: Sequence[Hunk], found: set[tuple[int, int]], named: Callable[[], bool]
) -> list[End]:
    """The old ends that no difference can reach, where they are now. `found`, what stage 1 says of the differences and
    around them, loses those of them that it has, and gets those that a difference may reach. `named`: whether
    one of them names a provider."""
    kept: list[End] = []
    places: list[int] = []
    at = shift = 0
    before_it = -FAR - MARGIN
    asked: bool | None = None
    for a, b, c, d in (*hunks, _NO_HUNK):
        stop = bisect_right(old, a, at, key=_offset)
        near = before_it + MARGIN
        for end, ident, before, after in old[at:stop]:
            place = end + shift
            reached = place - before <= before_it or place + after >= c
            if reached and ident == QUIET:
                if asked is None:
                    asked = named()
                reached = asked
            if reached:
                if ident >= 0:
                    found.add((ident, place))
                else:
                    places.append(place)
            elif place > near or ident < 0 or ident == PHRASE_BASE:
                kept.append((place, ident, before, after))
            elif (ident, place) in found:
                found.discard((ident, place))
                kept.append((place, ident, before, after))
        at = bisect_right(old, b, stop, key=_offset)
        shift, before_it = d - b, d
    for place in places:  # a value asks anew: so do the ends that may have led to it
        led = [e for e in kept if abs(e[0] - place) <= _LED and CONTEXT_BASE <= e[1] < DECODE_BASE]
        found.update((ident, end) for end, ident, _, _ in led)
        kept = [end for end in kept if end not in led] if led else kept
    return kept


class _Parts:
    """The surroundings of differences, put together to be looked at in one go."""

    def __init__(self, data: bytes, hunks: Sequence[Hunk], margin: int) -> None:
        self._bases: list[int] = []
        self._places: list[tuple[int, int, int]] = []
        """(what to add to an offset in the part, the first offset that counts, the last one)."""
        pieces = []
        at = 0
        for _, _, c, d in hunks:
            low = max(0, c - margin)
            piece = data[low : d + margin]
            pieces.append(piece)
            self._bases.append(at)
            self._places.append((low - at, c, low + len(piece)))
            at += len(piece) + 1
        self.data = b"\0".join(pieces)

    def behind(self, ends: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
        """The ends that lie in a difference or behind it, in offsets of the text."""
        if len(self._bases) == 1:
            shift, first, _ = self._places[0]
            yield from ((ident, end + shift) for ident, end in ends if end + shift > first)
            return
        for ident, end in ends:
            shift, first, last = self._places[bisect_right(self._bases, end - 1) - 1]
            if first < end + shift <= last:
                yield ident, end + shift


def _joined(kept: list[End], judged: list[End], asked: list[End]) -> list[End]:
    """What is to be known of a text, in order."""
    if asked:
        places = {end[0] for end in asked}
        kept = [end for end in kept if end[1] >= 0 or end[0] not in places]
    kept += judged
    kept += asked
    kept.sort(key=_offset)
    return kept


def _same(matches: Sequence[Match], again: Sequence[Match], judged: Sequence[End]) -> bool:
    """Whether what was judged anew says what was said before: nothing new, and of what could be its own everything."""
    if not matches:
        return not again
    if any(match not in matches for match in again):
        return False
    return not any(
        match not in again
        and any(
            (DECODE_BASE <= ident < PHRASE_BASE) if match.view else match.start - _NEAR <= end <= match.end + _NEAR
            for end, ident, _, _ in judged
        )
        for match in matches
    )


def _shifted(match: Match, hunks: Iterable[Hunk]) -> Match:
    shift = 0
    for _, b, _, d in hunks:
        if b <= match.start:
            shift = d - b
    start, end, low, high = match.start, match.end, match.secret_start, match.secret_end
    return match._replace(start=start + shift, end=end + shift, secret_start=low + shift, secret_end=high + shift)


# ---------------------------------------------------------------- differences
def differences(old: bytes, new: bytes) -> list[Hunk]:
    """Where two texts differ, in order; everything else is the same in both. Quick, and not always the shortest way."""
    head = _alike(old, 0, new, 0, min(len(old), len(new)))
    tail = _alike_back(old, len(old), new, len(new), min(len(old), len(new)) - head)
    a, b, c, d = head, len(old) - tail, head, len(new) - tail
    out: list[Hunk] = []
    while len(out) < _MOST_HUNKS and min(b - a, d - c) > 2 * MARGIN:
        found = _met_again(old, a, b, new, c, d)
        if found is None:
            break
        x, y = found
        out.append((a, x, c, y))
        same = _alike(old, x, new, y, min(b - x, d - y))
        a, c = x + same, y + same
    if a < b or c < d:
        out.append((a, b, c, d))
    return out


def _met_again(old: bytes, a: int, b: int, new: bytes, c: int, d: int) -> tuple[int, int] | None:
    """The first place behind a difference, old[a:] and new[c:], from which both go on alike."""
    at, lines = c, 0
    for ahead in _AHEAD:
        while lines < ahead:
            at = new.find(b"\n", at, d) + 1
            if not at:
                return None
            lines += 1
        anchor = new[at : at + _ANCHOR]
        if at + _ANCHOR > d or len(anchor.split()) < 3:
            continue
        x = old.find(anchor, a, min(b, a + _LOOK))
        if x >= 0:
            back = _alike_back(old, x, new, at, min(x - a, at - c))
            return x - back, at - back
    return None


_FINE = 256
"""Bytes that are compared as one number."""


def _alike(old: bytes, i: int, new: bytes, j: int, most: int) -> int:
    """How many bytes, at most so many, old[i:] and new[j:] have in common."""
    at, step = 0, 2048
    while at + step <= most and new.startswith(old[i + at : i + at + step], j + at):
        at += step
        step = min(step * 2, 1 << 16)
    most = min(most, at + step)
    while most - at > _FINE:
        step = (most - at) // 2
        if new.startswith(old[i + at : i + at + step], j + at):
            at += step
        else:
            most = at + step
    odd = int.from_bytes(old[i + at : i + most], "little") ^ int.from_bytes(new[j + at : j + most], "little")
    return at + ((odd & -odd).bit_length() - 1) // 8 if odd else most


def _alike_back(old: bytes, i: int, new: bytes, j: int, most: int) -> int:
    """How many bytes, at most so many, old[:i] and new[:j] have in common at their ends."""
    at, step = 0, 2048
    while at + step <= most and new.endswith(old[i - at - step : i - at], 0, j - at):
        at += step
        step = min(step * 2, 1 << 16)
    most = min(most, at + step)
    while most - at > _FINE:
        step = (most - at) // 2
        if new.endswith(old[i - at - step : i - at], 0, j - at):
            at += step
        else:
            most = at + step
    odd = int.from_bytes(old[i - most : i - at], "big") ^ int.from_bytes(new[j - most : j - at], "big")
    return at + ((odd & -odd).bit_length() - 1) // 8 if odd else most


def _merged(hunks: list[Hunk], gap: int) -> list[Hunk]:
    """Differences whose surroundings touch, as one."""
    out: list[Hunk] = []
    for a, b, c, d in hunks:
        if out and c - out[-1][3] <= gap:
            out[-1] = (out[-1][0], b, out[-1][2], d)
        else:
            out.append((a, b, c, d))
    return out
