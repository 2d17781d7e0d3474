"""Mails (eml, mht) and folders of them (mbox): headers, bodies and attachments, decoded, as a stream.

Promises: memory is a line and a message's headers, whatever the length of an attachment; every line of a message is in a
header, a part, or a gap (preamble, epilogue, what stands in base64 and is none); a part whose end is missing is told.
An attached mail and an attached archive are members that are looked into.

Why not `email.parser`: it holds the message, and asks every line of a nest for each boundary around it. Its headers'
parsing is used. Imported by `walk`.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Iterator
from typing import Any

from leakguard.sources.inside.base import (
    BrokenError,
    Context,
    LimitError,
    Member,
    Pull,
    Stream,
    Told,
    from_bytes,
)
from leakguard.sources.inside.magic import HEAD, kind_of

LINE = 64 * 1024
"""A longer line is handled in pieces."""
LONGEST_HEADERS = 1024 * 1024
DEEPEST = 64
"""Multiparts in multiparts; what is deeper is text."""
LONGEST_HTML = 8 * 1024 * 1024
"""A longer page is given as it stands."""
MOST_ODD = 256 * 1024
_SEALED = b"-----BEGIN PGP MESSAGE-----"

_BLANK = (b"\n", b"\r\n", b"")
_BASE64 = re.compile(rb"[A-Za-z0-9+/=\-_ \t\r\n]*")
_WORD = re.compile(r"=\?[^?\s]{1,64}\?[bBqQ]\?[^?]*\?=")
_SUFFIX = {"text/plain": "txt", "text/html": "html", "message/rfc822": "eml", "message/global": "eml", "text/calendar": "ics"}
_FROM = re.compile(rb"From \S+ .*\d\d:\d\d")


class _Lines:
    """A stream's lines; `fresh` says whether the last one began at the start of a line."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.fresh = True
        self._ended = True
        self._ahead = b""

    def next(self) -> bytes:
        """The next line with its break, or LINE bytes of a longer one; b"" at the end."""
        if b"\n" not in self._ahead and len(self._ahead) < LINE:
            self._ahead += self.stream.some(LINE)
        at = self._ahead.find(b"\n", 0, LINE)
        out = self._ahead[: at + 1 if at >= 0 else LINE]
        self._ahead = self._ahead[len(out) :]
        self.fresh, self._ended = self._ended, out[-1:] == b"\n"
        return out


def emlx(stream: Stream, _context: Context) -> Iterator[Member]:
    """A message as Apple Mail keeps it: its length, itself, and a property list."""
    count = stream.peek(32).split(b"\n", 1)[0]
    if not count.strip().isdigit():
        raise BrokenError("has no length at its beginning")
    stream.skip(len(count) + 1)
    part = stream.part(int(count))
    yield Member("message.eml", part)
    part.finish()


# ---------------------------------------------------------------- folders of mails
def mbox(stream: Stream, _context: Context) -> Iterator[Member]:
    """The messages of a folder, by their number."""
    lines = _Lines(stream)
    folder = _Folder(lines)
    number = 0
    while folder.following():
        number += 1
        yield Member(f"{number}.eml", folder)
        folder.finish()


class _Folder:
    """The message that is being read, to be pulled."""

    def __init__(self, lines: _Lines) -> None:
        self.lines = lines
        self.first = lines.next()
        self.blank = False

    def following(self) -> bool:
        """Goes to the next message."""
        self.buffer, self.first = [self.first], b""
        self.ended = False
        return bool(self.buffer[0])

    def __call__(self, count: int) -> bytes:
        out: list[bytes] = []
        size = 0
        if self.buffer:
            line = self.buffer.pop()
            if line[:5] != b"From ":
                out.append(line)
        while size < count and not self.ended:
            line = self.lines.next()
            if not line or (self.blank and self.lines.fresh and _FROM.match(line)):
                self.first, self.ended = line, True
                break
            self.blank = self.lines.fresh and line in _BLANK
            out.append(line)
            size += len(line)
        return b"".join(out)

    def finish(self) -> None:
        while not self.ended:
            self(LINE)


# ---------------------------------------------------------------- one mail
def message(stream: Stream, context: Context) -> Iterator[Member]:
    """The headers and parts of one mail."""
    yield from _Mail(stream, context).members()


