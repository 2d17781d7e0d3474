"""What lies at the edges of the adapters: objects that show secrets when they are shown, streams below streams, bodies that
are made while they are sent, threads that are gone, signals that only we get."""

from __future__ import annotations

import asyncio
import copy
import gc
import io
import logging
import os
import signal
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from texts import secret

from leakguard.redact import Redactor, hooks, pump, sentry
from leakguard.redact import rich as redact_rich
from leakguard.redact.asgi import line
from leakguard.redact.otel import LogRedactor, SpanRedactor
from leakguard.redact.stdout import GuardedText
from leakguard.redact.wsgi import AccessLog

KEY = secret(431, "{{alnum*64}}")
LEAK = f"BINANCE_API_SECRET={KEY}"


# ---------------------------------------------------------------- hooks
def test_a_loops_own_handler_sees_no_secret_in_what_it_shows(redactor: Redactor) -> None:
    """A task's repr shows the exception it ended with, a handle's what it was to call."""
    seen: list[str] = []
    kinds: list[bool] = []

    def told(_loop: Any, context: dict[str, Any]) -> None:
        seen.append(repr(context))
        if "future" in context:
            kinds.append(isinstance(context["future"], asyncio.Task))
            seen.append(context["future"].get_name())

    async def fails() -> None:
        raise ValueError(LEAK)

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(told)
        task = asyncio.ensure_future(fails())
        task.set_name("mine")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        del task
        gc.collect()

    patches = hooks.install(redactor)
    try:
        asyncio.run(main())
    finally:
        patches.undo()
    assert "Task exception was never retrieved" in seen[0]
    assert KEY not in "".join(seen)
    assert "<redacted:binance.api-secret" in seen[0]
    assert kinds == [True]
    assert seen[1] == "mine"


# ---------------------------------------------------------------- streams
class Sink(io.RawIOBase):
    def __init__(self) -> None:
        self.data = b""

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.data += bytes(data)
        return len(data)


def stream(redactor: Redactor) -> tuple[GuardedText, Sink]:
    sink = Sink()
    return GuardedText(io.TextIOWrapper(io.BufferedWriter(sink), encoding="utf-8"), redactor), sink


def test_what_lies_below_a_stream_redacts_too(redactor: Redactor) -> None:
    out, sink = stream(redactor)
    out.write("text ")
    out.buffer.write(b"bytes ")
    out.buffer.raw.write(LEAK[:30].encode())
    out.buffer.raw.write(LEAK[30:].encode() + b"\n")
    out.buffer.detach().write(LEAK.encode() + b"\n")
    out.flush()
    assert sink.data.startswith(b"text bytes BINANCE_API_SECRET=<redacted:")
    assert sink.data.count(b"<redacted:") == 2
    assert KEY.encode() not in sink.data


def test_a_stream_may_be_wrapped_anew(redactor: Redactor) -> None:
    out, sink = stream(redactor)
    again = io.TextIOWrapper(out.detach(), encoding="utf-8", line_buffering=True)
    again.write(f"{LEAK}\n")
    again.flush()
    assert b"<redacted:" in sink.data
    assert KEY.encode() not in sink.data


def test_bytes_are_not_made_of_numbers(redactor: Redactor) -> None:
    out, _ = stream(redactor)
    with pytest.raises(TypeError):
        out.buffer.write(5)
    assert out.buffer.write(memoryview(b"ab")) == 2


ENDING = """
import atexit, multiprocessing, sys
atexit.register(lambda: sys.stdout.write("earlier exit secret="))
import leakguard.redact
handle = leakguard.redact.install(parts=("stdout",), environment=False)
handle.register("own value 12345678", "own.key")
def work(text): sys.stdout.write(text)
if __name__ == "__main__":
    context = multiprocessing.get_context("fork")
    for text in ("worker secret=", "worker own value 12345678", "worker own value 123"):
        process = context.Process(target=work, args=(text,))
        process.start()
        process.join()
        print()
    with context.Pool(1) as pool:
        pool.apply(work, ("pool token=",))
        pool.close()
        pool.join()
    print()
    sys.stdout.write("main token=\\n+ ")
"""


def test_an_unfinished_line_is_written_when_a_process_ends(environment: str, tmp_path: Any) -> None:
    """A child of multiprocessing ends by `os._exit`, and what was registered with atexit before comes after: both lost it."""
    (tmp_path / "ending.py").write_text(ENDING)
    done = subprocess.run([sys.executable, str(tmp_path / "ending.py")], capture_output=True, text=True, timeout=60, check=True)
    lines = done.stdout.split("\n")
    assert lines[1].startswith("worker <redacted:own.key")
    assert [*lines[:1], *lines[2:]] == ["worker secret=", "worker own value 123", "pool token=", "main token=", "+ earlier exit secret="]


