"""The suite itself: where nothing may be lacking, a test that lacks something fails; with workers as without."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

FILES = {
    "test_lacks.py": """
import pytest
def test_tool(): pytest.skip("mksquashfs is not installed")
def test_package(): pytest.importorskip("no_such_package")
def test_lent(): pytest.skip("x is not installed: no part of the extra dev")
def test_system(): pytest.skip("signals of POSIX")
def test_passes(): pass
""",
    "test_whole.py": 'import pytest\npytest.skip("no tesseract", allow_module_level=True)\n',
}

ways = pytest.mark.parametrize("workers", [(), ("-n", "2", "--dist", "worksteal")], ids=["alone", "workers"])


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, workers: tuple[str, ...]) -> pytest.Pytester:
    """A suite with this one's conftest.py."""
    if workers and importlib.util.find_spec("xdist") is None:
        pytest.skip("pytest-xdist is not installed (extra dev)")
    monkeypatch.delenv("LEAKGUARD_CI", raising=False)
    pytester.makeconftest((Path(__file__).parent / "conftest.py").read_text())
    for name, text in FILES.items():
        (pytester.path / name).write_text(text)
    return pytester


def run(suite: pytest.Pytester, workers: tuple[str, ...]) -> pytest.RunResult:
    return suite.runpytest_subprocess("-p", "no:cacheprovider", "--continue-on-collection-errors", *workers)


@ways
def test_a_skip_for_what_is_missing_fails_where_nothing_may_be(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, workers: tuple[str, ...]
) -> None:
    monkeypatch.setenv("LEAKGUARD_CI", "1")
    result = run(suite, workers)
    result.assert_outcomes(passed=1, failed=2, skipped=2, errors=1)
    assert result.ret != 0
    said = result.stdout.str()
    for reason in ("mksquashfs is not installed", "could not import 'no_such_package'", "no tesseract"):
        assert f"skipped, and LEAKGUARD_CI is set: Skipped: {reason}" in said


@ways
def test_elsewhere_it_is_a_skip(suite: pytest.Pytester, workers: tuple[str, ...]) -> None:
    result = run(suite, workers)
    result.assert_outcomes(passed=1, skipped=5)
    assert result.ret == 0
