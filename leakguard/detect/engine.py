"""The engine: bytes in, matches out. The hot loop of everything leakguard does.

Stage 1 is one hyperscan pass that says only which trigger ended where. Stage 2 runs that rule's pattern with
`regex`, with a time limit, over a window before and after the end, and takes the group `secret`. Stage 3 asks the
gates. Values without a shape of their own come from context.py, decoded text from decode/; both join here.

Laws (tests/detect/test_engine.py): the cold path, the warm path, windows of any size and any number of workers
give the same matches; whether a match is reported depends on no more than REACH bytes around it.

Never prints, logs or keeps what it scans. One Engine may be used by many threads: each has its own scratch. An
error inside is an EngineError without a cause or context, because the frames below hold the scanned bytes. What is
only needed once something fired is imported then: most files of most runs are clean.
Imported by pipeline.py, hook.py and redact/.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, cached_property, partial
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from leakguard.detect.borders import FARTHEST
from leakguard.detect.columns import CODE, FOLD_LIMIT, PACKS, fold_hits
from leakguard.detect.hits import UNDOCUMENTED, Found, Hit, best, rank_of, settle
from leakguard.detect.stage1 import CONTEXT_BASE, DECODE_BASE, PHRASE_BASE, TEXT_BASE, Ends, Stage1
from leakguard.errors import EngineError
from leakguard.hashes import blake2b
from leakguard.model import ABOUT, MAX_MATCH, Confidence, Match, Rule, RuleSet, Venue

if TYPE_CHECKING:
    from leakguard.detect.context import Context
    from leakguard.detect.decode import Runs, View
    from leakguard.detect.gates import Candidate, Verdict
    from leakguard.detect.prepared import Prepared

MAX_DEPTH = 4
"""Encodings within encodings that are undone."""

MOST_DECODED = 8 * 1024 * 1024
"""Bytes that all views of a buffer may have together, beside eight times its own."""

_WORD = re.compile(rb"[a-z]{3,}")
_HEX = b"0123456789abcdefABCDEF"

_REJECT, _PROVEN = 0, 2  # gates.Verdict, which is imported when there is something to judge

REACH = 64 * 1024
"""Bytes around a match that may decide about it. Windows overlap by this much on either side."""

TIMEOUT = 1.0
"""Seconds one second-stage search may take. Running into it is reported, never swallowed."""


KEY_FILES = (
    ".key", ".keys", "key.txt", "keys.txt", ".api", ".apikey", ".secret", "_key", "_secret", "_passphrase", "-key", "-secret",
    "-passphrase", "secret.txt", "passphrase.txt",
    "chap-secrets", "pap-secrets", "davfs2/secrets", "davfs2.secrets", "davfs2_secrets", "auth.txt", "vpn-auth", "auth.conf", "login.conf",
    "userpass.txt", "user-pass.txt", "credentials.txt", "creds.txt", "rsyncd.secrets", "deluge/auth", "passwordfile", "mosquitto.passwd",
    "sasl-pwdb", ".user", "sasl_passwd", "passwd.client", "smtpd/secrets", "opensmtpd-secrets", "users.properties", "realm.properties",
    "userlist.txt", "eap_user", "basic_auth.csv", "basic-auth.csv", "known_tokens.csv", "token_auth.csv", "tokens.csv", ".psk", ".cookie",
    "_password", "-password", ".password", "_passwd", "-passwd", "_pass", "-pass", "password.txt", "passwd.txt", "pass.txt", "pw.txt",
    "ldap.secret",
)  # fmt: skip
"""Files of trading libraries that are a key on one line and its secret on the next, without a name: kraken.key. And files that
hold a value alone, and are called as it would be: /run/secrets/venue_api_key. And those that loginfiles.py reads."""

KEY_FILE_SIZE = 8192

NOTE_FILES = (".txt",)
NOTE_FILE_SIZE = 1024
MOST_NOTE_LINES = 4
"""Notes that hold nothing but a key and its secret, and say by their name whose: bybit.txt."""

ROW_FILES = (".csv", ".tsv", ".tab", ".txt", ".sql", ".tex", ".wiki", ".mediawiki", ".md", ".markdown", ".org")
"""Files that people keep notes and tables in: their rows may be a venue, a key and its secret, without a head."""

ROW_FILE_SIZE = 256 * 1024
"""Of a larger one only what a head or a name tells of is found."""

BARE_FILES = KEY_FILES + ROW_FILES

_CELL = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz+/=_:-"
_IN_CELLS = bytes(120 if byte in _CELL else 32 for byte in range(256))
_LONG_CELL = b"x" * 20
_DIGIT = re.compile(rb"[0-9]")
"""What a row with a secret has somewhere: twenty bytes of a cell, and a digit in it, as lines under headings have not. Most notes
have none, and nothing more need be imported for them."""


_DECODED = MAX_MATCH
"""Added to the length, in its rank, of what is found in a value put back: a digit string is what hides it, and no rival."""

_Long = tuple[int, int, bool]
"""A run that a window may not hold: see decode.Runs.long."""


class Scan(NamedTuple):
    """What one buffer gave. `cut`: where a run begins that the next core must begin with (-1: there is none)."""

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
        *,
        keep_secrets: bool = False,
        decode_depth: int = MAX_DEPTH,
        include_examples: bool = False,
    ) -> None:
        self.ruleset = ruleset
        self.rules = ruleset.rules
        self.stage1 = stage1
        self.fingerprint_key = fingerprint_key
        self.keep_secrets = keep_secrets
        self.decode_depth = decode_depth
        self.include_examples = include_examples
        self._second: dict[int, Any] = {}
        self._gates: dict[int, list[tuple[Callable[..., Verdict], tuple[Any, ...], dict[str, Any]]]] = {}
        self._near: dict[int, tuple[tuple[bytes, ...], int, int]] = {}
        self._paths: dict[int, tuple[Callable[[str], bool] | None, Callable[[str], bool] | None]] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        """For worker processes that cannot be forked: what was made on the way is made again."""
        own = (self.ruleset, self.stage1, self.fingerprint_key)
        return _remade, (*own, self.keep_secrets, self.decode_depth, self.include_examples)

    @cached_property
    def context(self) -> Context:
        """Who says whose a value is; made when the first one asks."""
        from leakguard.detect.context import Context

        return Context(self.ruleset, self._judge, self.stage1.names, self.prepared)

    @cached_property
    def prepared(self) -> Prepared:
        """What the rules say as a whole."""
        from leakguard.detect.prepared import prepared

        return prepared(self.ruleset)

    @cached_property
    def paired(self) -> frozenset[str]:
        """Ids of the rules that are part of a set."""
        return frozenset(self.prepared.paired)

    def venue(self, provider: str) -> Venue | None:
        """A provider as its pack describes it."""
        place = self.prepared.venues.get(provider)
        return None if place is None else self.ruleset.venues[place]

    def warm(self) -> None:
        """Imports and makes what a scan of many files is going to need. For who forks: what is made before is made once,
        and on two threads of one core twice takes longer than once."""
        from contextlib import suppress

        from leakguard.detect import decode, inplace, phrases, searches  # noqa: F401
        from leakguard.detect.gates import basic, likeness, words  # noqa: F401

        searches.ready()
        self.context  # noqa: B018 - it is made when it is asked for
        if self.prepared.ids:
            with suppress(ImportError):  # a text that needs the lists is going to fail, and be told
                words.ascii_words()

    # ------------------------------------------------------------ the way through one buffer
    def scan(
        self,
        data: bytes,
        path: str = "",
        final: bool = True,
        *,
        size: int | None = None,
        core_end: int | None = None,
        reach: int = REACH,
        given: Ends | None = None,
    ) -> Scan:
        """All matches in `data`. `path` decides path filters and hints (`Origin.told`); `final`: data ends where its object ends;
        `size` is that of the whole object if `data` is a window of it, `core_end` where the next window's core would
        begin, and `reach` how much of this one it would see. `given`: the ends to judge, folds among them, in place of
        those that stage 1 would find (reuse.py)."""
        state = _State(path, len(data) if size is None else size, 8 * len(data) + MOST_DECODED, given)
        failure = ""
        items: list[Found] = []
        long: list[_Long] = []
        try:
            items, long = self._buffer(data, state, 0, ())
        except (EngineError, MemoryError, KeyboardInterrupt):
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, its frames hold the scanned bytes
            failure = type(error).__name__
        if failure:  # out here, where the error is no longer the context of the one that is raised
            raise EngineError(state.rule, failure)
        cut = -1 if final else _cut(long, len(data), len(data) if core_end is None else core_end, reach)
        return Scan([match for match, _ in items], cut, state.views, state.view_bytes, state.incidents)

    def _buffer(
        self, data: bytes, state: _State, depth: int, kinds: tuple[str, ...]
    ) -> tuple[list[Found], list[_Long]]:
        """The matches of one buffer and of the views in it, and the long runs in it."""
        deeper = depth < self.decode_depth
        given = state.given if depth == 0 else None
        ends = self.stage1.scan(data, deeper) if given is None else given
        wide: Iterable[View] = ()
        if deeper and 0 in data:
            from leakguard.detect.utf16 import wide_views

            wide = list(wide_views(data))
        folded = deeper and depth == 0 and given is None and state.size <= FOLD_LIMIT and not state.path.endswith(CODE)
        folds = fold_hits(data) if folded else []
        whole = depth == 0 or (depth == 1 and kinds[0].startswith("utf-16"))
        listed, rowed = self._bare(data, state) if whole and state.path.endswith(BARE_FILES) else (False, False)
        if not ends and not wide and not folds and not listed and not rowed:
            return [], []
        by_rule: dict[int, list[int]] = {}
        contexts: list[tuple[int, int]] = []
        decodes = folds
        places = [end for ident, end in ends if ident >= PHRASE_BASE]  # of prose all are, and of most texts most
        for ident, end in ends if len(places) < len(ends) else ():
            if ident >= PHRASE_BASE:
                continue
            if ident < CONTEXT_BASE:
                by_rule.setdefault(ident, []).append(end)
            elif ident < DECODE_BASE:
                contexts.append((ident - CONTEXT_BASE, end))
            else:
                decodes.append((_kind_of_run(ident), end))
        hits: list[Hit] = []
        if by_rule:
            self._share(by_rule, data)
        for index in sorted(by_rule):
            self._stage2(data, index, by_rule[index], hits, state)
        hits = self._named(data, hits, state)
        if contexts or listed or rowed:
            state.rule = "context"
            hits += self.context.hits(data, contexts, state.told, listed, rowed)
            hits = _told_apart(hits, self.rules)
        hits += self._phrases(data, places, state)
        out = [self._match(data, hit, kinds) for hit in self._undocumented(data, best(hits, self.rules))]
        if decodes and state.path.endswith(PACKS):
            decodes = [hit for hit in decodes if hit[0] != "packed zlib"]
        if deeper and (decodes or wide):
            from leakguard.detect.decode import Runs

            return self._views(Runs(data, decodes), wide, out, state, depth=depth, kinds=kinds)
        return out, []

    def _bare(self, data: bytes, state: _State) -> tuple[bool, bool]:
        """Whether the lines of a file may be a key and its secret, and whether its rows may be. The size of the whole file
        decides: of a large one each window finds the same."""
        listed = state.path.endswith(KEY_FILES) and state.size <= KEY_FILE_SIZE
        listed = listed or (state.path.endswith(NOTE_FILES) and state.size <= NOTE_FILE_SIZE and data.count(b"\n") <= MOST_NOTE_LINES)
        small = state.path.endswith(ROW_FILES) and state.size <= ROW_FILE_SIZE
        return listed, small and _has_cell(data) and bool(self.stage1.names(data))

    def _share(self, by_rule: dict[int, list[int]], data: bytes) -> None:
        """Gives the ends of a trigger to all rules that have it; drops those of a run of base58 digits that are hex digits
        throughout: hashes, which logs are full of. Of keys with so many digits not one in 10^25 is without another."""
        for group, run in self.prepared.twins:
            ends = [end for index in group if index in by_rule for end in by_rule[index]]
            if ends and run:
                ends = [end for end in ends if data[end - run : end].translate(None, _HEX)]
            for index in group:
                by_rule.pop(index, None)
                if ends:
                    by_rule[index] = ends

    def _named(self, data: bytes, hits: list[Hit], state: _State) -> list[Hit]:
        """The hits of patterns, those that say no more than where they are sent as whose host that is."""
        if not any(fact == "host" for hit in hits for fact, _ in hit.facts):
            return hits
        state.rule = "context"
        return self.context.owned(data, hits)

    def _phrases(self, data: bytes, places: list[int], state: _State) -> list[Hit]:
        """The phrases that nothing need name."""
        if not places:
            return []
        from leakguard.detect.phrases import find

        state.rule = "phrases"
        out = []
        for found in find(data, places):
            index = self._phrase_rules.get(found.scheme)
            if index is not None:
                span = (found.start, found.end)
                facts = (("words", str(found.words)), ("language", found.language))
                reasons = ("its own structure proves it",)
                out.append(Hit(index, *span, *span, int(Confidence.CERTAIN), "", facts, reasons))
        return out

    @cached_property
    def _phrase_rules(self) -> dict[str, int]:
        """The index of each scheme's rule in force."""
        from leakguard.detect import phrases

        indexes = self.prepared.ids
        return {scheme: indexes[rule] for scheme, rule in phrases.RULES.items() if rule in indexes}

    # ------------------------------------------------------------ stage 2 and 3
    def _stage2(self, data: bytes, index: int, ends: list[int], hits: list[Hit], state: _State) -> None:
        rule = self.rules[index]
        if (rule.include or rule.exclude) and not self._path_allowed(index, state.path):
            return
        state.rule = rule.id
        places = self._where_named(data, index, sorted(set(ends)))
        if not places:
            return
        pattern = self._second.get(index)
        if pattern is None:
            from leakguard.detect.searches import search_of

            pattern = self._second[index] = search_of(rule.pattern)
        most = rule.width[1]
        position = behind = 0
        seen: set[tuple[int, int]] = set()
        for end, following in zip(places, (*places[1:], len(data)), strict=True):
            position = max(position, end - most)
            # `limit` ends the text for the pattern, so it lies beyond all that could match; farther where ends are
            # dense, or a text full of ends and without a match would be searched once for each of them
            limit = end + most + 256 + (most if following - end < most // 4 else 0)
            led = False
            while position <= end:
                try:
                    found = pattern.search(data, position, limit, timeout=TIMEOUT)
                except TimeoutError:
                    # once is enough: a text that does this does it at every end
                    state.incidents.append(f"rule {rule.id} ran out of time at byte {position} and was given up")
                    return
                if found is None or found.start() > end:
                    position = limit - most + 1 if found is None else min(found.start(), limit - most + 1)
                    break
                self._found(data, index, found, hits, seen=seen, path=state.path)
                position = found.start() + 1
                led = True
            if not led and behind <= end:
                behind = self._glued(data, index, max(behind, end - min(most, FARTHEST)), end, limit, hits, seen=seen, state=state)

    def _glued(
        self, data: bytes, index: int, begin: int, end: int, limit: int, hits: list[Hit], *, seen: set[tuple[int, int]], state: _State
    ) -> int:
        """Looks again at an end that led to nothing, with escapes read as the borders that they stand for. Where the next look
        begins; it is beyond all texts if this one took too long."""
        from leakguard.detect.borders import glued

        rule = self.rules[index]
        try:
            found, behind = glued(partial(self._second[index].search, timeout=TIMEOUT), data, max(0, begin), end, limit, rule.width[1])
        except TimeoutError:
            state.incidents.append(f"rule {rule.id} ran out of time at byte {begin} and was given up")
            return len(data) + 1
        for match, shift in found:
            self._found(data, index, match, hits, seen=seen, path=state.path, shift=shift)
        return behind

    def _where_named(self, data: bytes, index: int, ends: list[int]) -> list[int]:
        """The ends of a rule but for those around which none of the words stands that its gate `near` is going to ask for: of
        most rules that have that gate nearly all, and to look for a word takes a hundredth of a search."""
        asked = self._near.get(index)
        if asked is None:
            asked = self._near[index] = _asks_for(self.rules[index])
        words, before, after = asked
        if not words:
            return ends
        return [end for end in ends if (text := data[max(0, end - before) : end + after].lower()) and any(word in text for word in words)]

    def _found(
        self, data: bytes, index: int, found: Any, hits: list[Hit], *, seen: set[tuple[int, int]], path: str, shift: int = 0
    ) -> None:
        """Judges what the pattern found, `shift` bytes into `data`."""
        start, end = found.span("secret")
        span = (start + shift, end + shift)
        if span in seen or span[0] == span[1]:
            return
        seen.add(span)
        rule = self.rules[index]
        groups = {k: v for k, v in found.groupdict().items() if v is not None and k != "secret"}
        name = groups.get("name", b"")
        from leakguard.detect.gates import Candidate

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
                index,
                found.start() + shift,
                found.end() + shift,
                span[0],
                span[1],
                confidence,
                name.decode("latin-1"),
                tuple(facts.items()),
                reasons,
            )
        )

    def _judge(self, index: int, candidate: Candidate) -> int:
        """The confidence the gates leave a candidate with; 0 if one of them rejects it."""
        gates = self._gates.get(index)
        if gates is None:
            gates = self._gates[index] = _bind(self.rules[index])
        confidence = self.rules[index].confidence
        for gate, args, kwargs in gates:
            verdict = int(gate(candidate, *args, **kwargs))
            if verdict == _REJECT:
                return 0
            if verdict == _PROVEN:
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
        path = path.rpartition(ABOUT)[2]
        return (include is None or include(path)) and (exclude is None or not exclude(path))

    # ------------------------------------------------------------ views
    def _views(
        self,
        runs: Runs,
        wide: Iterable[View],
        own: list[Found],
        state: _State,
        *,
        depth: int,
        kinds: tuple[str, ...],
    ) -> tuple[list[Found], list[_Long]]:
        """A buffer's own matches together with those of its views, in the buffer's offsets; and its long runs."""
        groups: list[list[Found]] = [own]
        packed: list[int] = []
        long: list[_Long] = []
        from leakguard.detect.inplace import put_back, within

        for view in chain(wide, put_back(runs)):
            state.views += 1
            state.view_bytes += len(view.data)
            if view.clipped and view.data:
                state.incidents.append(f"what is packed at byte {view.start} is longer than {len(view.data)} bytes")
            elif view.clipped:
                state.incidents.append(f"packed data seems to begin in too many places: not tried from byte {view.start} on")
            if state.view_bytes > state.most or state.exhausted:
                if not state.exhausted:
                    state.incidents.append(f"decoded text grew past its bound of {state.most} bytes")
                state.exhausted = True
                break
            # what else is encoded around a value put back was decoded where it stands
            level = self.decode_depth if view.kept else depth + 1
            found, inner = self._buffer(view.data, state, level, (*kinds, view.kind))
            if view.kept:
                found = [(m, (*r[:3], r[3] + _DECODED, *r[4:])) for m, r in found if within(view.kept, m.secret_start, m.secret_end)]
            if found:
                if not view.breaks:
                    packed.append(len(groups))
                groups.append([(_placed(match, view), rank) for match, rank in found])
            if view.breaks:
                long += [(*view.raw(start, stop), spread) for start, stop, spread in inner]
        return (settle(groups, packed) if len(groups) > 1 else own), long + runs.long

    def _undocumented(self, data: bytes, hits: list[Hit]) -> list[Hit]:
        """The hits without documented example values, or with these marked if they were asked for."""
        if not hits:
            return hits
        from leakguard.detect.examples import source_of

        out = []
        for hit in hits:
            value = data[hit.secret_start : hit.secret_end]
            source = source_of(value)
            if not source and self.rules[hit.rule].part == "mnemonic":
                # a phrase is the same one in a list, with numbers, one word a line
                source = source_of(b" ".join(_WORD.findall(value.lower())))
            if not source:
                out.append(hit)
            elif self.include_examples:
                out.append(hit._replace(confidence=int(Confidence.LOW), reasons=(f"example: {source}",)))
        return out

    def _match(self, data: bytes, hit: Hit, kinds: tuple[str, ...]) -> Found:
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
        return match, (*rank_of(hit, self.rules)[:3], len(secret), -len(kinds))


