"""Refs and reflogs of a repository, read from the files themselves: what keeps objects, and who remembers them.

What cannot be read is an Incident. Knows model only; imported by history.py, beside.py, attribution.py and gitfacts.py.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import NamedTuple

from leakguard.model import Incident
from leakguard.sources.git import Repository, files_below, homes, read_small
from leakguard.sources.gitcall import Git, last_words
from leakguard.sources.gitstore import OnIncident

_DEEPEST = 5
"""Refs that are names of refs that git follows, and we."""
_HEX = re.compile(rb"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")


class Ref(NamedTuple):
    """A name and the object (hex) it stands for."""

    name: str
    oid: bytes


class Refs(NamedTuple):
    """Everything that keeps objects reachable, and the branch that people start from."""

    refs: list[Ref]
    logs: list[Ref]
    """Entries of reflogs, stashes among them."""
    default: str
    """Name of the default branch's ref; "" if there is none."""
    default_oid: bytes


def read_refs(repository: Repository, on_incident: OnIncident) -> Refs:
    """Every ref and every reflog entry, of linked work trees too, read from the files themselves."""
    common = repository.common_dir
    table = _packed(common, on_incident)
    if os.path.isdir(os.path.join(common, "reftable")):
        _ask_refs(repository, table, on_incident)
    links: dict[str, str] = {}
    logs: list[Ref] = []
    for home, prefix in homes(common, on_incident):
        for path, shown in _own_files(home, prefix, "refs", on_incident):
            _loose(path, shown, table, links, on_incident)
        if os.path.lexists(os.path.join(home, "HEAD")):
            _loose(os.path.join(home, "HEAD"), prefix + "HEAD", table, links, on_incident)
        for path, shown in _own_files(home, prefix, "logs", on_incident):
            logs += _log(path, shown, on_incident)
        for name in _heads(home):
            logs += _remembered(os.path.join(home, name), prefix + name, on_incident)
    for name, target in links.items():
        oid = _resolved(target, table, links)
        if oid:
            table[name] = oid
        elif name != "HEAD" and not name.endswith("/HEAD"):  # a HEAD without commits is a young repository's
            on_incident(Incident("failed", name, "a ref that points to no object"))
    default = links.get("refs/remotes/origin/HEAD", "") or links.get("HEAD", "") or ("HEAD" if "HEAD" in table else "")
    if default not in table and "HEAD" in table:
        default = "HEAD"
    refs = [Ref(name, oid) for name, oid in sorted(table.items())]
    return Refs(refs, logs, default if default in table else "", table.get(default, b""))


def _packed(common: str, on_incident: OnIncident) -> dict[str, bytes]:
    table = {}
    for line in (read_small(os.path.join(common, "packed-refs")) or b"").splitlines():
        oid, _, name = line.partition(b" ")
        if _HEX.match(oid) and name:
            table[os.fsdecode(name)] = oid
        elif not line.startswith((b"#", b"^")):
            on_incident(Incident("failed", "packed-refs", "a line that is no ref"))
    return table


def _own_files(home: str, prefix: str, name: str, on_incident: OnIncident) -> Iterator[tuple[str, str]]:
    """The files of a folder of refs or logs, which is not to be somebody else's."""
    folder = os.path.join(home, name)
    if os.path.islink(folder):
        on_incident(Incident("failed", prefix + name, "a link, not followed"))
        return
    # a pipe in place of a ref: what it would name is not known
    yield from files_below(folder, prefix + name, lambda incident: on_incident(incident._replace(state="failed")))


def _ask_refs(repository: Repository, table: dict[str, bytes], on_incident: OnIncident) -> None:
    done = Git(repository.git_dir, repository.git_dir).ask("for-each-ref", "--format=%(objectname) %(refname)")
    if done.returncode:
        on_incident(Incident("failed", "refs", f"git cannot list them: {last_words(done.stderr)}"))
    for line in done.stdout.splitlines():
        oid, _, name = line.partition(b" ")
        table[os.fsdecode(name)] = oid


def _heads(home: str) -> list[str]:
    """ORIG_HEAD, MERGE_HEAD and their like: files of capitals that hold objects, and keep none of them."""
    try:
        names = os.listdir(home)
    except OSError:
        return []  # whoever walks the folder says so
    return sorted(name for name in names if name.endswith("_HEAD") and name.isupper())


def _remembered(path: str, shown: str, on_incident: OnIncident) -> Iterator[Ref]:
    """The objects in such a file: one, or in MERGE_HEAD and FETCH_HEAD one a line. They may be gone: git keeps none for it."""
    content = read_small(path)
    lines = [line.split()[0] for line in (content or b"").splitlines() if line.strip()]
    if content is None or (lines and not any(map(_HEX.match, lines))):
        on_incident(Incident("failed", shown, "a ref that is damaged"))
    for oid in filter(_HEX.match, dict.fromkeys(lines)):
        yield Ref(shown, oid)


def _loose(path: str, name: str, table: dict[str, bytes], links: dict[str, str], on_incident: OnIncident) -> None:
    if os.path.islink(path):
        content = b"ref: " + os.fsencode(os.readlink(path))  # as git itself once wrote them
        content = content if content.startswith(b"ref: refs/") else b""
    else:
        content = (read_small(path) or b"").rstrip()
    if content.startswith(b"ref:"):
        links[name] = os.fsdecode(content[4:].strip())
    elif _HEX.match(content):
        table[name] = content
    elif not name.endswith(".lock"):
        on_incident(Incident("failed", name, "a ref that is damaged"))


def _resolved(target: str, table: dict[str, bytes], links: dict[str, str]) -> bytes:
    for _ in range(_DEEPEST):
        if target in table:
            return table[target]
        target = links.get(target, "")
    return b""


def _log(path: str, shown: str, on_incident: OnIncident) -> Iterator[Ref]:
    """The objects that a reflog remembers."""
    content = read_small(path)
    if content is None:
        on_incident(Incident("failed", shown, "a reflog that cannot be read"))
        return
    seen: set[bytes] = set()
    for line in content.splitlines():
        for oid in line.split(b" ", 2)[:2]:
            if _HEX.match(oid) and oid.strip(b"0") and oid not in seen:
                seen.add(oid)
                yield Ref(shown, oid)


def index_files(repository: Repository) -> list[tuple[str, str]]:
    """(name, path) of the indexes of a repository and its linked work trees."""
    out = [(prefix + "index", os.path.join(home, "index")) for home, prefix in homes(repository.common_dir)]
    return [(name, path) for name, path in out if os.path.isfile(path)]
