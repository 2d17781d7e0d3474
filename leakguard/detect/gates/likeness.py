"""Whether a value that only its name explains looks like a secret, or like the code and prose that secrets stand in.

What it would be is known from its name or its rule; the rest is how values are written: references, placeholders,
labels, paths, identifiers, sentences, and how unlike words the bytes are (`grams.strangeness`). A password may be any
word that is no placeholder if it stands where only values stand (in quotes, in a configuration file); everything else
has to look drawn at random. Pure functions of a candidate; nothing is kept but the kinds of file names.
Imported through the table of gates (basic.value_like).
"""

from __future__ import annotations

import re
from binascii import a2b_base64
from functools import lru_cache
from operator import eq

from leakguard.detect.gates import Candidate, Verdict
from leakguard.detect.gates.grams import strangeness
from leakguard.detect.patterns import compiled

REJECT, PASS = Verdict.REJECT, Verdict.PASS

# ---------------------------------------------------------------- kinds of files
CODE, CONFIG, DOC = "code", "config", "doc"
_KINDS = {
    CODE: (
        "py pyx pyi js jsx mjs cjs ts tsx mts vue svelte go java kt kts scala groovy gradle c h cc cpp cxx hpp hh "
        "m mm cs fs vb rs rb erb php phtml swift dart lua pl pm r jl hs lhs elm ex exs erl hrl clj cljs ml mli "
        "nim zig sol v sv vhd d pas pp f90 asm s as tl proto thrift graphql gql y l lasso las lasso9 moo coffee "
        "ls rkt scm lisp el cob abap apex cls trigger sas stan ipynb gd gml cr nix bzl ebuild jsp aspx ascx "
        "cshtml razor xaml fxml ui qml css scss less pyc "
    ),
    DOC: "md rst txt adoc asciidoc html htm org tex textile wiki mdx markdown log pod rdoc strings po pot",
}
_KIND_OF = {extension: kind for kind, extensions in _KINDS.items() for extension in extensions.split()}


@lru_cache(maxsize=4096)
def file_kind(path: str) -> str:
    """What a bare word is in that file: a name in CODE, prose in DOC, a value in CONFIG (also for unknown files)."""
    name = path.rsplit("/", 1)[-1]
    return _KIND_OF.get(name.rsplit(".", 1)[-1].lower(), CONFIG) if "." in name[1:] else CONFIG


