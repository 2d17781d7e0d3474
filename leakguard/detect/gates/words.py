"""Gates for mnemonic phrases, and the finder of BIP-39 phrases in running text.

Promise: no output, no exceptions on odd input, nothing kept but the public word lists, each read when it is first asked
for (2 ms). `bip39_runs` returns words of a phrase: its caller holds a secret then, and nobody else may.
Imported by detect/ only; imports nothing else of the project. The ten official lists are those that come with `mnemonic`
(Trezor's). Without it the gate cannot decide (PASS) and `bip39_runs` raises ImportError: a scan that cannot look for
phrases must not call a text clean.

What counts as a phrase in running text (the guard against prose, word lists and tables):
* 12, 15, 18, 21 or 24 words of one list, in a row, whose checksum holds. Words of a row are separated by spaces,
  line ends (also written as backslash-n), commas, semicolons, bars, quotes (also a mail's `>`), hyphens, bullets, `+` and
  `%20` as in a URL, or numbering (`1.`, `2)`, `#3`); a full stop, colon, equals sign, bracket or any other word ends the row.
  Chinese words must be separated, too, so Chinese prose forms no rows.
* A piece of a row between two changes of separator (a line, a quoted list, a column) that has exactly such a
  length is tried first, then the whole row. Windows inside a row are tried only if none of these is a phrase and the
  row has at most 40 words, and of a size only if they are so few that chance would not pass one (four of 12, eight of
  15, 64 of 24): then a label such as "wallet seed" may stand before the phrase, but lists of words give no hits. In a
  row that has a phrase's length itself only what stands at its end is tried: labels stand before.
* A word that was struck out (`~~like this~~`) is none: the right one stands beside it.
* Words that are numbered from one on in another order than they stand in, as in two columns, are read by their numbers.
* Rows of list words that another scheme of the same lists proves: 24 of TON, 25 of Algorand, 12 of Electrum.
* Chinese characters of which two more stand on a side, separated alike or by a hyphen, are no phrase: a text whose characters
  are all separated has them by the page.
* Words in quotes, or with commas between them, of which three more stand on both sides, separated alike (of words one a line
  six), are an excerpt of a longer list of words, as a generator of texts has it; options of a program (`--force`) are none.
* Not a phrase: words in the order of the list but for one in eight (an excerpt of it); more repeated words than
  chance gives (tables, and the published examples of one repeated word); capitals mixed as prose mixes them.
What passes by chance: one row of 12 list words in 16, of 24 in 256. Rows of 12 are what prose does not have.

The gates of schemes with lists of their own: SLIP-39 by Trezor's `shamir-mnemonic` (list and RS1024 code), Monero by
the repeated word that closes its phrases, which needs no list.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any, NamedTuple

from leakguard.detect.gates import Candidate, Verdict
from leakguard.detect.patterns import compiled

REJECT, PASS, PROVEN = Verdict.REJECT, Verdict.PASS, Verdict.PROVEN

LANGUAGES = (
    "english", "spanish", "french", "italian", "portuguese", "czech", "japanese", "korean",
    "chinese_simplified", "chinese_traditional",
)  # fmt: skip
"""The official lists, in the order they are tried."""
_ASCII = LANGUAGES[:6]
"""Those with words in ASCII."""

SIZES = (24, 21, 18, 15, 12)
LENGTHS = frozenset((*SIZES, 25))
"""With the 25 words of Algorand."""
LONGEST_ROW = 40
MOST_LABELS = 6
"""List words in front of a phrase that are looked past in any case."""
LONGEST_GAP = 40
LONGEST_WORD = 16
"""Characters; those of the lists have eleven at most, in NFKD."""

# Letters, and the accents that decomposed text puts after them. An escaped line end must not lend its n to a word.
_MARK = r"[\u0300-\u036f\u3099\u309a]"
_WORD = rf"\\+[nrt]|~~[^\W\d_]{{2,12}}~~|([^\W\d_]+(?:{_MARK}+[^\W\d_]*)*)"
_OPTION = (" --", "\n--")
_GAP = r"""(?x)(?: [\s,;|"'`*+>\u2022\u3001\uff0c-] | %20 | ~~[^\W\d_]{2,12}~~ | \\+["'nrt] | [#(]?\d{1,2}["']?[.):]? )+"""

# Stretches that could hold a row, so that the slower search by words skips the rest: twelve short words without a
# long one between. ASCII lists have words of three to eight letters (nine with the n of an escaped line end).
_STRETCH = r"(?<![A-Za-z])(?:[A-Za-z]{3,9}+[^A-Za-z]{1,40}+){11,}+(?:[A-Za-z]{3,9})?"
_WORD_ANY = rf"(?:[A-Za-z]{{3,9}}+(?![^\W\d_]|{_MARK})|(?=[A-Za-z]{{0,9}}[^\x00-\x7f])(?:[^\W\d_]|{_MARK}){{1,24}}+)"
_STRETCH_ANY = rf"(?<![^\W\d_])(?:{_WORD_ANY}(?:(?!{_MARK})[\W\d_]){{1,40}}+){{11,}}+(?:{_WORD_ANY})?"

LATER = (_WORD, _GAP, _STRETCH, _STRETCH_ANY)
_SEPARATED = compiled(r"""[,;"'`|]""")


