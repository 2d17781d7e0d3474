"""`leakguard-hook`: the commit path. No click, no GitPython, no reporters, so that nobody notices it ran.

Scans what is staged, what is pushed (--push), what a server is sent (--receive), a commit message (--message), or the
files named (--files); reports what it adds, says how much it looked at, and never prints a secret. Exit codes as
everywhere: 1 findings, 2 a mistake, 3 something could not be read, 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, NoReturn

from leakguard.errors import EXIT_FINDINGS, EXIT_INCOMPLETE, EXIT_INTERRUPTED, LeakguardError, SourceError, UsageError

if TYPE_CHECKING:
    from leakguard.changes import Scanner
    from leakguard.detect.engine import Engine
    from leakguard.model import Finding, Incident, ScanResult
    from leakguard.sources.gitcall import Git
    from leakguard.sources.index import Blobs
    from leakguard.sources.inside.limits import Limits
    from leakguard.sources.ranges import Update

USAGE = "usage: leakguard-hook [--files FILE... | --push [REMOTE [URL]] | --message FILE | --receive]"

MOST_INPUT = 64 * 1024 * 1024
"""Bytes read of what git tells a hook, and of a commit message."""

MOST_TOLD = 100
"""Findings told one by one."""

_MOST_EXPANDED = 4 * 1024**3
_MOST_SECONDS = 60


class _Run:
    """The settings in force where the command runs, and the engine they ask for. `top`: where paths count from."""

    def __init__(self) -> None:
        from leakguard import accepted, config

        self.settings = config.load(None, (), True, {}).settings
        self.accepted = accepted.load(self.settings, (), True)
        self.engine: Engine | None = None

    def engine_for(self, expected: int) -> Engine:
        if self.engine is None:
            from leakguard.detect import cache
            from leakguard.detect.engine import Engine
            from leakguard.triage.fingerprint import key_from

            settings = self.settings
            selection = cache.Selection(
                settings.rules, settings.only, settings.exclude, settings.preview, True, settings.import_gitleaks
            )
            loaded = cache.load(selection, expected)
            self.engine = Engine(
                loaded.ruleset, loaded.stage1, key_from(self.accepted.key), decode_depth=settings.decode_depth
            )
        return self.engine

    def reported(self, finding: Finding) -> bool:
        """Whether the settings ask for a finding of this kind."""
        from leakguard.model import Confidence, Severity

        settings = self.settings
        return (
            finding.severity >= Severity[settings.min_severity.upper()]
            and finding.confidence >= Confidence[settings.min_confidence.upper()]
        )

    def inside(self) -> Limits | None:
        """How far to go into archives: not as far as a scan that nobody waits for."""
        from leakguard.sources.inside.limits import Limits

        settings = self.settings
        most = settings.archive_bytes or _MOST_EXPANDED, settings.archive_seconds or _MOST_SECONDS
        limits = Limits(
            settings.archive_depth, settings.archive_ratio, settings.archive_members,
            min(most[0], _MOST_EXPANDED), min(most[1], _MOST_SECONDS),
        )  # fmt: skip
        return limits if settings.archives else None

    def scanner(self, blobs: Blobs) -> Scanner:
        from leakguard.changes import Scanner

        return Scanner(self.engine_for, blobs, _wanted(self), self.reported, self.inside())

    def result(self, scanner: Scanner) -> ScanResult:
        """What was found, without what is allowed."""
        from leakguard.model import ScanResult, Totals

        totals = Totals(scanner.objects, scanner.bytes)
        return self.shown(ScanResult(tuple(scanner.findings), tuple(scanner.sets), tuple(scanner.incidents), totals))

    def shown(self, result: ScanResult) -> ScanResult:
        """The result without what is allowed, as it may be told: what a name holds is masked."""
        result = self.accepted.apply(result)
        if not result.findings and all(incident.state == "skipped" for incident in result.incidents):
            return result  # of which no name is told
        from leakguard.paths import masked

        return masked(result, self.engine_for(0))[0]


def main() -> NoReturn:
    """The entry point."""
    try:
        code = run(sys.argv[1:])
    except LeakguardError as error:
        _say(f"error: {error.message}")
        code = error.exit_code
    except KeyboardInterrupt:
        code = EXIT_INTERRUPTED
    except Exception as error:  # noqa: BLE001 - Python's own 1 would mean "findings", and its message could quote content
        _say(f"internal error: {type(error).__name__}")
        code = EXIT_INCOMPLETE
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Runs the hook and returns the exit code."""
    mode, *rest = arguments or ("",)
    if mode == "":
        ends = os.environ.get("PRE_COMMIT_FROM_REF"), os.environ.get("PRE_COMMIT_TO_REF")
        if ends[0] and ends[1]:
            return _tell(_scan_range(ends[0], ends[1]), "range")
        return _tell(_scan_staged(), "commit")
    if mode == "--files":
        return _tell(_scan_files([a for a in rest if a != "--"]), "files")
    if mode == "--push" and len(rest) <= 2:
        return _tell(_scan_push(rest[0] if rest else ""), "push")
    if mode == "--receive" and not rest:
        return _tell(_scan_received(), "receive")
    if mode == "--message" and len(rest) == 1:
        return _tell(_scan_message(rest[0]), "message")
    raise UsageError(USAGE)


