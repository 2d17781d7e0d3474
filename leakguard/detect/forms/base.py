"""What the forms are made of: what one is, the ends of their triggers, and whether what stands there could be a value.

Pure; knows no rules. Imported by this package, and by context.py (`unlike_words`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from leakguard.detect.patterns import compiled

TAIL = 5
"""How many bytes into a value its form's trigger ends."""
LONG_TAIL = 16
"""Into a value that only its look tells from the many short words that stand so: in a list, after a letter."""
VALUE = r"[^\s\"'`*_|<>{}()\[\]$\\,;:=][^\s\"'`*|<>{}()\[\]$\\,;:=]{4}"
_SIGN = r"[\w+/\-]"
WITH_DIGIT = "|".join(
    [_SIGN * n + "[0-9]" + _SIGN * (4 - n) for n in range(5)]
    + [_SIGN * n + "[a-z][A-Z]" + _SIGN * (3 - n) for n in range(4)]
)
"""The first bytes of a value that is no word: five, with a digit or a change of case among them."""
LONG = r"[0-9A-Za-z+/=_:\-]{16}"
LIST_OF = r"(?:\[\]string|array|vec!|&|new [Ss]tring\[\] ?|List\.of|Arrays\.asList)?"
"""What stands before the bracket of a list."""


class Named(NamedTuple):
    """What a value is called, where its name begins, and the quote it stands in."""

    name: bytes
    start: int
    quote: bytes


LINE = compiled(rb"([!-~]{6,200}?)[`*]{0,3}[ \t]{0,8}(?:\r?\n|\Z)")
CELL = compiled(rb"([^\s<>\"\\]{6,64})(?=</|<br|\\n|\",?[\r\n ])")
"""The same in a page, or in a string."""


class Form(NamedTuple):
    """One way to give a value a name. `named` (in this package's __init__) says in which order its functions are asked."""

    reader: re.Pattern[bytes] | None
    """What stands before the value: its first group is the name, `quote` the value's quote. None where `whole` reads all."""
    trigger: str
    """The pattern of stage 1. It ends with VALUE or LONG: a fixed way into the value."""
    whole: Callable[[bytes, int], Named | None] | None = None
    """Reads the name in place of `reader`, from the text and the value's start."""
    asked: Callable[[bytes, int, re.Match[bytes], Named], Named | None] | None = None
    """Is asked, with what `reader` found, whether the value is one, and what to call it."""
    rest: Callable[[bytes, int], list[tuple[bytes, int, int]]] | None = None
    """Name, start and end of the other values in the row that the value at this start belongs to."""
    since: Callable[[bytes, int], int] | None = None
    """Where `reader` begins to look; negative if it need not. Without it 200 bytes before the value."""
    listed: bool = False
    """Whether the value may be one of a list that is named in the plural (lists.py)."""
    before: bool = False
    """Whether the value stands before its name: `named` gives the value for a name."""


DIGIT = compiled(rb"[0-9]")
ARGUMENTS = (b"key_of_client", b"secret_of_client", b"passphrase_of_client")
"""What a client's arguments are, in the order that all of them have. Names that no generic rule listens to."""
RUN = compiled(rb"(?:ed25519:)?[0-9A-Za-z+/=_\-]{16,512}")
_TURNS = compiled(rb"[A-Za-z0-9]{10,15}(?![\w+/=.\-])")
_TURN = compiled(rb"[0-9][A-Za-z]")
_SHORTER = compiled(rb"[A-Za-z0-9_\-]{8,10}(?![\w+/=.\-])")
_CHANGE = compiled(rb"(?=[a-z][A-Z0-9]|[A-Z][a-z0-9]|[0-9][A-Za-z])")


def short(data: bytes, start: int) -> bool:
    """Whether a value of 8 to 15 letters and digits is none that a word with a number would be: a0quon2ohyr7s."""
    found = _TURNS.match(data, start)
    if found is not None:
        return len(_TURN.findall(found[0])) > 1
    found = _SHORTER.match(data, start)
    return found is not None and DIGIT.search(found[0]) is not None and len(_CHANGE.findall(found[0])) > 2


def random(data: bytes, start: int) -> bool:
    """Whether what stands at `start` could be a value: prose goes on with a word."""
    found = RUN.match(data, start)
    return found is not None and (DIGIT.search(found[0]) is not None or unlike_words(found[0]))


_LETTERS = compiled(rb"[A-Za-z]{10,64}")
_STRANGE = 24
"""How strange letters must be to be no words, although they begin and end like words: names in code come to 15."""


def unlike_words(value: bytes, least: int = _STRANGE) -> bool:
    """Whether letters of both cases are random, and but look like short words: QMWluZdQnz."""
    if not _LETTERS.fullmatch(value) or value.islower() or value.isupper():
        return False
    from leakguard.detect.gates.grams import strangeness

    return strangeness(value) >= least
