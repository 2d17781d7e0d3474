"""Stage 1: one pass over the bytes that says which trigger ended where, and nothing else.

Two ways to the same answer. `Compiled` runs the databases of all rules. `Cold` is for the first start, before any
database is compiled: it compiles only what could fire (rules whose keyword is there, triggers that Python's own
`re` finds something for), and everything once more bytes were scanned than that is worth.
A property test holds the two to the same matches.

Ends that say nothing new are left out, so that no text makes the list of them longer than a fraction of itself.
Start-of-match is never asked for (hyperscan refuses or slows such patterns), nor is the binding's Stream class
used (it keeps no reference to its callback). Each thread has its own scratch: a shared one raises.
Imported by engine.py's users and cache.py.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import hyperscan

from leakguard.detect import sieve
from leakguard.errors import RulePackError
from leakguard.model import RuleSet

CONTEXT_BASE = 1_000_000
DECODE_BASE = 2_000_000
TEXT_BASE = 3_000_000
PHRASE_BASE = 4_000_000
"""Identifiers of triggers: rule indexes below CONTEXT_BASE, then those of context.py, decode/ and phrases.py."""

LITERAL = frozenset((TEXT_BASE + 1, TEXT_BASE + 3))
"""Those of decode.TEXT_TRIGGERS that have a literal (the marks of gzip and zlib, UTF-16 in hex): among the rules they cost nothing,
beside the others a matcher of their own."""

RUN = 5_000_000
"""Identifier of what is not told of: that there is a run that Databases.runs is for."""

PHRASE_LEAST = 47
"""Bytes that the twelve words of a phrase take at least, with what separates them."""

NEAR = 128
"""Ends of one of decode.TRIGGERS that are so close together lead into the same view."""

FLOOD = 8192
FLOOD_SHARE = 64
"""More ends than this that say nothing new, and one in so many bytes, are worth a second scan without long runs
(`without_runs`)."""

COLD_LIMIT = 4 * 1024 * 1024
"""Bytes after which compiling everything costs less than going on without."""
COLD_PARTS = 24
"""How often the cold path compiles some more before it compiles everything."""
SMALL = 32 * 1024
"""Buffers in which Python finds keywords sooner than hyperscan compiles them."""

Ends = list[tuple[int, int]]


class Stage1(Protocol):
    """(trigger, end offset) of everything that fires in `data`; `deep` also looks for encoded text."""

    def scan(self, data: bytes, deep: bool) -> Ends: ...

    def names(self, data: bytes) -> Ends:
        """(number of a provider's name, end offset) of every mention."""
        ...


class Databases(NamedTuple):
    """The rules' database, the one that finds encoded text (decode.TEXT_TRIGGERS says why there are two), the one
    that finds the names of providers, which is run only over buffers in which a value asks for its provider, and those
    of phrases.PATTERNS, None if no rule in force asks for phrases."""

    rules: Any
    text: Any
    names: Any
    ascii: Any = None
    marked: Any = None
    beyond: Any = None
    runs: Any = None
    """Rules that are but a run of base58 digits with an edge before it; None for none. The rules' database says once whether there
    is such a run, and this one is run over what sieve.base58 leaves of the data from there on."""


def expressions(ruleset: RuleSet, active: frozenset[int] | None = None) -> tuple[list[bytes], list[int]]:
    """What the rules' database looks for: (patterns, identifiers). `active` narrows it to these rules."""
    patterns, ids = [], []
    asked: set[str] = set()
    for index, rule in enumerate(ruleset.rules):
        if rule.trigger and (active is None or index in active) and rule.trigger not in asked:
            asked.add(rule.trigger)  # rules that share a trigger share its ends: see engine.py
            patterns.append(rule.trigger.encode())
            ids.append(index)
    for ident, pattern in triggers():
        if ident < TEXT_BASE:
            patterns.append(pattern)
            ids.append(ident)
    return patterns, ids


def triggers() -> list[tuple[int, bytes]]:
    """(identifier, pattern) of everything that is looked for beside the rules."""
    from leakguard.detect import assign, decode

    out = []
    for base, texts in (
        (CONTEXT_BASE, assign.TRIGGERS),
        (DECODE_BASE, [text for _, text in decode.TRIGGERS]),
        (TEXT_BASE, [text for _, text in decode.TEXT_TRIGGERS]),
    ):
        out += [(base + number, text.encode()) for number, text in enumerate(texts)]
    return out


def compile_databases(ruleset: RuleSet, active: frozenset[int] | None = None) -> Databases:
    """All databases. RulePackError naming the rule if hyperscan refuses one."""
    from leakguard.detect.apart import apart, edged_runs

    edged = edged_runs(ruleset)
    runs: dict[int, bytes] = {}
    rows: list[tuple[bytes, int]] = []
    text: list[tuple[bytes, int]] = []
    for pattern, ident in zip(*expressions(ruleset, active), strict=True):
        if ident < CONTEXT_BASE and (found := edged.get(ruleset.rules[ident].trigger)):
            runs[ident] = found
        else:
            rows += [(part, ident) for part in apart(pattern)]
    for ident, pattern in triggers():
        if ident >= TEXT_BASE:
            (rows if ident in LITERAL else text).append((pattern, ident))
    if runs:
        rows.append((f"{sieve.BASE58}{{{sieve.BASE58_RUN}}}".encode(), RUN))
    ascii_, marked, beyond = _phrase_databases(ruleset, active) or (None, None, None)
    return Databases(
        _compiled(ruleset, [part for part, _ in rows], [ident for _, ident in rows]),
        _compiled(ruleset, [part for part, _ in text], [ident for _, ident in text]),
        literals(provider_names(ruleset)),
        ascii_,
        marked,
        beyond,
        _compiled(ruleset, list(runs.values()), list(runs)) if runs else None,
    )


def _phrase_databases(ruleset: RuleSet, active: frozenset[int] | None) -> list[Any]:
    from leakguard.detect import phrases

    return phrases.databases() if _has_phrases(ruleset, active) else []


def _has_phrases(ruleset: RuleSet, active: frozenset[int] | None = None) -> bool:
    """Whether a rule in force is reported by phrases.py."""
    from leakguard.detect import phrases

    ids = set(phrases.RULES.values())
    return any(rule.id in ids and (active is None or index in active) for index, rule in enumerate(ruleset.rules))


def _compiled(ruleset: RuleSet, patterns: list[bytes], ids: list[int]) -> Any:
    database = hyperscan.Database()
    flags = [hyperscan.HS_FLAG_SINGLEMATCH if ident == RUN else 0 for ident in ids]
    try:
        database.compile(expressions=patterns, ids=ids, elements=len(ids), flags=flags)
    except hyperscan.error as error:
        raise _refused(ruleset, patterns, ids, str(error)) from None
    return database


def provider_names(ruleset: RuleSet) -> list[bytes]:
    """Every spelling of every provider that contextual rules could need."""
    from leakguard.detect.prepared import prepared

    return [text.encode() for text, *_ in prepared(ruleset).names]


def literals(texts: Sequence[bytes], single: bool = False) -> Any:
    """A database of plain texts in any case; `single` reports each once per scan. None for no texts."""
    if not texts:
        return None
    database = hyperscan.Database()
    flags = hyperscan.HS_FLAG_CASELESS | (hyperscan.HS_FLAG_SINGLEMATCH if single else 0)
    database.compile(
        expressions=["".join(f"\\x{byte:02x}" for byte in text).encode() for text in texts],
        ids=list(range(len(texts))),
        elements=len(texts),
        flags=[flags] * len(texts),
    )
    return database


def plain(patterns: Mapping[str, int]) -> Any:
    """A database of a few triggers with their identifiers. None for none."""
    if not patterns:
        return None
    database = hyperscan.Database()
    texts = [text.encode() for text in patterns]
    database.compile(expressions=texts, ids=list(patterns.values()), elements=len(texts))
    return database


def _refused(ruleset: RuleSet, patterns: list[bytes], ids: list[int], reason: str) -> RulePackError:
    """Finds the pattern that made a whole compile fail."""
    for pattern, ident in zip(patterns, ids, strict=True):
        if problem := refusal(pattern):
            name = ruleset.rules[ident].id if ident < CONTEXT_BASE else "built in"
            return RulePackError("", name, "pattern", f"hyperscan refuses it: {problem}")
    return RulePackError("", "", "pattern", f"hyperscan refuses the rules together: {reason}")


def refusal(pattern: bytes) -> str:
    """Why hyperscan does not take a pattern; "" if it does."""
    try:
        hyperscan.Database().compile(expressions=[pattern], ids=[0], elements=1)
    except hyperscan.error as error:
        return str(error) or "no reason given"
    return ""


def widths(ruleset: RuleSet) -> list[int]:
    """The longest match of each rule and its twins: what Compiled needs to know which ends say nothing new."""
    out = [rule.width[1] for rule in ruleset.rules]
    groups: dict[str, list[int]] = {}
    for index, rule in enumerate(ruleset.rules):
        if rule.trigger:
            groups.setdefault(rule.trigger, []).append(index)
    for group in groups.values():
        most = max(out[index] for index in group)
        for index in group:
            out[index] = most
    return out


class Compiled:
    """Stage 1 with everything compiled. Safe for many threads. `widths` of the rules, or none to report every end."""

    def __init__(self, databases: Databases, widths: Sequence[int] = ()) -> None:
        self.databases = databases
        self.widths = widths
        self._local = threading.local()

    def scan(self, data: bytes, deep: bool) -> Ends:
        ends: Ends = []
        on_match = _thinned(ends, self.widths, FLOOD + len(data) // FLOOD_SHARE)
        scratch = self._scratch()
        flooded = False
        try:
            self.databases.rules.scan(data, match_event_handler=on_match, scratch=scratch[0])
        except hyperscan.ScanTerminated:
            ends.clear()
            on_match = _thinned(ends, self.widths)
            self.databases.rules.scan(without_runs(data), match_event_handler=on_match, scratch=scratch[0])
            flooded = True
        start = _run_in(ends)
        if self.databases.runs is not None and (flooded or start is not None):
            self._in_runs(data, 0 if flooded else start or 0, _thinned(ends, self.widths))
        if len(data) >= sieve.LEAST and 0 in data:
            self._sieved(data, deep, ends)
            return ends
        if deep:
            self.databases.text.scan(data, match_event_handler=on_match, scratch=scratch[1])
        if self.databases.ascii is not None and len(data) >= PHRASE_LEAST:
            on_phrase = _numbered(ends)
            for number in (3,) if data.isascii() else (4, 5):
                self.databases[number].scan(data, match_event_handler=on_phrase, scratch=scratch[number])
        return ends

    def _in_runs(self, data: bytes, start: int, told: _Stopping) -> None:
        """Tells of the rules that are runs of base58 digits, from where the first one is: once a run, where a pattern of such a run
        alone fires at each byte of it."""
        low = 0

        def on_match(ident: int, _start: int, end: int, flags: int, context: object) -> bool | None:
            return told(ident, 0, start + low + end, flags, context)

        with memoryview(data)[start:] as view:
            for low, high in sieve.base58(view) if len(view) > _SHORT else ((0, len(view)),):
                self.databases.runs.scan(view[low:high], match_event_handler=on_match, scratch=self._scratch()[6])

    def _sieved(self, data: bytes, deep: bool, ends: Ends) -> None:
        """The ends of encoded text and phrases in a program or its like, of which most is neither: what comes of them is what
        comes of all of it (the hex digits that are left out are too few to be decoded)."""
        scratch = self._scratch()
        low = base = 0

        def on_match(ident: int, _start: int, end: int, _flags: int, _context: object) -> None:
            ends.append((base + ident, low + end))

        with memoryview(data) as view:
            for low, high in sieve.encoded(data) if deep else ():
                self.databases.text.scan(view[low:high], match_event_handler=on_match, scratch=scratch[1])
            if self.databases.ascii is None:
                return
            base = PHRASE_BASE
            spans = sieve.texts(data)
            for number in (3,) if data.isascii() else (4, 5):
                for low, high in spans:
                    self.databases[number].scan(view[low:high], match_event_handler=on_match, scratch=scratch[number])

    def raw(self, data: bytes, deep: bool, ascii_only: bool, most: int) -> Ends | None:
        """The ends in a part of a text, all of them, also those that say nothing new; `ascii_only`: of the whole text. None
        if there are more than `most`."""
        ends: Ends = []
        on_match = _counted(ends, most)
        scratch = self._scratch()
        try:
            self.databases.rules.scan(data, match_event_handler=on_match, scratch=scratch[0])
            if ends and self.databases.runs is not None and (start := _run_in(ends)) is not None:
                self._in_runs(data, start, on_match)
            if deep:
                self.databases.text.scan(data, match_event_handler=on_match, scratch=scratch[1])
            if self.databases.ascii is not None:
                on_phrase = _counted(ends, most, PHRASE_BASE)
                for number in (3,) if ascii_only else (4, 5):
                    self.databases[number].scan(data, match_event_handler=on_phrase, scratch=scratch[number])
        except hyperscan.ScanTerminated:
            return None
        return ends

    def names(self, data: bytes) -> Ends:
        ends: Ends = []
        if self.databases.names is not None:
            self.databases.names.scan(data, match_event_handler=collect(ends), scratch=self._scratch()[2])
        return ends

    def _scratch(self) -> tuple[Any, ...]:
        own = getattr(self._local, "scratch", None)
        if own is None:
            own = self._local.scratch = tuple(
                None if database is None else hyperscan.Scratch(database) for database in self.databases
            )
        return own

    def __reduce__(self) -> tuple[Any, ...]:
        """For worker processes that cannot be forked."""
        dumped = [hyperscan.dumpb(database) if database is not None else b"" for database in self.databases]
        return _restored, (dumped, self.widths)


def _run_in(ends: Ends) -> int | None:
    """Where the first run begins whose rules have a database of their own, with the byte before it; None if there is none."""
    for at, (ident, end) in enumerate(ends):
        if ident == RUN:
            del ends[at]
            return max(0, end - sieve.BASE58_RUN - 1)
    return None


def _restored(dumped: list[bytes], widths: Sequence[int]) -> Compiled:
    return Compiled(load_databases(dumped), widths)


def load_databases(dumped: Iterable[bytes]) -> Databases:
    """Databases from their serialised form. hyperscan.error for what is not, or is another CPU's."""
    return Databases(*(hyperscan.loadb(part, hyperscan.HS_MODE_BLOCK) if part else None for part in dumped))


_RUN = re.compile(rb"[1-9A-HJ-NP-Za-km-z]{1024,}")
_EDGE = 160


def without_runs(data: bytes) -> bytes:
    """The data with line ends in place of all but the edges of runs of a thousand base58 digits and more. At each byte of
    such a run a key could end that nothing but its digits marks, and none does: keys of that kind are at most some 110
    digits with an end before and behind them. What is encoded in the run is looked for in the data as they are."""
    return _RUN.sub(lambda run: run[0][:_EDGE] + b"\n" * (len(run[0]) - 2 * _EDGE) + run[0][-_EDGE:], data)


_OnMatch = Callable[[int, int, int, int, object], None]
_SHORT = 2048
"""Bytes up to which asking where runs are takes as long as looking at them."""
_Stopping = Callable[[int, int, int, int, object], bool | None]
"""A handler that may end the scan."""


def collect(ends: Ends) -> _OnMatch:
    """A handler that appends (identifier, end) of every match."""

    def on_match(ident: int, _start: int, end: int, _flags: int, _context: object) -> None:
        ends.append((ident, end))

    return on_match


def _counted(ends: Ends, most: int, base: int = 0) -> _Stopping:
    def on_match(ident: int, _start: int, end: int, _flags: int, _context: object) -> bool | None:
        ends.append((ident + base, end))
        return len(ends) > most or None

    return on_match


def thinned(raw: Ends, widths: Sequence[int]) -> Ends:
    """What Compiled.scan would have made of the ends that Compiled.raw gave."""
    ends: Ends = []
    on_match = _thinned(ends, widths)
    for ident, end in raw:
        if ident < PHRASE_BASE:
            on_match(ident, 0, end, 0, None)
        else:
            ends.append((ident, end))
    return ends


def _numbered(ends: Ends) -> _OnMatch:
    """Collects the ends of phrases.PATTERNS, whose databases have one pattern each."""

    def on_match(_ident: int, _start: int, end: int, _flags: int, _context: object) -> None:
        ends.append((PHRASE_BASE, end))

    return on_match


_NOWHERE = -1 << 40


def _thinned(ends: Ends, widths: Sequence[int], most: int = 1 << 62) -> _Stopping:
    """Collects ends, but of three of one trigger not the middle one if looking back from the last reaches the first:
    a run of letters has an end at every one of them. Ends the scan (hyperscan.ScanTerminated) when so many were left out."""
    known: dict[int, tuple[int, int]] = {}  # trigger -> (the end before, where in `ends` the last one is)
    rules = len(widths)
    left = most

    def on_match(ident: int, _start: int, end: int, _flags: int, _context: object) -> bool | None:
        nonlocal left
        if ident < rules:
            width = widths[ident]
        elif DECODE_BASE <= ident < TEXT_BASE:
            width = NEAR
        else:
            ends.append((ident, end))
            return None
        if ident in known:
            before, at = known[ident]
            last = ends[at][1]
            if before <= last <= end <= before + width:
                ends[at] = (ident, end)
                left -= 1
                return left < 0 or None
            known[ident] = (last, len(ends))
        else:
            known[ident] = (_NOWHERE, len(ends))  # the first stays
        ends.append((ident, end))
        return None

    return on_match


class Cold:
    """Stage 1 while no compiled database exists. `on_full(databases)` is told when one was made after all."""

    def __init__(self, ruleset: RuleSet, on_full: Callable[[Databases], None] | None = None) -> None:
        self.ruleset = ruleset
        self.on_full = on_full
        self._lock = threading.Lock()
        self._bytes = 0
        self._compiled: Compiled | None = None
        self._parts: list[tuple[Any, Any]] = []
        """(database, scratch) of what was compiled so far."""
        self._widths = widths(ruleset)
        self._words: dict[str, list[int]] = {}
        self._waiting: set[int] = set()
        """Rules that were not compiled yet."""
        self._triggers = dict(triggers())
        """Triggers that were not compiled yet."""
        for index, rule in enumerate(ruleset.rules):
            if rule.trigger:
                self._waiting.add(index)
                for word in rule.keywords:
                    self._words.setdefault(word, []).append(index)
        self._always = {index for index in self._waiting if not ruleset.rules[index].keywords}
        self._literals: tuple[list[str], Any, Any] | None = None
        self._names: list[bytes] | None = None
        self._wants_phrases = _has_phrases(ruleset)
        self._phrases: dict[int, tuple[Any, Any]] = {}
        """(database, scratch) of those of phrases.PATTERNS that were needed so far."""

    def scan(self, data: bytes, deep: bool) -> Ends:
        with self._lock:
            self._prepare(data, deep)
            if self._compiled is not None:
                return self._compiled.scan(data, deep)
            ends: Ends = []
            for database, scratch in self._parts:
                database.scan(data, match_event_handler=_thinned(ends, self._widths), scratch=scratch)
            for database, scratch in self._phrase_parts(data):
                database.scan(data, match_event_handler=_numbered(ends), scratch=scratch)
            return ends

    def _phrase_parts(self, data: bytes) -> list[tuple[Any, Any]]:
        from leakguard.detect import phrases

        numbers = (0,) if data.isascii() else (1, 2)
        if not self._wants_phrases or (numbers[0] not in self._phrases and not phrases.could_fire(data)):
            return []
        for number in numbers:
            if number not in self._phrases:
                database = phrases.database(number)
                self._phrases[number] = database, hyperscan.Scratch(database)
        return [self._phrases[number] for number in numbers]

    def names(self, data: bytes) -> Ends:
        with self._lock:
            if self._compiled is not None or len(data) > SMALL:
                return self._full().names(data)
            if self._names is None:
                self._names = [name.lower() for name in provider_names(self.ruleset)]
            low = data.lower()
            return [(number, end) for number, name in enumerate(self._names) for end in _ends_of(name, low)]

    def _full(self) -> Compiled:
        if self._compiled is None:
            databases = compile_databases(self.ruleset)
            self._compiled = Compiled(databases, self._widths)
            if self.on_full is not None:
                self.on_full(databases)
        return self._compiled

    def _prepare(self, data: bytes, deep: bool) -> None:
        """Compiles what could fire in `data` and was not compiled yet."""
        if self._compiled is not None:
            return
        self._bytes += len(data)
        if self._bytes > COLD_LIMIT or len(self._parts) >= COLD_PARTS:
            self._full()
            return
        rules = self._keyworded(data)
        rules |= {i for i in self._always & self._waiting if self._occurs(self.ruleset.rules[i].trigger.encode(), data)}
        others = [ident for ident, pattern in self._triggers.items() if self._could_fire(ident, pattern, data, deep)]
        if not rules and not others:
            return
        ids = [*sorted(rules), *others]
        patterns = [self.ruleset.rules[i].trigger.encode() for i in ids[: len(rules)]]
        patterns += [self._triggers.pop(ident) for ident in others]
        self._waiting -= rules
        from leakguard.detect.apart import kept

        rows = [(part, ident) for ident, pattern in zip(ids, patterns, strict=True) for part in kept(pattern)]
        database = _compiled(self.ruleset, [part for part, _ in rows], [ident for _, ident in rows])
        self._parts.append((database, hyperscan.Scratch(database)))

    def _keyworded(self, data: bytes) -> set[int]:
        """The rules that were not compiled yet and have a keyword in `data`."""
        if len(data) <= SMALL and self._literals is None:
            low = data.lower()
            found = [word for word in self._words if word.encode() in low]
        else:
            if self._literals is None:
                texts = list(self._words)
                database = literals([text.encode() for text in texts], single=True)
                self._literals = texts, database, None if database is None else hyperscan.Scratch(database)
            texts, database, scratch = self._literals
            ends: Ends = []
            if database is not None:
                database.scan(data, match_event_handler=collect(ends), scratch=scratch)
            found = [texts[number] for number, _ in ends]
        return {index for word in found for index in self._words[word]} & self._waiting

    def _could_fire(self, ident: int, pattern: bytes, data: bytes, deep: bool) -> bool:
        return (deep or ident < DECODE_BASE) and self._occurs(pattern, data)

    def _occurs(self, pattern: bytes, data: bytes) -> bool:
        """Whether a pattern is in data, as far as that is sooner told than the pattern is compiled for good."""
        if len(data) > SMALL:
            return True
        import re  # both engines agree on whether such a pattern occurs, if not on how often

        try:
            return re.search(pattern, data) is not None
        except re.error:
            return True  # of a user's pack: the other engine has a syntax of its own

    def __reduce__(self) -> tuple[Any, ...]:
        return Cold, (self.ruleset,)


def _ends_of(word: bytes, data: bytes) -> Iterable[int]:
    at = data.find(word)
    while at >= 0:
        yield at + len(word)
        at = data.find(word, at + 1)
