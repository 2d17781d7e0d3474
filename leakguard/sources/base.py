"""Files as a base revision has them: for a run that must trust nothing of the work tree it checks.

Reads blobs by git's plumbing; nothing of the repository runs, nothing is fetched, nothing is written but the copies
that `export` is asked for, into a private temporary folder. Knows ranges and errors only; imported by accepted.py and cli/.
"""

from __future__ import annotations

import os

from leakguard.errors import SourceError, UsageError
from leakguard.sources.gitcall import Git
from leakguard.sources.ranges import resolve


class Base:
    """One commit of the repository that `start` is in. UsageError if the revision cannot be resolved."""

    def __init__(self, revision: str, start: str) -> None:
        self.revision = revision
        self._start = os.path.realpath(start)
        self._asked = Git(self._start)
        top = self._git("rev-parse", "--show-toplevel") or self._git("rev-parse", "--absolute-git-dir")
        if top is None:  # a bare repository's folder counts as its top: `leakguard.toml` there is that of the revision
            raise UsageError(f"--trust-base: {start} is not in a repository of git")
        self.top = os.path.realpath(os.fsdecode(top.rstrip(b"\n")))
        self.commit = resolve(self._asked, revision, "--trust-base")
        self._copies: str | None = None

    def _git(self, *arguments: str) -> bytes | None:
        """What git says, None if it ends with an error."""
        done = self._asked.ask(*arguments)
        return None if done.returncode else done.stdout

    def inside(self, path: str) -> str | None:
        """A path below the top of the work tree, with slashes; None for one elsewhere. Links are not followed: what
        a link of the work tree leads to is the work tree's word."""
        full = os.path.abspath(path)
        folder = os.path.join(os.path.realpath(os.path.dirname(full)), os.path.basename(full))
        for form in (full, folder):
            if form == self.top or form.startswith(self.top.rstrip(os.sep) + os.sep):
                return os.path.relpath(form, self.top).replace(os.sep, "/")
        return None

    def read(self, path: str) -> bytes | None:
        """The bytes of the file at a path below the top; None if the revision has no file there.

        SourceError if it has one that cannot be read (a partial clone).
        """
        listed = self._git("ls-tree", "-z", "--full-tree", self.commit, path)
        blob = _blob(listed or b"", path)
        if not blob:
            return None
        data = self._git("cat-file", "blob", blob)
        if data is None:
            raise SourceError(f"{self.revision}:{path}", "missing or damaged in the repository")
        return data

    def export(self, path: str) -> str:
        """A copy of a file or folder as the revision has it, in a private folder; its path. UsageError if there is
        none."""
        import tempfile

        listed = self._git("ls-tree", "-r", "-z", "--full-tree", self.commit, path) or b""
        if self._copies is None:
            self._copies = tempfile.mkdtemp(prefix="leakguard-base-")
        found = False
        for row in listed.split(b"\0"):
            meta, _, raw = row.partition(b"\t")
            name = os.fsdecode(raw)
            if meta[:6] not in (b"100644", b"100755") or ".." in name.split("/"):
                continue
            data = self._git("cat-file", "blob", meta.split()[2].decode())
            if data is None:
                raise SourceError(f"{self.revision}:{name}", "missing or damaged in the repository")
            target = os.path.join(self._copies, name)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(target, "wb") as handle:
                handle.write(data)
            found = True
        if not found:
            raise UsageError(f"{path}: not in the base revision {self.revision}")
        return os.path.join(self._copies, path)

    def close(self) -> None:
        """Removes the copies."""
        if self._copies is not None:
            import shutil

            shutil.rmtree(self._copies)
            self._copies = None


def _blob(listed: bytes, path: str) -> str:
    """The id of the regular file at exactly this path."""
    for row in listed.split(b"\0"):
        meta, _, name = row.partition(b"\t")
        if os.fsdecode(name) == path and meta[:6] in (b"100644", b"100755"):
            return meta.split()[2].decode()
    return ""
