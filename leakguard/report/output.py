"""Where a report goes: a file written whole or not at all, or standard output.

Writes only to the path it is given and to a temporary file beside it. A report appears under its final name
complete or not at all; every failure is an OutputError that names the path. Knows errors only; imported by cli.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable
from io import UnsupportedOperation
from typing import BinaryIO

from leakguard.errors import LeakguardError, OutputError
from leakguard.report.common import printable

Writer = Callable[[BinaryIO], None]

_DEVICES = ("/dev/", "/proc/")
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


def write_atomic(path: str, writer: Writer, *, private: bool = False) -> None:
    """Let `writer` write to `path`; `-` is standard output.

    An existing file keeps its mode, a new one has 0600 if `private` (it holds secrets), else what the umask says.
    A symbolic link is replaced, never followed: in a scanned tree it could point anywhere. Pipes and character
    devices (/dev/stdout, /dev/null, a named pipe) are written directly, since replacing them would destroy them.
    """
    try:
        if path == "-":
            _to_stdout(writer)
        else:
            _to_path(path, writer, private)
    except LeakguardError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever went wrong, the promised report is not there
        # from None: the frames of a writer may hold secrets
        raise OutputError(f"{_called(path)}: {_reason(error)}") from None


def _called(path: str) -> str:
    return "standard output" if path == "-" else printable(path)


def _reason(error: Exception) -> str:
    """The system's words, or the kind of our own mistake; never the message of one, which may quote content."""
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return f"the report could not be made ({type(error).__name__})"


def _to_path(path: str, writer: Writer, private: bool) -> None:
    mode, direct = _target(path)
    if direct:
        with open(path, "wb") as stream:
            writer(stream)
    else:
        _replace(path, writer, mode, 0o600 if private or mode is not None else 0o666)


def _target(path: str) -> tuple[int | None, bool]:
    """(mode of the file to replace, whether to write without replacing). Raises for what cannot be written."""
    try:
        found = os.lstat(path)
        if stat.S_ISLNK(found.st_mode) and path.startswith(_DEVICES):
            found = os.stat(path)  # /dev/stdout is a link to whatever standard output is
            if stat.S_ISREG(found.st_mode):
                return None, True
    except FileNotFoundError:
        return None, False
    kind = found.st_mode
    if stat.S_ISDIR(kind) or (stat.S_ISLNK(kind) and os.path.isdir(path)):
        raise OutputError(f"{printable(path)}: is a directory, name a file in it")
    if stat.S_ISLNK(kind):
        return None, False
    if stat.S_ISREG(kind):
        return stat.S_IMODE(kind) & 0o777, False
    if stat.S_ISCHR(kind) or stat.S_ISFIFO(kind):
        return None, True
    raise OutputError(f"{printable(path)}: is neither a file, a pipe nor a character device")


def _replace(path: str, writer: Writer, mode: int | None, create: int) -> None:
    """Write beside `path`, then rename over it. Whatever happens before that removes the file beside it."""
    temporary = os.path.join(os.path.dirname(path), f".leakguard-{os.urandom(8).hex()}.tmp")
    # os.open applies the umask by itself; asking for it would change it for every thread
    descriptor = os.open(temporary, _FLAGS, create)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            if mode is not None and hasattr(os, "fchmod"):  # Windows has no modes worth keeping
                os.fchmod(stream.fileno(), mode)
            writer(stream)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except BaseException:  # ^C too must leave nothing behind
        _remove(temporary, path)
        raise


def _remove(temporary: str, path: str) -> None:
    try:
        os.unlink(temporary)
    except OSError as error:
        left = f"{printable(temporary)} is left behind ({error.strerror})"
        raise OutputError(f"{printable(path)}: could not be written, and {left}") from None


def _to_stdout(writer: Writer) -> None:
    if sys.stdout is None:
        raise OutputError("standard output: is closed")
    try:
        descriptor = sys.stdout.fileno()
    except UnsupportedOperation:  # captured in memory (a test runner)
        writer(sys.stdout.buffer)
        return
    try:
        sys.stdout.flush()
        # a buffer of our own: with PYTHONUNBUFFERED the one of stdout is raw, and raw writes may stop half-way
        with os.fdopen(os.dup(descriptor), "wb") as stream:
            writer(stream)
    except OSError:
        _abandon(descriptor)
        raise


def _abandon(descriptor: int) -> None:
    """Point standard output to nowhere: what print left in its buffer would fail again at exit, with code 120."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, descriptor)
    finally:
        os.close(nowhere)
