"""Rows of columnar files and of Windows' event logs as text: the part of `tables` that runs in the child.

Promises: as the rest of the child (see `child`), imports nothing of the project and takes nothing but an open file;
reads a few rows at a time; every column of a row is written, also where two have one name; values that are files of
their own come behind the rows, as members. Loaded by `child` from its path.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, Protocol

BATCH = 256
"""Rows decoded at a time."""
SHORT = 64
"""Longest value, in bytes, that is written in hex if it is no text."""
MOST_APART = 16 * 1024 * 1024
"""Bytes of values kept to be handed out behind the rows."""
PIECE = 256 * 1024
LONGEST_NAME = 200
_EVENT_HEADER, _EVENT_CHUNK = 4096, 65536
MOST_BAD = 1000
"""Damaged records after which nothing more is expected of a log."""
_SILENT = frozenset((int, float, bool, date, datetime, time, timedelta))
"""What is written beside text, and makes no row worth writing: numbers and times."""
_CONTROLS = bytes({*range(32), 127} - {9, 10, 13})


class Out(Protocol):
    """The way to the parent: `child._Out`."""

    def name(self, name: str, size: int, kind: bytes = b"f") -> None: ...
    def data(self, data: bytes) -> None: ...
    def end(self) -> None: ...
    def told(self, word: str, text: str = "") -> None: ...


def read(handle: int, out: Out) -> None:
    """Hands out the rows of the file behind a descriptor."""
    with open(handle, "rb", closefd=False) as file:
        head = file.read(8)
        file.seek(0)
        if head == b"ElfFile\0":
            _events(file, out)
        elif head[:4] == b"Obj\1":
            _avro(file, out)
        else:
            _arrow("parquet" if head[:3] == b"PAR" else "orc" if head[:3] == b"ORC" else "arrow", file, out)


# ---------------------------------------------------------------- formats
def _arrow(kind: str, file: Any, out: Out) -> None:
    import pyarrow  # type: ignore[import-untyped, import-not-found, unused-ignore]

    pyarrow.set_cpu_count(1)
    pyarrow.set_io_thread_count(1)
    try:
        batches, metadata = {"parquet": _parquet, "orc": _orc, "arrow": _ipc}[kind](file)
        _write_pairs("metadata", metadata, out)
        _write("rows", _rows(batches), out)
    except (pyarrow.ArrowException, OSError, ValueError, KeyError, EOFError) as error:
        text = str(error).lower()
        hidden = "encrypt" in text or "decrypt" in text or "no key" in text
        out.end()
        out.told("broken", "encrypted" if hidden else "damaged, or packed in a way its reader does not know")


_Batches = tuple[Iterator[Any], list[tuple[bytes, bytes]]]


def _parquet(file: Any) -> _Batches:
    from pyarrow import parquet

    found = parquet.ParquetFile(file, pre_buffer=False, buffer_size=PIECE)  # else a column at a time
    metadata = list((found.metadata.metadata or {}).items())
    return found.iter_batches(batch_size=BATCH, use_threads=False), metadata


def _orc(file: Any) -> _Batches:
    from pyarrow import orc

    found = orc.ORCFile(file)
    metadata = list((found.schema.metadata or {}).items())
    return (found.read_stripe(number) for number in range(found.nstripes)), metadata


def _ipc(file: Any) -> _Batches:
    from pyarrow import feather, ipc

    head = file.read(6)
    file.seek(0)
    if head == b"ARROW1":
        found = ipc.open_file(file)
        metadata = list((found.schema.metadata or {}).items())
        return (found.get_batch(number) for number in range(found.num_record_batches)), metadata
    if head[:4] == b"FEA1":
        return iter(feather.read_table(file, use_threads=False).to_batches(BATCH)), []
    stream = ipc.open_stream(file)
    return iter(stream), list((stream.schema.metadata or {}).items())


Row = tuple[list[str], Sequence[Any]]
"""Names and values of a row. The names of many rows are one list."""


def _rows(batches: Iterable[Any]) -> Iterator[Row]:
    """The rows of record batches, by column and not by name: two columns may have one name."""
    names: list[str] = []
    for batch in batches:
        names = names or list(batch.schema.names)
        if _is_silent(batch.schema):
            continue  # all of the file: its rows are candles, and none of them is made a row of Python's
        for start in range(0, batch.num_rows, BATCH):
            few = batch.slice(start, BATCH)
            columns = [_values(column) for column in few.columns]
            for row in zip(*columns, strict=True):
                yield names, row


def _is_silent(schema: Any) -> bool:
    """Whether no column holds anything but what is _SILENT."""
    from pyarrow import types

    return all(
        types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind) or types.is_temporal(kind) or types.is_null(kind)
        for kind in schema.types
    )


def _values(column: Any) -> list[Any]:
    try:
        values: list[Any] = column.to_pylist()
    except (ValueError, OverflowError, UnicodeDecodeError):  # a date that Python does not have, text that is none
        import pyarrow

        values = column.cast(pyarrow.binary() if pyarrow.types.is_string(column.type) else pyarrow.string()).to_pylist()
    return values


def _avro(file: Any, out: Out) -> None:
    import fastavro  # type: ignore[import-untyped, import-not-found, unused-ignore]

    try:
        found = fastavro.reader(file)
        _write_pairs("metadata", [(k.encode(), v.encode()) for k, v in found.metadata.items()], out)
        _write("rows", (_named_row(row) for row in found), out)
    except (ValueError, EOFError, IndexError, KeyError, TypeError, OverflowError, OSError) as error:
        out.end()
        if "codec" in str(error) and "need to install" in str(error):
            out.told("unread", "compressed in a way for which fastavro needs another package (cramjam, zstandard)")
        else:
            out.told("broken", "damaged, or packed in a way its reader does not know")


def _named_row(row: Any) -> Row:
    return ([*row], [*row.values()]) if isinstance(row, dict) else (["value"], [row])


def _events(file: Any, out: Out) -> None:
    """Event records: what each says as names and values, without the nesting."""
    import evtx  # type: ignore[import-untyped, import-not-found, unused-ignore]

    head, size = file.read(44), file.seek(0, 2)
    chunks = (size - _EVENT_HEADER) / _EVENT_CHUNK
    missing = chunks != int(chunks) or chunks < int.from_bytes(head[42:44], "little")  # the library reads zeros there
    file.seek(0)
    bad = 0

    def rows() -> Iterator[Row]:
        nonlocal bad
        records = iter(evtx.PyEvtxParser(_Unnamed(file), number_of_threads=1).records_json())
        while True:
            try:
                record = next(records, None)
            except (RuntimeError, ValueError, OSError):  # this one is damaged; the next may not be
                bad += 1
                if bad > MOST_BAD:
                    return
                continue
            if record is None:
                return
            told = json.loads(record["data"])
            pairs = list(_flat(told, "", 0))
            names = ["record", "time", *(name for name, _ in pairs)]
            yield names, [record["event_record_id"], record["timestamp"], *(value for _, value in pairs)]

    try:
        _write("events", rows(), out)
    except (RuntimeError, ValueError, OSError):
        out.end()
        bad = bad or 1
    if bad:
        out.told("broken", f"{bad} damaged records or chunks")
    elif missing:
        out.told("broken", "ends early")


class _Unnamed:
    """A file without a name: the library opens one that has one by it, and ours is a number."""

    def __init__(self, file: Any) -> None:
        self.read, self.seek, self.tell = file.read, file.seek, file.tell


def _flat(value: Any, name: str, depth: int) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and depth < 32:
        for key, item in value.items():
            yield from _flat(item, str(key), depth + 1)
    else:
        yield name, value


# ---------------------------------------------------------------- text
def _write_pairs(name: str, pairs: list[tuple[bytes, bytes]], out: Out) -> None:
    if pairs:
        out.name(name, -1)
        for key, value in pairs:
            out.data(_named(key.decode("utf-8", "replace")) + b" = " + value + b"\n")
        out.end()


def _write(name: str, rows: Iterable[Row], out: Out) -> None:
    """A section for each row that holds text, then the values that are files of their own."""
    out.name(name, -1)
    apart: list[tuple[str, bytes]] = []
    room = MOST_APART
    text: list[bytes] = []
    size = 0
    names: list[str] = []
    labels: list[bytes] = []
    for number, (columns, row) in enumerate(rows, 1):
        if columns is not names:
            names, labels = columns, [_named(column) + b" = " for column in columns]
        lines: list[bytes] = []
        some = False
        for label, column, value in zip(labels, names, row, strict=True):
            kind = value.__class__
            if kind is str:
                if not value:
                    continue
                shown = value.encode("utf-8", "replace")
                some = True
            elif kind in _SILENT:
                shown = str(value).encode()
            elif value is None or value == b"":
                continue
            elif kind is bytes and SHORT < len(value) <= room and not _is_text(value):
                apart.append((f"row {number}/{column[:LONGEST_NAME]}", value))
                room -= len(value)
                continue
            else:
                shown = _shown(value)
                some = True
            lines += (label, shown, b"\n")
            size += len(shown)
        if some:
            text += (b"[row %d]\n" % number, *lines, b"\n")
        if size > PIECE:
            out.data(b"".join(text))
            text.clear()
            size = 0
    out.data(b"".join(text))
    out.end()
    for own, data in apart:
        out.name(own, len(data))
        out.data(data)
        out.end()


def _is_text(value: bytes) -> bool:
    if value.translate(None, _CONTROLS) != value:
        return False
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _shown(value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode("utf-8", "replace")
    if isinstance(value, (bytes, bytearray, memoryview)):
        raw = bytes(value)
        return raw.hex().encode() if len(raw) <= SHORT and not _is_text(raw) else raw
    if isinstance(value, (dict, list, tuple)):
        return json.dumps(value, ensure_ascii=False, default=_plain, skipkeys=True).encode("utf-8", "replace")
    return str(value).encode("utf-8", "replace")


def _plain(value: Any) -> str:
    return _shown(value).decode("utf-8", "backslashreplace")


def _named(name: str) -> bytes:
    return " ".join(name[:LONGEST_NAME].split()).encode("utf-8", "replace")
