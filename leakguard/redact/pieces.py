"""Replacements that somebody cut: `%.20s`, a column of fixed width, `...` at its end.

What is left of `<redacted:field.signature:3f9a1c>` reads like a value under a sensitive name (`eld.signature:3f9a1c`, `key='<redacted:fie`)
and is none: masked again, it would change with each cut. A piece is known by its label alone, of which it must be a part: labels are
names of kinds and of registered values, so what a piece may hold that is no label is six hex digits. Whatever else stands behind
`<redacted:` is a value. Labels are the same whoever asks, and are kept for the process; they hold no secret. Pure functions otherwise.
Imported by redact/ only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from leakguard.detect.naming import PART_NAMES
from leakguard.model import LOW_ENTROPY_PARTS

OPEN = b"<redacted:"
MARKER = re.compile(rb"<redacted:([A-Za-z0-9._\-]{1,96})(?::[0-9a-f]{6})?>")
LONGEST = 124
"""Bytes of a replacement, with the dots behind it."""
CHOSEN = LOW_ENTROPY_PARTS | {"cookie", "seed", "pin", "otp"}
"""What people choose, or what is a few digits: it has no pseudonym."""

_heads = {"field", "generic", "url", "pem", "log"}
_tails = {
    *(part for part, _ in PART_NAMES), "password", "secret", "token", "authorization", "cookie", "listen-key", "otp", "signature",
    "configured", "bot-token", "argument",
}  # fmt: skip
_whole = {"error", "depth", "cycle", "known"}
_plain: dict[bytes, bool] = {}

_CUT = re.compile(rb"(?:\.{2,3}|\xe2\x80\xa6)?\Z")
_BEGINNING = re.compile(rb"<redacted:([A-Za-z0-9._\-]*?)(:[0-9a-f]{0,6}>?)?(?:\.{2,3}|\xe2\x80\xa6)?")
_LEFT = re.compile(rb"(?:\.{2,3}|\xe2\x80\xa6)?(:?[a-z]{0,8}:)?([A-Za-z0-9._\-]{1,96}):([0-9a-f]{0,6})(>?)(?:\.{2,3}|\xe2\x80\xa6)?")
_BEFORE = re.compile(rb":([A-Za-z0-9._\-]{1,96}):?([a-z]{0,8})(.?)", re.DOTALL)
_WORD = re.compile(r"(?:[a-z]{1,20}|[A-Z]{1,20}|(?:[A-Z]?[a-z]{2,}){1,4})?[0-9]{0,4}")
"""What parts of a name are like."""


def learn(labels: Iterable[str], heads: Iterable[str] = ()) -> None:
    """Labels that replacements may have: whole ones, and beginnings before every part."""
    for label in labels:
        head, dot, tail = label.partition(".")
        if dot:
            _heads.add(head)
            _tails.add(tail)
        else:
            _whole.add(label)
    _heads.update(heads)
    _plain.clear()


def known(label: str) -> bool:
    """Whether a replacement may have this label."""
    head, dot, tail = label.partition(".")
    return head in _heads and tail in _tails if dot else label in _whole


def plausible(label: bytes) -> bool:
    """Whether a label is one: a known one, or such as somebody else may have registered, in words."""
    try:
        return _plain[label]
    except KeyError:
        text = label.decode("latin-1")
        made = known(text) or all(map(_WORD.fullmatch, re.split(r"[._\-]", text)))
        if len(_plain) > 4096:
            _plain.clear()
        _plain[label] = made
        return made


def said(value: bytes) -> bool:
    """Whether a value is a replacement, or what a cut left of one."""
    if len(value) > LONGEST:
        return False
    whole = MARKER.fullmatch(value[: _CUT.search(value).start()])  # type: ignore[union-attr]
    return plausible(whole[1]) if whole is not None else beginning(value) or _ending(value)


def beginning(value: bytes) -> bool:
    """Whether a value is the beginning of a replacement, with the dots that tell of a cut or without them."""
    if value[:1] != b"<" or len(value) > LONGEST:
        return False
    if len(value) < 14 and OPEN.startswith(value[: _CUT.search(value).start()]):  # type: ignore[union-attr]
        return True
    found = _BEGINNING.fullmatch(value)
    if found is None:
        return False
    label = found[1].decode("latin-1")
    return known(label) if found[2] else _begins(label)


def _begins(label: str) -> bool:
    head, dot, tail = label.partition(".")
    if dot:
        return head in _heads and any(one.startswith(tail) for one in _tails)
    return any(one.startswith(head) for one in _heads) or any(one.startswith(head) for one in _whole)


def _ends(label: str) -> bool:
    """Whether a label ends so that has a pseudonym."""
    head, dot, tail = label.rpartition(".")
    if dot and tail in _tails:
        return tail not in CHOSEN and any(one.endswith(head) for one in _heads)
    return any(one.endswith(label) for one in _tails if one not in CHOSEN) or any(one.endswith(label) for one in _whole)


def _ending(value: bytes) -> bool:
    """Whether a value is the end of a replacement, or its middle."""
    found = _LEFT.fullmatch(value)
    if found is None or not (found[3] or found[4]):
        return False
    label, before = found[2].decode("latin-1"), found[1]
    if before is not None:
        return OPEN.endswith(before.lstrip(b":")) and known(label) and label.partition(".")[2] not in CHOSEN
    return _ends(label)


def holds(data: bytes, start: int, end: int) -> bool:
    """Whether data[start:end], which somebody took for a value, is part of what a cut left of a replacement."""
    if end - start > LONGEST:
        return False
    value = data[start:end]
    if value[:1] == b"<":
        return beginning(value)
    if data[end : end + 1] == b">":
        value += b">"
    if b":" in value:
        return _ending(value)
    digits = _CUT.sub(b"", value.removesuffix(b">"))
    if len(digits) > 6 or digits.strip(b"0123456789abcdef"):
        return False
    back = _BEFORE.match(data[max(0, start - 120) : start][::-1])
    if back is None:
        return False
    label, sign, more = (part[::-1] for part in back.groups())
    text = label.decode("latin-1")
    if data[start - 2 - len(label) : start - 1 - len(label)] == b":":  # all of the label is there, and what stands before it
        return OPEN.endswith((more if more == b"<" else b"") + sign + b":") and known(text) and text.partition(".")[2] not in CHOSEN
    # a word of its own is a name: of `secret:3f9a` nobody knows, and `secret:3f9a1c>` is nobody's
    whole = len(digits) == 6 and value.endswith(b">")
    return (whole or b"." in label or not _is_word(text)) and _ends(text)


def _is_word(text: str) -> bool:
    """Whether a name begins where one of a label's words does."""
    return any(f"-{one}".endswith(f"-{text}") for one in (*_tails, *_whole))
