"""SQLite's file format, one page at a time: headers, cells, records, and the columns that a CREATE TABLE names.

Promises: pure functions of bytes that believe no length and no pointer; a damaged page gives the cells that make sense
and says that it is damaged. No SQL is run and SQLite itself is not used: nothing of the file's (triggers, views,
virtual tables) is ever executed.

Source: https://www.sqlite.org/fileformat2.html (sections 1.3 to 2.6). Imported by the readers of SQLite's files.
"""

from __future__ import annotations

import re
import struct
from typing import NamedTuple

MAGIC = b"SQLite format 3\0"
LEAF, INTERIOR, INDEX_LEAF, INDEX_INTERIOR = 13, 5, 10, 2
KINDS = frozenset((LEAF, INTERIOR, INDEX_LEAF, INDEX_INTERIOR))
MOST_COLUMNS = 32_767

Value = bytes | int | float | None
_CODECS = {1: "utf-8", 2: "utf-16-le", 3: "utf-16-be"}


class Format(NamedTuple):
    """What a database says of itself."""

    page_size: int
    usable: int
    """Bytes of a page without what is reserved at its end."""
    encoding: int = 1
    """1 UTF-8, 2 UTF-16LE, 3 UTF-16BE."""
    first_trunk: int = 0
    auto_vacuum: bool = False


class Cell(NamedTuple):
    """One cell of a leaf or of an index: where it stands in its page, and its payload as far as it is in the page."""

    start: int
    end: int
    rowid: int
    size: int
    """Of the whole payload."""
    payload: bytes
    overflow: int
    """First page of the rest, or 0."""


class Page(NamedTuple):
    """A B-tree page, taken apart."""

    kind: int
    cells: list[Cell]
    children: list[int]
    free: list[tuple[int, int]]
    """What neither headers nor cells cover."""
    damaged: bool


class Table(NamedTuple):
    """A table or index as the schema has it."""

    name: str
    root: int
    columns: tuple[str, ...]
    """In the order in which records have them."""
    affinities: tuple[str, ...] = ()
    """`text`, `integer` or "" for each."""
    alias: int = -1
    """The column that stands for the rowid; its value in records is NULL."""
    rowless: bool = False
    """WITHOUT ROWID: stored as an index."""
    is_index: bool = False


def format_of(head: bytes) -> Format | None:
    """The format that a database's first 100 bytes tell, or None."""
    if len(head) < 100 or not head.startswith(MAGIC):
        return None
    size = int.from_bytes(head[16:18], "big")
    size = 65536 if size == 1 else size
    usable = size - head[20]
    if size < 512 or size & (size - 1) or size > 65536 or usable < 480:
        return None
    encoding = int.from_bytes(head[56:60], "big")
    trunk = int.from_bytes(head[32:36], "big")
    vacuum = any(head[52:56])
    return Format(size, usable, encoding if encoding in _CODECS else 1, trunk, vacuum)


def varint(data: bytes, at: int) -> tuple[int, int]:
    """(value, offset behind it) of a big-endian variable-length integer; (-1, at) where the data ends in it."""
    value = 0
    for count in range(9):
        if at + count >= len(data):
            return -1, at
        byte = data[at + count]
        if count == 8:
            return (value << 8) | byte, at + 9
        value = (value << 7) | (byte & 0x7F)
        if byte < 0x80:
            return value, at + count + 1
    return -1, at


