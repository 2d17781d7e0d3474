"""Base64 values read as if they stood there in clear: their name and surroundings say whose they are."""

from __future__ import annotations

import json
from base64 import b64encode
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakguard.detect.decode import Runs
from leakguard.detect.engine import Engine
from leakguard.detect.generate import expand
from leakguard.detect.inplace import put_back, within

KEY, SECRET = expand("{{alnum*64}} {{alnum*64}}", Random(1)).split()
PASSPHRASE = "Corr3ct-Horse"


def encoded(text: str) -> str:
    return b64encode(text.encode()).decode()


def found(engine: Engine, text: str, path: str = "secret.yaml") -> dict[str, str]:
    """Rule by secret."""
    matches = engine.scan(text.encode(), path).matches
    return {(match.secret or b"").decode(): engine.rules[match.rule].id for match in matches}


@pytest.mark.parametrize(
    "text",
    [
        "kind: Secret\nmetadata:\n  name: bot\ndata:\n  BINANCE_API_KEY: {0}\n  BINANCE_API_SECRET: {1}\n",
        "kind: Secret\nmetadata:\n  name: binance-keys\ndata:\n  api-key: {0}\n  api-secret: {1}\n",
        'binance:\n  api_key_b64: {0}\n  api_secret_b64: "{1}"\n',
        "services:\n  bot:\n    environment:\n      - BINANCE_KEY={0}\n      - BINANCE_SECRET={1}\n",
        "key = base64.b64decode('{0}')  # binance\nsecret = base64.b64decode('{1}')\n",
        '{{"kind": "Secret", "metadata": {{"name": "binance"}}, "data": {{"apiKey": "{0}", "secretKey": "{1}"}}}}',
    ],
)
@pytest.mark.parametrize("end", ["", "\n"])
def test_the_name_a_value_is_given_to_names_the_venue(engine: Engine, text: str, end: str) -> None:
    got = found(engine, text.format(encoded(KEY + end), encoded(SECRET + end)))
    assert got == {KEY: "binance.api-key", SECRET: "binance.api-secret"}


def test_a_short_neighbour_is_decoded_with_them(engine: Engine) -> None:
    key, secret = expand("{{uuid}} {{HEX*32}}", Random(2)).split()
    text = (
        f"kind: Secret\ndata:\n  exchange: {encoded('okx')}\n  api-key: {encoded(key)}\n"
        f"  api-secret: {encoded(secret)}\n  passphrase: {encoded(PASSPHRASE)}\n"
    )
    assert found(engine, text) == {key: "okx.api-key", secret: "okx.api-secret", PASSPHRASE: "okx.passphrase"}


def test_a_file_in_base64_keeps_what_it_stands_in(engine: Engine) -> None:
    inner = json.dumps({"key": KEY, "secret": SECRET})
    text = f'kind: Secret\nmetadata:\n  name: binance-bot\ndata:\n  config.json: "{encoded(inner)}"\n'
    assert found(engine, text) == {KEY: "binance.api-key", SECRET: "binance.api-secret"}


def test_string_data_needs_no_decoding(engine: Engine) -> None:
    text = f"kind: Secret\nmetadata:\n  name: binance-keys\nstringData:\n  apiKey: {KEY}\n  secretKey: {SECRET}\n"
    assert found(engine, text) == {KEY: "binance.api-key", SECRET: "binance.api-secret"}


def test_the_place_is_that_of_the_digits(engine: Engine) -> None:
    text = f"a: b\nkind: Secret\ndata:\n  BINANCE_API_KEY: {encoded(KEY)}\n".encode()
    match = engine.scan(text).matches[0]
    assert text[match.secret_start : match.secret_end].decode() == encoded(KEY).rstrip("=")
    assert match.view == ("base64",)
    assert match.length == len(KEY)


def test_what_is_around_a_value_is_not_found_twice(engine: Engine) -> None:
    other = expand("{{alnum*64}}", Random(3))
    text = f"BINANCE_API_SECRET={other}\nBINANCE_API_KEY={encoded(KEY)}\n".encode()
    matches = engine.scan(text).matches
    assert sorted((match.secret or b"").decode() for match in matches) == sorted([other, KEY])
    assert [match.view for match in matches] == [(), ("base64",)]


def test_far_apart_and_dense_give_the_same(engine: Engine) -> None:
    line = f"BINANCE_API_SECRET: {encoded(SECRET)}\n"
    for gap in (0, 3000, 70_000):
        text = line + "- note: nothing\n" * (gap // 16) + f"BINANCE_API_KEY: {encoded(KEY)}\n"
        assert found(engine, text) == {KEY: "binance.api-key", SECRET: "binance.api-secret"}


@given(st.lists(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=15, max_size=60), max_size=8))
def test_views_map_back_to_the_digits(values: list[str]) -> None:
    lines = [f'name{number}: "{encoded(value)}"' for number, value in enumerate(values)]
    data = "\n".join(lines).encode()
    hits = [("base64", data.index(encoded(value).encode()) + 20) for value in values]
    for view in put_back(Runs(data, hits)):
        for low, high in view.kept:
            start, end = view.raw(low, high)
            assert encoded(view.data[low:high].decode()).rstrip("=").encode() == data[start:end]
            assert within(view.kept, low, high)
            assert not within(view.kept, low, high + 1)


def test_digits_that_are_no_text_or_no_value_are_left_alone() -> None:
    random = b64encode(Random(4).randbytes(60))
    text = b"see " + encoded("a whole sentence of words here").encode() + b" for more"
    for data in (b"secret: " + random, text):
        hits = [("base64", data.index(b" ") + 1 + 20)]
        assert not [view for view in put_back(Runs(data, hits)) if view.kept]
