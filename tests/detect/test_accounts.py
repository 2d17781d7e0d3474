"""Accounts as the tools and languages of trading systems hold them: the venue is right, all parts of an account are one set, two
accounts are never crossed."""

from __future__ import annotations

from random import Random

import pytest

from leakguard.detect.engine import Engine
from leakguard.detect.generate import expand
from leakguard.findings import findings_of
from leakguard.model import CredentialSet, Document, Finding, Origin

SHAPES = {
    "alpaca": ("PK{{uppernum*18}}", "{{alnum*40}}"),
    "binance": ("{{alnum*64}}", "{{alnum*64}}"),
    "bitmart": ("{{hex*40}}", "{{hex*64}}", "kc-Pass2041"),
    "bitso": ("hVqRbkTzWm", "{{hex*32}}"),
    "bitvavo": ("{{hex*64}}", "{{hex*128}}"),
    "coinex": ("{{HEX*32}}", "{{HEX*48}}"),
    "copper": ("{{alnum*88}}", "{{hex*64}}"),
    "delta": ("{{alnum*30}}", "{{alnum*60}}"),
    "kucoin": ("65{{hex*22}}", "{{uuid}}", "kc-Pass9f"),
    "luno": ("{{lower*5}}7{{lower*3}}2{{lower*3}}", "{{alnum*42}}7"),
    "mercadobitcoin": ("{{hex*32}}", "{{hex*64}}"),
    "mexc": ("mx0vgl{{alnum*12}}", "{{hex*32}}"),
    "ndax": ("{{hex*32}}", "{{hex*32}}", "{{digits*5}}"),
    "okx": ("{{uuid}}", "{{HEX*32}}", "Corr3ct-Horse"),
    "pionex": ("{{alnum*64}}", "{{hex*64}}"),
    "robinhood": ("rh-api-{{uuid}}", "{{b64*43}}="),
    "toobit": ("{{alnum*64}}", "{{alnum*64}}"),
    "tokocrypto": ("{{alnum*64}}", "{{alnum*64}}"),
    "upbit": ("{{alnum*40}}", "{{alnum*40}}"),
    "xt": ("{{uuid}}", "{{hex*40}}"),
}


def account(venue: str, seed: int = 0) -> list[str]:
    made = [expand(shape, Random(f"{venue}{number}{seed}")) for number, shape in enumerate(SHAPES[venue])]
    return [value.replace("Horse", f"H{seed}rse") for value in made]


def scan(engine: Engine, path: str, text: str) -> tuple[list[Finding], list[CredentialSet]]:
    data = text.encode()
    return findings_of(engine, Document(data, Origin("file", path)), engine.scan(data, path).matches, 1)


def members(findings: list[Finding]) -> list[list[str]]:
    """The values of each set; one that is of none stands alone."""
    out: dict[str, list[str]] = {}
    for number, finding in enumerate(findings):
        out.setdefault(finding.set_id or str(number), []).append((finding.secret or b"").decode())
    return sorted(map(sorted, out.values()))


