"""How long a run of certain bytes every match of a pattern has, and which bytes it cannot be without.

For the runtime profile (runtime.py): most rules describe long tokens, so a cheap look for long runs says where they
need not be asked. Both answers are safe: a match may have more than is said, never less.
Pure functions of patterns, parsed as Python does. Imported by runtime.py, when it compiles.
"""

from __future__ import annotations

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
    part = _sequence(_p.parse(pattern), members)
    return Sure(part.best, part.needs)


def _sequence(nodes: Any, members: frozenset[int]) -> _Part:
    out = _EMPTY
    for operator, value in nodes:
        out = _joined(out, _node(operator, value, members))
    return out


def _node(operator: Any, value: Any, members: frozenset[int]) -> _Part:
    if operator is _c.LITERAL:
        return _byte(frozenset((value,)), members)
    if operator is _c.IN:
        return _byte(_set(value), members)
    if operator in (_c.ANY, _c.NOT_LITERAL):
        return _byte(_ALL, members)
    if operator is _c.SUBPATTERN:
        return _sequence(value[3], members)
    if operator is _c.BRANCH:
        return _either([_sequence(nodes, members) for nodes in value[1]])
    if operator in _REPEATS:
        least, most, nodes = value
        part = _sequence(nodes, members)
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


def _set(items: Any) -> frozenset[int]:
    """The bytes of a class."""
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
