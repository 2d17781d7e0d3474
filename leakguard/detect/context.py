"""Values that only their name or surroundings explain: assignments, fields, headers, call arguments, options.

Stage 1 reports where something that is named like a credential is given a value. Here the name and the value are
cut out, the provider is looked for (in the name, in what encloses it, near it), and the `shape` rule that fits both
is chosen; a value no provider explains is left to the rules of the generic packs.

Adding a provider adds data only: aliases, shapes and names of its pack. Knows no files; depends on no more than
`NEAR` bytes around the value. Imported by engine.py, reaches.py and twin.py, and by catalogue.py for its tables.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, partial
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from leakguard.detect.assign import KIN, PART_NAMES, Assigned, assigned, part_of, words
from leakguard.detect.forms import unlike_words
from leakguard.detect.gates import Candidate
from leakguard.detect.halves import KEY, PASSPHRASE, REACH, beside, follows_login, phrases_beside, row
from leakguard.detect.hits import Hit
from leakguard.detect.mentions import NEAR, SAID, Find, Mentions
from leakguard.detect.naming import PART_OF_KIND, kind_of, short_for
from leakguard.detect.patterns import compiled
from leakguard.detect.prepared import ALONE, CHOSEN, Prepared
from leakguard.detect.scope import Place, inside, line_of, nested_between, place, stands_free
from leakguard.detect.tables import columned, is_cell, is_header, key_file, rows
from leakguard.model import ABOUT, Confidence, Rule, RuleSet

if TYPE_CHECKING:
    from leakguard.detect.unshaped import Unshaped

_ONE_TIME = frozenset({("signature",), ("sig",), ("sign",), ("signing",), ("nonce",), ("digest",), ("checksum",), ("hash",), ("salt",)})
"""Last words of names whose values are spent once used, or never were secret."""

_LOOKED_UP = frozenset(
    (word,) for word in "cache idempotency partition sort foreign listen lookup unique".split()
)
"""Before `key`: what something is found by, or short-lived."""

LINE = 84
"""What a name on the value's own line says, of 99."""

STRUCTURE = LINE * 10
"""Evidence from here on is of the object, call, section or line a value stands in."""

TIMEOUT = 1.0
"""Seconds a value may be held against a shape. Running into it fails the object, which is said: it is never clean."""

MOST_NAMES = 65_536
"""Names of variables about which something is remembered."""

CLOSE = 700
"""Evidence from here on is of the paragraph, before the value."""

NAMED = 1000
"""Evidence from here on is a name in the variable's own name."""

WEAK = 500
"""Evidence below this (a name in another paragraph) lowers the confidence by one."""

_PATH, _ABOUT = "named in the path", "named in what it is part of"
_OBJECT_ID = re.compile(r"(?<=blob/)[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")
"""What git calls an object: of its digits some are a provider's name by chance."""
_MOST_ABOUT = 9
"""Things that a member is about: the nearest of more count, and none as much as what stands in the value's paragraph."""


_LONGEST_REST = 10
"""Letters of what may follow a provider's name of six letters or more in one word: whose account."""
KEY_REACH = 2 * REACH
"""A key that has a name is the secret's own from this near."""

_SECRETS = frozenset({"api-secret", "client-secret"})
_KEYS = frozenset({"api-key", "client-id", "access-token"})
"""Parts that are one another's other half."""


class Evidence(NamedTuple):
    """Why a provider was taken for the one a value belongs to."""

    provider: str
    strength: int
    reason: str


Chosen = tuple[int, Candidate, int, tuple[str, ...]]
"""A rule for a value: its index, the candidate its gates saw, the confidence, why it was taken."""


