"""Bytes packed or framed in the middle of others: gzip and its kin, zlib, a zip, git's binary patches, dumps of bytes as
numbers (spelled.py), values behind their length (prefixed.py).

Knows no rules and no files. Imported by this package.
"""

from __future__ import annotations

import binascii
from collections.abc import Callable, Iterator

from leakguard.detect.decode.base import BEFORE, Found, Run, View
from leakguard.detect.decode.digits import HEX_RUN, HEX_WIDTHS, Lines, hex_lines, in_steps
from leakguard.detect.packed import STEP, Tries, unpacked, zip_members
from leakguard.detect.patterns import compiled


def _deflated(least: int) -> str:
    """The first bytes, from `least` on, of a block of Deflate that is packed by codes of its own or by those that all know."""
    return "[" + "".join(f"\\x{byte:02x}" for byte in range(least, 256) if 2 <= byte & 7 <= 5) + "]"


_NAME_END = "(?i:key|secret|token|password|passwd|passphrase|mnemonic)"
_PACKED_LEAD = 11
"""Bytes of the longest of the first stage's marks; the shorter ones end with their own last byte."""
_PACKED_MARK = compiled(rb"\x1f\x8b\x08|\xfd7zXZ\0|BZh[1-9]1AY|\x28\xb5\x2f\xfd|\x04\x22\x4d\x18|\xff\x06\x00\x00sNaPpY")


def _packed(data: bytes, end: int, tries: Tries) -> Found:
    """gzip and its like in the middle of other bytes: behind a shell script, in firmware, in a page that nothing names."""
    mark = _PACKED_MARK.search(data, max(0, end - _PACKED_LEAD), end)
    if mark is None or mark.start() == 0:
        return Run(end, end)  # a file of that kind: who asks for it looks inside as into any archive
    start = mark.start()
    found = unpacked(in_steps(data, [(start, len(data))], STEP, bytes), tries)
    if found is None:
        return Run(start, end)
    stop = start + found.used
    yield View(found.kind, found.data, [], start, stop, found.clipped)
    return Run(start, max(stop, end), True, False)


_PICTURE = b"IDAT"
"""What stands before the pixels of a PNG, and before those of no other picture. They are most of all zlib that there is, and no text."""


def _packed_zlib(data: bytes, end: int, tries: Tries) -> Found:
    """zlib in the middle of other bytes: values in databases, programs of Erlang, resources of Qt, tables of MATLAB."""
    start = end - 3
    if start == 0 or data.startswith(_PICTURE, start - 4):
        return Run(end, end)
    found = unpacked(in_steps(data, [(start, len(data))], STEP, bytes), tries)
    if found is None or len(found.data) < _LEAST_ZLIB:
        return Run(end, end)
    stop = start + found.used
    yield View(found.kind, found.data, [], start, stop, found.clipped)
    return Run(start, max(stop, end), True, False)


_LEAST_ZLIB = 24
"""Bytes that come out of one: of two bytes in any others, some do."""


def _packed_zip(data: bytes, end: int, tries: Tries) -> Found:
    """A zip in the middle of other bytes: in an image of a disk, in firmware, with much behind it."""
    start = end - 10
    if start == 0:
        return Run(end, end)
    found = zip_members(data, start, tries)
    if found is None:
        return Run(start, end)
    stop = max(start + found.used, end)
    if found.data or found.clipped:
        yield View(found.kind, found.data, [], start, stop, found.clipped)
    return Run(start, stop, bool(found.data), False)


_PATCH_LINE = compiled(rb"([A-Za-z])([0-9A-Za-z!#-&(-+;-@^-`{-~-]{5,65})\r?\n")


