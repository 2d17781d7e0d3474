"""Recognises what nobody here can read, or not all of it: disk images, raw file systems, sealed files. Second looks for `magic`.

Promises: pure functions of a head, as all of `magic`; imported with it, and imports nothing. Kinds of NOTED are bytes like any
others, and large: they are scanned as they stand, by as many processes as there are, and the receipt says what that misses.
"""

NOTED = frozenset({"luks", "bitlocker", "qcow2", "vmdk", "vhd", "vdi", "ext", "xfs", "btrfs", "ntfs", "fat", "disk",
                   "innodb-compressed", "innodb-encrypted", "erofs", "f2fs", "cramfs", "old-squashfs", "ubi", "sif",
                   "appimage", "duckdb", "lucene", "cassandra", "exfat", "refs", "apfs", "hfs", "udf", "lvm", "vma",
                   "sparse-image", "android-sparse", "android-update", "ese", "innodb", "sealed-store", "windows-compressed",
                   "hibernation", "kdump", "evidence", "backup-image", "backup-store", "sql-server-backup", "timeseries",
                   "couchdb", "hdf5", "notes", "apple-archive", "rare-archive", "sealed-file", "chm",
                   "jet", "outlook-express", "realm", "block-cache", "bcachefs", "parallels", "qed",
                   "rows", "installer", "dump", "bacula", "zfs", "machine-state", "hadoop", "filemaker", "message-store", "commit-log",
                   "sealed-folder", "sealed-database", "sealed-archive", "sealed-values"})  # fmt: skip

