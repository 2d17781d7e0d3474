"""One piece of a git store, scanned: a worker's whole work on it, in one process and with one git of its own.

Blobs are scanned whole, or in windows if they are large; of commits and tags what people wrote; of trees the names.
What goes wrong with one object fails that object and not the piece. Trees and commits are also asked which objects
they need, so that one that is missing is noticed. Nothing found here holds a secret unless the engine was told to keep
them. Imported by history.py.
"""

from __future__ import annotations

from io import BytesIO
from typing import NamedTuple

from leakguard.detect.engine import Engine
from leakguard.detect.reuse import Reuse
from leakguard.errors import EngineError
from leakguard.findings import findings_of
from leakguard.model import CredentialSet, Document, Finding, Incident, Origin
from leakguard.pipeline import MOST_PER_OBJECT, Done, Policy, scan_leaves, scan_windows
from leakguard.sources.gitcall import Git
from leakguard.sources.gitobjects import Changes, Content, Part, commit, contents, entries, submodule_names, target
from leakguard.sources.inside.base import Budget, Stream, from_bytes
from leakguard.sources.inside.limits import Limits
from leakguard.sources.inside.magic import ISO_HEAD, NESTED_ONLY, ends_as_zip, kind_of
from leakguard.sources.windows import read_stream

_POINTER = b"version https://git-lfs.github.com/spec/v1\n"
SHORT = 12
"""Digits of an id that are shown where there is no name."""


class Options(NamedTuple):
    """How a repository is scanned."""

    jobs: int = 1
    cache: str | None = None
    """A file for what was scanned before; None: one in the user's cache folder, "": none."""
    follow_alternates: bool = False
    attribution: bool = True
    max_size: int = 0
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    """Globs: findings that stand in no path that they leave in are not reported."""


class Piece(NamedTuple):
    """Objects of one kind. Trees come as pieces only if no commit led to them."""

    shadow: str
    width: int
    kind: str
    ids: bytes
    """Packed, in the order in which they are read."""
    paths: tuple[str, ...] = ()
    """For blobs: where a tree has them; "" where none was found to."""
    size: int = 0
    versions: bool = False
    """Whether it is worth it to look at how blobs of one path differ."""


class Found(NamedTuple):
    """What one object gave. `name` is the file name it was found in, for kind "name" (never to be printed)."""

    kind: str
    oid: bytes
    findings: list[Finding]
    sets: list[CredentialSet]
    name: bytes = b""


class PieceDone(NamedTuple):
    """What a piece gave. Ids are binary."""

    objects: int
    read: int
    """Bytes."""
    views: int
    view_bytes: int
    found: list[Found]
    failed: set[bytes]
    """Objects that were not read to their end."""
    incidents: list[Incident]
    pointers: list[tuple[str, int, str]]
    """LFS: (sha256, size, path)."""
    inside: tuple[int, int, int]
    """Of archives: containers, members, expanded bytes."""
    paths: list[tuple[bytes, bytes]]
    """(id, path) of blobs that this process had not met before."""
    trees: bytes
    """Trees that were looked into by way of their commits, packed."""
    needed: bytes
    """Ids of everything that was named and must be there, packed."""
    gaps: set[bytes]
    """Commits whose trees could not be compared."""


def short(oid: bytes) -> str:
    """An id as it is shown."""
    return oid.hex()[:SHORT]


class Account:
    """What a piece gave so far."""

    def __init__(self, policy: Policy = Policy()) -> None:  # noqa: B008 - a value that cannot change
        self.policy = policy._replace(min_severity=0, min_confidence=0)
        self.objects = self.bytes = self.views = self.view_bytes = 0
        self.inside = (0, 0, 0)
        self.found: list[Found] = []
        self.failed: set[bytes] = set()
        self.incidents: list[Incident] = []
        self.pointers: list[tuple[str, int, str]] = []
        self.paths: list[tuple[bytes, bytes]] = []
        self.trees: set[bytes] = set()
        self.needed: set[bytes] = set()
        self.gaps: set[bytes] = set()
        self.roots: dict[bytes, bytes] = {}

    def done(self) -> PieceDone:
        return PieceDone(
            self.objects, self.bytes, self.views, self.view_bytes, self.found, self.failed, self.incidents,
            self.pointers, self.inside, self.paths, b"".join(sorted(self.trees)), b"".join(sorted(self.needed)),
            self.gaps,
        )  # fmt: skip

    def fail(self, oid: bytes, where: str, reason: str, size: int = 0) -> None:
        self.failed.add(oid)
        self.incidents.append(Incident("failed", where, reason, size))


