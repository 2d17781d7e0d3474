"""`leakguard extract`: writes one member of an archive, named as a finding names it, for an expert to look at.

Promises: the chain is walked as a scan walks it, with the same limits; nothing is written but the one file that was
named (whole or not at all, readable by its owner alone), or standard output where that is no terminal; no name out of
the archive is ever used as a path. A name that a report masked, or shows with escapes, is understood if it fits one thing
alone.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from typing import Any, BinaryIO

import click

from leakguard.cli.archives import given, limit_options, limits
from leakguard.errors import EXIT_CLEAN, EXIT_INCOMPLETE, SourceError, UsageError

_MASKED = re.compile(r"<[a-z0-9._-]+:\d+>")
_SURELY = 256 * 1024 * 1024
"""Bytes of an archive that is walked to its end, to see that the member is the only one of its name."""
_PLACE = re.compile(r":\d+\Z")
_NOT_WHOLE = "a disk that lies upon another"
"""How archives/blocks.py says that the file is not here which holds the rest of a disk."""
_BARE = "extract: {} is a name without content: a folder, a device, an empty or an encrypted file"
_IMAGE = re.compile(r"!/sha(?:256|384|512):[0-9a-f]")
"""What follows the name of an image in a chain."""


@click.command()
@click.argument("origin", metavar="ORIGIN")
@click.option("-o", "--output", metavar="FILE", default="-", help="Write to FILE. [standard output]")
@limit_options
@click.option("-c", "--config", "config_file", metavar="FILE", help="Use this configuration.")
def extract(origin: str, output: str, config_file: str | None, **options: Any) -> int:
    """Write the member that ORIGIN names, as a report prints it: backup.tar.zst!/images/app.tar!/srv/config.json:12

    The whole member is written, secrets and all: handle it as such. Ends with 3 if the member is damaged, a limit was
    reached or something that belongs to it is missing; what could be read of it is written then.
    """
    from leakguard import config
    from leakguard.report.output import write_atomic

    if output == "-" and sys.stdout is not None and sys.stdout.isatty():
        raise UsageError("extract: this is a terminal, and a member may hold control characters; use -o FILE")
    loaded = config.load(config_file, [], False, given(options))
    most = limits(loaded.settings._replace(archives=True, ocr=True))
    if _MASKED.search(origin):
        origin = _unmasked(origin, most, loaded.settings)
    else:
        _told_if_several(origin, most)
    search = _Search(origin, most)
    found = search.run(lambda read: write_atomic(output, read, private=True))
    if not found and search.incidents:
        raise SourceError(origin, f"not found; not all could be read: {search.incidents[0].reason}")
    if not found and search.there:
        raise UsageError(_BARE.format(origin))
    if not found:
        raise UsageError(f"extract: no such member: {origin}")
    for incident in search.incidents:
        from leakguard.report.common import printable

        click.echo(f"leakguard: {printable(incident.origin)}: {printable(incident.reason)}", err=True)
    # what a scan says and goes on (names that are missing) is no failure; a disk without its parent is not whole
    told = any(incident.state != "skipped" or incident.reason.startswith(_NOT_WHOLE) for incident in search.incidents)
    return EXIT_INCOMPLETE if told else EXIT_CLEAN


def _unmasked(origin: str, most: Any, settings: Any) -> str:
    """The chain that a report shows as `origin`, for there is a mask in it. As it is if nothing, or itself, is called so."""
    from leakguard.cli.scanning import Scanner

    shown = Scanner(settings, settings.fingerprint_key).shown
    try:
        root = _root(origin)
    except UsageError:
        root = ""
    wanted = _without_place(origin)
    roots = [root] if root else [found for text in wanted for found in _called(text.split("!/", 1)[0], shown)]
    fits = set()
    for path in dict.fromkeys(roots):
        rest = origin[len(root) :] if root else "!/" + origin.partition("!/")[2]
        search = _Search(path + rest, most, shown, wanted)
        search.run(None)
        fits |= search.fits
        if not fits and search.there:
            raise UsageError(_BARE.format(origin))
    if len(fits) > 1:
        raise UsageError(f"extract: {len(fits)} members are shown as {origin}, for they differ only in what is masked; "
                         "a report with --show-secrets tells them apart")  # fmt: skip
    return fits.pop() if fits else origin


def _told_if_several(origin: str, most: Any) -> None:
    """UsageError if the end of ORIGIN is a place in one member and part of the name of another (`x:12:3` where `x` and `x:12`
    are there). What is large is not walked twice for that: the first one is taken."""
    wanted = _without_place(origin)
    root = _root(origin)
    if len(wanted) < 2 or not os.path.isfile(root) or os.path.getsize(root) > _SURELY:
        return
    search = _Search(origin, most, str, wanted)
    search.run(None)
    if len(search.fits) > 1:
        raise UsageError(f"extract: {len(search.fits)} members fit {origin}, for their names end like places; "
                         "give line and column, or the name alone")  # fmt: skip


def _without_place(origin: str) -> set[str]:
    """What the chain may name: as it is, without a line, without line and column. A name may end like these (a port)."""
    line = _PLACE.sub("", origin)
    return {origin, line, _PLACE.sub("", line)}


def _called(path: str, shown: Callable[[str], str]) -> list[str]:
    """The paths that a report shows as `path`."""
    known = ["/" if path.startswith("/") else ""]
    done = known[0]
    for part in path.strip("/").split("/"):
        done = os.path.join(done, part)
        known = [full for one in known for name in _entries(one) if _same(full := os.path.join(one, name), done, shown)]
    return known


def _same(path: str, wanted: str, shown: Callable[[str], str]) -> bool:
    return wanted in _forms(path) or wanted in _forms(shown(path))


def _forms(text: str) -> tuple[str, ...]:
    """A name as it is, as text shows one with control characters in it, as JSON shows one that is no UTF-8."""
    from leakguard.report.common import printable, well_formed

    shown = printable(text)
    return (text,) if shown == text else (text, shown, well_formed(text))


def _entries(folder: str) -> list[str]:
    try:
        return [*os.listdir(folder or "."), os.curdir, os.pardir]
    except OSError:
        return []


class _Search:
    """The walk to one member; with `shown` to all that a report shows as one of `wanted`, which are noted in `fits`."""

    def __init__(
        self, origin: str, limits: Any, shown: Callable[[str], str] | None = None, wanted: set[str] | None = None
    ) -> None:
        self.wanted = wanted or _without_place(origin)
        self.shown = shown
        self.fits: set[str] = set()
        self.there = False
        """Is something there that is called so, be it without content?"""
        self.root = _root(origin)
        self.limits = limits
        self.incidents: list[Any] = []

    def run(self, write: Any) -> bool:
        """Hands a writer of the member to `write`; whether the member was there."""
        roots = _forms(self.root)
        if os.path.isdir(self.root) or any(_IMAGE.match(text[len(root) :]) for text in self.wanted for root in roots):
            return self._run_image(write)
        from leakguard.model import Origin
        from leakguard.sources.files import FileTask
        from leakguard.sources.inside.magic import ISO_HEAD, is_picture
        from leakguard.sources.inside.walk import Tally, is_container, leaves
        from leakguard.sources.volumes import beside

        parts = beside(self.root)
        task = FileTask(self.root, self.root, os.path.getsize(self.root), "volumes" if parts else "file", parts)
        with open(parts[0] if parts else self.root, "rb") as handle:
            head = handle.read(ISO_HEAD)
        kind = is_container(head, self.root, self.root, len(head) == task.size, git=True)
        if is_picture(head):
            kind = "picture"
        if not kind:
            raise UsageError(f"extract: {self.root} is no archive that leakguard knows")
        origin = Origin("file", self.root)
        tally = Tally()
        tally.named = self.called
        for leaf in leaves(task, origin, kind, self.limits, self.incidents.append, tally=tally, choose=self.choose):
            if self.choose(str(leaf.origin)) == "take":
                write(_copier(leaf.stream))
                return True
        return False

    def _run_image(self, write: Any) -> bool:
        """The same in an image, whose layers and documents are named by their digests."""
        from leakguard.sources.imagefiles import leaves_at

        def told(incident: Any) -> None:
            if any(wanted.startswith(incident.origin) for wanted in self.wanted):
                self.incidents.append(incident)

        for leaf in leaves_at(self.root, self.limits, told, self.choose):
            if self.choose(str(leaf.origin)) == "take":
                write(_copier(leaf.stream))
                return True
        return False

    def called(self, origin: Any) -> None:
        """Notes that the name is there, be it that of something without content."""
        self.there = self.there or self._fits(str(origin)) or self._fits(str(origin).rstrip("/"))

    def _fits(self, text: str) -> bool:
        shown = text if self.shown is None else self.shown(text)
        return text in self.wanted or not self.wanted.isdisjoint(_forms(shown))

    def choose(self, text: str) -> str:
        """`take` the member wanted, `enter` what leads to it, pass by the rest."""
        forms = _forms(text)
        if self.shown is not None:
            forms = (text, *_forms(self.shown(text)))
            if not self.wanted.isdisjoint(forms):
                self.fits.add(text)
                return ""
        for wanted in self.wanted:
            if wanted in forms:
                return "take"
            if any(wanted.startswith(f"{form}!/") for form in forms):
                return "enter"
        return ""


def _copier(stream: Any) -> Any:
    def copy(out: BinaryIO) -> None:
        buffer = bytearray(256 * 1024)
        with memoryview(buffer) as view:
            while count := stream.readinto(view):
                out.write(view[:count])

    return copy


def _root(origin: str) -> str:
    """The file that the chain begins with: what stands before one of the `!/`."""
    at = -1
    while (at := origin.find("!/", at + 1)) >= 0:
        if os.path.isfile(origin[:at]) or (os.path.isdir(origin[:at]) and _is_image(origin[:at])):
            return origin[:at]
    if "!/" not in origin:
        raise UsageError("extract: ORIGIN names no member: FILE!/MEMBER, as a report prints it")
    while (at := origin.find("!/", at + 1)) >= 0:  # a name with control characters, or one that is no UTF-8
        called = [path for path in _called(origin[:at], str) if os.path.isfile(path) or _is_image(path)]
        if len(called) > 1:
            raise UsageError(f"extract: {len(called)} files are shown as {origin[:at]}")
        if called:
            return called[0]
    raise UsageError(f"extract: no such file: {origin.split('!/', 1)[0]}")


def _is_image(folder: str) -> bool:
    """Is a folder an image, or a storage of images?"""
    from leakguard.sources import engines, storage

    if storage.driver_of(folder) or engines.driver_of(folder) or engines.has_blobs(folder):
        return True
    return any(os.path.exists(os.path.join(folder, name)) for name in ("index.json", "manifest.json"))
