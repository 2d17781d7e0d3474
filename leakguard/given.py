"""Files that the command itself is given: settings, rule packs, baselines, diffs. Read whole, and never waited for.

A leaf: imports nothing of the project, may be imported by everything. Raises OSError alone; whoever asks names the option.
"""

# No `from __future__ import annotations` here: this is on the path of every start.
import errno
import os
import stat
from io import FileIO

_OPEN = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_DESCRIPTORS = ("/dev/fd/", "/proc/self/fd/", "/dev/stdin")
"""What the shell hands over in place of a file (`<(git diff)`): somebody writes there."""


def content(path: str, most: int = -1) -> bytes:
    """A file's bytes, up to `most` of them (-1: all).

    OSError if it cannot be read, and for what is no file: a pipe that nobody writes to would be waited for until somebody
    stops the job, a device may have no end. The null device is an empty file.
    """
    if path.startswith(_DESCRIPTORS):
        with open(path, "rb") as handed:
            return handed.read(most)
    handle = os.open(path, _OPEN)
    with open(handle, "rb", buffering=0) as file:
        mode = os.fstat(handle).st_mode
        if stat.S_ISREG(mode):
            return file.readall() if most < 0 else _up_to(file, most)
        if stat.S_ISCHR(mode) and os.path.realpath(path) == os.devnull:
            return b""
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    kind = "a pipe" if stat.S_ISFIFO(mode) else "a device"
    raise OSError(errno.EINVAL, f"{kind}, and not a file", path)


def _up_to(file: FileIO, most: int) -> bytes:
    parts: list[bytes] = []
    while most and (part := file.read(most)):
        parts.append(part)
        most -= len(part)
    return b"".join(parts)
