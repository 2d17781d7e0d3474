"""Laws of sieve.py: what it leaves out holds no run, and stage 1 and the engine find the same with it and without."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from itertools import pairwise
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakguard.detect import decode, phrases, sieve
from leakguard.detect.engine import Engine
from leakguard.detect.stage1 import TEXT_BASE, Ends
from tests.leaks import TEMPLATES, leak, noise

KINDS = [(sieve.encoded, sieve.DIGITS, sieve.DIGITS_RUN), (sieve.texts, sieve.TEXT, sieve.TEXT_RUN)]
MARKS = [b"a", b"7", b"/", b" ", b"\xc3", b"\n", b"\0", b"\x7f"]
PIECES = st.one_of(
    st.binary(max_size=60),
    st.builds(lambda count, byte: byte * count, st.integers(15, 90), st.sampled_from(MARKS)),
    st.builds(lambda count, byte: byte * count, st.integers(0, 9000), st.sampled_from(MARKS)),
)
HEX = TEXT_BASE + [kind for kind, _ in decode.TEXT_TRIGGERS].index("hex")


@pytest.mark.parametrize(("find", "kind", "run"), KINDS, ids=["encoded", "texts"])
@given(pieces=st.lists(PIECES, max_size=12))
def test_every_run_is_in_a_span_with_the_byte_before_it(
    find: Callable[[bytes], sieve.Spans], kind: str, run: int, pieces: list[bytes]
) -> None:
    data = b"".join(pieces)
    spans = find(data)
    assert all(0 <= low < high <= len(data) for low, high in spans)
    assert all(one[1] < other[0] for one, other in pairwise(spans))
    for found in re.finditer(f"{kind}{{{run},}}".encode("latin-1"), data):
        assert any(low <= max(0, found.start() - 1) and found.end() <= high for low, high in spans)
    if not re.search(f"{kind}{{{run}}}".encode("latin-1"), data):
        assert spans == []


def bytes_of(parsed: Any) -> set[int]:
    """Every byte that a pattern of literals, classes, branches and repeats can match."""
    out: set[int] = set()
    for code, value in parsed:
        if code is op.LITERAL:
            out.add(value)
        elif code is op.IN:
            out |= {byte for byte in range(256) if re.fullmatch(_class(value), bytes([byte]))}
        elif code is op.BRANCH:
            out |= {byte for branch in value[1] for byte in bytes_of(branch)}
        elif code is op.SUBPATTERN:
            out |= bytes_of(value[3])
        elif code in (op.MAX_REPEAT, op.MIN_REPEAT):
            out |= bytes_of(value[2])
        else:
            raise AssertionError(f"not foreseen: {code}")
    return out | {byte ^ 0x20 for byte in out if chr(byte).isalpha() and byte < 128}


def _class(items: Any) -> bytes:
    text = b""
    for code, value in items:
        if code is op.LITERAL:
            text += re.escape(bytes([value]))
        elif code is op.RANGE:
            text += re.escape(bytes([value[0]])) + b"-" + re.escape(bytes([value[1]]))
        else:
            assert value is op.CATEGORY_SPACE
            text += rb"\s"
    return b"[" + text + b"]"


@pytest.mark.parametrize("number", range(len(phrases.PATTERNS)))
def test_phrases_are_made_of_runs_of_text(number: int) -> None:
    parsed = parser.parse(phrases.PATTERNS[number])
    assert parsed.getwidth()[0] >= sieve.TEXT_RUN
    assert all(re.fullmatch(sieve.TEXT.encode("latin-1"), bytes([byte])) for byte in bytes_of(parsed))


@pytest.mark.parametrize("number", range(len(decode.TEXT_TRIGGERS)))
def test_encoded_text_is_a_run_of_digits(number: int) -> None:
    kind, pattern = decode.TEXT_TRIGGERS[number]
    parsed = parser.parse(pattern)
    rest = parsed[1:]
    # before the run stands nothing, one byte, or an escape whose letter is of the run itself
    assert parsed[:1].getwidth() in ((0, 1), (0, 2))
    assert all(re.fullmatch(sieve.DIGITS.encode(), bytes([byte])) for byte in bytes_of(rest))
    if rest.getwidth()[0] < sieve.DIGITS_RUN:
        assert kind == "hex"
        assert rest.getwidth()[0] == 12
        digits = b"70617373776f72643d717765727479"
        assert list(decode.FINDERS[kind](digits[: sieve.DIGITS_RUN - 1], 12)) == []  # too few to be looked at
        assert list(decode.FINDERS[kind](digits, 12)) != []


def mixed(seed: int) -> bytes:
    """Something like a program: tables, strings, leaks and phrases."""
    chance = random.Random(seed)
    out = [noise(seed, 3000) if seed % 2 else b""]
    words = [word.decode() for word in sorted(_words())]
    for number in range(60):
        row = [chance.choice(words) for _ in range(chance.randrange(9, 15))]
        encoded = bytes(chance.choices(b"abcdefghij klmno=\n", k=chance.randrange(40))).hex().encode()
        told = leak(chance.choice(sorted(TEMPLATES)), seed + number)[0]
        out += [
            bytes(chance.choices(range(256), k=chance.randrange(3000))),
            chance.choice([b"\0", b"", b"\\n", b" "]),
            chance.choice([told, encoded, chance.choice([" ", "  ", ",\n"]).join(row).encode()]),
        ]
    return b"".join(out)


def _words() -> frozenset[bytes]:
    from leakguard.detect.gates.words import ascii_words

    return frozenset(ascii_words())


@pytest.mark.parametrize("seed", range(6))
def test_with_it_and_without_the_same_is_found(engine: Engine, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    data = mixed(seed)
    assert 0 in data
    monkeypatch.setattr(sieve, "_STEP", 256)
    results: list[tuple[Ends, Any]] = []
    for least in (1, 1 << 62):
        monkeypatch.setattr(sieve, "LEAST", least)
        results.append((sorted(engine.stage1.scan(data, True)), engine.scan(data)))
    (ends, scan), (plain, other) = results
    assert set(ends) <= set(plain)
    assert {ident for ident, _ in set(plain) - set(ends)} <= {HEX}
    assert scan == other
    assert scan.matches
    assert any(ident >= TEXT_BASE for ident, _ in ends)
