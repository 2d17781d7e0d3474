"""Streams of Percona XtraBackup and mariadb-backup (`--stream=xbstream`): files in chunks, those of several files mixed.

Promises: a file's chunks are put together in their order, whatever lies between them; sums are verified; what the headers do not
account for is a gap; MOST_CHUNKS of them are remembered, and what is behind is told. A file without its last mark was cut off: told.

Format: storage/innobase/xtrabackup/src/xbstream_read.cc. Imported by `sources.inside.walk`.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from leakguard.sources.inside.base import CHUNK, BrokenError, Context, Member, Pieces, Stream, from_file

MOST_CHUNKS = 250_000
LONGEST_PATH = 512
_MARK = b"XBSTCK01"
_HEAD = 14


class _Chunk(NamedTuple):
    start: int
    size: int
    sum: int


def xbstream(stream: Stream, context: Context) -> Iterator[Member]:
    """Each file, then what is damaged."""
    file, size = stream.file()
    files: dict[str, list[_Chunk]] = {}
    ended: set[str] = set()
    at, broken = 0, ""
    for _ in range(MOST_CHUNKS):
        if at >= size:
            break
        try:
            at = _chunk(file, at, size, files, ended)
        except BrokenError as error:
            broken = error.reason
            break
    else:
        broken = f"more than {MOST_CHUNKS} chunks"
    for path, chunks in files.items():
        if path not in ended:
            context.tell("failed", path, "xbstream: ends early")
        yield Member(path, Pieces(_content(file, chunks)), sum(chunk.size for chunk in chunks))
    if broken:
        context.tell("failed", "", f"xbstream: {broken}")


def _chunk(file: BinaryIO, at: int, size: int, files: dict[str, list[_Chunk]], ended: set[str]) -> int:
    """Reads the header at an offset; returns where the chunk ends."""
    file.seek(at)
    head = file.read(_HEAD)
    length = int.from_bytes(head[10:14], "little")
    if len(head) < _HEAD or head[:8] != _MARK or not 0 < length <= LONGEST_PATH:
        raise BrokenError("damaged chunk" if len(head) == _HEAD else "ends in the middle of a chunk")
    path = file.read(length).decode("utf-8", "replace")
    at += _HEAD + length
    kind = head[9:10]
    if kind == b"E":
        ended.add(path)
        files.setdefault(path, [])
        return at
    if kind not in b"PS":
        raise BrokenError("a chunk of a kind that nobody knows")
    holes = int.from_bytes(file.read(4), "little") if kind == b"S" else 0
    told = file.read(20)
    start = at + 20 + (4 + 8 * holes if kind == b"S" else 0)
    count = int.from_bytes(told[:8], "little")
    if len(told) < 20 or start > size:
        raise BrokenError("ends in the middle of a chunk")
    if kind == b"S":
        file.read(8 * holes)  # where the file has holes: nothing is in them
    files.setdefault(path, []).append(_Chunk(start, min(count, size - start), int.from_bytes(told[16:20], "little")))
    if count > size - start:
        raise BrokenError("ends in the middle of a chunk")
    return start + count


def _content(file: BinaryIO, chunks: list[_Chunk]) -> Iterator[bytes]:
    """The bytes of a file. BrokenError behind a chunk whose sum is wrong."""
    for chunk in chunks:
        pull, known = from_file(file, chunk.start, chunk.size), 0
        while data := pull(CHUNK):
            known = zlib.crc32(data, known)
            yield data
        if known != chunk.sum:
            raise BrokenError("wrong checksum")


__all__ = ["xbstream"]