class _Mail:
    def __init__(self, stream: Stream, context: Context) -> None:
        self.stream = stream
        self.lines = _Lines(stream)
        self.context = context
        self.stack: list[bytes] = []
        self.number = 0
        self.about: tuple[str, ...] = ()
        self.hit: tuple[int, bool] | None = None
        """Where the last part ended: (number of the boundary in the stack, whether it closes)."""

    def members(self) -> Iterator[Member]:
        raw = self._headers()
        info = _Info(raw)
        if not info.any:
            raise BrokenError("no mail", raw + self.lines._ahead)
        self.about = (self.context.name[-120:], info.subject())
        text = info.text()
        yield Member("headers", from_bytes(text), len(text), "view")
        yield from self._part(info)
        while self.hit is not None:
            index, closes = self.hit
            if closes:
                del self.stack[index:]
                yield from self._aside()
                continue
            del self.stack[index + 1 :]
            raw = self._headers()
            info = _Info(raw)
            told = info.unusual()
            if told:
                yield Member(f"part-{self.number + 1}.headers", from_bytes(told), len(told), "view")
            yield from self._part(info)
        if self.stack:
            self.context.tell("failed", "", "mail: ends before its last boundary")

    def _headers(self) -> bytes:
        """The lines up to the empty one. A boundary ends them, too."""
        out: list[bytes] = []
        size = 0
        self.hit = None
        while (line := self.lines.next()) not in _BLANK and size < LONGEST_HEADERS:
            out.append(line)
            size += len(line)
        return b"".join(out) + (line if size >= LONGEST_HEADERS else b"")

    def _part(self, info: _Info) -> Iterator[Member]:
        """What comes behind a part's headers."""
        if info.boundary and len(self.stack) < DEEPEST:
            self.stack.append(info.boundary)
            yield from self._aside()
            return
        self.number += 1
        body = _Body(self, info.encoding)
        pull: Pull = _Html(body, self.context) if info.kind == "text/html" else body
        plain = not info.name and info.kind in ("text/plain", "text/html")
        name = info.name or f"part-{self.number}.{_SUFFIX.get(info.kind, 'bin')}"
        files = False
        if plain:
            pull, files = self._files(self._telling(pull, name))
        kind = "member" if files or (not plain and pull is body) else "view"
        yield Member(name, pull, -1, kind, about=self.about)
        body.finish()
        if body.odd:
            data = b"".join(body.odd)
            yield Member(f"part-{self.number}.rest", from_bytes(data), len(data), "view")

    def _telling(self, pull: Pull, name: str) -> Pull:
        """The same text; it is told if there is a message in it that nobody opens here."""
        before: bytes | None = b""

        def telling(count: int) -> bytes:
            nonlocal before
            data = pull(count)
            if before is not None:
                before = (before + data)[-len(_SEALED) :] if _SEALED not in before + data else None
                if before is None:
                    self.context.tell("unread", name, "holds a PGP message, not read: most are encrypted (PGP)")
            return data

        return telling

    def _files(self, pull: Pull) -> tuple[Pull, bool]:
        """The same text, and whether there are uuencoded files in it: then it is gone into."""
        head = b""
        while len(head) < HEAD and (data := pull(HEAD - len(head))):
            head += data
        files = kind_of(head) == "uuencode"

        def again(count: int) -> bytes:
            nonlocal head
            out, head = head[:count], head[count:]
            return out or pull(count)

        return again, files

    def _aside(self) -> Iterator[Member]:
        """What stands before the first part or behind the last one; mostly nothing."""
        body = _Body(self, "")
        ahead = Stream(body)
        try:
            while ahead.peek(1) and not ahead.peek(LINE).strip():
                ahead.skip(len(ahead.peek(LINE)))
        except Told:
            pass
        if not ahead.at_end():
            yield Member(f"part-{self.number}.aside", ahead.read, -1, "view")
        body.finish()

    def boundary(self, line: bytes) -> tuple[int, bool] | None:
        """Which boundary a line is, if it is one."""
        if line[:2] != b"--" or not self.stack:
            return None
        text = line[2:].rstrip()
        for index in range(len(self.stack) - 1, -1, -1):
            known = self.stack[index]
            if text.startswith(known) and text[len(known) :] in (b"", b"--"):
                return index, text != known
        return None


