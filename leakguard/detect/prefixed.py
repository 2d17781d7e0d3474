"""Values that stand behind their length: MessagePack, CBOR, protobuf, Java's and Erlang's strings, plans of Terraform, GGUF.

`api_secret` `\\xd9\\x40` and 64 letters say what `api_secret = "..."` does, but no sign that assignments have stands between.
What stands there has to be the length of what follows, and before the name its own, so that hardly anything else is taken for one.

Promises: a pure function of bytes; the text around goes with a value, so that its venue and its other half are seen.
Knows no rules and no files. Imported by decode/ when one of its triggers fired.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from leakguard.detect.patterns import compiled

BEFORE = 2048
AFTER = 8192
SHORTEST, LONGEST = 8, 4096

# what a name ends with, and what may be a length: of one byte or more, behind a sign or not; in a class of Java the constant's
# own signs stand before it, and in what R saves those of a vector of one string
_PAIR = compiled(
    rb"(?P<word>(?i:key|secret|token|password|passwd|passphrase|mnemonic))"
    rb"(?:\xd9(?P<one>[\x08-\xff])|\xda(?P<two>..)|(?P<fix>[\xa8-\xbf])|x(?P<cbor>[\x18-\xff])"
    rb"|[\x12\x1a](?P<varint>[\x08-\x7f]|[\x80-\xff][\x01-\x1f])"
    rb"|(?:[A-Za-z]?|(?:\x01\0\x12Ljava/lang/String;)?(?:\x01\0\x0dConstantValue)?\x08..\x01"
    rb"|\0\0[\0-\x03]\x10\0\0\0\x01\0[\0-\x0f]\0\x09)"
    rb"(?P<big>\0{1,3}[\x08-\xff])|(?:[\x01-\x1f]\0{3})?(?P<little>[\x08-\xff]\0{3,7}))(?=[!-~]{8})",
    re.DOTALL,
)
_NAME = compiled(rb"[A-Za-z0-9_.\-]{0,64}\Z")
_LONGEST_NAME = 64
_PLAIN = bytes(range(0x20, 0x7F)) + b"\t\n\r"


class Found(NamedTuple):
    """The text of a view, where its pieces come from as breakpoints of one, and the bytes it is made of."""

    text: bytes
    breaks: list[tuple[int, int, int, int]]
    start: int
    stop: int


def prefixed(data: bytes, end: int) -> Found | None:
    """The bytes around `end` with each such value given to its name, on a line of its own; None if there is none."""
    first = end - SHORTEST  # where the value begins: triggers end so far into it
    if data[first - 2 : first - 1] == b"\0" and data[first - 1] > 32:
        # tables of messages have a letter there, of the next one: most are shorter than that says
        told = data[first - 1]
        if first + told > len(data) or data[first : first + told].translate(None, _PLAIN):
            return None
    start, stop = max(0, end - BEFORE), min(len(data), end + AFTER)
    out: list[bytes] = []
    breaks = [(0, start, 1, 1)]
    at, size = start, 0
    for pair in _PAIR.finditer(data, start, stop):
        low = pair.end()
        count = _length(pair)
        value = data[low : low + count]
        if pair.start() < at or not SHORTEST <= count <= LONGEST or len(value) < count or value.translate(None, _PLAIN):
            continue
        named = _named_at(data, at, pair)
        if named < 0 or _is_table(data[low + count : low + count + 2], count):
            continue
        before, name = data[at:named], data[named : pair.end("word")]
        out += (before, b"\n", name, b'="', value, b'"\n')
        breaks.append((size + len(before) + 1, named, 1, 1))
        size += len(before) + 1 + len(name) + 2
        breaks.append((size, low, 1, 1))
        size += count + 2
        at = low + count
        breaks.append((size, at, 1, 1))
    if not out:
        return None
    stop = max(stop, at)
    out.append(data[at:stop])
    return Found(b"".join(out), breaks, start, stop)


def _length(pair: re.Match[bytes]) -> int:
    """What stands between name and value, as a number of bytes."""
    kind = pair.lastgroup or ""
    digits = pair[kind]
    if kind == "fix":
        return digits[0] & 0x1F
    if kind == "varint":
        return digits[0] if len(digits) == 1 else digits[0] & 0x7F | digits[1] << 7
    return int.from_bytes(digits, "little" if kind == "little" else "big")


def _named_at(data: bytes, low: int, pair: re.Match[bytes]) -> int:
    """Where the name begins whose end is that of `pair`: behind its own length, written as its value's is, or tables of symbols would
    be full of values. -1 if there is none."""
    end = pair.end("word")
    found = _NAME.search(data, max(low, pair.start() - _LONGEST_NAME), pair.start())
    begin = found.start() if found else pair.start()
    return next((at for at in range(begin, pair.start() + 1) if _is_length(data[max(0, at - 8) : at], end - at, pair.lastgroup)), -1)


def _is_table(after: bytes, count: int) -> bool:
    """Is what follows a value of `count` bytes one as long, or one longer? So are the names of a Go program's table, in their order:
    a mark, a length and a name each."""
    return len(after) == 2 and after[0] < 16 and after[1] in (count, count + 1)


def _is_length(before: bytes, size: int, kind: str | None) -> bool:
    """Is what stands before a name its length, in the format whose value has one of such a kind?"""
    if not before or size > _LONGEST_NAME:
        return False
    sign, last = before[-2:-1], before[-1]
    if kind == "little":
        return before[-4:] == size.to_bytes(4, "little") or before == size.to_bytes(8, "little")
    if kind == "big":
        return sign == b"\0" and last == size
    if kind == "varint":
        return sign in (b"\n", b"\x12", b"\x1a") and last == size
    if kind == "cbor":
        return last == 0x60 + size if size < 24 else sign == b"x" and last == size
    return last == 0xA0 | size if size < 32 else sign == b"\xd9" and last == size