def test_a_daemon_thread_that_is_gone_does_not_keep_the_process(environment: str) -> None:
    """It may hold a stream's lock when the interpreter ends its life, and will never give it back."""
    script = (
        "import sys, threading, leakguard.redact\n"
        "leakguard.redact.install(parts=('stdout',), environment=False)\n"
        "class Late:\n"
        "    def __del__(self): print('late', sys.argv[1])\n"
        "sys.late = Late()\n"
        "held = threading.Event()\n"
        "def hold():\n"
        "    sys.stdout._pump._lock.acquire(); held.set(); threading.Event().wait()\n"
        "print('first'); threading.Thread(target=hold, daemon=True).start(); held.wait()\n"
        "import atexit; atexit._clear()\n"  # what is written at exit would wait for the thread, which still lives
    )
    done = subprocess.run([sys.executable, "-c", script, LEAK], capture_output=True, timeout=60, check=False)
    assert done.returncode == 0
    assert done.stdout.startswith(b"first\n")
    assert KEY.encode() not in done.stdout + done.stderr


# ---------------------------------------------------------------- access logs
def test_a_body_that_is_made_while_it_is_sent(redactor: Redactor, caplog: pytest.LogCaptureFixture) -> None:
    errors = io.StringIO()
    closed: list[bool] = []

    def app(environ: Any, start_response: Any) -> Any:
        start_response("201 Created", [])
        environ["wsgi.errors"].write(LEAK[:30])
        yield b"a"
        environ["wsgi.errors"].write(LEAK[30:])
        try:
            yield b"b"
        finally:
            closed.append(True)

    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/x", "wsgi.errors": errors}
    with caplog.at_level(logging.INFO):
        body: Any = AccessLog(app, redactor)(environ, lambda *_: None)
        assert [next(body), next(body)] == [b"a", b"b"]
        assert not caplog.messages
        body.close()
        body.close()
    assert closed == [True]
    assert [message.partition(' "')[2][:11] for message in caplog.messages] == ['GET /x" 201']
    assert errors.getvalue().startswith("BINANCE_API_SECRET=<redacted:")
    assert KEY not in errors.getvalue()


def test_a_client_makes_no_lines_of_its_own(redactor: Redactor) -> None:
    told = line(redactor, "10.0.0.1", "GET", f"/x\r\nroot: ok\x1b[2J\x9b?token={KEY}", 200, 0.1)
    assert told.isprintable()
    assert "\\r\\nroot: ok\\x1b[2J" in told
    assert KEY not in told


