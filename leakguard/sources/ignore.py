"""What git ignores in a work tree, asked of git itself without trusting the tree.

Why git and not a library of patterns: `.gitignore` says nothing about tracked files. A `.env` that was added by
force is committed, matched by a pattern, and the very file a scanner is for; only the index knows. Git also has the
negation, nesting and per-user rules of the user by definition, collapses ignored directories to one entry, and costs
one process per repository; pathspec would be one more dependency that has to be taught all of this.

Why it is safe on a hostile tree: git runs on an empty repository of our own making, with the target as work tree and
the target's index file. The target's configuration, hooks and attributes are never read, so nothing in them
(core.fsmonitor, core.excludesFile, core.worktree, includes ...) can act; the user's own global excludes still count.
Git is taken from an absolute entry of PATH, so that none lies in the target. Whatever fails, or takes longer than
`TIMEOUT` (git waits on a FIFO named .gitignore for ever), ends in a SourceError, and the caller ignores nothing.

Never changes the target, never decides what to do with an ignored file. Imported by `files` when `--gitignore` is
given, and only then.
"""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
from typing import NamedTuple

from leakguard.errors import SourceError
from leakguard.sources.windows import open_regular, reason_of

TIMEOUT = 60.0
"""Seconds git may take for one work tree."""

_SMALL = 1024 * 1024
_KEPT_VARIABLES = frozenset({"GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM"})


class Ignored(NamedTuple):
    """Paths relative to the top of a work tree, with `/`; a directory stands for everything in it."""

    files: frozenset[str] = frozenset()
    directories: frozenset[str] = frozenset()


def is_top(folder: str) -> bool:
    """Is this the top of a work tree of its own, as git sees it?"""
    return _git_folder(folder) is not None


def work_tree(folder: str) -> tuple[str, str]:
    """The top of the work tree that holds `folder`, and `folder` below it ("" for the top itself).

    Without a repository `folder` is its own top: the `.gitignore` files of an unpacked archive count too.
    """
    real = os.path.realpath(folder)
    top = real
    while not is_top(top):
        parent = os.path.dirname(top)
        if parent == top:
            return real, ""
        top = parent
    below = os.path.relpath(real, top)
    return top, "" if below == os.curdir else below.replace(os.sep, "/")


def ignored(git: str, top: str, within: str = "") -> Ignored:
    """Everything git ignores below `within` of the work tree `top`; tracked files never are.

    If `within` lies in an ignored directory git names only that, and nothing below `within` is ignored: it was asked
    for by name. Raises SourceError if git cannot tell.
    """
    for object_format in ("sha1", "sha256"):
        try:
            with tempfile.TemporaryDirectory(prefix="leakguard-") as folder:
                _make_repository(folder, top, object_format)
                done = _list_ignored(git, folder, top, within)
        except subprocess.TimeoutExpired:
            raise SourceError(top, f"git took more than {TIMEOUT:.0f} s to list what is ignored") from None
        except OSError as error:
            raise SourceError(top, f"git could not be asked what is ignored: {reason_of(error)}") from None
        if done.returncode == 0:
            return _parse(done.stdout)
    raise SourceError(top, f"git could not list what is ignored: {_last_line(done.stderr)}")


def _list_ignored(git: str, folder: str, top: str, within: str) -> subprocess.CompletedProcess[bytes]:
    real = _git_folder(top)
    index = os.path.join(real, "index") if real else ""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_") or k in _KEPT_VARIABLES}
    environment |= {
        "GIT_DIR": folder,
        "GIT_WORK_TREE": top,
        "GIT_INDEX_FILE": index if _is_regular(index) else os.path.join(folder, "index"),
        "GIT_LITERAL_PATHSPECS": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "LC_ALL": "C",
    }
    # The user's own configuration still counts, but nothing in it has to run for this question.
    command = [git, "-c", "core.fsmonitor=false", "-c", "core.untrackedCache=false"]
    if sys.platform in {"win32", "darwin"}:
        command += ["-c", "core.ignoreCase=true"]  # as `git init` would have set it there
    command += ["ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory"]
    if within:
        command += ["--", within]
    return subprocess.run(
        command, cwd=top, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT, check=False
    )


def _make_repository(folder: str, top: str, object_format: str) -> None:
    """The least that git takes for a repository, with the target's info/exclude."""
    for name in ("objects", "refs", "info"):
        os.mkdir(os.path.join(folder, name))
    config = "[core]\n\trepositoryformatversion = 1\n\tbare = false\n"
    if object_format != "sha1":
        config += f"[extensions]\n\tobjectFormat = {object_format}\n"
    real = _git_folder(top)
    exclude = _read_small(os.path.join(_common_folder(real), "info", "exclude")) if real else None
    files = {"HEAD": b"ref: refs/heads/none\n", "config": config.encode(), os.path.join("info", "exclude"): exclude}
    for name, content in files.items():
        if content is not None:
            with open(os.path.join(folder, name), "wb") as file:
                file.write(content)


def _git_folder(top: str) -> str | None:
    """The folder `.git` is or points to, if git would take it for a repository."""
    path = os.path.join(top, ".git")
    content = _read_small(path)
    if content is not None:
        if not content.startswith(b"gitdir: "):
            return None
        path = os.path.join(top, os.fsdecode(content[8:].rstrip(b"\r\n")))
    return path if os.path.isdir(path) and os.path.lexists(os.path.join(path, "HEAD")) else None


def _common_folder(real: str) -> str:
    """Where info/exclude lies: a linked work tree has a file that says so."""
    content = _read_small(os.path.join(real, "commondir"))
    return real if content is None else os.path.join(real, os.fsdecode(content.rstrip(b"\r\n").replace(b"\0", b"")))


def _is_regular(path: str) -> bool:
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:  # no index yet: nothing is tracked
        return False


def _read_small(path: str) -> bytes | None:
    """The bytes of a small regular file; None if there is none, whatever the reason (then nothing is ignored by it)."""
    try:
        fd, _size = open_regular(path)
    except (OSError, ValueError):
        return None
    try:
        content = os.read(fd, _SMALL + 1)
        return content if len(content) <= _SMALL else None
    except OSError:
        return None
    finally:
        os.close(fd)


def _parse(output: bytes) -> Ignored:
    files = set()
    directories = set()
    for raw in output.split(b"\0"):
        name = os.fsdecode(raw)
        if name.endswith("/"):
            directories.add(name[:-1])
        elif name:
            files.add(name)
    return Ignored(frozenset(files), frozenset(directories))


def _last_line(output: bytes) -> str:
    text = output.decode("ascii", "replace").strip().rpartition("\n")[2]
    return "".join(char if char.isprintable() else "?" for char in text)[:200] or "no reason given"
