"""What of a new content is added: held against what it replaces, parent by parent and value by value.

Linear in the contents, whatever they are: lines and values are counted, never compared pair by pair. Knows how values
were found only through the source of old ones it is given. Imported by changes.py.
"""

# No `from __future__ import annotations` here: NamedTuple would compile every annotation, on every start.
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from leakguard.hashes import blake2b
from leakguard.model import CredentialSet, Finding
from leakguard.sources.index import Change
from leakguard.sources.ranges import Step

COMPLETED = "was there before; what was added beside it completes the credential"
RECOGNISED = "was there before; what was added near it says what it is"

MOVABLE = 16
"""Bytes from which a value that stands elsewhere, too, is the same value and no coincidence."""
MOST_MOVED = 256 * 1024 * 1024
"""Bytes of what a step replaces that are looked through for a value that only moved; beyond that it counts as new."""

Counts = dict[bytes, int]


class Seen(NamedTuple):
    """What one content gave."""

    findings: list[Finding]
    sets: list[CredentialSet]
    packed: bool = False
    """Found in members of an archive: offsets are theirs."""


NOTHING = Seen([], [])


class Before(Protocol):
    """Knows what was there before."""

    def before(self, ident: str) -> bytes | None:
        """A content; None if it cannot be read: then all that replaced it counts as added."""
        ...

    def values_before(self, ident: str, path: str) -> "tuple[Counts, int]":
        """(how often each value is found in a content that was replaced, by digest; its size)."""
        ...


def values_of(data: bytes, findings: Iterable[Finding]) -> list[bytes]:
    """A digest of each finding's value; of a short one "", since it may stand elsewhere by coincidence."""
    values = (data[finding.start_byte : finding.end_byte] for finding in findings)
    return [blake2b(value, digest_size=16).digest() if len(value) >= MOVABLE else b"" for value in values]


def counted(values: Iterable[bytes]) -> Counts:
    """How often each is among them."""
    out: Counts = {}
    for value in values:
        out[value] = out.get(value, 0) + 1
    return out


class Kept(NamedTuple):
    """A new content in which something was found, until it is known what of it is new."""

    change: Change
    shown: str
    seen: Seen
    values: list[bytes]
    data: bytes | None
    """None if that would be too much to keep."""


class Pool:
    """The values of a step, before and after: what only moved between its files is not added."""

    def __init__(self, scanner: Before, step: Step, kept: Sequence[Kept]) -> None:
        self._scanner = scanner
        # a content that stays the same stands on neither side
        self._changes = [change for change in step.changes if change.blob not in change.before]
        self._now = counted(value for item in kept for value in item.values)
        self._known: dict[tuple[str, str], Counts] = {}
        self._sums: dict[int, Counts] = {}
        self._left = MOST_MOVED

    def of(self, ident: str, path: str) -> Counts:
        """The values of one content that was replaced."""
        if (ident, path) not in self._known:
            self._known[ident, path], size = self._scanner.values_before(ident, path)
            self._left -= size
        return self._known[ident, path]

    def moved(self, parent: int, value: bytes) -> bool:
        """Whether a value is found as often in what the step replaces as in what replaces it."""
        return bool(value) and self._now.get(value, 0) <= self._before(parent).get(value, 0)

    def _before(self, parent: int) -> Counts:
        if parent not in self._sums:
            total: Counts = {}
            for change in self._changes:
                if self._left > 0 and parent < len(change.before) and change.before[parent]:
                    for value, count in self.of(change.before[parent], change.path).items():
                        total[value] = total.get(value, 0) + count
            self._sums[parent] = total
        return self._sums[parent]


class Against:
    """One new content held against what it replaces, parent by parent: added is what no parent has."""

    def __init__(self, scanner: Before, item: Kept, pool: Pool) -> None:
        self._scanner = scanner
        self._change = item.change
        self._findings = item.seen.findings
        self._sets = item.seen.sets
        self._values = item.values
        self._own = counted(item.values)
        self._pool = pool
        self._data = item.data if item.data is not None else scanner.before(item.change.blob) or b""

    def news(self) -> list[tuple[Finding, bytes]]:
        """The findings that the change adds, in order, each with its value."""
        reasons = dict.fromkeys(range(len(self._findings)), "")
        for parent in range(max(1, len(self._change.before))):
            said = self._by_parent(parent, reasons)
            reasons = {number: reasons[number] or why for number, why in said.items()}
            if not reasons:
                return []
        told = completed(self._findings, self._sets, reasons)
        return [(finding, self._data[finding.start_byte : finding.end_byte]) for finding in told]

    def _by_parent(self, parent: int, numbers: Iterable[int]) -> dict[int, str]:
        """Of these findings those that one parent has not, each with why it is told if it is on no added line."""
        ident = self._change.before[parent] if parent < len(self._change.before) else ""
        old = self._scanner.before(ident) if ident else None
        if old is None:
            return {number: "" for number in numbers if not self._pool.moved(parent, self._values[number])}
        added = self._on_added_lines(old)
        known = self._pool.of(ident, self._change.path)
        out: dict[int, str] = {}
        for number in numbers:
            value = self._values[number]
            if number not in added:
                # a short value's digest says nothing: it stands on an old line, and was found there or not
                if value and value not in known:
                    out[number] = RECOGNISED
            elif not value or (self._own[value] > known.get(value, 0) and not self._pool.moved(parent, value)):
                out[number] = ""
        return out

    def _on_added_lines(self, old: bytes) -> set[int]:
        """The findings of which a line is not in the old content, or not as often as it is up to there. White space
        around a line is not compared."""
        lines = self._lines()
        have = {text: 0 for text, _ in lines.values()}
        for line in io.BytesIO(old):
            text = line.strip()
            if text in have:
                have[text] += 1
        added: set[int] = set()
        at = 0
        for line in io.BytesIO(self._data):
            text = line.strip()
            if text in have:
                have[text] -= 1
                if have[text] < 0 and at in lines:
                    added.update(lines[at][1])
            at += len(line)
        return added

    def _lines(self) -> dict[int, tuple[bytes, list[int]]]:
        """offset -> (text, numbers of the findings on it) of each line that a finding stands on."""
        order = sorted(range(len(self._findings)), key=lambda number: self._findings[number].start_byte)
        out: dict[int, tuple[bytes, list[int]]] = {}
        at = following = 0
        here: list[int] = []
        for line in io.BytesIO(self._data):
            end = at + len(line)
            here = [number for number in here if self._findings[number].end_byte > at]
            while following < len(order) and self._findings[order[following]].start_byte < end:
                here.append(order[following])
                following += 1
            if here:
                out[at] = line.strip(), list(here)
            at = end
        return out


def completed(findings: Sequence[Finding], sets: Iterable[CredentialSet], new: Mapping[int, str]) -> list[Finding]:
    """The findings with the numbers `new` (and why, if that needs saying), together with the old parts of complete sets
    that one of them is in."""
    why = dict(new)
    numbers: dict[str, list[int]] = {}
    for number, finding in enumerate(findings):
        numbers.setdefault(finding.fingerprint, []).append(number)
    for made in sets:
        members = [
            number
            for _, fingerprint in made.parts
            for number in numbers.get(fingerprint, ())
            if made.start_line <= findings[number].start_line <= made.end_line
        ]
        if made.complete and any(number in new for number in members):
            why.update({number: COMPLETED for number in members if number not in why})
    out = []
    for number, reason in sorted(why.items()):
        finding = findings[number]
        out.append(finding._replace(reasons=(*finding.reasons, reason)) if reason else finding)
    return out
