"""BLAKE2b, which names everything here, without OpenSSL: `hashlib` loads that first, a fortieth of a start-up.

A leaf: imports nothing of the project, may be imported by everything.
"""

try:
    from _blake2 import blake2b
except ImportError:  # another Python's business; the function is the same
    from hashlib import blake2b

__all__ = ["blake2b"]
