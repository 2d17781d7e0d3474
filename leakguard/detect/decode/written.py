"""Bytes that programs of old write as text (uuencode, yEnc, ASCII85, base32, Intel's and Motorola's records), diagrams that
draw.io packs, packed firmware (LZMA alone), and tokens that other strings are glued to, as in programs of Go and Rust.

Whoever looks at a file from its first bytes has readers of his own (sources/inside/documents/uu.py): here is what stands farther
on. Knows no rules and no files. Imported by this package.
"""

from __future__ import annotations

import binascii
import zlib
from collections.abc import Callable

from leakguard.detect.decode.base import MAX_VIEW, Found, Run, View
from leakguard.detect.decode.digits import in_steps, texty
from leakguard.detect.packed import STEP, Tries, unpacked
from leakguard.detect.patterns import compiled

UU_HEAD = 2048
"""As in sources/inside/magic.py: what begins before is a member of its text."""
_UU_LINE = compiled(rb"([!-M])([ -`]{2,84})\r?\n?")
_LEAST = 16


def _uu(data: bytes, end: int) -> Found:
    """The body behind a `begin` line, as far as its lines are such."""
    start = stop = data.rfind(b"\n", 0, end - 1) + 1
    if start < UU_HEAD:
        return Run(end, end)
    out: list[bytes] = []
    breaks: list[tuple[int, int, int, int]] = []
    size = 0
    while size < MAX_VIEW and (line := _UU_LINE.match(data, stop)):
        count = line[1][0] - 32
        need = (count + 2) // 3 * 4
        if not need - 3 <= len(line[2]) <= need + 2:
            break
        try:
            made = binascii.a2b_uu(line[1] + line[2][:need])
        except binascii.Error:
            break
        out.append(made)
        breaks.append((size, stop + 1, 4, 3))
        size += len(made)
        stop = line.end()
    if size < _LEAST:
        return Run(end, end)
    yield View("uuencode", b"".join(out), breaks, start, stop, size >= MAX_VIEW)
    return Run(start, max(stop, end), True)


_YENC_END = compiled(rb"\r?\n=yend ")
_YENC_MEANT = bytes((byte - 42) & 255 for byte in range(256))


def _yenc(data: bytes, end: int) -> Found:
    """The lines behind `=ybegin` and `=ypart`. Places are those of the whole."""
    start = data.find(b"\n", end, end + 1024) + 1
    if start and data.startswith(b"=ypart ", start):
        start = data.find(b"\n", start, start + 256) + 1
    if not start:
        return Run(end, end)
    last = _YENC_END.search(data, start, start + 2 * MAX_VIEW)
    stop = last.start() if last else min(len(data), start + 2 * MAX_VIEW)
    body = data[start:stop].translate(None, b"\r\n")
    pieces = body.split(b"=")
    made = pieces[0] + b"".join(bytes(((piece[0] - 64) & 255,)) + piece[1:] if piece else b"" for piece in pieces[1:])
    yield View("yenc", made[:MAX_VIEW].translate(_YENC_MEANT), [], start, stop, len(made) > MAX_VIEW or last is None)
    return Run(start, max(stop, end), True, False)


_A85_END = b"~>"
_A85_LONGEST = 4 * 1024 * 1024
"""Letters of one: it is decoded by Python."""


def _ascii85(data: bytes, end: int, tries: Tries) -> Found:
    """What stands between `<~` and `~>`, packed or not."""
    start = data.rfind(b"<~", max(0, end - 24), end)
    stop = data.find(_A85_END, end, end + _A85_LONGEST)
    if start < 0 or stop < 0:  # nothing that begins in these ends in them
        return Run(end, end if start < 0 else end + _A85_LONGEST)
    from base64 import a85decode

    try:
        made = a85decode(data[start + 2 : stop])
    except ValueError:
        return Run(start, stop)
    found = unpacked(in_steps(made, [(0, len(made))], STEP, bytes), tries)
    if found is not None:
        yield View(f"ascii85>{found.kind}", found.data, [], start, stop, found.clipped)
    elif texty(made[:512]):
        yield View("ascii85", made, [], start, stop)
    return Run(start, stop + 2, True, False)


