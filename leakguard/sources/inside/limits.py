"""How far to go into containers, and what became of their bytes. Values alone: settings and workers carry them, so this
imports nothing of weight."""

# No `from __future__ import annotations` here: NamedTuple would compile every annotation, on every start.
from typing import NamedTuple


class Limits(NamedTuple):
    """How far to go into one file (the root). Documented in docs/inside.md; 0 means no limit, but for `depth`."""

    depth: int = 10
    """Containers within containers, compression counted."""
    ratio: int = 100
    """Expanded bytes per byte, of a member and of the root, asked for from 128 MiB on."""
    members: int = 250_000
    """Members in all, and one more for each 4 KiB of the root."""
    bytes: int = 64 * 1024**3
    """Expanded bytes in all, beside as many as the root has."""
    seconds: int = 600
    """Time in all, and one more second for each 10 MB of the root."""
    ocr: bool = False
    """Read what pictures show, too."""


class Bytes(NamedTuple):
    """What became of a number of bytes: `bytes` is the sum of all others, unless some of them are nobody's."""

    bytes: int = 0
    scanned: int = 0
    """As they stand."""
    containers: int = 0
    """Read as a container: structure, and what was packed. What came out of it is counted anew, one level down."""
    padding: int = 0
    """NUL bytes between members."""
    skipped: int = 0
    failed: int = 0
    truncated: int = 0
    """Read by nobody, in the states of incidents."""

    def plus(self, other: "Bytes") -> "Bytes":
        """The sum, field by field."""
        return Bytes(*map(int.__add__, self, other))

    @property
    def unaccounted(self) -> int:
        """Bytes that are in no other field; less than 0 if there were more to read than were told of."""
        return 2 * self.bytes - sum(self)
