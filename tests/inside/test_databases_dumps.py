"""SQL dumps, pg_dump's formats, Redis, MongoDB, LevelDB, RocksDB, LMDB and DBM: what is particular of each."""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from dbs import (
    FORMS,
    PG_COPY,
    PG_ROWS,
    TOKENS,
    aof_with_snapshot,
    batch,
    berkeley,
    bson_document,
    command,
    leveldb_log,
    leveldb_records,
    pg_custom,
    pg_toc,
    redis_string,
    sqlite_connection,
    sqlite_rows,
)
from hypothesis import given
from hypothesis import strategies as st
from nests import Seen, look, look_at

from leakguard.collector import Collector
from leakguard.detect.engine import Engine
from leakguard.detect.generate import expand
from leakguard.pipeline import scan_files
from leakguard.sources.files import Options, walk
from leakguard.sources.inside import base
from leakguard.sources.inside.databases.redisvalues import elements
from leakguard.sources.inside.databases.snappy import unlzf
from leakguard.sources.inside.databases.sqldump import copied
from leakguard.sources.inside.limits import Limits
from leakguard.work import Policy


def content(seen: Seen) -> bytes:
    return b"\n".join(seen.members.values())


def findings(engine: Engine, folder: Path) -> Collector:
    collector = Collector()
    scan_files(walk([str(folder)], Options(), lambda _: None), lambda _: engine, Policy(inside=Limits()), 1, collector)
    return collector


def secret(number: int) -> str:
    return expand("{{alnum*64}}", Random(number))


# ---- findings -------------------------------------------------------------------------------------------------------


def test_key_and_secret_of_a_row_are_a_pair_and_no_other_row_has_a_part_in_it(engine: Engine, tmp_path: Path) -> None:
    connection = sqlite_connection(tmp_path / "bots.db")
    connection.execute("create table accounts(id integer primary key, venue text, api_key text, api_secret text)")
    rows = [("binance", secret(2 * number), secret(2 * number + 1)) for number in range(20)]
    connection.executemany("insert into accounts(venue, api_key, api_secret) values(?,?,?)", rows)
    connection.execute("delete from accounts where id = 7")
    connection.close()
    done = findings(engine, tmp_path)
    assert len(done.findings) == 40
    assert len(done.sets) == 20
    by_fingerprint = {finding.fingerprint: finding for finding in done.findings}
    for made in done.sets:
        key, value = (by_fingerprint[fingerprint] for _, fingerprint in made.parts)
        assert dict(key.origin.facts) == dict(value.origin.facts)
        assert key.secret is not None and value.secret is not None
        assert (key.secret.decode(), value.secret.decode()) in [row[1:] for row in rows]
    gone = [finding for finding in done.findings if dict(finding.origin.facts).get("deleted")]
    assert {finding.secret for finding in gone} == {secret(12).encode(), secret(13).encode()}
    assert {str(finding.origin) for finding in gone} == {f"{tmp_path}/bots.db!/@deleted"}


@pytest.mark.parametrize("form", ["copy", "insert", "complete"])
def test_findings_of_a_dump_stand_where_they_are_in_it(form: str, engine: Engine, tmp_path: Path) -> None:
    values = [(secret(2 * n), secret(2 * n + 1)) for n in range(300)]
    if form == "copy":
        text = (
            "--\n-- PostgreSQL database dump\n--\n\nCOPY public.accounts (id, venue, api_key, api_secret) FROM stdin;\n"
        )
        text += "".join(f"{n}\tbinance\t{key}\t{value}\n" for n, (key, value) in enumerate(values)) + "\\.\n"
    else:
        columns = " (id, venue, api_key, api_secret)" if form == "complete" else ""
        text = "-- MySQL dump 10.13\n--\nCREATE TABLE `accounts` (`id` int, `venue` text, `api_key` text, `api_secret` text);\n"
        text += f"INSERT INTO `accounts`{columns} VALUES "
        text += ",".join(f"({n},'binance','{key}','{value}')" for n, (key, value) in enumerate(values)) + ";\n"
    text += f"-- behind it\nGITHUB_TOKEN={expand('{{gen:github ghp_}}', Random(1))}\n"
    (tmp_path / "dump.sql").write_text(text)
    done = findings(engine, tmp_path)
    assert len(done.findings) == 601
    assert len(done.sets) == 300
    lines = text.encode().split(b"\n")
    for finding in done.findings:
        assert finding.path == f"{tmp_path}/dump.sql"
        assert finding.secret is not None
        assert text.encode()[finding.start_byte : finding.end_byte] == finding.secret
        column = finding.start_column - 1
        assert lines[finding.start_line - 1][column : column + finding.length] == finding.secret
    assert {dict(finding.origin.facts).get("table") for finding in done.findings} == {
        "public.accounts" if form == "copy" else "accounts", None,
    }  # fmt: skip


