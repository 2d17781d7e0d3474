"""Digests of what is read: the same whoever makes them, and nobody is left behind by a layer that was given up."""

from __future__ import annotations

import gc
import hashlib
import threading
import time
from random import Random

import pytest

from leakguard.sources import stores
from leakguard.sources.inside.base import BrokenError, from_bytes
from leakguard.sources.stores import BEHIND_FROM, Hashing

DATA = Random(3).randbytes(3 * BEHIND_FROM + 17)


def _threads(most: int) -> int:
    """How many there are, once those that are about to end had their time."""
    until = time.monotonic() + 10
    while threading.active_count() > most and time.monotonic() < until:
        gc.collect()
        time.sleep(0.01)
    return threading.active_count()


@pytest.mark.parametrize("step", [1 << 12, 100_001, BEHIND_FROM, 1 << 30])
@pytest.mark.parametrize("size", [0, 1, BEHIND_FROM - 1, BEHIND_FROM, len(DATA)])
def test_a_digest_is_that_of_all_that_went_through(step: int, size: int) -> None:
    before = threading.active_count()
    hashing = Hashing(from_bytes(DATA[:size]))
    read = b""
    while data := hashing(step):
        read += data
    assert read == DATA[:size]
    assert hashing.ended
    assert hashing.digest == f"sha256:{hashlib.sha256(read).hexdigest()}"
    assert hashing.digest == f"sha256:{hashlib.sha256(read).hexdigest()}"  # asked for twice
    assert _threads(before) == before


def test_what_goes_through_after_a_digest_was_asked_for_counts() -> None:
    hashing = Hashing(from_bytes(DATA), "sha512")
    for end in (BEHIND_FROM * 2, len(DATA)):
        while hashing(min(70_000, end - hashing._size)):
            pass
        assert hashing.digest == f"sha512:{hashlib.sha512(DATA[:end]).hexdigest()}"


def test_a_long_digest_is_made_behind_and_ends_with_who_wanted_it() -> None:
    before = threading.active_count()
    hashing = Hashing(from_bytes(DATA))
    for _ in range(20):
        hashing(100_000)
    assert threading.active_count() == before + 1
    del hashing
    assert _threads(before) == before


def test_without_threads_it_is_made_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refused)
    hashing = Hashing(from_bytes(DATA))
    while hashing(100_000):
        pass
    assert hashing.digest == f"sha256:{hashlib.sha256(DATA).hexdigest()}"


def test_a_digest_that_cannot_be_made_is_no_digest() -> None:
    class Fails:
        def update(self, _data: bytes) -> None:
            raise MemoryError

    behind = stores._Behind(Fails())
    with pytest.raises(BrokenError, match="its digest could not be made"):
        behind.update(b"x")
        behind.finish()
