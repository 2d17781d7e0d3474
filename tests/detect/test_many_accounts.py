"""Files with the credentials of hundreds of accounts: each makes its own set, and each looks at its neighbours only."""

from __future__ import annotations

import json
from random import Random

import pytest

from leakguard.detect import pairing
from leakguard.detect.engine import Engine
from leakguard.detect.generate import expand

COUNT = 130


def _accounts() -> list[tuple[str, str, str]]:
    draw = Random("many accounts")
    return [(expand("{{uuid}}", draw), expand("{{HEX*32}}", draw), f"Ab{number}-{expand('{{hex*6}}', draw)}") for number in range(COUNT)]


def _yaml(accounts: list[tuple[str, str, str]]) -> str:
    return "".join(f"okx_{n}:\n  api_key: {k}\n  secret: {s}\n  passphrase: {p}\n\n" for n, (k, s, p) in enumerate(accounts))


def _environment(accounts: list[tuple[str, str, str]]) -> str:
    """All keys, then all secrets, then all passphrases: only their names say which belong together."""
    parts = enumerate(("API_KEY", "API_SECRET", "PASSPHRASE"))
    return "".join(f"OKX_{part}_{n}={account[at]}\n" for at, part in parts for n, account in enumerate(accounts))


def _one_line(accounts: list[tuple[str, str, str]]) -> str:
    return json.dumps([{"exchange": "okx", "apiKey": k, "secret": s, "password": p} for k, s, p in accounts], separators=(",", ":"))


def _table(accounts: list[tuple[str, str, str]]) -> str:
    return "venue,api_key,api_secret,passphrase\n" + "".join(f"okx,{k},{s},{p}\n" for k, s, p in accounts)


LAYOUTS = {"blocks": _yaml, "environment": _environment, "one line": _one_line, "table": _table}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_each_account_of_many_is_a_set(engine: Engine, layout: str) -> None:
    accounts = _accounts()
    data = LAYOUTS[layout](accounts).encode()
    matches = engine.scan(data, "a.yaml").matches
    groups = [group for group in pairing.pair(data, matches, engine.ruleset) if group.complete]
    made = [tuple(data[matches[at].secret_start : matches[at].secret_end].decode() for _, at in group.parts) for group in groups]
    assert sorted(made) == sorted(accounts)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_neighbours_give_what_all_would(engine: Engine, layout: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text = LAYOUTS[layout](_accounts()[:30])
    data = text.encode()
    matches = engine.scan(data, "a.yaml").matches
    both = []
    for most in (0, 1 << 30):
        monkeypatch.setattr(pairing, "MOST_PAIRED", most)
        both.append(sorted(pairing.pair(data, matches, engine.ruleset), key=repr))
    assert both[0] == both[1]
