"""What stands in a PDF's streams and objects, as text: filters undone, strings decoded beside their names.

Promises: pure functions of bytes, linear in them, with limits on what is unpacked; what is damaged is given as far as it
goes, and said to be so. Loaded by the child that reads PDFs (see `child`): imports nothing of the project.
"""

from __future__ import annotations

import mmap
import re
import zlib
from collections.abc import Iterator

LARGEST_TEXT = 32 * 1024 * 1024
"""Bytes of objects whose strings are decoded at a time; more is given as it stands."""
LARGEST_STREAM = 64 * 1024 * 1024

_STRING = re.compile(rb"\((?:[^()\\]|\\.){0,65536}|<[0-9A-Fa-f \t\r\n]{2,131072}>|/[^\x00-\x20()<>\[\]{}/%]{1,127}|<<|>>", re.DOTALL)
_ESCAPE = re.compile(rb"\\(?:([0-7]{1,3})|(\r\n|[\s\S]))")
_CONTROLS = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b" ", b"f": b" ", b"\n": b"", b"\r": b"", b"\r\n": b""}
_SHOWN = re.compile(
    rb"\((?:[^()\\]|\\.){0,65536}|<[0-9A-Fa-f \t\r\n]{2,131072}>|(-?\d{1,8}(?:\.\d{1,8})?)|\b(Tj|TJ|Td|TD|Tm|ET)\b|(\]|\[|T\*)|(['\"])",
    re.DOTALL,
)

_FLUSHED = b"\0\0\xff\xff"
"""What a packer leaves that was told to hand out all it has: Acrobat ends streams so, without the mark of the end."""


def inflated(data: mmap.mmap, begin: int, end: int) -> Iterator[bytes | None]:
    """What a Flate stream holds, in pieces; None where it is damaged."""
    unpack = zlib.decompressobj()
    at = begin
    try:
        while at < end and not unpack.eof:
            piece = data[at : min(end, at + 65536)]
            at += len(piece)
            while piece:
                yield unpack.decompress(piece, 1 << 20)
                piece = unpack.unconsumed_tail
        yield unpack.flush()
        if not unpack.eof and data[max(begin, end - 4) : end] != _FLUSHED:
            yield None
    except zlib.error:
        yield None


def is_whole(data: mmap.mmap, begin: int, end: int) -> bool:
    """Does a Flate stream unpack to its end? Its checksum is not asked for: Distiller of old wrote wrong ones."""
    unpack = zlib.decompressobj(-zlib.MAX_WBITS)
    piece = data[begin + 2 : end]
    try:
        while piece and not unpack.eof:
            unpack.decompress(piece, 1 << 20)
            piece = unpack.unconsumed_tail
    except zlib.error:
        return False
    return unpack.eof or data[max(begin, end - 4) : end] == _FLUSHED


_UNKNOWN = "damaged, or packed in a way its reader does not know"


def decoded(data: mmap.mmap, begin: int, end: int, filters: list[bytes]) -> tuple[bytes, str]:
    """(content, what is wrong with it)."""
    problem = ""
    if filters[:1] == [b"FlateDecode"]:
        pieces = list(_bounded(inflated(data, begin, end)))
        content = b"".join(piece for piece in pieces if piece)
        if None in pieces:
            problem = _UNKNOWN if len(content) <= LARGEST_STREAM else f"unpacks to more than {LARGEST_STREAM} bytes"
        filters = filters[1:]
    else:
        content = data[begin:end]
    for name in filters:
        try:
            content = _unfiltered(name, content)
        except Exception:  # noqa: BLE001 - as damaged as it likes
            return content, problem or _UNKNOWN
    return content, problem


def _bounded(pieces: Iterator[bytes | None]) -> Iterator[bytes | None]:
    """Pieces up to what a process can hold."""
    size = 0
    for piece in pieces:
        size += len(piece or b"")
        yield piece
        if size > LARGEST_STREAM:
            yield None
            return


def _unfiltered(name: bytes, content: bytes) -> bytes:
    import base64

    if name == b"FlateDecode":
        return zlib.decompressobj().decompress(content, LARGEST_STREAM)
    if name == b"ASCIIHexDecode":
        digits = re.sub(rb"[^0-9A-Fa-f]", b"", content.split(b">")[0])
        return bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode("ascii"))
    if name == b"ASCII85Decode":
        return base64.a85decode(content.split(b"~>")[0].strip().removeprefix(b"<~"), ignorechars=b" \t\r\n\v\0\f")
    if name == b"RunLengthDecode":
        return _run_lengths(content)
    if name == b"LZWDecode":
        from pypdf.filters import LZWDecode

        return bytes(LZWDecode.decode(content))
    raise ValueError


