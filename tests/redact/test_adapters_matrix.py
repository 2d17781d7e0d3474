"""The leak-path matrix: without install() every row leaks, with it none but those of the file descriptors, with the
guard of these none at all; for logging, structlog and loguru each. Real processes; nothing is replaced but the secrets.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from functools import cache

import paths
import pytest

BACKENDS = ("logging", "structlog", "loguru")
BARE, INSTALLED, WITH_FDS = 0, 1, 2
CASES = [(backend, name) for backend in BACKENDS for name in paths.rows(backend)]


@pytest.fixture(scope="session")
def written(environment: str, tmp_path_factory: pytest.TempPathFactory):
    """Everything that a run of paths.py wrote, anywhere."""

    @cache
    def run(backend: str, guarded: int) -> str:
        if backend != "logging" and importlib.util.find_spec(backend) is None:
            pytest.skip(f"{backend} is not installed (extra dev)")
        folder = tmp_path_factory.mktemp(f"{backend}{guarded}")
        done = subprocess.run(
            [sys.executable, paths.__file__, backend, str(folder), str(guarded)],
            capture_output=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 1, done.stderr.decode()[-2000:]  # the last row ends it
        files = b"".join(path.read_bytes() for path in sorted(folder.iterdir()))
        return (done.stdout + done.stderr + files).decode("utf-8", "replace")

    return run


@pytest.mark.parametrize(("backend", "name"), CASES)
def test_row_leaks_without(written, backend: str, name: str) -> None:
    assert _leaks(written(backend, BARE), name)


@pytest.mark.parametrize(("backend", "name"), CASES)
def test_row_is_closed(written, backend: str, name: str) -> None:
    out = written(backend, INSTALLED)
    assert _leaks(out, name) == (name in paths.FDS)  # that these still leak is why there is the other guard
    assert f"<redacted:matrix.{name}" in out or name in SPEECHLESS or name in paths.FDS


@pytest.mark.parametrize(("backend", "name"), CASES)
def test_row_is_closed_by_fds(written, backend: str, name: str) -> None:
    out = written(backend, WITH_FDS)
    assert not _leaks(out, name)
    assert f"<redacted:matrix.{name}" in out or name in SPEECHLESS


SPEECHLESS = {"diagnose"}
"""Rows in which nothing is left to be masked."""


def test_lines_are_not_lost(written) -> None:
    for guarded in (INSTALLED, WITH_FDS):
        out = written("logging", guarded)
        assert "unpacked 127.0.0.1:4 GET /x?token=<redacted:matrix.unpacking_formatter" in out
        assert "1.1 200" in out
        assert out.count("--- Logging error ---") == 2


def _leaks(out: str, name: str) -> bool:
    secret = paths.secret_of(name)
    return any(secret[at : at + 20] in out for at in range(0, 28, 7))
