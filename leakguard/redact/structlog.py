"""structlog: a processor, and an installation that covers every chain of processors.

`processor(redactor)` goes last before the renderer, after what renders exceptions. `install` does more: what is logged is redacted
before the chain (for processors that send it elsewhere) and what the chain makes of it after. Values bound to a logger are seen
by the second only. Never raises into the application. Needs structlog to be there only where it is used. Imported by
applications and standard.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from leakguard.redact.patches import Patches

if TYPE_CHECKING:
    from types import ModuleType

    from leakguard.redact.core import Redactor


def processor(redactor: Redactor) -> Callable[[Any, str, Any], Any]:
    """A processor: an event dictionary in, the same without secrets out; also of exceptions that are not rendered yet."""

    def redact(_logger: Any, _method: str, event: Any) -> Any:
        return redactor.redact(event)

    return redact


def install(redactor: Redactor, module: ModuleType | None = None) -> Patches:
    """Covers all bound loggers; `.undo()` uncovers them. ImportError if there is no structlog."""
    if module is None:
        from importlib import import_module

        module = import_module("structlog")
    patches = Patches()

    def make(before: Any) -> Any:
        def process(self: Any, method: str, event: Any, named: Any) -> Any:
            if not patches.on:
                return before(self, method, event, named)
            args, kwargs = before(self, method, redactor.redact(event), redactor.redact(named))
            return redactor.redact(args) if type(args) is tuple else args, redactor.redact(kwargs)

        return process

    patches.put(module.BoundLoggerBase, "_process_event", make)
    return patches
