"""Sentry: events, transactions and breadcrumbs without secrets.

    sentry_sdk.init(..., **leakguard.redact.sentry.options(redactor))

Names are judged as the scanner does, at any depth, and so are messages and variables of frames. An event that cannot be
checked says so and keeps nothing else (or passes, by the redactor's policy). Needs no sentry_sdk. Imported by applications.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leakguard.redact.core import Redactor

Hook = Callable[[Any, Any], Any]


def before_send(redactor: Redactor, then: Hook | None = None) -> Hook:
    """A `before_send`, `before_send_transaction`, `before_send_log` or `before_breadcrumb`. `then`: the application's own, which
    is called first, so that what it adds is seen."""

    def hook(event: Any, hint: Any) -> Any:
        made = event if then is None else then(event, hint)
        if made is None:
            return None
        out = redactor.redact(made)
        return out if type(out) is type(made) else {"message": str(out), "level": "error"}

    return hook


_OPTIONS = ("before_send", "before_send_transaction", "before_breadcrumb", "before_send_log", "before_send_metric")
_NEWER = ("before_send_metric",)


def options(redactor: Redactor) -> dict[str, Hook]:
    """The options of `sentry_sdk.init` that close what Sentry sends: those that the imported version knows, which refuses
    others."""
    hook = before_send(redactor)
    known = getattr(sys.modules.get("sentry_sdk.consts"), "DEFAULT_OPTIONS", None)
    names = [name for name in _OPTIONS if (name in known if known else name not in _NEWER)]
    return dict.fromkeys(names, hook)
