"""What an engine keeps on disk, as a folder: `/var/lib/docker` with its layers, and stores of blobs that have no index
(containerd's content store, the caches of BuildKit and Kaniko).

Promises: a layer of Docker is put together again as that of any storage, and verified; ids and digests out of documents are
names below the folder and nothing else; what belongs to no image (what containers wrote, volumes, logs) is read as files.

Imported by `sources.imagefiles` and `leakguard extract`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re

from leakguard.model import Incident, Origin
from leakguard.sources import oci
from leakguard.sources.imagefiles import Folder
from leakguard.sources.inside.base import BrokenError, Pull
from leakguard.sources.oci import Blob
from leakguard.sources.storage import MOST_LAYERS, Rebuilt, pulled
from leakguard.sources.stores import Root, read_all
from leakguard.sources.windows import OnIncident, open_regular

DRIVERS = {
    "overlay2": "overlay2/{}/diff", "fuse-overlayfs": "fuse-overlayfs/{}/diff", "aufs": "aufs/diff/{}", "vfs": "vfs/dir/{}",
    "btrfs": "btrfs/subvolumes/{}",
}  # fmt: skip
"""Driver -> where a layer's files are."""
MOST_IMAGES = 10_000
_HEX = re.compile(r"[0-9a-f]{64}\Z")
_CACHE_ID = re.compile(r"[0-9a-z]{1,128}\Z")
_SHORT = 4096
"""Bytes of the longest of the small files that say one thing."""


def driver_of(path: str) -> str:
    """The driver of Docker's folder at a path; "" if it is none."""
    return next((name for name in DRIVERS if os.path.isdir(os.path.join(path, "image", name, "imagedb", "content", "sha256"))), "")


class Docker(Rebuilt):
    """Docker's folder."""

    def __init__(self, path: str, origin: Origin, on_incident: OnIncident) -> None:
        super().__init__(path, origin, on_incident)
        self.driver = driver_of(path)
        self._layers: dict[str, str] = {}
        """Digest of a chain -> name of the folder with the files of its last layer."""

    def roots(self) -> list[Root]:
        """The images, as `docker save` would list them."""
        names = self._names()
        entries = []
        folder = f"image/{self.driver}/imagedb/content/sha256"
        idents = sorted(name for name in os.listdir(os.path.join(self.path, folder)) if _HEX.match(name))
        if len(idents) > MOST_IMAGES:
            self.on_incident(Incident("truncated", str(self.origin), f"limit reached: more than {MOST_IMAGES} images"))
        for ident in idents[:MOST_IMAGES]:
            tags = names.get(f"sha256:{ident}", []) or [ident[: oci.SHORT]]
            layers = [f"{chain}/layer.tar" for chain in self._chain(ident)]
            entries.append({"Config": f"{ident}.json", "RepoTags": tags, "Layers": layers})
        return [Root("images", json.dumps(entries).encode(), archive=True)] if entries else []

    def _names(self) -> dict[str, list[str]]:
        """Image -> its names."""
        found: dict[str, list[str]] = {}
        place = f"image/{self.driver}/repositories.json"
        try:
            for repository in oci.parsed(self._small(place, oci.MOST_DOCUMENT))["Repositories"].values():
                for name, ident in repository.items():
                    if isinstance(ident, str) and "@" not in name:
                        found.setdefault(ident, []).append(name)
        except (BrokenError, OSError, KeyError, TypeError, AttributeError):
            # names alone: the images are there
            self.on_incident(Incident("failed", f"{self.origin}!/{place}", "of another shape: images without their names"))
        return found

    def _small(self, place: str, most: int = _SHORT) -> bytes:
        """A document that is read as content, too."""
        try:
            return read_all(super().open(Blob(place=place))[0], most)
        finally:
            self.opened.pop(place, None)

    def _chain(self, ident: str) -> list[str]:
        """The layers of an image, lowest first, each by the digest of itself and all below it."""
        try:
            place = f"image/{self.driver}/imagedb/content/sha256/{ident}"
            diffs = oci.config_of(oci.parsed(self._small(place, oci.MOST_DOCUMENT))).diff_ids
        except (BrokenError, OSError):
            return []  # told when it is read as the image's configuration
        chain: list[str] = []
        for diff in diffs[:MOST_LAYERS]:
            digest = diff if not chain else "sha256:" + hashlib.sha256(f"sha256:{chain[-1]} {diff}".encode()).hexdigest()
            chain.append(digest.removeprefix("sha256:"))
            self._find(chain[-1])
        return chain

    def _find(self, chain: str) -> None:
        if chain in self._layers or not _HEX.match(chain):
            return
        try:
            cache = self._small(f"image/{self.driver}/layerdb/sha256/{chain}/cache-id").decode("ascii", "replace").strip()
        except (BrokenError, OSError):
            return  # told as a layer that is missing
        if _CACHE_ID.match(cache):
            self._layers[chain] = cache

    def open(self, blob: Blob) -> tuple[Pull, int]:
        ident, _, rest = blob.place.partition("/")
        if not rest and ident.endswith(".json") and _HEX.match(ident[:-5]):
            return super().open(Blob(place=f"image/{self.driver}/imagedb/content/sha256/{ident[:-5]}"))
        if rest == "layer.tar" and ident in self._layers:
            record = f"image/{self.driver}/layerdb/sha256/{ident}/tar-split.json.gz"
            pieces = self.pieces(record, DRIVERS[self.driver].format(self._layers[ident]))
            return pulled(next(pieces, b""), pieces), -1  # what is missing shows now
        return super().open(blob)


