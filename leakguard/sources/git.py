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
from collections.abc import Iterator
from typing import NamedTuple

from leakguard.errors import SourceError, UsageError
from leakguard.model import Incident
from leakguard.sources.gitcall import Git, last_words
from leakguard.sources.gitobjects import unquoted
from leakguard.sources.gitstore import QUARANTINE, OnIncident, anywhere, inside, link
from leakguard.sources.windows import open_regular

_SMALL = 64 * 1024 * 1024
_DEEPEST = 5
"""Alternates of alternates that git follows, and we."""
_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://|[^/\\]+@[^/\\]+:")
_QUOTED = re.compile(rb'"(?:[^"\\]|\\[abfnrtv"\\]|\\[0-3][0-7]{2})*"\Z')
_HEX = re.compile(rb"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")


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
    roots: tuple[str, ...] = ()
    """Folders that links in its stores may lead into; () for anywhere."""
    lfs: str = ""
    """What its own configuration calls `lfs.storage`; "" for nothing."""


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
    for name, folder in _nested(main, on_incident):
        real = os.path.realpath(folder)
        if real not in seen:
            seen.add(real)
            out.append(_repository(name, folder, "", on_incident, follow_alternates))
    return out


def _discover(path: str, on_incident: OnIncident) -> tuple[str, str]:
    """(git folder, work tree or "") of the repository at `path`."""
    check_files(path)
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


_ASKED = (
    "HEAD", "config", "config.worktree", "commondir", "packed-refs", "index", "shallow", "objects/info/alternates",
)  # fmt: skip
"""What git opens before it answers anything, and waits for if it is a pipe."""
_WALKED = ("refs", "logs", "reftable", "info", "worktrees")
"""What else it may open for an answer about revisions, beside objects."""
_INCLUDES = r"^(include(if\..*)?\.path|core\.attributesfile)$"
_MOST_INCLUDED = 10
"""Configurations one in the other that git follows, and we."""


def check_files(path: str, *, deep: bool = False) -> None:
    """SourceError if git could wait for ever when it is asked about the repository that `path` lies in; `deep`: also when it
    is asked about its revisions and objects."""
    at = os.path.realpath(path)
    while not os.path.lexists(os.path.join(at, ".git")):
        if os.path.lexists(os.path.join(at, "HEAD")) and os.path.isdir(os.path.join(at, "objects")):
            break
        if at == os.path.dirname(at):
            return
        at = os.path.dirname(at)
    own = os.path.join(at, ".git")
    folder = _git_file(own) if os.path.lexists(own) else at
    for home in dict.fromkeys((folder, _common(folder))):
        for name in _ASKED:
            _check_file(os.path.join(home, name))
        for name in ("config", "config.worktree"):
            _check_included(os.path.join(home, name))
        if deep:
            waiting = [os.path.join(home, name) for name in _WALKED]
            waiting += _stores_behind(os.path.join(home, "objects"))
            for found in _odd_files(home, waiting):
                raise SourceError(found, _WAITS)


_WAITS = "no file: git could wait for it for ever, and was not asked"


def _check_file(path: str) -> None:
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return  # git says what it thinks of that
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise SourceError(path, _WAITS)


def _check_included(config: str) -> None:
    """The files that a configuration leads to, if it leads to any."""
    for _, named in _led_to(config):
        _check_file(named)


def _led_to(config: str) -> Iterator[tuple[bytes, str]]:
    """(key, path) of each file that a configuration names, and those that it includes, in turn."""
    waiting = [(config, 0)]
    while waiting:
        path, depth = waiting.pop()
        if b"include" not in (text := (read_small(path) or b"").lower()) and b"attributesfile" not in text:
            continue
        folder = os.path.dirname(path)
        done = Git(folder).ask("config", "--file", path, "--no-includes", "--null", "--get-regexp", _INCLUDES)
        for entry in done.stdout.split(b"\0"):
            key, _, value = entry.partition(b"\n")
            named = os.path.join(folder, os.path.expanduser(os.fsdecode(value)))
            yield key, named
            if key.startswith(b"include") and depth < _MOST_INCLUDED:
                waiting.append((named, depth + 1))


