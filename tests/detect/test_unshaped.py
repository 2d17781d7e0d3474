"""A value of no documented form is its venue's, wherever the venue is named for it, and nobody's where it is not."""

from __future__ import annotations

from random import Random

import pytest

from leakguard.detect.engine import Engine
from leakguard.detect.generate import expand
from leakguard.detect.hits import UNDOCUMENTED
from leakguard.detect.prepared import TRADES
from leakguard.findings import findings_of
from leakguard.model import CredentialSet, Document, Finding, Origin, Severity

FORMS = ("{{hex*32}}", "{{alnum*40}}", "{{b64*43}}=", "{{alnum*24}}")
OWN = frozenset({"api-key", "api-secret", "client-id", "client-secret", "access-token", "private-key"})
NAMED = {
    "section.ini": "[{venue}]\nenabled = true\napi_key = {key}\napi_secret = {secret}\n",
    "exchanges.json": '{{"exchanges": {{"{venue}": {{"apiKey": "{key}", "secret": "{secret}", "enableRateLimit": true}}}}}}\n',
    "call.py": 'import ccxt\nexchange = ccxt.{venue}({{\n    "apiKey": "{key}",\n    "secret": "{secret}",\n}})\n',
    "freqtrade.json": '{{\n  "exchange": {{\n    "name": "{venue}",\n    "key": "{key}",\n    "secret": "{secret}"\n  }}\n}}\n',
    "note.txt": "# {venue}\nAPI_KEY={key}\nAPI_SECRET={secret}\n",
    "prefix.env": "{upper}_API_KEY={key}\n{upper}_API_SECRET={secret}\n",
    "{venue}.env": "API_KEY={key}\nAPI_SECRET={secret}\n",
}


def looked(engine: Engine, path: str, text: str) -> tuple[list[Finding], list[CredentialSet]]:
    data = text.encode()
    return findings_of(engine, Document(data, Origin("file", path)), engine.scan(data, path).matches, 1)[:2]


def pair(seed: str) -> tuple[str, str]:
    random = Random(seed)
    return expand("{{alnum*37}}", random), expand("{{alnum*45}}", random)


def test_the_secret_of_every_venue_is_its_own_in_any_form(engine: Engine) -> None:
    missed = []
    able = {rule.provider for rule in engine.ruleset.rules if rule.part in OWN and rule.status == "stable"}
    for venue in engine.ruleset.venues:
        if venue.kind not in TRADES - {"bot"} or venue.provider not in able:
            continue
        for form in FORMS:
            name = venue.provider.upper().replace("-", "_").replace(".", "_")
            value = expand(form, Random(f"{venue.provider}/{form}"))
            told = {one.provider for part in ("KEY", "SECRET") for one in looked(engine, "a.env", f"{name}_API_{part}={value}\n")[0]}
            missed += [(venue.provider, form, sorted(told))] * (venue.provider not in told)
    assert not missed


@pytest.mark.parametrize("path", NAMED)
@pytest.mark.parametrize("venue", ["okx", "kucoin", "bitstamp", "bitmex"])
def test_it_is_named_by_what_it_stands_in(engine: Engine, venue: str, path: str) -> None:
    key, secret = pair(f"{venue}/{path}")
    text = NAMED[path].format(venue=venue, upper=venue.upper(), key=key, secret=secret)
    findings, sets = looked(engine, path.format(venue=venue), text)
    assert {(one.provider, one.part) for one in findings} == {(venue, "api-key"), (venue, "api-secret")}
    assert any(UNDOCUMENTED in one.reasons for one in findings)
    assert {one.provider for one in sets} == {venue}


@pytest.mark.parametrize(
    "text",
    [
        "BINANCE_WEBHOOK_SECRET={secret}\n",  # of something else that is called after it
        "BINANCE_DASHBOARD_JWT_SECRET={secret}\n",
        "OKX_TO_BYBIT_SECRET={secret}\n",  # of two
        "# old notes on kraken\n\n\nSECRET={secret}\n",  # named far off
        "[kucoin]\nbullet_token = {secret}\n",  # a token is many things
        "[session]\nsecret = {secret}\n",
    ],
)
def test_it_is_nobodys_where_no_one_venue_is_named_for_it(engine: Engine, text: str) -> None:
    findings, _ = looked(engine, "app.env", text.format(secret=pair(text)[1]))
    assert [one for one in findings if UNDOCUMENTED in one.reasons] == []
    assert [one.rule.partition(".")[0] for one in findings] == ["generic"]


