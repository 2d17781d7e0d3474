"""Images elsewhere: a registry by its HTTP API, and the socket of a running Docker or Podman.

Promises: asks the host that was named, and no other but where that one sends us for a token or a blob; a password goes
to the registry, or to a token service of the same domain, encrypted unless that is this machine; no login follows a
redirect to another host; no helper program is run; waits are bounded, and a connection that breaks is taken up where
it broke.

Imported by `leakguard.images`.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO, NamedTuple, Self, cast
from urllib.parse import quote, urlencode, urljoin, urlsplit

from leakguard.errors import SourceError, UsageError
from leakguard.model import Incident, Origin
from leakguard.sources import oci
from leakguard.sources.inside.base import CHUNK, BrokenError, Pull, from_bytes
from leakguard.sources.inside.limits import Bytes
from leakguard.sources.inside.walk import Leaf, Walker
from leakguard.sources.oci import Blob
from leakguard.sources.stores import MissingError, Root, read_all
from leakguard.sources.windows import OnIncident

TIMEOUT = 60.0
"""Seconds without a byte after which a connection is given up."""
PATIENCE = 300.0
"""Seconds of waiting in all from which on a connection must have brought LEAST_RATE bytes for each of them."""
LEAST_RATE = 1024
MOST_REDIRECTS = 5
MOST_TRIES = 4
"""How often something is asked for where the registry says that it is busy (429, 503)."""
LONGEST_WAIT = 60.0
"""Seconds that a busy registry may have us wait each time; one that wants more has not answered."""
MOST_PAGES = 100
"""Pages of what refers to a manifest."""
MOST_RESUMED = 3
DOCKER_HUB = "registry-1.docker.io"

ACCEPT = ", ".join((
    "application/vnd.oci.image.index.v1+json", "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json", "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.v1+prettyjws;q=0.5", "*/*;q=0.1",
))  # fmt: skip

_NAME = re.compile(
    r"(?:(?P<host>[A-Za-z0-9.-]*(?:[.:]|localhost)[A-Za-z0-9.-]*(?::\d+)?|\[[0-9a-f:]+\](?::\d+)?)/)?"
    r"(?P<name>[a-z0-9]+(?:[._/-]+[a-z0-9]+)*)(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?(?:@(?P<digest>[a-z0-9]+:[0-9a-f]+))?\Z"
)
_LOGIN = re.compile(r"\A(\w+://)?[^/@]*:[^/]*@")
"""A login before a host, which is not to be shown."""
_CHALLENGE = re.compile(r'([a-z_]+)="([^"]*)"')
_BETWEEN = re.compile(r",\s*(?=(?:Basic|Bearer|Digest|Negotiate|NTLM)\b)", re.IGNORECASE)
_NEXT = re.compile(r'<([^<>]*)>\s*;[^<>]*\brel\s*=\s*"?next\b', re.IGNORECASE)
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


# ---------------------------------------------------------------- asking
class SlowError(OSError):
    """Bytes come, but so few that the end never will."""


class BusyError(OSError):
    """The registry has no time."""


class Answer:
    """A response with its connection, both closed by one call."""

    def __init__(self, connection: http.client.HTTPConnection, response: http.client.HTTPResponse) -> None:
        self._connection = connection
        self._response = response
        self.status = response.status
        self.headers = response.headers
        self.length = response.length
        """Bytes still to come, if the server said so."""
        self._came = 0
        self._waited = 0.0

    def read(self, count: int) -> bytes:
        """At most `count` bytes. OSError, HTTPException."""
        if self.length is not None:
            count = min(count, self.length)  # Python does not always count, and would wait for more
            if not count:
                return b""
        before = time.monotonic()
        data = self._response.read1(count)
        self._came += len(data)
        self._waited += time.monotonic() - before
        if self.length is not None:
            self.length -= len(data)
        if self._waited > PATIENCE and self._came < self._waited * LEAST_RATE:
            raise SlowError(0, f"too slow: {self._came} bytes in {self._waited:.0f} seconds")
        return data

    def close(self) -> None:
        self._response.close()
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Web:
    """Requests to one registry, with one login."""

    def __init__(self, name: Name, login: Login, *, plain: bool, ca_file: str = "") -> None:
        self.name = name
        self.login = login
        self.plain = plain
        self.scheme = "http" if plain else "https"
        self._context = None if plain else ssl.create_default_context(cafile=ca_file or None)
        self._authorization = ""

    def get(self, path: str, accept: str = "*/*", start: int = 0) -> Answer:
        """A response with status 200 (or 206 from `start` on). MissingError for 404, OSError for the rest."""
        url = f"{self.scheme}://{self.name.host}{path}"
        response = self._patiently(url, accept, start)
        if response.status == 401:
            challenge = _challenge(response.headers.get_all("WWW-Authenticate", []))
            response.close()
            self._authorization = self._authorized(challenge)
            response = self._patiently(url, accept, start)
        if response.status == (206 if start else 200):
            return response
        response.close()
        if response.status == 404:
            raise MissingError("the registry does not have it")
        if response.status in (401, 403):
            raise OSError(0, f"the registry refuses: {response.status}")
        kind = BusyError if response.status in _BUSY else OSError
        raise kind(0, f"the registry answers {response.status}")

    def _patiently(self, url: str, accept: str, start: int) -> Answer:
        """The response of a registry that may be busy."""
        for number in range(MOST_TRIES):
            response = self._asked(url, accept, start)
            told = response.headers.get("Retry-After", "")
            wait = int(told[:9]) if told.isascii() and told.isdigit() else 0.5 * 2**number
            if response.status not in _BUSY or number + 1 == MOST_TRIES or wait > LONGEST_WAIT:
                break
            response.close()
            time.sleep(wait)
        return response

    def _asked(self, url: str, accept: str, start: int) -> Answer:
        """The response after redirects, with which no login goes along."""
        headers = {"Accept": accept, "User-Agent": "leakguard"}
        if start:
            headers["Range"] = f"bytes={start}-"
        own = urlsplit(url).netloc
        for _ in range(MOST_REDIRECTS + 1):
            at = urlsplit(url)
            mine = at.netloc == own and at.scheme == self.scheme
            extra = {"Authorization": self._authorization} if self._authorization and mine else {}
            response = self._request(url, {**headers, **extra})
            if response.status not in (301, 302, 303, 307, 308):
                return response
            response.close()
            target = _url(url, response.headers.get("Location", ""))
            if urlsplit(target).scheme not in ("https", self.scheme):
                raise OSError(0, "the registry sends us to a place that is not encrypted")
            url = target
        raise OSError(0, "the registry sends us from place to place")

    def _request(self, url: str, headers: dict[str, str]) -> Answer:
        at = urlsplit(url)
        connection: http.client.HTTPConnection | None = None
        try:
            if at.scheme == "https":
                context = self._context or ssl.create_default_context()
                connection = http.client.HTTPSConnection(at.hostname or "", at.port, timeout=TIMEOUT, context=context)
            else:
                connection = http.client.HTTPConnection(at.hostname or "", at.port, timeout=TIMEOUT)
            with _patient(connection):
                connection.request("GET", f"{at.path or '/'}{'?' + at.query if at.query else ''}", headers=headers)
                answer = Answer(connection, connection.getresponse())
            connection = None
        except (http.client.HTTPException, ValueError) as error:
            raise OSError(0, f"the registry's answer is no HTTP: {type(error).__name__}") from None
        except OSError as error:
            raise OSError(0, f"no answer from {at.hostname}: {error.strerror or type(error).__name__}") from None
        finally:
            if connection is not None:
                connection.close()
        return answer

    def _authorized(self, challenge: str) -> str:
        """What to send with the next request, by the registry's challenge."""
        method, _, rest = challenge.partition(" ")
        if method.lower() == "basic":
            if not self.login.user:
                raise OSError(0, "the registry asks for a login (--username)")
            if self.plain and not is_loopback(self.name.host):
                raise OSError(0, "the login is not sent: the connection is not encrypted")
            return self.login.header
        if method.lower() != "bearer":
            raise OSError(0, "the registry asks for a login of a kind not known")
        told = dict(_CHALLENGE.findall(rest))
        realm = urlsplit(_url("", told.get("realm", "")))
        if realm.scheme != "https" and not (self.plain and realm.scheme == "http"):
            raise OSError(0, "the registry names a token service that is not encrypted")
        scope = f"repository:{self.name.path}:pull"
        query = urlencode(
            {key: value for key, value in (("service", told.get("service", "")), ("scope", scope)) if value}
        )
        headers = {"User-Agent": "leakguard"}
        if self.login.user:
            self._may_send(realm.scheme, realm.netloc)
            headers["Authorization"] = self.login.header
        response = self._request(f"{realm.geturl()}{'&' if realm.query else '?'}{query}", headers)
        with response:
            if response.status != 200:
                raise OSError(0, f"the token service answers {response.status}")
            try:
                answer = json.loads(read_all(response.read, 1024 * 1024))
                token = answer.get("token") or answer.get("access_token")
            except (ValueError, AttributeError, RecursionError, http.client.HTTPException):
                token = None
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise OSError(0, "the token service gives no token")
        return f"Bearer {token}"

    def _may_send(self, scheme: str, where: str) -> None:
        """A registry may not have the password sent to anybody."""
        host, own = urlsplit(f"//{where}").hostname or "", urlsplit(f"//{self.name.host}").hostname or ""
        if scheme != "https" and not is_loopback(where):
            raise OSError(0, "the login is not sent: the connection is not encrypted")
        if host != own and (host.split(".")[-2:] != own.split(".")[-2:] or host.replace(".", "").isdigit()):
            raise OSError(0, "the login is not sent: the token service belongs to another domain")


