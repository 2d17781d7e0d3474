"""What `leakguard fix` changed, kept so that it can be put back: copies of files and ids of staged blobs.

The copies are the files as they were, secrets and all: they lie in a folder of mode 0700 below the user's state folder,
each of mode 0600, and go when they are restored or forgotten. Writes files atomically, keeping their mode. Imported by
cli/fix.py.
"""

from __future__ import annotations

import json
import os
import stat
import time
from typing import Any

from leakguard.errors import OutputError, UsageError
from leakguard.hashes import blake2b

_PRIVATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


def state_folder() -> str:
    """Where copies are kept: LEAKGUARD_STATE_DIR, or the user's state folder of this system."""
    named = os.environ.get("LEAKGUARD_STATE_DIR")
    if named:
        return os.path.join(named, "fix")
    from platformdirs import user_state_path

    return str(user_state_path("leakguard") / "fix")


def write(path: str, data: bytes, private: bool = False) -> None:
    """Replaces a regular file, keeping its mode (0600 if `private`), all of it or nothing. OutputError if it cannot."""
    try:
        mode = 0o666
        if os.path.lexists(path):
            info = os.lstat(path)
            if not stat.S_ISREG(info.st_mode):
                raise OutputError(f"{path}: is no regular file")
            mode = stat.S_IMODE(info.st_mode)
        exact = 0o600 if private else mode if os.path.lexists(path) else None
        beside = os.path.join(os.path.dirname(path) or ".", f".leakguard-{os.urandom(8).hex()}.tmp")
        handle = os.open(beside, _PRIVATE, 0o600 if private else mode)
        try:
            with os.fdopen(handle, "wb") as out:
                if exact is not None and hasattr(os, "fchmod"):
                    os.fchmod(out.fileno(), exact)
                out.write(data)
                out.flush()
                os.fsync(out.fileno())
            os.replace(beside, path)
        except BaseException:
            os.unlink(beside)
            raise
    except OSError as error:
        raise OutputError(f"{path}: {error.strerror or 'cannot be written'}") from None


def digest(data: bytes) -> str:
    """The name by which a file's content is known again: 32 hex digits."""
    return blake2b(data, digest_size=16).hexdigest()


class Record:
    """One fix: what it is about to change, written down before it does."""

    def __init__(self, top: str) -> None:
        self.top = os.path.realpath(top)
        self.folder = os.path.join(state_folder(), f"{time.time_ns():020d}-{os.urandom(4).hex()}")
        self.files: list[dict[str, Any]] = []
        self.index: list[dict[str, str]] = []

    def add_file(self, path: str, before: bytes | None, after: bytes) -> None:
        """A file that is about to change; `before` None if there was none."""
        self._make()
        name = f"{len(self.files)}.before"
        if before is not None:
            handle = os.open(os.path.join(self.folder, name), _PRIVATE, 0o600)
            with os.fdopen(handle, "wb") as out:
                out.write(before)
                os.fsync(out.fileno())
        mode = stat.S_IMODE(os.lstat(path).st_mode) if before is not None else 0
        full = os.path.join(os.path.realpath(os.path.dirname(path) or "."), os.path.basename(path))
        copy = name if before is not None else ""
        self.files.append({"path": full, "copy": copy, "after": digest(after), "mode": mode})
        self._save()

    def add_index(self, path: str, mode: str, before: str, after: str) -> None:
        """Writes down an entry of git's index, by the ids of its blobs before and after."""
        self._make()
        self.index.append({"path": path, "mode": mode, "before": before, "after": after})
        self._save()

    def _make(self) -> None:
        os.makedirs(state_folder(), mode=0o700, exist_ok=True)
        os.makedirs(self.folder, mode=0o700, exist_ok=True)

    def _save(self) -> None:
        content = {"top": self.top, "files": self.files, "index": self.index}
        write(os.path.join(self.folder, "record.json"), json.dumps(content).encode(), private=True)


class Kept:
    """A fix that can be undone."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        with open(os.path.join(folder, "record.json"), "rb") as handle:
            content = json.load(handle)
        self.top: str = content["top"]
        self.files: list[dict[str, Any]] = content["files"]
        self.index: list[dict[str, str]] = content["index"]

    def changed(self) -> list[str]:
        """Paths that are neither as the fix left them nor as they were before it (it can have been stopped half way)."""
        out = []
        for item in self.files:
            now = self._content(item["path"])
            if (now is None or digest(now) != item["after"]) and now != self._before(item):
                out.append(item["path"])
        return out

    def _before(self, item: dict[str, Any]) -> bytes | None:
        return self._content(os.path.join(self.folder, item["copy"])) if item["copy"] else None

    def _content(self, path: str) -> bytes | None:
        try:
            with open(path, "rb") as handle:
                return handle.read()
        except FileNotFoundError:
            return None

    def restore_files(self, skip: frozenset[str]) -> int:
        """Puts files back, but for those to skip; how many."""
        done = 0
        for item in self.files:
            path = item["path"]
            if path in skip:
                continue
            before = self._before(item)
            if before is not None:
                write(path, before)
                os.chmod(path, item["mode"])
            elif os.path.lexists(path):
                os.unlink(path)
            done += 1
        return done

    def forget(self) -> None:
        """Removes the copies."""
        import shutil

        shutil.rmtree(self.folder)


def kept(top: str) -> list[Kept]:
    """The fixes of a repository or folder that can be undone, the last first."""
    folder = state_folder()
    real = os.path.realpath(top)
    out = []
    for name in sorted(os.listdir(folder), reverse=True) if os.path.isdir(folder) else []:
        try:
            one = Kept(os.path.join(folder, name))
        except (OSError, ValueError, KeyError):
            raise UsageError(f"{os.path.join(folder, name)}: a damaged record; remove the folder by hand") from None
        if one.top == real:
            out.append(one)
    return out
