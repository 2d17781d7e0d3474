"""What people call the parts of a credential: in their languages, misspelt, glued, in a table's first column, by two letters.
The venue and the part are right, the parts of an account make one set and no other's."""

from __future__ import annotations

from random import Random

import pytest

from leakguard.detect.engine import Engine
from leakguard.detect.generate import expand
from leakguard.detect.naming import part_of, words
from leakguard.findings import findings_of
from leakguard.model import HALF, CredentialSet, Document, Finding, Origin, Severity

SHAPES = {
    "bybit": ("{{alnum*18}}", "{{alnum*36}}"),
    "gate": ("{{hex*32}}", "{{hex*64}}"),
    "okx": ("{{uuid}}", "{{HEX*32}}", "Corr3ct-Horse"),
    "kucoin": ("65{{hex*22}}", "{{uuid}}", "kc-Pass9f"),
    "bitmex": ("{{b64u*24}}", "{{b64u*48}}"),
    "phemex": ("{{uuid}}", "{{b64u*86}}"),
    "mexc": ("mx0vgl{{alnum*12}}", "{{hex*32}}"),
    "threecommas": ("{{hex*64}}", "{{hex*256}}"),
    "tokocrypto": ("{{alnum*64}}", "{{alnum*64}}"),
}
ROLES = ("api-key", "api-secret", "passphrase")


def account(venue: str, seed: int = 0) -> list[str]:
    return [expand(shape, Random(f"{venue}{number}{seed} called")) for number, shape in enumerate(SHAPES[venue])]


def scan(engine: Engine, path: str, text: str) -> tuple[list[Finding], list[CredentialSet]]:
    data = text.encode()
    return findings_of(engine, Document(data, Origin("file", path)), engine.scan(data, path).matches, 1)


CALLED = [
    # in people's languages
    ("bybit", ".env", "BYBIT_CLAVE_API={0}\nBYBIT_CLAVE_SECRETA={1}\n"),
    ("bybit", "a.py", "chave_api_bybit = '{0}'\nchave_secreta_bybit = '{1}'\n"),
    ("bybit", "c.json", '{{"bybit": {{"apiSchluessel": "{0}", "geheimnis": "{1}"}}}}'),
    ("okx", "c.json", '{{"okx": {{"ChaveApi": "{0}", "ChaveSecreta": "{1}", "Senha": "{2}"}}}}'),
    ("okx", ".env", "OKX_CLE_API={0}\nOKX_CLE_SECRETE={1}\nOKX_PHRASE_SECRETE={2}\n"),
    ("bybit", "robot.py", "# Bybit\nCLAVE_PUBLICA = '{0}'\nCLAVE_PRIVADA = '{1}'\n"),
    # misspelt
    ("bybit", "a.js", "const bybitApiKeey = '{0}';\nconst bybitApiSecert = '{1}';\n"),
    ("okx", "c.yml", "okx:\n  api_keey: {0}\n  api_secert: {1}\n  passphrse: {2}\n"),
    # glued
    ("bybit", "c.yml", "accounts:\n  - name: grid\n    exchange: bybit\n    clientkey: {0}\n    clientsecret: {1}\n"),
    ("okx", "c.yml", "accounts:\n  - exchange: okx\n    authkey: {0}\n    authsecret: {1}\n    authpassphrase: {2}\n"),
    ("kucoin", ".env", "KUCOIN_APIKEY={0}\nKUCOIN_SECKEY={1}\nKUCOIN_APIPWD={2}\n"),
    ("tokocrypto", ".env", "TOKOCRYPTOKEY={0}\nTOKOCRYPTOSECRET={1}\n"),
    ("tokocrypto", ".env", "TOKOCRYPTORESEARCHAPIKEY={0}\nTOKOCRYPTORESEARCHAPISECRET={1}\n"),
    ("bybit", "c.yml", "kind: Secret\nmetadata:\n  name: bybit-vault\nstringData:\n  rest_key: {0}\n  rest_secret: {1}\n"),
    # by two letters
    ("bybit", "c.yml", "exchanges:\n  bybit:\n    ak: '{0}'\n    sk: '{1}'\n"),
    ("bybit", ".env", "AK_BYBIT={0}\nSK_BYBIT={1}\n"),
    ("bybit", "a.swift", 'static let bybitAk = "{0}"\nstatic let bybitSk = "{1}"\n'),
    ("gate", "v.tf", 'variable "gateio_ak" {{\n  type    = string\n  default = "{0}"\n}}\n\nvariable "gateio_sk" {{\n  type    = string\n'
                     '  default = "{1}"\n}}\n'),
    # a plain word behind the part
    ("gate", "a.h", '#define CLIENT_KEY_GATE_MAIN "{0}"\n#define CLIENT_SECRET_GATE_MAIN "{1}"\n'),
    ("mexc", "c.yml", "exchange:\n  id: mxc\n  auth: {{key: '{0}', secret: '{1}'}}\n"),
    # forms
    ("bybit", "page.html", '<h2>Connect Bybit</h2><form><label for="apiKey">API Key</label><input id="apiKey" name="apiKey" type="text" '
                           'value="{0}"><label for="s">Secret</label><input id="s" name="secretKey" type="password" value="{1}"></form>'),
    ("bitmex", "wiki.txt", "h2. BitMEX account\n\n|| Field || Value ||\n| API key | {{{{{0}}}}} |\n| API secret | {{{{{1}}}}} |\n"),
    ("bitmex", "OPS-12.txt", "*Exchange:* BitMEX\n*API Key:* {0}\n*API Secret:* {1}\n*Withdrawals:* off\n"),
    ("bybit", "issue.md", "The bot fails on Bybit.\n\nSteps: set API key to {0} and api secret to {1}, start.\n"),
    ("bybit", "stack.yaml", "Parameters:\n  BybitApiKey:\n    Type: String\n    Default: {0}\n  BybitApiSecret:\n    Type: String\n"
                            "    Default: {1}\n"),
    ("bybit", "vars.yml", "bybit_api_key: !unsafe '{0}'\nbybit_api_secret: !unsafe '{1}'\n"),
    ("bybit", "i.plist", "<key>bybitClaveApi</key>\n<string>{0}</string>\n<key>bybitClaveSecreta</key>\n<string>{1}</string>\n"),
    ("bybit", "ps.txt", "Name                           Value\n----                           -----\n"
                        "API_KEY_BYBIT                  {0}\nSECRET_KEY_BYBIT               {1}\n"),
    ("kucoin", "api.hpp", '  std::string kucoinApiKeey{{"{0}"}};\n  std::string kucoinApiSecert{{"{1}"}};\n  std::string kucoinPassphrase{{"{2}"}};\n'),
    ("threecommas", "chat.txt", "> 3Commas\n> 액세스키:\n> {0}\n> 시크릿키:\n> {1}\n\nok\n"),
]


