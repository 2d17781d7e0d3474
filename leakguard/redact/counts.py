"""What a Redactor did, counted: by threads, handlers of signals and a second process at once.

Promises: holds kinds and numbers, and of the secrets at most their pseudonyms (`tallied`); whoever counts waits no longer than
WAIT. Imported by core.py, and reached through `Redactor.counts` by streams and adapters.
"""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import contextmanager, suppress
from itertools import count
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from leakguard.redact.quick import Edit, Made

_KIND = itemgetter(-2)
WAIT = 1.0
"""Seconds."""
MANY = 8
"""Replacements from which counting them by a Counter costs less."""


class Stats(NamedTuple):
    """What a Redactor did since it was made."""

    records: int
    changed: int
    errors: int
    floods: int
    refused: int
    """Values that were too short or too plain to be registered."""
    known: int
    kinds: dict[str, int]
    """Replacements by kind."""
    failures: dict[str, int]
    """Errors by type."""


class Lock:
    """What counts are changed under: entered again by a handler of a signal that logs while it is held, and waited for no
    longer than it takes to see that the thread that held it was ended with the interpreter."""

    __slots__ = ("inner",)

    def __init__(self) -> None:
        self.inner = threading.RLock()

    def __enter__(self) -> None:
        self.inner.acquire(timeout=WAIT)

    def __exit__(self, *_: object) -> None:
        with suppress(RuntimeError):  # it was not to be had
            self.inner.release()


class Counts:
    """The counts of one Redactor."""

    __slots__ = ("_changed", "_errors", "_failures", "_floods", "_kinds", "_refused", "_tally", "lock", "records")

    def __init__(self) -> None:
        self.lock = Lock()
        self.records = count()
        """Its next number is that of the records so far: `next` of it is C, and needs no lock."""
        self._changed = self._errors = self._floods = self._refused = 0
        self._kinds: dict[str, int] = {}
        self._failures: dict[str, int] = {}
        self._tally: dict[tuple[str, str], int] | None = None

    def after_fork(self) -> None:
        """In a forked process: who held the lock is not there."""
        self.lock = Lock()

    # ------------------------------------------------------------ what is counted
    def put(self, made: Sequence[Made | Edit], changed: bool = False) -> None:
        """Replacements that quick.py made, and whether they were the last in their text."""
        if self._tally is not None:
            self.add([(one[-2], one[-1]) for one in made], changed)
            return
        own, lock = self._kinds, self.lock.inner
        held = lock.acquire(True, WAIT)  # by hand: once for each record
        try:
            self._changed += changed
            if len(made) < MANY:
                for kind in map(_KIND, made):
                    own[kind] = own.get(kind, 0) + 1
            else:
                for kind, number in Counter(map(_KIND, made)).items():
                    own[kind] = own.get(kind, 0) + number
        finally:
            if held:
                lock.release()

    def add(self, kinds: Iterable[tuple[str, str]], changed: bool = False) -> None:
        """Replacements by (kind, pseudonym), and whether they were the last in their text."""
        own, tally = self._kinds, self._tally
        with self.lock:
            self._changed += changed
            for kind, suffix in kinds:
                own[kind] = own.get(kind, 0) + 1
                if tally is not None:
                    tally[kind, suffix] = tally.get((kind, suffix), 0) + 1

    def change(self) -> None:
        """A text in which something was replaced."""
        with self.lock:
            self._changed += 1

    def flooded(self) -> None:
        """A text that was made of triggers."""
        with self.lock:
            self._floods += 1

    def refuse(self, number: int) -> None:
        """Values that were not registered."""
        with self.lock:
            self._refused += number

    def failed(self, error: BaseException) -> None:
        """A failure, by its kind: its message and frames may hold what could not be checked."""
        name = type(error).__name__
        with self.lock:
            self._errors += 1
            self._failures[name] = self._failures.get(name, 0) + 1

    @contextmanager
    def tallied(self, tally: dict[tuple[str, str], int]) -> Iterator[None]:
        """Counts what is masked meanwhile by (kind, pseudonym) into `tally`."""
        self._tally = tally
        try:
            yield
        finally:
            self._tally = None

    def stats(self, known: int) -> Stats:
        """What was done so far; `known` is the number of registered values."""
        with self.lock:
            return Stats(
                int(repr(self.records)[6:-1]), self._changed, self._errors, self._floods, self._refused,
                known, dict(self._kinds), dict(self._failures),
            )  # fmt: skip

    # ------------------------------------------------------------ from one process to another
    def begin(self) -> None:
        """In another process: begins anew; a tally is its own from here on."""
        self._tally = None if self._tally is None else {}
        self.taken()

    def taken(self) -> list[Any]:
        """What `take` adds in another process, as JSON has it. The counts begin anew; records and refused values stay."""
        with self.lock:
            tally = [[*key, number] for key, number in (self._tally or {}).items()]
            out = [self._changed, self._errors, self._floods, dict(self._kinds), dict(self._failures), tally]
            self._changed = self._errors = self._floods = 0
            self._kinds.clear()
            self._failures.clear()
            if self._tally is not None:
                self._tally.clear()
        return out

    def take(self, counts: list[Any]) -> None:
        """Adds what was `taken` elsewhere."""
        changed, errors, floods, kinds, failures, tally = counts
        with self.lock:
            self._changed += changed
            self._errors += errors
            self._floods += floods
            for own, more in ((self._kinds, kinds), (self._failures, failures)):
                for name, number in more.items():
                    own[name] = own.get(name, 0) + number
            if self._tally is not None:
                for kind, suffix, number in tally:
                    self._tally[kind, suffix] = self._tally.get((kind, suffix), 0) + number


__all__ = ["Counts", "Stats"]
