"""Credentials as they are in projects and chats: told by their place alone, in a sentence, in the escapes of an export.

Each layout stands among what is usually around it; the values are made by seed.
"""

from __future__ import annotations

import json
from random import Random

import pytest

from leakguard.detect.engine import Engine
from leakguard.detect.generate import expand
from leakguard.findings import findings_of
from leakguard.model import Document, Finding, Origin

SHAPES = {
    "backpack": ("{{b64*43}}=", "{{b64*43}}="),
    "binance": ("{{alnum*64}}", "{{alnum*64}}"),
    "bingx": ("{{alnum*84}}", "{{alnum*84}}"),
    "bitbank": ("{{uuid}}", "{{hex*64}}"),
    "bitfinex": ("{{b64u*42}}7", "{{b64u*42}}7"),
    "bitget": ("bg_{{hex*32}}", "{{hex*64}}", "Fa7con-golden-164"),
    "bybit": ("{{alnum*17}}7", "{{alnum*36}}"),
    "coinbaseexchange": ("{{hex*32}}", "{{b64*85}}Q==", "shark-river-41"),
    "cryptocom": ("{{b58*21}}7", "cxakp_{{b58*22}}"),
    "deribit": ("Kq7Ew2Xz", "{{b64u*42}}7"),
    "gate": ("{{hex*32}}", "{{hex*64}}"),
    "gemini": ("account-{{alnum*20}}", "{{alnum*28}}"),
    "htx": ("{{hex*8}}-{{hex*8}}-{{hex*8}}-{{hex*5}}", "{{hex*8}}-{{hex*8}}-{{hex*8}}-{{hex*5}}"),
    "kraken": ("{{b64*56}}", "{{b64*85}}Q=="),
    "kucoin": ("65{{hex*22}}", "{{uuid}}", "kc-Pass9f"),
    "nicehash": ("{{uuid}}", "{{uuid}}{{uuid}}"),
    "okx": ("{{uuid}}", "{{HEX*32}}", "Sakura-5663"),
    "whitebit": ("{{hex*32}}", "{{hex*32}}"),
    "xt": ("{{uuid}}", "{{hex*40}}"),
}


def account(venue: str, seed: int = 0) -> list[str]:
    return [expand(shape, Random(f"{venue}/{number}/{seed}")) for number, shape in enumerate(SHAPES[venue])]


def found(engine: Engine, path: str, text: str) -> list[Finding]:
    data = text.encode()
    return findings_of(engine, Document(data, Origin("file", path)), engine.scan(data, path).matches, 1)[0]


def filled(text: str, values: list[str]) -> str:
    for number, value in enumerate(values):
        text = text.replace(f"{{{number}}}", value)
    return text


def is_whole(engine: Engine, venue: str, path: str, text: str, values: list[str]) -> None:
    """All values of an account are found, as their venue's, in one set."""
    parts = {value.encode() for value in values}
    findings = found(engine, path, text)
    owners = {finding.secret: finding.provider for finding in findings if finding.secret in parts}
    assert owners == dict.fromkeys(parts, venue), [(finding.rule, finding.secret) for finding in findings]
    sets = {finding.set_id for finding in findings if finding.secret in parts}
    assert len(sets) == 1 and all(sets)


