"""`guard_fds()`: what anybody in the process writes to file descriptors 1 and 2 leaves redacted.

The only guard that covers C code, `os.write`, `sys.__stderr__`, `faulthandler` and children. The descriptors become pipes (terminals
where they were some), read by a process of its own that is forked from this one: it goes on reading when this one crashes,
and C code that holds the interpreter's lock cannot block on it. Known values that are registered later, here or in a forked child,
are there before `register` returns. `mode="thread"` reads in a thread, where there is no fork: what a crash leaves in the pipe is
lost then, and C code that writes more than a pipe holds while it has the lock stops for ever.
Start it early, before other threads. Imported by standard.py and helper.py, and by applications.
"""

from __future__ import annotations

import atexit
import os
import pickle
import signal
import socket
import struct
import sys
import threading
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from leakguard.errors import UsageError

if TYPE_CHECKING:
    from leakguard.redact.core import Redactor

DRAIN = 5.0
"""Seconds that are waited for the last output to be written."""
ANSWER = 30.0
"""Seconds that are waited for a registration to be taken; a reader that is gone is seen at once."""
_HEAD = struct.Struct("!I")
_TAKEN = b"+"


class FdGuard:
    """Guarded descriptors. `.undo()` gives them back once all is written; done at exit anyway."""

    def __init__(self, redactor: Redactor, fds: Iterable[int], mode: str) -> None:
        from leakguard.redact.child import Side

        self.mode = mode
        self._redactor = redactor
        self._owner = os.getpid()
        self._control: socket.socket | None = None
        self._line: tuple[int, socket.socket] | None = None
        """By what values are sent, and the process that has it: each has its own."""
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._door: socket.socket | None = None
        """By which a process hands the reader the other end of its line; None where no process is a copy of this one."""
        if hasattr(os, "fork"):
            self._door, inside = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        _flush()
        self._saved = [(fd, os.dup(fd)) for fd in fds]
        self._sides = [Side(saved) for _, saved in self._saved]
        if mode == "process":
            self._fork(inside)
        else:
            if self._door is not None:
                threading.Thread(target=_open_lines, args=(redactor, inside), name="leakguard-values", daemon=True).start()
            self._thread = threading.Thread(target=self._pump, name="leakguard-fds", daemon=True)
            self._thread.start()
        for (fd, _), side in zip(self._saved, self._sides, strict=True):
            os.dup2(side.theirs, fd, inheritable=True)
            os.close(side.theirs)
        self._send_later_values()
        atexit.register(self.undo)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._after_fork)

    def _after_fork(self) -> None:
        self._lock = threading.Lock()

    # ------------------------------------------------------------ the reader
    def _fork(self, door: socket.socket) -> None:
        ours, theirs = socket.socketpair()
        first = os.fork()
        if first == 0:  # twice, so that the application never sees a child that is not its own
            try:
                if os.fork() == 0:
                    self._reader(theirs, door)
            finally:
                os._exit(0)
        os.waitpid(first, 0)
        theirs.close()
        door.close()
        for side in self._sides:
            os.close(side.ours)
        self._control = ours

    def _reader(self, control: socket.socket, door: socket.socket) -> None:
        """The other process: nothing of the application runs here, and it ends when nobody can write any more."""
        for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGTSTP", "SIGALRM"):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        keep = {control.fileno(), door.fileno(), *(side.ours for side in self._sides), *(saved for _, saved in self._saved)}
        if self._redactor.escrow is not None:
            keep.add(self._redactor.escrow.fileno())
        close_others(keep)
        threading.Thread(target=_open_lines, args=(self._redactor, door), daemon=True).start()
        self._pump()

    def _pump(self) -> None:
        from leakguard.redact import folds
        from leakguard.redact.pump import pump_many, writer
        from leakguard.redact.recoded import Recoding

        folds.known(self._redactor.known)  # before the first line comes

        def forgiving(handle: int) -> Any:
            write = writer(handle)

            def passed(data: bytes) -> None:
                with suppress(OSError):  # nobody reads: the application must not block for that
                    write(data)

            return passed

        pump_many(
            (side.ours, Recoding(self._redactor, forgiving(saved)))
            for side, (_, saved) in zip(self._sides, self._saved, strict=True)
        )

    # ------------------------------------------------------------ values that are registered later
    def _send_later_values(self) -> None:
        before = self._redactor.register_many

        def register_many(pairs: Iterable[tuple[str, str | bytes]]) -> int:
            wanted = list(pairs)
            taken = before(wanted)
            self._send(wanted)
            return taken

        self._redactor.register_many = register_many  # type: ignore[method-assign]
        self._registering = register_many

    def _send(self, pairs: list[tuple[str, str | bytes]]) -> None:
        """Has the reader register them, too. What cannot be is counted, as what follows may not be masked there."""
        if not self._saved or self._door is None or (self.mode == "thread" and os.getpid() == self._owner):
            return  # it is this process that reads
        data = pickle.dumps(pairs)
        with self._lock:
            try:
                line = self._connected(self._door)
                line.sendall(_HEAD.pack(len(data)) + data)
                if line.recv(1) != _TAKEN:
                    raise OSError("closed")
            except OSError as error:  # it is gone or late
                self._line = None
                self._redactor.counts.failed(error)

    def _connected(self, door: socket.socket) -> socket.socket:
        """This process' own line to the reader: a forked child's answers are not its parent's."""
        if self._line is not None and self._line[0] == os.getpid():
            return self._line[1]
        ours, theirs = socket.socketpair()
        ours.settimeout(ANSWER)
        self._line = os.getpid(), ours
        with theirs:
            door.settimeout(ANSWER)
            socket.send_fds(door, [_TAKEN], [theirs.fileno()])
        return ours

    # ------------------------------------------------------------ the end
    def undo(self) -> None:
        """Gives the descriptors back, after what was written has left. Children that still write are read on, in mode
        process. In a forked child it does nothing: the descriptors are guarded by the parent's reader."""
        if not self._saved or os.getpid() != self._owner:
            return
        atexit.unregister(self.undo)
        _flush()
        if self._redactor.__dict__.get("register_many") is getattr(self, "_registering", None):
            self._redactor.__dict__.pop("register_many", None)
        for fd, saved in self._saved:
            os.dup2(saved, fd, inheritable=True)
        if self._thread is not None:
            self._thread.join(DRAIN)
        if self._line is not None:
            self._line[1].close()
            self._line = None
        if self._door is not None:
            if self.mode == "thread":
                with suppress(OSError):
                    self._door.send(b"")  # ends the thread
            self._door.close()
        if self._control is not None:
            self._wait(self._control)
            self._control = None
        if self._thread is None or not self._thread.is_alive():
            for _, saved in self._saved:
                os.close(saved)
        self._saved = []

    @staticmethod
    def _wait(control: socket.socket) -> None:
        """Until the reader has written everything: then its end of the connection is closed."""
        with suppress(OSError):
            control.settimeout(DRAIN)
            control.shutdown(socket.SHUT_WR)
            while control.recv(64):
                continue
        control.close()


