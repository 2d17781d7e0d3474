"""Test networks and live ones: what is said of the one is not said of the other beside it."""

from __future__ import annotations

from random import Random

import pytest

from leakguard.detect.engine import Engine
from leakguard.detect.generate import expand
from leakguard.findings import findings_of
from leakguard.model import Document, Finding, Origin, Severity
from leakguard.triage.exposure import EVERYWHERE, HALF, TESTED

LIVE, LIVE_SECRET, TEST, TEST_SECRET = expand("{{alnum*18}} {{alnum*36}} {{alnum*18}} {{alnum*36}}", Random(31)).split()
HOST = "https://api-testnet.bybit.com"


def judged(engine: Engine, text: str) -> list[Finding]:
    data = text.encode()
    return findings_of(engine, Document(data, Origin("file", "config")), engine.scan(data, "config").matches, 1)[0]


BOTH = {
    "env, names": f"# live\nBYBIT_KEY={LIVE}\nBYBIT_SECRET={LIVE_SECRET}\n\n# testnet {HOST}\n"
    f"BYBIT_TESTNET_KEY={TEST}\nBYBIT_TESTNET_SECRET={TEST_SECRET}\n",
    "env, comments": f"# bybit main account\nBYBIT_KEY_1={LIVE}\nBYBIT_SECRET_1={LIVE_SECRET}\n"
    f"# testnet\nBYBIT_KEY_2={TEST}\nBYBIT_SECRET_2={TEST_SECRET}\n",
    "paragraphs": f"bybit:\nkey={LIVE}\nsecret={LIVE_SECRET}\n\nbybit, {HOST}:\nkey={TEST}\nsecret={TEST_SECRET}\n",
    "objects": f'{{"bybit": {{"live": {{"key": "{LIVE}", "secret": "{LIVE_SECRET}"}},\n'
    f'"test": {{"url": "{HOST}", "key": "{TEST}", "secret": "{TEST_SECRET}"}}}}}}\n',
    "one line": f'{{"bybit": {{"live": {{"key": "{LIVE}", "secret": "{LIVE_SECRET}", "url": "https://api.bybit.com"}}, '
    f'"test": {{"url": "{HOST}", "key": "{TEST}", "secret": "{TEST_SECRET}"}}}}}}\n',
    "flags": f'live = pybit.HTTP(testnet=False, api_key="{LIVE}", api_secret="{LIVE_SECRET}")\n'
    f'test = pybit.HTTP(testnet=True, api_key="{TEST}", api_secret="{TEST_SECRET}")\n',
    "flags after": f'live = pybit.HTTP(api_key="{LIVE}", api_secret="{LIVE_SECRET}", testnet=False)\n'
    f'test = pybit.HTTP(api_key="{TEST}", api_secret="{TEST_SECRET}", testnet=True)\n',
    "sections": f"[bybit]\nkey = {LIVE}\nsecret = {LIVE_SECRET}\n\n[bybit.testnet]\nkey = {TEST}\nsecret = {TEST_SECRET}\n",
}


@pytest.mark.parametrize("text", BOTH.values(), ids=BOTH)
def test_a_live_key_beside_one_of_a_test_network_stays_live(engine: Engine, text: str) -> None:
    found = {text[f.start_byte : f.end_byte]: f for f in judged(engine, text)}
    assert set(found) >= {LIVE_SECRET, TEST_SECRET}
    tested = {value for value, f in found.items() if "a test network's: no money behind it" in f.reasons}
    assert tested == {TEST, TEST_SECRET} & set(found)
    assert found[LIVE_SECRET].severity >= Severity.HIGH
    assert found[TEST_SECRET].severity == Severity.LOW


ALONE = {
    "host above": f'BASE = "{HOST}"\n\nbybit_key = "{TEST}"\nbybit_secret = "{TEST_SECRET}"\n',
    "host in the call": f'bybit = Client(key="{TEST}", secret="{TEST_SECRET}", urls={{"api": "{HOST}"}})\n',
    "a mode": f'"bybit": {{"sandbox": true,\n "apiKey": "{TEST}",\n "secret": "{TEST_SECRET}"}}\n',
}


@pytest.mark.parametrize("text", ALONE.values(), ids=ALONE)
def test_a_host_or_a_switch_tells_a_test_network(engine: Engine, text: str) -> None:
    found = judged(engine, text)
    assert {text[f.start_byte : f.end_byte] for f in found if f.severity == Severity.LOW} == {TEST, TEST_SECRET}


def test_a_lone_half_of_a_test_network_says_so(engine: Engine) -> None:
    (found,) = judged(engine, f"BYBIT_TESTNET_SECRET={TEST_SECRET}\n")
    assert {TESTED, HALF} <= set(found.reasons)
    assert found.severity == Severity.LOW


def test_a_wallets_key_is_one_on_every_network(engine: Engine) -> None:
    text = expand("HYPERLIQUID_TESTNET_PRIVATE_KEY={{gen:evm_key}}\n", Random(41))
    (found,) = judged(engine, text)
    assert (found.rule, found.severity) == ("hyperliquid.private-key", Severity.CRITICAL)
    assert EVERYWHERE in found.reasons


def test_a_venue_whose_demo_takes_live_keys_has_no_test_keys(engine: Engine) -> None:
    text = expand("# bingx, https://open-api-vst.bingx.com\nBINGX_DEMO_API_KEY={{alnum*84}}\nBINGX_DEMO_API_SECRET={{alnum*84}}\n", Random(43))
    assert [found.severity for found in judged(engine, text)] == [Severity.LOW, Severity.CRITICAL]
    assert not any("test network" in reason for found in judged(engine, text) for reason in found.reasons)


def test_what_to_do_about_a_test_networks_key_is_not_to_move_money(engine: Engine) -> None:
    data = f"BYBIT_TESTNET_KEY={TEST}\nBYBIT_TESTNET_SECRET={TEST_SECRET}\n".encode()
    (made,) = findings_of(engine, Document(data, Origin("file", ".env")), engine.scan(data, ".env").matches, 1)[1]
    assert made.testnet
    assert "test network" in made.steps[0]
    assert not any("withdrawal" in step for step in made.steps)
    assert made.severity == Severity.LOW


def test_a_closed_venues_set_is_of_historical_interest(engine: Engine) -> None:
    data = expand("FTX_API_KEY={{alnum*40}}\nFTX_API_SECRET={{alnum*40}}\n", Random(44)).encode()
    (made,) = findings_of(engine, Document(data, Origin("file", ".env")), engine.scan(data, ".env").matches, 1)[1]
    assert (made.severity, made.complete) == (Severity.LOW, True)
    assert "closed" in made.why
