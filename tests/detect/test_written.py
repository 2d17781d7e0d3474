"""Credentials as people write them: the venue and the part are right, the parts of an account make one set."""

from __future__ import annotations

from random import Random

import pytest

from leakguard.detect.engine import Engine
from leakguard.detect.generate import expand
from leakguard.model import CredentialSet, Document, Finding, Origin, Severity
from leakguard.pipeline import findings_of
from leakguard.triage.exposure import HALF

SHAPES = {
    "binance": ("{{alnum*64}}", "{{alnum*64}}"),
    "bybit": ("{{alnum*18}}", "{{alnum*36}}"),
    "gate": ("{{hex*32}}", "{{hex*64}}"),
    "okx": ("{{uuid}}", "{{HEX*32}}", "Corr3ct-Horse"),
    "kucoin": ("65{{hex*22}}", "{{uuid}}", "kc-Pass9f"),
    "kraken": ("{{b64*56}}", "{{b64*85}}Q=="),
    "delta": ("{{alnum*30}}", "{{alnum*60}}"),
    "woo": ("{{b64*21}}w==", "{{uppernum*28}}"),
    "coinbaseexchange": ("{{hex*32}}", "{{b64*85}}Q==", "kd8s0aw1pz3"),
}
ROLES = ("api-key", "api-secret", "passphrase")


def account(venue: str, seed: int = 0) -> list[str]:
    return [expand(shape, Random(f"{venue}{number}{seed}")) for number, shape in enumerate(SHAPES[venue])]


def scan(engine: Engine, path: str, text: str) -> tuple[list[Finding], list[CredentialSet]]:
    data = text.encode()
    return findings_of(engine, Document(data, Origin("file", path)), engine.scan(data, path).matches, 1)


