"""The example bot against a local exchange: without the install() line it leaks on each path, with it on none."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
from bot.exchange import Exchange
from texts import secret

from leakguard.redact import Redactor

BOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "bot", "bot.py")
KEY, SECRET = secret(71, "{{alnum*64}}"), secret(72, "{{alnum*64}}")
MARKED = ("print:", "warning:", "os.write:", "child:", "uncaught:", "thread:", "Arguments:")
"""How the lines of paths that end in stdout or stderr begin, or what is in them."""


def run(client: str, folder: Path, *options: str) -> tuple[Exchange, dict[str, bytes]]:
    """The exchange after a run of the bot, and all that the bot wrote, by path."""
    exchange = Exchange(KEY, SECRET)
    try:
        done = subprocess.run(
            [sys.executable, BOT, client, exchange.url, str(folder), *options], capture_output=True, timeout=120, check=False,
            env={**os.environ, "BINANCE_API_KEY": KEY, "BINANCE_API_SECRET": SECRET},
        )  # fmt: skip
    finally:
        exchange.close()
    assert done.returncode == 1, done.stderr.decode()
    out = {path.name: path.read_bytes() for path in folder.iterdir()}
    return exchange, {**out, "stdout": done.stdout, "stderr": done.stderr}


@pytest.mark.parametrize("client", ["ccxt", "requests", "httpx", "urllib"])
def test_bot(client: str, tmp_path: Path, redactor: Redactor) -> None:
    if client != "urllib" and importlib.util.find_spec(client) is None:
        pytest.skip(f"{client} is not installed: no part of the extra dev")
    for name in ("bare", "guarded"):
        (tmp_path / name).mkdir()
    engine = redactor.scanner()

    exchange, bare = run(client, tmp_path / "bare")
    assert exchange.signatures
    assert not exchange.refused
    for path, data in bare.items():
        assert SECRET.encode() in data, path
        assert engine.scan(data).matches, path
    console = (bare["stdout"] + bare["stderr"]).split(b"\n")
    for mark in MARKED:
        assert any(mark.encode() in line and SECRET.encode() in line for line in console), mark

    assert b"task:" in bare["plain.log"]

    exchange, guarded = run(client, tmp_path / "guarded", "guarded")
    assert exchange.signatures  # what is sent is not what is written
    assert not exchange.refused
    assert guarded.keys() == bare.keys()
    assert b"task:" in guarded["plain.log"]
    for path, data in guarded.items():
        for value in (KEY, SECRET, *exchange.signatures):
            assert value.encode() not in data, path
        found = [engine.ruleset.rules[match.rule].id for match in engine.scan(data).matches]
        assert not found, path
        assert b"<redacted:" in data, path
    console = (guarded["stdout"] + guarded["stderr"]).split(b"\n")
    for mark in MARKED:
        assert any(mark.encode() in line and b"<redacted:" in line for line in console), mark
