"""What every reader of a container is built on: streams that count, limits, and how a reader says what went wrong.

Promises: a stream hands out each byte once, in order, in bounded memory; an error is raised again at every later read,
so that nobody mistakes a damaged end for the end; a limit of the whole root ends everything, one of a member ends that
member. Spooled bytes lie in memory or in one private temporary file without a name.

Knows no format and no rule. Imported by `sources`, and for its streams by those who scan members and blobs.
"""

from __future__ import annotations

import io
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from io import RawIOBase
from typing import BinaryIO, NamedTuple, cast

from leakguard.model import CredentialSet, Finding
from leakguard.sources.inside.cover import Covered
from leakguard.sources.inside.limits import Limits

CHUNK = 256 * 1024
"""Bytes asked of a source at a time."""
KEPT = 1024 * 1024
"""Bytes read last that are kept of what cannot be read again, for the case that it turns out to be damaged."""
LONGEST_NAME = 64 * 1024
"""Letters of a name that are looked at as a name: a zip has no longer ones. What else of one there is, is content."""
LEAST_HOLE = 16
"""Bytes that a reader passed over from which on they are scanned as they stand."""
SPOOL = 8 * 1024 * 1024
"""Bytes of a container that must be seekable kept in memory; more go to a temporary file."""
FLOOR = 128 * 1024 * 1024
"""Expanded bytes below which no ratio is asked for."""
MEMBER_PER = 4096
"""Each so many bytes of the root allow one more member."""
BYTES_PER_SECOND = 10_000_000
"""Each so many bytes of the root allow one more second."""

Pull = Callable[[int], bytes]
"""At most n bytes; b"" at the end."""


class Told(Exception):  # noqa: N818 - it is no error of its own
    """Reading ends here, and the incident is recorded already."""


class BrokenError(Exception):
    """The container is damaged, or is not what it looked like. `reason` quotes no content; `unread` bytes were taken
    from the stream and not understood."""

    def __init__(self, reason: str, unread: bytes = b"") -> None:
        super().__init__(reason)
        self.reason = reason
        self.unread = unread


class LimitError(Exception):
    """A member reached its limit."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ExhaustedError(LimitError):
    """The root reached a limit: nothing more of it is read."""


class UnreadError(Exception):
    """A container that cannot be read here. `reason` says what it would take."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Budget:
    """What one root may still cost. All its streams draw on it."""

    def __init__(self, limits: Limits, size: int) -> None:
        self.limits = limits
        self.produced = 0
        self.members = 0
        self.over = False
        self._started = time.monotonic()
        self.grow(size)

    def grow(self, size: int) -> None:
        """The root has `size` bytes, as known so far."""
        limits = self.limits
        self.size = size
        self._most = size + limits.bytes if limits.bytes else 1 << 62
        self._by_ratio = FLOOR + size * limits.ratio if limits.ratio else 1 << 62
        self._most_members = limits.members + size // MEMBER_PER if limits.members else 1 << 62
        self._seconds = limits.seconds + size // BYTES_PER_SECOND
        self._deadline = self._started + self._seconds if limits.seconds else float("inf")

    def unlimited(self) -> None:
        """Nothing is expanded here: no limits."""
        self.limits = Limits(self.limits.depth, 0, 0, 0, 0)
        self.grow(self.size)

    def spend(self, count: int) -> None:
        """Accounts for `count` expanded bytes; raises ExhaustedError when that is too many."""
        self.produced += count
        if self.over:
            raise ExhaustedError("limit reached before")
        if self.produced > self._by_ratio:
            self._end(f"expands to more than {self.limits.ratio} times its size (--archive-ratio)")
        if self.produced > self._most:
            self._end(f"expands to more than {self._most} bytes (--archive-bytes)")
        if time.monotonic() > self._deadline:
            self._end(f"takes more than {self._seconds} seconds (--archive-seconds)")

    def member(self) -> None:
        """Accounts for one more member."""
        self.members += 1
        if self.members > self._most_members:
            self._end(f"has more than {self._most_members} members (--archive-members)")
        if not self.members & 0x3FF and time.monotonic() > self._deadline:
            self._end(f"takes more than {self._seconds} seconds (--archive-seconds)")

    def allows(self, count: int) -> bool:
        """Accounts for `count` expanded bytes if no limit is reached by them; else leaves that to `spend`."""
        produced = self.produced + count
        if self.over or produced > self._by_ratio or produced > self._most or time.monotonic() > self._deadline:
            return False
        self.produced = produced
        return True

    def left(self) -> float:
        """Seconds to go."""
        return self._deadline - time.monotonic()

    def _end(self, reason: str) -> None:
        self.over = True
        raise ExhaustedError(reason)


