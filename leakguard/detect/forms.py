"""The rarer ways to give a value a name: labels of people's notes in their languages, pairs of name and value, wrapped
values, commands that set a variable.

Stage 1 reports where one of `FORMS` could be (its pattern ends `TAIL` bytes into the value); `named` reads the name off
the text before it. Each has a literal of its own that the first stage can look for. Pure functions; knows no rules.
Imported by assign.py.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from leakguard.detect.patterns import compiled

TAIL = 5

# What people call the parts in their languages, the longer before the shorter, and what an English note would say.
_LABELS: tuple[tuple[str, str], ...] = (
    ("секретный ключ", "secret key"), ("приватный ключ", "private key"), ("закрытый ключ", "private key"),
    ("пароль", "passphrase"), ("секрет", "secret"), ("ключ", "api key"),
    ("シークレットキー", "secret key"), ("シークレット", "secret"), ("アクセスキー", "access key"),
    ("秘密鍵", "private key"),
    ("パスフレーズ", "passphrase"), ("パスワード", "passphrase"), ("キー", "api key"),
    ("秘密密钥", "secret key"), ("访问密钥", "access key"), ("api密钥", "api key"), ("api 密钥", "api key"), ("api密鑰", "api key"),
    ("密钥", "secret key"), ("密鑰", "secret key"),
    ("私钥", "secret key"), ("私鑰", "secret key"), ("口令", "passphrase"), ("密码", "passphrase"),
    ("密碼", "passphrase"),
    ("시크릿키", "secret key"), ("시크릿 키", "secret key"), ("비밀키", "secret key"), ("시크릿", "secret"),
    ("액세스키", "access key"), ("액세스 키", "access key"), ("개인키", "private key"), ("비밀번호", "passphrase"),
    ("키", "api key"), ("chave secreta", "secret key"), ("chave privada", "private key"), ("chave da api", "api key"),
    ("clave secreta", "secret key"), ("clave privada", "private key"), ("clave api", "api key"), ("segredo", "secret"),
    ("secreto", "secret"), ("contraseña", "passphrase"), ("senha", "passphrase"), ("chave", "api key"),
    ("clave", "api key"), ("geheimer schlüssel", "secret key"), ("privater schlüssel", "private key"),
    ("schlüssel", "api key"), ("clé secrète", "secret key"), ("clé privée", "private key"), ("clé api", "api key"),
    ("clé", "api key"), ("geheimnis", "secret"), ("chiave segreta", "secret key"), ("chiave privata", "private key"),
    ("chiave api", "api key"),
    ("segreto", "secret"), ("chiave", "api key"), ("gizli anahtar", "secret key"), ("özel anahtar", "private key"),
    ("anahtar", "api key"), ("klucz tajny", "secret key"), ("tajny klucz", "secret key"),
    ("klucz prywatny", "private key"), ("klucz", "api key"), ("hasło", "passphrase"), ("khóa bí mật", "secret key"),
    ("khóa riêng", "private key"), ("khóa", "api key"), ("kunci rahasia", "secret key"),
    ("kunci pribadi", "private key"), ("kunci", "api key"), ("rahasia", "secret"),
)  # fmt: skip
_LAST = (
    "люч|екрет|ароль|キー|シークレット|フレーズ|ワード|鍵|密钥|密鑰|私钥|私鑰|口令|密码|密碼|키|시크릿|비밀번호"
    "|(?i:chave|clave|segredo|secret[oa]|privada|senha|contraseña|schlüssel|secrète|privée|chave da api|clé|clé api"
    "|clave api|geheimnis|chiave|chiave api|segret[oa]|privata|anahtar|klucz|tajny|prywatny|hasło|khóa|bí mật|riêng|kunci"
    "|rahasia|pribadi)"
)
_WORD = r"(?:pass|pwd|secret|token|key|auth|cred|priv|sign|seed|mnemonic|phrase|access|memo)"
_VALUE = r"[^\s\"'`*_|<>{}()\[\]$\\,;:=]{5}"
_CALLEES = (
    r"(?:String::from|Some|SecretString::(?:new|from)|Secret::new|SecureString|new String|b64decode|base64decode"
    r"|fromHex|unhexlify|fromhex|Buffer\.from|SecretStr|Field|Ok|Box::new|Arc::new|std::string|QString|TEXT|to_owned|Zeroizing::new)"
)

_CLIENT = (
    r"(?:client|auth|credentials?|connector|api|exchange|binance::|newinstance|[ .]private|[ .]account|\.spot|\.new|\.init"
    r"|bit|coin|zaif|kraken)"
)
"""What a constructor that takes a key and a secret has in its name; of venues those that have nothing else in it."""
_LITERAL = r"(?:Some\()?[bru]?[\"'`][0-9A-Za-z+/=_:\-]+[\"'`](?:\.(?:into|to_string|to_owned)\(\))?\)?"

_SIGN = r"[\w+/\-]"
_WITH_DIGIT = "|".join(
    [_SIGN * n + "[0-9]" + _SIGN * (4 - n) for n in range(5)]
    + [_SIGN * n + "[a-z][A-Z]" + _SIGN * (3 - n) for n in range(4)]
)
"""The first bytes of a value that is no word: five, with a digit or a change of case among them."""

FORMS: tuple[str, ...] = (
    # API ключ: value
    f"(?:{_LAST})[ \\t*_`)]{{0,4}}(?::|\uff1a|=|\\|| - |[ \\t]|\\r?\\n)[ \\t\\r\\n*_`\"']{{0,6}}{_VALUE}",
    # **API Key**: value, | API Key | value |, API Key - `value`, API Key -> value
    r"(?i)(?:key|secret|phrase|token|password|memo)\)?(?:\*\*:?|__:?|`:?| ?\|| (?:-|" "\u2013|\u2014" r"|->|=>|>>>) )"
    r"[ \t]{0,3}:?[ \t]{0,3}[`*\"']{0,3}" + _VALUE,
    # api key value
    r"(?i)(?:api|access|secret)[ _\-](?:key|secret)[ \t]{1,16}[`]?[0-9A-Za-z+/=_\-]{5}",
    # "key": "NAME", "value": "v"; - name: NAME, value: v on the next line; key="NAME" value="v"; "NAME": { "value": "v",
    # NAME = { value = "v"
    r"(?i)" + _WORD + r"[\w.\-]{0,20}[\"']?(?:,|[ \t]?[:=][ \t]?\{)?\s{1,40}[\"']?value[\"']?[ \t]{0,3}[:=][ \t]{0,3}[\"']?"
    + _VALUE,
    # setx NAME "v", ENV NAME v, set -gx NAME v, SetEnv NAME v
    r"(?:(?i:setx|setenv)|fastcgi_param|set -\w{1,3}|ENV|#define)[ \t]{1,8}\w{0,60}(?i:" + _WORD + r")\w{0,20}[ \t]{1,12}[\"']?" + _VALUE,
    # name: String::from("v")
    r"[:=,(][ \t]{0,3}" + _CALLEES + r"\((?:[ \t]?|default=)[bru]?[\"']" + _VALUE,
    # name string = "v"
    r"\w (?:string|String|\[\]byte|NSString \*|As String) ?:?= ?[\"'`]" + _VALUE,
    # API Key, and the value on the next line
    r"(?i)(?:key|secret|phrase|memo)(?: id)?\)?[*_`]{0,3}:?[*_`]{0,3}[ \t]{0,8}\r?\n[ \t\r\n>*`\-]{0,12}"
    r"[0-9A-Za-z+/=_\-]{5}",
    # key v secret v, in a chat
    r"(?:^|[\s,;:(|/])(?i:key|secret|passphrase|password|pass)[ \t]{1,16}(?:" + _WITH_DIGIT + ")",
    # NewClient("key", "secret", "passphrase")
    r"(?i)" + _CLIENT + r"\w{0,16}(?: ?= ?)?\(\s{0,40}(?:" + _LITERAL + r",\s{0,40}){0,2}(?:Some\()?[bru]?[\"'`][^\s\"'`\\,(){}<>]{5}",
    # "venue": ("key", "secret")
    r"[\"'] ?: ?\(\s{0,40}[bru]?[\"'][0-9A-Za-z+/=_:\-]{5}",
    r"[\"'] ?: ?\(\s{0,40}(?:" + _LITERAL + r",\s{0,40}){1,2}[bru]?[\"'][^\s\"'`\\,(){}<>]{5}",
    # <td>API key</td><td>v</td>, <key>NAME</key> <string>v</string>
    r"(?i)(?:key|secret|phrase|token|password|memo)(?: id)?</\w{1,8}>\s{0,40}<\w{1,8}[^<>\n]{0,40}>\s{0,8}(?:<\w{1,8}>)?" + _VALUE,
    # API key:: v, **API key:** v
    r"(?i)(?:key|secret|phrase|token|password|memo)(?:::[ \t]{1,4}|:\*\*[ \t]{0,4})[`\"']?" + _VALUE,
    # api_key, api_secret = "v", "w"
    r"(?i:key|secret|phrase|password|memo|token)[\])]? ?:?= ?[\[(]?[bru]?[\"'][^\s\"'\\]+[\"'], ?"
    r"(?:[bru]?[\"'][^\s\"'\\]+[\"'], ?)?[bru]?[\"']" + _VALUE,
    # :api-key "v", HSET venue api_key "v"
    r"(?i)(?:key|secret|phrase|password|memo)[ \t]{1,4}[\"'](?:" + _WITH_DIGIT + ")",
    # ${API_KEY}    v
    r"\$\{\w{0,60}(?i:" + _WORD + r")\w{0,20}\}[ \t]{1,12}(?:=[ \t]{0,4})?" + _VALUE,
    # ["apiKey"]=> string(64) "v"
    r"\bstring\([0-9]{1,4}\) \"" + _VALUE,
    # variable "NAME" { default = "v" }
    r"\bdefault[ \t]{1,12}=[ \t]{1,4}\"[^\s\"'`$\\<>{}()]{5}",
    # gh secret set NAME --body "v", aws ssm put-parameter --name /venue/key --value "v"
    r"(?:--value|--secret-string|--body|[ ]-b)[ =]?[\"']?[0-9A-Za-z+/=_\-]{5}",
    # hmac.new(b"v", createHmac("sha256", "v"), hmac.New(sha256.New, []byte("v")), hash_hmac("sha256", $text, "v")
    r"(?i:hmac)[\w.:]{0,24}\([^\n\"';]{0,40}(?:[\"'][\w\-]{1,16}[\"'][^\n\"';]{0,60})?[bru]?[\"'][0-9A-Za-z+/=_\-]{5}",
    # std::string KEY{"v"}
    r"(?i)(?:key|secret|phrase|token|password|memo)\{[\"]" + _VALUE,
    # X-API-KEY:, and the value in a list of one on the next line
    r"(?i)(?:key|secret|phrase|token)[\"']?:[ \t]?\r?\n[ \t]{1,40}- [\"']?" + _VALUE,
)  # fmt: skip

_LABEL = compiled(
    f"(?i)({'|'.join(re.escape(word) for word, _ in _LABELS)})"
    "[ \t*_`)]{0,4}(?P<sep>:|\uff1a|=|\\|| - |[ \t]|\r?\n)[ \t\r\n*_`\"']{0,6}\\Z"
)
_ENGLISH = dict(_LABELS)
_DECORATED = compiled(
    rb"(?i)((?:(?:api|secret|access|private|client|trading)[ _\-])?(?:key|secret|pass ?phrase|token|password|memo))"
    rb"\)?(?:\*\*:?|__:?|`:?|[ ]?\||[ ](?:-|\xe2\x80\x93|\xe2\x80\x94|->|=>|>>>)[ ])[ \t]{0,3}:?[ \t]{0,3}[`*\"']{0,3}\Z"
)
_SPOKEN = compiled(rb"(?i)((?:api|access|secret)[ _\-](?:key|secret))[ \t]{1,16}`?\Z")
_PAIRED = compiled(
    rb"([A-Za-z_][\w.\-]{1,79})[\"']?(?:,|[ \t]?[:=][ \t]?\{)?\s{1,40}[\"']?(?i:value)[\"']?[ \t]{0,3}[:=][ \t]{0,3}"
    rb"(?P<quote>[\"']?)\Z"
)
_COMMAND = compiled(rb"(?:(?i:setx|setenv)|fastcgi_param|set -\w{1,3}|ENV|#define)[ \t]{1,8}(\w{2,80})[ \t]{1,12}(?P<quote>[\"']?)\Z")
_WRAPPED = compiled(
    rb"([A-Za-z_][\w.\-]{1,79})[\"'\])]{0,3}[ \t]{0,3}(?::[ \t]?[\w.\[\]| ]{2,40}=|:|=|=>|:=|,)[ \t]{0,3}[\w:. ]{2,40}"
    rb"\((?:[ \t]?|default=)[bru]?"
    rb"(?P<quote>[\"'])\Z"
)
_TYPED = compiled(rb"([A-Za-z_]\w{1,79}) (?:string|String|\[\]byte|NSString \*|As String) ?:?= ?(?P<quote>[\"'`])\Z")
_ABOVE = compiled(
    rb"(?i)(?:\A|\n)[ \t>#\d.)*\-]{0,8}[_`]{0,3}(?:[^\x00-\x7f]{1,40} ?\()?"
    rb"((?:[a-z][\w.]{1,20}[ _\-]){0,3}(?:key|secret|pass ?phrase|memo)(?: id)?)"
    rb"\)?[*_`]{0,3}:?[*_`]{0,3}[ \t]{0,8}\r?\n[ \t\r\n>*`\-]{0,12}\Z"
)
_CHATTED = compiled(rb"(?i)(?:\A|[\s,;:(|/])(?:api[ _\-])?(key|secret|pass(?:phrase|word)?)[ \t]{1,16}\Z")
_CALLED = compiled(
    f"(?i){_CLIENT}\\w{{0,16}}(?: ?= ?)?\\(\\s{{0,40}}(?P<before>(?:{_LITERAL},\\s{{0,40}}){{0,2}})(?:Some\\()?[bru]?"
    "(?P<quote>[\"'`])\\Z".encode()
)
_TUPLE = compiled(
    f"[\"'] ?: ?\\(\\s{{0,40}}(?P<before>(?:{_LITERAL},\\s{{0,40}}){{0,2}})[bru]?(?P<quote>[\"'])\\Z".encode()
)
_STORED = compiled(
    rb"(?:--name[ =]|secrets? (?:set|create|put) |create-secret )[\"']?([\w/.\-]{3,120})[\"']?(?: |\\\r?\n)"
    rb"(?:[^\n]|\\\r?\n){0,80}?(?:--value|--secret-string|--body|-b)[ =]?(?P<quote>[\"']?)\Z"
)
_TAGGED = compiled(
    rb"(?i)(?:^|[>\s])((?:[a-z][\w.\-]{1,40}[ _\-]){0,3}[\w.\-]{0,40}(?:key|secret|pass ?phrase|token|password|memo)(?: id)?)</\w{1,8}>"
    rb"\s{0,40}<\w{1,8}[^<>\n]{0,40}>\s{0,8}(?:<\w{1,8}>)?\Z"
)
_COLONS = compiled(
    rb"(?i)((?:(?:api|secret|access|private|client|trading)[ _\-])?(?:key|secret|pass ?phrase|token|password|memo))"
    rb"(?:::[ \t]{1,4}|:\*\*[ \t]{0,4})(?P<quote>[`\"']?)\Z"
)
_UNPACKED = compiled(
    rb"(?:\A|\n)[ \t]{0,24}(?:const |let |var )?[\[(]?(?P<names>[\w.]{1,40}(?:, ?[\w.]{1,40}){1,4})[\])]? ?:?= ?[\[(]?"
    rb"(?P<before>(?:[bru]?[\"'][^\s\"'\\]+[\"'], ?){1,4})[bru]?(?P<quote>[\"'])\Z"
)
_SPACED = compiled(
    rb"(?i)(?<![\w\"'])([a-z][\w.\-]{0,60}?(?:key|secret|pass_?phrase|password|memo)|key|secret|passphrase|memo)"
    rb"[ \t]{1,4}(?P<quote>[\"'])\Z"
)
_BRACED = compiled(rb"\$\{(\w{2,80})\}[ \t]{1,12}(?:=[ \t]{0,4})?\Z")
_DUMPED = compiled(
    rb"\[\"?([A-Za-z_]\w{1,60})\"?(?::[\w\"\\]{1,40}){0,2}\][ \t]{0,2}=>\s{1,20}string\([0-9]{1,4}\) (?P<quote>\")\Z"
)
_VARIABLE = compiled(
    rb"variable[ \t]{1,4}\"([\w\-]{2,80})\"[ \t]{0,4}\{[^{}]{0,120}\bdefault[ \t]{1,12}=[ \t]{1,4}(?P<quote>\")\Z"
)
_HASHED = compiled(
    rb"(?i)hmac[\w.:]{0,24}\([^\n\"';]{0,40}(?:[\"'][\w\-]{1,16}[\"'][^\n\"';]{0,60})?[bru]?(?P<quote>[\"'])\Z"
)
_BRACED_VALUE = compiled(rb"([A-Za-z_]\w{1,79})\{(?P<quote>\")\Z")
_LISTED = compiled(rb"(?:\A|\n)[ \t]{0,40}[\"']?([A-Za-z_][\w\-]{1,79})[\"']?:[ \t]?\r?\n[ \t]{1,40}- (?P<quote>[\"']?)\Z")
_READERS = (
    None, _DECORATED, _SPOKEN, _PAIRED, _COMMAND, _WRAPPED, _TYPED, _ABOVE, _CHATTED, _CALLED, _TUPLE, _TUPLE, _TAGGED,
    _COLONS, _UNPACKED, _SPACED, _BRACED, _DUMPED, _VARIABLE, _STORED, _HASHED, _BRACED_VALUE, _LISTED,
)  # fmt: skip


UNPACKED = _READERS.index(_UNPACKED)
"""The form that is as good as an assignment of one value: a password in it may be any word."""


class Named(NamedTuple):
    """What a value is called, where its name begins, and the quote it stands in."""

    name: bytes
    start: int
    quote: bytes


def named(data: bytes, form: int, start: int) -> Named | None:
    """The name that a form gives to the value at `start`; None if it is none after all."""
    low = max(0, start - 200)
    reader = _READERS[form]
    if reader is None:
        return _labelled(data[low:start], data, start)
    if reader is _HASHED:
        return _hashed(data[low:start], data, start)
    if reader is _CALLED or reader is _TUPLE:
        low = _callee(data, start)
    before = data[low:start] if low >= 0 else b""
    found = reader.search(before)
    if found is None:
        return None
    place, quote = low + found.start(), found.groupdict().get("quote") or b""
    if reader is _UNPACKED:
        name = _of_several(found)
        return Named(name, place, quote) if name else None
    if reader is _SPACED:
        return Named(found[1] + b"_of_client", place, quote) if _random(data, start) else None
    if reader is _SPOKEN:
        return Named(found[1], place, quote) if _random(data, start) else None
    if reader is _ABOVE:
        return Named(found[1], low + found.start(1), quote) if _below(data, start, found[1].lower()) else None
    if reader is _CHATTED:
        if found[1][:1] in b"pP":
            good = bool(_AFTER_VALUE.search(before, 0, found.start(1)) and _LINE.match(data, start))
        else:
            good = _random(data, start)
        return Named(found[1].lower() + b"_of_client", place, quote) if good else None
    if reader is _CALLED or reader is _TUPLE:
        return _argument(data, start, found, place)
    return Named(found.group(1), place, quote)


def _labelled(before: bytes, data: bytes, start: int) -> Named | None:
    """What a label in another language than English calls the value."""
    text = before.decode("utf-8", "replace")
    label = _LABEL.search(text)
    if label is None or (not label["sep"].strip() and not _random(data, start)):
        return None
    return Named(_ENGLISH[label.group(1).lower()].encode(), start - len(text[label.start() :].encode()), b"")


def _hashed(before: bytes, data: bytes, start: int) -> Named | None:
    """The key that an HMAC is made with, named as a client's secret is: it has no name of its own."""
    at = before.lower().rfind(b"hmac")
    found = _HASHED.match(before, at) if at >= 0 and _random(data, start) else None
    return Named(_ARGUMENTS[1], start - len(before) + at, found["quote"]) if found else None


