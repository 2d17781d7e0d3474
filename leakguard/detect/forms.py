"""The rarer ways to give a value a name: labels of people's notes in their languages, pairs of name and value, wrapped
values, commands that set a variable.

Stage 1 reports where one of `FORMS` could be (its pattern ends `TAIL` bytes into the value); `named` reads the name off
the text before it. Each has a literal of its own that the first stage can look for. Pure functions; knows no rules.
Imported by assign.py, context.py, reaches.py and redact/tables.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple, cast

from leakguard.detect.labels import LABELS, LAST, LAST_BEYOND
from leakguard.detect.patterns import compiled

TAIL = 5
LONG_TAIL = 16
"""Into a value that only its look tells from the many short words that stand so: in a list, after a letter."""

_OF_API = "(?:[ \\-](?i:api))?"
_QUOTES = "\u300c\u300e\u3010\u201c\u201e\u2018\u00ab\u2039\"'`"
_OPENING = "(?:\u300c|\u300e|\u3010|\u201c|\u201e|\u2018|\u00ab|\u2039)?"
_WORD = r"(?:pass|pwd|secret|token|key|auth|cred|priv|sign|seed|mnemonic|phrase|access|memo)"
_VALUE = r"[^\s\"'`*_|<>{}()\[\]$\\,;:=][^\s\"'`*|<>{}()\[\]$\\,;:=]{4}"
_CALLEES = (
    r"(?:Some\()?(?:String::from|Some|SecretString::(?:new|from)|Secret::new|SecureString|new String|b64decode|base64decode"
    r"|fromHex|unhexlify|fromhex|Buffer\.from|SecretStr|Field|Ok|Box::new|Arc::new|std::string|QString|TEXT|to_owned|Zeroizing::new)"
)

_CLIENT = (
    r"(?:client|auth|credentials?|connect(?:or)?|api|exchange|binance::|newinstance|[ .]private|[ .]account|\.spot|\.new|\.init"
    r"|(?:set|load|use|with)_?(?:api)?_?keys|bit|coin|zaif|kraken|gate|luno|polo|blofin|nicehash|polymarket|phemex|mexc|huobi|okx|gemini|exmo|reserve|markets|bullish"
    r"|hashkey|__construct)"
)
"""What a constructor that takes a key and a secret has in its name; of venues those that have nothing else in it."""
_LITERAL = r"(?:Some\()?[bru]?[\"'`][0-9A-Za-z+/=_:\-]+[\"'`](?:\.(?:into|to_string|to_owned)\(\))?\)?"

_SIGN = r"[\w+/\-]"
_WITH_DIGIT = "|".join(
    [_SIGN * n + "[0-9]" + _SIGN * (4 - n) for n in range(5)]
    + [_SIGN * n + "[a-z][A-Z]" + _SIGN * (3 - n) for n in range(4)]
)
"""The first bytes of a value that is no word: five, with a digit or a change of case among them."""

_LONG = r"[0-9A-Za-z+/=_:\-]{16}"
_LIST_OF = r"(?:\[\]string|array|vec!|&|new [Ss]tring\[\] ?|List\.of|Arrays\.asList)?"
"""What stands before the bracket of a list."""

_IS = "\u306f|\u662f|\u4e3a|\u70ba|(?:\uc740|\ub294|\uc774|\uac00)[ \t]| (?:ist|es|\u00e9|\u00e8|l\u00e0) "
"""Between a name and its value, in a sentence."""

_LABELLED = (
    f"{_OF_API}[ \\t*_`)]{{0,4}}(?::|\uff1a|=|\\|| (?:-|\u2013|\u2014|\u2192) |[ \\t]|\\r?\\n|{_IS})"
    f"(?:\\\\n|\\r?\\n<\\w{{1,15}}>)?[ \\t\\r\\n*_`\"'>]{{0,6}}{_OPENING}{_VALUE}"
)


def _by_letter(words: Iterable[str]) -> str:
    """A pattern of these words, in their order for each first letter. `re` tries all of them at each place, and of those
    that begin with the letter there is mostly none: a tenth of the time."""
    ends: dict[str, list[str]] = {}
    for word in words:
        ends.setdefault(word[0], []).append(re.escape(word[1:]))
    groups = [f"{re.escape(letter)}(?:{'|'.join(rest)})" for letter, rest in ends.items()]
    return f"(?=[{''.join(map(re.escape, ends))}])({'|'.join(groups)})"


_LABEL = compiled(
    f"(?i){_by_letter(word for word, _ in LABELS)}"
    f"{_OF_API}[ \t*_`)]{{0,4}}(?:(?P<sep>:|\uff1a|=|\\|| (?:-|\u2013|\u2014|\u2192) )|(?P<said>{_IS})|[ \t]|\r?\n)"
    f"(?:\\\\n|\\r?\\n<\\w{{1,15}}>)?[ \t\r\n*_`\"'>]{{0,6}}{_OPENING}\\Z"
)
_LONGEST_LABEL = max(len(word) for word, _ in LABELS) + 44
"""Characters, with all that may stand between it and the value: what _LABEL matches is no longer."""
_ENGLISH = dict(LABELS)
_WHOSE = compiled(
    "(?i)(?<![A-Za-z0-9_.])(?:(?P<part>(?:(?:api|secret|access|private|client)[ _\\-]?)?(?:key|secret|pass ?phrase|password)|"
    "api(?= [a-z]))|"
    f"(?P<label>{_by_letter(word for word, _ in LABELS)}))"
    "\\*{0,2}(?: (?:of|for|on|from|de|da|do|del|di|von|f\u00fcr|pour|bei|\u043e\u0442|\u0434\u043b\u044f))?"
    "(?: (?P<who>[A-Za-z][\\w.\\-]{1,24}(?: [A-Za-z][\\w.]{1,16})?)| ?\\([^()\\[\\]\\n]{1,30}\\))\\*{0,2}"
    "(?:(?: ?:\\*{0,2}| [=\\-]| ->| \u2192)[ \\t]|\uff1a)[ \\t]{0,3}[`\"']?\\Z"
)
_DECORATED = compiled(
    rb"(?i)((?:(?<!\w)[a-z]\w{0,60}_)?(?:(?:api|secret|access|private|client|trading)[ _\-]?)?"
    rb"(?:key|secret|pass ?phrase|token|password|memo))"
    rb"\)?(?:\*\*:?|__:?|`:?|[ ]{0,24}\||[ ]&[ ]|:?&nbsp;|[ ](?:-|\xe2\x80[\x93\x94]|\xe2\x86\x92|\xe2\x87\x92"
    rb"|\xe2\x9e\x9c|\xe2\x9e\xa1(?:\xef\xb8\x8f)?|->|=>|>>>)[ ]|\xef\xbc\x9a|\xe6\x98\xaf|\xe3\x81\xaf|\xe4\xb8\xba"
    rb"|(?:\xec\x9d\x80|\xeb\x8a\x94)[ ])"
    rb"[ \t]{0,3}:?[ \t]{0,3}(?:\\\w{2,8}[{|]|<\w{1,8}>|\xe3\x80\x8c|\xe2\x80\x9c)?[`*\"']{0,3}\Z"
)
_SPOKEN = compiled(rb"(?i)((?:api|access|secret|private)[ _\-](?:key|secret))[ \t]{1,16}(?:to )?`?\Z")
_PAIRED = compiled(
    rb"((?:(?<=[\"'])(?i:api|secret|access|private|public|client|wallet) )?[A-Za-z_][\w./\-]{1,79})[\"']?"
    rb"(?:(?:,|[ \t]?[:=][ \t]?\{)?\s{1,40}|[:=][ \t]?\{)[\"']?(?i:value|computed)[\"']?"
    rb"[ \t]{0,3}[:=][ \t]{0,3}(?P<quote>[\"']?)\Z"
)
_COMMAND = compiled(
    rb"(?:(?i:setx|setenv)|fastcgi_param|set -\w{1,3}|ENV|#define|set-env [\w\-]{1,60})[ \t]{1,8}(\w{2,80})[ \t]{1,12}@?(?P<quote>[\"']?)\Z"
)
_WRAPPED = compiled(
    rb"([A-Za-z_][\w.\-]{1,79})[\"'\])]{0,3}[ \t]{0,3}(?::[ \t]?[\w.\[\]| ]{2,40}=|:|=|=>|:=|,)[ \t]{0,3}(?:new |Some\()?[\w:.]{2,40}"
    rb"\((?:[ \t]?|default=)[bru]?"
    rb"(?P<quote>[\"'])\Z"
)
_TYPED = compiled(rb"([A-Za-z_]\w{1,79}) (?:string|String|\[\]byte|NSString \*|As String) ?:?= ?(?P<quote>[\"'`])\Z")
_ABOVE = compiled(
    rb"(?i)(?:\A|\n)[ \t>#\d.)*\-]{0,8}[_`]{0,3}(?:[^\x00-\x7f]{1,40} ?\()?"
    rb"((?:[a-z][\w.]{1,20}[ _\-]){0,3}(?:key|secret|pass ?phrase|memo)(?: id)?)"
    rb"\)?[*_`]{0,3}:?[*_`]{0,3}[ \t]{0,8}\r?\n[ \t\r\n>*`\-]{0,12}\Z"
)
# What an assignment ends in is no label, and a field of a configuration says nothing: x = secret_key, and below it nonce_key: v
_SAID = compiled(
    rb"(?i)(?<![.$(=])(?<!= )\b((?:(?:api|secret|access|private)[ _\-])?(?:key|secret|pass ?phrase))(?: is| was)?:?[ \t]{0,4}\r?\n"
    rb"(?:<?(?!\w{0,12}(?:key|hash|token|nonce|uuid|etag|secret|signature|_id): )[a-z]\w{0,15}(?:: |> ))?\Z"
)
_CHATTED = compiled(
    rb"(?i)(?:\A|[\s,;:(|/>\"\-]|\\n)(?:api[ _\-])?(key|secret|pass(?:phrase|word)?)"
    rb"(?: (?:de|da|do|del|for|of|f\xc3\xbcr|von) [\w.\-]{2,20})?(?: is:?| was:?|'s| es| ist| \xc3\xa9| \xc3\xa8| est)?"
    rb"[ \t]{1,16}(?P<quote>[`\"']?)\Z"
)
_GLUED = compiled(rb"(?i)(?<![\w.$@\-])(api_?key|api_?secret|secretkey)(?: is)?[ ]{1,4}(?P<quote>)\Z")
_CALLED = compiled(
    f"(?i){_CLIENT}\\w{{0,16}}(?: ?= ?)?[({{]\\s{{0,40}}(?P<before>(?:{_LITERAL},\\s{{0,40}}){{0,2}})(?:Some\\()?[bru]?"
    "(?P<quote>[\"'`])\\Z".encode()
)
_TUPLE = compiled(
    f"[\"'] ?: ?\\(\\s{{0,40}}(?P<before>(?:{_LITERAL},\\s{{0,40}}){{0,2}})[bru]?(?P<quote>[\"'])\\Z".encode()
)
_STORED = compiled(
    rb"(?:--name[ =]|secrets? (?:set|create|put) |create-secret )[\"']?([\w/.][\w/.\-]{2,119})[\"']?(?: |\\\r?\n)"
    rb"(?:[^\n]|\\\r?\n){0,80}?(?:--value|--secret-string|--body|-b)[ =]?(?P<quote>[\"']?)\Z"
)
_TAGGED = compiled(
    rb"(?i)(?:^|[>\s])((?:[a-z][\w.\-]{1,40}[ _\-]){0,3}[\w.\-]{0,40}(?:key|secret|pass ?phrase|token|password|memo)(?: id)?)[ ]?</\w{1,8}>"
    rb"\s{0,40}<\w{1,8}[^<>\n]{0,40}>\s{0,8}(?:<\w{1,8}>)?\Z"
)
_COLONS = compiled(
    rb"(?i)((?:(?:api|secret|access|private|client|trading)[ _\-])?(?:key|secret|pass ?phrase|token|password|memo))"
    rb"(?:[ \t]?::[ \t]{1,4}|:\*{1,2}[ \t]{0,4})(?P<quote>[`\"']?)\Z"
)
_UNPACKED = compiled(
    rb"(?:\A|\n)[ \t]{0,24}(?:const |let |var |local |val )?[\[(]?(?P<names>[\w.]{1,40}(?:, ?[\w.]{1,40}){1,4})[\])]? ?:?= ?[\[(]?"
    rb"(?P<before>(?:[bru]?[\"'][^\s\"'\\]+[\"'], ?){1,4})[bru]?(?P<quote>[\"'])\Z"
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
_LISTED = compiled(
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
_SLASHED = compiled(rb"(?:\A|[\s:`])([0-9A-Za-z+/=_\-]{16,512}) / \Z")
_THIRD_SLASHED = compiled(rb"[0-9A-Za-z+/=_\-]{16,512} / (?=[^\s]{0,40}[0-9!@#$%&*_\-])([^\s\"'/]{6,64})(?=\s|\Z)")
_RULED = compiled(rb"(?i)\|[ \t`*]{0,4}([\w .\-]{0,40}(?:key|secret|phrase|token|password)\w{0,8})[ \t`*]{0,4}(?=\|)")
_POINTED = compiled(rb"\xe2\x94\x94 (?P<quote>')\Z")
_NEXT_PASS = compiled(rb"[0-9A-Za-z+/=_\-]{16}\r?\n[ \t]{0,8}((?i:pass(?:phrase|word)?))[ \t]{1,16}(?:- )?\Z")
_TRANSLATED = compiled(rb"name=\"([\w.\-]{2,80})\" translatable=\"false\">\Z")
_SECURE = compiled(
    rb"(?:(?i:name)\"?[ \t]{0,12}[:=][ \t]{0,4}|\w\()\"([\w/.\-]{3,120})\"(?:, ?\{)?[^{}]{0,200}SecureString\"?,?\s{0,40}"
    rb"\"?(?i:value)\"?[ \t]{0,12}[:=][ \t]{0,4}(?P<quote>\")\Z"
)
_WHO = rb"(?:[ \t]{0,4}|(?:\[[^\]\n]{4,24}\] |[0-9./,\- ]{8,14}[0-9:]{4,8}(?: [AaPp][Mm])? ?- )?<?[A-Za-z][\w .]{0,24}[:>] )"
"""What may stand before a line of a chat."""
_BARE = compiled(rb"(?i)(?:\A|\n)[^\n]{0,90}(?:apis?|keys|creds|credentials|account):?\r?\n(?:\r?\n)?" + _WHO + rb"\Z")
_BRIEF = compiled(rb"(?:[\"'](?:k|public|api)[\"'](?:: ?|\] ?= ?)|[ \t\n]k ?= ?)(?P<quote>[\"'])\Z")
_ARGUMENT = compiled(rb"[\"']-{1,2}([A-Za-z][\w\-]{1,79})[\"'](?:,[^,()\n]{1,48}){0,4},\s{0,40}default=(?P<quote>[\"'])\Z")
_TAKEN = compiled(rb"(?i)(?<![A-Za-z])(sec)[\"']? ?[:=] ?(?:\(\s{0,20})?(?P<quote>[\"'])\Z")
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
_CELLED = compiled(rb"(?i)(?:\A|\n)[\"']?([\w .\-]{0,40}(?:key|secret|phrase|password))[\"']?[;\t](?P<quote>[\"']?)\Z")
_ENTITY = compiled(
    rb"(?i)((?:(?:api|secret|access|private|client|trading)[ _\-])?(?:key|secret|pass ?phrase|password))(?: is| was| es| ist)?"
    rb"[: ]{0,3}\",\s{0,40}\{\s{0,40}\"type\": ?\"\w{3,4}\",\s{0,40}\"text\": ?(?P<quote>\")\Z"
)
_MARKED = compiled(
    rb"(?i)((?:(?:api|secret|access|private|client|trading)[ _\-])?(?:key|secret|pass ?phrase|password)):?(?:</\w{1,8}>)?:?"
    rb"[ \t]{0,3}<(?:code|b|strong|kbd|pre|tt|em|i)>\Z"
)
_HEADED = compiled(rb"(?<=\")([^\s\"\\]{8,512})\", forHTTPHeaderField: ?\"\Z")
_SENT = compiled(
    rb"(?:(?<=[\"'])|(?<=[ \t]))([^\s\"'\\|$`]{8,512})[\"']? ?\| ?(?:\w{2,8} ){1,3}"
    rb"(?:create|versions add|put|set|add|insert(?: -\w{1,2}){0,2}) [\"']?\Z"
)
_SEQUENCE = compiled(
    rb"(?:\A|\n)[ \t]{0,40}(?:- )?(?:[\"']?[A-Za-z][\w.\- ]{1,40}[\"']?: ?\[|[\"'][A-Za-z][\w.\- ]{1,40}[\"']:[ ]{1,2}\{)"
    rb"[ \t]{0,4}(?P<quote>[\"']?)\Z"
)
_UNWRAPPED = compiled(rb"\([\"'](\w{3,80})[\"']\)\)?(?:\s{0,20}\.unwrap_or(?:_else\(\|\w?\| ?|\()| \?: )(?P<quote>[\"'])\Z")
_IN_FLASH = compiled(rb"([A-Za-z_]\w{1,79})(?:\[\w{0,8}\])? PROGMEM ?= ?(?P<quote>\")\Z")
_PUT = compiled(rb"(?i)\bset ([\w:]{1,40}(?:\(\w{3,16}\))?)(?: to)? (?P<quote>[\"{])\Z")
_BUILT = compiled(rb"constructor-arg value=(?P<quote>\")\Z")
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
_TITLED = compiled(
    rb"(?:\A|[\r\n>\"'(*#]|\\n|: ) {0,3}[A-Z][\w.]{1,20}(?: [\w.]{1,16}){0,2}:(?P<quote>)"
    rb"(?:[ \t]{0,2}\r?\n(?:> ?){0,5}|\\n|<br/?>\n?)\Z"
)
_RETURNED = compiled(rb"\breturn (?P<quote>[\"'])\Z")
_TOLD = compiled(rb"`([A-Za-z_][\w.\-]{1,79})` (?:to|is|as) (?P<quote>`)\Z")
_OPTIONS = compiled(rb" -k (?P<quote>[\"']?)\Z")
_MANIFEST = compiled(rb"android:name=\"([\w.\-]{2,120})\"\s{1,40}android:value=(?P<quote>\")\Z")
_INSERTED = compiled(rb"(?i)(?<!\w)\w{0,60}(?:key|secret|phrase|pass|pwd|token|mnemonic|seed|cred|auth|priv)\w{0,40}")
_TERSE = compiled(
    rb"(?i)(?:\A|[\s>,;/|])(?:(sec|scrt|priv)(?: is)?(?::| ?=|[ ]-)?|(api)(?::| is:?|[ ]=|[ ]-)) {1,3}(?P<quote>[`\"']?)\Z"
)
_PAGE_HEAD = compiled(
    rb"(?i)<th(?:[ ][^<>\n]{1,120})?>\s{0,20}(?:<\w{1,8}>)?"
    rb"((?:[a-z][\w.\-/]{0,24}[ _\-]){0,3}[\w.\-]{0,24}(?:key|secret|phrase|password))\Z"
)
_BESIDE_SECRET = compiled(rb"(?<![A-Za-z])(?:API|api|Api) ?[:=] ?(?P<quote>[\"'])\Z")
_EXPORTED_HEAD = compiled(rb"[\"']?\w[\w .\-/()]{0,40}[\"']?(?:[,;\t][\"']?[\w .\-/()]{0,40}[\"']?){1,40}")
_TABBED = compiled(
    rb"(?i)(?:\A|[\n\t,;])[\"']?([\w .\-]{0,40}(?:key|secret|phrase|password))(?:[\"']?\t|\"[,;])[\"']?\Z"
)
_THIRD = compiled(
    rb"[\[({](?:[\"'][A-Za-z][\w.\- ]{1,16}[\"'],\s{0,12}){1,2}(?:[\"'][\w\-]{8,10}[\"'],\s{0,12})?[bru]?(?P<quote>[\"'])\Z"
)
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
_AUTHED = compiled(rb"\"auth\w{0,12}\"[^\n\[\]]{0,60}\"args\": ?\[(?P<quote>\")\Z")
_MAPPED = compiled(
    rb"(?:-> ?[\"'](?P<key>[0-9A-Za-z+/=_:\-]{8,256})|[\"']([A-Za-z_][\w.\-]{1,79}))[\"'] to (?P<quote>[\"'])\Z"
)
_CODE_NAME = compiled(rb"(codeName)\\{0,3}\" ?: ?(?P<quote>\\{0,3}\")\Z")
_ABRIDGED = compiled(rb"(?i)([a-z][\w.\-]{0,76}_sec)[\"']? ?[:=] ?(?P<quote>[\"']?)\Z")
_ROW = compiled(
    rb"(?:(?:[\"'\w)](?: ?[:=]>?|,| to) ?[\w:]{0,24}|(?<![A-Za-z])[A-Z][A-Z_]{2,20})[\[({]{1,2}\s{0,40}"
    rb"|::\w{3,20}\(\s{0,40}(?:Some\()?|\", ?\{ ?|\w>\()[bru]?(?P<quote>[\"'])\Z"
)
_ANCHORED = compiled(rb"([A-Za-z_][\w.\-]{0,79})[\"']?: {1,4}&[\w\-]{1,40} (?P<quote>[\"']?)\Z")
_SPOILED = compiled(
    rb"(?i)((?:(?:api|secret|access|private)[ _\-]?)?(?:key|secret|pass ?phrase|password)):\*{0,2} ?\|\|(?P<quote>)\Z"
)
_TABLE: tuple[tuple[re.Pattern[bytes] | re.Pattern[str] | None, str], ...] = (
    # API ключ: value
    (None, f"(?:{LAST}){_LABELLED}"),
    # **API Key**: value, | API Key | value |, API Key - `value`, API Key -> value
    (_DECORATED,
     r"(?i)(?:key|secret|phrase|token|password|memo)\)?(?:\*\*:?|__:?|`:?| {0,24}\|| & |:?&nbsp;| (?:-|"
     "\u2013|\u2014|\u2192|\u21d2|\u279c|\u27a1\ufe0f?" r"|->|=>|>>>) |" "\uff1a|\u662f|\u306f|\u4e3a|\uc740 |\ub294 )"
     r"[ \t]{0,3}:?[ \t]{0,3}(?:\\\w{2,8}[{|]|<\w{1,8}>|" "\u300c|\u201c" r")?[`*\"']{0,3}" + _VALUE),
    # api key value
    (_SPOKEN, r"(?i)(?:api|access|secret|private)[ _\-](?:key|secret)[ \t]{1,16}(?:to )?[`]?[0-9A-Za-z+/=_\-]{5}"),
    # "key": "NAME", "value": "v"; - name: NAME, value: v on the next line; key="NAME" value="v"; "NAME": { "value": "v",
    # NAME = { value = "v"
    (_PAIRED,
     r"(?i)" + _WORD + r"[\w.\-]{0,20}[\"']?(?:(?:,|[ \t]?[:=][ \t]?\{)?\s{1,40}|[:=][ \t]?\{)"
     r"[\"']?(?:value|computed)[\"']?[ \t]{0,3}[:=][ \t]{0,3}[\"']?" + _VALUE),
    # setx NAME "v", ENV NAME v, set -gx NAME v, SetEnv NAME v, cf set-env APP NAME v
    (_COMMAND,
     r"(?:(?i:setx|setenv)|fastcgi_param|set -\w{1,3}|ENV|#define|set-env [\w\-]{1,60})[ \t]{1,8}"
     r"\w{0,60}(?i:" + _WORD + r")\w{0,20}[ \t]{1,12}@?[\"']?" + _VALUE),
    # name: String::from("v")
    (_WRAPPED, r"[:=,(][ \t]{0,3}" + _CALLEES + r"\((?:[ \t]?|default=)[bru]?[\"']" + _VALUE),
    # name string = "v"
    (_TYPED, r"\w (?:string|String|\[\]byte|NSString \*|As String) ?:?= ?[\"'`]" + _VALUE),
    # API Key, and the value on the next line; in a chat after who says it
    (_ABOVE,
     r"(?i)(?:key|secret|phrase|memo)(?: id| is| was)?\)?[*_`]{0,3}:?[*_`]{0,3}[ \t]{0,8}\r?\n[ \t\r\n>*`\-]{0,12}"
     r"(?:<?[A-Za-z]\w{0,15}(?:: |> ))?[0-9A-Za-z+/=_\-]{5}"),
    # key v secret v, in a chat
    (_CHATTED,
     r"(?:^|[\s,;:(|/>\"\-]|\\n)(?i:key|secret|passphrase|password|pass)(?: is:?| was:?|'s| es| ist)?[ \t]{1,16}[`\"']?(?:"
     + _WITH_DIGIT + ")"),
    # apikey v, apisecret v
    (_GLUED, r"(?i:apikey|api_key|apisecret|api_secret|secretkey)(?: is)?[ ]{1,4}" + _LONG),
    # NewClient("key", "secret", "passphrase")
    (_CALLED,
     r"(?i)" + _CLIENT + r"\w{0,16}(?: ?= ?)?[({]\s{0,40}(?:" + _LITERAL + r",\s{0,40}){0,2}(?:Some\()?[bru]?[\"'`][^\s\"'`\\,(){}<>]{5}"),
    # "venue": ["key", "secret"], "venue" => ["key", "secret"], "venue" to Pair("key", "secret"); `following` reads the others.
    # Each has a literal, and the first nothing that repeats: one pattern for all of them was a third of stage 1
    (_ROW, r"[\"']: ?[\[(][\"']" + _LONG),
    (_ROW, r"[\"'] => ?[\w:]*[\[({]{1,2}\s*[\"']" + _LONG),
    (_ROW, r"[\"'] to [\w:]*[\[({]\s*[\"']" + _LONG),
    (_TUPLE, r"[\"'] ?: ?\(\s{0,40}(?:" + _LITERAL + r",\s{0,40}){1,2}[bru]?[\"'][^\s\"'`\\,(){}<>]{5}"),
    # <td>API key</td><td>v</td>, <key>NAME</key> <string>v</string>
    (_TAGGED,
     r"(?i)(?:key|secret|phrase|token|password|memo)(?: id)? ?</\w{1,8}>\s{0,40}<\w{1,8}[^<>\n]{0,40}>\s{0,8}(?:<\w{1,8}>)?" + _VALUE),
    # API key:: v, **API key:** v
    (_COLONS, r"(?i)(?:key|secret|phrase|token|password|memo)(?:[ \t]?::[ \t]{1,4}|:\*{1,2}[ \t]{0,4})[`\"']?" + _VALUE),
    # api_key, api_secret = "v", "w"
    (_UNPACKED,
     r"(?i:key|secret|phrase|password|memo|token)[\])]? ?:?= ?[\[(]?[bru]?[\"'][^\s\"'\\]+[\"'], ?"
     r"(?:[bru]?[\"'][^\s\"'\\]+[\"'], ?)?[bru]?[\"']" + _VALUE),
    # :api-key "v", HSET venue api_key "v"
    (_SPACED, r"(?i)(?:key|secret|phrase|password|memo)[ \t]{1,4}[\"'](?:" + _WITH_DIGIT + ")"),
    # ${API_KEY}    v
    (_BRACED, r"\$\{\w{0,60}(?i:" + _WORD + r")\w{0,20}\}[ \t]{1,12}(?:=[ \t]{0,4})?" + _VALUE),
    # ["apiKey"]=> string(64) "v"
    (_DUMPED, r"\bstring\([0-9]{1,4}\) \"" + _VALUE),
    # variable "NAME" { default = "v" }
    (_VARIABLE, r"\bdefault[ \t]{1,12}=[ \t]{1,4}\"[^\s\"'`$\\<>{}()]{5}"),
    # gh secret set NAME --body "v", aws ssm put-parameter --name /venue/key --value "v"
    (_STORED, r"(?:--value|--secret-string|--body|[ ]-b)[ =]?[\"']?[0-9A-Za-z+/=_\-]{5}"),
    # hmac.new(b"v", createHmac("sha256", "v"), hmac.New(sha256.New, []byte("v")), hash_hmac("sha256", $text, "v")
    (_HASHED, r"(?i:hmac)[\w.:]{0,24}\([^\n\"';]{0,40}(?:[\"'][\w\-]{1,16}[\"'][^\n\"';]{0,60})?[bru]?[\"'][0-9A-Za-z+/=_\-]{5}"),
    # std::string KEY{"v"}
    (_BRACED_VALUE, r"(?i)(?:key|secret|phrase|token|password|memo)\{[\"]" + _VALUE),
    # X-API-KEY:, and the value in a list of one on the next line
    (_LISTED, r"(?i)(?:key|secret|phrase|token)s?[\"']?:[ \t]?\r?\n[ \t]{0,40}- [\"']?" + _VALUE),
    # {api_key, <<"v">>}, api_key = Some "v"
    (_NO_TEXT, r"(?i)" + _WORD + r"\w{0,20}[\"']?[ \t]{0,3}(?:,|=>?|:)[ \t]{0,3}(?:<<|(?:some|just) )\"" + _VALUE),
    # <Setting Name="ApiKey" ...> <Value Profile="(Default)">v</Value>
    (_SETTING, r"(?i)<value(?: [^<>\n]{1,40})?>" + _VALUE),
    # UPDATE settings SET value='v' WHERE name='api_key'
    (_UPDATED, r"(?i)\bset[ \t]{1,8}\w{0,12}value\w{0,8}[`\"]? ?= ?'" + _VALUE),
    # api_key VARCHAR(128) DEFAULT 'v'
    (_DEFAULT, r"(?i)\bdefault[ \t]{1,4}'" + _VALUE),
    # 1) "api_key" and on the next line 2) "v"
    (_NUMBERED, r"(?i)" + _WORD + r"\w{0,20}\"\r?\n[ \t]{0,8}[0-9]{1,4}\) \"" + _VALUE),
    # a traceback that points at its arguments: └ 'v'
    (_POINTED, "\u2514 '" + _VALUE),
    # a key or a secret, and on the next line: pass v
    (_NEXT_PASS, r"[0-9A-Za-z+/=_\-]{16}\r?\n[ \t]{0,8}(?i:pass|passphrase|password)[ \t]{1,16}(?:- )?" + _VALUE),
    # Key string `env:"API_KEY" envDefault:"v"`
    (_TAGGED_DEFAULT, r"(?i)" + _WORD + r"\w{0,20}\" \w{0,12}default:\"" + _VALUE),
    # VENUE("key", "secret"), of an enumeration
    (_ROW, r"[A-Z]\(\"" + _LONG),
    (_ROW, r"[A-Z]\('" + _LONG),
    # Content-Disposition: form-data; name="api_key", an empty line, v
    (_PARTED, r"(?i)" + _WORD + r"\w{0,20}\"\r?\n\r?\n" + _VALUE),
    # venue key / secret
    (_SLASHED, r"[0-9A-Za-z+/=_\-]{16} / [0-9A-Za-z+/=_\-]{5}"),
    # | Venue | API key | API secret | and below it |---|---|---|
    (_RULED, r"\|[ \t]*\r?\n[ \t]*[|+]?[ \t:]*--"),
    # creds: ["key", "secret"]
    # API_KEYS: string[] = ["v", "w"], tokens := []string{"v"}
    (_ROW,
     r"(?i)(?:cred|key|auth|api|account|token|secret)\w*[\"']?(?:: ?[\w\[\]<>]+)? ?(?:=>|:=|[:=]) ?" + _LIST_OF
     + r"[\[({]\s*[\"']" + _LONG),
    # Venue::new(Some("key".into()), Some("secret".into())): a literal of its own, where `_CLIENT` with it was dear
    (_ROW, r"::(?:new|from_\w{1,12}|with_\w{1,16})\(\s{0,40}(?:Some\()?\"" + _LONG),
    # {"venue", {"key", "secret"}}; std::make_unique<VenueClient>("key", "secret")
    (_ROW, r"[\"'], ?[{\[] ?[\"']" + _LONG),
    (_ROW, r">\(\"" + _LONG),
    (None, f"(?:{LAST_BEYOND}){_LABELLED}"),
    # venue=("key", "secret"), venue = ["key", "secret"]: a literal each
    (_ROW, r"\w=[\[(][\"']" + _LONG),
    (_ROW, r"[\w)] = [\[({][\"']" + _LONG),
    # <string name="NAME" translatable="false">v</string>
    (_TRANSLATED, r"translatable=\"false\">" + _VALUE),
    # name = "/venue/api_key", type = "SecureString", value = "v", each on its line
    (_SECURE, r"SecureString\"?,?\s{0,40}\"?(?i:value)\"?[ \t]{0,12}[:=][ \t]{0,4}\"" + _VALUE),
    # Venue api, and on the next lines the key and the secret with no word before them
    (_BARE,
     r"(?i:api|apis|keys|creds|credentials|account)(?:\n|:\n|\r\n|:\r\n|\n\n|:\n\n|\r\n\r\n|:\r\n\r\n)(?:[ \t]{0,4}|[^\n]{2,44}[:>] )"
     + _LONG),
    # "k": "key", "s": "secret"; k = "key" and below it s = "secret"; "public": "key", "secret": "v"
    (_BRIEF, r"[\"'](?:k|public)[\"']: ?[\"']" + _LONG),
    (_BRIEF, r"[\"']api[\"'](?:: ?|\] ?= ?)[\"']" + _LONG),
    (_BRIEF, r"[ \t\n]k ?= ?[\"']" + _LONG),
    # key v secret v, and :api-key "v", whose first bytes need not tell it from a word
    (_CHATTED,
     r"(?:^|[\s,;:(|/>\"\-]|\\n)(?i:key|secret)(?: (?:de|da|do|del|for|of|von|f" "\u00fc" r"r) [\w.\-]{2,20})?"
     r"(?: is:?| was:?|'s| es| ist|" " \u00e9| \u00e8" r"| est)?[ \t]{1,16}[`\"']?" + _LONG),
    (_SPACED, r"(?i)(?:key|secret|key-id)[ \t]{1,4}[\"']" + _LONG),
    # add_argument("--venue-api-key", type=str, default="v")
    (_ARGUMENT, r"default=[\"']" + _LONG),
    # "apiKey" to "v"
    (_MAPPED, r"[\"'] to [\"']" + _LONG),
    # \"codeName\": \"v\": what Superalgos calls an API key
    (_CODE_NAME, r"codeName\\{0,3}\" ?: ?\\{0,3}\"" + _LONG),
    # VENUE_SEC=v; sec = 'v'
    (_ABRIDGED, r"(?i)_sec[\"']? ?[:=] ?[\"']?" + _LONG),
    (_TAKEN, r"[\s{,](?:sec|SEC) ?[:=] ?(?:\(\s{0,20})?[\"']" + _LONG),
    # VENUE_AK=v, VENUE_SK=w; AK = "v", SK = "w"
    (_INITIALS, r"_(?:AK|SK|ak|sk)[\"']? ?[:=] ?[\"']?" + _LONG),
    (_INITIALS, r"[\s{,\"'](?:AK|SK|ak|sk)[\"']? ?[:=] ?[\"']?" + _LONG),
    # AK_VENUE=v, venueSk = "v"
    (_SURNAMED, r"[\s{,\"'](?:AK|SK|ak|sk)_\w{1,24}[\"'\\]{0,4} ?[:=] ?[\"'\\]{0,4}" + _LONG),
    (_SURNAMED, r"[a-z](?:Ak|Sk)(?:(?:: string)? = |: |=)[\"']" + _LONG),
    # <input name="apiKey" type="text" value="v">
    (_FORM_FIELD, r"type=[\"'](?:text|password|hidden)[\"'] value=[\"']" + _VALUE),
    # std::string NAME{"v"}, of any name
    (_BRACED_VALUE, r"std::string \w{2,60}\{\"" + _VALUE),
    # <key>NAME</key> <string>v</string>, of any name
    (_PLISTED, r"</key>\s{0,40}<string>" + _VALUE),
    # NAME_KEY_MAIN    v, of a list of the environment, or of what a store of secrets holds
    (_LISTED_ENV, r"(?:KEY|SECRET|TOKEN|_key|_secret|_token)\w{0,24}[ \t]{2,60}" + _LONG),
    # Name: and below it Type: String, and Default: v: CloudFormation's
    (_CLOUD_FORMED, r"Type: [\"']?String[\"']?\r?\n(?:[ \t]{1,16}NoEcho: \w{4,5}\r?\n)?[ \t]{1,16}Default: [\"']?" + _VALUE),
    # "api_key";"v": a row with its name before it
    (_CELLED, r"(?i)(?:key|secret|phrase|password)[\"']?[;\t][\"']?" + _LONG),
    # "api key ", {"type": "code", "text": "v"}: a chat of Telegram's, as it is exported
    (_ENTITY,
     r"(?:key|secret|phrase|password|Key|Secret|Phrase|Password)(?: is| was| es| ist)?[: ]{0,3}\",\s{0,40}"
     r"\{\s{0,40}\"type\": ?\"\w{3,4}\",\s{0,40}\"text\": ?\"" + _VALUE),
    # Secret key: <code>v</code>
    (_MARKED,
     r"(?i)(?:key|secret|phrase|password):?(?:</\w{1,8}>)?:?[ \t]{0,3}<(?:code|b|strong|kbd|pre|tt|em|i)>"
     + _VALUE),
    # req.setValue("v", forHTTPHeaderField: "X-API-KEY")
    (_HEADED, r"\", forHTTPHeaderField: ?\"[\w\-]{5}"),
    # Account<tab>ApiKey<tab>ApiSecret, "Venue","Key","Secret": the head of a table
    (_TABBED, r"(?i)(?:key|secret|phrase|password)(?:[\"']?\t|\"[,;])[\"']?[a-z][a-z _]{4}"),
    # connect("venue", "key", "secret"), ("main", "key", "secret")
    (_THIRD, r"[(\[{](?:[\"'][A-Za-z][\w.\- ]{1,16}[\"'], ?){1,2}(?:[\"'][\w\-]{8,10}[\"'], ?)?[\"']" + _LONG),
    (_THIRD, r"\([\"'][a-z]{2,16}[\"'],\n {0,8}[\"']" + _LONG),
    # {"op": "auth", "args": ["key", 1662350400000, "signature"]}
    (_AUTHED, r"\"args\": ?\[\"" + _LONG),
    # venue: [key, secret] of YAML; "venue": {"key", "secret"} of Go
    (_SEQUENCE, r"\w: ?\[[\"']?" + _LONG),
    (_SEQUENCE, r"\": {1,2}\{\"" + _LONG),
    # env::var("NAME").unwrap_or_else(|_| "v".into()), getenv("NAME") ?: "v"
    (_UNWRAPPED, r"unwrap_or(?:_else\(\|\w?\| ?|\()\"" + _VALUE),
    (_UNWRAPPED, r"\) \?: [\"']" + _VALUE),
    # const char* NAME PROGMEM = "v"
    (_IN_FLASH, r"PROGMEM ?= ?\"" + _VALUE),
    # set venue(key) "v"; set venueApiKey to "v"
    (_PUT, r"(?i)\bset [\w:]{1,40}(?:\((?:api_?)?(?:key|secret|pass\w{0,6})\)|(?:key|secret|phrase|password) to) [\"{]" + _VALUE),
    # <constructor-arg value="key"/> and below it <constructor-arg value="secret"/>
    (_BUILT, r"constructor-arg value=\"[0-9A-Za-z+/=_:\-]{5}"),
    # "ParameterKey": "NAME", "ParameterValue": "v"
    (_PARAMETER, r"ParameterValue\"?[:=] ?\"?" + _VALUE),
    # "NAME": {"S": "v"}, "NAME": {"stringValue": "v"}
    (_TYPE_OF, r"\{\s{0,20}\"(?:S|stringValue)\" ?: ?\"" + _VALUE),
    # "key": "path/NAME", "flags": 0, "value": "v": an export of Consul's
    (_FLAGGED, r"(?i)\"flags\": ?[0-9]{1,9},\s{0,40}\"value\": ?\"" + _VALUE),
    # "NAME" "v": what a monitor of Redis shows of a command
    (_WATCHED, r"(?i)(?:key|secret|phrase|password)\" \"" + _VALUE),
    # NAME { 'v' } of a factory
    (_MADE, r"(?i)(?:key|secret|phrase|password) \{ ?[\"']" + _VALUE),
    # NAME = [[v]], NAME = r#"v"#: quotes of Lua and Rust
    (_LONG_QUOTED, r"= ?\[\[" + _LONG),
    (_LONG_QUOTED, r"r#\"" + _LONG),
    # *API key:* {{v}}, | API key | {{v}} |: Jira's
    (_BRACED_TWICE, r"(?i)(?:key|secret|phrase|password)(?::\*|\*:|:|\*? ?\|) ?\{\{" + _VALUE),
    # \newcommand{\venuekey}{v}
    (_TYPESET, r"(?i)\\(?:newcommand|def)\*?\{?\\\w{0,40}(?:key|secret|phrase|password)\}?\{" + _VALUE),
    # $Name = ConvertTo-SecureString "v"
    (_SECURED, r"ConvertTo-SecureString (?:-String )?[\"']" + _VALUE),
    # bot -k key -s secret -p passphrase
    (_OPTIONS, r" -k [\"']?[0-9A-Za-z+/=_:\-]{5}"),
    # echo -n "v" | gcloud secrets create NAME, echo v | pass insert -e path/NAME
    (_SENT,
     r"[\w=+/\"'] ?\| ?(?:gcloud secrets (?:create|versions add)|(?:docker|podman) secret create|(?:npx )?wrangler secret put"
     r"|gh secret set|vercel env add|pass insert(?: -\w{1,2}){0,2}) [\"']?[\w\-]{5}"),
    # return "key", "secret", "passphrase"
    (_RETURNED, r"\breturn [\"']" + _LONG),
    # Venue:, and on the next lines the key and the secret
    (_TITLED, r"[A-Za-z.]:(?:[ \t]{0,2}\r?\n(?:> ?){0,5}|\\n|<br/?>\n?)" + _LONG),
    # set `NAME` to `v`, of a README
    (_TOLD, r"` (?:to|is|as) `" + _VALUE),
    # INSERT INTO t (id, api_secret) VALUES (1, 'v'), COPY t (id, api_secret) FROM stdin;
    (_INSERTED, r"\)\s{0,8}(?:(?:VALUES|values)\s{0,8}\(|FROM stdin;\r?\n)[^)]{5}"),
    # <meta-data android:name="com.x.API_KEY" android:value="v" />: in the usual form the prefix was dear
    (_MANIFEST, r"android:value=\"" + _VALUE),
    # sec v, api: v, in a chat; API = "v" beside a SECRET
    (_TERSE, r"[\s>,;/|](?i:sec: |sec = |sec - |sec |sec  |scrt: |priv: )[`\"']?" + _LONG),
    (_TERSE, r"(?i:[ \n]api: |[ \n]api is )[`\"']?" + _LONG),
    (_BESIDE_SECRET, r"[\s_](?:API = |API: |API=)[\"']" + _LONG),
    # <th>API key</th>: the head of a page's table; it ends with the tag, which is `TAIL` long
    (_PAGE_HEAD, r"(?i)(?:key|secret|phrase|password)</th>"),
    # defaults write com.x.y NAME -string v; security add-generic-password -s NAME -w v
    (_WRITTEN, r" -string [\"']?" + _LONG),
    (_KEPT, r" -w [\"']?" + _LONG),
    # {"value": "v", "key": "NAME"}, {"name": "NAME", "slotSetting": false, "value": "v"}
    (_VALUED, r"\"value\" ?: ?\"" + _LONG),
    # ApiCredentials = new("key", "secret")
    (_ROW, r"= new\([\"']" + _LONG),
    # API key of Venue: v, clave secreta Venue: v, secret key (sub-account): v
    (_WHOSE,
     "(?:(?i:key|secret|phrase|password|api|secret[ao]|privada|secr\u00e8te|priv\u00e9e|segret[ao]|privata|chave|clave|cl\u00e9|chiave"
     "|schl\u00fcssel|geheimnis)|\u043b\u044e\u0447|\u0435\u043a\u0440\u0435\u0442|\u043f\u0438)"
     r"\*{0,2}(?: (?:of|for|on|from|de|da|do|del|di|von|f" "\u00fcr|pour|bei|\u043e\u0442|\u0434\u043b\u044f))?"
     r"(?: [A-Za-z][\w.\-]{1,24}(?: [A-Za-z][\w.]{1,16})?| ?\([^()\[\]\n]{1,30}\))\*{0,2}"
     r"(?:(?: ?:\*{0,2}| [=\-]| ->|" " \u2192" r")[ \t]|" "\uff1a" r")[ \t]{0,3}[`\"']?" + _LONG),
    # username,password: the head of what managers of passwords and browsers export; it ends with the word itself
    (_EXPORTED_HEAD,
     r"(?i)(?:name|logins?|users?|mail|account|title|url|benutzer|utilisateur|usuario)[\"']?[,;\t][\"']?(?:login_)?"
     r"(?:password|passwort|passwd|kennwort|wachtwoord|mot de passe|[^p]pwd)"),
    # address,private_key: the head of a table with one column of credentials, whatever stands around it
    (_EXPORTED_HEAD,
     r"(?i)(?:[\w\"'][,;\t]|^|\n)[\"']?(?:[a-z]{2,12}[_ ])?"
     r"(?:private[_ ]?key|privkey|api[_ ]?key|api[_ ]?secret|secret[_ ]?key|(?:access|api|auth)[_ ]?token"
     r"|mnemonic|(?:seed|recovery)[_ ]?phrase)[\"']?[,;\t\r\n]"),
    # API_KEY: &anchor v, of YAML
    (_ANCHORED, r"(?i)" + _WORD + r"\w{0,20}[\"']?: {1,4}&[\w\-]{1,40} [\"']?" + _LONG),
    # key: ||v||, hidden on Discord until a reader clicks
    (_SPOILED, r"(?i)(?:key|secret|phrase|password):\*{0,2} ?\|\|" + _LONG),
)
"""Each form: what reads the name off the text before the value (None: `_labelled`), and the pattern of the first stage."""
FORMS = tuple([pattern for _, pattern in _TABLE])
"""Patterns of the first stage; each ends a fixed way into the value."""
TAILS = tuple(LONG_TAIL if text.endswith(_LONG) else TAIL for text in FORMS)
"""How many bytes into the value each form's pattern ends."""
_READERS = tuple([reader for reader, _ in _TABLE])


