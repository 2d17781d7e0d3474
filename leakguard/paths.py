"""Names that are secrets: found in what files and members are called, and masked in whatever names them.

A file, a member of an archive or a table can be called by a token; then its name is a finding of its own (`Names`), and no
report, receipt or message shows it as it stands (`Mask`, `masked`). Names are looked at many at a time by one pass of stage 1,
so that those that hold nothing cost next to nothing. The same name is masked to the same text, whatever the run; two names
that differ in nothing but the secret come to one text.

Opens nothing and prints nothing. Findings of names hold no secret unless the engine keeps them. Imported by the pipeline and
by whoever shows what a scan gave.
"""

# No `from __future__ import annotations` here: NamedTuple would compile every annotation, on every start.
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from leakguard.detect.engine import Engine
from leakguard.detect.stage1 import CONTEXT_BASE, DECODE_BASE, TEXT_BASE
from leakguard.errors import EngineError
from leakguard.findings import findings_of
from leakguard.model import CredentialSet, Document, Finding, Incident, Match, Origin, ScanResult

KIND = "path"
"""The kind of origin of what stands in a name: the path up to the part that holds it."""
FREE = "@free"
"""What readers of databases call what no row covers."""
REASON = "it stands in the name, whatever the content"
AT_ONCE = 4096
"""Texts of a report that are looked at together."""
A_FEW = 256
"""Names that are looked at together while they come: nobody waits for so few, and at the end few are left, when nothing else is
done any more."""
LETTERS = 1024 * 1024
"""The same, in letters: a name may be as long as an archive likes."""
LONGEST = 2048
"""Letters of a name that are shown."""
MOST_JUDGED = 25_000
"""Names that look as if they could hold something, looked at one by one: of ordinary names that is one in six hundred."""
MOST = 10_000
"""Findings kept of names; more are counted and said to be left out."""
_JOINT = "!/"
_NEAR = 4096
"""Ends of one trigger that are so near to each other may have had others between them: see stage1._thinned."""
_GLUED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+=_-.~%!#$^*@:?\\|")
_LONGEST_ENDING = 8
_WORD = 12
"""Small letters that are too few for any rule to take them without a word more: the names of a receipt's fields. With no compiled rules
each would have those compiled that it is a keyword of."""


