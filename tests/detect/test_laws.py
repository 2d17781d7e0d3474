"""Every rule of every built-in pack against every law: one parametrised test per law, none per provider."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache

import pytest

from leakguard.detect import check as laws
from leakguard.detect import rules
from leakguard.detect.catalogue import pages
from leakguard.detect.sample import Text
from leakguard.detect.shared import shared
from leakguard.errors import RulePackError
from leakguard.model import Rule

FOLDER = rules.builtin_folder()
FILES = {os.path.relpath(name, FOLDER): (name, data) for name, data in rules.read_files(rules.pack_files(FOLDER))}


@cache
def packs() -> tuple[rules.Pack, ...]:
    """Every pack that loads; test_a_pack_loads names those that do not."""
    found = []
    for name, data in FILES.values():
        try:
            found.append(rules.parse_pack(name, data))
        except RulePackError:
            continue
    return tuple(found)


def in_force() -> Iterator[Rule]:
    seen = set()
    for pack in packs():
        for rule in pack.rules:
            if rule.status != "deprecated" and rule.id not in seen:
                seen.add(rule.id)
                yield rule


RULES = {rule.id: rule for rule in in_force()}
EXAMPLES = [
    pytest.param(ident, number, id=f"{ident}-{number + 1}")
    for pack in packs()
    for ident, proof in pack.proofs.items()
    if ident in RULES
    for number in range(len(proof.examples))
]


class Bench(laws.Bench):
    """Keeps the texts of every rule, not only of the last: here one law after the other asks for those of all."""

    def __init__(self) -> None:
        super().__init__(packs(), rules.select(packs(), "check", preview=True))
        self._every_poured: dict[str, tuple[list[Text], list[laws.Problem]]] = {}
        self._every_matched: dict[str, list[tuple[bytes, int, int]]] = {}

    def poured(self, rule: Rule) -> tuple[list[Text], list[laws.Problem]]:
        if rule.id not in self._every_poured:
            self._every_poured[rule.id] = super().poured(rule)
        return self._every_poured[rule.id]

    def matched(self, rule: Rule) -> list[tuple[bytes, int, int]]:
        if rule.id not in self._every_matched:
            self._every_matched[rule.id] = super().matched(rule)
        return self._every_matched[rule.id]


@pytest.fixture(scope="module")
def bench() -> laws.Bench:
    return Bench()


def errors(problems: Iterator[laws.Problem]) -> list[str]:
    return [f"{problem.rule}: {problem.field}: {problem.message}" for problem in problems if problem.error]


@pytest.mark.parametrize("file", FILES)
def test_a_pack_loads(file: str) -> None:
    rules.parse_pack(*FILES[file], strict=True)


def test_packs_agree_with_each_other() -> None:
    assert errors(laws.pack_problems(packs())) == []


@pytest.mark.parametrize(("ident", "number"), EXAMPLES)
def test_an_example_is_found_exactly_and_by_its_rule_alone(bench: laws.Bench, ident: str, number: int) -> None:
    texts, problems = bench.poured(RULES[ident])
    assert errors(iter(problems)) == []
    own = [text for text in texts if text.number == number]
    assert own
    faults = {text.context: list(laws.example_faults(bench, RULES[ident], text)) for text in own}
    assert {context: found for context, found in faults.items() if found} == {}


@pytest.mark.parametrize("ident", RULES)
def test_no_near_miss_is_found(bench: laws.Bench, ident: str) -> None:
    assert errors(laws.law_near_misses(bench, RULES[ident])) == []


@pytest.mark.parametrize("ident", [ident for ident, rule in RULES.items() if rule.pattern])
def test_keywords_are_in_every_match(bench: laws.Bench, ident: str) -> None:
    assert bench.matched(RULES[ident]), "a law about no match says nothing"
    assert errors(laws.law_keywords(bench, RULES[ident])) == []


@pytest.mark.parametrize("ident", [ident for ident, rule in RULES.items() if rule.pattern])
def test_the_first_stage_ends_inside_every_match(bench: laws.Bench, ident: str) -> None:
    assert errors(laws.law_trigger(bench, RULES[ident])) == []


@pytest.mark.slow  # it measures time: `leakguard rules check` does so for every rule before the tests (.ci/run)
@pytest.mark.parametrize("ident", RULES)
def test_no_text_keeps_a_rule_busy(bench: laws.Bench, ident: str) -> None:
    assert errors(laws.law_adversarial(bench, RULES[ident])) == []


@pytest.mark.parametrize("ident", RULES)
def test_no_repeats_share_their_bytes(bench: laws.Bench, ident: str) -> None:
    assert errors(laws.law_shared(bench, RULES[ident])) == []


@pytest.mark.parametrize(
    ("pattern", "repeat"),
    [
        (r"a:\n(?:[ \t]{1,12}[^\n]{1,200}\n){0,12}b", "{0,12}"),
        (r"(?<=a:\n(?:[ \t]{1,12}[^\n]{1,200}\n){0,12})b", "{0,12}"),
        (r"(?:x|[ ]{0,4},?[ ]{0,4}y?){2,8}", "{2,8}"),
        (r"(?:\w{1,4}-?){0,9}", "{0,9}"),
        (r"a:\n(?:[ \t]{1,12}[^\s][^\n]{0,199}\n){0,12}b", ""),
        (r"(?:[ ]{0,4}-[ ]{0,4}\w{2}){2,8}", ""),
        (r"(?:\w{1,4}-){0,9}[\w-]{3,9}", ""),
        (r"(?:[ \t]{1,12}[^\n]{1,200}\n){0,3}", ""),
        (r"(?:[a-z]{3,8}+[a-z ]{1,2}){12}", ""),
        (r"[0-9]{1,20}(?:[ab]|c){1,9}", ""),
    ],
)
def test_repeats_that_share_their_bytes_are_told(pattern: str, repeat: str) -> None:
    assert shared(pattern) == repeat


def test_every_law_is_tried_here() -> None:
    assert set(laws.LAWS) == {"examples", "near-misses", "keywords", "trigger", "words", "adversarial", "shared"}


@pytest.mark.parametrize("page", ["catalogue.md", "gates.md"])
def test_generated_pages_are_fresh(page: str) -> None:
    path = os.path.join(os.path.dirname(FOLDER), "docs", page)
    with open(path, encoding="utf-8", newline="") as file:
        assert file.read() == pages(packs())[page], "run: leakguard rules docs"
