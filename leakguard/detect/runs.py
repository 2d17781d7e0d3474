"""What is sure of every match of a pattern: how long a run of certain bytes it has, which bytes it cannot be without, which
it cannot have; and a pattern that matches wherever it does but has fewer states.

For the runtime profile (guards.py): most rules describe long tokens, so a cheap look for long runs says where they
need not be asked. All answers are safe: a match may have more than is said, never less.
Pure functions of patterns, parsed as Python does. Imported by guards.py, when it compiles, and by redact/.
"""

from __future__ import annotations

import re
from re import _constants as _c  # type: ignore[attr-defined]
from re import _parser as _p  # type: ignore[attr-defined]
from typing import Any, NamedTuple

TOKEN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/_-")
"""What tokens are made of; in both cases, so that ignoring case changes nothing."""

_ALL = frozenset(range(256))
_CLASSES = {
    _c.CATEGORY_DIGIT: frozenset(b"0123456789"),
    _c.CATEGORY_WORD: TOKEN - frozenset(b"+/-"),
    _c.CATEGORY_SPACE: frozenset(b" \t\n\r\f\v"),
}
_REPEATS = (_c.MAX_REPEAT, _c.MIN_REPEAT, _c.POSSESSIVE_REPEAT)


class _Part(NamedTuple):
    """What is sure of a piece of a pattern, each a least number of bytes."""

    pure: bool
    """All of it is of the members."""
    size: int
    head: int
    """The run it begins with."""
    tail: int
    """The run it ends with."""
    best: int
    needs: frozenset[int]
    """Bytes that each match has, each of them."""


class Sure(NamedTuple):
    """What is sure of every match of a pattern."""

    run: int
    """The length of a run of the members that it has."""
    needs: frozenset[int]
    """Bytes that it has, each of them."""


_NO_BYTES: frozenset[int] = frozenset()
_EMPTY = _Part(True, 0, 0, 0, 0, _NO_BYTES)


def longest_run(pattern: str, members: frozenset[int] = TOKEN) -> Sure:
    """What every match of a pattern has. re.error if it cannot be parsed."""
    part = sequence(_p.parse(pattern), members)
    return Sure(part.best, part.needs)


_TO_ENDLESS = 4
"""Bounds below it are left: a few states cost nothing."""
_BOUNDS = re.compile(rb"\{([0-9]+),([0-9]+)\}")


def relaxed(pattern: bytes) -> bytes:
    """A pattern that matches at least where this one does: what may come so and so often may come any number of times.
    Hyperscan has one state for `x+` and n for `x{1,n}`."""
    out: list[bytes] = []
    at = 0
    while at < len(pattern):
        stop = at + 1
        if pattern[at] == _BACKSLASH:
            stop = at + 2
        elif pattern[at] == _OPEN:
            stop = class_end(pattern, at)
        elif found := _BOUNDS.match(pattern, at):
            stop = found.end()
            if int(found[2]) >= _TO_ENDLESS:
                out.append({b"0": b"*", b"1": b"+"}.get(found[1], b"{%s,}" % found[1]))
                at = stop
        out.append(pattern[at:stop])
        at = stop
    return b"".join(out)


_BACKSLASH, _OPEN, _CLOSE, _NOT = b"\\[]^"


def class_end(pattern: bytes, at: int) -> int:
    """Where the class of a pattern that begins at `at` ends."""
    at += 1
    if pattern[at] == _NOT:
        at += 1
    if pattern[at] == _CLOSE:
        at += 1
    while pattern[at] != _CLOSE:
        at += 2 if pattern[at] == _BACKSLASH else 1
    return at + 1


BEFORE_RUN = 12
"""A run from which on it matters what stands before it."""


_LABEL = TOKEN - frozenset(b"+/") | frozenset(b".")
"""What stands before the `>` of a mask."""
_AFTER_SIGN = frozenset(b"rR")
"""What stands after its `<`."""
_SIGN, _CLOSING = b"<>"
_BORDER = 256
"""In the place of a byte: it matters what stands here, as a word ends or begins."""


class _Ends(NamedTuple):
    """Which bytes a piece of a pattern may begin and end with, and whether it holds an edge of a mask."""

    empty: bool
    first: frozenset[int]
    last: frozenset[int]
    over: bool


_NOTHING = _Ends(True, frozenset(), frozenset(), False)


def crosses(pattern: str) -> bool:
    """Whether a match could hold, begin or end with an edge of `<redacted:...>`, or depend on whether a word ends beside it; a
    first character before a run of BEFORE_RUN of TOKEN does not count, nor where a word begins with as many letters and digits,
    as none of them follows a mask (quick.alone). re.error if the pattern cannot be parsed."""
    nodes = list(_p.parse(pattern))
    if len(nodes) > 1 and nodes[0][0] in (_c.BRANCH, _c.SUBPATTERN):
        first = _p.SubPattern(_p.State(), nodes[:1])
        if first.getwidth()[1] <= 2 and sequence(nodes[1:], TOKEN).head >= BEFORE_RUN:
            nodes = nodes[1:]
    if nodes and nodes[0] == (_c.AT, _c.AT_BOUNDARY) and sequence(nodes[1:], _ALNUM).head >= BEFORE_RUN:
        nodes = nodes[1:]
    found = _ends(nodes)
    return found.over or bool(found.first & {_CLOSING, _BORDER}) or bool(found.last & {_SIGN, _BORDER})


