"""Gates that other scanners' configurations need: allowlists, filters, path patterns, companions.

Made by foreign.py, usable by any pack. Conditions are plain lists, so that they can be kept in the compiled cache:

    ["or", ...conditions]  ["and", ...conditions]  ["not", condition]
    ["regex", target, [patterns]]   one is found in the target
    ["word", target, [words]]       one is contained in it, in any case
    ["text", target, [texts]]       one is contained in it, exactly so
    ["equal", target, text]
    ["entropy", target, comparison, number]

Targets: secret, match (the group `match` of the pattern), line (at most REACH bytes either side), path. Pure
functions of the candidate. A pattern that runs out of time counts as not found: then the value is reported.
Imported through the table of gates only.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from leakguard.detect.gates import Candidate, Verdict

REACH = 16 * 1024
"""Bytes around a value that are looked at for its line, for keywords and for companions."""
_TIMEOUT = 0.5
_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip


def unless(candidate: Candidate, condition: list[Any]) -> Verdict:
    """Drops the value if a condition holds: an allowlist, or a filter."""
    return Verdict.REJECT if _holds(candidate, condition) else Verdict.PASS


def path_like(candidate: Candidate, pattern: str) -> Verdict:
    """Only in files whose path a regular expression is found in."""
    return Verdict.PASS if _found(pattern, _target(candidate, "path")) else Verdict.REJECT


def words_near(candidate: Candidate, words: list[Any]) -> Verdict:
    """Only where one of the words stands near the value or in it, in any case."""
    text = candidate.data[max(0, candidate.start - REACH) : candidate.end + REACH].lower()
    return Verdict.PASS if any(str(word).lower().encode() in text for word in words) else Verdict.REJECT


def companion(
    candidate: Candidate, *, pattern: str, lines_before: int = -1, lines_after: int = -1, before: int = -1,
    after: int = -1,
) -> Verdict:  # fmt: skip
    """Only where another pattern is found near: within so many lines, or so many bytes, of the value."""
    low = _reach_back(candidate, lines_before, before)
    high = _reach_on(candidate, lines_after, after)
    return Verdict.PASS if _found(pattern, candidate.data[low:high]) else Verdict.REJECT


def _reach_back(candidate: Candidate, lines: int, size: int) -> int:
    least = max(0, candidate.start - (REACH if size < 0 else min(size, REACH)))
    if lines < 0:
        return least
    at = candidate.start
    for _ in range(lines + 1):
        at = candidate.data.rfind(b"\n", least, at)
        if at < 0:
            return least
    return at + 1


def _reach_on(candidate: Candidate, lines: int, size: int) -> int:
    most = min(len(candidate.data), candidate.end + (REACH if size < 0 else min(size, REACH)))
    if lines < 0:
        return most
    at = candidate.end - 1
    for _ in range(lines + 1):
        at = candidate.data.find(b"\n", at + 1, most)
        if at < 0:
            return most
    return at


def _holds(candidate: Candidate, condition: list[Any]) -> bool:
    kind, *rest = condition
    if kind in ("or", "and"):
        return (any if kind == "or" else all)(_holds(candidate, one) for one in rest)
    if kind == "not":
        return not _holds(candidate, rest[0])
    target = _target(candidate, rest[0])
    if kind == "regex":
        return any(_found(pattern, target) for pattern in rest[1])
    if kind == "entropy":
        from leakguard.detect.gates.basic import shannon

        return _COMPARE[rest[1]](shannon(target), rest[2])
    return _has_text(kind, target, rest[1])


def _has_text(kind: str, target: bytes, wanted: Any) -> bool:
    if kind == "equal":
        return target == str(wanted).encode()
    if kind == "word":
        target = target.lower()
        return any(word.lower().encode() in target for word in wanted)
    return any(word.encode() in target for word in wanted)


def _target(candidate: Candidate, name: str) -> bytes:
    if name == "path":
        return candidate.path.encode("utf-8", "surrogateescape")
    if name == "match":
        return candidate.groups.get("match", candidate.secret)
    if name == "line":
        return candidate.data[_reach_back(candidate, 0, REACH) : _reach_on(candidate, 0, REACH)]
    return candidate.secret


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> Any:
    import regex

    return regex.compile(pattern.encode())


def _found(pattern: str, text: bytes) -> bool:
    try:
        return _compiled(pattern).search(text, timeout=_TIMEOUT) is not None
    except TimeoutError:
        return False
