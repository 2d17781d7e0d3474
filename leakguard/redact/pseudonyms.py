"""What a masked secret is called: six hex digits that are the same wherever it stands, and the scanner's own.

Promises: a pseudonym is the beginning of the keyed fingerprint that the scanner gives the secret; what people choose has
none, as it could be guessed. Keeps no secret. Imported by core.py.
"""

from __future__ import annotations

from collections.abc import Callable

from leakguard.hashes import blake2b
from leakguard.redact import pieces


class Pseudonyms:
    """The pseudonyms under one key; `on=False` gives nobody one."""

    __slots__ = ("_key", "_namers", "_on")

    def __init__(self, key: bytes, on: bool) -> None:
        self._key = key
        self._on = on
        self._namers: dict[str, Callable[[bytes], str]] = {}
        """By kind what says its pseudonyms."""

    def of(self, kind: str, secret: bytes) -> str:
        """Six hex digits that name a secret: the beginning of the scanner's fingerprint, where `kind` is its rule; "" for
        kinds without pseudonyms."""
        try:
            name = self._namers[kind]
        except KeyError:
            name = self._namers[kind] = self._namer(kind)
        return name(secret)

    def _namer(self, kind: str) -> Callable[[bytes], str]:
        """What says the pseudonyms of a kind."""
        made = self._state(kind, kind.partition(".")[2])
        if made is None:
            return lambda _secret: ""
        keyed, named = blake2b(key=self._key, digest_size=16).copy, made.copy  # half of what making them anew costs

        def name(secret: bytes) -> str:
            first, last = keyed(), named()
            first.update(secret)
            last.update(first.digest())
            return last.hexdigest()[:6]

        return name

    def _state(self, kind: str, part: str) -> blake2b | None:
        """What becomes the digest of a secret of this kind, once its own is added; None for kinds without pseudonyms."""
        if not self._on or part in pieces.CHOSEN or kind.startswith(("pem.", "url.password")):
            return None
        return blake2b(kind.encode() + b"\0", key=self._key, digest_size=16, person=b"finding")

    def keyed(self, kind: str, part: str, key: bytes) -> str:
        """The same of what the scanner made of a secret already (runtime.Found.key), for a part by its name."""
        state = self._state(kind, part)
        if state is None:
            return ""
        state.update(key)
        return state.hexdigest()[:6]


__all__ = ["Pseudonyms"]
