"""Assignments: cuts the name and the value out of everything that is written like `name = value`.

Fields, environment lines, headers, call arguments, options, XML. Stage 1 reports where something named like a
credential is given a value (`TRIGGERS`); `assigned` goes left from there to the name and right to the value's end. Also
splits names into words and knows which words speak for which part. Pure functions; knows no rules and no files.
Imported by context.py, stage1.py and the gates.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, NamedTuple

_WORD = (
    r"(?:pass|pwd|psw|secret|token|key|auth|cred|priv|sign|seed|mnemonic|salt|session|cookie|hook|licen[sc]e"
    r"|phrase|login|access|client[_\-.]?id|app[_\-]?id|memo|_sid|_pat)"
)
_TAIL = 5
"""Every trigger ends this many bytes into the value."""

_NAME_END = r"[\w.\-]{0,20}[\"'`\])}\\]{0,3}[ \t]{0,8}"
_QUOTED_VALUE = r"[bfru@$]?[\"'`\\]{1,4}[^\s\"'`\\]{5}"

# One pattern for most forms: eight of them compiled four times as long and ran at half the speed. The rare forms
# have their own, each with a literal that hyperscan can look for: folded into the first they cost it a third.
TRIGGERS: tuple[str, ...] = (
    # name = "value", "name": value, \"name\": \"value\", set_name("value"), put("name", "value"),
    # <add key="name" value="value">, <name>value</name>
    r"(?i)" + _WORD + _NAME_END + r"(?:(?:=>|[:?+|]?={1,3}|:|[,(]|value=|content=|default=)[ \t\r\n]{0,8}"
    r"(?:" + _QUOTED_VALUE + r"|[^\s\"'`\\<>{}()\[\],;|$=:&]{5})|>[ \t]{0,4}[^\s\"'<>]{5})",
    # --name value
    r"--\w[\w\-]{2,40} [\"']?[^\s\"'\-$<>{}()][^\s\"'<>{}()]{4}",
    # IDENTIFIED BY 'value', PASSWORD 'value'
    r"(?i)(?:password|identified by)[ \t]{1,3}[\"'][^\s\"']{5}",
    # name: str = "value"
    r"[\w)\]]: ?(?:str|string|String\??|&str|&'static str|Optional\[str\]|Final|SecretStr|any|text)(?: \| \w{1,10}|\[str\])?"
    r"[ \t]?=[ \t]{0,4}[\"'`][^\s\"'`\\]{5}",
    # Name { get; set; } = "value"
    r"\{ ?get; ?(?:(?:private |protected )?(?:set|init); ?)?\} ?= ?[\"'][^\s\"'`\\]{5}",
    # name: |  and the value on the next line
    r":[ \t]?[|>][+\-]?[ \t]{0,4}\r?\n[ \t]{1,20}[^\s\"'`\\<>{}()\[\],;|$=:&]{5}",
)  # fmt: skip
_NAMED = 0
"""The trigger that has looked at the name; after the others it is still to be judged."""


class Assigned(NamedTuple):
    """A value with the name it was given to. Offsets in the buffer; `name` as written."""

    name: bytes
    name_start: int
    start: int
    end: int
    quote: bytes
    """The quote around the value, b"" for none."""
    form: int
    """Which trigger."""


# Reversed: from the value's first byte back over its quote, the separator and the closing of the name.
_LEFT = (
    rb"(?r)(?P<name>[A-Za-z_$@][\w.$\-]{0,79}(?:\[[\"'][\w.\-]{1,60})?)(?P<close>[\"'`\])}\\]{0,4})"
    rb"(?P<sep>[ \t]{0,8}(?:=>|(?<!\$(?:env|script|global)):[ \t]?[\w.\[\]&<>|?]{2,20}[ \t]?=|[:?+|!]?={1,3}"
    rb"|:(?:[ \t]?[|>][+\-]?)?|[,(]|(?:value|content|default)=|>|\{ ?get; ?(?:(?:private |protected )?(?:set|init); ?)?\} ?=)"
    rb"[ \t\r\n]{0,8}|[ \t]{1,3})"
    rb"[bfruBFRU@$]?(?P<quote>\\{0,3}[\"'`]{0,3})"
)
_DULL = re.compile(rb"(?:[0-9]+(?:[.:][0-9]+)*|(?i:true|false|null|none|undefined|string|required|optional|disabled|enabled))[\s,;&)\]}\"']")
_SENSITIVE = re.compile(("(?i)" + _WORD).encode())
_UNQUOTED = re.compile(rb"[^\s\"'`<>{}()\[\],;|&]{4,512}")
_UNQUOTED_LINE = re.compile(rb"[^\s\"'`<>]{4,512}")
_QUOTED = {
    b'"': re.compile(rb'(?:[^"\\\r\n]|\\[^\r\n]){4,1024}(?=")'),
    b"'": re.compile(rb"(?:[^'\\\r\n]|\\[^\r\n]){4,1024}(?=')"),
    b"`": re.compile(rb"(?:[^`\\\r\n]|\\[^\r\n]){4,1024}(?=`)"),
}
_ESCAPED = re.compile(rb"[^\"'\\\r\n]{4,1024}(?=\\)")
_XML_TEXT = re.compile(rb"[^<>\r\n]{4,1024}(?=<)")

_PIECES = re.compile(rb"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


@lru_cache(maxsize=65_536)
def words(name: bytes) -> tuple[str, ...]:
    """A name's words: split at case changes, digits and anything else; lower case."""
    return tuple(piece.decode().lower() for piece in _PIECES.findall(name))