class Context:
    """The contextual half of the engine. `judge(rule index, candidate)` runs a rule's gates; `find(data)` gives
    (number of a name in `Prepared.names`, end offset) of every mention of a provider."""

    def __init__(
        self, ruleset: RuleSet, judge: Callable[[int, Candidate], int], find: Find, tables: Prepared
    ) -> None:
        self.judge = judge
        self.find = find
        self._shapes: dict[str, Any] = {}
        self._words: dict[tuple[str, ...], list[tuple[int, str]]] = {}
        self._own: dict[int, tuple[str, ...]] = {}
        self._wordy: dict[tuple[str, ...], bool] = {}
        self._path: tuple[str, list[tuple[int, str, str]]] = "", []
        self.ruleset = ruleset
        self.rules = ruleset.rules
        self._generics: dict[bytes, list[int]] = {}
        self.generic = tables.generic
        self.by_provider = tables.by_provider
        self._chosen = tables.chosen
        self.venues = frozenset(tables.trading)
        self.aliases = tables.aliases
        self.names = tables.names

    @cached_property
    def _runs_of_chosen(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(run for index in self._chosen for run in _runs(self.rules[index])))

    @cached_property
    def _unshaped(self) -> Unshaped:
        from leakguard.detect.unshaped import Unshaped  # most texts have no such value

        return Unshaped(self.ruleset, self.aliases, self._by_name, lambda name: bool(_foreign(name)))

    @cached_property
    def _begins(self) -> list[str]:
        """All aliases, in order: what a word begins is found by bisection."""
        return sorted(self.aliases)

    # ------------------------------------------------------------ extraction
    def hits(
        self, data: bytes, ends: list[tuple[int, int]], path: str, listed: bool = False, rowed: bool = False
    ) -> list[Hit]:
        """The contextual matches behind stage-1 ends (trigger number, end offset). `listed`: the file's name says that
        its lines may be a key and its secret; `rowed`: that rows of it may be."""
        out: list[Hit] = []
        seen: set[tuple[int, int]] = set()
        mentions = Mentions(data, self.find, self.names, len(ends))
        for found in chain(self._values(data, ends), key_file(data, path) if listed else ()):
            span = (found.start, found.end)
            name = words(found.name)
            if name[-1:] in _ONE_TIME or (name[-1:] == ("key",) and name[-2:-1] in _LOOKED_UP) or span in seen:
                continue
            chosen = self.choose(data, found, path, mentions)
            if chosen is not None:
                seen.add(span)  # nobody's by one name, it may be somebody's by another
                out.append(_hit(found, chosen))
        if rowed:
            self._add_rows(data, path, mentions, out)
        secrets = [hit for hit in out if self.rules[hit.rule].part in _SECRETS and self.rules[hit.rule].provider in self.venues]
        if secrets:
            self._add_keys(data, path, secrets, out)
            self._add_phrases(data, path, secrets, out)
        return out

    def has_rows(self, data: bytes) -> bool:
        """Whether there are values that only their row tells of, and no end of the first stage."""
        return any(row(data, end) for _, end in self.find(data))

    def _add_rows(self, data: bytes, path: str, mentions: Mentions, out: list[Hit]) -> None:
        """Adds the keys and secrets of rows that begin with their venue. One of the two alone is a row of something else,
        unless the other is found by a pattern of its own."""
        taken = {hit.secret_start for hit in out}
        for _, end in self.find(data):
            cells = [cell for cell in row(data, end) if cell.start not in taken]
            made = [(cell, chosen) for cell in cells if (chosen := self.choose(data, cell, path, mentions)) is not None]
            own = [self.rules[chosen[0]] for _, chosen in made]
            if not own or own[-1].provider not in self.venues or len({rule.provider for rule in own}) > 1:
                continue
            parts = {rule.part for rule in own}
            if parts.isdisjoint(_SECRETS) or (parts.isdisjoint(_KEYS) and self._has_keys(own[0].provider)):
                continue
            taken.update(cell.start for cell, _ in made)
            out += [_hit(cell, chosen) for cell, chosen in made]

    def _has_keys(self, provider: str) -> bool:
        """Whether a provider has a rule for keys that judges by their names."""
        return any(self.rules[index].part in _KEYS for *_, index in self.by_provider[provider])

    def _add_keys(self, data: bytes, path: str, secrets: list[Hit], out: list[Hit]) -> None:
        """Adds the key that stands beside a secret under a name that says too little, where no other is near."""
        for secret in secrets:
            provider = self.rules[secret.rule].provider
            keys = [index for *_, index in self.by_provider[provider] if self.rules[index].part in _KEYS]
            if not keys or any(_nearest(hit, rivals) is secret for hit, rivals in self._keys_near(secret, secrets, out)):
                continue
            taken = {(hit.secret_start, hit.secret_end) for hit in out}
            for found in beside(data, secret.secret_start, secret.secret_end, partial(self._is_of, provider)):
                if (found.start, found.end) in taken:
                    continue
                made = self._key_of(data, found, provider, keys, path)
                if made is not None:
                    out.append(_hit(found, made))
                    break

    def _add_phrases(self, data: bytes, path: str, secrets: list[Hit], out: list[Hit]) -> None:
        """Adds the passphrase that stands beside a secret in a form that names no value elsewhere, where no other is near: of
        venues that ask for one."""
        for secret in secrets:
            provider = self.rules[secret.rule].provider
            own = [index for *_, index in self.by_provider[provider] if self.rules[index].part == "passphrase"]
            rivals = [hit for hit in secrets if self.rules[hit.rule].provider == provider]
            if not own or any(hit.rule in own and _nearest(hit, rivals) is secret for hit in out):
                continue
            taken = {(hit.secret_start, hit.secret_end) for hit in out}
            for found in phrases_beside(data, secret.secret_start, secret.secret_end):
                if (found.start, found.end) not in taken:
                    made = self._key_of(data, found, provider, own, path, PASSPHRASE)
                    if made is not None:
                        out.append(_hit(found, made))
                        break

    def _is_of(self, provider: str, name: tuple[str, ...]) -> bool:
        """Whether a name has a provider's name in it."""
        return any(named == provider for _, named in self._in_words(name))

    def _keys_near(self, secret: Hit, secrets: list[Hit], out: list[Hit]) -> Iterator[tuple[Hit, list[Hit]]]:
        """The keys of a secret's provider that are near it, with the secrets of that provider."""
        provider = self.rules[secret.rule].provider
        rivals = [hit for hit in secrets if self.rules[hit.rule].provider == provider]
        low, high = secret.secret_start - KEY_REACH, secret.secret_end + KEY_REACH
        for hit in out:
            rule = self.rules[hit.rule]
            if rule.part in _KEYS and rule.provider == provider and low <= hit.secret_start and hit.secret_end <= high:
                yield hit, rivals

    def _key_of(self, data: bytes, found: Assigned, provider: str, keys: list[int], path: str, called: bytes = KEY) -> Chosen | None:
        """The first of a provider's rules for a part that takes a value, whatever it is named."""
        value = data[found.start : found.end]
        if _NO_SECRET.fullmatch(value) or (called is KEY and _WORDY.fullmatch(value) and not unlike_words(value, _HARDLY)):
            return None
        fitting = self._fitting(provider, value, {})
        evidence = Evidence(provider, NAMED, "beside its secret")
        ranked = [(1, index) for index in keys if index in fitting]
        own = path.rpartition(ABOUT)[2]
        return self._judged(ranked, evidence, lambda: Candidate(data, found.start, found.end, called, {"quote": b"", "sep": b"="}, own))

    def _values(self, data: bytes, ends: list[tuple[int, int]]) -> Iterator[Assigned]:
        """What is assigned at these ends; a table's rows for its header; the literal of a lookup's default."""
        heads: set[int] = set()  # where their lines end; the rarer forms come first, so in no order
        for found in assigned(data, ends):
            if is_cell(data, found):
                table = list(columned(data, found))
                if table:
                    yield from table
                    continue
            if not found.quote or found.quote == b"`":
                if is_header(data, found):
                    line = data.find(b"\n", found.end)
                    if line not in heads:
                        heads.add(line)
                        yield from rows(data, found)
                    continue
                literal = _LOOKUP.match(data, found.start) if not found.quote else None
                if literal is not None:
                    low, high = literal.span("value")
                    yield found._replace(start=low, end=high, quote=b'"')
                    continue
                if not found.quote and (_is_code(data, found) or _is_verdict(data, found) or _is_usage(data, found)):
                    continue
            elif found.sep == b"(" and found.name.endswith(b"set_password") and data[found.end + 1 : found.end + 2] == b",":
                continue  # of a keyring: for which service
            yield found

    # ------------------------------------------------------------ choice of a rule
    def choose(
        self, data: bytes, assigned: Assigned, path: str, mentions: Mentions
    ) -> Chosen | None:
        """The best rule for a value, or None: first a provider's, then the generic ones."""
        value = data[assigned.start : assigned.end]
        if _NO_SECRET.fullmatch(value) or value == assigned.name:  # the name of a variable that is looked up
            return None
        labelled = _labelled(data, assigned)
        name = labelled or _words(data, assigned)
        shown = 0
        if name and name[0] in _SHOWN_FIRST:
            shown = next((size for size in (2, 1) if name[:size] in _SHOWN), 0)
            name = name[shown:]  # the framework's prefix says where it goes, not what it is
        if _WORDY.fullmatch(value) and not self._takes_words(name) and not unlike_words(value):
            return None
        groups = {"quote": assigned.quote, "sep": assigned.sep}
        called = b"_".join((labelled[0].encode(), assigned.name)) if labelled else assigned.name
        if shown:
            called = "_".join(name).encode()
        # everybody may see it, unless the name says whose secret looks like one
        # (shorter than 32 bytes in base58 is no public key of any kind, but what some venues call one)
        address = _ADDRESS.fullmatch(value) is not None or (
            len(value) >= _PUBLIC_KEY and _PUBLIC_LOOK.fullmatch(value) and (name[-2:] in _PUBLIC_KEYS or name[-1:] == ("pubkey",))
        )

        def new() -> Candidate:
            return Candidate(data, assigned.start, assigned.end, called, groups, path.rpartition(ABOUT)[2])

        yielding: Chosen | None = None
        for evidence, fitting in self._evidence(data, assigned, name, path, value, mentions):
            if (address and evidence.strength < NAMED) or (yielding and evidence.strength < CLOSE):
                continue
            made = self._judged(self._by_name(fitting, name), evidence, new)
            if made is not None and not self.rules[made[0]].yields:
                chain = evidence.strength >= NAMED and self._is_chains(made[0])
                return (self._venue_around(data, assigned, name, path, value, mentions, new) if chain else None) or made
            yielding = yielding or made
        if yielding:
            return yielding
        shown_key = _UNSHOWN.isdisjoint(name) and (
            _PREFIXED.fullmatch(value) or (_SITE_KEY.fullmatch(value) and (name[-2:] == ("site", "key") or name[-1:] == ("sitekey",)))
        )
        public = shown_key or name[-2:] in _PUBLIC_NAMES or name[-1:] in _PUBLIC_NAMES
        if address or public or _is_badge(data, assigned) or _is_imported(data, assigned) or _HANDSHAKE.match(data, assigned.end):
            return None
        for index in self._generic("_".join(labelled).encode() if labelled else assigned.name):
            if not self._shape(self.rules[index].shape).fullmatch(value, timeout=TIMEOUT):
                continue
            candidate = new()
            confidence = self.judge(index, candidate)
            if confidence:
                told = self._told(data, assigned, path, name, mentions)
                owned = self._unshaped.rule(told, name, candidate, kin=confidence > Confidence.LOW) if told else None
                chosen, reasons = owned or (index, ("named like a secret",))
                return chosen, candidate, confidence, reasons
        return None

    def _is_chains(self, index: int) -> bool:
        """Whether a rule is for the private keys of a chain."""
        return self.rules[index].part == "private-key" and self.rules[index].provider not in self.venues

    def _venue_around(
        self, data: bytes, assigned: Assigned, name: tuple[str, ...], path: str, value: bytes, mentions: Mentions,
        new: Callable[[], Candidate],
    ) -> Chosen | None:
        """The venue that takes a chain's key by its surroundings, whatever chain the variable's own name says: stark_key."""
        for evidence, fitting in self._evidence(data, assigned, name, path, value, mentions, own=False):
            if evidence.strength >= CLOSE and evidence.provider in self.venues:
                made = self._judged(self._by_name(fitting, name), evidence, new)
                if made is not None and not self.rules[made[0]].yields:
                    return made
        return None

    def _told(
        self, data: bytes, assigned: Assigned, path: str, name: tuple[str, ...], mentions: Mentions
    ) -> Evidence | None:
        """The one provider that is named for a value of no documented form: in its name, else close to it, else in the file's name."""
        found: dict[str, Evidence] = {}
        for size, provider in self._in_words(name):
            _keep(found, provider, NAMED + size, "named in the variable")
        if not found:
            self._near(data, assigned, mentions.around(assigned), found)
            if found:
                # of two that stand alike the venue: the letters of a key may be somebody's name
                nearest = min(found.values(), key=lambda each: (-each.strength, each.provider not in self.venues, each.provider))
                return nearest if nearest.strength >= CLOSE else None
            for size, provider in self._in_words(words(_bytes(path.rpartition(ABOUT)[2].rpartition("/")[2]))):
                _keep(found, provider, CLOSE + size, _PATH)
        return next(iter(found.values())) if len(found) == 1 else None

    def _judged(self, ranked: list[tuple[int, int]], evidence: Evidence, new: Callable[[], Candidate]) -> Chosen | None:
        """The first of a provider's rules that takes the value."""
        for rank, index in ranked:
            if evidence.strength < WEAK and rank > 1:
                continue  # a name that fits half and a venue that stands far off are too little together
            candidate = new()
            confidence = self.judge(index, candidate)
            if confidence:
                if evidence.strength < WEAK and confidence < Confidence.CERTAIN:
                    confidence = max(int(Confidence.LOW), confidence - 1)
                return index, candidate, confidence, (evidence.reason,)
        return None

    def _takes_words(self, name: tuple[str, ...]) -> bool:
        """Whether what is so named may be made of plain words: passwords and passphrases, whatever a pack calls them."""
        known = self._wordy.get(name)
        if known is None:
            if len(self._wordy) > MOST_NAMES:
                self._wordy.clear()
            known = self._wordy[name] = (
                part_of(name) in CHOSEN
                or PART_OF_KIND.get(kind_of("_".join(name).encode())) in CHOSEN
                or _holds(self._runs_of_chosen, name)
            )
        return known

    def _generic(self, name: bytes) -> list[int]:
        """The generic rules for a name: of the kind it promises, and those that list it."""
        known = self._generics.get(name)
        if known is None:
            part = PART_OF_KIND.get(kind_of(name))
            known = [i for i in self.generic if self.rules[i].part == part or self._named(i, words(name))]
            if len(self._generics) > MOST_NAMES:
                self._generics.clear()
            self._generics[name] = known
        return known

    def _fitting(self, provider: str, value: bytes, known: dict[str, bool]) -> list[int]:
        """A provider's shape rules whose shape the whole value has. `known`: what shapes were tried on it before."""
        size = len(value)
        out = []
        for least, most, shape, index in self.by_provider.get(provider, ()):
            if least <= size <= most:
                fits = known.get(shape)
                if fits is None:
                    fits = known[shape] = self._shape(shape).fullmatch(value, timeout=TIMEOUT) is not None
                if fits:
                    out.append(index)
        return out

    def _shape(self, text: str) -> Any:
        shape = self._shapes.get(text)
        if shape is None:
            import regex

            shape = self._shapes[text] = regex.compile(text.encode())
        return shape

    def _named(self, index: int, name: Sequence[str]) -> bool:
        own = self._own.get(index)
        if own is None:
            own = self._own[index] = _runs(self.rules[index])
        return bool(own) and _holds(own, name)

    def _by_name(self, fitting: list[int], name: tuple[str, ...]) -> list[tuple[int, int]]:
        """(rank, index) of the provider's fitting rules, best name first: its own names, then the part's, then its kin's."""
        part = part_of(name)
        ranked = []
        for index in fitting:
            rule = self.rules[index]
            if self._named(index, name):
                rank = 0
            elif rule.part == part:
                rank = 1
            elif part in KIN.get(rule.part, ()):
                rank = 1 if name in _LONE_HALVES else 2  # private, beside public: the whole name
            elif part in _SWAPPED and rule.part in _SWAPPED and rule.provider in self.venues:
                rank = 3  # people put the secret where the key belongs: the shape knows better than the name
            else:
                continue
            ranked.append((rank, index))
        return sorted(ranked)

    # ------------------------------------------------------------ evidence of a provider
    def _evidence(
        self, data: bytes, assigned: Assigned, name: tuple[str, ...], path: str, value: bytes, mentions: Mentions, own: bool = True
    ) -> Iterator[tuple[Evidence, list[int]]]:
        """Providers that have a rule of the value's shape and are named in the name, else around the value or in the
        path, with these rules; strongest first. Looks no farther than it is asked to. `own`: in the name, too."""
        fitting: dict[str, list[int]] = {}
        tried: dict[str, bool] = {}

        def fits(provider: str) -> bool:
            if provider not in fitting:
                fitting[provider] = self._fitting(provider, value, tried)
            return bool(fitting[provider])

        found: dict[str, Evidence] = {}
        for size, provider in self._in_words(name) if own else ():
            if fits(provider):
                _keep(found, provider, NAMED + size, "named in the variable")
        if found:
            for evidence in sorted(found.values(), key=_by_strength):
                yield evidence, fitting[evidence.provider]
            return
        given: set[str] = set()
        near = mentions.around(assigned)
        if assigned.said and not any(fits(mention[2]) for mention in near):
            near = mentions.around(assigned, SAID)
        for evidence in self._on_line(data, assigned, near, fits) if near else ():
            given.add(evidence.provider)
            yield evidence, fitting[evidence.provider]
        around = [m for m in near if m[2] not in given and fits(m[2])]
        named = {mention[2] for mention in around}
        if named:
            # where they stand is dear to find out, and says nothing of those that have no rule for such a name
            able = {provider for provider in named if self._by_name(fitting[provider], name)}
            self._near(data, assigned, [mention for mention in around if mention[2] in able], found)
        # a chat on Discord about a venue's keys: the path names where it was held, the text whose they are
        spoken = not named.isdisjoint(self.venues)
        for strength, provider, reason in self._in_path(path):
            if provider not in given and fits(provider):
                # what a container says is for those of whom the text says nothing
                less = 350 if reason is _ABOUT else 60 * (provider not in self.venues)
                _keep(found, provider, strength - less * spoken, reason)
        # COINGLASS_API_KEY below Gate's keys is somebody else's: only what it stands in can say otherwise
        strange = _foreign(name) if found or named else ()
        for evidence in sorted(found.values(), key=_by_strength):
            if (
                not strange
                or evidence.strength >= STRUCTURE
                or any(self._named(index, name) for index in fitting[evidence.provider])
                or all(short_for(word, evidence.provider) for word in strange)
            ):
                yield evidence, fitting[evidence.provider]

    def _on_line(
        self, data: bytes, assigned: Assigned, near: list[tuple[int, int, str]], fits: Callable[[str], bool]
    ) -> list[Evidence]:
        """The evidence of a value's own line where nothing can say more than that: most lines of logs and environment
        files. Empty where something could."""
        line = line_of(data, assigned.name_start, assigned.end)
        found: dict[str, Evidence] = {}
        for mention in near:
            if mention[0] >= line[0] and mention[1] <= line[1] and fits(mention[2]):
                _keep(found, mention[2], LINE * 10 + _tie(assigned, mention), "named on its line")
        if not found or not stands_free(data, assigned.name_start, line):  # nobody is named, mostly: that is cheaper to know
            return []
        return sorted(found.values(), key=_by_strength)

    def _in_path(self, path: str) -> list[tuple[int, str, str]]:
        """(strength, provider, reason) of the aliases in the path of the file and in what it is about: the same for all values
        in it."""
        of, known = self._path
        if of != path:
            *abouts, name = path.split(ABOUT)
            name = _OBJECT_ID.sub("", name)
            known = [(500 + size, provider, _PATH) for size, provider in self._in_words(words(_bytes(name[-120:])))]
            for near, about in enumerate(abouts[-_MOST_ABOUT:], 1):
                known += [(500 + 5 * near + size, provider, _ABOUT) for size, provider in self._in_words(words(_bytes(about[:120])))]
            self._path = path, known
        return known

    def _in_words(self, name: tuple[str, ...]) -> list[tuple[int, str]]:
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

    def _near(
        self, data: bytes, assigned: Assigned, around: list[tuple[int, int, str]], found: dict[str, Evidence]
    ) -> None:
        """Adds the evidence of names around a value, by where they stand in its surroundings."""
        if not around:
            return
        where = place(data, assigned.name_start, assigned.end)
        for mention in around:
            start, end, provider = mention
            strength, reason = _strength(data, where, start, end)
            _keep(found, provider, strength * 10 + _tie(assigned, mention), reason)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _tie(assigned: Assigned, mention: tuple[int, int, str]) -> int:
    """Of two that stand alike the nearer one, and the one before rather than the one after."""
    start, end, _ = mention
    distance = assigned.start - end if end <= assigned.start else start - assigned.end
    return 9 - 9 * distance // NEAR - (3 if start > assigned.start else 0)


