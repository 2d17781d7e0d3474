"""Gates for keys of wallets and chains: checked encodings, scalars in range, key pairs that fit.

Pure functions of one Candidate: they never raise on odd input, never print, and add only public facts (network,
derived address, creation time). REJECT means the structure is provably wrong, PASS that the check does not apply
or cannot decide, PROVEN that checksum or key pair fit. Imported by detect/ only, by name through the table in
gates/__init__; imports nothing else of the project, and what it needs (cryptography, pycryptodome) inside the
functions. Without pycryptodome no Ethereum address can be derived: those proofs become PASS.
"""

from __future__ import annotations

from typing import Any

from leakguard.detect.gates import Candidate, Verdict

REJECT, PASS, PROVEN = Verdict.REJECT, Verdict.PASS, Verdict.PROVEN

BITCOIN = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
RIPPLE = b"rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz"
BECH32 = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l"

SECP256K1_ORDER = 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141
STARK_ORDER = 0x08000000_00000010_FFFFFFFF_FFFFFFFF_B781126D_CAE7B232_1E66A241_ADC64D2F
SMALL = 1 << 128
"""No random scalar of these curves is below it (once in 2**123 keys); padded addresses and counters are."""

NEAR = 2_000
"""How far, in bytes, a derived address or public key may stand from its private key."""

WIF_NETWORKS = {0x80: "mainnet", 0xEF: "testnet", 0x9E: "dogecoin", 0xB0: "litecoin", 0xCC: "dash"}

XPRV_VERSIONS = {
    "0488ade4": "xprv", "049d7878": "yprv", "04b2430c": "zprv", "0295b005": "Yprv", "02aa7a99": "Zprv",
    "04358394": "tprv", "044a4e28": "uprv", "045f18bc": "vprv", "024285b5": "Uprv", "02575048": "Vprv",
    "02fac398": "dgpv", "019d9cfe": "Ltpv",
}  # fmt: skip

# Where each encoding of 32 public bytes is looked for near its seed.
_PUBLIC_FORMS = {
    "base58": rb"(?<![1-9A-HJ-NP-Za-km-z])[1-9A-HJ-NP-Za-km-z]{40,44}(?![1-9A-HJ-NP-Za-km-z])",
    "base64": rb"(?<![0-9A-Za-z+/_-])[0-9A-Za-z+/_-]{43}(?![0-9A-Za-z+/_-])",
    "hex": rb"(?<![0-9A-Za-z])(?:0[xX])?[0-9A-Fa-f]{64}(?![0-9A-Za-z])",
    "json-array": rb"\[[\s0-9,]{64,600}\]",
}


def _base58(text: bytes, alphabet: bytes = BITCOIN) -> bytes | None:
    """Bytes behind base58, None for other characters or more than 200 of them (the decoding is quadratic)."""
    if not 0 < len(text) <= 200:
        return None
    places = {char: place for place, char in enumerate(alphabet)}
    number = 0
    for char in text:
        place = places.get(char)
        if place is None:
            return None
        number = number * 58 + place
    zeros = len(text) - len(text.lstrip(alphabet[:1]))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")


def _checked58(text: bytes, alphabet: bytes = BITCOIN) -> bytes | None:
    """The payload of base58check without its checksum; None if the checksum fails."""
    from hashlib import sha256

    raw = _base58(text, alphabet)
    if raw is None or len(raw) < 6:
        return None
    return raw[:-4] if sha256(sha256(raw[:-4]).digest()).digest()[:4] == raw[-4:] else None


