"""Repositories: where their objects, refs and logs lie, read without trusting a word of their configuration.

`find` asks git which repository a path belongs to (so that git's own ownership check holds) and looks for what git
itself would not mention: submodules' stores, linked work trees, alternates. `Shadow` is an empty repository of our own
whose object folders are links to theirs: bulk reading never sees the target's configuration, alternates, grafts,
replace refs, commit-graph or promisor remotes, so nothing of them can act, hide an object or fetch one.

What cannot be read is an Incident. Writes nothing but the shadow, in a temporary folder. Knows model and errors only;
imported by history.py and cli/git.py.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from leakguard.errors import SourceError, UsageError
from leakguard.model import Incident
from leakguard.sources.gitcall import Git, last_words
from leakguard.sources.windows import open_regular

OnIncident = Callable[[Incident], None]

_SMALL = 64 * 1024 * 1024
_DEEPEST = 5
"""Alternates of alternates that git follows, and we."""
_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://|[^/\\]+@[^/\\]+:")
_HEX = re.compile(rb"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")
_FANOUT = re.compile(r"[0-9a-f]{2}\Z")


class Repository(NamedTuple):
    """One object store and what points into it. Paths are absolute."""

    name: str
    """"" for the repository that was asked for, else where it lies in it (`modules/lib`)."""
    git_dir: str
    common_dir: str
    top: str
    """Its work tree; "" for a bare one."""
    objects: tuple[str, ...]
    """Object folders: its own first, then alternates that may be read."""
    object_format: str
    shallow: tuple[bytes, ...]
    """Commits whose parents were cut off."""
    partial: bool
    """A clone that left objects with its remote."""


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


# ---------------------------------------------------------------- discovery
def find(path: str, on_incident: OnIncident, follow_alternates: bool = False) -> list[Repository]:
    """The repository that `path` is, or lies in, and those inside of it (submodules).

    UsageError if there is none, SourceError if git refuses it (ownership).
    """
    if _URL.match(path) and not os.path.exists(path):
        raise UsageError("git: a URL: clone it first (git clone --mirror URL FOLDER), nothing is fetched here")
    if not os.path.isdir(path):
        raise UsageError(f"git: no such folder: {path!r}")
    git_dir, top = _discover(path, on_incident)
    main = _repository("", git_dir, top, on_incident, follow_alternates)
    out = [main]
    seen = {os.path.realpath(main.common_dir)}
    for name, folder in _nested(main):
        real = os.path.realpath(folder)
        if real not in seen:
            seen.add(real)
            out.append(_repository(name, folder, "", on_incident, follow_alternates))
    return out


def _discover(path: str, on_incident: OnIncident) -> tuple[str, str]:
    """(git folder, work tree or "") of the repository at `path`."""
    git = Git(path)
    own = os.path.join(path, ".git")
    done = git.ask("rev-parse", "--absolute-git-dir")
    said = done.stderr.decode("utf-8", "replace")
    if "dubious ownership" in said:
        raise SourceError(
            path,
            "git does not trust it, for it belongs to another user; if you do: "
            "git config --global --add safe.directory with its path",
        )
    if done.returncode == 0:
        found = os.fsdecode(done.stdout.rstrip(b"\n"))
        # where .git is broken git looks on in the folders above, and would answer with another repository
        if not os.path.lexists(own) or os.path.realpath(_git_file(own)) == os.path.realpath(found):
            top = git.ask("rev-parse", "--show-toplevel")
            return found, os.fsdecode(top.stdout.rstrip(b"\n")) if top.returncode == 0 else ""
        said = "it is broken, and git would take the repository above it"
    for candidate in (_git_file(own), path):
        if os.path.isdir(os.path.join(candidate, "objects")):
            _check_owner(candidate)
            reason = (
                f"git does not take it for a repository ({last_words(said.encode())}); its objects were read anyway"
            )
            on_incident(Incident("failed", candidate, reason))
            return os.path.abspath(candidate), "" if candidate == path else os.path.abspath(path)
    raise UsageError(f"git: {path!r} is no git repository, nor in one")


def _git_file(path: str) -> str:
    """What a `.git` is or points to."""
    content = read_small(path)
    if content is not None and content.startswith(b"gitdir: "):
        return os.path.join(os.path.dirname(path), os.fsdecode(content[8:].rstrip(b"\r\n").replace(b"\0", b"")))
    return path


def _check_owner(folder: str) -> None:
    """git's own rule, for what git did not look at."""
    if not hasattr(os, "geteuid"):
        return
    allowed = {os.geteuid()}
    if os.geteuid() == 0 and os.environ.get("SUDO_UID", "").isdigit():
        allowed.add(int(os.environ["SUDO_UID"]))
    if os.stat(folder).st_uid not in allowed:
        raise SourceError(folder, "it belongs to another user, and git does not take it for a repository")


