"""`python -m leakguard` and the `leakguard` command: hands over to the command line, and does nothing else.

Never imports more than the name it calls, so that what start-up costs is decided in one place; ^C while that is being
imported ends as 130 without a traceback, as it does later. Imported by nobody.
"""

from __future__ import annotations


def main() -> None:
    """The entry point."""
    try:
        from leakguard.cli.main import main as run
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    run()


if __name__ == "__main__":
    main()