ONE = [
    # an account that is called primary is no primary key
    ("coinex", ".env", "COINEX_PRIMARY_API_KEY={0}\nCOINEX_PRIMARY_SECRET={1}\n"),
    ("binance", ".env", "BINANCE_PRIMARY_KEY={0}\nBINANCE_PRIMARY_PRIVATE_KEY={1}\n"),
    # what a venue calls its key's two halves
    ("bitvavo", ".env", "BITVAVO_PUBLIC_KEY={0}\nBITVAVO_SECRET={1}\n"),
    ("mercadobitcoin", "M.bas", 'Const MercadoBitcoinId As String = "{0}"\nConst MercadoBitcoinApiSecret As String = "{1}"\n'),
    ("kucoin", "conf.R", 'kucoin_api_key <- "{0}"\nkucoin_secret <- "{1}"\nkucoin_pass <- "{2}"\n'),
    # Vault's table of names and values
    ("alpaca", "vault.txt", "$ vault kv get secret/alpaca\nKey           Value\n---           -----\napi_key_id    {0}\nsecret_key    {1}\n"),
    ("delta", "vault.txt", "$ vault kv get secret/delta\nKey           Value\n---           -----\napi_key       {0}\nprivate_key   {1}\n"),
    # Redis, Clojure and EDN: the passphrase is any word with a digit in it
    ("okx", "redis.txt", 'HSET okx api_key "{0}" api_secret "{1}" pass "{2}"\n'),
    ("xt", "redis.txt", 'HSET xt:main access_key "{0}" api_secret "{1}"\n'),
    ("kucoin", "core.clj", '(def kucoin-api-key "{0}")\n(def kucoin-secret "{1}")\n(def kucoin-passphrase "{2}")\n'),
    ("okx", "conf.edn", '{{:okx {{:api-key "{0}" :secret "{1}" :passphrase "{2}"}}}}\n'),
    ("delta", "conf.edn", '{{:delta {{:api-key "{0}" :api-secret "{1}"}}}}\n'),
    # files that hold nothing but the lines of one account
    ("kucoin", "kucoin.key", "{0}\n{1}\n{2}\n"),
    ("bitso", "bitso.key", "{0}\n{1}\n"),
    ("luno", "luno.key", "{0}\n{1}\n"),
    # venues that are called by a plain word, where it heads what is theirs
    ("delta", "application.conf", 'exchanges {{\n  delta {{\n    api-key = "{0}"\n    secret = "{1}"\n  }}\n}}\n'),
    ("delta", "config.py", "config = {{\n  'Delta futures live': {{\n    'api_key': '{0}',\n    'secret': '{1}',\n  }},\n}}\n"),
    ("copper", "s.yaml", 'metadata:\n  name: copper-credentials\nstringData:\n  apikey: "{0}"\n  secret-key: "{1}"\n'),
    ("delta", "keys.org", "** Delta mm\n:PROPERTIES:\n:API_KEY: {0}\n:API_SECRET: {1}\n:END:\n"),
    # a title, an empty line, and what it is about
    ("toobit", "notes.md", "**Toobit grid**\n\n  - Api key: {0}\n  - Private key: {1}\n"),
    ("toobit", "notes.md", "Notes\n=====\n\nToobit\n------\n\n- Api key: {0}\n- Private key: {1}\n"),
    # options of a command, and fields of a manager of passwords
    ("tokocrypto", "h.txt", "./bot --exchange tokocrypto --api-key {0} --private-key {1}\n"),
    ("binance", "bw.json", '{{"name": "Binance", "fields": [{{"name": "api key", "value": "{0}"}}, '
                           '{{"name": "private key", "value": "{1}"}}]}}'),
    # the column of a table of accounts that a reader has labelled, beside a quoted one
    ("upbit", "a.csv.txt", 'exchange,account,api_access_key,api_secret_key\nupbit,main,api_access_key="{0}","api_secret_key: {1}"\n'),
    # a user's number under the names of several accounts and in other languages
    ("ndax", ".env", "NDAX_API_KEY_SPOT={0}\nNDAX_SECRET_SPOT={1}\nNDAX_USER_ID_SPOT={2}\n"),
    ("ndax", "M.bas", 'Const NdaxKey As String = "{0}"\nConst NdaxSecret As String = "{1}"\nConst NdaxUserId As String = "{2}"\n'),
    ("ndax", "b.plist", "<key>NDAX_API_KEY</key>\n<string>{0}</string>\n<key>NDAX_SECRET</key>\n<string>{1}</string>\n"
                        "<key>NDAX_UID</key>\n<string>{2}</string>\n"),
    # an abbreviation in capitals, and small letters behind it
    ("coinex", "t.m", "% CoinEx\nAPIkey = '{0}';\nAPIsecret = '{1}';\n"),
    # a secret that is called SEC where no quotes are
    ("alpaca", "crontab", "*/5 * * * * EX=alpaca KEY={0} SEC={1} /opt/dca.sh\n"),
    # colons and no blank
    ("kucoin", "accounts.txt", "kucoin:{0}:{1}:{2}\n"),
    # a short venue's constant of an enumeration
    ("xt", "Keys.java", 'public enum Keys {{\n    XT("{0}", "{1}");\n    Keys(String k, String s) {{}}\n}}\n'),
    # what another calls a memo
    ("bitmart", "r.txt", 'HSET bitmart apiKey "{0}" secret "{1}" passphrase "{2}"\n'),
    # a passphrase that is given to a call, and at the end of a sentence
    ("okx", "A.java", 'var b = Exchange.builder().name("okx").apiKey("{0}").apiSecret("{1}").passphrase("{2}1").build();\n'),
    ("okx", "n.txt", "For OKX use key {0} and secret {1}, the passphrase is {2}1.\n"),
    # accounts in one variable, with colons
    ("alpaca", ".env", "ALPACA_ACCOUNTS={0}:{1}\n"),
    ("okx", "conf.yml", 'okx_creds: "{0}:{1}:{2}1"\n'),
    # plain words: between lines of a heading, in a comment of MATLAB's, in tags, in a key of a store, and as the folder of a venue
    ("delta", ".env", "# ==== Delta ====\nAPI_KEY={0}\nAPI_SECRET={1}\n"),
    ("xt", "t.m", "% XT\nAPIkey = '{0}';\nAPIsecret = '{1}';\n"),
    ("luno", "k.plist", "<key>Luno</key><dict>\n<key>apiKey</key><string>{0}</string>\n<key>secretKey</key><string>{1}</string></dict>\n"),
    ("delta", "s.sh", 'etcdctl put /bots/delta/key "{0}"\netcdctl put /bots/delta/secret "{1}"\n'),
    ("delta", "exchanges/delta/config.json", '{{"api_key": "{0}", "api_secret": "{1}"}}\n'),
    ("xt", "services/xt-connector/.env", "API_KEY={0}\nAPI_SECRET={1}\n"),
    # what a messenger's export puts before each line
    ("binance", "c.txt", "[12.03.24, 10:11:02] Tom: here is the Binance key\n[12.03.24, 10:11:09] Tom: {0}\n"
                         "[12.03.24, 10:11:30] Tom: and the secret {1}\n"),
    ("binance", "c.txt", "3/12/24, 10:11 - Tom B: here is the Binance key\n3/12/24, 10:11 - Tom B: {0}\n"
                         "3/12/24, 10:12 - Tom B: and the secret {1}\n"),
]  # fmt: skip


