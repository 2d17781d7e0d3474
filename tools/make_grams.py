"""Makes leakguard/detect/gates/grams.py's table: how surprising a character is after the two before it.

Learnt from the names, strings and comments of the Python standard library this runs on (PSF licence) and, if the
package `mnemonic` is there, from the BIP-39 lists (MIT): six languages in Latin letters. Every distinct token
counts once. Prints the module's constant; run `python tools/make_grams.py` and paste, or `--write` to replace it.
"""

from __future__ import annotations

import argparse
import base64
import re
import sys
import sysconfig
import zlib
from collections import Counter
from math import log2
from pathlib import Path

MODULE = Path(__file__).parent.parent / "leakguard" / "detect" / "gates" / "grams.py"
TOKEN = re.compile(rb"[A-Za-z0-9]+(?:[_.\-/:+@][A-Za-z0-9]+)*")
SIZE = 28
"""a to z, a digit, anything else (also both ends)."""

STEP = 0.75
"""Bits per level of the table: sixteen levels reach 11 bits."""


def tokens() -> set[bytes]:
    """Distinct tokens of text and code. Long ones are left out: data, not language."""
    found: set[bytes] = set()
    library = Path(sysconfig.get_path("stdlib"))
    for path in sorted(library.rglob("*.py")):
        if "site-packages" not in path.parts and "idlelib" not in path.parts:
            found.update(token for token in TOKEN.findall(path.read_bytes()) if 2 < len(token) < 25)
    try:
        from mnemonic import Mnemonic
    except ImportError:
        return found
    for language in ("english", "spanish", "french", "italian", "portuguese", "czech"):
        found.update(word.encode("ascii", "ignore") for word in Mnemonic(language).wordlist)
    return found


def codes(token: bytes) -> list[int]:
    """A token's symbols, two ends before it and one after it."""
    symbols = [27, 27]
    for byte in token.lower():
        symbols.append(byte - 97 if 97 <= byte <= 122 else 26 if 48 <= byte <= 57 else 27)
    return [*symbols, 27]


def table() -> bytes:
    """One level per trigram: -log2 of the interpolated probability, in steps."""
    tri: Counter[tuple[int, int, int]] = Counter()
    for token in tokens():
        # camelCase is two words, like snake_case
        parts = re.sub(rb"(?<=[a-z0-9])(?=[A-Z])", b"_", token)
        symbols = codes(parts)
        tri.update(zip(symbols, symbols[1:], symbols[2:], strict=False))
    bi: Counter[tuple[int, int]] = Counter()
    uni: Counter[int] = Counter()
    for (_, b, c), count in tri.items():
        bi[b, c] += count
        uni[c] += count
    left2: Counter[tuple[int, int]] = Counter()
    left1: Counter[int] = Counter()
    for (a, b, _), count in tri.items():
        left2[a, b] += count
        left1[b] += count
    total = sum(uni.values())
    out = bytearray()
    for a in range(SIZE):
        for b in range(SIZE):
            for c in range(SIZE):
                p1 = (uni[c] + 1) / (total + SIZE)
                p2 = (bi[b, c] + 20 * p1) / (left1[b] + 20)
                p3 = (tri[a, b, c] + 20 * p2) / (left2[a, b] + 20)
                out.append(min(15, round(-log2(p3) / STEP)))
    return bytes(out)


def packed(levels: bytes) -> str:
    """Two levels to a byte, deflated, base64: binascii reads that at once, base85 takes a millisecond."""
    pairs = bytes(levels[i] << 4 | levels[i + 1] for i in range(0, len(levels), 2))
    return base64.b64encode(zlib.compress(pairs, 9)).decode()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="replace the constant in grams.py")
    text = packed(table())
    lines = "\n".join(f'    b"{text[at : at + 128]}"' for at in range(0, len(text), 128))
    constant = f"_PACKED = (\n{lines}\n)\n"
    if not parser.parse_args().write:
        print(constant)
        return 0
    source = MODULE.read_text()
    MODULE.write_text(re.sub(r"(?s)^_PACKED = \(\n.*?^\)\n", lambda _: constant, source, count=1, flags=re.M))
    return 0


if __name__ == "__main__":
    sys.exit(main())
