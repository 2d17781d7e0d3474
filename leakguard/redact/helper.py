"""A second process for a stream whose input comes faster than it goes: every other block is redacted there.

`Pair` stands between a descriptor and a Stream. A large block that ends where a unit does, with nothing open across that
place, is handed to a forked copy of this process by shared memory; the next one is redacted here, and what comes out is
written in order. What comes slowly never waits for another process. The copy knows the rules and values of
the moment of the fork: once others are registered it is not asked any more. If it dies or says nothing of use the block is
redacted here: nothing is lost, and nothing leaves that was not looked at. What it counts is added to this process's counts.
Only where there is fork, a second processor and no other thread. Imported by pump.py and cli/redact.py.
"""

from __future__ import annotations

import json
import mmap
import os
import select
import signal
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import hyperscan

from leakguard.redact import folds
from leakguard.redact.names import CLOSED
from leakguard.redact.stream import CONTEXT, Stream
from leakguard.redact.units import group_start

if TYPE_CHECKING:
    from leakguard.redact.core import Redactor
    from leakguard.redact.tables import Table

LEAST = 32 * 1024
"""Bytes of a block from which another process is worth asking."""
MOST = 384 * 1024
"""Bytes of a block at most."""
AFTER = 512 * 1024
"""Bytes of large blocks after which a process is forked: before that it costs more than it saves."""
_ROOM = 2 * MOST
"""Bytes of what comes out at most; a block that grows more is redacted here."""
_SLOTS = 4
"""Blocks that the other process is given at once: so it never waits for the next, though one takes longer than another (with two
it stood still for a fifteenth of the time where lines have secrets, and for a quarter where they have none)."""
_BEHIND = 10
"""Blocks that wait for one the other process has: so many, and it is waited for."""
_KEPT = 12 * 1024 * 1024
"""Bytes of a block of memory, see `warm`."""
_QUIET = getattr(socket, "MSG_NOSIGNAL", 0)
_ASKED = struct.Struct("!BII")
_DONE = struct.Struct("!BII")
_BAD, _GOOD, _OPEN = range(3)
"""What an answer is: nothing to rely on, what became of a block, and that a table goes on behind it."""


class Helper:
    """The other process. `ask`, and as often `answer`, in the same order."""

    def __init__(self, redactor: Redactor) -> None:
        self.redactor = redactor
        self.table = redactor.known.table
        self._given = [mmap.mmap(-1, CONTEXT + MOST) for _ in range(_SLOTS)]
        self._made = [mmap.mmap(-1, _ROOM) for _ in range(_SLOTS)]
        self._asked = 0
        self._answered = 0
        self._ours, theirs = socket.socketpair()
        if hasattr(socket, "SO_NOSIGPIPE"):  # where there is no MSG_NOSIGNAL
            self._ours.setsockopt(socket.SOL_SOCKET, socket.SO_NOSIGPIPE, 1)
        self.process = os.fork()
        if self.process == 0:
            with suppress(BaseException):  # whatever it is, the parent sees that nobody is there any more
                _alone({theirs.fileno()})
                self._serve(theirs.fileno())
            os._exit(0)
        theirs.close()

    @property
    def handle(self) -> int:
        """Readable when there is an answer."""
        return self._ours.fileno()

    @property
    def busy(self) -> int:
        """How many answers there will be."""
        return self._asked - self._answered

    @property
    def done(self) -> bool:
        """Whether there is an answer already, or nobody to give one."""
        return bool(select.select([self._ours], [], [], 0)[0])

    def ask(self, context: bytes, block: bytes) -> bool:
        """Hands over a block and what stands before it; says whether somebody is there to take it. At most _SLOTS at once."""
        slot = self._asked % _SLOTS
        given = self._given[slot]
        given[: len(context)] = context
        given[len(context) : len(context) + len(block)] = block
        try:
            self._ours.send(_ASKED.pack(slot, len(context), len(block)), _QUIET)  # a dead one must not end us
        except OSError:
            return False
        self._asked += 1
        return True

    def answer(self, count: bool = True) -> memoryview | None:
        """Waits for what became of the oldest block; None if that is nothing to rely on, and nothing at all if a table goes on
        behind the block. It is valid until the next `ask`. `count`: what was masked is counted."""
        head = _exactly(self.handle, _DONE.size)
        state, size, told = _DONE.unpack(head) if head else (_BAD, 0, 0)
        counts = _exactly(self.handle, told) if state == _GOOD else b""
        slot = self._answered % _SLOTS
        self._answered += 1
        if state == _BAD or len(counts) != told:
            return None
        if counts and count:
            self.redactor.counts.take(json.loads(counts))
        return memoryview(self._made[slot])[:size]

    def close(self) -> None:
        """Ends the other process."""
        self._ours.close()
        with suppress(ChildProcessError):
            os.waitpid(self.process, 0)

    def _serve(self, handle: int) -> None:
        """In the other process: block after block, until the connection is closed."""
        redactor = self.redactor
        redactor.counts.begin()
        while head := _exactly(handle, _ASKED.size):
            slot, before, size = _ASKED.unpack(head)
            given = self._given[slot]
            redactor.counts.taken()  # of a block that was not handed back
            made, good, table = redacted(redactor, given[:before], given[before : before + size])
            if not good or len(made) > _ROOM or table is not None:
                os.write(handle, _DONE.pack(_OPEN if good and table is not None else _BAD, 0, 0))
                continue
            self._made[slot][: len(made)] = made
            counts = json.dumps(redactor.counts.taken()).encode()
            os.write(handle, _DONE.pack(_GOOD, len(made), len(counts)) + counts)


