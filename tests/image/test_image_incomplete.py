"""An image is asked for by its name: what cannot be read of it ends with 3, without `--strict`, too. Nothing is found in
any of these: 0 would be a lie."""

from __future__ import annotations

import gzip
import io
import json
import os
import posixpath
import socket
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made import (
    CONFIG,
    LAYER,
    MANIFEST,
    Files,
    Made,
    Registry,
    Request,
    described,
    digest,
    docker,
    index_of,
    layer,
    layout,
    pack,
    registry,
    run,
    scan,
    skopeo_dir,
    tar,
    write,
)

from leakguard.sources import oci, web
from leakguard.sources.oci import MOST_LINKED, Names

NOISE = Random(3).randbytes(60_000)


def clean(codec: str = "gzip", **named: object) -> Made:
    """An image in which nothing is to be found."""
    return Made([layer(("a/hello.txt", b"hello " * 400), ("a/noise", NOISE)), layer(("b", b"x" * 99))], codec=codec, **named)  # type: ignore[arg-type]


def manifest(layers: list[dict[str, object]], blobs: dict[str, bytes], config: bytes = b"") -> Files:
    """A layout with one manifest of one's own."""
    config = config or clean().config
    text = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": described(config, CONFIG), "layers": layers}).encode()
    named = {digest(text): text, digest(config): config, **blobs}
    index = json.dumps({"schemaVersion": 2, "manifests": [described(text, MANIFEST)]}).encode()
    return {"oci-layout": b"{}", "index.json": index, **{f"blobs/{n.replace(':', '/')}": data for n, data in named.items()}}


def of_layer(blob: bytes, media: str, *, diff: bytes = b"", **more: object) -> Files:
    """An image of one layer, whose digest is right."""
    config = json.dumps({"os": "linux", "rootfs": {"type": "layers", "diff_ids": [digest(diff)] if diff else []}}).encode()
    return manifest([{**described(blob, media), **more}], {digest(blob): blob}, config)


def without(files: Files, data: bytes) -> Files:
    return {name: content for name, content in files.items() if content != data}


def instead(files: Files, old: bytes, new: bytes) -> Files:
    return {name: new if content == old else content for name, content in files.items()}


def of_all(change: Callable[[Made, Files], Files]) -> Callable[[], dict[str, Files]]:
    """The same done to every layout."""

    def forms() -> dict[str, Files]:
        image = clean()
        return {"oci": change(image, layout([image])), "docker": change(image, docker(image)), "dir": change(image, skopeo_dir(image))}

    return forms


def one(make: Callable[[], Files]) -> Callable[[], dict[str, Files]]:
    return lambda: {"it": make()}


def no_images() -> Files:
    return {"oci-layout": b"{}", "index.json": b'{"schemaVersion": 2, "manifests": []}'}


def absent_platform(here: bool) -> Files:
    images = [clean(), clean(platform=("linux", "arm64"))]
    files = without(layout(images), images[1].manifest)
    return files if here else without(files, images[0].manifest)


def absent_attestation_only() -> Files:
    """The image is not there, and what says something of it is."""
    image, other = clean(), clean(platform=("unknown", "unknown"))
    return without(layout([image, other]), image.manifest)


def nested_index(gone: bool) -> Files:
    image = clean()
    inner = index_of([image])
    top = json.dumps({"schemaVersion": 2, "manifests": [described(inner, "application/vnd.oci.image.index.v1+json")]}).encode()
    files = {**layout([image]), "index.json": top, f"blobs/{digest(inner).replace(':', '/')}": inner}
    return without(files, inner if gone else image.manifest)


PLAIN = layer(("a", b"x" * 3000), ("noise", NOISE))
TGZ = gzip.compress(PLAIN, mtime=0)
FOREIGN = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
OLD_FOREIGN = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
LINKS = {"urls": ["https://elsewhere.example/layer"]}

