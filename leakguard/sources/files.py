"""Files and folders: which files there are below the paths that were asked for.

Promises: the order is that of the bytes of the names, but for rotated logs (`rotated`), which go by their age; an
argument that does not exist stops everything before the first file; a symbolic link is never followed out of the folder
that was asked for; whatever is left out is told to `on_incident`, with its reason, and the walk goes on.

Never opens a file (`windows` does; its names are offered here too), never matches a rule, never decides what an
incident means. Knows `model` and `errors`, and on demand `globs`, `rotated` and `sources.ignore`. On the start-up path of every
scan: nothing heavier than `os` may be imported here. May be imported by the pipeline, the hook and other sources.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from leakguard.errors import SourceError, UsageError
from leakguard.model import Incident
from leakguard.sources.windows import (
    REACH,
    WINDOW,
    FileTask,
    OnIncident,
    kind_of,
    read_stream,
    read_windows,
    reason_of,
)

if TYPE_CHECKING:
    from leakguard.sources.ignore import Ignored

__all__ = ["REACH", "WINDOW", "FileTask", "Options", "read_stream", "read_windows", "walk"]

_FORMAT = 0o170000  # what stat.S_IFMT masks, without a call per file
_JUNCTION = 0xA0000003  # stat.IO_REPARSE_TAG_MOUNT_POINT exists on Windows only


class Options(NamedTuple):
    """What to leave out of a walk. Every exclusion is told as a skipped incident."""

    gitignore: bool = False
    include: tuple[str, ...] = ()
    """Globs (`leakguard.globs`) on the shown path or on the path below the argument; so is `exclude`."""
    exclude: tuple[str, ...] = ()
    max_size: int = 0
    """In bytes; 0 is no limit."""
    follow_symlinks: bool = False
    """Read what links lead to, once each, if it lies in the same argument."""
    skip_dirs: tuple[str, ...] = ()
    """Names of directories that are not entered, wherever they are."""
    one_file_system: bool = False
    strict: bool = False
    """What is left out because another command reads it is a failure."""
    git: bool = False
    """The objects of git repositories are read, so nothing needs to be said of them."""


def walk(paths: Sequence[str], options: Options, on_incident: OnIncident) -> Iterator[FileTask]:
    """Every file at or below `paths`, in a fixed order.

    Arguments are checked at once: one that does not exist is a UsageError before any file is yielded. An argument
    that is a symbolic link is followed; one that is no file or folder (a FIFO, a device) is a failed incident, since
    it was asked for by name, where inside a folder it is a skipped one. Hard links are yielded each time.
    """
    roots: list[_Root] = []
    missing: list[str] = []
    for path in paths:
        try:
            roots.append(_Root(path, _shown(path), os.stat(path), os.path.realpath(path)))
        except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: a NUL in the name
            missing.append(repr(path))
        except OSError as error:
            on_incident(Incident("failed", _shown(path), reason_of(error)))
    if missing:
        raise UsageError(f"no such file or directory: {', '.join(missing)}")
    return _Walk(options, on_incident).tasks(roots)


def _shown(path: str) -> str:
    """The argument as its files are shown under: without `./` and needless slashes, `..` left as it was written."""
    shown = path.replace(os.sep, "/")
    if ".." in shown.split("/"):
        return shown.rstrip("/")
    return os.path.normpath(path).replace(os.sep, "/")


class _Root(NamedTuple):
    path: str
    shown: str
    info: os.stat_result
    real: str


LEADS_OUT = "linked out of the folder that is scanned"

HISTORY = "git history, not read: use leakguard git, or --git-objects"
"""A folder of git's holds what was deleted long ago, packed: whoever scanned the files around it must not be told
that nothing is there."""


def _is_git(path: str, entries: Sequence[os.DirEntry[str]]) -> bool:
    """Whether a directory is a git repository's own, with objects in it."""
    if not {"objects", "refs"} <= {entry.name for entry in entries}:
        return False
    try:
        with os.scandir(os.path.join(path, "objects")) as listing:
            if any(entry.name not in ("info", "pack") for entry in listing):
                return True
        with os.scandir(os.path.join(path, "objects", "pack")) as listing:
            return any(True for _ in listing)
    except OSError:
        return False  # no such folder, or one that the walk is going to say something of


