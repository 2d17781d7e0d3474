"""The runtime profile: the scanner's rules for records of a few hundred bytes, in one hyperscan pass.

A scan of files runs the rules and the triggers of encoded text as two databases, because two are faster over
megabytes. Over a log record the fixed cost of a call decides, so here one database holds all triggers, those of the
redactor's own layers (`extra`) too. It is kept in the same cache folder as the scanner's. `judge` runs the engine's own second and
third stage, and only at the ends it is given: the same rules, the same gates, the same spans.

Ends are bounded: more than LEAST_ENDS and one in ENDS_PER bytes raise Flood before the list is long, so that a hostile
line costs little more than a harmless one. Imported by redact/ only.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Sequence
from typing import Any, NamedTuple

import hyperscan

from leakguard.detect import cache, stage1
from leakguard.detect.assign import _TAILS as TAILS
from leakguard.detect.assign import Assigned, assigned
from leakguard.detect.decode import TEXT_TRIGGERS
from leakguard.detect.engine import Engine
from leakguard.detect.stage1 import DECODE_BASE, NEAR, PHRASE_BASE, PHRASE_LEAST, TEXT_BASE, Ends
from leakguard.hashes import blake2b
from leakguard.model import RuleSet

__all__ = ["REDACT_BASE", "TAILS", "Assigned", "Flood", "Found", "Merged", "Runtime", "assigned", "load", "most_ends"]

REDACT_BASE = 8_000_000
"""Identifiers of the redactor's own triggers begin here."""

LEAST_ENDS = 512
ENDS_PER = 1024
LEAST_CALLS = 4096
CALLS_PER = 128
"""So many ends that say nothing new, and one in so many bytes more, are put up with: a run of digits has one at each."""
MAGIC = b"leakguard-runtime-2\n"


def most_ends(size: int) -> int:
    """How many ends a text of `size` bytes may have."""
    return LEAST_ENDS + size // ENDS_PER


class Flood(Exception):  # noqa: N818 - not an error: a text that is made of triggers
    """A text fires more triggers than anything that is worth judging one by one."""


class Found(NamedTuple):
    """A secret that the engine found: its place in the data, and the rule that found it."""

    start: int
    end: int
    rule: str
    part: str
    confidence: int
    key: bytes
    """The digest of model.Match.key."""


_HEX = frozenset(TEXT_BASE + number for number, (kind, _) in enumerate(TEXT_TRIGGERS) if kind == "hex")
_DECIMAL = re.compile(rb"[0-9]{12,39}(?![0-9A-Fa-f])")
"""Order numbers and times: hex digits only by accident. Nothing is assigned in what they would decode to, as neither
`=` nor `:` nor a comma are two decimal digits, and for a token of its own it is too short."""


class _Own:
    """What one thread scans with. `busy` while it does: a collector's finaliser that logs comes back in here."""

    __slots__ = ("busy", "calls", "data", "ends", "known", "marked", "more", "on_match", "scratch")

    def __init__(self, database: Any, widths: Sequence[int]) -> None:
        self.busy = False
        self.calls = self.more = 0
        self.data = b""
        self.scratch = hyperscan.Scratch(database)
        self.ends: Ends = []
        self.known: dict[int, tuple[int, int]] = {}
        self.marked: list[Any] = []
        self.on_match = _collector(self, widths)

    def full(self) -> bool:
        """Whether there are more ends, or more calls for them, than the text may have."""
        most = most_ends(len(self.data)) + self.more
        return len(self.ends) > most or self.calls > most + LEAST_CALLS + len(self.data) // CALLS_PER

    def taken(self) -> Ends:
        """The ends; Flood if they are too many."""
        if len(self.ends) > LEAST_ENDS and self.full():
            raise Flood
        return self.ends[:]

    def clear(self) -> None:
        self.ends.clear()
        self.known.clear()
        self.calls = 0
        self.data = b""


