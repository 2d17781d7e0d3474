"""`leakguard extract`: writes one member of an archive, named as a finding names it, for an expert to look at.

Promises: the chain is walked as a scan walks it, with the same limits; nothing is written but the one file that was
named (whole or not at all, readable by its owner alone), or standard output where that is no terminal; no name out of
the archive is ever used as a path.
"""

from __future__ import annotations

import os
import re
import sys
from typing import Any, BinaryIO

import click

from leakguard.cli.archives import given, limit_options, limits
from leakguard.errors import EXIT_CLEAN, EXIT_INCOMPLETE, SourceError, UsageError

_PLACE = re.compile(r":\d+(?::\d+)?\Z")
_IMAGE = re.compile(r"!/sha(?:256|384|512):[0-9a-f]")
"""What follows the name of an image in a chain."""


@click.command()
@click.argument("origin", metavar="ORIGIN")
@click.option("-o", "--output", metavar="FILE", default="-", help="Write to FILE. [standard output]")
@limit_options
@click.option("-c", "--config", "config_file", metavar="FILE", help="Use this configuration.")
def extract(origin: str, output: str, config_file: str | None, **options: Any) -> int:
    """Write the member that ORIGIN names, as a report prints it: backup.tar.zst!/images/app.tar!/srv/config.json:12

    The whole member is written, secrets and all: handle it as such. Ends with 3 if the member is damaged or a limit was
    reached; what could be read of it is written then.
    """
    from leakguard import config
    from leakguard.report.output import write_atomic

    if output == "-" and sys.stdout is not None and sys.stdout.isatty():
        raise UsageError("extract: this is a terminal, and a member may hold control characters; use -o FILE")
    loaded = config.load(config_file, [], False, given(options))
    search = _Search(origin, limits(loaded.settings._replace(archives=True, ocr=True)))
    found = search.run(lambda read: write_atomic(output, read, private=True))
    if not found and search.incidents:
        raise SourceError(origin, f"not found; not all could be read: {search.incidents[0].reason}")
    if not found:
        raise UsageError(f"extract: no such member: {origin}")
    for incident in search.incidents:
        from leakguard.report.common import printable

        click.echo(f"leakguard: {printable(incident.origin)}: {printable(incident.reason)}", err=True)
    return EXIT_INCOMPLETE if search.incidents else EXIT_CLEAN


class _Search:
    """The walk to one member."""

    def __init__(self, origin: str, limits: Any) -> None:
        self.wanted = {origin, _PLACE.sub("", origin)}
        self.root = _root(origin)
        self.limits = limits
        self.incidents: list[Any] = []

    def run(self, write: Any) -> bool:
        """Hands a writer of the member to `write`; whether the member was there."""
        if any(_IMAGE.match(wanted[len(self.root) :]) for wanted in self.wanted):
            return self._run_image(write)
        from leakguard.model import Origin
        from leakguard.sources.files import FileTask
        from leakguard.sources.inside.magic import ISO_HEAD, is_picture
        from leakguard.sources.inside.walk import is_container, leaves
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
        for leaf in leaves(task, origin, kind, self.limits, self.incidents.append, choose=self.choose):
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

    def choose(self, text: str) -> str:
        """`take` the member wanted, `enter` what leads to it, pass by the rest."""
        from leakguard.report.common import printable

        shown = printable(text)  # what a report prints where a name has control characters
        for wanted in self.wanted:
            if wanted in (text, shown):
                return "take"
            if wanted.startswith((f"{text}!/", f"{shown}!/")):
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
        if os.path.isfile(origin[:at]) or (os.path.isdir(origin[:at]) and _IMAGE.match(origin[at:])):
            return origin[:at]
    if "!/" not in origin:
        raise UsageError("extract: ORIGIN names no member: FILE!/MEMBER, as a report prints it")
    raise UsageError(f"extract: no such file: {origin.split('!/', 1)[0]}")
