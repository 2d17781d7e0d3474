"""Worker processes: units of work out, results back, in the order they were handed out.

A worker that dies takes nothing with it unseen: another takes its place and is given the units of its batch one by
one; a unit that kills that one, too, is reported as failed.
An interrupt ends the workers before it goes on up. Workers are forked where the system forks (they share the
compiled rules; forks.py), else spawned, and then are sent the compiled rules. Imported by pipeline.py, pieces.py and
history.py when there is enough work for it.
"""

from __future__ import annotations

import mmap
import os
import pickle
import signal
import sys
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from leakguard.detect.engine import Engine
from leakguard.pipeline import scan_unit
from leakguard.work import Done, Policy, Unit, lost

METHOD = "fork" if sys.platform.startswith("linux") else "spawn"

ARENA = 16 * 1024 * 1024
"""Bytes that a forked worker shares with its parent for each batch that it may have at once: contents go that way and not
through a pipe, which copies them five times. Pages are taken as they are used; a batch that does not fit goes through the
pipe."""
AT_ONCE = 2
"""Batches of content that a worker has: it goes on with the next one while its parent, which reads, has no time for it."""

_U = TypeVar("_U")
_D = TypeVar("_D")

MOST_PLACES = 1024
"""Contents of a batch in the arena: where they are is less than a pipe holds."""

AHEAD = 16
"""Batches handed out ahead of the oldest one that is not done, per worker: bounds what waits in memory."""
READY = 2
"""Batches made beforehand: whoever makes them from an archive does so while all workers are busy."""
BACKLOG = 6 * 1024 * 1024
"""Bytes of content made beforehand, by whoever makes any: some members take a second to come, and two processes scan programs
sooner than one reads them."""


def run(engine: Engine, batches: Iterable[list[Unit]], policy: Policy, jobs: int) -> Iterator[tuple[Unit, Done]]:
    """Results of all units, in order."""
    return run_any(engine, batches, policy, jobs, scan_unit, lost)


def run_any(
    engine: Engine,
    batches: Iterable[list[_U]],
    policy: Policy,
    jobs: int,
    scan: Callable[[Engine, _U, Policy], _D],
    lost: Callable[[_U, str], _D],
    weigh: Callable[[list[_U]], int] | None = None,
) -> Iterator[tuple[_U, _D]]:
    """Results of other kinds of units: `scan` does one, `lost` is the outcome of one that killed its worker. Both are
    functions of a module, for they are sent to the workers. What follows an empty batch is made when all before it is done and was
    handed on. `weigh`: bytes of content that a batch holds; with it BACKLOG
    of them are made beforehand, and a worker has AT_ONCE of those that hold any."""
    pool = _Pool(engine, policy, jobs, scan, lost)
    pool.weigh = weigh
    try:
        yield from pool.run(batches)
        pool.finish()
    finally:
        pool.kill()


class _Worker:
    """A process, and how to talk to it: `pipe` and `process` are of forks.py where it is forked, else of multiprocessing."""

    def __init__(self, engine: Engine, policy: Policy, scan: Callable[..., Any]) -> None:
        self.pipe: Any
        self.process: Any
        self.arena: mmap.mmap | None = None
        self.batches: deque[tuple[int, list[Any]]] = deque()
        """What it was sent and did not answer, with numbers."""
        self.sent = 0
        if METHOD == "fork":
            self._fork(engine, policy, scan)
        else:
            self._spawn(engine, policy, scan)

    def _fork(self, engine: Engine, policy: Policy, scan: Callable[..., Any]) -> None:
        from leakguard.forks import Forked, links

        self.arena = mmap.mmap(-1, AT_ONCE * ARENA)
        self.pipe, theirs = links()
        with _deaf():
            self.process = Forked(_work, (theirs, self.pipe, self.arena, engine, policy, scan))
        theirs.close()

    def _spawn(self, engine: Engine, policy: Policy, scan: Callable[..., Any]) -> None:
        import multiprocessing

        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_work, args=(theirs, None, None, engine, policy, scan), daemon=True)
        with _deaf():
            self.process.start()
        theirs.close()


