"""Images by name: from a registry on loopback, with and without a login, and from an engine's socket."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path

import pytest
from made import (
    Made,
    Registry,
    Request,
    artifact,
    digest,
    docker,
    engine,
    layer,
    planted,
    registry,
    run,
    scan,
    tar,
    token,
)

from leakguard.images import Access
from leakguard.sources.imagenames import Login, login_for, name_of

ROBOT = Access(Login("robot", "pass-phrase"))


def images() -> list[Made]:
    """Two platforms with a layer in common, and each of the five places."""
    base = layer(("srv/old.env", planted(0)), ("srv/config.env", planted(1)))
    gone = layer(("srv/.wh.old.env", b""))
    settings = {"Env": [f"GITHUB_TOKEN={token(2)}"], "Labels": {"ci.token": token(3)}}
    steps = ["COPY srv /srv", f"RUN |1 GITHUB_TOKEN={token(4)} /bin/sh -c rm /srv/old.env"]
    return [
        Made([base, gone], settings, steps),
        Made([base, layer(("srv/arm.env", planted(5)))], platform=("linux", "arm64")),
    ]


def attestation() -> dict[str, bytes]:
    return artifact(json.dumps({"predicate": {"buildArgs": {"GITHUB_TOKEN": token(6)}}}).encode())


@pytest.mark.parametrize("auth", ["", "basic", "token"])
def test_every_platform_of_a_registry_is_read_once(auth: str, tmp_path: Path) -> None:
    made = Registry(auth)
    made.add("1", images(), [attestation()])
    with registry(made) as server:
        seen = scan(tmp_path, f"docker://{made.host}/team/app:1", access=ROBOT)
        asked = [path for path, _ in server.asked if "/blobs/" in path]
    assert seen.secrets == sorted(token(number) for number in range(7)), seen.error
    assert seen.receipt["complete"], seen.reasons
    assert seen.facts(0)["final"].startswith("deleted in layer 2") and "visible in" in seen.facts(0)["final"]
    assert seen.facts(5)["final"] == "visible"
    assert str(seen.at(1)["path"]).startswith(f"{made.host}/team/app:1!/sha256:")
    layers = [path for path in asked if digest(images()[0].packed[0]) in path]
    assert len(layers) == 1


@pytest.mark.parametrize("auth", ["basic", "token"])
def test_a_wrong_login_is_incomplete_and_not_shown(auth: str, tmp_path: Path) -> None:
    made = Registry(auth)
    made.add("1", images())
    with registry(made):
        name = f"docker://{made.host}/team/app:1"
        assert scan(tmp_path, name).code == 3
        done = run(tmp_path, "--username", "robot", name, LEAKGUARD_REGISTRY_PASSWORD="wrong-phrase")
        assert done.returncode == 3 and b"wrong-phrase" not in done.stdout + done.stderr
        done = run(tmp_path, "-f", "jsonl", "--username", "robot", "--password-stdin", name, stdin=b"pass-phrase\n")
        assert done.returncode == 1 and b"pass-phrase" not in done.stdout + done.stderr


def test_logins_that_docker_keeps_are_used(tmp_path: Path) -> None:
    made = Registry("basic")
    made.add("1", images())
    with registry(made):
        kept = tmp_path / "config.json"
        auth = base64.b64encode(b"robot:pass-phrase").decode()
        kept.write_text(json.dumps({"auths": {made.host: {"auth": auth}}}))
        assert login_for(made.host, "team/app", [str(kept)]) == Login("robot", "pass-phrase")
        assert login_for("elsewhere.example", "team/app", [str(kept)]) == Login()
        assert scan(tmp_path, f"{made.host}/team/app:1", access=Access(login_files=[str(kept)])).code == 1
        assert "pass-phrase" not in repr(Login("robot", "pass-phrase"))


def test_no_login_goes_where_a_registry_redirects_to(tmp_path: Path) -> None:
    store, made = Registry(), Registry("basic")
    store.add("1", images())
    made.add("1", images())
    with registry(store) as behind, registry(made):
        made.redirect = f"http://{store.host}"
        seen = scan(tmp_path, f"{made.host}/team/app:1", access=ROBOT)
        headers = [headers for _, headers in behind.asked]
    assert seen.secrets == sorted(token(number) for number in range(6)), seen.error
    assert headers and not any("Authorization" in header for header in headers)


def test_no_login_goes_to_a_token_service_elsewhere(tmp_path: Path) -> None:
    """The other service is this machine under another name, which is as far as a test may go."""
    other, made = Registry(), Registry("token")
    with registry(other) as elsewhere, registry(made):
        made.token_host = f"other.localhost:{other.host.rpartition(':')[2]}"
        seen = scan(tmp_path, f"{made.host}/team/app:1", access=ROBOT)
        assert seen.code == 3 and "not sent" in seen.reasons
        assert elsewhere.asked == []


def test_a_download_that_breaks_is_taken_up(tmp_path: Path) -> None:
    made = Registry()
    made.add("1", images())
    blob = digest(images()[0].packed[0])
    made.cut[blob] = 40
    with registry(made) as server:
        seen = scan(tmp_path, f"{made.host}/team/app:1")
        ranges = [headers.get("Range") for path, headers in server.asked if blob in path]
    assert ranges == [None, "bytes=40-"]
    assert seen.secrets == sorted(token(number) for number in range(6)) and seen.receipt["complete"], seen.error


def test_a_download_that_cannot_be_taken_up_is_told(tmp_path: Path) -> None:
    made = Registry()
    made.add("1", images())
    made.cut[digest(images()[0].packed[0])] = 40
    made.ranges = False
    with registry(made):
        seen = scan(tmp_path, f"{made.host}/team/app:1")
    assert "ended early" in seen.reasons and token(5) in seen.secrets


@pytest.mark.parametrize("what", ["layer", "config", "manifest"])
def test_a_registry_that_lies_is_told(what: str, tmp_path: Path) -> None:
    made = Registry()
    one = images()
    made.add("1", one)
    lied = {"layer": one[0].packed[0], "config": one[0].config, "manifest": one[0].manifest}[what]
    instead = {
        "layer": gzip.compress(layer(("x", b"y"))),
        "config": one[0].config + b" ",
        "manifest": one[0].manifest + b" ",
    }[what]
    made.blobs[digest(lied)] = instead
    if what == "manifest":
        made.manifests[digest(lied)] = instead
    with registry(made):
        seen = scan(tmp_path, f"{made.host}/team/app:1")
    assert "its content is not what its digest says" in seen.reasons
    assert token(5) in seen.secrets


@pytest.mark.parametrize("what", ["layer", "config", "manifest"])
def test_a_blob_a_registry_does_not_have_is_told(what: str, tmp_path: Path) -> None:
    made = Registry()
    one = images()
    made.add("1", one)
    gone = digest({"layer": one[0].packed[0], "config": one[0].config, "manifest": one[0].manifest}[what])
    made.blobs.pop(gone)
    made.manifests.pop(gone, None)
    with registry(made):
        seen = scan(tmp_path, f"{made.host}/team/app:1")
    assert f"{what.replace('config', 'configuration')} missing" in seen.reasons and token(5) in seen.secrets


def test_what_refers_to_an_image_is_read(tmp_path: Path) -> None:
    made = Registry()
    image = Made([layer(("a", b"x"))])
    made.add("1", [image])
    sbom = artifact(json.dumps({"GITHUB_TOKEN": token(7)}).encode(), "application/spdx+json", image.manifest)
    cosign = artifact(json.dumps({"GITHUB_TOKEN": token(8)}).encode())
    first = next(iter(sbom))
    for other in (sbom, cosign):
        made.blobs |= other
        made.manifests |= other
    entry = {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": first, "size": 1}
    made.referrers[digest(image.manifest)] = json.dumps({"schemaVersion": 2, "manifests": [entry]}).encode()
    made.manifests[digest(image.manifest).replace(":", "-") + ".att"] = cosign[next(iter(cosign))]
    with registry(made):
        seen = scan(tmp_path, f"{made.host}/team/app:1")
    assert seen.secrets == sorted([token(7), token(8)]), seen.error
    assert seen.receipt["complete"], seen.reasons


@pytest.mark.parametrize("case", ["all", "busy", "elsewhere", "without end"])
def test_pages_of_what_refers_to_an_image_are_all_read(case: str, tmp_path: Path) -> None:
    """Bug: of a list in pages the first one was read, and nothing said."""
    made = Registry()
    image = Made([layer(("a", b"x"))])
    made.add("1", [image])
    pages = []
    for number in range(3):
        sbom = artifact(json.dumps({"GITHUB_TOKEN": token(20 + number)}).encode(), "application/spdx+json", image.manifest)
        made.blobs |= sbom
        made.manifests |= sbom
        entry = {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": next(iter(sbom)), "size": 1}
        pages.append(json.dumps({"schemaVersion": 2, "manifests": [entry]}).encode())

    def answer(request: Request) -> None:
        if "/referrers/" not in request.path:
            made(request)
            return
        path, _, query = request.path.partition("?")
        number = int(query.removeprefix("last=") or 0)
        following = {"elsewhere": f"http://localhost:{made.host.rpartition(':')[2]}{path}?last=1"}.get(case, f"{path}?last={number + 1}")
        link = {"Link": f'<{following}>; rel="next"'} if number < 2 or case == "without end" else {}
        if case == "busy" and number == 1:
            request.reply(429, Retry_After="3600")
        else:
            request.reply(200, pages[min(number, 2)], **link)

    with registry(made) as server:
        server.answer = answer
        seen = scan(tmp_path, f"{made.host}/team/app:1")
    all_of_them = case in ("all", "without end")
    assert seen.secrets == sorted(token(20 + number) for number in range(3 if all_of_them else 1)), seen.error
    told = {"all": "", "busy": "attestations: the registry answers 429", "elsewhere": "a further page elsewhere",
            "without end": "more than 100 pages"}[case]  # fmt: skip
    assert told in seen.reasons and bool(seen.reasons) == bool(told)


def test_a_registry_that_is_busy_is_asked_again(tmp_path: Path) -> None:
    made = Registry()
    made.add("1", images())
    times: dict[str, int] = {}

    def answer(request: Request) -> None:
        times[request.path] = times.get(request.path, 0) + 1
        if times[request.path] == 1:
            request.reply((429, 503)[len(times) % 2], Retry_After="0")
        else:
            made(request)

    with registry(made) as server:
        server.answer = answer
        seen = scan(tmp_path, f"{made.host}/team/app:1")
    assert seen.secrets == sorted(token(number) for number in range(6)) and seen.reasons == "", seen.error


@pytest.mark.parametrize("told", [
    ('Basic realm="here"', 'Bearer realm="REALM",service="reg"'),
    ('Basic realm="here", Bearer realm="REALM",service="reg"',),
    ('Bearer realm="REALM",service="reg", Basic realm="here"',),
])  # fmt: skip
def test_of_several_ways_to_log_in_a_token_is_taken(told: tuple[str, ...], tmp_path: Path) -> None:
    """Bug: of two headers the first was obeyed, and of one the last realm."""
    made = Registry("token")
    made.add("1", images())

    def answer(request: Request) -> None:
        if request.path.startswith("/token") or request.headers.get("Authorization", "").startswith("Bearer"):
            made(request)
            return
        request.send_response(401)
        for way in told:
            request.send_header("WWW-Authenticate", way.replace("REALM", f"http://{made.host}/token"))
        request.send_header("Content-Length", "0")
        request.end_headers()

    with registry(made) as server:
        server.answer = answer
        seen = scan(tmp_path, f"{made.host}/team/app:1", access=ROBOT)
    assert seen.secrets == sorted(token(number) for number in range(6)), seen.error


def test_layers_that_a_file_had_are_not_asked_for_again(tmp_path: Path) -> None:
    made = Registry()
    made.add("1", images())
    made.add("2", images())
    with registry(made) as server:
        seen = scan(tmp_path, f"{made.host}/team/app:1", f"{made.host}/team/app:2")
        blob = digest(images()[0].packed[0])
        assert sum(blob in path for path, _ in server.asked) == 1
    assert seen.secrets == sorted(token(number) for number in range(6)), seen.error


def test_an_engine_hands_out_its_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = images()[0]
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/d.sock")
    with engine(tmp_path / "d.sock", {"team/app:1": tar(docker(one))}):
        for name in ("team/app:1", "docker-daemon:team/app:1"):
            seen = scan(tmp_path, name)
            assert seen.secrets == sorted(token(number) for number in range(5)), seen.error
            assert seen.receipt["complete"], seen.reasons
        assert str(seen.at(1)["path"]).startswith("team/app:1!/")
        for name in ("docker-daemon:team/none:1", "team/none:1"):
            assert scan(tmp_path, name).code == 2


def test_a_server_that_is_none_is_incomplete(tmp_path: Path) -> None:
    made = Registry()
    with registry(made):
        assert scan(tmp_path, f"{made.host}/team/app:1").code == 3  # nothing is there
        gone = made.host
    assert scan(tmp_path, f"{gone}/team/app:1").code == 3  # nobody is there


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("app", ("", "app", "latest")), ("team/app:1.2", ("", "team/app", "1.2")),
        ("localhost/app", ("localhost", "app", "latest")), ("host:5000/a/b:c", ("host:5000", "a/b", "c")),
        ("ghcr.io/a/b@sha256:00", ("ghcr.io", "a/b", "sha256:00")), ("[::1]:5000/a", ("[::1]:5000", "a", "latest")),
    ],
)  # fmt: skip
def test_names_are_taken_apart(text: str, name: tuple[str, str, str]) -> None:
    assert tuple(name_of(text)) == name


@pytest.mark.parametrize("before", ["docker://", "https://", ""])
def test_a_password_in_a_name_is_not_shown(before: str, tmp_path: Path) -> None:
    done = run(tmp_path, f"{before}robot:pass-phr@se@registry.example/team/app:1")
    assert done.returncode == 2 and b"--username" in done.stderr
    assert b"pass-phr" not in done.stdout + done.stderr


def signed_manifest(blob: bytes) -> tuple[bytes, bytes]:
    """(a manifest of schema 1 as it was signed, with its signature)."""
    history = [{"v1Compatibility": json.dumps({"config": {"Env": [f"GITHUB_TOKEN={token(1)}"]}})}]
    plain = json.dumps({"schemaVersion": 1, "fsLayers": [{"blobSum": digest(blob)}], "history": history}, indent=3).encode()
    head = {"formatLength": len(plain) - 2, "formatTail": base64.urlsafe_b64encode(b"\n}").rstrip(b"=").decode()}
    protected = base64.urlsafe_b64encode(json.dumps(head).encode()).rstrip(b"=").decode()
    return plain, plain[:-2] + b',\n   "signatures": ' + json.dumps([{"header": {}, "signature": "c2ln", "protected": protected}]).encode() + b"\n}"


def test_a_signed_manifest_of_schema_1_is_what_its_digest_says(tmp_path: Path) -> None:
    """Its digest is that of what was signed, and not of what the registry sends; anything else is still told."""
    blob = gzip.compress(layer(("a.env", planted(0))), mtime=0)
    plain, data = signed_manifest(blob)
    made = Registry()
    made.blobs[digest(blob)] = blob
    made.manifests[digest(plain)] = data
    made.manifests["sha256:" + "0" * 64] = data
    with registry(made):
        seen = scan(tmp_path, f"docker://{made.host}/team/app@{digest(plain)}")
        other = scan(tmp_path, f"docker://{made.host}/team/app@sha256:{'0' * 64}")
    assert seen.secrets == other.secrets == sorted([token(0), token(1)]), seen.error
    assert seen.receipt["complete"], seen.reasons
    assert other.code == 1 and "its content is not what its digest says" in other.reasons
