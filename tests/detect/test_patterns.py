"""Kept patterns: the same matches as compiled ones, and nothing that is handed over can change what matches."""

from __future__ import annotations

import re
import subprocess
import sys
from array import array
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakguard.detect import cache, kept, patterns

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
    shelf = kept.Shelf(lambda: b"here")
    refused = array("I", [99, 98, 97]).tobytes()
    shelf.take(kept.packed(b"here", [(patterns._name(text, 0), [0, 1, {"digit": 1}], refused)]))
    monkeypatch.setattr(patterns, "_shelf", shelf)
    found = patterns.compiled(text).search(b"xa7b")
    assert found is not None
    assert found["digit"] == b"7"


@given(st.binary(max_size=200))
def test_kept_patterns_match_as_compiled_ones(data: bytes) -> None:
    for (pattern, flags), stored in _restored().items():
        if isinstance(pattern, bytes):
            fresh = re.compile(pattern, flags)
            assert [found.regs for found in fresh.finditer(data)] == [found.regs for found in stored.finditer(data)]
            assert fresh.groupindex == stored.groupindex


@lru_cache
def _restored() -> dict[tuple[str | bytes, int], re.Pattern[bytes]]:
    """Every pattern, made from its kept code."""
    blob = patterns.stored()
    before, patterns._asked = patterns._asked, {}
    library, patterns.re = patterns.re, SimpleNamespace(compile=_none)  # type: ignore[assignment, attr-defined]
    try:
        patterns.take(blob)
        made = {key: patterns.compiled(*key) for key in before}
        assert len(made) > 100
    finally:
        patterns._asked, patterns.re = before, library  # type: ignore[attr-defined]
    return made


def _none(*_: object) -> None:
    raise AssertionError("it was not kept")


@given(st.lists(st.tuples(st.binary(max_size=9), st.integers(), st.binary(max_size=30)), max_size=9), st.integers(0, 400))
def test_a_shelf_gives_what_it_was_given_and_nothing_when_it_is_cut(rows: list[tuple[bytes, int, bytes]], end: int) -> None:
    blob = kept.packed(b"here", rows)
    whole, cut, foreign = (kept.Shelf(lambda: b"here"), kept.Shelf(lambda: b"here"), kept.Shelf(lambda: b"there"))
    for shelf, part in ((whole, blob), (cut, blob[: min(end, len(blob) - 1)]), (foreign, blob)):
        shelf.take(part)
    last = {key: (about, code) for key, about, code in rows}
    assert {key: whole.get(key) for key in last} == last
    assert not any(shelf.get(key) for key in last for shelf in (foreign, cut))


def test_the_rules_cache_holds_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[bytes] = []
    selection = cache.Selection(only=("bip39.mnemonic",))
    cache.warm(selection, str(tmp_path))
    monkeypatch.setattr(patterns, "take", given.append)
    assert cache.load(selection, 0, str(tmp_path)).state == "warm"
    assert given == [patterns.stored()]
