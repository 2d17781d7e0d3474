"""`leakguard redact`: standard input, files, a child's outputs, without secrets; and logs that exist, cleaned in place.

Turns options into a Redactor and moves bytes; ends as what it stands for does: like `cat` when its reader goes away, with
the child's exit code after `--`. Everything heavy is imported where it is used.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any, BinaryIO

import click

from leakguard.cli.scan import rule_options
from leakguard.errors import EXIT_CLEAN, EXIT_INCOMPLETE, EXIT_INTERRUPTED, OutputError, SourceError, UsageError


class _Command(click.Command):
    """Keeps what follows `--` apart: it is a command line and not ours."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if "--" in args:
            at = args.index("--")
            ctx.meta["leakguard.child"] = args[at + 1 :]
            args = args[:at]
        return super().parse_args(ctx, args)


@click.command(cls=_Command)
@click.argument("paths", nargs=-1, metavar="[FILE]... [-- COMMAND]")
@click.option("--follow", is_flag=True, help="Go on as the files grow, and through their rotation.")
@click.option("--in-place", is_flag=True, help="Clean the files themselves (folders: every file in them).")
@click.option("--dry-run", is_flag=True, help="With --in-place: say what would be done.")
@click.option("--force", is_flag=True, help="With --in-place: also files that are in use, have several names, or are binary.")
@click.option(
    "--backup", type=click.Choice(["none", "sealed"]), default="none",
    help="With --in-place: keep the old file beside it, encrypted to --recipient. [none]",
)  # fmt: skip
@click.option("--manifest", metavar="FILE", help="With --in-place: what was done, as JSON. [leakguard-redact-TIME.json]")
@click.option("--recipient", metavar="KEY", help="age or SSH public key for --backup sealed and --escrow.")
@click.option("--escrow", metavar="FILE", help="Append what is masked to FILE, sealed to --recipient.")
@click.option("--unseal", metavar="IDENTITY", help="Print what the escrow FILE holds, with this private key.")
@click.option("--env", metavar="GLOB", multiple=True, help="Mask the values of these environment variables.")
@click.option("--known", metavar="FILE", multiple=True, help="Mask the secrets in FILE (.env, JSON, or one value).")
@click.option("--name", metavar="NAME", multiple=True, help="Also mask what stands under this name.")
@click.option("--allow", metavar="NAME", multiple=True, help="Do not mask what stands under this name for its name.")
@click.option("--style", type=click.Choice(["token", "length", "format"]), default="token", help="[token]")
@click.option("--no-pseudonyms", is_flag=True, help="Do not say which secret a replacement stands for.")
@click.option(
    "--on-error", type=click.Choice(["closed", "open"]), default="closed",
    help="What becomes of a line that cannot be checked: masked, or passed on. [closed]",
)  # fmt: skip
@click.option("--stats", is_flag=True, help="Say on standard error what was done.")
@rule_options
@click.option("-c", "--config", "config_file", metavar="FILE", help="Use this configuration.")
@click.pass_context
def redact(ctx: click.Context, /, paths: tuple[str, ...], **options: Any) -> int:
    """Copy standard input or FILEs to standard output without secrets.

    After `--` runs COMMAND with its outputs redacted and ends with its exit code. With --in-place cleans files that
    exist. Ends with 0, with 2 for a mistake in options or rules, with 3 if something could not be read or checked.
    """
    child = ctx.meta.get("leakguard.child")
    if options["unseal"]:
        return _unseal(paths, options["unseal"])
    from leakguard.redact import wide

    _check(paths, child, options)
    _descriptors(reads=not (child or options["in_place"]) and "-" in (paths or ("-",)), writes=not options["in_place"])
    redactor = _redactor(paths, options)
    wide.prepare(redactor)
    _settle(redactor)
    if options["in_place"]:
        code = _in_place(redactor, paths, options)
    elif child:
        code = _child(redactor, child)
    else:
        code = _copy(redactor, paths, options["follow"])
    _told(redactor, options["stats"])
    stats = redactor.stats()
    incomplete = stats.errors or stats.floods or _dropped(redactor)
    return code or (EXIT_INCOMPLETE if not child and incomplete else EXIT_CLEAN)


def _check(paths: tuple[str, ...], child: list[str] | None, options: dict[str, Any]) -> None:
    if child is not None and not child:
        raise UsageError("redact: no COMMAND after --")
    if child and (paths or options["in_place"] or options["follow"]):
        raise UsageError("redact: files or a command after --, not both")
    if options["in_place"] and not paths:
        raise UsageError("redact: --in-place needs a PATH")
    if options["follow"] and (not paths or options["in_place"]):
        raise UsageError("redact: --follow needs FILEs, and no --in-place")
    if (options["backup"] == "sealed" or options["escrow"]) and not options["recipient"]:
        raise UsageError("redact: --backup sealed and --escrow need a --recipient")
    for name in ("dry_run", "force", "manifest"):
        if options[name] and not options["in_place"]:
            raise UsageError(f"redact: --{name.replace('_', '-')} goes with --in-place")


