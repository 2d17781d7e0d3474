"""OLE compound files (msg, doc, xls, ppt, macros, embedded objects) by olefile, in a process of its own.

Promises: every stream is a member under its path; a mail's (msg) subject, headers, body and properties are text, its
attachments files with their names; macros are their source; packed bodies are unpacked; sectors that belong to no stream
are the member `free`, for deleted text stays there. Encrypted documents are told.

This file is both sides: `ole` in the parent; loaded by the child (see `child`), which imports nothing of the project.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leakguard.sources.inside.base import Context, Member, Stream

LARGEST = 256 * 1024 * 1024
"""Bytes of a stream that are held; what is longer is told."""
_SPECIAL = 0xFFFFFFFA
"""From here on an entry of the table of sectors names none."""
_END = b"E"
_PROPERTY = re.compile(r"__substg1\.0_([0-9A-F]{4})([0-9A-F]{4})(?:-[0-9A-F]{8})?\Z")
_FIELDS = {
    "0037": "Subject", "007D": "Headers", "0C1A": "From", "0C1F": "From", "0E04": "To", "0E03": "Cc", "1000": "Body", "3001": "Name",
    "3003": "Address", "3704": "Short name", "3707": "File name", "370E": "Type", "1035": "Message-ID", "0E1D": "Subject",
}  # fmt: skip
_NAMES = "__nameid_version1.0"
"""The storage of a mail in which names have numbers: its streams are called like properties, and are none."""
_WORDS = re.compile(rb"[\x20-\x7e\t]{6,}|(?:[\x20-\x7e]\0){6,}")
_PREFIX = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor MS Sans SerifSymbol"
    b"ArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)  # what the packer of RTF presumes (MS-OXRTFCP 2.1.2.1)


# ---------------------------------------------------------------- the parent
def ole(stream: Stream, context: Context) -> Iterator[Member]:
    """The streams, put so that they can be read."""
    from leakguard.sources.inside.base import UnreadError
    from leakguard.sources.inside.child import parsed

    try:
        yield from parsed("ole", stream, context)
    except ImportError:
        raise UnreadError("install leakguard-scanner[documents]") from None


# ---------------------------------------------------------------- the child
def read(handle: int, out: Any) -> None:
    """Everything in the compound file that `handle` is open on."""
    import olefile  # type: ignore[import-untyped, unused-ignore]

    with open(handle, "rb", closefd=False) as file:
        try:
            document = olefile.OleFileIO(file)
            paths = document.listdir(streams=True, storages=False)
        except Exception as error:  # noqa: BLE001 - as damaged as it likes; a message could quote content
            out.told("broken", f"damaged ({type(error).__name__})")
            return
        _Reader(document, file, out).everything(paths)
        if any(len(document.fat) <= number < _SPECIAL for number in (*document.fat, document.first_dir_sector)) or _cut(document, file):
            out.told("ends early, or its table of sectors is damaged", "")
        if not paths:
            out.told("broken", "damaged (no stream is in it)")


def _cut(document: Any, file: Any) -> bool:
    """Does the file end in a sector of the directory? Names of streams are lost then, and nothing else says so."""
    size = file.seek(0, 2)
    number, left = document.first_dir_sector, len(document.fat)
    while number < len(document.fat) and left:
        if (number + 2) * document.sectorsize > size:
            return True
        number, left = document.fat[number], left - 1
    return False


class _Reader:
    def __init__(self, document: Any, file: Any, out: Any) -> None:
        self.document = document
        self.file = file
        self.out = out
        self.names: dict[str, str] = {}
        """Storage of an attachment -> its name."""
        self.used: set[str] = set()

    def give(self, name: str, data: bytes, kind: bytes = b"v") -> None:
        if data:
            self.out.name(name, len(data), kind)
            self.out.data(data)
            self.out.send(_END)

    def everything(self, paths: list[list[str]]) -> None:
        texts: dict[str, list[str]] = {}
        for path in paths:
            if path[-1] in ("__substg1.0_3707001F", "__substg1.0_3707001E"):
                self.names["/".join(path[:-1])] = self._text(path[-1][-4:], self._bytes(path)).replace("/", "_")
        for path in paths:
            name = "/".join(path)
            content = self._bytes(path)
            found = _PROPERTY.match(path[-1])
            if found is not None and path[-2:-1] != [_NAMES]:
                self._property(path, found[1], found[2], content, texts)
            else:
                self._stream(path, name, content)
        for storage, lines in texts.items():
            name = f"{storage}/properties" if storage else "properties"
            self.give(name, "".join(f"{line}\n" for line in lines).encode("utf-8", "replace"))
        self._free()

    def _bytes(self, path: list[str]) -> bytes:
        name = "/".join(path)
        try:
            with self.document.openstream(path) as stream:
                data = bytes(stream.read(LARGEST + 1))
                declared = self.document.get_size(path)
        except Exception:  # noqa: BLE001 - this stream is damaged, and not the others
            self._told("damaged stream", name)
            return b""
        if len(data) > LARGEST:
            self._told("longer than is read", name)
            return data[:LARGEST]
        if len(data) < declared:
            self._told("ends early", name)
        return data

    def _told(self, word: str, name: str) -> None:
        if name not in self.used:  # streams of names are read twice
            self.used.add(name)
            self.out.told(word, name)

    # ------------------------------------------------------------ mails
    def _property(self, path: list[str], tag: str, kind: str, content: bytes, texts: dict[str, list[str]]) -> None:
        """One property of a mail, of a recipient, or of an attachment."""
        storage = "/".join(self._shown(part) for part in path[:-1])
        if kind in ("001F", "001E"):
            text = self._text(kind, content)
            label = _FIELDS.get(tag, tag)
            if tag == "1000":
                self.give(f"{storage}/body.txt" if storage else "body.txt", text.encode("utf-8", "replace"))
            elif text.strip():
                texts.setdefault(storage, []).append(text if tag == "007D" else f"{label}: {text}")
        elif tag == "3701" and kind == "0102":
            name = self.names.get("/".join(path[:-1]), "")
            self.give(f"attachments/{name}" if name else f"{storage}/data", content, b"f")
        elif tag == "1013":
            self.give(f"{storage}/body.html" if storage else "body.html", content)
        elif tag == "1009":
            name = f"{storage}/body.rtf" if storage else "body.rtf"
            unpacked = rtf_unpacked(content)
            if unpacked is None:
                self.out.told("damaged compressed text", name)
            self.give(name, content if unpacked is None else unpacked, b"f")
        else:
            self.give("/".join((storage, path[-1])).lstrip("/"), content)

    def _shown(self, part: str) -> str:
        found = re.fullmatch(r"__(attach|recip)_version1\.0_#([0-9A-F]{8})", part)
        return f"{found[1]}-{int(found[2], 16) + 1}" if found is not None else part

    def _text(self, kind: str, content: bytes) -> str:
        if kind.endswith("1F"):
            return content.decode("utf-16-le", "replace").rstrip("\0")
        try:
            return content.decode("utf-8").rstrip("\0")
        except UnicodeDecodeError:
            return content.decode("cp1252", "replace").rstrip("\0")

    # ------------------------------------------------------------ documents
    def _stream(self, path: list[str], name: str, content: bytes) -> None:
        last = path[-1]
        if last == "EncryptedPackage" or _locked(last, content):
            self.out.told("encrypted", "PowerPoint Document" if last == "Current User" else name)
        if last == "\1Ole10Native":
            inner, file = _packaged(content)
            self.give(f"{'/'.join(path[:-1])}/{file}".lstrip("/"), inner, b"f")
            return
        at = content.find(b"\0Attribut")
        if at >= 3 and content[at - 3] == 1:
            source = vba_unpacked(content[at - 3 :])
            self.give(f"{name}.bas", source)
            said = source.replace(b"\0", b"")
            rest = [run for run in (found[0].replace(b"\0", b"") for found in _WORDS.finditer(content[: at - 3])) if run not in said]
            self.give(name, b"\n".join(rest))
            return
        self.give(name, content, b"f" if content[:2] in (b"PK", b"\xd0\xcf") or content[:5] in (b"%PDF-", b"{\\rtf") else b"v")

    def _free(self) -> None:
        """Sectors that no stream has."""
        size = self.document.sectorsize
        found: list[bytes] = []
        total = 0
        try:
            for number, following in enumerate(self.document.fat):
                if following & 0xFFFFFFFF != 0xFFFFFFFF or total > LARGEST:
                    continue
                self.file.seek((number + 1) * size)
                data = self.file.read(size)
                if data.strip(b"\0\xff"):
                    found.append(data)
                    total += len(data)
        except (OSError, TypeError, ValueError):
            self.out.told("damaged table of sectors", "free")
        self.give("free", b"".join(found))


def _locked(name: str, content: bytes) -> bool:
    """Is it the main stream of an encrypted doc or xls, or what says that a ppt is encrypted?"""
    if name == "Current User":  # a record of type 4086; its eighth to eleventh byte behind the head are a mark
        return content[2:4] == b"\xf6\x0f" and content[12:16] == b"\xdf\xc4\xd1\xf3"
    if name == "WordDocument" and len(content) > 12:
        return bool(content[11] & 1)
    if name in ("Workbook", "Book"):
        at = 0
        for _ in range(8):
            if len(content) < at + 4:
                return False
            kind, size = struct.unpack("<HH", content[at : at + 4])
            if kind == 0x2F:
                return True
            at += 4 + size
    return False


def _packaged(content: bytes) -> tuple[bytes, str]:
    """(the file in a package object, its name); all of it where it is none."""
    try:
        label, file, rest = content[6:].split(b"\0", 2)
        at = 8 + struct.unpack("<I", rest[4:8])[0]
        size = struct.unpack("<I", rest[at : at + 4])[0]
        inner = rest[at + 4 : at + 4 + size]
        if inner and len(inner) == size:
            name = (label or file).decode("cp1252", "replace").replace("\\", "/").rsplit("/", 1)[-1]
            return inner, name or "package"
    except (struct.error, ValueError):
        pass
    return content, "package"


def vba_unpacked(data: bytes) -> bytes:
    """The source of a macro, as far as its chunks are whole (MS-OVBA 2.4.1)."""
    out = bytearray()
    at = 1
    while at + 2 <= len(data):
        head = struct.unpack("<H", data[at : at + 2])[0]
        if head >> 12 & 7 != 3:
            break
        end = min(len(data), at + (head & 0xFFF) + 3)
        at += 2
        start = len(out)
        if not head & 0x8000:
            out += data[at:end]
            at = end
            continue
        while at < end:
            flags = data[at]
            at += 1
            for bit in range(8):
                if at >= end:
                    break
                if not flags >> bit & 1:
                    out.append(data[at])
                    at += 1
                    continue
                if at + 2 > end:
                    return bytes(out)
                token = int.from_bytes(data[at : at + 2], "little")
                at += 2
                bits = max(4, (len(out) - start - 1).bit_length())
                length = (token & (0xFFFF >> bits)) + 3
                back = (token >> (16 - bits)) + 1
                if back > len(out) - start:
                    return bytes(out)
                for _ in range(length):
                    out.append(out[-back])
    return bytes(out)


def rtf_unpacked(data: bytes) -> bytes | None:
    """Compressed RTF (MS-OXRTFCP); None if it is damaged."""
    if len(data) < 16:
        return None
    size, kind = struct.unpack("<I4s", data[4:12])
    if kind == b"MELA":
        return data[16 : 16 + size]
    if kind != b"LZFu" or size > LARGEST:
        return None
    window = bytearray(_PREFIX.ljust(4096, b"\0"))
    write, at = len(_PREFIX), 16
    out = bytearray()
    while at < len(data) and len(out) < size:
        flags = data[at]
        at += 1
        for bit in range(8):
            if at >= len(data):
                return bytes(out) if len(out) >= size else None
            if not flags >> bit & 1:
                window[write] = data[at]
                out.append(data[at])
                at, write = at + 1, (write + 1) & 4095
                continue
            if at + 2 > len(data):
                return None
            token = int.from_bytes(data[at : at + 2], "big")
            at += 2
            offset, length = token >> 4, (token & 15) + 2
            if offset == write:
                return bytes(out[:size])
            for step in range(length):
                byte = window[(offset + step) & 4095]
                window[write] = byte
                out.append(byte)
                write = (write + 1) & 4095
    return bytes(out[:size]) if len(out) >= size else None
