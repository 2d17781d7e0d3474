"""Whose a value is, by names: what in a variable's name, a path or the text around names a provider, and how much that says.

Strengths: a name in the variable's own name is NAMED and its words, one around the value ten times the 1 to 99 of where it
stands, one in the path 500 and its words. Depends on no more than `NEAR` bytes around the value. Knows aliases and no rules.
Imported by context.py, reaches.py, unshaped.py and alike.py.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

from leakguard.detect.assign import PART_NAMES, Assigned, words
from leakguard.detect.mentions import NEAR
from leakguard.detect.patterns import compiled
from leakguard.detect.prepared import ALONE
from leakguard.detect.scope import Place, in_braces, inside, nested_between, place
from leakguard.model import ABOUT

LINE = 84
"""What a name on the value's own line says, of 99."""
STRUCTURE = LINE * 10
"""Evidence from here on is of the object, call, section or line a value stands in."""
MOST_NAMES = 65_536
"""Names of variables about which something is remembered."""
CLOSE = 700
"""Evidence from here on is of the paragraph, before the value."""
NAMED = 1000
"""Evidence from here on is a name in the variable's own name."""
OTHERS = 70
"""What a name in another object before it says, on the value's line: less than any in those that it stands in, and as much as on
another line."""
WEAK = 500
"""Evidence below this (a name in another paragraph) lowers the confidence by one."""
PATH, ABOUT_IT, READ = "named in the path", "named in what it is part of", "named where it is read"
_OBJECT_ID = compiled(r"(?<=blob/)[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")
"""What git calls an object: of its digits some are a provider's name by chance."""
_HOUSE = compiled(
    r"(?<![^/])(?:(?:exchanges?|venues?|brokers?|connectors?)/([a-z]\w{1,20}?)"
    r"|([a-z]\w{1,20}?)[_\-](?:connector|exchange|bot|trader|trading|adapter|(?:sub[_\-]?)?accounts?|subs|api[_\-]keys?|keys?|secret|creds|credentials)"
    r"|([a-z]\w{1,20}?)(?=\.(?:ini|json|ya?ml|toml|env|conf|cfg|csv|properties|keys?)\Z))(?![^/.])"
)
_HOME = compiled(
    r"(?:\A|/)(?:\.(?:config|local/share|local/state)/(?:configstore/)?|(?:library/)?application support/|library/preferences/"
    r"|appdata/(?:roaming|local)/)(?:com\.)?(?P<app>[a-z][\w\-]{1,30}?)(?:\.cli|-nodejs)?(?:/[\w\-./]{1,60})?(?:\.\w{2,5})?\Z"
    r"|(?:\A|/)\.(?P<dot>[a-z][\w\-]{1,30})/(?:config|credentials?|creds|settings|auth|state|tokens?|session|profiles?|account|login|cli|user)"
    r"(?:\.(?:json|ya?ml|toml|ini|conf|env))?\Z"
    r"|(?:\A|/)\.(?P<own>[a-z][\w\-]{1,30}?)(?:-?(?:rc|credentials?|config|token|auth|cfg))?(?:\.(?:json|ya?ml|toml|ini|conf|cfg))?\Z"
)
"""Where a tool keeps what its user signed in with: ~/.config/TOOL/..., ~/.TOOL/credentials, ~/.TOOLrc."""
_PIPELINES = frozenset({"circleci", "github", "gitlab", "buildkite", "drone", "travis", "appveyor"})
"""Folders of a repository that are called as a service's tool's are: what its jobs use is anybody's."""
_MOST_ABOUT = 9
"""Things that a member is about: the nearest of more count, and none as much as what stands in the value's paragraph."""
_LONGEST_REST = 10
"""Letters of what may follow a provider's name of six letters or more in one word: whose account."""


_ANYBODYS = compiled(
    r"(?:\A|(?<=/))(?:\.gitlab-ci[\w.\-]*|\.github/|\.gitlab/|\.circleci/config\.yml|\.travis\.yml|\.drone\.yml|\.buildkite/|netlify\.toml"
    r"|vercel\.json|fly\.toml|render\.ya?ml|railway\.(?:json|toml)|heroku\.yml|bitbucket-pipelines\.yml)"
)
"""Files and folders that say where a program runs: what it is given there is of all the services that it uses."""


class Evidence(NamedTuple):
    """Why a provider was taken for the one a value belongs to."""

    provider: str
    strength: float
    reason: str


