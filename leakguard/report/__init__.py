"""Reports: model in, bytes out.

`render` writes one format to a binary stream, `ReportContext` says what the result itself does not know. Nothing
here opens files, colours unasked, or shows a secret unasked; what comes from a scanned target is escaped. Knows
model and errors only; may be imported by cli. Formats load when asked for.
"""

from __future__ import annotations

import importlib
from typing import BinaryIO

from leakguard.errors import UsageError
from leakguard.model import ScanResult
from leakguard.report.common import ReportContext, RuleInfo, printable

__all__ = ["FORMATS", "ReportContext", "RuleInfo", "printable", "render"]

FORMATS = {
    "text": "leakguard.report.text:render_text",
    "json": "leakguard.report.records:render_json",
    "jsonl": "leakguard.report.records:render_jsonl",
    "sarif": "leakguard.report.sarif:render_sarif",
    "csv": "leakguard.report.table:render_csv",
    "junit": "leakguard.report.junit:render_junit",
    "gitlab": "leakguard.report.gitlab:render_gitlab",
    "github": "leakguard.report.github:render_github",
}


def render(result: ScanResult, fmt: str, out: BinaryIO, context: ReportContext) -> None:
    """Write `result` to `out` in the format called `fmt`. `out` is neither flushed nor closed."""
    where = FORMATS.get(fmt)
    if where is None:
        raise UsageError(unknown_format(fmt))
    module, _, function = where.partition(":")
    getattr(importlib.import_module(module), function)(result, out, context)


def unknown_format(fmt: str) -> str:
    """What is told of a format that is none, with the one that may have been meant."""
    import difflib  # only for a mistake

    near = difflib.get_close_matches(fmt.lower(), FORMATS, n=1, cutoff=0.5)
    hint = f", did you mean {near[0]}?" if near else ""
    return f"format: unknown name {printable(fmt)!r}{hint} (known: {', '.join(FORMATS)})"
