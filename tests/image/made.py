"""Images assembled byte by byte, in every layout, and a registry and an engine on loopback that hand them out."""

from __future__ import annotations

import base64
import contextlib
import gzip
import hashlib
import http.server
import io
import json
import os
import re
import socketserver
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest

from leakguard.detect.engine import Engine
from leakguard.detect.generate import expand
from leakguard.errors import LeakguardError
from leakguard.images import Access, scan_images
from leakguard.model import ScanResult
from leakguard.report import ReportContext
from leakguard.report.common import exit_code
from leakguard.report.receipt import receipt
from leakguard.sources.inside.limits import Limits
from leakguard.work import Policy

Files = dict[str, bytes]
INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"


def token(number: int) -> str:
    return expand("{{gen:github ghp_}}", Random(f"image:{number}"))


def planted(number: int) -> bytes:
    return f"first line\nGITHUB_TOKEN={token(number)}\nlast line\n".encode()


def digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def pack(data: bytes, codec: str) -> bytes:
    if codec == "gzip":
        return gzip.compress(data, mtime=0)
    if codec == "zstd":
        return bytes(pytest.importorskip("zstandard").ZstdCompressor().compress(data))
    return data


def layer(*entries: tuple[str, bytes | None] | tuple[str, bytes | None, str]) -> bytes:
    """A layer: (name, content), (name, None) for a folder, (name, b"", target) for a hard link."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content, *link in entries:
            info = tarfile.TarInfo(name)
            if content is None:
                info.type = tarfile.DIRTYPE
            elif link:
                info.type, info.linkname = tarfile.LNKTYPE, link[0]
            info.size = len(content) if content and not link else 0
            archive.addfile(info, io.BytesIO(content or b""))
    return out.getvalue()


class Made:
    """One image: its blobs, and what a manifest says."""

    def __init__(
        self,
        layers: list[bytes],
        settings: dict[str, Any] | None = None,
        steps: list[str] | None = None,
        codec: str = "gzip",
        platform: tuple[str, str] = ("linux", "amd64"),
        **extra: Any,
    ) -> None:
        self.plain = layers
        self.platform = {"os": platform[0], "architecture": platform[1]}
        history = [{"created_by": step} for step in steps or [f"step {n}" for n in range(1, len(layers) + 1)]]
        self.config = json.dumps({
            **self.platform, "config": settings or {}, "history": history,
            "rootfs": {"type": "layers", "diff_ids": [digest(data) for data in layers]}, **extra,
        }).encode()  # fmt: skip
        self.packed = [pack(data, codec) for data in layers]
        self.media = LAYER + {"gzip": "+gzip", "zstd": "+zstd", "": ""}[codec]
        self.blobs = {digest(data): data for data in (self.config, *self.packed)}
        self.manifest = self._manifest()

    def _manifest(self) -> bytes:
        manifest = {
            "schemaVersion": 2, "mediaType": MANIFEST, "config": described(self.config, CONFIG),
            "layers": [described(data, self.media) for data in self.packed],
        }  # fmt: skip
        data = json.dumps(manifest).encode()
        self.blobs[digest(data)] = data
        return data


def described(data: bytes, media: str, **more: Any) -> dict[str, Any]:
    return {"mediaType": media, "digest": digest(data), "size": len(data), **more}


def artifact(data: bytes, media: str = "application/vnd.in-toto+json", subject: bytes = b"") -> dict[str, bytes]:
    """The blobs of a manifest, the first of them, that carries a document."""
    manifest: dict[str, Any] = {
        "schemaVersion": 2, "mediaType": MANIFEST, "config": described(b"{}", "application/vnd.oci.empty.v1+json"),
        "layers": [described(data, media)],
    }  # fmt: skip
    if subject:
        manifest["subject"] = described(subject, MANIFEST)
    text = json.dumps(manifest).encode()
    return {digest(text): text, digest(b"{}"): b"{}", digest(data): data}


def index_of(images: list[Made], others: list[dict[str, bytes]] | None = None) -> bytes:
    entries = [described(image.manifest, MANIFEST, platform=image.platform) for image in images]
    for other in others or []:
        first = next(iter(other.values()))
        notes = {"vnd.docker.reference.type": "attestation-manifest"}
        platform = {"os": "unknown", "architecture": "unknown"}
        entries.append(described(first, MANIFEST, platform=platform, annotations=notes))
    return json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}).encode()


def layout(images: list[Made], others: list[dict[str, bytes]] | None = None) -> Files:
    """An OCI layout."""
    files = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}', "index.json": index_of(images, others)}
    for blobs in (*(image.blobs for image in images), *(others or [])):
        files |= {f"blobs/{name.replace(':', '/')}": data for name, data in blobs.items()}
    return files


def docker(image: Made, tag: str = "app:1") -> Files:
    """What `docker save` wrote until version 24."""
    config = digest(image.config)[7:] + ".json"
    names = []
    files: Files = {}
    for number, data in enumerate(image.packed):
        name = hashlib.sha256(f"{number}".encode() + data).hexdigest()
        files[f"{name}/VERSION"] = b"1.0"
        files[f"{name}/layer.tar"] = data
        names.append(f"{name}/layer.tar")
    files[config] = image.config
    files["manifest.json"] = json.dumps([{"Config": config, "RepoTags": [tag], "Layers": names}]).encode()
    return files


def docker25(image: Made, tag: str = "app:1") -> Files:
    """What it writes since: an OCI layout with a manifest.json."""
    paths = [f"blobs/{digest(data).replace(':', '/')}" for data in image.packed]
    entry = {"Config": f"blobs/{digest(image.config).replace(':', '/')}", "RepoTags": [tag], "Layers": paths}
    return {**layout([image]), "manifest.json": json.dumps([entry]).encode()}


def skopeo_dir(image: Made) -> Files:
    """What `skopeo copy ... dir:` writes."""
    names = {name.removeprefix("sha256:"): data for name, data in image.blobs.items() if data != image.manifest}
    return {"version": b"Directory Transport Version: 1.1\n", "manifest.json": image.manifest, **names}


LAYOUTS: dict[str, Callable[[Made], Files]] = {
    "docker": docker, "docker 25": docker25, "oci": lambda image: layout([image]), "dir": skopeo_dir,
}  # fmt: skip
"""What an image is kept as, by a name."""


def storage(image: Made, name: str = "localhost/app:1") -> Files:
    """The folder that Podman keeps, with the files of each layer and the record of its headers."""
    ident = digest(image.config)[7:]
    files: Files = {}
    layers = []
    parent = ""
    for data in image.plain:
        layer_id = hashlib.sha256(parent.encode() + data).hexdigest()
        layers.append({"id": layer_id, "parent": parent, "diff-digest": digest(data)})
        found, files[f"overlay-layers/{layer_id}.tar-split.gz"] = split(data)
        files |= {f"overlay/{layer_id}/diff/{member}": content for member, content in found.items()}
        parent = layer_id
    key = "=" + base64.b64encode(digest(image.config).encode()).decode()
    files[f"overlay-images/{ident}/{key}"] = image.config
    files[f"overlay-images/{ident}/manifest"] = image.manifest
    files["overlay-images/images.json"] = json.dumps([{"id": ident, "names": [name], "layer": parent}]).encode()
    files["overlay-layers/layers.json"] = json.dumps(layers).encode()
    return files


def engine_folder(image: Made, name: str = "app:1", driver: str = "overlay2") -> Files:
    """Docker's own folder."""
    ident = digest(image.config)[7:]
    below = f"image/{driver}"
    files: Files = {f"{below}/imagedb/content/sha256/{ident}": image.config}
    files[f"{below}/repositories.json"] = json.dumps({"Repositories": {name.split(":")[0]: {name: f"sha256:{ident}"}}}).encode()
    chain = ""
    for data in image.plain:
        own = digest(data)
        above, chain = chain, own if not chain else digest(f"{chain} {own}".encode())
        at, cache = f"{below}/layerdb/sha256/{chain[7:]}", hashlib.sha256(b"cache" + chain.encode()).hexdigest()
        places = {"overlay2": f"overlay2/{cache}/diff", "vfs": f"vfs/dir/{cache}"}
        found, files[f"{at}/tar-split.json.gz"] = split(data)
        files |= {f"{places[driver]}/{member}": content for member, content in found.items()}
        files |= {f"{at}/cache-id": cache.encode(), f"{at}/diff": own.encode(), f"{at}/size": str(len(data)).encode()}
        if above:
            files[f"{at}/parent"] = above.encode()
    return files