def joined(parts: list[bytes]) -> bytes:
    """All of them as one, copied only if there are several."""
    return parts[0] if len(parts) == 1 else b"".join(parts)


class Stream:
    """Bytes in order: from a file, a decoder, or a part of another stream."""

    __slots__ = (
        "_at", "_buffer", "_covered", "_error", "_handle", "_kept", "_kept_size", "_pull", "_spool", "_whole", "ended",
        "position", "size",
    )  # fmt: skip

    def __init__(self, pull: Pull, size: int = -1, handle: BinaryIO | None = None) -> None:
        self._pull = pull
        self._buffer = b""
        self._at = 0  # what of the buffer was read: cutting it at every small read would copy it every time
        self._error: Told | None = None
        self._handle = handle
        self._spool: BinaryIO | None = None
        self._covered: Covered | None = None
        self._kept: deque[bytes] | None = None
        self._kept_size = 0
        self._whole = False
        self.size = size
        """Length in bytes if known, else -1. What a container says of its member: not to be trusted."""
        self.position = 0
        self.ended = False

    def peek(self, count: int) -> bytes:
        """The next `count` bytes, fewer only at the end; they stay unread."""
        while len(self._buffer) - self._at < count and not self.ended:
            self._fill()
        return self._buffer[self._at : self._at + count]

    def read(self, count: int) -> bytes:
        """At least one and at most `count` bytes, b"" at the end. Raises Told where reading cannot go on."""
        if self._at >= len(self._buffer):
            if not self.ended:
                self._fill()
            if self._at >= len(self._buffer):
                if self._error is not None:
                    raise self._error
                return b""
        at = self._at
        taken = self._buffer[at : at + count]
        self._at = at + len(taken)
        if self._at == len(self._buffer):
            self._buffer, self._at = b"", 0
        self.position += len(taken)
        return taken

    def some(self, count: int) -> bytes:
        """`count` bytes, fewer only at the end."""
        data = self.read(count)
        if len(data) == count or not data:
            return data
        parts = [data]
        have = len(data)
        while have < count:
            data = self.read(count - have)
            if not data:
                break
            parts.append(data)
            have += len(data)
        return b"".join(parts)

    def taken(self, count: int) -> bytes:
        """The next `count` bytes, fewer only at the end and where reading could not go on (which was told)."""
        return joined(self.runs(count))

    def runs(self, count: int) -> list[bytes]:
        """The same as the runs that they come in: whoever wants but a part of them has less to copy."""
        parts = []
        try:
            while count > 0 and (data := self.read(count)):
                parts.append(data)
                count -= len(data)
        except Told:
            pass
        return parts

    def upto(self, count: int) -> bytes:
        """`count` bytes, fewer at the end or where reading cannot go on. Raises Told only if there are none: what was
        read before is the caller's."""
        parts: list[bytes] = []
        have = 0
        while have < count:
            try:
                data = self.read(count - have)
            except Told:
                if not parts:
                    raise
                break
            if not data:
                break
            parts.append(data)
            have += len(data)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def exactly(self, count: int) -> bytes:
        """`count` bytes; BrokenError if there are fewer."""
        data = self.some(count)
        if len(data) < count:
            raise BrokenError(f"ends after {self.position} bytes, in the middle of a record")
        return data

    def skip(self, count: int) -> int:
        """Reads over `count` bytes; returns how many there were."""
        left = count
        while left > 0:
            data = self.read(min(left, CHUNK))
            if not data:
                break
            left -= len(data)
        return count - left

    def unread(self, data: bytes) -> None:
        """Gives back what was read last."""
        self._buffer, self._at = data + self._buffer[self._at :], 0
        self.position -= len(data)

    def at_end(self) -> bool:
        """Is nothing left? True, too, where reading cannot go on."""
        return not self.peek(1)

    def readinto(self, view: memoryview) -> int:
        """For `sources.windows`: 0 at the end, and where reading could not go on (which was told)."""
        try:
            data = self.read(min(len(view), CHUNK))
        except Told:
            return 0
        view[: len(data)] = data
        return len(data)

    def part(self, count: int) -> Part:
        """The next `count` bytes as something to pull from."""
        return Part(self, count)

    def file(self) -> tuple[BinaryIO, int]:
        """(the whole as a seekable file, its length). Call it before anything was read; the stream is at its end then.

        A file on disk is used as it is; anything else is copied into a private temporary one. What follows a place
        where reading could not go on is missing; that was told.
        """
        if self._handle is not None:
            self.ended, self._buffer, self._at = True, b"", 0
            self._whole = True
            self._covered = Covered(self._handle)
            return cast(BinaryIO, self._covered), self.size
        import tempfile

        spool = tempfile.SpooledTemporaryFile(SPOOL)  # noqa: SIM115 - closed with the stream's container
        size = 0
        try:
            while data := self.read(CHUNK):
                spool.write(data)
                size += len(data)
        except Told:
            pass
        spool.seek(0)
        self._spool = spool  # type: ignore[assignment]
        self._covered = Covered(cast(BinaryIO, spool))
        return cast(BinaryIO, self._covered), size

    def again(self) -> Pull | None:
        """If `file` was called: its bytes from the start, as they stand."""
        handle = self._spool or (self._handle if self._whole else None)
        if handle is None:
            return None
        handle.seek(0)
        return handle.read

    def keep(self) -> None:
        """From now on the last bytes that were read are kept, at least KEPT of them."""
        ahead = self._buffer[self._at :]
        self._kept, self._kept_size = deque((ahead,)), len(ahead)

    def recent(self) -> tuple[int, Pull]:
        """(how many of the bytes that were read last are still known, these and all that follow)."""
        held = self.held()
        known = b"".join(self._kept or ())
        known = known[: len(known) - held] if held else known
        rest = iter((known,))
        return len(known), lambda count: next(rest, b"") or self.read(count)

    def held(self) -> int:
        """Bytes that were pulled and nobody read."""
        return len(self._buffer) - self._at

    def is_file(self) -> bool:
        """Was `file` called?"""
        return self._covered is not None

    def missing(self) -> list[tuple[int, int]]:
        """If `file` was called: the runs [start, end) of it that nobody read, but for those that are too short to be anything
        but structure (a checksum that is not verified)."""
        if self._covered is None:
            return []
        holes = self._covered.missing(self.size if self._whole else self.position)
        return [(low, high) for low, high in holes if high - low >= LEAST_HOLE]

    def part_again(self, start: int, end: int) -> Pull | None:
        """If `file` was called: the run [start, end) of it."""
        return from_file(cast(BinaryIO, self._covered), start, end - start) if self._covered is not None else None

    def whole(self) -> Pull | None:
        """All bytes of a file on disk, from the start; None for what cannot be read again."""
        return from_file(self._handle, 0, self.size) if self._handle is not None else None

    def close(self) -> None:
        """Lets go of the temporary file."""
        if self._spool is not None:
            self._spool.close()
            self._spool = None

    def _fill(self) -> None:
        """One pull more behind what is in the buffer."""
        try:
            data = self._pull(CHUNK)
        except Told as told:
            self.ended, self._error = True, told
            return
        if self._kept is not None and data:
            self._kept.append(data)
            self._kept_size += len(data)
            while self._kept_size - len(self._kept[0]) >= KEPT:
                self._kept_size -= len(self._kept.popleft())
        if not data:
            self.ended = True
        elif self._at < len(self._buffer):
            self._buffer, self._at = self._buffer[self._at :] + data, 0
        else:
            self._buffer, self._at = data, 0