def _repository(name: str, git_dir: str, top: str, on_incident: OnIncident, follow: bool) -> Repository:
    common = read_small(os.path.join(git_dir, "commondir"))
    common_dir = git_dir
    if common is not None:
        common_dir = os.path.normpath(os.path.join(git_dir, os.fsdecode(common.rstrip(b"\r\n").replace(b"\0", b""))))
    config = _config(common_dir)
    objects = _object_folders(os.path.join(common_dir, "objects"), (top or common_dir, common_dir), on_incident, follow)
    shallow = tuple((read_small(os.path.join(common_dir, "shallow")) or b"").split())
    return Repository(
        name, git_dir, common_dir, top, objects,
        config.get("extensions.objectformat", "sha1").lower(),
        tuple(oid for oid in shallow if _HEX.match(oid)),
        "extensions.partialclone" in config or any(key.endswith(".promisor") for key in config),
    )  # fmt: skip


def _config(common_dir: str) -> dict[str, str]:
    """The repository's own configuration as text, includes not followed; empty if git cannot read it."""
    path = os.path.join(common_dir, "config")
    if read_small(path) is None:
        return {}
    done = Git(common_dir).ask("config", "--file", path, "--no-includes", "--list", "-z")
    out = {}
    for entry in done.stdout.split(b"\0"):
        key, _, value = entry.decode("utf-8", "replace").partition("\n")
        out[key] = value
    return out


def _nested(main: Repository) -> Iterator[tuple[str, str]]:
    """(name, git folder) of the submodules' stores: those in `modules`, and those that lie in the work tree."""
    yield from _modules(os.path.join(main.common_dir, "modules"))
    if not main.top:
        return
    done = Git(main.top).ask("ls-files", "--stage", "-z")
    for entry in done.stdout.split(b"\0"):
        if entry.startswith(b"160000 "):
            path = os.fsdecode(entry.partition(b"\t")[2])
            folder = os.path.join(main.top, path, ".git")
            if os.path.isdir(os.path.join(folder, "objects")) and not os.path.islink(folder):
                yield path, folder


def _modules(top: str) -> Iterator[tuple[str, str]]:
    """The stores below a `modules` folder, those of submodules' submodules, too."""
    waiting = [(top, "modules")]
    while waiting:
        folder, name = waiting.pop()
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError:
            continue  # there are none
        for entry in entries:
            if not entry.is_dir(follow_symlinks=False):
                continue
            if os.path.isdir(os.path.join(entry.path, "objects")):
                yield f"{name}/{entry.name}", entry.path
                waiting.append((os.path.join(entry.path, "modules"), f"{name}/{entry.name}/modules"))
            else:
                waiting.append((entry.path, f"{name}/{entry.name}"))


def _object_folders(own: str, roots: tuple[str, ...], on_incident: OnIncident, follow: bool) -> tuple[str, ...]:
    """An object folder and the alternates behind it that lie within `roots`, or anywhere if asked to follow them."""
    out = [own]
    waiting = [(own, 0)]
    inside = tuple(os.path.realpath(root).rstrip(os.sep) + os.sep for root in roots)
    while waiting:
        folder, depth = waiting.pop(0)
        listed = (read_small(os.path.join(folder, "info", "alternates")) or b"").splitlines()
        for line in listed:
            if not line or line.startswith(b"#"):
                continue
            target = os.path.normpath(os.path.join(folder, os.fsdecode(line).replace("\0", "")))
            if not follow and not (os.path.realpath(target) + os.sep).startswith(inside):
                on_incident(
                    Incident("failed", target, "alternate object store outside of the repository, not followed")
                )
            elif not os.path.isdir(target):
                on_incident(Incident("failed", target, "alternate object store that is not there"))
            elif depth >= _DEEPEST:
                on_incident(Incident("failed", target, "alternates nested too deep, not followed"))
            elif target not in out:
                out.append(target)
                waiting.append((target, depth + 1))
    return tuple(out)


