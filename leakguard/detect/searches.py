"""The rules' own patterns for `regex`, whose code is cached beside the rules.

`search_of` is `regex.compile`, but for patterns whose code was handed to `take` before: compiling a pattern of the second stage
takes a third to a whole millisecond, and each worker needs some dozens. What is kept is what pickling such a pattern gives,
written as JSON and bytes and never as a pickle, for one Python and one file of regex's machine, and found by a hash of the pattern:
what is of another one, or cut, is compiled. regex does not check the code that it is given, so whoever calls `take` has to: cache.py
has a checksum over all of it, in a file that only this user can have written.

Where all patterns are kept regex's machine is loaded alone: its compiler takes as long to import as two megabytes to scan.
Knows no rules, opens no files of its own. Imported by engine.py, context.py and cache.py.
"""

from __future__ import annotations

import os
import sys
from array import array
from collections.abc import Iterable
from typing import Any

from leakguard.detect import kept

_MACHINE = "regex._regex"


def search_of(text: str) -> Any:
    """`regex.compile` of a pattern for bytes."""
    pattern = text.encode()
    found = _shelf.get(pattern)
    if found is not None:
        (flags, groups, at, letters, kinds, count), code = found
        numbers = {number: name for name, number in groups.items()}
        return _machine().compile(pattern, flags, code, groups, numbers, {}, [], at, tuple(letters), kinds, count)
    import regex

    return regex.compile(pattern)


def take(blob: bytes) -> None:
    """Takes over what `stored` gave once. Nothing comes of it if that was another Python, another regex, or is damaged."""
    _shelf.take(blob)


def ready() -> None:
    """For who forks: what each process would make of what was taken over is made once."""
    _shelf.ready()


def stored(texts: Iterable[str]) -> bytes:
    """The code of these patterns, for `take`; b"" where a pattern of regex is pickled differently."""
    import copyreg

    import regex

    build = _build()
    reduce = copyreg.dispatch_table.get(regex.Pattern)
    if not build or reduce is None:
        return b""
    rows = []
    for text in dict.fromkeys(texts):
        pattern = text.encode()
        made = reduce(regex.compile(pattern, cache_pattern=False))
        parts = made[1] if isinstance(made, tuple) else ()
        if len(parts) != 11 or not isinstance(parts[2], bytes) or parts[5] or parts[6]:
            return b""
        _, flags, code, groups, _, _, _, at, letters, kinds, count = parts
        rows.append((pattern, [int(flags), groups, at, list(letters), kinds, count], code))
    return kept.packed(build, rows)


def _machine() -> Any:
    """regex's extension module, whose function a pickled pattern names."""
    loaded = sys.modules.get(_MACHINE)
    if loaded is None:
        from importlib.machinery import PathFinder
        from importlib.util import module_from_spec

        package = PathFinder.find_spec("regex")
        spec = PathFinder.find_spec(_MACHINE, package.submodule_search_locations) if package is not None else None
        if spec is None or spec.loader is None:  # it does not lie in a folder
            import regex._regex

            return regex._regex
        loaded = module_from_spec(spec)
        spec.loader.exec_module(loaded)
        sys.modules[_MACHINE] = loaded  # the package takes it from here, should it be imported
    return loaded


def _build() -> bytes:
    """Which Python and which regex the code is for; b"" where that cannot be told."""
    try:
        made = os.stat(_machine().__file__)
    except (OSError, AttributeError, TypeError):
        return b""
    return f"{sys.version} {made.st_size} {made.st_mtime_ns} {array('I').itemsize} {sys.byteorder}".replace("\n", " ").encode()


_shelf = kept.Shelf(_build)
