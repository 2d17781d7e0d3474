"""Gates of private key containers: every way a key is written down, cut, altered, encrypted or faked."""

from __future__ import annotations

import hmac
import json
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha1
from random import Random
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, x25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from gate_checks import candidate, facts, judge, make

from leakguard.detect.gates import Verdict, load

REJECT, PASS, PROVEN = Verdict.REJECT, Verdict.PASS, Verdict.PROVEN
KINDS = ("rsa", "pkcs8", "ec", "ec-pkcs8", "ed25519", "openssh")

WRITTEN: dict[str, Callable[[str], str]] = {
    "windows line ends": lambda pem: pem.replace("\n", "\r\n"),
    "escaped": lambda pem: pem.replace("\n", "\\n"),
    "escaped twice": lambda pem: pem.replace("\n", "\\\\n"),
    "escaped windows line ends": lambda pem: pem.replace("\n", "\\r\\n"),
    "JSON with escaped slashes": lambda pem: pem.replace("\n", "\\n").replace("/", "\\/"),
    "JSON with escaped signs": lambda pem: pem.replace("\n", "\\n").replace("=", "\\u003d").replace("+", "\\u002b"),
    "indented": lambda pem: pem.replace("\n", "\n      "),
    "line ends lost": lambda pem: pem.replace("\n", ""),
    "line ends made spaces": lambda pem: pem.replace("\n", " "),
    "concatenated": lambda pem: pem.replace("\n", '\\n" +\n    "'),
    "listed": lambda pem: pem.replace("\n", "',\n  '"),
    "commented out": lambda pem: pem.replace("\n", "\n# "),
}


@pytest.mark.parametrize("way", WRITTEN)
@pytest.mark.parametrize("kind", KINDS)
def test_a_key_is_proven_however_it_is_written(kind: str, way: str) -> None:
    assert judge("pem", WRITTEN[way](make(f"pem {kind}"))) == PROVEN


@pytest.mark.parametrize(
    ("kind", "known"),
    [
        ("rsa", {"type": "rsa", "bits": "2048"}),
        ("ec", {"type": "ec", "curve": "secp256r1"}),
        ("ed25519", {"type": "ed25519"}),
        ("openssh", {"type": "ed25519"}),
    ],
)
def test_facts_of_a_key(kind: str, known: dict[str, str]) -> None:
    assert facts("pem", make(f"pem {kind}")) == {**known, "encrypted": "no"}


