"""The runtime profile: what its cache may and may not do, and that it finds what the scanner finds."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from leakguard.detect import cache
from leakguard.detect.engine import Engine
from leakguard.detect.runtime import Runtime, load
from leakguard.redact.names import TRIGGERS
from tests import leaks


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


@pytest.mark.parametrize("damage", [b"", b"leakguard-runtime-2\n", b"x" * 5000])
def test_a_damaged_or_foreign_cache_is_made_again(tmp_path: Path, damage: bytes) -> None:
    runtime(str(tmp_path))
    path = _file(tmp_path)
    good = path.read_bytes()
    path.write_bytes(damage or good[:-100])
    assert runtime(str(tmp_path)).scan(leaks.leak("github", 3)[0])
    assert path.read_bytes() == good
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
