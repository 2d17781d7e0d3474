"""What is found and yet not reported: allow comments beside a secret, entries of a baseline, and the policy over both.

`allowance` looks for an allow comment where a finding stands, while its document is alive; `apply` decides at the end of
a run which findings are suppressed, in which way and why, and which suppressions did not count. Nothing is dropped:
a suppressed finding moves from `ScanResult.findings` to `ScanResult.suppressed` with its reason. Reads no files, runs
nothing, prints nothing; imported by pipeline, cli/ and hook.
"""

# No `from __future__ import annotations` here: NamedTuple would compile every annotation, on every start.
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from leakguard.hashes import blake2b
from leakguard.model import Finding, ScanResult, Severity, Suppression

REACH = 4096
"""Bytes of a line looked at on either side of a secret: half of it is less than a window's context."""

BASELINE_FILE = "leakguard.baseline"
"""Where a baseline is looked for. Here and not in baseline.py, which a run without one need not load."""

INLINE, FOREIGN, BASELINE = "inline", "foreign", "baseline"

_MOST_LINES = 512
_HINTS = (b"leakguard:", b":allow", b":ignore", b"ggignore", b"ragma:")
_ANYWHERE = (b"#", b"//", b"/*", b"<!--", b"{#", b"{{!", b"{{!--", b"(*", b"<%--", b'"""', b"'''", b"--[[", b"{-", b"<#", b"<%#", b"#=")
_APART = (b";", b"%", b"!", b"*", b"--", b"rem", b"@rem", b"dnl", b"::", b"..")
"""Signs that are also common inside of text: they begin a comment at the start of a line or after white space."""
_LAST = (b"--]]", b"]]", b"-}", b"#>", b"%>", b"=#")
"""Signs that are also common inside of text: they end a comment at the end of its line."""
_CLOSERS = (b"*/", b"-->", b"#}", b"--}}", b"}}", b"*)", b"--%>", b'"""', b"'''")


class Allowance(NamedTuple):
    """An allow comment that stands where a finding stands, judged as far as its text goes. Offsets are in the data."""

    way: str
    low: int
    high: int
    """Where its reason is in the data: it can hold secrets, so whoever shows it masks it."""
    lines_up: int
    """0 on the finding's own line, 1 on the line before."""
    problem: str
    """Why it does nothing, "" if it counts."""
    proof: tuple[bytes, ...]
    """Digests of the lines from the comment to the secret's end: the same lines in the base revision prove it old."""


class _Comment(NamedTuple):
    way: str
    rules: tuple[str, ...]
    low: int
    high: int
    only: bool
    """Nothing but the comment is on its line."""
    nextline: bool = False


# ---------------------------------------------------------------- comments
def allowance(data: bytes, start: int, end: int, rule: str) -> Allowance | None:
    """The allow comment for a finding of `rule` whose secret is data[start:end]; None where there is none.

    It is on a line of the secret's first or last byte, or directly before the first if that line is only a comment.
    A comment that is there and does nothing is returned with its `problem`.
    """
    first, last = _line(data, start), _line(data, end - 1 if end > start else end)
    before = _line_before(data, first[0], start)
    problems: list[Allowance] = []
    for up, (low, high) in ((0, first), (0, last), (1, before)):
        if low >= high or not any(hint in data[low:high] for hint in (*_HINTS, b"\0")):
            continue
        for comment in _comments(data, low, high):
            if not comment.only if up else comment.nextline:
                continue
            problem = _problem(comment, rule, data)
            begin = low if up else first[0]
            proof = _proof(data[begin : last[1]])
            found = Allowance(comment.way, comment.low, comment.high, up, problem, proof)
            if not problem:
                return found
            problems.append(found)
    return problems[0] if problems else None


def _line(data: bytes, at: int) -> tuple[int, int]:
    """The line that `at` is in, no more than REACH bytes on either side."""
    low = data.rfind(b"\n", max(0, at - REACH), at) + 1 or max(0, at - REACH)
    high = data.find(b"\n", at, at + REACH)
    return low, high if high >= 0 else min(len(data), at + REACH)


def _line_before(data: bytes, low: int, start: int) -> tuple[int, int]:
    """The line that ends where the line [low ...] begins; empty if that beginning is not one."""
    if low == 0 or start - low > REACH or data[low - 1 : low] != b"\n":
        return 0, 0
    high = low - 1
    begin = data.rfind(b"\n", max(0, high - REACH), high) + 1
    if not begin and high > REACH:
        return 0, 0  # longer than we look: nobody can say that it is only a comment
    return begin, high