def page_of(data: bytes, number: int, form: Format) -> Page | None:
    """The page, if it is one of a B-tree. `number` 1 has the file's header before its own."""
    base = 100 if number == 1 else 0
    kind = data[base] if len(data) > base else 0
    if kind not in KINDS or len(data) < form.usable:
        return None
    head = 12 if kind in (INTERIOR, INDEX_INTERIOR) else 8
    count = int.from_bytes(data[base + 3 : base + 5], "big")
    pointers = base + head
    if pointers + 2 * count > form.usable:
        return None
    cells: list[Cell] = []
    children: list[int] = []
    damaged = False
    covered = 0
    for (at,) in struct.iter_unpack(">H", data[pointers : pointers + 2 * count]):
        if at < pointers + 2 * count or at >= form.usable:
            damaged = True
            continue
        if kind == INTERIOR:
            children.append(int.from_bytes(data[at : at + 4], "big"))
            _, end = varint(data, at + 4)
            cells.append(Cell(at, end, 0, 0, b"", 0))
            continue
        if kind == INDEX_INTERIOR:
            children.append(int.from_bytes(data[at : at + 4], "big"))
        cell = _cell(data, at, kind, form.usable)
        covered += cell.end - at if cell else 0
        if cell is None or covered > form.usable:  # cells that share bytes: as many as somebody likes
            damaged = True
            continue
        cells.append(cell)
    if head == 12:
        children.append(int.from_bytes(data[base + 8 : base + 12], "big"))
    low = pointers if damaged else pointers + 2 * count  # whoever points at nothing may not point at all
    return Page(kind, cells, children, _free(cells, low, form.usable), damaged)


def _cell(data: bytes, at: int, kind: int, usable: int) -> Cell | None:
    """The cell at `at` of a leaf or an index page."""
    start = at
    if kind == INDEX_INTERIOR:
        at += 4
    size, at = varint(data, at)
    rowid = 0
    if kind == LEAF:
        rowid, at = varint(data, at)
        rowid -= (rowid >> 63) << 64
    if size < 1 or at >= usable:
        return None
    local = local_size(size, usable, kind == LEAF)
    end = at + local
    overflow = 0
    if local < size:
        overflow = int.from_bytes(data[end : end + 4], "big")
        end += 4
    if end > usable:
        return None
    return Cell(start, end, rowid, size, data[at : at + local], overflow)


def local_size(size: int, usable: int, leaf: bool) -> int:
    """Bytes of a payload that its own page holds."""
    most = usable - 35 if leaf else (usable - 12) * 64 // 255 - 23
    if size <= most:
        return size
    least = (usable - 12) * 32 // 255 - 23
    local = least + (size - least) % (usable - 4)
    return local if local <= most else least


def _free(cells: list[Cell], low: int, high: int) -> list[tuple[int, int]]:
    out = []
    at = low
    for cell in sorted(cells):
        if cell.start > at:
            out.append((at, cell.start))
        at = max(at, cell.end)
    if at < high:
        out.append((at, high))
    return out


# ---------------------------------------------------------------- records
def types_of(payload: bytes) -> tuple[list[int], int]:
    """(serial types, where the body begins); ([], 0) for what is no record."""
    length, at = varint(payload, 0)
    if not 1 <= length <= len(payload):
        return [], 0
    types: list[int] = []
    while at < length:
        kind, at = (payload[at], at + 1) if payload[at] < 0x80 else varint(payload, at)
        if kind in (-1, 10, 11) or len(types) > MOST_COLUMNS:
            return [], 0
        types.append(kind)
    return (types, length) if at == length else ([], 0)


def record_of(cell: Cell) -> tuple[list[int], int]:
    """The same of a cell whose payload is as long as its record says; ([], 0) for one that is damaged."""
    types, at = types_of(cell.payload)
    return (types, at) if at + sum(map(width, types)) == cell.size else ([], 0)


_SIZES = (0, 1, 2, 3, 4, 6, 8, 8, 0, 0)


def width(kind: int) -> int:
    """Bytes of the body that a value of a serial type takes."""
    return (kind - 12) >> 1 if kind >= 12 else _SIZES[kind]


def values_of(payload: bytes, types: list[int], at: int, encoding: int) -> list[Value]:
    """The values of a record; those that the payload has not to its end are cut off."""
    out: list[Value] = []
    for kind in types:
        if kind >= 12:
            size = (kind - 12) >> 1
            value = payload[at : at + size]
            at += size
            if kind & 1 and encoding != 1:
                value = value.decode(_CODECS[encoding], "replace").encode()
            out.append(value)
        elif kind == 0:
            out.append(None)
        elif kind < 7:
            size = _SIZES[kind]
            out.append(int.from_bytes(payload[at : at + size], "big", signed=True))
            at += size
        elif kind == 7:
            raw = payload[at : at + 8]
            out.append(struct.unpack(">d", raw)[0] if len(raw) == 8 else None)
            at += 8
        else:
            out.append(kind - 8)
    return out


