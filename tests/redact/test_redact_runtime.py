"""The runtime profile: what its cache may and may not do, and that it finds what the scanner finds."""

from __future__ import annotations

import os
import re
import shutil
import stat
import threading
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leakguard.detect import cache, stage1
from leakguard.detect.engine import Engine
from leakguard.detect.guards import _ANCHORED, _WIDER, _WOKEN, _each, _wider, parted
from leakguard.detect.runs import TOKEN, crosses, longest_run, relaxed
from leakguard.detect.runtime import Runtime, load
from leakguard.redact import Policy, Redactor, counts
from leakguard.redact.known import forms
from leakguard.redact.names import TRIGGERS
from tests import leaks
from tests.redact.texts import VIEWS, example_text, secret


def runtime(folder: str) -> Runtime:
    return load(cache.Selection(only=("github", "binance")), key=b"k", extra=TRIGGERS, folder=folder)


def _file(folder: Path) -> Path:
    (path,) = folder.glob("runtime-*.bin")
    return path


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder with what was compiled of these rules, to be copied."""
    folder = tmp_path_factory.mktemp("stored")
    runtime(str(folder))
    return folder


def test_what_was_compiled_is_kept_for_this_user_alone(tmp_path: Path) -> None:
    first = runtime(str(tmp_path))
    path = _file(tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    written = path.stat().st_mtime_ns
    again = runtime(str(tmp_path))
    assert path.stat().st_mtime_ns == written
    text, _ = leaks.leak("github", 3)
    assert first.scan(text) == again.scan(text) != []


@pytest.mark.parametrize("damage", [b"", b"leakguard-runtime-8\n", b"x" * 5000])
def test_a_damaged_or_foreign_cache_is_made_again(stored: Path, tmp_path: Path, damage: bytes) -> None:
    shutil.copytree(stored, tmp_path, dirs_exist_ok=True)
    path = _file(tmp_path)
    good = path.read_bytes()
    path.write_bytes(damage or good[:-100])
    assert runtime(str(tmp_path)).scan(leaks.leak("github", 3)[0])
    assert len(path.read_bytes()) == len(good)
    assert path.read_bytes()[:1000] == good[:1000] != damage[:1000]
    path.chmod(0o666)
    runtime(str(tmp_path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_folder_that_cannot_be_written_means_no_cache(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert runtime(str(tmp_path / "file" / "below")).scan(leaks.leak("github", 3)[0])
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("kind", sorted(leaks.TEMPLATES))
@pytest.mark.parametrize("name", ["base64", "hex", "json in json", "utf-16le", "percent", ""])
def test_it_finds_what_the_scanner_finds(engine: Engine, environment: str, kind: str, name: str) -> None:
    made = load(key=b"", extra=TRIGGERS, folder=environment)
    text, _ = leaks.leak(kind, 4)
    data = leaks.ENCODINGS[name](text) if name else text
    scanned = {(m.secret_start, m.secret_end, engine.rules[m.rule].id) for m in engine.scan(data).matches}
    assert {(found.start, found.end, found.rule) for found in made.whole(data)} == scanned
    if 0 not in data:  # of two-byte text no trigger ends: the Redactor has all of it looked at
        assert {(found.start, found.end, found.rule) for found in made.judge(data, made.scan(data))} == scanned


# ---------------------------------------------------------------- the guard
@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 1 << 32), st.sampled_from(sorted(VIEWS)))
def test_the_guard_fires_wherever_a_rule_does(redactor: Redactor, seed: int, view: str) -> None:
    text = example_text(seed)
    try:
        data = VIEWS[view](text)[:4096]
    except ValueError:
        return
    merged = redactor.runtime.merged
    redactor._look(b"a quiet line")  # whoever saw a secret does not ask the guard
    if merged.scan(data):
        assert not redactor._calm(data)


@pytest.mark.parametrize("value", [secret(1), secret(2, "{{hex*64}}"), "short-9A", "p&ss w'rd 100", "naïve-ключ-пароль", secret(3) * 3])
def test_the_guard_sees_every_form_of_a_registered_value(environment: str, value: str) -> None:
    own = Redactor(cache_folder=environment)
    own.register(value)
    for form in forms(value.encode()):
        for text in (form.text, form.text.upper() if form.any_case else form.text):
            own._look(b"a quiet line")
            assert not own._calm(b"- " + text + b" -"), form


@pytest.mark.parametrize(
    ("pattern", "run", "needs"),
    [
        ("ghp_[A-Za-z0-9]{36}", 40, b"ghp_"),
        ("(?:a|bcd)[0-9]{3,9}", 4, b""),
        ("(?i)key[\\x22 ]{0,2}[0-9a-f]{20}", 20, b"key"),
        ("[^a]{30}", 0, b""),
        ("x(?:%[0-9]{2}){3}y?", 2, b"x%"),
        ("a{0}b*c", 1, b"c"),
        ("[A-Z]{2}(?=x)[a-z]{30}", 30, b""),
        ("\\n[\\w+/-]{21}\\.", 21, b"\n."),
    ],
)
def test_what_every_match_has(pattern: str, run: int, needs: bytes) -> None:
    sure = longest_run(pattern, TOKEN)
    assert sure.run == run
    assert sure.needs == frozenset(needs)


@pytest.mark.parametrize(
    ("pattern", "wider"),
    [
        (b"[a-z]{4,9}x{0,64}y{1,20}", b"[a-z]{4,}x*y+"),
        (b"a{2,3}b{5}c{0,1}", b"a{2,3}b{5}c{0,1}"),
        (b"[]{1,9}]{1,9}\\[{1,9}", b"[]{1,9}]+\\[+"),
        (b"[^]\\]]{0,8}\\{1,9}", b"[^]\\]]*\\{1,9}"),
    ],
)
def test_bounds_are_let_go(pattern: bytes, wider: bytes) -> None:
    assert relaxed(pattern) == wider


@settings(max_examples=100)
@given(st.data())
def test_what_stands_for_a_trigger_without_a_literal_is_wherever_it_is(draw: st.DataObject) -> None:
    assert _WIDER
    for pattern, wider in _WIDER.items():
        assert re.search(wider, draw.draw(st.from_regex(pattern)))


@pytest.mark.parametrize(
    ("pattern", "might"),
    [
        ("key=[a-z]{20}", False), ("key=[^ ]{20}", True), ("a(?:b|[<c])r", True), ("a(?:b|[<c])d", False), ("a(?:=>?|:)d", False),
        ("a[)>]d", True), ("x(?:[<a]|>)", True), ("key=?\\bc", False), ("key\\b", True), ("\\bkey", True), ("(?:[a>]x)*=", True),
        ("(?:^|[^0-9])[0-9]{12}", False), ("(?:^|[^0-9])[0-9]{11}", True), ("x{0,9}[\\s\\S]y", True), ("(?i)token: (?:ab){3}", False),
        ("\\b[0-9A-Za-z]{12}", False), ("\\b[0-9A-Za-z]{11}", True), ("\\b\\w{12}", True), ("\\b[a-z]{12}[^a]x", True),
    ],
)  # fmt: skip
def test_what_could_fire_across_a_mask(pattern: str, might: bool) -> None:
    assert crosses(pattern) is might


@pytest.mark.parametrize(
    "pattern",
    ["(?:" + "|".join(f"word{n}" for n in range(99)) + ")[:=]x", "(?:a|[(|)]b|(?i:" + "|".join(f"w{n}z" for n in range(70)) + ")|\\\\|c)=x"],
)
def test_many_words_are_looked_for_in_parts(pattern: str) -> None:
    patterns, ids = parted([pattern.encode(), b"key=[a-z]{4}"], [5, 7])
    assert len(patterns) > 2 and ids == [5] * (len(ids) - 1) + [7]
    texts = [f"word{n}:x" for n in (0, 39, 40, 98)] + [f"W{n}z=x" for n in (0, 44, 69)] + ["(b=x", "|b=x", "\\\\=x", "c=x", "a=x", "word7x", "w=x"]
    for text in texts:
        assert bool(re.search(pattern, text)) is any(re.search(part.decode(), text) for part in patterns[:-1]), text


def test_parts_and_wider_triggers_are_wherever_the_trigger_is(redactor: Redactor) -> None:
    patterns = {*stage1.expressions(redactor.runtime.ruleset)[0], *(pattern for _, pattern in stage1.triggers())}
    woken = [(pattern, _each(pattern)) for pattern in patterns if any(piece in pattern for piece, _ in _WOKEN)]
    wider = [(pattern, _wider(pattern)) for pattern in patterns if pattern not in _WIDER and _wider(pattern)]
    assert len(woken) == len(_WOKEN) and len(wider) >= 3, (woken, wider)
    random = Random(17)
    pieces = [b"'token': '", b'"auth_key": "', b'["BTC", "', b' PSK "', b"token", b"password", b"auth_key", b"'", b'"', b"\\", b": ", b"\xd9\x10", b"x ", b"\x12\x0a", b"\0\0\0\x10", b"\x01\0\0\0", b"(", b"[", b"{",
              b"BTC", b", ", b",", b" AK", b"_SK", b"sk", b"=", b" : ", b"\t", b"PSK", b"EAP", b":", b" "]  # fmt: skip
    for made, share in ((woken, 3), (wider, 2)):
        both = [(re.compile(one), [re.compile(part) for part in parts]) for one, parts in made]
        seen = [0] * len(both)
        for _ in range(15_000):
            text = b"".join(random.choices(pieces, k=random.randrange(2, 9))) + secret(random.randrange(99)).encode() + b"\"'"
            for number, (one, parts) in enumerate(both):
                found = one.search(text)
                seen[number] += found is not None
                hit = any(part.search(text) for part in parts)
                assert hit >= (found is not None), (one, text)
                assert share == 2 or hit == (found is not None), (one, text)
        assert min(seen) > 2, seen


# ---------------------------------------------------------------- what was masked is looked at again
PARTS = (
    "2026-11-21 11:41:05 INFO ", "order 17 filled ", "token", "'key'", '"secret": ', "secret=", "apiKey=", "'apiKey': '", "password: ",
    "signature=", "&signature=", "login x password ", "machine h login u password ", "mnemonic ", "seed phrase: ", "dydx ", "cookie: ",
    "curl -u bob:", " --token ", "OK-ACCESS-KEY", "X-MBX-APIKEY: ", "psk=", 'app.secret_key = "', "Authorization: Bearer ", "/bot1234567890:AA",
    "postgres://u:", "@h/x", "'", '"', "`", "=", " = ", ":", ": ", ",", " ", ">", "<", "<b>", "&", "/", ")", "(", "{", "}", "ab", "0x",
    "<redacted:x.key:3f9a1c>", "<redacted:url.password>", "'<redacted:okx.secret:3f9a1c>'", "secret: <redacted:x.key:3f9a1c> ",
)  # fmt: skip
_WORDS = "abandon ability able about above absent absorb abstract absurd abuse access accident"


@settings(max_examples=400, suppress_health_check=list(HealthCheck))
@given(st.lists(st.one_of(st.sampled_from(PARTS), st.integers(0, 11)), min_size=2, max_size=14))
def test_what_is_taken_for_settled_is(known: Redactor, careful: Redactor, parts: list[str | int]) -> None:
    """A record that was masked the quick way, and not scanned as a whole once more, is what the long way makes of it; so is
    one that was masked before."""
    line = "".join(part if isinstance(part, str) else _value(part) for part in parts)
    out = known.redact(line)
    assert out == careful.redact(line)
    assert known.redact(out) == out


@settings(max_examples=100, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 1 << 32), st.integers(0, 1 << 32), st.sampled_from(sorted(VIEWS)))
def test_what_is_taken_for_settled_is_in_examples(known: Redactor, careful: Redactor, one: int, two: int, view: str) -> None:
    try:
        data = VIEWS[view](example_text(one)) + b" " + example_text(two).data
    except ValueError:
        return
    for line in data.splitlines():
        assert known.redact(line) == careful.redact(line)


LOUD = {
    "bitmart.memo", "dydx.mnemonic", "dydx.passphrase", "gitea.runner-registration-token", "github.installation-jwt",
    "github.runner-registration-token", "gitlab.oauth-application-secret", "gitlab.runner-registration-token", "gitlab.session-cookie",
    "hummingbot.config-password", "hummingbot.gateway-passphrase", "nuget.config-password", "openstack.application-credential-secret",
    "paradex.jwt", "roblox.session-cookie", "slack.session-cookie", "spring.property-password", "spring.yaml-password", "yandex.iam-cookie",
}  # fmt: skip
"""Whose own names another rule asks for, as a word before a value: rare ones, and looked at again for it."""


def test_no_rule_fires_at_what_stands_for_a_secret(known: Redactor, engine: Engine) -> None:
    """Else each line that was masked is gone through once more: one trigger that ended in `passphrase>` made lines with OKX's
    headers a third slower."""
    loud = []
    for rule in engine.rules:
        for mask in (f"<redacted:{rule.id}>", f"<redacted:{rule.id}:3f9a1c>"):
            line = f'2026-11-21 DEBUG venue {{"OK-ACCESS-X":"{mask}","y":"{mask}"}}'.encode()
            if not known.runtime.merged.settled(line):
                loud.append(rule.id)
    assert set(loud) <= LOUD


def _value(number: int) -> str:
    if number > 9:
        return _WORDS if number > 10 else secret(number, "{{alnum*6}}")
    return secret(number, ("{{alnum*64}}", "{{hex*64}}", "{{alnum*18}}", "{{alnum*36}}", "{{digits*13}}")[number % 5])


@pytest.fixture(scope="module")
def known(environment: str) -> Redactor:
    own = Redactor(cache_folder=environment)
    own.register_many([("OK-ACCESS-KEY", _value(0)), ("bot.passphrase", _value(2))])
    return own


@pytest.fixture(scope="module")
def careful(environment: str) -> Redactor:
    own = Redactor(cache_folder=environment)
    own.register_many([("OK-ACCESS-KEY", _value(0)), ("bot.passphrase", _value(2))])
    own._settled = own.runtime.merged.settled = lambda _data: False
    return own


def test_a_signals_handler_may_log_while_something_is_counted(own: Redactor) -> None:
    with own.counts.lock:  # what a handler finds that comes between two instructions
        assert secret(4) not in own.redact(f"api_secret='{secret(4)}'")
    assert sum(own.stats().kinds.values()) == 1


def test_a_thread_that_was_ended_with_the_interpreter_holds_nobody(own: Redactor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counts, "WAIT", 0.01)
    gone = threading.Thread(target=own.counts.lock.__enter__)
    gone.start()
    gone.join()
    assert secret(4) not in own.redact(f"api_secret='{secret(4)}'")


@pytest.mark.parametrize("name", ["credentials", "Authorization", "signature", "x_signature"])
def test_a_word_in_quotes_that_proves_who_somebody_is_is_masked(redactor: Redactor, name: str) -> None:
    assert "correcthorse" not in redactor.redact(f'{{"{name}": "correcthorse"}}')


def test_a_mask_is_counted_once(environment: str) -> None:
    own = Redactor(Policy(style="format"), cache_folder=environment)
    own.redact(f"api_secret='{secret(4)}' and api_key='{secret(5)}'")
    assert sum(own.stats().kinds.values()) == 2


@pytest.mark.parametrize("kind", ["{{gen:wif}}", "{{gen:wif uncompressed}}", "{{gen:wif testnet}}", "{{b58*87}}", "{{b58*88}}"])
@pytest.mark.parametrize("before", [b"", b" ", b"'", b"=", b"/", b"\xff", b"_", b"a", b"9"])
@pytest.mark.parametrize("after", [b"", b" ", b'"', b"_", b"1", b"\n"])
def test_a_run_with_its_edge_is_wherever_its_rule_is(redactor: Redactor, kind: str, before: bytes, after: bytes) -> None:
    rules = [rule for rule in redactor.runtime.ruleset.rules if rule.trigger and rule.trigger.encode() in _ANCHORED]
    assert {rule.id for rule in rules} == {"bitcoin.wif", "solana.secret-key"}
    text = before + secret(8, kind).encode() + after
    for rule in rules:
        anchored = re.compile(_ANCHORED[rule.trigger.encode()])
        for found in re.finditer(rule.pattern.encode(), text):
            assert found.start("secret") in {match.start() for match in anchored.finditer(text)}


def test_no_trigger_fires_at_each_byte_of_a_run(redactor: Redactor) -> None:
    for number in range(3):
        line = f"sent {secret(number, '{{b58*88}}')} and {'x' * 400}, {'7' * 400} end".encode()
        assert len(redactor.runtime.scan(line)) < 12