def _collector(own: _Own, widths: Sequence[int]) -> Any:
    """Collects ends as stage1 does, and stops when there are too many. An end that says nothing new is left out where its
    line has another one on either side: a line is judged alone, too."""
    ends, known = own.ends, own.known
    rules = len(widths)

    def on_match(ident: int, _start: int, end: int, _flags: int, _context: object) -> bool | None:
        if ident < rules:
            width = widths[ident]
        elif DECODE_BASE <= ident < TEXT_BASE:
            width = NEAR
        else:
            if ident not in _HEX or not _DECIMAL.match(own.data, end - 12):
                ends.append((ident, end))
            return True if len(ends) > LEAST_ENDS and own.full() else None
        own.calls += 1
        if ident in known:
            before, at = known[ident]
            last = ends[at][1]
            if before <= last <= end <= before + width and not _broken(own.data, before, end):
                ends[at] = (ident, end)
                return True if own.calls > LEAST_ENDS and own.full() else None
            known[ident] = (last, len(ends))
        else:
            known[ident] = (-1 << 40, len(ends))
        ends.append((ident, end))
        return True if len(ends) > LEAST_ENDS and own.full() else None

    return on_match


def _broken(data: bytes, start: int, end: int) -> bool:
    return data.find(b"\n", start, end) >= 0 or data.find(b"\r", start, end) >= 0


class Merged:
    """Stage 1 in one pass. Safe for many threads, after a fork, and when it is entered again from within."""

    def __init__(self, database: Any, names: Any, marked: Sequence[Any], widths: Sequence[int]) -> None:
        self.database = database
        self.names_database = names
        self.marked = marked
        """The databases of phrases with accents and of other scripts, for what is not ASCII; none if no rule asks."""
        self.widths = widths
        self._scan = database.scan
        self._local = threading.local()

    def scan(self, data: bytes, deep: bool = True, more: int = 0) -> Ends:
        """(trigger, end) of everything that fires; Flood for a text that is made of triggers (`more` are allowed)."""
        try:
            own: _Own = self._local.own
        except AttributeError:
            own = self._local.own = _Own(self.database, self.widths)
        if own.busy:
            own = _Own(self.database, self.widths)
        own.busy = True
        own.data = data
        own.more = more
        try:
            self._scan(data, own.on_match, 0, None, own.scratch)  # by position: keywords cost half a microsecond
            if self.marked and not data.isascii() and len(data) >= PHRASE_LEAST:
                self._phrases(data, own)
            return own.taken() if own.ends else _NONE
        except hyperscan.ScanTerminated:
            if own.full():
                raise Flood from None
            raise
        finally:
            if own.ends:
                own.clear()
            own.busy = False

    def _phrases(self, data: bytes, own: _Own) -> None:
        if not own.marked:
            own.marked = [hyperscan.Scratch(database) for database in self.marked]

        def on_match(_ident: int, _start: int, end: int, _flags: int, _context: object) -> bool | None:
            own.ends.append((PHRASE_BASE, end))
            return True if len(own.ends) > LEAST_ENDS and own.full() else None

        for database, scratch in zip(self.marked, own.marked, strict=True):
            database.scan(data, on_match, 0, None, scratch)

    def names(self, data: bytes) -> Ends:
        ends: Ends = []
        if self.names_database is not None:
            scratch = getattr(self._local, "names", None)
            if scratch is None:
                scratch = self._local.names = hyperscan.Scratch(self.names_database)

            def on_match(ident: int, _start: int, end: int, _flags: int, _context: object) -> None:
                ends.append((ident, end))

            self.names_database.scan(data, match_event_handler=on_match, scratch=scratch)
        return ends


_NONE: Ends = []


class _Given:
    """Stage 1 for the engine: of one buffer the ends that it is given, of all others (its views) what there is. The
    engine has bounds of its own."""

    def __init__(self, merged: Merged) -> None:
        self.merged = merged
        self.names = merged.names
        self.local = threading.local()

    def scan(self, data: bytes, deep: bool) -> Ends:
        given = getattr(self.local, "given", None)
        if given is not None and given[0] is data:
            return given[1]  # type: ignore[no-any-return]
        return self.merged.scan(data, deep, 1 << 40)


