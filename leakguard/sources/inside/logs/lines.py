"""Logs whose lines are not the lines of what was logged: put together again, in the log's own place.

Docker's json-file and the logs of Kubernetes (CRI) cut what a program writes at 16 KiB: the parts of a line are joined,
each of the two streams by itself. Syslog over TCP counts bytes in place of line breaks (RFC 6587), journald's export
format puts a length between a field's name and its value.

Promises: what is not cut is handed on byte for byte, and a log without cut lines costs one look at each block; a part
is joined only to one whose frame says nothing else, so that nothing but times and stream names is dropped; `Places`
knows of each byte where it stands in the log; syslog and export keep length and lines, so that they need no such map.
Memory is a block, what waits for the other stream's line to end, and 48 bytes for each cut.

Imported by `sources.inside.walk`; `magic` knows these logs by their first line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import FileIO
from typing import NamedTuple, Protocol

from leakguard.sources.inside.base import CHUNK, Context, Member, Pieces, Stream, Told
from leakguard.sources.inside.places import Places
from leakguard.sources.windows import open_regular

LONGEST_LINE = 1024 * 1024
"""Bytes of a line that is looked at; Docker's are of some 100 KiB at most. Longer ones are handed on as they stand."""
MOST_HELD = 256 * 1024
"""Bytes of lines of the other stream that wait for the end of a line in parts."""
MOST_CUTS = 1 << 20
"""Joints remembered of one log: 16 GiB of nothing but parts."""


class Part(NamedTuple):
    """A record: whose it is, what else it says, where its text is in the line, and whether that goes on in the next."""

    stream: bytes
    says: bytes
    start: int
    end: int
    more: bool


class Form(Protocol):
    """A way to log."""

    def cut(self, block: bytes) -> bool:
        """May a line in the block go on in another? Asked of each block, so it is to be fast."""
        ...

    def part(self, line: bytes) -> Part | None:
        """The record that a line is; None for what is none."""
        ...


# ---------------------------------------------------------------- lines in parts
class _Line(NamedTuple):
    data: bytes
    offset: int
    number: int


class Joined:
    """A log's text with its cut lines joined, in pieces."""

    def __init__(self, stream: Stream, form: Form, context: Context) -> None:
        self.stream = stream
        self.form = form
        self.tell = context.tell
        self.places = Places()
        self._offset = self._number = 0
        self._open: Part | None = None
        self._tail: tuple[bytes, int, int, int] = (b"", 0, 0, 0)
        self._held: list[_Line] = []
        self._held_size = 0
        self._told: set[str] = set()

    def __iter__(self) -> Iterator[bytes]:
        told = None
        try:
            yield from self._all()
        except Told as error:
            told = error
        while self._open is not None:
            yield from self._close()
        if told is not None:
            raise told

    def _all(self) -> Iterator[bytes]:
        for block in _blocks(self.stream):
            if self._open is None and not self.form.cut(block):
                yield self._put(block, self._offset, self._number, 0)
                self._past(block)
                continue
            for data in block.splitlines(keepends=True) if b"\r" not in block else _split(block):
                line = _Line(data, self._offset, self._number)
                self._past(data)
                yield from self._line(line)

    def _past(self, data: bytes) -> None:
        self._offset += len(data)
        self._number += data.count(b"\n")

    def _put(self, data: bytes, offset: int, line: int, column: int) -> bytes:
        self.places.add(data, offset, line, column)
        return data

    def _line(self, line: _Line) -> Iterator[bytes]:
        data = line.data
        part = self.form.part(data)
        if self._open is None:
            if part is None or not part.more or not self._may_join():
                yield self._put(data, line.offset, line.number, 0)
                return
            yield self._put(data[: part.end], line.offset, line.number, 0)
            self._open = part
            self._tail = (data[part.end :], line.offset + part.end, line.number, part.end)
        elif part is not None and part.stream != self._open.stream:
            yield from self._hold(line)
        elif part is None or part.says != self._open.says or not self._may_join():
            yield from self._close()
            yield from self._line(line)
        else:
            yield self._put(data[part.start : part.end], line.offset + part.start, line.number, part.start)
            self._tail = (data[part.end :], line.offset + part.end, line.number, part.end)
            if not part.more:
                yield from self._close()

    def _hold(self, line: _Line) -> Iterator[bytes]:
        """A line of the other stream waits until this one's ends, or there are too many."""
        self._held.append(line)
        self._held_size += len(line.data)
        if self._held_size > MOST_HELD:
            self._tell(f"more than {MOST_HELD} bytes of another stream between the parts of a line: not joined")
            yield from self._close()

    def _close(self) -> Iterator[bytes]:
        """Ends the line in parts; then come those that waited for it. They are all of the one other stream: none of them
        waits again, but the last may begin a line in parts."""
        if self._open is None:
            return
        self._open = None
        yield self._put(*self._tail)
        held, self._held, self._held_size = self._held, [], 0
        for line in held:
            yield from self._line(line)

    def _may_join(self) -> bool:
        if len(self.places) < MOST_CUTS:
            return True
        self._tell(f"more than {MOST_CUTS} cut lines: the rest is read a record at a time")
        return False

    def _tell(self, reason: str) -> None:
        if reason not in self._told:
            self._told.add(reason)
            self.tell("truncated", "", reason)


