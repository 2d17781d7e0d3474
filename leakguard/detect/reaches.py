"""How far the judgement of an end looks: the bytes before and after it that may decide what the engine makes of it.

For reuse.py, which judges again only what a difference can reach. Each number here is larger than what the module says
that it is about: context.py, scope.py, tables.py and forms/ for values that have a name, decode/ and inplace.py for
what is encoded, phrases.py, and the widths and gates of the rules in force. Whoever makes one of these look farther
changes the number here; tests/detect/test_reuse.py holds them together.
Pure functions of rules and bytes, but for Watching, which notes what the context asked. Imported by reuse.py and
looks.py.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from hyperscan import Scratch

from leakguard.detect import phrases
from leakguard.detect.above import FAR
from leakguard.detect.assign import TRIGGERS as ASSIGNED
from leakguard.detect.assign import Assigned, assigned
from leakguard.detect.context import Context
from leakguard.detect.decode import JOIN_REACH, SAID, TEXT_TRIGGERS, TRIGGERS, escaped_stop, folded, joined
from leakguard.detect.decode.bound import STATEMENT_REACH, VALUES_REACH
from leakguard.detect.engine import Engine
from leakguard.detect.evidence import Evidence
from leakguard.detect.forms import FORMS, HEADS, INSERTED, PAGED
from leakguard.detect.forms import TABLE as RULED
from leakguard.detect.gates import Candidate
from leakguard.detect.mentions import NEAR, Mentions
from leakguard.detect.spelled import BEFORE
from leakguard.detect.stage1 import CONTEXT_BASE, DECODE_BASE, PHRASE_BASE, TEXT_BASE, Ends, collect, plain
from leakguard.detect.stage1 import literals as words_of
from leakguard.detect.tables import REACH as TABLE
from leakguard.detect.tables import is_header
from leakguard.detect.trigger import literals, width
from leakguard.model import Rule

MARGIN, WIDE_MARGIN = 608, 1472
"""Bytes before and after a difference that stage 1 sees: no first-stage match that counts is longer, but those of some
rules (`_Long`), which are looked for within the wide margin by themselves, and those that are longer still, in all of a
text that has their literals."""

End = tuple[int, int, int, int]
"""(offset, trigger, bytes before it that may decide about it, bytes after it)."""
ASKED, QUIET = -1, -2
"""In place of a trigger: a value that asked what is around it; the same where nobody who could own it is named there, so
that only somebody's name can change what was said of it."""
_AROUND = 1700
"""What context.py and scope.py look at before and after a value that asks, and a little more."""
_GATES = {
    "secp256k1": 2_100, "evm_pair": 2_100, "stark": 2_100, "ed25519_pair": 2_100, "keystore_v3": 33_000,
    "unless": 17_000, "path_like": 17_000, "words_near": 17_000, "companion": 17_000,
    "request_host": 800,
}  # fmt: skip
"""Gates that look farther than _GATE."""
_GATE = 400
_NAME, _CALL = 280, 600
"""Before a value: its name and label; the call it is an argument of (forms/rows.py)."""
_LIST = 1200
"""After a value: the others of its list, on lines of their own (forms/rows.py)."""
_LINE = 4096
_RARER = CONTEXT_BASE + len(ASSIGNED) - len(FORMS)
"""From here on triggers are of forms/, some of which look for a call."""
_VALUE = 2100
"""The longest value, escapes and all; it ends with its line."""
_RUN = re.compile(rb"(?:[A-Za-z0-9+/_\-]+={0,2}(?:(?:\\r\\n|\\[nr]|\r?\n[ \t]{0,60})(?=[A-Za-z0-9+/_\-]))?)*")
_FLAGS = re.compile(r"\A(?:\(\?[a-z]+\))*")
_QUOTES, _SEPARATORS, _FILLING = (b'"', b"'"), (b",", b";", b"|"), b"`\"' \t"
_PERCENT = re.compile(rb"[^\s\"'<>]*")
_FARTHEST = 192 * 1024
_WORD = 72
"""More than the longest name of a provider."""
_MOST_SILENT = 200_000
_MOST_APPLIED = 10_000
_CLOSE = 64
_JOINED = 400 + 64
"""What a chain of pieces of strings reaches before the end that leads to it."""
_BEHIND = 512 + 64
"""And behind its last joint."""
LED = 320
"""Bytes from a value to the ends that led to it."""
_LISTED = re.compile(rb"(?i)\)\s{0,8}VALUES?\s{0,8}\(|\) FROM stdin;")


