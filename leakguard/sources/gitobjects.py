"""Objects in bulk: the list of all that a store holds, and their contents in the order git can give them fastest.

Whether anything reaches an object plays no part: the store is listed, not walked. Contents come from one
`git cat-file --batch` per piece of work; an object that is missing or damaged costs itself alone, for git is started
again behind it. Also takes trees and commits apart, in bulk, without checking that git would have made them.

Knows model and errors only. Never keeps a content. Imported by whoever reads many objects at once, in history.py's
work, changes.py and cli/purge.py.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from typing import BinaryIO, NamedTuple, cast

from leakguard.model import Incident
from leakguard.sources.gitcall import Git

OnIncident = Callable[[Incident], None]

KINDS = ("blob", "tree", "commit", "tag")
WHOLE = 8 * 1024 * 1024
"""Objects up to this size are read in one piece, larger ones as streams."""


class Listing:
    """Objects of a store: ids packed one behind the other, in git's order, and their sizes, by kind."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.ids = {kind: bytearray() for kind in KINDS}
        self.sizes = {kind: array("q") for kind in KINDS}

    def add(self, oid: bytes, kind: str, size: int) -> None:
        """Takes an object by its binary id."""
        self.ids[kind] += oid
        self.sizes[kind].append(size)

    def count(self, kind: str = "") -> int:
        """How many objects of a kind there are; of all without one."""
        return sum(len(self.sizes[one]) for one in KINDS if kind in ("", one))

    def size(self, kind: str = "") -> int:
        """How many bytes they have in all."""
        return sum(sum(self.sizes[one]) for one in KINDS if kind in ("", one))

    def unpacked(self, kind: str) -> Iterator[bytes]:
        """Binary ids of a kind, in order."""
        return unpack(bytes(self.ids[kind]), self.width)


def unpack(packed: bytes, width: int) -> Iterator[bytes]:
    """The ids that were packed."""
    from struct import iter_unpack

    return (oid for (oid,) in iter_unpack(f"{width}s", packed))


