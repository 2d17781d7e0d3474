"""Matches of one document into its findings: place, mask, fingerprint, and the sets they make together.

Done while the document is alive; what leaves here holds masks and keyed digests, and never a secret unless it was asked
for. Everything on a line that must not be shown is masked, whichever rule saw it and wherever it stands again.
Knows no files and no command line. Imported by the pipeline and by whoever scans documents by another way.
"""

# No `from __future__ import annotations` here: NamedTuple would compile every annotation, on every start.
from bisect import bisect_left
from collections.abc import Iterable, Sequence

from leakguard.detect.engine import Engine
from leakguard.detect.hits import UNDOCUMENTED
from leakguard.model import Confidence, CredentialSet, Document, Finding, Match, Rule, Severity, Suppression
from leakguard.triage.fingerprint import fingerprint
from leakguard.triage.suppress import allowance

SNIPPET = 160
"""Characters of a line shown around a secret."""


def findings_of(
    engine: Engine, document: Document, matches: Sequence[Match], first_line: int, line_start: int | None = None
) -> tuple[list[Finding], list[CredentialSet]]:
    """A document's own findings, and the sets they make. `first_line`: the number of the line its core starts in,
    `line_start`: the absolute offset at which that line begins (None: in this document, too)."""
    if not any(document.core_start <= m.secret_start < document.core_end for m in matches):
        return [], []
    data = document.data
    matches = sorted(matches, key=_by_start)
    masks = Masks((m.secret_start, m.secret_end, engine.rules[m.rule].id, m.length) for m in matches)
    path = str(document.origin)
    found = []
    # matches in the context before the core come first: their lines are counted back from the core's
    at = min(matches[0].secret_start, document.core_start)
    line = first_line - breaks(data, at, document.core_start)
    if line_start is None or at < document.core_start:
        begin = document.base + data.rfind(b"\n", 0, at) + 1
    else:
        begin = line_start
    for match in matches:
        if at < document.core_start <= match.secret_start and line_start is not None:
            line, at, begin = first_line, document.core_start, line_start
        line += breaks(data, at, match.secret_start)
        begin = line_start_of(document, at, match.secret_start, begin)
        at = match.secret_start
        masked = masked_line(data, match, masks)
        made = _finding(engine, document, match, line=line, begin=begin, masked=masked, path=path)
        said = _suppression(data, match, made.rule, masks)
        found.append(made if said is None else made._replace(suppression=said))
    sets = _judge(engine, document, matches, found)
    core = range(document.core_start, document.core_end)
    return [finding for match, finding in zip(matches, found, strict=True) if match.secret_start in core], sets


def breaks(data: bytes, low: int, high: int) -> int:
    """Line breaks in data[low:high]. `count` looks at every byte; to take breaks out goes from one to the next, which is a
    quarter of that where they are far apart."""
    found = last = 0
    for at in range(low, high, _LOOK):
        piece = data[at : min(at + _LOOK, high)]
        last = piece.count(b"\n") if last > _LOOK // 16 else len(piece) - len(piece.replace(b"\n", b""))
        found += last
    return found


_LOOK = 64 * 1024
"""Bytes that stay in a processor's cache."""


def line_start_of(document: Document, low: int, high: int, known: int) -> int:
    """The absolute offset of the start of the line that `high` is in; `known` is that of the one `low` is in."""
    newline = document.data.rfind(b"\n", low, high)
    return document.base + newline + 1 if newline >= 0 else known


def _judge(engine: Engine, document: Document, matches: Sequence[Match], found: list[Finding]) -> list[CredentialSet]:
    """Joins findings into sets, and lets each say what it is part of. Replaces entries of `found`."""
    from leakguard.detect.pairing import pair
    from leakguard.triage.expiry import SIGNING, judged
    from leakguard.triage.exposure import credential_set, is_test, judge

    paired = engine.paired
    groupings = pair(document.data, matches, engine.ruleset) if any(f.rule in paired for f in found) else []
    sets = []
    grouped: dict[int, tuple[bool, str, bool, tuple[str, ...]]] = {}
    for grouping in groupings:
        members = [(role, found[index]) for role, index in grouping.parts]
        venue = engine.venue(grouping.rule.provider)
        test = any(
            is_test(document.data, matches[i].start, matches[i].end, matches[i].name, venue) for _, i in grouping.parts
        )
        lone = len(members) == 1 and not grouping.complete
        made = None if lone else credential_set(grouping, members, venue, test)
        if made is not None and document.core_start <= matches[grouping.parts[0][1]].secret_start < document.core_end:
            sets.append(made)
        for _, index in grouping.parts:
            grouped[index] = (not grouping.complete, made.id if made is not None else "", test, () if lone else grouping.missing)
    for index, finding in enumerate(found):
        venue = engine.venue(finding.provider)
        half, set_id, test, missing = grouped.get(index, (False, "", False, ()))
        if venue is not None and (index in grouped or venue.status == "defunct"):
            found[index] = judge(finding, venue, test, half, missing)._replace(set_id=set_id)
        if venue is not None and venue.kind in SIGNING:
            found[index] = judged(found[index], document.data, matches[index].secret_start, matches[index].secret_end)
    return sets