class Watching(Context):
    """Knows which values of a text asked what is around them; of all others only their own line and call decide."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine.ruleset, self._judge_watched, engine.stage1.names, engine.prepared)
        self._judge = engine._judge
        self._data = b""
        self._asked: list[tuple[Assigned, list[int]]] = []
        """Values and the rules that they were held against, -1 first if somebody was named who could own it; -2 if what it stands in
        was looked for."""
        self._tried: list[int] = []

    def begin(self, data: bytes) -> None:
        self._data = data
        self._asked.clear()

    def asked(self, reaches: Reaches) -> list[End]:
        """The values of the text that began that asked."""
        out = {}
        for value, rules in self._asked:
            start = value.start
            before, after = start - value.name_start, value.end - start
            sees = max((reaches.sees[rule] for rule in rules if rule >= 0), default=0)
            if -1 in rules:
                sees = max(sees, _AROUND)
            if -2 in rules:
                # what it stands in may begin there; of that nothing behind it says anything
                out[ASKED, start] = (start, ASKED, before + FAR, after + max(sees, _AROUND))
                continue
            if sees:
                out[ASKED, start] = (start, ASKED, before + sees, after + sees)
            if sees < _AROUND:
                out[QUIET, start] = (start, QUIET, before + _AROUND, after + _AROUND)
        self._data = b""
        return list(out.values())

    def _evidence(
        self, data: bytes, assigned: Assigned, name: tuple[str, ...], path: str, value: bytes, mentions: Mentions, own: bool = True
    ) -> Iterator[tuple[Evidence, list[int]]]:
        rules: list[int] = []
        self._tried = rules
        if data is self._data:
            self._asked.append((assigned, rules))
        for evidence in super()._evidence(data, assigned, name, path, value, mentions, own):
            rules.append(-1)
            yield evidence

    def _near(
        self, data: bytes, assigned: Assigned, around: list[tuple[int, int, str]], found: dict[str, Evidence]
    ) -> None:
        self._tried.append(-1)
        super()._near(data, assigned, around, found)

    def _above(
        self, data: bytes, assigned: Assigned, mentions: Mentions, fits: Callable[[str], bool], found: dict[str, Evidence]
    ) -> None:
        self._tried.append(-2)
        super()._above(data, assigned, mentions, fits, found)

    def _judge_watched(self, index: int, candidate: Candidate) -> int:
        self._tried.append(index)
        return self._judge(index, candidate)

    def drawn_near(self, data: bytes, place: int, after: int, before_it: int, behind_it: int) -> bool:
        """Whether a provider is named at the edge of what a value (an End of QUIET) looks at, so near to it that the name may
        have come there when so many bytes before the value, or behind it, went."""
        pieces = []
        if before_it:
            first = place - NEAR
            pieces.append(data[max(0, first - _WORD) : max(0, first + before_it + _WORD)])
        if behind_it:
            last = place + after - _AROUND + NEAR // 2
            pieces.append(data[max(0, last - behind_it - _WORD) : last + _WORD])
        return self.named(b"\0\0".join(pieces))

    def named(self, data: bytes) -> bool:
        """Whether a provider is named."""
        return Mentions(data, self.find, self.names, 0).any()


_made: list[tuple[str, Reaches]] = []
"""Of the rules that were in force last, by their digest: a quarter of a second to make."""


def reaches_of(engine: Engine) -> Reaches:
    """The Reaches of an engine's rules; those of the last rules are kept."""
    digest = engine.ruleset.digest
    if not _made or _made[0][0] != digest:
        _made[:] = [(digest, Reaches(engine.rules))]
    return _made[0][1]


