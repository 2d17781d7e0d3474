"""Redis: snapshots (RDB, versions 1 to 12) and append-only files, also those that begin with a snapshot.

Promises: a stream, read once; a length is checked before it is believed; what cannot be read on is told and handed out
as it stands. In an append-only file every command is read, also those whose effect later ones undid. Keys, which may be
tokens themselves, are content and never a name or a fact.

Sources: Redis' src/rdb.h and rdb.c; https://rdb.fnordig.de/file_format.html. Imported by `sources.inside.walk`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from leakguard.sources.inside.base import BrokenError, Context, Member, Stream
from leakguard.sources.inside.databases.records import Cell, Facts, Row, Tape, pair, tables
from leakguard.sources.inside.databases.redisvalues import elements, stream_cells
from leakguard.sources.inside.databases.snappy import DamagedError, unlzf

LARGEST = 64 * 1024 * 1024
"""Longest string; where one is longer (Redis has up to 512 MiB) the rest is handed out as it stands."""
AT_ONCE = 1000
"""Fields of one key that are one row."""
_NEWEST = 12
_SETTERS = frozenset((b"SET", b"SETNX", b"GETSET", b"APPEND", b"PUBLISH", b"LPUSH", b"RPUSH", b"SADD"))
_TIMED = frozenset((b"SETEX", b"PSETEX"))
_HASHES = frozenset((b"HSET", b"HMSET", b"HSETNX"))
_LONG = f"a value is longer than {LARGEST} bytes, or damaged"
Text = bytes | int


def rdb(stream: Stream, context: Context) -> Iterator[Member]:
    """A snapshot: its keys, then what follows it (the commands of an append-only file)."""
    head = stream.exactly(9)
    version = head[6:] if head[:6] == b"VALKEY" else head[5:]
    if not version.isdigit():
        raise BrokenError("damaged header", head)
    if int(version) > _NEWEST:
        context.tell("failed", "", f"redis-rdb: version {int(version)} is newer than is known here")
    snapshot = _Snapshot(Tape(stream), context)
    yield from tables("@keys", snapshot.rows())


class _Snapshot:
    def __init__(self, tape: Tape, context: Context) -> None:
        self.stream = tape
        self.context = context
        self.ended = False
        self.expires = ""
        self.database = 0
        self.number = 0

    # ------------------------------------------------------------ numbers and strings
    def length(self) -> tuple[int, bool]:
        """(a length, or the number of a special form; is it special?)."""
        first = self.stream.exactly(1)[0]
        kind, low = first >> 6, first & 63
        if kind == 0:
            return low, False
        if kind == 1:
            return low << 8 | self.stream.exactly(1)[0], False
        if kind == 3:
            return low, True
        if first not in (0x80, 0x81):
            raise BrokenError("damaged length")
        return int.from_bytes(self.stream.exactly(4 if first == 0x80 else 8), "big"), False

    def count(self) -> int:
        value, special = self.length()
        if special:
            raise BrokenError("damaged length")
        return value

    def string(self) -> bytes:
        length, special = self.length()
        if not special:
            return self._bytes(length)
        if length < 3:
            return b"%d" % int.from_bytes(self.stream.exactly(1 << length), "little", signed=True)
        if length > 3:
            raise BrokenError("damaged string")
        packed, size = self.count(), self.count()
        if size > LARGEST or size > 265 * packed + 265:  # as far as three bytes can go
            raise BrokenError("damaged string")
        data = self._bytes(packed)
        try:
            return unlzf(data, size)
        except DamagedError:
            raise BrokenError("a string is damaged") from None

    def _bytes(self, length: int) -> bytes:
        if length > LARGEST:
            raise BrokenError(_LONG)
        return self.stream.exactly(length)

    # ------------------------------------------------------------ keys
    def rows(self) -> Iterator[Row]:
        """All keys; what follows the snapshot stays in the stream."""
        for row in self.stream.records(self._record):
            yield row
            if self.ended:
                return
        raise BrokenError("ends without its end mark")

    def _record(self) -> Iterator[Row]:
        """The rows of a key, or of what stands between them."""
        self.context.budget.spend(0)
        code = self.stream.exactly(1)[0]
        if code == 0xFF:
            self.stream.stream.skip(8)
            self.ended = True
            yield Row("end", ())
        elif code == 0xFD:
            self.expires = str(int.from_bytes(self.stream.exactly(4), "little"))
        elif code == 0xFC:
            self.expires = str(int.from_bytes(self.stream.exactly(8), "little") // 1000)
        elif code in (0xFA, 0xF5, 0xF6, 0xF7, 0xF8, 0xF9, 0xFB, 0xFE, 0xF4):
            yield from self._told(code)
        else:
            expires, self.expires = self.expires, ""
            yield from self._key(code, expires)

    def _told(self, code: int) -> Iterator[Row]:
        """What is no key: fields about the file, functions, sizes."""
        if code == 0xFA:
            name, value = self.string(), self.string()
            yield Row("aux", pair(name, value))
        elif code == 0xF5:
            yield Row("function", [("function", self.string())])
        elif code == 0xF6:
            yield Row("function", [("name", self.string()), ("engine", self.string())])
            if self.count():
                yield Row("function", [("description", self.string())])
            yield Row("function", [("code", self.string())])
        elif code == 0xF7:
            self.count(), self.count(), self.count()
            yield Row("module", [("value", value) for value in self._module()])
        elif code == 0xF9:
            self.stream.exactly(1)
        elif code == 0xFE:
            self.database = self.count()
        else:
            for _ in range({0xF8: 1, 0xFB: 2, 0xF4: 3}[code]):
                self.count()

    def _key(self, kind: int, expires: str) -> Iterator[Row]:
        self.number += 1
        key = self.string()
        facts: Facts = (("database", str(self.database)), *((("expires", expires),) if expires else ()))
        name = f"key {self.number}"
        if kind == 0:
            yield Row("string", pair(key, self.string()), facts, name)
            return
        label = key.decode("utf-8", "replace")
        cells = ((label if field == "value" else field, value) for field, value in self._cells(kind))
        while some := list(islice(cells, AT_ONCE)):
            yield Row(label, some, facts, name)

    def _cells(self, kind: int) -> Iterator[Cell]:
        """The values of a key, each with its field's name if it has one."""
        if kind in (1, 2, 3, 5, 14, 18):
            yield from self._members(kind)
        elif kind == 4:
            for _ in range(self.count()):
                yield from pair(self.string(), self.string())
        elif kind in (9, 10, 11, 12, 13, 16, 17, 20, 23, 25):
            if kind == 25:
                self.stream.exactly(8)
            yield from _grouped(elements(kind, self.string()), {9: 2, 13: 2, 16: 2, 23: 3, 25: 3}.get(kind, 1))
        elif kind in (22, 24):
            if kind == 24:
                self.stream.exactly(8)
            for _ in range(self.count()):
                self.count()
                yield from pair(self.string(), self.string())
        elif kind in (15, 19, 21):
            yield from self._stream(kind)
        elif kind == 7:
            self.count()
            for value in self._module():
                yield "value", value
        else:
            raise BrokenError(f"a value of kind {kind}, which is not known")

    def _members(self, kind: int) -> Iterator[Cell]:
        """Lists, sets and sorted sets; lists of nodes (quicklists)."""
        for _ in range(self.count()):
            if kind == 14:
                yield from _grouped(elements(10, self.string()), 1)
                continue
            if kind == 18:
                plain = self.count() == 1
                data = self.string()
                yield from [("value", data)] if plain else _grouped(elements(16, data), 1)
                continue
            yield "value", self.string()
            if kind == 3:
                size = self.stream.exactly(1)[0]
                self.stream.exactly(size if size < 253 else 0)
            elif kind == 5:
                self.stream.exactly(8)

    def _stream(self, kind: int) -> Iterator[Cell]:
        for _ in range(self.count()):
            self.string()
            yield from stream_cells(self.string())
        for _ in range(3 if kind == 15 else 8):
            self.count()
        for _ in range(self.count()):  # groups
            yield "group", self.string()
            for _ in range(2 if kind == 15 else 3):
                self.count()
            for _ in range(self.count()):
                self.stream.exactly(24)
                self.count()
            for _ in range(self.count()):  # consumers
                yield "consumer", self.string()
                self.stream.exactly(16 if kind == 21 else 8)
                for _ in range(self.count()):
                    self.stream.exactly(16)

    def _module(self) -> Iterator[bytes]:
        """The strings in a module's value."""
        while code := self.count():
            if code in (1, 2):
                self.count()
            elif code in (3, 4):
                self.stream.exactly(4 if code == 3 else 8)
            elif code == 5:
                yield self.string()
            else:
                raise BrokenError("a module's value is damaged")


