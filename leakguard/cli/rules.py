"""`leakguard rules`: list, show, check, document and count the rules in force.

Prints what detect/check.py and detect/catalogue.py answer; judges nothing itself. Imported by cli/main.py when asked
for.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from leakguard.errors import EXIT_CLEAN, EXIT_USAGE
from leakguard.report.common import printable

if TYPE_CHECKING:
    from leakguard.detect.check import Times
    from leakguard.detect.rules import Pack

_F = TypeVar("_F", bound=Callable[..., Any])


def selection(command: _F) -> _F:
    """The options that say which rules are meant."""
    for option in (
        click.option("--import-gitleaks", "imported", metavar="PATH", multiple=True,
                     help="A gitleaks or betterleaks configuration whose rules are added."),
        click.option("--exclude", metavar="NAME", multiple=True, help="Leave out a rule id, provider or tag."),
        click.option("--only", metavar="NAME", multiple=True, help="Only a rule id, provider or tag."),
        click.option("--rules", "paths", metavar="PATH", multiple=True,
                     help="A file or folder of rule packs, beside the built-in ones."),
    ):  # fmt: skip
        command = option(command)
    return command


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def rules() -> None:
    """List, show, check and document the rules."""


@rules.command()
@selection
@click.option("--timing", is_flag=True, help="Measure what compiling each rule costs, too.")
@click.option("--json", "as_json", is_flag=True, help="Print the problems as JSON.")
@click.pass_context
def check(
    context: click.Context, paths: tuple[str, ...], only: tuple[str, ...], exclude: tuple[str, ...],
    imported: tuple[str, ...], timing: bool, as_json: bool,
) -> None:  # fmt: skip
    """Hold rule packs to the laws of docs/rules.md: those given with options, else the built-in ones."""
    from leakguard.detect import check as laws

    files, judged = _pack_files(paths)
    foreign = _imported(imported)
    if paths or imported:
        judged = judged | {pack.file for pack in foreign}
    report = laws.check(files, judged if paths or imported else None, only, exclude, foreign)
    if as_json:
        _print_json([problem._asdict() for problem in report.problems])
    else:
        for problem in report.problems:
            where = ": ".join(part for part in (_near(problem.file), problem.rule, problem.field) if part)
            _echo(f"{'error' if problem.error else 'warning'}: {where}: {problem.message}")
    errors = sum(problem.error for problem in report.problems)
    if timing and report.ruleset is not None:
        errors += _print_times(laws.compile_times(report.ruleset))
    state = f"{errors} error{'s' * (errors != 1)}" if errors else "ok"
    last = f"{report.rules} rules of {report.providers} providers in {report.packs} packs: {state}"
    click.echo(last, err=as_json)
    context.exit(EXIT_USAGE if errors else EXIT_CLEAN)


def _pack_files(paths: Sequence[str]) -> tuple[list[tuple[str, bytes]], set[str]]:
    """Every pack file, built-in and given, and the names of those given: a built-in file may be given, too."""
    from leakguard.detect import rules as packs

    files = packs.read_files(packs.pack_files(packs.builtin_folder()))
    builtin = {os.path.realpath(name): name for name, _ in files}
    given = [name for path in paths for name in (packs.pack_files(path) if os.path.isdir(path) else [path])]
    judged = {builtin.get(os.path.realpath(name), name) for name in given}
    return files + packs.read_files(name for name in given if os.path.realpath(name) not in builtin), judged


def _imported(paths: Sequence[str]) -> list[Pack]:
    from leakguard.detect.rules import read_files

    if not paths:
        return []
    from leakguard.detect.foreign import gitleaks_pack

    return [gitleaks_pack(name, data) for name, data in read_files(paths)]


def _print_times(times: Times) -> int:
    """The table of compile times, and how many of its bounds are broken."""
    for ident, seconds, share in times.each[:20]:
        click.echo(f"{seconds * 1000:8.1f} ms {share:7.2%}  {ident}")
    click.echo(f"{times.whole:8.2f} s  whole (at most {times.bound:.2f} s)")
    for problem in times.problems:
        click.echo(f"error: timing: {problem}")
    return len(times.problems)


def _near(path: str) -> str:
    """A path as seen from here, if it is below."""
    here = os.path.relpath(path)
    return path if here.startswith("..") else here


def _echo(text: str) -> None:
    """Text that may quote a pack: escaped line by line."""
    for line in text.split("\n"):
        click.echo(printable(line))


def _print_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2))
