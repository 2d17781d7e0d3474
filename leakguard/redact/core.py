"""The Redactor: bytes, text and structured values in, the same without secrets out.

Three layers find what must go, and their union goes: known values (known.py), what names and places give away
(names.py), and the scanner's rules (detect/runtime.py). What came out is looked at again until nothing more is found. A
clean record costs two passes of hyperscan, and the same object comes back.

Never raises into the application: what could not be checked becomes `<redacted:error>` (policy `closed`, the default)
or is passed on (`open`), and is counted. Holds no text that it was given, but for the values registered with it;
its errors and counters name kinds only. Safe for threads, after a fork, and when it is entered from within.
Imported by applications, the adapters and cli/.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from functools import cache as cache_once
from typing import Any, NamedTuple, TypeVar

from leakguard.detect import cache
from leakguard.detect.columns import fold_hits
from leakguard.detect.engine import Engine
from leakguard.detect.runtime import REDACT_BASE, Flood, Found, Runtime, assigned, load
from leakguard.detect.stage1 import CONTEXT_BASE, DECODE_BASE, TEXT_BASE, Ends
from leakguard.errors import UsageError
from leakguard.model import Confidence
from leakguard.redact import known as values
from leakguard.redact import mask, pieces, recoded, tables
from leakguard.redact.counts import Counts, Stats
from leakguard.redact.look import GUARDED, looker
from leakguard.redact.names import (
    CLOSED,
    PEM,
    RANK_GENERIC,
    RANK_KNOWN,
    RANK_RULE,
    TRIGGERS,
    Names,
    Pem,
    Span,
    armoured,
    cut_spans,
    cut_starts,
    pem_spans,
    place_spans,
    whole,
)
from leakguard.redact.pseudonyms import Pseudonyms
from leakguard.redact.quick import Quick, applied, spliced
from leakguard.redact.views import ANSI, WRAP, Stripped
from leakguard.triage.fingerprint import key_from

T = TypeVar("T")

ROUNDS = 4
"""How often what came out is looked at again; texts that are made for it could go on for ever."""

SHORTEST_COPY = 6
"""Bytes from which a found secret is masked wherever else it stands in the same text."""


class Policy(NamedTuple):
    """What is masked, how, and what happens when it cannot be told."""

    style: str = "token"
    """token: `<redacted:kind:pseudonym>`; length: as many `*`; format: letters and digits by class."""
    on_error: str = "closed"
    """closed: what could not be checked is replaced; open: it passes."""
    pseudonyms: bool = True
    """Whether a replacement says which secret it was, by a keyed digest; never for what people choose."""
    min_confidence: int = int(Confidence.MEDIUM)
    """What the scanner must be sure of before its finding is masked."""
    names: tuple[str, ...] = ()
    """More names whose values are masked."""
    allow: tuple[str, ...] = ()
    """Names whose values are not masked for their name."""
    numbers: bool = False
    """Whether numbers under sensitive names are masked in structured values."""
    reverse: bool = False
    """Whether known values are also looked for backwards."""


_FOLDERS = frozenset({"PWD", "OLDPWD"})


@cache_once
def _objects() -> Any:
    """The module for what is no text, imported once: when the interpreter ends there is no importing."""
    from leakguard.redact import objects

    return objects


class Redactor:
    """Masks secrets.

    `key`: the text that keys pseudonyms, the scanner's `fingerprint_key`, so that both name a secret alike. `selection`:
    the rules in force. `escrow`: told of everything that is masked (escrow.Escrow). Making one loads the compiled rules
    (some 20 ms; 2 s without a cache): make it once.
    """

    def __init__(
        self,
        policy: Policy = Policy(),  # noqa: B008 - a NamedTuple
        *,
        key: str = "",
        selection: cache.Selection = cache.Selection(),  # noqa: B008
        cache_folder: str | None = None,
        escrow: Any = None,
    ) -> None:
        if policy.style not in mask.STYLES:
            raise UsageError(f"redact: unknown style {policy.style!r}; {', '.join(mask.STYLES)}")
        if policy.on_error not in ("closed", "open"):
            raise UsageError("redact: on_error is closed or open")
        self.policy = policy
        self.escrow = escrow
        self.cache_folder = cache_folder
        self._key = key_from(key)
        self._pseudonyms = Pseudonyms(self._key, policy.pseudonyms)
        self.runtime: Runtime = load(selection, key=self._key, extra=TRIGGERS, folder=cache_folder)
        self.names = Names(self.runtime.ruleset.venues, policy.names, policy.allow)
        pieces.learn((rule.id for rule in self.runtime.ruleset.rules), self.names.providers)
        self.known = values.Known(reverse=policy.reverse)
        self._scan = self.runtime.scan
        self.counts = Counts()
        self._calm, self._look, self._settled, self.guard = looker(self.runtime.merged, self.known, self.counts.records)
        self._style = mask.STYLES[policy.style]
        self._quick = Quick(self) if escrow is None and policy.style == "token" else None
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self.counts.after_fork)
        self._warm()

    def _warm(self) -> None:
        """Imports and compiles what a first hit needs: later there may be no importing, and no time."""
        sample = b'warm: "-----BEGIN PRIVATE KEY-----" api_secret="q8Xv2LrT9dWmZ4kHcN7bYp3GsJ6fUa1E" \x1b[1m postgres://u:Wm9xQ2vL@h/x\n'
        self._find(sample, self._scan(sample), [])
        self.runtime.whole(sample, "")

    # ------------------------------------------------------------ values in, values out
    def redact(self, value: T) -> T:
        """`value` without secrets, of the same type; the same object if there is nothing to mask.

        bytes, bytearray, str, mappings, sequences, sets, dataclasses, named tuples, exceptions, nested; anything else is
        returned as it is. Never raises.
        """
        kind = type(value)
        if kind is str:
            return self.redact_str(value)  # type: ignore[arg-type, return-value]
        if kind is bytes:
            return self.redact_bytes(value)  # type: ignore[arg-type, return-value]
        try:
            return _objects().redact_object(self, value)  # type: ignore[no-any-return]
        except Exception as error:  # noqa: BLE001 - whatever it is, the application goes on
            self.counts.failed(error)
            return value if self.policy.on_error == "open" else mask.failed(value)

    def redact_bytes(self, data: bytes) -> bytes:
        """Bytes, of whatever encoding, without secrets; what stands outside of them is unchanged. Never raises."""
        try:
            if self._calm(data):
                return data
            if 0 in data:
                data = self._narrowly(data)
            fired = self._look(data)
            return data if fired is None else self._rewritten(data, fired[0], fired[1], False, fired[2])
        except Flood:
            return self._flooded(data)
        except Exception as error:  # noqa: BLE001
            return self.unchecked(data, error)

    def redact_str(self, text: str) -> str:
        """Text without secrets; the same object if there are none. Never raises."""
        try:
            data = text.encode("utf-8", "surrogatepass")
            if self._calm(data):
                return text
        except Exception as error:  # noqa: BLE001
            masked = self.unchecked(b"", error).decode()
            return text if self.policy.on_error == "open" else masked
        return self.looked(text, data)

    def looked(self, text: str, data: bytes) -> str:
        """redact_str of a text that is not calm (look.Looks.calm), with its bytes. Never raises."""
        try:
            fired = self._look(data)
            if fired is None:
                return text
            out = self._rewritten(data, fired[0], fired[1], True, fired[2])
            return text if out is data else out.decode("utf-8", "surrogatepass")
        except Flood:
            return self._flooded(data).decode("utf-8", "replace")
        except Exception as error:  # noqa: BLE001
            masked = self.unchecked(b"", error).decode()
            return text if self.policy.on_error == "open" else masked

    def redact_field(self, name: str, value: T) -> T:
        """A value that stands under a name: masked if the name is sensitive, else redacted. Never raises."""
        try:
            return _objects().redact_pair(self, name, value)  # type: ignore[no-any-return]
        except Exception as error:  # noqa: BLE001
            self.counts.failed(error)
            return value if self.policy.on_error == "open" else mask.failed(value)

    def sensitive(self, name: str) -> str:
        """The kind of secret that a field of this name holds; "" for none."""
        kind, sure = self.names.kind(name.encode("utf-8", "surrogatepass"))
        return kind if sure else ""

    def spans(self, data: bytes) -> list[Span]:
        """What would be masked of `data` in the first round: in order, without overlaps. EngineError, Flood."""
        return mask.merged(self._find(data, self._scan(data), self.known.find(data)))

    def stream(self, write: Callable[[bytes], object], **options: Any) -> Any:
        """A stream.Stream that redacts what is fed to it and writes it with `write`."""
        from leakguard.redact.stream import Stream

        return Stream(self, write, **options)

    # ------------------------------------------------------------ known values
    def register(self, value: str | bytes, name: str = "known") -> bool:
        """Masks this exact value from now on, in every encoded form. `name` stands in its replacement: a rule's id gives
        the scanner's fingerprint. False, and counted, for a value too short or plain (8 bytes, 5 different ones)."""
        data = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else bytes(value)
        return self.register_many([(name, data)]) == 1

    def register_many(self, pairs: Iterable[tuple[str, str | bytes]]) -> int:
        """Registers (name, value) pairs at once; says how many were taken."""
        wanted = [
            (mask.label(name), v.encode("utf-8", "surrogatepass") if isinstance(v, str) else bytes(v))
            for name, v in pairs
        ]
        pieces.learn(name for name, _ in wanted)
        taken, refused = self.known.add(wanted)
        self.counts.refuse(refused)
        return taken

    def unregister(self, value: str | bytes) -> None:
        """Forgets a registered value."""
        self.known.discard(value.encode("utf-8", "surrogatepass") if isinstance(value, str) else bytes(value))

    def register_environment(self, *names: str) -> int:
        """Registers the values of environment variables: those that match a glob of `names`, or without any, those that
        are named like secrets."""
        from leakguard.globs import compile_globs

        wanted = compile_globs(names) if names else self._named
        # PWD is the working directory: named like a password, and in every path that is logged
        own = ((name, value) for name, value in os.environ.items() if names or name not in _FOLDERS)
        return self.register_many(values.from_environment(wanted, own))

    def register_file(self, path: str) -> int:
        """Registers the secrets of a file: of `.env` and JSON those named like secrets, else its content as one value.
        OSError if it cannot be read."""
        return self.register_many(values.from_file(path, self._named))

    def register_keyring(self, service: str, *users: str) -> int:
        """Registers passwords of the system's keyring (package `keyring`)."""
        from importlib import import_module

        keyring = import_module("keyring")
        found = ((f"keyring.{service}", keyring.get_password(service, user)) for user in users)
        return self.register_many((name, value) for name, value in found if value)

    def _named(self, name: str) -> bool:
        return self.names.kind(name.encode("utf-8", "surrogatepass"))[1]

    # ------------------------------------------------------------ finding
    def _rewritten(self, data: bytes, ends: Ends, places: list[values.Place], text: bool, whole: bool) -> bytes:
        """`data` without secrets; `data` itself if there are none. `whole`: no end is left out."""
        first = data
        if self._quick is not None and not mask.odd(data):
            edits = self._quick.line(data, 0, len(data), ends, places)
            if edits:
                out = spliced(data, edits)
                if (self._settled if whole else self.runtime.merged.settled)(out):
                    self.counts.put(edits, True)
                    return out
                data, fine = applied(data, 0, len(data), edits)
                ends = [item for item in self._scan(data) if item[1] not in fine]
                self.counts.put(edits, not ends)
                if not ends:
                    return data
                places = self.known.find(data)
            elif not places and len(data) <= GUARDED and mask.told_all(data) and self.runtime.merged.settled(data):
                return data  # it was redacted before: by a handler's formatter, say
            elif ends:
                ends = self.runtime.merged.thinned(data, ends)
        elif ends:
            ends = self.runtime.merged.thinned(data, ends)
        for _ in range(ROUNDS):
            found = self._find(data, ends, places)
            if not found:
                break
            data = self.replaced(data, mask.merged(found), text=text)
            places = self.known.find(data)
            ends = [item for item in self._scan(data) if not mask.told(data, item[1])]
            if not ends and not places:
                break
        if data is not first:
            self.counts.change()
        return data

    def _narrowly(self, data: bytes) -> bytes:
        """Wide text as text of one byte a character; what it holds is masked in what comes behind it, too."""
        texts: list[bytes] = []

        def again(text: bytes) -> bytes:
            texts.append(text)
            return self._again(text)

        out = recoded.narrowly(data, again)
        for text in texts if out is not data else ():
            found, start = self.spans(text), len(text) + 1
            self._copies(text + b"\n" + out, [], found)
            copies = [span._replace(start=span.start - start, end=span.end - start) for span in found if span.start >= start]
            out = self.replaced(out, mask.merged(copies)) if copies else out
        return out

    def _again(self, data: bytes) -> bytes:
        """What was redacted, redacted once more if need be."""
        try:
            return self._rewritten(data, self._scan(data), self.known.find(data), False, False)
        except Flood:
            return self._flooded(data)
        except Exception as error:  # noqa: BLE001
            return self.unchecked(data, error)

    def _find(self, data: bytes, ends: Ends, places: list[values.Place], path: str = "") -> list[Span]:
        """Everything that all layers find in `data`, overlapping as it comes."""
        out = self._known_spans(data, places)
        odd = mask.odd(data)
        if ends:
            self._by_ends(data, ends, out, path)
        if odd:
            self._odd(data, out, path)
            if b"\n" in data:
                out += tables.whole(self, data, ends)
        if out:
            self._copies(data, ends, out)
        return armoured(data, 0, len(data), out)

    def _known_spans(self, data: bytes, places: Iterable[values.Place]) -> list[Span]:
        return [
            Span(start, end, owner.name, RANK_KNOWN, self.pseudonym(owner.name, owner.value) or "-")
            for start, end, owner in places
        ]

    def _by_ends(
        self, data: bytes, ends: Ends, out: list[Span], path: str, low: int = 0, high: int = -1, reach: int = 0
    ) -> None:
        """Names and places first: what they explain, nobody else has to judge. The ends are those in data[low:high], and
        `reach` bytes before them are what the rules may look at."""
        contexts = [(ident - CONTEXT_BASE, end) for ident, end in ends if CONTEXT_BASE <= ident < DECODE_BASE]
        items = assigned(data, contexts, True) if contexts else []
        markers = mask.markers(data, low, high if high >= 0 else len(data))
        named = self.names.spans(data, items) if items else []
        if not reach:  # of a stream's units somebody else says it
            named += cut_spans(data, cut_starts(data, ends), self.names)
        zones = markers
        own = [(ident, end) for ident, end in ends if ident >= REDACT_BASE]
        if own:
            named += place_spans(data, own) + self.names.forged(data, own)
            begun = [end for ident, end in own if ident == PEM]
            if begun:
                zones = [*markers, *((max(0, end - 72), end + 6) for end in begun)]
                if not reach:
                    named += pem_spans(data, CLOSED)[0]
        stop = high if reach else len(data)
        named = [span for span in whole(data, named, stop) if not pieces.holds(data, span.start, span.end)]
        out += [span for span in named if not mask.within(span.start, span.end, markers)] if markers else named
        covered = mask.Cover(out, zones)
        # what is escaped may go on beyond what is masked of it: such an end is always judged
        left = [
            (i, e) for i, e in ends
            if DECODE_BASE <= i < TEXT_BASE or ((i < CONTEXT_BASE or TEXT_BASE <= i < REDACT_BASE) and not covered.has(e))
        ]  # fmt: skip
        if any(not covered.has(item.end) for item in items):
            left += [(i, e) for i, e in ends if CONTEXT_BASE <= i < DECODE_BASE and not covered.has(e)]
        if not left:
            return
        start = max(0, low - reach) if reach else 0
        found: list[Span] = []
        near = data[start:stop] if reach else data
        self._rules(near, self.runtime.judge(near, [(i, e - start) for i, e in left] if start else left, path), found)
        for span in whole(data, (one._replace(start=one.start + start, end=one.end + start) for one in found), stop):
            out.append(_unread(data, span, markers) if markers else span)

    def _rules(self, data: bytes, found: Iterable[Found], out: list[Span]) -> None:
        """What the scanner's rules found in `data`, and the same in clear where it stands encoded."""
        least = self.policy.min_confidence
        copied = set()  # where one value stands a thousand times, each of them is found
        for one in found:
            if one.confidence < least:
                continue
            rank = RANK_GENERIC if one.rule.startswith("generic.") else RANK_RULE
            suffix = self._pseudonyms.keyed(one.rule, one.part, one.key) or "-"
            out.append(Span(one.start, one.end, one.rule, rank, suffix))
            secret = one.secret
            if len(secret) < SHORTEST_COPY or b"<redacted:" in secret or (one.rule, secret, suffix) in copied:
                continue
            copied.add((one.rule, secret, suffix))
            at = data.find(secret)
            while at >= 0:
                if at != one.start:
                    out.append(Span(at, at + len(secret), one.rule, rank, suffix))
                at = data.find(secret, at + len(secret))

    def _odd(self, data: bytes, out: list[Span], path: str) -> None:
        """What only shows once terminal escapes and line breaks are taken out, and text of two bytes a character."""
        if 0 in data or fold_hits(data):
            spans: list[Span] = []
            self._rules(data, self.runtime.whole(data, path), spans)
            spans = whole(data, spans, len(data))
            markers = mask.markers(data, 0, len(data))
            out += [_unread(data, span, markers) for span in spans] if markers else spans
        if b"\x1b" in data or b"\x08" in data:
            mask.bounded(data)
            plain = Stripped(data, ANSI)
            if plain:
                inner = self._find(plain.data, self._scan(plain.data), self.known.find(plain.data), path)
                for span in inner:
                    suffix = span.suffix or self.pseudonym(span.kind, plain.data[span.start : span.end]) or "-"
                    start, end = plain.raw(span.start, span.end)
                    out.append(Span(start, end, span.kind, span.rank, suffix))
        if len(self.known):
            joined = Stripped(data, WRAP)
            if joined:
                places = [(*joined.raw(start, end), owner) for start, end, owner in self.known.find(joined.data)]
                out += self._known_spans(data, places)

    def _copies(self, data: bytes, ends: Ends, out: list[Span]) -> None:
        """The same values wherever else they stand, and if there is encoded text, in every form."""
        encoded = any(DECODE_BASE <= ident < REDACT_BASE for ident, _ in ends)
        done = set()
        for span in list(out):
            value = data[span.start : span.end]
            if len(value) < SHORTEST_COPY or value in done or span.kind.startswith("pem.") or b"<redacted:" in value:
                continue
            done.add(value)
            for form in values.forms(value) if encoded and values.worth(value) else (values.Form(value),):
                at = data.find(form.text)
                while at >= 0:
                    stop = at + len(form.text)
                    if at != span.start:
                        suffix = span.suffix or self.pseudonym(span.kind, value) or "-"
                        out.append(Span(at, stop, span.kind, span.rank, suffix))
                    at = data.find(form.text, stop)

    # ------------------------------------------------------------ replacing
    def replaced(self, data: bytes, spans: Iterable[Span], *, text: bool = False) -> bytes:
        """`data` with these spans (in order, no overlaps) masked. `text`: no character is cut."""
        pieces = []
        at = 0
        kinds: list[tuple[str, str]] = []
        for span in spans:
            start, end = mask.whole_characters(data, span.start, span.end) if text else (span.start, span.end)
            start = max(start, at)
            if end <= start:
                continue
            secret = data[start:end]
            suffix = span.suffix.strip("-") if span.suffix else self.pseudonym(span.kind, secret)
            made = self._style(secret, span.kind, suffix)
            pieces.append(data[at:start])
            pieces.append(made)
            if made != secret:  # else it was masked before
                kinds.append((span.kind, suffix))
            if self.escrow is not None:
                self.escrow.put(span.kind, suffix, secret)
            at = end
        pieces.append(data[at:])
        self.counts.add(kinds)
        return b"".join(pieces)

    def pseudonym(self, kind: str, secret: bytes) -> str:
        """Six hex digits that name a secret of this kind (a rule's id); "" for kinds that have none."""
        return self._pseudonyms.of(kind, secret)

    # ------------------------------------------------------------ when it goes wrong
    def _flooded(self, data: bytes) -> bytes:
        """A text that is made of triggers: line by line, and of those that are such alone nothing passes."""
        self.counts.flooded()
        try:
            lines = data.splitlines(keepends=True)
            if len(lines) < 2:
                return data if self.policy.on_error == "open" else mask.ERROR + mask.line_end(data)
            return b"".join(self._line(line) for line in self._pem(data).splitlines(keepends=True))
        except Exception as error:  # noqa: BLE001
            return self.unchecked(data, error)

    def _pem(self, data: bytes) -> bytes:
        found = pem_spans(data, CLOSED)[0] if b"PRIVATE KEY" in data else []
        return self.replaced(data, mask.merged(found)) if found else data

    def _line(self, line: bytes) -> bytes:
        return self.redact_bytes(line)

    def unchecked(self, data: bytes, error: BaseException) -> bytes:
        """What stands for bytes that could not be checked, by the policy. Counts the failure."""
        self.counts.failed(error)
        return data if self.policy.on_error == "open" else mask.ERROR + mask.line_end(data)

    def scanner(self) -> Engine:
        """The scanner's engine with the same rules, for texts of any size."""
        return self.runtime.scanner

    def stats(self) -> Stats:
        """What was done so far."""
        return self.counts.stats(len(self.known))

    def __repr__(self) -> str:
        return f"Redactor({len(self.runtime.ruleset.rules)} rules, {self.known!r})"


def _unread(data: bytes, span: Span, markers: mask.Places) -> Span:
    """A span, or where it lies in a replacement that stands there already, that replacement as a whole without its
    pseudonym: among percent signs `secret:3f9a1c` is read as a value."""
    for low, high in markers:
        if low <= span.start and span.end <= high:
            return Span(low, high, data[low:high].decode("latin-1").split(":")[1].rstrip(">"), span.rank, "-")
    return span


__all__ = ["CLOSED", "Pem", "Policy", "Redactor", "Span", "Stats"]
