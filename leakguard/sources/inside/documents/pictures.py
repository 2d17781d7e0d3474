"""Pictures: the text that PNG packs, and, where it was asked for (`--ocr`), the text that a picture shows.

Promises: text chunks are unpacked with a limit and stand beside their keywords; all other bytes are gaps and scanned as
they are (text in JPEG, WebP, TIFF and GIF stands in the open: EXIF, XMP and comments need no reader); what hangs behind
the end is a gap, too. Pictures are decoded for OCR by Pillow and read by tesseract in a process of its own with limits
on pixels, memory and time; a picture that is not read is told.

This file is both sides: the readers in the parent; `read` in the child (see `child`), which imports nothing of the project.
"""

from __future__ import annotations

import os
import re
import struct
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leakguard.sources.inside.base import Context, Member, Stream

LARGEST_TEXT = 16 * 1024 * 1024
"""Bytes that a text chunk may unpack to."""
LARGEST_PICTURE = 16 * 1024 * 1024
"""Bytes of a file that is given to OCR."""
MOST_PIXELS = 64_000_000
SECONDS = 120
_TEXT = (b"tEXt", b"zTXt", b"iTXt")
_END = b"E"


# ---------------------------------------------------------------- PNG
def png(stream: Stream, context: Context) -> Iterator[Member]:
    """The texts of a PNG as one member; everything between them as gaps."""
    from leakguard.sources.inside.base import Member, from_bytes, from_file

    file, size = stream.file()
    texts: list[bytes] = []
    total = 0
    at = low = 8  # what stands before is the mark
    ended = False
    gaps: list[tuple[int, int]] = []
    while at + 12 <= size:
        file.seek(at)
        head = file.read(8)
        length, kind = struct.unpack(">I", head[:4])[0], head[4:]
        if not kind.isalpha():
            break
        if kind in _TEXT or kind == b"iCCP":
            data = file.read(min(length, LARGEST_TEXT))
            if len(data) < length:
                context.tell("failed", "text", "PNG: ends in a text, or the text is longer than is read")
                break
            text, problem = _chunk(kind, data)
            if problem:
                context.tell("failed", "text", f"PNG: {problem}")
            else:
                gaps.append((low, at))
                low = at + 12 + length
                total += len(text)
                texts.append(text)
        at += 12 + length
        ended = kind == b"IEND"
        if ended or total > 4 * LARGEST_TEXT:
            break
    if total > 4 * LARGEST_TEXT:
        context.tell("truncated", "text", "PNG: limit reached: more text than is read")
    elif not ended and size > 8:
        context.tell("failed", "", "PNG: ends without its end mark")
    if texts:
        joined = b"\n".join(texts)
        yield Member("text", from_bytes(joined), len(joined), "view")
    end = min(at, size)
    for start, stop in (*gaps, (low, end), (end, size)):
        if stop > start:
            yield Member(f"@{start}", from_file(file, start, stop - start), stop - start, "gap")


def _chunk(kind: bytes, data: bytes) -> tuple[bytes, str]:
    """(keyword: text in UTF-8, what is wrong with it)."""
    keyword, _, rest = data.partition(b"\0")
    if kind == b"tEXt":
        return keyword + b": " + rest.decode("latin-1").encode(), ""
    if kind == b"iTXt":
        packed, rest = rest[:1] == b"\1", rest[2:]
        _, _, rest = rest.partition(b"\0")
        _, _, rest = rest.partition(b"\0")
        if not packed:
            return keyword + b": " + rest, ""
    else:
        rest = rest[1:]
    unpack = zlib.decompressobj()
    try:
        text = unpack.decompress(rest, LARGEST_TEXT)
    except zlib.error:
        return b"", "damaged compressed text"
    if not unpack.eof:
        return b"", "a compressed text ends early, or is longer than is read"
    if kind == b"zTXt":
        text = text.decode("latin-1").encode()
    return keyword + b": " + text + unpack.unused_data, ""