@pytest.mark.parametrize(("venue", "path", "text"), ONE, ids=[f"{v}-{p}-{i}" for i, (v, p, _) in enumerate(ONE)])
def test_all_parts_of_an_account_are_one_set(engine: Engine, venue: str, path: str, text: str) -> None:
    values = account(venue)
    findings, sets = scan(engine, path, text.format(*values))
    given = [value + "1" if f"{{{number}}}1" in text else value for number, value in enumerate(values)]
    assert members(findings) == [sorted(given)]
    assert {finding.provider for finding in findings} == {venue}
    assert [made.complete for made in sets] == [True]


TWO = [
    # lines at the left edge under two headers, whatever marks them
    ("okx", "k.txt", "## Okx main\n* Key: {0}\n- Secret: {1}\n* Passphrase: {2}\n\n## Okx sub\n- Key: {3}\n* Secret: {4}\n- Passphrase: {5}\n"),
    # a name that only a space parts from its value
    ("robinhood", "c.fish", 'set -gx MAIN_ROBINHOOD_API_KEY "{0}"\nset -gx SUB_ROBINHOOD_API_KEY "{2}"\n'
                            'set -gx MAIN_ROBINHOOD_PRIVATE_KEY "{1}"\nset -gx SUB_ROBINHOOD_PRIVATE_KEY "{3}"\n'),
    ("mexc", "t.R", 'mexc.0.api.key <- "{0}"\nmexc.1.api.key <- "{2}"\nmexc.1.api.secret <- "{3}"\nmexc.0.api.secret <- "{1}"\n'),
    ("mexc", "b.plist", "<key>MEXC_TRADING_KEY</key>\n<string>{0}</string>\n<key>MEXC_FUND_KEY</key>\n<string>{2}</string>\n"
                        "<key>MEXC_FUND_SECRET</key>\n<string>{3}</string>\n<key>MEXC_TRADING_SECRET</key>\n<string>{1}</string>\n"),
    # Clojure's names keep the account that they say
    ("toobit", "c.clj", '(def toobit-main-key "{0}")\n(def toobit-sub-key "{2}")\n(def toobit-main-secret "{1}")\n(def toobit-sub-secret "{3}")\n'),
    # a column an account
    ("coinex", "k.txt", ",coinex main,coinex sub\naccessId,{0},{2}\napiSecretKey,{1},{3}\n"),
    ("okx", "k.txt", 'field,okx alice,okx bob\nKey,{0},{3}\nSecret,{1},"{4}"\nPassphrase,{2},{5}\n'),
    ("alpaca", ".env", "ALPACA_ACCOUNTS={0}:{1},{2}:{3}\n"),
    # a secret that is called SEC, and an account's number behind it
    ("alpaca", "m.py", 'KEY = "{0}"  # alpaca\nSEC = "{1}"\nKEY2 = "{2}"  # alpaca, too\nSEC2 = "{3}"\n'),
]  # fmt: skip


