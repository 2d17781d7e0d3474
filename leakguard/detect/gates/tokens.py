"""Gates for provider tokens whose own structure says something: checksums, macaroons, JSON inside base64.

Pure functions of one Candidate. They never raise on odd input, never print, and add only printable facts that
are no part of the secret (owner ids, scope, expiry). REJECT means the structure is provably wrong, PASS that
the check does not apply or cannot decide, PROVEN that it passed. Imported by detect/ only, by name through the
table in gates/__init__; imports nothing else of the project, and the standard library inside the functions.
"""

from __future__ import annotations

from typing import Any

from leakguard.detect.gates import Candidate, Verdict

REJECT, PASS, PROVEN = Verdict.REJECT, Verdict.PASS, Verdict.PROVEN

BASE62 = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
BASE36 = b"0123456789abcdefghijklmnopqrstuvwxyz"
BASE32 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

DISCORD_EPOCH = 1_420_070_400
"""Second that Discord's ids count from: 2015-01-01."""

_STAND_INS = frozenset(
    b"password passwd pass pwd pw secret token user username changeme change_me mypassword my_password "
    b"yourpassword your_password your-password example placeholder redacted hidden none null undefined "
    b"test testing foo bar foobar xxx abc string value credentials".split()
)
"""Words that stand where a password would in documentation."""

_FILLERS = frozenset((b"", b"x", b"x-oauth-basic", b"api_token", b"unused", b"nopass", b"oauth2"))
"""Passwords that only fill the field: the user name before them is the secret."""


def _digits(number: int, alphabet: bytes, width: int) -> bytes:
    """`number` in positional notation, padded to `width` with the alphabet's zero."""
    out = bytearray()
    while number:
        number, rest = divmod(number, len(alphabet))
        out.append(alphabet[rest])
    return bytes(reversed(out)).rjust(width, alphabet[:1])


def _unbase64(data: bytes) -> bytes | None:
    """Bytes behind base64 of either alphabet, padded or not; None if it is not that."""
    from binascii import Error, a2b_base64

    data = data.rstrip(b"=").replace(b"-", b"+").replace(b"_", b"/")
    if not data or len(data) % 4 == 1:
        return None
    try:
        return a2b_base64(data + b"=" * (-len(data) % 4), strict_mode=True)
    except Error:
        return None  # characters outside the alphabet: the caller judges


def _json_object(data: bytes | None) -> dict[str, Any] | None:
    """The JSON object in `data`, or None. Deep nesting counts as none."""
    from json import loads

    if not data:
        return None
    try:
        value = loads(data)
    except (ValueError, RecursionError):
        return None  # not JSON: the caller judges
    return value if isinstance(value, dict) else None


def _shown(value: object, limit: int = 60) -> str:
    """What may be printed of a claim: text or number, ASCII without control characters, shortened."""
    if not isinstance(value, (str, int)) or isinstance(value, bool):
        return ""
    text = str(value)
    kept = "".join(char if " " <= char <= "~" else "?" for char in text[:limit])
    return kept + "..." if len(text) > limit else kept


def _note(candidate: Candidate, name: str, value: object, limit: int = 60) -> None:
    """Adds a fact if there is anything to show."""
    shown = _shown(value, limit)
    if shown:
        candidate.facts[name] = shown


def _day(seconds: float) -> str:
    """A time as an ISO date and time in UTC, "" if it is outside 1970 to 2200."""
    from time import gmtime, strftime

    return strftime("%Y-%m-%dT%H:%M:%SZ", gmtime(seconds)) if 0 < seconds < 7_258_118_400 else ""


def _readable_name(user: bytes) -> bool:
    """Whether a user name is one, and not itself a token: short, and no long run mixing letters and digits."""
    import re

    return (
        0 < len(user) <= 48
        and all(0x21 <= byte < 0x7F for byte in user)
        and not re.search(rb"(?=[A-Za-z]{0,64}[0-9])(?=[0-9]{0,64}[A-Za-z])[A-Za-z0-9]{16}", user)
    )


