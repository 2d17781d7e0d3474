"""The Redactor: types, names, places, styles, what happens when it fails."""

from __future__ import annotations

import collections
import dataclasses
import json
import os
import subprocess
import sys
import threading
import types
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from leakguard.errors import UsageError
from leakguard.redact import Policy, Redactor
from tests.redact.texts import clean_lines, leaky_lines, secret

KEY = secret(1, "{{alnum*64}}")


@pytest.mark.parametrize("number", range(len(leaky_lines(0))))
def test_what_logs_leak_is_masked(redactor: Redactor, number: int) -> None:
    line, value = leaky_lines(100)[number]
    out = redactor.redact(line)
    assert value not in out
    assert b"<redacted:" in out
    assert redactor.redact(line.decode()) == out.decode()


@pytest.mark.parametrize("table", [
    "exchange,label,api_key,api_secret,ip\nbinance,main,{0},{1},1.2.3.4\n",
    "INSERT INTO `a` (`id`, `exchange`, `api_key`, `api_secret`) VALUES (1, 'binance', '{0}', '{1}');\n",
    "| Exchange | API Key | Secret | Note |\n|---|---|---|---|\n| Binance | {0} | {1} | main |\n",
])  # fmt: skip
def test_what_a_tables_head_names_is_masked_in_its_rows(redactor: Redactor, table: str) -> None:
    values = [secret(number, "{{alnum*64}}") for number in (7, 8)]
    out = redactor.redact(table.format(*values))
    assert not [value for value in values if value in out]
    assert out.count("<redacted:binance.api-") == 2
    assert out.partition("VALUES" if "VALUES" in out else "\n")[0] in table  # what names them still does


@pytest.mark.parametrize("line", clean_lines(3, 40))
def test_a_clean_record_is_the_same_object(redactor: Redactor, line: bytes) -> None:
    assert redactor.redact(line) is line
    text = line.decode("latin-1")
    assert redactor.redact(text) is text


@pytest.mark.parametrize("line", [
    "key=BTCUSDT tokens=12 token_symbol=USDT sign=+1 primary_key=order_id passed=True",
    "max_tokens: 4096, keyboard=qwerty, author=Jane-Doe, session_start=2026-11-21T10:00:00",
    "signal=buy design=v2.11 assigned=worker-12 monkey=1",
    "public_key=abc  api_key_count=3  password: None  secret=***",
    "GET https://example.org:8443/a/b?page=2&sort=asc",
    "Co-authored-by: Kestrel5040 <kestrel@example.org>",
    "author: Nightingale77, authored: Kestrel88x",
])  # fmt: skip
def test_names_that_name_no_secret(redactor: Redactor, line: str) -> None:
    assert redactor.redact(line) is line


@pytest.mark.parametrize("name", [
    "api_secret", "API-SECRET", "apiSecret", "Api.Secret", "x-mbx-apikey", "OK_ACCESS_PASSPHRASE", "authorization",
    "Proxy-Authorization", "clientSecret", "aws_secret_access_key", "db_password", "PASSWD", "refresh_token", "cookie",
    "signature", "X-BAPI-SIGN", "privateKey", "mnemonic", "credentials", "listenKey",
])  # fmt: skip
def test_sensitive_names_in_any_style(redactor: Redactor, name: str) -> None:
    assert redactor.sensitive(name)
    out = redactor.redact({name: "correct-horse-battery"})
    assert out[name].startswith("<redacted:")


class Pair(NamedTuple):
    name: str
    api_secret: str


@dataclasses.dataclass(frozen=True)
class Account:
    user: str
    password: str
    inner: Any = None


class Text(str):
    __slots__ = ()


