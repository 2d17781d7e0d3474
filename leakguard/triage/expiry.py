"""Signed requests in logs, URLs and commands: until when somebody who read one could send it again.

A signature is no secret and is never reported. But a log line that shows a key next to a whole signed request hands out
that one request: where the venue checks a timestamp it is spent after seconds, where there is only a nonce (or nothing)
it is not. The verdict goes to the finding of the key that the request was sent with: a reason in words, and the facts
`signed-request` (expired, replayable or permanent) and `signed-request-until` (UTC).

Pure functions of the text around a finding and the time; never asks a venue. Imported by findings.py.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import NamedTuple

from leakguard.model import Finding, Severity

clock = time.time
"""What time it is; tests put another one in its place."""

SIGNING = frozenset({"exchange", "broker", "dex", "custody", "bot"})
"""Kinds of venues whose requests are signed one by one."""

EXPIRED, REPLAYABLE, PERMANENT = "expired", "replayable", "permanent"


class Window(NamedTuple):
    """How long after its timestamp a venue takes a request, in seconds: unless the request says, and at most."""

    usual: float
    most: float


# Sources: the venues' own API documentation, pages on signing and timing security, as of November 2026.
_KIN = Window(5, 60)
WINDOWS: Mapping[str, Window | None] = {
    **dict.fromkeys((
        "binance", "binanceus", "aster", "mexc", "bingx", "wazirx", "bitrue", "tokocrypto", "backpack",
        "indodax", "pionex", "toobit", "coinsph",
    ), _KIN),
    "bybit": Window(5, 60), "kucoin": Window(5, 5), "kucoinfutures": Window(5, 5), "okx": Window(30, 30),
    "bitget": Window(30, 30), "blofin": Window(60, 60), "gate": Window(60, 60), "htx": Window(300, 300),
    "coinbaseexchange": Window(30, 30), "coinbase": Window(30, 30), "bitvavo": Window(10, 60),
    "bitstamp": Window(150, 150), "woo": Window(300, 300), "coinex": Window(60, 60), "bitmart": Window(60, 60),
    "cryptocom": Window(60, 60), "ascendex": Window(30, 30), "delta": Window(5, 5),
    "weex": Window(30, 30), "paradex": Window(300, 3600),
    # a nonce and no timestamp: what was sent is refused once a later one was seen, what was not is good for ever
    **dict.fromkeys(("kraken", "bitfinex", "gemini", "bitso", "exmo", "zaif", "upbit", "bithumb"), None),
}  # fmt: skip
"""By provider; None where requests carry no timestamp that the venue looks at."""

UNKNOWN = Window(300, 300)
"""Of a venue that is not in the table: longer than any that is known."""

_REACH = 3000
_LINES = 12
_SIGN = re.compile(rb"(?i)sig")
_PAIR = re.compile(
    rb"(?<![A-Za-z0-9])([A-Za-z][A-Za-z0-9_\-]{1,40})\\?[\"']{0,2}[ \t]{0,2}(?:%3[Dd]|[:=,])[ \t]{0,2}\\?[\"']{0,2}"
    rb"([0-9A-Za-z+/%_.:\-]{2,240}={0,2})"
)
_SIGNATURES = ("sign", "signature", "sig", "apisign")
_WINDOWS = ("recvwindow", "xwindow", "accesswindow", "timewindow", "window")
_DEADLINES = ("apiexpires", "requestexpiry", "expires")
_TIMES = ("timestamp", "ts", "tonce")
_ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d)(?::|%3[Aa])(\d\d)(?::|%3[Aa])(\d\d)")
_UNITS = {10: 1.0, 13: 1e-3, 16: 1e-6, 19: 1e-9}
"""Seconds of one tick, by the digits that a time since 1970 has in it."""


class Verdict(NamedTuple):
    """What a signed request is worth. `until` is seconds since 1970, 0 where nothing ends it."""

    state: str
    until: float
    reason: str


def judged(finding: Finding, data: bytes, start: int, end: int, now: float | None = None) -> Finding:
    """A key's finding with the verdict on the request it was sent with, if it stands in one. data[start:end] is the
    key."""
    if finding.part not in ("api-key", "client-id", "access-token") or finding.severity == Severity.INFO:
        return finding
    found = verdict(finding.provider, data, start, end, clock() if now is None else now)
    if found is None:
        return finding
    facts: tuple[tuple[str, str], ...] = (("signed-request", found.state),)
    if found.until:
        facts += (("signed-request-until", _utc(found.until)),)
    severity = finding.severity
    if found.state != EXPIRED:
        severity = max(severity, Severity.MEDIUM)
    return finding._replace(
        facts=(*finding.facts, *facts), reasons=(*finding.reasons, found.reason), severity=Severity(severity)
    )


def verdict(provider: str, data: bytes, start: int, end: int, now: float) -> Verdict | None:
    """What the signed request around data[start:end] is worth at `now`; None if there is none."""
    for low, high in _regions(data, start, end):
        if _SIGN.search(data, low, high) is None:
            continue
        pairs = _pairs(data, low, high)
        if not any(_named(name, _SIGNATURES) and len(value) >= 32 for name, value in pairs):
            continue
        return _verdict(provider, pairs, now)
    return None


def _regions(data: bytes, start: int, end: int) -> list[tuple[int, int]]:
    """Where the request could be: the key's line; then the lines that belong to the same call or list of headers."""
    low, high = max(0, start - _REACH), min(len(data), end + _REACH)
    line = data.rfind(b"\n", low, start) + 1 or low, _or(data.find(b"\n", end, high), high)
    first, last = line
    for _ in range(_LINES):
        before = data.rfind(b"\n", low, max(low, first - 1)) + 1 or low
        if before >= first or not _goes_on(
            data, (before, first - 1), (first, _or(data.find(b"\n", first, high), high))
        ):
            break
        first = before
    for _ in range(_LINES):
        after = _or(data.find(b"\n", last + 1, high), high)
        if after <= last or not _goes_on(data, (data.rfind(b"\n", low, last) + 1 or low, last), (last + 1, after)):
            break
        last = after
    return [line, (first, last)]


