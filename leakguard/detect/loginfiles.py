"""Files whose name says what each line of them is: users with their passwords, or a password and nothing else.

No line of them names anything: `anna:v` of rsync, `"app" "v"` of PgBouncer, `anna * v *` of pppd, `admin=v` of a broker, the two
lines of OpenVPN's `auth-user-pass`, the one of Erlang's cookie. So the name of the file decides how its lines are read, and
the judgement of what is read is the same as of any password. Pure functions; imported by tables.py when a file is so called.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from leakguard.detect.assign import Assigned
from leakguard.detect.patterns import compiled

_LAST_IN_LINE = rb"[ \t]{1,40}(?P<quote>\"?)(?P<value>[^\s\"]{4,120})\"?(?=\s|\Z)"
_PPP = compiled(
    rb"(?m)^[ \t]{0,8}(?:\"[^\"\n]{1,80}\"|[^\s#\"]{1,80})[ \t]{1,40}(?:\"[^\"\n]{1,80}\"|[^\s\"]{1,80})" + _LAST_IN_LINE
)
_DAVFS = compiled(
    rb"(?m)^[ \t]{0,8}(?:https?://[^\s\"]{3,200}|/[^\s\"]{1,200}|\"[^\"\n]{1,200}\")[ \t]{1,40}[^\s]{1,120}" + _LAST_IN_LINE
)
_NAMED = rb"(?m)^[ \t]{0,8}(?![#!;/])"
_USER = rb"[0-9A-Za-z_.@+\-]{1,80}"
# user:v, user:v:more
_COLON = compiled(_NAMED + _USER + rb":(?P<quote>)(?P<value>[^\s:]{5,120})(?=[:\s]|\Z)")
# host:587 user:v, host:user:v, label user:v
_RELAY = compiled(_NAMED + rb"[^\s]{1,160}?(?:[ \t]{1,40}|:)" + _USER + rb":(?P<quote>)(?P<value>[^\s:]{5,120})[ \t]*(?=\r?$)")
# user=v, user: v,role
_PROPERTY = compiled(
    _NAMED + _USER + rb"[ \t]{0,8}[=:][ \t]{0,8}(?P<quote>)"
    rb"(?P<value>(?![0-9a-f]{32}[\s,]|[A-Z0-9]{3,6}:)[^\s,=]{5,120})(?=[ \t]*(?:,|\r?$))"
)
# "user" "v", "user" MSCHAPV2 "v" [2]
_PAIR = compiled(rb"(?m)^[ \t]{0,8}\"[^\"\n]{1,80}\"[ \t]{1,8}(?:[A-Z0-9,\-]{3,40}[ \t]{1,8})?(?P<quote>\")(?P<value>[^\"\s]{5,120})\"")
# v,user,uid,"groups"
_FIRST = compiled(_NAMED + rb"(?P<quote>)(?P<value>[^\s,\"]{8,120}),[^\s,]{1,80},[^\s,]{1,80}(?=,|[ \t]*\r?$)")
_TWO_LINES = compiled(
    rb"[ \t]{0,4}[0-9A-Za-z_.@+\\-]{2,80}[ \t]{0,4}\r?\n[ \t]{0,4}(?P<value>[^\s]{6,120})[ \t]{0,4}(?:\r?\n)?\s{0,8}(?P<quote>)"
)
_WHOLE = compiled(rb"(?:\xef\xbb\xbf)?\s{0,8}(?P<value>[^\s]{6,160})\s{0,8}(?P<quote>)")

_LINES: tuple[tuple[tuple[str, ...], bytes, re.Pattern[bytes]], ...] = (
    (("chap-secrets", "pap-secrets"), b"password", _PPP),
    (("davfs2/secrets", "davfs2.secrets", "davfs2_secrets"), b"password", _DAVFS),
    (("rsyncd.secrets", "deluge/auth", "passwordfile", "mosquitto.passwd", "sasl-pwdb", ".user"), b"password", _COLON),
    (("sasl_passwd", "passwd.client", "smtpd/secrets", "opensmtpd-secrets"), b"password", _RELAY),
    (("users.properties", "realm.properties"), b"password", _PROPERTY),
    (("userlist.txt", "eap_user"), b"password", _PAIR),
    (("basic_auth.csv", "basic-auth.csv"), b"password", _FIRST),
    (("known_tokens.csv", "token_auth.csv", "tokens.csv"), b"token", _FIRST),
)
"""What lines are by the end of the file's name: what their values are called, and where they stand."""
_LOGINS = (
    "auth.txt", "vpn-auth", "auth.conf", "login.conf", "userpass.txt", "user-pass.txt", "credentials.txt", "creds.txt",
)  # fmt: skip
"""What people call the file that OpenVPN's `auth-user-pass` reads: a user, and the password on the next line."""
_ALONE: tuple[tuple[tuple[str, ...], bytes], ...] = (
    (("master.key", "production.key", "staging.key"), b"rails_master_key"),
    ((".psk", ".cookie"), b"encryption_key"),
    (
        (
            "_password", "-password", ".password", "_passwd", "-passwd", "_pass", "-pass", "_passphrase", "-passphrase", "password.txt",
            "passwd.txt", "pass.txt", "passphrase.txt", "pw.txt", "ldap.secret",
        ),
        b"password",
    ),
)  # fmt: skip
"""Files that hold one value, and what it is called."""


def logins(data: bytes, path: str) -> Iterator[Assigned]:
    """What the lines of a file hold whose name says so; nothing for any other."""
    for names, called, pattern in _LINES:
        if path.endswith(names):
            for found in pattern.finditer(data):
                yield _given(called, found)
            return
    if path.endswith(_LOGINS):
        both = _TWO_LINES.fullmatch(data)
        if both is not None:
            yield _given(b"password", both)
        return
    for names, called in _ALONE:
        if path.endswith(names):
            whole = _WHOLE.fullmatch(data)
            if whole is not None:
                yield _given(called, whole)
            return


def _given(called: bytes, found: re.Match[bytes]) -> Assigned:
    return Assigned(called, found.start(), *found.span("value"), found["quote"], 0, b"=")
