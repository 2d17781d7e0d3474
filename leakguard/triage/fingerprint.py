"""The identity of a finding: content, not place.

A secret of high entropy is named by a keyed hash of the secret and the rule, so moving its line, squashing or
rebasing changes nothing, and the same secret in a log and in a backup has one name. A kind that people choose
themselves (a password) could be guessed from such a hash by whoever reads a committed baseline: it is named by the
masked line and the path instead. Pure functions; imported by findings.py, hook.py, cli/, triage/ and redact/.
"""

from __future__ import annotations

from leakguard.hashes import blake2b
from leakguard.model import LOW_ENTROPY_PARTS, Match, Rule

SCHEME = "lg1"
DEFAULT_KEY = b"leakguard fingerprint 1"
"""Used when the configuration sets no key: separates our hashes from others', keeps nothing secret."""


def key_from(text: str) -> bytes:
    """The hash key of a configured `fingerprint_key` ("" for none), at most 64 bytes as BLAKE2b wants it."""
    return blake2b(text.encode(), person=b"leakguard key").digest() if text else DEFAULT_KEY


def fingerprint(rule: Rule, match: Match, key: bytes, path: str, masked: str) -> str:
    """`lg1-` and 32 hex digits for a secret, `lg1p-` and 32 for one named by its place."""
    if rule.part in LOW_ENTROPY_PARTS:
        return place_fingerprint(rule.id, key, path, masked)
    digest = blake2b(key=key, digest_size=16, person=b"finding")
    digest.update(rule.id.encode() + b"\0")
    digest.update(match.key)
    return f"{SCHEME}-{digest.hexdigest()}"


def place_fingerprint(rule: str, key: bytes, path: str, masked: str) -> str:
    """The name of a finding that its place names: a baseline makes it anew for the path as it knows it."""
    digest = blake2b(key=key, digest_size=16, person=b"finding")
    digest.update(rule.encode() + b"\0")
    digest.update(path.encode("utf-8", "surrogateescape") + b"\0" + masked.encode("utf-8", "surrogateescape"))
    return f"{SCHEME}p-{digest.hexdigest()}"
