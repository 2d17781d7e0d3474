"""Gates: pure functions that judge one candidate value, by name, from an explicit table.

A gate never prints, logs, raises on odd input or keeps anything. It is given the candidate and its own
parameters and answers with a Verdict: REJECT drops the match, PASS lets it on, PROVEN says that the value's own
structure proves it (checksum, key pair, parse) and raises the match to confidence `certain`. A gate may add
facts that are safe to print (an account number, an expiry), never any part of the secret.

Imported by detect/ only. Modules of this package import nothing of the project but this file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import Any


class Verdict(IntEnum):
    """What a gate says of a candidate."""

    REJECT = 0
    PASS = 1
    PROVEN = 2


class Candidate:
    """A value under judgement: `data[start:end]` is the value, `groups` the rule's other named groups.

    `name` is the variable, field or header name the value was assigned to (raw bytes, b"" when unknown).
    `facts` collects printable, non-secret facts. Its repr shows offsets only.
    """

    __slots__ = ("data", "end", "facts", "groups", "name", "path", "secret", "start")

    def __init__(
        self,
        data: bytes,
        start: int,
        end: int,
        name: bytes = b"",
        groups: Mapping[str, bytes] | None = None,
        path: str = "",
    ) -> None:
        self.data = data
        self.start = start
        self.end = end
        self.secret = bytes(data[start:end])
        self.name = name
        self.groups: Mapping[str, bytes] = groups or {}
        self.path = path
        self.facts: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"Candidate({self.start}, {self.end})"


Gate = Callable[..., Verdict]

_NUM = (int, float)

# name -> (module, function, parameter schema). Explicit, so that a pack's gate names and parameters are checked
# when it is loaded without importing the module that implements them. The schema is one of: a type (the gate is
# written `{ entropy = 3.0 }` and called `entropy(candidate, 3.0)`), or a mapping of keyword parameters (written
# `{ length = { min = 20 } }` and called `length(candidate, min=20)`). `true` stands for "no parameters".
Schema = type | tuple[type, ...] | Mapping[str, type | tuple[type, ...]]
TABLE: Mapping[str, tuple[str, str, Schema]] = {
    # basic: statistics and words
    "entropy": ("basic", "entropy", _NUM),  # Shannon bits per byte, at least
    "length": ("basic", "length", {"min": int, "max": int, "multiple": int}),  # bytes of the value
    "classes": ("basic", "classes", int),  # of lower, upper, digit, other: at least so many
    "distinct": ("basic", "distinct", int),  # different bytes, at least
    "rarity": ("basic", "rarity", _NUM),  # how unlike words and identifiers, 0 (a word) to 1 (random)
    "not_placeholder": ("basic", "not_placeholder", bool),  # runs for every rule anyway unless false
    "matches": ("basic", "matches", str),  # regular expression found in the value
    "rejects": ("basic", "rejects", str),  # regular expression not found in the value
    "near": ("basic", "near", {"words": list, "before": int, "after": int}),  # one of the words is near
    "not_near": ("basic", "not_near", {"words": list, "before": int, "after": int}),  # none of the words is near
    "not_name": ("basic", "not_name", str),  # regular expression not found in the normalised name
    "value_like": ("basic", "value_like", str),  # heuristics by kind: "password", "passphrase", "secret" ...
    # tokens: provider tokens whose own structure proves them
    "crc_github": ("tokens", "crc_github", bool),
    "crc_npm": ("tokens", "crc_npm", bool),
    "crc_gitlab": ("tokens", "crc_gitlab", bool),  # routable tokens; PASS for classic ones
    "crc_grafana": ("tokens", "crc_grafana", bool),
    "crc_zuplo": ("tokens", "crc_zuplo", bool),
    "crc_base62": ("tokens", "crc_base62", str),  # over what: "body" or "whole"
    "crc_confluent": ("tokens", "crc_confluent", bool),
    "pypi_macaroon": ("tokens", "pypi_macaroon", bool),  # facts: scope
    "sentry_org": ("tokens", "sentry_org", bool),  # facts: org, region
    "aws_key_id": ("tokens", "aws_key_id", bool),  # facts: account
    "azure_marvin": ("azure", "azure_marvin", str),  # service: storage, cosmos, batch, servicebus ...; "any"
    "azure_ad": ("azure", "azure_ad", bool),
    "discord_bot": ("tokens", "discord_bot", bool),  # facts: user id
    "jwt": ("tokens", "jwt", bool),  # facts: alg, iss, exp ...
    "slack": ("tokens", "slack", bool),  # facts: team id
    "stripe": ("tokens", "stripe", bool),  # facts: mode live or test
    "base64_json": ("tokens", "base64_json", {"fields": list}),  # after a prefix, base64 of JSON with these
    "basic_auth": ("tokens", "basic_auth", bool),  # base64 of user:password; facts: user
    "url_userinfo": ("tokens", "url_userinfo", bool),  # password of a URL that is no placeholder; facts: user, host
    "request_host": ("requests", "request_host", bool),  # facts: host that the request around it goes to; never rejects
    # keys: private key containers
    "pem": ("keys", "pem", bool),  # PKCS#1/8, SEC1, OpenSSH, also with literal \n; facts: type, bits, encrypted
    "der_base64": ("keys", "der_base64", bool),  # base64 DER private key without armour
    "pgp": ("keys", "pgp", bool),
    "putty": ("keys", "putty", bool),
    "jwk": ("keys", "jwk", bool),
    "age": ("chains", "age", bool),
    "wireguard": ("keys", "wireguard", bool),
    "keystore_v3": ("keys", "keystore_v3", bool),
    "base64_bytes": ("keys", "base64_bytes", int),  # base64 of exactly n bytes (structure, not a proof)
    # chains: wallets and key pairs
    "base58check": ("chains", "base58check", {"versions": list, "lengths": list, "alphabet": str}),  # hex prefixes
    "cb58": ("chains", "cb58", int),  # Avalanche: after a prefix and a hyphen, so many bytes
    "eos_key": ("chains", "eos_key", bool),
    "bech32": ("chains", "bech32", {"hrp": list, "length": int, "variant": str}),
    "strkey": ("chains", "strkey", bool),
    "secp256k1": ("chains", "secp256k1", bool),  # range; PROVEN if the derived address stands near
    "evm_pair": ("chains", "evm_pair", bool),  # the same, REJECT unless PROVEN
    "stark": ("chains", "stark", bool),
    "ed25519_pair": (
        "chains", "ed25519_pair", {"encoding": str, "near": int, "strict": bool},
    ),  # seed||public, or public near
    "wif": ("chains", "wif", bool),
    "xprv": ("chains", "xprv", bool),
    "bip39": ("words", "bip39", bool),
    "electrum": ("words", "electrum", bool),
    "ton": ("words", "ton", bool),  # PASS for a BIP-39 phrase: the rule must know that it is of TON
    "algorand": ("words", "algorand", bool),
    "monero": ("words", "monero", bool),
    "slip39": ("words", "slip39", bool),  # facts: shares needed
    "object_id": ("chains", "object_id", bool),  # MongoDB ObjectId whose time is plausible
    # foreign: what imported configurations need; conditions are described in foreign.py
    "unless": ("foreign", "unless", list),  # a condition as a list: see gates/foreign.py
    "path_like": ("foreign", "path_like", str),  # regular expression
    "words_near": ("foreign", "words_near", list),
    "companion": (
        "foreign", "companion", {"pattern": str, "lines_before": int, "lines_after": int, "before": int, "after": int},
    ),
}  # fmt: skip


def load(name: str) -> Gate:
    """The function behind a gate's name. KeyError if there is none."""
    module_name, function, _ = TABLE[name]
    from importlib import import_module

    gate: Any = getattr(import_module(f"{__name__}.{module_name}"), function)
    return gate  # type: ignore[no-any-return]