def _open_lines(redactor: Redactor, door: socket.socket) -> None:
    """In the reader: takes the lines that processes hand in."""
    while True:
        try:
            said, handles = socket.recv_fds(door, 1, 1)[:2]
        except OSError:
            return  # it was closed with the guard
        for handle in handles:
            line = socket.socket(fileno=handle)
            line.setblocking(True)
            threading.Thread(target=_take_values, args=(redactor, line), daemon=True).start()
        if not said and not handles:
            return


def _take_values(redactor: Redactor, line: socket.socket) -> None:
    """In the reader: registers what comes. Only processes that were forked from the one that forked this one are at the other
    end."""
    with line, suppress(OSError, struct.error):
        while True:
            size = _HEAD.unpack(_exactly(line, _HEAD.size))[0]
            type(redactor).register_many(redactor, pickle.loads(_exactly(line, size)))  # noqa: S301 - from our own kin
            line.sendall(_TAKEN)


def _exactly(control: socket.socket, size: int) -> bytes:
    out = b""
    while len(out) < size:
        piece = control.recv(size - len(out))
        if not piece:
            raise OSError("closed")
        out += piece
    return out


def close_others(keep: set[int]) -> None:
    """Closes every descriptor but these: the application's sockets and pipes must not stay open for our sake."""
    low = 0
    for fd in sorted(keep):
        os.closerange(low, fd)
        low = fd + 1
    os.closerange(low, max(low, _most()))


def _most() -> int:
    try:
        return max(map(int, os.listdir("/proc/self/fd"))) + 1
    except (OSError, ValueError):
        return min(os.sysconf("SC_OPEN_MAX"), 65_536)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()


def guard_fds(redactor: Redactor | None = None, fds: Iterable[int] = (1, 2), mode: str = "") -> FdGuard:
    """Guards file descriptors. `mode`: process or thread; process where there is fork. UsageError for another one;
    OSError if a descriptor is not open."""
    mode = mode or ("process" if hasattr(os, "fork") else "thread")
    if mode not in ("process", "thread"):
        raise UsageError("guard_fds: mode is process or thread")
    if redactor is None:
        from leakguard.redact.core import Redactor

        redactor = Redactor()
    return FdGuard(redactor, fds, mode)