def _told_apart(hits: list[Hit], rules: Sequence[Rule]) -> list[Hit]:
    """The hits, with what has a form that nobody's in particular is (a JWT) as the provider's whom its variable names: of the
    two hits on such a value the surer one would stay, and no longer say whose it is."""
    named = {(hit.secret_start, hit.secret_end): hit for hit in hits if UNDOCUMENTED in hit.reasons}
    if not named:
        return hits
    out = []
    for hit in hits:
        owner = named.get((hit.secret_start, hit.secret_end)) if rules[hit.rule].part == "jwt" and rules[hit.rule].generic else None
        out.append(hit if owner is None else hit._replace(rule=owner.rule, name=owner.name, reasons=owner.reasons))
    return out


@cache
def _kind_of_run(ident: int) -> str:
    """What a trigger of decode/ says is there."""
    from leakguard.detect.decode import TEXT_TRIGGERS, TRIGGERS

    return TRIGGERS[ident - DECODE_BASE][0] if ident < TEXT_BASE else TEXT_TRIGGERS[ident - TEXT_BASE][0]


def _has_cell(data: bytes) -> bool:
    """Whether a cell of a row could be a secret. A search for one byte repeated is several times as fast as one for a class."""
    cells = data.translate(_IN_CELLS)
    start = cells.find(_LONG_CELL)
    while start >= 0:
        end = cells.find(b" ", start)
        end = len(data) if end < 0 else end
        if _DIGIT.search(data, start, end):
            return True
        start = cells.find(_LONG_CELL, end)
    return False


