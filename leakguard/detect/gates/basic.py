"""Gates that need no knowledge of a format: statistics, words, neighbours.

Pure functions of a candidate; never raise on odd bytes. Imported through the table of gates only.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache
from math import log2
from typing import Any

from leakguard.detect.gates import Candidate, Verdict
from leakguard.detect.patterns import compiled


def shannon(value: bytes) -> float:
    """Shannon entropy in bits per byte."""
    if not value:
        return 0.0
    size = len(value)
    counts = Counter(value).values()
    # the sum of -p log2 p with p = n / size, its logarithms taken once for each n
    return log2(size) - sum(map(_weighted, counts)) / size


@lru_cache(maxsize=4096)
def _weighted(count: int) -> float:
    return count * log2(count)


def entropy(candidate: Candidate, least: float) -> Verdict:
    return Verdict.PASS if shannon(candidate.secret) >= least else Verdict.REJECT


def length(candidate: Candidate, min: int = 0, max: int = 1 << 30, multiple: int = 1) -> Verdict:
    size = len(candidate.secret)
    return Verdict.PASS if min <= size <= max and size % multiple == 0 else Verdict.REJECT


def classes(candidate: Candidate, least: int) -> Verdict:
    """At least so many of: lower-case letter, upper-case letter, digit, anything else."""
    value = candidate.secret
    found = (
        (re.search(rb"[a-z]", value) is not None)
        + (re.search(rb"[A-Z]", value) is not None)
        + (re.search(rb"[0-9]", value) is not None)
        + (re.search(rb"[^A-Za-z0-9]", value) is not None)
    )
    return Verdict.PASS if found >= least else Verdict.REJECT


def distinct(candidate: Candidate, least: int) -> Verdict:
    return Verdict.PASS if len(set(candidate.secret)) >= least else Verdict.REJECT


@lru_cache(maxsize=512)
def _regex(pattern: str) -> re.Pattern[bytes]:
    return re.compile(pattern.encode())


def matches(candidate: Candidate, pattern: str) -> Verdict:
    return Verdict.PASS if _regex(pattern).search(candidate.secret) else Verdict.REJECT


def rejects(candidate: Candidate, pattern: str) -> Verdict:
    return Verdict.REJECT if _regex(pattern).search(candidate.secret) else Verdict.PASS


def _surroundings(candidate: Candidate, before: int, after: int) -> bytes:
    low = max(0, candidate.start - before)
    return (candidate.data[low : candidate.start] + b"\0" + candidate.data[candidate.end : candidate.end + after]).lower()


NEAR_BEFORE, NEAR_AFTER = 400, 200
"""Bytes before and after a value that `near` looks at where a rule says nothing else."""


def near(candidate: Candidate, words: list[Any], before: int = NEAR_BEFORE, after: int = NEAR_AFTER) -> Verdict:
    text = _surroundings(candidate, before, after)
    return Verdict.PASS if any(str(word).lower().encode() in text for word in words) else Verdict.REJECT


def not_near(candidate: Candidate, words: list[Any], before: int = NEAR_BEFORE, after: int = NEAR_AFTER) -> Verdict:
    return Verdict.REJECT if near(candidate, words, before, after) == Verdict.PASS else Verdict.PASS


def not_name(candidate: Candidate, pattern: str) -> Verdict:
    from leakguard.detect.assign import words

    return Verdict.REJECT if _regex(pattern).search("_".join(words(candidate.name)).encode()) else Verdict.PASS


_PLACEHOLDER = compiled(
    rb"(?i)example|sample|placeholder|change.?me|replace|insert|redacted|dummy|your[-_ .]|yourapi|yourkey|yourtoken|your(?:secret|password)"
    rb"|<[a-z_ -]+>|x{4,}|\*{3,}|\.{3,}|_here\b|to.?do\b|tbd\b|foo.?bar|lorem|ipsum"
)
_REFERENCE = compiled(
    rb"^(?:\$\{?[\w.:(-]|\$\(|%[\w(]|\{\{|<%|#\{|@\{|@@|env[.(\[]|process\.env|os\.(?:environ|getenv)|secrets?\.|vault:|ssm:|arn:aws:(?:ssm|secretsmanager))"
)


def not_placeholder(candidate: Candidate) -> Verdict:
    """No documentation word, no reference to a variable, no run of one character or of the alphabet."""
    value = candidate.secret
    if _REFERENCE.search(value) or _repeats(value):
        return Verdict.REJECT
    return Verdict.REJECT if _PLACEHOLDER.search(value) else Verdict.PASS


_RUN = compiled(rb"(.)\1{5,}", re.DOTALL)
_GROUPS = compiled(rb"(\w{4,12})(?:-\1){2,}(?:-\w{1,12})?")
"""One group of a dashed key three times or more: 12345678-12345678-12345678-12345."""
_ASCENDING = (b"0123456789abcdef", b"abcdefghijklm", b"ABCDEFGHIJKLM", b"12345678901234567890", b"9876543210")


def _repeats(value: bytes) -> bool:
    if len(set(value)) <= max(2, min(len(value) // 16, 8)):
        return True
    unit = value[2:] if value[:2] in (b"0x", b"0X") else value
    if len(unit) >= 12 and (unit + unit).find(unit, 1) < len(unit):
        return True  # one piece over and over: 1234567890abcdef1234567890abcdef
    if b"-" in value and _GROUPS.fullmatch(value):
        return True
    found = _RUN.search(value)
    if found and found.end() - found.start() >= max(6, len(value) // 3):
        return True
    return any(run in value for run in _ASCENDING) and len(value) < 80


def rarity(candidate: Candidate, least: float) -> Verdict:
    return Verdict.PASS if rareness(candidate.secret) >= least else Verdict.REJECT


_LOWER_RUN = compiled(rb"[a-z]{4,}|[A-Z][a-z]{3,}")
_VOWELS = frozenset(b"aeiouyAEIOUY")


def rareness(value: bytes) -> float:
    """0 for text made of pronounceable words, 1 for one that holds none: the share of bytes outside such words."""
    if not value:
        return 0.0
    wordy = 0
    for found in _LOWER_RUN.finditer(value):
        word = found.group()
        vowels = sum(c in _VOWELS for c in word)
        if 0.2 <= vowels / len(word) <= 0.67:
            wordy += len(word)
    return 1.0 - wordy / len(value)


def value_like(candidate: Candidate, kind: str) -> Verdict:
    """Whether an assigned value of no known format looks like a secret of a kind; see likeness."""
    from leakguard.detect.gates.likeness import value_like as judge

    return judge(candidate, kind)
