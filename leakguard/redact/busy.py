"""Which processes have a file open for writing. Looks at /proc and changes nothing. Imported by files.py.

Only Linux tells, and only of processes that the user may look into: of others a file's times and locks must do.
"""

from __future__ import annotations

import os

_WRITES = os.O_WRONLY | os.O_RDWR


def writers(device: int, inode: int) -> list[int]:
    """The processes that have a file open for writing, as far as they can be seen; this one not."""
    out = []
    try:
        names = os.listdir("/proc")
    except OSError:
        return []
    own = os.getpid()
    for name in names:
        if name.isdigit() and int(name) != own and _writes(name, device, inode):
            out.append(int(name))
    return sorted(out)


def _writes(process: str, device: int, inode: int) -> bool:
    folder = f"/proc/{process}/fd"
    try:
        handles = os.listdir(folder)
    except OSError:
        return False  # another user's, or it ended
    for handle in handles:
        try:
            info = os.stat(f"{folder}/{handle}")
            if (info.st_dev, info.st_ino) == (device, inode) and _flags(process, handle) & _WRITES:
                return True
        except OSError:
            continue  # closed meanwhile
    return False


def _flags(process: str, handle: str) -> int:
    with open(f"/proc/{process}/fdinfo/{handle}", encoding="ascii") as file:
        for line in file:
            if line.startswith("flags:"):
                return int(line.split()[1], 8)
    return 0
