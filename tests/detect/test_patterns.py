"""Kept patterns: the same matches as compiled ones, and nothing that is handed over can change what matches."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakguard.detect import cache, patterns

PROBE = """
import re, sys
from pathlib import Path
from types import SimpleNamespace
from leakguard.detect import patterns
compiles = []
patterns.re = SimpleNamespace(compile=lambda *args: compiles.append(args) or re.compile(*args))
patterns.take(Path(sys.argv[1]).read_bytes())
from leakguard.detect import assign, context, decode, phrases
from leakguard.detect.gates import likeness
print(len(compiles), assign._BACK.match(b'"= yek_ipa')["name"][::-1].decode())
"""


def probe(tmp_path: Path, blob: bytes) -> tuple[int, str]:
    """(patterns compiled, the name an assignment's pattern reads) in a new interpreter that was handed `blob`."""
    kept = tmp_path / "kept"
    kept.write_bytes(blob)
    out = subprocess.run([sys.executable, "-c", PROBE, str(kept)], capture_output=True, text=True, check=True).stdout
    count, name = out.split()
    return int(count), name


def test_kept_code_saves_every_compile_and_matches_the_same(tmp_path: Path) -> None:
    assert probe(tmp_path, patterns.stored()) == (0, "api_key")


@pytest.mark.parametrize(
    "change",
    [
        lambda blob: b"",
        lambda blob: b"9.9.9" + blob,
        lambda blob: blob.replace(sys.version.split()[0].encode(), b"3.1.4", 1),
    ],
    ids=["nothing", "foreign", "another version"],
)
def test_code_of_another_python_is_not_taken(tmp_path: Path, change: object) -> None:
    count, name = probe(tmp_path, change(patterns.stored()))  # type: ignore[operator]
    assert count > 50
    assert name == "api_key"


def test_code_that_the_engine_refuses_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    text = rb"a(?P<digit>[0-9])b|never asked for before"
    monkeypatch.setattr(patterns, "_given", {(text, 0): (0, 1, {"digit": 1}, 0, 3)})
    monkeypatch.setattr(patterns, "_codes", patterns.array("I", [99, 98, 97]))
    found = patterns.compiled(text).search(b"xa7b")
    assert found is not None
    assert found["digit"] == b"7"


@given(st.binary(max_size=200))
def test_kept_patterns_match_as_compiled_ones(data: bytes) -> None:
    for (pattern, flags), kept in _restored().items():
        if isinstance(pattern, bytes):
            fresh = re.compile(pattern, flags)
            assert [found.regs for found in fresh.finditer(data)] == [found.regs for found in kept.finditer(data)]
            assert fresh.groupindex == kept.groupindex


@lru_cache
def _restored() -> dict[tuple[str | bytes, int], re.Pattern[bytes]]:
    """Every pattern, made from its kept code."""
    blob = patterns.stored()
    before, patterns._asked = patterns._asked, {}
    try:
        patterns.take(blob)
        made = {key: patterns.compiled(*key) for key in before}
        assert len(made) > 100
        assert not patterns._given
    finally:
        patterns._asked = before
    return made


def test_the_rules_cache_holds_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[bytes] = []
    selection = cache.Selection(only=("bip39.mnemonic",))
    cache.warm(selection, str(tmp_path))
    monkeypatch.setattr(patterns, "take", given.append)
    assert cache.load(selection, 0, str(tmp_path)).state == "warm"
    assert given == [patterns.stored()]
