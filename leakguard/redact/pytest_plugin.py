"""A pytest plugin: tests fail whose logs, output, warnings or tracebacks hold what the scanner would report.

`--leakguard-logs` checks every test and the import of its module, the fixture `leakguard` those that use it; it also takes values
to look for. What is found is named by rule and place and masked in pytest's own report. Without either nothing is imported and
nothing done. The project's layers below are imported when the first test is checked. Registered with pytest as entry point
`leakguard`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

if TYPE_CHECKING:
    from leakguard.redact.core import Redactor

OPTION = "leakguard_logs"
_REDACTOR: pytest.StashKey[Redactor] = pytest.StashKey()
_READ: pytest.StashKey[list[tuple[str, str | bytes]]] = pytest.StashKey()
"""(where, text) of what the report will not have."""
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
    from leakguard.errors import EngineError
    from leakguard.redact.proof import scanned

    rules = redactor.runtime.ruleset.rules
    try:
        scan = scanned(redactor, data)
    except EngineError:
        return [Leak("not checked", where, 1, "<redacted:error>")]  # incomplete is not clean
    found = [
        (match.secret_start, rules[match.rule].id)
        for match in scan.matches
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
    """Takes note of warnings, which pytest itself reports only when the test is over, and of what the test reads itself."""
    if not _checked(item):
        return (yield)
    read = item.stash[_READ] = []
    undo = [_watched_warnings(item.config, read), _watched_captures(read)]
    try:
        return (yield)
    finally:
        for put_back in undo:
            put_back()
        if _GUARD in item.stash:
            item.stash[_GUARD].forget()


def _watched_warnings(config: pytest.Config, read: list[tuple[str, str | bytes]]) -> Callable[[], None]:
    """Takes note of every warning, also of those that a test catches; gives back what undoes that."""
    shown = warnings._showwarnmsg  # type: ignore[attr-defined]

    def noted(told: Any) -> None:
        read.append(("warning", f"{told.category.__name__}: {told.message}"))
        safe = redactor_of(config).redact(told.message)
        if safe is not told.message:  # pytest shows it at the end
            told = warnings.WarningMessage(safe, told.category, told.filename, told.lineno, told.file, told.line, told.source)
        shown(told)

    warnings._showwarnmsg = noted  # type: ignore[attr-defined]

    def put_back() -> None:
        if warnings._showwarnmsg is noted:  # type: ignore[attr-defined]
            warnings._showwarnmsg = shown  # type: ignore[attr-defined]

    return put_back


def _watched_captures(read: list[tuple[str, str | bytes]]) -> Callable[[], None]:
    """Takes note of what a test reads of its own output (`capsys` and the like): the report does not have it any more."""
    kind: Any = pytest.CaptureFixture
    before = kind.readouterr

    def readouterr(self: Any) -> Any:
        result = before(self)
        read.extend((name, text) for name, text in (("output, read", result.out), ("errors, read", result.err)) if text)
        return result

    kind.readouterr = readouterr

    def put_back() -> None:
        if kind.readouterr is readouterr:
            kind.readouterr = before

    return put_back


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
    read = item.stash.get(_READ, [])
    for name, written in read:
        found += leaks(redactor, written, name)
    read.clear()
    if _masked(redactor, report, found):
        vars(report).pop("wasxfail", None)
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)  # around what puts the captured output in
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for what is written, and raised, while a module of tests is imported."""
    report = yield
    if not collector.config.getoption(OPTION) or (not report.sections and report.longrepr is None):
        return report
    redactor = redactor_of(collector.config)
    _masked(redactor, report, [leak for name, text in report.sections for leak in leaks(redactor, text, name.lower())])
    return report


def _masked(redactor: Redactor, report: pytest.TestReport | pytest.CollectReport, found: list[Leak]) -> bool:
    """Fails and masks a report if there is anything in it, or `found` elsewhere."""
    trace = report.longreprtext if report.longrepr is not None else ""
    in_trace = leaks(redactor, trace, "traceback") if trace else []
    if found or in_trace:
        told = _told([*found, *in_trace])
        report.outcome = "failed"
        report.longrepr = f"{redactor.redact_str(trace)}\n{told}" if trace else told
    report.sections = [(name, redactor.redact_str(text)) for name, text in report.sections]
    return bool(found or in_trace)
