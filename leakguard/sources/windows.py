"""The bytes of one file, link or stream as Documents in bounded memory.

Promises: nothing but a regular file is opened, and opening never blocks; the cores of the windows join without gap or
overlap whatever their size and wherever the consumer cuts; a file that changes while it is read, an error half way, a
run too long for any window: each is told to `on_incident`, and what could be read is handed on. Memory is a window
and its context, not the file.

Never matches a rule, never lists a folder (`files` does). Knows `model` only. On the start-up path of every scan:
nothing heavier than `os` may be imported here. May be imported by the pipeline, the hook and other sources.
"""

# No `from __future__ import annotations` here: NamedTuple would compile every annotation, on every start.
import errno
import io
import os
import stat
from collections.abc import Callable, Generator
from functools import cache
from typing import NamedTuple, Protocol

from leakguard.model import Document, Incident, Origin

WINDOW = 4 * 1024 * 1024
"""Bytes of core per window."""
REACH = 64 * 1024
"""Bytes of context before and after the core."""
LARGEST_WINDOW = 64 * 1024 * 1024
"""How far a window grows for a run that does not fit."""
NO_SIZE_LIMIT = 256 * 1024 * 1024
"""How much is read of a file that says it is empty and is not (/proc)."""

_OPEN_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)  # a FIFO swapped in for the file must not stop us
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_BINARY", 0)
)
_KINDS = {
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
    stat.S_IFBLK: "block device",
    stat.S_IFCHR: "character device",
    stat.S_IFDIR: "directory",
    stat.S_IFLNK: "symbolic link",
}
_FIRST_STEP = 64 * 1024
_KEEP_FROM = 2 * 1024 * 1024
_KEPT = 12 * 1024 * 1024

OnIncident = Callable[[Incident], None]
Windows = Generator[Document, int | None, None]


class FileTask(NamedTuple):
    """One thing to read: a regular file (`kind` file), a symbolic link (`link`) whose text is the content, or several
    files that are one archive (`volumes`)."""

    path: str
    """As to be shown: `/` between components, relative if the argument was."""
    open_path: str
    size: int
    """When the walk saw it; /proc says 0 for what is not empty."""
    kind: str = "file"
    parts: tuple[str, ...] = ()
    """Of `volumes`: the files to open, in order."""
    named: bool = False
    """Asked for by its own name: what cannot be read of it is not passed by."""


class Readable(Protocol):
    """What a stream must have. None, for nothing there yet, only from something with a `fileno`."""

    def readinto(self, buffer: memoryview, /) -> int | None: ...


class NotRegularError(OSError):
    """What was opened is something else than a file; `strerror` says what."""

    def __init__(self, mode: int) -> None:
        super().__init__(errno.EINVAL, f"is a {kind_of(mode)}, not a file")


def kind_of(mode: int) -> str:
    """The name of a file's kind, for people."""
    return _KINDS.get(stat.S_IFMT(mode), "special file")


def reason_of(error: OSError) -> str:
    """The error's text without the path, which the incident has already."""
    return error.strerror or type(error).__name__


def open_regular(path: str) -> tuple[int, int]:
    """(descriptor, size) of a regular file, opened without blocking and without following a link at its end.

    Raises OSError; NotRegularError if something else stands there (now).
    """
    try:
        fd = os.open(path, _OPEN_FLAGS)
    except OSError as error:
        if error.errno == errno.ELOOP and os.path.islink(path):
            raise NotRegularError(stat.S_IFLNK) from None
        raise
    try:
        info = os.fstat(fd)
        if not stat.S_ISREG(info.st_mode):
            raise NotRegularError(info.st_mode)
    except BaseException:
        os.close(fd)
        raise
    return fd, info.st_size


def read_whole(path: str, most: int) -> bytes | None:
    """The content of a regular file of at most `most` bytes that did not change meanwhile. None for anything else, and for
    every error: `read_windows` knows what to say of it. Most of what is scanned are small files; this is all they need."""
    try:
        fd = os.open(path, _OPEN_FLAGS)
    except OSError:
        return None
    try:
        info = os.fstat(fd)
        size = info.st_size
        if not stat.S_ISREG(info.st_mode) or size > most:
            return None
        data = os.read(fd, size + 1)  # the byte too many tells whether it grew
    except OSError:
        return None
    finally:
        os.close(fd)
    return data if len(data) == size else None