def included(repository: Repository, on_incident: OnIncident) -> list[str]:
    """The files outside of its git folder that a repository's configuration includes and that lie in it: git takes credentials from
    there as from the configuration itself. Those that lie elsewhere are told and not read."""
    own = os.path.join(os.path.realpath(repository.common_dir), "")
    within = inside((repository.top or repository.common_dir, repository.common_dir))
    out: dict[str, None] = {}
    configs = [os.path.join(repository.common_dir, "config")]
    configs += [os.path.join(folder, "config.worktree") for folder, _ in homes(repository.common_dir)]
    for config in configs:
        for key, named in _led_to(config):
            path = os.path.realpath(named)
            if not key.startswith(b"include") or path.startswith(own) or not os.path.isfile(path):
                continue
            if within(path):
                out[path] = None
            else:
                on_incident(Incident("skipped", named, "a configuration outside of the repository that its own includes: not read"))
    return list(out)


def _stores_behind(own: str) -> list[str]:
    """An object folder and all that git borrows from."""
    out = [own]
    for folder in out:
        out += [path for path in dict.fromkeys(_alternates(folder)) if path not in out]
        if len(out) > _MOST_INCLUDED * _MOST_INCLUDED:
            break  # git follows none so far
    return out


def _odd_files(home: str, folders: list[str]) -> Iterator[str]:
    """Pipes and devices right in `home` and anywhere below `folders`: whoever opens one waits. (A socket cannot be opened.)"""
    waiting = [(home, False), *((folder, True) for folder in folders)]
    while waiting:
        at, below = waiting.pop()
        try:
            entries = list(os.scandir(at))
        except OSError:
            continue  # it is not there, or git says what is wrong with it
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                waiting += [(entry.path, True)] if below else []
            elif not entry.is_file(follow_symlinks=False) and _is_pipe(entry.path):
                yield entry.path


def _is_pipe(path: str) -> bool:
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode) or stat.S_ISBLK(mode)


def _common(git_dir: str) -> str:
    """The folder that a linked work tree shares with its repository."""
    said = read_small(os.path.join(git_dir, "commondir"))
    if said is None:
        return git_dir
    return os.path.normpath(os.path.join(git_dir, os.fsdecode(said.rstrip(b"\r\n").replace(b"\0", b""))))


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
    common_dir = _common(git_dir)
    config = _config(common_dir)
    roots = (top or common_dir, common_dir)
    objects = _object_folders(os.path.join(common_dir, "objects"), roots, on_incident, follow)
    shallow = tuple((read_small(os.path.join(common_dir, "shallow")) or b"").split())
    return Repository(
        name, git_dir, common_dir, top, objects,
        config.get("extensions.objectformat", "sha1").lower(),
        tuple(oid for oid in shallow if _HEX.match(oid)),
        "extensions.partialclone" in config or any(key.endswith(".promisor") for key in config),
        () if follow else roots,
        config.get("lfs.storage", "").replace("\0", ""),
    )  # fmt: skip


def lfs_objects(repository: Repository, users: Git, on_incident: OnIncident) -> str:
    """The folder of its LFS contents. `users`: a git that sees the user's own configuration and nothing of the repository's:
    who owns the machine may keep contents anywhere, the repository may name what lies in it, or what was asked for."""
    named = os.path.expanduser(repository.lfs)
    if not named:
        done = users.ask("config", "--includes", "--type=path", "--get", "lfs.storage")
        named = os.fsdecode(done.stdout.rstrip(b"\n"))
        return os.path.join(repository.common_dir, named or "lfs", "objects")
    folder = os.path.join(repository.common_dir, named, "objects")
    if repository.roots and not inside(repository.roots)(os.path.realpath(folder)):
        on_incident(Incident("failed", folder, "LFS storage outside of the repository, not followed"))
        return os.path.join(repository.common_dir, "lfs", "objects")
    return folder


def borrowed(git_dir: str, path: str, on_incident: OnIncident) -> Repository:
    """The repository that git found, told of every store that it would borrow objects from and that is not its own."""
    done = Git(path).ask("rev-parse", "--show-toplevel")
    return _repository("", git_dir, os.fsdecode(done.stdout.rstrip(b"\n")), on_incident, False)


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


