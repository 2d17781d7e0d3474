"""Images on disk: archives of `docker save`, OCI layouts as folder or archive, and the folders of `skopeo copy dir:`.

Promises: an archive is read where it lies, a compressed one from a temporary file without a name; a folder's links are
not followed, and no name out of a manifest leads out of it; what no manifest names is read, too, as `scan` would.

Imported by `leakguard.images` and `leakguard extract`.
"""

from __future__ import annotations

import io
import os
import re
import tempfile
from collections.abc import Iterator
from importlib import import_module
from typing import BinaryIO, cast

from leakguard.errors import SourceError, UsageError
from leakguard.model import Incident, Origin
from leakguard.sources import oci
from leakguard.sources.image import Reader
from leakguard.sources.inside import magic
from leakguard.sources.inside.archives.tars import tar
from leakguard.sources.inside.base import (
    CHUNK,
    BrokenError,
    Budget,
    Context,
    LimitError,
    Member,
    Pull,
    Stream,
    Told,
    from_bytes,
    from_file,
)
from leakguard.sources.inside.limits import Bytes, Limits
from leakguard.sources.inside.walk import READERS, Choose, Leaf, Walker
from leakguard.sources.oci import Blob
from leakguard.sources.stores import LayerWalker, MissingError, Root, read_all
from leakguard.sources.windows import OnIncident, open_regular, reason_of

CODECS = frozenset(kind for kind, (module, _) in READERS.items() if module == "archives.codecs")
_OF_IMAGE = re.compile(r"blobs/sha256/|[0-9a-f]{64}(?:\.tar|\.json|/layer\.tar)\Z|.*/layer\.tar\Z", re.DOTALL)
"""What no other archive has: how docker, skopeo and layouts name what they keep."""
MOST_LINKS = 8
"""Links followed from one name in an archive to the next: older `docker save` has each layer once."""


def places(blob: Blob) -> list[str]:
    """Names that a blob may have in a layout."""
    if blob.place:
        return [blob.place]
    algorithm, _, digits = blob.digest.partition(":")
    return [f"blobs/{algorithm}/{digits}", digits, f"{digits}.json"]


# ---------------------------------------------------------------- archives
class _Seeking(Stream):
    """A file whose bytes are passed over without reading them."""

    __slots__ = ("_from",)

    def __init__(self, handle: BinaryIO, size: int) -> None:
        self._from = _From(handle, size)
        super().__init__(self._from, size)

    def skip(self, count: int) -> int:
        done = super().skip(min(count, len(self.peek(1)) and len(self._buffer) - self._at))
        ahead = min(count - done, max(0, self.size - self.position))
        self._from.at += ahead
        self.position += ahead
        return done + ahead


class _From:
    def __init__(self, handle: BinaryIO, size: int) -> None:
        self.handle = handle
        self.size = size
        self.at = 0

    def __call__(self, count: int) -> bytes:
        self.handle.seek(self.at)
        data = self.handle.read(count)
        self.at += len(data)
        return data