def _of_several(found: re.Match[bytes]) -> bytes:
    """The name of the value that comes after `before`; b"" if there are not as many names as values."""
    names = [name.strip() for name in found["names"].split(b",")]
    place = len(_VALUES.findall(found["before"]))
    return names[place] if place < len(names) else b""


_VALUES = compiled(rb"[\"'][^\s\"'\\]+[\"']")
_LINE = compiled(rb"([!-~]{6,200}?)[`*]{0,3}[ \t]{0,8}(?:\r?\n|\Z)")
_DIGIT = compiled(rb"[0-9]")
# a passphrase may be as plain as a word: it comes on the same line as the key or the secret, or on the next one
_AFTER_VALUE = compiled(rb"[ \t][0-9A-Za-z+/=_\-]{16,512}(?:[ \t,;]{1,3}(?:and )?(?:the )?|\r?\n[ \t]{0,8})\Z")


def _below(data: bytes, start: int, label: bytes) -> bool:
    """Whether a whole line is the value of the label on the line above it."""
    line = _LINE.match(data, start)
    if line is None or b"public" in label:
        return False
    if label.endswith((b"phrase", b"memo")):
        return _DIGIT.search(line[1]) is not None
    return _random(data, start)


_NEXT = compiled(
    rb"[0-9A-Za-z+/=_:\-]{16,512}[\"'`](?:\.(?:into|to_string|to_owned)\(\))?\)?,\s{0,40}(?:Some\()?[\"'`]"
)
_ARGUMENTS = (b"key_of_client", b"secret_of_client", b"passphrase_of_client")
"""What a client's arguments are, in the order that all of them have. Names that no generic rule listens to."""


