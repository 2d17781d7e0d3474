"""One image in a registry: its manifests, what refers to them, its blobs.

Promises: a manifest is what its digest says, or that it is not is told; a connection that breaks is taken up where it
broke. How a registry is asked, and whom a password may reach, is web.py's.

Imported by `leakguard.images`.
"""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlsplit

from leakguard.errors import SourceError
from leakguard.model import Incident, Origin
from leakguard.sources import oci
from leakguard.sources.inside.base import CHUNK, BrokenError, Pull, from_bytes
from leakguard.sources.inside.limits import Bytes
from leakguard.sources.inside.walk import Leaf, Walker
from leakguard.sources.oci import Blob
from leakguard.sources.stores import MissingError, Root, read_all
from leakguard.sources.web import Answer, BusyError, SlowError, Web, resolved
from leakguard.sources.windows import OnIncident

MOST_PAGES = 100
"""Pages of what refers to a manifest."""
MOST_RESUMED = 3
"""How often one blob is taken up again."""

ACCEPT = ", ".join((
    "application/vnd.oci.image.index.v1+json", "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json", "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.v1+prettyjws;q=0.5", "*/*;q=0.1",
))  # fmt: skip

_NEXT = re.compile(r'<([^<>]*)>\s*;[^<>]*\brel\s*=\s*"?next\b', re.IGNORECASE)


class Registry:
    """One image by name, with all its platforms, in a registry."""

    remote = True
    outer: tuple[Bytes, ...] = ()
    tried = ""
    """Who was asked before: told if this has no answer either."""

    def __init__(self, web: Web, on_incident: OnIncident) -> None:
        self.web = web
        self.on_incident = on_incident
        name = web.name
        joint = "@" if ":" in name.reference else ":"
        self.origin = Origin("image", f"{name.host}/{name.path}{joint}{name.reference}")
        self.size = 0
        self._last: _Download | None = None

    def roots(self) -> list[Root]:
        """The manifest or index of that name. SourceError if it cannot be had."""
        reference = self.web.name.reference
        try:
            data, told = self._manifest(reference)
        except BrokenError as error:
            raise SourceError(str(self.origin), error.reason) from None
        except OSError as error:
            raise SourceError(str(self.origin), error.strerror or type(error).__name__) from None
        digest = reference if ":" in reference else told
        return [self._root(data, digest)]

    def _root(self, data: bytes, digest: str) -> Root:
        """A document, verified. A tag has no digest but what the registry says beside it."""
        import hashlib

        try:
            digest = oci.digest_of(digest)
        except BrokenError:
            digest = "sha256:" + hashlib.sha256(data).hexdigest()
        algorithm = digest.split(":", 1)[0]
        real = f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"
        if real != digest and digest == f"{algorithm}:{hashlib.new(algorithm, oci.signed(data)).hexdigest()}":
            return Root("manifest", data, digest)
        if real != digest:
            reason = f"its content is not what its digest says: it has {oci.short(real)}"
            self.on_incident(Incident("failed", f"{self.origin}!/{oci.short(digest)}", reason))
            digest = real
        return Root("manifest", data, digest)

    def _manifest(self, reference: str) -> tuple[bytes, str]:
        with self.web.get(f"/v2/{self.web.name.path}/manifests/{quote(reference, safe=':')}", ACCEPT) as response:
            data = read_all(_safely(response), oci.MOST_DOCUMENT + 1)
            return data, response.headers.get("Docker-Content-Digest", "")

    def open(self, blob: Blob) -> tuple[Pull, int]:
        """A manifest or another blob, by its digest."""
        if blob.data:
            return from_bytes(blob.data), len(blob.data)
        if "manifest" in blob.media or "image.index" in blob.media:
            data, _ = self._manifest(blob.digest)
            return from_bytes(data), len(data)
        path = f"/v2/{self.web.name.path}/blobs/{blob.digest}"
        response = self.web.get(path)
        length = response.length
        if self._last is not None:
            self._last.response.close()  # a blob is read before the next is opened
        self._last = _Download(self.web, path, response)
        return self._last, -1 if length is None else length

    def give_back(self, blob: Blob) -> None:
        """Nothing: there is no rest."""

    def related(self, digest: str) -> list[Root]:
        """What refers to a manifest: by the referrers API, by the tag that stands for it, by cosign's tags."""
        found = []
        dashed = digest.replace(":", "-")
        names = [f"/v2/{self.web.name.path}/referrers/{digest}"]
        names += [f"/v2/{self.web.name.path}/manifests/{dashed}{end}" for end in ("", ".att", ".sbom", ".sig")]
        for path in names:
            if "/referrers/" in path:
                found += self._referrers(path, digest)
                continue
            try:
                with self.web.get(path, ACCEPT) as response:
                    data = read_all(_safely(response), oci.MOST_DOCUMENT + 1)
                    told = response.headers.get("Docker-Content-Digest", "")
            except MissingError:
                continue
            except (BrokenError, OSError) as error:
                self._untold(digest, error.reason if isinstance(error, BrokenError) else error.strerror or type(error).__name__)
                continue
            found.append(self._root(data, told))
        return found

    def _referrers(self, path: str, digest: str) -> list[Root]:
        """The answers of the referrers API, page by page. Registries without it answer as they like."""
        found: list[Root] = []
        for _ in range(MOST_PAGES):
            try:
                with self.web.get(path, ACCEPT) as response:
                    data = read_all(_safely(response), oci.MOST_DOCUMENT + 1)
                    link = _NEXT.search(", ".join(response.headers.get_all("Link", [])))
            except (BrokenError, OSError) as error:
                if found or isinstance(error, BusyError):
                    reason = error.reason if isinstance(error, BrokenError) else error.strerror or type(error).__name__
                    self._untold(digest, reason)
                return found
            if not oci_manifests(data):
                return found
            found.append(self._root(data, ""))
            if link is None:
                return found
            base = urlsplit(f"{self.web.scheme}://{self.web.name.host}{path}")
            try:
                following = urlsplit(resolved(base.geturl(), link[1]))
            except OSError:
                following = urlsplit("")
            if (following.scheme, following.netloc) != (base.scheme, base.netloc):
                self._untold(digest, "the registry names a further page elsewhere")
                return found
            path = following.path + (f"?{following.query}" if following.query else "")
        reason = f"limit reached: more than {MOST_PAGES} pages of attestations"
        self.on_incident(Incident("truncated", f"{self.origin}!/{oci.short(digest)}", reason))
        return found

    def _untold(self, digest: str, reason: str) -> None:
        self.on_incident(Incident("failed", f"{self.origin}!/{oci.short(digest)}", f"attestations: {reason}"))

    def rest(self, walker: Walker) -> Iterator[Leaf]:
        """Nothing: a registry names no content but by its manifests."""
        return iter(())

    def unread(self) -> Bytes:
        """Nothing: what was not asked for was not sent."""
        return Bytes()

    def close(self) -> None:
        """Closes the connection of the last blob."""
        if self._last is not None:
            self._last.response.close()


