"""Archives that were cut into several files: which files are the parts of one, and all of them read as one.

    a.z01 a.z02 a.zip      a.7z.001 a.7z.002      a.part1.rar a.part2.rar      a.rar a.r00 a.r01      a.tgz.aa a.tgz.ab

Promises: only files that were asked for are joined; a set that is not whole is told, and its files go on one by one; what
does not begin as an archive is left as it is. Whatever has no such name passes at once.

Knows `model` and `sources`. On the path of every scan that looks into archives: imports nothing of weight. Imported by
pipeline.py and `leakguard extract`.
"""

# No `from __future__ import annotations` here: NamedTuple would compile every annotation, on every start.
import io
import os
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Any

from leakguard.model import Incident
from leakguard.sources.windows import FileTask, OnIncident, open_regular

_LAST = 1 << 30
_SUFFIXES = (".7z", ".zip", ".rar", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".txz", ".zst", ".lz4", ".iso", ".jar", ".dump")
"""What stands before the number of a part of an archive, mostly."""

_Held = dict[tuple[str, str], dict[int, FileTask]]


def gathered(tasks: Iterable[FileTask], on_incident: OnIncident) -> Iterator[FileTask]:
    """The same tasks, but for the parts of one archive, which follow at the end as one task of kind `volumes`."""
    held: _Held = {}
    for task in tasks:
        found = _part(task.path, held) if task.kind == "file" and task.path[-1:].isalnum() else None
        if found is None:
            yield task
        else:
            held.setdefault(found[0], {})[found[1]] = task
    for (style, base), parts in held.items():
        yield from _joined(style, base, parts, on_incident)


def beside(path: str) -> tuple[str, ...]:
    """The parts of the archive that goes by this name, in order; () if it is whole in itself."""
    folder = os.path.dirname(path) or "."
    tasks = []
    for name in sorted(os.listdir(folder)):
        full = os.path.join(os.path.dirname(path), name)
        if os.path.isfile(full) and not os.path.islink(full):
            tasks.append(FileTask(full, full, 0))
    told: list[Incident] = []
    return next((task.parts for task in gathered(tasks, told.append) if task.parts and task.path == path), ())


def _part(path: str, held: _Held) -> tuple[tuple[str, str], int] | None:
    """((style, what the names have in common), number) of a part; None for other names."""
    base, _, suffix = path.rpartition(".")
    suffix = suffix.lower()
    if suffix in ("zip", "rar"):
        style = "z" if suffix == "zip" else "r"
        if (style, base) in held:
            return (style, base), _LAST if style == "z" else -1
        stem, _, number = base.lower().rpartition(".part")
        return (("part", base[: len(stem)]), int(number)) if suffix == "rar" and stem and _is_number(number) else None
    if suffix[:1] in "zr" and 3 <= len(suffix) <= (6 if suffix[0] == "z" else 3) and _is_number(suffix[1:]):
        return (suffix[0], base), int(suffix[1:])
    if 2 <= len(suffix) <= 4 and _is_number(suffix):
        return (f"{len(suffix)} digits", base), int(suffix)
    if 2 <= len(suffix) <= 3 and suffix[0] == "a" and path.endswith(suffix) and suffix.isascii() and suffix.isalpha():
        place = 0
        for letter in suffix:
            place = 26 * place + ord(letter) - 97
        return (f"{len(suffix)} letters", base), place
    return None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _joined(style: str, base: str, parts: dict[int, FileTask], on_incident: OnIncident) -> Iterator[FileTask]:
    """One task for a whole set; else each part, and what is missing told."""
    order = sorted(parts)
    first = order[0]
    starts = {"z": (1,), "part": (1,), "r": (-1,)}.get(style, (0,) if "letters" in style else (0, 1))
    ends = order[-2] if style == "z" and order[-1] == _LAST else order[-1]
    numbers = [number for number in order if number != _LAST]
    gaps = len(numbers) < ends - first + 1 or first not in starts or (style == "z" and order[-1] != _LAST)
    if len(order) > 1 and not gaps and _is_archive(parts[first]):
        shown = parts[order[-1] if style == "z" else first]
        size = sum(task.size for task in parts.values())
        places = tuple(parts[number].open_path for number in order)
        named = any(task.named for task in parts.values())
        yield FileTask(shown.path, shown.open_path, size, "volumes", places, named)
        return
    for number in order:
        yield parts[number]
    sure = style in ("z", "part", "r") or (base.lower().endswith(_SUFFIXES) and style != "2 digits")
    if gaps and sure:
        told = "parts of a split archive, of which not all are here: they are read one by one"
        on_incident(Incident("failed", base, told))


def _is_archive(task: FileTask) -> bool:
    """Does the first part begin as an archive?"""
    from leakguard.sources.inside.magic import HEAD, NESTED_ONLY, kind_of

    try:
        handle, _ = open_regular(task.open_path)
    except OSError:
        return False  # whoever reads it will say so
    try:
        kind = kind_of(os.read(handle, HEAD), task.path)
    except OSError:
        return False
    finally:
        os.close(handle)
    return bool(kind) and kind not in NESTED_ONLY


class Joined(io.RawIOBase):
    """Several files, one behind the other, read as one. OSError for one that cannot be opened."""

    def __init__(self, places: Iterable[str]) -> None:
        self._files: list[io.FileIO] = []
        self.starts: list[int] = []
        """Where each file begins."""
        self.size = 0
        self._at = 0
        self._copy: Any = None
        try:
            for place in places:
                handle, size = open_regular(place)
                self._files.append(io.FileIO(handle))
                self.starts.append(self.size)
                self.size += size
        except OSError:
            self.close()
            raise

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = max(0, offset + (0, self._at, self.size)[whence])
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Fills as much of the buffer as there is, over borders."""
        view = memoryview(buffer).cast("B")
        done = 0
        while done < len(view) and self._at < self.size:
            number = bisect_right(self.starts, self._at) - 1
            end = self.starts[number + 1] if number + 1 < len(self.starts) else self.size
            file = self._files[number]
            file.seek(self._at - self.starts[number])
            got = file.readinto(view[done : done + end - self._at])
            if not got:
                break  # it shrank: whoever parses it misses the rest
            done += got
            self._at += got
        return done

    def fileno(self) -> int:
        """A descriptor of one file with all of it: a copy without a name."""
        if self._copy is None:
            import shutil
            import tempfile

            self._copy = tempfile.TemporaryFile()  # noqa: SIM115 - closed with this
            before, self._at = self._at, 0
            shutil.copyfileobj(self, self._copy)
            self._copy.flush()
            self._at = before
        number: int = self._copy.fileno()
        return number

    def close(self) -> None:
        for file in self._files:
            file.close()
        if getattr(self, "_copy", None) is not None:
            self._copy.close()
        super().close()