def read_small(path: str) -> bytes | None:
    """The bytes of a regular file of at most 64 MB; None if it is none or cannot be read."""
    try:
        handle, size = open_regular(path)
    except (OSError, ValueError):
        return None
    try:
        return os.read(handle, min(size, _SMALL)) if size else b""
    except OSError:
        return None
    finally:
        os.close(handle)


# ---------------------------------------------------------------- the shadow
_PREFIX = "leakguard-git-"
_LOCK = "in-use"
_OLD = 24 * 3600
"""Seconds after which a shadow that was never locked belongs to nobody."""


class Shadow:
    """An empty repository of ours with the objects of theirs. A context manager: the folder goes when it is left; that of
    a process which was killed goes when the next one starts."""

    def __init__(self, repository: Repository, on_incident: OnIncident) -> None:
        self.repository = repository
        remove_left_behind()
        self._folder = tempfile.TemporaryDirectory(prefix=_PREFIX)
        self.path = self._folder.name
        self._lock = os.open(os.path.join(self.path, _LOCK), os.O_RDWR | os.O_CREAT, 0o600)
        _locked(self._lock)
        try:
            self._build(on_incident)
        except BaseException:
            self._close()
            raise
        self.git = Git(self.path, self.path)

    def _close(self) -> None:
        self._folder.cleanup()
        os.close(self._lock)

    def _build(self, on_incident: OnIncident) -> None:
        for name in ("refs", "objects/info"):
            os.makedirs(os.path.join(self.path, name))
        repository = self.repository
        config = "[core]\n\trepositoryformatversion = 1\n\tbare = true\n"
        if repository.object_format != "sha1":
            config += f"[extensions]\n\tobjectFormat = {repository.object_format}\n"
        files = {"HEAD": b"ref: refs/heads/none\n", "config": config.encode()}
        if repository.shallow:
            files["shallow"] = b"".join(oid + b"\n" for oid in repository.shallow)
        farms = []
        for number, folder in enumerate(repository.objects):
            farm = os.path.join(self.path, "objects" if number == 0 else f"alternate{number}")
            os.makedirs(farm, exist_ok=True)
            _link_farm(folder, farm, on_incident)
            farms.append(farm)
        if farms[1:]:
            files["objects/info/alternates"] = b"".join(os.fsencode(farm) + b"\n" for farm in farms[1:])
        for name, content in files.items():
            with open(os.path.join(self.path, name), "wb") as out:
                out.write(content)

    def __enter__(self) -> Shadow:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()


def _locked(handle: int) -> bool:
    """Whether the lock was free, and is now held for as long as this process or a worker of it lives."""
    try:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (ImportError, OSError):
        return False
    return True


def remove_left_behind() -> None:
    """Removes this user's shadows whose processes have ended without doing so."""
    top = tempfile.gettempdir()
    try:
        names = [name for name in os.listdir(top) if name.startswith(_PREFIX)]
    except OSError:
        return  # who wants to make one there is told
    for name in names:
        path = os.path.join(top, name)
        try:
            found = os.lstat(path)
            if stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and _is_left(path, found.st_mtime):
                shutil.rmtree(path)  # follows no link
        except OSError:
            continue  # another process was quicker