def redacted(
    redactor: Redactor, context: bytes, block: bytes, last: bool = False, table: Table | None = None
) -> tuple[bytes, bool, Table | None]:
    """What becomes of whole units, whether nothing but a table is open at their end, and that table. `last`: nothing waits for
    more; `table` is the one that is open before them."""
    out: list[bytes] = []
    stream = Stream(redactor, out.append)
    stream._context = context
    stream._table = table
    held = stream._emit(block, last=last)
    return b"".join(out), not held and stream._pem == CLOSED and not stream._left, stream._table


_SAMPLE = (
    b"2026-11-21 11:41:05,123 - bot - INFO - order 17 of BTC/USDT at 0.25 is filled, 3 left\n"
    b"2026-11-21 11:41:05,124 - bot - INFO - config {'apiKey': 'q8Xv2LrT9dWmZ4kHcN7bYp3GsJ6fUa1E'}, state 3, waiting\n"
    b"2026-11-21 11:41:05,125 - bot - INFO - https://u:Wm9xQ2vL@h/x&signature=q8Xv2LrT9dWmZ4kHcN7bYp3GsJ6fUa1E of 3\n"
)


def warm(redactor: Redactor) -> None:
    """Loads and compiles what the first blocks need, before one comes. Only for who has counted nothing yet."""
    bytes(_KEPT)  # glibc keeps what blocks are freed from once such a one was freed, and asks for none of their pages anew
    if redactor.escrow is None:  # which would keep what is masked here
        for _ in range(2):
            redacted(redactor, _SAMPLE * 3, _SAMPLE)
        redactor.counts.taken()  # nobody asked for these


def _key_finder() -> Callable[[bytes], bool]:
    """Says of a block whether a private key may begin in it, which would decide about what comes after it beyond CONTEXT: three
    times as fast as bytes.find."""
    database = hyperscan.Database()
    database.compile(expressions=[b"PRIVATE KEY"], ids=[0], elements=1, flags=[hyperscan.HS_FLAG_SINGLEMATCH])
    scratch = hyperscan.Scratch(database)
    found: list[bool] = []

    def on_match(*_match: object) -> None:
        found.append(True)

    def holds(block: bytes) -> bool:
        found.clear()
        database.scan(block, on_match, 0, None, scratch)
        return bool(found)

    return holds


