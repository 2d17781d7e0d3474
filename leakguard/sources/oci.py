"""What images say of themselves: indexes, manifests, configurations of Docker and OCI, and what stacked layers show.

Promises: pure functions of bytes; a document that is too long, too deep or of another shape is a BrokenError that
quotes none of it; a digest is a digest and never a path. Nothing of an image's text is masked here: what a layer was
made by may hold a secret, so whoever shows a Step masks it.

Reads nothing. Knows `sources.inside.base`. Imported by the image sources and by `leakguard.images`.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from leakguard.sources.inside.base import BrokenError

MOST_DOCUMENT = 8 * 1024 * 1024
"""Bytes of an index, manifest or configuration that are parsed; registries refuse manifests of half of it."""
SHORT = 12
"""Digits of a digest that a chain shows."""

_DIGEST = re.compile(r"(?:sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128})\Z")
_HEX = re.compile(r"[0-9a-f]{64}\Z")
_TAR = re.compile(r"[.+]tar(?:[.+]|\Z)")


class Blob(NamedTuple):
    """What a manifest refers to."""

    digest: str = ""
    """`sha256:...`, or "" where the format names files."""
    place: str = ""
    """Name of the file in its archive or folder, "" where the digest is the name."""
    size: int = -1
    media: str = ""
    platform: str = ""
    foreign: bool = False
    """The manifest says that it is to be had elsewhere."""
    data: bytes = b""
    """Its content, where the store has it in memory already."""

    @property
    def short(self) -> str:
        """How a chain names it."""
        return short(self.digest) if self.digest else self.place


class Step(NamedTuple):
    """One entry of an image's history."""

    number: int
    text: str
    empty: bool


class Manifest(NamedTuple):
    """One image of one platform, or whatever else has a configuration and layers."""

    config: Blob | None
    layers: tuple[Blob, ...]
    name: str = ""
    subject: str = ""
    """Digest of the manifest that this one says something of (an attestation, a signature)."""
    kind: str = ""
    """Its artifact type, if it is no image."""


class Config(NamedTuple):
    """What an image's configuration says of its layers."""

    diff_ids: tuple[str, ...]
    steps: tuple[Step, ...]
    platform: str
    filled: tuple[Step, ...] = ()
    """Those that made a layer."""


def short(digest: str) -> str:
    """`sha256:` and the first digits."""
    algorithm, _, digits = digest.partition(":")
    return f"{algorithm}:{digits[:SHORT]}"


def digest_of(value: object) -> str:
    """A digest that can be verified; BrokenError for anything else, be it a path."""
    if not isinstance(value, str) or not _DIGEST.match(value):
        raise BrokenError("a descriptor without a digest that can be verified")
    return value


def digest_in(place: str) -> str:
    """The digest that a file's name in an archive states, or ""."""
    parts = place.split("/")
    if len(parts) >= 3 and parts[-3] == "blobs" and _DIGEST.match(f"{parts[-2]}:{parts[-1]}"):
        return f"{parts[-2]}:{parts[-1]}"
    name = parts[-1].removesuffix(".json")
    return f"sha256:{name}" if _HEX.match(name) else ""


_KEYS = {key.lower(): key for key in ("manifests", "layers", "blobs", "fsLayers", "config", "rootfs", "history")}
"""Keys that say what an image is made of."""


# ---------------------------------------------------------------- documents
def signed(data: bytes) -> bytes:
    """What a manifest of Docker's schema 1 was before it was signed, which is what its digest is of; b"" for others. The
    signature says how much of it there was, and what stood at its end."""
    import base64

    try:
        told = json.loads(base64.urlsafe_b64decode(json.loads(data)["signatures"][0]["protected"] + "=="))
        length, tail = told["formatLength"], base64.urlsafe_b64decode(told["formatTail"] + "==")
        return data[:length] + tail if isinstance(length, int) and 0 < length <= len(data) else b""
    except (ValueError, LookupError, TypeError, RecursionError):
        return b""


