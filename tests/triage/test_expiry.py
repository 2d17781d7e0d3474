"""Signed requests: until when a line of a log can be sent again."""

from __future__ import annotations

from calendar import timegm
from random import Random

import pytest

from leakguard.detect.engine import Engine
from leakguard.detect.generate import expand
from leakguard.findings import findings_of
from leakguard.model import Document, Finding, Origin, Severity
from leakguard.triage import expiry
from leakguard.triage.expiry import EXPIRED, PERMANENT, REPLAYABLE, verdict

RNG = Random(5)
KEY, SIGNATURE, MAC = expand("{{alnum*64}} {{hex*64}} {{b64*43}}=", RNG).split()
SENT = timegm((2026, 11, 21, 10, 0, 0))
MS = SENT * 1000


def judge(provider: str, text: str, now: float) -> tuple[str, float] | None:
    data = text.encode()
    at = data.find(KEY.encode())
    found = verdict(provider, data, at, at + len(KEY), now)
    return (found.state, found.until) if found else None


BINANCE = (
    f"DEBUG headers={{'X-MBX-APIKEY': '{KEY}'}} GET /api/v3/account?recvWindow=%s&timestamp={MS}&signature={SIGNATURE}"
)


@pytest.mark.parametrize(("asked", "lasts"), [("5000", 5), ("60000", 60), ("600000", 60), ("", 5)])
def test_the_window_is_read_and_bounded(asked: str, lasts: int) -> None:
    text = BINANCE % asked if asked else (BINANCE % "").replace("recvWindow=&", "")
    assert judge("binance", text, SENT + lasts - 1) == (REPLAYABLE, SENT + lasts)
    assert judge("binance", text, SENT + lasts + 1) == (EXPIRED, SENT + lasts)


@pytest.mark.parametrize(
    ("provider", "text", "lasts"),
    [
        ("okx", f"OK-ACCESS-KEY: {KEY}\nOK-ACCESS-SIGN: {MAC}\nOK-ACCESS-TIMESTAMP: 2026-11-21T10:00:00.123Z\n", 30),
        ("okx", f"-H 'OK-ACCESS-KEY: {KEY}' \\\n -H 'OK-ACCESS-SIGN: {MAC}' \\\n -H 'OK-ACCESS-TIMESTAMP: 2026-11-21T10:00:00Z'", 30),
        ("kucoin", f"{{'KC-API-KEY': '{KEY}', 'KC-API-SIGN': '{MAC}', 'KC-API-TIMESTAMP': '{MS}'}}", 5),
        ("bybit", f"X-BAPI-API-KEY: {KEY}, X-BAPI-TIMESTAMP: {MS}, X-BAPI-RECV-WINDOW: 20000, X-BAPI-SIGN: {SIGNATURE}", 20),
        ("gate", f'{{"KEY": "{KEY}", "Timestamp": "{SENT}", "SIGN": "{SIGNATURE}{SIGNATURE}"}}', 60),
        ("bitmex", f"api-key: {KEY}\napi-expires: {SENT + 7}\napi-signature: {SIGNATURE}\n", 7),
        ("someone", f"key={KEY}&timestamp={MS}&signature={SIGNATURE}", 300),
    ],
)  # fmt: skip
def test_headers_of_venues(provider: str, text: str, lasts: int) -> None:
    assert judge(provider, text, SENT + lasts - 1) == (REPLAYABLE, SENT + lasts)
    assert judge(provider, text, SENT + lasts + 1) == (EXPIRED, SENT + lasts)


def test_without_a_timestamp_it_stays() -> None:
    assert judge("kraken", f"API-Key: {KEY}\nAPI-Sign: {MAC}\n\nnonce={MS}\n", SENT + 10**6) == (PERMANENT, 0)
    assert judge("kraken", f"headers API-Key: {KEY} API-Sign: {MAC}{MAC} nonce={MS}", SENT + 10**6) == (PERMANENT, 0)
    assert judge("binance", f"key={KEY}&signature={SIGNATURE}", SENT) == (PERMANENT, 0)


def test_another_request_says_nothing_of_this_key() -> None:
    text = f"export BINANCE_KEY={KEY}\ncurl 'https://api.binance.com/x?timestamp={MS}&signature={SIGNATURE}'\n"
    assert judge("binance", text, SENT) is None
    assert judge("binance", f"apiKey: '{KEY}', signature: sign(query, secret)", SENT) is None


def test_times_beyond_all_calendars_do_not_break_it() -> None:
    for stamp in ("9" * 10, "9" * 13, "9" * 19, "0" * 13, "2026-99-99T99:99:99Z"):
        found = verdict("binance", f"{KEY}&timestamp={stamp}&signature={SIGNATURE}".encode(), 0, 64, SENT)
        assert found is not None
        assert found.state in (EXPIRED, REPLAYABLE, PERMANENT)


def scan(engine: Engine, text: str) -> list[Finding]:
    data = text.encode()
    return findings_of(engine, Document(data, Origin("file", "bot.log")), engine.scan(data, "bot.log").matches, 1)[0]


def test_the_verdict_is_on_the_key_and_the_signature_is_no_finding(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expiry, "clock", lambda: SENT + 1.0)
    (found,) = scan(engine, BINANCE % "5000")
    assert found.rule == "binance.api-key-header"
    assert dict(found.facts) == {"signed-request": "replayable", "signed-request-until": "2026-11-21T10:00:05Z"}
    assert found.severity == Severity.MEDIUM
    assert "a signed request stands beside it: replayable until 2026-11-21T10:00:05Z" in found.reasons
    monkeypatch.setattr(expiry, "clock", lambda: SENT + 3600.0)
    (later,) = scan(engine, BINANCE % "5000")
    assert dict(later.facts)["signed-request"] == "expired"
    assert later.severity == Severity.LOW
    assert later.fingerprint == found.fingerprint


def test_a_request_without_its_key_is_nothing(engine: Engine) -> None:
    assert scan(engine, f"GET https://api.binance.com/api/v3/account?timestamp={MS}&signature={SIGNATURE} 200\n") == []
