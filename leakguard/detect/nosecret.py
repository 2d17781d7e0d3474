"""Values beside a credential's name that are none: code, what pages and logs show, public keys, addresses, sealed values.

By how they look and what they stand in, before anybody is asked whose they are. Pure; knows no rules. Imported by context.py.
"""

from __future__ import annotations

import re

from leakguard.detect.assign import Assigned
from leakguard.detect.patterns import compiled

# `x = os.getenv("...")`, `process.env.X || "..."`: the literal is a default, or the secret put in the wrong place
LOOKUP = compiled(
    rb"(?:(?:process\.env[.\[][\w\"'.\]]{1,60}|(?:os\.)?(?:getenv|environ\.get)\([\"'\w]{1,60}\))[ \t]{0,2}(?:\|\||\?\?|or)[ \t]{0,2}"
    rb"|(?:os\.)?(?:getenv|environ\.get)\((?:[\"'][\w.]{1,60}[\"'][ \t]{0,2},[ \t]{0,2})?)"
    rb"[\"'](?P<value>[^\"'\r\n]{8,512})[\"']"
)
_VARIABLE = compiled(rb"[A-Za-z_][A-Za-z_.]*(?:\xe2\x88\x92[0-9]{1,3})?")  # the last: a minus of mathematics, PRF(Password, U[n] minus 1)
_CALLEE = compiled(rb"[A-Za-z_][\w.:]*")
_HUMPED = compiled(rb"[a-z]{2,20}(?:[A-Z][a-z]{1,20}|[A-Z]{2,6}(?![a-z]))(?:[A-Z][a-z]{0,20}){1,8}")
"""A name as code is written: mqttConnAckRefused."""


def is_code(data: bytes, found: Assigned) -> bool:
    """Whether what stands without quotes is a call, or a variable in the list of another: sign(secret, algorithm)."""
    if data[found.end : found.end + 1] in (b"(", b"["):
        return _CALLEE.fullmatch(data, found.start, found.end) is not None
    if not _VARIABLE.fullmatch(data, found.start, found.end):
        return False
    between = data[found.name_start + len(found.name) : found.start].strip()
    line = data[data.rfind(b"\n", 0, found.name_start) + 1 : found.name_start]
    if between.lstrip(b"\"'`") == b"," and _HUMPED.fullmatch(data, found.start, found.end):
        return True  # "user", "pwd", theAnswerToThem: a row of what is tried
    return between == b"(" or (between == b"," and b"(" in line)  # a comma alone may be that of a table's columns


_BADGE = compiled(rb"badge[^\s\"'()<>]{0,60}\?(?:[\w=&]{0,40}&)?\Z")


def is_badge(data: bytes, found: Assigned) -> bool:
    """Whether it is in the address of a picture that a page shows to everybody: badge.svg?token=."""
    return found.sep == b"=" and not found.quote and _BADGE.search(data, max(0, found.name_start - 120), found.name_start) is not None


_OF_SECTION = compiled(rb"[\"'][ \t]?,[ \t]?[\"'][\w.\-]{0,60}(?i:password|passwd|passphrase|secret|token|key)[\"'][ \t]?[,)]")
_LOADED = compiled(rb"(?:\brequire(?:_once|_relative)?|\bimport|\binclude(?:_once)?) ?\(?[\"'`]\Z")


def is_looked_up(data: bytes, found: Assigned) -> bool:
    """Whether a text in quotes says where the secret is: options("reporting", "store.password"), require("pgpass")."""
    if not found.quote:
        return False
    if _LOADED.search(data, max(0, found.start - 24), found.start) is not None:
        return True
    called = data[found.start - 2 : found.start - 1] == b"("
    return called and _OF_SECTION.match(data, found.end) is not None


_HANDSHAKE = compiled(rb"[&, ]{1,2}connectId=")
"""Behind what opens one connection and is worth nothing after it."""
_IDENTIFIER = compiled(rb"[A-Za-z_]\w*")
_IMPORTS = compiled(rb"\bimport[ \t]{0,4}\(?[\w\s,#]*\Z")


