"""gitleaks and betterleaks configurations: they load, their rules fire, and what is left out is said.

The configurations are our own: no other project's rules stand here.
"""

from __future__ import annotations

import math
import re

import pytest
import regex
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from leakguard.detect import expr, re2, rules
from leakguard.detect.engine import Engine
from leakguard.detect.foreign import gitleaks_pack
from leakguard.detect.gates import Candidate, Verdict
from leakguard.detect.gates import foreign as gates
from leakguard.detect.stage1 import Cold, Compiled, compile_databases
from leakguard.detect.trigger import Unsupported
from leakguard.errors import EXIT_USAGE, RulePackError, UsageError
from leakguard.model import MAX_MATCH, Rule

TOKEN = "k7Qp2Zx9Lm4Tn8Vb"
"""Sixteen characters of entropy 4.0."""


def load(text: str) -> rules.Pack:
    return gitleaks_pack("conf/gitleaks.toml", text.encode())


def only_rule(text: str) -> Rule:
    (rule,) = load(text).rules
    return rule


def found(config: str | rules.Pack, text: str, path: str = "src/app.py") -> list[tuple[str, str]]:
    """(rule, secret) of what a configuration finds, the same by the warm and by the cold path."""
    ruleset = rules.select([load(config) if isinstance(config, str) else config], "")
    results = []
    for stage1 in (Compiled(compile_databases(ruleset)), Cold(ruleset)):
        engine = Engine(ruleset, stage1, keep_secrets=True)
        matches = engine.scan(text.encode(), path).matches
        results.append([(ruleset.rules[m.rule].id, (m.secret or b"").decode()) for m in matches])
    assert results[0] == results[1], "cold and warm agree"
    return results[0]


ACME = """
title = "our own"
[[rules]]
id = "acme-token"
description = "An Acme token."
regex = '''(?i)acme[\\w-]{0,20}\\s*[=:]\\s*['"]?([a-z0-9]{16})\\b'''
keywords = ["ACME"]
"""


# ---------------------------------------------------------------- one rule
def test_a_rule_fires() -> None:
    assert found(ACME, f"ACME_TOKEN = '{TOKEN}'") == [("gitleaks.acme-token", TOKEN)]
    assert found(ACME, f"other_token = '{TOKEN}'") == []
    rule = only_rule(ACME)
    assert (rule.provider, rule.title, rule.part) == ("gitleaks", "An Acme token", "access-token")
    assert rule.keywords == ("acme",)
    assert "imported" in rule.tags and rule.why and rule.fix


def test_tags_are_kept() -> None:
    assert only_rule(ACME + 'tags = ["cloud", "own"]').tags == ("cloud", "own", "imported")


@pytest.mark.parametrize(
    ("regex_text", "more", "text", "secret"),
    [
        ("acme_([a-z]{4})_([0-9]{8})", "secretGroup = 2", "acme_abcd_73519460", "73519460"),
        ("acme_([a-z]{4})_([0-9]{8})", "", "acme_abcd_73519460", "abcd"),  # the first group
        ("acme_(?:[a-z]{4})_[0-9]{8}", "", "x acme_abcd_73519460.", "acme_abcd_73519460"),  # none: all of it
        ("acme_(?P<part>[0-9]{8})", "valueGroup = 1", "acme_73519460", "73519460"),
        ("acme=([0-9]{8})|zeta=([a-f]{8})", "", "zeta=abcdefab", "abcdefab"),  # the first that is not empty
        ("acme=([0-9]{8})|zeta=([a-f]{8})", "", "acme=73519460", "73519460"),
        ("acme_(ab)?([0-9]{8})", "", "acme_73519460", "73519460"),
        ("acme_([0-9]{8}(x[a-f]{2})?)", "", "acme_73519460xab", "73519460xab"),
    ],
)
def test_the_secret_is_the_group_gitleaks_takes(regex_text: str, more: str, text: str, secret: str) -> None:
    config = f"[[rules]]\nid = 'acme'\nregex = '''{regex_text}'''\nkeywords = ['acme', 'zeta']\n{more}\n"
    assert found(config, text) == [("gitleaks.acme", secret)]


def test_entropy_must_be_more_than_asked_for() -> None:
    assert found(ACME + "entropy = 3.99", f"acme = {TOKEN}")
    assert found(ACME + "entropy = 4", f"acme = {TOKEN}") == []
    assert ("entropy", math.nextafter(4, math.inf)) in only_rule(ACME + "entropy = 4").gates


