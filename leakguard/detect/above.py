"""What a value stands in, however far above that begins: the venue of a list of two hundred accounts is named once.

A name far above rules a value if it is a head (the key or the variable of an object, a field beside a list, a key of YAML, an
element of XML, a heading, a section, a title) and what it heads is still open where the value stands. A name that is merely
mentioned there rules nothing.

Depends on no more than FAR bytes before the value. Pure functions of bytes; knows no rules. Imported by context.py, and by
reaches.py for FAR.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from itertools import islice
from typing import NamedTuple

from leakguard.detect.patterns import compiled

FAR = 48 * 1024
"""Bytes before a value in which what it stands in may begin: less than windows overlap by."""

STRUCTURE, TITLE = 720, 712
"""What such a name says: of something that is closed where it ends (a bracket, an indentation, a tag); of a heading. More
than a name in the paragraph that heads nothing (evidence.py)."""

MOST = 32
"""Names that are looked at: in a file that names a venue in every line the nearest ones tell."""
_LONGEST = 160
"""Bytes of a head's line on either side of the name."""
_SHORT = 80
"""Bytes that a title has before a name, and behind it."""
_ALIKE = bytes.maketrans(b"{[}]", b"(())")
_NO_BRACKET = bytes(byte for byte in range(256) if byte not in b"{[()]}")
# "venue": [, venueAccounts: Account[] = [, VENUE_KEYS = (, venue {
_OPENER = compiled(
    rb"[\w \-.]{0,40}[\"'`\]]{0,3}\s{0,4}(?::(?: ?[\w<>]{1,40}(?:\[\])?)? ?=|=>|<-|[:=])"
    rb"\s{0,8}[\w.<>&]{0,40}(?:\[\])?\s{0,4}(?P<open>[{\[(])"
    rb"|[\w \-.]{0,40}[\"'`]?\s{0,4}(?P<block>\{)[ \t]*(?:\r?\n|[\w\"'])"
)
_FIELD = compiled(
    rb"(?i)(?:\b|_)(?:exchange|name|venue|broker|platform|provider|exch?)(?:_?(?:id|name))?[\"']?[ \t]{0,4}(?:=>|[:=])[ \t]{0,4}[\"']?\Z"
)
_FIELD_ENDS = compiled(rb"[\w .\-]{0,24}[\"']?[ \t]{0,4}(?:[,;}]|/?>|\r?\n|\Z)")
_KEY = compiled(rb"(?P<indent>[ \t]*)(?:- )?[\"']?[\w .\-/]{0,40}\Z")
_KEY_ENDS = compiled(rb"[\w .\-]{0,40}[\"']?:[ \t]*(?:&[\w\-]+[ \t]*)?(?:#[^\n]*)?\r?\n")
_ELEMENT = compiled(rb"<([A-Za-z][\w.\-]{0,40})(?:[ \t][^<>\n]{0,120})?\Z")
_HEADING = compiled(rb"(?P<mark>#{1,6}|={1,5}|\*{1,5}|h[1-6]\.)[ \t]+[^\n]{0,60}\Z")
_HEADING_ENDS = compiled(rb"[^\n|]{0,60}(?:\n|\Z)")
_PAGE_HEADING = compiled(rb"(?i)<h(?P<level>[1-6])\b[^<>\n]{0,80}>[^<>\n]{0,60}\Z")
_SECTION = compiled(rb"\[{1,2}[ \t]{0,2}[\w.\-:\"/ ]{0,60}\Z")
_SECTION_ENDS = compiled(rb"[\w.\-:\"/ ]{0,60}\]{1,2}[ \t]{0,8}\r?\n")
_TITLE = compiled(rb"(?:\xef\xbb\xbf)?[ \t*_\-=]{0,8}(?:[\w.&]{1,12} ){0,2}\Z")
_TITLE_ENDS = compiled(
    rb"(?: [\w.\-()&/]{1,16}){0,2}(?:\*\*|__)?(?::(?:\*\*|__)?[ \t]{0,8}\r?\n(?![ \t]+\S)|(?:\*\*|__)?[ \t\-=]{0,8}\r?\n)"
)
_NOTHING = compiled(rb"(?!)")


_MADE = compiled(rb"(?!0x[0-9a-fA-F]{1,42}\Z|[/.]|[0-9.]+\Z)(?=[^0-9]{0,64}[0-9])[0-9A-Za-z+/=_:.\-]{10,}")
_TYPED = frozenset({"passphrase", "password", "phrase", "pass", "memo", "pw", "pwd", "pp", "uid", "id"})
_LONG = 100


def is_worth(value: bytes, name: tuple[str, ...]) -> bool:
    """Whether a value of that name (in words) may be of an account: what a venue makes up has a digit, and is no address, path or
    number; what its user chose is called so. Looking far above a value costs what judging twenty does."""
    return len(value) >= _LONG or _MADE.fullmatch(value) is not None or not _TYPED.isdisjoint(name)


