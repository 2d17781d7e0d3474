"""What the tests of the gates share: judging a value, reading vectors.toml, the gates and makers under test."""

from __future__ import annotations

import os
import tomllib
from random import Random
from typing import Any

from leakguard.detect.gates import TABLE, Candidate, Verdict, load
from leakguard.detect.generate import expand

MODULES = ("tokens", "azure", "keys", "chains", "words")
GATES = sorted(name for name, row in TABLE.items() if row[0] in MODULES)

PARAMS: dict[str, dict[str, Any]] = {
    "base58check": {"versions": ["21"], "lengths": [16], "alphabet": "ripple"},
    "base64_json": {"fields": ["o", "k"]},
    "bech32": {"hrp": ["nsec"], "length": 32},
    "ed25519_pair": {"encoding": "base58", "near": 200},
}
PLAIN: dict[str, Any] = {"azure_marvin": "storage", "base64_bytes": 32, "cb58": 32, "crc_base62": "body"}
"""Parameters to call a gate with where a test has none of its own."""

# template, gate, its parameters: what every maker's value must be judged to be
PROVEN_PAIRS: list[tuple[str, str, dict[str, Any]]] = [
    ("github ghp_", "crc_github", {}),
    ("github gho_", "crc_github", {}),
    ("npm", "crc_npm", {}),
    ("gitlab_routable", "crc_gitlab", {}),
    ("gitlab_routable glrt-", "crc_gitlab", {}),
    ("grafana", "crc_grafana", {}),
    ("zuplo", "crc_zuplo", {}),
    ("crc62 nbp_", "crc_base62", {"over": "body"}),
    ("crc62 polar_at_o_ 37", "crc_base62", {"over": "body"}),
    ("matrix syt", "crc_base62", {"over": "whole"}),
    ("matrix mcr", "crc_base62", {"over": "whole"}),
    ("confluent", "crc_confluent", {}),
    ("pypi", "pypi_macaroon", {}),
    ("pypi some-project", "pypi_macaroon", {}),
    ("sentry_org", "sentry_org", {}),
    ("azure_ad", "azure_ad", {}),
    ("discord_bot", "discord_bot", {}),
    *((f"pem {kind}", "pem", {}) for kind in ("rsa", "pkcs8", "ec", "ec-pkcs8", "ed25519", "openssh")),
    *((f"pem_escaped {kind}", "pem", {}) for kind in ("rsa", "pkcs8", "ec", "ec-pkcs8", "ed25519", "openssh")),
    *((f"der_base64 {kind}", "der_base64", {}) for kind in ("rsa", "pkcs8", "ec", "ec-pkcs8", "ed25519")),
    ("pgp", "pgp", {}),
    ("pgp", "pem", {}),
    ("putty", "putty", {}),
    ("jwk", "jwk", {}),
    ("jwk EC", "jwk", {}),
    ("jwk RSA", "jwk", {}),
    ("keystore_v3", "keystore_v3", {}),
    ("age", "age", {}),
    ("age pq", "age", {}),
    ("avalanche", "cb58", {}),
    ("bip38", "base58check", {"versions": ["0142", "0143"], "lengths": [39]}),
    ("bip38 multiplied", "base58check", {"versions": ["0142", "0143"], "lengths": [39]}),
    ("eos", "eos_key", {}),
    ("eos R1", "eos_key", {}),
    ("tezos edesk", "base58check", {"versions": ["075a3cb329"], "lengths": [56]}),
    ("bech32 ncryptsec 91", "bech32", {"hrp": ["ncryptsec"], "length": 91}),
    ("ed25519_b64", "ed25519_pair", {"encoding": "base64", "strict": True}),
    *((f"wif {kind}".strip(), "wif", {}) for kind in ("", "uncompressed", "testnet", "dogecoin", "litecoin", "dash")),
    *((f"xprv {kind}", "xprv", {}) for kind in ("xprv", "yprv", "zprv", "tprv", "uprv", "vprv")),
    ("strkey", "strkey", {}),
    ("bech32 nsec", "bech32", {"hrp": ["nsec"], "length": 32}),
    ("bech32 suiprivkey 33", "bech32", {"hrp": ["suiprivkey"], "length": 33, "variant": "bech32"}),
    ("ripple", "base58check", {"versions": ["21"], "lengths": [16], "alphabet": "ripple"}),
    ("ripple ed25519", "base58check", {"versions": ["01e14b"], "lengths": [19], "alphabet": "ripple"}),
    ("tezos", "base58check", {"versions": ["0d0f3a07"], "lengths": [32]}),
    ("tezos edsk64", "base58check", {"versions": ["2bf64e07"], "lengths": [64]}),
    ("tezos spsk", "base58check", {"versions": ["11a2e0c9"]}),
    ("solana_array", "ed25519_pair", {"encoding": "json-array"}),
    ("solana_b58", "ed25519_pair", {"encoding": "base58"}),
    ("solana_b58 ed25519:", "ed25519_pair", {"encoding": "base58"}),
    ("ed25519_b64", "ed25519_pair", {"encoding": "base64"}),
    ("ed25519_hex", "ed25519_pair", {"encoding": "hex"}),
    *((f"bip39 {count}", "bip39", {}) for count in (12, 15, 18, 21, 24)),
    ("bip39 12 japanese", "bip39", {}),
    ("bip39 24 chinese_simplified", "bip39", {}),
    ("electrum", "electrum", {}),
    ("ton", "ton", {}),
    ("ton password", "ton", {}),
    ("algorand", "algorand", {}),
    ("monero", "monero", {}),
    ("slip39", "slip39", {}),
    ("slip39 33", "slip39", {}),
]