def test_keys_that_are_secrets_are_no_names_and_no_facts(engine: Engine, tmp_path: Path) -> None:
    """A session's token is Redis' favourite key: nothing that is shown may quote it."""
    token = expand("{{gen:github ghp_}}", Random(5))
    value = b"\x1f\x8b\x08" + os.urandom(60)  # looks like a file of its own
    data = b"REDIS0009\x00" + redis_string(token.encode()) + redis_string(value) + b"\xff" + bytes(8)
    (tmp_path / "dump.rdb").write_bytes(data)
    (tmp_path / "000003.log").write_bytes(leveldb_records([batch(1, [(token.encode(), value)])]))
    done = subprocess.run(
        [sys.executable, "-m", "leakguard", "scan", "-f", "json", "--receipt", "receipt", "."],
        cwd=tmp_path, capture_output=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 1
    assert b"github.personal-access-token" in done.stdout
    for output in (done.stdout, done.stderr, (tmp_path / "receipt").read_bytes()):
        assert token.encode() not in output


# ---- SQL ------------------------------------------------------------------------------------------------------------


@given(st.binary(max_size=60))
def test_copy_escapes_are_undone(value: bytes) -> None:
    packed = value.replace(b"\\", b"\\\\")
    for letter, byte in (b"b\b", b"f\f", b"n\n", b"r\r", b"t\t", b"v\v"):
        packed = packed.replace(bytes((byte,)), b"\\" + bytes((letter,)))
    assert copied(packed) == value
    assert copied(b"\\N") is None
    assert copied(b"\\x41\\101\\q") == b"AAq"


def test_literals_of_every_kind(tmp_path: Path) -> None:
    text = (
        b"-- MySQL dump 10.13\nCREATE TABLE IF NOT EXISTS `t` (\n  `a` text COMMENT 'one, (two)',\n  `b c` blob,\n  `d` int,\n"
        b"  UNIQUE KEY `u` (`a`(10)),\n  FULLTEXT KEY `f` (`a`)\n);\n"
        b"INSERT IGNORE INTO `t` VALUES ('it''s \\'quoted\\', (really); \\\"so\\\"\\n',_binary 'raw\\0',1),\n"
        b'("double ""quoted""",0x61626364,-1.5e3),(NULL,x\'65666768\',f(1, 2));\n-- end\n'
    )
    seen = look(text, tmp_path, "x.sql")
    assert seen.members["x.sql"].split(b"VALUES ")[1] == (
        b"\n[t]\na = it's 'quoted', (really); \"so\"\n\nb c = raw\0\nd = 1\n"
        b'\n[t]\na = double "quoted"\nb c = abcd\nd = -1.5e3\n'
        b"\n[t]\nb c = efgh\nd = f(1, 2)\n;\n-- end\n"
    )


def test_postgres_strings_keep_their_backslashes(tmp_path: Path) -> None:
    text = (
        b"--\n-- PostgreSQL database dump\n--\nINSERT INTO public.t (a, b) VALUES ('C:\\', E'one\\'s\\n');\nSELECT 1;\n"
    )
    assert b"a = C:\\\nb = one's\n\n;\nSELECT 1;\n" in look(text, tmp_path, "x.sql").members["x.sql"]


@pytest.mark.parametrize(
    "tail", [b"INSERT INTO t VALUES (1, 'no end", b"COPY t (a) FROM stdin;\nrow with no end", b"CREATE TABLE t ("]
)
def test_sql_that_ends_early_is_handed_on_whole_and_told(tail: bytes, tmp_path: Path) -> None:
    seen = look(b"-- MySQL dump 10.13\n" + tail, tmp_path, "x.sql")
    assert seen.states == {"skipped"}
    assert "cut off" in seen.reasons
    assert tail.rsplit(b"\n", 1)[-1][-14:] in seen.members["x.sql"]


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("--\n-- PostgreSQL database cluster dump\n--\n", "--\n-- PostgreSQL database cluster dump complete\n--\n"),
        ("--\n-- PostgreSQL database dump\n--\n", "--\n-- PostgreSQL database dump complete\n--\n\n"),
        ("/*M!999999\\- enable the sandbox mode */ \n-- MariaDB dump 10.19\n--\n", "-- Dump completed on 2026-01-02  3:04:05\n"),
        ("-- MySQL dump 10.13\n--\n", "-- Dump completed\n"),
        ("PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n", "COMMIT;\n"),
    ],
)
def test_a_dump_without_its_last_line_was_cut_off(first: str, last: str, tmp_path: Path) -> None:
    rows = "".join(f"INSERT INTO t VALUES ({number},'words of a row');\n" for number in range(20_000))
    whole = f"{first}{rows}{last}".encode()
    assert look(whole, tmp_path, "x.sql").incidents == []
    assert look(whole + b"SELECT 1;\n" * 90, tmp_path, "x.sql").incidents == []
    assert look(whole[: -len(last)], tmp_path, "x.sql").states == {"skipped"}
    assert look(rows.encode(), tmp_path, "x.sql").incidents == []  # nothing says that it has a last line


