"""Gates for mnemonic phrases, and the finder of BIP-39 phrases in running text.

Promise: no output, no exceptions on odd input, nothing kept but the public word lists (loaded on first use, 20,000
words, about 20 ms). `bip39_runs` returns words of a phrase: its caller holds a secret then, and nobody else may.
Imported by detect/ only; imports nothing else of the project, and `mnemonic` (Trezor's, for its ten official word
lists) inside the functions. Without it the gate cannot decide (PASS) and `bip39_runs` raises ImportError: a scan
that cannot look for phrases must not call a text clean.

What counts as a phrase in running text (the guard against prose, word lists and tables):
* 12, 15, 18, 21 or 24 words of one list, in a row, whose checksum holds. Words of a row are separated by spaces,
  line ends (also written as backslash-n), commas, semicolons, bars, quotes, hyphens, bullets, or numbering
  (`1.`, `2)`, `#3`); a full stop, colon, equals sign, bracket or any other word ends the row. Chinese words must
  be separated, too, so Chinese prose forms no rows.
* A piece of a row between two changes of separator (a line, a quoted list, a column) that has exactly such a
  length is tried first, then the whole row. Windows inside a row are tried only if no piece fits and the row has
  at most 40 words, and of a size only if they are so few that chance would not pass one (four of 12, eight of 15,
  64 of 24): then a label such as "wallet seed" may stand before the phrase, but lists of words give no hits.
* Not a phrase: words in the order of the list (an excerpt of it); more repeated words than chance gives (tables,
  and the published examples of one repeated word); capitals mixed as prose mixes them.
What passes by chance: one row of 12 list words in 16, of 24 in 256. Rows of 12 are what prose does not have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import NamedTuple

from leakguard.detect.gates import Candidate, Verdict

REJECT, PASS, PROVEN = Verdict.REJECT, Verdict.PASS, Verdict.PROVEN

LANGUAGES = (
    "english", "spanish", "french", "italian", "portuguese", "czech", "japanese", "korean",
    "chinese_simplified", "chinese_traditional",
)  # fmt: skip
"""The official lists, in the order they are tried."""

SIZES = (24, 21, 18, 15, 12)
LONGEST_ROW = 40
LONGEST_GAP = 40

# Letters, and the accents that decomposed text puts after them. An escaped line end must not lend its n to a word.
_MARK = r"[\u0300-\u036f\u3099\u309a]"
_WORD = rf"\\+[nrt]|([^\W\d_]+(?:{_MARK}+[^\W\d_]*)*)"
_GAP = r"""(?x)(?: [\s,;|"'`*\u2022\u3001\uff0c-] | \\+["'nrt] | [#(]?\d{1,2}[.):]? )+"""

# Stretches that could hold a row, so that the slower search by words skips the rest: twelve short words without a
# long one between. ASCII lists have words of three to eight letters (nine with the n of an escaped line end).
_STRETCH = r"(?<![A-Za-z])(?:[A-Za-z]{3,9}+[^A-Za-z]{1,40}+){11,}+(?:[A-Za-z]{3,9})?"
_WORD_ANY = rf"(?:[A-Za-z]{{3,9}}+(?![^\W\d_]|{_MARK})|(?=[A-Za-z]{{0,9}}[^\x00-\x7f])(?:[^\W\d_]|{_MARK}){{1,24}}+)"
_STRETCH_ANY = rf"(?<![^\W\d_])(?:{_WORD_ANY}(?:(?!{_MARK})[\W\d_]){{1,40}}+){{11,}}+(?:{_WORD_ANY})?"


class _Word(NamedTuple):
    """One list word in a text: where, as written, and its place in each list that has it."""

    start: int
    end: int
    written: str
    places: Mapping[str, int]


@cache
def _lists() -> Mapping[str, Mapping[str, int]]:
    """Every word of the lists, in NFKD: language and index. ImportError without `mnemonic`."""
    from importlib import import_module
    from unicodedata import normalize

    mnemonic = import_module("mnemonic").Mnemonic
    book: dict[str, dict[str, int]] = {}
    for language in LANGUAGES:
        for index, word in enumerate(mnemonic(language).wordlist):
            book.setdefault(normalize("NFKD", word), {})[language] = index
    return book


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

    steps = [after - before for before, after in pairwise(indexes)]
    if all(step > 0 for step in steps) or all(step < 0 for step in steps):
        return False
    if len(set(indexes)) < len(indexes) - 2 - len(indexes) // 12:
        return False
    written = [word.written for word in words if word.written.lower() != word.written.upper()]
    styles: tuple[Callable[[str], bool], ...] = (str.islower, str.isupper, str.istitle)
    uniform = any(all(style(word) for word in written) for style in styles)
    return uniform or (written[0].istitle() and all(word.islower() for word in written[1:]))


def _rows(text: str) -> Iterator[tuple[list[_Word], list[str]]]:
    """Rows of at least twelve list words, with the separators between them."""
    import re

    for stretch in re.finditer(_STRETCH if text.isascii() else _STRETCH_ANY, text):
        # Two characters more: the backslash of an escaped line end before the first word.
        yield from _rows_between(text, max(0, stretch.start() - 2), stretch.end())


def _rows_between(text: str, start: int, end: int) -> Iterator[tuple[list[_Word], list[str]]]:
    import re

    book, gap = _lists(), re.compile(_GAP)
    row: list[_Word] = []
    gaps: list[str] = []
    for found in re.compile(_WORD).finditer(text, start, end):
        written = found[1]
        if written is None:
            continue
        places = book.get(written) or book.get(_folded(written))
        between = text[row[-1].end : found.start(1)] if row else ""
        if row and (places is None or len(between) > LONGEST_GAP or not gap.fullmatch(between)):
            if len(row) >= SIZES[-1]:
                yield row, gaps
            row, gaps = [], []
        if places is not None:
            if row:
                gaps.append(between)
            row.append(_Word(found.start(1), found.end(1), written, places))
    if len(row) >= SIZES[-1]:
        yield row, gaps


def _pieces(gaps: list[str]) -> set[tuple[int, int]]:
    """(first, end) of pieces of a row with one kind of separator throughout, and of the whole row."""
    import re

    # Numbers differ from word to word, and so does padding: they are not part of a separator's kind.
    kinds = [re.sub(r"\d+", "1", re.sub(r"[ \t]+", " ", gap)) for gap in gaps]
    pieces = {(0, len(gaps) + 1)}
    start = 0
    for place in range(1, len(kinds) + 1):
        if place == len(kinds) or kinds[place] != kinds[start]:
            pieces.add((start, place + 1))
            start = place
    # A line's last word and the next line's first stand on both sides of a gap of another kind.
    return pieces


def _windows(row: list[_Word], gaps: list[str]) -> list[tuple[int, int]]:
    """The windows of a row worth a checksum, longest first: pieces of fitting length, else all of a short row."""
    fitting = [(start, end) for start, end in _pieces(gaps) if end - start in SIZES]
    if fitting:
        return sorted(fitting, key=lambda item: (item[0] - item[1], item[0]))
    return _inner_windows(len(row))


def _inner_windows(count: int) -> list[tuple[int, int]]:
    """The windows inside a row of so many words, longest first, unless chance would pass one of that size."""
    if count > LONGEST_ROW:
        return []
    few = [size for size in SIZES if 0 < count - size + 1 <= 1 << (size // 3 - 2)]
    return [(start, start + size) for size in few for start in range(count - size + 1)]


def _phrases(row: list[_Word], gaps: list[str]) -> Iterator[tuple[int, int, str]]:
    """(first, end, language) of the phrases in one row, longest first, none overlapping another."""
    taken: set[int] = set()
    for start, end in _windows(row, gaps):
        window = row[start:end]
        for language in LANGUAGES:
            indexes = [word.places.get(language, -1) for word in window]
            if -1 in indexes or not taken.isdisjoint(range(start, end)):
                continue
            if _checksum_holds(indexes) and _plausible(window, indexes):
                taken.update(range(start, end))
                yield start, end, language


def bip39_runs(text: str) -> list[tuple[int, int, str, list[str]]]:
    """The BIP-39 phrases in `text`, in order: (start, end, language, words) with offsets in characters.

    Only windows whose checksum holds and that the policy above calls a phrase. Words are given as their list has
    them (NFKD). Reads 4 to 10 MB a second: look for rows of words with something cheaper first.
    """
    found = []
    for row, gaps in _rows(text):
        for start, end, language in _phrases(row, gaps):
            words = [_folded(word.written) for word in row[start:end]]
            found.append((row[start].start, row[end - 1].end, language, words))
    return sorted(found)


def _text(candidate: Candidate) -> str:
    try:
        return candidate.secret.decode("utf-8")
    except UnicodeDecodeError:
        return candidate.secret.decode("latin-1")


def _all_words(text: str) -> list[str]:
    """Every word of a text in NFKD and lower case, whatever stands between them."""
    import re

    return [_folded(found[1]) for found in re.finditer(_WORD, text) if found[1]]


def bip39(candidate: Candidate, _wanted: bool = True) -> Verdict:
    """Proven if the words, whatever separates them, hold a phrase whose checksum is right.

    The rule has already said that this is a phrase, so the guards against prose do not apply, except that more
    than 60 words are judged as running text. Words of no list (labels) divide the others into rows; a row whose
    length a phrase has must be one as a whole, or the windows inside it would pass by chance.
    """
    try:
        book = _lists()
    except ImportError:
        return PASS
    text = _text(candidate)
    words = _all_words(text)
    if len(words) > 60:
        runs = bip39_runs(text)
        return _proven(candidate, len(runs[0][3]), runs[0][2]) if runs else REJECT
    places = [book.get(word, {}) for word in words]
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


def electrum(candidate: Candidate, _wanted: bool = True) -> Verdict:
    """An Electrum seed since version 2: an HMAC-SHA512 of the words begins with the number of its kind.

    Ten to 26 words of any list. Seeds of Electrum 1 have no checksum and are rejected like any other words.
    """
    from hmac import digest
    from unicodedata import combining

    words = _all_words(_text(candidate))
    if not 10 <= len(words) <= 26:
        return REJECT
    phrase = " ".join("".join(char for char in " ".join(words) if not combining(char)).split())
    # Electrum drops the spaces between East Asian characters.
    kept = [
        char
        for place, char in enumerate(phrase)
        if not (char == " " and _is_cjk(phrase[place - 1]) and _is_cjk(phrase[place + 1]))
    ]
    kind = digest(b"Seed version", "".join(kept).encode("utf-8", "surrogatepass"), "sha512").hex()
    kinds = {"01": "standard", "100": "segwit", "101": "2fa", "102": "2fa-segwit"}
    for prefix, name in kinds.items():
        if kind.startswith(prefix):
            candidate.facts["words"] = str(len(words))
            candidate.facts["kind"] = name
            return PROVEN
    return REJECT