def _is_left(path: str, changed: float) -> bool:
    try:
        handle = os.open(os.path.join(path, _LOCK), os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
    except FileNotFoundError:
        return changed < time.time() - _OLD
    try:
        return _locked(handle)
    finally:
        os.close(handle)


def _link_farm(folder: str, farm: str, on_incident: OnIncident) -> None:
    """Links to the parts of an object folder that hold objects, and to nothing else of it."""
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
        os.symlink(os.path.realpath(entry.path), os.path.join(farm, entry.name), target_is_directory=True)
        if entry.name == "pack":
            _check_packs(entry.path, on_incident)


def _check_packs(folder: str, on_incident: OnIncident) -> None:
    """A pack without its index is invisible to git, and so are its objects."""
    try:
        names = set(os.listdir(folder))
    except OSError:
        return  # said already
    for name in sorted(names):
        if name.endswith(".pack") and name.removesuffix(".pack") + ".idx" not in names:
            on_incident(
                Incident("failed", os.path.join(folder, name), "a pack without its index: git cannot see into it")
            )
        elif name.endswith(".idx") and name.removesuffix(".idx") + ".pack" not in names:
            on_incident(Incident("failed", os.path.join(folder, name), "an index without its pack"))


# ---------------------------------------------------------------- refs and logs
def read_refs(repository: Repository, on_incident: OnIncident) -> Refs:
    """Every ref and every reflog entry, of linked work trees too, read from the files themselves."""
    common = repository.common_dir
    table = _packed(common, on_incident)
    if os.path.isdir(os.path.join(common, "reftable")):
        _ask_refs(repository, table, on_incident)
    links: dict[str, str] = {}
    logs: list[Ref] = []
    for home, prefix in _homes(common):
        for path, shown in files_below(os.path.join(home, "refs"), prefix + "refs", on_incident):
            _loose(path, shown, table, links, on_incident)
        for name in _heads(home):
            _loose(os.path.join(home, name), prefix + name, table, links, on_incident)
        for path, shown in files_below(os.path.join(home, "logs"), prefix + "logs", on_incident):
            logs += _log(path, shown, on_incident)
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


def _homes(common: str) -> list[tuple[str, str]]:
    """(folder, prefix of names) of the repository and its linked work trees: each has heads and logs of its own."""
    worktrees = os.path.join(common, "worktrees")
    names = sorted(os.listdir(worktrees)) if os.path.isdir(worktrees) else []
    return [(common, ""), *((os.path.join(worktrees, name), f"worktrees/{name}/") for name in names)]


def _ask_refs(repository: Repository, table: dict[str, bytes], on_incident: OnIncident) -> None:
    done = Git(repository.git_dir, repository.git_dir).ask("for-each-ref", "--format=%(objectname) %(refname)")
    if done.returncode:
        on_incident(Incident("failed", "refs", f"git cannot list them: {last_words(done.stderr)}"))
    for line in done.stdout.splitlines():
        oid, _, name = line.partition(b" ")
        table[os.fsdecode(name)] = oid


def _heads(home: str) -> list[str]:
    """HEAD and its like: files of capitals that hold one object."""
    try:
        names = os.listdir(home)
    except OSError:
        return []  # whoever walks the folder says so
    return sorted(name for name in names if name.endswith("HEAD") and name.isupper() and name != "FETCH_HEAD")


def _loose(path: str, name: str, table: dict[str, bytes], links: dict[str, str], on_incident: OnIncident) -> None:
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
    out = [(prefix + "index", os.path.join(home, "index")) for home, prefix in _homes(repository.common_dir)]
    return [(name, path) for name, path in out if os.path.isfile(path)]


def files_below(
    folder: str, shown: str, on_incident: OnIncident, skip: frozenset[str] = frozenset()
) -> Iterator[tuple[str, str]]:
    """(path, path to show) of the regular files and links below a folder; `skip` names shown folders not entered."""
    waiting = [(folder, shown)]  # and no recursion: a folder can be nested deeper than Python's stack
    while waiting:
        at, prefix = waiting.pop()
        try:
            entries = sorted(os.scandir(at), key=lambda entry: entry.name)
        except FileNotFoundError:
            continue
        except OSError as error:
            on_incident(Incident("failed", prefix or at, error.strerror or "cannot be read"))
            continue
        for entry in entries:
            name = f"{prefix}/{entry.name}" if prefix else entry.name
            try:
                mode = entry.stat(follow_symlinks=False).st_mode
            except OSError:
                continue  # gone since it was listed: git's own lock and temporary files come and go
            if stat.S_ISDIR(mode):
                if name not in skip:
                    waiting.append((entry.path, name))
            elif stat.S_ISREG(mode) or stat.S_ISLNK(mode):
                yield entry.path, name
            else:
                on_incident(Incident("skipped", name, "not a file"))
