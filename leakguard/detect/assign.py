"""Assignments: cuts the name and the value out of everything that is written like `name = value`.

Fields, environment lines, headers, call arguments, options, XML, SQL. Stage 1 reports where something named like a
credential is given a value (`TRIGGERS`); `assigned` goes left from there to the name and right to the value's end. Also
splits names into words and knows which words speak for which part. Pure functions; knows no rules and no files.
Imported by what judges in detect/, the gates, and by redact/tables.py.

Most of what stage 1 reports is code that handles credentials and holds none, so the checks stand in the order of
their price: what the value begins with, then the name, then the value's end.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from leakguard.detect.forms import (
    BLOCK,
    CELLED,
    FORMS,
    HEADED,
    HEADS,
    INSERTED,
    LISTS,
    PAGED,
    ROWS,
    SAID,
    TABBED,
    TABLE,
    TAILS,
    UNPACKED,
    following,
    headed,
    listed_bare,
    named,
    several,
)
from leakguard.detect.naming import KIN, PART_NAMES, part_of, plain, words
from leakguard.detect.patterns import compiled

__all__ = ["KIN", "PART_NAMES", "TRIGGERS", "Assigned", "assigned", "part_of", "words"]

_PASS = ("pass", "pwd", "psw", "_pw", "kennwort", "wachtwoord", "haslo", "psk", "dbpw", "rootpw", "bindpw", "userpw",
         "adminpw", "databasepw")  # fmt: skip
_OTHER = (
    "secret", "token", "key", "auth", "cred", "priv", "sign", "seed", "mnemonic", "salt", "session", "cookie", "hook", "bearer",
    "license", "licence", "phrase", "login", "access", "clientid", "client_id", "client-id", "client.id", "appid",
    "app_id", "app-id", "api_id", "api-id", "memo", "_sid", "_pat", "apisec", "api_sec",
    "api-sec", "apiid", "apiuser", "api_user",
    "clave", "chave", "schluessel", "geheim", "segred", "segret", "sekret", "cle_api", "cleapi", "cle-api", "api_kee", "apikee", "api-kee",
)  # fmt: skip
"""What a name contains if it may name a credential."""


def _trigger(words: Sequence[str], tail: int, masked: bool = False) -> str:
    """What is named like one of `words` and is given a value of at least `tail` bytes.

    name = "value", "name": value, \\"name\\": \\"value\\", set_name("value"), put("name", "value"),
    name: type = "value", name = wrap("value"), name = given || "value", <add key="name" value="value">,
    <name>value</name>, - name: NAME / value: value, a YAML block.
    Unbounded repeats, because hyperscan has one state for them and n for {0,n}: the name's length is checked later.
    `masked`: but not where what redact/ puts in the place of a secret is the value, or is the name.
    """
    inner, outer = r"\s\"'`\\", r"\s\"'`\\<>{}()\[\],;|$=:&"
    quoted = rf"[bfru@$]?[\"'`\\]{{1,4}}{_but(list('<redacted'[:tail]), inner) if masked else f'[^{inner}]{{{tail}}}'}"
    bare = rf"[^{outer}]{{{tail}}}"
    tagged = rf"|>[ \t]*[^\s\"'<>]{{{tail}}}"
    if masked:
        # a pseudonym is six hex digits before `>`, and what stands behind that is no element's text
        left = 6 - tail
        more = "|".join([*("[0-9a-f]" * size + "[^0-9a-f]" for size in range(left)), "[0-9a-f]" * left + "[^>]"])
        bare = rf"(?:{_but(['0-9a-f'] * tail, outer)}|[0-9a-f]{{{tail}}}(?:{more}))"
        tagged = ""
    separator = (
        r"=>|<-|(?:string[ \t]?|[:?+!]|\|\|?)?={1,3}|:(?:[ \t]?[|>][+\-]?)?|[,(]|\|\||\?\?|:[ \t]?(?:&'static[ \t]|\[\]const[ \t])?"
        r"[\w.\[\]&<>|?]+[ \t]?="
        r"|\{ ?get; ?(?:(?:private |protected )?(?:set|init); ?)?\} ?="
        r"|(?:,|\r?\n)[ \t\r\n]*[\"']?(?:value|default(?:_?value)?)[\"']?[ \t]?[=:]|(?:value|content|default)="
    )
    return (
        rf"(?i)(?:{'|'.join(words)})[\w.\-]*[\"'`\])}}\\*]{{0,3}}[ \t]*"
        rf"(?:(?:{separator})[ \t]*(?:\\\r?\n)?[ \t\r\n]*(?:(?:[\w.\[\]&*]+\(|\(\s*)?{quoted}|{bare}){tagged})"
    )


def _but(sets: Sequence[str], outside: str) -> str:
    """As many bytes as there are sets, none of which is in `outside`; at least one is not in its own set."""
    rows = []
    for at, own in enumerate(sets):
        before = "".join(f"[{each}]" for each in sets[:at])
        rows.append(f"{before}[^{outside}{own}]" + f"[^{outside}]" * (len(sets) - at - 1))
    return f"(?:{'|'.join(rows)})"


# Two patterns where eight would do: eight of them compiled four times as long and ran at half the speed. Passwords
# may be short; of other names values of four bytes are three times as many, and none is a secret.
TRIGGERS: tuple[str, ...] = (
    _trigger(_OTHER, 5),
    _trigger(_PASS, 4),
    # --name value, -name value
    r"[ \t]--?\w[\w\-.]+ [\"']?[^\s\"'\-$<>{}()][^\s\"'<>{}()]{4}",
    # IDENTIFIED BY 'value', IDENTIFIED WITH plugin BY 'value', PASSWORD 'value'
    r"(?i)(?:password[ \t]+[\"']|identified(?:[ \t]+with[ \t]+\w+)?[ \t]+by[ \t]+[\"']?)[^\s\"']{4}",
    *FORMS,
)
MASKED_TRIGGERS: tuple[str, ...] = (_trigger(_OTHER, 5, masked=True), _trigger(_PASS, 4, masked=True), *TRIGGERS[2:])
"""The same, for texts of which it is known that the secrets in them were masked: they do not fire at the masks alone."""
FORM_TAILS = (5, 4, 5, 4, *TAILS)
"""How many bytes into the value each trigger ends: exactly so many, whichever alternative matched."""

_OTHERS, _PASSWORDS, _OPTION, _SQL, _FORMS = range(5)
_SAID = frozenset(_FORMS + number for number in SAID)


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
    sep: bytes = b""
    """What stands between name and value, without white space: b"=", b":", b"(", b",", b">", b"=>" ..."""
    close: bytes = b""
    """What closed the name: its quote, a bracket."""

    @property
    def said(self) -> bool:
        """Whether it is what people write to one another: Secret: v, the key is v."""
        if self.form in _SAID:
            return True
        return self.sep == b":" and not self.quote and self.name[:1].isupper() and self.name[1:].isalpha() and not self.name.isupper()


_LOOK_BACK = 160
# Both read backwards: from the value's first byte over its quote, the separator and the closing of the name.
_BACK = compiled(
    rb"(?P<quote>[\"'`]{0,3}\\{0,3}\"?)[bfruBFRU@$]?(?P<gap>[ \t\r\n]{0,60}(?:\\[ \t]{0,8})?)"
    rb"(?P<sep>\([ \t]{0,4}=(?![=!<>])|>=|= ?\} ?;(?:[a-z]{3,4}(?: [a-z]{7,9})? ?; ?)?teg ?\{|={1,3}(?:[:?+!]|\|\|?)?|:|[,(]|\|\||\?\?"
    rb"|[+\-]?[|>][ \t]?:|-<|>|)"
    rb"[ \t]{0,60}(?P<close>[\"'`\])}\\*]{0,4})(?P<name>[\w.$\-]{0,79}[A-Za-z_$@])"
)
# The next name to the left: of a type (`name: str = `), a call around the value, a field that is called `value`.
_OUTER = compiled(
    rb"(?:\]\[|[&*]|[ \t]citats'&|[ \t]tsnoc\]\[)?[\"'`]?[ \t\r\n]{0,60}"
    rb"(?P<sep>>=|={1,3}[:?+|!]?|[:,]|)[ \t\r\n]{0,60}(?P<close>[\"'`\])}\\]{0,4})"
    rb"(?P<name>[\w.$\-]{0,79}[A-Za-z_$@])"
)
# `-hmac v` is an option like others, and needs no trigger of its own
_SENSITIVE = compiled(f"(?i){'|'.join((*_PASS, *_OTHER))}|hmac".encode())
_DIGIT = compiled(rb"[0-9]")
_LISTS = (b",", b"(", b"list")
_COMMA = compiled(rb"[^,],|, ")
# of small letters: among them each word is known to be another one by its first letter, where any case is not
_COLUMN = compiled(f"[\\w.\\- ]{{0,30}}?(?:{'|'.join((*_PASS, *_OTHER))})".encode())
_LONGEST_COLUMN = 30 + max(map(len, (*_PASS, *_OTHER)))
_LINE_ENDS = (b"", b"\r", b"\n")
_ONE_LINE = (b":", b"=")
# put("name", "value"): the name, backwards from its closing quote, is the first thing in brackets
_IN_CALL = compiled(rb"[\w.$\-]{1,80}\\{0,3}[\"'`][bfru@]?[ \t\r\n]{0,60}\(")
# { "name", "value" }, {name, "value"}: an entry of a dictionary in C#, a property in Erlang
_IN_BRACES = compiled(rb"\"?[\w.$\-]{1,80}\"?[ \t]{0,8}\{")
_TWO_IN_BRACES = compiled(rb"\"[ \t]{0,8}\}")
_FIELD = compiled(rb"\\{0,3}[\"'`][ \t]{0,4}(?::|=)")
_TRAILING = frozenset(b".:\\")
_ABOUT_USERS = compiled(rb"(?i)\b(?:user|role|grant|login|create|alter|account|link|database)\b")
_BACKSLASH = 92
_EXCLAMATION = 33
_TAG = compiled(rb"!(?:!str|unsafe)[ \t]{1,4}(?=[^\s])")
_SCHEMES = r"(?i:bearer|basic|token|apikey|api-key|digest|bot|ntlm)[ \t]{1,4}"
_SCHEME = compiled(_SCHEMES.encode())
_SCHEME_INITIALS = frozenset(b"bBtTaAdDnN")
_QUOTE_BYTES = frozenset(b"\"'`\\")
_QUOTES = (b'"', b"'", b"`")
_COMMA_BYTE = 44
_BREAKS = frozenset(b", \t\r\n")
_PIPE = 124

# What a bare value begins with if it is none: numbers and constants, calls, indexed and qualified names.
# A look-up with a default goes on: context.py takes the default. Possessive, so that nothing is tried twice.
_WORDS = r"[A-Za-z_]\w{0,60}+(?:(?:\.|->|::|\?\.)[A-Za-z_]\w{0,60}+){0,6}+"
_AFTER = r"(?=[\x00\s,;&)\]}\"'\\]|$)"
_EXPRESSION = (
    rf"(?!(?:os\.)?(?:getenv|environ)\b|process\.env){_WORDS}(?:[(\[]|->|[ \t]\()"
    rf"|[A-Za-z_]{{1,60}}+(?:(?:\.|->|::|\?\.)(?!env\b)[A-Za-z_]{{1,60}}+){{1,6}}+{_AFTER}"
)
_CONSTANTS = (
    r"(?i:true|false|null|none|nil|undefined|string|required|optional|disabled|enabled|yes|no|bytes?|int|str|bool|boolean"
    r"|self|this|void|function|lambda|async|await|range|return|const|object|char|var|new|break|continue|goto|throw)"
)
# A bare identifier is a variable; only passwords are as plain.
_IDENTIFIER = (
    r"(?:[A-Z]?[a-z]{1,11}+[0-9]?+|[A-Z]{1,20}+|[A-Za-z][a-z]{1,13}+[0-9]{0,2}+(?:[A-Z][a-z]{2,13}+[0-9]{0,2}+){1,12}+"
    r"|(?:[A-Z]?[a-z]{1,40}+|[A-Z]{1,40}+)(?:[_\-](?:[A-Z]?[a-z]{1,40}+[0-9]?+|[A-Z]{1,40}+[0-9]?+|[0-9]{1,2}+)){1,12}+)"
)
# most of what is held against it is code: so expressions stand first
_DULL = compiled(rf"{_EXPRESSION}|(?:[0-9]+(?:[.:][0-9]+)*|(?!{_SCHEMES}){_IDENTIFIER}){_AFTER}".encode())
_DULL_PASS = compiled(rf"(?:[0-9]{{1,5}}(?:[.:][0-9]+)*|{_CONSTANTS}){_AFTER}|{_EXPRESSION}".encode())
# also the forms of Unicode: password = unicodedata.normalize("NFKC", password)
_DULL_QUOTED = compiled(rb"(?:(?i:true|false|null|none|undefined|string|required|optional|disabled|enabled)|NFK?[CD])[\"'`\\]")
# and a NUL ends it: an environment as the system keeps it, in /proc and core dumps, strings of C in a program; FIX has 0x01
_BARE = compiled(rb"[^\x00\x01\s\"'`<>{}()\[\],;|&]{4,512}")
MOST = 512
"""Bytes of a value that are judged."""
_LONG = compiled(rb"[0-9A-Za-z+/=_\-.~%%:]{%d}" % MOST)
_QUOTED = {
    # most have no escapes, and a class alone is gone through ten times as fast
    sign: compiled(rb"[^%b\\\r\n]{4,1024}+(?=%b)|(?=[^%b\\\r\n]*+\\)(?:[^%b\\\r\n]|\\[^\r\n]){4,1024}(?=%b)" % ((sign,) * 5))
    for sign in (b'"', b"'", b"`")
}
# The value is the name of the next field, or of the next parameter: it goes on.
_NEXT_FIELD = {sign[0]: compiled(rb"[^%b\\\r\n]{4,1024}%b[ \t]{0,4}[:=]" % (sign, sign)) for sign in _QUOTED}
_NEXT_PARAMETER = compiled(rb"[A-Za-z_]\w{0,80}=(?!=)[^\s\"'`<>{}()\[\],;|&]*+[ \t\"'`<>{}()\[\],;|&]")
_ESCAPED = compiled(rb"[^\"'\\\r\n]{4,1024}(?=\\)")
# what redact/ puts in the place of a secret: its last part names it
# and what is left of it when somebody cuts it
_PSEUDONYM = compiled(
    rb"(?:(<redacted:[A-Za-z0-9._\-]{1,96}|e?d:[a-z0-9]{2,40}\.[a-z.\-]{2,60})|[a-z.\-]):[0-9a-f]{0,6}(?:\.{2,3}|\xe2\x80\xa6)?\Z"
)
_COLON_BYTE = 58
_MASKED = compiled(rb"<redacted:[A-Za-z0-9._\-]{1,96}(?::[0-9a-f]{6})?>\s*\Z")
_MORE_VALUES = compiled(rb"[\"'][ \t]?,[ \t]?[bru]?[\"'](?![A-Za-z][\w .\-]{1,47}: )")  # and no column's label
# backwards: `, second, first` from before the last of several names to the beginning of their line
_MORE_NAMES = compiled(rb"[ \t]?,(?:\w{1,40}[ \t]?,){0,3}(?P<first>\w{0,39}[A-Za-z_])[ \t]{0,24}(?=\n|\Z)")
_PLAIN = (b"phrase", b"password", b"memo", b"passphrase_of_client")
_DEFINED = compiled(rb"D[a-z][\w\-]*\.")
_WITH_DIGIT = compiled(rb"[^\s\"'`]{0,64}?[0-9]")
_ESCAPES = (b"n", b"r", b"t")
_LINE_END = compiled(rb"\\(?:r\\?)?n|\\r(?=\\|$)|\xef\xbc[\x8c\x9b\x89]|\xe3\x80[\x81\x82\x8d\x8f]")
"""The end of a line in a string, and what parts a sentence of Chinese or Japanese, which have no spaces."""
_XML_TEXT = compiled(rb"[^<>\r\n]{4,1024}(?=<)")

@lru_cache(maxsize=65_536)
def _sensitive(backwards: bytes) -> bool:
    """Whether a name (as _BACK reads it) could be a credential's."""
    return _SENSITIVE.search(backwards[::-1]) is not None