def split(data: bytes) -> tuple[Files, bytes]:
    """The files of a layer, and the record of its headers."""
    at, lines, files = 0, [], {}
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for info in archive:
            if not info.isfile() or info.size == 0:
                continue
            lines.append({"type": 2, "payload": base64.b64encode(data[at : info.offset_data]).decode()})
            lines.append({"type": 1, "name": info.name, "size": info.size})
            at = info.offset_data + info.size
            if not info.name.startswith(".wh."):
                files[info.name] = data[info.offset_data : at]
    lines.append({"type": 2, "payload": base64.b64encode(data[at:]).decode()})
    return files, gzip.compress("".join(json.dumps(line) + "\n" for line in lines).encode())


def tar(files: Files) -> bytes:
    return layer(*files.items())


def write(files: Files, folder: Path) -> Path:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


# ---- running --------------------------------------------------------------------------------------------------------


ENGINE: list[Engine] = []
"""The session's engine, which keeps secrets (see conftest.py)."""


class Report:
    """What a scan said."""

    def __init__(self, result: ScanResult | None, error: str = "", code: int = 0) -> None:
        self.code = code
        self.error = error
        self.findings: list[dict[str, Any]] = []
        self.receipt: dict[str, Any] = {}
        if result is None:
            return
        context = ReportContext(version="0", rules_digest="", config_digest="", started=datetime.now(UTC))
        self.code = exit_code(result, context)
        self.receipt = receipt(result, context)
        for f in result.findings:
            assert f.secret is not None
            self.findings.append({
                "secret": f.secret.decode(), "path": f.path, "start_line": f.start_line, "origin": f.origin.as_json(),
            })  # fmt: skip

    @property
    def secrets(self) -> list[str]:
        return sorted(record["secret"] for record in self.findings)

    def at(self, number: int) -> dict[str, Any]:
        """The one finding of a planted token."""
        (found,) = [record for record in self.findings if record["secret"] == token(number)]
        return dict(found)

    def facts(self, number: int) -> dict[str, str]:
        """The facts along the chain of a planted token."""
        out: dict[str, str] = {}
        link = self.at(number)["origin"]
        while link is not None:
            out = {**link.get("facts", {}), **out}
            link = link.get("inside")
        return out

    @property
    def reasons(self) -> str:
        groups = [self.receipt[state]["list"] for state in ("failed", "truncated", "skipped")]
        return " | ".join(f"{item['origin']}: {item['reason']}" for group in groups for item in group)


