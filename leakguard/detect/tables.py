"""Columns: names in a header row, values in the rows below it. CSV, TSV and the INSERT statements of SQL dumps.

The two lines of a `kraken.key` file are a table without a header: the key, then its secret.

An assignment's extractor sees `api_key,api_secret` as a name that is given a name. That is the sign of a table: here its
rows are gone through, and each value in a column that is named like a credential is handed on with that column's name.
Reads at most REACH bytes; quotes and doubled quotes as CSV and SQL have them. Pure functions; imported by context.py,
reaches.py and redact/tables.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from leakguard.detect.assign import Assigned, part_of, words
from leakguard.detect.patterns import compiled

REACH = 32 * 1024
MOST_ROWS = 200

_VALUES = compiled(rb"\)\s{0,8}VALUES?\s{0,8}\(", re.IGNORECASE)
_COLUMN = compiled(rb"[A-Za-z][A-Za-z_ .\-]{2,30}[0-9]?")
_NEXT_ROW = compiled(rb"\)\s{0,4},\s{0,8}\(")
_CELL = compiled(
    rb'[ \t\r\n]{0,8}(?:"(?P<double>-----BEGIN [^"]{0,6000}|(?:[^"\n]|"")*)"'
    rb"""|'(?P<single>(?:[^'\\\n]|''|\\.)*)'|(?P<bare>[^,;\t\r\n()'"]*))"""
    rb"""[ \t]{0,4}(?P<end>[,;\t]|$|(?=[\r\n)]))"""
)


def is_header(data: bytes, assigned: Assigned) -> bool:
    """Whether a value looks like the next column's name: the name of a part itself, after a comma, in a row. The rule
    below a table's head needs no look."""
    if assigned.sep == b"|":
        return True
    between = data[assigned.name_start + len(assigned.name) : assigned.start]
    if between.strip(b"`\"' \t") not in (b",", b";", b"|"):
        return False
    value = data[assigned.start : assigned.end].split(b",")[0]
    return _COLUMN.fullmatch(value) is not None and bool(part_of(words(value)))


def rows(data: bytes, assigned: Assigned) -> Iterator[Assigned]:
    """Every value below a header's sensitive columns. The header is the line or column list `assigned` stands in."""
    low = max(0, assigned.name_start - 2000)
    if data[assigned.start : assigned.start + 4].lower() == b"</th":
        yield from _page_rows(data, low, assigned.start)
        return
    if data[assigned.start : assigned.start + 5] == b"ble::":
        yield from _grouped(data, _listed_rows(data, assigned.start + 5))
        return
    if b"|===" in data[max(0, assigned.start - 1) : assigned.start + 5]:
        yield from _grouped(data, _barred_rows(data, assigned.start + 5))
        return
    opened = data.rfind(b"(", low, assigned.name_start)
    line = data.rfind(b"\n", low, assigned.name_start) + 1
    copied = _COPIED.search(data, assigned.end, assigned.end + 2000) if opened > line else None
    if copied is not None and _is_copy(data, opened):
        yield from _csv_rows(data, cells(data, opened + 1, data.rfind(b")", opened, copied.end())), copied.end())
        return
    if opened > line or (opened >= 0 and _is_insert(data, opened)):
        found = _VALUES.search(data, assigned.end, assigned.end + 2000)
        if found is None or _OF_RECORDS.search(data[max(0, opened - 120) : opened]):
            return
        header = cells(data, opened + 1, found.start())
        start = found.end()
        yield from _sql_rows(data, header, start)
        return
    stop = data.find(b"\n", assigned.name_start + len(assigned.name), assigned.end + 2000)
    # the last column's bar stands before its line's end, and where the rule below it is found is after that
    if stop >= 0 and b"|" in data[assigned.name_start : assigned.start + 2]:
        header = piped(data, line, stop)
        # ||Venue||API key||: every other bar opens a cell
        yield from _piped_rows(data, header[1::2] if data.startswith(b"||", line) else header, stop + 1)
    elif stop >= 0:
        header = cells(data, line, stop)
        if header and not data[header[-1][1] : stop].strip(b"\"' \t\r`,;"):  # else it is code: password, found = v.(string)
            yield from _csv_rows(data, header, stop + 1)