UNPACKED = _READERS.index(_UNPACKED)
"""The form that is as good as an assignment of one value: a password in it may be any word."""
TABLE = _READERS.index(_RULED)
"""The form that names no value, but the head of a table."""
TABBED = _READERS.index(_TABBED)
"""The same with tabs between the columns."""
PAGED = _READERS.index(_PAGE_HEAD)
"""The same in a page of HTML."""
CELLED = _READERS.index(_CELLED)
"""The form of a row whose first cell says what the others are."""
HEADS = frozenset(number for number, reader in enumerate(_READERS) if reader is _EXPORTED_HEAD)
"""The same with one column of credentials, a password behind a user's name or any other: the start of its value is in its own name."""
INSERTED = _READERS.index(_INSERTED)
"""The same of an INSERT statement, or of PostgreSQL's COPY."""
LISTS = frozenset(number for number, reader in enumerate(_READERS) if reader in (_ROW, _SEQUENCE, _LISTED))
"""Forms of which `several` knows more values."""
BLOCK = _READERS.index(_LISTED)
"""The one of these whose own name for a value is the list's."""
SAID = frozenset(
    number for number, reader in enumerate(_READERS)
    if reader in (None, _DECORATED, _SPOKEN, _ABOVE, _CHATTED, _COLONS, _ENTITY, _MARKED, _TERSE, _GLUED, _WHOSE, _SPOILED)
)
"""The forms of what people write to one another: whose a key is, they said some messages before."""
HEADED = frozenset((_READERS.index(_HEADED), _READERS.index(_SENT)))
"""The forms whose value stands before its name: of these `named` gives the value for a name."""
ROWS = frozenset(
    number for number, reader in enumerate(_READERS)
    if reader in (_ROW, _THIRD, _SLASHED, _BARE, _BRIEF, _SEQUENCE, _BUILT, _OPTIONS, _CALLED, _TUPLE, _MAPPED, _RETURNED, _TITLED)
)
"""Forms of which `following` knows more values."""