CASES: dict[str, Callable[[], dict[str, Files]]] = {
    "a layer cut off": of_all(lambda image, files: instead(files, image.packed[0], image.packed[0][:-3000])),
    "a layer of another content": of_all(lambda image, files: instead(files, image.packed[0], TGZ)),
    "a layer that is empty": of_all(lambda image, files: instead(files, image.packed[0], b"")),
    "a layer that is missing": of_all(lambda image, files: without(files, image.packed[1])),
    "a configuration that is missing": of_all(lambda image, files: without(files, image.config)),
    "a configuration of another content": of_all(lambda image, files: instead(files, image.config, image.config + b" ")),
    "a configuration cut off": of_all(lambda image, files: instead(files, image.config, image.config[:-9])),
    "a layer cut off, digest and all, gzip": one(lambda: of_layer(TGZ[:-2000], f"{LAYER}+gzip", diff=PLAIN)),
    "a layer cut off, no digest of its content, gzip": one(lambda: of_layer(TGZ[:-2000], f"{LAYER}+gzip")),
    "a layer cut off, no digest of its content, zstd": one(lambda: of_layer(pack(PLAIN, "zstd")[:-2000], f"{LAYER}+zstd")),
    "a layer whose tar is cut off": one(lambda: of_layer(gzip.compress(PLAIN[:-9000]), f"{LAYER}+gzip", diff=PLAIN)),
    "a layer without its end mark that nothing vouches for": one(
        lambda: docker_layer(layer(("a", b"x" * 512)).rstrip(b"\0").ljust(1024, b"\0"))
    ),
    "a layer that is no tar": one(lambda: of_layer(NOISE, f"{LAYER}+gzip")),
    "a layer that is no tar, in gzip": one(lambda: of_layer(gzip.compress(NOISE), f"{LAYER}+gzip", diff=NOISE)),
    "a layer that is no tar, in an archive of docker": one(lambda: docker_layer(b"no tar " * 99)),
    "a layer compressed in a way that is not known": one(lambda: of_layer(b"LZXX" + NOISE, f"{LAYER}+lzx")),
    "an encrypted layer": one(lambda: of_layer(NOISE, f"{LAYER}+gzip+encrypted")),
    "a foreign layer": one(lambda: without(of_layer(TGZ, FOREIGN, **LINKS), TGZ)),
    "a foreign layer, as docker says it": one(lambda: without(of_layer(TGZ, OLD_FOREIGN, **LINKS), TGZ)),
    "an index of nothing": one(no_images),
    "a manifest.json of nothing": one(lambda: {"manifest.json": b"[]", "blobs/sha256/" + "0" * 64: b"x"}),
    "a manifest that is missing": one(lambda: without(layout([clean()]), clean().manifest)),
    "all platforms missing": one(lambda: absent_platform(here=False)),
    "an attestation without its image": one(absent_attestation_only),
    "an index in an index, missing": one(lambda: nested_index(gone=True)),
    "an index in an index, without its manifest": one(lambda: nested_index(gone=False)),
    "a member of a kind that nobody reads": one(lambda: member("x.wim", b"MSWIM\0\0\0" + NOISE)),
    "a member that is encrypted": one(lambda: member("backup.age", b"age-encryption.org/v1\n-> X25519 " + NOISE)),
    "a member that is damaged": one(lambda: member("x.gz", gzip.compress(NOISE)[:-999])),
    "keys twice in a manifest": one(lambda: twice('"layers"', '"layers"')),
    "keys twice but for their case": one(lambda: twice('"Layers"', '"layers"')),
}


def docker_layer(content: bytes) -> Files:
    """An archive of docker whose configuration says nothing of its layer's content."""
    config = b'{"os": "linux"}'
    entry = {"Config": f"{digest(config)[7:]}.json", "RepoTags": ["app:1"], "Layers": ["one/layer.tar"]}
    return {f"{digest(config)[7:]}.json": config, "one/layer.tar": content, "manifest.json": json.dumps([entry]).encode()}


def member(name: str, content: bytes) -> Files:
    return layout([Made([layer((name, content))])])


def twice(first: str, second: str) -> Files:
    """A client may read the one, and another client the other."""
    image = clean()
    text = image.manifest.decode().replace('"layers":', f'{first}: [], {second}:').encode()
    files = without(layout([image]), image.manifest)
    files[f"blobs/{digest(text).replace(':', '/')}"] = text
    files["index.json"] = json.dumps({"schemaVersion": 2, "manifests": [described(text, MANIFEST)]}).encode()
    return files


@pytest.mark.parametrize("case", CASES)
def test_what_cannot_be_read_ends_with_3(case: str, tmp_path: Path) -> None:
    for form, files in CASES[case]().items():
        (tmp_path / f"{form}.tar").write_bytes(tar(files))
        (tmp_path / f"{form}.tar.gz").write_bytes(gzip.compress(tar(files)))
        write(files, tmp_path / form)
        for target in (f"{form}.tar", f"{form}.tar.gz", form):
            seen = scan(tmp_path, target)
            assert (seen.code, seen.secrets) == (3, []), (target, seen.reasons, seen.error)
            assert not seen.receipt["complete"]


