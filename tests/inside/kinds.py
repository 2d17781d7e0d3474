"""One of every kind that is looked into, or named: a file that holds a token, by the name that its program gives it."""

from __future__ import annotations

import base64
import binascii
import csv
import io
import json
import pickle
import struct
import tempfile
import zlib
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from random import Random
from typing import NamedTuple

import backups
import dbs
import heaps
import papers
import pytest
import recorded
from nests import ARCHIVES, CODECS, bundle, tar


class Kind(NamedTuple):
    """`named`: it is told and scanned as it stands. `text`: no cut can be seen from its end. `nested`: it is looked into
    inside of an archive alone. `process`: parsed in one of its own, which takes time."""

    name: str
    make: Callable[[str], bytes]
    named: bool = False
    text: bool = False
    nested: bool = False
    process: bool = False


def line(secret: str) -> bytes:
    return f"some words before it\nGITHUB_TOKEN={secret}\nand some behind it\n".encode()


def long(secret: str) -> bytes:
    return b"words " * 90 + line(secret) + b"more words " * 90


def document(secret: str) -> str:
    return papers.paragraph(f"GITHUB_TOKEN={secret}")


def in_files(make: Callable[[list[tuple[str, bytes]]], bytes]) -> Callable[[str], bytes]:
    return lambda secret: make([("srv/a.txt", b"nothing " * 40), ("srv/x.env", line(secret)), ("srv/z.txt", b"more " * 40)])


def git_pack(secret: str) -> bytes:
    data = bundle([("x.env", line(secret))])
    return data[data.index(b"PACK\0\0\0\2") :]


def git_object(secret: str) -> bytes:
    data = line(secret)
    return zlib.compress(b"blob %d\0" % len(data) + data)


def eml(secret: str) -> bytes:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "a@example.org", "b@example.org", "keys"
    made.set_content("see the file")
    made.add_attachment(line(secret), maintype="application", subtype="octet-stream", filename="x.env")
    return bytes(made)


def uuencoded(data: bytes, name: str = "x.env", ending: bytes = b"\n") -> bytes:
    lines = [binascii.b2a_uu(data[at : at + 45], backtick=True)[:-1] for at in range(0, len(data), 45)]
    return ending.join([b"begin 644 " + name.encode(), *lines, b"`", b"end", b""])


def notebook(secret: str) -> bytes:
    cell = {"cell_type": "code", "execution_count": 1, "metadata": {}, "source": [f"GITHUB_TOKEN = '{secret}'\n"], "outputs": []}
    return json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


def quoted(secret: str) -> bytes:
    out = io.StringIO()
    rows = [["name", "github_token"], *([f"nobody {n}", "-"] for n in range(30)), ["bot, two", secret]]
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows(rows)
    return out.getvalue().encode()


def docker(secret: str) -> bytes:
    said = [(f"GITHUB_TOKEN={secret[:9]}", ""), (f"{secret[9:]} done\n", "")]
    return b"".join(
        json.dumps({"log": text, "stream": "stdout", "time": "2026-01-02T03:04:05Z"}, separators=(",", ":")).encode() + b"\n"
        for text, _ in [("hello\n", ""), *said, ("bye\n", "")]
    )


def kubernetes(secret: str) -> bytes:
    head = b"2026-01-02T03:04:05.678901234Z stdout "
    return head + b"F hello\n" + head + f"P GITHUB_TOKEN={secret[:9]}\n".encode() + head + f"F {secret[9:]} done\n".encode()


def syslog(secret: str) -> bytes:
    messages = [f"<34>1 2026-10-11T22:14:15Z host app - - - {text}".encode() for text in ("hi", f"GITHUB_TOKEN={secret}", "bye")]
    return b"".join(b"%d %b" % (len(message), message) for message in messages)


def journal_export(secret: str) -> bytes:
    value = f"two lines\nGITHUB_TOKEN={secret}".encode()
    return b"__CURSOR=s=1;i=1\n_COMM=app\nMESSAGE\n" + struct.pack("<Q", len(value)) + value + b"\n\n"