def _nearest(key: Hit, secrets: list[Hit]) -> Hit:
    """The secret that a key is nearest to; of two the one behind it."""
    start, end = key.secret_start, key.secret_end
    return min(secrets, key=lambda hit: (max(hit.secret_start - end, start - hit.secret_end), hit.secret_start < start))


def _hit(found: Assigned, chosen: Chosen) -> Hit:
    """A value with the rule that was chosen for it, as the engine takes it."""
    index, candidate, confidence, reasons = chosen
    name = found.name.decode("latin-1")
    facts = tuple(candidate.facts.items())
    return Hit(index, found.name_start, found.end, candidate.start, candidate.end, confidence, name, facts, reasons)


PART_WORDS = frozenset(word for _, runs in PART_NAMES for run in runs for word in run.split("_"))

# `x = os.getenv("...")`, `process.env.X || "..."`: the literal is a default, or the secret put in the wrong place
_LOOKUP = compiled(
    rb"(?:(?:process\.env[.\[][\w\"'.\]]{1,60}|(?:os\.)?(?:getenv|environ\.get)\([\"'\w]{1,60}\))[ \t]{0,2}(?:\|\||\?\?|or)[ \t]{0,2}"
    rb"|(?:os\.)?(?:getenv|environ\.get)\((?:[\"'][\w.]{1,60}[\"'][ \t]{0,2},[ \t]{0,2})?)"
    rb"[\"'](?P<value>[^\"'\r\n]{8,512})[\"']"
)
_VARIABLE = compiled(rb"[A-Za-z_][A-Za-z_.]*")
_CALLEE = compiled(rb"[A-Za-z_][\w.:]*")