WRITTEN = [
    ("binance", "main.go", 'client := binance.NewClient("{0}", "{1}")'),
    ("binance", "main.go", 'import "github.com/x/go-binance"\n\t_ = futures.NewClient("{0}", "{1}")'),
    ("bybit", "main.go", 'client := bybit.NewClient().WithAuth("{0}", "{1}")'),
    ("binance", "lib.rs", 'let a: Account = Binance::new(Some("{0}".into()), Some("{1}".into()));'),
    ("bybit", "lib.rs", 'const BYBIT_KEY: &str = "{0}";\nstatic BYBIT_SECRET: &\'static str = "{1}";'),
    ("bybit", "P.cs", 'var c = new BybitRestClient(o => o.ApiCredentials = new ApiCredentials("{0}", "{1}"));'),
    ("kucoin", "P.cs", 'o.ApiCredentials = new KucoinApiCredentials("{0}", "{1}", "{2}");'),
    ("binance", "App.java", 'SpotClient c = new SpotClientImpl("{0}",\n    "{1}"); // binance-connector'),
    ("okx", "keys.py", 'KEYS = {{\n    "okx": ("{0}", "{1}", "{2}"),\n}}'),
    ("bybit", "notes.md", "Bybit main account\n\nAPI Key\n{0}\n\nAPI Secret\n{1}\n\nPermissions: Orders"),
    ("binance", "notes.md", "## Binance\n\nAPI Key:\n    {0}\nSecret Key:  \n  {1}\n"),
    ("kucoin", "notes.md", "**KuCoin**\n\n**API Key**\n`{0}`\n\n**API Secret**\n`{1}`\n\n**Passphrase**\n`{2}`\n"),
    ("bybit", "keys.txt", "Bybit\nAPI Key      {0}\nSecret Key   {1}\n"),
    ("gate", "chat.txt", "bob: here are the Gate keys\nkey {0} secret {1}\n"),
    ("delta", "a.py", 'class DeltaHTTP:\n    API_KEY = "{0}"\n    API_SECRET = "{1}"\n'),
    ("woo", "b.py", 'class WooClient(Base):\n    def __init__(self):\n        self.api_key = "{0}"\n'
                    '        self.api_secret = "{1}"\n'),
    ("kraken", "kraken.key", "{0}\n{1}\n"),
    ("kraken", "keys/my_kraken_bot.key", "{0}\r\n{1}"),
    ("coinbaseexchange", "conf.js", "c.gdax.key = '{0}'\nc.gdax.b64secret = '{1}'\nc.gdax.passphrase = '{2}'\n"),
    ("binance", "sa.json", '"config": "{{\\"codeName\\":\\"{0}\\",\\"secret\\":\\"{1}\\"}}", "parentExchange": "binance"'),
    ("gate", "a.php", "$e = new \\ccxt\\gate(array(\n  'apiKey' => '{0}',\n  'secret' => '{1}',\n));"),
    ("gate", "app.log", '{{"msg": "config {{\\"exchange\\": \\"gate\\", \\"apiKey\\": \\"{0}\\", \\"secret\\": \\"{1}\\"}}"}}'),
    ("delta", "p.exs", 'config :bot, :delta,\n  api_key: "{0}",\n  api_secret: "{1}"\n'),
    ("okx", "bot.R", 'okx_key <- "{0}"\nokx_secret <- "{1}"\nokx_passphrase <- "{2}"\n'),
    ("okx", "config.h", '#define OKX_API_KEY "{0}"\n#define OKX_API_SECRET "{1}"\n#define OKX_PASSPHRASE "{2}"\n'),
    ("gate", "m.bas", 'Const GATE_KEY As String = "{0}"\nConst GATE_SECRET As String = "{1}"\n'),
    ("gate", "s.sh", 'gh secret set GATE_API_KEY --body "{0}"\ngh secret set GATE_API_SECRET -b"{1}"\n'),
    ("gate", "s.sh", "aws ssm put-parameter --name /bot/gateio/api_key --type SecureString --value \"{0}\"\n"
                     "aws ssm put-parameter --name /bot/gateio/api_secret --type SecureString --value \"{1}\"\n"),
    ("bybit", "run.py", "p.add_argument('--bybit-key', default='{0}')\np.add_argument('--bybit-secret', default='{1}')\n"),
    ("okx", "KEYS.md", "| exchange | api key | secret | passphrase |\n|---|---|---|---|\n| okx | {0} | {1} | `{2}` |\n"),
    ("okx", ".bash_history", "OKX_API_KEY={0} OKX_SECRET={1} OKX_PASSPHRASE=Moon2024shot python main.py\n"),
    ("bybit", "seiten.md", "## Bybit\n\n密钥 (API Key):\n{0}\n\n密钥 (Secret Key):\n{1}\n"),
    ("bybit", "notes.txt", "Bybit\nAPI ключ {0}\nСекретный ключ {1}\n"),  # noqa: RUF001
]  # fmt: skip


@pytest.mark.parametrize(
    ("venue", "path", "text"), WRITTEN, ids=[f"{v}-{p}-{i}" for i, (v, p, _) in enumerate(WRITTEN)]
)
def test_venue_part_and_set(engine: Engine, venue: str, path: str, text: str) -> None:
    values = account(venue)
    text = text.format(*values)
    findings, sets = scan(engine, path, text)
    got = {(finding.secret or b"").decode(): (finding.provider, finding.part) for finding in findings}
    there = [value for value in values if value in text]
    for value, part in zip(there, ROLES, strict=False):
        assert got.get(value) == (venue, part)
    assert [made.complete for made in sets] == [True]
    assert {finding.set_id for finding in findings} == {sets[0].id}


