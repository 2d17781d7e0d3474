"""Base64 values put back where they stand: `BINANCE_API_SECRET: <base64>` is read as if it had never been encoded.

A decoded run alone has lost the name it was given to and everything around it, and the provider with them: a
Kubernetes Secret's values would all be "generic". Runs that are the whole value of an assignment and decode to text are
therefore replaced in the text around them, many of one place in one view, and only what is found in them counts
(`View.kept`). Short neighbours, which the first stage does not report, are decoded with them: a passphrase, the name of
the venue. Costs nothing where no run decodes to text.

Pure functions of bytes; knows no rules and no files. Imported by engine.py only.
"""

from __future__ import annotations

import binascii
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from leakguard.detect.decode import Runs, View
from leakguard.detect.patterns import compiled

AROUND = 1700
"""Bytes before and after a value that go with it: as far as context.py and scope.py look, and a little more."""

LONGEST = 4096
"""Decoded bytes of a value; longer ones are files, which bring their own names."""

_CHUNK = 64 * 1024
"""Bytes of text that make one view."""

# name: <run>, "name": "<run>", name = decode("<run>"), - NAME=<run>
_BEFORE = compiled(
    rb"[\w\-][\"'`\])\\]{0,3}[ \t]{0,8}(?:=>|:=|[:=])[ \t]{0,8}(?:[\w.:]{2,40}\([ \t]?)?(?P<quote>(?:b?[\"'`]|\\\")?)\Z"
)
_AFTER = compiled(rb"(?P<pad>={0,2})(?:[\"'`\\]|[ \t]{0,16}(?:[\r\n,;}\])#]|\Z))")
_SHORT = compiled(
    rb"(?:(?<=[:= \t\"'])[A-Za-z0-9+/]{8,}|(?i:(?<=exchange: )|(?<=venue: ))[A-Za-z0-9+/]{4})={0,2}(?=[\"'\s,}\]]|\Z)"
)
_TEXT = bytes(range(0x20, 0x7F)) + b"\t\n\r"


class _Value(NamedTuple):
    """An encoded value: the digits, what is replaced (padding, maybe quotes), and the text they stand for."""

    start: int
    end: int
    low: int
    high: int
    text: bytes


def put_back(runs: Runs) -> Iterator[View]:
    """The views of `runs`, then views of the buffer's own text with encoded values decoded in their places."""
    data = runs.data
    values: list[_Value] = []
    for view in runs:
        yield view
        if view.kind == "base64" and len(view.breaks) == 1 and len(view.data) <= LONGEST:
            value = _value(data, view.start, view.end)
            if value is not None:
                values.append(value)
    for group in _groups(values):
        yield _view(data, group)


def _value(data: bytes, start: int, end: int) -> _Value | None:
    """The value whose digits are data[start:end], if an assignment gives it as a whole and it stands for text."""
    before = _BEFORE.search(data, max(0, start - 60), start)
    after = _AFTER.match(data, end)
    if before is None or after is None:
        return None
    digits = data[start:end]
    if len(digits) % 4 == 1:
        return None
    text = binascii.a2b_base64(digits.replace(b"-", b"+").replace(b"_", b"/") + b"=" * (-len(digits) % 4))
    text = text.rstrip(b"\r\n")
    if len(text) < 3 or text.translate(None, _TEXT):
        return None
    low, high = start, after.end("pad")
    if before["quote"] and re.search(rb"[\"'\n\\]", text):  # a file of its own, and no string
        low, high = start - len(before["quote"]), min(len(data), high + len(before["quote"].lstrip(b"b")))
    return _Value(start, end, low, high, text)


def _groups(values: Iterable[_Value]) -> Iterator[list[_Value]]:
    """Values that are near each other, to be read together."""
    group: list[_Value] = []
    for value in sorted(values):
        if group and (value.start - group[-1].end > AROUND or value.end - group[0].start > _CHUNK):
            yield group
            group = []
        group.append(value)
    if group:
        yield group


def _view(data: bytes, group: list[_Value]) -> View:
    """The text around a group with all values in it decoded."""
    start = max(0, group[0].start - AROUND)
    stop = min(len(data), group[-1].end + AROUND)
    newline = data.find(b"\n", start, group[0].start)
    start = newline + 1 if start and newline >= 0 else start
    out: list[bytes] = []
    breaks = [(0, start, 1, 1)]
    kept = []
    at, size = start, 0
    for value in _with_neighbours(data, group, start, stop):
        out += (data[at : value.low], value.text)
        size += value.low - at
        breaks.append((size, value.start, 4, 3))
        if group[0].start - AROUND <= value.start and value.end <= group[-1].end + AROUND:
            kept.append((size, size + len(value.text)))
        size += len(value.text)
        at = value.high
        breaks.append((size, at, 1, 1))
    out.append(data[at:stop])
    return View("base64", b"".join(out), breaks, start, stop, False, tuple(kept))


def _with_neighbours(data: bytes, group: list[_Value], start: int, stop: int) -> list[_Value]:
    """The group's values and the other encoded values around them, in order, none within another."""
    found = {value.start: value for value in group}
    for run in _SHORT.finditer(data, start, stop):
        digits = run.group().rstrip(b"=")
        if run.start() in found or len(run.group()) % 4 or len(digits) > 2 * LONGEST:
            continue
        value = _value(data, run.start(), run.start() + len(digits))
        if value is not None and value.low >= start and value.high <= stop:
            found[value.start] = value
    out: list[_Value] = []
    for value in sorted(found.values()):
        if not out or value.low >= out[-1].high:
            out.append(value)
    return out


def within(kept: tuple[tuple[int, int], ...], start: int, end: int) -> bool:
    """Whether [start, end) of a view lies in one of the values it was made for."""
    at = bisect_left(kept, (start + 1, 0)) - 1
    return at >= 0 and end <= kept[at][1]