def _split(block: bytes) -> list[bytes]:
    """Lines by line feeds alone: bytes.splitlines takes carriage returns for ends, too."""
    return [line + b"\n" for line in block[:-1].split(b"\n")] if block.endswith(b"\n") else _split_open(block)


def _split_open(block: bytes) -> list[bytes]:
    *lines, last = block.split(b"\n")
    return [line + b"\n" for line in lines] + ([last] if last else [])


def _blocks(stream: Stream) -> Iterator[bytes]:
    """The stream in pieces that end with a line; a line too long for one comes in several."""
    rest: list[bytes] = []
    size = 0
    try:
        while data := stream.read(CHUNK):
            at = data.rfind(b"\n") + 1
            if at:
                yield b"".join((*rest, data[:at]))
                rest, size = [], 0
                data = data[at:]
            if data:
                rest.append(data)
                size += len(data)
            if size > LONGEST_LINE:
                yield b"".join(rest)
                rest, size = [], 0
    except Told:
        if rest:
            yield b"".join(rest)
        raise
    if rest:
        yield b"".join(rest)


_JSON_TAIL = re.compile(rb'","stream":"(stdout|stderr)"((?:,"attrs":\{[^\n]*\})?),"time":"[0-9T:.Z+-]{10,40}"\}\r?\n?\Z')


class _JsonFile:
    """{"log":"text\\n","stream":"stdout","time":"..."}: text without a line's end goes on in the stream's next."""

    def cut(self, block: bytes) -> bool:
        return block.count(b'","stream":"') != block.count(b'\\n","stream":"')

    def part(self, line: bytes) -> Part | None:
        if not line.startswith(b'{"log":"') or len(line) > LONGEST_LINE:
            return None
        end = line.rfind(b'","stream":"')
        found = _JSON_TAIL.match(line, end) if end >= 0 else None
        if found is None:
            return None
        before = line[8:end]
        if before.endswith(b"\\n"):
            run = len(before) - 1 - len(before[:-1].rstrip(b"\\"))
            return Part(found[1], found[2], 8, end, run % 2 == 0)  # an escaped backslash, and an n
        return Part(found[1], found[2], 8, end, True)


CRI_HEAD = re.compile(
    rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d) (stdout|stderr) ([PF])(?::[A-Za-z:]{1,16})? "
)


class _Cri:
    """2024-01-02T03:04:05.678Z stdout P text: P for a part, F for a full line or its last part."""

    def cut(self, block: bytes) -> bool:
        return b" stdout P" in block or b" stderr P" in block

    def part(self, line: bytes) -> Part | None:
        found = CRI_HEAD.match(line)
        if found is None or len(line) > LONGEST_LINE:
            return None
        end = len(line) - 1 if line.endswith(b"\n") else len(line)
        return Part(found[1], b"", found.end(), end, found[2] == b"P")


