"""Redaction: secrets masked on their way into logs, and in logs that exist, by the scanner's own rules.

    from leakguard.redact import Redactor
    redactor = Redactor()
    redactor.register(api_secret, "binance.api-secret")
    redactor.redact("...")

Nothing is imported before it is asked for. Uses detect/ and triage/; imported by applications and cli/.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leakguard.redact.core import Policy, Redactor, Stats
    from leakguard.redact.stream import Stream

_EXPORTS = {
    "Policy": "core",
    "Redactor": "core",
    "Stats": "core",
    "Stream": "stream",
    "install": "standard",
    "uninstall": "standard",
    "guard_fds": "fds",
}
"""name -> module of this package; no module may have the name of what it exports: importing it would hide that."""

__all__ = ["Policy", "Redactor", "Stats", "Stream"]


def __getattr__(name: str) -> Any:
    module = _EXPORTS.get(name)
    if module is None:
        raise AttributeError(name)
    return getattr(import_module(f"{__name__}.{module}"), name)


def __dir__() -> list[str]:
    return sorted(_EXPORTS)
