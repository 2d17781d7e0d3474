"""What a store lists, cut into pieces of work: whatever is read together, and by one process, is in one piece.

Blobs that lie in a pack come by what they are versions of, file by file, so that who reads a piece has the version before
still at hand; what no pack gives is left to git, in git's order. Reads headers of packs, and no contents.
Imported by history.py.
"""

from __future__ import annotations

import os
from array import array
from collections import Counter
from collections.abc import Callable, Container, Generator, Iterable, Iterator
from itertools import islice

from leakguard.gitpiece import Piece
from leakguard.objects import opened
from leakguard.sources.gitobjects import Listing
from leakguard.sources.gitpacks import Doubt, Pack, bases_of, grouped, hides, paths_of_packs

PIECE_BYTES = 16 * 1024 * 1024
LEAST_BYTES = 1024 * 1024
PIECES = 32
"""About as many pieces are made of little: the last ones must not keep one worker busy alone."""
PIECE_OBJECTS = 4096
COMMITS = 1024
"""Commits in a piece: git compares the trees of each."""
VERSIONS_FROM = 32 * 1024 * 1024
"""Bytes of blobs that have versions from which it pays to make ready for scanning these by what differs."""
STEP = 40_000
"""Blobs of a pack whose headers are read in one step."""
MOST_BLOBS = 1_500_000
"""Blobs up to which packs are read: beyond, the tables for that take too much memory."""


def cut(shadow: str, listed: Listing, kind: str, only: Container[bytes] | None = None) -> Iterator[Piece]:
    """The objects of a kind in pieces; `only` some of them."""
    batch: list[bytes] = []
    size = 0
    for oid, length in zip(listed.unpacked(kind), listed.sizes[kind], strict=True):
        if only is not None and oid not in only:
            continue
        batch.append(oid)
        size += length
        if size >= PIECE_BYTES or len(batch) >= (min(COMMITS, PIECE_OBJECTS) if kind == "commit" else PIECE_OBJECTS):
            yield Piece(shadow, listed.width, kind, b"".join(batch), (), size)
            batch, size = [], 0
    if batch:
        yield Piece(shadow, listed.width, kind, b"".join(batch), (), size)


class Blobs:
    """Blobs (ids with their sizes, in git's order), and which of them are versions of each other: that is known when `prepare`
    is through."""

    def __init__(self, shadow: str, width: int, sizes: dict[bytes, int]) -> None:
        self.shadow, self.width, self.sizes = shadow, width, sizes
        self.packs: list[tuple[Pack, dict[int, bytes], list[list[tuple[int, int]]]]] = []
        self.hiding: list[str] = []
        """Packs whose index leaves an object out."""
        self.rest: dict[bytes, int] = {}
        self.versions = False
        """Whether it pays to make ready for scanning versions by what differs."""

    def prepare(self) -> Iterator[None]:
        """Finds out, in steps of a few tenths of a second for half a million objects: whoever has workers to feed does so between
        two of them."""
        followed = 0
        rest = dict(self.sizes)
        for pack, places in (yield from self._readable()):
            bases: dict[int, int] = {}
            for some in batched(places, STEP):
                bases.update(bases_of(pack, some))
                yield
            found = list(grouped(bases))
            self.packs.append((pack, places, found))
            for family in found:
                followed += sum([rest.pop(places[at]) * (count > 0) for at, count in family])
            pack.release()
            yield
        self.rest = rest
        self.versions = followed + sum(rest.values()) >= VERSIONS_FROM

    def _readable(self) -> Generator[None, None, list[tuple[Pack, dict[int, bytes]]]]:
        """Packs with what is wanted of each, by its offset; without what several have: which one git takes is git's affair,
        and they could be made to differ."""
        known: list[tuple[Pack, dict[bytes, int]]] = []
        doubted = len(self.sizes) > MOST_BLOBS
        for name in paths_of_packs(os.path.join(self.shadow, "objects")):
            try:
                pack = opened(name, self.width)
                if len(self.sizes) <= MOST_BLOBS:
                    known.append((pack, pack.places(self.sizes)))
                    yield
                    continue
            except Doubt:
                # git tells what is wrong with it; and what of it git can find in it, nobody knows
                doubted = True
            if hides(name, self.width):
                self.hiding.append(name)
            yield
        if doubted:
            return []
        counts = Counter(oid for _, places in known for oid in places) if len(known) > 1 else {}
        return [
            (pack, {at: oid for oid, at in places.items() if counts.get(oid, 1) == 1}) for pack, places in known
        ]  # fmt: skip

    def pieces(self, path_of: Callable[[bytes], str]) -> Iterator[Piece]:
        """All of them in pieces: pack by pack and file by file, then those that git has to read. `path_of` an id."""
        making = _Making(self, path_of)
        most = max(LEAST_BYTES, min(PIECE_BYTES, sum(self.sizes.values()) // PIECES))
        for pack, places, unsorted in self.packs:
            found = sorted([(path_of(places[family[0][0]]), family) for family in unsorted])
            for number, (path, family) in enumerate(found):
                again = number + 1 < len(found) and found[number + 1][0] == path != ""
                for at, count in family:
                    oid = places[at]
                    # the last of a family is what the next one of the same file is held against
                    followed = count > 0 or (again and at == family[-1][0])
                    making.add(oid, self.sizes[oid], at, followed)
                    if making.size >= 2 * most or len(making.ids) >= PIECE_OBJECTS:
                        yield making.end(pack.path)
                if making.size >= most:
                    yield making.end(pack.path)
            if making.ids:
                yield making.end(pack.path)
        for oid, size in self.rest.items():
            making.add(oid, size, 0, True)
            if making.size >= most or len(making.ids) >= PIECE_OBJECTS:
                yield making.end("")
        if making.ids:
            yield making.end("")


def batched(items: Iterable[int], count: int) -> Iterator[list[int]]:
    """Some at a time."""
    rest = iter(items)
    while batch := list(islice(rest, count)):
        yield batch


class _Making:
    """A piece in the making."""

    def __init__(self, blobs: Blobs, path_of: Callable[[bytes], str]) -> None:
        self.blobs, self.path_of = blobs, path_of
        self._start()

    def _start(self) -> None:
        self.ids: list[bytes] = []
        self.places = array("Q")
        self.followed = bytearray()
        self.size = 0

    def add(self, oid: bytes, size: int, at: int, followed: bool) -> None:
        self.ids.append(oid)
        self.size += size
        self.places.append(at)
        self.followed.append(followed)

    def end(self, pack: str) -> Piece:
        """What is in the making, as it is."""
        blobs = self.blobs
        paths = tuple(map(self.path_of, self.ids))
        places, followed = (self.places.tobytes(), bytes(self.followed)) if pack else (b"", b"")
        ids, size = b"".join(self.ids), self.size
        self._start()
        return Piece(blobs.shadow, blobs.width, "blob", ids, paths, size, blobs.versions, pack, places, followed)
