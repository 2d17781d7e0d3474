"""What a credential allows whoever reads it, as far as that can be known offline, and what to do first.

A complete set can act; a lone half cannot yet, and says so; a test network's or a dead venue's credential loses
nobody money. Severity follows from that, and each step of it is said in a reason. Pure functions over rules,
findings and the text around them; never asks a venue. Imported by findings.py and joining.py.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import blake2b

from leakguard.detect.pairing import Grouping
from leakguard.detect.scope import Place, Span, inside, nested_between, place
from leakguard.model import HALF, Confidence, CredentialSet, Finding, RuleSet, Severity, Venue
from leakguard.triage.fingerprint import SCHEME

TESTED = "a test network's: no money behind it"
_TEST = re.compile(
    rb"(?i)(?<![a-z])(?:testnet|test_net|sandbox|paper[_-]?trad|demo[_-]?(?:api|trad)|x-simulated-trading|sepolia|goerli)"
    rb"(?!\w{0,12}[\"'`]?\)?[ \t]{0,2}(?:=>?|:|,)[ \t]{0,2}[\"'`]?(?:false|0|no|off|null|none|nil)\b)"
)
"""Names of test networks, and not what turns one off: testnet=False."""
_ON = re.compile(
    rb"(?i)(?<![a-z])(?:is_?|use_?)?(?:testnet|sandbox|paper|demo|x-simulated-trading)(?:_?mode)?[\"'`]?[ \t]{0,2}"
    rb"(?:=>?|:)[ \t]{0,2}[\"'`]?(?:true|1|yes|on)\b"
)
_WORDS = (b"test", b"sandbox", b"paper", b"demo", b"simulated", b"sepolia", b"goerli")
"""One of them is in whatever these two take."""
_LIVE = re.compile(rb"(?i)(?<![a-z])(?:live|main(?:net)?|prod(?:uction)?|real)(?![a-z])")
_DENIED = re.compile(rb"(?i)(?<![a-z])(?:live|mainnet|prod(?:uction)?|real|not?|never|without)(?![a-z])")
_COMMENT = re.compile(rb"(?m)^[ \t]{0,40}(?:#|//|;|--|'[ \t]|REM )[^\r\n]*")
_KEYS = re.compile(rb"(?i)(?:key|secret)\w{0,20}[\"'`\])]{0,2}[ \t]{0,4}(?:=|:)")
EVERYWHERE = "named for a test network, but a wallet's key opens the same address on every network"
_ON_BOTH = frozenset({"bingx"})
"""Venues whose demo takes the keys of the live account: facts of the venue's own clients."""
_TEST_STEPS = (
    "Delete the key on the test network's own site: mostly another account system than the live one.",
    "Make sure that neither the key nor the passphrase is used for the live account, too; if it is, follow the live venue's steps.",
)
AROUND = 600
"""Bytes around a part in which a test network's name or host counts."""


def venues(ruleset: RuleSet) -> dict[str, Venue]:
    """Venues by provider."""
    return {venue.provider: venue for venue in ruleset.venues}


def is_test(data: bytes, start: int, end: int, name: str, venue: Venue | None) -> bool:
    """Whether what stands at data[start:end] says that it belongs to a test network.

    To take a live key for one without money behind it is the dearer mistake: what is said of another object, another
    paragraph's keys or under another comment is not said of this one.
    """
    called = name.encode("latin-1", "replace")
    if venue is not None and venue.provider in _ON_BOTH:
        return False
    if _TEST.search(called):
        return True
    if _LIVE.search(called):
        return False
    near = data[max(0, start - AROUND) : end + AROUND]
    hosts = [host.encode() for host in venue.testnet_hosts] if venue is not None else []
    small = near.lower()
    if not any(word in small for word in _WORDS) and not any(host in near for host in hosts):
        return False  # most, and sooner told than by patterns
    line = data.rfind(b"\n", 0, start) + 1
    if _TEST.search(data, max(line, start - AROUND), start):
        return True
    if not (any(host in near for host in hosts) or _TEST.search(near) or _ON.search(near)):
        return False  # nearly all
    where = place(data, start, end)
    if any(_TEST.search(data, *head) for head in where.heads):
        return True
    if where.objects and _ON.search(data, *where.objects[0]):
        return True
    above = _comment_above(data, where.paragraph[0], line)
    if _TEST.search(above) and not _DENIED.search(above):
        return True
    return venue is not None and any(_speaks(data, start, end, host, where, venue) for host in hosts)


def _comment_above(data: bytes, low: int, line: int) -> bytes:
    """The last line of comment between the paragraph's beginning and a line; b"" if there is none."""
    last = b""
    for found in _COMMENT.finditer(data, max(low, line - AROUND), line):
        last = found[0]
    return last


