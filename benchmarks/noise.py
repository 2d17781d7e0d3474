"""Findings above low severity in a folder that holds no secret: the noise of the rules on real code.

    python benchmarks/noise.py FOLDER [--all]

Run it on installed packages, ccxt above all: tens of megabytes of exchange code full of key names and hashes.
"""

from __future__ import annotations

import os
import sys
from collections import Counter

from leakguard.detect import rules
from leakguard.detect.check import bench
from leakguard.model import Document, Finding, Origin, Severity
from leakguard.pipeline import findings_of


def findings_in(folder: str) -> list[Finding]:
    """Everything found in the files below a folder."""
    packs = [rules.parse_pack(name, text) for name, text in rules.read_files(rules.pack_files(rules.builtin_folder()))]
    engine = bench(packs).engine
    found = []
    for where, _, names in os.walk(folder):
        for name in sorted(names):
            path = os.path.join(where, name)
            with open(path, "rb") as file:
                data = file.read()
            matches = engine.scan(data, path).matches
            found += findings_of(engine, Document(data, Origin("file", os.path.relpath(path, folder))), matches, 1)[0]
    return found


def main() -> int:
    folder = sys.argv[1]
    least = Severity.LOW if "--all" in sys.argv else Severity.MEDIUM
    found = [finding for finding in findings_in(folder) if finding.severity >= least]
    for finding in found:
        print(f"{finding.origin}:{finding.start_line}: {finding.rule} {finding.severity.label} {finding.masked[:150]}")
    for rule, count in Counter(finding.rule for finding in found).most_common():
        print(f"{count:6} {rule}")
    print(f"{len(found):6} findings of {least.label} severity and above")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
