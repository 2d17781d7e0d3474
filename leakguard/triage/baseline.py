"""The baseline: accepted findings, one a line, identified by content, so that it neither rots nor conflicts.

    # leakguard baseline 1 salt=<32 hex digits>
    <fingerprint> TAB <rule> TAB <masked context> TAB <owner> TAB <reason> [TAB expires=YYYY-MM-DD] [TAB in=history]

The order of lines means nothing; they are written sorted, so that two branches add at different places. A line that
cannot be read is an error and not a smaller baseline. Reads and makes text; opens no file. Imported by cli/ and hook.
"""

# No `from __future__ import annotations` here: NamedTuple would compile every annotation, on every start.
import os
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from leakguard.errors import ConfigError
from leakguard.hashes import blake2b
from leakguard.model import Finding
from leakguard.triage.fingerprint import key_from, place_fingerprint
from leakguard.triage.suppress import BASELINE_FILE

FILE = BASELINE_FILE
HEADER = "# leakguard baseline 1 "
_LEGEND = "# fingerprint, rule, context, owner, reason, expires=YYYY-MM-DD; sorted; see `leakguard baseline --help`"
_CONTEXT = 100
_ATTRIBUTES = ("expires", "in")


class Entry(NamedTuple):
    """One accepted finding."""

    fingerprint: str
    rule: str
    context: str
    """The masked line it was seen in, for people; decides nothing."""
    owner: str
    reason: str
    expires: str = ""
    scope: str = ""
    """`history` for one that only a history scan can see; "" for files."""
    where: str = ""
    """File and line of the entry."""

    def line(self) -> str:
        """The entry as a line of the file, without its end."""
        fields = [self.fingerprint, self.rule, self.context, self.owner, self.reason]
        fields += [f"expires={self.expires}"] if self.expires else []
        fields += [f"in={self.scope}"] if self.scope else []
        return "\t".join(clean(field) for field in fields)


class Baseline:
    """Entries by fingerprint, and the key that the fingerprints were made with.

    `key` is the text of a key the file itself carries, "" if its owners keep the key elsewhere (`fingerprint_key` in
    the configuration); then `key_id` says which one it is.
    """

    def __init__(self, key: str, key_id: str, entries: Iterable[Entry] = ()) -> None:
        self.key = key
        self.key_id = key_id
        self.entries: dict[str, Entry] = {}
        self.used: set[str] = set()
        """Fingerprints of entries that something matched."""
        for entry in entries:
            self.add(entry)

    def add(self, entry: Entry) -> None:
        """Of two entries for one finding the stricter stays: whichever order they come in, the result is the same."""
        known = self.entries.get(entry.fingerprint)
        self.entries[entry.fingerprint] = entry if known is None else min(known, entry, key=_strictness)

    def match(self, finding: Finding, place: str) -> Entry | None:
        """The entry for a finding that stands at `place`."""
        entry = self.entries.get(self.identity(finding, place))
        if entry is not None:
            self.used.add(entry.fingerprint)
        return entry

    def identity(self, finding: Finding, place: str) -> str:
        """What an entry for this finding is called; `place` is its path below the folder of the baseline."""
        if finding.fingerprint.startswith("lg1p-") and place != finding.path:
            return place_fingerprint(finding.rule, self._bytes(), place, finding.masked)
        return finding.fingerprint

    def use_key(self, configured: str, file: str) -> str:
        """The text of the key to scan with. ConfigError if the configured one is not the one this file was made with."""
        if not configured and self.key:
            return self.key
        if key_id(configured) != self.key_id:
            reason = "was made with another fingerprint key than the one configured; no entry of it could match"
            raise ConfigError(file, "key", reason)
        self.key = self.key or ""
        self._configured = configured
        return configured

    _configured = ""

    def _bytes(self) -> bytes:
        return key_from(self._configured or self.key)

    def text(self) -> str:
        """The file's content."""
        head = HEADER + (f"salt={self.key}" if self.key else f"check={self.key_id}")
        lines = sorted(entry.line() for entry in self.entries.values())
        return "\n".join([head, _LEGEND, *lines]) + "\n"


def new(configured: str) -> Baseline:
    """An empty baseline: for the configured key, or with a random one of its own."""
    key = "" if configured else os.urandom(16).hex()
    made = Baseline(key, key_id(configured or key))
    made._configured = configured
    return made


def key_id(key: str) -> str:
    """A name for a key that does not give it away: 16 hex digits."""
    return blake2b(key_from(key), digest_size=8, person=b"baseline key id").hexdigest()


def entry_of(finding: Finding, identity: str, owner: str, reason: str, expires: str = "", scope: str = "") -> Entry:
    """An entry that accepts a finding; `identity` is Baseline.identity's, `expires` a day (2026-12-31) or ""."""
    return Entry(identity, finding.rule, context_of(finding), owner, reason, expires, scope)


