"""Tables in a stream: rows whose head, an earlier line, names their columns.

A head is a line that names columns: CSV with any delimiter, Markdown, what psql and mysql print, the column list of an INSERT or
a COPY. What stands in a column that is named like a secret is masked as under that name; of columns of which only the scanner's
rules may know it is asked what they find, with the head before the row. A table ends with the first line that is no row of it.
What becomes of a row depends on the head and on the row alone. Keeps of a head what the rules may look at, of rows nothing.
Imported by core.py, stream.py, helper.py and wide.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from leakguard.detect.assign import TRIGGERS as NAMES
from leakguard.detect.forms import FORMS, TABLE
from leakguard.detect.naming import part_of, words
from leakguard.detect.runtime import REDACT_BASE, Assigned, assigned
from leakguard.detect.stage1 import CONTEXT_BASE, DECODE_BASE
from leakguard.detect.tables import MOST_ROWS, REACH, cells, is_header
from leakguard.redact.names import RANK_NAME, Span, is_value
from leakguard.redact.units import line_end, unit_start

if TYPE_CHECKING:
    from leakguard.detect.stage1 import Ends
    from leakguard.redact.core import Redactor

HEADER = REDACT_BASE + 8
"""The trigger of what may be the names of two columns, or the last one's in a line."""
RULED = CONTEXT_BASE + len(NAMES) - len(FORMS) + TABLE
"""The scanner's own, of the rule below a Markdown table's head."""
_WORDS = (
    r"pass|pwd|psw|_pw|secret|token|key|auth|cred|priv|sign|seed|mnemonic|salt|session|cookie|hook|licen[cs]e|phrase|login|access"
    r"|client[_.\-]?id|app[_.\-]?id|api[_\-]id|memo|_sid|_pat|kennwort|wachtwoord"
)
PATTERN = (
    rf"(?i)(?:{_WORDS})[\w.\-]*[\"'`*]{{0,3}}[ \t]*[,;|\t][ \t]*[\"'`*]{{0,3}}[a-z_][\w .\-]*[\"'`*]{{0,3}}[ \t]*[,;|\t)\r\n]"
    rf"|(?i)(?:{_WORDS})[\w\-]*[\"'`*]{{0,3}}[ \t]*\|?[ \t]*\)?[ \t]*(?:VALUES?|FROM stdin;)?[ \t]*\r?\n"
).encode()
_PATTERN = re.compile(PATTERN.replace(b"|(?i)", b"|"))
_WORD = re.compile(_WORDS.encode())

LONGEST = 2048
"""Bytes of a head. What names no columns in so many is no table's."""
CONTEXT = 2048
"""Bytes before a head that the rules may look at."""
SHORTEST = 4
"""Bytes of a value in a row."""

_NAME = re.compile(rb"[A-Za-z_][\w.\-/#()]*(?:[ ][\w.\-/#()]+){0,3}")
_PROSE = frozenset(
    b"from import select where the and or is are a an to for with of in on not if your this that it was be has have no as by at".split()
)
_LIST = re.compile(rb"(?i)\(([^()\n]{3,2000})\)[ \t]{0,8}(?:(VALUES?)\b|(FROM[ \t]stdin;)|\r?\n?\Z)")
_BEGUN = re.compile(rb"(?i)[ \t]{0,8}VALUES?\b")
_NOTHING_YET = re.compile(rb"\s*\Z")
_RULE = frozenset(b"|+-: \t\r\n=")
_DECORATION = b" \t\r\n`*"
_SPACE = re.compile(rb"\s")
_END_OF_COPY = b"\\."
_LINES, _PIPES, _TUPLES = range(3)


class Column(NamedTuple):
    """A column whose values may be secrets."""

    number: int
    kind: str
    """As what its values are masked; "" if only the scanner's rules may know."""
    sure: bool
    """Whether any value of it is masked, or only one that looks like a secret."""


class Table(NamedTuple):
    """A table that is open."""

    form: int
    width: int
    """How many columns it has."""
    columns: tuple[Column, ...]
    head: bytes
    """The head with what stands before it, as the rules look at it."""
    ends: tuple[tuple[int, int], ...]
    """The triggers in the head; none if the scanner sees no table in it."""
    begun: bool = True
    """False before the VALUES of an INSERT."""
    rows: int = 0
    size: int = 0
    """Bytes of all rows so far."""


def heads(data: bytes, base: int, ends: Ends) -> Ends:
    """An end of PATTERN in each line of data[base:], a short text, that could be a head; `ends` are what else fires in it."""
    out = []
    named = any(CONTEXT_BASE <= ident < DECODE_BASE for ident, _ in ends)
    lower, at = data.lower(), base
    # without a case to ignore a word is found twenty times as fast as the pattern that begins with it
    while (word := _WORD.search(lower, at)) is not None:
        low = unit_start(data, word.start(), base)
        high = line_end(data, low, len(data)) or len(data)
        if _plain(data, low, high) or (named and _ADJACENT.search(data, low, min(high, low + LONGEST))):
            found = _PATTERN.search(data, low, high)
            if found is not None:
                out.append((HEADER, found.end()))
        at = high
    return out