class Archive:
    """A tar of images. `shown` is its name in chains."""

    remote = False

    def __init__(
        self,
        handle: BinaryIO,
        size: int,
        origin: Origin,
        limits: Limits,
        on_incident: OnIncident,
        outer: tuple[Bytes, ...] = (),
    ) -> None:
        self.outer = outer
        self.on_incident = on_incident
        self.handle = handle
        self.size = size
        self.origin = origin
        self.limits = limits
        self.files: dict[str, tuple[int, int]] = {}
        self.links: dict[str, str] = {}
        self.opened: dict[int, int] = {}
        """Where a member begins that was read -> its size."""
        self._index()

    def _index(self) -> None:
        """Notes where the members are. Damage is told when the rest is read: that goes the same way."""
        budget = Budget(self.limits, self.size)
        stream = _Seeking(self.handle, self.size)
        context = Context(self.origin.path, self.limits, budget, lambda *_: None, self._entry)
        try:
            for member in tar(stream, context):
                budget.member()
                if member.kind == "member":
                    self.files[oci.inner(member.name)] = (stream.position, member.size)
        except (BrokenError, LimitError):
            return

    def _entry(self, name: str, kind: bytes, link: str) -> None:
        if kind in (b"1", b"2"):
            start = os.path.dirname(oci.inner(name)) if kind == b"2" else ""
            self.links[oci.inner(name)] = oci.inner(os.path.join(start, link))

    def _place(self, blob: Blob) -> tuple[int, int]:
        for name in places(blob):
            for _ in range(MOST_LINKS):
                if name in self.files:
                    return self.files[name]
                if name not in self.links:
                    break
                name = self.links[name]  # noqa: PLW2901 - it is followed
        raise MissingError("not in the archive")

    def open(self, blob: Blob) -> tuple[Pull, int]:
        start, size = self._place(blob)
        self.opened[start] = size
        return from_file(self.handle, start, size), size

    def roots(self) -> list[Root]:
        """index.json and manifest.json, as far as there are any."""
        found = []
        for name in ("index.json", "manifest.json"):
            if name in self.files and self.files[name][1] > oci.MOST_DOCUMENT:
                reason = f"longer than {oci.MOST_DOCUMENT} bytes, not understood"
                self.on_incident(Incident("truncated", f"{self.origin}!/{name}", reason))
            elif name in self.files:
                try:
                    data = read_all(self.open(Blob(place=name))[0], oci.MOST_DOCUMENT)
                except (BrokenError, OSError):
                    self.opened.pop(self.files[name][0], None)
                    continue  # whoever reads the rest will say so
                found.append(Root(name, data, archive=data.lstrip()[:1] == b"["))
        return found

    @property
    def looks_like_one(self) -> bool:
        """Whether an image could have such names."""
        return any(_OF_IMAGE.match(name) for name in self.files)

    def give_back(self, blob: Blob) -> None:
        self.opened.pop(self._place(blob)[0], None)

    def unread(self) -> Bytes:
        read = min(self.size, sum(self.opened.values()))
        return Bytes(self.size, containers=read, truncated=self.size - read)

    def related(self, _digest: str) -> list[Root]:
        return []

    def rest(self, walker: Walker) -> Iterator[Leaf]:
        """Members that were not opened, and what lies between members."""
        stream = _Seeking(self.handle, self.size)

        def passed_by(member: Member) -> bool:
            return member.kind == "member" and stream.position in self.opened

        if isinstance(walker, LayerWalker):
            walker.passed_by = passed_by
        yield from walker.enter(self.origin, stream, "tar", 1)

    def close(self) -> None:
        self.handle.close()


# ---------------------------------------------------------------- folders
class _Counting:
    """A pull that knows how much it gave."""

    def __init__(self, pull: Pull) -> None:
        self._pull = pull
        self.count = 0

    def __call__(self, count: int) -> bytes:
        data = self._pull(count)
        self.count += len(data)
        return data


