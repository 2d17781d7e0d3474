"""Recognises what nobody here can read, or not all of it: disk images, raw file systems, sealed files. Second looks for `magic`.

Promises: pure functions of a head, as all of `magic`; imported with it, and imports nothing. Kinds of NOTED are bytes like any
others, and large: they are scanned as they stand, by as many processes as there are, and the receipt says what that misses.
"""

NOTED = frozenset({"luks", "bitlocker", "qcow2", "vmdk", "vhd", "vhdx", "vdi", "ext", "xfs", "btrfs", "ntfs", "fat", "disk",
                   "innodb-compressed", "innodb-encrypted", "erofs", "f2fs", "cramfs", "old-squashfs", "ubi", "dmg", "sif",
                   "appimage", "wiredtiger", "duckdb", "lucene", "cassandra"})  # fmt: skip

MAGICS: tuple[tuple[bytes, str], ...] = (
    (b"LUKS\xba\xbe", "luks"),
    (b"\xeb\x58\x90-FVE-FS-", "bitlocker"),
    (b"\xeb\x52\x90-FVE-FS-", "bitlocker"),
    (b"QFI\xfb", "qcow2"),
    (b"KDMV", "vmdk"),
    (b"COWD", "vmdk"),
    (b"vhdxfile", "vhdx"),
    (b"conectix", "vhd"),
    (b"<<< Oracle VM VirtualBox Disk Image >>>", "vdi"),
    (b"<<< QEMU VM Virtual Disk Image >>>", "vdi"),
    (b"\xeb\x52\x90NTFS    ", "ntfs"),
    (b"XFSB", "xfs"),
    (b"\0\0", "ext"),
    (b"\0\0", "btrfs"),
    (b"\0\0", "disk"),
    (b"\xeb\x63\x90", "disk"),
    (b"\x33\xc0\x8e", "disk"),
    (b"\xfa\xb8", "disk"),
    (b"\xeb\x3c\x90", "fat"),
    (b"\xeb\x58\x90", "fat"),
    (b"\x03\xd9\xa2\x9a\x67\xfb\x4b\xb5", "keepass"),
    (b"\x03\xd9\xa2\x9a\x66\xfb\x4b\xb5", "keepass"),
    (b"\x03\xd9\xa2\x9a\x65\xfb\x4b\xb5", "keepass"),
    (b"age-encryption.org/v1\n", "age"),
    (b"-----BEGIN AGE ENCRYPTED FILE-----", "age"),
    (b"$ANSIBLE_VAULT;", "ansible-vault"),
    (b"\0GITCRYPT\0", "git-crypt"),
    (b"-----BEGIN PGP MESSAGE", "armored"),
    (b"-----BEGIN PGP SIGNED MESSAGE", "clear-signed"),
    (b"-----BEGIN PKCS7-----", "armored"),
    (b"-----BEGIN CMS-----", "armored"),
    (b"\0\0", "erofs"),
    (b"\0\0", "f2fs"),
    (b"\x45\x3d\xcd\x28", "cramfs"),
    (b"\x28\xcd\x3d\x45", "cramfs"),
    (b"hsqs", "old-squashfs"),
    (b"sqsh", "old-squashfs"),
    (b"UBI#\1", "ubi"),
    (b"\x31\x18\x10\x06", "ubi"),
    (b"#!/usr/bin/env run-singularity\n", "sif"),
    (b"\x7fELF", "appimage"),
    (b"#!", "makeself"),
    (b"\x41\xd8\1\0", "wiredtiger"),
    (b"\x3f\xd7\x6c\x17", "lucene"),
    (b"LRZI\0", "lrzip"),
    (b"7kSt\xa0\x31\x83\xd3", "zpaq"),
    (b"zPQ\1", "zpaq"),
    (b"zPQ\2", "zpaq"),
    (b"\x60\xea", "arj"),
    (b"SIT!", "stuffit"),
    (b"StuffIt (c)1997", "stuffit"),
    (b"\xff\6\0\0sNaPpY", "snappy"),
    (b"bvx1", "lzfse"),
    (b"bvx2", "lzfse"),
    (b"\x30\x80", "cms"),
    (b"\x30\x81", "cms"),
    (b"\x30\x82", "cms"),
    (b"\x30\x83", "cms"),
    (b"\x30\x84", "cms"),
)  # fmt: skip


def ext(head: bytes, _name: str) -> bool:
    """An ext2, 3 or 4 file system: its superblock stands behind 1024 bytes for a boot loader."""
    return head[1080:1082] == b"\x53\xef" and head[1098:1100] in (b"\0\0", b"\1\0", b"\2\0", b"\3\0", b"\4\0")


def btrfs(head: bytes, _name: str) -> bool:
    return head[65_600:65_608] == b"_BHRfS_M"


def disk(head: bytes, _name: str) -> bool:
    """A master boot record with a partition; but no ISO image that can be booted from."""
    if head[510:512] != b"\x55\xaa" or head[32_769:32_774] == b"CD001":
        return False
    entries = [head[at : at + 16] for at in (446, 462, 478, 494)]
    used = [entry for entry in entries if entry[4]]
    return bool(used) and all(entry[0] in (0, 0x80) and any(entry[12:16]) for entry in used)


def fat(head: bytes, _name: str) -> bool:
    return b"FAT" in (head[54:57], head[82:85]) and head[510:512] == b"\x55\xaa"


def vdi(head: bytes, _name: str) -> bool:
    return head[64:68] == b"\x7f\x10\xda\xbe"


def cms(head: bytes, _name: str) -> bool:
    """A sequence that begins with one of the types of CMS."""
    at = 2 + (head[1] & 0x7F if head[1] != 0x80 else 0)
    oid = head[at : at + 13]
    return (oid[:10] == b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07" and oid[10:11] in (b"\2", b"\3", b"\6")) or (
        oid[:12] == b"\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01" and oid[12:13] in (b"\x17", b"\x09")
    )


