"""Databases and dumps for the tests: by the real tools where they are installed, else byte by byte as documented."""

from __future__ import annotations

import binascii
import io
import shutil
import sqlite3
import struct
import subprocess
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest


def token(number: int) -> bytes:
    """What must be found: no rule's business, only its bytes."""
    return b"TOKEN%05dxyz" % number


TOKENS = [token(number) for number in range(40)]
NAME = "api_secret"


class Made(NamedTuple):
    """A file as its program would name it, and whether tokens stand in it as they are."""

    name: str
    data: bytes
    plain: bool = True


# ---- SQLite ---------------------------------------------------------------------------------------------------------


def sqlite_connection(path: Path | str, **pragmas: object) -> sqlite3.Connection:
    """A database whose deleted rows stay: distributions build SQLite so that they are written over."""
    connection = sqlite3.connect(path, isolation_level=None)
    for name, value in {"secure_delete": "off", "synchronous": "off", **pragmas}.items():
        connection.execute(f"pragma {name}={value}")
    return connection


def sqlite_rows(connection: sqlite3.Connection, tokens: list[bytes] = TOKENS) -> None:
    connection.execute(f"create table accounts(id integer primary key, venue text, {NAME} text, note text)")
    rows = [("binance", value.decode(), "word " * 20) for value in tokens]
    connection.executemany(f"insert into accounts(venue, {NAME}, note) values(?,?,?)", rows)


def sqlite(folder: Path) -> Made:
    path = folder / "made.db"
    connection = sqlite_connection(path, page_size=1024)
    sqlite_rows(connection)
    connection.close()
    return Made("app.db", path.read_bytes())


def sqlite_wal(folder: Path) -> Made:
    connection = sqlite_connection(folder / "made.db", page_size=1024, journal_mode="wal")
    sqlite_rows(connection)
    data = (folder / "made.db-wal").read_bytes()
    connection.close()
    return Made("app.db-wal", data)


def sqlite_journal(folder: Path) -> Made:
    connection = sqlite_connection(folder / "made.db", page_size=1024)
    sqlite_rows(connection)
    connection.execute("pragma cache_size=2")
    connection.execute("begin")
    connection.execute(f"update accounts set {NAME}='', note=''")
    connection.executemany("insert into accounts(note) values(?)", [("x" * 900,)] * 60)
    data = (folder / "made.db-journal").read_bytes()
    connection.execute("rollback")
    connection.close()
    return Made("app.db-journal", data)


# ---- SQL ------------------------------------------------------------------------------------------------------------


def pg_plain(_folder: Path) -> Made:
    rows = b"".join(b"%d\tbinance\t%s\t\\N\n" % (number, value) for number, value in enumerate(TOKENS))
    text = (
        b"--\n-- PostgreSQL database dump\n--\n\nSET statement_timeout = 0;\n\n"
        b"COPY public.accounts (id, venue, api_secret, note) FROM stdin;\n" + rows + b"\\.\n\n\nSELECT 1;\n"
        b"--\n-- PostgreSQL database dump complete\n--\n\n"
    )
    return Made("dump.sql", text)


def mysqldump(_folder: Path) -> Made:
    rows = b",".join(b"(%d,'binance','%s',NULL)" % (number, value) for number, value in enumerate(TOKENS))
    text = (
        b"-- MySQL dump 10.13  Distrib 8.0.36, for Linux (x86_64)\n--\nCREATE TABLE `accounts` (\n  `id` int NOT NULL,\n"
        b"  `venue` varchar(20) DEFAULT NULL,\n  `api_secret` varchar(99) DEFAULT NULL,\n  `note` text,\n"
        b"  PRIMARY KEY (`id`),\n  KEY `v` (`venue`)\n) ENGINE=InnoDB;\nINSERT INTO `accounts` VALUES " + rows + b";\n"
        b"UNLOCK TABLES;\n-- Dump completed on 2026-01-02  3:04:05\n"
    )
    return Made("dump.sql", text)


def _pg_int(value: int) -> bytes:
    return bytes((value < 0,)) + struct.pack("<I", abs(value))


def _pg_string(text: bytes | None) -> bytes:
    return _pg_int(-1) if text is None else _pg_int(len(text)) + text


