"""Gates for private key containers: PEM, DER, OpenPGP, PuTTY, JWK, WireGuard, Ethereum keystores.

Pure functions of one Candidate: they never raise on odd input, never print, and add only public facts (type, size,
curve, whether encrypted, address). A container that parses as a private key is PROVEN. An encrypted one, and one
that is cut or altered but still made of key material, is PASS. A placeholder is REJECT. Imported by detect/ only,
by name through the table in gates/__init__; imports nothing else of the project, and what it needs (cryptography)
inside the functions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from leakguard.detect.gates import Candidate, Verdict

REJECT, PASS, PROVEN = Verdict.REJECT, Verdict.PASS, Verdict.PROVEN

NEAR = 2_000
"""How far, in bytes, a derived public key may stand from its private key."""

OBJECT = 16_384
"""How much is read, in bytes, of a JSON object that stands around a value."""

# label of the armour -> fewest base64 characters a key of that kind has
_SHORTEST = {b"RSA": 100, b"OPENSSH": 100, b"DSA": 100, b"PGP": 100, b"EC": 40, b"": 60}


def _key_material(text: bytes) -> bytes:
    """The base64 characters of an armoured body, whatever a file format put between them."""
    import re

    text = re.sub(rb"\\+u00([0-9A-Fa-f]{2})", lambda found: bytes([int(found[1], 16)]), text)
    text = re.sub(rb"\\+[nrt]", b"\n", text)
    # A plus that stands alone joins string literals; in base64 it has neighbours.
    text = re.sub(rb"(?<=[\s\"'])\+(?=[\s\"'])", b"", text)
    return re.sub(rb"[^0-9A-Za-z+/=]", b"", text).rstrip(b"=")


def _unbase64(body: bytes) -> bytes:
    """Bytes behind base64 without padding; of a cut one, as many as are whole."""
    from binascii import Error, a2b_base64

    body = body.rstrip(b"=").replace(b"-", b"+").replace(b"_", b"/")
    if len(body) % 4 == 1:
        body = body[:-1]
    try:
        return a2b_base64(body + b"=" * (-len(body) % 4), strict_mode=True)
    except Error:
        return b""  # no base64: parses as nothing


def _is_filler(raw: bytes, body: bytes, shortest: int) -> bool:
    """Whether an armoured body is a placeholder: short, dotted out, a repeated character, prose or code."""
    import re

    if len(body) < shortest or len(set(body)) < 16 or (b"..." in raw and len(body) < 200):
        return True
    foreign = len(re.sub(rb"\\+[nrtu\"'/]|[0-9A-Za-z+/=\s\\\"',;#*|>-]", b"", raw))
    runs = re.findall(rb"[0-9A-Za-z+/=]+", re.sub(rb"\\+[nrt]", b"\n", raw))
    # Key material comes in lines of 64 or so; in prose or code the runs between other characters are words.
    return foreign > 8 + len(raw) // 16 or len(body) < 16 * len(runs)


def _describe(candidate: Candidate, key: Any) -> None:
    """Notes type, size and curve of a parsed key."""
    name = type(key).__name__.removeprefix("_").replace("PrivateKey", "").lower()
    kind = {"ellipticcurve": "ec", "ec": "ec"}.get(name, name)
    candidate.facts["type"] = kind
    if kind == "ec":
        candidate.facts["curve"] = str(key.curve.name)
    elif hasattr(key, "key_size"):
        candidate.facts["bits"] = str(key.key_size)


def _load(load: Callable[..., Any], data: bytes) -> Any:
    """A private key parsed by one of cryptography's loaders and checked; None if it is none or unsupported."""
    import inspect
    import warnings

    from cryptography.exceptions import UnsupportedAlgorithm

    # OpenSSL's test of RSA primes takes up to a second; the arithmetic in _consistent is enough and quick. The loader
    # of OpenSSH's keys takes the option in newer releases only.
    skip = "unsafe_skip_rsa_key_validation"
    options = {skip: True} if skip in inspect.signature(load).parameters else {}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # warnings about weak and deprecated keys are for their owners
            key = load(data, password=None, **options)
            return key if _consistent(key) else None
    except (ValueError, TypeError, UnsupportedAlgorithm, OverflowError):
        return None  # not a key, or encrypted, or of a kind the library lacks: the caller judges


