"""A pytest plugin: tests fail whose logs, output, warnings or tracebacks hold what the scanner would report.

`--leakguard-logs` checks every test, the fixture `leakguard` those that use it; it also takes values to look for. What is found
is named by rule and place and masked in pytest's own report. Without either nothing is imported and nothing done. The project's
layers below are imported when the first test is checked. Registered with pytest as entry point `leakguard`.
"""

from __future__ import annotations

import warnings
from collections.abc import Generator
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

if TYPE_CHECKING:
    from leakguard.redact.core import Redactor

OPTION = "leakguard_logs"
_REDACTOR: pytest.StashKey[Redactor] = pytest.StashKey()
_WARNINGS: pytest.StashKey[list[str]] = pytest.StashKey()
MOST = 20
"""Leaks that are listed for one phase of a test; more are counted."""


class Leak(NamedTuple):
    """Something that was found: the rule's id, where, and its line, masked."""

    rule: str
    where: str
    line: int
    masked: str

    def __str__(self) -> str:
        return f"{self.where}, line {self.line}: {self.rule}: {self.masked}"


class Leakguard:
    """The fixture's value."""

    def __init__(self, redactor: Redactor) -> None:
        self.redactor = redactor
        self._registered: list[str | bytes] = []

    def register(self, value: str | bytes, name: str = "known") -> bool:
        """Looks for this value, in all its forms, until the test has ended; False if it is too short or plain for that."""
        self._registered.append(value)
        return self.redactor.register(value, name)

    def leaks(self, text: str | bytes, where: str = "text") -> list[Leak]:
        """What a text holds that the scanner would report, or that was registered."""
        return leaks(self.redactor, text, where)

    def check(self, text: str | bytes, where: str = "text") -> None:
        """Fails the test if a text holds anything of that."""
        __tracebackhide__ = True
        found = self.leaks(text, where)
        if found:
            pytest.fail(_told(found), pytrace=False)

    def forget(self) -> None:
        for value in self._registered:
            self.redactor.unregister(value)
        self._registered.clear()


def leaks(redactor: Redactor, text: str | bytes, where: str) -> list[Leak]:
    """What a text holds, in order."""
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    rules = redactor.runtime.ruleset.rules
    found = [
        (match.secret_start, rules[match.rule].id)
        for match in redactor.scanner().scan(data).matches
        if match.confidence >= redactor.policy.min_confidence
    ]
    found += [(start, owner.name) for start, _, owner in redactor.known.find(data)]
    safe = redactor.redact_bytes(data)
    lines = safe.split(b"\n")
    same = len(lines) == data.count(b"\n") + 1
    out = []
    for start, rule in sorted(set(found)):
        number = data.count(b"\n", 0, start)
        masked = lines[number].decode("utf-8", "replace")[:200] if same else "<redacted>"
        out.append(Leak(rule, where, number + 1, masked))
    return out


def _told(found: list[Leak]) -> str:
    rest = f"\n  ... and {len(found) - MOST} more" if len(found) > MOST else ""
    return "leakguard: secrets in what the test wrote\n" + "\n".join(f"  {leak}" for leak in found[:MOST]) + rest


# ---------------------------------------------------------------- pytest
def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("leakguard")
    group.addoption(
        "--leakguard-logs", action="store_true", dest=OPTION,
        help="fail tests whose logs, output, warnings or tracebacks hold secrets",
    )  # fmt: skip


def redactor_of(config: pytest.Config) -> Redactor:
    """The session's Redactor, made when it is first needed."""
    made = config.stash.get(_REDACTOR, None)
    if made is None:
        from leakguard.redact.core import Redactor

        made = config.stash[_REDACTOR] = Redactor()
    return made


@pytest.fixture
def leakguard(request: pytest.FixtureRequest) -> Generator[Leakguard, None, None]:
    """Checks what this test writes, and takes values to look for (`register`) and texts (`check`)."""
    guard = Leakguard(redactor_of(request.config))
    request.node.stash[_GUARD] = guard
    yield guard


_GUARD: pytest.StashKey[Leakguard] = pytest.StashKey()


def _checked(item: pytest.Item) -> bool:
    return bool(item.config.getoption(OPTION)) or "leakguard" in getattr(item, "fixturenames", ())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Takes note of warnings, which pytest itself reports only when the test is over."""
    if not _checked(item):
        return (yield)
    seen = item.stash[_WARNINGS] = []
    shown = warnings.showwarning

    def showwarning(message: Any, category: Any, filename: str, lineno: int, file: Any = None, line: Any = None) -> None:
        seen.append(f"{category.__name__}: {message}")
        message = redactor_of(item.config).redact(message)  # pytest shows it at the end
        if shown is _ORIGINAL:
            warnings._showwarnmsg_impl(  # type: ignore[attr-defined]
                warnings.WarningMessage(message, category, filename, lineno, file, line)
            )
        else:
            shown(message, category, filename, lineno, file, line)

    warnings.showwarning = showwarning
    try:
        return (yield)
    finally:
        if warnings.showwarning is showwarning:
            warnings.showwarning = shown
        if _GUARD in item.stash:
            item.stash[_GUARD].forget()


_ORIGINAL = warnings.showwarning


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fails a phase of a test that wrote secrets, and masks them in its report."""
    report = yield
    if not _checked(item):
        return report
    redactor = redactor_of(item.config)
    found: list[Leak] = []
    for name, text in report.sections:
        if name.endswith(f" {call.when}"):
            found += leaks(redactor, text, name.lower())
    seen = item.stash.get(_WARNINGS, [])
    for text in seen:
        found += leaks(redactor, text, "warning")
    seen.clear()
    trace = report.longreprtext if report.longrepr is not None else ""
    in_trace = leaks(redactor, trace, "traceback") if trace else []
    if found or in_trace:
        told = _told([*found, *in_trace])
        report.outcome = "failed"
        report.longrepr = f"{redactor.redact_str(trace)}\n{told}" if trace else told
        vars(report).pop("wasxfail", None)
    report.sections = [(name, redactor.redact_str(text)) for name, text in report.sections]
    return report
