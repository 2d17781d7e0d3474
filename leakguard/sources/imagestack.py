"""What stacked layers come to: which images have a layer, what made it, and what became of a file in the end.

Promises: knows bytes of no layer, only names that were noted; what a build step says is masked before it is shown.
Imported by `sources.image`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from leakguard.model import Origin
from leakguard.sources import oci
from leakguard.sources.oci import Blob, Names

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


class Stack:
    """The images of a run and their layers."""

    def __init__(self, mask: Callable[[str], str]) -> None:
        self.mask = mask
        self.images: list[Image] = []
        self.uses: dict[str, list[Use]] = {}
        self.names: dict[str, Names] = {}
        self.keys: dict[Origin, str] = {}
        """Origin of a layer -> its key."""

    def layer_facts(self, blob: Blob, key: str) -> tuple[tuple[str, str], ...]:
        """Image, platform, number and build step of a layer."""
        uses = self.uses.get(key, [])
        if not uses:
            return facts_of(digest=blob.digest)
        images = list(dict.fromkeys(str(use.image) for use in uses))
        more = f" and {len(images) - MOST_USES} more" if len(images) > MOST_USES else ""
        use = uses[0]
        step = oci.step_of(use.image.config, use.at, len(use.image.keys))
        return facts_of(
            image="; ".join(image for image in images[:MOST_USES] if image) + more,
            layer=f"{use.at + 1} of {len(use.image.keys)}",
            step=self.shown(step),
            digest=blob.digest,
        )

    def shown(self, step: oci.Step | None) -> str:
        """A build step for people, its secrets masked."""
        if step is None:
            return ""
        text = " ".join(self.mask(step.text).split())
        return text if len(text) <= STEP else f"{text[:STEP]}..."

    def fate(self, origin: Origin) -> str:
        """Whether a file of a layer is to be seen in the images' final file systems; "" if it is no file of a layer."""
        member: Origin | None = None
        link: Origin | None = origin
        while link is not None and link.kind != "layer":
            member, link = link, link.inside
        # of what stands in a name (`path`) the name itself is not known any more
        if link is None or member is None or member.kind in ("gap", "path") or link not in self.keys:
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


def step_facts(config: oci.Config, made: dict[int, int], place: str) -> tuple[tuple[str, str], ...]:
    """What a place in a configuration is: a build step says which layer it `made`."""
    if not place.startswith("history/"):
        return facts_of(where=f"configuration, {place}")
    number = int(place.removeprefix("history/"))
    layer = f"made layer {made[number]}" if number in made else "made no layer"
    return facts_of(where=f"build step {number} of {len(config.steps)}, {layer}")


def facts_of(**facts: str) -> tuple[tuple[str, str], ...]:
    """Facts that have a value, in order."""
    return tuple((key, value) for key, value in facts.items() if value)