TWO = [
    ("accounts.json", '[{{"exchange": "okx", "key": "{0}", "secret": "{1}", "passphrase": "{2}"}},\n'
                      ' {{"exchange": "okx", "secret": "{4}", "passphrase": "{5}", "key": "{3}"}}]'),
    (".env", "OKX_KEY_MAIN={0}\nOKX_KEY_SUB={3}\nOKX_SECRET_MAIN={1}\nOKX_SECRET_SUB={4}\nOKX_PASSPHRASE_MAIN={2}\n"
             "OKX_PASSPHRASE_SUB={5}\n"),
    (".env", "OKX_API_KEY_1={0}\nOKX_API_KEY_2={3}\nOKX_API_SECRET_2={4}\nOKX_API_SECRET_1={1}\nOKX_PASSPHRASE_1={2}\n"
             "OKX_PASSPHRASE_2={5}\n"),
    ("a.ini", "[okx-main]\nkey={0}\nsecret={1}\npassphrase={2}\n\n[okx-hedge]\nkey={3}\nsecret={4}\npassphrase={5}\n"),
    ("a.yml", "accounts:\n  - exchange: okx\n    credentials:\n      key: {0}\n      secret: {1}\n      passphrase: {2}\n"
              "  - exchange: okx\n    credentials:\n      key: {3}\n      secret: {4}\n      passphrase: {5}\n"),
    (".env", "SUB1_OKX_KEY={0}\nSUB1_OKX_SECRET={1}\nSUB1_OKX_PASSPHRASE={2}\n# rotated\nMAIN_OKX_KEY={3}\n"
             "MAIN_OKX_SECRET={4}\n\nMAIN_OKX_PASSPHRASE={5}\n"),
    ("a.go", 'a := okx.NewClient("{0}", "{1}", "{2}")\nb := okx.NewClient("{3}", "{4}", "{5}")\n'),
]  # fmt: skip


@pytest.mark.parametrize(("path", "text"), TWO, ids=[f"{p}-{i}" for i, (p, _) in enumerate(TWO)])
def test_two_accounts_are_two_sets(engine: Engine, path: str, text: str) -> None:
    one, two = account("okx"), [*account("okx", 1)[:2], "An0ther-Mule"]
    findings, sets = scan(engine, path, text.format(*one, *two))
    members: dict[str, set[str]] = {}
    for finding in findings:
        members.setdefault(finding.set_id, set()).add((finding.secret or b"").decode())
    assert [made.complete for made in sets] == [True, True]
    assert sorted(map(sorted, members.values())) == sorted(map(sorted, (one, two)))


def test_accounts_of_utf16_are_told_apart_by_name(engine: Engine) -> None:
    """Values that speak for themselves have their names read off the text before them."""
    lines = expand(
        "CRYPTOCOM_SUB_APIKEY={{b58*22}}\nCRYPTOCOM_SUB_SECRET=cxakp_{{b58*22}}\n"
        "CRYPTOCOM_GRID_APIKEY={{b58*22}}\nCRYPTOCOM_GRID_SECRET=cxakp_{{b58*22}}\n",
        Random(13),
    )
    data = lines.encode("utf-16")
    findings, sets = findings_of(engine, Document(data, Origin("file", ".env")), engine.scan(data, ".env").matches, 1)
    assert [made.complete for made in sets] == [True, True]
    ids = [finding.set_id for finding in findings]
    assert ids[0] == ids[1] != ids[2] == ids[3]


def test_a_lone_half_says_so(engine: Engine) -> None:
    (finding,), sets = scan(engine, ".env", f"BINANCE_API_SECRET={account('binance')[1]}\n")
    assert HALF in finding.reasons
    assert finding.severity == Severity.HIGH
    assert sets == []


@pytest.mark.parametrize(
    "text",
    [
        "cacheKey = '{{hex*64}}'  # binance",
        "okx = {'idempotency_key': '{{uuid}}', 'salt': '{{hex*64}}'}",
        'bybit: {"publicKey": "{{alnum*18}}", "verifyingKey": "{{b64*43}}="}',
        "Bybit auth: nonce={{digits*19}} challenge={{uuid}} signature={{hex*64}}",
        "gate: the key to the strategy is patience, the secret is discipline",
        "BINANCE_WALLET={{b58*44}}",
        "see the section API Key\nBinance and others give you a key on this page",
        'orders = {"binance": ("{{digits*12}}", "{{digits*12}}")}',
    ],
)
def test_no_secrets(engine: Engine, text: str) -> None:
    assert scan(engine, "notes.md", expand(text, Random(11)) + "\n")[0] == []
