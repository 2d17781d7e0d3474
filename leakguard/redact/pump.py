"""Moves bytes between file descriptors through Streams: a pipe, a child's two outputs, files that grow.

What can be shown of an unfinished line is shown after IDLE seconds without input; nothing else waits. Writes what there
is before it lets an error or an interrupt through, redacted. Imported by cli/redact.py.
"""

from __future__ import annotations

import errno
import os
import select
import selectors
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from leakguard.redact.core import Redactor
from leakguard.redact.helper import Pair
from leakguard.redact.recoded import Recoding

IDLE = 0.05
READ = 256 * 1024
PIPE = 64 * 1024
"""What a pipe holds: so much at once says that more is waiting."""
POLL = 0.2
"""Seconds between looks at files that are followed."""
READ_ON = 10.0
"""Seconds for which a file is read on that another took the name of."""
LAST = 64
"""Bytes by which a file is known again."""


def writer(handle: int) -> Callable[[bytes], None]:
    """A function that writes all of what it is given to a file descriptor."""

    def write(data: bytes) -> None:
        done = os.write(handle, data) if data else 0
        while done < len(data):
            done += os.write(handle, memoryview(data)[done:])

    return write


class Stop:
    """Signals that end a copy: not where they find it, but as soon as what was read is written. A second one does not wait."""

    def __init__(self, names: Iterable[str] = ("SIGINT", "SIGTERM")) -> None:
        self.number = 0
        """The signal that came; 0 for none."""
        self._names = names
        self._before: list[tuple[int, Any]] = []
        self._wake = -1
        self.handle = -1
        """Readable when a signal came."""

    def __enter__(self) -> Stop:
        self.handle, self._wake = os.pipe()
        for end in (self.handle, self._wake):
            os.set_blocking(end, False)
        self._woken = signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        numbers = [getattr(signal, name) for name in self._names if hasattr(signal, name)]
        self._before = [(number, signal.signal(number, self._came)) for number in numbers]
        return self

    def __exit__(self, *_error: object) -> None:
        for number, handler in self._before:
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._woken)
        os.close(self.handle)
        os.close(self._wake)

    def _came(self, number: int, _frame: object) -> None:
        if self.number:
            raise KeyboardInterrupt
        self.number = number


def pump(source: int, stream: Recoding, stop: Stop | None = None) -> None:
    """Everything from a file descriptor through a stream, to the end, or until a signal comes."""
    try:
        while _comes(source, stream, stop):
            data = os.read(source, READ)
            if not data:
                return
            if len(data) >= PIPE:
                data = _more(source, data)
            stream.feed(data)
    finally:
        stream.flush()


def _comes(source: int, stream: Recoding, stop: Stop | None) -> bool:
    """Waits for input, and meanwhile lets the stream do what can be done without; False if a signal came."""
    judged = False
    pair = stream.stream if isinstance(stream.stream, Pair) else None
    while True:
        helped = pair.handle if pair is not None else -1
        seconds = 0.0 if pair is not None and pair.work else IDLE if stream.waiting and not judged else None
        handles = [handle for handle in (source, helped, stop.handle if stop else -1) if handle >= 0]
        try:
            ready = select.select(handles, [], [], seconds)[0]
        except (OSError, ValueError):
            return True  # a file on a system where only sockets can be waited for: reading it does not block
        if stop is not None and stop.number:
            return False
        if source in ready:
            return True
        if pair is not None and seconds == 0:
            pair.step()
        elif pair is not None and helped in ready:
            pair.settle()
        elif not ready:
            stream.idle()
            judged = True


def _more(source: int, data: bytes) -> bytes:
    """What else is there already: input that comes faster than it goes is handled in large blocks."""
    pieces, size = [data], len(data)
    while size < READ and _ready(source, 0):
        piece = os.read(source, READ - size)
        if not piece:
            break
        pieces.append(piece)
        size += len(piece)
    return b"".join(pieces)


def _ready(source: int, seconds: float) -> bool:
    try:
        return bool(select.select([source], [], [], seconds)[0])
    except (OSError, ValueError):
        return True


