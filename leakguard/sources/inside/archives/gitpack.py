"""git bundles, and packs inside of archives or, if that is asked for, among files: every object by its id.

Promises: a pack is unpacked in order, as gitunpack.py does it, which believes no index and asks no git; from the first object
on that it doubts git reads the rest. Git gets the pack on its standard input, in a private temporary folder that is removed
afterwards, with no configuration, hooks or network. Commits, tags and blobs are content, trees are not. A pack that leans on
objects it does not hold (a thin bundle) is told, and scanned as it stands. Imported by `sources.inside.walk`.
"""

from __future__ import annotations

import mmap
import os
import subprocess
from collections.abc import Container, Iterator
from shutil import which
from tempfile import TemporaryDirectory, TemporaryFile
from typing import IO

from leakguard.sources.gitpacks import Doubt
from leakguard.sources.gitunpack import Unpacked
from leakguard.sources.inside.base import (
    CHUNK,
    BrokenError,
    Context,
    Member,
    Stream,
    Told,
    UnreadError,
    from_bytes,
    ratio_guard,
)

LONGEST_REFS = 16 * 1024 * 1024


def bundle(stream: Stream, context: Context) -> Iterator[Member]:
    """A bundle: the names of its refs, then its objects."""
    head = bytearray()
    while not head.endswith(b"\n\n"):
        line = _line(stream)
        head += line
        if len(head) > LONGEST_REFS:
            raise BrokenError("a list of refs without end")
    yield Member("@refs", from_bytes(bytes(head)), len(head), "gap")
    if b"\n@filter=" in head:
        context.tell("failed", "", "git: a bundle of a partial clone: objects were left out of it")
    yield from pack(stream, context)


def _line(stream: Stream) -> bytes:
    ahead = stream.peek(4096)
    at = ahead.find(b"\n")
    if not ahead:
        raise BrokenError("ends in its list of refs")
    return stream.exactly(at + 1 if at >= 0 else len(ahead))


def _git() -> str:
    found = which("git")
    if found is None:
        raise UnreadError("git is not installed")
    return found


def pack(stream: Stream, context: Context) -> Iterator[Member]:
    """A packfile's objects."""
    with TemporaryFile() as spool:
        size = 0
        try:
            while data := stream.read(CHUNK):
                spool.write(data)
                size += len(data)
        except Told:
            pass
        spool.flush()
        taken: set[str] = set()
        try:
            yield from _in_order(spool, size, context, taken)
        except Doubt:
            spool.seek(0)
            yield from _by_git(spool, size, context, taken)


def _in_order(spool: IO[bytes], size: int, context: Context, taken: set[str]) -> Iterator[Member]:
    """The objects of a pack, read here. Notes their names in `taken`."""
    if not size:
        raise Doubt("nothing")

    def guard(produced: int) -> None:
        ratio_guard(context.limits, produced, size)
        context.budget.spend(0)  # trees are work, too, and nobody else counts them

    unpacked = Unpacked(mmap.mmap(spool.fileno(), size, access=mmap.ACCESS_READ), guard)
    for kind, name, length, data, place in unpacked.objects():
        taken.add(name)
        pull = unpacked.stream(place, length) if data is None else from_bytes(data)
        yield Member(f"{kind}/{name}", pull, length)


def _by_git(spool: IO[bytes], size: int, context: Context, taken: Container[str]) -> Iterator[Member]:
    """The objects of a pack as git reads them, but for those that were taken before."""
    git = _git()
    with TemporaryDirectory(prefix="leakguard-") as folder:
        base = _command(git, folder)
        environment = _environment(folder)
        _run([git, "init", "-q", "--bare", "--template=", folder], environment, context, None)
        if not _run([*base, "index-pack", "--stdin", "--max-input-size=0"], environment, context, spool):
            spool.seek(0)
            context.tell("failed", "", "git pack: damaged, or it needs objects that it does not hold")
            yield Member("@pack", spool.read, size, "gap")
            return
        yield from _objects(base, environment, context, size, taken)


def _command(git: str, folder: str) -> list[str]:
    return [git, "--git-dir", folder, "-c", "core.bigFileThreshold=1m", "-c", "pack.threads=1",
            "-c", "core.packedGitLimit=64m", "-c", "core.deltaBaseCacheLimit=32m", "-c", "gc.auto=0"]  # fmt: skip


def _environment(folder: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "TMPDIR", "TEMP") if name in os.environ}
    return {**kept, "HOME": folder, "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "LC_ALL": "C",
            "GIT_TERMINAL_PROMPT": "0", "GIT_ALLOW_PROTOCOL": ""}  # fmt: skip


def _run(command: list[str], environment: dict[str, str], context: Context, source: IO[bytes] | None) -> bool:
    """Did it end well, and in time?"""
    left = context.budget.left()
    try:
        done = subprocess.run(
            command,
            stdin=source if source is not None else subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment,
            check=False,
            timeout=None if left > 1e9 else max(1.0, left),
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def _objects(
    base: list[str], environment: dict[str, str], context: Context, size: int, taken: Container[str]
) -> Iterator[Member]:
    command = [*base, "cat-file", "--batch", "--batch-all-objects", "--unordered", "--buffer"]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    ) as process:
        try:
            if process.stdout is None:
                raise Told
            out = Stream(process.stdout.read1)  # type: ignore[attr-defined]
            while head := out.peek(4096).split(b"\n", 1)[0]:
                out.skip(len(head) + 1)
                name, kind, length = head.decode("ascii").split(" ")
                part = _Object(out, int(length), context, size)
                if kind != "tree" and name not in taken:
                    yield Member(f"{kind}/{name}", part, int(length))
                part.part.finish()
                out.skip(1)
            if process.wait() != 0:
                raise BrokenError("git pack: an object cannot be read")
        finally:
            process.kill()


class _Object:
    def __init__(self, out: Stream, length: int, context: Context, size: int) -> None:
        self.part = out.part(length)
        self.limits = context.limits
        self.size = size
        self.produced = 0

    def __call__(self, count: int) -> bytes:
        data = self.part(count)
        self.produced += len(data)
        ratio_guard(self.limits, self.produced, self.size)
        return data
