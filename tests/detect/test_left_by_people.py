"""A key and its secret as people leave them: in chats after who says them, in tables on their side, in files that are called like
their venue, in braces, under the first letters of their names. Each is named, and nothing else is in the text."""

from __future__ import annotations

from random import Random

import pytest

from leakguard.detect.engine import Engine
from leakguard.detect.generate import expand

KEY, SECRET = (expand("{{alnum*64}}", Random(seed)) for seed in ("left key", "left secret"))
PASS = "nutmeg!4071x"
OKX_KEY, OKX_SECRET = expand("{{uuid}}", Random("left okx")), expand("{{HEX*32}}", Random("left okx secret"))

BINANCE = {
    "key v, sec v": "## Binance\nkey {K}\nsec {S}\n",
    "sec: v": "binance key: {K}\nbinance sec: {S}\n",
    "a short name before a label": "[12:01] Max: bn key: {K}\n[12:01] Max: bn sec: {S}\n",
    "api: v": '{{"text": "binance api: {K}"}}, {{"text": "binance secret: {S}"}}\n',
    "lines of a chat": "Max: here are the binance creds\nMax: {K}\nMax: {S}\n",
    "lines of another chat": "12.03.26, 14:01 - Max: Binance API\n12.03.26, 14:01 - Max: {K}\n12.03.26, 14:02 - Max: {S}\n",
    "with the time in brackets": "[2026-03-12 14:01] Max M: binance keys\n[2026-03-12 14:01] Max M: {K}\n[2026-03-12 14:02] Max M: {S}\n",
    "a table on its side": "| | Binance |\n|---|---|\n| Key | `{K}` |\n| Secret | `{S}` |\n",
    "cells with blanks": '<tr><td class="e">BINANCE_API_KEY </td><td class="v">{K} </td></tr>\n'
    '<tr><td class="e">BINANCE_API_SECRET </td><td class="v">{S} </td></tr>\n',
    "API beside SECRET": 'object BinanceConfig {{ const val API = "{K}"; const val SECRET = "{S}" }}\n',
    "glued labels": "14:01 <max> binance apikey {K}\n14:01 <max> binance apisecret {S}\n",
    "a page's table": "<table><tr><th>Exchange</th><th>API key</th><th>Secret</th></tr>"
    "<tr><td>Binance</td><td>{K}</td><td><b>{S}</b></td></tr></table>\n",
    "a page's table over lines": "<table>\n<tr class='h'>\n <th>Exchange</th>\n <th>API key</th>\n <th>API secret</th>\n</tr>\n"
    "<tr>\n <td>Binance</td>\n <td>{K}</td>\n <td>{S}</td>\n</tr>\n</table>\n",
    "what a function returns": 'def creds():\n    return "{K}", "{S}"  # binance sandbox\n',
    "braces": 'auto conn = BinanceConnector{{"{K}", "{S}"}};\n',
}


def found(engine: Engine, text: str, name: str = "notes.md") -> dict[str, str]:
    return {
        text[match.secret_start : match.secret_end]: engine.rules[match.rule].id for match in engine.scan(text.encode(), name).matches
    }


@pytest.mark.parametrize("form", BINANCE)
def test_both_halves_are_named(engine: Engine, form: str) -> None:
    text = BINANCE[form].format(K=KEY, S=SECRET)
    assert found(engine, text) == {KEY: "binance.api-key", SECRET: "binance.api-secret"}


@pytest.mark.parametrize(
    "text",
    [
        "x rotate okx keys, old ones {K} / {S} / {P}\n",
        "Max: here are the okx creds\nMax: {K}\nMax: {S}\nMax: pass {P}\n",
        'auto conn = OkxClient{{"{K}", "{S}", "{P}"}};\n',
    ],
)
def test_the_passphrase_behind_them(engine: Engine, text: str) -> None:
    text = text.format(K=OKX_KEY, S=OKX_SECRET, P=PASS)
    assert found(engine, text) == {OKX_KEY: "okx.api-key", OKX_SECRET: "okx.api-secret", PASS: "okx.passphrase"}


def test_two_venues_beside_each_other_in_a_table_on_its_side(engine: Engine) -> None:
    text = f"| | Binance | OKX |\n|---|---|---|\n| Key | `{KEY}` | `{OKX_KEY}` |\n| Secret | `{SECRET}` | `{OKX_SECRET}` |\n"
    assert found(engine, text) == {
        KEY: "binance.api-key", SECRET: "binance.api-secret", OKX_KEY: "okx.api-key", OKX_SECRET: "okx.api-secret",
    }  # fmt: skip


def test_two_lines_of_a_file_that_is_called_like_the_venue(engine: Engine) -> None:
    assert found(engine, f"{KEY}\n{SECRET}\n", "binance.txt") == {KEY: "binance.api-key", SECRET: "binance.api-secret"}
    assert found(engine, f"{KEY}\n{SECRET}\n", "hashes.txt") == {}
    assert found(engine, f"{KEY}\n{SECRET}\nand\nmany\nmore\nlines\n", "binance.txt") == {}


@pytest.mark.parametrize(
    "text",
    [
        "it takes 10 sec abcdefghijklmnopqrstuvwxyz of the binance api\n",
        "binance api: documentation-of-the-endpoints\n",
        "Max: the binance creds\nMax: are-in-the-vault-of-the-team\nMax: as-they-always-were-before\n",
        "<table><tr><th>Exchange</th><th>API key</th></tr><tr><td>Binance</td><td>in the vault of the team</td></tr></table>\n",
        "binance apikey documentation-of-the-endpoint\n",
        'const API = "https://api.binance.com/api/v3/";\n',
        "| | Binance |\n|---|---|\n| Key | where-it-lies-in-the-vault |\n",
    ],
)
def test_sentences_of_the_same_forms_are_quiet(engine: Engine, text: str) -> None:
    assert found(engine, text) == {}