class Providers:
    """Which providers' aliases are among words. Remembers what it was asked, up to MOST_NAMES names."""

    def __init__(self, aliases: dict[str, str]) -> None:
        self.aliases = aliases
        self._words: dict[tuple[str, ...], list[tuple[int, str]]] = {}
        self._path: tuple[str, list[tuple[int, str, str]]] = "", []

    @cached_property
    def _begins(self) -> list[str]:
        """All aliases, in order: what a word begins is found by bisection."""
        return sorted(self.aliases)

    def in_path(self, path: str) -> list[tuple[int, str, str]]:
        """(strength, provider, reason) of the aliases in the path of the file and in what it is about: the same for all values
        in it."""
        of, known = self._path
        if of != path:
            *abouts, name = path.split(ABOUT)
            abouts = [about for about in abouts if not about.startswith("$")]
            name = _ANYBODYS.sub("", _OBJECT_ID.sub("", name))
            known = [(500 + size, provider, PATH) for size, provider in self.in_words(path_words(name[-120:]))]
            known += [(501, provider, PATH) for provider in self._housed(name[-120:])]
            for near, about in enumerate(abouts[-_MOST_ABOUT:], 1):
                known += [(500 + 5 * near + size, provider, ABOUT_IT) for size, provider in self.in_words(path_words(about[:120]))]
            self._path = path, known
        return known

    def in_reader(self, path: str, name: bytes) -> list[tuple[int, str, str]]:
        """The same of what reads a variable of this name, where the path says so (sources/composed.py): its own name for it says as
        much as the variable's would, and its service as what a value stands in."""
        if "$" not in path or ABOUT not in path:
            return []
        known: dict[str, int] = {}
        for about in path.split(ABOUT)[:-1]:
            variable, _, said = about.partition(" ")
            if variable in ("$*", "$" + name.decode("latin-1")):
                strength = NAMED - 100 if said.replace("_", "").isalnum() and said.isupper() else CLOSE
                for size, provider in self.in_words(path_words(said[:240])):
                    known[provider] = max(known.get(provider, 0), strength + size)
        return [(strength, provider, READ) for provider, strength in known.items()]

    def at_home(self, path: str) -> str:
        """The provider whose own tool a file is the settings of; "" if none."""
        found = _HOME.search(path.lower()[-160:])
        app = found and (found["app"] or found["dot"] or found["own"])
        if not found or not app or (app in _PIPELINES and not found[0].endswith(("cli.yml", "rc", "credentials", "/token"))):
            return ""
        squashed = app.replace("-", "").replace("_", "")
        known = self.aliases.get(squashed) or self.aliases.get(squashed.removesuffix("cli"))
        return known.removeprefix(ALONE) if known else ""

    def _housed(self, path: str) -> list[str]:
        """The providers called by a plain word that a folder or a file is named after, where the path says that it is a venue's."""
        found = (self.aliases.get(match[1] or match[2] or match[3]) for match in _HOUSE.finditer(path.lower()))
        return [provider[1:] for provider in found if provider is not None and provider.startswith(ALONE)]

    def in_words(self, name: tuple[str, ...]) -> list[tuple[int, str]]:
        """(words, provider) of the aliases among a name's words; of two that overlap the longer one."""
        known = self._words.get(name)
        if known is None:
            if len(self._words) > MOST_NAMES:
                self._words.clear()
            known = self._words[name] = self._aliased(name)
        return known

    def _aliased(self, name: tuple[str, ...]) -> list[tuple[int, str]]:
        out: list[tuple[int, str]] = []
        at = 0
        begins = self._begins
        while at < len(name):
            near = bisect_left(begins, name[at])
            if near == len(begins) or not begins[near].startswith(name[at]):
                glued = self._glued(name[at])
                out += [(1, glued)] if glued else []
                at += 1  # no alias begins with this word
                continue
            for size in range(min(4, len(name) - at), 0, -1):
                provider = self.aliases.get("".join(name[at : at + size]))
                if provider is not None and provider.startswith(ALONE):
                    # a plain word: it begins the name, or only words for parts come after it, or before it
                    alone = not at or PART_WORDS.issuperset(name[at + size :]) or PART_WORDS.issuperset(name[:at])
                    provider = provider[1:] if alone else None
                if provider is not None:
                    out.append((size, provider))
                    at += size - 1
                    break
            at += 1
        return out

    def _glued(self, word: str) -> str | None:
        """The provider that begins a word which nothing parts from what is said of it: digifinexkey, hitbtcmain."""
        for size in range(len(word) - 2, 2, -1):
            rest = word[size:]
            if rest in _COMMON or rest in PART_WORDS or (2 < len(rest) <= _LONGEST_REST and size > 5):
                provider = self.aliases.get(word[:size])
                if provider is not None and not provider.startswith(ALONE):
                    return provider
        return None


def path_words(text: str) -> tuple[str, ...]:
    """The words of a path's part, of whatever bytes it is."""
    return words(text.encode("utf-8", "surrogateescape"))


def tie(assigned: Assigned, mention: tuple[int, int, str]) -> float:
    """Of two that stand alike the nearer one, and the one before rather than the one after."""
    start, end, _ = mention
    distance = assigned.start - end if end <= assigned.start else start - assigned.end
    return 9 - 9 * distance / NEAR - (3 if start > assigned.start else 0)


