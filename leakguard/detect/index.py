"""The index of the built-in packs: their parsed form as JSON, made when a wheel is built.

Used only if it was made from exactly the pack files that are there. Imports nothing third-party, so that the build
hook can import it without the runtime's dependencies. Imported by cache.py and tools/build_index.py.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

from leakguard.detect import rules
from leakguard.model import Rule, SetRule, Venue

NAME = "_rules_index.json"

Files = Sequence[tuple[str, bytes]]


def content_digest(files: Files) -> str:
    """The name of exactly these pack files' bytes."""
    digest = blake2b(digest_size=16)
    for name, data in files:
        digest.update(os.path.basename(name).encode() + b"\0%d\0" % len(data) + data)
    return digest.hexdigest()


def build(files: Files) -> bytes:
    """The index of these pack files."""
    packs = [rules.parse_pack(name, data) for name, data in files]
    rows = [
        [os.path.basename(pack.file), pack.venue, pack.rules, pack.sets]
        for pack in packs
    ]  # fmt: skip
    return json.dumps([content_digest(files), rows], separators=(",", ":")).encode()


def read(files: Files) -> list[rules.Pack] | None:
    """The packs from the index that lies in the package, or None if there is none for exactly these files."""
    path = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), NAME)
    try:
        with open(path, "rb") as handle:
            digest, rows = json.loads(handle.read())
        if digest != content_digest(files):
            return None
        return [
            rules.Pack(file, venue_from(venue), tuple(map(rule_from, own)), tuple(map(set_from, sets)), {})
            for file, venue, own, sets in rows
        ]
    except (OSError, ValueError, TypeError, IndexError):
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
    return SetRule(*(_tuples(item) for item in row))


def venue_from(row: list[Any]) -> Venue:
    return Venue(*(_tuples(item) for item in row))
