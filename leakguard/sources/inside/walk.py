"""Goes into a container and the containers in it, and hands out what is none: the leaves, as streams.

Promises: every byte of the root is structure, goes into a member, or is handed out as a gap (bytes that belong to no
member, before, between or after them), unless an incident says otherwise; what cannot be read as what it looks like is
handed out as it stands; each limit that is reached is an incident; nothing is written to disk but unlinked temporary
files; a member's name is text and never a path to open.

Accounts for every byte, of the root and of what came out of containers (`Tally`). Knows `model` and `sources`; imported
by the pipeline and by `leakguard extract`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from io import FileIO, RawIOBase
from typing import BinaryIO, NamedTuple, cast

from leakguard.model import Incident, Origin
from leakguard.rotated import log_of
from leakguard.sources.inside import magic
from leakguard.sources.inside.base import (
    CHUNK,
    LONGEST_NAME,
    BrokenError,
    Budget,
    Context,
    ExhaustedError,
    LimitError,
    Member,
    Moved,
    Part,
    Pull,
    Stream,
    Told,
    UnreadError,
    from_bytes,
    from_file,
    ready,
)
from leakguard.sources.inside.limits import Bytes, Limits
from leakguard.sources.inside.readers import NAMED, READERS
from leakguard.sources.inside.tally import WEAK, Counted, Tally, explained
from leakguard.sources.windows import FileTask, OnIncident, open_regular, reason_of

KEPT = 16 * 1024
"""Last bytes kept of what a rotated log holds: no match is longer."""
NAME_LIMIT = 1024
"""Letters of a name that a chain shows."""
Seen = Callable[[str], bool]
"""Was the content of this digest (`sha256:...`) read before? Told what is about to be read, so it may remember it."""


Place = Callable[[int], tuple[tuple[str, str], ...]]
"""Facts of what stands at an offset of a leaf that was read: which row of a table."""

Choose = Callable[[str], str]
"""Given a member's whole chain: `take` it as it is, container or not; `enter` it; "" to pass it by."""


class Leaf(NamedTuple):
    """Something to scan. Read `stream` (it has `readinto`) before asking for the next leaf."""

    origin: Origin
    stream: Stream
    place: Place | None = None
    moved: Moved | None = None


def is_container(head: bytes, path: str, open_path: str, whole: bool, git: bool = False) -> str:
    """The kind of the file that begins with `head`, or "". `whole`: the head is all of it. Else the file is opened to
    see whether a zip hangs at its end. `git`: git's packs and objects are containers, too."""
    kind = magic.kind_of(head, path)
    if kind in magic.NESTED_ONLY and not git:
        return ""
    if kind == "pg-data" and not os.path.isfile(os.path.join(os.path.dirname(open_path), "toc.dat")):
        return ""
    if kind in magic.LOGS and not whole:
        from leakguard.sources.inside.logs.lines import is_cut

        return kind if is_cut(open_path, kind) else ""
    if kind:
        return kind
    if whole:
        return "zip" if magic.ends_as_zip(head) else ""
    try:
        fd, size = open_regular(open_path)
    except OSError:
        return ""  # whoever reads it will say so
    try:
        if head[:2] == b"MZ" and len(head) < magic.PROGRAM_HEAD and (kind := magic.kind_of(os.read(fd, magic.PROGRAM_HEAD))):
            return kind
        os.lseek(fd, max(0, size - magic.TAIL), os.SEEK_SET)
        return "zip" if magic.ends_as_zip(os.read(fd, magic.TAIL)) else ""
    except OSError:
        return ""
    finally:
        os.close(fd)


