"""The rarer ways to give a value a name: labels of people's notes in their languages, pairs of name and value, wrapped
values, commands that set a variable.

Stage 1 reports where one of `FORMS` could be (its pattern ends `TAIL` bytes into the value); `named` reads the name off
the text before it. Each has a literal of its own that the first stage can look for. Pure functions; knows no rules.
Imported by assign.py.
"""

from __future__ import annotations

import re
from typing import NamedTuple

TAIL = 5

# What people call the parts in their languages, the longer before the shorter, and what an English note would say.
_LABELS: tuple[tuple[str, str], ...] = (
    ("секретный ключ", "secret key"), ("приватный ключ", "private key"), ("закрытый ключ", "private key"),
    ("пароль", "passphrase"), ("секрет", "secret"), ("ключ", "api key"),
    ("シークレットキー", "secret key"), ("シークレット", "secret"), ("アクセスキー", "access key"),
    ("秘密鍵", "private key"),
    ("パスフレーズ", "passphrase"), ("パスワード", "passphrase"), ("キー", "api key"),
    ("秘密密钥", "secret key"), ("访问密钥", "access key"), ("密钥", "api key"), ("密鑰", "api key"),
    ("私钥", "secret key"), ("私鑰", "secret key"), ("口令", "passphrase"), ("密码", "passphrase"),
    ("密碼", "passphrase"),
    ("시크릿키", "secret key"), ("시크릿 키", "secret key"), ("비밀키", "secret key"), ("시크릿", "secret"),
    ("액세스키", "access key"), ("액세스 키", "access key"), ("개인키", "private key"), ("비밀번호", "passphrase"),
    ("키", "api key"), ("chave secreta", "secret key"), ("chave privada", "private key"), ("chave da api", "api key"),
    ("clave secreta", "secret key"), ("clave privada", "private key"), ("clave api", "api key"), ("segredo", "secret"),
    ("secreto", "secret"), ("contraseña", "passphrase"), ("senha", "passphrase"), ("chave", "api key"),
    ("clave", "api key"), ("geheimer schlüssel", "secret key"), ("privater schlüssel", "private key"),
    ("schlüssel", "api key"), ("clé secrète", "secret key"), ("clé privée", "private key"), ("clé api", "api key"),
)  # fmt: skip
_LAST = (
    "люч|екрет|ароль|キー|シークレット|フレーズ|ワード|鍵|密钥|密鑰|私钥|私鑰|口令|密码|密碼|키|시크릿|비밀번호"
    "|(?i:chave|clave|segredo|secret[oa]|privada|senha|contraseña|schlüssel|secrète|privée|chave da api|clé api"
    "|clave api)"
)
_WORD = r"(?:pass|pwd|secret|token|key|auth|cred|priv|sign|seed|mnemonic|phrase|access|memo)"
_VALUE = r"[^\s\"'`*_|<>{}()\[\]$\\,;:=]{5}"
_CALLEES = (
    r"(?:String::from|Some|SecretString::(?:new|from)|Secret::new|SecureString|new String|b64decode|base64decode"
    r"|fromHex|unhexlify|fromhex|Buffer\.from|SecretStr|Ok|Box::new|Arc::new|std::string|QString|TEXT|to_owned|Zeroizing::new)"
)

FORMS: tuple[str, ...] = (
    # API ключ: value
    f"(?:{_LAST})[ \\t*_`)]{{0,4}}(?::|\uff1a|=|\\|| - )[ \\t\\r\\n*_`\"']{{0,6}}{_VALUE}",
    # **API Key**: value, | API Key | value |, API Key - `value`, API Key -> value
    r"(?i)(?:key|secret|phrase|token|password|memo)(?:\*\*:?|__:?|`:?| ?\|| (?:-|" "\u2013|\u2014" r"|->|=>) )"
    r"[ \t]{0,3}:?[ \t]{0,3}[`*\"']{0,3}" + _VALUE,
    # api key value
    r"(?i)(?:api|access|secret)[ _\-](?:key|secret)[ \t]{1,2}[`]?[0-9A-Za-z+/=_\-]{5}",
    # "key": "NAME", "value": "v"; - name: NAME, value: v on the next line; key="NAME" value="v"; "NAME": { "value": "v"
    r"(?i)" + _WORD + r"[\w.\-]{0,20}[\"']?(?:,|:[ \t]?\{)?\s{1,40}[\"']?value[\"']?[ \t]{0,3}[:=][ \t]{0,3}[\"']?"
    + _VALUE,
    # setx NAME "v", ENV NAME v
    r"(?:(?i:setx)|ENV)[ \t]{1,3}\w{0,60}(?i:" + _WORD + r")\w{0,20}[ \t]{1,3}[\"']?" + _VALUE,
    # name: String::from("v")
    r"[:=,(][ \t]{0,3}" + _CALLEES + r"\([ \t]?[bru]?[\"']" + _VALUE,
    # name string = "v"
    r"\w (?:string|String|\[\]byte|NSString \*) ?:?= ?[\"'`]" + _VALUE,
)  # fmt: skip

