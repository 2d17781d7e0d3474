"""Known values: exact secrets, in every form in which programs write them, found by one pass of literals.

A value is registered once; its forms are raw, escaped (repr of bytes and text, JSON, JSON in JSON, shell, XML), URL
encoded (whichever signs are left as they are), hex, base64 and base64url at each of the three alignments (so also inside a
longer text: HTTP basic pairs, encoded JSON), UTF-16, its lines if it has several, with other spaces between its words. What a
base64 form shares with its neighbours is masked with it.
Measured: hyperscan's literal matcher takes 0.8 us a record and 4.7 GB/s for 384 forms where ahocorasick_rs takes 1.1 us and 0.3
GB/s, and it is a dependency already.

The table is replaced whole, so a thread or a fork sees the old or the new one. Holds plaintext by its nature; prints,
logs and stores none: `repr` shows counts, pickling is refused. Imported by redact/ only.
"""

from __future__ import annotations

import base64
import binascii
import errno
import json
import os
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn
from urllib.parse import quote, quote_from_bytes
from xml.sax.saxutils import escape

import hyperscan

from leakguard.detect.guards import ASK, HEX_LONG, LONG

if TYPE_CHECKING:
    from leakguard.redact.folds import Folds

SHORTEST = 8
"""Bytes of a value or of a form; shorter ones stand everywhere."""
LEAST_DISTINCT = 5
"""Different bytes a value must have."""
MOST_FORMS = 50_000
MOST_READ = 1 << 24
"""Characters of a file of known values: half of one would leave half of them in the logs."""

_BASE64 = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_=")


class Value(NamedTuple):
    """A registered value: what its replacement says."""

    name: str
    value: bytes

    def __repr__(self) -> str:
        return f"Value({self.name}, {len(self.value)} bytes)"


class Form(NamedTuple):
    """One way to write a value."""

    text: bytes
    any_case: bool = False
    edges: int = 0
    """Characters on either side that hold bits of the value."""
    spaced: bool = False
    """Whether its spaces may be more or none: text is wrapped in their places."""


def forms(value: bytes, *, reverse: bool = False) -> list[Form]:
    """Every way to write a value, none shorter than SHORTEST, each once."""
    found: dict[tuple[bytes, bool, bool], Form] = {}
    for form in _all_forms(value, reverse):
        if len(form.text) >= SHORTEST:
            found.setdefault((form.text.lower() if form.any_case else form.text, form.any_case, form.spaced), form)
    return list(found.values())


def _all_forms(value: bytes, reverse: bool) -> Iterator[Form]:
    yield from _written(value)
    yield from _base64_forms(value)
    digits = binascii.hexlify(value)
    yield Form(digits, True)
    for joint in (b":", b" ", b"-"):
        yield Form(binascii.hexlify(value, joint), True)
    yield Form(b"".join(b"\\x%02x" % byte for byte in value), True)
    yield Form(b"".join(b"%%%02x" % byte for byte in value), True)
    yield Form(b"".join(b"\\u%04x" % unit for unit in _units(value)), True)
    yield from _wide(value)
    if b"\n" in value:
        lines = [line.strip() for line in value.split(b"\n")]
        for line in lines:
            if len(line) >= 2 * SHORTEST and not line.startswith(b"-----"):
                yield Form(line)
        for joint in (b"\r\n", b"\\n", b"\\r\\n", b"\\\\n", b" ", b""):
            yield from _written(joint.join(lines).strip())
    if reverse:
        yield Form(value[::-1])


_UNQUOTED = (
    "", "/", "!'()*", "*", "!*'()/", ";,/?:@&=+$!*'()#", "!$&'()*+,;=:@", "!$&'()*+,;=:@/", "!$&'()*+,;=:@/?",
    "!#$%&'()*+,/:;=?@[]",
)  # fmt: skip
"""What is left as it is in URLs: by RFC 3986 and Python, JavaScript's encodeURIComponent, forms, encodeURI, the parts of URLs
as browsers and HTTP libraries write them. Letters, digits and -._~ always are; `~` is escaped by forms."""
_SHELL = re.compile(r"([^A-Za-z0-9_@%+=:,./\-\x80-\U0010ffff])")


def _written(value: bytes) -> Iterator[Form]:
    """A value as languages and formats escape it."""
    yield Form(value)
    if value.isalnum():
        return  # nobody escapes anything of it
    yield _form(repr(value)[2:-1])
    yield _form(_inner(repr(value)))
    for safe in _UNQUOTED:
        quoted = quote_from_bytes(value, safe=safe)
        for written in (quoted, quoted.replace("%20", "+"), quoted.replace("~", "%7E").replace("%20", "+")):
            yield _form(written)
    yield _form(quote(quote_from_bytes(value, safe=""), safe=""))
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return
    yield from map(_form, _in_code(text))
    yield from map(_form, _in_json(text))
    yield from map(_form, _in_shell(text))
    for entities in _ENTITIES:
        yield _form(escape(text, entities))
    if len(value.split()) > 1 and b"\n" not in value:
        yield Form(value, spaced=True)