_OPEN = re.compile(rb"[\\,({\[][ \t\r]{0,4}\Z")
_HEADER = re.compile(rb"[<>* \t|]{0,8}(?:[A-Za-z][\w\-]{1,40}: ?\S|(?:GET|POST|PUT|DELETE|PATCH) \S)")


def _goes_on(data: bytes, line: tuple[int, int], after: tuple[int, int]) -> bool:
    """Whether what one line begins goes on in the next: a continued command, an open list, headers below each other."""
    if _OPEN.search(data, max(line[0], line[1] - 8), line[1]):
        return True
    return all(_HEADER.match(data, *span) is not None for span in (line, after))


def _or(found: int, otherwise: int) -> int:
    return found if found >= 0 else otherwise


def _pairs(data: bytes, low: int, high: int) -> list[tuple[str, str]]:
    """(name, value) of all that is written like a parameter or a header; names in small letters, nothing between."""
    return [
        (found[1].decode().lower().replace("-", "").replace("_", ""), found[2].decode())
        for found in _PAIR.finditer(data, low, high)
    ]


def _named(name: str, endings: tuple[str, ...]) -> bool:
    return name.endswith(endings)


def _verdict(provider: str, pairs: list[tuple[str, str]], now: float) -> Verdict:
    deadline = _time(pairs, _DEADLINES)
    sent = _time(pairs, _TIMES)
    window = WINDOWS.get(provider, UNKNOWN)
    if deadline:
        until = deadline
    elif window is None:
        return Verdict(
            PERMANENT, 0, "a signed request stands beside it: no timestamp, good until the venue has seen a later nonce"
        )
    elif not sent:
        return Verdict(PERMANENT, 0, "a signed request stands beside it, without a timestamp that would end it")
    else:
        asked = next((value for name, value in pairs if _named(name, _WINDOWS) and value.isdigit()), "")
        seconds = int(asked) / 1000 if 0 < len(asked) < 9 else window.usual
        until = sent + min(seconds, window.most)
    if until < now:
        return Verdict(EXPIRED, until, f"a signed request stands beside it: expired at {_utc(until)}")
    return Verdict(REPLAYABLE, until, f"a signed request stands beside it: replayable until {_utc(until)}")


def _time(pairs: list[tuple[str, str]], endings: tuple[str, ...]) -> float:
    """The time that is given under such a name, in seconds; 0 if none is. Numbers before dates: a log's own time is
    mostly a date, a request's a number."""
    values = [value for name, value in pairs if _named(name, endings)]
    for value in values:
        whole = value.split(".")[0]
        if whole.isdigit() and len(whole) in _UNITS:
            return int(whole) * _UNITS[len(whole)]
    for value in values:
        found = _ISO.match(value)
        if found is not None:
            from datetime import UTC, datetime

            year, month, day, hour, minute, second = (int(number) for number in found.groups())
            try:
                return datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp()
            except ValueError:
                continue  # no day of any calendar
    return 0.0


def _utc(seconds: float) -> str:
    """A time in UTC; the last one there is for times beyond it, which a text can claim."""
    from datetime import UTC, datetime

    return datetime.fromtimestamp(min(seconds, 253_402_300_799), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
