"""Seeded makers of example secrets: right in form and checksum, random, and nobody's.

Promise: what is made depends on the random generator alone, so a rule's examples are the same on every machine;
nothing is read but the word lists of `mnemonic`, nothing is kept but a few RSA primes. Used by detect/generate,
that is by `rules check`, the tests and the corpus; never by scanning. Written apart from the gates on purpose: a
gate and its maker that share an encoder would share its bugs.

The comment beside a name in each table says what its argument is.
"""

from __future__ import annotations

from collections.abc import Mapping

from leakguard.detect.makers import chains, keys, tokens
from leakguard.detect.makers.base import Maker

MAKERS: Mapping[str, Maker] = {**tokens.MAKERS, **keys.MAKERS, **chains.MAKERS}
"""Named generators of the template language: `{{gen:NAME ARG}}`."""