_met: dict[str, set[bytes]] = {}
"""Per shadow what this process met in trees: ids (hex), names (behind a slash), and entries of trees without commits."""


_texts: dict[str, Reuse] = {}
"""Per shadow the versions of files that this process scanned last: the next ones are scanned by what differs."""


def versions(engine: Engine, shadow: str) -> Reuse:
    """What scans the blobs of a store. Asked for before workers are forked it is made once."""
    texts = _texts.get(shadow)
    if texts is None:
        texts = _texts[shadow] = Reuse(engine)
    return texts


def forget(shadow: str) -> None:
    """Lets go of what was remembered of a store."""
    _met.pop(shadow, None)
    _texts.pop(shadow, None)


def scan_piece(engine: Engine, piece: Piece, policy: Policy) -> PieceDone:
    """Scans a piece. Whatever goes wrong is in its result. Of `policy` only counts how far to go into archives: what
    is reported is chosen when all is known."""
    account = Account(policy)
    try:
        scan = _blob if piece.kind == "blob" else _meta
        for content in contents(Git(piece.shadow, piece.shadow), piece.ids, piece.width):
            oid = piece.ids[content.number * piece.width : (content.number + 1) * piece.width]
            path = piece.paths[content.number] if piece.paths else ""
            if content.problem:
                account.fail(oid, path or f"<object {short(oid)}>", content.problem)
                continue
            try:
                scan(engine, piece, content, oid, path, account)
            except EngineError as error:
                account.fail(oid, path or f"<object {short(oid)}>", error.message, content.size)
            except Exception as error:  # noqa: BLE001 - one odd object must not take the piece with it
                reason = f"internal error: {type(error).__name__}"
                account.fail(oid, path or f"<object {short(oid)}>", reason, content.size)
        if piece.kind == "commit":
            _changes(engine, piece, account)
    except Exception as error:  # noqa: BLE001 - told as a failure by its kind alone: a message could quote content
        return lost_piece(piece, f"internal error: {type(error).__name__}")
    return account.done()


def lost_piece(piece: Piece, reason: str) -> PieceDone:
    """The outcome of a piece that could not be scanned at all."""
    account = Account()
    width = piece.width
    account.failed = {piece.ids[at : at + width] for at in range(0, len(piece.ids), width)}
    what = f"<{len(account.failed)} objects from {short(piece.ids[:width])} on>"
    account.incidents.append(Incident("failed", what, reason, piece.size))
    return account.done()


# ---------------------------------------------------------------- blobs
def _blob(engine: Engine, piece: Piece, content: Content, oid: bytes, path: str, account: Account) -> None:
    data = content.data
    origin_path = path or f"<blob {short(oid)}>"
    if data is None:
        _large(engine, content, oid, origin_path, account)
        return
    if account.policy.inside is not None and (kind := _container(data, path)):
        _archive(engine, Stream(from_bytes(data), content.size, BytesIO(data)), kind, oid, origin_path, account)
        return
    if content.size < 1024 and data.startswith(_POINTER):
        _pointer(data, path, account)
    scan = versions(engine, piece.shadow).scan(data, path) if piece.versions else engine.scan(data, path)
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
        _keep(account, Found("blob", oid, findings, sets), origin_path)


def _keep(account: Account, found: Found, where: str) -> None:
    more = len(found.findings) - MOST_PER_OBJECT
    if more > 0:
        account.incidents.append(Incident("truncated", where, f"{more} more findings left out of the report"))
        found = found._replace(findings=found.findings[:MOST_PER_OBJECT])
    if found.findings or found.sets:
        account.found.append(found)


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
    _keep(account, Found("blob", oid, done.findings, done.sets), path)


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


def _pointer(data: bytes, path: str, account: Account) -> None:
    fields = dict(line.partition(b" ")[::2] for line in data.splitlines())
    oid = fields.get(b"oid", b"").removeprefix(b"sha256:")
    size = fields.get(b"size", b"0")
    if len(oid) == 64 and oid.isalnum() and size.isdigit() and len(size) < 19:
        account.pointers.append((oid.decode(), int(size), path))


