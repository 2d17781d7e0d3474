"""Strings made from a pattern: what it should match, so that laws can be tried on more than its examples.

`sample` walks the pattern's syntax tree and fills it at random; borders (lookaround, \\b) are ignored, so the
caller asks the real engine whether the result matches. Pure: randomness comes from the caller. Imported by check.py
and the tests only.
"""

from __future__ import annotations

from functools import lru_cache
from random import Random
from re import _constants as _c  # type: ignore[attr-defined]
from re import _parser as _p  # type: ignore[attr-defined]
from typing import Any

_PRINTABLE = frozenset(range(0x20, 0x7F))
_DIGITS = frozenset(b"0123456789")
_SPACE = frozenset(b" \t\n\r\x0b\x0c")
_WORD = frozenset(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz")
_ALL = frozenset(range(256))
_CATEGORY = {
    _c.CATEGORY_DIGIT: _DIGITS,
    _c.CATEGORY_NOT_DIGIT: _ALL - _DIGITS,
    _c.CATEGORY_SPACE: _SPACE,
    _c.CATEGORY_NOT_SPACE: _ALL - _SPACE,
    _c.CATEGORY_WORD: _WORD,
    _c.CATEGORY_NOT_WORD: _ALL - _WORD,
}
_REPEATS = (_c.MAX_REPEAT, _c.MIN_REPEAT, _c.POSSESSIVE_REPEAT)

SPREAD = 12
"""How far above a repeat's least count a sample goes, unless it is asked for the most."""


def sample(pattern: str, rng: Random, most: bool = False) -> bytes:
    """A string that the pattern matches but for its borders. `most` repeats as often as is allowed."""
    tree = _parsed(pattern)
    out = bytearray()
    _fill(list(tree), bool(tree.state.flags & _c.SRE_FLAG_IGNORECASE), rng, most, out)
    return bytes(out)


@lru_cache(maxsize=64)
def _parsed(pattern: str) -> Any:
    return _p.parse(pattern)


def _fill(nodes: list[Any], fold: bool, rng: Random, most: bool, out: bytearray) -> None:
    for op, value in nodes:
        if op is _c.LITERAL:
            text = chr(value).encode()
            out += text.swapcase() if fold and rng.random() < 0.5 else text
        elif op is _c.NOT_LITERAL:
            out.append(_choice(_ALL - {value}, rng))
        elif op is _c.ANY:
            out.append(_choice(_ALL - {10}, rng))
        elif op is _c.IN:
            out.append(_choice(_members(value), rng))
        elif op in _REPEATS:
            low, high, body = value
            for _ in range(high if most else rng.randint(low, min(high, low + SPREAD))):
                _fill(list(body), fold, rng, most, out)
        elif op is _c.SUBPATTERN:
            _, add, sub, body = value
            inner = (fold or bool(add & _c.SRE_FLAG_IGNORECASE)) and not sub & _c.SRE_FLAG_IGNORECASE
            _fill(list(body), inner, rng, most, out)
        elif op is _c.BRANCH:
            _fill(list(rng.choice(value[1])), fold, rng, most, out)
        elif op is _c.ATOMIC_GROUP:
            _fill(list(value), fold, rng, most, out)


def _members(items: list[tuple[Any, Any]]) -> frozenset[int]:
    found: set[int] = set()
    negate = False
    for op, value in items:
        if op is _c.NEGATE:
            negate = True
        elif op is _c.LITERAL:
            found.add(value)
        elif op is _c.RANGE:
            found.update(range(value[0], value[1] + 1))
        elif op is _c.CATEGORY:
            found.update(_CATEGORY[value])
    return _ALL - found if negate else frozenset(found)


def _choice(allowed: frozenset[int], rng: Random) -> int:
    """One allowed byte, printable where possible: that is what patterns are written for."""
    return rng.choice(sorted(allowed & _PRINTABLE or allowed))
