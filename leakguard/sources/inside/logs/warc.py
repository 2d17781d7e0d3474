"""WARC: what crawlers keep of the web, answers of HTTP among it as they came: in chunks, packed.

Promises: the text is that of the file, but that chunks are put together and bodies in brotli or raw Deflate are unpacked; nothing of it
is left out. Imported by `sources.inside.walk`.
"""

from __future__ import annotations

from collections.abc import Iterator

from leakguard.sources.inside.base import CHUNK, Context, Member, Pieces, Stream
from leakguard.sources.inside.logs.chunked import Chunks


def warc(stream: Stream, context: Context) -> Iterator[Member]:
    """All records, one behind the other."""
    yield Member("@records", Pieces(_pieces(stream, context)), kind="view")


def _pieces(stream: Stream, context: Context) -> Iterator[bytes]:
    chunks = Chunks(context.tell)
    while data := stream.read(CHUNK):
        if out := chunks.feed(data):
            yield out
    if out := chunks.rest():
        yield out


__all__ = ["warc"]