def _nested(main: Repository, on_incident: OnIncident) -> Iterator[tuple[str, str]]:
    """(name, git folder) of the submodules' stores: those of the repository and of its linked work trees, and those that
    lie in the work tree."""
    yield from _modules(main.common_dir, on_incident)
    waiting = [("", main.top)] if main.top else []
    within = inside((main.top,))
    met = set()
    while waiting:
        name, top = waiting.pop()
        done = Git(top).ask("ls-files", "--stage", "-z")
        for entry in done.stdout.split(b"\0"):
            path = os.fsdecode(entry.partition(b"\t")[2])
            below = os.path.join(top, path)
            real = os.path.realpath(below)
            if not entry.startswith(b"160000 ") or not os.path.lexists(os.path.join(below, ".git")) or real in met:
                continue
            met.add(real)
            if not within(real):
                on_incident(Incident("failed", name + path, "a link that leads out of the repository, not followed"))
                continue
            folder = os.path.join(below, ".git")
            if os.path.isdir(os.path.join(folder, "objects")) and not os.path.islink(folder):
                yield name + path, folder
            waiting.append((f"{name}{path}/", below))


def _modules(home: str, on_incident: OnIncident) -> Iterator[tuple[str, str]]:
    """The submodules' stores below a git folder, those of submodules' submodules, too."""
    waiting = list(_stores(home, "", on_incident))
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
                waiting += _stores(entry.path, f"{name}/{entry.name}/", on_incident)
            else:
                waiting.append((entry.path, f"{name}/{entry.name}"))


def _stores(home: str, prefix: str, on_incident: OnIncident) -> Iterator[tuple[str, str]]:
    for path, shown in modules(home):
        if os.path.islink(path):
            on_incident(Incident("failed", prefix + shown, "a link, not followed"))
        else:
            yield path, prefix + shown


def modules(home: str) -> list[tuple[str, str]]:
    """(path, name) of the folders that hold submodules: a git folder's own, and those of its linked work trees."""
    return [(os.path.join(folder, "modules"), f"{shown}modules") for folder, shown in homes(home)]


def _object_folders(own: str, roots: tuple[str, ...], on_incident: OnIncident, follow: bool) -> tuple[str, ...]:
    """An object folder and the alternates behind it that lie within `roots`, or anywhere if asked to follow them."""
    within = inside(roots)
    if not follow and not within(os.path.realpath(own)):
        on_incident(Incident("failed", own, "a link to an object store outside of the repository, not followed"))
        return ()
    out = [own, *_quarantines(own)]
    waiting = [(own, 0)]
    while waiting:
        folder, depth = waiting.pop(0)
        for target in _alternates(folder):
            if not follow and not within(os.path.realpath(target)):
                on_incident(
                    Incident("failed", target, "alternate object store outside of the repository, not followed")
                )
            elif not os.path.isdir(target):
                on_incident(Incident("failed", target, "alternate object store that is not there"))
            elif depth >= _DEEPEST:
                on_incident(Incident("failed", target, "alternates nested too deep, not followed"))
            elif target not in out:
                out += [target, *_quarantines(target)]
                waiting.append((target, depth + 1))
    return tuple(out)


def _alternates(folder: str) -> list[str]:
    """The folders that an object folder names as its alternates. Git takes a line in quotes for a C string, if it is one."""
    out = []
    for line in (read_small(os.path.join(folder, "info", "alternates")) or b"").split(b"\n"):
        if line and not line.startswith(b"#"):
            name = unquoted(line) if _QUOTED.match(line) else line
            out.append(os.path.normpath(os.path.join(folder, os.fsdecode(name.replace(b"\0", b"")))))
    return out


def _quarantines(folder: str) -> list[str]:
    """The object folders in one that hold what was sent and not accepted, yet or ever."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return []  # whoever reads it says so
    return [
        entry.path for entry in entries if entry.name.startswith(QUARANTINE) and entry.is_dir(follow_symlinks=False)
    ]


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
            link(folder, farm, inside((*repository.roots, folder)) if repository.roots else anywhere, on_incident)
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


def homes(common: str, on_incident: OnIncident | None = None) -> list[tuple[str, str]]:
    """(folder, prefix of names) of the repository and its linked work trees: each has heads and logs of its own."""
    worktrees = os.path.join(common, "worktrees")
    names: list[str] = []
    if os.path.islink(worktrees):
        if on_incident is not None:
            on_incident(Incident("failed", "worktrees", "a link, not followed"))
    elif os.path.isdir(worktrees):
        names = sorted(entry.name for entry in os.scandir(worktrees) if entry.is_dir(follow_symlinks=False))
    return [(common, ""), *((os.path.join(worktrees, name), f"worktrees/{name}/") for name in names)]


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
