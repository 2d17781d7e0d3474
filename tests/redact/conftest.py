"""One Redactor of the built-in rules for all tests that register nothing with it; and one to register with."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from leakguard.redact import Redactor


@pytest.fixture(scope="session")
def redactor(environment: str) -> Redactor:
    return Redactor(cache_folder=environment)


@pytest.fixture
def own(environment: str) -> Iterator[Redactor]:
    """A Redactor of the test's own."""
    return Redactor(cache_folder=environment)