def _by_start(match: Match) -> tuple[int, int]:
    return match.secret_start, match.secret_end


def _finding(
    engine: Engine, document: Document, match: Match, *, line: int, begin: int, masked: str, path: str
) -> Finding:
    """One finding; `line` is its line's number and `begin` the absolute offset of its start."""
    rule = engine.rules[match.rule]
    data, start, end = document.data, match.secret_start, match.secret_end
    end_line = line + data.count(b"\n", start, end)
    return Finding(
        rule=rule.id,
        provider=rule.provider,
        part=rule.part,
        title=rule.title,
        severity=_severity(rule, match),
        confidence=Confidence(match.confidence),
        fingerprint=fingerprint(rule, match, engine.fingerprint_key, path, masked),
        origin=document.origin,
        start_line=line,
        start_column=document.base + start - begin + 1,
        end_line=end_line,
        end_column=document.base + end - line_start_of(document, start, end, begin) + 1,
        start_byte=document.base + start,
        end_byte=document.base + end,
        masked=masked,
        length=match.length,
        view=match.view,
        name=match.name,
        facts=match.facts,
        reasons=match.reasons,
        why=rule.why,
        fix=rule.fix,
        secret=match.secret,
    )


def _severity(rule: Rule, match: Match) -> Severity:
    """A rule's, but of a value that has not its form: that one may be another of the provider's, and less."""
    if match.reasons[:1] and match.reasons[0].startswith("example: "):
        return Severity.INFO
    return Severity(min(rule.severity, Severity.HIGH) if UNDOCUMENTED in match.reasons else rule.severity)


def _suppression(data: bytes, match: Match, rule: str, masks: "Masks") -> Suppression | None:
    """What an allow comment beside the secret says, its reason masked. Whether it counts is decided at the end."""
    found = allowance(data, match.secret_start, match.secret_end, rule)
    if found is None:
        return None
    reason = masked_text(data, found.low, found.high, masks).replace("\0", "").strip() if found.low < found.high else ""
    where = "the line before it" if found.lines_up else "its own line"
    return Suppression(found.way, reason, where, note=found.problem, proof=found.proof)


_GLUED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=_-.~%!#$^*@:?\\|")


_WIDE = 4096


_Mask = tuple[int, int, str, int]


class Masks:
    """Everything in a document that must not be shown: (start, end, rule id, length), findable by place."""

    def __init__(self, spans: Iterable[_Mask]) -> None:
        # of many values packed in one run each stands for all
        self.spans = sorted({span[:2]: span for span in spans}.values())
        self._starts = [span[0] for span in self.spans]
        self._reach = max((end - start for start, end, _, _ in self.spans if end - start <= _WIDE), default=0)
        self._wide = [span for span in self.spans if span[1] - span[0] > _WIDE]

    def between(self, low: int, high: int) -> list[_Mask]:
        """The spans that touch [low, high), in order."""
        first = bisect_left(self._starts, low - self._reach)
        near = self.spans[first : bisect_left(self._starts, high)]
        before = low - self._reach
        wide = [span for span in self._wide if span[0] < before and span[1] > low]
        return wide + [span for span in near if span[1] > low]


def masked_line(data: bytes, match: Match, masks: Masks) -> str:
    """The line around a match with every secret in it masked, cut to SNIPPET characters on either side.

    What stands glued to a secret's end is masked with it: a value that goes on where a rule's alphabet ended is
    still a value. So is the same value anywhere else on the line, where no rule saw it.
    """
    low = max(
        data.rfind(b"\n", max(0, match.secret_start - SNIPPET), match.secret_start) + 1, match.secret_start - SNIPPET, 0
    )
    stop = data.find(b"\n", match.secret_end, match.secret_end + SNIPPET)
    high = stop if stop >= 0 else min(len(data), match.secret_end + SNIPPET)
    return masked_text(data, low, high, masks)


def masked_text(data: bytes, low: int, high: int, masks: Masks) -> str:
    """data[low:high] with every secret in it masked, and what is glued to one."""
    pieces: list[str] = []
    at = low
    for start, stop, name, length in _copies(data, masks.between(low, high), low, high):
        end = stop
        while end < high and data[end] in _GLUED:
            end += 1
        if start > at:
            pieces.append(data[at:start].decode("utf-8", "backslashreplace"))
        if end > at:
            pieces.append(f"<{name}:{length}>")
            at = end
    if at < high:
        pieces.append(data[at:high].decode("utf-8", "backslashreplace"))
    return "".join(pieces).strip()


def _copies(data: bytes, spans: list[_Mask], low: int, high: int) -> list[_Mask]:
    """The spans, and every other place in data[low:high] where the value of one of them stands, in order."""
    found = {span[:2]: span for span in spans}
    for start, end, name, length in spans:
        value = data[start:end]
        at = data.find(value, low, high) if 6 <= len(value) <= high - low else -1
        while at >= 0:
            found.setdefault((at, at + len(value)), (at, at + len(value), name, length))
            at = data.find(value, at + 1, high)
    return sorted(found.values())
