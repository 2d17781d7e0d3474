"""Gates of wallet keys: ranges, encodings, and what must stand beside a key to prove it."""

from __future__ import annotations

import sys
from base64 import b32encode
from binascii import crc_hqx
from hashlib import sha256
from random import Random

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from gate_checks import facts, judge, make

from leakguard.detect.gates import Verdict
from leakguard.detect.gates.chains import SECP256K1_ORDER, STARK_ORDER
from leakguard.detect.generate import expand

REJECT, PASS, PROVEN = Verdict.REJECT, Verdict.PASS, Verdict.PROVEN
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def _base58(payload: bytes) -> str:
    raw = payload + sha256(sha256(payload).digest()).digest()[:4]
    number, text = int.from_bytes(raw, "big"), ""
    while number:
        number, rest = divmod(number, 58)
        text = BASE58[rest] + text
    return "1" * (len(raw) - len(raw.lstrip(b"\x00"))) + text


def _pair(seed: int = 0) -> tuple[str, str]:
    key, address = make("evm_key_address", seed).split(" ")
    return key, address


@pytest.mark.parametrize("scalar", [0, 1, 0xDEADBEEF, 1 << 127, SECP256K1_ORDER, SECP256K1_ORDER + 1, (1 << 256) - 1])
def test_numbers_that_are_no_private_key(scalar: int) -> None:
    assert judge("secp256k1", f"0x{scalar:064x}") == REJECT


def test_shapes_of_a_private_key() -> None:
    key = _pair()[0][2:]
    assert judge("secp256k1", key) == judge("secp256k1", "0X" + key.upper()) == PASS
    assert judge("secp256k1", f"0x{int(key, 16) >> 8:062x}") == PASS, "JavaScript drops leading zeros"
    assert judge("secp256k1", key + "0") == judge("secp256k1", key[:50]) == judge("secp256k1", "g" * 64) == REJECT


def test_an_address_beside_its_key_proves_it() -> None:
    key, address = _pair()
    for written in (address, address.upper().replace("0X", "0x")):
        assert judge("secp256k1", key, "", f"\nowner = '{written}'") == PROVEN
        assert judge("secp256k1", key, f"{written}: ") == PROVEN
    (fact,) = facts("secp256k1", key, "", " " + address).items()
    assert (fact[0], fact[1].lower()) == ("address", address)
    assert judge("evm_pair", key, "", " " + address) == PROVEN
    assert judge("evm_pair", key) == judge("evm_pair", key, "", " " + _pair(1)[1]) == REJECT
    assert judge("secp256k1", key, "", " " * 1_900 + address) == PROVEN
    assert judge("secp256k1", key, "", " " * 2_100 + address) == PASS, "too far"
    assert judge("secp256k1", key, "", " " + _pair(1)[1]) == PASS, "somebody else's"
    assert judge("secp256k1", key, "", " " + address + "00") == PASS, "longer than an address"


def test_a_tron_address_or_a_public_key_beside_its_key_proves_it() -> None:
    key, address = _pair()
    tron = _base58(b"\x41" + bytes.fromhex(address[2:]))
    assert facts("secp256k1", key, f"{tron} ") == {"address": tron}
    assert judge("secp256k1", key, f"{_base58(bytes([0x41]) + bytes(20))} ") == PASS
    point = ec.derive_private_key(int(key, 16), ec.SECP256K1()).public_key().public_numbers()
    assert judge("secp256k1", key, f"0{2 + point.y % 2}{point.x:064x} ") == PROVEN
    assert judge("secp256k1", key, f"04{point.x:064X}{point.y:064X} ") == PROVEN
    assert judge("secp256k1", key, f"02{point.x + 1:064x} ") == PASS


def test_without_keccak_an_address_decides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    key, address = _pair()
    monkeypatch.setitem(sys.modules, "Crypto.Hash.keccak", None)
    assert judge("secp256k1", key, "", " " + address) == PASS


def test_stark_keys() -> None:
    assert judge("stark", make("stark")) == PASS
    assert judge("stark", "0x" + make("stark")[3:]) == PASS, "63 digits"
    for scalar in (0, 12345, STARK_ORDER, SECP256K1_ORDER - 1):
        assert judge("stark", f"0x{scalar:064x}") == REJECT


@pytest.mark.parametrize("encoding", ["base58", "json-array"])
def test_64_bytes_that_are_no_pair_are_rejected_where_nothing_else_has_them(encoding: str) -> None:
    raw = Random(1).randbytes(64)
    value = str(list(raw)) if encoding == "json-array" else make("solana_b58")[:-1] + "1"
    assert judge("ed25519_pair", value, encoding=encoding) == REJECT
    assert judge("ed25519_pair", "[300, 1]", encoding=encoding) == REJECT


@pytest.mark.parametrize("encoding", ["base64", "hex"])
def test_64_bytes_that_are_no_pair_may_be_another_key(encoding: str) -> None:
    value = expand("{{b64*86}}==" if encoding == "base64" else "{{hex*128}}", Random(1))
    assert judge("ed25519_pair", value, encoding=encoding) == PASS
    assert judge("ed25519_pair", "nothing of the kind!", encoding=encoding) == PASS


