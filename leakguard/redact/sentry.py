"""Sentry: events, transactions and breadcrumbs without secrets.

    sentry_sdk.init(..., **leakguard.redact.sentry.options(redactor))

Names are judged as the scanner does, at any depth, and so are messages and variables of frames. An event that cannot be
checked says so and keeps nothing else (or passes, by the redactor's policy). Needs no sentry_sdk. Imported by applications.
"""

from __future__ import annotations

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


def options(redactor: Redactor) -> dict[str, Hook]:
    """The options of `sentry_sdk.init` that close what Sentry sends."""
    hook = before_send(redactor)
    return {"before_send": hook, "before_send_transaction": hook, "before_breadcrumb": hook, "before_send_log": hook}