def test_a_path_narrows_a_rule() -> None:
    config = ACME + "path = '''(?i)\\.env$'''"
    assert found(config, f"acme = {TOKEN}", "deploy/.ENV")
    assert found(config, f"acme = {TOKEN}", "deploy/env.py") == []


def test_our_placeholder_words_do_not_count() -> None:
    """What a foreign rule lets through is its own allowlists' business."""
    assert found(ACME, "acme = example123456789")


def test_keywords_of_the_text_around() -> None:
    """gitleaks looks for keywords in the whole fragment; the cold path must not lose such a rule."""
    config = "[[rules]]\nid = 'pat'\nregex = '''\\bpat[0-9]{12}\\b'''\nkeywords = ['zetabase']\n"
    assert only_rule(config).keywords == ()
    assert found(config, "pat735194602817") == []
    assert found(config, "# ZetaBase\nkey: pat735194602817")
    assert found(config, "# ZetaBase\n" + "x" * 40_000 + "\npat735194602817") == []


def test_a_rule_without_keywords_is_always_active() -> None:
    config = "[[rules]]\nid = 'bare'\nregex = '''\\bq[0-9]{12}\\b'''\n"
    assert found(config, "q735194602817") == [("gitleaks.bare", "q735194602817")]


def test_open_repeats_are_bounded() -> None:
    rule = only_rule("[[rules]]\nid = 'long'\nregex = '''long_[a-z0-9]{8,}'''\nkeywords = ['long_']\n")
    assert rule.width == (13, 5 + 2048)
    config = "[[rules]]\nid = 'long'\nregex = '''long_([a-z0-9]+)'''\nkeywords=['long_']"
    assert found(config, "long_" + "ab12" * 300) == [("gitleaks.long", "ab12" * 300)]
    nested = only_rule("[[rules]]\nid = 'n'\nregex = '''k=(?:[a-z]+\\.)+[a-z]*'''\nkeywords = ['k=']\n")
    assert nested.width[1] <= MAX_MATCH


def test_armoured_keys_are_longer_than_tokens() -> None:
    config = "[[rules]]\nid = 'armour'\nregex = '''--BEGIN KEY--[\\s\\S]{64,}?--END KEY--'''\nkeywords = ['--begin']\n"
    key = "--BEGIN KEY--\n" + (TOKEN * 4 + "\n") * 100 + "--END KEY--"
    assert len(key) > 6000
    assert found(config, f"x\n{key}\ny") == [("gitleaks.armour", key)]


def test_generic_rules_yield() -> None:
    generic = "(?i)token\\s*=\\s*'([a-z0-9]{16})"
    config = f"{ACME}[[rules]]\nid = 'generic-key'\nregex = '''{generic}'''\nkeywords = ['token']\n"
    assert found(config, f"acme_token = '{TOKEN}'") == [("gitleaks.acme-token", TOKEN)]
    assert found(config, f"some_token = '{TOKEN}'") == [("gitleaks.generic-key", TOKEN)]


def test_keys_in_any_case() -> None:
    """gitleaks reads its keys so."""
    config = "[[Rules]]\nID = 'a'\nRegex = '''acme_(a)([0-9]{8})'''\nSECRETGROUP = 2\nKeyWords = ['acme_']\n"
    assert found(config, "acme_a73519460") == [("gitleaks.a", "73519460")]


def test_confidence_is_taken_over() -> None:
    assert only_rule(ACME + 'confidence = "low"').confidence == 1
    with pytest.raises(RulePackError, match="acme-token: confidence: one of low, medium, high"):
        load(ACME + 'confidence = "sure"')