# ---------------------------------------------------------------- the schema
_TOKEN = re.compile(
    r"""--[^\n]*|/\*.*?(?:\*/|\Z)|'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|[(),]|[^\s(),'"`\[]+""",
    re.DOTALL,
)
_CONSTRAINTS = frozenset(("constraint", "primary", "unique", "check", "foreign"))
_LONGEST_SQL = 1_000_000


def table_of(name: str, root: int, sql: str, more: frozenset[str] = frozenset()) -> Table:
    """The table that a CREATE statement describes; without columns where it cannot be read. `more`: words that begin
    no column, beside those that SQLite has."""
    tokens = [token for token in _TOKEN.findall(sql[:_LONGEST_SQL]) if not token.startswith(("--", "/*"))]
    if [token.lower() for token in tokens[:2]] == ["create", "table"] and "(" in tokens:
        return _table(name, root, tokens, _CONSTRAINTS | more)
    if "index" in (token.lower() for token in tokens[1:3]) and "(" in tokens:
        parts, _ = _parts(tokens, tokens.index("("))
        return Table(name, root, tuple(plain(part[0]) for part in parts if part))
    return Table(name, root, ())


def _table(name: str, root: int, tokens: list[str], constraints: frozenset[str]) -> Table:
    parts, end = _parts(tokens, tokens.index("("))
    rowless = [token.lower() for token in tokens[end : end + 2]] == ["without", "rowid"] or "without" in (
        token.lower() for token in tokens[end:]
    )
    columns: list[tuple[str, str]] = []
    keys: list[str] = []
    alias = -1
    for part in parts:
        lowered = [token.lower() for token in part]
        if lowered and lowered[0] in constraints:
            if "primary" in lowered and "(" in part:
                keys = [plain(piece[0]) for piece in _parts(part, part.index("("))[0] if piece]
            continue
        if not part or ("as" in lowered and "stored" not in lowered and "(" in lowered):
            continue  # a virtual column is in no record
        if "primary" in lowered:
            keys = [plain(part[0])]
        columns.append((plain(part[0]), _affinity(lowered)))
    names = [column for column, _ in columns]
    if not rowless and len(keys) == 1 and keys[0] in names:
        at = names.index(keys[0])
        declared = next((part for part in parts if part and plain(part[0]) == keys[0]), [])
        if len(declared) > 1 and declared[1].lower() == "integer":
            alias = at
    if rowless:
        kinds = dict(columns)
        first = {key: kinds[key] for key in keys if key in kinds}
        columns = [*first.items(), *((column, kind) for column, kind in columns if column not in first)]
    return Table(name, root, tuple(c for c, _ in columns), tuple(a for _, a in columns), alias, rowless)


def _affinity(lowered: list[str]) -> str:
    kind = lowered[1] if len(lowered) > 1 else ""
    if "int" in kind or kind in ("boolean", "date", "datetime", "timestamp", "real", "numeric", "float", "double"):
        return "integer" if "int" in kind else ""
    return "text" if any(word in kind for word in ("char", "clob", "text")) else ""


def _parts(tokens: list[str], opened: int) -> tuple[list[list[str]], int]:
    """(what commas part in a bracket, what follows the bracket)."""
    parts: list[list[str]] = [[]]
    depth = 0
    for at in range(opened, len(tokens)):
        token = tokens[at]
        depth += (token == "(") - (token == ")")  # noqa: S105 - a token of SQL
        if not depth:
            return parts, at + 1
        if token == "," and depth == 1:  # noqa: S105
            parts.append([])
        elif at > opened:
            parts[-1].append(token)
    return parts, len(tokens)


def plain(token: str) -> str:
    """A name without its quotes."""
    if len(token) > 1 and token[0] in "\"`'" and token[-1] == token[0]:
        return token[1:-1].replace(token[0] * 2, token[0])
    return token[1:-1] if token[:1] == "[" and token[-1:] == "]" else token