class _Pool:
    def __init__(
        self,
        engine: Engine,
        policy: Policy,
        jobs: int,
        scan: Callable[..., Any] = scan_unit,
        lost: Callable[[Any, str], Any] = lost,
    ) -> None:
        self.scan = scan
        self.lost = lost
        self.weigh: Callable[[list[Any]], int] | None = None
        self.engine = engine
        self.policy = policy
        self.workers: list[_Worker] = []
        if METHOD == "fork":
            engine.warm()
        try:
            for _ in range(jobs):
                with _deaf():  # who is not in the list yet is ended by nobody
                    self.workers.append(_Worker(engine, policy, scan))
        except BaseException:
            self.kill()
            raise

    def run(self, batches: Iterable[list[Any]]) -> Iterator[tuple[Any, Any]]:
        source = enumerate(batches)
        ready: deque[tuple[int, list[Any], int]] = deque()
        """Numbers, batches, and bytes of content in them."""
        done: dict[int, list[tuple[Any, Any]]] = {}
        following = 0
        more, waits = True, False
        idle = list(self.workers)
        busy: list[_Worker] = []
        highest = 0
        while more or busy or ready:
            waits = waits and bool(busy or ready)
            made = more and not waits and self._may_make(ready) and highest - following < AHEAD * len(self.workers)
            if made:
                item = next(source, None)
                if item is None:
                    more = False
                elif not item[1]:
                    waits, done[item[0]] = True, []
                    highest = item[0] + 1
                else:
                    ready.append((*item, 0 if self.weigh is None else self.weigh(item[1])))
                    highest = item[0] + 1
            while ready and idle:
                worker = idle.pop(0)
                self._hand_out(worker, *ready.popleft()[:2])
                busy.append(worker)
            # the last ones are for whoever is done first
            while ready and (more or len(ready) >= len(self.workers)) and self._goes_beforehand(busy, *ready[0]):
                ready.popleft()
            while idle and not more and not ready:
                idle.pop().pipe.close()  # there is nothing for it: it ends while the others go on
            if busy:
                for worker in self._ready(busy, 0 if made else None):
                    busy.remove(worker)
                    results, able = self._take(worker)
                    done.update(results)
                    (busy if able.batches else idle).append(able)
            while following in done:
                yield from done.pop(following)
                following += 1

    def _may_make(self, ready: Collection[tuple[int, list[Any], int]]) -> bool:
        if len(ready) < READY or self.weigh is None:
            return len(ready) < READY
        return sum(weight for _, _, weight in ready) < BACKLOG

    def _hand_out(self, worker: _Worker, number: int, batch: list[Any]) -> None:
        worker.batches.append((number, batch))
        try:
            _send(worker, batch)
        except (BrokenPipeError, OSError):
            return  # it died: its pipe reads as ended, and _take reports the batch

    def _goes_beforehand(self, busy: Iterable[_Worker], number: int, batch: list[Any], weight: int) -> bool:
        """Hands a batch to a worker that is at another one, if one may have it; was there one?"""
        if not weight:
            return False  # files: who reads them are the workers, and one is not to have two while another has none
        for worker in busy:
            if worker.arena is None or len(worker.batches) >= AT_ONCE:
                continue
            try:
                if not _send(worker, batch, waits=False):
                    return False
            except (BrokenPipeError, OSError):
                pass  # as above
            worker.batches.append((number, batch))
            return True
        return False

    def _ready(self, busy: Iterable[_Worker], timeout: float | None) -> list[_Worker]:
        """Those that have answered, within so many seconds (None: at least one)."""
        if METHOD == "fork":
            from leakguard.forks import readable as wait
        else:
            from multiprocessing.connection import wait  # type: ignore[assignment]
        pipes = {worker.pipe: worker for worker in busy}
        return [pipes[pipe] for pipe in wait(list(pipes), timeout)]

    def _take(self, worker: _Worker) -> tuple[dict[int, list[tuple[Any, Any]]], _Worker]:
        """The results of a worker's next batch (of all it has, if it died) by their numbers, and the worker to go on with."""
        try:
            answers: list[Any] = worker.pipe.recv()
            number, batch = worker.batches.popleft()
            return {number: list(zip(batch, answers, strict=True))}, worker
        except (EOFError, OSError):
            able, out = self._replaced(worker), {}
            for number, batch in worker.batches:
                out[number], able = self._once_more(batch, able)
            return out, able

    def _once_more(self, batch: list[Any], worker: _Worker) -> tuple[list[tuple[Any, Any]], _Worker]:
        """The units of a batch that a worker died on, one by one; and the worker that outlived them."""
        out = []
        for unit in batch:
            try:
                _send(worker, [unit])
                out.append((unit, worker.pipe.recv()[0]))
            except (EOFError, OSError):
                fresh = self._replaced(worker)
                out.append((unit, self.lost(unit, f"a worker died on it (exit {worker.process.exitcode})")))
                worker = fresh
        return out, worker

    def _replaced(self, worker: _Worker) -> _Worker:
        """A new worker in place of one that died."""
        worker.process.join(5)
        worker.pipe.close()
        if worker.arena is not None:
            worker.arena.close()
        with _deaf():
            fresh = _Worker(self.engine, self.policy, self.scan)
            self.workers[self.workers.index(worker)] = fresh
        return fresh

    def finish(self) -> None:
        for worker in self.workers:
            worker.pipe.close()
        for worker in self.workers:
            worker.process.join(5)

    def kill(self) -> None:
        for worker in self.workers:
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join(5)
            worker.pipe.close()
            if worker.arena is not None:
                worker.arena.close()