_LABEL = re.compile(
    f"(?i)({'|'.join(re.escape(word) for word, _ in _LABELS)})"
    "[ \t*_`)]{0,4}(?::|\uff1a|=|\\|| - )[ \t\r\n*_`\"']{0,6}\\Z"
)
_ENGLISH = dict(_LABELS)
_DECORATED = re.compile(
    rb"(?i)((?:(?:api|secret|access|private|client|trading)[ _\-])?(?:key|secret|pass ?phrase|token|password|memo))"
    rb"(?:\*\*:?|__:?|`:?|[ ]?\||[ ](?:-|\xe2\x80\x93|\xe2\x80\x94|->|=>)[ ])[ \t]{0,3}:?[ \t]{0,3}[`*\"']{0,3}\Z"
)
_SPOKEN = re.compile(rb"(?i)((?:api|access|secret)[ _\-](?:key|secret))[ \t]{1,2}`?\Z")
_PAIRED = re.compile(
    rb"([A-Za-z_][\w.\-]{1,79})[\"']?(?:,|:[ \t]?\{)?\s{1,40}[\"']?(?i:value)[\"']?[ \t]{0,3}[:=][ \t]{0,3}"
    rb"(?P<quote>[\"']?)\Z"
)
_COMMAND = re.compile(rb"(?:(?i:setx)|ENV)[ \t]{1,3}(\w{2,80})[ \t]{1,3}(?P<quote>[\"']?)\Z")
_WRAPPED = re.compile(
    rb"([A-Za-z_][\w.\-]{1,79})[\"'\])]{0,3}[ \t]{0,3}(?::|=|=>|:=|,)[ \t]{0,3}[\w:. ]{2,40}\([ \t]?[bru]?"
    rb"(?P<quote>[\"'])\Z"
)
_TYPED = re.compile(rb"([A-Za-z_]\w{1,79}) (?:string|String|\[\]byte|NSString \*) ?:?= ?(?P<quote>[\"'`])\Z")
_READERS = (None, _DECORATED, _SPOKEN, _PAIRED, _COMMAND, _WRAPPED, _TYPED)


class Named(NamedTuple):
    """What a value is called, where its name begins, and the quote it stands in."""

    name: bytes
    start: int
    quote: bytes


def named(data: bytes, form: int, start: int) -> Named | None:
    """The name that a form gives to the value at `start`; None if it is none after all."""
    low = max(0, start - 200)
    before = data[low:start]
    reader = _READERS[form]
    if reader is None:
        text = before.decode("utf-8", "replace")
        label = _LABEL.search(text)
        if label is None:
            return None
        return Named(_ENGLISH[label.group(1).lower()].encode(), start - len(text[label.start() :].encode()), b"")
    found = reader.search(before)
    if found is None:
        return None
    quote = found.groupdict().get("quote") or b""
    if reader is _SPOKEN and not _random(data, start):
        return None
    return Named(found.group(1), low + found.start(), quote)


_RUN = re.compile(rb"[0-9A-Za-z+/=_\-]{16,512}")


def _random(data: bytes, start: int) -> bool:
    """Whether what stands at `start` could be a value: prose goes on with a word."""
    found = _RUN.match(data, start)
    return found is not None and any(48 <= byte < 58 for byte in found.group())
