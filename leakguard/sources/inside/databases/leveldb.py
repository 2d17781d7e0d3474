"""Keys and values of LevelDB and RocksDB: the write-ahead log, and how browsers write what they keep in these.

Promises: nothing is opened as a database, locked, repaired or compacted; deleted and overwritten versions are read as
all others and say so; what is no record is handed out as it stands. Memory is a batch, and a hash for each key.

Sources: LevelDB's doc/log_format.md and db/write_batch.cc; RocksDB's db/write_batch.cc and db/log_format.h; Chromium's
components/services/storage/dom_storage (a localStorage key is `_origin NUL key`, keys and values begin with 0 for UTF-16 or
1 for Latin-1). Imported by `sources.inside.walk` and `sstables`.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from leakguard.sources.inside.base import Context, Member, Stream
from leakguard.sources.inside.databases.idbkeys import RECORD, UNDO, chromium, undone
from leakguard.sources.inside.databases.records import Cell, Facts, Row, Runs, pair, tables
from leakguard.sources.inside.databases.v8values import cells_of

BLOCK = 32 * 1024
LARGEST_BATCH = 256 * 1024 * 1024
MOST_KEYS = 1_000_000
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4
_RECYCLED = 4
"""What RocksDB adds to the type of a record in a log file that it uses again."""


class Entry(NamedTuple):
    """A version of a key. `value` is None where it was deleted."""

    key: bytes
    value: bytes | None
    sequence: int


def log(stream: Stream, context: Context) -> Iterator[Member]:
    """A write-ahead log: every put in it, also of keys that were overwritten or deleted since."""
    file, size = stream.file()
    last = _last_of(_Log(file, size, context))
    reader = _Log(file, size, context, tell=True)
    yield from tables("@log", _rows(reader, last))
    if reader.raw:
        pieces = Runs(file, reader.raw)
        yield Member("@rest", pieces, kind="gap", place=pieces.facts_at)


def _last_of(reader: _Log) -> dict[int, int]:
    """The last sequence of each key, by its hash."""
    last: dict[int, int] = {}
    for entry in reader.entries():
        if len(last) < MOST_KEYS:
            last[hash(entry.key)] = entry.sequence
    return last


def _rows(reader: _Log, last: dict[int, int]) -> Iterator[Row]:
    said = Said()
    for entry in reader.entries():
        if entry.value is None:
            continue
        stale = last.get(hash(entry.key), entry.sequence) > entry.sequence
        row = said.row(entry, stale)
        if row is not None:
            yield row


class Said:
    """Makes rows of entries, and knows what those of IndexedDB before said: indexes repeat what a record holds, and transactions
    write down what they are about to change."""

    def __init__(self) -> None:
        self._hashes: set[int] = set()

    def row(self, entry: Entry, stale: bool) -> Row | None:
        """A key and its value as browsers mean them, and everybody else writes them; None for a copy of what was said."""
        if entry.key.startswith(UNDO) and entry.value and (before := undone(entry.value)) is not None:
            if hash(before) in self._hashes:
                return None
            entry, stale = Entry(*before, entry.sequence), True
        label, key, value = _browsers(entry.key, entry.value or b"")
        facts: Facts = (("sequence", str(entry.sequence)), *((("deleted", "yes"),) if stale else ()))
        label = f"deleted {label}" if stale else label
        fields = cells_of(value) if b"\xff" in value[:6] else None
        indexed = chromium(key)
        if indexed is not None:
            self._add(hash((entry.key, entry.value)))
            cells = self._indexed(*indexed, fields, value)
            if not cells:
                return None
        else:
            cells = [("key", key), *fields] if fields is not None else pair(key, value)
        return Row(label, cells, facts, f"sequence {entry.sequence}")

    def _indexed(self, index: int, texts: list[bytes], fields: list[Cell] | None, value: bytes) -> list[Cell]:
        """The cells of a record of IndexedDB, or of an entry that leads to one: those of its texts that are news."""
        if index != RECORD or not value:
            return [("key", text) for text in texts if text and self._add(hash(text))]
        cells: list[Cell] = [("key", text) for text in texts if text]
        cells += fields if fields is not None else [("value", value)]
        for _, content in cells:
            self._add(hash(content))
        return cells

    def _add(self, number: int) -> bool:
        """Remembers it; was it new?"""
        if number in self._hashes:
            return False
        if len(self._hashes) < MOST_KEYS:
            self._hashes.add(number)
        return True


def _browsers(key: bytes, value: bytes) -> tuple[str, bytes, bytes]:
    """(origin, key, value): Chromium's localStorage and sessionStorage decoded, anything else as it stands."""
    if key[:1] == b"_":
        origin, nul, name = key.partition(b"\0")
        if nul and name[:1] in (b"\0", b"\1"):
            return origin[1:].decode("utf-8", "replace"), _text(name), _text(value)
    if key.startswith(b"map-") and len(value) % 2 == 0 and value[1::2].count(0) * 2 >= len(value) > 0:
        number, _, name = key[4:].partition(b"-")
        name = name.decode("utf-16-le", "replace").encode() if b"\0" in name else name
        return f"map {number.decode('ascii', 'replace')}", name, value.decode("utf-16-le", "replace").encode()
    return "entry", key, value