def columned(data: bytes, assigned: Assigned) -> Iterator[Assigned]:
    """The values of a row in a table whose columns are accounts and whose first column says what they are, each under the names of
    its column and its row: there an assignment's extractor sees `api_key,v,w` as a name and its value. Nothing if it is no such
    table. Looks at as much before the row as names around a value may stand in, and as much of it as after one."""
    line = data.rfind(b"\n", 0, assigned.start) + 1
    label = data[line : max(line, assigned.name_start)].strip(b"\"' |`*") if assigned.name_start - line < _LONGEST_LABEL else b"?"
    bars = data[line : line + 1] == b"|" and _in_bars(data, assigned)
    if not is_cell(data, assigned) or label.lower() not in _LABELS:
        return
    low = max(0, line - COLUMN_HEAD)
    head = max([low, *(at + len(gap) for gap in (b"\n\n", b"\n\r\n") if (at := data.rfind(gap, low, line)) >= 0)])
    stop = data.find(b"\n", line, line + COLUMN_ROW)
    stop = stop if stop >= 0 else min(len(data), line + COLUMN_ROW)
    if head >= line or (head and data[head - 1] != _LINE_END):
        return
    parted = piped if bars else cells
    header, row = parted(data, head, data.find(b"\n", head)), parted(data, line, stop)
    if len(header) > 1 and len(row) != len(header) and not bars:
        row = _fields(data, line, stop, _sign(data, header))  # of empty cells
        header = header if len(row) == len(header) else _fields(data, head, data.find(b"\n", head), _sign(data, row))
    if len(header) < 2 or len(row) != len(header):
        return
    accounts = [data[start:end] for start, end in header]
    if bars:  # the corner of such a table is mostly empty, and so is what stands behind its last bar
        accounts[0] = accounts[0] or b"x"
        while len(accounts) > 2 and not accounts[-1]:
            accounts.pop()
    if part_of(words(accounts[0])) or not all(_ACCOUNT.fullmatch(name) and not part_of(words(name)) for name in accounts[1:]):
        return
    for account, (start, end) in zip(accounts[1:], row[1:], strict=False):
        if end - start >= 4:
            called = b"_".join((account, label, assigned.name) if label else (account, assigned.name))
            yield Assigned(called, max(line, start - 1), start, end, b'"', 0)


def is_cell(data: bytes, assigned: Assigned) -> bool:
    """Whether a value may stand in a table's second column, behind what it is."""
    return assigned.sep in (b",", b"list") or data[assigned.start - 1 : assigned.start] == b"\t" or _in_bars(data, assigned)


def _in_bars(data: bytes, assigned: Assigned) -> bool:
    """The same in one of Markdown's."""
    end = assigned.name_start + len(assigned.name)
    return assigned.start - end < _WIDEST and data[end : assigned.start].strip(b"`* ") == b"|"


_WIDEST = 40
"""Bytes between two cells of Markdown's, with what fills a column."""
_LABELS = frozenset((b"", b"api", b"access", b"secret", b"private", b"public", b"client", b"trading"))
"""What stands before a name of two words in its cell: Access key."""
_LONGEST_LABEL = 12
COLUMN_HEAD = 1200
"""Bytes from a row back to the names of its columns, where these are accounts."""
COLUMN_ROW = 700
"""Bytes of such a row."""
_LINE_END = 10
_ACCOUNT = compiled(rb"[0-9]?[A-Za-z][\w .\-/()]{0,40}")
"""Who a column is of."""


_COPY = compiled(rb"(?i)\bcopy\s+\S{1,80}\s*$")
_INSERT = compiled(rb"(?i)insert\s+into\s+\S{1,80}\s*$")


def _is_insert(data: bytes, opened: int) -> bool:
    return _INSERT.search(data[max(0, opened - 120) : opened]) is not None


_OF_RECORDS = compiled(
    rb"(?i)insert\s+into\s+\S{0,60}(?<![a-z])(?:orders?|trades?|fills?|positions?|withdrawals?|deposits?|transactions?|transfers?"
    rb"|executions?|candles?|tickers?|klines?|balances?)[`\"'\]]?\s*\Z"
)
"""A table of what was traded: a client's id there is an order's."""
_COPIED = compiled(rb"\) FROM stdin;\r?\n")


