"""`leakguard fix`: values out of the code, references in their place; `.env` and `.env.example` beside.

Shows the whole change first, with every value masked, and changes nothing without consent. Keeps what it replaced
(cli/keep.py). With --staged the index is changed as well, and of the work tree no more than the values themselves.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import click

from leakguard.cli.scan import rule_options
from leakguard.errors import EXIT_FINDINGS, EXIT_INCOMPLETE, OutputError, UsageError

IGNORED = ".gitignore"
_RESERVED = re.compile(r"\AGITHUB_")
"""GitHub takes no secret whose name begins so, and gives every workflow a GITHUB_TOKEN of its own."""
_RENAME = "rename it, also where it was copied to under that name, and revoke the value"


class _Change(NamedTuple):
    """A file that is about to change. `blob` is the staged id it replaces, "" for a file of the work tree."""

    path: str
    """As it is shown and, for the index, as git calls it."""
    before: bytes | None
    after: bytes
    blob: str = ""
    mode: str = ""
    private: bool = False

    def __repr__(self) -> str:
        return f"_Change({self.path!r})"


@click.command()
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("--staged", is_flag=True, help="Fix what is staged: the index, and the same values in the work tree.")
@click.option("--env-file", default=".env", metavar="FILE", help="Where the values go, below the top. [.env]")
@click.option("-y", "--yes", is_flag=True, help="Do not ask: do it.")
@click.option("--dry-run", is_flag=True, help="Only show what would change; end with 1 if something would.")
@click.option("--undo", is_flag=True, help="Put back what the last fix here changed.")
@click.option("--forget", is_flag=True, help="Remove the copies that earlier fixes here kept.")
@rule_options
@click.option("-b", "--baseline", metavar="FILE", help="Leave accepted findings alone.")
@click.option("-c", "--config", "config_file", metavar="FILE", help="Use this configuration.")
def fix(paths: tuple[str, ...], staged: bool, undo: bool, forget: bool, **options: Any) -> int:
    """Replace values in files by references in the file's own language, and put them into .env.

    PATH are files or folders (this folder if none is given). Shows the change first, values masked. What cannot be
    replaced is listed with what to do instead; the command then ends with 1. Copies of what was changed are kept for
    --undo, in a folder only you can read. A value that was ever pushed is known: revoke it, too.
    """
    if undo or forget:
        return _undo(forget)
    if staged and paths:
        raise UsageError("fix: --staged takes no PATH")
    work = _Fix(paths, staged, options)
    return work.run()


class _Fix:
    """One run: collects changes, shows them, makes them."""

    def __init__(self, paths: Sequence[str], staged: bool, options: dict[str, Any]) -> None:
        from leakguard import accepted, config
        from leakguard.cli.scanning import CONFIG_OPTIONS, Scanner

        self.paths = paths or (".",)
        self.staged = staged
        self.options = options
        self.top = _top()
        given = {key: options.get(key) for key in (*CONFIG_OPTIONS, "baseline")}
        # as the hook: it is the user's own tree that is changed, and nothing passes or fails by what it says
        loaded = config.load(options["config_file"], (), True, given)
        self.accepted = accepted.load(loaded.settings, (), True, root=self.top)
        self.scanner = Scanner(loaded.settings, self.accepted.key, keep_secrets=True)
        self.env_path = os.path.join(self.top, options["env_file"])
        self.changes: list[_Change] = []
        self.refused: list[Any] = []
        self.gaps: list[str] = []
        self.notes: list[str] = []
        self.values: dict[str, Any] = {}
        self.masks: dict[bytes, str] = {}
        self.left_alone = 0
        from leakguard.triage.rewrite import env_values

        old = _read(self.env_path)
        self.known = env_values(old or b"")
        self._names = {value: name for name, value in self.known.items()}

    # ------------------------------------------------------------ collecting
    def name_of(self, finding: Any, before: bytes) -> str:
        """The variable for a value: the one it already has, or a new one that nothing else is called."""
        from leakguard.triage.rewrite import variable

        secret = finding.secret
        if secret not in self._names:
            wanted = name = _RESERVED.sub("GH_", variable(finding, before))
            number = 2
            while name in self.known:
                name, number = f"{wanted}_{number}", number + 1
            self.known[name] = secret
            self._names[secret] = name
        name = self._names[secret]
        if finding.path.replace(os.sep, "/").rpartition("/")[0].endswith(".github/workflows"):
            name = _RESERVED.sub("GH_", name)
        return name

    def collect(self) -> None:
        from leakguard.triage.rewrite import Refusal

        if self.staged:
            self._collect_staged()
            return
        result = self.accepted.apply(self.scanner.files(self.paths))
        self.gaps += self.scanner.gaps(result.incidents)
        self._mask((*result.findings, *result.suppressed))
        self.left_alone += len(result.suppressed)
        by_file: dict[str, list[Any]] = {}
        for finding in result.findings:
            if finding.origin.kind == "path":
                self.refused.append(Refusal(finding, "it is in the name, not in the content", _RENAME))
                continue
            by_file.setdefault(_outer(finding).path, []).append(finding)
        for path, findings in by_file.items():
            if os.path.islink(path) or os.path.realpath(path) == os.path.realpath(self.env_path):
                continue  # the place where values belong; whether git ignores it is looked at anyhow
            data = _read(path)
            if data is not None:
                self._rewrite(path, data, findings)

    def _collect_staged(self) -> None:
        from leakguard.model import ScanResult, Totals
        from leakguard.sources.gitcall import Git
        from leakguard.sources.index import LINK, Blobs, Staged

        git = Git(self.top)
        with Blobs(git) as blobs:
            for change in Staged(git).changes():
                if change.unmerged:
                    raise UsageError(f"fix: {change.path}: is not merged yet")
                if not change.blob or change.mode == LINK:
                    continue
                data = blobs.read(change.blob)
                found, problems = self.scanner.content(data, change.path, "index")
                self.gaps += [f"{change.path}: {problem}" for problem in problems]
                self._mask(found)
                kept = self.accepted.apply(ScanResult(tuple(found), (), (), Totals())).findings
                self.left_alone += len(found) - len(kept)
                if not kept:
                    continue
                self._rewrite(change.path, data, kept, blob=change.blob, mode=change.mode)
                if all(finding.origin.inside is None for finding in kept):  # an archive is not written into
                    self._same_in_tree(change.path, data, {finding.secret for finding in kept})

    def _same_in_tree(self, path: str, staged: bytes, secrets: set[bytes | None]) -> None:
        """The same values in the work tree's file, which may have other edits: those stay."""
        full = os.path.join(self.top, path)
        data = None if os.path.islink(full) else _read(full)
        if data is None:
            return
        found, _ = self.scanner.text(data, path, "index")
        self._mask(found)
        self._rewrite(full, data, [f for f in found if f.secret in secrets], quiet=data == staged)

    def _mask(self, findings: Iterable[Any]) -> None:
        """Remembers what must not be shown: all that was found, also what is left alone."""
        for finding in findings:
            if finding.secret:
                self.masks[finding.secret] = f"<{finding.rule}:{finding.length}>"

    def _rewrite(
        self, path: str, data: bytes, findings: Iterable[Any], *, blob: str = "", mode: str = "", quiet: bool = False
    ) -> None:
        from leakguard.triage.rewrite import rewrite

        done = rewrite(path, data, list(findings), self.name_of)
        if not quiet:
            self.refused += done.refused
        self.notes += [note for note in done.notes if note not in self.notes]
        self.values.update((value.name, value) for value in done.values)
        if done.data != data:
            self.changes.append(_Change(path, data, done.data, blob, mode))

    def add_env(self) -> None:
        """`.env`, `.env.example` and .gitignore, as far as they lack something."""
        from leakguard.triage.rewrite import env_line, env_values

        if not self.values:
            return
        if os.path.islink(self.env_path):
            raise UsageError(f"fix: {self.env_path}: is a link; name another --env-file")
        files, self.changes = self.changes, []
        self._ignore()
        before = _read(self.env_path)
        there = env_values(before or b"")
        text = _lines(before)
        text += b"".join(env_line(v.name, v.secret) for name, v in sorted(self.values.items()) if name not in there)
        if text != (before or b""):
            self.changes.append(_Change(self.env_path, before, text, private=True))
        example = self.env_path + ".example"
        before = _read(example)
        there = env_values(before or b"")
        text = _lines(before) + b"".join(f"{name}=\n".encode() for name in sorted(self.values) if name not in there)
        if text != (before or b""):
            self.changes.append(_Change(example, before, text))
        # the values first: whatever goes wrong after that, none is lost
        self.changes += files

    def _ignore(self) -> None:
        from leakguard.sources.gitcall import Git

        git = Git(self.top)
        if git.ask("rev-parse", "--is-inside-work-tree").returncode:
            return
        name = os.path.relpath(self.env_path, self.top).replace(os.sep, "/")
        if git.ask("ls-files", "--error-unmatch", "--", name).returncode == 0:
            raise UsageError(
                f"fix: {name} is tracked by git: `git rm --cached {name}` first, or name another --env-file"
            )
        if _ignored(git, name):
            return
        path = os.path.join(self.top, IGNORED)
        before = _read(path)
        # before the values: they are written only where git does not look
        self.changes.append(_Change(path, before, _lines(before) + f"/{name}\n".encode()))

    # ------------------------------------------------------------ doing
    def run(self) -> int:
        self.collect()
        self.add_env()
        self.show()
        code = EXIT_INCOMPLETE if self.gaps else 0
        code = EXIT_FINDINGS if self.refused else code
        if not self.changes:
            _tell("nothing to replace" + ("" if not self.refused else "; see above"))
            return code
        if self.options["dry_run"]:
            return EXIT_FINDINGS
        if not self.options["yes"] and not click.confirm("Make these changes?", err=True):
            _tell("nothing was changed")
            return EXIT_FINDINGS
        record = self.make()
        _tell(f"{len(self.changes)} changes made; `leakguard fix --undo` takes them back")
        _tell(f"the files as they were, with their secrets, are in {record.folder} (only you can read it);")
        _tell("`leakguard fix --forget` removes them. A value that was ever pushed is known: revoke it")
        return code

    def show(self) -> None:
        from leakguard.report.common import printable

        for change in self.changes:
            for line in _diff(change._replace(path=self.scanner.shown(change.path)), self.masks, self.top):
                click.echo(printable(line))
        for item in self.refused:
            place = f"{self.scanner.shown(item.finding.path)}:{item.finding.start_line}"
            click.echo(printable(f"not replaced: {place}: {item.finding.rule}: {item.why}"))
            click.echo(printable(f"    instead: {item.instead}"))
        if self.left_alone:
            _tell(f"{self.left_alone} accepted findings are left alone")
        for note in self.notes:
            _tell(f"note: {note}")
        if self.values:
            _tell(
                "note: a program sees .env only if something loads it: compose, direnv, python-dotenv, `. ./.env` ..."
            )
        for gap in self.gaps:
            _tell(f"not read: {gap}")

    def make(self) -> Any:
        """Makes the changes. The record of what was there is written before each."""
        from leakguard.cli.keep import Record, write
        from leakguard.sources.gitcall import Git

        record = Record(self.top)
        git = Git(self.top)
        for change in self.changes:
            if change.blob:
                made = git.run("hash-object", "-w", "--no-filters", "--stdin", given=change.after).decode().strip()
                record.add_index(change.path, change.mode, change.blob, made)
                _stage(git, change.path, change.mode, made)
                continue
            if _read(change.path) != change.before:
                raise OutputError(f"{change.path}: has changed in the meantime; run it again")
            if change.private and self._visible(git):
                raise OutputError(f"{change.path}: git would not ignore it; no value was written there")
            record.add_file(change.path, change.before, change.after)
            write(change.path, change.after, private=change.private)
        return record

    def _visible(self, git: Any) -> bool:
        """Whether git would add the file with the values."""
        if git.ask("rev-parse", "--is-inside-work-tree").returncode:
            return False
        name = os.path.relpath(self.env_path, self.top).replace(os.sep, "/")
        return not _ignored(git, name)