def _grouped(values: Iterator[Text], by: int) -> Iterator[Cell]:
    """Values that stand one behind the other, as fields and values."""
    for first in values:
        if by == 1:
            yield "value", first
            continue
        second = next(values, b"")
        if by == 3:
            next(values, None)
        key = first if isinstance(first, bytes) else b"%d" % first
        yield from pair(key, second if isinstance(second, bytes) else b"%d" % second)


# ---------------------------------------------------------------- append-only files
def aof(stream: Stream, context: Context) -> Iterator[Member]:
    """An append-only file, or a part of one."""
    commands = _Commands(Tape(stream), context)
    yield from tables("@commands", commands.tape.records(commands.rows))


class _Commands:
    """The commands of an append-only file."""

    def __init__(self, tape: Tape, context: Context) -> None:
        self.tape = tape
        self.context = context
        self.count = 0

    def rows(self) -> Iterator[Row]:
        """The rows of the next command."""
        self.context.budget.spend(0)
        if self.tape.peek(1) == b"#":
            self._line()
            return
        count = self._number(b"*")
        if not 0 < count <= 1 << 24:
            raise BrokenError("damaged command")
        self.count += 1
        yield from _command((self._word() for _ in range(count)), self.count)

    def _line(self) -> bytes:
        ahead = self.tape.peek(64)
        end = ahead.find(b"\r\n")
        if end < 0:
            raise BrokenError("ends in the middle of a command" if len(ahead) < 64 else "damaged command")
        return self.tape.exactly(end + 2)[:-2]

    def _number(self, sign: bytes) -> int:
        line = self._line()
        if line[:1] != sign or not line[1:].isdigit() or len(line) > 20:
            raise BrokenError("damaged command")
        return int(line[1:])

    def _word(self) -> bytes:
        length = self._number(b"$")
        if length > LARGEST:
            raise BrokenError(_LONG)
        value = self.tape.exactly(length)
        if self.tape.exactly(2) != b"\r\n":
            raise BrokenError("damaged command")
        return value


