"""Does a rar end where its blocks say? libarchive takes the end of a file that was cut off for the end of the archive.

Promises: reads the heads of blocks alone, at most MOST of them, each once; says that something is missing only where a block goes
on behind the end of the file, or where a program that always writes a last block did not get to it.

Loaded by the child alone (see `child`), which imports nothing of the project.
"""

from __future__ import annotations

import os

MOST = 4_000_000
_OLD, _NEW = b"Rar!\x1a\7\0", b"Rar!\x1a\7\1\0"
_HEAD = 64
"""Bytes of a block that say what it is and where the next one begins."""
_ENDS = 29
"""From this version on (in tenths: 2.9) a last block is written."""


def ended(handle: int) -> bool:
    """Is all of the archive there that begins with the file's first byte? True for what is none."""
    size = os.fstat(handle).st_size
    start = os.pread(handle, len(_NEW), 0)
    at = len(_NEW)
    step = _new
    if start[: len(_OLD)] == _OLD:
        at, step = len(_OLD), _old
    elif start != _NEW:
        return True
    newest = 0
    for _ in range(MOST):
        if at >= size:
            return at == size and newest < _ENDS
        length, last, version = step(os.pread(handle, _HEAD, at))
        if last or length < 0:
            return last and at + length <= size
        newest = max(newest, version)
        at += length
    return True


def _old(head: bytes) -> tuple[int, bool, int]:
    """(length of a block and of what stands behind it, -1 for none; is it the last one; what it takes to unpack it), up to
    version 4."""
    size = int.from_bytes(head[5:7], "little")
    if len(head) < 7 or size < 7:
        return -1, False, 0
    kind, flags = head[2], int.from_bytes(head[3:5], "little")
    if kind in (0x74, 0x7A) or flags & 0x8000:
        size += int.from_bytes(head[7:11], "little")
    if kind in (0x74, 0x7A) and flags & 0x100:
        size += int.from_bytes(head[32:36], "little") << 32
    return size, kind == 0x7B, head[24] if kind == 0x74 and len(head) > 24 else 0


def _new(head: bytes) -> tuple[int, bool, int]:
    """The same of version 5."""
    size, at = _number(head, 4)
    behind = at
    kind, at = _number(head, at)
    flags, at = _number(head, at)
    if flags & 1:
        _, at = _number(head, at)
    packed, at = _number(head, at) if flags & 2 else (0, at)
    return (-1 if at < 0 or size < 2 else behind + size + packed), kind == 5, _ENDS


def _number(head: bytes, at: int) -> tuple[int, int]:
    """(a number of seven bits a byte, where the next begins; -1 if it goes on behind what is there)."""
    value = shift = 0
    while 0 <= at < len(head):
        value |= (head[at] & 0x7F) << shift
        if not head[at] & 0x80:
            return value, at + 1
        at, shift = at + 1, shift + 7
    return 0, -1
