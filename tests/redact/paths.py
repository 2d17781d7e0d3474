"""A program that leaks on one path after the other: run as a process of its own by test_adapters_matrix.py.

    paths.py BACKEND FOLDER 0|1|2       1: one install() line at the beginning; 2: with the guard of file descriptors

Every row leaks a secret of its own (`secret_of`), so that all that was written says which rows leak. FOLDER gets the files.
"""

from __future__ import annotations

import json
import logging
import logging.handlers
import os
import queue
import subprocess
import sys
import threading
import traceback
import warnings
from collections.abc import Callable
from typing import Any

from leakguard.detect.generate import expand

COMMON: dict[str, Callable[[str, str], Any]] = {}
STDLIB: dict[str, Callable[[str, str], Any]] = {}
STRUCTLOG: dict[str, Callable[[str, str], Any]] = {}
LOGURU: dict[str, Callable[[str, str], Any]] = {}
FDS = ("os_write", "own_stderr_object", "child", "c_code")
"""The rows that only the guard of file descriptors closes."""


def row(table: dict[str, Callable[[str, str], Any]]) -> Callable[[Callable[[str, str], Any]], Callable[[str, str], Any]]:
    def put(function: Callable[[str, str], Any]) -> Callable[[str, str], Any]:
        table[function.__name__] = function
        return function

    return put


def secret_of(name: str) -> str:
    from random import Random

    return expand("{{alnum*48}}", Random(f"matrix:{name}"))


def rows(backend: str) -> dict[str, Callable[[str, str], Any]]:
    return {"logging": STDLIB, "structlog": STRUCTLOG, "loguru": LOGURU}[backend] | COMMON


def file_logger(name: str, folder: str, formatter: logging.Formatter | None = None) -> tuple[logging.Logger, logging.Handler]:
    handler = logging.FileHandler(os.path.join(folder, f"{name}.log"))
    if formatter:
        handler.setFormatter(formatter)
    logger = logging.getLogger(f"row.{name}")
    logger.addHandler(handler)
    logger.propagate = False
    return logger, handler


class Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return json.dumps({k: v for k, v in vars(record).items() if k not in ("exc_info",)}, default=repr)


