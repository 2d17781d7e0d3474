"""How far the judgement of an end looks: the bytes before and after it that may decide what the engine makes of it.

For reuse.py, which judges again only what a difference can reach. Each number here is larger than what the module says
that it is about: context.py, scope.py, tables.py and forms.py for values that have a name, decode.py and inplace.py for
what is encoded, phrases.py, and the widths and gates of the rules in force. Whoever makes one of these look farther
changes the number here; tests/detect/test_reuse.py holds them together.
Pure functions of rules and bytes, but for Watching, which notes what the context asked. Imported by reuse.py only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from hyperscan import Scratch

from leakguard.detect import phrases
from leakguard.detect.assign import TRIGGERS as ASSIGNED
from leakguard.detect.assign import Assigned, assigned
from leakguard.detect.context import Context, Evidence, Mentions
from leakguard.detect.decode import TEXT_TRIGGERS, TRIGGERS, joined
from leakguard.detect.engine import Engine
from leakguard.detect.forms import FORMS
from leakguard.detect.gates import Candidate
from leakguard.detect.stage1 import CONTEXT_BASE, DECODE_BASE, PHRASE_BASE, TEXT_BASE, Ends, collect, plain
from leakguard.detect.tables import REACH as TABLE
from leakguard.detect.tables import is_header
from leakguard.detect.trigger import literals, width
from leakguard.model import Rule

MARGIN, WIDE_MARGIN = 608, 1472
"""Bytes before and after a difference that stage 1 sees: no first-stage match that counts is longer, but those of some
rules (`_Long`), which are looked for within the wide margin by themselves; texts with the literals of rules that are
longer still are scanned whole."""

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
}  # fmt: skip
"""Gates that look farther than _GATE."""
_GATE = 400
_NAME, _CALL = 280, 600
"""Before a value: its name and label; the call it is an argument of (forms.py)."""
_LINE = 4096
_RARER = CONTEXT_BASE + len(ASSIGNED) - len(FORMS)
"""From here on triggers are of forms.py, some of which look for a call."""
_VALUE = 2100
"""The longest value, escapes and all; it ends with its line."""
_RUN = re.compile(rb"(?:[A-Za-z0-9+/_\-]+={0,2}(?:(?:\\r\\n|\\[nr]|\r?\n[ \t]{0,60})(?=[A-Za-z0-9+/_\-]))?)*")
_FLAGS = re.compile(r"\A(?:\(\?[a-z]+\))*")
_QUOTES, _SEPARATORS, _FILLING = (b'"', b"'"), (b",", b";", b"|"), b"`\"' \t"
_PERCENT = re.compile(rb"[^\s\"'<>]*")
_FARTHEST = 192 * 1024


class Watching(Context):
    """Knows which values of a text asked what is around them; of all others only their own line and call decide."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine.ruleset, self._judge_watched, engine.stage1.names, engine.prepared)
        self._judge = engine._judge
        self._data = b""
        self._asked: list[tuple[Assigned, list[int]]] = []
        """Values and the rules that they were held against, -1 first if somebody was named who could own it."""
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
            if sees:
                out[ASKED, start] = (start, ASKED, before + sees, after + sees)
            if sees < _AROUND:
                out[QUIET, start] = (start, QUIET, before + _AROUND, after + _AROUND)
        self._data = b""
        return list(out.values())

    def _evidence(
        self, data: bytes, assigned: Assigned, name: tuple[str, ...], path: str, value: bytes, mentions: Mentions
    ) -> Iterator[tuple[Evidence, list[int]]]:
        rules: list[int] = []
        self._tried = rules
        if data is self._data:
            self._asked.append((assigned, rules))
        for evidence in super()._evidence(data, assigned, name, path, value, mentions):
            rules.append(-1)
            yield evidence

    def _near(
        self, data: bytes, assigned: Assigned, around: list[tuple[int, int, str]], found: dict[str, Evidence]
    ) -> None:
        self._tried.append(-1)
        super()._near(data, assigned, around, found)

    def _judge_watched(self, index: int, candidate: Candidate) -> int:
        self._tried.append(index)
        return self._judge(index, candidate)

    def named(self, data: bytes) -> bool:
        """Whether a provider is named."""
        return Mentions(data, self.find, self.names, 0).any()


_made: list[tuple[str, Reaches]] = []
"""Of the rules that were in force last, by their digest: a quarter of a second to make."""


def reaches_of(engine: Engine) -> Reaches:
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

    def described(self, data: bytes, ends: Iterable[tuple[int, int]]) -> list[End]:
        """The ends with their reaches; without those that cannot mean anything, whatever stands around them."""
        out: list[End] = []
        rows: list[int] = []
        covered: dict[str, tuple[int, int]] = {}
        for ident, end in sorted(ends, key=_by_end):
            if ident < CONTEXT_BASE:
                out.append((end, ident, *self._rules[ident]))
            elif ident < DECODE_BASE:
                line = data.find(b"\n", end, end + _VALUE)
                after = (line - end if line >= 0 else _VALUE) + 128
                line = data.rfind(b"\n", max(0, end - _LINE), end)
                before = max(_CALL if ident >= _RARER else _NAME, end - line if line >= 0 else _LINE)
                if _is_header(data, ident - CONTEXT_BASE, end):
                    before, after = before + 2000, after + 2000 + TABLE + _AROUND
                out.append((end, ident, before, after))
            elif ident < PHRASE_BASE:
                kind = (TRIGGERS[ident - DECODE_BASE] if ident < TEXT_BASE else TEXT_TRIGGERS[ident - TEXT_BASE])[0]
                low, high = _extent(data, kind, end)
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
        return out


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
        wide: dict[str, int] = {}
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
                self._rules.append((some, every))
        self._texts = list(texts)
        self._triggers = _With(plain(wide))

    def words(self, data: bytes) -> frozenset[int]:
        """The literals of the longest that are there, in any case."""
        low = data.lower()
        return frozenset(number for number, text in enumerate(self._texts) if text in low)

    def ends(self, data: bytes) -> Ends:
        """What stage 1 would say of those of the rules that WIDE_MARGIN is enough for."""
        return self._triggers.ends(data)

    def apply(self, words: frozenset[int]) -> bool:
        """Whether one of the longest may be in a text with these literals."""
        return any(every <= words and (not some or some & words) for some, every in self._rules)


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


def _is_header(data: bytes, form: int, end: int) -> bool:
    """Whether the names of a table's columns stand there: its rows are judged with it."""
    for start in (end - 5, end - 4):  # where the value begins: triggers end so far into it
        between = data[max(0, start - 80) : start]
        if between[-1:] not in _QUOTES and between.rstrip(_FILLING)[-1:] in _SEPARATORS:
            break
    else:
        return False
    return any(
        (not found.quote or found.quote == b"`") and is_header(data, found) for found in assigned(data, [(form, end)])
    )


def _extent(data: bytes, kind: str, end: int) -> tuple[int, int]:
    """The bytes that decide what decode.py makes of a hit, and inplace.py of that."""
    low, high = end - 2048 - _AROUND, end
    if kind == "join":
        low, high, _ = joined(data, end)
        return min(low, end - 400) - 64, high + 64
    if kind == "fold":
        return end - 1024, end + 64 * 420
    if kind == "quoted":
        return low, end + _FARTHEST
    if kind == "escape":
        high = data.find(b"\n", end, end + _FARTHEST)
        high = high if high >= 0 else end + _FARTHEST
    else:
        run = (_PERCENT if kind == "percent" else _RUN).match(data, max(0, end - 24))
        high = max(end, run.end() if run is not None else end)
    return low, high + 512 + _AROUND
