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
from functools import cached_property
from typing import Any, NamedTuple

import hyperscan

from leakguard.detect import cache, stage1
from leakguard.detect.assign import FORM_TAILS as TAILS
from leakguard.detect.assign import Assigned, assigned
from leakguard.detect.engine import Engine
from leakguard.detect.guards import HEX, MADE_OF, crossing, guards, parted, phrase
from leakguard.detect.stage1 import DECODE_BASE, NEAR, PHRASE_BASE, PHRASE_LEAST, TEXT_BASE, Ends
from leakguard.errors import EngineError
from leakguard.hashes import blake2b
from leakguard.model import RuleSet

__all__ = [
    "REDACT_BASE", "TAILS", "Assigned", "Flood", "Found", "Merged", "Own", "Runtime", "assigned", "load", "most_ends"
]  # fmt: skip

REDACT_BASE = 8_000_000
"""Identifiers of the redactor's own triggers begin here."""

LEAST_ENDS = 512
ENDS_PER = 1024
SOME = 256
"""Ends that are taken as they come: fewer than any text may have."""
LEAST_CALLS = 4096
CALLS_PER = 128
"""So many ends that say nothing new, and one in so many bytes more, are put up with: a run of digits has one at each."""
LEAST_WORDS = 16_384
"""So many words in rows of twelve, and half of the calls above more, may a text have: prose has one in eight bytes."""
MAGIC = b"leakguard-runtime-10\n"


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
    secret: bytes
    """What was found, decoded if it was encoded. It lives as long as the text is looked at."""

    def __repr__(self) -> str:
        return f"Found({self.rule}, {self.start}..{self.end})"


DECIMAL = re.compile(rb"[0-9]{12,39}(?![0-9A-Fa-f])")
"""Order numbers and times: hex digits only by accident. Nothing is assigned in what they would decode to, as neither
`=` nor `:` nor a comma are two decimal digits, and for a token of its own it is too short."""


class Own:
    """What one scan at a time works with, taken from a pool and given back: so threads, a fork, and a collector's finaliser
    that logs while a scan calls back never share one."""

    __slots__ = (
        "calls", "data", "ends", "fitted", "found", "known", "last", "marked", "most", "most_calls", "narrow", "on_found",
        "on_match", "on_some", "other", "scratch", "words",
    )  # fmt: skip

    def __init__(self, database: Any, after: Any, across: Any, widths: Sequence[int]) -> None:
        self.calls = self.most = self.most_calls = 0
        self.data = b""
        self.scratch = hyperscan.Scratch(database)
        self.last = hyperscan.Scratch(after)
        self.narrow = hyperscan.Scratch(across)
        self.fitted: Any = None
        """The other database that `other` is a scratch for: a scratch does not grow."""
        self.other: Any = None
        self.ends: Ends = []
        self.found: Ends = []
        """The ends in the other databases, and all ends in this one as they come, if they are not many (`on_some`)."""
        self.known: dict[int, tuple[int, int]] = {}
        self.words: list[int] = []
        """The ends of what could be phrases: in prose each word is one."""
        self.marked: list[Any] = []
        self.on_match = collector(self, widths)
        self.on_found = _plain_collector(self.found)
        self.on_some = _some_collector(self.found)

    def fit(self, database: Any) -> None:
        """Makes `other` a scratch for another database."""
        if self.fitted is not database:
            self.other = hyperscan.Scratch(database)
            self.fitted = database

    def begin(self, data: bytes, more: int = 0) -> None:
        """Before a scan: `more` ends are allowed."""
        self.data = data
        self.most = LEAST_ENDS + len(data) // ENDS_PER + more
        self.most_calls = self.most + LEAST_CALLS + len(data) // CALLS_PER

    def full(self) -> bool:
        """Whether there are more ends, or more calls for them, than the text may have."""
        return len(self.ends) > self.most or self.calls > self.most_calls

    def taken(self) -> Ends:
        """The ends; Flood if they are too many."""
        if self.words:
            self.ends += phrases(self.data, self.words, self.most)
        if self.full():
            raise Flood
        return self.ends[:]

    def clear(self) -> None:
        """Forgets the last text."""
        self.ends.clear()
        self.words.clear()
        self.found.clear()
        self.known.clear()
        self.calls = 0


def phrases(data: bytes, words: Sequence[int], most: int = LEAST_ENDS) -> Ends:
    """Those of the ends of words before which eleven words of a list stand; of more than `most` no more than one more. (phrases.good
    also keeps what follows close upon one of them, in prose each word to its end; the twelfth of a phrase is always one of these.)"""
    from leakguard.detect.gates.words import ascii_words
    from leakguard.detect.phrases import near_spoiled, spoiled_until

    listed = ascii_words()
    out: Ends = []
    spoiled = 0
    for end in _varied(data, words) if len(words) > FEW_WORDS else sorted(words):
        if end >= spoiled:
            spoiled = near_spoiled(data, end, listed) or spoiled_until(data, end, listed)
            if not spoiled:
                out.append((PHRASE_BASE, end))
                if len(out) > most:
                    break
    return out