def oci_manifests(data: bytes) -> list[Any]:
    """The manifests of an answer of the referrers API; none if it is another thing."""
    try:
        document = oci.parsed(data)
    except BrokenError:
        return []
    return list(document["manifests"]) if oci.is_index(document) else []


def _safely(response: Answer) -> Pull:
    """A response's bytes; what goes wrong on the way as an OSError."""

    def pull(count: int) -> bytes:
        try:
            return response.read(count)
        except http.client.HTTPException:
            raise OSError(0, "the connection ended early") from None

    return pull


class _Download:
    """A blob as it comes, taken up again where a connection breaks."""

    def __init__(self, web: Web, path: str, response: Answer) -> None:
        self.web = web
        self.path = path
        self.response = response
        self.length = response.length
        self.at = 0
        self.resumed = 0

    def __call__(self, count: int) -> bytes:
        while True:
            try:
                data = self.response.read(min(count, CHUNK))
            except SlowError as error:
                raise BrokenError(error.strerror or "too slow") from None
            except (http.client.HTTPException, OSError):
                data = b""
                if self.length is None:
                    raise BrokenError(f"the connection ended early, after {self.at} bytes") from None
            if data:
                self.at += len(data)
                return data
            self.response.close()
            if self.length is None or self.at >= self.length:
                return b""
            self._resume()

    def _resume(self) -> None:
        if self.resumed >= MOST_RESUMED:
            raise BrokenError(f"the connection ended early, after {self.at} bytes")
        self.resumed += 1
        try:
            self.response = self.web.get(self.path, start=self.at)
        except (OSError, BrokenError):
            raise BrokenError(f"the connection ended early, after {self.at} bytes") from None
