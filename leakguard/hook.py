"""`leakguard-hook`: the commit path. No click, no GitPython, no reporters, so that nobody notices it ran.

Scans what is staged (or, with --files, the files named), reports what the staged content adds to HEAD's, says how much
it looked at, and never prints a secret. Exit codes as everywhere: 1 findings, 2 a mistake, 3 something could not be
read, 130 interrupted.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NoReturn

from leakguard.detect import cache
from leakguard.detect.engine import Engine
from leakguard.errors import EXIT_FINDINGS, EXIT_INCOMPLETE, EXIT_INTERRUPTED, LeakguardError, UsageError
from leakguard.model import CredentialSet, Document, Finding, Incident, Origin

USAGE = "usage: leakguard-hook [--files FILE...]"


class _Run:
    """What one run found and looked at."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.sets: list[CredentialSet] = []
        self.incidents: list[Incident] = []
        self.objects = 0
        self.bytes = 0
        self.engine: Engine | None = None

    def engine_for(self, expected: int) -> Engine:
        if self.engine is None:
            from leakguard import config
            from leakguard.triage.fingerprint import key_from

            settings = config.load(None, (), True, {}).settings
            selection = cache.Selection(
                settings.rules, settings.only, settings.exclude, settings.preview, True, settings.import_gitleaks
            )
            loaded = cache.load(selection, expected)
            self.engine = Engine(loaded.ruleset, loaded.stage1, key_from(settings.fingerprint_key))
        return self.engine


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
    if not files:
        return state
    with Blobs() as blobs:
        for file in files:
            try:
                data = blobs.read(file.blob)
            except LeakguardError as error:
                state.incidents.append(Incident("failed", file.path, error.message))
                continue
            state.objects += 1
            state.bytes += len(data)
            _compare(state, file.path, data, file.before, blobs)
    return state


def _compare(state: _Run, path: str, data: bytes, before: str, blobs: object) -> None:
    """Adds the findings of `data` that the blob it replaces does not have."""
    from leakguard.sources.index import Blobs

    findings, sets = _scan(state, path, data)
    if findings and before and isinstance(blobs, Blobs):
        known, _ = _scan(state, path, blobs.read(before))
        old = {finding.fingerprint for finding in known}
        findings = [finding for finding in findings if finding.fingerprint not in old]
    new = {finding.set_id for finding in findings}
    state.findings += findings
    state.sets += [made for made in sets if made.id in new]


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
    collector = Collector()
    scan_files(walk(paths, Options(), state.incidents.append), state.engine_for, Policy(), 1, collector)
    result = collector.result(state.incidents)
    state.findings, state.sets = list(result.findings), list(result.sets)
    state.incidents = list(result.incidents)
    state.objects, state.bytes = result.totals.objects, result.totals.bytes
    return state


# ---------------------------------------------------------------- telling
def _say(text: str) -> None:
    sys.stderr.write(f"leakguard: {_printable(text)}\n")


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else f"\\x{ord(c) & 0xFF:02x}" for c in text)


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
