"""Makers of provider tokens that carry a checksum or a structure. See the package's promise."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from leakguard.detect.makers.base import (
    ALPHABETS,
    BASE62,
    DIGITS,
    LOWER,
    UPPER,
    WORDS,
    Maker,
    Memory,
    b64,
    b64u,
    clean,
    crc,
    fill,
    json_bytes,
    mixed,
    positional,
    until,
    uuid_text,
)


def _github(rng: Random, arg: str, _memory: Memory) -> str:
    body = fill(rng, BASE62, 30)
    return (arg or "ghp_") + body + positional(crc(body), BASE62, 6)


def _npm(rng: Random, _arg: str, _memory: Memory) -> str:
    body = fill(rng, BASE62, 30)
    return "npm_" + body + positional(crc(body), BASE62, 6)


def _gitlab_routable(rng: Random, arg: str, _memory: Memory) -> str:
    number = positional(rng.randrange(36**3, 36**5), DIGITS + LOWER)
    routing = f"o:1\nu:{number}".encode()
    payload = b64u(rng.randbytes(16) + routing + bytes([len(routing)]))
    covered = f"{arg or 'glpat-'}{payload}.01.{positional(len(payload), DIGITS + LOWER, 2)}"
    return covered + positional(crc(covered), DIGITS + LOWER, 7)


def _grafana(rng: Random, _arg: str, _memory: Memory) -> str:
    head = "glsa_" + fill(rng, ALPHABETS["alnum"], 32)
    return f"{head}_{crc(head).to_bytes(4, 'little').hex()}"


def _zuplo(rng: Random, _arg: str, _memory: Memory) -> str:
    body = fill(rng, ALPHABETS["lowernum"], 32)
    return f"zpka_{body}_{crc(body):08x}"


def _crc62(rng: Random, arg: str, _memory: Memory) -> str:
    prefix, _, count = arg.partition(" ")
    body = fill(rng, BASE62, int(count or 30))
    return prefix + body + positional(crc(body), BASE62, 6)


def _matrix(rng: Random, arg: str, _memory: Memory) -> str:
    kind = arg or "syt"
    if kind.startswith("sy"):
        owner = b64(rng.choice(WORDS).encode()).rstrip("=")
        head = f"{kind}_{owner}_{fill(rng, LOWER + UPPER, 20)}"
        return f"{head}_{positional(crc(head), BASE62, 6)}"
    head = f"{kind}_{fill(rng, BASE62, 30)}"
    return f"{head}_{positional(crc(head), BASE62)[::-1].rjust(6, '0')}"


def _confluent(rng: Random, _arg: str, _memory: Memory) -> str:
    body = fill(rng, ALPHABETS["alnum"], 54)
    return f"cflt{body}{b64(crc(body).to_bytes(4, 'little'))[:6]}"


def _pypi(rng: Random, arg: str, _memory: Memory) -> str:
    def field(kind: int, data: bytes) -> bytes:
        size = bytes([len(data)]) if len(data) < 128 else bytes([len(data) & 127 | 128, len(data) >> 7])
        return bytes([kind]) + size + data

    caveat = json_bytes({"version": 1, "permissions": {"projects": [arg]} if arg else "user"})
    head = field(1, b"pypi.org") + field(2, uuid_text(rng).encode()) + b"\x00"
    return "pypi-" + b64u(b"\x02" + head + field(2, caveat) + b"\x00\x00" + field(6, rng.randbytes(32)))


def _sentry_org(rng: Random, _arg: str, _memory: Memory) -> str:
    claims = {
        "iat": 1_700_000_000 + rng.randrange(50_000_000) + 0.5,
        "url": "https://sentry.io",
        "region_url": "https://us.sentry.io",
        "org": rng.choice(WORDS) + "-" + rng.choice(WORDS),
    }
    return f"sntrys_{b64(json_bytes(claims))}_{fill(rng, ALPHABETS['b64'], 43)}"


def _aws_key_id(rng: Random, arg: str, _memory: Memory) -> str:
    def make() -> str:
        top = 1 << 47 | rng.randrange(10**11, 10**12) << 7 | rng.randrange(128)
        return positional(top << 32 | rng.getrandbits(32), ALPHABETS["b32"], 16)

    return (arg or "AKIA") + until(make, lambda text: clean(text) and mixed(text, ALPHABETS["b32"]))


# service -> (bytes in all, signature, seed)
_AZURE = {
    "storage": (64, "+ASt", "Default0"),
    "cosmos": (64, "ACDb", "MastRW00"),
    "batch": (64, "+ABa", "AbAcct00"),
    "ml": (64, "+AMC", "Classic0"),
    "apim": (64, "APIM", "Tenant00"),
    "servicebus": (32, "+ASb", "Manage00"),
    "eventhub": (32, "+AEh", "Manage00"),
    "relay": (32, "+ARm", "Manage00"),
    "iot": (32, "AIoT", "IoTHub00"),
    "redis": (32, "AzCa", "Access00"),
    "search": (39, "AzSe", "PAdmin00"),
    "registry": (39, "+ACR", "ACRDflt0"),
    "function": (40, "AzFu", "Functi00"),
    "sql": (32, "+SQL", "UsrPwd00"),
}


def _azure_marvin(rng: Random, arg: str, _memory: Memory) -> str:
    if arg not in _AZURE:
        raise ValueError(f"azure_marvin: no service {arg!r}")
    size, signature, seed = _AZURE[arg]
    spare = -size * 8 % 6
    # After the signature come 32 bits of checksum, moved so that the signature's characters stay whole.
    head = rng.getrandbits(size * 8 - 60 + spare)
    mark = 0
    for char in signature:
        mark = mark << 6 | ALPHABETS["b64"].index(char)
    covered = ((head << 24 | mark) << (4 - spare)).to_bytes(size - 4, "big")
    raw = covered + _marvin(covered, seed).to_bytes(4, "little")
    return b64(raw).replace("+", "-").replace("/", "_") if arg == "function" else b64(raw)


def _marvin(data: bytes, seed: str) -> int:
    mask = 0xFFFFFFFF
    low, high = int.from_bytes(seed[4:].encode(), "big"), int.from_bytes(seed[:4].encode(), "big")
    data += b"\x80" + bytes(3 - len(data) % 4)
    words = [int.from_bytes(data[at : at + 4], "little") for at in range(0, len(data), 4)]
    for word in [*words, 0]:
        low = (low + word) & mask
        high ^= low
        low = ((low << 20 | low >> 12) + high) & mask
        high = (high << 9 | high >> 23) & mask ^ low
        low = ((low << 27 | low >> 5) + high) & mask
        high = (high << 19 | high >> 13) & mask
    return low ^ high


def _azure_ad(rng: Random, _arg: str, _memory: Memory) -> str:
    alphabet = LOWER + UPPER + "1234567890.-_~"
    body = fill(rng, ALPHABETS["alnum"], 3) + "8Q~" + fill(rng, alphabet, 31)
    return body + positional(_marvin(body.encode(), "AadPwd00"), alphabet, 3)[:3]


def _discord_bot(rng: Random, _arg: str, _memory: Memory) -> str:
    user = (rng.randrange(40_000_000, 290_000_000) * 1000 << 22) + rng.getrandbits(22)
    made = rng.randrange(200_000_000, 400_000_000).to_bytes(4, "big")
    return f"{b64u(str(user).encode())}.{b64u(made)}.{fill(rng, ALPHABETS['b64u'], 38)}"


def _jwt(rng: Random, arg: str, _memory: Memory) -> str:
    import hmac

    algorithm = arg or "HS256"
    start = 1_760_000_000 + rng.randrange(10_000_000)
    claims = {
        "iss": f"https://{rng.choice(WORDS)}.dev",
        "sub": uuid_text(rng),
        "iat": start,
        "exp": start + 10 * 365 * 86_400,
    }
    signed = b64u(json_bytes({"alg": algorithm, "typ": "JWT"})) + "." + b64u(json_bytes(claims))
    key, other = rng.randbytes(32), rng.randbytes(256 if algorithm.startswith("RS") else 64)
    return f"{signed}.{b64u(hmac.digest(key, signed.encode(), 'sha256') if algorithm == 'HS256' else other)}"


def _basic_auth(rng: Random, arg: str, _memory: Memory) -> str:
    return b64(f"{arg or rng.choice(WORDS)}:{fill(rng, ALPHABETS['alnum'], 20)}".encode())


def _object_id(rng: Random, _arg: str, _memory: Memory) -> str:
    return until(lambda: f"{rng.randrange(1_514_764_800, 1_750_000_000):08x}" + fill(rng, ALPHABETS["hex"], 16))


MAKERS: Mapping[str, Maker] = {
    "aws_key_id": _aws_key_id,  # prefix, AKIA by default
    "azure_ad": _azure_ad,
    "azure_marvin": _azure_marvin,  # service: storage, cosmos ...
    "basic_auth": _basic_auth,  # user
    "confluent": _confluent,
    "crc62": _crc62,  # prefix, characters of its body (30 by default)
    "discord_bot": _discord_bot,
    "github": _github,  # prefix, ghp_ by default
    "gitlab_routable": _gitlab_routable,  # prefix, glpat- by default
    "grafana": _grafana,
    "jwt": _jwt,  # algorithm
    "matrix": _matrix,  # kind: syt, syr, mat, mar, mct, mcr
    "npm": _npm,
    "object_id": _object_id,
    "pypi": _pypi,  # project it is bound to
    "sentry_org": _sentry_org,
    "zuplo": _zuplo,
}
