"""Hits, and which of those that overlap is meant: the better one, wherever windows and views begin.

Pure functions of places and ranks; sees no bytes. Imported by engine.py and context.py.
"""

# No `from __future__ import annotations` here: NamedTuple would compile every annotation, on every start.
from bisect import bisect_left
from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple, TypeVar

from leakguard.model import Confidence, Match, Rule

UNDOCUMENTED = "not of a form that is documented"
"""The reason of what a provider's rule was given by its name alone (unshaped.py): it yields like what is generic, as two lines
taken for one value would."""
ADDRESSED = "named by the host it is sent to"
"""The reason of what a provider's rule was given by the host alone (addressed.py): it yields to all that has a rule of its own."""


class Hit(NamedTuple):
    """A match inside one buffer, before overlaps are settled. Offsets in that buffer."""

    rule: int
    start: int
    end: int
    secret_start: int
    secret_end: int
    confidence: int
    name: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    reasons: tuple[str, ...] = ()


Found = tuple[Match, tuple[int, ...]]
"""A match and its rank among those it overlaps."""


def rank_of(hit: Hit, rules: Sequence[Rule]) -> tuple[int, int, int, int, int]:
    """Proven before anything else, a provider's before a generic one's, then the surer, the longer, the earlier rule."""
    rule = rules[hit.rule]
    return (
        int(hit.confidence == Confidence.CERTAIN),
        1 if ADDRESSED in hit.reasons else 0 if rule.generic or UNDOCUMENTED in hit.reasons else 1 if rule.yields else 2,
        hit.confidence,
        hit.secret_end - hit.secret_start,
        -hit.rule,
    )


def best(hits: list[Hit], rules: Sequence[Rule]) -> list[Hit]:
    """Of hits whose secrets overlap the best one. A hit yields to any better one it overlaps, whether or not
    that one yields itself: so the outcome depends on near neighbours only, and not on windows."""
    if len(hits) < 2:
        return hits
    return [hit for hit, _ in _drop([(hit, rank_of(hit, rules), group) for group, hit in enumerate(hits)])]


def settle(groups: list[list[Found]], packed: Sequence[int] = ()) -> list[Found]:
    """The same between a buffer and each of its views: a raw match wins over its decoded echo. Matches of one group
    were settled where they stand; packed, they would all seem to stand in one place. `packed`: the groups of which that is so. What
    stands in the open among the packed bytes is at the place of all of them, and an echo of one at most: that of the same secret."""
    kept = _drop([(match, rank, number) for number, group in enumerate(groups) for match, rank in group])
    known = {match.key for match, _ in kept} if packed else set()
    before = len(kept)
    for number in packed:
        lost = [(match, rank) for match, rank in groups[number] if match.key not in known]
        known.update(match.key for match, _ in lost)
        kept += lost
    if len(kept) > before:
        kept.sort(key=lambda one: (one[0].secret_start, one[0].secret_end))
    return kept


_T = TypeVar("_T", Hit, Match)
_WIDE = 4096
"""Secrets longer than this are compared one by one, so that one of them does not make all others seem near."""


def _drop(items: list[tuple[_T, tuple[int, ...], int]]) -> list[tuple[_T, tuple[int, ...]]]:
    """The (item, rank) that no better one of another group overlaps, by place."""
    items.sort(key=_by_place)
    strongest: dict[tuple[int, int, int], tuple[tuple[int, ...], int]] = {}
    for number, (item, rank, group) in enumerate(items):
        key = (item.secret_start, item.secret_end, group)
        strongest[key] = max(strongest.get(key, (rank, -number)), (rank, -number))
    places = list(strongest)
    starts = [place[0] for place in places]
    sizes = [place[1] - place[0] for place in places]
    reach = max((size for size in sizes if size <= _WIDE), default=0)
    wide = [number for number, size in enumerate(sizes) if size > _WIDE]
    rivals: dict[tuple[int, int, int], tuple[tuple[int, ...], int]] = {}
    for start, end, group in places:
        near = range(bisect_left(starts, start - reach), bisect_left(starts, end))
        best: tuple[tuple[int, ...], int] = ((), 1)
        for number in chain(near, (n for n in wide if n < near.start)):
            other = places[number]
            if other[2] != group and other[1] > start:
                best = max(best, strongest[other])
        rivals[start, end, group] = best
    return [
        (item, rank)
        for number, (item, rank, group) in enumerate(items)
        if rivals[item.secret_start, item.secret_end, group] < (rank, -number)
    ]


def _by_place(item: tuple[Hit | Match, tuple[int, ...], int]) -> tuple[int, int, tuple[int, ...], int]:
    return item[0].secret_start, item[0].secret_end, item[1], item[2]
