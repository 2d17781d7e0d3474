"""Halves in two files: joined where a reference says so, and nowhere else; the same with one or many workers."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from leakguard.collector import Collector
from leakguard.detect.engine import Engine
from leakguard.detect.generate import expand
from leakguard.model import ScanResult, Severity
from leakguard.pipeline import scan_files
from leakguard.sources.files import Options, walk
from leakguard.triage.exposure import HALF
from leakguard.work import Policy

VALUES = expand(" ".join(["{{alnum*64}}"] * 6), Random(6)).split()
KEY, SECRET, KEY2, SECRET2, *_ = VALUES
COMPOSE = "services:\n  bot:\n    image: bot\n"


def scan(engine: Engine, folder: Path, files: dict[str, str], jobs: int = 1) -> ScanResult:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    collector = Collector()
    tasks = walk([str(folder)], Options(), lambda _: None)
    scan_files(tasks, lambda _: engine, Policy(), jobs, collector, parallel_from=1 if jobs > 1 else 1 << 40)
    return collector.result()


@pytest.mark.parametrize(
    "files",
    [
        {".env": f"BINANCE_API_SECRET={SECRET}\n",
         "docker-compose.yml": f"{COMPOSE}    env_file: .env\n    environment:\n      BINANCE_API_KEY: {KEY}\n"},
        {".env": f"BINANCE_API_SECRET={SECRET}\n",
         "docker-compose.yml": f"{COMPOSE}    environment:\n      - BINANCE_API_KEY={KEY}\n"
                               "      - BINANCE_API_SECRET=${BINANCE_API_SECRET}\n"},
        {"secrets.env": f"BINANCE_SECRET_KEY={SECRET}\n",
         "src/bot.py": f'KEY = "{KEY}"  # binance\nSECRET = os.environ["BINANCE_SECRET_KEY"]\n'},
        {"key.env": f"BINANCE_KEY={KEY}\n", "secret.env": f"BINANCE_SECRET={SECRET}\n",
         "compose.yaml": f"{COMPOSE}    env_file:\n      - key.env\n      - ./secret.env\n"},
        {"deploy/.env": f"BINANCE_KEY={KEY}\n",
         "bot.js": "require('dotenv').config({ path: 'deploy/.env' });\n" f"const binanceSecret = '{SECRET}';\n"},
    ],
)  # fmt: skip
def test_a_reference_joins(engine: Engine, tmp_path: Path, files: dict[str, str]) -> None:
    result = scan(engine, tmp_path, files)
    (made,) = result.sets
    assert (made.rule, made.complete, made.severity) == ("binance.credential", True, Severity.CRITICAL)
    assert {finding.set_id for finding in result.findings} == {made.id}
    assert not any(HALF in finding.reasons for finding in result.findings)
    assert {finding.rule: finding.severity for finding in result.findings}["binance.api-secret"] == Severity.CRITICAL
    assert all(any("the rest of it stands in" in reason for reason in one.reasons) for one in result.findings)
    assert not any(value in repr(result) for value in (KEY, SECRET)) or engine.keep_secrets


@pytest.mark.parametrize(
    "files",
    [
        {"a.env": f"BINANCE_API_SECRET={SECRET}\n", "b.env": f"BINANCE_API_KEY={KEY}\n"},
        {".env": f"BINANCE_MAIN_SECRET={SECRET}\n",
         "compose.yml": f"{COMPOSE}    env_file: .env\n    environment:\n      BINANCE_HEDGE_KEY: {KEY}\n"},
        {".env": f"BINANCE_SECRET={SECRET}\n",
         "other/compose.yml": f"{COMPOSE}    env_file: .env\n    environment:\n      BINANCE_KEY: {KEY}\n"},
        {".env": f"BINANCE_SECRET={SECRET}\n", "more/.env": "X=1\n",
         "compose.yml": f"{COMPOSE}    env_file: more/.env\n    environment:\n      BINANCE_KEY: {KEY}\n"},
        # one of a test network is no half of a live one
        {"a.env": f"BINANCE_TESTNET_KEY={KEY}\n", ".env": f"BINANCE_SECRET={SECRET}\n",
         "compose.yml": f"{COMPOSE}    env_file: [a.env, .env]\n"},
        # two that would fit: neither
        {"one.env": f"BINANCE_SECRET={SECRET}\n", "two.env": f"BINANCE_SECRET={SECRET2}\n",
         "compose.yml": f"{COMPOSE}    env_file: [one.env, two.env]\n    environment:\n      BINANCE_KEY: {KEY}\n"},
    ],
)  # fmt: skip
def test_halves_stay_halves(engine: Engine, tmp_path: Path, files: dict[str, str]) -> None:
    result = scan(engine, tmp_path, files)
    assert not any(made.complete for made in result.sets)
    assert all(HALF in finding.reasons for finding in result.findings)
    assert {f.rule: f.severity for f in result.findings}["binance.api-secret"] == Severity.HIGH


def test_three_parts_in_two_files(engine: Engine, tmp_path: Path) -> None:
    key, secret = expand("{{uuid}} {{HEX*32}}", Random(7)).split()
    files = {
        ".env": f"OKX_SECRET_KEY={secret}\n",
        "compose.yml": f"{COMPOSE}    env_file: .env\n    environment:\n      OKX_API_KEY: {key}\n      OKX_PASSPHRASE: Corr3ct-Horse\n",
    }
    result = scan(engine, tmp_path, files)
    (made,) = result.sets
    assert made.complete
    assert [role for role, _ in made.parts] == ["key", "secret", "passphrase"]


def test_workers_change_nothing(engine: Engine, tmp_path: Path) -> None:
    files: dict[str, str] = {}
    for number in range(12):
        key, secret = expand("{{alnum*64}} {{alnum*64}}", Random(100 + number)).split()
        files[f"{number}/.env"] = f"BINANCE_API_SECRET={secret}\n"
        files[f"{number}/compose.yml"] = (
            f"{COMPOSE}    env_file: .env\n    environment:\n      BINANCE_API_KEY: {key}\n"
        )
    one, many = (scan(engine, tmp_path, files, jobs) for jobs in (1, 2))
    assert len(one.sets) == 12
    assert one.findings == many.findings
    assert one.sets == many.sets


def test_a_private_key_in_a_file_is_of_the_key_that_names_it(engine: Engine, tmp_path: Path) -> None:
    """A key of Binance or Fireblocks is told where its private key lies; the two were halves of nothing."""
    pem, other = (expand("{{gen:pem ed25519}}\n", Random(seed)) for seed in (8, 9))
    files = {".env": f"BINANCE_API_KEY={KEY}\nBINANCE_PRIVATE_KEY_PATH=./secrets/prv.pem\n", "secrets/prv.pem": pem, "web/tls.pem": other}
    result = scan(engine, tmp_path, files)
    (made,) = result.sets
    assert (made.rule, made.complete, [role for role, _ in made.parts]) == ("binance.credential", True, ["key", "secret"])
    assert {finding.path.rpartition("/")[2] for finding in result.findings if finding.set_id} == {".env", "prv.pem"}


@pytest.mark.parametrize(
    "text",
    [
        f"BINANCE_API_KEY={KEY}\nTLS_CERT=cert.txt\n",  # names it not
        f"BINANCE_API_KEY={KEY}\nBYBIT_API_KEY={KEY2[:18]}\nPRIVATE_KEY_PATH=prv.pem\n",  # of whose two keys?
        f"BINANCE_API_KEY={KEY}\nONE_PATH=prv.pem\nOTHER_PATH=tls.pem\n",  # which of two?
    ],
)
def test_a_private_key_that_might_be_somebody_elses_is_nobodys(engine: Engine, tmp_path: Path, text: str) -> None:
    pem, other = (expand("{{gen:pem ed25519}}\n", Random(seed)) for seed in (8, 9))
    assert not scan(engine, tmp_path, {".env": text, "prv.pem": pem, "tls.pem": other}).sets
