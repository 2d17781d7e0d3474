"""SIF, the container images of Singularity and Apptainer: the definition they were built by, labels, file systems.

Promises: each object by its descriptor, as it lies in the file; what no descriptor names is left in the stream. That a part
is encrypted, or of a file system nobody reads, is told by whoever opens that part.

Source: Sylabs' sif, `pkg/sif/sif.go`. Imported by `sources.inside.walk`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from leakguard.sources.inside.archives.blocks import Image
from leakguard.sources.inside.base import BrokenError, Context, Member, Stream, from_file

_DESCRIPTOR = 585
MOST_OBJECTS = 4096
_ROLES = {0x4001: "definition", 0x4002: "environment", 0x4003: "labels", 0x4004: "partition", 0x4005: "signature"}


def sif(stream: Stream, context: Context) -> Iterator[Member]:
    """The objects of a container image, by their descriptors: the definition, labels, file systems."""
    image = Image(stream, context)
    head = image.look(0, 128).ljust(128, b"\0")
    total, at = struct.unpack_from("<QQ", head, 88)
    for number in range(min(total, MOST_OBJECTS)):
        entry = image.look(at + number * _DESCRIPTOR, _DESCRIPTOR)
        if len(entry) < _DESCRIPTOR:
            raise BrokenError("damaged list of its objects")
        kind, used, place, length = struct.unpack_from("<i?12x2Q", entry)
        if not used:
            continue
        if place + length > image.size:
            image.tell("a part lies behind the end of the file")
            length = max(0, image.size - place)
        name = entry[73:201].split(b"\0", 1)[0].decode("utf-8", "replace")
        yield Member(name or f"{_ROLES.get(kind, 'object')}-{number + 1}", from_file(image.file, place, length), length)