def _text(value: bytes) -> bytes:
    if value[:1] == b"\0" and len(value) % 2:
        return value[1:].decode("utf-16-le", "replace").encode()
    return value[1:].decode("latin-1").encode() if value[:1] == b"\1" else value


class _Log:
    """The records of a log, put together from their fragments. `raw`: start, end of what is none."""

    def __init__(self, file: BinaryIO, size: int, context: Context, tell: bool = False) -> None:
        self.file = file
        self.size = size
        self.context = context
        self.tell = tell
        self.raw = array("Q")

    def entries(self) -> Iterator[Entry]:
        for batch, spans in self._records():
            good = True
            for entry in entries_of(batch):
                if entry is None:
                    good = False
                else:
                    yield entry
            if not good:
                self._told("a batch in it is damaged, or of a kind not known")
                self.raw.extend(spans)

    def _told(self, reason: str) -> None:
        if self.tell:
            self.context.tell("failed", "", f"leveldb-log: {reason}")

    def _records(self) -> Iterator[tuple[bytes, list[int]]]:
        """(a record, where its fragments are)."""
        parts: list[bytes] = []
        spans: list[int] = []
        length = 0
        for base in range(0, self.size, BLOCK):
            self.context.budget.spend(0)
            self.file.seek(base)
            block = self.file.read(BLOCK)
            for at, end, kind in self._fragments(base, block):
                if kind in (_FULL, _FIRST) and parts:
                    self._told("a record in it has no end")
                    self.raw.extend(spans)
                    parts, spans, length = [], [], 0
                if kind in (_MIDDLE, _LAST) and not parts:
                    self._told("a record in it has no beginning")
                    self.raw.extend((base + at, base + end))
                    continue
                length += end - at
                spans += (base + at, base + end)
                parts.append(block[at:end] if length <= LARGEST_BATCH else b"")
                if kind in (_FULL, _LAST):
                    yield b"".join(parts), spans
                    parts, spans, length = [], [], 0
        if parts:
            self._told("ends in the middle of a record")
            self.raw.extend(spans)

    def _fragments(self, base: int, block: bytes) -> Iterator[tuple[int, int, int]]:
        """(start, end, kind) of the fragments in a block; what is none is raw."""
        at = 0
        while at + 7 <= len(block):
            length, kind = int.from_bytes(block[at + 4 : at + 6], "little"), block[at + 6]
            start = at + 7
            if not kind and not length and not any(block[at:start]):
                break  # room that was made beforehand
            if _FULL + _RECYCLED <= kind <= _LAST + _RECYCLED:
                kind -= _RECYCLED
                start += 4
                length = max(0, length)
            if not _FULL <= kind <= _LAST or start + length > len(block):
                self._told("damaged record" if base + len(block) < self.size else "ends in a damaged record")
                break
            yield start, start + length, kind
            at = start + length
        if block[at:].strip(b"\0"):
            if len(block) - at < 7:
                self._told("ends in the middle of a record")
            self.raw.extend((base + at, base + len(block)))


# ---------------------------------------------------------------- batches
_PUTS = {1: False, 5: True, 2: False, 6: True, 0x11: False, 0x10: True, 0x16: False, 0x15: True}
"""Tags with key and value -> whether a column family stands before: put, merge, blob index, entity."""
_DELETES = {0: False, 4: True, 7: False, 8: True}
_RANGES = {0xF: False, 0xE: True}
_MARKS = {9: 0, 0xD: 0, 3: 1, 0xA: 1, 0xB: 1, 0xC: 1, 0x12: 0, 0x13: 0}
"""Tags of transactions and log data -> strings behind them."""


def entries_of(batch: bytes) -> Iterator[Entry | None]:
    """The operations of a write batch; a None where it cannot be read on."""
    if len(batch) < 12:
        yield None
        return
    sequence = int.from_bytes(batch[:8], "little")
    at = 12
    while at < len(batch):
        tag = batch[at]
        at += 1
        if _PUTS.get(tag) or _DELETES.get(tag) or _RANGES.get(tag):
            _, at = varint(batch, at)
        if tag in _PUTS or tag in _RANGES:
            key, at = _string(batch, at)
            value, at = _string(batch, at)
            if at < 0:
                yield None
                return
            yield Entry(key, value, sequence)
        elif tag in _DELETES:
            key, at = _string(batch, at)
            if at < 0:
                yield None
                return
            yield Entry(key, None, sequence)
        elif tag in _MARKS:
            for _ in range(_MARKS[tag]):
                key, at = _string(batch, at)
                if at < 0:
                    yield None
                    return
                yield Entry(b"@mark", key, sequence)
            sequence -= 1
        else:
            yield None
            return
        sequence += 1


def varint(data: bytes, at: int) -> tuple[int, int]:
    """(value, offset behind it) of a little-endian variable-length integer; an offset of -1 where there is none."""
    if at < 0:
        return 0, -1
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            return 0, -1
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    return 0, -1


def _string(data: bytes, at: int) -> tuple[bytes, int]:
    length, at = varint(data, at)
    if at < 0 or length > len(data) - at:
        return b"", -1
    return data[at : at + length], at + length
