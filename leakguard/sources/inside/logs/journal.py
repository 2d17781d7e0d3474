"""systemd-journald's binary files, after https://systemd.io/JOURNAL_FILE_FORMAT/: entries as lines `FIELD=value`.

Promises: a file is read once, forward, as it was written: data objects come before the entry that is the first to
name them, so that each value is handed out once, in the entry that brought it, however many entries share it; what no
entry names any more (rotation and vacuuming leave it) is handed out all the same. Compressed values are expanded
within limits. A damaged object ends the reading; what follows is scanned as it stands.

Why not libsystemd: it maps the file, believes its hash tables, and is on Linux alone.
Imported by `sources.inside.walk`.
"""

from __future__ import annotations

import lzma
from array import array
from bisect import bisect_right
from collections.abc import Iterator

from leakguard.sources.inside.archives.zstdframes import WINDOW
from leakguard.sources.inside.base import BrokenError, Context, LimitError, Member, Pieces, Stream, Told, UnreadError

MAGIC = b"LPKSHHRH"
LARGEST = 64 * 1024 * 1024
"""Bytes of one value, expanded; journald itself stops at 768 MiB."""
MOST_WAITING = 1024 * 1024
"""Bytes of values that wait for their entry."""
MOST_PLACES = 1 << 20
_PIECE = 1024 * 1024
_COMPACT = 1 << 4
_DATA, _FIELD, _ENTRY, _DATA_TABLE, _FIELD_TABLE, _ARRAY, _TAG = range(1, 8)
_XZ, _LZ4, _ZSTD = 1, 2, 4
_NAME = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")


def journal(stream: Stream, context: Context) -> Iterator[Member]:
    """One member, `entries`: a block of lines for each entry, and facts that say which one a finding is of."""
    made = _Journal(stream, context)
    yield Member("entries", Pieces(made.text()), place=made.place)
    yield from made.odd()


