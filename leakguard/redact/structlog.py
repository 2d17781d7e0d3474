"""structlog: a processor, and an installation that covers every chain of processors.

`processor(redactor)` goes last before the renderer, after what renders exceptions and adds data: what a processor behind it adds
would pass. So a chain that has it elsewhere is refused by `structlog.configure` (UsageError), and a logger that was made past that
gets its processors in the right order. `install` needs no order: what is logged or bound is redacted before the chain (for
processors that send it elsewhere) and what the chain makes of it after. Never raises into the application once that is configured.
Needs structlog to be there only where it is used. Imported by applications and standard.py.
"""

from __future__ import annotations

import builtins
import threading
from collections.abc import Callable, Iterable
from types import FunctionType
from typing import TYPE_CHECKING, Any

from leakguard.errors import UsageError
from leakguard.redact.patches import Later, Patches
from leakguard.redact.shown import ready, redact_shown

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
    ready(redactor)
    patches = Patches()
    merge, merged = module.contextvars.merge_contextvars, module.contextvars.get_contextvars
    shown, fields, bound = redact_shown, _fields, _bound  # the globals of `process` are structlog's

    def make(before: Any) -> Any:
        def process(self: Any, method: str, event: Any, named: Any) -> Any:
            if not patches.on:
                return before(self, method, event, named)
            named = fields(shown(redactor, named))
            own = self._context
            if own:
                self = bound(self, own, fields(shown(redactor, own)))
            if any(one is merge for one in self._processors):
                others = merged()
                safe = fields(shown(redactor, others))
                if safe is not others:  # what is there already is not merged
                    named = {name: item for name, item in safe.items() if name not in own} | named
            args, kwargs = before(self, method, shown(redactor, event), named)
            return shown(redactor, args) if type(args) is tuple else args, fields(shown(redactor, kwargs))

        return _as_structlogs(process)

    patches.put(module.BoundLoggerBase, "_process_event", make)
    return patches


def _bound(logger: Any, own: Any, safe: Any) -> Any:
    """A logger with other values bound to it, for one event; the same one if they are the same."""
    if safe is own:
        return logger
    out = object.__new__(type(logger))  # `copy` would ask for methods, of which a generic logger has any
    vars(out).update(vars(logger))
    out._context = safe
    return out


def _as_structlogs(function: Any) -> Any:
    """A function that structlog takes for its own when it looks for the frame that logged."""
    names = {"__name__": "structlog.leakguard", "__builtins__": builtins}
    return FunctionType(function.__code__, names, function.__name__, function.__defaults__, function.__closure__)