FEW_WORDS = 16
_LETTERS = bytes(c | 32 if 65 <= c <= 90 else c if 97 <= c <= 122 or c > 127 else 32 for c in range(256))
_SAME = 5
"""Different words of eleven that no phrase has so few of: gates/words.py allows it two words twice, and one more each dozen."""


def _varied(data: bytes, words: Sequence[int]) -> list[int]:
    """The ends without those before which the same words stand again and again: Decimal('1.2'), Decimal('3.4'), ... From one end
    of a row to the next there is one word more."""
    out: list[int] = []
    skipped = before = 0
    for end in sorted(set(words)):
        near, before = end - before < PHRASE_LEAST, end
        if near and skipped:
            skipped -= 1
            continue
        piece = data[end - 400 if end > 400 else 0 : end]
        tokens = piece.translate(_LETTERS).split()[-12:-1]
        different = len(set(tokens)) if len(tokens) == 11 and 92 not in piece else 11  # an escape's letter is no word
        skipped = _SAME - different if different < _SAME else 0
        if different > _SAME:
            out.append(end)
    return out


def _plain_collector(ends: Ends) -> Any:
    def on_found(ident: int, _start: int, end: int, _flags: int, _context: object) -> None:
        ends.append((ident, end))

    return on_found


def _some_collector(ends: Ends) -> Any:
    def on_some(ident: int, _start: int, end: int, _flags: int, _context: object) -> bool | None:
        ends.append((ident, end))
        return len(ends) > SOME or None

    return on_some


def collector(own: Own, widths: Sequence[int]) -> Any:
    """Collects ends as stage1 does, and stops when there are too many. An end that says nothing new is left out where its
    line has another one on either side: a line is judged alone, too."""
    ends, known, words = own.ends, own.known, own.words
    rules = len(widths)

    def on_match(ident: int, _start: int, end: int, _flags: int, _context: object) -> bool | None:
        if ident < rules:
            width = widths[ident]
        elif DECODE_BASE <= ident < TEXT_BASE:
            width = NEAR
        elif ident == PHRASE_BASE:
            words.append(end)
            return len(words) > LEAST_WORDS + (own.most_calls >> 1) or None
        else:
            if ident not in HEX or not DECIMAL.match(own.data, end - 12):
                ends.append((ident, end))
            return True if len(ends) > own.most else None
        own.calls += 1
        if ident in known:
            before, at = known[ident]
            last = ends[at][1]
            if before <= last <= end <= before + width and not _broken(own.data, before, end):
                ends[at] = (ident, end)
                return True if own.calls > own.most_calls else None
            known[ident] = (last, len(ends))
        else:
            known[ident] = (-1 << 40, len(ends))
        ends.append((ident, end))
        return True if len(ends) > own.most or own.calls > own.most_calls else None

    return on_match


def _broken(data: bytes, start: int, end: int) -> bool:
    return data.find(b"\n", start, end) >= 0 or data.find(b"\r", start, end) >= 0


class Merged:
    """Stage 1 in one pass. Safe for many threads, after a fork, and when it is entered again from within."""

    def __init__(
        self, database: Any, guard: Any, after: Any, across: Any, names: Any, marked: Sequence[Any], widths: Sequence[int]
    ) -> None:
        self.database = database
        self.guard = guard
        """A small database that fires wherever the large one may: see `guards`."""
        self.after = after
        """The same for texts of which every end was masked: it is silent at the masks, and says whether something came to
        be where they stand."""
        self.across = across
        """Only what could fire across a mask that quick.py put there: see `crossing`."""
        self.names_database = names
        self.marked = marked
        """The databases of phrases with accents and of other scripts, for what is not ASCII; none if no rule asks."""
        self.widths = widths
        self.pool: list[Own] = []
        """What nobody scans with at the moment."""
        self._scan = database.scan
        self._local = threading.local()

    def own(self) -> Own:
        """Something to scan with. Who took it puts it back into `pool`, cleared."""
        try:
            return self.pool.pop()
        except IndexError:
            return Own(self.database, self.after, self.across, self.widths)

    def scan(self, data: bytes, deep: bool = True, more: int = 0) -> Ends:
        """(trigger, end) of everything that fires; Flood for a text that is made of triggers (`more` are allowed)."""
        own = self.own()
        own.begin(data, more)
        try:
            self._scan(data, own.on_match, 0, None, own.scratch)  # by position: keywords cost half a microsecond
            if self.marked and not data.isascii():
                self.phrases(data, own)
            return own.taken() if own.ends or own.words else _NONE
        except hyperscan.ScanTerminated:
            if own.full() or own.words:
                raise Flood from None
            raise
        finally:
            if own.ends or own.words:
                own.clear()
            own.data = b""
            self.pool.append(own)

    def thinned(self, data: bytes, ends: Ends) -> Ends:
        """What `scan` would have made of all ends in a text; Flood if they are too many."""
        own = self.own()
        own.begin(data)
        try:
            for ident, end in ends:
                if own.on_match(ident, 0, end, 0, None):
                    raise Flood
            return own.taken()
        finally:
            own.clear()
            own.data = b""
            self.pool.append(own)

    def settled(self, data: bytes) -> bool:
        """Whether nothing came to be in a text of which every end was masked. False says nothing."""
        if self.marked and not data.isascii():
            return False
        own = self.own()
        try:
            self.after.scan(data, own.on_found, 0, None, own.last)
            return not own.found
        finally:
            own.found.clear()
            self.pool.append(own)

    def phrases(self, data: bytes, own: Own) -> None:
        """Adds the ends of phrases in what is not ASCII."""
        if len(data) < PHRASE_LEAST:
            return
        if not own.marked:
            own.marked = [hyperscan.Scratch(database) for database in self.marked]

        def on_match(_ident: int, _start: int, end: int, _flags: int, _context: object) -> bool | None:
            return own.on_match(PHRASE_BASE, 0, end, 0, None)  # type: ignore[no-any-return]

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
    """Stage 1 for the engine: of one buffer the ends that it is given, of all others (its views) what there is."""

    def __init__(self, merged: Merged) -> None:
        self.merged = merged
        self.names = merged.names
        self.local = threading.local()

    def scan(self, data: bytes, deep: bool) -> Ends:
        given = getattr(self.local, "given", None)
        if given is not None and given[0] is data:
            return given[1]  # type: ignore[no-any-return]
        return self.merged.scan(data, deep, len(data) >> 6)


