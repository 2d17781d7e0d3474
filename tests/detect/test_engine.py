"""The laws of the engine: the same matches however it is run, exact offsets, and no secret where none belongs."""

from __future__ import annotations

import io
import re
import traceback
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from leaks import ENCODINGS, TEMPLATES, bare, leak, noise, secrets

from leakguard.detect import cache, stage1
from leakguard.detect.engine import Engine, Scan, _has_cell
from leakguard.detect.stage1 import Cold, Compiled, compile_databases, widths
from leakguard.errors import EngineError
from leakguard.findings import findings_of
from leakguard.model import ABOUT, Document, Finding, Incident, Match, Origin, Rule, RuleSet
from leakguard.pipeline import _drain
from leakguard.sources.windows import read_stream
from leakguard.work import Done, Policy

SEEDS = st.integers(0, 10**6)


def rule(**more: Any) -> Rule:
    """A rule for a made-up token."""
    fields: dict[str, Any] = {
        "id": "acme.token",
        "provider": "acme",
        "title": "Acme token",
        "part": "access-token",
        "severity": 3,
        "confidence": 3,
        "pattern": r"acme_(?P<secret>[0-9a-f]{24})",
        "trigger": r"acme_[0-9a-f]{24}",
        "width": (29, 29),
    }
    return Rule(**{**fields, **more})


def engine_of(*rules: Rule, **more: Any) -> Engine:
    ruleset = RuleSet(rules, (), (), "test")
    return Engine(ruleset, Compiled(compile_databases(ruleset), widths(ruleset)), **more)


