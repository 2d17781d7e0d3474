"""What lies in a git folder beside its objects, scanned: configuration, refs, reflogs, hooks, LFS contents, and names.

Also what lies in object folders and is no object of git's: what a killed fetch or push left behind, packs without an
index, files that somebody put there. Keeps an account of what could not be read. Imported by history.py.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from leakguard.collector import Collector
from leakguard.detect.engine import Engine
from leakguard.findings import findings_of
from leakguard.gitpiece import Found
from leakguard.model import Document, Incident, Origin, ScanResult
from leakguard.pipeline import scan_files
from leakguard.sources.files import FileTask
from leakguard.sources.git import Repository, files_below, included, modules
from leakguard.sources.gitrefs import Refs
from leakguard.sources.gitstore import OnIncident, strays, unfinished
from leakguard.work import Policy


class Beside(NamedTuple):
    """What was found, and the account: `result` of the files, and how many names and bytes of names there were."""

    found: list[Found]
    result: ScanResult
    names: int
    bytes: int


def scan_beside(
    at: Repository, refs: Refs, engine: Engine, policy: Policy, jobs: int, on_incident: OnIncident,
    contents: Iterable[str] = (),
) -> Beside:  # fmt: skip
    """Scans everything in a git folder that is no object, and its names. `contents`: files of LFS that lie elsewhere."""
    home = at.common_dir
    prefix = os.path.basename(home) if at.top else ""
    if at.name:
        absorbed = at.name.startswith(("modules/", "worktrees/"))
        prefix = f".git/{at.name}" if absorbed else f"{at.name}/.git"
    skip = frozenset(f"{prefix}/{name}".lstrip("/") for name in ("objects", *_stores(home)))
    names = [ref.name for ref in refs.refs]
    tasks = []
    for path, shown in files_below(home, prefix, on_incident, skip):
        tasks.append(_task(shown, path))
        if "/lfs/objects/" not in f"/{shown}" and not _CONTENT.search(shown):
            names.append(shown[len(prefix) :].lstrip("/"))
    tasks += [_task(path, path) for path in contents]
    tasks += [_task(os.path.relpath(path, os.path.realpath(at.top or home)), path) for path in included(at, on_incident)]
    found: list[Found] = []
    for number, folder in enumerate(at.objects):
        place = folder if number else f"{prefix}/objects".lstrip("/")
        for name in strays(folder, on_incident):
            path, shown = os.path.join(folder, name), f"{place}/{name}"
            data = unfinished(path) if os.path.basename(name).startswith("tmp_obj_") else b""
            if data:
                found += _unfinished(engine, data, shown, on_incident)
            else:
                tasks.append(_task(shown, path))
    collector = Collector()
    everything = policy._replace(min_severity=0, min_confidence=0, git=True)
    scan_files(tasks, lambda _expected: engine, everything, jobs, collector, named=False)  # `_names` does that
    result = collector.result()
    if result.findings:
        found.append(Found("file", b"", list(result.findings), list(result.sets)))
    unique = [name.encode("utf-8", "surrogateescape") for name in dict.fromkeys(names)]
    return Beside([*found, *_names(engine, unique)], result, len(unique), sum(map(len, unique)))


def _stores(home: str) -> Iterator[str]:
    """Names of the submodules' stores below a git folder, which are stores of their own; what else lies beside them (a clone
    that was cut off, what is left of a store) is nobody's but this one's."""
    waiting = [(path, name) for path, name in modules(home) if not os.path.islink(path)]
    while waiting:
        folder, name = waiting.pop()
        try:
            entries = [entry for entry in os.scandir(folder) if entry.is_dir(follow_symlinks=False)]
        except OSError:
            continue  # whoever reads it says so
        for entry in entries:
            if os.path.isdir(os.path.join(entry.path, "objects")):
                yield f"{name}/{entry.name}"
            else:
                waiting.append((entry.path, f"{name}/{entry.name}"))


def _names(engine: Engine, names: list[bytes]) -> Iterable[Found]:
    """Names of branches, tags and other refs, also those that only a log still has."""
    if not engine.scan(b"\n".join(names), "").matches:
        return
    seen: set[str] = set()
    for data in names:
        matches = engine.scan(data, "").matches
        document = Document(data, Origin("ref", ""))
        findings, sets = findings_of(engine, document, matches, 1) if matches else ([], [])
        if findings and findings[0].fingerprint not in seen:  # a branch has a ref, a log, and a remote's copy
            seen.update(finding.fingerprint for finding in findings)
            origin = Origin("ref", findings[0].masked)
            findings = [finding._replace(origin=origin) for finding in findings]
            yield Found("ref", b"", findings, [one._replace(origin=origin) for one in sets])


def _unfinished(engine: Engine, data: bytes, shown: str, on_incident: OnIncident) -> Iterable[Found]:
    """What a loose object holds that git never gave its name."""
    scan = engine.scan(data, "")
    for reason in scan.incidents:
        on_incident(Incident("truncated", shown, reason))
    if scan.matches:
        yield Found("file", b"", *findings_of(engine, Document(data, Origin("file", shown)), scan.matches, 1))


_CONTENT = re.compile(r"(?:^|/)objects/[0-9a-f]{2}/[0-9a-f]{2}/([0-9a-f]{64})\Z")


def pointed(found: Found, pointers: Mapping[str, tuple[int, str, str]]) -> Iterable[Found]:
    """What was found in files, with LFS contents under the paths of their pointers: those stand in history. `pointers`:
    size, path and blob (hex) of one, by the content's name."""
    rest = []
    for finding in found.findings if found.kind == "file" else ():
        content = _CONTENT.search(_outermost(finding.origin).path)
        known = pointers.get(content[1]) if content is not None else None
        if known is None or not known[1]:
            rest.append(finding)
            continue
        placed = finding._replace(origin=_moved(finding.origin, known[1]))
        sets = [one for one in found.sets if str(one.origin) == str(finding.origin)]
        moved = [one._replace(origin=_moved(one.origin, known[1])) for one in sets]
        yield Found("lfs", bytes.fromhex(known[2]), [placed], moved)
    if found.kind != "file":
        yield found
    elif rest or found.sets:
        yield found._replace(findings=rest)


def _outermost(origin: Origin) -> Origin:
    while origin.inside is not None:
        origin = origin.inside
    return origin


def _moved(origin: Origin, path: str) -> Origin:
    if origin.inside is not None:
        return origin._replace(inside=_moved(origin.inside, path))
    return origin._replace(kind="blob", path=path)


def _task(shown: str, path: str) -> FileTask:
    try:
        size = os.lstat(path).st_size
    except OSError:
        size = 0  # gone since it was listed: whoever reads it says so
    return FileTask(shown, path, size, "link" if os.path.islink(path) else "file")
