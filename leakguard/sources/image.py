"""Images: every manifest, configuration and layer of a store, as leaves, each content once.

Promises: all that a store holds is read, what no manifest names too; digests are verified, and content that is not what
its digest says is told and scanned all the same; what was read before is passed by only if its digest was verified, and
for a file only after that file itself was hashed; a layer's paths are text and never opened; manifests that name each
other in a circle, by the thousand or not at all end at a limit that is told.

Where the bytes come from is `sources.imagefiles` and `sources.registry`. Knows `model` and `sources`; imported by
`leakguard.images` and `leakguard extract`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Iterator
from typing import NamedTuple

from leakguard.model import Incident, Origin
from leakguard.sources import oci
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
from leakguard.sources.inside.limits import Limits
from leakguard.sources.inside.walk import Choose, Leaf, Tally
from leakguard.sources.oci import Blob, Names
from leakguard.sources.stores import NO_END_MARK, Hashing, LayerWalker, MissingError, Root, Store, read_all
from leakguard.sources.windows import OnIncident, reason_of

DEEPEST = 8
"""Indexes within indexes."""
MOST_MANIFESTS = 10_000
"""Manifests of one store."""
STEP = 300
"""Characters shown of what made a layer."""
MOST_USES = 3
"""Images named that share a layer."""


class Image:
    """One manifest with its layers."""

    def __init__(self, name: str, platform: str, config: oci.Config, keys: list[str]) -> None:
        self.name = name
        self.platform = platform
        self.config = config
        self.keys = keys

    def __str__(self) -> str:
        return f"{self.name} ({self.platform})".strip() if self.platform else self.name


class Use(NamedTuple):
    """A layer's place in an image."""

    image: Image
    at: int


class _Job(NamedTuple):
    blob: Blob
    key: str
    foreign: bool