PASS_PAIRS: list[tuple[str, str, dict[str, Any]]] = [
    ("aws_key_id AKIA", "aws_key_id", {}),
    ("aws_key_id ASIA", "aws_key_id", {}),
    ("jwt", "jwt", {}),
    ("jwt ES256", "jwt", {}),
    ("basic_auth", "basic_auth", {}),
    ("object_id", "object_id", {}),
    ("wireguard", "wireguard", {}),
    ("evm_key", "secp256k1", {}),
    ("evm_key bare", "secp256k1", {}),
    ("stark", "stark", {}),
    ("jwk oct", "jwk", {}),
    ("pem encrypted", "pem", {}),
    ("ed25519_seed b64", "ed25519_pair", {"encoding": "base64", "near": 200}),
    ("ed25519_seed b58", "ed25519_pair", {"encoding": "base58", "near": 200}),
]
"""Values whose structure cannot prove them."""


def make(name: str, seed: int = 0) -> str:
    """What the named maker makes of this seed."""
    return expand("{{gen:" + name + "}}", Random(seed))


def candidate(value: str | bytes, before: str | bytes = "", after: str | bytes = "") -> Candidate:
    value, before, after = (part.encode() if isinstance(part, str) else part for part in (value, before, after))
    return Candidate(before + value + after, len(before), len(before) + len(value))


def run(gate: str, subject: Candidate, params: dict[str, Any] | None = None) -> Verdict:
    """The gate's verdict, called as the engine calls it."""
    if params or isinstance(TABLE[gate][2], dict):
        return load(gate)(subject, **(params or {}))
    return load(gate)(subject, *([PLAIN[gate]] if gate in PLAIN else []))


def judge(gate: str, value: str | bytes, before: str = "", after: str = "", **params: Any) -> Verdict:
    return run(gate, candidate(value, before, after), params)


def facts(gate: str, value: str | bytes, before: str = "", after: str = "", **params: Any) -> dict[str, str]:
    subject = candidate(value, before, after)
    run(gate, subject, params)
    return subject.facts


def vectors(kind: str = "vector") -> list[dict[str, Any]]:
    path = os.path.join(os.path.dirname(__file__), "..", "vectors.toml")
    with open(path, "rb") as file:
        found: list[dict[str, Any]] = tomllib.load(file)[kind]
    return found