_WRAPPERS = (b"Some", b".into", b".to_string", b".to_owned")


def _callee(data: bytes, start: int) -> int:
    """Where to look for the call that `start` is an argument of; -1 if it is none that could be a client's. Most of what
    the first stage reports is some call with one short string, which is seen here for little."""
    low = max(0, start - 420)
    opener = data.rfind(b"(", low, start)
    while opener >= 0 and data[max(0, opener - 10) : opener].endswith(_WRAPPERS):
        opener = data.rfind(b"(", low, opener)
    if opener < 0:
        return -1
    first = b"," not in data[opener:start]
    if first and not (_NEXT.match(data, start) and _random(data, start)):
        return -1
    return max(low, opener - 80)


def _argument(data: bytes, start: int, found: re.Match[bytes], place: int) -> Named | None:
    """A client's argument, if there are at least two that could be a key and its secret."""
    before = _LITERALS.findall(found["before"])
    if not before and not (_NEXT.match(data, start) and _random(data, start)):
        return None
    if before and (len(before[0]) < 16 or not _DIGIT.search(before[0])):
        # some venues' keys are short: the secret after one is all the longer
        secret = _RUN.match(data, start) if len(before) == 1 and len(before[0]) >= 8 else None
        if secret is None or len(secret[0]) < 32 or not _random(data, start):
            return None
    return Named(_ARGUMENTS[len(before)], place, found["quote"])


_LITERALS = compiled(rb"[\"'`]([0-9A-Za-z+/=_:\-]+)[\"'`]")
_RUN = compiled(rb"[0-9A-Za-z+/=_\-]{16,512}")


def _random(data: bytes, start: int) -> bool:
    """Whether what stands at `start` could be a value: prose goes on with a word."""
    found = _RUN.match(data, start)
    return found is not None and any(48 <= byte < 58 for byte in found.group())
