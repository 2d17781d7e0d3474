"""Heap dumps of Java, record by record: a map's entries, an object's fields, strings of one byte a letter and of two."""

from __future__ import annotations

import struct


class Heap:
    def __init__(self, size: int = 8) -> None:
        self.size = size
        self.next = 0x7F0000001000 if size == 8 else 0x1000
        self.records = bytearray()
        self.objects = bytearray()
        self.named: dict[str, bytes] = {}
        nothing = bytes(size)
        self.object = self.type("java/lang/Object", nothing, [])
        self.string = self.type("java/lang/String", self.object, [("value", 2), ("coder", 8), ("hash", 10)])
        self.node = self.type("java/util/HashMap$Node", self.object, [("hash", 10), ("key", 2), ("value", 2), ("next", 2)])
        self.entry = self.type("java/util/LinkedHashMap$Entry", self.node, [("before", 2), ("after", 2)])

    def ident(self) -> bytes:
        self.next += 16
        return self.next.to_bytes(self.size, "big")

    def name(self, text: str) -> bytes:
        if text not in self.named:
            self.named[text] = ident = self.ident()
            self._record(1, ident + text.encode())
        return self.named[text]

    def _record(self, tag: int, data: bytes) -> None:
        self.records += struct.pack(">BII", tag, 0, len(data)) + data

    def type(self, name: str, above: bytes, fields: list[tuple[str, int]]) -> bytes:
        ident = self.ident()
        self._record(2, struct.pack(">I", 1) + ident + struct.pack(">I", 0) + self.name(name))
        body = b"".join(self.name(field) + bytes((kind,)) for field, kind in fields)
        self.objects += b"\x20" + ident + bytes(4) + above + bytes(5 * self.size) + struct.pack(">IHHH", 24, 0, 0, len(fields)) + body
        return ident

    def instance(self, kind: bytes, fields: bytes) -> bytes:
        ident = self.ident()
        self.objects += b"\x21" + ident + bytes(4) + kind + struct.pack(">I", len(fields)) + fields
        return ident

    def text(self, text: str, wide: bool = False) -> bytes:
        array = self.ident()
        data = text.encode("utf-16-be" if wide else "latin-1")
        self.objects += b"\x23" + array + bytes(4) + struct.pack(">IB", len(text), 5 if wide else 8) + data
        return self.instance(self.string, array + bytes(5))

    def put(self, key: str, value: str, wide: bool = False) -> None:
        """An entry of a LinkedHashMap: its own fields come first."""
        pair = self.text(key, wide) + self.text(value, wide)
        self.instance(self.entry, bytes(2 * self.size) + bytes(4) + pair + bytes(self.size))

    def data(self) -> bytes:
        head = b"JAVA PROFILE 1.0.2\0" + struct.pack(">IQ", self.size, 1_700_000_000)
        dump = bytes(self.objects)
        return head + bytes(self.records) + struct.pack(">BII", 0x1C, 0, len(dump)) + dump + struct.pack(">BII", 0x2C, 0, 0)


def heap(pairs: dict[str, str], size: int = 8, wide: bool = False) -> bytes:
    made = Heap(size)
    for number, (key, value) in enumerate(pairs.items()):
        made.text("something else " * (number + 2))
        made.put(key, value, wide)
    return made.data()
