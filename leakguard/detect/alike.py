"""Paths that have the same say in what is found: what one content gave under one of them it gives under the other.

A path decides by its last name (what kind of file it is, a file that is but a key), by the venues that it names, and by the
globs of rules; rules imported from other tools may look at all of it. Says "yes" only where nothing of that differs.
Knows no files. Imported by pieces.py and reuse.py.
"""

from __future__ import annotations

import re
from functools import cached_property

from leakguard.detect.engine import Engine

_OPTIMISED = re.compile(r"\.opt-[12](?=\.pyc\Z)")
"""What Python calls its byte code by; nothing asks for that."""
_ID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
"""What objects of git are called by: it says nothing of what they hold."""
_DIGITS = re.compile(r"[0-9a-f*?]*|.*[\[{].*", re.DOTALL)
"""Globs that may be of digits: with sets and alternatives nobody looks."""
_BLOB = "blob/"
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
        name = _name(one)
        if name != _name(other):
            return False
        ids = not name and one.startswith(_BLOB) and other.startswith(_BLOB)
        if not ids and engine.context.providers.in_path(one) != engine.context.providers.in_path(other):
            return False
        globs = self._globs if name else self._of_ids
        return globs is not None and all(engine._path_allowed(index, one) == engine._path_allowed(index, other) for index in globs)

    @cached_property
    def _globs(self) -> list[int] | None:
        """The rules that have globs; None if some look at more of a path. Made when it is asked for: most archives hold nothing
        twice."""
        rules = self._engine.rules
        if any(name in _WHOLE for rule in rules for name, _ in rule.gates):
            return None
        return [index for index, rule in enumerate(rules) if rule.include or rule.exclude]

    @cached_property
    def _of_ids(self) -> list[int] | None:
        """Those of the rules with globs that may tell one id from another; few globs are of digits alone."""
        rules, globs = self._engine.rules, self._globs
        if globs is None:
            return None
        return [index for index in globs if not all(map(_of_words, (*rules[index].include, *rules[index].exclude)))]


def _of_words(glob: str) -> bool:
    """Whether what it asks of a file's name is something that no id has."""
    return not _DIGITS.fullmatch(glob.rpartition("/")[2])


def _name(path: str) -> str:
    name = path.rpartition("/")[2]
    return "" if _ID.fullmatch(name) else _OPTIMISED.sub("", name)
