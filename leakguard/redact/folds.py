"""Known values that something broke over lines of a stream: `fold`, `xxd -p`, `base64 -w 64`, a MIME body, a wrapped log line.

In place of whole forms (known.py) two short neighbouring pieces of each, its GRAMS, are looked for in one pass: a form that stands
whole has both, and one that is broken keeps at least one of them unless its lines are shorter than the two. Where one fires and
no whole form is there, the line is compared with the form: what ends with the line's end, begins with its beginning, or goes on
where the line before ended is masked in this line, so a line still leaves at once. What could be chance, as ordinary words of
a passphrase could, is held until the next line says what it is, or nothing comes.
What stands before each line does not matter if it is spaces and signs of quotation, as wide in each line, or if eight
characters of the form follow.

Pure, but for what it compiles once for each table of known values. Imported by stream.py, files.py, helper.py, known.py
and what writes descriptors.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import hyperscan

from leakguard.detect.gates.grams import strangeness
from leakguard.redact.known import MOST_GAP, MOST_LITERAL, last_of, literal_of
from leakguard.redact.units import line_end, unit_start

if TYPE_CHECKING:
    from leakguard.redact.known import Known, Place, Table

GRAM = 6
"""Characters of a gram: lines of twice as many are seen."""
LONG_GRAM = 8
"""The same where several characters stand for one byte: `%41%42`, `41:42:`."""
LEAST = 8
"""Characters of a form that are masked by themselves, if they are no words."""
RANDOM, STRANGE, STRANGER = 0.8, 4.0, 16.0
"""Bits (grams.strangeness) a character of a value that is drawn at random as a whole; of a part of such a one that is no word or
number; of a part of any other. Of 8 letters and digits drawn at random 99 in 100 have 4, words have less than nothing."""
SURE = 16
"""Characters over two lines or more that are masked whatever they are."""
SHORT = 4
"""Characters at the end of a form that are masked where a line goes on after them."""
WAIT = 4
"""Lines of others that may stand between two of a value: threads, another process."""
REACH = 8192
"""Bytes after which a value does not go on any more; more for long ones."""
MOST_REACH = 128 * 1024
MOST_OPEN = 64
EDGE = 8
"""Characters after a form that may be masked with it."""

NUMBER = 12
"""Digits of a number that is no date and no count."""

_COMMON = re.compile(rb"[A-Za-z][A-Za-z0-9+.\-]{1,15}://|-----BEGIN [A-Z ]{1,40}-----")
"""What many texts have in common with a form's beginning: its grams are after that."""
_LEAD = re.compile(rb"[ \t>|#*]*")
_REST = re.compile(rb"[=\\]?[ \t]*")
_BREAK = rb"[ \t]{0,%d}(?:\r?\n[ \t>|#*]{0,16})?" % MOST_GAP
_END = re.compile(rb"[=\\]?[ \t]*(?:[\r\n]|\Z)")


class Open(NamedTuple):
    """A form that may go on in the next line."""

    form: int
    at: int
    """How many of its characters came."""
    column: int
    """Where in its line the last piece began."""
    total: int
    """How many came one after the other."""
    sure: bool
    waited: int = 0
    """Lines since the last piece."""
    size: int = 0
    """Bytes since the first one."""
    held: tuple[Place, ...] = ()
    """Pieces that are masked only if it goes on."""
    since: int = -1
    """Where the line of the first of them begins."""


class Found(NamedTuple):
    """What was found in a block."""

    places: list[Place]
    """Whole forms, and pieces that are one line's each."""
    hold: int
    """Where the lines begin that wait for the next one; the size of the block if none does."""
    left: tuple[Open, ...]
    """What may go on after the block."""


