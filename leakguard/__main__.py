"""`python -m leakguard` and the `leakguard` command: hands over to the command line, and does nothing else.

Never imports more than the name it calls, so that what start-up costs is decided in one place. Imported by nobody.
"""

from __future__ import annotations


def main() -> None:
    """The entry point."""
    from leakguard.cli.main import main as run

    run()


if __name__ == "__main__":
    main()
