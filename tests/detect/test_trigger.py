"""The law of triggers: wherever a rule's pattern matches [s, e), its first-stage pattern ends within (s, e]."""

from __future__ import annotations

import random
import re

import pytest
import regex
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from leakguard.detect.floods import OneTrigger
from leakguard.detect.sample import sample
from leakguard.detect.trigger import TAIL, Unsupported, derive


def ends(trigger: str, text: bytes) -> set[int]:
    return {end for _, end in OneTrigger(trigger).scan(text, False)}


def holds(pattern: str, text: bytes) -> int:
    """Asserts the law for every match, overlapping ones too, and says how many there were."""
    found = ends(derive(pattern).pattern, text)
    spans = [match.span() for match in regex.finditer(pattern.encode(), text, overlapped=True, timeout=5)]
    for start, end in spans:
        assert any(start < at <= end for at in found), (pattern, text, (start, end), sorted(found))
    return len(spans)


# ---------------------------------------------------------------- by chance
LEAVES = st.sampled_from(
    ["a", "b", "A", "1", "_", "-", r"\.", " ", r"\n", r"\x00", r"\xff", "[a-c]", "[^b]", r"[^\n1]", "[A-Za-z0-9]",
     r"[\w.]", r"[\s\d]", r"\d", r"\D", r"\w", r"\W", r"\s", r"\S", ".", "ab", "key"]
)  # fmt: skip
BORDERS = st.sampled_from(
    [r"\b", r"\B", "^", "$", r"\A", r"\Z", "(?=a)", "(?!b)", "(?<![a-z])", "(?<=1)", r"(?![\w-])", "(?:^|a)"]
)
COUNTS = st.sampled_from(["?", "{0,3}", "{1,3}", "{2}", "{3}", "{0,2}?", "??", "{1,2}+"])
LONG_COUNTS = st.sampled_from(["{26,30}", "{24}", "{0,40}", "{1,4}?"])  # of leaves only: hyperscan counts no nests


def grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    rows = st.lists(inner | BORDERS, min_size=1, max_size=4).map("".join)
    return (
        rows.map("(?:{})".format)
        | rows.map("(?i:{})".format)
        | rows.map("(?s:{})".format)
        | rows.map("(?>{})".format)
        | st.builds("(?:{}){}".format, rows, COUNTS)
        | st.lists(rows, min_size=2, max_size=3).map("|".join).map("(?:{})".format)
        | st.builds("(?P<secret>{})".format, rows)
    )


ITEMS = st.recursive(LEAVES | st.builds("(?:{}){}".format, LEAVES, COUNTS | LONG_COUNTS), grown, max_leaves=6)
ROWS = st.lists(ITEMS | BORDERS, min_size=1, max_size=4).map("".join)
PATTERNS = st.builds("{}{}".format, st.sampled_from(["", "", "(?i)", "(?s)"]), ROWS)
NOISE = st.binary(max_size=12) | st.text("abAB1_-. \n\x0b\x00kKeEyY", max_size=12).map(str.encode)


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(PATTERNS, st.integers(0, 1 << 32), NOISE, NOISE)
def test_a_trigger_ends_inside_every_match(pattern: str, seed: int, before: bytes, after: bytes) -> None:
    assume(pattern.count("?P<secret>") < 2)
    try:
        assume(derive(pattern).most < 400)  # larger nests are what hyperscan may refuse
        regex.compile(pattern.encode())
    except (Unsupported, re.error, regex.error):
        assume(False)
    made = sample(pattern, random.Random(seed)) + b"\n" + sample(pattern, random.Random(seed + 1), most=True)
    holds(pattern, before + made + after)


def test_the_chance_above_finds_matches() -> None:
    """The property is not empty: plain patterns match what is made from them."""
    total = 0
    patterns = (r"\bkey_[0-9a-f]{8}(?![0-9a-f])", "(?i)ab[a-c]{2,9}", r"(?P<secret>\w{26,30})\b", "(?:a|b1)[^b]{3}")
    for pattern in patterns:
        for seed in range(10):
            total += holds(pattern, b"\n%s\n" % sample(pattern, random.Random(seed)))
    assert total >= 40


