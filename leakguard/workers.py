"""Worker processes: units of work out, results back, in the order they were handed out.

A worker that dies takes nothing with it unseen: its batch is reported as failed and another worker takes its place.
An interrupt ends the workers before it goes on up. Workers are forked where the system forks (they share the
compiled rules), else spawned, and then load the rules from the cache. Imported by pipeline.py when there is
enough work for it.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from multiprocessing.connection import Connection, wait
from typing import Any

from leakguard.detect.engine import Engine
from leakguard.model import Incident
from leakguard.pipeline import Done, Policy, Unit, scan_unit

AHEAD = 4
"""Batches handed out ahead of the oldest one that is not done, per worker: bounds what waits in memory."""


def run(
    engine: Engine, batches: Iterable[list[Unit]], policy: Policy, jobs: int
) -> Iterator[tuple[Unit, Done]]:
    """Results of all units, in order."""
    pool = _Pool(engine, policy, jobs)
    try:
        yield from pool.run(batches)
        pool.finish()
    finally:
        pool.kill()


class _Worker:
    def __init__(self, context: Any, engine: Engine, policy: Policy) -> None:
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_work, args=(theirs, self.pipe, engine, policy), daemon=True)
        self.process.start()
        theirs.close()
        self.number = -1
        self.batch: list[Unit] = []


class _Pool:
    def __init__(self, engine: Engine, policy: Policy, jobs: int) -> None:
        method = "fork" if sys.platform.startswith("linux") else "spawn"
        self.context = multiprocessing.get_context(method)
        self.engine = engine
        self.policy = policy
        self.workers = [_Worker(self.context, engine, policy) for _ in range(jobs)]

    def run(self, batches: Iterable[list[Unit]]) -> Iterator[tuple[Unit, Done]]:
        source = enumerate(batches)
        done: dict[int, list[tuple[Unit, Done]]] = {}
        following = 0
        more = True
        busy: deque[_Worker] = deque()
        idle = deque(self.workers)
        highest = 0
        while more or busy:
            while more and idle and highest - following < AHEAD * len(self.workers):
                item = next(source, None)
                if item is None:
                    more = False
                    break
                worker = idle.popleft()
                highest = item[0] + 1
                self._hand_out(worker, *item)
                busy.append(worker)
            if busy:
                for worker in self._ready(busy):
                    busy.remove(worker)
                    done[worker.number], worker = self._take(worker)
                    idle.append(worker)
            while following in done:
                yield from done.pop(following)
                following += 1

    def _hand_out(self, worker: _Worker, number: int, batch: list[Unit]) -> None:
        worker.number, worker.batch = number, batch
        try:
            worker.pipe.send(batch)
        except (BrokenPipeError, OSError):
            return  # it died: its pipe reads as ended, and _take reports the batch

    def _ready(self, busy: Iterable[_Worker]) -> list[_Worker]:
        pipes = {worker.pipe: worker for worker in busy}
        return [pipes[pipe] for pipe in wait(list(pipes)) if isinstance(pipe, Connection)]

    def _take(self, worker: _Worker) -> tuple[list[tuple[Unit, Done]], _Worker]:
        """A worker's results and the worker to go on with."""
        try:
            answers: list[Done] = worker.pipe.recv()
            return list(zip(worker.batch, answers, strict=True)), worker
        except (EOFError, OSError):
            worker.process.join(5)
            reason = f"a worker died on it or beside it (exit {worker.process.exitcode})"
            lost = [
                (unit, Done([], [], 0, 0, 0, 0, [Incident("failed", unit.task.path, reason, unit.task.size)]))
                for unit in worker.batch
            ]
            worker.pipe.close()
            fresh = _Worker(self.context, self.engine, self.policy)
            fresh.number = worker.number
            self.workers[self.workers.index(worker)] = fresh
            return lost, fresh

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


def _work(pipe: Connection, parents: Connection, engine: Engine, policy: Policy) -> None:
    """A worker's life: batches in, results out, until the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is told too, and ends the workers
    parents.close()
    while True:
        try:
            batch = pipe.recv()
        except (EOFError, OSError):
            break
        pipe.send([scan_unit(engine, unit, policy) for unit in batch])
    pipe.close()
    os._exit(0)  # no clean-up of what was forked with us
