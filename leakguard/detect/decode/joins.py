"""Strings in pieces and folded lines, put together.

Knows no rules and no files. Imported by this package.
"""

from __future__ import annotations

from collections.abc import Callable

from leakguard.detect.decode.base import Found, Run, View
from leakguard.detect.patterns import compiled

_PIECE = r"[A-Za-z0-9_+/=.\-]"
_PLUS = r"[ \t]{0,4}[+.&|]{0,2}[ \t]{0,4}"
_NOT_DIGIT = compiled(rb"[^A-Za-z0-9+/_-]")
_NEXT_NAME = compiled(rb"[A-Za-z_][\w.\-]{0,60}(?:=(?![=\r\n]|\Z)|: )")
"""A line that gives something a value of its own, whose name the line before it did not break off in."""
# Either two quotes with nothing but a prefix between them, of which the first one closes a piece (in a list of one-letter
# strings it opens one); or what else may stand between pieces: a blank, an operator, a line's end. What is behind most quotes can
# be neither, which the look ahead tells sooner.
_JOINT = compiled(
    rb"[\"'`](?=[\"'`bfruBFRU \t\r+.&|\\_]|\n[ \t]{0,60}+[\"'`bfruBFRU+.&|])(?:(?<![,(\[{].)[bfruBFRU]{0,2}+[\"'`]"
    rb"|(?=[ \t\r\n+.&|\\_])[ \t]{0,8}+(?:[+.&|]{1,2}+[ \t]{0,4}+)?"
    rb"(?:[\\_]?\r?\n[ \t]{0,60}+)?(?:[+.&|]{1,2}+[ \t]{0,4}+)?[bfruBFRU]{0,2}+[\"'`])"
)
_NEXT_FIELD = compiled(rb"[A-Za-z_][\w.\-]{0,60}[\"'`][ \t]{0,8}(?:=(?!=)|:)")
"""The next field's name in a list that has no commas, as PowerShell's hash tables: no piece of the value on the line before."""
JOIN_REACH = 8192
_LONGEST_JOINT = 128


def _join(data: bytes, end: int) -> Found:
    """The statement around `end` with the joints between its string pieces taken out."""
    start, stop, joints = joined(data, end)
    view = _without("join", data, start, stop, joints)
    if view is not None:
        yield view
    return Run(start, stop)


def joined(data: bytes, end: int) -> tuple[int, int, list[tuple[int, int]]]:
    """The statement around `end`: where it begins and stops, and the joints between its string pieces."""
    start = max(0, end - 400)
    newline = data.find(b"\n", start, end)
    if 0 <= newline < end - 120:
        start = newline + 1
    stop = min(len(data), end + JOIN_REACH)
    joints, stop = _chain(data, start, end, stop)
    return start, stop, joints


def _chain(data: bytes, start: int, end: int, stop: int) -> tuple[list[tuple[int, int]], int]:
    """The joints of the chain of pieces that `end` is in, and where it goes to: each within reach of the one before."""
    joints = []
    last = end
    at = start
    # no farther than one that counts can lie: the next one that does not may be far away
    while found := _JOINT.search(data, at, min(stop, last + 512 + _LONGEST_JOINT)):
        low, at = found.span()
        if at - low > 2:
            if low > last + 512:
                break
            if b"\n" in found[0] and _NEXT_FIELD.match(data, at):
                continue
            joints.append((low, at))
            last = max(last, at)
    return joints, min(stop, last + 512)


def _fold(data: bytes, end: int) -> Found:
    """The folded lines around `end` as one; base64 runs wrap by themselves and are left to `base64`."""
    start, stop, gaps = folded(data, end)
    view = _without("fold", data, _with_label(data, start), stop, gaps) if gaps else None
    if view is not None:
        yield view
    return Run(start, stop)


