"""Object folders of git: what in them git reads, what it does not, and what must not be read.

`link` gives a repository of ours the packs and loose objects of a folder, and nothing that could hide one of them
(reverse indexes, bitmaps, multi-pack indexes) or keep a reader waiting (pipes, devices). Links that lead out of the
repository are told and not followed, unless that was asked for. `strays` names what git would not look at: what a killed
fetch or push left behind, packs without an index, files that somebody put there.

Writes nothing but links in the folder it is given. Knows model only; imported by git.py, gitrefs.py, index.py,
beside.py and cli/purge.py.
"""

from __future__ import annotations

import os
import re
import stat
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise

from leakguard.model import Incident
from leakguard.sources.windows import open_regular

OnIncident = Callable[[Incident], None]
Allowed = Callable[[str], bool]
"""Whether a real path may be read."""

_FANOUT = re.compile(r"[0-9a-f]{2}\Z")
_LOOSE = re.compile(r"[0-9a-f]{38}(?:[0-9a-f]{24})?\Z")
_DERIVED = re.compile(r"(?:pack-[0-9a-f]+\.(?:rev|bitmap|mtimes)|multi-pack-index(?:-[0-9a-f]+\.(?:rev|bitmap))?)\Z")
"""What git makes of packs to be quicker: nothing is in it that is not in them."""
_GRAPHS = re.compile(r"commit-graphs?(?:/(?:commit-graph-chain|graph-[0-9a-f]+\.graph))?\Z")
_KEPT = (".pack", ".idx")
_MOST = 64 * 1024 * 1024
QUARANTINE = ("tmp_objdir-", "incoming-")
"""How folders begin in which git keeps what it is sent until it is accepted. A killed one is left there."""


def inside(roots: tuple[str, ...]) -> Allowed:
    """Whether a real path lies in one of these folders."""
    tops = tuple(os.path.realpath(root).rstrip(os.sep) + os.sep for root in roots)
    return lambda path: (path + os.sep).startswith(tops)


def anywhere(_path: str) -> bool:
    """Allows every folder: for a store that the user named."""
    return True


def link(folder: str, farm: str, allowed: Allowed, on_incident: OnIncident) -> None:
    """Makes links in `farm` to the parts of an object folder that hold objects, and to nothing else of it."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        on_incident(Incident("failed", folder, f"object store cannot be read: {error.strerror or 'no reason given'}"))
        return
    for entry in entries:
        if entry.name != "pack" and not _FANOUT.match(entry.name):
            continue
        if not entry.is_dir(follow_symlinks=False):
            on_incident(Incident("failed", entry.path, "not a folder of the object store, not followed"))
            continue
        if not os.access(entry.path, os.R_OK | os.X_OK):
            on_incident(Incident("failed", entry.path, "object store cannot be read: Permission denied"))
        parts = _parts(entry.path, entry.name == "pack", allowed, on_incident)
        at = os.path.join(farm, entry.name)
        real = os.path.realpath(entry.path)
        if parts is None:
            os.symlink(real, at, target_is_directory=True)
            continue
        os.mkdir(at)
        for name in parts:
            os.symlink(os.path.join(real, name), os.path.join(at, name))


def _parts(folder: str, packs: bool, allowed: Allowed, on_incident: OnIncident) -> list[str] | None:
    """The files of a folder that git may see; None if it may see all that is there."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return None  # said already
    kept = []
    for entry in entries:
        if not (entry.name.endswith(_KEPT) if packs else _LOOSE.match(entry.name)):
            continue
        if entry.is_file(follow_symlinks=False) or (entry.is_symlink() and _leads_in(entry.path, allowed, on_incident)):
            kept.append(entry.name)
        elif not entry.is_symlink():
            on_incident(Incident("failed", entry.path, "not a file, not read"))
    if packs:
        _check_pairs(folder, kept, on_incident)
    # a whole folder is better where nothing speaks against it: git notices when it is packed anew meanwhile
    known = set(kept)
    return kept if any(_harmful(entry.name, packs) for entry in entries if entry.name not in known) else None


def _harmful(name: str, packs: bool) -> bool:
    """Whether git would look at it."""
    if not packs:
        return bool(_LOOSE.match(name))
    return name.endswith((".rev", *_KEPT)) or name.startswith("multi-pack-index")