class _Frame:
    """A directory being walked. `below` is its path below the argument, both prefixes end with a slash (or are "")."""

    __slots__ = ("below", "entries", "ignored", "in_tree", "key", "left_out", "left_out_bytes", "path", "shown")

    def __init__(self, path: str, shown: str, below: str, key: tuple[int, int]) -> None:
        self.path = path
        self.shown = shown
        self.below = below
        self.key = key
        self.entries: Iterator[os.DirEntry[str]] = iter(())
        self.ignored: Ignored | None = None
        self.in_tree = ""  # its path below the top of the work tree that `ignored` speaks of
        self.left_out = 0
        self.left_out_bytes = 0

    @property
    def label(self) -> str:
        """The directory's own name in an incident."""
        return self.shown.rstrip("/") or self.shown or "."


class _Walk:
    """One walk: the options compiled, the directories being walked, and what globs left out so far."""

    def __init__(self, options: Options, on_incident: OnIncident) -> None:
        self.options = options
        self.on_incident = on_incident
        self.filtered = bool(options.gitignore or options.include or options.exclude or options.max_size)
        self.skip_dirs = frozenset(options.skip_dirs)
        self.ancestors: set[tuple[int, int]] = set()
        self.entered: set[tuple[int, int]] = set()  # by any path; kept only to follow links once
        self.real_root = ""
        self.real_roots: tuple[str, ...] = ()
        self.device = 0
        self.by_glob: dict[str, tuple[int, int]] = {}
        self.included: Callable[[str], bool] = _never
        self.excluded: Callable[[str], bool] = _never
        if options.include or options.exclude:
            from leakguard.globs import compile_globs

            self.included = compile_globs(options.include) if options.include else _always
            self.excluded = compile_globs(options.exclude)
        self.git = ""
        if options.gitignore:
            from leakguard.sources.gitcall import find_git

            self.git = find_git()

    def tasks(self, roots: Sequence[_Root]) -> Iterator[FileTask]:
        self.real_roots = tuple(root.real for root in roots)
        for root in roots:
            if stat.S_ISDIR(root.info.st_mode):
                yield from self._folder(root)
            elif stat.S_ISREG(root.info.st_mode):
                # The reader refuses links, and this one was asked for.
                path = os.path.realpath(root.path) if os.path.islink(root.path) else root.path
                frame = _Frame("", root.shown.removesuffix(os.path.basename(root.shown)), "", (0, 0))
                if self._wanted(frame, os.path.basename(root.shown), root.info.st_size):
                    yield FileTask(root.shown, path, root.info.st_size, named=True)
            else:
                self._tell("failed", root.shown, f"is a {kind_of(root.info.st_mode)}, not a file or folder")
            for reason, (count, size) in self.by_glob.items():
                self._tell("skipped", root.shown, f"{reason}: {_files(count)}", size)
            self.by_glob.clear()

    def _folder(self, root: _Root) -> Iterator[FileTask]:
        self.real_root = os.path.realpath(root.path) if self.options.follow_symlinks else ""
        self.device = root.info.st_dev
        prefix = "" if root.shown == "." else root.shown.rstrip("/") + "/"
        frame = _Frame(root.path, prefix, "", (root.info.st_dev, root.info.st_ino))
        if self.git:
            self._ask_git(frame, top=False)
        stack = [frame]
        self._open(frame)
        while stack:
            frame = stack[-1]
            for entry in frame.entries:
                found = self._entry(frame, entry)
                if isinstance(found, FileTask):
                    yield found
                elif found is not None:
                    stack.append(found)
                    break
            else:
                stack.pop()
                self._close(frame)

    def _entry(self, frame: _Frame, entry: os.DirEntry[str]) -> FileTask | _Frame | None:
        """What to read, a directory to go on with, or None and the reason told."""
        name = entry.name
        try:
            info = entry.stat(follow_symlinks=False)
            if not info.st_ino and entry.is_dir(follow_symlinks=False):
                info = os.lstat(entry.path)  # Windows: scandir does not know, and the guard against loops must
        except OSError as error:
            self._tell("failed", frame.shown + name, reason_of(error))
            return None
        kind = info.st_mode & _FORMAT
        if kind == stat.S_IFREG:
            if self.filtered and not self._wanted(frame, name, info.st_size):
                return None
            return FileTask(frame.shown + name, entry.path, info.st_size)
        if kind == stat.S_IFDIR:
            return self._directory(frame, name, entry.path, info)
        if kind == stat.S_IFLNK:
            return self._link(frame, name, entry.path, info.st_size)
        if kind == stat.S_IFCHR and not info.st_rdev:
            return None  # an overlay's mark that a file of a layer below is deleted: engines have thousands, and nothing is in them
        self._tell("skipped", frame.shown + name, kind_of(kind))
        return None

    def _directory(self, frame: _Frame, name: str, path: str, info: os.stat_result) -> _Frame | None:
        """The directory opened, or None and the reason told."""
        shown, below = f"{frame.shown}{name}/", f"{frame.below}{name}/"
        key = (info.st_dev, info.st_ino)
        reason = ""
        if name in self.skip_dirs:
            reason = "directory of a name to skip"
        elif getattr(info, "st_reparse_tag", 0) == _JUNCTION:
            reason = "junction"
        elif frame.ignored is not None and frame.in_tree + name in frame.ignored.directories:
            reason = "directory ignored by git"
        elif self.options.exclude and (self.excluded(shown) or self.excluded(below)):
            reason = "directory excluded by a glob"
        elif self.options.one_file_system and info.st_dev != self.device:
            reason = "on another file system"
        elif info.st_ino and key in self.ancestors:  # where all numbers are 0 the length of paths ends a loop
            reason = "loop: the directory holds itself"
        if reason:
            self._tell("skipped", shown[:-1], reason)
            return None
        child = _Frame(path, shown, below, key)
        child.ignored = frame.ignored
        child.in_tree = f"{frame.in_tree}{name}/"
        return self._open(child)

    def _open(self, frame: _Frame) -> _Frame:
        """Lists the directory; what cannot be listed is told, and what was read of it is kept."""
        entries: list[os.DirEntry[str]] = []
        try:
            with os.scandir(frame.path) as listing:
                for entry in listing:
                    entries.append(entry)  # one by one: an error half way keeps what was there
        except OSError as error:
            self._tell("failed", frame.label, reason_of(error))
        names = [entry.name for entry in entries]
        text = "\n".join(names)
        entries.sort(key=_name if text.isascii() else _name_bytes)  # the same order, by a key in C
        entries = _logs_in_order(entries, text)
        frame.entries = iter(entries)
        self.ancestors.add(frame.key)
        if self.options.follow_symlinks:
            self.entered.add(frame.key)
        if not self.options.git and "HEAD" in names and _is_git(frame.path, entries):
            self._tell("failed" if self.options.strict else "skipped", frame.label, HISTORY)
        if self.git and frame.below and ".git" in names:
            self._ask_git(frame, top=True)
        return frame

    def _close(self, frame: _Frame) -> None:
        self.ancestors.discard(frame.key)
        if frame.left_out:
            reason = f"ignored by git: {_files(frame.left_out)}"
            self._tell("skipped", frame.label, reason, frame.left_out_bytes)

    def _link(self, frame: _Frame, name: str, path: str, size: int) -> FileTask | _Frame | None:
        """The link's text, which is content of its own, or with follow_symlinks what it leads to."""
        if not self._wanted(frame, name, 0):
            return None
        if self.options.follow_symlinks:
            try:
                target = os.path.realpath(path, strict=True)
                info = os.stat(target)
            except OSError as error:
                if error.errno not in {errno.ENOENT, errno.ENOTDIR}:  # a link that leads nowhere hides nothing
                    self._tell("failed", frame.shown + name, f"link: {reason_of(error)}")
            else:
                reason = self._not_followed(target, info)
                if not reason:
                    return self._followed(frame, name, target, info)
                self._tell("skipped", frame.shown + name, reason)
        elif self._leads_out(path):
            self._tell("skipped", frame.shown + name, LEADS_OUT)
        return FileTask(frame.shown + name, path, size, "link")

    def _leads_out(self, path: str) -> bool:
        """Whether a link leads to a file or folder that no argument holds: what is there is not looked at."""
        target = os.path.realpath(path)
        if any(target == root or target.startswith(root.rstrip(os.sep) + os.sep) for root in self.real_roots):
            return False
        try:
            kind = os.stat(target).st_mode & _FORMAT
        except OSError as error:
            return error.errno in {errno.EACCES, errno.EPERM}  # a link that leads nowhere hides nothing
        return kind in {stat.S_IFREG, stat.S_IFDIR}

    def _not_followed(self, target: str, info: os.stat_result) -> str:
        if target != self.real_root and not target.startswith(self.real_root.rstrip(os.sep) + os.sep):
            return LEADS_OUT
        if info.st_ino and (info.st_dev, info.st_ino) in self.entered:
            return "link to what is scanned already"
        if info.st_mode & _FORMAT not in {stat.S_IFREG, stat.S_IFDIR}:
            return f"link to a {kind_of(info.st_mode)}"
        return ""

    def _followed(self, frame: _Frame, name: str, target: str, info: os.stat_result) -> FileTask | _Frame | None:
        if stat.S_ISDIR(info.st_mode):
            return self._directory(frame, name, target, info)  # git lists no path through a link: ignored there is none
        self.entered.add((info.st_dev, info.st_ino))
        if not self._wanted(frame, name, info.st_size):
            return None
        return FileTask(frame.shown + name, target, info.st_size)

    def _wanted(self, frame: _Frame, name: str, size: int) -> bool:
        """Is the file to be read? If not, it is told or counted."""
        if frame.ignored is not None and frame.in_tree + name in frame.ignored.files:
            frame.left_out += 1
            frame.left_out_bytes += size
            return False
        shown, below = frame.shown + name, frame.below + name
        if self.options.exclude and (self.excluded(shown) or self.excluded(below)):
            return self._count("excluded by a glob", size)
        if self.options.include and not (self.included(shown) or self.included(below)):
            return self._count("not included by any glob", size)
        if self.options.max_size and size > self.options.max_size:
            self._tell("skipped", shown, f"larger than {self.options.max_size} bytes", size)
            return False
        return True

    def _count(self, reason: str, size: int) -> bool:
        count, total = self.by_glob.get(reason, (0, 0))
        self.by_glob[reason] = (count + 1, total + size)
        return False

    def _ask_git(self, frame: _Frame, *, top: bool) -> None:
        """What git ignores from here on. If git cannot tell nothing is ignored, which is said."""
        from leakguard.sources import ignore

        folder, below = os.path.realpath(frame.path), ""
        if not top:
            folder, below = ignore.work_tree(frame.path)
        elif not ignore.is_top(folder):
            return
        frame.ignored = None
        frame.in_tree = f"{below}/" if below else ""
        try:
            frame.ignored = ignore.ignored(self.git, folder, below)
        except SourceError as error:
            self._tell("failed", frame.label, f"{error.reason}; nothing in it was ignored")

    def _tell(self, state: str, path: str, reason: str, size: int = 0) -> None:
        self.on_incident(Incident(state, path, reason, size))


def _logs_in_order(entries: list[os.DirEntry[str]], names: str) -> list[os.DirEntry[str]]:
    """The same with rotated logs before the log itself, oldest first. `names`: those of all of them, one a line."""
    from leakguard.rotated import by_age, may_be

    if not may_be(names):
        return entries  # nearly every folder
    order = by_age([entry.name for entry in entries])
    return entries if order is None else [entries[index] for index in order]


_name = attrgetter("name")


def _name_bytes(entry: os.DirEntry[str]) -> bytes:
    return os.fsencode(entry.name)


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count} files"


def _always(_path: str) -> bool:
    return True


def _never(_path: str) -> bool:
    return False
