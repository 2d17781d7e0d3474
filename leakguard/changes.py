"""What a change adds: new contents are scanned whole and held against those they replace.

Reported is what stands on added lines, and what was there before but is a leak only now: the other half of a credential
that the change completes, and a value that the change gives its meaning. Moving, renaming and re-indenting add nothing.
Works on blobs, never on rendered diffs, and looks at what was there before only if something was found. Keeps no
content. Imported by hook.py and cli/git.py.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from leakguard.compare import NOTHING, Against, Counts, Kept, Pool, Seen, completed, counted, values_of
from leakguard.errors import LeakguardError, SourceError
from leakguard.hashes import blake2b
from leakguard.model import CredentialSet, Document, Finding, Incident, Origin
from leakguard.sources.gitcall import Git
from leakguard.sources.index import MOST_POINTER, POINTERS, SUBMODULE, Change, lfs_content
from leakguard.sources.ranges import Step, resurrected, steps

if TYPE_CHECKING:
    from leakguard.sources.inside.limits import Limits

MOST_HELD = 32 * 1024 * 1024
"""Bytes of new contents kept until it is known what of them is new; beyond that they are read again."""

WHOLE = 8 * 1024 * 1024
"""Contents up to this size are scanned in one piece."""

_CLEAN = 200_000
"""Contents without findings that are remembered."""


class Reader(Protocol):
    """Gives contents by id."""

    def read(self, ident: str) -> bytes:
        """SourceError if it cannot be read."""
        ...


class Scanner:
    """Scans steps. `engine_for(bytes expected)` makes the engine when there is something to scan; `wanted` says which
    paths are; `reported` which findings; `inside`: how far to go into archives (None: they are bytes)."""

    def __init__(
        self,
        engine_for: Callable[[int], Any],
        reader: Reader,
        wanted: Callable[[str], bool],
        reported: Callable[[Finding], bool],
        inside: Limits | None = None,
    ) -> None:
        self._inside = inside
        self._engine_for = engine_for
        self.reader = reader
        self._wanted = wanted
        self._reported = reported
        self._clean: set[tuple[str, str]] = set()
        self._told: set[bytes] = set()
        self._named: set[str] = set()
        self._packed: dict[str, set[str]] = {}
        self.findings: list[Finding] = []
        self.sets: list[CredentialSet] = []
        self.incidents: list[Incident] = []
        self.objects = self.bytes = self.steps = 0

    # ------------------------------------------------------------ texts of their own
    def text(self, data: bytes, origin: Origin) -> list[Finding]:
        """Scans what replaces nothing (a message, a name). Returns all that was found, reported or not."""
        self.objects += 1
        self.bytes += len(data)
        try:
            seen = self._scan(data, origin, "")
        except LeakguardError as error:
            self.incidents.append(Incident("failed", origin.path, error.message))
            return []
        found = [finding for finding in seen.findings if self._reported(finding)]
        self.findings += found
        self._keep_sets(seen.sets, found)
        return seen.findings

    def hunk(self, data: bytes, path: str, first_line: int, added: frozenset[int]) -> None:
        """Scans the new side of a hunk, of which the lines `added` are new."""
        if not self._wanted(path):
            self.incidents.append(Incident("skipped", path, "excluded by a glob"))
            return
        self.objects += 1
        self.bytes += len(data)
        try:
            seen = self._scan(data, Origin("diff", path), path)
        except LeakguardError as error:
            self.incidents.append(Incident("failed", path, error.message))
            return
        ahead = first_line - 1
        placed = [f._replace(start_line=f.start_line + ahead, end_line=f.end_line + ahead) for f in seen.findings]
        sets = [m._replace(start_line=m.start_line + ahead, end_line=m.end_line + ahead) for m in seen.sets]
        new = {n: "" for n, f in enumerate(placed) if not added.isdisjoint(range(f.start_line, f.end_line + 1))}
        found = [f for f in completed(placed, sets, new) if self._reported(f)]
        self.findings += found
        self._keep_sets(sets, found)

    def names(self, names: Sequence[str], kind: str) -> dict[str, str]:
        """Scans names that are new. Returns those that hold a secret, with it masked."""
        masked = self._masked_names(names)
        for name, findings in masked.items():
            self.objects += 1
            self.bytes += len(name)
            self.findings += [
                finding._replace(origin=Origin(kind, finding.masked), start_line=1, end_line=1)
                for finding in findings
                if self._reported(finding)
            ]
        return {name: findings[0].masked for name, findings in masked.items()}

    def _masked_names(self, names: Sequence[str]) -> dict[str, list[Finding]]:
        if not names:
            return {}
        rows = [name.replace("\n", " ") for name in names]
        data = "\n".join(rows).encode("utf-8", "surrogateescape")
        try:
            findings = self._scan(data, Origin("name", "names"), "").findings
        except LeakguardError as error:
            self.incidents.append(Incident("failed", "file names", error.message))
            return {}
        out: dict[str, list[Finding]] = {}
        for finding in findings:
            out.setdefault(names[finding.start_line - 1], []).append(finding)
        return out

    # ------------------------------------------------------------ steps
    def step(self, step: Step, kind: str, facts: Callable[[], tuple[tuple[str, str], ...]] = tuple) -> None:
        """Scans what a step changes. `facts` are asked for if something was found."""
        self.steps += 1
        fresh = [change for change in step.changes if change.blob and change.blob not in change.before]
        odd = [change for change in step.changes if change.unmerged or change.mode == SUBMODULE]
        shown = self._name_step([*fresh, *odd])
        for change in odd:
            path = shown.get(change.path, change.path)
            if change.unmerged:
                self.incidents.append(Incident("failed", path, "unmerged: resolve the conflict, then stage it"))
            else:
                reason = "a submodule: its content belongs to its own repository"
                self.incidents.append(Incident("skipped", path, reason))
        held = 0
        kept: list[Kept] = []
        for change in fresh:
            found = self._look(change, kind, shown.get(change.path, change.path))
            if found is not None:
                held += len(found.data or b"")
                kept.append(found if held <= MOST_HELD else found._replace(data=None))
        pool = Pool(self, step, kept)
        for item in kept:
            self._report(item, pool, facts)

    def _name_step(self, changes: Sequence[Change]) -> dict[str, str]:
        """Paths that hold a secret, masked; those that are new are findings."""
        masked = self._masked_names([change.path for change in changes])
        new = {change.path for change in changes if change.blob and not any(change.before)}
        for path, findings in masked.items():
            if path not in new or path in self._named:
                continue
            self._named.add(path)
            self.findings += [
                finding._replace(origin=Origin("name", finding.masked), start_line=1, end_line=1)
                for finding in findings
                if self._reported(finding)
            ]
        return {path: findings[0].masked for path, findings in masked.items()}

    def _untold(self, where: str, findings: Iterable[tuple[Finding, bytes]]) -> list[Finding]:
        """Those not told of before at this place: history has the same in many commits. All of one content count."""
        out = []
        told = set()
        for finding, value in findings:
            text = f"{where}\0{finding.rule}\0".encode("utf-8", "surrogateescape")
            digest = blake2b(text + value, digest_size=16).digest()
            if digest not in self._told:
                told.add(digest)
                out.append(finding)
        self._told |= told
        return out

    def _packed_news(self, change: Change, seen: Seen) -> list[Finding]:
        """What the members of an archive hold that those of the archive it replaces did not."""
        known = set(self._packed.get(change.path, ()))
        for ident in filter(None, change.before):
            data = self.before(ident)
            known |= {finding.fingerprint for finding in self.quietly(data or b"", change.path)}
        found = [f for f in seen.findings if self._reported(f) and f.fingerprint not in known]
        self._packed.setdefault(change.path, set()).update(finding.fingerprint for finding in found)
        return found

    def _look(self, change: Change, kind: str, shown: str) -> Kept | None:
        """What a new content holds; None for nothing."""
        if not self._wanted(change.path):
            self.incidents.append(Incident("skipped", shown, "excluded by a glob"))
            return None
        if (change.blob, change.path) in self._clean:
            return None  # the same content at the same place, in another commit
        try:
            data = self._read(change.blob)
            seen = self._scan(data, Origin(kind, shown), change.path)
        except LeakguardError as error:
            reason = error.reason if isinstance(error, SourceError) else error.message
            self.incidents.append(Incident("failed", shown, reason))
            return None
        self.objects += 1
        self.bytes += len(data)
        if not seen.findings:
            if len(self._clean) < _CLEAN:
                self._clean.add((change.blob, change.path))
            return None
        return Kept(change, shown, seen, [] if seen.packed else values_of(data, seen.findings), data)

    def _report(self, item: Kept, pool: Pool, facts: Callable[[], tuple[tuple[str, str], ...]]) -> None:
        if item.seen.packed:
            found = self._packed_news(item.change, item.seen)
        else:
            added = [(f, value) for f, value in Against(self, item, pool).news() if self._reported(f)]
            found = self._untold(item.change.path, added)
        known = facts() if found else ()
        if known:
            found = [finding._replace(origin=_with_facts(finding.origin, known)) for finding in found]
        self.findings += found
        self._keep_sets(item.seen.sets, found)

    def _keep_sets(self, sets: Iterable[CredentialSet], found: Sequence[Finding]) -> None:
        if not found:
            return
        ids = {finding.set_id for finding in found}
        # a set is told with the facts of its findings
        origins = {str(finding.origin): finding.origin for finding in found}
        self.sets += [
            made._replace(origin=origins.get(str(made.origin), made.origin)) for made in sets if made.id in ids
        ]

    def _scan(self, data: bytes, origin: Origin, path: str) -> Seen:
        engine = self._engine_for(len(data))
        if self._inside is not None and path and (kind := _container(data, path)):
            return self._scan_archive(engine, data, origin, kind)
        if len(data) > WHOLE:
            return self._scan_large(engine, data, origin)
        scan = engine.scan(data, path)
        self.incidents += [Incident("truncated", origin.path, reason) for reason in scan.incidents]
        if not scan.matches:
            return NOTHING
        from leakguard.findings import findings_of

        return Seen(*findings_of(engine, Document(data, origin), scan.matches, 1))

    def _scan_large(self, engine: Any, data: bytes, origin: Origin) -> Seen:
        """The same in windows: what the engine keeps grows with its buffer."""
        from leakguard.pipeline import scan_windows
        from leakguard.sources.windows import read_stream
        from leakguard.work import Policy

        incidents: list[Incident] = []
        done = scan_windows(engine, read_stream(io.BytesIO(data), origin, incidents.append), Policy(), incidents)
        self.incidents += done.incidents
        return Seen(done.findings, done.sets)

    def _scan_archive(self, engine: Any, data: bytes, origin: Origin, kind: str) -> Seen:
        """Everything in an archive."""
        from leakguard.pipeline import scan_leaves
        from leakguard.sources.inside.base import Budget, Stream, from_bytes
        from leakguard.sources.inside.limits import Limits
        from leakguard.sources.inside.walk import Tally, Walker
        from leakguard.work import Policy

        incidents: list[Incident] = []
        limits, tally = self._inside or Limits(), Tally()
        walker = Walker(origin, Budget(limits, len(data)), incidents.append, tally=tally)
        stream = Stream(from_bytes(data), len(data), io.BytesIO(data))
        done = scan_leaves(engine, walker.enter(origin, stream, kind, 1), Policy(inside=limits), incidents, tally)
        self.incidents += done.incidents
        return Seen(done.findings, done.sets, True)

    def _read(self, ident: str) -> bytes:
        """A content; where it is an LFS pointer, that which it points to."""
        data = self.reader.read(ident)
        git = getattr(self.reader, "git", None)
        if git is None or len(data) >= MOST_POINTER or not data.startswith(POINTERS):
            return data
        return lfs_content(git, data)

    # ------------------------------------------------------------ what was there before
    def before(self, ident: str) -> bytes | None:
        """A content that was replaced; None if it cannot be read: then all that replaced it counts as added."""
        try:
            return self._read(ident)
        except SourceError:
            return None

    def values_before(self, ident: str, path: str) -> tuple[Counts, int]:
        """(how often each value is found in a content that was replaced, by digest; its size)."""
        data = self.before(ident) or b""
        findings = self.quietly(data, path)
        packed = self._inside is not None and _container(data, path)
        return counted([] if packed else values_of(data, findings)), len(data)

    def quietly(self, data: bytes, path: str) -> list[Finding]:
        """What is found in a content that nobody asks about for its own sake: what could not be read of it is not told."""
        told = len(self.incidents)
        try:
            return self._scan(data, Origin("blob", path), path).findings
        except LeakguardError:
            return []
        finally:
            del self.incidents[told:]


def _container(data: bytes, path: str) -> str:
    """The kind of archive that a content is; "" for nearly all."""
    from leakguard.sources.inside.magic import ISO_HEAD, NESTED_ONLY, ends_as_zip, kind_of

    kind = kind_of(data[:ISO_HEAD], path)
    if kind in NESTED_ONLY:
        return ""
    return "zip" if not kind and ends_as_zip(data) else kind


def _with_facts(origin: Origin, facts: tuple[tuple[str, str], ...]) -> Origin:
    """An origin whose outermost container has these facts."""
    if origin.inside is not None:
        return origin._replace(inside=_with_facts(origin.inside, facts))
    return origin._replace(facts=facts)


def glob_filter(include: Sequence[str], exclude: Sequence[str]) -> Callable[[str], bool]:
    """Whether the settings' globs leave a path in."""
    if not include and not exclude:
        return _always
    from leakguard.globs import compile_globs

    included, excluded = compile_globs(include or ("**",)), compile_globs(exclude)
    return lambda path: included(path) and not excluded(path)


