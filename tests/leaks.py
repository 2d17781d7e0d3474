"""What the tests of the core share: secrets made from a seed, texts around them, and encodings that hide them."""

from __future__ import annotations

import base64
import binascii
import gzip
import html
import json
import quopri
import re
import zlib
from collections.abc import Callable
from random import Random
from urllib.parse import quote

from leakguard.detect.engine import Engine
from leakguard.detect.generate import expand_marked

TEMPLATES = {
    "github": 'token = "<<{{gen:github ghp_}}>>"\n',
    "npm": "//registry.example/:_authToken=<<{{gen:npm}}>>\n",
    "binance": 'BINANCE_API_SECRET="<<{{alnum*64}}>>"\n',
    "postgres": "url: postgres://app:<<{{alnum*20}}>>@db.internal:5432/orders\n",
    "pem": "<<{{gen:pem pkcs8}}>>\n",
    "phrase": "<<{{gen:bip39 12}}>>\n",
}
"""One line (or one block) each, found by rules that will stay."""


def rng(seed: int) -> Random:
    return Random(seed)


def leak(kind: str, seed: int) -> tuple[bytes, bytes]:
    """(text, secret in it as `bare` writes it) of a kind."""
    text, spans = expand_marked(TEMPLATES[kind], Random(f"{kind}:{seed}"))
    start, end = spans[0]
    return text.encode(), bare(text[start:end].encode())


def secrets(engine: Engine, data: bytes) -> set[bytes]:
    """What an engine that keeps secrets finds, as `bare` writes it."""
    return {bare(match.secret) for match in engine.scan(data).matches if match.secret is not None}


def bare(secret: bytes) -> bytes:
    """A secret without what differs between a block of text and the same as an escaped string."""
    return re.sub(rb"\\+[nr]|[^A-Za-z0-9_]", b"", secret)


# ---- noise ----------------------------------------------------------------------------------------------------------

_WORDS = b"the order was filled at price and size in return value def class import self data key id user count".split()


def _prose(random: Random, size: int) -> bytes:
    out = bytearray()
    while len(out) < size:
        out += random.choice(_WORDS) + random.choice((b" ", b" ", b" ", b"\n", b"_", b" = ", b'("', b'", '))
    return bytes(out[:size])


def _records(random: Random, size: int) -> bytes:
    out = bytearray()
    while len(out) < size:
        row = {
            "id": random.randrange(10**9),
            "hash": random.randbytes(16).hex(),
            "name": random.choice(_WORDS).decode(),
        }
        out += json.dumps(row).encode() + b"\n"
    return bytes(out[:size])


def _letters(random: Random, size: int) -> bytes:
    return base64.b64encode(random.randbytes(size))[:size]


def _bytes(random: Random, size: int) -> bytes:
    return random.randbytes(size)


def noise(seed: int, size: int) -> bytes:
    """Text and bytes of several kinds in one, as they stand in files."""
    random = Random(f"noise:{seed}")
    out = bytearray()
    while len(out) < size:
        make = random.choice((_prose, _prose, _records, _letters, _bytes))
        out += b"\n" + make(random, random.randrange(20, max(40, size // 3))) + b"\n"
    return bytes(out[:size])


# ---- encodings ------------------------------------------------------------------------------------------------------


def wrapped(text: bytes, width: int = 76, joint: bytes = b"\n") -> bytes:
    """base64 in lines."""
    digits = base64.b64encode(text)
    return joint.join(digits[at : at + width] for at in range(0, len(digits), width))


def pieces(text: bytes, joint: str, size: int = 18) -> bytes:
    """A text as string literals with something between them."""
    parts = [text[at : at + size].decode() for at in range(0, len(text), size)]
    return joint.join(f'"{part}"' for part in parts).encode()


ENCODINGS: dict[str, Callable[[bytes], bytes]] = {
    "base64": base64.b64encode,
    "base64 url-safe": base64.urlsafe_b64encode,
    "base64 without padding": lambda text: base64.b64encode(text).rstrip(b"="),
    "base64 wrapped": wrapped,
    "base64 wrapped, CRLF": lambda text: wrapped(text, 64, b"\r\n"),
    "base64 wrapped, indented": lambda text: wrapped(text, 76, b"\n      "),
    "base64 wrapped, escaped": lambda text: b'"' + wrapped(text, 76, b"\\n") + b'"',
    "base64 wrapped, CRLF escaped": lambda text: b'"' + wrapped(text, 76, b"\\r\\n") + b'"',
    "gzip in base64": lambda text: base64.b64encode(gzip.compress(text, mtime=0)),
    "gzip in base64, wrapped": lambda text: wrapped(gzip.compress(text, mtime=0)),
    "zlib in base64": lambda text: base64.b64encode(zlib.compress(text)),
    "helm": lambda text: base64.b64encode(base64.b64encode(gzip.compress(text, mtime=0))),
    "hex": binascii.b2a_hex,
    "hex, upper case": lambda text: binascii.b2a_hex(text).upper(),
    "hex, a digit too many": lambda text: binascii.b2a_hex(text) + b"7",
    "percent": lambda text: quote(text, safe="").encode(),
    "percent, every byte": lambda text: b"".join(b"%%%02x" % byte for byte in text),
    "unicode escapes": lambda text: b"".join(b"\\u%04x" % byte for byte in text),
    "byte escapes": lambda text: b"".join(b"\\x%02x" % byte for byte in text),
    "character references": lambda text: b"".join(b"&#%d;" % byte for byte in text),
    "character references, hex": lambda text: b"".join(b"&#x%x;" % byte for byte in text),
    "quoted-printable": quopri.encodestring,
    "quoted-printable, CRLF": lambda text: quopri.encodestring(text).replace(b"=\n", b"=\r\n"),
    "html": lambda text: html.escape(text.decode()).encode(),
    "json": lambda text: json.dumps({"body": text.decode()}).encode(),
    "json in json": lambda text: json.dumps({"body": json.dumps({"body": text.decode()})}).encode(),
    "json, slashes escaped": lambda text: json.dumps({"body": text.decode()}).replace("/", "\\/").encode(),
    "utf-16le": lambda text: text.decode().encode("utf-16-le"),
    "utf-16be": lambda text: text.decode().encode("utf-16-be"),
    "utf-16 with BOM": lambda text: text.decode().encode("utf-16"),
    "utf-16 in base64": lambda text: base64.b64encode(text.decode().encode("utf-16-le")),
}
"""name -> an encoding of a whole text, such that the text is found again."""
