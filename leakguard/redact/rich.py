"""rich: values are redacted before they are drawn, as what is cut to fit a box is no longer told from other text.

Covers what rich shows of objects, text before it is wrapped, cut or put into boxes, what a console writes, to whatever file,
and the variables in its tracebacks with locals: values of variables that are named like secrets, and secrets in any other. Never
raises into the application. Needs rich only where it is used. Imported by applications and standard.py.
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
            waiting.when("rich.text", self._text)
            waiting.when("rich.console", self._console)
            waiting.when("rich.traceback", self._traceback)

    def _pretty(self, module: ModuleType) -> None:
        def make(before: Any) -> Any:
            def traverse(value: Any, *args: Any, **named: Any) -> Any:
                return before(self.redactor.redact(value) if self.patches.on else value, *args, **named)

            return traverse

        if self.patches.on:
            self.patches.put(module, "traverse", make)

    def _text(self, module: ModuleType) -> None:
        """Whatever is drawn passes one of these, before it is in pieces."""

        def wrap(before: Any) -> Any:
            def wrap(text: Any, *args: Any, **named: Any) -> Any:
                safe = self._plain(text)
                if safe is not None:
                    text = text.copy()
                    text.plain = safe
                return before(text, *args, **named)

            return wrap

        def truncate(before: Any) -> Any:
            def truncate(text: Any, *args: Any, **named: Any) -> Any:
                safe = self._plain(text)
                if safe is not None:
                    text.plain = safe
                return before(text, *args, **named)

            return truncate

        if self.patches.on:
            self.patches.put(module.Text, "wrap", wrap)
            self.patches.put(module.Text, "truncate", truncate)

    def _plain(self, text: Any) -> str | None:
        """What a Text says, if it must say something else."""
        if not self.patches.on:
            return None
        plain = text.plain
        safe = self.redactor.redact_str(plain)
        return None if safe is plain else safe

    def _console(self, module: ModuleType) -> None:
        """What a console is about to write: text that never was a Text."""

        def make(before: Any) -> Any:
            def rendered(console: Any, *args: Any, **named: Any) -> Any:
                out = before(console, *args, **named)
                return self.redactor.redact_str(out) if self.patches.on else out

            return rendered

        if self.patches.on and hasattr(module.Console, "_render_buffer"):  # not public: without it stdout.py is left
            self.patches.put(module.Console, "_render_buffer", make)

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
            self.redactor.counts.failed(error)
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