_ABOVE = 400
"""Bytes before folded lines that go with them where a label stands above them: what it is a label of."""
_LABEL = compiled(
    rb"(?i)(?:\A|\n)[ \t>|*#\-]{0,8}[\w .\-]{0,24}(?:key|secret|phrase|token|password)\*{0,2}:?\*{0,2}[ \t]{0,4}\r?\n\Z"
)


def _labelled(data: bytes, start: int) -> bool:
    """Whether the line above the one at `start` says what that is, and nothing else: `API key:`."""
    return _LABEL.search(data, max(0, start - 48), start) is not None


def _with_label(data: bytes, start: int) -> int:
    """Where what stands above folded lines begins, if that is a label and what it belongs to."""
    if not _labelled(data, start):
        return start
    low = max(0, start - _ABOVE)
    return data.find(b"\n", low, start) + 1 if low else 0


def folded(data: bytes, end: int) -> tuple[int, int, list[tuple[int, int]]]:
    """The folded lines around `end`: where the first begins and the last stops, and what is between them; nothing is if they are
    none."""
    newline = data.rfind(b"\n", max(0, end - 40), end)
    if newline < 0:
        return end, end, []
    start = data.rfind(b"\n", max(0, newline - 400), newline) + 1 or max(0, newline - 400)
    if _NOT_DIGIT.search(data, start, newline) is None and not _labelled(data, start):
        return start, end, []
    if _NEXT_NAME.match(data, newline + 1) and data[newline - 1 : newline] != b"\\":
        return start, end, []
    alike = _BEGINS.match(data, start)
    if alike is not None and data.startswith(alike[0], newline + 1):
        return start, end, []  # a list of commands
    line = newline - start
    gaps = [_gap(data, newline)]
    at = newline + 1
    while len(gaps) < 64:
        after = data.find(b"\n", at, at + line + 2)
        if after < 0 or after - at < line - 2:
            break
        gaps.append(_gap(data, after))
        at = after + 1
    stop = data.find(b"\n", at, at + 400)
    return start, stop if stop >= 0 else min(len(data), at + 400), gaps


_BEGINS = compiled(rb"[ \t]*[A-Za-z][\w.\-]{1,30}[ \t]+[\w.\-]{1,30}")
"""What a line begins with: two lines that begin with the same two words are two, however wide the first is."""


def _gap(data: bytes, newline: int) -> tuple[int, int]:
    """A line's end with the backslash before and the indentation after it."""
    low, high = newline, newline + 1
    if data[low - 1 : low] == b"\r":
        low -= 1
    if data[low - 1 : low] == b"\\":
        low -= 1
    while data[high : high + 1] in (b" ", b"\t"):
        high += 1
    return low, high


def _without(kind: str, data: bytes, start: int, stop: int, gaps: list[tuple[int, int]]) -> View | None:
    """A view of data[start:stop] with the gaps taken out."""
    out = []
    breaks: list[tuple[int, int, int, int]] = []
    at, size = start, 0
    for low, high in gaps:
        if low < at or high > stop:
            continue
        breaks.append((size, at, 1, 1))
        out.append(data[at:low])
        size += low - at
        at = high
    if not out:
        return None
    breaks.append((size, at, 1, 1))
    out.append(data[at:stop])
    return View(kind, b"".join(out), breaks, start, stop)


TRIGGERS: tuple[tuple[str, str], ...] = (
    ("join", _PIECE + r"[\"'`]" + _PLUS + r"[\\_]?\r?\n[ \t]{0,56}" + _PLUS + r"[bfruBFRU]{0,2}[\"'`]" + _PIECE),
    ("join", _PIECE + r"[\"'`][ \t]{0,4}[+.&|]{1,2}[ \t]{0,4}[\"'`]" + _PIECE),
    ("fold", r"[A-Za-z0-9_+/\-]{4}\\\r?\n[ \t]{0,20}[A-Za-z0-9_+/\-]{4}"),
)  # fmt: skip
FINDERS: dict[str, Callable[[bytes, int], Found]] = {
    "join": _join,
    "fold": _fold,
}
