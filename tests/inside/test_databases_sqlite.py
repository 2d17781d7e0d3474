"""SQLite: what is live, what was deleted, what a hostile file says."""

from __future__ import annotations

import gzip
import re
import shutil
import sqlite3
import struct
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest
from dbs import TOKENS, sqlite, sqlite_connection, sqlite_rows, token
from hypothesis import given, settings
from hypothesis import strategies as st
from nests import Seen, look, look_at

from leakguard.sources.inside.databases import sqlitecarve
from leakguard.sources.inside.databases.snappy import DamagedError, unlzf, unsnapped
from leakguard.sources.inside.databases.sqlitepages import table_of
from leakguard.sources.inside.limits import Limits


def content(seen: Seen) -> bytes:
    return b"\n".join(seen.members.values())


def facts(seen: Seen, chain: str) -> dict[str, str]:
    return dict(next(origin for origin in seen.origins if str(origin) == chain).facts)


# ---- live rows ------------------------------------------------------------------------------------------------------

VALUES = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.text(max_size=300),
    st.binary(max_size=300),
)


@settings(max_examples=60)
@given(
    st.lists(st.tuples(VALUES, VALUES, VALUES), max_size=12), st.sampled_from((512, 1024, 4096, 65536)), st.booleans()
)
def test_live_rows_are_those_that_sqlite_has(rows: list[tuple[object, ...]], page_size: int, rowless: bool) -> None:
    """Decoded by our own reader: the same values in the same rows, whatever the page size makes of them."""
    import io

    from leakguard.sources.inside.base import Budget, Context
    from leakguard.sources.inside.databases.sqlite import Database
    from leakguard.sources.inside.databases.sqlitepages import format_of

    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute(f"pragma page_size={page_size}")
    connection.execute(f"create table t(k integer primary key, a, b, c) {'without rowid' if rowless else ''}")
    connection.executemany(
        "insert into t(k,a,b,c) values(?,?,?,?)", [(number, *row) for number, row in enumerate(rows)]
    )
    data = connection.serialize()
    told: list[object] = []
    context = Context("t", Limits(), Budget(Limits(), len(data)), lambda *what: told.append(what))
    form = format_of(data)
    assert form is not None
    database = Database(io.BytesIO(data), len(data), form, context)
    table = table_of("t", 2, f"create table t(k integer primary key, a, b, c) {'without rowid' if rowless else ''}")
    found = {}
    for number, page in database._walk(2, 0, rowless):
        for cell, values in database._records(number, page, 0):
            found[values[0] if rowless else cell.rowid] = values[1:]
    expected = {
        row[0]: [value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value for value in row[1:]]
        for row in connection.execute("select * from t")
    }
    assert told == []
    assert table.columns == ("k", "a", "b", "c")
    assert found == expected


@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16le", "UTF-16be"])
def test_text_of_any_encoding_is_written_as_utf_8(encoding: str, tmp_path: Path) -> None:
    connection = sqlite_connection(tmp_path / "x.db", encoding=f"'{encoding}'")
    sqlite_rows(connection, [*TOKENS, "schlüssel-geheim".encode()])
    connection.close()
    seen = look_at(tmp_path / "x.db")
    assert "api_secret = schlüssel-geheim\n".encode() in seen.members["x.db!/accounts"]
    assert all(b"api_secret = %s\n" % value in seen.members["x.db!/accounts"] for value in TOKENS)
    assert seen.incidents == []


