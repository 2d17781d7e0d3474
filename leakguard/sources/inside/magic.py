"""Recognises containers by their first bytes: what kind of thing to look inside of.

Promises: a pure function of a head, the object's name (for the few formats without a magic) and nothing else; about
a dictionary look-up for text; reads nothing. It may be wrong (two bytes are not much): a reader that finds so says so,
and the bytes are then scanned as they stand. On the path of every scanned file: imports nothing but `opaque`.
"""

from leakguard.sources.inside.opaque import (
    MAGICS,
    NOTED,
    PGP,
    PLACED,
    SURE,
    by_place,
    innodb,
    is_pgp,
    placed,
    sealed_values,
)

__all__ = ["NOTED", "kind_of"]

HEAD = 512
"""Bytes that are enough for everything but an ISO image."""
ISO_HEAD = 32_774
"""Bytes that are enough for an ISO image, too."""
PROGRAM_HEAD = 1024 * 1024
"""Bytes of a program of Windows in which an archive behind it is to begin: those that unpack are smaller."""

_MAGICS: tuple[tuple[bytes, str], ...] = (
    (b"\x1f\x8b\x08", "gzip"),
    (b"\x1f\x9d", "compress"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\0", "xz"),
    (b"]\0\0", "lzma"),
    (b"LZIP\1", "lzip"),
    (b"\x89LZO\0\r\n\x1a\n", "lzop"),
    (b"\xff\6\0\0sNaPpY", "snappy"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"\x02\x21\x4c\x18", "lz4-legacy"),
    (b"PK\3\4", "zip"),
    (b"PK\5\6", "zip"),
    (b"PK\6\6", "zip"),
    (b"PK\7\x08PK\3\4", "zip"),
    (b"PK00PK\3\4", "zip"),
    (b"Cr24", "zip"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07", "rar"),
    (b"!<arch>\n", "ar"),
    (b"\xed\xab\xee\xdb", "rpm"),
    (b"070701", "cpio"),
    (b"070702", "cpio"),
    (b"070707", "cpio"),
    (b"\xc7\x71", "cpio"),
    (b"\x71\xc7", "cpio"),
    (b"MSCF\0\0\0\0", "cab"),
    (b"hsqs", "squashfs"),
    (b"\4\0\0\0", "asar"),
    (b"# v2 git bundle\n", "git-bundle"),
    (b"# v3 git bundle\n", "git-bundle"),
    (b"PACK\0\0\0\2", "git-pack"),
    (b"xar!\0", "xar"),
    (b"MZ", "program"),
    (b"MSWIM\0\0\0", "wim"),
    (b"BORG_SEG", "borg"),
    (b"[repository]\nversion", "borg"),
    (b"Salted__", "openssl-enc"),
    (b"U2FsdGVkX1", "openssl-enc"),
    (b"%PDF-", "pdf"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"),
    (b"{\\rtf", "rtf"),
    (b"<?xml", "flat-xml"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"From ", "mbox"),
    (b"From: ", "mail"),
    (b"Received: ", "mail"),
    (b"Return-Path: ", "mail"),
    (b"Delivered-To: ", "mail"),
    (b"MIME-Version: ", "mail"),
    (b"Message-I", "mail"),
    (b"Date: ", "mail"),
    (b"Subject: ", "mail"),
    (b"To: ", "mail"),
    (b"X-", "mail"),
    (b"DKIM-Signature: ", "mail"),
    (b"Return-path: ", "mail"),
    (b"Envelope-to: ", "mail"),
    (b"Authentication-Results: ", "mail"),
    (b"ARC-", "mail"),
    (b"Received-SPF: ", "mail"),
    (b"Reply-To: ", "mail"),
    (b"Content-Type: ", "mail"),
    (b"In-Reply-To: ", "mail"),
    (b"User-Agent: ", "mail"),
    (b"begin ", "uuencode"),
    (b"JAVA PROFILE 1.0.", "hprof"),
    (b'{"log":"', "json-file"),
    (b"__CURSOR=", "journal-export"),
    (b"LPKSHHRH", "journal"),
    (b"ElfFile\0", "evtx"),
    (b"PAR1", "parquet"),
    (b"PARE", "parquet"),
    (b"ARROW1\0\0", "arrow"),
    (b"FEA1", "arrow"),
    (b"\xff\xff\xff\xff", "arrow"),
    (b"Obj\1", "avro"),
    (b"ORC", "orc"),
    (b"\x93NUMPY", "npy"),
    (b"\x80\0\0\0", "wiredtiger-log"),
    (b"\x80\2", "pickle"),
    (b"\x80\3", "pickle"),
    (b"\x80\4", "pickle"),
    (b"\x80\5", "pickle"),
    (b"}q\0", "pickle"),
    (b"]q\0", "pickle"),
    (b"(X", "pickle"),
    (b"ccollections\nOrderedDict\n", "pickle"),
    (b"(dp", "pickle"),
    (b"(lp", "pickle"),
    (b"ccopy_reg\n_reconstructor\n", "pickle"),
    (b"\xd4\xc3\xb2\xa1\2\0", "pcap"),
    (b"\x34\xcd\xb2\xa1\2\0", "pcap"),
    (b"\xa1\xb2\xcd\x34\0\2", "pcap"),
    (b"\xa1\xb2\xc3\xd4\0\2", "pcap"),
    (b"\x4d\x3c\xb2\xa1\2\0", "pcap"),
    (b"\xa1\xb2\x3c\x4d\0\2", "pcap"),
    (b"\n\r\r\n", "pcap"),
    (b"SQLite format 3\0", "sqlite"),
    (b"\x37\x7f\x06\x82", "sqlite-wal"),
    (b"\x37\x7f\x06\x83", "sqlite-wal"),
    (b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7", "sqlite-journal"),
    (b"REDIS00", "redis-rdb"),
    (b"VALKEY0", "redis-rdb"),
    (b"#TS:", "redis-aof"),
    (b"\x6d\xe2\x99\x81", "mongodump"),
    (b"\x37\x8f\x24\0\1\0\0\0", "rocksdb-blobs"),
    (b"\xce\x9a\x57\x13", "gdbm"),
    (b"\xcf\x9a\x57\x13", "gdbm"),
    (b"\xd0\x9a\x57\x13", "gdbm"),
    (b"\xd1\x9a\x57\x13", "gdbm"),
    (b"\x13\x57\x9a", "gdbm"),
    (b"PGDMP", "pg-dump"),
    (b"--\n-- PostgreSQL database ", "sql-dump"),
    (b"-- MySQL dump ", "sql-dump"),
    (b"-- MariaDB dump ", "sql-dump"),
    (b"/*!999999\\- ", "sql-dump"),
    (b"/*M!999999\\- ", "sql-dump"),
    (b"-- phpMyAdmin SQL Dump", "sql-dump"),
    (b"PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;", "sql-dump"),
    (b"ANDROID BACKUP\n", "android-backup"),
    (b"pbzx\0", "pbzx"),
    (b"mozLz40\0", "mozlz4"),
    (b"\x31\xb9\x58\x42\x6f\xb6\xa3\x7f", "proxmox-chunk"),
    (b"\x42\xab\x38\x07\xbe\x83\x70\xa1", "proxmox-chunk"),
    (b"bplist0", "plist"),
    (b"regf", "regf"),
    (b"\x78\x9f\x3e\x22", "tnef"),
    (b"!BDN", "pst"),
    (b"EVF\x09\r\n\xff\0", "ewf"),
    (b"LVF\x09\r\n\xff\0", "ewf"),
    (b"KDMV", "vmdk-stream"),
    (b"QFI\xfb\0\0\0", "qcow2-disk"),
    (b"KDMV", "vmdk-disk"),
    (b"COWD", "vmdk-disk"),
    (b"<<< ", "vdi-disk"),
    (b"conectix", "vhd-disk"),
    (b"vhdxfile", "vhdx"),
    (b"#!/usr/bin/env run-singularity\n", "sif-image"),
    (b"\x30\x5c\x72\xa7\x1b\x6d\xfb\xfc", "http-cache"),
    (b"\xfebin", "binlog"),
    (b"\4\0\0\0\0\0\0\x84\x08\4\x10", "etcd-wal"),
    (b"BEGIN:VCARD", "folded"),
    (b"BEGIN:VCALENDAR", "folded"),
    (b"dn: ", "folded"),
    (b"version: 1\n", "folded"),
    (b"# extended LDIF\n", "folded"),
    (b"_HiStOrY_V2_\n", "history"),
    (b'{"version":', "asciicast"),
    (b'{"version": ', "asciicast"),
    (b"Script started on ", "typescript"),
    (b"SET DATABASE UNIQUE NAME HSQLDB", "sql-dump"),
    (b"XBSTCK01", "xbstream"),
    (b"WARC/1.", "warc"),
    (b"Dovecot-LZ4\r*\x9b\xc5", "dovecot"),
    *((bytes((first, second)), "backuppc") for first in (0xD6, 0xD7) for second in (0x01, 0x5E, 0x9C, 0xDA)),
    *((bytes((kind, 0)), "influx-wal") for kind in (1, 2, 3)),
)  # fmt: skip

_BY_TWO: dict[bytes, list[tuple[bytes, str]]] = {}
for _magic, _kind in (*_MAGICS, *MAGICS):
    _BY_TWO.setdefault(_magic[:2], []).append((_magic, _kind))
for _low in range(16):
    _BY_TWO.setdefault(bytes((0x50 + _low, 0x2A)), []).append((bytes((0x50 + _low, 0x2A, 0x4D, 0x18)), "skippable"))

for _number in range(99):  # "1 <34>..." to "99<..", and so on: the first two bytes of a count
    _two = b"%d " % (_number + 1) if _number < 9 else b"%d" % (_number + 1)
    _BY_TWO.setdefault(_two, []).append((_two, "syslog"))
_BY_TWO[b"20"].append((b"20", "cri"))
for _number in range(1, 10):  # "*3\r\n$3\r\nSET"
    _BY_TWO.setdefault(b"*%d" % _number, []).append((b"*%d" % _number, "redis-aof"))

TAIL = 65_557
"""Bytes at an end that hold the end record of a zip, if one hangs there."""

_LEVELS = (b"\0", b"\1", b"\2", b"\3")

_FIRST = PGP | {b"x"}

OCTAL = frozenset(b"01234567 \0")

NESTED_ONLY = frozenset({"git-pack", "git-object"})
"""Looked into inside of an archive alone: on disk a repository's objects are the git source's."""


LOGS = frozenset({"delimited", "entities", "json-file", "cri", "syslog", "journal-export"})
"""Text, read a little differently: nothing in it expands."""
AS_TEXT = LOGS | {"folded", "history", "ebcdic", "sql-dump", "clear-signed", "pg-data"}
"""Kinds whose findings have their places in the file itself."""


def kind_of(head: bytes, name: str = "") -> str:
    """The kind of container that `head` begins, or "". `head` is the first HEAD bytes or more, or all there is."""
    if name[-41:-40] == "/" and name[-55:-40].endswith(_MOZILLA):
        return "mozilla-cache" if len(head) > 40 and not name[-40:].strip("0123456789ABCDEF") else ""
    for magic, kind in _BY_TWO.get(head[:2], ()):
        if head.startswith(magic) and (kind not in _SURE or _SURE[kind](head, name)):
            return kind
    if name[-8:].isdigit() and name.rsplit("/", 2)[-2:-1] and _prometheus(head, name):
        return "prometheus-wal"
    if kind := "berkeley-db" if head[12:16] in _BERKELEY else placed(head):
        return kind
    if head[257:262] == b"ustar" or (head[148:156].endswith(_SUM_ENDS) and checksum_fits(head[:HEAD])):
        return "" if len(head) < HEAD else "pg-dump-tar" if head[:8] == b"toc.dat\0" else "tar"
    if head[2:5] in (b"-lh", b"-lz") and head[6:7] == b"-" and head[5:6] in b"0123456789sdx" and head[20:21] in _LEVELS:
        return "lha"
    if head[32769:32774] == b"CD001":
        return "iso"
    if (head[8:12] == b"DUCK" or name.endswith(_NAMED)) and (kind := _by_name(head, name)):
        return kind
    if name.endswith((".ldb", ".sst", ".log", ".mdb", ".aof", ".dat", ".bson", ".ibd")):
        return _database(head, name)
    return _by_letters(head, name)


def _by_letters(head: bytes, name: str) -> str:
    """What has hardly a mark, or none: known by what it is made of."""
    if head[:1] in _FIRST:
        return _zlib(head, name) if head[:1] == b"x" else "pgp" if len(head) > 12 and is_pgp(head, name) else ""
    if head[:1] == b"{" and b'"kdf"' in head[:HEAD] and "keys/" in name and b'"scrypt"' in head[:HEAD]:
        return "restic"
    if b" " not in (near := head[:256]) and b"\x40" in near and _ebcdic(head[:HEAD]):  # nearly all texts have a blank
        return "ebcdic"
    if sealed_values(head[:HEAD]):
        return "sealed-values"
    at = head.find(b"\nbegin ", 0, None if name.endswith(_UU_NAMES) else UU_HEAD)
    return "uuencode" if at >= 0 and _uuencode(head[at + 1 :], name) else ""


_SUM_ENDS = (b"\0 ", b" \0", *(b"%d\0" % digit for digit in range(8)))
"""How a tar header's checksum ends. The last is cpio's way, which writes seven digits."""
_MOZILLA = ("cache2/entries/", "cache2/doomed/")
"""Folders of Firefox' cache. Its entries begin with what a server sent, and tell at their end what they are."""


def is_picture(head: bytes) -> bool:
    """Is it a picture that OCR can be asked for?"""
    start = head[:16]
    return (
        start.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"II*\0", b"MM\0*"))
        or (start[:4] == b"RIFF" and start[8:12] == b"WEBP")
        or (start[:2] == b"BM" and head[14:18] in (b"\x28\0\0\0", b"\x7c\0\0\0", b"\x6c\0\0\0"))
    )


def may_be_iso(head: bytes) -> bool:
    """Is it worth to read on for an ISO image's mark? The first 32 KiB are empty or a boot sector."""
    return len(head) >= HEAD and (not head[:HEAD].strip(b"\0") or head[510:512] == b"\x55\xaa")


def ends_as_zip(data: bytes) -> bool:
    """Does `data` (all of a file, or its last TAIL bytes) hold the end record of a zip near its end? A look for NUL first:
    it is fast, and text has none. Programs that read zips hold the record's mark, too: the directory has to be there."""
    low = max(0, len(data) - TAIL)
    if data.find(b"\0", low) < 0:
        return False
    at = len(data)
    while (at := data.rfind(b"PK\5\6", low, at)) >= 0:
        size = int.from_bytes(data[at + 12 : at + 16], "little")
        if len(data) - at < 22 or size < 46:
            continue
        if data[at - 20 : at - 16] == b"PK\6\7":
            return True  # a wide record stands between, which says where the directory is
        if (at < size < 0xFFFFFFFF and len(data) == TAIL) or (size <= at and data[at - size :][:4] == b"PK\1\2"):
            return True
    return False


def checksum_fits(block: bytes) -> bool:
    """Is the block a tar header whose checksum is right?"""
    field = block[148:156]
    if len(block) < HEAD or not OCTAL.issuperset(field):
        return False
    digits = field.strip(b"\0 ")
    if not digits or b"\0" in digits or b" " in digits:
        return False
    told = int(digits, 8)
    from zlib import adler32

    block = block[:HEAD]
    # of ASCII the sum is less than what Adler's is taken by, and that takes a twentieth of the time
    unsigned = (adler32(block) & 0xFFFF) - 1 if block.isascii() else sum(block)
    unsigned += 256 - sum(field)
    if told == unsigned:
        return True
    high = sum(byte > 127 for byte in block) - sum(byte > 127 for byte in field)
    return told == unsigned - 256 * high  # some old tars add signed bytes


def _bzip2(head: bytes, _name: str) -> bool:
    return head[3:4] in b"123456789" and head[4:10] in (b"1AY&SY", b"\x17\x72\x45\x38\x50\x90")


def _compress(head: bytes, _name: str) -> bool:
    """Flags that it knows, and a first code that is a byte."""
    return len(head) < 5 or (9 <= head[2] & 0x1F <= 16 and not head[2] & 0x60 and not head[4] & 1)


def _program(head: bytes, _name: str) -> bool:
    from leakguard.sources.inside.archives.behind import archive_in

    return archive_in(head[:PROGRAM_HEAD])[0] > 0


def _flat_xml(head: bytes, _name: str) -> bool:
    """A document in one file: OpenDocument's, or Word's."""
    return b"<office:document" in head[:HEAD] or b'progid="Word.Document"' in head[:HEAD]


def _openssl(head: bytes, _name: str) -> bool:
    """In base64 (`-a`) it is that and nothing else."""
    return head[:1] == b"S" or not head[:HEAD].translate(None, _BASE64)


_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=\r\n"


def _lzma(head: bytes, _name: str) -> bool:
    """lzma has hardly a magic: a dictionary size that encoders write, a believable length, and the coder's zero."""
    size = int.from_bytes(head[1:5], "little")
    length = int.from_bytes(head[5:13], "little")
    power = size & (size - 1) == 0 or (size // 3) & (size // 3 - 1) == 0
    return size >= 4096 and power and len(head) > 13 and head[13] == 0 and (length == (1 << 64) - 1 or length < 1 << 40)


def _asar(head: bytes, _name: str) -> bool:
    return head[16:25] in (b'{"files":', b'{ "files"')


def _cpio(head: bytes, _name: str) -> bool:
    if head[:1] == b"0":
        return len(head) >= 76 and head[6:14].isalnum()
    order = "little" if head[:1] == b"\xc7" else "big"
    size = int.from_bytes(head[20:22], "little" if order == "little" else "big")
    return len(head) >= 26 and 1 < size < 1024 and head[25 + size : 26 + size] == b"\0"


_BERKELEY = frozenset((b"\x62\x31\5\0", b"\0\5\x31\x62", b"\x61\x15\6\0", b"\0\6\x15\x61"))
"""Magics of Berkeley DB, in their 12th byte: btree and hash, either byte order."""


def _gdbm(head: bytes, _name: str) -> bool:
    return head[:1] != b"\x13" or head[3:4] in b"\xce\xcf\xd0\xd1"


def _aof(head: bytes, _name: str) -> bool:
    """A command as Redis sends it: a count of strings, each with its length."""
    at = head.find(b"\r\n$", 0, 40)
    end = head.find(b"\r\n", at + 3, at + 16)
    return at > 0 and head[at + 3 : end].isdigit() and (head[:1] == b"#" or head[1:at].isdigit())


def _database(head: bytes, name: str) -> str:
    """Files of databases that have no mark at their beginning: known by how their program names them, and how it
    begins one."""
    stem, _, suffix = name.rsplit("/", 1)[-1].rpartition(".")
    if suffix == "ibd":
        return innodb(head)
    if suffix == "bson":
        return "bson" if len(head) > 5 and 5 <= int.from_bytes(head[:4], "little") <= 1 << 25 and 0 < head[4] < 20 else ""
    if suffix == "dat" and len(stem) >= 3 and stem.isdigit():
        return "pg-data"
    if not (len(stem) >= 6 and stem.isdigit()):
        return ""
    if suffix in ("ldb", "sst"):
        return "sstable"
    if suffix == "log" and len(stem) == 20:
        return "kafka" if _kafka(head) else ""
    if suffix == "log" and head[6:7] in (b"\1", b"\2", b"\5", b"\6") and 12 < int.from_bytes(head[4:6], "little") < 32_762:
        return "leveldb-log"
    return ""


_EBCDIC = bytes((*range(0x81, 0x8A), *range(0x91, 0x9A), *range(0xA2, 0xAA), *range(0xC1, 0xCA), *range(0xD1, 0xDA), *range(0xE2, 0xEA),
                 *range(0xF0, 0xFA), 0x40))  # fmt: skip
_EBCDIC_SIGNS = bytes((0x05, 0x0D, 0x15, 0x25, *range(0x4A, 0x51), *range(0x5A, 0x62), *range(0x6A, 0x70), *range(0x79, 0x80), 0xA1,
                       0xAD, 0xBA, 0xBB, 0xBD, 0xC0, 0xD0, 0xE0))  # fmt: skip


def _ebcdic(near: bytes) -> bool:
    """Letters, digits and blanks of EBCDIC, most of it, and hardly anything that is no sign of it, either. Texts in Cyrillic or Greek are
    made of such bytes, too, but for its blank, and have no line's end or blank of it."""
    other = near.translate(None, _EBCDIC)
    strange = other.translate(None, _EBCDIC_SIGNS)
    blanks = near.count(b"\x40")
    if 5 * (len(near) - len(other) - blanks) < len(near):
        return False
    return len(near) >= 64 and 2 * len(other) < len(near) and 50 * len(strange) <= len(near) and 40 * blanks >= len(near)


def _prometheus(head: bytes, name: str) -> bool:
    """A segment by the folder in which it lies, and a first record: in one part or the first of several, within a page."""
    folder, stem = name.rsplit("/", 2)[-2:]
    if len(stem) != 8 or not (folder.endswith("wal") or folder.startswith("checkpoint.")):
        return False
    return len(head) >= 7 and head[0] & 7 in (1, 2) and head[0] < 32 and head[1] < 0x80 and any(head[1:3])


def _influx(head: bytes, name: str) -> bool:
    """A segment by its name, and a first entry."""
    stem = name.rsplit("/", 1)[-1]
    return stem.endswith(".wal") and stem[:1] == "_" and stem[1:-4].isdigit() and head[1] < 4 and any(head[1:5])


def _backuppc(head: bytes, _name: str) -> bool:
    """What it keeps sums of is zlib with another first byte. Two bytes are letters of Hebrew, too."""
    import zlib

    decoder = zlib.decompressobj()
    try:
        out = decoder.decompress(b"x" + head[1:HEAD], 1 << 16)
    except zlib.error:
        return False
    return len(out) >= 64 or (decoder.eof and bool(out))


def _kafka(head: bytes) -> bool:
    """A batch of messages: a length, and a version behind what was added to it."""
    size = int.from_bytes(head[8:12], "big")
    return len(head) >= 34 and head[16] <= 2 and not head[0] and (size >= 49 if head[16] == 2 else size >= 14) and size < 1 << 30


def _vmdk_stream(head: bytes, _name: str) -> bool:
    """Compressed, with marks between its parts: what machines are exported as."""
    return head[10:11] == b"\3" and head[77:79] == b"\1\0"


def _vmdk_disk(head: bytes, _name: str) -> bool:
    """Sparse and not compressed: a version there is, a size, and a size of its parts."""
    if head[:1] == b"C":
        return head[4:8] == b"\1\0\0\0" and any(head[12:16]) and any(head[16:20])
    return head[4:5] in b"\1\2\3" and any(head[12:20]) and any(head[20:28]) and any(head[44:48]) and head[77:79] == b"\0\0"


def _vdi_disk(head: bytes, _name: str) -> bool:
    """Version 1 of one that grows, is fixed, or holds what was changed; with a size of its blocks."""
    return head[64:68] == b"\x7f\x10\xda\xbe" and head[70:72] == b"\1\0" and head[76:77] in b"\1\2\3\4" and any(head[376:380])


def _vhd_disk(head: bytes, _name: str) -> bool:
    """One that grows, or holds what was changed, begins with a copy of its footer."""
    return head[60:64] in (b"\0\0\0\3", b"\0\0\0\4")


def _sif(head: bytes, _name: str) -> bool:
    """With objects in it. Its mark stands behind a line for the shell."""
    return head[32:42] == b"SIF_MAGIC\0" and len(head) >= 128 and any(head[88:92]) and not any(head[92:96])


def _qcow2(head: bytes, _name: str) -> bool:
    """Versions 2 and 3, with clusters of 512 bytes to 2 MiB, encrypted in a way that there is, and a first table."""
    return (head[7:8] in b"\2\3" and head[20:23] == b"\0\0\0" and 9 <= head[23] <= 21 and head[32:35] == b"\0\0\0"
            and head[35] <= 2 and any(head[40:48])) if len(head) >= 72 else False  # fmt: skip


def _regf(head: bytes, _name: str) -> bool:
    """Versions 1.3 to 1.6, and no log of one (NTUSER.DAT.LOG), which holds pieces of it."""
    return head[20:24] == b"\1\0\0\0" and head[24:25] in b"\3\4\5\6" and not any(head[28:32])


def _http_cache(head: bytes, _name: str) -> bool:
    """An entry, which has a key; the file `index` beside it begins in the same way."""
    return len(head) > 24 and any(head[12:16])


def _tnef(head: bytes, _name: str) -> bool:
    return head[6:7] in b"\1\2"


def _pst(head: bytes, _name: str) -> bool:
    return head[8:10] in (b"SM", b"SO")


def _squashfs(head: bytes, _name: str) -> bool:
    return head[28:30] == b"\4\0"


def _borg(head: bytes, _name: str) -> bool:
    return head[:1] == b"B" or b"segments_per_dir" in head[:HEAD]


def _zlib(head: bytes, name: str) -> str:
    """zlib that is named so or can be unpacked, and a loose git object, named as git names them."""
    parts = name.rsplit("/", 3)
    if name.endswith((".joblib", ".pkl", ".pickle", ".z", ".zlib", ".zz")) and head[1:2] in b"\x01\x5e\x9c\xda":
        return "zlib"
    if head[1:2] not in (b"\x01", b"\x9c", b"\xda", b"\x5e"):
        return ""
    if len(parts) >= 3 and parts[-3] == "objects" and len(parts[-2]) == 2 and len(parts[-1]) in (38, 62):
        return "git-object"
    return "zlib" if _unpacks(head) else ""


def _unpacks(head: bytes) -> bool:
    """Is it zlib, though nothing but two bytes says so? So it is if its beginning can be unpacked, or all of it."""
    import zlib

    decoder = zlib.decompressobj()
    try:
        out = decoder.decompress(head[:HEAD], 1 << 16)
    except zlib.error:
        return False
    return len(out) >= 64 if len(head) >= HEAD else decoder.eof and not decoder.unused_data and bool(out)


def _cast(head: bytes, _name: str) -> bool:
    """A recording of a terminal, by the size of its screen."""
    return b'"width":' in head[:HEAD] or b'"cols":' in head[:HEAD]


def _folded(head: bytes, name: str) -> bool:
    """Entries of a directory: what says the version of LDIF is in other files, too."""
    return head[:1] != b"v" or name.endswith(".ldif") or b"\ndn: " in head


def _json_file(head: bytes, _name: str) -> bool:
    """Docker's records have a stream; where the first line is long, it may be one."""
    return b'","stream":"std' in head[:HEAD] or b"\n" not in head[:HEAD]


def _cri(head: bytes, _name: str) -> bool:
    """2016-10-06T00:17:09.669794202Z stdout P text"""
    if head[4:5] != b"-" or head[10:11] != b"T":
        return False
    at = head.find(b" std", 19, 36)
    return at > 0 and head[at : at + 8] in (b" stdout ", b" stderr ") and head[at + 8 : at + 9] in (b"P", b"F")


def _syslog(head: bytes, _name: str) -> bool:
    """83 <34>1 2003-...: a count, and a message that begins with its priority; so does the next, if it can be seen."""
    at = head.find(b" <", 1, 8)
    if at < 0 or not head[:at].isdigit():
        return False
    end = head.find(b">", at + 3, at + 7)
    if end < 0 or not head[at + 2 : end].isdigit():
        return False
    following = head[at + 1 + int(head[:at]) :][:16]
    return not following.strip() or (following[:1].isdigit() and (b" <" in following or len(following) < 9))


_NAMED = (*PLACED, ".dmg", "-Data.db", ".emlx", ".preferences_pb", ".sql", "-journal", ".ldif", ".pdf", ".ipynb", ".eml", ".mht", ".mhtml",
          ".csv", ".tsv", ".tab", ".br", ".xml", ".html", ".htm", ".xhtml", ".plist", ".config", ".resx")  # fmt: skip
_BY_PLACE = (*PLACED, ".dmg", "-Data.db")
_MARKUP = _NAMED[-7:]
_COLUMNS = (b"pass", b"secret", b"token", b"key", b"pwd", b"seed", b"mnemonic", b"private", b"credential", b"auth", b"phrase", b"login")
_CARRIED = (b"received: by ", b"received: (", b"x-received: by ", b"return-path: <", b"delivered-to: ", b"x-original-to: ",
            b"envelope-to: ", b"delivery-date: ", b"received-spf: ", b"authentication-results: ", b"dkim-signature: ",
            b"domainkey-signature: ", b"arc-seal: ", b"arc-message-signature: ", b"message-id: <")  # fmt: skip
_FIELDS = (b"from: ", b"to: ", b"date: ", b"subject: ", b"message-id: ", b"received: ", b"mime-version: ", b"content-type: ")


def _by_name(head: bytes, name: str) -> str:
    """What its name alone tells from other text: documents that are text, and brotli, which has no magic."""
    if head[8:12] == b"DUCK" or name.endswith(_BY_PLACE):
        kind = by_place(head, name)
        if kind or not name.endswith(_NAMED[len(_BY_PLACE) :]):
            return kind
    if name.endswith(".emlx"):  # Apple Mail: a message, and its length before it
        return "emlx" if head[:16].split(b"\n", 1)[0].strip().isdigit() else ""
    if name.endswith(".sql"):  # statements that no dump's head announces: fixtures, exports of tables
        # one with comments for us is read as it stands: beside the columns of a row there is no line of theirs
        return "" if b"\0" in head[:HEAD] or b"leakguard:" in head else "sql-dump"
    if name.endswith("-journal"):  # of SQLite, in the mode `persist`: its header is written over with zeros
        return "sqlite-journal" if head.startswith(bytes(28)) else ""
    if name.endswith(".ldif"):
        return "folded" if b"\0" not in head[:HEAD] else ""
    if name.endswith(".preferences_pb"):  # Android's DataStore
        return "datastore" if head[:1] == b"\n" else ""
    if name.endswith(".pdf"):
        return "pdf" if b"%PDF-" in head[: 2 * HEAD] else ""  # readers let something stand before it
    if name.endswith(".br"):
        text = head.isascii() and head[:64].decode("ascii").replace("\n", "").isprintable()
        return "" if text else "brotli"
    if name.endswith(".ipynb"):
        return "notebook" if head[:64].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{" else ""
    if name.endswith(_MARKUP):
        return "entities" if _refers(head, name.endswith(_PAGES)) else ""
    if not name.endswith((".eml", ".mht", ".mhtml")):
        header = head[: 8 * HEAD].split(b"\n", 1)[0].lower()
        return "delimited" if any(word in header for word in _COLUMNS) and b"\0" not in header else ""
    field = head[:HEAD].split(b"\n", 1)[0].split(b":", 1)
    return "mail" if len(field) == 2 and field[0].replace(b"-", b"").isalnum() else ""


_PAGES = (".html", ".htm", ".xhtml")
_COLOURED = (b"<pre", b"highlight", b"pygments", b"hljs", b"prism")
"""What pages say that show code in colours, be it what is loaded for that."""


def _refers(head: bytes, page: bool) -> bool:
    """Does a file of tags hold a reference inside of a word, a section of characters, or (a page) code in colours? Where not all
    of it is to be seen it may."""
    if head[:1] != b"<" and head[:HEAD].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] != b"<":
        return False
    if len(head) <= HEAD or b"<![CDATA[" in head:
        return True
    if page and (len(head) >= ISO_HEAD or b"<span" in head) and any(mark in head for mark in _COLOURED):
        return True
    for mark in (b"&amp;", b"&#"):
        at = -1
        for _ in range(256):
            at = head.find(mark, at + 1)
            if at < 1:
                break
            end = head.find(b";", at, at + 8) + 1
            if end and head[at - 1 : at].strip(b" \t\r\n>;&") and head[end : end + 1].strip(b" \t\r\n<&"):
                return True
    return False


def _mail(head: bytes, _name: str) -> bool:
    """At least three of the fields that mails have, in its first lines; or of those by which the programs tell that carried it,
    which may be longer than what is seen here."""
    lines = b"\n" + head[: 2 * HEAD].split(b"\n\n", 1)[0].lower()
    if b"\nfrom: " in lines and sum(b"\n" + field in lines for field in _FIELDS) >= 3:
        return True
    return sum(b"\n" + field in lines for field in _CARRIED) + lines.count(b"\nreceived: from ") >= 3


def _mbox(head: bytes, _name: str) -> bool:
    """A line with a time, then a header; but no patch, which git writes in the same way."""
    line, _, rest = head[: 2 * HEAD].partition(b"\n")
    field = rest.split(b":", 1)[0]
    dated = any(day in line for day in (b" Mon ", b" Tue ", b" Wed ", b" Thu ", b" Fri ", b" Sat ", b" Sun "))
    return dated and b":" in line and b"00:00:00 2001" not in line and 0 < len(field) < 64 and field.replace(b"-", b"").isalnum()


def _png(head: bytes, _name: str) -> bool:
    """Packed text is what a scan of the bytes does not see. A short head is a beginning, and says nothing of the rest."""
    return len(head) <= HEAD or len(head) > 4 << 20 or b"zTXt" in head or b"iTXt" in head or b"iCCP" in head


def _binary(head: bytes, _name: str) -> bool:
    """Behind a mark of letters: no text."""
    return not head[4:64].isascii() or not head[4:64].replace(b"\n", b"").decode("ascii").isprintable()


def _arrow(head: bytes, name: str) -> bool:
    """A stream of Arrow has no magic: its name, and the beginning of a first message."""
    stream = head[7:12] == b"\0\x10\0\0\0" and name.endswith((".arrow", ".arrows", ".ipc", ".feather"))
    return stream if head[:1] == b"\xff" else _binary(head, name)


def _pickle(head: bytes, _name: str) -> bool:
    """The version, and an operation that pickles begin with: a frame, a container, a class, a string, a mark. Those of
    protocol 0 are lines: a container, and the number by which it is remembered. Protocol 1 has no version: a container that is
    remembered, or a string behind a mark, and its length."""
    if head[:1] in b"}]":
        return head[3:4] in b"X(cU}])KJGNh" and len(head) > 3
    if head[:2] == b"(X":
        return head[4:6] == b"\0\0" and len(head) > 7
    if head[:1] == b"(":
        line = head[3:12].split(b"\n", 1)[0].rstrip(b"\r")
        return line.isdigit() and len(line) < 8
    return head[:1] == b"c" or (head[2:3] in b"\x95}])(cX\x8cU" and len(head) > 3)


def _pcap(head: bytes, _name: str) -> bool:
    return head[:1] != b"\n" or head[8:12] in (b"\x4d\x3c\x2b\x1a", b"\x1a\x2b\x3c\x4d")


_UU_NAMES = (".uu", ".uue", ".shar")
UU_HEAD = 2048
"""Bytes of a text in which a first uuencoded file is to begin, if its name does not say that it holds some."""


def _uuencode(head: bytes, _name: str) -> bool:
    """begin 644 name, and a line that begins with a count of bytes that fits its length."""
    line, _, body = head[:512].partition(b"\n")
    words = line.split(b" ", 2)
    if len(words) < 3 or not 3 <= len(words[1]) <= 4 or words[1].strip(b"01234567") or not words[2].strip():
        return False
    first, ended, _ = body.partition(b"\n")
    if not ended:
        return len(head) < 512 or not body
    first = first.rstrip(b"\r")
    need = (first[0] - 30) // 3 * 4 if first else 0
    return bool(first) and 33 <= first[0] <= 95 and need - 3 <= len(first) - 1 <= need + 2 and max(first) <= 96


_SURE = {"warc": lambda head, _: b"\r\nWARC-" in head[:HEAD], "backuppc": _backuppc, "influx-wal": _influx,
         "mail": _mail, "asciicast": _cast, "folded": _folded, "uuencode": _uuencode, "mbox": _mbox, "png": _png,
         "json-file": _json_file, "cri": _cri, "syslog": _syslog, "orc": _binary, "parquet": _binary, "arrow": _arrow, "pickle": _pickle,
         "pcap": _pcap, "wiredtiger-log": lambda head, _: head[16:20] == b"\x64\x10\x10\0",
         "redis-aof": _aof, "gdbm": _gdbm, "vmdk-stream": _vmdk_stream, "regf": _regf, "http-cache": _http_cache, "tnef": _tnef,
         "pst": _pst, "qcow2-disk": _qcow2, "vmdk-disk": _vmdk_disk, "vdi-disk": _vdi_disk, "vhd-disk": _vhd_disk,
         "sif-image": _sif,
         "program": _program, "flat-xml": _flat_xml, "openssl-enc": _openssl, "compress": _compress,
         "bzip2": _bzip2, "lzma": _lzma, "asar": _asar, "cpio": _cpio, "squashfs": _squashfs, "borg": _borg, **SURE}
"""Second looks, where the magic alone is common in other files."""
