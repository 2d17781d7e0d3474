"""Heap dumps of Java (`jmap`, `/actuator/heapdump`, OutOfMemoryError): strings that a field or an entry of a map gives a name.

Promises: the dump is handed out as the bytes that it is; what is a string of a field or an entry whose name may name a secret is given
to that name instead, once, with the class that it belongs to. Nothing is followed but String, the entries of the usual maps, and fields:
names alone are kept, and of values those that are asked for. Goes through the file a few times, in blocks; memory is the names, MOST of
them.

Format: HotSpot's heapDumper.cpp. Checked with what OpenJDK 17 wrote. Imported by `sources.inside.walk`.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from typing import BinaryIO, NamedTuple

from leakguard.sources.inside.base import BrokenError, Context, Member, Pull, Stream, from_file
from leakguard.sources.inside.databases.records import Cell, Row, tables

BLOCK = 4 * 1024 * 1024
MOST = 200_000
"""Names, entries and values that are kept of each."""
MOST_RECORDS = 4_000_000
LONGEST = 16 * 1024
"""Bytes of a value."""
_OVERLAP = 2 * LONGEST + 256
_SECRET = re.compile(rb"(?i)key|secret|token|passw|passphrase|pwd|mnemonic|credential")
_SIZES = {2: 0, 4: 1, 5: 2, 6: 4, 7: 8, 8: 1, 9: 2, 10: 4, 11: 8}
"""Type -> bytes; 0 for the size of an id."""
_BYTES, _CHARS = 8, 5
_STRING = b"java/lang/String"
_ENTRIES = frozenset((
    b"java/util/HashMap$Node", b"java/util/LinkedHashMap$Entry", b"java/util/concurrent/ConcurrentHashMap$Node",
    b"java/util/Hashtable$Entry", b"java/util/TreeMap$Entry", b"java/util/AbstractMap$SimpleEntry",
    b"java/util/AbstractMap$SimpleImmutableEntry", b"java/util/KeyValueHolder",
))  # fmt: skip


class _Class(NamedTuple):
    name: bytes
    above: bytes
    fields: tuple[tuple[bytes, int], ...]
    """(id of the field's name, type), of its own."""


class _Wanted(NamedTuple):
    """A value: the class and object that it is a field of, and what it is called."""

    owner: bytes
    object: bytes
    name: bytes


def hprof(stream: Stream, context: Context) -> Iterator[Member]:
    """The strings that have a name, and all else as it stands."""
    file, size = stream.file()
    dump = _Dump(file, size, context)
    given: list[tuple[int, int]] = []
    yield from tables("@objects", dump.rows(given))
    yield Member("text", _without(from_file(file, 0, size), sorted(given)), size, "text")


def _without(pull: Pull, given: list[tuple[int, int]]) -> Pull:
    """The same bytes, with blanks for what was given already."""
    at = number = 0

    def read(count: int) -> bytes:
        nonlocal at, number
        data = pull(count)
        low, at = at, at + len(data)
        if number < len(given) and given[number][0] < at:
            made = bytearray(data)
            while number < len(given) and given[number][0] < at:
                start, end = (max(0, min(place - low, len(data))) for place in given[number])
                made[start:end] = b" " * (end - start)
                if given[number][1] > at:
                    break
                number += 1
            return bytes(made)
        return data

    return read


class _Dump:
    def __init__(self, file: BinaryIO, size: int, context: Context) -> None:
        self.file = file
        self.size = size
        self.context = context
        file.seek(0)
        head = file.read(64)
        end = head.find(b"\0")
        self.id = int.from_bytes(head[end + 1 : end + 5], "big")
        if end < 0 or self.id not in (4, 8):
            raise BrokenError("damaged header")
        self.start = end + 13
        self.names: dict[bytes, bytes] = {}
        """Ids of strings that name classes and fields, as far as they matter."""
        self.classes: dict[bytes, _Class] = {}
        self.over = False

    def rows(self, given: list[tuple[int, int]]) -> Iterator[Row]:
        """An object's fields, or an entry, each as a row. `given`: where the values lie."""
        called = self._records()
        self._layouts(called)
        text = next((ident for ident, name in called.items() if name == _STRING), b"")
        if text not in self.classes:
            return
        names = self._texts(text, self._named_arrays())
        wanted = self._wanted(called, names)
        arrays = self._arrays(text, wanted)
        found: dict[bytes, list[tuple[Cell, int]]] = {}
        owners: dict[bytes, bytes] = {}
        for array, value, at, end in self._values(arrays):
            # several maps may have it: the class that has a field for it says most
            one = next((each for each in arrays[array] if each.owner not in _ENTRIES), arrays[array][0])
            found.setdefault(one.object, []).append(((one.name.decode("utf-8", "replace"), value), at))
            owners[one.object] = one.owner
            given.append((at, end))
        for instance, cells in sorted(found.items()):
            label = owners[instance].decode("utf-8", "replace").replace("/", ".")
            yield Row(label, [cell for cell, _ in cells], (("offset", str(cells[0][1])),))
        if self.over:
            self.context.tell("truncated", "", f"limit reached: more than {MOST} names or values of a kind")

    # ------------------------------------------------------------ records
    def _records(self) -> dict[bytes, bytes]:
        """Class -> its name. Notes the names of fields that matter."""
        strings: dict[bytes, bytes] = {}
        loaded: dict[bytes, bytes] = {}
        at = self.start
        for _ in range(MOST_RECORDS):
            self.file.seek(at)
            head = self.file.read(9)
            if len(head) < 9:
                break
            tag, length = head[0], int.from_bytes(head[5:9], "big")
            if tag == 1 and self.id < length < 512:
                data = self.file.read(length)
                strings[data[: self.id]] = data[self.id :]
            elif tag == 2 and length == 8 + 2 * self.id:
                data = self.file.read(length)
                loaded[data[4 : 4 + self.id]] = data[8 + self.id :]
            at += 9 + length
            if len(strings) > 10 * MOST:
                self.over = True
                break
        self.names = {ident: name for ident, name in strings.items() if name in (b"key", b"value", b"val") or _SECRET.search(name)}
        return {ident: strings.get(name, b"") for ident, name in loaded.items()}

    def _layouts(self, called: dict[bytes, bytes]) -> None:
        for _, block, at in self._found(rb"\x20(?=" + self._ids() + rb".{4}" + self._ids() + rb")"):
            ident = block[at + 1 : at + 1 + self.id]
            if ident in called and ident not in self.classes and (made := self._class(block, at, called[ident])):
                self.classes[ident] = made

    def _class(self, block: bytes, at: int, name: bytes) -> _Class | None:
        try:
            at += 1 + self.id + 4
            above = block[at : at + self.id]
            at += 6 * self.id + 4
            count, at = int.from_bytes(block[at : at + 2], "big"), at + 2
            for _ in range(count):
                at += 3 + (_SIZES[block[at + 2]] or self.id)
            count, at = int.from_bytes(block[at : at + 2], "big"), at + 2
            for _ in range(count):
                at += self.id + 1 + (_SIZES[block[at + self.id]] or self.id)
            count, at = int.from_bytes(block[at : at + 2], "big"), at + 2
            fields = []
            for _ in range(count):
                fields.append((block[at : at + self.id], block[at + self.id]))
                _ = _SIZES[block[at + self.id]]
                at += self.id + 1
        except (KeyError, IndexError):
            return None  # bytes that look like one
        return _Class(name, above, tuple(fields))

    def _places(self, ident: bytes) -> dict[bytes, int]:
        """Names of a class' fields that hold objects, those of the classes above it too -> where they lie in an instance."""
        places: dict[bytes, int] = {}
        at = 0
        seen = set()
        while ident in self.classes and ident not in seen:
            seen.add(ident)
            for name, kind in self.classes[ident].fields:
                if kind == 2 and name in self.names:
                    places.setdefault(self.names[name], at)
                at += _SIZES[kind] or self.id
            ident = self.classes[ident].above
        return places

    # ------------------------------------------------------------ objects
    def _ids(self) -> bytes:
        """An id: HotSpot's are addresses, of which the first bytes are zero."""
        return rb"(?:\0\0.{6})" if self.id == 8 else rb".{4}"

    def _found(self, pattern: bytes) -> Iterator[tuple[int, bytes, int]]:
        """(where a block begins, the block, where a match begins in it): matches have OVERLAP bytes behind them, if the file has."""
        search = re.compile(pattern, re.DOTALL).finditer
        at = self.start
        while at < self.size:
            self.file.seek(at)
            block = self.file.read(BLOCK + _OVERLAP)
            stop = BLOCK if at + len(block) < self.size else len(block)
            for match in search(block):
                if match.start() >= stop:
                    break
                yield at, block, match.start()
            at += stop

    def _named_arrays(self) -> dict[bytes, bytes]:
        """Arrays that are the text of a name that may name a secret."""
        found: dict[bytes, bytes] = {}
        pattern = rb"\x23(?=" + self._ids() + rb".{4}\0\0\0[\x03-\x60](?:\x08[A-Za-z]|\x05\0[A-Za-z]))"
        for _, block, at in self._found(pattern):
            text = self._array(block, at)
            if text is not None and _SECRET.search(text) and text.translate(None, _OF_NAMES) == b"":
                found[block[at + 1 : at + 1 + self.id]] = text
                if len(found) >= MOST:
                    self.over = True
                    break
        return found

    def _array(self, block: bytes, at: int) -> bytes | None:
        """The text of an array of bytes or letters."""
        at += 1 + self.id + 4
        count, kind = int.from_bytes(block[at : at + 4], "big"), block[at + 4]
        at += 5
        if count > LONGEST:
            return None
        if kind == _BYTES:
            return block[at : at + count]
        text = block[at : at + 2 * count]
        return text.decode("utf-16-be", "replace").encode() if kind == _CHARS else None

    def _instances(self, classes: Callable[[bytes], bool]) -> Iterator[tuple[bytes, bytes, bytes]]:
        """(object, class, its fields) of the instances of some classes."""
        pattern = rb"\x21(?=" + self._ids() + rb".{4}" + self._ids() + rb"\0\0)"
        for _, block, at in self._found(pattern):
            low = at + 1 + self.id + 4
            ident = block[low : low + self.id]
            if classes(ident):
                size = int.from_bytes(block[low + self.id : low + self.id + 4], "big")
                low += self.id + 4
                yield block[at + 1 : at + 1 + self.id], ident, block[low : low + size]

    def _texts(self, text: bytes, arrays: dict[bytes, bytes]) -> dict[bytes, bytes]:
        """Strings whose text is in one of the arrays -> the text."""
        place = self._places(text).get(b"value")
        if place is None or not arrays:
            return {}
        found = {}
        for ident, _, fields in self._instances(text.__eq__):
            array = fields[place : place + self.id]
            if array in arrays:
                found[ident] = arrays[array]
        return found

    def _wanted(self, called: dict[bytes, bytes], names: dict[bytes, bytes]) -> dict[bytes, list[_Wanted]]:
        """Objects that are the value of an entry with such a key, or of a field with such a name."""
        entries: dict[bytes, tuple[int, int]] = {}
        fields: dict[bytes, list[tuple[bytes, int]]] = {}
        for ident in self.classes:
            places = self._places(ident)
            value = places.get(b"value", places.get(b"val"))
            if called[ident] in _ENTRIES and b"key" in places and value is not None:
                entries[ident] = (places[b"key"], value)
            elif secret := [(name, place) for name, place in places.items() if name not in (b"key", b"value", b"val")]:
                fields[ident] = secret
        found: dict[bytes, list[_Wanted]] = {}
        nothing = bytes(self.id)
        for instance, ident, data in self._instances(lambda one: one in entries or one in fields):
            if ident in entries:
                key, held = (data[place : place + self.id] for place in entries[ident])
                wanted = [(held, names[key])] if key in names else []
            else:
                wanted = [(data[place : place + self.id], name) for name, place in fields[ident]]
            for held, name in wanted:
                if held != nothing and len(found) < MOST:
                    found.setdefault(held, []).append(_Wanted(called[ident], instance, name))
        self.over = self.over or len(found) >= MOST
        return found

    def _arrays(self, text: bytes, wanted: dict[bytes, list[_Wanted]]) -> dict[bytes, list[_Wanted]]:
        """Arrays that are the text of a wanted string, or wanted themselves (a password as letters)."""
        found = {ident: each[:8] for ident, each in wanted.items()}
        place = self._places(text).get(b"value")
        if place is not None and wanted:
            for ident, _, fields in self._instances(text.__eq__):
                if ident in wanted:
                    found.setdefault(fields[place : place + self.id], []).extend(wanted[ident][:8])
        return found

    def _values(self, arrays: dict[bytes, list[_Wanted]]) -> Iterator[tuple[bytes, bytes, int, int]]:
        """(array, its text, where it begins and ends in the file), once each."""
        if not arrays:
            return
        seen = set()
        for low, block, at in self._found(rb"\x23(?=" + self._ids() + rb".{4}\0\0..[\x05\x08])"):
            ident = block[at + 1 : at + 1 + self.id]
            text = self._array(block, at) if ident in arrays and ident not in seen else None
            if text:
                seen.add(ident)
                start = low + at + self.id + 10
                width = 2 if block[at + self.id + 9] == _CHARS else 1
                count = struct.unpack_from(">I", block, at + self.id + 5)[0]
                yield ident, text, start, start + width * count


_OF_NAMES = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-:/[] "