class Named(NamedTuple):
    """What a value is called, where its name begins, and the quote it stands in."""

    name: bytes
    start: int
    quote: bytes


def named(data: bytes, form: int, start: int) -> Named | None:
    """The name that a form gives to the value at `start`; None if it is none after all."""
    reader, whole, asked = _BY_FORM[form]
    if whole is not None:
        return whole(data, start)
    low = _callee(data, start) if reader is _CALLED or reader is _TUPLE else max(0, start - 200)
    found = reader.search(data[low:start]) if low >= 0 else None
    if found is None:
        return None
    name = Named(found[1], low + found.start(), found.groupdict().get("quote") or b"")
    return asked(data, start, found, name) if asked is not None else name


_ARROWED = compiled(rb"=>[ \t]{1,4}[\"']\Z")


def _decorated(data: bytes, start: int, found: re.Match[bytes], name: Named) -> Named | None:
    """`:password => "v"` is an assignment of a program's, whose quotes say that the value is any word; `key => v` is a note's."""
    return None if _ARROWED.search(found.string) else name


def _paired(data: bytes, start: int, found: re.Match[bytes], name: Named) -> Named | None:
    """Not what kind of field a form has: <input name="apiKey" type="password" value="v">."""
    return None if found.string[: found.start(1)].endswith((b'type="', b"type='")) else name