class _Word(NamedTuple):
    """One list word in a text: where, as written, and its place in each list that has it."""

    start: int
    end: int
    written: str
    places: Mapping[str, int]


def _folder() -> str:
    """Where the official lists lie. ImportError without `mnemonic`."""
    from importlib.util import find_spec

    spec = find_spec("mnemonic")
    if spec is None or not spec.submodule_search_locations:
        raise ImportError("mnemonic")
    return os.path.join(spec.submodule_search_locations[0], "wordlist")


def _words_in(language: str) -> list[str]:
    with open(os.path.join(_folder(), f"{language}.txt"), encoding="utf-8") as lines:
        return lines.read().split()


@cache
def _list(language: str) -> Mapping[str, int]:
    """The words of one list, in NFKD, and their places."""
    from unicodedata import normalize

    return {
        word if word.isascii() else normalize("NFKD", word): index for index, word in enumerate(_words_in(language))
    }


_NOWHERE: Mapping[str, int] = {}


class _Book:
    """All lists. Reads those that have words in a word's alphabet, each when it is first asked: Trezor's own reader takes
    30 ms for the ten, which every worker paid for the first row of words it met."""

    def __init__(self) -> None:
        self._known: dict[str, Mapping[str, int]] = {}
        """Words of lists that were asked for, and no others."""
        self._of: Mapping[str, int] = {}
        """The list that was read first, then."""

    def get(self, word: str) -> Mapping[str, int]:
        """A word's place in each list that has it."""
        first = _list(_ASCII[0])
        if first is not self._of:
            self._known, self._of = {}, first
        known = self._known.get(word)
        if known is None:
            if word.isascii() and word.encode() not in ascii_words():
                return _NOWHERE  # most words
            languages = _ASCII if word.isascii() else LANGUAGES
            known = {language: _list(language)[word] for language in languages if word in _list(language)}
            if known:
                self._known[word] = known
        return known

    def __contains__(self, word: str) -> bool:
        return any(word in _list(language) for language in (_ASCII if word.isascii() else LANGUAGES))


_BOOK = _Book()


@cache
def ascii_words() -> frozenset[bytes]:
    """The words of all lists that are written in ASCII. ImportError without `mnemonic`."""
    words: list[bytes] = []
    for language in _ASCII:
        with open(os.path.join(_folder(), f"{language}.txt"), "rb") as lines:
            text = lines.read()
        words += text.split() if text.isascii() else filter(bytes.isascii, text.split())
    return frozenset(words)


def _folded(word: str) -> str:
    from unicodedata import normalize

    return word.lower() if word.isascii() else normalize("NFKD", word.lower())


def _checksum_holds(indexes: Sequence[int]) -> bool:
    """BIP-39: the last bit of each 33 is from the SHA-256 of the bits before."""
    from hashlib import sha256

    number = 0
    for index in indexes:
        number = number << 11 | index
    check = len(indexes) // 3
    entropy = (number >> check).to_bytes(check * 4, "big")
    return sha256(entropy).digest()[0] >> (8 - check) == number & ((1 << check) - 1)


def _plausible(words: Sequence[_Word], indexes: Sequence[int]) -> bool:
    """The guards against excerpts of a list, tables and prose; see the module's promise."""
    from itertools import pairwise

    up = sum(after > before for before, after in pairwise(indexes))
    down = sum(after < before for before, after in pairwise(indexes))
    if max(up, down) >= len(indexes) - 1 - len(indexes) // 8:  # one phrase of twelve words in 100,000 is so ordered
        return False
    if len(set(indexes)) < len(indexes) - 2 - len(indexes) // 12:
        return False
    written = [word.written for word in words if word.written.lower() != word.written.upper()]
    styles: tuple[Callable[[str], bool], ...] = (str.islower, str.isupper, str.istitle)
    uniform = any(all(style(word) for word in written) for style in styles)
    return uniform or (written[0].istitle() and all(word.islower() for word in written[1:]))