class Ids:
    """All ids of a store (sorted, packed), and which of them are marked: one more byte for each, where a set takes a hundred.
    `in`: whether the store has an object."""

    def __init__(self, packed: bytes, width: int) -> None:
        self.packed, self.width = packed, width
        self._marks = bytearray(len(packed) // width)
        self._fan = array("L", bytes(array("L").itemsize * 0x10001))
        """By their first two bytes, the number of ids before these."""
        for first, second in zip(packed[::width], packed[1::width], strict=True):
            self._fan[(first << 8) + second + 1] += 1
        for number in range(0x10000):
            self._fan[number + 1] += self._fan[number]

    def _numbers(self, packed: bytes) -> Iterator[tuple[bytes, int]]:
        """Ids with their numbers; -1 for those that are not there. Of many at a time, as a call for each takes twice as long."""
        width, fan, find = self.width, self._fan, self.packed.find
        for oid in unpack(packed, width):
            bucket = (oid[0] << 8) + oid[1]
            at, high = fan[bucket] * width, fan[bucket + 1] * width
            while (at := find(oid, at, high)) >= 0 and at % width:
                at += 1
            yield oid, at // width  # -1 // width is -1

    def __contains__(self, oid: bytes) -> bool:
        return not self.lacking(oid)

    def lacking(self, packed: bytes) -> list[bytes]:
        """Those of the packed ids that the store does not have."""
        return [oid for oid, number in self._numbers(packed) if number < 0]

    def mark(self, packed: bytes) -> int:
        """Marks ids. How many of them were there, and not marked before."""
        marks, new = self._marks, 0
        for _, number in self._numbers(packed):
            if number >= 0 and not marks[number]:
                marks[number] = 1
                new += 1
        return new

    def unmarked(self, packed: bytes) -> list[bytes]:
        """Those of the packed ids that are not marked, in their order."""
        marks = self._marks
        return [oid for oid, number in self._numbers(packed) if number < 0 or not marks[number]]


_ID_LINE = re.compile(rb"[0-9a-f]{40}|[0-9a-f]{64}")


def ids(git: Git, on_incident: OnIncident) -> bytes:
    """All ids of a store, sorted, one behind the other: much cheaper than with kinds and sizes."""
    with git.open("cat-file", "--batch-all-objects", "--batch-check=%(objectname)") as reader:
        text = reader.out.read()
        code, said = reader.finish()
    if code or said:
        on_incident(Incident("failed", "objects", f"git could not list them all: {said or code}"))
    try:
        return bytes.fromhex(text.decode())
    except ValueError:  # something else stands between them
        return bytes.fromhex(b"".join([line for line in text.split() if _ID_LINE.fullmatch(line)]).decode())


def listing(git: Git, width: int, only: set[bytes] | None, on_incident: OnIncident) -> Listing:
    """Everything in a store, or those of it that are in `only` (binary ids), with kind and size."""
    out = Listing(width)
    arguments = ["cat-file", "--batch-check=%(objecttype) %(objectname) %(objectsize)"]
    given: Iterable[bytes] = ()
    few = only is not None and len(only) <= 20_000
    if few:
        given = [oid.hex().encode() + b"\n" for oid in sorted(only or ())]
    else:
        arguments += ["--batch-all-objects", "--unordered"]
    wanted = None if few else only
    with git.open(*arguments, given=given) as reader:
        rest = b""
        while text := reader.out.read(_CHUNK):
            text = rest + text
            end = text.rfind(b"\n") + 1
            rest = text[end:]
            _listed(out, text[:end], wanted, on_incident)
        code, said = reader.finish()
    if code or said:
        on_incident(Incident("failed", "objects", f"git could not list them all: {said or code}"))
    return out


_LISTED = {kind: re.compile(kind.encode() + rb" ([0-9a-f]+) (\d+)\n") for kind in KINDS}


def _listed(out: Listing, text: bytes, only: set[bytes] | None, on_incident: OnIncident) -> None:
    """Adds the objects of some lines, kind by kind: many times as fast as line by line."""
    count = 0
    width = out.width
    for kind, pattern in _LISTED.items():
        rows = pattern.findall(text)
        count += len(rows)
        packed = bytes.fromhex(b"".join([oid for oid, _ in rows]).decode())
        if only is None:
            out.ids[kind] += packed
            out.sizes[kind].extend([int(size) for _, size in rows])
        else:
            for oid, (_, size) in zip(unpack(packed, width), rows, strict=True):
                if oid in only:
                    out.add(oid, kind, int(size))
    if count != text.count(b"\n"):
        for line in text.splitlines():
            fields = line.split()
            if len(fields) != 3 or fields[0].decode("latin-1") not in KINDS:
                name = fields[0][:12].decode("latin-1") if fields else "?"
                on_incident(Incident("failed", f"<object {name}>", "missing or damaged"))


class Content(NamedTuple):
    """An object's content: `data`, or a stream for a large one. Both None: it could not be read, `problem` says why."""

    number: int
    """Its place among the ids that were asked for."""
    kind: str
    size: int
    data: bytes | None
    stream: Part | None
    problem: str = ""


class Part:
    """The next `left` bytes of a stream; has what windows.read_stream wants."""

    def __init__(self, source: BinaryIO, size: int) -> None:
        self.source = source
        self.left = size

    def readinto(self, buffer: memoryview, /) -> int:
        with buffer[: self.left] as room:
            got = cast(int, self.source.readinto(room)) if len(room) else 0  # type: ignore[attr-defined]
        if not got and self.left and len(buffer):
            raise OSError(5, "git stopped in the middle of the object")
        self.left -= got
        return got

    def read(self, count: int) -> bytes:
        """The next bytes, at most `count`; b"" at the end."""
        data = self.source.read(min(count, self.left))
        if not data and self.left and count:
            raise OSError(5, "git stopped in the middle of the object")
        self.left -= len(data)
        return data

    def drain(self) -> bool:
        """Skips what was not read; whether all of it was there."""
        while self.left:
            got = len(self.source.read(min(self.left, 1 << 20)))
            if not got:
                return False
            self.left -= got
        return True


def contents(git: Git, packed: bytes, width: int) -> Iterator[Content]:
    """The contents of the objects with these ids, in this order. A stream must be read before going on."""
    start = 0
    count = len(packed) // width
    while start < count:
        start = yield from _contents(git, packed, width, start)


def _contents(git: Git, packed: bytes, width: int, start: int) -> Generator[Content, None, int]:
    """Those from number `start` on, as far as one git lives. Returns the number to go on from."""
    hexed = packed[start * width :].hex("\n", width).encode() + b"\n"
    count = len(packed) // width
    with git.open("cat-file", "--batch", "--buffer", given=[hexed]) as reader:
        out = cast(BinaryIO, reader.out)
        for number in range(start, count):
            header = out.readline().split()
            if len(header) != 3:
                problem = "missing from the repository" if header else _damage(reader.finish()[1])
                yield Content(number, "", 0, None, None, problem)
                if header:
                    continue
                return number + 1
            kind, size = header[1].decode(), int(header[2])
            if size <= WHOLE:
                data = out.read(size)
                if len(data) != size:
                    yield Content(number, kind, size, None, None, _damage(reader.finish()[1]))
                    return number + 1
                yield Content(number, kind, size, data, None)
            else:
                part = Part(out, size)
                yield Content(number, kind, size, None, part)
                if not part.drain():
                    return number + 1
            out.read(1)
    return count


def _damage(said: str) -> str:
    return f"damaged: {said}" if said else "damaged: git stopped at it"


# ---------------------------------------------------------------- taking apart
_ENTRIES = {width: re.compile(rb"[0-7]{5,6} ([^\0]*\0[\s\S]{%d})" % width) for width in (20, 32)}
_TYPED = {width: re.compile(rb"([0-7]{5,6}) ([^\0]*\0[\s\S]{%d})" % width) for width in (20, 32)}
SUBMODULE = b"160000 "


def entries(data: bytes, width: int) -> list[bytes]:
    """A tree's entries, each as name, NUL, binary id; those of submodules, which are other stores', left out.

    A tree whose entries do not fill it is not one git made: then what can be made out is returned.
    """
    if SUBMODULE in data:
        return [entry for mode, entry in _TYPED[width].findall(data) if mode != b"160000"]
    return _ENTRIES[width].findall(data)


def submodule_names(data: bytes, width: int) -> list[bytes]:
    """Names of a tree's submodules."""
    return [entry[: -width - 1] for mode, entry in _TYPED[width].findall(data) if mode == b"160000"]


class Commit(NamedTuple):
    """What a commit says of itself. Ids in hex; bytes as they stand."""

    tree: bytes
    parents: tuple[bytes, ...]
    author: bytes
    """Name and address."""
    when: int
    """Author's time, seconds since 1970; 0 if it is not one."""
    committed: int
    subject: tuple[int, int]
    """Where in `text` the first line of the message stands."""
    text: bytes
    """What people wrote: all of the object behind tree and parents."""


_ID = rb"(?:[0-9a-f]{40}|[0-9a-f]{64})"
_HEAD = re.compile(rb"tree (" + _ID + rb")\n((?:parent " + _ID + rb"\n)*)")
_TARGET = re.compile(rb"object (" + _ID + rb")\n")
_PERSON = re.compile(rb"(?m)^(author|committer) (.*?) ?(-?\d*) ?([+-]\d+)?$")


class Head(NamedTuple):
    """What a commit begins with. Ids in hex."""

    tree: bytes
    parents: list[bytes]
    committed: int | None
    """None if it is not written as usual: `commit` knows."""
    end: int
    """Behind the ids."""


_USUAL = re.compile(rb"author [^\n]*\ncommitter [^\n]*> (\d{1,12}) [+-]\d{4}\n")


def head(data: bytes) -> Head:
    """The beginning of a commit object, which is all that most are asked for; what is not there comes out empty."""
    found = _HEAD.match(data)
    end = found.end() if found is not None else 0
    written = _USUAL.match(data, end)
    committed = int(written[1]) if written is not None else None
    if found is None:
        return Head(b"", [], committed, 0)
    return Head(found[1], found[2].split()[1::2], committed, end)


def commit(data: bytes) -> Commit:
    """Takes a commit object apart; what is not there comes out empty."""
    head = _HEAD.match(data)
    tree, start = b"", 0
    parents: tuple[bytes, ...] = ()
    if head is not None:
        tree, start = head[1], head.end()
        parents = tuple(line[7:] for line in head[2].splitlines())
    text = data[start:]
    end = text.find(b"\n\n")
    end = len(text) if end < 0 else end
    people = {match[1]: (match[2], _number(match[3])) for match in _PERSON.finditer(text, 0, end)}
    author, when = people.get(b"author", (b"", 0))
    low = end + len(text[end:]) - len(text[end:].lstrip(b"\n"))
    high = text.find(b"\n", low)
    subject = (low, len(text) if high < 0 else high)
    return Commit(tree, parents, author, when, people.get(b"committer", (b"", 0))[1], subject, text)


_ENCODING = re.compile(rb"^encoding ([!-~]{1,40})$", re.MULTILINE)
_PLAIN = b"A-Z a-z 0-9: 'ghp_0' + \"x\" <a.b@example.com>, (c) = #1; 50%!\n"
"""What must mean the same in an encoding: else what was scanned as bytes is not what people read."""
_MOST_RECODED = 1024 * 1024
"""Bytes of a commit up to which it is recoded: there are encodings that take time by the square of it."""


def in_utf8(data: bytes) -> bytes:
    """A commit object whose people wrote in another encoding, and say so, in UTF-8. All others as they are, and those whose
    encoding is none, or one in which ASCII is not ASCII."""
    named = _ENCODING.search(data, 0, max(0, data.find(b"\n\n")))
    if named is None or len(data) > _MOST_RECODED:
        return data
    name = named[1].decode("ascii")
    try:
        if _PLAIN.decode(name) != _PLAIN.decode("ascii"):
            return data
        text = data.decode(name, "replace")
    except (LookupError, ValueError):
        return data
    # a line more would be a line that nobody wrote
    return text.encode("utf-8", "replace") if text.count("\n") == data.count(b"\n") else data


def target(data: bytes) -> bytes:
    """The id (hex) of what a tag object is about; b"" if it does not say."""
    found = _TARGET.match(data)
    return found[1] if found is not None else b""


def _number(text: bytes) -> int:
    return int(text) if re.fullmatch(rb"\d{1,12}", text) else 0


# ---------------------------------------------------------------- what commits changed
_CHUNK = 1 << 20
_CHANGES = re.compile(
    rb"([0-9a-f]{40,64})\n|:+(?:[0-7]{6} )*([0-7]{6}) (?:[0-9a-f]{40,64} )*([0-9a-f]{40,64}) [A-Z]+\t(.*)\n"
)
_RESTARTS = 50
"""Commits git may stop in before the rest of a piece is given up."""


class Changes:
    """What each of some commits (hex ids) has that its parents do not, told by comparing trees and never contents; of a
    merge what none of its parents has. Iterate once: (commit, mode, id in hex, path). `gaps`: the commits that could not
    be looked into. `trees`: folders are told, too."""

    def __init__(self, git: Git, commits: Sequence[bytes], *, trees: bool = False) -> None:
        self.git = git
        self.commits = commits
        self.trees = trees
        self.gaps: list[bytes] = []

    def __iter__(self) -> Iterator[tuple[bytes, bytes, bytes, bytes]]:
        current = b""
        for batch in self.batches():
            for commit_id, mode, oid, path in batch:
                if commit_id:
                    current = commit_id
                elif mode != b"000000":
                    yield current, mode, oid, unquoted(path)

    def batches(self) -> Iterator[list[tuple[bytes, bytes, bytes, bytes]]]:
        """The same, many at a time and as git writes it: (commit, "", "", "") begins one, and ("", mode, id, path as git
        quotes it) for each change, deletions (mode 000000) too."""
        start = 0
        while start < len(self.commits):
            done = yield from self._from(start)
            if done == len(self.commits) - start:
                return
            start += done
            self.gaps.append(self.commits[start])
            start += 1
            if len(self.gaps) >= _RESTARTS:
                self.gaps += self.commits[start:]
                return

    def _from(self, start: int) -> Generator[list[tuple[bytes, bytes, bytes, bytes]], None, int]:
        """Those from `start` on, as far as one git gets; returns how many commits that were."""
        arguments = [
            "diff-tree", "--stdin", "--always", "-r", "--root", "-c", "--raw", "--no-abbrev", "--no-renames",
            "--no-ext-diff", "--no-textconv", "--ignore-submodules=none",
        ]  # fmt: skip
        arguments += ["-t"] if self.trees else []
        done = 0
        with self.git.open(*arguments, given=(oid + b"\n" for oid in self.commits[start:])) as reader:
            rest = b""
            while text := reader.out.read(_CHUNK):
                text = rest + text
                end = text.rfind(b"\n") + 1
                rest = text[end:]
                batch = _CHANGES.findall(text, 0, end)
                done += sum(1 for row in batch if row[0])
                yield batch
            code, _ = reader.finish()
        # git tells of a commit when it is through with it: the one it stopped in is the next
        return done if code == 0 else min(done, len(self.commits) - start - 1)


_ESCAPES = {b"n": b"\n", b"t": b"\t", b"a": b"\a", b"b": b"\b", b"f": b"\f", b"r": b"\r", b"v": b"\v"}


def unquoted(path: bytes) -> bytes:
    """A path as it is, where git wrote it as a C string."""
    if not path.startswith(b'"'):
        return path
    out = bytearray()
    text = path[1:-1]
    at = 0
    while at < len(text):
        if text[at : at + 1] != b"\\":
            out += text[at : at + 1]
            at += 1
        elif text[at + 1 : at + 4].isdigit():
            out.append(int(text[at + 1 : at + 4], 8) & 0xFF)
            at += 4
        else:
            out += _ESCAPES.get(text[at + 1 : at + 2], text[at + 1 : at + 2])
            at += 2
    return bytes(out)
