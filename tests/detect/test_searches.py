"""Kept second-stage patterns: the same matches as compiled ones, and nothing that is handed over can change what matches."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest
import regex
from regex import _regex

from leakguard.detect import kept, searches
from leakguard.detect.cache import Selection, load
from leakguard.detect.sample import sample

TEXTS = ("(?P<secret>ab{2,3}c)(?i:x)", "(?<![0-9a-z])acme_(?P<secret>[0-9a-f]{24})(?![0-9a-z])", "\u00fc+")


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was handed over before, and what is here, is of this test alone."""
    monkeypatch.setattr(searches, "_shelf", kept.Shelf(searches._build))


def counted(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Every pattern that is compiled from now on."""
    seen: list[bytes] = []
    compile_ = regex.compile

    def compiling(pattern: bytes) -> object:
        seen.append(pattern)
        return compile_(pattern)

    monkeypatch.setattr(regex, "compile", compiling)
    return seen


def rules_texts() -> Iterator[str]:
    for rule in load(Selection(), folder="").ruleset.rules:
        yield from filter(None, (rule.pattern, rule.shape))


def test_every_rules_kept_pattern_finds_what_the_compiled_one_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = sorted(set(rules_texts()))
    fresh = [regex.compile(text.encode()) for text in texts]
    searches.take(searches.stored(texts))
    compiled = counted(monkeypatch)
    rng = Random(20)
    told = 0
    for text, other in zip(texts, fresh, strict=True):
        kept = searches.search_of(text)
        assert (kept.pattern, kept.flags, kept.groupindex, kept.groups) == (other.pattern, other.flags, other.groupindex, other.groups)
        data = b"\n".join(sample(text, rng) for _ in range(3))
        found = [match.regs for match in kept.finditer(data)]
        told += bool(found)
        assert found == [match.regs for match in other.finditer(data)], text
    assert not compiled
    assert told > len(texts) // 2, "nothing was compared"


@pytest.mark.parametrize(
    "change",
    [
        lambda blob: b"",
        lambda blob: b"9.9.9" + blob,
        lambda blob: blob.replace(str(os.stat(_regex.__file__).st_mtime_ns).encode(), b"1", 1),
        lambda blob: blob[:-1],
        lambda blob: blob[: len(blob) // 2],
    ],
    ids=["nothing", "another Python", "another regex", "cut", "half"],
)
def test_code_that_is_not_for_this_program_is_not_taken(change: Callable[[bytes], bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    searches.take(change(searches.stored(TEXTS)))
    compiled = counted(monkeypatch)
    assert searches.search_of(TEXTS[0]).search(b"xabbcX")["secret"] == b"abbc"
    assert compiled == [TEXTS[0].encode()]


def test_a_pattern_nobody_kept_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    searches.take(searches.stored(TEXTS))
    compiled = counted(monkeypatch)
    assert searches.search_of("k(?P<secret>[0-9]+)").search(b"k42")["secret"] == b"42"
    assert compiled == [b"k(?P<secret>[0-9]+)"]


PROBE = """
import sys
from pathlib import Path
from leakguard.detect import searches
searches.take(Path(sys.argv[1]).read_bytes())
print(sorted(name for name in sys.modules if "regex" in name))
print(searches.search_of(sys.argv[2]).search(b"xabbcX", timeout=1)["secret"])
print(sorted(name for name in sys.modules if "regex" in name))
import regex
print(regex.compile(rb"b+").search(b"abb")[0], regex._main._regex is sys.modules["regex._regex"])
"""


def test_a_kept_pattern_needs_no_compiler_and_what_comes_later_has_it(tmp_path: Path) -> None:
    """Nothing of regex is imported before a pattern is asked for, and then its machine alone."""
    kept = tmp_path / "kept"
    kept.write_bytes(searches.stored(TEXTS))
    out = subprocess.run([sys.executable, "-c", PROBE, str(kept), TEXTS[0]], capture_output=True, text=True, check=True).stdout
    assert out.splitlines() == ["[]", "b'abbc'", "['regex._regex']", "b'bb' True"]


def test_a_pattern_that_is_not_kept_brings_the_compiler(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.write_bytes(searches.stored(TEXTS[1:]))
    out = subprocess.run([sys.executable, "-c", PROBE, str(kept), TEXTS[0]], capture_output=True, text=True, check=True).stdout
    assert out.splitlines()[1] == "b'abbc'"
    assert "'regex._regex_core'" in out.splitlines()[2]