def _consistent(key: Any) -> bool:
    """Whether an RSA key's numbers belong together; other kinds are checked by the loader."""
    from math import gcd

    if type(key).__name__ != "RSAPrivateKey":
        return True
    numbers = key.private_numbers()
    p, q, e = numbers.p, numbers.q, numbers.public_numbers.e
    if min(p, q) < 3 or p * q != numbers.public_numbers.n:
        return False
    order = (p - 1) * (q - 1) // gcd(p - 1, q - 1)
    return bool(e * numbers.d % order == 1)


def _ssh_cipher(raw: bytes) -> bytes:
    """The cipher an OpenSSH container names, b"" if it is none."""
    magic = b"openssh-key-v1\x00"
    size = int.from_bytes(raw[len(magic) : len(magic) + 4], "big")
    return raw[len(magic) + 4 : len(magic) + 4 + min(size, 64)] if raw.startswith(magic) else b""


def pem(candidate: Candidate, _wanted: bool = True) -> Verdict:
    """An armoured private key, also with escaped, indented or missing line ends, quoted or concatenated."""
    import re

    secret = candidate.secret
    begin = re.search(rb"-----BEGIN ([A-Z0-9 ]{0,40}?) ?PRIVATE KEY(?: BLOCK)?-----", secret)
    if begin is None:
        return REJECT
    label, raw = begin[1].strip(), secret[begin.end() :].partition(b"-----END")[0]
    if label == b"PGP":
        return pgp(candidate)
    headers = re.match(rb"(?:[\s\"'+,\\nr]*(?:Proc-Type|DEK-Info|Comment|Subject|X-[\w-]+):[^\n\\]{0,200})+", raw)
    if headers:
        raw = raw[headers.end() :]
    body = _key_material(raw)
    # A length of two bytes in front means a key of some size: RSA, whatever the label says.
    shortest = 100 if body.startswith(b"MII") else _SHORTEST.get(label, 60)
    if _is_filler(raw, body, shortest):
        return REJECT
    der = _unbase64(body)
    locked = b"ENCRYPTED" in label or (headers is not None and b"ENCRYPTED" in headers[0])
    if locked or _ssh_cipher(der) not in (b"", b"none"):
        candidate.facts["encrypted"] = "yes"
        return PASS
    key = _parse(label, body, der)
    if key is None:
        return PASS
    _describe(candidate, key)
    candidate.facts["encrypted"] = "no"
    return PROVEN


def _parse(label: bytes, body: bytes, der: bytes) -> Any:
    """The key in an armour with this label, None if it does not parse."""
    from cryptography.hazmat.primitives import serialization

    if label == b"OPENSSH":
        armour = b"-----BEGIN OPENSSH PRIVATE KEY-----\n%s\n-----END OPENSSH PRIVATE KEY-----\n"
        return _load(serialization.load_ssh_private_key, armour % (body + b"=" * (-len(body) % 4)))
    return _load(serialization.load_der_private_key, der)


def der_base64(candidate: Candidate, _wanted: bool = True) -> Verdict:
    """Base64 of a DER private key without armour. A cut one passes; other DER (a certificate) does not."""
    from cryptography.hazmat.primitives import serialization

    body = _key_material(candidate.secret)
    der = _unbase64(body)
    if len(body) < 60 or len(set(body)) < 16 or der[:1] != b"\x30":
        return REJECT
    key = _load(serialization.load_der_private_key, der)
    if key is not None:
        _describe(candidate, key)
        return PROVEN
    long_form = der[1] & 0x7F if der[1] & 0x80 else 0
    size = int.from_bytes(der[2 : 2 + long_form], "big") if long_form else der[1]
    # Private keys begin with their version, 0 or 1. Whole DER that is no key is something else; a cut one may be.
    version = der[2 + long_form : 5 + long_form]
    cut = 2 + long_form + size > len(der)
    return PASS if cut and version in (b"\x02\x01\x00", b"\x02\x01\x01") else REJECT