def _ignored(git: Any, name: str) -> bool:
    """Whether git would leave an untracked file of that name alone."""
    import subprocess

    # check-ignore knows no literal pathspecs, which every other call of ours asks for
    command = [word for word in git.command("check-ignore", "-q", "--", name) if word != "--literal-pathspecs"]
    done = subprocess.run(command, cwd=git.folder, env=git.environment(), capture_output=True, check=False)
    return done.returncode == 0


def _stage(git: Any, path: str, mode: str, blob: str) -> None:
    entry = f"{mode} {blob}\t".encode() + os.fsencode(path) + b"\0"
    git.run("update-index", "-z", "--index-info", given=entry)


def _top() -> str:
    """The top of the work tree the command runs in; that folder where there is none."""
    from leakguard.sources.gitcall import Git

    done = Git(os.getcwd()).ask("rev-parse", "--show-toplevel")
    return os.fsdecode(done.stdout.rstrip(b"\n")) if done.returncode == 0 and done.stdout.strip() else os.getcwd()


def _outer(finding: Any) -> Any:
    origin = finding.origin
    while origin.inside is not None:
        origin = origin.inside
    return origin


def _read(path: str) -> bytes | None:
    try:
        with open(path, "rb") as handle:
            return handle.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or 'cannot be read'}") from None