def leaves(
    task: FileTask,
    origin: Origin,
    kind: str,
    limits: Limits,
    on_incident: OnIncident,
    *,
    strict: bool = False,
    seen: Seen | None = None,
    tally: Tally | None = None,
    choose: Choose | None = None,
) -> Iterator[Leaf]:
    """Everything in the file `task` that is no container itself, in order."""
    try:
        opened, size = _opened_file(task)
    except OSError as error:
        on_incident(Incident("failed", str(origin), reason_of(error), task.size))
        if tally is not None:
            tally.root = tally.root.plus(Bytes(task.size, failed=task.size))
        return
    with opened as handle:
        if kind == "sql-dump":  # text, as long as it likes
            limits = limits._replace(seconds=0)
        walker = Walker(origin, Budget(limits, size), on_incident, strict=strict, seen=seen, tally=tally, choose=choose)
        walker.beside = partial(_open_beside, os.path.dirname(task.open_path))
        walker.keep_last = bool(log_of(task.path))
        if kind in magic.LOGS:
            walker.budget.unlimited()
        stream = Stream(walker.guarded(handle.read, origin), size, cast(BinaryIO, handle))
        yield from walker.enter(origin, stream, kind, 1)


def _open_beside(folder: str, name: str) -> RawIOBase | None:
    """A regular file of the folder, opened; None if there is none of this name."""
    if not name or os.path.basename(name) != name or name in (".", ".."):
        return None
    try:
        fd, _ = open_regular(os.path.join(folder, name))
    except OSError:
        return None
    return FileIO(fd)


def _opened_file(task: FileTask) -> tuple[RawIOBase, int]:
    """The file, or the volumes read as one, and how long it is."""
    if task.parts:
        from leakguard.sources.volumes import Joined

        joined = Joined(task.parts)
        return joined, joined.size
    fd, size = open_regular(task.open_path)
    return FileIO(fd), size


def leaves_in(
    data: bytes,
    origin: Origin,
    kind: str,
    limits: Limits,
    on_incident: OnIncident,
    *,
    strict: bool = False,
    seen: Seen | None = None,
    tally: Tally | None = None,
) -> Iterator[Leaf]:
    """The same of a container that another source has in memory: a blob of a repository, an attachment."""
    walker = Walker(origin, Budget(limits, len(data)), on_incident, strict=strict, seen=seen, tally=tally)
    yield from walker.enter(origin, Stream(walker.guarded(from_bytes(data), origin), len(data)), kind, 1)


def piped(
    handle: int,
    origin: Origin,
    limits: Limits,
    on_incident: OnIncident,
    *,
    strict: bool = False,
    tally: Tally | None = None,
) -> Iterator[Leaf]:
    """The same of a stream such as standard input, which is a leaf itself if it is no container."""
    from select import select

    raw = FileIO(handle, closefd=False)
    budget = Budget(limits, 0)

    def pull(count: int) -> bytes:
        while (data := raw.read(count)) is None:
            select([handle], [], [])  # somebody set it to non-blocking
        budget.grow(budget.size + len(data))
        return data

    walker = Walker(origin, budget, on_incident, strict=strict, tally=tally)
    stream = Stream(walker.guarded(pull, origin))
    kind = magic.kind_of(stream.peek(magic.HEAD))
    if kind in magic.LOGS:
        budget.unlimited()
    if kind and kind not in magic.NESTED_ONLY:
        yield from walker.enter(origin, stream, kind, 1)
    else:
        budget.unlimited()  # plain text of any length
        try:
            yield Leaf(origin, stream)
        finally:
            walker.tally.root = Bytes(stream.position, stream.position)


