"""loguru: what every sink gets is redacted, tracebacks and serialised records included.

A patcher does not see the rendered traceback, and there is only one, which anybody may replace: so the sinks of handlers
that are there and of those that come are wrapped. `diagnose`, which prints values of variables without their names, is
switched off, as nothing tells what these are. `patcher(redactor)` is the part that needs no more than the public API.
Never raises into the application. Needs loguru only where it is used. Imported by applications and standard.py.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from leakguard.redact.patches import Patches
from leakguard.redact.shown import redact_shown

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
        out = type(message)(redactor.redact_str(str(message)))
        try:
            out.record = {**message.record, **clean(redactor, message.record)}
        except Exception as error:  # noqa: BLE001 - the line goes on, without what could not be checked
            redactor._failed(error)
            out.record = message.record if redactor.policy.on_error == "open" else {
                **message.record, "message": str(out), "extra": {}, "exception": None,
            }  # fmt: skip
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
        self.patches.put(kind, "__init__", self._init)
        for handler in module.logger._core.handlers.values():
            self._wrap(handler)

    def _init(self, before: Any) -> Any:
        def __init__(handler: Any, *args: Any, **named: Any) -> None:  # noqa: N807
            before(handler, *args, **named)
            if self.patches.on:
                self._wrap(handler)

        return __init__

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
