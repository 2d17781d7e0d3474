"""How far to go into containers. A value alone: settings and workers carry it, so it imports nothing of weight."""

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
