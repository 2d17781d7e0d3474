"""Makers of private key containers: PEM, OpenSSH, PuTTY, OpenPGP, JWK, keystores. See the package's promise."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from random import Random
from typing import Any

from leakguard.detect.makers.base import (
    WORDS,
    Maker,
    Memory,
    b64,
    b64u,
    ed25519_key,
    ed25519_public,
    json_bytes,
    until,
    uuid_text,
)


def _is_prime(number: int, rng: Random) -> bool:
    """Miller-Rabin, eight rounds."""
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for base in (rng.randrange(2, 1 << 64) for _ in range(8)):
        power = pow(base, odd, number)
        if power in (1, number - 1):
            continue
        for _ in range(twos - 1):
            power = power * power % number
            if power == number - 1:
                break
        else:
            return False
    return True


@lru_cache(maxsize=4)
def _rsa_primes(variant: int) -> tuple[int, int]:
    """Two seeded primes of 1024 bits. A sieve leaves one candidate in twenty for the slow test."""
    rng = Random(f"leakguard example rsa {variant}")  # noqa: S311  (examples must be the same everywhere)
    odd = range(3, 20_000, 2)
    small = [number for number in odd if all(number % part for part in range(3, int(number**0.5) + 1, 2))]
    primes: list[int] = []
    while len(primes) < 2:
        start = rng.getrandbits(1024) | 3 << 1022 | 1
        composite = bytearray(8_192)
        for prime in small:
            # start + 2 * place is divisible by prime from this place on, every prime places
            first = (-start * pow(2, -1, prime)) % prime
            composite[first::prime] = b"\x01" * len(range(first, len(composite), prime))
        for place, marked in enumerate(composite):
            if not marked and (start + 2 * place - 1) % 65_537 and _is_prime(start + 2 * place, rng):
                primes.append(start + 2 * place)
                break
    return primes[0], primes[1]


def _rsa_key(rng: Random) -> Any:
    from cryptography.hazmat.primitives.asymmetric import rsa

    # Few primes, cached: finding them takes most of a second, and no rule cares which they are.
    p, q = _rsa_primes(rng.randrange(3))
    d = pow(65_537, -1, (p - 1) * (q - 1))
    numbers = rsa.RSAPrivateNumbers(
        p, q, d, d % (p - 1), d % (q - 1), rsa.rsa_crt_iqmp(p, q), rsa.RSAPublicNumbers(65_537, p * q)
    )
    return numbers.private_key(unsafe_skip_rsa_key_validation=True)


def _ec_key(rng: Random) -> Any:
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.derive_private_key(rng.getrandbits(255) | 1, ec.SECP256R1())


def _armour(label: str, raw: bytes, width: int = 64) -> str:
    text = b64(raw)
    lines = [text[at : at + width] for at in range(0, len(text), width)]
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----"])


def _ssh_string(*parts: bytes) -> bytes:
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def _openssh(rng: Random) -> str:
    """An unencrypted OpenSSH container; the library's own has random check bytes, so it is put together here."""
    seed = rng.randbytes(32)
    public, check = ed25519_public(seed), rng.randbytes(4)
    blob = _ssh_string(b"ssh-ed25519", public)
    private = check + check + _ssh_string(b"ssh-ed25519", public, seed + public, b"deploy")
    private += bytes(range(1, 1 + -len(private) % 8))
    head = _ssh_string(b"none", b"none", b"") + (1).to_bytes(4, "big")
    return _armour("OPENSSH PRIVATE KEY", b"openssh-key-v1\x00" + head + _ssh_string(blob, private), 70)


def _der(rng: Random, kind: str) -> tuple[str, bytes]:
    """Label and DER of a key: rsa, pkcs8, ec, ec-pkcs8, ed25519."""
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    makers: Mapping[str, tuple[str, PrivateFormat, Callable[[], Any]]] = {
        "rsa": ("RSA PRIVATE KEY", PrivateFormat.TraditionalOpenSSL, lambda: _rsa_key(rng)),
        "pkcs8": ("PRIVATE KEY", PrivateFormat.PKCS8, lambda: _rsa_key(rng)),
        "ec": ("EC PRIVATE KEY", PrivateFormat.TraditionalOpenSSL, lambda: _ec_key(rng)),
        "ec-pkcs8": ("PRIVATE KEY", PrivateFormat.PKCS8, lambda: _ec_key(rng)),
        "ed25519": ("PRIVATE KEY", PrivateFormat.PKCS8, lambda: ed25519_key(rng.randbytes(32))),
    }
    if kind not in makers:
        raise ValueError(f"pem: no kind {kind!r}, only {', '.join([*makers, 'openssh', 'encrypted'])}")
    label, form, make = makers[kind]
    return label, make().private_bytes(Encoding.DER, form, NoEncryption())


def _pem(rng: Random, arg: str, _memory: Memory) -> str:
    kind = arg or "pkcs8"
    if kind == "openssh":
        return _openssh(rng)
    if kind == "encrypted":
        return _armour("ENCRYPTED PRIVATE KEY", b"\x30\x82\x04\xe3" + rng.randbytes(1_251))
    return _armour(*_der(rng, kind))


