"""Fixtures for everything: the built-in rules compiled once, a cache folder of the session's own, no outer settings."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from leakguard.detect import cache
from leakguard.detect.engine import Engine

settings.register_profile("suite", deadline=None, derandomize=True, database=None)
settings.load_profile("suite")


@pytest.fixture(scope="session", autouse=True)
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The session's cache folder. Nobody's own configuration or cache is looked at, in child processes neither."""
    folder = str(tmp_path_factory.mktemp("cache"))
    patch = pytest.MonkeyPatch()
    patch.setenv("LEAKGUARD_CACHE_DIR", folder)
    for name in [name for name in os.environ if name.startswith(("LEAKGUARD_CONFIG", "GIT_"))]:
        patch.delenv(name)
    patch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    yield folder
    patch.undo()


@pytest.fixture(scope="session")
def loaded(environment: str) -> cache.Loaded:
    """The built-in rules, compiled; the cache folder has them from then on."""
    return cache.load(cache.Selection(), cache.FULL_COMPILE_AT, environment)


@pytest.fixture(scope="session")
def engine(loaded: cache.Loaded) -> Engine:
    """An engine of the built-in rules that keeps secrets, so that a test can tell what was found."""
    return Engine(loaded.ruleset, loaded.stage1, keep_secrets=True)