def _stands_in(password: bytes) -> bool:
    """Whether a password is visibly a placeholder or a reference to one kept elsewhere."""
    import re

    bare = password.strip(b"<>[](){}*%$\"'`").lower()
    reference = rb"\$\{?[A-Za-z_]\w{0,60}\}?|%\(?\w{1,60}\)?[%s]?|\$\(.{1,200}\)|<[^>]{1,200}>|\[[^\]]{1,200}\]"
    return (
        not bare
        or bare in _STAND_INS
        or len(set(bare)) == 1
        or b"..." in password
        or re.search(rb"\$\{|\{\{|^\{[^}]{1,200}\}$", password) is not None
        or re.fullmatch(reference, password) is not None
        # what it is called, in place of it; an attack on who reads URLs: 80\@@other.host
        or re.fullmatch(rb"[A-Z][A-Z0-9]{0,20}(?:_[A-Z0-9]{1,16}){0,5}_(?:PASSWORD|PASSWD|PASS|PWD|PW|SECRET|TOKEN)", password) is not None
        or password.rstrip(b"@").endswith(b"\\")
    )


def crc_github(candidate: Candidate, _wanted: bool = True) -> Verdict:
    """`ghp_` and its kin: 30 characters, then their CRC32 in base 62. Other lengths have no known checksum."""
    from zlib import crc32

    secret = candidate.secret
    if len(secret) != 40 or secret[:2] != b"gh" or secret[3:4] != b"_" or not secret[4:].isalnum():
        return PASS
    return PROVEN if _digits(crc32(secret[4:34]), BASE62, 6) == secret[34:] else REJECT


def crc_npm(candidate: Candidate, _wanted: bool = True) -> Verdict:
    """`npm_`: CRC32 in base 62. Public samples disagree whether the prefix counts, so a mismatch decides nothing."""
    from zlib import crc32

    secret = candidate.secret
    if len(secret) < 40 or not secret.startswith(b"npm_") or not secret[4:].isalnum():
        return PASS
    checks = (_digits(crc32(secret[start:-6]), BASE62, 6) for start in (4, 0))
    return PROVEN if secret[-6:] in checks else PASS


def crc_gitlab(candidate: Candidate, _wanted: bool = True) -> Verdict:
    """Routable tokens end in two digits of length and seven of CRC32, base 36. Classic ones have no dot: PASS."""
    from zlib import crc32

    head, dot, tail = candidate.secret.rpartition(b".")
    if not dot or len(tail) != 9 or any(char not in BASE36 for char in tail):
        return PASS
    covered, check = candidate.secret[:-7], tail[2:]
    if _digits(crc32(covered), BASE36, 7) != check:
        return REJECT
    payload = head.split(b".")[0]
    start = payload.find(b"-") + 1
    # The prefix ends at one of its own dashes, and base64url may hold more: the first that decodes to routing wins.
    while 0 < start < len(payload):
        if _gitlab_routing(candidate, _unbase64(payload[start:])):
            break
        start = payload.find(b"-", start) + 1
    return PROVEN


def _gitlab_routing(candidate: Candidate, raw: bytes | None) -> bool:
    """Notes the ids in a routable token's payload: random bytes, `k:v` lines, their length in the last byte."""
    import re

    if not raw or not 3 <= raw[-1] < len(raw):
        return False
    names = {b"g": "group", b"o": "organization", b"p": "project", b"u": "user"}
    lines = raw[-1 - raw[-1] : -1].split(b"\n")
    pairs = [re.fullmatch(rb"([cgoput]):([0-9a-z]{1,12})", line) for line in lines]
    if not all(pairs):
        return False
    for pair in pairs:
        if pair and pair[1] in names:
            candidate.facts[names[pair[1]]] = str(int(pair[2], 36))
    return True