def test_what_can_be_read_ends_with_0(tmp_path: Path) -> None:
    """The same images, undamaged; and what looks odd and is not."""
    blank = bytes(1024)
    odd = {
        "blank": of_layer(gzip.compress(blank), f"{LAYER}+gzip", diff=blank),
        "blank plain": of_layer(blank, LAYER, diff=blank),
        "foreign and here": of_layer(TGZ, FOREIGN, diff=PLAIN, **LINKS),
        "whiteouts of nothing": layout([Made([layer(("a/.wh.none", b""), (".wh..wh..opq", b""), ("b/.wh..wh..opq", b""))])]),
        "names that lead out": layout([Made([layer(("../../etc/x", b"y"), ("/abs", b"z"), ("l", b"", "../../../etc/passwd"))])]),
        "a layer of another kind": of_layer(b'{"predicate": {}}', "application/vnd.in-toto+json"),
        "no layers": manifest([], {}),
        "oci": layout([clean()]), "docker": docker(clean()), "dir": skopeo_dir(clean()),
    }  # fmt: skip
    for name, files in odd.items():
        (tmp_path / "app.tar").write_bytes(tar(files))
        seen = scan(tmp_path, "app.tar")
        assert (seen.code, seen.reasons) == (0, ""), name


def test_a_platform_that_was_not_saved_is_skipped_and_said(tmp_path: Path) -> None:
    """`docker save` writes the index of all platforms and the blobs of one."""
    files = absent_platform(here=True)
    (tmp_path / "app.tar").write_bytes(tar(files))
    seen = scan(tmp_path, "app.tar")
    assert seen.code == 0 and seen.receipt["skipped"]["count"] == 1
    assert "another platform (linux/arm64)" in seen.reasons
    assert scan(tmp_path, "app.tar", strict=True).code == 3


def test_a_member_that_needs_an_extra_ends_with_3(tmp_path: Path) -> None:
    """The extra is hidden from the command, which a test of `scan` in one process could not do."""
    pytest.importorskip("zstandard")
    (tmp_path / "app.tar").write_bytes(tar(member("x.zst", pack(b"hello " * 99, "zstd"))))
    (tmp_path / "hide").mkdir()
    (tmp_path / "hide" / "zstandard.py").write_text("raise ImportError\n")
    done = run(tmp_path, "-f", "jsonl", "app.tar", PYTHONPATH=str(tmp_path / "hide"))
    assert done.returncode == 3, done.stderr
    assert b"install leakguard-scanner[archives]" in done.stderr
    assert run(tmp_path, "-f", "jsonl", "app.tar").returncode == 0


def test_a_blob_is_looked_at_whose_digest_begins_as_another_one(tmp_path: Path) -> None:
    """Bug: two manifests of one configuration counted as one if their layers' digests began alike."""
    there = Registry()
    one_image = clean()
    other = json.loads(one_image.manifest)
    shown = other["layers"][0]["digest"]
    other["layers"][0]["digest"] = shown[:-1] + ("0" if shown[-1] != "0" else "1")
    text = json.dumps(other).encode()
    there.add("1", [one_image])
    there.manifests[digest(text)] = text
    top = {"schemaVersion": 2, "manifests": [described(one_image.manifest, MANIFEST), described(text, MANIFEST)]}
    there.manifests["1"] = json.dumps(top).encode()
    with registry(there):
        seen = scan(tmp_path, f"docker://{there.host}/team/app:1")
    assert seen.code == 3 and "layer missing" in seen.reasons


# ---- by name --------------------------------------------------------------------------------------------------------


def replying(status: int, data: bytes = b"", **headers: str) -> Callable[[Request], None]:
    return lambda request: request.reply(status, data, **headers)


ANSWERS: dict[str, Callable[[Request], None]] = {
    "401 without a word": replying(401),
    "401 of a kind not known": replying(401, WWW_Authenticate="Digest realm=x"),
    "401 that names no place for tokens": replying(401, WWW_Authenticate='Bearer realm=""'),
    "403": replying(403), "404": replying(404), "429": replying(429), "500": replying(500),
    "a redirect to itself": replying(307),
    "a loop": lambda request: request.reply(302, Location=request.path + "x"),
    "a page": replying(200, b"<html>Log in here</html>", Content_Type="text/html"),
    "nothing": replying(200, b""),
    "an index of nothing": replying(200, b'{"schemaVersion": 2, "manifests": []}'),
    "a body cut off": lambda request: request.reply(200, b'{"schemaVersion": 2', length=4000),
    "another scheme": replying(307, Location="file:///etc/passwd"),
    "a place that is none": replying(307, Location="http://[::1"),
}  # fmt: skip


@pytest.mark.parametrize("case", ANSWERS)
def test_a_registry_that_answers_otherwise_is_incomplete(case: str, tmp_path: Path) -> None:
    there = Registry()
    with registry(there) as server:
        server.answer = ANSWERS[case]
        done = run(tmp_path, "-f", "jsonl", f"docker://{there.host}/team/app:1")
        assert done.returncode == 3, (done.returncode, done.stderr)
        assert len(server.asked) < 20