# ---------------------------------------------------------------- by hand
@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"\s[a]{2}", b"\x0baa \x0caa"),  # \s is six characters in both engines
        (r"a.b", b"a\rb a\x85b"),  # the dot is all but \n
        (r"(?s)a.b", b"a\nb"),
        (r"[^a]x", b"\nx"),
        (r"(?i)K\b", b"k K"),
        (r"a(?:b|)c?", b"a ab abc"),
        (r"x(?=y)y{30,40}", b"x" + b"y" * 35),
        (r"(?:ab|c){2,3}$", b"abcab"),
        (r"[ab]{0,5}?z", b"aaaaaz"),
    ],
)
def test_the_engines_read_the_same(pattern: str, text: bytes) -> None:
    assert holds(pattern, text) > 0


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("ab*", "unbounded"),
        ("a+", "unbounded"),
        ("a{3,}", "unbounded"),
        ("(?:a{1,9}){2,}", "unbounded"),
        ("a?", "nothing in it"),
        (r"(?=a)\b", "nothing in it"),
        ("(a)\\1", "first stage"),
        ("(a)?(?(1)b|c)d", "first stage"),
        ("ü", "ASCII"),
        (r"\u00fc\u0100x", "single-byte"),
        ("[[:alpha:]]{3}", "write the class out"),
        ("(?:secret){e<=1}", "fuzzy"),
        ("x{i}", "fuzzy"),
    ],
)
def test_what_one_engine_cannot_do_is_refused(pattern: str, reason: str) -> None:
    with pytest.raises(Unsupported, match=reason):
        derive(pattern)


def test_braces_that_count_or_are_escaped_are_taken() -> None:
    for pattern in (r"a{2}", r"a{2,3}", r"\{e\}", r"x\{id\}", r"[{]e"):
        derive(pattern)


def test_the_tail_is_cut_so_that_one_match_gives_one_end() -> None:
    text = b"key_" + b"0" * 200
    assert ends(derive("key_[0-9a-f]{16,200}").pattern, text) == {4 + 16}
    assert ends(derive("key_[0-9a-f]{100,200}").pattern, text) == {4 + TAIL}


def test_an_optional_beginning_is_dropped() -> None:
    assert "w" not in derive(r"[\w.]{0,50}acme_[0-9]{4}").pattern


def test_width() -> None:
    found = derive(r"(?:ab|cde)[0-9]{2,5}(?!x)")
    assert (found.least, found.most) == (4, 8)
    assert derive("ab[0-9]{4}").fixed == 6
    assert derive("(?:a|bc)[0-9]{4}").fixed == 0


def test_open_repeats_stay_open_where_they_are_allowed() -> None:
    found = derive("key[0-9]{2,}-[a-f]*", open_ends=True)
    assert found.pattern == r"key[0-9]{2,}\x2d"
    assert ends(found.pattern, b"key" + b"1" * 5000 + b"-abc") == {5004}


def test_the_beginning_of_the_data_is_not_anywhere() -> None:
    """`(?:\\n|\\A)` without its border would be nothing, and what begins a line be looked for in the middle of each."""
    pattern = r"(?:\n|\A)[ \t]{0,4}(?P<secret>0x[0-9a-f]{64})"
    trigger = derive(pattern).pattern
    digits = b"0x" + b"5a" * 32
    assert ends(trigger, digits) and ends(trigger, b"one\n" + digits)
    assert not ends(trigger, b"hash " + digits)


@pytest.mark.parametrize("pattern", [r"x(?:\A|y)key_a", r"x\Akey_a", r"(?:\A){0,3}key_a", r"(?>\A|x)key_a", r"(?:(?:\A|x)|\Ay)key_a"])
def test_the_beginning_of_the_data_elsewhere_is_taken_by_hyperscan(pattern: str) -> None:
    holds(pattern, b"key_a xkey_a xykey_a ykey_a")
