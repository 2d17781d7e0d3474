"""Paths that have the same say in what is found: what one content gave under one of them it gives under the other.

A path decides by its last name (what kind of file it is, a file that is but a key), by the venues that it names, and by the
globs of rules; rules imported from other tools may look at all of it. Says "yes" only where nothing of that differs.
Knows no files. Imported by pieces.py.
"""

from __future__ import annotations

import re
from functools import cached_property

from leakguard.detect.engine import Engine

_OPTIMISED = re.compile(r"\.opt-[12](?=\.pyc\Z)")
"""What Python calls its byte code by; nothing asks for that."""
_WHOLE = frozenset(("unless", "path_like"))
"""Gates that look at the whole path."""


class Alike:
    """Tells whether two paths are alike to an engine's rules."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __call__(self, one: str, other: str) -> bool:
        if one == other:
            return True
        engine = self._engine
        if _name(one) != _name(other) or engine.context._in_path(one) != engine.context._in_path(other):
            return False
        globs = self._globs
        return globs is not None and all(engine._path_allowed(index, one) == engine._path_allowed(index, other) for index in globs)

    @cached_property
    def _globs(self) -> list[int] | None:
        """The rules that have globs; None if some look at more of a path. Made when it is asked for: most archives hold nothing
        twice."""
        rules = self._engine.rules
        if any(name in _WHOLE for rule in rules for name, _ in rule.gates):
            return None
        return [index for index, rule in enumerate(rules) if rule.include or rule.exclude]


def _name(path: str) -> str:
    return _OPTIMISED.sub("", path.rpartition("/")[2])
