"""`leakguard rules`: list, show, check, document and count the rules in force.

Prints what detect/check.py and detect/catalogue.py answer; judges nothing itself. Imported by cli/main.py when asked
for.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from leakguard.cli.scan import rule_options
from leakguard.config import working_folder
from leakguard.errors import EXIT_CLEAN, EXIT_USAGE, OutputError, UsageError
from leakguard.model import Severity
from leakguard.report.common import printable

if TYPE_CHECKING:
    from leakguard.detect.catalogue import Entry
    from leakguard.detect.floods import Times
    from leakguard.detect.rules import Pack

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def rules() -> None:
    """List, show, check and document the rules."""


@rules.command()
@rule_options
@click.option("--timing", is_flag=True, help="Print what compiling each rule costs, too.")
@click.option("--json", "as_json", is_flag=True, help="Print the problems as JSON.")
def check(timing: bool, as_json: bool, **options: Any) -> int:
    """Hold rule packs to the laws of docs/rules.md: those given with options, else the built-in ones."""
    from leakguard.detect import check as laws

    files, judged = _pack_files(options["rules"])
    foreign = _imported(options["import_gitleaks"])
    given = judged | {pack.file for pack in foreign}
    only, exclude = options["only"], options["exclude"]
    report = laws.check(files, given or None, only=only, exclude=exclude, imported=foreign, each=_each)
    if as_json:
        _print_json([problem._asdict() for problem in report.problems])
    else:
        for problem in report.problems:
            where = ": ".join(part for part in (_near(problem.file), problem.rule, problem.field) if part)
            _echo(f"{'error' if problem.error else 'warning'}: {where}: {problem.message}")
    errors = sum(problem.error for problem in report.problems)
    if (timing or report.rules >= MANY) and report.ruleset is not None:  # of a few rules each is a large part
        from leakguard.detect.floods import compile_times

        errors += _print_times(compile_times(report.ruleset), table=timing, err=as_json)
    state = f"{errors} error{'s' * (errors != 1)}" if errors else "ok"
    counts = [(report.rules, "rule"), (report.providers, "provider"), (report.packs, "pack")]
    rules, providers, packs = (f"{count} {noun}{'' if count == 1 else 's'}" for count, noun in counts)
    last = f"{rules} of {providers} in {packs}: {state}"
    click.echo(last, err=as_json)
    return EXIT_USAGE if errors else EXIT_CLEAN


MANY = 64
"""Rules from which checking them is spread over processes, and what compiling each of them costs is held to its bound."""


def _each(function: Callable[[_Item], _Result], items: Sequence[_Item], /) -> list[_Result]:
    """`function` of each item, in order; of many by all processors."""
    from leakguard.cli.running import cores
    from leakguard.forks import over

    return over(function, items, cores() if sys.platform.startswith("linux") and len(items) >= MANY else 1)


@rules.command("list")
@rule_options
@click.option("--theme", metavar="NAME", help="Only this theme, as in `rules stats`.")
@click.option("--part", metavar="NAME", help="Only rules that find this part, such as api-secret.")
@click.option("--severity", type=click.Choice([level.label for level in Severity]), help="From this severity on.")
@click.option("--all", "everything", is_flag=True, help="Preview and deprecated rules, too.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_rules(
    theme: str | None, part: str | None, severity: str | None, everything: bool, as_json: bool, **options: Any
) -> int:
    """List the rules in force: id, severity, confidence and title."""
    from leakguard.detect.catalogue import row

    found, _ = _entries(options, everything)
    least = Severity[severity.upper()] if severity else Severity.INFO
    rows = [
        row(entry)
        for entry in found
        if theme in (None, entry.theme) and part in (None, entry.rule.part) and entry.rule.severity >= least
    ]
    if not rows:
        raise UsageError("no rule is like that")
    if as_json:
        _print_json(rows)
        return EXIT_CLEAN
    wide = max(len(one["id"]) for one in rows)
    for one in rows:
        mark = "" if one["status"] == "stable" else f" ({one['status']})"
        _echo(f"{one['id']:{wide}}  {one['severity']:8}  {one['confidence']:6}  {one['title']}{mark}")
    return EXIT_CLEAN


@rules.command()
@click.argument("ident", metavar="ID")
@rule_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(ident: str, as_json: bool, **options: Any) -> int:
    """Show everything about one rule."""
    from leakguard.detect.catalogue import find, full

    packs = _packs(options)
    facts = full(find(packs, ident), packs)
    if as_json:
        _print_json(facts)
        return EXIT_CLEAN
    _echo(f"{facts.pop('id')}: {facts.pop('title')}")
    for key, value in facts.items():
        for number, text in enumerate(_lines_of(value)):
            _echo(f"  {key.replace('_', ' ') if not number else '':14}  {text}")
    return EXIT_CLEAN


@rules.command()
@rule_options
@click.option("--corpus", is_flag=True, help="Recall and false alarms by venue, on files made by seed.")
@click.option("--seed", type=int, default=1, show_default=True, help="Which files to make; with --corpus.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def stats(corpus: bool, seed: int, as_json: bool, **options: Any) -> int:
    """Count rules, providers and proofs by theme; or measure them on the labelled corpus."""
    if corpus:
        return _corpus_stats(_packs(options), seed, as_json)
    from leakguard.detect.catalogue import stats as count

    found, packs = _entries(options, everything=False)
    counts = count(found, packs)
    if as_json:
        _print_json(counts)
        return EXIT_CLEAN
    columns = ("providers", "rules", "patterns", "shapes", "proven")
    _echo(f"{'theme':14}" + "".join(f"{name:>11}" for name in columns))
    for theme, one in [*counts["themes"].items(), ("all", counts["total"])]:
        _echo(f"{theme:14}" + "".join(f"{one[name]:11}" for name in columns))
    _echo(f"{counts['sets']} sets of parts, {counts['venues']} venues")
    return EXIT_CLEAN


def _corpus_stats(packs: Sequence[Pack], seed: int, as_json: bool) -> int:
    """Makes the labelled corpus of a seed, scans it and prints what came of it, venue by venue."""
    from leakguard.detect.check import bench
    from leakguard.detect.corpus import corpus
    from leakguard.detect.score import rows, score

    scored = score(bench(packs), corpus(packs, seed))
    if as_json:
        _print_json({name: tally.as_json() for name, tally in rows(scored)})
        return EXIT_CLEAN
    _echo(f"{'venue':20}{'secrets':>9}{'recall':>9}{'venue':>9}{'sets':>7}{'joined':>9}{'not':>7}{'false':>7}{'>low':>6}")
    for name, one in rows(scored):
        shares = f"{one.recall:9.1%}{one.right_venue:9.1%}{one.sets:7}{one.right_sets:9.1%}"
        _echo(f"{name:20}{one.secrets:9}{shares}{one.negatives:7}{one.alarms:7}{one.alarms_above_low:6}")
    _echo(f"{scored.total.per_thousand:.1f} false alarms per 1,000 values that are no secrets (seed {seed})")
    return EXIT_CLEAN


@rules.command()
@click.option("--folder", metavar="PATH", help="Where the pages are. [docs/ of the checkout]")
@click.option("--check", "only_check", is_flag=True, help="Change nothing; end with 2 if a page is out of date.")
def docs(folder: str | None, only_check: bool) -> int:
    """Write the generated pages: the catalogue of the built-in rules, and the gates."""
    from leakguard.detect.catalogue import pages
    from leakguard.detect.rules import builtin_folder

    folder = folder or os.path.join(os.path.dirname(builtin_folder()), "docs")
    if not os.path.isdir(folder):
        own = "use the checkout's own installation (pip install -e .), or say --folder PATH"
        raise UsageError(f"{folder}: no such folder: {own}")
    stale = 0
    for name, text in pages(_packs({})).items():
        path = os.path.join(folder, name)
        if _read_text(path) == text:
            continue
        stale += 1
        if only_check:
            _echo(f"{_near(path)}: out of date; run leakguard rules docs")
        else:
            _write_text(path, text)
            _echo(f"{_near(path)}: written")
    return EXIT_USAGE if stale and only_check else EXIT_CLEAN


def _read_text(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8", newline="") as page:
            return page.read()
    except FileNotFoundError:
        return None


def _write_text(path: str, text: str) -> None:
    try:
        with open(path, "w", encoding="utf-8", newline="\n") as page:
            page.write(text)
    except OSError as error:
        raise OutputError(f"{path}: {error.strerror or 'cannot be written'}") from None


# ---------------------------------------------------------------- what the commands share
def _packs(options: Mapping[str, Any]) -> list[Pack]:
    """The built-in packs and those the options add. RulePackError for one that does not load."""
    from leakguard.detect.rules import parse_pack

    files, _ = _pack_files(options.get("rules", ()))
    return [parse_pack(name, data) for name, data in files] + _imported(options.get("import_gitleaks", ()))


def _entries(options: Mapping[str, Any], everything: bool) -> tuple[list[Entry], list[Pack]]:
    from leakguard.detect.catalogue import entries

    packs = _packs(options)
    everything = everything or bool(options["preview"])
    return entries(packs, options["only"], options["exclude"], everything), packs


def _lines_of(value: Any) -> list[str]:
    """A fact as lines; none if there is nothing to say."""
    if isinstance(value, dict):
        return ["  ".join(f"{key}: {item}" for key, item in value.items())]
    if isinstance(value, list):
        if all(isinstance(item, (str, int)) and len(str(item)) < 60 for item in value):
            return [", ".join(str(item) for item in value)] if value else []
        return [line for item in value for line in _lines_of(item)]
    return [str(value)] if value else []


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


def _print_times(times: Times, *, table: bool, err: bool) -> int:
    """Prints which bounds of compile times are broken, below the table of them if that is asked for. How many there are."""
    if table:
        for ident, seconds, share in times.each[:20]:
            click.echo(f"{seconds * 1000:8.1f} ms {share:7.2%}  {ident}", err=err)
        click.echo(f"{times.whole:8.2f} s  whole (at most {times.bound:.2f} s)", err=err)
    for problem in times.problems:
        click.echo(f"error: timing: {problem}", err=err)
    return len(times.problems)


def _near(path: str) -> str:
    """A path as seen from here, if it is below."""
    if not path or not working_folder():
        return path
    here = os.path.relpath(path)
    return path if here.startswith("..") else here


def _echo(text: str) -> None:
    """Text that may quote a pack: escaped line by line."""
    for line in text.split("\n"):
        click.echo(printable(line))


def _print_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2))