# ---------------------------------------------------------------- allowlists
@pytest.mark.parametrize("table", ["[rules.allowlist]", "[[rules.allowlists]]"])
@pytest.mark.parametrize(
    ("allow", "text", "path", "reported"),
    [
        ("regexes = ['''^k7''']", f"acme = {TOKEN}", "a.py", False),
        ("regexes = ['''^x7''']", f"acme = {TOKEN}", "a.py", True),
        ("regexes = ['''^acme''']", f"acme = {TOKEN}", "a.py", True),  # the secret is looked at
        ("regexTarget = 'match'\nregexes = ['''^acme''']", f"acme = {TOKEN}", "a.py", False),
        ("regexTarget = 'line'\nregexes = ['''# fake$''']", f"acme = {TOKEN} # fake\n# more", "a.py", False),
        ("regexTarget = 'line'\nregexes = ['''# fake$''']", f"acme = {TOKEN}\n# fake", "a.py", True),
        ("regexTarget = 'secret'\nregexes = ['''Vb$''']", f"acme = {TOKEN}", "a.py", False),
        ("stopwords = ['ZX9']", f"acme = {TOKEN}", "a.py", False),  # in any case
        ("stopwords = ['acme']", f"acme = {TOKEN}", "a.py", True),
        ("paths = ['''(^|/)tests/''']", f"acme = {TOKEN}", "src/tests/a.py", False),
        ("paths = ['''(^|/)tests/''']", f"acme = {TOKEN}", "src/a.py", True),
        ("paths = ['''^x''']\nstopwords = ['zx9']", f"acme = {TOKEN}", "a.py", False),  # or
        ("condition = 'AND'\npaths = ['''^x''']\nstopwords = ['zx9']", f"acme = {TOKEN}", "a.py", True),
        ("condition = 'and'\npaths = ['''^a''']\nstopwords = ['zx9']", f"acme = {TOKEN}", "a.py", False),
        ("condition = '&&'\npaths = ['''^a''']\nregexes = ['''^x''']", f"acme = {TOKEN}", "a.py", True),
        ("condition = 'OR'\npaths = ['''^a''']\nregexes = ['''^x''']", f"acme = {TOKEN}", "a.py", False),
        ("commits = ['0123456789abcdef']", f"acme = {TOKEN}", "a.py", True),
        ("condition = 'AND'\ncommits = ['0123']\nstopwords = ['zx9']", f"acme = {TOKEN}", "a.py", True),
        ("commits = ['0123']\nstopwords = ['zx9']", f"acme = {TOKEN}", "a.py", False),
    ],
)
def test_a_rules_allowlist(table: str, allow: str, text: str, path: str, reported: bool) -> None:
    assert bool(found(f"{ACME}\n{table}\n{allow}\n", text, path)) is reported


@pytest.mark.parametrize("table", ["[allowlist]", "[[allowlists]]"])
def test_a_global_allowlist_holds_for_every_rule(table: str) -> None:
    config = f"{table}\npaths = ['''\\.lock$''']\nstopwords = ['dummy']\n{ACME}"
    assert found(config, f"acme = {TOKEN}")
    assert found(config, f"acme = {TOKEN}", "poetry.lock") == []
    assert found(config, "acme = dummy12345678901") == []


def test_a_global_allowlist_for_some_rules() -> None:
    other = ACME.partition("[[rules]]")[2].replace("acme", "zeta").replace("ACME", "ZETA").replace("Acme", "Zeta")
    config = f"[[allowlists]]\ntargetRules = ['zeta-token']\nstopwords = ['zx9']\n{ACME}\n[[rules]]{other}"
    assert found(config, f"acme = {TOKEN}\nzeta = {TOKEN}") == [("gitleaks.acme-token", TOKEN)]
    notes = load(config.replace("'zeta-token'", "'zeta-tokn'")).notes
    assert ("", "allowlists.targetRules", "there is no rule zeta-tokn here") in notes


def test_commits_are_said_to_be_ignored() -> None:
    notes = load(ACME + "[rules.allowlist]\ncommits = ['0123']\n").notes
    reason = "ignored: what is found does not depend on its commit"
    assert notes == (("gitleaks.acme-token", "allowlist.commits", reason),)


# ---------------------------------------------------------------- required rules
PAIR = """
[[rules]]
id = "acme-secret"
description = "Acme secret"
regex = '''acme_sec_([a-z0-9]{12})'''
keywords = ["acme_sec_"]
%s
[[rules]]
id = "acme-id"
description = "Acme id"
regex = '''acme_id_([0-9]{8})'''
keywords = ["acme_id_"]
%s
"""
SECRET, IDENT = "acme_sec_ab12cd34ef56", "acme_id_73519460"


