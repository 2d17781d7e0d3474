"""The ranges of `leakguard git`: --since, --range, --branch, --commit, --staged, --unstaged and --diff.

Options for the command and the scan they ask for; the command itself is in cli/git.py. What is scanned is what the
range adds (changes.py). Prints nothing.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import click

from leakguard import given
from leakguard.errors import SourceError, UsageError

NAMES = ("since", "range", "branch", "commit", "staged", "unstaged", "diff")

MOST_DIFF = 1024 * 1024 * 1024


def range_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that choose a range."""
    for option in reversed((
        click.option("--since", metavar="REV", help="What commits add that are not in REV."),
        click.option("--range", "range_", metavar="A..B", help="What commits add that are in B and not in A."),
        click.option("--branch", metavar="NAME", help="What the commits of a branch add (with --since: since then)."),
        click.option("--commit", metavar="REV", help="What one commit adds."),
        click.option("--staged", is_flag=True, help="What is staged adds to HEAD."),
        click.option("--unstaged", is_flag=True, help="What the work tree adds to what is staged."),
        click.option("--diff", metavar="FILE", help="What a unified diff adds; - is standard input."),
    )):  # fmt: skip
        command = option(command)
    return command


def asked(options: dict[str, Any]) -> list[str]:
    """The options of a range that were given. UsageError for two that mean different things."""
    given = [f"--{name}" for name in NAMES if options["range_" if name == "range" else name] not in (None, False)]
    together = {frozenset({"--since", "--branch"}), frozenset({"--staged", "--unstaged"})}
    if len(given) > 1 and frozenset(given) not in together:
        raise UsageError(f"git: {' and '.join(given)}: give one")
    return given


def scan_range(
    repository: str,
    options: dict[str, Any],
    settings: Any,
    engine_for: Callable[[int], Any],
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[Any, bool]:
    """(the ScanResult of the range that was asked for, whether it was interrupted). UsageError for a revision that is
    not there."""
    from leakguard.changes import Scanner, glob_filter, scan_diff
    from leakguard.cli.archives import limits
    from leakguard.model import Confidence, Finding, Severity
    from leakguard.sources.index import Blobs

    severity = int(Severity[settings.min_severity.upper()])
    confidence = int(Confidence[settings.min_confidence.upper()])

    def reported(finding: Finding) -> bool:
        return finding.severity >= severity and finding.confidence >= confidence

    wanted = glob_filter(settings.include_paths, settings.exclude_paths)
    if options["diff"] is not None:
        scanner = Scanner(engine_for, Nothing(), wanted, reported, limits(settings))
        name, text = _diff(options["diff"])
        scan_diff(scanner, text, name)
        return _result(scanner, {"diff": name}), False
    with ExitStack() as stack:
        git, incidents = _git(repository, options["follow_alternates"], stack)
        blobs = stack.enter_context(Blobs(git))
        scanner = Scanner(engine_for, blobs, wanted, reported, limits(settings))
        scanner.incidents += incidents
        try:
            return _scan_repository(git, blobs, scanner, options, on_progress)
        except UsageError as error:
            if not incidents:
                raise
            # what was asked for may well be in a store that was not asked for
            raise UsageError(f"{error.message} ({incidents[0].reason}: --follow-alternates)") from None


class Nothing:
    """A reader for what has no repository."""

    def read(self, ident: str) -> bytes:
        raise SourceError(ident, "there is no repository to read it from")


def _scan_repository(
    git: Any, blobs: Any, scanner: Any, options: dict[str, Any], on_progress: Callable[[int, int], None] | None
) -> tuple[Any, bool]:
    from leakguard.changes import scan_commits
    from leakguard.sources import ranges

    what: dict[str, Any] = {}
    try:
        if options["staged"]:
            what["staged"] = True
            scanner.step(ranges.staged(git), "index")
        if options["unstaged"]:
            what["unstaged"] = True
            tree = ranges.WorkTree(git, blobs)
            scanner.reader = tree
            scanner.step(tree.step(), "tree")
        if not what:
            what["revisions"] = _revisions(git, options)
            scan_commits(scanner, git, blobs, what["revisions"], on_progress)
    except KeyboardInterrupt:
        return _result(scanner, what), True
    finally:
        what["commits"] = scanner.steps
    return _result(scanner, what), False


def _revisions(git: Any, options: dict[str, Any]) -> list[str]:
    from leakguard.sources import ranges

    if options["commit"] is not None:
        return ranges.single(git, options["commit"])
    if options["range_"] is not None:
        return ranges.between(git, options["range_"])
    if options["since"] is not None:
        return ranges.since(git, options["since"], options["branch"] or "HEAD")
    return ranges.branch(git, options["branch"])


def _git(repository: str, follow: bool, stack: ExitStack) -> tuple[Any, list[Any]]:
    """(git in the folder that was named, what of its stores it may not see). What git told its hook holds where the command
    runs, and nowhere else."""
    from leakguard.sources.git import Shadow, borrowed, check_files
    from leakguard.sources.gitcall import Git, last_words
    from leakguard.sources.index import Here

    if not os.path.isdir(repository):
        raise UsageError(f"git: no such folder: {repository!r}")
    check_files(repository, deep=True)
    git = Here() if os.path.samefile(repository, os.curdir) else Git(repository)
    done = git.ask("rev-parse", "--absolute-git-dir")
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace")
        if "dubious ownership" in said:
            reason = "git does not trust it, for it belongs to another user; if you do: git config --global --add"
            raise SourceError(repository, f"{reason} safe.directory with its path")
        if os.path.isdir(os.path.join(repository, ".git", "objects")):
            raise SourceError(repository, f"git does not take it for a repository: {last_words(done.stderr)}")
        raise UsageError(f"git: {repository!r} is no git repository, nor in one")
    if follow or "GIT_OBJECT_DIRECTORY" in git.environment():
        return git, []
    git.outside = False
    incidents: list[Any] = []
    found = borrowed(os.fsdecode(done.stdout.rstrip(b"\n")), repository, incidents.append)
    if incidents:
        # the same repository, with the objects that are its own
        shadow = stack.enter_context(Shadow(found, lambda _incident: None))
        kept = git.environment
        git.environment = lambda extra=None: kept({  # type: ignore[method-assign]
            "GIT_OBJECT_DIRECTORY": os.path.join(shadow.path, "objects"), **(extra or {})
        })  # fmt: skip
    return git, incidents


def _diff(name: str) -> tuple[str, bytes]:
    """(what to call it, the text) of a diff."""
    try:
        if name == "-":
            text = sys.stdin.buffer.read(MOST_DIFF + 1)
            name = "<stdin>"
        else:
            text = given.content(name, MOST_DIFF + 1)
    except OSError as error:
        raise UsageError(f"--diff: {name}: {error.strerror or 'cannot be read'}") from None
    if len(text) > MOST_DIFF:
        raise SourceError(name, f"larger than {MOST_DIFF} bytes")
    return name, text


def _result(scanner: Any, what: dict[str, Any]) -> Any:
    from leakguard.model import ScanResult, Totals

    return ScanResult(
        tuple(scanner.findings),
        tuple(scanner.sets),
        tuple(scanner.incidents),
        Totals(scanner.objects, scanner.bytes),
        receipt={"range": what},
    )
