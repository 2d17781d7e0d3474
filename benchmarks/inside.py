"""Images and bombs side by side: one image built from this machine's packages, and archives that try to exhaust a reader.

    python benchmarks/inside.py image                    an image of 1.2 GB, built once and kept, then measured
    python benchmarks/inside.py image --archive FILE     any `docker save` of yours
    python benchmarks/inside.py bombs                    each bomb, against 1 GB of plain text
    python benchmarks/inside.py all --no-peers --json FILE

Image: four layers in gzip, as `docker save` writes them: system binaries and libraries, a Python with its library, its
packages, and a small application with one planted token a layer, so that a tool that does not look inside is seen. No
documentation and translations, as in Debian's slim images (`--docs` adds them). Measured in one run, whole processes, files
in the page cache, after one warm-up of each tool's rule cache: decompressing and hashing the layers (Python's zlib and
SHA-256 of each blob and of what it holds, one process: what anybody must do to verify an image), `leakguard image` and
`leakguard scan` by all cores and by one, `kingfisher scan docker --archive` (with `--no-limits`: by default 2.14 reads no
layer of an archive of some 300 MB and more, and its plain `scan` none at all, which is shown), trufflehog's `docker`. Default
rules, no validation, no network.

Bombs: made on the spot; each is scanned once with default limits. Each must end as incomplete (exit code 3) in less time
than 1 GB of plain text takes, in less than 500 MB.

Memory is the peak of the sum over all processes (proportional set size, five looks a second, Linux).
"""

from __future__ import annotations

import argparse
import bz2
import gzip
import hashlib
import io
import json
import lzma
import os
import random
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import IO, Any

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path[:0] = [ROOT, HERE]

from history import Timed, timed  # noqa: E402 - beside this file
from run import machine, write_log  # noqa: E402

BARS = {
    "kingfisher docker, against leakguard image": ">= 2",
    "leakguard image, against decompress and hash": "<= 1.5",
    "peak memory of leakguard image, MB": "<= 300",
    "slowest bomb, against 1 GB of text": "<= 1",
    "most memory of a bomb, MB": "<= 500",
}
LIBRARIES = f"/usr/lib/{sysconfig.get_config_var('MULTIARCH') or 'x86_64-linux-gnu'}"
MB = 1_000_000
NOT_OF_IT = frozenset({"site-packages", "dist-packages", "leakguard"})
"""Folders that are a layer of their own, and this program's own rules, which are full of examples."""


# ---------------------------------------------------------------- an image
def roots(docs: bool) -> list[tuple[str, list[str], int]]:
    """(build step, folders, MB at most) of each layer."""
    base = sysconfig.get_paths()
    shared = ["/usr/share/perl", "/usr/share/zoneinfo", "/usr/share/ca-certificates"]
    return [
        ("ADD rootfs.tar / # debian", ["/usr/bin", "/usr/sbin", LIBRARIES, *shared], 560),
        ("RUN install python", [base["stdlib"]], 200),
        ("RUN pip install -r requirements.txt", [base["purelib"], os.path.join(base["stdlib"], "site-packages")], 500),
        *([("RUN apt-get install documentation", ["/usr/share/doc", "/usr/share/locale", "/usr/share/man"], 200)] if docs else []),
        ("COPY docs /app/docs", [os.path.join(ROOT, "docs")], 50),
    ]


class _Hashed:
    """A file that knows the digest of what was written."""

    def __init__(self, out: IO[bytes]) -> None:
        self.out, self.hash, self.size = out, hashlib.sha256(), 0

    def write(self, data: bytes) -> int:
        self.hash.update(data)
        self.size += len(data)
        return self.out.write(data)


def write_layer(path: str, folders: list[str], most: int, secret: str) -> tuple[str, str, int]:
    """(digest of the blob, digest and size of its content)."""
    with open(path, "wb") as raw:
        blob = _Hashed(raw)
        with gzip.GzipFile(fileobj=blob, mode="wb", compresslevel=6, mtime=0) as packed:  # type: ignore[arg-type]
            content = _Hashed(packed)  # type: ignore[arg-type]
            with tarfile.open(fileobj=content, mode="w|", format=tarfile.PAX_FORMAT) as archive:  # type: ignore[call-overload]
                left = most * MB
                for name in _files(folders):
                    try:
                        info = archive.gettarinfo(name, name.lstrip("/"))
                        if info is None or not (info.isreg() or info.issym()) or info.size > left:
                            continue
                        info.mtime = 0
                        if info.isreg():
                            with open(name, "rb") as handle:
                                archive.addfile(info, handle)
                            left -= info.size
                        else:
                            archive.addfile(info)
                    except OSError:
                        continue  # not for everybody to read: it stays out of the image
                info = tarfile.TarInfo("etc/app.env")
                data = f"GITHUB_TOKEN={secret}\n".encode()
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
    return blob.hash.hexdigest(), content.hash.hexdigest(), content.size


