"""Stage 1 for large blocks of a stream: the same ends as the runtime's one pass (detect/runtime.py), in half of the time.

Over a record the fixed cost of a call decides, so there one database holds everything. Over tens of kilobytes automata
without a literal slow all that is in one database with them, and most rules ask for a long token that most lines do not
have. So a block is passed by small databases apart: what is short or goes over lines (`near`), phrases, and two plain
runs: what is not in `near` ends with one. Only lines in which such a run is are looked at with the rest (`far`).
Where all these runs are masked already they tell nothing (lines.py). Likewise what ends where a URL's user part does (`login`)
is looked for only in lines that have one.
Compiled once and kept in the cache folder; where it is not, nobody waits for it and the runtime's pass does the work.
Safe for threads and after a fork. Imported by stream.py, lines.py and cli/redact.py.
"""

from __future__ import annotations

import os
import re
from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary

import hyperscan

from leakguard.detect import cache, stage1
from leakguard.detect.guards import HEX, parted, phrase
from leakguard.detect.runtime import REDACT_BASE, Flood, Own, collector, drop_old, phrases
from leakguard.detect.stage1 import CONTEXT_BASE, DECODE_BASE, PHRASE_BASE, TEXT_BASE, Ends
from leakguard.hashes import blake2b
from leakguard.redact import tables
from leakguard.redact.names import TRIGGERS, USERINFO

if TYPE_CHECKING:
    from leakguard.detect.runtime import Merged
    from leakguard.model import RuleSet
    from leakguard.redact.core import Redactor

LEAST = 256
"""Bytes from which several passes cost less than one."""
RUN = 20
"""Characters of a token that are a run."""
HEX_RUN = 16
"""Hex digits from which encoded text is worth a look: fewer hold less than a name, a sign and a value."""
MAGIC = b"leakguard-blocks-7\n"

_SHORT_HEX = re.compile(rb"[0-9A-Fa-f]{%d}" % HEX_RUN)
_RUNS = (b"[A-Za-z0-9+/_\\-]{%d}" % RUN, b"[0-9A-Fa-f]{%d}" % HEX_RUN)
_NOWHERE = 1 << 62
_FEW = 2
_NEAR, _FAR, _BEYOND, _LOGIN, _LONG, _DIGITS, _PHRASE = range(7)


class Plan(NamedTuple):
    """Which triggers go where: (pattern, identifier)."""

    near: list[tuple[bytes, int]]
    far: list[tuple[bytes, int]]
    beyond: list[tuple[bytes, int]]
    login: list[tuple[bytes, int]]


def plan(ruleset: RuleSet) -> Plan:
    """Parts the triggers: `far` has those of rules and encoded text of which every match ends with a run of RUN characters
    (or in one of HEX_RUN digits) and lies in one line, but for a first character before it; `beyond` those of which no match is
    ASCII alone; `login` those of rules of which every match lies in one line and ends where USERINFO does."""
    patterns, ids = stage1.expressions(ruleset)
    rows = list(zip(patterns, ids, strict=True))
    rows += [(pattern, ident) for ident, pattern in stage1.triggers() if ident >= TEXT_BASE]
    rows += [(pattern, ident) for ident, pattern in TRIGGERS]
    rows.append((tables.PATTERN, tables.HEADER))
    out = Plan([], [], [], [])
    for pattern, ident in rows:
        own = out.far if _is_far(pattern, ident) else out.beyond if _is_beyond(pattern) else out.near
        (out.login if own is out.near and _is_login(pattern, ident) else own).append((pattern, ident))
    return out


_NOT_ASCII = frozenset(range(128, 256))


def _is_beyond(pattern: bytes) -> bool:
    from leakguard.detect.runs import longest_run

    try:
        return longest_run(pattern.decode("latin-1"), _NOT_ASCII).run > 0
    except re.error:
        return False


def _is_far(pattern: bytes, ident: int) -> bool:
    from re import _parser  # type: ignore[attr-defined]

    from leakguard.detect.runs import TOKEN, sequence

    if not (ident < CONTEXT_BASE or TEXT_BASE <= ident < REDACT_BASE):
        return False
    try:
        nodes = list(_parser.parse(pattern.decode()))
        long = ident in HEX or sequence(nodes, TOKEN).tail >= RUN
    except (re.error, UnicodeDecodeError):
        return False  # what is not understood is looked for everywhere
    if not long or not nodes:
        return False
    first = _parser.SubPattern(_parser.State(), nodes[:1])
    return not any(_breaks(node) for node in (nodes[1:] if first.getwidth()[1] <= _EDGE else nodes))


