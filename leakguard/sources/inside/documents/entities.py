"""XML and HTML files with what their references stand for, in the file's own place.

`<password>Xk&amp;9</password>` gives a password that no rule sees, and so does a value in a CDATA section. References to
characters that close no tag, no quote and no other reference are put as what they stand for, the marks of CDATA are left
out, and all else is handed on byte for byte, with a map back to the file's own lines and columns. Code that a page shows in
colours (`<pre>`: Pygments, Jupyter, Sphinx, highlight.js, Prism) has a tag around each name, sign and value: between `<pre>` and
`</pre>` such tags are left out, and all references are put as what they stand for.

Promises: nothing else changes, and no tag is left out that says more than how it looks; memory is a block and 80 bytes for each of
them, with a limit that is told. What quotes and angle brackets are escaped elsewhere is left for the decoders (detect/decode.py),
which know what they enclose.
Imported by `walk`; `magic` knows these files by their names and a look for references.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from leakguard.sources.inside.base import CHUNK, Context, Member, Pieces, Stream
from leakguard.sources.inside.places import Places

LARGEST = 64 * 1024 * 1024
"""Bytes of a file; a larger one is data."""
MOST_REFERENCES = 1 << 20
_LONGEST = 16
"""Bytes of a reference or a mark: no block ends in one."""
_LONGEST_TAG = 256
_PAGES = (".html", ".htm", ".xhtml")

_MARKS = rb"&(?:amp|#([0-9]{2,3})|#[xX]([0-9A-Fa-f]{2}));|<!\[CDATA\[|\]\]>"
_REFERENCE = re.compile(_MARKS)
_IN_PAGE = re.compile(_MARKS + rb"|<pre\b", re.IGNORECASE)
_IN_CODE = re.compile(
    _MARKS + rb"|&(?:quot|lt|gt|apos|nbsp);|</?(?:pre|span|code|a|b|i|em|strong|mark|wbr|font)\b([^<>]{0,%d})>" % _LONGEST_TAG,
    re.IGNORECASE,
)
_MOST_LOOKS = 4096
_LOOKS = re.compile(
    rb"""(?:\s+(?:class|style|id|name|href|color|data-line(?:-number)?)\s{0,4}=\s{0,4}(?:"[^"&]*"|'[^'&]*'))*\s*/?""", re.IGNORECASE
)
_WORD = re.compile(rb"[\w+/=-]{25}")
"""Nothing but what is as long as a secret may be one."""
_NAMED = {b"&quot;": b'"', b"&apos;": b"'", b"&lt;": b"<", b"&gt;": b">", b"&nbsp;": b" "}
_CLOSING = frozenset(b"<>\"'&`\\")


def entities(stream: Stream, context: Context) -> Iterator[Member]:
    """The file as one text."""
    if stream.size > LARGEST:
        return  # it is left in the stream, and scanned as it stands
    text = _Text(stream, context)
    yield Member("text", Pieces(iter(text)), stream.size, "text", moved=text.places.moved)


class _Text:
    def __init__(self, stream: Stream, context: Context) -> None:
        self.stream = stream
        self.context = context
        self.places = Places()
        self.offset = self.line = self.column = self.count = 0
        self.section = self.shown = False
        self.page = context.name.lower().endswith(_PAGES)
        self.longest = _LONGEST_TAG + _LONGEST if self.page else _LONGEST
        self.looks: dict[bytes, bool] = {}
        """Tags in code, and whether they say nothing but how that looks: a page has few that differ."""

    def __iter__(self) -> Iterator[bytes]:
        rest = b""
        while True:
            data = self.stream.read(CHUNK)
            block = rest + data
            cut = len(block)
            if data:
                low = max(0, cut - self.longest)
                near = max(block.rfind(b"&", low), block.rfind(b"<", low))
                closing = cut - len(block[low:].rstrip(b"]")) - low
                near = max(near, cut - min(2, closing) if closing else -1)
                cut = near if near >= 0 else cut
            out = self._block(block[:cut])
            rest = block[cut:]
            if out:
                yield out
            if not data:
                return

    def _block(self, block: bytes) -> bytes:
        out: list[bytes] = []
        done = at = 0
        while (found := (_IN_CODE if self.shown else _IN_PAGE if self.page else _REFERENCE).search(block, at)) is not None:
            tag = block[found.start() : found.start() + 2] not in (b"<!", b"]]") and block[found.start()] == 60
            instead = self._tag(found[0], found[3] if self.shown else b"") if tag else self._stands_for(found)
            at = found.end()
            if instead is None:
                at = found.start() + 1 if tag else at
                continue
            out.append(self._add(block[done : found.start()]))
            self.count += tag or bool(instead)
            if instead:
                self.places.add(instead, self.offset, self.line, self.column)
                out.append(instead)
            self.offset += found.end() - found.start()
            self.column += found.end() - found.start()
            done = found.end()
        out.append(self._add(block[done:]))
        return b"".join(out)

    def _stands_for(self, found: re.Match[bytes]) -> bytes | None:
        """What is put in place of a reference or mark; None: itself."""
        mark = found[0]
        if mark[:1] != b"&":
            if (mark[:1] == b"<") == self.section:
                return None  # `]]>` in a script, or a section in a section
            self.section = not self.section
            return b""
        if self.section or self._is_full():
            return None
        if mark == b"&amp;":
            return b"&"
        if mark[1:2] != b"#":
            return _NAMED.get(mark.lower()) if self.shown else None
        code = int(found[1]) if found[1] else int(found[2], 16)
        return bytes((code,)) if 32 < code < 127 and (self.shown or code not in _CLOSING) else None

    def _tag(self, tag: bytes, said: bytes) -> bytes | None:
        """The same for a tag of a page: left out in code, if it says nothing but how that looks."""
        if tag[:5].lower() == b"</pre" or not self.shown:
            self.shown = not self.shown
            return None
        looks = self.looks.get(tag)
        if looks is None:
            looks = b"\n" not in said and _LOOKS.fullmatch(said) is not None and _WORD.search(said) is None and tag[:4].lower() != b"<pre"
            if len(self.looks) < _MOST_LOOKS:
                self.looks[tag] = looks
        return b"" if looks and not self._is_full() else None

    def _is_full(self) -> bool:
        """Are no more places remembered? That is told once."""
        if self.count == MOST_REFERENCES:
            self.count += 1
            self.context.tell("truncated", "", f"limit reached: only {MOST_REFERENCES} references are read as what they stand for")
        return self.count > MOST_REFERENCES

    def _add(self, data: bytes) -> bytes:
        """Handed on as it stands."""
        if data:
            self.places.add(data, self.offset, self.line, self.column)
            self.offset += len(data)
            breaks = data.count(b"\n")
            self.line += breaks
            self.column = len(data) - data.rfind(b"\n") - 1 if breaks else self.column + len(data)
        return data