def _command(words: Iterator[bytes], number: int) -> Iterator[Row]:
    """A command as what it sets, where it sets something."""
    verb = next(words, b"").upper()
    name = f"command {number}"
    if verb in _HASHES:
        label = next(words, b"").decode("utf-8", "replace")
        while some := list(islice(words, 2 * AT_ONCE)):
            yield Row(
                label,
                [cell for at in range(0, len(some), 2) for cell in pair(some[at], b"".join(some[at + 1 : at + 2]))],
                (),
                name,
            )
        return
    rest = list(words)
    if verb in (b"MSET", b"MSETNX"):
        for at in range(0, len(rest), 2):
            yield Row("set", pair(rest[at], b"".join(rest[at + 1 : at + 2])), (), name)
    elif verb in _SETTERS and len(rest) > 1:
        for value in rest[1:2] if verb in (b"SET", b"SETNX", b"GETSET", b"APPEND") else rest[1:]:
            yield Row("set", pair(rest[0], value), (), name)
    elif verb in _TIMED and len(rest) > 2:
        yield Row("set", pair(rest[0], rest[2]), (), name)
    elif verb == b"CONFIG" and len(rest) > 2:
        yield Row("config", pair(rest[1], rest[2]), (), name)
    elif rest:
        yield Row("command", [(verb.decode("ascii", "replace").lower(), b" ".join(rest))], (), name)
