"""What programs that try every path found: each by the name of what leaked or was wrong."""

from __future__ import annotations

import code
import io
import json
import logging
import subprocess
import sys
import traceback
from typing import Any

import pytest
from texts import secret

import leakguard.redact
from leakguard.redact import Redactor, hooks
from leakguard.redact import loguru as loguru_adapter
from leakguard.redact import structlog as structlog_adapter
from leakguard.redact.otel import LogRedactor

KEY = secret(71, "{{alnum*64}}")
PLAIN = secret(72, "{{alnum*48}}")
"""Never registered: only its name tells."""


@pytest.fixture
def known(environment: str) -> Redactor:
    made = Redactor(cache_folder=environment)
    made.register(KEY, "own.key")
    return made


# ---------------------------------------------------------------- structlog
@pytest.fixture
def structlog(known: Redactor):
    module = pytest.importorskip("structlog")
    patches = structlog_adapter.install(known, module)
    yield module
    patches.undo()
    module.reset_defaults()
    module.contextvars.clear_contextvars()


def test_structlog_says_where_the_program_called_it(structlog: Any) -> None:
    """It was our own module: structlog looks for the first frame that is none of its own."""
    out = io.StringIO()
    processors = structlog.processors
    structlog.configure(
        processors=[processors.CallsiteParameterAdder(), processors.StackInfoRenderer(), processors.JSONRenderer(default=repr)],
        logger_factory=structlog.PrintLoggerFactory(out),
    )  # fmt: skip
    structlog.get_logger().info("order", key=KEY, stack_info=True)
    said = json.loads(out.getvalue())
    assert said["func_name"] == "test_structlog_says_where_the_program_called_it"
    assert said["filename"] == "test_adapters_found.py"
    assert "redact/structlog.py" not in said["stack"]
    assert said["key"].startswith("<redacted:own.key")


@pytest.mark.parametrize("bound", ["bind", "contextvars", "both"])
def test_structlogs_bound_values_sent_elsewhere(structlog: Any, bound: str) -> None:
    """A processor that writes by itself saw what was bound to the logger as it is."""
    out, sent = io.StringIO(), []

    def send(_logger: Any, _method: str, event: Any) -> Any:
        sent.append(dict(event))
        return event

    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, send, structlog.processors.JSONRenderer(default=repr)],
        logger_factory=structlog.PrintLoggerFactory(out),
    )  # fmt: skip
    logger = structlog.get_logger()
    held = {"key": KEY, "api_secret": PLAIN, "pair": "BTC/USDT"}
    if bound != "bind":
        structlog.contextvars.bind_contextvars(**held, mine=1)
    if bound != "contextvars":
        logger = logger.bind(**held)
    logger.info("order", mine=2)
    logger.info("order", key="of the call")
    assert KEY not in repr(sent) + out.getvalue()
    assert PLAIN not in repr(sent) + out.getvalue()
    assert [one["pair"] for one in sent] == ["BTC/USDT"] * 2
    assert sent[0]["mine"] == 2
    assert sent[1]["key"] == "of the call"
    if bound != "contextvars":
        assert structlog.get_context(logger)["key"] == KEY  # what the program bound stays its own
    structlog.configure(processors=[send, structlog.processors.JSONRenderer(default=repr)])
    structlog.get_logger().info("no context is merged")
    assert set(sent[-1]) == {"event"}


# ---------------------------------------------------------------- loguru
def test_a_loguru_format_that_names_a_field(known: Redactor) -> None:
    """`{extra[api_secret]}`: what a handler had put together said the value without its name."""
    logger = pytest.importorskip("loguru").logger
    texts: list[str] = []
    records: list[dict[str, Any]] = []
    installed = loguru_adapter.install(known)
    try:
        def keep(message: Any) -> None:
            texts.append(str(message))
            records.append(message.record)

        numbers = [
            logger.add(keep, format="{message} {extra[api_secret]} {extra[key]}"),
            logger.add(keep, format=lambda _record: "{message} {extra[api_secret]} {extra[key]}\n{exception}"),
            logger.add(keep, format="{extra[api_secret]}", serialize=True),
        ]  # fmt: skip
        logger.bind(api_secret=PLAIN, key=KEY).info("one")
        try:
            raise ValueError(KEY)
        except ValueError:
            logger.bind(api_secret=PLAIN, key=1).exception("two")
        logger.bind(api_secret="", key=1).info("three {}", 3)
    finally:
        installed.undo()
        for number in numbers:
            logger.remove(number)
    assert len(texts) == 9
    assert not any(value in text for value in (KEY, PLAIN) for text in texts)
    assert all(PLAIN not in repr(record["extra"]) for record in records)
    assert [text.split()[0] for text in texts[:2]] == ["one", "one"]
    assert "ValueError: <redacted:own.key" in texts[4]


