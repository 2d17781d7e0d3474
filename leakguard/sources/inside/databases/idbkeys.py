"""Keys of IndexedDB, as Chromium puts them into LevelDB and Firefox into SQLite: what somebody chose as a key may be a secret, and
so may be a value that an index was made over; and the copies that Chromium's transactions keep.

Promises: pure functions; what does not come out to its last byte is no such key. Text is given as UTF-8.

Sources: Chromium's content/browser/indexed_db/indexed_db_leveldb_coding.h and components/services/storage/indexed_db/scopes;
Firefox' dom/indexedDB/Key.cpp. Checked with what Chromium 156 and Firefox 153 wrote. Imported by `leveldb` and `sqlite`.
"""

from __future__ import annotations

from leakguard.sources.inside.databases.protobuf import fields_of

RECORD, FIRST_INDEX = 1, 30
"""The indexes of a store that hold its values, and from which on they are its own."""
DEEPEST = 20
UNDO = b"\0\0\0\0\x32"
"""What keys begin with under which a transaction keeps what it changes."""


class _NoKeyError(Exception):
    """It is none of these keys."""


def chromium(key: bytes) -> tuple[int, list[bytes]] | None:
    """(which index of a store the key is of, the text in it); None for any other key."""
    try:
        sizes = [(key[0] >> shift & mask) + 1 for shift, mask in ((5, 7), (2, 7), (0, 3))]
        at, numbers = 1, []
        for size in sizes:
            numbers.append(int.from_bytes(key[at : at + size], "little"))
            at += size
        if not all(numbers):
            return None
        texts: list[bytes] = []
        at = _value(key, at, texts, 0)
        if numbers[2] >= FIRST_INDEX and at < len(key):  # a number that tells equal values apart, and the record's own key
            at = _value(key, _number(key, at)[1], texts, 0)
    except (IndexError, _NoKeyError):
        return None
    return (numbers[2], texts) if at == len(key) else None


def _number(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 63, 7):
        value |= (data[at] & 0x7F) << shift
        at += 1
        if data[at - 1] < 0x80:
            return value, at
    raise _NoKeyError


def _value(data: bytes, at: int, texts: list[bytes], depth: int) -> int:
    """Where the key at `at` ends. Its text is put to the others."""
    kind = data[at]
    at += 1
    if kind in (0, 5):  # null, the least of all
        return at
    if kind in (2, 3):  # a date, a number
        return at + 8
    if kind not in (1, 4, 6) or depth > DEEPEST:
        raise _NoKeyError
    count, at = _number(data, at)
    if kind == 4:
        for _ in range(count):
            at = _value(data, at, texts, depth + 1)
        return at
    end = at + count * (2 if kind == 1 else 1)
    if end > len(data):
        raise _NoKeyError
    texts.append(data[at:end].decode("utf-16-be", "replace").encode() if kind == 1 else data[at:end])
    return end


def undone(value: bytes) -> tuple[bytes, bytes] | None:
    """(key, value) that a transaction would put back; no value where it would take away the key."""
    for number, inner in fields_of(value):
        if number in (1, 2) and isinstance(inner, bytes):
            pair = {place: field for place, field in fields_of(inner) if isinstance(field, bytes)}
            return (pair[1], pair.get(2, b"")) if 1 in pair else None
    return None


def mozilla(key: bytes) -> list[bytes] | None:
    """The text in a key of Firefox; None for what is none."""
    texts: list[bytes] = []
    at = 0
    while at < len(key):
        kind = key[at] % 0x50 if key[at] >= 0x50 else key[at]  # within lists 0x50 is added for each
        at += 1
        if kind in (0x10, 0x20):
            at += 8
        elif kind in (0x30, 0x40):
            text, at = _units(key, at)
            texts.append(text.encode("utf-8", "replace") if kind == 0x30 else text.encode("latin-1", "replace"))
        elif kind:
            return None
    return texts


def _units(key: bytes, at: int) -> tuple[str, int]:
    """(text, where what follows begins): one, two or three bytes for each unit, moved by one so that 0 ends it."""
    out: list[str] = []
    while at < len(key) and key[at]:
        byte = key[at]
        if byte < 0x80:
            code, size = byte - 1, 1
        elif byte < 0xC0:
            code, size = (int.from_bytes(key[at : at + 2], "big") & 0x3FFF) + 0x7F, 2
        else:
            code, size = int.from_bytes(key[at : at + 3], "big") >> 6 & 0xFFFF, 3
        out.append(chr(code))
        at += size
    return "".join(out), at + 1
