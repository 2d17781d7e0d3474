"""Rule packs: what the loader refuses, naming file, rule and field; and what `check` finds in packs that load."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from leakguard.detect import check as laws
from leakguard.detect import rules
from leakguard.detect.engine import Engine
from leakguard.errors import EXIT_USAGE, RulePackError, UsageError
from leakguard.model import Confidence, RuleSet, Severity

PACK = """
[pack]
provider = "acme"
title = "Acme"
aliases = ["acme"]
references = ["https://acme.example/docs"]
"""

RULE = """
[[rule]]
id = "acme.token"
title = "Acme token"
part = "access-token"
severity = "high"
confidence = "high"
keywords = ["acme_pat_"]
pattern = '''acme_pat_(?P<secret>[0-9A-Za-z]{24})(?![0-9A-Za-z])'''
why = "Reads and writes every project."
fix = "Revoke it."
examples = ['token=acme_pat_<<{{alnum*24}}>>', '"acme_pat_<<{{alnum*24}}>>"']
near_misses = [
  { text = 'token=acme_pat_{{alnum*23}}', why = "one short" },
  { text = 'token=acme_pat_{{alnum*25}}', why = "one long" },
]
"""

SHAPE = """
[[rule]]
id = "acme.api-key"
title = "Acme API key"
part = "api-key"
severity = "medium"
confidence = "medium"
shape = '[0-9a-f]{32}'
why = "Reads."
fix = "Revoke it."
examples = [{ name = "ACME_API_KEY", secret = "{{hex*32}}" }, { name = "acmeApiKey", secret = "{{hex*32}}" }]
near_misses = [
  { text = 'ACME_API_KEY={{hex*31}}', why = "one short" },
  { text = 'ACME_COMMIT={{hex*32}}', why = "not the name of a key" },
]
"""


WHY = 'why = "Reads and writes'


def parse(text: str, **options: Any) -> rules.Pack:
    return rules.parse_pack("packs/acme.toml", text.encode(), **options)


def swap(old: str, new: str, text: str = PACK + RULE) -> str:
    assert old in text, "the mistake must replace something"
    return text.replace(old, new)


def gates(text: str) -> str:
    return swap(WHY, f"gates = [{text}]\n{WHY}")


def with_set(text: str) -> str:
    return PACK + RULE + "[[set]]\nid = 'acme.c'\ntitle = 'x'\nseverity = 'high'\n" + text


# ---------------------------------------------------------------- the loader
ID = "acme.token"
LOADER = [
    # (what is wrong, the pack, rule, field, words of the reason)
    ("syntax", PACK + "[[rule]\n", "", "", "not valid TOML"),
    ("not utf-8", "\udcff", "", "", "not valid TOML"),
    ("no pack table", RULE, "", "pack", "missing"),
    ("no provider", "[pack]\ntitle = 'x'\n", "pack", "provider", "missing"),
    ("odd provider", swap('provider = "acme"', 'provider = "Ac me"'), "pack", "provider", "lower-case"),
    ("unknown table", PACK + RULE + "[rules]\n", "", "rules", "unknown field; rule?"),
    ("unknown pack field", swap("aliases", "alias"), "pack", "alias", "unknown field; aliases?"),
    ("unknown field", swap("keywords", "keyword"), ID, "keyword", "unknown field; keywords?"),
    ("no glob", swap(WHY, 'paths = { include = ["!x"] }\n' + WHY), ID, "paths: include", "negation"),
    ("unknown path field", swap(WHY, "paths = { includes = [] }\n" + WHY), "acme.token: paths", "includes", "include?"),
    ("foreign id", swap('"acme.token"', '"other.token"'), "other.token", "id", "must be acme.something"),
    ("no id", swap('id = "acme.token"\n', ""), "[[rule]]", "id", "missing"),
    ("number for text", swap('title = "Acme token"', "title = 3"), ID, "title", "must be a string"),
    ("text for list", swap('["acme_pat_"]', '"acme_pat_"'), ID, "keywords", "must be a list of strings"),
    ("unknown part", swap('"access-token"', '"acces-token"'), ID, "part", "access-token?"),
    ("unknown severity", swap('severity = "high"', 'severity = "huge"'), ID, "severity", "one of info, low"),
    ("certain by word", swap('confidence = "high"', 'confidence = "certain"'), ID, "confidence", "one of low"),
    ("unknown status", swap(WHY, 'status = "old"\n' + WHY), ID, "status", "stable, preview"),
    ("pattern and shape", swap(WHY, "shape = 'a'\n" + WHY), ID, "pattern", "either pattern or shape"),
    ("neither", swap("pattern =", "why2 ="), ID, "why2", "unknown field; why?"),
    ("upper-case keyword", swap('["acme_pat_"]', '["Acme_"]'), ID, "keywords", "lower case"),
    ("short keyword", swap('["acme_pat_"]', '["ac"]'), ID, "keywords", "three characters"),
    ("unknown gate", gates("{ entropi = 3.0 }"), ID, "gates", "entropy?"),
    ("gate table of two", gates("{ entropy = 3.0, jwt = true }"), ID, "gates", "one entry"),
    ("gate of wrong type", gates("{ entropy = 'high' }"), ID, "gates", "entropy takes"),
    ("gate without table", gates("{ length = 3 }"), ID, "gates", "length takes a table of min"),
    ("wrong gate parameter", gates("{ length = { mini = 3 } }"), ID, "gates", "min, max"),
    ("gate parameter's type", gates("{ length = { min = 'a' } }"), ID, "gates", "min has the wrong type"),
    ("one example", swap(""", '"acme_pat_<<{{alnum*24}}>>"'""", ""), ID, "examples", "at least two"),
    ("odd example", swap("examples = [", "examples = [3, "), ID, "examples", "a string, or"),
    ("odd near miss", swap('why = "one short" }', 'because = "x" }'), ID, "near_misses", "{ text, why }"),
    ("set of nothing", with_set(""), "acme.c", "parts", "must be a table"),
    ("set requires more", with_set("parts = { a = ['acme.token'] }\nrequired = ['b']\n"),
     "acme.c", "required", "'b' is not one"),
    ("venue status", PACK + RULE + "[venue]\nstatus = 'gone'\n", "venue", "status", "live or defunct"),
    ("venue field", PACK + RULE + "[venue]\nheader = {}\n", "venue", "header", "headers?"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "rule", "field", "words"), [row[1:] for row in LOADER], ids=[row[0] for row in LOADER]
)
def test_a_mistake_is_named_with_file_rule_and_field(text: str, rule: str, field: str, words: str) -> None:
    with pytest.raises(RulePackError) as caught:
        rules.parse_pack("packs/acme.toml", text.encode("utf-8", "surrogateescape"), strict=True)
    error = caught.value
    assert (error.file, error.rule, error.field) == ("packs/acme.toml", rule, field)
    assert words in error.reason
    assert error.exit_code == EXIT_USAGE
    assert str(error).startswith("packs/acme.toml: ")


def pattern_rule(pattern: str, more: str = "") -> str:
    start = RULE.index("pattern =")
    return PACK + RULE[:start] + f"pattern = '''{pattern}'''\n{more}" + RULE[RULE.index("why =") :]


PATTERNS = [
    ("unbounded star", "acme_pat_(?P<secret>[a-z]*)", "pattern", "unbounded"),
    ("unbounded plus", "acme_pat_(?P<secret>[a-z]+)", "pattern", "unbounded"),
    ("open count", "acme_pat_(?P<secret>[a-z]{8,})", "pattern", "unbounded"),
    ("too long", "acme_pat_(?P<secret>[a-z]{8,16384})", "pattern", "at most 16384"),
    ("no group", "acme_pat_[a-z]{8}", "pattern", "no group named secret"),
    ("refused by both", "acme_pat_(?P<secret>[a-z]{8}", "pattern", "not a regular expression"),
    ("what only regex reads so", "acme_pat_(?P<secret>[a-z]{8})x{i<=1}", "pattern", "fuzzy"),
    ("back-reference", "acme_pat_(?P<secret>[a-z]{8})(?P=secret)", "pattern", "first stage"),
    ("refused by hyperscan", "acme_(?P<secret>(?:a[^b]{26,30}){26,30})", "pattern", "hyperscan refuses it: Pattern"),
    ("not ASCII", "acme_pat_(?P<secret>[a-zü]{8})", "pattern", "ASCII"),
    ("nothing needed", "(?P<secret>[a-z]{0,8})", "pattern", "nothing in it"),
]  # fmt: skip


@pytest.mark.parametrize(("pattern", "field", "words"), [row[1:] for row in PATTERNS], ids=[row[0] for row in PATTERNS])
def test_a_pattern_that_cannot_be_used_is_refused(pattern: str, field: str, words: str) -> None:
    with pytest.raises(RulePackError) as caught:
        parse(pattern_rule(pattern), checked=True)
    assert (caught.value.file, caught.value.rule, caught.value.field) == ("packs/acme.toml", "acme.token", field)
    assert words in caught.value.reason


def test_a_trigger_that_hyperscan_refuses_is_named() -> None:
    text = pattern_rule("acme_pat_(?P<secret>[a-z]{8})", "trigger = 'acme(?=_pat_)'\n")
    with pytest.raises(RulePackError, match=r"acme\.token: trigger: hyperscan refuses it") as caught:
        parse(text, checked=True)
    assert caught.value.field == "trigger"


@pytest.mark.parametrize("shape", ["[0-9a-f]+", "[0-9a-f", "[0-9a-f]{32}{s<1,i<}", "(?P<secret>a)\\1"])
def test_shapes_are_held_to_the_same(shape: str) -> None:
    with pytest.raises(RulePackError) as caught:
        parse(swap("'[0-9a-f]{32}'", f"'{shape}'", PACK + SHAPE), checked=True)
    assert (caught.value.rule, caught.value.field) == ("acme.api-key", "shape")


def test_a_pack_that_is_right_loads() -> None:
    pack = parse(PACK + RULE + SHAPE, strict=True)
    token, key = pack.rules
    assert token.id == "acme.token" and token.provider == "acme"
    assert (token.severity, token.confidence) == (Severity.HIGH, Confidence.HIGH)
    assert token.width == (33, 33) and token.trigger
    assert token.tags == ("packs",)
    assert key.shape and not key.trigger and key.width == (32, 32)
    assert len(pack.proofs["acme.token"].examples) == 2
    assert pack.venue.aliases == ("acme",)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RulePackError, match=r"gone\.toml: No such file"):
        rules.read_files([str(tmp_path / "gone.toml")])


def test_a_pattern_without_keywords_loads() -> None:
    """It is compiled always: some formats have no word that is in all of their values."""
    assert parse(swap('keywords = ["acme_pat_"]\n', ""), checked=True).rules[0].keywords == ()


def test_files_of_a_folder_in_order(tmp_path: Path) -> None:
    for name in ("b/x.toml", "a/y.toml", "a/notes.txt", "a/a.toml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    found = [Path(path).relative_to(tmp_path).as_posix() for path in rules.pack_files(str(tmp_path))]
    assert found == ["a/a.toml", "a/y.toml", "b/x.toml"]


# ---------------------------------------------------------------- selection
def test_a_rule_twice_is_an_error() -> None:
    with pytest.raises(RulePackError, match=r"packs/acme.toml: acme.token: id: already defined in packs/acme.toml"):
        rules.select([parse(PACK + RULE + RULE)], "")


def test_a_provider_twice_is_an_error() -> None:
    one, two = parse(PACK + RULE), rules.parse_pack("packs/other.toml", (PACK + SHAPE).encode())
    with pytest.raises(RulePackError, match=r"packs/other.toml: pack: provider: acme already has a pack: packs/acme"):
        rules.select([one, two], "")


@pytest.mark.parametrize("option", ["only", "exclude"])
def test_an_unknown_name_is_an_error_that_knows_better(option: str) -> None:
    with pytest.raises(UsageError, match=rf"^{option}: acme.tokn: .*acme.token\?") as caught:
        rules.select([parse(PACK + RULE)], "", **{option: ["acme.tokn"]})
    assert caught.value.exit_code == EXIT_USAGE


def test_nothing_left_is_an_error() -> None:
    with pytest.raises(UsageError, match="no rule is left"):
        rules.select([parse(PACK + RULE)], "", exclude=["acme"])
    with pytest.raises(UsageError, match="no rule is left"):
        rules.select([], "")


def test_selection_by_id_provider_and_tag() -> None:
    packs = [parse(PACK + RULE + SHAPE)]
    assert [rule.id for rule in rules.select(packs, "", only=["acme.api-key"]).rules] == ["acme.api-key"]
    assert len(rules.select(packs, "", only=["packs"]).rules) == 2
    kept = rules.select(packs, "", only=["acme"], exclude=["acme.token"]).rules
    assert [rule.id for rule in kept] == ["acme.api-key"]


def test_preview_and_deprecated_rules_are_off() -> None:
    text = swap(WHY, 'status = "preview"\n' + WHY)
    text += swap('why = "Reads."', 'status = "deprecated"\nwhy = "Reads."', SHAPE)
    text += RULE.replace("acme.token", "acme.other")
    packs = [parse(text)]
    assert [rule.id for rule in rules.select(packs, "").rules] == ["acme.other"]
    assert [rule.id for rule in rules.select(packs, "", preview=True).rules] == ["acme.token", "acme.other"]
    assert [rule.id for rule in rules.select(packs, "", only=["acme.token"]).rules] == ["acme.token"]


# ---------------------------------------------------------------- check: what loads and is wrong all the same
def problems(*texts: str, **options: Any) -> list[laws.Problem]:
    files = [(f"packs/p{number}.toml", text.encode()) for number, text in enumerate(texts)]
    return list(laws.check(files, **options).problems)


def one_problem(*texts: str) -> laws.Problem:
    found = problems(*texts)
    assert len(found) == 1, found
    return found[0]


def test_check_passes_what_is_right() -> None:
    report = laws.check([("packs/acme.toml", (PACK + RULE + SHAPE).encode())])
    assert report.problems == () and not report.failed
    assert (report.rules, report.providers, report.packs) == (2, 1, 1)
    assert report.texts > 50, "examples are poured into all contexts"


def test_check_names_a_pack_that_does_not_load() -> None:
    found = one_problem(swap("keywords", "keyword"))
    assert (found.file, found.rule, found.field, found.error) == ("packs/p0.toml", "acme.token", "keyword", True)


TOKEN = "acme_pat_(?P<secret>[0-9A-Za-z]{24})(?![0-9A-Za-z])"
CHECKED = [
    ("example not found", swap("'token=acme_pat_<<{{alnum*24}}>>'", "'token=acme_pat_<<{{alnum*23}}>>'"),
     "examples", "example 1: not found"),
    ("span one short", swap("'token=acme_pat_<<{{alnum*24}}>>'", "'token=acme_pat_<<{{alnum*23}}>>1'"),
     "examples", "not exactly: start +0, end +1"),
    ("no mark", swap("'token=acme_pat_<<{{alnum*24}}>>'", "'token=acme_pat_'"), "examples", "no secret is marked"),
    ("unknown class", swap("<<{{alnum*24}}>>'", "<<{{alnun*24}}>>'"), "examples", "no field 'alnun*24'"),
    ("near miss found", swap("acme_pat_{{alnum*23}}", "acme_pat_{{alnum*24}}"),
     "near_misses", "near miss 1 (one short) is found"),
    ("keyword not in matches", swap('["acme_pat_"]', '["acme_pat_x"]'), "keywords", "none of them is in the match"),
    ("keyword of one branch", pattern_rule("(?:acme_pat_|acme_new_)(?P<secret>[0-9A-Za-z]{24})(?![0-9A-Za-z])"),
     "keywords", "acme_new_"),
    ("trigger elsewhere", pattern_rule(TOKEN, "trigger = '\\x22acme_pat_'\n"), "examples", "not found"),
    ("trigger of one branch", pattern_rule("acme_(?:pat|new)_(?P<secret>[0-9A-Za-z]{24})(?![0-9A-Za-z])",
     "trigger = 'acme_pat_'\n").replace('["acme_pat_"]', '["acme_"]'), "trigger", "does not end inside"),
    ("catastrophic", pattern_rule("acme_pat_(?P<secret>(?:[0-9A-Za-z]{1,24}){1,24})(?![0-9A-Za-z])"),
     "pattern", "keeps the second stage busy"),
    ("two patterns alike", PACK + RULE + RULE.replace("acme.token", "acme.other"),
     "pattern", "the same as that of acme.token"),
    ("replaced by nobody", swap(WHY, 'replaced_by = "acme.tokem"\n' + WHY),
     "replaced_by", "no rule acme.tokem; acme.token?"),
    ("a set of strangers", with_set("parts = { a = ['acme.tokem'] }\n"),
     "parts: a", "no rule acme.tokem; acme.token?"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "field", "words"), [row[1:] for row in CHECKED], ids=[row[0] for row in CHECKED])
def test_check_finds(text: str, field: str, words: str) -> None:
    found = [problem for problem in problems(text) if problem.error]
    assert any(problem.field == field and words in problem.message for problem in found), found
    assert all(problem.file == "packs/p0.toml" and problem.rule.startswith("acme.") for problem in found)


def test_a_catastrophic_shape_is_found() -> None:
    text = swap("'[0-9a-f]{32}'", "'(?:[0-9a-f]{1,30}){1,30}x|[0-9a-f]{32}'", PACK + SHAPE)
    found = [problem for problem in problems(text) if problem.field == "shape"]
    assert found and "keeps the second stage busy" in found[0].message and found[0].error


def test_a_common_pattern_is_quick() -> None:
    """The bound is on what a pattern does, not on what any search costs: a short prefix passes."""
    assert not problems(PACK + RULE)


def test_another_provider_may_not_claim_an_example() -> None:
    other = (PACK + RULE).replace("acme.token", "zeta.token").replace('"acme"', '"zeta"').replace("Acme", "Zeta")
    other = other.replace("acme_pat_(?P<secret>[0-9A-Za-z]{24})", "(?P<secret>acme_pat_[0-9A-Za-z]{24})")
    other = other.replace("acme_pat_<<{{alnum*24}}>>", "<<acme_pat_{{alnum*24}}>>")
    found = [problem for problem in problems(PACK + RULE, other) if problem.error]
    assert {problem.rule for problem in found} == {"acme.token"}
    assert "found by zeta.token instead" in found[0].message


def test_an_id_twice_and_a_provider_twice() -> None:
    found = problems(PACK + RULE, PACK + RULE + SHAPE)
    assert {(problem.file, problem.rule, problem.field) for problem in found} == {
        ("packs/p1.toml", "pack", "provider"),
        ("packs/p1.toml", "acme.token", "id"),
    }


def test_missing_words_are_warnings() -> None:
    text = swap(WHY + ' every project."\n', "").replace('references = ["https://acme.example/docs"]', "")
    report = laws.check([("packs/acme.toml", text.encode())])
    assert [(problem.field, problem.error) for problem in report.problems] == [("references", False), ("why", False)]
    assert not report.failed


def test_an_alias_that_is_a_common_word_is_a_warning() -> None:
    text = swap('aliases = ["acme"]', 'aliases = ["acme", "gate"]', PACK + SHAPE)
    found = one_problem(text)
    assert (found.field, found.error) == ("aliases", False)
    assert "'gate' is a common word" in found.message
    assert not problems(swap('aliases = ["acme"]', 'aliases = ["gate", "acme"]'))  # patterns do not look at aliases


def test_only_narrows_what_is_judged() -> None:
    broken = (PACK + RULE).replace("acme", "zeta").replace("{{alnum*23}}", "{{alnum*24}}")
    assert problems(PACK + RULE, broken, only=["acme"]) == []
    assert [problem.rule for problem in problems(PACK + RULE, broken, only=["zeta.token"])] == ["zeta.token"]
    assert problems(PACK + RULE, broken, exclude=["zeta"]) == []
    with pytest.raises(UsageError, match=r"zetta: no such rule, provider or tag; zeta\?"):
        problems(PACK + RULE, broken, only=["zetta"])
    with pytest.raises(UsageError, match="nothing would be checked"):
        problems(PACK + RULE, exclude=["acme"])


def test_a_pack_that_does_not_load_does_not_hold_up_the_others() -> None:
    broken = swap("keywords", "keyword").replace("acme", "zeta")
    found = problems(PACK + RULE, broken, only=["acme"])
    assert [(problem.file, problem.error) for problem in found] == [("packs/p1.toml", False)]
    found = problems(PACK + RULE, broken, only=["zeta"])
    assert [(problem.file, problem.error) for problem in found] == [("packs/p1.toml", True)]


def test_results_are_stable() -> None:
    """The generator is seeded by rule, example and context: the same text on every machine and in every run."""
    from leakguard.detect.sample import example_texts, near_text

    example = rules.Example("", "ACME_API_KEY", "{{hex*32}}")
    one, two = example_texts("acme.api-key", 0, example), example_texts("acme.api-key", 0, example)
    assert one == two and len(one) > 20
    other = example_texts("acme.other", 0, example)
    assert [text.context for text in one] == [text.context for text in other]
    assert all(a.secret != b.secret for a, b in zip(one, other, strict=True))
    narrowed = example_texts("acme.api-key", 0, example._replace(only=("yaml", "env")))
    assert narrowed == [text for text in one if text.context in ("env", "yaml")]
    assert near_text("acme.api-key", 0, "{{hex*8}}") == near_text("acme.api-key", 0, "{{hex*8}}")


def test_texts_know_what_a_reader_gets() -> None:
    """In contexts that escape, the secret is what the context's reader sees, the span what stands there."""
    from leakguard.detect.sample import example_texts

    example = rules.Example("", "key", 'a"b\\c&d<e>{{hex*8}}')
    texts = {text.context: text for text in example_texts("acme.key", 0, example)}
    plain = texts["ini"] if "ini" in texts else texts["json"]
    assert plain.secret.startswith(b'a"b\\c&d<e>')
    assert {text.secret[:10] for text in texts.values()} == {b'a"b\\c&d<e>'}
    assert texts["escaped-json"].data[texts["escaped-json"].start :].startswith(b'a\\\\\\"b')
    assert texts["xml-element"].data[texts["xml-element"].start :].startswith(b"a&quot;b")