class Walker:
    """One walk through one root. Other sources (images) may start their own from a stream: `enter`, `member`."""

    def __init__(
        self,
        root: Origin,
        budget: Budget,
        on_incident: OnIncident,
        *,
        strict: bool = False,
        seen: Seen | None = None,
        tally: Tally | None = None,
        choose: Choose | None = None,
    ) -> None:
        self.root = root
        self.budget = budget
        self.on_incident = on_incident
        self.strict = strict
        self.seen = seen
        self.tally = tally or Tally()
        self.choose = choose
        self.beside: Callable[[str], RawIOBase | None] | None = None
        self.keep_last = False
        self._exhausted = False
        self._cut: Origin | None = None
        self._damaged: Origin | None = None

    # ------------------------------------------------------------ going in
    def enter(
        self, origin: Origin, stream: Stream, kind: str, depth: int, names: set[int] | None = None
    ) -> Iterator[Leaf]:
        """The leaves of a container. Whatever its reader leaves in the stream is a gap."""
        told = Counted(self._tell, origin)
        names = set() if names is None else names
        base, before = stream.position, self.budget.members
        try:
            if depth > self.budget.limits.depth + (kind in magic.LOGS):  # text holds nothing to go into
                told("truncated", "", f"nested more than {self.budget.limits.depth} deep (--archive-depth)")
                yield from self._stands(origin, stream, told)
                return
            self.tally.containers += 1
            stream.keep()
            yield from self._read(origin, stream, kind, depth, names, told)
            yield from self._rest(origin, stream, kind, base, depth, names, told)
        except Told:
            pass
        finally:
            if depth == 1:
                self.tally.members += self.budget.members - before
            self._settle(origin, stream, base, depth, told)
            told.close()
            stream.close()

    def _settle(self, origin: Origin, stream: Stream, base: int, depth: int, told: Counted) -> None:
        """Accounts for the bytes of a container that was gone through, or left."""
        if depth == 1 and stream.size >= 0:
            size = stream.size  # of the file, whether it was read in order or by seeking
            holes = stream.missing() if stream.is_file() else [(stream.position, size)]
        else:
            size = stream.position - base + stream.held()
            holes = [*stream.missing(), (0, stream.held())]
        unread = 0 if told.stood < 0 else min(size, told.unread + sum(high - low for low, high in holes))
        stood = size if told.stood < 0 else min(told.stood, size - unread)
        made = Bytes(size, scanned=stood, containers=size - unread - stood)._replace(**{self._state(origin, told): unread})
        self.settled(origin, made, depth)

    def settled(self, origin: Origin, made: Bytes, depth: int) -> None:
        """Takes what became of the bytes of a container."""
        if depth == 1:
            self.tally.root = self.tally.root.plus(made)
        else:
            self.tally.add(made)

    def _state(self, origin: Origin, told: Counted | None) -> str:
        """Why bytes of it were read by nobody, in the word of incidents."""
        if self.budget.over or self._cut is origin:
            return "truncated"
        states = {state for state, _ in told.counts} if told is not None else set()
        if states == {"unread"} and not self.strict:
            return "skipped"
        return "truncated" if states == {"truncated"} else "failed"

    def _stands(self, origin: Origin, stream: Stream, told: Counted) -> Iterator[Leaf]:
        """What is left of a container, as it stands."""
        before = stream.position
        try:
            yield Leaf(origin, stream)
        finally:
            if told.stood >= 0:
                told.stood += stream.position - before

    def _again(self, origin: Origin, pull: Pull, told: Counted) -> Iterator[Leaf]:
        """All of a container as it stands, whatever was read of it before."""
        told.stood = -1
        yield Leaf(origin, Stream(self.guarded(pull, origin)))

    def _handed(self, leaf: Leaf, padding: int = 0) -> Iterator[Leaf]:
        """A leaf of its own, accounted for."""
        stream = leaf.stream
        try:
            yield leaf
        finally:
            self.tally.took(stream.position - padding, padding)
            held = stream.held()
            if held:
                self.tally.add(Bytes(held, **{self._state(leaf.origin, None): held}))

    def _read(
        self, origin: Origin, stream: Stream, kind: str, depth: int, names: set[int], told: Counted
    ) -> Iterator[Leaf]:
        """The leaves of what the reader of this kind yields."""
        beside = self.beside if origin.inside is None else None
        named = partial(self._named, origin)
        context = Context(origin.path, self.budget.limits, self.budget, told, self.entries(origin), beside, named)
        start = stream.position
        try:
            if kind in NAMED:
                raise UnreadError(NAMED[kind])
            module, function = READERS[kind]
            reader = getattr(import_module(f"leakguard.sources.inside.{module}"), function)
            members: Iterator[Member] = reader(stream, context)
            for number, member in enumerate(members, 1):
                yield from self.member(origin, member, number, depth, names, kind)
                if self.budget.over:
                    raise Told
            return
        except Told:
            raise
        except LimitError as error:
            self._limit(origin, error)
        except Exception as error:  # noqa: BLE001 - this container fails, and not the run
            if isinstance(error, BrokenError) and error.unread:
                stream.unread(error.unread)
            if not isinstance(error, BrokenError) or stream.position > start or kind not in WEAK:
                state, reason = explained(error, kind)
                told(state, "", reason)
                told.broken = not (isinstance(error, BrokenError) and error.unread)
        whole = stream.again()
        if whole is not None and not self.budget.over:  # a reader that seeks took it all: none of it is sure to be read
            yield from self._again(origin, whole, told)

    def entries(self, origin: Origin) -> Callable[[str, bytes, str], None] | None:
        """Whom to tell the headers of the tar `origin` (see Context.entry); nobody here."""
        return None

    def member(
        self, container: Origin, member: Member, number: int, depth: int, names: set[int], parent: str = ""
    ) -> Iterator[Leaf]:
        """The leaves of one member: itself, or what is in it. `parent` is the kind of its container."""
        try:
            self.budget.member()
        except ExhaustedError as error:
            self._limit(container, error)
            raise Told from None
        if member.digest and self.seen is not None and self.seen(member.digest):
            self.tally.seen_before += 1
            return
        if member.kind == "text":
            if self.choose is None:  # else the container was to be taken, and not what is in it
                stream = Stream(self.guarded(member.pull, container))
                yield from self._handed(Leaf(container, stream, member.place, member.moved))
            return
        origin, stream = self._opened(container, member, number, names)
        if self.choose is not None:
            verdict = self._verdict(container, origin, stream, member, parent)
            if verdict == "take":
                yield Leaf(Origin("member", member.name, container) if member.kind == "content" else origin, stream)
            if verdict == "take" or (not verdict and member.kind != "content"):
                return
        head = stream.peek(magic.HEAD)
        padding = stream.position
        if not head:
            self.tally.took(0, padding)
            return
        kind = self._kind(head, stream, member) if member.kind != "view" else ""
        if self.budget.limits.ocr and member.kind == "member" and magic.is_picture(head):
            kind = "picture"
        if member.kind == "content" and (not kind or kind in _NAMED_TEXT):  # text has a name, and places in it
            origin = self._called(member._replace(kind="member"), number, container, names)
        if kind and not (kind == parent and member.kind == "gap"):
            self.tally.took(0, padding)
            yield from self.enter(origin, stream, kind, depth + 1, names if origin is container else None)
        else:
            yield from self._handed(Leaf(origin, stream, member.place), padding)

    def _verdict(self, container: Origin, origin: Origin, stream: Stream, member: Member, parent: str) -> str:
        """What was chosen to be done with a member. If a compressed stream holds another one, what is in that has the same
        chain, and is what a scan names so."""
        if self.choose is None:
            return ""
        if member.kind != "content":
            return self.choose(str(origin))
        verdict = self.choose(str(Origin("", member.name, container)))
        if verdict == "take" and parent in _CODECS and self._kind(stream.peek(magic.HEAD), stream, member) in _CODECS:
            return ""
        return verdict

    def _opened(self, container: Origin, member: Member, number: int, names: set[int]) -> tuple[Origin, Stream]:
        """A member's origin and stream. What a compressed stream holds has the stream's own origin until it is known to
        be no container; a gap is named after its first byte that is not NUL."""
        if member.kind == "content":
            pull = self.guarded(member.pull, container)
            return container, Stream(self._ending(pull) if self.keep_last else pull, member.size)
        if member.kind != "gap":
            origin = self._called(member, number, container, names)
            pull = member.pull
            if type(pull) is Part and pull.is_near() and self.choose is None and self.budget.allows(pull.left):
                self.tally.expanded += pull.left  # most members are small, and lie in what was decoded last
                return origin, ready(pull.whole())
            return origin, Stream(self.guarded(pull, origin), member.size)
        stream = Stream(self.guarded(member.pull, container), member.size)
        _past_zeros(stream)
        name = member.name
        if stream.position and name[1:].isdigit():
            name = f"@{int(name[1:]) + stream.position}"
        return Origin("gap", self._name(name, number, names), container, member.facts), stream

    def _called(self, member: Member, number: int, container: Origin, names: set[int]) -> Origin:
        """A member's origin, its name told to whoever looks at names."""
        origin = Origin(member.kind, self._name(member.name, number, names), container, member.facts, member.about)
        if self.tally.named is not None:
            long = len(member.name) > NAME_LIMIT
            self.tally.named(origin._replace(path=_inner(member.name[:LONGEST_NAME])) if long else origin)
        return origin

    def _named(self, container: Origin, name: str) -> None:
        """Tells the name of what has no content."""
        if self.tally.named is not None and (name := _inner(name[:LONGEST_NAME])):
            self.tally.named(Origin("member", name, container))

    def _kind(self, head: bytes, stream: Stream, member: Member) -> str:
        """What a member is, if a container."""
        kind = magic.kind_of(head, member.name)
        if member.kind == "gap":
            return kind
        if kind in ("", "disk") and magic.may_be_iso(head):
            kind = magic.kind_of(stream.peek(magic.ISO_HEAD), member.name)
        if not kind and head[:2] == b"MZ":
            kind = magic.kind_of(stream.peek(magic.PROGRAM_HEAD))
        if not kind:
            near = stream.peek(CHUNK + 1)
            if len(near) <= CHUNK and magic.ends_as_zip(near):
                kind = "zip"
        return kind

    def _rest(
        self, origin: Origin, stream: Stream, kind: str, base: int, depth: int, names: set[int], told: Counted
    ) -> Iterator[Leaf]:
        """What the reader left: data behind an archive's end, or behind its damage."""
        if self.budget.over or self._cut is origin:
            return  # behind a limit comes only more of what was packed
        whole = stream.whole() if self._damaged is origin else None
        if whole is not None:  # what it decoded to may be an accident, and the text be in the open
            yield from self._again(origin, whole, told)
            return
        damaged = told.broken or self._damaged is origin or (kind in _VIEWED and self._within(origin))
        alone = kind in magic.LOGS or stream.is_file() or READERS.get(kind, ("",))[0] in _ISOLATED
        if damaged and stream.position > base and not alone:
            yield from self._recent(origin, stream, told)
            return
        if stream.is_file():
            if told.stood >= 0:
                yield from self._holes(origin, stream, kind, depth, names, told)
            return
        if stream.at_end():
            return
        if stream.position == base:
            yield from self._stands(origin, stream, told)  # it is no container after all, or one that nobody can read
            return
        if not _past_zeros(stream):
            return
        gap = Member(f"@{stream.position - base}", stream.read, kind="gap")
        yield from self.member(origin, gap, 0, depth, names)

    def _within(self, origin: Origin) -> bool:
        """Was a member of the container the last thing that was damaged?"""
        return self._damaged is not None and self._damaged.inside is origin

    def _recent(self, origin: Origin, stream: Stream, told: Counted) -> Iterator[Leaf]:
        """What was read last of a container that turned out to be damaged, and the rest, as it stands."""
        before = stream.position
        known, pull = stream.recent()
        try:
            yield Leaf(origin, Stream(pull))
        finally:
            told.stood += known + stream.position - before

    def _holes(
        self, origin: Origin, stream: Stream, kind: str, depth: int, names: set[int], told: Counted
    ) -> Iterator[Leaf]:
        """What a reader that seeks passed over. If something was told (an encrypted member, damage) it counts as not read,
        though it is scanned as it stands."""
        holes = stream.missing()
        if told.counts:
            told.unread = sum(high - low for low, high in holes)
        for low, high in holes:
            pull = stream.part_again(low, high)
            if pull is None:
                continue
            gap = Member(f"@{low}", pull, high - low, "gap")
            if high - low >= magic.HEAD:
                yield from self.member(origin, gap, 0, depth, names, kind)
            else:
                place, content = self._opened(origin, gap, 0, names)
                yield from self._handed(Leaf(place, content), content.position)

    # ------------------------------------------------------------ telling
    def guarded(self, pull: Pull, origin: Origin) -> Pull:
        """A pull that tells what goes wrong, once, and draws on the budget."""

        def guarded(count: int) -> bytes:
            try:
                data = pull(count)
                self.tally.expanded += len(data)
                self.budget.spend(len(data))
            except Told:
                raise
            except LimitError as error:
                self._limit(origin, error)
            except Exception as error:  # noqa: BLE001 - a parser met what nobody foresaw: its member fails
                self._damaged = origin
                state, reason = explained(error, "")
                self._tell(state, origin, reason)
            else:
                return data
            raise Told

        return guarded

    def _ending(self, pull: Pull) -> Pull:
        """The same, its last bytes kept."""

        def ending(count: int) -> bytes:
            data = pull(count)
            self.tally.last = data[-KEPT:] if len(data) >= KEPT else (self.tally.last + data)[-KEPT:]
            return data

        return ending

    def _limit(self, origin: Origin, error: LimitError) -> None:
        whole = isinstance(error, ExhaustedError)
        self._cut = origin
        if not (whole and self._exhausted):
            self._tell("truncated", self.root if whole else origin, f"limit reached: {error.reason}")
        self._exhausted = self._exhausted or whole

    def _tell(self, state: str, origin: Origin, reason: str) -> None:
        if state == "unread":
            state = "failed" if self.strict else "skipped"
        self.on_incident(Incident(state, str(origin), reason))

    def _name(self, name: str, number: int, names: set[int]) -> str:
        """A name nobody else in the container has: a second `a` that is its seventh member is `a#7`."""
        if len(name) > NAME_LIMIT:
            name = f"{name[:NAME_LIMIT]}...#{number}"
        name = _inner(name) or f"#{number}"
        while hash(name) in names:
            name = f"{name}#{number}"
        names.add(hash(name))
        return name


_CODECS = frozenset(kind for kind, (module, _) in READERS.items() if module == "archives.codecs")
_ISOLATED = frozenset({"archives.tars", "archives.simple"})
"""Readers of archives whose members were whole before the damage; the rest is a gap."""
_NAMED_TEXT = magic.AS_TEXT - {"pg-data"}
"""Kinds that are the text of a compressed file, by its own name. Rows of a table have the table's, and what says its columns
lies beside the root."""

_VIEWED = frozenset({"pickle", "npy"})
"""Kinds whose members are made of all of the container: damage of one is damage of it."""


def _inner(name: str) -> str:
    """A name as it stands in a chain."""
    return name.removeprefix("./").lstrip("/")


def _past_zeros(stream: Stream) -> bool:
    """Reads over NUL bytes, padding; is anything left?"""
    while True:
        ahead = stream.peek(4096)
        rest = ahead.lstrip(b"\0")
        if rest or not ahead:
            stream.skip(len(ahead) - len(rest))
            return bool(rest)
        stream.skip(len(ahead))


__all__ = ["READERS", "Leaf", "Seen", "Tally", "Walker", "from_file", "is_container", "leaves"]
