"""The bars that the rules are held to on the labelled corpus, on three seeds; two accounts are never crossed."""

from __future__ import annotations

import pytest

from leakguard.detect.check import Bench
from leakguard.detect.corpus import Label, Sample, Writer, corpus
from leakguard.detect.rules import Pack
from leakguard.detect.score import Fault, Scored, score


@pytest.fixture(scope="module", params=[20261121, 7, 99])
def scored(request: pytest.FixtureRequest, bench: Bench, packs: list[Pack]) -> Scored:
    return score(bench, corpus(packs, request.param))


def worst(scored: Scored, *what: str) -> str:
    """The first faults of a kind, to mend."""
    faults = [fault for fault in scored.faults if fault.what in what]
    return "\n".join(f"{one.sample.kind}: {one.detail}: {_line(one)!r}" for one in faults[:: len(faults) // 10 + 1])


def _line(fault: Fault) -> bytes:
    return fault.sample.data[max(0, fault.start - 60) : fault.end + 20]


def test_recall(scored: Scored) -> None:
    assert scored.total.recall >= 0.98, worst(scored, "missed")


def test_right_venue(scored: Scored) -> None:
    assert scored.total.right_venue >= 0.95, worst(scored, "venue")


def test_right_sets(scored: Scored) -> None:
    assert scored.total.right_sets >= 0.95, worst(scored, "set")


def test_no_set_crosses_accounts(scored: Scored) -> None:
    assert scored.total.crossed == 0


def test_false_alarms(scored: Scored) -> None:
    assert scored.total.per_thousand <= 2, worst(scored, "alarm")


def test_it_is_a_corpus(packs: list[Pack]) -> None:
    samples = list(corpus(packs, 3))
    kinds: dict[str, set[str]] = {}
    for sample in samples:
        if sample.labels and sample.sets:
            kinds.setdefault(sample.venue, set()).add(sample.kind)
    assert sum(len(used) >= 12 for used in kinds.values()) >= 60
    assert len({sample.kind for sample in samples if not sample.labels}) >= 20
    assert sum(sample.negatives for sample in samples) >= 2000


def test_labels_are_where_they_say(packs: list[Pack]) -> None:
    plain = 0
    for sample in corpus(packs, 3):
        for label in sample.labels:
            assert 0 <= label.start < label.end <= len(sample.data)
            plain += sample.data[label.start : label.end] == label.value
    assert plain > 3000


def test_a_seed_gives_the_same_files(packs: list[Pack]) -> None:
    kind = next(kind for kind in Writer(packs, 1).table["kind"] if kind["name"] == "env-prefix")
    one, two, other = (Writer(packs, seed) for seed in (1, 1, 2))
    first = one.sample(kind, one.shops[0])
    assert first == two.sample(kind, two.shops[0])
    assert first != other.sample(kind, other.shops[0])


def test_the_score_sees_what_is_wrong(bench: Bench) -> None:
    key, secret = b"k" * 64, b"s" * 64
    text = b"BINANCE_API_KEY=" + key + b"\nBINANCE_API_SECRET=" + secret + b"\n"
    labels = (Label(key, 16, 80, "binance", "api-key", 0), Label(secret, 100, 164, "binance", "api-secret", 0))
    total = score(bench, [Sample(".env", "env", text, labels, 5, "binance")]).total
    assert (total.secrets, total.found, total.sets, total.sets_right, total.negatives) == (2, 0, 1, 0, 5)