def _unpacked(data: bytes, start: int, found: re.Match[bytes], name: Named) -> Named | None:
    called = _of_several(found)
    return name._replace(name=called) if called else None


def _spaced(data: bytes, start: int, found: re.Match[bytes], name: Named) -> Named | None:
    before = found.string[found.start(1) - 1 : found.start(1)]
    if not (_random(data, start) or _short(data, start) or before == b"@"):
        return None
    # a keyword of Clojure's, a variable that nginx sets, an attribute of a module of Elixir's
    return name if before in (b":", b"$", b"@") else name._replace(name=found[1] + b"_of_client")


def _spoken(data: bytes, start: int, found: re.Match[bytes], name: Named) -> Named | None:
    own = _OPTION.search(found.string, 0, found.end(1))  # of an option: it says which account's, too
    if own is not None:
        name = name._replace(name=own[0])
    return name if _random(data, start) or _short(data, start) else None


_OPTION = compiled(rb"(?<![\w\-])--?[A-Za-z][\w.\-]{2,79}\Z")


def _above(data: bytes, start: int) -> Named | None:
    """What the line above says of the value: a label, or the end of what somebody said."""
    low = max(0, start - 200)
    before = data[low:start]
    found = _ABOVE.search(before) or _SAID.search(before)
    return Named(found[1], low + found.start(1), b"") if found and _below(data, start, found[1].lower()) else None