def assigned(data: bytes, ends: list[tuple[int, int]], wordy: bool = False) -> list[Assigned]:
    """What stands assigned at these ends. One value is given once, with the name nearest to it. `wordy`: also what is a word in
    quotes, where a log must not hold it."""
    out = []
    done: set[int] = set()
    lists: set[int] = set()
    # the rarer forms first: they read a name where the usual ones see but a piece of it
    rare, usual = [item for item in ends if item[0] >= _FORMS], [item for item in ends if item[0] < _FORMS]
    for form, end in rare + usual:
        start = end - FORM_TAILS[form]
        if form >= _FORMS:
            listed = form - _FORMS in LISTS and start not in lists
            if listed:
                lists.add(start)
            if listed or start not in done:
                out += _rare(data, start, form, listed, done)
            continue
        if start in done:
            continue
        done.add(start)
        before = data[start - 1]
        quoted = before in _QUOTE_BYTES
        dull = _DULL_QUOTED if quoted else _DULL_PASS if form else _DULL
        if dull.match(data, start) and not (
            _COMMA_BYTE in data[start - 2 : start] and _COMMA.match(data, start - 2) and _column(data, start)
        ):
            continue
        if quoted:
            following_field = _NEXT_FIELD.get(before)
            if following_field and data[start - 2] in _BREAKS and following_field.match(data, start) and _after_comma(data, start - 1):
                continue
        elif before in _BREAKS and _NEXT_PARAMETER.match(data, start) and _after_comma(data, start):
            continue
        found = _assigned(data, start, form, wordy)
        if found is not None:
            if not found.quote and data[found.end : found.end + 1] == b",":
                out += _several(listed_bare(data, found.name, found.name_start, found.start), b"", form)
            out.append(found)
    return out