_ENTITIES: tuple[dict[str, str], ...] = (
    {}, {'"': "&quot;"}, {"'": "&apos;"}, {"'": "&#39;"},
    *({'"': double, "'": single} for double in ("&quot;", "&#34;") for single in ("&apos;", "&#39;", "&#x27;", "&#039;"))
)  # fmt: skip


def _form(text: str) -> Form:
    """Text as it is written; its escapes may be so in any case."""
    return Form(text.encode("utf-8", "surrogatepass"), "%" in text or "\\x" in text or "\\u" in text)


def _inner(literal: str) -> str:
    """What stands between the quotes of a literal that is itself written as one."""
    whole = repr(literal)[1:-1].removeprefix("b")
    return whole[2:-2] if whole.startswith("\\") else whole[1:-1]


def _wide(value: bytes) -> Iterator[Form]:
    """Two or four bytes a character. Where one byte of them says all, either order has the same bytes but at its ends."""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        text = value.decode("latin-1")
    if max(text) <= "\xff":
        yield Form(text.encode("utf-16-le")[:-1])
        yield Form(text.encode("utf-32-le")[:-3])
        return
    for encoding in ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"):
        yield Form(text.encode(encoding, "surrogatepass"))


def _in_code(text: str) -> Iterator[str]:
    """In the literals of programs, whichever quotes stand around them."""
    yield text.encode("unicode_escape").decode()
    for quote_ in "'\"":  # CSV, SQL, PowerShell
        yield text.replace(quote_, quote_ * 2)
    for literal in (repr(text), ascii(text)):
        yield literal[1:-1]
        yield _inner(literal)
        yield repr(literal[1:-1])[1:-1]
    bare = text.replace("\\", "\\\\")
    for quote_ in "'\"":
        yield bare.replace(quote_, "\\" + quote_)
        yield repr(text + {"'": '"', '"': "'"}[quote_])[1:-2].replace(quote_, "\\" + quote_)


def _in_json(text: str) -> Iterator[str]:
    """In JSON, and in JSON in JSON: as Python writes it, with slashes escaped (PHP), with what HTML would take for its own
    (Go)."""
    for ascii_only in (True, False):
        once = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
        for written in (once, once.replace("/", "\\/"), once.translate(_FOR_HTML), once.translate(_FOR_HTML_AND_QUOTES)):
            yield written
            twice = json.dumps(written, ensure_ascii=ascii_only)[1:-1]
            yield twice
            yield json.dumps(twice, ensure_ascii=ascii_only)[1:-1]


_FOR_HTML = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&"}
_FOR_HTML_AND_QUOTES = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&'"}


def _escaped(found: re.Match[str]) -> str:
    """As bash's `printf %q` does: `#` and `~` only where a word begins."""
    return found[0] if found[0] in "#~" and found.start() else "\\" + found[0]


def _in_shell(text: str) -> Iterator[str]:
    """In single quotes (Python's way, bash's), in double ones, as `printf %q` writes it, in `$'...'`."""
    yield text.replace("'", "'\"'\"'")
    yield text.replace("'", "'\\''")
    double = re.sub(r'(["\\$`])', r"\\\1", text)
    yield double
    yield double.replace("!", "\\!")
    yield _SHELL.sub(r"\\\1", text)
    yield _SHELL.sub(r"\\\1", text).replace(",", "\\,")
    yield _SHELL.sub(_escaped, text)
    yield text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\t", "\\t")


def _units(value: bytes) -> Iterable[int]:
    """The characters of a value as JavaScript counts them; its bytes if it is no text."""
    try:
        wide = value.decode().encode("utf-16-be")
    except UnicodeDecodeError:
        return value
    return [high << 8 | low for high, low in zip(wide[::2], wide[1::2], strict=True)]


def _base64_forms(value: bytes) -> Iterator[Form]:
    """Of the value and of what JSON makes of it: tokens and headers hold encoded JSON."""
    yield from _base64_of(value)
    if not value.isalnum():
        with suppress(UnicodeDecodeError):
            for ascii_only in (True, False):
                written = json.dumps(value.decode(), ensure_ascii=ascii_only)[1:-1].encode()
                if written != value:
                    yield from _base64_of(written)