def tables(form: str) -> Callable[[str], bytes]:
    def make(secret: str) -> bytes:
        pytest.importorskip("pyarrow")
        pytest.importorskip("fastavro")
        from test_columns_tables import FORMS

        return FORMS[form][1]([{"github_token": "-", "n": 1}, {"github_token": secret, "n": 2}])

    return make


def npy(secret: str) -> bytes:
    from test_columns_pickles import npy as made
    from test_columns_pickles import wide

    return made("<U80", wide(f"GITHUB_TOKEN={secret}", 80))


def database(form: str) -> Callable[[str], bytes]:
    """Its fortieth value is the token."""

    def make(secret: str) -> bytes:
        before, rows = list(dbs.TOKENS), dbs.PG_ROWS
        dbs.TOKENS[:] = [*before[:-1], secret.encode()]
        dbs.PG_ROWS = rows.replace(before[-1], secret.encode())
        try:
            with tempfile.TemporaryDirectory() as folder:
                return dbs.FORMS[form](Path(folder)).data
        finally:
            dbs.TOKENS[:], dbs.PG_ROWS = before, rows

    return make


def sql(secret: str) -> bytes:
    head = b"--\n-- PostgreSQL database dump\n--\n\nSET statement_timeout = 0;\n\n"
    rows = b"COPY public.accounts (id, github_token) FROM stdin;\n" + f"1\t{secret}\n\\.\n\n".encode()
    return head + rows + b"--\n-- PostgreSQL database dump complete\n--\n\n"


def pgp(secret: str) -> bytes:
    """A literal packet in a compressed one, as `gpg --store` writes it."""
    body = b"b\5x.env" + bytes(4) + line(secret)
    return b"\xa3\2" + zlib.compress(b"\xcb\xff" + struct.pack(">I", len(body)) + body)


def armor(data: bytes) -> bytes:
    return b"-----BEGIN PGP MESSAGE-----\n\n" + base64.encodebytes(data) + b"-----END PGP MESSAGE-----\n"


def clear_signed(secret: str) -> bytes:
    signature = b"-----BEGIN PGP SIGNATURE-----\n\niQFabcd=\n-----END PGP SIGNATURE-----\n"
    return b"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n" + line(secret) + signature