def test_statements_without_end_take_time_as_they_are_long(tmp_path: Path) -> None:
    """Each line begins something that nothing ends; none of them may look to the end of the file."""
    lines = b"CREATE TABLE\nINSERT INTO x (a\nINSERT INTO y VALUES ('\nCOPY z\nREPLACE \n"
    data = b"-- MySQL dump 10.13\n" + lines * 30_000
    seen = look(data, tmp_path, "x.sql")
    assert len(seen.members["x.sql"]) >= len(data)


# ---- pg_dump --------------------------------------------------------------------------------------------------------


def test_a_large_object_and_unknown_data_are_members(tmp_path: Path) -> None:
    number = struct.pack
    body = zlib.compress(b"content of the object")
    data = pg_toc(1, [(5, b"BLOBS", b"")]) + b"\3\0" + number("<I", 5) + b"\0" + number("<I", 16398)
    data += b"\0" + number("<I", len(body)) + body + b"\0" + number("<I", 0) + b"\0" + number("<I", 0)
    seen = look(data, tmp_path, "x.dump")
    assert seen.members["x.dump!/public.BLOBS/16398"] == b"content of the object"
    assert seen.incidents == []


@pytest.mark.usefixtures("low_floor")
def test_a_bomb_in_a_dump_ends_at_its_ratio(tmp_path: Path) -> None:
    rows = b"1\tbinance\t" + bytes(64 << 20) + b"\n"
    seen = look(pg_custom(zlib.compress(rows, 9), 1 << 20), tmp_path, "x.dump")
    assert seen.states == {"truncated"}


@pytest.mark.parametrize("damage", [b"\0\xff\xff\xff\x7f", b"\1\5\0\0\0"])
def test_an_absurd_count_in_a_table_of_contents(damage: bytes, tmp_path: Path) -> None:
    whole = pg_custom(PG_ROWS)
    count = pg_toc(1, [(77, b"accounts", PG_COPY)]).index(b"\0\1\0\0\0\0\x4d")
    seen = look(whole[:count] + damage + whole[count + 5 :], tmp_path, "x.dump")
    assert seen.states == {"failed"}
    assert PG_COPY in content(seen)


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/usr/lib/postgresql"), reason="no server")
@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="a server runs as another user")
@pytest.mark.parametrize("option", ["-Fp", "-Fc", "-Fc -Z0", "-Ft", "--inserts", "--column-inserts"])
def test_what_pg_dump_writes(option: str, tmp_path: Path) -> None:
    bin_ = sorted(Path("/usr/lib/postgresql").glob("*/bin"))[-1]
    folder = tmp_path / "pg"
    folder.mkdir()
    for path in (folder, *list(folder.parents)[:3]):
        path.chmod(0o755)
    shutil.chown(folder, "postgres")

    def run(*words: str, text: str = "") -> None:
        subprocess.run(
            words,
            input=text.encode(),
            user="postgres",
            cwd=folder,
            check=True,
            timeout=120,
            stdout=subprocess.DEVNULL,
            env={"LC_ALL": "C", "PATH": os.environ["PATH"]},
        )

    run(str(bin_ / "initdb"), "-D", "data", "-A", "trust")
    run(
        str(bin_ / "pg_ctl"),
        "-D",
        "data",
        "-o",
        f"-k {folder} -c listen_addresses='' -c fsync=off",
        "-w",
        "-l",
        "log",
        "start",
    )
    try:
        rows = "".join(
            f"insert into accounts values({n}, 'binance', '{value.decode()}');" for n, value in enumerate(TOKENS)
        )
        run(
            str(bin_ / "psql"),
            "-h",
            str(folder),
            "-q",
            "-d",
            "postgres",
            text=f"create table accounts(id int, venue text, api_secret text);{rows}",
        )
        run(str(bin_ / "pg_dump"), "-h", str(folder), "-d", "postgres", *option.split(), "-f", "out")
    finally:
        run(str(bin_ / "pg_ctl"), "-D", "data", "-m", "fast", "stop")
    seen = look_at(folder / "out")
    assert seen.incidents == []
    assert all(content(seen).count(b"api_secret = %s\n" % value) == 1 for value in TOKENS)


def test_a_folder_of_tables_takes_its_columns_from_the_contents_beside_it(tmp_path: Path) -> None:
    import gzip

    rows = PG_ROWS.replace(b"TOKEN", b"FOLDER")
    (tmp_path / "3078.dat.gz").write_bytes(gzip.compress(rows))
    (tmp_path / "3077.dat").write_bytes(rows)
    alone = look_at(tmp_path / "3078.dat.gz")
    assert list(alone.members.values()) == [rows]
    (tmp_path / "toc.dat").write_bytes(pg_toc(5, [(n, b"accounts", PG_COPY) for n in (3078, 3077)]))
    for name in ("3078.dat.gz", "3077.dat"):
        seen = look_at(tmp_path / name)
        assert seen.incidents == []
        text = seen.members[f"{name}!/public.accounts"]
        assert all(text.count(b"api_secret = %s\n" % value.replace(b"TOKEN", b"FOLDER")) == 1 for value in TOKENS)
    (tmp_path / "toc.dat").write_bytes(b"something else")
    assert list(look_at(tmp_path / "3077.dat").members.values()) == [rows]


