"""The socket of a running Docker or Podman: what `docker save` would write.

Promises: asks sockets of this machine alone; an answer that ends early is an error, and no image.

Imported by `leakguard.images`.
"""

from __future__ import annotations

import http.client
import os
import socket
from typing import BinaryIO, cast
from urllib.parse import quote

from leakguard.errors import SourceError
from leakguard.sources.inside.base import CHUNK
from leakguard.sources.web import TIMEOUT, Answer


class _Local(http.client.HTTPConnection):
    """HTTP through a Unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=TIMEOUT)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(TIMEOUT)
        self.sock.connect(self.path)


def socket_paths() -> list[str]:
    """Where Docker and Podman are looked for."""
    env = os.environ
    found = [
        env[name].removeprefix("unix://")
        for name in ("DOCKER_HOST", "CONTAINER_HOST")
        if env.get(name, "").startswith("unix://")
    ]
    if not found:
        found = ["/var/run/docker.sock"]
        if env.get("XDG_RUNTIME_DIR"):
            found += [
                os.path.join(env["XDG_RUNTIME_DIR"], *parts) for parts in (("docker.sock",), ("podman", "podman.sock"))
            ]
        found.append("/run/podman/podman.sock")
    return list(dict.fromkeys(found))


def saved(path: str, name: str) -> tuple[BinaryIO, int] | None:
    """What `docker save NAME` would write, in a temporary file, and its length; None if the engine has no such image.
    SourceError if it does not answer, or not to the end."""
    import tempfile

    connection = _Local(path)
    response: Answer | None = None
    try:
        connection.request("GET", f"/images/{quote(name, safe='/:@')}/get")
        response = Answer(connection, connection.getresponse())
        if response.status == 404:
            return None
        if response.status != 200:
            raise SourceError(path, f"the container engine answers {response.status}")
        out = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115 - the store closes it
        while data := response.read(CHUNK):
            out.write(data)
        if response.length:
            raise SourceError(path, "the container engine's answer ended early")
    except http.client.HTTPException as error:
        raise SourceError(path, f"the container engine's answer is no HTTP: {type(error).__name__}") from None
    except OSError as error:
        raise SourceError(path, f"no answer: {error.strerror or type(error).__name__}") from None
    finally:
        (response or connection).close()
    return out, out.tell()
