"""Derives the first stage's pattern from a rule's: what hyperscan runs, and how far a match can reach.

The law: whenever the rule's pattern matches [s, e) of some bytes, the derived trigger has a match that starts at
s and ends within [s, e]. So a superset is always allowed, and made use of: borders (lookaround, \\b) are dropped,
and the last repeat is cut to its least count, so that one match gives one end instead of one per character. Of borders
the beginning of the data alone is kept: `(?:\\n|\\A)` would else be nothing, and its rule fire everywhere.

Uses the standard library's own regular expression parser (`re._parser`), so that a pattern is understood the way
Python does. Imported by rules.py and the readers of foreign rules when packs are parsed, and by reaches.py and cache.py for what they
ask of a pattern; never on the warm path.
"""

from __future__ import annotations

import re
from re import _constants as _c  # type: ignore[attr-defined]
from re import _parser as _p  # type: ignore[attr-defined]
from typing import Any, NamedTuple

TAIL = 24
"""The last repeat is cut to this many at most: more states buy nothing once a prefix has matched."""

_CATEGORY = {
    _c.CATEGORY_DIGIT: r"\d",
    _c.CATEGORY_NOT_DIGIT: r"\D",
    _c.CATEGORY_SPACE: r"\s",
    _c.CATEGORY_NOT_SPACE: r"\S",
    _c.CATEGORY_WORD: r"\w",
    _c.CATEGORY_NOT_WORD: r"\W",
}


# What `re`, which derives the trigger, reads as plain characters and `regex`, which runs the pattern, does not.
_READ_DIFFERENTLY = (
    (re.compile(r"\[:\^?\w+:\]"), "[:name:] is not available: write the class out"),
    (re.compile(r"(?<!\\)\{[\d<=+, ]*[eids][\deids<=+, ]*[}:]"), "no fuzzy matching; for a brace write \\{"),
)


WIDE = 48
"""Inner repeats that may go on for longer than this lose their upper bound in the first stage."""


class Trigger(NamedTuple):
    """A first-stage pattern. `fixed` is its width if every match of it has the same one, else 0."""

    pattern: str
    fixed: int
    least: int
    most: int
    """Width of the whole rule pattern in bytes."""


class Unsupported(ValueError):  # noqa: N818  # a verdict on a pattern, not a failure of ours
    """The pattern uses something that one of the engines cannot do."""


def derive(pattern: str, open_ends: bool = False) -> Trigger:
    """The trigger of a rule pattern. Raises Unsupported or re.error, naming the construct.

    `open_ends` lets repeats have no upper bound: for triggers of patterns whose second stage is bounded elsewhere.
    """
    if not pattern.isascii():
        raise Unsupported("only ASCII characters may stand in a pattern")
    for construct, reason in _READ_DIFFERENTLY:
        if construct.search(pattern):
            raise Unsupported(reason)
    tree = _p.parse(pattern)
    least, most = tree.getwidth()
    if not open_ends and (most >= _c.MAXREPEAT or most > 1 << 30):
        raise Unsupported("unbounded repeat: give every *, + and {n,} an upper bound")
    flags = tree.state.flags
    whole = _led(list(tree), lead=True)
    nodes = _trim(whole, lead=True)
    text = "".join(_emit(node) for node in nodes)
    low, high = width(text)
    if low == 0:
        raise Unsupported("nothing in it has to be there")
    if text != "".join(_emit(node) for node in _trim(whole, lead=False)):
        high += 1  # a dropped beginning: the match may start before the trigger does
    prefix = ("(?i)" if flags & _c.SRE_FLAG_IGNORECASE else "") + ("(?s)" if flags & _c.SRE_FLAG_DOTALL else "")
    return Trigger(prefix + text, low if low == high else 0, least, most)


def width(pattern: str) -> tuple[int, int]:
    """Least and most bytes a pattern can match."""
    low, high = _p.parse(pattern).getwidth()
    return low, min(high, 1 << 30)


def may_run_away(pattern: str) -> bool:
    """Whether a pattern repeats what may itself be matched in several ways, so that a text without a match could be tried in
    more ways than anybody can wait for. False says that there are at most polynomially many."""
    return _may_run_away(list(_p.parse(pattern)), False)


def _may_run_away(nodes: list[Any], repeated: bool) -> bool:
    for op, value in nodes:
        inner: list[list[Any]] = []
        again = repeated
        if op in _REPEATS:
            low, high, body = value
            if repeated and low != high:
                return True
            again = repeated or high >= _REPEATED
            inner = [list(body)]
        elif op is _c.BRANCH:
            if repeated:
                return True
            inner = [list(branch) for branch in value[1]]
        elif op is _c.SUBPATTERN:
            inner = [list(value[3])]
        elif op in (_c.ASSERT, _c.ASSERT_NOT):
            inner = [list(value[1])]
        elif op is _c.ATOMIC_GROUP:
            inner = [list(value)]
        if any(_may_run_away(each, again) for each in inner):
            return True
    return False


_REPEATED = 8
"""Times from which on something is repeated often."""


def literals(pattern: str) -> list[str]:
    """The runs of three or more plain characters that every match of a pattern has. In any case, if the pattern is."""
    out: list[str] = []
    _gather(list(_p.parse(pattern)), out)
    return [text for text in out if len(text) > 2]


def _gather(nodes: list[Any], out: list[str]) -> None:
    run = ""
    for op, value in nodes:
        if op is _c.LITERAL:
            run += chr(value)
            continue
        out.append(run)
        run = ""
        if op is _c.SUBPATTERN:
            _gather(list(value[3]), out)
    out.append(run)


