"""`leakguard scan`: files, folders and standard input.

The options, as click reads them and explains them; what comes of them is running.py. Options that are given as nearly
everybody gives them are read by quick.py, and this module is not imported: a test holds the two to the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from leakguard.cli.archives import archive_options
from leakguard.cli.running import Run
from leakguard.cli.suppression import suppression_options
from leakguard.errors import UsageError


def rule_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that choose rules, the same on every command."""
    for option in reversed((
        click.option("--rules", metavar="PATH", multiple=True, help="Add a rule pack: a TOML file or a folder of them."),
        click.option("--only", metavar="NAME", multiple=True, help="Only these rules: id, provider or tag."),
        click.option("--exclude", metavar="NAME", multiple=True, help="Leave out these rules: id, provider or tag."),
        click.option("--preview/--no-preview", default=None, help="Also rules that are not stable yet."),
        click.option("--import-gitleaks", metavar="FILE", multiple=True, help="Add the rules of a gitleaks configuration."),
    )):  # fmt: skip
        command = option(command)
    return command


@click.command(no_args_is_help=False)
@click.argument("paths", nargs=-1, metavar="PATH...")
@click.option(
    "-f", "--format", "fmt", metavar="NAME", help="text, json, jsonl, sarif, csv, junit, gitlab or github. [text]"
)
@click.option("-o", "--output", metavar="FILE", default="-", help="Write the report to FILE, all of it or nothing.")
@click.option("--receipt", metavar="FILE", help="Write the coverage receipt (JSON) to FILE.")
@rule_options
@click.option("--include-path", "include_paths", metavar="GLOB", multiple=True, help="Only paths that match.")
@click.option("--exclude-path", "exclude_paths", metavar="GLOB", multiple=True, help="Leave out paths that match.")
@click.option("--skip-dir", "skip_dirs", metavar="NAME", multiple=True, help="Do not enter folders of this name.")
@click.option("--gitignore/--no-gitignore", default=None, help="Leave out what git ignores.")
@click.option("--git-objects/--no-git-objects", default=None, help="Read the history of repositories on the way, too. [no]")
@click.option(
    "--follow-symlinks/--no-follow-symlinks", default=None, help="Read what links lead to, within the target."
)
@click.option("--max-size", type=click.IntRange(0), metavar="BYTES", help="Leave out larger files, and say so.")
@archive_options
@click.option("--decode-depth", type=click.IntRange(0, 8), metavar="N", help="Encodings within encodings to undo. [4]")
@click.option(
    "--min-severity", type=click.Choice(["info", "low", "medium", "high", "critical"]), help="Report from here on."
)
@click.option("--min-confidence", type=click.Choice(["low", "medium", "high", "certain"]), help="Report from here on.")
@click.option("-j", "--jobs", type=click.IntRange(0), metavar="N", help="Worker processes. [one per core]")
@suppression_options
@click.option("--show-secrets", is_flag=True, help="Put the secrets themselves into the report.")
@click.option("--include-examples", is_flag=True, help="Also report documented example keys, as examples.")
@click.option("--exit-zero", is_flag=True, help="End with 0 when there are findings.")
@click.option("--exit-code", type=click.IntRange(0, 255), metavar="N", help="End with N when there are findings. [1]")
@click.option("-c", "--config", "config_file", metavar="FILE", help="Use this configuration.")
@click.option("--trust-target", is_flag=True, help="Use a configuration that lies inside what is scanned.")
@click.option("--no-cache", is_flag=True, help="Neither read nor write compiled rules.")
@click.option(
    "--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Colour of the text report. [auto]"
)
@click.option("-q", "--quiet", is_flag=True, help="No summary and no progress on standard error.")
def scan(paths: tuple[str, ...], **options: Any) -> int:
    """Scan files and folders, or standard input (-), for secrets.

    Ends with 0 if everything was read and nothing was found, 1 with findings, 2 for a mistake in options, configuration
    or rules, 3 if something could not be read, 130 when interrupted.
    """
    if not paths:
        raise UsageError("scan: no PATH given; `leakguard scan .` scans this folder, `leakguard scan -` standard input")
    return Run(paths, options).run()
