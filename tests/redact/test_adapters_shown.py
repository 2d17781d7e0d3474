"""What shows values by itself: handlers that read a record's fields, hooks that are set late, `traceback` and `cgitb`, uvloop.
Each test failed once: a secret came out this way.
"""

from __future__ import annotations

import asyncio
import collections
import enum
import gc
import io
import json
import logging
import pickle
import subprocess
import sys
import threading
import traceback
import types
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from texts import secret

from leakguard.redact import Redactor, hooks
from leakguard.redact import logging as redact_logging
from leakguard.redact import structlog as redact_structlog
from leakguard.redact.shown import redact_shown

KEY = secret(771, "{{alnum*48}}")


@pytest.fixture
def known(redactor: Redactor) -> Iterator[Redactor]:
    """Knows KEY, which no name gives away."""
    redactor.register(KEY, "own.key")
    yield redactor
    redactor.unregister(KEY)


@pytest.fixture
def closed(known: Redactor) -> Iterator[Redactor]:
    patches = [redact_logging.install(known), hooks.install(known)]
    yield known
    for one in patches:
        one.undo()


class Config:
    """An object as applications have them."""

    def __init__(self, value: str) -> None:
        self.value = value

    def __repr__(self) -> str:
        return f"Config({self.value})"


class Quiet(Config):
    def __str__(self) -> str:
        return "quiet"


class Changing(Config):
    said = 0

    def __str__(self) -> str:
        self.said += 1
        return "nothing yet" if self.said == 1 else f"now {self.value}"


class Kind(enum.Enum):
    KEY = KEY


class Named(dict):  # type: ignore[type-arg]
    """A collection that shows more than what is in it."""

    def __repr__(self) -> str:
        return f"Named({KEY})"


@dataclass
class Held:
    config: Any


OBJECTS = [
    Config(KEY), Quiet(KEY), Changing(KEY), Kind.KEY, types.SimpleNamespace(a=KEY), Path("/keys") / KEY, memoryview, Named(a=1),
    Held(Config(KEY)), {"a": [Config(KEY)]}, collections.deque([Config(KEY)]), [ValueError(Config(KEY))], iter([KEY]),
]  # fmt: skip


class Reading(logging.Handler):
    """A third party's: everything that a record holds, and a formatter called past `format`."""

    def __init__(self) -> None:
        super().__init__()
        self.out = io.StringIO()

    def emit(self, record: logging.LogRecord) -> None:
        self.out.write(f"{record.getMessage()} {record.__dict__!r} {record.__dict__!s}\n")
        if self.formatter is not None:
            self.out.write(self.formatter.format(record))


def _logger(formatter: logging.Formatter | None = None) -> tuple[logging.Logger, Reading]:
    logger, handler = logging.Logger("shown"), Reading()
    handler.setFormatter(formatter)
    logger.addHandler(handler)
    return logger, handler


@pytest.mark.parametrize("value", OBJECTS, ids=lambda value: type(value).__name__)
def test_an_object_in_a_record_shows_no_secret(closed: Redactor, value: Any) -> None:
    logger, handler = _logger()
    logger.warning("x %s", value)
    logger.warning("x %s", 5, extra={"thing": value})
    logger.warning(value)
    logger.warning("x %(a)s", {"a": value})
    assert KEY not in handler.out.getvalue()
    assert handler.out.getvalue().count("x ") >= 3


def test_an_object_in_a_record_that_shows_none_stays(closed: Redactor) -> None:
    class Plain:
        pass

    kept: list[logging.LogRecord] = []
    logger, handler = _logger()
    handler.emit = kept.append  # type: ignore[method-assign]
    things = [Plain(), Config("fine"), Quiet("fine"), sys.stdout, threading.Lock(), Plain, logger]
    for thing in things:
        logger.warning("x %s", thing, extra={"thing": thing})
    assert [record.args[0] for record in kept] == things  # type: ignore[index]
    assert [vars(record)["thing"] for record in kept] == things


def test_what_stands_for_an_object_is_in_all_else_that_object(known: Redactor) -> None:
    config = Config(KEY)
    said = redact_shown(known, config)
    assert isinstance(said, Config)
    assert said.value == KEY
    assert KEY not in f"{said} {said!r} {said:>80}"
    assert KEY.encode() not in pickle.dumps({"said": said})
    assert pickle.loads(pickle.dumps(said)) == str(said)
    assert redact_shown(known, said) is said


def test_an_object_under_a_sensitive_name_is_masked_whatever_it_says(redactor: Redactor) -> None:
    said = redact_shown(redactor, {"api_secret": Config("hunter22b"), "config": Config("hunter22b")})
    assert "hunter22b" not in str(said["api_secret"])
    assert str(said["config"]) == "Config(hunter22b)"


def test_what_leads_back_to_itself_is_masked_in_fields_too(closed: Redactor) -> None:
    """`extra` goes by name, which had no second look."""
    loop: dict[str, Any] = {"k": KEY}
    loop["self"] = loop
    logger, handler = _logger()
    logger.warning("x", extra={"loop": loop})
    assert KEY not in handler.out.getvalue()
    assert "<redacted:cycle>" in handler.out.getvalue()
    assert loop["self"] is loop


