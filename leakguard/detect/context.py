"""Values that only their name or surroundings explain: assignments, fields, headers, call arguments, options.

Stage 1 reports where something that is named like a credential is given a value. Here the name and the value are
cut out, the provider is looked for (in the name, in what encloses it, near it), and the `shape` rule that fits both
is chosen; a value no provider explains is left to the rules of the generic packs.

Adding a provider adds data only: aliases, shapes and names of its pack. Knows no files; depends on no more than
`NEAR` bytes around the value. Imported by engine.py only.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from leakguard.detect.assign import KIN, PART_NAMES, Assigned, assigned, part_of, words
from leakguard.detect.gates import Candidate
from leakguard.detect.scope import Place, inside, nested_between, place
from leakguard.model import Confidence, Rule, RuleSet

Find = Callable[[bytes], "list[tuple[int, int]]"]

NEAR = 1500
"""Bytes before a value in which its provider may be named; half as many after it."""

WEAK = 500
"""Evidence below this (a name in another paragraph) lowers the confidence by one."""


class Evidence(NamedTuple):
    """Why a provider was taken for the one a value belongs to."""

    provider: str
    strength: int
    reason: str


class Context:
    """The contextual half of the engine. `judge(rule index, candidate)` runs a rule's gates; `find(data)` gives
    (number of a name in `name_texts`, end offset) of every mention of a provider."""

    def __init__(self, ruleset: RuleSet, judge: Callable[[int, Candidate], int], find: Find) -> None:
        self.judge = judge
        self.find = find
        self._shapes: dict[int, Any] = {}
        self._paths: dict[str, list[tuple[int, str]]] = {}
        self.rules = ruleset.rules
        self.generic: list[int] = []
        self.providers: set[str] = set()
        self.by_shape: dict[str, list[int]] = {}
        self._by_size: dict[int, list[tuple[Any, list[int]]]] = {}
        for index, rule in enumerate(ruleset.rules):
            if not rule.shape:
                continue
            if rule.generic:
                self.generic.append(index)
            else:
                self.providers.add(rule.provider)
                self.by_shape.setdefault(rule.shape, []).append(index)
        self.aliases: dict[str, str] = {}
        self.names: list[tuple[int, str]] = []
        self.name_texts: list[bytes] = []
        for venue in ruleset.venues:
            if venue.provider not in self.providers:
                continue
            for alias in (*venue.aliases, *venue.hosts):
                self.aliases.setdefault(_squash(alias), venue.provider)
                for text in spellings(alias):
                    self.names.append((len(text), venue.provider))
                    self.name_texts.append(text)

    # ------------------------------------------------------------ extraction
    def hits(self, data: bytes, ends: list[tuple[int, int]], path: str) -> list[Any]:
        """The contextual matches behind stage-1 ends (trigger number, end offset)."""
        from leakguard.detect.engine import Hit

        out: list[Hit] = []
        seen: set[tuple[int, int]] = set()
        mentions = Mentions(data, self.find, self.names)
        for found in assigned(data, ends):
            span = (found.start, found.end)
            if span in seen:
                continue
            seen.add(span)
            chosen = self.choose(data, found, path, mentions)
            if chosen is None:
                continue
            index, candidate, confidence, reasons = chosen
            out.append(
                Hit(
                    index, found.name_start, found.end, candidate.start, candidate.end, confidence,
                    found.name.decode("latin-1"), tuple(candidate.facts.items()), reasons,
                )
            )  # fmt: skip
        return out

    # ------------------------------------------------------------ choice of a rule
    def choose(
        self, data: bytes, assigned: Assigned, path: str, mentions: Mentions
    ) -> tuple[int, Candidate, int, tuple[str, ...]] | None:
        """The best rule for a value, or None: first a provider's, then the generic ones."""
        value = data[assigned.start : assigned.end]
        name = words(assigned.name)
        fitting = self._fitting(value)
        if fitting:
            for evidence in self._evidence(data, assigned, name, path, {self.rules[i].provider for i in fitting}, mentions):
                for rank, index in self._by_name(fitting, evidence.provider, name):
                    if evidence.strength < WEAK and rank > 1:
                        continue  # a name that fits half and a venue that stands far off are too little together
                    candidate = Candidate(data, assigned.start, assigned.end, assigned.name, path=path)
                    confidence = self.judge(index, candidate)
                    if confidence:
                        if evidence.strength < WEAK and confidence < Confidence.CERTAIN:
                            confidence = max(int(Confidence.LOW), confidence - 1)
                        return index, candidate, confidence, (evidence.reason,)
        for _, index in self._by_name(self.generic, "", name):
            if not self._shape(index).fullmatch(value):
                continue
            candidate = Candidate(
                data, assigned.start, assigned.end, assigned.name,
                {"quote": assigned.quote, "form": b"%d" % assigned.form}, path,
            )  # fmt: skip
            confidence = self.judge(index, candidate)
            if confidence:
                return index, candidate, confidence, ("named like a secret",)
        return None

    def _fitting(self, value: bytes) -> list[int]:
        """Shape rules whose shape the whole value has. Rules that share a shape are tried once."""
        size = len(value)
        shapes = self._by_size.get(size)
        if shapes is None:
            shapes = self._by_size[size] = [
                (self._shape(indexes[0]), indexes)
                for indexes in self.by_shape.values()
                if self.rules[indexes[0]].width[0] <= size <= self.rules[indexes[0]].width[1]
            ]
        return [index for shape, indexes in shapes if shape.fullmatch(value) for index in indexes]

    def _shape(self, index: int) -> Any:
        shape = self._shapes.get(index)
        if shape is None:
            import regex

            shape = self._shapes[index] = regex.compile(self.rules[index].shape.encode())
        return shape

    def _named(self, index: int, name: Sequence[str]) -> bool:
        text = f"_{'_'.join(name)}_"
        return any(f"_{'_'.join(words(own.encode()))}_" in text for own in self.rules[index].names)

    def _by_name(self, fitting: list[int], provider: str, name: tuple[str, ...]) -> list[tuple[int, int]]:
        """(rank, index) of the provider's fitting rules, best name first: its own names, then the part's, then its kin's."""
        part = part_of(name)
        ranked = []
        for index in fitting:
            rule = self.rules[index]
            if provider and rule.provider != provider:
                continue
            if self._named(index, name):
                rank = 0
            elif rule.part == part:
                rank = 1
            elif part in KIN.get(rule.part, ()):
                rank = 2
            else:
                continue
            ranked.append((rank, index))
        return sorted(ranked)

    # ------------------------------------------------------------ evidence of a provider
    def _evidence(
        self, data: bytes, assigned: Assigned, name: Sequence[str], path: str, providers: set[str], mentions: Mentions
    ) -> list[Evidence]:
        """Providers named in the name, then around the value, then in the path; strongest first."""
        found: dict[str, Evidence] = {}
        for size, provider in self._in_words(name):
            if provider in providers:
                _keep(found, provider, 1000 + size, "named in the variable")
        if not found:
            for provider, strength, reason in self._near(data, assigned, mentions):
                if provider in providers:
                    _keep(found, provider, strength, reason)
            for size, provider in self._in_path(path):
                if provider in providers:
                    _keep(found, provider, 500 + size, "named in the path")
        return sorted(found.values(), key=_by_strength)

    def _in_words(self, name: Sequence[str]) -> list[tuple[int, str]]:
        """(words, provider) of the aliases among a name's words; of two that overlap the longer one."""
        out: list[tuple[int, str]] = []
        at = 0
        while at < len(name):
            for size in range(min(4, len(name) - at), 0, -1):
                provider = self.aliases.get("".join(name[at : at + size]))
                if provider is not None:
                    out.append((size, provider))
                    at += size - 1
                    break
            at += 1
        return out

    def _in_path(self, path: str) -> list[tuple[int, str]]:
        known = self._paths.get(path)
        if known is None:
            if len(self._paths) > 64:
                self._paths.clear()
            known = self._paths[path] = self._in_words(words(path[-120:].encode("utf-8", "surrogateescape")))
        return known

    def _near(self, data: bytes, assigned: Assigned, mentions: Mentions) -> list[tuple[str, int, str]]:
        """(provider, strength, reason) of the names around a value, by where they stand in its surroundings."""
        low = max(0, assigned.start - NEAR)
        around = mentions.between(low, min(len(data), assigned.end + NEAR // 2))
        if not around:
            return []
        where = place(data, assigned.name_start, assigned.end)
        out: list[tuple[str, int, str]] = []
        for start, end, provider in around:
            if start >= assigned.start and end <= assigned.end:
                continue
            strength, reason = _strength(data, where, start, end)
            distance = assigned.start - end if end <= assigned.start else start - assigned.end
            # of two that stand alike the nearer one, and the one before rather than the one after
            tie = 9 - 9 * distance // NEAR - (3 if start > assigned.start else 0)
            out.append((provider, strength * 10 + tie, reason))
        return out


def _keep(found: dict[str, Evidence], provider: str, strength: int, reason: str) -> None:
    if provider not in found or found[provider].strength < strength:
        found[provider] = Evidence(provider, strength, reason)


def _strength(data: bytes, where: Place, start: int, end: int) -> tuple[int, str]:
    """How much a provider's name at [start, end) says about a value in `where`, 1 to 99, and in words."""
    span = (start, end)
    for depth, head in enumerate(where.heads):
        if inside(span, head):
            return 95 - 2 * depth, "named by what it stands in"
    for depth, outer in enumerate(where.objects):
        if inside(span, outer):
            if not nested_between(data, outer, start):
                return 90 - 6 * depth, "named beside it"
            break
    if inside(span, where.line):
        return 84, "named on its line"
    if where.block[0] > where.paragraph[0] and inside(span, where.block):
        return 80, "named beside it"
    if inside(span, where.paragraph):
        return (70, "named just before it") if end <= where.line[0] else (55, "named just after it")
    if inside(span, where.section):
        return (45, "named before it") if end <= where.line[0] else (30, "named after it")
    return (40, "named before it") if end <= where.line[0] else (20, "named after it")


class Mentions:
    """Where providers are named in one buffer. Looked for once, when the first value asks."""

    __slots__ = ("_data", "_ends", "_find", "_names")

    def __init__(self, data: bytes, find: Find, names: Sequence[tuple[int, str]]) -> None:
        self._data = data
        self._find = find
        self._names = names
        self._ends: list[tuple[int, int]] | None = None

    def between(self, low: int, high: int) -> list[tuple[int, int, str]]:
        """(start, end, provider) of the names that stand as whole words in data[low:high]."""
        if self._ends is None:
            self._ends = sorted((end, number) for number, end in self._find(self._data))
        ends = self._ends
        out = []
        for at in range(bisect_left(ends, (low, 0)), len(ends)):
            end, number = ends[at]
            if end > high:
                break
            size, provider = self._names[number]
            start = end - size
            if start >= low and _is_word(self._data, start, end):
                # binance in binance_us: the longer name is the one that was meant
                while out and out[-1][0] >= start and out[-1][1] < end:
                    out.pop()
                if not (out and out[-1][0] < start and out[-1][1] == end):
                    out.append((start, end, provider))
        return out


def _is_word(data: bytes, start: int, end: int) -> bool:
    """Whether data[start:end] begins and ends where a word of a name does: at a non-letter or a change of case."""
    first, last = data[start : start + 1], data[end - 1 : end]
    before, after = data[start - 1 : start] if start else b"", data[end : end + 1]
    if before.isalpha() and first.isalpha() and not (before.islower() and first.isupper()):
        return False
    if not (after.isalpha() and last.isalpha()):
        return True
    # binanceKey, OKXClient: a capital after small letters, or one that begins a word of small letters
    return after.isupper() and (last.islower() or data[end + 1 : end + 2].islower())


def spellings(alias: str) -> list[bytes]:
    """The ways a name of several words is written (gate_io, gate-io, gateio); a host has one."""
    pieces = [piece for piece in re.split(r"[ _\-]+", alias.lower()) if piece]
    if "." in alias:
        return [alias.lower().encode()]
    return list(dict.fromkeys(joint.join(pieces).encode() for joint in ("", "_", "-", ".", " ")))


def _squash(alias: str) -> str:
    return "".join(words(alias.encode()))


def _by_strength(evidence: Evidence) -> tuple[int, str]:
    return -evidence.strength, evidence.provider


def rule_names(rule: Rule) -> tuple[str, ...]:
    """The names a shape rule listens to, for `rules show`."""
    own = tuple("_".join(words(name.encode())) for name in rule.names)
    return own + next((runs for part, runs in PART_NAMES if part == rule.part), ())