MAGICS: tuple[tuple[bytes, str], ...] = (
    (b"LUKS\xba\xbe", "luks"),
    (b"\xeb\x58\x90-FVE-FS-", "bitlocker"),
    (b"\xeb\x52\x90-FVE-FS-", "bitlocker"),
    (b"QFI\xfb", "qcow2"),
    (b"KDMV", "vmdk"),
    (b"COWD", "vmdk"),
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
    (b"bvx1", "lzfse"),
    (b"bvx2", "lzfse"),
    (b"\x30\x80", "cms"),
    (b"\x30\x81", "cms"),
    (b"\x30\x82", "cms"),
    (b"\x30\x83", "cms"),
    (b"\x30\x84", "cms"),
    (b"\x30\x80", "sealed-store"),
    (b"\x30\x81", "sealed-store"),
    (b"\x30\x82", "sealed-store"),
    (b"\x30\x83", "sealed-store"),
    (b"\x30\x84", "sealed-store"),
    (b"\xfe\xed\xfe\xed\0\0\0", "sealed-store"),  # Java's keystores: JKS, JCEKS
    (b"\xce\xce\xce\xce\0\0\0", "sealed-store"),
    (b"GnomeKeyring\n\r\0\n", "sealed-store"),
    (b"KWALLET\n\r\0\r\n", "sealed-store"),
    (b"kych\0\1\0\0", "sealed-store"),
    (b"PWS3", "sealed-store"),
    (b"opdata01", "sealed-store"),
    (b"\1\0\0\0\xd0\x8c\x9d\xdf\1\x15\xd1\x11\x8c\x7a\0\xc0\x4f\xc2\x97\xeb", "sealed-file"),  # DPAPI
    (b"\xfdbin", "sealed-file"),  # MySQL's logs
    (b"AES\1\0", "sealed-file"),  # AES Crypt, and what Duplicati writes
    (b"AES\2\0", "sealed-file"),
    (b"encrcdsa\0\0\0", "sealed-file"),
    (b"cdsaencr\0\0\0", "sealed-file"),
    (b"\xeb\x76\x90EXFAT   ", "exfat"),
    (b"\0\0\0ReFS\0", "refs"),
    (b"\0\0", "hfs"),
    (b"\0\0", "udf"),
    (b"\0\0", "lvm"),
    (b"VMA\0\0\0\0\1", "vma"),
    (b"sprs\0\0\0\3", "sparse-image"),
    (b"\x3a\xff\x26\xed\1\0", "android-sparse"),
    (b"CrAU\0\0\0\0", "android-update"),
    (b"MAM\4", "windows-compressed"),
    (b"MAM\x84", "windows-compressed"),
    (b"HIBR", "hibernation"),
    (b"hibr", "hibernation"),
    (b"WAKE", "hibernation"),
    (b"wake", "hibernation"),
    (b"KDUMP   ", "kdump"),
    (b"DISKDUMP", "kdump"),
    (b"makedumpfile\0", "kdump"),
    (b"EVF2\r\n\x81\0", "evidence"),
    (b"LEF2\r\n\x81\0", "evidence"),
    (b"ADSEGMENTEDFILE\0", "evidence"),
    (b"AFF10\r\n\0", "evidence"),
    (b"\xce\x24\xb9\xa2", "backup-image"),  # Acronis, Ghost, FSArchiver, dar, ZFS and Btrfs streams
    (b"\xb4\x6e\x68\x44", "backup-image"),
    (b"\xfe\xef\1", "backup-image"),
    (b"FsArCh", "backup-image"),
    (b"\0\0\0\x7b", "backup-image"),
    (b"\0\0\0\0\0\0\0\0\xac\xcb\xba\xf5", "backup-image"),
    (b"btrfs-stream\0\2", "backup-image"),
    (b"\x2f\x7f\x41\xed\x91\xfd\x0f\xcd", "backup-store"),  # Proxmox Backup: indexes, and chunks that are encrypted
    (b"\x1c\x91\x4e\xa5\x19\xba\xb3\xcd", "backup-store"),
    (b"\x7b\x67\x85\xbe\x22\x2d\x4c\xf0", "backup-store"),
    (b"\xe6\x59\x1b\xbf\x0b\xbf\xd8\x0b", "backup-store"),
    (b"duplicacy\0", "backup-store"),
    (b"MSSQLBAK", "sql-server-backup"),
    (b"\x16\xd1\x16\xd1\1", "timeseries"),
    (b"\x89HDF\r\n\x1a\n", "hdf5"),
    (b"\x1a\0\0\4\0\0", "notes"),
    (b"AA01", "apple-archive"),
    (b"YAA1", "apple-archive"),
    *((b"pbz" + bytes((last,)), "apple-archive") for last in b"ez4b-"),
    (b"ITSF\3\0\0\0", "chm"),
    (b"MZ", "installer"),
    (b"\x7fELF", "installer"),
    (b'{\n  "encrypted": true,', "sealed-store"),  # what Bitwarden exports under a password
    (b'{\n    "version": ', "sealed-store"),  # Aegis
    (b"\xff\6\0\0S2sTwO", "rare-archive"),
    (b"\xff\6\0\0MinLz", "rare-archive"),
    (b"ToKyO CaBiNeT\n", "rows"),
    (b"\0\0\0\6\0", "commit-log"),
    (b"\0\0\0\7\0", "commit-log"),
    (b"\0\0\0\x08\0", "commit-log"),
    (b"d\0be\0", "duckdb"),  # its log: a record of a version
    (b"H:2,block", "rows"),  # H2
    (b"H:3,block", "rows"),
    (b"-- H2 0.5/B --", "rows"),
    (b"\0\x76\0\0", "rows"),  # Derby
    (b"\1\0", "rows"),  # Firebird
    (b"\1\0\0\0", "dump"),
    (b"\0\0\0\1", "dump"),
    (b"Whxqht+dQJax1aZeCGLxm", "sealed-file"),  # systemd's credentials: by a host's key, a TPM's, both
    (b"DHzAexF2RZGcSwvqCLwg/", "sealed-file"),
    (b"k6iUCUh0RJCQyvL8k8q1U", "sealed-file"),
    (b'{"nextId"', "sealed-store"),  # passwords in Firefox
    (b'{"Value":"AAAAA', "sealed-store"),  # what Vault keeps in files: its term, behind that AES
    (b"RCLONE\0\0", "sealed-file"),
    (b"TDF$", "sealed-file"),  # what Telegram keeps
    (b"SecureTar", "sealed-file"),  # Home Assistant's backups under a password
    (b'{"$":"', "sealed-store"),  # credentials of Node-RED
    (b'{\n    "$": "', "sealed-store"),
    (b"ATTICSEG", "backup-store"),
    (b"partclone-image\0", "backup-image"),
    (b"PaRtImAgE-VoLuMe", "backup-image"),
    (b"\0ntfsclone-image", "backup-image"),
    (b"URBACKUP COMPRESSED FILE", "backup-image"),
    (b"TAPE\0\0\3\0", "backup-image"),  # SQL Server, NTBackup
    (b"\x7fVirtualBox SavedState V", "machine-state"),
    (b"LMVA\2\0\0\0", "kdump"),  # AVML: Snappy
    (b"SEQ\4", "hadoop"),
    (b"SEQ\5", "hadoop"),
    (b"SEQ\6", "hadoop"),
    (b"DATABLK*", "hadoop"),
    (b"DATABLKE", "hadoop"),
    (b"\0\1\0\0\0\2\0\1\0\5\0\2\0\2\xc0HBAM7", "filemaker"),
    (b"qpress10", "rare-archive"),
    (b"\0\0", "zfs"),
    (b"\0\1\0\0Standard Jet DB\0", "jet"),
    (b"\0\1\0\0Standard ACE DB\0", "jet"),
    (b"\0\1\0\0Jet System DB  ", "jet"),
    (b"\0\1\0\0MSISAM Database\0", "jet"),
    (b"\xcf\xad\x12\xfe", "outlook-express"),
    (b"\xc3\xca\x04\xc1", "block-cache"),
    (b"WithoutFreeSpace", "parallels"),
    (b"WithouFreSpacExt", "parallels"),
    (b"QED\0", "qed"),
    (b"\0\0", "bcachefs"),
    (b"CWS", "rare-archive"),  # films of Flash
    (b"ZWS", "rare-archive"),
    (b"\xca\xfe\xd0\x0d", "rare-archive"),  # pack200
    *((bytes((version, 0xB5, 0x2F, 0xFD)), "rare-archive") for version in range(0x22, 0x28)),  # zstd before 0.8
    (b"ZOO ", "rare-archive"),
    (b"LZX\0", "rare-archive"),
    (b"ArC\1", "rare-archive"),
    (b"RZIP\2", "rare-archive"),
    (b"UHA\6", "rare-archive"),
    (b"KGB_arch", "rare-archive"),
    (b"ZV\1", "rare-archive"),
    (b"\5\x22\x4d\x18", "rare-archive"),
)  # fmt: skip


