"""The engine: bytes in, matches out. The hot loop of everything leakguard does.

Stage 1 is one hyperscan pass that says only which trigger ended where. Stage 2 runs that rule's pattern with
`regex`, with a time limit, over a window before and after the end, and takes the group `secret`. Stage 3 asks the
gates. Values without a shape of their own come from context.py, decoded text from decode.py; both join here.

Laws (tests/detect/test_engine.py): the cold path, the warm path, windows of any size and any number of workers
give the same matches; whether a match is reported depends on no more than REACH bytes around it.

Never prints, logs or keeps what it scans. One Engine may be used by many threads: each has its own scratch. An
error inside is an EngineError raised `from None`, because the frames below hold the scanned bytes.
Imported by pipeline.py, hook.py and redact/.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple, TypeVar

from leakguard.detect import decode
from leakguard.detect.context import Context
from leakguard.detect.gates import TABLE, Candidate, Verdict, load
from leakguard.detect.stage1 import CONTEXT_BASE, DECODE_BASE, TEXT_BASE, Stage1
from leakguard.errors import EngineError
from leakguard.model import Confidence, Match, Rule, RuleSet


REACH = 64 * 1024
"""Bytes around a match that may decide about it. Windows overlap by this much on either side."""

TIMEOUT = 1.0
"""Seconds one second-stage search may take. Running into it is reported, never swallowed."""

class Hit(NamedTuple):
    """A match inside one buffer, before overlaps are settled. Offsets in that buffer."""

    rule: int
    start: int
    end: int
    secret_start: int
    secret_end: int
    confidence: int
    name: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    reasons: tuple[str, ...] = ()


class Scan(NamedTuple):
    """What one buffer gave. `cut`: offset from which a run went on past the buffer's end (-1: none)."""

    matches: list[Match]
    cut: int
    views: int
    view_bytes: int
    incidents: list[str]