# ---------------------------------------------------------------- trees, commits, tags
def _meta(engine: Engine, piece: Piece, content: Content, oid: bytes, _path: str, account: Account) -> None:
    data = content.data
    if data is None:  # a tree of eight megabytes, or a commit: read whole all the same, their like is rare
        data = content.stream.source.read(content.size) if content.stream is not None else b""
        if content.stream is not None:
            content.stream.left -= len(data)
    account.objects += 1
    account.bytes += content.size
    if content.kind == "tree":
        _tree(engine, piece, data, oid, account)
    elif content.kind == "commit":
        told = commit(data)
        account.needed.update(bytes.fromhex(one.decode()) for one in (told.tree, *told.parents) if one)
        if told.tree:
            account.roots[oid] = bytes.fromhex(told.tree.decode())
        else:
            account.fail(oid, f"<commit {short(oid)}>", "no commit that git would have made: it names no tree")
        _text(engine, "commit", data, len(data) - len(told.text), oid, account)
    else:
        about = target(data)
        if about:
            account.needed.add(bytes.fromhex(about.decode()))
        _text(engine, "tag", data, len(b"object \n" + about) if about else 0, oid, account)


def _text(engine: Engine, kind: str, data: bytes, start: int, oid: bytes, account: Account) -> None:
    """What people wrote in a commit or tag: all of it but the ids at its head."""
    text = data[start:]
    where = f"<{kind} {short(oid)}>"
    scan = engine.scan(text, "")
    account.views += scan.views
    account.view_bytes += scan.view_bytes
    if scan.incidents:
        account.failed.add(oid)
        account.incidents += [Incident("truncated", where, reason) for reason in scan.incidents]
    if scan.matches:
        document = Document(text, Origin(kind, where, None, ((kind, oid.hex()),)), base=start)
        findings, sets = findings_of(engine, document, scan.matches, data.count(b"\n", 0, start) + 1)
        _keep(account, Found(kind, oid, findings, sets), where)


def _changes(engine: Engine, piece: Piece, account: Account) -> None:
    """What a piece's commits brought into their trees: paths of blobs, names, and what must be there."""
    met = _met.setdefault(piece.shadow, set())
    fresh: dict[bytes, bytes] = {}
    changes = Changes(Git(piece.shadow, piece.shadow), [oid.hex().encode() for oid in account.roots], trees=True)
    for commit_id, mode, oid, path in changes:
        name = b"/" + path.rpartition(b"/")[2]
        if name not in met:
            met.add(name)
            fresh[name[1:]] = commit_id
        if oid in met or mode == b"160000":
            continue
        met.add(oid)
        binary = bytes.fromhex(oid.decode())
        account.needed.add(binary)
        if mode == b"040000":
            account.trees.add(binary)
        else:
            account.paths.append((binary, path))
    account.gaps = {bytes.fromhex(oid.decode()) for oid in changes.gaps}
    account.trees.update(root for oid, root in account.roots.items() if oid not in account.gaps)
    _names(engine, {name: bytes.fromhex(oid.decode()) for name, oid in fresh.items()}, account)


def _tree(engine: Engine, piece: Piece, data: bytes, oid: bytes, account: Account) -> None:
    """A tree that no commit led to: its names, and what must be there."""
    met = _met.setdefault(piece.shadow, set())
    width = piece.width
    names = []
    for entry in entries(data, width):
        if entry not in met:
            met.add(entry)
            account.needed.add(entry[-width:])
            names.append(entry[: -width - 1])
    names += submodule_names(data, width) if b"160000 " in data else []
    fresh = [name for name in dict.fromkeys(names) if b"/" + name not in met]
    met.update(b"/" + name for name in fresh)
    _names(engine, dict.fromkeys(fresh, oid), account)


def _names(engine: Engine, names: dict[bytes, bytes], account: Account) -> None:
    """File names, each with the commit or tree it came from: all at once, and one by one only where something fires."""
    if not names or not engine.scan(b"\n".join(names), "").matches:
        return
    for name, oid in names.items():
        matches = engine.scan(name, "").matches
        if matches:
            document = Document(name, Origin("name", "", None, ()))
            findings, sets = findings_of(engine, document, matches, 1)
            shown = findings[0].masked if findings else "<name>"
            origin = Origin("name", shown, None, ())
            findings = [finding._replace(origin=origin) for finding in findings]
            _keep(account, Found("name", oid, findings, [made._replace(origin=origin) for made in sets], name), shown)
