"""Values that only their name or surroundings explain: assignments, fields, headers, call arguments, options.

Stage 1 reports where something that is named like a credential is given a value. Here the name and the value are
cut out, the provider is looked for (in the name, in what encloses it, near it), and the `shape` rule that fits both
is chosen; a value no provider explains is left to the rules of the generic packs.

Adding a provider adds data only: aliases, shapes and names of its pack. Knows no files; depends on no more than
`NEAR` bytes around the value. Imported by engine.py, reaches.py and twin.py, and by catalogue.py for its tables.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, partial
from itertools import chain
from math import ceil
from typing import TYPE_CHECKING, Any

from leakguard.detect.above import FAR, is_worth, ruling
from leakguard.detect.assign import KIN, PART_NAMES, Assigned, assigned, part_of, words
from leakguard.detect.evidence import (
    ABOUT_IT,
    CLOSE,
    LINE,
    MOST_NAMES,
    NAMED,
    PATH,
    STRUCTURE,
    WEAK,
    Evidence,
    Providers,
    by_strength,
    foreign,
    keep,
    near,
    path_words,
    tie,
)
from leakguard.detect.forms import unlike_words
from leakguard.detect.gates import Candidate
from leakguard.detect.halves import KEY, PASSPHRASE, REACH, below, beside, follows_login, phrases_beside, row
from leakguard.detect.hits import ADDRESSED, Hit
from leakguard.detect.mentions import SAID, Find, Mentions
from leakguard.detect.naming import PART_OF_KIND, kind_of, short_for
from leakguard.detect.nosecret import LOOKUP, NO_SECRET, WORDY, is_no_value, is_public, is_shown
from leakguard.detect.patterns import compiled
from leakguard.detect.prepared import CHOSEN, Prepared
from leakguard.detect.scope import line_of, stands_free
from leakguard.detect.tables import columned, is_cell, is_header, key_file, rows
from leakguard.model import ABOUT, Confidence, Rule, RuleSet

if TYPE_CHECKING:
    from leakguard.detect.addressed import Addressed
    from leakguard.detect.unshaped import Unshaped

_ONE_TIME = frozenset({("signature",), ("sig",), ("sign",), ("signing",), ("nonce",), ("digest",), ("checksum",), ("hash",), ("salt",)})
"""Last words of names whose values are spent once used, or never were secret."""

_LOOKED_UP = frozenset(
    (word,) for word in "cache idempotency partition sort foreign listen lookup unique".split()
)
"""Before `key`: what something is found by, or short-lived."""


TIMEOUT = 1.0
"""Seconds a value may be held against a shape. Running into it fails the object, which is said: it is never clean."""


KEY_REACH = 2 * REACH
"""A key that has a name is the secret's own from this near."""

