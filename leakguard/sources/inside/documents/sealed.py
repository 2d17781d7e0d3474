"""What PGP (RFC 9580) and S/MIME (CMS, RFC 5652) seal: signed content is read, compressed content unpacked, encrypted content told.

Promises: nothing is decrypted or verified, and no key is asked for; what encloses the content (signatures, certificates, headers
of an armor) is scanned as it stands; lengths that lie end in a BrokenError. Clear-signed text keeps its places.

Why not a library: to get at signed content without a key, `cryptography` (46) and its like offer nothing; it takes reading a few
tags and lengths. Imported by `sources.inside.walk`.
"""

from __future__ import annotations

import binascii
import bz2
import re
from collections.abc import Callable, Iterator

from leakguard.sources.inside.archives.codecs import ERRORS, Decoder, Deflate
from leakguard.sources.inside.base import (
    CHUNK,
    BrokenError,
    Context,
    Member,
    Pieces,
    Pull,
    Stream,
    UnreadError,
    from_bytes,
    ratio_guard,
    stem,
)

LARGEST = 64 * 1024 * 1024
"""Bytes of an S/MIME object that is looked into."""
DEEPEST = 32
"""Packets in compressed packets, constructed values in constructed values."""
_LINE = 1024
_SUFFIXES = {".gpg": "", ".pgp": "", ".asc": "", ".sig": "", ".p7m": "", ".p7s": ""}
_ESCAPED = re.compile(rb"(?m)^- ")
_DIGITS = re.compile(rb"[A-Za-z0-9+/=\r\n \t]*")


# ---------------------------------------------------------------- armor
def armored(stream: Stream, context: Context) -> Iterator[Member]:
    """What stands in base64 between -----BEGIN ...----- and -----END ...-----: a PGP message, or a CMS object."""
    first = _line(stream)
    body = _Armor(stream)
    if b" PGP " in first:
        headers = body.headers()
        if headers:
            yield Member("armor", from_bytes(headers), len(headers), "gap")
        yield from _packets(Stream(Pieces(iter(body))), context, 0)
    else:
        inner = Stream(Pieces(iter(body)))
        yield from _cms(inner, context)
        rest = inner.some(LARGEST)
        if rest:  # certificates alone, say
            yield Member("content", from_bytes(rest), len(rest), "gap")
    for _ in body:
        pass  # what nobody asked for


def _line(stream: Stream) -> bytes:
    """The next line with its break, or _LINE bytes of a longer one."""
    ahead = stream.peek(_LINE)
    end = ahead.find(b"\n") + 1
    return stream.some(end or len(ahead))