def ext(head: bytes, _name: str) -> bool:
    """An ext2, 3 or 4 file system: its superblock stands behind 1024 bytes for a boot loader."""
    return head[1080:1082] == b"\x53\xef" and head[1098:1100] in (b"\0\0", b"\1\0", b"\2\0", b"\3\0", b"\4\0")


def btrfs(head: bytes, _name: str) -> bool:
    """A btrfs file system, by the sign in its superblock."""
    return head[65_600:65_608] == b"_BHRfS_M"


def disk(head: bytes, _name: str) -> bool:
    """A master boot record with a partition; but no ISO image that can be booted from."""
    if head[510:512] != b"\x55\xaa" or head[32_769:32_774] == b"CD001":
        return False
    entries = [head[at : at + 16] for at in (446, 462, 478, 494)]
    used = [entry for entry in entries if entry[4]]
    return bool(used) and all(entry[0] in (0, 0x80) and any(entry[12:16]) for entry in used)


def fat(head: bytes, _name: str) -> bool:
    """A FAT file system, by its boot sector."""
    return b"FAT" in (head[54:57], head[82:85]) and head[510:512] == b"\x55\xaa"


def vdi(head: bytes, _name: str) -> bool:
    """A disk of VirtualBox."""
    return head[64:68] == b"\x7f\x10\xda\xbe"


def rows(head: bytes, name: str) -> bool:
    """Tables of Derby by their version and folder, Firebird's by the page that begins them: its size, and whose it is; those of Tokyo
    Cabinet that are packed. H2's are sure."""
    if head[:1] == b"T":
        return len(head) > 36 and head[36] & 14 != 0
    if head[:1] == b"\0":
        return name.rsplit("/", 2)[-2:-1] == ["seg0"] and name.endswith(".dat") and not any(head[6:10])
    size = int.from_bytes(head[16:18], "little")
    return head[:1] != b"\1" or (size in (1024, 2048, 4096, 8192, 16_384, 32_768) and head[19:20] == b"\x80" and 10 <= head[18] < 32)


def dump(head: bytes, _name: str) -> bool:
    """What dump(8) writes of ext: a header of a tape, and its number (60012), in either order."""
    return head[24:28] == (b"\x6c\xea\0\0" if head[:1] == b"\1" else b"\0\0\xea\x6c")


