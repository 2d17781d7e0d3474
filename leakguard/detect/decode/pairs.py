"""Names and their values in forms that have no sign of an assignment between them: what PHP serializes (options of WordPress,
sessions, caches), exported registries of Windows, chats and pages where a line's break is a tag.

Each becomes a line `name="value"`, with the text around it, so that its venue and its other half are seen.
Knows no rules and no files. Imported by this package.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from leakguard.detect.decode.base import BEFORE, Found, Run, View
from leakguard.detect.patterns import compiled

AFTER = 8192
"""Bytes behind a sign that are gone through with it."""
_NAME_END = "(?i:key|secret|token|pass|password|passwd|passphrase|mnemonic|pwd)"


class _Piece(NamedTuple):
    """Raw bytes [low, high) and what is written for them; `at` is where the bytes of `text` from `own` on come from."""

    low: int
    high: int
    text: bytes
    breaks: tuple[tuple[int, int, int, int], ...] = ()


def _rewritten(kind: str, data: bytes, end: int, pieces: Callable[[bytes, int, int], Iterator[_Piece]]) -> Found:
    """The text around `end` with its pieces written as lines."""
    start, stop = max(0, end - BEFORE), min(len(data), end + AFTER)
    out: list[bytes] = []
    breaks: list[tuple[int, int, int, int]] = []
    at, size = start, 0
    for piece in pieces(data, start, stop):
        breaks.append((size, at, 1, 1))
        out += (data[at : piece.low], piece.text)
        size += piece.low - at
        breaks += [(size + own, raw, step, made) for own, raw, step, made in piece.breaks] or [(size, piece.low, 1, 1)]
        size += len(piece.text)
        at = piece.high
    if not out:
        return Run(end, end)
    stop = max(stop, at)
    breaks.append((size, at, 1, 1))
    out.append(data[at:stop])
    yield View(kind, b"".join(out), breaks, start, stop)
    # what begins at its end may go on behind it: it is seen again, with what is before it
    return Run(start, stop if stop == len(data) else max(end, stop - BEFORE))


_SERIAL = compiled(
    rb"(?:s:[0-9]{1,3}:(?P<escape>\\{0,3})\"(?P<name>[^\"\\;]{1,64})(?P=escape)\";|(?P<session>\w{1,64})\|)"
    rb"s:(?P<size>[1-9][0-9]{0,3}):(?P<open>\\{0,3})\"(?P<value>[^\n]{1,4096}?)(?P=open)\";"
)


def _serials(data: bytes, start: int, stop: int) -> Iterator[_Piece]:
    for pair in _SERIAL.finditer(data, start, stop):
        # escapes of a dump make a value longer than it was; a shorter one is none
        if len(pair["value"]) < int(pair["size"]) // 4:
            continue
        name = pair["name"] or pair["session"]
        text = b"\n" + name + b'="' + pair["value"] + b'"\n'
        own = len(name) + 3
        breaks = ((0, pair.start(), 1, 1), (own, pair.start("value"), 1, 1), (own + len(pair["value"]), pair.end("value"), 1, 1))
        yield _Piece(*pair.span(), text, breaks)


def _serialized(data: bytes, end: int) -> Found:
    return _rewritten("serialized", data, end, _serials)


_REGISTRY = compiled(rb"\"(?P<name>[^\"\r\n]{1,128})\"=hex\([12]\):(?P<digits>(?:[0-9a-fA-F]{2},?(?:\\\r?\n[ \t]{0,8})?){4,8192})")
_NO_DIGITS = bytes(byte for byte in range(256) if byte not in b"0123456789abcdefABCDEF")


def _values(data: bytes, start: int, stop: int) -> Iterator[_Piece]:
    for value in _REGISTRY.finditer(data, start, stop + 3 * AFTER):
        digits = value["digits"].translate(None, _NO_DIGITS)
        text = binascii.a2b_hex(digits[: len(digits) // 4 * 4]).decode("utf-16-le", "replace").rstrip("\0").encode()
        made = b'"' + value["name"] + b'"="' + text + b'"\n'
        own = len(value["name"]) + 4
        breaks = ((0, value.start(), 1, 1), *_lines(value, own), (own + len(text), value.end(), 1, 1))
        yield _Piece(*value.span(), made, tuple(breaks))


_LINE = compiled(rb"[0-9a-fA-F,]+")


def _lines(value: re.Match[bytes], own: int) -> Iterator[tuple[int, int, int, int]]:
    """Where the letters of a value come from: six signs each (`41,00,`), over lines."""
    before = 0
    for line in _LINE.finditer(value["digits"]):
        yield own + before // 2, value.start("digits") + line.start(), 6, 1
        before += len(line.group().translate(None, _NO_DIGITS)) // 2


def _registry(data: bytes, end: int) -> Found:
    return _rewritten("registry", data, end, _values)


_INLINE = "(?:code|pre|b|strong|i|em|tt|span|kbd)"
_TAG = compiled(rb"<br ?/?>\r?\n?|</?" + _INLINE.encode() + rb"(?: [^<>]{0,160})?>")


def _tags(data: bytes, start: int, stop: int) -> Iterator[_Piece]:
    for tag in _TAG.finditer(data, start, stop):
        yield _Piece(*tag.span(), b"\n" if tag.group().startswith(b"<br") else b"")


def _broken(data: bytes, end: int) -> Found:
    return _rewritten("page", data, end, _tags)


TRIGGERS: tuple[tuple[str, str], ...] = (
    ("serialized", _NAME_END + r"\\{0,3}\";s:[1-9][0-9]{0,3}:\\{0,3}\"[^\"]{4}"),
    ("serialized", _NAME_END + r"\|s:[1-9][0-9]{0,3}:\\{0,3}\"[^\"]{4}"),
    ("registry", r"\"=hex\([12]\):[2-7][0-9A-Fa-f],00,[2-7][0-9A-Fa-f],00"),
    ("page", r"[:\n >]<br ?/?>\s{0,4}<" + _INLINE + r">[!-~]{8}"),
    ("page", r":[ \t]?<br ?/?>\s{0,4}[A-Za-z0-9+/=_\-]{16}"),
)
FINDERS: dict[str, Callable[[bytes, int], Found]] = {
    "serialized": _serialized,
    "registry": _registry,
    "page": _broken,
}
