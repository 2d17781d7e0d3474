"""Phrases that nothing names: where in a buffer eleven words of the public lists follow one another, and what proves it.

Hyperscan says where eleven short words with simple separators end and a twelfth begins (`ends`); the set of all
words in ASCII drops almost all of these places before any list is loaded; then the row around the place is read word by
word (gates/words.py), and only a checksum makes a phrase of it. What is found depends on no more than AROUND bytes on
either side, so windows of any size find the same. Buffers are ASCII or not: each kind has its own automaton, because
accents cost a tenth more; words of Chinese, Japanese and Korean have one of their own, which a text without their
lead bytes passes at ten gigabytes a second.

Measured on one core: 1.5 ms a megabyte of log, 2 to 3 of source code and prose; 100 ms to compile all three. That is
why the databases are cached with the rules', and why the cold path asks `could_fire` first.
Knows no rules but their ids (RULES). Keeps nothing it reads. Imported by stage1.py, guards.py and runtime.py, and by
engine.py, looks.py and reaches.py for the finder.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from leakguard.detect.patterns import compiled
from leakguard.detect.stage1 import PHRASE_LEAST

RULES = {
    "bip39": "bip39.mnemonic",
    "electrum": "electrum.seed",
    "ton": "ton.mnemonic",
    "algorand": "algorand.mnemonic",
}
"""The rule that a phrase of a scheme is reported as; without any of them in force nothing is looked for."""

AROUND = 8 * 1024
"""Bytes on either side of an end that are read: more than forty words and their separators, beyond which a row is no
phrase with a label."""

LEAST = 11 * 4
"""Bytes that eleven words and the separators behind them take at least."""

DENSE = 12
"""A word and a separator: ends so close to one that was good are not asked again."""

LONG = 64 * 1024
"""Bytes from which compiling an automaton is sooner done than asking whether it is needed."""

NEAR = 256
"""Ends so close together are of one row, more likely than not, and looked at together."""

# A word of a list: three letters to eight. With accents, which have two bytes for a letter or a mark behind it, "the" and
# "and" and their like are left out, which are the most frequent words of prose; without, that would cost a sixth more.
_THREE = r"[b-su-z][a-z]{2}|t[a-gi-z][a-z]|a[a-mo-z][a-z]|any"
_PLAIN = r"[a-z]{3,9}"
_MARKED = rf"(?:{_THREE}|[a-z]{{4,9}}|[a-z]{{0,7}}(?:[\xc3\xc5\xcc][\x80-\xbf][a-z]{{0,7}}){{1,3}})"
_BETWEEN = r"""[\s,;|"'`.\-+0-9()\\#*\[\]>~]|[0-9]["']?:|\\[nrt]|%20"""
_BULLETS = r"\xe2\x80\xa2|\xe3\x80[\x80\x81]|\xef\xbc\x8c"
_BEYOND = r"[\xe1\xe4-\xed][\x80-\xbf]{2}|\xe3[\x81-\x83][\x80-\xbf]"
_BEYOND_GAP = r"""[\s,;"'`.0-9\\nrt|*+()#>\-]|%20|[0-9]["']?:|\xe3\x80[\x80\x81]|\xef\xbc\x8c|\xe2\x80\xa2"""

ASCII = rf"(?i){_PLAIN}(?:(?:{_BETWEEN})+{_PLAIN}){{10}}(?:{_BETWEEN})+[a-z]{{3}}"
MARKED = rf"(?i){_MARKED}(?:(?:{_BETWEEN}|{_BULLETS})+{_MARKED}){{10}}(?:{_BETWEEN}|{_BULLETS})+[a-z\x80-\xbf\xc3\xc5\xcc]{{3}}"
BEYOND = rf"(?:(?:{_BEYOND})+(?:{_BEYOND_GAP})+){{11}}[\xe1\xe3-\xed]"
PATTERNS = (ASCII, MARKED, BEYOND)
"""The first is for ASCII, the others are for all other buffers."""

STOP = frozenset(
    b"""added after and are array assert async await been bool boolean both buffer but by bytes callback called cannot
    changes char class const copyright could currencies currency data date def default delete dict does each elif errors
    event events exception fees files following for from function get given has header headers here his how http https
    implements implicit import info instance int integer interface is its json keys lambda line lines low made maker
    makes many markets may methods module modules names native new node none not null numbers of options or orders our
    param params python query read request required results returns see self set she should software some static status
    stream string struct taker tests than the their them these those throws timestamp to tokens trades tuple types
    undefined unless url user uses using value values var versions was were whether which while who with withdraw
    within without would yes your""".split()
)
"""Frequent words of code and prose that no list has: they tell that a place is no phrase before a list is loaded."""


class Found(NamedTuple):
    """A phrase in a buffer: offsets in bytes, the scheme that proves it, its language (or Electrum's kind), words."""

    start: int
    end: int
    scheme: str
    language: str
    words: int


# Everything that can stand between two words of ASCII or MARKED, and more.
_LOOSE = compiled(rb"""(?<![A-Za-z\x80-\xff])(?:[A-Za-z\x80-\xff]{2,}+(?:\\[nrt]|%20|[\s,;|"'`.\-+0-9()\\#*\[\]>:~])++){11,}+""")
_FAR = compiled(rb"[\xe1\xe3-\xed]")
_TOKEN = compiled(rb"\\+[nrt]|~~[A-Za-z]{2,12}~~|[A-Za-z\x80-\xff]+")
_NO_WORD = frozenset(b"\\~")
"""What an escaped line end and a word that was struck out begin with."""


def databases() -> list[Any]:
    """The compiled PATTERNS, in their order."""
    return [database(number) for number in range(len(PATTERNS))]


def database(number: int) -> Any:
    """One of PATTERNS as a hyperscan database."""
    import hyperscan

    made = hyperscan.Database()
    made.compile(expressions=[PATTERNS[number].encode("latin-1")], ids=[0], elements=1)
    return made


def could_fire(data: bytes) -> bool:
    """Whether the automata need to be run over a buffer: false only if `find` would find nothing in it."""
    if len(data) < PHRASE_LEAST:
        return False
    if len(data) > LONG or (not data.isascii() and _FAR.search(data)):
        return True
    for stretch in _LOOSE.finditer(data):
        run = 0
        for token in _TOKEN.findall(stretch[0]):
            if token[0] not in _NO_WORD:
                run = 0 if token.lower() in STOP else run + 1
                if run > 10:
                    return True
    return False


def good(data: bytes, ends: Iterable[int]) -> list[int]:
    """Those of the ends before which eleven words of a list may stand."""
    from leakguard.detect.gates.words import ascii_words

    listed = ascii_words()
    dense = DENSE if data.isascii() else 3 * DENSE  # a letter may take three bytes
    out: list[int] = []
    spoiled = 0
    for end in sorted(set(ends)):
        if out and end - out[-1] <= dense:
            out.append(end)  # the row that was good goes on, or has just ended: reading it will tell
            continue
        if end < spoiled:
            continue
        spoiled = near_spoiled(data, end, listed) or spoiled_until(data, end, listed)
        if not spoiled:
            out.append(end)
    return out


def near_spoiled(data: bytes, end: int, listed: frozenset[bytes]) -> int:
    """`spoiled_until` for what is quickly seen: eleven words take 44 bytes or more, and of the words in these one that no list
    has is enough. 0 says nothing."""
    start = max(0, end - LEAST - 3)
    piece = data[start:end]
    words = piece.split()
    for number in range(len(words) - 2, 0, -1):  # the first may be the end of a word, the last is the beginning of one
        word = words[number]
        if word.isalpha() and word.lower() not in listed:  # prose
            at = len(piece)
            for behind in reversed(words[number:]):
                at = piece.rfind(behind, 0, at)
            return start + at + len(word) + LEAST
    at = end
    tokens = _TOKEN.findall(piece)
    for number in range(len(tokens) - 1, 0, -1):  # the first may be the end of a word
        token = tokens[number]
        at = data.rfind(token, start, at)
        if at + len(token) < end and token.isalpha() and token.lower() not in listed:  # the last is a word's beginning
            return at + len(token) + LEAST
    return 0


def find(data: bytes, ends: Iterable[int]) -> list[Found]:
    """The phrases at these ends of PATTERNS, in their order."""
    places = good(data, ends)
    out: list[Found] = []
    first = 0
    for number, end in enumerate(places):
        if number + 1 == len(places) or places[number + 1] - end > NEAR:
            out += _read(data, places[first : number + 1])
            first = number + 1
    return out


def spoiled_until(data: bytes, end: int, known: frozenset[bytes]) -> int:
    """0 if the eleven words before an end may all be of a list; else the first offset where the next end can lie for
    which that is so again."""
    from leakguard.detect.gates.words import listed, words_of

    start = max(0, end - 160)
    if data[start:end].isascii():
        tokens = [token for token in _TOKEN.findall(data, start, end) if token[0] not in _NO_WORD][-12:-1]
        if tokens and start and data.startswith(tokens[0], start):
            del tokens[0]  # the end of a word
        return _behind(data, end, tokens, known)

    for most in (120, 600):  # a word that no list has stands near, more likely than not
        start = max(0, end - most)
        text = data[start:end].decode("utf-8", "ignore")
        words = words_of(text)
        if start:
            del words[:1]  # the end of a word
        if words and text.endswith(words[-1]):
            words.pop()  # the beginning of the twelfth
        if not all(map(listed, words[-11:])):
            return end + 1
    return 0


def _behind(data: bytes, end: int, tokens: list[bytes], known: frozenset[bytes]) -> int:
    """Where eleven words fit behind the last of the tokens before `end` that no list has; 0 if all are listed."""
    at = end
    for token in reversed(tokens):
        at = data.rfind(token, 0, at)
        if token.lower() not in known:
            return at + len(token) + LEAST
    return 0


def _read(data: bytes, ends: Sequence[int]) -> list[Found]:
    """The phrases around ends that lie close together. Most rows are short: a longer look is for those that are not."""
    found, whole = _looked(data, ends, AROUND // 8)
    return found if whole else _looked(data, ends, AROUND)[0]


def _looked(data: bytes, ends: Sequence[int], around: int) -> tuple[list[Found], bool]:
    """The phrases that lie at `ends`, and whether all rows that do so begin and stop in so many bytes around."""
    from leakguard.detect.gates.words import LONGEST_GAP, LONGEST_WORD, phrases, rows

    start, stop = max(0, ends[0] - around), min(len(data), ends[-1] + around)
    while start < ends[0] and data[start] & 0xC0 == 0x80:
        start += 1
    text = data[start:stop].decode("utf-8", "surrogateescape")
    edge = 2 * LONGEST_GAP + LONGEST_WORD
    whole = True
    out = []
    seen, at = 0, start  # a character and its byte
    for row, gaps in rows(text):
        low = at + _size(text[seen : row[0].start])
        high = low + _size(text[row[0].start : row[-1].end])
        place = bisect_right(ends, low)
        if place < len(ends) and ends[place] <= high:
            whole &= (start == 0 or row[0].start > edge) and (stop == len(data) or row[-1].end < len(text) - edge)
            for first, last, scheme, language in phrases(row, gaps, text):
                begin = low + _size(text[row[0].start : row[first].start])
                until = begin + _size(text[row[first].start : row[last - 1].end])
                out.append(Found(begin, until, scheme, language, last - first))
        seen, at = row[-1].end, high
    return sorted(out), whole


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogateescape"))
