"""What the small databases of the runtime profile (runtime.py) look for, made of what the large one does.

The guard fires wherever the large one may, and takes half of its time: most rules describe long tokens, which one
pattern finds. Two more are for texts in which all that fired was masked: one for any text, one for those that quick.py masked.
Each is safe: what they do not see is not there. Pure functions of patterns, called when nothing is in the cache.
Imported by runtime.py, and by redact/ for what the guard does not judge.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from leakguard.detect.apart import INITIALS, apart
from leakguard.detect.assign import MASKED_TRIGGERS
from leakguard.detect.decode import TEXT_TRIGGERS, TRIGGERS
from leakguard.detect.stage1 import CONTEXT_BASE, DECODE_BASE, TEXT_BASE

LONG = 20
"""Bytes of a token from which the guard sees it."""
LONGER = 24
"""The same where secrets are masked: the names that stay have up to twenty (OK-ACCESS-PASSPHRASE)."""
HEX_LONG = 16
"""The same of hex digits, also in pairs: fewer hold less than a name of three letters, a sign and a value of four."""
HEX = frozenset(TEXT_BASE + number for number, (kind, _) in enumerate(TEXT_TRIGGERS) if kind == "hex")
"""Triggers of encoded text that HEX_LONG digits stand for."""
_LISTED = rb"[(\[{](?:[\"'][A-Za-z][\w.\- ]{1,16}[\"'], ?){1,2}[\"']"
_FIRST, _NEXT = rb"[\"'][A-Za-z][\w.\- ]+[\"'],", rb"(?:[\"'][A-Za-z][\w.\- ]+[\"'], ?)"
_SHARED = rb"[\x20\x09]{1,8}(?:PSK|XAUTH|EAP)[\x20\x09]{1,8}\x22"
_WIDER = {
    text.encode(): b"[\"'`](?:[+.&|]|[ \\t](?:[+.&|]|[ \\t]))"
    for kind, text in TRIGGERS if kind == "join" and "\\n" not in text
}  # fmt: skip
"""What is wherever a trigger is that has no literal: an automaton over all of a text costs a sixth of the guard."""


def _wider(pattern: bytes) -> tuple[bytes, ...]:
    """What is wherever one of the few triggers is that cost the guard a tenth each: most of it is what stands before their literal,
    and any number of times. None for all others."""
    from leakguard.detect.runs import relaxed

    if pattern.startswith(_LISTED):
        rest = rb"[\"']" + pattern[len(_LISTED) :]
        return tuple(rb"[(\[{]" + _FIRST + blank + several + rest for several in (b"", _NEXT) for blank in (b"", b" "))
    if _SHARED in pattern:
        return (rb"[ \t](?:PSK|XAUTH|EAP)[ \t]+[^\r\n]{6}",)
    if INITIALS in pattern:
        return tuple(map(relaxed, apart(pattern)))
    return (_WIDER[pattern],) if pattern in _WIDER else ()


_WOKEN = (
    (
        rb"(?:\xd9[\x08-\xff]|\xda[\x00-\x0f][\x00-\xff]|[\xa8-\xbf]|x[\x18-\xff]|[\x12\x1a][\x08-\xff][\x01-\x1f]?"
        rb"|[A-Za-z]?\x00{1,3}[\x08-\xff]|(?:[\x01-\x1f]\x00{3})?[\x08-\xff]\x00{3,7})",
        (
            rb"(?:\xd9[\x08-\xff]|\xda[\x00-\x0f][\x00-\xff]|[\xa8-\xbf]|x[\x18-\xff]|[\x12\x1a][\x08-\xff][\x01-\x1f]?"
            rb"|[A-Za-z]?\x00{1,3}[\x08-\xff])",
            rb"[\x01-\x1f]\x00{3}[\x08-\xff]\x00{3,7}",
            rb"[\x08-\xff]\x00{3,7}",
        ),
    ),
    (
        rb"(?:passphrase|pass_?phrase|pass_?word|webhook_?(?:secret|key|passphrase)|alert_?(?:secret|key)|secret(?:_?key)?"
        rb"|auth_?(?:token|key|id)|token)",
        (
            rb"(?:passphrase|pass_?phrase|pass_?word|webhook_?(?:secret|key|passphrase)|alert_?(?:secret|key)|secret(?:_?key)?"
            rb"|auth_?(?:token|key|id))",
            b"token",
        ),
    ),
)
"""What JSON wakes at each name, and in what parts it sleeps on: where all alternatives of one go on with few bytes, hyperscan looks
at these before it starts an automaton. Of a line of `{"token": "` a fifth."""
_ANCHORED = {
    b"[1-9A-HJ-NP-Za-km-z]{51}": b"\\b[1-9A-HJ-NP-Za-km-z]{51}",
}
"""Triggers that are but a run of digits, and what they are looked for as here: with the edge that all their rules ask for (keys
of Bitcoin and Solana). A run alone is the cheapest automaton there is, which is why the scanner has it, but fires at each byte
from its length on: forty times in a line with a Solana signature, and each time costs what a hundred bytes do."""
ASK = frozenset(b"\n\0\x08\x1b\\%")
"""A text with one of these bytes is asked about anyway: lines, terminal escapes, escaped text."""
_NOT_ASCII = frozenset(range(128, 256))
MADE_OF = (LONG, LONGER, HEX_LONG, _WIDER, tuple(_ANCHORED.items()), MASKED_TRIGGERS, _WOKEN)
"""What the small databases depend on beside the large one's patterns."""