def der(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return bytes((tag, 0x84)) + struct.pack(">I", len(body)) + body


def cms(secret: str) -> bytes:
    """A signed object without its signatures."""
    content = der(0x30, bytes.fromhex("06092a864886f70d010701"), der(0xA0, der(4, line(secret))))
    signed = der(0x30, b"\2\1\1", der(0x31), content, der(0x31))
    return der(0x30, bytes.fromhex("06092a864886f70d010702"), der(0xA0, signed))


def named(head: bytes) -> Callable[[str], bytes]:
    return lambda secret: head + bytes(64) + b"\n" + line(secret)


def noise(count: int) -> bytes:
    return Random(count).randbytes(count)


def picture(secret: str) -> bytes:
    return papers.png([(b"zTXt", b"note\0\0" + zlib.compress(line(secret)))])


KINDS: dict[str, Kind] = {
    **{name: Kind(f"x{suffix}", lambda s, pack=pack: pack(long(s)), text=name == "compress")  # type: ignore[misc]
       for name, (suffix, pack) in CODECS.items()},
    "skippable": Kind("x.pzst", lambda s: b"\x50\x2a\x4d\x18\4\0\0\0abcd" + CODECS["zstd"][1](line(s))),
    "zlib": Kind("x.zlib", lambda s: zlib.compress(long(s))),
    "git-object": Kind("objects/ab/" + "c" * 38, git_object, nested=True),
    "git-pack": Kind("x.pack", git_pack, nested=True, process=True),
    "git-bundle": Kind("x.bundle", in_files(bundle), process=True),
    **{name: Kind(f"x.{name}", in_files(ARCHIVES[name])) for name in ("zip", "ar", "rpm", "asar", "iso")},
    "tar": Kind("x.tar", in_files(tar)),
    "cpio": Kind("x.cpio", in_files(ARCHIVES["cpio newc"])),
    **{name: Kind(f"x.{name}", in_files(ARCHIVES[name]), process=True) for name in ("7z", "rar", "cab", "lha", "xar", "squashfs")},
    "program": Kind("x.exe", lambda s: b"MZ" + bytes(600) + in_files(ARCHIVES["7z"])(s), process=True),
    "docx": Kind("x.docx", lambda s: papers.docx(document(s))),
    "xlsx": Kind("x.xlsx", lambda s: papers.xlsx({"one": [["name", "value"], ["github_token", s]]})),
    "xlsb": Kind("x.xlsb", lambda s: papers.xlsb({"one": [["name", "value"], ["github_token", s]]})),
    "pptx": Kind("x.pptx", lambda s: papers.pptx([f"GITHUB_TOKEN={s}"])),
    "odt": Kind("x.odt", lambda s: papers.opendocument("text", f"<text:p>GITHUB_TOKEN={s}</text:p>")),
    "ods": Kind("x.ods", lambda s: papers.opendocument("spreadsheet", papers.ods_table("one", [["github_token", s]]))),
    "flat-xml": Kind("x.fodt", lambda s: papers.flat("text", f"<text:p>GITHUB_TOKEN=<text:span>{s[:9]}</text:span>{s[9:]}</text:p>")),
    "pdf": Kind("x.pdf", lambda s: papers.pdf([[f"GITHUB_TOKEN={s}"]]).end(), process=True),
    "ole": Kind("x.msg", lambda s: papers.msg("keys", f"GITHUB_TOKEN={s}"), process=True),
    "rtf": Kind("x.rtf", lambda s: rb"{\rtf1\ansi{\info{\title keys}} GITHUB_TOKEN=" + s.replace("_", r"\_").encode() + rb"\par}", text=True),
    "mail": Kind("x.eml", eml),
    "mbox": Kind("mbox", lambda s: b"From a@example.org Sat Jan  3 01:05:34 2026\n" + eml(s)),
    "notebook": Kind("x.ipynb", notebook),
    "uuencode": Kind("post.txt", lambda s: b"see below\n\n" + uuencoded(long(s)) + b"regards\n"),
    "delimited": Kind("x.csv", quoted, text=True),
    "entities": Kind("x.xml", lambda s: f"<a>GITHUB&#95;TOKEN={s[:9]}&#{ord(s[9])};{s[10:]}</a>\n".encode(), text=True),
    "png": Kind("x.png", picture),
    "pgp": Kind("x.gpg", pgp),
    "armored": Kind("x.asc", lambda s: armor(pgp(s))),
    "clear-signed": Kind("x.asc", clear_signed, text=True),
    "cms": Kind("x.p7m", cms),
    "json-file": Kind("c-json.log", docker, text=True),
    "cri": Kind("0.log", kubernetes, text=True),
    "syslog": Kind("syslog", syslog, text=True),
    "journal-export": Kind("x.export", journal_export, text=True),
    "journal": Kind("x.journal", lambda s: recorded.journal([[b"_COMM=app", b"MESSAGE=one"], [f"GITHUB_TOKEN={s}".encode()]])),
    "evtx": Kind("x.evtx", lambda s: recorded.evtx([[("EventID", "1"), ("Data", f"GITHUB_TOKEN={s}")]]), process=True),
    **{name: Kind(f"x.{name}", tables(name), process=True) for name in ("parquet", "arrow", "avro", "orc")},
    "pickle": Kind("x.pkl", lambda s: pickle.dumps({"a": 1, "GITHUB_TOKEN": s, "z": ["more"] * 9})),
    "npy": Kind("x.npy", npy),
    "pcap": Kind("x.pcap", lambda s: recorded.pcap([recorded.Sent("10.0.0.1:1000", "10.0.0.2:80", line(s), 1)])),
    "sqlite": Kind("x.db", database("sqlite")),
    "sqlite-wal": Kind("x.db-wal", database("sqlite wal")),
    "sqlite-journal": Kind("x.db-journal", database("sqlite journal")),
    "sql-dump": Kind("x.sql", sql),
    "sstable": Kind("000005.ldb", database("leveldb table")),
    "leveldb-log": Kind("000003.log", database("leveldb log")),
    "mongodump": Kind("x.archive", database("mongodump")),
    "lmdb": Kind("data.mdb", database("lmdb")),
    "berkeley-db": Kind("wallet.dat", database("berkeley page")),
    "gdbm": Kind("x.gdbm", database("gdbm")),
    "redis-rdb": Kind("dump.rdb", database("redis rdb")),
    "redis-aof": Kind("x.aof", database("redis aof")),
    "bson": Kind("x.bson", database("bson")),
    "pg-dump": Kind("x.dump", database("pg custom")),
    "pg-dump-tar": Kind("x.tar", database("pg tar")),
    "pg-data": Kind("3078.dat", lambda s: f"1\tbot\t{s}\n2\tbot\t-\n\\.\n\n".encode(), nested=True, text=True, named=True),
    "android-backup": Kind("x.ab", lambda s: backups.android(in_files(tar)(s))),
    "pbzx": Kind("Payload", lambda s: backups.pbzx(long(s))),
    "ostree-object": Kind("0ab1.filez", lambda s: backups.ostree(long(s))),
    "mozlz4": Kind("x.jsonlz4", lambda s: backups.mozlz4(long(s))),
    "proxmox-chunk": Kind("ab12", lambda s: backups.proxmox(long(s))),
    "vmdk-stream": Kind("x.vmdk", lambda s: backups.vmdk(noise(70_000) + long(s).ljust(66_000, b"\0"))),
    "dmg": Kind("x.dmg", lambda s: backups.dmg(noise(9_216) + long(s).ljust(10_240, b"\0"))),
    "qcow2-disk": Kind("x.qcow2", lambda s: backups.qcow2(noise(9_000) + long(s).ljust(9_432, b"\0"))),
    "vmdk-disk": Kind("x.vmdk", lambda s: backups.sparse_vmdk(noise(9_000) + long(s).ljust(9_432, b"\0"))),
    "vdi-disk": Kind("x.vdi", lambda s: backups.vdi(noise(9_000) + long(s).ljust(9_432, b"\0"))),
    "vhd-disk": Kind("x.vhd", lambda s: backups.vhd(noise(9_000) + long(s).ljust(9_432, b"\0"))),
    "vhdx": Kind("x.vhdx", lambda s: backups.vhdx(noise(1_050_000) + long(s))),
    "sif-image": Kind("x.sif", lambda s: backups.sif([(0x4001, "x.def", b"Bootstrap: docker\n"), (0x4006, "", long(s))])),
    "ewf": Kind("x.E01", lambda s: backups.ewf(noise(33_000) + long(s).ljust(40_000, b"\0"))),
    "emlx": Kind("1.emlx", lambda s: backups.emlx(eml(s))),
    "tnef": Kind("winmail.dat", lambda s: backups.tnef([("a.bin", bytes(90)), ("x.env.gz", CODECS["gzip"][1](line(s)))])),
    "pst": Kind("x.pst", lambda s: backups.pst(f"GITHUB_TOKEN={s}\r\n".encode("utf-16-le")), named=True),
    "plist": Kind("x.bin", lambda s: backups.plist({"a": [1, 2.5, {"b": "c"}], "GITHUB_TOKEN": s, "z": "more " * 20})),
    "regf": Kind("NTUSER.DAT", lambda s: backups.hive({"Path": "C:\\Windows", "GITHUB_TOKEN": s, "z": b"\1\2\3\4\5"})),
    "snappy": Kind("x.sz", lambda s: backups.framed(long(s))),
    "mozilla-cache": Kind(
        f"cache2/entries/{'0123456789' * 4}",
        lambda s: backups.mozilla_cached("https://example.org/", CODECS["gzip"][1](line(s)), b"HTTP/1.1 200\r\ncontent-encoding: gzip\r\n"),
    ),
    "http-cache": Kind("0123456789abcdef_0", lambda s: backups.cached("https://example.org/", CODECS["gzip"][1](line(s)), b"HTTP/1.1 200\0\0")),
    "binlog": Kind("binlog.000001", lambda s: backups.binlog(backups.statement(b"BEGIN"), backups.payload(backups.statement(line(s))))),
    "etcd-wal": Kind("0000000000000000-0000000000000000.wal", lambda s: backups.etcd_wal((b"a", b"b" * 90), (b"github_token", s.encode()))),
    "pg-heap": Kind("16385", lambda s: backups.pg_heap([backups.varlena(b"words"), backups.varlena(s.encode())]), named=True),
    "pg-wal": Kind("000000010000000000000003", lambda s: backups.pg_wal(
        [backups.pg_insert(backups.varlena(b"words" * number)) for number in range(1, 9)]
        + [backups.pg_insert(backups.varlena(b"words") + backups.varlena(s.encode())), backups.pg_insert(backups.varlena(b"last"))]), named=True),
    "hprof": Kind("heap.hprof", lambda s: heaps.heap({"github.token": s, "mode": "live"}), text=True),
    "bolt": Kind("snapshot.db", lambda s: backups.bolt([(b"a", b"b" * 90), (b"k", backups.kubernetes({"github_token": s}))])),
    "wiredtiger": Kind("collection-7.wt", lambda s: backups.wiredtiger(
        [(b"\x81", dbs.bson_document(github_token=s.encode())), (b"\x82", noise(6_000).hex().encode())], zlib.compress)),
    "wiredtiger-log": Kind("WiredTigerLog.0000000001", lambda s: backups.wiredtiger_log([b"words " * 40, dbs.bson_document(github_token=s.encode())]), text=True),
    "datastore": Kind("x.preferences_pb", lambda s: backups.message({"name": "b" * 30, "github_token": s})),
    "backuppc": Kind("cpool/a/b/c/abc", lambda s: backups.backuppc(long(s))),
    "dovecot": Kind("cur/1.M1:2,S", lambda s: backups.dovecot(long(s))),
    "xbstream": Kind("x.xbstream", lambda s: backups.xbstream([("db/a.ibd", noise(900)), ("x.env", line(s)), ("z", b"more " * 90)])),
    "prometheus-wal": Kind("wal/00000000", lambda s: backups.prometheus_wal([b"words " * 9, long(s), b"last"])),
    "influx-wal": Kind("_00001.wal", lambda s: backups.influx_wal([b"words " * 9, long(s), b"last"]), text=True),
    "clickhouse": Kind("github_token.bin", lambda s: backups.clickhouse([["words " * 9, "-"], [s], ["last"]])),
    "warc": Kind("x.warc", lambda s: backups.warc(backups.answer(line(s), chunked=True)), text=True),
    "kafka": Kind("00000000000000000000.log", lambda s: backups.kafka([(b"a", b"b" * 90)]) + backups.kafka([(b"k", long(s))], "gzip", 1)),
    "rocksdb-blobs": Kind("000010.blob", lambda s: backups.rocks_blobs([(b"k1", noise(900).hex().encode()), (b"github_token", s.encode()), (b"k3", b"words " * 90)])),
    "folded": Kind("x.ics", lambda s: f"BEGIN:VCALENDAR\r\nDESCRIPTION:GITHUB_TOKEN={s[:20]}\r\n {s[20:]}\r\nEND:VCALENDAR\r\n".encode(), text=True),
    "history": Kind(".mysql_history", lambda s: f"_HiStOrY_V2_\nset\\040@github_token\\040=\\040'{s}';\nexit\n".encode(), text=True),
    "ebcdic": Kind("X.DATA", lambda s: (long(s).decode() + "\n").encode("cp037"), text=True),
    "asciicast": Kind("x.cast", lambda s: b"".join(json.dumps(event).encode() + b"\n" for event in (
        {"version": 2, "width": 80, "height": 24}, *([0.1, "o", key] for key in f"export GITHUB_TOKEN={s}\r\n"))), text=True),
    "typescript": Kind("typescript", lambda s: f"Script started on 2026-01-02\n$ export GITHUB_TOKEN={s[:9]}x\b\x1b[K{s[9:]}\r\n".encode(), text=True),
    "wim": Kind("x.wim", named(b"MSWIM\0\0\0"), named=True),
    "borg": Kind("0", named(b"BORG_SEG"), named=True),
    "restic": Kind("repo/keys/ab12", lambda s: b'{"created":"2026","kdf":"scrypt","N":1,' + b'"x":"' + line(s).replace(b"\n", b" ") + b'"}', named=True),
    "openssl-enc": Kind("x.enc", named(b"Salted__"), named=True),
}  # fmt: skip
"""Kind (of `magic`, or what a zip turns out to be) -> how to make one. What nobody opens is in test_sealed.OPAQUE, too."""