# ---------------------------------------------------------------- OCR, the parent
def picture(stream: Stream, context: Context) -> Iterator[Member]:
    """What a picture shows, as text; then the picture as a scan without OCR sees it."""
    from leakguard.sources.inside.base import BrokenError, Stream, UnreadError, from_bytes
    from leakguard.sources.inside.child import parsed

    data = stream.peek(LARGEST_PICTURE + 1)
    if len(data) > LARGEST_PICTURE:
        context.tell("truncated", "ocr", f"limit reached: longer than {LARGEST_PICTURE} bytes")
    else:
        own = Stream(from_bytes(data), len(data))
        try:
            for member in parsed("ocr", own, context):
                yield member._replace(facts=(("ocr", "read by a program: letters may be wrong"),))
        except ImportError:
            context.tell("unread", "ocr", "picture, not read: install leakguard-scanner[ocr]")
        except UnreadError as error:
            context.tell("unread", "ocr", f"picture, not read: {error.reason}")
        except BrokenError as error:
            context.tell("failed", "ocr", error.reason)
        finally:
            own.close()
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        yield from png(stream, context)


# ---------------------------------------------------------------- OCR, the child
_PROGRAMS = (
    "/usr/bin/tesseract", "/usr/local/bin/tesseract", "/opt/homebrew/bin/tesseract", "/opt/local/bin/tesseract",
    r"C:\Program Files\Tesseract-OCR\tesseract.exe",
)  # fmt: skip


def read(handle: int, out: Any) -> None:
    """The text of the picture that `handle` is open on."""
    import subprocess
    import warnings

    program = next((path for path in _PROGRAMS if os.path.isfile(path)), "")
    if not program:
        out.told("unread", "needs the program tesseract (tesseract-ocr)")
        return
    warnings.simplefilter("ignore")
    with open(handle, "rb", closefd=False) as file:
        try:
            pages = _pages(file)
        except Exception as error:  # noqa: BLE001 - as damaged as it likes
            name = type(error).__name__
            out.told("broken", "more pixels than are read" if "Bomb" in name else f"damaged picture ({name})")
            return
    texts = []
    for page in pages:
        try:
            done = subprocess.run(
                [program, "stdin", "stdout", "--psm", "6", "-c", "preserve_interword_spaces=1"],
                input=page, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False, timeout=SECONDS,
                env={"OMP_THREAD_LIMIT": "1", "LC_ALL": "C"},
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            out.told("broken", "takes too long to read")
            return
        if done.returncode != 0:
            out.told("broken", f"its reader ended with {done.returncode}")
            return
        texts.append(_BROKEN.sub(b"", done.stdout.replace(b"\f", b"")))
    text = b"\n".join(texts)
    if text.strip():
        out.name("ocr", len(text), b"v")
        out.data(text)
        out.send(_END)


_BROKEN = re.compile(rb"(?<=[A-Za-z0-9_+/=\-]{8}) (?=(?=[A-Za-z_+/=\-]{0,24}[0-9])[A-Za-z0-9_+/=\-]{8})")
"""A blank that tesseract sees between narrow letters: the run behind it has digits, so it is no word."""


def _pages(file: Any) -> list[bytes]:
    """The picture, or the first pages of a TIFF, in grey, dark on light, as large as tesseract likes letters to be."""
    from io import BytesIO

    from PIL import Image, ImageOps, ImageStat

    Image.MAX_IMAGE_PIXELS = MOST_PIXELS // 2  # Pillow refuses twice as many
    out = []
    with Image.open(file, formats=("PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP")) as picture:
        for number in range(min(getattr(picture, "n_frames", 1) if picture.format == "TIFF" else 1, 16)):
            picture.seek(number)
            page = picture.convert("RGBA") if picture.mode in ("P", "LA", "PA", "RGBA") else picture.convert("RGB")
            if page.mode == "RGBA":
                under = Image.new("RGBA", page.size, "white")
                page = Image.alpha_composite(under, page)
            grey = ImageOps.autocontrast(page.convert("L"))
            if ImageStat.Stat(grey).mean[0] < 110:
                grey = ImageOps.invert(grey)
            if grey.width * grey.height < 6_000_000:
                # Measured on screenshots of random tokens (two fonts, three sizes): twice as large reads better than 3 times,
                # bilinear better than sharper filters; black and white alone is worse; without dictionaries or with a list of
                # letters nothing changes; --psm 11 reads a quarter fewer letters wrong, but knows no lines of label and value.
                grey = grey.resize((grey.width * 2, grey.height * 2), Image.Resampling.BILINEAR)
            made = BytesIO()
            ImageOps.expand(grey, border=20, fill=255).save(made, "PPM")
            out.append(made.getvalue())
    return out