# ---------------------------------------------------------------- blobs without an index
def has_blobs(path: str) -> bool:
    """Whether blobs lie in a folder as containerd keeps them."""
    return os.path.isdir(os.path.join(path, "blobs", "sha256"))


class Content(Folder):
    """A store of blobs by digest. Images begin with the documents that no other one names; what they are called is kept elsewhere."""

    def roots(self) -> list[Root]:
        named: set[str] = set()
        documents: list[str] = []
        with os.scandir(os.path.join(self.path, "blobs", "sha256")) as entries:
            blobs = [entry.path for entry in entries if _HEX.match(entry.name) and entry.is_file(follow_symlinks=False)]
        for path in sorted(blobs):
            found = _document(path)
            if found is not None:
                documents.append(f"sha256:{os.path.basename(path)}")
                named.update(found)
        if len(documents) > MOST_IMAGES:
            self.on_incident(Incident("truncated", str(self.origin), f"limit reached: more than {MOST_IMAGES} manifests"))
        return [root for digest in documents[:MOST_IMAGES] if digest not in named for root in self._begin(digest)]

    def _begin(self, digest: str) -> list[Root]:
        try:
            data = read_all(self.open(Blob(digest))[0], oci.MOST_DOCUMENT)
        except (BrokenError, OSError):
            return []  # read with the rest, which tells it
        if hashlib.sha256(data).hexdigest() != digest.partition(":")[2]:
            self.give_back(Blob(digest))
            self.on_incident(Incident("failed", f"{self.origin}!/{oci.short(digest)}", "content is not what its digest says"))
            return []
        return [Root(digest, data, digest)]


def _document(path: str) -> list[str] | None:
    """The digests of the manifests that an index names, none for a manifest; None for what is neither, which is content."""
    try:
        fd, size = open_regular(path)
        with os.fdopen(fd, "rb") as file:
            if size > oci.MOST_DOCUMENT or file.read(1) != b"{":
                return None
            document = oci.parsed(b"{" + file.read(oci.MOST_DOCUMENT))
    except (OSError, BrokenError):
        return None
    if not isinstance(document, dict) or not any(isinstance(document.get(key), list) for key in ("manifests", "layers", "fsLayers")):
        return None
    items = document.get("manifests")
    found = [item.get("digest") for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    return [digest for digest in found if isinstance(digest, str)]
