"""The session's engine for `made.scan`; nobody's own logins and engines are looked at."""

from __future__ import annotations

from pathlib import Path

import made
import pytest

from leakguard.detect.engine import Engine


@pytest.fixture(autouse=True)
def alone(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made.ENGINE[:] = [engine]
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "no-docker"))
    for name in ("CONTAINER_HOST", "REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR", "LEAKGUARD_REGISTRY_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