@pytest.mark.parametrize("value", [
    {"apiKey": KEY, "n": [1, 2.5, None, True]},
    {"a": {"b": [("X-MBX-APIKEY", KEY)]}},
    [f"secret={KEY}", "plain"],
    (f"secret={KEY}",),
    {f"secret={KEY}"},
    frozenset({f"secret={KEY}"}),
    collections.deque([f"secret={KEY}"]),
    collections.OrderedDict(api_secret=KEY),
    collections.defaultdict(list, api_secret=KEY),
    types.MappingProxyType({"api_secret": KEY}),
    Pair("x", KEY),
    Account("u", KEY, {"token": KEY}),
    Text(f"secret={KEY}"),
    bytearray(f"secret={KEY}".encode()),
    {"name": "API_SECRET", "value": KEY},
    {"api_secret": [KEY, KEY]},
    {f"token={KEY}": 1},
], ids=lambda value: type(value).__name__)  # fmt: skip
def test_structured_values_keep_their_type_and_lose_their_secrets(redactor: Redactor, value: Any) -> None:
    before = repr(value)
    out = redactor.redact(value)
    assert KEY not in repr(out)
    assert repr(value) == before, "what was given is changed"
    if not isinstance(value, types.MappingProxyType):
        assert type(out) is type(value)
    assert redactor.redact(out) == out


@pytest.mark.parametrize("value", [
    {"a": [1, {"b": ("x", "y")}]}, Pair("a", ""), Account("u", "", None), 12, None, object(), [[]], b"x", ValueError("x"),
    {"password": 123456, "token": None, "secret": False},
], ids=lambda value: "an object" if type(value) is object else repr(value))  # fmt: skip
def test_nothing_to_mask_is_the_same_object(redactor: Redactor, value: Any) -> None:
    assert redactor.redact(value) is value


def test_numbers_under_sensitive_names_on_request(environment: str) -> None:
    out = Redactor(Policy(numbers=True), cache_folder=environment).redact({"password": 123456, "n": 1})
    assert out["n"] == 1
    assert "123456" not in str(out["password"])


def test_a_value_that_holds_itself(redactor: Redactor) -> None:
    clean: dict[str, Any] = {"a": 1}
    clean["self"] = clean
    assert redactor.redact(clean) is clean
    dirty: dict[str, Any] = {"api_secret": KEY}
    dirty["self"] = dirty
    assert KEY not in repr(redactor.redact(dirty))


def test_deep_values_end_somewhere(redactor: Redactor) -> None:
    value: Any = f"secret={KEY}"
    for _ in range(2000):
        value = [value]
    out = redactor.redact(value)
    for _ in range(30):
        out = out[0]
    assert KEY not in repr(out)


class OddError(Exception):
    def __init__(self, key: str, code: int) -> None:
        super().__init__(code)
        self.key = key

    def __str__(self) -> str:
        return f"secret={self.key} refused"


def test_exceptions_say_the_same_without_secrets(redactor: Redactor) -> None:
    try:
        try:
            raise ValueError(f"api_secret={KEY}")
        except ValueError as cause:
            raise OddError(KEY, 3) from cause
    except OddError as error:
        out = redactor.redact(error)
        assert isinstance(out, OddError)
        assert KEY not in str(out)
        assert KEY not in repr(out)
        assert KEY not in str(out.__cause__)
        assert out.__traceback__ is error.__traceback__
        assert str(error) == f"secret={KEY} refused"


def test_styles(environment: str) -> None:
    line = f"password=abcDEF123xyz user=bob secret={KEY}"
    stars = Redactor(Policy(style="length"), cache_folder=environment)
    out = stars.redact(line)
    assert len(out) == len(line)
    assert "password=************ user=bob" in out
    assert stars.redact(out) == out
    shaped = Redactor(Policy(style="format"), cache_folder=environment)
    out = shaped.redact(line)
    assert "password=xxxXXX000xxx user=bob" in out
    assert shaped.redact(out) == out
    with pytest.raises(UsageError):
        Redactor(Policy(style="rot13"), cache_folder=environment)