def _always(_path: str) -> bool:
    return True


# ---------------------------------------------------------------- history
def scan_commits(
    scanner: Scanner,
    git: Git,
    blobs: Reader,
    revisions: Sequence[str],
    on_commit: Callable[[int, int], None] | None = None,
) -> None:
    """Scans commits that arguments of rev-list choose, oldest first: what they change, their messages and people.
    `on_commit` is told (objects, bytes) after each."""
    for step in steps(git, revisions, scanner.incidents.append):
        try:
            text = blobs.read(step.commit)
        except SourceError as error:
            scanner.incidents.append(Incident("failed", f"commit {step.commit[:12]}", error.reason))
            text = b""
        leaky = _scan_commit_text(scanner, step.commit, text) if text else []
        scanner.step(step, "blob", lambda at=step.commit, text=text, leaky=leaky: _facts(scanner, at, text, leaky))  # type: ignore[misc]
        if on_commit is not None:
            on_commit(scanner.objects, scanner.bytes)
    _scan_resurrected(scanner, git, revisions)


_BACK = "no commit of the range adds it: a merge brings back what was taken out before"


def _scan_resurrected(scanner: Scanner, git: Git, revisions: Sequence[str]) -> None:
    """What merges of the range bring back."""
    try:
        step = resurrected(git, revisions)
    except SourceError as error:
        scanner.incidents.append(Incident("failed", "history", f"the ends of the range cannot be compared: {error.reason}"))
        return
    if step is None:
        return
    known, objects, size = len(scanner.findings), scanner.objects, scanner.bytes
    scanner.step(step, "blob", lambda: (("commit", step.commit),))
    scanner.steps -= 1  # it is none
    if known == len(scanner.findings):
        scanner.objects, scanner.bytes = objects, size  # all of it had been looked at
    scanner.findings[known:] = [
        finding._replace(reasons=(*finding.reasons, _BACK)) for finding in scanner.findings[known:]
    ]


