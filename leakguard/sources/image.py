"""Images: every manifest, configuration and layer of a store, as leaves, each content once.

Promises: all that a store holds is read, what no manifest names too; digests are verified, and content that is not what
its digest says is told and scanned all the same; what was read before is passed by only if its digest was verified, and
for a file only after that file itself was hashed; a layer's paths are text and never opened; manifests that name each
other in a circle, by the thousand or not at all end at a limit that is told. What became of each blob's bytes is in
`Tally.blobs`.

Where the bytes come from is `sources.imagefiles` and `sources.registry`. Knows `model` and `sources`; imported by
`leakguard.images` and `leakguard extract`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Iterator
from typing import NamedTuple

from leakguard.model import Incident, Origin
from leakguard.sources import oci
from leakguard.sources.imagestack import Image, Stack, Use, facts_of, step_facts
from leakguard.sources.inside import magic
from leakguard.sources.inside.base import (
    CHUNK,
    BrokenError,
    Budget,
    ExhaustedError,
    Pull,
    Stream,
    Told,
    from_bytes,
)
from leakguard.sources.inside.limits import Bytes, Limits
from leakguard.sources.inside.walk import Choose, Leaf, Tally
from leakguard.sources.oci import Blob, Names
from leakguard.sources.stores import NO_END_MARK, Hashing, LayerWalker, MissingError, Root, Store, growing, read_all
from leakguard.sources.windows import OnIncident, reason_of

DEEPEST = 8
"""Indexes within indexes."""
MOST_MANIFESTS = 10_000
"""Manifests of one store."""
ATTESTATION = "unknown/unknown"
"""What builders give as the platform of what is no image."""


class _Job(NamedTuple):
    blob: Blob
    key: str
    foreign: bool = False
    tar: bool = False
    """What it holds must be a tar."""


class Reader(Stack):
    """Reads stores, one after the other: `plan` for each first, then `layers`, then `rest`."""

    def __init__(
        self,
        limits: Limits,
        on_incident: OnIncident,
        mask: Callable[[str], str],
        *,
        strict: bool = False,
        platforms: bool = False,
        tally: Tally | None = None,
        choose: Choose | None = None,
    ) -> None:
        """`strict`: what is recognised and cannot be read is a failure. `platforms`: so is the manifest of another platform
        that an archive names and does not have."""
        super().__init__(mask)
        self.choose = choose
        self.limits = limits
        self._on_incident = on_incident
        self._told = 0
        self.strict = strict
        self.platforms = platforms
        self.tally = tally or Tally()
        self.verified: dict[str, str] = {}
        """Digest of content that was read whole -> key of its names."""
        self._jobs: dict[int, dict[str, _Job]] = {}
        self._walkers: dict[int, LayerWalker] = {}
        self.documents: set[str] = set()
        """Origins of blobs that were handed out as they stand."""
        self._known: dict[tuple[int, str], bool | None] = {}
        """(store, digest) of manifests -> was it read? None: it is not there."""
        self._configs: dict[tuple[int, str, str], Image] = {}
        self._named_images = 0

    def on_incident(self, incident: Incident) -> None:
        """Tells, and counts."""
        self._told += 1
        self._on_incident(incident)

    # ------------------------------------------------------------ planning
    def plan(self, store: Store) -> Iterator[Leaf]:
        """The documents of a store; notes which layers there are."""
        self._walkers[id(store)] = LayerWalker(
            store.origin, Budget(self.limits, store.size), self.on_incident, strict=self.strict, tally=self.tally,
            choose=self.choose,
        )  # fmt: skip
        self._walkers[id(store)].outer = store.outer
        self._jobs[id(store)] = {}
        before = self._named_images + self._told
        roots = store.roots()
        for root in roots:
            yield from self._root(store, root, 1)
        if roots and self._named_images + self._told == before:
            self._failed(store.origin, "no image: it names no manifest that could be read")

    def _root(self, store: Store, root: Root, depth: int) -> Iterator[Leaf]:
        blob = Blob(root.digest, root.name if not root.digest else "", len(root.data), data=root.data)
        if not root.archive:
            yield from self._document(store, blob, root.data, store.origin.path if store.remote else "", "", depth)
            return
        origin = Origin("manifest", root.name, store.origin)
        yield from self._blob(store, origin, root.data)
        try:
            document = oci.parsed(root.data)
            for manifest in oci.archive_manifests(document):
                yield from self._manifest(store, manifest, manifest.name, "")
        except BrokenError as error:
            self._failed(origin, error.reason)

    def _document(self, store: Store, blob: Blob, data: bytes, name: str, platform: str, depth: int) -> Iterator[Leaf]:
        """An index or a manifest, and all that it names."""
        walker = self._walkers[id(store)]
        if walker.budget.over:
            return
        name, platform = self.mask(name), self.mask(platform)
        facts = facts_of(image=name, platform=platform, digest=blob.digest)
        origin = Origin("manifest", blob.short, store.origin, facts)
        yield from self._blob(store, origin, data)
        try:
            document = oci.parsed(data)
            if not oci.is_index(document):
                manifest = oci.manifest_of(document)
                yield from self._manifest(store, manifest, name or manifest.kind, platform)
            elif depth > DEEPEST:
                self.on_incident(
                    Incident("truncated", str(origin), f"limit reached: indexes nested more than {DEEPEST} deep")
                )
            else:
                yield from self._index(store, origin, document, name, depth)
        except BrokenError as error:
            self._failed(origin, error.reason)
        if blob.digest and store.remote:
            for root in store.related(blob.digest):
                if (id(store), root.digest) not in self._known:
                    self._known[id(store), root.digest] = True
                    yield from self._root(store, root, depth + 1)

    def _index(self, store: Store, origin: Origin, document: object, name: str, depth: int) -> Iterator[Leaf]:
        """The manifests that an index names. An archive may lack those of other platforms than the one that was saved."""
        absent: list[Blob] = []
        called = oci.ref_names(document)
        here = False
        for item in oci.descriptors(document):
            key = (id(store), item.digest)
            if key not in self._known:
                yield from self._named(store, origin, item, called.get(item.digest, name), depth)
                if self._known[key] is None:
                    absent.append(item)
            here = here or (bool(self._known[key]) and item.platform != ATTESTATION)
        for item in absent:
            place = str(Origin("manifest", item.short, store.origin))
            if here and item.platform and not self.platforms and not store.remote:
                self._lost(item, "skipped")
                reason = f"manifest of another platform ({item.platform}): the index names it, and it is not here"
                self.on_incident(Incident("skipped", place, self.mask(reason)))
            else:
                self._lost(item)
                self.on_incident(Incident("failed", place, "manifest missing: the index names it, and it is not here"))

    def _named(self, store: Store, index: Origin, item: Blob, name: str, depth: int) -> Iterator[Leaf]:
        """A manifest that an index names. Notes whether it is there."""
        key = (id(store), item.digest)
        self._known[key] = False
        if len(self._known) > MOST_MANIFESTS:
            if len(self._known) == MOST_MANIFESTS + 1:
                reason = f"limit reached: more than {MOST_MANIFESTS} manifests"
                self.on_incident(Incident("truncated", str(index), reason))
            self._lost(item, "truncated")
            return
        try:
            data = self._fetched(store, item, "manifest")
        except MissingError:
            self._known[key] = None
            return
        if data is not None:
            self._known[key] = True
            yield from self._document(store, item, data, name, item.platform, depth + 1)

    def _manifest(self, store: Store, manifest: oci.Manifest, name: str, platform: str) -> Iterator[Leaf]:
        """One manifest's configuration; its layers are noted."""
        config = oci.Config((), (), "")
        name = self.mask(name)
        self._named_images += 1
        if manifest.config is not None:
            layers = "\n".join(layer.digest or layer.place for layer in manifest.layers)
            config_key = (id(store), manifest.config.digest or manifest.config.place, layers)
            known = self._configs.get(config_key)
            if known is not None:  # a second name: docker's manifest.json beside index.json
                if name and name not in known.name:
                    known.name = f"{known.name}, {name}" if known.name else name
                return
            try:
                data = self._fetched(store, manifest.config, "configuration")
            except MissingError as error:
                data = None
                self._lost(manifest.config)
                origin = Origin("configuration", manifest.config.short, store.origin)
                self._failed(origin, f"configuration missing: {error.reason}")
            if data is not None:
                config = yield from self._config(store, manifest.config, data, name, platform)
        shown = platform if platform not in ("", ATTESTATION) else self.mask(config.platform)
        image = Image(name, shown, config, [])
        self.images.append(image)
        if manifest.config is not None:
            self._configs[config_key] = image
        for index, layer in enumerate(manifest.layers):
            key = layer.digest or f"{id(store)}:{layer.place}"
            image.keys.append(key)
            self.uses.setdefault(key, []).append(Use(image, index))
            self._jobs[id(store)].setdefault(key, _Job(layer, key, layer.foreign, oci.holds_tar(layer)))

    def _config(
        self, store: Store, blob: Blob, data: bytes, name: str, platform: str
    ) -> Generator[Leaf, None, oci.Config]:
        """The leaves of a configuration; returns what it says of layers."""
        facts = facts_of(image=name, platform=platform, digest=blob.digest)
        config = oci.Config((), (), "")
        origin = Origin("config", blob.short, store.origin, facts)
        key = (id(store), f"config {blob.digest or blob.place}")
        seen = key in self._known or (bool(blob.digest) and self.verified.get(blob.digest) == "config")
        self._known[key] = True
        try:
            config = oci.config_of(oci.parsed(data))
            parts = () if seen else oci.parts(data)
            if not seen:  # what it says is handed out in parts
                self.tally.blobs = self.tally.blobs.plus(Bytes(len(data), containers=len(data)))
            made = {step.number: layer for layer, step in enumerate(config.filled, 1)}
            for place, text in parts:
                if not place:
                    yield from self._small(store, Origin("config", blob.short, store.origin, facts), text)
                    continue
                more = step_facts(config, made, place)
                yield from self._small(store, Origin("setting", place, origin, more), text)
        except BrokenError as error:
            if blob.media in (
                "",
                "application/vnd.oci.image.config.v1+json",
                "application/vnd.docker.container.image.v1+json",
            ):
                self._failed(origin, error.reason)
            yield from self._blob(store, origin, data)
        if blob.digest:
            self.verified.setdefault(blob.digest, "config")
        return config

    def _fetched(self, store: Store, blob: Blob, what: str) -> bytes | None:
        """A document's bytes, verified; None if it cannot be had, which was told. MissingError."""
        origin = Origin(what, blob.short, store.origin)
        try:
            pull, _ = store.open(blob)
            data = blob.data or read_all(pull, oci.MOST_DOCUMENT + 1)
        except MissingError:
            raise
        except (BrokenError, OSError) as error:
            self._lost(blob)
            store.give_back(blob)
            self._failed(origin, error.reason if isinstance(error, BrokenError) else reason_of(error))
            return None
        if len(data) > oci.MOST_DOCUMENT:
            reason = f"{what} longer than {oci.MOST_DOCUMENT} bytes, not understood"
            self.on_incident(Incident("truncated", str(origin), reason))
            self._jobs[id(store)].setdefault(blob.digest or blob.place, _Job(blob, blob.digest or blob.place))
            return None
        if blob.digest:
            self._verify(origin, blob.digest, data)
        return data

    def _verify(self, origin: Origin, digest: str, data: bytes) -> None:
        algorithm = digest.split(":", 1)[0]
        real = f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"
        if real != digest:
            self._failed(origin, f"its content is not what its digest says: it has {oci.short(real)}")

    def _blob(self, store: Store, origin: Origin, data: bytes) -> Iterator[Leaf]:
        """A blob in memory, as it stands."""
        self.documents.add(str(origin))
        done = yield from self._handed(store, origin, data)
        self.tally.blobs = self.tally.blobs.plus(Bytes(len(data), scanned=done, truncated=len(data) - done))

    def _small(self, store: Store, origin: Origin, data: bytes) -> Iterator[Leaf]:
        """What a blob says, in memory."""
        done = yield from self._handed(store, origin, data)
        self.tally.took(done)
        if done < len(data):
            self.tally.add(Bytes(len(data) - done, truncated=len(data) - done))

    def _handed(self, store: Store, origin: Origin, data: bytes) -> Generator[Leaf, None, int]:
        """Hands bytes out, within the limits; how many of them?"""
        walker = self._walkers[id(store)]
        if self.choose is not None and self.choose(str(origin)) != "take":
            return 0
        try:
            walker.budget.member()
        except ExhaustedError as error:
            walker._limit(walker.root, error)
            return 0
        self.tally.members += 1
        stream = Stream(walker.guarded(from_bytes(data), origin), len(data))
        yield Leaf(origin, stream)
        return stream.position

    def _lost(self, blob: Blob, state: str = "failed") -> None:
        """Accounts for a blob that nobody read: as many bytes as the manifest says."""
        size = max(0, blob.size)
        self.tally.blobs = self.tally.blobs.plus(Bytes(size, **{state: size}))

    # ------------------------------------------------------------ layers
    def layers(self, store: Store) -> Iterator[Leaf]:
        """Everything in every layer of a store that was not read before."""
        walker = self._walkers[id(store)]
        for job in self._jobs[id(store)].values():
            if walker.budget.over:
                origin = Origin("layer", job.blob.short, store.origin)
                self.on_incident(Incident("truncated", str(origin), "not read: a limit was reached before"))
                self._lost(job.blob, "truncated")
                continue
            yield from self._layer(store, walker, job)

    def _layer(self, store: Store, walker: LayerWalker, job: _Job) -> Iterator[Leaf]:
        origin = Origin("layer", job.blob.short, store.origin, self.layer_facts(job.blob, job.key))
        self.keys[origin] = job.key
        if self.choose is not None and not self.choose(str(origin)):
            return
        try:
            if self._seen(store, job):
                self.tally.seen_before += 1
                return
            pull, size = store.open(job.blob)
        except MissingError as error:
            self._lost(job.blob, "failed" if self.strict or not job.foreign else "skipped")
            if job.foreign:
                walker._tell("unread", origin, "foreign layer, not here: the manifest names another place for it")
            else:
                self._failed(origin, f"layer missing: {error.reason}")
            return
        except (BrokenError, OSError) as error:
            self._lost(job.blob)
            self._failed(origin, error.reason if isinstance(error, BrokenError) else reason_of(error))
            return
        yield from self._content(walker, job, origin, growing(pull, walker.budget) if store.remote else pull, size)

    def _content(self, walker: LayerWalker, job: _Job, origin: Origin, pull: Pull, size: int) -> Iterator[Leaf]:
        """The leaves of a layer, then its digest judged."""
        raw = Hashing(pull, job.blob.digest.split(":", 1)[0] or "sha256")
        names = Names()
        walker.begin(origin, names)
        before = walker.budget.members
        stream = Stream(walker.guarded(raw, origin), size)
        head = stream.peek(magic.HEAD)
        kind = magic.kind_of(head, job.blob.place)
        if self.choose is not None and self.choose(str(origin)) == "take":
            kind = ""  # the layer as it is
        if "encrypted" in job.blob.media:
            walker._tell("unread", origin, "encrypted layer")
        if kind:
            yield from walker.enter(origin, stream, kind, 1)
        else:
            yield from self._as_it_stands(walker, origin, stream)
        self.tally.members += 0 if kind else walker.budget.members - before
        whole = self._drained(walker, raw, stream)
        diff = walker.end()
        self.names[job.key] = names
        if not whole or (diff is not None and not diff.ended):
            return
        names.complete = True
        if job.tar and not walker.is_tar and not (diff or raw).blank and "encrypted" not in job.blob.media:
            names.complete = False
            self._failed(origin, "its content is no tar, as that of a layer is: scanned as it stands")
        honest = self._judge(job, origin, raw.digest, diff.digest if diff is not None else raw.digest, kind)
        if walker.unmarked and not honest:
            names.complete = False
            self._failed(origin, NO_END_MARK)

    def _as_it_stands(self, walker: LayerWalker, origin: Origin, stream: Stream) -> Iterator[Leaf]:
        """A blob that is no container."""
        self.documents.add(str(origin))
        if not stream.at_end():
            yield Leaf(origin, stream)
        done = stream.position
        left = max(0, stream.size - done)
        made = Bytes(done + left, scanned=done, **{"truncated" if walker.budget.over else "failed": left})
        self.tally.blobs = self.tally.blobs.plus(made)

    def _drained(self, walker: LayerWalker, raw: Hashing, stream: Stream) -> bool:
        """Was all of a layer's blob read? What a reader left is read for the digest's sake."""
        if walker.budget.over:
            return False
        try:
            while stream.read(CHUNK):
                pass
        except Told:
            return False
        return raw.ended

    def _judge(self, job: _Job, origin: Origin, raw: str, diff: str, kind: str) -> bool:
        """Is the content what digests say? True if one says so and none denies it."""
        honest, said = True, bool(job.blob.digest)
        told_of = bool(kind) or (job.tar and "encrypted" not in job.blob.media)
        if job.blob.digest and raw != job.blob.digest:
            honest = False
            self._failed(origin, f"its content is not what its digest says: it has {oci.short(raw)}")
        wrong = set()
        for use in self.uses.get(job.key, ()):
            ids = use.image.config.diff_ids
            told = ids[use.at] if use.at < len(ids) else ""
            said = said or told == diff
            if told_of and told.startswith("sha256:") and told != diff and told not in wrong:
                wrong.add(told)
                self._failed(origin, f"its content is not what the configuration says: it has {oci.short(diff)}")
        if honest:
            self.verified.setdefault(raw, job.key)
        self.verified.setdefault(diff, job.key)
        return honest and said and not wrong

    def _seen(self, store: Store, job: _Job) -> bool:
        """Was this very content read before? Of a file only its own bytes say so."""
        claims = {job.blob.digest} if job.blob.digest else set()
        if not store.remote:
            for use in self.uses.get(job.key, ()):
                claims |= set(use.image.config.diff_ids[use.at : use.at + 1])
        known = next((self.verified[claim] for claim in claims if claim in self.verified), "")
        if not known or known == "config":
            return False
        if not store.remote:
            pull, _ = store.open(job.blob)
            raw = Hashing(pull, job.blob.digest.split(":", 1)[0] or "sha256")
            try:
                while raw(CHUNK):
                    pass
            except (BrokenError, OSError):
                return False  # it is read as what it is, and its damage told
            known = self.verified.get(raw.digest, "")
            if not known or (job.blob.digest and raw.digest != job.blob.digest):
                return False
        if known in self.names:
            self.names[job.key] = self.names[known]
        return True

    # ------------------------------------------------------------ the rest
    def rest(self, store: Store) -> Iterator[Leaf]:
        """What no manifest names."""
        walker = self._walkers[id(store)]
        if walker.budget.over:
            walker.settle_root(store.unread())
        else:
            yield from store.rest(walker)

    def _failed(self, origin: Origin, reason: str) -> None:
        self.on_incident(Incident("failed", str(origin), reason))


