"""What git would commit: the staged blobs, and what stands in HEAD in their place.

Blobs decide, never a rendered diff, so no attribute, filter, colour or external diff can hide anything, and a secret
that was staged and then cleaned in the work tree is still seen. Nothing of the repository runs; nothing is fetched.
Uses git's plumbing by subprocess; knows model and errors only. Imported by hook.py.
"""

from __future__ import annotations

import os
import subprocess
from typing import NamedTuple

from leakguard.errors import SourceError, UsageError

# fsmonitor would start a program the repository names; the rest keeps output independent of configuration
_GIT = ("git", "-c", "core.fsmonitor=false", "-c", "core.quotePath=false", "-c", "color.ui=false")

_SUBMODULE = "160000"


class Staged(NamedTuple):
    """A staged file: its blob ("" if it is removed), and the blob it replaces ("" if it is new)."""

    path: str
    blob: str
    before: str


def _environment() -> dict[str, str]:
    env = dict(os.environ)
    env.update(GIT_NO_LAZY_FETCH="1", GIT_OPTIONAL_LOCKS="0", GIT_TERMINAL_PROMPT="0", LC_ALL="C")
    for name in ("GIT_EXTERNAL_DIFF", "GIT_DIFF_OPTS", "GIT_TRACE", "GIT_TRACE2"):
        env.pop(name, None)
    return env


def _run(*arguments: str) -> bytes:
    try:
        done = subprocess.run((*_GIT, *arguments), capture_output=True, env=_environment(), check=False)
    except FileNotFoundError:
        raise UsageError("git: not installed, or not on PATH") from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise SourceError("git " + arguments[0], said[-1] if said else f"ended with {done.returncode}")
    return done.stdout


def staged() -> list[Staged]:
    """Everything that is staged against HEAD (against nothing before the first commit)."""
    _run("rev-parse", "--git-dir")
    try:
        base = _run("rev-parse", "--verify", "--quiet", "HEAD^{tree}").decode().strip()
    except SourceError:
        base = _empty_tree()
    fields = _run("diff-index", "--cached", "--raw", "-z", "--no-renames", "--no-abbrev", base, "--").split(b"\0")
    out = []
    for meta, path in zip(fields[::2], fields[1::2], strict=False):
        old, new, before, blob, status = meta.decode().lstrip(":").split(" ")
        # a submodule has a commit in place of a blob: its content is its own repository's
        before = "" if old == _SUBMODULE or set(before) == {"0"} else before
        blob = "" if new == _SUBMODULE or status == "D" else blob
        out.append(Staged(path.decode("utf-8", "surrogateescape"), blob, before))
    return out


def _empty_tree() -> str:
    kind = _run("rev-parse", "--show-object-format").decode().strip()
    return {
        "sha1": "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
        "sha256": "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
    }[kind]


class Blobs:
    """Reads blobs by id through one `git cat-file --batch`."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            (*_GIT, "cat-file", "--batch"), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, env=_environment(),
        )  # fmt: skip

    def read(self, blob: str) -> bytes:
        """A blob's bytes. SourceError if the repository does not have it."""
        assert self._process.stdin is not None and self._process.stdout is not None  # noqa: S101 - pipes were asked for
        self._process.stdin.write(blob.encode() + b"\n")
        self._process.stdin.flush()
        header = self._process.stdout.readline().split()
        if len(header) != 3:
            raise SourceError(blob, "missing or damaged in the repository")
        data = self._process.stdout.read(int(header[2]))
        self._process.stdout.read(1)
        if len(data) != int(header[2]):
            raise SourceError(blob, "git stopped in the middle of it")
        return data

    def close(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process.wait()

    def __enter__(self) -> Blobs:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