def test_one_secret_has_one_pseudonym_and_a_password_none(redactor: Redactor) -> None:
    first = redactor.redact(f"BINANCE_API_SECRET={KEY}")
    again = redactor.redact(f'{{"BINANCE_API_SECRET": "{KEY}"}}')
    name = first.partition("=")[2]
    assert name.startswith("<redacted:binance.api-secret:")
    assert name in again
    assert redactor.redact("password=hunter2x9Qz") == "password=<redacted:generic.password>"


def test_the_pseudonym_begins_the_scanners_fingerprint(redactor: Redactor, loaded: Any) -> None:
    from leakguard.detect.engine import Engine
    from leakguard.findings import findings_of
    from leakguard.model import Document, Origin
    from leakguard.triage.fingerprint import DEFAULT_KEY

    data = f"BINANCE_API_SECRET={KEY}\n".encode()
    engine = Engine(loaded.ruleset, loaded.stage1, DEFAULT_KEY)
    found, _ = findings_of(engine, Document(data, Origin("file", "x")), engine.scan(data).matches, 1)
    assert [f.rule for f in found] == ["binance.api-secret"]
    assert f":{found[0].fingerprint.removeprefix('lg1-')[:6]}>".encode() in redactor.redact(data)


def test_names_can_be_added_and_allowed(environment: str) -> None:
    own = Redactor(Policy(names=("wallet_hint",), allow=("listenKey",)), cache_folder=environment)
    assert own.redact({"Wallet-Hint": "the usual one"})["Wallet-Hint"].startswith("<redacted:")
    assert own.redact({"listenKey": "plainwords"}) == {"listenKey": "plainwords"}


# ---------------------------------------------------------------- failure
class _BrokenError(Exception):
    pass


def _broken(*_: object) -> Any:
    raise _BrokenError(KEY)


@pytest.mark.parametrize("value", ["secret text", b"secret text\n", {"a": "secret text"}, ["secret text"]], ids=repr)
def test_what_cannot_be_checked_is_masked(own: Redactor, value: Any) -> None:
    own._calm = own._look = _broken
    out = own.redact(value)
    assert "secret text" not in repr(out)
    assert "<redacted:error>" in repr(out)
    stats = own.stats()
    assert stats.errors >= 1
    assert stats.failures == {"_BrokenError": stats.errors}
    assert KEY not in repr(stats)


def test_open_by_choice(environment: str) -> None:
    own = Redactor(Policy(on_error="open"), cache_folder=environment)
    own._calm = own._look = _broken
    assert own.redact("text") == "text"
    assert own.redact(b"text") == b"text"
    assert own.stats().errors == 2


def test_a_flood_of_triggers_is_masked_and_counted(own: Redactor) -> None:
    flood = "password=" * 50_000
    assert own.redact(flood) == "<redacted:error>"
    assert own.stats().floods == 1
    two = own.redact(flood + "\nplain line\n")
    assert two == "<redacted:error>\nplain line\n"


def test_stats_count(own: Redactor) -> None:
    own.redact("plain")
    own.redact(f"BINANCE_API_SECRET={KEY}")
    stats = own.stats()
    assert (stats.records, stats.changed, stats.errors) == (2, 1, 0)
    assert stats.kinds == {"binance.api-secret": 1}


class _LogsWhenFreed:
    def __init__(self, redactor: Redactor, out: list[str]) -> None:
        self.redactor, self.out = redactor, out

    def __del__(self) -> None:
        self.out.append(self.redactor.redact(f"freed: secret={KEY}"))


def test_entered_from_within(own: Redactor) -> None:
    """A finaliser that logs runs whenever memory is freed: also inside of a scan."""
    inner: list[str] = []
    scratch = own.runtime.merged.own()  # as it is while a scan calls back
    _LogsWhenFreed(own, inner)
    own.runtime.merged.pool.append(scratch)
    assert inner == [own.redact(f"freed: secret={KEY}")]
    assert KEY not in inner[0]