def scan(folder: Path, *targets: str, strict: bool = False, access: Access | None = None, jobs: int = 1) -> Report:
    """Scans images with `folder` as the working directory."""
    with contextlib.chdir(folder):
        try:
            result, interrupted = scan_images(
                targets, lambda _: ENGINE[0], Policy(inside=Limits(), strict=strict), access or Access(), None, jobs
            )
        except LeakguardError as error:
            return Report(None, error.message, error.exit_code)
    assert not interrupted
    assert not any("internal error" in incident.reason for incident in result.incidents), result.incidents
    return Report(result, str(result.incidents))


def run(folder: Path, *arguments: str, stdin: bytes = b"", **env: str) -> subprocess.CompletedProcess[bytes]:
    """The command, as its users run it."""
    done = subprocess.run(
        [sys.executable, "-m", "leakguard", "image", *arguments], cwd=folder, input=stdin, capture_output=True,
        check=False, timeout=120, env={**os.environ, **env},
    )  # fmt: skip
    assert b"Traceback" not in done.stderr and b"internal error" not in done.stderr, done.stderr
    return done


# ---- servers --------------------------------------------------------------------------------------------------------

Handler = Callable[["Request"], None]


class Request(http.server.BaseHTTPRequestHandler):
    """One request; the server's `answer` says what comes back."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.asked.append((self.path, dict(self.headers)))  # type: ignore[attr-defined]
        self.server.answer(self)  # type: ignore[attr-defined]

    def reply(self, status: int, data: bytes = b"", length: int | None = None, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(data) if length is None else length))
        self.end_headers()
        self.wfile.write(data)
        if length is not None:
            self.close_connection = True

    def address_string(self) -> str:
        return "local"

    def log_message(self, *_: object) -> None:
        """Says nothing."""


class _Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True


class _UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


@contextmanager
def serving(server: Any, answer: Handler) -> Iterator[Any]:
    server.answer, server.asked = answer, []
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def engine(path: Path, images: dict[str, bytes]) -> Iterator[Any]:
    """A container engine's socket with `/images/NAME/get`."""

    def answer(request: Request) -> None:
        found = re.fullmatch(r"/images/(.+)/get", request.path)
        data = images.get(found[1]) if found else None
        request.reply(404 if data is None else 200, data or b"")

    with serving(_UnixServer(str(path), Request), answer) as server:
        yield server


