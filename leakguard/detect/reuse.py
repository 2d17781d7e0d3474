"""Versions of one text: what was said of the last one is not found out again, except where the two differ.

Most blobs of a history are the version of a file that was scanned a moment before. `Reuse.scan` is told which one and where
they differ, by what stage 1 said of the differences alone (`looks`, for many at once), or else compares a text with the last
version of the same path; it judges anew every end whose judgement could depend on a difference.
If that says nothing, the new version has the findings of the old one; as soon as it says anything at all, the version is scanned
whole. So what is reused is silence, never a verdict: the law (tests/detect/test_reuse.py) is that matches are exactly those of Engine.scan.

How far a judgement looks is a number of bytes before and after its end (`Reaches`), by what kind of end it is, and
larger than what context.py, tables.py, decode/, phrases.py and the gates of the rules in force say they look at.
One Reuse is for one thread, and so are all of one process. Keeps texts of one repository in memory, at most KEPT bytes
of them, and nothing anywhere else. Not for texts that are no versions of each other: there it only costs. Imported by
objects.py.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Hashable, Iterable, Sequence
from copy import copy
from operator import itemgetter
from typing import NamedTuple

from leakguard.detect import phrases
from leakguard.detect.alike import Alike
from leakguard.detect.engine import ROW_FILE_SIZE, ROW_FILES, Engine, Scan
from leakguard.detect.looks import MOST_ENDS, Hunk, Look, Pair, comparable, folded, look
from leakguard.detect.reaches import LED, MARGIN, QUIET, End, Reaches, Silent, Watching, reaches_of
from leakguard.detect.stage1 import CONTEXT_BASE, DECODE_BASE, PHRASE_BASE, Compiled, thinned
from leakguard.model import Match

KEPT = 16 * 1024 * 1024
"""Bytes of texts that are remembered."""

FAR = 256 * 1024
"""Farther than any reach."""
_NEAR = 2048
"""Of a difference so close to a match more may change than what is judged: the text is scanned whole."""

_MOST_HUNKS = 12
_LOOK = 4 * 1024
"""Bytes of the old text in which a line of the new one is looked for."""
_AHEAD = (0, 1, 2, 3, 4, 6, 8, 11, 15, 20, 27, 36)
"""Lines of the new text that are tried."""
_ANCHOR = 48

_NO_HUNK = (1 << 60, 1 << 60, 1 << 60, 1 << 60)

_offset = itemgetter(0)


class _Known(NamedTuple):
    """A text, and what was said of it."""

    data: bytes
    path: str
    ascii: bool
    words: frozenset[int]
    """Which literals of the rules with the longest first-stage matches are, or once were, in it."""
    ends: list[End]
    far: int
    """No end reaches farther."""
    matches: list[Match]


class Reuse:
    """Scans texts, versions of one path one after the other, as `engine.scan` does."""

    def __init__(self, engine: Engine) -> None:
        self.engine = copy(engine)
        self.engine.prepared = engine.prepared
        self.watch = self.engine.context = Watching(self.engine)
        self.stage1 = engine.stage1 if isinstance(engine.stage1, Compiled) else None
        self.deep = engine.decode_depth > 0
        self._known: OrderedDict[Hashable, _Known] = OrderedDict()
        """By their keys, or by their paths."""
        self._last: dict[str, Hashable] = {}
        """The key of the last version of a path."""
        self._size = 0
        self._reaches = reaches_of(engine) if self.stage1 is not None else None
        self._silent = Silent()
        self._says_the_same = Alike(engine)
        self._asked_last = "", "", True
        self.whole = self.reused = 0
        """Bytes that were scanned whole, and that were not."""

    def looks(self, pairs: Sequence[Pair]) -> list[Look | None]:
        """Stage 1 for many versions at once: each look is for the `scan` of its text."""
        if self.stage1 is None or self._reaches is None:
            return [None] * len(pairs)
        return look(self.stage1, self._reaches, self.deep, pairs)

    def alike(self, one: str, other: str) -> bool:
        """Whether a text at one path may be a version of one at the other: nothing that looks at a path tells them apart."""
        if one == other:
            return True
        if self._asked_last[:2] != (one, other):  # of a folder's files the packs often ask twice, of one file always
            self._asked_last = one, other, self._says_the_same(one, other)
        return self._asked_last[2]

    def scan(
        self,
        data: bytes,
        path: str,
        key: Hashable = None,
        base: Hashable = None,
        look: Look | None = None,
        *,
        keep: bool = True,
    ) -> Scan:
        """All matches in `data`, which is at `path`. `key` names it for those that come after it, if any do (`keep`);
        `look` says how it differs from the text whose key is `base`. Without them it is taken for a version of the last
        text of that path. Its views are those that were looked at anew."""
        reaches = self._reaches
        if reaches is None or (look is None and not comparable(data)) or self._has_rows(data, path):
            self.whole += len(data)
            return self.engine.scan(data, path)
        key = path if key is None else key
        old = self._known.get(base)
        if old is not None and not self.alike(old.path, path):
            old = None
        if look is None and old is not None:
            old = None  # they were compared, and too little is the same
        elif look is None or old is None or old.data != look.old:
            old = self._known.get(self._last.get(path))
            look = self.looks([Pair(data, path, old.data, differences(old.data, data))])[0] if old is not None else None
        if old is not None and look is not None:
            found = self._again(reaches, old, look, path, key, keep=keep)
            if found is not None:
                self.reused += len(data)
                return found
        self.whole += len(data)
        return self._whole(reaches, data, path, key) if keep else self.engine.scan(data, path)

    def _has_rows(self, data: bytes, path: str) -> bool:
        """Whether there is something in it that no end tells of: such a text is scanned whole, and says nothing of others."""
        return path.endswith(ROW_FILES) and len(data) <= ROW_FILE_SIZE and self.watch.has_rows(data)

    # ------------------------------------------------------------ a text that is new
    def _whole(self, reaches: Reaches, data: bytes, path: str, key: Hashable) -> Scan:
        ascii_only = data.isascii()
        raw = None
        if self.stage1 is not None:
            raw = self.stage1.raw(data, self.deep, ascii_only, MOST_ENDS + len(data) // 64)
        if self.stage1 is None or raw is None:
            self._forget(key)
            return self.engine.scan(data, path)
        rows = [end for ident, end in raw if ident >= PHRASE_BASE]
        if rows:  # prose has one in forty bytes, and who scans and who tells how far ends reach both ask which of them are good
            raw = [end for end in raw if end[0] < PHRASE_BASE]
            raw += [(PHRASE_BASE, end) for end in phrases.good(data, rows)]
        folds = folded(data, path, len(data)) if self.deep else []
        # thinned as stage 1 does it, so that this is Engine.scan to the letter
        self.watch.begin(data)
        scan = self.engine.scan(data, path, given=folds + thinned(raw, self.stage1.widths))
        words = reaches.long.words(data)
        if scan.incidents:
            self._forget(key)
        else:
            self._silent.begin()
            asking, known = reaches.described(data, set(raw + folds), self._silent)
            asked = self.watch.asked(reaches)
            if not scan.matches:
                self._silent.learn(asking, asked)
            ends = _joined(known, asking, asked)
            self._remember(key, _Known(data, path, ascii_only, words, ends, _farthest(ends), scan.matches))
        return scan

    # ------------------------------------------------------------ a version of a known one
    def _again(self, reaches: Reaches, old: _Known, look: Look, path: str, key: Hashable, *, keep: bool) -> Scan | None:
        """What the old version says of the new one; None if that one must be scanned whole."""
        data, hunks, found = look.data, look.hunks, look.found
        if old.ascii != look.ascii:
            return None
        words, ends = old.words, old.ends
        if look.words:
            words |= look.words
        if words and reaches.long.apply(words):
            found.update(reaches.long.everywhere(data))
            ends = [end for end in ends if end[1] not in reaches.long.idents]
        matches = old.matches
        if matches:
            if any(a - _NEAR < m.end and m.start < b + _NEAR for m in matches for a, b, _, _ in hunks):
                return None
            matches = [_shifted(match, hunks) for match in matches]
        far = old.far
        kept = _sorted_out(ends, far, look, self.watch)
        views = view_bytes = 0
        asking: list[End] = []
        if found:
            self._silent.begin()
            asking, known = reaches.described(data, found, self._silent)
            if known:
                kept = _joined(kept, known, [])
                far = max(far, _farthest(known))
        if asking:
            self.watch.begin(data)
            scan = self.engine.scan(data, path, given=[(ident, end) for end, ident, _, _ in asking])
            if scan.incidents or not _same(matches, scan.matches, asking):
                return None
            if keep:
                asked = self.watch.asked(reaches)
                if not scan.matches:
                    self._silent.learn(asking, asked)
                kept = _joined(kept, asking, asked)
                far = max(far, _farthest(asking), _farthest(asked))
            views, view_bytes = scan.views, scan.view_bytes
        if keep:
            self._remember(key, _Known(data, path, old.ascii, words, kept, far, matches))
        return Scan(matches, -1, views, view_bytes, [])

    # ------------------------------------------------------------ memory
    def _remember(self, key: Hashable, known: _Known) -> None:
        if key in self._known:
            self._forget(key)
        self._known[key] = known
        self._last[known.path] = key
        self._size += len(known.data)
        while self._size > KEPT:
            self._forget(next(iter(self._known)))

    def _forget(self, key: Hashable) -> None:
        old = self._known.pop(key, None)
        if old is not None:
            self._size -= len(old.data)
            if self._last.get(old.path) == key:
                del self._last[old.path]


# ---------------------------------------------------------------- where ends went
_FEW = 8
"""Ends that are seen one by one sooner than they are divided."""


class _Sorting:
    """Sorts old ends: those that no difference reaches go to `kept`, where they are now; those that one may reach to `found`,
    or to `places` if they are values that ask."""

    def __init__(self, look: Look, watch: Watching) -> None:
        self.look, self.watch = look, watch
        self.kept: list[End] = []
        self.places: list[int] = []
        self.asked: bool | None = None
        self.lost: list[tuple[int, int]] = []

    def _comes(self, known: End, shift: int, behind: int, ahead: int, number: int) -> bool:
        """Whether somebody may be named near a value now, of whom that was not so."""
        if self.asked is None:
            self.asked = self.watch.named(self.look.new())
        if self.asked:
            return True
        if not self.lost:
            self.lost = _lost(self.look.hunks)
        end, _, before, after = known
        lost = self.lost[number]
        sides = (lost[0] if end - before <= behind else 0, lost[1] if end + after >= ahead else 0)
        return any(sides) and self.watch.drawn_near(self.look.data, end + shift, after, *sides)

    def part(self, ends: Sequence[End], shift: int, behind: int, ahead: int, number: int) -> None:
        """Ends before the difference of this number, which begins `ahead` in the old text; the one before it ends `behind`."""
        found, kept = self.look.found, self.kept
        for known in ends:
            end, ident, before, after = known
            reached = end - before <= behind or end + after >= ahead
            if reached and ident == QUIET:
                reached = self._comes(known, shift, behind, ahead, number)
            place = end + shift
            if reached:
                if ident >= 0:
                    found.add((ident, place))
                else:
                    self.places.append(place)
                continue
            if ident >= 0:
                if (ident, place) in found:
                    if ident == PHRASE_BASE:  # a row of words is read as a whole
                        continue
                    found.discard((ident, place))
                elif end <= behind + MARGIN and ident != PHRASE_BASE:
                    continue
            kept.append((place, ident, before, after) if shift else known)


def _lost(hunks: Sequence[Hunk]) -> list[tuple[int, int]]:
    """Before, between and behind differences: by how many bytes what stands before one of those before may have come nearer,
    and what stands behind one of those behind."""
    nets = [b - a - d + c for a, b, c, d in hunks]
    if max(nets) <= 0:
        return [(0, 0)] * (len(nets) + 1)
    before, behind = [0], [0]
    for net in nets:
        before.append(max(0, before[-1] + net))
    for net in reversed(nets):
        behind.append(max(0, behind[-1] + net))
    return list(zip(before, reversed(behind), strict=True))


def _sorted_out(old: list[End], far: int, look: Look, watch: Watching) -> list[End]:
    """The old ends that no difference can reach, where they are now. `look.found`, what stage 1 says of the differences and
    around them, loses those of them that it has, and gets those that a difference may reach. `far`: no end reaches farther;
    `watch` says who is named in the differences, and who came near by them."""
    hunks, found = look.hunks, look.found
    sorting = _Sorting(look, watch)
    at = shift = 0
    behind = -FAR - MARGIN
    for number, (a, b, _, d) in enumerate((*hunks, _NO_HUNK)):
        stop = bisect_left(old, (a + 1,), at)
        if stop - at > _FEW:
            # in the middle nothing is reached, and stage 1 did not look there
            first = bisect_left(old, (behind + max(far, MARGIN) + 1,), at, stop)
            last = bisect_left(old, (a - far,), first, stop)
            sorting.part(old[at:first], shift, behind, a, number)
            moved = old[first:last]
            sorting.kept += [(end + shift, ident, before, after) for end, ident, before, after in moved] if shift else moved
            sorting.part(old[last:stop], shift, behind, a, number)
        elif stop > at:
            sorting.part(old[at:stop], shift, behind, a, number)
        at = bisect_left(old, (b + 1,), stop)
        shift, behind = d - b, b
    kept = sorting.kept
    for place in sorting.places:  # a value asks anew: so do the ends that may have led to it
        low, high = bisect_left(kept, (place - LED,)), bisect_left(kept, (place + LED + 1,))
        led = [end for end in kept[low:high] if CONTEXT_BASE <= end[1] < DECODE_BASE]
        if led:
            found.update((ident, end) for end, ident, _, _ in led)
            kept[low:high] = [end for end in kept[low:high] if end not in led]
    return kept


def _farthest(ends: Iterable[End]) -> int:
    """How far the ends reach at most."""
    return max([max(before, after) for _, _, before, after in ends], default=0)


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
            # of a run the bytes that decide about it are known: what is found in it lies among them
            DECODE_BASE <= ident < PHRASE_BASE and end - before <= match.end and match.start <= end + after
            if match.view
            else match.start - _NEAR <= end <= match.end + _NEAR
            for end, ident, before, after in judged
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
