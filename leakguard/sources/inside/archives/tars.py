"""tar of all kinds: v7, ustar, GNU (long names, sparse, multi-volume), pax, old Solaris; as a stream.

Promises: a header is at most a block and 1 MiB of names; the first damaged header ends the archive with a BrokenError
and gives its bytes back; what follows the end mark is read on as more archive if it is one. Sparse files are read as
the data they hold: their holes are left out. Links and devices are never followed, made or opened: the text of a link
is content, nothing else of it is.

Why not `tarfile`: it ends at a damaged header without a word, reads a pax header of any size into memory, and keeps
every member. Imported by `sources.inside.walk`, and by the image source for layers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from leakguard.sources.inside.base import LONGEST_NAME, BrokenError, Context, Member, Stream, from_bytes
from leakguard.sources.inside.magic import checksum_fits

BLOCK = 512
LONGEST_HEADER = 1024 * 1024
"""Longest pax header or long name that is parsed; a longer one is scanned and not obeyed."""

_LINKS = {b"1": "hard link", b"2": "symbolic link"}
_WITHOUT_DATA = frozenset(b"123456")
_KNOWN = frozenset((
    "path", "linkpath", "size", "uid", "gid", "uname", "gname", "mtime", "atime", "ctime", "LIBARCHIVE.creationtime",
))  # fmt: skip


LONGEST_OWNER = 32
"""Characters of the name of an owner, as a header of its own has room for."""
_OBEYED = ("path", "linkpath", "size", "GNU.sparse.name", "GNU.sparse.major", "GNU.sparse.map", "GNU.sparse.size")


class Entry(NamedTuple):
    """A header, parsed."""

    name: str
    size: int
    kind: bytes
    link: str


def tar(stream: Stream, context: Context) -> Iterator[Member]:
    """All members with data, links with their text, and extended headers that say more than the usual."""
    globals_: dict[str, str] = {}
    local: dict[str, str] = {}
    ended = False
    count = 0
    while True:
        block = stream.some(BLOCK)
        if len(block) < BLOCK:
            if block.strip(b"\0"):
                raise BrokenError("ends in the middle of a header", block)
            if not ended and count:
                context.tell("failed", "", "tar: ends without its end mark")
            return
        if not block[0] and not block.strip(b"\0"):
            ended = True
            continue
        if not checksum_fits(block):
            if ended:
                stream.unread(block)
                return
            raise BrokenError(f"damaged header at byte {stream.position - BLOCK}", block)
        count += 1
        entry = _entry(block)
        padding = -entry.size % BLOCK
        if entry.kind in (b"L", b"K", b"x", b"X", b"g") and entry.size <= LONGEST_HEADER:
            data = stream.exactly(entry.size + padding)[: entry.size]
            if _is_odd(data, entry.kind, globals_ if entry.kind == b"g" else local):
                what = "long-name" if entry.kind in (b"L", b"K") else "pax-header"
                yield Member(f"@{what}-{count}", from_bytes(data), len(data), "gap")
            continue
        if entry.kind in (b"L", b"K", b"x", b"X", b"g"):
            context.tell("truncated", "", f"tar: a header of more than {LONGEST_HEADER} bytes is not obeyed")
            entry = entry._replace(name=f"@pax-header-{count}", kind=b"0")
        yield from _data(stream, entry, {**globals_, **local} if globals_ else local, block, context)
        if local:
            local = {}


def _is_odd(data: bytes, kind: bytes, kept: dict[str, str]) -> bool:
    """Keeps what an extended header says of the member behind it; is there more in it than what every tar writes?"""
    if kind in (b"L", b"K"):
        kept["path" if kind == b"L" else "linkpath"] = _text(data)
        return len(data) > LONGEST_NAME
    found = _pax(data)
    # what nothing here obeys is not kept: it could be a million keys, to be looked at for each member
    kept.update((key, found[key]) for key in _OBEYED if key in found)
    return not found or any(_is_odd_record(key, found[key]) for key in found)


def _is_odd_record(key: str, value: str) -> bool:
    if key in ("uname", "gname"):
        return len(value) > LONGEST_OWNER
    if key == "path":
        return len(value) > LONGEST_NAME
    return key not in _KNOWN and not key.startswith("GNU.sparse.")


def _data(stream: Stream, entry: Entry, pax: dict[str, str], block: bytes, context: Context) -> Iterator[Member]:
    """The member that a header announces, and its data passed over."""
    name = pax.get("GNU.sparse.name") or pax.get("path") or entry.name
    size = entry.size
    told = pax.get("size", "")
    if told.isascii() and told.isdigit():
        size = min(int(pax["size"][:20]), 1 << 62)
    if context.entry is not None:
        context.entry(name, entry.kind, (pax.get("linkpath") or entry.link) if entry.kind in _LINKS else "")
    facts: tuple[tuple[str, str], ...] = ()
    if entry.kind in _LINKS:
        target = pax.get("linkpath") or entry.link
        text = target.encode("utf-8", "surrogateescape")
        yield Member(name, from_bytes(text), len(text), "link", (("link", _LINKS[entry.kind]),))
    elif entry.kind[0] in _WITHOUT_DATA or (not size and entry.kind != b"S"):
        context.named(name)
        context.budget.member()  # there may be millions of them
        return
    if entry.kind[0] in _WITHOUT_DATA:
        return
    padding = -size % BLOCK
    if entry.kind == b"S":
        facts = (("sparse", "holes left out"),)
        more = block[482]
        while more:
            more = stream.exactly(BLOCK)[504]
    elif pax.get("GNU.sparse.major") == "1":
        facts = (("sparse", "holes left out"),)
        size -= _sparse_map(stream, size)
    elif "GNU.sparse.map" in pax or "GNU.sparse.size" in pax:
        facts = (("sparse", "holes left out"),)
    part = stream.part(size)
    yield Member(name, part, size, facts=facts)
    part.finish()
    if padding:
        behind = stream.some(padding)
        if behind.strip(b"\0"):  # room for half a page of secrets
            yield Member(f"@{stream.position - len(behind)}", from_bytes(behind), len(behind), "gap")


def _sparse_map(stream: Stream, size: int) -> int:
    """Reads over the map at the head of a sparse file's data: decimal lines, padded to a block. Returns its length."""
    lines = taken = 0
    wanted = 1
    text = b""
    while lines < wanted:
        if taken + BLOCK > size or taken > LONGEST_HEADER:
            raise BrokenError("damaged sparse map")
        block = stream.exactly(BLOCK)
        taken += BLOCK
        if not text:
            first = block.split(b"\n", 1)[0]
            if not first.isdigit() or len(first) > 12:
                raise BrokenError("damaged sparse map")
            wanted = 1 + 2 * int(first)
            text = first
        lines += block.count(b"\n")
    return taken


