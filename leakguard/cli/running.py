"""One run of `leakguard scan`, from options to an exit code: settings, the pipeline, report, receipt and summary.

Takes the options as a mapping, whoever read them (cli/scan.py by click, cli/quick.py without it), and never imports click, which
takes as long as all else of a start. Everything heavy is imported where it is used: this module is on the path of every start.
`leakguard git` and `leakguard image` are runs as well.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TextIO

from leakguard.cli.archives import given, limits
from leakguard.cli.suppression import base_of, from_base, overrides, untrusted_lines
from leakguard.errors import EXIT_FINDINGS, EXIT_INTERRUPTED, LeakguardError, UsageError

if TYPE_CHECKING:
    from leakguard.config import Settings
    from leakguard.work import Policy

_CARRYING = frozenset({"text", "json", "jsonl", "csv"})
"""Formats that show secrets if they are asked for; all others are made to be uploaded."""


class Run:
    """One run of the command."""

    repo = ""
    """For a command about one repository: where it is."""

    def __init__(self, paths: tuple[str, ...], options: dict[str, Any]) -> None:
        from leakguard import accepted, config

        self.paths = paths
        self.options = options
        keys = ("rules", "only", "exclude", "preview", "import_gitleaks", "include_paths", "exclude_paths", "skip_dirs",
                "gitignore", "git_objects", "follow_symlinks", "max_size", "decode_depth", "min_severity", "min_confidence",
                "jobs")  # fmt: skip
        asked = {key: options[key] for key in keys} | overrides(options) | given(options)
        asked["format"] = options["fmt"]
        files = [path for path in paths if path != "-"]
        trust, self.base = options["trust_target"], base_of(options, self.repo)
        self.loaded = config.load(options["config_file"], files, trust, asked, base=self.base)
        self.settings = self.loaded.settings
        self.accepted = accepted.load(
            self.settings, files, trust, use_baseline=not options["no_baseline"], base=self.base
        )
        self.started = _now()
        self.engine: Any = None
        self.mask: Callable[[str], str] = str

    def run(self) -> int:
        """Scans, reports and says the exit code. UsageError, OutputError."""
        from leakguard.report import FORMATS

        if self.settings.format not in FORMATS:
            from leakguard.report import unknown_format

            raise UsageError(unknown_format(self.settings.format))
        try:
            result, interrupted = self._scan()
        finally:
            if self.base is not None:
                self.base.close()
        result = self._shown(self.accepted.apply(result))
        context = self._context(result, interrupted)
        problem = self._report(result, context)
        if not self.options["quiet"]:
            from leakguard.report.common import printable
            from leakguard.report.receipt import summary_lines

            for path in self.loaded.untrusted:
                _say(f"leakguard: {printable(self.mask(path))} lies inside the target and is not used (--trust-target)")
            for line in (*untrusted_lines(self.accepted), *summary_lines(result, context)):
                _say(line)
        if problem is not None:
            raise problem
        return int(context.exit_code or 0)

    # ------------------------------------------------------------ scanning
    def _engine(self, expected: int) -> Any:
        import gc

        from leakguard.detect import cache
        from leakguard.detect.engine import Engine
        from leakguard.triage.fingerprint import key_from

        settings = from_base(self.settings, self.base)
        selection = cache.Selection(
            settings.rules, settings.only, settings.exclude, settings.preview, True, settings.import_gitleaks
        )
        loaded = cache.load(selection, expected, "" if self.options["no_cache"] else None)
        self.engine = Engine(
            loaded.ruleset,
            loaded.stage1,
            key_from(self.accepted.key),
            keep_secrets=self.options["show_secrets"],
            decode_depth=settings.decode_depth,
            include_examples=self.options["include_examples"],
        )
        # Rules and modules stay to the end: looking through them for garbage again and again costs some of a scan's time.
        # Here and not in the pipeline: only who owns the process may set this.
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)
        gc.enable()
        return self.engine

    def _scan(self) -> tuple[Any, bool]:
        from leakguard.collector import Collector
        from leakguard.pipeline import scan_files, scan_standard_input
        from leakguard.sources.files import FileTask, Options, walk
        from leakguard.work import Unit

        settings = self.settings
        policy = policy_of(settings)._replace(git=settings.git_objects)
        incidents: list[Any] = []
        walking = Options(
            settings.gitignore, settings.include_paths, settings.exclude_paths, settings.max_size,
            settings.follow_symlinks, settings.skip_dirs, strict=settings.strict, git=settings.git_objects,
        )  # fmt: skip
        files = [path for path in self.paths if path != "-"]
        tasks = walk(files, walking, incidents.append)
        progress = progress_bar(self.options["quiet"])
        jobs = settings.jobs or cores()
        interrupt = Interrupt()
        collector = Collector(interrupt.checked(progress))
        collector.accounts = True
        try:
            if "-" in self.paths:
                engine = self._engine(0)
                collector.add(Unit(FileTask("<stdin>", "", 0)), scan_standard_input(engine, 0, policy))
            if files:
                scan_files(tasks, lambda n: self.engine or self._engine(n), policy, jobs, collector)
        except KeyboardInterrupt:
            return collector.result(incidents), True
        finally:
            interrupt.restore()
            if progress is not None:
                progress.close()
        result = collector.result(incidents)
        if settings.include_paths and not result.totals.objects and not any(i.state == "failed" for i in result.incidents):
            # Asked for by name and not there: a misspelled glob must not look like a clean tree.
            raise UsageError(f"no file matches --include-path {' '.join(settings.include_paths)}")
        return result, False

    # ------------------------------------------------------------ telling
    def _shown(self, result: Any) -> Any:
        """The result as it may be told: what a name holds is masked, unless secrets were asked for."""
        if self.options["show_secrets"] and self.settings.format in _CARRYING:
            return result
        from leakguard.paths import masked

        result, mask = masked(result, self.engine or self._engine(0))
        self.mask = mask.text
        return result

    def _context(self, result: Any, interrupted: bool) -> Any:
        from leakguard import config
        from leakguard.report import ReportContext, RuleInfo
        from leakguard.report.common import exit_code
        from leakguard.version import __version__

        fmt = self.settings.format
        rules = self.engine.ruleset.rules if self.engine is not None else ()
        infos = {}
        if fmt == "sarif":
            references = {v.provider: v.references for v in self.engine.ruleset.venues} if self.engine else {}
            infos = {
                r.id: RuleInfo(r.title, r.why, r.fix, r.severity, references.get(r.provider, ()), r.tags) for r in rules
            }
        context = ReportContext(
            version=__version__,
            rules_digest=self.engine.ruleset.digest if self.engine is not None else "",
            config_digest=config.digest(self.settings),
            started=self.started,
            finished=_now(),
            color=self._color(),
            width=_width(),
            show_secrets=self.options["show_secrets"],
            show_suppressed=self.settings.show_suppressed,
            rules=infos,
            rules_count=len(rules),
            targets=tuple(map(self.mask, self.paths)),
            arguments=tuple(map(self.mask, sys.argv[1:])),
            config_sources=tuple(map(self.mask, self.loaded.sources)),
            interrupted=interrupted,
        )
        code = exit_code(result, context)
        if code == EXIT_FINDINGS:
            code = (
                0
                if self.options["exit_zero"]
                else self.options["exit_code"]
                if self.options["exit_code"] is not None
                else code
            )
        return context._replace(exit_code=EXIT_INTERRUPTED if interrupted else code)

    def _color(self) -> bool:
        wanted = self.options["color"]
        if wanted == "auto":
            # an empty NO_COLOR is none (no-color.org)
            return self.options["output"] == "-" and not os.environ.get("NO_COLOR") and _draws(sys.stdout)
        return bool(wanted == "always")

    def _report(self, result: Any, context: Any) -> LeakguardError | None:
        """Writes report and receipt; returns what went wrong with the report."""
        from leakguard.report import render
        from leakguard.report.output import write_atomic
        from leakguard.report.receipt import render_receipt

        fmt = self.settings.format
        problem: LeakguardError | None = None
        try:
            write_atomic(
                self.options["output"], lambda out: render(result, fmt, out, context), private=context.show_secrets
            )
        except LeakguardError as error:
            problem = error  # the receipt is still worth having
            context = context._replace(exit_code=error.exit_code)
        if self.options["receipt"]:
            write_atomic(self.options["receipt"], lambda out: render_receipt(result, out, context))
        return problem


class Interrupt:
    """^C, remembered: Python drops an exception that a finalizer happens to raise, and a scan must not go on then."""

    def __init__(self) -> None:
        from signal import SIGINT, signal

        self.came = False
        self.restore: Callable[[], object] = _nothing
        try:
            before = signal(SIGINT, self._handle)
        except ValueError:  # not the main thread (somebody's test): then ^C is not ours either
            return
        self.restore = lambda: signal(SIGINT, before)

    def _handle(self, _number: int, _frame: object) -> None:
        self.came = True
        raise KeyboardInterrupt

    def checked(self, progress: Callable[[int, int], None] | None) -> Callable[[int, int], None]:
        """What to call after each unit of work."""

        def check(objects: int, size: int) -> None:
            if self.came:
                raise KeyboardInterrupt
            if progress is not None:
                progress(objects, size)

        return check


def _nothing() -> None:
    return None


def _say(line: str) -> None:
    """A line for the user, on standard error if there is one."""
    if sys.stderr is not None:
        sys.stderr.write(line + "\n")
        sys.stderr.flush()


def _now() -> Any:
    from datetime import UTC, datetime

    return datetime.now(UTC)


def _draws(stream: TextIO) -> bool:
    """Whether a stream is a terminal that understands escape sequences."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def _width() -> int:
    if not sys.stdout.isatty():
        return 100
    from shutil import get_terminal_size

    return max(60, min(160, get_terminal_size((100, 24)).columns))


def policy_of(settings: Settings) -> Policy:
    """What settings say of what is reported, and of how far to look into things."""
    from leakguard.model import Confidence, Severity
    from leakguard.work import Policy

    severity, confidence = Severity[settings.min_severity.upper()], Confidence[settings.min_confidence.upper()]
    return Policy(int(severity), int(confidence), limits(settings), settings.strict)


def cores() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def progress_bar(quiet: bool) -> Any:
    """Something to call with (objects, bytes), or None where nobody looks."""
    if quiet or not _draws(sys.stderr):
        return None
    from leakguard.cli.progress import Progress

    return Progress(sys.stderr)
