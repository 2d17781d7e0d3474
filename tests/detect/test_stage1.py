"""The first stage: cold and compiled say the same, ends that are left out say nothing, each thread has its own scratch."""

from __future__ import annotations

import pickle
import re
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

import hyperscan
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from leaks import ENCODINGS, TEMPLATES, leak, noise

from leakguard.detect import apart, cache, stage1
from leakguard.detect.engine import Engine
from leakguard.detect.generate import expand
from leakguard.detect.phrases import could_fire
from leakguard.detect.rules import builtin_folder, pack_files, parse_pack, read_files
from leakguard.detect.sample import sample
from leakguard.detect.stage1 import CONTEXT_BASE, DECODE_BASE, NEAR, PHRASE_BASE, TEXT_BASE, Cold, Compiled
from leakguard.errors import RulePackError
from leakguard.model import Rule, RuleSet

SEEDS = st.integers(0, 10**6)


def rule(ident: str, word: str = "", trigger: str = "", width: int = 30) -> Rule:
    keywords = (word,) if word else ()
    return Rule(ident, "acme", "", "access-token", 3, 3, keywords, trigger, trigger, width=(1, width))


def ruleset(*rules: Rule) -> RuleSet:
    return RuleSet(rules, (), (), "test")


def ends(stage: stage1.Stage1, data: bytes, below: int = 1 << 40) -> set[tuple[int, int]]:
    return {(ident, end) for ident, end in stage.scan(data, True) if ident < below}


def texts(seed: int) -> bytes:
    kind, name = sorted(TEMPLATES)[seed % len(TEMPLATES)], sorted(ENCODINGS)[seed % len(ENCODINGS)]
    text, _ = leak(kind, seed)
    return noise(seed, 1500) + b"\n" + text + ENCODINGS[name](text) + b"\n" + noise(seed + 1, 1500)


# ---- what hyperscan loses -------------------------------------------------------------------------------------------


def test_no_trigger_is_lost_behind_other_text(loaded: cache.Loaded) -> None:
    """hyperscan finds some patterns at a text's beginning and not further in: all that it compiles is tried on texts of its own."""
    assert isinstance(loaded.stage1, Compiled)
    lost = set()
    for pattern, ident in zip(*stage1.expressions(loaded.ruleset), strict=True):
        try:
            found = re.compile(pattern)
        except re.error:
            continue  # possessive and the like, of one of the engines
        random = Random(f"{ident}")
        for _ in range(16):
            text = b"# " * 40 + sample(pattern.decode("latin-1"), random) + b"\n"
            if found.search(text) and ident not in {one for one, _ in loaded.stage1.raw(text, False, True, 1 << 30) or ()}:
                lost.add(loaded.ruleset.rules[ident].id if ident < CONTEXT_BASE else pattern)
    assert not lost


@pytest.mark.parametrize("text", [b",  password = N'Kestrel8841'", b'{ "stringValue": "Kestrel8841"}', b'{"S" : "Kestrel8841"}', b"wpPass='abcd efgh ijkl mnop qrst uvwx'"])
@pytest.mark.parametrize("before", [0, 16, 64, 500])
def test_what_was_lost_is_found(loaded: cache.Loaded, text: bytes, before: int) -> None:
    """By the databases, and without them."""
    wanted = {ident for pattern, ident in zip(*stage1.expressions(loaded.ruleset), strict=True) if apart.kept(pattern) != [pattern]}
    data = b"#" * before + text
    assert wanted & {ident for ident, _ in loaded.stage1.scan(data, True)}
    assert wanted & {ident for ident, _ in Cold(loaded.ruleset).scan(data, True)}


# ---- cold and compiled ----------------------------------------------------------------------------------------------


@given(SEEDS)
@settings(max_examples=12)
def test_cold_reports_what_compiled_does(loaded: cache.Loaded, seed: int) -> None:
    """All rules whose keyword is there, and every trigger: whatever else is compiled already."""
    data = texts(seed)
    cold = Cold(loaded.ruleset)
    compiled = ends(loaded.stage1, data)
    assert compiled <= ends(cold, data) | {
        (ident, end) for ident, end in compiled if _without_keyword(loaded, ident, data)
    }
    assert sorted(cold.names(data)) == sorted(loaded.stage1.names(data))


