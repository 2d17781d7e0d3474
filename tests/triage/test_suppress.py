"""Allow comments and the verdict over them: where a comment counts, what it must say, and what policy makes of it."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leakguard.detect.engine import Engine
from leakguard.detect.generate import expand
from leakguard.findings import findings_of
from leakguard.model import Document, Finding, Origin, ScanResult, Severity, Totals
from leakguard.triage.suppress import REACH, Policy, allowance, apply, stands_in

TOKEN = expand("{{gen:github ghp_}}", Random(401))
OTHER = expand("{{gen:github ghp_}}", Random(402))
RULE = "github.personal-access-token"
WHY = "used by the docs"


def found(engine: Engine, text: str | bytes, path: str = "a.txt") -> list[Finding]:
    data = text if isinstance(text, bytes) else text.encode()
    return findings_of(engine, Document(data, Origin("file", path)), engine.scan(data, path).matches, 1)[0]


def judged(engine: Engine, text: str | bytes, **policy: object) -> ScanResult:
    findings = tuple(found(engine, text))
    assert findings
    return apply(ScanResult(findings, (), (), Totals()), Policy(**policy))  # type: ignore[arg-type]


def notes(result: ScanResult) -> set[str]:
    return {finding.suppression.note for finding in result.findings if finding.suppression is not None}


@pytest.mark.parametrize(
    "line",
    [
        "t = '{t}'  # leakguard: allow[{r}] {w}",
        "t = '{t}'  # leakguard:allow[github.*] {w}",
        "t = '{t}'; // leakguard: allow[{r}]: {w}",
        "t = '{t}'; /* leakguard: allow[{r}] {w} */",
        "/* leakguard: allow[{r}] {w} */ t = '{t}';",
        "t: '{t}' <!-- leakguard: allow[{r}] {w} -->",
        "t = '{t}' -- leakguard: allow[{r}] {w}",
        "t = '{t}' ; leakguard: allow[{r}] {w}",
        "t = '{t}'  # noqa  # leakguard: allow[other.rule, {r}] {w}",
        "t = '{t}'  # leakguard: allow[other.rule] because  # leakguard: allow[{r}] {w}",
        "# leakguard: allow[{r}] {w}\nt = '{t}'",
        "   // leakguard: allow[{r}] {w}\r\nt = '{t}'\r\n",
        "<!-- leakguard: allow[{r}] {w} -->\nt = '{t}'",
        "{{# leakguard: allow[{r}] {w} #}}\nt = '{t}'",
        "REM leakguard: allow[{r}] {w}\nset t={t}",
        " * leakguard: allow[{r}] {w}\n * token {t}",
        "--[[ leakguard: allow[{r}] {w} --]]\nt = '{t}'",
        "t = '{t}' --[[ leakguard: allow[{r}] {w} ]]",
        "{{- leakguard: allow[{r}] {w} -}}\nt = \"{t}\"",
        "<# leakguard: allow[{r}] {w} #>\n$t = '{t}'",
        "<%# leakguard: allow[{r}] {w} %>\n<% t = '{t}' %>",
        "#= leakguard: allow[{r}] {w} =#\nt = \"{t}\"",
        "@rem leakguard: allow[{r}] {w}\nset t={t}",
        ":: leakguard: allow[{r}] {w}\nset t={t}",
    ],
)
def test_a_comment_beside_a_secret_suppresses_it_with_its_reason(engine: Engine, line: str) -> None:
    result = judged(engine, line.format(t=TOKEN, r=RULE, w=WHY) + "\n")
    assert not result.findings
    assert {finding.suppression.reason for finding in result.suppressed if finding.suppression} == {WHY}


def test_a_reason_ends_before_the_sign_of_the_comment_that_follows() -> None:
    data = f"t = '{TOKEN}'  # leakguard: allow[{RULE}] {WHY}  # leakguard: allow[other.rule] because\n".encode()
    allowed = allowance(data, data.index(TOKEN.encode()), data.index(TOKEN.encode()) + len(TOKEN), RULE)
    assert allowed is not None
    assert data[allowed.low : allowed.high].decode() == WHY


@pytest.mark.parametrize(("long", "allows"), [(0, False), (REACH + 10, False), (-1, True)])
def test_a_comment_counts_for_the_next_line_and_not_across_one_longer_than_is_looked_at(long: int, allows: bool) -> None:
    between = b"x" * long + b"\n" if long >= 0 else b""
    data = f"# leakguard: allow[{RULE}] {WHY}\n".encode() + between + f"t = '{TOKEN}'\n".encode()
    at = data.index(TOKEN.encode())
    assert (allowance(data, at, at + len(TOKEN), RULE) is not None) == allows


@pytest.mark.parametrize(
    ("line", "note"),
    [
        ("t = '{t}'  # leakguard: allow[{r}]", "no reason"),
        ("t = '{t}'  # leakguard: allow[{r}] -", "no reason"),
        ("t = '{t}'  # leakguard: allow {w}", "names no rule"),
        ("t = '{t}'  # leakguard: allow[] {w}", "names no rule"),
        ("t = '{t}'  # leakguard: allow[*] {w}", "allows nothing"),
        ("t = '{t}'  # leakguard: allow[github.other] {w}", "another rule"),
        ("t = '{t}'  # leakguard: allow[git*] {w}", "another rule"),
        ("t = '{t}'  # leakguard: allow[gitlab.*] {w}", "another rule"),
    ],
)
def test_a_comment_that_does_nothing_says_why(engine: Engine, line: str, note: str) -> None:
    result = judged(engine, line.format(t=TOKEN, r=RULE, w=WHY) + "\n")
    assert result.findings and not result.suppressed
    assert any(note in told for told in notes(result))


@pytest.mark.parametrize(
    "text",
    [
        "t = '{t}'\n# leakguard: allow[{r}] {w}\n",
        "# leakguard: allow[{r}] {w}\n\nt = '{t}'\n",
        "x = 1  # leakguard: allow[{r}] {w}\nt = '{t}'\n",
        "/* leakguard: allow[{r}] {w} */ x = 1\nt = '{t}'\n",
        "t = '{t}' leakguard: allow[{r}] {w}\n",
        "say('leakguard: allow[{r}] {w}'); t = '{t}'\n",
        "agent (X11; leakguard: allow[{r}] {w}) t = '{t}'\n",
        "t = '{t}'  # leakguard: disallow[{r}] {w}\n",
    ],
)
def test_elsewhere_or_in_no_comment_it_does_nothing(engine: Engine, text: str) -> None:
    result = judged(engine, text.format(t=TOKEN, r=RULE, w=WHY))
    assert result.findings and not result.suppressed


def test_another_finding_on_the_line_is_not_covered(engine: Engine) -> None:
    npm = expand("{{gen:npm}}", Random(7))
    result = judged(engine, f"//r.example/:_authToken={npm} t='{TOKEN}' # leakguard: allow[{RULE}] {WHY}\n")
    assert {finding.rule for finding in result.suppressed} == {RULE}
    assert result.findings and all(finding.rule != RULE for finding in result.findings)


def test_a_reason_that_holds_a_secret_is_masked(engine: Engine) -> None:
    result = judged(engine, f"t = '{TOKEN}'  # leakguard: allow[{RULE}] same as {OTHER}, and {TOKEN}\n")
    reasons = [finding.suppression.reason for finding in result.suppressed if finding.suppression]
    assert reasons
    for reason in reasons:
        assert TOKEN not in reason and OTHER not in reason and f"<{RULE}:40>" in reason


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16", "utf-16-be", "utf-8-sig"])
def test_comments_are_seen_in_other_encodings(engine: Engine, encoding: str) -> None:
    result = judged(engine, f"# leakguard: allow[{RULE}] {WHY}\nt = '{TOKEN}'\n".encode(encoding))
    assert not result.findings
    assert {finding.suppression.reason for finding in result.suppressed if finding.suppression} == {WHY}


def test_policy_switches_comments_off(engine: Engine) -> None:
    result = judged(engine, f"t = '{TOKEN}'  # leakguard: allow[{RULE}] {WHY}\n", inline=False)
    assert not result.suppressed
    assert notes(result) == {"policy: comments allow nothing"}


def test_policy_allows_nothing_above_a_severity(engine: Engine) -> None:
    text = f"t = '{TOKEN}'  # leakguard: allow[{RULE}] {WHY}\n"
    high = found(engine, text)[0].severity
    assert judged(engine, text, up_to=int(high)).suppressed
    refused = judged(engine, text, up_to=int(high) - 1)
    assert not refused.suppressed
    assert notes(refused) == {f"policy: nothing above {Severity(high - 1).label} is suppressed"}


@pytest.mark.parametrize(
    "words",
    ["gitleaks:allow", "betterleaks:allow", "trufflehog:ignore", "kingfisher:ignore", "ggignore",
     "pragma: allowlist secret", "pragma: whitelist secret"],
)  # fmt: skip
def test_other_tools_comments_count_only_where_asked_for(engine: Engine, words: str) -> None:
    text = f"t = '{TOKEN}'  # {words}\n"
    silent = judged(engine, text)
    assert silent.findings and not silent.suppressed and not notes(silent)
    asked = judged(engine, text, foreign=True)
    assert not asked.findings
    assert asked.suppressed[0].suppression is not None and asked.suppressed[0].suppression.way == "foreign"


def test_nextline_of_detect_secrets_is_about_the_next_line_alone(engine: Engine) -> None:
    line = "# pragma: allowlist nextline secret"
    assert not judged(engine, f"{line}\nt = '{TOKEN}'\n", foreign=True).findings
    assert judged(engine, f"t = '{TOKEN}'  {line}\n", foreign=True).findings
    assert judged(engine, f"# pragma: allowlist secret\nt = '{TOKEN}'\n", foreign=True).findings


def test_with_a_base_revision_only_lines_it_has_count(engine: Engine) -> None:
    comment = f"# leakguard: allow[{RULE}] {WHY}"
    old = f"a = 1\n{comment}\nt = '{TOKEN}'\n".encode()
    moved = f"b = 2\n\n\n    {comment}\n    t = '{TOKEN}'\n"
    assert not judged(engine, moved, base=lambda _: old).findings
    swapped = judged(engine, f"{comment}\nt = '{OTHER}'\n", base=lambda _: old)
    assert swapped.findings and not swapped.suppressed
    fresh = judged(engine, moved, base=lambda _: f"t = '{TOKEN}'\n".encode())
    assert notes(fresh) == {"the line and its comment are not in the base revision"}
    assert judged(engine, moved, base=lambda _: None).findings


def test_a_long_line_is_looked_at_only_near_the_secret(engine: Engine) -> None:
    far = f"t = '{TOKEN}' " + "x" * 9000 + f" # leakguard: allow[{RULE}] {WHY}\n"
    assert judged(engine, far).findings


def test_a_key_of_several_lines_can_be_allowed_at_either_end(engine: Engine) -> None:
    pem = expand("{{gen:pem pkcs8}}", Random(5))
    rules = {finding.rule for finding in found(engine, pem + "\n")}
    allow = f"leakguard: allow[{', '.join(rules)}] {WHY}"
    assert not judged(engine, f"# {allow}\n{pem}\n").findings
    assert not judged(engine, f"{pem}  # {allow}\n").findings
    assert judged(engine, f"{pem}\n# {allow}\n").findings


LINES = st.lists(st.binary(max_size=30).filter(lambda line: b"\n" not in line), min_size=1, max_size=8)


@settings(max_examples=100)
@given(LINES, st.integers(0, 300), st.integers(0, 60))
def test_no_bytes_break_the_look_for_comments(lines: list[bytes], at: int, size: int) -> None:
    data = b"\n".join([*lines, b"# leakguard: allow[a.b] reason", *lines])
    start = min(at, len(data) - 1)
    end = min(len(data), start + size)
    got = allowance(data, start, end, "a.b")
    if got is not None:
        assert 0 <= got.low <= got.high <= len(data)
        assert not stands_in(got.proof, b"") or set(data) <= set(b" \t\n\r")


@settings(max_examples=100)
@given(st.binary(max_size=60), st.binary(max_size=60))
def test_a_block_stands_in_any_text_around_it(before: bytes, after: bytes) -> None:
    data = b"# leakguard: allow[a.b] reason\nkey = value"
    got = allowance(data, len(data) - 5, len(data), "a.b")
    assert got is not None and not got.problem
    assert stands_in(got.proof, before + b"\n" + data + b"\n" + after)
    assert not stands_in(got.proof, data.replace(b"value", b"other"))
