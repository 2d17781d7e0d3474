"""The laws every rule is held to, as functions: packs in, problems out.

`check` runs all of it for `leakguard rules check`; LAWS is the same one by one for the tests. Texts come from the
seeded generator and go through the whole engine with every rule in force, so a rule is judged among its neighbours.
Never prints and reads no file; times only with `compile_times` and in the law of adversarial strings. Imported by
cli/rules.py and the tests, never by a scan.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import lru_cache
from random import Random
from typing import Any, NamedTuple

from leakguard.detect import rules as packs_of
from leakguard.detect.engine import TIMEOUT, Engine
from leakguard.detect.rules import Pack, Proof
from leakguard.detect.sample import Text, example_texts, near_text, sample
from leakguard.detect.stage1 import Compiled, Ends, compile_databases
from leakguard.errors import RulePackError, UsageError
from leakguard.model import Match, Rule, RuleSet

FLOOD = 64 * 1024
"""Bytes of an adversarial text."""
SECOND_STAGE = 0.25
"""Seconds that the second stage may take for one adversarial text."""
ONE_SEARCH = 20e-6
"""Seconds that a search costs whatever the pattern is: not the rule's fault, and not counted."""
ALL_STAGES = 2.0
"""The same with the gates: a proof may cost, but not as much as it likes."""
SAMPLES = 24
"""Strings made from a pattern, beside its examples, to try keywords and trigger on."""
RULES_PER_SECOND = 200
LARGEST_SHARE = 0.05


class Problem(NamedTuple):
    """What is wrong, and with what. `error`: the pack does not pass; else a warning."""

    file: str
    rule: str
    field: str
    message: str
    error: bool = True


class Report(NamedTuple):
    """The outcome of a check, and how much was looked at."""

    problems: tuple[Problem, ...]
    rules: int
    providers: int
    packs: int
    texts: int
    ruleset: RuleSet | None
    """What was in force; None if that could not be compiled."""

    @property
    def failed(self) -> bool:
        return any(problem.error for problem in self.problems)


class Bench:
    """Packs under test with an engine that runs all of their rules."""

    def __init__(self, packs: Sequence[Pack], ruleset: RuleSet) -> None:
        self.packs = packs
        self.ruleset = ruleset
        self.index = {rule.id: number for number, rule in enumerate(ruleset.rules)}
        self.proofs: dict[str, Proof] = {}
        for pack in packs:
            for rule in pack.rules:
                self.proofs[rule.id] = pack.proofs.get(rule.id, Proof(pack.file, (), ()))
        self.stage1 = Compiled(compile_databases(ruleset))
        self.engine = Engine(ruleset, self.stage1, keep_secrets=True)
        self.texts = 0
        self._poured: tuple[str, list[Text], list[Problem]] = ("", [], [])

    def scan(self, text: bytes) -> tuple[list[Match], list[str]]:
        self.texts += 1
        scan = self.engine.scan(text)
        return scan.matches, scan.incidents

    def poured(self, rule: Rule) -> tuple[list[Text], list[Problem]]:
        """The rule's examples in all their contexts, and what is wrong with their templates."""
        if self._poured[0] != rule.id:
            texts: list[Text] = []
            problems: list[Problem] = []
            for number, example in enumerate(self.proofs[rule.id].examples):
                try:
                    texts += example_texts(rule.id, number, example)
                except ValueError as error:
                    problems.append(self.problem(rule, "examples", f"example {number + 1}: {error}"))
            self._poured = (rule.id, texts, problems)
        return self._poured[1], self._poured[2]

    def problem(self, rule: Rule, field: str, message: str, error: bool = True) -> Problem:
        return Problem(self.proofs[rule.id].file, rule.id, field, message, error)


def bench(packs: Sequence[Pack]) -> Bench:
    """A Bench of packs whose ids are distinct. UsageError if they hold no rule."""
    return Bench(packs, packs_of.select(packs, "check", preview=True))


# ---------------------------------------------------------------- laws
def law_examples(bench: Bench, rule: Rule) -> Iterator[Problem]:
    """Every example is found in every context, by this rule, and exactly."""
    texts, problems = bench.poured(rule)
    yield from problems
    for text in texts:
        yield from example_problems(bench, rule, text)


