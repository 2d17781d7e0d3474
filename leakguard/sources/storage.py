"""The store of Podman, Buildah and CRI-O (containers-storage) as a folder: images, and whatever else lies in it.

Promises: a layer is put together again, bit by bit, from the files that it became and the record of its headers
(tar-split) beside them, so that its digest can be verified; a name in that record leads nowhere but to a file below the
layer's folder, and not through a link. What belongs to no image, such as what a container wrote, is read as files.

Imported by `sources.imagefiles` and `sources.engines`.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import io
import json
import os
import zlib
from collections.abc import Iterator
from typing import Any

from leakguard.model import Incident, Origin
from leakguard.sources import oci
from leakguard.sources.imagefiles import Folder
from leakguard.sources.inside.base import CHUNK, BrokenError, Pull
from leakguard.sources.oci import Blob
from leakguard.sources.stores import MissingError, Root, read_all
from leakguard.sources.windows import OnIncident, open_regular

DRIVERS = {"overlay": "overlay/{}/diff", "vfs": "vfs/dir/{}"}
"""Driver -> where a layer's files are."""
MOST_LAYERS = 1000
"""Layers below one another."""


def driver_of(path: str) -> str:
    """The driver of the store at a path; "" if none is there."""
    return next((name for name in DRIVERS if os.path.isfile(os.path.join(path, f"{name}-images", "images.json"))), "")


class Rebuilt(Folder):
    """A folder with the files that layers became, and the records (tar-split) of what their tars were."""

    def pieces(self, record: str, files: str) -> Iterator[bytes]:
        """The bytes of a layer's tar: headers from the record, contents from the files below a folder."""
        path = os.path.join(self.path, *record.split("/"))
        if not os.path.lexists(path):
            raise MissingError("no record of its headers; its files are read as files")
        fd, _ = open_regular(path)
        self.opened[record] = os.fstat(fd).st_size
        with os.fdopen(fd, "rb") as raw, io.BufferedReader(gzip.GzipFile(fileobj=raw)) as lines:
            while True:
                try:
                    line = lines.readline(oci.MOST_DOCUMENT)
                    if not line:
                        return
                    item = json.loads(line)
                    kind, size = item["type"], item.get("size", 0)
                    segment = base64.b64decode(item.get("payload") or "") if kind == 2 else b""
                    name = item.get("name") or base64.b64decode(item.get("name_raw") or "").decode(
                        "utf-8", "surrogateescape"
                    )
                except (EOFError, OSError, ValueError, KeyError, TypeError, AttributeError, binascii.Error, zlib.error):
                    raise BrokenError("the record of its headers (tar-split) is damaged") from None
                if segment:
                    yield segment
                elif kind == 1 and isinstance(size, int) and size > 0 and isinstance(name, str):
                    yield from self._file(f"{files}/{oci.inner(name)}", size)

    def _file(self, place: str, size: int) -> Iterator[bytes]:
        pull, have = Folder.open(self, Blob(place=place))
        if have != size:
            self.opened.pop(place, None)  # read with the rest
            raise BrokenError("a file is not as long as the record says")
        while data := pull(CHUNK):
            yield data


class Storage(Rebuilt):
    """A storage root."""

    def __init__(self, path: str, origin: Origin, on_incident: OnIncident) -> None:
        super().__init__(path, origin, on_incident)
        self.driver = driver_of(path)
        self._images = self._table("images")
        self._layers = self._table("layers")

    def _table(self, what: str) -> dict[str, dict[str, Any]]:
        """images.json or layers.json by id. Damage is told."""
        name = f"{self.driver}-{what}/{what}.json"
        try:
            data = read_all(super().open(Blob(place=name))[0], oci.MOST_DOCUMENT + 1)
            items = oci.parsed(data)
            return {item["id"]: item for item in items if _plain(item["id"])}
        except (BrokenError, OSError, KeyError, TypeError) as error:
            reason = error.reason if isinstance(error, BrokenError) else "of another shape"
            self.on_incident(Incident("failed", f"{self.origin}!/{name}", reason))
            return {}
        finally:
            self.opened.pop(name, None)  # it is content as well

    def roots(self) -> list[Root]:
        """The images, as `docker save` would list them."""
        entries = []
        for ident, image in self._images.items():
            names = image.get("names")
            tags = [name for name in names if isinstance(name, str)] if isinstance(names, list) else []
            layers = [f"{layer}/layer.tar" for layer in self._chain(image.get("layer"))]
            entries.append({"Config": f"{ident}.json", "RepoTags": tags or [ident[: oci.SHORT]], "Layers": layers})
        return [Root("images", json.dumps(entries).encode(), archive=True)]

    def _chain(self, top: Any) -> list[str]:
        """The layers of an image, lowest first."""
        found: list[str] = []
        while isinstance(top, str) and top:
            if top not in self._layers or top in found or len(found) > MOST_LAYERS:
                self.on_incident(
                    Incident("failed", str(self.origin), "an image names a layer that is not in layers.json")
                )
                break
            found.append(top)
            top = self._layers[top].get("parent")
        return found[::-1]

    def open(self, blob: Blob) -> tuple[Pull, int]:
        ident, _, rest = blob.place.partition("/")
        if blob.place.endswith(".json") and ident[:-5] in self._images:
            key = f"sha256:{ident[:-5]}"
            name = "=" + base64.b64encode(key.encode()).decode()
            return super().open(Blob(place=f"{self.driver}-images/{ident[:-5]}/{name}"))
        if rest == "layer.tar" and ident in self._layers:
            pieces = self.pieces(f"{self.driver}-layers/{ident}.tar-split.gz", DRIVERS[self.driver].format(ident))
            first = next(pieces, b"")  # what is missing shows now
            return pulled(first, pieces), -1
        return super().open(blob)


def _plain(ident: Any) -> bool:
    """An id that may be part of a path."""
    return isinstance(ident, str) and ident.isalnum() and len(ident) <= 128


def pulled(first: bytes, pieces: Iterator[bytes]) -> Pull:
    """Pieces of any length as something to pull from."""
    left = first

    def pull(count: int) -> bytes:
        nonlocal left
        if not left:
            left = next(pieces, b"")
        data, left = left[:count], left[count:]
        return data

    return pull
