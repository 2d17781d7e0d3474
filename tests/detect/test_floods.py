"""What keeps a rule busy: which patterns `rules check` refuses, and that it says the same beside a busy machine."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from leakguard.detect import cache, floods, rules, trigger
from leakguard.detect import check as laws
from leakguard.errors import RulePackError

PACK = """[pack]
provider = "acme"
title = "Acme"
aliases = ["acme"]
references = ["https://acme.example/docs"]

[[rule]]
id = "acme.token"
title = "Acme token"
part = "access-token"
severity = "high"
confidence = "high"
keywords = ["acme_pat_"]
pattern = '''acme_pat_%s'''
why = "Reads every project."
fix = "Revoke it."
examples = ['token=%s', 'first line\\ntoken: %s']
near_misses = [{ text = 'token=acme_pat_', why = "nothing" }, { text = 'token=acme', why = "less" }]
"""
WHOLE, ENDED, AFTER = "acme_pat_<<{{alnum*24}}>>", "acme_pat_<<{{alnum*24}}!>>", "acme_pat_<<{{alnum*24}}>>!"
A = "[0-9A-Za-z]"
CATASTROPHIC = {
    "a repeat of repeats": (f"(?P<secret>(?:{A}{{1,24}}){{1,24}})(?!{A})", WHOLE),
    "a repeat of repeats and an end": (f"(?P<secret>(?:{A}{{1,64}}){{1,64}}!)", ENDED),
    "a repeat of repeats in a repeat": (f"(?P<secret>(?:(?:{A}{{1,8}}){{1,8}}-?){{1,16}}!)", ENDED),
    "a repeat of repeats and what may be missing": (f"(?P<secret>(?:{A}{{1,40}}[-_]?){{1,40}}!)", ENDED),
    "lazy repeats": (f"(?P<secret>(?:{A}{{1,20}}?){{1,30}}?!)", ENDED),
    "one or two": (f"(?P<secret>(?:{A}|{A}{A}){{8,64}}!)", ENDED),
    "two, three or five": (f"(?P<secret>(?:{A}{{2}}|{A}{{3}}|{A}{{5}}){{4,40}})(?!{A})", WHOLE),
    "a lookbehind at the end": (f"(?P<secret>(?:{A}{{1,20}}){{1,30}})(?<={A}{{3}}!)", ENDED.replace("!>>", ">>")),
    "a lookahead at the start": (f"(?=(?:{A}{{1,20}}){{1,30}}!)(?P<secret>{A}{{24}})", AFTER),
    "a lookahead at each place": (f"(?P<secret>(?:(?={A}{{0,3000}}-?){A}){{16,3000}})(?!{A})", WHOLE),
    "degree two": (f"(?P<secret>{A}{{1,4000}}{A}{{1,4000}}!)", ENDED),
    "degree two with what may be missing": (f"(?P<secret>{A}{{1,3000}}_?{A}{{1,3000}}!)", ENDED),
    "degree three": (f"(?P<secret>{A}{{1,500}}{A}{{1,500}}{A}{{1,500}}!)", ENDED),
    "degree three in white space": (
        r"\s{0,500}[:=]?\s{0,500}[\x22\x27]?\s{0,500}(?P<secret>[0-9A-Za-z]{24})", WHOLE,
    ),
}  # fmt: skip
REFUSED_UNSEEN = {
    "a back-reference": f"(?P<q>{A}{{1,200}})(?P<secret>{A}{{1,200}}(?P=q){{2,20}})(?!{A})",
    "two back-references": f"({A}{{1,200}})({A}{{1,200}})(?P<secret>\\1\\2)!",
}
SLOWEST = ("cosmos.armored-key", "bip39.mnemonic", "anthropic.api-key")
"""Of the built-in rules those whose second stage comes nearest to the bound (a third of it)."""


@pytest.fixture
def burners() -> Iterator[None]:
    """Four processes that take all the processor they get."""
    processes = [
        subprocess.Popen([sys.executable, "-S", "-c", "import os\nwhile os.getppid() > 1: sum(range(100000))"])
        for _ in range(4)
    ]
    try:
        time.sleep(0.2)
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


@pytest.mark.parametrize("kind", ["a repeat of repeats and an end", "one or two", "a lookahead at the start"])
def test_a_users_pack_that_could_go_on_for_ever_is_refused_before_anything_is_scanned(kind: str, tmp_path: Path) -> None:
    pattern, example = CATASTROPHIC[kind]
    (tmp_path / "acme.toml").write_text(PACK % (pattern, example, example))
    selection = cache.Selection(packs=(str(tmp_path / "acme.toml"),), builtin=False)
    for _ in range(2):  # it is not kept either
        with pytest.raises(RulePackError) as refused:
            cache.load(selection, folder=str(tmp_path / "cache"))
        assert (refused.value.file, refused.value.rule, refused.value.field) == (str(tmp_path / "acme.toml"), "acme.token", "pattern")
    (tmp_path / "acme.toml").write_text(PACK % (f"(?P<secret>(?:{A}{{1,4}}-){{1,8}}{A}{{4}})", WHOLE, WHOLE))
    assert len(cache.load(selection, folder=str(tmp_path / "cache")).ruleset.rules) == 1


@pytest.mark.parametrize(("pattern", "may"), [
    ("(?:a{1,9}){1,9}", True), ("(?:ab|c){9}", True), ("(?=(?:ab?){8})", True), ("(?>(?:a+b)+)", True), ("(?:(?:a{2}){3}){9}", False),
    ("a{1,90}b{1,90}", False), ("(?:a{1,9}){1,4}", False), ("(?:a|b{1,9})c", False),
])  # fmt: skip
def test_what_repeats_what_varies_may_run_away(pattern: str, may: bool) -> None:
    assert trigger.may_run_away(pattern) is may


def refusal(pattern: str, example: str) -> laws.Problem:
    text = PACK % (pattern, example, example)
    found = [one for one in laws.check([("packs/acme.toml", text.encode())]).problems if one.error]
    assert found, "it passed"
    return found[0]


@pytest.mark.parametrize("name", CATASTROPHIC)
def test_a_catastrophic_pattern_is_refused(name: str) -> None:
    found = refusal(*CATASTROPHIC[name])
    assert (found.rule, found.field) == ("acme.token", "pattern")
    assert "keeps the second stage busy" in found.message


@pytest.mark.parametrize("name", REFUSED_UNSEEN)
def test_what_the_first_stage_cannot_say_is_refused_before_it_is_measured(name: str) -> None:
    found = refusal(REFUSED_UNSEEN[name], WHOLE)
    assert found.field == "pattern" and "groupref is not available in the first stage" in found.message


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a repeat of repeats", "degree three in white space"])
def test_it_is_refused_beside_a_busy_machine(burners: None, name: str) -> None:
    assert "keeps the second stage busy" in refusal(*CATASTROPHIC[name]).message


@pytest.mark.slow
@pytest.mark.parametrize("name", CATASTROPHIC)
def test_each_is_refused_beside_a_busy_machine(burners: None, name: str) -> None:
    assert "keeps the second stage busy" in refusal(*CATASTROPHIC[name]).message


def beside(ruleset: tuple[rules.Pack, ...], wanted: tuple[str, ...]) -> list[tuple[str, str]]:
    return [
        (rule.id, slow.message)
        for pack in ruleset
        for rule in pack.rules
        if not wanted or rule.id in wanted
        for slow in laws.slow_texts(pack.proofs[rule.id], rule)
    ]


def packs() -> tuple[rules.Pack, ...]:
    from leakguard.detect.packfiles import builtin_folder, pack_files, read_files

    return tuple(rules.parse_pack(name, data) for name, data in read_files(list(pack_files(builtin_folder()))))


@pytest.mark.slow
def test_the_slowest_built_in_rules_pass_beside_a_busy_machine(burners: None) -> None:
    assert beside(packs(), SLOWEST) == []


@pytest.mark.slow
def test_every_built_in_rule_passes_beside_a_busy_machine(burners: None) -> None:
    assert beside(packs(), ()) == []


def worked() -> float:
    """Seconds, by the stopwatch, of work that is always the same."""
    pattern = floods.compiled("[a-z]{1,40}[a-z]{1,40}(?P<secret>[0-9])")
    text = b"abcdefgh" * 400 + b" 1"
    watch = floods.Stopwatch()
    for _ in range(8):
        pattern.search(text)
        taken = watch.seconds()
    return taken


@pytest.mark.slow
def test_seconds_are_those_of_an_idle_machine(burners: None) -> None:
    """What is measured and what it is measured against slow down alike: three tries differ by less than a fifth, where
    processor time alone goes up by half and more."""
    taken = sorted(worked() for _ in range(3))
    assert taken[2] < 1.25 * taken[0], taken


def test_a_slow_moment_makes_no_fast_pattern(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reference is looked at for as long as the pattern is measured: once it was a moment's pace that let one pass."""
    genuine, looks = floods._reference, 0

    def reference() -> float:
        nonlocal looks
        looks += 1
        return genuine() * (4 if looks < 3 else 1)  # the machine was busy when it began

    taken = worked()
    monkeypatch.setattr(floods, "_reference", reference)
    assert worked() > 0.6 * taken
    assert looks > 20


def test_a_pattern_that_only_a_hurtful_text_before_a_match_shows() -> None:
    """The first stage sends nobody where no match is, so texts without one measured nothing."""
    pack = rules.parse_pack("p", (PACK % (CATASTROPHIC["degree three"][0], ENDED, ENDED)).encode())
    rule = pack.rules[0]
    only = floods.OneTrigger(rule.trigger)
    kinds = {kind: only.scan(unit, False) for kind, unit in floods.floods([(b"acme_pat_abc1!", 0)], rule.width[1])}
    assert kinds["a prefix and a flood of one character"] == []
    assert kinds["a prefix and a flood of one character before a match"]


def test_compile_time_is_processor_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """What another process takes of the processor meanwhile is not the rules' fault."""
    monkeypatch.setattr(floods, "compile_databases", lambda _ruleset: time.sleep(0.5))
    some = rules.select([pack for pack in packs() if pack.venue.provider == "npm"], "")
    assert floods.compile_times(some).whole < 0.25