def _is_code(data: bytes, found: Assigned) -> bool:
    """Whether what stands without quotes is a call, or a variable in the list of another: sign(secret, algorithm)."""
    if data[found.end : found.end + 1] in (b"(", b"["):
        return _CALLEE.fullmatch(data, found.start, found.end) is not None
    if not _VARIABLE.fullmatch(data, found.start, found.end):
        return False
    between = data[found.name_start + len(found.name) : found.start].strip()
    line = data[data.rfind(b"\n", 0, found.name_start) + 1 : found.name_start]
    return between == b"(" or (between == b"," and b"(" in line)  # a comma alone may be that of a table's columns


_BADGE = compiled(rb"badge[^\s\"'()<>]{0,60}\?(?:[\w=&]{0,40}&)?\Z")


def _is_badge(data: bytes, found: Assigned) -> bool:
    """Whether it is in the address of a picture that a page shows to everybody: badge.svg?token=."""
    return found.sep == b"=" and not found.quote and _BADGE.search(data, max(0, found.name_start - 120), found.name_start) is not None


_HANDSHAKE = compiled(rb"[&, ]{1,2}connectId=")
"""Behind what opens one connection and is worth nothing after it."""
_IDENTIFIER = compiled(rb"[A-Za-z_]\w*")
_IMPORTS = compiled(rb"\bimport[ \t]{0,4}\(?[\w\s,#]*\Z")


