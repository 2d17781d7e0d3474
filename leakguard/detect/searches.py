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

from leakguard.hashes import blake2b

_taken: list[bytes] = []
"""What `take` got and nobody has asked for yet."""
_rows: dict[bytes, tuple[bytes, int, int]] = {}
"""(facts as JSON, first byte of the code, one past the last) of each pattern, by its hash."""
_codes = bytearray()
_HASH = 8
_MACHINE = "regex._regex"


def search_of(text: str) -> Any:
    """`regex.compile` of a pattern for bytes."""
    pattern = text.encode()
    ready()
    row = _rows.get(_hash(pattern))
    if row is not None:
        return _from_code(pattern, *row)
    import regex

    return regex.compile(pattern)


def _hash(pattern: bytes) -> bytes:
    return blake2b(pattern, digest_size=_HASH).digest()


def _from_code(pattern: bytes, facts: bytes, start: int, end: int) -> Any:
    import json

    flags, groups, at, letters, kinds, count = json.loads(facts)
    numbers = {number: name for name, number in groups.items()}
    return _machine().compile(pattern, flags, bytes(_codes[start:end]), groups, numbers, {}, [], at, tuple(letters), kinds, count)


def ready() -> None:
    """For who forks: what each process would make of what was taken over is made once."""
    if _taken:
        _read(_taken.pop())


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


def take(blob: bytes) -> None:
    """Takes over what `stored` gave once. Nothing comes of it if that was another Python, another regex, or is damaged."""
    _taken[:] = [blob]


def _read(blob: bytes) -> None:
    _rows.clear()
    head, _, blob = blob.partition(b"\n")
    if not head or head != _build():
        return
    count = int.from_bytes(blob[:4], "little")
    hashes, sizes = blob[4 : 4 + count * _HASH], array("I")
    begin = 4 + count * (_HASH + sizes.itemsize)
    sizes.frombytes(blob[4 + count * _HASH : begin])
    facts, _, codes = blob[begin:].partition(b"\n\n")
    lines = facts.split(b"\n")
    if len(lines) != count or sum(sizes) != len(codes):
        return
    _codes[:] = codes
    at = 0
    for number, size in enumerate(sizes):
        _rows[hashes[number * _HASH : (number + 1) * _HASH]] = (lines[number], at, at + size)
        at += size


def stored(texts: Iterable[str]) -> bytes:
    """The code of these patterns, for `take`; b"" where a pattern of regex is pickled differently."""
    import copyreg
    import json

    import regex

    head = _build()
    reduce = copyreg.dispatch_table.get(regex.Pattern)
    if not head or reduce is None:
        return b""
    hashes, sizes, facts, codes = [], array("I"), [], []
    for text in dict.fromkeys(texts):
        pattern = text.encode()
        made = reduce(regex.compile(pattern, cache_pattern=False))
        parts = made[1] if isinstance(made, tuple) else ()
        if len(parts) != 11 or not isinstance(parts[2], bytes) or parts[5] or parts[6]:
            return b""
        _, flags, code, groups, _, _, _, at, letters, kinds, count = parts
        hashes.append(_hash(pattern))
        sizes.append(len(code))
        facts.append(json.dumps([int(flags), groups, at, list(letters), kinds, count], separators=(",", ":")).encode())
        codes.append(code)
    counted = len(hashes).to_bytes(4, "little")
    return head + b"\n" + b"".join((counted, *hashes, sizes.tobytes(), b"\n".join(facts), b"\n\n", *codes))


def _build() -> bytes:
    """Which Python and which regex the code is for; b"" where that cannot be told."""
    try:
        made = os.stat(_machine().__file__)
    except (OSError, AttributeError, TypeError):
        return b""
    return f"{sys.version} {made.st_size} {made.st_mtime_ns} {array('I').itemsize} {sys.byteorder}".replace("\n", " ").encode()
