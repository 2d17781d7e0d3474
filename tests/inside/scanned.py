"""A scan in this process: what `leakguard scan` finds, without the time that a process takes to start."""

from __future__ import annotations

import os
from contextlib import chdir
from functools import cache as once
from pathlib import Path
from typing import Any

from leakguard.detect import cache
from leakguard.detect.engine import Engine
from leakguard.model import Finding
from leakguard.pipeline import Collector, Policy, scan_files
from leakguard.report.common import ordered
from leakguard.sources.files import Options, walk
from leakguard.sources.inside.limits import Limits


@once
def _engine(folder: str) -> Engine:
    loaded = cache.load(cache.Selection(), cache.FULL_COMPILE_AT, folder)
    return Engine(loaded.ruleset, loaded.stage1, keep_secrets=True)


def _record(finding: Finding) -> dict[str, Any]:
    out = {**finding._asdict(), "path": finding.path, "origin": finding.origin.as_json()}
    return {**out, "secret": (finding.secret or b"").decode("utf-8", "backslashreplace")}


def findings(folder: Path, *names: str) -> list[dict[str, Any]]:
    """The findings in files below a folder, as records, in the order of a report. Incidents fail the test."""
    collector = Collector()
    with chdir(folder):
        tasks = walk(names, Options(), collector.incidents.append)
        scan_files(tasks, lambda _: _engine(os.environ["LEAKGUARD_CACHE_DIR"]), Policy(inside=Limits()), 1, collector)
    assert collector.incidents == []
    return [_record(finding) for finding in ordered(collector.findings)]
