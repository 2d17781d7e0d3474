"""Credentials in the files that the most people have: settings, tables, notes and clients of venues, with nothing odd about them."""

from __future__ import annotations

from random import Random

import pytest

from leakguard.detect.engine import Engine
from leakguard.detect.generate import expand
from leakguard.findings import findings_of
from leakguard.model import Document, Finding, Origin

SHAPES = {
    "binance": ("{{alnum*64}}", "{{alnum*64}}"),
    "binanceus": ("{{alnum*64}}", "{{alnum*64}}"),
    "bitso": ("{{upper*4}}{{lower*3}}{{upper*3}}", "{{hex*32}}"),
    "blofin": ("{{hex*32}}", "{{hex*32}}", "Kb3-Trellis"),
    "btce": ("{{uppernum*8}}-{{uppernum*8}}-{{uppernum*8}}-{{uppernum*8}}-{{uppernum*8}}", "{{hex*64}}"),
    "bullish": ("HMAC-{{uuid}}", "{{uuid}}"),
    "coinbase": ("{{alnum*16}}", "{{alnum*32}}"),
    "coinone": ("{{uuid}}", "{{uuid}}"),
    "deribit": ("{{alnum*6}}7q", "{{b64u*43}}"),
    "gate": ("{{hex*32}}", "{{hex*64}}"),
    "independentreserve": ("{{uuid}}", "{{hex*32}}"),
    "kraken": ("{{b64*56}}", "{{b64*85}}Q=="),
    "krakenfutures": ("{{b64*56}}", "{{b64*85}}Q=="),
    "kucoin": ("65{{hex*22}}", "{{uuid}}", "kc-Pass9f"),
    "luno": ("{{lower*6}}4{{lower*6}}", "{{b64u*42}}4"),
    "mercadobitcoin": ("{{hex*32}}", "{{hex*64}}"),
    "nicehash": ("{{uuid}}", "{{uuid}}{{uuid}}"),
    "phemex": ("{{uuid}}", "{{b64u*87}}7"),
    "polymarket": ("{{uuid}}", "{{b64*43}}=", "{{hex*64}}"),
    "poloniex": ("{{uppernum*8}}-{{uppernum*8}}-{{uppernum*8}}-{{uppernum*8}}", "{{hex*128}}"),
    "upbit": ("{{alnum*12}}VbS3BHkK{{alnum*20}}", "{{alnum*40}}"),
    "woo": ("{{b64*21}}w==", "{{uppernum*28}}"),
}


def account(venue: str, seed: int = 0) -> list[str]:
    return [expand(shape, Random(f"{venue}/{number}/{seed}")) for number, shape in enumerate(SHAPES[venue])]


def found(engine: Engine, path: str, text: str | bytes) -> list[Finding]:
    data = text.encode() if isinstance(text, str) else text
    return findings_of(engine, Document(data, Origin("file", path)), engine.scan(data, path).matches, 1)[0]


