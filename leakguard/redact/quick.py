"""The usual leak, quickly: a line in which all that fired is a sensitive name with a plain value, a known value, or a
value in a sensitive place.

Says what the layers of core.py would say of such a line, or None for every line that is not plainly of this kind; then
they are asked. Remembers how a name before a value reads and how a value is replaced, by hashes alone: nothing of what
passes through is kept. Imported by core.py, lines.py and stream.py.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from operator import itemgetter
from typing import TYPE_CHECKING

from leakguard.detect.guards import HEX
from leakguard.detect.runs import BEFORE_RUN, TOKEN
from leakguard.detect.runtime import DECIMAL, REDACT_BASE
from leakguard.detect.stage1 import CONTEXT_BASE, DECODE_BASE, TEXT_BASE
from leakguard.redact.names import FORGED, PEM, is_value, place

if TYPE_CHECKING:
    from leakguard.redact.core import Redactor
    from leakguard.redact.known import Place

MOST = 32_768
"""Entries of the memory of names; one that is full is emptied."""
_ALL = -1
"""The key of a kind that has no pseudonyms: no hash is -1."""
MOST_TEXTS = 4096
"""Entries of the memory of each kind: signatures are never the same."""
SEEN = 28
"""Bytes before a value that tell how its name reads, if the name begins in them."""
_FAR = 96
LONGEST = 1024
"""Bytes after which a quote that does not close is not looked for."""

_BACK = re.compile(rb"(?P<quote>[\"']?)b?[ \t]{0,8}(?P<sep>[:=])[ \t]{0,4}[\"']?(?P<name>[\w.\-]{1,79})(?P<more>.?)", re.DOTALL)
_BARE = re.compile(rb"[^ \t\n\r\f\v\"'`<>{}()\[\],;|&\\]{4,512}")
"""(No class in it but this one: so a byte is one look at a table.)"""
_DIGIT = re.compile(rb"[0-9]|[a-z][A-Z]")
"""In one of these a quoted value is more than a word."""
_QUOTED = frozenset(b"\"'`\\")
_QUOTES = frozenset(b"\"'`")
_OPENS = frozenset(b" \t")
_GOES_ON = re.compile(rb"[ \t]?=|[A-Za-z0-9+/_\-]{%d}" % BEFORE_RUN)
_MAY_GO_ON = TOKEN | frozenset(b" \t=")
_ALNUM = TOKEN - frozenset(b"+/_-")
_STARTS = frozenset(b" \t\r\n\"'{[(,;&?|/<>")


Edit = tuple[int, int, bytes, str, str]
"""data[start:end] becomes `text`: (start, end, text, kind, suffix). A plain tuple: a NamedTuple costs three times as much to make."""

Made = tuple[bytes, str, str]
"""What stands for a value: (text, kind, suffix), the end of an Edit."""

_Texts = dict[int, Made]
"""By the hash of a value: what it is replaced by."""

_Plan = tuple[str, bytes, _Texts]
"""Of a name: (kind, the quote its value stands in or none, the memory of that kind)."""

_NAME, _PASSWORD = CONTEXT_BASE, CONTEXT_BASE + 1
_START = itemgetter(0)


class Quick:
    """The quick way of one Redactor. Its memories are dicts: safe for threads."""

    def __init__(self, redactor: Redactor) -> None:
        self.redactor = redactor
        self.plans: dict[int, _Plan | None] = {}
        self.texts: dict[str, _Texts] = {}
        """By kind."""

    def line(  # noqa: PLR0912 - as few calls as can be: each costs as much as a find
        self, data: bytes, low: int, high: int, ends: Sequence[tuple[int, int]], places: Sequence[Place]
    ) -> list[Edit] | None:
        """What is replaced of the line data[low:high], in order, or None if somebody else must look."""
        out: list[Edit] = []
        if places and not self.known(data, low, high, places, out):
            return None
        plans, later = self.plans, None
        for item in ends:
            ident, end = item
            if ident == _NAME:
                start = end - 5
            elif ident == _PASSWORD:
                start = end - 4
            else:
                if ident < DECODE_BASE:
                    for edit in out:
                        if edit[0] < end <= edit[1] + 1:
                            break  # a rule's: it ends in what is masked, or right after it
                    else:
                        later = [*later, item] if later else [item]
                else:
                    later = [*later, item] if later else [item]
                continue
            for edit in out:
                if edit[0] <= start < edit[1]:
                    break
            else:
                near = start - SEEN
                if near < low:  # noqa: PLR1730 - a call costs more
                    near = low
                key = hash(data[near:start])
                try:
                    plan = plans[key]
                except KeyError:
                    plan = self.plan(data, low, start, near, key)
                if plan is None:
                    return None
                kind, quote, texts = plan
                if quote:
                    stop = data.find(quote, start, high if high - start < LONGEST else start + LONGEST)
                else:
                    stop = self.bare(data, start, high)
                    if not alone(data, low, start, stop):
                        return None
                if stop < 0:
                    return None
                value = data[start:stop]
                known = texts.get(hash(value)) or self.text(texts, kind, value, quote)
                if known is None or data.count(value, low, high) > 1:
                    return None  # none, or it stands there once more
                out.append((start, stop, *known))
        if later is not None and not self.rest(data, low, high, later, out):
            return None
        if len(out) > 1 and not _in_order(out):
            out.sort(key=_START)
            if not _in_order(out):
                return None
        return out

    def known(self, data: bytes, low: int, high: int, places: Sequence[Place], out: list[Edit]) -> bool:
        """Adds the edits of known values to `out`; False if they overlap, or stand there more than once."""
        done = low
        for start, end, owner in places:
            if start < done:
                if out and out[-1][:2] == (start, end):
                    continue
                return False
            if data.count(data[start:end], low, high) > 1 or not alone(data, low, start, end):
                return False
            self.put(start, end, owner.name, owner.value, out)
            done = end
        return True

    def rest(self, data: bytes, low: int, high: int, ends: Sequence[tuple[int, int]], out: list[Edit]) -> bool:
        """Adds the edits of sensitive places to `out`; says whether these and what is there already explain these ends."""
        for ident, end in ends:
            if ident >= REDACT_BASE:
                if ident in (PEM, FORGED):
                    return False
                found = place(data, ident, end)
            elif DECODE_BASE <= ident < TEXT_BASE:
                return False  # what is escaped may go on
            else:
                continue
            if found is not None:
                start, stop, kind = found
                for edit in out:
                    if edit[0] <= start and stop <= edit[1]:
                        break
                else:
                    value = data[start:stop]
                    if value[:1] == b"<" or data.count(value, low, high) > 1 or not alone(data, low, start, stop):
                        return False
                    self.put(start, stop, kind, value, out)
        return _explained(data, ends, out)

    def put(self, start: int, end: int, kind: str, value: bytes, out: list[Edit]) -> None:
        """Adds the edit that masks `value`, which is at data[start:end]."""
        texts = self.of(kind)
        out.append((start, end, *(texts.get(hash(value)) or self.made(texts, kind, value))))

    def bare(self, data: bytes, start: int, high: int) -> int:
        """Where a long value without quotes ends; -1 for none that is plainly one."""
        found = _BARE.match(data, start, high)
        if found is None:
            return -1
        end = found.end()
        return -1 if end - start < 32 or data[end : end + 1] == b"\\" or data[end - 1] in b".:" else end

    def plan(self, data: bytes, low: int, start: int, near: int, key: int) -> _Plan | None:
        """How the name before a value reads. Remembered under `key`, unless the name begins before `near`."""
        found = _BACK.match(data[max(low, start - _FAR) : start][::-1])
        plan: _Plan | None = None
        if found is not None and (not found["more"] or found["more"][0] in _STARTS):
            kind, sure = self.redactor.names.kind(found["name"][::-1])
            if kind and sure and kind != "field.cookie":
                plan = kind, found["quote"], self.of(kind)
        if start - near == SEEN if found is None else found.end() < start - near:
            if len(self.plans) > MOST:
                self.plans.clear()
            self.plans[key] = plan
        return plan

    def of(self, kind: str) -> _Texts:
        """The memory of a kind."""
        return self.texts.setdefault(kind, {})

    def text(self, texts: _Texts, kind: str, value: bytes, quote: bytes) -> Made | None:
        """What the value of a name is replaced by; None for what is not plainly a value."""
        size = len(value)
        if 92 in value or value[:1] == b"<" or (size < 24 and not _plain(value) and not is_value(value, True)):
            return None
        if quote and size < 16 and not _DIGIT.search(value):
            return None
        return self.made(texts, kind, value)

    def made(self, texts: _Texts, kind: str, value: bytes) -> Made:
        """What any value is replaced by; remembered by its hash."""
        known = texts.get(_ALL)
        if known is not None:
            return known
        redactor = self.redactor
        suffix = redactor.pseudonym(kind, value)
        made = redactor._style(value, kind, suffix), kind, suffix
        if len(texts) > MOST_TEXTS:
            texts.clear()
        texts[hash(value) if suffix else _ALL] = made
        return made


def _plain(value: bytes) -> bool:
    """Whether letters and digits are mixed as in nothing that stands for no value (names.is_value)."""
    return value.isalnum() and not value.isalpha() and not value.isdigit() and b"rror" not in value.lower()


def alone(data: bytes, low: int, start: int, stop: int) -> bool:
    """Whether what takes the place of data[start:stop], of which no name says that quotes are around it, can be no part of a
    longer value, no name of one after it, and no token's edge: then nothing fires across it but what guards.crossing looks
    for."""
    if stop < len(data) and data[stop] in _MAY_GO_ON and (data[stop] in _ALNUM or _GOES_ON.match(data, stop) is not None):
        return False  # a known value may be but the beginning of what a name names
    if start <= low:
        return True
    before = data[start - 1]
    if before in _QUOTES:
        return data[stop : stop + 1] == data[start - 1 : start]
    return before in _OPENS or _QUOTED.isdisjoint(data[start - 5 if start - 5 > low else low : start])


def _explained(data: bytes, ends: Sequence[tuple[int, int]], edits: Sequence[Edit]) -> bool:
    """Whether each end lies in what is masked, or right after it; numbers are no encoded text."""
    for ident, end in ends:
        if ident < REDACT_BASE and not (ident in HEX and DECIMAL.match(data, end - 12)):
            for edit in edits:
                if edit[0] < end <= edit[1] + 1:
                    break
            else:
                return False
    return True


def _in_order(edits: Sequence[Edit]) -> bool:
    """Whether each edit begins after the one before it."""
    at = 0
    for edit in edits:
        if edit[0] < at:
            return False
        at = edit[1]
    return True


def spliced(data: bytes, edits: Sequence[Edit]) -> bytes:
    """`data` with its edits."""
    pieces: list[bytes] = []
    at = 0
    for start, end, text, _, _ in edits:
        pieces += data[at:start], text
        at = end
    pieces.append(data[at:])
    return b"".join(pieces)


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
