"""What git would commit: the staged blobs, and what stands in HEAD in their place.

Blobs decide, never a rendered diff, so no attribute, filter, colour or external diff can hide anything, and a secret
that was staged and then cleaned in the work tree is still seen. Nothing of the repository runs; nothing is fetched.
On the start-up path of every commit: git is started first and read later, and nothing heavy is imported.
Uses git's plumbing by subprocess; knows gitcall and errors only. Imported by hook.py, ranges.py, changes.py, compare.py
and cli/.
"""

# No `from __future__ import annotations` here: NamedTuple would compile every annotation, on every start.
import os
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from leakguard.errors import SourceError
from leakguard.sources.gitcall import Git, environment, last_words

SUBMODULE = "160000"
LINK = "120000"

_HOOKS_OWN = (
    "GIT_DIR", "GIT_COMMON_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_SHALLOW_FILE",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_QUARANTINE_PATH", "GIT_NAMESPACE", "GIT_CONFIG_PARAMETERS",
    "GIT_CONFIG_COUNT", "GIT_DISCOVERY_ACROSS_FILESYSTEM",
)  # fmt: skip
"""What git tells its hooks of the repository: the index of this commit alone, the quarantined objects of a push."""

_PART = 1024 * 1024

_AHEAD = 256
"""Blobs asked for before the first is read: their ids fit into any pipe, so neither side waits for the other."""

LARGEST = 1024 * 1024 * 1024
"""Bytes of an object that is read; larger ones are told as not read."""

EMPTY_TREES = {40: "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
               64: "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321"}  # fmt: skip
"""The tree without entries, by the length of its repository's ids."""


class Change(NamedTuple):
    """One path as a change leaves it."""

    path: str
    blob: str
    """Id of what stands there now; "" if nothing does, or nothing of this repository's (a submodule)."""
    before: tuple[str, ...]
    """Id of what stood there, one per parent; "" where nothing did."""
    mode: str = "100644"
    unmerged: bool = False