def test_tables_of_every_kind(tmp_path: Path) -> None:
    connection = sqlite_connection(tmp_path / "x.db")
    connection.executescript("""
        create table "odd name" ("api key" text, [select] text, `back` text /* , no, column */, -- nor, this
            check ("api key" <> ','), primary key ("select", "back")) without rowid;
        insert into "odd name" values('ONE', 'TWO', 'THREE');
        create table later(a); insert into later values('OLD ROW'); alter table later add column secret text;
        insert into later values('x', 'NEW ROW');
        create table computed(a text, b text generated always as (a || 'x') virtual, c text);
        insert into computed values('FOUR', 'FIVE');
        create view v as select * from later; create virtual table f using fts5(body); insert into f values('SIX words');
        create trigger t after insert on later begin insert into later values('IN TRIGGER', 0); end;
    """)
    connection.close()
    seen = look_at(tmp_path / "x.db")
    assert seen.incidents == []
    assert seen.members["x.db!/odd name"] == b"[odd name]\nselect = TWO\nback = THREE\napi key = ONE\n\n"
    assert b"a = OLD ROW\n\n" in seen.members["x.db!/later"]
    assert b"secret = NEW ROW\n" in seen.members["x.db!/later"]
    assert b"a = FOUR\nc = FIVE\n" in seen.members["x.db!/computed"]
    assert b"SIX words" in seen.members["x.db!/f_content"]
    assert b"IN TRIGGER" in seen.members["x.db!/sqlite_schema"]


def test_a_long_row_is_put_together_from_its_overflow_pages(tmp_path: Path) -> None:
    text = Random(3).randbytes(50_000).hex().encode()
    connection = sqlite_connection(tmp_path / "x.db", page_size=512)
    connection.execute("create table t(a text, b text)")
    connection.execute("insert into t values(?,?)", (text.decode(), "the end"))
    connection.close()
    seen = look_at(tmp_path / "x.db")
    assert seen.members["x.db!/t"] == b"[t:1]\na = %s\nb = the end\n\n" % text
    assert seen.incidents == []


def test_a_value_that_is_a_container_is_entered(tmp_path: Path) -> None:
    connection = sqlite_connection(tmp_path / "x.db")
    connection.execute("create table files(name text, body blob)")
    connection.execute("insert into files values('a', ?)", (gzip.compress(b"in a cell " * 100),))
    connection.execute("insert into files values('key', ?)", (bytes(range(200, 232)),))
    connection.close()
    seen = look_at(tmp_path / "x.db")
    assert seen.members["x.db!/files:1/body!/content"] == b"in a cell " * 100
    assert b"body = " + bytes(range(200, 232)).hex().encode() in seen.members["x.db!/files"]


