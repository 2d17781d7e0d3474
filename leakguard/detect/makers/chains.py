"""Makers of wallet keys, phrases and key pairs. See the package's promise."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from leakguard.detect.makers.base import BASE58, RIPPLE58, Maker, Memory, b64, clean, ed25519_public, positional, until


def _checked58(payload: bytes, alphabet: str = BASE58) -> str:
    from hashlib import sha256

    raw = payload + sha256(sha256(payload).digest()).digest()[:4]
    zeros = len(raw) - len(raw.lstrip(b"\x00"))
    return alphabet[0] * zeros + positional(int.from_bytes(raw, "big"), alphabet)


def _plain58(raw: bytes) -> str:
    return "1" * (len(raw) - len(raw.lstrip(b"\x00"))) + positional(int.from_bytes(raw, "big"), BASE58)


def bech32_text(hrp: str, raw: bytes) -> str:
    """Bech32 (BIP-173) of `raw` behind a human part."""
    charset = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
    generators = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
    spare = -len(raw) * 8 % 5
    number, count = int.from_bytes(raw, "big") << spare, (len(raw) * 8 + spare) // 5
    data = [number >> 5 * (count - 1 - at) & 31 for at in range(count)]
    check = 1
    for value in [ord(char) >> 5 for char in hrp] + [0] + [ord(char) & 31 for char in hrp] + data + [0] * 6:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for at, generator in enumerate(generators):
            check ^= generator * (top >> at & 1)
    check ^= 1
    return hrp + "1" + "".join(charset[value] for value in data + [check >> 5 * (5 - at) & 31 for at in range(6)])


def _scalar(rng: Random) -> bytes:
    """32 bytes in the range of every curve used here that needs one (the first byte is below the orders')."""
    return bytes([rng.randrange(16, 240)]) + rng.randbytes(31)


def _age(rng: Random, arg: str, _memory: Memory) -> str:
    hrp = f"age-secret-key-{arg}-" if arg else "age-secret-key-"
    return until(lambda: bech32_text(hrp, rng.randbytes(32)).upper(), lambda text: clean(text[len(hrp) + 1 :]))


def _avalanche(rng: Random, _arg: str, _memory: Memory) -> str:
    from hashlib import sha256

    def make() -> str:
        key = _scalar(rng)
        return _plain58(key + sha256(key).digest()[-4:])

    return "PrivateKey-" + until(make)


def _eos(rng: Random, arg: str, _memory: Memory) -> str:
    from importlib import import_module

    curve = arg or "K1"
    digest = import_module("Crypto.Hash.RIPEMD160").new

    def make() -> str:
        key = _scalar(rng)
        return _plain58(key + digest(key + curve.encode()).digest()[:4])

    return f"PVT_{curve}_" + until(make)


def _bip38(rng: Random, arg: str, _memory: Memory) -> str:
    """"multiplied": with an intermediate code."""
    head = b"\x01\x43\x00" if arg == "multiplied" else b"\x01\x42\xe0"
    return until(lambda: _checked58(head + rng.randbytes(36)))


def _bech32(rng: Random, arg: str, _memory: Memory) -> str:
    hrp, _, size = arg.partition(" ")
    if not hrp or (size and not size.isdigit()):
        raise ValueError("bech32 takes a human part and, perhaps, a number of bytes")
    count = int(size or 32)
    # The scalar comes last: what stands before it, such as Sui's scheme, is a small number.
    make = lambda: bech32_text(hrp, (rng.randbytes(max(0, count - 33)) + _scalar(rng))[-count:].rjust(count, b"\x00"))  # noqa: E731
    return until(make, lambda text: clean(text[len(hrp) :]))


def _wif(rng: Random, arg: str, _memory: Memory) -> str:
    version = {"testnet": b"\xef", "dogecoin": b"\x9e", "litecoin": b"\xb0", "dash": b"\xcc"}.get(arg, b"\x80")
    return until(lambda: _checked58(version + _scalar(rng) + (b"" if arg == "uncompressed" else b"\x01")))


_XPRV = {
    "xprv": "0488ade4",
    "yprv": "049d7878",
    "zprv": "04b2430c",
    "tprv": "04358394",
    "uprv": "044a4e28",
    "vprv": "045f18bc",
}


def _xprv(rng: Random, arg: str, _memory: Memory) -> str:
    if arg and arg not in _XPRV:
        raise ValueError(f"xprv: no kind {arg!r}, only {', '.join(_XPRV)}")
    version = bytes.fromhex(_XPRV[arg or "xprv"])
    return until(lambda: _checked58(version + bytes(9) + rng.randbytes(32) + b"\x00" + _scalar(rng)))


def _bip39(rng: Random, arg: str, _memory: Memory) -> str:
    from importlib import import_module

    count, _, language = arg.partition(" ")
    language, _, between = language.partition(" ")
    if count not in ("", "12", "15", "18", "21", "24"):
        raise ValueError("bip39 takes 12, 15, 18, 21 or 24 words")
    phrase: str = (
        import_module("mnemonic").Mnemonic(language or "english").to_mnemonic(rng.randbytes(int(count or 12) * 4 // 3))
    )
    return phrase.replace(" ", between or " ")


def _electrum(rng: Random, _arg: str, _memory: Memory) -> str:
    import hmac
    from importlib import import_module

    book = import_module("mnemonic").Mnemonic("english").wordlist
    while True:
        phrase = " ".join(rng.choices(book, k=12))
        if hmac.digest(b"Seed version", phrase.encode(), "sha512").hex().startswith("100"):
            return phrase


def _ton(rng: Random, arg: str, _memory: Memory) -> str:
    """"password": the kind that a password belongs to, which is found two hundred times as quickly."""
    from hashlib import pbkdf2_hmac
    from hmac import digest
    from importlib import import_module

    salt, rounds, wanted = (b"TON fast seed version", 1, 1) if arg == "password" else (b"TON seed version", 390, 0)
    book = import_module("mnemonic").Mnemonic("english").wordlist
    while True:
        phrase = " ".join(rng.choices(book, k=24))
        entropy = digest(phrase.encode(), b"", "sha512")
        if pbkdf2_hmac("sha512", entropy, salt, rounds, 64)[0] == wanted:
            return phrase


def _algorand(rng: Random, _arg: str, _memory: Memory) -> str:
    from importlib import import_module

    book = import_module("mnemonic").Mnemonic("english").wordlist
    seed = rng.randbytes(32)
    check = import_module("Crypto.Hash.SHA512").new(seed, truncate="256").digest()
    number = int.from_bytes(seed, "little") | (int.from_bytes(check[:2], "little") & 0x7FF) << 264
    return " ".join(book[number >> 11 * place & 0x7FF] for place in range(25))


def _monero(rng: Random, _arg: str, _memory: Memory) -> str:
    """Words of the English BIP-39 list: what closes a phrase of Monero's depends on their first letters alone."""
    from binascii import crc32
    from importlib import import_module

    words = rng.choices(import_module("mnemonic").Mnemonic("english").wordlist, k=24)
    return " ".join([*words, words[crc32("".join(word[:3] for word in words).encode()) % 24]])


def _slip39(rng: Random, arg: str, _memory: Memory) -> str:
    from importlib import import_module

    size = {"": 16, "33": 32}[arg]
    share = import_module("shamir_mnemonic.share").Share(
        rng.randrange(1 << 15), True, 1, 0, 1, 1, rng.randrange(3), 2, rng.randbytes(size)
    )
    phrase: str = share.mnemonic()
    return phrase


def _strkey(rng: Random, _arg: str, _memory: Memory) -> str:
    from base64 import b32encode

    def make() -> str:
        raw, crc = b"\x90" + rng.randbytes(32), 0
        for byte in raw:
            crc ^= byte << 8
            for _ in range(8):
                crc = (crc << 1 ^ (0x1021 if crc & 0x8000 else 0)) & 0xFFFF
        return b32encode(raw + crc.to_bytes(2, "little")).decode("ascii")

    return until(make)


def _ripple(rng: Random, arg: str, _memory: Memory) -> str:
    version = b"\x01\xe1\x4b" if arg == "ed25519" else b"\x21"
    return until(lambda: _checked58(version + rng.randbytes(16), RIPPLE58))


def _tezos(rng: Random, arg: str, _memory: Memory) -> str:
    kinds = {"edsk": "0d0f3a07", "spsk": "11a2e0c9", "p2sk": "1051eebd", "edsk64": "2bf64e07"}
    encrypted = {"edesk": "075a3cb329", "spesk": "09edf1ae96", "p2esk": "09303973ab"}
    if arg in encrypted:
        return until(lambda: _checked58(bytes.fromhex(encrypted[arg]) + rng.randbytes(56)))
    if arg and arg not in kinds:
        raise ValueError(f"tezos: no kind {arg!r}, only {', '.join(kinds)}")

    def make() -> str:
        seed = _scalar(rng)
        return _checked58(
            bytes.fromhex(kinds[arg or "edsk"]) + (seed + ed25519_public(seed) if arg == "edsk64" else seed)
        )

    return until(make)


def _pair(rng: Random) -> bytes:
    seed = rng.randbytes(32)
    return seed + ed25519_public(seed)


def _solana_array(rng: Random, _arg: str, _memory: Memory) -> str:
    return "[" + ",".join(str(byte) for byte in _pair(rng)) + "]"


def _encoded(raw: bytes, encoding: str) -> str:
    if encoding not in ("b64", "b58", "hex"):
        raise ValueError(f"no encoding {encoding!r}: b64, b58 or hex")
    return raw.hex() if encoding == "hex" else _plain58(raw) if encoding == "b58" else b64(raw)


def _seed(rng: Random, arg: str, memory: Memory) -> str:
    """An Ed25519 seed whose public half another maker of the same template writes."""
    seed = memory.pop("wanted ed25519", None) or rng.randbytes(32)
    memory["ed25519"] = seed
    return _encoded(seed, arg or "b64")


def _seed_public(rng: Random, arg: str, memory: Memory) -> str:
    if "ed25519" not in memory:
        memory["ed25519"] = memory["wanted ed25519"] = rng.randbytes(32)
    return _encoded(ed25519_public(memory["ed25519"]), arg or "b64")


def _evm_key(rng: Random, arg: str, memory: Memory) -> str:
    number = memory.pop("wanted evm", None) or _evm_scalar(rng)
    memory["evm"] = number
    return number.hex() if arg == "bare" else "0x" + number.hex()


def _evm_scalar(rng: Random) -> bytes:
    return bytes.fromhex(until(lambda: _scalar(rng).hex()))


def _evm_address(rng: Random, _arg: str, memory: Memory) -> str:
    from importlib import import_module

    from cryptography.hazmat.primitives.asymmetric import ec

    if "evm" not in memory:
        memory["evm"] = memory["wanted evm"] = _evm_scalar(rng)
    point = ec.derive_private_key(int.from_bytes(memory["evm"], "big"), ec.SECP256K1()).public_key().public_numbers()
    raw = point.x.to_bytes(32, "big") + point.y.to_bytes(32, "big")
    return "0x" + str(import_module("Crypto.Hash.keccak").new(digest_bits=256, data=raw).hexdigest())[-40:]


def _stark(rng: Random, _arg: str, _memory: Memory) -> str:
    return "0x0" + until(lambda: f"{rng.randrange(1, 8):x}" + rng.randbytes(31).hex())


def _ed25519_b64(rng: Random, _arg: str, _memory: Memory) -> str:
    return b64(_pair(rng))


def _ed25519_hex(rng: Random, _arg: str, _memory: Memory) -> str:
    return _pair(rng).hex()


def _solana_b58(rng: Random, arg: str, _memory: Memory) -> str:
    return arg + until(lambda: _plain58(_pair(rng)))


def _evm_key_address(rng: Random, arg: str, memory: Memory) -> str:
    return f"{_evm_key(rng, arg, memory)} {_evm_address(rng, '', memory)}"


MAKERS: Mapping[str, Maker] = {
    "age": _age,  # pq: the hybrid kind
    "algorand": _algorand,
    "avalanche": _avalanche,
    "bech32": _bech32,  # human part, then perhaps the number of bytes (32)
    "bip38": _bip38,  # multiplied: with an intermediate code
    "bip39": _bip39,  # number of words (12), then perhaps the language, and what stands between the words
    "ed25519_b64": _ed25519_b64,
    "ed25519_hex": _ed25519_hex,
    "ed25519_public": _seed_public,  # the public half of the template's ed25519_seed; b64 (default), b58, hex
    "ed25519_seed": _seed,  # b64 (default), b58, hex
    "electrum": _electrum,
    "eos": _eos,  # K1 (default), R1
    "evm_address": _evm_address,  # of the template's evm_key
    "evm_key": _evm_key,  # "bare": without 0x
    "evm_key_address": _evm_key_address,
    "monero": _monero,
    "ripple": _ripple,  # ed25519: the newer kind
    "slip39": _slip39,  # of 20 words; 33
    "solana_array": _solana_array,
    "solana_b58": _solana_b58,  # a prefix such as ed25519:
    "stark": _stark,
    "strkey": _strkey,
    "tezos": _tezos,  # edsk (default), edsk64, spsk, p2sk; encrypted: edesk, spesk, p2esk
    "ton": _ton,  # password: the other kind
    "wif": _wif,  # testnet, dogecoin, litecoin, dash, uncompressed
    "xprv": _xprv,  # xprv (default), yprv, zprv, tprv, uprv, vprv
}
