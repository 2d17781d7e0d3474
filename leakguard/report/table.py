"""The format `csv`: a header and a row per finding, for spreadsheets.

Every cell is one line of printable text, and none can start a formula. Incidents and sets have no rows (rows are
findings; the receipt and the json format have the rest). Knows model only.
"""

from __future__ import annotations

import csv
import io
import re
from typing import BinaryIO

from leakguard.model import ScanResult
from leakguard.report.common import ReportContext, finding_record, ordered, printable

COLUMNS = (
    "rule", "provider", "part", "title", "severity", "confidence", "fingerprint", "path", "start_line",
    "start_column", "end_line", "end_column", "start_byte", "end_byte", "masked", "length", "view", "name",
    "facts", "reasons", "why", "fix", "set",
)  # fmt: skip
SECRET_COLUMNS = ("secret", "secret_base64")

# What spreadsheets take for the start of a formula, the full-width forms included: some locales fold them.
_SIGNS = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"
_FORMULA = tuple(_SIGNS)
# Where the comma is the decimal sign a spreadsheet parts cells at semicolons, whatever is quoted: there a cell begins, too.
_INNER = re.compile(f'(;[\\s"\']*)(?=[{re.escape(_SIGNS)}])')


def render_csv(result: ScanResult, out: BinaryIO, context: ReportContext) -> None:
    """UTF-8, comma, LF. The columns of the secret are there only with show_secrets."""
    columns = COLUMNS + SECRET_COLUMNS if context.show_secrets else COLUMNS
    _write(out, columns)
    for finding in ordered(result.findings):
        record = finding_record(finding, context)
        _write(out, tuple(cell(record.get(column)) for column in columns))


def cell(value: object) -> str:
    """A value as one safe cell; an apostrophe before what a spreadsheet would run."""
    if value is None:
        text = ""
    elif isinstance(value, dict):
        text = "; ".join(f"{key}={item}" for key, item in value.items())
    elif isinstance(value, list):
        text = "; ".join(value)
    else:
        text = str(value)
    # judged before the escapes: `\t=` must not pass because it now begins with a backslash
    guard = "'" if text.startswith(_FORMULA) and not isinstance(value, int) else ""
    return guard + printable(_INNER.sub(r"\1'", text) if ";" in text else text)


def _write(out: BinaryIO, cells: tuple[str, ...]) -> None:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    out.write(line.getvalue().encode("utf-8"))