def crc_grafana(candidate: Candidate, _wanted: bool = True) -> Verdict:
    """`glsa_`: the CRC32 of all before the last underscore, its bytes little-endian in hex."""
    from zlib import crc32

    head, _, check = candidate.secret.rpartition(b"_")
    if not head.startswith(b"glsa_") or len(check) != 8:
        return PASS
    return PROVEN if crc32(head).to_bytes(4, "little").hex().encode() == check.lower() else REJECT


def crc_zuplo(candidate: Candidate, _wanted: bool = True) -> Verdict:
    """`zpka_`: the CRC32 of the body, big-endian in hex, after the second underscore."""
    from zlib import crc32

    parts = candidate.secret.split(b"_")
    if len(parts) != 3 or parts[0] != b"zpka" or len(parts[2]) != 8:
        return PASS
    return PROVEN if b"%08x" % crc32(parts[1]) == parts[2].lower() else REJECT


def crc_base62(candidate: Candidate, over: str = "body") -> Verdict:
    """The last six characters are a CRC32 in base 62: of the letters and digits before them (`body`), or of all that
    stands before the underscore before them (`whole`, where the lowest digit may come first).
    """
    from zlib import crc32

    head, _, last = candidate.secret.rpartition(b"_")
    covered, check = (last[:-6], last[-6:]) if over == "body" else (head, last)
    if len(covered) < 16 or len(check) != 6 or not last.isalnum():
        return PASS
    digits = _digits(crc32(covered), BASE62, 6)
    mirrored = digits.lstrip(b"0")[::-1].rjust(6, b"0")
    return PROVEN if check == digits or (check == mirrored and over != "body") else REJECT


def crc_confluent(candidate: Candidate, _wanted: bool = True) -> Verdict:
    """`cflt`: 54 characters, then the CRC32's little-endian bytes in base64 without padding."""
    from binascii import b2a_base64
    from zlib import crc32

    secret = candidate.secret
    if len(secret) != 64 or not secret.startswith(b"cflt"):
        return PASS
    check = b2a_base64(crc32(secret[4:58]).to_bytes(4, "little"), newline=False)[:6]
    return PROVEN if check == secret[58:] else REJECT


def pypi_macaroon(candidate: Candidate, _wanted: bool = True) -> Verdict:
    """A PyPI token is a macaroon, version 2: sections of fields to the last byte. Its caveats tell the scope."""
    _, dash, body = candidate.secret.partition(b"-")
    caveats = _macaroon_caveats(_unbase64(body if dash else candidate.secret) or b"")
    if caveats is None:
        return REJECT
    scope = _pypi_scope(caveats)
    candidate.facts["scope"] = scope or "user"
    return PROVEN


def _macaroon_caveats(raw: bytes) -> list[bytes] | None:
    """The caveats' identifiers of a PyPI macaroon; None if it does not parse to its end."""
    sections: list[dict[int, bytes]] = []
    fields: dict[int, bytes] = {}
    at = 1
    while at < len(raw) and raw[0] == 2:
        kind, at = raw[at], at + 1
        if kind == 0:
            if not fields:
                break
            sections.append(fields)
            fields = {}
            continue
        size = shift = 0
        while at < len(raw) and shift < 21:
            byte, at = raw[at], at + 1
            size |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        fields[kind] = raw[at : at + size]
        at += size
    signed = raw[at : at + 2] == b"\x06\x20" and len(raw) == at + 34
    if not signed or not sections or not sections[0].get(1, b"").endswith(b"pypi.org"):
        return None
    return [section.get(2, b"") for section in sections[1:]]


def _pypi_scope(caveats: list[bytes]) -> str:
    """The projects a PyPI token is bound to, "" if to none. Two generations: objects, and tagged arrays."""
    from json import loads

    projects: list[str] = []
    for caveat in caveats:
        try:
            value = loads(caveat)
        except (ValueError, RecursionError):
            continue  # an unknown caveat only narrows further
        if isinstance(value, dict):
            rights = value.get("permissions")
            named = rights.get("projects") if isinstance(rights, dict) else None
        else:
            named = value[1] if isinstance(value, list) and len(value) > 1 and value[0] == 1 else None
        if isinstance(named, list):
            projects += [_shown(name, 40) for name in named[:4]]
    return "project " + ", ".join(projects) if projects else ""