def parsed(data: bytes) -> Any:
    """JSON. BrokenError if it is none, or if programs would read different things in it."""
    if len(data) > MOST_DOCUMENT:
        raise BrokenError(f"longer than {MOST_DOCUMENT} bytes, not parsed")
    try:
        document = json.loads(data, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise BrokenError("is not the JSON document it should be, or says a thing twice") from None
    if isinstance(document, dict) and any(key.lower() in _KEYS and key not in _KEYS.values() for key in document):
        raise BrokenError("a key in capitals that are not its own: some programs obey it, and some do not")
    return document


def is_index(document: Any) -> bool:
    """Is it a list of manifests?"""
    return isinstance(document, dict) and isinstance(document.get("manifests"), list) and "layers" not in document


def descriptors(document: Any) -> Iterator[Blob]:
    """The manifests that an index names. BrokenError at one that is none."""
    for item in document["manifests"]:
        yield _descriptor(item)


def _descriptor(item: Any) -> Blob:
    if not isinstance(item, dict):
        raise BrokenError("a descriptor that is none")
    media = item.get("mediaType")
    media = media if isinstance(media, str) else ""
    size = item.get("size")
    foreign = bool(item.get("urls")) or "foreign" in media or "nondistributable" in media
    return Blob(
        digest_of(item.get("digest")), "", size if isinstance(size, int) and size >= 0 else -1, media,
        platform_of(item.get("platform")), foreign,
    )  # fmt: skip


def platform_of(value: Any) -> str:
    """`linux/arm64/v8`; "" if nothing is said."""
    if not isinstance(value, dict):
        return ""
    parts = [value.get(key) for key in ("os", "architecture", "variant")]
    return "/".join(part for part in parts if isinstance(part, str) and part)


def ref_names(document: Any) -> dict[str, str]:
    """What an index calls its manifests, by digest; only those that have a name."""
    found: dict[str, str] = {}
    for item in document.get("manifests", ()):
        notes = item.get("annotations") if isinstance(item, dict) else None
        digest = item.get("digest") if isinstance(notes, dict) else None
        for key in ("io.containerd.image.name", "org.opencontainers.image.ref.name"):
            if isinstance(notes, dict) and isinstance(digest, str) and isinstance(notes.get(key), str):
                found.setdefault(digest, notes[key])
    return found


def holds_tar(layer: Blob) -> bool:
    """Must its content be a tar? So it is of images; what else has layers says by their media type what these are."""
    return not layer.media or bool(_TAR.search(layer.media))


def manifest_of(document: Any) -> Manifest:
    """A manifest of OCI, of Docker's schema 2 or 1."""
    if not isinstance(document, dict):
        raise BrokenError("a manifest that is none")
    if isinstance(document.get("fsLayers"), list):
        old = [
            Blob(digest_of(item.get("blobSum") if isinstance(item, dict) else None)) for item in document["fsLayers"]
        ]
        return Manifest(None, tuple(reversed(old)))
    layers = document.get("layers") if "layers" in document else document.get("blobs")
    if not isinstance(layers, list):
        raise BrokenError("a manifest without layers")
    subject = document.get("subject")
    kind = document.get("artifactType")
    return Manifest(
        _descriptor(document["config"]) if "config" in document else None,
        tuple(_descriptor(item) for item in layers),
        subject=digest_of(subject.get("digest")) if isinstance(subject, dict) else "",
        kind=kind if isinstance(kind, str) else "",
    )


def archive_manifests(document: Any) -> Iterator[Manifest]:
    """The images of `docker save`'s manifest.json. BrokenError at one that is none."""
    for item in document:
        config = item.get("Config") if isinstance(item, dict) else None
        layers = item.get("Layers") if isinstance(item, dict) else None
        if not isinstance(config, str) or not isinstance(layers, list) or not all(isinstance(x, str) for x in layers):
            raise BrokenError("a manifest.json of another shape")
        tags = item.get("RepoTags")
        name = ", ".join(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else ""
        yield Manifest(_file(config), tuple(_file(layer) for layer in layers), name)


def _file(place: str) -> Blob:
    """A file of an archive. Its name states a digest in the layouts that keep blobs by digest alone."""
    place = inner(place)
    return Blob(digest_in(place) if "blobs/" in place or place.endswith(".json") else "", place)


def inner(path: str) -> str:
    """A path in an archive or layer, as it would lie below its root: `..` goes no higher."""
    if path and path[0] not in "/." and path[-1] != "/" and "/." not in path and "//" not in path:
        return path  # nearly all
    return posixpath.normpath(f"/{path}").lstrip("/") or "."


# ---------------------------------------------------------------- configuration
_PLACES = ("Env", "Labels", "Cmd", "Entrypoint", "Healthcheck", "OnBuild", "Shell")


def config_of(document: Any) -> Config:
    """What it says of layers. Tolerant: what is missing is empty."""
    if not isinstance(document, dict):
        raise BrokenError("a configuration that is none")
    rootfs = document.get("rootfs")
    ids = rootfs.get("diff_ids") if isinstance(rootfs, dict) else None
    ids = ids if isinstance(ids, list) else []
    history = document.get("history")
    steps = []
    for number, item in enumerate(history if isinstance(history, list) else (), 1):
        text = item.get("created_by") if isinstance(item, dict) else None
        empty = bool(item.get("empty_layer")) if isinstance(item, dict) else False
        steps.append(Step(number, text if isinstance(text, str) else "", empty))
    filled = tuple(step for step in steps if not step.empty)
    return Config(tuple(i if isinstance(i, str) else "" for i in ids), tuple(steps), platform_of(document), filled)


def step_of(config: Config, layer: int, layers: int) -> Step | None:
    """What made the layer of that index; None if the history does not fit the layers."""
    return config.filled[layer] if len(config.filled) == layers else None


def parts(data: bytes) -> list[tuple[str, bytes]]:
    """A configuration as (place, text): each variable and label a line, each command a line, each step a text, and the
    rest as JSON under "". BrokenError if that would leave something out."""
    if len(data) > MOST_DOCUMENT:
        raise BrokenError(f"longer than {MOST_DOCUMENT} bytes, not parsed")
    try:
        document = json.loads(data, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise BrokenError("is not the JSON document it should be") from None
    if not isinstance(document, dict):
        raise BrokenError("a configuration that is none")
    out: list[tuple[str, bytes]] = []
    known: list[bytes] = []
    for outer in ("config", "container_config"):
        settings = document.get(outer)
        if not isinstance(settings, dict):
            continue
        for key in _PLACES:
            text = _lines(settings.get(key))
            if text is not None:
                del settings[key]
                if text not in known:  # the container that a build committed had the image's own
                    out.append((key if outer == "config" else f"{outer}/{key}", text))
                    known.append(text)
    history = document.get("history")
    for number, item in enumerate(history if isinstance(history, list) else (), 1):
        if isinstance(item, dict):
            texts = [item.pop(key) for key in ("created_by", "comment", "author") if isinstance(item.get(key), str)]
            out.append((f"history/{number}", _encoded("\n".join(texts) + "\n")))
    out.append(("", _encoded(json.dumps(document, ensure_ascii=False, indent=1))))
    return [(place, text) for place, text in out if text.strip()]


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys are its own: the first of two of one name would be lost."""
    out = dict(pairs)
    if len(out) < len(pairs):
        raise ValueError
    return out


def _lines(value: Any) -> bytes | None:
    """A setting as lines, if all of it can be said so."""
    if isinstance(value, dict) and all(isinstance(v, str) for v in value.values()):
        return _encoded("".join(f"{key}={text}\n" for key, text in value.items()))
    if isinstance(value, dict) and isinstance(value.get("Test"), list):
        rest = {key: item for key, item in value.items() if key != "Test"}
        test = _lines(value["Test"])
        return None if test is None else test + _encoded(json.dumps(rest) + "\n")
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        joint = "\n" if all("=" in item for item in value) else " "
        return _encoded(joint.join(value) + "\n")
    return None


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


# ---------------------------------------------------------------- stacked layers
MOST_LINKED = 16 * 1024 * 1024
"""Characters of further names of files that are kept of a layer; those of more are not known."""


class Names:
    """What one layer has and takes away, by the hashes of paths: those may be a megabyte long, each."""

    def __init__(self) -> None:
        self.files: set[int] = set()
        self.folders: set[int] = set()
        self.whiteouts: set[int] = set()
        self.opaque: set[int] = set()
        self.again: set[int] = set()
        """Files that the layer has twice: the last one counts."""
        self.links: dict[int, list[str]] = {}
        """File -> further names of it in the layer."""
        self.complete = False
        self._linked = 0

    def __call__(self, name: str, kind: bytes, link: str) -> None:
        """Takes a tar header."""
        path = inner(name)
        above, _, base = path.rpartition("/")
        if base.startswith(".wh."):
            if base == ".wh..wh..opq":
                self.opaque.add(hash(above))
            elif not base.startswith(".wh..wh."):  # AUFS's own
                self.whiteouts.add(hash(f"{above}/{base[4:]}" if above else base[4:]))
        elif kind == b"5":
            self.folders.add(hash(path))
        else:
            key = hash(path)
            if key in self.files:
                self.again.add(key)
            self.files.add(key)
            if kind == b"1" and self._linked < MOST_LINKED:
                self._linked += len(path)
                self.links.setdefault(hash(inner(link)), []).append(path)

    def fate(self, path: str) -> str:
        """What the layer does to a file of a layer below: "deleted", "overwritten" or ""."""
        key = hash(path)
        if key in self.whiteouts:
            return "overwritten" if key in self.files else "deleted"
        if key in self.files or key in self.folders:
            return "overwritten"
        above = posixpath.dirname(path)
        while above:
            key = hash(above)
            if key in self.opaque or key in self.whiteouts or key in self.files:
                return "deleted"
            above = posixpath.dirname(above)
        return "deleted" if hash("") in self.opaque else ""


def visible(path: str, layers: list[Names], index: int) -> tuple[str, int]:
    """("visible", -1), or what becomes of a file of layers[index] and the index of the layer that does it."""
    own = layers[index]
    first, _, number = path.rpartition("#")
    again = inner(first) if number.isdigit() and hash(inner(first)) in own.again else ""
    if not again and hash(inner(path)) in own.again:
        return "overwritten", index
    start = again or inner(path)
    worst = ("visible", -1)
    for name in (start, *own.links.get(hash(start), ())):
        fate = _fate(name, layers, index)
        if fate[0] == "visible":
            return fate
        worst = fate if worst[0] == "visible" else worst
    return worst


def _fate(path: str, layers: list[Names], index: int) -> tuple[str, int]:
    for later in range(index + 1, len(layers)):
        fate = layers[later].fate(path)
        if fate:
            return fate, later
    return "visible", -1