_SECRETS = frozenset({"api-secret", "client-secret"})
_KEYS = frozenset({"api-key", "client-id", "access-token"})
"""Parts that are one another's other half."""
_PHRASES = frozenset({"passphrase", "memo"})
"""What the owner chose; at some venues it is called a memo, and a passphrase by those who hold keys of several."""


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
        self._own: dict[int, tuple[str, ...]] = {}
        self._wordy: dict[tuple[str, ...], bool] = {}
        self.ruleset = ruleset
        self.rules = ruleset.rules
        self._generics: dict[bytes, list[int]] = {}
        self.generic = tables.generic
        self.by_provider = tables.by_provider
        self._chosen = tables.chosen
        self.venues = frozenset(tables.trading)
        self.providers = Providers(tables.aliases)
        self.names = tables.names

    @cached_property
    def _runs_of_chosen(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(run for index in self._chosen for run in _runs(self.rules[index])))

    @cached_property
    def _unshaped(self) -> Unshaped:
        from leakguard.detect.unshaped import Unshaped  # most texts have no such value

        return Unshaped(self.ruleset, self.providers.aliases, self._by_name, lambda name: bool(foreign(name)))

    def owned(self, data: bytes, hits: list[Hit]) -> list[Hit]:
        """The hits, those of whom no more is known than the host they are sent to as that host's."""
        return [self._addressed.owned(data, hit) for hit in hits]

    @cached_property
    def _addressed(self) -> Addressed:
        from leakguard.detect.addressed import Addressed

        return Addressed(self.ruleset, self.providers.aliases, self._sent_to)

    def _sent_to(self, data: bytes, hit: Hit, provider: str) -> tuple[int, int, tuple[str, ...]] | None:
        """A provider's rule for a token that is sent to it: (index, confidence, reasons)."""
        candidate = Candidate(data, hit.secret_start, hit.secret_end, b"access_token", {})
        # a password has no form anywhere, and may be anybody's: only what has the form of a token is one
        return self._token_of(candidate, provider, hit.confidence, unshaped=self.rules[hit.rule].part != "password")

    def _token_of(
        self, candidate: Candidate, provider: str, confidence: int, *, unshaped: bool
    ) -> tuple[int, int, tuple[str, ...]] | None:
        """A provider's rule for a token of its own: one whose form it has, else with `unshaped` the one for tokens."""
        name = ("access", "token")
        evidence = Evidence(provider, NAMED, ADDRESSED)
        ranked = self._by_name(self._fitting(provider, candidate.secret, {}), name)
        made = self._judged(ranked, evidence, lambda: Candidate(candidate.data, candidate.start, candidate.end, b"access_token", {}))
        if made is not None:
            return made[0], max(made[2], confidence), made[3]
        given = self._unshaped.rule(evidence, name, candidate, kin=True) if unshaped else None
        return None if given is None else (given[0], confidence, given[1])

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
        found = [(end - self.names[name][1], end) for name, end in self.find(data)]
        return any(row(data, start, end) or any(below(data, start, end)) for start, end in found)

    def _add_rows(self, data: bytes, path: str, mentions: Mentions, out: list[Hit]) -> None:
        """Adds the keys and secrets of rows that begin with their venue, or stand below its name."""
        taken = {hit.secret_start for hit in out}
        for named, end in self.find(data):
            start = end - self.names[named][1]
            for ways in chain([[row(data, start, end)]], below(data, start, end)):
                for cells in ways:
                    made = self._row_of(data, [cell for cell in cells if cell.start not in taken], path, mentions)
                    if made:
                        taken.update(hit.secret_start for hit in made)
                        out += made
                        break

    def _row_of(self, data: bytes, cells: list[Assigned], path: str, mentions: Mentions) -> list[Hit]:
        """The parts that the cells of a row are: of one venue. One of the two alone is a row of something else, unless the other is
        found by a pattern of its own."""
        made = [(cell, chosen) for cell in cells if (chosen := self.choose(data, cell, path, mentions)) is not None]
        own = [self.rules[chosen[0]] for _, chosen in made]
        if not own or own[-1].provider not in self.venues or len({rule.provider for rule in own}) > 1:
            return []
        parts = {rule.part for rule in own}
        if parts.isdisjoint(_SECRETS) or (parts.isdisjoint(_KEYS) and self._has_keys(own[0].provider)):
            return []
        return [_hit(cell, chosen) for cell, chosen in made]

    def _has_keys(self, provider: str) -> bool:
        """Whether a provider has a rule for keys that judges by their names."""
        return any(self.rules[index].part in _KEYS for *_, index in self.by_provider[provider])

    def _add_keys(self, data: bytes, path: str, secrets: list[Hit], out: list[Hit]) -> None:
        """Adds the key that stands beside a secret under a name that says too little, where no other is near."""
        near, rivals = _Near(out), _Near(secrets)
        for secret in secrets:
            provider = self.rules[secret.rule].provider
            keys = [index for *_, index in self.by_provider[provider] if self.rules[index].part in _KEYS]
            if not keys or self._has(data, secret, near, rivals, _KEYS):
                continue
            for found in beside(data, secret.secret_start, secret.secret_end, partial(self._is_of, provider)):
                if near.holds(found):
                    continue
                made = self._key_of(data, found, provider, keys, path)
                if made is not None:
                    out.append(_hit(found, made))
                    near.add(out[-1])
                    break

    def _add_phrases(self, data: bytes, path: str, secrets: list[Hit], out: list[Hit]) -> None:
        """Adds the passphrase that stands beside a secret in a form that names no value elsewhere, where no other is near: of
        venues that ask for one."""
        near, rivals = _Near(out), _Near(secrets)
        for secret in secrets:
            provider = self.rules[secret.rule].provider
            own = [index for *_, index in self.by_provider[provider] if self.rules[index].part in _PHRASES]
            if not own or self._has(data, secret, near, rivals, _PHRASES):
                continue
            for found in phrases_beside(data, secret.secret_start, secret.secret_end):
                if not near.holds(found):
                    made = self._key_of(data, found, provider, own, path, PASSPHRASE)
                    if made is not None:
                        out.append(_hit(found, made))
                        near.add(out[-1])
                        break

    def _has(self, data: bytes, secret: Hit, near: _Near, rivals: _Near, parts: frozenset[str]) -> bool:
        """Whether a secret's provider has such a part near it that is no other secret's."""
        provider = self.rules[secret.rule].provider
        for hit in near.around(secret):
            rule = self.rules[hit.rule]
            if rule.part in parts and rule.provider == provider:
                others = [rival for rival in rivals.around(hit) if self.rules[rival.rule].provider == provider]
                if _nearest(data, hit, [secret, *others]) is secret:
                    return True
        return False

    def _is_of(self, provider: str, name: tuple[str, ...]) -> bool:
        """Whether a name has a provider's name in it."""
        return any(named == provider for _, named in self.providers.in_words(name))

    def _key_of(self, data: bytes, found: Assigned, provider: str, keys: list[int], path: str, called: bytes = KEY) -> Chosen | None:
        """The first of a provider's rules for a part that takes a value, whatever it is named."""
        value = data[found.start : found.end]
        if NO_SECRET.fullmatch(value) or (called is KEY and WORDY.fullmatch(value) and not unlike_words(value, _HARDLY)):
            return None
        fitting = self._fitting(provider, value, {})
        evidence = Evidence(provider, NAMED, "beside its secret")
        ranked = [(1, index) for index in keys if index in fitting]
        own = path.rpartition(ABOUT)[2]
        groups = {"quote": found.quote, "sep": b"="}
        return self._judged(ranked, evidence, lambda: Candidate(data, found.start, found.end, called, groups, own))

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
                literal = LOOKUP.match(data, found.start) if not found.quote else None
                if literal is not None:
                    low, high = literal.span("value")
                    yield found._replace(start=low, end=high, quote=b'"')
                    continue
                if not found.quote and is_no_value(data, found):
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
        if NO_SECRET.fullmatch(value) or value == assigned.name:  # the name of a variable that is looked up
            return None
        labelled = _labelled(data, assigned)
        name = labelled or _words(data, assigned)
        shown = 0
        if name and name[0] in _SHOWN_FIRST:
            shown = next((size for size in (2, 1) if name[:size] in _SHOWN), 0)
            name = name[shown:]  # the framework's prefix says where it goes, not what it is
        if WORDY.fullmatch(value) and not self._takes_words(name) and not unlike_words(value):
            return None
        groups = {"quote": assigned.quote, "sep": assigned.sep}
        called = b"_".join((labelled[0].encode(), assigned.name)) if labelled else assigned.name
        if shown:
            called = "_".join(name).encode()
        public = is_public(value, name)

        def new() -> Candidate:
            return Candidate(data, assigned.start, assigned.end, called, groups, path.rpartition(ABOUT)[2])

        yielding: Chosen | None = None
        for evidence, fitting in self._evidence(data, assigned, name, path, value, mentions):
            if (public and evidence.strength < NAMED) or (yielding and evidence.strength < CLOSE):
                continue
            made = self._judged(self._by_name(fitting, name), evidence, new)
            if made is not None and not self.rules[made[0]].yields:
                chain = evidence.strength >= NAMED and self._is_chains(made[0])
                return (self._venue_around(data, assigned, name, path, value, mentions, new) if chain else None) or made
            yielding = yielding or made
        if yielding:
            return yielding
        if public or is_shown(data, assigned, value, name):
            return None
        generic = self._generic("_".join(labelled).encode() if labelled else assigned.name)
        return self._by_kind(generic, new, lambda: self._told(data, assigned, path, name, mentions), name)

    def _by_kind(
        self, generic: list[int], new: Callable[[], Candidate], told_by: Callable[[], Evidence | None], name: tuple[str, ...]
    ) -> Chosen | None:
        """The generic rule that takes a value, or that of who is named for what it takes."""
        for index in generic:
            candidate = new()
            if not self._shape(self.rules[index].shape).fullmatch(candidate.secret, timeout=TIMEOUT):
                continue
            confidence = self.judge(index, candidate)
            if confidence:
                told = told_by()
                owned = self._unshaped.rule(told, name, candidate, kin=confidence > Confidence.LOW) if told else None
                sent = None if owned else self._of_header(candidate, confidence)
                if sent is not None:
                    return sent[0], candidate, sent[1], sent[2]
                chosen, reasons = owned or (index, ("named like a secret",))
                return chosen, candidate, confidence, reasons
        return None

    def _of_header(self, candidate: Candidate, confidence: int) -> tuple[int, int, tuple[str, ...]] | None:
        """The rule for a header's value by the host that its request goes to: (index, confidence, reasons)."""
        if not _HEADER.fullmatch(candidate.name):
            return None
        from leakguard.detect.gates.requests import request_host

        request_host(candidate)
        provider = self._addressed.provider(candidate.facts.get("host", ""))
        return self._token_of(candidate, provider, confidence, unshaped=True) if provider else None

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
        for size, provider in self.providers.in_words(name):
            keep(found, provider, NAMED + size, "named in the variable")
        home = "" if found or foreign(name) else self.providers.at_home(path.rpartition(ABOUT)[2])
        if home:
            return Evidence(home, NAMED, PATH)
        if not found:
            self._near(data, assigned, mentions.around(assigned), found)
            if found:
                # of two that stand alike the venue: the letters of a key may be somebody's name
                nearest = min(found.values(), key=lambda each: (-ceil(each.strength), each.provider not in self.venues, each.provider))
                return nearest if nearest.strength >= CLOSE else None
            for size, provider in self.providers.in_words(path_words(path.rpartition(ABOUT)[2].rpartition("/")[2])):
                keep(found, provider, CLOSE + size, PATH)
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
            from leakguard.detect.searches import search_of

            shape = self._shapes[text] = search_of(text)
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
                # private, beside public: the whole name. And what a venue's own page calls its secret, where it has no other key
                rank = 1 if name in _LONE_HALVES or (name == _PRIVATE_KEY and self._calls_private(rule)) else 2
            elif part in _SWAPPED and rule.part in _SWAPPED and rule.provider in self.venues:
                rank = 3  # people put the secret where the key belongs: the shape knows better than the name
            else:
                continue
            ranked.append((rank, index))
        return sorted(ranked)

    def _calls_private(self, rule: Rule) -> bool:
        """Whether what a venue's rule is for may be called its private key: a secret, where there are no private keys."""
        own = self.by_provider[rule.provider] if rule.part in _SECRETS and rule.provider in self.venues else ()
        return bool(own) and all(self.rules[index].part != "private-key" for *_, index in own)

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
        for size, provider in self.providers.in_words(name) if own else ():
            if fits(provider):
                keep(found, provider, NAMED + size, "named in the variable")
        if found:
            for evidence in sorted(found.values(), key=by_strength):
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
        if not given and is_worth(value, name) and not any(
            each.strength >= (WEAK if each.provider in self.venues else STRUCTURE) for each in found.values()
        ):
            self._above(data, assigned, mentions, lambda provider: fits(provider) and bool(self._by_name(fitting[provider], name)), found)
        # a chat on Discord about a venue's keys: the path names where it was held, the text whose they are
        spoken = not named.isdisjoint(self.venues)
        for strength, provider, reason in chain(self._in_path(path), self.providers.in_reader(path, assigned.name)):
            if provider not in given and fits(provider):
                # what a container says is for those of whom the text says nothing
                less = 350 if reason is ABOUT_IT else 60 * (provider not in self.venues)
                keep(found, provider, strength - less * spoken, reason)
        # COINGLASS_API_KEY below Gate's keys is somebody else's: only what it stands in can say otherwise
        strange = foreign(name) if found or named else ()
        for evidence in sorted(self._weighed(found, fitting, name), key=by_strength):
            if (
                not strange
                or evidence.strength >= STRUCTURE
                or any(self._named(index, name) for index in fitting[evidence.provider])
                or all(short_for(word, evidence.provider) for word in strange)
            ):
                yield evidence, fitting[evidence.provider]

    def _weighed(
        self, found: dict[str, Evidence], fitting: dict[str, list[int]], name: tuple[str, ...]
    ) -> Iterator[Evidence]:
        """The evidence of providers around a value: bot_api_secret below ansible_user is no password of Ansible's, where a venue is
        named farther away, or in the path."""
        known = any(each.provider in self.venues for each in found.values())
        for each in found.values():
            if known and each.provider not in self.venues and each.strength < STRUCTURE:
                ranked = self._by_name(fitting[each.provider], name)
                yield each._replace(strength=each.strength - WEAK / 2) if ranked and ranked[0][0] > 1 else each
            else:
                yield each

    def _above(
        self, data: bytes, assigned: Assigned, mentions: Mentions, fits: Callable[[str], bool], found: dict[str, Evidence]
    ) -> None:
        """Adds the evidence of the venue in whose list, object or section a value stands, where that begins too far above to be
        near: accounts are written one below the other."""
        heads = (mention for mention in mentions.before(assigned.name_start, FAR) if mention[2] in self.venues)
        told = ruling(data, assigned.name_start, heads, fits, mentions.heads)
        if told is not None:
            keep(found, told[0], told[1], "named by what it stands in, far above")

    def _in_path(self, path: str) -> list[tuple[int, str, str]]:
        return self.providers.in_path(path)

    def _on_line(
        self, data: bytes, assigned: Assigned, near: list[tuple[int, int, str]], fits: Callable[[str], bool]
    ) -> list[Evidence]:
        """The evidence of a value's own line where nothing can say more than that: most lines of logs and environment
        files. Empty where something could."""
        line = line_of(data, assigned.name_start, assigned.end)
        found: dict[str, Evidence] = {}
        for mention in near:
            if mention[0] >= line[0] and mention[1] <= line[1] and fits(mention[2]):
                keep(found, mention[2], LINE * 10 + tie(assigned, mention), "named on its line")
        if not found or not stands_free(data, assigned.name_start, line):  # nobody is named, mostly: that is cheaper to know
            return []
        return sorted(found.values(), key=by_strength)

    def _near(
        self, data: bytes, assigned: Assigned, around: list[tuple[int, int, str]], found: dict[str, Evidence]
    ) -> None:
        near(data, assigned, around, found)


