"""How git is called: one place that decides what a repository may do to us, which is nothing.

Git is taken from an absolute entry of PATH, never by a shell, never with a terminal, never with a protocol it could
fetch by (`GIT_ALLOW_PROTOCOL` is empty, which no configuration overrides), and without hooks, fsmonitor, pagers,
external diffs, replace refs or lazy fetching. The environment's own GIT_* variables do not count, but for the user's
choice of configuration files. Never writes to a repository. Knows errors only; imported by the other git sources.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from typing import IO, Any

from leakguard.errors import SourceError, UsageError

_KEPT = frozenset({"GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM", "GIT_CEILING_DIRECTORIES"})
_SAFE: tuple[str, ...] = (
    "--no-pager", "--no-replace-objects", "--literal-pathspecs",
    "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "protocol.allow=never",
    "-c", "core.quotePath=false", "-c", "color.ui=false", "-c", "log.showSignature=false",
    "-c", "core.untrackedCache=false", "-c", "core.multiPackIndex=false", "-c", "core.commitGraph=false",
    "-c", "submodule.recurse=false", "-c", "gc.auto=0", "-c", "maintenance.auto=false",
)  # fmt: skip
_EXECUTABLES = ("git.exe",) if os.name == "nt" else ("git",)
PATIENCE = 600
"""Seconds after which a single question counts as not answered: a ref or an included configuration can be a pipe."""
PIPE = 1024 * 1024
"""Bytes a pipe from git is asked to hold: fewer switches between it and us."""


def find_git() -> str:
    """The absolute path of git. Relative entries of PATH do not count: one could lie in the target."""
    for folder in os.get_exec_path():
        if os.path.isabs(folder):
            for name in _EXECUTABLES:
                candidate = os.path.join(folder, name)
                if os.path.isfile(candidate) and os.access(candidate, os.X_OK):
                    return candidate
    raise UsageError("git: not installed, or not on PATH")


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """What git sees of the environment."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("GIT_") or name in _KEPT}
    own.update(
        GIT_ALLOW_PROTOCOL="", GIT_NO_LAZY_FETCH="1", GIT_OPTIONAL_LOCKS="0", GIT_TERMINAL_PROMPT="0",
        GIT_NO_REPLACE_OBJECTS="1", GIT_GRAFT_FILE=os.devnull, GIT_ADVICE="0", GIT_PAGER="cat", GIT_ASKPASS="",
        SSH_ASKPASS="", LC_ALL="C",
    )  # fmt: skip
    if extra:
        own.update(extra)
    return own


class Git:
    """Calls git in one folder; `git_dir` makes it use that repository and look for no other."""

    def __init__(self, folder: str, git_dir: str = "", program: str = "") -> None:
        self.folder = folder
        self.git_dir = git_dir
        self.program = program or find_git()
        self.outside = True
        """Whether what lies out of the repository may be read because the repository says so."""

    def command(self, *arguments: str) -> list[str]:
        """The arguments that call git safely: nothing that the repository configures runs."""
        return [self.program, *_SAFE, *arguments]

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment to call it in, with `extra` on top."""
        own = environment(extra)
        if self.git_dir:
            own["GIT_DIR"] = self.git_dir
        return own

    def ask(
        self, *arguments: str, given: bytes = b"", extra: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        """One question, whatever the answer. SourceError if git cannot be started there."""
        try:
            return subprocess.run(
                self.command(*arguments), cwd=self.folder, env=self.environment(extra), input=given,
                capture_output=True, check=False, timeout=PATIENCE,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise SourceError(f"git {arguments[0]}", f"gave no answer in {PATIENCE} s") from None
        except OSError as error:
            raise SourceError(self.folder, error.strerror or "git could not be started") from None

    def run(self, *arguments: str, given: bytes = b"", extra: Mapping[str, str] | None = None) -> bytes:
        """One question that must be answered; SourceError with git's last words."""
        done = self.ask(*arguments, given=given, extra=extra)
        if done.returncode:
            raise SourceError(f"git {arguments[0]}", last_words(done.stderr) or f"ended with {done.returncode}")
        return done.stdout

    def open(self, *arguments: str, given: Iterable[bytes] = (), errors: IO[Any] | None = None) -> Reader:
        """A long answer, read while it comes. What git is given goes through a file: no pipe can fill up."""
        return Reader(self, arguments, given, errors)


class Reader:
    """A running git whose output is read. Ends it when closed, whatever it is doing."""

    def __init__(
        self, git: Git, arguments: Sequence[str], given: Iterable[bytes], errors: IO[Any] | None = None
    ) -> None:
        import tempfile  # not on the path of a commit hook: it costs 10 ms of start-up

        with tempfile.TemporaryFile() as stdin:
            stdin.writelines(given)
            stdin.seek(0)
            self._errors = errors if errors is not None else tempfile.TemporaryFile()  # noqa: SIM115 - closed by close
            self._process = subprocess.Popen(
                git.command(*arguments), cwd=git.folder, env=git.environment(), stdin=stdin, stdout=subprocess.PIPE,
                stderr=self._errors, bufsize=PIPE,
            )  # fmt: skip
        out = self._process.stdout
        if out is None:
            raise SourceError(f"git {arguments[0]}", "gave no output")
        self.out = out
        _widen(out.fileno())

    def finish(self) -> tuple[int, str]:
        """Waits for the end: (exit code, git's last words)."""
        self.out.close()
        code = self._process.wait()
        return code, last_words(self._said())

    def _said(self) -> bytes:
        self._errors.seek(0)
        return bytes(self._errors.read(1024 * 1024))

    def close(self) -> None:
        """Ends the process, if it did not end by itself."""
        if self._process.poll() is None:
            self._process.kill()
        self.out.close()
        self._process.wait()
        self._errors.close()

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _widen(handle: int) -> None:
    try:
        import fcntl

        fcntl.fcntl(handle, fcntl.F_SETPIPE_SZ, PIPE)
    except (ImportError, AttributeError, OSError):
        return  # another system, or more than this user may have: only slower


def last_words(output: bytes) -> str:
    """What git said last, printable and bounded: its last complaint with the lines that explain it, without the `fatal: `
    that every one of them has; or else its last line."""
    lines = [line.strip() for line in output[-4096:].decode("utf-8", "replace").splitlines() if line.strip()]
    start = max((number for number, line in enumerate(lines) if line.startswith("fatal: ")), default=len(lines) - 1)
    text = " ".join(lines[max(0, start) :])
    for prefix in ("fatal: ", "error: "):
        text = text.removeprefix(prefix)
    return "".join(char if char.isprintable() else "?" for char in text)[:400]