def _rare(data: bytes, start: int, form: int, listed: bool, done: set[int]) -> list[Assigned]:
    """All that one of the rarer forms assigns from `start` on, of which `done` is told. `listed`: also each value of a list by what
    the list is called, which is nobody's in particular, after what a venue's key and secret would be."""
    number = form - _FORMS
    values = _several(several(data, start), data[start - 1 : start], form) if listed else []
    if values and number == BLOCK:  # what a list is called says less than what one of it is
        return values
    found = _rarer(data, start, form) if start not in done else None
    if found is None:
        return values
    done.add(start)
    out = [found]
    for name, low, high in following(data, number, start) if number in ROWS else ():
        done.add(low)
        out.append(found._replace(name=name, start=low, end=high))
    return out + values


def _several(values: list[tuple[bytes, int, int, int]], before: bytes, form: int) -> list[Assigned]:
    """The values of a list as if each had been assigned by itself. `before`: what stands before the first one."""
    quote = before if before in _QUOTES else b""
    return [Assigned(name, at, low, high, quote, form, b"=") for name, at, low, high in values]


def _after_comma(data: bytes, end: int) -> bool:
    """Whether a comma and no more than blanks stand before `end`."""
    return data[max(0, end - 61) : end].rstrip(b" \t\r\n").endswith(b",")