def _pem_escaped(rng: Random, arg: str, memory: Memory) -> str:
    return _pem(rng, arg, memory).replace("\n", "\\n") + "\\n"


def _der_base64(rng: Random, arg: str, _memory: Memory) -> str:
    return b64(_der(rng, arg or "pkcs8")[1])


def _putty(rng: Random, _arg: str, _memory: Memory) -> str:
    import hmac

    seed, comment = rng.randbytes(32), rng.choice(WORDS).encode()
    public, private = _ssh_string(b"ssh-ed25519", ed25519_public(seed)), _ssh_string(seed)
    mac = hmac.digest(b"", _ssh_string(b"ssh-ed25519", b"none", comment, public, private), "sha256").hex()
    text = b64(public)
    lines = ["PuTTY-User-Key-File-3: ssh-ed25519", "Encryption: none", f"Comment: {comment.decode()}"]
    lines += ["Public-Lines: 2", text[:64], text[64:], "Private-Lines: 1", b64(private), f"Private-MAC: {mac}"]
    return "\n".join(lines)


def _pgp(rng: Random, _arg: str, _memory: Memory) -> str:
    """A version 4 EdDSA secret key without passphrase, its user id, and the armour's checksum."""

    def number(raw: bytes) -> bytes:
        raw = raw.lstrip(b"\x00")
        return (len(raw) * 8 - 8 + raw[0].bit_length()).to_bytes(2, "big") + raw

    seed = rng.randbytes(32)
    curve = bytes.fromhex("092b06010401da470f01")
    head = b"\x04" + rng.randrange(1_600_000_000, 1_750_000_000).to_bytes(4, "big") + b"\x16"
    public, secret = curve + number(b"\x40" + ed25519_public(seed)), number(seed)
    key = head + public + b"\x00" + secret + (sum(secret) & 0xFFFF).to_bytes(2, "big")
    user = f"{rng.choice(WORDS)} <{rng.choice(WORDS)}@{rng.choice(WORDS)}.dev>".encode()
    data = b"".join(bytes([0xC0 | tag, len(body)]) + body for tag, body in ((5, key), (13, user)))
    check = 0xB704CE
    for byte in data:
        check ^= byte << 16
        for _ in range(8):
            check <<= 1
            check ^= 0x1864CFB if check >> 24 else 0
    lines = _armour("PGP PRIVATE KEY BLOCK", data).split("\n")
    return "\n".join([lines[0], "", *lines[1:-1], "=" + b64(check.to_bytes(3, "big")), lines[-1]])


def _jwk(rng: Random, arg: str, _memory: Memory) -> str:
    def text(number: int, size: int = 32) -> str:
        return b64u(number.to_bytes(size, "big"))

    key: dict[str, str]
    if arg == "EC":
        numbers = _ec_key(rng).private_numbers()
        point = numbers.public_numbers
        key = {"crv": "P-256", "x": text(point.x), "y": text(point.y), "d": text(numbers.private_value)}
    elif arg == "RSA":
        rsa = _rsa_key(rng).private_numbers()
        key = {"n": text(rsa.public_numbers.n, 256), "e": "AQAB", "d": text(rsa.d, 256)}
        key |= {"p": text(rsa.p, 128), "q": text(rsa.q, 128), "dp": text(rsa.dmp1, 128)}
        key |= {"dq": text(rsa.dmq1, 128), "qi": text(rsa.iqmp, 128)}
    elif arg == "oct":
        key = {"k": b64u(rng.randbytes(32)), "alg": "HS256"}
    else:
        seed = rng.randbytes(32)
        key = {"crv": "Ed25519", "x": b64u(ed25519_public(seed)), "d": b64u(seed)}
    return json_bytes({"kty": arg or "OKP", **key}).decode()


def _wireguard(rng: Random, _arg: str, _memory: Memory) -> str:
    def make() -> str:
        raw = bytearray(rng.randbytes(32))
        raw[0] &= 0xF8
        raw[31] = raw[31] & 0x3F | 0x40
        return b64(bytes(raw))

    return until(make)


def _keystore_v3(rng: Random, _arg: str, _memory: Memory) -> str:
    crypto = {
        "cipher": "aes-128-ctr",
        "ciphertext": rng.randbytes(32).hex(),
        "cipherparams": {"iv": rng.randbytes(16).hex()},
        "kdf": "scrypt",
        "kdfparams": {"dklen": 32, "n": 262_144, "r": 8, "p": 1, "salt": rng.randbytes(32).hex()},
        "mac": rng.randbytes(32).hex(),
    }
    whole = {"address": rng.randbytes(20).hex(), "crypto": crypto, "id": uuid_text(rng), "version": 3}
    return json_bytes(whole).decode()


MAKERS: Mapping[str, Maker] = {
    "der_base64": _der_base64,  # rsa, pkcs8, ec, ec-pkcs8, ed25519
    "jwk": _jwk,  # OKP (default), EC, RSA, oct
    "keystore_v3": _keystore_v3,
    "pem": _pem,  # rsa, pkcs8 (default), ec, ec-pkcs8, ed25519, openssh, encrypted
    "pem_escaped": _pem_escaped,  # the same with line ends written as backslash-n
    "pgp": _pgp,
    "putty": _putty,
    "wireguard": _wireguard,
}