class _Armor:
    """The bytes of an armored block."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.rest = b""
        self.ended = False

    def headers(self) -> bytes:
        """Version, Comment and their like, up to the empty line."""
        out = []
        while (ahead := self.stream.peek(_LINE)) and ahead.strip()[:5] != b"-----":
            line = _line(self.stream)
            if not line.strip():
                break
            if b":" not in line:
                self.stream.unread(line)
                break
            out.append(line)
        return b"".join(out)

    def __iter__(self) -> Iterator[bytes]:
        while not self.ended and (line := _line(self.stream)):
            if line[:5] == b"-----":
                self.ended = True
                return
            if line[:1] == b"=" and len(line.strip()) == 5:
                continue  # a checksum
            if _DIGITS.fullmatch(line) is None:
                raise BrokenError("armor: no base64", line)
            digits = self.rest + line.translate(None, b" \t\r\n")
            whole = len(digits) & ~3
            self.rest = digits[whole:]
            try:
                data = binascii.a2b_base64(digits[:whole])
            except binascii.Error:
                raise BrokenError("armor: damaged base64", line) from None
            if data:
                yield data
        if not self.ended:
            raise BrokenError("armor: ends before its last line")


def clear_signed(stream: Stream, _context: Context) -> Iterator[Member]:
    """A text that everyone can read, whose lines that begin with a dash have `- ` before it: blanks instead."""
    yield Member("", Pieces(_unescaped(stream)), kind="text")


def _unescaped(stream: Stream) -> Iterator[bytes]:
    before = b""
    while data := stream.read(CHUNK):
        data = before + data
        cut = data.rfind(b"\n") + 1 or len(data)
        before = data[cut:]
        yield _ESCAPED.sub(b"  ", data[:cut])
    if before:
        yield _ESCAPED.sub(b"  ", before)


# ---------------------------------------------------------------- PGP
def pgp(stream: Stream, context: Context) -> Iterator[Member]:
    """A PGP message: its literal data."""
    yield from _packets(stream, context, 0)


_ENCRYPTED = {1, 3, 9, 18, 20}
_PASSED = {2, 4, 10, 19, 21}
_LITERAL, _COMPRESSED = 11, 8


def _packets(stream: Stream, context: Context, depth: int) -> Iterator[Member]:
    while head := stream.some(1):
        if not head[0] & 0x80 or depth > DEEPEST:
            raise BrokenError("PGP: no packet where one is due", head)
        packet = _Packet(stream, head[0])
        if packet.tag in _ENCRYPTED:
            raise UnreadError("encrypted (PGP)")
        if packet.tag == _COMPRESSED:
            yield from _packets(Stream(_inflated(packet, context)), context, depth + 1)
        elif packet.tag == _LITERAL:
            yield _literal(packet, context)
        elif packet.tag in _PASSED or packet.tag >= 60:
            aside = Stream(packet).some(LARGEST)  # signatures hold texts (notations), too
            yield Member(f"@packet-{packet.tag}", from_bytes(aside), len(aside), "gap")
        else:
            raise BrokenError(f"PGP: a packet of kind {packet.tag} in a message")
        while packet(CHUNK):
            pass


class _Packet:
    """The body of one packet, in parts or not, to be pulled."""

    def __init__(self, stream: Stream, head: int) -> None:
        self.stream = stream
        self.more = False
        self.open = False  # up to the end of everything
        if head & 0x40:
            self.tag = head & 0x3F
            self._length()
        else:
            self.tag = head >> 2 & 0xF
            size = (1, 2, 4, 0)[head & 3]
            self.left = int.from_bytes(stream.exactly(size), "big") if size else 0
            self.open = not size

    def _length(self) -> None:
        first = self.stream.exactly(1)[0]
        self.more = 224 <= first < 255
        if first < 192:
            self.left = first
        elif first < 224:
            self.left = ((first - 192) << 8) + self.stream.exactly(1)[0] + 192
        elif first == 255:
            self.left = int.from_bytes(self.stream.exactly(4), "big")
        else:
            self.left = 1 << (first & 0x1F)

    def __call__(self, count: int) -> bytes:
        if self.open:
            return self.stream.read(count)
        while not self.left and self.more:
            self._length()
        if not self.left:
            return b""
        data = self.stream.read(min(count, self.left))
        if not data:
            raise BrokenError(f"PGP: ends {self.left} bytes early")
        self.left -= len(data)
        return data


def _literal(packet: _Packet, context: Context) -> Member:
    """The file that was packed; without a name it is what the container holds."""
    content = Stream(packet)
    name = content.exactly(content.exactly(2)[1]).decode("utf-8", "replace")
    content.exactly(4)
    if not name.isprintable() or name in ("", "_CONSOLE"):
        return Member(stem(context.name, _SUFFIXES), content.read, kind="content")
    return Member(name, content.read)


def _inflated(packet: _Packet, context: Context) -> Pull:
    """What a compressed packet holds."""
    source = Stream(packet)
    kind = source.exactly(1)[0]
    makers: dict[int, Callable[[], Decoder]] = {1: lambda: Deflate(-15), 2: lambda: Deflate(15), 3: bz2.BZ2Decompressor}
    if kind == 0:
        return source.read
    if kind not in makers:
        raise UnreadError(f"PGP: compressed in a way not read ({kind})")
    return _unpacked("PGP", source, makers[kind](), context)


# ---------------------------------------------------------------- S/MIME
def cms(stream: Stream, context: Context) -> Iterator[Member]:
    """A CMS object, as smime.p7m is: what is signed, or that it is encrypted."""
    yield from _cms(stream, context)


_TYPES = {
    b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02": "signed",
    b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03": "encrypted",
    b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x06": "encrypted",
    b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x17": "encrypted",
    b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x09": "compressed",
}


def _cms(stream: Stream, context: Context) -> Iterator[Member]:
    data = stream.peek(LARGEST + 1)
    if len(data) > LARGEST:
        raise UnreadError(f"S/MIME: more than {LARGEST} bytes")
    try:
        kind, pieces = _sealed(data)
    except IndexError:
        raise BrokenError("S/MIME: ends in the middle of a value") from None
    if kind == "encrypted":
        raise UnreadError("encrypted (S/MIME)")
    if not pieces:
        return  # a signature of something else, or certificates
    stream.skip(len(data))
    content = b"".join(data[low:high] for low, high in pieces)
    if kind == "compressed":
        source, decoder = Stream(from_bytes(content)), Deflate(15)
        yield Member(stem(context.name, _SUFFIXES), _unpacked("S/MIME", source, decoder, context), kind="content")
    else:
        mime = re.match(rb"[A-Za-z-]{4,40}:", content) is not None
        name = "message.eml" if mime else stem(context.name, _SUFFIXES)
        yield Member(name, from_bytes(content), len(content), "member" if mime else "content")
    at = 0
    for low, high in (*pieces, (len(data), len(data))):
        if low - at > 16:
            yield Member(f"@{at}", from_bytes(data[at:low]), low - at, "view")
        at = high
    try:
        _behind(data, 0)
    except (BrokenError, IndexError):
        context.tell("failed", "", "S/MIME: ends in the middle of a value")


def _unpacked(kind: str, source: Stream, decoder: Decoder, context: Context) -> Pull:
    """What a compressed content holds; `kind` says in errors what it was in."""
    produced = 0

    def pull(count: int) -> bytes:
        nonlocal produced
        while not decoder.eof:
            data = source.read(CHUNK // 4) if decoder.needs_input else b""
            if decoder.needs_input and not data:
                raise BrokenError(f"{kind}: compressed data ends early")
            try:
                out = decoder.decompress(data, min(count, CHUNK))
            except ERRORS:
                raise BrokenError(f"{kind}: damaged compressed data") from None
            produced += len(out)
            ratio_guard(context.limits, produced, source.position)
            if out:
                return out
        return b""

    return pull


def _sealed(data: bytes) -> tuple[str, list[tuple[int, int]]]:
    """(what kind of object, where the pieces of its content stand)."""
    tag, at, end = _value(data, 0)
    kind_tag, low, high = _value(data, at)
    kind = _TYPES.get(data[low:high], "")
    if tag != 0x30 or kind_tag != 6 or not kind:
        raise BrokenError("S/MIME: no object that is known")
    if kind == "encrypted":
        return kind, []
    _, at, end = _value(data, high)  # [0], and in it the sequence
    _, at, end = _value(data, at)
    for _ in range(8):  # version, digests, then type and content
        tag, low, high = _value(data, at)
        if tag == 0x30 and data[low : low + 1] == b"\6":
            _, _, behind = _value(data, low)
            if behind >= high or data[behind : behind + 1] != b"\xa0":
                return kind, []
            _, low, stop = _value(data, behind)
            if _behind(data, low) not in (stop, stop - 2) and data[behind + 1] != 0x80:
                raise BrokenError("S/MIME: lengths that do not fit")
            return kind, list(_octets(data, low, stop, 0))
        at = _behind(data, at)
        if at >= end:
            break
    return kind, []


def _value(data: bytes, at: int) -> tuple[int, int, int]:
    """(tag, start, end) of the value at an offset; one of indefinite length ends with what is around it."""
    tag, size = data[at], data[at + 1]
    at += 2
    if size == 0x80:
        return tag, at, len(data)
    if size & 0x80:
        count = size & 0x7F
        size, at = int.from_bytes(data[at : at + count], "big"), at + count
    if at + size > len(data):
        raise BrokenError("S/MIME: ends in the middle of a value")
    return tag, at, at + size


def _behind(data: bytes, at: int, depth: int = 0) -> int:
    """Where the value at an offset ends, its own end mark included."""
    indefinite = data[at + 1] == 0x80
    _, low, high = _value(data, at)
    if not indefinite:
        return high
    if depth > DEEPEST:
        raise BrokenError("S/MIME: values nested too deep")
    while data[low : low + 2] != b"\0\0":
        low = _behind(data, low, depth + 1)
    return low + 2


def _octets(data: bytes, at: int, end: int, depth: int) -> Iterator[tuple[int, int]]:
    """The pieces of an octet string in [at, end)."""
    if depth > DEEPEST:
        raise BrokenError("S/MIME: values nested too deep")
    while at < end and data[at : at + 2] != b"\0\0":
        tag, low, high = _value(data, at)
        if tag == 4:
            yield low, high
        elif tag == 0x24:
            yield from _octets(data, low, high, depth + 1)
        else:
            return
        at = _behind(data, at)