class Here(Git):
    """git in the folder the command runs in, of the repository that git told its hook about."""

    def __init__(self) -> None:
        super().__init__(os.curdir)

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment of a hook's calls: git's own variables for hooks are kept."""
        own = {name: os.environ[name] for name in _HOOKS_OWN if name in os.environ}
        if count := own.get("GIT_CONFIG_COUNT", ""):
            for number in range(int(count) if count.isdigit() else 0):
                for name in (f"GIT_CONFIG_KEY_{number}", f"GIT_CONFIG_VALUE_{number}"):
                    own[name] = os.environ.get(name, "")
        return environment({**own, **(extra or {})})


class Question:
    """A git that was started, and is read when its answer is needed."""

    def __init__(self, git: Git, *arguments: str) -> None:
        self._name = f"git {arguments[0]}"
        try:
            self._process = subprocess.Popen(
                git.command(*arguments), cwd=git.folder, env=git.environment(), stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            )  # fmt: skip
        except OSError as error:
            raise SourceError(self._name, error.strerror or "could not be started") from None

    def answer(self) -> bytes:
        """All it said. SourceError with its last words if it failed."""
        out, err = self._process.communicate()
        if self._process.returncode:
            raise SourceError(self._name, last_words(err) or f"ended with {self._process.returncode}")
        return out

    def close(self) -> None:
        """Ends it, whether or not it was read."""
        if self._process.poll() is None:
            self._process.kill()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()
        self._process.wait()


_STAGED = ("diff-index", "--cached", "--raw", "-z", "--no-renames", "--no-abbrev", "--ignore-submodules=none")


class Staged:
    """Asks for everything that is staged against HEAD (against nothing before the first commit)."""

    def __init__(self, git: Git) -> None:
        self._git = git
        self._question = Question(git, *_STAGED, "HEAD", "--")

    def changes(self) -> list[Change]:
        """SourceError if this is no repository, or its index cannot be read."""
        try:
            out = self._question.answer()
        except SourceError:
            self._git.run("rev-parse", "--git-dir")  # says what is wrong if this is no repository at all
            if self._git.ask("rev-parse", "--verify", "--quiet", "HEAD^{tree}").returncode == 0:
                raise
            out = self._git.run(*_STAGED, empty_tree(self._git), "--")  # no HEAD yet: then everything is new
        changes = list(parsed(out))
        return [*changes, *sides(self._git, changes)] if any(change.unmerged for change in changes) else changes

    def __enter__(self) -> "Staged":
        return self

    def __exit__(self, *_: object) -> None:
        self._question.close()


def sides(git: Git, changes: Iterable[Change]) -> Iterator[Change]:
    """What the index holds of paths that are not merged: their common ancestor and both sides, each against what stood there."""
    before = {change.path: change.before for change in changes if change.unmerged}
    # of the whole work tree, from whichever folder it is asked
    rows = git.run("--no-literal-pathspecs", "ls-files", "--unmerged", "-z", "--full-name", ":/")
    for row in rows.split(b"\0"):
        meta, _, name = row.partition(b"\t")
        path, words = name.decode("utf-8", "surrogateescape"), meta.decode().split(" ")
        if path in before and words[0] != SUBMODULE:
            yield Change(path, words[1], before[path], words[0])


def empty_tree(git: Git) -> str:
    """The id of the tree that has no entries."""
    kind = git.run("rev-parse", "--show-object-format").decode().strip()
    return EMPTY_TREES[64 if kind == "sha256" else 40]


def parsed(raw: bytes) -> Iterator[Change]:
    """The changes in what `git diff-index --raw -z` and its like say."""
    fields = raw.split(b"\0")
    for meta, path in zip(fields[::2], fields[1::2], strict=False):
        yield change(meta.decode(), path.decode("utf-8", "surrogateescape"))


def change(meta: str, path: str) -> Change:
    """One entry `:old-mode new-mode old new status`, or `::` and more of them for the result of a merge."""
    parents = len(meta) - len(meta.lstrip(":"))
    words = meta[parents:].split(" ")
    modes, ids, status = words[: parents + 1], words[parents + 1 : -1], words[-1]
    # a submodule has a commit in place of a blob: its content is its own repository's
    before = tuple(
        "" if mode == SUBMODULE or not ident.strip("0") else ident for mode, ident in zip(modes, ids[:-1], strict=False)
    )
    gone = modes[-1] in (SUBMODULE, "000000") or not ids[-1].strip("0")
    return Change(path, "" if gone else ids[-1], before, modes[-1], status == "U")


POINTERS = (
    b"version https://git-lfs.github.com/spec/", b"version https://hawser.github.com/spec/", b"version http://git-media.io/v/",
)  # fmt: skip
"""How a blob begins that only says which LFS content stands in its place; git-lfs takes those of before its name, too."""
MOST_POINTER = 1024


def lfs_content(git: Git, pointer: bytes) -> bytes:
    """The LFS content that a pointer stands for. SourceError if it is not here: nothing is fetched."""
    ident = ""
    for line in pointer.splitlines():
        if line.startswith(b"oid sha256:"):
            ident = line[11:].strip().decode("ascii", "replace")
    if len(ident) != 64 or ident.strip("0123456789abcdef"):
        return pointer  # none, then
    path = os.path.join(_lfs_home(git, ident), "objects", ident[:2], ident[2:4], ident)
    from leakguard.sources.windows import open_regular

    try:
        handle, size = open_regular(path)
        with os.fdopen(handle, "rb") as stream:
            if size > LARGEST:
                raise SourceError(ident, f"LFS content larger than {LARGEST} bytes")
            return stream.read()
    except OSError:
        raise SourceError(ident, "LFS content that is not here, and was not fetched") from None


def _lfs_home(git: Git, ident: str) -> str:
    """The folder that git-lfs keeps contents in. SourceError if the repository names one that it has no say over."""
    common = os.path.join(git.folder, os.fsdecode(git.run("rev-parse", "--git-common-dir").rstrip(b"\n")))
    done = git.ask("config", "--null", "--show-scope", "--type=path", "--get", "lfs.storage")
    scope, _, named = done.stdout.rstrip(b"\0").partition(b"\0")
    folder = os.path.join(common, os.fsdecode(named) or "lfs")
    if scope in (b"local", b"worktree") and not git.outside:
        from leakguard.sources.gitstore import inside

        top = os.fsdecode(git.ask("rev-parse", "--show-toplevel").stdout.rstrip(b"\n"))
        if not inside((common, top or common))(os.path.realpath(folder)):
            raise SourceError(ident, "LFS storage outside of the repository, not followed (--follow-alternates does)")
    return folder


class Blobs:
    """Reads objects by id through one `git cat-file --batch`, which is started anew if an object kills it."""

    def __init__(self, git: Git) -> None:
        self.git = self._git = git
        self._start()

    def _start(self) -> None:
        try:
            self._process = subprocess.Popen(
                self._git.command("cat-file", "--batch"), cwd=self._git.folder, env=self._git.environment(),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            )  # fmt: skip
        except OSError as error:
            raise SourceError("git cat-file", error.strerror or "could not be started") from None
        assert self._process.stdin is not None and self._process.stdout is not None  # noqa: S101 - pipes were asked for
        self._in, self._out = self._process.stdin, self._process.stdout

    def read(self, ident: str) -> bytes:
        """An object's bytes. SourceError if the repository does not have it, or it is damaged."""
        for _, data in self.each((ident,)):
            if isinstance(data, SourceError):
                raise data
            return data
        raise SourceError(ident, "missing or damaged in the repository")

    def each(self, idents: Iterable[str]) -> Iterator[tuple[str, bytes | SourceError]]:
        """(id, bytes or what is wrong with it), in the order asked for. Take all of them, or close the reader."""
        wanted = list(idents)
        for first in range(0, len(wanted), _AHEAD):
            part = wanted[first : first + _AHEAD]
            done = 0
            while done < len(part):
                try:
                    self._in.write("".join(f"{ident}\n" for ident in part[done:]).encode())
                    self._in.flush()
                except OSError:  # it ended by itself
                    self._restart()
                    self._in.write("".join(f"{ident}\n" for ident in part[done:]).encode())
                    self._in.flush()
                for ident in part[done:]:
                    data = self._next(ident)
                    done += 1
                    yield ident, data
                    if isinstance(data, SourceError) and self._process.poll() is not None:
                        self._restart()
                        break

    def _next(self, ident: str) -> bytes | SourceError:
        header = self._out.readline().split()
        if not header:  # it died of this object
            self._process.wait()
            return SourceError(ident, "damaged in the repository, or left with the remote of a partial clone")
        if len(header) != 3:
            return SourceError(ident, "missing in the repository")
        size = int(header[2])
        if size > LARGEST:
            self._skip(size + 1)
            return SourceError(ident, f"larger than {LARGEST} bytes")
        data = self._out.read(size)
        end = self._out.read(1)
        if len(data) != size or end != b"\n":
            self._process.wait()
            return SourceError(ident, "git stopped in the middle of it")
        return data

    def _skip(self, size: int) -> None:
        while size > 0 and (part := self._out.read(min(size, _PART))):
            size -= len(part)

    def _restart(self) -> None:
        self.close()
        self._start()

    def close(self) -> None:
        """Ends the process."""
        for pipe in (self._in, self._out):
            try:
                pipe.close()
            except OSError:
                continue  # what was not sent yet has no reader any more
        self._process.wait()

    def __enter__(self) -> "Blobs":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
