"""`python -m leakguard` and the `leakguard` command: hands over to the command line, and ends the process with its exit code.

Never imports more than the name it calls, so that what start-up costs is decided in one place; ^C while that is being
imported ends as 130 without a traceback, as it does later. No file that is opened later gets the number of a standard
stream that whoever started us had closed. Imported by nobody.
"""

from __future__ import annotations

import sys


def main() -> None:
    """The entry point. Does not come back."""
    if None in (sys.stdin, sys.stdout, sys.stderr):
        _reopen()
    try:
        from leakguard.cli.quick import run as quick

        code = quick(sys.argv[1:])
        if code is None:
            from leakguard.cli.main import main as run
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    try:
        if code is None:
            run()
        sys.exit(code)
    except SystemExit as ended:
        _leave(ended.code)
        raise


def _reopen() -> None:
    """Puts something in the place of standard streams that are closed: reading the input and writing the output fail as
    they would, and messages are lost. Else the next file that is opened, a report or a cache, would be descriptor 1, and
    what is printed would go into it."""
    import os

    # in this order, for a new descriptor is the lowest that is free
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            # the wrong way round on purpose, but for messages: a read or a write is then the error it has to be
            os.open(os.devnull, os.O_RDONLY if number == 1 else os.O_WRONLY)
            setattr(sys, name, open(number, mode, encoding="utf-8", errors="backslashreplace", closefd=False))  # noqa: SIM115


def _leave(code: object) -> None:
    """Ends the process as SystemExit would, but does not take the interpreter apart object by object: a twentieth of the time
    of a scan. What registered itself for the end is called, and what was written is written out. Comes back where only
    the ordinary way will do: another thread goes on, somebody traces, the exit code is a text, an output is gone."""
    import atexit
    import os

    threading = sys.modules.get("threading")
    if sys.gettrace() or sys.getprofile() or (threading is not None and threading.active_count() > 1):
        return
    if not isinstance(code, int | None):
        return
    atexit._run_exitfuncs()
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except (OSError, ValueError):
        return  # Python's own way says so
    try:
        if sys.stderr is not None:
            sys.stderr.flush()
    except (OSError, ValueError):
        code = code or 3  # the verdict could not be written; Python would make 120 of a 1, too
    os._exit((code or 0) & 0xFF)


if __name__ == "__main__":
    main()