def _rarer(data: bytes, start: int, form: int) -> Assigned | None:
    """What one of the rarer forms assigns at `start`."""
    found = named(data, form - _FORMS, start)
    if form - _FORMS in HEADED:
        field = headed(data, start)
        if found is None or not _SENSITIVE.search(field):
            return None
        return Assigned(field, found.start, found.start, found.start + len(found.name), b'"', form, b":")
    if found is None or not _SENSITIVE.search(found.name):
        return None
    if form == _FORMS + INSERTED:  # its rows are read from the end of their head on
        end = found.start + len(found.name)
        return Assigned(found.name, found.start, end, end, b"", form, b"|")
    if form - _FORMS in HEADS or form in (_FORMS + TABLE, _FORMS + TABBED, _FORMS + PAGED):
        return Assigned(found.name, found.start, start, start + 1, b"", form, b"|")
    plain = found.name.lower().endswith(_PLAIN) and found.quote and _WITH_DIGIT.match(data, start)
    dull = _DULL_QUOTED if form == _FORMS + UNPACKED else _DULL_PASS if plain else _DULL
    if dull.match(data, start) and not (_PIPE in data[start - 3 : start] and _column(data, start)):
        return None
    value = _value(data, start, found.quote, b"") or _heading(data, start)
    sep = b"," if form == _FORMS + CELLED else b"=" if found.quote else b":"
    return Assigned(found.name, found.start, *value, found.quote, form, sep) if value else None