@pytest.mark.parametrize(
    ("required", "text", "reported"),
    [
        ("[[rules.required]]\nid = 'acme-id'", f"{SECRET}\n\n\n\n\n{IDENT}", True),
        ("[[rules.required]]\nid = 'acme-id'", SECRET, False),
        ("[[rules.required]]\nid = 'acme-id'\nwithinLines = 2", f"{IDENT}\n\n{SECRET}", True),
        ("[[rules.required]]\nid = 'acme-id'\nwithinLines = 2", f"{SECRET}\n\n{IDENT}", True),
        ("[[rules.required]]\nid = 'acme-id'\nwithinLines = 2", f"{IDENT}\n\n\n{SECRET}", False),
        ("[[rules.required]]\nid = 'acme-id'\nwithinLines = 2", f"{SECRET}\n\n\n{IDENT}", False),
        ("[[rules.required]]\nid = 'acme-id'\nwithinLines = 0", f"{SECRET} {IDENT}", True),
        ("[[rules.required]]\nid = 'acme-id'\nwithinLines = 0", f"{SECRET}\n{IDENT}", False),
        ("[[rules.required]]\nid = 'acme-id'\nwithinColumns = 40", f"{SECRET} {IDENT}", True),
        ("[[rules.required]]\nid = 'acme-id'\nwithinColumns = 40", f"{SECRET}{' ' * 50}{IDENT}", False),
        ("components = [{ id = 'acme-id', within = '3L' }]", f"{SECRET}\n\n{IDENT}", True),
        ("components = [{ id = 'acme-id', within = '1L' }]", f"{SECRET}\n\n\n{IDENT}", False),
        ("components = [{ id = 'acme-id', within = '-1L, +100C' }]", f"{IDENT}\n\n\n{SECRET}", False),
        ("components = [{ id = 'acme-id', optional = true }]", SECRET, True),
    ],
)
def test_a_required_rule(required: str, text: str, reported: bool) -> None:
    ids = [rule for rule, _ in found(PAIR % (required, "skipReport = true"), text)]
    assert ids == (["gitleaks.acme-secret"] if reported else [])


def test_required_rules_that_are_reported_make_a_set() -> None:
    pack = load(PAIR % ("[[rules.required]]\nid = 'acme-id'\n", ""))
    assert [rule.id for rule in pack.rules] == ["gitleaks.acme-secret", "gitleaks.acme-id"]
    (item,) = pack.sets
    assert item.parts == (("secret", ("gitleaks.acme-secret",)), ("acme-id", ("gitleaks.acme-id",)))
    assert item.required == ("secret", "acme-id")
    assert load(PAIR % ("[[rules.required]]\nid = 'acme-id'\n", "skipReport = true")).sets == ()


# ---------------------------------------------------------------- filters
@pytest.mark.parametrize(
    ("expression", "reported"),
    [
        ('entropy(finding["secret"]) <= 4.0', False),
        ('filter.entropy(finding["secret"]) < 4.0', True),
        ('5 > entropy(finding["match"])', False),
        ('matchesAny(finding["secret"], [`^x`, "^k7"])', False),
        ('filter.matchesAny(finding["line"], ["never"])', True),
        ('containsAny(finding["secret"], ["Zx9"])', False),
        ('containsAny(finding["secret"], ["zx9"])', True),  # exactly so
        ('matchesAny(get(attributes, "path", ""), [`^src/`])', False),
        ('matchesAny(attributes["path"], [`^lib/`])', True),
        ('matchesAny(attributes[?"path"].orValue(""), [r"""^src/"""])', False),
        (f'finding["secret"] == "{TOKEN}"', False),
        (f'finding["secret"] != "{TOKEN}"', True),
        ('entropy(finding["secret"]) < 1 || containsAny(finding["match"], ["acme"])', False),
        ('entropy(finding["secret"]) < 1 && containsAny(finding["match"], ["acme"])', True),
        ('!(entropy(finding["secret"]) < 1)', False),
        ("true", False),
        ("false", True),
        # not understood, in part or whole: reported rather than dropped
        ('failsTokenEfficiency(finding["secret"])', True),
        ('!failsTokenEfficiency(finding["secret"])', True),
        ('entropy(finding["secret"]) < 5 || failsTokenEfficiency(finding["secret"])', False),
        ('entropy(finding["secret"]) < 5 && failsTokenEfficiency(finding["secret"])', True),
        ('!(entropy(finding["secret"]) < 1 || failsTokenEfficiency(finding["secret"]))', True),
        ('let x = entropy(finding["secret"]); x < 5', True),
        ('matchesAny(attributes["git.author_name"], [`bot`]) || true', False),
        ('entropy(finding["secret"][0:4]) < 5', True),
        ("((", True),
    ],
)
def test_a_filter(expression: str, reported: bool) -> None:
    assert bool(found(f"{ACME}filter = '''\n{expression}\n'''\n", f"acme = {TOKEN}")) is reported


