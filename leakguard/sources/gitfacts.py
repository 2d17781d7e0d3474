"""What history says about an object that something was found in: which commit brought it, whether it is still there.

Works only for what was found: one pass over commits and their trees' differences (never over contents), however much
was found. A merge counts by what it has of its own. Reads by plumbing on a Shadow, so a commit-graph, graft or replace
ref that says otherwise is not asked. Everything returned is as it stands in the repository: whoever prints it must
mask it first, for a subject or a path can be the very secret.

Knows model and errors only; imported by history.py and attribution.py.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from heapq import heappop, heappush
from itertools import pairwise
from operator import itemgetter
from threading import Thread
from typing import NamedTuple

from leakguard.sources.gitcall import Git
from leakguard.sources.gitobjects import Changes, Commit, commit, contents, in_utf8, unpack, unquoted
from leakguard.sources.gitrefs import Ref, Refs

MOST_NAMES = 8
"""Refs and paths named of one object; of more it is only said that there are more."""

Key = tuple[str, bytes]
"""("blob", id in hex), ("name", a file's name), ("commit", id in hex), ("tag", id in hex)."""


class Facts(NamedTuple):
    """Raw facts of one object. Times are seconds since 1970."""

    commit: bytes = b""
    """The first commit that brought it, in hex; b"" if none did."""
    author: bytes = b""
    when: int = 0
    text: bytes = b""
    """The commit's own text, and all strings of it, in UTF-8 where it names another encoding."""
    subject: tuple[int, int] = (0, 0)
    """Where in `text` its first line stands."""
    paths: tuple[bytes, ...] = ()
    more_paths: int = 0
    now: bool = False
    """In the tree of the default branch."""
    refs: tuple[str, ...] = ()
    more_refs: bool = False
    place: int = 1 << 62
    """Of the commit, in an order in which parents come first."""
    logs: tuple[str, ...] = ()
    """Reflogs that still remember it; only looked at where no ref reaches it."""
    brought: tuple[bytes, ...] = ()
    """Every commit that brought it, in hex."""


class _Introduction(NamedTuple):
    commit: bytes
    path: bytes


class Told(NamedTuple):
    """What was already learnt of all commits of a store, in lines as gitpiece.PieceDone has them."""

    history: Sequence[bytes]
    changes: Sequence[bytes]


def attribute(
    git: Git,
    width: int,
    commits: Callable[[], bytes],
    wanted: Iterable[Key],
    refs: Refs,
    jobs: int,
    indexes: Sequence[tuple[str, str]] = (),
    told: Told | None = None,
) -> tuple[dict[Key, Facts], int, Trunk]:
    """Facts of everything wanted, how many commits could not be looked into, and the default branch. `commits` gives all ids, packed;
    `indexes`: (name, path) of index files, for what was staged and never committed. `told` saves asking git again."""
    keys = sorted(set(wanted))
    history = _History(_read(git, width, commits()) if told is None else _lines(told.history))
    blobs = {oid for kind, oid in keys if kind == "blob"}
    names = {name for kind, name in keys if kind == "name"}
    found: dict[Key, list[_Introduction]] = {
        ("commit", oid): [_Introduction(oid, b"")] for kind, oid in keys if kind == "commit"
    }
    gaps = 0
    if (blobs or names) and told is not None:
        _told(told.changes, history.order, blobs, names, found)
    elif blobs or names:
        gaps = _introductions(git, history.order, blobs, names, found, jobs)
    tips, logs, ends = _peeled(git, ((refs.refs, b"^{commit}"), (refs.logs, b"^{commit}"), (refs.refs, b"^{}")))
    reached = history.reachable(oid for _, oid in tips)
    bits = {key: 1 << number for number, key in enumerate(keys) if key in found}
    masks = history.masks({key: [one.commit for one in found[key]] for key in bits}, bits)
    named = _holders(keys, bits, masks, _preferred(tips, refs.default), names=MOST_NAMES)
    remembered = _holders(keys, bits, masks, logs, names=3)
    direct = {oid: name for name, oid in reversed(ends)} | {
        ref.oid: ref.name for ref in reversed(refs.refs)
    }
    staged = _staged(git, indexes, blobs - {key[1] for key in found})
    now = _in_tree(git, refs.default_oid, blobs, names) if refs.default_oid else set()
    chosen = {
        key: min(found[key], key=lambda one: (one.commit not in reached, history.place(one.commit))) for key in found
    }
    about = _about(git, width, {one.commit for one in chosen.values()})
    out = {}
    for key in keys:
        holders, more = named.get(key, ((), False))
        if key[1] in direct and not holders:
            holders = (direct[key[1]],)
        if key not in chosen:
            where, path = staged.get(key[1], ("", b""))
            held = holders or ((where,) if where else ())
            out[key] = Facts(refs=held, more_refs=more, paths=(path,) if path else ())
            continue
        first = chosen[key]
        own = about.get(first.commit)
        paths = list(dict.fromkeys([first.path, *(one.path for one in found[key])])) if first.path else []
        out[key] = Facts(
            first.commit, own.author if own else b"", own.when if own else 0, own.text if own else b"",
            own.subject if own else (0, 0),
            tuple(paths[:MOST_NAMES]), max(0, len(paths) - MOST_NAMES), key in now, holders, more,
            history.place(first.commit), () if holders else remembered.get(key, ((), False))[0],
            tuple(dict.fromkeys(one.commit for one in found[key])),
        )  # fmt: skip
    return out, gaps, Trunk(git, width, history.parents, refs.default_oid)


def _read(git: Git, width: int, commits: bytes) -> Iterator[tuple[bytes, int, tuple[bytes, ...]]]:
    names = [oid.hex().encode() for oid in unpack(commits, width)]
    for content in contents(git, commits, width):
        if content.data is not None and content.kind == "commit":
            own = commit(content.data)
            yield names[content.number], own.committed, own.parents


def _lines(told: Iterable[bytes]) -> Iterator[tuple[bytes, int, tuple[bytes, ...]]]:
    for text in told:
        for line in text.splitlines():
            oid, when, *parents = line.split()
            yield oid, int(when), tuple(parents)


class _History:
    """All commits of a store, in an order in which parents come first and the older of two strangers."""

    def __init__(self, commits: Iterable[tuple[bytes, int, tuple[bytes, ...]]]) -> None:
        """`commits`: (id, when, parents)."""
        self.parents: dict[bytes, tuple[bytes, ...]] = {}
        times: dict[bytes, int] = {}
        for oid, when, parents in commits:
            times[oid], self.parents[oid] = when, parents
        self.order = self._sorted(times)
        self._place = {oid: number for number, oid in enumerate(self.order)}

    def _sorted(self, times: dict[bytes, int]) -> list[bytes]:
        children: dict[bytes, list[bytes]] = {}
        waiting: dict[bytes, int] = {}
        ready: list[tuple[int, bytes]] = []
        for oid, parents in self.parents.items():
            present = [parent for parent in set(parents) if parent in self.parents]
            for parent in present:
                children.setdefault(parent, []).append(oid)
            if present:
                waiting[oid] = len(present)
            else:
                heappush(ready, (times[oid], oid))
        order = []
        while ready:
            _, oid = heappop(ready)
            order.append(oid)
            for child in children.get(oid, ()):
                waiting[child] -= 1
                if not waiting[child]:
                    heappush(ready, (times[child], child))
        return order

    def place(self, oid: bytes) -> int:
        return self._place.get(oid, len(self._place))

    def reachable(self, tips: Iterable[bytes]) -> set[bytes]:
        """Every commit behind these."""
        out: set[bytes] = set()
        waiting = [oid for oid in tips if oid in self.parents]
        while waiting:
            oid = waiting.pop()
            if oid not in out:
                out.add(oid)
                waiting += [parent for parent in self.parents[oid] if parent in self.parents]
        return out

    def masks(self, commits: dict[Key, list[bytes]], bits: dict[Key, int]) -> dict[bytes, int]:
        """For each commit the bits of all that its history holds."""
        own: dict[bytes, int] = {}
        for key, oids in commits.items():
            for oid in oids:
                own[oid] = own.get(oid, 0) | bits[key]
        out: dict[bytes, int] = {}
        for oid in self.order:
            mask = own.get(oid, 0)
            for parent in self.parents[oid]:
                inherited = out.get(parent, 0)
                if mask | inherited != mask:
                    mask = mask | inherited if mask else inherited
            out[oid] = mask
        return out


def _preferred(tips: list[tuple[str, bytes]], default: str) -> list[tuple[str, bytes]]:
    """Refs in the order in which they are worth naming."""
    order = ("refs/heads/", "refs/remotes/", "refs/tags/")

    def rank(tip: tuple[str, bytes]) -> tuple[int, str]:
        name = tip[0]
        if name == default:
            return 0, name
        place = next((number for number, prefix in enumerate(order, 1) if name.startswith(prefix)), len(order) + 1)
        return place if name.startswith("refs/") else len(order) + 2, name

    return sorted(tips, key=rank)


def _holders(
    keys: Sequence[Key], bits: dict[Key, int], masks: dict[bytes, int], tips: list[tuple[str, bytes]], *, names: int
) -> dict[Key, tuple[tuple[str, ...], bool]]:
    """For each key the names of tips whose history holds it, at most `names`, and whether there are more."""
    out: dict[Key, list[str]] = {}
    wanted = sum(bits.values())  # bits are distinct: their sum is their union
    for name, oid in tips:
        held = masks.get(oid, 0) & wanted
        while held:
            low = held & -held
            held ^= low
            key = keys[low.bit_length() - 1]
            own = out.setdefault(key, [])
            if name not in own:
                own.append(name)
            if len(own) > names:
                wanted &= ~low
    return {key: (tuple(own[:names]), len(own) > names) for key, own in out.items()}


def _peeled(git: Git, asked: Sequence[tuple[Sequence[Ref], bytes]]) -> list[list[tuple[str, bytes]]]:
    """For each list of refs (name, commit) of those that lead to one, or with `^{}` whatever they lead to. One question for all."""
    wanted = list(dict.fromkeys(ref.oid + suffix for refs, suffix in asked for ref in refs))
    given = b"".join(name + b"\n" for name in wanted)
    answer = git.ask("cat-file", "--batch-check=%(objectname)", given=given).stdout.splitlines() if wanted else []
    peeled = dict(zip(wanted, answer, strict=False))
    return [
        [(ref.name, oid) for ref in refs if b" " not in (oid := peeled.get(ref.oid + suffix, b" "))] for refs, suffix in asked
    ]


# ---------------------------------------------------------------- when something was taken out
class Content(NamedTuple):
    """What is looked for in trees: blobs (ids in hex), of which one is at one of these paths."""

    blobs: frozenset[bytes]
    paths: tuple[bytes, ...]
    brought: tuple[bytes, ...]
    """The commits that brought one of them."""


class Trunk:
    """What the default branch was, commit by commit: each one's first parent is the one before."""

    def __init__(self, git: Git, width: int, parents: Mapping[bytes, tuple[bytes, ...]], tip: bytes) -> None:
        self._git, self._width, self._parents, self._tip = git, width, parents, tip
        self._line: list[bytes] = []

    def removals(self, contents: Sequence[Content]) -> list[tuple[bytes, Commit] | None]:
        """For each the commit (its id in hex, and what it says) by which the branch lost it last (a merge, if it was lost on
        another one); None where the branch never had it. None of them is in its tree now."""
        entries = self._entries()
        lows = [-1] * len(contents)
        highs = [len(self._line) - 1] * len(contents)
        came = [sorted({entries[oid] for oid in one.brought if oid in entries}, reverse=True) for one in contents]
        spread = _between(-1, highs[0], len(contents)) if contents else []
        wide = {n: sorted({*places[:_MOST_ASKED], *spread}) for n, places in enumerate(came) if places}
        while wide:
            for number, held in self._held(contents, wide).items():
                # the last that has it: between that and the next that was asked for it was lost
                lows[number] = max(held, default=lows[number])
                highs[number] = min((at for at in wide[number] if at > lows[number]), default=highs[number])
            wide = {n: _between(low, highs[n], len(contents)) for n, low in enumerate(lows) if 0 <= low < highs[n] - 1}
        lost = {number: highs[number] for number, low in enumerate(lows) if 0 <= low < highs[number]}
        seen = self._changed(lost.values(), {path for number in lost for path in contents[number].paths})
        gone = {n: self._line[at] for n, at in lost.items() if not contents[n].blobs.isdisjoint(seen.get(self._line[at], ()))}
        about = _about(self._git, self._width, set(gone.values()))
        return [(gone[n], about[gone[n]]) if gone.get(n) in about else None for n in range(len(contents))]

    def _entries(self) -> dict[bytes, int]:
        """The place in the branch of the commit by which each commit came into it."""
        met = set()
        oid = self._tip
        while oid in self._parents and oid not in met:
            met.add(oid)
            self._line.append(oid)
            oid = next(iter(self._parents[oid]), b"")
        self._line.reverse()
        out: dict[bytes, int] = {}
        for place, own in enumerate(self._line):
            waiting = [own]
            while waiting:
                oid = waiting.pop()
                if oid not in out and oid in self._parents:
                    out[oid] = place
                    waiting += self._parents[oid]
        return out

    def _held(self, contents: Sequence[Content], asked: Mapping[int, Sequence[int]]) -> dict[int, list[int]]:
        """Those of the places asked for at which the branch's tree has it."""
        lines, owners = [], []
        for number, places in asked.items():
            for path in contents[number].paths:
                if b"\n" in path or path.startswith((b"./", b"../")):
                    continue  # git would take it for something else
                lines += [b"%s:%s\n" % (self._line[place], path) for place in places]
                owners += [(number, place) for place in places]
        done = self._git.ask("cat-file", "--batch-check=%(objectname)", given=b"".join(lines))
        out: dict[int, list[int]] = {number: [] for number in asked}
        for (number, place), said in zip(owners, done.stdout.splitlines(), strict=False):
            if said in contents[number].blobs:
                out[number].append(place)
        return out


    def _changed(self, places: Iterable[int], paths: set[bytes]) -> dict[bytes, set[bytes]]:
        """For commits of the branch the ids of what stood there before, where they changed it: a tree that cannot be read has
        nothing either, and lost nothing."""
        rows = {b"%s %s\n" % (self._line[at], self._line[at - 1]) for at in places}
        if not rows:
            return {}
        named = ["--", *map(os.fsdecode, sorted(paths))] if sum(map(len, paths)) < _MOST_NAMED else []
        asked = ["diff-tree", "--stdin", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", *named]
        done = self._git.ask(*asked, given=b"".join(sorted(rows)))
        out: dict[bytes, set[bytes]] = {}
        before: set[bytes] = set()
        for field in done.stdout.split(b"\0"):
            if field.startswith(b":"):
                before.add(field.split(b" ")[2])
            elif len(field) in (40, 64) and field in self._parents:
                before = out.setdefault(field, set())
        return out


_MOST_ASKED = 32
"""Places of the branch that are asked for at once: asking is dear, and answers are cheap."""
_MOST_NAMED = 100_000
"""Bytes of paths that are named to git in its command line."""


def _between(low: int, high: int, contents: int) -> list[int]:
    """Some places between two, and all if there are few."""
    count = min(high - low - 1, max(4, min(_MOST_ASKED, 1000 // contents)))
    return [low + (high - low) * number // (count + 1) for number in range(1, count + 1)]


# ---------------------------------------------------------------- which commit brought what
def _introductions(
    git: Git, commits: Sequence[bytes], blobs: set[bytes], names: set[bytes],
    found: dict[Key, list[_Introduction]], jobs: int,
) -> int:  # fmt: skip
    """Looks through what each commit changed; returns how many commits could not be looked into."""
    count = max(1, min(jobs, len(commits) // 500))
    cut = [len(commits) * number // count for number in range(count + 1)]
    passes = [_Pass(git, commits[low:high], blobs, names) for low, high in pairwise(cut)]
    for one in passes[1:]:
        one.start()
    passes[0].run()
    gaps = 0
    for one in passes:
        if one.ident is not None:
            one.join()
        if one.problem is not None:
            raise one.problem
        gaps += one.gaps
        for key, place in one.found:
            found.setdefault(key, []).append(place)
    return gaps


def _told(
    changes: Iterable[bytes], order: Sequence[bytes], blobs: set[bytes], names: set[bytes],
    found: dict[Key, list[_Introduction]],
) -> None:  # fmt: skip
    """The same from what was told of each commit."""
    places = {oid: number for number, oid in enumerate(order)}
    out: list[tuple[int, Key, _Introduction]] = []
    current = b""
    for text in changes:
        for line in text.split(b"\n"):
            oid, blank, written = line.partition(b" ")
            if not blank:
                current = oid or current
                continue
            if oid in blobs:
                out.append((places[current], ("blob", oid), _Introduction(current, unquoted(written))))
            if names:
                path = unquoted(written)
                for name in names.intersection(path.split(b"/")):
                    out.append((places[current], ("name", name), _Introduction(current, path)))
    for _, key, introduction in sorted(out, key=itemgetter(0)):
        found.setdefault(key, []).append(introduction)


class _Pass(Thread):
    """One git that compares trees. In a thread, since what takes time is git."""

    def __init__(self, git: Git, commits: Sequence[bytes], blobs: set[bytes], names: set[bytes]) -> None:
        super().__init__(daemon=True)
        self.git, self.commits, self.blobs, self.names = git, commits, blobs, names
        self.found: list[tuple[Key, _Introduction]] = []
        self.gaps = 0
        self.problem: Exception | None = None

    def run(self) -> None:
        try:
            self._run()
        except Exception as error:  # noqa: BLE001 - raised again where the thread is joined
            self.problem = error

    def _run(self) -> None:
        changes = Changes(self.git, self.commits)
        for current, _, oid, path in changes:
            if oid in self.blobs:
                self.found.append((("blob", oid), _Introduction(current, path)))
            if self.names:
                for name in self.names.intersection(path.split(b"/")):
                    self.found.append((("name", name), _Introduction(current, path)))
        self.gaps = len(changes.gaps)


def _in_tree(git: Git, tip: bytes, blobs: set[bytes], names: set[bytes]) -> set[Key]:
    """Which of these are in the tree of a commit."""
    out: set[Key] = set()
    done = git.ask("ls-tree", "-r", "-z", "--full-tree", tip.decode())
    for entry in done.stdout.split(b"\0"):
        meta, _, path = entry.partition(b"\t")
        oid = meta.rpartition(b" ")[2]
        if oid in blobs:
            out.add(("blob", oid))
        if names:
            out.update(("name", name) for name in names.intersection(path.split(b"/")))
    return out


def _staged(git: Git, indexes: Sequence[tuple[str, str]], blobs: set[bytes]) -> dict[bytes, tuple[str, bytes]]:
    """(index, path) of blobs that an index has."""
    out: dict[bytes, tuple[str, bytes]] = {}
    for name, path in indexes if blobs else ():
        done = git.ask("ls-files", "--stage", "-z", extra={"GIT_INDEX_FILE": path, "GIT_WORK_TREE": git.folder})
        for entry in done.stdout.split(b"\0"):
            meta, _, shown = entry.partition(b"\t")
            fields = meta.split()
            if len(fields) == 3 and fields[1] in blobs:
                out.setdefault(fields[1], (name, shown))
    return out


def _about(git: Git, width: int, commits: set[bytes]) -> dict[bytes, Commit]:
    order = sorted(commits)
    packed = bytes.fromhex(b"".join(order).decode())
    out = {}
    for content in contents(git, packed, width):
        if content.data is not None and content.kind == "commit":
            out[order[content.number]] = commit(in_utf8(content.data))
    return out
