"""What each trigger of stage 1 costs: the rules' database with and without it, over the same text, in one run.

    python benchmarks/triggers.py [--tree PATH] [--match TEXT] [--megabytes N] [--least NS]

Each group of triggers (a provider's rules, a form of context.py, a kind of encoded text) is left out by itself; what the
database then takes less is its price, in nanoseconds a byte, the best of many passes. A trigger whose literal is a word's
part costs as much as all of a hundred providers: a new one is looked at here before it goes in. `--match` takes only groups
whose name holds the text. Prices below the spread that is printed first mean nothing.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from typing import Any

PASSES = 15


def patterns() -> list[tuple[bytes, str]]:
    """(pattern, name of its group) of all that the rules' database looks for."""
    from leakguard.detect import cache
    from leakguard.detect.apart import apart, edged_runs
    from leakguard.detect.stage1 import CONTEXT_BASE, DECODE_BASE, LITERAL, TEXT_BASE, expressions, triggers

    ruleset = cache.load(cache.Selection(), cache.FULL_COMPILE_AT).ruleset
    edged = edged_runs(ruleset)
    out = []
    for pattern, ident in zip(*expressions(ruleset), strict=True):
        if ident < CONTEXT_BASE:
            if edged.get(ruleset.rules[ident].trigger):
                continue  # they have a database of their own
            name = ruleset.rules[ident].provider
        else:
            name = f"form {ident - CONTEXT_BASE}" if ident < DECODE_BASE else f"decode {ident - DECODE_BASE}"
        out += [(part, name) for part in apart(pattern)]
    return out + [(pattern, f"text {ident - TEXT_BASE}") for ident, pattern in triggers() if ident in LITERAL]


def material(tree: str, size: int) -> bytes:
    """The texts of a tree, up to so many bytes."""
    out: list[bytes] = []
    left = size
    for root, folders, names in os.walk(tree):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(root, name)
            if left > 0 and os.path.isfile(path) and not os.path.islink(path):
                with open(path, "rb") as file:
                    data = file.read(left)
                if 0 not in data:
                    out.append(data)
                    left -= len(data)
    if left > size // 2:
        sys.exit(f"{tree}: less than {size // 2} bytes of text in it")
    return b"".join(out)


def price(rows: list[tuple[bytes, str]], data: bytes) -> float:
    """Nanoseconds a byte of a database of these patterns, the best of PASSES."""
    import hyperscan

    database: Any = hyperscan.Database()
    database.compile(expressions=[pattern for pattern, _ in rows], ids=list(range(len(rows))), elements=len(rows))
    scratch: Any = hyperscan.Scratch(database)
    best = float("inf")
    for _ in range(PASSES):
        start = time.perf_counter()
        database.scan(data, match_event_handler=None, scratch=scratch)
        best = min(best, time.perf_counter() - start)
    return best / len(data) * 1e9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tree", default=os.path.dirname(os.__file__), help="where the text is from (default: Python's library)")
    parser.add_argument("--match", default="", help="only groups whose name holds this")
    parser.add_argument("--megabytes", type=float, default=2.0)
    parser.add_argument("--least", type=float, default=0.05, help="lowest price to print")
    options = parser.parse_args()
    data = material(options.tree, int(options.megabytes * 1e6))
    rows = patterns()
    whole = [price(rows, data) for _ in range(4)]
    print(f"{len(rows)} patterns, {len(data)} bytes: {min(whole):.2f} ns a byte (spread {max(whole) - min(whole):.2f})")
    found = []
    for group in dict.fromkeys(name for _, name in rows):
        if options.match in group:
            found.append((min(whole) - price([row for row in rows if row[1] != group], data), group))
    for saved, group in sorted(found, reverse=True):
        if saved >= options.least:
            first = next(pattern for pattern, name in rows if name == group)
            print(f"{saved:6.2f}  {group:24} {first[:90].decode('latin-1')!r}")


if __name__ == "__main__":
    main()
