"""Which repeats of a pattern can share what they match: a law for rules.

A group that is repeated, and in which two neighbours can take the same byte (`(?:[ \\t]{1,12}[^\\n]{1,200}\\n){0,12}`), divides a
text of twelve lines in as many ways as there are divisions of each, multiplied: 10^12. Such a pattern runs out of time on an ordinary
file, and that file is told as incomplete. Each such pattern can be written so that one byte is for one repeat
(`[ \\t]{1,12}[^\\s][^\\n]{0,199}\\n`). What is possessive or atomic divides in one way.

Pure; understands patterns by the standard library's parser, as trigger.py does. Imported by check.py only.
"""

from __future__ import annotations

import re
from re import _constants as _c  # type: ignore[attr-defined]
from re import _parser as _p  # type: ignore[attr-defined]
from typing import Any

MANY = 4
"""Times from which a group's divisions multiply to more than a scan can wait for."""

_ALL = frozenset(range(256))
_REPEATS = (_c.MAX_REPEAT, _c.MIN_REPEAT)
_SKIPPED = (_c.AT, _c.ASSERT, _c.ASSERT_NOT)
_Piece = tuple[frozenset[int], int, int] | None
"""What bytes, how often at least and at most; None for what is not one class."""


def shared(pattern: str) -> str:
    """What of a pattern divides a text in many ways, as `{low,high}` of the repeat around it; "" if nothing does."""
    return next((f"{{{low},{high}}}" for low, high in _found(list(_p.parse(pattern)))), "")


def _found(nodes: list[Any]) -> list[tuple[int, int]]:
    out: list[tuple[int, int]] = []
    for op, value in nodes:
        if op in _REPEATS:
            low, high, body = value
            if high >= MANY and any(_divides(_pieces(part)) for part in _parts(list(body))):
                out.append((low, int(high)))
            out += _found(list(body))
        elif op is _c.SUBPATTERN:
            out += _found(list(value[3]))
        elif op is _c.BRANCH:
            for branch in value[1]:
                out += _found(list(branch))
        elif op in (_c.ASSERT, _c.ASSERT_NOT):
            out += _found(list(value[1]))
    return out


def _parts(body: list[Any]) -> list[list[Any]]:
    """The alternatives of what is repeated; none for one class, whose repeats divide nothing."""
    if len(body) == 1 and body[0][0] is _c.SUBPATTERN:
        body = list(body[0][1][3])
    if len(body) == 1 and body[0][0] is _c.BRANCH:
        return [list(branch) for branch in body[0][1][1]]
    return [] if len(body) == 1 and _bytes(*body[0]) is not None else [body]


def _pieces(nodes: list[Any]) -> list[_Piece]:
    out: list[_Piece] = []
    for op, value in nodes:
        if op in _SKIPPED:
            continue
        if op is _c.SUBPATTERN:
            out += _pieces(list(value[3]))
            continue
        low, high, body = value if op in _REPEATS else (1, 1, [(op, value)])
        taken = _bytes(*body[0]) if len(body) == 1 else None
        out.append(None if taken is None else (taken, low, int(high)))
    return out


def _divides(pieces: list[_Piece]) -> bool:
    """Whether two repeats, with nothing between them that must be there, can take the same byte; the last one and the first are
    neighbours as well."""
    for at, piece in enumerate(pieces):
        if piece is None or piece[1] == piece[2]:
            continue
        for other in (*pieces[at + 1 :], *pieces[: at + 1]):
            if other is None:
                break
            if other[0] & piece[0]:
                if other[1] != other[2]:
                    return True
                break
            if other[1]:
                break
    return False


def _bytes(op: Any, value: Any) -> frozenset[int] | None:
    """The bytes that a node for one character takes; None for any other node."""
    if op is _c.LITERAL:
        return frozenset({value})
    if op is _c.NOT_LITERAL:
        return _ALL - {value}
    if op is _c.ANY:
        return _ALL - {10}
    if op is not _c.IN:
        return None
    taken: set[int] = set()
    for kind, part in value:
        if kind is _c.LITERAL:
            taken.add(part)
        elif kind is _c.RANGE:
            taken.update(range(part[0], part[1] + 1))
        elif kind is _c.CATEGORY:
            taken.update(byte for byte in _ALL if re.match(_CATEGORIES[part], bytes([byte])))
    return _ALL - taken if value[0][0] is _c.NEGATE else frozenset(taken)


_CATEGORIES = {
    _c.CATEGORY_DIGIT: rb"\d", _c.CATEGORY_NOT_DIGIT: rb"\D", _c.CATEGORY_SPACE: rb"\s", _c.CATEGORY_NOT_SPACE: rb"\S",
    _c.CATEGORY_WORD: rb"\w", _c.CATEGORY_NOT_WORD: rb"\W",
}  # fmt: skip