class Reading(logging.Handler):
    """A third party's handler that reads what it likes."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path

    def emit(self, record: logging.LogRecord) -> None:
        with open(self.path, "a") as file:
            file.write(f"{record.msg!r} {record.args!r} {record.exc_info!r}\n")


class Headstrong(Reading):
    """... and one with a `handle` of its own."""

    def handle(self, record: logging.LogRecord) -> bool:
        self.emit(record)
        return True


# ---------------------------------------------------------------- standard logging
@row(STDLIB)
def msg(secret: str, folder: str) -> None:
    file_logger("msg", folder)[0].warning("key " + secret)


@row(STDLIB)
def args(secret: str, folder: str) -> None:
    file_logger("args", folder)[0].warning("key %s n=%d", secret, 4)


@row(STDLIB)
def dict_args(secret: str, folder: str) -> None:
    file_logger("dict_args", folder)[0].warning("key %(k)s", {"k": secret})


@row(STDLIB)
def joined_by_args(secret: str, folder: str) -> None:
    file_logger("joined", folder)[0].warning("%s%s", secret[:20], secret[20:])


@row(STDLIB)
def non_str_msg(secret: str, folder: str) -> None:
    class Thing:
        def __str__(self) -> str:
            return f"thing {secret}"

    logger = file_logger("nonstr", folder)[0]
    logger.warning(Thing())
    logger.warning({"k": [secret]})


@row(STDLIB)
def exc_info(secret: str, folder: str) -> None:
    logger = file_logger("exc", folder)[0]
    try:
        try:
            raise KeyError(secret)
        except KeyError as error:
            raise RuntimeError("outer") from error
    except RuntimeError:
        logger.exception("failed")


@row(STDLIB)
def cached_exc_text(secret: str, folder: str) -> None:
    record = logging.LogRecord("row.cached", 40, "x.py", 1, "failed", (), None)
    record.exc_text = f"Traceback: ValueError: {secret}"
    file_logger("cached", folder)[0].handle(record)


@row(STDLIB)
def stack_info(secret: str, folder: str) -> None:
    record = logging.LogRecord("row.stack", 40, "x.py", 1, "failed", (), None, sinfo=f"Stack: f('{secret}')")
    file_logger("stack", folder)[0].handle(record)


@row(STDLIB)
def extra_json(secret: str, folder: str) -> None:
    file_logger("extra", folder, Json())[0].warning("x", extra={"headers": {"X-Thing": [secret]}, "n": 3})


@row(STDLIB)
def extra_by_filter(secret: str, folder: str) -> None:
    logger, handler = file_logger("filtered", folder, Json())

    def add(record: logging.LogRecord) -> bool:
        record.context = secret
        return True

    handler.addFilter(add)
    logger.warning("x")


@row(STDLIB)
def third_party_handler(secret: str, folder: str) -> None:
    logger = logging.getLogger("row.third")
    logger.propagate = False
    logger.addHandler(Reading(os.path.join(folder, "third.log")))
    logger.addHandler(Headstrong(os.path.join(folder, "third2.log")))
    logger.warning("k %s", secret)
    try:
        raise ValueError(secret)
    except ValueError:
        logger.exception("x %s", {"deep": (secret,)})


@row(STDLIB)
def unpacking_formatter(secret: str, folder: str) -> None:
    class Access(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            client, method, path, version, status = record.args  # type: ignore[misc]
            return f"unpacked {client} {method} {path} {version} {int(status)}"  # type: ignore[arg-type]

    logger = file_logger("unpack", folder, Access())[0]
    logger.warning('%s - "%s %s HTTP/%s" %d', "127.0.0.1:4", "GET", f"/x?token={secret}", "1.1", 200)


@row(STDLIB)
def format_error(secret: str, folder: str) -> None:
    file_logger("bad", folder)[0].warning("bad %d", secret)


@row(STDLIB)
def format_error_msg(secret: str, folder: str) -> None:
    file_logger("bad2", folder)[0].warning(f"bad %d {secret}", "x")


@row(STDLIB)
def make_log_record(secret: str, folder: str) -> None:
    record = logging.makeLogRecord({"name": "row.made", "msg": "k %s", "args": (secret,), "levelno": 40, "thing": secret})
    file_logger("made", folder, Json())[0].handle(record)


@row(STDLIB)
def queue_handler(secret: str, folder: str) -> None:
    items: queue.Queue[Any] = queue.Queue()
    target = logging.FileHandler(os.path.join(folder, "queue.log"))
    listener = logging.handlers.QueueListener(items, target)
    logger = logging.getLogger("row.queue")
    logger.propagate = False
    logger.addHandler(logging.handlers.QueueHandler(items))
    listener.start()
    try:
        raise ValueError(secret)
    except ValueError:
        logger.exception("k %s", secret)
    listener.stop()


@row(STDLIB)
def socket_handler(secret: str, folder: str) -> None:
    class ToFile(logging.handlers.SocketHandler):
        def send(self, data: bytes) -> None:
            with open(os.path.join(folder, "socket.log"), "ab") as file:
                file.write(data)

    logger = logging.getLogger("row.socket")
    logger.propagate = False
    logger.addHandler(ToFile("localhost", 1))
    try:
        raise ValueError("x " + secret)
    except ValueError:
        logger.exception("k %s", secret, extra={"more": secret})


@row(STDLIB)
def memory_handler(secret: str, folder: str) -> None:
    """A record that was made before install (BEFORE) and is written now."""
    BEFORE.setTarget(logging.FileHandler(os.path.join(folder, "memory.log")))
    BEFORE.flush()


@row(STDLIB)
def capture_warnings(secret: str, folder: str) -> None:
    logging.captureWarnings(True)
    handler = logging.FileHandler(os.path.join(folder, "warnings.log"))
    logging.getLogger("py.warnings").addHandler(handler)
    warnings.warn("careful " + secret, stacklevel=1)
    logging.captureWarnings(False)


@row(STDLIB)
def last_resort(secret: str, folder: str) -> None:
    root = logging.getLogger()
    handlers, root.handlers = root.handlers, []
    logging.getLogger("nobody").warning("k %s", secret)
    root.handlers = handlers


@row(STDLIB)
def handler_from_before(secret: str, folder: str) -> None:
    """Of a logger that was set up before install, with the process' own stderr."""
    logging.getLogger("row.early").warning("k %s", secret)


BEFORE = logging.handlers.MemoryHandler(10, flushLevel=100, flushOnClose=False)


def before() -> None:
    """What happens before install()."""
    record = logging.LogRecord("row.before", 30, "x.py", 1, "k %s", (secret_of("memory_handler"),), None)
    BEFORE.handle(record)
    early = logging.getLogger("row.early")
    early.propagate = False
    early.addHandler(logging.StreamHandler(sys.__stderr__))


# ---------------------------------------------------------------- structlog
def _structlog(folder: str, name: str, *processors: Any) -> Any:
    import structlog

    file = open(os.path.join(folder, f"{name}.log"), "a", buffering=1)  # noqa: SIM115
    return structlog.wrap_logger(structlog.PrintLogger(file), processors=list(processors))