# ---- Redis ----------------------------------------------------------------------------------------------------------


def test_commands_behind_a_snapshot(tmp_path: Path) -> None:
    seen = look(aof_with_snapshot(tmp_path).data, tmp_path, "appendonly.aof")
    assert seen.incidents == []
    assert any(b"later = value that came later\n" in text for text in seen.members.values())


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Path]:
    server = shutil.which("redis-server")
    if server is None or shutil.which("redis-cli") is None:
        pytest.skip("no redis-server")
    socket = tmp_path / "s"
    process = subprocess.Popen(
        [server, "--port", "0", "--unixsocket", str(socket), "--dir", str(tmp_path), "--save", "", "--appendonly", "yes"],
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    for _ in range(600):
        if socket.exists():
            break
        time.sleep(0.05)
    yield socket
    process.kill()
    process.wait(30)


def test_what_redis_writes(redis: Path, tmp_path: Path) -> None:
    """Each type in its small and its large encoding; what was deleted is in the commands still."""
    commands = [
        ["set", "plain_secret", "PLAIN1"], ["set", "lzf", "repeat me " * 99 + "LZF1"], ["set", "number", "12345"],
        ["hset", "account", "venue", "binance", "api_secret", "HASH1", "n", "-5"], ["rpush", "list", "LIST1", "7", "-70000", "x" * 70],
        ["sadd", "set", "SET1"], ["sadd", "ints", "1", "2", "300"], ["zadd", "z", "1.5", "ZSET1"],
        ["xadd", "stream", "*", "api_secret", "STREAM1", "n", "1"], ["xadd", "stream", "*", "other", "STREAM2"],
        ["xgroup", "create", "stream", "group", "0"], ["xreadgroup", "group", "group", "consumer", "streams", "stream", ">"],
        ["setex", "timed", "1000", "TIMED1"], ["set", "gone", "GONE1"], ["del", "gone"],
        ["hset", "big", *(f"{kind}{n}" for n in range(600) for kind in ("field", "BIGHASH"))],
        ["rpush", "biglist", *(f"BIGLIST{n}" for n in range(3000))],
        ["sadd", "bigset", *(f"BIGSET{n}" for n in range(600))],
        ["zadd", "bigz", *(word for n in range(300) for word in (str(n), f"BIGZ{n}"))],
        ["config", "set", "masterauth", "MASTER1"], ["save"],
    ]  # fmt: skip
    for words in commands:
        subprocess.run(["redis-cli", "-s", str(redis), *words], check=True, timeout=60, stdout=subprocess.DEVNULL)
    seen = look_at(tmp_path / "dump.rdb")
    assert seen.incidents == []
    text = seen.members["dump.rdb!/@keys"]
    for line in (
        "plain_secret = PLAIN1", "number = 12345", "[account]\nvenue = binance\napi_secret = HASH1\nn = -5", "list = LIST1",
        "list = -70000", "set = SET1", "z = ZSET1", "api_secret = STREAM1", "other = STREAM2", "timed = TIMED1",
        "field599 = BIGHASH599", "biglist = BIGLIST2999", "bigset = BIGSET599", "bigz = BIGZ299",
    ):  # fmt: skip
        assert line.encode() in text, line
    assert b"repeat me LZF1" in text
    assert b"GONE1" not in text
    logs = [look_at(path) for path in (tmp_path / "appendonlydir").glob("*.aof")]
    told = b"".join(content(log) for log in logs)
    assert all(log.incidents == [] for log in logs)
    for line in ("gone = GONE1", "field5 = BIGHASH5", "api_secret = HASH1", "plain_secret = PLAIN1"):
        assert line.encode() in told


@pytest.mark.parametrize(
    "value",
    [
        b"\x00\x03key\x81" + b"\xff" * 8,  # a string of 16 EiB
        b"\x00\x03key\xc3\x02\x80\x3f\xff\xff\xff\x01a",  # three bytes that unpack to a gigabyte
        b"\x04\x03key\x81" + b"\xff" * 8 + b"\x01f\x01v",
        b"\x0b\x03key\x0a\x03\0\0\0\x01\0\0\0ab",  # an intset of odd width
        b"\x10\x03key\x08\x08\0\0\0\x01\0\xf0\xff",  # a listpack that goes on beyond its end
        b"\x0f\x03key\x01\x10" + bytes(16) + b"\x03abc",
        b"\x63\x03key\x01v",
    ],
)
def test_hostile_values_end(value: bytes, tmp_path: Path) -> None:
    seen = look(b"REDIS0011" + value + b" text behind it" + b"\xff" + bytes(8), tmp_path, "dump.rdb")
    assert seen.states == {"failed"}
    assert "internal error" not in seen.reasons
    assert b"text behind it" in content(seen)


@pytest.mark.parametrize(
    "data",
    [b"*99999999999\r\n$3\r\nSET\r\n", b"*3\r\n$3\r\nSET\r\n$-1\r\nx", b"*2\r\n$3\r\nGET\r\n$999999999999\r\nabc"],
)
def test_hostile_commands_end(data: bytes, tmp_path: Path) -> None:
    seen = look(command(b"SET", b"a", b"text before it") + data + b" and behind it", tmp_path, "x.aof")
    assert seen.states == {"failed"}
    assert b"text before it" in content(seen)
    assert b"and behind it" in content(seen)


def _ziplist(*entries: bytes) -> bytes:
    return bytes(10) + b"".join(b"\x05" + entry for entry in entries) + b"\xff"


def _listpack(*entries: bytes) -> bytes:
    return bytes(6) + b"".join(entry + b"\0" * (1 if len(entry) < 128 else 2) for entry in entries) + b"\xff"


@pytest.mark.parametrize(
    ("kind", "data", "expected"),
    [
        (10, _ziplist(b"\x03abc", b"\x40\x03def", b"\x80\0\0\0\x03ghi"), [b"abc", b"def", b"ghi"]),
        (13, _ziplist(b"\xc0\xfe\xff", b"\xd0\1\0\0\0", b"\xe0" + b"\1" * 8, b"\xf0\xff\xff\xff", b"\xfe\x80", b"\xf5"),
         [-2, 1, 0x0101010101010101, -1, -128, 4]),
        (10, bytes(10) + b"\x01\x01a" + b"\xfe\0\1\0\0\x01b" + b"\xff", [b"a", b"b"]),
        (16, _listpack(b"\x7f", b"\x83abc", b"\xe0\x02de", b"\xf0\2\0\0\0fg", b"\xdf\xff", b"\xf1\xfe\xff", b"\xf4" + b"\1" * 8),
         [127, b"abc", b"de", b"fg", -1, -2, 0x0101010101010101]),
        (16, _listpack(b"\xe0\xc8" + b"x" * 200), [b"x" * 200]),
        (11, b"\4\0\0\0\2\0\0\0\1\0\0\0\xff\xff\xff\xff", [1, -1]),
        (9, b"\1\3key\5\1value!\xff", [b"key", b"value"]),
    ],
)  # fmt: skip
def test_packed_values_of_every_age(kind: int, data: bytes, expected: list[object]) -> None:
    assert list(elements(kind, data)) == expected


def test_lzf_by_its_description() -> None:
    assert unlzf(b"\x03abcd" + bytes((0xE0, 10, 3)), 23) == b"abcdabcdabcdabcdabcdabc"
    assert unlzf(b"\x00a" + bytes((0x20, 0)), 4) == b"aaaa"


# ---- MongoDB --------------------------------------------------------------------------------------------------------


def test_every_type_of_bson(tmp_path: Path) -> None:
    bson = pytest.importorskip("bson")
    from bson import code, dbref, decimal128, int64, max_key, min_key, regex, timestamp

    document = {
        "a": 1.5, "b": "TEXT", "c": {"d": ["ONE", {"e": "TWO"}]}, "f": b"\x01\x02", "g": bson.ObjectId(), "h": True, "i": None,
        "j": regex.Regex("PATTERN"), "k": code.Code("CODE"), "l": code.Code("SCOPED", {"x": 1}), "m": 5, "n": int64.Int64(1 << 40),
        "o": timestamp.Timestamp(1, 1), "p": decimal128.Decimal128("1.5"), "q": min_key.MinKey(), "r": max_key.MaxKey(),
        "s": dbref.DBRef("c", 1), "last": "LAST",
    }  # fmt: skip
    seen = look(bson.encode(document), tmp_path, "c.bson")
    text = seen.members["c.bson!/c"]
    assert seen.incidents == []
    for line in (
        "b = TEXT",
        "c.d.0 = ONE",
        "c.d.1.e = TWO",
        "f = 0102",
        "j = PATTERN",
        "k = CODE",
        "l = SCOPED",
        "l.x = 1",
        "m = 5",
        "last = LAST",
    ):
        assert line.encode() in text


def test_long_names_are_content(tmp_path: Path) -> None:
    name = "n" * 300 + "NAME"
    data = bson_document(**{name: b"x", "below": {name: {name: b"y"}}})
    text = look(data, tmp_path, "c.bson").members["c.bson!/c"]
    assert text.count(b"nNAME") >= 3


@pytest.mark.parametrize("depth", [150, 5000])
def test_documents_in_documents_end(depth: int, tmp_path: Path) -> None:
    data = bson_document(secret=b"AT THE BOTTOM")
    for _ in range(depth):
        data = struct.pack("<i", len(data) + 8) + b"\x03a\0" + data + b"\0"
    seen = look(data, tmp_path, "c.bson")
    assert "internal error" not in seen.reasons
    assert b"AT THE BOTTOM" in content(seen)


# ---- LevelDB, RocksDB -----------------------------------------------------------------------------------------------


def test_overwritten_and_deleted_values_are_read(tmp_path: Path) -> None:
    data = leveldb_records(
        [
            batch(1, [(b"key", b"OLD VALUE")]),
            batch(2, [(b"key", b"NEW VALUE"), (b"gone", b"GONE")]),
            batch(4, [(b"gone", None)]),
        ]
    )
    seen = look(data, tmp_path, "000003.log")
    assert (
        seen.members["000003.log!/@log"]
        == b"[deleted entry]\nkey = OLD VALUE\n\n[entry]\nkey = NEW VALUE\n\n[deleted entry]\ngone = GONE\n\n"
    )


def test_what_browsers_keep(tmp_path: Path) -> None:
    """Chromium's localStorage in LevelDB, by its own names."""
    plyvel = pytest.importorskip("plyvel")
    database = plyvel.DB(str(tmp_path / "leveldb"), create_if_missing=True)
    database.put(b"VERSION", b"1")
    database.put(b"_https://www.binance.com\0\x01apiKey", b"\x01LATIN")
    database.put(b"_https://www.binance.com\0\x01apiSecret", b"\0" + "WIDE €".encode("utf-16-le"))
    database.put(b"map-17-token", "SESSION".encode("utf-16-le"))
    database.close()
    text = content(look_at(next((tmp_path / "leveldb").glob("*.log"))))
    assert b"[https://www.binance.com]\napiKey = LATIN\n" in text
    assert "[https://www.binance.com]\napiSecret = WIDE €\n".encode() in text
    assert b"[map 17]\ntoken = SESSION\n" in text


V8 = (
    b'\xff\x0fo"\x05venue"\x07binance'
    + b'"\x0aapi_secret"\x06SECRET"\x01nI\x0a"\x04wide\0c\x04W\0X\0"\x04listA\x02"\x01ao"\x01b"\x01c{\x01$\0\x02'
    + b'"\x01dN\0\0\0\0\0\0\xf8?"\x01m;"\x01k"\x03VAL:\x02"\x01s\'"\x03ONE,\x01"\x04selfF{\x08'
)


@pytest.mark.parametrize("lead", [b"", b"\x02", b"\xff\x15\xfe" + bytes(12)])
def test_what_indexed_db_keeps(lead: bytes, tmp_path: Path) -> None:
    seen = look(leveldb_records([batch(1, [(b"\0\1\1\1key", lead + V8)])]), tmp_path, "000003.log")
    text = seen.members["000003.log!/@log"]
    for line in (
        b"venue = binance",
        b"api_secret = SECRET",
        b"wide = WX",
        b"list.0 = a",
        b"list.1.b = c",
        b"m.k = VAL",
        b"s = ONE",
    ):
        assert line + b"\n" in text


@pytest.mark.slow  # for what it needs: node is large
@pytest.mark.skipif(shutil.which("node") is None, reason="no node")
def test_what_v8_writes() -> None:
    from leakguard.sources.inside.databases.v8values import cells_of

    script = """const o = {api_secret: "SECRET", wide: "w \\u20ac", list: ["a", {b: "c"}, , 7], d: new Date(0), re: /ab+c/g,
        map: new Map([["k", "v"], [5, "six"]]), set: new Set(["one"]), big: 12345678901234567890n, n: -3, f: 1.5, z: null,
        buf: new Uint8Array([65, 66]).buffer, boxed: new String("in a box"), t: true, u: undefined}; o.self = o; o.last = "LAST";
        process.stdout.write(require("v8").serialize(o));"""
    data = subprocess.run(["node", "-e", script], check=True, timeout=60, stdout=subprocess.PIPE).stdout
    cells = dict(cells_of(data) or ())
    assert cells.pop("big")
    assert cells == {
        "api_secret": b"SECRET", "wide": "w \u20ac".encode(), "list.0": b"a", "list.1.b": b"c", "re": b"ab+c", "map.k": b"v",
        "map.5": b"six", "set": b"one", "buf": b"AB", "boxed": b"in a box", "last": b"LAST",
    }  # fmt: skip
    for cut in range(1, len(data)):
        assert cells_of(data[:cut]) is None


def test_a_batch_over_many_blocks(tmp_path: Path) -> None:
    value = Random(2).randbytes(100_000).hex().encode()
    seen = look(leveldb_records([batch(1, [(b"key", value)])]), tmp_path, "000003.log")
    assert seen.members["000003.log!/@log"] == b"[entry]\nkey = %s\n\n" % value


@pytest.mark.parametrize("tail", [b"\xff" * 10, b"\0" * 4000, b"\1" + b"\xff" * 9])
def test_fragments_and_batches_that_lie(tail: bytes, tmp_path: Path) -> None:
    whole = leveldb_log(tmp_path).data
    data = whole + leveldb_records([struct.pack("<QI", 99, 1 << 31) + tail + b" text of the batch"])
    seen = look(data, tmp_path, "000003.log")
    assert "internal error" not in seen.reasons
    assert b"text of the batch" in content(seen)


@pytest.mark.parametrize("name", ["leveldb table", "rocksdb none"])
@pytest.mark.parametrize("seed", range(10))
def test_an_index_that_lies_ends(name: str, seed: int, tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    made = FORMS[name](tmp_path / "made")
    random = Random(seed)
    data = bytearray(made.data)
    for _ in range(6):
        data[random.randrange(len(data) - 700, len(data) - 8)] = random.choice((0, 1, 127, 128, 255))
    seen = look(bytes(data), tmp_path, made.name)
    assert "internal error" not in seen.reasons
    if made.plain:
        assert [value for value in TOKENS if value in data and value not in content(seen)] == []


# ---- LMDB, DBM ------------------------------------------------------------------------------------------------------


def test_former_values_and_duplicates_of_lmdb(tmp_path: Path) -> None:
    lmdb = pytest.importorskip("lmdb")
    environment = lmdb.open(str(tmp_path / "lm"), max_dbs=3, map_size=1 << 24)
    accounts, many = environment.open_db(b"accounts"), environment.open_db(b"many", dupsort=True)
    with environment.begin(write=True) as transaction:
        transaction.put(b"api_secret", b"FORMER", db=accounts)
        transaction.put(b"big", b"x" * 20_000 + b"END OF BIG", db=accounts)
        for number in range(2000):
            transaction.put(b"key", b"DUPLICATE%05d" % number, db=many)
        transaction.put(b"few", b"FEW1", db=many)
        transaction.put(b"few", b"FEW2", db=many)
    with environment.begin(write=True) as transaction:
        transaction.put(b"api_secret", b"LATTER", db=accounts)
    environment.close()
    seen = look_at(tmp_path / "lm" / "data.mdb")
    assert seen.incidents == []
    live = seen.members["data.mdb!/@pairs"]
    assert b"[accounts]\napi_secret = LATTER\n" in live
    assert b"END OF BIG\n" in live
    assert b"[many]\nfew = FEW1\n" in live
    assert all(live.count(b"DUPLICATE%05d" % number) == 1 for number in range(2000))
    assert b"[deleted]\napi_secret = FORMER\n" in seen.members["data.mdb!/@deleted"]


def test_a_tree_of_lmdb_that_points_at_itself_ends(tmp_path: Path) -> None:
    lmdb = pytest.importorskip("lmdb")
    environment = lmdb.open(str(tmp_path / "lm"), map_size=1 << 24)
    with environment.begin(write=True) as transaction:
        for number in range(2000):
            transaction.put(b"key%05d" % number, b"VALUE%05d" % number)
    environment.close()
    data = bytearray((tmp_path / "lm" / "data.mdb").read_bytes())
    size = struct.unpack_from("<I", data, 40)[0]
    for page in range(2, len(data) // size):
        if data[page * size + 10] & 1:  # a branch: all its children are itself
            for at in range(16, struct.unpack_from("<H", data, page * size + 12)[0], 2):
                node = page * size + struct.unpack_from("<H", data, page * size + at)[0]
                struct.pack_into("<HHH", data, node, page, 0, 0)
    seen = look(bytes(data), tmp_path, "data.mdb")
    assert seen.states == {"failed"}
    assert all(b"VALUE%05d" % number in content(seen) for number in range(2000))


@pytest.mark.parametrize("kind", ["btree", "hash"])
def test_long_values_of_berkeley_db(kind: str, tmp_path: Path) -> None:
    value = Random(4).randbytes(30_000).hex().encode()
    made = berkeley(tmp_path, kind, [(b"mkey", value), (b"name", b"short")])
    seen = look(made.data, tmp_path, made.name)
    assert seen.incidents == []
    assert b"mkey = %s\n" % value in seen.members["wallet.dat!/@pairs"]
    assert b"name = short\n" in seen.members["wallet.dat!/@pairs"]


def test_overflow_pages_that_point_in_a_ring(tmp_path: Path) -> None:
    made = berkeley(tmp_path, "btree", [(b"mkey", b"x" * 30_000)])
    data = bytearray(made.data)
    for page in range(1, len(data) // 4096):
        if data[4096 * page + 25] == 7:
            struct.pack_into("<I", data, 4096 * page + 16, page)
    seen = look(bytes(data), tmp_path, made.name)
    assert "overflow pages are damaged" in seen.reasons


def test_a_directory_of_gdbm_that_lies(tmp_path: Path) -> None:
    made = FORMS["gdbm"](tmp_path)
    data = bytearray(made.data)
    struct.pack_into("<i", data, 16, 4096)
    for number in range(512):
        struct.pack_into("<q", data, 4096 + 8 * number, 8192 + number)
    seen = look(bytes(data), tmp_path, "x.gdbm")
    assert seen.states == {"failed"}
    assert "internal error" not in seen.reasons


# ---- a folder of all of them ----------------------------------------------------------------------------------------


@pytest.fixture
def low_floor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ratios are asked for from 1 MiB on, so that bombs of a test are small."""
    monkeypatch.setattr(base, "FLOOR", 1 << 20)


def test_a_scan_of_databases_finds_each_secret_once(tmp_path: Path, loaded: object) -> None:
    tokens = {
        name: expand("{{gen:github ghp_}}", Random(number))
        for number, name in enumerate(("a.db", "x.sql", "c.dump", "000003.log", "dump.rdb", "c.bson"))
    }
    connection = sqlite_connection(tmp_path / "a.db")
    sqlite_rows(connection, [*TOKENS[:20], tokens["a.db"].encode(), *TOKENS[20:]])
    connection.execute("delete from accounts where id = 21")
    connection.close()
    (tmp_path / "x.sql").write_text(
        f"--\n-- PostgreSQL database dump\n--\nCOPY t (token) FROM stdin;\n{tokens['x.sql']}\n\\.\n"
    )
    (tmp_path / "c.dump").write_bytes(pg_custom(zlib.compress(f"1\tgithub\t{tokens['c.dump']}\n\\.\n\n".encode())))
    (tmp_path / "000003.log").write_bytes(leveldb_records([batch(1, [(b"token", tokens["000003.log"].encode())])]))
    (tmp_path / "dump.rdb").write_bytes(
        b"REDIS0011\0" + redis_string(b"token") + redis_string(tokens["dump.rdb"].encode()) + b"\xff" + bytes(8)
    )
    (tmp_path / "c.bson").write_bytes(bson_document(token=tokens["c.bson"].encode()))
    done = subprocess.run(
        [sys.executable, "-m", "leakguard", "scan", "-f", "jsonl", "--show-secrets", "--receipt", "../receipt.json", "."],
        cwd=tmp_path, capture_output=True, check=False, timeout=300,
    )  # fmt: skip
    records = [json.loads(line) for line in done.stdout.splitlines()]
    found = {record["path"]: record["secret"] for record in records if record.get("type", "finding") == "finding"}
    assert found == {
        "a.db!/@deleted": tokens["a.db"], "x.sql": tokens["x.sql"], "c.dump!/public.accounts": tokens["c.dump"],
        "000003.log!/@log": tokens["000003.log"], "dump.rdb!/@keys": tokens["dump.rdb"], "c.bson!/c": tokens["c.bson"],
    }  # fmt: skip
    receipt = json.loads((tmp_path / "../receipt.json").read_bytes())
    assert receipt["complete"] is True
    for chain, secret_ in found.items():
        if "!/" in chain:
            out = subprocess.run(
                [sys.executable, "-m", "leakguard", "extract", chain],
                cwd=tmp_path,
                capture_output=True,
                check=False,
                timeout=300,
            )
            assert secret_.encode() in out.stdout


def test_statements_without_the_head_of_a_dump(engine: Engine, tmp_path: Path) -> None:
    """What stands in a file of statements is read by its columns, whoever wrote it."""
    value = "0x" + expand("{{hex*64}}", Random("wallets"))
    text = f"INSERT INTO wallets (id, private_key, created_at) VALUES (1, '{value}', '2026-01-01');\n"
    (tmp_path / "fill.sql").write_text(text)
    (finding,) = findings(engine, tmp_path).findings
    assert (finding.rule, finding.path, finding.start_line) == ("ethereum.private-key", f"{tmp_path}/fill.sql", 1)
    assert finding.start_byte == text.index(value)


def test_a_comment_in_a_file_of_statements_counts(tmp_path: Path) -> None:
    """The hook says how to allow a value: by a comment on its line."""
    values = [expand("{{alnum*40}}", Random(number)) for number in (14, 15)]
    rows = [f"INSERT INTO users (id, api_secret, at) VALUES (2, '{value}', '2026-01-01');" for value in values]
    (tmp_path / "fill.sql").write_text(f"{rows[0]}\n{rows[1]} -- leakguard: allow[generic.secret] a fixture\n")
    command = [sys.executable, "-m", "leakguard", "scan", str(tmp_path / "fill.sql"), "-f", "jsonl", "-q"]
    (line,) = subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()
    assert (json.loads(line)["rule"], json.loads(line)["start_line"]) == ("generic.secret", 1)


def test_the_script_of_hsqldb_has_a_statement_a_line(tmp_path: Path) -> None:
    """Its tables are made under their full names, and filled under short ones."""
    text = (
        b"SET DATABASE UNIQUE NAME HSQLDBA207C8909F\nSET FILES LOG SIZE 50\n"
        b"CREATE MEMORY TABLE PUBLIC.ACCOUNTS(ID INTEGER PRIMARY KEY,API_SECRET VARCHAR(100),NOTE VARCHAR(10))\n"
        b"CREATE CACHED TABLE PUBLIC.OTHER(ID INTEGER)\nSET SCHEMA PUBLIC\n"
        b"INSERT INTO ACCOUNTS VALUES(1,'one\\two','it''s')\nINSERT INTO ACCOUNTS VALUES(2,'three',NULL)\n"
    )
    seen = look(text, tmp_path, "db.script")
    assert b"API_SECRET = one\\two\nNOTE = it's\n" in seen.members["db.script"]
    assert b"API_SECRET = three\n" in seen.members["db.script"]
    assert not seen.incidents