@pytest.mark.parametrize("number", range(len(CALLED)), ids=[f"{number}-{venue}-{path}" for number, (venue, path, _) in enumerate(CALLED)])
def test_both_parts_are_the_venues_whatever_they_are_called(engine: Engine, number: int) -> None:
    venue, path, template = CALLED[number]
    values = account(venue, number)
    findings, sets = scan(engine, path, template.format(*values))
    wanted = {f"{venue}.{role}" for role, _ in zip(ROLES, values, strict=False)}
    assert {finding.rule for finding in findings} == wanted
    assert [one.complete for one in sets] == [True]


TABLES = [
    ('"Exchange";"3Commas";"Bybit"', '"Key"', '"Secret"', ";", '"'),
    ('"exchange","KuCoin","Bybit"', '"api_key"', '"api_secret"', ",", '"'),
    ("Exchange\tPhemex\tBybit", "Access key", "Secret key", "\t", ""),
]


@pytest.mark.parametrize("number", range(len(TABLES)))
def test_each_column_of_a_table_on_its_side_is_an_account(engine: Engine, number: int) -> None:
    head, key, secret, sign, quote = TABLES[number]
    venues = [{"3commas": "threecommas"}.get(name.strip('"').lower(), name.strip('"').lower()) for name in head.split(sign)[1:]]
    accounts = [account(venue, number) for venue in venues]
    rows = [sign.join([name, *(f"{quote}{values[at]}{quote}" for values in accounts)]) for at, name in enumerate((key, secret))]
    findings, sets = scan(engine, "accounts.csv", "\n".join([head, *rows]) + "\n")
    assert sorted(finding.rule for finding in findings) == sorted(f"{venue}.{role}" for venue in venues for role in ROLES[:2])
    whole = 2 if "kucoin" not in venues else 1  # a KuCoin key asks for its passphrase, too
    assert sum(one.complete for one in sets) == whole


def test_a_secret_called_sec_keeps_its_accounts_name(engine: Engine) -> None:
    """`exchange.x.main.api_sec` lost all before the last dot: the secret of one account made a set with the key of the next."""
    names = ("sub1", "vault", "research")
    accounts = {name: account("tokocrypto", number) for number, name in enumerate(names)}
    text = "".join(f"exchange.tokocrypto.{name}.api_key={key}\nexchange.tokocrypto.{name}.api_sec={secret}\n"
                   for name, (key, secret) in accounts.items())
    findings, sets = scan(engine, "application.properties", text)
    assert len(sets) == 3
    assert all(one.complete for one in sets)
    lines = [sorted(finding.start_line for finding in findings if finding.set_id == one.id) for one in sets]
    assert sorted(lines) == [[1, 2], [3, 4], [5, 6]]


