"""The laws every rule is held to, as functions: packs in, problems out.

`check` runs all of it for `leakguard rules check`; LAWS is the same one by one for the tests. Texts come from the
seeded generator and go through the whole engine with every rule in force, so a rule is judged among its neighbours.
Never prints and reads no file. Imported by cli/rules.py, score.py and the tests, never by a scan.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import NamedTuple, Protocol, TypeVar

from leakguard.detect import rules as packs_of
from leakguard.detect.common import COMMON_WORDS
from leakguard.detect.engine import TIMEOUT, Engine
from leakguard.detect.floods import Slow, compiled, shown, slowness
from leakguard.detect.hits import UNDOCUMENTED
from leakguard.detect.rules import Pack, Proof
from leakguard.detect.sample import Text, example_texts, fitting_path, near_text, sample, seeded
from leakguard.detect.shared import shared
from leakguard.detect.stage1 import Compiled, compile_databases
from leakguard.errors import RulePackError, UsageError
from leakguard.model import Match, Rule, RuleSet

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
SAMPLES = 24
"""Strings made from a pattern, beside its examples, to try keywords and trigger on."""
BEFORE = b"anna wrote to ben on the way that it is: now a text of words, the next "
"""What each of these texts is tried behind, too: hyperscan has patterns that it finds at the beginning of a text and nowhere else,
where a word of two letters and a longer one are alternatives before something optional."""


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
        """Whether one of the problems is an error."""
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
                self.proofs[rule.id] = _proof(pack, rule)
        self.stage1 = Compiled(compile_databases(ruleset))
        self.engine = Engine(ruleset, self.stage1, keep_secrets=True)
        self.texts = 0
        self._poured: tuple[str, list[Text], list[Problem]] = ("", [], [])
        self._matched: tuple[str, list[tuple[bytes, int, int]]] = ("", [])

    def scan(self, text: bytes, path: str = "") -> tuple[list[Match], list[str]]:
        """What all rules find in a text, and what went wrong; counts the text."""
        self.texts += 1
        scan = self.engine.scan(text, path)
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

    def matched(self, rule: Rule) -> list[tuple[bytes, int, int]]:
        """(text, start, end) of matches of a rule's pattern: in its examples, and in strings made from the pattern."""
        if self._matched[0] != rule.id:
            pattern = compiled(rule.pattern)
            texts = [text.data for text in self.poured(rule)[0]]
            rng = seeded(f"{rule.id}:samples")
            texts += [b"\n%s\n" % sample(rule.pattern, rng) for _ in range(SAMPLES)]
            texts += [BEFORE + text for text in texts]
            spans = [(text, found.span()) for text in texts for found in pattern.finditer(text, timeout=TIMEOUT)]
            self._matched = (rule.id, [(text, *span) for text, span in spans])
        return self._matched[1]

    def problem(self, rule: Rule, field: str, message: str, error: bool = True) -> Problem:
        """A Problem with a field of a rule, in the file that the rule is from."""
        return Problem(self.proofs[rule.id].file, rule.id, field, message, error)


def bench(packs: Sequence[Pack]) -> Bench:
    """A Bench of packs whose ids are distinct. UsageError if they hold no rule."""
    return Bench(packs, packs_of.select(packs, "check", preview=True))


# ---------------------------------------------------------------- laws
def law_examples(bench: Bench, rule: Rule) -> Iterator[Problem]:
    """Every example is found in every context, by this rule, and exactly."""
    texts, problems = bench.poured(rule)
    yield from problems
    wrong: dict[tuple[int, str], list[Text]] = {}
    for text in texts:
        for message in example_faults(bench, rule, text):
            wrong.setdefault((text.number, message), []).append(text)
    for (number, message), found in wrong.items():
        places = ", ".join(text.context for text in found if text.context)
        where = f"example {number + 1}" + (f" in context {places}" if places else "")
        yield bench.problem(rule, "examples", f"{where}: {message}\n    {shown(found[0].data, found[0].start)}")


