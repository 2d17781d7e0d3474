"""loguru: what every sink gets is redacted, tracebacks and serialised records included.

A patcher does not see the rendered traceback, and there is only one, which anybody may replace: so the sinks of handlers
that are there and of those that come are wrapped, and what a handler formats is redacted before, as a format may name a field alone
(`{extra[api_secret]}`). `diagnose`, which prints values of variables without their names, is
switched off, as nothing tells what these are. `patcher(redactor)` is the part that needs no more than the public API.
Never raises into the application. Needs loguru only where it is used. Imported by applications and standard.py.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from leakguard.redact.patches import Patches
from leakguard.redact.refused import refused
from leakguard.redact.shown import ready, redact_shown

if TYPE_CHECKING:
    from types import ModuleType

    from leakguard.redact.core import Redactor


def patcher(redactor: Redactor) -> Callable[[Any], None]:
    """For `logger.configure(patcher=...)`: message, extra and exception of each record."""

    def patch(record: Any) -> None:
        record.update(clean(redactor, record))

    return patch


def clean(redactor: Redactor, record: Any) -> dict[str, Any]:
    """The fields of a loguru record that can hold secrets, without them."""
    out = {"message": redactor.redact(record["message"]), "extra": redact_shown(redactor, record["extra"])}
    error = record["exception"]
    if error is not None:
        safe = redactor.redact(error.value)
        if safe is not error.value:
            error = type(error)(type(safe), safe, error.traceback)
    return {**out, "exception": error}


def cleaned(redactor: Redactor, record: Any, instead: str) -> Any:
    """A record without secrets; the same object if there are none. `instead`: the message of one that cannot be checked."""
    try:
        safe = clean(redactor, record)
        return record if all(record[name] is item for name, item in safe.items()) else {**record, **safe}
    except Exception as error:  # noqa: BLE001 - the line goes on, without what could not be checked
        redactor.counts.failed(error)
        if redactor.policy.on_error == "open":
            return record
        return {**record, "message": instead, "extra": {}, "exception": None}


class _Sink:
    """A handler's sink that gets redacted messages."""

    def __init__(self, inner: Any, redactor: Redactor, patches: Patches) -> None:
        self._inner = inner
        self._redactor = redactor
        self._patches = patches

    def write(self, message: Any) -> Any:
        if self._patches.on:
            message = self._safe(message)
        return self._inner.write(message)

    def _safe(self, message: Any) -> Any:
        redactor = self._redactor
        out = type(message)(refused(redactor, redactor.redact_str(str(message))))
        out.record = cleaned(redactor, message.record, str(out))
        return out

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class Loguru:
    """Wrapped handlers. `.undo()` unwraps them."""

    def __init__(self, redactor: Redactor, module: ModuleType) -> None:
        from importlib import import_module

        self.redactor = redactor
        self.patches = Patches()
        self._handlers: list[tuple[weakref.ref[Any], _Sink, Any]] = []
        kind = import_module("loguru._handler").Handler
        ready(redactor)
        self.patches.put(kind, "__init__", self._init)
        self.patches.put(kind, "emit", self._emit)
        for handler in module.logger._core.handlers.values():
            self._wrap(handler)

    def _init(self, before: Any) -> Any:
        def __init__(handler: Any, *args: Any, **named: Any) -> None:  # noqa: N807
            before(handler, *args, **named)
            if self.patches.on:
                self._wrap(handler)

        return __init__

    def _emit(self, before: Any) -> Any:
        def emit(handler: Any, record: Any, *args: Any) -> Any:
            if self.patches.on and handler.levelno <= record["level"].no:
                record = cleaned(self.redactor, record, "<redacted:error>")
            return before(handler, record, *args)

        return emit

    def _wrap(self, handler: Any) -> None:
        formatter = handler._exception_formatter
        diagnose = formatter._diagnose
        formatter._diagnose = False
        sink = _Sink(handler._sink, self.redactor, self.patches)
        handler._sink = sink
        self._handlers = [entry for entry in self._handlers if entry[0]() is not None]
        self._handlers.append((weakref.ref(handler), sink, diagnose))

    def undo(self) -> None:
        self.patches.undo()
        for known, sink, diagnose in self._handlers:
            handler = known()
            if handler is None:
                continue
            if handler._sink is sink:
                handler._sink = sink._inner
            handler._exception_formatter._diagnose = diagnose
        self._handlers.clear()


def install(redactor: Redactor, module: ModuleType | None = None) -> Loguru:
    """Covers all handlers of loguru's logger; `.undo()` uncovers them. ImportError if there is no loguru."""
    if module is None:
        from importlib import import_module

        module = import_module("loguru")
    return Loguru(redactor, module)