def test_what_a_filter_loses_is_said() -> None:
    def notes(expression: str) -> tuple[tuple[str, str, str], ...]:
        return load(f"{ACME}filter = '''{expression}'''\n").notes

    assert notes('entropy(finding["secret"]) < 3') == ()
    assert notes('entropy(finding["secret"]) < 3 || filter.tokenRatio(finding["secret"]) >= 2.5') == (
        ("gitleaks.acme-token", "filter", "understood in part: more may be reported than at home"),
    )
    assert notes("let x = 1; x > 2") == (
        ("gitleaks.acme-token", "filter", "not understood, ignored: more may be reported than at home"),
    )


def test_prefilter_and_filter_for_every_rule() -> None:
    prefilter, after = 'matchesAny(attributes["path"], [`\\.svg$`])', 'finding["secret"] == "x"'
    config = f"prefilter = '''{prefilter}'''\nfilter = '''{after}'''\n{ACME}"
    assert found(config, f"acme = {TOKEN}")
    assert found(config, f"acme = {TOKEN}", "a.svg") == []


def test_validation_is_never_run() -> None:
    config = ACME + "validate = '''http.get(\"https://api.acme.example/\", {})'''\n"
    pack = load(config)
    assert pack.notes == () and found(pack, f"acme = {TOKEN}")


# ---------------------------------------------------------------- what is not here
def test_extend_is_honoured_as_far_as_said() -> None:
    pack = load("[extend]\nuseDefault = true\ndisabledRules = ['x']\n" + ACME)
    assert [field for _, field, _ in pack.notes] == ["extend.useDefault", "extend.disabledRules"]
    for field in ("path = 'base.toml'", "url = 'https://acme.example/base.toml'"):
        with pytest.raises(RulePackError, match=rf"conf/gitleaks.toml: extend.{field[:3]}.*: not followed"):
            load(f"[extend]\n{field}\n{ACME}")


def test_a_change_of_a_rule_that_is_not_here() -> None:
    change = "[[rules]]\nid = 'theirs'\n[rules.allowlist]\nstopwords = ['x']\n"
    notes = load("[extend]\nuseDefault = true\n" + ACME + change).notes
    assert ("gitleaks.theirs", "regex", "left out: it changes a rule of gitleaks' own, which is not here") in notes
    with pytest.raises(RulePackError, match=r"conf/gitleaks.toml: theirs: regex: missing"):
        load(ACME + change)


def test_rules_on_names_alone_are_left_out_and_said() -> None:
    pack = load(ACME + "[[rules]]\nid = 'p12'\npath = '''\\.p12$'''\n")
    assert [rule.id for rule in pack.rules] == ["gitleaks.acme-token"]
    assert pack.notes == (("gitleaks.p12", "path", "left out: a rule on file names alone finds no secret"),)


def test_unknown_fields_are_said() -> None:
    notes = load("colour = 3\n" + ACME + "tokenEfficiency = true\n").notes
    assert notes == (
        ("", "colour", "unknown, ignored"),
        ("gitleaks.acme-token", "tokenefficiency", "unknown, ignored"),
    )


def test_an_id_twice_is_the_last_one() -> None:
    pack = load(ACME + ACME.partition("[[rules]]")[2].join(["[[rules]]", ""]).replace("An Acme", "The Acme"))
    assert [rule.title for rule in pack.rules] == ["The Acme token"]
    assert pack.notes[0][:2] == ("gitleaks.acme-token", "id")


AB = "[[rules]]\nid = 'a'\nregex = 'ab'\n"


