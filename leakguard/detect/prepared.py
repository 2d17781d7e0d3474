"""What the engine asks of a RuleSet as a whole: which rules judge a value by its name, how providers are spelled, which
rules share a trigger. Made once when rules are compiled, and cached beside them as JSON: parsing 1,500 rules to make it
anew took each start as long as scanning a megabyte.

Pure functions of a RuleSet; holds nothing but rule data. Imported by context.py, mentions.py, engine.py, stage1.py and
cache.py.
"""

# No `from __future__ import annotations` here: NamedTuple would compile every annotation, on every start.
import re
from typing import Any, NamedTuple

from leakguard.model import RuleSet

ALONE = "="
"""Before an alias that is a plain word as well: it names the provider only where it stands alone."""

CHOSEN = ("password", "passphrase", "mnemonic")
"""Parts that people make up themselves."""

TRADES = frozenset({"exchange", "broker", "dex", "custody", "bot"})

BASE58_RUN = "[1-9A-HJ-NP-Za-km-z]{"


class Prepared(NamedTuple):
    """Tables of one RuleSet. Rules are named by their index."""

    generic: list[int]
    """Shape rules that ask for no provider's name, first those that are somebody's."""
    by_provider: dict[str, list[list[Any]]]
    """The others: [shortest, longest value, shape, index]."""
    chosen: list[int]
    """Shape rules with names of their own for what people make up."""
    trading: list[str]
    """Providers at which money moves."""
    aliases: dict[str, str]
    """A provider's names without what separates their words -> the provider, with ALONE before it. Of all that have rules."""
    names: list[list[Any]]
    """[spelling, its bytes, provider as in `aliases`] of every name of those with shapes: what stage 1 looks for, in this order."""
    twins: list[list[Any]]
    """[indexes, digits]: groups of rules with one trigger, and the length of the base58 run that it is, or 0; those of a run also alone."""
    paired: list[str]
    """Ids of the rules that are part of a set."""
    venues: dict[str, int]
    """Where in RuleSet.venues each provider stands."""
    ids: dict[str, int]
    """The index of every rule whose id is one of phrases.RULES."""


def prepared(ruleset: RuleSet) -> Prepared:
    """The tables of a RuleSet, from its cached form if it has one."""
    if ruleset.prepared:
        import json

        return Prepared(*json.loads(ruleset.prepared))
    return _made(ruleset)


def stored(ruleset: RuleSet) -> bytes:
    """The tables as `RuleSet.prepared` holds them."""
    import json

    return ruleset.prepared or json.dumps(_made(ruleset), separators=(",", ":")).encode()


def _made(ruleset: RuleSet) -> Prepared:
    from leakguard.detect.phrases import RULES

    generic: list[int] = []
    chosen: list[int] = []
    by_provider: dict[str, list[list[Any]]] = {}
    for index, rule in enumerate(ruleset.rules):
        if not rule.shape:
            continue
        if rule.alone:
            generic.insert(0, index)  # says more than that the name is one of a secret
        elif rule.generic:
            generic.append(index)
        else:
            by_provider.setdefault(rule.provider, []).append([*rule.width, rule.shape, index])
        if rule.names and rule.part in CHOSEN:
            chosen.append(index)
    aliases: dict[str, str] = {}
    names: list[list[Any]] = []
    owners = {rule.provider for rule in ruleset.rules if not rule.generic}
    for venue in ruleset.venues:
        if venue.provider not in owners:
            continue
        for alias in (*venue.aliases, *venue.hosts, *venue.testnet_hosts):
            meant = ALONE + venue.provider if alias.startswith(ALONE) else venue.provider
            aliases.setdefault(_squash(alias), meant)
            if venue.provider not in by_provider:
                continue  # nothing near a value makes it theirs, only its own name
            names += [[text, len(text.encode()), meant] for text in spellings(alias.removeprefix(ALONE))]
    wanted = frozenset(RULES.values())
    return Prepared(
        generic,
        by_provider,
        chosen,
        [venue.provider for venue in ruleset.venues if venue.kind in TRADES],
        aliases,
        names,
        _twins(ruleset),
        sorted({ident for item in ruleset.sets for _, ids in item.parts for ident in ids}),
        {venue.provider: index for index, venue in enumerate(ruleset.venues)},
        {rule.id: index for index, rule in enumerate(ruleset.rules) if rule.id in wanted},
    )


def _twins(ruleset: RuleSet) -> list[list[Any]]:
    groups: dict[str, list[int]] = {}
    for index, rule in enumerate(ruleset.rules):
        if rule.trigger:
            groups.setdefault(rule.trigger, []).append(index)
    runs = {trigger: _run(trigger) for trigger in groups}
    return [[group, runs[trigger]] for trigger, group in groups.items() if len(group) > 1 or runs[trigger]]


def _run(trigger: str) -> int:
    return int(trigger[len(BASE58_RUN) : -1]) if trigger.startswith(BASE58_RUN) else 0


def spellings(alias: str) -> list[str]:
    """The ways a name of several words is written (gate_io, gate-io, gateio); a host has one. Names beyond ASCII also with a
    capital: stage 1 knows no case of theirs."""
    if "." in alias:
        return [alias.lower()]
    if not alias.isascii():
        return list(dict.fromkeys((alias.lower(), alias.capitalize())))
    pieces = [piece for piece in re.split(r"[ _\-]+", alias.lower()) if piece]
    return list(dict.fromkeys(joint.join(pieces) for joint in ("", "_", "-", ".", " ")))


def _squash(alias: str) -> str:
    from leakguard.detect.naming import words

    return "".join(words(alias.encode()))
