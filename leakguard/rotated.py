"""Rotated logs: which names of a folder are one log, and how old each is.

Promises: a pure function of names, which changes nothing but their order: `app.log.10.gz`, `app.log.2.gz`, `app.log.1`,
`app.log`; also `app.1.log`, `app.log-20240131`, `app-2024-01-31.log.xz`, `0.log.20240131-101500.gz`. Names that are no
such set stay where they are. A leaf: knows nothing of the project; imported where files are listed and reported.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import TypeVar

_T = TypeVar("_T")

Age = tuple[int, str, int]
"""Sorts the oldest first: dates, then numbers from the highest, then the log itself."""


def may_be(names: str) -> bool:
    """Is it worth to look for sets among these names, one a line? Fast: asked of every folder."""
    return ".1" in names or ".0" in names or "-20" in names or ".20" in names or "_20" in names


@cache
def _pattern() -> re.Pattern[str]:
    """Compiled when it is needed: this module is on the start-up path."""
    packed = r"(?:\.(?:gz|bz2|xz|zst|lz4|lzma|Z|br|zip))?"
    time = r"(?:[-_T.]?\d\d[-:.]?\d\d(?:[-:.]?\d\d)?)?"
    date = rf"(?:19|20)\d\d(?P<dash>-?)[01]\d(?P=dash)[0-3]\d{time}|1\d{{9}}"
    suffix = r"(?P<suffix>\.(?:log|out|err|txt|jsonl?|csv))?"
    own = rf"(?P<stem>.+?)(?:[.\-_](?P<date>{date})|\.(?P<number>\d{{1,4}})){suffix}"
    return re.compile(rf"{own}{packed}\Z", re.DOTALL)


def _parsed(name: str) -> tuple[str, Age] | None:
    """(the log's own name, how old this part is) of a rotated name."""
    found = _pattern().match(name)
    if found is None:
        return None
    stem, date, number, suffix = found.group("stem", "date", "number", "suffix")
    base = stem + (suffix or "")
    if date is not None:
        return base, (0, re.sub(r"\D", "", date), 0)
    return base, (1, "", -int(number))


_NUMBERED = re.compile(r"[.\-_]\d")


def log_of(path: str) -> str:
    """The path of the log that this is a rotated part of, going by its name alone; "" for nearly all. Fast: asked of every
    file."""
    folder, slash, name = path.rpartition("/")
    if _NUMBERED.search(name) is None:  # of the folders many have a version in their names
        return ""
    parsed = _parsed(name)
    return folder + slash + parsed[0] if parsed is not None else ""


def seams(tasks: Iterable[_T], path_of: Callable[[_T], str], pairs: list[tuple[_T, _T]]) -> Iterator[_T]:
    """The same tasks, which come by age; adds to `pairs` each part with the one that goes on with it. They are parts of one
    log if it follows them, or is called one."""
    before: _T | None = None
    log = ""
    perhaps: list[tuple[_T, _T]] = []
    for task in tasks:
        path = path_of(task)
        own = log_of(path)
        if before is not None and (own or path) == log:
            perhaps.append((before, task))
            if not own or "log" in own.rpartition("/")[2].lower():
                pairs += perhaps
                perhaps.clear()
        else:
            perhaps.clear()
        before, log = (task, own) if own else (None, "")
        yield task


def by_age(names: Sequence[str]) -> list[int] | None:
    """Indices of the names in their new order; None if it is the old one. A set stands where the first of it stood.

    Parts are a set with the log of their name, or without one if it is called a log.
    """
    present = set(names)
    sets: dict[str, list[tuple[Age, int]]] = {}
    for index, name in enumerate(names):
        parsed = _parsed(name)
        if parsed is not None and (parsed[0] in present or "log" in parsed[0].lower()):
            sets.setdefault(parsed[0], []).append((parsed[1], index))
    for index, name in enumerate(names):
        if name in sets:
            sets[name].append(((2, "", 0), index))
    moved: dict[int, list[int]] = {}
    taken: set[int] = set()
    for parts in sets.values():
        order = [index for _, index in sorted(parts)]
        if len(order) > 1 and taken.isdisjoint(order):
            taken.update(order)
            moved[min(order)] = order
    out: list[int] = []
    for index in range(len(names)):
        if index in moved:
            out += moved[index]
        elif index not in taken:
            out.append(index)
    return out if out != list(range(len(names))) else None