def test_after_a_fork(own: Redactor) -> None:
    own.redact("x")
    with own.counts.lock:  # some other thread holds it when the child is made
        read, write = os.pipe()
        child = os.fork()
        if not child:
            os.write(write, own.redact(f"secret={KEY}").encode() + b"%d" % own.register(KEY[::-1]))
            os._exit(0)
    os.close(write)
    os.waitpid(child, 0)
    out = os.read(read, 1000)
    os.close(read)
    assert KEY.encode() not in out
    assert out.endswith(b"1")


def test_while_the_interpreter_shuts_down(environment: str) -> None:
    script = """
import atexit, sys
from leakguard.redact import Redactor
redactor = Redactor()
class Late:
    def __del__(self):
        sys.__stderr__.write(redactor.redact("late: api_secret=" + VALUE) + "\\n")
VALUE = sys.argv[1]
import builtins
builtins.late = Late()
"""
    done = subprocess.run(
        [sys.executable, "-c", script, KEY], capture_output=True, check=False, timeout=60, env={**os.environ}
    )
    assert done.returncode == 0
    assert KEY.encode() not in done.stdout + done.stderr
    assert b"late: api_secret=<redacted:" in done.stderr


def test_threads_give_what_one_gives(redactor: Redactor) -> None:
    lines = [line for seed in range(20) for line, _ in leaky_lines(seed)] + clean_lines(1, 200)
    serial = [redactor.redact(line) for line in lines]
    out: dict[int, list[bytes]] = {}

    def work(number: int) -> None:
        out[number] = [redactor.redact(line) for line in lines]

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(out[number] == serial for number in range(4))