@pytest.mark.parametrize(
    ("text", "rule", "field", "words"),
    [
        ("[[rules", "", "", "not valid TOML"),
        ("title = 'x'", "", "rules", "no rule that could be imported"),
        ("rules = 3", "", "rules", "an array of tables"),
        ("[[rules]]\nregex = 'abc'", "rules[1]", "id", "missing"),
        ("[[rules]]\nid = 'a'\nregex = 3", "a", "regex", "must be a string"),
        ("[[rules]]\nid = 'a'\nregex = 'a(b'", "a", "regex", "missing )"),
        ("[[rules]]\nid = 'a'\nregex = 'a)b'", "a", "regex", "unmatched )"),
        ("[[rules]]\nid = 'a'\nregex = 'a(?=b)'", "a", "regex", "(?= is not available"),
        ("[[rules]]\nid = 'a'\nregex = '(a)\\1'", "a", "regex", "back-references"),
        ("[[rules]]\nid = 'a'\nregex = '(?U)a+'", "a", "regex", "(?U is not available"),
        ("[[rules]]\nid = 'a'\nregex = 'a\\C'", "a", "regex", "\\C is not available"),
        ("[[rules]]\nid = 'a'\nregex = '*a'", "a", "regex", "nothing before *"),
        ("[[rules]]\nid = 'a'\nregex = 'a[b'", "a", "regex", "ends too early"),
        ("[[rules]]\nid = 'a'\nregex = 'a[z-a]'", "a", "regex", "runs backwards"),
        ("[[rules]]\nid = 'a'\nregex = '[[:foo:]]a'", "a", "regex", "no class"),
        ("[[rules]]\nid = 'a'\nregex = '\\p{Tengwar}a'", "a", "regex", "not available on bytes"),
        ("[[rules]]\nid = 'a'\nregex = 'a*'", "a", "regex", "nothing in it has to be there"),
        ("[[rules]]\nid = 'a'\nregex = '(?:(?:(?:a{1000}b){1000})c){1000}'", "a", "regex", "at most 16384"),
        ("[[rules]]\nid = 'a'\nregex = 'a(b)'\nsecretGroup = 2", "a", "secretGroup", "has 1 groups"),
        (AB + "entropy = 'x'", "a", "entropy", "must be a number"),
        (AB + "keywords = 'x'", "a", "keywords", "a list of strings"),
        (AB + "path = '('", "a", "path", "missing )"),
        (AB + "[rules.allowlist]\nregexes = ['(']", "a", "allowlist.regexes", "missing )"),
        (AB + "[rules.allowlist]\npaths = ['(']", "a", "allowlist.paths", "missing )"),
        (AB + "[rules.allowlist]\nregexTarget = 'file'", "a", "allowlist.regexTarget", "line"),
        (AB + "[rules.allowlist]\ncondition = 'xor'", "a", "allowlist.condition", "OR or AND"),
        (AB + "filter = 'matchesAny(finding[\"secret\"], [\"(\"])'", "a", "filter", "missing )"),
        (AB + "[[rules.required]]\nid = 'b'", "a", "required.id", "there is no rule b"),
        (AB + "[[rules.required]]\nwithinLines = 3", "a", "required.id", "missing"),
        (AB + "components = [{ id = 'a', within = '5X' }]", "a", "components.within", "'5X'"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_file_rule_and_field(text: str, rule: str, field: str, words: str) -> None:
    with pytest.raises(RulePackError) as caught:
        load(text)
    error = caught.value
    assert (error.file, error.rule, error.field) == ("conf/gitleaks.toml", rule, field)
    assert words in error.reason
    assert error.exit_code == EXIT_USAGE


def test_imported_rules_join_the_others_by_provider_and_tag() -> None:
    packs = [load(ACME), gitleaks_pack("other.toml", PAIR.replace("%s", "").encode())]
    assert len(rules.select(packs, "", only=["gitleaks"]).rules) == 3
    assert len(rules.select(packs, "", exclude=["gitleaks.acme-id"]).rules) == 2
    with pytest.raises(UsageError, match="no rule is left"):
        rules.select(packs, "", exclude=["imported"])
    with pytest.raises(RulePackError, match="already defined"):
        rules.select([load(ACME), load(ACME)], "")


# ---------------------------------------------------------------- Go's patterns
@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("ab(?i)cd", [b"abCD", b"abcd"], [b"ABcd"]),
        ("(?:a(?i)b|c)d", [b"aBd", b"Cd"], [b"aBD", b"Ab"]),  # to the end of its group, over the |
        ("(?i)a(?-i)b", [b"Ab"], [b"AB"]),
        ("(?i:a(?-i:b)c)d", [b"AbCd"], [b"ABCd", b"AbCD"]),
        ("(?i)[a-c_]x", [b"BX", b"_x"], [b"dx"]),
        ("(?i)[^a-c]x", [b"dX"], [b"Ax"]),
        ("a.b", [b"axb"], [b"a\nb"]),
        ("(?s)a.b", [b"a\nb"], []),
        ("(?s:a.)b.c", [b"a\nbxc"], [b"a\nb\nc"]),
        ("^ab$", [b"ab"], [b"xab", b"ab\n", b"x\nab\n"]),
        ("(?m)^ab$", [b"x\nab\ny"], [b"xab"]),
        (r"\Aab\z", [b"ab"], [b"ab\n"]),
        (r"\bab\B", [b" abc"], [b"ab ", b"xabc"]),
        (r"[[:alpha:]]{2}[[:^digit:]]", [b"abc", b"ab-"], [b"ab1", b"a1b"]),
        (r"[\w-.]{3}x", [b"a-.x"], [b"a+.x"]),
        (r"[]a]b", [b"]b", b"ab"], [b"bb"]),
        (r"[^]a]b", [b"cb"], [b"]b"]),
        (r"[a\]b-]+c", [b"a]-bc"], [b"xc"]),
        (r"[\x41-\x43]\x{44}\105", [b"ADE", b"CDE"], [b"DDE"]),
        (r"\Qa.b*\E+", [b"a.b*", b"a.b***"], [b"axb*"]),
        (r"a{,2}b{x}c{1,2", [b"a{,2}b{x}c{1,2"], []),
        (r"x{2}y{1,}z{0,1}", [b"xxyyz", b"xxy"], [b"xy"]),
        (r"\s\d\S\D\W", [b" 1aa-", b"\n1a a-"[:1] + b"1aa-"], [b"\x0b1aa-"]),  # Go's \s has no \v
        ("(?P<n>a)(?<m>b)(c)", [b"abc"], []),
        ("a|b|", [b"a", b"b", b"xyz"], []),
        ("é+x", ["ééx".encode()], ["è".encode() + b"x"]),
        ("[é]x", ["éx".encode()], [b"ex"]),
        (r"\p{L}\pN\P{L}", [b"a1-"], [b"1a-", b"a1b"]),
        ("a??b", [b"ab", b"b"], []),
        (r"a\/\-\@b", [b"a/-@b"], []),
        ("()a", [b"a"], []),
    ],
)
def test_go_patterns_mean_the_same(pattern: str, yes: list[bytes], no: list[bytes]) -> None:
    text = re2.write(re2.parse(pattern), None)
    for engine in (re.compile(text.encode()), regex.compile(text.encode())):
        assert all(engine.search(one) for one in yes)
        assert not any(engine.search(one) for one in no)


ATOMS = st.sampled_from(
    ["a", "B", "1", "-", r"\.", "[a-c]", "[^b]", r"\d", r"\w", ".", "(?i:k)", "(x)", "(?:ab|c)", "^", r"\b"]
)
TEXTS = st.text("abcABCkK1-. x\n", max_size=30).map(str.encode)
GO_PATTERNS = st.recursive(
    ATOMS,
    lambda inner: st.lists(inner, min_size=1, max_size=3).map("".join).map("(?:{})".format)
    | st.builds("(?:{}){}".format, inner, st.sampled_from(["?", "*", "+", "{2}", "{1,3}", "*?", "{2,}"]))
    | st.lists(inner, min_size=2, max_size=3).map("|".join).map("({})".format),
    max_leaves=8,
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(GO_PATTERNS, TEXTS)
def test_rewritten_patterns_match_what_they_did(pattern: str, text: bytes) -> None:
    """The common part of Go's and Python's syntax is read by both, so Python can judge the rewriting."""
    node = re2.parse(pattern)
    assume(re2.width(node, 64)[1] < 100_000)
    plain, rewritten = re.compile(pattern.encode()), re.compile(re2.write(node, None).encode())
    assert [m.span() for m in rewritten.finditer(text)] == [m.span() for m in plain.finditer(text)]
    bounded = regex.compile(re2.write(node, 64).encode())
    assert [m.span() for m in bounded.finditer(text)] == [m.span() for m in regex.finditer(pattern.encode(), text)]
    low, high = re2.width(node, 64)
    assert all(low <= m.end() - m.start() <= high for m in bounded.finditer(text))


@settings(max_examples=300, deadline=None)
@given(GO_PATTERNS, TEXTS, st.sampled_from([b"a", b"k", b"ab", b"x", b"cc"]))
def test_a_word_said_to_be_in_every_match_is(pattern: str, text: bytes, word: bytes) -> None:
    node = re2.parse(pattern)
    if re2.surely_contains(node, [word]):
        assert all(word in m.group().lower() for m in re.finditer(pattern.encode(), text))


def test_words_over_several_pieces_are_seen() -> None:
    assert re2.surely_contains(re2.parse("(?i)xo[xy]p-[0-9]{4}"), [b"xoxp-", b"xoyp-"])
    assert not re2.surely_contains(re2.parse("(?i)xo[xy]p-[0-9]{4}"), [b"xoxp-"])
    assert re2.surely_contains(re2.parse("(?:AKIA|ASIA)[A-Z]{4}"), [b"akia", b"asia"])
    assert re2.surely_contains(re2.parse("xox[pe](?:-[0-9]{2}){3}"), [b"xoxp-", b"xoxe-"])
    assert not re2.surely_contains(re2.parse("(?:acme)?[0-9]{4}"), [b"acme"])


def test_a_lead_that_need_not_be_there_is_dropped() -> None:
    """It would be tried at every byte; the secret is the same without it."""
    config = ACME.replace("(?i)acme", "(?i)[\\w.-]{0,50}?(?:acme)")
    assert "{0,50}" not in only_rule(config).pattern
    assert found(config, f"my.acme_key: {TOKEN}") == [("gitleaks.acme-token", TOKEN)]
    config += "[rules.allowlist]\nregexTarget = 'match'\nregexes = ['''^my''']\n"
    assert "{0,50}" in only_rule(config).pattern, "an allowlist that looks at the match sees all of it"
    assert found(config, f"my.acme: {TOKEN}") == []


# ---------------------------------------------------------------- gates
def candidate(data: bytes, secret: bytes, path: str = "", **named: bytes) -> Candidate:
    start = data.index(secret)
    return Candidate(data, start, start + len(secret), groups=named, path=path)


def test_the_line_of_a_value() -> None:
    one = candidate(b"first\nkey = abc # here\nlast", b"abc")
    assert gates.unless(one, ["regex", "line", ["^key = abc # here$"]]) == Verdict.REJECT
    assert gates.unless(one, ["regex", "line", ["first|last"]]) == Verdict.PASS
    far = candidate(b"x" * 100_000 + b" abc " + b"y" * 100_000, b"abc")
    assert gates.unless(far, ["regex", "line", ["abc"]]) == Verdict.REJECT


def test_conditions() -> None:
    one = candidate(b"key = abc", b"abc", path="a/b.py", match=b"key = abc")
    true, false = ["equal", "secret", "abc"], ["text", "match", ["KEY"]]
    assert gates.unless(one, ["or"]) == Verdict.PASS
    assert gates.unless(one, ["or", false, true]) == Verdict.REJECT
    assert gates.unless(one, ["and", true, false]) == Verdict.PASS
    assert gates.unless(one, ["not", false]) == Verdict.REJECT
    assert gates.unless(one, ["word", "match", ["KEY"]]) == Verdict.REJECT
    assert gates.unless(one, ["entropy", "secret", ">", 1.5]) == Verdict.REJECT
    assert gates.path_like(one, r"\.py\Z") == Verdict.PASS
    assert gates.path_like(one, r"\.go\Z") == Verdict.REJECT


def test_a_pattern_that_runs_out_of_time_drops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates, "_TIMEOUT", 0.01)
    hostile = candidate(b"a" * 4000, b"a" * 4000)
    assert gates.unless(hostile, ["regex", "secret", ["(?:a{1,30}){1,30}b"]]) == Verdict.PASS


def test_unsupported_is_the_loaders_business() -> None:
    with pytest.raises(Unsupported):
        expr.condition('matchesAny(finding["secret"], ["("])', lambda text: re2.write(re2.parse(text), None))


def test_two_negated_sets_are_not_nothing() -> None:
    """`regex` matches nothing with [^a]|[^b] (seen in 2026.11.15): they are written another way."""
    for pattern, text in (("([^b]|.)", b"\n"), ("([^a]|[^b])", b"a")):
        written = re2.write(re2.parse(pattern), 64)
        assert regex.fullmatch(written.encode(), text)
