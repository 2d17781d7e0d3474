"""What a change adds, as laws over arbitrary edits: every new value is told, and nothing that was there is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from leaks import leak

from leakguard.changes import Scanner, glob_filter
from leakguard.detect.engine import Engine
from leakguard.errors import SourceError
from leakguard.sources.index import Change, change
from leakguard.sources.ranges import Step

LEAKS = [leak("github", 60 + number) for number in range(3)]
LINES = [text.rstrip(b"\n") for text, _ in LEAKS] + [b"import os", b"", b"}", b"x = 1"]


class Contents:
    """Contents by id, as a repository has them."""

    def __init__(self, *contents: bytes) -> None:
        self.by_id = {str(number): data for number, data in enumerate(contents)}
        self.reads = 0

    def read(self, ident: str) -> bytes:
        self.reads += 1
        if ident not in self.by_id:
            raise SourceError(ident, "missing")
        return self.by_id[ident]


def told(engine: Engine, contents: Contents, changes: Sequence[Change]) -> Scanner:
    scanner = Scanner(lambda _: engine, contents, glob_filter((), ()), lambda _: True)
    scanner.step(Step("", changes), "index")
    return scanner


def values(contents: Sequence[bytes]) -> Counter[bytes]:
    return Counter({secret: count for _, secret in LEAKS if (count := sum(data.count(secret) for data in contents))})


def found(scanner: Scanner, contents: Sequence[bytes]) -> Counter[bytes]:
    """The values of the findings, by the content of their path: paths are the contents' numbers."""
    spans = ((contents[int(f.path)], f) for f in scanner.findings)
    return Counter(data[f.start_byte : f.end_byte] for data, f in spans)


files = st.lists(st.sampled_from(LINES), max_size=9).map(b"\n".join)


@given(files, files)
def test_of_each_value_as_many_are_told_as_there_are_more(engine: Engine, old: bytes, new: bytes) -> None:
    scanner = told(engine, Contents(new, old), [Change("0", "0", ("1",))])
    assert found(scanner, [new]) == values([new]) - values([old])


@given(st.lists(st.tuples(files, files), min_size=1, max_size=4))
def test_moving_between_files_adds_nothing_and_hides_nothing(engine: Engine, pairs: list[tuple[bytes, bytes]]) -> None:
    """A value is told if the step has more of it after than before; what is told stands on an added line."""
    new, old = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    count = len(pairs)
    changes = [Change(str(n), str(n), (str(n + count),)) for n in range(count)]
    scanner = told(engine, Contents(*new, *old), changes)
    more = values(new) - values(old)
    mine = found(scanner, new)
    assert set(mine) == set(more)
    for value in mine:
        assert mine[value] >= more[value]
    for finding in scanner.findings:
        number = int(finding.path)
        assert values([new[number]]) - values([old[number]])


@given(files, files, files)
def test_a_merge_adds_what_no_parent_has(engine: Engine, merged: bytes, one: bytes, two: bytes) -> None:
    scanner = told(engine, Contents(merged, one, two), [Change("0", "0", ("1", "2"))])
    added = (values([merged]) - values([one])) & (values([merged]) - values([two]))
    assert set(found(scanner, [merged])) <= set(values([merged]) - values([one])) & set(
        values([merged]) - values([two])
    )
    assert set(found(scanner, [merged])) == set(added)


def test_a_predecessor_that_cannot_be_read_hides_nothing(engine: Engine) -> None:
    scanner = told(engine, Contents(LINES[0]), [Change("0", "0", ("gone",))])
    assert len(scanner.findings) == 1
    assert not scanner.incidents


def test_very_many_findings_on_one_line_and_in_one_step_are_no_trap(engine: Engine) -> None:
    """Lines and values are counted, not compared pair by pair: a minified file, and a folder that is renamed."""
    secrets = [leak("github", 10_000 + number)[0].strip() for number in range(400)]
    new = b" ".join(secrets) + b" " + b"x = 1; " * 200_000
    old = b" ".join(secrets[1:]) + b" " + b"x = 1; " * 200_000
    assert len(told(engine, Contents(new, old), [Change("0", "0", ("1",))]).findings) == 1
    moved = Contents(*secrets)
    changes = [Change(f"new/{n}", str(n), ("",)) for n in range(400)]
    changes += [Change(f"old/{n}", "", (str(n),)) for n in range(400)]
    assert not told(engine, moved, changes).findings
    assert moved.reads <= 3 * len(secrets)


@pytest.mark.parametrize(
    ("meta", "wanted"),
    [
        (":100644 100644 aaaa bbbb M", Change("p", "bbbb", ("aaaa",))),
        (":000000 120000 0000 bbbb A", Change("p", "bbbb", ("",), "120000")),
        (":100644 000000 aaaa 0000 D", Change("p", "", ("aaaa",), "000000")),
        (":160000 160000 aaaa bbbb M", Change("p", "", ("",), "160000")),
        (":100644 160000 aaaa bbbb T", Change("p", "", ("aaaa",), "160000")),
        (":160000 100644 aaaa bbbb T", Change("p", "bbbb", ("",))),
        ("::100644 000000 100755 aaaa 0000 bbbb MA", Change("p", "bbbb", ("aaaa", ""), "100755")),
        (":000000 000000 0000 0000 U", Change("p", "", ("",), "000000", True)),
    ],
)
def test_raw_entries(meta: str, wanted: Change) -> None:
    assert change(meta, "p") == wanted
