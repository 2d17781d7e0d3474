"""The runtime profile: what its cache may and may not do, and that it finds what the scanner finds."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leakguard.detect import cache
from leakguard.detect.engine import Engine
from leakguard.detect.runs import TOKEN, longest_run
from leakguard.detect.runtime import Runtime, load
from leakguard.redact import Redactor
from leakguard.redact.known import forms
from leakguard.redact.names import TRIGGERS
from tests import leaks
from tests.redact.texts import VIEWS, example_text, secret


def runtime(folder: str) -> Runtime:
    return load(cache.Selection(only=("github", "binance")), key=b"k", extra=TRIGGERS, folder=folder)


def _file(folder: Path) -> Path:
    (path,) = folder.glob("runtime-*.bin")
    return path


def test_what_was_compiled_is_kept_for_this_user_alone(tmp_path: Path) -> None:
    first = runtime(str(tmp_path))
    path = _file(tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    written = path.stat().st_mtime_ns
    again = runtime(str(tmp_path))
    assert path.stat().st_mtime_ns == written
    text, _ = leaks.leak("github", 3)
    assert first.scan(text) == again.scan(text) != []


@pytest.mark.parametrize("damage", [b"", b"leakguard-runtime-3\n", b"x" * 5000])
def test_a_damaged_or_foreign_cache_is_made_again(tmp_path: Path, damage: bytes) -> None:
    runtime(str(tmp_path))
    path = _file(tmp_path)
    good = path.read_bytes()
    path.write_bytes(damage or good[:-100])
    assert runtime(str(tmp_path)).scan(leaks.leak("github", 3)[0])
    assert len(path.read_bytes()) == len(good)
    assert path.read_bytes()[:1000] == good[:1000] != damage[:1000]
    path.chmod(0o666)
    runtime(str(tmp_path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_folder_that_cannot_be_written_means_no_cache(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert runtime(str(tmp_path / "file" / "below")).scan(leaks.leak("github", 3)[0])
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("kind", sorted(leaks.TEMPLATES))
@pytest.mark.parametrize("name", ["base64", "hex", "json in json", "utf-16le", "percent", ""])
def test_it_finds_what_the_scanner_finds(engine: Engine, environment: str, kind: str, name: str) -> None:
    made = load(key=b"", extra=TRIGGERS, folder=environment)
    text, _ = leaks.leak(kind, 4)
    data = leaks.ENCODINGS[name](text) if name else text
    scanned = {(m.secret_start, m.secret_end, engine.rules[m.rule].id) for m in engine.scan(data).matches}
    assert {(found.start, found.end, found.rule) for found in made.whole(data)} == scanned
    if 0 not in data:  # of two-byte text no trigger ends: the Redactor has all of it looked at
        assert {(found.start, found.end, found.rule) for found in made.judge(data, made.scan(data))} == scanned


# ---------------------------------------------------------------- the guard
@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 1 << 32), st.sampled_from(sorted(VIEWS)))
def test_the_guard_fires_wherever_a_rule_does(redactor: Redactor, seed: int, view: str) -> None:
    text = example_text(seed)
    try:
        data = VIEWS[view](text)[:4096]
    except ValueError:
        return
    merged = redactor.runtime.merged
    redactor._look(b"a quiet line")  # whoever saw a secret does not ask the guard
    if merged.scan(data):
        assert redactor._look(data) is not None


@pytest.mark.parametrize("value", [secret(1), secret(2, "{{hex*64}}"), "short-9A", "p&ss w'rd 100", "naïve-ключ-пароль", secret(3) * 3])
def test_the_guard_sees_every_form_of_a_registered_value(environment: str, value: str) -> None:
    own = Redactor(cache_folder=environment)
    own.register(value)
    for form in forms(value.encode()):
        for text in (form.text, form.text.upper() if form.any_case else form.text):
            own._look(b"a quiet line")
            assert own._look(b"- " + text + b" -") is not None, form


@pytest.mark.parametrize(
    ("pattern", "run", "needs"),
    [
        ("ghp_[A-Za-z0-9]{36}", 40, b"ghp_"),
        ("(?:a|bcd)[0-9]{3,9}", 4, b""),
        ("(?i)key[\\x22 ]{0,2}[0-9a-f]{20}", 20, b"key"),
        ("[^a]{30}", 0, b""),
        ("x(?:%[0-9]{2}){3}y?", 2, b"x%"),
        ("a{0}b*c", 1, b"c"),
        ("[A-Z]{2}(?=x)[a-z]{30}", 30, b""),
        ("\\n[\\w+/-]{21}\\.", 21, b"\n."),
    ],
)
def test_what_every_match_has(pattern: str, run: int, needs: bytes) -> None:
    sure = longest_run(pattern, TOKEN)
    assert sure.run == run
    assert sure.needs == frozenset(needs)