_BASE32 = compiled(rb"[A-Z2-7]+")
_RUN32 = compiled(rb"(?<![A-Za-z0-9+/_\-])[A-Z2-7]{32,}")
BEFORE32, AFTER32 = 400, 2000
"""Bytes before and behind the word in which such a run begins."""
_NEXT32 = compiled(rb"\r?\n[ \t]{0,60}(?=[A-Z2-7])")


def _base32(data: bytes, end: int) -> Found:
    """The runs of capitals around a word that says what they are, wrapped or not, that are text. (Without such a word each run of
    capitals would have to be looked for: an automaton of its own, a thirtieth of a scan.)"""
    high = min(len(data), end + AFTER32)
    stop = end
    for found in _RUN32.finditer(data, max(0, end - BEFORE32), high):
        if found.start() >= stop or stop == end:
            view, stop = _of_run32(data, found.start())
            if view is not None:
                yield view
    return Run(end, max(end, stop))


def _of_run32(data: bytes, start: int) -> tuple[View | None, int]:
    """What the run that starts there stands for, and where it ends."""
    digits: list[bytes] = []
    breaks: list[tuple[int, int, int, int]] = []
    size = width = 0
    stop = at = start
    while size < MAX_VIEW and (run := _BASE32.match(data, at, at + MAX_VIEW)):
        low, stop = run.span()
        byte = -(-size * 5 // 8)  # the first that begins on this line
        breaks.append((byte, low + byte * 8 // 5 - size, 8, 5))
        digits.append(run.group())
        size += stop - low
        joint = _NEXT32.match(data, stop)
        if joint is None or (width and stop - low != width):
            break
        width, at = stop - low, joint.end()
    made = _of_base32(b"".join(digits))
    return (View("base32", made, breaks, start, stop, size >= MAX_VIEW) if texty(made[:512]) else None), stop


def _of_base32(digits: bytes) -> bytes:
    """What whole groups and the last, broken off as it may be, stand for."""
    from base64 import b32decode

    over = len(digits) % 8
    over = {1: 0, 3: 2, 6: 5}.get(over, over)  # no byte ends there
    digits = digits[: len(digits) // 8 * 8 + over]
    return b32decode(digits + b"=" * (-len(digits) % 8))


_IHEX = compiled(rb":([0-9A-Fa-f]{2})([0-9A-Fa-f]{4})(0[0-5])([0-9A-Fa-f]{2,510})[ \t]*(?:\r?\n|\Z)")
_SREC = compiled(rb"S([0-9])([0-9A-Fa-f]{2})([0-9A-Fa-f]{6,510})[ \t]*(?:\r?\n|\Z)")


def _records(data: bytes, end: int) -> Found:
    """Firmware as lines of hex: the data of records that follow one another, at whatever addresses."""
    start = stop = data.rfind(b"\n", 0, end - 4) + 1
    out: list[bytes] = []
    breaks: list[tuple[int, int, int, int]] = []
    size = 0
    read = _of_ihex if data[start : start + 1] == b":" else _of_srec
    while size < MAX_VIEW and (record := read(data, stop)):
        at, made, stop = record
        if made:
            out.append(made)
            breaks.append((size, at, 2, 1))
            size += len(made)
    if size < _LEAST:
        return Run(end, end)
    yield View("records", b"".join(out), breaks, start, stop)
    return Run(start, max(stop, end))


def _of_ihex(data: bytes, at: int) -> tuple[int, bytes, int] | None:
    """(where the data of a record begins, the data, where the record ends)."""
    line = _IHEX.match(data, at)
    if line is None:
        return None
    size = 2 * int(line[1], 16)
    if len(line[4]) != size + 2:
        return None
    return line.start(4), binascii.a2b_hex(line[4][:size]) if line[3] == b"00" else b"", line.end()


def _of_srec(data: bytes, at: int) -> tuple[int, bytes, int] | None:
    line = _SREC.match(data, at)
    if line is None or len(line[3]) != 2 * int(line[2], 16):
        return None
    address = {b"1": 4, b"2": 6, b"3": 8}.get(line[1])
    made = binascii.a2b_hex(line[3][address:-2]) if address and len(line[3]) > address + 2 else b""
    return line.start(3) + (address or 0), made, line.end()


_DIAGRAM = compiled(rb"[A-Za-z0-9+/]+={0,2}")


def _diagram(data: bytes, end: int) -> Found:
    """draw.io's pages, and requests of SAML: raw Deflate in base64, which has no mark of its own."""
    run = _DIAGRAM.match(data, end - 20, end + MAX_VIEW)
    if run is None:
        return Run(end, end)
    decoder = zlib.decompressobj(-15)
    try:
        made = decoder.decompress(binascii.a2b_base64(run.group()[: len(run.group()) // 4 * 4]), MAX_VIEW)
    except (zlib.error, ValueError):
        return Run(end, end)
    if len(made) < _LEAST or not texty(made[:512]):
        return Run(end, end)
    yield View("base64>deflate", made, [], run.start(), run.end(), len(made) >= MAX_VIEW)
    return Run(run.start(), run.end(), True, False)


def _lzma(data: bytes, end: int, tries: Tries) -> Found:
    """LZMA with its old header of 13 bytes, in firmware and in UEFI's volumes."""
    start = end - 14
    if start == 0:
        return Run(end, end)  # a file of that kind
    found = unpacked(in_steps(data, [(start, len(data))], STEP, bytes), tries, "lzma")
    if found is None:
        return Run(end, end)
    stop = start + found.used
    yield View("lzma", found.data, [], start, stop, found.clipped)
    return Run(start, max(stop, end), True, False)


_GLUED = compiled(rb"gh[pousr]_[0-9A-Za-z]{36}|A[KS]IA[A-Z2-7]{16}|AIza[0-9A-Za-z_-]{35}")


def _glued(data: bytes, end: int) -> Found:
    """Tokens of one length in a program whose strings have no ends: what stands before and behind is another string.

    In digits that go on for long (base64) a prefix of four letters is chance: there are no blanks around it."""
    if b" " not in data[max(0, end - 400) : end + 400]:
        return Run(end, end)
    stop = end
    # hits close together are one
    for found in _GLUED.finditer(data, max(0, end - 41), end + 512):
        token = found.group()
        if token[:2] != b"gh" or _proven(token):
            stop = found.end()
            yield View("glued", b" " + token + b" ", [(0, found.start() - 1, 1, 1)], found.start(), stop)
    return Run(end, stop)


_DIGITS62 = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def _proven(token: bytes) -> bool:
    """Whether a token of GitHub's has its checksum: its last six digits."""
    told = 0
    for digit in token[34:]:
        told = told * 62 + _DIGITS62.index(digit)
    return told == zlib.crc32(token[4:34])


TRIGGERS: tuple[tuple[str, str], ...] = (
    ("uuencode", r"\nbegin 0?[0-7]{3} [^\r\n]{1,100}\r?\nM"),
    ("yenc", "=ybegin "),
    ("base32", r"(?i:base32|b32)"),
    ("ascii85", r"<~[!-uz]{20}"),
    ("records", r"(?:^|\n):[012][0-9A-Fa-f]{5}00[0-9A-Fa-f]{8}"),
    ("records", r"(?:^|\n)S[123][0-9A-Fa-f]{14}"),
    ("diagram", r"(?:<diagram[^<>]{0,200}>|SAMLRequest=)[A-Za-z0-9+/]{20}"),
    ("lzma", r"\x5d\x00\x00[\x00-\x80][\x00-\x04](?:\xff{8}|[\x00-\xff]{4}\x00{4})\x00"),
    ("glued", r"[0-9A-Za-z]gh[pousr]_[0-9A-Za-z]{36}"),
    ("glued", r"[0-9A-Za-z]A[KS]IA[A-Z2-7]{16}"),
    ("glued", r"A[KS]IA[A-Z2-7]{16}[0-9A-Za-z]"),
    ("glued", r"[0-9A-Za-z]AIza[0-9A-Za-z_\-]{35}"),
    ("glued", r"AIza[0-9A-Za-z_\-]{36}"),
)  # fmt: skip
FINDERS: dict[str, Callable[[bytes, int], Found]] = {
    "uuencode": _uu,
    "yenc": _yenc,
    "base32": _base32,
    "records": _records,
    "diagram": _diagram,
    "glued": _glued,
}
UNPACKING: dict[str, Callable[[bytes, int, Tries], Found]] = {
    "ascii85": _ascii85,
    "lzma": _lzma,
}