def test_files_in_cells_are_entered_however_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits to be entered is bounded: then the rows go on in a second member."""
    from leakguard.sources.inside.databases import records

    monkeypatch.setattr(records, "_MOST_APART", 1000)
    connection = sqlite_connection(tmp_path / "x.db")
    connection.execute("create table files(name text, body blob)")
    rows = [(f"n{n}", gzip.compress(b"file %03d of a cell " % n * 50)) for n in range(100)]
    connection.executemany("insert into files values(?, ?)", rows)
    connection.close()
    seen = look_at(tmp_path / "x.db")
    text = content(seen)
    assert all(text.count(b"file %03d of a cell " % n) == 50 and text.count(b"name = n%d\n" % n) == 1 for n in range(100))
    assert seen.incidents == []


def test_an_index_gives_nothing_that_its_table_has(tmp_path: Path) -> None:
    connection = sqlite_connection(tmp_path / "x.db")
    sqlite_rows(connection)
    connection.execute("create unique index by_secret on accounts(api_secret)")
    connection.close()
    seen = look_at(tmp_path / "x.db")
    assert all(content(seen).count(value) == 1 for value in TOKENS)
    hidden = (tmp_path / "x.db").read_bytes().replace(TOKENS[7] + b"\x08", b"HIDDEN0007xyz\x08")  # its rowid follows it
    assert hidden.count(b"HIDDEN0007xyz") == 1
    assert content(look(hidden, tmp_path)).count(b"HIDDEN0007xyz") == 1


def test_firefox_keeps_local_storage_so(tmp_path: Path) -> None:
    connection = sqlite_connection(tmp_path / "data.sqlite")
    connection.execute(
        "create table data(key text primary key, utf16_length integer not null, conversion_type integer not null,"
        " compression_type integer not null, last_access_time integer not null default 0, value blob not null)"
    )
    literal = b"a long value, " * 4
    packed = bytes((len(literal) + 30,)) + bytes(((len(b"a long value, ") - 1) << 2,)) + b"a long value, "
    packed += bytes(((42 - 1) << 2 | 2,)) + struct.pack("<H", 14) + bytes((29 << 2,)) + b"y" * 30
    assert unsnapped(packed, 1000) == literal + b"y" * 30
    rows = [("apiKey", 1, 1, packed), ("wide", 0, 0, "wide value".encode("utf-16-le")), ("plain", 1, 0, b"plain value")]
    connection.executemany("insert into data values(?, 9, ?, ?, 0, ?)", rows)
    connection.close()
    text = look_at(tmp_path / "data.sqlite").members["data.sqlite!/data"]
    assert b"apiKey = a long value, a long value" in text
    assert b"wide = wide value\n" in text
    assert b"plain = plain value\n" in text


# ---- deleted rows ---------------------------------------------------------------------------------------------------


def test_deleted_rows_are_found_with_their_columns(tmp_path: Path) -> None:
    connection = sqlite_connection(tmp_path / "x.db")
    sqlite_rows(connection)
    connection.execute("delete from accounts where id in (3, 9, 10, 11, 20)")
    connection.close()
    seen = look_at(tmp_path / "x.db")
    assert seen.incidents == []
    for number, value in enumerate(TOKENS, 1):
        gone = number in (3, 9, 10, 11, 20)
        assert seen.members["x.db!/accounts"].count(value) == (not gone)
        assert content(seen).count(value) == 1 or gone
        if number in (3, 9, 20):  # of neighbours that are one block, some lose their header
            row = rb"\[deleted accounts(:\d+)?\]\n(id = \d+\n)?venue = binance\napi_secret = %b\n" % value
            assert re.search(row, seen.members["x.db!/@deleted"])


def test_pages_out_of_use_are_read(tmp_path: Path) -> None:
    connection = sqlite_connection(tmp_path / "x.db", page_size=1024)
    sqlite_rows(connection)
    connection.execute("delete from accounts")
    connection.close()
    seen = look_at(tmp_path / "x.db")
    assert all(content(seen).count(value) == 1 for value in TOKENS[1:])
    assert content(seen).count(TOKENS[0]) <= 2  # and a copy in what was the first page, half of it written over
    assert all(b"api_secret = %s\n" % value in seen.members["x.db!/@deleted"] for value in TOKENS[:20])
    assert facts(seen, "x.db!/@free") == {"deleted": "yes"}


def test_rows_of_a_table_that_nobody_knows_any_more_are_rows(tmp_path: Path) -> None:
    """Its schema was written over: a value must not stand glued to the one before it all the same."""
    connection = sqlite_connection(tmp_path / "x.db")
    connection.execute("create table stays(a, b)")
    connection.execute("create table gone(a text, b text, c integer)")
    connection.executemany("insert into gone values('t', ?, 7)", [(TOKENS[0].decode(),), *((f"{n} " + "words " * 20,) for n in range(300))])
    connection.execute("drop table gone")
    for number in range(9):
        connection.execute(f"create table t{number}(a, b)")
    connection.close()
    data = bytearray((tmp_path / "x.db").read_bytes())
    while (at := data.find(b"CREATE TABLE gone")) >= 0:  # what a table more would have written over
        data[at - 20 : at + 42] = bytes(62)
    seen = look(bytes(data), tmp_path, "y.db")
    assert any(TOKENS[0] in line.split(b" = ")[1:] for line in seen.members["y.db!/@deleted"].splitlines())


def test_text_is_no_record(tmp_path: Path) -> None:
    effort = sqlitecarve.Effort(1 << 20)
    form = sqlitecarve.Format(4096, 4096)
    noise = Random(5).randbytes(1 << 20)
    assert not list(sqlitecarve.unknown(b"a\tline of words\r\n" * 9000, form, effort))
    assert len(list(sqlitecarve.unknown(noise, form, effort))) < 5


@pytest.mark.parametrize("page_size", [512, 4096, 65536])
def test_a_journal_whose_header_is_zeros_has_its_pages(page_size: int, tmp_path: Path) -> None:
    """The mode `persist` writes over the header alone when a transaction is over."""
    connection = sqlite_connection(tmp_path / "x.db", journal_mode="persist", page_size=page_size)
    connection.execute("create table t(a text, github_token text)")
    connection.executemany("insert into t values('x', ?)", [(token.decode(),) for token in TOKENS[:9]])
    connection.execute("update t set github_token = 'gone', a = ?", ("z" * 60,))
    connection.close()
    data = (tmp_path / "x.db-journal").read_bytes()
    assert data[:28] == bytes(28)
    seen = look(data, tmp_path, "y.db-journal")
    assert all(token in seen.members["y.db-journal!/@rows"] for token in TOKENS[:9])
    assert seen.incidents == []
    assert look(bytes(9000), tmp_path, "z.db-journal").incidents == look(b"", tmp_path, "empty.db-journal").incidents == []
    assert TOKENS[0] in content(look(bytes(600) + b"words " + TOKENS[0], tmp_path, "a.db-journal"))


def test_a_dropped_table_has_its_columns_still(tmp_path: Path) -> None:
    connection = sqlite_connection(tmp_path / "x.db")
    connection.execute("create table other(a)")
    sqlite_rows(connection)
    connection.execute("drop table accounts")
    connection.close()
    seen = look_at(tmp_path / "x.db")
    assert all(b"api_secret = %s\n" % value in seen.members["x.db!/@deleted"] for value in TOKENS[:15])
    assert all(content(seen).count(value) == 1 for value in TOKENS)


def test_what_of_a_row_each_place_is(tmp_path: Path) -> None:
    from leakguard.model import Incident, Origin
    from leakguard.sources.files import FileTask
    from leakguard.sources.inside.walk import leaves

    connection = sqlite_connection(tmp_path / "x.db")
    sqlite_rows(connection)
    connection.execute("delete from accounts where id = 17")
    connection.close()
    path = tmp_path / "x.db"
    found, told = {}, list[Incident]()
    task = FileTask("x.db", str(path), path.stat().st_size)
    for leaf in leaves(task, Origin("file", "x.db"), "sqlite", Limits(), told.append):
        text = b""
        while data := leaf.stream.read(1000):
            text += data
        for number, value in enumerate(TOKENS, 1):
            if value in text and leaf.place is not None:
                found[number] = dict(leaf.place(text.index(value)))
    assert found[1] == {"table": "accounts", "page": "3", "rowid": "1"}
    assert found[17]["table"] == "accounts"
    assert found[17]["deleted"] == "yes"
    assert found[40]["rowid"] == "40"


@pytest.mark.parametrize("seed", range(8))
def test_no_token_in_the_file_is_missed(seed: int, tmp_path: Path) -> None:
    """Any history of inserts, updates, deletes and drops: what the bytes still hold is handed out."""
    random = Random(seed)
    vacuum = random.choice((0, 1))
    connection = sqlite_connection(tmp_path / "x.db", page_size=random.choice((512, 1024, 4096)), auto_vacuum=vacuum)
    made = 0
    for _ in range(random.randrange(2, 5)):
        name = f"t{made}"
        connection.execute(f"create table {name}(id integer primary key, a text, b text, n int)")
        if random.random() < 0.5:
            connection.execute(f"create index i{made} on {name}(a)")
        for _ in range(random.randrange(20, 120)):
            made += 1
            padding = "x" * random.choice((0, 10, 100, 3000 if random.random() < 0.1 else 50))
            connection.execute(f"insert into {name}(a, b, n) values(?,?,?)", (token(made).decode(), padding, made))
            if random.random() < 0.3:
                connection.execute(f"delete from {name} where id = ?", (random.randrange(100),))
            if random.random() < 0.1:
                connection.execute(f"update {name} set b = b || 'longer' where id = ?", (random.randrange(100),))
        if random.random() < 0.3:
            connection.execute(f"drop table {name}")
    connection.close()
    raw = (tmp_path / "x.db").read_bytes()
    seen = look_at(tmp_path / "x.db")
    assert seen.incidents == []
    text = content(seen)
    assert [number for number in range(1, made + 1) if token(number) in raw and token(number) not in text] == []


def test_old_frames_of_a_log_are_read(tmp_path: Path) -> None:
    connection = sqlite_connection(tmp_path / "x.db", journal_mode="wal", wal_autocheckpoint=0)
    sqlite_rows(connection)
    connection.execute("pragma wal_checkpoint(restart)")
    connection.execute("create table after(a text)")
    connection.execute("delete from accounts where id < 9")
    shutil.copy(tmp_path / "x.db-wal", tmp_path / "copy")
    connection.close()
    seen = look_at(tmp_path / "copy")
    assert seen.incidents == []
    text = content(seen)
    assert [value for value in TOKENS if value not in text] == []
    assert all(text.count(b"api_secret = %s" % value) <= 1 for value in TOKENS)


def test_a_log_takes_its_columns_from_the_database_beside_it(tmp_path: Path) -> None:
    connection = sqlite_connection(tmp_path / "x.db", journal_mode="wal", wal_autocheckpoint=0)
    sqlite_rows(connection, TOKENS[:2])
    connection.execute("pragma wal_checkpoint(truncate)")
    connection.execute("insert into accounts(venue, api_secret) values('binance', 'IN THE LOG')")
    assert b"api_secret = IN THE LOG\n" in look_at(tmp_path / "x.db-wal").members["x.db-wal!/@rows"]
    alone = tmp_path / "alone"
    alone.mkdir()
    shutil.copy(tmp_path / "x.db-wal", alone)
    assert b"c3 = IN THE LOG\n" in look_at(alone / "x.db-wal").members["x.db-wal!/@rows"]
    (alone / "x.db").symlink_to(tmp_path / "x.db")  # nobody follows it
    assert b"c3 = IN THE LOG\n" in look_at(alone / "x.db-wal").members["x.db-wal!/@rows"]
    connection.close()


# ---- hostile files --------------------------------------------------------------------------------------------------


@pytest.fixture
def data(tmp_path: Path) -> bytearray:
    """A database of pages of 1024 bytes: 1 the schema, 2 an interior page, the rest leaves."""
    (tmp_path / "made").mkdir()
    made = bytearray(sqlite(tmp_path / "made").data)
    assert made[1024] == 5
    return made


def hostile(data: bytes, tmp_path: Path) -> Seen:
    seen = look(data, tmp_path, "x.db")
    assert "internal error" not in seen.reasons
    text = content(seen)
    assert [value for value in TOKENS if value in data and value not in text] == []
    return seen


def test_a_page_that_points_at_itself(data: bytearray, tmp_path: Path) -> None:
    struct.pack_into(">I", data, 1024 + 8, 2)
    assert "a page is used twice" in hostile(bytes(data), tmp_path).reasons


def test_a_freelist_that_bites_its_tail(data: bytearray, tmp_path: Path) -> None:
    page = len(data) // 1024
    struct.pack_into(">II", data, 32, page, 1)
    struct.pack_into(">III", data, (page - 1) * 1024, page, 3, page)
    assert "damaged freelist" in hostile(bytes(data), tmp_path).reasons


def test_an_overflow_chain_without_end(tmp_path: Path) -> None:
    connection = sqlite_connection(tmp_path / "made.db", page_size=1024)
    connection.execute("create table t(a text)")
    connection.execute("insert into t values(?)", ("long" * 2000,))
    connection.close()
    data = bytearray((tmp_path / "made.db").read_bytes())
    for page in range(3, len(data) // 1024):
        struct.pack_into(">I", data, (page - 1) * 1024, 4)
    seen = look(bytes(data), tmp_path, "x.db")
    assert "overflow pages are damaged" in seen.reasons
    assert len(content(seen)) < 3 * len(data)


def test_cells_that_share_their_bytes(data: bytearray, tmp_path: Path) -> None:
    """Every pointer of a page at one cell: its content must not come out hundreds of times."""
    start = 2048
    cell = struct.unpack_from(">H", data, start + 8)[0]
    struct.pack_into(">H", data, start + 3, 400)
    for number in range(400):
        struct.pack_into(">H", data, start + 8 + 2 * number, cell)
    seen = look(bytes(data), tmp_path, "x.db")
    assert seen.states == {"failed"}
    assert len(content(seen)) < 3 * len(data)


@pytest.mark.parametrize("size", [b"\xff" * 9, b"\xff\xff\xff\x7f", b"\x81" * 8 + b"\x01", b"\x00"])
def test_absurd_lengths(size: bytes, data: bytearray, tmp_path: Path) -> None:
    cell = 2048 + struct.unpack_from(">H", data, 2048 + 8)[0]
    data[cell : cell + len(size)] = size
    assert hostile(bytes(data), tmp_path).states == {"failed"}


@pytest.mark.parametrize("field", [(16, b"\0\0"), (16, b"\3\0"), (20, b"\xff"), (18, b"\x09\x09"), (56, b"\0\0\0\x09")])
def test_a_header_that_makes_no_sense(field: tuple[int, bytes], data: bytearray, tmp_path: Path) -> None:
    at, value = field
    data[at : at + len(value)] = value
    hostile(bytes(data), tmp_path)


def test_a_database_of_zeros_ends(tmp_path: Path) -> None:
    head = bytearray(b"SQLite format 3\0".ljust(100, b"\0"))
    struct.pack_into(">H", head, 16, 512)
    seen = look(gzip.compress(bytes(head) + bytes(8 << 20)), tmp_path, "x.gz")
    assert "damaged page" in seen.reasons
    assert len(content(seen)) < 1000


def test_free_space_that_looks_like_headers_everywhere_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte may begin a record: what looking costs is bounded, and it is all scanned as it stands."""
    monkeypatch.setattr(sqlitecarve, "LEAST_EFFORT", 5000)
    connection = sqlite_connection(tmp_path / "made.db")
    for number in range(30):
        columns = ", ".join(f"c{at}" for at in range(3 + number % 20))
        connection.execute(f"create table t{number}({columns})")
    connection.close()
    data = (tmp_path / "made.db").read_bytes() + (bytes(range(4, 24)) * 205)[:4096] * 64
    assert content(look(data, tmp_path, "x.db")).count(bytes(range(4, 24))) > 10_000


def test_the_depth_of_a_statement_is_nothing_to_us() -> None:
    assert len(table_of("t", 2, "create table t(" + "(" * 100_000).columns) < 2
    assert table_of("t", 2, "create table t(a text default (((1))), b)").columns == ("a", "b")
    assert (
        len(table_of("t", 2, "create table t(" + ",".join(f"c{n}" for n in range(5000)) + ") without rowid").columns)
        == 5000
    )


@given(st.binary(max_size=400))
def test_snappy_and_lzf_end_whatever_they_are_given(data: bytes) -> None:
    for unpack in (unsnapped, unlzf):
        with suppress(DamagedError):
            assert len(unpack(data, 1000)) <= 1000


@given(st.lists(st.sampled_from((b"the same ", b"x", b"api_secret", b"\0" * 40)), max_size=60))
def test_snappy_is_what_cramjam_packed(words: list[bytes]) -> None:
    cramjam = pytest.importorskip("cramjam")
    from leakguard.sources.inside.databases import snappy

    whole = b"".join(words)
    packed = bytes(cramjam.snappy.compress_raw(whole))
    length, at = snappy._length(packed)
    assert snappy._unsnapped(packed, at, length) == whole == unsnapped(packed, len(whole))