# ---------------------------------------------------------------- what is no value
_REFERENCE = compiled(
    rb"^(?:\$[A-Za-z_][\w.:\[\]>-]*$|\$\(|%[A-Za-z_]\w*%?$|%\w+%|@[A-Za-z@(]|env[.(\[]|process\.env|os\.(?:environ|getenv)"
    rb"|(?:secrets?|vault|ssm|op|env|file|classpath|system|config|ref|data|aws-sm|gcp-sm|azure-kv|keyring)[.:](?:[/\w.{])"
    rb"|arn:aws|!{1,2}\w|&\w+;|\[[^\]]*\]$|<[^>]*>$|\*+$|\*/|--?[a-z]|-[0-9]{5,}$|__\w+__$|\\[nrt])"
    rb"|[a-z]\([\"']|&#[0-9]{1,5};|&(?:lt|gt|amp|quot);|\w\[-?[0-9]*\]"  # code, entities, paths into data
    rb"|\(\?|\[\^|\](?:[*+]|\{[0-9])|\\[sSdDwWbB]|\.\*|\)\?"  # regular expressions
    rb"|\$\{|#\{|\{\{|\}\}|%\{|<%|\$\(|%\(\w+\)|%[sdvq](?![A-Za-z0-9])|\{[a-z_.0-9]{0,30}\}|<[A-Za-z_ .-]{2,40}>|###",
    re.IGNORECASE,
)
_PLACEHOLDER = compiled(
    rb"example|sample|placeholder|change.?(?:me|it|this)|replace|insert|redacted|dummy|your[-_ .]|yourapi|yourkey"
    rb"|your.?strong|\((?:un)?set\)|your(?:token|secret|password|pass|own)|my[-_.]?(?:secret|password|passwd|token|key|api|access)|[_-]here\b"
    rb"|to.?do\b|tbd\b"
    rb"|foo.?bar|lorem|ipsum|not.?set|not.?real|notused|unused|fake|mock|bogus|invalid|masked|hidden|removed|omitted|deleted"
    rb"|protected|sanitized|scrubbed|super.?secret|top.?secret|some.?(?:secret|password|token|key|value|random)"
    rb"|x{4,}|\*{3,}|\.{3,}|_{4,}|-{4,}(?!BEGIN)|#{3,}|\?{3,}"
    rb"|(?:test|default|temp|dev|this.?is).?(?:secret|password|token|key)",
    re.IGNORECASE,
)
# Values made of nothing but these say what stands there, not what it is.
_VOCABULARY = compiled(
    rb"(?:(?:pass(?:word|wd|phrase|code)?|passwort|pwd|pw|secret|token|key|api|access|auth(?:orization|entication)?|user"
    rb"|name|login|admin|administrator|my|your|the|an?|some|this|new|old|test(?:ing)?|example|sample|foo|bar|baz|qux|value"
    rb"|string|text|db|database|client|private|public|shared|id|root|guest|default|none|null|empty|undefined|true|false"
    rb"|unset|optional|required|hidden|bearer|basic|digest|plain|hash(?:ed)?|encrypted|credentials?|cert(?:ificate)?|file"
    rb"|env|var|field|type|label|input|output|prompt|enter|confirm|repeat|retype|reset|forgot|change|wrong|bad|good|valid"
    rb"|correct|incorrect|same|other|another|first|second|last|random|long|short|strong|weak|very|not?|is|of|for|to|in|on"
    rb"|and|or|with|without|no|yes|ok|abc|xyz|todo|host|port|server|service|account|email|mail|oauth|jwt|sso|ldap|session"
    rb"|cookie|refresh|cache|data|config|settings?|param(?:eter)?s?|argument|option|function|return|object|array|number"
    rb"|integer|boolean|int|str|bool|bytes?|char|s|me|it|here|mysql|postgres|redis|mongo|aws|github|gitlab|google|azure"
    rb"|application|app|read|write|fixture|mock|stub|spec|unit|sandbox|local|dev|prod|staging|md5|sha1|sha256|bcrypt"
    rb"|passwords|secrets|tokens|keys|users|float|list|tuple|dict|callable|does|exists?|utf|ascii|latin|base64|json|hex"
    rb"|wpa[23]?|psk|eap|sae|pending|passed|failed?|filtered|success|error|b64(?:enc|dec)(?:ode)?|[18])[\W_]{0,2}){1,10}",
    re.IGNORECASE,
)
_NOUN_INSIDE = compiled(
    rb"pass(?:word|wd|phrase|$|_)|pwd|secret|token|credential|(?:api|private|access|auth)[_-]?key", re.IGNORECASE
)
_PATH = compiled(rb"(?:[A-Za-z]:\\|~?/|\.{1,2}/|[\w.-]+/)[\w./\\ -]*$|[a-z][a-z0-9+.-]{1,20}://", re.IGNORECASE)
_FILE = compiled(
    rb"\.(?:key|pem|crt|cer|der|txt|json|ya?ml|toml|xml|sh|enc|conf|cfg|ini|properties|jks|p12|pfx|py|js|ts|go|rb|java|cs"
    rb"|html?|php|env|log|md|png|jpe?g|gif|svg|gpg|asc|com|org|net|io|local|svc|dev|app)$",
    re.IGNORECASE,
)
_HASH = compiled(
    rb"\$(?:2[abxy]?|1|5|6|y|7|argon2\w*|pbkdf2[\w-]*|scrypt|apr1|P|H|bcrypt)\$|\{[A-Z0-9-]{2,16}\}|pbkdf2[_:(]|grub\.pbkdf2"
    rb"|sha(?:1|256|384|512)[-:$=]|(?i:md5)(?:[-:$=]|[0-9a-f]{32}$)|SCRAM-SHA-(?:1|256|512)\$|bcrypt|S?SHA(?:256|512)?-CRYPT$"
    rb"|(?:e1NTSE[EF]|e1NIQ[TX]|e01ENX0|e1NNRDV9|e0NSWVBUfQ|e1BCS0|e0FSR09O|e1NBU0)[A-Za-z0-9+/=]{8}"  # {SSHA} and the like, of LDIF
)
# images, public keys, certificates
_PUBLIC = compiled(
    rb"data:|ssh-|ecdsa-|-----BEGIN|MFkwEwYHKoZ|MIIBI[jD]AN|MIGfMA0G|MCowBQYDK2V|MIICIjAN|iVBORw0|/9j/4|R0lGOD|PHN2Zy"
    rb"|UklGR|AAAAB3Nza|AAAAC3Nza|AAAAE2Vj|MII[CDEFGH][A-Za-z0-9+/]{3}CC"
)
_UUID = compiled(rb"\{?[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\}?$", re.IGNORECASE)
_DATE = compiled(rb"[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9.,:/ +-]+$|v?[0-9]+(?:\.[0-9]+){1,3}\b")
_NUMBERS = compiled(rb"[0-9]+(?:\.[0-9]+){2,}$|[0-9]+\.[0-9.]+-[0-9.]+$")
# Ranges of versions: the packages minipass and htpasswd have a line in every lock file.
_RANGE = compiled(
    rb"(?:[~^]|[<>]=?) ?v?[0-9]+(?:\.[0-9x*]+){1,2}(?:[- |,<>=~^.0-9]|alpha|beta|next|rc|x)*$"
    rb"|[0-9]+(?:\.[0-9]+){2}-(?:alpha|beta|canary|dev|next|pre|rc)[-.0-9]*$"
)
_ADDRESS = compiled(rb"0x[0-9a-fA-F]{40}$")
_RUN = compiled(rb"(.)\1{4,}", re.DOTALL)
_UNITS = compiled(rb"(.{4,16}?)\1{2,}.{0,15}", re.DOTALL)
"""One short text over and over: deadbeefdeadbeefdeadbeef."""
_ASCENDING = (b"0123456789", b"abcdefghij", b"9876543210", b"qwertyuiop")
# The most used passwords there are: they open nothing that a finding could close.
_COUNTED = compiled(
    rb"0?12345?(?:6(?:7(?:8(?:90?)?)?)?)?|(?:([0-9]{1,3})\1{1,5})|(?:abc|qwe|asd|admin|test|pass)?123(?:4(?:56?)?)?"
    rb"|#[0-9A-Fa-f]{3,8}|0x[0-9A-Fa-f]{1,8}"
)
_WORDS_ONLY = compiled(rb"[A-Za-z]+(?:[ _.\-:/][A-Za-z]+)*[.!?:]*$")
_CAMEL = compiled(rb"[a-z][A-Z][a-z]")
_CAPS = compiled(rb"_*[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+_*$")
_LABEL = compiled(rb"[A-Z][a-z]+$")
_QUALIFIED = compiled(rb"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")
# The name of a class: GoogleCloudApihubV1Secret.
_CLASS = compiled(rb"(?:[A-Z][a-z]+|V[0-9]+(?:(?:alpha|beta|p)[0-9]+)*){3,}")
# What a minifier or a mispaired quote leaves: the code between two strings; comments; fonts of manuals; escapes of another script's
# letters alone; sums of Einstein's; globs; a line of /etc/passwd.
_NO_STRING = compiled(
    rb"[,;)}\]][^\n]*[({=]|[^\n]*/\*[^\n]*\*/|[^\n]*\\f[BIPR](?![a-z])|\\{0,2}(?:u[0-9A-Fa-f]{4}\\{0,2})+\Z|[a-z.,]+->[a-z.]*\Z"
    rb"|\*\.|[\w-]+:[x*!]:[0-9]+:[0-9]+:"
)
_ESCAPES = compiled(rb"\\+u[0-9A-Fa-f]{4}")
_NOUN_ELSEWHERE = compiled(
    rb"(?i)kennwort|passwort|wachtwoord|adgangskode|salasana|senha|mot de passe|l(?:\\+u00f6|\xc3\xb6)senord|contrase(?:\\+u00f1|\xc3\xb1)a"
    rb"|has(?:\\+u0142|\xc5\x82)o"
)
_ALNUM = compiled(rb"[A-Za-z0-9]")
_DIGIT = compiled(rb"[0-9]")
_SPACE = compiled(rb"\s")

