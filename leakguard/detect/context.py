"""Values that only their name or surroundings explain: assignments, fields, headers, call arguments, options.

Stage 1 reports where something that is named like a credential is given a value. Here the name and the value are
cut out, the provider is looked for (in the name, in what encloses it, near it), and the `shape` rule that fits both
is chosen; a value no provider explains is left to the rules of the generic packs.

Adding a provider adds data only: aliases, shapes and names of its pack. Knows no files; depends on no more than
`NEAR` bytes around the value. Imported by engine.py only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from leakguard.detect.gates import Candidate
from leakguard.model import Rule, RuleSet

NEAR = 1500
"""Bytes before a value in which its provider may be named; half as many after it."""

_WORD = (
    r"(?:pass|pwd|psw|secret|token|key|auth|cred|priv|sign|seed|mnemonic|salt|session|cookie|hook|licen[sc]e"
    r"|phrase|login|access)"
)
_TAIL = 5
"""Every trigger ends this many bytes into the value."""

# One pattern where several would do: eight of them compiled four times as long and ran at half the speed.
TRIGGERS: tuple[str, ...] = (
    # name = "value", "name": value, \"name\": \"value\", set_name("value"), put("name", "value"), name: type = "value",
    # <add key="name" value="value">, <name>value</name>
    r"(?i)" + _WORD + r"[\w.\-]{0,20}[\"'`\])}\\]{0,3}[ \t]{0,8}"
    r"(?:(?:=>|[:?+|]?={1,3}|:|[,(]|value=|content=|default=|:[ \t]?[\w.\[\]&<>|?]{2,20}[ \t]?=)[ \t\r\n]{0,8}"
    r"(?:[bfru@$]?[\"'`\\]{1,4}[^\s\"'`\\]{5}|[^\s\"'`\\<>{}()\[\],;|$=:&]{5})"
    r"|>[ \t]{0,4}[^\s\"'<>]{5})",
    # --name value
    r"--\w[\w\-]{2,40} [\"']?[^\s\"'\-$<>{}()][^\s\"'<>{}()]{4}",
    # IDENTIFIED BY 'value', PASSWORD 'value'
    r"(?i)(?:password|identified by)[ \t]{1,3}[\"'][^\s\"']{5}",
)  # fmt: skip
_OPTION = 1


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


class Evidence(NamedTuple):
    """Why a provider was taken for the one a value belongs to."""

    provider: str
    strength: int
    reason: str


# Reversed: from the value's first byte back over its quote, the separator and the closing of the name.
_LEFT = (
    rb"(?r)(?P<name>[A-Za-z_$@][\w.$\-]{0,79}(?:\[[\"'][\w.\-]{1,60})?)(?P<close>[\"'`\])}\\]{0,4})"
    rb"(?P<sep>[ \t]{0,8}(?:=>|:[ \t]?[\w.\[\]&<>|?]{2,20}[ \t]?=|[:?+|!]?={1,3}|:|[,(]|(?:value|content|default)=|>)"
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
_KIN = {
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


def part_of(name: Sequence[str]) -> str:
    """The part that a name's words speak for; "" if none."""
    text = f"_{'_'.join(name)}_"
    for part, runs in PART_NAMES:
        for run in runs:
            if f"_{run}_" in text or (len(run) > 6 and run.replace("_", "") in text.replace("_", "")):
                return part
    return ""


