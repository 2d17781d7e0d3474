"""Fixtures for everything: the built-in rules compiled once, a cache folder of the session's own, no outer settings."""

from __future__ import annotations

import gc
import os
import re
from collections.abc import Generator, Iterator
from typing import Any

import pytest
from hypothesis import settings

from leakguard.detect import cache
from leakguard.detect.engine import Engine

LACKING = re.compile(
    r"not installed|could not import|[Nn]o module named|\bneeds (?!/proc|a second file system)|^(Skipped: )?no [\w.-]+\Z"
)
"""Reasons of a skip that say that a tool or a package is missing."""
LENT = "no part of the extra dev"
"""What such a reason says of a package that this project does not install for its tests."""

settings.register_profile("suite", deadline=None, derandomize=True, database=None)
settings.load_profile("suite")


def _no_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Where LEAKGUARD_CI is set nothing may be lacking: a test that skips for a missing tool has failed."""
    if "LEAKGUARD_CI" not in os.environ or not report.skipped or hasattr(report, "wasxfail"):
        return
    reason = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)
    if LACKING.search(reason) and LENT not in reason:
        report.outcome = "failed"
        report.longrepr = f"skipped, and LEAKGUARD_CI is set: {reason}"


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, None]:
    outcome = yield
    _no_skip(outcome.get_result())


@pytest.hookimpl(hookwrapper=True)
def pytest_make_collect_report() -> Generator[None, Any, None]:
    outcome = yield
    _no_skip(outcome.get_result())


@pytest.fixture(autouse=True)
def thawed() -> Iterator[None]:
    """A command freezes what it loaded, for its process ends soon. This one goes on: three gigabytes by the end."""
    thresholds = gc.get_threshold()
    yield
    if gc.get_freeze_count():
        gc.unfreeze()
        gc.set_threshold(*thresholds)
        gc.collect()


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
