"""Patterns of Python's own `re` that need no compiling twice: their code is cached beside the rules.

`compiled` is `re.compile`, but for patterns whose code was handed to `take` before. Compiling the 130 patterns that
judge what stage 1 reports takes a tenth of a start; their code is 26,000 numbers, which are read in a third of a
millisecond. The code is of one build of Python only, so its version stands before it, and it is found by the pattern
itself, so a pattern that changed is compiled. `_sre`, the engine of `re`, checks the code that it is given, and what it
refuses is compiled, too: `take` can make a start faster or not, and never change what a pattern matches.
Knows no rules, opens no files. Imported by detect/'s other modules, and by cache.py that keeps the code.
"""

from __future__ import annotations

import re
import sys
from array import array
from importlib import import_module
from typing import Any, AnyStr

from leakguard.detect import kept

USERS = (
    "above", "assign", "columns", "context", "decode", "evidence", "forms", "inplace", "loginfiles", "mentions", "naming", "nosecret",
    "phrases", "scope", "spelled", "tables", "utf16", "utf32", "gates.basic", "gates.likeness", "gates.words",
)  # fmt: skip
"""The modules of detect/ whose patterns are kept; with those of a module's LATER, which it asks for when it needs them."""

_Key = tuple[str | bytes, int]

_asked: dict[_Key, re.Pattern[Any]] = {}
"""What was compiled or taken so far, by pattern and flags as asked for."""


def compiled(pattern: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """`re.compile(pattern, flags)`, at once if its code is there."""
    key = (pattern, flags)
    found = _asked.get(key)
    if found is None:
        stored = _shelf.get(_name(pattern, flags))
        found = _asked[key] = (stored and _from_code(pattern, *stored)) or re.compile(pattern, flags)
    return found


def _name(pattern: str | bytes, flags: int) -> bytes:
    kind, text = (b"b", pattern) if isinstance(pattern, bytes) else (b"s", pattern.encode("utf-8", "surrogatepass"))
    return b"%b%d %b" % (kind, flags, text)


def _from_code(pattern: str | bytes, facts: tuple[int, int, dict[str, int]], code: bytes) -> Any:
    import _sre  # type: ignore[import-not-found]  # not in every Python: no code is handed over there

    flags, groups, names = facts
    by_number: list[str | None] = [None] * (groups + 1)
    for name, number in names.items():
        by_number[number] = name
    numbers = array("I")
    numbers.frombytes(code)
    try:
        return _sre.compile(pattern, flags, numbers.tolist(), groups, names, tuple(by_number))
    except (RuntimeError, TypeError, ValueError, OverflowError):
        return None  # compiled as if there were none


def take(blob: bytes) -> None:
    """Takes over what `stored` gave once. Nothing comes of it if that was another Python, or is damaged."""
    _shelf.take(blob)


def stored() -> bytes:
    """The code of all patterns of USERS, for `take`; b"" where Python's `re` is made differently."""
    try:
        from re import _compiler, _parser  # type: ignore[attr-defined]
    except ImportError:
        return b""
    try:
        for name in USERS:
            for text in getattr(import_module(f"leakguard.detect.{name}"), "LATER", ()):
                compiled(text)
    except (ImportError, OSError):
        return b""  # a process that gave up the right to read its own program: the cache must not be what fails in it
    rows = []
    for (pattern, flags), made in _asked.items():
        code = array("I", _compiler._code(_parser.parse(pattern, flags), flags))
        rows.append((_name(pattern, flags), [made.flags, made.groups, dict(made.groupindex)], code.tobytes()))
    return kept.packed(_build(), rows)


def _build() -> bytes:
    """Which Python the code is for; b"" for one whose engine is not known to take code."""
    try:
        import _sre
    except ImportError:
        return b""
    return f"{sys.version} {_sre.MAGIC} {_sre.CODESIZE} {array('I').itemsize} {sys.byteorder}".replace("\n", " ").encode()


_shelf = kept.Shelf(_build)