def _unbech32(text: bytes) -> tuple[str, bytes, str] | None:
    """Human part, payload and variant (bech32 or bech32m); None if the checksum or the padding fails.

    The 90 characters of BIP-173 are not enforced: age, Cardano and Zcash keys are longer.
    """
    lower = text.lower()
    if text not in (lower, text.upper()) or not 8 <= len(text) <= 1_000:
        return None
    prefix, one, rest = lower.rpartition(b"1")
    values = [BECH32.find(char) for char in rest]
    if not one or not prefix or len(rest) < 6 or -1 in values or any(not 33 <= char < 127 for char in prefix):
        return None
    check = 1
    for value in [*(char >> 5 for char in prefix), 0, *(char & 31 for char in prefix), *values]:
        top, check = check >> 25, ((check & 0x1FFFFFF) << 5) ^ value
        for bit, mask in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= mask if (top >> bit) & 1 else 0
    variant = {1: "bech32", 0x2BC830A3: "bech32m"}.get(check)
    bits, number = 5 * (len(values) - 6), 0
    for value in values[:-6]:
        number = number << 5 | value
    spare = bits % 8
    if variant is None or spare > 4 or number & ((1 << spare) - 1):
        return None
    return prefix.decode("ascii"), (number >> spare).to_bytes(bits // 8, "big"), variant


def _window(candidate: Candidate, near: int = NEAR) -> bytes:
    """The bytes around the value, without the value itself."""
    before = candidate.data[max(0, candidate.start - near) : candidate.start]
    return bytes(before) + b" " + bytes(candidate.data[candidate.end : candidate.end + near])


def _scalar(text: bytes) -> int | None:
    """A number from up to 64 hex digits, with or without 0x; leading zeros may be missing."""
    digits = text[2:] if text[:2] in (b"0x", b"0X") else text
    if not 56 <= len(digits) <= 64 or any(char not in b"0123456789abcdefABCDEF" for char in digits):
        return None
    return int(digits, 16)


def _date(seconds: float) -> str:
    from time import gmtime, strftime

    return strftime("%Y-%m-%d", gmtime(seconds))


def base58check(
    candidate: Candidate,
    versions: list[str] | None = None,
    lengths: list[int] | None = None,
    alphabet: str = "bitcoin",
) -> Verdict:
    """Four bytes of double SHA-256 close the value.

    `versions` are prefixes of the payload in hex; `lengths` count the payload in bytes, with or without its
    version; `alphabet` is bitcoin or ripple.
    """
    payload = _checked58(candidate.secret, RIPPLE if alphabet == "ripple" else BITCOIN)
    if payload is None:
        return REJECT
    for version in [bytes.fromhex(item) for item in versions] if versions else [b""]:
        sizes = (len(payload), len(payload) - len(version))
        if payload.startswith(version) and (not lengths or any(size in lengths for size in sizes)):
            return PROVEN
    return REJECT


def cb58(candidate: Candidate, length: int) -> Verdict:
    """Avalanche's base58: one SHA-256's last four bytes close `length` bytes. What stands before a hyphen is a label."""
    from hashlib import sha256

    raw = _base58(candidate.secret.rpartition(b"-")[2])
    if raw is None or len(raw) != length + 4:
        return REJECT
    return PROVEN if sha256(raw[:-4]).digest()[-4:] == raw[-4:] else REJECT


def eos_key(candidate: Candidate, _wanted: bool = True) -> Verdict:
    """An EOS key that names its curve (`PVT_K1_`, `PVT_R1_`): four bytes of RIPEMD-160 of key and curve close it."""
    from importlib import import_module

    prefix, _, body = candidate.secret.rpartition(b"_")
    raw = _base58(body)
    if raw is None or len(raw) != 36 or prefix not in (b"PVT_K1", b"PVT_R1"):
        return REJECT
    try:
        ripemd: Any = import_module("Crypto.Hash.RIPEMD160")
    except ImportError:
        return PASS
    return PROVEN if ripemd.new(raw[:32] + prefix[-2:]).digest()[:4] == raw[32:] else REJECT


def bech32(candidate: Candidate, hrp: list[str] | None = None, length: int = 0, variant: str = "") -> Verdict:
    """The BCH code closes the value. `hrp`: allowed human parts; `length`: payload bytes (or characters in all);
    `variant`: bech32 or bech32m, either when empty."""
    decoded = _unbech32(candidate.secret)
    if decoded is None:
        return REJECT
    prefix, payload, kind = decoded
    fits = (not hrp or prefix in hrp) and (not variant or kind == variant)
    return PROVEN if fits and length in (0, len(payload), len(candidate.secret)) else REJECT


def age(candidate: Candidate, _wanted: bool = True) -> Verdict:
    """`AGE-SECRET-KEY-1`: bech32 of 32 bytes; the hybrid kind (`-PQ-1`) carries its own human part."""
    decoded = _unbech32(candidate.secret)
    if decoded is None or not decoded[0].startswith("age-secret-key-") or len(decoded[1]) < 32:
        return REJECT
    return PROVEN


def strkey(candidate: Candidate, _wanted: bool = True) -> Verdict:
    """A Stellar seed: base32 of version 0x90, 32 bytes and a CRC16 (XModem), low byte first."""
    from base64 import b32decode
    from binascii import crc_hqx

    secret = candidate.secret
    if len(secret) != 56 or not secret.startswith(b"S"):
        return REJECT
    try:
        raw = b32decode(secret)
    except ValueError:
        return REJECT
    return PROVEN if raw[0] == 0x90 and crc_hqx(raw[:-2], 0).to_bytes(2, "little") == raw[-2:] else REJECT


def wif(candidate: Candidate, _wanted: bool = True) -> Verdict:
    """Wallet import format: version, 32 bytes in the curve's range, 01 if the public key is compressed."""
    payload = _checked58(candidate.secret)
    if payload is None or payload[0] not in WIF_NETWORKS or len(payload) not in (33, 34):
        return REJECT
    if len(payload) == 34 and payload[33] != 1:
        return REJECT
    if not 0 < int.from_bytes(payload[1:33], "big") < SECP256K1_ORDER:
        return REJECT
    candidate.facts["network"] = WIF_NETWORKS[payload[0]]
    return PROVEN


def xprv(candidate: Candidate, _wanted: bool = True) -> Verdict:
    """A BIP-32 extended private key: 78 bytes; a master key has no parent; the key is in the curve's range."""
    payload = _checked58(candidate.secret)
    if payload is None or len(payload) != 78:
        return REJECT
    kind = XPRV_VERSIONS.get(payload[:4].hex())
    depth, parent = payload[4], payload[5:13]
    private = payload[45] == 0 and 0 < int.from_bytes(payload[46:], "big") < SECP256K1_ORDER
    if kind is None or not private or (depth == 0 and any(parent)):
        return REJECT
    candidate.facts["kind"] = kind
    candidate.facts["depth"] = str(depth)
    return PROVEN


def secp256k1(candidate: Candidate, _wanted: bool = True) -> Verdict:
    """A private key's range; proven if its Ethereum or Tron address or its public key stands near."""
    number = _scalar(candidate.secret)
    if number is None or not SMALL <= number < SECP256K1_ORDER:
        return REJECT
    return PROVEN if _owner_near(candidate, number) else PASS


def evm_pair(candidate: Candidate, _wanted: bool = True) -> Verdict:
    """A private key that nothing names, beside the address or the public key that derives from it."""
    return PROVEN if secp256k1(candidate) == PROVEN else REJECT


def _owner_near(candidate: Candidate, number: int) -> bool:
    """Whether what derives from a private key stands near it: its point, or an address of the point."""
    import re

    window = _window(candidate)
    hexes = {found.lower() for found in re.findall(rb"(?<![0-9A-Za-z])0[xX]([0-9A-Fa-f]{40})(?![0-9A-Za-z])", window)}
    trons = set(re.findall(rb"(?<![0-9A-Za-z])T[1-9A-HJ-NP-Za-km-z]{33}(?![0-9A-Za-z])", window))
    points = re.findall(rb"0[234][0-9A-Fa-f]{64}", window)
    if not hexes and not trons and not points:
        return False
    x, y = _public_point(number)
    if any(point[2:66].lower() == b"%064x" % x for point in points):
        candidate.facts["public key"] = "beside it"
        return True
    address = _evm_address(x, y)
    if address is None:
        return False
    if address.hex().encode() in hexes:
        candidate.facts["address"] = _eip55(address)
        return True
    for tron in trons:
        if _checked58(tron) == b"\x41" + address:
            candidate.facts["address"] = tron.decode("ascii")
            return True
    return False


def _public_point(number: int) -> tuple[int, int]:
    """The public point of a private key that is in range."""
    from cryptography.hazmat.primitives.asymmetric import ec

    point = ec.derive_private_key(number, ec.SECP256K1()).public_key().public_numbers()
    return point.x, point.y


def _evm_address(x: int, y: int) -> bytes | None:
    """Twenty bytes of keccak-256 of the point; None where no keccak is installed (hashlib has only SHA-3)."""
    from importlib import import_module

    try:
        keccak: Any = import_module("Crypto.Hash.keccak")
    except ImportError:
        return None
    digest: bytes = keccak.new(digest_bits=256, data=x.to_bytes(32, "big") + y.to_bytes(32, "big")).digest()
    return digest[-20:]


def _eip55(address: bytes) -> str:
    """An address with the capitals of EIP-55: a letter is one where keccak-256 of the lower-case digits has the bit."""
    from Crypto.Hash import keccak

    digits = address.hex()
    bits = keccak.new(digest_bits=256, data=digits.encode()).hexdigest()
    return "0x" + "".join(digit.upper() if int(bit, 16) > 7 else digit for digit, bit in zip(digits, bits, strict=False))


def stark(candidate: Candidate, _wanted: bool = True) -> Verdict:
    """A StarkNet private key's range. Felt values look the same, so nothing is proven."""
    number = _scalar(candidate.secret)
    return PASS if number is not None and SMALL <= number < STARK_ORDER else REJECT


def ed25519_pair(
    candidate: Candidate, encoding: str = "base58", near: int = 0, strict: bool = False
) -> Verdict:
    """64 bytes whose second half is the public key of the first; or a 32-byte seed with its public key near.

    `encoding` is base58, base64, hex or json-array. 64 bytes that are no pair are rejected in base58 and json-array,
    which nothing else is written in at this length; in base64 and hex they may be a MAC key, and are rejected only
    where `strict` says that nothing but the proof speaks for them. A seed is proven if its public key stands in the
    same encoding within `near` bytes.
    """
    raw = _decode(candidate.secret, encoding)
    strict = strict or encoding in ("base58", "json-array")
    if raw is None or len(raw) not in (32, 64):
        return REJECT if strict else PASS
    public = _ed25519_public(raw[:32])
    if len(raw) == 64:
        fits = raw[32:] == public
        return PROVEN if fits else REJECT if strict else PASS
    if near and _stands_near(candidate, encoding, public, near):
        return PROVEN
    return REJECT if strict and encoding in ("base64", "hex") else PASS


def _ed25519_public(seed: bytes) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def _stands_near(candidate: Candidate, encoding: str, public: bytes, near: int) -> bool:
    """Whether 32 public bytes stand, in `encoding`, within `near` bytes of the value. Looks at 64 places at most."""
    import re
    from itertools import islice

    places = re.finditer(_PUBLIC_FORMS[encoding], _window(candidate, near))
    return any(_decode(place[0], encoding) == public for place in islice(places, 64))


def _decode(text: bytes, encoding: str) -> bytes | None:
    """Bytes behind `text` in one of the four encodings, None if it is not written in it."""
    from binascii import Error, a2b_base64, unhexlify

    if encoding == "base58":
        return _base58(text.rpartition(b":")[2])
    if encoding == "json-array":
        numbers = text.strip(b"[] \t\r\n").split(b",")
        values = [int(item) if item.strip().isdigit() and len(item) < 12 else 256 for item in numbers[:66]]
        return bytes(values) if max(values) < 256 else None
    try:
        if encoding == "hex":
            return unhexlify(text[2:] if text[:2] in (b"0x", b"0X") else text)
        body = text.rstrip(b"=").replace(b"-", b"+").replace(b"_", b"/")
        return a2b_base64(body + b"=" * (-len(body) % 4), strict_mode=True) if encoding == "base64" else None
    except Error:
        return None


def object_id(candidate: Candidate, _wanted: bool = True) -> Verdict:
    """A MongoDB ObjectId begins with the second it was made: 2017 (no venue's keys are older) to tomorrow."""
    from time import time

    secret = candidate.secret
    if len(secret) != 24 or any(char not in b"0123456789abcdefABCDEF" for char in secret):
        return REJECT
    made = int(secret[:8], 16)
    if not 1_483_228_800 <= made <= time() + 86_400:
        return REJECT
    candidate.facts["created"] = _date(made)
    return PASS