WRITTEN = [
    # a client that is called by its venue's name, and nothing else
    ("gate", "main.py", "from gate import Gate\n\nclient = Gate('{0}', '{1}')\n"),
    ("independentreserve", "main.py", "client = IndependentReserve('{0}', '{1}')\n"),
    ("poloniex", "main.py", "from poloniex import Poloniex\npolo = Poloniex('{0}', '{1}')\n"),
    ("blofin", "main.py", "from blofin import BloFin\nclient = BloFin('{0}', '{1}', '{2}')\n"),
    ("nicehash", "main.py", "from nicehash import NiceHash\nclient = NiceHash('{0}', '{1}')\n"),
    ("polymarket", "main.py", "from polymarket import Polymarket\nclient = Polymarket('{0}', '{1}', '{2}')\n"),
    ("mercadobitcoin", "main.py", "import mercadobitcoin\nclient = mercadobitcoin.TradeApi('{0}', b'{1}')\n"),
    # its key is shorter than other keys
    ("bitso", "main.py", "import bitso\napi = bitso.Api('{0}', '{1}')\n"),
    ("luno", "main.py", "from luno import Luno\nclient = Luno('{0}', '{1}')\n"),
    ("deribit", "main.py", "from deribit import Deribit\nclient = Deribit('{0}', '{1}')\n"),
    ("deribit", "main.json", '"parent": "deribit", "config": "{{\\n    \\"codeName\\": \\"{0}\\",\\n    \\"secret\\": \\"{1}\\"\\n}}"'),
    # which of a library's venues it is
    ("binanceus", "us.py", "from binance.client import Client\nclient = Client('{0}', '{1}', tld='us')\n"),
    ("krakenfutures", "kf.py", 'from kraken.futures import Trade\ntrade = Trade(key="{0}", secret="{1}", sandbox=True)\n'),
    ("woo", "w.py", 'from wootrade import Client\nclient = Client("{0}", "{1}", application_id)\n'),
    # settings
    ("coinbase", ".env", "FREQTRADE__EXCHANGE__NAME=coinbase\nFREQTRADE__EXCHANGE__KEY={0}\nFREQTRADE__EXCHANGE__SECRET={1}\n"),
    ("coinone", "m.py", "api_key = '{0}'\nsecret = '{1}'\n\nexchange = ccxt.coinone({{'apiKey': api_key, 'secret': secret}})\n"),
    ("btce", "variables.tf", 'variable "wex_api_key" {{\n  default = "{0}"\n}}\nvariable "wex_secret" {{\n  default = "{1}"\n}}\n'),
    ("phemex", "p.json", '[{{"key": "phemexId", "value": "{0}", "enabled": true}},\n {{"key": "phemexApiSecret", "value": "{1}"}}]'),
    ("mercadobitcoin", "p.json", '[{{"key": "mbTapiId", "value": "{0}"}},\n {{"key": "mbTapiSecret", "value": "{1}"}}]'),
    ("upbit", "u.py", 'import pyupbit\naccess = "{0}"\nsecret = "{1}"\nupbit = pyupbit.Upbit(access, secret)\n'),
    # notes
    ("binance", "note.txt", "Binance\nAPI Key\uff1a{0}\nSecret Key\uff1a{1}\n"),
    ("binance", "note.txt", "Binance\nAPI密钥\uff1a{0}\n密钥Secret\uff1a{1}\n"),
    ("kucoin", "note.md", "KuCoin\nAPI Key\uff1a{0}\nAPI Secret\uff1a`{1}`\nPassphrase\uff1a{2}\n"),
    # a key file that an editor wrote
    ("kraken", "kraken.key", "\ufeff{0}\r\n{1}\r\n"),
    # what signs, and the header beside it
    ("kucoin", "s.sh", 'S=$(echo -n "$T" | openssl dgst -sha256 -hmac "{1}")\ncurl -H "KC-API-KEY: {0}" https://api.kucoin.com/v1\n'),
    ("bullish", "s.sh", 'S=$(echo -n "$T" | openssl dgst -sha256 -hmac "{1}")\ncurl -H "BX-PUBLIC-KEY: {0}" https://api.exchange.bullish.com/\n'),
]


@pytest.mark.parametrize(("venue", "path", "text"), WRITTEN, ids=[f"{v}-{p}-{i}" for i, (v, p, _) in enumerate(WRITTEN)])
def test_all_of_an_account_is_its_venues(engine: Engine, venue: str, path: str, text: str) -> None:
    parts = account(venue)
    findings = found(engine, path, text.format(*parts))
    named = {finding.secret: finding.provider for finding in findings}
    said = [part for number, part in enumerate(parts) if f"{{{number}}}" in text]
    assert [named.get(part.encode()) for part in said] == [venue] * len(said), [(f.rule, f.secret) for f in findings]
    sets = {finding.set_id for finding in findings if finding.secret in {part.encode() for part in said}}
    assert len(sets) == 1 and all(sets)


SUFFIXED = [
    "PHEMEX_ID{2}={0}\nPHEMEX_SECRET{2}={1}\nPHEMEX_ID{5}={3}\nPHEMEX_SECRET{5}={4}\n",
    "PHEMEX_ID{2}={0}\nPHEMEX_ID{5}={3}\nPHEMEX_SECRET{2}={1}\nPHEMEX_SECRET{5}={4}\n",
]


@pytest.mark.parametrize("text", SUFFIXED, ids=["account by account", "part by part"])
@pytest.mark.parametrize("marks", [("_1", "_2"), ("_ACCOUNT1", "_ACCOUNT2"), ("_MAIN", "_SUB")])
def test_an_id_with_the_mark_of_its_secret_is_its_key(engine: Engine, text: str, marks: tuple[str, str]) -> None:
    first, second = account("phemex"), account("phemex", 1)
    findings = found(engine, ".env", text.format(*first, marks[0], *second, marks[1]))
    sets = {finding.secret: finding.set_id for finding in findings}
    assert set(sets) == {part.encode() for part in first + second}
    for key, secret in (first, second):
        assert sets[key.encode()] == sets[secret.encode()] is not None
    assert sets[first[0].encode()] != sets[second[0].encode()]


PRIVATE = [
    ("hyperliquid", "| Exchange | Private key |\n|---|---|\n| Hyperliquid | {0} |\n"),
    ("hyperliquid", "| Private key | Exchange |\n|:--|:--|\n| `{0}` | Hyperliquid |\n"),
    ("hyperliquid", "| Exchange | Private key |\r\n|---|---|\r\n| Hyperliquid | {0} |\r\n"),
]


@pytest.mark.parametrize(("venue", "text"), PRIVATE)
def test_a_table_may_have_one_column_of_secrets(engine: Engine, venue: str, text: str) -> None:
    key = expand("{{gen:evm_key}}", Random(7))
    assert [(f.provider, f.secret) for f in found(engine, "accounts.md", text.format(key))] == [(venue, key.encode())]