def rows(text: str) -> Iterator[tuple[list[_Word], list[str]]]:
    """Rows of at least twelve list words, with the separators between them, in order."""
    return _rows_between(text, 0, len(text))


def _rows(text: str) -> Iterator[tuple[list[_Word], list[str]]]:
    """The same, for much text: what cannot hold a row is skipped."""

    for stretch in compiled(_STRETCH if text.isascii() else _STRETCH_ANY).finditer(text):
        # Two characters more: the backslash of an escaped line end before the first word.
        yield from _rows_between(text, max(0, stretch.start() - 2), stretch.end())


def _rows_between(text: str, start: int, end: int) -> Iterator[tuple[list[_Word], list[str]]]:

    book, gap = _BOOK, compiled(_GAP)
    row: list[_Word] = []
    gaps: list[str] = []
    for found in compiled(_WORD).finditer(text, start, end):
        written = found[1]
        if written is None:
            continue
        places = book.get(written)
        if not places and not (written.isascii() and written.islower()):
            places = book.get(_folded(written))
        between = text[row[-1].end : found.start(1)] if row else ""
        if row and (not places or len(between) > LONGEST_GAP or not gap.fullmatch(between) or between.endswith(_OPTION)):
            if len(row) >= SIZES[-1]:
                yield row, gaps
            row, gaps = [], []
        if places:
            if row:
                gaps.append(between)
            row.append(_Word(found.start(1), found.end(1), written, places))
    if len(row) >= SIZES[-1]:
        yield row, gaps


@lru_cache(maxsize=1024)
def _kind(gap: str) -> str:
    """What a separator is, whatever the word: numbers differ from word to word, and so does padding."""
    import re

    return re.sub(r"\d+", "1", re.sub(r"[ \t]+", " ", gap))


def _pieces(gaps: list[str]) -> set[tuple[int, int]]:
    """(first, end) of pieces of a row with one kind of separator throughout, and of the whole row."""
    kinds = [_kind(gap) for gap in gaps]
    pieces = {(0, len(gaps) + 1)}
    start = 0
    for place in range(1, len(kinds) + 1):
        if place == len(kinds) or kinds[place] != kinds[start]:
            pieces.add((start, place + 1))
            start = place
    # A line's last word and the next line's first stand on both sides of a gap of another kind.
    return pieces


def _windows(row: list[_Word], gaps: list[str]) -> list[tuple[int, int]]:
    """The pieces of a row that have the length of a phrase, longest first."""
    fitting = [(start, end) for start, end in _pieces(gaps) if end - start in LENGTHS]
    return sorted(fitting, key=lambda item: (item[0] - item[1], item[0]))


