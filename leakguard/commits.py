"""Trees, commits and tags of a piece: what people wrote in them, the names in them, what they brought, what they need.

Texts of commits are short and most say nothing: stage 1 sees many at once, and only those it says anything of are scanned.
What each commit brought is told by git, which compares trees. Remembers for each store which names and objects this
process has met. Imported by objects.py.
"""

from __future__ import annotations

import re

from leakguard.detect.engine import Engine
from leakguard.detect.looks import quiet
from leakguard.findings import findings_of
from leakguard.gitpiece import Account, Found, Piece, keep, short, told
from leakguard.model import Document, Incident, Origin
from leakguard.sources.gitcall import Git
from leakguard.sources.gitobjects import (
    SUBMODULE,
    Changes,
    Content,
    commit,
    entries,
    head,
    submodule_names,
    target,
    unpack,
    unquoted,
)

AT_ONCE = 512
AT_ONCE_BYTES = 256 * 1024
"""Texts that stage 1 sees together."""

_WHOLE = {width: re.compile(rb"(?:[0-7]{5,6} [^\0]*\0[\s\S]{%d})*\Z" % width) for width in (20, 32)}
_FOLDER = b"040000"
_NONE = b"000000"

_met: dict[str, set[bytes]] = {}
"""Per shadow what this process met in trees: ids (hex), names (behind a slash), paths (behind two), and entries of trees
without commits."""


def forget_met(shadow: str) -> None:
    """Lets go of what was remembered of a store."""
    _met.pop(shadow, None)


def meta(engine: Engine, piece: Piece, content: Content, oid: bytes, _path: str, account: Account) -> None:
    """A tree that no commit led to, a commit, or a tag. Texts wait in the account for `finish`."""
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
        first = head(data)
        account.ids += first.parents
        if first.tree:
            account.ids.append(first.tree)
            account.roots[oid] = first.tree
        else:
            account.fail(oid, f"<commit {short(oid)}>", "no commit that git would have made: it names no tree")
        when = first.committed if first.committed is not None else commit(data).committed
        account.history.append(b"%b %d %b\n" % (oid.hex().encode(), when, b" ".join(first.parents)))
        account.texts.append(("commit", data, first.end, oid))
    else:
        about = target(data)
        if about:
            account.ids.append(about)
        account.texts.append(("tag", data, len(b"object \n" + about) if about else 0, oid))
    account.waiting += len(data)
    if len(account.texts) >= AT_ONCE or account.waiting >= AT_ONCE_BYTES:
        _scan_texts(engine, account)


def finish(engine: Engine, piece: Piece, account: Account) -> None:
    """What is to be done when all objects of a piece were read."""
    _scan_texts(engine, account)
    if piece.kind == "commit":
        _changes(engine, piece, account)
    account.needed.update(unpack(bytes.fromhex(b"".join(account.ids).decode()), piece.width))


# ---------------------------------------------------------------- what people wrote
def _scan_texts(engine: Engine, account: Account) -> None:
    """The texts that wait."""
    waiting, account.texts, account.waiting = account.texts, [], 0
    texts = [data[start:] for _, data, start, _ in waiting]
    for (kind, data, start, oid), text, nothing in zip(waiting, texts, quiet(engine, texts), strict=True):
        if not nothing:
            with told(oid, f"<{kind} {short(oid)}>", len(data), account):
                _text(engine, kind, data, text, start, oid, account)


def _text(engine: Engine, kind: str, data: bytes, text: bytes, start: int, oid: bytes, account: Account) -> None:
    """What people wrote in a commit or tag: all of it but the ids at its head."""
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
        keep(account, Found(kind, oid, findings, sets), where)


# ---------------------------------------------------------------- what commits brought
def _changes(engine: Engine, piece: Piece, account: Account) -> None:
    """What a piece's commits brought into their trees: paths of blobs, names, and what must be there."""
    met = _met.setdefault(piece.shadow, set())
    fresh: dict[bytes, bytes] = {}
    trees: list[bytes] = []
    blobs: list[tuple[bytes, bytes]] = []
    rows = account.changes
    current = b""
    changes = Changes(Git(piece.shadow, piece.shadow), [oid.hex().encode() for oid in account.roots], trees=True)
    for batch in changes.batches():
        for commit_id, mode, oid, written in batch:
            if commit_id:
                current = commit_id
                rows.append(b"%b\n" % commit_id)
                continue
            if mode == _NONE:
                continue
            if mode != _FOLDER:
                rows.append(b"%b %b\n" % (oid, written))
            known = b"//" + written
            if known not in met:
                met.add(known)
                name = b"/" + unquoted(written).rpartition(b"/")[2]
                if name not in met:
                    met.add(name)
                    fresh[name[1:]] = current
            if oid in met or mode == SUBMODULE[:-1]:
                continue
            met.add(oid)
            if mode == _FOLDER:
                trees.append(oid)
            else:
                blobs.append((oid, unquoted(written)))
    account.gaps = {bytes.fromhex(oid.decode()) for oid in changes.gaps}
    roots = [root for oid, root in account.roots.items() if oid not in account.gaps]
    account.ids += trees
    account.ids += [oid for oid, _ in blobs]
    account.trees.update(unpack(bytes.fromhex(b"".join(trees + roots).decode()), piece.width))
    account.paths += [(bytes.fromhex(oid.decode()), path) for oid, path in blobs]
    _names(engine, {name: bytes.fromhex(oid.decode()) for name, oid in fresh.items()}, account)


def _tree(engine: Engine, piece: Piece, data: bytes, oid: bytes, account: Account) -> None:
    """A tree that no commit led to: its names, and what must be there."""
    met = _met.setdefault(piece.shadow, set())
    width = piece.width
    if not _WHOLE[width].match(data):
        # whatever it is, it is not only names and ids: they may stand in it all the same, and so may anything else
        account.fail(oid, f"<tree {short(oid)}>", "no tree that git would have made: its entries do not fill it")
        account.texts.append(("blob", data, 0, oid))
        account.waiting += len(data)
    names = []
    for entry in entries(data, width):
        if entry not in met:
            met.add(entry)
            account.needed.add(entry[-width:])
            names.append(entry[: -width - 1])
    names += submodule_names(data, width) if SUBMODULE in data else []
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
            keep(account, Found("name", oid, findings, [made._replace(origin=origin) for made in sets], name), shown)