def _is_imported(data: bytes, found: Assigned) -> bool:
    """Whether a name and the one behind its comma are among what is imported, in one line or between brackets."""
    if found.sep != b"," or found.quote or not _IDENTIFIER.fullmatch(data, found.start, found.end):
        return False
    return _IMPORTS.search(data, max(0, found.name_start - 600), found.name_start) is not None


_VERDICT = compiled(
    rb"[ \t]{0,12}(?:--- |\[ ?|\* )?(?:[XK]?(?:PASS|FAIL)|SKIP|OK|ERROR|UNSUPPORTED|UNRESOLVED|UNTESTED|Running)(?:ED)?\b"
)


def _is_verdict(data: bytes, found: Assigned) -> bool:
    """Whether it is a line of a test's log among others: PASS: the name of a test. It may stand behind another line's end, in
    a text that was unfolded."""
    if found.sep != b":" or not found.name.endswith(b"PASS") or found.name.endswith(b"_PASS"):
        return False
    after = data.find(b"\n", found.end) + 1
    if after and _VERDICT.match(data, after):
        return True
    low = data.rfind(b"\n", 0, found.name_start) + 1
    alone = not data[low : found.name_start].strip(b" \t[*-")
    return low > 0 and alone and _VERDICT.match(data, data.rfind(b"\n", 0, low - 1) + 1) is not None