def _without_keyword(loaded: cache.Loaded, ident: int, data: bytes) -> bool:
    if ident == PHRASE_BASE:
        return not could_fire(data)
    if ident >= CONTEXT_BASE:
        return False
    keywords = loaded.ruleset.rules[ident].keywords
    return bool(keywords) and not any(word.encode() in data.lower() for word in keywords)


@given(SEEDS)
@settings(max_examples=30)
def test_python_and_hyperscan_agree_on_whether_a_trigger_is_there(loaded: cache.Loaded, seed: int) -> None:
    """The cold path asks Python's `re` before it compiles a trigger for hyperscan."""
    data = texts(seed)
    fired = {ident for ident, _ in loaded.stage1.scan(data, True) if CONTEXT_BASE <= ident < PHRASE_BASE}
    assert fired == {ident for ident, pattern in stage1.triggers() if re.search(pattern, data)}


def test_and_on_whether_a_rule_without_a_keyword_could_fire(loaded: cache.Loaded) -> None:
    rules = {index: rule for index, rule in enumerate(loaded.ruleset.rules) if rule.trigger and not rule.keywords}
    wanted = {rule.id for rule in rules.values()}
    packs = [parse_pack(name, data) for name, data in read_files(pack_files(builtin_folder()))]
    proofs = {ident: proof for pack in packs for ident, proof in pack.proofs.items() if ident in wanted}
    fired: set[str] = set()
    for ident, proof in proofs.items():
        for number, told in enumerate(proof.examples):
            text = expand(told.template or f"{told.name} = \"{told.secret}\"\n", Random(number))
            data = noise(number, 300) + b"\n" + text.encode()
            found = {rules[index].trigger for index, _ in loaded.stage1.scan(data, True) if index in rules}
            # of runs of base58 the compiled stage leaves out those that can be no key
            assert found <= {rule.trigger for rule in rules.values() if re.search(rule.trigger.encode(), data)}, ident
            fired |= found
    assert len(fired) > 6


def test_only_rules_whose_keyword_is_there_are_compiled() -> None:
    stage = Cold(
        ruleset(rule("a.x", "alpha", "alpha[0-9]{4}"), rule("b.x", "beta", "beta[0-9]{4}"), rule("c.x", "", "c{8}"))
    )
    assert ends(stage, b"nothing of it") == set()
    assert stage._waiting == {0, 1, 2}
    assert ends(stage, b"BETA1234 beta1234") == {(1, 17)}
    assert stage._waiting == {0, 2}
    assert ends(stage, b"alpha1234 cccccccc") == {(0, 9), (2, 18)}
    assert stage._waiting == set()


@pytest.mark.parametrize("size", [100, stage1.SMALL + 1000])
def test_keywords_are_found_in_any_case_and_place(size: int) -> None:
    stage = Cold(ruleset(rule("a.x", "alpha", "(?i)alpha[0-9]{4}")))
    assert (0, size + 9) in ends(stage, b"." * size + b"AlPhA1234")


def test_a_cold_stage_compiles_everything_once(loaded: cache.Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage1, "COLD_LIMIT", 20_000)
    made: list[Any] = []
    cold = Cold(loaded.ruleset, made.append)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda seed: ends(cold, texts(seed)), range(12)))
    assert len(made) == 1
    assert found[-1] == ends(loaded.stage1, texts(11))


def test_shallow_scans_compile_no_decoders() -> None:
    stage = Cold(ruleset(rule("a.x", "alpha", "alpha[0-9]{4}")))
    stage.scan(b"%41%42%43%44 \\u0041\\u0042\\u0043\\u0044", False)
    assert {ident for ident in stage._triggers if ident >= DECODE_BASE} == {
        i for i, _ in stage1.triggers() if i >= DECODE_BASE
    }


# ---- ends -----------------------------------------------------------------------------------------------------------


def thinned(places: list[int], ident: int, widths: list[int]) -> list[int]:
    out: stage1.Ends = []
    on_match = stage1._thinned(out, widths)
    for end in places:
        on_match(ident, 0, end, 0, None)
    assert {found for found, _ in out} <= {ident}
    return [end for _, end in out]


