"""Where text was folded at a column: a line of a usual width ends inside a word that the next line goes on with.

Pure functions of bytes. Asked of every document, on the path of every start. Knows no rules.
Imported by engine.py, looks.py, twin.py, pipeline.py and redact/core.py; decode/ undoes the folds.
"""

from __future__ import annotations

from leakguard.detect.patterns import compiled

FOLD_LIMIT = 1 << 20
"""Largest object that is looked at: mails and pasted text are folded, logs are not."""

CODE = (
    ".py", ".pyi", ".js", ".mjs", ".cjs", ".jsx", ".ts", ".tsx", ".c", ".h", ".cc", ".cpp", ".cxx", ".hpp", ".cs", ".go", ".rs",
    ".java", ".kt", ".kts", ".scala", ".swift", ".m", ".rb", ".php", ".pl", ".pm", ".lua", ".sh", ".bash", ".ps1", ".css", ".scss",
    ".sol", ".vue", ".dart", ".ex", ".exs", ".clj", ".erl", ".hs", ".jl", ".groovy", ".gradle", ".f90", ".pyx",
    ".pyc", ".pyo",
)  # fmt: skip
"""Ends of names of files that are not looked at: nobody's editor breaks source code inside a word, and most of their lines
begin with one. What Python makes of its source holds the same lines."""

PACKS = (".pack", ".png")
"""Ends of names of files that are zlib through and through, whose texts are read by those who know what they are: git's objects, and
pictures, of which some have a hundred parts and no text in any."""

_WIDTHS = (64, 72, 76, 80)
_TOKEN = rb"[A-Za-z0-9_+/-]"
_TOKENS = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+/-")
_RETURN = 13
_SMALL = 4096
_LENGTHS = frozenset(width + more for width in _WIDTHS for more in (0, 1))


# The break first: `re` finds it as fast as memory is read, and most lines of code begin with a blank. Then how the line
# before it ends, for few end inside a word, and last how long that line is.
_WIDE = [(end, b"|".join(b"(?<=\\n[^\\n]{%d}%b.)" % (width, end) for width in _WIDTHS)) for end in (b"\\n", b"\\r\\n")]
_FOLD = b"\\n%b(?:%b)" % (_TOKEN, b"|".join(b"(?<=%b%b.)(?:%b)" % (_TOKEN, *each) for each in _WIDE))
LATER = (_FOLD,)
"""Compiled when it is needed: this module is on the start-up path."""


def fold_hits(data: bytes) -> list[tuple[str, int]]:
    """Hits for decode.Runs: where a line of a usual fold width (64, 72, 76, 80) ends inside a token."""
    if data.find(b"\n", _WIDTHS[0], -1) < 0:
        return []
    if len(data) < _SMALL and _LENGTHS.isdisjoint(map(len, data.split(b"\n"))):
        return []  # nothing to compile a pattern for
    hits = [("fold", found.end()) for found in compiled(_FOLD).finditer(data)]
    first = data.find(b"\n", 0, _WIDTHS[-1] + 2)  # no break stands before the first line
    end = first - 1 if data[first - 1] == _RETURN else first
    if end in _WIDTHS and data[end - 1] in _TOKENS and data[first + 1] in _TOKENS:
        hits.insert(0, ("fold", first + 2))
    return hits
