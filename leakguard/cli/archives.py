"""The options that say how far to look into archives, the same on every command that looks into them.

Imported by commands; on the path of every start of `scan`, so it imports nothing of weight, click neither.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

KEYS = ("archives", "archive_depth", "archive_ratio", "archive_members", "archive_bytes", "archive_seconds", "ocr", "strict")


def limit_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The limits alone. docs/inside.md explains them."""
    import click

    for option in reversed((
        click.option("--archive-depth", type=click.IntRange(1, 32), metavar="N", help="Archives within archives. [10]"),
        click.option("--archive-ratio", type=click.IntRange(0), metavar="N", help="Most times its size, expanded. [100]"),
        click.option("--archive-members", type=click.IntRange(0), metavar="N", help="Most members of a file. [250000]"),
        click.option("--archive-bytes", type=click.IntRange(0), metavar="N", help="Most bytes out of a file. [64 GiB]"),
        click.option("--archive-seconds", type=click.IntRange(0), metavar="N", help="Most time for a file. [600]"),
    )):  # fmt: skip
        command = option(command)
    return command


def archive_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Whether to look inside, how far, and what it means if a reader is missing."""
    import click

    strict = "Also end with 3 if an archive or a git history is recognised and not read."
    command = click.option("--strict/--no-strict", default=None, help=strict)(command)
    command = limit_options(command)
    command = click.option("--ocr/--no-ocr", default=None, help="Read what pictures show, by tesseract. [no]")(command)
    return click.option("--archives/--no-archives", default=None, help="Look inside of archives. [yes]")(command)


def given(options: Mapping[str, Any]) -> dict[str, Any]:
    """What was given of them, for `config.load`."""
    return {key: options.get(key) for key in KEYS}


def limits(settings: Any) -> Any:
    """How far to go by these settings; None for not at all."""
    from leakguard.sources.inside.limits import Limits

    if not settings.archives:
        return None
    return Limits(
        settings.archive_depth, settings.archive_ratio, settings.archive_members, settings.archive_bytes,
        settings.archive_seconds, settings.ocr,
    )  # fmt: skip
