"""Streams: bytes in as they come, redacted bytes out as soon as that is safe.

The unit is a line (ended by LF, CR LF or CR), or several that wrapped base64 makes one. What becomes of a unit depends on the
unit, the CONTEXT bytes before it, and whether a PEM block, a table (tables.py) or a known value that is broken over lines (folds.py)
is open: never on how the input was cut into writes, nor, but where a line ends in words that such a value begins with, on what
comes later. So a complete line leaves at once, and many are handled in one pass. A unit is at most MAX_UNIT bytes.

What is left without a line's end may be shown when nothing comes (`idle`), as far as it cannot be the beginning of a
secret; it is kept, so that a secret that goes on later is still seen as a whole.
Bounded memory; never raises but what `write` raises. Imported by applications, adapters and cli/.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from contextlib import suppress
from operator import itemgetter
from typing import TYPE_CHECKING, cast

from leakguard.detect.runtime import LEAST_ENDS, REDACT_BASE, Flood, most_ends
from leakguard.redact import folds, lines, mask, tables, wide
from leakguard.redact.names import CLOSED, PEM, RUN, Span, armoured, cut_spans, cut_starts, pem_spans
from leakguard.redact.quick import Edit, applied
from leakguard.redact.units import GOES_ON, MAX_GROUP, MAX_UNIT, group_start, line_end, safe_cut, unit_start, wrapped
from leakguard.redact.views import ANSI, Stripped

if TYPE_CHECKING:
    from leakguard.detect.stage1 import Ends
    from leakguard.redact.core import Redactor
    from leakguard.redact.known import Place
    from leakguard.redact.quick import Quick

CONTEXT = 2048
"""Bytes before a unit that may explain what is in it."""
SLICE = 256 * 1024
"""Bytes that are handled at once."""

_HEADS = frozenset((tables.HEADER, tables.RULED))
_MORE_LINES = frozenset((RUN, PEM)) | _HEADS
_IDENT = itemgetter(0)
_END = itemgetter(1, 0)


class Stream:
    """Redacts what is fed to it and hands it to `write`, in order. Not for several threads at once."""

    def __init__(self, redactor: Redactor, write: Callable[[bytes], object]) -> None:
        self.redactor = redactor
        self.write = write
        self._pending = b""
        """What is not written yet: it begins where a unit does."""
        self._shown = 0
        """How much of it was shown already."""
        self._context = b""
        self._pem = CLOSED
        self._table: tables.Table | None = None
        """The table whose rows come."""
        self._folds: folds.Folds | None = None
        self._left: tuple[folds.Open, ...] = ()
        """Of what known values were broken over the lines before, if these values are still those that are known."""

    # ------------------------------------------------------------ in
    def feed(self, data: bytes) -> None:
        """Takes some more input; writes every unit that it completes."""
        for at in range(0, len(data), SLICE) if len(data) > SLICE else (0,):
            piece = data[at : at + SLICE] if len(data) > SLICE else data
            self._pending = self._pending + piece if self._pending else bytes(piece)
            self._units()

    def flush(self) -> None:
        """The end of the input, or of what comes for now: writes all that is left."""
        if self._pending:
            pending, self._pending = self._pending, b""
            self._emit(pending, last=True)

    def idle(self) -> None:
        """Nothing came for a while: shows what cannot be the beginning of a secret."""
        if not self._pending:
            return
        cut = max(self._pending.rfind(b"\n"), self._pending.rfind(b"\r")) + 1
        if cut:  # wrapped lines that wait for more
            held, self._pending = self._pending[:cut], self._pending[cut:]
            self._emit(held, last=True)
        from leakguard.redact.prompt import showable

        hidden = self._broken() or self._pem.lines or (self._table is not None and not tables.shows(self._table, self._pending))
        stop = 0 if hidden else showable(self.redactor, self._context, self._pending)
        if stop > self._shown:
            self.write(self._partial(self._pending[:stop], self._shown))
            self._shown = stop

    @property
    def waiting(self) -> bool:
        """Whether something is held back that `idle` has not judged."""
        return len(self._pending) > self._shown

    def _broken(self) -> bool:
        """Whether the unfinished line may be a part of a value that is broken over lines."""
        return bool(self._left) and self._folds is not None and self._folds.goes_on(self._left, self._pending)

    # ------------------------------------------------------------ units
    def _units(self) -> None:
        pending = self._pending
        while len(pending) >= MAX_UNIT:
            first = line_end(pending, 0, MAX_UNIT)
            if first:
                break
            cut = safe_cut(pending)
            self._pending = pending[cut:]
            self._emit(pending[:cut], last=True)
            pending = self._pending
        # a CR at the very end may be half of a line's end
        size = len(pending) - pending.endswith(b"\r")
        cut = max(pending.rfind(b"\n", 0, size), pending.rfind(b"\r", 0, size)) + 1
        if cut:
            self._pending = pending[cut:]
            held = self._emit(pending[:cut])
            if held and len(self._pending) >= MAX_UNIT:
                held = self._emit(held, last=True)  # what it waits for is no line of its own
            if held:
                self._pending = held + self._pending

    def _emit(self, block: bytes, last: bool = False) -> bytes:
        """Writes whole units; gives back those at the end that wait for the next. `last`: nothing waits."""
        redactor = self.redactor
        base = len(self._context)
        data = self._context + block
        shown, self._shown = self._shown, 0
        held = b""
        try:
            try:
                ends, large = self._first(data, base, shown)
            except Flood:
                ends, large = None, None
            places: list[Place] = []
            hold = self._held(data, base, ends) if ends and large is None and not last else len(data)
            known = self._known(data, base, hold, ends, last)
            if known is not None:
                places, hold = known.places, known.hold
            if hold < len(data):
                held = data[hold:]
                if hold == base:
                    self._shown = shown
                    return held
                data, block = data[:hold], data[base:hold]
                ends = ends and [item for item in ends if item[1] <= hold]
            self._left = known.left if known is not None else ()
            if large is not None and (ends or places or large.lines(block)):
                self.write(_Block(self, data, base, 0, None, places).by_lines(ends or [], large))
                self._keep(data)
                return held
        except Flood:
            ends = None
        except Exception as error:  # noqa: BLE001
            self.write(redactor.unchecked(block, error))
            self._keep(data)
            return held
        if not ends and ends is not None and not places and not self._pem.lines and self._table is None and not _odd(data):
            self.write(data[base + shown :])
        else:
            self.write(_Block(self, data, base, shown, ends, places).redacted())
        self._keep(data)
        return held

    def _known(self, data: bytes, base: int, hold: int, ends: Ends | None, last: bool) -> folds.Found | None:
        """Known values in a block; None for none. At `hold` the lines begin that wait for the next as a group of wrapped ones;
        those that wait because of a value may begin before it."""
        table = self.redactor.known.table
        if table is None:
            self._left = ()
            return None
        grams = table.folds or folds.of(table)
        if grams is not self._folds:
            self._folds, self._left = grams, ()
        while True:
            found = grams.find(data[:hold], base, self._left, last)
            if found is None or found.hold == hold:
                return found if found is not None or hold == len(data) else folds.Found([], hold, ())
            hold = self._held(data[:found.hold], base, ends or [])
            if hold == found.hold:
                return found

    def _first(self, data: bytes, base: int, shown: int) -> tuple[Ends | None, wide.Wide | None]:
        """What fires in a block; with the databases for large ones if that is without what needs a run, as in lines of text, and
        as it comes."""
        large = wide.of(self.redactor) if len(data) >= wide.LEAST else None
        if large is None:
            found = self._scan(data, len(data) >> 5)
            return found + tables.heads(data, base, found), None
        more = len(data) >> 5
        ends = large.raw(data, more)
        if (
            self.redactor._quick is not None and not shown and not self._pem.lines and self._table is None and not _odd(data)
            and (_MORE_LINES.isdisjoint(map(_IDENT, ends)) or not _goes_over(data, base, ends))
            and (13 not in data or data.count(b"\r") == data.count(b"\r\n"))
        ):  # fmt: skip
            return [item for item in ends if item[0] != tables.HEADER], large
        ends += large.logins(data, ends)
        return large.thinned(data, ends, more) + large.far(data, large.lines(data), more), None

    def _scan(self, data: bytes, more: int) -> Ends:
        """The ends in some text; Flood for one that is made of triggers."""
        if len(data) >= wide.LEAST:
            large = wide.of(self.redactor)
            if large is not None:
                return large.scan(data, more)
        return wide.worth_a_look(data, self.redactor.runtime.merged.scan(data, True, more))

    def _keep(self, data: bytes) -> None:
        self._context = data[-CONTEXT:]

    def _held(self, data: bytes, base: int, ends: Ends) -> int:
        """Where a group of wrapped lines begins that the data ends with; its length if there is none."""
        if not any(ident == RUN and end == len(data) for ident, end in ends):
            return len(data)
        start = group_start(data, base, len(data))
        return start if len(data) - start < MAX_GROUP else len(data)

    def _partial(self, data: bytes, shown: int) -> bytes:
        """data[shown:] redacted, where data[:shown] was shown before."""
        redactor = self.redactor
        try:
            spans = [span._replace(start=max(span.start, shown)) for span in redactor.spans(data) if span.end > shown]
            return redactor.replaced(data, spans)[shown:]
        except Exception as error:  # noqa: BLE001
            return redactor.unchecked(data[shown:], error)


def _odd(data: bytes) -> bool:
    return b"\x1b" in data or 0 in data or b"\x08" in data


def _goes_over(data: bytes, base: int, ends: Ends) -> bool:
    """Whether something begins in a line that may go on in the next: a private key, wrapped base64, a table."""
    for ident, end in ends:
        if ident not in _MORE_LINES or end <= base:
            continue
        low = unit_start(data, end - 1, base)
        if ident == RUN:
            if wrapped(data[low:end]):
                return True
        elif ident != tables.HEADER or tables.may_open(data, low, line_end(data, end - 1, len(data)) or len(data)):
            return True
    return False


class _Block:
    """Whole units of data[base:], with what fired in them."""

    def __init__(
        self, stream: Stream, data: bytes, base: int, shown: int, ends: Ends | None, places: list[Place]
    ) -> None:
        self.stream = stream
        self.redactor = stream.redactor
        self.data = data
        self.base = base
        self.shown = shown
        self.ends = ends
        self.places = places
        self.again: list[int] = []
        """Which pieces of `out` were changed and are looked at again."""
        self.fine: list[list[int]] = []
        """For each of these, where triggers may end in it."""
        self.out: list[bytes] = []
        self.has_odd = _odd(data)
        self.unusual = self.has_odd or (b"\\" in data and b"\\n" in data)  # one byte is found ten times as fast as two
        """Whether a line could be more than a plain one."""

    def redacted(self) -> bytes:
        """The block without secrets."""
        at = self.base
        quick = self.redactor._quick
        data, out = self.data, self.out
        edited: list[Edit] = []
        plain = not self.shown
        for low, high, ends, places, pem in self._touched():
            if low > at:
                self._between(at, low)
            at = high
            sure = [*pem, *self._rows(low, high, ends)]
            edits = None
            if quick is not None and plain and not sure and len(ends) < LEAST_ENDS and (not self.unusual or not self._apart(low, high)):
                edits = quick.line(data, low, high, ends, places)
            if edits:
                text, fine = applied(data, low, high, edits)
                edited += edits
                self.again.append(len(out))
                self.fine.append(fine)
                out.append(text)
            else:
                self._unit(low, high, ends, places, sure)
        self._between(at, len(data))
        if edited:
            self.redactor.counts.put([edit[2:] for edit in edited])
        if self.again:
            self._look_again()
        return b"".join(out)

    def _between(self, low: int, high: int) -> None:
        """Units in which nothing fired: they may be rows of a table."""
        data = self.data
        while self.stream._table is not None and low < high:
            stop = line_end(data, low, high) or high
            spans = self._rows(low, stop, [])
            if spans:
                self._unit(low, stop, [], [], spans)
            else:
                self.out.append(data[low:stop])
            low = stop
        self.out.append(data[low:high])

    def _rows(self, low: int, high: int, ends: Ends) -> list[Span]:
        """What is masked of a unit because of the table that it is in; it may be the head of another one."""
        stream, data = self.stream, self.data
        out: list[Span] = []
        heads = ends if any(ident in _HEADS for ident, _ in ends) else None
        while low < high and (stream._table is not None or heads is not None):
            stop = line_end(data, low, high) or high
            own = heads and [(ident, end) for ident, end in heads if low < end <= stop]
            spans, stream._table = tables.step(self.redactor, stream._table, data, low, stop, own)
            out += spans
            low = stop
        return out

    def by_lines(self, ends: Ends, large: wide.Wide) -> bytes:
        """The block without secrets, where it is lines of text, and `ends` are those that need no run. Flood."""
        data, base, redactor = self.data, self.base, self.redactor
        quick = cast("Quick", redactor._quick)
        masks = lines.Masks(data, base, ends, self.places, [], quick, large.logins)
        if masks.doubtful:
            starts = lines.cut_off(data, masks.doubtful)
            cut = [span for span in cut_spans(data, starts, redactor.names) if span.end > base] if starts else []
            if cut:
                masks = lines.Masks(data, base, ends, self.places, cut, quick, large.logins)
        text = masks.joined()
        seen = masks.with_runs(text, large.lines)
        left, anew = masks.left, {}
        unexplained = masks.unexplained(large.far_raw(data, seen, len(data) >> 5), seen) if seen else []
        for low, high, far in lines.by_line(seen, large.far_of(data, unexplained, len(data) >> 5)) if unexplained else ():
            if masks.explained(low, high, far):
                continue
            row = masks.row(low, high)
            row = *row[:2], sorted([*row[2], *far], key=_END), *row[3:]
            edits = None if self.unusual and self._apart(low, high) else lines.edited(data, row, quick)
            if edits is None:
                left[low] = row
            else:
                left.pop(low, None)
                anew[low] = high, edits
        joined = b"".join([*masks.copies(text), *(applied(data, low, *line)[0] for low, line in anew.items())])
        if joined and not (redactor._settled(joined) and not redactor.known.find(joined)):
            anew = {low: (high, masks.edits(low, high)) for low, high, *_ in masks.masked if low not in left} | anew
        elif not left and not anew:
            redactor.counts.put(masks.made)
            return text
        else:
            joined = b""
        return self._composed(masks, text, anew, large, bool(joined))

    def _composed(
        self, masks: lines.Masks, text: bytes, anew: dict[int, tuple[int, list[Edit]]], large: wide.Wide, again: bool
    ) -> bytes:
        """What `masks` made of the block, but for the lines that are left, and those that are masked otherwise. `again`: these
        are looked at once more."""
        data, out, at = self.data, self.out, 0
        moved = masks.moved
        undone: set[int] = set()
        for low in sorted((*masks.left, *anew)):
            high = masks.left[low][1] if low in masks.left else anew[low][0]
            undone.update(masks.numbers(low, high))
            out.append(text[at : moved(low)])
            at = moved(high)
            if low in masks.left:
                _, _, ends, places, cut = masks.left[low]
                with suppress(Flood):  # else they are too many for any line
                    ends = large.thinned(data, ends, len(data) >> 5)
                self._unit(low, high, ends, places, cut)
                continue
            made, fine = applied(data, low, high, anew[low][1])
            self.redactor.counts.put([edit[2:] for edit in anew[low][1]])
            if again:
                self.again.append(len(out))
                self.fine.append(fine)
            out.append(made)
        out.append(text[at:])
        self.redactor.counts.put([made for number, made in enumerate(masks.made) if number not in undone])
        if self.again:
            self._look_again()
        return b"".join(out)

    def _apart(self, low: int, high: int) -> bool:
        """Whether a unit is more than a plain line."""
        data = self.data
        return _odd(data[low:high]) or data.find(b"\n", low, high - 1) >= 0 or data.find(b"\\n", low, high) >= 0

    # ------------------------------------------------------------ which units
    def _touched(self) -> list[tuple[int, int, Ends, list[Place], list[Span]]]:
        """The units in which something fired: (start, end, trigger ends, known values, PEM spans), in order."""
        data, base = self.data, self.base
        if self.ends is None:
            self.ends = self._all_ends()
        ends = self.ends
        pem = self._pem(ends)
        pem += [span for span in cut_spans(data, cut_starts(data, ends), self.redactor.names) if span.end > base]
        marks = [(end, ident) for ident, end in ends if end > base]
        extra = [end for _, end, _ in self.places if end > base] + [span.end for span in pem]
        if self.has_odd:
            extra += self._odd_places()
        if self.shown:
            extra.append(base + 1)  # of the first unit something was shown: it is handled alone
        marks += [(end, -1) for end in extra]
        marks.sort()
        runs = {end for ident, end in ends if ident == RUN and end > base}
        self.unusual = self.unusual or bool(runs)
        out: list[tuple[int, int, Ends, list[Place], list[Span]]] = []
        places = sorted(self.places, key=itemgetter(1)) if self.places else []
        stops = [place[1] for place in places]
        number, total = 0, len(marks)
        while number < total:
            mark = marks[number][0]
            low = unit_start(data, mark - 1, base)
            high = line_end(data, mark - 1, len(data)) or len(data)
            if high in runs:
                high = self._group_end(low, high, runs)
            own: Ends = []
            while number < total and marks[number][0] <= high:
                end, ident = marks[number]
                if ident >= 0:
                    own.append((ident, end))
                number += 1
            out.append(
                (
                    low, high, own,
                    # of what goes over several lines the last one: more is not known when those before it leave
                    sorted(places[bisect_right(stops, low) : bisect_right(stops, high)]) if places else [],
                    [s for s in pem if low <= s.start < high] if pem else [],
                )
            )  # fmt: skip
        return out

    def _group_end(self, low: int, high: int, runs: set[int]) -> int:
        """Where a unit ends that wrapped base64 may make longer."""
        data, start = self.data, low
        while high in runs and high - start < MAX_GROUP and wrapped(data[low:high]):
            following = line_end(data, high, len(data))
            if not following or not GOES_ON.match(data, high, following):
                break
            low, high = high, following
        return high

    def _all_ends(self) -> Ends:
        """Ends where the block as a whole has too many: of each line that has not."""
        data, at = self.data, self.base
        out: Ends = []
        while at < len(data):
            stop = line_end(data, at, len(data)) or len(data)
            low = max(0, at - CONTEXT)
            try:
                found = self.stream._scan(data[low:stop], 1024)
                found += tables.heads(data[low:stop], at - low, found)
                out += [(ident, end + low) for ident, end in found if end + low > at]
            except Flood:
                out += [(REDACT_BASE - 1, stop)] * (most_ends(stop - at) + 1)
            at = stop
        return out

    def _pem(self, ends: Ends) -> list[Span]:
        stream, data, base = self.stream, self.data, self.base
        if stream._pem.lines:
            at = base
        else:
            first = min((end for ident, end in ends if ident == PEM and end > base), default=-1)
            if first < 0:
                return []
            at = unit_start(data, first - 1, base)
        spans, stream._pem = pem_spans(data[at:], stream._pem)
        return [span._replace(start=span.start + at, end=span.end + at) for span in spans]

    def _odd_places(self) -> list[int]:
        """Ends of what shows only without terminal escapes, and of every line with a NUL."""
        data, base = self.data, self.base
        out: list[int] = []
        if 0 in data:
            at = data.find(0, base)
            while at >= 0:
                out.append(at + 1)
                at = data.find(0, (line_end(data, at, len(data)) or len(data)))
        if b"\x1b" in data or b"\x08" in data:
            plain = Stripped(data, ANSI)
            try:
                ends = [end for _, end in self.stream._scan(plain.data, len(data) >> 5)]
            except Flood:
                ends = [found.end() for found in re.finditer(rb"[\x1b\x08]", plain.data)] or list(
                    range(1, len(plain.data), 64)
                )
            ends += [end for _, end, _ in self.redactor.known.find(plain.data)]
            out += [raw for end in ends if (raw := plain.raw(end - 1, end)[1]) > base]
        return out

    # ------------------------------------------------------------ one unit
    def _unit(self, low: int, high: int, ends: Ends, places: list[Place], pem: list[Span]) -> None:
        redactor, data = self.redactor, self.data
        shown = self.shown if low == self.base else 0
        if len(ends) > most_ends(high - low):
            redactor.counts.flooded()
            unit = data[low + shown : high]
            self.out.append(unit if redactor.policy.on_error == "open" else mask.ERROR + mask.line_end(unit))
            return
        try:
            spans = self._spans(low, high, ends, places)
        except Flood:
            self._unit(low, high, [(0, high)] * (most_ends(high - low) + 1), [], [])
            return
        except Exception as error:  # noqa: BLE001
            self.out.append(redactor.unchecked(data[low + shown : high], error))
            return
        spans = mask.merged(spans + pem) if spans or pem else []
        if shown:
            spans = [s._replace(start=max(s.start, low + shown)) for s in spans if s.end > low + shown]
        if not spans:
            self.out.append(data[low + shown : high])
            return
        unit = data[low:high]
        text = redactor.replaced(unit, [s._replace(start=max(0, s.start - low), end=s.end - low) for s in spans])
        self.again.append(len(self.out))
        self.fine.append([])
        self.out.append(text[shown:])

    def _spans(self, low: int, high: int, ends: Ends, places: list[Place]) -> list[Span]:
        """What is masked of the unit data[low:high]; offsets in data."""
        redactor, data = self.redactor, self.data
        out = [s._replace(start=max(s.start, low)) for s in redactor._known_spans(data, places)] if places else []
        inner = mask.odd(data[low:high])
        if inner:  # several lines, escapes, two-byte text: what a record is
            unit = data[low:high]
            own = [(ident, end - low) for ident, end in ends]
            out += [_moved(span, low) for span in redactor._find(unit, own, [])]
        if ends:
            redactor._by_ends(data, ends, out, "", low, high, CONTEXT)
        if out and not inner:
            unit = data[low:high]
            moved = [_moved(span, -low) for span in out if span.start >= low]
            count = len(moved)
            redactor._copies(unit, ends, moved)
            out += [_moved(span, low) for span in moved[count:]]
        inside = [s._replace(start=max(s.start, low)) if s.start < low else s for s in out if s.end > low]
        return armoured(data, low, high, inside)

    def _look_again(self) -> None:
        """What was changed must be clean now, as a text of its own."""
        redactor = self.redactor
        joined = b"".join(self.out[number] for number in self.again)
        try:
            ends = self.stream._scan(joined, 1 << 20)
            places = redactor.known.find(joined)
        except Flood:
            ends, places = [(0, -1)], []
        fine: set[int] = set()
        at = 0
        for number, own in zip(self.again, self.fine, strict=True):
            fine.update([at + end for end in own] if at else own)
            at += len(self.out[number])
        marks = [end for ident, end in ends if ident != tables.HEADER and end not in fine and not mask.told(joined, end)]
        marks += [end for _, end, _ in places]
        if not marks:
            return
        marks.sort()
        at = 0
        for number in self.again:
            stop = at + len(self.out[number])
            if marks[0] < 0 or bisect_left(marks, at + 1) < bisect_right(marks, stop):
                self.out[number] = redactor._again(self.out[number])
            at = stop


def _moved(span: Span, by: int) -> Span:
    return span._replace(start=span.start + by, end=span.end + by)


__all__ = ["CONTEXT", "MAX_UNIT", "Stream"]