_OF_SECRETS = (b"secret ", b"private ", b"secret\t", b"secret-", b"private-", b"priv-")


def _chatted(data: bytes, start: int, found: re.Match[bytes], name: Named) -> Named | None:
    if found[1][:1] in b"pP":
        good = bool(_AFTER_VALUE.search(found.string, 0, found.start(1)) and (_LINE.match(data, start) or _CELL.match(data, start)))
    else:
        good = _random(data, start) or _short(data, start)
    called = found[1].lower()
    if called == b"key" and found.string[: found.start(1)].lower().endswith(_OF_SECRETS):
        called = b"secret"
    kebab = _KEBAB.search(found.string, 0, found.start(1))
    return name._replace(name=(kebab[0] if kebab else b"") + called + b"_of_client") if good else None


_KEBAB = compiled(rb"(?<![\w\-])(?:--?)?[A-Za-z][\w.]{0,40}(?:-[\w.]{1,20}){0,5}-\Z")
"""What stands before the part in a name of Clojure's, or of an option: it says which account's."""


def _mapped(data: bytes, start: int, found: re.Match[bytes], name: Named) -> Named | None:
    """What a name is mapped to; or a secret, whose key is to its left: "venue" -> "key" to "secret"."""
    if found["key"] is None:
        return name._replace(name=found[2])
    return name._replace(name=_ARGUMENTS[1]) if _DIGIT.search(found["key"]) and _random(data, start) else None


def _updated(data: bytes, start: int, found: re.Match[bytes], name: Named) -> Named | None:
    called = _WHERE.match(data, start)
    return name._replace(name=called[1]) if called else None


def _abridged(data: bytes, start: int, found: re.Match[bytes], name: Named) -> Named | None:
    """A secret that is called so by its first letters; nobody else's names end in them and have such values."""
    return name._replace(name=found[1][:-3] + b"secret") if _random(data, start) else None


def _initials(data: bytes, start: int, found: re.Match[bytes], name: Named) -> Named | None:
    """An access key and its secret that are called so by their first letters: VENUE_AK and VENUE_SK."""
    called = found[1] + (b"api_key" if found[2] in (b"AK", b"ak") else b"api_secret")
    return name._replace(name=called if found[1] else _ARGUMENTS[found[2] in (b"SK", b"sk")]) if _random(data, start) else None


def _surnamed(data: bytes, start: int, found: re.Match[bytes], name: Named) -> Named | None:
    """The same with the venue's name behind them, or glued to them: AK_VENUE, venueSk."""
    whose = found[2] or b"_" + found[3]
    part = b"api_key" if (found[1] or found[4]) in (b"AK", b"ak", b"Ak") else b"api_secret"
    return name._replace(name=whose[1:] + b"_" + part) if _random(data, start) else None


