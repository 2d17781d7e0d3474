"""`leakguard git`: everything a git repository holds, its whole history and what lies beside it.

Takes its options from `scan`, so that the two cannot drift apart, and adds its own. Everything heavy is imported where
it is used.
"""

from __future__ import annotations

import os
from typing import Any

import click

from leakguard.cli.ranges import asked, range_options
from leakguard.cli.running import Interrupt, Run, cores, policy_of, progress_bar
from leakguard.cli.scan import scan as scan_command
from leakguard.errors import UsageError

_NOT_HERE = frozenset({"paths", "skip_dirs", "gitignore", "git_objects", "follow_symlinks", "no_cache"})
"""Options of `scan` that are about folders."""


@click.command()
@click.argument("repo", default=".", metavar="[REPO]")
@click.option("--cache", "cache_file", metavar="FILE", help="Remember in FILE what was scanned. [user's cache folder]")
@click.option("--no-cache", is_flag=True, help="Remember nothing, and compile the rules anew.")
@click.option("--no-attribution", is_flag=True, help="Do not look for the commits that brought what is found.")
@click.option(
    "--follow-alternates", is_flag=True, help="Also read object stores outside of the repository that it borrows from."
)
@range_options
def git(repo: str, **options: Any) -> int:
    """Scan all that a git repository holds: every object, reachable or not, refs, reflogs, configuration, LFS.

    REPO is a work tree, a git folder or a bare repository [.]. Nothing of it is run, and nothing is fetched. Ends as
    `scan` does; a shallow or partial clone, or a missing or damaged object, ends with 3, for not everything was read.

    With --since, --range, --branch, --commit, --staged, --unstaged or --diff: only what that adds.
    """
    return _GitRun(repo, options).run()


git.params += [parameter for parameter in scan_command.params if parameter.name not in _NOT_HERE]


class _GitRun(Run):
    """One run of the command."""

    def __init__(self, repo: str, options: dict[str, Any]) -> None:
        self.repo = repo
        super().__init__((repo,), {"skip_dirs": (), "gitignore": None, "git_objects": None, "follow_symlinks": None, **options})

    def _scan(self) -> tuple[Any, bool]:
        if asked(self.options):
            return self._scan_range()
        from leakguard.history import Options, scan_repository

        settings = self.settings
        policy = policy_of(settings)
        cache = "" if self.options["no_cache"] else self.options["cache_file"]
        if cache:
            _check_cache(cache, self.repo)
        options = Options(
            jobs=settings.jobs or cores(),
            cache=cache,
            follow_alternates=self.options["follow_alternates"],
            attribution=not self.options["no_attribution"],
            max_size=settings.max_size,
            include=settings.include_paths,
            exclude=settings.exclude_paths,
        )
        progress = progress_bar(self.options["quiet"])
        interrupt = Interrupt()
        try:
            return scan_repository(
                self.repo, lambda n: self.engine or self._engine(n), policy, options, interrupt.checked(progress)
            )
        finally:
            interrupt.restore()
            if progress is not None:
                progress.close()

    def _scan_range(self) -> tuple[Any, bool]:
        from leakguard.cli.ranges import scan_range

        progress = progress_bar(self.options["quiet"])
        interrupt = Interrupt()
        try:
            return scan_range(
                self.repo,
                self.options,
                self.settings,
                lambda n: self.engine or self._engine(n),
                interrupt.checked(progress),
            )
        finally:
            interrupt.restore()
            if progress is not None:
                progress.close()


def _check_cache(path: str, repo: str) -> None:
    """A cache that comes with the repository could say of anything that it was scanned."""
    from leakguard.sources.gitcall import Git

    folder = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(folder) or not os.path.isdir(repo):
        return
    done = Git(folder).ask("ls-files", "-z", "--", os.path.basename(path))
    if done.returncode == 0 and done.stdout:
        raise UsageError(f"cache: {path}: is a tracked file of a repository, and would be believed")
