"""What HTTP and websocket libraries say when they are verbose: httpx, requests, aiohttp, urllib3, websockets, ccxt, `http.client`.

They speak by logging or by `print`. With standard.py all of it is covered; this is for the few that `print`, and for those who want
these libraries covered and nothing else: `install(redactor, libraries=("httpx", ...))`. Nothing is silenced. Imported by applications and
standard.py.
"""

from __future__ import annotations

import logging
from types import ModuleType
from typing import TYPE_CHECKING, Any

from leakguard.redact.patches import Later, Patches

if TYPE_CHECKING:
    from leakguard.redact.core import Redactor

LOGGERS = {
    "httpx": ("httpx", "httpcore", "httpcore.connection", "httpcore.http11", "httpcore.http2", "httpcore.proxy", "httpcore.socks"),
    "requests": ("requests", "urllib3", "urllib3.connectionpool", "urllib3.connection", "urllib3.util.retry"),
    "urllib3": ("urllib3", "urllib3.connectionpool", "urllib3.connection", "urllib3.util.retry", "urllib3.poolmanager"),
    "aiohttp": (
        "aiohttp.access", "aiohttp.client", "aiohttp.internal", "aiohttp.server", "aiohttp.web", "aiohttp.websocket",
    ),
    "websockets": ("websockets", "websockets.client", "websockets.server", "websockets.protocol"),
    "ccxt": ("ccxt", "ccxt.base.exchange"),
}  # fmt: skip
"""Library -> the loggers that it uses: a filter of a logger does not see what its children log."""


class _Filter(logging.Filter):
    """Cleans a logger's records."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        from leakguard.redact.logging import Cleaner

        self._cleaner = Cleaner(redactor)

    def filter(self, record: logging.LogRecord) -> bool:
        self._cleaner.clean(record)
        return True


class Http:
    """What was covered. `.undo()` uncovers it."""

    def __init__(self, redactor: Redactor, later: Later | None, names: tuple[str, ...]) -> None:
        self.redactor = redactor
        self.patches = Patches()
        self._own = None if later is not None else Later()
        self._filters: list[tuple[logging.Logger, _Filter]] = []
        waiting = later or self._own
        if waiting is not None:
            waiting.when("http.client", self._client)
            waiting.when("ccxt.base.exchange", self._ccxt)
        filtering = _Filter(redactor) if names else None
        for logger in {name for library in names for name in LOGGERS[library]}:
            if filtering is not None:
                logging.getLogger(logger).addFilter(filtering)
                self._filters.append((logging.getLogger(logger), filtering))

    def _client(self, module: ModuleType) -> None:
        """`http.client` prints what it sends when `debuglevel` is set: piece by piece, so each line is put together first."""
        redactor, patches = self.redactor, self.patches

        def printed(*args: Any, sep: str = " ", end: str = "\n", file: Any = None, flush: bool = False) -> None:
            if not patches.on:
                print(*args, sep=sep, end=end, file=file, flush=flush)
                return
            text = redactor.redact_str(sep.join(map(str, args)))
            print(text, end=end, file=file, flush=flush)

        if patches.on and not hasattr(module, "print"):
            module.print = print  # type: ignore[attr-defined]
            patches.put(module, "print", lambda _before: printed)

    def _ccxt(self, module: ModuleType) -> None:
        """`Exchange.log`, which prints requests and answers when `verbose` is set."""
        redactor, patches = self.redactor, self.patches

        def make(before: Any) -> Any:
            def log(exchange: Any, *args: Any) -> Any:
                if not patches.on:
                    return before(exchange, *args)
                safe = [redactor.redact(arg) for arg in args]
                return before(exchange, redactor.redact_str(" ".join(map(str, safe))))

            return log

        if patches.on:
            patches.put(module.Exchange, "log", make)

    def undo(self) -> None:
        self.patches.undo()
        if self._own is not None:
            self._own.stop()
        for logger, filtering in self._filters:
            logger.removeFilter(filtering)
        self._filters.clear()


def install(redactor: Redactor, later: Later | None = None, libraries: tuple[str, ...] = ()) -> Http:
    """Covers what the libraries print, and for `libraries` (keys of LOGGERS) what they log. KeyError for an unknown one."""
    return Http(redactor, later, libraries)
