"""Pickles: the strings in them as text. Nothing is ever unpickled.

Promises: a pickle's operations are read one by one, as `pickletools` lists them, and none is carried out; a small model
of its stack says which string is the key of which, so that both stand on one line, `key = value`; each string is
handed out once, bytes as they stand. What is no operation ends the reading, and the rest is scanned as it stands
(joblib and torch put arrays between and behind operations). Memory is bounded: what waits for its key is handed out
without one when it is too much.

Imported by `sources.inside.walk` and `columns.arrays`.
"""

from __future__ import annotations

import pickletools
import re
import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

from leakguard.sources.inside.base import CHUNK, BrokenError, Context, Member, Pieces, Stream, Told

LONGEST_STRING = 16 * 1024 * 1024
"""Bytes of a string that waits for its key; longer ones are handed on in pieces."""
LONGEST_LINE = 1024 * 1024
"""Bytes of an argument that ends with its line."""
LONGEST_KEY = 200
MOST_WAITING = 32 * 1024 * 1024
"""Bytes of strings on the model of the stack."""
DEEPEST = 100_000
"""Values on the model of the stack, and names in that of the memo."""
MOST_TOGETHER = 64
"""Strings of one tuple or call that stay together, to stand behind one key."""
_SIZES = {
    pickletools.TAKEN_FROM_ARGUMENT1: struct.Struct("<B"),
    pickletools.TAKEN_FROM_ARGUMENT4: struct.Struct("<i"),
    pickletools.TAKEN_FROM_ARGUMENT4U: struct.Struct("<I"),
    pickletools.TAKEN_FROM_ARGUMENT8U: struct.Struct("<Q"),
}
_TEXTUAL = re.compile(r"UNICODE|STRING|BYTES|BYTEARRAY")
_PIECES_IN_FILE = (b"NumpyArrayWrapper", b"torch")
"""Who puts raw data into a pickle's file."""


_REMEMBER, _RECALL, _ITEMS, _AGAIN, _NAMES, _TEXT, _SECTION, _NOTHING, _EFFECT = range(9)
_WHAT = {
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"), _REMEMBER),
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), _RECALL),
    **dict.fromkeys(("SETITEM", "SETITEMS", "DICT"), _ITEMS),
    **dict.fromkeys(("GLOBAL", "INST", "PERSID"), _NAMES),
    **dict.fromkeys(("EMPTY_DICT", "EMPTY_LIST", "EMPTY_SET"), _SECTION),
    **dict.fromkeys(("PROTO", "FRAME", "STOP"), _NOTHING),
    "DUP": _AGAIN,
}
"""What is done about an operation; `_EFFECT` for all others but those that push text."""


class Operation(NamedTuple):
    """One of pickle's operations, as much as is asked here."""

    name: str
    what: int
    argument: int | None
    """Bytes of its argument, or one of pickletools' marks; None if it has none."""
    below: int
    """Values that it takes, beside those down to the mark."""
    to_mark: bool
    after: int
    marks: bool


def _operation(found: Any) -> Operation:
    to_mark = pickletools.markobject in found.stack_before
    marks = found.stack_after == [pickletools.markobject]
    textual = _TEXT if _TEXTUAL.search(found.name) else _EFFECT
    return Operation(
        name=found.name,
        what=_WHAT.get(found.name, textual),
        argument=found.arg.n if found.arg is not None else None,
        below=0 if to_mark else len(found.stack_before),  # the container below a mark stays
        to_mark=to_mark,
        after=0 if marks else len(found.stack_after),
        marks=marks,
    )


OPERATIONS: list[Operation | None] = [None] * 256
for _found in pickletools.opcodes:
    OPERATIONS[ord(_found.code)] = _operation(_found)
_FIXED = [0] * 256
"""By code, the size of an operation that does nothing but push a number, a truth value or nothing."""
for _code, _known in enumerate(OPERATIONS):
    if _known and _known.name in ("BININT", "BININT1", "BININT2", "BINFLOAT", "NONE", "NEWTRUE", "NEWFALSE"):
        _FIXED[_code] = 1 + (_known.argument or 0)


class _String:
    """Strings that belong together, and whether they were handed out."""

    __slots__ = ("count", "data", "told")

    def __init__(self, data: bytes, count: int = 1) -> None:
        self.data = data
        self.count = count
        self.told = False


class _Mark:
    """On the stack: what lies above it goes into one container."""


_MARK = _Mark()
_Value = _String | _Mark | None