def example_faults(bench: Bench, rule: Rule, text: Text) -> Iterator[str]:
    """What is wrong with how one text of an example is found."""
    matches, incidents = bench.scan(text.data, fitting_path(rule))
    yield from incidents
    own = [match for match in matches if match.rule == bench.index[rule.id]]
    over = [match for match in matches if match.secret_start < text.end and match.secret_end > text.start]
    if any(_exact(match, text) for match in own):
        for match in over:
            other = bench.ruleset.rules[match.rule]
            if other.provider != rule.provider:
                yield f"{other.id} claims part of it too"
    elif any(match in over for match in own):
        match = next(match for match in own if match in over)
        left, right = match.secret_start - text.start, match.secret_end - text.end
        by = f" in a view ({'>'.join(match.view)})" if match.view else ""
        yield f"found{by}, but not exactly: start {left:+d}, end {right:+d} bytes"
    elif over:
        yield f"found by {', '.join(sorted({bench.ruleset.rules[match.rule].id for match in over}))} instead"
    else:
        yield "not found"


def _exact(match: Match, text: Text) -> bool:
    """Whether a match is the example's secret: the same place, as it stands there or decoded; or the same value."""
    if match.view and match.secret == text.secret and match.secret_start < text.end and match.secret_end > text.start:
        return True
    values = (text.secret, text.data[text.start : text.end])
    return match.secret in values and (match.secret_start, match.secret_end) == (text.start, text.end)


def law_near_misses(bench: Bench, rule: Rule) -> Iterator[Problem]:
    """No near miss is found by this rule, unless by its name alone: what is called a venue's secret is taken for one in any form."""
    for number, (template, why) in enumerate(bench.proofs[rule.id].near_misses):
        try:
            data = near_text(rule.id, number, template)
        except ValueError as error:
            yield bench.problem(rule, "near_misses", f"near miss {number + 1}: {error}")
            continue
        matches, _ = bench.scan(data, fitting_path(rule))
        if any(match.rule == bench.index[rule.id] and UNDOCUMENTED not in match.reasons for match in matches):
            yield bench.problem(rule, "near_misses", f"near miss {number + 1} ({why}) is found\n    {shown(data)}")


def law_keywords(bench: Bench, rule: Rule) -> Iterator[Problem]:
    """Every match of the pattern contains a keyword: the cold path would miss it otherwise."""
    if not rule.keywords or not rule.pattern:
        return
    words = [word.encode() for word in rule.keywords]
    for data, start, end in bench.matched(rule):
        low = data[start:end].lower()
        if not any(word in low for word in words):
            yield bench.problem(rule, "keywords", f"none of them is in the match {shown(data[start:end])}")
            return


def law_trigger(bench: Bench, rule: Rule) -> Iterator[Problem]:
    """The first stage ends inside every match of the second."""
    if not rule.pattern:
        return
    same = {index for index, other in enumerate(bench.ruleset.rules) if other.trigger == rule.trigger}  # see Prepared.twins
    for data, start, end in bench.matched(rule):
        if not any(ident in same and start < at <= end for ident, at in bench.stage1.scan(data, False)):
            yield bench.problem(rule, "trigger", f"it does not end inside the match {shown(data[start:end])}")
            return


def law_words(bench: Bench, rule: Rule) -> Iterator[Problem]:
    """A finding says what it means and what to do."""
    for field, text in (("why", rule.why), ("fix", rule.fix)):
        if not text.strip():
            yield bench.problem(rule, field, "missing: one sentence", error=False)


def law_adversarial(bench: Bench, rule: Rule) -> Iterator[Problem]:
    """No text makes a rule slow: floods of its own prefix, of near matches, of matches."""
    for slow in slow_texts(bench.proofs[rule.id], rule):
        yield bench.problem(rule, slow.field, slow.message, slow.error)