def _is_usage(data: bytes, found: Assigned) -> bool:
    """Whether it is what a program says of its options, in any language: --ftp-password=HESLO."""
    if not data.startswith(b"--", found.name_start - 2) and not found.name.startswith(b"--"):
        return False
    value = data[found.start : found.end].decode("utf-8", "replace")
    return value.isalpha() and value.isupper()


# the name of a secret where its value belongs, a sealed value, a method, what a program fills in, an address with nothing secret in it;
# names that compilers make, the code between two strings, public keys that begin a tree of others, the word that BIP-39 salts with
_NO_SECRET = compiled(
    rb"[A-Z][A-Z0-9]{1,24}(?:_[A-Z0-9]{1,16}){0,8}_(?:KEY|SECRET|TOKEN|PASSWORD|PASSPHRASE|PWD|ID|MEMO|SECRET[AEO]|GEHEIMNIS|SCHLUESSEL)"
    rb"(?:_[0-9A-Z]{1,8})?"
    rb"|[a-z][a-z0-9]{1,24}(?:_[a-z0-9]{1,16}){0,8}_(?:key|secret|token|password|passphrase|pwd|memo)"
    rb"|(?i:nonce|timestamp|expires|realm|algorithm)=.{0,200}"
    rb"|\{[0-9A-Za-z+/]{8,400}={1,2}\}"  # sealed by Maven
    rb"|ENC\([0-9A-Za-z+/]{8,4000}={0,2}\)|1234567890(?i:abcdef)"  # sealed by Jasypt; the digits in their order
    rb"|[a-z][a-z0-9_]{1,40}(?:Api)?_?(?:Key|Secret|Token|Passphrase|Password|Memo)"
    rb"|[A-Za-z][a-z0-9]{1,20}(?:[A-Z][a-z]{1,20}){1,6}(?:Key|Secret|Token|Passphrase|Password|Memo|Id)"
    rb"|A[gQ][A-D][0-9A-Za-z+/]{200,}={0,2}"
    # the private keys of chains by what they begin with: one that its checksum does not prove is nobody's
    rb"|(?i:suiprivkey|nsec|age-secret-key-|ed25519e?_sk|(?:root|acct|addr|stake)_xsk|secret-extended-key-main)1[0-9a-zA-Z]{50,400}"
    rb"|PVT_[KR]1_[1-9A-HJ-NP-Za-km-z]{45,55}|(?:edsk|spsk|p2sk)[1-9A-HJ-NP-Za-km-z]{50,94}|S[A-D][A-Z2-7]{54}"
    rb"|ed25519:[1-9A-HJ-NP-Za-km-z]{86,90}|[xyztuvYZUV]prv[1-9A-HJ-NP-Za-km-z]{107}"
    rb"|[xyztuvYZUV]pub[1-9A-HJ-NP-Za-km-z]{107}|__[a-z]{2,12}_\w{1,60}|17h[0-9a-f]{16}E|mnemonic"
    rb"|(?:[)\]}][\])};,.?:&|]|\}catch\(|,[a-z]\w{1,20}:[{\[]).{0,1000}"
    rb"|[a-z][a-z0-9_\-]{1,24}(?:\.[a-z][a-z0-9_\-]{0,24}){0,3}\.(?:api_?)?(?:key|secret|token|password|passphrase|memo)"
    rb"|(?:hashlib\.)?(?i:(?:hmac|scram)[-_]?)?(?i:sha|md)-?[0-9]{1,3}(?:[-_/][0-9]{3})?"
    rb"|(?:__cf_bm|__cfruid|_ga|_gid|_gcl_au|_fbp)=[^;\s]{0,300}"
    rb"|define|undef|(?:0x)?%[0-9]{0,3}(?:ll?|z|h)?[duxXsip]"
    rb"|(?:https?|wss?)://[\w.\-:{}$]{1,80}(?:/[\w.\-{}$]{0,16}){0,8}"
    rb"|arn:aws[\w\-:/*.{}$]{1,300}|(?!ed25519:)[a-z][a-z0-9\-]{1,30}:[A-Z*][A-Za-z0-9*]{0,60}"
)
# Words in any of the spellings of names and sentences, without a digit: nothing that a venue makes up by chance.
_WORDY = compiled(
    rb"(?:(?:[A-Z]?[a-z]{2,16}+(?![a-z])|[A-Z]{2,13}+(?![A-Z])|[aI](?![A-Za-z]))[ _.,:/\-*#!?]{0,2}+){1,12}+"
)
_HARDLY = 12
"""The same beside a secret, where a key is looked for."""
_ADDRESS = compiled(rb"0x[0-9a-fA-F]{40}|0[23][0-9a-f]{64}|04[0-9a-f]{128}")
"""Of an account, or a public key of the same curve as it is printed."""
_PREFIXED = compiled(rb"ed25519:[1-9A-HJ-NP-Za-km-z]{43,44}")
"""A public key of NEAR or of Orderly, unless the name says otherwise: NEAR's private ones are twice as long."""
_SITE_KEY = compiled(rb"6L[0-9A-Za-z_\-]{38}")
"""What a page shows to reCAPTCHA; the secret one looks alike and is called otherwise."""
_UNSHOWN = frozenset({"secret", "private", "priv", "seed"})
_PUBLIC_NAMES = frozenset(
    tuple(name.split())
    for name in (
        "public key", "pub key", "pubkey", "publickey", "verifying key", "cache key", "partition key", "sort key",
        "primary key", "foreign key", "storage key", "idempotency key", "listen key", "listenkey", "link key", "lookup key",
        "unique key", "salt", "key hash", "secret hash", "token hash", "auth id", "token address", "token mint",
        "token id", "token symbol", "token account", "token program", "token vault", "token contract", "hash key", "gpg key",
    )
)  # fmt: skip
"""Last words of names that nothing generic is looked for under: what they name may be read by everybody."""
_SHOWN = frozenset({("next", "public"), ("expo", "public"), ("nuxt", "public"), ("react", "app"), ("vite",), ("gatsby",)})
"""What frameworks for pages put before the names of variables that they hand to the browser."""
_SHOWN_FIRST = frozenset(run[0] for run in _SHOWN)
_PUBLIC_KEY = 42
# hex, base58, and base64 of 32, 33, 64 or 65 bytes or of a structure: what public keys look like, and most venues' keys do not
_PUBLIC_LOOK = compiled(
    rb"(?:0x)?[0-9a-fA-F]+|(?:\w{2,12}:)?[1-9A-HJ-NP-Za-km-z]{42,52}|[0-9A-Za-z+/_-]{43,44}=?|[0-9A-Za-z+/_-]{86,88}={0,2}|M[0-9A-Za-z+/=\s\\]{56,}"
    rb"|[^0-9A-Za-z].*|[a-z0-9\-]{2,12} .*", re.DOTALL
)
_PUBLIC_KEYS = frozenset({("public", "key"), ("pub", "key"), ("verifying", "key")})
_LONE_HALVES = frozenset({("private",), ("priv",)})
_SWAPPED = frozenset({"api-key", "api-secret", "client-id", "client-secret", "access-token"})
_BLANK = (b" ", b"\t", b"\n")
_LABEL = compiled(rb"(?i)(?:^|[^\w]|\\[nrt])((?:verifying|api|secret|access|private|public|client|pass|consumer|trading|account)[ \t])$")

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


