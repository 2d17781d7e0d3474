"""LMDB files (data.mdb), page by page: what its trees hold, and what pages out of use still do.

Promises: the library is not used: nothing is mapped, locked or written, and no pointer of the file's is followed further
than to a page of it, once. A pair that stands in an old copy of a page as well is given once. What no pair covers is
one member, `@free`.

LMDB never overwrites a page in use, so that deleted and former values stay until their page is used again; they carry
the fact `deleted`. Source: OpenLDAP's libraries/liblmdb/mdb.c (struct MDB_page, MDB_node, MDB_meta; 64-bit files).
Imported by `sources.inside.walk`.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from leakguard.sources.inside.base import BrokenError, Context, Member, Stream
from leakguard.sources.inside.databases.records import Facts, Row, Runs, pair, tables

LARGEST = 64 * 1024 * 1024
MOST_KNOWN = 500_000
MOST_LOOKED = 64 * 1024 * 1024
"""Bytes of free space in which copies of what was given are looked for."""
_HEADER = 16
_BRANCH, _LEAF, _OVERFLOW, _META, _LEAF2 = 1, 2, 4, 8, 0x20
_BIG, _SUB, _DUP = 1, 2, 4
_NONE = (1 << 64) - 1


class Node(NamedTuple):
    """A key and what is at it."""

    key: bytes
    data: bytes
    size: int
    flags: int
    start: int = 0
    end: int = 0
    """Where it is in its page."""


def lmdb(stream: Stream, context: Context) -> Iterator[Member]:
    """All pairs of all databases in the file, then deleted ones, then the rest."""
    file, size = stream.file()
    file.seek(0)
    head = file.read(152)
    page_size = int.from_bytes(head[40:44], "little")
    if len(head) < 152 or not 256 <= page_size <= 65536 or page_size & (page_size - 1):
        raise BrokenError("damaged header")
    environment = _Environment(file, size, page_size, context)
    yield from tables("@pairs", environment.live())
    yield from tables("@deleted", environment.dead())
    if environment.raw:
        pieces = Runs(file, environment.raw, lambda offset: offset // page_size)
        yield Member("@free", pieces, kind="gap", facts=(("deleted", "yes"),), place=pieces.facts_at)


class _Environment:
    def __init__(self, file: BinaryIO, size: int, page_size: int, context: Context) -> None:
        self.file = file
        self.page_size = page_size
        self.context = context
        self.pages = size // page_size
        self.used = bytearray(self.pages + 1)
        self.known: set[int] = set()
        self.raw = array("Q")
        self.looked = 0
        self.areas = array("Q")
        """Free space within pages: start, end."""
        if size % page_size:
            self.raw.extend((self.pages * page_size, size))
        if max(self._meta(0)[3], self._meta(1)[3]) >= self.pages:
            context.tell("failed", "", "lmdb: ends early: the last pages are missing")

    def _meta(self, number: int) -> tuple[int, int, int, int]:
        """(transaction, root of the free list, root of the main database, last page) of a meta page."""
        data = self.page(number)
        if data[16:20] != b"\xde\xc0\xef\xbe" or len(data) < 152:
            return 0, _NONE, _NONE, 0
        free, main = struct.unpack_from("<Q", data, 80)[0], struct.unpack_from("<Q", data, 128)[0]
        last, transaction = struct.unpack_from("<QQ", data, 136)
        return transaction, free, main, last if last < 1 << 60 else 0

    def page(self, number: int) -> bytes:
        self.file.seek(number * self.page_size)
        return self.file.read(self.page_size)

    # ------------------------------------------------------------ pairs in use
    def live(self) -> Iterator[Row]:
        """The newest transaction's trees."""
        for number in (0, 1):
            if number < self.pages:
                self.used[number] = 1
        _, free, main, _ = max(self._meta(0), self._meta(1))
        stack = [(main, "main"), (free, "")]
        while stack:
            number, name = stack.pop()
            if number == _NONE:
                continue
            self.context.budget.spend(0)
            if number >= self.pages or self.used[number]:
                self.context.tell("failed", "", "lmdb: damaged: points at a page that is not there, or at one twice")
                continue
            data = self.page(number)
            kind = int.from_bytes(data[10:12], "little")
            if not kind & (_BRANCH | _LEAF):
                self.context.tell("failed", "", "lmdb: damaged page")
                continue
            self.used[number] = 1
            if kind & _BRANCH:
                stack += [(child, name) for child in reversed(_children(data))]
                self._free_of(number, data, [])
                continue
            if not name:
                continue  # numbers of free pages
            for node in self._nodes(number, data):
                if node.flags & _SUB and not node.flags & _DUP and len(node.data) >= 48:
                    stack.append((struct.unpack_from("<Q", node.data, 40)[0], node.key.decode("utf-8", "replace")))
                elif node.flags & _SUB and len(node.data) >= 48:
                    stack.append((struct.unpack_from("<Q", node.data, 40)[0], name))
                    yield Row(name, [("key", node.key)], (("page", str(number)),))
                else:
                    yield from self._pairs(number, node, name, ())

    def _pairs(self, number: int, node: Node, name: str, facts: Facts) -> Iterator[Row]:
        """The rows of a node: one, or one for each value of its key."""
        values = [node.data]
        if node.flags & _DUP:
            values = [below.key for below in _inner(node.data)] or values
        elif node.flags & _BIG:
            values = [self._big(node)]
        for value in values:
            key = hash((node.key, value))
            if key in self.known:
                continue
            if len(self.known) < MOST_KNOWN:
                self.known.add(key)
            yield Row(name, pair(node.key, value), (("page", str(number)), *facts), f"page {number}")

    def _big(self, node: Node) -> bytes:
        """A value on overflow pages, which stand one behind the other."""
        start = int.from_bytes(node.data[:8], "little")
        count = (node.size + _HEADER + self.page_size - 1) // self.page_size
        if not 1 < start < self.pages or node.size > LARGEST or start + count > self.pages or self.used[start]:
            self.context.tell("failed", "", "lmdb: a value's pages are damaged, or too many")
            return b""
        self.used[start : start + count] = b"\1" * count
        self.file.seek(start * self.page_size + _HEADER)
        data = self.file.read(node.size)
        end = start * self.page_size + _HEADER + node.size
        self._keep(end, (start + count) * self.page_size)
        return data

    def _nodes(self, number: int, data: bytes) -> Iterator[Node]:
        if int.from_bytes(data[10:12], "little") & _LEAF2:
            self.raw.extend((number * self.page_size, (number + 1) * self.page_size))
            return
        nodes = _inner(data)
        self._free_of(number, data, nodes)
        if not nodes and int.from_bytes(data[12:14], "little") > _HEADER:
            self.context.tell("failed", "", "lmdb: damaged page")
            self.raw.extend((number * self.page_size, (number + 1) * self.page_size))
        yield from nodes

    def _free_of(self, number: int, data: bytes, nodes: list[Node]) -> None:
        """What neither pointers nor nodes of a page cover."""
        at = max(_HEADER, int.from_bytes(data[12:14], "little"))
        base = number * self.page_size
        for start, end in (*sorted((node.start, node.end) for node in nodes), (len(data), len(data))):
            if start - at > 3 and any(data[at:start]):
                self.areas.extend((base + at, base + start))
            at = max(at, end)

    def _keep(self, start: int, end: int) -> None:
        self.file.seek(start)
        if self.file.read(end - start).strip(b"\0"):
            self.raw.extend((start, end))

    # ------------------------------------------------------------ pages out of use
    def dead(self) -> Iterator[Row]:
        """Pairs in pages that no tree names."""
        for number in range(self.pages):
            if self.used[number]:
                continue
            self.context.budget.spend(0)
            data = self.page(number)
            kind = int.from_bytes(data[10:12], "little")
            nodes = _inner(data) if kind & 0xFF in (_LEAF, _LEAF | 0x10) else []
            own = int.from_bytes(data[:8], "little") == number
            if not nodes or not own:
                self._keep(number * self.page_size, (number + 1) * self.page_size)
                continue
            self._free_of(number, data, nodes)
            for node in nodes:
                if not node.flags & (_SUB | _BIG):
                    yield from self._pairs(number, node, "deleted", (("deleted", "yes"),))
                elif node.flags & _BIG:
                    yield Row("deleted", [("key", node.key)], (("page", str(number)), ("deleted", "yes")))
        for at in range(0, len(self.areas), 2):
            self.context.budget.spend(0)
            self._left(self.areas[at], self.areas[at + 1])

    def _left(self, start: int, end: int) -> None:
        """What of free space is no copy of a pair that was given: moving pairs between pages leaves many behind."""
        self.looked += end - start
        if self.looked > MOST_LOOKED:
            self.raw.extend((start, end))
            return
        self.file.seek(start)
        data = self.file.read(end - start)
        at = kept = 0
        while at + 8 < len(data):
            first, second, flags, key_size = struct.unpack_from("<HHHH", data, at)
            middle = at + 8 + key_size
            stop = middle + (first | second << 16)
            if (
                flags
                or not key_size
                or stop > len(data)
                or hash((data[at + 8 : middle], data[middle:stop])) not in self.known
            ):
                at += 2
                continue
            if data[kept:at].strip(b"\0"):
                self.raw.extend((start + kept, start + at))
            at = kept = stop + stop % 2
        if data[kept:].strip(b"\0"):
            self.raw.extend((start + kept, end))