# ---------------------------------------------------------------- what is committed
def _scan_staged() -> ScanResult:
    from leakguard.sources.index import Blobs, Here, Staged

    git = Here()
    with Staged(git) as asked, Blobs(git) as blobs:  # git works while the rules are loaded
        from leakguard.sources.ranges import Step

        state = _Run()
        state.engine_for(0)
        scanner = state.scanner(blobs)
        scanner.step(Step("", asked.changes()), "index")
    return state.result(scanner)


def _scan_message(path: str) -> ScanResult:
    """A commit message as its author left it. What git itself puts below its scissors line is not committed."""
    from leakguard.model import Origin
    from leakguard.sources.windows import open_regular

    try:
        handle, _ = open_regular(path)
        with os.fdopen(handle, "rb") as stream:
            data = stream.read(MOST_INPUT + 1)
    except OSError as error:
        raise UsageError(f"--message: {path}: {error.strerror or 'cannot be read'}") from None
    if len(data) > MOST_INPUT:
        raise SourceError(path, f"larger than {MOST_INPUT} bytes")
    state = _Run()
    scanner = state.scanner(_no_blobs())
    scanner.text(_written(data), Origin("commit", "commit message"))
    return state.result(scanner)


_SCISSORS = b"------------------------ >8 ------------------------"


def _written(message: bytes) -> bytes:
    """A message without the diff that `git commit --verbose` shows below it. Anything else below the line stays: only
    git knows whether it will be cut."""
    head, found, tail = message.partition(_SCISSORS)
    if not found or (head and len(head) - head.rfind(b"\n") > 8):
        return message
    for line in tail.split(b"\n")[1:]:
        if line.startswith(b"diff --"):
            return head
        if line.strip() and line[:1].isalnum():
            return message
    return message


def _no_blobs() -> Blobs:
    class Nothing:
        def read(self, ident: str) -> bytes:
            raise SourceError(ident, "not asked for")

    return Nothing()  # type: ignore[return-value]


# ---------------------------------------------------------------- what is pushed
def _scan_push(remote: str) -> ScanResult:
    """What git's pre-push hook is told on standard input, or pre-commit in the environment."""
    from leakguard.sources import ranges
    from leakguard.sources.index import Here

    git = Here()
    first, last = os.environ.get("PRE_COMMIT_FROM_REF"), os.environ.get("PRE_COMMIT_TO_REF")
    if first and last:
        return _scan_range(first, last)
    if "PRE_COMMIT" in os.environ:  # it keeps standard input to itself
        remote = os.environ.get("PRE_COMMIT_REMOTE_NAME", remote)
        commit = os.environ.get("PRE_COMMIT_LOCAL_BRANCH") or "HEAD"
        return _scan_commits(git, ranges.unpushed(git, commit, remote), (), ())
    updates = _updates(pushing=True)
    revisions, others = ranges.pushed(git, updates, remote)
    return _scan_commits(git, revisions, others, [update.ref for update in updates])


