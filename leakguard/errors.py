"""The errors leakguard raises, each owning its exit code.

A leaf: imports nothing of the project, may be imported by everything. No message ever holds a secret:
callers name the culprit (file, rule, field, option), never the content.

Exit codes: 0 everything asked for was read and nothing was found; 1 findings; 2 usage, configuration or rule
pack; 3 something asked for could not be read; 130 interrupted.
"""

from __future__ import annotations

EXIT_CLEAN = 0
EXIT_FINDINGS = 1
EXIT_USAGE = 2
EXIT_INCOMPLETE = 3
EXIT_INTERRUPTED = 130


class LeakguardError(Exception):
    """Anything leakguard stops for. `exit_code` is what the process ends with."""

    exit_code = EXIT_INCOMPLETE

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class UsageError(LeakguardError):
    """A bad option, path or combination of options."""

    exit_code = EXIT_USAGE


class ConfigError(UsageError):
    """A configuration file that cannot be used as it stands."""

    def __init__(self, file: str, field: str, reason: str) -> None:
        super().__init__(f"{file}: {field}: {reason}" if field else f"{file}: {reason}")
        self.file = file
        self.field = field
        self.reason = reason


class RulePackError(UsageError):
    """A rule pack that cannot be used: names file, rule (or pack) and field."""

    def __init__(self, file: str, rule: str, field: str, reason: str) -> None:
        where = ": ".join(part for part in (file, rule, field) if part)
        super().__init__(f"{where}: {reason}")
        self.file = file
        self.rule = rule
        self.field = field
        self.reason = reason


class SourceError(LeakguardError):
    """Something that was asked for could not be read."""

    exit_code = EXIT_INCOMPLETE

    def __init__(self, origin: str, reason: str) -> None:
        super().__init__(f"{origin}: {reason}")
        self.origin = origin
        self.reason = reason


class EngineError(LeakguardError):
    """The engine failed on a document. Raised `from None`: a cause's frames could hold a secret."""

    exit_code = EXIT_INCOMPLETE

    def __init__(self, rule: str, reason: str) -> None:
        super().__init__(f"engine: {rule}: {reason}")
        self.rule = rule
        self.reason = reason


class OutputError(LeakguardError):
    """A report or receipt could not be written."""

    exit_code = EXIT_INCOMPLETE
