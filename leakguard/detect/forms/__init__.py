"""The rarer ways to give a value a name: labels of people's notes in their languages, pairs of name and value, wrapped
values, commands that set a variable, arguments of clients, heads of tables.

Stage 1 reports where one of `FORMS` could be (its pattern ends TAILS bytes into the value); `named` reads the name off the
text before it, and `following` the other values of its row. Each form is a row of the table at the end of said.py,
fields.py, rows.py or heads.py: a new one is added there, and nowhere else. Each has a literal of its own that the first stage
can look for. Pure functions; knows no rules. Imported by assign.py, context.py, reaches.py and redact/tables.py.
"""

from __future__ import annotations

import re

from leakguard.detect.forms import fields, heads, rows, said
from leakguard.detect.forms.base import LONG, LONG_TAIL, TAIL, Form, Named, unlike_words
from leakguard.detect.forms.fields import headed
from leakguard.detect.forms.lists import MOST_SEVERAL, listed_bare, several

__all__ = [
    "BLOCK", "CELLED", "FORMS", "HEADED", "HEADS", "INSERTED", "LISTS", "MOST_SEVERAL", "PAGED", "ROWS", "SAID", "TABBED", "TABLE", "TAILS",
    "UNPACKED", "following", "headed", "listed_bare", "named", "several", "unlike_words",
]  # fmt: skip

_ALL: tuple[Form, ...] = said.FORMS + rows.FORMS + fields.FORMS + heads.FORMS
FORMS = tuple([form.trigger for form in _ALL])
"""Patterns of the first stage; each ends a fixed way into the value."""
TAILS = tuple(LONG_TAIL if text.endswith(LONG) else TAIL for text in FORMS)
"""How many bytes into the value each form's pattern ends."""


def _numbers(reader: re.Pattern[bytes]) -> list[int]:
    return [number for number, form in enumerate(_ALL) if form.reader is reader]


(UNPACKED,) = _numbers(rows.UNPACKED)
"""The form that is as good as an assignment of one value: a password in it may be any word."""
(TABLE,) = _numbers(heads.RULED)
"""The form that names no value, but the head of a table."""
(TABBED,) = _numbers(heads.TABBED)
"""The same with tabs between the columns."""
(PAGED,) = _numbers(heads.PAGE_HEAD)
"""The same in a page of HTML."""
(CELLED,) = _numbers(heads.CELLED)
"""The form of a row whose first cell says what the others are."""
HEADS = frozenset(_numbers(heads.EXPORTED_HEAD))
"""The same with one column of credentials, a password behind a user's name or any other: the start of its value is in its own name."""
(INSERTED,) = _numbers(heads.INSERTED)
"""The same of an INSERT statement, or of PostgreSQL's COPY."""
LISTS = frozenset(number for number, form in enumerate(_ALL) if form.listed)
"""Forms of which `several` knows more values."""
(BLOCK,) = _numbers(fields.LISTED)
"""The one of these whose own name for a value is the list's."""
SAID = frozenset(range(len(said.FORMS)))
"""The forms of what people write to one another: whose a key is, they said some messages before."""
HEADED = frozenset(number for number, form in enumerate(_ALL) if form.before)
"""The forms whose value stands before its name: of these `named` gives the value for a name."""
ROWS = frozenset(number for number, form in enumerate(_ALL) if form.rest)
"""Forms of which `following` knows more values."""


def named(data: bytes, form: int, start: int) -> Named | None:
    """The name that a form gives to the value at `start`; None if it is none after all."""
    reader, _, whole, asked, _, since, _, _ = _ALL[form]
    if whole is not None or reader is None:
        return whole(data, start) if whole else None
    low = max(0, start - 200) if since is None else since(data, start)
    found = reader.search(data[low:start]) if low >= 0 else None
    if found is None:
        return None
    name = Named(found[1], low + found.start(), found.groupdict().get("quote") or b"")
    return asked(data, start, found, name) if asked is not None else name


def following(data: bytes, form: int, start: int) -> list[tuple[bytes, int, int]]:
    """Name, start and end of the values that follow the first one of a list (ROWS) that starts at `start`."""
    rest = _ALL[form].rest
    return rest(data, start) if rest else []