def raw_bytes(text: str) -> bytes:
    """The bytes a name was decoded from; lone surrogates that hide no byte (Windows names) keep their own code."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def suspects(engine: Engine, texts: Sequence[str]) -> dict[int, int]:
    """Of texts those that could hold something, by number, and where the last trigger in each ends. One pass for all."""
    whole = "\n".join(texts)
    if whole.count("\n") >= len(texts):
        texts = [text.replace("\n", " ") for text in texts]
        whole = "\n".join(texts)
    try:
        data = whole.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        data = b"\n".join([raw_bytes(text) for text in texts])
    ends = engine.stage1.scan(data, engine.decode_depth > 0)
    if not ends:
        return {}
    starts, at = [], 0
    for text in texts:
        starts.append(at)
        at += (len(text) if text.isascii() else len(raw_bytes(text))) + 1
    starts.append(at)
    found: dict[int, int] = {}
    before: dict[int, int] = {}
    for ident, end in sorted(ends, key=_end):
        number = min(bisect_right(starts, end - 1), len(texts)) - 1
        found[number] = max(found.get(number, 0), end - starts[number])
        last = before.get(ident)
        before[ident] = end
        thinned = ident < CONTEXT_BASE or DECODE_BASE <= ident < TEXT_BASE
        if thinned and last is not None and end - last <= _NEAR:
            for between in range(bisect_right(starts, last - 1), number):
                found[between] = starts[between + 1] - starts[between]
    return found


def _end(found: tuple[int, int]) -> int:
    return found[1]


class Mask:
    """Names, origins and sentences as they may be shown."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: dict[str, str] = {}

    def learn(self, texts: Iterable[str]) -> None:
        """Looks at many at once: asked for one by one those that hold nothing cost nothing then."""
        parts = [part for part in {part for text in set(texts) for part in text.split(_JOINT)} if part not in self._known]
        for low in range(0, len(parts), AT_ONCE):
            some = parts[low : low + AT_ONCE]
            self._known.update(dict.fromkeys(some, ""))
            for number in suspects(self._engine, some):
                self._known[some[number]] = _masked(self._engine, some[number])

    def text(self, text: str) -> str:
        """A chain as it is printed, or any other line: each link of it masked by itself."""
        if _JOINT in text:
            return _JOINT.join([self._part(part) for part in text.split(_JOINT)])
        return self._part(text)

    def _part(self, part: str) -> str:
        if len(part) <= _WORD and part.islower() and part.isascii() and part.isalpha():
            return part
        if part not in self._known:
            self._known[part] = _masked(self._engine, part)
        return self._known[part] or part

    def origin(self, origin: Origin) -> Origin:
        """The chain, its facts too. The same value if there is nothing to mask."""
        inside = None if origin.inside is None else self.origin(origin.inside)
        path = self.text(origin.path)
        facts = tuple([(name, self.text(value)) for name, value in origin.facts])
        if path == origin.path and inside is origin.inside and facts == origin.facts:
            return origin
        return Origin(origin.kind, path, inside, facts)

    def finding(self, finding: Finding) -> Finding:
        """A finding without secrets in the names it tells; the same one if there are none."""
        origin = self.origin(finding.origin)
        said = finding.suppression
        if said is not None and said.where != (where := self.text(said.where)):
            finding = finding._replace(suppression=said._replace(where=where))
        return finding if origin is finding.origin else finding._replace(origin=origin)

    def credentials(self, made: CredentialSet) -> CredentialSet:
        """The same of a credential set."""
        origin = self.origin(made.origin)
        return made if origin is made.origin else made._replace(origin=origin)

    def incident(self, incident: Incident) -> Incident:
        """The same of an incident."""
        origin, reason = self.text(incident.origin), self.text(incident.reason)
        if origin == incident.origin and reason == incident.reason:
            return incident
        return incident._replace(origin=origin, reason=reason)

    def data(self, value: Any) -> Any:
        """Plain data (a receipt) with every text in it masked."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.data(key): self.data(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.data(item) for item in value]
        return value


def masked(result: ScanResult, engine: Engine) -> tuple[ScanResult, Mask]:
    """A result in which no name holds what the rules report, and what masks the rest of what is told."""
    mask = Mask(engine)
    mask.learn(_texts((*result.findings, *result.suppressed), result.sets, result.incidents))
    return result._replace(
        findings=tuple([mask.finding(finding) for finding in result.findings]),
        suppressed=tuple([mask.finding(finding) for finding in result.suppressed]),
        sets=tuple([mask.credentials(made) for made in result.sets]),
        incidents=tuple([mask.incident(incident) for incident in result.incidents]),
        receipt=mask.data(result.receipt),
    ), mask


def _texts(
    findings: Iterable[Finding], sets: Iterable[CredentialSet], incidents: Iterable[Incident]
) -> Iterable[str]:
    origins = [finding.origin for finding in findings] + [made.origin for made in sets]
    for first in origins:
        origin: Origin | None = first
        while origin is not None:
            yield origin.path
            yield from (value for _, value in origin.facts)
            origin = origin.inside
    for incident in incidents:
        yield incident.origin
        yield incident.reason


def _masked(engine: Engine, text: str) -> str:
    """A name with every secret in it as `<rule:length>`; "" if there is none."""
    try:
        return masked_name(engine, raw_bytes(text), engine.scan(raw_bytes(text), "").matches)
    except EngineError:
        return "<not shown>"


def masked_name(engine: Engine, data: bytes, matches: Sequence[Match]) -> str:
    """A name with these matches in it masked, and what is glued to one, up to the next slash or the file's ending; "" if
    there are none."""
    if not matches:
        return ""
    out: list[str] = []
    at = 0
    for start, end, rule, length in sorted(
        (match.secret_start, match.secret_end, engine.rules[match.rule].id, match.length) for match in matches
    ):
        stop = _glued(data, end)
        if start >= at:
            out.append(data[at:start].decode("utf-8", "surrogateescape"))
            out.append(f"<{rule}:{length}>")
        at = max(at, stop)
    out.append(data[at:].decode("utf-8", "surrogateescape"))
    return "".join(out)


def _cut(path: str) -> str:
    """What is shown of a masked name: of a very long one what is around its first secret."""
    if len(path) <= LONGEST:
        return path
    low = max(0, path.find("<") - LONGEST // 2)
    high = low + LONGEST
    return ("..." if low else "") + path[low:high] + ("..." if high < len(path) else "")


def without_copies(findings: Sequence[Finding]) -> list[Finding]:
    """Without what the inner structure of a container repeats: a name of it that stands in its tables, too, which are scanned
    as they stand; a row of a database of which pieces are left in free space."""
    said: dict[bool, set[tuple[str, Origin | None]]] = {True: set(), False: set()}
    for finding in findings:
        if finding.origin.kind != "gap" and finding.origin.path != FREE:
            said[finding.origin.kind == KIND].add((finding.fingerprint, finding.origin.inside))

    def is_copy(finding: Finding) -> bool:
        key = (finding.fingerprint, finding.origin.inside)
        if finding.origin.path == FREE:
            return key in said[False] or key in said[True]
        return finding.origin.kind == "gap" and key in said[True]

    return [finding for finding in findings if not is_copy(finding)]


def _glued(data: bytes, end: int) -> int:
    """Where what goes on behind a secret ends: a value that goes on where a rule's alphabet ended is still a value."""
    stop = data.find(b"/", end)
    stop = len(data) if stop < 0 else stop
    part = data[end:stop].decode("latin-1")
    count = next((number for number, char in enumerate(part) if char not in _GLUED), len(part))
    glued = part[:count]
    if count == len(part):  # an ending says what to open it with: .txt, .tar.gz
        while (dot := glued.rfind(".")) >= 0 and _is_ending(glued[dot + 1 :]):
            glued = glued[:dot]
    return end + len(glued)