@pytest.mark.parametrize(("venue", "path", "text"), TWO, ids=[f"{v}-{p}-{i}" for i, (v, p, _) in enumerate(TWO)])
def test_two_accounts_are_two_sets(engine: Engine, venue: str, path: str, text: str) -> None:
    one, two = account(venue), account(venue, 1)
    findings, sets = scan(engine, path, text.format(*one, *two))
    assert members(findings) == sorted((sorted(one), sorted(two)))
    assert {finding.provider for finding in findings} == {venue}
    assert [made.complete for made in sets] == [True, True]


BETWEEN = [
    # JSON on one line: another object's name says nothing of what is in this one
    '{{"exchanges":[{{"name":"{0}","api":{{"live":true,"credentials":{{"key":"{1}","secret":"{2}"}}}}}},'
    '{{"name":"{3}","api":{{"credentials":{{"key":"{4}","secret":"{5}"}}}}}}]}}',
    # of two names in one paragraph the nearer one
    "# {0} and {3}\nEX1_NAME={0}\nEX1_KEY={1}\nEX1_SECRET={2}\nEX2_NAME={3}\nEX2_KEY={4}\nEX2_SECRET={5}\n",
    # a venue's name is no short key before its secret
    "registerExchange('{0}', '{1}', '{2}');\nregisterExchange('{3}', '{4}', '{5}');\n",
    "{0}:{1}:{2}\n{3}:{4}:{5}\n",
]


@pytest.mark.parametrize(("one", "two"), [("mercadobitcoin", "whitebit"), ("bitvavo", "bitrue"), ("bitstamp", "whitebit"), ("bitrue", "gate")])
@pytest.mark.parametrize("text", BETWEEN)
def test_two_venues_whose_keys_look_alike(engine: Engine, text: str, one: str, two: str) -> None:
    shapes = {"whitebit": ("{{hex*32}}", "{{hex*32}}"), "bitrue": ("{{hex*64}}", "{{hex*64}}"), "gate": ("{{hex*32}}", "{{hex*64}}"),
              "bitstamp": ("{{alnum*32}}", "{{alnum*32}}")}  # fmt: skip
    key, secret = (account(one) if one in SHAPES else [expand(shape, Random(f"{one}{n}")) for n, shape in enumerate(shapes[one])])[:2]
    other = [expand(shape, Random(f"{two}{n}")) for n, shape in enumerate(shapes[two])]
    findings, sets = scan(engine, "accounts.txt", text.format(one, key, secret, two, *other))
    assert members(findings) == sorted((sorted((key, secret)), sorted(other)))
    assert sorted(finding.provider for finding in findings) == sorted((one, one, two, two))
    assert [made.complete for made in sets] == [True, True]