def _leads_in(path: str, allowed: Allowed, on_incident: OnIncident) -> bool:
    """Whether a link leads to a file that may be read."""
    real = os.path.realpath(path)
    try:
        if stat.S_ISREG(os.stat(real).st_mode) and allowed(real):
            return True
        reason = "a link that leads out of the repository, not followed" if not allowed(real) else "not a file, not read"
    except OSError:
        reason = "a link that leads nowhere"
    on_incident(Incident("failed", path, reason))
    return False


def _check_pairs(folder: str, kept: list[str], on_incident: OnIncident) -> None:
    """A pack without its index is invisible to git, and so are its objects."""
    names = set(kept)
    for name in kept:
        path = os.path.join(folder, name)
        if name.endswith(".pack") and name.removesuffix(".pack") + ".idx" not in names:
            on_incident(Incident("failed", path, "a pack without its index: git cannot see into it"))
        elif name.endswith(".idx") and name.removesuffix(".idx") + ".pack" not in names:
            on_incident(Incident("failed", path, "an index without its pack"))


def strays(folder: str, on_incident: OnIncident) -> Iterator[str]:
    """Names, below an object folder, of the files that are no objects of git's."""
    waiting = [""]
    while waiting:
        below = waiting.pop()
        try:
            entries = sorted(os.scandir(os.path.join(folder, below)), key=lambda entry: entry.name)
        except OSError as error:
            if below:  # of the folder itself it was said already
                on_incident(Incident("failed", os.path.join(folder, below), error.strerror or "cannot be read"))
            continue
        names = _usable(entries) if below == "pack" else set()
        for entry in entries:
            name = f"{below}/{entry.name}" if below else entry.name
            try:
                mode = entry.stat(follow_symlinks=False).st_mode if not _known(below, entry.name, names) else 0
            except OSError:
                continue  # gone since it was listed: git's own temporary files come and go
            if stat.S_ISDIR(mode):
                waiting.append(name)
            elif stat.S_ISREG(mode) or stat.S_ISLNK(mode):
                yield name
            elif mode:
                on_incident(Incident("skipped", os.path.join(folder, name), "not a file"))


def _usable(entries: Iterable[os.DirEntry[str]]) -> set[str]:
    """Names of a pack folder, without those of indexes that git refuses to open: what is in their packs it does not see."""
    return {entry.name for entry in entries if not entry.name.endswith(".idx") or _is_index(entry.path)}


def _is_index(path: str) -> bool:
    """Whether a file is as long as an index of as many objects as it says it has, which is what git looks at first. True for
    one that cannot be read, of which git says so itself."""
    try:
        handle, size = open_regular(path)
        with os.fdopen(handle, "rb") as stream:
            head = stream.read(8 + 1024)
    except OSError:
        return True
    new = head.startswith(b"\xfftOc")
    table = head[8:] if new else head[:1024]
    if len(table) < 1024 or (new and head[4:8] != b"\0\0\0\2"):
        return False
    counts = struct.unpack(">256I", table)
    if any(one > other for one, other in pairwise(counts)):
        return False
    for width in (20, 32):
        least = (8 if new else 0) + 1024 + counts[-1] * (width + (8 if new else 4)) + 2 * width
        if least <= size <= least + (8 * max(0, counts[-1] - 1) if new else 0):
            return True
    return False


def unfinished(path: str) -> bytes:
    """What is packed in a file that looks like a loose object, as far as it goes and up to 64 MB; b"" if it is none."""
    try:
        handle, _ = open_regular(path)
        with os.fdopen(handle, "rb") as stream:
            head = stream.read(1)
            if head != b"x":
                return b""
            return zlib.decompressobj().decompress(head + stream.read(_MOST), _MOST)
    except (OSError, zlib.error):
        return b""


def _known(below: str, name: str, names: set[str]) -> bool:
    """Whether it is something of git's that holds objects, or is made of them."""
    if not below and name.startswith(QUARANTINE):
        return True  # an object folder of its own
    if below == "pack":
        stem, ending = os.path.splitext(name)
        return bool(_DERIVED.match(name)) or ending == ".idx" or (ending == ".pack" and f"{stem}.idx" in names)
    if below == "info" or below.startswith("info/"):
        return bool(_GRAPHS.match(f"{below}/{name}"[5:])) and name != "commit-graphs"
    return bool(_FANOUT.match(below)) and bool(_LOOSE.match(name))
