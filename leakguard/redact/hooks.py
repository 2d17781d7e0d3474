"""What Python reports by itself: uncaught exceptions of the program, of threads, of finalisers and of asyncio, and warnings; and
what the modules `traceback` and `cgitb` make of exceptions and stacks, for whomever.

Where nobody put a hook of their own, the report is made here as one text and redacted as a whole; a hook of somebody's own is
called with a redacted exception. So is one that is set later, whatever for (`sys.excepthook` and `sys.unraisablehook` by late.py).
`faulthandler` writes from C, past all of this: its dumps name files, lines and functions and no values, and only fds.py sees them.
Never raises into the application. Imported by applications and standard.py.
"""

from __future__ import annotations

import sys
import threading
import traceback
import warnings
from collections.abc import Iterable, Iterator
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

from leakguard.redact.late import Late
from leakguard.redact.patches import Later, Patches
from leakguard.redact.refused import refused
from leakguard.redact.shown import ready, redact_shown

if TYPE_CHECKING:
    from leakguard.redact.core import Redactor

_ERROR = "<redacted:error>\n"


def install(redactor: Redactor, later: Later | None = None) -> Hooks:
    """Closes the hooks of the process; `.undo()` opens them. `later` tells when asyncio, uvloop and cgitb are imported."""
    hooks = Hooks(redactor)
    for name, close in (
        ("asyncio.base_events", hooks.loops), ("uvloop", hooks.loops), ("cgitb", hooks.pages),
    ):  # fmt: skip
        if later is not None:
            later.when(name, close)
        elif name in sys.modules:
            close(sys.modules[name])
    return hooks