@row(STRUCTLOG)
def event(secret: str, folder: str) -> None:
    import structlog

    _structlog(folder, "event", structlog.processors.JSONRenderer()).info("k " + secret)


@row(STRUCTLOG)
def keywords(secret: str, folder: str) -> None:
    import structlog

    _structlog(folder, "keywords", structlog.dev.ConsoleRenderer()).info("k", thing={"a": [secret]})


@row(STRUCTLOG)
def bound(secret: str, folder: str) -> None:
    import structlog

    _structlog(folder, "bound", structlog.processors.JSONRenderer()).bind(thing=secret).info("k")


@row(STRUCTLOG)
def structlog_exception(secret: str, folder: str) -> None:
    import structlog

    log = _structlog(folder, "sexc", structlog.processors.format_exc_info, structlog.processors.JSONRenderer())
    try:
        raise ValueError(secret)
    except ValueError:
        log.exception("failed")


@row(STRUCTLOG)
def structlog_locals(secret: str, folder: str) -> None:
    import structlog

    log = _structlog(folder, "slocals", structlog.processors.dict_tracebacks, structlog.processors.JSONRenderer())
    try:
        held = secret
        raise ValueError(len(held) and "x")
    except ValueError:
        log.exception("failed")


@row(STRUCTLOG)
def sending_processor(secret: str, folder: str) -> None:
    import structlog

    def sends(_logger: Any, _method: str, event_dict: Any) -> Any:
        with open(os.path.join(folder, "sent.log"), "a") as file:
            file.write(repr(event_dict))
        return event_dict

    _structlog(folder, "sending", sends, structlog.processors.JSONRenderer()).info("k", thing=secret)


@row(STRUCTLOG)
def through_logging(secret: str, folder: str) -> None:
    import structlog

    logger, handler = file_logger("through", folder)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processor=structlog.processors.JSONRenderer()))
    log = structlog.wrap_logger(
        logger, processors=[structlog.stdlib.ProcessorFormatter.wrap_for_formatter], wrapper_class=structlog.stdlib.BoundLogger
    )
    log.warning("k", thing=secret)


@row(STRUCTLOG)
def filtering_logger(secret: str, folder: str) -> None:
    import structlog

    file = open(os.path.join(folder, "filtering.log"), "a", buffering=1)  # noqa: SIM115
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(20), logger_factory=structlog.PrintLoggerFactory(file)
    )
    structlog.get_logger().info("k %s", secret)


# ---------------------------------------------------------------- loguru
def _loguru(folder: str, name: str, **options: Any) -> tuple[Any, int]:
    from loguru import logger

    return logger, logger.add(os.path.join(folder, f"{name}.log"), filter=lambda r: name in r["extra"], **options)


@row(LOGURU)
def message(secret: str, folder: str) -> None:
    logger, _ = _loguru(folder, "lmessage")
    logger.bind(lmessage=1).info("k " + secret)


@row(LOGURU)
def braces(secret: str, folder: str) -> None:
    logger, _ = _loguru(folder, "lbraces")
    logger.bind(lbraces=1).info("k {}", secret)


@row(LOGURU)
def serialized_extra(secret: str, folder: str) -> None:
    logger, _ = _loguru(folder, "lextra", serialize=True)
    logger.bind(lextra=1, thing={"a": [secret]}).info("k")


@row(LOGURU)
def loguru_exception(secret: str, folder: str) -> None:
    logger, _ = _loguru(folder, "lexc", diagnose=False)
    try:
        raise ValueError(secret)
    except ValueError:
        logger.bind(lexc=1).exception("failed")


@row(LOGURU)
def diagnose(secret: str, folder: str) -> None:
    logger, _ = _loguru(folder, "ldiagnose")
    try:
        held = secret
        assert len(held) == 1
    except AssertionError:
        logger.bind(ldiagnose=1).exception("failed")


@row(LOGURU)
def enqueued(secret: str, folder: str) -> None:
    logger, _ = _loguru(folder, "lqueue", enqueue=True)
    logger.bind(lqueue=1).info("k " + secret)
    logger.complete()


@row(LOGURU)
def function_sink(secret: str, folder: str) -> None:
    from loguru import logger

    def sink(text: Any) -> None:
        with open(os.path.join(folder, "lsink.log"), "a") as file:
            file.write(f"{text} {text.record['message']} {text.record['extra']} {text.record['exception']!r}")

    logger.add(sink, filter=lambda r: "lsink" in r["extra"])
    try:
        raise ValueError(secret)
    except ValueError:
        logger.bind(lsink=1, thing=secret).exception("k " + secret)


