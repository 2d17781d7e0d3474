"""What the scanner finds in a text of any kind: for files that are cleaned and tests that are checked.

A record that is made of triggers is not judged, for it would take too long (runtime.Flood); a file has the time, and may
well be such a text without any harm: numbers and short words look like the beginnings of a numbered phrase. Nothing is kept.
Imported by files.py and pytest_plugin.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from leakguard.detect.engine import Engine, Scan
from leakguard.detect.runtime import Flood
from leakguard.errors import EngineError

if TYPE_CHECKING:
    from leakguard.detect.runtime import Merged
    from leakguard.detect.stage1 import Ends
    from leakguard.redact.core import Redactor


class _All:
    """Stage 1 of the redactor's rules, for as many ends as there may be."""

    def __init__(self, merged: Merged) -> None:
        self._merged = merged
        self.names = merged.names

    def scan(self, data: bytes, deep: bool) -> Ends:
        return self._merged.scan(data, deep, len(data))


def scanned(redactor: Redactor, data: bytes, path: str = "") -> Scan:
    """All matches of the redactor's rules in `data`. EngineError if that cannot be told."""
    try:
        return redactor.scanner().scan(data, path)
    except EngineError as error:
        if error.reason != Flood.__name__:
            raise
    return Engine(redactor.runtime.ruleset, _All(redactor.runtime.merged), redactor.runtime.key).scan(data, path)