def text_of(seed: int, size: int = 6000, deep: bool = True) -> tuple[bytes, set[bytes]]:
    """A text with planted secrets, plain and hidden, and these secrets."""
    kinds = sorted(TEMPLATES)
    names = sorted(ENCODINGS)
    parts, planted = [], set()
    for number in range(4):
        text, secret = leak(kinds[(seed + number) % len(kinds)], seed + number)
        if deep and number % 2:
            text = ENCODINGS[names[(seed // 7 + number) % len(names)]](text)
        parts += [noise(seed + number, size // 4), b"\n", text, b"\n"]
        planted.add(secret)
    return b"".join(parts), planted


# ---- the same matches -----------------------------------------------------------------------------------------------


def test_planted_secrets_are_found(engine: Engine) -> None:
    """What the other tests compare is something."""
    for kind in TEMPLATES:
        text, secret = leak(kind, 1)
        assert secret in secrets(engine, noise(1, 500) + b"\n" + text)


@given(SEEDS)
@settings(max_examples=20)
def test_cold_and_warm_find_the_same(loaded: cache.Loaded, engine: Engine, seed: int) -> None:
    data, _ = text_of(seed, 4000 if seed % 3 else 60_000)
    cold = Engine(loaded.ruleset, Cold(loaded.ruleset), keep_secrets=True)
    assert cold.scan(data).matches == engine.scan(data).matches


def test_a_cold_start_that_goes_on_finds_the_same(
    loaded: cache.Loaded, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rules are compiled as their keywords come up, then all of them."""
    monkeypatch.setattr(stage1, "COLD_PARTS", 8)
    made: list[Any] = []
    stage = Cold(loaded.ruleset, made.append)
    cold = Engine(loaded.ruleset, stage, keep_secrets=True)
    for seed in range(40):
        data, planted = text_of(seed, 3000)
        assert cold.scan(data).matches == engine.scan(data).matches
        assert planted <= secrets(engine, data)
    assert made, "a cold stage compiles everything in the end"


def drained(engine: Engine, data: bytes, window: int, reach: int) -> tuple[Done, list[Incident]]:
    incidents: list[Incident] = []
    windows = read_stream(io.BytesIO(data), Origin("file", "x"), incidents.append, window, reach)
    return _drain(engine, windows, Policy(), incidents, size=len(data), reach=reach), incidents


def placed(done: Done) -> list[Finding]:
    return sorted(done.findings, key=lambda finding: (finding.start_byte, finding.end_byte, finding.rule, finding.view))


@given(SEEDS, st.integers(2_000, 40_000))
@settings(max_examples=40)
def test_windows_of_any_size_find_the_same(engine: Engine, seed: int, window: int) -> None:
    data, _ = text_of(seed, 60_000)
    window += window % 2  # UTF-16 that begins and ends with the buffer has no other parity than the buffer's
    whole, _ = drained(engine, data, 1 << 30, 1 << 20)
    parts, incidents = drained(engine, data, window, 16_384)
    assert whole.findings
    assert placed(parts) == placed(whole)
    assert (parts.bytes, parts.lines, parts.tail) == (whole.bytes, whole.lines, whole.tail)
    assert sorted(parts.sets) == sorted(whole.sets)
    assert not incidents


LONG = ("base64", "base64 url-safe", "hex", "base64 wrapped", "gzip in base64", "utf-16le", "percent", "byte escapes")


@pytest.mark.parametrize("name", LONG)
@given(SEEDS)
@settings(max_examples=3)
def test_runs_longer_than_windows_find_the_same(engine: Engine, name: str, seed: int) -> None:
    """Secrets deep inside an encoded run that no window holds."""
    inside, planted = [], set()
    for number in range(12):
        text, secret = leak(sorted(TEMPLATES)[(seed + number) % len(TEMPLATES)], seed + number)
        planted.add(secret)
        inside += [text, b"# ", b"nothing to see in here, go on. " * 150, b"\n"]
    data = noise(seed, 3000) + b"\nxy = " + ENCODINGS[name](b"".join(inside)) + b"\n" + noise(seed + 1, 3000)
    whole, _ = drained(engine, data, 1 << 30, 1 << 20)
    parts, incidents = drained(engine, data, 24_576, 32_768)
    assert planted <= {bare(finding.secret or b"") for finding in whole.findings}
    assert placed(parts) == placed(whole)
    assert (parts.bytes, parts.lines) == (whole.bytes, whole.lines)
    assert not incidents


@given(SEEDS)
@settings(max_examples=10)
def test_threads_find_the_same(engine: Engine, seed: int) -> None:
    texts = [text_of(seed + number, 2000)[0] for number in range(12)]
    alone = [engine.scan(text) for text in texts]
    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(engine.scan, texts)) == alone


def test_a_text_found_twice_is_found_the_same(engine: Engine) -> None:
    data, planted = text_of(5)
    first = engine.scan(data)
    assert engine.scan(data) == first
    assert planted <= {bare(match.secret) for match in first.matches}


# ---- any bytes ------------------------------------------------------------------------------------------------------


@given(st.binary(max_size=400))
@settings(max_examples=300)
def test_no_bytes_make_it_fail(engine: Engine, data: bytes) -> None:
    scan = engine.scan(data, final=False, core_end=len(data) // 2, reach=10)
    assert all(0 <= match.secret_start < match.secret_end <= len(data) for match in scan.matches)
    assert scan.cut < len(data)


@given(SEEDS, st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=12), st.integers(0, 10**6))
@settings(max_examples=150)
def test_no_damage_makes_it_fail(engine: Engine, seed: int, damage: list[tuple[int, int]], end: int) -> None:
    """Texts that hold something, with some bytes changed, cut somewhere."""
    data = bytearray(text_of(seed, 800)[0])
    for at, byte in damage:
        data[at % len(data)] = byte
    buffer = bytes(data[: end % len(data)])
    scan = engine.scan(buffer, final=False)
    assert all(0 <= match.secret_start < match.secret_end <= len(buffer) for match in scan.matches)


def test_floods_of_one_letter_are_quick_and_small(engine: Engine) -> None:
    """Every letter is an end of some trigger: ends that say nothing new are not kept."""
    for letter in (b"a", b"A", b"1", b"\\x41", b"%41", b"&#65;", b"\\/", b"=3D", b"k"):
        data = letter * (200_000 // len(letter))
        assert len(engine.stage1.scan(data, True)) < 30_000
        assert engine.scan(data).matches == []


# ---- offsets --------------------------------------------------------------------------------------------------------


@given(SEEDS)
@settings(max_examples=40)
def test_offsets_of_raw_matches_are_the_secret(engine: Engine, seed: int) -> None:
    data, planted = text_of(seed, deep=False)
    raw = [match for match in engine.scan(data).matches if not match.view]
    assert planted <= {bare(match.secret) for match in raw}
    for match in raw:
        assert data[match.secret_start : match.secret_end] == match.secret
        assert match.start <= match.secret_start < match.secret_end <= match.end
        assert match.length == match.secret_end - match.secret_start


def test_the_better_of_two_that_overlap_is_kept() -> None:
    longer = rule(id="acme.long", pattern=r"(?P<secret>acme_[0-9a-f]{24})")
    generic = rule(
        id="generic.x", pattern=r"(?P<secret>acme_[0-9a-f]{24}!)", trigger=r"acme_[0-9a-f]{24}!", generic=True
    )
    scan = engine_of(rule(), longer, generic).scan(b"acme_0123456789fedcba98765432!")
    assert [scan.matches[0].rule, len(scan.matches)] == [1, 1]


def test_secrets_packed_in_one_run_are_all_found(engine: Engine) -> None:
    """They all seem to stand at the run: none may count as the other's overlap."""
    texts = [leak(kind, seed) for kind in ("github", "npm", "binance") for seed in range(5)]
    data = b"data: " + ENCODINGS["helm"](b"".join(text for text, _ in texts))
    assert {secret for _, secret in texts} <= secrets(engine, data)


def test_very_many_matches_are_settled_quickly() -> None:
    data = b"".join(b"acme_%024x\n" % (number * 7919 * 10**18 + 0xABCDE) for number in range(20_000))
    scan = engine_of(rule(gates=(("not_placeholder", False),))).scan(ENCODINGS["gzip in base64"](data))
    assert len(scan.matches) == 20_000


# ---- time -----------------------------------------------------------------------------------------------------------


def test_running_out_of_time_is_told_once() -> None:
    """A text on which a search takes too long has many such places: the rule is given up, and the next one tried."""
    asked = []

    class Slow:
        def search(self, *place: int, timeout: float) -> None:
            asked.append(timeout)
            raise TimeoutError

    engine = engine_of(rule(), rule(id="acme.other", pattern=r"(?P<secret>acme_[0-9a-f]{24})"))
    engine._second[0] = Slow()
    scan = engine.scan(b"acme_0123456789fedcba98765432\n" * 50)
    assert len(asked) == 1
    assert [match.rule for match in scan.matches] == [1] * 50
    assert len(scan.incidents) == 1
    assert "acme.token ran out of time" in scan.incidents[0]


# ---- where no secret may be -----------------------------------------------------------------------------------------


def test_no_repr_shows_a_secret(engine: Engine) -> None:
    text, secret = leak("github", 9)
    data = ENCODINGS["base64"](text) + b"\n" + text
    document = Document(data, Origin("file", "x"))
    scan: Scan = engine.scan(data)
    findings, _ = findings_of(engine, document, scan.matches, 1)
    assert {bare(match.secret) for match in scan.matches} == {secret}
    from leakguard.detect.decode import Runs

    views = list(Runs(data, [("base64", 20)]))
    shown = repr([document, scan.matches, findings, views, engine.ruleset.rules, scan])
    assert views
    assert secret.decode() not in shown
    assert secret[:12].decode() not in shown


def test_an_engine_that_keeps_no_secrets_has_none(loaded: cache.Loaded) -> None:
    text, secret = leak("github", 9)
    scan = Engine(loaded.ruleset, loaded.stage1).scan(text)
    assert [match.secret for match in scan.matches] == [None]
    assert secret not in b"".join(repr(tuple(match)).encode() for match in scan.matches)


def test_a_gate_that_breaks_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from leakguard.detect.gates import basic

    def broken(candidate: Any, least: float) -> None:
        raise ValueError(f"cannot judge {candidate.secret!r}")

    monkeypatch.setattr(basic, "entropy", broken)
    secret = b"0123456789fedcba98765432"
    with pytest.raises(EngineError) as caught:
        engine_of(rule(gates=(("entropy", 1.0),))).scan(b"acme_" + secret)
    error = caught.value
    assert (error.rule, error.reason, error.exit_code) == ("acme.token", "ValueError", 3)
    assert error.__cause__ is None
    assert error.__context__ is None
    assert secret.decode() not in "".join(traceback.format_exception(error)) + repr(error)


def test_identity_depends_on_key_and_secret_alone(loaded: cache.Loaded) -> None:
    text, _ = leak("github", 3)
    other, _ = leak("github", 4)
    one, two = (Engine(loaded.ruleset, loaded.stage1, key) for key in (b"one", b"two"))

    def keys(engine: Engine, data: bytes) -> list[bytes]:
        return [match.key for match in engine.scan(data).matches]

    assert keys(one, text) == keys(one, noise(1, 300) + b"\n" + text) == keys(one, ENCODINGS["base64"](text))
    assert keys(one, text) != keys(two, text)
    assert keys(one, text) != keys(one, other)


def test_matches_are_values() -> None:
    assert Match(0, 0, 1, 0, 1, 3, (), b"", 1) == Match(0, 0, 1, 0, 1, 3, (), b"", 1)


NEAR = {"words": ["acme.example", "acmecorp"], "before": 30, "after": 20}


@given(st.integers(0, 90), st.integers(0, 90), st.sampled_from(["Acme.Example", "ACMECORP", "acme"]), st.booleans())
def test_ends_with_no_word_near_them_are_those_that_the_gate_refuses(
    before: int, after: int, word: str, twice: bool
) -> None:
    token = b"acme_" + b"0123456789abcdef01234567"
    text = b" " * 40 + word.encode() + b" " * before + token + b" " * after + (word.encode() if twice else b"") + b" " * 40
    engine = engine_of(rule(gates=(("not_placeholder", False), ("near", NEAR))))
    quick = engine.scan(text + b"\n" + token).matches
    engine._where_named = lambda data, index, ends: ends  # type: ignore[method-assign]
    assert engine.scan(text + b"\n" + token).matches == quick
    named = word != "acme"
    reaches = before + len("acme_") + len(word) <= 30 or (twice and after + len(word) <= 20)
    assert any(match.start < len(text) for match in quick) == (named and reaches)


@given(st.lists(st.sampled_from([b"word", b"a" * 19, b"b=" * 10, b"7", b"-", b":", b" ", b"\n", b",", b"\xc3\xa9"]), max_size=40))
def test_a_cell_is_a_long_run_with_a_digit(parts: list[bytes]) -> None:
    data = b"".join(parts)
    assert _has_cell(data) == any(re.search(rb"[0-9]", run) for run in re.findall(rb"[0-9A-Za-z+/=_:\-]{20,}", data))


@given(st.lists(st.text("ab\x1f\n/", max_size=6), max_size=3), st.text("ab\x1f\n/", max_size=12))
def test_a_path_is_told_behind_what_it_is_about(about: list[str], path: str) -> None:
    *before, last = Origin("file", path, about=tuple(about)).told.split(ABOUT)
    assert before == [text.replace(ABOUT, " ") for text in about]
    assert last == path.replace(ABOUT, " ")
