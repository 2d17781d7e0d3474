"""`leakguard scan` as nearly everybody calls it, without click: its import takes as long as all else of a start.

Reads only what can be read in one way: anything else (help, a mistake, an abbreviation, `--`) is click's to read and to
explain, and then nothing was done here. What is read is what click would have read (tests/cli/test_quick.py asks both for every
option of cli/scan.py), and what goes wrong is told by cli/main.py as ever. Imported by __main__ only.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

_SWITCHES = (
    "preview", "gitignore", "git_objects", "follow_symlinks", "archives", "ocr", "strict", "inline", "foreign_comments",
    "show_suppressed",
)  # fmt: skip
"""Options with a --no- beside them, by the names of their values."""
_MARKS = ("no_baseline", "show_secrets", "include_examples", "exit_zero", "trust_target", "no_cache", "quiet")
_TEXTS = {
    "--format": "fmt", "--output": "output", "--receipt": "receipt", "--baseline": "baseline", "--trust-base": "trust_base",
    "--config": "config_file",
}  # fmt: skip
_LISTS = {
    "--rules": "rules", "--only": "only", "--exclude": "exclude", "--import-gitleaks": "import_gitleaks",
    "--include-path": "include_paths", "--exclude-path": "exclude_paths", "--skip-dir": "skip_dirs",
}  # fmt: skip
_MOST = 10**18 - 1
_NUMBERS = {
    "max_size": (0, _MOST), "decode_depth": (0, 8), "jobs": (0, _MOST), "exit_code": (0, 255), "archive_depth": (1, 32),
    "archive_ratio": (0, _MOST), "archive_members": (0, _MOST), "archive_bytes": (0, _MOST), "archive_seconds": (0, _MOST),
}  # fmt: skip
_LEVELS = ("info", "low", "medium", "high", "critical")
_CHOICES = {
    "min_severity": _LEVELS, "suppress_up_to": _LEVELS, "min_confidence": ("low", "medium", "high", "certain"),
    "color": ("auto", "always", "never"),
}  # fmt: skip
_SHORT = {"-f": "--format", "-o": "--output", "-c": "--config", "-j": "--jobs", "-q": "--quiet"}


def run(arguments: Sequence[str]) -> int | None:
    """Runs a command line and returns the exit code of the process; None, and nothing was done, for one that click is to read."""
    if os.name != "posix" or "_LEAKGUARD_COMPLETE" in os.environ:  # click expands patterns for Windows, and completes
        return None
    options = parsed(arguments)
    if options is None:
        return None
    try:
        import gc

        gc.disable()  # until the engine is made: looking through what is imported for garbage is a tenth of importing it
        from leakguard.cli.running import Run

        return Run(options.pop("paths"), options).run()
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - told by whoever tells everything, and by no means lost
        from leakguard.cli.main import told

        return told(error)


def parsed(arguments: Sequence[str]) -> dict[str, Any] | None:
    """The values of `scan`'s options and paths, or None for what is not simple."""
    if arguments[:1] != ["scan"]:
        return None
    values: dict[str, Any] = {
        **dict.fromkeys((*_SWITCHES, *_NUMBERS, *_CHOICES, *_TEXTS.values())), **dict.fromkeys(_MARKS, False),
        **dict.fromkeys(_LISTS.values(), ()), "output": "-", "color": "auto",
    }  # fmt: skip
    paths: list[str] = []
    waiting = iter(arguments[1:])
    for argument in waiting:
        if argument == "-" or (argument and argument[0] != "-"):
            paths.append(argument)
            continue
        name, equals, value = _SHORT.get(argument, argument).partition("=")
        known = name.removeprefix("--").replace("-", "_") if name.startswith("--") and "_" not in name else ""
        if not equals and known in _MARKS:
            values[known] = True
        elif not equals and known.removeprefix("no_") in _SWITCHES:
            values[known.removeprefix("no_")] = not known.startswith("no_")
        elif not _took(values, name, known, value if equals else next(waiting, "")):
            return None
    if not paths:
        return None
    return values | {"paths": tuple(paths)}


def _took(values: dict[str, Any], name: str, known: str, value: str) -> bool:
    """Whether a value is one for this option, which has it then."""
    if not value or (value[0] == "-" and value != "-"):
        return False
    if name in _TEXTS:
        values[_TEXTS[name]] = value
    elif name in _LISTS:
        values[_LISTS[name]] += (value,)
    elif known in _CHOICES and value in _CHOICES[known]:
        values[known] = value
    elif known in _NUMBERS and len(value) <= len(str(_MOST)) and value.isascii() and value.isdigit():
        least, most = _NUMBERS[known]
        values[known] = number = int(value)
        return least <= number <= most
    else:
        return False
    return True


__all__ = ["parsed", "run"]