class Context:
    """The contextual half of the engine. `judge(rule index, candidate)` runs a rule's gates."""

    def __init__(self, ruleset: RuleSet, judge: Callable[[int, Candidate], int]) -> None:
        self.judge = judge
        self._left: Any = None
        self._shapes: dict[int, Any] = {}
        self._names: dict[int, tuple[str, ...]] = {}
        self.rules = ruleset.rules
        self.generic: list[int] = []
        self.providers: set[str] = set()
        self.by_shape: dict[str, list[int]] = {}
        self._by_size: dict[int, list[tuple[Any, list[int]]]] = {}
        for index, rule in enumerate(ruleset.rules):
            if not rule.shape:
                continue
            if rule.generic:
                self.generic.append(index)
            else:
                self.providers.add(rule.provider)
                self.by_shape.setdefault(rule.shape, []).append(index)
        self.aliases: dict[str, str] = {}
        for venue in ruleset.venues:
            if venue.provider not in self.providers:
                continue
            for alias in (*venue.aliases, *venue.hosts):
                self.aliases.setdefault(_squash(alias), venue.provider)

    # ------------------------------------------------------------ extraction
    def hits(self, data: bytes, ends: list[tuple[int, int]], path: str) -> list[Any]:
        """The contextual matches behind stage-1 ends (trigger number, end offset)."""
        from leakguard.detect.engine import Hit

        out: list[Hit] = []
        seen: set[tuple[int, int]] = set()
        for assigned in self.assigned(data, ends):
            span = (assigned.start, assigned.end)
            if span in seen:
                continue
            seen.add(span)
            chosen = self.choose(data, assigned, path)
            if chosen is None:
                continue
            index, candidate, confidence, reasons = chosen
            out.append(
                Hit(
                    index, assigned.name_start, assigned.end, candidate.start, candidate.end, confidence,
                    assigned.name.decode("latin-1"), tuple(candidate.facts.items()), reasons,
                )
            )  # fmt: skip
        return out

    def assigned(self, data: bytes, ends: list[tuple[int, int]]) -> list[Assigned]:
        """What stands assigned at these ends. One value is given once, with the name nearest to it."""
        if self._left is None:
            import regex

            self._left = regex.compile(_LEFT)
        out = []
        done: set[int] = set()
        for form, end in ends:
            start = end - _TAIL
            if start in done:
                continue
            done.add(start)
            if _DULL.match(data, start):
                continue
            left = self._left.match(data, max(0, start - 160), start)
            if left is None or (form == _OPTION and not _SENSITIVE.search(left.group("name"))):
                continue
            value = _value(data, start, left.group("quote"), left.group("sep"))
            if value is not None:
                out.append(Assigned(left.group("name"), left.start(), value[0], value[1], left.group("quote"), form))
        return out

    # ------------------------------------------------------------ choice of a rule
    def choose(
        self, data: bytes, assigned: Assigned, path: str
    ) -> tuple[int, Candidate, int, tuple[str, ...]] | None:
        """The best rule for a value, or None: first a provider's, then the generic ones."""
        value = data[assigned.start : assigned.end]
        name = words(assigned.name)
        fitting = self._fitting(value)
        if fitting:
            for evidence in self._evidence(data, assigned, name, {self.rules[i].provider for i in fitting}):
                for index in self._by_name(fitting, evidence.provider, name):
                    candidate = Candidate(data, assigned.start, assigned.end, assigned.name, path=path)
                    confidence = self.judge(index, candidate)
                    if confidence:
                        return index, candidate, confidence, (evidence.reason,)
        for index in self._by_name(self.generic, "", name):
            if not self._shape(index).fullmatch(value):
                continue
            candidate = Candidate(
                data, assigned.start, assigned.end, assigned.name,
                {"quote": assigned.quote, "form": b"%d" % assigned.form}, path,
            )  # fmt: skip
            confidence = self.judge(index, candidate)
            if confidence:
                return index, candidate, confidence, ("name",)
        return None

    def _fitting(self, value: bytes) -> list[int]:
        """Shape rules whose shape the whole value has. Rules that share a shape are tried once."""
        size = len(value)
        shapes = self._by_size.get(size)
        if shapes is None:
            shapes = self._by_size[size] = [
                (self._shape(indexes[0]), indexes)
                for indexes in self.by_shape.values()
                if self.rules[indexes[0]].width[0] <= size <= self.rules[indexes[0]].width[1]
            ]
        return [index for shape, indexes in shapes if shape.fullmatch(value) for index in indexes]

    def _shape(self, index: int) -> Any:
        shape = self._shapes.get(index)
        if shape is None:
            import regex

            shape = self._shapes[index] = regex.compile(self.rules[index].shape.encode())
        return shape

    def _named(self, index: int, name: Sequence[str]) -> bool:
        text = f"_{'_'.join(name)}_"
        return any(f"_{'_'.join(words(own.encode()))}_" in text for own in self.rules[index].names)

    def _by_name(self, fitting: list[int], provider: str, name: Sequence[str]) -> list[int]:
        """The provider's fitting rules, best name first: its own names, then the part's, then its kin's."""
        part = part_of(name)
        ranked = []
        for index in fitting:
            rule = self.rules[index]
            if provider and rule.provider != provider:
                continue
            if self._named(index, name):
                rank = 0
            elif rule.part == part:
                rank = 1
            elif part in _KIN.get(rule.part, ()):
                rank = 2
            else:
                continue
            ranked.append((rank, index))
        return [index for _, index in sorted(ranked)]

    # ------------------------------------------------------------ evidence of a provider
    def _evidence(
        self, data: bytes, assigned: Assigned, name: Sequence[str], providers: set[str]
    ) -> list[Evidence]:
        """Providers named in the name, then near the value, strongest first."""
        found: dict[str, Evidence] = {}
        for provider in self._in_words(name):
            if provider in providers:
                found.setdefault(provider, Evidence(provider, 100, "named in the variable"))
        if not found:
            for provider, strength, reason in self._near(data, assigned):
                if provider in providers and found.get(provider, Evidence("", 0, "")).strength < strength:
                    found[provider] = Evidence(provider, strength, reason)
        return sorted(found.values(), key=_by_strength)

    def _in_words(self, name: Sequence[str]) -> list[str]:
        out = []
        for i in range(len(name)):
            run = ""
            for word in name[i : i + 4]:
                run += word
                provider = self.aliases.get(run)
                if provider is not None:
                    out.append(provider)
        return out

    def _near(self, data: bytes, assigned: Assigned) -> list[tuple[str, int, str]]:
        """(provider, strength, reason) of aliases around a value: same line, lines before, lines after."""
        line_start = data.rfind(b"\n", max(0, assigned.start - NEAR), assigned.start) + 1
        line_end = data.find(b"\n", assigned.end, assigned.end + NEAR)
        line_end = line_end if line_end >= 0 else min(len(data), assigned.end + NEAR)
        low = max(0, assigned.start - NEAR)
        out = []
        for text, base, reason in (
            (data[max(line_start, low) : assigned.start], 90, "named on its line"),
            (data[assigned.end : line_end], 80, "named on its line"),
            (data[low : max(line_start, low)], 60, "named before it"),
            (data[line_end : line_end + NEAR // 2], 30, "named after it"),
        ):
            pieces = words_near(text)
            total = len(pieces)
            for at, provider in self._aliases_at(pieces):
                nearness = at if base >= 60 else total - at
                out.append((provider, base + (20 * nearness) // (total + 1), reason))
        return out

    def _aliases_at(self, pieces: Sequence[str]) -> list[tuple[int, str]]:
        out = []
        get = self.aliases.get
        for i, word in enumerate(pieces):
            provider = get(word)
            if provider is not None:
                out.append((i, provider))
            elif i + 1 < len(pieces):
                provider = get(word + pieces[i + 1])
                if provider is not None:
                    out.append((i, provider))
        return out


def words_near(text: bytes) -> list[str]:
    """The words of a stretch of text, as in `words`."""
    return [piece.decode().lower() for piece in _PIECES.findall(text)]


def _squash(alias: str) -> str:
    return "".join(words(alias.encode()))


def _by_strength(evidence: Evidence) -> tuple[int, str]:
    return -evidence.strength, evidence.provider


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


__all__ = ["TRIGGERS", "Assigned", "Context", "part_of", "words"]


def rule_names(rule: Rule) -> tuple[str, ...]:
    """The names a shape rule listens to, for `rules show`."""
    own = tuple("_".join(words(name.encode())) for name in rule.names)
    return own + next((runs for part, runs in PART_NAMES if part == rule.part), ())
