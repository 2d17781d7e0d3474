"""Processes for parsers of hostile files (`child`), forked from one that has their packages ready: to start an interpreter and
import a package takes a tenth of a second, many times what most files take.

Promises: each file has a process of its own, with its own limits, that sees no other file's bytes; the process they are forked
from reads no file, takes nothing but requests, and ends when its parent does, when it was asked for nothing for IDLE seconds,
after MOST files, or after one whose process was killed by a signal (so that nobody may try again and again at the same
addresses). Whoever does not want a file's answer any more has its process killed by closing `Process`. Where a system cannot do
that (`able`), or does not, there is one interpreter a file, as there is without any of this.

Who hands files out to processes of its own promises them one (`promised`) and has it started when it sees a file of the kind:
its packages are ready then, or nearly, when somebody reads that file, and are imported once and not by each of them.

This file is both sides: `started` in the parent; run as a script, the other, which imports nothing of the project but `child`,
from its path. Imported by `child` and spread.py.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import IO, Any, Self

IDLE = 1.0
"""Seconds for which it waits for the next file: what it imported is memory that others may need."""
MOST = 512
"""Files for which one is asked."""
KEPT = 2
"""How many of them wait for more at a time, of different packages."""
FIRST = 5.0
"""Seconds for which one that was started beforehand waits for its first file."""
READY = "ready:"
"""Before the kind that one which is started beforehand is for, in place of a package's name."""
_LONGEST = 256
_HANDLES = 4096
_BEGUN = b"\1"
"""What a process that was forked is told by; its exit code follows when it ends, in four bytes."""


# ---------------------------------------------------------------- the parent
def able() -> bool:
    """Whether processes can be forked so here."""
    return sys.platform.startswith("linux") and hasattr(os, "pidfd_open")


class Process:
    """One file's process, as subprocess has them: `stdout` is what it says; `with` lets go of it."""

    def __init__(self, nursery: _Line, stdout: IO[bytes], status: int) -> None:
        self.stdout = stdout
        self._nursery = nursery
        self._status = status

    def wait(self) -> int:
        """Its exit code; less than zero if a signal ended it, or it cannot be known any more."""
        told = os.read(self._status, 4)
        return int.from_bytes(told, "little", signed=True) if len(told) == 4 else -1

    def kill(self) -> None:
        """Ends it, if it did not end: nobody reads its answer."""
        if self._status >= 0:
            os.close(self._status)
            self._status = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self.stdout.close()
        self._nursery.left()


class _Line:
    """A line to a process that forks others."""

    line: Any

    def __init__(self) -> None:
        self.asked = self.active = 0

    def start(self, request: tuple[str, int, int]) -> Process | None:
        """A process for a request; None if there is nobody to fork it any more."""
        from socket import send_fds

        kind, seconds, handle = request
        reader, writer = os.pipe()
        status, theirs = os.pipe()
        begun = False
        try:
            with suppress(OSError):  # it ended
                send_fds(self.line, [f"{kind} {seconds}".encode()], [handle, writer, theirs])
                begun = True
        finally:
            os.close(writer)
            os.close(theirs)
        if not begun or os.read(status, 1) != _BEGUN:  # or it ended with the request unread
            os.close(reader)
            os.close(status)
            return None
        self.asked += 1
        self.active += 1
        return Process(self, os.fdopen(reader, "rb"), status)

    def left(self) -> None:
        """One of its processes is not wanted any more."""
        self.active -= 1