class Folder:
    """A layout as a folder. Each of its files counts as a container: what is in it is a blob or a member."""

    remote = False
    outer: tuple[Bytes, ...] = ()

    def __init__(self, path: str, origin: Origin, on_incident: OnIncident) -> None:
        self.path = path
        self.origin = origin
        self.on_incident = on_incident
        self.size = 0
        self.opened: dict[str, int] = {}
        """Name of a file that was read -> its size."""
        self._root = os.path.realpath(path)
        self._last: BinaryIO = io.BytesIO()  # a blob is read before the next is opened
        for folder, _, names in os.walk(path):
            for name in names:
                try:
                    self.size += os.lstat(os.path.join(folder, name)).st_size
                except OSError:
                    continue  # whoever reads it will say so

    def open(self, blob: Blob) -> tuple[Pull, int]:
        for name in places(blob):
            path = os.path.join(self.path, *name.split("/"))
            if not os.path.lexists(path):
                continue
            if os.path.realpath(path) != os.path.join(self._root, *name.split("/")):
                raise BrokenError("a link stands in the way, which is not followed")
            fd, size = open_regular(path)
            self.opened[name] = size
            handle = cast(BinaryIO, os.fdopen(fd, "rb", 0))
            self._last.close()
            self._last = handle
            return from_file(handle, 0, size), size
        raise MissingError("not in the folder")

    def roots(self) -> list[Root]:
        found = []
        for name in ("index.json", "manifest.json"):
            try:
                data = read_all(self.open(Blob(place=name))[0], oci.MOST_DOCUMENT + 1)
            except MissingError:
                continue
            except (BrokenError, OSError) as error:
                reason = error.reason if isinstance(error, BrokenError) else reason_of(error)
                self.on_incident(Incident("failed", f"{self.origin}!/{name}", reason))
                continue
            if len(data) > oci.MOST_DOCUMENT:
                self.opened.pop(name, None)  # told where it is parsed, and scanned with the rest
            found.append(Root(name, data, archive=data.lstrip()[:1] == b"["))
        return found

    def give_back(self, blob: Blob) -> None:
        for name in places(blob):
            self.opened.pop(name, None)

    def unread(self) -> Bytes:
        read = min(self.size, sum(self.opened.values()))
        return Bytes(self.size, containers=read, truncated=self.size - read)

    def related(self, _digest: str) -> list[Root]:
        return []

    def rest(self, walker: Walker) -> Iterator[Leaf]:
        """Files that were not opened."""
        from leakguard.sources.files import Options, walk

        names: set[int] = set()
        tally = walker.tally
        for number, task in enumerate(walk([self.path], Options(strict=True), self.on_incident), 1):
            name = os.path.relpath(task.open_path, self.path).replace(os.sep, "/")
            if name in self.opened:
                size = self.opened[name]
                tally.root = tally.root.plus(Bytes(size, containers=size))
                continue
            if walker.budget.over:
                tally.root = tally.root.plus(Bytes(task.size, truncated=task.size))
                continue
            origin = Origin("member", name, self.origin)
            try:
                if task.kind == "link":
                    text = os.fsencode(os.readlink(task.open_path))
                    member, handle = Member(name, from_bytes(text), len(text), "link"), None
                else:
                    fd, size = open_regular(task.open_path)
                    handle = cast(BinaryIO, os.fdopen(fd, "rb", 0))
                    member = Member(name, from_file(handle, 0, size), size)
            except OSError as error:
                self.on_incident(Incident("failed", str(origin), reason_of(error), task.size))
                continue
            read = _Counting(member.pull)
            try:
                yield from walker.member(self.origin, member._replace(pull=read), number, 0, names)
            except Told:
                continue  # the limit of the whole was reached, and told
            finally:
                left = member.size - read.count
                made = Bytes(member.size, containers=read.count)
                tally.root = tally.root.plus(made._replace(**{"truncated" if walker.budget.over else "failed": left}))
                if handle is not None:
                    handle.close()

    def close(self) -> None:
        self._last.close()


# ---------------------------------------------------------------- which one it is
def open_path(path: str, limits: Limits, on_incident: OnIncident) -> Archive | Folder:
    """The store at a path. UsageError if no image is there, OSError."""
    origin = Origin("file", path)
    if os.path.isdir(path):
        from leakguard.sources import engines, storage

        if storage.driver_of(path):
            return storage.Storage(path, origin, on_incident)
        if engines.driver_of(path):
            return engines.Docker(path, origin, on_incident)
        if engines.has_blobs(path) and not any(os.path.exists(os.path.join(path, name)) for name in ("index.json", "manifest.json")):
            return engines.Content(path, origin, on_incident)
        if not any(os.path.exists(os.path.join(path, name)) for name in ("index.json", "manifest.json")):
            raise UsageError(f"image: {path}: a folder without index.json or manifest.json is no image")
        return Folder(path, origin, on_incident)
    fd, size = open_regular(path)
    return open_handle(cast(BinaryIO, os.fdopen(fd, "rb", 0)), size, origin, limits, on_incident)


