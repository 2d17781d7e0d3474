"""The law of detect/twin.py: what is called silent has no matches elsewhere, and the views that are told."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from leaks import ENCODINGS, TEMPLATES, leak, noise

import leakguard.detect.gates
from leakguard.detect.engine import Engine
from leakguard.detect.generate import expand
from leakguard.detect.twin import ASKING, ELSEWHERE, Twin

ID = "blob/" + "1c" * 20
NAMES = (
    "settings.py", "notes.txt", "a.key", ".env", "x.yaml", "keys.txt", "t.csv", "A.java", "README.md", "a.cs", "src/binance/config.py",
    "lib/okx.js", "x", "deep/kraken.key", "docs/bybit.rst",
)  # fmt: skip
TEXTS = (
    "GITHUB_TOKEN={{gen:github ghp_}}", "api_key = '{{alnum*64}}'", "api_key = {{alnum*64}}", '{"apiKey": "{{alnum*64}}", "secret": "{{alnum*64}}"}',
    "secret: {{alnum*64}}", "password = {{alnum*12}}", "password: hunter{{digits*3}}", "self.password = get_it(x)", "token = {{alnum*20}};",
    "{{alnum*64}}\n{{alnum*64}}\n", "okx,{{alnum*64}},{{alnum*64}}\nbybit,{{alnum*64}},{{alnum*64}}\n", '{"name": "password", "value": "{{alnum*20}}"}',
    '{ "password", "{{alnum*20}}" },', "key={{hex*32}}", "export AWS_SECRET_ACCESS_KEY={{alnum*40}}", "the key is `{{alnum*64}}`",
    "apiSecret={{alnum*43}}", "passphrase = {{alnum*9}}", "words that say nothing of it", "x = call(a, b)  # secret: {{alnum*5}}",
)  # fmt: skip


@pytest.fixture(scope="module")
def twin(engine: Engine) -> Twin:
    return Twin(engine)


def held(engine: Engine, twin: Twin, data: bytes, path: str) -> bool:
    """Holds one text to the law. Was it called silent?"""
    twin.begin()
    scan, plain = twin.scan(data, path), engine.scan(data, path)
    assert scan == plain
    silent = twin.silent()
    if silent is None:
        return False
    for where in (ELSEWHERE, ID):
        there = engine.scan(data, where)
        assert not there.matches
        assert not there.incidents
        assert silent == (data, there.views, there.view_bytes)
    return True


@pytest.mark.parametrize("name", NAMES)
def test_of_what_is_silent_nothing_is_found_elsewhere(name: str, engine: Engine, twin: Twin) -> None:
    rng = Random(name)
    count = 0
    for template in TEXTS:
        for filling in ("", "some words\n", "# Binance\n"):
            count += held(engine, twin, (filling + expand(template, rng) + "\n").encode(), name)
    assert count >= 4


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(TEXTS), min_size=1, max_size=5), st.sampled_from(NAMES), st.integers(0, 10_000))
def test_texts_of_chance(texts: list[str], name: str, seed: int) -> None:
    engine, twin = KEPT
    rng = Random(seed)
    lines = []
    for text in texts:
        lines += [noise(rng.randrange(99), rng.choice((0, 60, 900))), expand(text, rng).encode()]
    held(engine, twin, b"\n".join(lines), name)


KEPT: tuple[Engine, Twin]


@pytest.fixture(scope="module", autouse=True)
def kept(engine: Engine, twin: Twin) -> None:
    global KEPT  # noqa: PLW0603 - hypothesis asks for no fixtures of functions
    KEPT = engine, twin


def test_nothing_that_leaks_is_silent(engine: Engine, twin: Twin) -> None:
    for number, kind in enumerate(sorted(TEMPLATES)):
        text, _ = leak(kind, number)
        for encode in ENCODINGS.values():
            data = noise(number, 300) + b"\n" + encode(text) + b"\n" + noise(number, 300)
            assert held(engine, twin, data, "a.py") is False or not engine.scan(data, ID).matches


@pytest.mark.parametrize("width", [64, 76])
def test_what_is_folded_in_a_program_is_looked_at(width: int, engine: Engine, twin: Twin) -> None:
    """In programs nobody looks for folds; the blob is called nothing."""
    rng = Random(4)
    line = "some words before it and then, behind some more of " + expand("{{gen:github ghp_}}", rng)
    folded = "\n".join(line[at : at + width] for at in range(0, len(line), width)).encode() + b"\n"
    assert not engine.scan(folded, "a.py").matches
    assert engine.scan(folded, ID).matches
    assert not held(engine, twin, folded, "a.py")


def test_parts_and_files_of_members_are_not_silent(twin: Twin) -> None:
    twin.begin()
    twin.scan(b"one", "a", size=5)
    assert twin.silent() is None
    twin.begin()
    twin.scan(b"one", "a")
    twin.scan(b"two", "b")
    assert twin.silent() is None


def test_no_other_gate_looks_at_the_path() -> None:
    folder = Path(leakguard.detect.gates.__file__).parent
    asking = {path.stem for path in folder.glob("*.py") if re.search(r"candidate\.path\b", path.read_text(encoding="utf-8"))}
    assert asking == {"likeness", "foreign"}
    assert {name for name, row in leakguard.detect.gates.TABLE.items() if row[0] in asking} - {"shannon_at_least"} >= ASKING - {"value_like"}
