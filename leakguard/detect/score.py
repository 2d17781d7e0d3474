"""How well the rules do on the labelled corpus: recall, right venue, right sets, false alarms, by venue.

A secret counts as found if some finding is exactly it, or exactly what stands for it in the file; a set as right if
one complete set joins exactly the labelled parts of an account. Whatever else is reported above `info` is a false
alarm. Used by `rules stats` and the tests; never by scanning.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from leakguard.detect.check import Bench
from leakguard.detect.corpus import Label, Sample
from leakguard.findings import findings_of
from leakguard.model import CredentialSet, Document, Finding, Origin, Severity

_KIN = {"kucoinfutures": ("kucoin",)}
"""Venues with one set of headers: a key of the one is one of the other."""


class Tally(NamedTuple):
    """Counts of one row: a venue, or all."""

    secrets: int = 0
    found: int = 0
    venue_right: int = 0
    sets: int = 0
    sets_right: int = 0
    crossed: int = 0
    negatives: int = 0
    alarms: int = 0
    alarms_above_low: int = 0

    def plus(self, other: Tally) -> Tally:
        return Tally(*(a + b for a, b in zip(self, other, strict=True)))

    def as_json(self) -> dict[str, float]:
        """The counts, and the shares that the bars are about."""
        shares = {
            "recall": self.recall, "right_venue": self.right_venue, "right_sets": self.right_sets,
            "false_alarms_per_1000": self.per_thousand,
        }  # fmt: skip
        return {**self._asdict(), **{name: round(share, 4) for name, share in shares.items()}}

    @property
    def recall(self) -> float:
        return self.found / self.secrets if self.secrets else 1.0

    @property
    def right_venue(self) -> float:
        """Of the secrets found, the share whose venue is right."""
        return self.venue_right / self.found if self.found else 1.0

    @property
    def right_sets(self) -> float:
        return self.sets_right / self.sets if self.sets else 1.0

    @property
    def per_thousand(self) -> float:
        """False alarms per 1,000 values that are no secrets."""
        return 1000 * self.alarms / self.negatives if self.negatives else 0.0


class Fault(NamedTuple):
    """One thing gone wrong, for whoever mends the rules."""

    what: str
    """missed, venue, set or alarm."""
    detail: str
    sample: Sample
    start: int
    end: int


class Scored(NamedTuple):
    total: Tally
    venues: dict[str, Tally]
    faults: list[Fault]


def score(bench: Bench, samples: Iterable[Sample]) -> Scored:
    """The tallies over some samples, and every fault."""
    venues: dict[str, Tally] = {}
    faults: list[Fault] = []
    for sample in samples:
        findings, sets = scan(bench, sample)
        tally = _judge(sample, findings, sets, faults)
        venues[sample.venue] = venues.get(sample.venue, Tally()).plus(tally)
    total = Tally()
    for tally in venues.values():
        total = total.plus(tally)
    return Scored(total, venues, faults)


def scan(bench: Bench, sample: Sample) -> tuple[list[Finding], list[CredentialSet]]:
    """What a scan of the sample's file would report."""
    matches = bench.engine.scan(sample.data, sample.path).matches
    return findings_of(bench.engine, Document(sample.data, Origin("file", sample.path)), matches, 1)


def _judge(sample: Sample, findings: Sequence[Finding], sets: Sequence[CredentialSet], faults: list[Fault]) -> Tally:
    found = right = 0
    for label in sample.labels:
        own = [finding for finding in findings if _is(finding, label)]
        providers = {finding.provider for finding in own}
        if not own:
            faults.append(Fault("missed", f"{label.provider}.{label.part}", sample, label.start, label.end))
        elif _right(label, providers):
            right += 1
        else:
            detail = f"{label.provider}.{label.part} taken for {', '.join(sorted(f.rule for f in own))}"
            faults.append(Fault("venue", detail, sample, label.start, label.end))
        found += bool(own)
    alarms = [f for f in findings if f.severity > Severity.INFO and not _at_secret(f, sample)]
    faults += [Fault("alarm", f.rule, sample, f.start_byte, f.end_byte) for f in alarms]
    wanted, joined, crossed = _sets(sample, findings, sets, faults)
    return Tally(
        len(sample.labels), found, right, wanted, joined, crossed, sample.negatives,
        len(alarms), sum(f.severity > Severity.LOW for f in alarms),
    )  # fmt: skip


def _is(finding: Finding, label: Label) -> bool:
    """Whether a finding is exactly a label's secret, or exactly what stands for it in the file."""
    return finding.secret == label.value or (finding.start_byte, finding.end_byte) == (label.start, label.end)


def _label_of(finding: Finding, sample: Sample) -> int:
    return next((number for number, label in enumerate(sample.labels) if _is(finding, label)), -1)


def _at_secret(finding: Finding, sample: Sample) -> bool:
    """Whether a finding shows somebody a secret, be it more or less than exactly it."""
    return any(
        finding.secret == label.value or (finding.start_byte < label.end and label.start < finding.end_byte)
        for label in sample.labels
    )


def _right(label: Label, providers: set[str]) -> bool:
    return label.provider in providers or not providers.isdisjoint(_KIN.get(label.provider, ()))


def _sets(
    sample: Sample, findings: Sequence[Finding], sets: Sequence[CredentialSet], faults: list[Fault]
) -> tuple[int, int, int]:
    """(accounts, accounts joined exactly, sets that cross accounts)."""
    accounts: dict[int, set[int]] = {}
    for number, label in enumerate(sample.labels):
        accounts.setdefault(label.account, set()).add(number)
    complete = {one.id for one in sets if one.complete}
    members: dict[str, set[int]] = {}
    for finding in findings:
        if finding.set_id in complete:
            members.setdefault(finding.set_id, set()).add(_label_of(finding, sample))
    joined = list(members.values())
    crossed = sum(len({sample.labels[number].account for number in one if number >= 0}) > 1 for one in joined)
    if not sample.sets:
        return 0, 0, crossed
    several = {number: labels for number, labels in accounts.items() if len(labels) > 1}
    right = 0
    for labels in several.values():
        if labels in joined:
            right += 1
            continue
        first = sample.labels[min(labels)]
        faults.append(Fault("set", first.provider, sample, first.start, first.end))
    return len(several), right, crossed


def rows(scored: Scored) -> Iterator[tuple[str, Tally]]:
    """The rows of the table: each venue, then all."""
    yield from sorted(scored.venues.items())
    yield "all", scored.total
