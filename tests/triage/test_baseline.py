"""Baselines: identity by content, text that survives anything, and merging that never conflicts."""

from __future__ import annotations

import string
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leakguard.detect.engine import Engine
from leakguard.detect.generate import expand
from leakguard.errors import ConfigError
from leakguard.findings import findings_of
from leakguard.model import Document, Finding, Origin, ScanResult, Totals
from leakguard.triage import baseline
from leakguard.triage.baseline import Baseline, Entry
from leakguard.triage.fingerprint import key_from
from leakguard.triage.suppress import Policy, apply

TOKEN = expand("{{gen:github ghp_}}", Random(411))
OTHER = expand("{{gen:github ghp_}}", Random(412))
WORD = expand("{{alnum*14}}", Random(413))

WORDS = st.text(alphabet=string.printable + "é\u2028\u202e\x00\udcff", max_size=30)
DAYS = st.sampled_from(["", "", "2026-01-01", "2027-12-31"])
HEX = st.text(alphabet="0123456789abcdef", min_size=32, max_size=32)


def _entry(name: str, rule: str, context: str, owner: str, reason: str, expires: str, scope: str) -> Entry:
    return Entry(f"lg1-{name}", rule, context, owner, reason + " because", expires, scope)


ENTRIES = st.builds(_entry, HEX, WORDS, WORDS, WORDS, WORDS, DAYS, st.sampled_from(["", "history"]))


def found(engine: Engine, text: str, path: str = "a.env") -> list[Finding]:
    data = text.encode()
    return findings_of(engine, Document(data, Origin("file", path)), engine.scan(data, path).matches, 1)[0]


def of(engine: Engine, findings: list[Finding], **changes: str) -> Baseline:
    book = baseline.new("")
    for finding in findings:
        entry = baseline.entry_of(finding, book.identity(finding, finding.path), "me", "test")
        book.add(entry._replace(**changes))
    return book


def left(book: Baseline, findings: list[Finding], **policy: object) -> tuple[Finding, ...]:
    return apply(ScanResult(tuple(findings), (), (), Totals()), Policy(baseline=book, **policy)).findings  # type: ignore[arg-type]


# ---- identity -------------------------------------------------------------------------------------------------------


def test_moves_and_renames_keep_an_entry_and_another_secret_there_fires(engine: Engine) -> None:
    book = of(engine, found(engine, f"TOKEN={TOKEN}\n"))
    assert not left(book, found(engine, f"\n\n# moved\n  GITHUB_TOKEN = '{TOKEN}'\n", "elsewhere/b.py"))
    assert left(book, found(engine, f"TOKEN={OTHER}\n"))


def test_a_password_is_known_by_its_line_and_file(engine: Engine) -> None:
    text = f"url: postgres://app:{WORD}@db.internal:5432/orders\n"
    findings = found(engine, text)
    assert any(finding.fingerprint.startswith("lg1p-") for finding in findings)
    book = of(engine, findings)
    assert WORD not in book.text()
    assert not left(book, found(engine, "\n\n" + text))
    assert left(book, found(engine, text.replace(WORD, WORD + "longer")))
    assert left(book, found(engine, text, "other.env"))


def test_where_a_scan_was_started_does_not_matter(engine: Engine) -> None:
    text = f"url: postgres://app:{WORD}@db.internal:5432/orders\n"
    keyed = Engine(engine.ruleset, engine.stage1, key_from("k" * 32))
    made = Baseline("k" * 32, baseline.key_id("k" * 32))
    for finding in found(keyed, text, "conf/a.env"):
        made.add(baseline.entry_of(finding, made.identity(finding, "conf/a.env"), "me", "test"))
    assert left(made, found(keyed, text, "a.env"))
    assert not left(made, found(keyed, text, "a.env"), place=lambda finding: "conf/" + finding.path)


def test_an_entry_whose_rule_was_edited_accepts_nothing_and_says_so(engine: Engine) -> None:
    """Reviewers go by the rule that an entry names; its fingerprint is of another one."""
    findings = found(engine, f"token = {TOKEN}\n")
    book = of(engine, findings)
    text = book.text().replace(findings[0].rule, "generic.placeholder")
    (kept,) = left(baseline.parse(text.encode(), "b"), findings)
    assert kept.suppression is not None
    assert not kept.suppression.accepted
    assert "another rule" in kept.suppression.note
    assert left(baseline.parse(book.text().encode(), "b"), findings) == ()


def test_an_expired_entry_fires_again_and_says_so(engine: Engine) -> None:
    findings = found(engine, f"TOKEN={TOKEN}\n")
    book = of(engine, findings, expires="2026-05-31")
    assert not left(book, findings, today="2026-05-31")
    again = left(book, findings, today="2026-06-01")
    assert again[0].suppression is not None
    assert again[0].suppression.note == "the baseline entry expired on 2026-05-31"


# ---- text -----------------------------------------------------------------------------------------------------------