class _Near:
    """Hits by their place. A file may hold the keys of a thousand accounts: each looks at its neighbours only."""

    def __init__(self, hits: list[Hit]) -> None:
        self._hits = sorted(hits, key=_start)
        self._spans = {(hit.secret_start, hit.secret_end) for hit in hits}

    def add(self, hit: Hit) -> None:
        insort(self._hits, hit, key=_start)
        self._spans.add((hit.secret_start, hit.secret_end))

    def holds(self, found: Assigned) -> bool:
        return (found.start, found.end) in self._spans

    def around(self, hit: Hit) -> Iterator[Hit]:
        """Those within KEY_REACH of a hit."""
        high = hit.secret_end + KEY_REACH
        for number in range(bisect_left(self._hits, hit.secret_start - KEY_REACH, key=_start), len(self._hits)):
            other = self._hits[number]
            if other.secret_start > high:
                return
            if other.secret_end <= high:
                yield other


def _start(hit: Hit) -> int:
    return hit.secret_start


def _nearest(data: bytes, key: Hit, secrets: list[Hit]) -> Hit:
    """The secret that a key is nearest to: one in its own paragraph before all others, of two the one behind it."""
    start, end = key.secret_start, key.secret_end

    def rank(hit: Hit) -> tuple[bool, int, bool]:
        behind = hit.secret_start >= end
        low, high = (end, hit.secret_start) if behind else (hit.secret_end, start)
        return high - low > KEY_REACH or data.find(b"\n\n", low, high) >= 0, high - low, not behind

    return min(secrets, key=rank)