def read_windows(
    task: FileTask,
    origin: Origin,
    on_incident: OnIncident,
    window: int = WINDOW,
    reach: int = REACH,
    start: int = 0,
    end: int | None = None,
) -> Windows:
    """The file as Documents in order: cores that join without gap or overlap, each with `reach` bytes of context.

    A file of at most window + reach bytes is one Document. The cores cover [start, end) and no more; only the range
    without an end notices bytes that were added while reading. `final` says that nothing follows the data.

    A consumer that met a run cut off by the end of the data sends the run's absolute offset: the next core begins
    there (and what it found from there on in this Document comes again). If the run began at the very start of the
    core the same core comes again, twice as long, up to LARGEST_WINDOW; if that does not hold it either, a truncated
    incident is recorded and the next core follows this one. After a cut the context may be longer than `reach`. In a
    final Document a cut means nothing.
    """
    if window < 1 or reach < 0 or start < 0:
        raise ValueError("window must be positive, reach and start not negative")
    if task.kind == "link":
        yield from _link_text(task, origin, on_incident, start, end)
        return
    try:
        fd, size = open_regular(task.open_path)
    except OSError as error:
        on_incident(Incident("failed", str(origin), reason_of(error), task.size))
        return
    try:
        data = b""
        if start == 0 and end is None and 0 < size < window + reach:
            # Nearly every file ends here; the byte too many tells whether it grew.
            try:
                data = os.read(fd, size + 1)
            except OSError as error:
                on_incident(Incident("failed", str(origin), f"{reason_of(error)} at byte 0", size))
                return
            if len(data) == size:
                yield Document(data, origin)
                return
        elif start and size <= start:
            if size < task.size:
                on_incident(Incident("failed", str(origin), "file shrank while it was read", task.size - start))
            return
        base = max(0, start - reach)
        if base:
            os.lseek(fd, base, os.SEEK_SET)
        feed = _FileFeed(fd, str(origin), on_incident, base + len(data), size, watch=end is None)
        yield from _windows(feed, origin, data, base, core=start, end=end, window=window, reach=reach)
    finally:
        os.close(fd)


def read_stream(
    source: int | Readable,
    origin: Origin,
    on_incident: OnIncident,
    window: int = WINDOW,
    reach: int = REACH,
) -> Windows:
    """Standard input, a pipe or an open binary file (anything with `readinto`) as the same Documents.

    Reads to the end, whatever the length; does not close the source. Takes cuts as `read_windows` does.
    """
    if window < 1 or reach < 0:
        raise ValueError("window must be positive, reach not negative")
    if isinstance(source, int):
        try:
            source = io.FileIO(source, closefd=False)
        except OSError as error:
            on_incident(Incident("failed", str(origin), reason_of(error)))
            return
    feed = _Feed(source, str(origin), on_incident)
    yield from _windows(feed, origin, b"", 0, core=0, end=None, window=window, reach=reach)


def read_on(
    source: Readable, origin: Origin, on_incident: OnIncident, data: bytes, base: int, core: int
) -> Windows:
    """The rest of a stream of which `data`, at offset `base`, was read last: its Documents from offset `core` on."""
    feed = _Feed(source, str(origin), on_incident, base + len(data))
    yield from _windows(feed, origin, data, base, core=core, end=None, window=WINDOW, reach=REACH)


def _link_text(task: FileTask, origin: Origin, on_incident: OnIncident, start: int, end: int | None) -> Windows:
    """The target's name as content: one Document, which belongs to the range that holds byte 0."""
    if start or end == 0:
        return
    try:
        text = os.fsencode(os.readlink(task.open_path))
    except OSError as error:
        on_incident(Incident("failed", str(origin), reason_of(error), task.size))
        return
    yield Document(text, origin)


@cache
def keep_freed() -> None:
    """Has memory that windows are freed from kept for the next ones. glibc gives what is free at the heap's top back to the
    system from twice the size on of the largest block that it has mapped and freed (mallopt(3), M_MMAP_THRESHOLD): two
    windows, which are freed together, so that every page of a file is asked for anew, a twelfth of the time of a scan.
    Such a block that nobody wrote to costs some microseconds; other libraries' malloc has no use for it."""
    bytes(_KEPT)


