"""An image that nobody has: the error says who was asked, and what to do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures("loaded")


def image(name: str, folder: Path, **environment: str) -> tuple[int, str]:
    given = {key: value for key, value in os.environ.items() if key not in ("DOCKER_HOST", "CONTAINER_HOST")}
    done = subprocess.run(
        [sys.executable, "-m", "leakguard", "image", name], cwd=folder, capture_output=True, check=False, timeout=120,
        env={**given, **environment},
    )  # fmt: skip
    return done.returncode, done.stdout.decode() + done.stderr.decode()


def test_a_bare_name_that_nobody_has(tmp_path: Path) -> None:
    code, told = image("app:1", tmp_path, DOCKER_HOST=f"unix://{tmp_path}/none.sock")
    assert code == 2
    for words in (f"{tmp_path}/none.sock: not there", "no registry, for the name has no host", "docker.io/library/app:1",
                  "DOCKER_HOST=unix://PATH", "docker save NAME -o FILE"):  # fmt: skip
        assert words in told


def test_an_engine_elsewhere_is_said_not_to_be_asked(tmp_path: Path) -> None:
    code, told = image("app", tmp_path, DOCKER_HOST="tcp://user:password@127.0.0.1:1")
    assert code == 2
    assert "DOCKER_HOST names no unix:// socket and is not asked" in told
    assert "password" not in told


def test_a_registry_that_does_not_answer_is_told_with_who_was_asked_before(tmp_path: Path) -> None:
    code, told = image("127.0.0.1:1/app:1", tmp_path, DOCKER_HOST=f"unix://{tmp_path}/none.sock")
    assert code == 3
    assert "no answer from 127.0.0.1" in told
    assert f"{tmp_path}/none.sock: not there" in told


def test_an_engine_that_was_asked_for_by_name(tmp_path: Path) -> None:
    code, told = image("docker-daemon:app:1", tmp_path, DOCKER_HOST=f"unix://{tmp_path}/none.sock")
    assert code == 2
    assert f"{tmp_path}/none.sock: not there" in told