def _heading(data: bytes, start: int) -> tuple[int, int] | None:
    """The name of the next column where a short word begins it: | API key | API secret |."""
    size = _column(data, start) if _PIPE in data[start - 3 : start] else 0
    return (start, start + size) if size else None


def _column(data: bytes, start: int, end: int = 1 << 62) -> int:
    """How many bytes a text between `start` and `end` has up to the end of a word for a credential in it; 0 if there is none."""
    found = _COLUMN.match(data[start : min(start + _LONGEST_COLUMN, end)].lower())
    return found.end() if found else 0


def _assigned(data: bytes, start: int, form: int, wordy: bool) -> Assigned | None:
    """The name and the whole value of the assignment whose value starts at `start`."""
    before = data[max(0, start - _LOOK_BACK) : start][::-1]
    back = _BACK.match(before)
    if back is None:
        return None
    quote, gap, sep, _, written = back.groups()
    quote, name = quote[::-1], back
    sep = b"=" if sep[:1] == b"(" and sep[-1:] == b"=" else sep  # NAME = ( and the value on the next line
    if form != _SQL and not _sensitive(written):
        outer = _OUTER.match(before, back.end()) if form != _OPTION else None
        if outer is None or not _sensitive(outer["name"]):
            return None
        name, sep = outer, (outer["sep"] if sep == b"(" else sep)
    if form <= _PASSWORDS and (not sep or (not quote and sep in _ONE_LINE and b"\n" in gap)):
        return None
    if form == _SQL and not quote and not _ABOUT_USERS.search(data, max(0, start - _LOOK_BACK), start):
        return None  # the key identified by its number
    given = sep == b":" and data[start : start + 1] == b"-" and before[name.end() : name.end() + 2] == b"{$"
    name_end, start = name.end() + given, start + given  # ${NAME:-value}: what a shell takes if it is not set
    # the next parameter is none, which _listed would say, too
    value = None if sep == b"(" and not quote and _KEYWORD.match(data, start) else _value(data, start, quote, sep)
    if value is None:
        return None
    written = b"identified_by" if form == _SQL and name["name"].lower() == b"yb" else name["name"][::-1]
    left = before[name.end() : name.end() + 2]
    if sep == b"," and quote and not _IN_CALL.match(before, name.end("close")):
        pair = _IN_BRACES.match(before, name.end("close")) and _TWO_IN_BRACES.match(data, value[1])
        option = left == b"--" and _DIGIT.search(data, *value)  # ["redis-server", "--requirepass", "v"]
        sep = b"=" if option else b"riap" if pair else b"tsil"
    elif sep == b"," and not quote and left[:1] in _LINE_ENDS and data[value[1] : value[1] + 1] in _LINE_ENDS:
        sep = b"="  # a line of a table
    named_at = start - name_end
    if left[:1] == b"\\" and written[:1] in _ESCAPES and _SENSITIVE.search(written, 1):
        written, named_at = written[1:], named_at + 1  # "key: ...\nsecret: ..." in a string
    if left[:1] == b"-" and _DEFINED.match(written):
        written, named_at = written[1:], named_at - 1  # -Dvenue.key=v, for a Java machine
    if quote and sep == b"=" and b"," in left and _MORE_VALUES.match(data, value[1]):
        names = _MORE_NAMES.match(before, name.end())  # key, secret = "k", "s": the first value is the first name's
        if names is not None:
            written, named_at = names["first"][::-1], start - names.end()
    found = Assigned(written, named_at, *value, quote, form, sep[::-1], name["close"][::-1])
    return None if _code(data, found, left, wordy) or _echo(data, found) else found


