"""Decoded views: text that hides in text, with a map back to where it stood.

base64 (both alphabets, wrapped lines, gzip or zlib inside), hex, percent, \\u and \\x and HTML escapes, JSON
escapes, UTF-16, string pieces joined over `+` and lines, folded lines. The first stage's own pass over the bytes
says where a run could be (`TRIGGERS`), so bytes without any cost nothing; the patterns ask for runs that decode to
ASCII text, which a random run of six base64 groups does once in 2^18.

Bounded: a view is at most MAX_VIEW bytes, nesting at most MAX_DEPTH deep, decompression at most MAX_VIEW; a run
that reaches the end of data that is not the end of its object is reported as cut, never dropped in silence.
Knows no rules and no files. Imported by engine.py only.
"""

from __future__ import annotations

import binascii
import re
import zlib
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

MAX_VIEW = 8 * 1024 * 1024
MAX_DEPTH = 4


def _base64_class(mask: int, value: int) -> str:
    """The base64 digits whose six bits have `mask & digit == value`, as a character class."""
    digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    kept = "".join(c for i, c in enumerate(digits) if i & mask == value)
    return "[" + kept.replace("+", "+\\-").replace("/", "/_") + "]"


# Each byte of ASCII text has its top bit clear; in a group of four base64 digits these are the top bit of the
# first, the 8-bit of the second and the 2-bit of the third digit.
_TEXT_GROUP = _base64_class(32, 0) + _base64_class(8, 0) + _base64_class(2, 0) + r"[A-Za-z0-9+/_\-]"
_EDGE = r"(?:^|[^A-Za-z0-9+/_\-]|\\[nrt])"
_PIECE = r"[A-Za-z0-9_+/=.\-]"

# (kind, first-stage pattern in hyperscan syntax). Each ends inside the run that its decoder then measures.
# Two groups, for two databases: these share the rules' database, whose literal matcher finds them for little ...
TRIGGERS: tuple[tuple[str, str], ...] = (
    ("percent", r"(?:%[2-7][0-9A-Fa-f]){4}"),
    ("percent", r"%(?:3[AaDd]|22|27|7[Bb])[A-Za-z0-9%._\-]{12}"),
    ("escape", r"(?:\\u00[2-7][0-9A-Fa-f]){4}"),
    ("escape", r"(?:\\x[2-7][0-9A-Fa-f]){4}"),
    ("escape", r"(?:&#x?[0-9A-Fa-f]{2,4};){4}"),
    ("escape", r"[A-Za-z0-9]\\(?:/|u00(?:2[bBfF]|3[dD]))[A-Za-z0-9+/=]"),
    ("join", _PIECE + r"[\"'][ \t]{0,4}[+.&]?[ \t]{0,4}\\?\r?\n[ \t]{0,60}[+.&]?[ \t]{0,4}[\"']" + _PIECE),
    ("join", _PIECE + r"[\"'][ \t]{0,4}[+.&][ \t]{0,4}[\"']" + _PIECE),
    ("fold", r"[A-Za-z0-9_+/\-]{4}(?:=|\\)\r?\n[ \t]{0,20}[A-Za-z0-9_+/\-]{4}"),
)  # fmt: skip
# ... and these are automata without a literal: beside the rules they slow both (560 and 900 MB/s apart, 210
# together), so they have a pass of their own. Six hex pairs keep that automaton at 16 states, which is quick.
TEXT_TRIGGERS: tuple[tuple[str, str], ...] = (
    ("base64", f"{_EDGE}(?:{_TEXT_GROUP}){{5}}"),
    ("base64", _EDGE + r"(?:H4sI[A-Za-z0-9+/_\-]{16}|eJ[wxyz][A-Za-z0-9+/_\-]{17})"),
    ("hex", r"(?:^|[^0-9A-Fa-f])(?:[2-7][0-9A-Fa-f]){6}"),
)


