"""What a container says its members are about: a venue named in another cell of a notebook, in the subject of a mail."""

from __future__ import annotations

import json
from email.message import EmailMessage
from pathlib import Path
from random import Random
from typing import Any

import pytest

from leakguard.collector import Collector
from leakguard.detect.alike import Alike
from leakguard.detect.engine import Engine
from leakguard.detect.generate import expand
from leakguard.model import Origin
from leakguard.pipeline import scan_files
from leakguard.sources.inside.limits import Limits
from leakguard.sources.windows import FileTask
from leakguard.work import Policy

KEY, SECRET = expand("{{alnum*18}}", Random(1)), expand("{{alnum*36}}", Random(2))
PAIR = f"api_key = '{KEY}'\napi_secret = '{SECRET}'\n"


def providers(engine: Engine, *about: str, text: str = PAIR) -> list[str]:
    origin = Origin("view", "cell-2.py", None, (), about)
    return [engine.rules[match.rule].provider for match in engine.scan(text.encode(), origin.told).matches]


@pytest.mark.parametrize("about", [("Bybit API keys",), ("nb.ipynb", "ccxt.pro", "bybit"), ("bybit/nb.ipynb",), ("api.bybit.com",)])
def test_a_venue_is_taken_from_what_the_container_says(engine: Engine, about: tuple[str, ...]) -> None:
    assert providers(engine) == ["generic", "generic"]
    assert providers(engine, *about) == ["bybit", "bybit"]


def test_what_the_text_says_is_nearer_than_what_the_container_says(engine: Engine) -> None:
    assert providers(engine, "Bybit", text=f"\nex = ccxt.kraken()\n\n{PAIR}") == ["bybit", "bybit"]  # no key of Kraken's looks so
    swapped = f"exchange = 'gate'\n\napi_secret = '{expand('{{hex*64}}', Random(3))}'\n"
    assert providers(engine, "Bitget", text=swapped) == ["gate"]


def test_of_two_that_are_named_the_nearer_is_meant(engine: Engine) -> None:
    text = f"api_secret = '{expand('{{hex*64}}', Random(3))}'\n"
    assert providers(engine, "Gate.io", "Bitget", text=text) == ["bitget"]
    assert providers(engine, "Bitget", "Gate.io", text=text) == ["gate"]


def test_no_filter_of_paths_sees_what_it_is_about(engine: Engine) -> None:
    """A subject is written by whoever sent the mail: it turns no rule on or off."""
    bare, told = Origin("view", "part-1.txt"), Origin("view", "part-1.txt", None, (), ("tests/fixtures/kraken.key",))
    for index, rule in enumerate(engine.rules):
        if rule.include or rule.exclude:
            assert engine._path_allowed(index, bare.told) == engine._path_allowed(index, told.told)
    assert not Alike(engine)(bare.told, told._replace(about=("Bybit",)).told)
    lines = f"{expand('{{b64*56}}', Random(1))}\n{expand('{{b64*85}}Q==', Random(2))}\n".encode()
    assert engine.scan(lines, Origin("view", "a.md", None, (), ("kraken.key",)).told).matches == []


def cell(source: str, kind: str = "code") -> dict[str, Any]:
    return {"cell_type": kind, "metadata": {}, "source": source.splitlines(keepends=True), "outputs": []}


def mail(body: str) -> bytes:
    message = EmailMessage()
    message["From"], message["Subject"] = "a@example.com", "the Bybit keys"
    message.set_content(body)
    return message.as_bytes()


def book(*cells: dict[str, Any]) -> bytes:
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