def _is_ending(text: str) -> bool:
    return 0 < len(text) <= _LONGEST_ENDING and text.isalnum() and (text[0].isalpha() or len(text) < 3)


class Names:
    """Secrets that stand in names, of the files and members that `add` is told of."""

    def __init__(self, engine: Engine | None, min_severity: int = 0, min_confidence: int = 0) -> None:
        self.engine = engine
        """May be set after names were added, and before `taken`."""
        self._least = (min_severity, min_confidence)
        self._waiting: list[Origin | str] = []
        self._letters = 0
        self._last = ""
        self._folders: set[tuple[Origin | None, str]] = set()
        self._told: set[tuple[Any, ...]] = set()
        self._findings: list[Finding] = []
        self._sets: list[CredentialSet] = []
        self._incidents: list[Incident] = []
        self._left_out = self._judged = self._unjudged = 0

    def add(self, named: Origin | str) -> None:
        """Takes the path of a file, or a member (its container was told by itself)."""
        self._waiting.append(named)
        self._letters += len(named if isinstance(named, str) else named.path)
        if (len(self._waiting) >= AT_ONCE or self._letters > LETTERS) and self.engine is not None:
            self._look(self.engine)

    def taken(self) -> tuple[list[Finding], list[CredentialSet], list[Incident]]:
        """What was found since this was asked last, and what could not be looked at."""
        if self._waiting and self.engine is not None:
            self._look(self.engine)
        if self._left_out:
            reason = f"{self._left_out} more names with secrets in them left out of the report"
            self._incidents.append(Incident("truncated", "names", reason))
        if self._unjudged:
            reason = f"limit reached: {self._unjudged} names were not looked at closely, behind {MOST_JUDGED} that look like secrets"
            self._incidents.append(Incident("truncated", self._last, reason))
            self._unjudged = 0
        out = self._findings, self._sets, self._incidents
        self._findings, self._sets, self._incidents, self._left_out = [], [], [], 0
        return out

    def _look(self, engine: Engine) -> None:
        waiting, self._waiting, self._letters = self._waiting, [], 0
        texts = [named if isinstance(named, str) else named.path for named in waiting]
        for number, end in suspects(engine, texts).items():
            named = waiting[number]
            origin = Origin(KIND, named) if isinstance(named, str) else named
            folder = texts[number].rpartition("/")[0]
            key = (origin.inside, folder)
            if folder and key in self._folders and end <= len(raw_bytes(folder)):
                continue  # what is in the folder's name was told with the first file in it
            self._folders.add(key)
            self._judged += 1
            if self._judged > MOST_JUDGED:
                self._unjudged += 1
                self._last = str(origin.inside or "names")
                continue
            try:
                self._judge(engine, origin)
            except EngineError as error:
                self._incidents.append(Incident("failed", str(origin), f"its name was not looked at: {error.message}"))

    def _judge(self, engine: Engine, origin: Origin) -> None:
        """Looks at one name."""
        data = raw_bytes(origin.path)
        matches = engine.scan(data, "").matches
        if not matches:
            return
        # the path as far as it is needed: a folder is one name, whatever lies in it
        stop = data.find(b"/", max(match.end for match in matches))
        data = data if stop < 0 else data[:stop]
        path = _cut(masked_name(engine, data, matches))
        shown = Origin(KIND, path, origin.inside)
        findings, sets = findings_of(engine, Document(data, shown), matches, 1)
        kept: list[Finding] = []
        for finding in findings:
            key = (finding.fingerprint, shown, finding.start_byte)
            if key in self._told:
                continue
            self._told.add(key)
            if finding.severity < self._least[0] or finding.confidence < self._least[1]:
                continue
            if len(self._findings) + len(kept) >= MOST:
                self._left_out += 1
                continue
            kept.append(self._told_of(finding, shown, data, path))
        self._findings += kept
        if kept:
            self._sets += [made._replace(origin=kept[0].origin) for made in sets]

    def _told_of(self, finding: Finding, shown: Origin, data: bytes, path: str) -> Finding:
        origin = shown
        if finding.secret is not None:  # asked for: then the name, too, is shown as it is
            origin = shown._replace(path=data.decode("utf-8", "surrogateescape"))
        return finding._replace(origin=origin, masked=path, reasons=(*finding.reasons, REASON))