class _Journal:
    def __init__(self, stream: Stream, context: Context) -> None:
        self.stream = stream
        self.tell = context.tell
        self.base = stream.position
        self._text: list[bytes] = []
        self._size = 0
        self._made = 0
        self._offsets = array("q")
        self._entries = array("Q")  # seqnum and time of each
        self._unknown: list[bytes] = []
        self.header, self.compact = self._header()

    def _header(self) -> tuple[bytes, bool]:
        head = self.stream.peek(96)
        if len(head) < 96:
            raise BrokenError("ends in its header")
        size = int.from_bytes(head[88:96], "little")
        if not 208 <= size <= 4096:
            raise BrokenError("has an impossible header")
        flags = int.from_bytes(head[12:16], "little")
        if flags & ~0x1F:
            raise UnreadError("written by a newer systemd: its format is not known")
        return self.stream.exactly(size), bool(flags & _COMPACT)

    def text(self) -> Iterator[bytes]:
        """The lines, a piece for each entry; values without one at the end, or before what is damaged."""
        broken: Exception | None = None
        try:
            yield from self._objects()
        except (BrokenError, Told) as error:
            broken = error
        if self._text:
            yield self._block(b"# no entry\n")
        if broken is not None:
            raise broken

    def _objects(self) -> Iterator[bytes]:
        while (head := self.stream.peek(16)).strip(b"\0"):
            kind, flags = head[0], head[1]
            size = int.from_bytes(head[8:16], "little")
            if not 1 <= kind <= _TAG or size < 16 or len(head) < 16:
                raise self._broken("a damaged object")
            if kind == _DATA:
                self._data(flags, size)
                if self._size > MOST_WAITING:
                    yield self._block(b"")
            elif kind == _ENTRY:
                yield self._entry(size)
            elif kind == _FIELD:
                self._field(size)
            else:
                self._pass(size)
            self.stream.skip(-size % 8)

    def odd(self) -> Iterator[Member]:
        """What stands where names of fields do and is none."""
        if self._unknown:
            data = b"\n".join(self._unknown)
            yield Member("@fields", Pieces(iter([data])), len(data), "gap")

    def place(self, offset: int) -> tuple[tuple[str, str], ...]:
        """Number and time of the entry that brought what stands at an offset of the text."""
        at = bisect_right(self._offsets, offset) - 1
        if at < 0 or not self._entries[2 * at]:
            return ()
        return ("entry", str(self._entries[2 * at])), ("time", _time(self._entries[2 * at + 1]))

    def _broken(self, what: str) -> BrokenError:
        return BrokenError(f"{what} at byte {self.stream.position - self.base}")

    def _whole(self, size: int) -> bytes:
        """An object; what is left of one that was cut off stays in the stream, to be scanned as it stands."""
        data = self.stream.upto(size)
        if len(data) < size:
            self.stream.unread(data)
            raise self._broken("ends in the middle of an object")
        return data

    def _data(self, flags: int, size: int) -> None:
        start = 72 if self.compact else 64
        if size < start or size > LARGEST + start:
            raise self._broken("a value of an impossible size")
        value = self._whole(size)[start:]
        if flags & (_XZ | _LZ4 | _ZSTD):
            value = self._expanded(value, flags)
        self._text.append(value + b"\n")
        self._size += len(value) + 1

    def _expanded(self, value: bytes, flags: int) -> bytes:
        try:
            out = _expand(value, flags)
        except ImportError:
            self.tell("unread", "", "values compressed in a way not read: install leakguard-scanner[archives]")
            return value
        except LimitError as error:
            self.tell("truncated", "", error.reason)
            return value
        except Exception:  # noqa: BLE001 - a codec fails as it likes
            self.tell("failed", "", "journal: a damaged compressed value")
            return value
        return out

    def _entry(self, size: int) -> bytes:
        if size < 64 or size > LARGEST:
            raise self._broken("an entry of an impossible size")
        data = self._whole(size)
        number, time = int.from_bytes(data[16:24], "little"), int.from_bytes(data[24:32], "little")
        return self._block(b"# entry %d %s\n" % (number, _time(time).encode()), number, time)

    def _block(self, title: bytes, number: int = 0, time: int = 0) -> bytes:
        if not self._text:
            return b""  # all it says stands in earlier ones
        out = title + b"".join(self._text) + b"\n"
        if len(self._offsets) < MOST_PLACES:
            self._offsets.append(self._made)
            self._entries.extend((number, time))
        self._text, self._size = [], 0
        self._made += len(out)
        return out

    def _field(self, size: int) -> None:
        if size > LARGEST:
            raise self._broken("a name of an impossible size")
        name = self._whole(size)[40:]
        if not _NAME.issuperset(name) or len(name) > 64:
            self._unknown.append(name)

    def _pass(self, size: int) -> None:
        """Tables of offsets and hashes."""
        if self.stream.skip(size) < size:
            raise self._broken("ends in the middle of an object")


def _expand(value: bytes, flags: int) -> bytes:
    """A compressed value; LimitError if it is too long."""
    if flags & _XZ:
        decoder = lzma.LZMADecompressor(lzma.FORMAT_AUTO, memlimit=WINDOW)
        out = decoder.decompress(value, LARGEST + 1)
    elif flags & _ZSTD:
        import zstandard

        out = b""
        with zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(value) as reader:
            while len(out) <= LARGEST and (more := reader.read(_PIECE)):
                out += more
    else:
        import lz4.block

        size = int.from_bytes(value[:8], "little")
        if size > LARGEST or size > 256 * len(value) + 64:
            raise LimitError(f"limit reached: a value of {size} bytes")
        out = lz4.block.decompress(value[8:], uncompressed_size=size)
    if len(out) > LARGEST:
        raise LimitError(f"limit reached: a value of more than {LARGEST} bytes")
    return out


def _time(microseconds: int) -> str:
    """UTC, as text; the number alone if no date is that far away."""
    from datetime import UTC, datetime, timedelta

    try:
        when = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
    except OverflowError:
        return str(microseconds)
    return when.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
