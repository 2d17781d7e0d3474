"""Rotated logs are read in the order in which they were written."""

from __future__ import annotations

import gzip
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nests import CODECS
from test_inside_scan import findings, token

from leakguard.rotated import by_age


def ordered(names: list[str]) -> list[str]:
    names = sorted(names)
    order = by_age(names)
    return names if order is None else [names[index] for index in order]


@pytest.mark.parametrize(
    "names",
    [
        ["app.log.10.gz", "app.log.2.gz", "app.log.1", "app.log"],
        ["app.10.log", "app.2.log", "app.log"],
        ["messages-20231230", "messages-20240101.xz", "messages"],
        ["app.log.2024-01-31", "app.log.2024-02-01", "app.log.3", "app.log"],
        ["0.log.20240131-101500.gz", "0.log.20240201-101500", "0.log"],
        ["app-2024-01-01.log.gz", "app-2024-01-02.log", "app.log"],
        ["syslog.2.gz", "syslog.1", "syslog"],
        ["abc-json.log.2", "abc-json.log.1", "abc-json.log"],
        ["app.log.3.gz", "app.log.2.gz"],
        ["app.log.1700000000", "app.log.1700000001", "app.log"],
        ["a", "app.log.1", "app.log", "b.log.1", "b.log", "c"],
    ],
)
def test_the_oldest_first(names: list[str]) -> None:
    Random(1).shuffle(shuffled := list(names))
    assert ordered(shuffled) == names


@pytest.mark.parametrize("names", [["chapter.1", "chapter.10", "chapter.2"], ["ls.1", "cp.1"], ["v1.0", "v1.1"], ["a", "b.1"], []])
def test_what_is_no_log_stays_where_it_is(names: list[str]) -> None:
    assert ordered(names) == sorted(names)


@given(st.lists(st.from_regex(r"\A[a-c](\.log)?([.-](1|2|20240101|1\.gz))?(\.log)?\Z"), unique=True, max_size=12))
def test_nothing_is_lost(names: list[str]) -> None:
    assert sorted(ordered(names)) == sorted(names)


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_findings_come_in_the_order_of_age(jobs: str, tmp_path: Path) -> None:
    packed = {"app.log.12.gz": gzip.compress, "app.log.3.xz": CODECS["xz"][1], "app.log.2.bz2": CODECS["bzip2"][1]}
    names = [*packed, "app.log.1", "app.log"]
    for number, name in enumerate(names):
        text = b"a quiet line\n" * 300_000 + b"GITHUB_TOKEN=" + token(number).encode() + b"\n"
        (tmp_path / name).write_bytes(packed.get(name, bytes)(text))
    found = findings(tmp_path, ".", "-j", jobs)
    assert [r["secret"] for r in found] == [token(number) for number in range(len(names))]