class Reader:
    """Reads stores, one after the other: `plan` for each first, then `layers`, then `rest`."""

    def __init__(
        self,
        limits: Limits,
        on_incident: OnIncident,
        mask: Callable[[str], str],
        *,
        strict: bool = False,
        tally: Tally | None = None,
        choose: Choose | None = None,
    ) -> None:
        self.choose = choose
        self.limits = limits
        self.on_incident = on_incident
        self.mask = mask
        self.strict = strict
        self.tally = tally or Tally()
        self.images: list[Image] = []
        self.uses: dict[str, list[Use]] = {}
        self.names: dict[str, Names] = {}
        self.verified: dict[str, str] = {}
        """Digest of content that was read whole -> key of its names."""
        self.keys: dict[Origin, str] = {}
        """Origin of a layer -> its key."""
        self._jobs: dict[int, dict[str, _Job]] = {}
        self._walkers: dict[int, LayerWalker] = {}
        self._known: dict[tuple[int, str], bool] = {}
        self._configs: dict[tuple[int, str, str], Image] = {}

    # ------------------------------------------------------------ planning
    def plan(self, store: Store) -> Iterator[Leaf]:
        """The documents of a store; notes which layers there are."""
        self._walkers[id(store)] = LayerWalker(
            store.origin, Budget(self.limits, store.size), self.on_incident, strict=self.strict, tally=self.tally,
            choose=self.choose,
        )  # fmt: skip
        self._jobs[id(store)] = {}
        for root in store.roots():
            yield from self._root(store, root, 1)

    def _root(self, store: Store, root: Root, depth: int) -> Iterator[Leaf]:
        blob = Blob(root.digest, root.name if not root.digest else "", len(root.data), data=root.data)
        if not root.archive:
            yield from self._document(store, blob, root.data, store.origin.path if store.remote else "", "", depth)
            return
        origin, found = self._leaf(store, store.origin, root.name, root.data, "manifest", ())
        yield from found
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
        name = self.mask(name)
        facts = _facts(image=name, platform=platform, digest=blob.digest)
        origin, found = self._leaf(store, store.origin, blob.short, data, "manifest", facts)
        yield from found
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
                for item in oci.descriptors(document):
                    called = oci.ref_name(document, item.digest) or name
                    yield from self._named(store, origin, item, called, depth)
        except BrokenError as error:
            self._failed(origin, error.reason)
        if blob.digest and store.remote:
            for root in store.related(blob.digest):
                if (id(store), root.digest) not in self._known:
                    self._known[id(store), root.digest] = True
                    yield from self._root(store, root, depth + 1)

    def _named(self, store: Store, index: Origin, item: Blob, name: str, depth: int) -> Iterator[Leaf]:
        """A manifest that an index names."""
        if (id(store), item.digest) in self._known:
            return
        if len(self._known) >= MOST_MANIFESTS:
            self._known[id(store), item.digest] = False
            if len(self._known) == MOST_MANIFESTS + 1:
                reason = f"limit reached: more than {MOST_MANIFESTS} manifests"
                self.on_incident(Incident("truncated", str(index), reason))
            return
        self._known[id(store), item.digest] = True
        data = self._fetched(store, item, "manifest")
        if data is not None:
            yield from self._document(store, item, data, name, item.platform, depth + 1)

    def _manifest(self, store: Store, manifest: oci.Manifest, name: str, platform: str) -> Iterator[Leaf]:
        """One manifest's configuration; its layers are noted."""
        config = oci.Config((), (), "")
        name = self.mask(name)
        if manifest.config is not None:
            config_key = (id(store), manifest.config.short, "\n".join(layer.short for layer in manifest.layers))
            known = self._configs.get(config_key)
            if known is not None:  # a second name: docker's manifest.json beside index.json
                if name and name not in known.name:
                    known.name = f"{known.name}, {name}" if known.name else name
                return
            data = self._fetched(store, manifest.config, "configuration")
            if data is not None:
                config = yield from self._config(store, manifest.config, data, name, platform)
        image = Image(name, platform if platform not in ("", "unknown/unknown") else config.platform, config, [])
        self.images.append(image)
        if manifest.config is not None:
            self._configs[config_key] = image
        for index, layer in enumerate(manifest.layers):
            key = layer.digest or f"{id(store)}:{layer.place}"
            image.keys.append(key)
            self.uses.setdefault(key, []).append(Use(image, index))
            self._jobs[id(store)].setdefault(key, _Job(layer, key, layer.foreign))

    def _config(
        self, store: Store, blob: Blob, data: bytes, name: str, platform: str
    ) -> Generator[Leaf, None, oci.Config]:
        """The leaves of a configuration; returns what it says of layers."""
        facts = _facts(image=name, platform=platform, digest=blob.digest)
        config = oci.Config((), (), "")
        origin = Origin("config", blob.short, store.origin, facts)
        if blob.digest and (id(store), f"config {blob.digest}") in self._known:
            seen = True
        else:
            seen = bool(blob.digest) and self.verified.get(blob.digest) == "config"
            self._known[id(store), f"config {blob.digest or blob.place}"] = True
        try:
            config = oci.config_of(oci.parsed(data))
            for place, text in () if seen else oci.parts(data):
                if not place:
                    yield from self._leaf(store, store.origin, blob.short, text, "config", facts)[1]
                    continue
                more = self._step_facts(config, place)
                yield from self._leaf(store, origin, place, text, "setting", more)[1]
        except BrokenError as error:
            if blob.media in (
                "",
                "application/vnd.oci.image.config.v1+json",
                "application/vnd.docker.container.image.v1+json",
            ):
                self._failed(origin, error.reason)
            yield from self._leaf(store, store.origin, blob.short, data, "config", facts)[1]
        if blob.digest:
            self.verified.setdefault(blob.digest, "config")
        return config

    def _step_facts(self, config: oci.Config, place: str) -> tuple[tuple[str, str], ...]:
        """What a place in a configuration is: a build step says which layer it made."""
        if not place.startswith("history/"):
            return _facts(where=f"configuration, {place}")
        number = int(place.removeprefix("history/"))
        filled = [step.number for step in config.steps if not step.empty]
        made = f"made layer {filled.index(number) + 1}" if number in filled else "made no layer"
        return _facts(where=f"build step {number} of {len(config.steps)}, {made}")

    def _fetched(self, store: Store, blob: Blob, what: str) -> bytes | None:
        """A document's bytes, verified; None if it cannot be had, which was told."""
        origin = Origin(what, blob.short, store.origin)
        try:
            pull, _ = store.open(blob)
            data = blob.data or read_all(pull, oci.MOST_DOCUMENT + 1)
        except MissingError as error:
            if what == "manifest" and not store.remote:
                told = "of another platform perhaps: the index names it, and it is not here"
                self._walkers[id(store)]._tell("unread", origin, told)
            else:
                self._failed(origin, f"{what} missing: {error.reason}")
            return None
        except (BrokenError, OSError) as error:
            store.give_back(blob)
            self._failed(origin, error.reason if isinstance(error, BrokenError) else reason_of(error))
            return None
        if len(data) > oci.MOST_DOCUMENT:
            reason = f"{what} longer than {oci.MOST_DOCUMENT} bytes, not understood"
            self.on_incident(Incident("truncated", str(origin), reason))
            self._jobs[id(store)].setdefault(blob.digest or blob.place, _Job(blob, blob.digest or blob.place, False))
            return None
        if blob.digest:
            self._verify(origin, blob.digest, data)
        return data

    def _verify(self, origin: Origin, digest: str, data: bytes) -> None:
        algorithm = digest.split(":", 1)[0]
        real = f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"
        if real != digest:
            self._failed(origin, f"its content is not what its digest says: it has {oci.short(real)}")

    def _leaf(
        self, store: Store, container: Origin, name: str, data: bytes, kind: str, facts: tuple[tuple[str, str], ...]
    ) -> tuple[Origin, Iterator[Leaf]]:
        """(origin, leaf) of bytes in memory."""
        origin = Origin(kind, name, container, facts)
        return origin, self._small(self._walkers[id(store)], origin, data)

    def _small(self, walker: LayerWalker, origin: Origin, data: bytes) -> Iterator[Leaf]:
        if self.choose is not None and self.choose(str(origin)) != "take":
            return
        try:
            walker.budget.member()
        except ExhaustedError as error:
            walker._limit(walker.root, error)
            return
        self.tally.members += 1
        yield Leaf(origin, Stream(walker.guarded(from_bytes(data), origin), len(data)))

    # ------------------------------------------------------------ layers
    def layers(self, store: Store) -> Iterator[Leaf]:
        """Everything in every layer of a store that was not read before."""
        walker = self._walkers[id(store)]
        for job in self._jobs[id(store)].values():
            if walker.budget.over:
                origin = Origin("layer", job.blob.short, store.origin)
                self.on_incident(Incident("truncated", str(origin), "not read: a limit was reached before"))
                continue
            yield from self._layer(store, walker, job)

    def _layer(self, store: Store, walker: LayerWalker, job: _Job) -> Iterator[Leaf]:
        origin = Origin("layer", job.blob.short, store.origin, self._layer_facts(job))
        self.keys[origin] = job.key
        if self.choose is not None and not self.choose(str(origin)):
            return
        try:
            if self._seen(store, job):
                self.tally.seen_before += 1
                return
            pull, size = store.open(job.blob)
        except MissingError as error:
            if job.foreign:
                walker._tell("unread", origin, "foreign layer, not here: the manifest names another place for it")
            else:
                self._failed(origin, f"layer missing: {error.reason}")
            return
        except BrokenError as error:
            self._failed(origin, error.reason)
            return
        except OSError as error:
            self._failed(origin, reason_of(error))
            return
        yield from self._content(walker, job, origin, pull, size)

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
        elif head:
            yield Leaf(origin, stream)
        self.tally.members += 0 if kind else walker.budget.members - before
        whole = self._drained(walker, raw, stream)
        diff = walker.end()
        self.names[job.key] = names
        if not whole or (diff is not None and not diff.ended):
            return
        names.complete = True
        honest = self._judge(job, origin, raw.digest, diff.digest if diff is not None else raw.digest, kind)
        if walker.unmarked and not honest:
            names.complete = False
            self._failed(origin, NO_END_MARK)

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
        if job.blob.digest and raw != job.blob.digest:
            honest = False
            self._failed(origin, f"its content is not what its digest says: it has {oci.short(raw)}")
        wrong = set()
        for use in self.uses.get(job.key, ()):
            ids = use.image.config.diff_ids
            told = ids[use.at] if use.at < len(ids) else ""
            said = said or told == diff
            if kind and told.startswith("sha256:") and told != diff and told not in wrong:
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

    def _layer_facts(self, job: _Job) -> tuple[tuple[str, str], ...]:
        """Image, platform, number and build step of a layer."""
        uses = self.uses.get(job.key, [])
        if not uses:
            return _facts(digest=job.blob.digest)
        images = list(dict.fromkeys(str(use.image) for use in uses))
        more = f" and {len(images) - MOST_USES} more" if len(images) > MOST_USES else ""
        use = uses[0]
        step = oci.step_of(use.image.config, use.at, len(use.image.keys))
        return _facts(
            image="; ".join(image for image in images[:MOST_USES] if image) + more,
            layer=f"{use.at + 1} of {len(use.image.keys)}",
            step=self.shown(step),
            digest=job.blob.digest,
        )

    def shown(self, step: oci.Step | None) -> str:
        """A build step for people, its secrets masked."""
        if step is None:
            return ""
        text = " ".join(self.mask(step.text).split())
        return text if len(text) <= STEP else f"{text[:STEP]}..."

    # ------------------------------------------------------------ the rest
    def rest(self, store: Store) -> Iterator[Leaf]:
        """What no manifest names."""
        walker = self._walkers[id(store)]
        if not walker.budget.over:
            yield from store.rest(walker)

    def fate(self, origin: Origin) -> str:
        """Whether a file of a layer is to be seen in the images' final file systems; "" if it is no file of a layer."""
        member: Origin | None = None
        link: Origin | None = origin
        while link is not None and link.kind != "layer":
            member, link = link, link.inside
        if link is None or member is None or member.kind == "gap" or link not in self.keys:
            return ""
        said: dict[str, list[str]] = {}
        for use in self.uses.get(self.keys[link], ()):
            said.setdefault(self._fate(use, member.path), []).append(str(use.image))
        if len(said) == 1:
            return next(iter(said))
        return "; ".join(f"{fate} in {', '.join(images[:MOST_USES])}" for fate, images in said.items())

    def _fate(self, use: Use, path: str) -> str:
        nothing = Names()
        layers = [self.names.get(key, nothing) for key in use.image.keys]
        fate, later = oci.visible(path, layers, use.at)
        if later == use.at:
            return "overwritten in the same layer"
        if fate == "visible":
            unread = any(not names.complete for names in layers[use.at + 1 :])
            return "not known, a later layer was not read" if unread else "visible"
        step = self.shown(oci.step_of(use.image.config, later, len(layers)))
        return f"{fate} in layer {later + 1}" + (f" ({step})" if step else "")

    def _failed(self, origin: Origin, reason: str) -> None:
        self.on_incident(Incident("failed", str(origin), reason))


def _facts(**facts: str) -> tuple[tuple[str, str], ...]:
    return tuple((key, value) for key, value in facts.items() if value)
