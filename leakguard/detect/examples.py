"""Documented example values: keys that stand in specifications, manuals and test suites for everybody to see.

They open nothing, so they are not reported unless asked for. Kept as hashes in `examples.txt` (made from
`tests/vectors.toml` by `tools/make_examples.py`), one a line with its source; a value is
compared by its hash, phrases by their words. Imported by engine.py once something was found.
"""

from __future__ import annotations

import os
import re
from functools import lru_cache
from hashlib import blake2b

FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "examples.txt")
_LETTERS = re.compile(rb"[a-z]+")


def name_of(value: bytes) -> str:
    """The hash an example is kept under. A phrase of twelve or more words counts by its words alone."""
    words = _LETTERS.findall(value.lower())
    if len(words) >= 12 and len(b" ".join(words)) > 0.5 * len(value):
        value = b" ".join(words)
    return blake2b(value.strip().removeprefix(b"0x"), digest_size=12, person=b"example").hexdigest()


@lru_cache(maxsize=1)
def known() -> dict[str, str]:
    """hash -> source of every documented example."""
    out = {}
    with open(FILE, encoding="utf-8") as lines:
        for line in lines:
            digest, _, source = line.rstrip("\n").partition(" ")
            if len(digest) == 24:
                out[digest] = source
    return out


def source_of(value: bytes) -> str:
    """Where a value is documented as an example; "" if nowhere."""
    return known().get(name_of(value), "")