class _Pickle:
    """The text of one pickle, and what its stack would hold."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.base = stream.position
        self.buffer, self.at = b"", 0  # what was read of the stream, and how far it was gone through
        self.out: list[bytes] = []
        self.made = 0  # bytes in `out`
        self.passing = 0  # bytes of a long string to be handed on as they come
        self.stack: list[_Value] = []
        self.waiting = 0
        self.memo: dict[int, _String] = {}
        self.memoized = 0
        self.foreign = False

    def text(self) -> Iterator[bytes]:
        """Pieces of text. The stream is behind the pickle then, or in front of what is none."""
        broken: Exception | None = None
        try:
            while self._next():
                if self.made > CHUNK or self.passing:
                    yield self._taken()
                while self.passing:
                    yield self._passed()
        except (BrokenError, Told) as error:
            broken = error
        self._flush()
        yield self._taken()
        self.stream.unread(self.buffer[self.at :])
        self.buffer, self.at = b"", 0
        if broken is not None:
            raise broken

    def _next(self) -> bool:
        """One operation; False behind the last."""
        self._numbers()
        operation = OPERATIONS[self.buffer[self.at]] if self._has(1) else None
        if operation is None:
            ended = self.at >= len(self.buffer)
            if self.foreign and not ended:
                return False
            at = self.stream.position - self.base - len(self.buffer) + self.at
            raise BrokenError(f"pickle: {'ends early' if ended else 'no operation'} at byte {at}")
        self.at += 1
        self._step(operation)
        if self.waiting > MOST_WAITING or len(self.stack) > DEEPEST:
            self._flush()
        return operation.name != "STOP"

    def _numbers(self) -> None:
        """Passes over numbers, of which most large pickles are full."""
        buffer, at, stack = self.buffer, self.at, self.stack
        stop = len(buffer) - 9
        while at < stop and (size := _FIXED[buffer[at]]):
            stack.append(None)
            at += size
            if len(stack) > DEEPEST:
                break
        self.at = at

    def _step(self, operation: Operation) -> None:
        what = operation.what
        argument = self._argument(operation) if operation.argument is not None else b""
        if what == _REMEMBER:
            self._remember(self.memoized if operation.name == "MEMOIZE" else _number(operation.name, argument))
        elif what == _RECALL:
            self._push(self.memo.get(_number(operation.name, argument)))
        elif what == _TEXT:
            self._push(_String(_unquoted(argument) if operation.name == "STRING" else argument) if argument else None)
        elif what == _ITEMS:
            self._items(operation)
        elif what == _AGAIN:
            self._push(self.stack[-1] if self.stack else None)
        elif what != _NOTHING:
            if what == _NAMES:
                self.foreign = self.foreign or any(word in argument for word in _PIECES_IN_FILE)
                self._say(argument + b"\n")
            elif what == _SECTION:
                self._section()
            self._effect(operation)

    # ------------------------------------------------------------ what is handed out
    def _say(self, text: bytes) -> None:
        self.out.append(text)
        self.made += len(text)

    def _taken(self) -> bytes:
        text = b"".join(self.out)
        self.out.clear()
        self.made = 0
        return text

    def _lines(self, values: list[_Value]) -> None:
        for value in values:
            if isinstance(value, _String) and not value.told:
                value.told = True
                self._say(value.data + b"\n")

    def _flush(self) -> None:
        """All strings on the stack, which goes on empty."""
        values, self.stack, self.waiting = self.stack, [], 0
        self._lines(values)

    # ------------------------------------------------------------ what is read
    def _has(self, count: int) -> bool:
        """Are so many bytes left? They are in the buffer then."""
        while len(self.buffer) - self.at < count:
            data = self.stream.upto(max(CHUNK, count - len(self.buffer) + self.at))
            if not data:
                return False
            self.buffer, self.at = self.buffer[self.at :] + data, 0
        return True

    def _argument(self, operation: Operation) -> bytes:
        """An operation's argument; b"" for a string that is too long and is `passing`."""
        size = operation.argument or 0
        if size >= 0:
            return self._whole(size)
        if size == pickletools.UP_TO_NEWLINE:
            line = self._line()
            return line + b" " + self._line() if operation.name in ("GLOBAL", "INST") else line
        form = _SIZES[size]
        length = form.unpack(self._whole(form.size))[0]
        if length < 0:
            raise BrokenError("pickle: a negative length")
        if length <= LONGEST_STRING:
            return self._whole(length)
        self.passing = length
        return b""

    def _whole(self, size: int) -> bytes:
        """So many bytes; what is left of them where the file was cut off goes back, to be scanned as it stands."""
        at = self.at
        if len(self.buffer) - at < size:
            if not self._has(size):
                raise BrokenError("pickle: ends in the middle of a value")
            at = self.at
        self.at = at + size
        return self.buffer[at : at + size]

    def _line(self) -> bytes:
        size = 256
        while (end := self.buffer.find(b"\n", self.at, self.at + LONGEST_LINE)) < 0:
            if size >= LONGEST_LINE or not self._has(size):
                raise BrokenError("pickle: an argument without an end")
            size *= 4
        self.at, line = end + 1, self.buffer[self.at : end]
        return line

    def _passed(self) -> bytes:
        """The next piece of a long string."""
        if not self._has(1):
            self.passing = 0
            raise BrokenError("pickle: ends in the middle of a string")
        data = self.buffer[self.at : self.at + self.passing]
        self.at += len(data)
        self.passing -= len(data)
        return data if self.passing else data + b"\n"

    # ------------------------------------------------------------ the stack
    def _push(self, value: _Value) -> None:
        self.stack.append(value)
        if value.__class__ is _String and not value.told:
            self.waiting += len(value.data)

    def _pop(self) -> _Value:
        value = self.stack.pop() if self.stack else None
        if value.__class__ is _String and not value.told:
            self.waiting -= len(value.data)
        return value

    def _popped(self, operation: Operation) -> list[_Value]:
        """What an operation takes, in order."""
        if not operation.to_mark:
            return [self._pop() for _ in range(operation.below)][::-1]
        taken: list[_Value] = []
        while self.stack:
            value = self._pop()
            if value is _MARK:
                break
            taken.append(value)
        taken.reverse()
        return taken

    def _effect(self, operation: Operation) -> None:
        """Any other operation: the strings it takes stay together, if they are few."""
        if operation.marks:
            self.stack.append(_MARK)
            return
        if operation.name in ("APPEND", "ADDITEMS", "APPENDS"):
            self._lines(self._popped(operation) if operation.to_mark else [self._pop()])
            return
        if not operation.below and not operation.to_mark:
            self.stack += [None] * operation.after
            return
        taken = [value for value in self._popped(operation) if isinstance(value, _String) and not value.told]
        if operation.name == "STACK_GLOBAL":
            self.foreign = self.foreign or any(word in value.data for value in taken for word in _PIECES_IN_FILE)
            self._lines([*taken])
            taken = []
        count = sum(value.count for value in taken)
        made: _Value = None
        if 0 < count <= MOST_TOGETHER and operation.after:
            made = _String(b", ".join(value.data for value in taken), count)
            for value in taken:
                value.told = True
        else:
            self._lines([*taken])
        for _ in range(operation.after):
            self._push(made)
            made = None

    def _items(self, operation: Operation) -> None:
        """Keys and values, a line each."""
        taken = self._popped(operation) if operation.to_mark else [self._pop(), self._pop()][::-1]
        for at in range(0, len(taken) - 1, 2):
            key, value = taken[at], taken[at + 1]
            if isinstance(value, _String) and not value.told and isinstance(key, _String) and _may_label(key.data):
                value.told = key.told = True
                self._say(b"%s = %s\n" % (key.data, value.data))
            else:
                self._lines([key, value])
        self._lines(taken[len(taken) & ~1 :])
        if operation.name == "DICT":
            self._push(None)

    def _section(self) -> None:
        """A container begins: the string before it is its key, most likely."""
        key = self.stack[-1] if self.stack else None
        if isinstance(key, _String) and not key.told and _may_label(key.data):
            self.waiting -= len(key.data)
            key.told = True
            self._say(b"[%s]\n" % key.data)

    def _remember(self, number: int) -> None:
        self.memoized += 1
        top = self.stack[-1] if self.stack else None
        if isinstance(top, _String) and len(top.data) <= LONGEST_KEY and len(self.memo) < DEEPEST:
            self.memo[number] = top


