"""Code of compiled patterns as one block of bytes, found by a hash of what was compiled, and read when it is asked for.

What patterns.py and searches.py share: neither reads more of the block at a start than where things are. Pure but for what a
Shelf holds. Imported by these two.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable
from typing import Any

from leakguard.hashes import blake2b

_HASH = 8
_COUNT = 4


class Shelf:
    """Pieces of code, each with facts about it. `build` says which program code is for; what is for another one, or damaged,
    is as good as nothing."""

    def __init__(self, build: Callable[[], bytes]) -> None:
        self._build = build
        self._taken: bytes | None = None
        self._places: dict[bytes, tuple[int, int, int]] = {}
        self._facts: list[bytes] = []
        self._codes = b""

    def take(self, blob: bytes) -> None:
        """Takes over what `packed` gave once. It is looked at when something is asked for."""
        self._taken = blob

    def ready(self) -> None:
        """Looks at what was taken over, for who is going to fork: each process would do it."""
        if self._taken is not None:
            head, _, rest = self._taken.partition(b"\n")
            self._taken = None
            self._places = {}
            if head and head == self._build():
                self._read(rest)

    def _read(self, blob: bytes) -> None:
        count = int.from_bytes(blob[:_COUNT], "little")
        sizes = array("I")
        hashes, begin = blob[_COUNT : _COUNT + count * _HASH], _COUNT + count * (_HASH + sizes.itemsize)
        if len(blob) < begin:
            return
        sizes.frombytes(blob[_COUNT + count * _HASH : begin])
        facts, mark, codes = blob[begin:].partition(b"\n\n")
        lines = facts.split(b"\n")
        if not mark or len(lines) != count or sum(sizes) != len(codes):
            return
        self._facts, self._codes = lines, codes
        at = 0
        for number, size in enumerate(sizes):
            self._places[hashes[number * _HASH : (number + 1) * _HASH]] = (number, at, at + size)
            at += size

    def get(self, key: bytes) -> tuple[Any, bytes] | None:
        """The facts and the code kept under a key."""
        self.ready()
        place = self._places.get(_hash(key)) if self._places else None
        if place is None:
            return None
        import json  # not at the start: most starts ask for nothing

        number, start, end = place
        return json.loads(self._facts[number]), self._codes[start:end]


def packed(build: bytes, rows: Iterable[tuple[bytes, Any, bytes]]) -> bytes:
    """The block for a Shelf: rows of (key, facts as JSON has them, code)."""
    import json

    hashes, sizes, facts, codes = [], array("I"), [], []
    for key, about, code in rows:
        hashes.append(_hash(key))
        sizes.append(len(code))
        facts.append(json.dumps(about, separators=(",", ":")).encode())
        codes.append(code)
    head = build + b"\n" + len(hashes).to_bytes(_COUNT, "little")
    return head + b"".join((*hashes, sizes.tobytes(), b"\n".join(facts), b"\n\n", *codes))


def _hash(key: bytes) -> bytes:
    return blake2b(key, digest_size=_HASH).digest()