@pytest.mark.parametrize("kind", ["rsa", "pkcs8", "ec", "openssh"])
def test_a_cut_or_altered_key_is_passed_but_not_proven(kind: str) -> None:
    pem = make(f"pem {kind}")
    lines = pem.split("\n")
    assert judge("pem", "\n".join(lines[: len(lines) // 2 + 1])) == PASS, "no end"
    assert judge("pem", "\n".join([*lines[:2], *lines[3:]])) == PASS, "a line is missing"
    middle = lines[2]
    lines[2] = middle[:20] + ("A" if middle[20] != "A" else "B") + middle[21:]
    assert judge("pem", "\n".join(lines)) == PASS


def test_an_rsa_key_whose_numbers_do_not_belong_together_is_not_proven() -> None:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    body = b64decode("".join(make("pem rsa").split("\n")[1:-1]))
    key = load_pem_private_key(make("pem rsa").encode(), None)
    prime = key.private_numbers().p  # type: ignore[union-attr]
    raw = prime.to_bytes((prime.bit_length() + 7) // 8, "big")
    assert body.count(raw) == 1
    wrong = body.replace(raw, (prime - 2).to_bytes(len(raw), "big"))
    text = b64encode(wrong).decode()
    assert judge("pem", f"-----BEGIN RSA PRIVATE KEY-----\n{text}\n-----END RSA PRIVATE KEY-----") == PASS
    assert judge("der_base64", text) == REJECT


@pytest.mark.parametrize(
    "body",
    [
        "...",
        "MIIE...",
        "\nMIIEpAIBAAKCAQEA...\n",
        "\nyour private key here\n",
        "\nYOUR_PRIVATE_KEY\n",
        "\n" + "x" * 640 + "\n",
        "\n" + "AAAA" * 300 + "\n",
        "\\n<paste the contents of the key file here>\\n",
        "\n${PRIVATE_KEY}\n",
        "",
        r"[\s\S]{100,4000}?(?:[A-Za-z0-9+/=\s]{64,}|\\n)+-----END|(?P<body>[^-]*)([A-Z]{2,}[a-z]+)[0-9]{1,5}",
        "\nthe key that you made in the first step of this guide, all of it, with the first and the last line and "
        "nothing else before it or after it, or the service will not start\n",
    ],
)
@pytest.mark.parametrize("label", ["", "RSA ", "EC ", "OPENSSH "])
def test_placeholders_are_rejected(label: str, body: str) -> None:
    assert judge("pem", f"-----BEGIN {label}PRIVATE KEY-----{body}-----END {label}PRIVATE KEY-----") == REJECT


def test_a_dotted_out_start_of_a_real_key_is_rejected_and_most_of_one_is_not() -> None:
    lines = make("pem pkcs8").split("\n")
    assert judge("pem", "\n".join([*lines[:2], "...", lines[-1]])) == REJECT
    assert judge("pem", "\n".join([*lines[:9], "...", lines[-1]])) == PASS


def test_no_armour_no_key() -> None:
    assert judge("pem", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----") == REJECT


def test_encrypted_keys_are_passed_and_say_so() -> None:
    key, lock = ec.derive_private_key(7**80, ec.SECP256R1()), BestAvailableEncryption(b"x")
    fields = (b"aes256-ctr", b"bcrypt", Random(1).randbytes(24))
    raw = b"openssh-key-v1\x00" + b"".join(len(field).to_bytes(4, "big") + field for field in fields)
    text = b64encode(raw + b"\x00\x00\x00\x01" + Random(2).randbytes(300)).decode()
    keys = [f"-----BEGIN OPENSSH PRIVATE KEY-----\n{text}\n-----END OPENSSH PRIVATE KEY-----"]
    for form in (PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL):
        keys.append(key.private_bytes(Encoding.PEM, form, lock).decode())
    for pem in keys:
        for written in (pem, pem.replace("\n", "\\n")):
            assert judge("pem", written) == PASS
            assert facts("pem", written) == {"encrypted": "yes"}


def test_der_without_armour() -> None:
    der = make("der_base64 ec")
    assert judge("der_base64", der) == PROVEN
    assert judge("der_base64", der[:64] + "\\n" + der[64:]) == PROVEN
    assert judge("der_base64", make("der_base64 pkcs8")[:900]) == PASS, "cut"
    public = ec.derive_private_key(7**80, ec.SECP256R1()).public_key()
    other = b64encode(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
    assert judge("der_base64", other) == REJECT, "a public key"
    assert judge("der_base64", b64encode(Random(1).randbytes(200)).decode()) == REJECT


def _without_checksum(block: str) -> str:
    return "\n".join(line for line in block.split("\n") if not line.startswith("="))


def test_pgp() -> None:
    block = make("pgp")
    assert facts("pgp", block) == {"type": "pgp", "encrypted": "no"}
    assert judge("pgp", block.replace("\n", "\\n")) == PROVEN
    assert (
        judge("pgp", block.replace("BLOCK-----\n", "BLOCK-----\nVersion: GnuPG v2\nComment: https://gpg\n", 1))
        == PROVEN
    )
    assert judge("pgp", _without_checksum(block)) == PROVEN, "RFC 9580 leaves it out"
    lines = block.split("\n")
    lines[3] = lines[3][:10] + ("A" if lines[3][10] != "A" else "B") + lines[3][11:]
    assert judge("pgp", "\n".join(lines)) == PASS, "the checksum fails"
    assert judge("pgp", "\n".join(block.split("\n")[:3])) == REJECT, "cut to less than a key"
    assert judge("pgp", block[:145]) == PASS, "cut"
    assert judge("pgp", "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n...\n-----END PGP PRIVATE KEY BLOCK-----") == REJECT
    assert judge("pgp", block.replace("PRIVATE", "PUBLIC")) == REJECT


def test_an_encrypted_pgp_key_is_passed() -> None:
    lines = make("pgp").split("\n")
    raw = bytearray(b64decode("".join(lines[2:-2])))
    place = 2 + 6 + 10 + 2 + 33
    assert raw[place] == 0, "the octet after the public key says: not protected"
    raw[place] = 254
    text = f"-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n{b64encode(raw).decode()}\n-----END PGP PRIVATE KEY BLOCK-----"
    assert judge("pgp", text) == PASS
    assert facts("pgp", text) == {"type": "pgp", "encrypted": "yes"}


def test_putty_version_2_and_escaped() -> None:
    lines = make("putty").split("\n")
    parts = [b"ssh-ed25519", b"none", lines[2].partition(": ")[2].encode()]
    parts += [b64decode(lines[4] + lines[5]), b64decode(lines[7])]
    data = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    lines[0] = "PuTTY-User-Key-File-2: ssh-ed25519"
    lines[-1] = "Private-MAC: " + hmac.digest(sha1(b"putty-private-key-file-mac-key").digest(), data, "sha1").hex()
    for written in ("\n".join(lines), "\r\n".join(lines), "\\n".join(lines)):
        assert judge("putty", written) == PROVEN
    assert judge("putty", "\n".join(lines[:-1])) == PASS, "cut"
    assert judge("putty", "\n".join(lines[:6])) == REJECT, "the public half alone"


def test_jwk_where_it_stands() -> None:
    key = json.loads(make("jwk EC"))
    whole = json.dumps({"keys": [{"use": "sig", **key}]})
    assert judge("jwk", whole[whole.index('{"use') : -2], '{"keys": [', "]}") == PROVEN
    before, _, after = whole.partition(key["d"])
    assert judge("jwk", key["d"], before, after) == PROVEN, "the value is d alone"
    assert judge("jwk", key["d"], before.replace('"', '\\"'), after.replace('"', '\\"')) == PROVEN, "JSON in a string"
    assert judge("jwk", key["d"]) == PASS, "nothing to compare it with"


def test_jwk_that_is_wrong_or_public() -> None:
    key = json.loads(make("jwk EC"))
    other = json.loads(make("jwk EC", 1))
    assert judge("jwk", json.dumps({**key, "d": other["d"]})) == REJECT
    assert judge("jwk", json.dumps({name: value for name, value in key.items() if name != "d"})) == REJECT
    assert judge("jwk", json.dumps({**key, "d": "..."})) == REJECT
    rsa = json.loads(make("jwk RSA"))
    for primes in ("p", "q", "dp", "dq", "qi"):
        del rsa[primes]
    assert judge("jwk", json.dumps(rsa)) == PROVEN, "one round trip tells"
    assert judge("jwk", json.dumps({**rsa, "n": rsa["n"][:-8] + "AAAAAAAB"})) == REJECT


@pytest.mark.parametrize("curve", ["Ed25519", "X25519"])
def test_jwk_of_curve_25519(curve: str) -> None:
    makers: dict[str, Any] = {"Ed25519": ed25519.Ed25519PrivateKey, "X25519": x25519.X25519PrivateKey}
    maker = makers[curve]
    key = maker.from_private_bytes(bytes(range(32)))
    d = urlsafe_b64encode(key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())).decode().rstrip("=")
    x = urlsafe_b64encode(key.public_key().public_bytes_raw()).decode().rstrip("=")
    assert judge("jwk", json.dumps({"kty": "OKP", "crv": curve, "d": d, "x": x})) == PROVEN
    assert judge("jwk", json.dumps({"kty": "OKP", "crv": curve, "d": d, "x": d})) == REJECT


def test_wireguard() -> None:
    key = make("wireguard")
    public = x25519.X25519PrivateKey.from_private_bytes(b64decode(key)).public_key().public_bytes_raw()
    assert judge("wireguard", key) == PASS
    assert judge("wireguard", key, "", f"\n# public: {b64encode(public).decode()}\n") == PROVEN
    loose = b64encode(b"\x01" + b64decode(key)[1:]).decode()
    assert judge("wireguard", loose) == REJECT, "not clamped, and nothing says it is a tunnel's key"
    assert judge("wireguard", loose, "[Interface]\nPrivateKey = ") == PASS
    assert judge("wireguard", b64encode(bytes(32)).decode()) == REJECT
    assert judge("wireguard", key[:-5]) == REJECT


def test_keystores() -> None:
    text = make("keystore_v3")
    known = facts("keystore_v3", text)
    assert known["address"] == "0x" + json.loads(text)["address"]
    ciphertext = json.loads(text)["crypto"]["ciphertext"]
    before, _, after = text.partition(ciphertext)
    assert judge("keystore_v3", ciphertext, before, after) == PROVEN, "the value is the ciphertext alone"
    assert judge("keystore_v3", text.replace(json.loads(text)["crypto"]["mac"], "...")) == REJECT
    assert judge("keystore_v3", '{"crypto": "none", "version": 3}') == REJECT
    assert judge("keystore_v3", ciphertext) == PASS


def test_a_validators_keystore() -> None:
    random = Random(9)

    def part(function: str, size: int) -> dict[str, object]:
        return {"function": function, "params": {"n": 262_144}, "message": random.randbytes(size).hex()}

    crypto = {"kdf": part("scrypt", 0), "checksum": part("sha256", 32), "cipher": part("aes-128-ctr", 32)}
    store = {"crypto": crypto, "pubkey": random.randbytes(48).hex(), "path": "m/12381/3600/0/0/0", "version": 4}
    assert judge("keystore_v3", json.dumps(store)) == PROVEN
    assert facts("keystore_v3", json.dumps(store))["address"] == "0x" + str(store["pubkey"])
    store["crypto"] = {**crypto, "cipher": {"function": "aes-128-ctr"}}
    assert judge("keystore_v3", json.dumps(store)) == REJECT


def test_base64_of_a_number_of_bytes() -> None:
    gate = load("base64_bytes")
    for size in (16, 32, 64):
        text = b64encode(Random(size).randbytes(size)).decode()
        assert gate(candidate(text), size) == PASS
        assert gate(candidate(text.rstrip("=")), size) == PASS
        assert gate(candidate(text), size + 1) == REJECT
    assert gate(candidate("not base64 at all!"), 13) == REJECT