@settings(max_examples=200)
@given(st.lists(ENTRIES, max_size=6), st.randoms())
def test_text_reads_back_the_same_in_any_order(entries: list[Entry], random: Random) -> None:
    book = baseline.new("")
    for entry in entries:
        book.add(entry)
    text = book.text()
    lines = text.encode().decode().split("\n")
    assert lines[-1] == "" and all(line.isprintable() or "\t" in line for line in lines)
    shuffled = lines[:-1]
    random.shuffle(shuffled)
    ends = random.choice(["\n", "\r\n"])
    again = baseline.parse((ends.join([*shuffled, *shuffled]) + ends).encode(), "b")
    assert again.text() == text
    assert again.entries.keys() == book.entries.keys()


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("", "line 1"),
        ("lg1-00\tr\tc\to\twhy\n", "line 1"),
        ("{h}lg1-00\tr\tc\to\n", "line 2"),
        ("{h}lg1-00\tr\tc\to\t \n", "line 2"),
        ("{h}00\tr\tc\to\twhy\n", "line 2"),
        ("{h}lg1-00\tr\tc\to\twhy\texpires=soon\n", "line 2"),
        ("{h}lg1-00\tr\tc\to\twhy\texpires=2026-02-30\n", "line 2"),
        ("{h}lg1-00\tr\tc\to\twhy\texpire=2026-02-20\n", "line 2"),
        ("{h}<<<<<<< ours\n", "line 2"),
        ("{h}# leakguard baseline 1 salt=00000000000000000000000000000001\n", "line 2"),
        ("# leakguard baseline 1 nothing\n", "line 1"),
        ("# leakguard baseline 1 salt=0123456789abcde\n", "line 1"),
        ("# leakguard baseline 1 check=0123456789abcde\n", "line 1"),
    ],
)
def test_what_cannot_be_read_is_an_error_and_no_smaller_baseline(text: str, where: str) -> None:
    head = "# leakguard baseline 1 salt=" + "0" * 32 + "\n"
    with pytest.raises(ConfigError) as caught:
        baseline.parse(text.replace("{h}", head).encode(), "b")
    assert caught.value.field == where


def test_of_a_long_line_an_entry_keeps_what_is_around_its_own_mask(engine: Engine) -> None:
    far, near = " ".join(["far"] * 40), "beside"
    (finding,) = found(engine, f"{far} {near} TOKEN={TOKEN} {near} {far}\n")
    context = baseline.context_of(finding)
    assert f"{near} TOKEN=<{finding.rule}:{finding.length}> {near}" in context
    assert len(context) == 100 < len(finding.masked)


def test_a_configured_key_must_be_the_one_it_was_made_with() -> None:
    text = baseline.new("one key").text()
    assert "one key" not in text
    assert baseline.parse(text.encode(), "b").use_key("one key", "b") == "one key"
    for other in ("another", ""):
        with pytest.raises(ConfigError, match="another fingerprint key"):
            baseline.parse(text.encode(), "b").use_key(other, "b")
    own = baseline.parse(baseline.new("").text().encode(), "b")
    assert own.use_key("", "b") == own.key
    with pytest.raises(ConfigError):
        own.use_key("configured", "b")


# ---- merging --------------------------------------------------------------------------------------------------------

SIDES = st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from("xyz"), DAYS), max_size=6)


def book_of(rows: list[tuple[str, str, str]]) -> Baseline:
    out = Baseline("0" * 32, baseline.key_id("0" * 32))
    for name, reason, day in rows:
        out.add(Entry(f"lg1-{name}", "r.k", "c", "o", reason, day))
    return out


@settings(max_examples=300)
@given(SIDES, SIDES, SIDES)
def test_merging_never_conflicts_and_knows_no_sides(base: list, ours: list, theirs: list) -> None:  # type: ignore[type-arg]
    old, one, two = book_of(base), book_of(ours), book_of(theirs)
    merged, turned = baseline.merge(old, one, two), baseline.merge(old, two, one)
    assert merged is not None and turned is not None
    assert merged.text() == turned.text()
    for name in old.entries.keys() | one.entries.keys() | two.entries.keys():
        kept = {side.entries.get(name) for side in (one, two)}
        if name in old.entries and None in kept:
            assert name not in merged.entries  # taken out by one side
        else:
            assert (name in merged.entries) == (kept != {None})
    same = baseline.merge(old, one, one)
    assert same is not None and same.text() == one.text()
    alone = baseline.merge(old, old, two)
    assert alone is not None and alone.text() == two.text()


def test_a_union_of_lines_is_a_baseline_too() -> None:
    one, two = book_of([("a", "x", ""), ("b", "y", "")]), book_of([("b", "z", "2026-01-01"), ("c", "x", "")])
    union = baseline.parse((one.text() + two.text()).encode(), "b")
    assert union.entries.keys() == {"lg1-a", "lg1-b", "lg1-c"}
    assert union.entries["lg1-b"].expires == "2026-01-01"


def test_two_salts_are_the_one_conflict() -> None:
    assert baseline.merge(None, baseline.new(""), baseline.new("")) is None