def _runs(rule: Rule) -> tuple[str, ...]:
    """A rule's own names, as they stand among the words of a variable's name (`_holds`)."""
    return tuple(f"_{'_'.join(words(text.encode()))}_" for text in rule.names)


def _holds(runs: Sequence[str], name: Sequence[str]) -> bool:
    """Whether one of the runs of words is in a name."""
    text = f"_{'_'.join(name)}_"
    return any(run in text for run in runs)


def _foreign(name: Sequence[str]) -> tuple[str, ...]:
    """A name's own words that are neither a part's nor common ones: whose it is, perhaps."""
    return tuple(word for word in name if len(word) > 2 and not word.isdigit() and word not in _COMMON and word not in PART_WORDS)


def _labelled(data: bytes, assigned: Assigned) -> tuple[str, ...]:
    """The words of a label of several words (`Secret Key: v`); () if the name stands alone, or after a word of a language:
    private $key = "v"."""
    if assigned.name[:1] == b"$" or (assigned.quote and assigned.sep == b"="):
        return ()
    if data[assigned.name_start - 1 : assigned.name_start] not in _BLANK:
        return ()  # nearly all
    before = _LABEL.search(data, max(0, assigned.name_start - 24), assigned.name_start)
    return (*words(before.group(1)), *words(assigned.name)) if before else ()


def _words(data: bytes, assigned: Assigned) -> tuple[str, ...]:
    """The words of a value's name. A manager of passwords has two fields, a user's and a password's, whatever they are for."""
    name = words(assigned.name)
    return ("secret", "of", "client") if name in (("password",), ("login", "password")) and follows_login(data, assigned.start) else name


def _keep(found: dict[str, Evidence], provider: str, strength: int, reason: str) -> None:
    if provider not in found or found[provider].strength < strength:
        found[provider] = Evidence(provider, strength, reason)


def _beside(data: bytes, where: Place, span: tuple[int, int]) -> tuple[int, str] | None:
    """What a name in the object that a value stands in says of it; None for one beyond the innermost that has it."""
    for depth, outer in enumerate(where.objects):
        if inside(span, outer):
            if nested_between(data, outer, span[0]):
                return None
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


def _by_strength(evidence: Evidence) -> tuple[int, str]:
    return -evidence.strength, evidence.provider


def rule_names(rule: Rule) -> tuple[str, ...]:
    """The names a shape rule listens to, for `rules show`."""
    own = tuple("_".join(words(name.encode())) for name in rule.names)
    return own + next((runs for part, runs in PART_NAMES if part == rule.part), ())
