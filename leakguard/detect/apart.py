"""How the scanner's databases look for triggers that cost too much as they are: in parts, or where a run of digits is.

What costs is how often a literal of a trigger is there, 40 ns each time, and each automaton of triggers without a literal. A sign
that may be one of many is in no literal, one of few is. (Longer literals are not quicker for themselves: hyperscan takes steps of
two bytes if all literals have three and more, which with two thousand of them is half as fast.)
Pure functions of patterns: what they give matches exactly where the trigger does, or at more edges. Imported by stage1.py, when it
compiles.
"""

from __future__ import annotations

import re

from leakguard.detect.sieve import BASE58_RUN
from leakguard.model import RuleSet

# Rows of the table of characters: each is known by its upper bits, by which hyperscan's literal matcher can ask for it
_ROWS = (rb"[\x00-\x1f]", rb"[ -/]", rb"[:-?]", rb"[@`]", rb"[\[-_{-\x7f]", rb"[\x80-\xff]")
_WORD_EDGE = rb"(?:^|[^0-9A-Za-z_])"
_BASE64_ENDS = re.compile(rb"\[0-9A-Za-z\+/\]\{24\}(?===$)")
_BASE64_FIFTHS = (b"[0-9+/]", b"[A-M]", b"[N-Z]", b"[a-m]", b"[n-z]")
TABLE = rb"\|[ \t]*\r?\n[ \t]*[|+]?[ \t:]*--"
INITIALS = b"(?:AK|SK|ak|sk)[\\\"']? ?[:=]"
_INITIALS_PARTS = (b"[:=]", b" [:=]", b"[\"'] ?[:=]")
_TABLE_PARTS = (rb"\|[ \t]*\r?\n--", rb"\|[ \t]*\r?\n[ \t]*[|+]?[ \t:]*[ \t:]--", rb"\|[ \t]*\r?\n[ \t]*[|+]--")


# hyperscan (0.9.1, alone and among others) loses matches of these behind some 16 bytes of other text: what may repeat stands between
# words of different lengths, as `,  password` of `(?:with|,)[ ]{1,40}password`. What a part lets through beside them the second stage
# refuses. tests/detect/test_stage1.py asks for others.
_LOST = (
    (rb"\{\s{0,20}\"(?:S|stringValue)\"", (rb"\"S\"", rb"\"stringValue\"")),
    (rb"(?:with|\x2c)[\x20\x09\x0d\x0a]{1,40}password", (b"password",)),
    (b"(?:wp|wordpress|app)", (b"wp", b"wordpress", b"app")),
)


def kept(pattern: bytes) -> list[bytes]:
    """The trigger as patterns of which hyperscan loses no match; they may match more."""
    for lost, parts in _LOST:
        if lost in pattern:
            return [pattern.replace(lost, part) for part in parts]
    return [pattern]


def apart(pattern: bytes) -> list[bytes]:
    """The same trigger as several patterns with longer literals: `--` alone is in every rule of dashes, `==` in code six times a
    kilobyte, `SD` (of USDT) in logs, `ask` and `task` everywhere."""
    if pattern.startswith(_WORD_EDGE):
        rest = pattern[len(_WORD_EDGE) :]
        return [b"^" + rest, *(row + rest for row in _ROWS)]
    if found := _BASE64_ENDS.search(pattern):
        head, tail = pattern[: found.start()], pattern[found.end() :]
        return [head + b"[0-9A-Za-z+/]{23}" + each + tail for each in _BASE64_FIFTHS]
    if INITIALS in pattern:
        head, tail = pattern.split(INITIALS)
        return [head + letters + sign + tail for letters in (b"(?:AK|SK)", b"(?:ak|sk)") for sign in _INITIALS_PARTS]
    return list(_TABLE_PARTS) if pattern == TABLE else kept(pattern)


_RUN_ALONE = re.compile(r"\[1-9A-HJ-NP-Za-km-z\]\{([0-9]+)\}")
_EDGED_RUN = re.compile(
    r"(?:(?P<word>\\b)|\(\?<!\[(?P<others>[\w+/\-]+)\]\))\(\?P<secret>(?:\[[1-9A-HJ-NP-Za-km-z]+\])?"
    r"\[1-9A-HJ-NP-Za-km-z\]\{[0-9,]+\}\)[^|]*"
)
"""A pattern of a rule that begins with such a run and the edge before it."""


def edged_runs(ruleset: RuleSet) -> dict[str, bytes]:
    """Triggers that are but a run of base58 digits which sieve.base58 sees, with the edge that all their rules ask for: alone a run
    fires at each byte from its length on, forty times in a line with a Solana signature."""
    edges: dict[str, set[bytes]] = {}
    for rule in ruleset.rules:
        run = _RUN_ALONE.fullmatch(rule.trigger)
        if run and int(run[1]) >= BASE58_RUN:
            found = _EDGED_RUN.fullmatch(rule.pattern)
            edge = "" if found is None else found["word"] or f"(?:^|[^{found['others']}])"
            edges.setdefault(rule.trigger, set()).add(edge.encode())
    return {
        trigger: each.pop() + trigger.encode() for trigger, each in edges.items() if b"" not in each and len(each) == 1
    }
