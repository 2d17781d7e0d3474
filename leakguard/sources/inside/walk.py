"""Goes into a container and the containers in it, and hands out what is none: the leaves, as streams.

Promises: every byte of the root is structure, goes into a member, or is handed out as a gap (bytes that belong to no
member, before, between or after them), unless an incident says otherwise; what cannot be read as what it looks like is
handed out as it stands; each limit that is reached is an incident; nothing is written to disk but unlinked temporary
files; a member's name is text and never a path to open.

The table READERS says which module reads what. Knows `model` and `sources`; imported by the pipeline and by
`leakguard extract`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from io import FileIO, RawIOBase
from typing import BinaryIO, NamedTuple, cast

from leakguard.model import Incident, Origin
from leakguard.sources.inside import magic
from leakguard.sources.inside.base import (
    CHUNK,
    BrokenError,
    Budget,
    Context,
    ExhaustedError,
    LimitError,
    Member,
    Moved,
    Pull,
    Stream,
    Told,
    UnreadError,
    from_bytes,
    from_file,
)
from leakguard.sources.inside.limits import Limits
from leakguard.sources.windows import FileTask, OnIncident, open_regular, reason_of

EXTRA = "leakguard-scanner[archives]"
"""What to install for the formats of the extra."""

READERS: dict[str, tuple[str, str]] = {
    "gzip": ("codecs", "gzip"),
    "bzip2": ("codecs", "bzip2"),
    "xz": ("codecs", "xz"),
    "lzma": ("codecs", "lzma_alone"),
    "lzip": ("codecs", "lzip"),
    "zstd": ("codecs", "zstd"),
    "skippable": ("codecs", "skippable"),
    "lz4": ("codecs", "lz4"),
    "lz4-legacy": ("codecs", "lz4_legacy"),
    "brotli": ("codecs", "brotli"),
    "git-object": ("codecs", "zlib_stream"),
    "tar": ("tars", "tar"),
    "zip": ("zips", "zip_file"),
    "ar": ("simple", "ar"),
    "cpio": ("simple", "cpio"),
    "rpm": ("simple", "rpm"),
    "asar": ("simple", "asar"),
    "iso": ("iso", "iso"),
    "7z": ("child", "foreign"),
    "rar": ("child", "foreign"),
    "cab": ("child", "foreign"),
    "lha": ("child", "foreign"),
    "xar": ("child", "foreign"),
    "squashfs": ("child", "foreign"),
    "git-bundle": ("gitpack", "bundle"),
    "git-pack": ("gitpack", "pack"),
    "zlib": ("codecs", "zlib_stream"),
    "pdf": ("pdf", "pdf"),
    "ole": ("ole", "ole"),
    "rtf": ("markup", "rtf"),
    "mail": ("mail", "message"),
    "mbox": ("mail", "mbox"),
    "notebook": ("notebook", "notebook"),
    "delimited": ("delimited", "delimited"),
    "entities": ("entities", "entities"),
    "png": ("pictures", "png"),
    "picture": ("pictures", "picture"),
    "json-file": ("lines", "json_file"),
    "cri": ("lines", "cri"),
    "syslog": ("lines", "octet_counted"),
    "journal-export": ("lines", "journal_export"),
    "journal": ("journal", "journal"),
    "evtx": ("tables", "table"),
    "parquet": ("tables", "table"),
    "arrow": ("tables", "table"),
    "avro": ("tables", "table"),
    "orc": ("tables", "table"),
    "pickle": ("pickles", "pickle"),
    "npy": ("arrays", "npy"),
    "pcap": ("pcap", "pcap"),
    "sqlite": ("sqlite", "sqlite"),
    "sqlite-wal": ("sqlitewal", "wal"),
    "sqlite-journal": ("sqlitewal", "journal"),
    "sql-dump": ("sqldump", "sql_dump"),
    "sstable": ("sstables", "sstable"),
    "leveldb-log": ("leveldb", "log"),
    "mongodump": ("mongo", "archive"),
    "lmdb": ("lmdb", "lmdb"),
    "berkeley-db": ("dbm", "berkeley"),
    "gdbm": ("dbm", "gdbm"),
    "redis-rdb": ("redis", "rdb"),
    "redis-aof": ("redis", "aof"),
    "bson": ("mongo", "bson"),
    "pg-dump": ("pgdump", "custom"),
    "pg-dump-tar": ("pgdump", "in_tar"),
    "pg-data": ("pgdump", "in_folder"),
}
"""kind -> (module here, function). A reader yields Members; ImportError from it means that a package is missing."""

NAMED = {
    "compress": "no reader",
    "lzop": "no reader",
    "wim": "no reader",
    "luks": "encrypted",
    "borg": "encrypted backup repository; scan the output of `borg export-tar`",
    "restic": "encrypted backup repository; scan the output of `restic dump`",
    "age": "encrypted",
    "openssl-enc": "encrypted",
}
"""kind -> why it is not read. Its bytes are scanned as they stand."""

NAME_LIMIT = 1024
TOLD_EACH = 20
"""Incidents of one reason told one by one per container; the rest is counted."""

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


class Tally:
    """What a walk went through."""

    def __init__(self) -> None:
        self.containers = 0
        self.members = 0
        self.expanded = 0
        self.seen_before = 0


def is_container(head: bytes, path: str, open_path: str, whole: bool, git: bool = False) -> str:
    """The kind of the file that begins with `head`, or "". `whole`: the head is all of it. Else the file is opened to
    see whether a zip hangs at its end. `git`: git's packs and objects are containers, too."""
    kind = magic.kind_of(head, path)
    if kind in magic.NESTED_ONLY and not git:
        return ""
    if kind == "pg-data" and not os.path.isfile(os.path.join(os.path.dirname(open_path), "toc.dat")):
        return ""
    if kind in magic.LOGS and not whole:
        from leakguard.sources.inside.lines import is_cut

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
        return
    with opened as handle:
        if kind == "sql-dump":  # text, as long as it likes
            limits = limits._replace(seconds=0)
        walker = Walker(origin, Budget(limits, size), on_incident, strict=strict, seen=seen, tally=tally, choose=choose)
        walker.beside = partial(_open_beside, os.path.dirname(task.open_path))
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
        yield Leaf(origin, stream)


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
        self._exhausted = False
        self._cut: Origin | None = None
        self._damaged: Origin | None = None

    # ------------------------------------------------------------ going in
    def enter(
        self, origin: Origin, stream: Stream, kind: str, depth: int, names: set[int] | None = None
    ) -> Iterator[Leaf]:
        """The leaves of a container. Whatever its reader leaves in the stream is a gap."""
        told = _Counted(self, origin)
        if depth > self.budget.limits.depth + (kind in magic.LOGS):  # text holds nothing to go into
            told("truncated", "", f"nested more than {self.budget.limits.depth} deep (--archive-depth)")
            yield Leaf(origin, stream)
            return
        names = set() if names is None else names
        self.tally.containers += 1
        base, before = stream.position, self.budget.members
        try:
            yield from self._read(origin, stream, kind, depth, names, told)
            yield from self._rest(origin, stream, base, depth, names)
        except Told:
            pass
        finally:
            if depth == 1:
                self.tally.members += self.budget.members - before
            told.close()
            stream.close()

    def _read(
        self, origin: Origin, stream: Stream, kind: str, depth: int, names: set[int], told: _Counted
    ) -> Iterator[Leaf]:
        """The leaves of what the reader of this kind yields."""
        beside = self.beside if origin.inside is None else None
        context = Context(origin.path, self.budget.limits, self.budget, told, self.entries(origin), beside)
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
                state, reason = _explained(error, kind)
                told(state, "", reason)
        whole = stream.again()
        if whole is not None and not self.budget.over:  # a reader that seeks took it all: none of it is sure to be read
            yield Leaf(origin, Stream(self.guarded(whole, origin)))

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
                yield Leaf(container, Stream(self.guarded(member.pull, container)), member.place, member.moved)
            return
        origin, stream = self._opened(container, member, number, names)
        if self.choose is not None:
            verdict = self.choose(str(Origin("", member.name, container) if member.kind == "content" else origin))
            if verdict == "take":
                yield Leaf(Origin("member", member.name, container) if member.kind == "content" else origin, stream)
            if verdict == "take" or (not verdict and member.kind != "content"):
                return
        head = stream.peek(magic.HEAD)
        if not head:
            return
        kind = self._kind(head, stream, member) if member.kind != "view" else ""
        if self.budget.limits.ocr and member.kind == "member" and magic.is_picture(head):
            kind = "picture"
        if kind and not (kind == parent and member.kind == "gap"):
            yield from self.enter(origin, stream, kind, depth + 1, names if origin is container else None)
        elif member.kind == "content":
            yield Leaf(Origin("member", self._name(member.name, number, names), container, member.facts), stream)
        else:
            yield Leaf(origin, stream, member.place)

    def _opened(self, container: Origin, member: Member, number: int, names: set[int]) -> tuple[Origin, Stream]:
        """A member's origin and stream. What a compressed stream holds has the stream's own origin until it is known to
        be no container; a gap is named after its first byte that is not NUL."""
        if member.kind == "content":
            return container, Stream(self.guarded(member.pull, container), member.size)
        if member.kind != "gap":
            origin = Origin(member.kind, self._name(member.name, number, names), container, member.facts)
            return origin, Stream(self.guarded(member.pull, origin), member.size)
        stream = Stream(self.guarded(member.pull, container), member.size)
        _past_zeros(stream)
        name = member.name
        if stream.position and name[1:].isdigit():
            name = f"@{int(name[1:]) + stream.position}"
        return Origin("gap", self._name(name, number, names), container, member.facts), stream

    def _kind(self, head: bytes, stream: Stream, member: Member) -> str:
        """What a member is, if a container."""
        kind = magic.kind_of(head, member.name)
        if member.kind == "gap":
            return kind
        if not kind and magic.may_be_iso(head):
            kind = magic.kind_of(stream.peek(magic.ISO_HEAD), member.name)
        if not kind:
            near = stream.peek(CHUNK + 1)
            if len(near) <= CHUNK and magic.ends_as_zip(near):
                kind = "zip"
        return kind

    def _rest(self, origin: Origin, stream: Stream, base: int, depth: int, names: set[int]) -> Iterator[Leaf]:
        """What the reader left: data behind an archive's end, or behind its damage."""
        if self.budget.over or self._cut is origin:
            return  # behind a limit comes only more of what was packed
        whole = stream.whole() if self._damaged is origin else None
        if whole is not None:  # what it decoded to may be an accident, and the text be in the open
            yield Leaf(origin, Stream(self.guarded(whole, origin)))
            return
        if stream.at_end():
            return
        if stream.position == base:
            yield Leaf(origin, stream)  # nothing was read: it is no container after all, or one that nobody can read
            return
        if not _past_zeros(stream):
            return
        gap = Member(f"@{stream.position - base}", stream.read, kind="gap")
        yield from self.member(origin, gap, 0, depth, names)

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
                state, reason = _explained(error, "")
                self._tell(state, origin, reason)
            else:
                return data
            raise Told

        return guarded

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
        name = name.removeprefix("./").lstrip("/") or f"#{number}"
        while hash(name) in names:
            name = f"{name}#{number}"
        names.add(hash(name))
        return name