def is_imported(data: bytes, found: Assigned) -> bool:
    """Whether a name and the one behind its comma are among what is imported, in one line or between brackets."""
    if found.sep != b"," or found.quote or not _IDENTIFIER.fullmatch(data, found.start, found.end):
        return False
    return _IMPORTS.search(data, max(0, found.name_start - 600), found.name_start) is not None


_VERDICT = compiled(
    rb"[ \t]{0,12}(?:--- |\[ ?|\* )?(?:[XK]?(?:PASS|FAIL)|SKIP|OK|ERROR|UNSUPPORTED|UNRESOLVED|UNTESTED|Running)(?:ED)?\b"
)


def is_verdict(data: bytes, found: Assigned) -> bool:
    """Whether it is a line of a test's log among others: PASS: the name of a test. It may stand behind another line's end, in
    a text that was unfolded."""
    if found.sep != b":" or not found.name.endswith(b"PASS") or found.name.endswith(b"_PASS"):
        return False
    after = data.find(b"\n", found.end) + 1
    if after and _VERDICT.match(data, after):
        return True
    low = data.rfind(b"\n", 0, found.name_start) + 1
    alone = not data[low : found.name_start].strip(b" \t[*-")
    return low > 0 and alone and _VERDICT.match(data, data.rfind(b"\n", 0, low - 1) + 1) is not None


def is_usage(data: bytes, found: Assigned) -> bool:
    """Whether it is what a program says of its options, in any language: --ftp-password=HESLO."""
    if not data.startswith(b"--", found.name_start - 2) and not found.name.startswith(b"--"):
        return False
    value = data[found.start : found.end].decode("utf-8", "replace")
    return value.isalpha() and value.isupper()


_NUMBERED = 200


def is_numbered(data: bytes, found: Assigned) -> bool:
    """Whether it is the number of an entry among others, one less before it and one more behind it: a tokenizer's vocabulary
    has each word of secrets in it, with its place."""
    value = data[found.start : found.end]
    if not value.isdigit() or not 3 <= len(value) <= 9 or value[:1] == b"0":
        return False
    number = int(value)
    before, after = (rb"(?<![0-9])%d(?![0-9])" % (number + step) for step in (-1, 1))
    low = max(0, found.name_start - _NUMBERED)
    return re.search(before, data[low : found.start]) is not None and re.search(after, data[found.end : found.end + _NUMBERED]) is not None


_MENU = compiled(rb"[^\r\n]{0,80}\.(?:[ \t]|\r?$)", re.MULTILINE)


def is_menu(data: bytes, found: Assigned) -> bool:
    """Whether it is a line of a menu in a manual (texinfo): a star, a subject, and far behind its colon the chapter's words."""
    line = data[data.rfind(b"\n", 0, found.name_start) + 1 : found.name_start]
    if not line.startswith(b"* ") or data[found.start - 6 : found.start].strip():
        return False
    return data[found.start : found.end].strip(b"().").isalpha() and _MENU.match(data, found.end - 1) is not None


def is_piped(data: bytes, found: Assigned) -> bool:
    """Whether it is the command that a shell runs with what a variable holds, or if that failed: $password | login, $(pwd) || exit."""
    if not found.sep.startswith((b"|", b")|", b") |")) or not data[found.start : found.end].isalpha():
        return False
    return found.sep.endswith(b"||") or data[found.name_start - 1 : found.name_start] in (b"$", b"{")


def is_no_value(data: bytes, found: Assigned) -> bool:
    """Whether what stands without quotes behind a name is no value of its own."""
    return is_code(data, found) or is_verdict(data, found) or is_usage(data, found) or any(
        test(data, found) for test in (is_numbered, is_menu, is_piped)
    )


