"""All that a git repository holds, scanned once: documents in, a ScanResult out, as pipeline.py does for files.

Every object of every store (reachable or not), the files beside them (configuration, reflogs, refs), LFS contents that
are there. What is found is then attributed (sources/gitfacts.py), and versions of one file that hold the same secret
become one finding. Keeps an account of everything that could not be read. Strings that come from the repository are
masked like contents before they go into a finding: a subject, a path or a branch can be the secret.

Imported by cli/git.py. Knows no command line and no report format.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any

from leakguard.attribution import Masker, Report
from leakguard.beside import pointed, scan_beside
from leakguard.cutting import COMMITS, Blobs, cut
from leakguard.detect.cache import cache_folder
from leakguard.detect.engine import Engine
from leakguard.errors import SourceError, UsageError
from leakguard.gitpiece import Found, Options, Piece, PieceDone, lost_piece, short
from leakguard.hashes import blake2b
from leakguard.model import CredentialSet, Finding, Incident, ScanResult, Totals
from leakguard.objects import forget, scan_piece, versions
from leakguard.paths import Mask
from leakguard.sources.git import Repository, Shadow, files_below, find, lfs_objects
from leakguard.sources.gitcall import Git
from leakguard.sources.gitfacts import Told
from leakguard.sources.gitobjects import KINDS, Ids, Listing, ids, listing, unpack
from leakguard.sources.gitrefs import Refs, read_refs
from leakguard.triage.seen import Seen
from leakguard.version import __version__
from leakguard.work import Policy

__all__ = ["Options", "Piece", "scan_piece", "scan_repository"]

PARALLEL_FROM = 4 * 1024 * 1024
COMMIT_EVERY = 2.0
"""Seconds after which the store is told what was done: what a kill can cost."""
MOST_PATHS = 1_500_000
"""Objects up to which every blob is scanned under its path; beyond, only what is found gets one."""
MOST_TOLD = 64 * 1024 * 1024
"""Bytes that are kept of what commits brought: beyond, git is asked again if something was found."""
STEPS = 16
"""Between how many pieces of commits what is needed for blobs is made, about."""
MOST_LISTED = 100
"""Missing objects that are named one by one."""


OnProgress = Callable[[int, int], None]


def scan_repository(
    path: str,
    engine_for: Callable[[int], Engine],
    policy: Policy,
    options: Options,
    on_progress: OnProgress | None = None,
) -> tuple[ScanResult, bool]:
    """Scans the repository at `path` and those inside of it; also tells whether it was interrupted. UsageError if there
    is none, SourceError if git refuses it. `engine_for(expected bytes)` is called once for each store."""
    run = _Run(engine_for, policy, options, on_progress)
    try:
        for repository in find(path, run.incidents.append, options.follow_alternates):
            run.repository(repository)
    except KeyboardInterrupt:
        run.interrupted = True
    return run.result(), run.interrupted


class _Run:
    """What all stores of one run gave."""

    def __init__(
        self, engine_for: Callable[[int], Engine], policy: Policy, options: Options, on_progress: OnProgress | None
    ) -> None:
        self.engine_for = engine_for
        self.policy = policy
        self.options = options
        self.on_progress = on_progress
        self.incidents: list[Incident] = []
        self.findings: list[Finding] = []
        self.sets: list[CredentialSet] = []
        self.objects = self.bytes = self.views = self.view_bytes = 0
        self.stores: list[dict[str, Any]] = []
        self.interrupted = False

    def repository(self, repository: Repository) -> None:
        refs = read_refs(repository, self.incidents.append)
        with Shadow(repository, self.incidents.append) as shadow:
            store = _Store(self, repository, refs, shadow.git)
            try:
                store.scan()
            except KeyboardInterrupt:
                store.tell(attribution=False)
                raise
            except SourceError as error:
                self.incidents.append(Incident("failed", repository.name or ".", error.message))
                store.tell(attribution=False)
            finally:
                store.close()
                self.incidents = [store.masked(incident) for incident in self.incidents]

    def read(self, objects: int, size: int, views: int = 0, view_bytes: int = 0) -> None:
        self.objects += objects
        self.bytes += size
        self.views += views
        self.view_bytes += view_bytes
        if self.on_progress is not None:
            self.on_progress(self.objects, self.bytes)

    def result(self) -> ScanResult:
        receipt: dict[str, Any] = {"repositories": self.stores}
        totals = Totals(self.objects, self.bytes, self.views, self.view_bytes)
        return ScanResult(tuple(self.findings), tuple(self.sets), tuple(self.incidents), totals, (), receipt)


class _Store:
    """One object store, scanned."""

    def __init__(self, run: _Run, repository: Repository, refs: Refs, git: Git) -> None:
        self.run = run
        self.at = repository
        self.refs = refs
        self.git = git
        self.width = 32 if repository.object_format == "sha256" else 20
        self.found: list[Found] = []
        self.paths: dict[bytes, bytes] = {}
        self.lacking: set[bytes] = set()
        """What something names, and the store does not have."""
        self.pointers: dict[str, tuple[int, str, str]] = {}
        """LFS contents (sha256) with their size, and path and id (hex) of a pointer to them."""
        self.gone: set[bytes] = set()
        """Objects in which something was found before, and that are here no more."""
        self.counts: dict[str, Any] = {"name": repository.name or ".", "known": 0, "inside": [0, 0, 0]}
        self.seen: Seen | None = None
        self.engine = run.engine_for(_weight(repository))
        self.mask = Masker(self.engine)
        self.entered = 0
        self.pending: list[tuple[bytes, list[Found]]] = []
        self.history: list[bytes] = []
        self.changes: list[bytes] = []
        """What was learnt of commits, as gitpiece.PieceDone has it."""
        self.told_bytes = 0
        self.learnt = True
        self._everything: bytes | None = None
        self._present: Ids | None = None
        self._to_scan = Blobs("", self.width, {})
        self._ready = self._made_ready()
        self._paths_before: dict[str, str] | None = None
        self._lfs_home = ""
        self.listed = Listing(self.width)
        self._committed = time.monotonic()

    # ------------------------------------------------------------ the way through
    def scan(self) -> None:
        self.seen = self._open_seen()
        listed = self.listed = self._list()
        expected = listed.size("blob")
        for kind in ("blob", "tree", "commit", "tag"):
            self.counts[f"{kind}s"] = listed.count(kind)
        self.counts["bytes"] = listed.size()
        self.run.stores.append(self.counts)
        folder = self.git.git_dir
        # one worker more: each waits for its git half of the time
        self._pieces(self._texts(listed), listed.size("tree") + listed.size("commit"), 1)
        apart = set(self.present.unmarked(bytes(listed.ids["tree"])))
        """Trees that no commit led to."""
        self._pieces(cut(folder, listed, "tree", apart), 0)
        blobs = self._blobs()  # once, before workers are forked, and what they need
        for path in blobs.hiding:
            reason = "an index that leaves out an object of its pack: git cannot see that one"
            self.run.incidents.append(Incident("failed", f"{path}.idx", reason))
        self._too_large(listed)
        self._pieces(blobs.pieces(self._path), expected)
        self._files()
        whole = self._missing()
        for read, keep in self.pending:
            self._remember(read, keep)
        self._remember(b"".join([oid for oid in listed.unpacked("tree") if oid not in apart]), [])
        if self.seen is not None and whole and self.entered == listed.count():
            self.seen.complete(self.everything)
        self._lfs()
        if self.seen is not None:
            for oid, kind, findings, sets in self._kept_before:
                if oid not in self.gone:
                    self.found.append(Found(kind, oid, findings, sets))
        self.tell()
        if self.seen is not None:
            self.seen.commit()
            if self.seen.broken:
                self.counts["cache"] = f"not all could be kept: {self.seen.broken}"

    def tell(self, *, attribution: bool = True) -> None:
        """Adds what was found in the store to what the run found."""
        options = self.run.options
        report = Report(self.mask, self.at, self.refs, self.git, self.width, self.run.policy, options, self.seen)
        attribution = attribution and options.attribution
        told = report.tell(self.found, self.everything, self.commits, self._known_commits(), attribution=attribution)
        self.run.findings += told.findings
        self.run.sets += told.sets
        self.counts["commits_not_attributed"] = told.gaps
        if told.left_out:
            reason = f"{told.left_out} findings in paths excluded by a glob"
            self.run.incidents.append(Incident("skipped", self.at.name or ".", reason))

    def masked(self, incident: Incident) -> Incident:
        """An incident with no secret in the name of what it is about."""
        return incident._replace(origin=self.mask.text(incident.origin), reason=self.mask.text(incident.reason))

    def close(self) -> None:
        forget(self.git.git_dir)
        if self.seen is not None:
            self.seen.close()

    def _open_seen(self) -> Seen | None:
        path = self.run.options.cache
        self._kept_before: list[tuple[bytes, str, list[Finding], list[CredentialSet]]] = []
        if path == "":
            return None
        named = path is not None
        if path is None:
            folder = cache_folder()
            if not folder:
                return None
            home = os.path.realpath(self.at.common_dir)
            name = blake2b(os.fsencode(home), digest_size=16).hexdigest()
            path = os.path.join(folder, "git", f"{name}.sqlite")
        elif self.at.name:
            path = f"{path}.{blake2b(self.at.name.encode('utf-8', 'surrogateescape'), digest_size=8).hexdigest()}"
        engine = self.engine
        parts = (
            __version__, engine.ruleset.digest, engine.decode_depth, engine.include_examples, engine.keep_secrets,
            blake2b(engine.fingerprint_key, digest_size=16).hexdigest(), self.at.object_format,
            self.run.policy.inside, self.run.policy.strict,
        )  # fmt: skip
        if engine.keep_secrets:
            return None  # secrets are asked for, and the store has none
        try:
            seen = Seen(path, blake2b(repr(parts).encode(), digest_size=16).hexdigest(), named=named)
        except UsageError as error:
            if named:
                raise
            self.counts["cache"] = f"{error.message.rpartition(': ')[2]}, not used"
            return None
        self._kept_before = list(seen.kept())
        return seen

    def _list(self) -> Listing:
        """What is to be read."""
        incidents = self.run.incidents.append
        if self.seen is None or self.seen.empty():
            return listing(self.git, self.width, None, incidents)
        everything = self._everything = ids(self.git, incidents)
        new = self.seen.unknown(everything, self.width)
        total = len(everything) // self.width
        self.counts["known"] = total - len(new)
        if not new:
            return Listing(self.width)
        return listing(self.git, self.width, new if len(new) < total else None, incidents)

    @property
    def everything(self) -> bytes:
        """All ids, sorted and packed."""
        if self._everything is None:
            self._everything = b"".join(sorted([oid for kind in KINDS for oid in self.listed.unpacked(kind)]))
        return self._everything

    @property
    def present(self) -> Ids:
        """All ids; those of trees that were looked into are marked."""
        if self._present is None:
            self._present = Ids(self.everything, self.width)
        return self._present

    # ------------------------------------------------------------ objects
    def _texts(self, listed: Listing) -> Iterator[Piece]:
        """Commits and tags in pieces. While workers are busy with the first ones, what is needed later is made ready."""
        folder = self.git.git_dir
        # a step takes as long as a worker needs for a piece: many in a row, and all of them would wait
        every = max(1, listed.count("commit") // COMMITS // STEPS)
        for number, piece in enumerate(chain(cut(folder, listed, "commit"), cut(folder, listed, "tag"))):
            if number >= 2 * self.run.options.jobs and number % every == 0:
                next(self._ready, None)
            yield piece

    def _blobs(self) -> Blobs:
        """The blobs that are to be scanned."""
        for _ in self._ready:
            pass
        return self._to_scan

    def _made_ready(self) -> Iterator[None]:
        """Makes ready what is needed for blobs, step by step."""
        listed, most = self.listed, self.run.options.max_size
        rows = zip(listed.unpacked("blob"), listed.sizes["blob"], strict=True)
        sizes = {oid: size for oid, size in rows if not most or size <= most}
        self.present  # noqa: B018 - it is made when it is asked for
        yield
        self._to_scan = Blobs(self.git.git_dir, self.width, sizes)
        yield from self._to_scan.prepare()
        if self._to_scan.versions:
            versions(self.engine, self.git.git_dir)

    def _too_large(self, listed: Listing) -> None:
        """Tells of the blobs that are not to be scanned."""
        most = self.run.options.max_size
        for oid, size in zip(listed.unpacked("blob"), listed.sizes["blob"], strict=True) if most else ():
            if size > most:
                path = self._path(oid)
                self.run.incidents.append(Incident("skipped", path or f"<blob {short(oid)}>", "larger than --max-size", size))
                self._keep_path(oid, path)

    def _path(self, oid: bytes) -> str:
        """Where a tree has a blob, or had it when it was met before; "" if none is known."""
        known = self.paths.get(oid)
        if known is None and self._paths_before is None:
            self._paths_before = self.seen.notes("path") if self.seen is not None else {}
        if known is None and self._paths_before:
            known = bytes.fromhex(self._paths_before.get(oid.hex(), ""))
        return os.fsdecode(known or b"")

    def _pieces(self, pieces: Iterator[Piece], expected: int, more: int = 0) -> None:
        """Scans pieces of about so many bytes, with some workers `more` than were asked for if there is more than one."""
        jobs = self.run.options.jobs
        if jobs < 2 or expected < PARALLEL_FROM:
            for piece in pieces:
                self._take(piece, scan_piece(self.engine, piece, self.run.policy))
            return
        from leakguard.workers import run_any

        work = ([piece] for piece in pieces)
        for piece, done in run_any(self.engine, work, self.run.policy, jobs + more, scan_piece, lost_piece):
            self._take(piece, done)

    def _take(self, piece: Piece, done: PieceDone) -> None:
        self.run.read(done.objects, done.read, done.views, done.view_bytes)
        self.run.incidents += done.incidents
        self.counts["inside"] = [a + b for a, b in zip(self.counts["inside"], done.inside, strict=True)]
        if len(self.paths) < MOST_PATHS:
            for oid, named in done.paths:
                self.paths.setdefault(oid, named)
        present = self.present
        self.run.read(present.mark(done.trees), 0)
        self.lacking.update(present.lacking(done.needed))
        for lfs, size, path, blob in done.pointers:
            self.pointers.setdefault(lfs, (size, path, blob))
        self.found += done.found
        if piece.kind == "commit":
            self._learn(done)
        if self.seen is not None:
            self._enter(piece, done)

    def _enter(self, piece: Piece, done: PieceDone) -> None:
        seen = self.seen
        if seen is None:
            return
        width = self.width
        # a name that was found must not go into the store in plain text: its commit is read again each time; so is a
        # blob that no tree has, for one that comes later may give it a path, and a path can decide
        again = done.failed | done.gaps | {found.oid for found in done.found if found.kind == "name"}
        if piece.kind == "blob" and len(self.paths) < MOST_PATHS:
            again |= {oid for oid, path in zip(unpack(piece.ids, width), piece.paths, strict=True) if not path}
            for oid, path in zip(unpack(piece.ids, width), piece.paths, strict=True):
                if oid in done.failed:
                    self._keep_path(oid, path)
        read = piece.ids
        if again:
            read = b"".join(oid for oid in unpack(piece.ids, width) if oid not in again)
        keep = [found for found in done.found if found.oid not in again]
        if piece.kind != "blob":
            # what trees and commits say of blobs is needed until these are done: whoever is killed reads them again
            self.pending.append((read, keep))
            return
        self._remember(read, keep)
        for lfs, size, path, blob in done.pointers:
            seen.set_note("lfs", lfs, f"{size} {self.mask.text(path).encode('utf-8', 'surrogateescape').hex()} {blob}")
        if time.monotonic() - self._committed > COMMIT_EVERY:
            seen.commit()
            self._committed = time.monotonic()

    def _remember(self, read: bytes, keep: Iterable[Found]) -> None:
        if self.seen is not None:
            self.seen.enter(read)
            self.entered += len(read) // self.width
            mask = Mask(self.engine)  # a member of an archive can be called by a secret
            for found in keep:
                findings, sets = map(mask.finding, found.findings), map(mask.credentials, found.sets)
                self.seen.keep(found.oid, found.kind, findings, sets)

    def _keep_path(self, oid: bytes, path: str) -> None:
        """The path of a blob that is to be read another time, when the trees that have it are not read again."""
        if self.seen is not None and path and self.mask.text(path) == path:
            self.seen.set_note("path", oid.hex(), path.encode("utf-8", "surrogateescape").hex())

    def _known_commits(self) -> Told | None:
        """What this scan learnt of all commits there are; None if it did not read all of them to their end."""
        whole = self.learnt and len(self.everything) == self.width * self.listed.count()
        return Told(self.history, self.changes) if whole else None

    def _learn(self, done: PieceDone) -> None:
        """Keeps what is told of commits, for attribution; as much as is not too much."""
        self.told_bytes += len(done.history) + len(done.changes)
        if done.failed or done.gaps or self.told_bytes > MOST_TOLD:
            self.learnt = False
        if self.learnt:
            self.history.append(done.history)
            self.changes.append(done.changes)
        else:
            self.history.clear()
            self.changes.clear()

    def commits(self) -> bytes:
        """Packed ids of all commits: for attribution, and so only asked for where something was found."""
        if len(self.everything) == self.width * self.listed.count():
            return bytes(self.listed.ids["commit"])
        arguments = ("cat-file", "--batch-all-objects", "--unordered", "--batch-check=%(objecttype) %(objectname)")
        with self.git.open(*arguments) as reader:
            lines = [line[7:-1] for line in reader.out if line.startswith(b"commit ")]
            reader.finish()
        return bytes.fromhex(b"".join(lines).decode())

    # ------------------------------------------------------------ what is not there
    def _missing(self) -> bool:
        """Objects that something names and the store does not have. Whether there are none."""
        present = self.present
        self.gone = {oid for oid in self._known_before() if oid not in present}
        shown = {oid: os.fsdecode(self.paths.get(oid, b"")) for oid in self.lacking}
        if self.seen is not None:
            for text, path in self.seen.notes("missing").items():
                if bytes.fromhex(text) not in present:
                    shown.setdefault(bytes.fromhex(text), os.fsdecode(bytes.fromhex(path)))
            self.seen.forget_notes("missing")
            for oid, path in shown.items():
                self.seen.set_note("missing", oid.hex(), os.fsencode(self.mask.text(path)).hex())
        missing = set(shown)
        cut = self._cut_off(missing) if self.at.shallow else set()
        missing -= cut
        report = self.run.incidents.append
        where = self.at.name or "."
        if self.at.shallow:
            reason = f"shallow clone: the history before {len(self.at.shallow)} commits is not here"
            report(Incident("failed", where, reason))
        self.counts["missing"] = len(missing)
        if missing and self.at.partial:
            reason = f"partial clone: {len(missing)} objects were left with the remote, and nothing was fetched"
            report(Incident("failed", where, reason))
            return False
        for oid in sorted(missing)[:MOST_LISTED]:
            name = shown[oid] or f"<object {short(oid)}>"
            report(Incident("failed", name, "missing: something names this object, and it is not here"))
        if len(missing) > MOST_LISTED:
            report(Incident("failed", where, f"{len(missing) - MOST_LISTED} more objects are missing"))
        for ref in self.refs.refs:
            if bytes.fromhex(ref.oid.decode()) not in present:
                report(Incident("failed", ref.name, "a ref to an object that is not here"))
        return not missing and not cut

    def _known_before(self) -> set[bytes]:
        """Objects of which the cache says something."""
        if self.seen is None:
            return set()
        pointers = (value.rpartition(" ")[2] for value in self.seen.notes("lfs").values())
        return {oid for oid, *_ in self._kept_before} | {bytes.fromhex(oid) for oid in pointers}

    def _cut_off(self, missing: set[bytes]) -> set[bytes]:
        """Those of the missing that are parents of a shallow clone's last commits."""
        from leakguard.sources.gitobjects import commit, contents

        packed = bytes.fromhex(b"".join(self.at.shallow).decode())
        cut: set[bytes] = set()
        for content in contents(self.git, packed, self.width):
            if content.data is not None:
                cut.update(bytes.fromhex(parent.decode()) for parent in commit(content.data).parents)
        return cut & missing

    def _lfs(self) -> None:
        """A line for each LFS content that a pointer names and that is not here."""
        pointers = self._pointers()
        absent = {oid: told for oid, told in pointers.items() if not os.path.isfile(self._content(oid))}
        self.counts["lfs"] = {"pointers": len(pointers), "absent": len(absent)}
        self.found = [one for found in self.found for one in pointed(found, pointers)]
        for oid, (size, path, _) in sorted(absent.items()):
            shown = path or f"<lfs {oid[:12]}>"
            self.run.incidents.append(
                Incident("failed", shown, "LFS content that is not here, and was not fetched", size)
            )

    def _pointers(self) -> dict[str, tuple[int, str, str]]:
        """All LFS contents that are pointed to, also by what was read in another scan."""
        pointers = dict(self.pointers)
        if self.seen is not None:
            for oid, value in self.seen.notes("lfs").items():
                length, named, blob = value.split(" ")
                if bytes.fromhex(blob) not in self.gone:
                    pointers.setdefault(oid, (int(length), os.fsdecode(bytes.fromhex(named)), blob))
        return pointers

    def _content(self, oid: str) -> str:
        """Where an LFS content lies, if it is here."""
        if not self._lfs_home:
            self._lfs_home = lfs_objects(self.at, self.git, self.run.incidents.append)
        return os.path.join(self._lfs_home, oid[:2], oid[2:4], oid)

    # ------------------------------------------------------------ files beside the objects
    def _files(self) -> None:
        """Everything in the git folder but objects, and its names."""
        run = self.run
        # a storage beside the git folder may be that of many repositories: only what is pointed to is this one's
        own = os.path.join(os.path.realpath(self.at.common_dir), "")
        contents = [path for path in map(self._content, sorted(self._pointers())) if not os.path.realpath(path).startswith(own)]
        here = [path for path in contents if os.path.isfile(path)]
        beside = scan_beside(self.at, self.refs, self.engine, run.policy, run.options.jobs, run.incidents.append, here)
        run.read(*beside.result.totals)
        run.read(beside.names, beside.bytes)
        run.incidents += beside.result.incidents
        self.found += beside.found


def _weight(repository: Repository) -> int:
    """About how many bytes a store will give, told by the size of its packs."""
    size = 0
    for folder in repository.objects:
        for path, _ in files_below(os.path.join(folder, "pack"), "", _ignore):
            size += 4 * _size(path)
        size += 256 * 4096 * os.path.isdir(os.path.join(folder, "17"))  # as git itself guesses at loose objects
    return size


def _size(path: str) -> int:
    """A file's size; 0 if it has gone since it was listed: whoever reads it says so."""
    try:
        return os.lstat(path).st_size
    except OSError:
        return 0


def _ignore(_incident: Incident) -> None:
    """For looks that decide nothing: whoever reads says what cannot be read."""