def _packed_patch(data: bytes, end: int, tries: Tries) -> Found:
    """A file in a patch of git's that is no text: zlib in lines of base85, each behind its length."""
    start = end - 6
    stop = start

    def pieces() -> Iterator[bytes]:
        nonlocal stop
        from base64 import b85decode

        while line := _PATCH_LINE.match(data, stop):
            size = line[1][0] - (64 if line[1] < b"a" else 70)
            try:
                made = b85decode(line[2])
            except ValueError:
                return
            if not 0 <= len(made) - size < 4:
                return
            stop = line.end()
            yield made[:size]

    found = unpacked(pieces(), tries)
    if found is None:
        return Run(start, end)
    yield View(f"patch>{found.kind}", found.data, [], start, stop, found.clipped)
    return Run(start, max(stop, end), True, False)


def _packed_hex(data: bytes, end: int, tries: Tries) -> Found:
    start = end - 30
    lines = Lines(_hex_spans(data, start))
    found = unpacked(in_steps(data, lines, 2 * STEP, _pairs), tries)
    if found is None:
        return Run(start, end)
    stop = lines.to_the_end()
    yield View(f"hex>{found.kind}", found.data, [], start, stop, found.clipped)
    return Run(start, stop, True, False)


def _hex_spans(data: bytes, start: int) -> Iterator[tuple[int, int]]:
    """A run of hex digits, wrapped or not; of one that is not, so much at a time that its end need not be known."""
    run = HEX_RUN.match(data, start, start + 2 * STEP)
    if run is not None and run.end() - start in HEX_WIDTHS:
        yield from hex_lines(data, start, run.end())
        return
    while run is not None:
        yield run.span()
        run = HEX_RUN.match(data, run.end(), run.end() + 2 * STEP)


