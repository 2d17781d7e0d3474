"""`python -m leakguard` and the `leakguard` command: hands over to the command line, and ends the process with its exit code.

Never imports more than the name it calls, so that what start-up costs is decided in one place; ^C while that is being
imported ends as 130 without a traceback, as it does later. Imported by nobody.
"""

from __future__ import annotations

import sys


def main() -> None:
    """The entry point. Does not come back."""
    try:
        from leakguard.cli.main import main as run
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    try:
        run()
    except SystemExit as ended:
        _leave(ended.code)
        raise


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
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
    except (OSError, ValueError):
        return  # Python's own way says so
    os._exit((code or 0) & 0xFF)


if __name__ == "__main__":
    main()
