"""Escaped text: percent, quoted-printable, \\u and \\x and HTML escapes, JSON in JSON.

A view has what names the value before it. Knows no rules and no files. Imported by this package.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator

from leakguard.detect.decode.base import BEFORE, CHUNK, Found, Run, View
from leakguard.detect.patterns import compiled

_QUOT = r"&(?:quot|apos|#34|#39|#x22|#x27);"
_PCT_RUN = compiled(rb"[A-Za-z0-9%._~+&=/:?,;@!$'()*-]+")
_PCT = compiled(rb"%([0-9A-Fa-f]{2})")
_QP = compiled(rb"=(?:([0-9A-F]{2})|\r?\n)")
_QP_GOES_ON = compiled(rb"=(?:3D|\r?\n)")
"""What a quoted-printable text is known by: `=` and two hex digits are in every log that has assignments."""
_QP_LINE = 76
"""Characters of its longest line; one is only cut where it would be longer."""
_QP_BARE = compiled(rb"=(?![0-9A-Fa-f]{2})")
_QP_KNOWN = compiled(rb"(?i:quoted-printable)|=(?:3D|20|C[23]|E[0-9A-F])")
_ESC = compiled(
    rb"\\u([0-9A-Fa-f]{4})|\\x([0-9A-Fa-f]{2})|&#x([0-9A-Fa-f]{1,4});|&#([0-9]{1,4});|&(quot|amp|lt|gt|apos);"
    rb"|\\([/\"\\])", re.DOTALL,
)  # fmt: skip
_RARER = compiled(
    rb"\\{1,2}(?:[ux]\{0{0,4}(?P<braced>[0-9A-Fa-f]{1,4})\}|U0000(?P<eight>[0-9A-Fa-f]{4})|x(?P<twice>[0-9A-Fa-f]{2})"
    rb"|(?P<octal>[0-3][0-7]{2}|[0-7]{2}))|&(?:amp;)?#(?:[xX]0{0,5}(?P<html>[0-9A-Fa-f]{1,4})|0{0,5}(?P<decimal>[0-9]{1,4}));?"
)
_BASES = {"octal": 8, "decimal": 10}
_LINE_GOES_ON = compiled(rb"\r?\n[ \t]{0,60}[+.&]?[ \t]?[bL]?[\"'`]?\\[xuU0-7]")
"""A line's end, and one that goes on in escapes: strings of bytes are written on several."""
_NAMED = {b"quot": b'"', b"amp": b"&", b"lt": b"<", b"gt": b">", b"apos": b"'"}
_SHARED = 24 * 1024
"""How much of a view (CHUNK) is in the next one, too: a private key of which every byte is six."""
_FARTHEST = 128 * 1024
SAID = 5000
"""The same before a label in a language: in a chat the messages before it, each of which is an object with a dozen fields."""


def _percent(data: bytes, end: int) -> Found:
    low = max(0, end - BEFORE)
    left = max(data.rfind(edge, low, end) for edge in (b" ", b"\n", b'"', b"'", b"<", b"\t"))
    start = left + 1 if left >= 0 else low
    found = _PCT_RUN.match(data, end, end + _FARTHEST)
    stop = yield from _chunks("percent", data, _PCT, start, found.end() if found else end)
    return Run(start, stop)


def _escape(data: bytes, end: int, pattern: re.Pattern[bytes] = _ESC) -> Found:
    low = max(0, end - BEFORE)
    start = data.rfind(b"\n", low, end) + 1 or low
    stop = yield from _chunks("escape", data, pattern, start, escaped_stop(data, end))
    return Run(start, stop)


def _rarer(data: bytes, end: int) -> Found:
    """Octal, braces, eight digits, a backslash too many: what hardly any text has, and would cost every text that has escapes."""
    return (yield from _escape(data, end, _RARER))


def _said(data: bytes, end: int) -> Found:
    """The same with what was said before it: whose key it is."""
    low = max(0, end - SAID)
    start = data.find(b"\n", low, end) + 1 or low
    stop = yield from _chunks("escape", data, _ESC, start, escaped_stop(data, end))
    return Run(start, stop)


def escaped_stop(data: bytes, end: int) -> int:
    """Where escapes that are gone through from `end` on stop: at the first line's end behind which no line goes on with them."""
    most = min(len(data), end + _FARTHEST)
    stop = data.find(b"\n", end, most)
    while stop >= 0 and _LINE_GOES_ON.match(data, stop - (data[stop - 1 : stop] == b"\r")):
        stop = data.find(b"\n", stop + 1, most)
    return stop if stop >= 0 else most


def _quoted(data: bytes, end: int) -> Found:
    low = max(0, end - BEFORE)
    # a whole line, if one begins there: of a longer one, what was gone through before is not gone through again
    start = low and max(low, data.find(b"\n", low, end) + 1)
    stop = yield from _chunks("quoted-printable", data, _QP, start, min(len(data), end + _FARTHEST), _QP_GOES_ON)
    return Run(start, stop)


def _chunks(
    kind: str, data: bytes, pattern: re.Pattern[bytes], start: int, limit: int, goes_on: re.Pattern[bytes] | None = None
) -> Generator[View, None, int]:
    """Views of data[start:limit] for as long as escapes (those of `goes_on`) keep coming; returns how far that was."""
    while True:
        stop = min(limit, start + CHUNK)
        view = _substituted(kind, data, pattern, start, stop)
        if view is not None:
            yield view
        if stop == limit or (goes_on or pattern).search(data, stop - _SHARED, stop) is None:
            return stop
        start = stop - _SHARED