def _entry(block: bytes) -> Entry:
    """The fields of a header whose checksum fits."""
    name = _text(block[:100])
    if block[257:263] == b"ustar\0" and block[345:346] != b"\0":
        name = f"{_text(block[345:500])}/{name}"
    kind = block[156:157]
    size = _number(block[124:136])
    if size < 0:
        raise BrokenError("header with a size below zero", block)
    if kind == b"\0" and name.endswith("/"):
        kind = b"5"
    return Entry(name, size, kind, _text(block[157:257]) if block[157] else "")


def _number(field: bytes) -> int:
    """Octal digits, or in GNU's way base 256."""
    if field[0] in (0x80, 0xFF):
        value = int.from_bytes(field[1:], "big")
        return value - (1 << 8 * (len(field) - 1)) if field[0] == 0xFF else value
    digits = field.split(b"\0", 1)[0].strip()
    try:
        return int(digits or b"0", 8)
    except ValueError:
        return -1


def _text(field: bytes) -> str:
    return field.split(b"\0", 1)[0].decode("utf-8", "surrogateescape")


def _pax(data: bytes) -> dict[str, str]:
    """Records `length key=value\\n`; ends at the first that is none."""
    found: dict[str, str] = {}
    at = 0
    while at < len(data):
        space = data.find(b" ", at, at + 21)
        if space < 0 or not data[at:space].isdigit():
            break
        end = at + int(data[at:space])
        equals = data.find(b"=", space, end)
        if end > len(data) or equals < 0 or data[end - 1 : end] != b"\n":
            break
        key = data[space + 1 : equals].decode("utf-8", "surrogateescape")
        if key in found:
            found[""] = ""  # a value that nobody obeys: the unknown key has the whole scanned
        found[key] = data[equals + 1 : end - 1].decode("utf-8", "surrogateescape")
        at = end
    else:
        return found
    return {} if not found else {**found, "": ""}  # the unknown key has the whole scanned