def _lines(data: bytes | None) -> bytes:
    """A text that something can be appended to."""
    return b"" if not data else data if data.endswith(b"\n") else data + b"\n"


def _diff(change: _Change, masks: dict[bytes, str], top: str) -> list[str]:
    """A unified diff with every value that was found masked, also where it is written another way."""
    import re
    from difflib import unified_diff

    def shown(data: bytes) -> list[str]:
        from leakguard.triage.rewrite import env_line

        for secret in sorted(masks, key=len, reverse=True):
            mask = masks[secret].encode()
            for form in (env_line("x", secret)[2:-1], secret):
                # what is glued to a value's end may be more of it
                data = re.sub(re.escape(form) + rb"[A-Za-z0-9+/_=-]*", mask, data)
        return [line.removesuffix("\r") for line in data.decode("utf-8", "backslashreplace").split("\n")]

    name = os.path.relpath(change.path, top) if os.path.isabs(change.path) else change.path
    where = " (staged)" if change.blob else ""
    old = f"a/{name}{where}" if change.before is not None else "/dev/null"
    # of the file with the values nothing is shown but what is new: all of its lines are secrets
    near = 0 if change.private else 3
    new = f"b/{name}{where}"
    return list(unified_diff(shown(change.before or b""), shown(change.after), old, new, n=near, lineterm=""))


def _undo(forget: bool) -> int:
    from leakguard.cli.keep import kept
    from leakguard.sources.gitcall import Git

    top = _top()
    found = kept(top)
    if not found:
        _tell("there is nothing of this folder to undo")
        return 0
    if forget:
        for one in found:
            one.forget()
        _tell(f"the copies of {len(found)} fixes are gone")
        return 0
    last, git = found[0], Git(top)
    changed = last.changed()
    staged = []
    for item in last.index:
        listed = git.run("ls-files", "-s", "-z", "--", item["path"]).split()
        if len(listed) > 1 and listed[1].decode() == item["after"]:
            _stage(git, item["path"], item["mode"], item["before"])
        else:
            staged.append(f"{item['path']} (staged)")
    done = last.restore_files(frozenset(changed)) + len(last.index) - len(staged)
    for path in (*changed, *staged):
        _tell(f"not put back: {path}: has changed since")
    if not changed and not staged:
        last.forget()
    else:
        _tell(f"the copies stay in {last.folder}")
    _tell(f"{done} put back")
    return EXIT_FINDINGS if changed or staged else 0


def _tell(text: str) -> None:
    from leakguard.report.common import printable

    click.echo(f"leakguard: {printable(text)}", err=True)
