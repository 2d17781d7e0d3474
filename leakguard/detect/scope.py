"""Where a value stands: the objects, calls, sections, blocks and paragraph around it, read off the text itself.

No parser per language: brackets are counted, indentation compared, section headers and blank lines looked for, within
a window of bytes. That places a value in JSON, YAML, TOML, INI, environment files and the calls of a dozen languages,
also when the file is cut, commented or not quite valid, which is when a parser gives up. Brackets inside strings
are counted too: a wrong guess costs a provider's name, never a finding.

Pure functions of bytes; knows no rules. Imported by context.py, pairing.py and triage/exposure.py.
"""

from __future__ import annotations

from typing import NamedTuple

from leakguard.detect.patterns import compiled

REACH = 1600
"""Bytes before and after a value that are looked at."""

Span = tuple[int, int]

_BRACKETS = compiled(rb"[{}\[\]()]")
_OPENERS = frozenset(b"{[(")
_SECTION = compiled(
    rb"(?:\[{1,2}[ \t]{0,2}[\w.\-:\"/ ]{1,80}\]{1,2}|#{2,6}[ \t]{1,4}[^\r\n]{1,90}?)[ \t]{0,8}\r?(?=\n|\Z)"
)
"""`[section]`, `[[table]]`, and the headings of notes."""
_INDENT = compiled(rb"[ \t]*(?:- +)*")
_MOST_OBJECTS = 8
_INDENTING = (b" ", b"\t", b"-")
_ALIKE = bytes.maketrans(b"{[}]", b"(())")
_NO_BRACKET = bytes(byte for byte in range(256) if byte not in b"{[()]}")


class Place(NamedTuple):
    """What is around a value, innermost first. All spans are in the buffer."""

    line: Span
    objects: tuple[Span, ...]
    """Brackets the value is in: from the opener to its closer, or to the window's end."""
    heads: tuple[Span, ...]
    """What stands before each opener: `"binance": {`, `ccxt.okx({`, `new Client(`; YAML keys; section headers."""
    block: Span
    """Lines of the same or deeper indentation around the value's line; its YAML object."""
    section: Span
    """From the section header before it to the next one; the window if there is none."""
    paragraph: Span
    """Between blank lines."""


def place(data: bytes, start: int, end: int) -> Place:
    """The place of the value data[start:end]."""
    low, high = max(0, start - REACH), min(len(data), end + REACH)
    line = _line(data, start, end, low, high)
    objects, heads = _objects(data, start, end, low, high)
    block, keys = _block(data, line, low, high)
    section, header = _section(data, start, end, low, high)
    return Place(
        line, tuple(objects), (*heads, *keys, *header), block, section, _paragraph(data, start, end, low, high)
    )


def line_of(data: bytes, start: int, end: int) -> Span:
    """The line of data[start:end], as far as it is looked at."""
    return _line(data, start, end, max(0, start - REACH), min(len(data), end + REACH))


def stands_free(data: bytes, start: int, line: Span) -> bool:
    """Whether what starts at `start` is in no object, under no key and in no section: then `place` has no heads and no
    objects, and nothing is nearer to it than what stands on its line."""
    low = max(0, start - REACH)
    return (
        data[line[0] : line[0] + 1] not in _INDENTING
        and not _is_enclosed(data, low, start)
        and _header(data, low, start, last=True) is None
    )


def _is_enclosed(data: bytes, low: int, start: int) -> bool:
    """Whether a bracket in data[low:start] is not closed there."""
    brackets = data[low:start].translate(_ALIKE, _NO_BRACKET)
    while b"()" in brackets:
        brackets = brackets.replace(b"()", b"")
    return b"(" in brackets


def _paragraph(data: bytes, start: int, end: int, low: int, high: int) -> Span:
    before = max(data.rfind(b"\n\n", low, start), data.rfind(b"\n\r\n", low, start))
    after = [at for at in (data.find(b"\n\n", end, high), data.find(b"\n\r\n", end, high)) if at >= 0]
    return before + 2 if before >= 0 else low, min(after, default=high)


def _line(data: bytes, start: int, end: int, low: int, high: int) -> Span:
    stop = data.find(b"\n", end, high)
    return data.rfind(b"\n", low, start) + 1 or low, stop if stop >= 0 else high


def _objects(data: bytes, start: int, end: int, low: int, high: int) -> tuple[list[Span], list[Span]]:
    """The bracketed spans around a value, and what stands before them."""
    objects: list[Span] = []
    heads: list[Span] = []
    if not _is_enclosed(data, low, start):
        return objects, heads
    depth = 0
    closers = [found.start() for found in _BRACKETS.finditer(data, end, high)]
    at = 0
    for found in reversed(list(_BRACKETS.finditer(data, low, start))):
        if data[found.start()] not in _OPENERS:
            depth += 1
            continue
        if depth:
            depth -= 1
            continue
        at, close = _closer(data, closers, at)
        objects.append((found.start(), close if close >= 0 else high))
        heads.append(_head(data, found.start(), low))
        if len(objects) == _MOST_OBJECTS:
            break
    return objects, heads