def example_problems(bench: Bench, rule: Rule, text: Text) -> Iterator[Problem]:
    """The same for one text."""
    matches, incidents = bench.scan(text.data)
    where = f"example {text.number + 1}" + (f" in context {text.context}" if text.context else "")
    shown = f"\n    {_shown(text.data, text.start)}"
    for incident in incidents:
        yield bench.problem(rule, "examples", f"{where}: {incident}{shown}")
    own = [match for match in matches if match.rule == bench.index[rule.id]]
    over = [match for match in matches if match.secret_start < text.end and match.secret_end > text.start]
    if any(_exact(match, text) for match in own):
        for match in over:
            other = bench.ruleset.rules[match.rule]
            if other.provider != rule.provider:
                yield bench.problem(rule, "examples", f"{where}: {other.id} claims part of it too{shown}")
        return
    if any(match in over for match in own):
        match = next(match for match in own if match in over)
        got = f"{match.secret_start}..{match.secret_end}" + (f" by {'>'.join(match.view)}" if match.view else "")
        message = f"the secret is at {text.start}..{text.end}, found {got}"
    elif over:
        names = ", ".join(sorted({bench.ruleset.rules[match.rule].id for match in over}))
        message = f"found by {names} instead"
    else:
        message = "not found"
    yield bench.problem(rule, "examples", f"{where}: {message}{shown}")


def _exact(match: Match, text: Text) -> bool:
    """Whether a match is the example's secret: the same place, as it stands there or decoded; or the same value."""
    if match.view and match.secret == text.secret and match.secret_start < text.end and match.secret_end > text.start:
        return True
    values = (text.secret, text.data[text.start : text.end])
    return match.secret in values and (match.secret_start, match.secret_end) == (text.start, text.end)


def _shown(data: bytes, at: int = 0) -> str:
    low = max(0, at - 60)
    return ascii(data[low : low + 160].decode("latin-1"))


def law_near_misses(bench: Bench, rule: Rule) -> Iterator[Problem]:
    """No near miss is found by this rule."""
    for number, (template, why) in enumerate(bench.proofs[rule.id].near_misses):
        try:
            data = near_text(rule.id, number, template)
        except ValueError as error:
            yield bench.problem(rule, "near_misses", f"near miss {number + 1}: {error}")
            continue
        matches, _ = bench.scan(data)
        if any(match.rule == bench.index[rule.id] for match in matches):
            yield bench.problem(rule, "near_misses", f"near miss {number + 1} ({why}) is found\n    {_shown(data)}")


def law_keywords(bench: Bench, rule: Rule) -> Iterator[Problem]:
    """Every match of the pattern contains a keyword: the cold path would miss it otherwise."""
    if not rule.keywords or not rule.pattern:
        return
    words = [word.encode() for word in rule.keywords]
    for data, start, end in matched(bench, rule):
        low = data[start:end].lower()
        if not any(word in low for word in words):
            yield bench.problem(rule, "keywords", f"none of them is in the match {_shown(data[start:end])}")
            return


def law_trigger(bench: Bench, rule: Rule) -> Iterator[Problem]:
    """The first stage ends inside every match of the second."""
    if not rule.pattern:
        return
    own = bench.index[rule.id]
    for data, start, end in matched(bench, rule):
        if not any(ident == own and start < at <= end for ident, at in bench.stage1.scan(data, False)):
            yield bench.problem(rule, "trigger", f"it does not end inside the match {_shown(data[start:end])}")
            return


def matched(bench: Bench, rule: Rule) -> Iterator[tuple[bytes, int, int]]:
    """(text, start, end) of matches of a rule's pattern: in its examples, and in strings made from the pattern."""
    pattern = _compiled(rule.pattern)
    texts = [text.data for text in bench.poured(rule)[0]]
    rng = Random(f"{rule.id}:samples")
    texts += [b"\n%s\n" % sample(rule.pattern, rng) for _ in range(SAMPLES)]
    for data in texts:
        for found in pattern.finditer(data, timeout=TIMEOUT):
            yield data, found.start(), found.end()


@lru_cache(maxsize=64)
def _compiled(pattern: str) -> Any:
    import regex

    return regex.compile(pattern.encode())


def law_words(bench: Bench, rule: Rule) -> Iterator[Problem]:
    """A finding says what it means and what to do."""
    for field, text in (("why", rule.why), ("fix", rule.fix)):
        if not text.strip():
            yield bench.problem(rule, field, "missing: one sentence", error=False)


