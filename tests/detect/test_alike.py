"""Paths that have the same say: alike only where nothing that looks at a path could tell them apart."""

from __future__ import annotations

from random import Random

import pytest

from leakguard.detect.alike import Alike
from leakguard.detect.engine import Engine
from leakguard.detect.generate import expand


@pytest.mark.parametrize(
    "one, other, same",
    [
        ("usr/lib/python3/x/a.py", "root/venv/lib/x/a.py", True),
        ("a/__pycache__/a.cpython-311.pyc", "a/__pycache__/a.cpython-311.opt-2.pyc", True),
        ("a/b.py", "a/b.py", True),
        ("a/b.py", "a/c.py", False),  # what a file is called may say all
        ("a/b.py", "a/b.txt", False),
        ("a/b.opt-1.txt", "a/b.txt", False),
        ("src/binance/config.py", "src/other/config.py", False),  # a venue is named
        ("src/binance/config.py", "lib/binance/config.py", True),
        ("a/x.pem", "b/x.pem", True),
        ("blob/" + "0" * 40, "blob/" + "12" * 20, True),  # an id says nothing
        ("blob/" + "0" * 40, "blob/" + "12" * 32, True),
        ("blob/" + "0" * 40, "blob/" + "12" * 19, False),
        ("blob/" + "0" * 40, "blob/12aad" + "1" * 35, True),  # nor who is called by letters that digits are
        ("blob/" + "0" * 40, "binance/" + "0" * 40, False),
        ("my-wallet-stuff/x.txt", "other/x.txt", False),  # a rule's glob
    ],
)
def test_alike(one: str, other: str, same: bool, engine: Engine) -> None:
    globs = [index for index, rule in enumerate(engine.rules) if rule.include or rule.exclude]
    alike = Alike(engine)
    if one.startswith("my-wallet"):
        told = any(engine._path_allowed(index, one) != engine._path_allowed(index, other) for index in globs)
        assert alike(one, other) is not told
        return
    assert alike(one, other) is same
    assert alike(other, one) is same


TEXTS = (
    "GITHUB_TOKEN={{gen:github ghp_}}", "api_key = '{{alnum*64}}'", '{"apiKey": "{{alnum*64}}", "secret": "{{alnum*64}}"}',
    "binance_secret: {{alnum*64}}", "password = '{{alnum*20}}'", "machine example.org login me password {{alnum*20}}",
    "{{alnum*64}}\n{{alnum*64}}\n", "okx,{{alnum*64}},{{alnum*64}}\nbybit,{{alnum*64}},{{alnum*64}}\n",
    "postgres://me:{{alnum*20}}@db/x", "export AWS_SECRET_ACCESS_KEY={{alnum*40}}", "the key is `{{alnum*64}}`",
)  # fmt: skip


@pytest.mark.parametrize("name", ["settings.py", "notes.txt", "a.key", ".env", "x.yaml", "keys.txt", "t.csv", "A.java"])
def test_under_paths_that_are_alike_the_same_is_found(name: str, engine: Engine) -> None:
    """What is assumed of the engine: of folders only venues and globs have a say."""
    alike = Alike(engine)
    rng = Random(5)
    found = 0
    for template in TEXTS:
        text = expand(template, rng).encode()
        one, other = name, f"srv/data/2024/{name}"
        assert alike(one, other)
        matches = engine.scan(text, one).matches
        assert matches == engine.scan(text, other).matches, template
        found += len(matches)
    assert found > 3