def ready(data: bytes) -> Stream:
    """A stream of bytes that were pulled and accounted for already."""
    stream = Stream(_nothing, len(data))
    stream._buffer, stream.ended = data, True
    return stream


def _nothing(_count: int) -> bytes:
    return b""


class Part:
    """A run of a stream, to be pulled; what was not pulled is passed over by `finish`."""

    __slots__ = ("left", "short", "stream")

    def __init__(self, stream: Stream, count: int) -> None:
        self.stream = stream
        self.left = count
        self.short = False

    def __call__(self, count: int) -> bytes:
        if not self.left:
            return b""
        data = self.stream.read(min(count, self.left))
        if not data:
            self.short = True
            raise BrokenError(f"ends {self.left} bytes early")
        self.left -= len(data)
        return data

    def is_near(self) -> bool:
        """Was all of it pulled from the stream's source already, and nothing of it read?"""
        stream = self.stream
        return 0 < self.left <= len(stream._buffer) - stream._at

    def whole(self) -> bytes:
        """All that is left of what `is_near`."""
        data = self.stream.read(self.left)
        self.left = 0
        return data

    def finish(self) -> None:
        """Passes over the rest."""
        if self.short:
            raise Told  # by the member
        self.left -= self.stream.skip(self.left)
        if self.left:
            raise BrokenError(f"ends {self.left} bytes early")


