"""Joins the parts of a credential (key, secret, passphrase, uid) that belong together into one set.

Structure first: the same object, block, section or call, and names that differ in nothing but the part they name
(`X_MAIN_KEY`, `X_MAIN_SECRET`); distance last. Two accounts in one text give two sets and never a cross: a part is in
one set at most, and names whose stems contradict each other are never joined.

Pure functions over the matches of one buffer; knows no files. Imported by findings.py and triage/.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

from leakguard.detect.assign import PART_NAMES, words
from leakguard.detect.scope import Place, place
from leakguard.model import Match, RuleSet, SetRule

FARTHEST = 3000
"""Bytes between two parts beyond which nothing but one and the same object joins them."""

MOST_PAIRED = 120
"""Parts of one kind of set in a buffer of which each is held against each other; of more, each against its neighbours."""
MOST_FAR = 32
"""Neighbours of one object, line or name, however far they are."""

_REFUSED = -1000


class Grouping(NamedTuple):
    """A set found: its rule, and which match plays which role."""

    rule: SetRule
    parts: tuple[tuple[str, int], ...]
    """(role, index of the match), in the order of the rule."""
    missing: tuple[str, ...]
    """Required roles nobody was found for."""

    @property
    def complete(self) -> bool:
        """Whether no required part is missing."""
        return not self.missing


class _Part(NamedTuple):
    number: int
    match: Match
    role: str
    stem: frozenset[str]
    """What its name says of the account: without the words for parts and for the venue."""
    name: frozenset[str]
    """The same with the venue's words."""
    where: Place
    document: int
    """Where the rule of three dashes before it stands: between documents of YAML, between notes."""
    crowded: bool = False
    """Whether parts of several roles are in that document: then what misses its other half has none in the next one."""


def pair(data: bytes, matches: Sequence[Match], ruleset: RuleSet) -> list[Grouping]:
    """All sets among the matches of one buffer, complete ones and lone halves."""
    by_rule: dict[str, list[int]] = {}
    for index, match in enumerate(matches):
        by_rule.setdefault(ruleset.rules[match.rule].id, []).append(index)
    out: list[Grouping] = []
    taken: set[int] = set()
    # the set that asks for most first: key, secret and passphrase before key and secret
    for rule in sorted(ruleset.sets, key=_by_demands):
        roles = _roles(rule, by_rule, taken)
        if roles:
            # parts of one role alone: nothing to join, so nobody need know where they stand
            lone = len({role for role, _ in roles}) == 1
            own = frozenset() if lone else _venue_words(ruleset, rule.provider)
            groups = (
                [_grouping(rule, {r: i}) for r, i in roles] if lone else _group(rule, _parts(data, matches, roles, own))
            )
            for grouping in groups:
                out.append(grouping)
                if grouping.complete:
                    taken.update(index for _, index in grouping.parts)
    done = {index for grouping in out if grouping.complete for _, index in grouping.parts}
    return [grouping for grouping in out if grouping.complete or not any(index in done for _, index in grouping.parts)]


def _by_demands(rule: SetRule) -> tuple[int, str]:
    return -len(rule.required), rule.id


def _roles(rule: SetRule, by_rule: dict[str, list[int]], taken: set[int]) -> list[tuple[str, int]]:
    """(role, index of the match) of every match that could be a part of the set."""
    return [
        (role, index)
        for role, ids in rule.parts
        for ident in ids
        for index in by_rule.get(ident, ())
        if index not in taken
    ]


def _venue_words(ruleset: RuleSet, provider: str) -> frozenset[str]:
    """Words that tell no account of a venue from another, because they name the venue: CBP_KEY and GDAX_SECRET."""
    aliases = next((venue.aliases for venue in ruleset.venues if venue.provider == provider), ())
    return frozenset(word for alias in (*aliases, provider) for word in words(alias.encode()) if not word.isdigit())


def _parts(data: bytes, matches: Sequence[Match], roles: list[tuple[str, int]], own: frozenset[str]) -> list[_Part]:
    out = []
    for role, index in roles:
        match = matches[index]
        # a pattern may begin within the name: BITMART_UID of SUB1_BITMART_UID
        name = _stem(match.name or _name_before(data, match.secret_start) or _name_before(data, match.start))
        low = max(0, match.start - FARTHEST)
        document = max(data.rfind(rule, low, match.start) for rule in _RULES)
        out.append(_Part(index, match, role, name - own, name, place(data, match.start, match.end), document))
    if len({part.document for part in out}) == 1:
        return out
    roles_of: dict[int, set[str]] = {}
    for part in out:
        roles_of.setdefault(part.document, set()).add(part.role)
    return [part._replace(crowded=len(roles_of[part.document]) > 1) for part in out]


