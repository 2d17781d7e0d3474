"""What the sources of images have in common: a store's face, the walk through its layers, and digests on the way.

Promises: knows no layout and asks no host. Imported by the image sources.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from leakguard.model import Origin
from leakguard.sources.inside.base import CHUNK, BrokenError, Budget, Member, Pull, Stream
from leakguard.sources.inside.limits import Bytes
from leakguard.sources.inside.walk import Leaf, Walker
from leakguard.sources.oci import Blob, Names

if TYPE_CHECKING:
    from queue import SimpleQueue

BEHIND_FROM = 1024 * 1024
"""Bytes from which a digest is made by a thread of its own: it is a seventh of what reading an image takes, and who scans need not
wait for it."""
_AHEAD = 8
"""Pieces that may wait for it."""

NO_END_MARK = "tar: ends without its end mark"
"""What the reader of tars says of a layer that umoci wrote, and of one that was cut off."""


class MissingError(BrokenError):
    """A blob that the store does not have."""


class Root(NamedTuple):
    """A document to begin with."""

    name: str
    data: bytes
    digest: str = ""
    archive: bool = False
    """It is the manifest.json of `docker save`."""


class Store(Protocol):
    """Something that holds images."""

    origin: Origin
    size: int
    remote: bool
    """What it has is to be fetched: what was verified before is not asked for again."""
    outer: tuple[Bytes, ...]
    """What became of the compressed files around it, the outermost first."""

    def roots(self) -> list[Root]:
        """Where to begin. SourceError if there is nothing."""

    def open(self, blob: Blob) -> tuple[Pull, int]:
        """(content, length or -1). MissingError, OSError."""

    def give_back(self, blob: Blob) -> None:
        """It could not be read after all: `rest` shall have what there is of it."""

    def related(self, digest: str) -> list[Root]:
        """Attestations and the like, kept beside a manifest."""

    def rest(self, walker: Walker) -> Iterator[Leaf]:
        """What was never opened. Accounts for the bytes on disk."""

    def unread(self) -> Bytes:
        """What became of the bytes on disk where `rest` is not to be had any more."""

    def close(self) -> None:
        """Lets go of files and connections."""


class _Behind:
    """Hashes what it is handed, in order, in a thread of its own: hashlib lets others run meanwhile. The thread ends with
    `finish`, or when nobody has this any more. RuntimeError if there can be no more threads."""

    def __init__(self, made: Any) -> None:
        from queue import SimpleQueue
        from threading import Thread

        self._todo: SimpleQueue[bytes | None] = SimpleQueue()
        self._room: SimpleQueue[bool | None] = SimpleQueue()
        for _ in range(_AHEAD):
            self._room.put(True)
        Thread(target=_update, args=(made, self._todo, self._room), daemon=True).start()

    def update(self, data: bytes) -> None:
        if self._room.get() is None:
            raise BrokenError(_NO_DIGEST)
        self._todo.put(data)

    def finish(self) -> None:
        """Waits until all of it is hashed."""
        self._todo.put(None)
        while told := self._room.get():
            pass
        if told is None:
            raise BrokenError(_NO_DIGEST)

    def __del__(self) -> None:
        self._todo.put(None)


_NO_DIGEST = "its digest could not be made"


def _update(made: Any, todo: SimpleQueue[bytes | None], room: SimpleQueue[bool | None]) -> None:
    """The thread. It knows no _Behind, which so ends when its owner does."""
    try:
        while (data := todo.get()) is not None:
            made.update(data)
            room.put(True)
        room.put(False)
    except Exception:  # noqa: BLE001 - told by who waits: nobody else would, and a traceback has no business here
        room.put(None)


class Hashing:
    """A pull that computes the digest of what goes through it."""

    def __init__(self, pull: Pull, algorithm: str = "sha256") -> None:
        self.pull = pull
        self.algorithm = algorithm
        self.ended = False
        self.blank = True
        """Was it nothing but NUL bytes?"""
        self._hash = hashlib.new(algorithm)
        self._behind: _Behind | None = None
        self._size = 0

    def __call__(self, count: int) -> bytes:
        data = self.pull(count)
        self._size += len(data)
        if self._behind is None and self._size >= BEHIND_FROM and data:
            try:
                self._behind = _Behind(self._hash)
            except RuntimeError:
                self._size = -1 << 62  # then without
        (self._behind or self._hash).update(data)
        self.ended = not data
        self.blank = self.blank and not data.strip(b"\0")
        return data

    @property
    def digest(self) -> str:
        """The digest of all that was read, when it was read to its end."""
        if self._behind is not None:
            behind, self._behind = self._behind, None
            behind.finish()
        return f"{self.algorithm}:{self._hash.hexdigest()}"


class LayerWalker(Walker):
    """A walk through one store that notes what its layers hold."""

    layer: Origin | None = None
    names: Names | None = None
    diff: Hashing | None = None
    passed_by: Callable[[Member], bool] | None = None
    unmarked = False
    """The layer ends without the end mark of a tar: that is how umoci writes them, and what a cut off one looks like."""
    is_tar = False
    """The layer was read as one."""
    outer: tuple[Bytes, ...] = ()
    """See Store."""

    def begin(self, layer: Origin, names: Names) -> None:
        """A layer follows."""
        self.layer, self.names, self.diff, self.unmarked, self.is_tar = layer, names, None, False, False

    def end(self) -> Hashing | None:
        """The layer was read. What its content went through, if it was compressed."""
        diff, self.layer, self.names, self.diff = self.diff, None, None, None
        return diff

    def entries(self, origin: Origin) -> Callable[[str, bytes, str], None] | None:
        return self.names if origin is self.layer else None

    def enter(
        self, origin: Origin, stream: Stream, kind: str, depth: int, names: set[int] | None = None
    ) -> Iterator[Leaf]:
        if origin is self.layer and kind == "tar":
            self.is_tar = True
        yield from super().enter(origin, stream, kind, depth, names)

    def settled(self, origin: Origin, made: Bytes, depth: int) -> None:
        if depth == 1 and origin is self.layer:
            self.tally.blobs = self.tally.blobs.plus(made)
        elif depth == 1 and origin is self.root:
            self.settle_root(made)
        else:
            self.tally.add(made)

    def settle_root(self, made: Bytes) -> None:
        """Takes what became of an archive's bytes, and of what it was packed in."""
        first, *others = (*self.outer, made)
        self.tally.root = self.tally.root.plus(first)
        for one in others:
            self.tally.add(one)

    def _tell(self, state: str, origin: Origin, reason: str) -> None:
        if origin is self.layer and reason == NO_END_MARK:
            self.unmarked = True
        else:
            super()._tell(state, origin, reason)

    def member(
        self, container: Origin, member: Member, number: int, depth: int, names: set[int], parent: str = ""
    ) -> Iterator[Leaf]:
        if container is self.root and self.passed_by is not None and self.passed_by(member):
            return
        if container is self.layer and member.kind == "content" and self.diff is None:
            self.diff = Hashing(member.pull)
            member = member._replace(pull=self.diff)
        yield from super().member(container, member, number, depth, names, parent)


def growing(pull: Pull, budget: Budget) -> Pull:
    """A pull of something whose length only its end tells: a registry's answers. What came of it so far counts."""

    def grown(count: int) -> bytes:
        data = pull(count)
        budget.grow(budget.size + len(data))
        return data

    return grown


def read_all(pull: Pull, most: int) -> bytes:
    """All there is, `most` bytes at the most."""
    out = bytearray()
    while len(out) < most:
        data = pull(min(CHUNK, most - len(out)))
        if not data:
            break
        out += data
    return bytes(out)