_FORMS: dict[str, Form] = {"json-file": _JsonFile(), "cri": _Cri()}


def is_cut(path: str, kind: str) -> bool:
    """Does a log of a kind have lines in parts? If not it is text like any other, and may be read by many at once.

    One look at a file on disk, to the first cut. True, too, for the kinds that always have to be read differently.
    """
    form = _FORMS.get(kind)
    if form is None:
        return True
    try:
        handle, _ = open_regular(path)
    except OSError:
        return False  # whoever reads it will say so
    with FileIO(handle) as file:
        try:
            return any(form.cut(block) for block in _blocks(Stream(file.read)))
        except OSError:
            return True


def _joined(stream: Stream, context: Context, form: Form) -> Iterator[Member]:
    made = Joined(stream, form, context)
    yield Member("", Pieces(iter(made)), kind="text", moved=made.places.moved)


def json_file(stream: Stream, context: Context) -> Iterator[Member]:
    """A log of Docker's json-file driver."""
    yield from _joined(stream, context, _JsonFile())


def cri(stream: Stream, context: Context) -> Iterator[Member]:
    """A log of a container in Kubernetes, and of Podman's k8s-file driver."""
    yield from _joined(stream, context, _Cri())


# ---------------------------------------------------------------- lengths in place of line breaks
COUNT = re.compile(rb"([1-9]\d{0,6}) (?=<\d{1,3}>)")
_FIELD = re.compile(rb"(?<=\n)([A-Z_][A-Z0-9_]{0,63})\n")


def octet_counted(stream: Stream, _context: Context) -> Iterator[Member]:
    """Syslog frames, `83 <34>1 2003-...` one behind the other: each begins a line, and the count becomes blanks."""
    yield Member("", Pieces(_frames(stream)), kind="text")


def _frames(stream: Stream) -> Iterator[bytes]:
    fresh = True  # does a line begin here?
    while (found := COUNT.match(stream.peek(16))) is not None:
        width = len(found[0])
        stream.skip(width)
        left = int(found[1])
        head = b" " * width if fresh else b"\n" + b" " * (width - 1)
        message = stream.upto(min(left, CHUNK))
        yield head + message
        left -= len(message)
        while left and (more := stream.read(min(left, CHUNK))):
            yield more
            left -= len(more)
            message = more
        fresh = message.endswith(b"\n")
    while data := stream.read(CHUNK):  # what is no frame, here or from here on
        yield data


def journal_export(stream: Stream, _context: Context) -> Iterator[Member]:
    """journalctl -o export: a field with line breaks or control characters has its length, in eight bytes, between name
    and value. `\\nMESSAGE\\n<length>value` becomes `\\n\\nMESSAGE=       value`, of the same length and lines."""
    yield Member("", Pieces(_fields(stream)), kind="text")


def _fields(stream: Stream) -> Iterator[bytes]:
    rest, at = b"\n", 1  # what is before `at` was handed on; the byte before it tells whether a line begins there
    ended = False
    while not ended:
        try:
            data = stream.read(CHUNK)
        except Told:
            yield rest[at:]
            raise
        ended = not data
        rest, at = rest[at - 1 :] + data, 1
        while found := _FIELD.search(rest, at):
            if len(rest) < found.end() + 8:
                break
            start = found.end() + 8
            length = int.from_bytes(rest[start - 8 : start], "little")
            breaks = rest.count(b"\n", start - 9, start)
            yield rest[at : found.start()] + b"\n" * breaks + found[1] + b"=" + b" " * (8 - breaks)
            value = rest[start : start + length]
            yield value
            at = start + len(value)
            length -= len(value)
            while length and (value := stream.read(min(length, CHUNK))):
                yield value
                length -= len(value)
                rest, at = value[-1:], 1
        stop = len(rest)
        if not ended:
            stop = found.start() if found else max(at, stop - 72)  # a name may go on in what comes
        yield rest[at:stop]
        at = stop
