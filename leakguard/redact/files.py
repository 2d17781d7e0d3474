"""Logs that exist, cleaned in place: plain, gzip, xz, bzip2, zstd, JSON lines, journald export.

A file is read once through the redactor into a new one beside it; what the scanner still finds there is masked until it
finds nothing, and the written file is read back and scanned before it takes the old one's place: whole or not at all,
with its mode, owner, times and extended attributes. Nothing is replaced that is a link, has several names, is open for
writing elsewhere, or changes meanwhile, unless told; nothing that could not be read to its end, or is not proven clean.

What this cannot do: blocks that the file system frees, snapshots, copies elsewhere. Rotate what leaked first.
Imported by cli/redact.py.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import chain
from typing import Any, BinaryIO, NamedTuple

from leakguard.errors import LeakguardError, SourceError
from leakguard.model import Confidence
from leakguard.redact import folds, formats, mask, recoded
from leakguard.redact.busy import writers
from leakguard.redact.core import Redactor
from leakguard.redact.names import RANK_RULE, Span
from leakguard.redact.proof import scanned
from leakguard.redact.stream import Stream

WINDOW = 4 * 1024 * 1024
REACH = 64 * 1024
YOUNG = 2.0
"""Seconds since a file's last change below which it is taken to be in use."""
ROUNDS = 4


class Options(NamedTuple):
    """How files are cleaned."""

    dry_run: bool = False
    force: bool = False
    """Also files that are being written, files with several names, binary ones, lines that cannot be checked."""
    backup: Callable[[str, int], str] | None = None
    """Given (path, descriptor of the old file), keeps a sealed copy and gives its path."""


class Cleaned(NamedTuple):
    """What became of one file. Safe to print and store."""

    path: str
    state: str
    """clean (nothing found), cleaned, would-clean, refused, failed."""
    reason: str = ""
    format: str = ""
    size_before: int = 0
    size_after: int = 0
    sha256_before: str = ""
    sha256_after: str = ""
    replaced: int = 0
    kinds: tuple[tuple[str, int], ...] = ()
    fingerprints: tuple[tuple[str, str, int], ...] = ()
    """(kind, pseudonym, how often)."""
    verified: bool = False
    """Whether the new file was read back and scanned, and nothing was found."""
    backup: str = ""

    def as_json(self) -> dict[str, Any]:
        """Plain data for the manifest."""
        out = self._asdict()
        out["kinds"] = dict(self.kinds)
        out["fingerprints"] = [{"kind": kind, "pseudonym": name, "count": n} for kind, name, n in self.fingerprints]
        return out


def walk(paths: Iterable[str]) -> Iterator[str]:
    """The files under paths, in order; a path that is none of ours to judge comes out as it is."""
    for path in paths:
        if os.path.isdir(path) and not os.path.islink(path):
            for folder, folders, names in os.walk(path):
                folders.sort()
                for name in sorted(names):
                    if not os.path.islink(os.path.join(folder, name)):
                        yield os.path.join(folder, name)
        else:
            yield path


def clean(redactor: Redactor, path: str, options: Options = Options()) -> Cleaned:  # noqa: B008
    """Cleans one file. What goes wrong is told in the result."""
    try:
        return _clean(redactor, path, options)
    except _Refused as refusal:
        return Cleaned(path, "refused", str(refusal))
    except LeakguardError as error:
        return Cleaned(path, "failed", error.message)
    except OSError as error:
        return Cleaned(path, "failed", error.strerror or type(error).__name__)
    except Exception as error:  # noqa: BLE001 - a message could quote what was read
        return Cleaned(path, "failed", f"internal error: {type(error).__name__}")


class _Refused(Exception):  # noqa: N818
    """Why a file is left alone; says nothing of its content."""


def _clean(redactor: Redactor, path: str, options: Options) -> Cleaned:
    before = _judged(path, options)
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0))
    with os.fdopen(handle, "rb") as old:
        if _identity(os.fstat(old.fileno())) != _identity(before):
            raise _Refused("changes while it is read")
        with _locked(old.fileno(), options.force):
            return _rewrite(redactor, path, old, before, options)


def _judged(path: str, options: Options) -> os.stat_result:
    """The file's status, if it can be replaced."""
    info = os.lstat(path)
    if stat.S_ISLNK(info.st_mode):
        raise _Refused("is a symbolic link")
    if not stat.S_ISREG(info.st_mode):
        raise _Refused("is no regular file")
    if not options.force:
        if info.st_nlink > 1:
            raise _Refused(f"has {info.st_nlink} names; the others would keep the old content (--force)")
        _idle(path, info)
    return info


def _idle(path: str, info: os.stat_result) -> None:
    found = writers(info.st_dev, info.st_ino)
    if found:
        raise _Refused(f"is open for writing in process {found[0]} (--force)")
    if abs(time.time() - info.st_mtime) < YOUNG:
        raise _Refused("was written to just now (--force)")


def _identity(info: os.stat_result) -> tuple[int, int, int, int]:
    return info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns


@contextmanager
def _locked(handle: int, force: bool) -> Iterator[None]:
    """Holds an advisory lock, so that two of us do not clean one file; whoever holds one is writing it."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        if not force:
            raise _Refused("is locked by another process (--force)") from None
    yield


def _rewrite(redactor: Redactor, path: str, old: BinaryIO, before: os.stat_result, options: Options) -> Cleaned:
    kind = formats.kind_of(old)
    other = formats.foreign(kind, old)
    if other:
        raise _Refused(f"is no log but {other}")
    tally: dict[tuple[str, str], int] = {}
    temporary = f"{os.path.join(os.path.dirname(path) or '.', '.')}leakguard-{os.urandom(8).hex()}.tmp"
    reader = _Hashed(old)
    new = os.fdopen(os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0), 0o600), "w+b")
    try:
        with new:
            with redactor.counts.tallied(tally):
                seen = _Seen()
                formats.rewrite(kind, reader, new, lambda source: seen.after(_redacted(redactor, path, kind, seen.before(source))))
            new.flush()
            if seen.unchecked and not options.force:
                raise _Refused(f"has lines that cannot be checked: {seen.unchecked} (--force masks them as a whole)")
            if seen.unchecked:
                tally["error", ""] = seen.unchecked
            done = Cleaned(
                path, "clean", "", kind.name, before.st_size, before.st_size, reader.digest(), reader.digest(),
                sum(tally.values()), _kinds(tally), tuple((*key, n) for key, n in sorted(tally.items())),
            )  # fmt: skip
            if not tally:
                return done._replace(verified=True)
            new.seek(0)
            _prove(redactor, path, kind, new)
            if seen.binary and not kind.journal and not options.force and seen.size != seen.size_after:
                raise _Refused("is binary: what reads it may count on lengths (--force, or --style length)")
            done = done._replace(
                state="would-clean", size_after=os.fstat(new.fileno()).st_size, sha256_after=_sha256(new), verified=True
            )
            if options.dry_run:
                return done
            _like(new.fileno(), path, before)
            os.fsync(new.fileno())
        if _identity(os.lstat(path)) != _identity(before):
            raise _Refused("changed while it was read")
        sealed = options.backup(path, old.fileno()) if options.backup is not None else ""
        os.replace(temporary, path)
        _sync(os.path.dirname(path) or ".")
        return done._replace(state="cleaned", backup=sealed)
    finally:
        with suppress(OSError):
            os.unlink(temporary)


def _kinds(tally: dict[tuple[str, str], int]) -> tuple[tuple[str, int], ...]:
    out: dict[str, int] = {}
    for (kind, _), number in tally.items():
        out[kind] = out.get(kind, 0) + number
    return tuple(sorted(out.items()))


def _like(handle: int, path: str, before: os.stat_result) -> None:
    """Gives a file the owner, mode, attributes and times of the one it replaces."""
    if hasattr(os, "fchown"):
        now = os.fstat(handle)
        if (now.st_uid, now.st_gid) != (before.st_uid, before.st_gid):
            os.fchown(handle, before.st_uid, before.st_gid)
        os.fchmod(handle, stat.S_IMODE(before.st_mode))
    if hasattr(os, "listxattr"):
        for name in os.listxattr(path):
            with suppress(OSError):  # the kernel's own (security.*) are not ours to set
                os.setxattr(handle, name, os.getxattr(path, name))
    os.utime(handle, ns=(before.st_atime_ns, before.st_mtime_ns))


def _sync(folder: str) -> None:
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _sha256(file: BinaryIO) -> str:
    file.seek(0)
    whole = _Hashed(file)
    return whole.digest()


class _Hashed:
    """A file whose bytes are hashed as they are read, to the last one."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._hash = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self._hash.update(data)
        return data

    def digest(self) -> str:
        while self.read(1 << 20):
            pass
        return self._hash.hexdigest()


class _Seen:
    """Takes note of what is read and written."""

    def __init__(self) -> None:
        self.unchecked = 0
        """Lines that could not be checked: more of them are written than were read."""
        self.size = self.size_after = 0
        self.binary = False
        """Whether there are NULs in what is read, beyond those that a truncated log begins with, and it is no wide text."""
        self._wide = False

    def before(self, source: Iterable[bytes]) -> Iterator[bytes]:
        rest = b""
        text = False
        for data in source:
            if not self.size:
                self._wide = (
                    recoded.encoding_of(data) != ""
                    or any(data[:64:2]) is not any(data[1:64:2])
                )
            self.size += len(data)
            text = text or data.count(0) < len(data)
            self.binary = self.binary or (text and not self._wide and 0 in data.lstrip(b"\0"))
            self.unchecked -= (rest + data).count(mask.ERROR)
            rest = data[1 - len(mask.ERROR) :]
            yield data

    def after(self, source: Iterable[bytes]) -> Iterator[bytes]:
        rest = b""
        for data in source:
            self.size_after += len(data)
            self.unchecked += (rest + data).count(mask.ERROR)
            rest = data[1 - len(mask.ERROR) :]
            yield data


