"""Which files the rule packs are, and their bytes.

Lists and reads, understands nothing. On the path of every start: imports nothing heavy. Imported by cache.py,
rules.py and index.py.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from leakguard.errors import RulePackError
from leakguard.given import content


def builtin_folder() -> str:
    """The folder of the built-in packs: inside the package when installed, beside it in a checkout."""
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    inside = os.path.join(here, "rules")
    return inside if os.path.isdir(inside) else os.path.join(os.path.dirname(here), "rules")


def pack_files(folder: str) -> Iterator[str]:
    """All `.toml` files below a folder (or the file itself), sorted, a folder's own before those of its folders."""
    if os.path.isfile(folder):
        yield folder
        return
    try:
        with os.scandir(folder) as listing:
            entries = sorted(listing, key=_name)
    except OSError:
        return  # a folder that is not there has no packs; whoever asked for it by name says so
    folders = []
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            folders.append(entry.path)
        elif entry.name.endswith(".toml") and not entry.is_dir():
            yield entry.path
    for path in folders:
        yield from pack_files(path)


def _name(entry: os.DirEntry[str]) -> str:
    return entry.name


def read_files(paths: Iterable[str]) -> list[tuple[str, bytes]]:
    """(path, bytes) of every pack file. RulePackError for one that cannot be read."""
    out = []
    for path in paths:
        try:
            out.append((path, content(path)))
        except OSError as error:
            raise RulePackError(path, "", "", error.strerror or "cannot be read") from None
    return out


def code_files() -> list[str]:
    """The modules that decide what becomes of a pack, and those with triggers of their own: what they made before they changed
    is of no use."""
    own = os.path.dirname(os.path.abspath(__file__))
    out = [os.path.join(os.path.dirname(own), "model.py")]
    for folder in (own, os.path.join(own, "decode"), os.path.join(own, "forms")):
        out += [os.path.join(folder, name) for name in sorted(os.listdir(folder)) if name.endswith((".py", ".pyc"))]
    return out
