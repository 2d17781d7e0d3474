"""Entries of the caches of browsers: a request's URL, its answer as the server packed it, and the answer's headers. Chromium's
("Simple Cache", also of service workers and their scripts) and Firefox' (`cache2`).

Promises: the body is a member whose name says how it is packed, so that it is unpacked and looked into; whatever is no part of an
entry as its end records tell is handed out as it stands. Entries of sparse files (`_s`) are bytes.

Formats: net/disk_cache/simple/simple_entry_format.h; netwerk/cache2/CacheFileMetadata.cpp. Both were checked with entries that
Chromium 156 and Firefox 153 wrote. Imported by `sources.inside.walk`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

from leakguard.sources.inside.base import BrokenError, Context, Member, Stream, from_bytes, from_file

HEAD = 24
LONGEST_KEY = 1024 * 1024
LONGEST_HEADERS = 1024 * 1024
LONGEST_METADATA = 16 * 1024 * 1024
_END = struct.Struct("<QIII4x")
_MARK = 0xF4FA6F45970D41D8
_PACKED = {b"br": ".br", b"deflate": ".zlib", b"gzip": ".gz", b"x-gzip": ".gz", b"zstd": ".zst"}
_PIECE = 256 * 1024
"""Bytes of a body that Firefox keeps a short hash of."""
_AGAIN = b"original-response-headers"


def entry(stream: Stream, context: Context) -> Iterator[Member]:
    """URL, headers and body of one of Chromium's entries; of `_1` its URL and what is kept beside the body."""
    file, size = stream.file()
    file.seek(0)
    length = int.from_bytes(file.read(HEAD)[12:16], "little")
    start = HEAD + length
    last = size - _END.size
    if not 0 < length <= LONGEST_KEY or start > last:
        raise BrokenError("ends early, or its header is damaged")
    key = file.read(length)
    headers_size, hashed = _end(file, last)
    headers_end = last - (32 if hashed else 0)
    if context.name.endswith("_1"):  # the third stream, which has a file of its own
        yield Member("url", from_bytes(key), len(key), "view")
        if headers_end > start:
            yield Member("beside", from_file(file, start, headers_end - start), headers_end - start)
        return
    body_end = headers_end - headers_size - _END.size
    if headers_size > LONGEST_HEADERS or body_end < start:
        raise BrokenError("damaged end of an entry")
    body_size, _ = _end(file, body_end)
    if body_size not in (0, body_end - start):  # only the last record tells its size; this one's is 0
        raise BrokenError("damaged end of an entry")
    file.seek(headers_end - headers_size)
    headers = file.read(last - headers_end + headers_size)
    yield Member("url", from_bytes(key), len(key), "view")
    yield Member("headers", from_bytes(headers.replace(b"\0", b"\n")), len(headers), "view")
    if body_end > start:
        name = "body" + _suffix(headers.split(b"\0"))
        yield Member(name, from_file(file, start, body_end - start), body_end - start)


def _end(file: BinaryIO, at: int) -> tuple[int, bool]:
    """(length of what stands before an end record, if it tells it; whether a hash of the key stands there, too)."""
    file.seek(at)
    raw = file.read(_END.size)
    if len(raw) < _END.size:
        raise BrokenError("ends early")
    mark, flags, _, size = _END.unpack(raw)
    if mark != _MARK:
        raise BrokenError("has no end record")
    return size, bool(flags & 2)


def _suffix(lines: list[bytes]) -> str:
    for line in lines:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-encoding":
            return _PACKED.get(value.strip().lower(), "")
    return ""


def mozilla(stream: Stream, _context: Context) -> Iterator[Member]:
    """URL, headers and body of one of Firefox' entries, whose metadata stands behind the body."""
    file, size = stream.file()
    file.seek(max(0, size - 4))
    body_size = int.from_bytes(file.read(4), "big")
    at = body_size + 4 + 2 * -(-body_size // _PIECE)
    if at + 36 > size or size - at > LONGEST_METADATA:
        raise BrokenError("damaged end of an entry")
    file.seek(at)
    raw = file.read(size - 4 - at)
    version, key_size = struct.unpack_from(">I20xI", raw)
    start = 28 if version < 2 else 32
    end = start + key_size
    if not 0 < version < 16 or not 0 < key_size <= LONGEST_KEY or raw[end : end + 1] != b"\0":
        raise BrokenError("damaged metadata of an entry")
    yield Member("url", from_bytes(raw[start:end]), key_size, "view")
    fields = raw[end + 1 :].split(b"\0")
    told = dict(zip(fields[::2], fields[1::2], strict=False))
    lines = told.get(b"response-head", b"").split(b"\r\n")
    if _AGAIN in told:  # the same headers once more, as they came
        told[_AGAIN] = b"\r\n".join(line for line in told[_AGAIN].split(b"\r\n") if line not in lines)
    text = b"".join(b"%s: %s\n" % (name, value.replace(b"\r\n", b"\n")) for name, value in told.items())
    yield Member("headers", from_bytes(text), len(text), "view")
    first = _other(told.get(b"alt-data", b""), body_size)
    if first:
        yield Member(f"body{_suffix(lines)}", from_file(file, 0, first), first)
    if first < body_size:
        yield Member("alternative", from_file(file, first, body_size - first), body_size - first)


def _other(told: bytes, body_size: int) -> int:
    """Where the body ends and another form of it begins (`1;size,kind`: a script as it was compiled)."""
    number = told.partition(b";")[2].partition(b",")[0]
    return int(number) if number.isdigit() and len(number) < 16 and int(number) <= body_size else body_size
