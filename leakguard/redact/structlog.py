"""structlog: a processor, and an installation that covers every chain of processors.

`processor(redactor)` goes last before the renderer, after what renders exceptions and adds data: what a processor behind it adds
would pass. So a chain that has it elsewhere is refused by `structlog.configure` (UsageError), and a logger that was made past that
gets its processors in the right order. `install` needs no order: what is logged is redacted before the chain (for processors
that send it elsewhere) and what the chain makes of it after. Values bound to a logger are seen by the second only. Never raises
into the application once that is configured. Needs structlog to be there only where it is used. Imported by applications and
standard.py.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from leakguard.errors import UsageError
from leakguard.redact.patches import Later, Patches
from leakguard.redact.shown import redact_shown

if TYPE_CHECKING:
    from types import ModuleType

    from leakguard.redact.core import Redactor


class Processor:
    """An event dictionary in, the same without secrets out; also of exceptions that are not rendered yet."""

    def __init__(self, redactor: Redactor) -> None:
        self.redactor = redactor

    def __call__(self, _logger: Any, _method: str, event: Any) -> Any:
        safe = redact_shown(self.redactor, event)
        return safe if isinstance(safe, type(event)) else {"event": safe}


def processor(redactor: Redactor) -> Callable[[Any, str, Any], Any]:
    """A Processor, for the place before the renderer; from now on its place in every chain is looked after."""
    _Order.begin()
    return Processor(redactor)


def unwatch() -> None:
    """Looks after no chain any more."""
    _Order.end()


def misplaced(processors: Iterable[Any]) -> str:
    """What stands behind a Processor in a chain beside the renderer, which is the last: "" if there is nothing."""
    chain = list(processors)
    own = [number for number, item in enumerate(chain) if isinstance(item, Processor)]
    later = chain[max(own) + 1 : -1] if own else []
    return ", ".join(getattr(item, "__name__", type(item).__name__) for item in later)


def check(processors: Iterable[Any] | None) -> None:
    """UsageError for a chain in which a Processor stands before others that may add data."""
    later = misplaced(processors or ())
    if later:
        raise UsageError(f"structlog: the redacting processor must be the last before the renderer; behind it: {later}")


class _Order:
    """Looks after the place of Processors in every chain, as soon as there is a structlog."""

    _lock = threading.Lock()
    _later: Later | None = None
    _patches = Patches()

    @classmethod
    def begin(cls) -> None:
        with cls._lock:
            if cls._later is None:
                cls._patches = Patches()
                cls._later = Later()
                cls._later.when("structlog", cls._watch)

    @classmethod
    def end(cls) -> None:
        with cls._lock:
            if cls._later is not None:
                cls._later.stop()
                cls._later = None
                cls._patches.undo()

    @classmethod
    def _watch(cls, module: ModuleType) -> None:
        for owner in (module, module._config):
            for name in ("configure", "configure_once"):
                cls._patches.put(owner, name, _checked)
        cls._patches.put(module.BoundLoggerBase, "__init__", _ordered)
        cls._patches.put(module.stdlib.ProcessorFormatter, "__init__", _formatter)


def _checked(before: Any) -> Any:
    def configure(processors: Any = None, *args: Any, **named: Any) -> Any:
        if processors is not None:
            processors = list(processors)
            check(processors)
        return before(processors, *args, **named)

    return configure


def _ordered(before: Any) -> Any:
    def __init__(self: Any, logger: Any, processors: Any, context: Any) -> None:  # noqa: N807
        if processors and any(isinstance(item, Processor) for item in processors) and misplaced(processors):
            chain = list(processors)
            own = [item for item in chain if isinstance(item, Processor)]
            rest = [item for item in chain if not isinstance(item, Processor)]
            processors = [*rest[:-1], *own, *rest[-1:]]
        before(self, logger, processors, context)

    return __init__


def _formatter(before: Any) -> Any:
    def __init__(self: Any, processor: Any = None, processors: Any = (), *args: Any, **named: Any) -> None:  # noqa: N807
        check(processors)
        before(self, processor, processors, *args, **named)

    return __init__


def _fields(safe: Any) -> dict[str, Any]:
    """Fields, or what stands for those that could not be checked: a text is no mapping, and structlog would raise."""
    return safe if isinstance(safe, dict) else {"error": safe}


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
            args, kwargs = before(self, method, redact_shown(redactor, event), _fields(redact_shown(redactor, named)))
            return redact_shown(redactor, args) if type(args) is tuple else args, _fields(redact_shown(redactor, kwargs))

        return process

    patches.put(module.BoundLoggerBase, "_process_event", make)
    return patches
