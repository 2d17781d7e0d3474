"""Where providers are named around a value: whole words only, plain words only where they stand alone.

Looked for block by block, when a value asks: most texts are never asked about. Depends on no more than NEAR bytes around the
value. Knows no rules but the names it is given. Imported by context.py, and by reaches.py, which watches it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from leakguard.detect.assign import Assigned
from leakguard.detect.patterns import compiled
from leakguard.detect.prepared import ALONE

Find = Callable[[bytes], "list[tuple[int, int]]"]

NEAR = 1500
"""Bytes before a value in which its provider may be named; half as many after it."""
SAID = 5000
"""The same where people talk: a message of an export is a thousand bytes, and what a key is for was asked before it.
As far as decode.SAID."""


_BEFORE = compiled(
    rb"(?:[\"'`${]|[ ,(\[{]:|\|[ \t]?|<(?:key|t[dh]|h[1-6]|li|p|b|strong|name|exchange|venue)>|\bHM?SET |\bgeneric "
    rb"|[\n\t,][ \t]{0,16}(?:(?:\* )?- )?|#{1,6} (?:[\-=*]{2,16} )?|\[(?:exchanges?[.:])?"
    rb"|--exchange[ =]|\b(?:exchange|login|connect) |\b(?:class|import|from|let|var|val|const|local|auto|final|new|use"
    rb"|mod|namespace|module|object|enum|struct)(?: mut)? |\b(?i:cuenta|conta|konto|compte) "
    rb"|\bccxt\.New|\bccxt\\{1,2}(?:pro\\{1,2})?"
    rb"|\b(?:node|python3?|php|ruby|bun|deno) (?:[\w.\-]{1,20}/){0,4}"
    rb"|(?i:exchange|name|venue|broker|ccxt|pro|account|connector|platform|provider|(?<![a-z_])id(?![a-z]))\w{0,6}"
    rb"[\"'\]]?[ \t]{0,2}(?:=>|[:=.])[ \t]{0,2}[\"'`]?"
    rb"|(?:\A|\n)[ \t]{0,16}(?://|'|--|;|%{1,2}) "
    rb"|\b(?:bin|opt|secrets?|trading|prod|live|venues?|exchanges?|keys|creds|bots?)/"
    rb"|(?i:\b(?:keys?|creds?|credentials|secrets?|account)) (?:for|of|from|at|on) (?:my |the )?)\Z"
)
_AFTER = compiled(
    rb"(?:[_\-]\w{1,16})?(?:-(?:credentials?|creds|keys?|secrets?))?(?:[\"'`]?[ \t]{0,2}(?:[\]:=,;)}(&\t{]|</|\r?\n|\Z)"
    rb"|\.\w|::| import\b| \(| [\-=*]{2,16}| --?[a-z]| ->|/(?i:api|key|secret|pass|cred)| then\b|[ \t]{0,24}\||\\{0,3}[\"'`]| config\b"
    rb"|\((?:new |map\[|array\(|[{\[\"']|\w{2,20} ?= ?[\"'])| \w{2,16}[:=]"
    rb"|(?:[_\- ]\w{1,16}){1,3}[\"'`] {0,2}(?::|=>) {0,2}[{\[])"
)


# DeltaHTTP, WooClient: of a plain word a class that talks to a venue makes its name
_CLASS = compiled(
    rb"(?:X)?(?:Exchange|HTTP|Http|API|Api|REST|Rest|WS|Ws|WebSocket|Websocket|Futures|Spot|Private|Trading|Trader)?"
    rb"(?:Client|HTTP|Http|API|Api|REST|Rest|Exchange|Trader|Connector|Adapter|Gateway|Session|Auth|Signer|Broker|Bot|SDK|Credentials?|Creds"
    rb"|Config|Settings|Keys?|Account|Options|Service|Provider|Manager|Properties)\b"
)


_SPOKEN_OF = compiled(
    rb"(?: (?i:api))? (?i:keys?|cred(?:ential)?s?|account|testnet|mainnet|futures|spot)(?: \w{1,8}){0,3}[?.!]?[ \t]?:?[ \t]?"
    rb"(?:\\[nr]|\r?\n|[\"'`]|\Z)|(?: (?i:api))? (?i:key|secret|sec|api|pass\w{0,6}|pw|pp)(?: is)? ?[:=] {0,2}[\"'`]?[0-9A-Za-z+/=_\-]{4}"
)
"""What follows a name in the line above its keys: `the Gate keys`, `delta api key:`; or before one: `bn sec: v`."""


_HEADING = compiled(rb"(?:\A|\n)[ \t]{0,8}(?:#{1,6}|\*{1,3}|//|-{1,3}|;{1,3}) {0,2}(?:\*\*)?\Z")
_HEADS = compiled(rb" [\w\-]{1,12}:?[ \t]{0,2}(?:\*\*|-{2,3})?:?[ \t]{0,2}\r?\n")
"""What follows a name in a heading, where one word says which of its accounts: `## Delta main`."""


def stands_alone(data: bytes, start: int, stop: int) -> bool:
    """Whether data[start:stop] is a whole key, string or title, at most with a tag behind it, and no word of a text."""
    if _CLASS.match(data, stop) and data[start : start + 1].isupper() and not data[max(0, start - 1) : start].isalnum():
        return True
    if _SPOKEN_OF.match(data, stop) or (data.startswith(b"::", stop) and data[start : start + 1].isupper()):
        return True
    if _HEADS.match(data, stop) and data[start : start + 1].isupper() and _HEADING.search(data, max(0, start - 16), start):
        return True
    before = start == 0 or _BEFORE.search(data, max(0, start - 40), start)
    return bool(before) and _AFTER.match(data, stop) is not None


_LONGEST_NAME = 64
_DENSE, _SPARSE = 4096, 1024
"""Bytes in which names are looked for at once: where values stand close together, and where they do not."""


class Mentions:
    """Where providers are named in one buffer. Looked for block by block, where a value asks. `asking`: about how many
    values will."""

    __slots__ = ("_all", "_blocks", "_data", "_find", "_held", "_names", "_size", "heads")

    def __init__(self, data: bytes, find: Find, names: Sequence[Sequence[Any]], asking: int) -> None:
        self._data = data
        self._find = find
        self._names = names
        self._size = _DENSE if asking * _DENSE > len(data) else _SPARSE
        self._blocks: dict[int, list[tuple[int, int, str]]] = {}
        self._held: list[int] | None = None
        self._all: list[tuple[int, int]] | None = None
        self.heads: dict[int, Any] = {}
        """What is known of mentions, by where they begin: above.py's."""

    def around(self, assigned: Assigned, reach: int = NEAR) -> list[tuple[int, int, str]]:
        """(start, end, provider) of the names that stand as whole words near a value, but not in it: at most `reach` bytes
        before it, half as many after it."""
        start, end = assigned.start, assigned.end
        low = max(0, start - reach)
        high = min(len(self._data), end + reach // 2)
        size, blocks = self._size, self._blocks
        out = []
        for number in range(low // size, (high - 1) // size + 1):
            block = blocks.get(number)
            for mention in self._block(number) if block is None else block:  # nearly all are empty
                if mention[0] >= low and mention[1] <= high and not (mention[0] >= start and mention[1] <= end):
                    out.append(mention)
        return out

    def before(self, start: int, reach: int) -> Iterator[tuple[int, int, str]]:
        """The same of at most `reach` bytes before a place, the nearest first."""
        low, size = max(0, start - reach), self._size
        if self._held is None:  # most blocks of most texts have none: one pass over all of them tells
            self._all = sorted((end, ident) for ident, end in self._find(self._data))
            self._held = sorted({(end - 1) // size for end, _ in self._all})
        held = self._held
        for at in range(bisect_right(held, max(0, start - 1) // size) - 1, -1, -1):
            number = held[at]
            if number < low // size:
                return
            for mention in reversed(self._block(number)):
                if low <= mention[0] and mention[1] <= start:
                    yield mention

    def any(self) -> bool:
        """Whether there is one at all."""
        self._size = len(self._data) + 1
        return bool(self._block(0))

    def _block(self, number: int) -> list[tuple[int, int, str]]:
        """The mentions that end in a block."""
        known = self._blocks.get(number)
        if known is not None:
            return known
        data, names = self._data, self._names
        first = number * self._size
        last = first + self._size
        base = max(0, first - _LONGEST_NAME)
        out: list[tuple[int, int, str]] = []
        # a little beyond the end: where blocks end must not decide which of two names is the longer one
        if self._all is None:
            ends = sorted([(base + end, ident) for ident, end in self._find(data[base : last + _LONGEST_NAME])])
        else:
            ends = self._all[bisect_right(self._all, (base, -1)) : bisect_right(self._all, (last + _LONGEST_NAME, len(names)))]
        for stop, ident in ends:
            _, size, provider = names[ident]
            start = stop - size
            if start < base:
                continue
            if (start and data[start - 1] in _INSIDE and data[start] in _LOWER) or not _is_word(data, start, stop):
                continue
            if provider[0] == ALONE:
                if not stands_alone(data, start, stop):
                    continue
                provider = provider[1:]
            # binance in binance_us: the longer name is the one that was meant
            while out and out[-1][0] >= start and out[-1][1] < stop:
                out.pop()
            if not (out and out[-1][0] < start and out[-1][1] == stop):
                out.append((start, stop, provider))
        out = self._blocks[number] = [mention for mention in out if first < mention[1] <= last]
        return out


_IN_TOKEN = compiled(rb"[0-9]{1,8}[A-Za-z]")
_HEX = compiled(rb"[a-fA-F]+\Z")
_CLASS_SIGN = compiled(rb"(?:\A|[^0-9A-Za-z_])[CIT][A-Z]")
"""What some languages' classes and interfaces begin with, before their name."""
_LIBRARY = compiled(rb"(?<![A-Za-z])[Pp]y\Z")
_OF_API = compiled(rb"(?i:api|client|bots?|cpp|cc|(?:api|secret)?(?:key|secret))(?![A-Za-z])")


_DIGIT, _SMALL, _CAPITAL = 1, 2, 3
_KINDS = bytes(
    _DIGIT if 48 <= byte <= 57 else _SMALL if 97 <= byte <= 122 else _CAPITAL if 65 <= byte <= 90 else 0 for byte in range(256)
)
"""What each byte of a name is, 0 for all that is neither a letter nor a digit."""
_LOWER = frozenset(b"abcdefghijklmnopqrstuvwxyz")
_INSIDE = _LOWER - frozenset(b"y")
"""Before a small letter: the rest of a word, and not the `py` that a library's name may begin with. Most names stand so."""


_RUN = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz+/"
_DIGITS = compiled(rb"[0-9]")


def _beside(data: bytes, start: int, end: int, most: int, signs: bytes) -> tuple[bytes, bytes]:
    """The runs of such signs that end where a name begins, and begin where it ends. (A pattern for the first would be tried at each
    of its bytes.)"""
    before, after = data[max(0, start - most) : start], data[end : end + most]
    return before[len(before.rstrip(signs)) :], after[: len(after) - len(after.lstrip(signs))]


def _in_value(data: bytes, start: int, end: int) -> bool:
    """Whether what is as short as a name of two letters stands in the middle of a value: a long run with digits of its own."""
    before, after = _beside(data, start, end, 40, _RUN)
    around = before + after
    return len(around) >= 16 and len(_DIGITS.findall(around)) >= 2


_JOINS = (b"-", b"_", b"+", b"/")
_TOKEN = _RUN + b"_-"
_TURNS = compiled(rb"[a-z][A-Z]|[0-9][A-Za-z]|[A-Z][0-9]")


def _in_token(data: bytes, start: int, end: int) -> bool:
    """The same where a sign that a name may have, too, stands beside it: more turns between cases and digits than words make."""
    before, after = _beside(data, start, end, 60, _TOKEN)
    around = before + b" " + after
    return len(around) >= 20 and len(_TURNS.findall(around)) >= 6 and len(_DIGITS.findall(around)) >= 3


def _is_word(data: bytes, start: int, end: int) -> bool:
    """Whether data[start:end] begins and ends where a word of a name does: at a non-letter or a change of case."""
    before = _KINDS[data[start - 1]] if start else 0
    after = _KINDS[data[end]] if end < len(data) else 0
    if end - start < 4 and (before == _DIGIT or (after == _DIGIT and (_IN_TOKEN.match(data, end) or _HEX.match(data, start, end)))):
        return False  # fb in 3fb0ec78, aad in 3fa8-aad1-90e5
    if end - start < 4 and before and after and _in_value(data, start, end):
        return False  # s3 in a key: IVbS3BHk
    beside = before or after or data[start - 1 : start] in _JOINS or data[end : end + 1] in _JOINS
    if end - start < 4 and beside and _in_token(data, start, end):
        return False  # BFX in a key of URL-safe base64, and where one ends: rV3-BFX-Ru9, hC0uzBFX
    if before >= _SMALL:
        first = _KINDS[data[start]]
        joined = first >= _SMALL and not (before == _SMALL and first == _CAPITAL)
        known = end - start > 3 and _LIBRARY.search(data, max(0, start - 3), start)
        known = known or (end - start > 2 and _CLASS_SIGN.match(data, max(0, start - 2)))
        if joined and not known:
            return False  # but pybithumb, CBinanceApi
    if after < _SMALL or (last := _KINDS[data[end - 1]]) < _SMALL:
        return True
    if end - start > 4 and _OF_API.match(data, end):
        return True  # zaifapi
    # binanceKey, OKXClient: a capital after small letters, or one that begins a word of small letters
    return after == _CAPITAL and (last == _SMALL or data[end + 1 : end + 2].islower())
