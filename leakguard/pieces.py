"""What is in a large archive or image as work for several processes: one reads and expands, the others scan.

Promises: what comes of it is the same as if one process had done it all, in the same order; a member longer than WHOLE
is cut only behind bytes that no encoded run goes over, and read by this process to its end where there are none; what
waits in memory is a few batches, whatever the archive. A worker that dies on a member costs that member, and says so.

Imported by spread.py and images.py. Knows no command line and no report format.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from io import BytesIO
from pickle import PickleBuffer
from typing import Any, TypeAlias

from leakguard.collector import Collector
from leakguard.detect.alike import Alike
from leakguard.detect.engine import Engine
from leakguard.model import Document, Incident, Origin
from leakguard.paths import Names
from leakguard.pipeline import (
    MOST_PER_ARCHIVE,
    once,
    scan_leaf,
    scan_part,
    scan_unit,
    scan_whole,
    scan_windows,
    take_names,
    ties,
)
from leakguard.sources.inside.base import joined
from leakguard.sources.inside.walk import Leaf, Tally
from leakguard.sources.windows import REACH, WINDOW, FileTask, read_on, read_stream
from leakguard.work import BATCH_BYTES, BATCH_FILES, Content, Done, Policy, Unit, lost

WHOLE = 8 * 1024 * 1024
"""Bytes of a member that are handed to a worker as they are."""
PART = 4 * 1024 * 1024
"""Bytes of a longer one that are handed over at a time, and at most half as many more."""

FIRST_BYTES = 64 * 1024
"""Bytes of the first batch, each one after it being twice as large up to BATCH_BYTES: nobody is to wait for the first."""

MOST_AGAIN = 1024 * 1024
"""Bytes of a member up to which its digest is made: half of the bytes of most images, and nearly all that is there twice."""
MOST_KNOWN = 1 << 16
"""Contents that are known."""

_BORDER = re.compile(rb"[\x01-\x08\x0e-\x1a\x1c-\x1f\x7f]|(?<=[^\0][^\0])\0(?=[^\0][^\0])")
"""Bytes that are part of no encoded run, and that text has none of; a NUL between strings, as tables of symbols have it for
megabytes, but none of UTF-16."""
_INNER = re.compile(rb"\S[ \t]\S")
_CLOSES = re.compile(rb"(?:[\"'`][ \t+.&|\\_]*|[=\\])\Z")
_OPENS = re.compile(rb"[ \t+.&|]*[bfruBFRU]{0,2}[\"'`]")
_LINE = 4096
"""Longest line beside which text is cut."""


Buffer: TypeAlias = bytes | memoryview


class Piece:
    """A member, or the part of one that begins at `start`: its `size` bytes of data, in the `parts` they came in, have
    `before` bytes of context before its core and `after` behind it. What was scanned already has `done` instead of data;
    what is to be as another piece, or is the first of its content, knows that `content`. `share` is never sent to a worker."""

    __slots__ = ("after", "again", "before", "content", "done", "origin", "parts", "share", "size", "start")

    def __init__(
        self,
        origin: Origin,
        parts: Sequence[Buffer] = (),
        start: int = 0,
        before: int = 0,
        after: int = 0,
        done: Done | None = None,
    ) -> None:
        self.origin = origin
        self.parts = parts
        self.size = sum(map(len, parts))
        self.start = start
        self.before = before
        self.after = after
        self.done = done
        self.share: Share | None = None
        self.content: _Content | None = None
        self.again = False

    def __reduce__(self) -> tuple[Any, ...]:
        if self.done is not None or self.again:
            return Piece, (None, (), -1)
        return Piece, (self.origin, [PickleBuffer(part) for part in self.parts], self.start, self.before, self.after)


class _Content:
    """What came of a content, by what came of its first piece, which had this `path`."""

    __slots__ = ("empty", "path", "reason", "views")

    def __init__(self, path: str) -> None:
        self.path = path
        self.empty: bool | None = None
        """Is there nothing in it? None until that is known."""
        self.views = (0, 0)
        self.reason = ""
        """Why it could not be scanned at all."""

    def took(self, done: Done) -> None:
        self.empty = not (done.findings or done.sets or done.incidents or done.references or done.lines or done.tail)
        self.views = done.views, done.view_bytes
        if done.incidents and not done.bytes:
            self.reason = done.incidents[0].reason

    def done(self, piece: Piece) -> Done | None:
        """What comes of another piece with it; None if that is not known."""
        if self.reason:
            return lost_piece(piece, self.reason)
        return Done([], [], 0, piece.size, *self.views, []) if self.empty else None


class Contents:
    """The contents of an archive's members, by their digests: of those that are there again, under a path that has the same
    say, only the first is scanned. Layers that change the owners of files have each of them once more."""

    def __init__(self, engine: Engine) -> None:
        from hashlib import sha256

        self._digest = sha256
        self._alike = Alike(engine)
        self._known: dict[bytes, _Content] = {}

    def learn(self, content: Content) -> None:
        """A file held this, and a blob with it holds nothing."""
        if content.digest not in self._known and len(self._known) < MOST_KNOWN:
            known = self._known[content.digest] = _Content(content.path)
            known.empty, known.views = True, (content.views, content.view_bytes)

    def look(self, piece: Piece) -> None:
        """Tells a whole member what its content is, or that it is one that was seen."""
        if piece.done is not None or piece.start or piece.after or not 0 < piece.size <= MOST_AGAIN:
            return
        made = self._digest()
        for part in piece.parts:
            made.update(part)
        known = self._known.get(made.digest())
        if known is None:
            if len(self._known) < MOST_KNOWN:
                piece.content = self._known[made.digest()] = _Content(piece.origin.told)
        elif known.empty is not False and self._alike(known.path, piece.origin.told) and not ties(str(piece.origin)):
            piece.content, piece.again = known, True


class Share:
    """One archive (or all images of a run) whose members are spread over processes: what they came to, in order."""

    def __init__(
        self,
        name: str,
        collector: Collector,
        incidents: list[Incident],
        gone: Callable[[], tuple[int, int, int]],
        task: FileTask | None = None,
        tally: Tally | None = None,
    ) -> None:
        self.name = name
        self._task = task or FileTask(name, "", 0)
        self._tally = tally or Tally()
        self.incidents = incidents
        self._gone = gone  # (containers, members, expanded bytes), when all of it was read
        self._main = collector
        self._own = Collector(collector.progress_from())
        self._objects = 0
        self._left_out = 0
        self.names: Names | None = None
        """What its members are called, if that is looked at by the process that reads."""

    def take(self, piece: Piece, done: Done) -> None:
        """The outcome of the next piece. Lets go of its data."""
        piece.parts = ()
        if piece.content is not None and not piece.again:
            piece.content.took(done)
        if not (piece.start or done.findings or done.sets or done.incidents or done.references):  # nearly all
            self._objects += 1
            self._own.nothing_in(done)
            return
        room = max(0, MOST_PER_ARCHIVE - len(self._own.findings))
        if room < len(done.findings):
            self._left_out += len(done.findings[room:])
            done = done._replace(findings=done.findings[:room])
        if not room:
            done = done._replace(sets=[], references=())
        self._objects += not piece.start
        self._own.add(Unit(_NOTHING, piece.start), done)

    def finish(self) -> None:
        """Every piece was taken: hands all of it on."""
        own = self._own
        if self.names is not None:
            take_names(own, self.names)
        own.findings, own.sets = once(own.findings, own.sets)
        incidents = [*self.incidents, *own.incidents]
        if self._left_out:
            reason = f"{self._left_out} more findings left out of the report"
            incidents.append(Incident("truncated", self.name, reason))
        done = Done(
            own.findings, own.sets, 0, own.bytes, own.views, own.view_bytes, incidents,
            references=tuple(own.references), objects=self._objects, inside=self._gone(),
            account=(self._tally.root, self._tally.inner),
        )  # fmt: skip
        self._main.add(Unit(self._task), done)


_NOTHING = FileTask("", "", 0)


# ---------------------------------------------------------------- the process that reads
def batches(
    engine: Engine, found: Iterable[Leaf], policy: Policy, share: Share, contents: Contents | None = None
) -> Iterator[list[Piece]]:
    """Members in batches worth handing over. `contents`: those that are known."""
    batch: list[Piece] = []
    size, enough = 0, FIRST_BYTES
    contents = contents or Contents(engine)
    for leaf in found:
        for piece in _pieces(engine, leaf, policy):
            piece.share = share
            contents.look(piece)
            batch.append(piece)
            size += piece.size
            if size >= enough or len(batch) >= BATCH_FILES:
                yield batch
                batch, size, enough = [], 0, min(2 * enough, BATCH_BYTES)
    if batch:
        yield batch


def _pieces(engine: Engine, leaf: Leaf, policy: Policy) -> Iterator[Piece]:
    """A member, whole or in parts. One that knows places of its own is scanned here: that cannot be sent."""
    if leaf.place is not None or leaf.moved is not None:
        yield Piece(leaf.origin, done=scan_leaf(engine, leaf, policy))
        return
    parts = leaf.stream.runs(WHOLE + 1)
    size = sum(map(len, parts))
    if size <= WHOLE:
        yield Piece(leaf.origin, parts)
        return
    start = before = 0
    while True:
        behind = before + PART + PART // 2
        if size <= behind + REACH:
            more = leaf.stream.runs(behind + REACH + 1 - size)
            parts += more
            size += sum(map(len, more))
        if size <= behind + REACH:
            yield Piece(leaf.origin, parts, start, before)
            return
        first, base, border = _cut(parts, before + PART, behind)
        if border < 0:
            yield Piece(leaf.origin, start=start, done=_rest(engine, leaf, joined(parts), start, before, policy))
            return
        last = memoryview(parts[first])[: border + REACH - base]
        yield Piece(leaf.origin, [*parts[:first], last], start, before, base + len(last) - border)
        start += border - before
        low = max(0, border - REACH)
        parts[: first + 1] = [parts[first][low - base :]]
        before, size = border - low, size - low


_LOOK = 64 * 1024
"""Bytes in which most programs and all lists of bytes have a border."""


def _cut(parts: list[bytes], low: int, high: int) -> tuple[int, int, int]:
    """(the part in which the border is, where that part begins, the border in [low, high) or -1). What was looked at is one
    part then, with REACH bytes or more before and behind the border."""
    near = min(low + _LOOK, high)
    first = base = count = have = 0
    while have < near + REACH:
        have += len(parts[count])
        count += 1
        if have <= low - REACH:
            first, base = count, have
    parts[first:count] = [data := joined(parts[first:count])]
    found = _BORDER.search(data, low - base, near - base)
    if found is not None and found.end() < near - base - 2:  # else what is behind may have a say
        return first, base, base + found.end()
    parts[first:] = [data := joined(parts[first:])]
    border = _border(data, low - base, high - base)
    return first, base, border if border < 0 else base + border


def _border(data: bytes, low: int, high: int) -> int:
    """The first place in [low, high) that no long encoded run goes over; -1 if there is none.

    Either behind a byte that is in no run, or between two lines that both have a space in their middle: of a wrapped run
    they could only be the first and the last line, and neither string pieces nor folded lines go on from one to the other.
    """
    found = _BORDER.search(data, low, high)
    if found is not None:
        return found.end()
    while (at := data.find(b"\n", low, high)) >= 0:
        start = data.rfind(b"\n", max(0, at - _LINE), at) + 1
        stop = data.find(b"\n", at + 1, at + _LINE)
        one, other = data[start:at].rstrip(b"\r"), data[at + 1 : max(at, stop)]
        prose = start and _INNER.search(one) and _INNER.search(other) and b"\0" not in one + other
        if prose and not _CLOSES.search(one[-256:]) and not _OPENS.match(other):
            return at + 1
        low = at + 1
    return -1


def _rest(engine: Engine, leaf: Leaf, data: bytes, start: int, before: int, policy: Policy) -> Done:
    """A member from `start` on, window by window: the windows say where the next one begins."""
    told: list[Incident] = []
    windows = read_on(leaf.stream, leaf.origin, told.append, data, start - before, start)
    return scan_windows(engine, windows, policy, told, start)


# ---------------------------------------------------------------- the processes that scan
def scan_piece(engine: Engine, piece: Piece | Unit, policy: Policy) -> Done | None:
    """What a worker does; None for what is done already."""
    if isinstance(piece, Unit):
        if policy.git:
            from leakguard.checkouts import scan_file

            return scan_file(engine, piece, policy)
        return scan_unit(engine, piece, policy)
    if piece.start < 0:
        return None
    told: list[Incident] = []
    try:
        data = b"".join(piece.parts)
        if not piece.start and not piece.after:
            if len(data) <= WINDOW:
                return scan_whole(engine, Document(data, piece.origin), policy, told)
            return scan_windows(engine, read_stream(BytesIO(data), piece.origin, told.append), policy, told)
        core_end = len(data) - piece.after
        document = Document(data, piece.origin, piece.start - piece.before, piece.before, core_end)
        return scan_part(engine, document, policy, told)
    except Exception as error:  # noqa: BLE001 - told by its kind alone: a message could quote content
        return lost_piece(piece, f"internal error: {type(error).__name__}")


def lost_piece(piece: Piece | Unit, reason: str) -> Done:
    """The outcome of a piece that could not be scanned at all."""
    if isinstance(piece, Unit):
        return lost(piece, reason)
    size = piece.size - piece.before - piece.after
    return Done([], [], 0, 0, 0, 0, [Incident("failed", str(piece.origin), reason, size)])


def run_pieces(
    engine: Engine,
    work: Iterable[Sequence[Piece | Unit]],
    policy: Policy,
    jobs: int,
    collector: Collector,
    contents: Contents | None = None,
) -> None:
    """Has workers scan units and pieces, and hands what they find on in order. Who yields the pieces of a Share says
    when it ends by a Piece with done=None and start -1. What files hold is learnt by `contents`."""
    from leakguard.workers import run_any

    share: Share | None = None
    try:
        batches = (list(batch) for batch in work)
        for item, done in run_any(engine, batches, policy, jobs, scan_piece, lost_piece, _weight):
            if isinstance(item, Unit):
                answer = done or lost(item, "no answer")
                if answer.content is not None:
                    if contents is not None:
                        contents.learn(answer.content)
                    answer = answer._replace(content=None)
                collector.add(item, answer)
                continue
            share = item.share
            if share is None:
                raise ValueError("a piece of nothing")
            if item.start >= 0:
                made = _as_before(engine, item, policy) if item.again else item.done or done
                share.take(item, made or lost_piece(item, "no answer"))
            else:
                ended, share = share, None
                ended.finish()
    except BaseException:
        if share is not None:  # interrupted: what was found so far is reported
            share.finish()
        raise


def _as_before(engine: Engine, piece: Piece, policy: Policy) -> Done | None:
    """What comes of a piece whose content was in another one, of which is known by now what came of it: something was found in
    that, mostly never, and this one is scanned here."""
    before = piece.content.done(piece) if piece.content is not None else None
    return before or scan_piece(engine, piece, policy)


def _weight(batch: Sequence[Piece | Unit]) -> int:
    return sum(item.size for item in batch if isinstance(item, Piece) and not item.again)


def end_of(share: Share) -> Piece:
    """What is to follow the last piece of a Share."""
    piece = Piece(_NO_ORIGIN, start=-1)
    piece.share = share
    return piece


_NO_ORIGIN = Origin("", "")
