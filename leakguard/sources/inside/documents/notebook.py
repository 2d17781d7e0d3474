"""Jupyter notebooks: a member for each cell's source and each output, so that a place is a cell and a line of it.

Promises: sources are the lines that people wrote, without JSON's escapes; each is told what the other cells say they are
about (`Origin.about`); outputs are decoded, pictures and attachments too; everything else (metadata, widgets, keys nobody
knows) is in the member `metadata`; a key that stands twice is read twice. A notebook that is no JSON, or too large, is
scanned as it stands. Imported by `walk`.
"""

from __future__ import annotations

import binascii
import json
import re
from collections.abc import Iterator
from typing import Any

from leakguard.sources.inside.base import BrokenError, Context, Member, Stream, from_bytes

LARGEST = 64 * 1024 * 1024

_ANSI = re.compile(r"\x1b\[[0-9;?]{0,32}[A-Za-z]")
_SUFFIX = re.compile(r"\.[a-z0-9]{1,6}")
_WORD = re.compile(r"(?=\S*[0-9])(?=\S*[A-Za-z])\S{8,}")
_SUFFIXES = {"image/png": "png", "image/jpeg": "jpg", "text/html": "html", "text/plain": "txt", "image/svg+xml": "svg",
             "application/pdf": "pdf", "text/latex": "tex", "application/javascript": "js", "text/markdown": "md"}  # fmt: skip


_FILES = (".png", ".jpg", ".pdf", ".bin")


def notebook(stream: Stream, context: Context) -> Iterator[Member]:
    """Cells, outputs, then everything else."""
    data = stream.some(LARGEST + 1)
    if len(data) > LARGEST:
        raise BrokenError(f"longer than {LARGEST} bytes: scanned as it stands", data)
    try:
        book = json.loads(data, object_pairs_hook=_pairs)
        cells = [cell for cell in _cells(book) if isinstance(cell, dict)]
    except (ValueError, RecursionError):
        raise BrokenError("damaged JSON", data) from None
    if not isinstance(book, dict) or not any(isinstance(book.get(key), list) for key in ("cells", "worksheets")):
        raise BrokenError("no notebook", data)
    about = _Abouts(context.name, cells)
    for name, content in _members(book, cells):
        if content:
            kind = "member" if name.endswith(_FILES) else "view"
            yield Member(name, from_bytes(content), len(content), kind, about=about.of(name))


# what says whose API a notebook talks to: a heading, an import, a call of ccxt's, the name of an exchange, an address
_SAYS = re.compile(
    r"(?m)^#{1,6}[ \t]+(?P<heading>[^\n]{2,60})"
    r"|^[ \t]{0,8}(?:from|import|using|library\(|require\()[ \t]*[\"']?(?P<module>[A-Za-z][\w.@/\-]{2,40})"
    r"|\bccxt(?:\.\w{3,14})?\.(?P<venue>[a-z]\w{2,20})\b"
    r"|(?i:exchange|venue|broker)\w{0,6}[\"'\]]{0,2}[ \t]*[:=][ \t]*[\"'](?P<named>[\w.\- ]{2,30})[\"']"
    r"|https?://(?P<host>[\w.\-]{4,60})"
)
_NUMBERED = re.compile(r"cell-([0-9]{1,9})\b")
_MOST_SAID = 8
"""Things said that a cell is told of, the nearest; each is short."""


