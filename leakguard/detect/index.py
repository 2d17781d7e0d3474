"""Parsed packs as data: the index of the built-in ones, made when a wheel is built, and rows that are read when
somebody looks at them.

The index is used only if it was made from exactly the pack files that are there. Imports nothing third-party, so that
the build hook can import it without the runtime's dependencies. Imported by cache.py and tools/build_index.py.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, overload

from leakguard.hashes import blake2b
from leakguard.model import Rule, SetRule, Venue

if TYPE_CHECKING:
    from leakguard.detect import rules

NAME = "_rules_index.json"

Files = Sequence[tuple[str, bytes]]

_T = TypeVar("_T")


def content_digest(files: Files) -> str:
    """The name of exactly these pack files' bytes."""
    digest = blake2b(digest_size=16)
    for name, data in files:
        digest.update(os.path.basename(name).encode() + b"\0%d\0" % len(data) + data)
    return digest.hexdigest()


def build(files: Files) -> bytes:
    """The index of these pack files."""
    import json

    from leakguard.detect import rules

    packs = [rules.parse_pack(name, data) for name, data in files]
    rows = [[os.path.basename(pack.file), pack.venue, pack.rules, pack.sets] for pack in packs]
    return json.dumps([content_digest(files), rows], separators=(",", ":")).encode()


def read(files: Files) -> list[rules.Pack] | None:
    """The packs from the index that lies in the package, or None if there is none for exactly these files."""
    path = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), NAME)
    try:
        with open(path, "rb") as handle:
            blob = handle.read()
    except OSError:
        return None
    import json

    from leakguard.detect import rules

    try:
        digest, rows = json.loads(blob)
        if digest != content_digest(files):
            return None
        return [
            rules.Pack(file, venue_from(venue), tuple(map(rule_from, own)), tuple(map(set_from, sets)), {})
            for file, venue, own, sets in rows
        ]
    except (ValueError, TypeError, IndexError):
        return None  # the packs themselves are there and say the same


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if type(value) is list else value


def rule_from(row: list[Any]) -> Rule:
    """A Rule from its JSON row. Gates keep lists in their parameters, as TOML gave them."""
    rule = Rule(*row)
    return rule._replace(
        keywords=tuple(rule.keywords),
        names=tuple(rule.names),
        width=(rule.width[0], rule.width[1]),
        gates=tuple((name, value) for name, value in rule.gates),
        include=tuple(rule.include),
        exclude=tuple(rule.exclude),
        groups=tuple(rule.groups),
        tags=tuple(rule.tags),
    )


def set_from(row: list[Any]) -> SetRule:
    """A SetRule from its row of the index."""
    return SetRule(*(_tuples(item) for item in row))


def venue_from(row: list[Any]) -> Venue:
    """A Venue from its row of the index."""
    return Venue(*(_tuples(item) for item in row))


# ---------------------------------------------------------------- rows, read when somebody looks
def lines_of(values: Iterable[Any]) -> bytes:
    """Values as JSON, one a line: what Rows reads."""
    import json

    return b"\n".join(json.dumps(value, separators=(",", ":")).encode() for value in values)


class Rows(Sequence[_T]):
    """A sequence whose members are parsed when they are asked for: a clean scan asks for none."""

    __slots__ = ("_count", "_lines", "_made", "_make", "_text")

    def __init__(self, text: bytes | memoryview, count: int, make: Callable[[list[Any]], _T]) -> None:
        self._text = text
        self._count = count
        self._lines: list[bytes] | None = None
        self._make = make
        self._made: dict[int, _T] = {}

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> _T: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[_T]: ...

    def __getitem__(self, index: int | slice) -> _T | Sequence[_T]:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        made = self._made.get(index)
        if made is None:
            import json

            if self._lines is None:
                self._lines = bytes(self._text).split(b"\n") if self._count else []
            made = self._made[index] = self._make(json.loads(self._lines[index]))
        return made

    def __eq__(self, other: object) -> bool:
        return isinstance(other, (Rows, tuple)) and tuple(self) == tuple(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Rows({len(self)})"
