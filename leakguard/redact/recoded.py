"""Text of two or four bytes a character (UTF-16, as PowerShell writes its logs, UTF-32), read as UTF-8 by the redactor and
written as it was.

The scanner's rules read such text by themselves, but names, places and lines of JSON are looked for in text of one byte: so what
begins as such a text is recoded on its way in and back on its way out, character by character; what is no character stays as it
is, and a part of one at the end. Where it goes on as text of one byte a character (PowerShell begins a log, another program
appends to it) it ends, and the rest is read as it is. All else passes as it is. Keeps a few bytes. Imported by core.py, files.py,
pump.py, child.py, fds.py and cli/redact.py.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leakguard.redact.core import Redactor

_MARKS = (b"\xff\xfe\0\0", "utf-32-le"), (b"\0\0\xfe\xff", "utf-32-be"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")
_SHAPES = {b"x0": "utf-16-le", b"0x": "utf-16-be", b"x000": "utf-32-le", b"000x": "utf-32-be"}
"""Where the zeros are of text without a mark."""
LOOK = 32
"""Bytes without a mark of their order of which every character must be of one byte and zeros."""
LEAST = 8
"""The same of the beginning of a text, all of printable characters; half as much if it is all there is."""
TURN = 32
"""Printable bytes in a row, none of them a zero, that are text of one byte a character: of Chinese, whose characters are two such
bytes now and then (less than a quarter), sixteen in a row hardly are."""
TURN_AT_END = 12
"""The same where nothing comes behind them."""
_RUN = b"\1" * TURN
_PRINTABLE = bytes(1 if 32 <= byte < 127 or byte in (9, 10, 13, 27) else 0 for byte in range(256))
_ZERO = ord("0")
_RAW = "leakguard.raw"


def _as_it_is(error: UnicodeError) -> tuple[str | bytes, int]:
    """Four bytes that are no character of UTF-32, as four that no text has, and back."""
    if isinstance(error, UnicodeDecodeError):
        return "".join(chr(0xDC00 + byte) for byte in error.object[error.start : error.end]), error.end
    if not isinstance(error, UnicodeEncodeError):
        raise error
    four = error.object[error.start : error.start + 4]
    if len(four) == 4 and all(0xDC00 <= ord(sign) <= 0xDCFF for sign in four):
        return bytes(ord(sign) - 0xDC00 for sign in four), error.start + 4
    return "\ufffd", error.start + 1  # a mask that begins or ends within them


codecs.register_error(_RAW, _as_it_is)


def encoding_of(head: bytes, whole: bool = True) -> str | None:
    """`utf-16-le`, `utf-16-be`, `utf-32-le` or `utf-32-be` for what begins so; "" for everything else. None, unless it is `whole`,
    where the next bytes will tell."""
    if not whole and (len(head) < 2 or any(mark != head and mark.startswith(head) for mark, _ in _MARKS)):
        return None
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    head = head[:LOOK]
    found: str | None = ""
    for zeros, name in _SHAPES.items():
        step = len(zeros)
        signs = head[zeros.index(b"x") :: step]
        if 0 in signs or any(any(head[at::step]) for at, sign in enumerate(zeros) if sign == _ZERO):
            continue
        if len(head) < LOOK:
            if 0 in signs.translate(_PRINTABLE):
                continue
            if len(head) < (LEAST // 2 if whole else LEAST) or len(head) % step:
                found = found if whole else None
                continue
        return name
    return found


class Recoded:
    """The way in (`taken`) and out (`given`) of one text. `write`: gets what is given."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write
        self._encoding: str | None = None
        self._held = b""
        """What came, and was not taken: it is not known yet what it is."""
        self._read = 0
        """Bytes of the text that were taken."""
        self.behind: bytes | None = None
        """What came where the text had ended, as it is; the next is not for us."""

    def taken(self, data: bytes, whole: bool = False) -> bytes:
        """What the redactor is to read of the next piece. `whole`: nothing comes that would tell more."""
        if self._encoding == "":
            return data
        if self._encoding is None:
            data, self._held = self._held + data, b""
            self._encoding = encoding_of(data, whole) if data else None
            if self._encoding is None:
                self._held = data
                return b""
            if not self._encoding:
                return data
            errors = _errors(self._encoding)
            self._in = codecs.getincrementaldecoder(self._encoding)(errors)
            self._out = codecs.getincrementaldecoder("utf-8")("surrogatepass")
        data, self._held = self._held + data, b""
        end, sure = self._end(data, whole)
        if sure:
            self.behind = data[end:]
        else:
            self._held = data[end:]
        self._read += end
        return self._in.decode(data[:end]).encode("utf-8", "surrogatepass")

    def _end(self, data: bytes, whole: bool) -> tuple[int, bool]:
        """Where the text ends in what comes next, and whether that is sure: else more has to come."""
        signs = data.translate(_PRINTABLE)
        at = signs.find(_RUN)
        sure = at >= 0
        if not sure:
            at = len(signs.rstrip(b"\1"))
            sure = whole and len(data) - at >= TURN_AT_END
        at += -(self._read + at) % (4 if "32" in str(self._encoding) else 2)
        return (at, sure) if sure or (at < len(data) and not whole) else (len(data), False)

    def given(self, data: bytes) -> None:
        """Writes what the redactor made of it, as it was written."""
        self._write(self.back(data) if self._encoding else data)

    def back(self, data: bytes) -> bytes:
        """The same without writing."""
        if not self._encoding:
            return data
        try:
            return self._out.decode(data).encode(self._encoding, _errors(self._encoding))
        except UnicodeDecodeError:  # a mask that begins or ends within a character
            self._out.reset()
            return data.decode("utf-8", "replace").encode(self._encoding)

    @property
    def undecided(self) -> bool:
        """Whether something came, of which it is not known yet what it is."""
        return bool(self._held)

    def rest(self, taken: bool = False) -> bytes:
        """What is left at the end: a part of a character. `taken`: it is not given again."""
        left = (bytes(self._in.getstate()[0]) if self._encoding else b"") + self._held
        if taken and left:
            self._held = b""
            if self._encoding:
                self._in.reset()
        return left


