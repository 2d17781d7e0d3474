"""What the sources of images have in common: a store's face, the walk through its layers, and digests on the way.

Promises: knows no layout and asks no host. Imported by the image sources.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

from leakguard.model import Origin
from leakguard.sources.inside.base import CHUNK, BrokenError, Member, Pull
from leakguard.sources.inside.walk import Leaf, Walker
from leakguard.sources.oci import Blob, Names

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

    def roots(self) -> list[Root]:
        """Where to begin. SourceError if there is nothing."""

    def open(self, blob: Blob) -> tuple[Pull, int]:
        """(content, length or -1). MissingError, OSError."""

    def give_back(self, blob: Blob) -> None:
        """It could not be read after all: `rest` shall have what there is of it."""

    def related(self, digest: str) -> list[Root]:
        """Attestations and the like, kept beside a manifest."""

    def rest(self, walker: Walker) -> Iterator[Leaf]:
        """What was never opened."""

    def close(self) -> None:
        """Lets go of files and connections."""


class Hashing:
    """A pull that computes the digest of what goes through it."""

    def __init__(self, pull: Pull, algorithm: str = "sha256") -> None:
        self.pull = pull
        self.algorithm = algorithm
        self.ended = False
        self._hash = hashlib.new(algorithm)

    def __call__(self, count: int) -> bytes:
        data = self.pull(count)
        self._hash.update(data)
        self.ended = not data
        return data

    @property
    def digest(self) -> str:
        return f"{self.algorithm}:{self._hash.hexdigest()}"


class LayerWalker(Walker):
    """A walk through one store that notes what its layers hold."""

    layer: Origin | None = None
    names: Names | None = None
    diff: Hashing | None = None
    passed_by: Callable[[Member], bool] | None = None
    unmarked = False
    """The layer ends without the end mark of a tar: that is how umoci writes them, and what a cut off one looks like."""

    def begin(self, layer: Origin, names: Names) -> None:
        """A layer follows."""
        self.layer, self.names, self.diff, self.unmarked = layer, names, None, False

    def end(self) -> Hashing | None:
        """The layer was read. What its content went through, if it was compressed."""
        diff, self.layer, self.names, self.diff = self.diff, None, None, None
        return diff

    def entries(self, origin: Origin) -> Callable[[str, bytes, str], None] | None:
        return self.names if origin is self.layer else None

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


def read_all(pull: Pull, most: int) -> bytes:
    """All there is, `most` bytes at the most."""
    out = bytearray()
    while len(out) < most:
        data = pull(min(CHUNK, most - len(out)))
        if not data:
            break
        out += data
    return bytes(out)
