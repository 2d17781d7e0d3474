"""One Redactor of the built-in rules for all tests that register nothing with it; and one to register with."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from leakguard.redact import Redactor, wide


@pytest.fixture(scope="session")
def redactor(environment: str) -> Redactor:
    made = Redactor(cache_folder=environment)
    wide.prepare(made)  # as the command does
    return made


@pytest.fixture
def own(environment: str) -> Iterator[Redactor]:
    """A Redactor of the test's own."""
    return Redactor(cache_folder=environment)
