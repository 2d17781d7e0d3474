"""Attributes of `sys` that the interpreter reads by itself, wrapped whoever sets them and whenever.

An assignment to a module asks its class: so `sys` gets one of its own, below the one it had, with a property for each of the
names. The interpreter reads the module's dict, which has the wrapper; a program that reads the attribute gets what it had set, so
that `sys.excepthook is mine` holds and nobody hangs a hook behind itself. (Who writes into `vars(sys)`, or from C, is seen by `renew`
only.) An audit hook would see that a hook is about to be called, but costs each `open`, import and log record, cannot be taken
away, and of `sys.unraisablehook` cannot keep the call from being made. Reads of all other attributes of `sys` lose the interpreter's
short cut for modules: some 15 ns each. Knows nothing of redaction. Imported by hooks.py only.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any

_CALLERS = frozenset(("threading", "code"))
"""Modules of the library that call the hook they read: they get the wrapper."""


class Late:
    """The wrappers of some attributes of `sys`: `makes` says by name what wraps a value. `.undo()` puts back what there was."""

    def __init__(self, makes: Mapping[str, Callable[[Any], Any]]) -> None:
        self._makes = makes
        self._on = True
        self._base = type(sys)
        names: dict[str, Any] = {name: _property(self, name) for name in makes}
        # picklers that know modules by their exact class would take all of `sys` with them
        names["__reduce_ex__"] = lambda module, _protocol: (importlib.import_module, (module.__name__,))
        self._class = type("module", (self._base,), names)
        for name in makes:  # what is there now shows itself: who calls it by hand is guarded, too
            vars(sys)[name] = self._wrapped(name, getattr(sys, name), False)
        sys.__class__ = self._class

    def renew(self) -> None:
        """Wraps what came into the module's dict past its class."""
        for name in self._makes:
            if name in vars(sys):
                self.put(name, vars(sys)[name])

    def undo(self) -> None:
        """Puts everything back that is still in its place. May be called again."""
        self._on = False
        for name in self._makes:
            hook: Any = vars(sys).get(name)
            while self._own(hook):
                vars(sys)[name] = hook = hook.__wrapped__
        if type(sys) is self._class:
            sys.__class__ = self._base

    def put(self, name: str, value: Any) -> None:
        """Somebody sets `sys.name`."""
        wanted = self._on and callable(value) and not self._own(value)
        vars(sys)[name] = self._wrapped(name, value, True) if wanted else value

    def shown(self, name: str) -> Any:
        """What `sys.name` is for a program. AttributeError."""
        try:
            hook = vars(sys)[name]
        except KeyError:
            raise AttributeError(f"module 'sys' has no attribute {name!r}") from None
        if not self._own(hook):
            return hook
        caller = sys._getframe(2).f_globals.get("__name__")
        if caller == "code" and hook.__wrapped__ is getattr(sys, f"__{name}__", None):
            return hook.__wrapped__  # it makes the report of Python's own hook by itself, without its frames, by `traceback`
        return hook.__wrapped__ if hook.late and caller not in _CALLERS else hook

    def _wrapped(self, name: str, value: Any, late: bool) -> Any:
        hook = self._makes[name](value)
        hook.__wrapped__, hook.late, hook.of = value, late, self
        return hook

    def _own(self, hook: Any) -> bool:
        return vars(hook).get("of") is self if isinstance(hook, FunctionType) else False


def _property(late: Late, name: str) -> property:
    def get(_module: Any) -> Any:
        return late.shown(name)

    def put(_module: Any, value: Any) -> None:
        late.put(name, value)

    def drop(_module: Any) -> None:
        if vars(sys).pop(name, late) is late:
            raise AttributeError(name)

    return property(get, put, drop)
