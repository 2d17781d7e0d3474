"""Members of a 7z by py7zr: those that libarchive does not know how to unpack (Deflate64, and what stands behind a program for
ARM64), or all of them where the system has no libarchive.

Promises: each run of members that is packed as one is tried by itself, so that one which nobody knows costs no other; what
cannot be read is told, with the method that it would take. Nothing is written.

Loaded by the child alone (see `child`), which imports nothing of the project.
"""

from __future__ import annotations

import os
from collections.abc import Container
from typing import Any

_END, _BROKEN = b"E", "damaged, or packed in a way its reader does not know"
_METHODS = {b"\x0a": "ARM64", b"\x0b": "RISCV", b"\x02\x03\x02": "SWAP2", b"\x02\x03\x04": "SWAP4", b"\x03\x03\x01\x1b": "BCJ2"}
_LONGEST = 8


def read(handle: int, out: Any, done: set[str] | None = None) -> None:
    """All members; with `done`, those that hold something and are not named there."""
    import py7zr  # type: ignore[import-not-found, import-untyped, unused-ignore]

    try:
        os.lseek(handle, 0, os.SEEK_SET)
        with open(handle, "rb", closefd=False) as file, py7zr.SevenZipFile(file, "r", mp=False) as archive:
            os.chdir(os.sep)  # names are given below the working folder
            if done is None:
                _empty(archive, out)
            for folder, names in _folders(archive, done or ()):
                _folder(archive, folder, names, out)
    except py7zr.exceptions.PasswordRequired:
        out.told("broken", "encrypted")
    except (py7zr.exceptions.ArchiveError, py7zr.exceptions.Bad7zFile):
        out.told("broken", _BROKEN)


def _empty(archive: Any, out: Any) -> None:
    """Folders, and files without content: names, which no run of the packed has."""
    for item in archive.files:
        if item.is_directory:
            out.name(item.filename, 0, b"n")
        elif item.emptystream:
            out.name(item.filename, 0)
            out.send(_END)


def _folders(archive: Any, done: Container[str]) -> list[tuple[Any, list[str]]]:
    """(a run that is packed as one, the names in it that are wanted)."""
    runs: dict[int, tuple[Any, list[str]]] = {}
    for item in archive.files:
        if not item.is_directory and not item.emptystream and item.filename not in done:
            runs.setdefault(id(item.folder), (item.folder, []))[1].append(item.filename)
    return list(runs.values())


def _folder(archive: Any, folder: Any, names: list[str], out: Any) -> None:
    import py7zr

    archive.reset()
    factory = _factory(out)
    reason = ""
    try:
        archive.extract(path="", targets=names, factory=factory)
    except py7zr.exceptions.UnsupportedCompressionMethodError:
        reason = f"packed by {_named(folder)}, which no reader here knows"
    except py7zr.exceptions.PasswordRequired:
        reason = "encrypted"
    except Exception as error:  # noqa: BLE001 - it fails as it likes; a message could quote content
        reason = f"damaged member ({type(error).__name__})"
    if factory.opened:
        out.send(_END)
    if reason:
        for name in names:
            if name not in factory.names:
                out.name(name, 0, b"n")
        for name in names[len(factory.names) - bool(factory.names) :]:
            out.told(reason, name)


def _named(folder: Any) -> str:
    methods = [coder["method"] for coder in folder.coders][:_LONGEST]
    return ", ".join(_METHODS.get(method, f"method {method[:_LONGEST].hex()}") for method in methods if method in _METHODS) or "a method"


def _factory(out: Any) -> Any:
    """What py7zr hands the members to."""
    from py7zr.io import Py7zIO, WriterFactory  # type: ignore[import-not-found, import-untyped, unused-ignore]

    class Writer(Py7zIO):  # type: ignore[misc, unused-ignore]
        def __init__(self) -> None:
            self.length = 0

        def write(self, data: bytes | bytearray) -> int:
            out.data(bytes(data))
            self.length += len(data)
            return len(data)

        def read(self, size: int | None = None) -> bytes:
            return b""

        def seek(self, offset: int, whence: int = 0) -> int:
            return 0

        def flush(self) -> None:
            return None

        def size(self) -> int:
            return self.length

    class Factory(WriterFactory):  # type: ignore[misc, unused-ignore]
        def __init__(self) -> None:
            self.opened = False
            self.names: list[str] = []

        def create(self, filename: str) -> Any:
            if self.opened:
                out.send(_END)
            self.opened = True
            name = os.path.relpath(filename, os.sep) if os.path.isabs(filename) else filename
            self.names.append(name)
            out.name(name, -1)
            return Writer()

    return Factory()