def _hit(found: Assigned, chosen: Chosen) -> Hit:
    """A value with the rule that was chosen for it, as the engine takes it."""
    index, candidate, confidence, reasons = chosen
    name = found.name.decode("latin-1")
    facts = tuple(candidate.facts.items())
    return Hit(index, found.name_start, found.end, candidate.start, candidate.end, confidence, name, facts, reasons)


_HARDLY = 12
"""The same beside a secret, where a key is looked for."""
_SHOWN = frozenset({("next", "public"), ("expo", "public"), ("nuxt", "public"), ("react", "app"), ("vite",), ("gatsby",)})
"""What frameworks for pages put before the names of variables that they hand to the browser."""
_SHOWN_FIRST = frozenset(run[0] for run in _SHOWN)
_LONE_HALVES = frozenset({("private",), ("priv",)})
_PRIVATE_KEY = ("private", "key")
_SWAPPED = frozenset({"api-key", "api-secret", "client-id", "client-secret", "access-token"})
_HEADER = compiled(
    rb"(?i)authorization|bearer|[\w.]{0,40}authenticationheadervalue|(?:x-)?(?:[a-z]{1,16}-){0,3}(?:api-?key|token|auth|key|secret)"
)
"""Headers that say how somebody signs in."""
_BLANK = (b" ", b"\t", b"\n")
_LABEL = compiled(rb"(?i)(?:^|[^\w]|\\[nrt])((?:verifying|api|secret|access|private|public|client|pass|consumer|trading|account)[ \t])$")


def _runs(rule: Rule) -> tuple[str, ...]:
    """A rule's own names, as they stand among the words of a variable's name (`_holds`)."""
    return tuple(f"_{'_'.join(words(text.encode()))}_" for text in rule.names)


def _holds(runs: Sequence[str], name: Sequence[str]) -> bool:
    """Whether one of the runs of words is in a name."""
    text = f"_{'_'.join(name)}_"
    return any(run in text for run in runs)


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
    return ("secret", "of", "client") if name in _OF_LOGIN and follows_login(data, assigned.start) else name


_OF_LOGIN = frozenset({("password",), ("login", "password"), ("pass",), ("passwd",), ("pwd",)})


def rule_names(rule: Rule) -> tuple[str, ...]:
    """The names a shape rule listens to, for `rules show`."""
    own = tuple("_".join(words(name.encode())) for name in rule.names)
    return own + next((runs for part, runs in PART_NAMES if part == rule.part), ())
