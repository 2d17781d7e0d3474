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
    "lines below an empty one": "binance api\n\n{K}\n{S}\n",
    "lines with empty ones between": "# Binance keys\r\n\r\n{K}\r\n\r\n{S}\r\n",
    "hidden until a reader clicks": "binance\nkey: ||{K}||\nsecret: ||{S}||\n",
    "anchors": "binance: &binance\n  KEY: &k {K}\n  SECRET: &s \"{S}\"\n",
    "a venue between its label and the colon": "API Binance: {K}\nSecret Binance: {S}\n",
    "the same in Russian": "\u0410\u043f\u0438 Binance: {K}\n\u0421\u0435\u043a\u0440\u0435\u0442: {S}\n",
    "a label in Russian": "Binance\n\u0430\u043f\u0438: {K}\n\u0441\u0435\u043a\u0440\u0435\u0442: {S}\n",
    "a bot that is called like its venue": "docker run -d --name binancebot -e API_KEY={K} -e API_SECRET={S} acme/x\n",
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
    "a vault by its command": 'az keyvault secret set --vault-name v --name binance-api-key --value "{K}"\n'
    'az keyvault secret set --vault-name v --name binance-api-secret --value "{S}"\n',
    "an application's settings": '[{{"name":"BINANCE_KEY","slotSetting":false,"value":"{K}"}},'
    '{{"name":"BINANCE_SECRET","slotSetting":false,"value":"{S}"}}]',
    "a value before its name": '{{"envs":[{{"type":"plain","value":"{K}","target":["production"],"key":"BINANCE_KEY"}},'
    '{{"type":"plain","value":"{S}","target":["production"],"key":"BINANCE_SECRET"}}]}}',
    "fields of a manager of passwords": '{{"items":[{{"title":"Binance","fields":[{{"label":"API Key","type":"text","value":"{K}"}},'
    '{{"label":"Secret","type":"password","value":"{S}"}}]}}]}}',
    "its table": "folder,type,name,login_uri,login_username,login_password,login_totp\n,login,Binance API,https://www.binance.com,{K},{S},\n",
    "set-env": "cf set-env bot BINANCE_KEY {K}\ncf set-env bot BINANCE_SECRET {S}\n",
    "defaults write": "defaults write com.me.bot BinanceApiKey -string {K}\ndefaults write com.me.bot BinanceApiSecret -string {S}\n",
    "a keychain": "security add-generic-password -a bot -s binance-api-key -w {K}\n"
    "security add-generic-password -a bot -s binance-api-secret -w {S}\n",
    "what is sent to a store": "echo {K} | pass insert -e trading/binance/key\necho {S} | wrangler secret put BINANCE_SECRET\n",
    "what sed writes": "sed -i 's/BINANCE_KEY=.*/BINANCE_KEY={K}/' .env\nsed -i 's/BINANCE_SECRET=.*/BINANCE_SECRET={S}/g' .env\n",
    "whose key": "API key of Binance: {K}\nSecret key (Binance): {S}\n",
    "whose key, in bold": "**API Key** (Binance): {K}\n**Secret Binance:** `{S}`\n",
    "whose key, in Portuguese": "Chave de API Binance: {K}\nChave secreta da Binance: {S}\n",
    "whose key, in French": "Clé API Binance : {K}\nClé secrète de Binance : {S}\n",
    "whose key, in Russian": "Ключ Binance: {K}\nСекретный ключ от Binance: {S}\n",  # noqa: RUF001
    "a call over lines": "await connector.connect('binance',\n  '{K}',\n  '{S}'\n);\n",
    "a type that is understood": 'services.AddBinance(options => options.ApiCredentials = new("{K}", "{S}"));\n',
    "attributes of a module": 'defmodule Bot.Binance do\n  @api_key "{K}"\n  @secret "{S}"\nend\n',
    "fields of a page": '<input type="text" name="binance_api_key" value="{K}"><input type="password" name="binance_api_secret" value="{S}">\n',
}


def found(engine: Engine, text: str, name: str = "notes.md") -> dict[str, str]:
    data = text.encode()
    matches = engine.scan(data, name).matches
    return {data[match.secret_start : match.secret_end].decode(): engine.rules[match.rule].id for match in matches}


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


HALF = expand("{{alnum*32}}", Random("left half"))


@pytest.mark.parametrize(
    "text",
    [
        "bot --exchange=probit --key={K} --secret={S}\n",
        "https://bot.example.org/connect?exchange=probit&api_key={K}&api_secret={S}\n",
        "probit key={K} secret={S}\n",
    ],
)
def test_a_name_is_no_piece_of_its_value(engine: Engine, text: str) -> None:
    """Values of a venue whose keys have no form of their own, in a row behind its name."""
    text = text.format(K=HALF, S=KEY[:32])
    assert found(engine, text) == {HALF: "probit.api-key", KEY[:32]: "probit.api-secret"}


