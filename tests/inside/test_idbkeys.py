"""Keys of IndexedDB in Chromium's LevelDB and Firefox' SQLite, the copies that both keep, and what they encrypt."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nests import look
from test_inside_scan import token

from leakguard.sources.inside.databases.idbkeys import RECORD, UNDO, chromium, mozilla, undone
from leakguard.sources.inside.databases.leveldb import Entry, Said


def text_key(text: str) -> bytes:
    """A text as Chromium puts it into a key."""
    size = len(text.encode("utf-16-be")) // 2
    assert size < 128
    return b"\1" + bytes((size,)) + text.encode("utf-16-be")


def placed(index: int, *keys: bytes) -> bytes:
    """Keys of index `index` of the first store of the first database."""
    return bytes((0, 1, 1, index)) + keys[0] + b"".join(b"\0" + key for key in keys[1:])


NUMBER = b"\3" + bytes(7) + b"\x40"


def moved(text: str) -> bytes:
    """A text as Firefox puts it into a key."""
    out = b"\x30"
    for letter in text:
        code = ord(letter)
        if code < 0x7F:
            out += bytes((code + 1,))
        elif code <= 0x3FFF + 0x7F:
            out += (code - 0x7F | 0x8000).to_bytes(2, "big")
        else:
            out += (code << 6 | 0xC00000).to_bytes(3, "big")
    return out


def test_texts_in_the_keys_of_chromium() -> None:
    assert chromium(placed(1, text_key("a ключ"))) == (RECORD, ["a ключ".encode()])
    assert chromium(placed(30, text_key("gone"), NUMBER)) == (30, [b"gone"])
    assert chromium(placed(1, b"\4\2" + text_key("x") + b"\6\2yz")) == (RECORD, [b"x", b"yz"])
    assert chromium(placed(1, NUMBER)) == (RECORD, [])
    for other in (b"", b"\0", b"_https://example.org\0\1name", b"\0\0\0\0\x32", placed(1, text_key("gone")) + b"\0", b"map-1-name"):
        assert chromium(other) is None


@given(st.text(max_size=60))
def test_texts_in_the_keys_of_firefox(text: str) -> None:
    try:
        text.encode("utf-16-be")
    except UnicodeEncodeError:
        return
    units = text.encode("utf-16-be")
    plain = "".join(chr(int.from_bytes(units[at : at + 2], "big")) for at in range(0, len(units), 2))
    assert mozilla(moved(plain)) == [plain.encode("utf-8", "replace")]


def test_keys_of_firefox_that_are_lists_or_none() -> None:
    assert mozilla(b"\x80" + moved("first")[1:] + b"\0" + moved("second") + b"\0") == [b"first", b"second"]
    assert mozilla(b"\x10\xbf\xf0") == []
    assert mozilla(b"\xff\1") is None


@given(st.binary(max_size=60))
def test_any_bytes_end(data: bytes) -> None:
    chromium(data), mozilla(data), undone(data)


def test_copies_of_a_record_are_told_once() -> None:
    """Its index repeats a value, a second entry its key, and a transaction the whole of it."""
    secret, said = token(1), Said()
    key, value = placed(1, text_key(secret)), b"\4\xff\x0f\"(" + secret.encode()
    first = said.row(Entry(key, value, 1), False)
    assert first is not None and [content for _, content in first.cells] == [secret.encode()] * 2
    assert said.row(Entry(placed(2, text_key(secret)), b"\4", 2), False) is None
    assert said.row(Entry(placed(30, text_key(secret), NUMBER), b"\4", 3), False) is None
    pair = b"\x0a" + bytes((len(key),)) + key + b"\x12" + bytes((len(value),)) + value
    assert said.row(Entry(UNDO + b"\2\1\0", long(pair), 4), False) is None
    other = said.row(Entry(placed(30, text_key(token(2)), NUMBER), b"\4", 5), False)
    assert other is not None and list(other.cells) == [("key", token(2).encode())]


def long(pair: bytes) -> bytes:
    return b"\x0a" + bytes((len(pair) & 127 | 128, len(pair) >> 7)) + pair


def test_what_a_transaction_kept_of_an_older_file_is_told() -> None:
    secret = token(3)
    key, value = placed(1, NUMBER), b"\4\xff\x0f\"(" + secret.encode()
    pair = b"\x0a" + bytes((len(key),)) + key + b"\x12" + bytes((len(value),)) + value
    row = Said().row(Entry(UNDO + b"\2\1\0", b"\x0a" + bytes((len(pair),)) + pair, 4), False)
    assert row is not None and ("value", secret.encode()) in list(row.cells) and ("deleted", "yes") in row.facts


def test_a_key_in_the_database_of_firefox_is_read(tmp_path: Path) -> None:
    made = sqlite3.connect(tmp_path / "x.sqlite")
    made.execute("create table object_data(object_store_id integer, key blob, index_data_values blob, file_ids text, data blob)")
    made.execute("insert into object_data values(1, ?, null, null, null)", (moved(token(4)),))
    made.commit(), made.close()
    seen = look((tmp_path / "x.sqlite").read_bytes(), tmp_path, "y.sqlite")
    assert f"key = {token(4)}\n".encode() in seen.members["y.sqlite!/object_data"]


@pytest.mark.parametrize(("mark", "told"), [(b"v10", True), (b"v11", True), (b"v20", True), (b"abc", False), (b"", False)])
def test_values_that_a_browser_encrypted_are_told(mark: bytes, told: bool, tmp_path: Path) -> None:
    made = sqlite3.connect(tmp_path / "x.sqlite")
    made.execute("create table cookies(host_key text, name text, value text, encrypted_value blob)")
    made.executemany("insert into cookies values('example.org', 'sid', '', ?)", [(mark + bytes(range(128, 160)) if mark else b"",)] * 2)
    made.commit(), made.close()
    seen = look((tmp_path / "x.sqlite").read_bytes(), tmp_path, "Cookies")
    assert [i.reason for i in seen.incidents] == (["sqlite: values that a browser encrypted (cookies, passwords)"] if told else [])


def test_the_keys_that_firefox_keeps_are_told(tmp_path: Path) -> None:
    """They open the passwords in `logins.json`, and are encrypted themselves."""
    made = sqlite3.connect(tmp_path / "x.sqlite")
    made.execute("create table nssPrivate(id primary key, a0, a1, a102)")
    made.execute("insert into nssPrivate values(7, ?, 'x', ?)", (bytes(range(128, 160)), bytes(range(160, 192))))
    made.commit(), made.close()
    seen = look((tmp_path / "x.sqlite").read_bytes(), tmp_path, "key4.db")
    assert [i.reason for i in seen.incidents] == ["sqlite: values that a browser encrypted (cookies, passwords)"]