# ---------------------------------------------------------------- Sentry, OpenTelemetry, rich
def test_sentry_is_given_options_that_it_knows(redactor: Redactor, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = {"before_send", "before_send_transaction", "before_breadcrumb", "before_send_log"}
    monkeypatch.setitem(sys.modules, "sentry_sdk.consts", None)  # type: ignore[arg-type]
    assert set(sentry.options(redactor)) == usual
    for known in ({"before_send": None, "dsn": None}, dict.fromkeys([*usual, "before_send_metric"])):
        monkeypatch.setitem(sys.modules, "sentry_sdk.consts", SimpleNamespace(DEFAULT_OPTIONS=known))  # type: ignore[arg-type]
        assert set(sentry.options(redactor)) == {name for name in known if name.startswith("before")}


class Resource:
    def __init__(self, attributes: dict[str, Any]) -> None:
        self._attributes = attributes

    @property
    def attributes(self) -> dict[str, Any]:
        return self._attributes


def test_otel_resources_are_redacted_as_copies(redactor: Redactor) -> None:
    resource = Resource({"service.name": "bot", "api_secret": KEY})
    span = SimpleNamespace(
        _name="x", _attributes={}, _events=(), _links=(), _status=None, _resource=resource,
    )  # fmt: skip
    other = copy.copy(span)
    redact = SpanRedactor(redactor)
    redact.on_end(span)
    redact.on_end(other)
    assert span._resource is other._resource
    assert span._resource is not resource
    assert span._resource.attributes["service.name"] == "bot"
    assert KEY not in repr(span._resource.attributes)
    assert resource.attributes["api_secret"] == KEY, "the application's own is changed"
    log = SimpleNamespace(log_record=SimpleNamespace(body="x", attributes=None), resource=resource)
    LogRedactor(redactor).on_emit(log)
    assert KEY not in repr(log.resource.attributes)
    plain = Resource({"service.name": "bot"})
    clean = SimpleNamespace(log_record=SimpleNamespace(body="x", attributes=None), resource=plain)
    LogRedactor(redactor).on_emit(clean)
    assert clean.resource is plain


@pytest.mark.parametrize("width", [30, 80])
def test_rich_draws_no_secret_whatever_it_draws_on(redactor: Redactor, width: int) -> None:
    """A console of a file is not the process' stdout; what is wrapped or boxed is in pieces by the time it is written."""
    console_module = pytest.importorskip("rich.console", reason="rich is not installed: no part of the extra dev")
    import rich.panel  # type: ignore[import-not-found, unused-ignore]
    import rich.table  # type: ignore[import-not-found, unused-ignore]
    import rich.text  # type: ignore[import-not-found, unused-ignore]

    table = rich.table.Table("name", "value")
    table.add_row("x", LEAK)
    covered = redact_rich.install(redactor)
    try:
        for shown in (LEAK, rich.text.Text(LEAK), rich.panel.Panel(LEAK, title=LEAK), table):
            file = io.StringIO()
            console = console_module.Console(file=file, width=width)
            console.print(shown)
            console.rule(LEAK)
            console.out(LEAK)
            assert not any(KEY[at : at + 8] in file.getvalue() for at in range(len(KEY) - 8))
            assert "<redacted:" in file.getvalue().replace("\n", "")
    finally:
        covered.undo()
    file = io.StringIO()
    console_module.Console(file=file, width=200).print(LEAK)
    assert KEY in file.getvalue()


# ---------------------------------------------------------------- children, files that are followed
@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
def test_an_interrupt_that_only_we_get_reaches_the_child() -> None:
    """A supervisor sends it to the process it started, not to a terminal's group."""
    script = (
        "import signal, sys, time\n"
        "def told(*_): print('interrupted', sys.argv[1], flush=True); sys.exit(9)\n"
        "signal.signal(signal.SIGINT, told); print('ready', flush=True)\n"
        "time.sleep(60)\n"
    )
    running = subprocess.Popen(
        [sys.executable, "-m", "leakguard", "redact", "--", sys.executable, "-c", script, LEAK],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    assert running.stdout
    assert running.stdout.readline() == b"ready\n"
    running.send_signal(signal.SIGINT)
    out, _ = running.communicate(timeout=60)
    assert out.startswith(b"interrupted BINANCE_API_SECRET=<redacted:")
    assert running.returncode == 9


def test_what_is_written_right_before_a_rotation_is_read(redactor: Redactor, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(b"one\n")
    out: list[bytes] = []
    replaced = pump._Followed._replaced

    def rotated(self: Any) -> bool:
        """Between the last look at the old file and the look at its name."""
        if not (tmp_path / "a.log.1").exists():
            with path.open("ab") as old:
                old.write(b"last words\n")
            os.rename(path, tmp_path / "a.log.1")
            path.write_bytes(b"two\n")
        return replaced(self)

    monkeypatch.setattr(pump._Followed, "_replaced", rotated)
    pump.follow(redactor, [str(path)], out.append, lambda: b"two" not in b"".join(out))
    assert b"".join(out) == b"one\nlast words\ntwo\n"


def test_a_file_is_read_on_when_another_has_its_name(redactor: Redactor, tmp_path: Any) -> None:
    """Who writes it is told later, and wrote on: logrotate's `create` and a HUP."""
    path = tmp_path / "a.log"
    path.write_bytes(b"one\n")
    out: list[bytes] = []
    steps = iter(("one", "two", "late", "three", ""))
    waited = [next(steps)]

    def goes_on() -> bool:
        told = b"".join(out).decode()
        if waited[0] and waited[0] not in told:
            return True
        if waited[0] == "one":
            os.rename(path, tmp_path / "a.log.1")
            path.write_bytes(b"two\n")
        elif waited[0] == "two":
            with (tmp_path / "a.log.1").open("ab") as old:
                old.write(f"late {LEAK}\n".encode())
        elif waited[0] == "late":
            with path.open("ab") as new:
                new.write(b"three\n")
        waited[0] = next(steps)
        return bool(waited[0])

    pump.follow(redactor, [str(path)], out.append, goes_on)
    told = b"".join(out)
    assert told.startswith(b"one\ntwo\nlate BINANCE_API_SECRET=<redacted:")
    assert told.endswith(b">\nthree\n")


@pytest.mark.parametrize("more", [b"", b"and more than before\n"])
def test_a_truncated_file_may_be_as_long_again(redactor: Redactor, tmp_path: Any, more: bytes) -> None:
    """copytruncate, between two looks of ours: its size does not tell."""
    path = tmp_path / "a.log"
    path.write_bytes(b"first line\n")
    out: list[bytes] = []

    def goes_on() -> bool:
        if b"".join(out) == b"first line\n":
            with path.open("r+b") as file:  # the same file
                file.truncate(0)
                file.write(b"other line\n" + more)
        return b"other" not in b"".join(out)

    pump.follow(redactor, [str(path)], out.append, goes_on)
    assert b"".join(out) == b"first line\nother line\n" + more


@pytest.mark.parametrize(("closed", "says"), [("<&-", b"standard input"), (">&-", b"standard output")])
def test_a_standard_stream_that_is_closed_is_said(closed: str, says: bytes) -> None:
    """Its number would be taken by a pipe of our own: it read from that for ever."""
    shell = f'exec "$0" -m leakguard redact {closed}'
    done = subprocess.run(["sh", "-c", shell, sys.executable], input=b"x\n", capture_output=True, timeout=60, check=False)
    assert done.returncode == 3
    assert says in done.stderr