_BUSY = (429, 503)


def _challenge(told: list[str]) -> str:
    """Of the ways to log in that a registry names the one with a token, else the first."""
    ways = [way.strip() for text in told for way in _BETWEEN.split(text)]
    return next((way for way in ways if way.lower().startswith("bearer")), ways[0] if ways else "")


def _url(base: str, target: str) -> str:
    """Where a server sends us. OSError if that is no URL."""
    try:
        joined = urljoin(base, target)
        urlsplit(joined)
    except ValueError:
        raise OSError(0, "the registry sends us to a place that is none") from None
    return joined


@contextmanager
def _patient(connection: http.client.HTTPConnection) -> Iterator[None]:
    """Ends the connection if its headers take longer than PATIENCE: each byte of them has the time-out for its own."""

    def end() -> None:
        if connection.sock is not None:
            with suppress(OSError):
                connection.sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(PATIENCE, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()  # nobody shall be forked while it is there


# ---------------------------------------------------------------- a registry's image
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
                following = urlsplit(_url(base.geturl(), link[1]))
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
        return Bytes()

    def close(self) -> None:
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


# ---------------------------------------------------------------- a socket on this machine
class _Local(http.client.HTTPConnection):
    """HTTP through a Unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=TIMEOUT)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(TIMEOUT)
        self.sock.connect(self.path)


def sockets() -> list[str]:
    """Sockets of Docker and Podman that are there."""
    return [path for path in socket_paths() if os.path.exists(path)]


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
