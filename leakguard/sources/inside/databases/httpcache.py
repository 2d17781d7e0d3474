"""Entries of Chromium's disk cache ("Simple Cache"): a request's URL, its answer as the server packed it, and the answer's headers.

Promises: the body is a member whose name says how it is packed, so that it is unpacked and looked into; whatever is no part of an
entry as its end records tell is handed out as it stands. Entries of sparse files (`_s`) are bytes.

Format: net/disk_cache/simple/simple_entry_format.h. Imported by `sources.inside.walk`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from leakguard.sources.inside.base import BrokenError, Context, Member, Stream, from_bytes, from_file

HEAD = 24
LONGEST_KEY = 1024 * 1024
LONGEST_HEADERS = 1024 * 1024
_END = struct.Struct("<QIII4x")
_MARK = 0xF4FA6F45970D41D8
_PACKED = {b"br": ".br", b"deflate": ".zlib", b"gzip": ".gz", b"x-gzip": ".gz", b"zstd": ".zst"}


def entry(stream: Stream, _context: Context) -> Iterator[Member]:
    """URL, headers and body of one entry."""
    file, size = stream.file()
    file.seek(0)
    length = int.from_bytes(file.read(HEAD)[12:16], "little")
    start = HEAD + length
    if not 0 < length <= LONGEST_KEY or start + 2 * _END.size > size:
        raise BrokenError("ends early, or its header is damaged")
    key = file.read(length)
    last = size - _END.size
    headers_size, hashed = _end(file, last)
    headers_end = last - (32 if hashed else 0)
    body_end = headers_end - headers_size - _END.size
    if headers_size > LONGEST_HEADERS or body_end < start:
        raise BrokenError("damaged end of an entry")
    body_size, _ = _end(file, body_end)
    if body_size != body_end - start:
        raise BrokenError("damaged end of an entry")
    file.seek(headers_end - headers_size)
    headers = file.read(last - headers_end + headers_size)
    yield Member("url", from_bytes(key), len(key), "view")
    yield Member("headers", from_bytes(headers.replace(b"\0", b"\n")), len(headers), "view")
    if body_size:
        yield Member(f"body{_suffix(headers)}", from_file(file, start, body_size), body_size)


def _end(file: object, at: int) -> tuple[int, bool]:
    """(length of what stands before an end record, whether a hash of the key stands there, too)."""
    file.seek(at)  # type: ignore[attr-defined]
    raw = file.read(_END.size)  # type: ignore[attr-defined]
    if len(raw) < _END.size:
        raise BrokenError("ends early")
    mark, flags, _, size = _END.unpack(raw)
    if mark != _MARK:
        raise BrokenError("has no end record")
    return size, bool(flags & 2)


def _suffix(headers: bytes) -> str:
    for line in headers.split(b"\0"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-encoding":
            return _PACKED.get(value.strip().lower(), "")
    return ""