def _remade(ruleset: RuleSet, stage1: Stage1, key: bytes, *more: Any) -> Engine:
    keep_secrets, decode_depth, include_examples = more
    return Engine(
        ruleset, stage1, key, keep_secrets=keep_secrets, decode_depth=decode_depth, include_examples=include_examples
    )


class _State:
    """What one scan of a buffer carries along: where it is, and what it could not do."""

    __slots__ = ("exhausted", "given", "incidents", "most", "path", "rule", "size", "told", "view_bytes", "views")

    def __init__(self, path: str, size: int, most: int, given: Ends | None = None) -> None:
        self.given = given
        self.told = path
        """The path with what it is about."""
        self.path = path.rpartition(ABOUT)[2]
        self.size = size
        self.most = most
        """Bytes of all views together."""
        self.exhausted = False
        self.rule = ""
        self.views = 0
        self.view_bytes = 0
        self.incidents: list[str] = []


def _bind(rule: Rule) -> list[tuple[Callable[..., Verdict], tuple[Any, ...], dict[str, Any]]]:
    """A rule's gates with their parameters, the placeholder gate first unless the rule switched it off."""
    from leakguard.detect.gates import TABLE, load

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


def _asks_for(rule: Rule) -> tuple[tuple[bytes, ...], int, int]:
    """(words of which one has to be near, bytes before and after an end in which it then is) by a rule's gate `near`."""
    for name, value in rule.gates:
        if name == "near" and isinstance(value, Mapping):
            from leakguard.detect.gates.basic import NEAR_AFTER, NEAR_BEFORE

            most = rule.width[1]
            words = tuple([str(word).lower().encode() for word in value["words"]])
            return words, most + value.get("before", NEAR_BEFORE), most + value.get("after", NEAR_AFTER)
    return (), 0, 0


def _placed(match: Match, view: View) -> Match:
    """A view's match with offsets of the buffer that the view is of."""
    start, end = view.raw(match.start, match.end)
    secret_start, secret_end = view.raw(match.secret_start, match.secret_end)
    return match._replace(start=start, end=end, secret_start=secret_start, secret_end=secret_end)


def _cut(long: list[_Long], size: int, core_end: int, reach: int) -> int:
    """Where the next core must begin: at the first run that the buffer's end cuts, or that goes on into the next
    core and begins before what the next window sees."""
    cuts = [
        start
        for start, stop, spread in long
        if stop >= size or (spread and stop > core_end and start < core_end - reach)
    ]
    return min(cuts, default=-1)
