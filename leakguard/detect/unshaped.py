"""Whose a value is that has none of the forms its provider documents, where its name or what it stands in says so.

Forms change without notice, and documentation shows but some of them. A value that a generic rule took is given to the
rule of the venue that is named for it, so that it is joined with its other half and the first steps are the venue's; like
what is generic it yields to all that has a form (hits.py). Only by a name whose every word is the venue's or a part's, only
where one venue is named, and never against what such a rule says of names. Wallets are left out: what is no key of the
curve opens nothing there. Of all other services the variable's own name alone is believed, and only of what is surely
no word.

Knows no text; context.py asks about values that a generic rule took, which are few.
"""

from __future__ import annotations

from collections.abc import Callable

from leakguard.detect.evidence import NAMED, Evidence
from leakguard.detect.gates import Candidate, Verdict
from leakguard.detect.gates.basic import not_name
from leakguard.detect.hits import UNDOCUMENTED
from leakguard.detect.naming import KIN, part_of
from leakguard.detect.prepared import ALONE, CHOSEN, TRADES
from leakguard.model import RuleSet

_SERVES = TRADES | {"node", "data"}
"""Kinds of venues of which the variable's own name is believed; what stands around it only where money moves."""

_FORMATS = frozenset({"keys", "generic", "wallets", "imported"})
"""Tags of packs that are named for a format and not for a service: what has not the form is not of it."""

_CALLED = frozenset({"api-key", "api-secret"})
"""Parts that people call the two halves whatever the venue calls them; a token is many other things."""

_LENT = frozenset({"api-key", "jwt"})
"""Parts that a token of a service with one key is taken for."""

Name = tuple[str, ...]
Ranked = Callable[[list[int], Name], list[tuple[int, int]]]


class Unshaped:
    """The rules of each provider, by name alone. `ranked(rule indexes, name)`: (rank, index) of those that a name fits, as
    Context ranks them: 0 and 1 for names that say the part, 2 for those of its kin. `foreign(name)`: whether a word of it
    is neither a part's nor a common one."""

    def __init__(self, ruleset: RuleSet, aliases: dict[str, str], ranked: Ranked, foreign: Callable[[Name], bool]) -> None:
        self.rules = ruleset.rules
        self._ranked = ranked
        self._foreign = foreign
        self._kinds = {venue.provider: venue.kind for venue in ruleset.venues}
        self._services = frozenset(venue.provider for venue in ruleset.venues if not venue.kind and not _FORMATS & set(venue.tags))
        self._of: dict[str, list[int]] = {}
        for index, rule in enumerate(self.rules):
            if not (rule.generic or rule.yields or rule.status == "deprecated"):
                self._of.setdefault(rule.provider, []).append(index)
        self._spelled: dict[str, list[str]] = {}
        for alias, provider in aliases.items():
            self._spelled.setdefault(provider.removeprefix(ALONE), []).append(alias)

    def rule(self, told: Evidence, name: Name, candidate: Candidate, *, kin: bool) -> tuple[int, tuple[str, ...]] | None:
        """The rule for a value, and the reasons: that of the part that the name says, else (with `kin`) the nearest of its kin; one
        of a form before one of a pattern, else the first."""
        kinds = _SERVES if told.strength >= NAMED else TRADES
        # RAPIDAPI_KEY: `key` alone may be anything, but not behind the name of who gives keys
        bare = name[-1:] == ("key",) and self._without(told.provider, name) == ("key",)
        lends = (kin or bare) and told.strength >= NAMED and told.provider in self._services
        if not lends and self._kinds.get(told.provider) not in kinds:
            return None
        foreign = self._foreign(self._without(told.provider, name))
        if foreign and not lends:
            return None
        part = part_of(name)
        fitting = []
        for rank, index in self._ranked(self._of.get(told.provider, []), name):
            rule = self.rules[index]
            kind = KIN.get(rule.part, ())
            # NGROK_AUTHTOKEN has a word that is nobody's, but a rule has the whole name; a password has no form anywhere
            if lends and ((foreign and rank) or rule.part in CHOSEN):
                continue
            # many services have one key and call it a token; where they are two, the token has its own rule
            called = part in _CALLED or (lends and not foreign and part == "access-token" and rule.part in _LENT)
            if rank < 2 or ((kin or bare) and called and part in kind):
                fitting.append((rank, kind.index(part) if rank == 2 else 0, not rule.shape, index))
        # rules of a pattern say nothing of names: they decide only where no other does
        shaped = not all(unshaped for _, _, unshaped, _ in fitting)
        for _, _, unshaped, index in sorted(fitting):
            if shaped and unshaped:
                continue
            refused = (pattern for gate, pattern in self.rules[index].gates if gate == "not_name")
            if all(not_name(candidate, pattern) is not Verdict.REJECT for pattern in refused):
                return index, (told.reason, UNDOCUMENTED)
        return None

    def _without(self, provider: str, name: Name) -> Name:
        """The words of a name that are not the provider's."""
        spelled = self._spelled.get(provider, [])
        return tuple(word for word in name if not any(word in alias for alias in spelled))