def test_a_passphrase_behind_empty_cells(engine: Engine) -> None:
    """Of a table whose columns are venues, only some of which ask for one."""
    one, two = account("mexc"), account("kucoin")
    text = f"field,mexc,kucoin\nkey,{one[0]},{two[0]}\nsecret,{one[1]},{two[1]}\npassphrase,,{two[2]}\n"
    assert members(scan(engine, "k.csv", text)[0]) == sorted((sorted(one), sorted(two)))


def test_what_misses_its_half_is_not_joined_to_the_next_document(engine: Engine) -> None:
    """The parts of two Secrets in one file: a name without a number, where the others of its account have one."""
    one, two = account("okx"), account("okx", 1)
    text = (
        f"name: okx-1\ndata:\n  API_KEY: {one[0]}\n  OKX_1_SECRET: {one[1]}\n  OKX_1_PASSPHRASE: {one[2]}\n---\n"
        f"name: okx-2\ndata:\n  OKX_2_API_KEY: {two[0]}\n  OKX_2_SECRET: {two[1]}\n  PASSPHRASE: {two[2]}\n"
    )
    findings, _ = scan(engine, "s.yaml", text)
    for group in members(findings):
        assert set(group) <= set(one) or set(group) <= set(two)


def test_private_keys_between_them_do_not_part_what_has_one_name(engine: Engine) -> None:
    """Keys first, then secrets of 1,700 bytes: the last pair is 3,500 bytes apart."""
    keys = [expand("{{alnum*64}}", Random(number)) for number in range(3)]
    secrets = [expand("{{gen:pem}}", Random(number)).replace("\n", "\\n") for number in range(3)]
    names = ("london", "tokyo", "york")
    text = "".join(f'binance_{name}_api_key = "{key}"\n' for name, key in zip(names, keys, strict=True))
    text += "".join(f'binance_{name}_secret_key = "{secret}"\n' for name, secret in zip(names, secrets, strict=True))
    findings, sets = scan(engine, "k.py", text)
    assert [made.complete for made in sets] == [True] * 3
    for name, key in zip(names, keys, strict=True):
        at = next(finding for finding in findings if finding.secret == key.encode())
        other = next(f for f in findings if f.set_id == at.set_id and f is not at)
        assert text.split("\n")[other.start_line - 1].startswith(f"binance_{name}_secret")


QUIET = [
    "verifying key: {{b64*43}}=\nfingerprint SHA256:{{b64*43}}\n",
    "export LISTENKEY={{alnum*60}}\n",
    '{"_id": {"$oid": "5f{{hex*22}}"}, "exchange": "bitflyer", "order": "{{hex*32}}"}\n',
    "name,binance main,binance sub\nkey_id,{{digits*5}},{{digits*5}}\n",
    "primary_key = '{{HEX*32}}'  # of the table of coinex\n",
    "Delta build\nrevision: {{alnum*30}}\n",
    "binance:transactions:0x{{hex*64}}\nbinance:orders:{{uuid}}\nkucoin:ticker:{{hex*40}}\n",
    "ACCOUNTS=sha256:{{hex*64}}\nPAIRS=BTC-USDT:ETH-USDT,XRP-USDT:TRX-USDT\n",
    "timeout SEC=30 SEC2=1700000000000000000\n",
]


@pytest.mark.parametrize("text", QUIET)
def test_no_secrets(engine: Engine, text: str) -> None:
    assert scan(engine, "notes.txt", expand(text, Random(3)))[0] == []


def test_a_documents_id_beside_a_secret_is_no_key(engine: Engine) -> None:
    _, secret = account("pionex")
    text = expand(f'{{"_id": {{"$oid": "{{{{alnum*40}}}}"}}, "exchange": "pionex", "secret": "{secret}"}}\n', Random(1))
    findings, _ = scan(engine, "x.jsonl", text)
    assert [finding.secret for finding in findings] == [secret.encode()]
