"""What the makers share: alphabets, random text that looks like no placeholder, plain encoders.

Promise: pure functions of the random generator given. Imported by this package and by detect/generate only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from random import Random
from typing import Any

Memory = dict[str, bytes]
"""What one template's makers leave each other: a key whose public half follows."""

Maker = Callable[[Random, str, Memory], str]

LOWER, UPPER, DIGITS = "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
RIPPLE58 = "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz"
BASE62 = DIGITS + UPPER + LOWER

ALPHABETS: Mapping[str, str] = {
    "digits": DIGITS,
    "lower": LOWER,
    "upper": UPPER,
    "alpha": LOWER + UPPER,
    "alnum": LOWER + UPPER + DIGITS,
    "lowernum": LOWER + DIGITS,
    "uppernum": UPPER + DIGITS,
    "hex": DIGITS + "abcdef",
    "HEX": DIGITS + "ABCDEF",
    "b64": UPPER + LOWER + DIGITS + "+/",
    "b64u": UPPER + LOWER + DIGITS + "-_",
    "b58": BASE58,
    "b32": UPPER + "234567",
}
"""The classes of the template language."""

_WORD_TEXT = (
    "amber anvil badger barley basalt beacon birch bramble canyon cedar cobalt copper coral crimson dahlia ember "
    "falcon fennel garnet ginger glacier granite harbor hazel heron indigo ivory jasper juniper kestrel lagoon "
    "lantern lichen magnet maple marble meadow nectar nutmeg onyx orchid pebble quartz raven saddle saffron "
    "sparrow thistle timber topaz tulip tundra velvet walnut willow zephyr"
)
WORDS = tuple(_WORD_TEXT.split())
"""Plain words for names and hosts; none of them is a placeholder."""

_BETRAYING_TEXT = (
    "test fake example sample dummy demo mock your changeme redacted placeholder secret password passwd token "
    "apikey null none true false todo foobar qwer asdf xxx abcd 0000"
)
_BETRAYING = tuple(_BETRAYING_TEXT.split())
"""Words that gates take for a placeholder: no random value may hold one by chance."""


def clean(text: str) -> bool:
    """Whether a random text could not be taken for a placeholder: no such words, no runs of four characters."""
    low = text.lower()
    if any(word in low for word in _BETRAYING):
        return False
    steps = [ord(after) - ord(before) for before, after in pairwise(low)]
    return not any(a in (-1, 0, 1) and a == b == c for a, b, c in zip(steps, steps[1:], steps[2:], strict=False))


def mixed(text: str, alphabet: str) -> bool:
    """Whether a text has a character of each of lower, upper and digit that its alphabet has."""
    kinds = [kind for kind in (LOWER, UPPER, DIGITS) if set(kind) & set(alphabet)]
    return len(text) < len(kinds) or all(set(kind) & set(text) for kind in kinds)


def fill(rng: Random, alphabet: str, count: int) -> str:
    """`count` random characters that hold every kind the alphabet has and look like no placeholder."""
    return until(lambda: "".join(rng.choices(alphabet, k=count)), lambda text: clean(text) and mixed(text, alphabet))


def until(make: Callable[[], str], fits: Callable[[str], bool] = clean) -> str:
    """The first made text that fits. ValueError if none of ten thousand does."""
    for _ in range(10_000):
        text = make()
        if fits(text):
            return text
    raise ValueError("no random text of this class and length looks like a secret")


def positional(number: int, alphabet: str, width: int = 0) -> str:
    """A number in the digits of an alphabet, at least `width` of them."""
    out = ""
    while number:
        number, rest = divmod(number, len(alphabet))
        out = alphabet[rest] + out
    return out.rjust(width, alphabet[0])


def b64(raw: bytes, padded: bool = True) -> str:
    """Bytes as base64."""
    from base64 import b64encode

    text = b64encode(raw).decode("ascii")
    return text if padded else text.rstrip("=")


def b64u(raw: bytes) -> str:
    """Bytes as base64url without padding, as JWTs have them."""
    from base64 import urlsafe_b64encode

    return urlsafe_b64encode(raw).decode("ascii").rstrip("=")


def json_bytes(value: object) -> bytes:
    """A value as JSON without spaces."""
    from json import dumps

    return dumps(value, separators=(",", ":")).encode()


def crc(text: str) -> int:
    """The CRC32 of a text."""
    from zlib import crc32

    return crc32(text.encode())


def uuid_text(rng: Random) -> str:
    """A random UUID."""
    from uuid import UUID

    return until(lambda: str(UUID(int=rng.getrandbits(128), version=4)))


def ed25519_key(seed: bytes) -> Any:
    """The Ed25519 key of a seed of 32 bytes."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(seed)


def ed25519_public(seed: bytes) -> bytes:
    """The 32 bytes of its public half."""
    raw: bytes = ed25519_key(seed).public_key().public_bytes_raw()
    return raw