def _scan_commit_text(scanner: Scanner, commit: str, text: bytes) -> list[Finding]:
    """Scans a commit's own text: people, message, and whatever else is in it."""
    head, _, message = text.partition(b"\n\n")
    head = b"\n".join(line for line in head.split(b"\n") if not line.startswith((b"tree ", b"parent ")))
    facts = (("commit", commit),)
    short = commit[:12]
    found = [
        *scanner.text(message, Origin("commit", f"{short}/message", None, facts)),
        *scanner.text(head, Origin("commit", f"{short}/author", None, facts)),
    ]
    scanner.objects -= 1  # both are of one
    return found


def _facts(scanner: Scanner, commit: str, text: bytes, leaky: Sequence[Finding]) -> tuple[tuple[str, str], ...]:
    """Who committed it, when and why. Not who and why if a secret stands in there."""
    out = [("commit", commit)]
    head, _, message = text.partition(b"\n\n")
    if b"\nencoding " in head:
        from leakguard.sources.gitobjects import in_utf8

        text = in_utf8(text)
        head, _, message = text.partition(b"\n\n")
        leaky = leaky or scanner.quietly(text, "")
    for line in head.split(b"\n"):
        if line.startswith(b"author "):
            person, _, when = line[7:].rpartition(b"> ")
            if not leaky:
                out.append(("author", person.decode("utf-8", "replace") + ">"))
            out.append(("date", _date(when)))
    if not leaky and message:
        out.append(("subject", message.lstrip().partition(b"\n")[0][:200].decode("utf-8", "replace")))
    return tuple(out)


