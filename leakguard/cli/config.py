"""`leakguard config` and `leakguard cache`: what is in force and from where; the compiled rules.

Reads, shows, and (cache only) writes below the user's cache folder. Never shows the fingerprint key.
"""

from __future__ import annotations

import json
import os

import click

from leakguard.errors import OutputError

COMPILED = ("rules-", "runtime-", "blocks-")
"""How the names of files of compiled rules begin: the scanner's, the redactor's, and those for what comes in blocks."""


@click.group()
def config() -> None:
    """Show what is configured."""


@config.command()
@click.argument("targets", nargs=-1, metavar="[PATH]...")
@click.option("-c", "--config", "config_file", metavar="FILE", help="Use this configuration.")
@click.option("--trust-target", is_flag=True, help="Use a configuration that lies inside PATH.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def show(targets: tuple[str, ...], config_file: str | None, trust_target: bool, as_json: bool) -> None:
    """Print every setting in force and where it comes from.

    With PATH, as it would be for a scan of PATH: a configuration that lies inside is not used.
    """
    from leakguard.config import load
    from leakguard.report.common import printable

    loaded = load(config_file, targets, trust_target, {})
    values = loaded.settings._asdict()
    if values["fingerprint_key"]:
        values["fingerprint_key"] = "(set)"
    if as_json:
        rows = {key: {"value": value, "from": loaded.origins.get(key, "default")} for key, value in values.items()}
        document = {"settings": rows, "sources": loaded.sources, "untrusted": loaded.untrusted}
        click.echo(json.dumps(document, indent=2))
        return
    for key, value in values.items():
        click.echo(f"{key} = {printable(json.dumps(value))}  # {printable(loaded.origins.get(key, 'default'))}")
    for path in loaded.untrusted:
        click.echo(f"# not used, inside the target: {printable(path)} (--trust-target uses it)")


@click.group()
def cache() -> None:
    """Compiled rules: where, make, remove."""


@cache.command()
def path() -> None:
    """Print the folder of the compiled rules."""
    from leakguard.detect.cache import cache_folder

    click.echo(cache_folder() or "(no cache)")


@cache.command()
@click.option("-c", "--config", "config_file", metavar="FILE", help="Use this configuration.")
def warm(config_file: str | None) -> None:
    """Compile the rules in force now, so that the next start need not."""
    from leakguard.config import load
    from leakguard.detect.cache import Selection, cache_folder
    from leakguard.detect.cache import load as look
    from leakguard.detect.cache import warm as make

    settings = load(config_file, (), False, {}).settings
    selection = Selection(
        settings.rules, settings.only, settings.exclude, settings.preview, True, settings.import_gitleaks
    )
    state = make(selection)
    if state == "compiled" and look(selection).state != "warm":
        raise OutputError(f"{cache_folder() or 'no cache'}: the compiled rules could not be kept")
    click.echo("compiled" if state == "compiled" else "already there")


@cache.command()
def clear() -> None:
    """Remove the compiled rules."""
    from leakguard.detect.cache import cache_folder

    folder = cache_folder()
    count = 0
    try:
        for name in os.listdir(folder) if folder and os.path.isdir(folder) else ():
            if name.startswith(COMPILED):
                os.unlink(os.path.join(folder, name))
                count += 1
    except OSError as error:
        raise OutputError(f"{folder}: {error.strerror}, {count} removed") from None
    click.echo(f"{count} removed")