class _Abouts:
    """What the cells of a notebook say of one another: the same wherever they are scanned."""

    def __init__(self, name: str, cells: list[dict[str, Any]]) -> None:
        self._name = name[-120:]
        self._said: list[str] = []
        self._spans: list[tuple[int, int]] = []
        """Where what each cell says begins and ends in all that is said."""
        for cell in cells:
            text = next((_text(cell[key]) for key in ("source", "input") if _is_text(cell.get(key))), "")
            start = len(self._said)
            self._said += [found[found.lastgroup or 0] for found in _SAYS.finditer(text)]
            self._spans.append((start, len(self._said)))

    def of(self, name: str) -> tuple[str, ...]:
        """What is told of the member of this name: what follows it, then what comes before it, the nearest last."""
        found = _NUMBERED.match(name)
        if found is None:
            return (self._name,)
        start, end = self._spans[int(found[1]) - 1]
        before = end if "/" in name else start  # an output is about what made it
        return (self._name, *self._said[end : end + _MOST_SAID // 2], *self._said[max(0, before - _MOST_SAID) : before])


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; a key that comes again gets a number, for readers differ in which of them they show."""
    out: dict[str, Any] = {}
    for number, (key, value) in enumerate(pairs):
        out[key if key not in out else f"{key}#{number}"] = value
    return out


def _cells(book: Any) -> list[Any]:
    """The cells of version 4, or those of all worksheets of version 3."""
    if not isinstance(book, dict):
        return []
    out = list(book["cells"]) if isinstance(book.get("cells"), list) else []
    for sheet in book["worksheets"] if isinstance(book.get("worksheets"), list) else ():
        if isinstance(sheet, dict) and isinstance(sheet.get("cells"), list):
            out += sheet["cells"]
    return out


def _members(book: dict[str, Any], cells: list[dict[str, Any]]) -> Iterator[tuple[str, bytes]]:
    suffix = _language(book)
    for number, cell in enumerate(cells, 1):
        name = f"cell-{number}"
        kind = cell.get("cell_type")
        end = ".md" if kind in ("markdown", "heading") else ".txt" if kind == "raw" else suffix
        for key in ("source", "input"):
            if _is_text(cell.get(key)):
                yield f"{name}{end}", _bytes(_text(cell.pop(key)))
        outputs = cell.pop("outputs", None)
        if isinstance(outputs, list):
            for index, output in enumerate(outputs, 1):
                yield from _output(f"{name}/output-{index}", output)
        elif outputs is not None:
            cell["outputs"] = outputs
        attachments = cell.get("attachments")
        for file, bundle in attachments.items() if isinstance(attachments, dict) else ():
            if isinstance(bundle, dict):
                yield from _bundle(f"{name}/{file}", bundle)
    rest = json.dumps(book, ensure_ascii=False, indent=1)
    yield "metadata", _bytes(rest)


def _language(book: dict[str, Any]) -> str:
    """The suffix of files in the notebook's language."""
    metadata = book.get("metadata")
    info = metadata.get("language_info") if isinstance(metadata, dict) else None
    found = info.get("file_extension") if isinstance(info, dict) else None
    return found if isinstance(found, str) and _SUFFIX.fullmatch(found) else ".py"


def _output(name: str, output: Any) -> Iterator[tuple[str, bytes]]:
    """One output: its text, its data in each form, its error, and whatever else it has."""
    if not isinstance(output, dict):
        yield f"{name}.json", _bytes(json.dumps(output, ensure_ascii=False))
        return
    trace = _text(output.get("traceback") or "") if _is_text(output.get("traceback")) else ""
    if isinstance(output.get("evalue"), str) and output["evalue"] in trace:
        del output["evalue"]  # the traceback ends with it
    for key in ("text", "traceback"):
        value = output.get(key)
        if _is_text(value):
            joint = "\n" if key == "traceback" else ""
            yield f"{name}.txt", _bytes(_ANSI.sub("", joint.join(value) if isinstance(value, list) else str(value)))
            del output[key]
    data = output.get("data")
    if isinstance(data, dict):
        yield from _bundle(name, data)
    left = {key: value for key, value in output.items() if value and key not in ("output_type", "execution_count", "name")}
    if left:
        yield f"{name}.json", _bytes(json.dumps(left, ensure_ascii=False, indent=1))


def _bundle(name: str, data: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    """One thing in several forms. What the page says beside the plain text is given, not both."""
    plain = _text(data.get("text/plain")) if _is_text(data.get("text/plain")) else ""
    for kind, value in list(data.items()):
        media = kind.startswith(("image/", "audio/", "video/", "application/pdf")) and kind != "image/svg+xml"
        suffix = _SUFFIXES.get(kind, "json" if kind.endswith("json") else "bin" if media else "txt")
        name = name.removesuffix(f".{suffix}")
        if not _is_text(value):
            continue
        text = _text(data.pop(kind))
        # any other kind of file in base64: text of a kind that is not known is hardly ever base64 from end to end
        packed = not media and kind.startswith("application/") and kind not in _SUFFIXES and not kind.endswith(("json", "xml"))
        if media or packed:
            raw = b"".join(text.encode("utf-8", "replace").split()) if packed else text.encode("utf-8", "replace")
            try:
                yield f"{name}.{'bin' if packed else suffix}", binascii.a2b_base64(raw, strict_mode=packed)
                continue
            except ValueError:
                suffix = "txt"
        if kind == "text/html":
            yield f"{name}.{suffix}", _page(text, plain)
        else:
            yield f"{name}.{suffix}", _bytes(_ANSI.sub("", text))


def _page(page: str, plain: str) -> bytes:
    from leakguard.sources.inside.documents.markup import html_text

    text = html_text(page).decode("utf-8", "surrogateescape")
    known = frozenset(plain.split())
    return _bytes(_WORD.sub(lambda word: "..." if word[0] in known else word[0], text) if known else text)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(item, str) for item in value) and bool(value))


def _text(value: Any) -> str:
    return "".join(value) if isinstance(value, list) else str(value)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