HEADED = book(cell("## Bybit\n", "markdown"), cell(PAIR))
FILES = {
    "import.ipynb": book(cell("from pybit.unified_trading import HTTP\nimport pandas\n"), cell(PAIR)),
    "heading.ipynb": HEADED,
    "after.ipynb": book(cell(PAIR), cell("import ccxt\nex = ccxt.bybit()\n")),
    "named.ipynb": book(cell("EXCHANGE = 'bybit'\n"), cell(f"key = '{KEY}'\n"), cell(f"secret = '{SECRET}'\n")),
    "two.ipynb": book(cell("# Gate.io\n", "markdown"), cell("x = 1\n"), cell("# Bybit\n", "markdown"), cell(PAIR)),
    "subject.eml": mail(PAIR),
}


def found(engine: Engine, path: Path, jobs: int) -> tuple[list[tuple[str, str, str]], list[bool]]:
    paths = sorted(path.iterdir())
    collector = Collector()
    tasks = [FileTask(each.name, str(each), each.stat().st_size) for each in paths]
    scan_files(tasks, lambda _: engine, Policy(inside=Limits()), jobs, collector)
    result = collector.result()
    return sorted((str(f.origin), f.provider, f.part) for f in result.findings), [one.complete for one in result.sets]


@pytest.mark.parametrize("name", FILES)
def test_a_container_names_the_venue_of_its_members(engine: Engine, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(FILES[name])
    findings, whole = found(engine, tmp_path, 1)
    assert [(provider, part) for _, provider, part in findings] == [("bybit", "api-key"), ("bybit", "api-secret")]
    assert whole == [True]


def test_several_processes_find_the_same(engine: Engine, tmp_path: Path) -> None:
    for number in range(40):
        for name, data in FILES.items():
            (tmp_path / f"{number}{name}").write_bytes(data)
    assert found(engine, tmp_path, 1) == found(engine, tmp_path, 2)


def test_two_accounts_in_four_cells_are_left_apart(engine: Engine, tmp_path: Path) -> None:
    other = [expand("{{alnum*18}}", Random(3)), expand("{{alnum*36}}", Random(4))]
    cells = [cell(f"{name} = '{value}'\n") for name, value in zip(("key", "secret") * 2, (KEY, SECRET, *other), strict=True)]
    (tmp_path / "four.ipynb").write_bytes(book(cell("# Bybit\n", "markdown"), *cells))
    findings, whole = found(engine, tmp_path, 1)
    assert len(findings) == 4
    assert not any(whole)


def test_a_notebook_of_many_cells_takes_time_in_proportion(engine: Engine, tmp_path: Path) -> None:
    """What all cells say is gone through once, and each cell is told the nearest of it."""
    (tmp_path / "long.ipynb").write_bytes(book(*[cell(f"import module{n}\n") for n in range(4000)], cell(PAIR)))
    assert [provider for _, provider, _ in found(engine, tmp_path, 1)[0]] == ["generic", "generic"]


@pytest.mark.parametrize("source", [{"a": 1}, [1, 2], None, 7, ["x", None]])
def test_a_source_that_is_no_text_says_nothing(engine: Engine, tmp_path: Path, source: object) -> None:
    odd = {"cell_type": "code", "metadata": {}, "source": source, "outputs": []}
    (tmp_path / "odd.ipynb").write_bytes(book(odd, cell(PAIR)))
    assert [provider for _, provider, _ in found(engine, tmp_path, 1)[0]] == ["generic", "generic"]


def test_a_name_cannot_say_what_its_text_is_about(engine: Engine) -> None:
    """Names are an archive's maker's: what ends a hint ends none there."""
    for sign in ("\0", "\x1f"):
        named = Origin("view", f"Bybit{sign}cell-2.py")
        plain = Origin("view", "Bybit cell-2.py")
        assert [m.rule for m in engine.scan(PAIR.encode(), named.told).matches] == [
            m.rule for m in engine.scan(PAIR.encode(), plain.told).matches
        ]
        hidden = Origin("view", f"tests/fixtures/{sign}kraken.key")
        for index in range(len(engine.rules)):
            assert engine._path_allowed(index, hidden.told) == engine._path_allowed(index, hidden.told.replace(sign, " "))