def _inner_windows(count: int) -> list[tuple[int, int]]:
    """The windows inside a row of so many words, longest first and of these the last, as labels stand before a phrase;
    none of a size that chance would pass one of, but always what ends a short row."""
    if count > LONGEST_ROW:
        return []
    windows = []
    for size in SIZES:
        places = count - size + 1
        if count not in SIZES and 0 < places <= 1 << (size // 3 - 2):
            windows += [(start, start + size) for start in reversed(range(places))]
        elif 0 < count - size <= MOST_LABELS:
            windows.append((count - size, count))
    return windows


def phrases(row: list[_Word], gaps: list[str], text: str) -> Iterator[tuple[int, int, str, str]]:
    """(first, end, scheme, language) of the phrases in one row of a text, longest first, none overlapping another."""
    numbered = _by_numbers(row, gaps, text)
    proof = _scheme(numbered, whole=True) if numbered else None
    if proof:
        yield 0, len(row), *proof
        return
    taken: set[int] = set()
    for whole, windows in ((True, _windows(row, gaps)), (False, _inner_windows(len(row)))):
        if taken:
            return
        for start, end in windows:
            if taken.isdisjoint(range(start, end)) and (proof := _scheme(row[start:end], whole)):
                if (_goes_on if proof[1].startswith("chinese") else _is_excerpt)(row, gaps, text, start, end):
                    continue
                taken.update(range(start, end))
                yield start, end, *proof


_NUMBER = compiled(r"(\d{1,2})[\"']?[.):\-]?[\s\"'`*|]{0,6}\Z")


def _by_numbers(row: list[_Word], gaps: list[str], text: str) -> list[_Word]:
    """The words of a row by the numbers before them, if these are 1 to a phrase's length in an order of their own; else []."""
    if len(row) not in SIZES or not any(gap[:1].isspace() and any(map(str.isdigit, gap)) for gap in gaps):
        return []
    before = (text[max(0, row[0].start - 12) : row[0].start], *gaps)
    numbers = [int(found[1]) if (found := _NUMBER.search(gap)) else 0 for gap in before]
    if numbers == sorted(numbers) or sorted(numbers) != list(range(1, len(row) + 1)):
        return []
    return [word for _, word in sorted(zip(numbers, row, strict=True), key=lambda pair: pair[0])]


def _goes_on(row: list[_Word], gaps: list[str], text: str, first: int, last: int) -> bool:
    """Whether row[first:last] is a piece of something longer that is separated alike: pages of manuals have a space
    between all characters, and tables of characters a number. Every other character of a text is in the lists."""
    kinds = {_kind(gap) for gap in gaps[first : last - 1]} | {"-"}
    low, high = row[first].start, row[last - 1].end
    for spans in _beside(text, low, high, 2):
        ideographs = all(stop - start == 1 and _is_cjk(text[start]) for start, stop in spans if start < low or stop > high)
        if len(spans) == 3 and ideographs and _between(text, spans) <= kinds:
            return True
    return False


def _is_excerpt(row: list[_Word], gaps: list[str], text: str, first: int, last: int) -> bool:
    """Whether row[first:last] is a piece of a longer list, of whose words others are in no list: in such a one twelve that
    are stand in a row often enough for a checksum of four bits to hold."""
    kinds = {_kind(gap) for gap in gaps[first : last - 1]}
    if not all(kind.strip(" ") for kind in kinds):
        return False  # prose: whatever stands around it is prose, too
    most = 3 if all(map(_SEPARATED.search, kinds)) else 6
    low, high = row[first].start, row[last - 1].end
    return all(len(spans) == most + 1 and _between(text, spans) <= kinds for spans in _beside(text, low, high, most))


def _beside(text: str, low: int, high: int, most: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """The spans of so many words before text[low:high], with that, and that with those behind it."""
    word, around = compiled(_WORD), most * (LONGEST_GAP + LONGEST_WORD)
    before = [found.span(1) for found in word.finditer(text, max(0, low - around), low) if found[1]][-most:]
    behind = [found.span(1) for found in word.finditer(text, high, high + around) if found[1]][:most]
    return [*before, (low, high)], [(low, high), *behind]


def _between(text: str, spans: list[tuple[int, int]]) -> set[str]:
    """The kinds of what separates them."""
    from itertools import pairwise

    return {_kind(text[one[1] : other[0]]) for one, other in pairwise(spans)}


def _scheme(window: list[_Word], whole: bool) -> tuple[str, str] | None:
    """(scheme, language) that proves a window to be a phrase. `whole`: nothing but its length made it one, so that
    schemes other than BIP-39 are asked, too."""
    english = [word.places.get("english", -1) for word in window]
    others = whole and min(english) >= 0 and _plausible(window, english)
    kind = ""
    if others and len(window) == 12:
        kind = _electrum_kind([_folded(word.written) for word in window])
        if kind and kind != "standard":
            return "electrum", kind  # twelve bits against BIP-39's four
    if len(window) in SIZES:
        for language in LANGUAGES:
            indexes = [word.places.get(language, -1) for word in window]
            if min(indexes) >= 0 and _checksum_holds(indexes) and _plausible(window, indexes):
                return "bip39", language
    if kind:
        return "electrum", kind
    if others and len(window) == 25 and _algorand_holds(english):
        return "algorand", "english"
    if others and len(window) == 24 and _ton_kind([_folded(word.written) for word in window]):
        return "ton", "english"
    return None


def words_of(text: str) -> list[str]:
    """Every word of a text, as written."""

    return [found[1] for found in compiled(_WORD).finditer(text) if found[1]]


def listed(word: str) -> bool:
    """Whether a word, as written, is in one of the lists. ImportError without `mnemonic`."""
    return word in _BOOK or _folded(word) in _BOOK


def bip39_runs(text: str) -> list[tuple[int, int, str, list[str]]]:
    """The BIP-39 phrases in `text`, in order: (start, end, language, words) with offsets in characters.

    Only windows whose checksum holds and that the policy above calls a phrase. Words are given as their list has
    them (NFKD). Reads 4 to 10 MB a second: look for rows of words with something cheaper first.
    """
    found = []
    for row, gaps in _rows(text):
        for start, end, scheme, language in phrases(row, gaps, text):
            if scheme == "bip39":
                words = [_folded(word.written) for word in row[start:end]]
                found.append((row[start].start, row[end - 1].end, language, words))
    return sorted(found)


_TAG = compiled(rb"<[^<>]{0,200}>")


def _text(candidate: Candidate) -> str:
    secret = _TAG.sub(b" ", candidate.secret) if b"<" in candidate.secret else candidate.secret
    try:
        return secret.decode("utf-8")
    except UnicodeDecodeError:
        return secret.decode("latin-1")


def _all_words(text: str) -> list[str]:
    """Every word of a text in NFKD and lower case, whatever stands between them."""
    return [_folded(word) for word in words_of(text)]


def bip39(candidate: Candidate, _wanted: bool = True) -> Verdict:
    """Proven if the words, whatever separates them, hold a phrase whose checksum is right.

    The rule has already said that this is a phrase, so the guards against prose do not apply, except that more
    than 60 words are judged as running text. Words of no list (labels) divide the others into rows; a row whose
    length a phrase has must be one as a whole, or the windows inside it would pass by chance.
    """
    text = _text(candidate)
    words = _all_words(text)
    try:
        _folder()
    except ImportError:
        return PASS
    if len(words) > 60:
        runs = bip39_runs(text)
        return _proven(candidate, len(runs[0][3]), runs[0][2]) if runs else REJECT
    places = [_BOOK.get(word) for word in words]
    for language in LANGUAGES:
        row: list[int] = []
        for index in [*(place.get(language, -1) for place in places), -1]:
            if index >= 0:
                row.append(index)
                continue
            windows = [(0, len(row))] if len(row) in SIZES else _inner_windows(len(row))
            for start, end in windows:
                if _checksum_holds(row[start:end]):
                    return _proven(candidate, end - start, language)
            row = []
    return REJECT


def _proven(candidate: Candidate, words: int, language: str) -> Verdict:
    candidate.facts["words"] = str(words)
    candidate.facts["language"] = language
    return PROVEN


def _is_cjk(char: str) -> bool:
    return (
        "\u2e80" <= char <= "\u9fff"
        or "\uac00" <= char <= "\ud7ff"
        or "\uf900" <= char <= "\ufaff"
        or char > "\U0001ffff"
    )


def _electrum_kind(words: Sequence[str]) -> str:
    """The kind of seed that Electrum's hash of these folded words names; "" if none."""
    from hmac import digest
    from unicodedata import combining

    phrase = " ".join("".join(char for char in " ".join(words) if not combining(char)).split())
    # Electrum drops the spaces between East Asian characters.
    kept = [
        char
        for place, char in enumerate(phrase)
        if not (char == " " and _is_cjk(phrase[place - 1]) and _is_cjk(phrase[place + 1]))
    ]
    kind = digest(b"Seed version", "".join(kept).encode("utf-8", "surrogatepass"), "sha512").hex()
    kinds = {"01": "standard", "100": "segwit", "101": "2fa", "102": "2fa-segwit"}
    return next((name for prefix, name in kinds.items() if kind.startswith(prefix)), "")


def electrum(candidate: Candidate, _wanted: bool = True) -> Verdict:
    """An Electrum seed since version 2: an HMAC-SHA512 of the words begins with the number of its kind.

    Ten to 26 words of any list. Seeds of Electrum 1 have no checksum and are rejected like any other words.
    """
    words = _all_words(_text(candidate))
    kind = _electrum_kind(words) if 10 <= len(words) <= 26 else ""
    if not kind:
        return REJECT
    candidate.facts["words"] = str(len(words))
    candidate.facts["kind"] = kind
    return PROVEN


def _ton_kind(words: Sequence[str]) -> str:
    """What TON's own check of 24 words says: "wallet", "with password", or "" (for all but one in 128 by chance).

    As the mnemonic module of ton-crypto has it: a slow hash of the words begins with a byte 0, or else a quick one
    with a byte 1, and then a password belongs to the words.
    """
    from hashlib import pbkdf2_hmac
    from hmac import digest

    entropy = digest(" ".join(words).encode("utf-8", "surrogatepass"), b"", "sha512")
    if pbkdf2_hmac("sha512", entropy, b"TON seed version", 100_000 // 256, 64)[0] == 0:
        return "wallet"
    return "with password" if pbkdf2_hmac("sha512", entropy, b"TON fast seed version", 1, 64)[0] == 1 else ""


def ton(candidate: Candidate, _wanted: bool = True) -> Verdict:
    """A TON phrase: 24 words of the English list and TON's check. One that has BIP-39's checksum instead opens a
    wallet, too (some derive TON keys by BIP-39): PASS."""
    words = _all_words(_text(candidate))
    if len(words) != 24:
        return REJECT
    try:
        indexes = [_BOOK.get(word).get("english", -1) for word in words]
    except ImportError:
        return PASS
    if min(indexes) < 0:
        return REJECT
    kind = _ton_kind(words)
    if not kind:
        return PASS if _checksum_holds(indexes) else REJECT
    candidate.facts["words"] = "24"
    candidate.facts["kind"] = kind
    return PROVEN


def _algorand_holds(indexes: Sequence[int]) -> bool:
    """Whether the last of 25 words is the checksum of the 24 before: eleven bits of SHA-512/256 of the 32 bytes that
    these hold, low bits first, and eight bits that are not used."""
    number = sum(index << 11 * place for place, index in enumerate(indexes[:24]))
    if number >> 256:
        return False
    from Crypto.Hash import SHA512

    check = SHA512.new(number.to_bytes(32, "little"), truncate="256").digest()
    return indexes[24] == (check[0] | check[1] << 8) & 0x7FF


def algorand(candidate: Candidate, _wanted: bool = True) -> Verdict:
    """An Algorand account's phrase: 25 words of the English list, the last of them the checksum of the others."""
    words = _all_words(_text(candidate))
    try:
        indexes = [_BOOK.get(word).get("english", -1) for word in words]
        if len(words) != 25 or min(indexes) < 0 or not _algorand_holds(indexes):
            return REJECT
    except ImportError:
        return PASS
    return _proven(candidate, 25, "english")


def monero(candidate: Candidate, _wanted: bool = True) -> Verdict:
    """A Monero phrase: the last of 25 words (13 in MyMonero's of old) repeats the one that the prefixes' CRC-32 names.

    Words are told apart by their first letters: three in English and Japanese, four in the other alphabets, one in
    Chinese. That the last word repeats one of the others, and the right one, needs no list.
    """
    from binascii import crc32

    words = _all_words(_text(candidate))
    if len(words) not in (25, 13):
        return REJECT
    composed = [_composed(word) for word in words]
    for letters in (3, 4, 1):
        prefixes = [word[:letters] for word in composed]
        place = crc32("".join(prefixes[:-1]).encode("utf-8", "surrogatepass")) % (len(words) - 1)
        if prefixes[place] == prefixes[-1] and (letters > 1 or not words[0].isascii()):
            if len(set(prefixes)) < len(prefixes) - 4:
                return REJECT  # a few words over and over, as code and prose have them
            candidate.facts["words"] = str(len(words))
            return PROVEN
    return REJECT


def _composed(word: str) -> str:
    from unicodedata import normalize

    return word if word.isascii() else normalize("NFC", word)


@cache
def _share_words() -> frozenset[str]:
    """The words of SLIP-39's list, which is a file of Trezor's package. ImportError without it."""
    from importlib.util import find_spec

    spec = find_spec("shamir_mnemonic")
    if spec is None or not spec.submodule_search_locations:
        raise ImportError("shamir_mnemonic")
    with open(os.path.join(spec.submodule_search_locations[0], "wordlist.txt"), encoding="ascii") as lines:
        return frozenset(lines.read().split())


def slip39(candidate: Candidate, _wanted: bool = True) -> Verdict:
    """A SLIP-39 share: 20 or 33 words (or more, three by three) of its own list, closed by the code RS1024."""
    from importlib import import_module
    from importlib.util import find_spec

    if find_spec("shamir_mnemonic") is None:
        return PASS
    words = _all_words(_text(candidate))
    if not 20 <= len(words) <= 60 or not _share_words().issuperset(word.lower() for word in words):
        return REJECT  # sentences, mostly, and the package takes as long to import as a megabyte to scan
    try:
        reader: Any = import_module("shamir_mnemonic.share").Share
        refusal: Any = import_module("shamir_mnemonic.utils").MnemonicError
    except ImportError:
        return PASS
    try:
        share = reader.from_mnemonic(" ".join(words))
    except (refusal, ValueError):
        return REJECT
    candidate.facts["words"] = str(len(words))
    candidate.facts["shares needed"] = str(share.member_threshold)
    if share.group_count > 1:
        candidate.facts["groups needed"] = f"{share.group_threshold} of {share.group_count}"
    return PROVEN