def law_shared(bench: Bench, rule: Rule) -> Iterator[Problem]:
    """No two repeats inside a repeat can take the same byte: they would divide a text in more ways than anybody waits for."""
    if repeat := shared(rule.pattern or rule.shape):
        message = f"what is repeated {repeat} has two repeats side by side that can take the same bytes: let only one of them"
        yield bench.problem(rule, "pattern", message)


def slow_texts(proof: Proof, rule: Rule) -> list[Slow]:
    """The same without an engine: a hopeless rule must be known before one is made of it."""
    try:
        examples = [text for example in proof.examples[:1] for text in example_texts(rule.id, 0, example)[:1]]
    except ValueError:
        examples = []  # law_examples says so
    return list(slowness(rule, examples))


LAWS: Mapping[str, Callable[[Bench, Rule], Iterator[Problem]]] = {
    "examples": law_examples,
    "near-misses": law_near_misses,
    "keywords": law_keywords,
    "trigger": law_trigger,
    "words": law_words,
    "adversarial": law_adversarial,
    "shared": law_shared,
}
"""Each holds for every rule by itself."""


# ---------------------------------------------------------------- laws of packs
def pack_problems(packs: Sequence[Pack]) -> Iterator[Problem]:
    """What is wrong with packs side by side: ids, providers and patterns twice, sets of rules that are not there."""
    ids: dict[str, str] = {}
    patterns: dict[str, str] = {}
    providers: dict[str, str] = {}
    aliases: dict[str, str] = {}
    every = {rule.id for pack in packs for rule in pack.rules}
    for pack in packs:
        provider = pack.venue.provider
        if "imported" not in pack.venue.tags and providers.setdefault(provider, pack.file) != pack.file:
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
        yield from _venue_problems(pack, aliases)


def _no_such(ident: str, every: set[str]) -> str:
    near = get_close_matches(ident, sorted(every), 1)
    return f"no rule {ident}" + (f"; {near[0]}?" if near else "")


def _venue_problems(pack: Pack, aliases: dict[str, str]) -> Iterator[Problem]:
    """What is wrong with the names of a provider; `aliases` are those of the packs before it."""
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
        if aliases.setdefault(alias, venue.provider) != venue.provider:
            yield Problem(pack.file, "pack", "aliases", f"{alias!r} names {aliases[alias]} too", error=False)


# ---------------------------------------------------------------- all of it
class Each(Protocol):
    """A way to have a function done for each of many items: what it makes of them, in order."""

    def __call__(self, function: Callable[[_Item], _Result], items: Sequence[_Item], /) -> list[_Result]: ...


def one_by_one(function: Callable[[_Item], _Result], items: Sequence[_Item], /) -> list[_Result]:
    """The plain way."""
    return [function(item) for item in items]