def test_compile_times_are_measured_against_the_whole() -> None:
    from leakguard.detect.floods import Times, compile_times

    measured = compile_times(rules.select([parse(PACK + RULE)], ""))
    assert [row[0] for row in measured.each] == ["acme.token"] and measured.each[0][2] == pytest.approx(1.0)
    assert measured.whole > 0 and measured.bound == 1.0
    slow = Times(2.0, 1.0, (("acme.a", 0.5, 0.5), ("acme.b", 0.01, 0.01)))
    assert slow.problems == ["acme.a: 50.0% of all compile time", "compiling everything takes 2.00 s, at most 1.00 s"]


def test_the_documented_pack_passes() -> None:
    """What docs/rules.md shows a stranger is a pack that passes."""
    page = Path(__file__).parents[2] / "docs" / "rules.md"
    block = page.read_text().split("```toml\n")[1].split("```")[0]
    assert tomllib.loads(block)["pack"]["provider"] == "acme"
    assert [problem for problem in problems(block) if problem.error] == []


class _Searches:
    """A pattern that tells where it was searched."""

    def __init__(self, pattern: str) -> None:
        from leakguard.detect.floods import compiled

        self.pattern = compiled(pattern)
        self.seen: list[tuple[int, int]] = []

    def search(self, text: bytes, start: int, stop: int, timeout: float) -> Any:
        self.seen.append((start, stop))
        return self.pattern.search(text, start, stop, timeout=timeout)


@pytest.mark.parametrize("ident", ["meta.access-token", "github.personal-access-token", "slip39.share", "otpauth.url", "jwt.token"])
def test_floods_are_walked_as_the_engine_walks(engine: Engine, ident: str) -> None:
    """What `rules check` measures is what a scan does: with a walk of its own it once measured eight times as much."""
    from leakguard.detect import floods
    from leakguard.detect.sample import fitting_path

    rule = next(rule for rule in engine.rules if rule.id == ident)
    only = floods.OneTrigger(rule.trigger)
    searched = 0
    for _, unit in floods.floods(floods._seeds(rule, []), rule.width[1]):
        text = floods._flood(unit, 8192)
        measured, scanned = _Searches(rule.pattern), _Searches(rule.pattern)
        floods._second_stage(measured, rule, only, text, 600.0)
        own = Engine(RuleSet((rule,), (), (), "check"), only, decode_depth=0)
        own._second[0] = scanned
        own.scan(text, fitting_path(rule))
        if scanned.seen:  # nothing is searched where a gate's word is not near
            assert measured.seen == scanned.seen
            searched += len(scanned.seen)
    assert searched
