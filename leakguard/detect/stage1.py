"""Stage 1: one pass over the bytes that says which trigger ended where, and nothing else.

Two ways to the same answer. `Compiled` runs the databases of all rules. `Cold` is for the first start, before any
database is compiled: it looks for the rules' keywords (milliseconds to compile), then compiles only the rules whose
keyword is there, and changes to a full compile once more bytes were scanned than that is worth.
A property test holds the two to the same matches.

Start-of-match is never asked for (hyperscan refuses or slows such patterns), nor is the binding's Stream class
used (it keeps no reference to its callback). Each thread has its own scratch: a shared one raises.
Imported by engine.py's users and cache.py.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import hyperscan

from leakguard.detect import decode
from leakguard.detect.assign import TRIGGERS as CONTEXT_TRIGGERS
from leakguard.errors import RulePackError
from leakguard.model import RuleSet

CONTEXT_BASE = 1_000_000
DECODE_BASE = 2_000_000
TEXT_BASE = 3_000_000
"""Identifiers of triggers: rule indexes below CONTEXT_BASE, then those of context.py and decode.py."""

COLD_LIMIT = 4 * 1024 * 1024
"""Bytes after which compiling everything costs less than going on without."""

Ends = list[tuple[int, int]]


class Stage1(Protocol):
    """(trigger, end offset) of everything that fires in `data`; `deep` also looks for encoded text."""

    def scan(self, data: bytes, deep: bool) -> Ends: ...

    def names(self, data: bytes) -> Ends:
        """(number of a provider's name, end offset) of every mention."""
        ...


class Databases(NamedTuple):
    """The rules' database, the one that finds encoded text (decode.TEXT_TRIGGERS says why there are two), and the one
    that finds the names of providers, which is run only over buffers in which a value asks for its provider."""

    rules: Any
    text: Any
    names: Any


def expressions(ruleset: RuleSet, active: frozenset[int] | None = None) -> tuple[list[bytes], list[int]]:
    """What the rules' database looks for: (patterns, identifiers). `active` narrows it to these rules."""
    patterns, ids = [], []
    for index, rule in enumerate(ruleset.rules):
        if rule.trigger and (active is None or index in active):
            patterns.append(rule.trigger.encode())
            ids.append(index)
    for base, triggers in ((CONTEXT_BASE, CONTEXT_TRIGGERS), (DECODE_BASE, [text for _, text in decode.TRIGGERS])):
        for number, text in enumerate(triggers):
            patterns.append(text.encode())
            ids.append(base + number)
    return patterns, ids


def compile_databases(ruleset: RuleSet, active: frozenset[int] | None = None) -> Databases:
    """Both databases. RulePackError naming the rule if hyperscan refuses one."""
    patterns, ids = expressions(ruleset, active)
    rules = hyperscan.Database()
    try:
        rules.compile(expressions=patterns, ids=ids, elements=len(ids))
    except hyperscan.error as error:
        raise _refused(ruleset, patterns, ids, str(error)) from None
    text = hyperscan.Database()
    numbers = [TEXT_BASE + number for number in range(len(decode.TEXT_TRIGGERS))]
    text.compile(
        expressions=[pattern.encode() for _, pattern in decode.TEXT_TRIGGERS], ids=numbers, elements=len(numbers)
    )
    return Databases(rules, text, literals(provider_names(ruleset)))


def provider_names(ruleset: RuleSet) -> list[bytes]:
    """Every spelling of every provider that contextual rules could need, in Context's order."""
    from leakguard.detect.context import Context

    return Context(ruleset, _nothing, _nowhere).name_texts


def _nothing(_index: int, _candidate: object) -> int:
    return 0


def _nowhere(_data: bytes) -> Ends:
    return []


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


class Compiled:
    """Stage 1 with everything compiled. Safe for many threads."""

    def __init__(self, databases: Databases) -> None:
        self.databases = databases
        self._local = threading.local()

    def scan(self, data: bytes, deep: bool) -> Ends:
        ends: Ends = []
        on_match = _collect(ends)
        scratch = self._scratch()
        self.databases.rules.scan(data, match_event_handler=on_match, scratch=scratch[0])
        if deep:
            self.databases.text.scan(data, match_event_handler=on_match, scratch=scratch[1])
        return ends

    def names(self, data: bytes) -> Ends:
        ends: Ends = []
        if self.databases.names is not None:
            self.databases.names.scan(data, match_event_handler=_collect(ends), scratch=self._scratch()[2])
        return ends

    def _scratch(self) -> tuple[Any, ...]:
        own = getattr(self._local, "scratch", None)
        if own is None:
            own = self._local.scratch = tuple(
                None if database is None else hyperscan.Scratch(database) for database in self.databases
            )
        return own


def _collect(ends: Ends) -> Callable[[int, int, int, int, object], None]:
    def on_match(ident: int, _start: int, end: int, _flags: int, _context: object) -> None:
        ends.append((ident, end))

    return on_match


class Cold:
    """Stage 1 while no compiled database exists. `on_full(databases)` is told when one was made after all."""

    def __init__(self, ruleset: RuleSet, on_full: Callable[[Databases], None] | None = None) -> None:
        self.ruleset = ruleset
        self.on_full = on_full
        self._lock = threading.Lock()
        self._bytes = 0
        self._active: frozenset[int] = frozenset(
            index for index, rule in enumerate(ruleset.rules) if rule.trigger and not rule.keywords
        )
        self._compiled: Compiled | None = None
        self._full = False
        self._rules_of: list[list[int]] = []
        self._literals = self._compile_literals()

    def _compile_literals(self) -> Any:
        keywords: dict[str, list[int]] = {}
        for index, rule in enumerate(self.ruleset.rules):
            if rule.trigger:
                for word in rule.keywords:
                    keywords.setdefault(word, []).append(index)
        self._rules_of = list(keywords.values())
        return literals([word.encode() for word in keywords], single=True)

    def scan(self, data: bytes, deep: bool) -> Ends:
        with self._lock:
            return self._stage(data).scan(data, deep)

    def names(self, data: bytes) -> Ends:
        with self._lock:
            return self._compiled.names(data) if self._compiled is not None else []

    def _stage(self, data: bytes) -> Compiled:
        """A stage in which every rule that could match `data` is active."""
        self._bytes += len(data)
        if not self._full and self._bytes > COLD_LIMIT:
            databases = compile_databases(self.ruleset)
            self._compiled = Compiled(databases)
            self._full = True
            if self.on_full is not None:
                self.on_full(databases)
        if self._full and self._compiled is not None:
            return self._compiled
        found: Ends = []
        if self._literals is not None:
            self._literals.scan(data, match_event_handler=_collect(found))
        wanted = self._active.union(*(self._rules_of[ident] for ident, _ in found))
        if self._compiled is None or wanted != self._active:
            self._active = wanted
            self._compiled = Compiled(compile_databases(self.ruleset, wanted))
        return self._compiled