def _errors(encoding: str) -> str:
    return "surrogatepass" if encoding.startswith("utf-16") else _RAW


class Recoding:
    """A Stream, or what is `made` with (redactor, write), for a text that may be wide: `feed`, `idle`, `flush` and `waiting` as of
    a Stream."""

    def __init__(self, redactor: Redactor, write: Callable[[bytes], object], made: Callable[..., Any] | None = None) -> None:
        self._write = write
        self._redactor, self._made = redactor, made
        self._recoded = Recoded(write)
        self._turned = False
        """Whether the wide text is behind us."""
        self.stream: Any = self._stream(self._recoded.given)

    def _stream(self, write: Callable[[bytes], object]) -> Any:
        return self._redactor.stream(write) if self._made is None else self._made(self._redactor, write)

    def feed(self, data: bytes) -> None:
        """Takes some more input."""
        self._passed(data, False)

    def _passed(self, data: bytes, whole: bool) -> None:
        if self._turned:
            self.stream.feed(data)
            return
        data = self._recoded.taken(data, whole)
        if data:
            self.stream.feed(data)
        behind = self._recoded.behind
        if behind is None:
            return
        self._turned = True
        self.stream.flush() if self._made is None else self.stream.close()
        self.stream = self._stream(self._write)
        self.stream.feed(behind)

    def idle(self) -> None:
        """Nothing came for a while: what it is must be told from what there is."""
        if self._recoded.undecided:
            self._passed(b"", True)
        self.stream.idle()

    @property
    def waiting(self) -> bool:
        """Whether something is held back that `idle` has not judged."""
        return self._recoded.undecided or self.stream.waiting

    def flush(self) -> None:
        """The end of the input."""
        self._ended(self.stream.flush)

    def close(self) -> None:
        """The same, where the stream has something to end."""
        self._ended(self.stream.close)

    def _ended(self, end: Callable[[], None]) -> None:
        try:
            if self._recoded.undecided:
                self._passed(b"", True)
        finally:
            end()
        rest = self._recoded.rest(True)
        if rest:
            self._write(rest)


def through(source: Iterable[bytes], redacted: Callable[[Iterable[bytes]], Iterable[bytes]]) -> Iterator[bytes]:
    """Pieces of a wide text through `redacted`, and then what comes behind it."""
    recoded = Recoded(lambda _data: None)
    pieces = iter(source)

    def wide() -> Iterator[bytes]:
        for data in pieces:
            yield recoded.taken(data)
            if recoded.behind is not None:
                return
        yield recoded.taken(b"", True)

    for data in redacted(wide()):
        yield recoded.back(data)
    yield recoded.rest()
    if recoded.behind is not None:
        yield from redacted(chain([recoded.behind], pieces))


def narrowly(data: bytes, redacted: Callable[[bytes], bytes]) -> bytes:
    """A whole text through `redacted`, which gets it as UTF-8 if it is wide; `data` itself if nothing changes, or it is not.
    What comes behind the text is as it was."""
    if not encoding_of(data):
        return data
    recoded = Recoded(lambda _data: None)
    before = recoded.taken(data, True)
    after = redacted(before)
    return data if after == before else recoded.back(after) + recoded.rest() + (recoded.behind or b"")
