"""Values for those who show them, by `str` or `repr`: handlers that read a record's fields, sinks, processors, exception handlers.

Objects of any class in them that show a secret are replaced by what shows the same without it. Never raises. Imports what it needs
when it is called, as adapters may be imported without it. Imported by the adapters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leakguard.redact.core import Redactor


def redact_shown(redactor: Redactor, value: Any, name: str = "") -> Any:
    """`value`, which stands under `name` ("" for none), without secrets, also in what objects of any class say (objects.Said);
    the same object if there are none."""
    from leakguard.redact.objects import redact_pair

    try:
        return redact_pair(redactor, name, value, True)
    except Exception as error:  # noqa: BLE001 - whatever it is, the application goes on
        redactor._failed(error)
        if redactor.policy.on_error == "open":
            return value
        from leakguard.redact.mask import failed

        return failed(value)