def pump_many(pairs: Iterable[tuple[int, Recoding]]) -> None:
    """Several descriptors, each through its own stream, until all have ended."""
    waiting = selectors.DefaultSelector()
    streams = dict(pairs)
    for handle in streams:
        waiting.register(handle, selectors.EVENT_READ)
    try:
        while waiting.get_map():
            held = [stream for stream in streams.values() if stream.waiting]
            events = waiting.select(IDLE if held else None)
            if not events:
                for stream in held:
                    stream.idle()
                events = waiting.select()
            for key, _ in events:
                data = _read(key.fd)
                if data:
                    streams[key.fd].feed(data)
                else:
                    waiting.unregister(key.fd)
                    streams[key.fd].flush()
    finally:
        waiting.close()
        for stream in streams.values():
            stream.flush()


def _read(handle: int) -> bytes:
    try:
        return os.read(handle, READ)
    except OSError as error:
        if error.errno == errno.EIO:  # a pseudo-terminal whose other side was closed
            return b""
        raise


# ---------------------------------------------------------------- files that grow
class _Followed:
    """One file that grows, is truncated, or is replaced by another of its name."""

    def __init__(self, path: str, made: Callable[[], Recoding]) -> None:
        self.path = path
        self._made = made
        self.stream = made()
        self.handle = -1
        self.until = 0.0
        """When another has its name: until when it is read on, as whoever writes it may not know yet."""
        self._offset = 0
        self._last = b""
        """What was read last: if that is not there any more, it was truncated, however much is there by now."""

    def open(self) -> None:
        self.handle = os.open(self.path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))

    def step(self) -> bool:
        """Reads what is new; says whether there was anything."""
        if self.handle < 0:
            try:
                self.open()
            except FileNotFoundError:
                return False  # between two files of a rotation
        if self._truncated():
            os.lseek(self.handle, 0, os.SEEK_SET)
            self._offset, self._last = 0, b""
            self.stream.flush()
            self.stream = self._made()  # what is in it now may be written in another way
            return True
        data = os.read(self.handle, READ)
        if data:
            self._offset += len(data)
            self._last = (self._last + data[-LAST:])[-LAST:]
            self.stream.feed(data)
            return True
        if not self.until and self._replaced():
            self.until = time.monotonic() + READ_ON
            return True
        return False

    def _truncated(self) -> bool:
        """What is in it now is new."""
        try:
            return os.pread(self.handle, len(self._last), self._offset - len(self._last)) != self._last
        except OSError:
            return False  # a pipe

    def _replaced(self) -> bool:
        try:
            now = os.stat(self.path)
        except FileNotFoundError:
            return False
        own = os.fstat(self.handle)
        return (now.st_dev, now.st_ino) != (own.st_dev, own.st_ino)

    def close(self) -> None:
        self.stream.flush()
        if self.handle >= 0:
            os.close(self.handle)
        self.handle = -1


def follow(
    redactor: Redactor, paths: Iterable[str], write: Callable[[bytes], None], goes_on: Callable[[], bool] = lambda: True
) -> None:
    """Files from their beginning and on as they grow, through rotations, until `goes_on` says no. OSError if one of
    them cannot be opened at first."""
    files = [_Followed(path, lambda: Recoding(redactor, write)) for path in paths]
    for file in files:
        file.open()
    idle_since = time.monotonic()
    try:
        while goes_on():
            seen = sum(file.step() for file in files)
            seen += _next_files(redactor, files, write)
            if seen:
                idle_since = time.monotonic()
                continue
            if time.monotonic() - idle_since >= IDLE:
                for file in files:
                    if file.stream.waiting:
                        file.stream.idle()
            time.sleep(POLL if time.monotonic() - idle_since > 1 else 0.02)
    finally:
        for file in files:
            file.close()


def _next_files(redactor: Redactor, files: list[_Followed], write: Callable[[bytes], None]) -> int:
    """Takes up the files that took another's name, and lets go of those that nobody has written to since; says how many were
    taken up."""
    read_on = {file.path: file for file in files if file.until}
    current = {file.path for file in files if not file.until}
    for file in [file for file in files if file.until and file.until < time.monotonic()]:
        files.remove(file)
        file.close()
    fresh = [_Followed(path, lambda: Recoding(redactor, write)) for path in read_on if path not in current]
    files += fresh
    return len(fresh)


def chunks(handle: int) -> Iterator[bytes]:
    """What a descriptor holds, piece by piece."""
    while data := os.read(handle, READ):
        yield data
