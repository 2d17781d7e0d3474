"""The version, alone so that nothing else is imported to learn it."""

__version__ = "0.1.0"