@pytest.mark.parametrize("part", ["manifest", "layer"])
def test_a_registry_that_drips_is_given_up(part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte comes in time, and the end never."""
    monkeypatch.setattr(web, "PATIENCE", 0.4)
    monkeypatch.setattr(web, "LEAST_RATE", 1 << 20)
    there = Registry()
    image = clean()
    there.add("1", [image])
    stop = threading.Event()

    def drip(request: Request) -> None:
        wanted = "/manifests/" if part == "manifest" else digest(image.packed[0])
        if wanted not in request.path:
            there(request)
            return
        request.send_response(200)
        request.send_header("Content-Length", "1000000")
        request.end_headers()
        for _ in range(400):
            if stop.wait(0.05):
                break
            try:
                request.wfile.write(b" ")
                request.wfile.flush()
            except OSError:
                break
        request.close_connection = True

    try:
        with registry(there) as server:
            server.answer = drip
            seen = scan(tmp_path, f"docker://{there.host}/team/app:1")
            assert seen.code == 3 and "slow" in seen.reasons, seen.reasons
            stop.set()
    finally:
        stop.set()


@contextmanager
def silent() -> Iterator[str]:
    """A server that takes a connection and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def test_a_registry_that_says_nothing_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "TIMEOUT", 0.3)
    with silent() as host:
        seen = scan(tmp_path, f"docker://{host}/team/app:1")
    assert seen.code == 3 and "no answer" in seen.reasons


def test_a_large_image_of_a_registry_is_read_whole(tmp_path: Path) -> None:
    """Bug: the limits went by the size of a file that is not there, and ended every image after 128 MiB."""
    there = Registry()
    big = Made([layer(("big", Random(1).randbytes(1 << 20) * 140), ("end", b"x"))], codec="")
    there.add("1", [big])
    with registry(there):
        seen = scan(tmp_path, f"docker://{there.host}/team/app:1")
    assert (seen.code, seen.reasons) == (0, "")


def test_a_link_in_an_archive_leads_nowhere_else(tmp_path: Path) -> None:
    """A blob that is a link out of the archive, and links in a circle."""
    files = docker(clean())
    name = next(n for n in files if n.endswith("/layer.tar"))
    for target in ("../../../../etc/passwd", "/etc/passwd", os.path.basename(name), "missing"):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as archive:
            for path, data in files.items():
                info = tarfile.TarInfo(path)
                if path == name:
                    info.type, info.linkname = tarfile.SYMTYPE, target
                    archive.addfile(info)
                    continue
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
        (tmp_path / "app.tar").write_bytes(out.getvalue())
        seen = scan(tmp_path, "app.tar")
        assert seen.code == 3 and "layer missing" in seen.reasons, (target, seen.reasons)


# ---- what costs more than it is worth -------------------------------------------------------------------------------


def test_names_of_any_length_are_kept_as_hashes() -> None:
    """Bug: six megabytes of paths, a megabyte each, were kept for every layer."""
    names = Names()
    for number in range(40):
        names(f"{number}/{'ab/' * 300_000}x", b"0", "")
        names(f"{number}/{'cd/' * 300_000}x", b"1", "target")
    assert all(isinstance(one, int) for one in names.files)
    assert sum(len(path) for paths in names.links.values() for path in paths) < MOST_LINKED + 1_000_000
    assert names.fate(f"7/{'ab/' * 300_000}x") == "overwritten"
    assert names.fate("7/else") == ""


def test_a_history_of_thousands_of_steps_names_each_layer(tmp_path: Path) -> None:
    """Bug: every step was looked for among all of them."""
    steps = [f"RUN step {n} # {'token' if n == 2900 else ''}" for n in range(3000)]
    image = Made([layer((f"f{n}", b"x")) for n in range(3)], steps=steps)
    config = json.loads(image.config)
    for number, item in enumerate(config["history"]):
        item["empty_layer"] = number not in (5, 2900, 2999)
    read = oci.config_of(config)
    assert [oci.step_of(read, layer_, 3).text.split()[2] for layer_ in range(3)] == ["5", "2900", "2999"]  # type: ignore[union-attr]
    assert oci.step_of(read, 0, 4) is None


def test_an_index_says_its_names_in_one_go() -> None:
    """Bug: the name of each of 40,000 manifests was looked for among 40,000."""
    note = "org.opencontainers.image.ref.name"
    items = [{"digest": f"sha256:{n:064x}", "annotations": {note: f"app:{n}"}} for n in range(50)]
    odd = [3, {"digest": 3, "annotations": {note: "x"}}, {"digest": "d", "annotations": {note: 3}}, {"digest": "e"}]
    assert oci.ref_names({"manifests": [*items, *odd]}) == {f"sha256:{n:064x}": f"app:{n}" for n in range(50)}


@given(st.text("ab/.", max_size=12))
def test_a_path_is_what_it_would_be_below_a_root(path: str) -> None:
    assert oci.inner(path) == (posixpath.normpath(f"/{path}").lstrip("/") or ".")
