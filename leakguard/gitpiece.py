"""What goes to a worker of a git store and what comes back: pieces of work, and accounts of what was done.

Nothing here holds a secret unless the engine was told to keep them. Imported by history.py, and by what scans the pieces
(objects.py, commits.py) or makes them (cutting.py).
"""

from __future__ import annotations

from typing import NamedTuple

from leakguard.errors import EngineError
from leakguard.model import CredentialSet, Finding, Incident
from leakguard.pipeline import MOST_PER_OBJECT
from leakguard.work import Policy

SHORT = 12
"""Digits of an id that are shown where there is no name."""


class Options(NamedTuple):
    """How a repository is scanned."""

    jobs: int = 1
    cache: str | None = None
    """A file for what was scanned before; None: one in the user's cache folder, "": none."""
    follow_alternates: bool = False
    attribution: bool = True
    max_size: int = 0
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    """Globs: findings that stand in no path that they leave in are not reported."""


class Piece(NamedTuple):
    """Objects of one kind. Trees come as pieces only if no commit led to them."""

    shadow: str
    width: int
    kind: str
    ids: bytes
    """Packed, in the order in which they are read."""
    paths: tuple[str, ...] = ()
    """For blobs: where a tree has them; "" where none was found to."""
    size: int = 0
    versions: bool = False
    """Whether it is worth it to look at how blobs of one path differ."""
    pack: str = ""
    """The pack that they all lie in, without its ending; "" if git is to read them."""
    places: bytes = b""
    """Their offsets in it, as array("Q") has them."""
    followed: bytes = b""
    """A byte for each: 1 if versions of it follow."""


class Found(NamedTuple):
    """What one object gave. `name` is the file name it was found in, for kind "name" (never to be printed)."""

    kind: str
    oid: bytes
    findings: list[Finding]
    sets: list[CredentialSet]
    name: bytes = b""


class PieceDone(NamedTuple):
    """What a piece gave. Ids are binary."""

    objects: int
    read: int
    """Bytes."""
    views: int
    view_bytes: int
    found: list[Found]
    failed: set[bytes]
    """Objects that were not read to their end."""
    incidents: list[Incident]
    pointers: list[tuple[str, int, str, str]]
    """LFS: (sha256, size, path, the pointer's own id in hex)."""
    inside: tuple[int, int, int]
    """Of archives: containers, members, expanded bytes."""
    paths: list[tuple[bytes, bytes]]
    """(id, path) of blobs that this process had not met before."""
    trees: bytes
    """Trees that were looked into by way of their commits, packed."""
    needed: bytes
    """Ids of everything that was named and must be there, packed."""
    gaps: set[bytes]
    """Commits whose trees could not be compared."""
    history: bytes = b""
    """A line for each commit: its id, when it was committed, its parents; ids in hex."""
    changes: bytes = b""
    """A line for each commit, its id; and behind it one for each blob that it brought: id, blank, path as git quotes it."""


def short(oid: bytes) -> str:
    """An id as it is shown."""
    return oid.hex()[:SHORT]


class Account:
    """What a piece gave so far."""

    def __init__(self, policy: Policy = Policy()) -> None:  # noqa: B008 - a value that cannot change
        self.policy = policy._replace(min_severity=0, min_confidence=0)
        self.objects = self.bytes = self.views = self.view_bytes = 0
        self.inside = (0, 0, 0)
        self.found: list[Found] = []
        self.failed: set[bytes] = set()
        self.incidents: list[Incident] = []
        self.pointers: list[tuple[str, int, str, str]] = []
        self.paths: list[tuple[bytes, bytes]] = []
        self.trees: set[bytes] = set()
        self.needed: set[bytes] = set()
        self.gaps: set[bytes] = set()
        self.roots: dict[bytes, bytes] = {}
        """Commits with their trees (hex)."""
        self.ids: list[bytes] = []
        """What must be there, too; in hex."""
        self.texts: list[tuple[str, bytes, int, bytes]] = []
        """What waits to be scanned: (kind, object, where its text begins, id)."""
        self.waiting = 0
        """Bytes of it."""
        self.history: list[bytes] = []
        self.changes: list[bytes] = []

    def done(self) -> PieceDone:
        """What came of the piece, as it is sent to the process that collects."""
        return PieceDone(
            self.objects, self.bytes, self.views, self.view_bytes, self.found, self.failed, self.incidents,
            self.pointers, self.inside, self.paths, b"".join(sorted(self.trees)), b"".join(sorted(self.needed)),
            self.gaps, b"".join(self.history), b"".join(self.changes),
        )  # fmt: skip

    def fail(self, oid: bytes, where: str, reason: str, size: int = 0) -> None:
        """An object of `size` bytes could not be read."""
        self.failed.add(oid)
        self.incidents.append(Incident("failed", where, reason, size))


def lost_piece(piece: Piece, reason: str) -> PieceDone:
    """The outcome of a piece that could not be scanned at all."""
    account = Account()
    width = piece.width
    account.failed = {piece.ids[at : at + width] for at in range(0, len(piece.ids), width)}
    what = f"<{len(account.failed)} objects from {short(piece.ids[:width])} on>"
    account.incidents.append(Incident("failed", what, reason, piece.size))
    return account.done()


class told:  # noqa: N801 - used as a function
    """What goes wrong with one object fails that object. A context manager."""

    __slots__ = ("account", "oid", "path", "size")

    def __init__(self, oid: bytes, path: str, size: int, account: Account) -> None:
        self.oid, self.path, self.size, self.account = oid, path, size, account

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> bool:
        if error is None:
            return True
        if not isinstance(error, Exception):
            return False
        # one odd object must not take the piece with it; of its error the kind alone is told: it could quote content
        reason = error.message if isinstance(error, EngineError) else f"internal error: {type(error).__name__}"
        self.account.fail(self.oid, self.path or f"<object {short(self.oid)}>", reason, self.size)
        return True


def keep(account: Account, found: Found, where: str) -> None:
    """Keeps what was found in an object, up to MOST_PER_OBJECT, and tells of more."""
    more = len(found.findings) - MOST_PER_OBJECT
    if more > 0:
        account.incidents.append(Incident("truncated", where, f"{more} more findings left out of the report"))
        found = found._replace(findings=found.findings[:MOST_PER_OBJECT])
    if found.findings or found.sets:
        account.found.append(found)
