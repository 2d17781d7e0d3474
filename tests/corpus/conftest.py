"""What the corpus tests share: the built-in packs and an engine that runs them."""

from __future__ import annotations

import pytest

from leakguard.detect import rules
from leakguard.detect.check import Bench
from leakguard.detect.check import bench as bench_of
from leakguard.detect.rules import Pack


@pytest.fixture(scope="session")
def packs() -> list[Pack]:
    return [rules.parse_pack(name, text) for name, text in rules.read_files(rules.pack_files(rules.builtin_folder()))]


@pytest.fixture(scope="session")
def bench(packs: list[Pack]) -> Bench:
    return bench_of(packs)
