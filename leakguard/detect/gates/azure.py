"""Gates for Microsoft's identifiable keys: a signature at a fixed place, and a Marvin checksum behind it.

Pure functions of one Candidate, with the manners of gates/tokens. Seeds and signatures are the published ones of
microsoft/security-utilities. Imported by detect/ only, by name through the table in gates/__init__.
"""

from __future__ import annotations

from leakguard.detect.gates import Candidate, Verdict

_MESSAGING = ("Send0000", "Listen00", "Manage00", "System00", "Unknown0")

# service -> (four characters before the checksum, seeds as eight ASCII bytes). A service has one seed per kind of key.
SERVICES: dict[str, tuple[bytes, tuple[str, ...]]] = {
    "storage": (b"+ASt", ("Default0",)),
    "cosmos": (
        b"ACDb",
        ("MastRW00", "MastRO00", "SysAll00", "Resour00", "SystRO00", "SystRW00", "Encryp00"),
    ),
    "batch": (b"+ABa", ("AbAcct00",)),
    "servicebus": (b"+ASb", _MESSAGING),
    "eventhub": (b"+AEh", _MESSAGING),
    "relay": (b"+ARm", _MESSAGING),
    "function": (b"AzFu", ("Functi00", "System00", "Master00")),
    "redis": (b"AzCa", ("Access00",)),
    "search": (b"AzSe", ("Query000", "PAdmin00")),
    "registry": (b"+ACR", ("ACRDflt0",)),
    "iot": (b"AIoT", ("IoTHub00", "DpsKey00", "Device00")),
    "apim": (b"APIM", ("Tenant00", "IoTHub00", "Gatewy00", "GitKey00")),
    "ml": (b"+AMC", ("Classic0",)),
    "sql": (b"+SQL", ("UsrPwd00",)),
}

AAD_ALPHABET = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ1234567890.-_~"
_AAD_SEED = "AadPwd00"
_MASK = 0xFFFF_FFFF


def seed_of(name: str) -> int:
    """The seed that eight ASCII characters spell."""
    return int.from_bytes(name.encode("ascii"), "big")


def _rotate(value: int, by: int) -> int:
    return ((value << by) | (value >> (32 - by))) & _MASK


def marvin32(data: bytes, seed: int) -> int:
    """Marvin over `data`, folded to 32 bits."""
    low, high = seed & _MASK, seed >> 32
    whole = len(data) - len(data) % 4
    padded = data + b"\x80" + b"\x00" * (whole + 3 - len(data))
    # The last, padded word is followed by one more round without input.
    for at in range(0, len(padded) + 4, 4):
        low = (low + int.from_bytes(padded[at : at + 4], "little")) & _MASK
        high ^= low
        low = (_rotate(low, 20) + high) & _MASK
        high = _rotate(high, 9) ^ low
        low = (_rotate(low, 27) + high) & _MASK
        high = _rotate(high, 19)
    return low ^ high


def azure_marvin(candidate: Candidate, service: str = "any") -> Verdict:
    """Marvin32 of all but the last four bytes equals those four, for one of the service's seeds.

    `service` is a name of `SERVICES`, anything else stands for all of them. A key without a signature is older
    than identifiable keys: PASS, unless it is text in base64, as the values of a Kubernetes Secret are.
    """
    from binascii import Error, a2b_base64

    body = candidate.secret.rstrip(b"=")
    if not 32 <= len(body) <= 512:
        return Verdict.PASS
    chosen = [SERVICES[service]] if service in SERVICES else SERVICES.values()
    seeds = [seed for signature, seeds in chosen if body[-10:-6] == signature for seed in seeds]
    standard = body.replace(b"-", b"+").replace(b"_", b"/")
    try:
        raw = a2b_base64(standard + b"=" * (-len(standard) % 4), strict_mode=True)
    except Error:
        return Verdict.REJECT if seeds else Verdict.PASS
    if not seeds:
        return Verdict.REJECT if raw.isascii() else Verdict.PASS
    check = int.from_bytes(raw[-4:], "little")
    if any(marvin32(raw[:-4], seed_of(seed)) == check for seed in seeds):
        return Verdict.PROVEN
    # Redis keys exist whose + and / were replaced after the checksum was made.
    return Verdict.PASS if body[-10:-6] == b"AzCa" else Verdict.REJECT


def azure_ad(candidate: Candidate, _wanted: bool = True) -> Verdict:
    """Client secrets with `8Q~`: the last three characters begin the checksum of the rest. `7Q~` has none."""
    secret = candidate.secret
    if len(secret) != 40 or secret[3:6] != b"8Q~":
        return Verdict.PASS
    number = marvin32(secret[:-3], seed_of(_AAD_SEED))
    digits = bytearray()
    while number:
        number, rest = divmod(number, len(AAD_ALPHABET))
        digits.append(AAD_ALPHABET[rest])
    return Verdict.PROVEN if bytes(reversed(digits))[:3] == secret[-3:] else Verdict.REJECT
