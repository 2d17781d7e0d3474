"""What images elsewhere are called, and the logins that a user keeps for where they are.

Promises: no helper program is run; a login is in no error and no repr. Imported by `leakguard.images`, cli/ and web.py.
"""

from __future__ import annotations

import base64
import json
import os
import re
from typing import NamedTuple
from urllib.parse import urlsplit

from leakguard.errors import UsageError
from leakguard.sources import oci

DOCKER_HUB = "registry-1.docker.io"

_NAME = re.compile(
    r"(?:(?P<host>[A-Za-z0-9.-]*(?:[.:]|localhost)[A-Za-z0-9.-]*(?::\d+)?|\[[0-9a-f:]+\](?::\d+)?)/)?"
    r"(?P<name>[a-z0-9]+(?:[._/-]+[a-z0-9]+)*)(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?(?:@(?P<digest>[a-z0-9]+:[0-9a-f]+))?\Z"
)
_LOGIN = re.compile(r"\A(\w+://)?[^/@]*:[^/]*@")
"""A login before a host, which is not to be shown."""
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Name(NamedTuple):
    """An image's name, taken apart."""

    host: str
    """With its port; "" if none was given."""
    path: str
    reference: str
    """Digest or tag."""


class Login(NamedTuple):
    """Who asks."""

    user: str = ""
    password: str = ""

    @property
    def header(self) -> str:
        """What the header Authorization holds."""
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()

    def __repr__(self) -> str:
        return f"Login({self.user!r})"


def name_of(text: str) -> Name:
    """`host:5000/team/app:1.2` or `app@sha256:...`, in parts. UsageError."""
    found = _NAME.match(text)
    if found is None:
        shown = _LOGIN.sub(r"\1***@", text)
        more = "; a login is given by --username" if shown != text else ""
        raise UsageError(f"image: {shown}: neither a file nor a name of an image{more}")
    return Name(found["host"] or "", found["name"], found["digest"] or found["tag"] or "latest")


def is_loopback(host: str) -> bool:
    """Is it this machine?"""
    return (urlsplit(f"//{host}").hostname or "") in _LOOPBACK


# ---------------------------------------------------------------- logins that users have
def login_files() -> list[str]:
    """Where Docker and Podman keep logins, the first that counts first."""
    env = os.environ
    home = os.path.expanduser("~")
    found = [env.get("REGISTRY_AUTH_FILE", "")]
    if env.get("XDG_RUNTIME_DIR"):
        found.append(os.path.join(env["XDG_RUNTIME_DIR"], "containers", "auth.json"))
    found.append(os.path.join(env.get("DOCKER_CONFIG") or os.path.join(home, ".docker"), "config.json"))
    return [path for path in found if path]


def login_for(host: str, path: str, files: list[str]) -> Login:
    """The login kept for a registry; an empty one if there is none. Credential helpers are programs, and not run."""
    keys = [host, f"https://{host}", f"https://{host}/v1/", f"https://{host}/v2/"]
    if host == DOCKER_HUB:
        keys += ["docker.io", "https://index.docker.io/v1/"]
    parts = path.split("/")
    keys = [f"{host}/{'/'.join(parts[:n])}" for n in range(len(parts), 0, -1)] + keys
    for file in files:
        try:
            with open(file, "rb") as handle:
                auths = json.loads(handle.read(oci.MOST_DOCUMENT)).get("auths", {})
            for key in keys:
                if key in auths and auths[key].get("auth"):
                    user, _, password = base64.b64decode(auths[key]["auth"]).decode().partition(":")
                    return Login(user, password)
        except FileNotFoundError:
            continue
        except (OSError, ValueError, AttributeError, TypeError):
            raise UsageError(f"{file}: cannot be read as a file of logins") from None
    return Login()
