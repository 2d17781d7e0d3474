"""Lists of keys and tokens that are named in the plural: each value is found, and what is no secret of anybody's is not."""

from __future__ import annotations

from random import Random

import pytest

from leakguard.detect.engine import Engine
from leakguard.detect.forms import MOST_SEVERAL, several
from leakguard.detect.generate import expand


def found_in(engine: Engine, text: str, path: str) -> list[tuple[int, str, str]]:
    """Offset, rule and secret of each match, in their order."""
    data = text.encode()
    return sorted(
        (match.secret_start, engine.ruleset.rules[match.rule].id, data[match.secret_start : match.secret_end].decode())
        for match in engine.scan(data, path).matches
    )

A, B, C = (expand("{{alnum*28}}", Random(number)) for number in range(3))

LISTS = (
    ("a.py", f'API_KEYS = ["{A}", "{B}", "{C}"]\n'),
    ("a.py", f'API_KEYS = (\n    "{A}",\n    "{B}",\n    "{C}",\n)\n'),
    ("a.json", f'{{"id": 3, "tokens": ["{A}","{B}","{C}"], "name": "x"}}\n'),
    ("a.ts", f"const authTokens: string[] = ['{A}', '{B}', '{C}'];\n"),
    ("a.go", f'var tokens = []string{{"{A}", "{B}", "{C}"}}\n'),
    ("a.php", f"$apiKeys = array('{A}', '{B}', '{C}');\n"),
    ("a.rs", f'let api_keys = vec!["{A}", "{B}", "{C}"];\n'),
    ("a.yml", f"tokens: [{A}, {B}, {C}]\n"),
    ("a.yml", f"service:\n  auth_tokens:\n    - {A}\n    - {B}\n    - {C}\n"),
    ("a.yml", f"tokens:\n- '{A}'\n- '{B}'\n- '{C}'\n"),
    ("a.env", f"API_KEYS={A},{B},{C}\n"),
    ("a.py", f'api_key_pool = ["{A}", "{B}", "{C}"]\n'),
)


@pytest.mark.parametrize(("path", "text"), LISTS)
def test_each_value_of_a_list_in_the_plural_is_found(engine: Engine, path: str, text: str) -> None:
    found = found_in(engine, text, path)
    assert [secret for *_, secret in found] == [A, B, C]
    assert {rule for _, rule, _ in found} <= {"generic.api-key", "generic.token"}


NOT_SECRETS = (
    'tokens = ["identifier_start_of_line", "whitespace-and-newline-token"]\n',
    f'tokens = ["{expand("{{b58*44}}", Random(1))}", "{expand("{{b58*44}}", Random(2))}"]  # coins\n',
    f'token_list: ["0x{expand("{{hex*40}}", Random(3))}", "0x{expand("{{hex*40}}", Random(4))}"]\n',
    f'public_keys = ["{expand("{{b58*44}}", Random(5))}", "{expand("{{b58*44}}", Random(6))}"]\n',
    f'"DkimTokens": ["{expand("{{lowernum*32}}", Random(7))}", "{expand("{{lowernum*32}}", Random(8))}"]\n',
)


@pytest.mark.parametrize("text", NOT_SECRETS)
def test_words_coins_and_public_keys_in_a_list_are_none(engine: Engine, text: str) -> None:
    assert found_in(engine, text, "a.py") == []


def test_a_venues_key_and_secret_in_a_list_stay_a_key_and_a_secret(engine: Engine) -> None:
    key, secret = expand("{{alnum*64}}", Random(1)), expand("{{alnum*64}}", Random(2))
    found = found_in(engine, f'BINANCE_KEYS = ["{key}", "{secret}"]\n', "a.py")
    assert [(rule, value) for _, rule, value in found] == [("binance.api-key", key), ("binance.api-secret", secret)]


def test_a_list_is_read_as_far_as_reuse_looks() -> None:
    data = b'tokens = ["' + b'", "'.join(expand("{{alnum*40}}", Random(n)).encode() for n in range(60)) + b'"]'
    start = data.index(b'"') + 1
    assert max(end for *_, end in several(data, start)) <= start + MOST_SEVERAL