def _substituted(kind: str, data: bytes, pattern: re.Pattern[bytes], start: int, stop: int) -> View | None:
    """A view in which each match of `pattern` is replaced by the byte or character it stands for."""
    out: list[bytes] = []
    breaks = [(0, start, 1, 1)]
    at, size = start, 0
    for found in pattern.finditer(data, start, stop):
        text = _character(found)
        if not (text or _folds(data, found.start())):
            continue
        size += found.start() - at
        out += (data[at : found.start()], text)
        if text:
            breaks.append((size, found.start(), found.end() - found.start(), len(text)))
            size += len(text)
        at = found.end()
        breaks.append((size, at, 1, 1))
    if not out:
        return None
    out.append(data[at:stop])
    return View(kind, b"".join(out), breaks, start, stop)


def _folds(data: bytes, at: int) -> bool:
    """Whether the `=` at a line's end says that the line goes on: base64 ends so, too. What is quoted-printable writes `=` as
    =3D; else it has no bare one and no long lines, and is cut at its longest one or known by other signs around."""
    if data.rfind(b"=3D", max(data.rfind(b"\n", max(0, at - BEFORE), at), 0), at) >= 0:
        return True
    low = data.rfind(b"\n", max(0, at - _QP_LINE - 1), at) + 1
    if at - low >= _QP_LINE or _QP_BARE.search(data, low, at):
        return False
    return at - low >= _QP_LINE - 4 or _QP_KNOWN.search(data, max(0, at - BEFORE), at + BEFORE) is not None


def _character(found: re.Match[bytes]) -> bytes:
    if found.lastgroup:
        code = int(found[found.lastgroup], _BASES.get(found.lastgroup, 16))
        # what was a byte is one again, so that those of a character come together
        return bytes((code,)) if code < 256 and found.lastgroup in ("octal", "twice") else chr(code).encode("utf-8", "replace")
    groups = found.groups()
    if len(groups) == 1:
        return bytes((int(groups[0], 16),)) if groups[0] else b""
    u, x, html_hex, html_dec, named, plain = groups
    if plain is not None:
        return bytes(plain)
    if named is not None:
        return _NAMED[named]
    if html_dec is not None:
        return chr(int(html_dec)).encode("utf-8", "replace")
    return chr(int(u or x or html_hex, 16)).encode("utf-8", "replace")


TRIGGERS: tuple[tuple[str, str], ...] = (
    ("percent", r"(?:%[2-7][0-9A-Fa-f]){4}"),
    ("percent", r"%(?:25)?(?:3[AaDd]|22|27|7[Bb])[A-Za-z0-9%._\-]{12}"),
    ("percent", r"[A-Za-z0-9]{8}%(?:2[BbFf][A-Za-z0-9]{8}|3[Dd])"),
    ("percent", r"-----BEGIN(?:%20|\+)[A-Z]"),
    # one letter of a token, written so by who escapes more than is needed
    ("percent", r"%(?:5[Ff]|2[DdEe])[A-Za-z0-9_\-]{10}"),
    ("escape", r"[A-Za-z0-9_\-]{4}\\(?:x|u00)[2-7][0-9A-Fa-f][A-Za-z0-9_\-]{10}"),
    ("escape", r"&#x?[0-9A-Fa-f]{2,3};[A-Za-z0-9_\-]{10}"),
    ("escape", r"(?:\\u00[2-7][0-9A-Fa-f]){4}"),
    # a label in a language that JSON writes as escapes, and the value behind it
    ("said", r"\\u[0-9A-Fa-f]{4}[a-z]{0,8}(?:(?: API)?[ :=]{1,3}|\\n)[A-Za-z0-9+/=_\-]{16}"),
    ("said", r"\\u(?:ff1a|FF1A|300c|300C|2014|662f|662F|306f|306F|4e3a|4E3A)[ ]{0,2}[A-Za-z0-9+/=_\-]{16}"),
    # a phrase in a language that JSON writes as escapes: eleven words and what parts them
    ("escape", r"(?:(?:\\u[0-9A-Fa-f]{4})+(?:\\u3000|\",\s*\"| )){11}\\u"),
    ("escape", r"(?:\\x[2-7][0-9A-Fa-f]){4}"),
    # JSON in JSON as .NET writes it, a request's body in nginx' log
    ("escape", r"[:=,]\\{1,2}(?:u00|x)2[27][A-Za-z0-9+/=_\-]{12}"),
    ("escape", r"(?:&#x?[0-9A-Fa-f]{2,4};){4}"),
    ("rarer", r"(?:&(?:amp;)?#[xX]?0{0,5}[0-9A-Fa-f]{2,3};?){4}"),
    ("rarer", r"(?:\\u\{0{0,4}[2-7][0-9A-Fa-f]\}){4}"),
    ("rarer", r"(?:\\x\{[2-7][0-9A-Fa-f]\}){4}"),
    ("rarer", r"(?:\\U000000[2-7][0-9A-Fa-f]){4}"),
    ("rarer", r"(?:\\\\x[2-7][0-9A-Fa-f]){4}"),
    ("rarer", r"(?:\\1[0-7]{2}){4}"),
    ("escape", r"[:=][ \t]{0,2}" + _QUOT),
    ("escape", r"\\\\\\\"[ \t]{0,2}[:=,]"),
    ("escape", r"[A-Za-z0-9]\\(?:/|u00(?:2[bBfF]|3[dD]))[A-Za-z0-9+/=]"),
    ("quoted", r"[A-Za-z0-9_\"']=3D[A-Za-z0-9+/_\-\"']{4}"),
    ("quoted", r"[A-Za-z0-9_+/\-]{4}=\r?\n[A-Za-z0-9_+/\-]{4}"),
)  # fmt: skip
FINDERS: dict[str, Callable[[bytes, int], Found]] = {
    "percent": _percent,
    "quoted": _quoted,
    "escape": _escape,
    "said": _said,
    "rarer": _rarer,
}