def installer(head: bytes, _name: str) -> bool:
    """A program that unpacks itself: NSIS by the header of its data, Inno Setup by the mark of its table, UPX by its own, early on."""
    if head.find(b"UPX!", 32, 4096) > 0 and (head[:1] == b"M" or head.find(b"UPX!", 32, 512) > 0):
        return True
    return head[:1] == b"M" and (b"\xef\xbe\xad\xdeNullsoftInst" in head or b"rDlPtS" in head)


def cms(head: bytes, _name: str) -> bool:
    """A sequence that begins with one of the types of CMS."""
    at = 2 + (head[1] & 0x7F if head[1] != 0x80 else 0)
    oid = head[at : at + 13]
    return (oid[:10] == b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07" and oid[10:11] in (b"\2", b"\3", b"\6")) or (
        oid[:12] == b"\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01" and oid[12:13] in (b"\x17", b"\x09")
    )


def sealed_store(head: bytes, _name: str) -> bool:
    """PKCS #12: a sequence that begins with its version, and a content of a type of PKCS #7. Others are sure by their mark."""
    if head[:1] == b"{":
        if b'"$"' in head[:10]:  # a vector in hex, and AES in base64
            value = head.split(b'"', 4)[3][:HEAD]
            return len(value) > 32 and not value[:32].strip(b"0123456789abcdef")
        if head[1:2] == b"\n":
            return b'"encKeyValidation_DO_NOT_EDIT"' in head or (b'"slots": [' in head and b'"key_params": {' in head)
        return b'"logins":[{' in head or head[:9] == b'{"Value":'
    if head[:1] != b"\x30":
        return head[4:8] in (b"\0\0\0\1", b"\0\0\0\2") if head[:1] in b"\xfe\xce" else _no_text(head, "")
    at = 2 + (head[1] & 0x7F if head[1] != 0x80 else 0)
    return head[at : at + 4] == b"\2\1\3\x30" and b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07" in head[at : at + 24]


def sealed_file(head: bytes, _name: str) -> bool:
    """The marks of Telegram and SecureTar are letters, and a version stands behind them; the others are sure by theirs."""
    if head[:9] == b"SecureTar":
        return head[9:10] in (b"\1", b"\2", b"\3") and head[10:11] == b"\0"
    return head[:4] != b"TDF$" or head[7:8] == b"\0"


def commit_log(head: bytes, _name: str) -> bool:
    """A log of Cassandra, of which a description tells that it is packed or encrypted."""
    return b'"compressionClass":"' in head[:HEAD] or b'"encCipher":"' in head[:HEAD]


def hadoop(head: bytes, _name: str) -> bool:
    """A block of HBase; a file of Hadoop that says that it is compressed, behind the names of two classes."""
    if head[:1] == b"D":
        return _no_text(head, "")
    at = 4
    for _ in range(2):
        if not 0 < (size := head[at] if at < len(head) else 0) < 128:
            return False
        at += 1 + size
    return head[at : at + 1] == b"\1"


def zfs(head: bytes, _name: str) -> bool:
    """A disk of a pool: the list of its properties, behind 16 KiB, begins with a version."""
    return head[16_384:16_386] in (b"\1\0", b"\1\1") and b"version\0" in head[16_384:16_424]


def _no_text(head: bytes, _name: str) -> bool:
    """Behind a mark of letters: bytes that no text has."""
    return min(head[:64]) < 9


def lucene(head: bytes, _name: str) -> bool:
    """Stored fields, the files that hold them, and packed descriptions of snapshots."""
    return b"StoredFields" in head[:64] or b"CompoundData" in head[:64] or b"DFL\0" in head[:64]


_ECRYPTFS = 0x3C81B7F5
"""What a number and the one behind it differ by, in files of eCryptfs."""