@given(st.lists(st.integers(0, 400), min_size=1, max_size=60), st.integers(1, 50))
def test_ends_that_are_left_out_are_looked_at_from_others(places: list[int], width: int) -> None:
    """Stage 2 looks back from each end over the width of its rule: together it looks at the same places."""
    places.sort()
    kept = thinned(places, 0, [width])
    looked = {at for end in places for at in range(end - width, end + 1)}
    assert {at for end in kept for at in range(end - width, end + 1)} == looked
    assert set(kept) <= set(places)
    assert len(kept) <= 2 + 2 * (places[-1] - places[0]) // width + len(set(places)) // 3 * (width < 3)


def test_ends_out_of_order_are_all_kept() -> None:
    """Nothing promises an order; what comes out of it is not taken for covered."""
    kept = thinned([50, 10, 12, 40, 5], 0, [20])
    assert sorted(kept) == [5, 10, 12, 40, 50]


def test_ends_of_values_and_runs_are_all_kept() -> None:
    """Each of them is the end of another value; of the runs that decode, only those that share a view are not."""
    places = list(range(100, 400))
    assert thinned(places, CONTEXT_BASE, [50]) == places
    assert thinned(places, TEXT_BASE, [50]) == places
    assert len(thinned(places, DECODE_BASE, [50])) <= 2 + 2 * len(places) // NEAR


# ---- what is not taken ----------------------------------------------------------------------------------------------


def test_a_pattern_that_hyperscan_refuses_is_named() -> None:
    good, bad = rule("acme.good", "good", "good[0-9]{4}"), rule("acme.bad", "bad", "(?<=bad)[0-9]{4}")
    with pytest.raises(RulePackError) as caught:
        stage1.compile_databases(ruleset(good, bad))
    assert (caught.value.rule, caught.value.field) == ("acme.bad", "pattern")
    with pytest.raises(RulePackError) as caught:
        Cold(ruleset(good, bad)).scan(b"bad1234", True)
    assert caught.value.rule == "acme.bad"
    assert stage1.refusal(b"(?<=bad)[0-9]{4}")
    assert not stage1.refusal(b"[0-9]{4}")


# ---- threads and processes ------------------------------------------------------------------------------------------


def test_each_thread_has_its_own_scratch(loaded: cache.Loaded) -> None:
    assert isinstance(loaded.stage1, Compiled)
    with ThreadPoolExecutor(4) as pool:
        own = list(pool.map(lambda _: id(loaded.stage1._scratch()), range(40)))  # type: ignore[attr-defined]
    assert id(loaded.stage1._scratch()) not in own


@pytest.mark.parametrize("warm", [True, False])
def test_an_engine_can_be_sent_to_another_process(loaded: cache.Loaded, engine: Engine, warm: bool) -> None:
    small = RuleSet(loaded.ruleset.rules[:40], (), (), "test")
    stage = loaded.stage1 if warm else Cold(small)
    before = Engine(loaded.ruleset if warm else small, stage, b"key", keep_secrets=True, decode_depth=2)
    text = texts(3)
    expected = before.scan(text)
    after: Engine = pickle.loads(pickle.dumps(before))
    assert after.scan(text) == expected
    assert (after.fingerprint_key, after.decode_depth, after.keep_secrets) == (b"key", 2, True)


def test_what_is_no_database_is_refused() -> None:
    with pytest.raises(hyperscan.error):
        stage1.load_databases([b"not a database"])