def pgp(candidate: Candidate, _wanted: bool = True) -> Verdict:
    """An OpenPGP secret key: armour, CRC24 where there is one, and a secret-key packet at the front."""
    import re

    found = re.search(rb"-----BEGIN PGP PRIVATE KEY BLOCK-----(.*?)(?:-----END|\Z)", candidate.secret, re.DOTALL)
    if found is None:
        return REJECT
    text = re.sub(rb"\\+n", b"\n", re.sub(rb"\\+r", b"", found[1]))
    text = re.sub(rb"(?m)^[ \t]*(?:Version|Comment|Hash|Charset|MessageID):[^\n]*$", b"", text)
    checked = re.search(rb"\n[ \t]*=([0-9A-Za-z+/]{4})\s*$", text)
    raw = text[: checked.start()] if checked else text
    body = _key_material(raw)
    if _is_filler(raw, body, _SHORTEST[b"PGP"]):
        return REJECT
    data = _unbase64(body)
    packet = _pgp_secret_packet(data)
    if packet is None or (checked and _crc24(data) != int.from_bytes(_unbase64(checked[1]), "big")):
        return PASS
    usage = _pgp_usage(packet)
    candidate.facts["type"] = "pgp"
    if usage is None:
        return PASS
    candidate.facts["encrypted"] = "yes" if usage else "no"
    return PASS if usage else PROVEN


def _crc24(data: bytes) -> int:
    """OpenPGP's armour checksum."""
    crc = 0xB704CE
    for byte in data:
        crc ^= byte << 16
        for _ in range(8):
            crc = (crc << 1) ^ 0x1864CFB if crc & 0x800000 else crc << 1
    return crc & 0xFFFFFF


def _pgp_secret_packet(data: bytes) -> bytes | None:
    """The body of the secret-key packet that `data` begins with, None if it does not."""
    if len(data) < 8 or not data[0] & 0x80:
        return None
    if data[0] & 0x40:
        tag, first = data[0] & 0x3F, data[1]
        if first < 192:
            size, at = first, 2
        elif first < 224:
            size, at = (first - 192) * 256 + data[2] + 192, 3
        else:
            size, at = int.from_bytes(data[2:6], "big"), 6
    else:
        tag, width = data[0] >> 2 & 15, (1, 2, 4, 0)[data[0] & 3]
        size, at = int.from_bytes(data[1 : 1 + width], "big"), 1 + width
    body = data[at : at + size]
    return body if tag == 5 and len(body) == size and body[:1] in (b"\x03", b"\x04", b"\x05", b"\x06") else None


def _pgp_usage(packet: bytes) -> int | None:
    """The octet that says how the secret is protected (0: not at all); None for kinds not known here."""
    if packet[0] in (5, 6):  # these count the octets of the public key, so no kind is unknown
        usage = packet[10 + int.from_bytes(packet[6:10], "big") :]
        return usage[0] if usage else None
    if packet[0] != 4 or len(packet) < 8:
        return None
    # algorithm -> (curve id first, numbers of the public key, key derivation parameters last)
    shapes = {1: (0, 2, 0), 2: (0, 2, 0), 3: (0, 2, 0), 16: (0, 3, 0), 17: (0, 4, 0), 18: (1, 1, 1), 19: (1, 1, 0)}
    curve, numbers, derivation = {**shapes, 22: (1, 1, 0)}.get(packet[5], (0, 0, 0))
    at = 6
    if numbers == 0:
        return None
    if curve:
        at += 1 + packet[at]
    for _ in range(numbers):
        at += 2 + (int.from_bytes(packet[at : at + 2], "big") + 7) // 8
    if derivation and at < len(packet):
        at += 1 + packet[at]
    return packet[at] if at < len(packet) else None


def putty(candidate: Candidate, _wanted: bool = True) -> Verdict:
    """A PuTTY key file: without a passphrase its MAC can be checked, and proves it."""
    import hmac
    import re

    text = candidate.secret
    if b"\n" not in text:
        text = re.sub(rb"\\+n", b"\n", re.sub(rb"\\+r", b"", text))
    fields, blobs = _putty_fields(text)
    kind = re.match(rb"\s*PuTTY-User-Key-File-([123])$", next(iter(fields), b""))
    if kind is None:
        return REJECT
    name, cipher = next(iter(fields.values())), fields.get(b"Encryption", b"")
    candidate.facts["type"] = re.sub(rb"[^0-9A-Za-z@.-]", b"", name)[:40].decode("ascii")
    private = blobs.get(b"Private-Lines", b"")
    if cipher != b"none":
        candidate.facts["encrypted"] = "yes"
        return PASS if len(private) > 15 else REJECT
    if len(private) < 20 or len(set(private)) < 8:
        return REJECT
    candidate.facts["encrypted"] = "no"
    parts = (name, cipher, fields.get(b"Comment", b""), blobs.get(b"Public-Lines", b""), private)
    signed = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    if kind[1] == b"3":
        mac = hmac.digest(b"", signed, "sha256")
    else:
        from hashlib import sha1

        mac = hmac.digest(sha1(b"putty-private-key-file-mac-key", usedforsecurity=False).digest(), signed, "sha1")
    return PROVEN if mac.hex().encode() == fields.get(b"Private-MAC", b"").lower() else PASS