# ---------------------------------------------------------------- OpenTelemetry
def test_otels_events_have_names(known: Redactor) -> None:
    class Record:
        body, attributes, event_name = "x", None, f"order {KEY}"

    record = Record()
    LogRedactor(known).on_emit(record)
    assert record.event_name.startswith("order <redacted:own.key")


# ---------------------------------------------------------------- the process
def test_the_console_of_code_shows_its_own_frames_to_nobody(known: Redactor) -> None:
    """`code` asks whether the hook is Python's, and leaves its own frames out then."""

    class Console(code.InteractiveInterpreter):
        said = ""

        def write(self, data: str) -> None:
            self.said += data

    lines = ["x = 1 +* 2", f"raise ValueError('{KEY}')", f"x = '{KEY}' +* 3"]
    before = [Console() for _ in lines]
    for console, line in zip(before, lines, strict=True):
        console.runsource(line)
    installed = hooks.install(known)
    try:
        after = [Console() for _ in lines]
        for console, line in zip(after, lines, strict=True):
            console.runsource(line)
    finally:
        installed.undo()
    assert [known.redact(one.said) for one in before] == [one.said for one in after]
    assert all(KEY not in one.said for one in after)


AT_THE_END = """
import logging, sys, warnings
import leakguard.redact
handle = leakguard.redact.install()
handle.register(sys.argv[1], "own.key")
logging.basicConfig(filename=sys.argv[2], format="%(message)s", level=10)
class Session:
    def __init__(self, name): self.name = name
    def __del__(self, log=logging.getLogger("session")):
        log.warning("%s is not closed", self.name, extra={"held": [self.name]})
        log.warning({"held": self.name})
        try:
            None[self.name]
        finally:
            raise ValueError(self.name)
session = Session("session " + sys.argv[1])
"""