def _scan_received() -> ScanResult:
    from leakguard.sources import ranges
    from leakguard.sources.index import Here

    git = Here()
    updates = _updates(pushing=False)
    revisions, others = ranges.received(git, updates)
    return _scan_commits(git, revisions, others, [update.ref for update in updates if not ranges.is_zero(update.new)])


def _scan_range(first: str, last: str) -> ScanResult:
    from leakguard.sources import ranges
    from leakguard.sources.index import Here

    git = Here()
    zero = ranges.is_zero(first)
    return _scan_commits(git, ranges.branch(git, last) if zero else ranges.since(git, first, last, "range"), (), ())


def _updates(pushing: bool) -> list[Update]:
    """What git says on standard input: `<local ref> <id> <remote ref> <id>` of a push, `<old> <new> <ref>` of what is
    received."""
    from leakguard.sources.ranges import Update

    if sys.stdin is None or sys.stdin.isatty():
        raise UsageError(f"{USAGE}\nleakguard: git tells this hook on standard input what is sent; nothing is there")
    out = []
    text = sys.stdin.buffer.read(MOST_INPUT).decode("utf-8", "surrogateescape")
    for line in filter(None, text.split("\n")):
        words = line.split(" ")
        if len(words) != (4 if pushing else 3):
            raise UsageError("standard input: not what git tells this hook")
        old, new, ref = (words[3], words[1], words[2]) if pushing else (words[0], words[1], words[2])
        if any(len(ident) not in (40, 64) or ident.strip("0123456789abcdef") for ident in (old, new)):
            raise UsageError("standard input: not what git tells this hook")
        out.append(Update(old, new, ref))
    return out


def _scan_commits(git: Git, revisions: Sequence[str], others: Iterable[str], refs: Sequence[str]) -> ScanResult:
    from leakguard.changes import scan_commits, scan_objects
    from leakguard.sources.index import Blobs

    state = _Run()
    with Blobs(git) as blobs:
        scanner = state.scanner(blobs)
        scanner.names(refs, "ref")
        scan_objects(scanner, blobs, others)
        scan_commits(scanner, git, blobs, revisions)
    return state.result(scanner)


# ---------------------------------------------------------------- named files
def _scan_files(paths: list[str]) -> ScanResult:
    from leakguard.collector import Collector
    from leakguard.model import ScanResult, Totals
    from leakguard.pipeline import scan_files
    from leakguard.sources.files import FileTask, Options, walk
    from leakguard.work import Policy

    state = _Run()
    if not paths:
        return ScanResult((), (), (), Totals())
    settings = state.settings
    options = Options(include=settings.include_paths, exclude=settings.exclude_paths, max_size=settings.max_size)
    collector = Collector()
    incidents: list[Incident] = []
    # git keeps a link's text: what it leads to is another file, or none
    links = [path for path in paths if os.path.islink(path)]
    tasks = [FileTask(path, path, 0, "link") for path in filter(_wanted(state), links)]
    known = set(links)
    rest = [path for path in paths if path not in known]
    scan_files(
        [*tasks, *walk(rest, options, incidents.append)], state.engine_for, Policy(inside=state.inside()), 1, collector
    )
    result = collector.result(incidents)
    return state.shown(result._replace(findings=tuple(filter(state.reported, result.findings))))


def _wanted(state: _Run) -> Callable[[str], bool]:
    from leakguard.changes import glob_filter

    return glob_filter(state.settings.include_paths, state.settings.exclude_paths)


# ---------------------------------------------------------------- telling
_ADVICE: dict[str, tuple[str, ...]] = {
    "commit": (
        "the commit is stopped. Move the value out of the file (environment, secret store) and stage the file again;",
        "`leakguard fix --staged` does it for most languages. A value that was ever pushed is known: revoke it first.",
    ),
    "range": (
        "these commits hold the value for ever, even if a later one removes it: revoke it, then rewrite them",
        "(git rebase -i, git commit --amend).",
    ),
    "push": (
        "the push is stopped. The value is in the commits, even if a later one removes it: rewrite them (git rebase -i,",
        "git commit --amend), then push. A value that was ever pushed is known to others: revoke it first.",
    ),
    "receive": (
        "the push is refused. The value is in the commits, even if a later one removes it: rewrite them (git rebase -i,",
        "git commit --amend), then push again, and revoke the value: it has left your machine.",
    ),
    "message": ("the commit is stopped. Write the message without the value; git kept it in .git/COMMIT_EDITMSG.",),
    "files": ("move the value out of the file (environment, secret store), and revoke it if it was ever pushed.",),
}


