"""Where text was folded at a column: a line of a usual width ends inside a word that the next line goes on with.

Pure functions of bytes. Asked of every document, on the path of every start. Knows no rules.
Imported by engine.py and pipeline.py; decode.py undoes the folds.
"""

from __future__ import annotations

import re

FOLD_LIMIT = 1 << 20
"""Largest object that is looked at: mails and pasted text are folded, logs are not."""

CODE = (
    ".py", ".pyi", ".js", ".mjs", ".cjs", ".jsx", ".ts", ".tsx", ".c", ".h", ".cc", ".cpp", ".cxx", ".hpp", ".cs", ".go", ".rs",
    ".java", ".kt", ".kts", ".scala", ".swift", ".m", ".rb", ".php", ".pl", ".pm", ".lua", ".sh", ".bash", ".ps1", ".css", ".scss",
    ".sol", ".vue", ".dart", ".ex", ".exs", ".clj", ".erl", ".hs", ".jl", ".groovy", ".gradle", ".f90", ".pyx",
)  # fmt: skip
"""Ends of names of files that are not looked at: nobody's editor breaks source code inside a word, and most of their lines
begin with one."""

_WIDTHS = (64, 72, 76, 80)
_WIDEST = max(_WIDTHS)
_TOKEN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+/-")
_RETURN, _BREAK = 13, 10
# The break first: `re` finds it as fast as memory is read, and most lines of code begin with a blank.
_GOES_ON = re.compile(rb"\n[A-Za-z0-9_+/-]")


def fold_hits(data: bytes) -> list[tuple[str, int]]:
    """Hits for decode.Runs: where a line of a usual fold width (64, 72, 76, 80) ends inside a token."""
    out: list[tuple[str, int]] = []
    for found in _GOES_ON.finditer(data):
        end = found.start()
        if end and data[end - 1] == _RETURN:
            end -= 1
        if not end or data[end - 1] not in _TOKEN:
            continue
        if end > _WIDEST and _BREAK not in (data[end - 65], data[end - 73], data[end - 77], data[end - 81]):
            continue  # in most tables of data
        # without a break in sight the line is longer, or it is the first
        low = max(0, end - _WIDEST - 1)
        start = data.rfind(b"\n", low, end) + 1
        if end - start in _WIDTHS and (start or not low):
            out.append(("fold", found.end()))
    return out