MOST_WORDS = 40
"""Words of an alternation up to which hyperscan looks for them as words: from some sixty on it takes an automaton for
all of the pattern, which makes the whole database half as fast."""


def parted(patterns: Sequence[bytes], ids: Sequence[int]) -> tuple[list[bytes], list[int]]:
    """The same patterns; one that begins with an alternation of many words as several, under the same identifier, those that
    the scanner's databases have in parts likewise (apart.py), and a run that has an edge with it."""
    out: list[bytes] = []
    numbers: list[int] = []
    each_alone = [(each, ident) for given, ident in zip(patterns, ids, strict=True) for each in _each(_ANCHORED.get(given, given))]
    for pattern, ident in each_alone:
        words, rest = _words(pattern)
        if len(words) <= MOST_WORDS:
            words, rest = [pattern], b""
        for at in range(0, len(words), MOST_WORDS):
            several = words[at : at + MOST_WORDS]
            out.append(b"(?:" + b"|".join(several) + b")" + rest if rest else several[0])
            numbers.append(ident)
    return out, numbers


def _each(pattern: bytes) -> list[bytes]:
    for piece, parts in _WOKEN:
        if piece in pattern:
            return [pattern.replace(piece, part) for part in parts]
    return [pattern] if INITIALS in pattern else apart(pattern)  # here more literals of two bytes cost prose a tenth


def _words(pattern: bytes) -> tuple[list[bytes], bytes]:
    """The alternatives that a pattern begins with, and what follows them; none if it does not."""
    from leakguard.detect.runs import class_end

    if not pattern.startswith((b"(?:", b"(?i:")):
        return [], b""
    sign = b"(?i:" if pattern.startswith(b"(?i:") else b""
    starts = pattern.index(b":") + 1
    depth, at, words = 1, starts, list[bytes]()
    while at < len(pattern):
        byte = pattern[at : at + 1]
        if byte == b"[":
            at = class_end(pattern, at)
            continue
        depth += (byte == b"(") - (byte == b")")
        if (byte == b"|" and depth == 1) or not depth:
            words.append(pattern[starts:at])
            starts = at + 1
        if not depth:
            break
        at += 2 if byte == b"\\" else 1
    if depth:
        return [], b""
    out: list[bytes] = []
    for word in words:
        inner, rest = _words(word)
        out += inner if inner and not rest else [word]
    return [sign + word + b")" for word in out] if sign else out, pattern[at + 1 :]


def guards(patterns: Sequence[bytes], ids: Sequence[int], masked: bool = False) -> list[bytes]:
    """What the guard looks for: at least one of these is wherever one of `patterns` is, or a byte of ASK is, or one that
    is not ASCII. Most rules describe long tokens, and most records have none: so the others are left, which take
    half of the time. `masked`: for Merged.after, in texts with any bytes."""
    from leakguard.detect.runs import longest_run, relaxed

    asked: frozenset[int] = frozenset() if masked else ASK | _NOT_ASCII
    long = LONGER if masked else LONG
    out = [b"[A-Za-z0-9+/_\\-]{%d}" % long, b"[0-9A-Fa-f: ]{%d}" % HEX_LONG]
    for pattern, ident in zip(patterns, ids, strict=True):
        if ident in HEX:
            continue
        if masked and CONTEXT_BASE <= ident < DECODE_BASE:
            out.append(MASKED_TRIGGERS[ident - CONTEXT_BASE].encode())
            continue
        if wider := _wider(pattern):
            out += wider
            continue
        try:
            found = longest_run(pattern.decode())
        except (re.error, UnicodeDecodeError):
            found = None
        if found is None or not (found.run >= long or found.needs & asked):
            out.append(relaxed(pattern))
    return list(dict.fromkeys(out))  # parts may be alike here


def phrase() -> bytes:
    """phrases.ASCII, but for the most frequent words of three letters, which no list has: in prose it would fire at each word,
    and that is a flood."""
    from leakguard.detect import phrases

    words = rf"(?:{phrases._THREE}|[a-z]{{4,9}})"
    return phrases.ASCII.replace(phrases._PLAIN, words).encode()


def crossing(patterns: Sequence[bytes], ids: Sequence[int]) -> list[bytes]:
    """What could fire across a mask, which holds one of its edges at least. Where all that fires in a line was masked,
    nothing else can fire: it would have fired before. But for names: quick.py sees to it that a mask begins or ends
    no value of theirs (quick.alone)."""
    from leakguard.detect.runs import crosses, relaxed

    out = []
    for pattern, ident in zip(patterns, ids, strict=True):
        if ident in (CONTEXT_BASE, CONTEXT_BASE + 1) or b"<redacted:" in pattern:
            continue  # (a mask is none that only begins like one)
        try:
            wanted = crosses(pattern.decode())
        except (re.error, UnicodeDecodeError):
            wanted = True
        if wanted:
            # what goes on over lines is not left in a line, and would be looked for in all that follow
            out.append(relaxed(pattern).replace(b"[\\s\\S]*", b"[^\\n]*"))
    return out
