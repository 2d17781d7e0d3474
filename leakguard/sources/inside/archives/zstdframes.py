"""zstd, frame by frame, with output of bounded size; what decoders pass over; and how much memory any decoder may take.

Promises: what a frame claims costs no memory; bytes behind a frame stay in the stream. Imported by the package's readers;
the library (extra `archives`) is imported where used.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from typing import IO, BinaryIO, cast

from leakguard.sources.inside.base import CHUNK, SPOOL, BrokenError, Member, Stream, from_file, ratio_guard
from leakguard.sources.inside.limits import Limits

WINDOW = 256 * 1024 * 1024
"""Most memory a decoder may use for what it looks back at."""
INPUT = 64 * 1024
"""Compressed bytes handed to a decoder at a time."""
LEAST_ASIDE = 8
"""Bytes up to which a run that decoders pass over is structure: pzstd writes a length there."""
MOST_APART = 1000
"""Runs that decoders passed over kept each by itself; those behind them are one."""


class Zstd:
    """The content of zstd frames, to be pulled. Each frame is cut out by its blocks' headers: the library's decompressor
    cannot be told how much to give (four bytes may be 128 KiB), and its reader reads over the end of what it is given."""

    def __init__(self, source: Stream, follows: Callable[[Stream], bool], limits: Limits) -> None:
        import zstandard

        self._library = zstandard
        self.source = source
        self.follows = follows
        self.limits = limits
        self.base = source.position
        self.produced = 0
        self._begin()

    def _begin(self) -> None:
        self._frame: _Frame | None = _Frame(self.source)
        library = self._library.ZstdDecompressor(max_window_size=WINDOW // 2)
        self._reader = library.stream_reader(cast(IO[bytes], self._frame), read_size=INPUT)

    def __call__(self, count: int) -> bytes:
        while self._frame is not None:
            try:
                out: bytes = self._reader.read(min(count, CHUNK))
            except self._library.ZstdError as error:
                text = str(error).lower()
                large = "memory" in text or "window" in text
                self.source.unread(self._frame.taken)
                self._frame = None
                raise BrokenError("needs a larger window than is allowed" if large else "damaged data") from None
            self.produced += len(out)
            ratio_guard(self.limits, self.produced, self.source.position - self.base)
            if out:
                self._frame.taken = b""
                return out
            if not self._frame.whole:
                raise BrokenError("compressed data ends early")
            if self.follows(self.source):
                self._begin()
            else:
                self._frame = None
        return b""


class _Frame:
    """A file of exactly one frame, the next in a stream."""

    def __init__(self, source: Stream) -> None:
        self.source = source
        self.whole = False
        self.taken = b""
        """What was read of it before anything came out."""
        self._need = 0  # bytes to come before the next header
        self._state = "frame"
        self._sums = False

    def read(self, count: int) -> bytes:
        if self.whole:
            return b""
        if not self._need and self._state == "end":
            self.whole = True
            return b""
        if self._need:
            out = self.source.read(min(count, self._need))
            self._need -= len(out)
        else:
            out = self._header()
        if len(self.taken) < INPUT:
            self.taken += out
        return out

    def _header(self) -> bytes:
        """The next header, and how much belongs to it."""
        if self._state == "frame":
            head = self.source.some(5)
            if len(head) == 5:
                single = head[4] >> 5 & 1
                self._sums = bool(head[4] & 4)
                self._state = "block"
                self._need = (1 - single) + (0, 1, 2, 4)[head[4] & 3] + (single, 2, 4, 8)[head[4] >> 6]
            return head
        head = self.source.some(3)
        if len(head) == 3:
            block = int.from_bytes(head, "little")
            self._need = 1 if block >> 1 & 3 == 1 else block >> 3
            if block & 1:
                self._need += 4 * self._sums
                self._state = "end"
        return head


class Aside:
    """What decoders pass over, kept to be scanned behind the content: some MiB in memory, more in a temporary file without a
    name. The table of contents that `zstd:chunked` puts behind a layer has megabytes."""

    def __init__(self, name: str = "@skippable") -> None:
        self.name = name
        self._made: BinaryIO | None = None
        self._runs: list[tuple[int, int]] = []
        self.short = False
        """Was there less of a run than it said?"""

    @property
    def _spool(self) -> BinaryIO:
        if self._made is None:  # hardly ever is there anything to keep
            self._made = cast(BinaryIO, tempfile.SpooledTemporaryFile(SPOOL))  # noqa: SIM115 - `close`
        return self._made

    def take(self, source: Stream, count: int) -> None:
        """Keeps the next `count` bytes of a stream, or what there is of them."""
        start = self._spool.tell()
        left, blank = count, True
        while left and (data := source.read(min(left, CHUNK))):
            left -= len(data)
            blank = blank and not data.strip(b"\0")
            self._spool.write(data)
        end = start + count - left
        if blank or end - start <= LEAST_ASIDE:
            self._spool.seek(start)
            self._spool.truncate()
        elif len(self._runs) < MOST_APART:
            self._runs.append((start, end))
        else:
            self._runs[-1] = (self._runs[-1][0], end)
        self.short = self.short or left > 0

    def more(self, data: bytes) -> None:
        """Keeps bytes as part of the one run there is."""
        self._spool.write(data)
        self._runs[:] = [(0, self._spool.tell())]

    def members(self) -> Iterator[Member]:
        """What was kept. Nothing is to be taken any more."""
        for number, (start, end) in enumerate(self._runs, 1):
            yield Member(f"{self.name}-{number}", from_file(self._spool, start, end - start), end - start, "gap")

    def close(self) -> None:
        """Lets go of the temporary file."""
        if self._made is not None:
            self._made.close()