def _date(when: bytes) -> str:
    """`seconds +hhmm` as a date in UTC; "" for anything else."""
    from time import gmtime, strftime

    seconds = when.split(b" ")[0]
    if not seconds.isdigit() or len(seconds) > 11:
        return ""
    return strftime("%Y-%m-%dT%H:%M:%SZ", gmtime(int(seconds)))


def scan_objects(scanner: Scanner, blobs: Reader, idents: Iterable[str]) -> None:
    """Scans tags and blobs that are sent by themselves."""
    for ident in idents:
        origin = Origin("object", f"object {ident[:12]}")
        try:
            scanner.text(blobs.read(ident), origin)
        except SourceError as error:
            scanner.incidents.append(Incident("failed", origin.path, error.reason))


# ---------------------------------------------------------------- diffs
def scan_diff(scanner: Scanner, text: bytes, name: str) -> None:
    """Scans a unified diff: what its lines add, and the old parts of credentials that they complete."""
    from leakguard.sources.diff import hunks

    found, rest = hunks(text, name, scanner.incidents.append)
    shown = scanner.names(list(dict.fromkeys(hunk.path for hunk in found)), "name")
    for hunk in found:
        scanner.hunk(hunk.data, shown.get(hunk.path, hunk.path), hunk.line, hunk.added)
    scanner.text(rest, Origin("diff", name))
