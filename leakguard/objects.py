"""One piece of a git store, scanned: a worker's whole work on it, in one process and with one git of its own.

Blobs are scanned whole, or in windows if they are large; those of packs by what they differ in from what they are versions
of. Commits, tags and trees: commits.py.
What goes wrong with one object fails that object and not the piece. Trees and commits are also asked which objects
they need, so that one that is missing is noticed. Nothing found here holds a secret unless the engine was told to keep
them. Imported by history.py.
"""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import NamedTuple

from leakguard.commits import finish, forget_met, meta
from leakguard.detect.engine import BARE_FILES, Engine, Scan
from leakguard.detect.looks import LEAST, Look, Pair, briefly
from leakguard.detect.reuse import Reuse
from leakguard.detect.stage1 import Ends
from leakguard.findings import findings_of
from leakguard.gitpiece import Account, Found, Piece, PieceDone, keep, lost_piece, short, told
from leakguard.model import Document, Incident, Origin
from leakguard.pipeline import scan_leaves, scan_windows
from leakguard.sources.gitcall import Git
from leakguard.sources.gitobjects import Content, Part, contents
from leakguard.sources.gitpacks import Doubt, Pack, Version
from leakguard.sources.index import POINTERS
from leakguard.sources.inside.base import Budget, Stream, from_bytes
from leakguard.sources.inside.limits import Limits
from leakguard.sources.inside.magic import ISO_HEAD, NESTED_ONLY, ends_as_zip, kind_of
from leakguard.sources.windows import read_stream
from leakguard.work import Done, Policy

__all__ = ["forget", "opened", "scan_piece", "versions"]

_texts: dict[str, Reuse] = {}
"""Per shadow the versions of files that this process scanned last: the next ones are scanned by what differs."""


def versions(engine: Engine, shadow: str) -> Reuse:
    """What scans the blobs of a store. Asked for before workers are forked it is made once."""
    texts = _texts.get(shadow)
    if texts is None:
        texts = _texts[shadow] = Reuse(engine)
    return texts


_packs: dict[str, Pack] = {}
"""By their paths those that this process has opened."""


def opened(path: str, width: int) -> Pack:
    """A pack. Doubt if it is none."""
    pack = _packs.get(path)
    if pack is None:
        pack = _packs[path] = Pack(path, width)
    return pack


def forget(shadow: str) -> None:
    """Lets go of what was remembered of a store."""
    forget_met(shadow)
    _texts.pop(shadow, None)
    _packs.clear()  # stores are scanned one after the other


def scan_piece(engine: Engine, piece: Piece, policy: Policy) -> PieceDone:
    """Scans a piece. Whatever goes wrong is in its result. Of `policy` only counts how far to go into archives: what
    is reported is chosen when all is known."""
    account = Account(policy)
    try:
        if piece.pack:
            piece = _packed(engine, piece, account)
        scan = _blob if piece.kind == "blob" else meta
        for content in contents(Git(piece.shadow, piece.shadow), piece.ids, piece.width):
            oid = piece.ids[content.number * piece.width : (content.number + 1) * piece.width]
            path = piece.paths[content.number] if piece.paths else ""
            if content.problem:
                account.fail(oid, path or f"<object {short(oid)}>", content.problem)
                continue
            with told(oid, path, content.size, account):
                scan(engine, piece, content, oid, path, account)
        if piece.kind != "blob":
            finish(engine, piece, account)
    except Exception as error:  # noqa: BLE001 - told as a failure by its kind alone: a message could quote content
        return lost_piece(piece, f"internal error: {type(error).__name__}")
    return account.done()


# ---------------------------------------------------------------- blobs
AT_ONCE = 64
"""Blobs of a pack that are looked at together."""
AT_ONCE_BYTES = 4 * 1024 * 1024
BASES = 16 * 1024 * 1024
"""Bytes of blobs that are kept for those that are made of them."""