def _is_copy(data: bytes, opened: int) -> bool:
    """Whether the bracket opens the columns of PostgreSQL's COPY: rows with tabs between the cells."""
    return _COPY.search(data[max(0, opened - 120) : opened]) is not None


_MARK = rb"(?:\xef\xbb\xbf)?"
"""What some editors begin a file with."""
_BARE_LINES = compiled(
    _MARK + rb"\s*((?:ed25519:)?[0-9A-Za-z+/=_\-]{8,200})[ \t]*\r?\n"
    rb"\s*((?:ed25519:)?[0-9A-Za-z+/=_\-]{16,4000}|-----BEGIN [^\0]{60,6000}-----)"
    rb"(?:[ \t]*\r?\n\s*([!-~]{4,128}))?\s*\Z"
)


_FIRST_LINE = compiled(
    _MARK + rb"\s*([0-9A-Za-z+/=_:\-]{16,512})[ \t]*\r?\n(?:[ \t]*[A-Za-z][\w .\-]{0,30}: [^\n]{1,300}\r?\n?){1,6}\s*\Z"
)
"""A secret and what belongs to it, as `pass` keeps them: the first line is the secret, the others have names."""
_BARE_LINE = compiled(_MARK + rb"\s*([0-9A-Za-z+/=_:\-]{8,512})\s*\Z")
_OF_FILE = {"api-key": b"key_of_client", "api-secret": b"secret_of_client", "private-key": b"secret_of_client",
            "client-secret": b"secret_of_client", "passphrase": b"passphrase_of_client"}  # fmt: skip


def key_file(data: bytes, path: str) -> Iterator[Assigned]:
    """The key and the secret of a file that holds nothing else, under names that say so and no generic rule hears; of one value
    the file's own name says which it is."""
    from leakguard.detect.loginfiles import logins  # few files are so called

    told = False
    for each in logins(data, path):
        told = True
        yield each
    if told:
        return
    alone = _BARE_LINE.match(data)
    if alone is not None:
        name = path.rpartition("/")[2].removesuffix(".txt").encode("utf-8", "surrogateescape")
        part = _OF_FILE.get(part_of(words(name)))
        if part is not None and b"." not in name:
            yield Assigned(part, alone.start(1), *alone.span(1), b"", 0, b"=")
        return
    first = _FIRST_LINE.match(data)
    if first is not None:
        yield Assigned(b"secret_of_client", first.start(1), *first.span(1), b"", 0, b"=")
        return
    lines = _BARE_LINES.match(data)
    if lines is not None:
        for number, called in enumerate((b"key_of_client", b"secret_of_client", b"passphrase_of_client"), 1):
            start, end = lines.span(number)
            if start >= 0:
                yield Assigned(called, start, start, end, b"", 0, b"=")


def cells(data: bytes, start: int, stop: int) -> list[tuple[int, int]]:
    """The spans of a row's cells, without quotes."""
    out: list[tuple[int, int]] = []
    at = start
    while at <= stop and len(out) < 200:
        found = _CELL.match(data, at, stop)
        if found is None:
            break
        group = (
            "double" if found.group("double") is not None else "single" if found.group("single") is not None else "bare"
        )
        low, high = found.span(group)
        while group == "bare" and high > low and data[high - 1 : high] in (b" ", b"\r", b"`"):
            high -= 1
        while group == "bare" and low < high and data[low : low + 1] in (b" ", b"`"):
            low += 1
        out.append((low, high))
        if not found.group("end") or found.end() <= at:
            break
        at = found.end()
    return out


def _sensitive(data: bytes, header: list[tuple[int, int]]) -> list[tuple[int, bytes, int]]:
    """(column, name, where the name stands) of the columns that are named like a part. Where none says more than `key`, these
    are keys of any kind, as of a dictionary, or public ones."""
    out = []
    for column, (low, high) in enumerate(header):
        name = data[low:high]
        own = words(name)
        if part_of(own) and own[-1] not in _ABOUT_ONE:
            out.append((column, name, low))
    return out if any(not _KEYS.issuperset(words(name)) for _, name, _ in out) else []