def _comments(data: bytes, low: int, high: int) -> list[_Comment]:
    """Every allow comment on a line, ours before those of other tools."""
    line = data[low:high]
    places: Sequence[int] = range(low, high)
    if b"\0" in line:  # UTF-16, or a dump: the text without its zeros, and where each byte of it stands
        text = line.replace(b"\0", b"")
        if not any(hint in text for hint in _HINTS):
            return []
        places = [low + at for at, byte in enumerate(line) if byte]
        line = text
    return _own(line, places, high) + _foreign(line, places, high)


def _own(line: bytes, places: Sequence[int], end: int) -> list[_Comment]:
    import re

    out = []
    for found in re.finditer(rb"leakguard:[ \t]*allow\b[ \t]*(?:\[([^\]\n]{0,400})\])?[ \t:]*", line):
        marker = _marker(line[: found.start()])
        if marker is None:
            continue
        stop = line.find(b"leakguard:", found.end())
        text = line[found.end() : stop if stop >= 0 else len(line)]
        cut = min((text.find(c) for c in _CLOSERS if c in text), default=len(text))
        rest = text[cut:].strip(b" \t\r*/-#}%>)\"'")
        reason = text[:cut].strip(b" \t\r")
        reason = next((reason[: -len(sign)].rstrip() for sign in _LAST if reason.endswith(sign)), reason)
        if stop >= 0:  # the sign of the comment that follows is not part of this one's reason
            reason = reason.rstrip(b"#/*-;% \t")
        skip = len(text) - len(text.lstrip(b" \t\r"))
        low, high = found.end() + skip, found.end() + skip + len(reason)
        names = tuple(name.strip().decode("utf-8", "replace") for name in (found[1] or b"").split(b",") if name.strip())
        only = not line[:marker].strip(b" \t\r\xef\xbb\xbf\xff\xfe") and not rest
        out.append(_Comment(INLINE, names, *_spot(places, low, high, end), only))
    return out


_FOREIGN = (
    rb"(?:gitleaks|betterleaks):allow\b",
    rb"(?:trufflehog|kingfisher):ignore\b",
    rb"\bggignore\b",
    rb"pragma: ?(?:allowlist|whitelist)(?P<next>[ -]nextline)? secret\b",
)
"""What gitleaks, Betterleaks, TruffleHog, Kingfisher, ggshield and detect-secrets document as their inline comments."""


def _foreign(line: bytes, places: Sequence[int], end: int) -> list[_Comment]:
    import re

    out = []
    for found in re.finditer(b"|".join(_FOREIGN), line, re.IGNORECASE):
        # these tools take the words wherever they stand; so does who asks for them
        only = _marker(line[: found.start()]) == len(line) - len(line.lstrip())
        spot = _spot(places, found.start(), found.end(), end)
        nextline = found["next"] is not None
        out.append(_Comment(FOREIGN, (), *spot, only and nextline, nextline))
    return out


def _spot(places: Sequence[int], low: int, high: int, end: int) -> tuple[int, int]:
    """Offsets in the data of line[low:high]."""
    if low >= high:
        return end, end
    return places[low], places[high - 1] + 1


def _marker(prefix: bytes) -> int | None:
    """Where the comment begins whose sign ends `prefix`; None if none does."""
    text = prefix.rstrip(b" \t")
    for sign in sorted(_ANYWHERE, key=len, reverse=True):
        if text.endswith(sign):
            return len(text.rstrip(sign[-1:])) if sign in (b"#", b"//") else len(text) - len(sign)
    lowered = text.lower()
    for sign in _APART:
        if lowered.endswith(sign):
            bare = len(text.rstrip(sign)) if len(sign) == 1 else len(text) - len(sign)
            if bare == 0 or text[bare - 1 : bare] in (b" ", b"\t"):
                return bare
    return None


def _problem(comment: _Comment, rule: str, data: bytes) -> str:
    if comment.way == FOREIGN:
        return ""
    if not comment.rules:
        return "the comment names no rule: leakguard: allow[rule-id] reason"
    provider = rule.split(".", 1)[0]
    if "*" in comment.rules or "*.*" in comment.rules:
        return "`*` allows nothing: name the rule, or provider.*"
    if rule not in comment.rules and f"{provider}.*" not in comment.rules:
        return "the comment here allows another rule, not this one"
    if sum(chr(byte).isalnum() or byte > 127 for byte in data[comment.low : comment.high] if byte) < 3:
        return "the comment gives no reason, so it allows nothing"
    return ""