def _speaks(data: bytes, start: int, end: int, host: bytes, where: Place, venue: Venue) -> bool:
    """Whether a test network's host stands near a value, and where it speaks for it."""
    low, high = max(0, start - AROUND), min(len(data), end + AROUND)
    at = data.find(host, low, high)
    while at >= 0:
        region = _region(data, (start, end), (at, at + len(host)), where, (low, high))
        if region is not None:
            text = data[region[0] : region[1]]
            for other in venue.testnet_hosts:
                text = text.replace(other.encode(), b"")
            if not any(live.encode() in text for live in venue.hosts):
                return True
        at = data.find(host, at + 1, high)
    return False


def _region(data: bytes, value: Span, host: Span, where: Place, near: Span) -> Span | None:
    """The stretch that a host and a value share, in which no live host may stand; None if they have nothing to do with
    each other."""
    for depth, outer in enumerate(where.objects):
        if inside(host, outer):
            low, high = max(outer[0], near[0]), min(outer[1], near[1])
            return (low, high) if not depth or not nested_between(data, outer, host[0]) else None
    between = (min(value[1], host[1]), max(value[0], host[0]))
    if inside(host, where.paragraph):
        parted = _COMMENT.search(data, data.find(b"\n", *between) + 1 or between[1], between[1])
        return near if parted is None or inside(host, parted.span()) else None
    low = max(data.rfind(b"\n\n", near[0], host[0]), near[0])
    high = data.find(b"\n\n", host[1], near[1])
    if _KEYS.search(data, low, high if high >= 0 else near[1]) or _LIVE.search(data, *near):
        return None  # the host of the keys that stand with it
    return near


def _everywhere(finding: Finding, venue: Venue | None) -> bool:
    """Whether a key is a wallet's: which network it was meant for does not bind it."""
    return venue is not None and venue.kind == "dex" and finding.part in ("private-key", "mnemonic")


def _plainly(venue: Venue) -> str:
    """A closed venue's name, without saying twice that it is."""
    return venue.title.removesuffix(" (closed)")


def lowered(severity: int, steps: int = 1) -> Severity:
    """A severity so many steps lower, and never below LOW."""
    return Severity(max(int(Severity.LOW), severity - steps))


def judge(finding: Finding, venue: Venue | None, test: bool, half: bool, missing: Sequence[str] = ()) -> Finding:
    """A finding with its severity and reasons set by what it is part of. `missing`: the roles that the set lacks, where several
    others are there."""
    if finding.severity == Severity.INFO:
        return finding  # a documented example: nothing hangs on it
    severity: Severity = finding.severity
    reasons = list(finding.reasons)
    lacking = f"{HALF}: {', '.join(missing)}" if missing else HALF
    if venue is not None and venue.status == "defunct":
        severity = Severity.LOW
        reasons.append(f"{_plainly(venue)} is closed: of historical interest")
        reasons += [lacking] if half else []
    elif test and _everywhere(finding, venue):
        reasons.append(EVERYWHERE)
    elif test:
        severity = Severity.LOW
        reasons.append(TESTED)
        reasons += [lacking] if half else []
    elif half:
        reasons.append(lacking)
        if finding.confidence < Confidence.CERTAIN:
            severity = lowered(severity)
    return finding._replace(severity=severity, reasons=tuple(reasons))


_BY_PLACE = f"{SCHEME}p-"


def credential_set(
    grouping: Grouping, members: Sequence[tuple[str, Finding]], venue: Venue | None, test: bool
) -> CredentialSet:
    """The set that findings make. `members` are (role, finding) in the rule's order."""
    rule = grouping.rule
    digest = blake2b(rule.id.encode(), digest_size=12, person=b"set")
    named = [finding.fingerprint.startswith(_BY_PLACE) for _, finding in members]
    for (role, finding), by_place in zip(members, named, strict=True):
        # a passphrase is known by its place: a message that an export holds twice would be two accounts
        known = role if by_place and not all(named) else f"{role}\0{finding.fingerprint}"
        digest.update(b"\0" + known.encode())
    defunct = venue is not None and venue.status == "defunct"
    test = test and not any(_everywhere(finding, venue) for _, finding in members)
    severity = Severity(rule.severity) if grouping.complete else lowered(rule.severity)
    if defunct or test:
        severity = Severity.LOW
    why = rule.why
    if defunct and venue is not None:
        why = f"{_plainly(venue)} is closed: of historical interest."
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
        steps=_TEST_STEPS if test and not defunct else venue.first if venue is not None else (),
    )