def test_structlogs_processor_leaves_renderers_no_object_that_shows_a_secret(known: Redactor) -> None:
    out = redact_structlog.Processor(known)(None, "info", {"event": "x", "config": Config(KEY), "more": [Quiet(KEY)]})
    assert KEY not in json.dumps(out, default=repr)


# ---------------------------------------------------------------- traceback, cgitb
def _raised() -> BaseException:
    held = f"held {KEY}"
    try:
        try:
            raise KeyError(KEY)
        except KeyError as error:
            raise ExceptionGroup(f"two {KEY}", [ValueError(KEY), RuntimeError(len(held))]) from error
    except ExceptionGroup as error:
        return error


def test_tracebacks_made_for_a_file_of_ones_own(closed: Redactor, tmp_path: Path) -> None:
    error = _raised()
    with open(tmp_path / "crash.log", "w") as file:
        traceback.print_exception(error, file=file)
        file.write("".join(traceback.format_exception(error)) + "".join(traceback.format_exception_only(error)))
        with_locals = traceback.TracebackException.from_exception(error, capture_locals=True)
        file.write("".join(with_locals.format()) + "".join(with_locals.stack.format()))
    text = (tmp_path / "crash.log").read_text()
    assert KEY not in text
    assert text.count("ExceptionGroup: two <redacted:own.key") == 4
    assert text.count("held = ") == 3
    assert text.count("raise ExceptionGroup") == 4


def test_a_formatter_that_shows_variables_called_past_its_handler(closed: Redactor) -> None:
    class Formatter(logging.Formatter):
        def formatException(self, info: Any) -> str:  # noqa: N802
            return "".join(traceback.TracebackException(*info, capture_locals=True).format())

    logger, handler = _logger(Formatter())
    try:
        raise _raised()
    except ExceptionGroup:
        logger.exception("failed")
    assert KEY not in handler.out.getvalue()
    assert "held = " in handler.out.getvalue()


