"""`sys.stdout` and `sys.stderr`, so also `print`, warnings and tracebacks: what is written to them leaves redacted.

The objects are replaced, those of `sys.__stdout__` and `sys.__stderr__` too. A complete line leaves at once; `flush` shows of an
unfinished one what cannot be the beginning of a secret, and the rest follows with the line's end, `close` or at exit. Whoever
took the old object earlier still has it, and C code, children and `os.write` do not pass here: fds.py is for these.
Raises what the wrapped stream raises, nothing else. Imported by applications and standard.py.
"""

from __future__ import annotations

import atexit
import codecs
import io
import os
import sys
import threading
import weakref
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leakguard.redact.core import Redactor

NAMES = ("stdout", "stderr", "__stdout__", "__stderr__")


AT_END = 0.5
"""Seconds that are waited for another thread while the interpreter shuts down: by then there may be none."""


class _Pump:
    """A core Stream for several threads, that may be entered again from within (a finaliser or a signal's handler)."""

    def __init__(self, redactor: Redactor, write: Callable[[bytes], object]) -> None:
        self._redactor = redactor
        self._write = write
        self._fresh()
        _PUMPS.add(self)

    def _fresh(self) -> None:
        self._lock = threading.RLock()
        self._busy = False
        self._queue: list[tuple[str, bytes]] = []
        self._stream = self._redactor.stream(self._write)

    def after_fork(self) -> None:
        """In the child: what waits here is the parent's, which will write it."""
        self._fresh()

    def do(self, what: str, data: bytes = b"") -> None:
        """`what` is feed, idle or flush. Raises what writing raises."""
        if not self._lock.acquire(timeout=AT_END if sys.is_finalizing() else -1):
            self._fresh()  # a daemon thread holds it and runs no more: what waits is lost, what comes is not
            self._lock.acquire()
        try:
            self._queue.append((what, data))
            if self._busy:
                return
            self._busy = True
            try:
                while self._queue:
                    name, piece = self._queue.pop(0)
                    if name == "feed":
                        self._stream.feed(piece)
                    elif name == "idle":
                        self._stream.idle()
                    else:
                        self._stream.flush()
            finally:
                self._busy = False
        finally:
            self._lock.release()


_PUMPS: weakref.WeakSet[_Pump] = weakref.WeakSet()


def _after_fork() -> None:
    for pump in list(_PUMPS):
        pump.after_fork()
    util = sys.modules.get("multiprocessing.util")
    if util is not None:  # it ends its children without `atexit`
        util.register_after_fork(_PUMPS, _at_its_end)


def _at_its_end(_pumps: object) -> None:
    """In a child of multiprocessing, before its work: what an unfinished line held back is written in the end."""
    from multiprocessing.util import Finalize

    Finalize(None, finish_all, exitpriority=-100)


def finish_all() -> None:
    """Writes what the guarded streams of the process hold back, and from now on nothing is: it ends."""
    for guard in {id(stream): stream for name in NAMES if isinstance(stream := getattr(sys, name), GuardedText)}.values():
        guard.end()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class GuardedBytes(io.BufferedIOBase):
    """A binary stream that redacts what is written to it; everything else is the wrapped stream's."""

    def __init__(
        self, inner: Any, redactor: Redactor, before: Callable[[], None] = lambda: None,
        write: Callable[[bytes], object] | None = None,
    ) -> None:  # fmt: skip
        self._inner = inner
        self._before = before
        self._redactor = redactor
        self._raw: GuardedBytes | None = None
        self._pump = _Pump(redactor, write or inner.write)

    def write(self, data: Any) -> int:
        piece = data if type(data) is bytes else bytes(memoryview(data))
        self._before()
        self._pump.do("feed", piece)
        return len(piece)

    def flush(self) -> None:
        self._pump.do("idle")
        self._inner.flush()

    def finish(self) -> None:
        """Writes what is held back."""
        self._pump.do("flush")
        if self._raw is not None:
            self._raw.finish()
        self._inner.flush()

    @property
    def raw(self) -> Any:
        """What lies below, redacted as well."""
        if self._raw is None:
            self._raw = GuardedBytes(self._inner.raw, self._redactor, self._all_first, self._through)
        return self._raw

    def _all_first(self) -> None:
        self._before()
        self._pump.do("flush")

    def _through(self, data: bytes) -> None:
        """As a raw stream writes, but all of it."""
        self._inner.write(data)
        self._inner.flush()

    def detach(self) -> Any:
        return self.raw

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        number: int = self._inner.fileno()
        return number

    def isatty(self) -> bool:
        return bool(self._inner.isatty())

    def close(self) -> None:
        if not self._inner.closed:
            self.finish()
            self._inner.close()

    @property
    def closed(self) -> bool:
        return bool(self._inner.closed)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def __del__(self) -> None:
        """Lets go without closing: the stream is not ours."""


