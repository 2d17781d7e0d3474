"""What Python reports by itself: uncaught exceptions of the program, of threads, of finalisers and of asyncio, and warnings.

Where nobody put a hook of their own, the report is made here as one text and redacted as a whole; a hook of somebody's own is
called with a redacted exception. `faulthandler` writes from C, past all of this: its dumps name files, lines and functions
and no values, and only fds.py sees them. Never raises into the application. Imported by applications and standard.py.
"""

from __future__ import annotations

import sys
import threading
import traceback
import warnings
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

from leakguard.redact.patches import Later, Patches

if TYPE_CHECKING:
    from leakguard.redact.core import Redactor

_ERROR = "<redacted:error>\n"


def install(redactor: Redactor, later: Later | None = None) -> Patches:
    """Closes the hooks of the process; `.undo()` opens them. `later` tells when asyncio is imported."""
    patches = Patches()
    hooks = _Hooks(redactor, patches)
    patches.put(sys, "excepthook", hooks.program)
    patches.put(threading, "excepthook", hooks.thread)
    patches.put(sys, "unraisablehook", hooks.unraisable)
    patches.put(warnings, "formatwarning", hooks.warning)
    if later is not None:
        later.when("asyncio.base_events", lambda module: _loops(redactor, patches, module))
    elif "asyncio.base_events" in sys.modules:
        _loops(redactor, patches, sys.modules["asyncio.base_events"])
    return patches


class _Hooks:
    """The replacements, each made of what was there."""

    def __init__(self, redactor: Redactor, patches: Patches) -> None:
        self.redactor = redactor
        self.patches = patches

    def report(self, head: str, error: BaseException | None, kind: Any, trace: Any) -> None:
        """Writes a redacted traceback to `sys.stderr`, as Python would."""
        stream = sys.stderr
        if stream is None:
            return
        try:
            lines = traceback.format_exception(kind, error, trace)
            text = self.redactor.redact_str(head + "".join(lines))
        except Exception as failure:  # noqa: BLE001 - a message that cannot be made
            self.redactor._failed(failure)
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
            elif before is sys.__excepthook__:
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

    def unraisable(self, before: Any) -> Any:
        def unraisablehook(args: Any) -> None:
            if not self.patches.on:
                before(args)
            elif before is not sys.__unraisablehook__:
                safe = self.redactor.redact(args.exc_value)
                kind = args.exc_type if safe is args.exc_value else type(safe)
                before(SimpleNamespace(
                    exc_type=kind, exc_value=safe, exc_traceback=args.exc_traceback,
                    err_msg=self.redactor.redact(args.err_msg), object=args.object,
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


def _loops(redactor: Redactor, patches: Patches, module: ModuleType) -> None:
    """Contexts that asyncio hands to a loop's exception handler. (uvloop's loops only log: see logging.py.)"""

    def make(before: Any) -> Any:
        def call_exception_handler(self: Any, context: Any) -> None:
            before(self, _shown(redactor, context) if patches.on else context)

        return call_exception_handler

    if patches.on:
        patches.put(module.BaseEventLoop, "call_exception_handler", make)


def _shown(redactor: Redactor, context: Any) -> Any:
    """A context without secrets; its futures, tasks and handles, which show exceptions and arguments, say less."""
    safe = redactor.redact(context)
    if not isinstance(safe, dict):
        return {"message": safe}
    said = {name: told for name, value in safe.items() if (told := _told(redactor, value)) is not None}
    return {**safe, **said} if said else safe


def _told(redactor: Redactor, value: Any) -> Any:
    """What stands for an object whose `repr` shows a secret; None if it need not."""
    if type(value) in (str, int, list, tuple, dict) or isinstance(value, BaseException):
        return None
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - whoever shows it will see
        return None
    told = redactor.redact_str(text)
    return None if told is text else _Said(value, told)


class _Said:
    """An object that says something else; everything but that is its own."""

    def __init__(self, inner: Any, text: str) -> None:
        self._inner = inner
        self._text = text

    def __repr__(self) -> str:
        return self._text

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return type(self._inner)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)
