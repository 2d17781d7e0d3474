"""The adapters one by one: what they keep, what they survive, and that they can be taken out again."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import logging.handlers
import os
import pickle
import subprocess
import sys
import threading
import warnings
import weakref
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from texts import secret

import leakguard.redact
from leakguard.detect.guards import ASK
from leakguard.errors import UsageError
from leakguard.redact import Policy, Redactor, hooks, http, sentry, standard, stdout
from leakguard.redact import logging as adapter
from leakguard.redact.asgi import AccessLog as AsgiLog
from leakguard.redact.otel import LogRedactor, SpanRedactor
from leakguard.redact.patches import Later, Patches
from leakguard.redact.wsgi import AccessLog as WsgiLog

KEY = secret(31, "{{alnum*64}}")
LEAK = f"BINANCE_API_SECRET={KEY}"


@pytest.fixture
def closed(redactor: Redactor):
    patches = adapter.install(redactor)
    yield redactor
    patches.undo()


def record(msg: Any, *args: Any, **extra: Any) -> logging.LogRecord:
    made = logging.LogRecord("x", 30, "x.py", 1, msg, args, None)
    vars(made).update(extra)
    return made


# ---------------------------------------------------------------- logging
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(st.text(), st.integers(), st.none(), st.booleans(), st.binary()), max_size=4), st.text())
def test_clean_records_stay_as_they_are(redactor: Redactor, args: list[Any], msg: str) -> None:
    made = record(msg.replace("%", "%%") + " %s" * len(args), *args)
    text = made.getMessage()
    adapter.Cleaner(redactor).clean(made)
    assert made.getMessage() == redactor.redact_str(text)
    assert len(made.args or ()) == len(args)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(st.just(LEAK), st.just(KEY), st.text(), st.integers()), min_size=1, max_size=5), st.integers(0, 5))
def test_no_record_keeps_a_secret_and_arguments_stay_as_many(redactor: Redactor, args: list[Any], at: int) -> None:
    args.insert(min(at, len(args)), LEAK)
    made = record("start" + " %s" * len(args), *args)
    adapter.Cleaner(redactor).clean(made)
    assert LEAK not in made.getMessage()
    assert KEY not in repr(made.args)
    assert len(made.args) == len(args)


def test_small_numbers_and_words_are_not_taken_for_what_was_masked(redactor: Redactor) -> None:
    made = record("%s n=%d %s", LEAK, 4, KEY[0])
    adapter.Cleaner(redactor).clean(made)
    assert made.args[1:] == (4, KEY[0])
    assert made.getMessage().endswith(f"n=4 {KEY[0]}")


def test_what_only_the_message_names_is_masked_in_the_arguments(redactor: Redactor) -> None:
    made = record("api_secret=%s for %s", secret(33, "{{alnum*20}}"), "BTC/USDT")
    adapter.Cleaner(redactor).clean(made)
    assert made.args[1] == "BTC/USDT"
    assert made.args[0].startswith("<redacted:")
    assert made.getMessage() == f"api_secret={made.args[0]} for BTC/USDT"


def test_a_cut_argument_is_masked_as_a_whole(redactor: Redactor) -> None:
    made = record("begins with %.4s", LEAK)
    adapter.Cleaner(redactor).clean(made)
    assert KEY not in repr(made.args)


def test_records_that_cannot_be_checked_say_so_and_raise_nothing(environment: str) -> None:
    class Bad:
        def __str__(self) -> str:
            raise RuntimeError(LEAK)

        __repr__ = __str__

    closed, opened = Redactor(cache_folder=environment), Redactor(Policy(on_error="open"), cache_folder=environment)
    made = record("x %s", Bad(), more=LEAK)
    adapter.Cleaner(closed).clean(made)
    assert made.getMessage() == "<redacted:error>"
    assert KEY not in repr(vars(made))
    assert closed.stats().failures == {"RuntimeError": 1}
    made = record("x %s", Bad())
    adapter.Cleaner(opened).clean(made)
    assert made.msg == "x %s"


def test_a_done_message_survives_pickling(redactor: Redactor) -> None:
    made = record("%s%s", LEAK[:40], LEAK[40:])
    adapter.Cleaner(redactor).clean(made)
    again = pickle.loads(pickle.dumps(made))
    assert again.getMessage() == made.getMessage()
    assert "<redacted:" in again.getMessage()


def test_a_record_changed_between_two_handlers_is_cleaned_again(closed: Redactor) -> None:
    out = [io.StringIO(), io.StringIO()]
    handlers = [logging.StreamHandler(stream) for stream in out]

    def change(made: logging.LogRecord) -> bool:
        made.msg = LEAK
        return True

    handlers[1].addFilter(change)
    made = record("fine")
    for handler in handlers:
        handler.handle(made)
    assert out[0].getvalue() == "fine\n"
    assert KEY not in out[1].getvalue()


def test_exceptions_keep_type_and_traceback(closed: Redactor) -> None:
    seen: list[logging.LogRecord] = []
    logger = logging.Logger("own")
    handler = logging.Handler()
    handler.emit = seen.append  # type: ignore[method-assign]
    logger.addHandler(handler)
    original = ValueError(LEAK)
    try:
        raise original
    except ValueError:
        logger.exception("x")
    kind, error, trace = seen[0].exc_info
    assert kind is ValueError
    assert trace is original.__traceback__
    assert KEY not in str(error)
    assert str(original) == LEAK  # the application's own is not touched


def test_nothing_of_a_record_is_kept(closed: Redactor) -> None:
    class Thing:
        """May be gone when it was logged."""

    thing = Thing()
    gone = weakref.ref(thing)
    logger = logging.Logger("kept")
    logger.addHandler(logging.StreamHandler(io.StringIO()))
    logger.warning("%s", thing)
    del thing
    assert gone() is None


def test_undo_puts_everything_back(redactor: Redactor) -> None:
    before = (logging.Handler.filter, logging.Handler.format, logging.Handler.handleError, logging.Logger.callHandlers)
    patches = adapter.install(redactor)
    assert logging.Handler.filter is not before[0]
    patches.undo()
    patches.undo()
    assert (logging.Handler.filter, logging.Handler.format, logging.Handler.handleError, logging.Logger.callHandlers) == before
    assert "filter" not in vars(logging.Handler)
    out = io.StringIO()
    logging.StreamHandler(out).handle(record(LEAK))
    assert KEY in out.getvalue()


class _Adds(logging.Handler):
    """Puts something into every record, past `filter`, by `emit`, or by a filter of its own."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how = how
        if how == "filter":
            self.addFilter(self._put)

    def _put(self, record: logging.LogRecord) -> bool:
        record.added = LEAK
        return True

    def handle(self, record: logging.LogRecord) -> bool:
        return self._put(record) if self.how == "handle" else bool(super().handle(record))

    def emit(self, record: logging.LogRecord) -> None:
        if self.how == "emit":
            self._put(record)
        if self.how == "replace":
            record.msg = LEAK


