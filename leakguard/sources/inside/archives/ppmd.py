"""PPMd, as zips hold it (variant I): one member, by the package pyppmd.

Promises: memory is what the member's header asks for, 256 MiB at most; no more is made than the archive says of the member.
What is read is the length of the content, in eight bytes, and then the member's data. Loaded by the child alone (see `child`).
"""

from __future__ import annotations

from typing import Any

_PIECE = 256 * 1024
_END = b"E"


def read(handle: int, out: Any) -> None:
    """The member's content."""
    import pyppmd  # type: ignore[import-not-found, import-untyped, unused-ignore]

    with open(handle, "rb", closefd=False) as file:
        left = int.from_bytes(file.read(8), "little")
        head = int.from_bytes(file.read(2), "little")
        order, memory, restore = (head & 15) + 1, ((head >> 4 & 255) + 1) << 20, head >> 12
        if order < 2 or restore > 1:
            out.told("broken", "damaged compressed data")
            return
        decoder = pyppmd.Ppmd8Decoder(order, memory, restore)
        out.name("content", left)
        while left > 0 and not decoder.eof:
            data = file.read(_PIECE) if decoder.needs_input else b""
            made = decoder.decode(data, min(left, _PIECE))
            if not made and not data:
                break
            out.data(made)
            left -= len(made)
        out.send(_END)
        if left:
            out.told("broken", "compressed data ends early, or is damaged")
