"""Replaced attributes that can be put back: what adapters change of other modules, and modules that come later.

A replacement is put back if it is still in its place; if somebody wrapped it meanwhile it stays there and only passes on. `later`
calls a function once a module is imported, without importing it. Imported by the adapters.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_MISSING = object()


class Patches:
    """What one adapter replaced. `on` is False from `undo` on: replacements ask it."""

    def __init__(self) -> None:
        self.on = True
        self._done: list[tuple[Any, str, Any, Any]] = []

    def put(self, owner: Any, name: str, make: Callable[[Any], Any]) -> None:
        """Replaces `owner.name` by what `make` makes of it. AttributeError if there is none."""
        before = getattr(owner, name)
        own = vars(owner).get(name, _MISSING)
        after = make(before)
        setattr(owner, name, after)
        self._done.append((owner, name, own, after))

    def undo(self) -> None:
        """Puts everything back, the last first. May be called again."""
        self.on = False
        while self._done:
            owner, name, before, after = self._done.pop()
            if vars(owner).get(name, _MISSING) is not after:
                continue
            if before is _MISSING:
                delattr(owner, name)
            else:
                setattr(owner, name, before)


class Later(MetaPathFinder):
    """Calls functions with modules that are imported later. One finder for a whole installation."""

    def __init__(self) -> None:
        self._wanted: dict[str, Callable[[ModuleType], None]] = {}
        self._finding = False

    def when(self, name: str, call: Callable[[ModuleType], None]) -> None:
        """Calls `call(module)` now if the module is there, else as soon as it is. Errors in `call` go nowhere else."""
        module = sys.modules.get(name)
        if module is not None and not _loading(module):
            call(module)
            return
        self._wanted[name] = call
        if self not in sys.meta_path:
            sys.meta_path.insert(0, self)

    def stop(self) -> None:
        """Waits for nothing any more."""
        self._wanted.clear()
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(self, name: str, path: Any = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name not in self._wanted:
            return None
        for finder in list(sys.meta_path):
            if finder is self or not hasattr(finder, "find_spec"):
                continue
            spec = finder.find_spec(name, path, target)
            if spec is not None:
                if spec.loader is not None:
                    spec.loader = _Told(spec.loader, self)
                return spec
        return None

    def loaded(self, module: ModuleType) -> None:
        """A module that somebody waits for was executed."""
        call = self._wanted.pop(module.__name__, None)
        if call is not None:
            call(module)


class _Told(Loader):
    """A module's own loader, that tells when it is done."""

    def __init__(self, loader: Any, later: Later) -> None:
        self._loader = loader
        self._later = later

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        made: ModuleType | None = self._loader.create_module(spec)
        return made

    def exec_module(self, module: ModuleType) -> None:
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        module.__loader__ = self._loader
        self._loader.exec_module(module)
        self._later.loaded(module)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)


def _loading(module: ModuleType) -> bool:
    return bool(getattr(getattr(module, "__spec__", None), "_initializing", False))