# ---------------------------------------------------------------- content
def _redacted(redactor: Redactor, path: str, kind: formats.Kind, source: Iterable[bytes]) -> Iterator[bytes]:
    """Content line by line through the redactor, and what the scanner still finds in large windows of that masked, too;
    of a journal's export field by field."""
    if kind.journal:
        from leakguard.redact.journal import rewritten

        return rewritten(redactor, source)
    pieces = iter(source)
    first = next(pieces, b"")
    source = chain([first], pieces)
    if not recoded.encoding_of(first):
        return _windows(redactor, path, _lines(redactor, source))
    text = recoded.through(source, lambda narrow: _windows(redactor, path, _lines(redactor, narrow)))
    return _windows(redactor, path, text)  # as it is written, it may say something else


def _lines(redactor: Redactor, source: Iterable[bytes]) -> Iterator[bytes]:
    out: list[bytes] = []
    stream = Stream(redactor, out.append)
    failed = _failures(redactor)
    for data in source:
        stream.feed(data)
        yield _structured(redactor, b"".join(out))
        out.clear()
    stream.flush()
    yield _structured(redactor, b"".join(out))
    if _failures(redactor) != failed:
        raise SourceError("redact", "a part of it could not be checked")


def _structured(redactor: Redactor, data: bytes) -> bytes:
    """Lines of JSON with escapes in them, read as such: a value's end is where JSON says, whatever is escaped in it."""
    if b"\\" not in data or b"{" not in data:
        return data
    return b"".join(
        _json_line(redactor, line) if line[:1] == b"{" and b"\\" in line else line
        for line in data.splitlines(keepends=True)
    )


def _json_line(redactor: Redactor, line: bytes) -> bytes:
    try:
        before = json.loads(line)
    except ValueError:
        return line  # it only looked like one, and was redacted as text
    after = redactor.redact(before)
    if after is before:
        return line
    masked: dict[str, str] = {}
    _compared(before, after, masked)

    def written(found: re.Match[bytes]) -> bytes:
        new = masked.get(json.loads(found[0]))
        return found[0] if new is None else json.dumps(new, ensure_ascii=line.isascii()).encode("utf-8", "surrogatepass")

    # only the strings that changed: numbers, spaces and escapes stay as they were written
    return _STRING.sub(written, line)


_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"')


def _compared(before: Any, after: Any, masked: dict[str, str]) -> None:
    """What became of each text of a document."""
    if isinstance(before, str):
        if after is not before and after != before:
            masked[before] = str(after)
    elif isinstance(before, list):
        for old, new in zip(before, after, strict=True):
            _compared(old, new, masked)
    elif isinstance(before, dict):
        for (name, old), (new_name, new) in zip(before.items(), after.items(), strict=True):
            _compared(name, new_name, masked)
            _compared(old, new, masked)


def _failures(redactor: Redactor) -> int:
    return redactor.stats().errors


def _windows(redactor: Redactor, path: str, source: Iterable[bytes]) -> Iterator[bytes]:
    held: list[bytes] = []
    size = 0
    for data in source:
        held.append(data)
        size += len(data)
        if size >= WINDOW + REACH:
            window = _settled(redactor, path, b"".join(held))
            cut = max(window.rfind(b"\n", 0, len(window) - REACH) + 1, len(window) - 2 * REACH)
            yield window[:cut]
            held, size = [window[cut:]], len(window) - cut
    yield _settled(redactor, path, b"".join(held))


def _settled(redactor: Redactor, path: str, window: bytes) -> bytes:
    """A window in which the scanner finds nothing any more."""
    for _ in range(ROUNDS):
        spans = _left(redactor, path, window)
        if not spans:
            break
        window = redactor.replaced(window, spans)
    return window


def _left(redactor: Redactor, path: str, window: bytes) -> list[Span]:
    scan = scanned(redactor, window, path)
    if scan.incidents:
        raise SourceError(path, f"could not be scanned to its end: {scan.incidents[0]}")
    found = [
        Span(m.secret_start, m.secret_end, redactor.runtime.ruleset.rules[m.rule].id, RANK_RULE)
        for m in scan.matches
        if m.confidence >= Confidence.MEDIUM
    ]
    grams = folds.known(redactor.known)
    known = grams.find(window, 0) if grams is not None else None
    found += [Span(start, end, owner.name, RANK_RULE) for start, end, owner in known.places] if known is not None else []
    return mask.merged(found)


def _prove(redactor: Redactor, path: str, kind: formats.Kind, new: BinaryIO) -> None:
    """Reads what was written back and scans it. SourceError if anything is found."""
    held = b""
    for data in formats.content(kind, new):
        held += data
        if len(held) >= WINDOW + REACH:
            _none_left(redactor, path, held)
            held = held[-REACH:]
    _none_left(redactor, path, held)


def _none_left(redactor: Redactor, path: str, window: bytes) -> None:
    left = _left(redactor, path, window)
    if left:
        raise SourceError(path, f"{len(left)} secrets would remain ({left[0].kind}); it is left as it was")