def _echo(data: bytes, found: Assigned) -> bool:
    """Whether a value is its own name in another spelling: private_get_orders = privateGetOrders."""
    if found.quote or not -8 <= len(found.name) - (found.end - found.start) <= 24:
        return False
    value = data[found.start : found.end].lower()
    return found.name.lower().replace(b"_", b"").endswith(value.replace(b"_", b""))


_LETTERS = compiled(rb"[A-Za-z]{8,15}")
_STRANGE = 20
"""How strange letters must be to be no words: names in code come to 15 (gates/likeness.strangeness)."""
_ENDS_LINE = compiled(rb"[ \t]*(?:\r?\n|\x00|\Z)")


def _random(data: bytes, found: Assigned) -> bool:
    """Whether a short value in quotes, or the rest of a line, is of letters alone and yet no word: some venues' keys are."""
    if not _LETTERS.fullmatch(data, found.start, found.end):
        return False
    if not found.quote and not (found.sep in (b":", b"=", b"?=", b":=") and _ENDS_LINE.match(data, found.end)):
        return False
    from leakguard.detect.gates.grams import strangeness

    return strangeness(data[found.start : found.end]) >= _STRANGE


_PROOF = compiled(rb"(?i)credential|authori[sz]ation|signature")


def _code(data: bytes, found: Assigned, left: bytes, wordy: bool) -> bool:
    """Whether name and value together are no assignment: the next parameter or field, a word, a type. `left` is what
    stands before the name, backwards; `wordy`: what proves who somebody is may be a word in quotes."""
    if found.sep in _LISTS and _listed(data, found):
        return True
    if found.form != _SQL and found.sep != b"," and found.end - found.start < 16 and plain(found.name):
        if wordy and found.quote and _PROOF.search(found.name):
            return False
        return not _DIGIT.search(data, found.start, found.end) and not _random(data, found)
    if found.sep == b":" and left[:1] == b"/" and data.endswith(b"checksum/", 0, found.name_start):
        return True  # checksum/secret: of a file, so that a pod is made anew when it changes
    if left == b"{$" and found.sep == b":" and data[found.start : found.start + 1] == b"?":
        return True  # ${NAME:?what is said if it is not set}
    if left[:1] == b":" and found.sep == b":" and not found.quote and data[found.start - 1 : found.start] == b":":
        return found.name == b"secret"  # arn:aws:secretsmanager:eu-west-1:123456789012:secret:name
    # "AWS::KMS::Key" is a type; $Self->{'Mail::AuthPassword'} = is not
    return left == b"::" and found.close != b"" and found.sep != b"="