def _shut(number: int) -> bool:
    """Whether a standard stream cannot be what it is for: __main__ puts such a one in the place of one that is closed."""
    try:
        from fcntl import F_GETFL, fcntl
    except ImportError:  # Windows
        return False
    try:
        way = fcntl(number, F_GETFL) & os.O_ACCMODE
    except OSError:
        return True
    return way == (os.O_RDONLY if number else os.O_WRONLY)


def _descriptors(*, reads: bool, writes: bool) -> None:
    """Where we were started with a standard stream closed, the next file or pipe of our own would take its number: we would
    read from ourselves for ever, or write a log into it."""
    missing = [number for number, stream in enumerate((sys.stdin, sys.stdout, sys.stderr)) if stream is None or _shut(number)]
    if 0 in missing and reads:
        raise SourceError("standard input", "is closed")
    if 1 in missing and writes:
        raise OutputError("standard output: is closed")
    for number in missing:
        null = os.open(os.devnull, os.O_RDWR)
        if null != number:
            os.dup2(null, number)
            os.close(null)


def _redactor(paths: tuple[str, ...], options: dict[str, Any]) -> Any:
    from leakguard import config
    from leakguard.detect import cache
    from leakguard.redact.core import Policy, Redactor

    overrides = {key: options[key] for key in ("rules", "only", "exclude", "preview", "import_gitleaks")}
    settings = config.load(options["config_file"], list(paths), False, overrides).settings
    selection = cache.Selection(
        settings.rules, settings.only, settings.exclude, settings.preview, True, settings.import_gitleaks
    )
    escrow = None
    if options["escrow"]:
        from leakguard.redact.escrow import Escrow

        escrow = Escrow(options["escrow"], options["recipient"])
    policy = Policy(
        style=options["style"], on_error=options["on_error"], pseudonyms=not options["no_pseudonyms"],
        names=options["name"], allow=options["allow"],
    )  # fmt: skip
    redactor = Redactor(policy, key=settings.fingerprint_key, selection=selection, escrow=escrow)
    if options["env"] and not redactor.register_environment(*options["env"]):
        _say(f"--env {' '.join(options['env'])}: no variable has a value that could be masked")
    for path in options["known"]:
        try:
            taken = redactor.register_file(path)
        except OSError as error:
            raise SourceError(path, error.strerror or "cannot be read") from None
        if not taken:
            _say(f"--known {path}: no value of it is masked; of .env and JSON those are taken that are named like secrets")
    return redactor


def _settle(redactor: Any) -> None:
    """Before the first line comes: nothing is left to be loaded, or looked through for garbage, while it waits."""
    import gc

    from leakguard.redact.helper import warm

    warm(redactor)
    gc.freeze()  # rules and modules stay to the end
    gc.set_threshold(50_000, 20, 100)


# ---------------------------------------------------------------- streams
def _copy(redactor: Any, paths: tuple[str, ...], follow: bool) -> int:
    from leakguard.redact.pump import Stop, writer
    from leakguard.redact.pump import follow as followed

    _like_cat()
    write = _to_stdout(writer(1))
    code = EXIT_CLEAN
    with Stop() as stop:
        try:
            if follow:
                followed(redactor, paths, write, lambda: not stop.number)
            else:
                code = max([_copied(redactor, path, write, stop) for path in paths or ("-",)])
        except KeyboardInterrupt:
            pass  # a second signal: the first one says how it ends
        except OSError as error:
            if not follow:
                raise
            raise SourceError(str(error.filename or "redact"), error.strerror or "cannot be read") from None
    if stop.number:
        return EXIT_INTERRUPTED if stop.number == signal.SIGINT else 128 + stop.number
    return code


def _like_cat() -> None:
    """A reader that goes away ends us as it ends cat."""
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)


def _to_stdout(write: Any) -> Any:
    """`write`, whose failures are those of standard output and not of what was read."""

    def put(data: bytes) -> None:
        try:
            write(data)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputError(f"standard output: {error.strerror}") from None

    return put