@pytest.mark.parametrize(
    ("text", "provider"),
    [
        ("TELNYX_API_KEY={{alnum*40}}\n", "telnyx"),  # its only rule is a pattern: nothing but its name tells of it
        ("GITHUB_TOKEN=ghp_{{alnum*36}}\n", "github"),  # the checksum is wrong, or somebody's server is not github.com
        ("gandi:\n  sentry_auth_token: '{{alnum*50}}'\n", "sentry"),
        ("NGROK_AUTHTOKEN={{alnum*60}}\n", "ngrok"),  # a name of its own
        ("const statuspageApiKey = '{{alnum*32}}';\n", "statuspage"),
        ("CIVO_API_TOKEN={{alnum*44}}\n", "civo"),  # whose one key is called either
        ("RAPIDAPI_KEY={{alnum*32}}\n", "rapidapi"),  # what it gives is keys
    ],
)
def test_a_service_is_named_in_the_name_alone(engine: Engine, text: str, provider: str) -> None:
    findings, _ = looked(engine, "app.txt", expand(text, Random(text)))
    assert [(one.provider, UNDOCUMENTED in one.reasons) for one in findings] == [(provider, True)]


@pytest.mark.parametrize(
    "text",
    [
        "# telnyx\nAPI_KEY={{alnum*40}}\n",  # said beside it only
        "TELNYX_TO_SENTRY_KEY={{alnum*40}}\n",  # of two
        "TELNYX_PASSWORD={{alnum*40}}\n",  # no part of its own
        "POSTGRES_PASSWORD=tiger7\n",  # its rule has judged it
        "PGP_PRIVATE_KEY={{alnum*40}}\n",  # a format, which it has not
        'headers = {"X-API-Key": "{{alnum*32}}"}\n',  # everybody's header, and not X's
    ],
)
def test_a_service_is_not_named_around_it(engine: Engine, text: str) -> None:
    findings, _ = looked(engine, "app.txt", expand(text, Random(text)))
    assert [one for one in findings if UNDOCUMENTED in one.reasons] == []
    assert findings or "tiger" in text


@pytest.mark.parametrize("name", ["AWS_API_KEY", "AWS_CLIENT_KEY"])
def test_a_service_lends_no_apps_secret(engine: Engine, name: str) -> None:
    """Of all parts of AWS the secret of Cognito's apps is the nearest kin of a key, and nobody said Cognito."""
    findings, _ = looked(engine, "app.env", expand(name + "={{alnum*36}}\n", Random(name)))
    assert [one.rule for one in findings] != ["aws.cognito-client-secret"]
    assert findings


def test_what_is_no_key_of_the_curve_is_no_wallets(engine: Engine) -> None:
    findings, _ = looked(engine, "app.env", f"SOLANA_PRIVATE_KEY={pair('sol')[0]}\n")
    assert [one.provider for one in findings if one.provider == "solana"] == []


def test_near_misses_are_of_a_form(engine: Engine) -> None:
    """`rules check` holds a rule's form against them, and not the name: KUCOIN_API_KEY of the wrong length is found by its name."""
    findings, _ = looked(engine, "app.env", expand("KUCOIN_API_KEY=f0{{hex*22}}\n", Random(3)))
    assert [(one.rule, UNDOCUMENTED in one.reasons) for one in findings] == [("kucoin.api-key", True)]


def test_two_lines_that_could_be_one_value_are_two(engine: Engine) -> None:
    """Joined they are a value of no form, and each by itself has one."""
    text = expand("GITHUB_TOKEN={{gen:github ghp_}}\nBINANCE_API_KEY={{alnum*64}}\nBINANCE_API_SECRET={{alnum*64}}\n", Random(1))
    findings, sets = looked(engine, ".env", text)
    assert sorted(one.rule for one in findings) == ["binance.api-key", "binance.api-secret", "github.personal-access-token"]
    assert [one.provider for one in sets] == ["binance"]


def test_what_has_not_the_form_is_not_critical_by_itself(engine: Engine) -> None:
    told = {}
    for value in ("{{hex*37}}", "{{alnum*42}}"):
        findings, _ = looked(engine, "app.env", expand(f"CLOUDFLARE_GLOBAL_API_KEY={value}\n", Random(7)))
        told[value] = [(one.rule, one.severity) for one in findings]
    assert told == {"{{hex*37}}": [("cloudflare.global-key", Severity.CRITICAL)], "{{alnum*42}}": [("cloudflare.global-key", Severity.HIGH)]}
