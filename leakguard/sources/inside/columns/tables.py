"""Files of columns (Parquet, Arrow and Feather, Avro, ORC) and Windows' event logs, by the packages of extras.

Promises: the parser runs in a process of its own (`child`), its rows come as text, a section for each and a line
`column = value` for each value of it; a missing package is told by the name of its extra, and the file scanned as it
stands. Imported by `sources.inside.walk`.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

from leakguard.sources.inside import magic
from leakguard.sources.inside.base import Context, Member, Stream, UnreadError
from leakguard.sources.inside.child import parsed

PACKAGES = {
    "parquet": ("pyarrow", "columns"),
    "arrow": ("pyarrow", "columns"),
    "orc": ("pyarrow", "columns"),
    "avro": ("fastavro", "columns"),
    "evtx": ("evtx", "logs"),
}
"""kind -> (package, the extra that has it)."""


def table(stream: Stream, context: Context) -> Iterator[Member]:
    """The rows of a file of one of the kinds above, and what it says of itself."""
    kind = magic.kind_of(stream.peek(magic.HEAD), context.name)
    package, extra = PACKAGES[kind]
    if find_spec(package) is None:
        raise UnreadError(f"install leakguard-scanner[{extra}]")
    yield from parsed(kind, stream, context)