class _Read(NamedTuple):
    """A blob that was read from a pack."""

    number: int
    """In its piece."""
    at: int
    version: Version


def _packed(engine: Engine, piece: Piece, account: Account) -> Piece:
    """Scans the blobs of a piece that can be read from its pack; returns the rest of the piece."""
    places = array("Q")
    places.frombytes(piece.places)
    width = piece.width
    left: list[int] = []
    names: dict[int, str] = {}
    for batch in _batches(piece, places, left):
        looks: dict[int, Look | None] = {}
        if piece.versions:
            texts = versions(engine, piece.shadow)
            names.update((one.at, piece.paths[one.number]) for one in batch)
            pairs = [one for one in batch if one.version.base in names and texts.alike(names[one.version.base], names[one.at])]
            wanted = [Pair(one.version.data, names[one.at], one.version.old, one.version.hunks) for one in pairs]
            told_of = texts.looks(wanted)
            looks = {one.at: look for one, look in zip(pairs, told_of, strict=True)}
        brief = _brief(engine, batch, piece.paths)
        for number, at, version in batch:
            oid, path = piece.ids[number * width : (number + 1) * width], piece.paths[number]
            content = Content(number, "blob", len(version.data), version.data, None)
            known = _Known(at, version.base, looks.get(at), piece.followed[number] > 0, brief.get(at))
            with told(oid, path, content.size, account):
                _blob(engine, piece, content, oid, path, account, known)
    if piece.pack in _packs:
        _packs[piece.pack].release()  # the next piece reads elsewhere
    ids = b"".join([piece.ids[number * width : (number + 1) * width] for number in left])
    return piece._replace(ids=ids, paths=tuple([piece.paths[number] for number in left]))


def _brief(engine: Engine, batch: list[_Read], paths: Sequence[str]) -> dict[int, Ends | None]:
    """What stage 1 says of those that are too short to be held against a version, by where they lie."""
    few = [one for one in batch if len(one.version.data) < LEAST and not paths[one.number].endswith(BARE_FILES)]
    told_of = briefly(engine, [one.version.data for one in few], [paths[one.number] for one in few])
    return {one.at: ends for one, ends in zip(few, told_of, strict=True)}


def _batches(piece: Piece, places: array[int], left: list[int]) -> Iterator[list[_Read]]:
    """The blobs of a piece that can be read from its pack, some at a time. The numbers of others go to `left`."""
    known: OrderedDict[int, bytes] = OrderedDict()
    kept = size = 0
    batch: list[_Read] = []
    try:
        pack = opened(piece.pack, piece.width)
    except Doubt:
        left += range(len(places))
        return
    for number, at in enumerate(places):
        try:
            version = pack.version(at, known)
        except (Doubt, IndexError, OverflowError):
            left.append(number)
            continue
        batch.append(_Read(number, at, version))
        known[at] = version.data
        size += len(version.data)
        kept += len(version.data)
        while kept > BASES:
            kept -= len(known.popitem(last=False)[1])
        if len(batch) >= AT_ONCE or size >= AT_ONCE_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


class _Known(NamedTuple):
    """Of a blob from a pack."""

    at: int
    """Its offset, and that of its base."""
    base: int
    look: Look | None
    followed: bool
    """Whether versions of it follow."""
    ends: Ends | None
    """What stage 1 says of it, if that was asked before."""


_NOTHING = Scan([], -1, 0, 0, [])