_KEYS = frozenset(("key", "signing", "public", "id"))
_ABOUT_ONE = frozenset(
    "changed expires expired expiry updated created modified rotated at date count hint age reset policy strength".split()
)
"""Last words of a column that is about a credential and holds none: password_changed."""


def _csv_rows(data: bytes, header: list[tuple[int, int]], start: int) -> Iterator[Assigned]:
    columns = _sensitive(data, header)
    sign = _sign(data, header)
    at, last = start, min(len(data), start + REACH)
    for _ in range(MOST_ROWS):
        if at >= last or not columns:
            return
        stop = _row_end(data, at, last)
        # a comma may part what is in quotes of any kind; a semicolon or a tab is written by programs
        row = _fields(data, at, stop, sign) if sign in (b";", b"\t") else []
        if len(row) != len(header):
            row = cells(data, at, stop)
        if len(row) != len(header):
            row = _fields(data, at, stop, sign)
        if len(row) != len(header):
            return  # the table is over, or it never was one
        yield from _values(columns, row, at)
        at = stop + 1


def _sign(data: bytes, header: list[tuple[int, int]]) -> bytes:
    """What parts the columns of a head; b"" if it has but one."""
    return data[header[0][1] : header[1][0]].strip(b"\"' ")[:1] if len(header) > 1 else b""


def _fields(data: bytes, at: int, stop: int, sign: bytes) -> list[tuple[int, int]]:
    """The cells of a row as programs export them: parted by `sign` alone, so that a password may have any other character."""
    out: list[tuple[int, int]] = []
    pattern = _FIELDS.get(sign)
    while pattern is not None and at <= stop and len(out) < 200:
        found = pattern.match(data, at, stop)
        if found is None:
            return []
        out.append(found.span(1) if found[1] is not None else found.span(2))
        if found.end() >= stop and not found[3]:
            break
        at = found.end()
    return out


_FIELDS = {
    sign: compiled(rb'(?:"((?:[^"\r\n]|"")*)"|([^"%b\r\n][^%b\r\n]*|))(%b|\r?\Z)' % (sign, sign, sign))
    for sign in (b",", b";", b"\t")
}


def _row_end(data: bytes, at: int, last: int) -> int:
    """The end of a row's line; of its last line where a quoted cell has several, as a private key has."""
    stop = data.find(b"\n", at, last)
    if stop >= 0 and data.count(b'"', at, stop) % 2:
        close = data.find(b'"', stop, last)
        stop = data.find(b"\n", close, last) if close >= 0 else stop
    return stop if stop >= 0 else last


def piped(data: bytes, start: int, stop: int) -> list[tuple[int, int]]:
    """The spans of the cells of a table in Markdown, without what decorates them."""
    out = []
    for found in _PIPED.finditer(data, start, stop):
        text = found[1].rstrip(b" \t\r`*{}")
        low = found.start(1) + len(text) - len(text.lstrip(b" \t`*{}"))
        out.append((low, max(low, found.start(1) + len(text))))
    return out[:200]


_PIPED = compiled(rb"\|([^|\n]*)(?=\||[ \t\r]*$)")
_RULE = frozenset(b"|+-=: \t\r")


def _piped_rows(data: bytes, header: list[tuple[int, int]], start: int) -> Iterator[Assigned]:
    columns = _sensitive(data, header)
    at, last = start, min(len(data), start + REACH)
    for _ in range(MOST_ROWS):
        stop = data.find(b"\n", at, last)
        stop = stop if stop >= 0 else last
        line = data[at:stop]
        if not (line.strip() and _RULE.issuperset(line)):
            row = piped(data, at, stop)
            if len(row) < len(header) or not columns:
                return
            yield from _values(columns, row, at)
        at = stop + 1
        if at >= last:
            return


_Cells = list[tuple[int, int]]


def _grouped(data: bytes, rows: Iterator[_Cells]) -> Iterator[Assigned]:
    """The values of a table whose first row are its columns' names."""
    header = next(rows, [])
    columns = _sensitive(data, header)
    for row in islice(rows, MOST_ROWS if columns else 0):
        if len(row) != len(header):
            return
        yield from _values(columns, row, row[0][0])


