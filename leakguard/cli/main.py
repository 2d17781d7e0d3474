"""The `leakguard` command: finds the subcommand asked for, and turns whatever ends it into an exit code.

A subcommand's module is imported when it is asked for, by the explicit table COMMANDS. Every LeakguardError ends here
as one escaped line on standard error and the error's own exit code; ^C ends as 130 without a traceback, a reader that
went away as a quiet 3, an output that is full or closed as a 3 that says so. An error nobody foresaw shows where it
happened but never its message (it could quote what was scanned), and ends as 3: neither "clean" nor "findings" would
be true. Imported by __main__ and quick only.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, NoReturn

import click

from leakguard.errors import EXIT_CLEAN, EXIT_INCOMPLETE, EXIT_INTERRUPTED, EXIT_USAGE, LeakguardError
from leakguard.version import __version__

COMMANDS: Mapping[str, str] = {
    "scan": "leakguard.cli.scan:scan",
    "git": "leakguard.cli.git:git",
    "image": "leakguard.cli.image:image",
    "extract": "leakguard.cli.extract:extract",
    "hook": "leakguard.cli.hook:hook",
    "baseline": "leakguard.cli.baseline:baseline",
    "fix": "leakguard.cli.fix:fix",
    "purge-plan": "leakguard.cli.purge:purge_plan",
    "redact": "leakguard.cli.redact:redact",
    "config": "leakguard.cli.config:config",
    "cache": "leakguard.cli.config:cache",
    "rules": "leakguard.cli.rules:rules",
}
"""name -> "module:command", in the order `--help` lists them."""


class _PipeGone(Exception):  # noqa: N818  # not an error, and click would end a BrokenPipeError with 1: "findings"
    """Whoever read our output stopped reading."""


def _echoing(error: OSError) -> bool:
    """Whether an error came of printing to standard output, and not of anything that was read or opened."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    return last is not None and last.tb_frame.f_code in (click.echo.__code__, Lazy.invoke.__code__)


class Lazy(click.Group):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        where = COMMANDS.get(cmd_name)
        if where is None:
            return None
        module, _, name = where.partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()  # here, not at interpreter exit: a pipe that broke is then handled like any other
            return result
        except BrokenPipeError:
            raise _PipeGone from None


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="leakguard")
def cli() -> None:
    """Find secrets that leaked: in files, history and logs."""


def run(arguments: Sequence[str] | None = None) -> int:
    """Runs one command line and returns the exit code of the process. `arguments` None: those of the process."""
    args = None if arguments is None else list(arguments)
    return _ended(lambda: cli.main(args, prog_name="leakguard", standalone_mode=False))


def told(error: BaseException) -> int:
    """Tells what ended a command that was run without click, as `run` would have; its exit code."""

    def again() -> NoReturn:
        if isinstance(error, BrokenPipeError):
            raise _PipeGone from None
        if isinstance(error, KeyboardInterrupt):
            click.echo(file=sys.stderr)  # as click does: the terminal shows ^C without a line's end
        raise error

    return _ended(again)


def _ended(command: Callable[[], object]) -> int:
    """The exit code of a command, whatever ends it."""
    try:
        code = command()
        return code if isinstance(code, int) else EXIT_CLEAN
    except LeakguardError as error:
        _complain(f"error: {error.message}")
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return EXIT_USAGE  # click's own default is 1, which here means "findings"
    except (click.Abort, KeyboardInterrupt):
        _complain("interrupted")
        return EXIT_INTERRUPTED
    except _PipeGone:
        _silence()
        return EXIT_INCOMPLETE
    except OSError as error:
        if not _echoing(error):
            from leakguard.config import working_folder

            if working_folder():
                return _unforeseen(error)
            _complain("error: the folder this runs in was removed")
            return EXIT_USAGE
        _complain(f"error: standard output: {error.strerror}")
        _silence()
        return EXIT_INCOMPLETE
    except Exception as error:  # noqa: BLE001  # Python would end with 1, "findings", and print the message
        return _unforeseen(error)


def _unforeseen(error: Exception) -> int:
    _complain(f"internal error: {type(error).__name__}, please report it with these lines:")
    _frames(error)
    return EXIT_INCOMPLETE


def _complain(message: str) -> None:
    from leakguard.report.common import printable

    try:
        sys.stderr.write(f"leakguard: {printable(message)}\n")
        sys.stderr.flush()
    except OSError:
        return  # standard error is gone too: the exit code still says it


def _frames(error: Exception) -> None:
    """Where an unforeseen error came from: files, lines and functions, no values."""
    import traceback

    for frame in traceback.extract_tb(error.__traceback__)[-12:]:
        _complain(f"  {os.path.basename(frame.filename)}:{frame.lineno} in {frame.name}")


def _silence() -> None:
    """Points standard output at nothing, so that the interpreter's last flush does not complain either."""
    try:
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, sys.stdout.fileno())
        os.close(nothing)
    except (OSError, ValueError):
        return  # standard output is no file (a test's buffer): there is nothing to flush into


def main() -> NoReturn:
    """The `leakguard` command."""
    sys.exit(run())


__all__ = ["COMMANDS", "cli", "main", "run"]
