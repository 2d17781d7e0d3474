"""What replaces a secret, and the arithmetic of spans. Pure functions. Imported by redact/ only."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from leakguard.detect.runtime import LEAST_ENDS, Flood
from leakguard.redact.names import Span
from leakguard.redact.pieces import MARKER, plausible

ERROR = b"<redacted:error>"
"""Stands for what could not be checked."""

MOST_ESCAPES = 32
"""One byte in so many may begin a terminal escape: a text of colours alone costs too much to read."""

_MARKER_END = re.compile(MARKER.pattern + rb"\Z")
_NOT_LABEL = re.compile(r"[^A-Za-z0-9._-]+")

Places = Sequence[tuple[int, int]]


# ---------------------------------------------------------------- styles
def _token(_secret: bytes, kind: str, suffix: str) -> bytes:
    return f"<redacted:{kind}:{suffix}>".encode() if suffix else f"<redacted:{kind}>".encode()


def _length(secret: bytes, _kind: str, _suffix: str) -> bytes:
    return b"*" * len(secret)


_CLASSES = bytes(
    ord("0") if 48 <= c < 58 else ord("X") if 65 <= c < 91 else ord("x") if 97 <= c < 123 or c >= 128 else c
    for c in range(256)
)


def _format(secret: bytes, _kind: str, _suffix: str) -> bytes:
    return secret.translate(_CLASSES)


STYLES: dict[str, Callable[[bytes, str, str], bytes]] = {"token": _token, "length": _length, "format": _format}


def label(name: str) -> str:
    """A name as it may stand in a replacement."""
    return _NOT_LABEL.sub("-", name)[:64].strip("-") or "known"


# ---------------------------------------------------------------- data that needs a second look
def odd(data: bytes) -> bool:
    """Whether triggers alone do not tell that there is nothing: several lines, terminal escapes, two-byte text."""
    if 10 not in data and 92 not in data and 27 not in data and 0 not in data and 8 not in data:
        return False
    return data.find(b"\n", 0, len(data) - 1) >= 0 or 0 in data or b"\x1b" in data or b"\\n" in data or b"\x08" in data


def bounded(data: bytes) -> None:
    """Flood for a text of more terminal escapes than are worth reading."""
    if data.count(b"\x1b") > LEAST_ENDS + len(data) // MOST_ESCAPES:
        raise Flood


def line_end(data: bytes) -> bytes:
    """The line break that data ends with."""
    return data[len(data.rstrip(b"\r\n")) :]


def whole_characters(data: bytes, start: int, end: int) -> tuple[int, int]:
    """A span widened so that it cuts no UTF-8 character."""
    while start > 0 and data[start] & 0xC0 == 0x80:
        start -= 1
    while end < len(data) and data[end] & 0xC0 == 0x80:
        end += 1
    return start, end


def failed(value: Any) -> Any:
    """What stands for a value that could not be checked: of its type where that is text or an exception, else text."""
    if isinstance(value, (bytes, bytearray)):
        return type(value)(ERROR)
    if isinstance(value, BaseException):
        from leakguard.redact.raised import speaking

        return speaking(value, ERROR.decode())
    return ERROR.decode()


# ---------------------------------------------------------------- spans
def merged(spans: Iterable[Span]) -> list[Span]:
    """Spans in order; those that overlap as one that the highest of them names."""
    out: list[Span] = []
    for span in sorted(spans):
        if span.end <= span.start:
            continue
        if out and span.start < out[-1].end:
            last = out[-1]
            best = max(last, span, key=_standing)
            end = max(last.end, span.end)
            wider = (best.start, best.end) != (last.start, end)
            out[-1] = best._replace(start=last.start, end=end, suffix=best.suffix or ("-" if wider else ""))
        else:
            out.append(span)
    return out


def _standing(span: Span) -> tuple[int, bool, int]:
    return span.rank, bool(span.suffix.strip("-")), span.end - span.start


def markers(data: bytes, low: int, high: int) -> list[tuple[int, int]]:
    """Where replacements stand already in data[low:high]."""
    if data.find(b"<redacted:", low, high) < 0:
        return []
    return [found.span() for found in MARKER.finditer(data, low, high) if plausible(found[1])]


def told(data: bytes, end: int) -> bool:
    """Whether a trigger ends in a replacement that is a whole value: `key:3f9a1c>` looks like an assignment, and so does
    what stands in quotes."""
    if data[end + 1 : end + 2] == b">":
        at = data.rfind(b"<redacted:", max(0, end - 118), end)
        found = MARKER.match(data, at) if at >= 0 else None
        return found is not None and found.end() == end + 2 and plausible(found[1])
    for at in (end - 5, end - 4):
        if data[at - 1 : at] == b">":
            found = _MARKER_END.search(data, max(0, at - 120), at)
            return found is not None and plausible(found[1])
        if data.startswith(b"<redacted:", at):
            found = MARKER.match(data, at)
            closed = found is not None and data[at - 1 : at] in _QUOTES and data[found.end() : found.end() + 1] in _QUOTES
            return closed and found is not None and plausible(found[1])
    return False


def told_all(data: bytes) -> bool:
    """Whether there are replacements, none of them is but a part of what is quoted, and there is no other `<` or `>`: nothing is
    assigned in such a text but what fires without them."""
    count = 0
    for found in MARKER.finditer(data):
        start, end = found.span()
        if not plausible(found[1]):
            return False
        if start and data[start - 1 : start] in _QUOTES and data[end : end + 1] != data[start - 1 : start]:
            return False
        count += 1
    return count > 0 and data.count(b"<") == count == data.count(b">")


_QUOTES = (b'"', b"'", b"`", b"\\")


def within(start: int, end: int, places: Places) -> bool:
    """Whether a span lies in one of some places, which are in order."""
    at = bisect_right(places, (start, 1 << 62)) - 1
    return at >= 0 and end <= places[at][1]


class Cover:
    """What is masked already: an end in it, or right after it, needs no judge."""

    __slots__ = ("_places",)

    def __init__(self, spans: Sequence[Span], more: Places) -> None:
        self._places = [(span.start, span.end) for span in merged(spans)] if spans else []
        if more:
            self._places = sorted((*self._places, *more))

    def has(self, end: int) -> bool:
        """Whether what ends at `end` lies in one of the places, or ends right behind it."""
        at = bisect_right(self._places, (end - 1, 1 << 62)) - 1
        return at >= 0 and end <= self._places[at][1] + 1