def _listed_rows(data: bytes, start: int) -> Iterator[_Cells]:
    """The rows of a list of reStructuredText: * - cell, and further cells on lines of their own. It ends where a line is not
    indented."""
    end = _UNINDENTED.search(data, start, start + REACH)
    row: _Cells = []
    for found in _ITEM.finditer(data, start, end.start() if end else min(len(data), start + REACH)):
        if found["first"] and row:
            yield row
            row = []
        row.append(_bare(data, *found.span("cell")))
    yield row


_UNINDENTED = compiled(rb"\n(?=[^\s])")
_ITEM = compiled(rb"\n[ \t]{1,16}(?P<first>\* )?[ \t]*-(?:[ \t]+(?P<cell>[^\n]*)|(?=\r?\n))")


def _barred_rows(data: bytes, start: int) -> Iterator[_Cells]:
    """The rows of a table of AsciiDoc: as many cells as its first line has, wherever lines end."""
    stop = data.find(b"\n|===", start, start + REACH)
    stop = stop if stop >= 0 else min(len(data), start + REACH)
    line = data.find(b"\n", start, stop)
    size = data.count(b"|", start, line) if line >= 0 else 0
    row: _Cells = []
    for found in _BARRED.finditer(data, start, stop if size else start):
        row.append(_bare(data, *found.span(1)))
        if len(row) == size:
            yield row
            row = []


_BARRED = compiled(rb"\|([^|]{0,8000})")


def _bare(data: bytes, low: int, high: int) -> tuple[int, int]:
    """A cell without what decorates it."""
    text = data[max(0, low) : high]
    bare = text.strip(b" \t\r\n`*")
    first = low + len(text) - len(text.lstrip(b" \t\r\n`*"))
    return first, first + len(bare)


_PAGE_ROW = compiled(rb"(?is)<tr\b[^<>]{0,200}>(.{1,8000}?)</tr>")
_PAGE_CELL = compiled(
    rb"(?i)<t[hd]\b[^<>]{0,200}>\s{0,40}(?:<\w{1,8}\b[^<>]{0,80}>\s{0,8}){0,2}([^<>]{0,2000}?)\s{0,40}(?:</\w{1,8}>\s{0,8}){0,2}</t[hd]>"
)


def _page_rows(data: bytes, low: int, start: int) -> Iterator[Assigned]:
    """The same of a table in a page, whose head is the row that `start` is in."""
    stop = min(len(data), start + REACH)
    opened = max(data.rfind(b"<tr", low, start), data.rfind(b"<TR", low, start))
    head = _PAGE_ROW.match(data, opened, stop) if opened >= 0 else None
    if head is None:
        return
    header = [cell.span(1) for cell in _PAGE_CELL.finditer(data, *head.span(1))]
    columns = _sensitive(data, header)
    end = data.find(b"</table", head.end(), stop)
    for number, found in enumerate(_PAGE_ROW.finditer(data, head.end(), end if end >= 0 else stop)):
        row = [cell.span(1) for cell in _PAGE_CELL.finditer(data, *found.span(1))]
        if len(row) != len(header) or not columns or number >= MOST_ROWS:
            return
        yield from _values(columns, row, found.start(1))


def _sql_rows(data: bytes, header: list[tuple[int, int]], start: int) -> Iterator[Assigned]:
    columns = _sensitive(data, header)
    at, last = start, min(len(data), start + REACH)
    for _ in range(MOST_ROWS):
        row = cells(data, at, last)
        if len(row) != len(header) or not columns:
            return
        yield from _values(columns, row, at)
        following = _NEXT_ROW.match(data, row[-1][1] + (data[row[-1][1] : row[-1][1] + 1] in (b"'", b'"')), last)
        if following is None:
            return
        at = following.end()


def _values(columns: list[tuple[int, bytes, int]], row: list[tuple[int, int]], start: int) -> Iterator[Assigned]:
    for column, name, _ in columns:
        low, high = row[column]
        if high - low >= 4:
            # the row, not the header, is where the value stands: places and distances are counted from there
            yield Assigned(name, max(start, low - 1), low, high, b'"', 0)
