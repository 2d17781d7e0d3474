"""Rows without names below the name of their venue: a label, a key, a secret (leakguard/detect/halves.py)."""

from __future__ import annotations

from random import Random

import pytest

from leakguard.detect.engine import Engine
from leakguard.detect.generate import expand

LABELS = ("main", "grid-bot", "treasury", "long/short", "fund A")


def _found(engine: Engine, text: str) -> set[tuple[str, str]]:
    data = text.encode()
    return {(engine.rules[m.rule].id, data[m.secret_start : m.secret_end].decode()) for m in engine.scan(data, "paste.txt").matches}


@pytest.mark.parametrize("sign", ["\t", ":", " | ", ";", ",", "  "])
@pytest.mark.parametrize("title", ["Gate.io\n\n", "[Gate.io]\n", "## Gate.io\n\n", "Gate.io\n-------\n"])
@pytest.mark.parametrize("labelled", [True, False])
def test_the_rows_below_a_venues_name_are_its_accounts(engine: Engine, title: str, sign: str, labelled: bool) -> None:
    draw = Random(title + sign)
    rows = [[expand("{{hex*32}}", draw), expand("{{hex*64}}", draw)] for _ in LABELS]
    text = title + "".join(sign.join([label, *row] if labelled else row) + "\n" for label, row in zip(LABELS, rows, strict=True))
    parts = ("gate.api-key", "gate.api-secret")
    assert _found(engine, text) == {(part, value) for row in rows for part, value in zip(parts, row, strict=True)}


def test_a_passphrase_may_be_the_last_of_them(engine: Engine) -> None:
    draw = Random("okx")
    rows = [[expand("{{uuid}}", draw), expand("{{HEX*32}}", draw), f"Moon{n}{expand('{{hex*4}}', draw)}!"] for n in range(20)]
    text = "OKX\n" + "".join("\t".join(["sub", *row]) + "\n" for row in rows)
    parts = ("okx.api-key", "okx.api-secret", "okx.passphrase")
    assert _found(engine, text) == {(part, value) for row in rows for part, value in zip(parts, row, strict=True)}


@pytest.mark.parametrize(
    "row", ["{{uuid}}\t{{hex*64}}", "2025-03-01\t{{hex*64}}", "0x{{hex*40}}\t0x{{hex*64}}", "filled\t{{hex*24}}\t{{uuid}}"]
)
def test_the_rows_of_what_was_traded_are_none(engine: Engine, row: str) -> None:
    draw = Random(row)
    assert not _found(engine, "Bitbank\n\n" + "".join(expand(row, draw) + "\n" for _ in range(9)))


def test_rows_end_with_the_first_line_that_is_none(engine: Engine) -> None:
    draw = Random("end")
    row = expand("{{hex*32}}\t{{hex*64}}\n", draw)
    assert _found(engine, "Gate.io\n" + row) and not _found(engine, "Gate.io\nThe order book is deep today.\n\n" + row)


def test_a_key_of_hex_digits_is_no_address_of_a_chain(engine: Engine) -> None:
    """One in nine of them has no zero and begins with 1 or 3; the row was taken for a withdrawal's, and the list ended there."""
    draw = Random("address")
    key, secret = "3" + "".join(draw.choices("123456789abcdef", k=31)), expand("{{hex*64}}", draw)
    assert _found(engine, f"Gate.io\nmain:{key}:{secret}\n") == {("gate.api-key", key), ("gate.api-secret", secret)}
