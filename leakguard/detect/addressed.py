"""Whose a value is that was found by the header or the file it stands in, where the host it is sent to is known.

`Authorization: Bearer v` has a name that every service's token has, and mostly no form. A rule that says so notes the host
(gates/requests.py; of .netrc the file says it); here that host names the provider: by the hosts of its pack, else by the name
it is registered under. A rule whose form the value has is preferred; without one the value goes to the provider's rule for
tokens, as one of no documented form. Knows rules, no files. Imported by engine.py when such a value was found.
"""

from __future__ import annotations

from collections.abc import Callable

from leakguard.detect.hits import Hit
from leakguard.detect.prepared import ALONE
from leakguard.model import RuleSet

_PARTS = frozenset({"access-token", "jwt", "password"})
"""What a header or a .netrc holds; of users and passwords in base64 the whole is no form of anybody's."""
_REGISTERED = frozenset("com io ai dev app net co org so sh cloud".split())

Given = Callable[[bytes, Hit, str], "tuple[int, int, tuple[str, ...]] | None"]


class Addressed:
    """The providers of a RuleSet by host. `give(data, hit, provider)`: (rule, confidence, reasons) of a provider's rule for
    a value that is sent to it."""

    def __init__(self, ruleset: RuleSet, aliases: dict[str, str], give: Given) -> None:
        self._rules = ruleset.rules
        self._aliases = aliases
        self._give = give
        self._hosts = {host: venue.provider for venue in ruleset.venues if not venue.kind for host in venue.hosts}

    def owned(self, data: bytes, hit: Hit) -> Hit:
        """The hit as its owner's, if that is known."""
        rule = self._rules[hit.rule]
        host = dict(hit.facts).get("host", "").lower()
        if not host or not rule.generic or rule.part not in _PARTS:
            return hit
        provider = self.provider(host)
        given = self._give(data, hit, provider) if provider else None
        return hit if given is None else hit._replace(rule=given[0], confidence=given[1], reasons=given[2])

    def provider(self, host: str) -> str:
        """Who answers at a host; "" if nobody is known to."""
        labels = host.split(".")
        for first in range(len(labels) - 1):
            known = self._hosts.get(".".join(labels[first:]))
            if known:
                return known
        own = labels[-2].replace("-", "") if len(labels) > 1 and labels[-1] in _REGISTERED else ""
        return self._aliases.get(own, "").removeprefix(ALONE)
