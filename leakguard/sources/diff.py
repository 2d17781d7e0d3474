"""A unified diff as text: the new side of every hunk, with the lines it adds, for those who have nothing else.

Understands what git, diff and patch write: quoted names, `diff --git` headers, merges (`@@@`), colours, CRLF, binary
patches. Trusts no count in it: a hunk that ends early is told, and so is a binary file of which a diff says only that
it differs. Opens nothing and runs nothing. Knows model and errors only; imported by changes.py and cli/.
"""

# No `from __future__ import annotations` here: NamedTuple would compile every annotation, on every start.
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from leakguard.errors import UsageError
from leakguard.model import Incident

_COLOUR = re.compile(rb"\x1b\[[0-9;]*[mK]")
_HUNK = re.compile(rb"(@@+) ((?:-\d+(?:,\d+)? )+)\+(\d+)(?:,(\d+))? @@+")
_MOST_BINARY = 64 * 1024 * 1024
"""Bytes that one binary patch may unfold to."""
_LENGTHS = {code: number for number, code in enumerate(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", 1)}


class Hunk(NamedTuple):
    """The new side of one hunk."""

    path: str
    line: int
    """Number of its first line in the new file."""
    data: bytes
    added: frozenset[int]
    """Numbers of the lines it adds."""


OnIncident = Callable[[Incident], None]


def hunks(text: bytes, name: str, on_incident: OnIncident) -> tuple[list[Hunk], bytes]:
    """(every hunk, the rest of the text with empty lines in their place). `name` names the diff in incidents.

    UsageError for a text that is no diff.
    """
    if b"\x1b[" in text:
        text = _COLOUR.sub(b"", text)
    parser = _Parser(text.removesuffix(b"\n").split(b"\n"), name, on_incident)
    parser.run()
    if not parser.seen and text.strip():
        raise UsageError(f"--diff: {name}: not a unified diff")
    return parser.hunks, b"\n".join(parser.rest)


class _Parser:
    def __init__(self, lines: list[bytes], name: str, on_incident: OnIncident) -> None:
        self.lines = lines
        self.name = name
        self.on_incident = on_incident
        self.hunks: list[Hunk] = []
        self.rest = list(lines)
        self.seen = False
        self.path = name
        self.old = ""
        self.at = 0

    def run(self) -> None:
        while self.at < len(self.lines):
            line = self.lines[self.at]
            found = _HUNK.match(line)
            if found is not None:
                self.seen = True
                self.at += 1
                self._hunk(len(found[1]) - 1, found[2], int(found[3]), 1 if found[4] is None else int(found[4]))
                continue
            self._header(line)
            self.at += 1

    def _header(self, line: bytes) -> None:
        following = self.lines[self.at + 1] if self.at + 1 < len(self.lines) else b""
        if line.startswith((b"diff --git ", b"diff --cc ", b"diff --combined ")):
            self.seen = True
            self.path, self.old = _git_name(line), ""
        elif line.startswith(b"--- ") and following.startswith(b"+++ "):
            self.old = _name(line[4:])
        elif line.startswith(b"+++ ") and self.lines[self.at - 1].startswith(b"--- "):
            new = _name(line[4:])
            self.path = self.old if new == "/dev/null" else new
            # "a/" and "b/" are git's own; a diff without them has equal names on both sides
            if self.path.startswith("b/") and (self.old.startswith("a/") or self.old == "/dev/null"):
                self.path = self.path[2:]
        elif line.startswith((b"rename to ", b"copy to ")):
            self.path = _unquoted(line.partition(b" to ")[2])
        elif line.startswith(b"GIT binary patch"):
            self.seen = True
            self._binary()
        elif line.startswith(b"Binary files ") and line.rstrip().endswith(b" differ"):
            self.seen = True
            self.on_incident(Incident("failed", self.path, "binary: the diff does not hold its content"))

    def _hunk(self, parents: int, olds: bytes, line: int, count: int) -> None:
        left = [int(part.partition(b",")[2] or 1) for part in olds.split()]
        first, data, added = line, [], set()
        while (count > 0 or any(size > 0 for size in left)) and self.at < len(self.lines):
            row = self.lines[self.at]
            signs = row[:parents].ljust(parents) if row.strip(b"\r") else b" " * parents  # mail eats trailing blanks
            if row.startswith(b"\\"):
                self._take()
                continue
            if signs.strip(b"+- "):
                break
            self._take()
            left = [size - (sign != ord("+")) for size, sign in zip(left, signs, strict=True)]
            if ord("-") not in signs:
                data.append(row[parents:])
                if ord("+") in signs:
                    added.add(line)
                line += 1
                count -= 1
        if count > 0:
            self.on_incident(Incident("truncated", self.path, f"the diff ends {count} lines before the end of a hunk"))
        if data:
            self.hunks.append(Hunk(self.path, first, b"\n".join(data) + b"\n", frozenset(added)))

    def _take(self) -> None:
        self.rest[self.at] = b""
        self.at += 1

    # ------------------------------------------------------------ binary patches
    def _binary(self) -> None:
        """The forward part of a `GIT binary patch`: the new content, or the pieces a delta inserts."""
        head = self.at + 1
        kind, _, size = (self.lines[head] if head < len(self.lines) else b"").rstrip(b"\r").partition(b" ")
        if kind not in (b"literal", b"delta") or not size.isdigit():
            self.on_incident(Incident("failed", self.path, "binary: the patch cannot be read"))
            return
        packed = bytearray()
        at = head + 1
        while at < len(self.lines) and (row := self.lines[at].rstrip(b"\r")):
            piece = _base85(row)
            if piece is None:
                self.on_incident(Incident("failed", self.path, "binary: the patch cannot be read"))
                return
            packed += piece
            self.rest[at] = b""
            at += 1
        data = _inflated(bytes(packed), int(size))
        if data is None:
            self.on_incident(Incident("failed", self.path, "binary: the patch cannot be read"))
        elif data:
            self.hunks.append(Hunk(self.path, 1, data, frozenset(range(1, data.count(b"\n") + 2))))
        self.at = at - 1


def _base85(row: bytes) -> bytes | None:
    from base64 import b85decode

    length = _LENGTHS.get(row[0], 0)
    try:
        return b85decode(row[1:])[:length] if length else None
    except ValueError:
        return None


def _inflated(packed: bytes, size: int) -> bytes | None:
    import zlib

    if size > _MOST_BINARY:
        return None
    unpacker = zlib.decompressobj()
    try:
        data = unpacker.decompress(packed, size + 1)
    except zlib.error:
        return None
    return data if len(data) == size else None


# ---------------------------------------------------------------- names
def _name(text: bytes) -> str:
    """The name in a `---` or `+++` line: quoted, or up to the tab before a date; git adds one to names with a blank, too."""
    text = text.rstrip(b"\r")
    return _unquoted(text[: text.rfind(b'"') + 1] if text.startswith(b'"') else text.partition(b"\t")[0])


def _git_name(line: bytes) -> str:
    """The new name in a `diff --git` line, for what has no `+++` line: a mode change, a rename, a binary."""
    text = line.rstrip(b"\r").partition(b" ")[2].partition(b" ")[2]
    if not line.startswith(b"diff --git "):
        return _unquoted(text)
    if text.endswith(b'"'):
        name = _unquoted(text[text.rfind(b' "') + 1 :])
    else:
        half = len(text) // 2  # `a/x b/x`: both halves are the same but for the prefix
        name = (text[half + 1 :] if text[half : half + 1] == b" " else text.rpartition(b" ")[2]).decode(
            "utf-8", "surrogateescape"
        )
    return name[2:] if name.startswith("b/") and text.lstrip(b'"').startswith(b"a/") else name


_ESCAPES = {b"a": b"\a", b"b": b"\b", b"t": b"\t", b"n": b"\n", b"v": b"\v", b"f": b"\f", b"r": b"\r"}


def _unquoted(text: bytes) -> str:
    """A name as git quotes it: in double quotes, with C's escapes."""
    text = text.rstrip(b"\r")
    if len(text) > 1 and text.startswith(b'"') and text.endswith(b'"'):
        text = b"".join(_pieces(text[1:-1]))
    return text.decode("utf-8", "surrogateescape")


def _pieces(text: bytes) -> Iterator[bytes]:
    at = 0
    for found in re.finditer(rb"\\([0-7]{3}|.)", text, re.DOTALL):
        yield text[at : found.start()]
        code = found[1]
        yield bytes((int(code, 8) & 255,)) if len(code) == 3 else _ESCAPES.get(code, code)
        at = found.end()
    yield text[at:]
