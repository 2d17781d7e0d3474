"""How long a rule can be kept busy, and how long it takes to compile: the measured half of `rules check`.

Texts are made to hurt: floods of a rule's own prefix, of matches, of what almost matches. A search is given a time
limit, so a catastrophic pattern costs a second here and not a day. Seconds are those of an idle machine: this thread's
processor time, by how long a search that is always the same took in between (`Stopwatch`), so that a verdict is the same
beside whatever else runs. Never prints, reads no file. Imported by check.py, cache.py, cli/rules.py and the tests.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import hyperscan

from leakguard.detect.borders import FARTHEST, glued
from leakguard.detect.engine import Engine
from leakguard.detect.sample import Text, fitting_path, sample, seeded
from leakguard.detect.stage1 import Ends, compile_databases
from leakguard.model import Rule, RuleSet

FLOOD = 64 * 1024
"""Bytes of an adversarial text."""
SECOND_STAGE = 0.5
"""Seconds that the second stage may take for one adversarial text."""
ONE_SEARCH = 20e-6
"""Seconds that a search costs whatever the pattern is: not the rule's fault, and not counted."""
REFERENCE = 130e-6
"""Seconds that `_reference` takes where nothing else runs, on the machine that these bounds were measured on."""
BETWEEN = 4e-3
"""Processor seconds of what is measured between two looks at the reference."""
TRIES = 3
"""How often what seems too slow is measured."""
ALL_STAGES = 2.0
"""Seconds with the gates: a proof may cost something, but not as much as it likes."""
RULES_PER_SECOND = 200
"""How fast all rules together must compile."""
LARGEST_SHARE = 0.05
"""How much of all compile time one rule may take."""


class Slow(NamedTuple):
    """What keeps a rule busy. `hopeless`: so badly that it must not be run at all."""

    field: str
    message: str
    error: bool = True
    hopeless: bool = False



def slowness(rule: Rule, examples: Sequence[Text]) -> Iterator[Slow]:
    """Which kind of text keeps a rule busy for too long; at most one."""
    seeds = _seeds(rule, examples)
    if rule.shape:
        yield from _slow_shape(rule, list(floods(seeds, rule.width[1])))
        return
    pattern, only = compiled(rule.pattern), OneTrigger(rule.trigger)
    engine = Engine(RuleSet((rule,), (), (), "check"), only, decode_depth=0)

    def second_stage(text: bytes, bound: float) -> float:
        return _second_stage(pattern, rule, only, text, bound)

    def all_stages(text: bytes, _bound: float) -> float:
        watch = Stopwatch()
        engine.scan(text, fitting_path(rule))
        return watch.seconds()

    for kind, unit in floods(seeds, rule.width[1]):
        taken = _measured(second_stage, unit, rule, SECOND_STAGE)
        if taken > SECOND_STAGE:
            yield _too_slow("pattern", kind, taken, unit)
            return
        if "near" in kind or "prefix" in kind:
            continue  # gates are asked about matches only
        taken = _measured(all_stages, unit, rule, ALL_STAGES)
        if taken > ALL_STAGES:
            yield Slow("gates", f"{kind} of 64 KiB takes {taken:.1f} s with the gates\n    {shown(unit)}", error=False)
            return


def _too_slow(field: str, kind: str, taken: float, unit: bytes) -> Slow:
    hopeless = taken >= 2 * SECOND_STAGE  # measuring stops at the bound, unless one search alone went past it
    message = f"{kind} of 64 KiB keeps the second stage busy for {taken:.2f} s (at most {SECOND_STAGE} s)"
    return Slow(field, f"{message}\n    {shown(unit)}", hopeless=hopeless)