def placed(head: bytes) -> str:
    """Kinds whose mark stands behind a checksum or a number that may be anything; "" for nearly all."""
    if head[16:20] == b"\xde\xc0\xef\xbe" and not any(head[:10]):
        return "lmdb"
    if head[4:8] == b"\xef\xcd\xab\x89":
        return "ese"
    if head[16:20] == b"\xed\xda\x0c\xed" and head[8:10] == b"\4\0":
        return "bolt"
    if head[16:20] == b"T-DB":
        return "realm"
    if head[12:16] == b"BB02":
        return "bacula"
    if head[1:2] == b"\xd1" and head[3:4] == b"\0" and head[2:3] in b"\2\3\6\7" and head[36:40] == b"\0 \0\0":
        return "pg-wal"  # the first page of a segment, and the size of its pages
    if head[28:32] == b"}|{z" and head[1:2] in b"\x22\x82\xa2\xc2":
        return "rows"  # files of Oracle: logs and what RMAN writes, too
    if head[6:8] == b"\n\x10" and head[24:26] == b"\x12\x20" and head[:3] == b"\0\0\0":
        return "sealed-file"  # a backup of Signal: what it begins with is a vector and a salt
    if len(head) > 24 and int.from_bytes(head[8:12], "big") ^ int.from_bytes(head[12:16], "big") == _ECRYPTFS:
        return "sealed-file"
    if head[:1] == b"\xeb" and head[2:3] == b"\x90" and fat(head, ""):  # other loaders jump elsewhere
        return "fat"
    if head[16:20] == b"\0 \4 ":  # where a page of PostgreSQL 8.3 or newer ends, and its size and version
        return "pg-heap" if 24 < int.from_bytes(head[12:14], "little") <= int.from_bytes(head[14:16], "little") < 8192 else ""
    return "apfs" if head[32:36] == b"NXSB" else ""


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
        return "innodb-compressed" if flags >> 5 & 7 else "innodb"
    return "innodb-encrypted" if flags >> 13 & 1 else "innodb-compressed" if flags >> 1 & 0xF else "innodb"


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
    if head[8:12] == b"DUCK" and len(head) > 64 and 0 < int.from_bytes(head[12:16], "little") < 10_000:
        return "duckdb"
    text = head[:64].isascii() and b"\0" not in head
    if name.endswith(".dmg") and len(head) >= 64 and not text:
        return "dmg"
    if name.endswith(BACKUPS):
        return "backup-image" if not text else ""
    if name.endswith(TABLES):
        return "rows" if not text else ""
    if name.endswith(".couch"):
        return "couchdb" if not text else ""
    if name.endswith(".bin"):
        packed, size = int.from_bytes(head[17:21], "little"), int.from_bytes(head[21:25], "little")
        known = head[16:17] in (b"\x82", b"\x90") or (head[16:17] == b"\2" and packed == size + 9)
        return "clickhouse" if known and 9 < packed <= size + 65_536 and 0 < size <= 1 << 24 else ""
    if name.endswith(".sfx"):  # what `rar -sfx` makes on Linux
        return "rare-archive" if head[:4] == b"\x7fELF" else ""
    if name.endswith(".ace"):
        return "rare-archive" if head[7:14] == b"**ACE**" else ""
    if name.endswith("kopia.repository.f"):
        return "backup-store" if b"github.com/kopia" in head else ""
    if name.endswith("-Data.db"):
        return "cassandra" if not text and not head.startswith(b"SQLite") else ""
    return _sealed_by_name(head, name, text)


def _sealed_by_name(head: bytes, name: str, text: bool) -> str:
    """What is encrypted, or whose text is not in the open, and has no mark that says so."""
    if name.endswith(FOLDERS):
        return "sealed-folder" if any(mark in head for mark in _OF_FOLDERS) else ""
    if name.endswith((".crypt12", ".crypt14", ".crypt15")):
        return "sealed-file" if not text else ""
    if name.endswith((".mdf", ".ndf")):  # of SQL Server: the first page is the file's header
        return "rows" if head[:2] == b"\1\x0f" else ""
    if name.endswith(".blk"):
        return "message-store" if head[:3] == b"cmp" and not text else ""
    if name.endswith("ibdata1"):
        return innodb(head)
    if name.endswith(ARCHIVES):
        # zlib, and a frame of zstd that is to be passed over, are read or unpacked where they stand
        return "sealed-archive" if _random(head) and head[:1] != b"x" and head[1:4] != b"*M\x18" else ""
    if name.endswith(".phar"):
        return "rare-archive" if _packed_phar(head) else ""
    if name.endswith(STORES):  # others write `.f`, too: Fortran, which is text
        return "backup-store" if _random(head) else ""
    if name.endswith(".filez"):  # of an OSTree: the size of a header, padding, and in it the mode of a plain file
        return "ostree-object" if head[:1] == b"\0" and not any(head[4:8]) and head[26:27] in _PLAIN else ""
    if name.endswith(DATABASES) and not name.endswith("-Filter.db"):  # Cassandra's filter is bits alone
        return "sealed-database" if _random(head) else ""
    return ""