# the name of a secret where its value belongs, a sealed value, a method, what a program fills in, an address with nothing secret in it;
# names that compilers make, the code between two strings, public keys that begin a tree of others, the word that BIP-39 salts with
NO_SECRET = compiled(
    rb"[A-Z][A-Z0-9]{1,24}(?:_[A-Z0-9]{1,16}){0,8}_(?:KEY|SECRET|TOKEN|PASSWORD|PASSPHRASE|PWD|ID|MEMO|SECRET[AEO]|GEHEIMNIS|SCHLUESSEL)"
    rb"(?:_[0-9A-Z]{1,8})?"
    rb"|[a-z][a-z0-9]{1,24}(?:_[a-z0-9]{1,16}){0,8}_(?:key|secret|token|password|passphrase|pwd|memo)"
    rb"|(?i:nonce|timestamp|expires|realm|algorithm)=.{0,200}"
    rb"|\{[0-9A-Za-z+/]{8,400}={1,2}\}"  # sealed by Maven
    rb"|ENC\([0-9A-Za-z+/]{8,4000}={0,2}\)|1234567890(?i:abcdef)"  # sealed by Jasypt; the digits in their order
    rb"|[a-z][a-z0-9_]{1,40}(?:Api)?_?(?:Key|Secret|Token|Passphrase|Password|Memo)"
    rb"|[A-Za-z][a-z0-9]{1,20}(?:[A-Z][a-z]{1,20}){1,6}(?:Key|Secret|Token|Passphrase|Password|Memo|Id)"
    rb"|A[gQ][A-D][0-9A-Za-z+/]{200,}={0,2}"
    # the private keys of chains by what they begin with: one that its checksum does not prove is nobody's
    rb"|(?i:suiprivkey|nsec|age-secret-key-|ed25519e?_sk|(?:root|acct|addr|stake)_xsk|secret-extended-key-main)1[0-9a-zA-Z]{50,400}"
    rb"|PVT_[KR]1_[1-9A-HJ-NP-Za-km-z]{45,55}|(?:edsk|spsk|p2sk)[1-9A-HJ-NP-Za-km-z]{50,94}|S[A-D][A-Z2-7]{54}"
    rb"|ed25519:[1-9A-HJ-NP-Za-km-z]{86,90}|[xyztuvYZUV]prv[1-9A-HJ-NP-Za-km-z]{107}"
    # (a long one may stand in two pieces), and the name between two empty strings in backticks
    rb"|[xyztuvYZUV]pub[1-9A-HJ-NP-Za-km-z]{40,107}|,[A-Za-z_$][\w$]{0,40}:|__[a-z]{2,12}_\w{1,60}|17h[0-9a-f]{16}E|mnemonic"
    rb"|(?:[)\]}][\])};,.?:&|]|\}catch\(|,[a-z]\w{1,20}:[{\[]).{0,1000}"
    rb"|[a-z][a-z0-9_\-]{1,24}(?:\.[a-z][a-z0-9_\-]{0,24}){0,3}\.(?:api_?)?(?:key|secret|token|password|passphrase|memo)"
    rb"|(?:hashlib\.)?(?i:(?:hmac|scram)[-_]?)?(?i:sha|md)-?[0-9]{1,3}(?:[-_/][0-9]{3})?"
    rb"|(?:__cf_bm|__cfruid|_ga|_gid|_gcl_au|_fbp)=[^;\s]{0,300}"
    # what a provider of Terraform notes of a resource, as JSON in base64: how long to wait for it, and its version
    rb"|eyJ(?:lMmJmYjczMC1lY2FhLTExZTYtOGY4OC0z|zY2hlbWFfdmVyc2lvbiI6)[0-9A-Za-z+/=]{0,4000}"
    rb"|define|undef|(?:0x)?%[0-9]{0,3}(?:ll?|z|h)?[duxXsip]"
    rb"|(?:https?|wss?)://[\w.\-:{}$]{1,80}(?:/[\w.\-{}$]{0,16}){0,8}"
    rb"|arn:aws[\w\-:/*.{}$]{1,300}|(?!ed25519:)[a-z][a-z0-9\-]{1,30}:[A-Z*][A-Za-z0-9*]{0,60}"
)
# Words in any of the spellings of names and sentences, without a digit: nothing that a venue makes up by chance.
WORDY = compiled(
    rb"(?:(?:[A-Z]?[a-z]{2,16}+(?![a-z])|[A-Z]{2,13}+(?![A-Z])|[aI](?![A-Za-z]))[ _.,:/\-*#!?]{0,2}+){1,12}+"
)
_ADDRESS = compiled(rb"0x[0-9a-fA-F]{40}|0[23][0-9a-f]{64}|04[0-9a-f]{128}")
"""Of an account, or a public key of the same curve as it is printed."""
_PREFIXED = compiled(rb"ed25519:[1-9A-HJ-NP-Za-km-z]{43,44}")
"""A public key of NEAR or of Orderly, unless the name says otherwise: NEAR's private ones are twice as long."""
_SITE_KEY = compiled(rb"6L[0-9A-Za-z_\-]{38}")
"""What a page shows to reCAPTCHA; the secret one looks alike and is called otherwise."""
_UNSHOWN = frozenset({"secret", "private", "priv", "seed"})
_PUBLIC_NAMES = frozenset(
    tuple(name.split())
    for name in (
        "public key", "pub key", "pubkey", "publickey", "verifying key", "cache key", "partition key", "sort key",
        "primary key", "foreign key", "storage key", "idempotency key", "listen key", "listenkey", "link key", "lookup key",
        "unique key", "salt", "key hash", "secret hash", "token hash", "auth id", "token address", "token mint",
        "token id", "token symbol", "token account", "token program", "token vault", "token contract", "hash key", "gpg key",
        "publishable key",
    )
)  # fmt: skip
"""Last words of names that nothing generic is looked for under: what they name may be read by everybody."""
_KEY_ID = ("key", "id")
_UUID = compiled(rb"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
"""`key_id = <UUID>` is what a service for keys calls one of them, whoever is named beside it."""
_PUBLIC_KEY = 42
# hex, base58, and base64 of 32, 33, 64 or 65 bytes or of a structure: what public keys look like, and most venues' keys do not
_PUBLIC_LOOK = compiled(
    rb"(?:0x)?[0-9a-fA-F]+|(?:\w{2,12}:)?[1-9A-HJ-NP-Za-km-z]{42,52}|[0-9A-Za-z+/_-]{43,44}=?|[0-9A-Za-z+/_-]{86,88}={0,2}|M[0-9A-Za-z+/=\s\\]{56,}"
    rb"|[^0-9A-Za-z].*|[a-z0-9\-]{2,12} .*", re.DOTALL
)
_PUBLIC_KEYS = frozenset({("public", "key"), ("pub", "key"), ("verifying", "key")})


def is_public(value: bytes, name: tuple[str, ...]) -> bool:
    """Whether everybody may see a value, unless a name says whose secret looks like one: an address, or what is called a public
    key and looks like one (shorter than 32 bytes in base58 is no public key of any kind, but what some venues call one)."""
    if _ADDRESS.fullmatch(value) or (name == _KEY_ID and _UUID.fullmatch(value)):
        return True
    called = name[-2:] in _PUBLIC_KEYS or name[-1:] == ("pubkey",)
    return called and len(value) >= _PUBLIC_KEY and _PUBLIC_LOOK.fullmatch(value) is not None


def is_shown(data: bytes, assigned: Assigned, value: bytes, name: tuple[str, ...]) -> bool:
    """Whether nothing generic is to be looked for in a value: by its name or look, or by where it stands."""
    if name[-2:] in _PUBLIC_NAMES or name[-1:] in _PUBLIC_NAMES or _HANDSHAKE.match(data, assigned.end):
        return True
    if _UNSHOWN.isdisjoint(name):
        site = name[-2:] == ("site", "key") or name[-1:] == ("sitekey",)
        if _PREFIXED.fullmatch(value) or (site and _SITE_KEY.fullmatch(value)):
            return True
    return is_badge(data, assigned) or is_imported(data, assigned) or is_looked_up(data, assigned)