def _exactly(handle: int, size: int) -> bytes:
    """So many bytes; none if the other side is gone."""
    out = b""
    while len(out) < size:
        try:
            piece = os.read(handle, size - len(out))
        except OSError:
            return b""
        if not piece:
            return b""
        out += piece
    return out


def _alone(keep: set[int]) -> None:
    """In the other process: ends with its parent and by nothing else, and keeps nobody's pipe open."""
    from leakguard.redact.fds import close_others

    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGTSTP", "SIGALRM", "SIGPIPE", "SIGWINCH"):
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    close_others(keep)


# ---------------------------------------------------------------- in order
class _Job:
    """A block of whole units, after which nothing is open, unless it is a table."""

    __slots__ = ("block", "context", "counts", "made", "ours", "table")

    def __init__(self, context: bytes, block: bytes) -> None:
        self.context = context
        self.block = block
        self.ours = True
        """Whether it is this process's."""
        self.made: bytes | None = None
        self.counts: list[Any] = []
        """What was counted for it, before it is written."""
        self.table: Table | None = None
        """The table that is open after it."""


class Pair:
    """A Stream, and a Helper where that is of use. `feed`, `idle`, `flush` and `waiting` as of the Stream; if `work` says that
    there is something to do it is done when no more input is there; `handle` is readable when the other process has done
    something, which `settle` then writes. `close` at the end."""

    def __init__(self, redactor: Redactor, write: Callable[[Any], object]) -> None:
        self.redactor = redactor
        self.write = write
        self.stream = Stream(redactor, write)
        self._jobs: deque[_Job] = deque()
        """What is not written yet, in order."""
        self._open: Table | None = None
        """The table that goes on behind what was written last."""
        self._helper: Helper | None = None
        self._holds_key: Callable[[bytes], bool] = bool
        """Whether a private key may begin in a block; made with the Helper."""
        self._seen = 0 if _possible(redactor) else -1
        """Bytes of large blocks so far; -1: there is no helping."""

    @property
    def waiting(self) -> bool:
        return self.stream.waiting

    @property
    def handle(self) -> int:
        """What to wait for beside the input; -1 if there is nothing."""
        return self._helper.handle if self._helper is not None and self._helper.busy else -1

    @property
    def work(self) -> bool:
        """Whether there is a block for this process."""
        return any(job.ours and job.made is None for job in self._jobs)

    def feed(self, data: bytes) -> None:
        """Takes some more input."""
        try:
            self._collect()
            job = self._job(data)
            if job is None:
                self.finish()
        except BaseException:
            self.stream._pending += data  # for who flushes
            raise
        if job is None:
            self.stream.feed(data)
            return
        helper = self._helper
        if helper is not None and helper.busy < _SLOTS and (self.work or not helper.busy):
            job.ours = not helper.ask(job.context, job.block)
        self._jobs.append(job)
        if len(self._jobs) > _SLOTS or helper is None:
            self.step()

    def _collect(self) -> None:
        """Writes what is done already, so that the other process is seen to need more."""
        while self._jobs:
            job = self._jobs[0]
            if job.made is None and (job.ours or self._helper is None or not self._helper.done):
                break
            self.settle()

    def step(self) -> None:
        """Redacts a block of this process, and writes what is done. For the other process's turn it is waited if there is nothing
        else to do, or much that waits for it."""
        self._go_on()
        job = next((job for job in self._jobs if job.ours and job.made is None), None)
        if job is not None:
            self._make(job)
        if job is None or len(self._jobs) > _BEHIND:
            self.settle()
        else:
            self._collect()

    def _make(self, job: _Job, table: Table | None = None) -> None:
        """Redacts a block here. That no table is open before it is found out only when the one before it is done, so what it
        counts is kept apart until it is written."""
        redactor = self.redactor
        before, job.counts = redactor.counts.taken(), []
        try:
            job.ours = True
            job.made, _, job.table = redacted(redactor, job.context, job.block, last=True, table=table)
        finally:
            job.counts = redactor.counts.taken()
            redactor.counts.take(before)

    def settle(self) -> None:
        """Writes what is done. If it is the other process's turn it is waited for, once."""
        self._go_on()
        if self._jobs and not self._jobs[0].ours:
            self._answer(self._jobs[0])
        while self._jobs and self._jobs[0].made is not None:
            job = self._jobs.popleft()
            self.redactor.counts.take(job.counts)
            self._open = job.table
            if job.made:
                self.write(job.made)
            self._go_on()

    def _go_on(self) -> None:
        """If a table is open where the next block begins, that is done again, or for the first time."""
        table = self._open
        if table is None:
            return
        job = self._jobs[0] if self._jobs else None
        if job is None:
            self.stream._table = table
        else:
            if not job.ours and self._helper is not None and self._helper.answer(count=False) is None:
                self._alone()
            self._make(job, table)
        self._open = None

    def _answer(self, job: _Job) -> None:
        helper = self._helper
        made = None
        try:
            made = helper.answer() if helper is not None else None
        finally:  # also when interrupted: what it had is ours now
            if made is None:
                self._alone()
        if made:
            self._jobs.popleft()
            self.write(made)
        elif made is not None:  # a table goes on behind it
            self._make(job)

    def _alone(self) -> None:
        """Nobody helps any more: what the other process had is redacted here."""
        self._stop()
        for job in self._jobs:
            if not job.ours:
                self._make(job)

    def finish(self) -> None:
        """Redacts and writes all blocks."""
        while self._jobs:
            self.step()

    def idle(self) -> None:
        self.finish()
        self.stream.idle()

    def flush(self) -> None:
        """The end of the input."""
        self.finish()
        self.stream.flush()

    def close(self) -> None:
        """Writes what there is, and ends the other process."""
        try:
            self.flush()
        finally:
            self._stop()

    def _stop(self, seen: int = -1) -> None:
        helper, self._helper = self._helper, None
        self._seen = seen
        if helper is not None:
            helper.close()

    def _job(self, data: bytes) -> _Job | None:
        """What is there up to the last line's end, if nothing is open there; the Stream goes on after it."""
        if self._seen < 0 or not LEAST <= len(data) <= MOST // 2 + LEAST * 2:
            return None
        self._seen += len(data)
        if not self._ready():
            return None
        stream = self.stream
        if stream._shown or stream._pem.lines or stream._table is not None or stream._left or len(stream._pending) > LEAST * 2:
            return None
        cut = data.rfind(b"\n") + 1
        if not cut or data.find(b"\r", cut) >= 0:
            return None
        whole = b"".join((stream._pending, memoryview(data)[:cut]))  # copied once: these are large
        if len(whole) < CONTEXT or group_start(whole, 0, len(whole)) < len(whole) or self._holds_key(whole):
            return None
        grams = folds.known(self.redactor.known)
        if grams is not None and grams.open_after(whole):
            return None
        job = _Job(stream._context, whole)
        stream._context = whole[-CONTEXT:]
        stream._pending = data[cut:]
        return job

    def _ready(self) -> bool:
        """Whether somebody can be asked."""
        if self._helper is None:
            if self._seen < AFTER or threading.active_count() > 1:
                return False
            self._holds_key = _key_finder()
            self._helper = _forked(self.redactor)
            if self._helper is None:
                self._seen = -1
        elif self._helper.table is not self.redactor.known.table:
            self.finish()
            self._stop(0)
        return self._helper is not None


def _possible(redactor: Redactor) -> bool:
    """Whether there can be a second process: what is sealed must come from one."""
    if not hasattr(os, "fork") or redactor.escrow is not None:
        return False
    try:
        return len(os.sched_getaffinity(0)) > 1
    except AttributeError:
        return (os.cpu_count() or 1) > 1


def _forked(redactor: Redactor) -> Helper | None:
    try:
        return Helper(redactor)
    except OSError:
        return None  # no process, no memory: it goes on alone


__all__ = ["Helper", "Pair", "warm"]
