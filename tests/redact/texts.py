"""What the tests of redaction share: secrets from a seed, log lines around them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from random import Random
from typing import Any
from urllib.parse import quote

from leakguard.detect import packfiles
from leakguard.detect.generate import expand
from leakguard.detect.rules import parse_pack
from leakguard.detect.sample import Text, example_texts
from tests import leaks


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


@cache
def examples() -> list[tuple[str, int, Any]]:
    """(rule, number, example) of every example of every rule."""
    files = packfiles.read_files(packfiles.pack_files(packfiles.builtin_folder()))
    packs = [parse_pack(name, data) for name, data in files]
    return [
        (ident, number, example)
        for pack in packs for ident, proof in pack.proofs.items() for number, example in enumerate(proof.examples)
    ]  # fmt: skip


def example_text(seed: int) -> Text:
    """An example of some rule in one of the contexts that can hold it."""
    random = Random(seed)
    texts: list[Text] = []
    while not texts:
        ident, number, example = random.choice(examples())
        texts = example_texts(ident, number, example)
    return random.choice(texts)


def _secret_as(write: Callable[[bytes], bytes]) -> Callable[[Text], bytes]:
    return lambda text: text.data[: text.start] + write(text.secret) + text.data[text.end :]


VIEWS: dict[str, Callable[[Text], bytes]] = {
    "as it is": lambda text: text.data,
    "cut off": lambda text: text.data[: text.end],
    "secret in base64": _secret_as(leaks.ENCODINGS["base64"]),
    "secret in base64 url-safe": _secret_as(lambda secret: leaks.ENCODINGS["base64 url-safe"](secret).rstrip(b"=")),
    "secret in hex": _secret_as(leaks.ENCODINGS["hex"]),
    "secret in percent": _secret_as(lambda secret: quote(secret, safe="").encode()),
    **{f"all in {name}": (lambda text, encode=encode: encode(text.data)) for name, encode in leaks.ENCODINGS.items()},
}
"""Ways in which a text can hold its secret: in clear, encoded in its place, with all that is around it."""


FORMS = ("csv", "quoted", "one", "passwords", "tabs", "semicolons", "markdown", "psql", "mysql", "insert", "below", "copy")


def table(form: str, seed: int, rows: int) -> tuple[bytes, list[bytes]]:
    """A table in one of FORMS with so many rows below its head, and the secrets in it."""
    keys = [(secret(seed * 1009 + n, "{{alnum*64}}"), secret(seed * 1009 + n + 500, "{{alnum*64}}")) for n in range(rows)]
    short = [secret(seed * 1009 + n, "{{alnum*9}}7") for n in range(rows)]
    head, row, both, end = {
        "csv": ("exchange,api_key,api_secret,label", "binance,{0},{1},main", 2, "\n"),
        "quoted": ('"exchange","api_key","api_secret"', '"binance","{0}","{1}"', 2, "\n"),
        "one": ("exchange,api_secret,label", "binance,{1},main", 1, "\n"),
        "passwords": ("user,password,email", "bob,{2},b@x.org", 0, "\n"),
        "tabs": ("exchange\tapi_key\tapi_secret", "binance\t{0}\t{1}", 2, "\n"),
        "semicolons": ("exchange;api_key;api_secret", "binance;{0};{1}", 2, "\n"),
        "markdown": ("| exchange | API key | API secret |\n|---|---|---|", "| binance | `{0}` | {1} |", 2, "\n"),
        "psql": (" exchange |  api_key  | api_secret \n----------+-----------+------", " binance | {0} | {1}", 2, "\n"),
        "mysql": ("+---+---+---+\n| exchange | api_key | api_secret |\n+---+---+---+", "| binance | {0} | {1} |", 2, "\n"),
        "insert": ("INSERT INTO a (exchange, api_key, api_secret) VALUES", "('binance', '{0}', '{1}')", 2, ",\n"),
        "below": ("INSERT INTO a (id, api_key, api_secret)\nVALUES", "  (7, '{0}', '{1}')", 2, ",\n"),
        "copy": ("COPY public.a (exchange, api_key, api_secret) FROM stdin;", "binance\t{0}\t{1}", 2, "\n"),
    }[form]
    lines = end.join(row.format(*pair, word) for pair, word in zip(keys, short, strict=True))
    values = list(short) if not both else [value for pair in keys for value in pair[2 - both :]]
    return (head + "\n" + lines + "\n").encode(), [value.encode() for value in values]
