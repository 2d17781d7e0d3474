"""Images, scanned: stores in, a ScanResult out, as pipeline.py does for files.

All manifests of all that was asked for are read before the first layer, so that a layer says which images it is part
of, and is read once. A finding in a layer says which build step brought it and whether the file is still there in the
end: deleted and overwritten files are still in the image that was handed out. Steps are masked like contents.

An image is asked for by its name: what cannot be read of it makes the run incomplete, with `strict` or without. The
receipt accounts for every byte: of the files, of the blobs that manifests name, and of what came out of them.

Imported by cli/image.py. Knows no command line and no report format.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, NamedTuple

from leakguard.attribution import Masker
from leakguard.collector import Collector
from leakguard.detect.engine import Engine
from leakguard.errors import SourceError, UsageError
from leakguard.model import Finding, Incident, Origin, ScanResult
from leakguard.paths import Names
from leakguard.pipeline import PARALLEL_FROM, scan_leaves
from leakguard.sources.files import FileTask
from leakguard.sources.image import Reader
from leakguard.sources.imagenames import Login
from leakguard.sources.inside.limits import Bytes, Limits
from leakguard.sources.inside.walk import Leaf, Tally
from leakguard.sources.stores import Store
from leakguard.sources.windows import OnIncident, reason_of
from leakguard.work import Policy, Unit

EXPECTED = 1 << 30
"""Bytes an image may have: enough for the engine to be worth its compilation."""

_OLD_CONFIG = re.compile(r"[0-9a-f]{64}/json\Z")
"""What `docker save` keeps beside each layer: the last one is the configuration once more."""

OnProgress = Callable[[int, int], None]


class Access(NamedTuple):
    """How to get at what is no file."""

    login: Login = Login()
    login_files: Sequence[str] = ()
    plain: Sequence[str] = ()
    """Registries (host or host:port) that are asked without encryption."""
    ca_file: str = ""


def open_store(target: str, access: Access, limits: Limits, on_incident: OnIncident) -> Store:
    """What a REF or PATH names: a file or folder; `docker://NAME`, a registry; `docker-daemon:NAME`, a running engine;
    a bare name, whatever engine has it, or the registry that it names. UsageError, SourceError."""
    from leakguard.sources.imagefiles import open_path

    for prefix in ("docker-archive:", "oci-archive:", "oci:", "dir:"):
        if target.startswith(prefix) and not os.path.lexists(target):
            target = target.removeprefix(prefix)
            if not os.path.lexists(target):
                raise UsageError(f"image: no such file: {target}")
    if target.startswith("docker://"):
        return _registry(target.removeprefix("docker://"), access, on_incident)
    if target.startswith("docker-daemon:"):
        return _engine(target.removeprefix("docker-daemon:"), limits, on_incident, asked=True)  # type: ignore[return-value]
    if os.path.lexists(target):
        try:
            return open_path(target, limits, on_incident)
        except OSError as error:
            raise SourceError(target, reason_of(error)) from None
    tried: list[str] = []
    found = _engine(target, limits, on_incident, asked=False, tried=tried)
    return found or _registry(target, access, on_incident, "; ".join(tried))


_SAVE = "`docker save NAME -o FILE` (podman save, skopeo copy) where the image is makes a file to scan"


def _engine(
    name: str, limits: Limits, on_incident: OnIncident, *, asked: bool, tried: list[str] | None = None
) -> Store | None:
    """An image that a running container engine has. With `asked`, an error instead of None; else `tried` gets who was
    asked, and what came of it."""
    from leakguard.sources.dockersocket import saved, socket_paths
    from leakguard.sources.imagefiles import open_handle
    from leakguard.sources.imagenames import name_of

    name_of(name)
    told: list[str] = [] if tried is None else tried
    for variable in ("DOCKER_HOST", "CONTAINER_HOST"):
        if os.environ.get(variable, "unix://")[:7] != "unix://":
            told.append(f"{variable} names no unix:// socket and is not asked")
    for path in socket_paths():
        if not os.path.exists(path):
            told.append(f"{path}: not there")
            continue
        try:
            found = saved(path, name)
        except SourceError as error:
            if asked:
                raise
            told.append(f"{path}: {error.reason}")
            continue  # then whoever the name names is asked, and else that nobody has it is said
        if found is not None:
            return open_handle(*found, Origin("image", name), limits, on_incident)
        told.append(f"{path}: has no such image")
    if asked:
        raise UsageError(f"image: no Docker or Podman that runs here has {name} (tried {'; '.join(told)}). "
                         f"DOCKER_HOST=unix://PATH names another socket; {_SAVE}")  # fmt: skip
    return None


def _registry(name: str, access: Access, on_incident: OnIncident, tried: str = "") -> Store:
    """An image in a registry; `tried` says who was asked before."""
    from leakguard.sources.imagenames import DOCKER_HUB, is_loopback, login_for, name_of
    from leakguard.sources.registry import Registry
    from leakguard.sources.web import Web

    parsed = name_of(name)
    if not parsed.host:
        library = name if "/" in parsed.path else f"library/{name}"
        raise UsageError(
            f"image: {name}: no such file, and nobody that was asked has such an image"
            + (f" (tried {tried}; no registry, for the name has no host)" if tried else "")
            + f". docker://docker.io/{library} asks Docker Hub; "
            f"DOCKER_HOST=unix://PATH names another socket; {_SAVE}"
        )
    if parsed.host == "docker.io":
        path = parsed.path if "/" in parsed.path else f"library/{parsed.path}"
        parsed = parsed._replace(host=DOCKER_HUB, path=path)
    login = access.login if access.login.user else login_for(parsed.host, parsed.path, list(access.login_files))
    plain = is_loopback(parsed.host) or parsed.host in access.plain
    store = Registry(Web(parsed, login, plain=plain, ca_file=access.ca_file), on_incident)
    store.tried = tried
    return store


def scan_images(
    targets: Sequence[str],
    engine_for: Callable[[int], Engine],
    policy: Policy,
    access: Access,
    on_progress: OnProgress | None = None,
    jobs: int = 1,
) -> tuple[ScanResult, bool]:
    """Scans images by `jobs` processes; also tells whether it was interrupted. UsageError for what is none."""
    incidents: list[Incident] = []
    limits = policy.inside or Limits()
    stores: list[Store] = []
    interrupted = False
    collector = Collector(on_progress)
    collector.limits, collector.accounts = limits, True
    run = _Run(engine_for, policy, limits, collector)
    try:
        for target in dict.fromkeys(targets):
            try:
                stores.append(open_store(target, access, limits, incidents.append))
            except SourceError as error:
                size = os.path.getsize(target) if os.path.isfile(target) else 0
                incidents.append(Incident("failed", error.origin, error.reason, size))
        run.all(stores, jobs)
    except KeyboardInterrupt:
        interrupted = True
    finally:
        for store in stores:
            store.close()
    return run.result(incidents), interrupted


class _Run:
    """One scan of several stores."""

    def __init__(
        self, engine_for: Callable[[int], Engine], policy: Policy, limits: Limits, collector: Collector
    ) -> None:
        self.engine = engine_for(EXPECTED)
        self.policy = policy._replace(strict=True)
        self.collector = collector
        self.incidents: list[Incident] = []
        self.tally = Tally()
        mask = Masker(self.engine).text
        self.reader = Reader(limits, self._told, mask, strict=True, platforms=policy.strict, tally=self.tally)
        self._before = (0, 0, 0)

    def _told(self, incident: Incident) -> None:
        self.incidents.append(incident)

    def all(self, stores: Sequence[Store], jobs: int) -> None:
        for store in stores:
            self._scan(store.origin.path, self._planned(store))
        content = chain.from_iterable(
            step(store) for step in (self.reader.layers, self.reader.rest) for store in stores
        )
        if jobs > 1 and any(store.remote or store.size >= PARALLEL_FROM for store in stores):
            self._scan_by(jobs, content)
        elif stores:
            self._scan(stores[0].origin.path, content)
        self.collector.join(self.engine, self.policy)

    def _planned(self, store: Store) -> Iterator[Leaf]:
        try:
            yield from self.reader.plan(store)
        except SourceError as error:
            tried = getattr(store, "tried", "")
            before = f" (tried before: {tried}). {_SAVE}" if tried else ""
            self._told(Incident("failed", error.origin, error.reason + before))

    def _scan(self, name: str, leaves: Iterable[Leaf]) -> None:
        self.incidents = []
        done = scan_leaves(self.engine, leaves, self.policy, self.incidents, self.tally)
        done = done._replace(inside=self._gone(), account=(Bytes(), Bytes()))  # that comes once, when all is read
        self.collector.add(Unit(FileTask(name, "", 0)), done)

    def _scan_by(self, jobs: int, leaves: Iterable[Leaf]) -> None:
        """The same by worker processes: this one reads and expands."""
        from leakguard.pieces import Share, batches, end_of, run_pieces

        self.incidents = []
        share = Share("image", self.collector, self.incidents, self._gone)
        share.names = Names(self.engine, self.policy.min_severity, self.policy.min_confidence)
        self.tally.named = share.names.add

        def work() -> Iterator[Sequence[Any]]:
            yield from batches(self.engine, leaves, self.policy, share)
            yield [end_of(share)]

        run_pieces(self.engine, work(), self.policy, jobs, self.collector)

    def _gone(self) -> tuple[int, int, int]:
        """(containers, members, expanded bytes) since it was asked last."""
        now, before = (self.tally.containers, self.tally.members, self.tally.expanded), self._before
        self._before = now
        return now[0] - before[0], now[1] - before[1], now[2] - before[2]

    def result(self, incidents: Sequence[Incident]) -> ScanResult:
        self.collector.findings = _once([self._placed(finding) for finding in self.collector.findings])
        self.collector.sets = [made._replace(origin=self._origin(made.origin)) for made in self.collector.sets]
        blobs = self._account()
        result = self.collector.result(incidents)
        account = {"files": result.receipt["account"]["files"], "blobs": blobs._asdict()} | result.receipt["account"]
        reader = self.reader
        told: dict[str, Any] = {
            "images": [str(image) for image in reader.images],
            "layers": len(reader.uses),
            "read_before": self.tally.seen_before,
        }
        return result._replace(receipt={**result.receipt, "account": account, "image": told})

    def _account(self) -> Bytes:
        """Hands the account of all that was read to the collector, but for that of the blobs."""
        collector, blobs = self.collector, self.tally.blobs
        collector.files = collector.files.plus(self.tally.root)
        collector.members = collector.members.plus(self.tally.inner)
        for incident in collector.incidents:
            if incident.bytes and incident.origin in self.reader.documents:  # the collector took it for a member
                changed = Bytes(scanned=-incident.bytes)._replace(**{incident.state: incident.bytes})
                blobs = blobs.plus(changed)
                collector.members = collector.members.plus(Bytes(*(-count for count in changed)))
        return blobs

    def _placed(self, finding: Finding) -> Finding:
        return finding._replace(origin=self._origin(finding.origin))

    def _origin(self, origin: Origin) -> Origin:
        """The same with what became of the file."""
        fate = self.reader.fate(origin)
        return _with_fact(origin, ("final", fate)) if fate else origin


def _with_fact(origin: Origin, fact: tuple[str, str]) -> Origin:
    """The chain with a fact at the layer's own member."""
    if origin.inside is None or origin.inside.kind == "layer":
        return origin._replace(facts=(*origin.facts, fact))
    return origin._replace(inside=_with_fact(origin.inside, fact))


def _once(findings: list[Finding]) -> list[Finding]:
    """Without what a configuration said and its older copy repeats."""
    said = {f.fingerprint for f in findings if any(o.kind == "config" for o in (f.origin, f.origin.inside) if o)}
    return [f for f in findings if not (f.fingerprint in said and _OLD_CONFIG.match(f.origin.path))]


__all__ = ["Access", "open_store", "scan_images"]