def check(
    files: Sequence[tuple[str, bytes]],
    judged: Container[str] | None = None,
    *,
    only: Sequence[str] = (),
    exclude: Sequence[str] = (),
    imported: Sequence[Pack] = (),
    each: Each = one_by_one,
) -> Report:
    """Holds packs to every law. All of them are in force; `judged` (names of files), `only` and `exclude` (rule ids,
    providers, tags) narrow which are judged. `each` goes over the rules: over processes, where the caller has some.

    A pack that does not load and was not asked for by itself is a warning then, so that one author need not wait for
    another. Imported packs have no examples: they are held to the laws that need none, and only warned about.
    """
    packs, problems = _load(files, judged, only)
    loaded = [*packs, *imported]
    twins = list(pack_problems(loaded))
    packs = _without_twins(loaded)
    chosen = _choose(packs, judged, only, exclude, problems)
    shown, providers, count = {pack.file for pack, _ in chosen}, {rule.provider for _, rule in chosen}, len(chosen)
    dropped = {pack.file for pack in loaded} - {pack.file for pack in packs}
    problems += [problem for problem in twins if problem.file in shown | dropped]
    found_slow = each(lambda one: slow_texts(_proof(*one), one[1]), chosen)
    slow = {rule.id: found for (_, rule), found in zip(chosen, found_slow, strict=True)}
    problems += [
        Problem(pack.file, rule.id, one.field, one.message, one.error) for pack, rule in chosen for one in slow[rule.id]
    ]
    hopeless = {ident for ident, found in slow.items() if any(one.hopeless for one in found)}
    packs = [pack._replace(rules=tuple(rule for rule in pack.rules if rule.id not in hopeless)) for pack in packs]
    chosen = [(pack, rule) for pack, rule in chosen if rule.id not in hopeless]
    ruleset, texts = None, 0
    if chosen:
        try:
            stand = bench(packs)
        except RulePackError as error:
            file = error.file or next((pack.file for pack, rule in chosen if rule.id == error.rule), "")
            problems.append(Problem(file, error.rule, error.field, error.reason))
        else:
            for found, tried in each(lambda one: _judged(stand, one[1]), chosen):
                problems += found
                texts += tried
            ruleset = stand.ruleset
    foreign = {pack.file for pack in imported}
    problems = [problem._replace(error=problem.error and problem.file not in foreign) for problem in problems]
    problems += [Problem(pack.file, *note, error=False) for pack in imported for note in pack.notes]
    order = {name: number for number, (name, _) in enumerate(files)}
    problems.sort(key=lambda problem: (order.get(problem.file, len(order)), not problem.error))
    return Report(tuple(problems), count, len(providers), len(shown), texts, ruleset)


def rule_problems(stand: Bench, rule: Rule) -> list[Problem]:
    """One rule's problems, by every law but that of adversarial strings, which comes before there is an engine.

    A deprecated rule is not in force: only its words are judged.
    """
    if rule.id not in stand.index:
        return list(law_words(stand, rule))
    laws = [law for law in LAWS.values() if law is not law_adversarial]
    return [problem for law in laws for problem in law(stand, rule)]


def _judged(stand: Bench, rule: Rule) -> tuple[list[Problem], int]:
    """The same, and how many texts that took."""
    before = stand.texts
    return rule_problems(stand, rule), stand.texts - before


def _proof(pack: Pack, rule: Rule) -> Proof:
    return pack.proofs.get(rule.id, Proof(pack.file, (), ()))


def _load(
    files: Sequence[tuple[str, bytes]], judged: Container[str] | None, only: Sequence[str]
) -> tuple[list[Pack], list[Problem]]:
    """The packs that load. Those that were asked for are held to the strict rules, and fail if they do not."""
    packs, problems = [], []
    for name, data in files:
        asked = judged is None or name in judged
        try:
            pack = packs_of.parse_pack(name, data)
            if asked and (not only or any(_is_named(rule, only) for rule in pack.rules)):
                pack = packs_of.parse_pack(name, data, strict=True)
            packs.append(pack)
        except RulePackError as error:
            asked = asked and (not only or any(b'"%s"' % one.partition(".")[0].encode() in data for one in only))
            reason = error.reason if asked else f"left out, it does not load: {error.reason}"
            problems.append(Problem(error.file, error.rule, error.field, reason, asked))
    return packs, problems


def _is_named(rule: Rule, names: Sequence[str]) -> bool:
    return not {rule.id, rule.provider, *rule.tags}.isdisjoint(names)


def _without_twins(packs: Sequence[Pack]) -> list[Pack]:
    """The packs with every provider and id once: `pack_problems` reports the second, the engine must not see it."""
    seen: set[str] = set()
    providers: dict[str, str] = {}
    out = []
    for pack in packs:
        first = providers.setdefault(pack.venue.provider, pack.file) == pack.file or "imported" in pack.venue.tags
        kept = tuple(rule for rule in pack.rules if rule.id not in seen)
        seen.update(rule.id for rule in kept)
        if first:
            out.append(pack._replace(rules=kept))
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
        if (not only or _is_named(rule, only)) and not _is_named(rule, exclude)
    ]
    if not chosen and not problems:
        raise UsageError("no rule is left: nothing would be checked")
    return chosen