def _children(data: bytes) -> list[int]:
    low = int.from_bytes(data[12:14], "little")
    out = []
    for at in range(_HEADER, min(low, len(data) - 1), 2):
        start = int.from_bytes(data[at : at + 2], "little")
        first, second, third = struct.unpack_from("<HHH", data, start) if start + 6 <= len(data) else (0, 0, 0)
        out.append(first | second << 16 | third << 32)
    return out


def _inner(data: bytes) -> list[Node]:
    """The nodes of a leaf, or of a page within a node."""
    out: list[Node] = []
    if len(data) < _HEADER:
        return out
    low = int.from_bytes(data[12:14], "little")
    if int.from_bytes(data[10:12], "little") & _LEAF2:
        width = int.from_bytes(data[8:10], "little")
        stop = min(low - _HEADER, (len(data) - _HEADER) // width * 2) if width else 0
        return [Node(data[_HEADER + i * width : _HEADER + (i + 1) * width], b"", 0, 0) for i in range(stop // 2)]
    total = 0
    for at in range(_HEADER, min(low, len(data) - 1), 2):
        start = int.from_bytes(data[at : at + 2], "little")
        if start + 8 > len(data) or start < _HEADER:
            return []
        first, second, flags, key_size = struct.unpack_from("<HHHH", data, start)
        size = first | second << 16
        here = 8 if flags & _BIG else size
        total += 8 + key_size + here
        if start + 8 + key_size + here > len(data) or total > len(data):
            return []
        key = data[start + 8 : start + 8 + key_size]
        body = data[start + 8 + key_size : start + 8 + key_size + here]
        out.append(Node(key, body, size, flags, start, start + 8 + key_size + here))
    return out
