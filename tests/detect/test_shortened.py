"""Keys as people shorten and tabulate them: the venue is right, two accounts are never crossed, a list of transfers is none."""

from __future__ import annotations

from random import Random

import pytest

from leakguard.detect.engine import Engine
from leakguard.detect.generate import expand
from leakguard.detect.naming import short_for
from leakguard.findings import findings_of
from leakguard.model import CredentialSet, Document, Finding, Origin
from leakguard.triage.exposure import HALF

SHAPES = {
    "binance": ("{{alnum*64}}", "{{alnum*64}}"),
    "bitmart": ("{{hex*40}}", "{{hex*64}}"),
    "bittrex": ("{{hex*32}}", "{{hex*32}}"),
    "bithumb": ("{{hex*32}}", "{{hex*32}}"),
    "deribit": ("{{alnum*9}}1", "{{alnum*42}}7"),
    "gate": ("{{hex*32}}", "{{hex*64}}"),
    "hashkey": ("{{alnum*64}}", "{{alnum*64}}"),
    "kucoin": ("65{{hex*22}}", "{{uuid}}"),
    "pionex": ("{{hex*64}}", "{{hex*64}}"),
    "xt": ("{{uuid}}", "{{hex*40}}"),
}


def values(venue: str, seed: int = 0) -> list[str]:
    return [expand(shape, Random(f"{venue}{number}{seed}")) for number, shape in enumerate(SHAPES[venue])]


def scan(engine: Engine, path: str, data: bytes) -> tuple[list[Finding], list[CredentialSet]]:
    return findings_of(engine, Document(data, Origin("file", path)), engine.scan(data, path).matches, 1)


WRITTEN = [
    ("bitmart", "start.bat", "rem Bitmart 交易密钥\nset BTM_API_SECRET={1}\nset BTM_ACCESS_KEY_ID={0}\n"),
    ("deribit", "b.yml", "# chaves da Deribit\nDRB_CLIENT_ID: '{0}'\nDRB_API_SECRET: \"{1}\"\n"),
    ("binance", ".env", "# Binance\nBNB_KEY_ID='{0}'\nBNB_SECRET='{1}'\n"),
    ("kucoin", "c.go", 'var c = &Config{{\n\tExchange: "Kucoin",\n\tApiKey: "{0}",\n\tSecKey: "{1}",\n}}\n'),
    ("kucoin", "c.ini", "[kucoin]\npub-key\t=\t{0}\nsec-key\t=\t{1}\n"),
    ("kucoin", "c.xml", '<accounts>\n  <account exchange="Kucoin" pubKey="{0}" apiSec="{1}" />\n</accounts>\n'),
    ("gate", "main.tf", 'variable "gate_api_key_id" {{\n  default = "{0}"\n}}\nvariable "gate_api_sec" {{\n  default = "{1}"\n}}\n'),
    ("bithumb", "a.rb", 'CONFIG = {{ bithumb: {{ :connect_key => "{0}", :secret_access_key => "{1}" }} }}\n'),
    ("pionex", "a.py", "KEYS = {{\n    'pionex': {{'api_key_id': \"{0}\", 'priv_key': \"{1}\"}},\n}}\n"),
    ("xt", "x.env", "XT_API_KEY={0}\nXT_PRIV_KEY={1}\n"),
]


@pytest.mark.parametrize(("venue", "path", "text"), WRITTEN, ids=[f"{venue}-{path}" for venue, path, _ in WRITTEN])
def test_shortened_names_are_read_as_the_part_and_the_venue(engine: Engine, venue: str, path: str, text: str) -> None:
    own = values(venue)
    findings, sets = scan(engine, path, text.format(*own).encode())
    found = {finding.provider for finding in findings}
    assert found == {venue}
    assert len(findings) == 2
    assert len(sets) == 1