PGP = frozenset((b"\x84", b"\x85", b"\xc1", b"\x8c", b"\xc3", b"\xa3", b"\xc8", b"\xcb", b"\xac", b"\x90", b"\xc4"))
"""First bytes of PGP messages: a session key, a compressed packet, a literal one, a signature to come."""
_BY_NAME = (".gpg", ".pgp", ".asc", ".sig")


def is_pgp(head: bytes, name: str) -> bool:
    """A session key has a form of its own; what else a message may begin with needs the name of one."""
    new = head[0] & 0x40
    at = 1 + (1 if head[1] < 192 else 2) if new else 1 + (1, 2, 4, 0)[head[0] & 3]
    tag = head[0] & 0x3F if new else head[0] >> 2 & 0xF
    if tag == 1:
        size = head[1] if new and at == 2 else int.from_bytes(head[1:at], "big") if not new else 1024
        return head[at] == 3 and head[at + 9] in (1, 2, 16, 18, 25, 26) and 32 < size < 2200
    if tag == 3:
        return head[1] in (13, 46, 29, 45, 61) and head[at] in (4, 5, 6) and head[at + 1] in range(1, 14)
    return name.lower().endswith(_BY_NAME)


def innodb(head: bytes) -> str:
    """An InnoDB tablespace whose pages are not in the open, by the flags in its first page; "" for others."""
    if head[24:26] != b"\0\x08" or any(head[4:8]) or head[34:38] != head[38:42]:
        return ""
    flags = int.from_bytes(head[54:58], "big")
    if flags & 0x10:  # MariaDB's full_crc32
        return "innodb-compressed" if flags >> 5 & 7 else ""
    return "innodb-encrypted" if flags >> 13 & 1 else "innodb-compressed" if flags >> 1 & 0xF else ""


def _arj(head: bytes, _name: str) -> bool:
    """The size of a main header, and its type."""
    return 30 <= int.from_bytes(head[2:4], "little") <= 2600 and 30 <= head[4] <= 64 and head[10:11] == b"\2"


def _cramfs(head: bytes, _name: str) -> bool:
    return head[16:32] == b"Compressed ROMFS"


def _old_squashfs(head: bytes, _name: str) -> bool:
    """Any squashfs but those of version 4 that begin with their lowest byte."""
    version = head[28:30]
    return version in (b"\1\0", b"\2\0", b"\3\0") if head[:1] == b"h" else version in (b"\0\1", b"\0\2", b"\0\3", b"\0\4")


def by_place(head: bytes, name: str) -> str:
    """Kinds whose mark is not at their beginning, or that have none and a name."""
    if head[8:12] == b"DUCK" and head[12:16] in _DUCKDB:
        return "duckdb"
    text = head[:64].isascii() and b"\0" not in head
    if name.endswith(".dmg") and len(head) >= 64 and not text:
        return "dmg"
    return "cassandra" if name.endswith("-Data.db") and not text and not head.startswith(b"SQLite") else ""


_DUCKDB = frozenset(bytes((version, 0, 0, 0)) for version in range(30, 120))


SURE = {"erofs": lambda head, _: head[1024:1028] == b"\xe2\xe1\xf5\xe0", "f2fs": lambda head, _: head[1024:1028] == b"\x10\x20\xf5\xf2",
        "cramfs": _cramfs, "old-squashfs": _old_squashfs, "arj": _arj,
        "appimage": lambda head, _: head[8:11] in (b"AI\1", b"AI\2"),
        "makeself": lambda head, _: b"generated using Makeself" in head[:512],
        "wiredtiger": lambda head, _: head[4:6] == b"\1\0",
        "lucene": lambda head, _: b"StoredFields" in head[:64],
        "disk": disk, "ext": ext, "btrfs": btrfs, "fat": fat, "vdi": vdi, "cms": cms}

REASONS = dict.fromkeys(("qcow2", "vmdk", "vhd", "vhdx", "vdi"), (
    "a disk image, scanned as bytes: what is compressed, encrypted or in several pieces in it is not seen"
)) | dict.fromkeys(("ext", "xfs", "btrfs", "ntfs", "fat", "disk"), (
    "a raw file system, scanned as bytes: what is compressed, encrypted or in several pieces in it is not seen"
)) | {
    "luks": "encrypted",
    "bitlocker": "encrypted",
    "innodb-compressed": "an InnoDB table, scanned as bytes: its compressed pages are not seen",
    "innodb-encrypted": "an InnoDB table, encrypted",
    "appimage": "a program with a file system behind it, which is compressed",
    "sif": "a container image of Singularity, compressed; `singularity sif dump` takes its file system out",
    "makeself": "an archive in a shell script; run it with --noexec --keep to unpack it",
    "dmg": "a disk image of macOS, compressed",
    "wiredtiger": "a table of MongoDB, whose pages are compressed; scan what mongodump writes",
    "duckdb": "a database whose columns are compressed",
    "lucene": "stored documents of a search index, compressed",
    "cassandra": "a table of Cassandra, compressed by default; scan what sstabledump writes",
    **dict.fromkeys(("erofs", "f2fs", "cramfs", "old-squashfs", "ubi"), "a file system, compressed"),
    **dict.fromkeys(("lrzip", "zpaq", "arj", "stuffit", "snappy", "lzfse"), "no reader"),
    "keepass": "a password database, encrypted: export what is in it",
    "age": "encrypted",
    "ansible-vault": "encrypted",
    "git-crypt": "encrypted",
}  # fmt: skip
"""Why a kind is not read, or not all of it."""