def _measured(measure: Callable[[bytes, float], float], unit: bytes, rule: Rule, bound: float) -> float:
    """Seconds that 64 KiB of a unit take. Measured on less first: there is nothing that makes a search quicker than it is, so
    what is far below the bound there is. All else is measured in full, and anew where it went beyond the bound."""
    size = -(-max(FLOOD // 32, 3 * rule.width[1]) // len(unit)) * len(unit)
    if size < FLOOD:
        share = size / FLOOD
        taken = measure(_flood(unit, size), bound / 2 * share)
        if taken <= bound / 2 * share:
            return taken / share
    text = _flood(unit, FLOOD)
    taken = measure(text, bound)
    for _ in range(TRIES - 1):
        if taken <= bound or taken >= 2 * bound:
            break
        taken = min(taken, measure(text, bound))
    return taken


class Stopwatch:
    """Seconds since it was made, as they would be on an idle machine: beside a busy one all takes half as long again or
    twice as long, and differently from one moment to the next. Only this thread's processor time counts."""

    def __init__(self) -> None:
        self._reference, self._looks, self._spent = _reference(), 1, 0.0
        self._since = time.thread_time()

    def seconds(self) -> float:
        """What was spent so far."""
        running = time.thread_time() - self._since
        if running > BETWEEN:
            self._spent += running
            for _ in range(min(64, round(running / BETWEEN))):  # after a long search as many as beside many short ones
                self._reference += _reference()
                self._looks += 1
            self._since, running = time.thread_time(), 0.0
        return (self._spent + running) / self.pace

    @property
    def pace(self) -> float:
        """How many times as long as on an idle machine everything takes."""
        return self._reference / self._looks / REFERENCE or 1.0  # a clock that stood still told nothing


def _reference() -> float:
    """Processor seconds of a search that is always the same: it tries and goes back, as what is measured does."""
    pattern = compiled("a[a-h]{1,20}[a-h]{1,20}(?P<secret>[0-9])")
    started = time.thread_time()
    pattern.search(_REFERENCE_TEXT)
    return time.thread_time() - started


_REFERENCE_TEXT = b"abcdefgh" * 20 + b"--9"


def _flood(unit: bytes, size: int) -> bytes:
    return (unit * (size // len(unit) + 1))[:size]


def shown(data: bytes, at: int = 0) -> str:
    """A made text around an offset, printable and short."""
    low = max(0, at - 60)
    return ascii(data[low : low + 160].decode("latin-1"))


@lru_cache(maxsize=64)
def compiled(pattern: str) -> Any:
    """A pattern for the second stage."""
    import regex

    return regex.compile(pattern.encode())


class OneTrigger:
    """Stage 1 with one rule's trigger, numbered 0."""

    def __init__(self, trigger: str) -> None:
        self._database = hyperscan.Database()
        self._database.compile(expressions=[trigger.encode()], ids=[0], elements=1)
        self._scratch = hyperscan.Scratch(self._database)

    def scan(self, data: bytes, deep: bool) -> Ends:
        ends: Ends = []

        def on_match(ident: int, _start: int, end: int, _flags: int, _context: object) -> None:
            ends.append((ident, end))

        self._database.scan(data, match_event_handler=on_match, scratch=self._scratch)
        return ends

    def names(self, data: bytes) -> Ends:
        return []


def _seeds(rule: Rule, examples: Sequence[Text]) -> list[tuple[bytes, int]]:
    """Matches to make floods from, with the offset in them where the secret starts."""
    rng = seeded(f"{rule.id}:floods")
    if rule.shape:
        made = [sample(rule.shape, rng), sample(rule.shape, rng, most=True)]
        return [(secret, 0) for secret in [*(text.secret for text in examples), *made]]
    pattern = compiled(rule.pattern)
    texts = [text.data for text in examples]
    texts += [b"\n%s\n" % sample(rule.pattern, rng, most) for most in (False, True)]
    seeds = []
    for text in texts:
        try:
            found = pattern.search(text, timeout=SECOND_STAGE)
        except TimeoutError:
            found = None
        if found is not None and found.group():
            seeds.append((found.group(), found.start("secret") - found.start()))
        elif text.strip():
            seeds.append((text.strip(), 0))
    return seeds


def floods(seeds: Sequence[tuple[bytes, int]], most: int) -> Iterator[tuple[str, bytes]]:
    """(what it is, unit to repeat): what a pattern almost, often, or endlessly matches. `most`: bytes of its longest match.

    What is almost a match stands before a match, too: the first stage sends nobody to a text without one, and a search ends
    at once where a character that must come is nowhere. Such a run is as long as a window to the left of the match shows.
    """
    done: set[bytes] = set()
    for seed, at in seeds:
        middle = seed[len(seed) // 2 : len(seed) // 2 + 1]
        prefix = seed[: max(at, 4)]
        run = max(64, min(4096, most - len(prefix) - len(seed) - 1))
        for kind, unit in (
            ("a run of matches", seed),
            ("a list of matches", seed + b"\n"),
            ("a list of near matches", seed[:-1] + b"\x01"),
            ("a flood of prefixes", prefix),
            ("a list of prefixes", prefix + b" "),
            ("a flood of one character", middle),
            ("a prefix and a flood of one character", prefix + middle * 4096),
            ("a prefix and a flood of spaces", prefix + b" " * 4096),
            ("near matches before matches", seed[:-1] + b"\x01" + seed),
            ("a prefix and a flood of one character before a match", prefix + middle * run + b"\x01" + seed),
            ("a prefix and a flood of spaces before a match", prefix + b" " * run + b"\x01" + seed),
        ):
            if unit and unit not in done:
                done.add(unit)
                yield kind, unit


def _second_stage(pattern: Any, rule: Rule, stage1: OneTrigger, text: bytes, bound: float) -> float:
    """Seconds the second stage's searches take, as Engine._stage2 walks from end to end, beyond what any search costs.

    Stops beyond `bound`: a catastrophic pattern would take days. One search that is not done by then is at least twice as
    long as that.
    """
    ends = sorted({end for _, end in stage1.scan(text, False)})
    most = rule.width[1]
    watch, calls, position, behind = Stopwatch(), 0, 0, 0

    def search(where: bytes, start: int, stop: int) -> Any:
        nonlocal calls
        calls += 1
        if (taken := watch.seconds() - calls * ONE_SEARCH) > bound:
            raise _BeyondError(taken)
        try:
            return pattern.search(where, start, stop, timeout=_patience(bound, watch))
        except TimeoutError:
            raise _BeyondError(max(2 * bound, watch.seconds())) from None

    try:
        for end, following in zip(ends, [*ends[1:], len(text)][: len(ends)], strict=True):
            position = max(position, end - most)
            limit = end + most + 256 + (most if following - end < most // 4 else 0)
            led = False
            while position <= end:
                found = search(text, position, limit)
                if found is None or found.start() > end:
                    position = limit - most + 1 if found is None else min(found.start(), limit - most + 1)
                    break
                position = found.start() + 1
                led = True
            if not led and behind <= end:
                _, behind = glued(search, text, max(0, behind, end - min(most, FARTHEST)), end, limit, most)
    except _BeyondError as beyond:
        return beyond.seconds
    return max(0.0, watch.seconds() - calls * ONE_SEARCH)


class _BeyondError(Exception):
    """Searches took longer than they are measured for."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


def _patience(bound: float, watch: Stopwatch) -> float:
    """Processor seconds after which a search is given up, so many that it is beyond twice the bound however busy the machine."""
    return 2.5 * bound * max(1.0, watch.pace) + 0.005


def _slow_shape(rule: Rule, units: Sequence[tuple[str, bytes]]) -> Iterator[Slow]:
    """A shape is tried once per value, and 64 KiB hold so many values of its size."""
    shape = compiled(rule.shape)
    longest = min(rule.width[1], 1024)  # context.py cuts no longer values out
    for kind, unit in units:
        for size in {longest, max(longest - 1, 1), max(rule.width[0], 1)}:
            value = _flood(unit, size)
            calls = FLOOD // size + 1
            taken = _all_values(shape, value, calls)
            for _ in range(TRIES - 1):
                if SECOND_STAGE < taken < 2 * SECOND_STAGE:
                    taken = min(taken, _all_values(shape, value, calls))
            if taken > SECOND_STAGE:
                yield _too_slow("shape", kind, taken, value)
                return


def _all_values(shape: Any, value: bytes, calls: int) -> float:
    """Seconds that so many trials of one value take beyond what any trial costs; three tell if that is far below the bound."""
    quickest = float("inf")
    watch = Stopwatch()
    for call in range(1, calls + 1):
        started = time.thread_time()
        try:
            shape.fullmatch(value, timeout=_patience(SECOND_STAGE, watch))
        except TimeoutError:
            return max(2 * SECOND_STAGE, watch.seconds())
        quickest = min(quickest, time.thread_time() - started)
        if call == 3 and (quickest - ONE_SEARCH) * calls <= SECOND_STAGE / 2:
            return max(0.0, (quickest - ONE_SEARCH) * calls)
        taken = watch.seconds() - call * ONE_SEARCH
        if taken > SECOND_STAGE:
            return taken
    return max(0.0, watch.seconds() - calls * ONE_SEARCH)


class Times(NamedTuple):
    """What compiling costs: the whole, and (rule id, seconds, share of the sum) of each alone, slowest first."""

    whole: float
    bound: float
    each: tuple[tuple[str, float, float], ...]

    @property
    def problems(self) -> list[str]:
        """What takes more than its share, in words."""
        out = [f"{ident}: {share:.1%} of all compile time" for ident, _, share in self.each if share > LARGEST_SHARE]
        if self.whole > self.bound:
            out.append(f"compiling everything takes {self.whole:.2f} s, at most {self.bound:.2f} s")
        return out


def compile_times(ruleset: RuleSet) -> Times:
    """Measures the compile of all rules together, and of each trigger alone."""
    watch = Stopwatch()
    compile_databases(ruleset)
    whole = watch.seconds()
    alone = []
    for rule in ruleset.rules:
        if rule.trigger:
            watch = Stopwatch()
            OneTrigger(rule.trigger)
            alone.append((rule.id, watch.seconds()))
    total = sum(taken for _, taken in alone) or 1.0
    each = sorted(((ident, taken, taken / total) for ident, taken in alone), key=lambda row: -row[1])
    return Times(whole, max(1.0, len(ruleset.rules) / RULES_PER_SECOND), tuple(each))