def pg_toc(form: int, entries: list[tuple[int, bytes, bytes]]) -> bytes:
    """The head and table of contents of version 1.14: (id, table, COPY statement) each."""
    out = b"PGDMP\x01\x0e\x00\x04\x08" + bytes((form,)) + _pg_int(-1) + b"".join(map(_pg_int, range(7)))
    out += _pg_string(b"bots") + _pg_string(b"15.1") + _pg_string(b"15.1") + _pg_int(len(entries))
    for ident, table, copy in entries:
        out += _pg_int(ident) + _pg_int(1) + _pg_string(b"0") + _pg_string(b"0")
        out += _pg_string(table) + _pg_string(b"TABLE DATA") + _pg_int(3) + _pg_string(b"") + _pg_string(b"")
        out += _pg_string(copy) + _pg_string(b"public") + _pg_string(b"") + _pg_string(b"") + _pg_string(b"owner")
        out += _pg_string(b"false") + _pg_string(None)
        out += b"\1" + bytes(8) if form == 1 else _pg_string(b"%d.dat" % ident)
    return out


PG_ROWS = b"".join(b"%d\tbinance\t%s\n" % (number, value) for number, value in enumerate(TOKENS)) + b"\\.\n\n\n"
PG_COPY = b"COPY public.accounts (id, venue, api_secret) FROM stdin;\n"


def pg_custom(data: bytes, chunk: int = 300) -> bytes:
    out = pg_toc(1, [(77, b"accounts", PG_COPY)]) + b"\1" + _pg_int(77)
    for at in range(0, len(data), chunk):
        out += _pg_int(len(data[at : at + chunk])) + data[at : at + chunk]
    return out + _pg_int(0)


def pg_custom_plain(_folder: Path) -> Made:
    return Made("bots.dump", pg_custom(PG_ROWS), plain=False)  # chunks cut through tokens


def pg_custom_zlib(_folder: Path) -> Made:
    return Made("bots.dump", pg_custom(zlib.compress(PG_ROWS)), plain=False)


def pg_custom_zstd(_folder: Path) -> Made:
    return Made("bots.dump", pg_custom(pytest.importorskip("zstandard").compress(PG_ROWS)), plain=False)


def pg_custom_lz4(_folder: Path) -> Made:
    return Made("bots.dump", pg_custom(pytest.importorskip("lz4.frame").compress(PG_ROWS)), plain=False)


def pg_tar(_folder: Path) -> Made:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in (
            ("toc.dat", pg_toc(3, [(77, b"accounts", PG_COPY)])),
            ("77.dat", PG_ROWS),
            ("restore.sql", b"-- text\n" * 1000),
        ):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return Made("bots.tar", out.getvalue()[:12_800])


# ---- LevelDB, RocksDB -----------------------------------------------------------------------------------------------


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes((*out, value))


def batch(sequence: int, operations: list[tuple[bytes, bytes | None]]) -> bytes:
    out = struct.pack("<QI", sequence, len(operations))
    for key, value in operations:
        out += bytes((value is not None,)) + varint(len(key)) + key
        out += varint(len(value)) + value if value is not None else b""
    return out


def leveldb_records(records: list[bytes]) -> bytes:
    """The records of a log, cut where a block ends. The checksums are nobody's here."""
    out = bytearray()
    for record in records:
        at, first = 0, True
        while first or at < len(record):
            room = 32768 - len(out) % 32768
            if room < 7:
                out += bytes(room)
                continue
            piece = record[at : at + room - 7]
            at += len(piece)
            kind = (1 if first else 4) if at >= len(record) else (2 if first else 3)
            out += b"\xc5\xc5\xc5\xc5" + struct.pack("<HB", len(piece), kind) + piece
            first = False
    return bytes(out)


def leveldb_log(_folder: Path) -> Made:
    batches = [
        batch(n + 1, [(b"%s.%d" % (NAME.encode(), n), b"%s%s" % (value, b"." * 900))]) for n, value in enumerate(TOKENS)
    ]
    return Made("000003.log", leveldb_records(batches), plain=False)  # a block may end in a token