def _value(data: bytes, start: int, quote: bytes, sep: bytes) -> tuple[int, int] | None:
    """Where a value that is taken to start at `start` starts and ends, by the quote and the separator before it."""
    if not quote:
        if sep == b">":
            if _MASKED.search(data, max(0, start - 120), start):
                return None
            found = _XML_TEXT.match(data, start)
            return (start, start + len(found.group().rstrip())) if found else None
        tag = _TAG.match(data, start) if data[start] == _EXCLAMATION else None
        if tag is not None:  # pass: !!str "v", of YAML
            start = tag.end()
            inner = _QUOTED.get(data[start : start + 1])
            found = inner.match(data, start + 1) if inner else None
            if found is not None:
                return found.span()
        found = _BARE.match(data, _past_scheme(data, start))
        if found is None:
            return None
        start, end = found.span()
        if data[start] in _TYPOGRAPHIC:
            start, end = _unquoted(data, start, end)
        line = _LINE_END.search(data, start + 4, end)  # a text in a string: the line ends there
        if line is not None:
            end = line.start()
        end = _before_question(data, start, end)
        end = _without_stop(data, start, end)
        if sep == b"=":
            end = _of_command(data, start, end)
        if end - start < 10 and data[start - 1] == _COLON_BYTE:
            part = _PSEUDONYM.search(data, max(0, end - 120), end)
            if part is not None and (part[1] or (end - start == 6 and data[end : end + 1] == b">")):
                return None
        return (start, end) if end - start >= 4 else None
    past = _past_scheme(data, start)
    span = _quoted(data, past, quote)
    # "token_expired": "Token abgelaufen": a sentence, and no scheme
    return None if span and past > start and _ONE_WORD.fullmatch(data, *span) else span


_ONE_WORD = compiled(rb"[A-Za-z]?[a-z\x80-\xff]{2,24}[.!]?")


