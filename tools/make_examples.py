"""Writes leakguard/detect/examples.txt, the hashes of documented example values, from the tests' data file.

    python tools/make_examples.py [--check]
"""

from __future__ import annotations

import os
import sys
import tomllib

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT)

from leakguard.detect.examples import FILE, name_of  # noqa: E402 - the checkout's own, installed or not

HEAD = "# Hashes of documented example values. Made by tools/make_examples.py; do not edit.\n"


def lines() -> list[str]:
    """One `hash source` for each documented value."""
    found: dict[str, str] = {}
    with open(os.path.join(ROOT, "tests", "vectors.toml"), "rb") as handle:
        document = tomllib.load(handle)
    for entry in document["example"]:
        for value in entry["values"]:
            found.setdefault(name_of(value.encode()), entry["source"])
    for entry in document["vector"]:
        value = entry.get("value", "")
        if isinstance(value, str) and len(value) >= 16 and entry.get("verdict") != "REJECT":
            found.setdefault(name_of(value.encode()), entry["source"])
    return [HEAD, *(f"{digest} {source}\n" for digest, source in sorted(found.items()))]


def main() -> int:
    text = "".join(lines())
    if "--check" in sys.argv:
        with open(FILE, encoding="utf-8") as handle:
            if handle.read() != text:
                print("leakguard/detect/examples.txt is not fresh: run tools/make_examples.py", file=sys.stderr)
                return 2
        return 0
    with open(FILE, "w", encoding="utf-8") as out:
        out.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
