"""Values as V8 serialises them, which is how Chromium and what is built on it keep IndexedDB (and Node its messages).

Promises: a pure function; nothing is evaluated; names and strings are given as a document's fields are, numbers and dates
left out; a value that cannot be read to its end is none, and is scanned as it stands.

Source: V8's src/objects/value-serializer.cc (versions 9 to 15); Blink's third_party/blink/renderer/bindings/core/v8/
serialization (its envelope, and Snappy around it). Imported by `leveldb`.
"""

from __future__ import annotations

from collections.abc import Iterator

from leakguard.sources.inside.databases.records import Cell
from leakguard.sources.inside.databases.snappy import DamagedError, unsnapped

LARGEST = 64 * 1024 * 1024
DEEPEST = 100
_BARE = frozenset(b"_0TF-")
_NUMBERS = frozenset(b"IU^")
_FIXED = {0x4E: 8, 0x44: 8, 0x6E: 8}
_BOXED = frozenset(b"yx")


def cells_of(data: bytes) -> list[Cell] | None:
    """The fields of a serialised value; None for anything else."""
    try:
        at = _start(data)
        if at < 0:
            return None
        if data[at : at + 3] == b"\xff\x11\x02":
            return cells_of(unsnapped(data[at + 3 :], LARGEST))
        reader = _Reader(data, _envelope(data, at))
        cells = list(reader.value("", 0))
        return cells if reader.at >= len(data.rstrip(b"\0")) or not data[reader.at :].strip(b"\0") else None
    except (DamagedError, IndexError, RecursionError):
        return None


def _start(data: bytes) -> int:
    """Where the version stands: at the beginning, or behind IndexedDB's own."""
    if data[:1] == b"\xff":
        return 0
    at = 1
    while at < 6 and data[at - 1] & 0x80:
        at += 1
    return at if data[at : at + 1] == b"\xff" else -1


def _envelope(data: bytes, at: int) -> int:
    """Reads over versions, and the place of a trailer."""
    for _ in range(3):
        if data[at] == 0xFF:
            at += 2
        elif data[at] == 0xFE:
            at += 13
    return at


class _Reader:
    def __init__(self, data: bytes, at: int) -> None:
        self.data = data
        self.at = at

    def byte(self) -> int:
        """The next tag; padding is none."""
        while self.data[self.at] == 0:
            self.at += 1
        self.at += 1
        return self.data[self.at - 1]

    def varint(self) -> int:
        value = 0
        for shift in range(0, 70, 7):
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise DamagedError("varint")

    def take(self, count: int) -> bytes:
        if count > len(self.data) - self.at:
            raise DamagedError("length")
        self.at += count
        return self.data[self.at - count : self.at]

    def string(self, tag: int) -> bytes | None:
        """A string's text, in UTF-8; None if the tag is another's."""
        if tag == 0x22:
            return self.take(self.varint()).decode("latin-1").encode()
        if tag == 0x63:
            return self.take(self.varint()).decode("utf-16-le", "replace").encode()
        return self.take(self.varint()) if tag == 0x53 else None

    def value(self, name: str, depth: int) -> Iterator[Cell]:
        """The next value's fields, under the name that it has."""
        if depth > DEEPEST:
            raise DamagedError("too deep")
        tag = self.byte()
        text = self.string(tag)
        if text is not None:
            yield name or "value", text
        elif tag in _NUMBERS:
            self.varint()
        elif tag in _FIXED:
            self.take(_FIXED[tag])
        elif tag in (0x5A, 0x7A):  # a big integer: a sign and the number of bytes
            yield name or "value", self.take(self.varint() >> 1)
        elif tag == 0x73:  # a string object
            yield from self.value(name, depth + 1)
        elif tag == 0x52:
            yield from self.value(name, depth + 1)
            self.varint()
        elif tag == 0x42:  # a buffer, and a view of it
            yield name or "buffer", self.take(self.varint())
            if self.data[self.at : self.at + 1] == b"V":
                self.at += 2
                self.varint(), self.varint(), self.varint()
        elif tag in b"oaA;'":
            yield from self.fields(tag, name, depth)
        elif tag not in _BARE and tag not in _BOXED:
            raise DamagedError("tag")

    def fields(self, tag: int, name: str, depth: int) -> Iterator[Cell]:
        """Those of an object, array, map or set."""
        if tag == 0x41:
            for number in range(min(self.varint(), len(self.data))):
                yield from self.value(f"{name}.{number}" if name else str(number), depth + 1)
        elif tag == 0x61:
            self.varint()
        end = {0x6F: 0x7B, 0x41: 0x24, 0x61: 0x40, 0x3B: 0x3A, 0x27: 0x2C}[tag]
        while (mark := self.byte()) != end:
            self.at -= 1
            if tag == 0x27:  # a set
                yield from self.value(name, depth + 1)
                continue
            key = self.key(mark)
            yield from self.value(f"{name[-200:]}.{key}" if name else key, depth + 1)
        self.varint()
        if tag in b"Aa":
            self.varint()

    def key(self, tag: int) -> str:
        """A field's name, or a map's key if it is a string or a number."""
        self.at += 1
        text = self.string(tag)
        if text is not None:
            return text.decode("utf-8", "replace")
        if tag in _NUMBERS:
            return str(self.varint() >> (tag == 0x49))
        if tag in _FIXED:
            return self.take(_FIXED[tag]).hex()
        raise DamagedError("key")