_SINGLE = (_c.LITERAL, _c.NOT_LITERAL, _c.ANY, _c.IN)
_BORDERS = (_c.ASSERT, _c.ASSERT_NOT, _c.AT)
_BEGINNING = (_c.AT, _c.AT_BEGINNING_STRING)
_REPEATS = (_c.MAX_REPEAT, _c.MIN_REPEAT, _c.POSSESSIVE_REPEAT)


def _led(nodes: list[Any], lead: bool) -> list[Any]:
    """The same without borders, but for the beginning of the data where (if `lead`) nothing stands before it: elsewhere
    hyperscan takes none."""
    out: list[Any] = []
    for op, value in nodes:
        first = lead and not out
        node: tuple[Any, Any] = op, value
        if op in _BORDERS:
            if not first or node != _BEGINNING:
                continue
        elif op is _c.SUBPATTERN:
            node = op, (*value[:3], _made(_led(list(value[3]), first)))
        elif op is _c.BRANCH:
            node = op, (value[0], [_made(_led(list(branch), first)) for branch in value[1]])
        elif op in _REPEATS:
            node = op, (*value[:2], _made(_led(list(value[2]), False)))
        elif op is _c.ATOMIC_GROUP:
            node = op, _made(_led(list(value), first))
        out.append(node)
    return out


def _made(nodes: list[Any]) -> Any:
    return _p.SubPattern(_p.State(), nodes)


def _trim(nodes: list[Any], lead: bool) -> list[Any]:
    """Cuts a sequence's optional end (and, if `lead`, its optional beginning)."""
    while lead and nodes and nodes[0][0] in _REPEATS and nodes[0][1][0] == 0:
        nodes = nodes[1:]
    while nodes:
        op, value = nodes[-1]
        if op in _REPEATS:
            low, _, body = value
            if low == 0:
                nodes = nodes[:-1]
                continue
            low = min(low, TAIL)
            inner = _trim(list(body), lead=False) if low == 1 else list(body)
            nodes[-1] = (_c.MAX_REPEAT, (low, low, inner))
        elif op is _c.SUBPATTERN:
            _, add, sub, body = value
            inner = _trim(list(body), lead=lead and len(nodes) == 1)
            if not inner:
                nodes = nodes[:-1]
                continue
            nodes[-1] = (op, (None, add, sub, _made(inner)))
        elif op is _c.BRANCH:
            branches = [_trim(list(branch), lead=lead and len(nodes) == 1) for branch in value[1]]
            if not all(branches):
                nodes = nodes[:-1]
                continue
            nodes[-1] = (op, (None, [_made(branch) for branch in branches]))
        break
    return nodes


def _emit(node: tuple[Any, Any]) -> str:  # one return for each construct
    op, value = node
    if op is _c.LITERAL:
        return _byte(value)
    if op is _c.NOT_LITERAL:
        return f"[^{_byte(value)}]"
    if op is _c.ANY:
        return "."
    if op is _c.IN:
        return _emit_class(value)
    if op in _REPEATS:
        return _emit_repeat(value)
    if op is _c.SUBPATTERN:
        return _emit_group(value)
    if op is _c.BRANCH:
        return "(?:" + "|".join("".join(_emit(n) for n in branch) for branch in value[1]) + ")"
    if op is _c.ATOMIC_GROUP:
        return "(?:" + "".join(_emit(n) for n in value) + ")"
    if op in _BORDERS:
        return "^" if node == _BEGINNING else ""
    raise Unsupported(f"{str(op).lower()} is not available in the first stage")


def _emit_repeat(value: tuple[int, int, Any]) -> str:
    low, high, body = value
    inner = "".join(_emit(n) for n in body)
    if not inner:
        return ""
    if len(body) > 1 or body[0][0] not in _SINGLE:
        inner = f"(?:{inner})"
    if (low, high) == (1, 1):
        return inner
    if (low, high) == (0, 1):
        return inner + "?"
    if high >= _c.MAXREPEAT:
        return f"{inner}{{{low},}}"
    if high > WIDE:
        # a superset again: hyperscan unrolls a bounded repeat into states (a rule with {0,800} in it compiled for
        # 1.4 s, a fifth of all rules together), an open one is a loop
        low = min(low, WIDE)
        return inner + ("*" if low == 0 else f"{{{low},}}")
    return inner + (f"{{{low}}}" if low == high else f"{{{low},{high}}}")


def _emit_group(value: tuple[Any, int, int, Any]) -> str:
    _, add, sub, body = value
    inner = "".join(_emit(n) for n in body)
    if not inner:
        return ""
    on = "".join(letter for letter, flag in (("i", _c.SRE_FLAG_IGNORECASE), ("s", _c.SRE_FLAG_DOTALL)) if add & flag)
    off = "".join(letter for letter, flag in (("i", _c.SRE_FLAG_IGNORECASE), ("s", _c.SRE_FLAG_DOTALL)) if sub & flag)
    flags = on + (f"-{off}" if off else "")
    return f"(?{flags}:{inner})"


def _emit_class(items: list[tuple[Any, Any]]) -> str:
    out = []
    for op, value in items:
        if op is _c.NEGATE:
            out.append("^")
        elif op is _c.LITERAL:
            out.append(_byte(value))
        elif op is _c.RANGE:
            out.append(f"{_byte(value[0])}-{_byte(value[1])}")
        elif op is _c.CATEGORY:
            out.append(_CATEGORY[value])
        else:
            raise Unsupported(f"{str(op).lower()} in a character class")
    return f"[{''.join(out)}]"


def _byte(code: int) -> str:
    char = chr(code)
    if code < 128 and (char.isalnum() or char == "_"):
        return char
    if code > 255:
        raise Unsupported("only single-byte characters may stand in a pattern")
    return f"\\x{code:02x}"