def _exported(data: bytes, start: int, found: re.Match[bytes], name: Named) -> Named | None:
    """What else is no password of somebody's choice: of these other rules know more."""
    return name if _random(data, start) else None


def _glued(data: bytes, start: int, found: re.Match[bytes], name: Named) -> Named | None:
    return name if _random(data, start) and _DIGIT.search(data, start, start + LONG_TAIL) else None


def _terse(data: bytes, start: int, found: re.Match[bytes], name: Named) -> Named | None:
    return name._replace(name=_ARGUMENTS[1] if found[1] else b"api_key") if _random(data, start) else None


_SECRET_NEXT = compiled(
    rb"[0-9A-Za-z+/=_\-]{16,512}[\"'][^\"'=:]{1,60}(?i:secret|private|_sec\b|\bsec\b)\w{0,12}[\"']?"
    rb"(?::? ?\w{2,8})? ?[:=] ?[\"']"
)


def _beside_secret(data: bytes, start: int, found: re.Match[bytes], name: Named) -> Named | None:
    """A key that is called `API` where its secret comes next."""
    return name._replace(name=_ARGUMENTS[0]) if _random(data, start) and _SECRET_NEXT.match(data, start) else None


def _taken(data: bytes, start: int, found: re.Match[bytes], name: Named) -> Named | None:
    return name._replace(name=_ARGUMENTS[1]) if _random(data, start) else None


def _variable(data: bytes, start: int, found: re.Match[bytes], name: Named) -> Named | None:
    """A variable of Terraform's; also one that is called by its first letters: venue_ak."""
    head, _, last = found[1].rpartition(b"_")
    part = {b"ak": b"_api_key", b"sk": b"_api_secret"}.get(last.lower())
    return name._replace(name=head + part) if part else name


def _celled(data: bytes, start: int, found: re.Match[bytes], name: Named) -> Named | None:
    return name._replace(start=name.start + found.start(1) - found.start())


def _tabbed(data: bytes, start: int, found: re.Match[bytes], name: Named) -> Named | None:
    """The first name of two columns, both of which are named like credentials."""
    return Named(found[1].strip(), name.start + found.start(1) - found.start(), b"") if _NEXT_COLUMN.match(data, start) else None


def _authed(data: bytes, start: int, found: re.Match[bytes], name: Named) -> Named | None:
    return name._replace(name=_ARGUMENTS[0]) if _random(data, start) else None


def _code_name(data: bytes, start: int, found: re.Match[bytes], name: Named) -> Named | None:
    return name._replace(name=_ARGUMENTS[0]) if _random(data, start) else None


def _next_pass(data: bytes, start: int, found: re.Match[bytes], name: Named) -> Named | None:
    return name._replace(name=found[1].lower() + b"_of_client") if _LINE.match(data, start) else None


def _labelled(data: bytes, start: int) -> Named | None:
    """What a label in another language than English calls the value."""
    text = data[max(0, start - 200) : start].decode("utf-8", "replace")
    label = _LABEL.search(text, max(0, len(text) - _LONGEST_LABEL))
    if label is None:
        return None
    loose = not label["sep"] and not (label["said"] and text.endswith(tuple(_QUOTES)))
    if loose and not _random(data, start) and not _short(data, start):
        line = _LINE.match(data, start) or _CELL.match(data, start)  # what people choose is no longer than a word
        if line is None or _ENGLISH[label.group(1).lower()] != "passphrase" or not _DIGIT.search(line[1]):
            return None
    name, at = _ENGLISH[label.group(1).lower()].encode(), start - len(text[label.start() :].encode())
    own = _OF_NAME.search(text, 0, label.end(1)) if label.group(1).isascii() and label.start() else None
    if own is not None and own.start() < label.start():
        name, at = own[0].encode(), start - len(text[own.start() :].encode())  # a variable's: it says which account's, too
    return Named(name, at, b"")


def _whose(data: bytes, start: int) -> Named | None:
    """A label with the name of whose key it is behind it, "clave secreta Venue: v": the two in the order of a variable's name."""
    if not _random(data, start):
        return None
    text = data[max(0, start - 200) : start].decode("utf-8", "replace")
    found = _WHOSE.search(text, max(0, len(text) - _LONGEST_LABEL - 60))
    if found is None:
        return None
    part = found["part"] or _ENGLISH[found["label"].lower()]
    if part.lower() == "api":
        part = "key of client"  # "API version: v" is no key, unless a venue is named
    called = "_".join((found["who"] or "").replace(".", " ").split() + part.split())
    return Named(called.encode("ascii", "ignore"), start - len(text[found.start() :].encode()), b"")


_OF_NAME = compiled(r"(?<![\w.\-\\])[A-Za-z_][\w.\-]{0,79}\Z")


_FIELD = compiled(rb"[\w\-][\w./\-]{2,119}")


def headed(data: bytes, start: int) -> bytes:
    """The name of the header that begins at `start`, whose value stands before it (HEADED)."""
    found = _FIELD.match(data, start)
    return found[0] if found else b""


def _hashed(data: bytes, start: int) -> Named | None:
    """The key that an HMAC is made with, named as a client's secret is: it has no name of its own."""
    before = data[max(0, start - 200) : start]
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
_CELL = compiled(rb"([^\s<>\"\\]{6,64})(?=</|<br|\\n|\",?[\r\n ])")
"""The same in a page, or in a string."""
_DIGIT = compiled(rb"[0-9]")
# a passphrase may be as plain as a word: it comes on the same line as the key or the secret, or on the next one
_AFTER_VALUE = compiled(rb"[ \t][0-9A-Za-z+/=_\-]{16,512}(?:[ \t,;]{1,3}(?:and )?(?:the )?|\r?\n[ \t]{0,8})\Z")


_VARIABLE_OF = compiled(rb"[A-Z][A-Z0-9_]{3,60}=")
"""What is on the next line is another variable's."""


def _below(data: bytes, start: int, label: bytes) -> bool:
    """Whether a whole line is the value of the label on the line above it."""
    line = _LINE.match(data, start)
    if line is None or b"public" in label or _VARIABLE_OF.match(line[1]):
        return False
    if label.endswith((b"phrase", b"memo")):
        return _DIGIT.search(line[1]) is not None
    return _random(data, start)


_NEXT = compiled(
    rb"[0-9A-Za-z+/=_:\-]{16,512}[\"'`](?:\.(?:into|to_string|to_owned)\(\))?\)?,\s{0,40}(?:Some\()?[bru]?[\"'`]"
)
_ARGUMENTS = (b"key_of_client", b"secret_of_client", b"passphrase_of_client")
"""What a client's arguments are, in the order that all of them have. Names that no generic rule listens to."""


_WRAPPERS = (b"Some", b".into", b".to_string", b".to_owned")


def _callee(data: bytes, start: int) -> int:
    """Where to look for the call that `start` is an argument of; -1 if it is none that could be a client's. Most of what
    the first stage reports is some call with one short string, which is seen here for little."""
    low = max(0, start - 420)
    opener = max(data.rfind(b"(", low, start), data.rfind(b"{", max(low, start - 220), start))
    while opener >= 0 and data[max(0, opener - 10) : opener].endswith(_WRAPPERS):
        opener = data.rfind(b"(", low, opener)
    if opener < 0:
        return -1
    first = b"," not in data[opener:start]
    if first and not (_NEXT.match(data, start) and _random(data, start)):
        return -1
    return max(low, opener - 80)


def _argument(data: bytes, start: int, found: re.Match[bytes], name: Named) -> Named | None:
    """A client's argument, if there are at least two that could be a key and its secret."""
    before = _LITERALS.findall(found["before"])
    if not before and b"__construct" in found[0] and not _MEMBERS.match(data, start):
        return None  # a trace shows what everything was made of
    if not before and not (_NEXT.match(data, start) and _random(data, start)):
        return None
    if before and (len(before[0]) < 16 or not _DIGIT.search(before[0])):
        # some venues' keys are short: the secret after one is all the longer
        secret = _RUN.match(data, start) if len(before) == 1 and len(before[0]) >= 8 else None
        if secret is None or len(secret[0]) < 32 or not _random(data, start):
            return None
    return name._replace(name=_ARGUMENTS[len(before)])


def _short_key(data: bytes, start: int) -> list[tuple[bytes, int, int]]:
    """A client's first argument, where its second one is at `start` and it is too short to be taken for a key without that."""
    low = max(0, start - 100)
    before = _SHORT_FIRST.search(data[low:start])
    return [(_ARGUMENTS[0], low + before.start(1), low + before.end(1))] if before else []


# Behind the account's name and the venue's, too: ("main", "deribit", "a1B2c3D4", "v")
_SHORT_FIRST = compiled(
    rb"[(\[{]\s{0,16}(?:[\"'][A-Za-z][\w.\- ]{1,16}[\"'],\s{0,12}){0,2}[bru]?"
    rb"[\"'`]([0-9A-Za-z+/=_\-]{8,15})[\"'`],\s{0,16}[bru]?(?P<quote>[\"'`])\Z"
)
_SECOND = compiled(rb"(?=[^\"']{0,40}[0-9])[0-9A-Za-z+/=_\-]{32,256}[\"'](?:, ?[\"'][^\"'\n]{0,40}[\"'])?,?\s{0,40}[\])}]")
_INTO = rb"(?:\.(?:into|to_string|to_owned)\(\))?\)?"
_MEMBERS = compiled(
    rb"[0-9A-Za-z+/=_:\-]{16,256}[\"']" + _INTO + rb",\s{0,40}(?:Some\()?[bru]?[\"']([0-9A-Za-z+/=_:\-]{16,256})[\"']" + _INTO
    + rb"(?:,\s{0,40}(?:Some\()?[bru]?[\"']([^\s\"'\\]{4,128})[\"']" + _INTO + rb")?"
    rb"(?:,\s{0,40}(?:NULL|null|None|True|False|true|false|[0-9]{1,9}|[\"'][^\"'\n]{0,40}[\"'])){0,4},?\s{0,40}[\])}]"
)


_HASHES = compiled(
    rb"0x[0-9a-fA-F]{64}[\"'],\s{0,40}[\"']0x[0-9a-fA-F]{64}[\"']|0x[0-9a-fA-F]{40}[\"'],\s{0,40}[\"'](?:0x)?[0-9a-fA-F]{40}[\"']"
)
"""Two words of the chain: the proof that something is in a tree, the topics of an event; two addresses."""
_OF_OTHERS = compiled(
    rb"(?:(?i:witness|account_?keys|pub(?:lic)?_?keys|secrets|signatures|checksums)"
    rb"|(?:(?<![A-Za-z])|(?<=[a-z])(?=[A-Z]))(?i:topics|proofs?|hash(?:es)?|(?:tx(?:id)?|order|trade|id|addresse)s|stack))"
    rb"[\"']? ?[:=]>? ?[\[({]{1,2}\s{0,40}[bru]?[\"']?\Z"
)
"""The name of a list of something else than a key and its secret: of a transaction's parts, of all accounts' secrets."""
_PARALLEL = compiled(rb",?;?\s{1,40}[\"']?\w{0,30}(?i:secrets|passphrases)[\"']? ?[:=]>? ?[\[({]")
"""Behind a list of keys that of their secrets."""
_IDENTIFIER = compiled(rb"[0-9a-fA-F\-]{24,}")
"""What follows a key and a secret and is no passphrase: of three such the row is an order's."""