class View(NamedTuple):
    """Decoded bytes and their map back: breakpoints (view offset, raw offset, raw step, view step).

    Offset o after breakpoint (v, r, n, d) came from raw offset r + (o - v) * n // d. The secret-holding `data`
    lives as long as the scan of its document; repr shows lengths only.
    """

    kind: str
    data: bytes
    breaks: list[tuple[int, int, int, int]]
    start: int
    end: int
    """The raw run."""

    def __repr__(self) -> str:
        return f"View({self.kind}, {len(self.data)} bytes of {self.start}..{self.end})"

    def raw(self, start: int, end: int) -> tuple[int, int]:
        """The raw span of view bytes [start, end)."""
        if not self.breaks:
            return self.start, self.end
        return self._at(start), min(self._at(end - 1, last=True), self.end)

    def _at(self, offset: int, last: bool = False) -> int:
        view, raw, num, den = self.breaks[bisect_right(self.breaks, (offset, 1 << 62, 0, 0)) - 1]
        if last:
            return raw + -(-(offset + 1 - view) * num // den)
        return raw + (offset - view) * num // den


class Runs(NamedTuple):
    """The views of one buffer, and the lowest offset of a run that the buffer's end cut (-1: none)."""

    views: list[View]
    cut: int


_Finder = Callable[[bytes, int], "tuple[int, int, View | None]"]


def views(data: bytes, hits: Iterable[tuple[str, int]], final: bool) -> Runs:
    """The views behind first-stage hits (kind, end offset). A run is decoded once, whatever hit it."""
    out: list[View] = []
    cut = -1
    done: dict[str, int] = {}
    for kind, end in sorted(hits, key=_by_offset):
        if end <= done.get(kind, 0):
            continue
        start, stop, view = _FINDERS[kind](data, end)
        done[kind] = stop
        if stop >= len(data) and not final and kind != "fold" and (cut < 0 or start < cut):
            cut = start
        if view is not None and view.data:
            out.append(view)
    return Runs(out, cut)


def _by_offset(hit: tuple[str, int]) -> int:
    return hit[1]


# ---------------------------------------------------------------- base64
_B64_RUN = re.compile(rb"[A-Za-z0-9+/_-]+(?:(?:\\n|\\r|\r?\n[ \t]{0,60})[A-Za-z0-9+/_-]+)*")
_B64_LEFT = re.compile(rb"[^A-Za-z0-9+/_-]")
_URL_TO_STD = bytes.maketrans(b"-_", b"+/")
_BREAKS = re.compile(rb"\\[nr]|[\r\n \t]+")


def _base64(data: bytes, end: int) -> tuple[int, int, View | None]:
    start = end - 20  # both triggers are twenty digits from the run's edge on
    found = _B64_RUN.match(data, start, start + MAX_VIEW)
    if found is None:
        return start, end, None
    stop = found.end()
    run = found.group()
    pieces = _pieces(run, start)
    joined = b"".join(run[a - start : b - start] for a, b in pieces).translate(_URL_TO_STD)
    joined = joined[: len(joined) - (1 if len(joined) % 4 == 1 else 0)]
    try:
        decoded = binascii.a2b_base64(joined + b"=" * (-len(joined) % 4))
    except binascii.Error:
        return start, stop, None
    if decoded[:3] == b"\x1f\x8b\x08" or decoded[:1] == b"\x78":
        inflated = _inflate(decoded)
        if inflated is not None:
            return start, stop, View("base64>gzip", inflated, [], start, stop)
    breaks = []
    seen = 0
    for a, b in pieces:
        # three bytes a group of four digits: a piece's view offset is where its first digit's bits begin
        breaks.append((seen * 3 // 4, a, 4, 3))
        seen += b - a
    return start, stop, View("base64", decoded, breaks, start, stop)


def _pieces(run: bytes, start: int) -> list[tuple[int, int]]:
    """The parts of a wrapped run between its line breaks, as absolute spans."""
    out = []
    at = 0
    for gap in _BREAKS.finditer(run):
        if gap.start() > at:
            out.append((start + at, start + gap.start()))
        at = gap.end()
    if at < len(run):
        out.append((start + at, start + len(run)))
    return out


def _inflate(data: bytes) -> bytes | None:
    """gzip or zlib data, bounded; what came out before an error counts, too little of it does not."""
    engine = zlib.decompressobj(47)
    try:
        out = engine.decompress(data, MAX_VIEW)
    except zlib.error:
        return None
    return out if len(out) >= 16 else None


# ---------------------------------------------------------------- hex
_HEX_RUN = re.compile(rb"[0-9A-Fa-f]+")


def _hex(data: bytes, end: int) -> tuple[int, int, View | None]:
    start = end - 12
    found = _HEX_RUN.match(data, start, start + 2 * MAX_VIEW)
    if found is None:
        return start, end, None
    stop = found.end()
    if stop - start < 24:
        return start, stop, None
    decoded = binascii.a2b_hex(data[start : stop - (stop - start) % 2])
    if sum(map(_TEXT.__contains__, decoded[:256])) < 0.9 * len(decoded[:256]):
        return start, stop, None
    return start, stop, View("hex", decoded, [(0, start, 2, 1)], start, stop)


_TEXT = frozenset(range(0x20, 0x7F)) | {9, 10, 13}

# ---------------------------------------------------------------- escapes, percent
_PCT_RUN = re.compile(rb"[A-Za-z0-9%._~+&=/:?,;@!$'()*-]+")
_PCT = re.compile(rb"%([0-9A-Fa-f]{2})")
_ESC = re.compile(
    rb"\\u00([0-9A-Fa-f]{2})|\\x([0-9A-Fa-f]{2})|&#x([0-9A-Fa-f]{2,4});|&#([0-9]{2,4});|\\([/\"\\])", re.DOTALL
)
_SPACE_BEFORE = 200


def _percent(data: bytes, end: int) -> tuple[int, int, View | None]:
    return _substituted("percent", data, end, _PCT, _url_edges)


def _escape(data: bytes, end: int) -> tuple[int, int, View | None]:
    return _substituted("escape", data, end, _ESC, _line_edges)


def _url_edges(data: bytes, end: int) -> tuple[int, int]:
    low = max(0, end - 2048)
    left = max(data.rfind(edge, low, end) for edge in (b" ", b"\n", b'"', b"'", b"<", b"\t"))
    start = left + 1 if left >= 0 else low
    found = _PCT_RUN.match(data, end)
    return start, found.end() if found else end


def _line_edges(data: bytes, end: int) -> tuple[int, int]:
    """From somewhat before the first escape to the last one that follows without a line's end between."""
    start = max(data.rfind(b"\n", max(0, end - _SPACE_BEFORE), end) + 1, end - _SPACE_BEFORE, 0)
    stop = data.find(b"\n", end, end + 16_384)
    if stop < 0:
        stop = min(len(data), end + 16_384)
    return start, stop


def _substituted(
    kind: str, data: bytes, end: int, pattern: re.Pattern[bytes], edges: Callable[[bytes, int], tuple[int, int]]
) -> tuple[int, int, View | None]:
    """A view in which each match of `pattern` is replaced by the byte or character it stands for."""
    start, stop = edges(data, end)
    out: list[bytes] = []
    breaks = [(0, start, 1, 1)]
    at, size = start, 0
    for found in pattern.finditer(data, start, stop):
        text = _character(found)
        size += found.start() - at
        out += (data[at : found.start()], text)
        breaks.append((size, found.start(), found.end() - found.start(), len(text)))
        size += len(text)
        at = found.end()
        breaks.append((size, at, 1, 1))
    if len(breaks) == 1:
        return start, stop, None
    out.append(data[at:stop])
    return start, stop, View(kind, b"".join(out), breaks, start, stop)


def _character(found: re.Match[bytes]) -> bytes:
    groups = found.groups()
    if len(groups) == 1:
        return bytes((int(groups[0], 16),))
    u, x, html_hex, html_dec, plain = groups
    if plain is not None:
        return bytes(plain)
    if html_dec is not None:
        return chr(int(html_dec)).encode("utf-8", "replace")
    return chr(int(u or x or html_hex, 16)).encode("utf-8", "replace")


# ---------------------------------------------------------------- joined pieces, folded lines
_JOINT = re.compile(rb"[\"'][ \t]{0,8}(?:[+.&][ \t]{0,4})?(?:\\?\r?\n[ \t]{0,60})?(?:[+.&][ \t]{0,4})?[\"']")
_FOLD = re.compile(rb"(?:=|\\)?\r?\n[ \t]{0,20}")
_JOIN_REACH = 2048


def _join(data: bytes, end: int) -> tuple[int, int, View | None]:
    """The statement around `end` with the joints between its string pieces taken out."""
    start = max(0, end - 400)
    newline = data.find(b"\n", start, end)
    if 0 <= newline < end - 120:
        start = newline + 1
    stop = min(len(data), end + _JOIN_REACH)
    joints = [j.span() for j in _JOINT.finditer(data, start, stop) if j.end() - j.start() > 2]
    return _without("join", data, start, _last_in_chain(joints, end, stop), joints)


def _last_in_chain(joints: list[tuple[int, int]], end: int, stop: int) -> int:
    """Where the chain of pieces that `end` is in goes to: the last joint within reach of the one before."""
    last = end
    for a, b in joints:
        if a > last + 512:
            break
        last = max(last, b)
    return min(stop, last + 512)


def _fold(data: bytes, end: int) -> tuple[int, int, View | None]:
    """The folded lines around `end` as one; base64 runs wrap by themselves and are left to `base64`."""
    newline = data.rfind(b"\n", max(0, end - 40), end)
    if newline < 0:
        return end, end, None
    start = data.rfind(b"\n", max(0, newline - 400), newline) + 1 or max(0, newline - 400)
    if start < newline - 1000 or _B64_LEFT.search(data, start, newline) is None:
        return start, end, None
    line = newline - start
    gaps = [(newline - (1 if data[newline - 1 : newline] in (b"=", b"\\", b"\r") else 0), _after(data, newline))]
    at = newline + 1
    while len(gaps) < 64:
        after = data.find(b"\n", at, at + line + 2)
        if after < 0 or after - at < line - 2:
            break
        gaps.append((after - (1 if data[after - 1 : after] in (b"=", b"\\", b"\r") else 0), _after(data, after)))
        at = after + 1
    stop = data.find(b"\n", at, at + 400)
    return _without("fold", data, start, stop if stop >= 0 else min(len(data), at + 400), gaps)


def _after(data: bytes, newline: int) -> int:
    """Offset of the first byte of a continuation line that is no indentation."""
    at = newline + 1
    while data[at : at + 1] in (b" ", b"\t"):
        at += 1
    return at


def _without(
    kind: str, data: bytes, start: int, stop: int, gaps: list[tuple[int, int]]
) -> tuple[int, int, View | None]:
    """A view of data[start:stop] with the gaps taken out."""
    out = []
    breaks = []
    at, size = start, 0
    for a, b in gaps:
        if a < at or b > stop:
            continue
        breaks.append((size, at, 1, 1))
        out.append(data[at:a])
        size += a - at
        at = b
    if not out:
        return start, stop, None
    breaks.append((size, at, 1, 1))
    out.append(data[at:stop])
    return start, stop, View(kind, b"".join(out), breaks, start, stop)


_FINDERS: dict[str, _Finder] = {
    "base64": _base64,
    "hex": _hex,
    "percent": _percent,
    "escape": _escape,
    "join": _join,
    "fold": _fold,
}

FOLD_LIMIT = 1 << 20
_WIDTHS = (64, 72, 76, 80)
_FOLDED = frozenset((*_WIDTHS, *(width + 1 for width in _WIDTHS)))
_TOKEN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+/-")


def fold_hits(data: bytes) -> list[tuple[str, int]]:
    """Where a line of a usual fold width (64, 72, 76, 80) ends inside a token that the next line goes on with.

    Only worth it for objects of at most FOLD_LIMIT bytes: mails and pasted text are folded, logs are not.
    """
    lines = data.split(b"\n")
    if _FOLDED.isdisjoint(map(len, lines)):
        return []
    sizes = list(map(len, lines))
    out: list[tuple[str, int]] = []
    at = done = 0
    for number in [number for number, size in enumerate(sizes[:-1]) if size in _FOLDED]:
        line, after = lines[number].rstrip(b"\r"), lines[number + 1]
        if len(line) in _WIDTHS and line[-1] in _TOKEN and after[:1] and after[0] in _TOKEN:
            at += sum(sizes[done : number + 1]) + number + 1 - done
            done = number + 1
            out.append(("fold", at + 1))
    return out


# ---------------------------------------------------------------- UTF-16
_WIDE_LE = re.compile(rb"(?:[\x09\x0a\x0d\x20-\x7e]\x00){8,}")
_WIDE_BE = re.compile(rb"(?:\x00[\x09\x0a\x0d\x20-\x7e]){8,}")


def wide_views(data: bytes) -> Iterator[View]:
    """Runs of eight or more ASCII characters in UTF-16, either byte order, with or without a BOM.

    Only asked for when the bytes hold NULs. Non-ASCII characters end a run: no secret format has any but
    mnemonics, which are looked for in whole decoded text by the rule for them.
    """
    for kind, pattern, offset in (("utf-16le", _WIDE_LE, 0), ("utf-16be", _WIDE_BE, 1)):
        for found in pattern.finditer(data):
            start, stop = found.span()
            yield View(kind, data[start + offset : stop : 2], [(0, start, 2, 1)], start, stop)
