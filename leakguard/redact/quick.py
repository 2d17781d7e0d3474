"""The usual leak, quickly: a line in which all that fired is a sensitive name with a plain value, a known value, or a
value in a sensitive place.

Says what the layers of core.py would say of such a line, or None for every line that is not plainly of this kind; then
they are asked. Remembers how a name before a value reads and how a value is replaced, by hashes alone: nothing of what
passes through is kept. Imported by core.py and stream.py.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from operator import itemgetter
from typing import TYPE_CHECKING

from leakguard.detect.runtime import REDACT_BASE
from leakguard.detect.stage1 import CONTEXT_BASE, DECODE_BASE, TEXT_BASE
from leakguard.redact.names import PEM, RUN, is_value, place_spans

if TYPE_CHECKING:
    from leakguard.redact.core import Redactor
    from leakguard.redact.known import Place

MOST = 32_768
"""Entries of each memory; one that is full is emptied."""
_SEEN = 24
"""Bytes before a value that tell how its name reads, if the name begins in them."""
_FAR = 96

_BACK = re.compile(rb"(?P<quote>[\"']?)b?[ \t]{0,8}(?P<sep>[:=])[ \t]{0,4}[\"']?(?P<name>[\w.\-]{1,79})(?P<more>.?)", re.DOTALL)
_BARE = re.compile(rb"[^\s\"'`<>{}()\[\],;|&\\]{4,512}")
_DIGIT = re.compile(rb"[0-9]|[a-z][A-Z]")
"""In one of these a quoted value is more than a word."""
_STARTS = frozenset(b" \t\r\n\"'{[(,;&?|/<>")


Edit = tuple[int, int, bytes, str, str]
"""data[start:end] becomes `text`: (start, end, text, kind, suffix). A plain tuple: a NamedTuple costs three times as much to make."""

_Plan = tuple[str, int]
"""Of a name: (kind, the quote its value stands in or 0)."""


class Quick:
    """The quick way of one Redactor. Its memories are dicts: safe for threads."""

    def __init__(self, redactor: Redactor) -> None:
        self.redactor = redactor
        self.plans: dict[int, _Plan | None] = {}
        self.texts: dict[int, tuple[bytes, str, str]] = {}

    def line(
        self, data: bytes, low: int, high: int, ends: Sequence[tuple[int, int]], places: Sequence[Place]
    ) -> list[Edit] | None:
        """What is replaced of the line data[low:high], in order, or None if somebody else must look."""
        out = self.known(low, places) if places else []
        if out is None or not self.fired(data, low, high, ends, out):
            return None
        if len(out) > 1:
            out.sort(key=itemgetter(0))
            at = low
            for start, end, _, _, _ in out:
                if start < at:
                    return None
                at = end
        for start, end, _, _, _ in out:
            if data.count(data[start:end], low, high) > 1:
                return None  # it stands there once more
        return out

    def known(self, low: int, places: Sequence[Place]) -> list[Edit] | None:
        """The edits of known values, unless they overlap."""
        out: list[Edit] = []
        done = low
        for start, end, owner in places:
            if start < done:
                if out and out[-1][:2] == (start, end):
                    continue
                return None
            out.append(self.replaced(owner.name, owner.value, start, end))
            done = end
        return out

    def fired(self, data: bytes, low: int, high: int, ends: Sequence[tuple[int, int]], out: list[Edit]) -> bool:
        """Adds the edits of what fired to `out`; says whether they explain all of it."""
        others: list[int] = []
        for ident, end in ends:
            form = ident - CONTEXT_BASE
            if form in (0, 1):
                start = end - 5 + form
                if out and _within(out, start, start + 1):
                    continue
                edit = self.assigned(data, low, high, start)
                if edit is None:
                    return False
                out.append(edit)
            elif DECODE_BASE <= ident < TEXT_BASE:
                return False  # what is escaped may go on
            elif ident < REDACT_BASE:
                others.append(end)
            elif ident == PEM:
                return False
            elif ident != RUN:
                for start, stop, kind, _, _ in place_spans(data, ((ident, end),)):
                    if data[start : start + 1] == b"<":
                        return False
                    if not _within(out, start, stop):
                        out.append(self.replaced(kind, data[start:stop], start, stop))
        # in one of them, or right after it
        return not others or all([_within(out, end - 1, end - 1) for end in others])  # noqa: C419 - quicker

    def assigned(self, data: bytes, low: int, high: int, start: int) -> Edit | None:
        """The value that begins at `start`, if it plainly belongs to a sensitive name and is plainly one."""
        near = start - _SEEN
        if near < low:  # noqa: PLR1730 - a call costs more
            near = low
        key = hash(data[near:start])
        try:
            plan = self.plans[key]
        except KeyError:
            plan = self.plan(data, low, start, key if near > low else 0)
        if plan is None:
            return None
        kind, quote = plan
        if quote:
            end = data.find(quote, start, high if high - start < 1024 else start + 1024)
            value = data[start:end]
            if end < 0 or b"\\" in value or (len(value) < 16 and not _DIGIT.search(value)):
                return None
        else:
            found = _BARE.match(data, start, high)
            if found is None or found.end() - start < 32:
                return None
            end = found.end()
            if data[end : end + 1] == b"\\" or data[end - 1] in b".:":
                return None
            value = found.group()
        if value[:1] == b"<" or (len(value) < 24 and not is_value(value, True)):
            return None
        return self.replaced(kind, value, start, end)

    def plan(self, data: bytes, low: int, start: int, key: int) -> _Plan | None:
        """How the name before a value reads. Remembered under `key`, unless that is 0 or the name begins too far off."""
        found = _BACK.match(data[max(low, start - _FAR) : start][::-1])
        plan: _Plan | None = None
        if found is not None and (not found["more"] or found["more"][0] in _STARTS):
            kind, sure = self.redactor.names.kind(found["name"][::-1])
            if kind and sure and kind != "field.cookie":
                plan = kind, found["quote"][0] if found["quote"] else 0
        if key and (found is None or found.end() < _SEEN):
            if len(self.plans) > MOST:
                self.plans.clear()
            self.plans[key] = plan
        return plan

    def replaced(self, kind: str, value: bytes, start: int, end: int) -> Edit:
        """The edit that masks a value."""
        key = hash((kind, value, end - start))
        known = self.texts.get(key)
        if known is None:
            redactor = self.redactor
            suffix = redactor.pseudonym(kind, value)
            known = redactor._style(value[: end - start].ljust(end - start, b"x"), kind, suffix), kind, suffix
            if len(self.texts) > MOST:
                self.texts.clear()
            self.texts[key] = known
        return start, end, known[0], known[1], known[2]


def _within(edits: Sequence[Edit], start: int, stop: int) -> bool:
    """Whether one of the edits covers data[start:stop]."""
    for edit in edits:  # noqa: SIM110 - a generator costs more than the loop
        if edit[0] <= start and stop <= edit[1]:
            return True
    return False


def applied(data: bytes, low: int, high: int, edits: Sequence[Edit]) -> tuple[bytes, list[int]]:
    """data[low:high] with its edits, and where in it triggers may end that fire in the replacements themselves."""
    pieces: list[bytes] = []
    fine: list[int] = []
    at = low
    size = 0
    for start, end, text, _, suffix in edits:
        pieces.append(data[at:start])
        pieces.append(text)
        size += start - at
        fine += (size + 4, size + 5)
        size += len(text)
        fine += (size + 4, size + 5)
        if suffix:
            fine.append(size - 2)
        at = end
    pieces.append(data[at:high])
    return b"".join(pieces), fine