def _over(before: frozenset[int], after: frozenset[int]) -> bool:
    """Whether one byte and the next may be an edge of a mask."""
    return (_SIGN in before and not after.isdisjoint(_AFTER_SIGN)) or (_CLOSING in after and not before.isdisjoint(_LABEL))


def _ends(nodes: Any) -> _Ends:
    out = _NOTHING
    for operator, value in nodes:
        part = _ends_of(operator, value)
        out = _Ends(
            out.empty and part.empty,
            out.first | part.first if out.empty else out.first,
            out.last | part.last if part.empty else part.last,
            out.over or part.over or _over(out.last, part.first),
        )
    return out


def _ends_of(operator: Any, value: Any) -> _Ends:
    if operator in (_c.LITERAL, _c.IN):
        members = frozenset((value,)) if operator is _c.LITERAL else members_of(value)
        return _Ends(False, members, members, False)
    if operator is _c.SUBPATTERN:
        return _ends(value[3])
    if operator is _c.BRANCH:
        parts = [_ends(nodes) for nodes in value[1]]
        return _Ends(
            any(part.empty for part in parts),
            frozenset().union(*(part.first for part in parts)),
            frozenset().union(*(part.last for part in parts)),
            any(part.over for part in parts),
        )
    if operator in _REPEATS:
        part = _ends(value[2])
        if not value[1]:
            return _NOTHING
        return part._replace(empty=part.empty or not value[0], over=part.over or (value[1] != 1 and _over(part.last, part.first)))
    if operator is _c.AT:
        return _BORDERS if value in (_c.AT_BOUNDARY, _c.AT_NON_BOUNDARY) else _NOTHING
    return _Ends(True, _ALL, _ALL, True)  # nothing is sure of what is not known


_ALNUM = TOKEN - frozenset(b"+/_-")
_BORDERS = _Ends(True, frozenset((_BORDER,)), frozenset((_BORDER,)), False)


def sequence(nodes: Any, members: frozenset[int]) -> _Part:
    """What the nodes of a pattern, one after the other, have of bytes of `members`: their Part."""
    out = _EMPTY
    for operator, value in nodes:
        out = _joined(out, _node(operator, value, members))
    return out


def _node(operator: Any, value: Any, members: frozenset[int]) -> _Part:
    if operator is _c.LITERAL:
        return _byte(frozenset((value,)), members)
    if operator is _c.IN:
        return _byte(members_of(value), members)
    if operator in (_c.ANY, _c.NOT_LITERAL):
        return _byte(_ALL, members)
    if operator is _c.SUBPATTERN:
        return sequence(value[3], members)
    if operator is _c.BRANCH:
        return _either([sequence(nodes, members) for nodes in value[1]])
    if operator in _REPEATS:
        least, most, nodes = value
        part = sequence(nodes, members)
        if not int(least):
            return _either([_EMPTY, part]) if most else _EMPTY
        out = part
        for _ in range(min(int(least), 256) - 1):
            out = _joined(out, part)
        return out
    if operator is _c.AT:
        return _EMPTY
    return _Part(False, 0, 0, 0, 0, _NO_BYTES)  # nothing is sure of what is not known


def _byte(allowed: frozenset[int], members: frozenset[int]) -> _Part:
    inside = allowed <= members
    return _Part(inside, 1, int(inside), int(inside), int(inside), allowed if len(allowed) == 1 else _NO_BYTES)


def members_of(items: Any) -> frozenset[int]:
    """The bytes that a class of a parsed pattern stands for."""
    out: set[int] = set()
    negated = False
    for operator, value in items:
        if operator is _c.NEGATE:
            negated = True
        elif operator is _c.LITERAL:
            out.add(value)
        elif operator is _c.RANGE:
            out.update(range(value[0], value[1] + 1))
        else:
            out |= _CLASSES.get(value, _ALL if not negated else frozenset())
    return _ALL - out if negated else frozenset(out)


def _joined(first: _Part, second: _Part) -> _Part:
    return _Part(
        first.pure and second.pure,
        first.size + second.size,
        first.size + second.head if first.pure else first.head,
        second.size + first.tail if second.pure else second.tail,
        max(first.best, second.best, first.tail + second.head),
        first.needs | second.needs,
    )


def _either(parts: list[_Part]) -> _Part:
    return _Part(
        all(part.pure for part in parts),
        min(part.size for part in parts),
        min(part.head for part in parts),
        min(part.tail for part in parts),
        min(part.best for part in parts),
        frozenset.intersection(*(part.needs for part in parts)),
    )