@pytest.mark.parametrize("how", ["handle", "filter", "emit", "replace"])
@pytest.mark.parametrize("args", [(), ("x", 1)])
def test_what_one_handler_puts_into_a_record_the_next_one_gets_clean(closed: Redactor, how: str, args: tuple[Any, ...]) -> None:
    seen: list[str] = []
    after = logging.Handler()
    after.emit = lambda record: seen.append(repr(vars(record)))  # type: ignore[method-assign]
    logger = logging.Logger("adds")
    for handler in (_Adds(how), after, after):
        logger.handlers.append(handler)
    logger.warning("k %s %d" if args else "k", *args)
    logger.warning(LEAK)
    assert len(seen) == 4
    assert KEY not in "".join(seen)


def test_threads_log_clean_lines(closed: Redactor) -> None:
    out = io.StringIO()
    logger = logging.Logger("threads")
    logger.addHandler(logging.StreamHandler(out))
    threads = [
        threading.Thread(target=lambda n=n: [logger.warning("%s %d %d", LEAK, n, i) for i in range(50)]) for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = out.getvalue().splitlines()
    assert len(set(lines)) == 200
    assert KEY not in out.getvalue()


# ---------------------------------------------------------------- patches
def test_patches_that_somebody_wrapped_only_pass_on() -> None:
    owner = SimpleNamespace(f=lambda: 1)
    patches = Patches()
    patches.put(owner, "f", lambda before: lambda: before() + (10 if patches.on else 0))
    inner = owner.f
    owner.f = lambda: inner() + 100
    assert owner.f() == 111
    patches.undo()
    assert owner.f() == 101


def test_later_calls_when_a_module_comes(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "leakguard_test_late.py").write_text("value = 3\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    later, seen = Later(), []
    later.when("leakguard_test_late", lambda module: seen.append(module.value))
    assert seen == []
    import leakguard_test_late  # type: ignore[import-not-found]

    assert seen == [3]
    assert type(leakguard_test_late.__loader__).__module__.startswith(("_frozen", "importlib"))
    later.stop()
    assert later not in sys.meta_path
    del sys.modules["leakguard_test_late"]


# ---------------------------------------------------------------- structlog
def test_a_structlog_processor_before_others_is_refused(redactor: Redactor) -> None:
    structlog = pytest.importorskip("structlog")
    from leakguard.redact import structlog as own

    render = structlog.processors.JSONRenderer()

    def adds(_logger: Any, _method: str, event: Any) -> Any:
        return {**event, "more": LEAK}

    mine = own.processor(redactor)
    try:
        for configure in (structlog.configure, structlog.configure_once, structlog._config.configure):
            with pytest.raises(UsageError, match="behind it: adds"):
                configure(processors=[mine, adds, render])
        with pytest.raises(UsageError, match="behind it: adds"):
            structlog.stdlib.ProcessorFormatter(processors=[mine, adds, render])
        assert not structlog.is_configured()
        # past configure: the order is made right
        out = io.StringIO()
        structlog.wrap_logger(structlog.PrintLogger(out), processors=[mine, adds, render]).info("k")
        assert "<redacted:" in out.getvalue()
        assert KEY not in out.getvalue()
        for fine in ([adds, mine, render], [adds, mine], [adds, render]):
            own.check(fine)
        structlog.configure(processors=[adds, mine, render], logger_factory=structlog.PrintLoggerFactory(out))
        structlog.get_logger().info("k", extra=LEAK)
        assert KEY not in out.getvalue()
    finally:
        own.unwatch()
        structlog.reset_defaults()
    structlog.configure(processors=[mine, adds, render])
    structlog.reset_defaults()
    assert structlog.configure.__module__ == "structlog._config"


# ---------------------------------------------------------------- streams
def guarded(redactor: Redactor) -> tuple[stdout.GuardedText, io.BytesIO]:
    raw = io.BytesIO()
    return stdout.GuardedText(io.TextIOWrapper(raw, "utf-8", write_through=True, newline=""), redactor), raw


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.sampled_from("a1 é€\n\r\t😀=:")), st.lists(st.integers(0, 120)))
def test_clean_text_passes_byte_for_byte_however_it_is_cut(redactor: Redactor, text: str, cuts: list[int]) -> None:
    stream, raw = guarded(redactor)
    at = 0
    for cut in sorted(cuts):
        stream.write(text[at:cut] if cut > at else "")
        at = max(at, cut)
    stream.write(text[at:])
    stream.finish()
    assert raw.getvalue() == text.encode()