@row(LOGURU)
def handler_sink(secret: str, folder: str) -> None:
    from loguru import logger

    logger.add(Reading(os.path.join(folder, "lhandler.log")), filter=lambda r: "lhandler" in r["extra"])
    logger.bind(lhandler=1).info("k " + secret)


@row(LOGURU)
def failing_sink(secret: str, folder: str) -> None:
    from loguru import logger

    def sink(_text: Any) -> None:
        raise OSError("sink")

    number = logger.add(sink, filter=lambda r: "lfailing" in r["extra"])
    logger.bind(lfailing=1).info("k " + secret)
    logger.remove(number)


@row(LOGURU)
def default_stderr(secret: str, folder: str) -> None:
    from loguru import logger

    logger.info("k " + secret)


# ---------------------------------------------------------------- the process
@row(COMMON)
def printed(secret: str, folder: str) -> None:
    print("k", secret[:20], secret[20:], sep="")


@row(COMMON)
def printed_in_pieces(secret: str, folder: str) -> None:
    for at in range(0, len(secret), 7):
        sys.stdout.write(secret[at : at + 7])
    sys.stdout.write("\n")


@row(COMMON)
def buffer_written(secret: str, folder: str) -> None:
    sys.stdout.buffer.write(b"k " + secret.encode() + b"\n")


@row(COMMON)
def dunder_stderr(secret: str, folder: str) -> None:
    sys.__stderr__.write(f"k {secret}\n")  # type: ignore[union-attr]


@row(COMMON)
def warned(secret: str, folder: str) -> None:
    warnings.warn("careful " + secret, stacklevel=1)


@row(COMMON)
def print_exc(secret: str, folder: str) -> None:
    try:
        raise ValueError(secret)
    except ValueError:
        traceback.print_exc()


@row(COMMON)
def thread(secret: str, folder: str) -> None:
    def run() -> None:
        raise ValueError(secret)

    started = threading.Thread(target=run)
    started.start()
    started.join()


@row(COMMON)
def unraisable(secret: str, folder: str) -> None:
    class Dying:
        def __del__(self) -> None:
            raise ValueError(secret)

    Dying()


@row(COMMON)
def asyncio_task(secret: str, folder: str) -> None:
    import asyncio
    import gc

    async def fails() -> None:
        raise ValueError(secret)

    async def main() -> None:
        task = asyncio.ensure_future(fails())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        del task
        gc.collect()

    asyncio.run(main())


@row(COMMON)
def asyncio_own_handler(secret: str, folder: str) -> None:
    import asyncio

    def told(_loop: Any, context: Any) -> None:
        with open(os.path.join(folder, "loop.log"), "a") as file:
            file.write(repr(context))

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(told)
        loop.call_exception_handler({"message": "k " + secret, "exception": ValueError(secret)})

    asyncio.run(main())


@row(COMMON)
def http_client_debug(secret: str, folder: str) -> None:
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", 1)
    connection.debuglevel = 1
    connection.sock = open(os.devnull, "wb")  # type: ignore[assignment]  # noqa: SIM115
    connection.sock.sendall = lambda *_: None  # type: ignore[method-assign, union-attr]
    connection.putrequest("GET", f"/x?k={secret}")
    connection.endheaders()


@row(COMMON)
def own_stderr_object(secret: str, folder: str) -> None:
    with open(2, "w", closefd=False) as stream:
        stream.write(f"k {secret}\n")


@row(COMMON)
def os_write(secret: str, folder: str) -> None:
    os.write(2, f"k {secret}\n".encode())


@row(COMMON)
def c_code(secret: str, folder: str) -> None:
    import ctypes

    libc = ctypes.CDLL(None)
    libc.puts(f"k {secret}".encode())
    libc.fflush(None)


@row(COMMON)
def child(secret: str, folder: str) -> None:
    subprocess.run([sys.executable, "-S", "-c", f"print('k', '{secret}')"], check=True)


@row(COMMON)
def uncaught(secret: str, folder: str) -> None:
    """The last one: ends the process."""
    raise ValueError(secret)


def main() -> None:
    backend, folder, guarded = sys.argv[1], sys.argv[2], int(sys.argv[3])
    before()
    todo = rows(backend)
    if guarded:
        import leakguard.redact

        handle = leakguard.redact.install(fds=guarded == 2)
        for name in todo:
            handle.register(secret_of(name), f"matrix.{name}")
    for name, function in todo.items():
        if name != "uncaught":
            function(secret_of(name), folder)
    sys.stdout.flush()
    uncaught(secret_of("uncaught"), folder)


if __name__ == "__main__":
    main()
