"""Where a text that was put together (joined lines, unquoted cells, undone escapes) stands in the file it was made of.

Promises: knows of each byte of the text its offset, line and column in the file; memory is 48 bytes for each joint. Knows
`model` alone. Imported by the readers of this package.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable

from leakguard.model import CredentialSet, Finding


class Places:
    """Where the bytes of a text that was put together stand in the log itself."""

    def __init__(self) -> None:
        self._rows = array("q")  # five a run: offset and line in the text; offset, line and column in the log
        self._offsets = array("q")
        self._made = self._line = 0
        self._end = 0

    def __len__(self) -> int:
        return len(self._offsets)

    def add(self, data: bytes, offset: int, line: int, column: int) -> None:
        """`data` comes next in the text, and stands in the log at `offset`, in `line`, `column` bytes behind its
        start (lines from 0)."""
        if offset != self._end or not self._offsets:
            self._offsets.append(self._made)
            self._rows.extend((self._made, self._line, offset, line, column))
        self._made += len(data)
        self._line += data.count(b"\n")
        self._end = offset + len(data)

    def place(self, offset: int, line: int, column: int) -> tuple[int, int, int]:
        """(offset, line, column) in the log of a byte of the text. Lines and columns count from 1."""
        at = bisect_right(self._offsets, offset) - 1
        if at < 0:
            return offset, line, column
        made, first, there, there_line, there_column = self._rows[5 * at : 5 * at + 5]
        if line - 1 == first:
            column = there_column + offset - made + 1
        return there + offset - made, there_line + line - first, column

    def moved(
        self, findings: Iterable[Finding], sets: Iterable[CredentialSet]
    ) -> tuple[list[Finding], list[CredentialSet]]:
        """Findings of the text with their places in the log."""
        out = []
        lines: dict[str, list[int]] = {}
        for finding in findings:
            offset, line, column = self.place(finding.start_byte, finding.start_line, finding.start_column)
            last, last_line, last_column = self.place(
                max(finding.start_byte, finding.end_byte - 1),
                finding.end_line,
                finding.end_column - 1,
            )
            out.append(
                finding._replace(
                    start_byte=offset, start_line=line, start_column=column,
                    end_byte=last + 1, end_line=last_line, end_column=last_column + 1,
                )
            )  # fmt: skip
            lines.setdefault(finding.fingerprint, []).append(line)
        return out, [_set_moved(made, lines) for made in sets]


def _set_moved(made: CredentialSet, lines: dict[str, list[int]]) -> CredentialSet:
    found = [line for _, fingerprint in made.parts for line in lines.get(fingerprint, ())]
    return made._replace(start_line=min(found), end_line=max(found)) if found else made
