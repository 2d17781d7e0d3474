"""The command line that is read without click is read as click reads it, or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakguard.cli import quick
from leakguard.cli.scan import scan

VALUES = ["x", "high", "auto", "never", "3", "007", "8", "9", "256", "-1", "+1", "1_0", "\u0663", "", "-", "--", "a=b", "info", "10" * 9]
OPTIONS = [option for option in scan.params if isinstance(option, click.Option)]
NAMES = [name for option in OPTIONS for name in (*option.opts, *option.secondary_opts)]


def by_click(arguments: list[str]) -> dict[str, Any] | None:
    """What click reads of `scan`'s arguments; None for what it refuses, or answers itself."""
    try:
        with scan.make_context("scan", list(arguments), resilient_parsing=False) as context:
            return dict(context.params)
    except (click.ClickException, click.exceptions.Exit):
        return None


def same(arguments: list[str]) -> bool:
    """Whether the two agree, and whether anything was read at all."""
    mine = quick.parsed(["scan", *arguments])
    if mine is not None:
        assert mine == by_click(arguments), arguments
        assert {key: type(value) for key, value in mine.items()} == {k: type(v) for k, v in (by_click(arguments) or {}).items()}
    return mine is not None


def test_every_option_is_read_as_click_reads_it() -> None:
    for option in OPTIONS:
        read = 0
        for name in (*option.opts, *option.secondary_opts):
            for value in VALUES:
                read += same([name, value, "src"]) + same(["src", name, value]) + same([f"{name}={value}", "src"])
            read += same([name, "src"]) + same(["src", name])
        assert read, f"{option.name} is not known to quick.py"
    assert same(["src"])
    assert same(["src", "-", "more/of it"])


@given(st.lists(st.sampled_from([*NAMES, *VALUES, "src", "-qj2", "-fjsonl", "-h", "--help", "--form", "--max_size", "--version"]), max_size=8))
def test_any_mixture_is_read_as_click_reads_it_or_not_at_all(arguments: list[str]) -> None:
    same(arguments)


@pytest.mark.parametrize("arguments", [[], ["scan"], ["git"], ["scan", "--help"], ["scan", "x", "--nonsense"], ["--version"]])
def test_what_is_not_simple_is_left_to_click(arguments: list[str]) -> None:
    assert quick.parsed(arguments) is None


def test_a_scan_ends_the_same_by_either_way(tmp_path: Path) -> None:
    """Exit code and messages, for what is found and for what goes wrong; `--` is click's to read, and changes nothing."""
    (tmp_path / "clean.txt").write_text("nothing\n")
    (tmp_path / "leakguard.toml").write_text("jobs = 1\n")
    (tmp_path / "wrong.toml").write_text("jobz = 1\n")
    os.mkfifo(tmp_path / "fifo")
    for arguments in (
        ["clean.txt"], ["gone.txt"], ["clean.txt", "-c", "wrong.toml"], ["clean.txt", "-f", "nothing"], ["fifo"], ["."],
        ["clean.txt", "--only", "no.such-rule"], ["clean.txt", "-o", "gone/report"],
    ):  # fmt: skip
        ends = []
        for more in ([], ["--"]):
            done = subprocess.run(
                [sys.executable, "-m", "leakguard", "scan", *arguments[1:], *more, arguments[0]], cwd=tmp_path,
                capture_output=True, check=False,
            )  # fmt: skip
            ends.append((done.returncode, done.stdout, done.stderr))
        assert ends[0] == ends[1], arguments
        assert ends[0][2]
