"""What pydantic says of values that it refused: `input_value='...'`, whose name is in the line above, or in the error's `loc`.

    api_secret
      String should have at least 64 characters [type=string_too_short, input_value='kJ7f...', input_type=str]

Settings that cannot be loaded are told so, with the key that was one character short. The text is judged as a whole, so this is for
those who have all of it: what is made of exceptions and records, not a stream, which lets a line go before it sees the next. Pure
functions; no value is kept. Imported by objects.py and the adapters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leakguard.redact.core import Redactor

_SIGN = "input_value="
_REFUSED = re.compile(
    rb"^(?P<before>[ |]{0,80})(?P<field>[^\s|][^\n]{0,200})\n(?P=before)  [^\n]{0,400}?\[type=[a-z_]{1,60}, "
    rb"input_value=(?P<value>[^\n]{1,400}), input_type=\w{1,60}\]", re.MULTILINE,
)  # fmt: skip
_PART = re.compile(rb"[^.\[\]]+")
_TEXT = re.compile(rb"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"")


def refused(redactor: Redactor, text: str) -> str:
    """`text` without refused values under sensitive names; the same object if there are none."""
    if _SIGN not in text:
        return text
    names = parts()
    data = text.encode("utf-8", "surrogatepass")
    spans = []
    for found in _REFUSED.finditer(data):
        kind, sure = _kind(redactor, _PART.findall(found["field"].strip()))
        for value in _TEXT.finditer(data, *found.span("value")) if kind else ():
            start, end = value.span(value.lastindex or 0)
            if names.is_value(data[start:end], sure, kind):
                spans.append(names.Span(start, end, kind, names.RANK_NAME))
    return redactor.replaced(data, spans).decode("utf-8", "surrogatepass") if spans else text


@cache
def parts() -> Any:
    """What it needs, imported when an adapter is installed: adapters may be imported without it."""
    from leakguard.redact import names

    return names


def name_of(redactor: Redactor, error: Any) -> str:
    """The field's name in one of a ValidationError's `errors()`, if it is sensitive; "" for everything else."""
    place = error.get("loc") if "input" in error else None
    if not isinstance(place, (tuple, list)):
        return ""
    said = [part.encode("utf-8", "surrogatepass") for part in place if isinstance(part, str)]
    return said[-1].decode("utf-8", "surrogatepass") if said and _kind(redactor, said)[0] else ""


def _kind(redactor: Redactor, place: Iterable[bytes]) -> tuple[str, bool]:
    """What the last part of a place that is no index names."""
    names = [part for part in place if not part.isdigit()]
    return redactor.names.kind(names[-1]) if names else ("", False)