# ---------------------------------------------------------------- where it stands
_PROSE = compiled(rb"[ \t]+(?:[A-Za-z]{2,}[ \t,.]+){2}")
# The same in any language, with what programs name among it.
_SENTENCE = compiled(rb"[ \t]+[A-Za-z_\x80-\xff]+[ \t,.]+[A-Za-z_\x80-\xff]{2,}")
# Options that are told of: "the --user, and --password flags".
_OPTION_TOLD = compiled(
    rb"(?i)(?:[ \t(](?:and|or|the|both|with|via|of|in|an?|no|new|use|using|missing|to|e|et|en|y|und|oder|ou|och|og)|,)[ \t]+"
    rb"-{1,2}[\w-]{1,40}[ \t]{1,4}\Z"
)
_SQL_BEFORE = compiled(
    rb"(?i)(?:create|alter)\s+(?:or\s+replace\s+)?(?:if\s+not\s+exists\s+)?(?:user|role|login|\w+\s+database\s+link|database\s+link|wallet)"
    rb"|\bgrant\s|connect\s+to\s|set\s+(?:encryption|role)|(?:user|to)\s+\S+\s+identified"
)
_BADGE = compiled(rb"(?i)badge[\w./%-]{0,80}\?[^\s\"'<>]{0,120}token=\Z")
_NO_CREDENTIAL = compiled(
    rb"(?i)public_?key_?token|ask_?pass(?![a-z])|pkpass\Z|token_?(?:bytes|str|text|type|ids?|logits)\Z|pass_?(?:through|manager|pipeline|registry"
    rb"|instrumentation|descriptor)[0-9]?\Z|(?:render|peeling|depth|module|function|loop|blur|mini|lighting)_?pass(?:es)?(?![a-z])"
    rb"|(?:^|[^a-z])(?:d?q|o?q|b|d|a|[0-9]{1,2}[ad]?|ru)psk(?![a-z])|(?:^|_)(?:c|ld|cm)psw|_pw_aff\Z|passwd_lookup\Z"
    rb"|(?:^|_)(?:next_?)?page_token\Z"
)
"""What sounds like a credential and is none: a key in public, a program that asks, the passes of a compiler or a renderer, an
instruction of a processor, a modulation (QPSK), the words of a language model, the next page of a list."""
_MODEL_TOKEN = compiled(rb"(?i)(?:^|_)(?:image|video|audio|pad|bos|eos|sep|cls|mask|unk|special|stop)_token\Z")
_LONGEST_WORD = 15
"""Of a language model, in bytes: what is longer under such a name is a token of another kind."""
_TOLD_TOKEN = compiled(rb"(?i)(?:page|generator|continuation)[ _-]token[\"']?[:=]?[ \t]*[\"']?\Z")
_NAME_SERVICES = (
    b"compat", b"files", b"systemd", b"db", b"nis", b"ldap", b"sss", b"winbind", b"hesiod", b"amd64", b"arm64", b"i386", b"any",
)  # fmt: skip
"""What follows `passwd:` in nsswitch.conf and in lists of packages."""
_GOES_ON = compiled(rb"[ \t]?[(\[]|\.[A-Za-z_]+\(|->|[ \t]*\?[ \t]")
_NEXT_FIELD = compiled(rb"[ \t]*(?::(?:[ \t\r\n]|$)|=[^=])")
_TEMPLATE = compiled(rb":?(?:[{]|<(?!/)|\$[{(A-Za-z])")
_COMPARED = (b"==", b"===", b"!=", b"!==")
_SETTER = compiled(
    rb"(?:^|\.)(?:set|with|add|put|use|new)|(?:^|\.)(?:password|passwd|pwd|pass|secret|token|key|api_?key)$"
    rb"|pass_?(?:phrase|word)_?(?:option)$",
    re.IGNORECASE,
)
# Test results and the passes of a compiler: there `pass` is no noun.
_PASSED = compiled(rb"(?i)(?:^|[^a-z])pass(?:$|[_.-])|[a-z]Pass$")
_SQL_NAME = b"identified_by"
_WITH_PAIRS = (".cs", ".vb", ".cpp", ".cc", ".cxx", ".h", ".hpp", ".java", ".kt", ".config", ".erl", ".hrl")
"""Where `{"name", "value"}` is an entry of a dictionary; in others it is a row of two texts."""


