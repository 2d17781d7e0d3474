"""What a credential allows whoever reads it, as far as that can be known offline, and what to do first.

A complete set can act; a lone half cannot yet, and says so; a test network's or a dead venue's credential loses
nobody money. Severity follows from that, and each step of it is said in a reason. Pure functions over rules,
findings and the text around them; never asks a venue. Imported by pipeline.py.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import blake2b

from leakguard.detect.pairing import Grouping
from leakguard.model import Confidence, CredentialSet, Finding, RuleSet, Severity, Venue

HALF = "the other half was not found"
_TEST = re.compile(
    rb"(?i)(?<![a-z])(?:testnet|test_net|sandbox|paper[_-]?trad|demo[_-]?(?:api|trad)|x-simulated-trading|sepolia|goerli)"
)
AROUND = 600
"""Bytes around a part in which a test network's name or host counts."""


def venues(ruleset: RuleSet) -> dict[str, Venue]:
    """Venues by provider."""
    return {venue.provider: venue for venue in ruleset.venues}


def is_test(data: bytes, start: int, end: int, name: str, venue: Venue | None) -> bool:
    """Whether what stands at data[start:end] says that it belongs to a test network."""
    if _TEST.search(name.encode("latin-1", "replace")):
        return True
    near = data[max(0, start - AROUND) : end + AROUND]
    if venue is not None and any(host.encode() in near for host in venue.testnet_hosts):
        return not any(host.encode() in near.replace(b"testnet", b"") for host in venue.hosts)
    line = data[data.rfind(b"\n", 0, start) + 1 : start]
    return _TEST.search(line) is not None


def lowered(severity: int, steps: int = 1) -> Severity:
    return Severity(max(int(Severity.LOW), severity - steps))


def judge(finding: Finding, venue: Venue | None, test: bool, half: bool) -> Finding:
    """A finding with its severity and reasons set by what it is part of."""
    if finding.severity == Severity.INFO:
        return finding  # a documented example: nothing hangs on it
    severity: Severity = finding.severity
    reasons = list(finding.reasons)
    if venue is not None and venue.status == "defunct":
        severity = Severity.LOW
        reasons.append(f"{venue.title} is closed: of historical interest")
    elif test:
        severity = Severity.LOW
        reasons.append("a test network's: no money behind it")
    elif half:
        reasons.append(HALF)
        if finding.confidence < Confidence.CERTAIN:
            severity = lowered(severity)
    return finding._replace(severity=severity, reasons=tuple(reasons))


def credential_set(
    grouping: Grouping, members: Sequence[tuple[str, Finding]], venue: Venue | None, test: bool
) -> CredentialSet:
    """The set that findings make. `members` are (role, finding) in the rule's order."""
    rule = grouping.rule
    digest = blake2b(rule.id.encode(), digest_size=12, person=b"set")
    for role, finding in members:
        digest.update(b"\0" + role.encode() + b"\0" + finding.fingerprint.encode())
    defunct = venue is not None and venue.status == "defunct"
    severity = Severity(rule.severity) if grouping.complete else lowered(rule.severity)
    if defunct or test:
        severity = Severity.LOW
    why = rule.why
    if defunct and venue is not None:
        why = f"{venue.title} is closed: of historical interest."
    elif test:
        why = "A test network's credential: no money behind it."
    elif not grouping.complete:
        why = f"Not usable by itself: {', '.join(grouping.missing)} was not found. {why}"
    return CredentialSet(
        id=f"lgs-{digest.hexdigest()}",
        rule=rule.id,
        provider=rule.provider,
        title=rule.title,
        severity=severity,
        parts=tuple((role, finding.fingerprint) for role, finding in members),
        complete=grouping.complete,
        missing=grouping.missing,
        allows=rule.allows,
        why=why,
        origin=members[0][1].origin,
        start_line=min(finding.start_line for _, finding in members),
        end_line=max(finding.end_line for _, finding in members),
        testnet=test,
        steps=venue.first if venue is not None else (),
    )
