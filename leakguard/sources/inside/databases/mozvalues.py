"""Values as Firefox keeps them in IndexedDB: its structured clone, packed with Snappy.

Promises: a pure function; nothing is evaluated; names and strings are given as a document's fields are, numbers and dates left
out; a value that cannot be unpacked is none, and one that cannot be read is given unpacked, as it stands.

Source: js/src/vm/StructuredClone.cpp. Imported by `sqlite`.
"""

from __future__ import annotations

from collections.abc import Iterator

from leakguard.sources.inside.databases.records import Cell
from leakguard.sources.inside.databases.snappy import DamagedError, unsnapped

LARGEST = 64 * 1024 * 1024
_FLOATS = 0xFFF00000
_HEADER, _STRING, _ARRAY, _OBJECT, _END = 0xFFF10000, 0xFFFF0004, 0xFFFF0007, 0xFFFF0008, 0xFFFF0013
_INT, _DATE = 0xFFFF0003, 0xFFFF0005
_BARE = frozenset((0xFFFF0000, 0xFFFF0001, 0xFFFF0002, _INT, _DATE, 0xFFFF000E))
"""null, undefined, a boolean, an integer, a date (its time follows), a reference back."""
_MAPS = frozenset((0xFFFF0011, 0xFFFF0012))


def cells_of(data: bytes) -> list[Cell] | None:
    """The fields of a value; None for what is none."""
    try:
        data = unsnapped(data, LARGEST)
    except (DamagedError, IndexError):
        return None
    cells = list(_cells(data))
    return cells or [("data", data)]


def _cells(data: bytes) -> Iterator[Cell]:
    """Strings, each under the last name that stands before it. What is not known ends it, and is given as it stands."""
    at, names, expects = 0, [""], [False]
    while at + 8 <= len(data):
        low, tag = int.from_bytes(data[at : at + 4], "little"), int.from_bytes(data[at + 4 : at + 8], "little")
        start, at = at, at + 8
        if tag == _STRING:
            text, at = _string(data, at, low)
            if expects[-1]:
                names[-1] = text
            else:
                yield names[-1] or "value", text.encode()
        elif tag in (_ARRAY, _OBJECT) or tag in _MAPS:
            names.append("")
            expects.append(True)
            continue
        elif tag == _END:
            if len(names) > 1:
                if not expects[-1] and names[-1]:
                    yield "key", names[-1].encode()
                names.pop()
                expects.pop()
        elif tag == _INT and expects[-1]:
            names[-1] = ""
        elif tag not in _BARE and tag >= _FLOATS and tag & 0xFFFF0000 != _HEADER:
            yield "rest", data[start:]
            return
        elif not expects[-1] and names[-1]:
            yield "key", names[-1].encode()  # beside a number: it may be content
        at += 8 if tag == _DATE else 0
        if len(names) > 1:
            expects[-1] = not expects[-1] if tag != _END else True


def _string(data: bytes, at: int, low: int) -> tuple[str, int]:
    """(a string of Latin-1 or UTF-16, where what follows it begins)."""
    size = (low & 0x7FFFFFFF) * (1 if low >> 31 else 2)
    raw = data[at : at + size]
    return raw.decode("latin-1" if low >> 31 else "utf-16-le", "replace"), at + (size + 7) // 8 * 8