def test_streams_keep_what_programs_ask_of_them(redactor: Redactor) -> None:
    stream, raw = guarded(redactor)
    assert (stream.encoding, stream.isatty(), stream.writable(), stream.closed) == ("utf-8", False, True, False)
    assert isinstance(stream, io.TextIOBase)
    assert stream.write("prompt> ") == 8
    stream.flush()
    assert raw.getvalue() == b"prompt> "
    assert stream.buffer.write(b"bytes\n") == 6
    stream.write("text\n")
    stream.finish()
    assert raw.getvalue() == b"prompt> bytes\ntext\n"
    with pytest.raises(TypeError):
        stream.write(b"x")  # type: ignore[arg-type]
    with pytest.raises(io.UnsupportedOperation):
        stream.fileno()
    stream.close()
    with pytest.raises(ValueError, match="closed"):
        stream.write("x\n")


def test_streams_may_be_entered_from_within(redactor: Redactor) -> None:
    class Loud(io.StringIO):
        def write(self, text: str) -> int:
            if "first" in text:
                stream.write(f"second {LEAK}\n")
            return super().write(text)

    inner = Loud()
    stream = stdout.GuardedText(inner, redactor)
    stream.write("first\n")
    stream.finish()
    assert inner.getvalue().startswith("first\nsecond ")
    assert KEY not in inner.getvalue()


