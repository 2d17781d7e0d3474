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


def ruling(
    data: bytes, at: int, mentions: Iterable[tuple[int, int, str]], fits: Callable[[str], bool]
) -> tuple[str, int] | None:
    """The provider that `fits` and that a head among `mentions`, the nearest first, names over what stands at `at`, with what
    that says. A title ends where the next one begins, whoever that names."""
    titled = False
    for start, end, provider in islice(mentions, MOST):
        low = max(data.rfind(b"\n", max(0, start - _LONGEST), start) + 1, start - _LONGEST)
        if fits(provider) and _encloses(data, low, start, end, at):
            return provider, STRUCTURE
        # most names stand in the midst of a line of code
        short = start - low <= _SHORT and data.find(b"\n", end, end + _SHORT) >= 0
        title = _title(data, data[low:start], end) if not titled and (short or data.find(b"<", low, start) >= 0) else None
        if title is not None:
            if fits(provider) and title.search(data, end, at) is None:
                return provider, TITLE
            titled = True
    return None


def _encloses(data: bytes, low: int, start: int, end: int, at: int) -> bool:
    """Whether the name data[start:end] on the line at `low` heads an object, an element or a block that is open at `at`."""
    opener = _OPENER.match(data, end, end + 2 * _LONGEST)
    if opener is not None:
        opened = opener.start("open" if opener["open"] is not None else "block")
        if opened < at and b")" not in _unpaired(data[opened + 1 : at]):
            return True
    before = data[low:start]
    element = _ELEMENT.search(before)
    if element is not None:
        closed = data.find(b">", end, end + _LONGEST)
        return closed > 0 and data[closed - 1 : closed] != b"/" and data.find(b"</" + element[1] + b">", closed, at) < 0
    key = _KEY.fullmatch(before)
    if key is not None and _KEY_ENDS.match(data, end, end + _LONGEST):
        return not _left(data, end, at, len(key["indent"]) + 1)
    if not _FIELD.search(before) or not _FIELD_ENDS.match(data, end):
        return False
    if b"(" in _unpaired(data[max(0, start - 2 * _LONGEST) : start]):
        return b")" not in _unpaired(data[end:at])
    indent = len(before) - len(before.lstrip(b" \t-"))
    return indent > 0 and not _left(data, end, at, indent)


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
