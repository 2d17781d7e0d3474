"""The address that the request around a value goes to: whose its `Authorization` is, whatever the value looks like.

No name and no form tell `Bearer 5cbf...` of one service from that of another; the URL of the call it stands in does. Adds the
fact `host` where one address, and one alone, is that call's; judges nothing.
"""

from __future__ import annotations

from leakguard.detect.gates import Candidate, Verdict
from leakguard.detect.patterns import compiled

BEFORE, AFTER = 640, 400
"""Bytes before and after a value in which its request's address may stand."""

_SCHEMED = compiled(rb"(?i)(?:\bauthorization\b[^\n]{0,40}|\b(?:bearer|token)(?: |[\"'], ?[\"']))\Z")
_URL = compiled(rb"(?i)\bhttps?:\\?/\\?/(?P<host>(?:[a-z0-9](?:[a-z0-9\-]{0,61}[a-z0-9])?\.){1,6}[a-z]{2,24})(?![\w.@\-]|:[^/@\s]{0,80}@)")
_ANOTHER = compiled(rb"(?i)authorization|\n[ \t]*\r?\n")
"""What parts two requests: the header of another one, a blank line."""
_BARE = compiled(rb"(?i)(?:api[-_]?)?(?:key|token|secret|auth)")
"""Names that a setting has as well as a header: an address in another paragraph is not its."""
_NOBODYS = compiled(
    rb"(?:.*\.)?(?:example\.(?:com|org|net)|localhost|w3\.org|schema\.org|json-schema\.org|test|invalid|example|local|internal)\Z"
)


def request_host(candidate: Candidate, _wanted: bool = True) -> Verdict:
    """The host of the request that a value in an `Authorization` header belongs to, as a fact."""
    data, start, end = candidate.data, candidate.start, candidate.end
    if candidate.name or _SCHEMED.search(data, max(0, start - 90), start):
        host = _host(data, start, end, far=_BARE.fullmatch(candidate.name) is None)
        if host:
            candidate.facts["host"] = host.decode("ascii")
    return Verdict.PASS


def _host(data: bytes, start: int, end: int, far: bool) -> bytes:
    """The host on the value's own line; else the nearest before it, else the first behind it, with no other request's header
    between; else, with `far`, the only one."""
    low, high = max(0, start - BEFORE), min(len(data), end + AFTER)
    line = data.rfind(b"\n", low, start) + 1 or low
    stop = data.find(b"\n", end, high)
    parted = [found.end() for found in _ANOTHER.finditer(data, low, max(low, start - 60))]
    other = _ANOTHER.search(data, end, high)
    before, behind = _hosts(data, low, start), _hosts(data, end, high)
    for hosts, nearest in (
        ([host for at, host in before if at >= line], -1),
        ([host for at, host in behind if at < (stop if stop >= 0 else high)], 0),
        ([host for at, host in before if not parted or at >= parted[-1]], -1),
        ([host for at, host in behind if other is None or at < other.start()], 0),
    ):
        if hosts:
            return hosts[nearest]
    distinct = {host for _, host in before + behind} if far else set()
    return distinct.pop() if len(distinct) == 1 else b""


def _hosts(data: bytes, low: int, high: int) -> list[tuple[int, bytes]]:
    found = [(url.start(), url["host"].lower()) for url in _URL.finditer(data, low, high)]
    return [(at, host) for at, host in found if not _NOBODYS.match(host)]
