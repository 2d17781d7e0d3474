"""Secrets over the seam of a log rotation: one part ends in the middle of a line, or of a key, and the next goes on.

Promises: what stands whole in one of two parts is reported there, by the scan of that part, and here nothing is said of it;
what only both together show is reported once, at its place in the part where it begins, whose origin names the other one;
what the scans took for a value that goes on behind the seam is dropped. Looks at REACH bytes on either side, of parts that
were compressed, too; a part that cannot be read again is left to the scan, which told of it.

Imported by collector.py when it meets rotated logs. Knows no command line and no report format.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import NamedTuple

from leakguard.detect.engine import Engine
from leakguard.findings import breaks
from leakguard.model import Document, Finding, Incident, Origin
from leakguard.pipeline import scan_leaf, scan_whole
from leakguard.sources.inside.limits import Limits
from leakguard.sources.windows import FileTask, open_regular
from leakguard.work import Policy, archive_kind

REACH = 16 * 1024
"""Bytes looked at on either side: no match is longer."""
_CUT = ("json-file", "cri")
"""Logs whose lines go on in the next record."""


def joined(
    engine: Engine, policy: Policy, pairs: Iterable[tuple[FileTask, FileTask]], ends: dict[str, bytes], known: list[Finding]
) -> list[Finding]:
    """The findings `known` of a scan, and those over the seams between `pairs` (a part, and what goes on with it) in place of
    their pieces. `ends` holds the last bytes of parts that were unpacked."""
    found: list[_New] = []
    for one, other in pairs:
        seam = _Seam.of(engine, policy, one, other, ends)
        if seam is not None:
            found += seam.found()
    if not found:
        return known
    kept = [f for f in known if f.set_id or not any(new.holds(f) for new in found)]
    return kept + [new.finding for new in found]


class _New(NamedTuple):
    """A finding that only both sides show."""

    finding: Finding
    after: str
    behind: int
    """Its bytes in the part `after`."""

    def holds(self, old: Finding) -> bool:
        """Is the other one a piece of it?"""
        if old.path == self.finding.path:
            return old.start_byte < self.finding.end_byte and self.finding.start_byte < old.end_byte
        return old.path == self.after and old.start_byte < self.behind


class _Side(NamedTuple):
    """The bytes on one side of a seam."""

    task: FileTask
    origin: Origin
    data: bytes


class _Seam:
    """Two parts of one log, and what only both of them show."""

    def __init__(self, engine: Engine, policy: Policy, before: _Side, after: _Side) -> None:
        self.engine = engine
        self.policy = policy
        self.before = before
        self.after = after

    @classmethod
    def of(
        cls, engine: Engine, policy: Policy, one: FileTask, other: FileTask, ends: dict[str, bytes]
    ) -> _Seam | None:
        """None where a part is of a kind that has no text to go on with, or is gone."""
        before, after = _end(one, policy, ends), _beginning(other, policy)
        if before is None or after is None or not before.data or not after.data:
            return None
        return cls(engine, policy, before, after)

    def found(self) -> list[_New]:
        """What neither side shows alone."""
        joined, border = self.before.data + self.after.data, len(self.before.data)
        whole = self._scanned(joined)
        if not whole:
            return []
        known = {(f.start_byte, f.end_byte) for f in self._scanned(self.before.data)}
        known |= {(f.start_byte + border, f.end_byte + border) for f in self._scanned(self.after.data)}
        # what was cut off at the beginning may look like anything
        first = self.before.data.find(b"\n") + 1 if border >= REACH else 0
        after = str(self.after.origin)
        return [
            _New(self._placed(f, joined, border), after, max(0, f.end_byte - border) if f.start_byte < border else 0)
            for f in whole
            if (f.start_byte, f.end_byte) not in known and f.start_byte >= first
        ]

    def _scanned(self, data: bytes) -> list[Finding]:
        """Findings with their places in `data`."""
        from leakguard.sources.inside import magic
        from leakguard.sources.inside.walk import leaves_in

        told: list[Incident] = []
        origin = Origin("file", self.before.task.path)
        begin = data.find(b"\n") + 1
        kind = magic.kind_of(data[begin:]) or magic.kind_of(data)
        if kind not in _CUT:
            return scan_whole(self.engine, Document(data, origin), self.policy, told).findings
        found: list[Finding] = []
        for leaf in leaves_in(data, origin, kind, Limits(), told.append):
            found += scan_leaf(self.engine, leaf, self.policy).findings
        return found

    def _placed(self, finding: Finding, joined: bytes, border: int) -> Finding:
        """The finding in the part where it begins; its bytes and lines count on over the seam."""
        low, high = finding.start_byte, finding.end_byte
        if low >= border:
            text, base, lines, side, fact = joined[border:], 0, 0, self.after, ("begins", str(self.before.origin))
            low, high = low - border, high - border
        else:
            base, lines, column = _counted(self.before, self.policy)
            text, side, fact = joined, self.before, ("continues", str(self.after.origin))
        start, end = text.rfind(b"\n", 0, low), text.rfind(b"\n", 0, high)
        ahead = column if low < border and side is self.before else 0  # of the line that the text begins in
        return finding._replace(
            origin=side.origin._replace(facts=(*side.origin.facts, fact)),
            start_byte=base + low,
            end_byte=base + high,
            start_line=lines + text.count(b"\n", 0, low) + 1,
            end_line=lines + text.count(b"\n", 0, high) + 1,
            start_column=low - start if start >= 0 else ahead + low + 1,
            end_column=high - end if end >= 0 else ahead + high + 1,
        )


def _end(task: FileTask, policy: Policy, ends: dict[str, bytes]) -> _Side | None:
    """The end of a part."""
    if task.path in ends:
        origin = _unpacked(task, policy, lambda _data: False)
        return None if origin is None else _Side(task, origin, ends[task.path][-REACH:])
    if not _is_text(task, policy):
        return None
    data = _read(task, max(0, task.size - REACH))
    return None if data is None else _Side(task, Origin("file", task.path), data)


def _beginning(task: FileTask, policy: Policy) -> _Side | None:
    """The beginning of a part."""
    if _is_text(task, policy):
        data = _read(task, 0)
        return None if data is None else _Side(task, Origin("file", task.path), data)
    got = bytearray()

    def take(data: bytes) -> bool:
        got.extend(data)
        return len(got) < REACH

    origin = _unpacked(task, policy, take)
    return None if origin is None else _Side(task, origin, bytes(got[:REACH]))


def _is_text(task: FileTask, policy: Policy) -> bool:
    """Is it scanned as it stands on disk?"""
    from leakguard.sources.inside.magic import LOGS

    return policy.inside is None or archive_kind(task) in ("", *LOGS)


def _read(task: FileTask, start: int) -> bytes | None:
    """REACH bytes from an offset, fewer at the end; None if it cannot be read (any more)."""
    try:
        handle, _ = open_regular(task.open_path)
    except OSError:
        return None  # whoever scanned it said so
    try:
        os.lseek(handle, start, os.SEEK_SET)
        return os.read(handle, REACH)
    except OSError:
        return None
    finally:
        os.close(handle)


def _unpacked(task: FileTask, policy: Policy, take: Callable[[bytes], bool]) -> Origin | None:
    """Hands what a compressed part holds to `take`, as long as it wants more; returns its origin, or None for what is not
    one compressed text."""
    from leakguard.sources.inside.readers import READERS
    from leakguard.sources.inside.walk import Tally, leaves

    kind = archive_kind(task)
    if READERS.get(kind, ("",))[0] != "archives.codecs":
        return None
    told: list[Incident] = []  # the scan told of them
    found = leaves(task, Origin("file", task.path), kind, policy.inside or Limits(), told.append, tally=Tally())
    leaf = next(found, None)
    if leaf is None or leaf.origin.inside is None or leaf.origin.inside.inside is not None or leaf.moved is not None:
        return None
    while (data := leaf.stream.taken(REACH)) and take(data):
        pass
    return leaf.origin


def _counted(side: _Side, policy: Policy) -> tuple[int, int, int]:
    """(bytes, line breaks, bytes behind the last of these) of a part before the end that was looked at. Reads all of it
    again: asked only where a secret goes over a seam."""
    size = lines = 0
    last = -1

    def take(data: bytes) -> bool:
        nonlocal size, lines, last
        lines += breaks(data, 0, len(data))
        if b"\n" in data:
            last = size + data.rfind(b"\n")
        size += len(data)
        return True

    if side.origin.inside is not None:
        _unpacked(side.task, policy, take)
    else:
        at = 0
        while (data := _read(side.task, at)) and take(data):
            at += len(data)
    inner = side.data.count(b"\n")
    base = size - len(side.data)
    if not inner:
        return base, lines, base - last - 1
    return base, lines - inner, 0

