"""leakguard: finds secrets that leaked, and keeps them out of logs. See docs/architecture.md for the map."""

from leakguard.version import __version__

__all__ = ["__version__"]