def leveldb_table(folder: Path) -> Made:
    plyvel = pytest.importorskip("plyvel")
    database = plyvel.DB(str(folder / "ldb"), create_if_missing=True, compression="snappy")
    for number, value in enumerate(TOKENS):
        database.put(b"%s.%d" % (NAME.encode(), number), value)
    database.compact_range()
    database.close()
    path = next((folder / "ldb").glob("*.ldb"))
    return Made(path.name, path.read_bytes(), plain=False)


def rocksdb_table(compression: str) -> Callable[[Path], Made]:
    def make(folder: Path) -> Made:
        rocksdict = pytest.importorskip("rocksdict")
        options = rocksdict.Options(raw_mode=True)
        options.set_compression_type(getattr(rocksdict.DBCompressionType, compression)())
        database = rocksdict.Rdict(str(folder / "rdb"), options)
        for number, value in enumerate(TOKENS):
            database[b"%s.%d" % (NAME.encode(), number)] = value
        database.flush()
        database.close()
        path = next((folder / "rdb").glob("*.sst"))
        return Made(path.name, path.read_bytes(), plain=compression == "none")

    return make


# ---- LMDB, DBM ------------------------------------------------------------------------------------------------------


def lmdb(folder: Path) -> Made:
    module = pytest.importorskip("lmdb")
    environment = module.open(str(folder / "lm"), max_dbs=2, map_size=1 << 22)
    database = environment.open_db(b"accounts")
    with environment.begin(write=True) as transaction:
        for number, value in enumerate(TOKENS):
            transaction.put(b"%s.%d" % (NAME.encode(), number), value, db=database)
    environment.close()
    return Made("data.mdb", (folder / "lm" / "data.mdb").read_bytes())


def berkeley(folder: Path, kind: str = "btree", pairs: list[tuple[bytes, bytes]] | None = None) -> Made:
    loader = shutil.which("db5.3_load") or shutil.which("db_load")
    if loader is None:
        pytest.skip("no db_load")
    pairs = pairs or [(b"%s.%d" % (NAME.encode(), n), value) for n, value in enumerate(TOKENS)]
    text = b"".join(key + b"\n" + value + b"\n" for key, value in pairs)
    subprocess.run([loader, "-T", "-t", kind, str(folder / "made.db")], input=text, check=True, timeout=60)
    return Made("wallet.dat", (folder / "made.db").read_bytes())


def berkeley_page(folder: Path) -> Made:
    """A btree of one leaf, byte by byte."""
    size = 4096
    meta = bytearray(size)
    struct.pack_into("<IIII", meta, 8, 0, 0x53162, 9, size)
    meta[25] = 9
    struct.pack_into("<I", meta, 32, 1)
    leaf = bytearray(size)
    at, offsets = size, []
    for number, value in enumerate(TOKENS):
        for item in (b"%s.%d" % (NAME.encode(), number), value):
            at = (at - 3 - len(item)) & ~3
            struct.pack_into("<HB", leaf, at, len(item), 1)
            leaf[at + 3 : at + 3 + len(item)] = item
            offsets.append(at)
    struct.pack_into("<HHBB", leaf, 20, len(offsets), at, 1, 5)
    struct.pack_into(f"<{len(offsets)}H", leaf, 26, *offsets)
    return Made("wallet.dat", bytes(meta + leaf))


def gdbm(_folder: Path) -> Made:
    """A header, a directory of one bucket, the bucket, the pairs; as gdbm lays them out with 64-bit offsets."""
    count, block = 60, 4096
    bucket_size = 112 + 24 * count
    pairs = [(b"%s.%d" % (NAME.encode(), n), value) for n, value in enumerate(TOKENS)]
    at = 3 * block
    table, data = b"", b""
    for key, value in pairs:
        table += struct.pack("<i4sqii", binascii.crc32(key) & 0x7FFFFFFF, key[:4], at, len(key), len(value))
        data += key + value
        at += len(key) + len(value)
    table += struct.pack("<i4sqii", -1, b"", 0, 0, 0) * (count - len(pairs))
    head = struct.pack("<Iiqiiiiq", 0x13579ACF, block, block, 8, 0, bucket_size, count, at)
    bucket = bytes(104) + struct.pack("<ii", 0, len(pairs)) + table
    return Made(
        "x.gdbm",
        head.ljust(block, b"\0") + struct.pack("<q", 2 * block).ljust(block, b"\0") + bucket.ljust(block, b"\0") + data,
    )