def sealed_values(head: bytes) -> bool:
    """A document whose names are in the open and whose values are not: the first of them stands near its beginning."""
    return (
        (b"ENC[AES256_GCM,data:" in head and b",iv:" in head)
        or (b"SealedSecret" in head and (b"kind: SealedSecret\n" in head or b'"kind": "SealedSecret"' in head))
        or (b'"U2FsdGVkX1' in head and b'"data":"U2FsdGVkX1' in head.replace(b": ", b":"))
    )


def _packed_phar(head: bytes) -> bool:
    """Does the list behind a program in PHP say that one of its files is packed? It says so once for all of them."""
    at = head.find(b"__HALT_COMPILER();")
    if at < 0:
        return False
    rest = head[at + 18 : at + 64]
    close = rest[:4].find(b"?>")
    rest = rest[close + 2 :] if close >= 0 else rest
    rest = rest[2:] if rest[:2] == b"\r\n" else rest[1:] if rest[:1] == b"\n" else rest
    return len(rest) >= 14 and bool(rest[11] & 0x30)


def _random(head: bytes) -> bool:
    """What SQLCipher and its like write has no mark: of 256 bytes that chance made 162 differ, 140 at least."""
    return len(head) >= HEAD and len({*head[:256]}) >= 140


BACKUPS = (".vbk", ".vib", ".vrb", ".mrimg", ".mrbak", ".tibx", ".pbf", ".fbk")
"""Veeam, Macrium, Acronis, Paragon, Firebird: their files have no mark that is told."""
TABLES = (".MYD", ".MAD", "neostore.propertystore.db", "neostore.propertystore.db.strings")
"""MyISAM, Aria, Neo4j: rows and nothing else."""
FOLDERS = ("gocryptfs.conf", "masterkey.cryptomator", ".encfs6.xml", "cryfs.config")
"""Beside what a folder of encrypted files begins with: none of them has a mark."""
_OF_FOLDERS = (b'"EncryptedKey"', b'"primaryMasterKey"', b"EncFS", b"cryfs.config;")
ARCHIVES = (".gz", ".tgz", ".xz", ".txz", ".zst", ".bz2")
"""What has a mark at its beginning, unless somebody encrypted it and kept the name, as Home Assistant did."""
STORES = (".f", ".bucket", ".bucket.1")
"""Packs of kopia, and of Synology's Hyper Backup."""
_PLAIN = frozenset(bytes((high,)) for high in range(0x80, 0x90))
"""The byte of a mode that says what kind of file it is: a plain one."""
DATABASES = (".sqlite", ".sqlite3", ".db", ".db3")
PLACED = (*BACKUPS, *TABLES, ".couch", ".bin", ".ace", ".sfx", "kopia.repository.f", *FOLDERS, ".crypt12", ".crypt14", ".crypt15",
          ".mdf", ".ndf", ".blk", "ibdata1", ".filez", ".phar", *ARCHIVES, *STORES, *DATABASES)  # fmt: skip


HEAD = 512
"""As in magic.py."""
_BCACHEFS = (bytes.fromhex("c68573f64e1a45ca8265f57f48ba6d81"), bytes.fromhex("c68573f666ce90a9d96a60cf803df7ef"))


SURE = {"bcachefs": lambda head, _: head[4120:4136] in _BCACHEFS,
        "erofs": lambda head, _: head[1024:1028] == b"\xe2\xe1\xf5\xe0", "f2fs": lambda head, _: head[1024:1028] == b"\x10\x20\xf5\xf2",
        "cramfs": _cramfs, "old-squashfs": _old_squashfs, "arj": _arj,
        "appimage": lambda head, _: head[8:11] in (b"AI\1", b"AI\2"),
        "makeself": lambda head, _: b"generated using Makeself" in head[:512],
        "wiredtiger": lambda head, _: head[4:6] == b"\1\0",
        "rows": rows, "dump": dump, "installer": installer, "commit-log": commit_log,
        "sealed-file": sealed_file, "hadoop": hadoop, "zfs": zfs,
        "lucene": lucene, "sealed-store": sealed_store, "hibernation": _no_text, "rare-archive": _no_text, "apple-archive": _no_text,
        "hfs": lambda head, _: head[1024:1028] in (b"H+\0\4", b"HX\0\5") or (head[1024:1026] == b"BD" and head[1038:1040] == b"\0\3"),
        "udf": lambda head, _: head[32_769:32_774] == b"BEA01",
        "lvm": lambda head, _: head[512:520] == b"LABELONE",
        "backup-image": lambda head, name: _no_text(head, "") and not name.endswith(".filez"), "windows-compressed": _no_text,
        "disk": disk, "ext": ext, "btrfs": btrfs, "fat": fat, "vdi": vdi, "cms": cms}

