"""A scan in this process: what `leakguard scan` finds, without the time that a process takes to start."""

from __future__ import annotations

import os
from contextlib import chdir
from functools import cache as once
from pathlib import Path
from typing import Any

from leakguard.collector import Collector
from leakguard.detect import cache
from leakguard.detect.engine import Engine
from leakguard.model import Finding, Incident, ScanResult
from leakguard.pipeline import scan_files
from leakguard.report.common import ordered
from leakguard.sources.files import Options, walk
from leakguard.sources.inside.limits import Limits
from leakguard.work import Policy


@once
def _engine(folder: str) -> Engine:
    loaded = cache.load(cache.Selection(), cache.FULL_COMPILE_AT, folder)
    return Engine(loaded.ruleset, loaded.stage1, keep_secrets=True)


def _record(finding: Finding) -> dict[str, Any]:
    out = {**finding._asdict(), "path": finding.path, "origin": finding.origin.as_json()}
    return {**out, "secret": (finding.secret or b"").decode("utf-8", "backslashreplace")}


def scanned(folder: Path, limits: Limits | None, strict: bool = False, **options: Any) -> ScanResult:
    """What a scan of a folder comes to."""
    collector = Collector()
    told: list[Incident] = []
    with chdir(folder):
        tasks = walk(["."], Options(**options), told.append)
        policy = Policy(inside=limits, strict=strict)
        scan_files(tasks, lambda _: _engine(os.environ["LEAKGUARD_CACHE_DIR"]), policy, 1, collector)
    return collector.result(told)


def held(account: dict[str, dict[str, int]], size: int, total: int) -> None:
    """Every byte is in one place, and what was scanned at either level is what the engine was given."""
    files, members = dict(account["files"]), dict(account["members"])
    assert files["bytes"] == size
    assert files["vanished"] == files["grown"] == 0
    assert files.pop("bytes") == sum(files.values())
    assert members.pop("bytes") == sum(members.values())
    assert all(value >= 0 for value in (*files.values(), *members.values()))
    assert files["scanned"] + members["scanned"] == total


def findings(folder: Path, *names: str) -> list[dict[str, Any]]:
    """The findings in files below a folder, as records, in the order of a report. Incidents fail the test."""
    collector = Collector()
    with chdir(folder):
        tasks = walk(names, Options(), collector.incidents.append)
        scan_files(tasks, lambda _: _engine(os.environ["LEAKGUARD_CACHE_DIR"]), Policy(inside=Limits()), 1, collector)
    assert collector.incidents == []
    return [_record(finding) for finding in ordered(collector.findings)]
