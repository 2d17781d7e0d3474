"""Keys and secrets side by side without a name, and what dumps say of a value: addresses, applied functions, gdb, keychains, FIX."""

from __future__ import annotations

from random import Random

import pytest

from leakguard.detect.engine import Engine
from leakguard.detect.generate import expand

PAIRED = {
    "address": "url: gateio://{k}:{s}@api.example.com/?rate=10",
    "applied": 'gateioCreds = Creds "{k}" "{s}"',
    "composite": '\tcreds["gateio"] = Cred{{"{k}", "{s}"}}',
    "braces": 'ExchangeKeys gateio{{"{k}", "{s}"}};',
    "gdb": '$1 = {{venue = 0x55d0a1 "gateio", api_key = 0x55d0b1 "{k}", api_secret = 0x55d0c1 "{s}", depth = 5}}',
    "keychain": "".join(
        f'keychain: "login"\nclass: "genp"\n    "acct"<blob>="{name}"\n    "svce"<blob>="gateio"\ndata:\n"{{{at}}}"\n'
        for name, at in (("api_key", "k"), ("api_secret", "s"))
    ),
}


def _found(engine: Engine, text: str) -> list[tuple[str, str]]:
    data = text.encode()
    return [(engine.rules[m.rule].id, data[m.secret_start : m.secret_end].decode()) for m in engine.scan(data, "dump.log").matches]


@pytest.mark.parametrize("place", PAIRED)
def test_both_halves_are_found(engine: Engine, place: str) -> None:
    draw = Random(place)
    key, secret = expand("{{hex*32}}", draw), expand("{{hex*64}}", draw)
    assert sorted(_found(engine, PAIRED[place].format(k=key, s=secret) + "\n")) == [("gate.api-key", key), ("gate.api-secret", secret)]


def test_an_address_may_have_the_passphrase_behind_it(engine: Engine) -> None:
    draw = Random("address")
    values = [expand("{{uuid}}", draw), expand("{{HEX*32}}", draw), expand("Moon{{hex*8}}", draw)]
    found = _found(engine, "OKX_URL=okx://{}:{}@default/?passphrase={}\n".format(*values))
    assert sorted(found) == list(zip(("okx.api-key", "okx.api-secret", "okx.passphrase"), values, strict=True))


@pytest.mark.parametrize("text", ["https://{k}:{s}/api", 'render "{k}" "{s}"', "gateio://orders/{k}/{s}", 'x = 0x55d0a1 "{k}"'])
def test_what_is_no_pair_is_none(engine: Engine, text: str) -> None:
    draw = Random(text)
    assert not _found(engine, text.format(k=expand("{{hex*32}}", draw), s=expand("{{hex*40}}", draw)) + "\n")


def test_the_password_of_a_session_is_found(engine: Engine) -> None:
    password = expand("{{alnum*20}}", Random("fix"))
    line = f"8=FIX.4.4\x019=148\x0135=A\x0149=ACME\x01553=acme\x01554={password}\x0110=203\x01\n"
    assert [secret for _, secret in _found(engine, line)] == [password]
    assert not _found(engine, f"|554={password}|\n")


TOLD = {
    "label above": "--- Bitso ---\nAPI KEY\n{k}\nSECRET\n{s}\n",
    "command": "HSET bitso:acct:7 key {k} secret {s} owner main\n",
    "chat": "[2026-02-11 14:01] jan: Bitso for the copy bot\n[2026-02-11 14:02] jan: key {k}\n[2026-02-11 14:03] jan: secret {s}\n",
}


@pytest.mark.parametrize("place", TOLD)
def test_a_key_of_ten_letters_is_found_beside_its_secret(engine: Engine, place: str) -> None:
    """Bitso's keys are letters of both cases and look like short words: only their secret tells."""
    draw = Random(place)
    key, secret = "".join(draw.choices("qXzKvJwQbH", k=10)), expand("{{hex*32}}", draw)
    assert sorted(_found(engine, TOLD[place].format(k=key, s=secret))) == [("bitso.api-key", key), ("bitso.api-secret", secret)]


def test_a_passphrase_of_letters_is_found_beside_its_secret_and_a_word_is_not(engine: Engine) -> None:
    draw = Random("letters")
    phrase = "".join(draw.choices("qXzKvJwQbHmT", k=12))
    head = expand("HSET bitget:acct:7 key bg_{{hex*32}} secret {{hex*64}} pass ", draw)
    assert ("bitget.passphrase", phrase) in _found(engine, f"{head}{phrase} owner main\n")
    assert not any(rule == "bitget.passphrase" for rule, _ in _found(engine, f"{head}unfortunately owner main\n"))


def test_the_labels_of_a_chats_export(engine: Engine) -> None:
    draw = Random("export")
    values = [expand("{{uuid}}", draw), expand("{{HEX*32}}", draw), expand("{{lowernum*9}}7", draw)]
    said = ", ".join(
        f'"{label}: ", {{"type": "code", "text": "{value}"}}' for label, value in zip(("API key ID", "SECRET", "pass"), values, strict=True)
    )
    found = _found(engine, f'[{{"text": "OKX api:"}}, {{"text": [{said}]}}]\n')
    assert sorted(found) == list(zip(("okx.api-key", "okx.api-secret", "okx.passphrase"), values, strict=True))


@pytest.mark.parametrize("width", [64, 72, 76])
@pytest.mark.parametrize("label", ["API Key:", "**API key**", "Secret Key"])
def test_a_folded_value_below_its_label_is_found_whole(engine: Engine, width: int, label: str) -> None:
    """Of a key of 86 letters and digits in two lines the first was found; whose it is stands above the label."""
    value = expand("{{alnum*86}}", Random(label))
    text = f"BingX API\n\n{label}\n{value[:width]}\n{value[width:]}\n\nThat is all.\n"
    data = text.encode()
    (match,) = engine.scan(data, "mail.txt").matches
    rule = engine.rules[match.rule]
    assert (rule.provider, rule.part) == ("bingx", "api-secret" if "Secret" in label else "api-key")
    assert match.secret is not None and match.secret == value.encode()


def test_the_first_line_of_an_entry_of_pass_is_its_secret(engine: Engine) -> None:
    draw = Random("pass")
    key, secret = expand("{{alnum*18}} {{alnum*36}}", draw).split()
    data = f"{secret}\nkey: {key}\nurl: https://api.bybit.com\n".encode()
    found = {(engine.rules[m.rule].id, m.secret) for m in engine.scan(data, "store/trading/bybit.txt").matches}
    assert found == {("bybit.api-key", key.encode()), ("bybit.api-secret", secret.encode())}
    assert not engine.scan(b"chapter-0123456789-draft\ntitle: none\nurl: https://example.com\n", "notes/bybit.txt").matches


def test_an_orders_id_is_no_label_of_an_account(engine: Engine) -> None:
    """A row of a transfer: with a label as long as an id it was a label, a key and a secret."""
    row = expand("INSERT INTO t (venue, ref, order_id, tx_hash) VALUES ('novadax', 'd{{hex*23}}', '{{uuid}}', '{{hex*64}}');\n", Random("id"))
    assert not engine.scan(row.encode(), "dump.sql").matches
