"""Recognises containers by their first bytes: what kind of thing to look inside of.

Promises: a pure function of a head, the object's name (for the few formats without a magic) and nothing else; about
a dictionary look-up for text; reads nothing. It may be wrong (two bytes are not much): a reader that finds so says so,
and the bytes are then scanned as they stand. On the path of every scanned file: imports nothing.
"""

HEAD = 512
"""Bytes that are enough for everything but an ISO image."""
ISO_HEAD = 32_774
"""Bytes that are enough for an ISO image, too."""

_MAGICS: tuple[tuple[bytes, str], ...] = (
    (b"\x1f\x8b\x08", "gzip"),
    (b"\x1f\x9d", "compress"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\0", "xz"),
    (b"]\0\0", "lzma"),
    (b"LZIP\1", "lzip"),
    (b"\x89LZO\0\r\n\x1a\n", "lzop"),
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
    (b"MSWIM\0\0\0", "wim"),
    (b"LUKS\xba\xbe", "luks"),
    (b"BORG_SEG", "borg"),
    (b"[repository]\nversion", "borg"),
    (b"age-encryption.org/v1\n", "age"),
    (b"Salted__", "openssl-enc"),
)  # fmt: skip

_BY_TWO: dict[bytes, list[tuple[bytes, str]]] = {}
for _magic, _kind in _MAGICS:
    _BY_TWO.setdefault(_magic[:2], []).append((_magic, _kind))
for _low in range(16):
    _BY_TWO.setdefault(bytes((0x50 + _low, 0x2A)), []).append((bytes((0x50 + _low, 0x2A, 0x4D, 0x18)), "skippable"))

TAIL = 65_557
"""Bytes at an end that hold the end record of a zip, if one hangs there."""

_LEVELS = (b"\0", b"\1", b"\2", b"\3")

OCTAL = frozenset(b"01234567 \0")

NESTED_ONLY = frozenset({"git-pack", "git-object"})
"""Looked into inside of an archive alone: on disk a repository's objects are the git source's."""


def kind_of(head: bytes, name: str = "") -> str:
    """The kind of container that `head` begins, or "". `head` is the first HEAD bytes or more, or all there is."""
    for magic, kind in _BY_TWO.get(head[:2], ()):
        if head.startswith(magic) and (kind not in _SURE or _SURE[kind](head, name)):
            return kind
    if head[257:262] == b"ustar" or (head[148:156].endswith((b"\0 ", b" \0")) and checksum_fits(head[:HEAD])):
        return "tar" if len(head) >= HEAD else ""
    if head[2:5] in (b"-lh", b"-lz") and head[6:7] == b"-" and head[5:6] in b"0123456789sdx" and head[20:21] in _LEVELS:
        return "lha"
    if head[32769:32774] == b"CD001":
        return "iso"
    if name.endswith(".br") and not (head.isascii() and head[:64].decode("ascii").replace("\n", "").isprintable()):
        return "brotli"
    if head[:1] == b"x":
        return _zlib(head, name)
    if head[:1] == b"{" and b'"kdf"' in head[:HEAD] and "keys/" in name and b'"scrypt"' in head[:HEAD]:
        return "restic"
    return ""


def may_be_iso(head: bytes) -> bool:
    """Is it worth to read on for an ISO image's mark? The first 32 KiB are empty or a boot sector."""
    return len(head) >= HEAD and (not head[:HEAD].strip(b"\0") or head[510:512] == b"\x55\xaa")


def ends_as_zip(data: bytes) -> bool:
    """Does `data` hold the end record of a zip near its end? A look for NUL first: it is fast, and text has none."""
    low = max(0, len(data) - TAIL)
    if data.find(b"\0", low) < 0:
        return False
    at = data.rfind(b"PK\5\6", low)
    return at >= 0 and len(data) - at >= 22


def checksum_fits(block: bytes) -> bool:
    """Is the block a tar header whose checksum is right?"""
    field = block[148:156]
    if len(block) < HEAD or not OCTAL.issuperset(field):
        return False
    digits = field.strip(b"\0 ")
    if not digits or b"\0" in digits or b" " in digits:
        return False
    told = int(digits, 8)
    unsigned = sum(block) - sum(field) + 256
    if told == unsigned:
        return True
    high = sum(byte > 127 for byte in block) - sum(byte > 127 for byte in field)
    return told == unsigned - 256 * high  # some old tars add signed bytes


def _bzip2(head: bytes, _name: str) -> bool:
    return head[3:4] in b"123456789" and head[4:10] in (b"1AY&SY", b"\x17\x72\x45\x38\x50\x90")


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


def _squashfs(head: bytes, _name: str) -> bool:
    return head[28:30] == b"\4\0"


def _borg(head: bytes, _name: str) -> bool:
    return head[:1] == b"B" or b"segments_per_dir" in head[:HEAD]


def _zlib(head: bytes, name: str) -> str:
    """A loose git object: zlib, and named as git names them."""
    parts = name.rsplit("/", 3)
    if len(parts) < 3 or head[1:2] not in (b"\x01", b"\x9c", b"\xda", b"\x5e"):
        return ""
    two, rest = parts[-2:]
    return "git-object" if parts[-3] == "objects" and len(two) == 2 and len(rest) in (38, 62) else ""


_SURE = {"bzip2": _bzip2, "lzma": _lzma, "asar": _asar, "cpio": _cpio, "squashfs": _squashfs, "borg": _borg}
"""Second looks, where the magic alone is common in other files."""