# ---------------------------------------------------------------- adversarial strings
def law_adversarial(bench: Bench, rule: Rule) -> Iterator[Problem]:
    """No text makes a rule slow: floods of its own prefix, of near matches, of matches."""
    seeds = _seeds(bench, rule)
    if rule.shape:
        yield from _slow_shape(bench, rule, seeds)
        return
    pattern, only = _compiled(rule.pattern), OneTrigger(rule.trigger)
    engine = Engine(RuleSet((rule,), (), (), "check"), only, decode_depth=0)

    def second_stage(text: bytes) -> float:
        return _second_stage(pattern, rule, only, text)

    def all_stages(text: bytes) -> float:
        started = time.thread_time()
        engine.scan(text)
        return time.thread_time() - started

    for kind, unit in floods(seeds):
        taken = _measured(second_stage, unit, rule, SECOND_STAGE)
        if taken > SECOND_STAGE:
            yield bench.problem(
                rule, "pattern", f"{kind} of 64 KiB keeps the second stage busy for {taken:.2f} s"
                f" (at most {SECOND_STAGE} s)\n    {_shown(unit)}",
            )  # fmt: skip
            return
        taken = _measured(all_stages, unit, rule, ALL_STAGES)
        if taken > ALL_STAGES:
            message = f"{kind} of 64 KiB takes {taken:.1f} s with the gates\n    {_shown(unit)}"
            yield bench.problem(rule, "gates", message, error=False)
            return