def _in_row(data: bytes, start: int, before: re.Pattern[bytes] = _ROW) -> Named | None:
    """The first of two or three values in a list that is a venue's: key, secret, passphrase."""
    if not _random(data, start):
        return None
    column = _column(data, start)
    if column is not None:
        return Named(column + b"_1", start - 1, data[start - 1 : start])
    members = _MEMBERS.match(data, start)
    if members is None or not _DIGIT.search(members[1]) or _HASHES.match(data, start) or (members[2] and _IDENTIFIER.fullmatch(members[2])):
        return None
    low = max(0, start - 90)
    found = before.search(data[low:start])
    if found is None or _OF_OTHERS.search(found.string) or _PARALLEL.match(data, members.end()):
        return None
    return Named(_ARGUMENTS[0], low + found.start() + 1, found["quote"])


_COLUMN = compiled(rb"(?i)(?<![a-z])(?:api_?)?(key|secret|passphrase|password)s[\"']? ?[:=]>? ?[\[({]\s{0,40}[bru]?[\"']\Z")
_OF_COLUMN = compiled(rb"[^\s\"'\\]{8,512}[\"'](?:,\s{0,40}[bru]?[\"'][^\s\"'\\]{4,512}[\"']){1,19},?\s{0,40}[\])}]")


def _column(data: bytes, start: int) -> bytes | None:
    """What each value of a list is, where one list holds the keys of several accounts and another their secrets."""
    found = _COLUMN.search(data[max(0, start - 90) : start])
    values = _OF_COLUMN.match(data, start) if found else None
    if found is None or values is None:
        return None
    word = found[1].lower()
    if word == b"key":
        return _ARGUMENTS[0] if _PARALLEL.match(data, values.end()) else None
    return _ARGUMENTS[1 if word == b"secret" else 2]


def _third(data: bytes, start: int) -> Named | None:
    """The same behind the name of the venue or of the account; or the secret behind a key as short as a name."""
    if _MEMBERS.match(data, start):
        return _in_row(data, start, _THIRD)
    low = max(0, start - 100)
    key = _SHORT_FIRST.search(data[low:start])
    if key is None or not _SECOND.match(data, start) or not _short(data, low + key.start(1)):
        return None
    return Named(_ARGUMENTS[1], low + key.start(1), key["quote"])


def _valued(data: bytes, start: int) -> Named | None:
    """What an object with a name and a value calls its value, whichever stands first. `_PAIRED` reads those that stand side by side."""
    low = max(0, start - 320)
    found = _VALUED.search(data[low:start])
    if found is not None:
        return Named(found[1], low + found.start(), b'"')
    behind = _NAMED_BEHIND.match(data, start, start + 900)
    return Named(behind[1], start - 1, b'"') if behind else None


def _slashed(data: bytes, start: int, found: re.Match[bytes], name: Named) -> Named | None:
    if not (_DIGIT.search(found[1]) and _random(data, start)):
        return None
    return name._replace(name=_ARGUMENTS[1])


_LINES = compiled(
    rb"[0-9A-Za-z+/=_\-]{16,512}[ \t]{0,4}\r?\n(?:\r?\n)?" + _WHO + rb"([0-9A-Za-z+/=_\-]{16,512})[ \t]{0,4}(?=\r?\n|\Z)"
    rb"(?:\r?\n" + _WHO + rb"(?:(?i:pass|passphrase|password|pw|pwd|pp)(?: is)?:? {1,2})?([!-~]{6,64})[ \t]{0,4}"
    rb"(?=\r?\n[ \t]{0,4}(?:\r?\n|\Z)|\Z))?"
)


_BRIEFLY = compiled(
    rb"[0-9A-Za-z+/=_\-]{16,512}[\"'](?:,|:|,?;?\s)\s{0,40}(?:[\w.]{1,30}(?:\[[\"'][\w\-]{1,30}[\"']\]){0,2}\[)?"
    rb"[\"']?(?:s|secret|private|priv)[\"']?\]? ?[:=] ?[\"']([0-9A-Za-z+/=_\-]{16,512})[\"']"
    rb"(?:(?:,|:|,?;?\s)\s{0,40}[\"']?(?:p|passphrase|password)[\"']? ?[:=] ?[\"']([^\s\"'\\]{4,128})[\"'])?"
)


def _brief(data: bytes, start: int) -> Named | None:
    """The key of a pair whose names say no more than k and s."""
    pair = _BRIEFLY.match(data, start) if _random(data, start) else None
    if pair is None or not _random(data, pair.start(1)):
        return None
    low = max(0, start - 20)
    found = _BRIEF.search(data[low:start])
    return Named(_ARGUMENTS[0], low + found.start(), found["quote"]) if found else None


def _bare(data: bytes, start: int) -> Named | None:
    """The first of two lines, or three, that are a key, its secret and a passphrase with nothing said of them."""
    lines = _LINES.match(data, start) if _random(data, start) else None
    if lines is None or not _random(data, lines.start(1)):
        return None
    low = max(0, start - 90)
    found = _BARE.search(data[low:start])
    return Named(_ARGUMENTS[0], low + found.start() + 1, b"") if found else None


_SEQUENCED = compiled(
    rb"[0-9A-Za-z+/=_:\-]{8,256}[\"']?, ?[\"']?([0-9A-Za-z+/=_:\-]{16,256})[\"']?(?:, ?[\"']?([^\s\"'\\,\[\]{}]{4,128})[\"']?)?"
    rb"[ \t]{0,4}[\]}]"
)
_CONSTRUCTED = compiled(
    rb"[0-9A-Za-z+/=_:\-]{8,256}\"\s?/?>(?:\s{0,4}</constructor-arg>)?\s{0,80}<constructor-arg value=\"([0-9A-Za-z+/=_:\-]{16,256})\""
    rb"(?:\s?/?>(?:\s{0,4}</constructor-arg>)?\s{0,80}<constructor-arg value=\"([^\s\"]{4,128})\")?"
)
_BREAK = rb"[ \t]{0,4}(?:\r?\n(?:> ?){0,5}|\\n|<br/?>\n?)"
_BELOW = compiled(
    rb"[0-9A-Za-z+/=_\-]{8,256}" + _BREAK + rb"([0-9A-Za-z+/=_\-]{16,512})"
    rb"(?:" + _BREAK + rb"(?=[^\s\"<\\]{0,40}[0-9!@#$%&*_\-])([^\s\"<\\:]{6,64}))?(?=[ \t]{0,4}(?:\r?\n|\\n|\Z|[\"<]))"
)
_GIVEN_BACK = compiled(
    rb"[0-9A-Za-z+/=_:\-]{8,256}[\"'], ?[\"']([0-9A-Za-z+/=_:\-]{16,256})[\"'](?:, ?[\"']([^\s\"'\\]{4,128})[\"'])?"
    rb"(?:, ?(?:\w{1,16}|[\"']{2}))?[ \t]{0,4};?(?=\r?\n| \}|[ \t]{1,4}(?:#|//))"
)
_OPTIONED = compiled(
    rb"[0-9A-Za-z+/=_:\-]{8,256}[\"']? -s [\"']?([0-9A-Za-z+/=_:\-]{16,256})[\"']?(?: -p [\"']?([^\s\"']{4,128})[\"']?)?"
)
_HEX_OR_ID = compiled(rb"(?:0x)?[0-9a-f]{64}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{24}")
"""Of two such a list may be of orders, or of what they were settled by; but a short one before a long one is a key and its
secret, too."""


def _listing(pattern: re.Pattern[bytes], before: re.Pattern[bytes]) -> Callable[[bytes, int], Named | None]:
    """A reader of two or three values in a row, of which nothing but the place says which is which."""

    def read(data: bytes, start: int) -> Named | None:
        members = pattern.match(data, start)
        if members is None or not _DIGIT.search(members[1]) or (members[2] and _IDENTIFIER.fullmatch(members[2])):
            return None
        first = _RUN.match(data, start) or _SHORT_RUN.match(data, start)
        if first is None:
            return None
        if _HEX_OR_ID.fullmatch(first[0]) and _HEX_OR_ID.fullmatch(members[1]) and not (len(first[0]) == 24 and len(members[1]) == 36):
            return None
        low = max(0, start - 90)
        found = before.search(data[low:start])
        if found is None or _OF_OTHERS.search(found.string):
            return None
        return Named(_ARGUMENTS[0], low + found.start() + 1, found["quote"])

    return read


_SHORT_RUN = compiled(rb"[0-9A-Za-z+/=_:\-]{8,512}")
_ALL_OF: dict[object, re.Pattern[bytes]] = {
    _BARE: _LINES, _BRIEF: _BRIEFLY, _SEQUENCE: _SEQUENCED, _BUILT: _CONSTRUCTED, _OPTIONS: _OPTIONED, _RETURNED: _GIVEN_BACK,
    _TITLED: _BELOW,
}  # fmt: skip


def following(data: bytes, form: int, start: int) -> list[tuple[bytes, int, int]]:
    """Name, start and end of the values that follow the first one of a list (ROWS) that starts at `start`."""
    if _READERS[form] in (_CALLED, _TUPLE) or (_READERS[form] is _THIRD and not _MEMBERS.match(data, start)):
        return _short_key(data, start)
    if _READERS[form] is _MAPPED:
        low = max(0, start - 270)
        before = _MAPPED.search(data[low:start])
        return [(_ARGUMENTS[0], low + before.start(1), low + before.end(1))] if before and before["key"] else []
    if _READERS[form] is _SLASHED:
        low = max(0, start - 520)
        before = _SLASHED.search(data[low:start])
        third = _THIRD_SLASHED.match(data, start)
        out = [(_ARGUMENTS[0], low + before.start(1), low + before.end(1))] if before else []
        return [*out, (_ARGUMENTS[2], *third.span(1))] if third else out
    column = _column(data, start) if _READERS[form] is _ROW else None
    if column is not None:
        values = _OF_COLUMN.match(data, start)
        rest = _VALUES.finditer(data, start + data[start:].index(data[start - 1 : start]) + 1, values.end()) if values else ()
        return [(column + b"_%d" % number, each.start() + 1, each.end() - 1) for number, each in enumerate(rest, 2)]
    members = _ALL_OF.get(_READERS[form], _MEMBERS).match(data, start)
    return [(_ARGUMENTS[number], *members.span(number)) for number in (1, 2) if members[number]] if members else []


