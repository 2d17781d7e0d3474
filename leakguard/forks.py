"""A forked process, and a line to it that carries one object after the other: what workers.py needs of multiprocessing,
whose import takes as long as scanning a megabyte.

A forked process shares what its parent had made, ends without clean-up of it, and never prints. Only for systems that
fork. Imported by workers.py and cli/rules.py.
"""

from __future__ import annotations

import os
import pickle
import signal
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

_HEAD = 8
"""Bytes of a message's length before it."""


class Link:
    """One end of a line. What comes over it is trusted: the other end is a process of ours that shares our memory."""

    def __init__(self, reader: int, writer: int) -> None:
        self._reader = reader
        self._writer = writer

    def fileno(self) -> int:
        """Readable when there is something to receive."""
        return self._reader

    def send(self, value: object) -> None:
        """Sends an object. OSError if nobody is there any more."""
        data = pickle.dumps(value, 5)
        rest = memoryview(len(data).to_bytes(_HEAD, "little") + data)
        while rest:
            rest = rest[os.write(self._writer, rest) :]

    def recv(self) -> Any:
        """Waits for the next object. EOFError if there is none and nobody to send one."""
        size = int.from_bytes(self._exactly(_HEAD), "little")
        return pickle.loads(self._exactly(size))  # noqa: S301 - see the class

    def _exactly(self, size: int) -> bytearray:
        out = bytearray(size)
        with memoryview(out) as view:
            done = 0
            while done < size:
                with view[done:] as room:
                    got = os.readv(self._reader, [room])
                if not got:
                    raise EOFError
                done += got
        return out

    def close(self) -> None:
        """Ends it; the other end is told by EOFError. A second time does nothing."""
        for handle in {self._reader, self._writer} - {-1}:
            os.close(handle)
        self._reader = self._writer = -1


def links() -> tuple[Link, Link]:
    """The two ends of a line."""
    here, there = os.pipe(), os.pipe()
    return Link(here[0], there[1]), Link(there[0], here[1])


def readable(ends: Iterable[Link], timeout: float | None) -> list[Link]:
    """Those with something to receive, or whose other end is gone; waits for one at most so many seconds (None: for ever)."""
    from select import poll

    by_handle = {end.fileno(): end for end in ends}
    waiting = poll()
    for handle in by_handle:
        waiting.register(handle)
    return [by_handle[handle] for handle, _ in waiting.poll(None if timeout is None else timeout * 1000)]


class Forked:
    """A process that does `target(*arguments)` and ends, whatever comes of it."""

    def __init__(self, target: Callable[..., object], arguments: tuple[Any, ...]) -> None:
        self.exitcode: int | None = None
        """How it ended, a signal as a negative number; None while it lives, or if nobody can tell."""
        self._ended = False
        self.pid = os.fork()
        if self.pid == 0:
            try:
                target(*arguments)
            finally:
                os._exit(1)  # no traceback, which could quote what is scanned, and no clean-up of what is the parent's

    def is_alive(self) -> bool:
        """Whether it has not ended yet."""
        if not self._ended:
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:  # somebody else waited for it
                self._ended = True
            else:
                if pid:
                    self._ended, self.exitcode = True, os.waitstatus_to_exitcode(status)
        return not self._ended

    def join(self, seconds: float) -> None:
        """Waits until it has ended, at most so long."""
        if hasattr(os, "pidfd_open") and self.is_alive():
            _ends(self.pid, seconds)
        pause, until = 0.0005, time.monotonic() + seconds
        while self.is_alive() and time.monotonic() < until:
            time.sleep(pause)
            pause = min(2 * pause, 0.05)

    def kill(self) -> None:
        """Ends it at once."""
        if self.is_alive():
            os.kill(self.pid, signal.SIGKILL)


def _ends(pid: int, seconds: float) -> None:
    """Waits for the end of a child that nobody has waited for yet, at most so long; at once where the system cannot tell."""
    from select import poll

    try:
        handle = os.pidfd_open(pid)
    except OSError:
        return  # an old kernel, or no descriptor left: whoever asks from time to time is told, too
    try:
        waiting = poll()
        waiting.register(handle)
        waiting.poll(seconds * 1000)
    finally:
        os.close(handle)


def over(function: Callable[[_Item], _Result], items: Sequence[_Item], processes: int) -> list[_Result]:
    """What a function makes of each item, in order, by so many processes, of which this is one. What another one fails at is
    done here once more: so an error is raised here, and is the one it is."""

    def share(link: Link, items: Sequence[_Item]) -> None:
        link.send([function(item) for item in items])
        os._exit(0)

    others = []
    for number in range(1, processes):
        here, there = links()
        others.append((number, here, Forked(share, (there, items[number::processes]))))
        there.close()
    out: list[Any] = [None] * len(items)
    try:
        out[::processes] = [function(item) for item in items[::processes]]
        for number, link, _ in others:
            try:
                out[number::processes] = link.recv()
            except EOFError:
                out[number::processes] = [function(item) for item in items[number::processes]]
    finally:
        for _, link, process in others:  # those that are done end by themselves
            process.kill()
            process.join(1)
            link.close()
    return out


__all__ = ["Forked", "Link", "links", "over", "readable"]