def _send(worker: _Worker, batch: list[Any], waits: bool = True) -> bool:
    """Hands a batch over: it lies in the arena, each thing that it wraps as a PickleBuffer by itself, and the pipe says where.
    What does not fit goes through the pipe, which may have to wait until it is read; without `waits` it does not go at all,
    and False is returned: who does not read may be waiting itself, for an answer of its to be read."""
    buffers: list[pickle.PickleBuffer] = []
    arena = worker.arena
    text = pickle.dumps(batch, 5, buffer_callback=buffers.append if arena is not None else None)
    views = [*(buffer.raw() for buffer in buffers), memoryview(text)]
    if arena is None or sum(view.nbytes for view in views) > ARENA or len(views) > MOST_PLACES:
        if waits:
            worker.pipe.send((pickle.dumps(batch, 5), []))
        return waits
    at = worker.sent % AT_ONCE * ARENA
    worker.sent += 1
    places: list[tuple[int, int]] = []
    for view in views:
        arena[at : at + view.nbytes] = view
        places.append((at, view.nbytes))
        at += view.nbytes
    worker.pipe.send((b"", places))
    return True


@contextmanager
def _deaf() -> Iterator[None]:
    """Holds ^C back while a process starts, so that it cannot hit the new one before that ignores it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(
    pipe: Any,
    parents: Any,
    arena: mmap.mmap | None,
    engine: Engine,
    policy: Policy,
    scan: Callable[..., Any],
) -> None:
    """A worker's life: batches in, results out, until the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is told too, and ends the workers
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    if parents is not None:
        parents.close()
    shared = None if arena is None else memoryview(arena)
    try:
        while True:
            text, places = pipe.recv()
            # who scans one takes its own copy of it then: what is copied just before is near, and its room is used again
            contents = [shared[at : at + size] for at, size in places] if shared is not None else []
            text = text or contents.pop()
            batch = pickle.loads(text, buffers=contents)  # noqa: S301 - from the parent, by a pipe of its own
            pipe.send([scan(engine, unit, policy) for unit in batch])
    except (EOFError, OSError):
        pass  # the parent is done, or gone
    finally:
        os._exit(0)  # no clean-up of what was forked with us, and no traceback: it could quote what is scanned
