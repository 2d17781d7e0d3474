"""Processes for parsers of hostile files (`child`), forked from one that has their packages ready: to start an interpreter and
import a package takes a tenth of a second, many times what most files take.

Promises: each file has a process of its own, with its own limits, that sees no other file's bytes; the process they are forked
from reads no file, takes nothing but requests, and ends when its parent does, when it was asked for nothing for IDLE seconds,
after MOST files, or after one whose process was killed by a signal (so that nobody may try again and again at the same
addresses). Whoever does not want a file's answer any more has its process killed by closing `Process`. Where a system cannot do
that (`able`), or does not, there is one interpreter a file, as there is without any of this.

This file is both sides: `started` in the parent; run as a script, the other, which imports nothing of the project but `child`,
from its path. Imported by `child`.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import IO, Any, Self

IDLE = 1.0
"""Seconds for which it waits for the next file: what it imported is memory that others may need."""
MOST = 512
"""Files for which one is asked."""
KEPT = 2
"""How many of them wait for more at a time, of different packages."""
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

    def __init__(self, nursery: _Nursery, stdout: IO[bytes], status: int) -> None:
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


class _Nursery:
    """The process that forks others, and the line to it."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        from socket import AF_UNIX, SOCK_SEQPACKET, socketpair
        from subprocess import DEVNULL, Popen

        self.owner = os.getpid()
        self.asked = self.active = 0
        self.retired = False
        self.line, theirs = socketpair(AF_UNIX, SOCK_SEQPACKET)
        with theirs:
            self.process = Popen(command, stdin=theirs.fileno(), stdout=DEVNULL, stderr=DEVNULL, env=environment)

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


_kept: dict[tuple[str, ...], _Nursery] = {}
"""By how they were started; the one asked last is the last."""


def started(command: list[str], environment: dict[str, str], request: tuple[str, int, int]) -> Process | None:
    """A process for a `request` (kind, seconds of processor time, descriptor of the file), forked from one that was started
    by `command`, or is now. None where that cannot be."""
    import atexit

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


def serve(child: Any, line: Any) -> None:
    """Forks a process for each request that comes over the line, until there are no more; `child` is that module."""
    from select import POLLERR, POLLIN, poll

    waiting = poll()
    waiting.register(line, POLLIN)
    children: dict[int, _Child] = {}
    taking = True
    while taking or children:
        events = waiting.poll(None if children else IDLE * 1000)
        if not events:
            return
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


def _main(path: str, more: list[str]) -> None:
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
    serve(child, line)
    os._exit(0)


if __name__ == "__main__":
    _main(sys.argv[1], sys.argv[3:])
