"""Text without what only a screen sees: colours of terminals, letters without width, tags of a page between words.

Knows no rules and no files. Imported by this package.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate

from leakguard.detect.decode.base import BEFORE, CHUNK, Found, Run, View
from leakguard.detect.patterns import compiled

_COLOUR = r"(?:\x1b|\\(?:u001[bB]|x1[bB]|033|e)|#033|\^\[)\[[0-9;]{0,12}m"
_NAMED_PART = "(?i:pass(?:word|wd|phrase)?|pwd|secret|token|key)"
_TAGS = "(?:li|td|span|div|p)"
_WORD_TAG = f"</{_TAGS}>"
# every alternative begins with a byte of its own: then only places with one of these bytes are looked at
_MARK = compiled(
    rb"(\x1b\[[0-9;?]{0,16}[A-Za-z]|\\(?:u001[bB]|x1[bB]|033|e)\[[0-9;?]{0,16}[A-Za-z]|#033\[[0-9;?]{0,16}[A-Za-z]"
    rb"|\^\[\[[0-9;?]{0,16}[A-Za-z]|\xe2(?:\x80[\x8b-\x8f\xaa-\xae]|\x81[\xa0\xa6-\xa9])|\xef\xbb\xbf|\xc2\xad"
    rb"|\\(?<=[A-Za-z0-9]\\)\\?(?=_[A-Za-z0-9]))"
)


def _marked(data: bytes, end: int) -> Found:
    """Text as people see it: without what colours it (logs that were made for a terminal), without the letters that editors and
    web pages put into words to break them and the strokes of Markdown and TeX (`ghp\\_...`), and with plain blanks. As far as
    such marks follow one another."""
    low = max(0, end - BEFORE)
    start = low and max(low, data.find(b"\n", low, end) + 1)
    text = data[start : start + CHUNK].replace(b"\xc2\xa0", b"  ").replace(b"\xe2\x80\xaf", b"   ")
    # coloured logs have eight marks a line: they are counted without a step of Python's for each
    parts = _MARK.split(text)
    sizes = list(map(len, parts))
    raw = [0, *accumulate(sizes)]
    far = end - start + BEFORE
    most = len(parts)
    if max(sizes[0::2]) > BEFORE:
        most = next((at for at in range(0, most - 1, 2) if sizes[at] > BEFORE and raw[at + 1] > far), most - 1) + 1
    plain = parts[0:most:2]
    places = accumulate(map(len, plain[:-1]), initial=0)
    breaks = [(place, start + low, 1, 1) for place, low in zip(places, raw[0:most:2], strict=True)]
    last = raw[most - 1]
    stop = min(len(text), max(last, end - start) + BEFORE)
    plain[-1] = text[last:stop]
    stop += start
    yield View("marked", b"".join(plain), breaks, start, stop)
    # what stands in the last of it may go on behind it: it is seen again, with what is before it
    return Run(start, stop if stop == len(data) else max(end, stop - BEFORE))


_LIST_OF_WORDS = compiled(
    rb"(?:(?:<[^<>]{1,160}>|\s|&nbsp;|[0-9]{1,2}[.):]?){1,24}+[A-Za-z]{3,9}(?=<)){11,48}+"
)
_TAG_OR_ENTITY = compiled(rb"(?:<[^<>]{1,160}>|&nbsp;|\s)+")


def _tagged(data: bytes, end: int) -> Found:
    """Words that stand one in each cell of a list, with blanks for the tags between them."""
    found = _LIST_OF_WORDS.search(data, max(0, end - 400), end + BEFORE * 4)
    if found is None or not found.start() < end <= found.end():
        return Run(end, end)
    start, stop = found.span()
    out: list[bytes] = []
    breaks: list[tuple[int, int, int, int]] = []
    at, size = start, 0
    for gap in _TAG_OR_ENTITY.finditer(data, start, stop):
        low, high = gap.span()
        for piece, place in ((data[at:low], at), (b" ", low)):
            breaks.append((size, place, 1, 1))
            out.append(piece)
            size += len(piece)
        at = high
    breaks.append((size, at, 1, 1))
    out.append(data[at:stop])
    yield View("tagged", b"".join(out), breaks, start, stop)
    return Run(start, stop)


TRIGGERS: tuple[tuple[str, str], ...] = (
    ("marked", r"\x1b\[[0-9;]{0,12}[mK]\\?[\"'`]?[A-Za-z0-9+/=_\-]{16}"),
    ("marked", r"(?:\\(?:u001[bB]|x1[bB]|033|e)|#033|\^\[)\[[0-9;]{0,12}[mK]\\{0,3}[\"'`]?[A-Za-z0-9+/=_\-]{16}"),
    # a password is shorter than what is looked at for its colour alone: its name has to stand before it
    ("marked", _NAMED_PART + r"[\"']?[ \t]?[:=][ \t]{0,2}" + _COLOUR + r"[\"'`]?[!-~]{6}"),
    ("marked", _NAMED_PART + r"[\"']?" + _COLOUR + r"[ \t]{0,2}[:=][ \t]{0,2}(?:" + _COLOUR + r")?[\"'`]?[!-~]{6}"),
    # those that turn the direction of writing hide a value as well, also between a sign and its quotation mark
    ("marked", r"[!-~](?:\xe2\x80[\x8b-\x8f\xaa-\xae]|\xe2\x81[\xa0\xa6-\xa9]|\xef\xbb\xbf|\xc2\xad)[\"'`]?[A-Za-z0-9+/=_\-]{4}"),
    # ... or between a name and what is behind it
    ("marked", r"[A-Za-z0-9_\"'](?:\xe2\x80[\x8b-\x8f\xaa-\xae]|\xe2\x81[\xa0\xa6-\xa9]|\xef\xbb\xbf|\xc2\xad)"
               r"[\"']?[ \t]{0,4}[:=][ \t]{0,4}[\"'`]?[A-Za-z0-9+/=_\-]{4}"),
    ("marked", r"[:=](?:\xc2\xa0|\xe2\x80\xaf)[\"'`]?[A-Za-z0-9+/=_\-]{12}"),
    ("marked", r"[A-Za-z]\\{1,2}_[A-Za-z0-9]{16}"),
    # words in a list or a table of a page, one in each: a recovery phrase as a page shows it
    ("tagged", _WORD_TAG + r"\s{0,20}<" + _TAGS + r"(?: [^<>]{1,60})?>(?:[0-9]{1,2}[.):]? ?)?[a-z]{3,8}" + _WORD_TAG),
)  # fmt: skip
FINDERS: dict[str, Callable[[bytes, int], Found]] = {
    "marked": _marked,
    "tagged": _tagged,
}
