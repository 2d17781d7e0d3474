"""The options about suppression that every scanning command has, and what they come to.

Imported by the command modules; everything heavy is imported where used, click too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

_F = TypeVar("_F", bound=Callable[..., Any])

KEYS = ("baseline", "inline", "foreign_comments", "suppress_up_to", "show_suppressed")
"""Options that are settings, too."""


def suppression_options(command: _F) -> _F:
    """Adds the options to a command."""
    import click

    for option in reversed((
        click.option("--baseline", metavar="FILE", help="Accepted findings. [leakguard.baseline, if not in the target]"),
        click.option("--no-baseline", is_flag=True, help="Use no baseline."),
        click.option("--inline/--no-inline", default=None, help="Whether `leakguard: allow[...]` comments count. [yes]"),
        click.option(
            "--foreign-comments/--no-foreign-comments", default=None, help="Honour other tools' allow comments, too."
        ),
        click.option(
            "--suppress-up-to", type=click.Choice(["info", "low", "medium", "high", "critical"]),
            help="Suppress nothing above this severity. [critical]",
        ),
        click.option(
            "--show-suppressed/--no-show-suppressed", default=None, help="Report what was suppressed, and by what."
        ),
        click.option(
            "--trust-base", metavar="REV",
            help="Configuration and suppressions as the base revision has them, whatever the work tree says.",
        ),
    )):  # fmt: skip
        command = option(command)
    return command


def overrides(options: Mapping[str, Any]) -> dict[str, Any]:
    """The settings among the options, for config.load. A baseline named on the command line lies where it is named."""
    return {key: options[key] for key in KEYS}


def base_of(options: Mapping[str, Any], start: str = "") -> Any:
    """The base revision that --trust-base names, or None."""
    if not options.get("trust_base"):
        return None
    import os

    from leakguard.sources.base import Base

    return Base(options["trust_base"], start or os.getcwd())


def from_base(settings: Any, base: Any) -> Any:
    """The settings with rule packs of the repository replaced by copies of what the base revision has."""
    if base is None:
        return settings

    def copy(path: str) -> str:
        inside = base.inside(path)
        return path if inside is None else base.export(inside)

    return settings._replace(
        rules=tuple(map(copy, settings.rules)), import_gitleaks=tuple(map(copy, settings.import_gitleaks))
    )


def untrusted_lines(accepted: Any) -> list[str]:
    """What to say about baselines that were not used."""
    from leakguard.report.common import printable

    way = "--baseline FILE or --trust-target uses it"
    return [
        f"leakguard: {printable(path)} lies inside the target and is not used ({way})" for path in accepted.untrusted
    ]