def _base64_of(value: bytes) -> Iterator[Form]:
    """The digits that are the value's alone, at each alignment, of both alphabets, also with their signs escaped."""
    for before in range(3):
        digits = base64.b64encode(b"\0" * before + value)
        low = -(-before * 4 // 3)
        high = (before + len(value)) * 8 // 6
        own = digits[low:high]
        for text in (own, own.replace(b"+", b"-").replace(b"/", b"_")):
            yield Form(text, edges=1)
            if b"+" in text or b"/" in text:
                yield Form(text.replace(b"+", b"%2b").replace(b"/", b"%2f"), True, 3)
                yield Form(text.replace(b"/", b"\\/"), edges=1)


class Table:
    """Compiled forms. Never changed once made."""

    __slots__ = ("caseless", "database", "edges", "folds", "loose", "owners", "pool", "sizes", "spaced", "texts")

    def __init__(self, values: Iterable[Value], reverse: bool) -> None:
        self.texts: list[bytes] = []
        self.owners: list[Value] = []
        self.edges: list[int] = []
        self.caseless: list[bool] = []
        self.folds: Folds | None = None
        """What finds them where they are broken over lines, once a stream has asked (folds.of)."""
        flags: list[int] = []
        self.spaced: dict[int, re.Pattern[bytes]] = {}
        """What finds the beginning of those forms that have no size of their own."""
        for value in values:
            for form in forms(value.value, reverse=reverse):
                if form.spaced:
                    self.spaced[len(self.texts)] = re.compile(_GAP.join(map(re.escape, form.text.split())) + rb"\Z")
                self.texts.append(form.text)
                self.owners.append(value)
                self.edges.append(form.edges)
                self.caseless.append(form.any_case)
                flags.append(hyperscan.HS_FLAG_CASELESS if form.any_case else 0)
        self.sizes = list(map(len, self.texts))
        self.database = self._compiled(range(len(self.texts)), flags)
        self.loose = self._compiled([n for n, text in enumerate(self.texts) if n in self.spaced or not _guarded(text)], flags)
        """The forms in which the rules' guard may see nothing (guards.guards); None if there are none."""
        self.pool: list[tuple[Any, list[tuple[int, int]], Any]] = []
        """What nobody scans with at the moment, see runtime.Own: (scratch, ends, what adds to them)."""

    def find(self, data: bytes) -> list[Place]:
        try:
            own = self.pool.pop()
        except IndexError:
            own = self.own()
        scratch, ends, on_match = own
        try:
            self.database.scan(data, on_match, 0, None, scratch)
            return self.places(data, ends) if ends else []
        finally:
            if ends:
                ends.clear()
            self.pool.append(own)

    def own(self) -> tuple[Any, list[tuple[int, int]], Any]:
        """Something to scan with."""
        ends: list[tuple[int, int]] = []

        def on_match(ident: int, _start: int, end: int, _flags: int, _context: object) -> None:
            ends.append((ident, end))

        return hyperscan.Scratch(self.database), ends, on_match

    def places(self, data: bytes, ends: list[tuple[int, int]]) -> list[Place]:
        """What the ends of forms in `data` stand for."""
        out = []
        for ident, end in ends:
            start = end - self.sizes[ident]
            if ident in self.spaced:
                whole = self.spaced[ident].search(data, max(0, start - MOST_GAP * self.sizes[ident]), end)
                if whole is not None:
                    out.append((whole.start(), end, self.owners[ident]))
                continue
            if self.sizes[ident] <= MOST_LITERAL or self.stands(ident, data, start):
                out.append(self.place(ident, data, start, end))
        return out

    def stands(self, ident: int, data: bytes, start: int) -> bool:
        """Whether a form stands in `data` from `start` on, of which only the end was looked for."""
        text = self.texts[ident]
        if start < 0 or data.startswith(text, start):
            return start >= 0
        return self.caseless[ident] and data[start : start + len(text)].lower() == text.lower()

    def place(self, ident: int, data: bytes, start: int, end: int) -> Place:
        """What is masked where data[start:end] is a form."""
        most = self.edges[ident]
        if most:
            low, high = max(0, start - most), min(len(data), end + most + 2)
            while start > low and data[start - 1] in _BASE64:
                start -= 1
            while end < high and data[end] in _BASE64:
                end += 1
        return start, end, self.owners[ident]

    def _compiled(self, numbers: Iterable[int], flags: list[int]) -> Any:
        """A database of these forms; None for none."""
        ids = list(numbers)
        if not ids:
            return None
        database = hyperscan.Database()
        database.compile(
            expressions=[self._expression(number) for number in ids],
            ids=ids, elements=len(ids), flags=[flags[number] for number in ids],
        )  # fmt: skip
        return database

    def _expression(self, number: int) -> bytes:
        return last_of(self.texts[number], number in self.spaced)


MOST_GAP = 4
_GAP = b"[ \\t]{0,%d}" % MOST_GAP
MOST_LITERAL = 512
"""Bytes of a form that are looked for, its last ones: hyperscan takes no pattern of more than 16,000 signs. The others are compared
where these stand."""


def last_of(text: bytes, spaced: bool) -> bytes:
    """What finds the end of a form. `spaced`: its spaces may be more or none."""
    last = text[-MOST_LITERAL:]
    return _GAP.join(map(literal_of, last.split())) if spaced else literal_of(last)


def literal_of(text: bytes) -> bytes:
    """A pattern that is just this text."""
    return "".join(f"\\x{byte:02x}" for byte in text).encode()


_LONG = re.compile(rb"[A-Za-z0-9+/_\-]{%d}|[0-9A-Fa-f: ]{%d}" % (LONG, HEX_LONG))


def _guarded(text: bytes) -> bool:
    """Whether the rules' guard fires at a form wherever it stands, in any case."""
    return _LONG.search(text) is not None or not ASK.isdisjoint(text) or not text.isascii()


Place = tuple[int, int, Value]


class Known:
    """The registered values. `find` is lock-free; changes are serialised and rare."""

    def __init__(self, *, reverse: bool = False) -> None:
        self.reverse = reverse
        self._values: dict[bytes, Value] = {}
        self._lock = threading.RLock()
        self.table: Table | None = None
        """What is in force; None if nothing is registered."""
        self.loose: Any = None
        """Of these, the forms that the rules' guard does not see."""
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._after_fork)

    def _after_fork(self) -> None:
        self._lock = threading.RLock()  # whoever held it does not exist here

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Known({len(self)} values)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("registered values are not pickled")

    def add(self, values: Iterable[tuple[str, bytes]]) -> tuple[int, int]:
        """Registers (name, value) pairs; the new table is in force on return. Returns (taken, refused as too short or
        too plain)."""
        taken = refused = 0
        with self._lock:
            fresh = dict(self._values)
            for name, value in values:
                if not worth(value):
                    refused += 1
                    continue
                taken += 1
                fresh[value] = Value(name, value)
            if len(fresh) > MOST_FORMS // 16:
                raise ValueError("too many registered values")
            self._set(fresh)
        return taken, refused

    def discard(self, value: bytes) -> None:
        """Forgets a value, if it is known."""
        with self._lock:
            fresh = {key: item for key, item in self._values.items() if key != value}
            self._set(fresh)

    def _set(self, fresh: dict[bytes, Value]) -> None:
        if fresh != self._values:
            table = Table(fresh.values(), self.reverse) if fresh else None
            self._values = fresh
            self.table = table
            self.loose = None if table is None else table.loose

    def find(self, data: bytes) -> list[Place]:
        """(start, end, value) of every form of every value in `data`, edges included; they may overlap."""
        table = self.table
        return [] if table is None else table.find(data)

    def begins(self, tail: bytes) -> bool:
        """Whether some form could begin in `tail` and go on after it."""
        table = self.table
        if table is None or not tail:
            return False
        last = tail[-1:]
        for text in table.texts:
            at = text.find(last)
            while at >= 0:
                if at + 1 < len(text) and tail.endswith(text[: at + 1]):
                    return True
                at = text.find(last, at + 1)
        return False


