"""Sealed escrow: what was masked, encrypted to a responder's age public key; the logging process cannot read it back.

One JSON line for each masked value, once: when, its kind and pseudonym, and the value sealed by `pyrage` (the age
format). Bounded in size; full, or a file that cannot be written, means no more entries, and is counted: nothing that is
logged waits for it or fails with it. Reading needs the private key, and says so in the file. Imported where asked for.
"""

from __future__ import annotations

import base64
import json
import os
import threading
import time
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

from leakguard.errors import SourceError, UsageError
from leakguard.hashes import blake2b

MOST_BYTES = 64 * 1024 * 1024
MOST_KNOWN = 100_000
"""Values whose digests are kept, so that each is sealed once."""


class Entry(NamedTuple):
    """A masked value, unsealed."""

    time: float
    kind: str
    pseudonym: str
    secret: bytes

    def __repr__(self) -> str:
        return f"Entry({self.kind}, {self.pseudonym})"


def _pyrage() -> Any:
    from importlib import import_module

    try:
        return import_module("pyrage")
    except ImportError:
        raise UsageError("escrow needs the package `pyrage` (the extra `redact`)") from None


def recipient(text: str) -> Any:
    """A public key: `age1...` or an SSH one. UsageError for anything else."""
    pyrage = _pyrage()
    try:
        return (pyrage.ssh if text.startswith("ssh-") else pyrage.x25519).Recipient.from_str(text.strip())
    except Exception:  # noqa: BLE001 - pyrage's errors quote what they were given
        raise UsageError("escrow: not an age or SSH public key") from None


def seal(data: bytes, keys: list[Any]) -> bytes:
    """`data` encrypted to public keys, in the age format."""
    sealed: bytes = _pyrage().encrypt(data, keys)
    return sealed


def seal_file(source: BinaryIO, out: BinaryIO, keys: list[Any]) -> None:
    """A whole file encrypted to public keys, in bounded memory."""
    _pyrage().encrypt_io(source, out, keys)


class Escrow:
    """Where a Redactor puts what it masks. Safe for threads and after a fork; never raises once made."""

    def __init__(self, path: str, public_key: str, most_bytes: int = MOST_BYTES) -> None:
        self.path = path
        self._keys = [recipient(public_key)]
        self._seen: set[bytes] = set()
        self._salt = os.urandom(16)
        self._lock = threading.RLock()  # a signal's handler or a finaliser may log meanwhile
        self._most = most_bytes
        self._torn = False
        """Whether the file may end within a line: a disk that was full, a process that was killed. Who writes need not be able to read
        it."""
        self.written = self.dropped = 0
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
        try:
            self._handle = os.open(path, flags, 0o600)
            self._torn = os.fstat(self._handle).st_size > 0
        except OSError as error:
            raise SourceError(path, error.strerror or "cannot be written") from None
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._after_fork)

    def _after_fork(self) -> None:
        self._lock = threading.RLock()

    def fileno(self) -> int:
        """The file's descriptor: who closes others must leave it open."""
        return self._handle

    def put(self, kind: str, pseudonym: str, secret: bytes) -> None:
        """Seals a value that was masked, unless it was sealed before."""
        digest = blake2b(secret, key=self._salt, digest_size=16, person=kind.encode()[:16]).digest()
        with self._lock:
            if digest in self._seen:
                return
            if len(self._seen) >= MOST_KNOWN:
                self._seen.clear()
            self._seen.add(digest)
        try:
            sealed = base64.b64encode(seal(secret, self._keys)).decode()
            row = {"time": round(time.time(), 3), "kind": kind, "pseudonym": pseudonym, "sealed": sealed}
            line = json.dumps(row).encode() + b"\n"
            with self._lock:
                if os.fstat(self._handle).st_size + len(line) > self._most:
                    raise OSError("full")
                line = b"\n" * self._torn + line
                self._torn = os.write(self._handle, line) < len(line)
                if self._torn:
                    raise OSError("full")
                self.written += 1
        except Exception:  # noqa: BLE001 - masking goes on without it; the count tells
            with self._lock:
                self.dropped += 1
                self._seen.discard(digest)  # there may be room when it comes again

    def close(self) -> None:
        """Closes the file; nothing can be put after that."""
        os.close(self._handle)

    def __repr__(self) -> str:
        return f"Escrow({self.path}, {self.written} written, {self.dropped} dropped)"


def unseal(path: str, identity_file: str) -> Iterator[Entry]:
    """The values of an escrow file. That it was read is written to it first. SourceError if it cannot be, and in the end if entries
    are damaged or sealed to another key."""
    pyrage = _pyrage()
    keys = _identities(pyrage, identity_file)
    try:
        handle = os.open(path, os.O_RDWR | os.O_APPEND | getattr(os, "O_CLOEXEC", 0))  # one that is not there is not made
        with os.fdopen(handle, "r+b") as file:
            before = file.read()
            user = os.getuid() if hasattr(os, "getuid") else 0
            torn = b"\n" if before and not before.endswith(b"\n") else b""
            file.write(torn + json.dumps({"time": round(time.time(), 3), "unsealed_by": user}).encode() + b"\n")
    except OSError as error:
        raise SourceError(path, error.strerror or "cannot be read") from None
    damaged = closed = 0
    for line in before.split(b"\n"):
        if not line.strip():
            continue
        row = _row(line)
        if row is None:
            damaged += 1
            continue
        if "sealed" not in row:
            continue
        try:
            secret = pyrage.decrypt(base64.b64decode(row["sealed"]), keys)
        except Exception:  # noqa: BLE001 - whatever the library calls it
            closed += 1
            continue
        yield Entry(row["time"], row["kind"], row["pseudonym"], secret)
    if closed or damaged:  # the others were given
        raise SourceError(path, f"{closed} entries cannot be unsealed with this key, {damaged} lines are damaged")


def _row(line: bytes) -> dict[str, Any] | None:
    """An entry, or a note that somebody read them; None for what is neither."""
    try:
        row = json.loads(line)
    except ValueError:
        return None
    if not isinstance(row, dict) or not isinstance(row.get("time"), (int, float)):
        return None
    whole = all(isinstance(row.get(name), str) for name in ("sealed", "kind", "pseudonym"))
    return row if whole or "unsealed_by" in row else None


def _identities(pyrage: Any, path: str) -> list[Any]:
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except OSError as error:
        raise SourceError(path, error.strerror or "cannot be read") from None
    try:
        if "PRIVATE KEY" in text:
            return [pyrage.ssh.Identity.from_buffer(text.encode())]
        found = [pyrage.x25519.Identity.from_str(line.strip()) for line in text.splitlines() if line.startswith("AGE-")]
    except Exception:  # noqa: BLE001 - the message could quote the key
        found = []
    if not found:
        raise UsageError(f"{path}: no age or SSH private key in it")
    return found