# ---- floods of digits ------------------------------------------------------------------------------------------------
def test_a_flood_of_digits_is_scanned_again_without_them(loaded: cache.Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    """At each byte of a run of base58 digits a key could end, if its rule asks for no edge; what stands between such runs is
    found all the same."""
    digits = rule("acme.digits", "", "[1-9A-HJ-NP-Za-km-z]{51}", 60)
    rules = ruleset(*(found for found in loaded.ruleset.rules if found.provider == "github" and found.trigger), digits)
    compiled = Compiled(stage1.compile_databases(rules), stage1.widths(rules))
    assert compiled.databases.runs is None
    token, secret = leak("github", 5)
    flood = b"a" * 200_000
    data = flood + b"\n" + token + b"\n" + flood
    assert data.count(secret) == 1
    shorter = b"a" * 2000 + b"\n" + token + b"\n" + b"a" * 2000
    without: list[int] = []
    original = stage1.without_runs
    monkeypatch.setattr(stage1, "without_runs", lambda data: without.append(len(data)) or original(data))
    for text, times in ((data, 1), (shorter, 0)):
        without.clear()
        ends = compiled.scan(text, True)
        assert without == [len(text)] * times
        start = text.index(secret)
        assert any(start < end <= start + len(secret) for ident, end in ends if ident < len(rules.rules) - 1)
        assert len(ends) < 20_000


@given(
    st.lists(
        st.tuples(st.sampled_from("az0.\n_"), st.integers(1, 120) | st.sampled_from([51, 52, 88, 3000])), max_size=40
    )
)
def test_a_run_of_digits_fires_where_a_key_could_end_and_once(
    loaded: cache.Loaded, pieces: list[tuple[str, int]]
) -> None:
    """The rules that are nothing but such runs ask for an edge before them, and have a pass of their own."""
    assert isinstance(loaded.stage1, Compiled)
    data = "".join(piece * times for piece, times in pieces).encode()
    index = [found.id for found in loaded.ruleset.rules].index("bitcoin.wif")
    same = {at for at, found in enumerate(loaded.ruleset.rules) if found.trigger == loaded.ruleset.rules[index].trigger}
    expected = sorted(found.end() for found in re.finditer(rb"\b[1-9A-HJ-NP-Za-km-z]{51}", data))
    assert sorted(end for ident, end in loaded.stage1.scan(data, True) if ident in same) == expected
    raw = loaded.stage1.raw(data, True, True, 1 << 20)
    assert raw is not None
    assert sorted(end for ident, end in raw if ident in same) == expected


def test_a_flood_of_digits_is_one_end(loaded: cache.Loaded) -> None:
    data = b"a" * 400_000 + b"\n" + b"b" * 88 + b"\n"
    assert len(loaded.stage1.scan(data, True)) < 100


def test_what_is_looked_for_in_parts_is_a_trigger(loaded: cache.Loaded) -> None:
    """Patterns that are known by how they are written: one that is written anew would be slow without a word."""
    patterns = [*stage1.expressions(loaded.ruleset)[0], *(pattern for _, pattern in stage1.triggers())]
    several = {pattern: apart.apart(pattern) for pattern in patterns if apart.apart(pattern) != [pattern]}
    assert len(several) == 8
    edge = b"(?:^|[^0-9A-Za-z_])"
    for pattern, parts in several.items():
        assert all(stage1.refusal(part) == "" for part in parts)
        if pattern.startswith(edge):
            assert all(any(re.match(part[: -len(pattern) + len(edge)], bytes([byte])) for part in parts[1:])
                       for byte in range(256) if not re.match(rb"\w", bytes([byte])))  # fmt: skip
    literal = {
        ident for ident, pattern in stage1.triggers() if ident >= TEXT_BASE and re.search(rb"H4s|00\)\{", pattern)
    }
    assert literal == stage1.LITERAL


@given(
    st.text("|+-: \t\r\n=aA/0", max_size=60),
    st.sampled_from(["", "=="]),
    st.sampled_from(["", "|\n--", "| \r\n |: --", "|\n\t+--"]),
)
def test_the_parts_match_where_the_whole_does(loaded: cache.Loaded, text: str, end: str, table: str) -> None:
    data = (text + table + "aA/0" * 8 + end + text).encode()
    for pattern in (apart.TABLE, b"[0-9A-Za-z+/]{24}=="):
        whole = {found for found in range(len(data) + 1) if re.search(b"(?:" + pattern + rb")\Z", data[:found])}
        parts = {found for found in range(len(data) + 1) for part in apart.apart(pattern)
                 if re.search(b"(?:" + part + rb")\Z", data[:found])}  # fmt: skip
        assert whole == parts


@given(st.lists(st.tuples(st.sampled_from([b"a", b"z9", b"0", b"\n", b"= "]), st.integers(1, 3000)), max_size=6))
def test_long_runs_keep_their_edges_and_all_else(pieces: list[tuple[bytes, int]]) -> None:
    data = b"".join(piece * times for piece, times in pieces)
    out = stage1.without_runs(data)
    assert len(out) == len(data)
    for at, (before, after) in enumerate(zip(data, out, strict=True)):
        if before != after:
            around = data[max(0, at - 160) : at + 161]
            assert after == ord("\n")
            assert len(around) == 321
            assert re.fullmatch(rb"[1-9A-HJ-NP-Za-km-z]+", around)