def _putty_fields(text: bytes) -> tuple[dict[bytes, bytes], dict[bytes, bytes]]:
    """Fields of a PuTTY key file, and the blobs whose fields count lines of base64."""
    fields: dict[bytes, bytes] = {}
    blobs: dict[bytes, bytes] = {}
    lines = [line.strip() for line in text.splitlines()]
    at = 0
    while at < len(lines):
        name, _, value = lines[at].partition(b": ")
        at += 1
        fields.setdefault(name, value)
        if name.endswith(b"-Lines") and value.isdigit() and len(value) < 4:
            blobs[name] = _unbase64(b"".join(lines[at : at + int(value)]))
            at += int(value)
    return fields, blobs


def _object(candidate: Candidate, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any] | None:
    """The JSON object that is the value or stands around it, if it is a wanted one. Six objects are tried."""
    from json import JSONDecoder

    decode = JSONDecoder().raw_decode
    text, end = candidate.data, candidate.start
    starts = [candidate.start] if candidate.secret[:1] == b"{" else []
    while len(starts) < 6 and (end := text.rfind(b"{", max(0, candidate.start - OBJECT), end)) >= 0:
        starts.append(end)
    for start in starts:
        piece = bytes(text[start : start + 2 * OBJECT])
        for form in (piece, piece.replace(b'\\"', b'"').replace(b"\\n", b"\n")):
            try:
                value, size = decode(form.decode("latin-1"))
            except (ValueError, RecursionError):
                continue  # not JSON from here on
            if isinstance(value, dict) and start + size > candidate.start and wanted(value):
                return value
    return None


def _number(value: object) -> int | None:
    """A JWK number: base64url, big-endian, up to 8192 bits."""
    raw = _unbase64(value.encode("utf-8", "replace")) if isinstance(value, str) and len(value) <= 1_400 else b""
    return int.from_bytes(raw, "big") if raw else None


def jwk(candidate: Candidate, _wanted: bool = True) -> Verdict:
    """A JSON Web Key with a private part, proven if the private part fits the public one."""
    key = _object(candidate, lambda value: "kty" in value and ("d" in value or "k" in value))
    if key is None:
        broken = candidate.secret[:1] != b"{" or b'"d"' in candidate.secret or b'\\"d\\"' in candidate.secret
        return PASS if broken else REJECT
    checks: Mapping[str, Callable[[dict[str, Any]], bool | None]] = {"RSA": _rsa_fits, "EC": _ec_fits, "OKP": _okp_fits}
    kind = key["kty"] if isinstance(key["kty"], str) else ""
    candidate.facts["type"] = kind if kind in ("RSA", "EC", "OKP", "oct") else "?"
    if not all(isinstance(key[part], str) and len(key[part]) >= 16 for part in ("d", "k") if part in key):
        return REJECT
    fits = checks[kind](key) if kind in checks else None
    return PASS if fits is None else PROVEN if fits else REJECT


def _rsa_fits(key: dict[str, Any]) -> bool | None:
    n, e, d, p, q = (_number(key.get(part)) for part in ("n", "e", "d", "p", "q"))
    if not n or not e or not d or n.bit_length() < 256:
        return None
    if p and q:
        return p * q == n and (e * d - 1) % (p - 1) == 0 == (e * d - 1) % (q - 1) if min(p, q) > 2 else False
    # Without the primes one round trip tells; half a key's length more than 4096 bits would be slow.
    return pow(pow(2, e, n), d, n) == 2 if e < 1 << 32 and d < n < 1 << 4096 else None


