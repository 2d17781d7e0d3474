"""Phrases that nothing names: found however they are written, and never in word lists, prose or broken phrases."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable
from importlib import import_module
from random import Random

import hyperscan
import pytest
from gate_checks import make
from hypothesis import given, settings
from hypothesis import strategies as st

from leakguard.detect import cache, phrases
from leakguard.detect.engine import Engine
from leakguard.detect.gates.words import LANGUAGES, SIZES, listed
from leakguard.detect.stage1 import PHRASE_BASE, PHRASE_LEAST, Cold, Compiled, compile_databases, widths
from leakguard.model import Confidence, Rule, RuleSet

SEEDS = st.integers(0, 10**6)
BASES = {number: phrases.database(number) for number in range(len(phrases.PATTERNS))}


def ends(data: bytes) -> list[int]:
    """Where the automata for such a buffer end."""
    found: list[int] = []

    def on_match(_ident: int, _start: int, end: int, _flags: int, _context: object) -> None:
        found.append(end)

    for number in (0,) if data.isascii() else (1, 2):
        BASES[number].scan(data, match_event_handler=on_match, scratch=hyperscan.Scratch(BASES[number]))
    return found


def found(text: str) -> list[str]:
    """What is found in a text, as it is written there."""
    data = text.encode()
    hits = phrases.find(data, ends(data))
    assert not hits or phrases.could_fire(data)
    return [data[hit.start : hit.end].decode() for hit in hits]


def phrase(count: int = 12, language: str = "english", seed: int = 0) -> list[str]:
    return make(f"bip39 {count} {language}", seed).replace("\u3000", " ").split(" ")


def wordlist(language: str) -> list[str]:
    return list(import_module("mnemonic").Mnemonic(language).wordlist)


# ---- found ----------------------------------------------------------------------------------------------------------

FORMS: dict[str, Callable[[list[str]], str]] = {
    "line": " ".join,
    "own lines": "\n".join,
    "a quoted mail": lambda words: "> " + "\n> ".join(" ".join(words[n : n + 6]) for n in range(0, len(words), 6)),
    "windows lines": "\r\n".join,
    "escaped lines": "\\n".join,
    "escaped windows lines": "\\r\\n".join,
    "numbered": lambda words: "\n".join(f"{i}. {word}" for i, word in enumerate(words, 1)),
    "numbered, aligned": lambda words: "\n".join(f"{i:2}) {word}" for i, word in enumerate(words, 1)),
    "numbered on a line": lambda words: " ".join(f"{i}.{word}" for i, word in enumerate(words, 1)),
    "numbers with colons": lambda words: "\n".join(f"{i}: {word}" for i, word in enumerate(words, 1)),
    "commas": ", ".join,
    "array": lambda words: json.dumps(words, ensure_ascii=False),
    "indented array": lambda words: json.dumps(words, ensure_ascii=False, indent=8),
    "array in a string": lambda words: json.dumps(json.dumps(words, ensure_ascii=False), ensure_ascii=False),
    "object": lambda words: json.dumps({str(i): word for i, word in enumerate(words, 1)}, ensure_ascii=False),
    "single quotes": lambda words: ", ".join(f"'{word}'" for word in words),
    "yaml list": lambda words: "\n".join(f"  - {word}" for word in words),
    "bullets": lambda words: "\n".join(f"\u2022 {word}" for word in words),
    "table": lambda words: "\n".join(f"| {i} | {word} |" for i, word in enumerate(words, 1)),
    "row of a table": lambda words: "| " + " | ".join(words) + " |",
    "csv": lambda words: "\n".join(f"{i},{word}" for i, word in enumerate(words, 1)),
    "wrapped": lambda words: " ".join(words[:5]) + "\n" + " ".join(words[5:]),
    "hyphens": "-".join,
    "a form": "+".join,
    "a link": "%20".join,
    "tabs": "\t".join,
    "capitals": lambda words: " ".join(words).upper(),
    "ideographic spaces": "\u3000".join,
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_phrase_is_found_in_every_form_and_language(language: str, form: str) -> None:
    for count, unicode_form in ((12, "NFC"), (24, "NFKD"), (15, "NFC")):
        words = [unicodedata.normalize(unicode_form, word) for word in phrase(count, language, count)]
        for before, after in (("", ""), ("notes of Tuesday, do not lose:\n\n", "\n\nthat is it.\n")):
            (hit,) = found(before + FORMS[form](words) + after)
            assert re.findall(r"\w+", hit.lower().replace("\\r", " ").replace("\\n", " "))[0] in words[0].lower()
            assert hit.lower().endswith(words[-1].lower()) or form == "capitals"


@pytest.mark.parametrize("scheme", ["ton", "ton password", "algorand", "electrum"])
def test_phrases_of_other_schemes_are_told_apart(scheme: str) -> None:
    for seed in range(3):
        text = make(scheme, seed)
        data = f"for later:\n{text}\n".encode()
        (hit,) = phrases.find(data, ends(data))
        assert hit.scheme in (scheme.split()[0], "bip39"), "one in 256 has BIP-39's checksum, too"
        assert data[hit.start : hit.end].decode() == text


@pytest.mark.parametrize("count", [12, 24])
@pytest.mark.parametrize("mark", [". ", ") ", ": "])
def test_a_phrase_in_two_numbered_columns_is_read_by_its_numbers(count: int, mark: str) -> None:
    """It was found only by chance: read line by line its checksum does not hold."""
    for seed in range(8):
        words, half = phrase(count, seed=seed), count // 2
        text = "Recovery\n" + "\n".join(
            f"{n + 1:>2}{mark}{words[n]:<12}{n + 1 + half:>2}{mark}{words[n + half]}" for n in range(half)
        )
        assert [set(re.findall("[a-z]+", one)) for one in found(text)] == [set(words)]


@pytest.mark.parametrize("place", [0, 1, 6, 11])
@pytest.mark.parametrize("struck", ["~~worf~~ ", "~~acid~~ "])
def test_a_word_that_was_struck_out_is_no_part_of_it(place: int, struck: str) -> None:
    words = phrase(12, seed=5)
    text = "Seed, one word mended:\n\n" + " ".join([*words[:place], struck + words[place], *words[place + 1 :]]) + "\n"
    (one,) = found(text)
    assert re.findall("[a-z]+", re.sub("~~[a-z]+~~", "", one)) == words


def test_numbers_that_leave_one_out_or_repeat_one_order_nothing() -> None:
    words = phrase(12, seed=3)
    for wrong in (7, 13):
        numbers = [1, wrong, 2, 8, 3, 9, 4, 10, 5, 11, 6, 6 if wrong == 7 else 12]
        text = " ".join(f"{number}. {words[(number - 1) % 12]}" for number in numbers)
        assert all(set(re.findall("[a-z]+", one)) != set(words) or len(one.split()) == 24 for one in found(text))


def test_list_words_before_a_phrase_are_left_out() -> None:
    for count in SIZES:
        for labels in ("wallet seed", "word list", "phrase backup copy one", "secret", "gold ring box"):
            words = phrase(count, seed=len(labels))
            hits = found(f"the {labels} " + " ".join(words) + ".")
            assert hits == [" ".join(words)]


def test_several_phrases_are_all_found() -> None:
    lines = [" ".join(phrase(size, seed=seed)) for seed in range(20) for size in SIZES]
    assert found("\n".join(lines)) == lines
    assert found("\n".join(f"{n}. {line}." for n, line in enumerate(lines))) == lines


# ---- not found ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_word_lists_are_no_phrases(language: str) -> None:
    words = wordlist(language)
    for listed_words in (words, words[::-1]):
        for form in ("own lines", "array", "numbered") if language == "english" else ("own lines",):
            assert found(FORMS[form](listed_words)) == []
        for columns in (4, 6, 12, 24) if language == "english" else (12,):
            rows = [listed_words[at : at + columns] for at in range(0, 2048, columns)]
            assert found("\n".join('"' + '", "'.join(row) + '",' for row in rows)) == []


@pytest.mark.parametrize("language", ["chinese_simplified", "chinese_traditional"])
@pytest.mark.parametrize(("gap", "before", "behind"), [
    (" ", "錄 龘 ", " 錄 龘"),  # pages of manuals have a space between all characters
    ("\u3001", "", "\u3001錄\u3001龘"),
    ('","7":"', '錄","7":"龘","7":"', ""),  # tables of characters
])  # fmt: skip
def test_a_piece_of_chinese_that_goes_on_is_no_phrase(language: str, gap: str, before: str, behind: str) -> None:
    """Every other character of a text is in the lists, and one row in sixteen has a checksum that holds."""
    text = gap.join(phrase(12, language, 3))
    assert found(f"x: {text}.") == [text]
    assert found(f"x: {before}{text}{behind}.") == []
    # what is separated otherwise is a label, or what comes after
    assert found(f"錄龘 {text} 錄龘錄") == [text]


def test_a_list_in_columns_is_no_phrase() -> None:
    """Read line by line it jumps through the list: 12 or 24 columns are the lengths of phrases."""
    words = wordlist("english")
    for columns in (12, 24):
        height = len(words) // columns
        rows = [words[at :: height][:columns] for at in range(height)]
        assert found("\n".join(" ".join(row) for row in rows)) == []


PROSE = (
    "BIP-39 uses a list of 2048 words. Each word stands for eleven bits: abandon is 0, ability is 1, zoo is 2047.",
    "abandon ability able about above absent absorb abstract absurd abuse access accident account accuse achieve acid",
    "open high low close volume price amount cost fee side type status symbol time limit market order trade balance",
    "zoo zone zero youth you young yellow year yard wrong write wrist wreck wrap worth world",
    "test test test test test test test test test test test junk and foo",
    "This is where they have been all along, because there was never any other place that people like this could use.",
)


@pytest.mark.parametrize("text", PROSE)
def test_prose_is_no_phrase(text: str) -> None:
    for form in (text, text.replace(" ", "\n"), json.dumps(text.split()), text.title()):
        assert [hit for hit in found(form * 3) if "junk" not in hit] == []


@given(SEEDS)
@settings(max_examples=60)
def test_a_phrase_with_another_word_in_it_is_none(seed: int) -> None:
    words = phrase(12, seed=seed)
    words.insert(Random(seed).randrange(1, 12), "leakguard")
    assert found(" ".join(words)) == []


# ---- the automata and the guards before the lists --------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_automata_know_every_word_of_the_lists(language: str) -> None:
    """Twelve times the same word: whoever changes a pattern sees which words it loses."""
    for word in wordlist(language):
        for form in {unicodedata.normalize(form, word) for form in ("NFC", "NFKD")}:
            assert ends(" ".join([form] * 12).encode())
    for form in ("NFC", "NFKD"):
        assert ends(" ".join(unicodedata.normalize(form, word.upper()) for word in wordlist(language)[:12]).encode())


def test_no_word_of_the_lists_stops_a_phrase() -> None:
    assert [word for word in phrases.STOP if listed(word.decode())] == []


@given(SEEDS, st.lists(st.sampled_from([" ", "\n", ", ", "\\n", "x", " the ", "1. ", "\u3000", "\\", "\n\n", "é"]), max_size=8))
@settings(max_examples=150)
def test_the_cold_path_is_told_of_all_that_is_there(seed: int, damage: list[str]) -> None:
    """`could_fire` may say yes too often, and never no where something is found; nor does any text make them fail."""
    random = Random(seed)
    text = random.choice(list(FORMS.values()))(phrase(random.choice(SIZES), random.choice(LANGUAGES), seed))
    for piece in damage:
        at = random.randrange(len(text))
        text = text[:at] + piece + text[at:]
    data = text.encode()[random.randrange(4) :]
    hits = phrases.find(data, ends(data))
    assert all(0 <= hit.start < hit.end <= len(data) for hit in hits)
    if hits:
        assert len(data) >= PHRASE_LEAST
        assert phrases.could_fire(data)


@given(st.binary(max_size=300))
@settings(max_examples=200)
def test_no_bytes_make_it_fail(data: bytes) -> None:
    text = b"%s " % data + " ".join(phrase(12)).encode() + data
    phrases.find(text, [*ends(text), len(text) // 2, len(text)])


def test_long_runs_of_list_words_are_read_once() -> None:
    """Every word of such a text is an end; the stretches around them overlap."""
    words = wordlist("english")
    data = " ".join(Random(1).choices(words, k=5_000)).encode()
    assert phrases.find(data, ends(data)) == []


# ---- in the engine --------------------------------------------------------------------------------------------------


def test_it_is_reported_as_proven(engine: Engine) -> None:
    text = " ".join(phrase(24, seed=3)).encode()
    (match,) = engine.scan(b"dear diary,\n\n" + text + b"\n\nyours\n").matches
    assert engine.rules[match.rule].id == "bip39.mnemonic"
    assert match.secret == text
    assert match.confidence == Confidence.CERTAIN
    assert dict(match.facts) == {"words": "24", "language": "english"}


@given(SEEDS, st.integers(0, 400), st.sampled_from(sorted(FORMS)), st.sampled_from(LANGUAGES))
@settings(max_examples=25)
def test_cold_and_warm_find_the_same(
    loaded: cache.Loaded, engine: Engine, seed: int, size: int, form: str, language: str
) -> None:
    before = " ".join(Random(seed).choices(["the", "order", "was", "price", "\n", "left", "1.", "=", "x"], k=size))
    data = (before + "\n\n" + FORMS[form](phrase(12, language, seed)) + "\n\n" + before).encode()
    cold = Engine(loaded.ruleset, Cold(loaded.ruleset), keep_secrets=True)
    assert cold.scan(data).matches == engine.scan(data).matches


def test_documented_phrases_are_examples(engine: Engine) -> None:
    for text in (
        b"legal winner thank year wave sausage worth useful legal winner thank yellow",
        b"hospital stove relief fringe tongue always charge angry urge sentence again match nerve inquiry senior coconut "
        b"label tumble carry category beauty bean road solution",
    ):
        assert engine.scan(b"- " + text + b"\n").matches == []


def test_without_a_rule_for_phrases_none_is_looked_for() -> None:
    rule = Rule("acme.token", "acme", "Acme token", "access-token", 3, 3, (), r"(?P<secret>acme_[0-9a-f]{24})")
    ruleset = RuleSet((rule._replace(trigger="acme_[0-9a-f]{24}", width=(29, 29)),), (), (), "test")
    compiled = Compiled(compile_databases(ruleset), widths(ruleset))
    data = " ".join(phrase(12)).encode()
    assert compiled.databases.ascii is None
    for stage in (compiled, Cold(ruleset)):
        assert not [end for ident, end in stage.scan(data, True) if ident == PHRASE_BASE]


@given(st.lists(st.sampled_from(["the", "zoo", "Abandon", "can't", "x1", "abandon,", "é", "ability\n", "was", "able."]), min_size=12, max_size=80))
def test_what_spoils_a_row_is_quickly_seen_and_never_wrong(words: list[str]) -> None:
    """Up to where a word of no list spoils all rows, no eleven words of a list end, whichever word told it."""
    known = frozenset((b"zoo", b"abandon", b"ability", b"able"))
    data = " ".join(words).encode()
    for end in (found.end() for found in re.finditer(rb"[a-z]{3}", data)):
        until = phrases.near_spoiled(data, end, known)
        for later in range(end, min(until, len(data) + 1)):
            tokens = re.findall(rb"[A-Za-z\x80-\xff]+", data[:later])[-12:-1]
            assert len(tokens) < 11 or not all(token.lower() in known for token in tokens)


@pytest.mark.parametrize("language", ["chinese_simplified", "korean", "japanese"])
@pytest.mark.parametrize("apart", [False, True])
def test_a_phrase_that_json_wrote_as_escapes(engine: Engine, language: str, apart: bool) -> None:
    """What Python's json.dump makes of one: no byte of it is beyond ASCII."""
    phrase = make(f"bip39 12 {language}", 7)
    text = json.dumps({"words": phrase.replace("\u3000", " ").split(" ")} if apart else {"mnemonic": phrase})
    assert [engine.rules[match.rule].id for match in engine.scan(text.encode(), "wallet.json").matches] == ["bip39.mnemonic"]