class Reaches:
    """For each kind of end how many bytes before and after it may decide what is made of it."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.long = _Long(rules)
        by_trigger: dict[str, tuple[int, int]] = {}
        self.sees: list[int] = []
        """How far the gates of each rule look from its value."""
        for rule in rules:
            sees = max([_GATE, *(_sees(name, value) for name, value in rule.gates)])
            self.sees.append(sees)
            if rule.trigger:
                most = rule.width[1]
                before, after = by_trigger.get(rule.trigger, (0, 0))
                by_trigger[rule.trigger] = max(before, most + sees), max(after, 2 * most + 256 + sees)
        self._rules = [by_trigger.get(rule.trigger, (0, 0)) for rule in rules]

    def described(
        self, data: bytes, ends: Iterable[tuple[int, int]], silent: Silent | None = None
    ) -> tuple[list[End], list[End]]:
        """The ends with their reaches; without those that cannot mean anything, whatever stands around them. Apart from them
        those that are known to say nothing."""
        out: list[End] = []
        known: list[End] = []
        rows: list[int] = []
        covered: dict[str, tuple[int, int]] = {}
        chained, endless = -1, False  # up to where the ends of pieces are of a chain that was followed; whether it goes on
        for ident, end in sorted(ends, key=_by_end):
            if ident < CONTEXT_BASE:
                out.append((end, ident, *self._rules[ident]))
            elif ident < DECODE_BASE:
                line = data.find(b"\n", end, end + _VALUE)
                after = (line - end if line >= 0 else _VALUE) + 128
                after = max(after, _LIST) if ident >= _RARER else after
                line = data.rfind(b"\n", max(0, end - _LINE), end)
                before = max(_CALL if ident >= _RARER else _NAME, end - line if line >= 0 else _LINE)
                if silent is not None and silent.has(data, ident, end, before, after):
                    known.append((end, ident, before, after))
                    continue
                header = _header(data, ident - CONTEXT_BASE, end)
                if header:
                    if silent is not None:
                        silent.leave(end)
                    before, after = before + 2000, after + 2000 + header + _AROUND
                out.append((end, ident, before, after))
            elif ident < PHRASE_BASE:
                kind = (TRIGGERS[ident - DECODE_BASE] if ident < TEXT_BASE else TEXT_TRIGGERS[ident - TEXT_BASE])[0]
                if kind == "join" and end <= chained:
                    # not followed again: it leads nowhere else, or if the chain goes on as far as any does
                    first, last = covered[kind]
                    covered[kind] = first, max(last, end + JOIN_REACH + 64) if endless else last
                    out.append((end, ident, end - min(first, end - _JOINED), JOIN_REACH + 64))
                    continue
                low, high = _extent(data, kind, end)
                if kind == "join":
                    chained, endless = high - _BEHIND, high - end >= JOIN_REACH
                # an end within the run of one before it gives nothing of its own while that one is there
                first, last = covered.get(kind, (low, -1))
                if end <= last:
                    low, high = min(low, first), max(high, last)
                covered[kind] = low, high
                out.append((end, ident, end - low, high - end))
            else:
                rows.append(end)
        if rows:
            out += [(end, PHRASE_BASE, phrases.AROUND + 64, phrases.AROUND + 64) for end in phrases.good(data, rows)]
        return out, known


class Silent:
    """What context.py made nothing of, by what stands there and as far around as it looked: the name, the value, the line. It
    makes nothing of it anywhere else, for only of values that ask what is around them anything farther away decides.
    Holds digests with a key of this process, and no text."""

    def __init__(self) -> None:
        self._known: set[int] = set()
        self._tried: list[tuple[int, int]] = []

    def begin(self) -> None:
        """A text begins."""
        self._tried.clear()

    def has(self, data: bytes, ident: int, end: int, before: int, after: int) -> bool:
        """Whether nothing is made of this end. If that is not known, it may be said later."""
        low = max(0, end - before)
        key = hash((ident, end - low, data[low : end + after]))
        if key in self._known:
            return True
        self._tried.append((end, key))
        return False

    def leave(self, end: int) -> None:
        """Of the last end more decides."""
        if self._tried and self._tried[-1][0] == end:
            self._tried.pop()

    def learn(self, asking: Iterable[End], asked: Iterable[End]) -> None:
        """Nothing was found in the text; `asking` are its ends that were judged, `asked` the values that looked around. Ends
        that stand close together may have been one another's reason to say nothing."""
        if len(self._known) > _MOST_SILENT:
            self._known.clear()
        places = sorted([end for end, ident, _, _ in asking if CONTEXT_BASE <= ident < DECODE_BASE])
        busy = sorted([value[0] for value in asked])
        for end, key in self._tried:
            at = bisect_left(places, end)
            alone = (not at or end - places[at - 1] > _CLOSE) and (at + 1 >= len(places) or places[at + 1] - end > _CLOSE)
            if alone and bisect_left(busy, end - LED) == bisect_right(busy, end + LED):
                self._known.add(key)


class _With:
    """A database with its scratch."""

    def __init__(self, database: Any) -> None:
        self.database = database
        self.scratch = None if database is None else Scratch(database)

    def ends(self, data: bytes) -> Ends:
        out: Ends = []
        if self.database is not None:
            self.database.scan(data, match_event_handler=collect(out), scratch=self.scratch)
        return out