def sentry_org(candidate: Candidate, _wanted: bool = True) -> Verdict:
    """`sntrys_`: base64 of JSON that names organisation and region, then 43 random characters. Others: PASS."""
    secret = candidate.secret
    if not secret.startswith(b"sntrys_"):
        return PASS
    payload, _, rest = secret[7:].partition(b"_")
    fields = _json_object(_unbase64(payload))
    if fields is None or not isinstance(fields.get("org"), str) or len(rest) < 40:
        return REJECT
    _note(candidate, "org", fields["org"])
    _note(candidate, "region", fields.get("region_url"))
    return PROVEN


def aws_key_id(candidate: Candidate, _wanted: bool = True) -> Verdict:
    """Base32 after the prefix; ids issued since 2019 (fifth character Q or later) hold the account's number."""
    secret = candidate.secret
    if len(secret) != 20:
        return PASS
    if any(char not in BASE32 for char in secret[4:]):
        return REJECT
    number = 0
    for char in secret[4:]:
        number = number * 32 + BASE32.index(char)
    top = number >> 32
    account = (top & 0x7FFF_FFFF_FF80) >> 7
    if top >> 47 and account < 10**12:
        candidate.facts["account"] = f"{account:012d}"
    return PASS


def discord_bot(candidate: Candidate, _wanted: bool = True) -> Verdict:
    """The first of three parts is the bot's id in base64: 17 to 20 digits that hold a time since 2015."""
    from time import time

    parts = candidate.secret.split(b".")
    user = _unbase64(parts[0]) or b""
    if len(parts) != 3 or not 17 <= len(user) <= 20 or not user.isdigit():
        return REJECT
    born = (int(user) >> 22) / 1000 + DISCORD_EPOCH
    if born > time() + 86_400:
        return REJECT
    candidate.facts["user"] = user.decode()
    return PROVEN


def jwt(candidate: Candidate, _wanted: bool = True) -> Verdict:
    """The header must be JSON with `alg`. Only the key could prove a token, so the best answer is PASS."""
    from time import time

    parts = candidate.secret.split(b".")
    header = _json_object(_unbase64(parts[0]))
    if header is None or not isinstance(header.get("alg"), str) or len(parts) < 2:
        return REJECT
    _note(candidate, "alg", header["alg"], 20)
    _note(candidate, "typ", header.get("typ"), 20)
    claims = _json_object(_unbase64(parts[1])) or {}
    _note(candidate, "iss", claims.get("iss"), 40)
    _note(candidate, "role", claims.get("role"), 20)
    end = claims.get("exp")
    if isinstance(end, (int, float)) and _day(end):
        candidate.facts["exp"] = _day(end)
        if end < time():
            candidate.facts["expired"] = "yes"
    return PASS


def slack(candidate: Candidate, _wanted: bool = True) -> Verdict:
    """Tokens and webhooks have no checksum: the random part must look random; ids on the way are facts."""
    import re

    secret = candidate.secret
    hook = re.search(rb"/(?:services|workflows|triggers)/([TE][0-9A-Z]{6,16})/", secret)
    if hook:
        candidate.facts["team"] = hook[1].decode()
        parts = secret.split(b"/")
    else:
        parts = secret.split(b"-")
        if len(parts) >= 4 and parts[0] in (b"xoxb", b"xoxp") and re.fullmatch(rb"[0-9]{9,15}", parts[1]):
            candidate.facts["team"] = parts[1].decode()
        elif len(parts) >= 5 and parts[0] == b"xapp" and re.fullmatch(rb"A[0-9A-Z]{6,14}", parts[2]):
            candidate.facts["app"] = parts[2].decode()
    return REJECT if len(set(parts[-1])) < 5 else PASS


