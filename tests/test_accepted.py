"""Which suppressions are in force: what a base revision holds, and what a finding's place is called."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from leakguard import accepted
from leakguard.config import Settings
from leakguard.model import Confidence, Finding, Origin, ScanResult, Severity, Totals
from leakguard.triage import baseline


class Base:
    """A base revision of two files, as sources.base.Base shows one."""

    revision, commit = "main", "0" * 40

    def __init__(self, top: Path, files: dict[str, bytes]) -> None:
        self.top = os.path.realpath(top)
        self.files = files

    def inside(self, path: str) -> str | None:
        found = os.path.relpath(os.path.realpath(path), self.top).replace(os.sep, "/")
        return None if found.startswith("..") else found

    def read(self, place: str) -> bytes | None:
        return self.files.get(place)


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Base:
    monkeypatch.chdir(tmp_path)
    return Base(tmp_path, {"leakguard.baseline": baseline.new("").text().encode(), "src/a.py": b"reviewed\n"})


def _finding(origin: Origin) -> Finding:
    return Finding(
        "generic.password", "generic", "password", "A password", Severity.HIGH, Confidence.HIGH, "lg1-00", origin,
        1, 1, 1, 2, 0, 1, "<generic.password:1>", 1,
    )  # fmt: skip


def test_a_baseline_of_the_base_revision_is_named_with_it(base: Base) -> None:
    found = accepted.load(Settings(), base=base)
    assert found.said == "main:leakguard.baseline"
    assert found.base == base.commit
    receipt = found.apply(ScanResult((), (), (), Totals())).receipt
    assert receipt == {"baseline": {"file": "main:leakguard.baseline", "entries": 0}, "trust_base": base.commit}


@pytest.mark.parametrize(
    ("place", "text"),
    [("src/a.py", b"reviewed\n"), ("src/b.py", None), ("src/a.py!/a.py", None), (os.path.abspath("src/a.py"), None)],
    ids=["a file", "a new file", "a member", "elsewhere"],
)
def test_only_lines_of_files_are_looked_up_in_the_base_revision(base: Base, place: str, text: bytes | None) -> None:
    base.files.update({"src/a.py!/a.py": b"no file is called so", os.path.abspath("src/a.py"): b"nor so"})
    look = accepted.load(Settings(), base=base).policy.base
    assert look is not None
    assert look(place) == text


def test_a_place_is_the_same_wherever_and_by_whichever_link_a_scan_was_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "top" / "src").mkdir(parents=True)
    (tmp_path / "link").symlink_to("top", target_is_directory=True)
    place = accepted.places(str(tmp_path / "top"))
    inner = Origin("member", "x.py", Origin("file", str(tmp_path / "link" / "src" / "a.tar")))
    assert place(_finding(inner)) == "src/a.tar!/x.py"
    monkeypatch.chdir(tmp_path / "top" / "src")
    assert place(_finding(Origin("file", "a.py"))) == "src/a.py"
    assert place(_finding(Origin("file", str(tmp_path / "b.py")))) == str(tmp_path / "b.py")
    assert place(_finding(Origin("blob", "src/a.py"))) == "src/a.py"