class _Long:
    """The rules whose first-stage match may be longer than MARGIN."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        texts: dict[bytes, int] = {}
        self._rules: list[tuple[frozenset[int], frozenset[int]]] = []
        """Of those that are longer than WIDE_MARGIN: literals of which one must be there, literals that all must."""
        self._applied: dict[frozenset[int], bool] = {}
        wide: dict[str, int] = {}
        long: dict[str, int] = {}
        for index, rule in enumerate(rules):
            most = rule.width[1] + 64
            if not rule.trigger or most <= MARGIN:
                continue
            most = min(most, _width(rule.trigger) + 64)
            if MARGIN < most <= WIDE_MARGIN:
                wide.setdefault(rule.trigger, index)
            elif most > MARGIN:
                some = frozenset(texts.setdefault(word.encode(), len(texts)) for word in rule.keywords)
                # the longest tells enough, and the others are common: "data", "iv"
                telling = sorted(_literals(rule.trigger), key=len)[-1:]
                every = frozenset(texts.setdefault(text, len(texts)) for text in telling)
                long.setdefault(rule.trigger, index)
                self._rules.append((some, every))
        self._texts = _With(words_of(list(texts)))
        self._triggers = _With(plain(wide))
        self._longest = _With(plain(long))
        self.idents = frozenset(long.values())
        """Triggers of the longest."""

    def words(self, data: bytes) -> frozenset[int]:
        """The literals of the longest that are there, in any case."""
        return frozenset([number for number, _ in self._texts.ends(data)])

    def words_in(self, data: bytes) -> Ends:
        """The same with where they end."""
        return self._texts.ends(data)

    def ends(self, data: bytes) -> Ends:
        """What stage 1 would say of those of the rules that WIDE_MARGIN is enough for."""
        return self._triggers.ends(data)

    def everywhere(self, data: bytes) -> Ends:
        """What stage 1 says of the longest in a whole text."""
        return self._longest.ends(data)

    def apply(self, words: frozenset[int]) -> bool:
        """Whether one of the longest may be in a text with these literals."""
        known = self._applied.get(words)
        if known is None:
            if len(self._applied) > _MOST_APPLIED:
                self._applied.clear()
            known = any(every <= words and (not some or some & words) for some, every in self._rules)
            self._applied[words] = known
        return known


def _by_end(end: tuple[int, int]) -> tuple[int, int]:
    return end[1], end[0]


def _sees(gate: str, value: object) -> int:
    """How far a gate looks from its value."""
    if isinstance(value, dict):
        given = [value[name] for name in ("before", "after", "near") if isinstance(value.get(name), int)]
        return max([_GATES.get(gate, 0), *(int(one) + 64 for one in given)])
    return _GATES.get(gate, 0)


def _width(trigger: str) -> int:
    return width(_FLAGS.sub("", trigger))[1]


def _literals(trigger: str) -> list[bytes]:
    return [text.lower().encode("latin-1") for text in literals(_FLAGS.sub("", trigger))]


def _header(data: bytes, form: int, end: int) -> int:
    """Whether the names of a table's columns stand there: its rows are judged with it. How far they go; 0 if it is none."""
    for start in (end - 5, end - 4):  # where the value begins: triggers end so far into it
        between = data[max(0, start - 80) : start]
        rarer = form - len(ASSIGNED) + len(FORMS)
        if rarer in HEADS or rarer in (RULED, INSERTED, PAGED) or (
            between[-1:] not in _QUOTES and between.rstrip(_FILLING)[-1:] in _SEPARATORS
        ):
            break
    else:
        return 0
    for found in assigned(data, [(form, end)]):
        if (not found.quote or found.quote == b"`") and is_header(data, found):
            low = max(0, found.name_start - 2000)
            opened = data.rfind(b"(", low, found.name_start)
            # the parameters of a function: tables.py looks for rows behind brackets so far and no farther
            called = opened > data.rfind(b"\n", low, found.name_start)
            return TABLE if not called or _LISTED.search(data, found.end, found.end + 2100) else 200
    return 0


def _extent(data: bytes, kind: str, end: int) -> tuple[int, int]:
    """The bytes that decide what decode/ makes of a hit, and inplace.py of that."""
    low, high = end - 2048 - _AROUND, end
    if kind == "join":
        return end - _JOINED, joined(data, end)[1] + 64
    if kind == "fold":
        # most lines of prose are folded where no word is broken, or are shorter than the first: there it ends
        return end - 1024, folded(data, end)[1] + 512
    if kind == "bound":
        return end - STATEMENT_REACH - _AROUND, end + VALUES_REACH + _AROUND
    if kind in ("quoted", "marked", "tagged"):
        return low, end + _FARTHEST
    if kind == "said":
        low = end - SAID - _AROUND
    if kind == "spelled":
        return end - BEFORE - _AROUND, len(data)
    if kind.startswith("packed"):
        return end - 64, len(data)
    if kind in ("escape", "rarer", "said"):
        high = escaped_stop(data, end)
    else:
        # from the last byte that fired: what stands before the run may be anything
        run = (_PERCENT if kind == "percent" else _RUN).match(data, max(0, end - 1))
        high = max(end, run.end() if run is not None else end)
    return low, high + 512 + _AROUND
