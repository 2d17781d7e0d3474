"""The texts that rules are tried on: their examples in every context, and strings made from their patterns.

Seeded by rule, example and context, so a text changes only if its template does. `sample` walks a pattern's syntax
tree and fills it at random; borders (lookaround, \\b) are ignored, so the caller asks the real engine whether the
result matches. Imported by check.py, floods.py and the tests.
"""

from __future__ import annotations

import re
from functools import lru_cache
from random import Random
from re import _constants as _c  # type: ignore[attr-defined]
from re import _parser as _p  # type: ignore[attr-defined]
from typing import Any, NamedTuple

from leakguard.detect.generate import Context, expand, expand_marked, load_contexts, pour
from leakguard.detect.rules import Example
from leakguard.globs import compile_globs
from leakguard.model import Rule

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



class Text(NamedTuple):
    """An example written out: `data[start:end]` is the secret as it stands there, `secret` what a reader gets."""

    number: int
    context: str
    data: bytes
    start: int
    end: int
    secret: bytes


def seeded(seed: str) -> Random:
    """The generator that a seed names."""
    return Random(seed)  # noqa: S311  # examples shall be the same everywhere, and open nothing


@lru_cache(maxsize=1)
def contexts() -> tuple[Context, ...]:
    """The surroundings into which examples are put."""
    return load_contexts()


def example_texts(rule: str, number: int, example: Example) -> list[Text]:
    """One example in every context that can hold it, or as it is. ValueError if its template is wrong."""
    if example.template:
        text, spans = expand_marked(example.template, seeded(f"{rule}:{number}:"))
        return [_text(number, "", text, span, "") for span in spans]
    poured = {"name": example.name, "secret": example.secret}
    narrowed = dict(poured, skip=example.skip, **({"only": example.only} if example.only else {}))
    pour(narrowed, contexts(), seeded(f"{rule}:{number}"))  # says what is wrong with the example as a whole
    out = []
    for context in contexts():
        if context.name in example.skip or (example.only and context.name not in example.only):
            continue
        try:
            rows = pour(poured, [context], seeded(f"{rule}:{number}:{context.name}"))
        except ValueError:
            continue  # the example as a whole is right, so this context cannot hold it
        out += [_text(number, name, text, span, context.escape) for name, text, spans in rows for span in spans]
    return out


def fitting_path(rule: Rule) -> str:
    """A path that the rule holds for: "", or for a rule with `paths` one made from the first of its globs that gives one."""
    if not rule.include:
        return ""
    included, excluded = compile_globs(rule.include), compile_globs(rule.exclude)
    for glob in rule.include:
        path = re.sub(r"\[!?([^\]])[^\]]*\]", r"\1", glob.replace("**/", "").replace("**", "x")).replace("?", "x")
        for star in ("", "x"):
            made = path.replace("*", star) + ("x" if path.endswith("/") else "")
            if included(made) and not excluded(made):
                return made
    return ""


def near_text(rule: str, number: int, template: str) -> bytes:
    """A near miss, filled. ValueError if its template is wrong."""
    return expand(template, seeded(f"{rule}:near:{number}")).encode()


def _text(number: int, context: str, text: str, span: tuple[int, int], escape: str) -> Text:
    start, end = span
    raw = text[start:end]
    secret = _unescaped(raw, escape).encode()
    return Text(number, context, text.encode(), len(text[:start].encode()), len(text[:end].encode()), secret)


def _unescaped(raw: str, escape: str) -> str:
    """What a reader of the context gets: the opposite of its `escape` in contexts.toml."""
    import json
    from html import unescape

    if escape in ("json", "json2"):
        for _ in range(2 if escape == "json2" else 1):
            raw = str(json.loads(f'"{raw}"'))
    elif escape == "xml":
        raw = unescape(raw)
    elif escape == "sql":
        raw = raw.replace("''", "'")
    elif escape == "indent":
        raw = raw.replace("\n  ", "\n")
    return raw


# ---------------------------------------------------------------- strings made from a pattern
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
    return _p.parse(pattern.replace("(?P<secret>", "(?:"))  # imported patterns may hold the name more than once


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
