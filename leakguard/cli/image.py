"""`leakguard image`: container images, with every layer of every platform, from files, an engine or a registry.

Takes its options from `scan`, so that the two cannot drift apart, and adds its own. The one command beside those that
verify whose purpose may be the network: it asks the registry that was named, and nobody else. Everything heavy is
imported where it is used.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from leakguard.cli.running import Interrupt, Run, cores, policy_of, progress_bar
from leakguard.cli.scan import scan as scan_command
from leakguard.errors import UsageError

_NOT_HERE = frozenset({
    "paths", "skip_dirs", "gitignore", "git_objects", "follow_symlinks", "archives", "max_size", "include_paths", "exclude_paths",
})  # fmt: skip
"""Options of `scan` that are about folders and single files."""
PASSWORD = "LEAKGUARD_REGISTRY_PASSWORD"  # noqa: S105 - the variable's name
"""Environment variable with the password of --username."""


@click.command(no_args_is_help=False)
@click.argument("targets", nargs=-1, metavar="REF|PATH...")
@click.option("--username", metavar="NAME", help=f"Log in to the registry; the password is in {PASSWORD}.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input instead.")
@click.option("--authfile", metavar="FILE", help="Use the logins in FILE. [those of docker and podman login]")
@click.option("--no-login", is_flag=True, help="Use no login that is kept anywhere.")
@click.option("--plain-http", metavar="HOST", multiple=True, help="Ask this registry without encryption.")
@click.option("--ca-file", metavar="FILE", help="Trust the certificates in FILE instead of the system's.")
def image(targets: tuple[str, ...], **options: Any) -> int:
    """Scan container images: every layer, configuration and attestation of every platform, deleted files, too.

    PATH is what `docker save`, `podman save` or `skopeo copy` wrote: an archive, also compressed, or a folder. REF is a
    name: of an image that a running Docker or Podman has (docker-daemon:NAME), or in a registry
    (docker://registry.example/app:1). Ends as `scan` does; a digest that does not fit, or a layer that is missing, ends
    with 3.
    """
    if not targets:
        raise UsageError("image: no REF or PATH given; `docker save app | gzip > app.tar.gz` makes a file to scan")
    if "-" in targets:
        raise UsageError("image: standard input cannot be searched back and forth; save the image to a file")
    return _ImageRun(targets, options).run()


image.params += [parameter for parameter in scan_command.params if parameter.name not in _NOT_HERE]


class _ImageRun(Run):
    """One run of the command."""

    def __init__(self, targets: tuple[str, ...], options: dict[str, Any]) -> None:
        absent = dict.fromkeys(_NOT_HERE) | {"skip_dirs": (), "include_paths": (), "exclude_paths": ()}
        self.targets = targets
        super().__init__(tuple(t for t in targets if os.path.lexists(t)), {**absent, **options})
        self.paths = targets

    def _scan(self) -> tuple[Any, bool]:
        from leakguard.images import scan_images

        settings = self.settings._replace(archives=True)
        policy = policy_of(settings)
        progress = progress_bar(self.options["quiet"])
        interrupt = Interrupt()
        try:
            return scan_images(
                self.targets,
                self._engine,
                policy,
                self._access(),
                interrupt.checked(progress),
                settings.jobs or cores(),
            )
        finally:
            interrupt.restore()
            if progress is not None:
                progress.close()

    def _access(self) -> Any:
        """Logins and ways, as far as they are asked for."""
        from leakguard.images import Access
        from leakguard.sources.imagenames import Login, login_files

        options = self.options
        login = Login()
        if options["username"]:
            if options["password_stdin"]:
                password = sys.stdin.readline().rstrip("\r\n")
            else:
                password = os.environ.get(PASSWORD, "")
            if not password:
                raise UsageError(f"image: --username without a password ({PASSWORD}, or --password-stdin)")
            login = Login(options["username"], password)
        elif options["password_stdin"]:
            raise UsageError("image: --password-stdin without --username")
        if options["authfile"] and not os.path.isfile(options["authfile"]):
            raise UsageError(f"image: no such file: {options['authfile']}")
        kept = [options["authfile"]] if options["authfile"] else login_files()
        return Access(login, () if options["no_login"] else kept, options["plain_http"], options["ca_file"] or "")