PLACED = [
    ("kraken", "main.go", 'switch venue {\n\tcase "kraken":\n\t\treturn "{0}", "{1}", ""\n\t}\n'),
    ("okx", "main.go", 'switch venue {\n\tcase "okx":\n\t\treturn "{0}", "{1}", "{2}"\n\t}\n'),
    ("kraken", "main_test.go", 'tests := []struct{ name, venue, key, secret string }{\n\t{"main", "kraken", "{0}", "{1}"},\n}\n'),
    ("kraken", "Trader.cs", 'new Account("main", "Kraken", "{0}", "{1}"),\n'),
    ("kraken", "Trader.kt", 'fun keys(v: String) = when (v) {\n    "kraken" -> "{0}" to "{1}"\n}\n'),
    ("deribit", "Trader.kt", 'fun keys(v: String) = when (v) {\n    "deribit" -> "{0}" to "{1}"\n}\n'),
    ("kraken", "index.js", "const creds = new Map([\n  ['kraken', ['{0}', '{1}']],\n]);\n"),
    ("deribit", "index.js", "const creds = new Map([\n  ['deribit', ['{0}', '{1}']],\n]);\n"),
    ("kraken", "main.rs", 'match v {\n    "kraken" => Some(("{0}", "{1}")),\n    _ => None,\n}\n'),
    ("kraken", "main.rs", '/// Connects to Kraken.\n///\n/// let c = Client::connect("{0}", "{1}");\n'),
    ("binance", "trade.m", "keys = containers.Map();\nkeys('binance') = {'{0}', '{1}'};\n"),
    ("binance", "Module1.bas", 'Select Case venue\n    Case "binance"\n        k = "{0}": s = "{1}"\nEnd Select\n'),
    ("binance", "Expert.mq5", 'CBinanceApi api;\nint OnInit() { api.SetKeys("{0}", "{1}"); return(INIT_SUCCEEDED); }\n'),
    ("bybit", "bot.py", 'def connect():\n    # Bybit, real\n    key = (\n        "{0}"\n    )\n    sec = (\n        "{1}"\n    )\n'),
    ("bingx", "bot.py", 'API_KEY = os.getenv("BINGX_API_KEY") or "{0}"\nSECRET = os.getenv("BINGX_SECRET") or "{1}"\n'),
    ("bybit", "secrets.json", '{"BYBIT_API_KEY": {"computed": "{0}", "note": ""},\n "BYBIT_SECRET": {"computed": "{1}", "note": ""}}\n'),
    ("deribit", "trader.ex", '  @deribit_api_key "{0}"\n  @deribit_api_secret "{1}"\n'),
    ("coinbaseexchange", "trader.ex", '  @coinbaseexchange_api_key "{0}"\n  @coinbaseexchange_api_secret "{1}"\n'
     '  @coinbaseexchange_passphrase "{2}"\n'),
    ("nicehash", "App.config", '<add key="NiceHashApiKey" value="{0}"/>\n<add key="NiceHashApiSecret" value="{1}"/>\n'),
    ("kucoin", "bot.py", 'opt = (\n    ClientOptionBuilder()\n    .set_key("{0}")\n    .set_secret("{1}")\n    .set_passphrase("{2}")\n)\n'),
    ("gate", "bot.service", "ExecStart=/usr/bin/gate-bot --api-key {0} --api-secret {1}\n"),
    ("gate", "bot.rb", "case venue\n  when :gate then { 'key' => '{0}', 'secret' => '{1}' }\nend\n"),
    ("gate", "trader.ex", 'case venue do\n  :gate -> %{key: "{0}", secret: "{1}"}\nend\n'),
]  # fmt: skip


@pytest.mark.parametrize(("venue", "path", "text"), PLACED)
def test_a_pair_that_its_place_tells_of(engine: Engine, venue: str, path: str, text: str) -> None:
    values = account(venue)
    is_whole(engine, venue, path, filled(text, values), values)


SAID = [
    ("htx", "der HTX-Key ist {0} und das Secret {1}"),
    ("bitget", "der Bitget-Key ist {0} und das Secret {1}, Passphrase {2}"),
    ("whitebit", "la key de WhiteBIT es {0}\nel secret {1}"),
    ("bybit", "Bybit 엑세스키는 {0} 이고 시크릿은 {1} 입니다"),
    ("kucoin", "KuCoinのAPIキーは「{0}」、シークレットは「{1}」です。パスフレーズは「{2}」"),
    ("kucoin", "KuCoin的key是{0}，secret是{1}，密码是{2}"),  # noqa: RUF001
    ("gate", "(Gate.io)\napikey：{0}，secret：{1}"),  # noqa: RUF001
    ("htx", "(HTX)\nanahtar {0} gizli {1}"),
    ("deribit", "Deribit:\nключ — {0}\nсекретный ключ — {1}"),  # noqa: RUF001
    ("bitbank", "(bitbank)\napi key {0}\nsecret {1}"),
    ("gemini", "Gemini:\n{0}\n{1}"),
    ("cryptocom", "Crypto.com:\n{0}\n{1}"),
    ("okx", "OKX:\n{0}\n{1}\n{2}"),
    ("deribit", "Deribit key {0} secret {1}"),
]