def _ec_fits(key: dict[str, Any]) -> bool | None:
    from cryptography.hazmat.primitives.asymmetric import ec

    curves = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1(), "secp256k1": ec.SECP256K1()}
    curve = curves.get(key["crv"]) if isinstance(key.get("crv"), str) else None
    d, x, y = (_number(key.get(part)) for part in ("d", "x", "y"))
    if curve is None or d is None or x is None or y is None:
        return None
    try:
        public = ec.derive_private_key(d, curve).public_key().public_numbers()
    except ValueError:
        return False  # outside the curve's range
    return (public.x, public.y) == (x, y)


def _okp_fits(key: dict[str, Any]) -> bool | None:
    from cryptography.hazmat.primitives.asymmetric import ed448, ed25519, x448, x25519

    makers: dict[str, Any] = {
        "Ed25519": ed25519.Ed25519PrivateKey, "X25519": x25519.X25519PrivateKey,
        "Ed448": ed448.Ed448PrivateKey, "X448": x448.X448PrivateKey,
    }  # fmt: skip
    maker = makers.get(key["crv"]) if isinstance(key.get("crv"), str) else None
    if maker is None or not isinstance(key.get("x"), str):
        return None
    try:
        public = maker.from_private_bytes(_unbase64(key["d"].encode("utf-8", "replace"))).public_key()
    except ValueError:
        return False  # a private part of the wrong length
    return bool(public.public_bytes_raw() == _unbase64(key["x"].encode("utf-8", "replace")))


def wireguard(candidate: Candidate, _wanted: bool = True) -> Verdict:
    """32 bytes in base64. WireGuard's own keys are clamped, which one random value in 32 is by chance: PASS.
    Unclamped ones pass only in a tunnel's configuration. Proven if the public key stands near."""
    import re

    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    raw = _unbase64(candidate.secret)
    if len(raw) != 32 or len(set(raw)) < 8:
        return REJECT
    before = bytes(candidate.data[max(0, candidate.start - NEAR) : candidate.start])
    after = bytes(candidate.data[candidate.end : candidate.end + NEAR])
    public = X25519PrivateKey.from_private_bytes(raw).public_key().public_bytes_raw()
    for place in re.findall(rb"(?<![0-9A-Za-z+/])[0-9A-Za-z+/]{43}=", before + b" " + after):
        if _unbase64(place) == public:
            return PROVEN
    clamped = raw[0] & 7 == 0 and raw[31] & 0xC0 == 0x40
    return PASS if clamped or b"[Interface]" in before[-500:] else REJECT


def _is_hex(value: object, shortest: int) -> bool:
    import re

    return isinstance(value, str) and re.fullmatch(rf"(?:0x)?[0-9A-Fa-f]{{{shortest},4096}}", value) is not None


def keystore_v3(candidate: Candidate, _wanted: bool = True) -> Verdict:
    """An Ethereum keystore, version 3, or a validator's, version 4: all fields there and well formed."""
    value = _object(candidate, lambda item: "crypto" in item or "Crypto" in item)
    crypto = (value.get("crypto") or value.get("Crypto")) if value else None
    if value is None or not isinstance(crypto, dict):
        return REJECT if candidate.secret[:1] == b"{" else PASS
    kdf = crypto.get("kdf")
    if isinstance(kdf, dict):  # version 4: each part is a module with a function, parameters and a message
        parts = [crypto.get(part) for part in ("checksum", "cipher")]
        whole = all(isinstance(part, dict) and _is_hex(part.get("message"), 32) for part in parts)
        name, settings, owner = kdf.get("function"), kdf.get("params"), value.get("pubkey")
    else:
        whole = _is_hex(crypto.get("ciphertext"), 32) and _is_hex(crypto.get("mac"), 64)
        name, settings, owner = kdf, crypto.get("kdfparams"), value.get("address")
    if not whole or name not in ("scrypt", "pbkdf2") or not isinstance(settings, dict):
        return REJECT
    candidate.facts["kdf"] = str(name)
    cost = settings.get("n", settings.get("c"))
    if isinstance(cost, int) and 0 < cost < 1 << 32:
        candidate.facts["kdf cost"] = str(cost)
    if _is_hex(owner, 40) and isinstance(owner, str):
        candidate.facts["address"] = "0x" + owner.removeprefix("0x")[:96]
    return PROVEN


def base64_bytes(candidate: Candidate, count: int) -> Verdict:
    """Base64 (either alphabet) of exactly `count` bytes: a shape, no proof."""
    body = candidate.secret.rstrip(b"=")
    return PASS if len(body) % 4 != 1 and len(_unbase64(body)) == count else REJECT
