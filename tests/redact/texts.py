"""What the tests of redaction share: secrets from a seed, log lines around them."""

from __future__ import annotations

from random import Random

from leakguard.detect.generate import expand


def secret(seed: int, template: str = "{{alnum*40}}") -> str:
    return expand(template, Random(seed))


def clean_lines(seed: int, count: int) -> list[bytes]:
    """Lines of a trading bot's log without any secret."""
    random = Random(seed)
    made = []
    for number in range(count):
        price = random.randrange(10_000, 90_000)
        made.append(random.choice((
            f"2026-11-21 11:41:{number % 60:02},123 INFO freqtrade.worker - Bot heartbeat. PID=4123, state='RUNNING'",
            f"2026-11-21 11:41:{number % 60:02} DEBUG ccxt - GET https://api.binance.com/api/v3/depth?symbol=BTCUSDT&limit=5",
            f'{{"level": "info", "event": "order_filled", "order_id": {random.randrange(10**12)}, "price": "{price}.5"}}',
            f"order {random.randrange(10**9)} filled {price}.{random.randrange(100)} fee 0.1% maker=True retries=3",
            "Traceback (most recent call last):",
            f"\x1b[32mINFO\x1b[0m connected in {random.randrange(100)} ms",
            f"12%\r{random.randrange(100)}%\rdone \xff\xfe".encode("latin-1").decode("latin-1"),
        )).encode("latin-1") + b"\n")  # fmt: skip
    return made


def leaky_lines(seed: int) -> list[tuple[bytes, bytes]]:
    """(line, secret in it) of what log lines leak, one of each kind."""
    key, sign, short = secret(seed), secret(seed + 1, "{{hex*64}}"), secret(seed + 2, "{{alnum*18}}")
    token = secret(seed + 3, "{{digits*10}}:AA{{alnum*33}}")
    rows = (
        (f"GET https://api.binance.com/api/v3/account?timestamp=17&signature={sign} HTTP/1.1", sign),
        (f"headers {{'X-MBX-APIKEY': '{key}', 'Content-Type': 'application/json'}}", key),
        (f'{{"OK-ACCESS-KEY":"{key}","OK-ACCESS-SIGN":"{sign}"}}', key),
        (f"GET /bot{token}/getUpdates", token),
        (f"connecting to postgresql://bot:{short}@db:5432/x", short),
        (f"connecting to redis://:{short}@cache:6379/0", short),
        (f"Authorization: Bearer {key}", key),
        (f"cookie: session={key}; theme=dark", key),
        (f"apiKey={key}&secret={sign}", sign),
        (f"config: {{\\\"api_secret\\\": \\\"{key}\\\"}}", key),
        (f"[(b'KC-API-PASSPHRASE', b'{short}')]", short),
        (f"kraken API-Sign: {key}==", key),
        (f"password: {short}", short),
        (f"wss://stream.binance.com/ws?listenKey={key}", key),
    )
    return [(line.encode() + b"\n", value.encode()) for line, value in rows]
