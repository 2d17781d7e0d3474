"""Snappy and LZF, the two small compressions that databases use for values and blocks.

Promises: pure functions; nothing is made beyond the length that was told beforehand, which the caller limits; anything
that does not come out as told is a DamagedError. `cramjam`, where it is installed, does the same for Snappy faster.

Sources: https://github.com/google/snappy/blob/main/format_description.txt; LZF: http://oldhome.schmorp.de/marc/liblzf.html.
Imported by the readers of databases.
"""

from __future__ import annotations


class DamagedError(Exception):
    """It is no such compressed data, or more than was allowed."""


def unsnapped(data: bytes, most: int) -> bytes:
    """A raw Snappy block, decompressed: at most `most` bytes."""
    length, at = _length(data)
    if length > most:
        raise DamagedError("too long")
    try:
        import cramjam
    except ImportError:
        return _unsnapped(data, at, length)
    try:
        out = bytes(cramjam.snappy.decompress_raw(data))
    except Exception:  # noqa: BLE001 - whatever a package calls its error
        raise DamagedError("damaged") from None
    if len(out) != length:
        raise DamagedError("length")
    return out


def _length(data: bytes) -> tuple[int, int]:
    value = 0
    for at in range(min(5, len(data))):
        value |= (data[at] & 0x7F) << 7 * at
        if data[at] < 0x80:
            return value, at + 1
    raise DamagedError("no length")


def _unsnapped(data: bytes, at: int, length: int) -> bytes:
    """The elements from `at` on: literals, and copies of what is there already."""
    out = bytearray()
    end = len(data)
    while at < end and len(out) <= length:
        tag = data[at]
        at += 1
        kind = tag & 3
        if not kind:
            size = tag >> 2
            if size >= 60:
                more = size - 59
                size = int.from_bytes(data[at : at + more], "little")
                at += more
            size += 1
            if size > end - at:
                raise DamagedError("literal")
            out += data[at : at + size]
            at += size
            continue
        if kind == 1:
            size, back = 4 + (tag >> 2 & 7), (tag >> 5 << 8) | (data[at] if at < end else 0)
            at += 1
        else:
            wide = 2 if kind == 2 else 4
            size, back = 1 + (tag >> 2), int.from_bytes(data[at : at + wide], "little")
            at += wide
        _copy(out, back, size)
    if len(out) != length:
        raise DamagedError("length")
    return bytes(out)


def _copy(out: bytearray, back: int, size: int) -> None:
    """Repeats `size` bytes that begin `back` before the end, which they may run over."""
    if not 0 < back <= len(out):
        raise DamagedError("offset")
    start = len(out) - back
    if back >= size:
        out += out[start : start + size]
    else:
        run = out[start:]
        out += (run * (size // back + 1))[:size]


def unlzf(data: bytes, length: int) -> bytes:
    """LZF, whose length is told beside it."""
    out = bytearray()
    at, end = 0, len(data)
    while at < end and len(out) <= length:
        tag = data[at]
        at += 1
        if tag < 32:
            out += data[at : at + tag + 1]
            at += tag + 1
            continue
        size = tag >> 5
        if size == 7 and at < end:
            size += data[at]
            at += 1
        if at >= end:
            raise DamagedError("copy")
        back = ((tag & 31) << 8 | data[at]) + 1
        at += 1
        _copy(out, back, size + 2)
    if len(out) != length:
        raise DamagedError("length")
    return bytes(out)