class GuardedText(io.TextIOBase):
    """A text stream that redacts what is written to it; everything else is the wrapped stream's."""

    def __init__(self, inner: Any, redactor: Redactor) -> None:
        self._inner = inner
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._pump = _Pump(redactor, self._pass)
        buffer = getattr(inner, "buffer", None)
        self._buffer = None if buffer is None else GuardedBytes(buffer, redactor, self._text_first)
        self._open = True
        self._ending = False

    def _pass(self, data: bytes) -> None:
        try:
            text = data.decode("utf-8", "surrogatepass") if not self._decoder.getstate()[0] else self._decoder.decode(data)
        except UnicodeDecodeError:  # cut within a character
            text = self._decoder.decode(data)
        if text:
            self._inner.write(text)

    def _text_first(self) -> None:
        self._pump.do("flush")
        self._inner.flush()

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        if not self._open:  # uninstalled, but somebody kept it
            self._inner.write(text)
            return len(text)
        self._pump.do("feed", text.encode("utf-8", "surrogatepass"))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:  # type: ignore[override]
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        if self._ending:
            self.finish()
            return
        if self._open and not self._inner.closed:
            self._pump.do("idle")
            if self._buffer is not None:
                self._buffer.flush()
        self._inner.flush()

    def finish(self) -> None:
        """Writes what is held back. Later writes are redacted all the same."""
        if not self._inner.closed:
            self._pump.do("flush")
            if self._buffer is not None:
                self._buffer.finish()
            self._inner.flush()

    def end(self) -> None:
        """The process ends: writes what is held back, and `flush` does so from now on."""
        self._ending = True
        with suppress(OSError, ValueError):  # a reader that went away; closed meanwhile
            self.finish()

    def release(self) -> Any:
        """Writes what is held back and lets everything pass from now on; the wrapped stream."""
        self.finish()
        self._open = False
        return self._inner

    def close(self) -> None:
        if not self._inner.closed:
            self.finish()
            self._inner.close()

    def detach(self) -> Any:
        """The binary stream below, for whoever wraps it anew; it redacts."""
        self.flush()
        return self.buffer

    @property
    def buffer(self) -> Any:
        if self._buffer is None:
            raise AttributeError("buffer")
        return self._buffer if self._open else self._inner.buffer

    @property
    def encoding(self) -> Any:  # type: ignore[override]
        return getattr(self._inner, "encoding", "utf-8")

    @property
    def errors(self) -> Any:  # type: ignore[override]
        return getattr(self._inner, "errors", None)

    @property
    def newlines(self) -> Any:  # type: ignore[override]
        return getattr(self._inner, "newlines", None)

    @property
    def closed(self) -> bool:
        return bool(self._inner.closed)

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        number: int = self._inner.fileno()
        return number

    def isatty(self) -> bool:
        return bool(self._inner.isatty())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def __del__(self) -> None:
        """Lets go without closing: the stream is not ours."""


class Streams:
    """The replaced streams of the process. `.undo()` puts them back."""

    def __init__(self, redactor: Redactor, names: Iterable[str] = NAMES) -> None:
        from leakguard.redact import folds, wide

        wide.of(redactor)  # what the first blocks need: they may be the last words of a process, when nothing can be imported
        folds.known(redactor.known)
        self._put: list[tuple[str, Any, GuardedText]] = []
        made: dict[int, GuardedText] = {}
        for name in names:
            inner = getattr(sys, name)
            if inner is None:
                continue
            guard = inner if isinstance(inner, GuardedText) else made.setdefault(id(inner), GuardedText(inner, redactor))
            if guard is not inner:
                setattr(sys, name, guard)
                self._put.append((name, inner, guard))
        atexit.register(self._end)

    def _end(self) -> None:
        for _, _, guard in self._put:
            guard.end()

    def undo(self) -> None:
        """Puts the streams back that are still in place; those that were wrapped let everything pass."""
        for name, inner, guard in self._put:
            with suppress(OSError, ValueError):
                guard.release()
            if getattr(sys, name) is guard:
                setattr(sys, name, inner)
        self._put.clear()
        atexit.unregister(self._end)


def install(redactor: Redactor) -> Streams:
    """Replaces the streams of the process."""
    return Streams(redactor)
