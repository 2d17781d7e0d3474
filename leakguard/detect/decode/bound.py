"""Statements and their parameters, as databases and their mappers log them: the statement with the values put in.

`INSERT INTO accounts (venue, api_secret) VALUES ($1, $2)` says what each value is, and the values stand in a list behind it.
PostgreSQL (`DETAIL: parameters: $1 = 'v'`), SQLAlchemy, Hibernate 5 and 6, MyBatis, TypeORM, Prisma, Knex and Django write it so.
Knows no rules and no files. Imported by this package.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from leakguard.detect.decode.base import Found, Run, View
from leakguard.detect.patterns import compiled

STATEMENT_REACH = 4096
"""Bytes from a statement's first word to its first parameter."""
VALUES_REACH = 8192
_MOST_VALUES = 64
_WORDS = (b"insert into ", b"replace into ", b"merge into ", b"update ", b"select ", b"delete ")
"""What statements begin with."""
_OPENS = compiled(rb"(?i)(?<![\w(])(?:(?:insert|replace|merge)\s{1,8}into|update|select|delete)\s")
_PLAIN = bytes(32 if byte in b"\t\r\n" else byte + 32 if 65 <= byte <= 90 else byte for byte in range(256))
"""Small letters, and one blank for another."""
_WITHIN = (b"do ", b"key ", b"for ", b" on ", b"(")
"""Before a word that begins no statement: DO UPDATE, ON DUPLICATE KEY UPDATE, FOR UPDATE, a SELECT in brackets."""
_MOST_OPENERS = 16
_PLACE = compiled(rb"\$(?P<dollar>[0-9]{1,3})|(?<![?\w])\?(?![?|&\w])|%s|(?<![:\w]):(?P<colon>[0-9]{1,3})\b|@[pP](?P<at>[0-9]{1,3})\b")
_NUMBERED = compiled(rb"(?:, )?\$(?P<number>[0-9]{1,3}) = (?:'(?P<value>(?:[^'\n]|''){0,4096})'|NULL)")
_BINDING = compiled(
    rb"[^\n]{0,400}?binding parameter (?:\[(?P<number>[0-9]{1,3})\] as \[\w{1,30}\] - \[(?P<value>[^\]\r\n]{0,4096})\]"
    rb"|\((?P<second>[0-9]{1,3}):\w{1,30}\) <- \[(?P<other>[^\]\r\n]{0,4096})\])[^\n]{0,40}(?:\n|\Z)"
)
_TYPED = compiled(
    rb"(?:(?P<null>null)|(?P<value>[^\r\n]{0,4096}?)\([A-Z]\w{2,24}\))(?:, |(?=\r?\n|\Z))"
)
_ITEM = compiled(
    rb"[\s,\[(]{0,40}(?:b?\"(?P<double>(?:[^\"\\\n]|\\.){0,4096})\"|b?'(?P<single>(?:[^'\\\n]|\\.){0,4096})'"
    rb"|(?P<bare>[^\s,\[\]()'\"]{1,60}))(?=[\s,\])])"
)
_Span = tuple[int, int]


def _numbered(data: bytes, start: int, pattern: re.Pattern[bytes]) -> dict[int, _Span]:
    """The values that stand with their numbers; a list begins anew at the first."""
    out: dict[int, _Span] = {}
    at, stop = start, start + VALUES_REACH
    while len(out) < _MOST_VALUES and (found := pattern.match(data, at, stop)):
        groups = found.groupdict()
        number = int(groups["number"] or groups.get("second") or 0)
        if number in out:
            break
        kind = "value" if groups["value"] is not None else "other" if groups.get("other") is not None else ""
        out[number] = found.span(kind) if kind else (at, at)
        at = found.end()
    return out


def _listed(data: bytes, start: int, pattern: re.Pattern[bytes]) -> dict[int, _Span]:
    """The values in their order, up to what is none."""
    out: dict[int, _Span] = {}
    at, stop = start, start + VALUES_REACH
    while len(out) < _MOST_VALUES and (found := pattern.match(data, at, stop)):
        out[len(out) + 1] = found.span(found.lastgroup or 0)
        at = found.end()
    return out