class Folds:
    """The grams of a table's forms."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.texts: list[bytes] = []
        """The forms as they are compared: without case if that says nothing, without spaces if they may be more or none."""
        self.gaps: list[frozenset[int]] = []
        """Before which of their characters spaces may stand."""
        random = {value: strangeness(value) >= RANDOM * len(value) for value in {owner.value for owner in table.owners}}
        self.random = [random[owner.value] for owner in table.owners]
        """Whether the value is drawn at random as a whole."""
        self.targets: list[list[tuple[int, int]]] = []
        """For each expression the forms and how much of them is there at its end."""
        self.ends: set[int] = set()
        """Forms that are looked for by their end alone, and as a whole."""
        numbers: dict[tuple[bytes, bool], int] = {}
        for form, text in enumerate(table.texts):
            spaced = form in table.spaced
            words = text.split() if spaced else [text]
            text = b"".join(words)  # noqa: PLW2901
            text = text.lower() if table.caseless[form] else text  # noqa: PLW2901
            starts = {sum(map(len, words[:n])) for n in range(1, len(words))}
            self.texts.append(text)
            self.gaps.append(frozenset(starts))
            if spaced:
                self._target(numbers, last_of(table.texts[form], True), False, form, 0)
            if {0, 10, 13}.isdisjoint(text):
                for low, high in _grams(text, table.caseless[form]):
                    self._target(numbers, _expression(text, low, high, starts), table.caseless[form], form, high)
            elif not spaced:
                self._target(numbers, last_of(text, False), table.caseless[form], form, len(text))
                if len(text) > MOST_LITERAL:
                    self.ends.add(form)
        self.reach = min(MOST_REACH, REACH + 16 * max(map(len, self.texts)))
        self.database = hyperscan.Database()
        self.database.compile(
            expressions=[expression for expression, _ in numbers], ids=list(numbers.values()), elements=len(numbers),
            flags=[hyperscan.HS_FLAG_CASELESS if caseless else 0 for _, caseless in numbers],
        )  # fmt: skip
        self._pool: list[tuple[Any, list[tuple[int, int]], Any]] = []

    def _target(self, numbers: dict[tuple[bytes, bool], int], expression: bytes, caseless: bool, form: int, after: int) -> None:
        number = numbers.setdefault((expression, caseless), len(numbers))
        if number == len(self.targets):
            self.targets.append([])
        self.targets[number].append((form, after))

    # ------------------------------------------------------------ a block
    def find(self, data: bytes, base: int, left: Sequence[Open] = (), last: bool = False) -> Found | None:
        """What is known in data[base:], whole lines, with what may go on there from the lines before; None for nothing. `last`:
        nothing is held, and its end is a line's."""
        try:
            own = self._pool.pop()
        except IndexError:
            own = self._own()
        scratch, ends, on_match = own
        try:
            self.database.scan(data, on_match, 0, None, scratch)
            if not ends and not left:
                return None
            places: list[Place] = []
            loose = self._whole(data, base, ends, places)
        finally:
            ends.clear()
            self._pool.append(own)
        if not loose and not left:
            return Found(places, len(data), ())
        block = _Lines(self, data, base, last, places)
        return block.run(loose, left)

    def _own(self) -> tuple[Any, list[tuple[int, int]], Any]:
        ends: list[tuple[int, int]] = []

        def on_match(ident: int, _start: int, end: int, _flags: int, _context: object) -> None:
            ends.append((ident, end))

        return hyperscan.Scratch(self.database), ends, on_match

    def _whole(self, data: bytes, base: int, ends: list[tuple[int, int]], places: list[Place]) -> list[tuple[int, int, int]]:
        """Adds the whole forms to `places`; what else fired: (end, form, how much of it is there)."""
        table, texts, targets = self.table, self.texts, self.targets
        out: list[tuple[int, int, int]] = []
        done: set[tuple[int, int]] = set()
        for ident, end in ends:
            for form, after in targets[ident]:
                if not after:
                    places += table.places(data, [(form, end)])
                    continue
                start = end - after
                if (form, start) in done:
                    continue  # the second gram of what is there
                text = texts[form]
                stop = start + len(text)
                if stop + EDGE < base:
                    continue  # what was written before
                if start >= 0 and (
                    data.startswith(text, start) or (table.caseless[form] and data[start:stop].lower() == text)
                ):
                    done.add((form, start))
                    places.append(table.place(form, data, start, stop))
                elif end > base and form not in self.ends and self._may_break(form, after, data, end):
                    out.append((end, form, after))
        return out

    def _may_break(self, form: int, at: int, data: bytes, pos: int) -> bool:
        """Whether what goes on at data[pos:] as a form does comes to its end, or to a line's."""
        line = data[pos : pos + 2 * len(self.texts[form])]
        at, end = self.forward(form, at, line.lower() if self.table.caseless[form] else line, 0)
        return at == len(self.texts[form]) or _END.match(line, end) is not None

    # ------------------------------------------------------------ a form and a line
    def forward(self, form: int, at: int, line: bytes, pos: int) -> tuple[int, int]:
        """How far a form goes on from its character `at` in a line: (at, position)."""
        text, gaps = self.texts[form], self.gaps[form]
        size = len(line)
        while at < len(text):
            begin = pos
            if at in gaps:
                while pos < size and pos - begin < MOST_GAP and line[pos] in b" \t":
                    pos += 1
            if pos >= size or line[pos] != text[at]:
                return at, begin
            at += 1
            pos += 1
        return at, pos

    def backward(self, form: int, at: int, line: bytes, pos: int) -> tuple[int, int]:
        """The same to the left of its character `at`."""
        text, gaps = self.texts[form], self.gaps[form]
        while at:
            begin = pos
            if at in gaps:
                while pos and begin - pos < MOST_GAP and line[pos - 1] in b" \t":
                    pos -= 1
            if not pos or line[pos - 1] != text[at - 1]:
                return at, begin
            at -= 1
            pos -= 1
        return at, pos

    def open_after(self, data: bytes) -> bool:
        """Whether something may go on after some lines, or waits for the next one."""
        tail = data[-2 * self.reach :]
        found = self.find(tail, 0)
        return found is not None and (bool(found.left) or found.hold < len(tail))

    def goes_on(self, left: Sequence[Open], line: bytes) -> bool:
        """Whether an unfinished line may be a part of what is open."""
        block = _Lines(self, line, 0, True, [])
        return any(block.next(one, line.lower() if self.table.caseless[one.form] else line, True) for one in left)

    def telling(self, form: int, low: int, high: int) -> bool:
        """Whether these characters of a form are so many and so mixed that no other text has them."""
        if high - low < LEAST:
            return False
        value = self.table.owners[form].value
        share = len(value) / len(self.texts[form])
        start, stop = int(low * share), -int(-high * share // 1)
        if stop - start < LEAST:
            start = max(0, min(start, len(value) - LEAST))
            stop = start + LEAST
        part = value[start:stop]
        if part.isdigit():
            return len(part) >= NUMBER and len(set(part)) > NUMBER // 3
        return strangeness(part) >= (STRANGE if self.random[form] else STRANGER)


def _grams(text: bytes, caseless: bool) -> list[tuple[int, int]]:
    """Where the two grams of a form are."""
    size = min(LONG_GRAM if caseless and not text.isalnum() else GRAM, len(text) // 2)
    common = _COMMON.match(text)
    first = min(common.end(), len(text) - 2 * size) if common is not None else 0
    return [(first, first + size), (first + size, first + 2 * size)]


def _expression(text: bytes, low: int, high: int, gaps: Iterable[int]) -> bytes:
    """What finds text[low:high], with spaces or a line's end before some of its characters."""
    cuts = [low, *sorted(at for at in gaps if low < at < high), high]
    return _BREAK.join(literal_of(text[a:b]) for a, b in pairwise(cuts))


class _Lines:
    """The lines of a block in which forms may be broken."""

    def __init__(self, folds: Folds, data: bytes, base: int, last: bool, places: list[Place]) -> None:
        self.folds = folds
        self.data = data
        self.base = base
        self.last = last
        self.places = places
        self.whole = places[:]

    def run(self, loose: list[tuple[int, int, int]], left: Sequence[Open]) -> Found:
        """Goes through the lines in which something fired, and those after which something may go on."""
        data, size = self.data, len(self.data)
        loose.sort()
        number, at = 0, self.base
        now = tuple(left)
        while at < size and (now or number < len(loose)):
            low = at if now else unit_start(data, loose[number][0] - 1, at)
            high = line_end(data, low, size) or size
            own = []
            while number < len(loose) and loose[number][0] <= high:
                own.append(loose[number])
                number += 1
            now = self._line(low, high, own, now)
            at = high
        hold = min((one.since for one in now if one.held), default=size)
        if hold < size and not self.last:
            whole = [place for place in self.whole if place[1] <= hold]
            again = _Lines(self.folds, data[:hold], self.base, False, whole)
            return again.run([item for item in loose if item[0] <= hold], left)  # as if the lines that are held had not come
        return Found(self.places, size, tuple(one._replace(held=(), since=-1) for one in now))

    def _line(self, low: int, high: int, own: list[tuple[int, int, int]], before: Sequence[Open]) -> tuple[Open, ...]:
        """Masks what one line has, and says what may go on in the next one."""
        folds, data = self.folds, self.data
        stop = high
        while stop > low and data[stop - 1] in b"\r\n":
            stop -= 1
        ended = stop < high or self.last
        line = data[low:stop]
        small = line.lower()
        out: dict[int, Open] = {}
        covered: list[tuple[int, int, int]] = []
        for one in before:
            aged = one._replace(size=one.size + high - low, waited=one.waited + 1)
            if aged.size > folds.reach:
                continue
            text = small if folds.table.caseless[one.form] else line
            piece = self.next(one, text, ended)
            if piece is None:
                if one.sure and aged.waited <= WAIT:
                    out[one.form] = aged
                continue
            start, end, at = piece
            covered.append((one.form, low + start, low + end))
            self._took(aged, low, start, end, at, out)
        for end, form, after in own:
            if not any(form == known and start < end <= stop for known, start, stop in covered):
                fresh = self._first(form, after, small if folds.table.caseless[form] else line, end - low, low, ended)
                if fresh is not None:
                    covered.append((form, low + fresh[0], low + fresh[1]))
                    self._took(fresh[3], low, fresh[0], fresh[1], fresh[2], out)
        return tuple(out.values())[:MOST_OPEN]

    def _took(self, one: Open, low: int, start: int, end: int, at: int, out: dict[int, Open]) -> None:
        """Takes a piece of a form: it goes from its character one.at to `at`."""
        folds, form = self.folds, one.form
        total = one.total + at - one.at
        complete = at == len(folds.texts[form])
        sure = one.sure or complete or (one.at > 0 and one.total > 0 and total >= SURE) or folds.telling(form, one.at, at)
        held = one.held
        if end > start and (sure or (total >= LEAST and end <= REACH)):
            held = (*held, self._wider(form, low, start, end, one.at == 0, complete))
        if sure:
            self.places += held
            held = ()
        if not complete:
            since = -1 if not held else one.since if one.held else low
            out[form] = Open(form, at, start, total, sure, 0, one.size, held, since)

    def _wider(self, form: int, low: int, start: int, end: int, first: bool, complete: bool) -> Place:
        """A piece with what it shares with its neighbours, if it is the first or the last."""
        table = self.folds.table
        begin, stop, owner = table.place(form, self.data, low + start, low + end)
        return max(low, begin) if first else low + start, stop if complete else low + end, owner

    def _ends(self, line: bytes, pos: int, ended: bool) -> bool:
        return ended and _REST.fullmatch(line, pos) is not None

    def next(self, one: Open, line: bytes, ended: bool) -> tuple[int, int, int] | None:
        """Where a form goes on in a line: (start, end, how much of it came)."""
        folds, form = self.folds, one.form
        text = folds.texts[form]
        lead = _LEAD.match(line)
        begins = {lead.end() if lead is not None else 0: None, 0: None, min(one.column, len(line)): None}
        probe = text[one.at : one.at + LEAST]
        if len(probe) >= SHORT and form not in folds.table.spaced:
            begins[max(0, line.find(probe))] = None
        best: tuple[int, int, int] | None = None
        for begin in begins:
            at, end = folds.forward(form, one.at, line, begin)
            count = at - one.at
            if not count or (one.waited and count < min(GRAM, len(text) - one.at)):
                continue
            ends = self._ends(line, end, ended)
            if at == len(text) and not ends and count < SHORT:
                if one.sure or one.total < LEAST:
                    continue
                end = begin  # then it was the value; what little of it is here may be no part of it
            if (ends or at == len(text)) and (best is None or at > best[2]):
                best = begin, end, at
        return best

    def _first(
        self, form: int, after: int, line: bytes, pos: int, low: int, ended: bool
    ) -> tuple[int, int, int, Open] | None:
        """What of a form is in a line in which one of its grams ends at `pos`: (start, end, how much of it came, before that)."""
        folds = self.folds
        text = folds.texts[form]
        at, start = folds.backward(form, after, line, pos)
        stop, end = folds.forward(form, after, line, pos)
        if at == 0 and stop == len(text):
            return None  # it is whole
        ends = stop < len(text) and self._ends(line, end, ended)
        if not ends and stop < len(text):
            return None
        lead = _LEAD.match(line)
        head = start == 0 or (lead is not None and lead.end() >= start)
        joined = at > 0 and self._before(form, at, low)
        if at and not joined and not folds.telling(form, at, stop):
            return None
        if stop == len(text) and not joined and not head:
            return None  # its end, after something else
        return start, end, stop, Open(form, at, start, at if joined else 0, False)

    def _before(self, form: int, at: int, low: int) -> bool:
        """Whether the lines before `low` end with the first `at` characters of a form."""
        data, folds = self.data, self.folds
        for _ in range(SURE):
            if not low:
                return False
            begin = unit_start(data, low - 1, 0)
            line = data[begin:low].rstrip(b"\r\n")
            if folds.table.caseless[form]:
                line = line.lower()
            for end in {len(line), len(line.rstrip(b" \t")), len(line.rstrip(b" \t").removesuffix(b"=").removesuffix(b"\\"))}:
                rest, start = folds.backward(form, at, line, end)
                if rest == 0:
                    return True
                lead = _LEAD.match(line)
                if rest < at and lead is not None and lead.end() >= start:
                    at, low = rest, begin
                    break
            else:
                return False
        return False


def of(table: Table) -> Folds:
    """The grams of a table, compiled for the first who asks."""
    if table.folds is None:
        table.folds = Folds(table)
    return table.folds


def known(known: Known) -> Folds | None:
    """Those of the values that are in force; None if nothing is registered."""
    table = known.table
    return None if table is None else of(table)


__all__ = ["Folds", "Found", "Open", "known", "of"]