def _run_lengths(content: bytes) -> bytes:
    out: list[bytes] = []
    at = 0
    while at < len(content) and content[at] != 128:
        count = content[at]
        if count < 128:
            out.append(content[at + 1 : at + 2 + count])
            at += count + 2
        else:
            out.append(content[at + 1 : at + 2] * (257 - count))
            at += 2
    return b"".join(out)


def _string(token: bytes) -> bytes:
    """A string's text in UTF-8, from what stands between its borders (`(` or `<` first)."""
    if token[:1] == b"<":
        digits = re.sub(rb"[^0-9A-Fa-f]", b"", token)
        raw = bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode("ascii"))
    else:
        raw = _ESCAPE.sub(_escaped, token[1:])
    if raw[:2] == b"\xfe\xff":
        return raw[2:].decode("utf-16-be", "replace").encode("utf-8", "replace")
    if raw[:2] == b"\xff\xfe":
        return raw[2:].decode("utf-16-le", "replace").encode("utf-8", "replace")
    if raw[:3] == b"\xef\xbb\xbf" or raw.isascii():
        return raw.removeprefix(b"\xef\xbb\xbf")
    return raw.decode("latin-1").encode()


def _escaped(found: re.Match[bytes]) -> bytes:
    if found[1] is not None:
        return bytes((int(found[1], 8) & 0xFF,))
    return _CONTROLS.get(found[2], found[2])


def strings_decoded(data: bytes) -> bytes:
    """Objects as text: strings decoded, each beside the name that it stands behind; fields as `name: value`."""
    out: list[bytes] = []
    at = 0
    name = b""
    field: list[tuple[bytes, bytes]] = [(b"", b"")]
    while (found := _STRING.search(data, at)) is not None:
        between = data[at : found.start()]
        out.append(between)
        token = found[0]
        at = found.end()
        if token == b"<<":
            field.append((b"", b""))
            out.append(token)
        elif token == b">>":
            label, value = field.pop() if len(field) > 1 else (b"", b"")
            out.append(b"\n%s: %s\n>>" % (label, value) if label and value else token)
        elif token[:1] == b"/":
            name = token[1:]
            out.append(token)
            continue
        else:
            if token[:1] == b"(":
                token, at = _balanced(data, found.start(), token)
            text = _string(token)
            label, value = field[-1]
            if name == b"T" and not between.strip():
                field[-1] = (text, value)
            elif name == b"V" and not between.strip():
                field[-1] = (label, text)
                text = text if not label else b"..."
            if name and not between.strip() and out[-2:-1] == [b"/" + name]:
                out[-2:] = [b"\n" + name + b": " + text + b"\n"]
            else:
                out.append(b" " + text + b" ")
        name = b""
    out.append(data[at:])
    return b"".join(out)


def _balanced(data: bytes, start: int, token: bytes) -> tuple[bytes, int]:
    """A literal string with the parentheses that stand in it, and where it ends."""
    depth = 1
    at = start + len(token)
    pieces = [token]
    limit = min(len(data), start + 131_072)
    inner = re.compile(rb"(?:[^()\\]|\\.){1,65536}", re.DOTALL)
    while at < limit:
        mark = data[at : at + 1]
        if mark == b")":
            depth -= 1
            at += 1
            if not depth:
                return b"".join(pieces), at
            pieces.append(mark)
        elif mark == b"(":
            depth += 1
            at += 1
            pieces.append(mark)
        else:
            found = inner.match(data, at)
            if found is None:
                break
            pieces.append(found[0])
            at = found.end()
    return b"".join(pieces), max(at, start + len(token))


def shown_text(content: bytes) -> bytes:
    """What a content stream's text operators show, as far as strings are letters and no glyphs; a line for each move."""
    out: list[bytes] = []
    array = False
    at = 0
    while (found := _SHOWN.search(content, at)) is not None:
        token = found[0]
        at = found.end()
        if token[:1] == b"(":
            token, at = _balanced(content, found.start(), token)
            out.append(_string(token))
        elif token[:1] == b"<":
            out.append(_string(token))
        elif found[1] is not None:
            if array and float(found[1]) < -180:  # thousandths of the letter size: as wide as a blank
                out.append(b" ")
        elif token in (b"Td", b"TD", b"Tm", b"ET", b"T*", b"'", b'"'):
            out.append(b"\n")
        elif token in (b"[", b"]"):
            array = token == b"["
    return b"".join(out) + b"\n"