def _is_login(pattern: bytes, ident: int) -> bool:
    """Whether every match ends with `://`, at least one character that USERINFO allows there, and `@`."""
    from re import _constants as c  # type: ignore[attr-defined]
    from re import _parser  # type: ignore[attr-defined]

    from leakguard.detect.runs import members_of

    if ident >= CONTEXT_BASE:
        return False
    try:
        nodes = list(_parser.parse(pattern.decode()))
    except (re.error, UnicodeDecodeError):
        return False
    literal = [value if operator is c.LITERAL else None for operator, value in nodes[-5:]]
    if literal != [*b"://", None, ord("@")] or nodes[-2][0] is not c.MAX_REPEAT:
        return False
    least, _, inner = nodes[-2][1]
    if least < 1 or len(inner) != 1 or inner[0][0] is not c.IN or not _NO_USER.isdisjoint(members_of(inner[0][1])):
        return False
    return not any(map(_breaks, nodes))


_NO_USER = frozenset(b" \t\n\r\f\v/\"'<>")
_EDGE = 2
"""Bytes of what may stand before a line's first byte in a match."""
_BREAKS = frozenset(b"\r\n")


def _breaks(node: Any) -> bool:
    """Whether a part of a parsed pattern may match a line's end; what is not known may."""
    from re import _constants as c  # type: ignore[attr-defined]

    from leakguard.detect.runs import members_of

    operator, value = node
    if operator is c.LITERAL:
        return value in _BREAKS
    if operator is c.IN:
        return not _BREAKS.isdisjoint(members_of(value))
    if operator is c.SUBPATTERN:
        return any(map(_breaks, value[3]))
    if operator is c.BRANCH:
        return any(_breaks(inner) for nodes in value[1] for inner in nodes)
    if operator in (c.MAX_REPEAT, c.MIN_REPEAT, c.POSSESSIVE_REPEAT):
        return any(map(_breaks, value[2]))
    return operator is not c.AT or value in (c.AT_END, c.AT_END_LINE, c.AT_END_STRING)


# ---------------------------------------------------------------- scanning
class _Hand(Own):
    """What one scan at a time works with."""

    __slots__ = ("hits", "limit", "on_hit", "on_raw", "scratches")

    def __init__(self, wide: Wide) -> None:
        self.calls = self.most = self.most_calls = 0
        self.data = b""
        self.ends: Ends = []
        self.found: Ends = []
        self.known: dict[int, tuple[int, int]] = {}
        self.words: list[int] = []
        self.on_match = collector(self, wide.merged.widths)
        self.scratches = [None if database is None else hyperscan.Scratch(database) for database in wide.databases]
        self.hits: list[int] = []
        hits, found, limit = self.hits, self.found, [0]

        def on_hit(_ident: int, _start: int, end: int, _flags: int, _context: object) -> None:
            hits.append(end)

        def on_raw(ident: int, _start: int, end: int, _flags: int, _context: object) -> bool | None:
            found.append((ident, end))  # as little as can be: each call costs what a hundred bytes do
            return True if len(found) > limit[0] else None

        self.on_hit, self.on_raw, self.limit = on_hit, on_raw, limit

    def take(self) -> None:
        """Of what was found so far what says something new."""
        ends, on_match, known = self.ends, self.on_match, self.known
        for item in self.found:
            ident, end = item
            if CONTEXT_BASE <= ident < DECODE_BASE:
                ends.append(item)
            elif ident not in known and ident < CONTEXT_BASE:
                known[ident] = (-1 << 40, len(ends))  # the first says something
                ends.append(item)
            elif on_match(ident, 0, end, 0, None):
                raise Flood
        self.found.clear()