def may_open(data: bytes, low: int, high: int) -> bool:
    """Whether the line data[low:high], in which HEADER fired, could be a head: quick, and never wrong where it says no."""
    return _plain(data, low, high) or _ADJACENT.search(data, low, min(high, low + LONGEST)) is not None


def _plain(data: bytes, low: int, high: int) -> bool:
    """Whether no sign in a line says that it names no columns."""
    return data.find(b"(", low, high) >= 0 or (data.find(b":", low, high) < 0 and data.find(b"=", low, high) < 0)


_ADJACENT = re.compile(
    rf"(?i)(?:{_WORDS})[\w.\-$@]*[\"'`\])}}\\*]{{0,4}}[ \t]*[,;|][ \t\"'`]*[A-Za-z][A-Za-z_ .\-]{{2,30}}".encode()
)


def opened(redactor: Redactor, data: bytes, low: int, high: int, ends: Ends) -> tuple[Table, int] | None:
    """The table whose head is the line data[low:high], or of which it is the rule below the head, and where the head ends;
    `ends` are those in the line."""
    own = [(ident, end) for ident, end in ends if CONTEXT_BASE <= ident < DECODE_BASE]
    found = _judged(data, own)
    line = low if found is None else max(data.rfind(b"\n", 0, found.name_start) + 1, low - LONGEST)
    stop = data.find(b"\n", line, high)
    stop = high if stop < 0 else stop
    read = _list(data, line, stop, found) or (_lines(data, line, stop, found) if stop - line <= LONGEST else None)
    if read is None:
        return None
    form, names, begun, end = read
    columns = tuple(_columns(redactor, data, names, all(_named(data[begin:stop]) for begin, stop in names)))
    if not (columns if found is not None else any(column.sure for column in columns)):
        return None
    near = max(0, low - CONTEXT)
    end = high if end == stop else end
    head = data[near:end]
    kept = tuple((ident, at - near) for ident, at in own if at <= near + len(head)) if found is not None else ()
    return Table(form, len(names), columns, head if head.endswith(b"\n") else head + b"\n", kept, begun), end


def _judged(data: bytes, ends: Ends) -> Assigned | None:
    """The name in a head in which the scanner sees a table's."""
    contexts = [(ident - CONTEXT_BASE, end) for ident, end in ends]
    items = assigned(data, contexts) if contexts else []
    return next((item for item in items if (not item.quote or item.quote == b"`") and is_header(data, item)), None)


def _list(data: bytes, line: int, stop: int, found: Assigned | None) -> tuple[int, list[tuple[int, int]], bool, int] | None:
    """The names between brackets, as of an INSERT or a COPY; whether rows follow, and where the head ends."""
    opener = data.rfind(b"(", line, found.name_start) if found is not None else data.find(b"(", line, stop)
    listed = _LIST.match(data, opener, min(stop + 1, opener + LONGEST)) if opener >= line else None
    if listed is None:
        return None
    names = cells(data, listed.start(1), listed.end(1))
    if listed[3]:
        return _LINES, names, True, stop
    return _TUPLES, names, bool(listed[2]), listed.end(2) if listed[2] else stop


def _lines(data: bytes, line: int, stop: int, found: Assigned | None) -> tuple[int, list[tuple[int, int]], bool, int] | None:
    """The names in a line of them."""
    text = data[line:stop]
    form = _PIPES if b"|" in text and text.count(b"|") >= text.count(b",") else _LINES
    names = _row(form, data, line, stop)
    return (form, names, True, stop) if len(names) > 1 else None


def _named(cell: bytes) -> bool:
    """Whether a cell of a head could name a column."""
    return not cell or (len(cell) <= 40 and _NAME.fullmatch(cell) is not None and _PROSE.isdisjoint(cell.lower().split()))


def _columns(redactor: Redactor, data: bytes, names: list[tuple[int, int]], plain: bool) -> Iterator[Column]:
    """The columns that matter. `plain`: all are names of columns and nothing else."""
    for number, (low, high) in enumerate(names):
        name = data[low:high]
        kind, sure = redactor.names.kind(name)
        if kind or part_of(words(name)):
            yield Column(number, kind, sure and plain)


# ---------------------------------------------------------------- rows
def _row(form: int, data: bytes, low: int, high: int) -> list[tuple[int, int]]:
    """The spans of the cells of the row in data[low:high], which is a line."""
    while high > low and data[high - 1] in b"\r\n":
        high -= 1
    if form != _PIPES:
        return cells(data, low, high)
    out = []
    at = low
    while at <= high:
        stop = data.find(b"|", at, high)
        stop = high if stop < 0 else stop
        text = data[at:stop].rstrip(_DECORATION)
        begin = at + len(text) - len(text.lstrip(_DECORATION))
        out.append((begin, max(begin, at + len(text))))
        at = stop + 1
    line = data[low:high].strip(_DECORATION)
    return out[line.startswith(b"|") : len(out) - (line.endswith(b"|") and len(line) > 1)]  # but for what stands outside