class _Feed:
    """Bytes in order, and where they end. `position` is how many bytes were taken from the source."""

    def __init__(self, raw: Readable, origin: str, on_incident: OnIncident, position: int = 0) -> None:
        self.raw = raw
        self.origin = origin
        self.on_incident = on_incident
        self.position = position
        self.ended = False
        self.probe = b""  # a byte read to see whether there is one
        self.step = _FIRST_STEP

    def extend(self, kept: bytes, want: int) -> bytes:
        """`kept` and the next `want` bytes, fewer only at the end.

        Read straight into the buffer that becomes the result: a BytesIO hands out its bytes without a copy, where
        joining tail and chunk would hold and copy every window twice.
        """
        if want <= 0 or self.ended:
            return kept
        if want >= _KEEP_FROM:
            keep_freed()
        total = len(kept)
        stop = total + want
        buffer = io.BytesIO()
        buffer.write(kept)
        while total < stop and not self.ended:
            piece = min(stop - total, self._ahead())
            buffer.seek(total + piece - 1)
            buffer.write(b"\0")
            with buffer.getbuffer() as whole, whole[total : total + piece] as part:
                total += self._fill(part)
        buffer.truncate(total)
        return buffer.getvalue()

    def at_end(self) -> bool:
        """Is there nothing more? A stream is asked for one byte."""
        byte = bytearray(1)
        while not self.ended and not self.probe:
            with memoryview(byte) as view:
                if self._read(view):
                    self.probe = bytes(byte)
        return self.ended

    def _ahead(self) -> int:
        """How much room to make: little for a short stream, soon a window for a long one."""
        step = self.step
        self.step = min(2 * step, LARGEST_WINDOW)
        return step

    def _fill(self, view: memoryview) -> int:
        done = len(self.probe)
        view[:done] = self.probe
        self.probe = b""
        while done < len(view) and not self.ended:
            with view[done:] as rest:
                done += self._read(rest)
        return done

    def _read(self, view: memoryview) -> int:
        """One read; sets `ended` at the end of the source or of its patience."""
        try:
            got = self.raw.readinto(view)
            if got is None:
                got = self._wait()
            elif got == 0:
                self._end()
        except OSError as error:
            self._fail(error)
            return 0
        self.position += got
        return got

    def _wait(self) -> int:
        """Somebody set the pipe to non-blocking: wait for it instead of asking again and again."""
        from select import select

        fileno = getattr(self.raw, "fileno", None)
        if fileno is None:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        select([fileno()], [], [])
        return 0

    def _end(self) -> None:
        self.ended = True

    def _fail(self, error: OSError) -> None:
        self.ended = True
        self.on_incident(Incident("failed", self.origin, f"{reason_of(error)} at byte {self.position}"))


class _FileFeed(_Feed):
    """A regular file: `limit` is how far it goes, as known so far."""

    def __init__(self, fd: int, origin: str, on_incident: OnIncident, position: int, size: int, *, watch: bool) -> None:
        super().__init__(io.FileIO(fd, closefd=False), origin, on_incident, position)
        self.fd = fd
        self.size = size
        self.limit = size or NO_SIZE_LIMIT
        self.watch = watch
        self.grown = False

    def at_end(self) -> bool:
        if not self.size:
            return super().at_end()
        if not self.ended and self.position >= self.limit:
            self._at_limit()
        return self.ended

    def _ahead(self) -> int:
        return max(1, self.limit - self.position) if self.size else super()._ahead()

    def _read(self, view: memoryview) -> int:
        while self.position >= self.limit:
            self._at_limit()
            if self.ended:
                return 0
        with view[: self.limit - self.position] as room:
            return super()._read(room)

    def _wait(self) -> int:
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    def _end(self) -> None:
        """The file ends before its size: it was cut, or its size was never meant (/sys says 4096 of everything)."""
        self.ended = True
        if self.size and os.fstat(self.fd).st_size < self.limit:
            left = self.limit - self.position
            self.on_incident(Incident("failed", self.origin, "file shrank while it was read", left))

    def _at_limit(self) -> None:
        """Everything known of was read: look once for more, up to twice the size, then say what is left."""
        try:
            now = os.fstat(self.fd).st_size
        except OSError as error:
            self._fail(error)
            return
        if not self.size:
            self.ended = True
            reason = f"no end within {self.limit} bytes of a file that has no size"
            self.on_incident(Incident("truncated", self.origin, reason))
        elif now > self.position and self.watch and not self.grown:
            self.grown = True
            self.limit = min(now, max(2 * self.size, _FIRST_STEP))  # twice next to nothing is nothing
        else:
            self.ended = True
            if now > self.position and self.watch:
                left = now - self.position
                self.on_incident(Incident("truncated", self.origin, "file grew while it was read", left))


def _windows(
    feed: _Feed, origin: Origin, data: bytes, base: int, *, core: int, end: int | None, window: int, reach: int
) -> Windows:
    """Cuts what the feed gives into windows. `data` is what was read already, at `base`; cores begin at `core`."""
    size = window
    beyond = False  # a run goes on past `end`: read on for it, though no core does
    while end is None or core < end:
        stop = core + size if end is None or beyond else min(core + size, end)
        data = feed.extend(data, stop + reach - base - len(data))
        final = feed.at_end()
        have = base + len(data)
        if have <= core > 0:  # only an empty file has a window without a core
            return
        core_end = have if final else core + size
        if end is not None:
            core_end = min(core_end, end)
        cut = yield Document(data, origin, base, core - base, core_end - base, final)
        if final:
            return
        if cut is None or cut >= core_end:
            core, size, beyond = core_end, window, False
        elif cut > core:
            # What was read ahead for a grown window becomes core, or every cut would keep it as context.
            core, size, beyond = cut, max(window, have - reach - cut), True
        elif size < LARGEST_WINDOW:
            size, beyond = min(2 * size, LARGEST_WINDOW), True
        else:
            feed.on_incident(Incident("truncated", feed.origin, f"run at byte {core} is longer than {size} bytes"))
            core, size, beyond = core_end, window, False
        keep = max(0, core - reach) - base
        data, base = data[keep:], base + keep