def _files(folders: list[str]) -> Iterator[str]:
    for top in folders:
        for folder, folders_below, names in os.walk(top):
            folders_below[:] = sorted(name for name in folders_below if name not in NOT_OF_IT)
            yield from (os.path.join(folder, name) for name in sorted(names))


def build(folder: str, docs: bool, seed: int) -> str:
    """The archive of an image, built if it is not there."""
    from leakguard.detect.generate import expand

    path = os.path.join(folder, "image-docs.tar" if docs else "image.tar")
    if os.path.exists(path):
        return path
    os.makedirs(folder, exist_ok=True)
    steps = roots(docs)
    made = []
    for number, (_, folders, most) in enumerate(steps):
        layer = os.path.join(folder, f"layer-{number}")
        secret = expand("{{gen:github ghp_}}", random.Random(f"{seed}:{number}"))
        made.append((layer, *write_layer(layer, folders, most, secret)))
    config = json.dumps({
        "os": "linux", "architecture": "amd64", "config": {"Env": ["PATH=/usr/bin"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{diff}" for _, _, diff, _ in made]},
        "history": [{"created_by": step} for step, _, _ in steps],
    }).encode()  # fmt: skip
    name = f"blobs/sha256/{hashlib.sha256(config).hexdigest()}"
    layers = [f"blobs/sha256/{digest}" for _, digest, _, _ in made]
    sizes = [os.path.getsize(layer) for layer, _, _, _ in made]
    with tarfile.open(path + ".part", "w") as archive:
        for (layer, _, _, _), place in zip(made, layers, strict=True):
            archive.add(layer, place)
            os.unlink(layer)
        described = [
            {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": f"sha256:{digest}", "size": size}
            for digest, size in zip((digest for _, digest, _, _ in made), sizes, strict=True)
        ]
        about = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": f"sha256:{name[-64:]}", "size": len(config)}
        kind = "application/vnd.oci.image.manifest.v1+json"
        manifest = json.dumps({"schemaVersion": 2, "mediaType": kind, "config": about, "layers": described}).encode()
        whole = hashlib.sha256(manifest).hexdigest()
        index = {"schemaVersion": 2, "manifests": [{"mediaType": kind, "digest": f"sha256:{whole}", "size": len(manifest)}]}
        for place, data in (
            (name, config),
            (f"blobs/sha256/{whole}", manifest),
            ("index.json", json.dumps(index).encode()),
            ("oci-layout", b'{"imageLayoutVersion":"1.0.0"}'),
            ("manifest.json", json.dumps([{"Config": name, "RepoTags": ["bench:1"], "Layers": layers}]).encode()),
        ):
            info = tarfile.TarInfo(place)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    os.rename(path + ".part", path)
    return path


def verify(path: str) -> int:
    """Decompresses and hashes the layers of an archive; returns how many bytes they hold."""
    size = 0
    with tarfile.open(path) as archive:
        for member in archive:
            handle = archive.extractfile(member)
            if handle is None or member.size < MB:
                continue
            packed, content = hashlib.sha256(), hashlib.sha256()
            decoder = zlib.decompressobj(31)
            while data := handle.read(1 << 18):
                packed.update(data)
                out = decoder.decompress(data)
                content.update(out)
                size += len(out)
    return size


def peers(path: str) -> dict[str, list[str]]:
    """Commands of the peers that are on PATH."""
    quiet = ["--no-validate", "--no-update-check", "--quiet"]
    known = {
        "kingfisher docker": ["kingfisher", "scan", "docker", "--archive", path, "--no-limits", *quiet],
        "kingfisher scan (not inside)": ["kingfisher", "scan", path, *quiet],
        "trufflehog docker": ["trufflehog", "docker", "--image", f"file://{path}", "--no-verification", "--no-update"],
    }
    return {name: command for name, command in known.items() if shutil.which(command[0])}


def _leakguard(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "leakguard", *arguments, "-f", "jsonl", "-q"]


def image(path: str, repeat: int, with_peers: bool) -> dict[str, Any]:
    """All rows of one run."""
    with tempfile.TemporaryDirectory() as folder:
        env = {**os.environ, "LEAKGUARD_CACHE_DIR": os.path.join(folder, "rules"), "PYTHONPATH": ROOT}
        subprocess.run([sys.executable, "-m", "leakguard", "cache", "warm"], env=env, check=True, stdout=subprocess.DEVNULL)
        size = verify(path)
        rows: dict[str, Timed] = {}
        rows["decompress and hash"] = timed([sys.executable, __file__, "verify", "--archive", path], repeat, env)
        rows["leakguard image"] = timed(_leakguard("image", path), repeat, env, None, folder)
        rows["leakguard image -j 1"] = timed(_leakguard("image", path, "-j", "1"), 1, env, None, folder)
        rows["leakguard scan"] = timed(_leakguard("scan", path), repeat, env, None, folder)
        if with_peers:
            for name, command in peers(path).items():
                rows[name] = timed(command, 1 if "trufflehog" in name else repeat, env, None, folder)
    own = rows["leakguard image"]
    ratios = {
        "leakguard image, against decompress and hash": own.median / rows["decompress and hash"].median,
        "speed-up by a second process": rows["leakguard image -j 1"].median / own.median,
        "peak memory of leakguard image, MB": own.peak_mb,
    }
    ratios |= {f"{name}, against leakguard image": rows[name].median / own.median for name in peers(path) if name in rows}
    return {
        "archive bytes": os.path.getsize(path), "content bytes": size,
        "rows": {name: _row(row) for name, row in rows.items()},
        "ratios": {name: round(value, 2) for name, value in ratios.items()}, "bars": BARS,
    }  # fmt: skip


def _row(row: Timed) -> dict[str, Any]:
    return {"seconds": [round(one, 2) for one in row.seconds], "peak_mb": round(row.peak_mb), "exit": row.code}


# ---------------------------------------------------------------- bombs
ZEROS = bytes(100 * MB)


def _frames(pack: Callable[[bytes], bytes]) -> bytes:
    """10 GB of zeros as a hundred frames of one codec."""
    return pack(ZEROS) * 100


def _one_deflate(bits: int) -> bytes:
    """10 GB of zeros as one stream: a piece whose state is flushed may be repeated."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    piece = packer.compress(ZEROS) + packer.flush(zlib.Z_FULL_FLUSH)
    crc = 0
    for _ in range(100):
        crc = zlib.crc32(ZEROS, crc)
    body = piece * 100 + b"\x03\x00"
    if bits == 31:
        return b"\x1f\x8b\x08\0\0\0\0\0\0\x03" + body + crc.to_bytes(4, "little") + (100 * len(ZEROS) & 0xFFFFFFFF).to_bytes(4, "little")
    return body


def _zipped(members: list[tuple[str, bytes]]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return out.getvalue()


def _as_42() -> bytes:
    """Zips in zips, sixteen each, five deep, 100 MB of zeros in the innermost: 100 TB."""
    data = _zipped([("0.dll", ZEROS)])
    for level in range(5):
        data = _zipped([(f"lib {number:x}{level}.zip", data) for number in range(16)])
    return data


def _deep(wrap: Callable[[bytes], bytes], depth: int) -> bytes:
    data = b"nothing in here\n" * 40
    for _ in range(depth):
        data = wrap(data)
    return data


def _tarred(data: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        info = tarfile.TarInfo("again.tar")
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def _empty_in_tar(count: int) -> bytes:
    return gzip.compress(tarfile.TarInfo("empty").tobuf() * count + bytes(1024), 1)


def _empty_in_zip(count: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("empty", b"")
    one = out.getvalue()
    at = one.index(b"PK\1\2")
    local, central = one[:at], one[at : one.index(b"PK\5\6")]
    total, size, offset = count, len(central) * count, len(local) * count
    wide = b"PK\6\6" + (44).to_bytes(8, "little") + bytes(12) + total.to_bytes(8, "little") * 2 + size.to_bytes(8, "little") + offset.to_bytes(8, "little")
    locator = b"PK\6\7" + bytes(4) + (offset + size).to_bytes(8, "little") + (1).to_bytes(4, "little")
    return local * count + central * count + wide + locator + b"PK\5\6" + bytes(4) + b"\xff" * 12 + bytes(2)


def _quine() -> bytes:
    sys.path.insert(0, os.path.join(ROOT, "tests", "inside"))
    from nests import gzip_quine

    return bytes(gzip_quine())


def _zstd(data: bytes) -> bytes:
    import zstandard

    return zstandard.ZstdCompressor(19).compress(data)


def _lz4(data: bytes) -> bytes:
    import lz4.frame

    return bytes(lz4.frame.compress(data))


def _brotli() -> bytes:
    import brotli

    packer = brotli.Compressor(quality=5)
    return b"".join([*(bytes(packer.process(ZEROS)) for _ in range(100)), bytes(packer.finish())])


BOMBS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "42.zip kind": ("42.zip", _as_42),
    "quine": ("quine.gz", _quine),
    "a zip of 200 quines": ("quines.zip", lambda: _zipped([(f"{n}.gz", _quine()) for n in range(200)])),
    "10 GB of zeros, gzip": ("zeros.gz", lambda: _one_deflate(31)),
    "10 GB of zeros, gzip members": ("frames.gz", lambda: _frames(lambda data: gzip.compress(data, 9))),
    "10 GB of zeros, bzip2": ("zeros.bz2", lambda: _frames(bz2.compress)),
    "10 GB of zeros, xz": ("zeros.xz", lambda: _frames(lambda data: lzma.compress(data, preset=1))),
    "10 GB of zeros, zstd": ("zeros.zst", lambda: _frames(_zstd)),
    "10 GB of zeros, lz4": ("zeros.lz4", lambda: _frames(_lz4)),
    "10 GB of zeros, brotli": ("zeros.br", _brotli),
    "100 zips of 100 MB of zeros": ("zeros.zip", lambda: _zipped([(f"{n}", ZEROS) for n in range(100)])),
    "gzip in gzip, 200 deep": ("deep.gz", lambda: _deep(lambda data: gzip.compress(data, 1), 200)),
    "zip in zip, 100 deep": ("deep.zip", lambda: _deep(lambda data: _zipped([("a.zip", data)]), 100)),
    "tar in tar, 100 deep": ("deep.tar", lambda: _deep(_tarred, 100)),
    "3 million empty members, tar.gz": ("empty.tar.gz", lambda: _empty_in_tar(3_000_000)),
    "2 million empty members, zip": ("empty.zip", lambda: _empty_in_zip(2_000_000)),
}


def bombs(repeat: int) -> dict[str, Any]:
    """Every bomb once, beside 1 GB of plain text."""
    with tempfile.TemporaryDirectory() as folder:
        env = {**os.environ, "LEAKGUARD_CACHE_DIR": os.path.join(folder, "rules"), "PYTHONPATH": ROOT}
        subprocess.run([sys.executable, "-m", "leakguard", "cache", "warm"], env=env, check=True, stdout=subprocess.DEVNULL)
        text = os.path.join(folder, "plain.log")
        write_log(text, 1000, 0.00005)
        plain = timed(_leakguard("scan", text), repeat, env, None, folder)
        os.unlink(text)
        rows: dict[str, Any] = {"1 GB of text": _row(plain)}
        slowest = largest = 0.0
        for name, (file, make) in BOMBS.items():
            path = os.path.join(folder, file)
            with open(path, "wb") as out:
                out.write(make())
            row = timed(_leakguard("scan", path), 1, env, None, folder)
            rows[name] = {**_row(row), "bytes": os.path.getsize(path), "incomplete": row.code == 3}
            os.unlink(path)
            slowest, largest = max(slowest, row.median / plain.median), max(largest, row.peak_mb)
    told = {"slowest bomb, against 1 GB of text": round(slowest, 2), "most memory of a bomb, MB": round(largest)}
    silent = [name for name, row in rows.items() if row.get("incomplete") is False]
    return {"rows": rows, "ratios": told, "not told as incomplete": silent, "bars": BARS}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["image", "bombs", "all", "build", "verify"])
    parser.add_argument("--archive", help="measure this image instead of one that is built")
    parser.add_argument("--docs", action="store_true", help="with a layer of documentation")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--seed", type=int, default=20261121)
    parser.add_argument("--folder", default=os.path.join(tempfile.gettempdir(), "leakguard-inside"), help="where it is built and kept")
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--json", help="write the figures here")
    options = parser.parse_args()
    if options.what == "verify":
        print(verify(options.archive))
        return
    out: dict[str, Any] = {"machine": machine()}
    if options.what != "bombs":
        path = os.path.abspath(options.archive or build(options.folder, options.docs, options.seed))
        out["archive"] = os.path.basename(path)
        if options.what != "build":
            out["image"] = image(path, options.repeat, not options.no_peers)
    if options.what in ("bombs", "all"):
        out["bombs"] = bombs(1)
    text = json.dumps(out, indent=2)
    print(text)
    if options.json:
        with open(options.json, "w") as handle:
            handle.write(text + "\n")


if __name__ == "__main__":
    main()
