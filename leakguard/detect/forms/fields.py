"""One value and its name, as programs, configurations, commands and stores of secrets write them.

All that is no plain `name = value`, which is assign.py's. A new way to write a single value belongs here. Pure; knows no
rules. Imported by this package.
"""

from __future__ import annotations

import re

from leakguard.detect.forms.base import ARGUMENTS, LINE, LONG, VALUE, WITH_DIGIT, Form, Named, random, short
from leakguard.detect.patterns import compiled

_WORD = r"(?:pass|pwd|secret|token|key|auth|cred|priv|sign|seed|mnemonic|phrase|access|memo)"
_CALLEES = (
    r"(?:Some\()?(?:String::from|Some|SecretString::(?:new|from)|Secret::new|SecureString|new String|b64decode|base64decode"
    r"|fromHex|unhexlify|fromhex|Buffer\.from|SecretStr|Field|Ok|Box::new|Arc::new|std::string|QString|TEXT|to_owned|Zeroizing::new)"
)
_PAIRED = compiled(
    rb"((?:(?<=[\"'])(?i:api|secret|access|private|public|client|wallet) )?[A-Za-z_][\w./\-]{1,79})[\"']?"
    rb"(?:(?:,|[ \t]?[:=][ \t]?\{)?\s{1,40}|[:=][ \t]?\{)[\"']?(?i:value|computed)[\"']?"
    rb"[ \t]{0,3}[:=][ \t]{0,3}(?P<quote>[\"']?)\Z"
)
_COMMAND = compiled(
    rb"(?:(?i:setx|setenv)|fastcgi_param|set -\w{1,3}|ENV|#define|\\set|set-env [\w\-]{1,60})"
    rb"[ \t]{1,8}(\w{2,80})[ \t]{1,12}@?(?P<quote>[\"']?)\Z"
)
_WRAPPED = compiled(
    rb"([A-Za-z_][\w.\-]{1,79})[\"'\])]{0,3}[ \t]{0,3}(?::[ \t]?[\w.\[\]| ]{2,40}=|:|=|=>|:=|,)[ \t]{0,3}(?:new |Some\()?[\w:.]{2,40}"
    rb"\((?:[ \t]?|default=)[bru]?"
    rb"(?P<quote>[\"'])\Z"
)
_TYPED = compiled(rb"([A-Za-z_]\w{1,79}) (?:string|String|\[\]byte|NSString \*|As String) ?:?= ?(?P<quote>[\"'`])\Z")
_STORED = compiled(
    rb"(?:--name[ =]|secrets? (?:set|create|put) |create-secret )[\"']?([\w/.][\w/.\-]{2,119})[\"']?(?: |\\\r?\n)"
    rb"(?:[^\n]|\\\r?\n){0,80}?(?:--value|--secret-string|--body|-b)[ =]?(?P<quote>[\"']?)\Z"
)
_TAGGED = compiled(
    rb"(?i)(?:^|[>\s])((?:[a-z][\w.\-]{1,40}[ _\-]){0,3}[\w.\-]{0,40}(?:key|secret|pass ?phrase|token|password|memo)(?: id)?)"
    rb"[ ]?</[\w\-]{1,16}>\s{0,40}<[\w\-]{1,16}[^<>\n]{0,40}>\s{0,8}(?:<\w{1,8}>)?\Z"
)
_SPACED = compiled(
    rb"(?i)(?<![\w\"'])(?<!#define )([a-z][\w.\-]{0,60}?(?:key(?:[_\-]id)?|secret|pass_?phrase|password|memo)"
    rb"|key|secret|passphrase|memo)[ \t]{1,4}(?P<quote>[\"'])\Z"
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
_EXEMPLIFIED = compiled(
    rb"(?:\A|[\s{,])[\"']?name[\"']?: ?[\"']?([A-Za-z][\w\-]{1,60})[\"']?(?:,?\s{1,40}(?!- )[^\n-][^\n]{0,60}|,[^\n\[\]]{0,160}?){0,6}?"
    rb"[\s,{][\"']?(?:example|default)[\"']?: ?(?P<quote>[\"']?)(?i:(?:bearer|token|basic|apikey) )?\Z"
)
_REFUSED = compiled(rb"(?:\A|\n)([A-Za-z_][\w.]{1,80})\r?\n {2}[^\n]{4,120}\[type=\w{3,40}, input_value=(?P<quote>[\"'])\Z")
LISTED = compiled(
    rb"(?:\A|\n)[ \t]{0,40}(?:- )?[\"']?([A-Za-z_][\w\-]{1,79})[\"']?:[ \t]?\r?\n[ \t]{0,40}- (?P<quote>[\"']?)\Z"
)
_NO_TEXT = compiled(
    rb"(?i)([a-z_]\w{1,79})[\"']?[ \t]{0,3}(?:,|=>?|:)[ \t]{0,3}(?:<<|(?:some|just) )(?P<quote>\")\Z"
)
_SETTING = compiled(rb"(?i)\bname=[\"']([\w.\-]{2,80})[\"'][^<>]{0,120}>\s{0,40}<value(?: [^<>\n]{1,40})?>\Z")
_UPDATED = compiled(rb"(?i)\bset[ \t]{1,8}\w{0,12}value\w{0,8}[`\"]? ?= ?(?P<quote>')\Z")
_WHERE = compiled(rb"(?i)[^'\r\n]{4,1024}'\s{1,8}where\s{1,8}[\w`\"]{1,40} ?= ?'([\w.:/\-]{2,80})'")
_DEFAULT = compiled(
    rb"(?i)[`\"]?\b([a-z_]\w{1,79})[`\"]?[ \t]{1,40}(?:\w{0,8}char|\w{0,8}text|string)[^,;\n]{0,60}\bdefault[ \t]{1,4}(?P<quote>')\Z"
)
_NUMBERED = compiled(rb"\"([\w.:\-]{2,80})\"\r?\n[ \t]{0,8}[0-9]{1,4}\) (?P<quote>\")\Z")
_TAGGED_DEFAULT = compiled(rb"(?i)\"(\w{2,80})\" \w{0,12}default:(?P<quote>\")\Z")
_PARTED = compiled(rb"\bname=\"([\w.\-]{2,80})\"\r?\n\r?\n\Z")
_POINTED = compiled(rb"\xe2\x94\x94 (?P<quote>')\Z")
_NEXT_PASS = compiled(rb"[0-9A-Za-z+/=_\-]{16}\r?\n[ \t]{0,8}((?i:pass(?:phrase|word)?))[ \t]{1,16}(?:- )?\Z")
_TRANSLATED = compiled(rb"name=\"([\w.\-]{2,80})\" translatable=\"false\">\Z")
_SECURE = compiled(
    rb"(?:(?i:name)\"?[ \t]{0,12}[:=][ \t]{0,4}|\w\()\"([\w/.\-]{3,120})\"(?:, ?\{)?[^{}]{0,200}SecureString\"?,?\s{0,40}"
    rb"\"?(?i:value)\"?[ \t]{0,12}[:=][ \t]{0,4}(?P<quote>\")\Z"
)
_ARGUMENT = compiled(rb"[\"']-{1,2}([A-Za-z][\w\-]{1,79})[\"'](?:,[^,()\n]{1,48}){0,4},\s{0,40}default=(?P<quote>[\"'])\Z")
_TAKEN = compiled(rb"(?i)(?<![A-Za-z_])(sec)(_?[0-9]{1,2})?(?:[\"']? ?[:=] ?(?:\(\s{0,20})?(?P<quote>[\"'])|=)\Z")
_INITIALS = compiled(rb"([A-Za-z][\w.\-]{0,76}[_.]|(?<!\w))(AK|SK|ak|sk)[\"']? ?[:=] ?(?P<quote>[\"']?)\Z")
_SURNAMED = compiled(
    rb"(?:(?<![A-Za-z0-9_])(AK|SK|ak|sk)(_\w{1,24})|(?<![A-Za-z0-9_])([A-Za-z]\w{0,40}[a-z0-9])(Ak|Sk))"
    rb"[\"'\\]{0,4}(?:: string)?(?: ?[:=] ?)\\{0,3}(?P<quote>[\"']?)\Z"
)
_FORM_FIELD = compiled(rb"(?i)<input\b[^<>]{0,80}?\b(?:name|id)=[\"']([\w.\-]{2,80})[\"'][^<>]{0,80} value=(?P<quote>[\"'])\Z")
_PLISTED = compiled(rb"<key>([\w.\-]{2,80})</key>\s{0,40}<string>\Z")
_LISTED_ENV = compiled(rb"(?:\A|\n)[ \t]{0,8}([A-Z][A-Z0-9_]{2,60}|[a-z][a-z0-9]*_\w{2,60})[ \t]{2,60}\Z")
_CLOUD_FORMED = compiled(
    rb"([A-Za-z]\w{1,79}):[ \t]{0,4}\r?\n[ \t]{1,16}(?:Description: [^\n]{0,80}\n[ \t]{1,16})?Type: [\"']?String[\"']?\r?\n"
    rb"(?:[ \t]{1,16}NoEcho: \w{4,5}\r?\n)?[ \t]{1,16}Default: (?P<quote>[\"']?)\Z"
)
_HEADED = compiled(rb"(?<=\")([^\s\"\\]{8,512})\", forHTTPHeaderField: ?\"\Z")
_SENT = compiled(
    rb"(?:(?<=[\"'])|(?<=[ \t]))([^\s\"'\\|$`]{8,512})[\"']? ?\| ?(?:\w{2,8} ){1,3}"
    rb"(?:create|versions add|put|set|add|insert(?: -\w{1,2}){0,2}) [\"']?\Z"
)
_UNWRAPPED = compiled(rb"\([\"'](\w{3,80})[\"']\)\)?(?:\s{0,20}\.unwrap_or(?:_else\(\|\w?\| ?|\()| \?: )(?P<quote>[\"'])\Z")
_IN_FLASH = compiled(rb"([A-Za-z_]\w{1,79})(?:\[\w{0,8}\])? PROGMEM ?= ?(?P<quote>\")\Z")
_PUT = compiled(rb"(?i)\bset ([\w:]{1,40}(?:\(\w{3,16}\))?)(?: to)? (?P<quote>[\"{])\Z")
_PARAMETER = compiled(
    rb"ParameterKey\"?[:=] ?\"?(\w{2,80})\"?,\s{0,40}\"?ParameterValue\"?[:=] ?(?P<quote>\"?)\Z"
)
_TYPE_OF = compiled(rb"\"([\w.\-]{2,80})\" ?:\s{0,4}\{\s{0,20}\"(?:S|stringValue)\" ?: ?(?P<quote>\")\Z")
_FLAGGED = compiled(
    rb"(?i)\"key\": ?\"([\w./\-]{3,120})\",\s{0,40}(?:\"\w{2,16}\": ?(?:[0-9]{1,20}|\"[^\"\n]{0,60}\"),\s{0,40}){1,4}"
    rb"\"value\": ?(?P<quote>\")\Z"
)
_WATCHED = compiled(rb"(?i)\"([\w.:\-]{0,60}(?:key|secret|phrase|password))\" (?P<quote>\")\Z")
_MADE = compiled(rb"(?i)(?<![\w.$])([a-z_]\w{0,60}?(?:key|secret|phrase|password)) \{ ?(?P<quote>[\"'])\Z")
_LONG_QUOTED = compiled(
    rb"([A-Za-z_][\w.]{1,79})(?:: ?&(?:'static )?str)?[\"'\]]{0,2} ?[:=] ?(?:\[\[|r#(?P<quote>\"))\Z"
)
_BRACED_TWICE = compiled(
    rb"(?i)((?:(?:api|secret|access|private|client|trading)[ _\-])?(?:key|secret|pass ?phrase|password))(?::\*|\*:|:|\*? ?\|) ?\{\{\Z"
)
_TYPESET = compiled(rb"(?i)\\(?:newcommand|def)\*?\{?\\(\w{3,60})\}?\{\Z")
_SECURED = compiled(rb"\$([\w:]{2,80}) ?= ?\(?ConvertTo-SecureString (?:-String )?(?P<quote>[\"'])\Z")
_TOLD = compiled(rb"`([A-Za-z_][\w.\-]{1,79})` (?:to|is|as) (?P<quote>`)\Z")
_MANIFEST = compiled(rb"android:name=\"([\w.\-]{2,120})\"\s{1,40}android:value=(?P<quote>\")\Z")
_BESIDE_SECRET = compiled(rb"(?<![A-Za-z])(?:API|api|Api) ?[:=] ?(?P<quote>[\"'])\Z")
_WRITTEN = compiled(rb"[ \t]([\w.\-]{2,80}) -string (?P<quote>[\"']?)\Z")
_KEPT = compiled(
    rb"add-(?:generic|internet)-password (?:[^\n|;&]{0,120} )?-[sl] [\"']?([\w.\-]{2,80})[\"']?"
    rb"(?: -\w(?: [^\s\-][^\s|;&]{0,60})?){0,4} -w (?P<quote>[\"']?)\Z"
)
_SCALARS = rb"(?:,\s{0,40}\"\w{1,24}\" ?: ?(?:\"[^\"\n\\]{0,60}\"|[\w.\-]{1,24}|\[[^\[\]{}\n]{0,80}\])){0,4}"
"""The fields between two of an object, which hold no objects themselves."""
_NAME_FIELD = rb"\"(?i:name|key|label|title|field|variable)\" ?: ?\"([\w.:/\- ]{2,120})\""
_VALUED = compiled(_NAME_FIELD + _SCALARS + rb",\s{0,40}\"value\" ?: ?(?P<quote>\")\Z")
_NAMED_BEHIND = compiled(rb"[^\s\"\\]{16,512}\"" + _SCALARS + rb",\s{0,40}" + _NAME_FIELD)
_CODE_NAME = compiled(rb"(codeName)\\{0,3}\" ?: ?(?P<quote>\\{0,3}\")\Z")
_ABRIDGED = compiled(rb"(?i)([a-z][\w.\-]{0,76}_sec)[\"']? ?[:=] ?(?P<quote>[\"']?)\Z")
_ARRAYED = compiled(rb"([A-Za-z_]\w{1,79})\[[\w +*]{0,24}\] ?= ?(?P<quote>\")\Z")
_ANCHORED = compiled(rb"([A-Za-z_][\w.\-]{0,79})[\"']?: {1,4}&[\w\-]{1,40} (?P<quote>[\"']?)\Z")


def _paired(data: bytes, start: int, found: re.Match[bytes], name: Named) -> Named | None:
    """Not what kind of field a form has: <input name="apiKey" type="password" value="v">."""
    return None if found.string[: found.start(1)].endswith((b'type="', b"type='")) else name


def _spaced(data: bytes, start: int, found: re.Match[bytes], name: Named) -> Named | None:
    before = found.string[found.start(1) - 1 : found.start(1)]
    if not (random(data, start) or short(data, start) or before == b"@"):
        return None
    # a keyword of Clojure's, a variable that nginx sets, an attribute of a module of Elixir's
    return name if before in (b":", b"$", b"@") else name._replace(name=found[1] + b"_of_client")


def _updated(data: bytes, start: int, found: re.Match[bytes], name: Named) -> Named | None:
    called = _WHERE.match(data, start)
    return name._replace(name=called[1]) if called else None


def _abridged(data: bytes, start: int, found: re.Match[bytes], name: Named) -> Named | None:
    """A secret that is called so by its first letters; nobody else's names end in them and have such values."""
    return name._replace(name=found[1][:-3] + b"secret") if random(data, start) else None


def _initials(data: bytes, start: int, found: re.Match[bytes], name: Named) -> Named | None:
    """An access key and its secret that are called so by their first letters: VENUE_AK and VENUE_SK."""
    called = found[1] + (b"api_key" if found[2] in (b"AK", b"ak") else b"api_secret")
    return name._replace(name=called if found[1] else ARGUMENTS[found[2] in (b"SK", b"sk")]) if random(data, start) else None


def _surnamed(data: bytes, start: int, found: re.Match[bytes], name: Named) -> Named | None:
    """The same with the venue's name behind them, or glued to them: AK_VENUE, venueSk."""
    whose = found[2] or b"_" + found[3]
    part = b"api_key" if (found[1] or found[4]) in (b"AK", b"ak", b"Ak") else b"api_secret"
    return name._replace(name=whose[1:] + b"_" + part) if random(data, start) else None


def _exported(data: bytes, start: int, found: re.Match[bytes], name: Named) -> Named | None:
    """What else is no password of somebody's choice: of these other rules know more."""
    return name if random(data, start) else None


_SECRET_NEXT = compiled(
    rb"[0-9A-Za-z+/=_\-]{16,512}[\"'][^\"'=:]{1,60}(?i:secret|private|_sec\b|\bsec\b)\w{0,12}[\"']?"
    rb"(?::? ?\w{2,8})? ?[:=] ?[\"']"
)


def _beside_secret(data: bytes, start: int, found: re.Match[bytes], name: Named) -> Named | None:
    """A key that is called `API` where its secret comes next."""
    return name._replace(name=ARGUMENTS[0]) if random(data, start) and _SECRET_NEXT.match(data, start) else None


def _taken(data: bytes, start: int, found: re.Match[bytes], name: Named) -> Named | None:
    called = ARGUMENTS[1] + (b"_" + found[2].lstrip(b"_") if found[2] else b"")
    return name._replace(name=called) if random(data, start) else None


def _variable(data: bytes, start: int, found: re.Match[bytes], name: Named) -> Named | None:
    """A variable of Terraform's; also one that is called by its first letters: venue_ak."""
    head, _, last = found[1].rpartition(b"_")
    part = {b"ak": b"_api_key", b"sk": b"_api_secret"}.get(last.lower())
    return name._replace(name=head + part) if part else name


def _code_name(data: bytes, start: int, found: re.Match[bytes], name: Named) -> Named | None:
    return name._replace(name=ARGUMENTS[0]) if random(data, start) else None


def _next_pass(data: bytes, start: int, found: re.Match[bytes], name: Named) -> Named | None:
    return name._replace(name=found[1].lower() + b"_of_client") if LINE.match(data, start) else None


_FIELD = compiled(rb"[\w\-][\w./\-]{2,119}")


def headed(data: bytes, start: int) -> bytes:
    """The name that begins at `start` and whose value stands before it (`Form.before`)."""
    found = _FIELD.match(data, start)
    return found[0] if found else b""


def _hashed(data: bytes, start: int) -> Named | None:
    """The key that an HMAC is made with, named as a client's secret is: it has no name of its own."""
    before = data[max(0, start - 200) : start]
    at = before.lower().rfind(b"hmac")
    found = _HASHED.match(before, at) if at >= 0 and random(data, start) else None
    return Named(ARGUMENTS[1], start - len(before) + at, found["quote"]) if found else None


def _valued(data: bytes, start: int) -> Named | None:
    """What an object with a name and a value calls its value, whichever stands first. `_PAIRED` reads those that stand side by side."""
    low = max(0, start - 320)
    found = _VALUED.search(data[low:start])
    if found is not None:
        return Named(found[1], low + found.start(), b'"')
    behind = _NAMED_BEHIND.match(data, start, start + 900)
    return Named(behind[1], start - 1, b'"') if behind else None


_POINTERS = compiled(r"[\s\u2502\u2514]*(?:\u2514 .*)?")
_WORD_AT = compiled(r"\w+")


def _pointed(data: bytes, start: int) -> Named | None:
    """What a traceback says a variable was: the word above the line that leads down to it, in a column of characters."""
    low = max(0, start - 600)
    lines = data[low:start].decode("utf-8", "ignore").split("\n")
    column = lines[-1].rfind("\u2514")
    for line in reversed(lines[:-1]):
        if _POINTERS.fullmatch(line):
            continue
        word = next((word for word in _WORD_AT.finditer(line) if word.start() <= column < word.end()), None)
        return Named(word[0].encode(), start - 4, b"'") if word else None
    return None


# ---------------------------------------------------------------- a file that is called like what is written to it
_FILE = rb"[\"']?((?:[A-Za-z]:)?[\w./\\~${}\-]{3,120})[\"']?"
_INTO_FILE = compiled(
    rb"[0-9A-Za-z+/=_:.\-]{16,512}[\"']?[ \t]{0,2}(?:\|[ \t]{0,2}(?:base64(?: -\w{1,2}){0,2} ?\| ?)?(?:sudo )?tee(?: -a)?|>{1,2})[ \t]{0,2}"
    + _FILE
)
_HEREDOC = compiled(
    rb"(?:>{1,2} ?" + _FILE + rb"[ ]{0,2}<<-?[ ]?[\"']?\w{2,12}[\"']?"
    rb"|<<-?[ ]?[\"']?\w{2,12}[\"']? ?>{1,2} ?" + _FILE + rb")\r?\n[ \t]{0,8}\Z"
)
_CONTENT = compiled(rb"(?<![\w\-])content[\"']?[ \t]{0,12}[:=][ \t]{0,4}(?P<quote>[\"']?)\Z")
_FILE_FIELD = compiled(rb"(?<![\w\-])(?:path|file_?name|dest(?:ination)?|file)[\"']?[ \t]{0,12}[:=][ \t]{0,4}" + _FILE)
_WRITES = compiled(
    rb"(?:(?:open|Path|File)\(" + _FILE + rb"[^\n()]{0,40}\)(?: as \w{1,20}:\s{1,40}\w{1,20})?\.write(?:_text|_bytes)?\(b?"
    rb"|(?:writeFile(?:Sync)?|file_put_contents|WriteFile|WriteAllText|write)\(" + _FILE + rb", ?(?:\[\]byte\()?)(?P<quote>[\"'`])\Z"
)
_AUDITED = compiled(rb"a[0-9]{1,3}=\"-{1,2}([A-Za-z][\w.\-]{1,79})\" a[0-9]{1,3}=(?P<quote>\")\Z")
_SET_CONTENT = compiled(
    rb"(?i)(?:Set-Content|Add-Content|New-Item)(?: -Path)? " + _FILE + rb"(?: -\w{1,12}(?: \w{1,12})?){0,2} -Value (?P<quote>[\"']?)\Z"
)
_PLAIN_END = compiled(rb"\.(?:txt|dat|conf|cfg|ini|md|log|json)\Z")
_STEPS = compiled(rb"[/\\]+")


def _file_name(path: bytes) -> bytes:
    """What a file and its folder are called: bots/binance/secret.txt holds the secret of Binance."""
    return b"_".join(_STEPS.split(_PLAIN_END.sub(b"", path))[-2:])


def _echoed(data: bytes, start: int) -> Named | None:
    """A value that a command prints into a file."""
    found = _INTO_FILE.match(data, start, start + 700) if random(data, start) else None
    before = data[start - 1 : start]
    return Named(_file_name(found[1]), start, before if before in (b'"', b"'") else b"") if found else None


def _heredoc(data: bytes, start: int) -> Named | None:
    low = max(0, start - 200)
    found = _HEREDOC.search(data[low:start]) if random(data, start) else None
    return Named(_file_name(found[1] or found[2]), low + found.start(), b"") if found else None


def _contained(data: bytes, start: int) -> Named | None:
    """The content of a file that a tool is to make, whose name stands before it or behind it."""
    low = max(0, start - 300)
    before = data[low:start]
    field = _CONTENT.search(before) if random(data, start) else None
    if field is None:
        return None
    edge = max(before.rfind(b"\n\n"), before.rfind(b"}")) + 1
    found = next(reversed(list(_FILE_FIELD.finditer(before, edge))), None)
    if found is None:
        stop = data.find(b"\n\n", start, start + 700)
        found = _FILE_FIELD.search(data, start, stop if stop >= 0 else start + 700)
    return Named(_file_name(found[1]), low + field.start(), field["quote"]) if found else None


def _written(data: bytes, start: int, found: re.Match[bytes], name: Named) -> Named | None:
    """What a program writes to a file."""
    return name._replace(name=_file_name(next(filter(None, found.groups())))) if random(data, start) else None


_POINTED_AT = compiled(rb"(?<![\w.])([A-Za-z_]\w{0,79}) = 0x[0-9a-f]{4,16} (?P<quote>\")\Z")
_KEYCHAIN = compiled(rb"\"(acct|svce)\"[ \t]?<blob>=(?:0x[0-9A-F]+ {1,4})?\"([\w .\-/]{2,80})\"")


def _in_keychain(data: bytes, start: int) -> Named | None:
    """What a dump of macOS's keychain says that an item is: for which service, and of whom."""
    low = max(0, start - 900, data.rfind(b"keychain:", 0, start))
    fields = {found[1]: found[2] for found in _KEYCHAIN.finditer(data, low, start)}
    name = b"_".join(fields[each] for each in (b"svce", b"acct") if each in fields)
    return Named(name.replace(b" ", b"_"), start - 1, b'"') if name else None


_FIX_PASSWORD = compiled(rb"(?:\x01|\||\^A|;)(554|925)=\Z")


def _of_session(data: bytes, start: int, found: re.Match[bytes], name: Named) -> Named | None:
    """The password in the message that logs a FIX session on."""
    line = data[max(0, start - 900, data.rfind(b"\n", 0, start)) : start]
    return name._replace(name=b"fix_password") if b"8=FIX" in line else None


FORMS = (
    # "key": "NAME", "value": "v"; - name: NAME, value: v on the next line; key="NAME" value="v"; "NAME": { "value": "v",
    # NAME = { value = "v"
    Form(
        _PAIRED,
        r"(?i)" + _WORD + r"[\w.\-]{0,20}[\"']?(?:(?:,|[ \t]?[:=][ \t]?\{)?\s{1,40}|[:=][ \t]?\{)"
        r"[\"']?(?:value|computed)[\"']?[ \t]{0,3}[:=][ \t]{0,3}[\"']?" + VALUE,
        asked=_paired,
    ),
    # setx NAME "v", ENV NAME v, set -gx NAME v, SetEnv NAME v, cf set-env APP NAME v
    Form(
        _COMMAND,
        r"(?:(?i:setx|setenv)|fastcgi_param|set -\w{1,3}|ENV|#define|\\set|set-env [\w\-]{1,60})[ \t]{1,8}"
        r"\w{0,60}(?i:" + _WORD + r")\w{0,20}[ \t]{1,12}@?[\"']?" + VALUE,
    ),
    # name: String::from("v")
    Form(_WRAPPED, r"[:=,(][ \t]{0,3}" + _CALLEES + r"\((?:[ \t]?|default=)[bru]?[\"']" + VALUE),
    # name string = "v"
    Form(_TYPED, r"\w (?:string|String|\[\]byte|NSString \*|As String) ?:?= ?[\"'`]" + VALUE),
    # <td>API key</td><td>v</td>, <key>NAME</key> <string>v</string>
    Form(
        _TAGGED,
        r"(?i)(?:key|secret|phrase|token|password|memo)(?: id)? ?</[\w\-]{1,16}>"
        r"\s{0,40}<[\w\-]{1,16}[^<>\n]{0,40}>\s{0,8}(?:<\w{1,8}>)?" + VALUE,
    ),
    # :api-key "v", HSET venue api_key "v"
    Form(_SPACED, r"(?i)(?:key|secret|phrase|password|memo)[ \t]{1,4}[\"'](?:" + WITH_DIGIT + ")", asked=_spaced),
    # ${API_KEY}    v
    Form(_BRACED, r"\$\{\w{0,60}(?i:" + _WORD + r")\w{0,20}\}[ \t]{1,12}(?:=[ \t]{0,4})?" + VALUE),
    # ["apiKey"]=> string(64) "v"
    Form(_DUMPED, r"\bstring\([0-9]{1,4}\) \"" + VALUE),
    # variable "NAME" { default = "v" }
    Form(_VARIABLE, r"\bdefault[ \t]{1,12}=[ \t]{1,4}\"[^\s\"'`$\\<>{}()]{5}", asked=_variable),
    # gh secret set NAME --body "v", aws ssm put-parameter --name /venue/key --value "v"
    Form(_STORED, r"(?:--value|--secret-string|--body|[ ]-b)[ =]?[\"']?[0-9A-Za-z+/=_\-]{5}"),
    # hmac.new(b"v", createHmac("sha256", "v"), hmac.New(sha256.New, []byte("v")), hash_hmac("sha256", $text, "v")
    Form(
        _HASHED,
        r"(?i:hmac)[\w.:]{0,24}\([^\n\"';]{0,40}(?:[\"'][\w\-]{1,16}[\"'][^\n\"';]{0,60})?[bru]?[\"'][0-9A-Za-z+/=_\-]{5}",
        whole=_hashed,
    ),
    # std::string KEY{"v"}
    Form(_BRACED_VALUE, r"(?i)(?:key|secret|phrase|token|password|memo)\{[\"]" + VALUE),
    # X-API-KEY:, and the value in a list of one on the next line
    Form(LISTED, r"(?i)(?:key|secret|phrase|token)s?[\"']?:[ \t]?\r?\n[ \t]{0,40}- [\"']?" + VALUE, listed=True),
    # {api_key, <<"v">>}, api_key = Some "v"
    Form(_NO_TEXT, r"(?i)" + _WORD + r"\w{0,20}[\"']?[ \t]{0,3}(?:,|=>?|:)[ \t]{0,3}(?:<<|(?:some|just) )\"" + VALUE),
    # <Setting Name="ApiKey" ...> <Value Profile="(Default)">v</Value>
    Form(_SETTING, r"(?i)<value(?: [^<>\n]{1,40})?>" + VALUE),
    # UPDATE settings SET value='v' WHERE name='api_key'
    Form(_UPDATED, r"(?i)\bset[ \t]{1,8}\w{0,12}value\w{0,8}[`\"]? ?= ?'" + VALUE, asked=_updated),
    # api_key VARCHAR(128) DEFAULT 'v'
    Form(_DEFAULT, r"(?i)\bdefault[ \t]{1,4}'" + VALUE),
    # 1) "api_key" and on the next line 2) "v"
    Form(_NUMBERED, r"(?i)" + _WORD + r"\w{0,20}\"\r?\n[ \t]{0,8}[0-9]{1,4}\) \"" + VALUE),
    # a traceback that points at its arguments: └ 'v'
    Form(_POINTED, "\u2514 '" + VALUE, whole=_pointed),
    # a key or a secret, and on the next line: pass v
    Form(
        _NEXT_PASS,
        r"[0-9A-Za-z+/=_\-]{16}\r?\n[ \t]{0,8}(?i:pass|passphrase|password)[ \t]{1,16}(?:- )?" + VALUE,
        asked=_next_pass,
    ),
    # Key string `env:"API_KEY" envDefault:"v"`
    Form(_TAGGED_DEFAULT, r"(?i)" + _WORD + r"\w{0,20}\" \w{0,12}default:\"" + VALUE),
    # Content-Disposition: form-data; name="api_key", an empty line, v
    Form(_PARTED, r"(?i)" + _WORD + r"\w{0,20}\"\r?\n\r?\n" + VALUE),
    # <string name="NAME" translatable="false">v</string>
    Form(_TRANSLATED, r"translatable=\"false\">" + VALUE),
    # name = "/venue/api_key", type = "SecureString", value = "v", each on its line
    Form(_SECURE, r"SecureString\"?,?\s{0,40}\"?(?i:value)\"?[ \t]{0,12}[:=][ \t]{0,4}\"" + VALUE),
    Form(_SPACED, r"(?i)(?:key|secret|key-id)[ \t]{1,4}[\"']" + LONG, asked=_spaced),
    # add_argument("--venue-api-key", type=str, default="v")
    Form(_ARGUMENT, r"default=[\"']" + LONG),
    # \"codeName\": \"v\": what Superalgos calls an API key
    Form(_CODE_NAME, r"codeName\\{0,3}\" ?: ?\\{0,3}\"" + LONG, asked=_code_name),
    # VENUE_SEC=v; sec = 'v'
    Form(_ABRIDGED, r"(?i)_sec[\"']? ?[:=] ?[\"']?" + LONG, asked=_abridged),
    Form(_TAKEN, r"[\s{,](?:sec|SEC) ?[:=] ?(?:\(\s{0,20})?[\"']" + LONG, asked=_taken),
    Form(_TAKEN, r"[\s;](?:sec|SEC)_?[0-9] ?[:=] ?[\"']" + LONG, asked=_taken),
    Form(_TAKEN, r"[\s;](?:SEC|SEC_?[0-9]|sec)=" + LONG, asked=_taken),
    # VENUE_AK=v, VENUE_SK=w; AK = "v", SK = "w"
    Form(_INITIALS, r"_(?:AK|SK|ak|sk)[\"']? ?[:=] ?[\"']?" + LONG, asked=_initials),
    Form(_INITIALS, r"[\s{,\"'](?:AK|SK|ak|sk)[\"']? ?[:=] ?[\"']?" + LONG, asked=_initials),
    # AK_VENUE=v, venueSk = "v"
    Form(_SURNAMED, r"[\s{,\"'](?:AK|SK|ak|sk)_\w{1,24}[\"'\\]{0,4} ?[:=] ?[\"'\\]{0,4}" + LONG, asked=_surnamed),
    Form(_SURNAMED, r"[a-z](?:Ak|Sk)(?:(?:: string)? = |: |=)[\"']" + LONG, asked=_surnamed),
    # <input name="apiKey" type="text" value="v">
    Form(_FORM_FIELD, r"type=[\"'](?:text|password|hidden)[\"'] value=[\"']" + VALUE),
    # std::string NAME{"v"}, of any name
    Form(_BRACED_VALUE, r"std::string \w{2,60}\{\"" + VALUE),
    # <key>NAME</key> <string>v</string>, of any name
    Form(_PLISTED, r"</key>\s{0,40}<string>" + VALUE),
    # NAME_KEY_MAIN    v, of a list of the environment, or of what a store of secrets holds
    Form(_LISTED_ENV, r"(?:KEY|SECRET|TOKEN|_key|_secret|_token)\w{0,24}[ \t]{2,60}" + LONG, asked=_exported),
    # Name: and below it Type: String, and Default: v: CloudFormation's
    Form(
        _CLOUD_FORMED,
        r"Type: [\"']?String[\"']?\r?\n(?:[ \t]{1,16}NoEcho: \w{4,5}\r?\n)?[ \t]{1,16}Default: [\"']?" + VALUE,
    ),
    # req.setValue("v", forHTTPHeaderField: "X-API-KEY")
    Form(_HEADED, r"\", forHTTPHeaderField: ?\"[\w\-]{5}", before=True),
    # env::var("NAME").unwrap_or_else(|_| "v".into()), getenv("NAME") ?: "v"
    Form(_UNWRAPPED, r"unwrap_or(?:_else\(\|\w?\| ?|\()\"" + VALUE),
    Form(_UNWRAPPED, r"\) \?: [\"']" + VALUE),
    # const char* NAME PROGMEM = "v"
    Form(_IN_FLASH, r"PROGMEM ?= ?\"" + VALUE),
    # set venue(key) "v"; set venueApiKey to "v"
    Form(
        _PUT,
        r"(?i)\bset [\w:]{1,40}(?:\((?:api_?)?(?:key|secret|pass\w{0,6})\)|(?:key|secret|phrase|password) to) [\"{]" + VALUE,
    ),
    # "ParameterKey": "NAME", "ParameterValue": "v"
    Form(_PARAMETER, r"ParameterValue\"?[:=] ?\"?" + VALUE),
    # "NAME": {"S": "v"}, "NAME": {"stringValue": "v"}
    Form(_TYPE_OF, r"\{\s{0,20}\"(?:S|stringValue)\" ?: ?\"" + VALUE, asked=_exported),
    # "key": "path/NAME", "flags": 0, "value": "v": an export of Consul's
    Form(_FLAGGED, r"(?i)\"flags\": ?[0-9]{1,9},\s{0,40}\"value\": ?\"" + VALUE),
    # "NAME" "v": what a monitor of Redis shows of a command
    Form(_WATCHED, r"(?i)(?:key|secret|phrase|password)\" \"" + VALUE),
    # NAME { 'v' } of a factory
    Form(_MADE, r"(?i)(?:key|secret|phrase|password) \{ ?[\"']" + VALUE),
    # NAME = [[v]], NAME = r#"v"#: quotes of Lua and Rust
    Form(_LONG_QUOTED, r"= ?\[\[" + LONG),
    Form(_LONG_QUOTED, r"r#\"" + LONG),
    # *API key:* {{v}}, | API key | {{v}} |: Jira's
    Form(_BRACED_TWICE, r"(?i)(?:key|secret|phrase|password)(?::\*|\*:|:|\*? ?\|) ?\{\{" + VALUE),
    # \newcommand{\venuekey}{v}
    Form(_TYPESET, r"(?i)\\(?:newcommand|def)\*?\{?\\\w{0,40}(?:key|secret|phrase|password)\}?\{" + VALUE),
    # $Name = ConvertTo-SecureString "v"
    Form(_SECURED, r"ConvertTo-SecureString (?:-String )?[\"']" + VALUE, asked=_exported),
    # echo -n "v" | gcloud secrets create NAME, echo v | pass insert -e path/NAME
    Form(
        _SENT,
        r"[\w=+/\"'] ?\| ?(?:gcloud secrets (?:create|versions add)|(?:docker|podman) secret create|(?:npx )?wrangler secret put"
        r"|gh secret set|vercel env add|pass insert(?: -\w{1,2}){0,2}) [\"']?[\w\-]{5}",
        before=True,
    ),
    # set `NAME` to `v`, of a README
    Form(_TOLD, r"` (?:to|is|as) `" + VALUE),
    # <meta-data android:name="com.x.API_KEY" android:value="v" />: in the usual form the prefix was dear
    Form(_MANIFEST, r"android:value=\"" + VALUE),
    Form(_BESIDE_SECRET, r"[\s_](?:API = |API: |API=)[\"']" + LONG, asked=_beside_secret),
    # defaults write com.x.y NAME -string v; security add-generic-password -s NAME -w v
    Form(_WRITTEN, r" -string [\"']?" + LONG),
    Form(_KEPT, r" -w [\"']?" + LONG),
    # {"value": "v", "key": "NAME"}, {"name": "NAME", "slotSetting": false, "value": "v"}
    Form(_VALUED, r"\"value\" ?: ?\"" + LONG, whole=_valued),
    # API_KEY: &anchor v, of YAML
    Form(_ANCHORED, r"(?i)" + _WORD + r"\w{0,20}[\"']?: {1,4}&[\w\-]{1,40} [\"']?" + LONG),
    # echo v > binance_secret.txt, printf '%s' v | sudo tee /run/secrets/binance_api_secret
    Form(
        None,
        r"(?:\becho|\bprintf|Write-Output)(?: -\w{1,2}){0,2}(?: [\"']%s(?:\\n)?[\"'])? [\"']?" + LONG,
        whole=_echoed,
    ),
    # cat > binance_secret <<EOF, and the value on the next line
    Form(None, r"<<-? ?[\"']?\w{2,12}[\"']?(?: ?>{1,2} ?[^\s]{3,80})?\r?\n[ \t]{0,8}" + LONG, whole=_heredoc),
    # path: /etc/bot/binance_secret, content: v; filename = "binance_secret", content = "v"
    Form(None, r"content[\"']?[ \t]{0,12}[:=][ \t]{0,4}[\"']?" + LONG, whole=_contained),
    # open("binance_secret.txt", "w").write("v"), fs.writeFileSync("binance_secret.txt", "v")
    Form(_WRITES, r"\.write(?:_text|_bytes)?\(b?[\"']" + LONG, asked=_written),
    Form(
        _WRITES,
        r"(?:writeFile(?:Sync)?|file_put_contents|WriteFile|WriteAllText|File\.write)\([\"'][^\"'\n]{3,80}[\"'], ?(?:\[\]byte\()?[\"'`]"
        + LONG,
        asked=_written,
    ),
    # Set-Content -Path .\binance_secret.txt -Value 'v'
    Form(_SET_CONTENT, r" -Value [\"']?" + LONG, asked=_written),
    # a2="--api-secret" a3="v": a command's arguments in the audit's log
    Form(_AUDITED, r"\" a[0-9]{1,3}=\"" + LONG),
    # name = 0x55d0a1 "v": gdb's
    Form(_POINTED_AT, r"= 0x[0-9a-f]{4,16} \"" + VALUE),
    # "acct"<blob>="NAME", "svce"<blob>="venue", and data: "v" on a line of its own
    Form(None, r"\ndata:\r?\n\"" + VALUE, whole=_in_keychain),
    # 35=A, 554=v: FIX
    Form(_FIX_PASSWORD, r"(?:\x01|\||\^A|;)(?:554|925)=" + VALUE, asked=_of_session),
    # - name: X-API-KEY, in: header, and below it example: v: OpenAPI's
    Form(_EXEMPLIFIED, r"[\s,\"'](?:example|default)[\"']?: ?[\"']?(?:(?i:bearer|token|basic|apikey) )?" + LONG, asked=_exported),
    # NAME, and below it what pydantic says of its value
    Form(_REFUSED, r", input_value=[\"']" + VALUE),
    # char NAME[] = "v", char NAME[64] = "v": C's
    Form(_ARRAYED, r"(?i)" + _WORD + r"\w{0,20}\[[\w +*]{0,24}\] ?= ?\"" + VALUE),
)