class Runtime:
    """The scanner's rules, ready for records."""

    def __init__(self, ruleset: RuleSet, merged: Merged, key: bytes) -> None:
        self.ruleset = ruleset
        self.merged = merged
        self.scan = merged.scan
        self._given = _Given(merged)
        self.engine = Engine(ruleset, self._given, key)
        self.key = key

    def judge(self, data: bytes, ends: Ends, path: str = "") -> list[Found]:
        """What the engine finds at these ends, and nowhere else. EngineError or Flood if it could not tell."""
        own = [item for item in ends if item[0] < REDACT_BASE]
        return self._scanned(data, path, own) if own else []

    def whole(self, data: bytes, path: str = "") -> list[Found]:
        """What the engine finds in all of `data`."""
        return self._scanned(data, path, None)

    def _scanned(self, data: bytes, path: str, ends: Ends | None) -> list[Found]:
        local = self._given.local
        before = getattr(local, "given", None)
        local.given = None if ends is None else (data, ends)
        try:
            scan = self.engine.scan(data, path)
        finally:
            local.given = before
        if scan.incidents:
            raise Flood
        rules = self.ruleset.rules
        return [
            Found(m.secret_start, m.secret_end, rules[m.rule].id, rules[m.rule].part, m.confidence, m.key)
            for m in scan.matches
        ]


# ---------------------------------------------------------------- from the cache
def load(
    selection: cache.Selection = cache.Selection(),  # noqa: B008 - a NamedTuple
    *,
    key: bytes,
    extra: Sequence[tuple[int, bytes]] = (),
    folder: str | None = None,
) -> Runtime:
    """The runtime profile of a selection, from the cache folder where it is there. `extra`: (identifier from REDACT_BASE
    on, pattern) of triggers that are looked for in the same pass."""
    folder = cache.cache_folder() if folder is None else folder
    ruleset = cache.load(selection, cache.FULL_COMPILE_AT, folder).ruleset  # parsing the packs takes as long as compiling
    name = blake2b(
        repr((cache._versions(), ruleset.digest, tuple(extra))).encode(), digest_size=16
    ).hexdigest()
    path = os.path.join(folder, f"runtime-{name}.bin") if folder else ""
    merged = _read(path) if path else None
    if merged is None:
        merged = _compile(ruleset, extra)
        if path:
            _write(path, merged)
    return Runtime(ruleset, merged, key)


def _compile(ruleset: RuleSet, extra: Sequence[tuple[int, bytes]]) -> Merged:
    from leakguard.detect import phrases

    patterns, ids = stage1.expressions(ruleset)
    more = [item for item in stage1.triggers() if item[0] >= TEXT_BASE]
    wanted = stage1._has_phrases(ruleset)
    if wanted:
        more.append((PHRASE_BASE, phrases.ASCII.encode()))
    for ident, pattern in (*more, *extra):
        patterns.append(pattern)
        ids.append(ident)
    database = stage1._compiled(ruleset, patterns, ids)
    marked = [phrases.compiled(number) for number in range(1, len(phrases.PATTERNS))] if wanted else []
    return Merged(database, stage1.literals(stage1.provider_names(ruleset)), marked, stage1.widths(ruleset))


def _read(path: str) -> Merged | None:
    blob = cache._own(path)
    if blob is None or not blob.startswith(MAGIC):
        return None
    body = memoryview(blob)[len(MAGIC) + 4 :]
    if cache._check(body) != blob[len(MAGIC) : len(MAGIC) + 4]:
        return None
    parts = cache._split(body)
    if len(parts) < 3:
        return None
    widths = memoryview(bytes(parts[0])).cast("Q").tolist()
    try:
        made = [hyperscan.loadb(bytes(part), hyperscan.HS_MODE_BLOCK) if part else None for part in parts[1:]]
    except (hyperscan.error, ValueError, TypeError):
        return None
    return Merged(made[0], made[1], made[2:], widths)


def _write(path: str, merged: Merged) -> None:
    from array import array

    databases = (merged.database, merged.names_database, *merged.marked)
    parts = [array("Q", merged.widths).tobytes()]
    parts += [hyperscan.dumpb(database) if database is not None else b"" for database in databases]
    body = cache._joined(parts)
    if cache._store(path, MAGIC + cache._check(body) + body):
        _drop_old(os.path.dirname(path), path)


def _drop_old(folder: str, keep: str, most: int = 4) -> None:
    """Keeps the newest few: each selection and version leaves one behind."""
    try:
        with os.scandir(folder) as entries:
            found = [
                (entry.stat(follow_symlinks=False).st_mtime, entry.path)
                for entry in entries
                if entry.name.startswith("runtime-") and entry.path != keep
            ]
    except OSError:
        return  # somebody else cleans up, too
    for _, path in sorted(found, reverse=True)[most:]:
        cache._remove(path)
