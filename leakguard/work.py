"""Units of work: what is handed out to be scanned, what comes back, and under which policy.

A unit is a small file, or a part of a large one that was cut where no encoded run goes on. Reads no more of a file than tells
where to cut it. Knows no rules. Imported by pipeline.py and everybody who hands out work or takes what came of it.
"""

# No `from __future__ import annotations` here: NamedTuple would compile every annotation, on every start.
import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from leakguard.model import CredentialSet, Finding, Incident
from leakguard.sources.inside.limits import Bytes, Limits
from leakguard.sources.inside.opaque import NOTED
from leakguard.sources.windows import REACH, FileTask, open_regular

if TYPE_CHECKING:
    from leakguard.triage.joining import References

SPLIT = 8 * 1024 * 1024
"""Files of twice this size are cut into parts of SPLIT bytes, one unit of work each."""

BATCH_BYTES = 2 * 1024 * 1024
BATCH_FILES = 256

PER_FILE = 4096
"""What a file costs beside its bytes, in bytes."""

_Raw = bytes  # a field of Done has that name


class Unit(NamedTuple):
    """A piece of work: a file, or the part [start, end) of one."""

    task: FileTask
    start: int = 0
    end: int | None = None
    """None for the last part of a file, and for a whole one."""


class Content(NamedTuple):
    """What a file holds, if a blob with just that is sure to hold nothing that is reported: see checkouts.py."""

    digest: bytes
    path: str
    """That of such a blob."""
    views: int
    """Those that are made of it in a blob, with their bytes."""
    view_bytes: int


class Done(NamedTuple):
    """What a unit of work gave. Lines of findings count from the unit's first line, columns of that line from the
    unit's first byte."""

    findings: list[Finding]
    sets: list[CredentialSet]
    lines: int
    """Line breaks in the unit's own bytes: the offset of the next part's lines."""
    bytes: int
    views: int
    view_bytes: int
    incidents: list[Incident]
    tail: int = 0
    """Bytes after the last line break in the unit; all of them if there is none."""
    references: tuple["References", ...] = ()
    """What the text refers to, where a credential's other half may stand elsewhere."""
    objects: int = 1
    """Things scanned: one, or the members of an archive."""
    inside: tuple[int, int, int] = (0, 0, 0)
    """(containers, members, expanded bytes)."""
    account: tuple[Bytes, Bytes] | None = None
    """What became of the bytes of a container, and of those that came out of it; None for what is none."""
    last: _Raw = b""
    """The end of what a rotated log's compressed part holds: the next part may go on with it."""
    content: Content | None = None
    """Told by a worker of what was one file; nobody keeps it."""


class Policy(NamedTuple):
    """What is reported of what is found."""

    min_severity: int = 0
    min_confidence: int = 0
    inside: Limits | None = None
    """How far to go into archives; None: they are bytes like any other."""
    strict: bool = False
    """What is recognised and cannot be read (a package is missing, no reader) makes the run incomplete."""
    git: bool = False
    """Read the packs and objects of git repositories that lie among the files."""


def lost(unit: Unit, reason: str) -> Done:
    """The outcome of a unit that could not be scanned at all."""
    size = (unit.task.size if unit.end is None else unit.end) - unit.start
    return Done([], [], 0, 0, 0, 0, [Incident("failed", unit.task.path, reason, max(0, size))])


# ---------------------------------------------------------------- cut and put together
def units(tasks: Iterable[FileTask], inside: bool = False) -> Iterator[Unit]:
    """Cuts large files into parts, where no encoded run goes on from one to the next. An archive to be looked into
    stays whole."""
    for task in tasks:
        start = 0
        if task.kind == "file" and task.size >= 2 * SPLIT and not (inside and archive_kind(task)):
            for border in _borders(task):
                yield Unit(task, start, border)
                start = border
        # the last part has no end: what a growing file gained is its to report
        yield Unit(task, start)


def archive_kind(task: FileTask) -> str:
    """What `scan_unit` will look into it as; "" for what is no archive."""
    from leakguard.sources.inside.magic import ISO_HEAD
    from leakguard.sources.inside.walk import is_container

    try:
        handle, _ = open_regular(task.open_path)
    except OSError:
        return ""  # whoever reads it will say so
    try:
        kind = is_container(os.read(handle, ISO_HEAD), task.path, task.open_path, False)
        return "" if kind in NOTED else kind
    except OSError:
        return ""
    finally:
        os.close(handle)


_RUN = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/_-\0"


def _borders(task: FileTask) -> list[int]:
    """Where to cut a file: every SPLIT bytes, but not where the part that begins there would see nothing of its context
    but the middle of a run."""
    borders = range(SPLIT, task.size - SPLIT + 1, SPLIT)
    try:
        handle, _ = open_regular(task.open_path)
    except OSError:
        return list(borders)  # whoever reads the parts will say so
    try:
        return [at for at in borders if _before(handle, at).translate(None, _RUN)]
    except OSError:
        return []
    finally:
        os.close(handle)


def _before(handle: int, border: int) -> bytes:
    low = max(0, border - REACH)
    os.lseek(handle, low, os.SEEK_SET)
    return os.read(handle, border - low)


def batches(work: Iterable[Unit]) -> Iterator[list[Unit]]:
    """Groups small files, so that handing them over costs little."""
    batch: list[Unit] = []
    size = 0
    for unit in work:
        batch.append(unit)
        size += (unit.end - unit.start) if unit.end is not None else unit.task.size
        if size >= BATCH_BYTES or len(batch) >= BATCH_FILES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