def _blob(
    engine: Engine, piece: Piece, content: Content, oid: bytes, path: str, account: Account, known: _Known | None = None
) -> None:
    data = content.data
    origin_path = path or f"<blob {short(oid)}>"
    if data is None:
        _large(engine, content, oid, origin_path, account)
        return
    if account.policy.inside is not None and (kind := _container(data, path)):
        _archive(engine, Stream(from_bytes(data), content.size, BytesIO(data)), kind, oid, origin_path, account)
        return
    if content.size < 1024 and data.startswith(POINTERS):
        _pointer(data, path, oid, account)
    ends = known.ends if known is not None else None
    if ends is not None:
        scan = engine.scan(data, path, given=ends) if ends else _NOTHING
    elif not piece.versions:
        scan = engine.scan(data, path)
    elif known is None:
        scan = versions(engine, piece.shadow).scan(data, path)
    else:
        key, base = (piece.pack, known.at), (piece.pack, known.base)
        scan = versions(engine, piece.shadow).scan(data, path, key, base, known.look, keep=known.followed)
    account.objects += 1
    account.bytes += content.size
    if not scan.matches and not scan.incidents and not scan.views:
        return
    account.views += scan.views
    account.view_bytes += scan.view_bytes
    if scan.incidents:
        account.failed.add(oid)
        account.incidents += [Incident("truncated", origin_path, reason) for reason in scan.incidents]
    if scan.matches:
        document = Document(data, Origin("blob", origin_path, None, (("blob", oid.hex()),)))
        findings, sets = findings_of(engine, document, scan.matches, 1)
        keep(account, Found("blob", oid, findings, sets), origin_path)


def _large(engine: Engine, content: Content, oid: bytes, path: str, account: Account) -> None:
    """A blob that is scanned as it comes, window by window."""
    part = content.stream
    if part is None:
        account.fail(oid, path, "neither data nor stream", content.size)
        return
    if account.policy.inside is not None:
        stream = Stream(part.read, content.size)
        kind = kind_of(stream.peek(ISO_HEAD), path)
        if kind and kind not in NESTED_ONLY:
            _archive(engine, stream, kind, oid, path, account)
            return
        source: Part | Stream = stream
    else:
        source = part
    incidents: list[Incident] = []
    origin = Origin("blob", path, None, (("blob", oid.hex()),))
    done = scan_windows(engine, read_stream(source, origin, incidents.append), account.policy, incidents)
    _account_for(done, oid, path, account)


def _account_for(done: Done, oid: bytes, path: str, account: Account) -> None:
    account.objects += 1
    account.bytes += done.bytes
    account.views += done.views
    account.view_bytes += done.view_bytes
    if any(incident.state != "skipped" for incident in done.incidents):
        account.failed.add(oid)
    account.incidents += done.incidents
    account.inside = tuple(a + b for a, b in zip(account.inside, done.inside, strict=True))  # type: ignore[assignment]
    keep(account, Found("blob", oid, done.findings, done.sets), path)


def _container(data: bytes, path: str) -> str:
    """The kind of archive that a blob is, or ""."""
    kind = kind_of(data[:ISO_HEAD], path)
    if kind in NESTED_ONLY:
        return ""
    if not kind and ends_as_zip(data):
        return "zip"
    return kind


def _archive(engine: Engine, stream: Stream, kind: str, oid: bytes, path: str, account: Account) -> None:
    """Everything in an archive that was committed."""
    from leakguard.sources.inside.walk import Tally, Walker

    incidents: list[Incident] = []
    tally, limits = Tally(), account.policy.inside or Limits()
    origin = Origin("blob", path, None, (("blob", oid.hex()),))
    budget = Budget(limits, max(stream.size, 0))
    walker = Walker(origin, budget, incidents.append, strict=account.policy.strict, tally=tally)
    leaves = walker.enter(origin, stream, kind, 1)
    _account_for(scan_leaves(engine, leaves, account.policy, incidents, tally), oid, path, account)


def _pointer(data: bytes, path: str, blob: bytes, account: Account) -> None:
    fields = dict(line.partition(b" ")[::2] for line in data.splitlines())
    oid = fields.get(b"oid", b"").removeprefix(b"sha256:")
    size = fields.get(b"size", b"0")
    if len(oid) == 64 and oid.isalnum() and size.isdigit() and len(size) < 19:
        account.pointers.append((oid.decode(), int(size), path, blob.hex()))
