"""Temporary folders of these tests lie in the tests' own: those of scans that are killed, too."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from repos import Repository


@pytest.fixture(autouse=True)
def own_temporary_folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path_factory.mktemp("temporary")
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return folder


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "repo", "-b", "main")
    made.commit("a.txt", "clean\n")
    return made
