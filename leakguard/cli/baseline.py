"""`leakguard baseline`: makes and keeps the file of accepted findings.

Scans where it must, writes that one file and nothing else, all of it or nothing. Never prints or stores a secret; what
could not be read, matched or imported is listed and decides the exit code.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import click

from leakguard.cli.scan import rule_options
from leakguard.errors import EXIT_FINDINGS, EXIT_INCOMPLETE, UsageError


def _common(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of every subcommand that scans."""
    for option in reversed((
        click.option("-b", "--baseline", "file", metavar="FILE", help="The baseline. [leakguard.baseline]"),
        rule_options,
        click.option("-c", "--config", "config_file", metavar="FILE", help="Use this configuration."),
    )):  # fmt: skip
        command = option(command)
    return command


def _author(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed((
        click.option("--reason", metavar="TEXT", help="Why these findings are accepted."),
        click.option("--owner", metavar="NAME", help="Who answers for it. [git's user.email]"),
        click.option("--expires", metavar="YYYY-MM-DD", help="Let the new entries count until this day."),
    )):  # fmt: skip
        command = option(command)
    return command


@click.group()
def baseline() -> None:
    """Accept findings by content: a file that survives moves, renames, squashes and merges.

    Each line has fingerprint, rule, masked context, owner, reason and, if wanted, a day it expires on. To let git merge
    it entry by entry:

    \b
      echo 'leakguard.baseline text eol=lf merge=leakguard' >> .gitattributes
      git config merge.leakguard.driver 'leakguard baseline merge %O %A %B'
    """


class _Work:
    """A baseline, the settings in force, and scans with its key."""

    def __init__(self, options: dict[str, Any], *, make: bool = False, keep: bool = False) -> None:
        from leakguard import accepted, config
        from leakguard.cli.scanning import CONFIG_OPTIONS, Scanner
        from leakguard.triage import baseline as book

        given = {key: options.get(key) for key in CONFIG_OPTIONS}
        # as the hook: whoever keeps a baseline works in a tree of their own, and with its rules and its key
        loaded = config.load(options.get("config_file"), (), True, given)
        self.file = (
            options.get("file") or loaded.settings.baseline or config.beside(book.FILE, (), True)[0] or book.FILE
        )
        settings = loaded.settings._replace(baseline=self.file)
        if make:
            self.book = book.new(settings.fingerprint_key)
            root = os.path.dirname(os.path.abspath(self.file))
            self.accepted = accepted.load(settings, use_baseline=False, root=root)
            self.accepted = self.accepted._replace(policy=self.accepted.policy._replace(baseline=self.book))
            key = settings.fingerprint_key or self.book.key
        else:
            if not os.path.exists(self.file):
                raise UsageError(f"{self.file}: there is no baseline yet; `leakguard baseline create` makes one")
            self.accepted = accepted.load(settings)
            self.book = self.accepted.policy.baseline
            key = self.accepted.key
        self.scanner = Scanner(settings, key, keep_secrets=keep)

    def scan(self, paths: Sequence[str], history: bool = False) -> Any:
        """The findings of files and folders, and of the repository's history; suppressed ones set apart."""
        result = self.accepted.apply(self.scanner.files(paths))
        if not history:
            return result
        past = self.accepted.apply(self.scanner.history("."))
        return result._replace(
            findings=result.findings + past.findings,
            suppressed=result.suppressed + past.suppressed,
            incidents=result.incidents + past.incidents,
        )

    def save(self) -> None:
        _write(self.file, self.book.text().encode())

    def accept(
        self, findings: Iterable[Any], owner: str, reason: str, expires: str, scope: str = ""
    ) -> tuple[int, int]:
        """Adds an entry for each finding that has none: (added, left as they are). The file is not written yet.

        What is no file of the work tree gets the scope `history`: other scans would take its entry for unused.
        """
        from leakguard.triage.baseline import entry_of

        added = known = 0
        before = set(self.book.entries)
        for finding in findings:
            name = self.book.identity(finding, self.accepted.policy.place(finding))
            if name in self.book.entries:
                known += name in before
                continue
            origin = finding.origin
            while origin.inside is not None:
                origin = origin.inside
            past = origin.kind not in ("file", "link", "path")
            self.book.add(entry_of(finding, name, owner, reason, expires, scope or ("history" if past else "")))
            added += 1
        return added, known


@baseline.command()
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@_common
@click.option(
    "--history", is_flag=True, help="Also all that the repository around here holds, as `leakguard git` does."
)
@_author
@click.option("--empty", is_flag=True, help="Only its header, no entries.")
@click.option("--force", is_flag=True, help="Replace a baseline that is there, with its key.")
def create(paths: tuple[str, ...], **options: Any) -> int:
    """Make a baseline of all that is found in PATH now (this folder if none is given)."""
    paths = paths or (".",)
    work = _Work(options, make=True)
    if os.path.lexists(work.file) and not options["force"]:
        raise UsageError(f"{work.file}: is there; `baseline update` adds to it, --force replaces it and its key")
    code = 0 if options["empty"] else _grow(work, paths, options)
    work.save()
    _tell(f"{len(work.book.entries)} entries in {work.file}")
    _tell(f"commit hooks take it; a scan of the folder that it lies in must be told: --baseline {work.file}, in CI --trust-base REV")
    _tell("let git merge it entry by entry: see `leakguard baseline --help`")
    return code


@baseline.command()
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@_common
@click.option(
    "--history", is_flag=True, help="Also all that the repository around here holds, as `leakguard git` does."
)
@_author
@click.option("--renew", is_flag=True, help="Also give expired entries the new reason and day.")
@click.option("--prune", "prune_too", is_flag=True, help="Also take out the entries that match nothing any more.")
def update(paths: tuple[str, ...], **options: Any) -> int:
    """Accept what is found in PATH and not in the baseline yet. Entries that are there stay as they are."""
    paths = paths or (".",)
    work = _Work(options)
    code = _grow(work, paths, options)
    if options["prune_too"]:
        code = _prune(work, code, history=options["history"]) or code
    work.save()
    _tell(f"{len(work.book.entries)} entries in {work.file}")
    return code


def _grow(work: _Work, paths: Sequence[str], options: dict[str, Any]) -> int:
    """Scans and adds entries; the exit code so far."""
    expires = _expiry(options)
    result = work.scan(paths, options["history"])
    fresh = [finding for finding in result.findings if finding.severity <= work.accepted.policy.up_to]
    capped = len(result.findings) - len(fresh)
    if fresh and not (options["reason"] or "").strip():
        raise UsageError("--reason: say why these findings are accepted; every entry needs one")
    owner = options["owner"] or _owner()
    if options.get("renew"):
        for finding in fresh:
            work.book.entries.pop(work.book.identity(finding, work.accepted.policy.place(finding)), None)
    added, expired = work.accept(fresh, owner, options["reason"] or "", expires)
    _tell(f"{added} added" + (f", {expired} expired or refused ones left as they are (--renew)" if expired else ""))
    if capped:
        _tell(f"{capped} findings are too severe to be suppressed (suppress_up_to) and were not added")
    missing = work.scanner.gaps(result.incidents)
    for line in missing:
        _tell(f"not read: {line}")
    return EXIT_INCOMPLETE if missing else 0


@baseline.command()
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@_common
@click.option(
    "--history", is_flag=True, help="Also all that the repository around here holds, as `leakguard git` does."
)
@click.option("--check", is_flag=True, help="Only list; end with 1 if there is something to prune.")
def prune(paths: tuple[str, ...], check: bool, **options: Any) -> int:
    """List the entries that match nothing in PATH any more, and take them out.

    PATH is everything the baseline is for (its folder if none is given). Nothing is taken out if something could not be
    read. Entries of a history scan (in=history) stay, unless it is scanned too (--history).
    """
    work = _Work(options)
    history = options["history"]
    result = work.scan(paths or (os.path.dirname(work.file) or ".",), history)
    missing = work.scanner.gaps(result.incidents)
    for line in missing:
        _tell(f"not read: {line}")
    if missing and not check:
        _tell("nothing is pruned: an entry may match what could not be read")
        return EXIT_INCOMPLETE
    code = _prune(work, 0, only_list=check, history=history)
    if not check:
        work.save()
        return 0
    return EXIT_INCOMPLETE if missing and not code else code


def _prune(work: _Work, code: int, *, only_list: bool = False, history: bool = False) -> int:
    """Lists and, unless only listing, takes out what nothing matched. 1 if there was something and it stays."""
    if code == EXIT_INCOMPLETE:
        _tell("nothing is pruned: an entry may match what could not be read")
        return code
    book = work.book
    unused = [e for e in book.entries.values() if e.fingerprint not in book.used and (history or e.scope != "history")]
    for entry in sorted(unused):
        click.echo(f"unused: {_shown(entry)}")
        if not only_list:
            del book.entries[entry.fingerprint]
    _tell(f"{len(unused)} {'would be pruned' if only_list else 'pruned'}")
    return EXIT_FINDINGS if unused and only_list else 0


@baseline.command()
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@_common
@click.option("--list", "only_list", is_flag=True, help="Print the entries and their state, ask nothing.")
def audit(paths: tuple[str, ...], only_list: bool, **options: Any) -> int:
    """Walk through the entries: keep, give a reason, let expire, drop. Shows where they are if PATH is given."""
    work = _Work(options)
    places: dict[str, list[str]] = {}
    if paths:
        for finding in work.scan(paths).suppressed:
            if finding.suppression is not None and finding.suppression.way == "baseline":
                name = work.book.identity(finding, work.accepted.policy.place(finding))
                places.setdefault(name, []).append(f"{work.scanner.shown(finding.path)}:{finding.start_line}")
    entries = sorted(work.book.entries.values(), key=lambda entry: (entry.rule, entry.context, entry.fingerprint))
    today = work.accepted.policy.today
    if only_list:
        for entry in entries:
            state = _state(entry, today, work.book.used if paths else None)
            click.echo(f"{state}: {_shown(entry)}")
        return 0
    changed = 0
    for number, entry in enumerate(entries, 1):
        click.echo(f"\n{number} of {len(entries)}")
        _show(entry, today, places.get(entry.fingerprint, []))
        answer = _ask(entry)
        if answer is None:
            break
        if answer != entry:
            changed += 1
            del work.book.entries[entry.fingerprint]
            if answer:
                work.book.add(answer)
    if changed:
        work.save()
    _tell(f"{changed} changed, {len(work.book.entries)} entries in {work.file}")
    return 0


def _ask(entry: Any) -> Any:
    """The entry as it shall be; False: drop it; None: stop here."""
    from leakguard.errors import ConfigError
    from leakguard.triage.baseline import clean, valid_date

    choice = click.prompt(
        "keep, reason, expire, drop, quit", type=click.Choice(["k", "r", "e", "d", "q"]), default="k", err=True
    )
    if choice == "q":
        return None
    if choice == "d":
        return False
    if choice == "r":
        return entry._replace(reason=clean(click.prompt("reason", err=True)))
    while choice == "e":
        try:
            return entry._replace(expires=valid_date(click.prompt("last day (YYYY-MM-DD)", err=True), "", ""))
        except ConfigError as error:
            _tell(error.reason)
    return entry


@baseline.command()
@click.argument("fingerprint")
@_common
def explain(fingerprint: str, **options: Any) -> int:
    """Say what an entry accepts, who accepted it and why, and what would make it fire again.

    FINGERPRINT may be cut short.
    """
    work = _Work(options)
    found = [entry for name, entry in work.book.entries.items() if name.startswith(fingerprint)]
    if not found:
        raise UsageError(f"{fingerprint}: no entry of {work.file} begins so")
    for entry in found:
        _show(entry, work.accepted.policy.today, [])
        if entry.fingerprint.startswith("lg1p-"):
            click.echo("  matches   this masked line in the file it was accepted in; a longer or shorter value fires")
        else:
            click.echo(
                "  matches   exactly this value found by this rule, in any file, line or commit; any other fires"
            )
        click.echo(f"  written   {_safe(entry.where)}")
    return 0


@baseline.command()
@click.argument("base")
@click.argument("ours")
@click.argument("theirs")
def merge(base: str, ours: str, theirs: str) -> int:
    """Git's merge driver: `leakguard baseline merge %O %A %B`. Writes the merged entries to OURS.

    Never conflicts, but if both sides made a baseline with a key of its own: then it ends with 1 and OURS stays.
    """
    from leakguard.cli.scanning import read_private
    from leakguard.triage.baseline import merge as merged
    from leakguard.triage.baseline import parse

    before = read_private(base)
    old = parse(before, base) if before.strip() else None
    done = merged(old, parse(read_private(ours), ours), parse(read_private(theirs), theirs))
    if done is None:
        _tell("the two baselines have different keys: keep one, and `leakguard baseline update` it")
        return 1
    _write(ours, done.text().encode())
    return 0


@baseline.command("import")
@click.argument("source", metavar="FILE")
@_common
@_author
@click.option(
    "--as",
    "kind",
    type=click.Choice(["gitleaksignore", "gitleaks", "trufflehog", "detect-secrets"]),
    help="What FILE is. [as it looks]",
)
@click.option("--root", default=".", metavar="DIR", help="Where the paths in FILE begin. [.]")
def import_(source: str, kind: str | None, root: str, **options: Any) -> int:
    """Accept what another tool accepted: .gitleaksignore, gitleaks or TruffleHog reports, .secrets.baseline.

    Each entry is looked up where it says it is, and added only if a finding of ours is the same. What is not is listed,
    and the command then ends with 1.
    """
    from leakguard.cli.importing import Importer
    from leakguard.cli.scanning import read_private
    from leakguard.triage.baseline import FILE
    from leakguard.triage.foreign import read

    entries = read(read_private(source), source, kind or "")
    options["file"] = options["file"] or (None if os.path.exists(FILE) else FILE)
    fresh = bool(options["file"]) and not os.path.exists(options["file"])
    work = _Work(options, make=fresh, keep=True)
    expires = _expiry(options)
    owner = options["owner"] or _owner()
    importer = Importer(work.scanner, root)
    added = left = 0
    for entry in entries:
        findings, doubt = importer.find(entry)
        if not findings:
            left += 1
            click.echo(f"not imported: {_safe(entry.where)}: {_safe(entry.label)}: {_safe(doubt)}")
            continue
        reason = options["reason"] or f"imported from {os.path.basename(source)}: {entry.label}"
        findings = importer.now(findings, entry)
        added += work.accept(findings, owner, reason, expires)[0]
    work.save()
    _tell(f"{len(entries) - left} of {len(entries)} found here, {added} added to {work.file}")
    return EXIT_FINDINGS if left else 0


def _expiry(options: dict[str, Any]) -> str:
    """The day that --expires names. UsageError for one that is over: what is accepted so would not be."""
    from leakguard.accepted import today
    from leakguard.triage.baseline import valid_date

    if not options["expires"]:
        return ""
    day = valid_date(options["expires"], "--expires", "")
    if day < today():
        raise UsageError(f"--expires: {day}: is over")
    return day


def _write(path: str, data: bytes) -> None:
    from leakguard.report.output import write_atomic

    def write(out: Any) -> None:
        out.write(data)

    write_atomic(path, write)


# ---------------------------------------------------------------- telling
def _tell(text: str) -> None:
    click.echo(f"leakguard: {_safe(text)}", err=True)


def _safe(text: str) -> str:
    from leakguard.report.common import printable

    return printable(text)


def _state(entry: Any, today: str, used: set[str] | None) -> str:
    if entry.expires and entry.expires < today:
        return "expired"
    return "unused" if used is not None and entry.fingerprint not in used else "in force"


def _shown(entry: Any) -> str:
    until = f", until {entry.expires}" if entry.expires else ""
    said = f"{entry.owner}: {entry.reason}{until}"
    return _safe(f"{entry.fingerprint}  {entry.rule}  {entry.context}  ({said})")


def _show(entry: Any, today: str, places: Sequence[str]) -> None:
    click.echo(f"  entry     {_safe(entry.fingerprint)}  {_safe(entry.rule)}")
    click.echo(f"  context   {_safe(entry.context)}")
    click.echo(f"  accepted  by {_safe(entry.owner)}: {_safe(entry.reason)}")
    until = f"until {entry.expires}" if entry.expires else "for good"
    click.echo(f"  counts    {'no more: it was ' if entry.expires and entry.expires < today else ''}{until}")
    for place in places[:5]:
        click.echo(f"  at        {_safe(place)}")


def _owner() -> str:
    """Who runs this, as git would sign it."""
    from leakguard.sources.gitcall import Git

    said = Git(os.getcwd()).ask("config", "user.email").stdout.decode("utf-8", "replace").strip()
    if not said:
        raise UsageError("--owner: say who answers for these findings (git knows no user.email)")
    return said