class Hooks:
    """The replacements, each made of what was there. `.undo()` puts everything back."""

    def __init__(self, redactor: Redactor) -> None:
        self.redactor = redactor
        self.patches = patches = Patches()
        self._defaults = sys.__excepthook__, sys.__unraisablehook__  # which are gone when the interpreter ends
        ready(redactor)
        self._own: list[Any] = []
        self.late = Late({"excepthook": self.program, "unraisablehook": self.unraisable})
        self._threads()
        patches.put(threading, "ExceptHookArgs", self.thread_args)
        patches.put(warnings, "formatwarning", self.warning)
        patches.put(warnings, "_showwarnmsg", self.shown_warning)
        for kind, name in (
            (traceback.TracebackException, "format"), (traceback.TracebackException, "format_exception_only"),
            (traceback.StackSummary, "format"),
        ):  # fmt: skip
            patches.put(kind, name, self.lines)

    def renew(self) -> None:
        """Closes the hooks that somebody set since in ways that nobody sees."""
        self.late.renew()
        self._threads()

    def _threads(self) -> None:
        if threading.excepthook not in self._own:
            self.patches.put(threading, "excepthook", self.thread)
            self._own.append(threading.excepthook)

    def undo(self) -> None:
        self.patches.undo()
        self.late.undo()

    def report(self, head: str, error: BaseException | None, kind: Any, trace: Any) -> None:
        """Writes a redacted traceback to `sys.stderr`, as Python would."""
        stream = sys.stderr
        if stream is None:
            return
        try:
            text = refused(self.redactor, self.redactor.redact_str(head + _traceback(kind, error, trace)))
        except Exception as failure:  # noqa: BLE001 - a message that cannot be made
            self.redactor.counts.failed(failure)
            text = _ERROR
        try:
            stream.write(text)
            stream.flush()
        except (OSError, ValueError):
            return  # there is nowhere to tell it

    def program(self, before: Any) -> Any:
        def excepthook(kind: Any, error: Any, trace: Any) -> None:
            if not self.patches.on:
                before(kind, error, trace)
            elif before is self._defaults[0]:
                self.report("", error, kind, trace)
            else:
                safe = self.redactor.redact(error)
                before(kind if safe is error else type(safe), safe, trace)

        return excepthook

    def thread(self, before: Any) -> Any:
        default = getattr(threading, "__excepthook__", before)

        def excepthook(args: Any) -> None:
            kind, error, trace, thread = args
            if not self.patches.on:
                before(args)
            elif before is not default:
                safe = self.redactor.redact(error)
                before(threading.ExceptHookArgs((kind if safe is error else type(safe), safe, trace, thread)))
            elif kind is not SystemExit:
                name = threading.get_ident() if thread is None else thread.name
                self.report(f"Exception in thread {name}:\n", error, kind, trace)

        return excepthook

    def thread_args(self, before: Any) -> Any:
        """What a thread's end is told in, whoever set the hook that gets it, and when."""
        redactor, patches, own = self.redactor, self.patches, self._own

        class Args(type):
            def __call__(cls, values: Any) -> Any:
                args = before(values)
                if not patches.on or threading.excepthook in own:
                    return args
                _kind, error, trace, thread = args
                safe = redactor.redact(error)
                return args if safe is error else before((type(safe), safe, trace, thread))

            def __instancecheck__(cls, other: Any) -> bool:
                return isinstance(other, before)

        return Args("ExceptHookArgs", (), {})

    def unraisable(self, before: Any) -> Any:
        def unraisablehook(args: Any) -> None:
            if not self.patches.on:
                before(args)
            elif before is not self._defaults[1]:
                safe = self.redactor.redact(args.exc_value)
                kind = args.exc_type if safe is args.exc_value else type(safe)
                before(SimpleNamespace(
                    exc_type=kind, exc_value=safe, exc_traceback=args.exc_traceback,
                    err_msg=self.redactor.redact(args.err_msg), object=redact_shown(self.redactor, args.object),
                ))  # fmt: skip
            else:
                try:
                    what = "" if args.object is None else f": {args.object!r}"
                except Exception:  # noqa: BLE001 - an object that is half gone
                    what = ": <object repr() failed>"
                head = f"{args.err_msg or 'Exception ignored in'}{what}\n"
                self.report(head, args.exc_value, args.exc_type, args.exc_traceback)

        return unraisablehook

    def warning(self, before: Any) -> Any:
        def formatwarning(*args: Any, **named: Any) -> str:
            text: str = before(*args, **named)
            return self.redactor.redact(text) if self.patches.on else text

        return formatwarning

    def shown_warning(self, before: Any) -> Any:
        def _showwarnmsg(told: Any) -> None:
            """Whoever has put something in the place of `showwarning` gets a redacted warning. (One that a program catches
            itself is its own.)"""
            if self.patches.on and warnings.showwarning is not warnings._showwarning_orig:  # type: ignore[attr-defined]
                safe = self.redactor.redact(told.message)
                if safe is not told.message:
                    told = warnings.WarningMessage(
                        safe, told.category, told.filename, told.lineno, told.file, told.line, told.source
                    )  # fmt: skip
            before(told)

        return _showwarnmsg

    # ------------------------------------------------------------ what is made of exceptions and stacks
    def lines(self, before: Any) -> Any:
        redactor, patches = self.redactor, self.patches

        def format(self: Any, *args: Any, **named: Any) -> Any:
            """All lines at once: of a group the members come as part of it."""
            made = before(self, *args, **named)
            return _safe_lines(redactor, made) if patches.on and not named.get("_ctx") else made

        return format

    def pages(self, module: ModuleType) -> None:
        """`cgitb`: text and HTML with the variables of frames, on a screen or in files."""

        def make(before: Any) -> Any:
            def shown(*args: Any, **named: Any) -> Any:
                out = before(*args, **named)
                return self.redactor.redact(out) if self.patches.on else out

            return shown

        if self.patches.on:
            for name in ("text", "html"):
                self.patches.put(module, name, make)

    def loops(self, module: ModuleType) -> None:
        """Contexts that a loop of asyncio or uvloop hands to its exception handler."""

        def make(before: Any) -> Any:
            def call_exception_handler(loop: Any, context: Any) -> None:
                if self.patches.on:  # futures, tasks and handles show exceptions and arguments
                    safe = redact_shown(self.redactor, context)
                    context = safe if isinstance(safe, dict) else {"message": safe}
                before(loop, context)

            return call_exception_handler

        if self.patches.on:
            self.patches.put(module.Loop if module.__name__ == "uvloop" else module.BaseEventLoop, "call_exception_handler", make)


def _safe_lines(redactor: Redactor, made: Iterable[str]) -> Iterator[str]:
    lines = list(made)
    text = "".join(lines)
    safe = refused(redactor, redactor.redact_str(text))
    yield from lines if safe is text else safe.splitlines(keepends=True)


def _traceback(kind: Any, error: Any, trace: Any) -> str:
    """What Python writes of an exception. When the interpreter ends `traceback` cannot import what it marks places in a line with:
    then without the lines."""
    try:
        return "".join(traceback.format_exception(kind, error, trace))
    except Exception:  # noqa: BLE001 - whatever it is, there is the exception to be told
        lines = ["Traceback (most recent call last):\n"]
        while trace is not None:
            code = trace.tb_frame.f_code
            lines.append(f'  File "{code.co_filename}", line {trace.tb_lineno}, in {code.co_name}\n')
            trace = trace.tb_next
        name = kind.__qualname__ if kind.__module__ in ("builtins", "__main__") else f"{kind.__module__}.{kind.__qualname__}"
        return "".join(lines) + (f"{name}: {said}\n" if (said := str(error)) else f"{name}\n")