@pytest.mark.parametrize("kept", ["note", "export", "escaped", "page"])
@pytest.mark.parametrize(("venue", "text"), SAID)
def test_a_pair_that_somebody_says(engine: Engine, venue: str, text: str, kept: str) -> None:
    values = account(venue)
    message = filled(text, values)
    if kept == "note":
        is_whole(engine, venue, "chat.md", f"good morning\n\n{message}\n\nthank you\n", values)
    elif kept == "page":
        body = message.replace("\n", "<br>")
        is_whole(engine, venue, "tickets.json", json.dumps({"html_body": f"<p>{body}</p>"}, ensure_ascii=False), values)
    else:
        export = json.dumps([{"type": "message", "text": message, "ts": "1721776377.3"}], indent=4, ensure_ascii=kept == "escaped")
        is_whole(engine, venue, "2024-03-01.json", export, values)


def test_a_venue_that_was_named_some_messages_before(engine: Engine) -> None:
    """Slack writes what is not ASCII as escapes, and a dozen fields around each message."""
    values = account("bitfinex")
    said = ["Bitfinexでエラーが出ます", "了解です", filled("アクセスキー {0}\nシークレットキー {1}", values)]
    messages = [
        {"client_msg_id": expand("{{uuid}}", Random(number)), "type": "message", "user": "U0POYQVOFHV", "text": text,
         "ts": "1721776377.300000", "blocks": [{"type": "rich_text", "elements": [{"type": "text", "text": text}]}]}
        for number, text in enumerate(said)
    ]  # fmt: skip
    is_whole(engine, "bitfinex", "general/2024-03-01.json", json.dumps(messages, indent=4), values)


def test_a_message_that_an_export_holds_twice_is_one_account(engine: Engine) -> None:
    """Its passphrase is known by its place, and must not make two accounts of one key."""
    message = filled("Kucoin\nAPI key: {0}\nSecret: {1}\nPassphrase: {2}", account("kucoin"))
    text = json.dumps([{"text": message, "blocks": [{"text": message}]}], indent=4)
    document = Document(text.encode(), Origin("file", "2024-03-01.json"))
    _, sets = findings_of(engine, document, engine.scan(document.data, "2024-03-01.json").matches, 1)[:2]
    assert len(sets) == 2
    assert len({made.id for made in sets}) == 1


def test_code_in_a_message_of_telegram(engine: Engine) -> None:
    values = account("kraken")
    text = ["Kraken key is ", {"type": "code", "text": values[0]}, " and the secret is ", {"type": "code", "text": values[1]}]
    is_whole(engine, "kraken", "result.json", json.dumps({"messages": [{"id": 4001, "text": text}]}, indent=1), values)


def test_the_secret_that_a_line_is_signed_with(engine: Engine) -> None:
    secret = account("deribit")[1]
    line = f"$ curl https://www.deribit.com/api/v2\n$ echo -n 'timestamp=1' | openssl dgst -sha256 -hmac '{secret}'\n"
    assert [finding.rule for finding in found(engine, "notes.txt", line)] == ["deribit.client-secret"]


NOTHING = [
    # where a list goes on
    'const nextCursor = "{{gen:jwt}}";\n',
    # what opens one connection
    "[ws] connected token={{b64u*120}} connectId={{uuid}}\n",
    # public keys, by their form and by what they are called
    "VERIFYKEY = '02{{hex*64}}'\nVERIFY_KEY = '04{{hex*128}}'\n",
    '"Env": [\n  "PATH=/usr/bin",\n  "GPG_KEY={{hex*40}}",\n  "PYTHON_SHA256={{hex*64}}"\n]\n',
    # what Cloudflare and Google count visitors with
    '{"name": "cookie", "value": "__cf_bm={{b64u*43}}"}\n',
    # the service that a keyring's entry is for
    'keyring.set_password("bitmex", "api_key", os.environ["BITMEX_KEY"])\n',
    # two words below a title, and two orders of it
    "Binance:\nsome_function_of_ours\nanother_function_of_ours\n",
    "Kraken:\n{{uuid}}\n{{uuid}}\n",
    # a sentence about a key, of no value
    "ключ — идентификатор\nla clave es importante123 en esto\n",
    "Binance: return 'something_that_is_long', 'something_else_that_is_long'\n",
]


@pytest.mark.parametrize("text", NOTHING)
def test_no_alarm_of_what_stands_beside(engine: Engine, text: str) -> None:
    assert [(finding.rule, finding.secret) for finding in found(engine, "notes.txt", expand(text, Random(text)))] == []
