"""The pytest plugin, on test files of its own in processes of their own."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
import tomllib

import pytest
from texts import secret

pytest_plugins = ["pytester"]
KEY = secret(5, "{{alnum*64}}")
LEAK = f"BINANCE_API_SECRET={KEY}"
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

FILE = f"""
import logging, sys, warnings, pytest
LEAK = "BINANCE_API_SECRET=" + {KEY[:30]!r} + {KEY[30:]!r}

def test_clean(): logging.getLogger().warning("fine"); print("fine")
def test_log(): logging.getLogger().warning(LEAK)
def test_stdout(): print(LEAK)
def test_stderr(): print(LEAK, file=sys.stderr)
def test_warning(): warnings.warn(LEAK)
def test_traceback(): raise ValueError(LEAK)
@pytest.mark.xfail
def test_xfail(): raise ValueError(LEAK)
@pytest.fixture
def late():
    yield
    print(LEAK)
def test_teardown(late): pass
"""


@pytest.fixture
def run(pytester: pytest.Pytester, environment: str):
    registered = any(entry.name == "leakguard" for entry in importlib.metadata.entry_points(group="pytest11"))
    plugin = () if registered else ("-p", "leakguard.redact.pytest_plugin")

    def run(text: str, *options: str) -> pytest.RunResult:
        pytester.makepyfile(text)
        return pytester.runpytest_subprocess(*plugin, "-p", "no:cacheprovider", *options)

    return run


def test_every_path_fails_its_test_and_is_masked(run) -> None:
    result = run(FILE, "--leakguard-logs", "-rA")
    result.assert_outcomes(passed=2, failed=6, errors=1, warnings=1)
    out = result.stdout.str()
    for place in ("captured log call", "captured stdout call", "captured stderr call", "warning", "traceback", "captured stdout teardown"):
        assert f"  {place}, line" in out
    assert KEY not in out
    assert "UserWarning: BINANCE_API_SECRET=<redacted:" in out


def test_it_is_the_same_when_workers_run_the_tests(run) -> None:
    """pytest-xdist: each worker checks its own tests, and what it sends to be reported is masked already."""
    pytest.importorskip("xdist", reason="pytest-xdist is not installed (extra dev)")
    result = run(FILE, "--leakguard-logs", "-rA", "-n", "2")
    result.assert_outcomes(passed=2, failed=6, errors=1, warnings=1)
    out = result.stdout.str() + result.stderr.str()
    assert "2 workers" in out
    for place in ("captured log call", "captured stdout call", "captured stderr call", "warning", "traceback", "captured stdout teardown"):
        assert f"  {place}, line" in out
    assert KEY not in out
    assert "UserWarning: BINANCE_API_SECRET=<redacted:" in out


def test_nothing_happens_without(run) -> None:
    result = run(FILE)
    result.assert_outcomes(passed=6, failed=1, xfailed=1, warnings=1)


def test_fixture_checks_its_test_and_registered_values(run) -> None:
    result = run(
        """
        def test_mine(leakguard):
            leakguard.register("plain-words-of-mine-1", "my.word")
            print("it is", "plain-words-of-mine-1")
        def test_other():
            print("plain-words-of-mine-1")
        def test_forgotten(leakguard):
            print("plain-words-of-mine-1")
            assert leakguard.leaks("nothing here") == []
        def test_text(leakguard):
            assert leakguard.register("plain-words-of-mine-2")
            leakguard.check("plain-words-of-mine-2", "answer")
        """
    )
    result.assert_outcomes(failed=2, passed=2)
    result.stdout.fnmatch_lines(["*captured stdout call, line 1: my.word: it is <redacted:my.word*", "*answer, line 1*"])


def test_does_not_disturb_runs_with_warnings_as_errors(run) -> None:
    result = run("def test_x(): print('x')", "-W", "error", "--leakguard-logs")
    result.assert_outcomes(passed=1)


def test_costs_nothing_at_import() -> None:
    code = (
        "import sys, pytest; before = set(sys.modules); import leakguard.redact.pytest_plugin;"
        "print(sorted(m for m in set(sys.modules) - before if not m.startswith('_')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    names = done.stdout
    assert "leakguard.redact.core" not in names
    assert "hyperscan" not in names


def test_entry_point_is_declared() -> None:
    with open(os.path.join(ROOT, "pyproject.toml"), "rb") as file:
        project = tomllib.load(file)["project"]
    assert project["entry-points"]["pytest11"] == {"leakguard": "leakguard.redact.pytest_plugin"}


READ = f"""
import logging, os, sys, warnings, pytest
LEAK = "BINANCE_API_SECRET=" + {KEY[:30]!r} + {KEY[30:]!r}

def test_capsys(capsys): print(LEAK); assert "BINANCE" in capsys.readouterr().out
def test_capfd(capfd): os.write(2, LEAK.encode()); assert capfd.readouterr().err
def test_bytes(capsysbinary): sys.stdout.buffer.write(LEAK.encode()); assert capsysbinary.readouterr().out
def test_recwarn(recwarn): warnings.warn(LEAK)
def test_warns():
    with pytest.warns(UserWarning): warnings.warn(LEAK)
def test_caught():
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        warnings.warn(LEAK)
def test_clean(capsys):
    print("fine"); assert capsys.readouterr().out == "fine\\n"
    with pytest.warns(UserWarning, match="fine"): warnings.warn("fine")
"""


def test_what_a_test_takes_from_its_own_output_is_seen_too(run) -> None:
    """capsys and pytest.warns leave nothing for pytest's report: the usual way to test what a command prints."""
    result = run(READ, "--leakguard-logs", "-rA")
    result.assert_outcomes(passed=1, failed=6)
    out = result.stdout.str()
    for place in ("output, read", "errors, read", "warning"):
        assert f"  {place}, line" in out
    assert KEY not in out


def test_output_that_looks_like_a_phrase_ends_nothing(run) -> None:
    result = run("def test_x():\n    for n in range(2000): print('epoch', n, 'loss', n * 2, 'rate 3')", "--leakguard-logs")
    result.assert_outcomes(passed=1)


@pytest.mark.parametrize("line", ["print(LEAK)", "raise ValueError(LEAK)"])
def test_what_a_module_says_while_it_is_imported_fails_it(run, line: str) -> None:
    """It is no test, and passed unseen; where it failed for itself the secret was shown."""
    text = f"LEAK = 'BINANCE_API_SECRET=' + {KEY[:30]!r} + {KEY[30:]!r}\n{line}\ndef test_fine(): pass\n"
    result = run(text, "--leakguard-logs")
    result.assert_outcomes(errors=1)
    assert KEY not in result.stdout.str() + result.stderr.str()
    assert "binance.api-secret" in result.stdout.str()
    assert run(text).ret == (2 if "raise" in line else 0)
