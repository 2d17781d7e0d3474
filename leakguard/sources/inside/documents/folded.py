"""Texts whose lines were folded, or whose letters were written as octal numbers, in the file's own place.

Calendars, address cards and LDIF go on in a line that begins with a blank, wherever the column is, also inside of a token. The
histories of libedit (mysql, psql, sqlite3, Python) write blanks and backslashes as `\\\\040` and `\\\\134`.

Promises: nothing but the folds is left out, nothing but what was written as a number is put as what it stands for; memory is a
block and 80 bytes for each of them, with a limit that is told. Imported by `walk`; `magic` knows these files by their first bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from leakguard.sources.inside.base import CHUNK, Context, Member, Pieces, Stream
from leakguard.sources.inside.places import Places

LARGEST = 256 * 1024 * 1024
"""Bytes of a file; a larger one is data."""
MOST_JOINTS = 1 << 20
_FOLD = re.compile(rb"\r?\n[ \t]")
_NUMBER = re.compile(rb"\\(?:([0-3][0-7]{2})|\\)")
_LONGEST = 4
"""Bytes of either: no block ends in one."""


def folded(stream: Stream, context: Context) -> Iterator[Member]:
    """A calendar, cards, or a directory's entries, with whole lines."""
    return _member(stream, context, _FOLD)


def history(stream: Stream, context: Context) -> Iterator[Member]:
    """Commands as they were typed."""
    return _member(stream, context, _NUMBER)


def _member(stream: Stream, context: Context, pattern: re.Pattern[bytes]) -> Iterator[Member]:
    if stream.size > LARGEST:
        return  # it is left in the stream, and scanned as it stands
    places = Places()
    yield Member("text", Pieces(_text(stream, context, pattern, places)), stream.size, "text", moved=places.moved)


def _text(stream: Stream, context: Context, pattern: re.Pattern[bytes], places: Places) -> Iterator[bytes]:
    rest, offset, line, column, joints = b"", 0, 0, 0, 0
    while True:
        data = stream.read(CHUNK)
        block = rest + data
        limit = len(block) - _LONGEST if data else len(block)
        out: list[bytes] = []
        at = 0
        for found in pattern.finditer(block):
            if found.start() >= limit:
                break
            joints += 1
            if joints > MOST_JOINTS:
                if joints == MOST_JOINTS + 1:
                    context.tell("truncated", "", f"limit reached: only {MOST_JOINTS} folds are undone")
                break
            said = block[at : found.start()]
            number = found[1] if pattern is _NUMBER else None
            meant = b"" if pattern is _FOLD else b"\\" if number is None else bytes((int(number, 8),))
            for piece, raw in ((said, said), (meant, found.group())):
                if piece:
                    places.add(piece, offset, line, column)
                    out.append(piece)
                offset += len(raw)
                line += raw.count(b"\n")
                column = len(raw) - raw.rfind(b"\n") - 1 if b"\n" in raw else column + len(raw)
            at = found.end()
        said = block[at : max(at, limit)]
        if said:
            places.add(said, offset, line, column)
            out.append(said)
            offset += len(said)
            line += said.count(b"\n")
            column = len(said) - said.rfind(b"\n") - 1 if b"\n" in said else column + len(said)
        rest = block[max(at, limit) :]
        if out:
            yield b"".join(out)
        if not data:
            return