def _measured(measure: Callable[[bytes], float], unit: bytes, rule: Rule, bound: float) -> float:
    """Seconds that 64 KiB of a unit take: measured on less unless that comes near the bound, and then twice."""
    size = min(FLOOD, max(FLOOD // 16, 4 * rule.width[1]))
    taken = measure(_flood(unit, size)) * (FLOOD / size)
    if taken > bound / 2:
        text = _flood(unit, FLOOD)
        taken = min(measure(text), measure(text))
    return taken


def _flood(unit: bytes, size: int) -> bytes:
    return (unit * (size // len(unit) + 1))[:size]


class OneTrigger:
    """Stage 1 with one rule's trigger, numbered 0."""

    def __init__(self, trigger: str) -> None:
        import hyperscan

        self._database = hyperscan.Database()
        self._database.compile(expressions=[trigger.encode()], ids=[0], elements=1)
        self._scratch = hyperscan.Scratch(self._database)

    def scan(self, data: bytes, deep: bool) -> Ends:
        ends: Ends = []

        def on_match(ident: int, _start: int, end: int, _flags: int, _context: object) -> None:
            ends.append((ident, end))

        self._database.scan(data, match_event_handler=on_match, scratch=self._scratch)
        return ends

    def names(self, data: bytes) -> Ends:
        return []


def _seeds(bench: Bench, rule: Rule) -> list[tuple[bytes, int]]:
    """Matches to make floods from, with the offset in them where the secret starts."""
    if rule.shape:
        out = [(text.secret, 0) for text in bench.poured(rule)[0][:1]]
        rng = Random(f"{rule.id}:floods")
        return out + [(sample(rule.shape, rng), 0), (sample(rule.shape, rng, most=True), 0)]
    pattern = _compiled(rule.pattern)
    rng = Random(f"{rule.id}:floods")
    texts = [text.data for text in bench.poured(rule)[0][:1]]
    texts += [b"\n%s\n" % sample(rule.pattern, rng, most) for most in (False, True)]
    seeds = []
    for text in texts:
        try:
            found = pattern.search(text, timeout=SECOND_STAGE)
        except TimeoutError:
            found = None
        if found is not None and found.group():
            seeds.append((found.group(), found.start("secret") - found.start()))
        elif text.strip():
            seeds.append((text.strip(), 0))
    return seeds


def floods(seeds: Sequence[tuple[bytes, int]]) -> Iterator[tuple[str, bytes]]:
    """(what it is, unit to repeat): what a pattern almost, often, or endlessly matches."""
    done: set[bytes] = set()
    for seed, at in seeds:
        middle = seed[len(seed) // 2 : len(seed) // 2 + 1]
        for kind, unit in (
            ("a run of matches", seed),
            ("a list of matches", seed + b"\n"),
            ("a list of near matches", seed[:-1] + b"\x01"),
            ("a flood of prefixes", seed[: max(at, 4)]),
            ("a list of prefixes", seed[: max(at, 4)] + b" "),
            ("a flood of one character", middle),
            ("a prefix and a flood of one character", seed[: max(at, 4)] + middle * 4096),
            ("a prefix and a flood of spaces", seed[: max(at, 4)] + b" " * 4096),
        ):
            if unit and unit not in done:
                done.add(unit)
                yield kind, unit


def _second_stage(pattern: Any, rule: Rule, stage1: OneTrigger, text: bytes) -> float:
    """Seconds the second stage's searches take, as Engine walks from end to end, beyond what any search costs.

    Stops once it is too much: a catastrophic pattern would take days. Counts this thread's time, not the machine's.
    """
    ends = sorted({end for _, end in stage1.scan(text, False)})
    most = rule.width[1]
    started, calls, done = time.thread_time(), 0, -1
    for end in ends:
        position = max(done + 1, end - most)
        while position <= end:
            calls += 1
            taken = time.thread_time() - started - calls * ONE_SEARCH
            if taken > SECOND_STAGE:
                return taken
            try:
                found = pattern.search(text, position, min(len(text), end + most + 256), timeout=2 * SECOND_STAGE)
            except TimeoutError:
                return time.thread_time() - started
            if found is None or found.start() > end:
                break
            position = found.start() + 1
        done = max(done, min(position, end) - 1)
    return max(0.0, time.thread_time() - started - calls * ONE_SEARCH)


def _slow_shape(bench: Bench, rule: Rule, seeds: list[tuple[bytes, int]]) -> Iterator[Problem]:
    """A shape is tried once per value, and 64 KiB hold so many values of its size."""
    shape = _compiled(rule.shape)
    longest = min(rule.width[1], 1024)  # context.py cuts no longer values out
    for kind, unit in floods(seeds):
        for size in {longest, max(longest - 1, 1), max(rule.width[0], 1)}:
            value = _flood(unit, size)
            calls = FLOOD // size + 1
            taken = min(_time_shape(shape, value), _time_shape(shape, value)) * calls - calls * ONE_SEARCH
            if taken > SECOND_STAGE:
                yield bench.problem(
                    rule, "shape", f"{kind} of 64 KiB keeps the second stage busy for {taken:.2f} s"
                    f" (at most {SECOND_STAGE} s)\n    {_shown(value)}",
                )  # fmt: skip
                return


def _time_shape(shape: Any, value: bytes) -> float:
    started = time.thread_time()
    try:
        shape.fullmatch(value, timeout=SECOND_STAGE)
    except TimeoutError:
        return SECOND_STAGE
    return time.thread_time() - started


LAWS: Mapping[str, Callable[[Bench, Rule], Iterator[Problem]]] = {
    "examples": law_examples,
    "near-misses": law_near_misses,
    "keywords": law_keywords,
    "trigger": law_trigger,
    "words": law_words,
    "adversarial": law_adversarial,
}
"""Each holds for every rule by itself."""


# ---------------------------------------------------------------- laws of packs
def pack_problems(packs: Sequence[Pack]) -> Iterator[Problem]:
    """What is wrong with packs side by side: ids, providers and patterns twice, sets of rules that are not there."""
    ids: dict[str, str] = {}
    patterns: dict[str, str] = {}
    providers: dict[str, str] = {}
    every = {rule.id for pack in packs for rule in pack.rules}
    for pack in packs:
        provider = pack.venue.provider
        if providers.setdefault(provider, pack.file) != pack.file:
            yield Problem(pack.file, "pack", "provider", f"{provider} is already in {providers[provider]}")
        for rule in pack.rules:
            if rule.id in ids:
                yield Problem(pack.file, rule.id, "id", f"already defined in {ids[rule.id]}")
            ids.setdefault(rule.id, pack.file)
            if rule.pattern and patterns.setdefault(rule.pattern, rule.id) != rule.id:
                yield Problem(pack.file, rule.id, "pattern", f"the same as that of {patterns[rule.pattern]}")
            if rule.replaced_by and rule.replaced_by not in every:
                yield Problem(pack.file, rule.id, "replaced_by", _no_such(rule.replaced_by, every))
        for item in pack.sets:
            for role, filling in item.parts:
                for ident in filling:
                    if ident not in every:
                        yield Problem(pack.file, item.id, f"parts: {role}", _no_such(ident, every))
        yield from _venue_problems(pack, packs)


def _no_such(ident: str, every: set[str]) -> str:
    near = get_close_matches(ident, sorted(every), 1)
    return f"no rule {ident}" + (f"; {near[0]}?" if near else "")


def _venue_problems(pack: Pack, packs: Sequence[Pack]) -> Iterator[Problem]:
    venue = pack.venue
    if not venue.references and not any(rule.generic for rule in pack.rules):
        yield Problem(pack.file, "pack", "references", "missing: where the formats are documented", error=False)
    if not any(rule.shape and not rule.generic for rule in pack.rules):
        return  # aliases are not looked at
    for alias in venue.aliases:
        if alias in COMMON_WORDS:
            yield Problem(
                pack.file, "pack", "aliases", f"{alias!r} is a common word: its mere presence would name"
                f" {venue.title}; combine it ({alias} api, {alias}io ...)", error=False,
            )  # fmt: skip
        for other in packs:
            if other is not pack and alias in other.venue.aliases and other.file < pack.file:
                yield Problem(pack.file, "pack", "aliases", f"{alias!r} names {other.venue.provider} too", error=False)


# Words that stand in code, configuration and logs without naming anybody.
COMMON_WORDS = frozenset(
    """
    access account action active admin agent air alert alias amount analytics any api app apple apply archive area arm
    array article asset async atom audio audit auth auto aware back backend balance bank base basic batch beam bench
    beta bind bit block blue board body book boot bot box branch brave bridge browser buddy buffer build bulk bus
    button byte cache call canvas card cargo case cast cell chain channel chart chat check circle class clean clear
    client clock close cloud cluster code coin cold color column command comment commit common compass complete config
    connect console content context control cookie copy core count cover create credit cross crypto cursor custom
    cycle daily dash data database date day debug deep default delta demo deploy desk dev device digital direct disk
    dispatch doc docs domain door down draft drift drive drone drop dynamic early east easy echo edge edit elastic
    element email empty end engine entry env error event every exchange expert express fast feature feed field figure
    file filter final find fire first flag flash flex float flow fly focus folder font force form format forward found
    frame free front full function future game gate gateway gem general get gift glass global go gold grand graph
    green grid group guard guide hand handle hash head heap height help hero hex high home honey hook host hot hour
    house hub hyper icon id idea image in inbox index info ink input insert instance intercom item job join json key
    kit label lab last launch layer lead leap learn level light limit line linear link list live load local location
    lock log logic login long loop mail main make manifest map mark market master match maze member memory mesh
    message meta meter method metric micro mind mint mirror mixed mobile mode model modern module monday money monitor
    month moon motion mouse move name native net network new news next node none north note notion null number object
    ocean off office on one online open option orange order origin output owner pack package page pager paper parent
    park part party pass password path pay peer people pilot pin ping pipe plain plan plant platform play plus point
    policy pool port portal position post power press price prime print private process product profile project proof
    proxy public pull pulse push python query queue quick radar rail rain random range rapid rate raw read ready real
    record red redirect region register release remote render replace report request reset resource response rest
    result return review ring river road robot rocket role root route router row rule run runner safe sail salt sample
    save scale scan scope screen script search second secret section secure segment select send sentinel sentry server
    service session set shadow shape share sheet shell shift ship shop shortcut show side sign signal silver simple
    site size sky slack slice smart snap social socket solid sonar source south space spark speed spin split spring
    square stack stage standard star start state static status step stone stop storage store storm stream street
    string stripe strong studio style sub sum summit super support surface surge swift switch symbol sync system tab
    table tag target task team temp template term test text theme thread ticket tide time title todo token tool top
    total touch tower trace track trade traffic train transfer travel tree trial trigger trust tube turbo type under
    union unit unity universal up update upload url user vault value vector verify version view virtual vision void
    volume wallet wave web weekly west white wide window wise wire word work worker world wrap write yield zero zone
    zoom
    """.split()
)


# ---------------------------------------------------------------- all of it
def check(
    files: Sequence[tuple[str, bytes]],
    judged: Container[str] | None = None,
    only: Sequence[str] = (),
    exclude: Sequence[str] = (),
    imported: Sequence[Pack] = (),
    progress: Callable[[str], None] | None = None,
) -> Report:
    """Holds packs to every law. All of them are in force; `judged` (names of files), `only` and `exclude` (rule ids,
    providers, tags) narrow which are judged.

    A pack that does not load and was not asked for by itself is a warning then, so that one author need not wait for
    another. Imported packs have no examples and are held to the laws that need none.
    """
    packs, problems = _load(files, judged, only)
    packs = [*packs, *imported]
    twins = list(pack_problems(packs))
    packs = _without_twins(packs)
    chosen = _choose(packs, judged, only, exclude, problems)
    shown = {pack.file for pack, _ in chosen}
    problems += [problem for problem in twins if problem.file in shown]
    ruleset, texts = None, 0
    if chosen:
        try:
            stand = bench(packs)
        except RulePackError as error:
            problems.append(Problem(error.file, error.rule, error.field, error.reason))
        else:
            for _, rule in chosen:
                if progress is not None:
                    progress(rule.id)
                problems += rule_problems(stand, rule)
            ruleset, texts = stand.ruleset, stand.texts
    order = {name: number for number, (name, _) in enumerate(files)}
    problems.sort(key=lambda problem: (order.get(problem.file, len(order)), not problem.error))
    providers = {rule.provider for _, rule in chosen}
    return Report(tuple(problems), len(chosen), len(providers), len(shown), texts, ruleset)


def rule_problems(stand: Bench, rule: Rule) -> list[Problem]:
    """One rule's problems, by every law. A deprecated rule is not in force: only its words are judged."""
    if rule.id not in stand.index:
        return list(law_words(stand, rule))
    return [problem for law in LAWS.values() for problem in law(stand, rule)]


def _load(
    files: Sequence[tuple[str, bytes]], judged: Container[str] | None, only: Sequence[str]
) -> tuple[list[Pack], list[Problem]]:
    packs, problems = [], []
    for name, data in files:
        try:
            packs.append(packs_of.parse_pack(name, data, strict=True))
        except RulePackError as error:
            asked = (judged is None or name in judged) and (
                not only or any(b'"%s"' % ident.partition(".")[0].encode() in data for ident in only)
            )
            reason = error.reason if asked else f"left out, it does not load: {error.reason}"
            problems.append(Problem(error.file, error.rule, error.field, reason, asked))
    return packs, problems


def _without_twins(packs: Sequence[Pack]) -> list[Pack]:
    """The packs with every id once: the engine must not see the second one, which `pack_problems` reports."""
    seen: set[str] = set()
    out = []
    for pack in packs:
        kept = []
        for rule in pack.rules:
            if rule.id not in seen:
                seen.add(rule.id)
                kept.append(rule)
        out.append(pack._replace(rules=tuple(kept)))
    return out


def _choose(
    packs: Sequence[Pack],
    judged: Container[str] | None,
    only: Sequence[str],
    exclude: Sequence[str],
    problems: Sequence[Problem],
) -> list[tuple[Pack, Rule]]:
    """The rules to judge. UsageError for a name that names none, unless its pack may be one that did not load."""
    every = [(pack, rule) for pack in packs if judged is None or pack.file in judged for rule in pack.rules]
    names = {name for _, rule in every for name in (rule.id, rule.provider, *rule.tags)}
    for name in (*only, *exclude):
        if name not in names and not any(problem.error for problem in problems):
            near = get_close_matches(name, sorted(names), 1)
            raise UsageError(f"{name}: no such rule, provider or tag" + (f"; {near[0]}?" if near else ""))
    chosen = [
        (pack, rule)
        for pack, rule in every
        if (not only or not {rule.id, rule.provider, *rule.tags}.isdisjoint(only))
        and {rule.id, rule.provider, *rule.tags}.isdisjoint(exclude)
    ]
    if not chosen and not problems:
        raise UsageError("no rule is left: nothing would be checked")
    return chosen


class Times(NamedTuple):
    """What compiling costs: the whole, and (rule id, seconds, share of the sum) of each alone, slowest first."""

    whole: float
    bound: float
    each: tuple[tuple[str, float, float], ...]

    @property
    def problems(self) -> list[str]:
        out = [f"{ident}: {share:.1%} of all compile time" for ident, _, share in self.each if share > LARGEST_SHARE]
        if self.whole > self.bound:
            out.append(f"compiling everything takes {self.whole:.2f} s, at most {self.bound:.2f} s")
        return out


def compile_times(ruleset: RuleSet) -> Times:
    """Measures the compile of all rules together, and of each trigger alone."""
    started = time.perf_counter()
    compile_databases(ruleset)
    whole = time.perf_counter() - started
    alone = []
    for rule in ruleset.rules:
        if rule.trigger:
            started = time.perf_counter()
            OneTrigger(rule.trigger)
            alone.append((rule.id, time.perf_counter() - started))
    total = sum(taken for _, taken in alone) or 1.0
    each = sorted(((ident, taken, taken / total) for ident, taken in alone), key=lambda row: -row[1])
    return Times(whole, max(1.0, len(ruleset.rules) / RULES_PER_SECOND), tuple(each))
