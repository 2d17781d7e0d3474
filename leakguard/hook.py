"""`leakguard-hook`: the commit path. No click, no GitPython, no reporters, so that nobody notices it ran.

Scans what is staged (or, with --files, the files named), reports what the staged content adds to HEAD's, says how much
it looked at, and never prints a secret. Exit codes as everywhere: 1 findings, 2 a mistake, 3 something could not be
read, 130 interrupted.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NoReturn

from leakguard.detect import cache
from leakguard.detect.engine import Engine
from leakguard.errors import EXIT_FINDINGS, EXIT_INCOMPLETE, EXIT_INTERRUPTED, LeakguardError, UsageError
from leakguard.model import Confidence, CredentialSet, Document, Finding, Incident, Origin, Severity

if TYPE_CHECKING:
    from leakguard.sources.index import Blobs, Staged

USAGE = "usage: leakguard-hook [--files FILE...]"


class _Run:
    """What one run found and looked at, by the settings in force where the command runs."""

    def __init__(self) -> None:
        from leakguard import config

        self.settings = config.load(None, (), True, {}).settings
        self.findings: list[Finding] = []
        self.sets: list[CredentialSet] = []
        self.incidents: list[Incident] = []
        self.objects = 0
        self.bytes = 0
        self.engine: Engine | None = None

    def engine_for(self, expected: int) -> Engine:
        if self.engine is None:
            from leakguard.triage.fingerprint import key_from

            settings = self.settings
            selection = cache.Selection(
                settings.rules, settings.only, settings.exclude, settings.preview, True, settings.import_gitleaks
            )
            loaded = cache.load(selection, expected)
            self.engine = Engine(
                loaded.ruleset, loaded.stage1, key_from(settings.fingerprint_key), decode_depth=settings.decode_depth
            )
        return self.engine

    def reported(self, finding: Finding) -> bool:
        """Whether the settings ask for a finding of this kind."""
        settings = self.settings
        return (
            finding.severity >= Severity[settings.min_severity.upper()]
            and finding.confidence >= Confidence[settings.min_confidence.upper()]
        )


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
    if arguments and arguments[0] == "--files":
        state = _scan_files([a for a in arguments[1:] if a != "--"])
    elif arguments:
        raise UsageError(USAGE)
    else:
        state = _scan_staged()
    return _tell(state)


def _scan_staged() -> _Run:
    from leakguard.sources.index import Blobs, staged

    state = _Run()
    files = staged()
    wanted = _wanted(state)
    with Blobs() as blobs:
        for file in files:
            if not file.blob:
                continue
            try:
                if not wanted(file.path):
                    state.incidents.append(Incident("skipped", file.path, "excluded by a glob"))
                    continue
                data = blobs.read(file.blob)
                findings, sets = _scan(state, file.path, data)
            except LeakguardError as error:
                state.incidents.append(Incident("failed", file.path, error.message))
                continue
            state.objects += 1
            state.bytes += len(data)
            state.findings += filter(state.reported, findings)
            state.sets += sets
        if state.findings:
            _drop_known(state, files, blobs)
    return state


def _wanted(state: _Run) -> Callable[[str], bool]:
    """Whether the settings' globs leave a path in."""
    include, exclude = state.settings.include_paths, state.settings.exclude_paths
    if not include and not exclude:
        return _always
    from leakguard.globs import compile_globs

    included, excluded = compile_globs(include or ("**",)), compile_globs(exclude)
    return lambda path: included(path) and not excluded(path)


def _always(_path: str) -> bool:
    return True


def _drop_known(state: _Run, files: Sequence[Staged], blobs: Blobs) -> None:
    """Takes away what stands in HEAD already, in what the staged files replace or remove: moving is not leaking."""
    known: set[str] = set()
    for file in files:
        if file.before:
            try:
                findings, _ = _scan(state, file.path, blobs.read(file.before))
            except LeakguardError:
                continue  # then all that is staged counts as new
            known.update(finding.fingerprint for finding in findings)
    state.findings = [finding for finding in state.findings if finding.fingerprint not in known]
    new = {finding.set_id for finding in state.findings}
    state.sets = [made for made in state.sets if made.id in new]


def _scan(state: _Run, path: str, data: bytes) -> tuple[list[Finding], list[CredentialSet]]:
    from leakguard.pipeline import findings_of

    engine = state.engine_for(len(data))
    document = Document(data, Origin("index", path))
    scan = engine.scan(data, path)
    state.incidents += [Incident("truncated", path, reason) for reason in scan.incidents]
    return findings_of(engine, document, scan.matches, 1)


def _scan_files(paths: list[str]) -> _Run:
    from leakguard.pipeline import Collector, Policy, scan_files
    from leakguard.sources.files import Options, walk

    state = _Run()
    if not paths:
        return state
    settings = state.settings
    options = Options(include=settings.include_paths, exclude=settings.exclude_paths, max_size=settings.max_size)
    collector = Collector()
    scan_files(walk(paths, options, state.incidents.append), state.engine_for, Policy(), 1, collector)
    result = collector.result(state.incidents)
    state.findings, state.sets = list(filter(state.reported, result.findings)), list(result.sets)
    state.incidents = list(result.incidents)
    state.objects, state.bytes = result.totals.objects, result.totals.bytes
    return state


# ---------------------------------------------------------------- telling
def _say(text: str) -> None:
    sys.stderr.write(f"leakguard: {_printable(text)}\n")


def _printable(text: str) -> str:
    return text if text.isprintable() else "".join(c if c.isprintable() else _escape(ord(c)) for c in text)


def _escape(code: int) -> str:
    if 0xDC80 <= code <= 0xDCFF:  # surrogateescape: a byte of a name that is not UTF-8
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def _tell(state: _Run) -> int:
    for made in state.sets:
        if made.complete:
            _say(f"{made.severity.label}: complete credential: {made.title}; allows {', '.join(made.allows)}")
    for finding in state.findings:
        _say(f"{finding.path}:{finding.start_line}: {finding.severity.label}: {finding.title} [{finding.rule}]")
        _say(f"    {finding.masked}")
        if finding.why:
            _say(f"    {finding.why}")
        if finding.fix:
            _say(f"    do: {finding.fix}")
    problems = [incident for incident in state.incidents if incident.state != "skipped"]
    for incident in problems:
        _say(f"not read: {incident.origin}: {incident.reason}")
    verdict = f"{len(state.findings)} findings" if state.findings else "nothing found"
    if problems:
        verdict += f", {len(problems)} could not be read"
    _say(f"{verdict}; looked at {state.objects} objects, {state.bytes} bytes")
    if state.findings:
        _say("the commit is stopped: move the value out of the file (environment, secret store), stage again, and")
        _say("treat a value that was ever pushed as known to others: revoke it first")
        return EXIT_FINDINGS
    return EXIT_INCOMPLETE if problems else 0


if __name__ == "__main__":
    main()