def _proof(block: bytes) -> tuple[bytes, ...]:
    return tuple(_digest(line) for line in block.split(b"\n")[:_MOST_LINES])


def _digest(line: bytes) -> bytes:
    return blake2b(line.strip(), digest_size=16, person=b"allowed line").digest()


def stands_in(proof: Sequence[bytes], text: bytes) -> bool:
    """Whether the lines a comment was seen in stand in `text`, one after the other, but for white space around them."""
    lines = [_digest(line) for line in text.split(b"\n")]
    size = len(proof)
    wanted = list(proof)
    return bool(size) and any(lines[at : at + size] == wanted for at in range(len(lines) - size + 1))


# ---------------------------------------------------------------- the verdict
class Policy(NamedTuple):
    """What may be suppressed, and by what."""

    inline: bool = True
    foreign: bool = False
    up_to: int = int(Severity.CRITICAL)
    """Findings above this severity are never suppressed."""
    baseline: Any = None
    """A triage.baseline.Baseline, or None."""
    today: str = ""
    """YYYY-MM-DD: an entry that expires before it counts no more."""
    place: Callable[[Finding], str] = lambda finding: finding.path
    """A finding's path as the baseline and the base revision know it."""
    base: Callable[[str], bytes | None] | None = None
    """With a base revision: the text of a path in it, None if it has none."""


def apply(result: ScanResult, policy: Policy) -> ScanResult:
    """The result with what is suppressed set apart, each with its reason; sets go with the last of their findings.

    A finding keeps the note of a suppression that did not count.
    """
    kept: list[Finding] = []
    gone: list[Finding] = list(result.suppressed)
    texts: dict[str, bytes | None] = {}
    for finding in result.findings:
        judged = _judged(finding, policy, texts)
        (gone if judged.suppression is not None and judged.suppression.accepted else kept).append(judged)
    if len(gone) == len(result.suppressed):
        return result._replace(findings=tuple(kept))
    return result._replace(findings=tuple(kept), suppressed=tuple(gone), sets=_sets(result, kept, gone))


def _judged(finding: Finding, policy: Policy, texts: dict[str, bytes | None]) -> Finding:
    said: Suppression | None = finding.suppression
    if said is not None:
        said = _comment_judged(finding, said, policy, texts)
    if (said is None or not said.accepted) and policy.baseline is not None:
        entry = policy.baseline.match(finding, policy.place(finding))
        if entry is not None:
            said = _entry_judged(finding, entry, policy)
    return finding._replace(suppression=said)


def _comment_judged(
    finding: Finding, said: Suppression, policy: Policy, texts: dict[str, bytes | None]
) -> Suppression | None:
    """A comment's suppression, accepted or with the note why not."""
    if said.way == FOREIGN and not policy.foreign:
        return None  # another tool's comment means nothing to us, unless asked
    if said.note:
        return said
    if said.way == INLINE and not policy.inline:
        return said._replace(note="policy: comments allow nothing")
    if finding.severity > policy.up_to:
        return said._replace(note=_above(policy))
    if policy.base is not None:
        place = policy.place(finding)
        if place not in texts:
            texts[place] = policy.base(place)
        text = texts[place]
        if text is None or not stands_in(said.proof, text):
            return said._replace(note="the line and its comment are not in the base revision")
    return said._replace(accepted=True)


def _entry_judged(finding: Finding, entry: Any, policy: Policy) -> Suppression:
    said = Suppression(BASELINE, entry.reason, entry.where, entry.owner, entry.expires)
    if entry.expires and policy.today and entry.expires < policy.today:
        return said._replace(note=f"the baseline entry expired on {entry.expires}")
    if entry.rule != finding.rule:
        # its fingerprint is of the rule, too: somebody edited the column that reviewers go by
        return said._replace(note="the baseline entry names another rule than its fingerprint")
    if finding.severity > policy.up_to:
        return said._replace(note=_above(policy))
    return said._replace(accepted=True)


def _above(policy: Policy) -> str:
    return f"policy: nothing above {Severity(policy.up_to).label} is suppressed"


def _sets(result: ScanResult, kept: Iterable[Finding], gone: Iterable[Finding]) -> tuple[Any, ...]:
    """The sets that a reported finding belongs to, and those that nothing suppressed does."""
    reported = {(finding.set_id, str(finding.origin)) for finding in kept}
    hidden = {(finding.set_id, str(finding.origin)) for finding in gone}
    places = ((made, (made.id, str(made.origin))) for made in result.sets)
    return tuple(made for made, place in places if place in reported or place not in hidden)