def _pairs(digits: bytes) -> bytes:
    return binascii.a2b_hex(digits[: len(digits) // 2 * 2])


def _spelled(data: bytes, end: int) -> Found:
    from leakguard.detect.spelled import spelled

    found = spelled(data, end)
    for piece in found.pieces:
        yield View("bytes", piece.text, piece.breaks, piece.start, piece.stop)
    return Run(found.start, found.stop, found.whole)


def _prefixed(data: bytes, end: int) -> Found:
    from leakguard.detect.prefixed import prefixed

    found = prefixed(data, end)
    if found is None:
        return Run(end, end)
    yield View("prefixed", found.text, found.breaks, found.start, found.stop)
    # what begins at its end may go on behind it: it is seen again, with what is before it
    return Run(found.start, found.stop if found.stop == len(data) else max(end, found.stop - BEFORE))


TRIGGERS: tuple[tuple[str, str], ...] = (
    # bytes that are written as numbers, known by the signs that names and assignments have: `:`, `=` and `_`
    ("spelled", r"0: (?:[2-7][0-9A-Fa-f] ?){4}"),
    ("spelled", r"00000[12]0 {1,2}[0-9A-Fa-f]{4}"),
    ("spelled", r"0000020(?: (?:  [ -~]|[ 01][0-9]{2}| \\[nrt0])){4} "),  # od -c, -tu1, -to1,
    *(("spelled", rf"(?:[2-7][0-9A-Fa-f]|00){s}(?:3[AaDd]|5[Ff]){s}(?:[2-7][0-9A-Fa-f]|00){s}[0-7]") for s in " :,-"),
    ("spelled", r":\t0x(?:[2-7][0-9A-Fa-f]){4}(?:(?:[2-7][0-9A-Fa-f]){4})?\t"),
    ("spelled", r"0[xX](?:3[AaDd]|5[Ff]),?[ \t]{0,2}0[xX][2-7][0-9A-Fa-f][, \t\r\n]"),
    ("spelled", r"(?:[3-9][0-9]|1[012][0-9]), ?(?:58|61|95), ?(?:[3-9][0-9]|1[012][0-9]),"),
    ("spelled", r"(?:[3-9][0-9]|1[012][0-9]),\r?\n[ \t]{0,24}(?:58|61|95),\r?\n"),
    ("spelled", r"(?:[3-9][0-9]|1[012][0-9]) (?:58|61|95)(?: (?:[3-9][0-9]|1[012][0-9])){3} "),
    ("spelled", r"(?i:chrw?|char)\$?\((?:58|61|95)\)"),
    ("spelled", r"(?i:\[char\])(?:58|61|95)[^0-9]"),
    # values behind their length, which is no text: MessagePack, CBOR, protobuf, numbers of 16 to 64 bits
    ("prefixed", _NAME_END + r"(?:\xd9[\x08-\xff]|\xda[\x00-\x0f][\x00-\xff]|[\xa8-\xbf]|x[\x18-\xff]|[\x12\x1a][\x08-\xff][\x01-\x1f]?"
                 r"|[A-Za-z]?\x00{1,3}[\x08-\xff]|(?:[\x01-\x1f]\x00{3})?[\x08-\xff]\x00{3,7})[!-~]{8}"),
    # constants of Java's classes; what R saves
    ("prefixed", _NAME_END + r"(?:\x01\x00\x12Ljava/lang/String;)?(?:\x01\x00\x0dConstantValue)?"
                 r"\x08[\x00-\xff]{2}\x01\x00[\x08-\xff][!-~]{8}"),
    ("prefixed", _NAME_END + r"\x00\x00[\x00-\x03]\x10\x00\x00\x00\x01\x00[\x00-\x0f]\x00\x09\x00\x00[\x00-\x0f][\x08-\xff][!-~]{8}"),
    ("packed", r"\x1f\x8b\x08[\x00-\x1f]"),
    ("packed", r"\xfd7zXZ\x00\x00[\x00-\x0f]"),
    ("packed", r"BZh[1-9]1AY&SY"),
    ("packed", r"\x28\xb5\x2f\xfd[^\x00]"),
    ("packed", r"\x04\x22\x4d\x18[\x40-\x7f]"),
    ("packed", r"\xff\x06\x00\x00sNaPpY[\x00\x01]"),
    # zlib has a mark of two bytes, and a block behind it that is packed: one that is not stands in the open
    ("packed zlib", rf"x[\x01\x9c\xda]{_deflated(0)}"),
    ("packed zlib", rf"x\^{_deflated(128)}"),  # in texts that is a power of x,
    # a member that is packed; where the whole is a zip its reader goes through it
    ("packed zip", r"PK\x03\x04[\x0a-\x3f]\x00[\x00-\xff][\x00-\x0f]\x08\x00"),
    ("packed patch", r"\n(?:literal|delta) [0-9]{1,10}\r?\n[A-Za-z][0-9A-Za-z!#-&(-+;-@^-`{-~\-]{5}"),
    ("packed hex", r"(?i:1f8b08)[01][0-9A-Fa-f]{23}"),
    # what `--hex-blob`, bytea and their like write; zlib's own mark is too short to ask for it in the middle of digits, but behind
    # the length that MySQL's COMPRESS() puts before it
    ("packed hex", r"(?i:fd377a585a00)[0-9A-Fa-f]{18}"),
    ("packed hex", r"(?i:425a683)[1-9]314159265359[0-9A-Fa-f]{10}"),
    ("packed hex", r"(?i:28b52ffd)[0-9A-Fa-f]{22}"),
    ("packed hex", r"04224[dD]18[4-7][0-9A-Fa-f]{21}"),
    ("packed hex", r"504[bB]0304[0-9A-Fa-f]{22}"),
    ("packed hex", r"(?:^|[^0-9A-Fa-f])(?i:789c|78da|785e|7801)[0-9A-Fa-f]{26}"),
    ("packed hex", r"(?:^|[^0-9A-Fa-f])[0-9A-Fa-f]{6}00(?i:789c)[0-9A-Fa-f]{26}"),
)  # fmt: skip
FINDERS: dict[str, Callable[[bytes, int], Found]] = {
    "spelled": _spelled,
    "prefixed": _prefixed,
}
UNPACKING: dict[str, Callable[[bytes, int, Tries], Found]] = {
    "packed": _packed,
    "packed zlib": _packed_zlib,
    "packed patch": _packed_patch,
    "packed zip": _packed_zip,
    "packed hex": _packed_hex,
}