def test_a_deployers_key_needs_no_mark_of_hex(engine: Engine) -> None:
    key = expand("{{gen:evm_key bare}}", Random(7))
    assert [f.rule for f in found(engine, ".env", f"DEPLOYER_KEY={key}\n")] == ["ethereum.account-bare-key"]


def test_a_name_of_two_letters_inside_a_value_names_nobody(engine: Engine) -> None:
    key, secret = account("upbit")
    findings = found(engine, "config.xml", f'<exchange name="upbit">\n  <key>{secret}</key>\n  <secret>{key}</secret>\n</exchange>\n')
    assert {finding.provider for finding in findings} == {"upbit"}


NOTHING = [
    # what is sealed for a cluster only that cluster opens
    "kind: SealedSecret\nspec:\n  encryptedData:\n    BINANCE_API_KEY: AgB{key}\n    BINANCE_SECRET: AgA{key}\n",
    # the name of an entry that a program looks up
    "const client = new ccxt.grvt({{ password: config.get('grvt.passphrase') }});\n",
    # what compilers make of names, and minifiers of code
    "    __pyx_v_api_key = __pyx_t_1;\n    PyDict_SetItem(__pyx_t_3, __pyx_mstate_global->__pyx_kp_u_X_MBX_APIKEY, __pyx_t_6)\n",
    "k={{title:a?`Enter API password`:`v`}}),R=c(()=>F.value?`x`:`y`),password:`}}),H=_(!1),U=_(!1),W=_(null),G=_(`",
    "_ZN7solders7keypair42__pymethod_from_passphrase__17h6bb314880e3c0d62E",
    # what is shown to everybody
    "[![codecov](https://codecov.io/gh/someone/something/branch/main/graph/badge.svg?token=AD5BG3ATKI)](https://codecov.io/)\n",
    "account_key = 'tpub{public}'\n",
    "from eccs import (\n    SLIP10Ed25519PrivateKey,\n    SLIP10Nist256p1PrivateKey, SLIP10Secp256k1ECC,\n)\n",
    "salt = passphrase = \"mnemonic\" + passphrase\n",
    # made up, and seen to be
    "private_key = '0x1234567890abcdef1234567890abcdef1234567890abcdef1234567890abcdef'\n",
    "private_key = \"0x{piece}{piece}{piece}{piece}\"\n",
    "LICENSE_API_TOKEN=revoked-license-token\n",
    # what was signed, and the commit that did it
    "- aevo: fix signing ({commit})\n- foxbit: better signing ({commit})\n",
    # variables in brackets, and columns that are no secrets
    "def sign(secret, algorithm, payload):\n    return digest(secret, algorithm)  # binance\n",
]


@pytest.mark.parametrize("text", NOTHING)
def test_nothing_is_told_of_what_holds_no_secret(engine: Engine, text: str) -> None:
    filled = text.format(key=expand("{{b64*264}}", Random(3)), commit=expand("{{hex*40}}", Random(5)),
                         public=expand("{{b58*107}}", Random(6)), piece=expand("{{hex*16}}", Random(8)))  # fmt: skip
    assert [(f.rule, f.secret) for f in found(engine, "notes.txt", filled)] == []


HIDDEN = expand("{{alnum*40}}", Random("inserted"))
INSERTED = [
    "INSERT INTO users (id, email, api_secret, created_at) VALUES (1, 'a@example.com', '{0}', '2026-01-01');\n",
    "INSERT INTO users (api_secret, id)\nVALUES\n  ('{0}', 1);\n",
    "insert into `users` (`id`, `api_secret`) values (1, '{0}')",
    'INSERT INTO "users" ("id", "api_secret", "note") VALUES (1, \'first\', NULL), (2, \'{0}\', NULL)',
    "COPY public.users (id, api_secret, created_at) FROM stdin;\n1\t{0}\t2026-01-01\n\\.\n",
    "cursor.execute(\"INSERT INTO users (id, api_secret) VALUES (1, '{0}')\")\n",
]


@pytest.mark.parametrize("text", INSERTED)
def test_one_secret_column_of_an_insert(engine: Engine, text: str) -> None:
    """Its head names one credential, so no column of one is given another as its value."""
    (finding,) = found(engine, "notes.md", text.replace("{0}", HIDDEN))
    assert finding.rule == "generic.secret"
    assert finding.start_byte <= text.index("{0}") < finding.end_byte


@pytest.mark.parametrize("row", ["?, ?, ?", "%s, %s, %s", "%(id)s, %(password)s, %(at)s", ":id, :password, :at", "$1, $2, $3", "@id, @password, NOW()"])
def test_no_placeholder_of_an_insert(engine: Engine, row: str) -> None:
    assert not found(engine, "users.py", f'cursor.execute("INSERT INTO users (id, password, at) VALUES ({row})")\n')


def test_no_setting_of_an_insert(engine: Engine) -> None:
    assert not found(engine, "fill.md", "INSERT INTO settings (key, value) VALUES ('retention_days', 'thirtydays');\n")