class Engine:
    """Finds what a RuleSet describes in buffers of bytes.

    `stage1` is made of exactly this RuleSet. `fingerprint_key` keys the digest of a match's
    secret (at most 64 bytes). `keep_secrets` copies the secret into each Match: only for `--show-secrets`.
    `decode_depth` 0 looks at raw bytes alone. `include_examples` reports documented example values, as such.
    """

    def __init__(
        self,
        ruleset: RuleSet,
        stage1: Stage1,
        fingerprint_key: bytes = b"",
        keep_secrets: bool = False,
        decode_depth: int = decode.MAX_DEPTH,
        include_examples: bool = False,
    ) -> None:
        self.ruleset = ruleset
        self.rules = ruleset.rules
        self.venues = {venue.provider: venue for venue in ruleset.venues}
        self.stage1 = stage1
        self.fingerprint_key = fingerprint_key
        self.keep_secrets = keep_secrets
        self.decode_depth = decode_depth
        self.include_examples = include_examples
        self.context = Context(ruleset, self._judge, stage1.names)
        self._local = threading.local()
        self._second: dict[int, Any] = {}
        self._gates: dict[int, list[tuple[Callable[..., Verdict], tuple[Any, ...], dict[str, Any]]]] = {}
        self._paths: dict[int, tuple[Callable[[str], bool] | None, Callable[[str], bool] | None]] = {}

    # ------------------------------------------------------------ the way through one buffer
    def scan(self, data: bytes, path: str = "", final: bool = True, size: int | None = None) -> Scan:
        """All matches in `data`. `path` decides path filters and hints; `final`: data ends where its object ends;
        `size` is that of the whole object if `data` is a window of it."""
        state = _State(path, len(data) if size is None else size)
        try:
            hits = self._buffer(data, state, 0, (), final)
        except (EngineError, MemoryError, KeyboardInterrupt):
            raise
        except Exception as error:
            raise EngineError(state.rule, type(error).__name__) from None
        matches = [match for match, _ in _settle(hits)]
        return Scan(matches, state.cut, state.views, state.view_bytes, state.incidents)

    def _buffer(
        self, data: bytes, state: _State, depth: int, kinds: tuple[str, ...], final: bool
    ) -> list[tuple[Match, tuple[int, ...]]]:
        deeper = depth < self.decode_depth
        ends = self.stage1.scan(data, deeper)
        wide = list(decode.wide_views(data)) if deeper and 0 in data else []
        folds = decode.fold_hits(data) if deeper and depth == 0 and state.size <= decode.FOLD_LIMIT else []
        if not ends and not wide and not folds:
            return []
        by_rule: dict[int, list[int]] = {}
        contexts: list[tuple[int, int]] = []
        decodes = folds
        for ident, end in ends:
            if ident < CONTEXT_BASE:
                by_rule.setdefault(ident, []).append(end)
            elif ident < DECODE_BASE:
                contexts.append((ident - CONTEXT_BASE, end))
            elif ident < TEXT_BASE:
                decodes.append((decode.TRIGGERS[ident - DECODE_BASE][0], end))
            else:
                decodes.append((decode.TEXT_TRIGGERS[ident - TEXT_BASE][0], end))
        hits: list[Hit] = []
        for index in sorted(by_rule):
            self._stage2(data, index, by_rule[index], hits, state)
        if contexts:
            state.rule = "context"
            hits += self.context.hits(data, contexts, state.path)
        out = [self._match(data, hit, kinds) for hit in self._undocumented(data, _best(hits, self.rules))]
        if deeper and (decodes or wide):
            out += self._views(data, decodes, wide, state, depth, kinds, final)
        return out

    # ------------------------------------------------------------ stage 2 and 3
    def _stage2(self, data: bytes, index: int, ends: list[int], hits: list[Hit], state: _State) -> None:
        rule = self.rules[index]
        if (rule.include or rule.exclude) and not self._path_allowed(index, state.path):
            return
        state.rule = rule.id
        pattern = self._second.get(index)
        if pattern is None:
            import regex

            pattern = self._second[index] = regex.compile(rule.pattern.encode())
        most = rule.width[1]
        done = -1
        seen: set[tuple[int, int]] = set()
        for end in sorted(set(ends)):
            position = max(done + 1, end - most)
            limit = min(len(data), end + most + 256)
            while position <= end:
                try:
                    found = pattern.search(data, position, limit, timeout=TIMEOUT)
                except TimeoutError:
                    state.incidents.append(f"rule {rule.id} ran out of time at byte {position}")
                    break
                if found is None or found.start() > end:
                    break
                self._found(data, index, found, hits, seen, state.path)
                position = found.start() + 1
            done = max(done, min(position, end) - 1)

    def _found(
        self, data: bytes, index: int, found: Any, hits: list[Hit], seen: set[tuple[int, int]], path: str
    ) -> None:
        span = found.span("secret")
        if span in seen or span[0] == span[1]:
            return
        seen.add(span)
        rule = self.rules[index]
        groups = {k: v for k, v in found.groupdict().items() if v is not None and k != "secret"}
        name = groups.get("name", b"")
        candidate = Candidate(data, span[0], span[1], name, groups, path)
        confidence = self._judge(index, candidate)
        if not confidence:
            return
        facts = dict(candidate.facts)
        for group in rule.groups:
            if group in groups:
                facts[group] = groups[group].decode("utf-8", "replace")[:200]
        reasons = ("its own structure proves it",) if confidence == Confidence.CERTAIN else ()
        hits.append(
            Hit(
                index, found.start(), found.end(), span[0], span[1], confidence,
                name.decode("latin-1"), tuple(facts.items()), reasons,
            )
        )

    def _judge(self, index: int, candidate: Candidate) -> int:
        """The confidence the gates leave a candidate with; 0 if one of them rejects it."""
        gates = self._gates.get(index)
        if gates is None:
            gates = self._gates[index] = _bind(self.rules[index])
        confidence = self.rules[index].confidence
        for gate, args, kwargs in gates:
            verdict = gate(candidate, *args, **kwargs)
            if verdict == Verdict.REJECT:
                return 0
            if verdict == Verdict.PROVEN:
                confidence = int(Confidence.CERTAIN)
        return confidence

    def _path_allowed(self, index: int, path: str) -> bool:
        pair = self._paths.get(index)
        if pair is None:
            from leakguard.globs import compile_globs

            rule = self.rules[index]
            pair = self._paths[index] = (
                compile_globs(rule.include) if rule.include else None,
                compile_globs(rule.exclude) if rule.exclude else None,
            )
        include, exclude = pair
        return (include is None or include(path)) and (exclude is None or not exclude(path))

    # ------------------------------------------------------------ views
    def _views(
        self,
        data: bytes,
        decodes: list[tuple[str, int]],
        wide: list[decode.View],
        state: _State,
        depth: int,
        kinds: tuple[str, ...],
        final: bool,
    ) -> list[tuple[Match, tuple[int, ...]]]:
        runs = decode.views(data, decodes, final)
        if depth == 0 and runs.cut >= 0:
            state.cut = runs.cut
        out: list[tuple[Match, tuple[int, ...]]] = []
        for view in (*wide, *runs.views):
            state.views += 1
            state.view_bytes += len(view.data)
            if state.view_bytes > 8 * (len(data) if depth == 0 else decode.MAX_VIEW) + decode.MAX_VIEW:
                state.incidents.append(f"decoded text grew past its bound at byte {view.start}")
                break
            for match, rank in self._buffer(view.data, state, depth + 1, (*kinds, view.kind), True):
                start, end = view.raw(match.start, match.end)
                secret_start, secret_end = view.raw(match.secret_start, match.secret_end)
                placed = match._replace(start=start, end=end, secret_start=secret_start, secret_end=secret_end)
                out.append((placed, rank))
        return out

    def _undocumented(self, data: bytes, hits: list[Hit]) -> list[Hit]:
        """The hits without documented example values, or with these marked if they were asked for."""
        if not hits:
            return hits
        from leakguard.detect.examples import source_of

        out = []
        for hit in hits:
            source = source_of(data[hit.secret_start : hit.secret_end])
            if not source:
                out.append(hit)
            elif self.include_examples:
                out.append(hit._replace(confidence=int(Confidence.LOW), reasons=(f"example: {source}",)))
        return out

    def _match(self, data: bytes, hit: Hit, kinds: tuple[str, ...]) -> tuple[Match, tuple[int, ...]]:
        secret = data[hit.secret_start : hit.secret_end]
        match = Match(
            rule=hit.rule,
            start=hit.start,
            end=hit.end,
            secret_start=hit.secret_start,
            secret_end=hit.secret_end,
            confidence=hit.confidence,
            view=kinds,
            key=blake2b(secret, key=self.fingerprint_key, digest_size=16).digest(),
            length=len(secret),
            name=hit.name,
            facts=hit.facts,
            reasons=hit.reasons,
            secret=secret if self.keep_secrets else None,
        )
        return match, (*_rank(hit, self.rules)[:3], len(secret), -len(kinds))