class _Nursery(_Line):
    """The process that forks others for this one."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        from socket import AF_UNIX, SOCK_SEQPACKET, socketpair
        from subprocess import DEVNULL, Popen

        super().__init__()
        self.owner = os.getpid()
        self.retired = False
        self.line, theirs = socketpair(AF_UNIX, SOCK_SEQPACKET)
        with theirs:
            self.process = Popen(command, stdin=theirs.fileno(), stdout=DEVNULL, stderr=DEVNULL, env=environment)

    def left(self) -> None:
        super().left()
        if self.retired and not self.active:
            self._end()

    def retire(self) -> None:
        """Nothing more is asked of it: it ends with the last process that it forked."""
        self.retired = True
        if not self.active or self.owner != os.getpid():
            self._end()

    def _end(self) -> None:
        from socket import SHUT_RDWR

        if self.owner == os.getpid():
            with suppress(OSError):  # it ended by itself
                self.line.shutdown(SHUT_RDWR)  # a copy of the line may be in a process that was forked from here
            self.process.wait()
        else:
            self.process.returncode = 0  # whoever forked us waits for it
        self.line.close()


class Common(_Line):
    """One process for all who are forked while it is promised. Nothing is started before `begin`, and who asks before it is, or
    when it has ended, has a process of its own as ever. `kind` is what it is for."""

    def __init__(self, kind: str) -> None:
        import _socket  # the module `socket` takes as long to import as this saves
        import mmap

        super().__init__()
        self.kind = kind
        self._owner = self._mine = os.getpid()
        ours, theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
        self._ours, self._theirs = ours.detach(), theirs.detach()
        self._begun = mmap.mmap(-1, 1)
        self._pid = 0
        self.line: Any = None

    def begin(self, command: list[str], environment: dict[str, str]) -> None:
        """Has it started, if it was not yet. For who promised it alone."""
        if self._theirs < 0:
            return
        nothing = (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0), (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0)
        with suppress(OSError):  # nobody waits for it: each has its own then
            self._pid = os.posix_spawn(
                command[0], command, environment, file_actions=[(os.POSIX_SPAWN_DUP2, self._theirs, 0), *nothing]
            )
            self._begun[0] = 1
        os.close(self._theirs)
        self._theirs = -1

    def ready(self) -> bool:
        """Whether it has its packages, or nobody need wait for it."""
        from select import POLLIN, poll

        waiting = poll()
        waiting.register(self._ours, POLLIN)
        return not self._pid or bool(waiting.poll(0))

    def start(self, request: tuple[str, int, int]) -> Process | None:
        """A forked process for a request (kind, ...); None if it cannot be had here, and a new one must be started."""
        if not self._begun[0] or request[0] != self.kind or self.asked >= MOST:
            return None
        if self.line is None:
            from socket import socket

            self.line = socket(fileno=os.dup(self._ours))
        return super().start(request)

    def forked(self) -> None:
        """In a process that was forked: nobody but the one that forks others may hold the other end of the line, or a request
        would wait for ever when that has ended."""
        if self._theirs >= 0 and self._mine != os.getpid():
            os.close(self._theirs)
            self._theirs = -1
        self._mine = os.getpid()

    def close(self) -> None:
        """Ends it. Nobody has asked it for what he still waits for."""
        from signal import SIGKILL

        if self._owner != os.getpid():
            return
        if self.line is not None:
            self.line.close()
        for handle in {self._ours, self._theirs} - {-1}:
            os.close(handle)
        self._ours = self._theirs = -1
        if self._pid:
            os.kill(self._pid, SIGKILL)  # it was not waited for: the number is its own
            os.waitpid(self._pid, 0)
            self._pid = 0


_promised: list[Common] = []
"""At most one."""


@contextmanager
def promised(kind: str) -> Iterator[Common | None]:
    """One process for a kind, for this process and all that it forks meanwhile; None where there can be none, or is one."""
    if not able() or _promised:
        yield None
        return
    _register()
    common = Common(kind)
    _promised.append(common)
    try:
        yield common
    finally:
        _promised.clear()
        common.close()


@cache
def _register() -> None:
    os.register_at_fork(after_in_child=_forked_with)


def _forked_with() -> None:
    for common in _promised:
        common.forked()


_kept: dict[tuple[str, ...], _Nursery] = {}
"""By how they were started; the one asked last is the last."""


def started(command: list[str], environment: dict[str, str], request: tuple[str, int, int]) -> Process | None:
    """A process for a `request` (kind, seconds of processor time, descriptor of the file), forked from one that was started
    by `command`, or is now. None where that cannot be."""
    import atexit

    for common in _promised:
        if (process := common.start(request)) is not None:
            return process
    key = (*command, *(f"{name}={value}" for name, value in sorted(environment.items())))
    for known, nursery in [*_kept.items()]:
        if nursery.owner != os.getpid() or nursery.asked >= MOST:
            _kept.pop(known).retire()
    atexit.unregister(close)
    atexit.register(close)
    for _ in range(2):
        found = _kept.pop(key, None) or _Nursery(command, environment)
        process = found.start(request)
        if process is not None:
            _kept[key] = found
            while len(_kept) > KEPT:
                _kept.pop(next(iter(_kept))).retire()
            return process
        found.retire()  # it had waited long enough; or none can be had
    return None


def close() -> None:
    """Ends those that wait for more."""
    while _kept:
        _kept.popitem()[1].retire()


# ---------------------------------------------------------------- the process that forks others
class _Child:
    """A process that was forked, and whom to tell of its end."""

    def __init__(self, pid: int, status: int) -> None:
        self.pid = pid
        self.status = status
        self.end = os.pidfd_open(pid)
        self.wanted = True

    def unwanted(self) -> None:
        """Nobody reads what it says any more."""
        from signal import SIGKILL

        os.kill(self.pid, SIGKILL)  # it was not waited for yet: the number is its own
        self.wanted = False

    def crashed(self) -> bool:
        """Tells its exit code; did a signal end it that was not ours?"""
        code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        with suppress(OSError):  # nobody wants to know
            os.write(self.status, code.to_bytes(4, "little", signed=True))
        os.close(self.status)
        os.close(self.end)
        return code < 0 and self.wanted


def serve(child: Any, line: Any, patience: float = IDLE) -> None:
    """Forks a process for each request that comes over the line, until there are no more; `child` is that module, `patience` the
    seconds for which the first request may be waited for."""
    from select import POLLERR, POLLIN, poll

    waiting = poll()
    waiting.register(line, POLLIN)
    children: dict[int, _Child] = {}
    taking = True
    while taking or children:
        events = waiting.poll(None if children else patience * 1000)
        if not events:
            return
        patience = IDLE
        handle = events[0][0]  # one by one: what is done for one may close another
        if handle == line.fileno():
            made = _forked(child, line)
            if made is None:
                for one in set(children.values()):
                    one.unwanted()
                return
            children[made.end] = children[made.status] = made
            waiting.register(made.end, POLLIN)
            waiting.register(made.status, POLLERR)
            continue
        found = children[handle]
        if handle == found.status:
            waiting.unregister(found.status)
            found.unwanted()
            continue
        waiting.unregister(found.end)
        if found.wanted:
            waiting.unregister(found.status)
        del children[found.end], children[found.status]
        if found.crashed() and taking:
            taking = False
            waiting.unregister(line)
            line.close()


def _forked(child: Any, line: Any) -> _Child | None:
    """A process for the request that is next: the file is its standard input, where it answers its standard output. None if
    nobody asks any more."""
    from socket import recv_fds

    request, handles, _, _ = recv_fds(line, _LONGEST, 3)
    if len(handles) < 3:
        return None
    file, out, status = handles
    kind, seconds = request.decode().split()
    child.prepare(kind)
    child.rehearse(kind)
    gc.freeze()  # what is shared stays shared: a collection in the child would write to each page of it
    pid = os.fork()
    if pid:
        os.close(file)
        os.close(out)
        with suppress(OSError):  # nobody reads its answer already
            os.write(status, _BEGUN)
        return _Child(pid, status)
    code = 1
    try:
        os.dup2(file, 0)
        os.dup2(out, 1)
        os.closerange(3, _HANDLES)
        child.answer(kind, int(seconds))
        code = 0
    finally:
        os._exit(code)
    raise AssertionError


def _main(path: str, group: str, more: list[str]) -> None:
    from importlib.util import module_from_spec, spec_from_file_location
    from socket import socket

    spec = spec_from_file_location("child", path)
    if spec is None or spec.loader is None:
        raise ImportError(path)
    child = module_from_spec(spec)
    spec.loader.exec_module(child)
    sys.path[:] = [*sys.path, *more]
    line = socket(fileno=os.dup(0))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)  # else the line would not end with `line`
    os.close(nothing)
    if group.startswith(READY):
        gc.disable()  # what is imported stays: a twelfth of the time is to look through it again and again
        child.prepare(group.removeprefix(READY))
        child.rehearse(group.removeprefix(READY))
        gc.enable()
        with suppress(OSError):  # nobody is there any more, and `serve` sees that
            line.send(_BEGUN)
    serve(child, line, FIRST if group.startswith(READY) else IDLE)
    os._exit(0)


if __name__ == "__main__":
    _main(sys.argv[1], sys.argv[2], sys.argv[3:])