class _Body:
    """A part's content, decoded, to be pulled."""

    def __init__(self, mail: _Mail, encoding: str) -> None:
        self.mail = mail
        self.ended = False
        self.odd: list[bytes] = []
        self.odd_size = 0
        self.rest = b""
        self.out = b""
        self.error: Exception | None = None
        mail.hit = None
        decoders: dict[str, Callable[[bytes], bytes]] = {"base64": self._base64, "quoted-printable": self._quoted}
        self.decode = decoders.get(encoding, bytes)

    def __call__(self, count: int) -> bytes:
        pieces: list[bytes] = [self.out]
        size = len(self.out)
        while size < count and not self.ended:
            line = self.mail.lines.next()
            hit = self.mail.boundary(line) if self.mail.lines.fresh else None
            if not line or hit is not None:
                self.ended = True
                self.mail.hit = hit
                pieces.append(self._last())
                break
            piece = self.decode(line)
            pieces.append(piece)
            size += len(piece) or 1
        data = b"".join(pieces)
        if not data and not self.ended:
            return self(count)
        self.out = data[count:]
        return data[:count]

    def finish(self) -> None:
        """Passes over what nobody wanted."""
        while not self.ended or self.out:
            self.out = b""
            self(LINE)

    def _base64(self, line: bytes) -> bytes:
        if _BASE64.fullmatch(line) is None or (self.odd and self.odd_size < MOST_ODD):
            self.odd.append(line)
            self.odd_size += len(line)
            return b""
        digits = self.rest + line.translate(_URL, b"=- \t\r\n")
        whole = len(digits) & ~3
        self.rest = digits[whole:]
        return binascii.a2b_base64(digits[:whole])

    def _quoted(self, line: bytes) -> bytes:
        line = self.rest + line
        cut = line.rfind(b"=", max(0, len(line) - 2)) if line[-1:] != b"\n" else -1
        self.rest, line = (line[cut:], line[:cut]) if cut >= 0 else (b"", line)
        return binascii.a2b_qp(line)

    def _last(self) -> bytes:
        rest, self.rest = self.rest, b""
        if not rest:
            return b""
        if self.decode == self._quoted:
            return binascii.a2b_qp(rest)
        if len(rest) == 1:
            return b""
        return binascii.a2b_base64(rest + b"=" * (4 - len(rest)))


_URL = bytes.maketrans(b"_", b"/")


class _Html:
    """A page as text, if it is not too long."""

    def __init__(self, body: Pull, context: Context) -> None:
        self.stream = Stream(body)
        self.tell = context.tell
        self.text: Pull | None = None

    def __call__(self, count: int) -> bytes:
        if self.text is None:
            page = self.stream.peek(LONGEST_HTML + 1)
            if len(page) > LONGEST_HTML:
                self.tell("truncated", "", f"limit reached: a page of more than {LONGEST_HTML} bytes is scanned as it stands")
                self.text = self.stream.read
            else:
                from leakguard.sources.inside.documents.markup import html_text

                self.stream.skip(len(page))
                self.text = from_bytes(html_text(page.decode("utf-8", "surrogateescape")))
        return self.text(count)


class _Info:
    """What the headers say."""

    def __init__(self, raw: bytes) -> None:
        from email.parser import BytesHeaderParser

        self.headers = _told(lambda: BytesHeaderParser().parsebytes(raw), None)
        self.any = self.headers is not None and len(self.headers) > 0
        head: Any = self.headers
        self.raw = raw
        self.kind = str(_told(head.get_content_type, "text/plain"))
        self.encoding = str(_told(lambda: head.get("content-transfer-encoding", ""), "")).strip().lower()
        boundary = _told(head.get_boundary, None) if self.kind.startswith("multipart/") else None
        self.boundary = str(boundary).encode("utf-8", "surrogateescape").rstrip() if boundary else b""
        name = _told(head.get_filename, None)
        self.name = " ".join(_decoded(str(name)).split()).replace("/", "_") if name else ""

    def subject(self) -> str:
        """What the mail says it is about, at most so much of it as people read."""
        return " ".join(_decoded(str(_told(lambda: self.headers.get("subject", ""), ""))).split())[:120]

    def text(self) -> bytes:
        """Each header on a line, encoded words decoded, and what stands between them."""
        out: list[str] = []
        for line in self.raw.decode("utf-8", "surrogateescape").splitlines():
            if line[:1] in " \t" and out:
                out[-1] += " " + line.strip()
            else:
                out.append(line)
        return "".join(f"{_decoded(line)}\n" for line in out).encode("utf-8", "surrogateescape")

    def unusual(self) -> bytes:
        """The same of a part's headers, where there are others than those that every part has."""
        usual = {"content-type", "content-transfer-encoding", "content-disposition", "content-id", "x-attachment-id",
                 "mime-version"}  # fmt: skip
        keys = [str(key).lower() for key in self.headers] if self.headers is not None else []
        lines = self.raw.count(b"\n")
        if set(keys) <= usual and len(self.raw) < 1024 and lines <= 3 * len(keys) + 1:
            return b""
        return self.text()


def _told(ask: Callable[[], Any], otherwise: Any) -> Any:
    """What `email` says, which raises whatever comes to it where headers are odd."""
    try:
        return ask()
    except (LimitError, Told):
        raise
    except Exception:  # noqa: BLE001 - the header stands in the text that is scanned all the same
        return otherwise


def _decoded(text: str) -> str:
    """Text with its encoded words (RFC 2047) decoded; as it stands if they are damaged."""
    if "=?" not in text or _WORD.search(text) is None:
        return text
    from email.header import decode_header, make_header

    made = _told(lambda: str(make_header(decode_header(text))), text)
    return str(made).replace("\n", " ").replace("\r", " ")