def _closer(data: bytes, brackets: list[int], at: int) -> tuple[int, int]:
    """The bracket that closes one level from brackets[at] on: (index after it, offset or -1)."""
    depth = 0
    while at < len(brackets):
        offset = brackets[at]
        at += 1
        if data[offset] in _OPENERS:
            depth += 1
        elif depth:
            depth -= 1
        else:
            return at, offset
    return at, -1


def _head(data: bytes, opener: int, low: int) -> Span:
    """The text before an opener on its line; of the line before if it stands alone."""
    start = max(low, data.rfind(b"\n", low, opener) + 1, opener - 160)
    if not data[start:opener].strip() and start > low:
        start = max(low, data.rfind(b"\n", low, start - 1) + 1, opener - 160)
    # only what this opener belongs to: after the last separator that ends an earlier item
    cut = max(data.rfind(b",", start, opener), data.rfind(b";", start, opener), data.rfind(b"}", start, opener))
    return (cut + 1 if cut >= 0 else start), opener


def _block(data: bytes, line: Span, low: int, high: int) -> tuple[Span, list[Span]]:
    """The lines that belong together with a line by indentation, and the lines that head them (YAML keys)."""
    own = _indent(data, line[0])
    if own == 0:
        return (low, high), []  # nothing can head it: a log, an environment file
    start, item = line[0], _starts_item(data, line[0])
    keys: list[Span] = []
    level = own
    at = line[0]
    while at > low and len(keys) < _MOST_OBJECTS:
        before = max(low, data.rfind(b"\n", low, at - 1) + 1)
        text = data[before : at - 1]
        if text.strip():
            indent = _indent(data, before)
            if indent < level:
                if text.rstrip().endswith((b":", b"{", b"=")) or b": &" in text:
                    keys.append((before, at - 1))
                level = indent
            elif level == own and not item:
                start = before
                item = _starts_item(data, before) and indent == own
        at = before
        if level == 0 and own:
            break
    return (start, _block_end(data, line[1], own, high)), keys


def _block_end(data: bytes, at: int, own: int, high: int) -> int:
    while at < high:
        stop = data.find(b"\n", at + 1, high)
        stop = stop if stop >= 0 else high
        text = data[at + 1 : stop]
        if text.strip() and (
            _indent(data, at + 1) < own or (_starts_item(data, at + 1) and _indent(data, at + 1) <= own)
        ):
            return at
        at = stop
    return high


def _indent(data: bytes, start: int) -> int:
    """Columns before a line's first word; a YAML list dash counts as indentation."""
    found = _INDENT.match(data, start, start + 200)
    return found.end() - start if found else 0


def _starts_item(data: bytes, start: int) -> bool:
    return data[start : start + 200].lstrip(b" \t").startswith(b"- ")


def _section(data: bytes, start: int, end: int, low: int, high: int) -> tuple[Span, list[Span]]:
    """The section of an INI or TOML file a value is in, and its header."""
    header = _header(data, low, start, last=True)
    following = _header(data, end, high, last=False)
    stop = following[0] if following else high
    return ((header[0], stop), [header]) if header else ((low, stop), [])


def _header(data: bytes, low: int, high: int, last: bool) -> Span | None:
    """The last or first section header in a stretch. Headers stand at the beginning of a line."""
    best: Span | None = None
    for sign in (b"\n[", b"\n##"):
        span = _header_by(data, sign, low, high, last)
        if span and (best is None or (span > best) == last):
            best = span
    if best:
        return best
    found = _SECTION.match(data, low, low + 120) if last and low == 0 else None
    return found.span() if found else None


def _header_by(data: bytes, sign: bytes, low: int, high: int, last: bool) -> Span | None:
    """The last or first header that begins with a sign."""
    find = data.rfind if last else data.find
    at = find(sign, low, high)
    while at >= 0:
        found = _SECTION.match(data, at + 1, at + 120)
        if found:
            return found.span()
        at = find(sign, low, at) if last else find(sign, at + 1, high)
    return None


def inside(span: Span, outer: Span) -> bool:
    """Whether a span lies within another."""
    return outer[0] <= span[0] and span[1] <= outer[1]


def nested_between(data: bytes, outer: Span, at: int) -> bool:
    """Whether `at` lies in an object nested in `outer`, and not directly in it."""
    depth = 0
    for found in _BRACKETS.finditer(data, outer[0] + 1, at):
        depth += 1 if data[found.start()] in _OPENERS else -1
    return depth > 0


def in_braces(data: bytes, outer: Span, at: int) -> bool:
    """Whether the innermost bracket around `at` that lies in `outer` is a brace: of an object, and not of a call or a list."""
    depth = 0
    for found in reversed(list(_BRACKETS.finditer(data, outer[0] + 1, at))):
        depth += 1 if data[found.start()] not in _OPENERS else -1
        if depth < 0:
            return data[found.start()] == _BRACE
    return False


_BRACE = ord("{")
