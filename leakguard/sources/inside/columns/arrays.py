"""NumPy's .npy files: arrays of text as lines; of objects, which are pickles, their strings; of numbers, the bytes.

Promises: the header is a literal and is read as one, nothing else; elements are read in blocks; what is not understood
stays in the stream and is scanned as it stands. A .npz is a zip of these. Imported by `sources.inside.walk`.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from typing import NamedTuple

from leakguard.sources.inside.base import CHUNK, BrokenError, Context, Member, Pieces, Stream
from leakguard.sources.inside.columns.pickles import texts

LONGEST_HEADER = 10_000
"""Bytes of a literal that is parsed; NumPy, too, takes no more."""
LARGEST_ROW = 16 * 1024 * 1024
"""Bytes of an element."""
MOST_FIELDS = 10_000
_LONG = re.compile(r"(?<=[(, ])(\d{1,18})L(?=[,)])")
"""A number as Python 2 wrote it on Windows: (1, 2L)."""
_SCALAR = re.compile(r"([<>=|]?)([biufcmMVSUa?])(\d{1,8})(?:\[[^\]]{1,20}\])?\Z")


class Field(NamedTuple):
    """One value of an element: its name, its kind as NumPy's letter, its bytes and their order."""

    name: str
    kind: str
    size: int
    order: str


def npy(stream: Stream, _context: Context) -> Iterator[Member]:
    """One member, `rows` or `strings`; none for numbers."""
    head = stream.exactly(10)
    if head[6] == 1:
        size = int.from_bytes(head[8:10], "little")
    else:
        size = int.from_bytes(head[8:10] + stream.exactly(2), "little")
    if size > LONGEST_HEADER:
        raise BrokenError("npy: has an impossible header")
    header = stream.some(size)
    if len(header) < size:
        raise BrokenError("npy: ends in its header", header)
    fields = _fields(header)
    if [field.kind for field in fields] == ["O"]:
        yield Member("strings", Pieces(texts(stream)))
    elif any(field.kind in "USa" for field in fields) and 0 < sum(field.size for field in fields) <= LARGEST_ROW:
        yield Member("rows", Pieces(_rows(stream, fields)))


def _fields(header: bytes) -> list[Field]:
    """What an element consists of; empty for what is not understood here. The header goes back if it is damaged."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd escapes, on the user's terminal
            told = ast.literal_eval(_LONG.sub(r"\1", header.decode("utf-8").strip()))
        form = told["descr"]
    except (ValueError, SyntaxError, RecursionError, MemoryError, KeyError, TypeError):
        raise BrokenError("npy: has a damaged header", header) from None
    if isinstance(form, str):
        form = [("", form)]
    out = []
    for item in form if isinstance(form, list) and len(form) <= MOST_FIELDS else ():
        if not (isinstance(item, tuple) and len(item) == 2 and isinstance(item[1], str)):
            return []
        name = item[0] if isinstance(item[0], str) else str(item[0])
        found = _SCALAR.match(item[1])
        if found is not None:
            size = int(found[3]) * (4 if found[2] == "U" else 1)
            out.append(Field(name, found[2], size, found[1]))
        elif item[1] in ("|O", "O") and len(form) == 1:
            out.append(Field(name, "O", 8, "|"))
        else:
            return []
    return out


def _rows(stream: Stream, fields: list[Field]) -> Iterator[bytes]:
    """A line for each value that is text; elements of several fields are kept apart."""
    size = sum(field.size for field in fields)
    many = max(1, CHUNK // size)
    number = 0
    while block := stream.upto(size * many):
        data = block[: len(block) - len(block) % size]
        out = []
        if not _is_text(data, size, fields):  # of a header that lies: as it stands
            yield block
            while block := stream.read(CHUNK):
                yield block
            return
        for at in range(0, len(data), size):
            number += 1
            if len(fields) > 1:
                out.append(b"[row %d]\n" % number)
            for field in fields:
                value = data[at : at + field.size]
                at += field.size  # noqa: PLW2901 - within the element
                if field.kind in "USa":
                    name = field.name.encode("utf-8", "replace").translate(None, b"\r\n")
                    out.append((name + b" = " if name else b"") + _text(value, field) + b"\n")
        stream.unread(block[len(data) :])
        yield b"".join(out)
        if len(data) < len(block):
            raise BrokenError("npy: ends in the middle of an element")


def _text(value: bytes, field: Field) -> bytes:
    if field.kind != "U":
        return value.rstrip(b"\0")
    order = "utf-32-be" if field.order == ">" else "utf-32-le"
    return value.decode(order, "replace").rstrip("\0").encode("utf-8", "replace")


def _is_text(data: bytes, size: int, fields: list[Field]) -> bool:
    """Are the characters, four bytes each, such as there are?"""
    at = 0
    for field in fields:
        if field.kind == "U":
            order = "utf-32-be" if field.order == ">" else "utf-32-le"
            for start in range(at, len(data), size):
                try:
                    data[start : start + field.size].decode(order)
                except UnicodeDecodeError:
                    return False
        at += field.size
    return True