def _say(text: str) -> None:
    sys.stderr.write(f"leakguard: {_printable(text)}\n")


def _printable(text: str) -> str:
    return text if text.isprintable() else "".join(c if c.isprintable() else _escape(ord(c)) for c in text)


def _escape(code: int) -> str:
    if 0xDC80 <= code <= 0xDCFF:  # surrogateescape: a byte of a name that is not UTF-8
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _tell(result: ScanResult, where: str) -> int:
    from leakguard.model import rights

    # each kind once: the findings say where, and a file of a hundred keys must not scroll them away
    for line in dict.fromkeys(
        f"{made.severity.label}: complete credential: {made.title}; allows: {rights(made.allows)}"
        for made in result.sets
        if made.complete
    ):
        _say(line)
    for finding in result.findings[:MOST_TOLD]:
        _tell_finding(finding)
    if len(result.findings) > MOST_TOLD:
        _say(f"and {_counted(len(result.findings) - MOST_TOLD, 'more finding')}")
    problems = [incident for incident in result.incidents if incident.state != "skipped"]
    for incident in problems:
        _say(f"not read: {incident.origin}: {incident.reason}")
    verdict = _counted(len(result.findings), "finding") if result.findings else "nothing found"
    if problems:
        verdict += f", {len(problems)} could not be read"
    if result.suppressed:
        verdict += f", {len(result.suppressed)} allowed"
    totals = result.totals
    _say(f"{verdict}; looked at {_counted(totals.objects, 'object')}, {_counted(totals.bytes, 'byte')}")
    if where == "commit" and not totals.objects and os.environ.get("CI") and "PRE_COMMIT" in os.environ:
        _say("nothing is staged in CI: use the hook leakguard-files there, or --from-ref and --to-ref")
    if not result.findings:
        return EXIT_INCOMPLETE if problems else 0
    _advise(result.findings, where)
    return EXIT_FINDINGS


def _advise(findings: Sequence[Finding], where: str) -> None:
    """What to do now, and what to write where it is no secret."""
    files = (finding.path for finding in findings if finding.origin.inside is None)
    settings = list(dict.fromkeys(filter(_holds_settings, files)))
    staged = where == "commit" and settings
    if staged:
        _say("the commit is stopped. Values belong into such a file, but not into git; name it in .gitignore, then:")
        from shlex import quote  # what is proposed may be pasted: a folder's name must not become a command

        for path in settings:
            _say(f"    git rm --cached {quote(path)}")
    if not staged or any(finding.path not in settings for finding in findings):
        for line in _ADVICE[where]:
            _say(line)
    if where != "message":
        first = findings[0]
        same = (one.rule for one in findings if (one.path, one.start_line) == (first.path, first.start_line))
        allowed = ", ".join(dict.fromkeys(same))
        _say(f"if it is no secret, say why in a comment on its line: leakguard: allow[{allowed}] <reason>")
        _say("(where none can stand, as in JSON: leakguard baseline create FILE --reason ...; update, if there is one)")


def _holds_settings(path: str) -> bool:
    """Whether a file is where a program's values belong: .env and its kin, not their templates."""
    name = path.rpartition("/")[2]
    return name == ".env" or (name.startswith(".env.") and not name.endswith((".example", ".sample", ".template")))


def _tell_finding(finding: Finding) -> None:
    commit = dict(finding.origin.facts).get("commit", "")
    at = f"{finding.path}:{finding.start_line}" + (f" (commit {commit[:12]})" if commit else "")
    _say(f"{at}: {finding.severity.label}: {finding.title} [{finding.rule}]")
    _say(f"    {finding.masked}")
    if finding.why:
        _say(f"    {finding.why}")
    for reason in finding.reasons:
        if reason.startswith("was there before"):
            _say(f"    {reason}")
    if finding.fix:
        _say(f"    do: {finding.fix}")
    if finding.suppression is not None and finding.suppression.note:
        _say(f"    not allowed: {finding.suppression.note}")


if __name__ == "__main__":
    main()