class _State:
    """What one scan of a buffer carries along: where it is, and what it could not do."""

    __slots__ = ("cut", "incidents", "path", "rule", "size", "view_bytes", "views")

    def __init__(self, path: str, size: int) -> None:
        self.path = path
        self.size = size
        self.rule = ""
        self.cut = -1
        self.views = 0
        self.view_bytes = 0
        self.incidents: list[str] = []


def _bind(rule: Rule) -> list[tuple[Callable[..., Verdict], tuple[Any, ...], dict[str, Any]]]:
    """A rule's gates with their parameters, the placeholder gate first unless the rule switched it off."""
    gates = list(rule.gates)
    if not any(name == "not_placeholder" for name, _ in gates):
        gates.insert(0, ("not_placeholder", True))
    bound: list[tuple[Callable[..., Verdict], tuple[Any, ...], dict[str, Any]]] = []
    for name, value in gates:
        if value is False:
            continue
        function = load(name)
        if isinstance(TABLE[name][2], dict):
            bound.append((function, (), dict(value)))
        elif value is True:
            bound.append((function, (), {}))
        else:
            bound.append((function, (value,), {}))
    return bound


def _rank(hit: Hit, rules: Sequence[Rule]) -> tuple[int, int, int, int, int]:
    rule = rules[hit.rule]
    return (
        int(hit.confidence == Confidence.CERTAIN),
        int(not rule.generic),
        hit.confidence,
        hit.secret_end - hit.secret_start,
        -hit.rule,
    )


def _best(hits: list[Hit], rules: Sequence[Rule]) -> list[Hit]:
    """Of hits whose secrets overlap the best one. A hit yields to any better one it overlaps, whether or not
    that one yields itself: so the outcome depends on near neighbours only, and not on windows."""
    if len(hits) < 2:
        return hits
    return [hit for hit, _ in _drop([(hit, _rank(hit, rules)) for hit in hits])]


def _settle(found: list[tuple[Match, tuple[int, ...]]]) -> list[tuple[Match, tuple[int, ...]]]:
    """The same over all views of a buffer: a raw match wins over its decoded echo."""
    return _drop(found) if len(found) > 1 else found


_T = TypeVar("_T", Hit, Match)


def _drop(items: list[tuple[_T, tuple[int, ...]]]) -> list[tuple[_T, tuple[int, ...]]]:
    items.sort(key=lambda item: (item[0].secret_start, item[0].secret_end, item[1]))
    longest = max(item[0].secret_end - item[0].secret_start for item in items)
    out = []
    for i, (one, rank) in enumerate(items):
        beaten = False
        j = i - 1
        while j >= 0 and items[j][0].secret_start > one.secret_start - longest - 1:
            other, other_rank = items[j]
            if other.secret_end > one.secret_start and (other_rank, -j) > (rank, -i):
                beaten = True
                break
            j -= 1
        j = i + 1
        while not beaten and j < len(items) and items[j][0].secret_start < one.secret_end:
            beaten = (items[j][1], -j) > (rank, -i)
            j += 1
        if not beaten:
            out.append((one, rank))
    return out
