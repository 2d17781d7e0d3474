"""Worker processes: units of work out, results back, in the order they were handed out.

A worker that dies takes nothing with it unseen: another takes its place and is given the units of its batch one by
one; a unit that kills that one, too, is reported as failed.
An interrupt ends the workers before it goes on up. Workers are forked where the system forks (they share the
compiled rules; forks.py), else spawned, and then are sent the compiled rules. Imported by pipeline.py when there is enough work
for it.
"""

from __future__ import annotations

import mmap
import os
import pickle
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from leakguard.detect.engine import Engine
from leakguard.pipeline import scan_unit
from leakguard.work import Done, Policy, Unit, lost

METHOD = "fork" if sys.platform.startswith("linux") else "spawn"

ARENA = 16 * 1024 * 1024
"""Bytes that a forked worker shares with its parent: contents go that way and not through a pipe, which copies them five
times. Pages are taken as they are used; a batch that does not fit goes through the pipe."""

_U = TypeVar("_U")
_D = TypeVar("_D")

AHEAD = 16
"""Batches handed out ahead of the oldest one that is not done, per worker: bounds what waits in memory."""
READY = 2
"""Batches made beforehand: whoever makes them from an archive does so while all workers are busy."""
BACKLOG = 12 * 1024 * 1024
"""Bytes of content made beforehand, by whoever makes any: some members take a second to come."""


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
    functions of a module, for they are sent to the workers. `weigh`: bytes of content that a batch holds; with it BACKLOG
    of them are made beforehand."""
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
        self.number = -1
        self.batch: list[Any] = []
        if METHOD == "fork":
            self._fork(engine, policy, scan)
        else:
            self._spawn(engine, policy, scan)

    def _fork(self, engine: Engine, policy: Policy, scan: Callable[..., Any]) -> None:
        from leakguard.forks import Forked, links

        self.arena = mmap.mmap(-1, ARENA)
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
        ready: deque[tuple[int, list[Any]]] = deque()
        done: dict[int, list[tuple[Any, Any]]] = {}
        following = 0
        more = True
        busy: deque[_Worker] = deque()
        idle = deque(self.workers)
        highest = 0
        while more or busy or ready:
            made = more and self._may_make(ready) and highest - following < AHEAD * len(self.workers)
            if made:
                item = next(source, None)
                if item is None:
                    more = False
                else:
                    ready.append(item)
                    highest = item[0] + 1
            while ready and idle:
                worker = idle.popleft()
                self._hand_out(worker, *ready.popleft())
                busy.append(worker)
            while idle and not more and not ready:
                idle.popleft().pipe.close()  # there is nothing for it: it ends while the others go on
            if busy:
                for worker in self._ready(busy, 0 if made else None):
                    busy.remove(worker)
                    done[worker.number], able = self._take(worker)
                    idle.append(able)
            while following in done:
                yield from done.pop(following)
                following += 1

    def _may_make(self, ready: Iterable[tuple[int, list[Any]]]) -> bool:
        batches = [batch for _, batch in ready]
        if len(batches) < READY or self.weigh is None:
            return len(batches) < READY
        return sum(map(self.weigh, batches)) < BACKLOG

    def _hand_out(self, worker: _Worker, number: int, batch: list[Any]) -> None:
        worker.number, worker.batch = number, batch
        try:
            _send(worker, batch)
        except (BrokenPipeError, OSError):
            return  # it died: its pipe reads as ended, and _take reports the batch

    def _ready(self, busy: Iterable[_Worker], timeout: float | None) -> list[_Worker]:
        """Those that have answered, within so many seconds (None: at least one)."""
        if METHOD == "fork":
            from leakguard.forks import readable as wait
        else:
            from multiprocessing.connection import wait  # type: ignore[assignment]
        pipes = {worker.pipe: worker for worker in busy}
        return [pipes[pipe] for pipe in wait(list(pipes), timeout)]

    def _take(self, worker: _Worker) -> tuple[list[tuple[Any, Any]], _Worker]:
        """A worker's results and the worker to go on with."""
        try:
            answers: list[Any] = worker.pipe.recv()
            return list(zip(worker.batch, answers, strict=True)), worker
        except (EOFError, OSError):
            return self._once_more(worker.batch, self._replaced(worker))

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


def _send(worker: _Worker, batch: list[Any]) -> None:
    """Hands a batch over: what it wraps as a PickleBuffer lies in the arena, the rest goes through the pipe."""
    buffers: list[pickle.PickleBuffer] = []
    places: list[tuple[int, int]] = []
    arena = worker.arena
    text = pickle.dumps(batch, 5, buffer_callback=buffers.append if arena is not None else None)
    at = 0
    for buffer in buffers:
        view = buffer.raw()
        if arena is None or at + view.nbytes > ARENA:
            text, places = pickle.dumps(batch, 5), []
            break
        arena[at : at + view.nbytes] = view
        places.append((at, view.nbytes))
        at += view.nbytes
    worker.pipe.send((text, places))


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
    try:
        while True:
            text, places = pipe.recv()
            contents = [arena[at : at + size] for at, size in places] if arena is not None else []
            batch = pickle.loads(text, buffers=contents)  # noqa: S301 - from the parent, by a pipe of its own
            pipe.send([scan(engine, unit, policy) for unit in batch])
    except (EOFError, OSError):
        pass  # the parent is done, or gone
    finally:
        os._exit(0)  # no clean-up of what was forked with us, and no traceback: it could quote what is scanned