def leaves_at(path: str, limits: Limits, on_incident: OnIncident, choose: Choose) -> Iterator[Leaf]:
    """What is chosen of the image at a path."""
    store = open_path(path, limits, on_incident)
    try:
        reader = Reader(limits, on_incident, str, choose=choose)
        for step in (reader.plan, reader.layers, reader.rest):
            yield from step(store)
    finally:
        store.close()


def open_handle(handle: BinaryIO, size: int, origin: Origin, limits: Limits, on_incident: OnIncident) -> Archive:
    """The store in an open file, which it closes. UsageError if no image is in it, SourceError if it lies too deep."""
    budget = Budget(limits, size)
    outer: list[Bytes] = []
    told: list[Incident] = []
    while True:
        handle.seek(0)
        kind = magic.kind_of(handle.read(magic.HEAD))
        if kind not in CODECS:
            break
        if len(outer) >= limits.depth:
            handle.close()
            raise SourceError(str(origin), f"compressed more than {limits.depth} times (--archive-depth)")
        handle, size, made = _expanded(handle, size, kind, origin, budget, told.append)
        outer.append(made)
    for incident in told:
        on_incident(incident)
    if kind != "tar":
        handle.close()
        if told:
            raise SourceError(str(origin), "no archive of an image in what could be read of it")
        raise UsageError(f"image: {origin}: no archive of an image; `leakguard scan` looks inside of other archives")
    store = Archive(handle, size, origin, limits, on_incident, tuple(outer))
    if "manifest.json" not in store.files and "index.json" not in store.files:
        if not store.looks_like_one:
            store.close()
            if told:
                raise SourceError(str(origin), "no image in what could be read of it")
            raise UsageError(f"image: {origin}: no image is in it; `leakguard scan` looks inside of other archives")
        if "repositories" not in store.files:  # what Docker wrote before 1.10 has that alone
            on_incident(Incident("failed", str(origin), "image without a manifest: cut off, perhaps"))
    return store


def _expanded(
    handle: BinaryIO, size: int, kind: str, origin: Origin, budget: Budget, on_incident: OnIncident
) -> tuple[BinaryIO, int, Bytes]:
    """What a compressed file holds, in a temporary file; its size; what became of the compressed bytes."""
    told: list[Incident] = []

    def tell(state: str, _name: str, reason: str) -> None:
        told.append(Incident("failed" if state == "unread" else state, str(origin), reason))

    walker = Walker(origin, budget, told.append)
    stream = Stream(walker.guarded(from_file(handle, 0, size), origin), size)
    module, function = READERS[kind]
    out = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115 - the store closes it
    try:
        reader = getattr(import_module(f"leakguard.sources.inside.{module}"), function)
        for member in reader(stream, Context(origin.path, budget.limits, budget, tell)):
            content = Stream(walker.guarded(member.pull, origin))
            while data := content.read(CHUNK):
                if member.kind == "content":
                    out.write(data)
                elif data.strip(b"\0"):
                    raise BrokenError("data beside the compressed archive, not read")
        while data := stream.read(CHUNK):
            if data.strip(b"\0"):
                raise BrokenError("data behind the compressed archive, not read")
    except Exception as error:  # noqa: BLE001 - what could be expanded is read, and the end of it told
        from leakguard.sources.inside.tally import explained

        if not told:
            told.append(
                Incident(
                    explained(error, kind)[0].replace("unread", "failed"), str(origin), explained(error, kind)[1]
                )
            )
    for incident in told:
        on_incident(incident)
    handle.close()
    read = min(size, stream.position) if told else size
    state = "truncated" if {incident.state for incident in told} == {"truncated"} else "failed"
    return out, out.tell(), Bytes(size, containers=read)._replace(**{state: size - read})