class Wide:
    """The databases for blocks, in the order near, far, beyond, login, two runs, phrases (None if no rule asks for these)."""

    def __init__(self, merged: Merged, databases: Sequence[Any]) -> None:
        self.merged = merged
        self.databases = databases
        self._pool: list[_Hand] = []

    def scan(self, data: bytes, more: int = 0) -> Ends:
        """(trigger, end) of everything that fires, as Merged.scan says it, but not in order, and without encoded text of
        fewer than HEX_RUN digits. Flood for a text that is made of triggers (`more` are allowed)."""
        return self.near(data, more) + self.far(data, self.lines(data), more)

    def near(self, data: bytes, more: int = 0) -> Ends:
        """The same of what needs no run."""
        ends = self.raw(data, more)
        return self.thinned(data, ends + self.logins(data, ends), more)

    def thinned(self, data: bytes, ends: Ends, more: int = 0) -> Ends:
        """Of these ends what says something new, if they are not too many; else Flood."""
        if len(ends) < _FEW:
            return ends
        hand = self._hand(data, more)
        try:
            hand.found += ends
            hand.take()
            return hand.taken()
        finally:
            self._done(hand)

    def raw(self, data: bytes, more: int = 0) -> Ends:
        """What `near` is made of: all ends as they come, without `logins`."""
        hand = self._hand(data, more)
        near, beyond, phrase = (self.databases[number] for number in (_NEAR, _BEYOND, _PHRASE))
        try:
            near.scan(data, hand.on_raw, 0, None, hand.scratches[_NEAR])
            if phrase is not None:
                before = len(hand.found)
                phrase.scan(data, hand.on_raw, 0, None, hand.scratches[_PHRASE])
                hand.words += [end for _, end in hand.found[before:]]
                del hand.found[before:]
            if not data.isascii():
                if beyond is not None:
                    beyond.scan(data, hand.on_raw, 0, None, hand.scratches[_BEYOND])
                if self.merged.marked:
                    self._marked(data, hand)
            return hand.found + phrases(data, hand.words, hand.most + hand.most_calls) if hand.words else hand.found[:]
        except hyperscan.ScanTerminated:
            raise Flood from None
        finally:
            self._done(hand)

    def logins(self, data: bytes, ends: Ends) -> Ends:
        """What else ends where USERINFO does: one of the rules for passwords in URLs, or more."""
        stops = sorted({end for ident, end in ends if ident == USERINFO})
        if not stops or self.databases[_LOGIN] is None:
            return []
        lines: list[tuple[int, int]] = []
        for stop in stops:
            low = data.rfind(b"\n", 0, stop) + 1
            low = data.rfind(b"\r", low, stop) + 1 or low
            if lines and lines[-1][0] == low:
                lines.pop()
            lines.append((low, stop))
        pieces = [data[low:stop] for low, stop in lines]
        starts = [0, *accumulate(len(piece) + 1 for piece in pieces)]
        hand = self._hand(data, len(data))
        try:
            self.databases[_LOGIN].scan(b"\n".join(pieces), hand.on_raw, 0, None, hand.scratches[_LOGIN])
            numbers = [(ident, end, bisect_left(starts, end) - 1) for ident, end in hand.found]
            return [(ident, end - starts[number] + lines[number][0]) for ident, end, number in numbers]
        except hyperscan.ScanTerminated:
            raise Flood from None
        finally:
            self._done(hand)

    def _marked(self, data: bytes, hand: _Hand) -> None:
        own = self.merged.own()
        own.begin(data, hand.most)
        try:
            self.merged.phrases(data, own)
            hand.words += own.words
        finally:
            own.clear()
            own.data = b""
            self.merged.pool.append(own)

    def far(self, data: bytes, lines: Sequence[tuple[int, int]], more: int = 0) -> Ends:
        """The same of what needs a run, in the lines that have one: (start, end) of each, in order."""
        return self.far_of(data, self.far_raw(data, lines, more), more) if lines else []

    def far_raw(self, data: bytes, lines: Sequence[tuple[int, int]], more: int = 0) -> Ends:
        """What `far` is made of: all ends as they come. The lines are looked at as one text: nothing that may match there has a
        line's end in it."""
        pieces = [data[low - _EDGE if low > _EDGE else 0 : stop] for low, stop in lines]
        starts = [0, *accumulate(map(len, pieces))]
        hand = self._hand(data, more)
        try:
            self.databases[_FAR].scan(b"".join(pieces), hand.on_raw, 0, None, hand.scratches[_FAR])
            numbers = [(ident, end, bisect_left(starts, end)) for ident, end in hand.found]
            return [(ident, end - starts[number] + lines[number - 1][1]) for ident, end, number in numbers]
        except hyperscan.ScanTerminated:
            raise Flood from None
        finally:
            self._done(hand)

    def far_of(self, data: bytes, ends: Ends, more: int = 0) -> Ends:
        """Of all ends of `far_raw` in some lines what says something new; Flood if they are too many."""
        hand = self._hand(data, more)
        try:
            for ident, at in ends:
                if ident in HEX and not _SHORT_HEX.match(data, at - 12):
                    continue
                if hand.on_match(ident, 0, at, 0, None):
                    raise Flood
            return hand.taken()
        finally:
            self._done(hand)

    def lines(self, data: bytes) -> list[tuple[int, int]]:
        """The lines that have a run."""
        hand = self._hand(data, 0)
        try:
            return self._lines(data, hand)
        finally:
            self._done(hand)

    def _lines(self, data: bytes, hand: _Hand) -> list[tuple[int, int]]:
        out: list[tuple[int, int]] = []
        view = memoryview(data)
        returns = 13 in data
        at, size = 0, len(data)
        long_, digits = self.databases[_LONG], self.databases[_DIGITS]
        long_scratch, digits_scratch = hand.scratches[_LONG], hand.scratches[_DIGITS]
        hits, on_hit = hand.hits, hand.on_hit
        next_long = next_digits = -1
        while True:
            if next_long < at:
                long_.scan(view[at:], on_hit, 0, None, long_scratch)
                next_long = at + hits.pop() - 1 if hits else _NOWHERE
            if next_digits < at:
                digits.scan(view[at:], on_hit, 0, None, digits_scratch)
                next_digits = at + hits.pop() - 1 if hits else _NOWHERE
            hit = min(next_long, next_digits)
            if hit == _NOWHERE:
                return out
            low = data.rfind(b"\n", at, hit) + 1 or at
            stop = data.find(b"\n", hit) + 1 or size
            if returns:
                low = data.rfind(b"\r", low, hit) + 1 or low
                stop = data.find(b"\r", hit, stop) + 1 or stop
            out.append((low, stop))
            if stop == size:
                return out
            at = stop

    def _hand(self, data: bytes, more: int) -> _Hand:
        try:
            hand = self._pool.pop()
        except IndexError:
            hand = _Hand(self)
        hand.begin(data, more)
        hand.limit[0] = hand.most + hand.most_calls
        return hand

    def _done(self, hand: _Hand) -> None:
        hand.clear()
        hand.hits.clear()
        hand.data = b""
        self._pool.append(hand)