_RULES = (b"\n---\n", b"\n---\r\n")


# NAME=v, "name": "v", name <- "v", NAME ?= v, NAME As String = "v", NAME: &str = "v", set -gx NAME "v"
_NAME_BEFORE = re.compile(
    rb"([A-Za-z_][\w.\-]{0,79})[\"'`\])]{0,3}"
    rb"(?:(?:[ \t](?:[Aa]s [Ss]tring|string|String)|: ?[&\w'<>]{2,20}(?: str)?)? ?=|[ \t]{0,8}(?:=>|:=|<-|\?=|[:=])|[ \t]{1,12}(?=[\"'`]))"
    rb"[ \t]{0,8}[\"'`]{0,3}\Z"
)
# <string name="NAME">v, <add key="NAME" value="v, "name": "NAME", "value": "v, variable "NAME" { default = "v, <NAME>v
_NAMED_FIELD = re.compile(
    rb"(?:\b(?:name|key|id)[\"']?[ \t]?[:=][ \t]?[\"']?([A-Za-z_][\w.\-]{0,79})[\"']?[^<>{}\"']{0,60}"
    rb"(?:>|[\"']?\b(?:value|string_value)[\"']?[ \t]?[:=][ \t]?[\"']?)"
    rb"|[\"']([A-Za-z_][\w.\-]{0,79})[\"'] ?:? ?\{[^{}]{0,60}\b(?:value|default)[\"']?[ \t]{0,8}[:=][ \t]?[\"']"
    rb"|<([A-Za-z_][\w.\-]{0,79})>|>([A-Za-z_][\w.\-]{0,79})</key>\s{0,40}<\w{1,8}>)\s{0,40}\Z"
)
_FIELDS = frozenset({"value", "default", "string_value"})
"""What a value stands under whose name is another field's."""


def _name_before(data: bytes, start: int) -> str:
    """The name a value that speaks for itself was given to; "" if to none."""
    # without the zeros of UTF-16, of which every other byte is one
    before = data[max(0, start - 400) : start].replace(b"\0", b"")[-200:]
    found = _NAME_BEFORE.search(before[-100:])
    if found is None or found.group(1).decode("latin-1").lower() in _FIELDS:
        found = _NAMED_FIELD.search(before) or found
    return next(group for group in found.groups() if group).decode("latin-1") if found else ""


def _grouping(rule: SetRule, filled: dict[str, int]) -> Grouping:
    ordered = tuple((role, filled[role]) for role, _ in rule.parts if role in filled)
    return Grouping(rule, ordered, tuple(role for role in rule.required if role not in filled))


_PART_WORDS = frozenset(
    word for _, runs in PART_NAMES for run in runs for word in run.split("_")
) | {"x", "id", "public", "b64", "value", "v", "the", "my", "self", "this", "config", "const", "let", "var", "of"}  # fmt: skip


def _stem(name: str) -> frozenset[str]:
    """What is left of a name without the words for parts: BINANCE_MAIN_API_KEY_1 leaves binance, main and 1."""
    found = words(_ENCODED.sub("", name).encode("latin-1", "replace"))
    return frozenset(_GLUED.sub("", word) for word in found) - _PART_WORDS


_GLUED = re.compile(r"(?<=[a-z]{3})(?:api|secret)?(?:key|secret)\Z")
"""A part's name that nothing parts from the word before it: venueapikey, VENUESECRETKEY."""
_ENCODED = re.compile(r"(?i)(?<![a-z])b(?:ase)?64|(?<=[a-z_\-])b(?:ase)?64(?![a-z])")
"""How a value is written says nothing of the account: b64secret, API_SECRET_BASE64."""


def account_of(name: str, provider: str, ruleset: RuleSet) -> frozenset[str]:
    """What a part's name says of the account it belongs to: `main` of BINANCE_MAIN_KEY. For parts of several files."""
    return _stem(name) - _venue_words(ruleset, provider)