class _Counted:
    """Incidents of one container: the first few of a reason one by one, of the rest the number."""

    def __init__(self, walker: Walker, origin: Origin) -> None:
        self.walker = walker
        self.origin = origin
        self.counts: dict[tuple[str, str], int] = {}

    def __call__(self, state: str, name: str, reason: str) -> None:
        key = (state, reason)
        self.counts[key] = self.counts.get(key, 0) + 1
        if self.counts[key] <= TOLD_EACH or len(self.counts) > 1000:
            self.walker._tell(state, Origin("member", name, self.origin) if name else self.origin, reason)

    def close(self) -> None:
        for (state, reason), count in self.counts.items():
            if count > TOLD_EACH:
                self.walker._tell(state, self.origin, f"{count - TOLD_EACH} more members: {reason}")
        self.counts.clear()


def _explained(error: Exception, kind: str) -> tuple[str, str]:
    """(state, reason) of what ended a container of a kind, or a member ("")."""
    named = f"{kind}: " if kind else ""
    if isinstance(error, BrokenError):
        return "failed", error.reason if error.reason.startswith(named) else named + error.reason
    if isinstance(error, UnreadError):
        return "unread", f"of kind {kind}, not read: {error.reason}" if kind else error.reason
    if isinstance(error, ImportError):
        what = f"of kind {kind}, not read" if kind else "compressed in a way not read"
        return "unread", f"{what}: install {EXTRA}"
    if isinstance(error, OSError):
        return "failed", named + reason_of(error)
    if isinstance(error, MemoryError):
        return "failed", f"{named}needs too much memory"
    return "failed", f"{named}internal error: {type(error).__name__}"  # a message could quote content


WEAK = frozenset({"lzma", "cpio", "brotli", "pickle", "zlib", "mail", "mbox"})
"""Kinds whose mark is so weak that not being one is no damage, if the reader saw so before it read anything."""


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
