"""Archives that unpack themselves: a program of Windows, and behind it a 7z or a rar.

Promises: where the archive begins is believed only if its first header fits its checksum, for programs that read archives
hold their marks, too; the program itself is handed out as a gap. A zip behind a program is the zip reader's.

Imported by `magic`, for programs alone, and by `walk`.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from leakguard.sources.inside.base import BrokenError, Context, Member, Stream
from leakguard.sources.inside.magic import PROGRAM_HEAD

_SEVEN = b"7z\xbc\xaf\x27\x1c"
_RAR = b"Rar!\x1a\x07"


def archive_in(data: bytes) -> tuple[int, str]:
    """(where an archive begins in a program, its kind); (0, "") for nearly all. `data` is its beginning, PROGRAM_HEAD
    bytes of it or all there is."""
    for mark, kind, fits in ((_SEVEN, "7z", _is_seven), (_RAR, "rar", _is_rar)):
        at = 0
        while (at := data.find(mark, at + 1)) > 0:
            if fits(data[at : at + 64]):
                return at, kind
    return 0, ""


def _is_seven(head: bytes) -> bool:
    """Version 0, and the checksum of where its index is."""
    return len(head) >= 32 and head[6] == 0 and int.from_bytes(head[8:12], "little") == zlib.crc32(head[12:32])


def _is_rar(head: bytes) -> bool:
    """The checksum of the first header: of 13 bytes in version 4, of as many as it says in version 5."""
    if head[6:7] == b"\0":
        return len(head) >= 20 and int.from_bytes(head[7:9], "little") == zlib.crc32(head[9:20]) & 0xFFFF
    size = head[12] if len(head) > 12 else 255
    return head[6:8] == b"\1\0" and 3 < size < 48 and int.from_bytes(head[8:12], "little") == zlib.crc32(head[12 : 13 + size])


def program(stream: Stream, _context: Context) -> Iterator[Member]:
    """The program, and the archive behind it."""
    start, kind = archive_in(stream.peek(PROGRAM_HEAD))
    if not kind:
        raise BrokenError("no archive is in it")
    part = stream.part(start)
    yield Member("@0", part, start, "gap")
    part.finish()
    yield Member(f"archive.{kind}", stream.read, kind="content")