class Runtime:
    """The scanner's rules, ready for records."""

    def __init__(self, ruleset: RuleSet, merged: Merged, key: bytes) -> None:
        self.ruleset = ruleset
        self.merged = merged
        self.scan = merged.scan
        self._given = _Given(merged)
        self.engine = Engine(ruleset, self._given, key, keep_secrets=True)
        self.key = key

    @cached_property
    def scanner(self) -> Engine:
        """The same for texts of any size; its matches hold no secrets."""
        return Engine(self.ruleset, self._given, self.key)

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
        except EngineError as error:
            if error.reason == Flood.__name__:  # in a view
                raise Flood from None
            raise
        finally:
            local.given = before
        if scan.incidents:
            raise Flood
        rules = self.ruleset.rules
        return [
            Found(m.secret_start, m.secret_end, rules[m.rule].id, rules[m.rule].part, m.confidence, m.key, m.secret or b"")
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
    made_of = (cache._versions(), ruleset.digest, tuple(extra), stage1.triggers(), MADE_OF)
    name = blake2b(repr(made_of).encode(), digest_size=16).hexdigest()
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
        more.append((PHRASE_BASE, phrase()))
    for ident, pattern in (*more, *extra):
        patterns.append(pattern)
        ids.append(ident)
    patterns, ids = parted(patterns, ids)
    database = stage1._compiled(ruleset, patterns, ids)
    marked = [phrases.database(number) for number in range(1, len(phrases.PATTERNS))] if wanted else []
    names = stage1.literals(stage1.provider_names(ruleset))
    guard, after = (_small(guards(patterns, ids, masked)) for masked in (False, True))
    return Merged(database, guard, after, _small(crossing(patterns, ids)), names, marked, stage1.widths(ruleset))


def _small(texts: list[bytes]) -> Any:
    database = hyperscan.Database()
    flags = [hyperscan.HS_FLAG_SINGLEMATCH] * len(texts)
    database.compile(expressions=texts, ids=list(range(len(texts))), elements=len(texts), flags=flags)
    return database


def _read(path: str) -> Merged | None:
    parts = cache._stored(path, MAGIC)
    if len(parts) < 6:
        return None
    widths = memoryview(parts[0]).cast("Q").tolist()
    try:
        made = [hyperscan.loadb(part, hyperscan.HS_MODE_BLOCK) if part else None for part in parts[1:]]
    except (hyperscan.error, ValueError, TypeError):
        return None
    return Merged(made[0], made[1], made[2], made[3], made[4], made[5:], widths)


def _write(path: str, merged: Merged) -> None:
    from array import array

    small = (merged.guard, merged.after, merged.across)
    databases = (merged.database, *small, merged.names_database, *merged.marked)
    parts = [array("Q", merged.widths).tobytes()]
    parts += [hyperscan.dumpb(database) if database is not None else b"" for database in databases]
    if cache._store(path, cache._sealed(MAGIC, parts)):
        drop_old(path, "runtime-")


def drop_old(keep: str, prefix: str, most: int = 4) -> None:
    """Keeps the newest few of the caches beside `keep`: each selection and version leaves one behind."""
    folder = os.path.dirname(keep)
    try:
        with os.scandir(folder) as entries:
            found = [
                (entry.stat(follow_symlinks=False).st_mtime, entry.path)
                for entry in entries
                if entry.name.startswith(prefix) and entry.path != keep
            ]
    except OSError:
        return  # somebody else cleans up, too
    for _, path in sorted(found, reverse=True)[most:]:
        cache._remove(path)