APART = [
    "{0}_MAIN_API_SCHLUESSEL={1}\n{0}_HEDGE_API_SCHLUESSEL={3}\n\n# secrets\n{0}_MAIN_GEHEIMNIS={2}\n{0}_HEDGE_GEHEIMNIS={4}\n",
    "bot --{0}-acct2-key-id {1}\n  --{0}-acct2-key-secret {2}\n  --{0}-fut-key-id {3}\n  --{0}-fut-key-secret {4}\n",
    "bot --{0}-research-api-access-key {1}\n  --{0}-research-api-secret-key {2}\n  --{0}-al-api-access-key {3}\n"
    "  --{0}-al-api-secret-key {4}\n",
    '@{0}_production_public_key "{1}"\n@{0}_production_secret_key "{2}"\n@{0}_al_public_key "{3}"\n@{0}_al_secret_key "{4}"\n',
]


@pytest.mark.parametrize("number", range(len(APART)))
def test_a_label_in_a_name_keeps_the_accounts_name(engine: Engine, number: int) -> None:
    """GEHEIMNIS in X_MAIN_GEHEIMNIS was read as a note's label, and `-secret` of an option as a chat's word: whose it is was lost."""
    first, second = account("bybit", 1), account("bybit", 2)
    findings, sets = scan(engine, "run.sh", APART[number].format("BYBIT" if number == 0 else "bybit", *first, *second))
    assert [one.complete for one in sets] == [True, True]
    lines = sorted(tuple(sorted(finding.start_line for finding in findings if finding.set_id == one.id)) for one in sets)
    assert lines == ([(1, 5), (2, 6)] if number == 0 else [(1, 2), (3, 4)])


QUIET = [
    ("feed.json", '{"e": "executionReport", "tokenAccount": "{{b58*44}}", "p": "1.0"}\n'),
    ("conf.py", "KEYS = os.getenv('PROBIT_API_SCHLUESSEL')\nPROBIT_GEHEIMNIS = os.getenv('PROBIT_GEHEIMNIS')\n"),
    ("settings.py", "secret=my-secret-key\nBYBIT_API_SECRET=YOUR_API_SECRET_GOES_HERE_123456\n"),
    ("autoclave.py", "autoclave = Autoclave('SN-48813-2291', model='enclave-3')\nsegregate = 'Ward 7 and 12'\n"),
]


@pytest.mark.parametrize("number", range(len(QUIET)))
def test_what_only_looks_so_is_quiet(engine: Engine, number: int) -> None:
    path, template = QUIET[number]
    findings, _ = scan(engine, path, expand(template, Random(number)))
    assert [finding.rule for finding in findings if finding.severity >= Severity.MEDIUM] == []


@pytest.mark.parametrize(
    ("name", "meant", "part"),
    [
        (b"clave_secreta", ("key", "secret"), "api-secret"),
        (b"ChaveApi", ("key", "api"), "api-key"),
        (b"apiSecert", ("api", "secret"), "api-secret"),
        (b"BYBITCLIENTSECRET", ("bybit", "client", "secret"), "client-secret"),
        (b"okxapikey", ("okx", "apikey"), "api-key"),
        (b"authpassphrase", ("auth", "passphrase"), "passphrase"),
        (b"monkey", ("monkey",), ""),
        (b"passkey", ("passkey",), ""),
        (b"enclave", ("enclave",), ""),
    ],
)
def test_a_names_words_are_what_is_meant(name: bytes, meant: tuple[str, ...], part: str) -> None:
    assert words(name) == meant
    assert part_of(words(name)) == part


CHAINS = [
    ("extended", 'config :bot, :extended_exchange,\n  api_key: "{0}",\n  stark_key: "{1}"\n'),
    ("paradex", '{{"exchange": "paradex", "stark_key": "{1}"}}\n'),
    ("starknet", "STARK_KEY={1}\n"),
]


@pytest.mark.parametrize("number", range(len(CHAINS)))
def test_a_chains_key_is_the_venues_it_stands_with(engine: Engine, number: int) -> None:
    """`stark_key` names the chain; the exchange that it signs for stands beside it."""
    venue, template = CHAINS[number]
    values = [expand(each, Random(f"{number} stark")) for each in ("{{hex*32}}", "{{gen:stark}}")]
    findings, _ = scan(engine, "settings.exs", template.format(*values))
    assert {finding.rule.partition(".")[0] for finding in findings} == {venue}


def test_what_several_parts_lack_is_said(engine: Engine) -> None:
    """A KuCoin key and its secret are no half each: their passphrase is what is missing."""
    key, secret, _ = account("kucoin")
    findings, (one,) = scan(engine, ".env", f"KUCOIN_API_KEY={key}\nKUCOIN_API_SECRET={secret}\n")
    assert one.missing == ("passphrase",)
    assert {finding.reasons[-1] for finding in findings} == {f"{HALF}: passphrase"}
    lone, _ = scan(engine, ".env", f"KUCOIN_API_SECRET={secret}\n")
    assert lone[0].reasons[-1] == HALF