# ---- Redis, MongoDB -------------------------------------------------------------------------------------------------


def redis_length(value: int) -> bytes:
    return (
        bytes((value,))
        if value < 64
        else struct.pack(">H", 0x4000 | value)
        if value < 16384
        else b"\x80" + struct.pack(">I", value)
    )


def redis_string(value: bytes) -> bytes:
    return redis_length(len(value)) + value


def rdb(_folder: Path) -> Made:
    out = (
        b"REDIS0011\xfa" + redis_string(b"redis-ver") + redis_string(b"7.2.0") + b"\xfe\0\xfb" + redis_length(2) + b"\0"
    )
    out += b"\xfc" + struct.pack("<Q", 1 << 40) + b"\x04" + redis_string(b"account") + redis_length(len(TOKENS))
    for number, value in enumerate(TOKENS):
        out += redis_string(b"%s.%d" % (NAME.encode(), number)) + redis_string(value)
    return Made("dump.rdb", out + b"\xff" + bytes(8))


def command(*words: bytes) -> bytes:
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


def aof(_folder: Path) -> Made:
    sets = [command(b"SET", b"%s.%d" % (NAME.encode(), number), value) for number, value in enumerate(TOKENS)]
    return Made("appendonly.aof.1.incr.aof", command(b"SELECT", b"0") + b"#TS:1700000000\r\n" + b"".join(sets))


def aof_with_snapshot(folder: Path) -> Made:
    return Made("appendonly.aof", rdb(folder).data + command(b"SET", b"later", b"value that came later"))


def bson_document(**fields: bytes | dict[str, object] | int) -> bytes:
    body = b""
    for name, value in fields.items():
        if isinstance(value, bytes):
            body += b"\x02" + name.encode() + b"\0" + struct.pack("<i", len(value) + 1) + value + b"\0"
        elif isinstance(value, int):
            body += b"\x10" + name.encode() + b"\0" + struct.pack("<i", value)
        else:
            body += b"\x03" + name.encode() + b"\0" + bson_document(**value)  # type: ignore[arg-type]
    return struct.pack("<i", len(body) + 5) + body + b"\0"


def bson(_folder: Path) -> Made:
    documents = [bson_document(n=n, exchange={NAME: value, "venue": b"binance"}) for n, value in enumerate(TOKENS)]
    return Made("accounts.bson", b"".join(documents))


def mongodump(folder: Path) -> Made:
    end, documents = b"\xff" * 4, bson(folder).data
    head = b"\x6d\xe2\x99\x81" + bson_document(version=b"0.1") + bson_document(db=b"bots", collection=b"accounts") + end
    section = bson_document(db=b"bots", collection=b"accounts", EOF=0) + documents + end
    return Made("bots.archive", head + section + bson_document(db=b"bots", collection=b"accounts", EOF=1) + end)


FORMS: dict[str, Callable[[Path], Made]] = {
    "sqlite": sqlite, "sqlite wal": sqlite_wal, "sqlite journal": sqlite_journal,
    "pg plain": pg_plain, "mysqldump": mysqldump, "pg custom": pg_custom_plain, "pg custom zlib": pg_custom_zlib,
    "pg custom zstd": pg_custom_zstd, "pg custom lz4": pg_custom_lz4, "pg tar": pg_tar,
    "leveldb log": leveldb_log, "leveldb table": leveldb_table, "rocksdb none": rocksdb_table("none"),
    "rocksdb snappy": rocksdb_table("snappy"), "rocksdb zlib": rocksdb_table("zlib"), "rocksdb bz2": rocksdb_table("bz2"),
    "rocksdb lz4": rocksdb_table("lz4"), "rocksdb zstd": rocksdb_table("zstd"), "lmdb": lmdb,
    "berkeley btree": berkeley, "berkeley hash": lambda folder: berkeley(folder, "hash"), "berkeley page": berkeley_page,
    "gdbm": gdbm, "redis rdb": rdb, "redis aof": aof, "redis both": aof_with_snapshot, "bson": bson,
    "mongodump": mongodump,
}  # fmt: skip
"""What holds all TOKENS, each beside the name NAME (or a name that begins so)."""