def test_what_is_logged_when_the_interpreter_ends(environment: str, tmp_path: Any) -> None:
    """There is no importing any more: an object whose end logs got `<redacted:error>`."""
    out = tmp_path / "log"
    done = subprocess.run(
        [sys.executable, "-c", AT_THE_END, KEY, str(out)], capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert KEY not in done.stderr + out.read_text()
    assert out.read_text().count("<redacted:own.key") == 2
    assert "<redacted:error>" not in done.stderr + out.read_text()
    assert done.stderr.count("ValueError: session <redacted:own.key") == 1
    assert "sys.unraisablehook" not in done.stderr


FIRST_HIT = """
import sys, warnings
import leakguard.redact
handle = leakguard.redact.install()
handle.register(sys.argv[1], "own.key")
warnings.simplefilter("always")
seen = []
warnings.showwarning = lambda message, *rest, **named: seen.append(str(message))
import builtins
before = builtins.__import__
def importing(*args, **named):  # as a warning of a file that nobody closed comes in the middle of whatever runs
    if args[0].startswith("leakguard.redact"):
        warnings.warn("in the middle of " + sys.argv[1])
    return before(*args, **named)
builtins.__import__ = importing
warnings.warn("first " + sys.argv[1])
builtins.__import__ = before
print(seen)
"""


def test_the_first_hit_may_come_within_the_first_hit(environment: str) -> None:
    """What was imported for it was half there when a warning came in the middle."""
    done = subprocess.run([sys.executable, "-c", FIRST_HIT, KEY], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "first <redacted:own.key" in done.stdout
    assert "<redacted:error>" not in done.stdout
    assert KEY not in done.stdout


LONG = """
import logging, os, sys
os.environ["BOT_PRIVATE_KEY"] = sys.argv[1]
import leakguard.redact
handle = leakguard.redact.install()
logging.error("key %s", sys.argv[1])
print(repr(sys.argv[1]), handle.stats().known)
"""


def test_a_private_key_in_the_environment_may_be_long(environment: str) -> None:
    """`install` raised hyperscan's error."""
    value = secret(5, "{{alnum*64}}\n" * 30)
    done = subprocess.run([sys.executable, "-c", LONG, value], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert value[:60] not in done.stdout + done.stderr
    assert "key <redacted:BOT_PRIVATE_KEY" in done.stderr


def test_loggings_own_error_names_the_programs_frames(known: Redactor, capsys: pytest.CaptureFixture[str]) -> None:
    from leakguard.redact import logging as adapter

    patches = adapter.install(known)
    logger = logging.Logger("x")
    logger.addHandler(logging.StreamHandler(io.StringIO()))
    try:
        logger.info("wrong %d", KEY)
    finally:
        patches.undo()
    said = capsys.readouterr().err
    stack = said.split("Call stack:\n")[1]
    assert "leakguard/redact" not in stack
    assert "logger.info(" in stack
    assert KEY not in said


def test_all_of_it_is_taken_out_again(known: Redactor) -> None:
    structlog, loguru = pytest.importorskip("structlog"), pytest.importorskip("loguru")
    handler = type(next(iter(loguru.logger._core.handlers.values()), None)) if loguru.logger._core.handlers else None
    before = structlog.BoundLoggerBase._process_event, getattr(handler, "emit", None)
    handle = leakguard.redact.install(known, environment=False)
    handle.uninstall()
    assert before == (structlog.BoundLoggerBase._process_event, getattr(handler, "emit", None))


# ---------------------------------------------------------------- settings that were refused
REFUSED = """\
3 validation errors for Settings
exchange.0.api_secret
  String should have at least 64 characters [type=string_too_short, input_value='{value}', input_type=str]
    For further information visit https://errors.pydantic.dev/2.12/v/string_too_short
api_key
  Input should be a valid string [type=string_type, input_value=['{value}'], input_type=list]
pair
  String should have at most 10 characters [type=string_too_long, input_value='{plain}', input_type=str]"""


class ValidationError(ValueError):
    """As pydantic's: it says what it was not made of."""

    def __init__(self, value: str) -> None:
        super().__init__()
        self._said = REFUSED.format(value=value, plain="BTC/USDT and something behind")

    def __str__(self) -> str:
        return self._said


@pytest.mark.parametrize("cut", [False, True])
@pytest.mark.parametrize("grouped", [False, True])
def test_settings_that_were_refused_do_not_say_the_key(known: Redactor, cut: bool, grouped: bool) -> None:
    """The name stands in the line above, and a value of more than 50 characters is cut in its middle."""
    from leakguard.redact import logging as adapter

    value = f"{PLAIN[:24]}...{PLAIN[-24:]}" if cut else PLAIN
    error: Exception = ValidationError(value)
    if grouped:
        error = ExceptionGroup("settings", [error])
    out = io.StringIO()
    logger = logging.Logger("x")
    logger.addHandler(logging.StreamHandler(out))
    patches, installed = adapter.install(known), hooks.install(known)
    try:
        try:
            raise error
        except Exception as caught:
            logger.exception("no settings")
            logger.error("no settings: %s", caught)  # noqa: TRY400 - as programs do
            logger.error(caught)  # noqa: TRY400
            out.write("".join(traceback.format_exception(caught)))
    finally:
        patches.undo()
        installed.undo()
    said = out.getvalue()
    assert PLAIN[:12] not in said
    assert PLAIN[-12:] not in said
    told = 2 if grouped else 4  # a group's message does not say its members'
    assert said.count("BTC/USDT and something behind") == told
    assert said.count("input_value='<redacted:") == said.count("input_value=['<redacted:") == told


def test_one_of_a_refusals_errors(known: Redactor) -> None:
    errors = [
        {"type": "string_too_short", "loc": ("exchange", 0, "api_secret"), "msg": "String should have", "input": PLAIN},
        {"type": "string_type", "loc": ("api_key",), "msg": "Input should be", "input": [PLAIN]},
        {"type": "string_too_long", "loc": ("pair",), "msg": "String should have", "input": "BTC/USDT and something behind"},
        {"loc": "Zurich", "input": "a place"},
        {"loc": ()},
    ]
    out = known.redact(errors)
    assert PLAIN not in repr(out)
    assert out[2:] == errors[2:]
    assert out[0]["input"].startswith("<redacted:")
    assert out[1]["input"][0].startswith("<redacted:")


def test_what_is_refused_is_masked_once(known: Redactor) -> None:
    from leakguard.redact.refused import refused

    once = refused(known, REFUSED.format(value=PLAIN, plain="x"))
    assert refused(known, once) == once
    assert known.redact(once) == once
    assert refused(known, "input_value= of nothing") == "input_value= of nothing"
