"""Recordings of terminals: what was typed key by key, and what programs wrote, as the lines that stood on the screen.

asciinema's casts (versions 1 to 3) have an event for each key that echoed, script(1) the bytes themselves, with what moves the
cursor: a line that goes on behind the screen's edge, a letter that was mistyped and taken back.

Promises: what was on the screen is said, also what was erased or overwritten since; each line of a cast that is no event is handed
on as it stands; memory is a line of the screen (64 KiB) and one of the file (8 MiB). No terminal is drawn: programs that
fill the screen are lines in the order in which they wrote. Imported by `sources.inside.walk`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from leakguard.sources.inside.base import CHUNK, Context, Member, Pieces, Stream

LARGEST_V1 = 64 * 1024 * 1024
"""Bytes of a cast of version 1, which is one object."""
LONGEST_EVENT = 8 * 1024 * 1024
LONGEST_LINE = 64 * 1024
MOST_TYPED = 4 * 1024 * 1024
"""Bytes of what a cast says was typed, beside what was shown of it."""
_ERASED = 6
"""Characters that were taken back from which on what stood there is said, too."""
_SIGN = re.compile(
    r"(?P<text>[^\x00-\x1f\x7f]+)|\x1b\[(?P<with>[0-9;:?<=> ]{0,32})(?P<what>[@-~])"
    r"|\x1b[\]PX^_](?P<titled>[^\x07\x1b]{0,4096})(?:\x07|\x1b\\)|\x1b[()#%][0-9A-Za-z]|\x1b[ -~]|(?P<one>[\x00-\x1f\x7f])"
)
_HELD = re.compile(r"(?:\x1b(?:[\]PX^_][^\x07\x1b]{0,4096}\x1b?|\[[0-9;:?<=> ]{0,32}|[()#%])?|\r)\Z")
"""What may go on in the next piece."""


class Screen:
    """Lines out of what a terminal was sent."""

    def __init__(self) -> None:
        self._line: list[str] = []
        self._at = 0
        self._full = ""
        """The line as it was before letters were taken back."""
        self._held = ""

    def feed(self, text: str) -> Iterator[str]:
        """The lines that end in a next piece."""
        text = self._held + text
        held = _HELD.search(text)
        self._held = held.group() if held is not None else ""
        yield from self._run(text, len(text) - len(self._held))

    def end(self) -> Iterator[str]:
        """What stands in the last line."""
        text, self._held = self._held, ""
        yield from self._run(text, len(text))
        yield from self._break()

    def _run(self, text: str, limit: int) -> Iterator[str]:
        for sign in _SIGN.finditer(text):
            if sign.start() >= limit:
                return
            said, one = sign["text"], sign["one"]
            if said is not None:
                self._put(said)
                if len(self._line) > LONGEST_LINE:
                    yield from self._break()
            elif one == "\b":
                self._at = max(0, self._at - 1)
                self._full = self._full or "".join(self._line)
            elif one == "\r":
                yield from self._returned(text, sign.end())
            elif one in ("\n", "\v", "\f"):
                yield from self._break()
            elif one == "\t":
                self._put("\t")
            elif sign["what"] is not None:
                yield from self._control(sign["with"], sign["what"])
            elif sign["titled"]:
                yield sign["titled"]

    def _returned(self, text: str, behind: int) -> Iterator[str]:
        """To the line's beginning: a new line, but for one that went on at the screen's edge, where a blank was put before it."""
        if text[behind : behind + 1] in ("\n", "\r"):
            return
        goes_on = self._line[-1:] == [" "] and self._line[-2:-1] != [" "] and text[behind : behind + 1].strip("\x1b ") != ""
        if goes_on and self._at == len(self._line) > 20:
            self._line.pop()
            self._at -= 1
            return
        yield from self._break()

    def _put(self, said: str) -> None:
        self._line[self._at : self._at + len(said)] = said
        self._at += len(said)

    def _control(self, told: str, what: str) -> Iterator[str]:
        count = int(told) if told.isdigit() and len(told) < 5 else 1
        if what == "K" and told in ("", "0"):
            self._full = self._full or "".join(self._line)
            del self._line[self._at :]
        elif what == "P":
            self._full = self._full or "".join(self._line)
            del self._line[self._at : self._at + count]
        elif what == "@":
            self._line[self._at : self._at] = " " * min(count, 512)
        elif what == "C":
            self._at = min(len(self._line), self._at + count)
        elif what == "D":
            self._at = max(0, self._at - count)
        elif what in "ABEFGHJdf":
            yield from self._break()

    def _break(self) -> Iterator[str]:
        line = "".join(self._line)
        if len(self._full.rstrip()) >= len(line.rstrip()) + _ERASED:
            yield self._full
        yield line
        self._line, self._at, self._full = [], 0, ""


def _shown(pieces: Iterable[str]) -> Iterator[bytes]:
    screen = Screen()
    for piece in pieces:
        out = "".join(f"{line}\n" for line in screen.feed(piece))
        if out:
            yield out.encode("utf-8", "surrogateescape")
    yield "".join(f"{line}\n" for line in screen.end()).encode("utf-8", "surrogateescape")


# ---------------------------------------------------------------- script(1)
def typescript(stream: Stream, _context: Context) -> Iterator[Member]:
    """What script(1) wrote."""
    yield Member("screen", Pieces(_shown(_decoded(stream))), kind="view")


def _decoded(stream: Stream) -> Iterator[str]:
    import codecs

    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    while data := stream.read(CHUNK):
        yield decoder.decode(data)
    yield decoder.decode(b"", True)


# ---------------------------------------------------------------- asciinema
def cast(stream: Stream, context: Context) -> Iterator[Member]:
    """What a cast shows, what it says was typed, and its header."""
    typed: list[str] = []
    if b'"stdout"' in stream.peek(4096) and 0 <= stream.size <= LARGEST_V1:
        made = _object(stream.read(LARGEST_V1))
        events = made.pop("stdout", None) if isinstance(made, dict) else None
        if not isinstance(events, list):
            return
        yield Member("header", _once(json.dumps(made, ensure_ascii=False, indent=1).encode("utf-8", "surrogatepass")), kind="view")
        yield Member("screen", Pieces(_shown(_said(event[-1]) for event in events if isinstance(event, list) and event)), kind="view")
        return
    yield Member("screen", Pieces(_shown(_events(stream, context, typed))), kind="view")
    if typed:
        yield Member("typed", Pieces(_shown(piece.replace("\r", "\n") for piece in typed)), kind="view")


def _events(stream: Stream, context: Context, typed: list[str]) -> Iterator[str]:
    size = 0
    for line in _lines(stream):
        event = _object(line)
        if not (isinstance(event, list) and len(event) == 3 and isinstance(event[1], str)):
            yield "\n" + line.decode("utf-8", "surrogateescape").rstrip("\r\n") + "\n"
        elif event[1] == "i":
            size += len(event[2])
            if size > MOST_TYPED >= size - len(event[2]):
                context.tell("truncated", "", f"limit reached: only {MOST_TYPED} bytes of what was typed are read")
            if size <= MOST_TYPED:
                typed.append(_said(event[2]))
        elif event[1] == "o":
            yield _said(event[2])
        else:
            yield f"\n{_said(event[2])}\n"


def _lines(stream: Stream) -> Iterator[bytes]:
    rest = b""
    while data := stream.read(CHUNK):
        lines = (rest + data).split(b"\n")
        rest = lines.pop()
        yield from lines
        if len(rest) > LONGEST_EVENT:
            yield rest
            rest = b""
    if rest:
        yield rest


def _object(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _said(value: Any) -> str:
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else json.dumps(value)


def _once(data: bytes) -> Any:
    return Pieces(iter((data,)))