def _copied(redactor: Any, path: str, write: Any, stop: Any) -> int:
    from leakguard.redact.helper import Pair
    from leakguard.redact.pump import pump
    from leakguard.redact.recoded import Recoding

    if stop.number:
        return EXIT_CLEAN
    try:
        handle = 0 if path == "-" else os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    except OSError as error:
        _say(f"{path}: {error.strerror}")
        return EXIT_INCOMPLETE
    stream = Recoding(redactor, write, Pair)
    try:
        pump(handle, stream, stop)
    except IsADirectoryError as error:
        _say(f"{path}: {error.strerror}")
        return EXIT_INCOMPLETE
    finally:
        stream.close()
        if handle:
            os.close(handle)
    return EXIT_CLEAN


def _child(redactor: Any, command: list[str]) -> int:
    from leakguard.redact import child

    _like_cat()
    try:
        return child.run(redactor, command)
    except FileNotFoundError:
        _say(f"{command[0]}: command not found")
        return child.NOT_FOUND
    except PermissionError:
        _say(f"{command[0]}: cannot be run")
        return child.NOT_RUNNABLE


# ---------------------------------------------------------------- files
def _in_place(redactor: Any, paths: tuple[str, ...], options: dict[str, Any]) -> int:
    from leakguard.redact import files

    backup = _sealed(options["recipient"]) if options["backup"] == "sealed" else None
    wanted = files.Options(options["dry_run"], options["force"], backup)
    results = []
    for path in files.walk(paths):
        done = files.clean(redactor, path, wanted)
        results.append(done)
        what = f"{done.replaced} replaced" if done.state in ("cleaned", "would-clean") else done.reason
        if done.state != "clean":
            _say(f"{done.path}: {done.state}{': ' if what else ''}{what}", sys.stdout if not done.reason else sys.stderr)
    if not options["dry_run"] or options["manifest"]:
        _manifest(results, options)
    return EXIT_INCOMPLETE if any(done.state in ("refused", "failed") for done in results) else EXIT_CLEAN


def _sealed(public_key: str) -> Any:
    """Keeps an encrypted copy of a file beside it, `.age`, and never over another one."""
    from leakguard.redact import escrow

    keys = [escrow.recipient(public_key)]

    def backup(path: str, handle: int) -> str:
        target = path + ".age"
        with os.fdopen(os.dup(handle), "rb") as old:
            old.seek(0)
            with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as new:
                try:
                    escrow.seal_file(old, new, keys)
                    new.flush()
                    os.fsync(new.fileno())
                except BaseException:  # half of one is none, and would keep the next one from being made
                    os.unlink(target)
                    raise
        return target

    return backup


def _manifest(results: list[Any], options: dict[str, Any]) -> None:
    import json
    import time

    from leakguard.report.output import write_atomic
    from leakguard.version import __version__

    now = time.gmtime()
    path = options["manifest"] or time.strftime("leakguard-redact-%Y%m%dT%H%M%SZ.json", now)
    document = {
        "tool": f"leakguard {__version__}",
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", now),
        "dry_run": options["dry_run"],
        "files": [done.as_json() for done in results],
    }
    text = json.dumps(document, indent=1, ensure_ascii=True).encode() + b"\n"

    def writer(out: BinaryIO) -> None:
        out.write(text)

    write_atomic(path, writer, private=True)


def _unseal(paths: tuple[str, ...], identity: str) -> int:
    import json

    from leakguard.redact.escrow import unseal

    if len(paths) != 1:
        raise UsageError("redact: --unseal needs one escrow FILE")
    for entry in unseal(paths[0], identity):
        row = {"time": entry.time, "kind": entry.kind, "pseudonym": entry.pseudonym,
               "secret": entry.secret.decode("utf-8", "backslashreplace")}  # fmt: skip
        click.echo(json.dumps(row))
    return EXIT_CLEAN


# ---------------------------------------------------------------- telling
def _dropped(redactor: Any) -> int:
    """What an escrow was to keep and does not."""
    return redactor.escrow.dropped if redactor.escrow is not None else 0


def _told(redactor: Any, wanted: bool) -> None:
    stats = redactor.stats()
    if stats.refused:
        _say(f"{stats.refused} known values are too short or too plain to be masked everywhere")
    if stats.errors or stats.floods:
        _say(f"{stats.errors} lines could not be checked, {stats.floods} were made of triggers")
    if _dropped(redactor):
        _say(f"{_dropped(redactor)} masked values could not be put into the escrow")
    if wanted:
        kinds = ", ".join(f"{kind} {number}" for kind, number in sorted(stats.kinds.items()))
        _say(f"{sum(stats.kinds.values())} replaced{': ' if kinds else ''}{kinds}")


def _say(message: str, out: Any = None) -> None:
    from leakguard.report.common import printable

    click.echo(f"leakguard: {printable(message)}", file=out or sys.stderr)
