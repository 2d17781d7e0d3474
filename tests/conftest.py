"""Fixtures for everything: the built-in rules compiled once, a cache folder of the session's own, no outer settings."""

from __future__ import annotations

import gc
import os
import re
from collections import OrderedDict
from collections.abc import Generator, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from leakguard.detect import cache, packfiles, rules, stage1
from leakguard.detect.engine import Engine
from leakguard.model import RuleSet

LACKING = re.compile(
    r"not installed|could not import|[Nn]o module named|\bneeds (?!/proc|a second file system)|^(Skipped: )?no [\w.-]+\Z"
)
"""Reasons of a skip that say that a tool or a package is missing."""
LENT = "no part of the extra dev"
"""What such a reason says of a package that this project does not install for its tests."""
MOST_WORKERS = 8
COMPILED = 64
"""Databases that are kept for the tests to come."""

LONGEST_NAME = 40
"""Bytes of a parameter that may stand in the name of a test."""

# How long examples take to make says how busy the machine is; no test is timed
settings.register_profile(
    "suite", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("suite")


def _no_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Where LEAKGUARD_CI is set nothing may be lacking: a test that skips for a missing tool has failed."""
    if "LEAKGUARD_CI" not in os.environ or not report.skipped or hasattr(report, "wasxfail"):
        return
    reason = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)
    if LACKING.search(reason) and LENT not in reason:
        report.outcome = "failed"
        report.longrepr = f"skipped, and LEAKGUARD_CI is set: {reason}"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int | None:
    """`-n auto`: a process for each processor that this one may use, but not dozens: each holds all tests and rules."""
    if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None
    mine = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(mine, MOST_WORKERS)


def pytest_make_parametrize_id(config: pytest.Config, val: object, argname: str) -> str | None:
    """Made bytes are no name: a gzip header holds the second it was made in, and each worker must collect the same tests."""
    return argname if isinstance(val, bytes) and (len(val) > LONGEST_NAME or val.startswith(b"\x1f\x8b")) else None


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, None]:
    outcome = yield
    _no_skip(outcome.get_result())


@pytest.hookimpl(hookwrapper=True)
def pytest_make_collect_report() -> Generator[None, Any, None]:
    outcome = yield
    _no_skip(outcome.get_result())


def pytest_collection_finish() -> None:
    """Thousands of tests stay to the end, and so do the modules: no collection of garbage looks through them again."""
    gc.collect()
    gc.freeze()
    gc.collect()  # of what is left: how much there was at the last one decides when the next one is due


@pytest.fixture(scope="session", autouse=True)
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The session's cache folder. Nobody's own configuration or cache is looked at, in child processes neither."""
    folder = str(tmp_path_factory.mktemp("cache"))
    patch = pytest.MonkeyPatch()
    patch.setenv("LEAKGUARD_CACHE_DIR", folder)
    # A command freezes what it loaded and looks for garbage seldom, for its process ends soon. This one goes on.
    patch.setattr(gc, "freeze", lambda: None)
    patch.setattr(gc, "set_threshold", lambda *_: None)
    for name in [name for name in os.environ if name.startswith(("LEAKGUARD_CONFIG", "GIT_"))]:
        patch.delenv(name)
    patch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    yield folder
    patch.undo()


@pytest.fixture(scope="session", autouse=True)
def compiled_once() -> Iterator[None]:
    """hyperscan makes the same automaton of the same patterns every time, and takes long over it: a small pack with the
    triggers that are always looked for 0.4 s, all rules 3 s. Here it does so once. Databases are read-only."""
    made: OrderedDict[tuple[object, ...], Any] = OrderedDict()
    compiled = stage1._compiled

    def once(ruleset: RuleSet, patterns: list[bytes], ids: list[int]) -> Any:
        key = (*patterns, *ids)
        database = made.pop(key, None) or compiled(ruleset, patterns, ids)
        made[key] = database
        while len(made) > COMPILED:
            made.popitem(last=False)
        return database

    patch = pytest.MonkeyPatch()
    patch.setattr(stage1, "_compiled", once)
    yield
    patch.undo()


@pytest.fixture(scope="session", autouse=True)
def parsed_once() -> Iterator[None]:
    """Reading the built-in packs without an index, as a checkout has none, takes a second: here each is read once. Packs are
    never changed once they are made, and one whose text is another is another."""
    made: dict[tuple[str, bytes, bool, bool], rules.Pack] = {}
    parse, builtin = rules.parse_pack, packfiles.builtin_folder()

    def once(file: str, data: bytes, strict: bool = False, checked: bool = False) -> rules.Pack:
        if not file.startswith(builtin):
            return parse(file, data, strict, checked)
        key = (file, data, strict, checked)
        if key not in made:
            made[key] = parse(file, data, strict, checked)
        return made[key]

    patch = pytest.MonkeyPatch()
    patch.setattr(rules, "parse_pack", once)
    yield
    patch.undo()


@pytest.fixture(scope="session")
def loaded(environment: str) -> cache.Loaded:
    """The built-in rules, compiled; the cache folder has them from then on."""
    return cache.load(cache.Selection(), cache.FULL_COMPILE_AT, environment)


@pytest.fixture(scope="session")
def engine(loaded: cache.Loaded) -> Engine:
    """An engine of the built-in rules that keeps secrets, so that a test can tell what was found."""
    return Engine(loaded.ruleset, loaded.stage1, keep_secrets=True)