class Registry:
    """A registry with one repository: what it has, and how it behaves."""

    def __init__(self, auth: str = "") -> None:
        self.auth = auth
        self.blobs: dict[str, bytes] = {}
        self.manifests: dict[str, bytes] = {}
        self.referrers: dict[str, bytes] = {}
        self.redirect = ""
        self.cut: dict[str, int] = {}
        """Digest -> bytes after which its first download breaks off."""
        self.ranges = True
        self.host = ""
        self.token_host = ""

    def add(self, tag: str, images: list[Made], others: list[dict[str, bytes]] | None = None) -> None:
        for blobs in (*(image.blobs for image in images), *(others or [])):
            self.blobs |= blobs
            self.manifests |= {name: data for name, data in blobs.items() if b'"layers"' in data and data[:1] == b"{"}
        top = index_of(images, others) if len(images) + len(others or []) > 1 else images[0].manifest
        self.manifests[tag] = top

    def __call__(self, request: Request) -> None:
        path, _, query = request.path.partition("?")
        login = "Basic " + base64.b64encode(b"robot:pass-phrase").decode()
        said = request.headers.get("Authorization", "")
        if path == "/token":
            good = said == login and "scope=repository%3Ateam%2Fapp%3Apull" in query
            request.reply(200 if good else 401, json.dumps({"token": "t0ken"}).encode())
            return
        if self.auth == "basic" and said != login:
            request.reply(401, WWW_Authenticate='Basic realm="here"')
            return
        if self.auth == "token" and said != "Bearer t0ken":
            realm = f"http://{self.token_host or self.host}/token"
            request.reply(
                401, WWW_Authenticate=f'Bearer realm="{realm}",service="reg",scope="repository:team/app:pull"'
            )
            return
        self._content(request, path)

    def _content(self, request: Request, path: str) -> None:
        found = re.fullmatch(r"/v2/team/app/(manifests|blobs|referrers)/(.+)", path)
        if found is None:
            request.reply(404)
            return
        what, name = found.groups()
        if what == "blobs" and self.redirect:
            request.reply(307, Location=f"{self.redirect}/v2/team/app/blobs/{name}")
            return
        data = getattr(self, what).get(name)
        if data is None:
            request.reply(404)
        elif name in self.cut:
            request.reply(200, data[: self.cut.pop(name)], length=len(data))
        elif request.headers.get("Range") and self.ranges:
            start = int(request.headers["Range"].removeprefix("bytes=").rstrip("-"))
            request.reply(206, data[start:])
        else:
            request.reply(200, data, Docker_Content_Digest=name if ":" in name else digest(data))


@contextmanager
def registry(made: Registry) -> Iterator[Any]:
    with serving(_Server(("127.0.0.1", 0), Request), made) as server:
        made.host = f"127.0.0.1:{server.server_address[1]}"
        yield server