def worth(value: bytes) -> bool:
    """Whether a value is long and varied enough that masking it everywhere does not mask everything."""
    return len(value) >= SHORTEST and len(set(value)) >= LEAST_DISTINCT


def from_environment(names: Callable[[str], bool], environ: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """(name, value) of the environment's variables that are named like secrets."""
    for name, value in environ:
        if names(name):
            yield name, value


def from_file(path: str, names: Callable[[str], bool]) -> Iterator[tuple[str, str]]:
    """(name, value) of a file: `.env` lines and JSON by the names in it, else the whole file as one value (a mounted
    secret). OSError if it cannot be read, or is larger than 16 MiB."""
    with open(path, encoding="utf-8", errors="surrogateescape") as handle:
        text = handle.read(MOST_READ + 1)
    if len(text) > MOST_READ:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), path)
    stem = os.path.basename(path)
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    if isinstance(document, (dict, list)):
        yield from _leaves(document, stem, names)
        return
    pairs = [line.partition("=") for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if pairs and all(equals and name.strip().removeprefix("export ").strip().isidentifier() for name, equals, _ in pairs):
        for name, _, value in pairs:
            key = name.strip().removeprefix("export ").strip()
            if names(key):
                yield key, value.strip().strip("\"'")
        return
    yield stem, text.strip()


def _leaves(document: Any, name: str, names: Callable[[str], bool]) -> Iterator[tuple[str, str]]:
    if isinstance(document, dict):
        for key, value in document.items():
            yield from _leaves(value, str(key), names)
    elif isinstance(document, list):
        for value in document:
            yield from _leaves(value, name, names)
    elif isinstance(document, str) and names(name):
        yield name, document
