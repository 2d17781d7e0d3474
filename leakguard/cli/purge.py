"""`leakguard purge-plan`: what to do to take secrets out of a repository's history, and the proof that they are out.

Writes two files into a private folder outside of the repository: the plan, and the replacement expressions, which hold
the secrets in full and are the only file of leakguard that does, unasked. Rewrites nothing itself. With --verify every
object of a repository is searched for those values, and scanned for them in other encodings.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import click

from leakguard.cli.scan import rule_options
from leakguard.errors import EXIT_FINDINGS, EXIT_INCOMPLETE, UsageError

EXPRESSIONS = "expressions.txt"
PLAN = "PLAN.txt"
_OVERLAP = 64 * 1024
_CHUNK = 4 * 1024 * 1024
_SHOWN = 20


@click.command("purge-plan")
@click.argument("repo", default=".", metavar="[REPO]")
@click.option("--verify", is_flag=True, help="Search REPO for the values of a plan; end with 0 if none is left.")
@click.option(
    "--report", metavar="FILE", help="Take the findings from a report (json, jsonl) made with --show-secrets."
)
@click.option("-o", "--output", metavar="DIR", help="Where the files go. [a folder of your user's state]")
@click.option("--expressions", metavar="FILE", help="For --verify: the file of values. [where the plan put it]")
@click.option("--only-fingerprint", "wanted", metavar="TEXT", multiple=True, help="Only findings whose name begins so.")
@rule_options
@click.option("-b", "--baseline", metavar="FILE", help="Leave accepted findings alone.")
@click.option("-c", "--config", "config_file", metavar="FILE", help="Use this configuration.")
def purge_plan(repo: str, verify: bool, **options: Any) -> int:
    """Plan how to take what was found out of REPO's history with git-filter-repo, and prove that it worked.

    Scans the history, writes replacement expressions (they hold the secrets: mode 0600, destroy them afterwards) and a
    list of steps: revoking first, then rewriting, then reflogs, stashes, pull requests, forks, caches and clones.
    Changes nothing in the repository.
    """
    if verify:
        return _Verify(repo, options).run()
    return _plan(repo, options)


def _scanner(repo: str, options: dict[str, Any]) -> tuple[Any, Any]:
    from leakguard import accepted, config
    from leakguard.cli.scanning import CONFIG_OPTIONS, Scanner
    from leakguard.cli.suppression import untrusted_lines

    given = {key: options[key] for key in (*CONFIG_OPTIONS, "baseline")}
    settings = config.load(options["config_file"], (repo,), False, given).settings
    known = accepted.load(settings, (repo,))
    for line in untrusted_lines(known):
        click.echo(line, err=True)
    return Scanner(settings, known.key, keep_secrets=True), known


def _folder(repo: str, named: str | None) -> str:
    """The folder for the files of a plan: never inside of the repository, where they would be committed."""
    from leakguard.cli.keep import state_folder
    from leakguard.hashes import blake2b

    real = os.path.realpath(repo)
    if named is None:
        name = blake2b(os.fsencode(real), digest_size=6).hexdigest()
        return os.path.join(os.path.dirname(state_folder()), "purge", f"{os.path.basename(real)}-{name}")
    from leakguard.sources.gitcall import Git

    git = Git(real)
    tops = [git.ask("rev-parse", "--show-toplevel").stdout.rstrip(b"\n"), git.ask("rev-parse", "--git-common-dir").stdout]
    for line in git.ask("worktree", "list", "--porcelain", "-z").stdout.split(b"\0"):
        tops += [line[9:]] if line.startswith(b"worktree ") else []
    for root in {real, *(os.path.realpath(os.path.join(real, os.fsdecode(top.rstrip(b"\n")))) for top in tops if top)}:
        if os.path.realpath(named) == root or os.path.realpath(named).startswith(root.rstrip(os.sep) + os.sep):
            raise UsageError(f"{named}: lies inside the repository; the file of secrets must not")
    return named


# ---------------------------------------------------------------- the plan
def _plan(repo: str, options: dict[str, Any]) -> int:
    from leakguard.cli.keep import write
    from leakguard.report.common import printable
    from leakguard.triage.purging import Others, expressions, others_file, sort, steps

    if not os.path.isdir(repo):
        raise UsageError(f"{repo}: no such folder")
    folder = _folder(repo, options["output"])
    missing: list[str] = []
    if options["report"]:
        findings = _reported(options["report"])
    else:
        scanner, known = _scanner(repo, options)
        result = known.apply(scanner.history(repo))
        findings, missing = list(result.findings), scanner.gaps(result.incidents)
    if options["wanted"]:
        findings = [f for f in findings if f.fingerprint.startswith(tuple(options["wanted"]))]
    for line in missing:
        _tell(f"not read: {line}")
    if not findings:
        _tell("nothing to purge" + (" in what could be read" if missing else ""))
        return EXIT_INCOMPLETE if missing else 0
    found = sort(findings)
    file = os.path.join(os.path.abspath(folder), EXPRESSIONS)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    text = steps(os.path.basename(os.path.realpath(repo)), found, len(findings), file)
    safe = "".join(f"{printable(line)}\n" for line in text.split("\n")).rstrip("\n") + "\n"
    write(file, expressions(found.replace), private=True)
    write(others_file(file), Others.of(found).text(), private=True)
    write(os.path.join(os.path.dirname(file), PLAN), safe.encode(), private=True)
    click.echo(safe, nl=False)
    _tell(f"WARNING: {file} holds {len(found.replace)} SECRETS IN FULL. Only you can read it.")
    _tell("WARNING: never commit, mail or upload it, and destroy it when --verify says that nothing is left")
    return EXIT_INCOMPLETE if missing else 0


def _reported(path: str) -> list[Any]:
    """Findings as far as a plan needs them, from a report of ours."""
    from leakguard.cli.scanning import read_private
    from leakguard.model import Confidence, Finding, Origin, Severity
    from leakguard.triage.purging import records

    def origin(item: dict[str, Any]) -> Origin:
        inside = origin(item["inside"]) if item.get("inside") else None
        return Origin(str(item["kind"]), str(item["path"]), inside)

    out = []
    try:
        for secret, item in records(read_private(path).decode("utf-8"), path):
            out.append(Finding(
                str(item["rule"]), str(item["provider"]), str(item["part"]), str(item["title"]),
                Severity[item["severity"].upper()], Confidence[item["confidence"].upper()], str(item["fingerprint"]),
                origin(item["origin"]), int(item["start_line"]), 0, 0, 0, 0, 0, "", int(item["length"]),
                view=tuple(item["view"]), secret=secret,
            ))  # fmt: skip
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        told = (
            str(error) if str(error).endswith("--show-secrets") else f"{path}: not a report of leakguard (json, jsonl)"
        )
        raise UsageError(told) from None
    return out


# ---------------------------------------------------------------- the proof
class _Verify:
    """Searches everything a repository holds for the values of a plan."""

    def __init__(self, repo: str, options: dict[str, Any]) -> None:
        from leakguard.cli.scanning import read_private
        from leakguard.triage.purging import Others, others_file, values_of

        self.repo = repo
        self.options = options
        if not os.path.isdir(repo):
            raise UsageError(f"{repo}: no such folder")
        file = options["expressions"] or os.path.join(_folder(repo, options["output"]), EXPRESSIONS)
        if not os.path.exists(file):
            raise UsageError(f"{file}: no plan there; name its file of values with --expressions")
        self.values = frozenset(values_of(read_private(file)))
        beside = others_file(file)
        try:
            self.others = Others.parse(read_private(beside)) if os.path.exists(beside) else Others(b"\0")
        except ValueError:
            raise UsageError(f"{beside}: not what a plan writes") from None
        if not self.values and not len(self.others):
            raise UsageError(f"{file}: holds no values, so nothing can be proved")
        self.file = file
        self.left: list[str] = []
        self.missing: list[str] = []
        self.objects = 0

    def run(self) -> int:
        from leakguard.report.common import printable

        scanner, _ = _scanner(self.repo, self.options)
        # a proof leaves nothing out, whatever is configured
        scanner.settings = scanner.settings._replace(
            min_severity="info", min_confidence="low", include_paths=(), exclude_paths=(), only=(), exclude=(), archives=True
        )
        result = scanner.history(self.repo)
        self.missing += scanner.gaps(result.incidents)
        for finding in result.findings:
            secret = finding.secret or b""
            if secret in self.others or any(value in secret or secret in value for value in self.values if secret):
                self.left.append(f"{finding.path}: {finding.rule}, {_way(finding)}")
        self._search()
        for place in self.left[:_SHOWN]:
            click.echo(printable(f"left: {self._masked(place)}"))
        if len(self.left) > _SHOWN:
            click.echo(f"left: {len(self.left) - _SHOWN} more places")
        for line in self.missing:
            _tell(f"not read: {self._masked(line)}")
        told = (
            f"searched {self.objects} objects for {len(self.values)} values and scanned all else the repository holds"
        )
        if len(self.others):
            told += f", for these and {len(self.others)} that replacing does not reach"
        if self.left:
            _tell(f"{told}: {len(self.left)} places are left")
            return EXIT_FINDINGS
        if self.missing:
            _tell(f"{told}: none in what could be read, which is not everything")
            return EXIT_INCOMPLETE
        _tell(f"{told}: NOTHING IS LEFT. Now destroy {self.file}")
        return 0

    def _masked(self, text: str) -> str:
        """A place without values: a branch's file is called like the branch."""
        for value in self.values:
            text = text.replace(value.decode("utf-8", "surrogateescape"), "***")
        return text

    def _search(self) -> None:
        """Every object's bytes, whatever reaches it, and the files that name objects, for the values as they are."""
        from leakguard.model import Incident
        from leakguard.sources.git import Shadow, find
        from leakguard.sources.gitobjects import contents, ids

        incidents: list[Incident] = []
        search = _searcher(self.values)
        for repository in find(self.repo, incidents.append):
            width = 32 if repository.object_format == "sha256" else 20
            with Shadow(repository, incidents.append) as shadow:
                packed = ids(shadow.git, incidents.append)
                for content in contents(shadow.git, packed, width):
                    oid = packed[content.number * width : (content.number + 1) * width].hex()
                    pieces = (content.data,) if content.data is not None else _pieces(content.stream)
                    if content.problem:
                        self.missing.append(f"object {oid}: {content.problem}")
                    elif sum(map(search, pieces)):  # all of them: a stream has to be read to its end
                        self.left.append(
                            f"{content.kind} {oid}" + (f" of {repository.name}" if repository.name else "")
                        )
                    self.objects += 1
            self._names(repository, search)
        self.missing += [f"{i.origin}: {i.reason}" for i in incidents if i.state != "skipped"]

    def _names(self, repository: Any, search: Callable[[bytes], bool]) -> None:
        """Refs, reflogs, configuration and all else beside the objects."""
        from leakguard.model import Incident
        from leakguard.sources.gitstore import strays

        incidents: list[Incident] = []  # the scan has told them
        left = [os.path.join(store, name) for store in repository.objects for name in strays(store, incidents.append)]
        for paths in ({*_files(repository.git_dir), *_files(repository.common_dir)}, left):
            for path in sorted(paths):
                try:
                    with open(path, "rb") as handle:
                        found = any(map(search, _pieces(handle)))
                except OSError as error:
                    self.missing.append(f"{path}: {error.strerror}")
                    continue
                if found or search(os.fsencode(path)):
                    self.left.append(path)


def _way(finding: Any) -> str:
    return "encoded as " + " in ".join(reversed(finding.view)) if finding.view else f"line {finding.start_line}"


def _searcher(values: Sequence[bytes] | frozenset[bytes]) -> Callable[[bytes], bool]:
    """A function that tells whether one of the values is in a text."""
    ordered = sorted(values)
    return lambda data: any(value in data for value in ordered)


def _pieces(stream: Any) -> Iterator[bytes]:
    """A stream in overlapping pieces, so that no value falls between two."""
    tail = b""
    buffer = bytearray(_CHUNK)
    while stream is not None:
        with memoryview(buffer) as view:
            got = stream.readinto(view)
        if not got:
            return
        piece = tail + bytes(buffer[:got])
        yield piece
        tail = piece[-_OVERLAP:]


def _files(folder: str) -> Iterator[str]:
    for at, folders, names in os.walk(folder):
        if at == folder and "objects" in folders:
            folders.remove("objects")  # those were searched as objects
        for name in names:
            path = os.path.join(at, name)
            if os.path.isfile(path) and not os.path.islink(path):
                yield path


def _tell(text: str) -> None:
    from leakguard.report.common import printable

    click.echo(f"leakguard: {printable(text)}", err=True)
