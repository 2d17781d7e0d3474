"""What a compose file says of the variables in the environment file beside it (leakguard/sources/composed.py)."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from leakguard.detect.engine import Engine
from leakguard.detect.generate import expand
from leakguard.model import Origin
from leakguard.sources.composed import read_by

SERVICES = {
    "mapped": "services:\n  trader:\n    environment:\n      GATEIO_API_KEY: ${EX_KEY}\n      GATEIO_API_SECRET: \"${EX_SECRET:?}\"\n",
    "called": "services:\n  bot:\n    image: acme/gateio-bot:1\n    environment:\n      - EX_KEY=${EX_KEY}\n      - EX_SECRET=${EX_SECRET}\n",
    "said": "services:\n  bot:\n    environment:\n      - EXCHANGE=gateio\n      - EX_KEY=${EX_KEY}\n      - EX_SECRET=$EX_SECRET\n",
    "whole": "services:\n  gateio-bot:\n    env_file: .env\n  web:\n    image: nginx\n",
    "whole, listed": "services:\n  gateio:\n    env_file:\n      - .env\n",
}


def _rules(engine: Engine, folder: Path) -> list[str]:
    draw = Random("composed")
    data = expand("TZ=UTC\nEX_KEY={{hex*32}}\nEX_SECRET={{hex*64}}\n", draw).encode()
    path = folder / ".env"
    path.write_bytes(data)
    told = Origin("file", ".env", about=read_by(str(path))).told
    return sorted(engine.rules[match.rule].id for match in engine.scan(data, told).matches)


@pytest.mark.parametrize("services", SERVICES)
def test_the_service_that_reads_a_key_says_whose_it_is(engine: Engine, tmp_path: Path, services: str) -> None:
    (tmp_path / "docker-compose.yml").write_text(SERVICES[services])
    assert _rules(engine, tmp_path) == ["gate.api-key", "gate.api-secret"]


def test_each_variable_is_of_the_service_that_reads_it(tmp_path: Path) -> None:
    text = "services:\n  one:\n    environment:\n      OKX_KEY: ${A_KEY}\n  two:\n    environment:\n      BYBIT_KEY: ${B_KEY}\n"
    (tmp_path / "compose.yaml").write_text(text)
    assert read_by(str(tmp_path / "prod.env")) == ("$A_KEY OKX_KEY", "$A_KEY one", "$B_KEY BYBIT_KEY", "$B_KEY two")


def test_what_two_services_read_as_a_whole_is_of_neither(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "compose.yml").write_text("services:\n  gateio:\n    env_file: .env\n  okx:\n    env_file: .env\n")
    assert read_by(str(tmp_path / ".env")) == ()
    assert all(rule.startswith("generic.") for rule in _rules(engine, tmp_path))


def test_only_environment_files_are_read_by_one(tmp_path: Path) -> None:
    (tmp_path / "compose.yml").write_text(SERVICES["whole"])
    assert read_by(str(tmp_path / "notes.environment.txt")) == ()
    assert read_by(str(tmp_path / "gone" / ".env")) == ()


def test_a_compose_file_that_is_none_says_nothing(tmp_path: Path) -> None:
    for number, text in enumerate(("", "services:", "a: [", "services:\n\tx:\n", "\0\xff", "services:\n" + "  x:\n" * 9)):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "docker-compose.yml").write_text(text, encoding="latin-1")
        assert read_by(str(folder / ".env")) == ()
