"""A scan inside of another command: files, single blobs, with the settings in force and the key of a baseline.

Makes an engine once and keeps it. Prints nothing. Imported by cli/ modules that need findings, not a report.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from leakguard.cli.running import cores, policy_of
from leakguard.config import Settings
from leakguard.model import Finding, Incident, ScanResult

CONFIG_OPTIONS = ("rules", "only", "exclude", "preview", "import_gitleaks")


class Scanner:
    """Scans by `settings` with the fingerprint key `key`. With `keep_secrets` findings hold them: never show those."""

    def __init__(self, settings: Settings, key: str, *, keep_secrets: bool = False) -> None:
        self.settings = settings
        self._key = key
        self._keep = keep_secrets
        self._engine: Any = None
        self._mask: Callable[[str], str] | None = None

    def engine(self, expected: int = 0) -> Any:
        """The engine, made once; `expected` bytes decide whether all rules are compiled where none are cached."""
        if self._engine is None:
            from leakguard.detect import cache
            from leakguard.detect.engine import Engine
            from leakguard.triage.fingerprint import key_from

            settings = self.settings
            selection = cache.Selection(
                settings.rules, settings.only, settings.exclude, settings.preview, True, settings.import_gitleaks
            )
            loaded = cache.load(selection, expected)
            self._engine = Engine(
                loaded.ruleset, loaded.stage1, key_from(self._key),
                keep_secrets=self._keep, decode_depth=settings.decode_depth,
            )  # fmt: skip
        return self._engine

    def files(self, paths: Sequence[str]) -> ScanResult:
        """What files and folders hold. UsageError for one that is not there."""
        from leakguard.collector import Collector
        from leakguard.pipeline import scan_files
        from leakguard.sources.files import Options, walk

        settings = self.settings
        incidents: list[Incident] = []
        walking = Options(
            settings.gitignore, settings.include_paths, settings.exclude_paths, settings.max_size,
            settings.follow_symlinks, settings.skip_dirs,
        )  # fmt: skip
        collector = Collector()
        tasks = walk(list(paths), walking, incidents.append)
        scan_files(tasks, self.engine, policy_of(settings), settings.jobs or cores(), collector)
        return collector.result(incidents)

    def history(self, repo: str) -> ScanResult:
        """All that a repository holds. Nothing is taken from a cache or put into one."""
        from leakguard.history import Options, scan_repository

        settings = self.settings
        options = Options(
            jobs=settings.jobs or cores(), cache="", include=settings.include_paths,
            exclude=settings.exclude_paths,
        )  # fmt: skip
        result, interrupted = scan_repository(repo, self.engine, policy_of(settings), options)
        if interrupted:
            raise KeyboardInterrupt
        return result

    def text(self, data: bytes, path: str, kind: str = "blob") -> tuple[list[Finding], list[str]]:
        """(findings in bytes that are at `path` of something that is no file, why they may not be all)."""
        from leakguard.findings import findings_of
        from leakguard.model import Document, Origin

        engine = self.engine(len(data))
        scan = engine.scan(data, path)
        found, _ = findings_of(engine, Document(data, Origin(kind, path)), scan.matches, 1)
        return found, list(scan.incidents)

    def content(self, data: bytes, path: str, kind: str = "blob") -> tuple[list[Finding], list[str]]:
        """The same, and what is in them if they are an archive."""
        from leakguard.model import Origin
        from leakguard.pipeline import scan_leaves
        from leakguard.sources.inside.magic import ISO_HEAD, NESTED_ONLY, ends_as_zip, kind_of
        from leakguard.sources.inside.walk import Tally, leaves_in

        policy = policy_of(self.settings)
        packed = kind_of(data[:ISO_HEAD], path) or ("zip" if ends_as_zip(data) else "")
        if policy.inside is None or not packed or packed in NESTED_ONLY:
            return self.text(data, path, kind)
        incidents: list[Incident] = []
        tally = Tally()
        leaves = leaves_in(data, Origin(kind, path), packed, policy.inside, incidents.append, tally=tally)
        done = scan_leaves(self.engine(len(data)), leaves, policy, incidents, tally)
        return done.findings, [incident.reason for incident in done.incidents if incident.state != "skipped"]

    def shown(self, text: str) -> str:
        """A path or a sentence with what is secret in it masked."""
        if self._mask is None:
            from leakguard.paths import Mask

            self._mask = Mask(self.engine()).text
        return self._mask(text)

    def gaps(self, incidents: Iterable[Incident]) -> list[str]:
        """What could not be read, a printable line each."""
        from leakguard.report.common import printable

        told = [(i.origin, i.reason) for i in incidents if i.state != "skipped"]
        return [f"{printable(self.shown(origin))}: {printable(self.shown(reason))}" for origin, reason in told]


def read_private(path: str) -> bytes:
    """A file's bytes. UsageError if it cannot be read."""
    from leakguard.errors import UsageError
    from leakguard.given import content

    try:
        return content(path)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or 'cannot be read'}") from None
