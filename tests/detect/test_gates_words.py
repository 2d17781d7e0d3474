"""Mnemonic phrases: found however they are written down, and not found in what is no phrase."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from random import Random
from unicodedata import normalize

import pytest
from gate_checks import facts, judge, make
from hypothesis import given, settings
from hypothesis import strategies as st
from mnemonic import Mnemonic

from leakguard.detect.gates import Verdict, words
from leakguard.detect.gates.words import LANGUAGES, SIZES, bip39_runs

REJECT, PASS, PROVEN = Verdict.REJECT, Verdict.PASS, Verdict.PROVEN

WRITTEN: dict[str, Callable[[list[str]], str]] = {
    "one line": " ".join,
    "one a line": "\n".join,
    "windows line ends": "\r\n".join,
    "escaped line ends": "\\n".join,
    "numbered": lambda phrase: "\n".join(f"{place}. {word}" for place, word in enumerate(phrase, 1)),
    "numbered on one line": lambda phrase: " ".join(f"{place}) {word}" for place, word in enumerate(phrase, 1)),
    "padded numbers": lambda phrase: "\n".join(f"{place:02d}: {word}" for place, word in enumerate(phrase, 1)),
    "JSON": lambda phrase: '["' + '", "'.join(phrase) + '"]',
    "JSON over lines": lambda phrase: '[\n  "' + '",\n  "'.join(phrase) + '"\n]',
    "escaped JSON": lambda phrase: '[\\"' + '\\", \\"'.join(phrase) + '\\"]',
    "Python": str,
    "CSV": ",".join,
    "semicolons": "; ".join,
    "table": lambda phrase: "| " + " | ".join(phrase) + " |",
    "YAML list": lambda phrase: "- " + "\n- ".join(phrase),
    "hyphens": "-".join,
    "lines of four": lambda phrase: "\n".join(" ".join(phrase[at : at + 4]) for at in range(0, len(phrase), 4)),
    "title case": lambda phrase: " ".join(word.title() for word in phrase),
    "upper case": lambda phrase: " ".join(phrase).upper(),
    "sentence case": lambda phrase: " ".join(phrase).capitalize(),
    "doubled spaces": "  ".join,
}


def _phrase(count: int = 12, seed: int = 0, language: str = "english") -> list[str]:
    return make(f"bip39 {count} {language}", seed).split()


@pytest.mark.parametrize("way", WRITTEN)
@pytest.mark.parametrize("count", SIZES)
def test_a_phrase_is_found_however_it_is_written(count: int, way: str) -> None:
    phrase = _phrase(count)
    body = WRITTEN[way](phrase)
    if count % 4 and way == "lines of four":
        assert body.count("\n") == count // 4
    text = f"The wallet:\nmnemonic = {body}\n# end of it\n"
    ((start, end, language, found),) = bip39_runs(text)
    assert (language, found) == ("english", phrase)
    assert text[start:end].lower().startswith(phrase[0]) and text[start:end].lower().endswith(phrase[-1])
    assert judge("bip39", text[start:end]) == PROVEN
    assert judge("bip39", body) == PROVEN


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("form", ["NFC", "NFKD"])
def test_all_ten_languages_in_both_forms(language: str, form: str) -> None:
    phrase = _phrase(24, 1, language)
    for separator in (" ", "\n", "\u3000", ", "):
        text = normalize(form, "x: " + separator.join(phrase) + ".")  # type: ignore[arg-type]
        ((start, end, found, listed),) = bip39_runs(text)
        assert listed == [normalize("NFKD", word) for word in phrase]
        assert normalize("NFKD", text[start:end]).endswith(listed[-1])
        assert found == language or {found, language} <= {"chinese_simplified", "chinese_traditional"}
        assert facts("bip39", text[start:end])["words"] == "24"


def test_several_phrases() -> None:
    phrases = [_phrase(12, seed) for seed in range(4)]
    lines = [" ".join(phrase) for phrase in phrases]
    for text in ("\n".join(lines), "\n\n".join(lines), str(lines), ",".join(f'"{line}"' for line in lines)):
        assert [found[3] for found in bip39_runs(text)] == phrases


def test_a_label_of_list_words_before_a_phrase() -> None:
    phrase = _phrase(24)
    ((start, _, _, found),) = bip39_runs("wallet seed " + " ".join(phrase))
    assert found == phrase and start == len("wallet seed ")


def test_the_longest_window_wins() -> None:
    (found,) = bip39_runs(" ".join(_phrase(24)))
    assert len(found[3]) == 24


def test_a_wrong_word_or_a_wrong_checksum_is_no_phrase() -> None:
    phrase = _phrase(24)
    assert bip39_runs(" ".join([*phrase[:11], "leakguard", *phrase[12:23]])) == []
    swapped = [phrase[1], phrase[0], *phrase[2:]]
    assert bip39_runs(" ".join(swapped)) == []
    assert judge("bip39", " ".join(swapped)) == REJECT


@pytest.mark.parametrize("separator", [". ", ": ", " = ", "] [", " (", "_", "/"])
def test_what_ends_a_row(separator: str) -> None:
    phrase = _phrase()
    assert bip39_runs(" ".join(phrase[:6]) + separator + " ".join(phrase[6:])) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_word_list_is_no_phrase(language: str) -> None:
    listed = Mnemonic(language).wordlist
    for order in (listed, listed[::-1]):
        for text in (
            "\n".join(order),
            " ".join(order),
            str(order),
            ",\n".join(", ".join(order[at : at + 12]) for at in range(0, 2048, 12)),
        ):
            assert bip39_runs(text) == []


def test_a_shuffled_word_list_is_no_phrase() -> None:
    listed = Mnemonic("english").wordlist[:]
    Random(1).shuffle(listed)
    assert bip39_runs("\n".join(listed)) == bip39_runs(" ".join(listed)) == []


def test_a_table_of_few_words_is_no_phrase() -> None:
    random = Random(1)
    for _ in range(50):
        column = random.choices(["long", "short", "open", "close"], k=random.choice([12, 15, 24, 30]))
        assert bip39_runs("\n".join(column)) == bip39_runs(", ".join(column)) == []


def test_prose_is_no_phrase() -> None:
    text = (
        "There will come about that only your good friend must have this small list, which they then use like other "
        "people use their school book. When I was there, I saw that those who help first often have more time. "
    )
    assert bip39_runs(text * 50) == []


def test_capitals_mixed_as_in_prose_are_no_phrase() -> None:
    phrase = _phrase()
    mixed = [word.title() if place in (2, 3, 7) else word for place, word in enumerate(phrase)]
    assert bip39_runs(" ".join(mixed)) == []
    assert judge("bip39", " ".join(mixed)) == PROVEN, "a rule that knows it is one need not care"


def test_chinese_prose_without_spaces_is_no_phrase() -> None:
    listed = Mnemonic("chinese_simplified").wordlist
    assert bip39_runs("".join(Random(1).choices(listed, k=2_000))) == []


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=200), st.integers(0, 50), st.text(max_size=200))
def test_a_phrase_is_found_inside_any_text(before: str, seed: int, after: str) -> None:
    phrase = _phrase(12, seed)
    text = f"{before}\n= {' '.join(phrase)} =\n{after}"
    assert phrase in [found[3] for found in bip39_runs(text)]


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=400))
def test_runs_never_raise_and_never_find_in_noise(text: str) -> None:
    assert bip39_runs(text) == []


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(Mnemonic("english").wordlist), min_size=1, max_size=60), st.data())
def test_every_window_returned_is_a_valid_phrase(listed: list[str], data: st.DataObject) -> None:
    separators = data.draw(
        st.lists(st.sampled_from([" ", "\n", ", ", " 3. "]), min_size=len(listed), max_size=len(listed))
    )
    text = "".join(word + separator for word, separator in zip(listed, separators, strict=True))
    last = 0
    for start, end, language, found in bip39_runs(text):
        assert Mnemonic(language).check(" ".join(found))
        assert start >= last
        last = end


def test_long_rows_take_linear_time() -> None:
    """A row of 100,000 words with ever other separators was once quadratic."""
    import time

    random = Random(1)
    text = "".join("act" + "".join(random.choices(" ,;|'\n", k=6)) for _ in range(100_000))
    bip39_runs("warm")
    start = time.process_time()
    assert bip39_runs(text) == []
    assert time.process_time() - start < 8


def test_gate_reads_words_of_a_long_value_as_running_text() -> None:
    phrase = _phrase()
    text = "There is a list of things to do before the summer. " * 10 + "\n" + " ".join(phrase) + ".\n"
    assert facts("bip39", text) == {"words": "12", "language": "english"}
    assert judge("bip39", "There is a list of things to do before the summer. " * 10) == REJECT


@pytest.mark.parametrize("text", ["", "one two three", "abandon " * 11, "abandon " * 12])
def test_gate_rejects_what_is_too_short_or_wrong(text: str) -> None:
    assert judge("bip39", text) == REJECT
    assert judge("electrum", text) == REJECT


def test_electrum_ignores_accents_and_joins_east_asian_words() -> None:
    assert facts("electrum", make("electrum")) == {"words": "12", "kind": "segwit"}
    # from the definition: the words are joined before they are hashed
    import hmac

    listed, random = Mnemonic("japanese").wordlist, Random(1)
    while True:
        phrase = random.choices(listed, k=12)
        bare = "".join(char for char in normalize("NFKD", "".join(phrase)) if char not in "\u3099\u309a")
        if hmac.digest(b"Seed version", bare.encode(), "sha512").hex().startswith("01"):
            break
    assert facts("electrum", "\u3000".join(phrase)) == {"words": "12", "kind": "standard"}


def test_without_the_word_lists_nothing_is_called_clean(monkeypatch: pytest.MonkeyPatch) -> None:
    words._list.cache_clear()
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    phrase = " ".join(["abandon"] * 11 + ["about"])
    try:
        assert judge("bip39", phrase) == PASS
        with pytest.raises(ImportError):
            bip39_runs(phrase)
    finally:
        words._list.cache_clear()


def test_the_lists_are_the_official_ones() -> None:
    every: dict[str, dict[str, int]] = {}
    for language in LANGUAGES:
        for place, word in enumerate(Mnemonic(language).wordlist):
            every.setdefault(normalize("NFKD", word), {})[language] = place
    assert {word: words._BOOK.get(word) for word in every} == every
    assert words.ascii_words() == {word.encode() for word in every if word.isascii()}
    assert all(word in words._BOOK for word in every)
    assert not words._BOOK.get("leakguard")


def test_sentences_are_no_shares_before_the_package_is_asked() -> None:
    """Its import takes as long as a megabyte to scan, and every second repository has a sentence behind `share`."""
    lines = (
        "import sys", f"sys.path[:] = {sys.path!r}", "from leakguard.detect.gates import Candidate, Verdict, words",
        "text = b'we share what we have with all who ask for it and nobody has to pay or sign or wait for an answer here'",
        "assert words.slip39(Candidate(text, 0, len(text), b'', {}, '')) == Verdict.REJECT",
        "assert not any(name.startswith('shamir_mnemonic.') for name in sys.modules)",
        "from shamir_mnemonic.wordlist import WORDLIST",
        "assert words._share_words() == frozenset(WORDLIST)",
    )  # fmt: skip
    subprocess.run([sys.executable, "-c", "\n".join(lines)], check=True)