def stripe(candidate: Candidate, _wanted: bool = True) -> Verdict:
    """`sk_live_`, `rk_test_` and the like: the second word is the mode; the rest must be letters and digits."""
    parts = candidate.secret.split(b"_", 2)
    if len(parts) != 3 or parts[0] not in (b"sk", b"rk", b"pk") or parts[1] not in (b"live", b"test"):
        return PASS
    candidate.facts["mode"] = parts[1].decode()
    return PASS if parts[2].isalnum() and len(set(parts[2])) >= 5 else REJECT


def base64_json(candidate: Candidate, fields: list[str] | None = None) -> Verdict:
    """The value, after a prefix, is base64 of a JSON object that has all `fields`."""
    import re

    secret = candidate.secret
    # An object begins `{"`, `{ ` or a line end in base64 as eyJ, eyA, ewo or ew0; before it stands the prefix.
    for found in re.finditer(rb"ey[JA]|ew[o0]", secret[:64]):
        run = re.match(rb"[0-9A-Za-z+/_-]{4,16384}", secret[found.start() :])
        body = run[0] if run else b""
        # An underscore may be part of the base64 or begin what follows it, as in Sentry's tokens.
        for piece in (body, body.partition(b"_")[0]):
            value = _json_object(_unbase64(piece))
            if value is not None:
                return PROVEN if all(field in value for field in fields or ()) else REJECT
    return REJECT


def basic_auth(candidate: Candidate, _wanted: bool = True) -> Verdict:
    """Base64 of `user:password` in readable text; documentation's stand-ins are rejected."""
    raw = _unbase64(candidate.secret.split(b" ")[-1])
    if raw is None or b":" not in raw or any(byte < 0x20 or byte == 0x7F for byte in raw):
        return REJECT
    try:
        raw.decode()
    except UnicodeDecodeError:
        return REJECT
    user, _, password = raw.partition(b":")
    if password in _FILLERS:
        return REJECT if _stands_in(user) else PASS
    if _stands_in(password):
        return REJECT
    if _readable_name(user):
        candidate.facts["user"] = user.decode("ascii")
    return PASS


def url_userinfo(candidate: Candidate, _wanted: bool = True) -> Verdict:
    """The password of a URL (the value is the URL, or the password inside one) that is no placeholder."""
    user, password, host = _userinfo(candidate)
    if _stands_in(password):
        # A filler after a token: the token, standing as the user, is judged in its place.
        if password not in _FILLERS or _stands_in(user):
            return REJECT
    elif password == user and (host in (b"localhost", b"127.0.0.1", b"::1") or b"." not in host):
        return REJECT  # the default account of a database in a container
    if password not in _FILLERS and _readable_name(user):
        candidate.facts["user"] = user.decode("ascii")
    _note(candidate, "host", host.decode("latin-1"))
    return PASS


def _userinfo(candidate: Candidate) -> tuple[bytes, bytes, bytes]:
    """User, password and host of the URL that is, or stands around, the value."""
    import re

    if b"://" in candidate.secret:
        rest = candidate.secret.partition(b"://")[2]
        authority = re.split(rb"[/?#]", rest, maxsplit=1)[0]
        # People forget to escape a slash in a password: without an @ before it, the last @ ends the password.
        before, _, after = (authority if b"@" in authority else rest).rpartition(b"@")
        after = re.split(rb"[/?#]", after, maxsplit=1)[0]
        user, _, password = before.partition(b":")
        return user, password, after.partition(b":")[0]
    head = candidate.data[max(0, candidate.start - 300) : candidate.start]
    tail = candidate.data[candidate.end : candidate.end + 300]
    opened = re.search(rb"://([^\s:/@\"'<>]{0,200}):$", head)
    closed = re.match(rb"@([0-9A-Za-z._-]{1,253})", tail)
    user = candidate.groups.get("user") or (opened[1] if opened else b"")
    host = candidate.groups.get("host") or (closed[1] if closed else b"")
    return user, candidate.secret, host