_MANY = r"(?:key|token|secret|password|passphrase|mnemonic|seed|cred|credential)(?P<many>s|s?_?(?:list|array|pool|ring)s?)"
_PLURAL = compiled(f"(?i)[\\w.\\-$]{{0,60}}?{_MANY}".encode())
_OPENED = compiled(
    rf"(?i){_MANY}[\"'`\])]{{0,3}}(?:"
    rf"(?:: ?[\w\[\]<>]{{1,40}})? ?(?:=>|:=|[:=]) ?{_LIST_OF}[\[({{]\s{{0,40}}(?:[bru]?[\"'`])?"
    r"|:[ \t]?\r?\n[ \t]{0,40}- [\"']?)\Z".encode()
)
_NAME_BEFORE = compiled(rb"[\w.\-$]{0,60}\Z")
_WORDS_OF_LISTS = (b"key", b"token", b"secret", b"pass", b"seed", b"cred", b"mnemonic")
_MEMBER = compiled(rb"[0-9A-Za-z+/=_.~\-]{16,256}(?![\w+/=.~\-])")
_NEXT_MEMBER = compiled(rb"[\"'`]?(?:,\s{0,40}[bru]?[\"'`]|[ \t]{0,4}\r?\n[ \t]{0,40}- [\"']?|,[ \t]{0,4}(?=[\w+/]))")
_OF_PUBLIC = compiled(rb"(?i)(?:witness|account|dkim|pub(?:lic)?|signature|checksum|foreign|primary|address|mint)[\w.\-]{0,20}\Z")
_MINT = compiled(rb"[1-9A-HJ-NP-Za-km-z]{43,44}")
"""The address of a coin: in a list of tokens, where there is trading."""
MOST_SEVERAL = 1_100
"""Bytes of a list that `several` reads."""


def several(data: bytes, start: int) -> list[tuple[bytes, int, int, int]]:
    """Of a list that is named in the plural, API_KEYS = ["v", "w"], and whose first value starts at `start`: what each
    value is called, where the list's name starts, and the value's start and end."""
    if not _random(data, start):
        return []  # a list of words, which most are
    low = max(0, start - 160)
    before = data[low:start]
    small = before.lower()
    if not any(word in small for word in _WORDS_OF_LISTS):
        return []
    found = _OPENED.search(before)
    if found is None:
        return []
    name = _NAME_BEFORE.search(before, 0, found.start())
    begin = name.start() if name else found.start()
    return _members(data, before[begin : found.start("many")], low + begin, start)


def listed_bare(data: bytes, name: bytes, name_start: int, start: int) -> list[tuple[bytes, int, int, int]]:
    """The same of values with commas between them and no bracket around: API_KEYS=v,w."""
    found = _PLURAL.fullmatch(name)
    return _members(data, name[: found.start("many")], name_start, start) if found else []


def _members(data: bytes, one: bytes, name_start: int, start: int) -> list[tuple[bytes, int, int, int]]:
    """The values from `start` on, each called `one` and its number; none if they are shown to everybody."""
    out: list[tuple[bytes, int, int, int]] = []
    if _OF_PUBLIC.search(one):
        return out
    coins = one[-5:].lower() == b"token"
    stop = start + MOST_SEVERAL
    while (member := _MEMBER.match(data, start, stop)) is not None:
        if _random(data, start) and not (coins and _MINT.fullmatch(member[0])):
            out.append((b"%s_%d" % (one, len(out) + 1), name_start, start, member.end()))
        between = _NEXT_MEMBER.match(data, member.end(), stop)
        if between is None:
            break
        start = between.end()
    return out


def _ruled(data: bytes, start: int) -> Named | None:
    """The first column that is named like a credential in the head of a table, whose rule is near `start`."""
    stop = data.rfind(b"\n", max(0, start - 8), start + TAIL)
    line = data.rfind(b"\n", max(0, stop - 2000), max(0, stop)) + 1
    found = _RULED.search(data, line, stop) if stop > 0 else None
    return Named(found[1], found.start(1), b"|") if found else None


_CREDENTIALS = compiled(
    rb"(?i)(?:login_)?(pass\w{1,4}|kennwort|wachtwoord|mot de passe|pwd"
    rb"|(?:(?<![A-Za-z])[a-z]{2,12}[_ ])?(?:private[_ ]?key|privkey|api[_ ]?key|api[_ ]?secret|secret[_ ]?key|(?:access|api|auth)[_ ]?token"
    rb"|mnemonic|(?:seed|recovery)[_ ]?phrase))\Z"
)


def _exported_head(data: bytes, start: int) -> Named | None:
    """The credentials' column in the head of an export, the end of whose name is `TAIL` bytes behind `start`. Its line names
    columns and has nothing else: not the arguments of a function."""
    end = start + TAIL
    while end > start and data[end - 1] in _BORDERS:
        end -= 1
    low = data.rfind(b"\n", max(0, end - 600), end) + 1
    stop = data.find(b"\n", end, end + 600)
    line = data[low : stop if stop >= 0 else end + 600].removeprefix(b"\xef\xbb\xbf").rstrip(b"\r")
    found = _CREDENTIALS.search(data, max(low, end - 32), end)
    if found is None or data[end : end + 1] not in _COLUMN_ENDS or not _EXPORTED_HEAD.fullmatch(line):
        return None
    if _CREDENTIAL_BEHIND.match(data, end) or _CREDENTIAL_BEFORE.search(data, low, found.start()):
        return None  # two columns of credentials side by side are known as a name that is given a name
    return Named(found[1], found.start(), b"")


_CREDENTIAL_BEHIND = compiled(rb"(?i)[\"']?[,;\t][\"']?[\w ]{0,24}(?:key|secret|phrase|password|token|memo)[\"']?(?:[,;\t\r\n]|\Z)")
_CREDENTIAL_BEFORE = compiled(rb"(?i)(?:key|secret|phrase|password|token|memo)[\"']?[,;\t][\"']?\Z")
_BORDERS = frozenset(b",;\t\r\n\"'")
_COLUMN_ENDS = (b",", b";", b"\t", b'"', b"'", b"\r", b"\n", b"")
_COLUMNS = compiled(rb"[\w\s,`\"\[\].]{3,1800}")


def _inserted(data: bytes, start: int) -> Named | None:
    """The first column that is named like a credential in the list of an INSERT, whose first row begins at `start`."""
    low = max(0, start - 2000)
    stop = data.rfind(b")", low, start)
    opened = data.rfind(b"(", low, max(low, stop)) + 1
    found = _INSERTED.search(data, opened, stop) if opened and _COLUMNS.fullmatch(data, opened, stop) else None
    return Named(found[0], found.start(), b"") if found else None


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


_NEXT_COLUMN = compiled(rb"(?i)[\w .\-]{0,40}(?:key|secret|phrase|password)[\"']?(?=[\t\r\n]|[,;]\"?[A-Za-z\r\n])")
_LITERALS = compiled(rb"[\"'`]([0-9A-Za-z+/=_:\-]+)[\"'`]")
_RUN = compiled(rb"(?:ed25519:)?[0-9A-Za-z+/=_\-]{16,512}")


_WHOLE: dict[object, Callable[[bytes, int], Named | None]] = {
    None: _labelled,
    _HASHED: _hashed, _RULED: _ruled, _EXPORTED_HEAD: _exported_head, _ROW: _in_row, _POINTED: _pointed, _BARE: _bare,
    _BRIEF: _brief, _THIRD: _third, _ABOVE: _above, _INSERTED: _inserted, _VALUED: _valued,
    _WHOSE: _whose,
    _SEQUENCE: _listing(_SEQUENCED, _SEQUENCE), _BUILT: _listing(_CONSTRUCTED, _BUILT), _OPTIONS: _listing(_OPTIONED, _OPTIONS),
    _RETURNED: _listing(_GIVEN_BACK, _RETURNED), _TITLED: _listing(_BELOW, _TITLED),
}  # fmt: skip
"""Forms that read more than what stands right before the value."""
_ASKED: dict[object, Callable[[bytes, int, re.Match[bytes], Named], Named | None]] = {
    _DECORATED: _decorated, _PAIRED: _paired,
    _MAPPED: _mapped, _UNPACKED: _unpacked, _SPACED: _spaced, _SPOKEN: _spoken, _CHATTED: _chatted, _CALLED: _argument,
    _TUPLE: _argument, _UPDATED: _updated, _NEXT_PASS: _next_pass, _SLASHED: _slashed,
    _TYPE_OF: _exported, _SECURED: _exported,
    _ABRIDGED: _abridged, _CODE_NAME: _code_name, _TAKEN: _taken, _INITIALS: _initials, _SURNAMED: _surnamed, _TABBED: _tabbed,
    _GLUED: _glued, _TERSE: _terse, _BESIDE_SECRET: _beside_secret,
    _AUTHED: _authed, _CELLED: _celled, _LISTED_ENV: _exported, _VARIABLE: _variable,
}  # fmt: skip
"""Forms that ask the value, too."""
_BY_FORM = tuple([(cast("re.Pattern[bytes]", reader), _WHOLE.get(reader), _ASKED.get(reader)) for reader in _READERS])
"""The same by number: to look a pattern up hashes all of its code."""


_TURNS = compiled(rb"[A-Za-z0-9]{10,15}(?![\w+/=.\-])")
_TURN = compiled(rb"[0-9][A-Za-z]")
_SHORTER = compiled(rb"[A-Za-z0-9_\-]{8,10}(?![\w+/=.\-])")
_CHANGE = compiled(rb"(?=[a-z][A-Z0-9]|[A-Z][a-z0-9]|[0-9][A-Za-z])")


def _short(data: bytes, start: int) -> bool:
    """Whether a value of 8 to 15 letters and digits is none that a word with a number would be: a0quon2ohyr7s."""
    found = _TURNS.match(data, start)
    if found is not None:
        return len(_TURN.findall(found[0])) > 1
    found = _SHORTER.match(data, start)
    return found is not None and _DIGIT.search(found[0]) is not None and len(_CHANGE.findall(found[0])) > 2


def _random(data: bytes, start: int) -> bool:
    """Whether what stands at `start` could be a value: prose goes on with a word."""
    found = _RUN.match(data, start)
    return found is not None and (_DIGIT.search(found[0]) is not None or unlike_words(found[0]))


_LETTERS = compiled(rb"[A-Za-z]{10,64}")
_STRANGE = 24
"""How strange letters must be to be no words, although they begin and end like words: names in code come to 15."""


def unlike_words(value: bytes, least: int = _STRANGE) -> bool:
    """Whether letters of both cases are random, and but look like short words: QMWluZdQnz."""
    if not _LETTERS.fullmatch(value) or value.islower() or value.isupper():
        return False
    from leakguard.detect.gates.grams import strangeness

    return strangeness(value) >= least