def test_passwords_of_the_systems_keyring_are_known_values(environment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = {("bot", "main"): secret(61, "{{alnum*64}}"), ("bot", "short"): "abc"}
    keyring = types.ModuleType("keyring")
    keyring.get_password = lambda service, user: kept.get((service, user))  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keyring", keyring)
    own = Redactor(cache_folder=environment)
    assert own.register_keyring("bot", "main", "short", "nobody") == 1
    assert own.stats().refused == 1
    assert own.redact(f"told {kept['bot', 'main']}").startswith("told <redacted:keyring.bot")


def test_the_working_directory_is_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PWD", "/srv/trading/bots/alpha")
    monkeypatch.setenv("OLDPWD", "/srv/trading/bots")
    redactor = Redactor()
    redactor.register_environment()
    text = "loading /srv/trading/bots/alpha/config.json"
    assert redactor.redact(text) == text


@pytest.mark.parametrize(
    ("line", "masked"),
    [
        ("POST /0/private/Balance nonce=1&otp=482913&x=1", "POST /0/private/Balance nonce=1&otp=<redacted:field.otp>&x=1"),
        ("{'totp': '482913', 'n': 1}", "{'totp': '<redacted:field.otp>', 'n': 1}"),
        ('{"mfa_code": "482 913"}', '{"mfa_code": "<redacted:field.otp>"}'),
        ("2FA=482913", "2FA=<redacted:field.otp>"),
        ("otp_enabled=true otp=000111,", "otp_enabled=true otp=<redacted:field.otp>,"),
    ],
)  # fmt: skip
def test_codes_of_a_few_digits_under_their_names(redactor: Redactor, line: str, masked: str) -> None:
    assert redactor.redact_str(line) == masked
    assert redactor.redact_str(masked) == masked


@pytest.mark.parametrize("name", ["sig", "jwt", "x_sig", "JWT"])
def test_brief_names_of_signatures_and_tokens(redactor: Redactor, name: str) -> None:
    value = secret(len(name), "{{alnum*42}}7a")
    for line in (f"GET /x?a=1&{name}={value}&b=2", f"{{'{name}': '{value}'}}", f"{name}: {value}"):
        told = redactor.redact_str(line)
        assert value not in told and told.count("<redacted:field.") == 1
        assert told.startswith(line[: line.index(value)])


@pytest.mark.parametrize(
    "line",
    ["sig=15 SIGTERM", "signal=482913", "mapping: 482913", "laptop=482913", "sigma=0.4829131234567890a", "otp=true", "sig: SIGUSR1"],
)  # fmt: skip
def test_what_only_looks_like_a_brief_name(redactor: Redactor, line: str) -> None:
    assert redactor.redact_str(line) is line


def test_codes_in_fields(redactor: Redactor) -> None:
    told = redactor.redact({"otp": "482913", "totp": 482913, "pin_count": "4829", "x": ["2fa=482913"]})
    assert told == {"otp": "<redacted:field.otp>", "totp": 482913, "pin_count": "4829", "x": ["2fa=<redacted:field.otp>"]}


@pytest.mark.parametrize("write", [json.dumps, repr, lambda message: json.dumps(json.dumps(message))])
@pytest.mark.parametrize(("op", "size"), [("auth", 18), ("authKeyExpires", 24)])
def test_logins_over_a_socket(redactor: Redactor, write: Callable[[object], str], op: str, size: int) -> None:
    key, signature = secret(size, f"{{{{alnum*{size}}}}}"), secret(size, "{{hex*64}}")
    told = redactor.redact_str(f"> TEXT {write({'op': op, 'args': [key, 1662350400000, signature]})} [120 bytes]")
    assert key not in told and signature not in told and "1662350400000" in told and "[120 bytes]" in told
    assert redactor.redact_str(told) == told
    first = write({"args": [key, 1662350400000, signature], "op": op})
    assert signature not in redactor.redact_str(first)


def test_what_only_looks_like_a_login(redactor: Redactor) -> None:
    line = 'sent {"op": "subscribe", "args": ["orderbook.50.BTCUSDT", "trade.BTCUSDT"]} to wss://stream.bybit.com/v5/public/spot'
    assert redactor.redact_str(line) is line


def test_a_stream_that_a_key_opens(redactor: Redactor) -> None:
    key = secret(60, "{{alnum*60}}")
    told = redactor.redact_str(f"connecting to wss://stream.binance.com:9443/ws/{key}")
    assert told.startswith("connecting to wss://stream.binance.com:9443/ws/<redacted:url.listen-key:") and key not in told
    line = "connecting to wss://stream.binance.com:9443/ws/btcusdt@depth20@100ms"
    assert redactor.redact_str(line) is line


@pytest.mark.parametrize(
    "line",
    [
        "fetch Request: binance GET https://api.binance.com/api/v3/account?recvWindow=10000&signature={{hex*64}} RequestHeaders: "
        "{'X-MBX-APIKEY': '{{alnum*64}}'} RequestBody: None",
        "INFO - Applying additional ccxt config: {'apiKey': '{{alnum*64}}', 'secret': '{{alnum*64}}'}",
        'DEBUG okx {"OK-ACCESS-KEY":"{{alnum*36}}","OK-ACCESS-SIGN":"{{alnum*43}}=","OK-ACCESS-PASSPHRASE":"{{alnum*12}}"}',
        'HTTP Request: POST https://api.telegram.org/bot{{digits*10}}:AA{{alnum*33}}/getUpdates "HTTP/1.1 200 OK"',
        "INFO - connecting to postgresql://bot:{{alnum*16}}@db.internal:5432/trades pool 5 retries 3",
    ],
)
def test_the_usual_leaks_go_the_quick_way(redactor: Redactor, line: str) -> None:
    """A trigger that ends beside what is masked sends its lines the long way, which costs ten times as much."""
    quick = redactor._quick
    assert quick is not None
    for seed in range(20):
        data = secret(seed, line).encode()
        fired = redactor._look(data)
        assert fired is not None and quick.line(data, 0, len(data), fired[0], fired[1])
