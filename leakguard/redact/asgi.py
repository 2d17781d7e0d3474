"""ASGI: an access log without secrets in its URLs, as servers write them with all parameters.

Switch the server's own off (`uvicorn --no-access-log`) or leave it to logging.py. What the application gets is unchanged.
An exception of the application passes unchanged. Imported by applications.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leakguard.redact.core import Redactor


def line(redactor: Redactor, client: str, method: str, target: str, status: Any, seconds: float) -> str:
    """One line of an access log, redacted as a whole. What a client put in that is no text is escaped: it must not make lines
    of its own, or write to a terminal."""
    text = redactor.redact_str(f'{client} "{method} {target}" {status} {seconds * 1000:.1f}ms')
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class AccessLog:
    """Middleware: logs each request, redacted, to `logger` (name: leakguard.access)."""

    def __init__(self, app: Any, redactor: Redactor, logger: logging.Logger | None = None) -> None:
        self.app = app
        self.redactor = redactor
        self.logger = logger or logging.getLogger("leakguard.access")

    async def __call__(
        self, scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
    ) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        status: list[Any] = ["-"]

        async def seen(message: Any) -> None:
            if "status" in message:
                status[0] = message["status"]
            await send(message)

        began = time.monotonic()
        try:
            await self.app(scope, receive, seen)
        finally:
            target = scope.get("path", "")
            query = scope.get("query_string", b"")
            if query:
                target += "?" + query.decode("latin-1")
            client = (scope.get("client") or ("-",))[0]
            method = scope.get("method", "WEBSOCKET")
            self.logger.info("%s", line(self.redactor, client, method, target, status[0], time.monotonic() - began))
