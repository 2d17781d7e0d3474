"""LZO1X, unpacked in Python: what lzop, Proxmox' dumps and many a squashfs are packed by.

Promises: output is never longer than was asked for, and a reference never leads out of it; what is damaged is a ValueError
that quotes nothing. Some MB a second; the package python-lzo does hundreds, where it is installed.

Knows nothing of the project: the child process (`inside.child`) loads this file by itself.
"""

from __future__ import annotations


def unpacked(data: bytes, size: int) -> bytes:
    """The content of one block, `size` bytes at the most. ValueError."""
    try:
        import lzo  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        return by_hand(data, size)
    try:
        return bytes(lzo.decompress(data, False, size))
    except lzo.error:
        raise ValueError("damaged") from None


def by_hand(data: bytes, size: int) -> bytes:
    """The same without the package."""
    out = bytearray()
    try:
        _unpack(data, size, out)
    except IndexError:
        raise ValueError("damaged") from None
    return bytes(out)


def _unpack(data: bytes, size: int, out: bytearray) -> None:
    """Instructions, each a copy of what stands further up, literals, or both. `state` is how many literals the one before
    brought along, 4 for a run of them."""
    at, state = 0, 0
    if data[0] > 17:
        count = data[0] - 17
        at, state = 1 + count, min(count, 4)
        _take(data, 1, at, out, size)
    while True:
        code = data[at]
        at += 1
        if code < 16 and not state:
            count = code
            if not count:
                count, at = _counted(data, at, 15)
            _take(data, at, at + count + 3, out, size)
            at += count + 3
            state = 4
            continue
        distance, count, state, at = _match(data, at, code, state)
        if not distance:
            return
        low = len(out) - distance
        if low < 0 or len(out) + count > size:
            raise ValueError("damaged")
        if count <= distance:
            out += out[low : low + count]
        else:  # it goes on with what it has just written
            piece = out[low:]
            out += (piece * (count // distance + 1))[:count]
        if state:
            _take(data, at, at + state, out, size)
            at += state


def _match(data: bytes, at: int, code: int, state: int) -> tuple[int, int, int, int]:
    """(how far back, how many bytes, literals behind it, where the next instruction is); nothing back is the end."""
    if code >= 64:
        return 1 + (code >> 2 & 7) + (data[at] << 3), (code >> 5) + 1, code & 3, at + 1
    if code < 16:
        far = state == 4
        return 1 + (code >> 2) + (data[at] << 2) + (2048 if far else 0), 3 if far else 2, code & 3, at + 1
    most = 31 if code >= 32 else 7
    count = code & most
    if not count:
        count, at = _counted(data, at, most)
    pair = data[at] | data[at + 1] << 8
    distance = pair >> 2
    if code >= 32:
        distance += 1
    else:
        distance += (code & 8) << 11
        distance += 0x4000 if distance else 0
    return distance, count + 2, pair & 3, at + 2


def _take(data: bytes, low: int, high: int, out: bytearray, size: int) -> None:
    """Literals."""
    if high > len(data) or len(out) + high - low > size:
        raise ValueError("damaged")
    out += data[low:high]


def _counted(data: bytes, at: int, most: int) -> tuple[int, int]:
    """A length that has no room in its instruction: 255 for each zero byte; and where it ends."""
    start = at
    while not data[at]:
        at += 1
    return (at - start) * 255 + most + data[at], at + 1