def test_streams_are_put_back(redactor: Redactor, monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    streams = stdout.Streams(redactor, ("stdout",))
    kept = sys.stdout
    print(LEAK)
    print("tail", end="")
    streams.undo()
    assert sys.stdout is out
    kept.write(" kept\n")
    assert out.getvalue().endswith("tail kept\n")
    assert KEY not in out.getvalue()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_does_not_repeat_what_waits(environment: str) -> None:
    code = (
        "import os, sys; from leakguard.redact import Redactor, stdout\n"
        "stdout.install(Redactor()); sys.stdout.write('waits ')\n"
        "pid = os.fork()\n"
        "if not pid: print('child'); sys.stdout.flush(); os._exit(0)\n"
        "os.waitpid(pid, 0); print('parent')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert sorted(done.stdout.split()) == ["child", "parent", "waits"]


# ---------------------------------------------------------------- hooks
def test_hooks_report_as_python_does_and_keep_others_hooks(redactor: Redactor, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(sys, "excepthook", lambda *args: seen.append(args))
    monkeypatch.setattr(threading, "excepthook", threading.__excepthook__)
    monkeypatch.setattr(sys, "unraisablehook", sys.__unraisablehook__)
    err = io.StringIO()
    monkeypatch.setattr(sys, "stderr", err)
    patches = hooks.install(redactor)
    try:
        error = ValueError(LEAK)
        sys.excepthook(ValueError, error, None)
        assert seen[0][0] is ValueError
        assert KEY not in str(seen[0][1])
        threading.excepthook(threading.ExceptHookArgs((ValueError, error, None, threading.current_thread())))
        threading.excepthook(threading.ExceptHookArgs((SystemExit, SystemExit(1), None, None)))
        sys.unraisablehook(
            SimpleNamespace(exc_type=ValueError, exc_value=error, exc_traceback=None, err_msg=None, object=LEAK)
        )
        assert "Exception in thread MainThread:\nValueError: BINANCE_API_SECRET=<redacted:" in err.getvalue()
        assert "Exception ignored in: 'BINANCE_API_SECRET=<redacted:" in err.getvalue()
        assert KEY not in err.getvalue()
        assert KEY not in warnings.formatwarning(LEAK, UserWarning, "x.py", 1)
    finally:
        patches.undo()
    assert threading.excepthook is threading.__excepthook__


@pytest.mark.parametrize("width", ["60", "80", "200"])
def test_rich_tracebacks_with_locals(environment: str, width: str) -> None:
    """Cut by a box, the beginning of a secret was shown."""
    pytest.importorskip("rich", reason="rich is not installed: no part of the extra dev")
    code = (
        "import sys, leakguard.redact; leakguard.redact.install().register(sys.argv[2], 'mine')\n"
        "import rich.traceback; rich.traceback.install(show_locals=True)\n"
        "def f(api_secret, other): raise ValueError('x')\n"
        "f(sys.argv[1], {'deep': [sys.argv[2]]})"
    )
    other = secret(34, "{{alnum*90}}")
    done = subprocess.run(
        [sys.executable, "-c", code, KEY, other], capture_output=True, text=True, check=False,
        env={**os.environ, "COLUMNS": width},
    )  # fmt: skip
    assert done.returncode == 1
    assert "api_secret = '<redacted:" in done.stderr
    assert "other = " in done.stderr
    assert not any(value[at : at + 8] in done.stderr for value in (KEY, other) for at in range(40))


def test_the_environments_folders_are_no_secrets(environment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """PWD is named like a password: every path below the working folder was masked."""
    own = Redactor(cache_folder=environment)
    monkeypatch.setenv("PWD", "/home/somebody/projects")
    monkeypatch.setenv("BOT_API_SECRET", KEY)
    with standard.install(own, parts=()):
        assert own.redact("File /home/somebody/projects/x.py") == "File /home/somebody/projects/x.py"
        assert KEY not in own.redact(f"it is {KEY}")


# ---------------------------------------------------------------- http, servers, Sentry, OpenTelemetry
def test_a_preset_covers_a_librarys_loggers_alone(redactor: Redactor, caplog: pytest.LogCaptureFixture) -> None:
    covered = http.install(redactor, libraries=("httpx",))
    url = f"https://api.telegram.org/bot{secret(3, '{{digits*10}}:AA{{alnum*33}}')}/getMe"
    with caplog.at_level(logging.INFO):
        logging.getLogger("httpx").info('HTTP Request: %s %s "%s"', "GET", url, "200 OK")
        logging.getLogger("others").info(LEAK)
        covered.undo()
        logging.getLogger("httpx").info(url)
    assert "<redacted:" in caplog.messages[0]
    assert caplog.messages[0].endswith('/getMe "200 OK"')
    assert caplog.messages[1:] == [LEAK, url]
    with pytest.raises(KeyError):
        http.install(redactor, libraries=("nobody",))


def test_asgi_access_log(redactor: Redactor, caplog: pytest.LogCaptureFixture) -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["query_string"])
        await send({"type": "http.response.start", "status": 204})

    async def send(message: Any) -> None:
        seen.append(message["status"])

    scope = {
        "type": "http", "method": "GET", "path": "/x", "query_string": f"a=1&signature={KEY}".encode(), "client": ("10.0.0.1", 9),
    }  # fmt: skip
    with caplog.at_level(logging.INFO):
        asyncio.run(AsgiLog(app, redactor)(scope, None, send))  # type: ignore[arg-type]
    assert seen == [scope["query_string"], 204]
    assert caplog.messages[0].startswith('10.0.0.1 "GET /x?a=1&signature=<redacted:')
    assert '" 204 ' in caplog.messages[0]


def test_wsgi_access_log_and_errors(redactor: Redactor, caplog: pytest.LogCaptureFixture) -> None:
    errors = io.StringIO()

    def app(environ: Any, start_response: Any) -> list[bytes]:
        environ["wsgi.errors"].write(LEAK)
        start_response("500 Oh", [])
        return [b"body"]

    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/x", "QUERY_STRING": f"token={KEY}", "wsgi.errors": errors}
    with caplog.at_level(logging.INFO):
        body = WsgiLog(app, redactor)(environ, lambda *_: None)
    assert list(body) == [b"body"]
    assert errors.getvalue().startswith("BINANCE_API_SECRET=<redacted:")
    assert '- "GET /x?token=<redacted:' in caplog.messages[0]
    assert '" 500 ' in caplog.messages[0]


def test_sentry_events(redactor: Redactor) -> None:
    event = {
        "message": LEAK, "breadcrumbs": {"values": [{"data": {"url": f"https://x/?signature={KEY}"}}]},
        "exception": {"values": [{"stacktrace": {"frames": [{"vars": {"api_token": KEY, "n": 3}}]}}]},
        "request": {"headers": {"X-MBX-APIKEY": KEY}, "query_string": f"apiKey={KEY}"},
    }  # fmt: skip
    before = json.dumps(event)
    hook = sentry.before_send(redactor, lambda event, _hint: {**event, "extra": {"secret": KEY}})
    out = hook(event, {})
    assert KEY not in json.dumps(out)
    assert out["exception"]["values"][0]["stacktrace"]["frames"][0]["vars"]["n"] == 3
    assert json.dumps(event) == before
    assert sentry.before_send(redactor, lambda *_: None)(event, {}) is None


def test_sentry_sdk_itself(redactor: Redactor) -> None:
    sentry_sdk = pytest.importorskip("sentry_sdk", reason="sentry_sdk is not installed: no part of the extra dev")
    sent: list[Any] = []

    class Transport(sentry_sdk.Transport):
        def capture_envelope(self, envelope: Any) -> None:
            sent.append(envelope.serialize())

    client = sentry_sdk.Client(dsn="http://k@127.0.0.1/1", transport=Transport, default_integrations=False, **sentry.options(redactor))
    held = LEAK
    try:
        raise ValueError(held)
    except ValueError as error:
        from sentry_sdk.utils import event_from_exception

        event, hint = event_from_exception(error, client_options=client.options)
        client.capture_event(event, hint)
    client.close()
    assert sent
    assert b"<redacted:" in b"".join(sent)
    assert KEY.encode() not in b"".join(sent)


def test_otel_processors_on_what_they_are_given(redactor: Redactor) -> None:
    log = SimpleNamespace(log_record=SimpleNamespace(body={"k": LEAK}, attributes={"api_secret": KEY, "n": 1}))
    LogRedactor(redactor).on_emit(log)
    assert KEY not in repr(log)
    assert log.log_record.attributes["n"] == 1
    broken = SimpleNamespace(_name=LEAK, _attributes={"url": LEAK})
    SpanRedactor(redactor).on_end(broken)  # without events: what cannot be checked is emptied
    assert KEY not in repr(broken)


def test_otel_sdk_itself(redactor: Redactor) -> None:
    sdk = pytest.importorskip("opentelemetry.sdk.trace", reason="opentelemetry-sdk is not installed: no part of the extra dev")
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor  # type: ignore[import-not-found, unused-ignore]
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import (  # type: ignore[import-not-found, unused-ignore]
        InMemorySpanExporter,
    )

    provider, exporter = sdk.TracerProvider(), InMemorySpanExporter()
    provider.add_span_processor(SpanRedactor(redactor))
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with pytest.raises(ValueError, match="BINANCE"), provider.get_tracer("t").start_as_current_span(f"get {LEAK}") as span:
        span.set_attribute("http.url", f"https://x/?signature={KEY}")
        raise ValueError(LEAK)
    text = exporter.get_finished_spans()[0].to_json()
    assert KEY not in text
    assert "<redacted:" in text
    provider.shutdown()


# ---------------------------------------------------------------- install
def test_install_is_idempotent_and_uninstalls(redactor: Redactor) -> None:
    before = (sys.stdout, sys.stderr, sys.excepthook, logging.Handler.format, list(sys.meta_path))
    handle = leakguard.redact.install(redactor, environment=False)
    try:
        assert leakguard.redact.install() is handle
        assert {"logging", "stdout", "hooks", "http"} <= set(handle.closed)
        assert handle.missing == {}
        assert isinstance(sys.stdout, stdout.GuardedText)
    finally:
        leakguard.redact.uninstall()
    leakguard.redact.uninstall()
    assert (sys.stdout, sys.stderr, sys.excepthook, logging.Handler.format, list(sys.meta_path)) == before
    with standard.install(redactor, parts=("logging",), environment=False) as other:
        assert other is not handle
        assert other.closed == ["logging"]
    with pytest.raises(UsageError, match="unknown part"):
        standard.install(redactor, parts=("smoke",))


def test_the_adapters_import_nothing_that_they_cover() -> None:
    code = (
        "import sys, importlib\n"
        "for name in 'logging stdout hooks fds http rich structlog loguru sentry otel asgi wsgi standard patches'.split():\n"
        "    importlib.import_module('leakguard.redact.' + name)\n"
        "print([m for m in ('structlog', 'loguru', 'sentry_sdk', 'opentelemetry', 'rich', 'ccxt', 'asyncio', 'hyperscan') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# ---------------------------------------------------------------- file descriptors
FD_CODE = """
import os, signal, subprocess, sys
from leakguard.redact import Redactor
from leakguard.redact.fds import guard_fds
redactor = Redactor()
guard = guard_fds(redactor, mode=sys.argv[1])
os.write(1, b"1 " + sys.argv[2].encode() + b"\\n")
redactor.register("plain words registered late", "late")
os.write(2, b"2 plain words registered late\\n")
subprocess.run([sys.executable, "-S", "-c", "import sys; print('3', sys.argv[1])", sys.argv[2]])
print("4", sys.argv[2])
if sys.argv[3] == "undo":
    guard.undo()
    guard.undo()
    os.write(1, b"5 unguarded\\n")
elif sys.argv[3] == "crash":
    sys.stdout.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize(("mode", "end"), [("process", "exit"), ("process", "undo"), ("process", "crash"), ("thread", "exit"), ("thread", "undo")])
def test_fd_guard(environment: str, mode: str, end: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FD_CODE, mode, LEAK, end], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == (-9 if end == "crash" else 0), done.stderr
    assert [line[0] for line in done.stdout.splitlines()] == ["1", "3", "4"] + ["5"] * (end == "undo")
    assert done.stderr.startswith("2 <redacted:late")
    assert KEY not in done.stdout + done.stderr


FORK_CODE = """
import base64, os, sys, threading
from leakguard.redact import Redactor
from leakguard.redact.fds import guard_fds
redactor = Redactor()
guard = guard_fds(redactor, mode=sys.argv[1])
redactor.register("plain words of the parent", "parent")
os.write(1, b"0 plain words of the parent\\n")
children = []
for number in range(4):
    child = os.fork()
    if not child:
        words = f"plain words of child {number} that the parent never heard"
        grand = 0 if number else os.fork()
        assert redactor.register(words, f"child{number}")
        os.write(1, f"{number} {words}\\n".encode())
        if not number and grand:
            os.waitpid(grand, 0)
        os._exit(redactor.stats().errors)
    children.append(child)
codes = [os.waitpid(child, 0)[1] for child in children]
redactor.register("more plain words of the parent", "parent2")
os.write(2, b"more plain words of the parent\\n")
guard.undo()
guard.undo()
sys.exit(any(codes) or redactor.stats().errors or len([t for t in threading.enumerate() if t.is_alive() and "fds" in t.name]))
"""


@pytest.mark.parametrize("mode", ["process", "thread"])
def test_what_a_forked_child_registers_reaches_the_reader(environment: str, mode: str) -> None:
    """Several children at once, and one of theirs, each with answers of its own."""
    done = subprocess.run([sys.executable, "-c", FORK_CODE, mode], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "plain words" not in done.stdout + done.stderr
    assert sorted(line.split(":")[1] for line in done.stdout.splitlines()) == ["child0", "child0", "child1", "child2", "child3", "parent"]
    assert "<redacted:parent2" in done.stderr, done


def test_fd_guard_refuses_unknown_modes(redactor: Redactor) -> None:
    with pytest.raises(UsageError):
        leakguard.redact.guard_fds(redactor, mode="magic")


class _Kept(logging.Handler):
    """Keeps messages."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


class _HandlesItself(_Kept):
    def handle(self, record: logging.LogRecord) -> bool:
        self.lines.append("own handle")
        return bool(super().handle(record))


class _FiltersItself(_Kept):
    def filter(self, record: logging.LogRecord) -> bool:
        return "drop" not in record.getMessage()


class _OwnLogger(logging.Logger):
    def filter(self, record: logging.LogRecord) -> bool:
        return "drop" not in record.getMessage()


def _no_drops(record: logging.LogRecord) -> bool:
    return "drop" not in record.getMessage()


def _usual(kind: str) -> tuple[logging.Logger, _Kept]:
    """A logger and its handler, with something about them that is not usual."""
    logger = (_OwnLogger if kind == "own logger" else logging.Logger)("units.usual", logging.INFO)
    handler = {"own handle": _HandlesItself, "own filter": _FiltersItself}.get(kind, _Kept)()
    logger.addHandler(handler)
    if kind == "handler's filter":
        handler.addFilter(_no_drops)
    elif kind == "logger's filter":
        logger.addFilter(_no_drops)
    elif kind == "filter of one logger":
        logger.filter = _no_drops  # type: ignore[method-assign]
    elif kind == "handle of one handler":
        handler.handle = lambda record: handler.lines.append(f"by hand {record.levelno}") or True  # type: ignore[func-returns-value, method-assign]
    elif kind == "level":
        handler.setLevel(logging.ERROR)
    elif kind == "disabled":
        logger.disabled = True
    elif kind == "two handlers":
        logger.addHandler(handler)
        logger.addHandler(_Kept())
    elif kind == "a parent's handler":
        logger.removeHandler(handler)
        parent = logging.Logger("units")
        parent.addHandler(handler)
        logger.parent = parent
    elif kind == "no propagation":
        logger.removeHandler(handler)
        logger.parent = logging.Logger("units")
        logger.parent.addHandler(handler)
        logger.propagate = False
    return logger, handler


@pytest.mark.parametrize(
    "kind",
    [
        "usual", "own handle", "own filter", "own logger", "handler's filter", "logger's filter", "filter of one logger", "level",
        "handle of one handler", "disabled", "two handlers", "a parent's handler", "no propagation",
    ],
)  # fmt: skip
def test_records_go_where_they_would_go(redactor: Redactor, kind: str) -> None:
    """The short way to a handler's `emit` leaves nothing out."""
    said = []
    for guarded in (False, True):
        logger, handler = _usual(kind)
        patches = adapter.install(redactor) if guarded else None
        try:
            logger.info("plain")
            logger.info("drop %d", 3)
            logger.error("order %s", "filled")
            logger.debug("not asked for")
            logger.handle(logging.makeLogRecord({"msg": "made", "levelno": logging.WARNING}))
        finally:
            if patches is not None:
                patches.undo()
        said.append(handler.lines)
    assert said[0] == said[1]
    assert said[0] or kind in ("disabled", "no propagation")


@pytest.mark.parametrize("name", ["handle", "callHandlers"])
def test_who_replaces_a_loggers_method_later_is_called(redactor: Redactor, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    patches = adapter.install(redactor)
    try:
        before, seen = getattr(logging.Logger, name), []

        def wrapped(self: logging.Logger, record: logging.LogRecord) -> None:
            seen.append(record.getMessage())
            before(self, record)

        monkeypatch.setattr(logging.Logger, name, wrapped)
        logger, handler = _usual("usual")
        logger.error("signature=%s", secret(6, "{{hex*64}}"))
        assert len(seen) == len(handler.lines) == 1
        assert "<redacted:" in handler.lines[0]
    finally:
        monkeypatch.undo()
        patches.undo()


@pytest.mark.parametrize("byte", sorted(ASK), ids=hex)
def test_the_guard_is_not_asked_about_what_it_does_not_judge(environment: str, byte: int) -> None:
    """Neither for a record nor for a text: both ways to a clean one say for themselves which bytes need the closer look."""
    own = Redactor(cache_folder=environment)
    text = f"order 17 of BTC is filled{chr(byte)}now"
    scanned: list[bytes] = []
    scan = own.guard.scan
    own.guard = own.guard._replace(scan=lambda data, *more: (scanned.append(data), scan(data, *more))[1])
    records: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: records.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.Logger("asked")
    logger.addHandler(handler)
    patches = adapter.install(own)
    try:
        logger.info("order 17 of BTC is filled now")
        assert scanned == [b"order 17 of BTC is filled now"]
        logger.info(text)
        logger.info("order 17 of %s is filled%snow", "BTC", chr(byte))
    finally:
        patches.undo()
    assert len(scanned) == 1
    assert records[1:] == [text, text]
    assert not own._calm(text.encode()) and own.redact_str(text) is text
    assert own._calm(b"order 17 of BTC is filled now")


def test_the_guard_is_not_asked_beyond_ascii(environment: str) -> None:
    own = Redactor(cache_folder=environment)
    assert own._calm(b"order 17 is filled") and not own._calm("order 17 is ausgeführt".encode())