PART_WORDS = frozenset(word for _, runs in PART_NAMES for run in runs for word in run.split("_"))
# Words that say nothing of whose a credential is.
_COMMON = frozenset(
    "bots exch excg inp input param params trad brok broker arb arbitrage grid dca hedge maker taker scalp scalper sniper strategy "
    "leg leg1 leg2 account1 account2 mainnet paper hard coded hardcoded secondary primary tmp temp prev previous str string "
    "secrets mbx txc aggr coins nova open rest venue and with then also your our their please paste here enter send give "
    "static private const alt personal work office desk fund pool client customer "
    "freqtrade hummingbot jesse octobot gekko passivbot superalgos spec specification builder setting "
    "a account accounts admin api app auth backup base bot cfg client cls cold config conf const core cred ctx creds "
    "credential credentials cassandre ccxt crypto data def default demo dev dex env exchange export ex first future "
    "futures global host hot http https id ids info inner java let live local main margin master me mode my name new "
    "node number nr obj of old one option options opts own params perp perpetual port prod production public py pub "
    "read real ro root rw sandbox second self server service session set setting settings spot sub swap test testing "
    "testnet the this token trade trader trading two ui uri url us user users usr val value values var wallet web "
    "write x y z".split()
)  # fmt: skip


def foreign(name: Sequence[str]) -> tuple[str, ...]:
    """A name's own words that are neither a part's nor common ones: whose it is, perhaps."""
    return tuple(word for word in name if len(word) > 2 and not word.isdigit() and word not in _COMMON and word not in PART_WORDS)


def keep(found: dict[str, Evidence], provider: str, strength: float, reason: str) -> None:
    if provider not in found or found[provider].strength < strength:
        found[provider] = Evidence(provider, strength, reason)


def _beside(data: bytes, where: Place, span: tuple[int, int]) -> tuple[int, str] | None:
    """What a name in the object that a value stands in says of it; None for one beyond the innermost that has it."""
    for depth, outer in enumerate(where.objects):
        if inside(span, outer):
            if nested_between(data, outer, span[0]):
                # in an object of its own beside the value's: of JSON on one line the line says nothing
                own = inside(span, where.line) and in_braces(data, outer, span[0])
                return (OTHERS - 15 * (span[0] > where.objects[0][0]), "named on its line") if own else None
            other = _KEY_OF_OBJECT.match(data, span[1])
            if other is None or any(other.end() - 1 == opener for opener, _ in where.objects):
                return 90 - 6 * depth, "named beside it"
            return 20, "named before it"
    return None


def _strength(data: bytes, where: Place, start: int, end: int) -> tuple[int, str]:
    """How much a provider's name at [start, end) says about a value in `where`, 1 to 99, and in words."""
    span = (start, end)
    for depth, head in enumerate(where.heads):
        if inside(span, head):
            return 95 - 2 * depth, "named by what it stands in"
    beside = _beside(data, where, span)
    if beside is not None:
        return beside
    if inside(span, where.line):
        return LINE, "named on its line"
    if where.block[0] > where.paragraph[0] and inside(span, where.block):
        return 80, "named beside it"
    if inside(span, where.paragraph):
        if end > where.line[0]:
            return 55, "named just after it"
        return (70, "named just before it") if start >= where.section[0] else (40, "named before it")  # another section's
    if end <= where.paragraph[0] and _is_title(data, start, end, where.paragraph[0]):
        return 60, "named in the title above it"
    if inside(span, where.section):
        return (45, "named before it") if end <= where.line[0] else (30, "named after it")
    return (40, "named before it") if end <= where.line[0] else (20, "named after it")


_TITLE = compiled(rb"[\w .\-()&/]{0,30}(?:\*\*|__)?:?(?:\*\*|__)?[ \t]{0,4}(?:\r?\n[=\-~]{2,60})?\s*")


def _is_title(data: bytes, start: int, end: int, paragraph: int) -> bool:
    """Whether a name at [start, end) stands in a title, and the paragraph comes after it with nothing but blank lines between."""
    low = data.rfind(b"\n", max(0, start - 40), start) + 1
    return start - low <= 30 and _TITLE.fullmatch(data, end, paragraph) is not None


_KEY_OF_OBJECT = compiled(rb"[\w \-.]{0,24}[\"'`]\s{0,4}(?::|=>)\s{0,8}[{\[]")
"""A name that is the key of an object, up to where that opens: it speaks for what is in there, and for nothing beside it."""


def by_strength(evidence: Evidence) -> tuple[float, str]:
    return -evidence.strength, evidence.provider


def near(data: bytes, assigned: Assigned, around: list[tuple[int, int, str]], found: dict[str, Evidence]) -> None:
    """Adds the evidence of names around a value, by where they stand in its surroundings."""
    if not around:
        return
    where = place(data, assigned.name_start, assigned.end)
    for mention in around:
        start, end, provider = mention
        strength, reason = _strength(data, where, start, end)
        keep(found, provider, strength * 10 + tie(assigned, mention), reason)