def test_commands_below_each_other_are_no_folded_line(engine: Engine) -> None:
    """The second is as wide as mails are folded at, and ends in a value that more could be of."""
    text = f"railway variables set FOXBIT_API_KEY={HALF}\nrailway variables set FOXBIT_SECRET_KEY={KEY[:32]}\nrailway variables set X=1\n"
    assert found(engine, text) == {HALF: "foxbit.api-key", KEY[:32]: "foxbit.api-secret"}


@pytest.mark.parametrize(
    "text",
    [
        "salt '*' gpg.delete_key fingerprint={K}\n",
        "salt '*' keystone.user_verify_password user_id={K} password=foobar\n",
        "<secret uuid='{K}'/>\n",
        '{{"name": "revision", "kind": "string", "value": "{K}"}}\n',
        '{{"value": "{K}", "name": "checksum"}}\n',
        "grep -w {K} notes.txt\n",
        "# luno\nself._secret_key = secret_key\nidempotency_key: {K}\n",
        "# luno\nself._secret_key = secret_key\nowner: {K}\n",
        "API version: {K}\nAPI build id: {K}\n",
        "base: &base {K}\nif (!key ||{K}) return;\n",
    ],
)
def test_what_is_somebody_elses(engine: Engine, text: str) -> None:
    text = text.format(K=expand("{{hex*40}}", Random("left hash")))
    assert not [rule for rule in found(engine, text).values() if not rule.endswith("random-value")]


EVM = expand("{{gen:evm_key}}", Random("left evm"))


@pytest.mark.parametrize(
    "text",
    [
        "name,private_key\nmain,{K}\n",
        "address,private_key\n0x{A},{K}\n",
        "id,address,private_key,balance\n1,0x{A},{K},3.2\n",
        "private_key;owner\n{K};max\n",
        "address\tprivateKey\n0x{A}\t{K}\n",
        "COPY wallets (id, address, private_key) FROM stdin;\n1\t0x{A}\t{K}\n\\.\n",
    ],
)
def test_a_column_of_private_keys(engine: Engine, text: str) -> None:
    """Beside an address that is another's, so that nothing but the column's name tells of it."""
    assert found(engine, text.format(K=EVM, A=expand("{{hex*40}}", Random(3))), "wallets.csv") == {EVM: "ethereum.named-key"}


def test_one_column_of_keys_of_any_kind(engine: Engine) -> None:
    token = expand("{{alnum*40}}", Random("left column"))
    assert found(engine, f"customer,api_key,created\nacme,{token},2026-01-02\n", "keys.csv") == {token: "generic.api-key"}
    assert found(engine, f"def add(customer,api_key,created):\n    return call(customer,{token},created)\n", "keys.py") == {}


def test_words_of_a_phrase_that_stand_one_in_each_cell_of_a_page(engine: Engine) -> None:
    words = expand("{{gen:bip39 12}}", Random("left phrase")).split()
    for text in (
        "<ol>" + "".join(f"<li>{word}</li>" for word in words) + "</ol>",
        "<ol>\n" + "".join(f'  <li class="w">{word}</li>\n' for word in words) + "</ol>\n",
        "<div>" + "".join(f"<div><span>{number}.</span><span>{word}</span></div>" for number, word in enumerate(words, 1)) + "</div>",
        "<table>" + "".join(f"<tr><td>{number}</td><td>{word}</td></tr>" for number, word in enumerate(words, 1)) + "</table>",
    ):
        rules = [engine.rules[match.rule].id for match in engine.scan(text.encode(), "page.html").matches]
        assert rules == ["bip39.mnemonic"], text

@pytest.mark.parametrize("names", ['"deribit"', '"main", "deribit"', '"deribit", "main"'])
def test_a_key_as_short_as_a_word_in_a_row(engine: Engine, names: str) -> None:
    """Behind the names of the account and of the venue, whether it begins with a letter or with a digit."""
    secret = expand("{{b64u*43}}", Random("left row"))
    for key in ("4e7PhGcE", "xE4phG7c"):
        text = f"ACCOUNTS = [\n    ({names}, \"{key}\", \"{secret}\"),\n]\n"
        assert found(engine, text) == {key: "deribit.client-id", secret: "deribit.client-secret"}


def test_a_bot_that_is_called_like_its_venue(engine: Engine) -> None:
    """Where the form of the values alone does not say whose they are."""
    key, secret = expand("{{HEX*32}}", Random("left bot")), expand("{{HEX*48}}", Random("left bot secret"))
    text = f"docker run -d --name coinexbot -e API_KEY={key} -e API_SECRET={secret} acme/x\n"
    assert found(engine, text) == {key: "coinex.api-key", secret: "coinex.api-secret"}


def test_words_in_a_row_are_no_short_key(engine: Engine) -> None:
    digest = expand("{{hex*64}}", Random("left digest"))
    assert not found(engine, f'FILES = [\n    ("deribit", "main", "archived", "{digest}"),\n]\n')