# Which words in a name speak for which part; the first that fits decides. Runs of whole words.
PART_NAMES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("passphrase", ("passphrase", "pass_phrase", "api_pass", "key_pass", "phrase")),
    ("mnemonic", ("mnemonic", "seed_phrase", "recovery_phrase", "secret_phrase")),
    ("private-key", ("private_key", "priv_key", "privkey", "privatekey", "secret_scalar", "signing_key", "deployer_key")),
    ("client-secret", ("client_secret", "consumer_secret", "app_secret", "oauth_secret")),
    ("api-secret", ("api_secret", "secret_key", "secretkey", "secret_access_key", "key_secret", "apisecret", "secret")),
    ("refresh-token", ("refresh_token",)),
    ("session-token", ("session_token", "session_key", "session_id", "session")),
    ("access-token", ("access_token", "auth_token", "api_token", "bearer_token", "oauth_token", "bot_token", "token", "bearer", "pat")),
    ("client-id", ("client_id", "consumer_key", "app_id")),
    ("webhook-url", ("webhook", "hook")),
    ("password", ("password", "passwd", "pwd", "pass", "psw", "passcode")),
    ("api-key", ("api_key", "apikey", "access_key", "accesskey", "key_id", "app_key", "auth_key", "access_id", "api", "key", "auth")),
    ("signing-key", ("signing", "sign", "hmac", "salt")),
    ("encryption-key", ("encryption", "encrypt", "cipher", "aes", "master")),
    ("license-key", ("license", "licence")),
    ("cookie", ("cookie",)),
    ("memo", ("memo",)),
    ("uid", ("uid", "user_id")),
)  # fmt: skip
# A shape rule of the first part also takes names of the others: venues and people call them as they like.
KIN = {
    "api-key": ("client-id", "access-token", "license-key"),
    "api-secret": ("client-secret", "private-key", "api-key", "signing-key", "access-token"),
    "access-token": ("api-key", "api-secret", "password", "session-token", "refresh-token"),
    "client-id": ("api-key",),
    "client-secret": ("api-secret", "api-key"),
    "passphrase": ("password", "api-secret"),
    "password": ("passphrase", "api-secret", "access-token"),
    "private-key": ("api-secret", "signing-key", "api-key"),
    "signing-key": ("api-secret", "api-key", "encryption-key"),
    "encryption-key": ("api-secret", "api-key", "signing-key"),
    "license-key": ("api-key",),
    "webhook-url": ("api-key", "access-token"),
    "session-token": ("access-token", "cookie"),
    "refresh-token": ("access-token",),
    "basic-auth": ("access-token", "password", "api-key"),
    "url-token": ("api-key", "access-token"),
}


@lru_cache(maxsize=65_536)
def part_of(name: tuple[str, ...]) -> str:
    """The part that a name's words speak for; "" if none."""
    text = f"_{'_'.join(name)}_"
    for part, runs in PART_NAMES:
        for run in runs:
            if f"_{run}_" in text or (len(run) > 6 and run.replace("_", "") in text.replace("_", "")):
                return part
    return ""


@lru_cache(maxsize=1)
def _left() -> Any:
    import regex  # only once something fired: the import is a fifth of a warm start

    return regex.compile(_LEFT)


def assigned(data: bytes, ends: list[tuple[int, int]]) -> list[Assigned]:
    """What stands assigned at these ends. One value is given once, with the name nearest to it."""
    match_left = _left().match
    out = []
    done: set[int] = set()
    for form, end in ends:
        start = end - _TAIL
        if start in done:
            continue
        done.add(start)
        if _DULL.match(data, start):
            continue
        left = match_left(data, max(0, start - 160), start)
        if left is None or (form != _NAMED and not _SENSITIVE.search(left.group(0))):
            continue
        value = _value(data, start, left.group("quote"), left.group("sep"))
        if value is not None:
            out.append(Assigned(left.group("name"), left.start(), value[0], value[1], left.group("quote"), form))
    return out


def _value(data: bytes, start: int, quote: bytes, sep: bytes) -> tuple[int, int] | None:
    """Where a value that starts at `start` ends, by the quote and the separator before it."""
    if not quote:
        if sep.strip() == b">":
            found = _XML_TEXT.match(data, start)
            return (start, start + len(found.group().rstrip())) if found else None
        found = _UNQUOTED.match(data, start)
        if found is None:
            return None
        end = found.end()
        while end > start and data[end - 1 : end] in (b".", b":", b"\\"):
            end -= 1
        return (start, end) if end - start >= _TAIL else None
    if quote[:1] == b"\\":
        found = _ESCAPED.match(data, start)
    else:
        found = _QUOTED[quote[-1:]].match(data, start)
    return (start, found.end()) if found else None