class Head(NamedTuple):
    """What a name heads, if it heads anything, wherever that ends."""

    opened: int = -1
    """Where the bracket of its list or object is."""
    element: tuple[int, bytes] | None = None
    """Where the start of its element ends, and what that ends with; (-1, b"") for one without content."""
    least: int = 0
    """What lines are indented by, at least, that stand in it; -1 where a bracket around it says that; 0 for no such block."""
    title: re.Pattern[bytes] | None = None
    """What ends its section."""


def ruling(
    data: bytes, at: int, mentions: Iterable[tuple[int, int, str]], fits: Callable[[str], bool], heads: dict[int, Head | None]
) -> tuple[str, int] | None:
    """The provider that `fits` and that a head among `mentions`, the nearest first, names over what stands at `at`, with what
    that says. A title ends where the next one begins, whoever that names. `heads`: what is known of this text's mentions."""
    titled = False
    for start, end, provider in islice(mentions, MOST):
        try:
            head = heads[start]
        except KeyError:
            head = heads[start] = _head(data, start, end)
        if head is None:  # most names stand in the midst of a line of code
            continue
        able = fits(provider)
        if able and _encloses(data, head, end, at):
            return provider, STRUCTURE
        if head.title is not None and not titled:
            if able and head.title.search(data, end, at) is None:
                return provider, TITLE
            titled = True
    return None


def _head(data: bytes, start: int, end: int) -> Head | None:
    """What the name data[start:end] heads; None if that is nothing."""
    low = max(data.rfind(b"\n", max(0, start - _LONGEST), start) + 1, start - _LONGEST)
    before = data[low:start]
    opener = _OPENER.match(data, end, end + 2 * _LONGEST)
    opened = -1 if opener is None else opener.start("open" if opener["open"] is not None else "block")
    found, block, least = _ELEMENT.search(before), None, 0
    if found is not None:
        closed = data.find(b">", end, end + _LONGEST)
        block = (closed, b"</" + found[1] + b">") if closed > 0 and data[closed - 1 : closed] != b"/" else (-1, b"")
    else:
        least = _least(data, before, start, end)
    short = start - low <= _SHORT and data.find(b"\n", end, end + _SHORT) >= 0
    title = _title(data, before, end) if short or b"<" in before else None
    return Head(opened, block, least, title) if opened >= 0 or block or least or title is not None else None


def _least(data: bytes, before: bytes, start: int, end: int) -> int:
    """Head.least of a name behind `before` on its line."""
    key = _KEY.fullmatch(before)
    if key is not None and _KEY_ENDS.match(data, end, end + _LONGEST):
        return len(key["indent"]) + 1
    if not _FIELD.search(before) or not _FIELD_ENDS.match(data, end):
        return 0
    if b"(" in _unpaired(data[max(0, start - 2 * _LONGEST) : start]):
        return -1
    return len(before) - len(before.lstrip(b" \t-"))


def _encloses(data: bytes, head: Head, end: int, at: int) -> bool:
    """Whether the object, the element or the block that a name heads is open at `at`."""
    if 0 <= head.opened < at and b")" not in _unpaired(data[head.opened + 1 : at]):
        return True
    if head.element is not None:
        closed, closer = head.element
        return closed > 0 and data.find(closer, closed, at) < 0
    if head.least < 0:
        return b")" not in _unpaired(data[end:at])
    return head.least > 0 and not _left(data, end, at, head.least)


def _unpaired(text: bytes) -> bytes:
    """The brackets of a text that have no other half in it, all of them written as round ones."""
    brackets = text.translate(_ALIKE, _NO_BRACKET)
    while b"()" in brackets:
        brackets = brackets.replace(b"()", b"")
    return brackets


def _left(data: bytes, low: int, high: int, least: int) -> bool:
    """Whether a line that begins between two places, and is no remark, is indented by less than `least`."""
    first = data.find(b"\n", low, high)
    return first >= 0 and compiled(rb"\n(?=[^\s#])" if least < 2 else rb"\n[ \t\-]{0,%d}(?=[^\s#\-])" % (least - 1)).search(
        data, first, high
    ) is not None


def _title(data: bytes, before: bytes, end: int) -> re.Pattern[bytes] | None:
    """What ends the section of a name that is in a heading, before the next such name does; of one that is alone on its line
    nothing else. None if it is no title."""
    heading = _HEADING.match(before)
    if heading is not None and _HEADING_ENDS.match(data, end, end + _LONGEST):
        mark = heading["mark"]
        if mark[:1] == b"h":
            return compiled(rb"\nh[1-%b]\. " % mark[1:2])
        return compiled(rb"\n%b{1,%d}[ \t]" % (re.escape(mark[:1]), len(mark)))
    page = _PAGE_HEADING.search(before)
    if page is not None:
        return compiled(rb"<[hH][1-%b]\b" % page["level"])
    if _SECTION.fullmatch(before) and _SECTION_ENDS.match(data, end, end + _LONGEST):
        return compiled(rb"\n\[{1,2}[ \t]{0,2}[\w.\-:\"/ ]{1,80}\]{1,2}[ \t]{0,8}\r?\n")
    return _NOTHING if _TITLE.fullmatch(before) and _TITLE_ENDS.match(data, end, end + _LONGEST) else None