def _without_stop(data: bytes, start: int, end: int) -> int:
    """The end of a bare value without what ends a sentence; an element's text ends where its tag does, and no sentence with it."""
    if data[end : end + 2] != b"</":
        while end > start and data[end - 1] in _TRAILING:
            end -= 1
    return end


def _quoted(data: bytes, start: int, quote: bytes) -> tuple[int, int] | None:
    """A quoted value. A token of some services has a thousand letters and more: its beginning tells of it as that of a bare one does."""
    found = (_ESCAPED if _BACKSLASH in quote else _QUOTED[quote[-1:]]).match(data, start)
    if found is None or found.end() - start > MOST:
        found = _LONG.match(data, start) or found
    return found.span() if found else None


# NAME=a&b on a line of its own: in a password; in an address `&` parts it from the next parameter
_AMPERSANDS = compiled(rb"(?:&[^\s&=\"'`<>()]{1,64}){1,8}(?=[ \t]*(?:\r?\n|\Z))")
_OWN_LINE = compiled(rb"[ \t]*(?:-[ \t]+|export[ \t]+|set[ \t]+)?[A-Za-z_][\w.\-]*[ \t]*=[ \t]*")


def _with_ampersands(data: bytes, start: int, end: int) -> int:
    """The end of a bare value that data[start:end] is the beginning of, if its line is an assignment and nothing else."""
    more = _AMPERSANDS.match(data, end)
    line = data.rfind(b"\n", max(0, start - 120), start) + 1
    return more.end() if more is not None and _OWN_LINE.fullmatch(data, line, start) else end


_KEYWORD = compiled(rb"[A-Za-z_]\w*=(?!=)")
_NEXT_QUESTION = compiled(rb"\?[A-Z]\w{1,40}=")


def _before_question(data: bytes, start: int, end: int) -> int:
    """The end of a bare value before the next of Map?ServerPassword=v?Port=7777, of the servers of games."""
    asked = data.find(b"?", start + 4, end)
    return asked if asked > 0 and _NEXT_QUESTION.match(data, asked) else end


_SED_ENDS = compiled(rb"/[gI]{0,2}\Z")
_SED_BEGINS = compiled(rb"[\s'\"{;]s/[^/\n]{1,80}/[^/\n]{0,80}\Z")


def _of_command(data: bytes, start: int, end: int) -> int:
    """The end of a bare value behind `=`: before the slash where sed writes it, `sed -i 's/NAME=.*/NAME=v/' .env`; behind ampersands."""
    if data[end : end + 1] == b"&":
        return _with_ampersands(data, start, end)
    slash = _SED_ENDS.search(data, end - 3, end) if b"/" in data[end - 3 : end] else None
    return slash.start() if slash and _SED_BEGINS.search(data, max(0, start - 180), start) else end


_TYPOGRAPHIC = frozenset(b"\xe2\xe3\xc2")
_OPENED = compiled(rb"\xe2\x80[\x98-\x9f\xb9]|\xc2\xab|\xe3\x80[\x8c\x8e\x90]")
_CLOSED = compiled(rb"\xe2\x80[\x98-\x9f\xba]|\xc2\xbb|\xe3\x80[\x8d\x8f\x91]")


def _unquoted(data: bytes, start: int, end: int) -> tuple[int, int]:
    """A bare value without the quotes of printed text around it, which no program writes and people's notes have."""
    opened = _OPENED.match(data, start, end)
    if opened is None:
        return start, end
    closed = _CLOSED.search(data, opened.end(), end)
    return opened.end(), closed.start() if closed else end


def _listed(data: bytes, found: Assigned) -> bool:
    """Whether a value after a comma or a bracket is the next parameter or the next field's name."""
    _, _, start, end, quote, *_ = found
    if quote:
        return _FIELD.match(data, end) is not None
    if _KEYWORD.match(data, start, end):
        return True
    # another name of a credential may be the next column's of a table's header: context.py knows
    return not _DIGIT.search(data, start, end) and not _column(data, start, end)


def _past_scheme(data: bytes, start: int) -> int:
    """The start of what stands after `Bearer` and the like."""
    if data[start] not in _SCHEME_INITIALS:
        return start
    scheme = _SCHEME.match(data, start)
    return scheme.end() if scheme else start