def _no_value(value: bytes) -> bool:
    """References, placeholders, hashes, public things, files and runs of one character."""
    if _REFERENCE.search(value) or _PLACEHOLDER.search(value) or _VOCABULARY.fullmatch(value):
        return True
    if _HASH.match(value) or _PUBLIC.match(value) or _CAPS.match(value) or _COUNTED.fullmatch(value):
        return True
    if _RANGE.match(value):
        return True
    if len(set(value)) < (3 if len(value) < 10 else 4) or len(_ALNUM.findall(value)) < 3:
        return True
    found = _RUN.search(value)
    if found and found.end() - found.start() >= max(5, len(value) // 4):
        return True
    if _UNITS.fullmatch(value):
        return True
    return len(value) < 80 and any(run in value.lower() for run in _ASCENDING)


def value_like(candidate: Candidate, kind: str) -> Verdict:
    """Whether the value looks like a secret of this kind (password, secret, token, key, weak): see the module."""
    value = candidate.secret
    sep = candidate.groups.get("sep")
    if sep == b"list" or (sep == b"pair" and not candidate.path.endswith(_WITH_PAIRS)):
        return REJECT
    # most are words, which is seen sooner than that they are a placeholder or something known
    judge = _JUDGES.get(kind)
    good = judge(candidate, value) if judge is not None else _random(candidate, value, kind)
    return PASS if good and not _no_value(value) and not _no_credential(candidate, value) else REJECT


def _no_credential(candidate: Candidate, value: bytes) -> bool:
    """What a name, or what stands before it, says of a value that looks like one; and names of classes, and code."""
    if _NO_CREDENTIAL.search(candidate.name) or _NO_STRING.match(value):
        return True
    if len(value) <= _LONGEST_WORD and _MODEL_TOKEN.search(candidate.name):
        return True
    if _CLASS.fullmatch(value) and strangeness(value) < len(value):
        return True
    if not candidate.name:
        return False
    before = candidate.data[max(0, candidate.start - 240) : candidate.start]
    if candidate.name == _SQL_NAME and candidate.groups.get("quote") != b"'" and not _SQL_BEFORE.search(before):
        return True  # prose: the problem identified by "v"
    return b"oken" in before[-16:].lower() and (_BADGE.search(before) or _TOLD_TOKEN.search(before)) is not None


# ---------------------------------------------------------------- passwords
_TYPE = compiled(rb"(?:Big)?(?:Ui|ui|UI|I|i)nt(?:8|16|32|64|128|256)(?:Clamped)?(?:_t|Array)?|Float(?:16|32|64)Array")
"""What a parameter is declared to be, in languages that have a colon between: encrypt(password: Uint8Array)."""


def _password(candidate: Candidate, value: bytes) -> bool:
    quote = candidate.groups.get("quote")
    digit = _DIGIT.search(value) is not None
    if len(value) > 100 or not (digit or value.isascii()) or (not quote and _TYPE.fullmatch(value)):
        return False
    odd = strangeness(value)
    deep = value[:1] == b"/" and not digit and value.count(b"/") > 2
    if (odd < 12 or deep) and (_PATH.match(value) or _FILE.search(value)):
        return False
    if odd < 3 and _like_a_name(value, digit):
        return _is_phrase(candidate, value)
    if odd < 0 and not digit and _PASSED.search(candidate.name):
        return False
    if _NOUN_ELSEWHERE.search(value) and not _DIGIT.search(_ESCAPES.sub(b"", value)):
        return False  # a label that was translated
    if quote is None:
        return True  # a rule's own pattern knows where it stands
    return _quoted(candidate, value, odd, digit) if quote else _bare(candidate, value, odd, digit)


_OWN_NUMBER = compiled(rb"(?<![0-9])(?!0?1234?5?6?7?8?9?0?(?![0-9])|([0-9])\1+(?![0-9]))[0-9]{3,}")


def _passphrase(candidate: Candidate, value: bytes) -> bool:
    """A venue's: the owner made it up and cannot change it, so it may be `MyPass2041`, which for a password would be a
    placeholder. A number that nobody counts or types by rote makes it one's own."""
    found = _OWN_NUMBER.search(value)
    if found is not None and len(value) > 7 and len(value) <= 64 and not _PATH.match(value) and not _FILE.search(value):
        # in quotes, or where a pattern knows where it stands; bare it may be code
        return candidate.groups.get("quote") != b"" or _bare(candidate, value, 8, digit=True)
    return _password(candidate, value)


def _like_a_name(value: bytes, digit: bool) -> bool:
    """Written like an identifier, a label or a sentence; or like `password1`."""
    if _NOUN_INSIDE.search(value) or _NUMBERS.match(value):
        return True
    if digit:
        return False
    if _CAMEL.search(value) or _LABEL.match(value):
        return True
    return _WORDS_ONLY.match(value) is not None and not value.isalpha()


_FOUR_WORDS = compiled(rb"[a-z]{3,10}(?:(?:-[a-z]{3,10}){3,7}|(?: [a-z]{3,10}){3,7})")
_OF_SENTENCES = frozenset(
    b"the for and with your you this that from must enter please should have has not use used are was some any when word words type new "
    b"one all can will here see correct horse battery staple user name admin root main database server secret key pass value default "
    b"test prod stage dev app service cluster config creds auth".split()
)
"""Words of prose and of names of things, none of which anybody draws for a phrase; and the phrase that everybody knows."""


def _is_phrase(candidate: Candidate, value: bytes) -> bool:
    """Whether it is four words or more that were drawn, under a name that asks for such: BORG_PASSPHRASE, RESTIC_PASSWORD."""
    name = candidate.name
    if not (b"phrase" in name.lower() or (name.isupper() and b"PASS" in name)) or not _FOUR_WORDS.fullmatch(value):
        return False
    return _NOUN_INSIDE.search(value) is None and _OF_SENTENCES.isdisjoint(value.replace(b"-", b" ").split())


def _quoted(candidate: Candidate, value: bytes, odd: float, digit: bool) -> bool:
    sep = candidate.groups.get("sep", b"")
    if candidate.groups["quote"] == b"`" and (b" " in value or b"$" in value):
        return False  # a command of the shell
    if odd < 2 and not digit and (sep in _COMPARED or sep == b","):
        return False
    if sep == b"(" and (odd < 0 and not digit if _SETTER.search(candidate.name) else odd < 12):
        return False
    return b" " not in value or (odd >= 0 and value.count(b" ") <= 3)


def _bare(candidate: Candidate, value: bytes, odd: float, digit: bool) -> bool:
    """Without quotes: a value in a configuration file, a name in code, a word in prose."""
    sep, where = candidate.groups.get("sep", b""), file_kind(candidate.path)
    after = candidate.data[candidate.end : candidate.end + 60]
    if _NEXT_FIELD.match(after) or _TEMPLATE.match(after):
        return False
    behind = sep == b"=" and candidate.data[candidate.start - 1 : candidate.start] == sep
    if value[:1] == b"#" and odd < 6 and not (digit and behind):
        return False  # a comment, but not right behind NAME=
    if value.lower() in _SEE and after[:1] == b" ":
        return False
    if _siblings(candidate.name, value) or (candidate.name == b"passwd" and value in _NAME_SERVICES):
        return False
    if where is CODE:
        return odd >= 8 and not _GOES_ON.match(after) and (sep != b"(" or _QUALIFIED_NAME.fullmatch(value) is None)
    if candidate.name == _SQL_NAME:
        return value[:1] not in (b":", b"?") and (odd >= 4 or digit)  # a parameter of a query
    if sep in (b",", b"("):
        return odd >= 8 and digit
    option = candidate.data[max(0, candidate.start - len(candidate.name) - 3) : candidate.start - len(candidate.name) - 1]
    if odd < 6 and _PROSE.match(after) and not (digit and ((sep == b"=" and candidate.name.isupper()) or option == b" /")):
        return False
    if sep == b":" and candidate.name in (b"PASS", b"Pass") and after[:1] == b" ":
        return False  # the result of a test
    if odd < 12 and value.isalpha() and value.islower() and _in_words(candidate, value, sep, after):
        return False
    return where is not DOC or digit or odd >= 2 or sep != b":"


def _in_words(candidate: Candidate, value: bytes, sep: bytes, after: bytes) -> bool:
    """Whether a word that stands bare is one of a message or of a sentence, not what its name is set to."""
    if sep == b":":
        # the strings of a program: `smbpasswd: found`
        return _SENTENCE.match(after) is not None or b"\0" in candidate.data[max(0, candidate.start - 64) : candidate.end + 24]
    return not sep and _OPTION_TOLD.search(candidate.data, max(0, candidate.start - 64), candidate.start) is not None


_QUALIFIED_NAME = compiled(rb"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")


def _siblings(name: bytes, value: bytes) -> bool:
    """Whether a name and a value are two of one family, as constants and classes are: vtkDepthPass and vtkBlurPass."""
    if not _QUALIFIED_NAME.fullmatch(value):
        return False
    size = 0
    while size < min(len(name), len(value)) and name[size] == value[size]:
        size += 1
    while size and not (name[size - 1 : size] == b"_" or (name[size : size + 1] + value[size : size + 1]).isupper()):
        size -= 1
    return size > 2 and size < len(name) and not _NOUN_INSIDE.search(name[:size])


_SEE = (b"siehe", b"voir", b"consulte", b"wacht", b"vraag", b"fragen", b"demander", b"zie")
"""Where a note says where the password is: Passwort: siehe KeePass."""

# ---------------------------------------------------------------- everything else
_LEAST = {"secret": (6, 6.0), "token": (8, 7.0), "key": (8, 8.0), "weak": (16, 18.0)}
"""Shortest length and least strangeness of a kind."""
# What services put before a number drawn at random, so that it is known at sight: `apikey_`, `live_auth_`, `isat_`.
_BRANDED = compiled(
    rb"(?!(?i:[a-z]{0,8}[_-]?(?:sha[0-9]{0,3}|md5|hash|digest|etag|commit|rev|user|id|uid|uuid|file|im(?:g|age)|blob|tree|obj|node|page))[_.-])"
    rb"(?:[A-Za-z][A-Za-z0-9]{0,11}[_.-]){1,3}(?=[A-Fa-f]{0,20}[0-9])"
    rb"(?P<drawn>[0-9a-f]{24,128}|[0-9A-F]{24,128}|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})"
)


def _random(candidate: Candidate, value: bytes, kind: str) -> bool:
    # letters before hexadecimal digits make all of them look like a draw from the whole alphabet that came out oddly even
    branded = _BRANDED.fullmatch(value) if kind != "weak" else None
    if branded is not None:
        value = branded["drawn"]
    size = len(value)
    shortest, least = _LEAST.get(kind, (8, 7.0))
    if not shortest <= size <= 512 or _SPACE.search(value) or _DATE.match(value) or _ADDRESS.match(value):
        return False
    if kind == "weak" and _BASE58_KEY.fullmatch(value):
        return False  # what a chain's address looks like, and no venue's key
    if kind == "weak" and _PUBLIC_TYPE.search(candidate.data, max(0, candidate.start - 80), candidate.start):
        return False
    if value[:1] == b"&" and candidate.name.lower().endswith(b"mnemonic"):
        return False  # the letter of a button
    if candidate.name.lower() == b"signingkey" and _KEY_ID.fullmatch(value):
        return False  # git's: which key of the keyring
    digit = _DIGIT.search(value) is not None
    if not digit and (kind == "weak" or not value.isascii()):
        return False
    if _UUID.match(value):
        # a client's token that is a UUID keeps a request from being done twice; its secret is one
        name = candidate.name.lower()
        header = name == b"authorization" or _KEY_HEADER.fullmatch(name) is not None
        return (kind != "weak" or header) and (b"client" not in name or b"secret" in name)
    if sum(map(eq, value, value[1:])) > size * 0.3:
        return False
    if not digit and size < 16:
        least += 6
    if _PATH.match(value) or _FILE.search(value):
        least += 20
    more = _surroundings(candidate, value, digit)
    if more is None:
        return False
    return strangeness(value) >= least + more or (kind == "secret" and _thought_up(candidate, value))


_KEY_HEADER = compiled(
    rb"x-(?!(?:[a-z]{1,16}-)?(?:idempotency|request|trace|correlation|cache|partition|routing|session)-)(?:[a-z]{1,16}-){0,2}key"
)
"""Headers that hold whose request it is; with some a client but tells one from the other."""
_HUMAN = compiled(
    rb"(?!(?i:abc|test|demo|user|pass|admin|root|qwert|login|hello|value))[A-Za-z]{4,20}"
    rb"(?:[0-9]{3,6}|[-_.@]?[0-9]{1,4}(?=[!@#%^&*?+]))[!@#%^&*?+]{0,2}"
)
_REST = compiled(rb"[ \t]*(?:\r?\n|\Z)")


def _thought_up(candidate: Candidate, value: bytes) -> bool:
    """Whether it is a word and a number, as people make up passwords, where only a value stands: in quotes, or to a line's end in
    a file of settings."""
    if not _HUMAN.fullmatch(value) or len(value) < 8 or _NOUN_INSIDE.search(value):
        return False
    sep = candidate.groups.get("sep", b"")
    if candidate.groups.get("quote"):
        return sep in (b"=", b":", b"=>", b":=")
    return sep in (b"=", b":") and file_kind(candidate.path) is CONFIG and _REST.match(candidate.data, candidate.end) is not None


# What random values that are no credentials are called.
_NO_SECRET = compiled(
    rb"(?:(?i:integrity|sha-?[0-9]{1,3}|md5|hash|digest|checksum|cursor|node_id|etag|nonce|uuid|guid|fingerprint|commit"
    rb"|revision|version|verification|signature|public_?key|canary|contract|address|content|viewstate|correlation|request"
    rb"|trace|span)|(?<![A-Za-z])(?i:list|index|v|e?id|before|after)|Id)"
    rb"[\"'\\]{0,3}[ \t]{0,4}[:=(,]?[ \t]{0,4}[\"'\\]{0,4}\Z"
)


def _unnamed(candidate: Candidate, value: bytes) -> bool:
    """Nothing names it: much stranger than any word, of both cases and digits, and no text in base64."""
    if not (_DIGIT.search(value) and _BOTH_CASES.search(value)) or _NO_SECRET.search(
        candidate.data[max(0, candidate.start - 48) : candidate.start]
    ):
        return False
    return strangeness(value) >= 45 and not _is_text(value)


_JUDGES = {"password": _password, "passphrase": _passphrase, "unnamed": _unnamed}

# {"type": "tendermint/PubKeyEd25519", "key": ...}
_PUBLIC_TYPE = compiled(rb"(?i)pub(?:lic)?_?key[\w/]{0,16}[\"']?[^{}\n]{0,24}(?:\n[^{}\n]{0,40})?\Z")
_KEY_ID = compiled(rb"(?:0x)?(?:[0-9A-Fa-f]{8}|[0-9A-Fa-f]{16}|[0-9A-Fa-f]{40})!?")
_BASE58_KEY = compiled(rb"[1-9A-HJ-NP-Za-km-z]{43,44}")
_BOTH_CASES = compiled(rb"[a-z].{0,78}[A-Z]|[A-Z].{0,78}[a-z]")
_PRINTED = compiled(rb"[\t\r\n -~]{12}|[\x00-\x09]{4}")


def _is_text(value: bytes) -> bool:
    """Whether it is base64 of text or of a structure."""
    try:
        plain = a2b_base64(value.translate(bytes.maketrans(b"-_", b"+/")) + b"==")
    except ValueError:
        return False
    return _PRINTED.search(plain) is not None


def _surroundings(candidate: Candidate, value: bytes, digit: bool) -> float | None:
    """How much stranger a value has to be where it stands; None where it is code."""
    sep = candidate.groups.get("sep", b"")
    more = 4.0 if sep in _COMPARED or (sep == b"(" and not _SETTER.search(candidate.name)) else 0.0
    if candidate.groups.get("quote") == b"":
        if _TEMPLATE.match(candidate.data, candidate.end):
            return None
        if file_kind(candidate.path) is CODE:
            if _GOES_ON.match(candidate.data, candidate.end) or _QUALIFIED.fullmatch(value):
                return None
            more += 6
        elif not digit:
            more += 4
    return more
