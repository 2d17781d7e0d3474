"""Values for those who show them, by `str` or `repr`: handlers that read a record's fields, sinks, processors, exception handlers.

Objects of any class in them that show a secret are replaced by what shows the same without it. Never raises. Imports what it needs
when an adapter is installed, as adapters may be imported without it. Imported by the adapters.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leakguard.redact.core import Redactor


def redact_shown(redactor: Redactor, value: Any, name: str = "") -> Any:
    """`value`, which stands under `name` ("" for none), without secrets, also in what objects of any class say (objects.Said);
    the same object if there are none."""
    redact_pair, failed = _parts()
    try:
        return redact_pair(redactor, name, value, True)
    except Exception as error:  # noqa: BLE001 - whatever it is, the application goes on
        redactor.counts.failed(error)
        return value if redactor.policy.on_error == "open" else failed(value)


def ready(redactor: Redactor) -> None:
    """Imports what the first value needs that is no text: it may come while another one is looked at, or when the interpreter ends
    and nothing can be imported any more."""
    from leakguard.redact import refused

    _parts()
    refused.parts()
    redactor.redact(())


@cache
def _parts() -> Any:
    from leakguard.redact.mask import failed
    from leakguard.redact.objects import redact_pair

    return redact_pair, failed
