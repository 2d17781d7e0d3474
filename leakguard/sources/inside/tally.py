"""What a walk through containers counts and tells: bytes and members, incidents of one container, what an error means.

Knows `model` and `base`; reads nothing. Imported by `sources.inside.walk` and by the image sources.
"""

from __future__ import annotations

from collections.abc import Callable

from leakguard.model import Origin
from leakguard.sources.inside.base import BrokenError, UnreadError
from leakguard.sources.inside.limits import Bytes
from leakguard.sources.windows import reason_of

EXTRA = "leakguard-scanner[archives]"
"""What to install for the formats of the extra."""
TOLD_EACH = 20
"""Incidents of one reason told one by one per container; the rest is counted."""


class Tally:
    """What a walk went through."""

    def __init__(self) -> None:
        self.containers = 0
        self.members = 0
        self.expanded = 0
        self.seen_before = 0
        self.root = Bytes()
        """What became of the bytes of roots."""
        self.blobs = Bytes()
        """The same of an image's blobs: manifests, configurations and layers, each once."""
        self._inner = Bytes()
        self._scanned = self._padding = 0
        self.last = b""
        """The last bytes of what a compressed log holds, if the walker was told to keep them."""
        self.named: Callable[[Origin], None] | None = None
        """Told of every member that has a name, also of those that hold nothing."""

    @property
    def inner(self) -> Bytes:
        """What became of the bytes that came out of containers, at every level."""
        scanned, padding = self._scanned, self._padding
        return self._inner.plus(Bytes(scanned + padding, scanned=scanned, padding=padding))

    def took(self, scanned: int, padding: int = 0) -> None:
        """Accounts for a member that was scanned: nearly all, so this is to be fast."""
        self._scanned += scanned
        self._padding += padding

    def add(self, made: Bytes) -> None:
        """Accounts for a container, and for what was cut off."""
        self._inner = self._inner.plus(made)


class Counted:
    """Incidents of one container: the first few of a reason one by one, of the rest the number."""

    def __init__(self, tell: Callable[[str, Origin, str], None], origin: Origin) -> None:
        self.tell = tell
        self.origin = origin
        self.counts: dict[tuple[str, str], int] = {}
        self.stood = 0
        """Bytes of the container itself that were scanned as they stand; -1 for all of them."""
        self.unread = 0
        """Bytes that its reader passed over."""
        self.broken = False
        """Did its reader give up, without saying where the rest begins?"""

    def __call__(self, state: str, name: str, reason: str) -> None:
        key = (state, reason)
        self.counts[key] = self.counts.get(key, 0) + 1
        if self.counts[key] <= TOLD_EACH or len(self.counts) > 1000:
            self.tell(state, Origin("member", name, self.origin) if name else self.origin, reason)

    def close(self) -> None:
        """Tells what was counted and not told one by one."""
        for (state, reason), count in self.counts.items():
            if count > TOLD_EACH:
                self.tell(state, self.origin, f"{count - TOLD_EACH} more members: {reason}")
        self.counts.clear()


def explained(error: Exception, kind: str) -> tuple[str, str]:
    """(state, reason) of what ended a container of a kind, or a member ("")."""
    named = f"{kind}: " if kind else ""
    if isinstance(error, BrokenError):
        return "failed", error.reason if error.reason.startswith(named) else named + error.reason
    if isinstance(error, UnreadError):
        return "unread", f"of kind {kind}, not read: {error.reason}" if kind else error.reason
    if isinstance(error, ImportError):
        what = f"of kind {kind}, not read" if kind else "compressed in a way not read"
        return "unread", f"{what}: install {EXTRA}"
    if isinstance(error, OSError):
        return "failed", named + reason_of(error)
    if isinstance(error, MemoryError):
        return "failed", f"{named}needs too much memory"
    return "failed", f"{named}internal error: {type(error).__name__}"  # a message could quote content


WEAK = frozenset({"lzma", "cpio", "brotli", "pickle", "zlib", "mail", "mbox"})
"""Kinds whose mark is so weak that not being one is no damage, if the reader saw so before it read anything."""
