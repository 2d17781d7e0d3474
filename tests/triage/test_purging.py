"""Replacement expressions: they hold exactly the values, as git-filter-repo itself reads them."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leakguard.detect.generate import expand
from leakguard.model import Confidence, Finding, Origin, Severity
from leakguard.triage.purging import Secret, expressions, records, sort, steps, values_of

VALUES = st.lists(st.binary(min_size=1, max_size=40), max_size=6, unique=True)


def finding(secret: bytes, **changes: object) -> Finding:
    base = Finding(
        "a.key", "a", "api-key", "A", Severity.HIGH, Confidence.HIGH, "lg1-0", Origin("blob", "f"), 1, 1, 1, 1, 0, 0, "",
        len(secret), secret=secret,
    )  # fmt: skip
    return base._replace(**changes)  # type: ignore[arg-type]


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(VALUES, st.binary(max_size=20))
def test_filter_repo_reads_exactly_the_values(tmp_path: Path, values: list[bytes], around: bytes) -> None:
    filter_repo = pytest.importorskip("git_filter_repo")
    file = tmp_path / "e"
    text = expressions(Secret(value, "a.key", "") for value in values)
    file.write_bytes(text)
    assert values_of(text) == values
    read = filter_repo.FilteringOptions.get_replace_text(str(file))
    assert len(read["literals"]) + len(read["regexes"]) == len(values)
    for literal, _ in read["literals"]:
        assert literal in values
    for value in values:
        done = around + value + around
        for literal, replacement in read["literals"]:
            done = done.replace(literal, replacement)
        for regex, replacement in read["regexes"]:
            done = regex.sub(replacement, done)
        assert done != around + value + around


def test_the_rest_of_a_value_that_was_cut_goes_with_it(tmp_path: Path) -> None:
    """Of a value of 900 bytes a finding holds 512: the other 388 stayed in history, and --verify called it clean."""
    filter_repo = pytest.importorskip("git_filter_repo")
    whole = expand("{{b64*900}}", Random(5)).encode()
    text = expressions([Secret(whole[:512], "generic.token", "")])
    assert values_of(text) == [whole[:512]]
    (tmp_path / "e").write_bytes(text)
    (regex, replacement), = filter_repo.FilteringOptions.get_replace_text(str(tmp_path / "e"))["regexes"]
    assert regex.sub(replacement, b'A="' + whole + b'" b') == b'A="***REMOVED:generic.token***" b'


def test_values_that_would_take_others_with_them_are_not_replaced() -> None:
    found = sort([
        finding(b"x" * 7),
        finding(b"password1234", part="password"),
        finding(b"correct-Horse-7", part="password"),
        finding(b"shorter-key"),
        finding(b"shorter-key-and-longer"),
        finding(b"encoded-key", view=("base64",)),
        finding(b"ref-name-key", origin=Origin("ref", "b")),
        finding(b"member-key-1", origin=Origin("member", "m", Origin("blob", "a.zip"))),
    ])  # fmt: skip
    values = [secret.value for secret in found.replace]
    assert values[0] == b"shorter-key-and-longer" and set(values[1:]) == {b"shorter-key", b"correct-Horse-7"} - {
        b""
    } | ({b"password1234"} & set(values))
    assert len(found.elsewhere) == 3
    assert b"x" * 7 not in values
    plan = steps("repo", found, 8, "/x/e.txt")
    assert not [value for value in values if value.decode() in plan]
    assert plan.index("REVOKE") < plan.index("git filter-repo --sensitive") < plan.index("git push --force")
    for word in (
        "reflog expire",
        "stash clear",
        "FORKS",
        "refs/pull/*",
        "caches",
        "clone",
        "gc --prune=now",
        "--verify",
    ):
        assert word in plan


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"type": "finding"}', "no", '{"type":"finding","secret":"a"}\nx'])
def test_reports_without_secrets_or_of_others_are_errors_or_empty(text: str) -> None:
    try:
        got = list(records(text, "r"))
    except (ValueError, AttributeError):
        return
    assert got == []