REASONS = dict.fromkeys(("qcow2", "vmdk", "vhd", "vdi", "parallels", "qed"), (
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
    "duckdb": "a database whose columns are compressed",
    "lucene": "stored documents of a search index, compressed",
    "cassandra": "a table of Cassandra, compressed by default; scan what sstabledump writes",
    **dict.fromkeys(("erofs", "f2fs", "cramfs", "old-squashfs", "ubi"), "a file system, compressed"),
    **dict.fromkeys(("lrzip", "zpaq", "arj", "stuffit", "lzfse"), "no reader"),
    **dict.fromkeys(("exfat", "refs", "hfs", "udf", "lvm", "apfs", "bcachefs"), (
        "a raw file system, scanned as bytes: what is compressed, encrypted or in several pieces in it is not seen")),
    **dict.fromkeys(("vma", "sparse-image", "android-sparse"), (
        "a disk image, scanned as bytes: what is compressed, encrypted or in several pieces in it is not seen")),
    "android-update": "a system of Android, compressed",
    "ese": "a database of Windows (mail, search, browser), scanned as bytes: the values that it compressed are not seen",
    "innodb": "an InnoDB table, scanned as bytes: its values stand one behind the other; scan what mysqldump writes",
    "sealed-store": "a store of keys or passwords, encrypted: export what is in it",
    "sealed-file": "encrypted",
    "windows-compressed": "compressed by Windows",
    "hibernation": "the memory of a Windows machine, compressed",
    "kdump": "the memory of a Linux machine, compressed by default",
    "evidence": "an image of evidence, compressed; scan it mounted, or as a raw image",
    "backup-image": "a backup, compressed or in pieces; scan what it restores",
    "backup-store": "part of a backup store, compressed or encrypted; scan what it restores",
    "sql-server-backup": "a backup of SQL Server, compressed",
    "timeseries": "a table of InfluxDB, compressed",
    "couchdb": "a database of CouchDB, whose documents are compressed",
    "rows": "a database's tables, scanned as bytes: values stand without the names of their columns, long ones compressed; scan an export",
    "installer": "a program that unpacks itself, or what it installs",
    "commit-log": "a log of Cassandra, compressed or encrypted; scan the tables' exports",
    "dump": "a backup of dump(8), scanned as bytes: what is compressed or in several pieces in it is not seen",
    "bacula": "a volume of Bacula, scanned as bytes: what is compressed, encrypted or in several pieces in it is not seen",
    "zfs": "a disk of a pool of ZFS, scanned as bytes: what is compressed, encrypted or in several pieces in it is not seen",
    "machine-state": "the memory of a virtual machine, compressed",
    "hadoop": "records of Hadoop or HBase, compressed; scan an export",
    "filemaker": "a database of FileMaker, whose text is disguised; scan an export",
    "message-store": "messages of NATS, compressed",
    "sealed-folder": "the key of a folder of encrypted files: what lies beside it is not seen",
    "sealed-database": "is called a database, and looks like random bytes: encrypted, or damaged",
    "sealed-archive": "is called an archive, and looks like random bytes: encrypted, or damaged",
    "sealed-values": "its values are encrypted (SOPS, Sealed Secrets, credentials of n8n)",
    "hdf5": "scanned as bytes: its compressed tables are not seen",
    "notes": "a database of Notes, scanned as bytes: what is compressed or encrypted in it is not seen",
    "jet": "a database of Access, scanned as bytes: text over the border of two pages, and what is encoded, are not seen",
    "outlook-express": "mails of Outlook Express, scanned as bytes: they are cut into pieces, and what stands over a border is not seen",
    "realm": "a database of Realm, scanned as bytes: what is compressed or in several pieces in it is not seen",
    "block-cache": "part of a browser's cache, scanned as bytes: small answers that came compressed are not seen",
    "apple-archive": "no reader",
    "rare-archive": "no reader",
    "chm": "help pages, compressed",
    "keepass": "a password database, encrypted: export what is in it",
    "age": "encrypted",
    "ansible-vault": "encrypted",
    "git-crypt": "encrypted",
}  # fmt: skip
"""Why a kind is not read, or not all of it."""