def _rows(table: Table, data: bytes, low: int, high: int) -> list[list[tuple[int, int]]] | None:
    """The rows in a line: of an INSERT there may be several. None if the table is over."""
    if table.form != _TUPLES:
        row = _row(table.form, data, low, high)
        return [row] if len(row) == table.width or (table.form == _PIPES and len(row) > table.width) else None
    out = []
    at = data.find(b"(", low, high)
    while at >= 0:
        row = cells(data, at + 1, high)
        if len(row) != table.width:
            break
        out.append(row)
        at = data.find(b"(", row[-1][1], high)
    return out or None


def masked(redactor: Redactor, table: Table, data: bytes, low: int, high: int) -> tuple[list[Span], Table | None]:
    """What is masked of the line data[low:high], and the table that is open after it."""
    line = data[low:high]
    if not table.begun:
        begins = _BEGUN.match(line)
        if begins is None:
            return [], table if _NOTHING_YET.match(line) and not table.rows else None
        table = table._replace(begun=True, head=table.head[:-1] + b" VALUES\n")
        low += begins.end()
        if _NOTHING_YET.match(data, low, high):
            return [], table
    elif table.form == _PIPES and line.strip() and _RULE.issuperset(line):
        return [], table
    rows = None if line.startswith(_END_OF_COPY) else _rows(table, data, low, high)
    if rows is None:
        return [], None
    out: list[Span] = []
    left: list[Span] = []
    for row in rows:
        for number, kind, sure in table.columns:
            begin, end = row[number]
            value = data[begin:end]
            if len(value) < SHORTEST:
                continue
            quoted = data[begin - 1] in b"\"'"
            if kind and is_value(value, sure, kind) and (quoted or not _SPACE.search(value)):
                out.append(Span(begin, end, kind, RANK_NAME))
            else:
                left.append(Span(begin, end, kind or "field.secret", RANK_NAME))
    if left and table.ends and table.rows < MOST_ROWS and table.size < REACH:
        out += _asked(redactor, table, data, low, high, left)
    if table.form == _TUPLES and line.rstrip().endswith(b";"):
        return out, None
    return out, table._replace(rows=table.rows + len(rows), size=table.size + high - low)


def _asked(redactor: Redactor, table: Table, data: bytes, low: int, high: int, left: list[Span]) -> list[Span]:
    """What the scanner's rules find in a row below this head; all that is `left` if they cannot say."""
    skipped = len(data[low:high]) - len(data[low:high].lstrip(b" \t,"))
    near = table.head + data[low + skipped : high]
    found: list[Span] = []
    try:
        redactor._rules(near, redactor.runtime.judge(near, list(table.ends)), found)
    except Exception:  # noqa: BLE001 - closed: what cannot be judged is masked
        return left
    by = low + skipped - len(table.head)
    return [span._replace(start=span.start + by, end=span.end + by) for span in found if span.start >= len(table.head)]


def whole(redactor: Redactor, data: bytes, ends: Ends) -> list[Span]:
    """What is masked of the rows of all tables in a text of which the rules judge the whole; `ends` fire in it."""
    marks = sorted(end for ident, end in (*heads(data, 0, ends), *ends) if ident in (HEADER, RULED))
    out: list[Span] = []
    table: Table | None = None
    low = 0
    while low < len(data) and (marks or table is not None):
        if table is None:
            low = unit_start(data, marks[0] - 1, low)
        high = line_end(data, low, len(data)) or len(data)
        own = [(ident, end) for ident, end in ends if low < end <= high] if marks and marks[0] <= high else None
        spans, table = step(redactor, table, data, low, high, own)
        table = table and table._replace(ends=())
        out += spans
        while marks and marks[0] <= high:
            del marks[0]
        low = high
    return out


def step(
    redactor: Redactor, table: Table | None, data: bytes, low: int, high: int, ends: Ends | None
) -> tuple[list[Span], Table | None]:
    """What is masked of the line data[low:high] because of the table that is open, and the one that is open after it. `ends`
    are those in the line, if it may be a head itself."""
    out: list[Span] = []
    if table is not None:
        out, table = masked(redactor, table, data, low, high)
    head = opened(redactor, data, low, high, ends) if ends is not None else None
    if head is not None:
        table, at = head
        if at < high:
            spans, table = masked(redactor, table, data, at, high)
            out += spans
    return out, table


def shows(table: Table, data: bytes) -> bool:
    """Whether the beginning of a row is not yet in a column whose values are masked."""
    first = min(column.number for column in table.columns)
    return table.form != _TUPLES and first > 0 and len(_row(table.form, data, 0, len(data))) <= first


__all__ = ["HEADER", "PATTERN", "RULED", "Table", "heads", "may_open", "shows", "step", "whole"]