def test_tracebacks_without_secrets_are_as_they_were(closed: Redactor) -> None:
    try:
        len(5)  # type: ignore[arg-type]
    except TypeError as error:
        with_hook = traceback.format_exception(error)
        lines = with_hook, traceback.format_exception_only(error), traceback.format_tb(error.__traceback__)
        closed_lines = [list(one) for one in lines]
        hooks_off = hooks.Hooks(closed)
        hooks_off.undo()
        assert closed_lines[0] == list(traceback.TracebackException.from_exception(error).format())
        assert closed_lines[1] == ["TypeError: object of type 'int' has no len()\n"]
        assert len(closed_lines[2]) == 1


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="cgitb is gone")
def test_cgitb_in_a_folder(redactor: Redactor, tmp_path: Path) -> None:
    code = (
        "import sys, warnings; warnings.simplefilter('ignore')\n"
        "import leakguard.redact; handle = leakguard.redact.install(parts=('hooks',)); handle.register(sys.argv[2], 'own.key')\n"
        "import cgitb\n"
        "def fails(given): raise ValueError('x')\n"
        "for kind in ('text', 'html'):\n"
        "    try: fails(sys.argv[2])\n"
        "    except ValueError: cgitb.Hook(display=0, logdir=sys.argv[1], format=kind).handle()\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path), KEY], check=True, capture_output=True, timeout=60)
    pages = [path.read_text() for path in tmp_path.iterdir()]
    assert len(pages) == 2
    assert all("given" in page and "redacted:own.key" in page and KEY not in page for page in pages)


# ---------------------------------------------------------------- hooks that are set later
def test_a_threads_hook_that_is_set_later(closed: Redactor, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []

    def hook(args: Any) -> None:
        seen.append(args)

    def fails() -> None:
        raise ValueError(KEY)

    monkeypatch.setattr(threading, "excepthook", hook)
    thread = threading.Thread(target=fails)
    thread.start()
    thread.join()
    (args,) = seen
    assert isinstance(args, threading.ExceptHookArgs)
    assert args.exc_type is ValueError
    assert args.thread is thread
    assert str(args.exc_value).startswith("<redacted:own.key")
    assert args.exc_traceback is not None


def test_a_warnings_hook_that_is_set_later(closed: Redactor, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[Any, ...]] = []

    def show(*args: Any, **_named: Any) -> None:
        seen.append(args)

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        monkeypatch.setattr(warnings, "showwarning", show)
        warnings.warn(f"careful {KEY}", UserWarning, stacklevel=1)
    ((message, category, *_),) = seen
    assert category is UserWarning
    assert isinstance(message, UserWarning)
    assert KEY not in str(message)


def test_a_warning_that_a_program_catches_is_its_own(closed: Redactor) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.warn(f"careful {KEY}", UserWarning, stacklevel=1)
    assert KEY in str(caught[0].message)


HOOKS = """
import io, sys, threading, types
import leakguard.redact
handle = leakguard.redact.install(parts=("stdout", "hooks"), environment=False)
handle.register(sys.argv[1], "own.key")
before = sys.excepthook, sys.unraisablehook
def program(kind, error, trace): sys.stderr.write(f"program {kind.__name__} {error!r}\\n"); own.write(str(error))
def unraisable(args): sys.stderr.write(f"unraisable {args.exc_value!r} {args.object!r}\\n"); own.write(str(args.exc_value) + repr(args.object))
own = open(sys.argv[2], "w")
way = sys.argv[3]
if way == "dict":
    vars(sys).update(excepthook=program, unraisablehook=unraisable)
    assert leakguard.redact.install() is handle
else:
    sys.excepthook, sys.unraisablehook = program, unraisable
if way == "again":
    assert leakguard.redact.install() is handle
    assert leakguard.redact.install() is handle
if way == "restored":  # by who has them from there
    from unittest import mock
    with mock.patch.object(sys, "excepthook", print), mock.patch("sys.unraisablehook", print):
        assert sys.excepthook is print
    sys.excepthook, sys.unraisablehook = sys.excepthook, sys.unraisablehook
if way == "chained":  # one that calls what it found, and is set twice
    old = sys.excepthook
    def chained(kind, error, trace): old(kind, error, trace)
    sys.excepthook = chained
    if sys.excepthook is not chained:
        old = sys.excepthook
        sys.excepthook = chained
if way == "none":
    del sys.excepthook
    assert not hasattr(sys, "excepthook")
    sys.excepthook = None
    sys.excepthook = program
if way == "thread":  # whose own hook fails: then it is the program's that is called
    def fails(args): raise RuntimeError(str(sys.argv[1]))
    threading.excepthook = fails
    thread = threading.Thread(target=lambda: 1 / 0)
    thread.start(); thread.join()
class Dying:
    def __del__(self): raise ValueError(sys.argv[1])
if way != "chained":
    assert sys.excepthook is program and sys.unraisablehook is unraisable
Dying()
if way == "default":
    sys.excepthook, sys.unraisablehook = before
    assert (sys.excepthook, sys.unraisablehook) == before
    Dying()
if way == "undo":
    handle.uninstall()
    assert sys.excepthook is program and sys.unraisablehook is unraisable and type(sys) is types.ModuleType
    own.truncate(0)
    sys.excepthook = before[0]
    assert sys.excepthook is before[0] is vars(sys)["excepthook"]
    sys.exit()
raise ValueError(sys.argv[1])
"""


@pytest.mark.parametrize(
    "way", ["", "again", "undo", "dict", "restored", "chained", "none", "thread", "default"]
)
def test_the_programs_hooks_that_are_set_later(environment: str, tmp_path: Path, way: str) -> None:
    """What they get says no secret, wherever they write it; who reads one gets what was set."""
    done = subprocess.run(
        [sys.executable, "-c", HOOKS, KEY, str(tmp_path / "own"), way], capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == (0 if way == "undo" else 1), done.stderr
    assert "AssertionError" not in done.stderr
    assert "Recursion" not in done.stderr
    assert KEY not in done.stderr
    assert "unraisable ValueError('<redacted:own.key" in done.stderr
    assert ("program ValueError ValueError('<redacted:own.key" in done.stderr) == (way not in ("undo", "default"))
    assert ("program RuntimeError RuntimeError('<redacted:own.key" in done.stderr) == (way == "thread")
    assert done.stderr.count("\nValueError: <redacted:own.key") == 2 * (way == "default")
    assert KEY not in (tmp_path / "own").read_text()
    assert way == "undo" or "<redacted:own.key" in (tmp_path / "own").read_text()


def test_sys_is_what_it_was_for_those_who_copy_or_pickle_it(closed: Redactor) -> None:
    assert isinstance(sys, types.ModuleType)
    assert repr(sys) == "<module 'sys' (built-in)>"
    assert pickle.loads(pickle.dumps(sys)) is sys  # else a pickler that knows modules by their class takes all of it
    assert sys.excepthook is vars(sys)["excepthook"]
    with pytest.raises(AttributeError):
        sys.nothing_of_this_name  # type: ignore[attr-defined]  # noqa: B018
    outer = hooks.install(closed)
    outer.undo()
    closed_again = hooks.install(closed)
    inner = hooks.install(closed)
    closed_again.undo()
    sys.unraisablehook = sys.unraisablehook
    inner.undo()


@pytest.mark.skipif(sys.platform == "win32", reason="there is no uvloop")
def test_uvloops_own_handler(closed: Redactor) -> None:
    import uvloop

    seen: list[str] = []

    async def fails() -> None:
        raise ValueError(KEY)

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: seen.append(repr(context)))
        task = asyncio.ensure_future(fails())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        del task
        gc.collect()

    patches = hooks.install(closed)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(main())
    finally:
        patches.undo()
    assert seen
    assert KEY not in seen[0]