_Read = Callable[[bytes, int, re.Pattern[bytes]], dict[int, _Span]]
_KINDS: tuple[tuple[bytes, _Read, re.Pattern[bytes]], ...] = (
    (rb"arameters: (?=\$1 = )", _numbered, _NUMBERED),
    (rb"(?=binding parameter [\[(]1)", _numbered, _BINDING),
    (rb"==> {1,2}Parameters: ", _listed, _TYPED),
    (
        rb"(?:-- PARAMETERS: |\[(?:generated in|cached since|no key|raw sql)[^\]\n]{0,60}\] |[Pp]arams: |\bbindings:? |; args="
        rb"|\[parameters: )(?=[\[(])",
        _listed,
        _ITEM,
    ),
)
_BEGINS = tuple((compiled(mark), read, pattern) for mark, read, pattern in _KINDS)
_LONGEST_MARK = 100


def _marked(data: bytes, end: int) -> tuple[int, int, _Read | None, re.Pattern[bytes]]:
    """The sign of parameters that a trigger ended in: where it begins and ends, and what reads them."""
    low = max(0, end - _LONGEST_MARK)
    for mark, read, pattern in _BEGINS:
        marks = list(mark.finditer(data, low, end + 2))
        if marks:
            return marks[-1].start(), marks[-1].end(), read, pattern
    return end, end, None, _ITEM


def _opener(data: bytes, mark: int) -> int:
    """Where the statement before `mark` begins; -1 if there is none."""
    low = max(0, mark - STATEMENT_REACH)
    text = data[low:mark].translate(_PLAIN)
    at = len(text)
    for _ in range(_MOST_OPENERS):
        at = max(text.rfind(word, 0, at) for word in _WORDS)
        if at < 0:
            return -1
        before = text[max(0, at - 4) : at]
        if not before.endswith(_WITHIN) and not (before and (before[-1:].isalnum() or before.endswith(b"_"))):
            return low + at
    return -1


def _bound(data: bytes, end: int) -> Found:
    """The statement before a list of parameters, with each in quotes at its place."""
    mark, after, read, pattern = _marked(data, end)
    start = _opener(data, mark) if read else -1
    if read is None or start < 0:
        # before the next statement nothing else is one's parameter
        ahead = _OPENS.search(data, end, end + STATEMENT_REACH)
        return Run(end, ahead.start() if ahead else min(len(data), end + STATEMENT_REACH) if read else end)
    values = read(data, after, pattern) if _PLACE.search(data, start, mark) else {}
    out: list[bytes] = []
    breaks: list[tuple[int, int, int, int]] = []
    size = 0
    for low, stop in _spliced(data, start, mark, values) if values else ():
        breaks.append((size, low, 1, 1))
        out.append(data[low:stop])
        size += stop - low
    if len(out) < 2:
        return Run(end, end)
    last = max(span[1] for span in values.values())
    yield View("bound", b"".join(out), breaks, start, last)
    return Run(start, max(end, last))


def _spliced(data: bytes, start: int, stop: int, values: dict[int, _Span]) -> Iterator[_Span]:
    """The spans of a statement and of the values that belong between them, each with the quotes that it stands in."""
    at = start
    for count, place in enumerate(_PLACE.finditer(data, start, stop), 1):
        number = int(place[place.lastgroup]) if place.lastgroup else count
        span = values.get(number)
        if span is not None and span[0] < span[1]:
            yield at, place.start()
            quote = data[span[0] - 1 : span[0]]
            quoted = quote in (b"'", b'"') and data[span[1] : span[1] + 1] == quote
            yield (span[0] - 1, span[1] + 1) if quoted else span
            at = place.end()
    yield at, stop


TRIGGERS: tuple[tuple[str, str], ...] = (
    ("bound", r"arameters: \$1 = "),
    ("bound", r"binding parameter [\[(]1"),
    ("bound", r"==> {1,2}Parameters: "),
    ("bound", r"-- PARAMETERS: \["),
    ("bound", r"\[(?:generated in|cached since|no key|raw sql)[^\]\n]{0,60}\] [\[(]"),
    ("bound", r"(?:[Pp]arams:|bindings:?|\[parameters:) [\[(]"),
    ("bound", r"; args=[\[(]"),
)
FINDERS: dict[str, Callable[[bytes, int], Found]] = {
    "bound": _bound,
}
