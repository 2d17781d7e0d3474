"""`install()`: one line at start-up that closes every path by which a process writes logs.

    import leakguard.redact
    guard = leakguard.redact.install()
    guard.register(api_secret, "binance.api-secret")

Standard logging, the process' streams, hooks, warnings; structlog, loguru, rich, `http.client` and ccxt as soon as they are
imported; with `fds=True` the file descriptors. A second call gives the first one's handle back, and closes hooks that
were set since. Nothing raises into the application later;
what cannot be installed is named in `handle.missing`. Imported by applications.
"""

from __future__ import annotations

import os
import threading
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from leakguard.redact.patches import Later

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from leakguard.redact.core import Redactor

PARTS = ("logging", "stdout", "hooks", "structlog", "loguru", "http", "rich")
"""What `install` closes unless told; `fds` is asked for."""

_lock = threading.RLock()
_handle: Handle | None = None


class Handle:
    """An installation. A context manager that uninstalls."""

    def __init__(self, redactor: Redactor) -> None:
        self.redactor = redactor
        self.closed: list[str] = []
        """The parts that are in place."""
        self.missing: dict[str, str] = {}
        """Parts that could not be put in place, and the type of error."""
        self._later = Later()
        self._parts: list[Any] = []

    def register(self, value: str | bytes, name: str = "known") -> bool:
        """Redactor.register."""
        return self.redactor.register(value, name)

    def stats(self) -> Any:
        """Redactor.stats."""
        return self.redactor.stats()

    def uninstall(self) -> None:
        """Opens every path again. May be called again."""
        global _handle  # noqa: PLW0603
        with _lock:
            self._later.stop()
            while self._parts:
                self._parts.pop().undo()
            self.closed.clear()
            if _handle is self:
                _handle = None

    def __enter__(self) -> Handle:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.uninstall()

    def _renew(self) -> None:
        """Closes what somebody opened since: hooks of their own."""
        for part in self._parts:
            if hasattr(part, "renew"):
                part.renew()

    # ------------------------------------------------------------ putting in place
    def _put(self, name: str, make: Callable[[], Any]) -> None:
        """Puts one part in place; a part that fails does not keep the others from it."""
        try:
            self._parts.append(make())
            self.closed.append(name)
        except Exception as error:  # noqa: BLE001 - the others must still be closed; the handle tells
            self.missing[name] = type(error).__name__
            self.redactor.counts.failed(error)

    def _install(self, name: str) -> None:
        if name in ("structlog", "loguru"):
            self._later.when(name, lambda module: self._package(name, module))
        elif name in ("hooks", "http", "rich"):
            part = import_module(f"leakguard.redact.{name}")
            self._put(name, lambda: part.install(self.redactor, self._later))
        else:
            part = import_module(f"leakguard.redact.{name}")
            self._put(name, lambda: part.install(self.redactor))

    def _package(self, name: str, module: ModuleType) -> None:
        part = import_module(f"leakguard.redact.{name}")
        self._put(name, lambda: part.install(self.redactor, module))


def install(
    redactor: Redactor | None = None,
    *,
    parts: Iterable[str] = PARTS,
    fds: bool = False,
    environment: bool = True,
) -> Handle:
    """Closes every path at once; the handle of the installation that is in force, if there is one.

    `parts`: of PARTS. `fds`: also file descriptors 1 and 2 (fds.py). `environment`: registers the environment's variables that
    are named like secrets. UsageError for an unknown part.
    """
    global _handle  # noqa: PLW0603
    wanted = list(parts)
    unknown = set(wanted) - set(PARTS)
    if unknown:
        from leakguard.errors import UsageError

        raise UsageError(f"install: unknown part {sorted(unknown)[0]!r}; {', '.join(PARTS)}")
    with _lock:
        if _handle is not None:
            _handle._renew()
            return _handle
        if redactor is None:
            from leakguard.redact.core import Redactor

            redactor = Redactor()
        if environment:
            redactor.register_many(_environment(redactor))
        handle = Handle(redactor)
        if fds:  # first: it forks, and later streams lie above it
            from leakguard.redact.fds import guard_fds

            handle._put("fds", lambda: guard_fds(redactor))
        for name in wanted:
            handle._install(name)
        _handle = handle
        return handle


def _environment(redactor: Redactor) -> list[tuple[str, str]]:
    """The environment's secrets by name. A folder or a key's file is none, whatever its variable is called (PWD)."""
    return [
        (name, value) for name, value in os.environ.items() if redactor.sensitive(name) and not os.path.isabs(value)
    ]


def uninstall() -> None:
    """Opens every path again, if `install` closed them."""
    if _handle is not None:
        _handle.uninstall()