def _may_label(key: bytes) -> bool:
    return 0 < len(key) <= LONGEST_KEY and b"\n" not in key


def _number(name: str, argument: bytes) -> int:
    if name in ("GET", "PUT"):
        return int(argument) if argument.isdigit() and len(argument) < 20 else -1
    return int.from_bytes(argument, "little")


def _unquoted(argument: bytes) -> bytes:
    return argument[1:-1] if len(argument) > 1 and argument[:1] in b"'\"" and argument[:1] == argument[-1:] else argument


_OLD = (b"(dp", b"(lp", b"cco", b"}q\0", b"]q\0", b"(X")
"""How those of protocol 0 begin, whose operations are lines, and of protocol 1 those of containers and objects."""


def begins(head: bytes) -> bool:
    """Does a pickle begin here? Of a bare string or number of protocol 1 nothing tells that from other bytes."""
    if head.startswith(_OLD):
        return True
    return head[:1] == b"\x80" and head[1:2] in (b"\2", b"\3", b"\4", b"\5") and head[2:3] != b"" and OPERATIONS[head[2]] is not None


def texts(stream: Stream) -> Iterator[bytes]:
    """The text of all pickles that stand one behind the other."""
    while begins(stream.peek(3)):
        yield from _Pickle(stream).text()


def pickle(stream: Stream, _context: Context) -> Iterator[Member]:
    """One member, `strings`."""
    yield Member("strings", Pieces(texts(stream)))