def worth_a_look(data: bytes, ends: Ends) -> Ends:
    """Ends without encoded text of fewer than HEX_RUN digits: so that one line is judged alike in blocks of any size."""
    if not any([ident in HEX for ident, _ in ends]):  # noqa: C419 - quicker
        return ends
    return [(ident, end) for ident, end in ends if ident not in HEX or _SHORT_HEX.match(data, end - 12)]


# ---------------------------------------------------------------- from the cache
_MADE: WeakKeyDictionary[Redactor, Wide | None] = WeakKeyDictionary()


def of(redactor: Redactor) -> Wide | None:
    """The databases of a Redactor, if they were compiled before."""
    try:
        return _MADE[redactor]
    except KeyError:
        path = _path(redactor)
        parts = _read(path) if path else None
        made = _MADE[redactor] = None if parts is None else Wide(redactor.runtime.merged, parts)
        return made


def prepare(redactor: Redactor) -> None:
    """Compiles the databases and keeps them in the cache folder, if they are not there and can be kept: some seconds."""
    path = _path(redactor)
    if not path or os.path.exists(path) or not os.access(os.path.dirname(path), os.W_OK):
        return
    ruleset = redactor.runtime.ruleset
    wanted = plan(ruleset)
    made = [_compiled(ruleset, rows) if rows else None for rows in wanted]
    for run in _RUNS:
        database = hyperscan.Database()
        database.compile(expressions=[run], ids=[0], elements=1, flags=[hyperscan.HS_FLAG_SINGLEMATCH])
        made.append(database)
    if stage1._has_phrases(ruleset):
        made.append(stage1._compiled(ruleset, [phrase()], [PHRASE_BASE]))
    parts = [hyperscan.dumpb(database) if database is not None else b"" for database in made]
    if cache._store(path, cache._sealed(MAGIC, parts)):
        drop_old(path, "blocks-")
        _MADE.pop(redactor, None)


def _compiled(ruleset: RuleSet, rows: Sequence[tuple[bytes, int]]) -> Any:
    return stage1._compiled(ruleset, *parted([pattern for pattern, _ in rows], [ident for _, ident in rows]))


def _path(redactor: Redactor) -> str:
    folder = cache.cache_folder() if redactor.cache_folder is None else redactor.cache_folder
    own = (TRIGGERS, tables.PATTERN, _RUNS, phrase(), MAGIC)
    named = repr((cache._versions(), redactor.runtime.ruleset.digest, stage1.triggers(), *own)).encode()
    return os.path.join(folder, f"blocks-{blake2b(named, digest_size=16).hexdigest()}.bin") if folder else ""


def _read(path: str) -> list[Any] | None:
    parts = cache._stored(path, MAGIC)
    if len(parts) not in (_PHRASE, _PHRASE + 1):
        return None
    try:
        made = [hyperscan.loadb(part, hyperscan.HS_MODE_BLOCK) if part else None for part in parts]
    except (hyperscan.error, ValueError, TypeError):
        return None
    return [*made, *[None] * (_PHRASE + 1 - len(made))]



__all__ = ["LEAST", "Wide", "of", "plan", "prepare", "worth_a_look"]