def test_a_table_in_utf_16_is_read_by_its_rows(engine: Engine) -> None:
    key, secret = values("hashkey")
    text = f"exchange\taccount\tKey\tSecret\tcreated\nhashkey\t1\t{key}\t{secret}\t2024-01-05\n"
    findings, sets = scan(engine, "keys.tsv", text.encode("utf-16"))
    assert {finding.rule for finding in findings} == {"hashkey.api-key", "hashkey.api-secret"}
    assert len(sets) == 1


@pytest.mark.parametrize(
    ("word", "provider", "is_short"),
    [
        ("btm", "bitmart", True), ("drb", "deribit", True), ("dcx", "coindcx", True), ("bnb", "binance", True),
        ("coinglass", "gate", False), ("okx", "binance", False), ("eth", "bitstamp", False), ("binance", "binance", False),
    ],
)  # fmt: skip
def test_how_names_of_venues_are_shortened(word: str, provider: str, is_short: bool) -> None:
    assert short_for(word, provider) is is_short


def test_two_accounts_in_fields_of_xml_are_not_crossed(engine: Engine) -> None:
    rng = Random(5)
    own = [(expand("{{b58*22}}", rng), "cxakp_" + expand("{{b58*22}}", rng)) for _ in range(2)]
    rows = "\n".join(
        f'  <string name="cryptocom_api_key_{mark}">{key}</string>\n  <string name="cryptocom_api_secret_{mark}">{secret}</string>'
        for mark, (key, secret) in zip("ab", own, strict=True)
    )
    data = f"<resources>\n{rows}\n</resources>\n".encode()
    findings, sets = scan(engine, "strings.xml", data)
    assert len(sets) == 2
    for key, secret in own:
        members = {
            finding.set_id for finding in findings if data[finding.start_byte : finding.end_byte].decode() in (key, secret)
        }
        assert len(members) == 1


def test_the_key_of_another_object_speaks_for_that_one(engine: Engine) -> None:
    secret = expand("{{alnum*45}}", Random(4))
    text = f'{{"gate": {{"fee": 0.1, "pairs": ["BTC"]}}, "Elsewhere": {{"fee": 0.1, "secret": "{secret}"}}}}'
    findings, _ = scan(engine, "config.json", text.encode())
    assert [finding.provider for finding in findings] == ["generic"]


NO_SECRETS = [
    ("withdrawals.csv", "exchange,asset,address,txid,status\nbitget,BTC,bc1q{{lower*30}},{{hex*64}},ok\nbitget,TRX,T{{b58*33}},{{hex*64}},ok\n"),
    ("seed.py", "INVALID_STELLAR_SECRET = 'SA{{b32*54}}'\n"),
    ("seed.py", "INVALID_SUI_KEY = 'suiprivkey1{{lower*59}}'\n"),
    ("seed.py", "INVALID_EOS_KEY = 'PVT_K1_{{b58*50}}'\n"),
    ("app.config", '<add key="BitflyerApiSecretKey" value="{{placeholder}}" />\n'),
]


@pytest.mark.parametrize(("path", "text"), NO_SECRETS, ids=[text[:24] for _, text in NO_SECRETS])
def test_what_is_paid_and_what_no_checksum_proves_is_no_secret(engine: Engine, path: str, text: str) -> None:
    filled = expand(text.replace("{{placeholder}}", "your_secret_here"), Random(7))
    assert scan(engine, path, filled.encode())[0] == []


def test_an_order_in_a_dump_is_nobodys_key(engine: Engine) -> None:
    key, secret = values("gate")
    ident = expand("{{hex*32}}", Random(3))
    text = f"[exchange_accounts]\nexchange: gate\napi_key: {key}\napi_secret: {secret}\n[orders]\nid: 7\nclient_id: {ident}\n"
    findings, _ = scan(engine, "rows.txt", text.encode())
    assert len(findings) == 2


def test_a_lone_half_of_a_closed_venue_says_so(engine: Engine) -> None:
    findings, _ = scan(engine, ".env", f"BITTREX_API_SECRET={values('bittrex')[1]}\n".encode())
    assert [finding.rule for finding in findings] == ["bittrex.api-secret"]
    assert HALF in findings[0].reasons
    assert any("closed" in reason for reason in findings[0].reasons)