def _group(rule: SetRule, parts: list[_Part]) -> list[Grouping]:
    """Greedy and symmetric: the best-fitting pair of parts is joined first, then the next, as long as none is
    refused by a member of the group it would join."""
    groups: list[list[_Part]] = [[part] for part in parts]
    scores = sorted(
        ((score, a.number, b.number) for a, b in _candidates(parts) if (score := _score(a, b)) > 0),
        key=_best_first,
    )
    group_of = {part.number: group for group in groups for part in group}
    for _, first, second in scores:
        one, two = group_of[first], group_of[second]
        if one is two or any(_score(a, b) == _REFUSED for a in one for b in two):
            continue
        one += two
        for part in two:
            group_of[part.number] = one
    unique = {id(group): group for group in group_of.values()}
    return [_grouping(rule, {part.role: part.number for part in group}) for group in unique.values()]


def _candidates(parts: list[_Part]) -> Iterator[tuple[_Part, _Part]]:
    """Pairs of parts that may go together: all of them, or of many those that are near one another, and of those that are far
    apart in one object or line the next ones, and those of one name."""
    if len(parts) <= MOST_PAIRED:
        yield from combinations(parts, 2)
        return
    order = sorted(range(len(parts)), key=lambda index: parts[index].match.start)
    starts = [parts[index].match.start for index in order]
    groups: dict[object, list[int]] = {}
    for at, index in enumerate(order):
        part = parts[index]
        for key in (part.where.objects[:1], part.where.line):
            if key:
                for whose in (None, part.stem):
                    groups.setdefault((key, whose), []).append(at)
        groups.setdefault(part.name, []).append(at)
    pairs: set[tuple[int, int]] = set()
    for at in range(len(order)):
        last = bisect_right(starts, parts[order[at]].match.end + FARTHEST)
        pairs.update((at, other) for other in range(at + 1, last))
    for group in groups.values():
        for place_of, at in enumerate(group):
            pairs.update((at, other) for other in group[place_of + 1 : place_of + 1 + MOST_FAR])
    for one, two in pairs:
        first, second = sorted((order[one], order[two]))
        yield parts[first], parts[second]


def _best_first(item: tuple[int, int, int]) -> tuple[int, int, int]:
    return -item[0], item[1], item[2]


def _score(a: _Part, b: _Part) -> int:
    """How well two parts go together; _REFUSED for two that cannot be of one set."""
    if a.role == b.role:
        return _REFUSED
    if a.stem != b.stem and a.stem - b.stem and b.stem - a.stem:
        return _REFUSED  # X_MAIN_KEY and X_TEST_SECRET
    distance = max(b.match.start - a.match.end, a.match.start - b.match.end, 0)
    if a.document != b.document and a.crowded and b.crowded:
        return _REFUSED
    together = _together(a.where, b.where) if a.document == b.document else _APART
    # two or three private keys of 1,700 bytes may stand between parts whose names are the same
    if distance > FARTHEST and together < 60 and (a.name != b.name or not a.name or distance > 4 * FARTHEST):
        return 0
    if a.stem != b.stem and (a.stem or b.stem) and _numbers(a.stem) != _numbers(b.stem):
        return _REFUSED if together < 60 else 1
    alike = 50 if a.name == b.name and a.name else 30 if a.stem == b.stem and a.stem else 0
    score = together + alike
    # key first, then secret: of two alike the nearer, and the one after rather than the one before
    return max(1, score + 40 - min(39, distance // 40))


def _numbers(stem: frozenset[str]) -> frozenset[str]:
    return frozenset(word for word in stem if word.isdigit())


def _together(a: Place, b: Place) -> int:
    """What two places share: an object 80, a line 60, a block 50 (of another paragraph 45), a section 40, a paragraph 30."""
    if a.objects and b.objects and a.objects[0] == b.objects[0]:
        return 80
    if a.line == b.line:
        return 60
    if a.objects[:1] != b.objects[:1]:
        return 10
    # lines at the left edge are of one block wherever they stand: a header between them parts them
    parted = _parted(a, b)
    if a.block == b.block and not parted:
        return 50 if a.paragraph == b.paragraph else 45
    if a.section == b.section and a.section[0] and a.paragraph != b.paragraph:
        return 40
    if parted:
        return _APART
    return 30 if a.paragraph == b.paragraph else _APART


_APART = 5


def _parted(a: Place, b: Place) -> bool:
    """Whether the section of the later of two begins between them, with a header."""
    first, second = sorted((a, b))
    start = second.section[0]
    return first.line[1] <= start and any(head[0] == start for head in second.heads)
