"""A registry's HTTP API: requests with a login, waits that end.

Promises: asks the host that was named, and no other but where that one sends us for a token or a blob; a password goes
to the registry, or to a token service of the same domain, encrypted unless that is this machine; no login follows a
redirect to another host; waits are bounded.

Imported by registry.py, dockersocket.py and images.py.
"""

from __future__ import annotations

import http.client
import json
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Self
from urllib.parse import urlencode, urljoin, urlsplit

from leakguard.sources.imagenames import Login, Name, is_loopback
from leakguard.sources.stores import MissingError, read_all

TIMEOUT = 60.0
"""Seconds without a byte after which a connection is given up."""
PATIENCE = 300.0
"""Seconds of waiting in all from which on a connection must have brought LEAST_RATE bytes for each of them."""
LEAST_RATE = 1024
"""Bytes a second."""
MOST_REDIRECTS = 5
"""How often a request is sent on to another address."""
MOST_TRIES = 4
"""How often something is asked for where the registry says that it is busy (429, 503)."""
LONGEST_WAIT = 60.0
"""Seconds that a busy registry may have us wait each time; one that wants more has not answered."""

_CHALLENGE = re.compile(r'([a-z_]+)="([^"]*)"')
_BETWEEN = re.compile(r",\s*(?=(?:Basic|Bearer|Digest|Negotiate|NTLM)\b)", re.IGNORECASE)
_BUSY = (429, 503)


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
        """Gives the connection back, whether or not all of it was read."""
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
            target = resolved(url, response.headers.get("Location", ""))
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
        realm = urlsplit(resolved("", told.get("realm", "")))
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


def _challenge(told: list[str]) -> str:
    """Of the ways to log in that a registry names the one with a token, else the first."""
    ways = [way.strip() for text in told for way in _BETWEEN.split(text)]
    return next((way for way in ways if way.lower().startswith("bearer")), ways[0] if ways else "")


def resolved(base: str, target: str) -> str:
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
