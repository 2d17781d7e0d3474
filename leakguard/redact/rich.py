"""rich: values are redacted before they are drawn, as what is cut to fit a box is no longer told from other text.

Covers what rich shows of objects, and the variables in its tracebacks with locals: values of variables that are named like secrets,
and secrets in any other. Never raises into the application. Needs rich only where it is used. Imported by applications and
standard.py.
"""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Any

from leakguard.redact.patches import Later, Patches

if TYPE_CHECKING:
    from leakguard.redact.core import Redactor


class Rich:
    """What was covered. `.undo()` uncovers it."""

    def __init__(self, redactor: Redactor, later: Later | None) -> None:
        self.redactor = redactor
        self.patches = Patches()
        self._own = None if later is not None else Later()
        waiting = later or self._own
        if waiting is not None:
            waiting.when("rich.pretty", self._pretty)
            waiting.when("rich.traceback", self._traceback)

    def _pretty(self, module: ModuleType) -> None:
        def make(before: Any) -> Any:
            def traverse(value: Any, *args: Any, **named: Any) -> Any:
                return before(self.redactor.redact(value) if self.patches.on else value, *args, **named)

            return traverse

        if self.patches.on:
            self.patches.put(module, "traverse", make)

    def _traceback(self, module: ModuleType) -> None:
        def make(before: Any) -> Any:
            def extract(_kind: Any, *args: Any, **named: Any) -> Any:
                trace = before(*args, **named)
                if self.patches.on:
                    self._locals(trace)
                return trace

            return classmethod(extract)

        if self.patches.on:
            self.patches.put(module.Traceback, "extract", make)

    def _locals(self, trace: Any) -> None:
        """The variables that are named like secrets; the rest went through `traverse`."""
        try:
            for stack in trace.stacks:
                for frame in stack.frames:
                    for name, node in (frame.locals or {}).items():
                        kind = self.redactor.sensitive(name)
                        shown = str(node)
                        if kind and shown[:1] in "'\"b([{<" and "<redacted:" not in shown:
                            frame.locals[name] = type(node)(value_repr=f"'<redacted:{kind}>'")
        except Exception as error:  # noqa: BLE001
            self.redactor._failed(error)
            if self.redactor.policy.on_error != "open":
                for stack in trace.stacks:
                    for frame in stack.frames:
                        frame.locals = None

    def undo(self) -> None:
        self.patches.undo()
        if self._own is not None:
            self._own.stop()


def install(redactor: Redactor, later: Later | None = None) -> Rich:
    """Covers rich as soon as it is imported; `.undo()` uncovers it."""
    return Rich(redactor, later)