class Pieces:
    """An iterator of byte strings, to be pulled."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def __call__(self, count: int) -> bytes:
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            self._rest = piece
        out, self._rest = self._rest[:count], self._rest[count:]
        return out


def from_bytes(data: bytes) -> Pull:
    """Something to pull a few bytes from."""
    return io.BytesIO(data).read


def from_file(handle: BinaryIO, start: int, count: int) -> Pull:
    """Something to pull [start, start + count) of a file from, wherever others moved its position."""
    at, end = start, start + count

    def pull(want: int) -> bytes:
        nonlocal at
        handle.seek(at)
        data = handle.read(min(want, end - at))
        if not data and at < end:
            raise BrokenError(f"ends {end - at} bytes early")
        at += len(data)
        return data

    return pull


Moved = Callable[
    [Iterable[Finding], Iterable[CredentialSet]],
    tuple[list[Finding], list[CredentialSet]],
]
"""Findings and sets with their places in another text."""


class Member(NamedTuple):
    """One thing in a container, to be read before the next is asked for."""

    name: str
    pull: Pull
    size: int = -1
    kind: str = "member"
    """`member`; `content` for what a compressed stream holds (transparent if that is a container); `gap` for bytes
    that belong to no member; `link` for the text of a link; `view` for text that a document says, which is entered no
    further; `text` for the container itself, put so that it can be read:
    it has no name of its own and is entered no further."""
    facts: tuple[tuple[str, str], ...] = ()
    digest: str = ""
    """`sha256:...` where the container's index tells it: what was seen before need not be read."""
    place: Callable[[int], tuple[tuple[str, str], ...]] | None = None
    """Facts of what stands at an offset of the content (which row it is of), once that was read."""
    moved: Moved | None = None
    """Puts findings to where they stand in the container itself. Kind `text` alone."""
    about: tuple[str, ...] = ()
    """What the container says the member is about: see `Origin.about`."""


class Context(NamedTuple):
    """What a reader is given beside its stream."""

    name: str
    """Path of the container, innermost part."""
    limits: Limits
    budget: Budget
    tell: Callable[[str, str, str], None]
    """(state, member name or "", reason): an incident that does not end the container. State `unread` is skipped, or
    failed if the user is strict."""
    entry: Callable[[str, bytes, str], None] | None = None
    """Told each tar header (name, type, link's target), those without data, too: layers of images need them."""
    beside: Callable[[str], RawIOBase | None] | None = None
    """Opens a regular file in the folder of the root, if the container is the root: a log's database, a dump's contents.
    To be read for names, and closed; what is in it is reported where it stands."""
    named: Callable[[str], None] = lambda _name: None
    """Told what has a name and no content to be handed out: folders, devices, empty and encrypted files. A name may be a
    secret."""


def ratio_guard(limits: Limits, produced: int, consumed: int) -> None:
    """Raises LimitError where a member expands beyond reason."""
    if limits.ratio and produced > FLOOR and produced > limits.ratio * max(1, consumed):
        raise LimitError(f"member expands to more than {limits.ratio} times its size (--archive-ratio)")


def stem(name: str, suffixes: dict[str, str]) -> str:
    """The name of a compressed file's content: without its suffix, or `content`."""
    base = name.rsplit("/", 1)[-1]
    for suffix, instead in suffixes.items():
        if base.lower().endswith(suffix) and len(base) > len(suffix):
            return base[: -len(suffix)] + instead
    return "content"
