"""The usual block of a stream, quickly: lines of text, of which some hold what quick.py knows how to mask.

One loop over all that fired without a long run, as each call costs as much as a find does: the values of names, and places, are
masked there, and for what is less plain quick.py is asked. The runs themselves are looked for in what is left after masking. A
trigger that ends with a run and is looked for only there (wide.Plan.far) ends in what was masked if the whole run was: nothing
that could change the outcome is left out, and the outcome is that of the long way (stream.py), which every other line takes.
Keeps nothing. Imported by stream.py only.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from itertools import accumulate
from operator import itemgetter
from typing import TYPE_CHECKING

from leakguard.detect.runs import TOKEN
from leakguard.detect.runtime import LEAST_ENDS
from leakguard.detect.stage1 import CONTEXT_BASE, DECODE_BASE
from leakguard.redact.names import BOT, LONGEST_QUOTED, RUN, USERINFO, place
from leakguard.redact.quick import LONGEST, SEEN, alone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from leakguard.detect.stage1 import Ends
    from leakguard.redact.known import Place
    from leakguard.redact.names import Span
    from leakguard.redact.quick import Edit, Made, Quick

    Logins = Callable[[bytes, Ends], Ends]

MOST = 1024
"""Bytes of a line that is handled without its runs: more of them could be a flood."""

FEW_ENDS = LEAST_ENDS // 4
"""Ends of a line so few that they are no flood with those of wide.Wide.logins: three rules fire at a password in a URL at most."""

_END = itemgetter(1, 0)
_STOP = itemgetter(1)
_START = itemgetter(0)
_NAME, _PASSWORD = CONTEXT_BASE, CONTEXT_BASE + 1
_NAMED = frozenset((_NAME, _PASSWORD))
_QUOTES = frozenset(b"\"'")
_CUT = re.compile(rb"[^\s\"'`<>\\]*+\\?(?:[\r\n]|\Z)|[^\s\"'`<>\\]{%d}" % (LONGEST_QUOTED + 1))
_HEX = frozenset(b"0123456789abcdefABCDEF")
_ABSENT = 1 << 62
_MARK = -1
"""In the place of a trigger: here a part of a quoted value that is cut off ends, or a known value that has several lines."""
_KNOWN = -2
"""The same, one byte into the first known value; lower for the others."""


Row = tuple[int, int, "Ends", "list[Place]", "list[Span]"]
"""A line in which something fired: (start, end, trigger ends, known values, spans of quoted values that are cut off)."""


def cut_off(data: bytes, ends: Ends) -> list[int]:
    """Where quoted values begin whose quote may not close in their line, or very late: those of names.cut_starts that do not end
    at once."""
    out = set()
    for ident, end in ends:
        if ident in _NAMED:
            start = end - 5 if ident == _NAME else end - 4
            if data[start - 1] in _QUOTES and _CUT.match(data, start) is not None:
                out.add(start)
    return sorted(out)


class Masks:
    """What is masked of the lines of data[base:], ended by LF, and which of them somebody else must look at."""

    __slots__ = (
        "base", "cuts", "data", "doubtful", "left", "logins", "made", "marks", "masked", "pieces", "places", "quick", "seen", "spans",
        "starts",
    )  # fmt: skip

    def __init__(
        self, data: bytes, base: int, ends: Ends, places: list[Place], spans: list[Span], quick: Quick, logins: Logins
    ) -> None:
        self.data = data
        self.base = base
        self.quick = quick
        self.logins = logins
        """What is not among the ends because it ends where USERINFO does (wide.Wide.logins)."""
        self.places = sorted(places, key=_STOP) if places else places
        self.spans = sorted(spans) if spans else spans
        """Of values that are cut off; each lies in one line."""
        if places or spans:
            ends = [*ends, *self._places(), *((_MARK, span.end) for span in spans)]
        self.marks = sorted(ends, key=_STOP)
        self.pieces: list[bytes] = []
        """What becomes of data[base:]: what stays and what stands for a secret, by turns."""
        self.cuts = [base]
        """Where in `data` each piece begins."""
        self.made: list[Made] = []
        """What stands for the secrets, in order."""
        self.masked: list[tuple[int, int, int, int]] = []
        """The lines in which something was masked: (start, end, first and last + 1 of `made`)."""
        self.seen: list[tuple[int, int]] = []
        """Lines of which somebody must know their runs, even if none is left in them."""
        self.left: dict[int, Row] = {}
        """The lines that take the long way, by where they begin."""
        self.starts: list[int] = []
        """Where in the outcome each piece begins."""
        self.doubtful = self.marks[: bisect_right(self.marks, base, key=_STOP)]
        """What fired where a quote may not close."""
        self._run()

    def _places(self) -> Iterator[tuple[int, int]]:
        """Marks of known values: before all that may fire in them, if they are in one line; else where they end."""
        find, base = self.data.find, self.base
        for number, (start, end, _) in enumerate(self.places):
            yield (_KNOWN - number, start + 1) if start >= base and find(b"\n", start, end) < 0 else (_MARK, end)

    def _run(self) -> None:  # noqa: PLR0912, PLR0915 - flat: a call, or an attribute, a line and a value would be a third of it
        """Goes through the marks once, line by line, and masks what it is sure of.

        In a line `begin` and `stop` are where the last masked value stands; `written` is up to where `pieces` go; `later` are ends
        of rules, which must lie in what is masked in the end. Breaking out of the inner loop means that somebody else must
        look at the line: then what was made of it is taken back.
        """
        data, marks, quick = self.data, self.marks, self.quick
        pieces, cuts, mades, masked = self.pieces, self.cuts, self.made, self.masked
        plans, find, rfind, many, size = quick.plans, data.find, data.rfind, data.count, len(data)
        number, total = len(self.doubtful), len(marks)
        places, by_kind = self.places, quick.texts
        at = high = self.base
        escape = find(b"\\n", at) if 92 in data else -1
        while number < total:
            first, count, before = number, len(mades), at
            ident, end = marks[number]
            low = rfind(b"\n", high, end - 1) + 1 or high
            high = find(b"\n", end - 1) + 1 or size
            if 0 <= escape < low:
                escape = find(b"\\n", low)
            asked = not low <= escape < high  # where lines are escaped it is more than a plain one
            if first + LEAST_ENDS <= total and marks[first + LEAST_ENDS - 1][1] <= high:
                asked = False  # they would be too many
            sure, whole, placed = False, high - low <= MOST, False
            written = stop = low
            begin = high  # nothing is masked yet: no end lies behind it
            later: list[int] | None = None
            while asked:
                # ---- a name: what is assigned to it, by what stands right before the value
                if ident == _NAME or ident == _PASSWORD:  # noqa: PLR1714, SIM109 - quicker
                    start = end - 5 if ident == _NAME else end - 4
                    if start >= stop:
                        near = start - SEEN
                        if near < written:  # noqa: PLR1730 - a call costs more
                            near = written
                        key = hash(data[near:start])
                        try:
                            plan = plans[key]
                        except KeyError:
                            plan = quick.plan(data, low, start, near, key)
                        if plan is None:
                            break
                        kind, quote, texts = plan
                        if quote:
                            stop = find(quote, start, high if high - start < LONGEST else start + LONGEST)
                            if stop < 0:
                                break
                        else:
                            stop = quick.bare(data, start, high)
                            if stop < 0 or not alone(data, low, start, stop):
                                break
                            if data[start - 1] in _HEX or (stop < size and data[stop] in TOKEN):
                                whole = False
                        value = data[start:stop]
                        made = texts.get(hash(value)) or quick.text(texts, kind, value, quote)
                        if made is None or many(value, low, high) > 1:
                            break
                        begin, placed = start, False
                        pieces += data[at:start], made[0]
                        cuts += start, stop
                        mades.append(made)
                        at = written = stop
                    elif start < begin or (placed and (start > begin or data[stop : stop + 1] != data[start - 1 : start])):
                        break
                # ---- a rule or encoded text: explained by what is masked, now or at the end of the line
                elif 0 <= ident < DECODE_BASE:
                    if not begin < end <= stop + 1:
                        if later is None:
                            later = [end]
                        else:
                            later.append(end)
                elif ident == RUN:
                    pass  # a line's end that does not go on in the next one
                # ---- a password in a URL, a bot's token
                elif ident == USERINFO or ident == BOT:  # noqa: PLR1714, SIM109
                    found = place(data, ident, end)
                    if ident == USERINFO and (
                        found is None or not found[0] < end <= found[1] + 1
                        or (first + FEW_ENDS <= total and marks[first + FEW_ENDS - 1][1] <= high)
                    ):  # fmt: skip
                        break  # the rules that end there are not explained by it, or could be too many with it
                    if found is None:
                        pass
                    elif found[0] >= stop:
                        begin, stop, kind = found
                        value = data[begin:stop]
                        if value[:1] == b"<" or many(value, low, high) > 1 or not alone(data, low, begin, stop):
                            break
                        if data[begin - 1] in _HEX or (stop < size and data[stop] in TOKEN):
                            whole = False
                        texts = by_kind.get(kind) or quick.of(kind)
                        made = texts.get(hash(value)) or quick.made(texts, kind, value)
                        placed = True
                        pieces += data[at:begin], made[0]
                        cuts += begin, stop
                        mades.append(made)
                        at = written = stop
                    elif found[0] < begin or found[1] > stop:
                        break
                # ---- a known value
                elif ident <= _KNOWN:
                    start, end, owner = places[_KNOWN - ident]
                    if start >= stop:
                        value = data[start:end]
                        if many(value, low, high) > 1 or not alone(data, low, start, end):
                            break
                        if data[start - 1] in _HEX or (end < size and data[end] in TOKEN):
                            whole = False
                        begin, stop, placed = start, end, True
                        texts = by_kind.get(owner.name) or quick.of(owner.name)
                        made = texts.get(hash(owner.value)) or quick.made(texts, owner.name, owner.value)
                        pieces += data[at:begin], made[0]
                        cuts += begin, stop
                        mades.append(made)
                        at = written = stop
                    elif start != begin or end != stop:
                        break
                else:
                    break  # _MARK, or a place that quick.py does not know
                number += 1
                if number == total:
                    sure = True
                    break
                ident, end = marks[number]
                if end > high:
                    sure = True
                    break
            if (
                sure and len(mades) > count
                and (later is None or self._explains(2 * count + 1, len(cuts), later))
            ):  # fmt: skip
                masked.append((low, high, count, len(mades)))
                if not whole:
                    self.seen.append((low, high))
                continue
            # not sure of it: as if the line had not been looked at
            del mades[count:], pieces[2 * count :], cuts[2 * count + 1 :]
            at = before
            while number < total and marks[number][1] <= high:
                number += 1
            at = self._asked(self.row(low, high, first, number), at, asked and not sure)
        pieces.append(data[at:])

    # ------------------------------------------------------------ other lines
    def row(self, low: int, high: int, first: int = -1, number: int = -1) -> Row:
        """A line with all that fired in it without a run."""
        marks, places, spans = self.marks, self.places, self.spans
        if first < 0:
            first, number = (bisect_right(marks, at, key=_STOP) for at in (low, high))
        own = [mark for mark in marks[first:number] if mark[0] >= 0]
        if any([ident == USERINFO for ident, _ in own]):  # noqa: C419 - quicker
            own += self.logins(self.data, own)
        own.sort(key=_END)
        if places:
            # of what goes over several lines the last one: more is not known when those before it leave
            places = sorted(places[bisect_right(places, low, key=_STOP) : bisect_right(places, high, key=_STOP)])
        if spans:
            spans = spans[bisect_left(spans, low, key=_START) : bisect_left(spans, high, key=_START)]
        return low, high, own, places, spans

    def _asked(self, row: Row, at: int, plain: bool) -> int:
        """Asks quick.py about a line, if it is a plain one; says up to where `pieces` go now."""
        low, high = row[:2]
        self.doubtful += row[2]
        edits = edited(self.data, row, self.quick) if plain else None
        if edits is None:
            self.left[low] = row
            return at
        data, size, count = self.data, len(self.data), len(self.made)
        whole = high - low <= MOST
        for start, end, text, kind, suffix in edits:
            if data[start - 1] in _HEX or (end < size and data[end] in TOKEN):
                whole = False
            self.pieces += data[at:start], text
            self.cuts += start, end
            self.made.append((text, kind, suffix))
            at = end
        self.masked.append((low, high, count, len(self.made)))
        if not whole:
            self.seen.append((low, high))
        return at

    # ------------------------------------------------------------ afterwards
    def _explains(self, first: int, last: int, ends: list[int]) -> bool:
        """Whether each of these ends lies in what was masked by some of the edits, or right after it."""
        cuts = self.cuts
        for end in ends:
            for number in range(first, last, 2):
                if cuts[number] < end <= cuts[number + 1] + 1:
                    break
            else:
                return False
        return True

    def _cuts(self, low: int, high: int) -> tuple[int, int]:
        """Which of `cuts` are in a line: each second of them, from the first one on, begins what was masked."""
        cuts = self.cuts
        return bisect_left(cuts, low, 1) | 1, bisect_left(cuts, high, 1)

    def explained(self, low: int, high: int, ends: Ends) -> bool:
        """Whether each of these ends lies in what was masked of a line, or right after it: then quick.py would mask just that."""
        return self._explains(*self._cuts(low, high), [end for _, end in ends])

    def unexplained(self, ends: Ends, seen: list[tuple[int, int]]) -> Ends:
        """Those of some ends in the lines `seen` that are in a line of which not all lie in what was masked, or right after it."""
        cuts, stops, odd = self.cuts, [stop for _, stop in seen], set()
        for _, end in ends:
            number = bisect_left(cuts, end) - 1  # the last cut before it: an odd one begins what was masked
            line = bisect_left(stops, end)
            if number < 1 or (not number & 1 and end > cuts[number] + 1) or stops[line] - seen[line][0] > MOST:
                odd.add(line)
        return [item for item in ends if bisect_left(stops, item[1]) in odd] if odd else []

    def edits(self, low: int, high: int) -> list[Edit]:
        """What was masked of a line."""
        first, last = self._cuts(low, high)
        return [(self.cuts[n], self.cuts[n + 1], *self.made[n >> 1]) for n in range(first, last, 2)]

    def numbers(self, low: int, high: int) -> range:
        """Which of `made` are in a line."""
        first, last = self._cuts(low, high)
        return range(first >> 1, last >> 1)

    def joined(self) -> bytes:
        """What becomes of data[base:]."""
        self.starts = [0, *accumulate(map(len, self.pieces))]
        return b"".join(self.pieces)

    def copies(self, text: bytes) -> list[bytes]:
        """The lines in which something was masked, as they are in `text`, the outcome."""
        cuts, starts = self.cuts, self.starts
        return [
            text[starts[2 * first] + low - cuts[2 * first] : starts[2 * last] + high - cuts[2 * last]]
            for low, high, first, last in self.masked
        ]

    def with_runs(self, text: bytes, runs: Callable[[bytes], list[tuple[int, int]]]) -> list[tuple[int, int]]:
        """The lines that have a run outside of what was masked in them. `text` is what became of data[base:]."""
        found = runs(text)
        if not found:
            return self.seen
        cuts, starts = self.cuts, self.starts
        out = []
        for low, high in found:
            first, last = (bisect_right(starts, at, 0, len(cuts)) - 1 for at in (low, high))
            out.append((cuts[first] + low - starts[first], cuts[last] + high - starts[last]))
        return sorted({*out, *self.seen}) if self.seen else out

    def moved(self, at: int) -> int:
        """Where the beginning of a line is in the outcome."""
        number = bisect_right(self.cuts, at) - 1
        return self.starts[number] + at - self.cuts[number]


def edited(data: bytes, row: Row, quick: Quick) -> list[Edit] | None:
    """What quick.py would mask of a line, or None if somebody else must look."""
    low, high, ends, places, cut = row
    if cut or len(ends) >= LEAST_ENDS:
        return None
    return quick.line(data, low, high, ends, places) or None


def by_line(seen: list[tuple[int, int]], far: Ends) -> list[tuple[int, int, Ends]]:
    """Ends of what is looked for in the lines `seen` only, with the lines in which they are."""
    stops = [stop for _, stop in seen]
    found: dict[int, Ends] = {}
    for item in far:
        found.setdefault(bisect_left(stops, item[1]), []).append(item)
    return [(*seen[number], ends) for number, ends in found.items()]


__all__ = ["Masks", "Row", "by_line", "cut_off", "edited"]
