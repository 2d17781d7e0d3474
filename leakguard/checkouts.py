"""Files of work trees, and the blobs in their repositories' packs that hold the same: such a blob is not scanned again.

For `leakguard scan --git-objects`. What is reported and counted is what scanning each of them gives: a file tells what its
content is only if nothing would be found in a blob with that content (detect/twin.py), and the digest is made of the bytes
that were scanned, of the file as of the blob. A file that was changed has another one, and its blob is scanned.
Imported by pieces.py.
"""

from __future__ import annotations

from hashlib import sha256

from leakguard.detect.engine import Engine
from leakguard.detect.twin import ELSEWHERE, Twin
from leakguard.pipeline import scan_unit
from leakguard.work import Content, Done, Policy, Unit

MOST = 1024 * 1024
"""Bytes of a content up to which its digest is made."""

_twins: list[tuple[Engine, Twin]] = []
"""Of the engine that scans here."""


def scan_file(engine: Engine, unit: Unit, policy: Policy) -> Done:
    """Scans a unit as `scan_unit` does, and tells its content if a blob with it is sure to hold nothing."""
    if not _twins or _twins[0][0] is not engine:
        _twins[:] = [(engine, Twin(engine))]
    twin = _twins[0][1]
    twin.begin()
    done = scan_unit(twin, unit, policy)
    silent = twin.silent()
    if silent is None or done != Done([], [], 0, done.bytes, done.views, done.view_bytes, []):
        return done
    data, views, view_bytes = silent
    if not 0 < len(data) <= MOST or done.bytes != len(data):
        return done
    return done._replace(content=Content(sha256(data).digest(), ELSEWHERE, views, view_bytes))
