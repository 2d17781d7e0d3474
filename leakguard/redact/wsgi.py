"""WSGI: an access log without secrets in its URLs, and a `wsgi.errors` that redacts.

What the application gets is unchanged but for `wsgi.errors`. An exception of the application passes unchanged. Imported by
applications.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from leakguard.redact.asgi import line
from leakguard.redact.stdout import GuardedText

if TYPE_CHECKING:
    from leakguard.redact.core import Redactor


class AccessLog:
    """Middleware: logs each request, redacted, to `logger` (name: leakguard.access)."""

    def __init__(self, app: Any, redactor: Redactor, logger: logging.Logger | None = None) -> None:
        self.app = app
        self.redactor = redactor
        self.logger = logger or logging.getLogger("leakguard.access")

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        status = ["-"]

        def seen(code: str, *rest: Any) -> Any:
            status[0] = code.partition(" ")[0]
            return start_response(code, *rest)

        errors = environ.get("wsgi.errors")
        guard = None if errors is None else GuardedText(errors, self.redactor)
        if guard is not None:
            environ = {**environ, "wsgi.errors": guard}
        began = time.monotonic()

        def done() -> None:
            if guard is not None:
                guard.finish()
            target = environ.get("PATH_INFO", "")
            if environ.get("QUERY_STRING"):
                target += "?" + environ["QUERY_STRING"]
            client, method = environ.get("REMOTE_ADDR", "-"), environ.get("REQUEST_METHOD", "-")
            self.logger.info("%s", line(self.redactor, client, method, target, status[0], time.monotonic() - began))

        try:
            body: Iterable[bytes] = self.app(environ, seen)
        except BaseException:
            done()
            raise
        if isinstance(body, (list, tuple)):  # all of it is there, and servers look at its length
            done()
            return body
        return _Body(body, done)


class _Body:
    """A body that is made while it is sent: a generator's status is known, and its work done, only at its end."""

    def __init__(self, body: Iterable[bytes], done: Callable[[], None]) -> None:
        self._body = body
        self._pieces = iter(body)
        self._done = done
        self._told = False

    def __iter__(self) -> _Body:
        return self

    def __next__(self) -> bytes:
        return next(self._pieces)

    def close(self) -> None:
        """Every server calls it, also when the client went away."""
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                close()
        finally:
            if not self._told:
                self._told = True
                self._done()
