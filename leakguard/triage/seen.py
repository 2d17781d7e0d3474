"""What was scanned before: a SQLite file that remembers objects by id, so that nothing is read twice.

Valid for one set of rules, engine and settings (the scope): another scope starts anew. Holds ids, masked lines and
keyed fingerprints, never a secret and never a content. An object is entered in the same transaction as what was found
in it, so a process that is killed loses time and nothing else. A sum over all that was found says whether it is still
there, as it was. A file that is damaged or not ours is not used: in the user's cache folder it is made anew, a path that
was named is a UsageError. Knows model only; imported by history.py and
attribution.py.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator
from typing import Any, cast

from leakguard.errors import UsageError
from leakguard.hashes import blake2b
from leakguard.model import Confidence, CredentialSet, Finding, Origin, Severity, Suppression

APPLICATION = 0x6C6B6731
FORMAT = 1
SCOPES = 2
"""Scopes kept: the one in use and the one before, for people who go back and forth between branches of rules."""
MERGE_FROM = 24
"""Rows of ids from which they are put into one."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS scope (id INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL, used REAL NOT NULL);
CREATE TABLE IF NOT EXISTS seen (scope INTEGER NOT NULL, ids BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS seen_scope ON seen (scope);
CREATE TABLE IF NOT EXISTS found (scope INTEGER NOT NULL, oid BLOB NOT NULL, kind TEXT NOT NULL, data TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS found_scope ON found (scope);
CREATE TABLE IF NOT EXISTS note (
  scope INTEGER NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (scope, kind, key)
) WITHOUT ROWID;
"""


class Seen:
    """The store of one repository. Use as a context manager; `commit` makes what was entered last."""

    def __init__(self, path: str, scope: str, *, named: bool) -> None:
        self.path = path
        self.named = named
        self.broken = ""
        """Why nothing more is kept, once a change could not be: a full disk stops no scan."""
        self._sum = 0
        folder = os.path.dirname(os.path.abspath(path))
        try:
            os.makedirs(folder, mode=0o700, exist_ok=True)
            self._open(scope)
        except (sqlite3.DatabaseError, OSError) as error:
            locked = isinstance(error, sqlite3.OperationalError) and "locked" in str(error)
            if named or locked:
                what = "in use by another scan" if locked else str(error) if isinstance(error, _DamagedError) else "cannot be used"
                raise UsageError(f"cache: {path}: {what}") from None
            try:
                self._drop()
                self._open(scope)
            except (sqlite3.DatabaseError, OSError):
                raise UsageError(f"cache: {path}: cannot be used") from None

    def _open(self, scope: str) -> None:
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
        os.close(handle)
        self._db = sqlite3.connect(self.path, timeout=10, isolation_level=None)
        try:
            self._prepare(scope)
        except BaseException:
            self._db.close()
            raise

    def _prepare(self, scope: str) -> None:
        db = self._db
        own, version = (
            db.execute("PRAGMA application_id").fetchone()[0],
            db.execute("PRAGMA user_version").fetchone()[0],
        )
        empty = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
        if not empty and (own, version) != (APPLICATION, FORMAT):
            raise sqlite3.DatabaseError("not ours")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("BEGIN IMMEDIATE")
        if empty:
            db.execute(f"PRAGMA application_id = {APPLICATION}")
            db.execute(f"PRAGMA user_version = {FORMAT}")
        for statement in _SCHEMA.split(";"):
            db.execute(statement)
        db.execute(
            "INSERT INTO scope (name, used) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET used = excluded.used",
            (scope, time.time()),
        )
        rows = db.execute("SELECT id, name FROM scope ORDER BY used DESC, id DESC").fetchall()
        self._scope = int(next(number for number, name in rows if name == scope))
        for number, _ in rows[SCOPES:]:
            for table, column in (("scope", "id"), ("seen", "scope"), ("found", "scope"), ("note", "scope")):
                db.execute(f"DELETE FROM {table} WHERE {column} = ?", (number,))  # noqa: S608 - names of ours
        db.execute("COMMIT")
        db.execute("BEGIN IMMEDIATE")
        self._verify()

    def _verify(self) -> None:
        """That all is there that was found, as it was entered: of a damaged file the rest would be believed to be all."""
        for row in self._db.execute("SELECT oid, kind, data FROM found WHERE scope = ?", (self._scope,)):
            self._sum = (self._sum + _summand(*row)) % _SUMS
        sums = self.notes("sum")
        if sums != ({"": f"{self._sum:x}"} if self._sum else {}):
            raise _DamagedError("damaged; remove it, and it is made anew")

    def _drop(self) -> None:
        self._sum = 0
        for tail in ("", "-journal", "-wal", "-shm"):
            try:
                os.unlink(self.path + tail)
            except FileNotFoundError:
                continue

    def _change(self, statement: str, values: tuple[Any, ...] = ()) -> None:
        """One change. If it cannot be made, all since the last commit are taken back, and no other is tried."""
        if self.broken:
            return
        try:
            self._db.execute(statement, values)
        except sqlite3.OperationalError as error:
            self.broken = str(error)
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")

    # ------------------------------------------------------------ objects
    def empty(self) -> bool:
        """Whether no object was entered yet."""
        return self._db.execute("SELECT 1 FROM seen WHERE scope = ? LIMIT 1", (self._scope,)).fetchone() is None

    def unknown(self, ids: bytes, width: int) -> set[bytes]:
        """Those of the packed `ids` (sorted) that were not scanned yet."""
        if self.note("all", "") == _digest(ids):
            return set()
        rows = self._db.execute("SELECT ids FROM seen WHERE scope = ?", (self._scope,)).fetchall()
        new = set(_unpack(ids, width))
        for (packed,) in rows:
            new.difference_update(_unpack(packed, width))
        if len(rows) > MERGE_FROM:
            self._change("DELETE FROM seen WHERE scope = ?", (self._scope,))
            self.enter(b"".join(packed for (packed,) in rows))
        return new

    def enter(self, ids: bytes) -> None:
        """These (packed) objects were scanned to their end."""
        if ids:
            self._change("INSERT INTO seen VALUES (?, ?)", (self._scope, ids))

    def complete(self, ids: bytes) -> None:
        """Exactly these (packed, sorted) objects are what the repository has, and all were scanned."""
        self.set_note("all", "", _digest(ids))

    def keep(self, oid: bytes, kind: str, findings: Iterable[Finding], sets: Iterable[CredentialSet]) -> None:
        """What was found in an object."""
        data = {"findings": [_packed(finding) for finding in findings], "sets": [_packed(found) for found in sets]}
        text = json.dumps(data, separators=(",", ":"))
        self._change("INSERT INTO found VALUES (?, ?, ?, ?)", (self._scope, oid, kind, text))
        self._sum = (self._sum + _summand(oid, kind, text)) % _SUMS

    def kept(self) -> Iterator[tuple[bytes, str, list[Finding], list[CredentialSet]]]:
        """(id, kind, findings, sets) of everything that was kept."""
        query = "SELECT oid, kind, data FROM found WHERE scope = ? ORDER BY rowid"
        for oid, kind, text in self._db.execute(query, (self._scope,)):
            data = json.loads(text)
            yield oid, kind, [_finding(row) for row in data["findings"]], [_set(row) for row in data["sets"]]

    def report(self, key: str) -> tuple[list[Finding], list[CredentialSet], int] | None:
        """What `set_report` was told under exactly this key, if it was the last one."""
        digest, _, text = self.note("report", key).partition(" ")
        if not text or digest != _digest(text.encode("utf-8", "surrogatepass")):
            return None
        data = json.loads(text)
        return [_finding(row) for row in data["findings"]], [_set(row) for row in data["sets"]], int(data["left_out"])

    def set_report(self, key: str, findings: Iterable[Finding], sets: Iterable[CredentialSet], left_out: int) -> None:
        """Keeps what came of everything that was found, with its facts; forgets what was kept under other keys."""
        data = {"findings": [_packed(one) for one in findings], "sets": [_packed(one) for one in sets]}
        self.forget_notes("report")
        text = json.dumps({**data, "left_out": left_out}, separators=(",", ":"))
        self.set_note("report", key, f"{_digest(text.encode())} {text}")

    # ------------------------------------------------------------ notes
    def note(self, kind: str, key: str) -> str:
        """A note of this scope; "" for none."""
        row = self._db.execute(
            "SELECT value FROM note WHERE scope = ? AND kind = ? AND key = ?", (self._scope, kind, key)
        ).fetchone()
        return str(row[0]) if row else ""

    def set_note(self, kind: str, key: str, value: str) -> None:
        """Writes a note, in place of the one that was there."""
        self._change("INSERT OR REPLACE INTO note VALUES (?, ?, ?, ?)", (self._scope, kind, key, value))

    def notes(self, kind: str) -> dict[str, str]:
        """All notes of a kind, by key."""
        rows = self._db.execute("SELECT key, value FROM note WHERE scope = ? AND kind = ?", (self._scope, kind))
        return dict(rows.fetchall())

    def forget_notes(self, kind: str) -> None:
        """Removes the notes of a kind."""
        self._change("DELETE FROM note WHERE scope = ? AND kind = ?", (self._scope, kind))

    def commit(self) -> None:
        """Ends the transaction: what was written since it began is kept."""
        if self._sum:
            self.set_note("sum", "", f"{self._sum:x}")
        self._change("COMMIT")
        self._change("BEGIN IMMEDIATE")

    def close(self) -> None:
        """Ends without entering what was not committed."""
        self._db.close()

    def __enter__(self) -> Seen:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


_SUMS = 1 << 128


class _DamagedError(sqlite3.DatabaseError):
    """Something is not as it was entered."""


def _summand(oid: Any, kind: Any, text: Any) -> int:
    """What one row adds to the sum, whatever stands in it."""
    return int.from_bytes(blake2b(repr((oid, kind, text)).encode("utf-8", "backslashreplace"), digest_size=16).digest(), "big")


def _digest(ids: bytes) -> str:
    return blake2b(ids, digest_size=16).hexdigest()


def _unpack(packed: bytes, width: int) -> list[bytes]:
    return [packed[at : at + width] for at in range(0, len(packed), width)]


def _packed(value: Finding | CredentialSet) -> list[Any]:
    if isinstance(value, Finding):
        value = value._replace(secret=None)
    return [_plain(item) for item in value]


def _plain(item: Any) -> Any:
    if isinstance(item, Origin):
        return item.as_json()
    if isinstance(item, Suppression):
        return {
            key: [digest.hex() for digest in value] if key == "proof" else value
            for key, value in item._asdict().items()
        }
    return item


def _origin(data: dict[str, Any]) -> Origin:
    inside = data.get("inside")
    return Origin(data["kind"], data["path"], _origin(inside) if inside else None, tuple(data.get("facts", {}).items()))


def _suppression(row: dict[str, Any] | None) -> Suppression | None:
    if row is None:
        return None
    fields: dict[str, Any] = {**row, "proof": tuple(map(bytes.fromhex, row["proof"]))}
    return Suppression(**fields)


def _pairs(value: list[list[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((first, second) for first, second in value)


def _finding(row: list[Any]) -> Finding:
    finding = Finding(*row)
    return finding._replace(
        severity=Severity(finding.severity),
        confidence=Confidence(finding.confidence),
        origin=_origin(cast(dict[str, Any], finding.origin)),
        view=tuple(finding.view),
        facts=_pairs(cast(list[list[str]], finding.facts)),
        reasons=tuple(finding.reasons),
        suppression=_suppression(cast(dict[str, Any] | None, finding.suppression)),
    )


def _set(row: list[Any]) -> CredentialSet:
    found = CredentialSet(*row)
    return found._replace(
        severity=Severity(found.severity),
        parts=_pairs(cast(list[list[str]], found.parts)),
        missing=tuple(found.missing),
        allows=tuple(found.allows),
        origin=_origin(cast(dict[str, Any], found.origin)),
        steps=tuple(found.steps),
    )