@pytest.mark.parametrize(("short", "encoding"), [("b64", "base64"), ("b58", "base58"), ("hex", "hex")])
def test_a_seed_with_its_public_key_near(short: str, encoding: str) -> None:
    secret_half, public_half = "{{gen:ed25519_seed " + short + "}}", "{{gen:ed25519_public " + short + "}}"
    seed, public = expand(f"{secret_half}|{public_half}", Random(1)).split("|")
    other = expand(public_half, Random(2))
    for near, verdict in ((200, PROVEN), (0, PASS)):
        assert judge("ed25519_pair", seed, f'"key": "{public}", "secret": "', encoding=encoding, near=near) == verdict
    assert judge("ed25519_pair", seed, "", f"\n{public}\n", encoding=encoding, near=200) == PROVEN
    assert judge("ed25519_pair", seed, "", " " * 300 + public, encoding=encoding, near=200) == PASS
    assert judge("ed25519_pair", seed, f"{other} ", encoding=encoding, near=200) == PASS
    public, seed = expand(f"{public_half}|{secret_half}", Random(1)).split("|")
    assert judge("ed25519_pair", seed, public + " ", encoding=encoding, near=200) == PROVEN


def test_an_array_over_several_lines() -> None:
    numbers = make("solana_array")[1:-1].split(",")
    lines = "[\n  " + ",\n  ".join(numbers) + "\n]"
    assert judge("ed25519_pair", lines, encoding="json-array") == PROVEN
    assert judge("ed25519_pair", ", ".join(numbers), encoding="json-array") == PROVEN, "the brackets are not the value"


def test_an_unknown_encoding_decides_nothing() -> None:
    assert judge("ed25519_pair", make("solana_b58"), encoding="morse", near=50) == PASS


def test_base58check_versions_and_lengths() -> None:
    value = _base58(b"\x21" + Random(1).randbytes(16))
    assert judge("base58check", value) == PROVEN
    assert judge("base58check", value, versions=["42", "21"]) == PROVEN
    assert (
        judge("base58check", value, lengths=[17])
        == judge("base58check", value, versions=["21"], lengths=[16])
        == PROVEN
    )
    assert judge("base58check", value, versions=["42"]) == judge("base58check", value, lengths=[20]) == REJECT
    assert judge("base58check", value, alphabet="ripple") == REJECT
    assert judge("base58check", _base58(b"\x00\x00" + bytes(18))) == PROVEN, "leading zeros are ones"


def test_bech32_variants_and_cases() -> None:
    value = make("bech32 nsec")
    assert judge("bech32", value.upper()) == PROVEN
    assert judge("bech32", value[:20] + value[20:].upper()) == REJECT, "mixed case"
    assert judge("bech32", value, variant="bech32m") == judge("bech32", value, hrp=["npub"]) == REJECT
    assert judge("bech32", value, length=31) == REJECT
    assert judge("bech32", value, length=63) == PROVEN, "a length may count characters"


def test_age_wants_its_own_human_part() -> None:
    assert judge("age", make("age").lower()) == PROVEN
    assert judge("age", make("bech32 nsec")) == REJECT


def test_wif_and_xprv_out_of_range() -> None:
    zero, order = bytes(32), SECP256K1_ORDER.to_bytes(32, "big")
    for scalar in (zero, order):
        assert judge("wif", _base58(b"\x80" + scalar + b"\x01")) == REJECT
        assert judge("xprv", _base58(bytes.fromhex("0488ade4") + bytes(41) + b"\x00" + scalar)) == REJECT
    key = Random(1).randbytes(32)
    assert judge("wif", _base58(b"\x80" + key + b"\x02")) == REJECT, "neither compressed nor not"
    assert judge("wif", _base58(b"\x00" + key)) == REJECT, "an address's version"
    child = bytes.fromhex("0488ade4") + b"\x01" + b"abcd" + b"\x00\x00\x00\x01" + bytes(32) + b"\x00" + key
    assert facts("xprv", _base58(child)) == {"kind": "xprv", "depth": "1"}
    orphan = bytes.fromhex("0488ade4") + b"\x00" + b"abcd" + bytes(36) + b"\x00" + key
    assert judge("xprv", _base58(orphan)) == REJECT, "a master key has no parent"


def test_only_seeds_are_stellar_secrets() -> None:
    raw = bytes([6 << 3]) + Random(1).randbytes(32)
    account = b32encode(raw + crc_hqx(raw, 0).to_bytes(2, "little")).decode()
    assert account.startswith("G")
    assert (
        judge("strkey", account)
        == judge("strkey", "S" + account[1:])
        == judge("strkey", make("strkey").lower())
        == REJECT
    )


def test_object_ids_have_a_plausible_time() -> None:
    rest = make("object_id")[8:]
    for seconds in ("00000000", "4a000000", "ffffffff"):
        assert judge("object_id", seconds + rest) == REJECT
    assert judge("object_id", "z" * 24) == judge("object_id", make("object_id")[:-1]) == REJECT
    assert facts("object_id", make("object_id"))["created"] > "2017"