def context_of(finding: Finding) -> str:
    """The masked line, cut around the finding's own mask: what stands farther away is none of a committed file."""
    masked = finding.masked
    if len(masked) > _CONTEXT:
        mark = f"<{finding.rule}:{finding.length}>"
        at = max(0, masked.find(mark))
        low = max(0, at - (_CONTEXT - len(mark)) // 2)
        masked = masked[low : low + _CONTEXT]
    return masked


# ---------------------------------------------------------------- text
def clean(text: str) -> str:
    """A field that is one: no tab, line break or other control character, nothing that cannot be written as UTF-8."""
    if text.isprintable():
        return text.strip()
    text = text.replace("\t", " ").replace("\r\n", " ").replace("\n", " ")
    return "".join(c if c.isprintable() else _escape(ord(c)) for c in text).strip()


def _escape(code: int) -> str:
    if 0xDC80 <= code <= 0xDCFF:  # surrogateescape: a byte that is not UTF-8
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def parse(data: bytes, file: str) -> Baseline:
    """A baseline from its file's bytes. ConfigError, with the line, for anything that is not one."""
    try:
        lines = data.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError:
        raise ConfigError(file, "", "not UTF-8") from None
    key, ident, entries = "", "", []
    for number, raw in enumerate(lines, 1):
        line = raw.rstrip("\r")
        if line.startswith(HEADER):
            found = _header(line, file, number)
            if (key or ident) and found != (key, ident):
                reason = "a second salt: two branches made a baseline each; keep one file and `baseline update` it"
                raise ConfigError(file, f"line {number}", reason)
            key, ident = found
        elif line.startswith(("<<<<<<<", "=======", ">>>>>>>", "|||||||")):
            reason = "a merge conflict: keep the entries of both sides (`leakguard baseline merge` does it)"
            raise ConfigError(file, f"line {number}", reason)
        elif line.strip() and not line.startswith("#"):
            entries.append(_entry(line, file, number))
    if not key and not ident:
        raise ConfigError(
            file, "line 1", "not a leakguard baseline: its first line would say so, with version and salt"
        )
    return Baseline(key, ident or key_id(key), entries)


def _header(line: str, file: str, number: int) -> tuple[str, str]:
    name, _, value = line[len(HEADER) :].strip().partition("=")
    if name == "salt" and len(value) >= 16 and _is_hex(value):
        return value, key_id(value)
    if name == "check" and len(value) == 16 and _is_hex(value):
        return "", value
    raise ConfigError(file, f"line {number}", "a header needs salt= or check= and hex digits")


def _is_hex(text: str) -> bool:
    return not text.strip("0123456789abcdef")


def _entry(line: str, file: str, number: int) -> Entry:
    fields = line.split("\t")
    where = f"line {number}"
    if len(fields) < 5:
        raise ConfigError(file, where, "fewer than five fields between tabs")
    fingerprint, rule, context, owner, reason = fields[:5]
    if not fingerprint.startswith(("lg1-", "lg1p-")) or not _is_hex(fingerprint.partition("-")[2]):
        raise ConfigError(file, where, "no fingerprint at its beginning")
    if not reason.strip():
        raise ConfigError(file, where, "an entry without a reason")
    facts = _attributes(fields[5:], file, where)
    name = f"{os.path.basename(file)}:{number}"
    return Entry(fingerprint, rule, context, owner, reason, facts.get("expires", ""), facts.get("in", ""), name)


def _attributes(fields: Iterable[str], file: str, where: str) -> Mapping[str, str]:
    out = {}
    for field in fields:
        name, _, value = field.partition("=")
        if name not in _ATTRIBUTES:
            raise ConfigError(file, where, f"unknown field; known: {', '.join(_ATTRIBUTES)}")
        out[name] = valid_date(value, file, where) if name == "expires" else value
    return out


def valid_date(text: str, file: str, where: str) -> str:
    """`text` if it is a day of the calendar as YYYY-MM-DD."""
    from datetime import date

    try:
        if len(text) != 10:
            raise ValueError
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise ConfigError(file, where, "expires: not a date as YYYY-MM-DD") from None


def _strictness(entry: Entry) -> tuple[str, ...]:
    return (entry.expires or "9999", entry.reason, entry.owner, entry.rule, entry.context, entry.scope)


# ---------------------------------------------------------------- merging
def merge(base: Baseline | None, ours: Baseline, theirs: Baseline) -> Baseline | None:
    """Both sides' changes, whichever side is ours; None if the sides were made with different keys.

    An entry that one side took out is out, also if the other side changed it: what is in doubt is reported.
    """
    if ours.key_id != theirs.key_id:
        return None
    before = base.entries if base is not None and base.key_id == ours.key_id else {}
    key = ours.key if ours.key == theirs.key else ""
    out = Baseline(key, ours.key_id)
    for name in ours.entries.keys() | theirs.entries.keys():
        a, b, old = ours.entries.get(name), theirs.entries.get(name), before.get(name)
        if a is None or b is None:
            if old is None:
                out.add(a or b)  # type: ignore[arg-type]  # one of them is there
            continue
        if old is not None and _same(a, old):
            out.add(b)
        elif old is not None and _same(b, old):
            out.add(a)
        else:
            out.add(a)
            out.add(b)
    return out


def _same(one: Entry, other: Entry) -> bool:
    return one._replace(where="") == other._replace(where="")
