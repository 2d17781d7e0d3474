"""From pack files to a RuleSet and its stage 1, by way of the compiled cache in the user's cache folder.

The cache is keyed by the content of every pack file, the selection, and the versions and modules that the compiled
form depends on; it holds the rules as JSON, hyperscan's serialised databases and the code of patterns.py and
searches.py, never pickle, mode 0600. One that is foreign, corrupt, of another version or CPU is rebuilt without a word; a folder that
cannot be written to means no cache. On a hit no TOML is parsed, and no pack is read that has not changed since: a note
beside the cache names it by the sizes and times of all files. Imported by pipeline, hook and redact.
"""

# No `from __future__ import annotations` here: NamedTuple would compile every annotation, on every start.
import os
import stat
import sys
import time
from array import array
from collections.abc import Sequence
from io import FileIO
from typing import TYPE_CHECKING, Any, NamedTuple
from zlib import crc32

import hyperscan

from leakguard.detect import index, patterns, searches
from leakguard.detect.packfiles import builtin_folder, code_files, pack_files, read_files
from leakguard.detect.stage1 import Cold, Compiled, Databases, Stage1, compile_databases, load_databases, widths
from leakguard.errors import RulePackError
from leakguard.hashes import blake2b
from leakguard.model import RuleSet
from leakguard.version import __version__

if TYPE_CHECKING:
    from leakguard.detect.rules import Pack

MAGIC = b"leakguard-rules-8\n"
CHECKED = 8
"""Parts of it that the checksum covers whole; the others are databases, of which hyperscan checks all but the header."""
_HEADER = 64
"""Bytes of the others that it covers: hyperscan's header has 32."""
_SLACK = 128
"""And their last ones: some 70 bytes at a database's end are no part of it, and hyperscan does not look at them."""
FULL_COMPILE_AT = 4 * 1024 * 1024
"""Expected bytes from which a missing cache is compiled at once instead of starting cold."""
COLD_STARTS = 5
"""Starts without a cache after which the next one compiles: together they cost about as much."""
SETTLED = 2_000_000_000
"""Nanoseconds since a file's last change from which its times can be trusted to tell the next one."""

_DIGEST = 16
_OPEN = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_CREATE = os.O_WRONLY | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


class Selection(NamedTuple):
    """Which rules are in force."""

    packs: tuple[str, ...] = ()
    """Files or folders of the user's packs, beside the built-in ones."""
    only: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    preview: bool = False
    builtin: bool = True
    imported: tuple[str, ...] = ()
    """gitleaks configurations whose rules are added."""


class Loaded(NamedTuple):
    """Rules in force, how stage 1 runs them, and whether the cache had it ("warm", "cold", "compiled")."""

    ruleset: RuleSet
    stage1: Stage1
    state: str


def cache_folder() -> str:
    """Where compiled rules are kept: LEAKGUARD_CACHE_DIR, else the user's cache folder. "" switches it off."""
    own = os.environ.get("LEAKGUARD_CACHE_DIR")
    if own is not None:
        return own
    system: str = sys.platform  # a plain str: mypy would otherwise check one system's branch only
    if system == "linux":  # what platformdirs answers here, without its import on every start
        base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
        return os.path.join(base, "leakguard") if os.path.isabs(base) else ""
    from platformdirs import user_cache_dir

    return user_cache_dir("leakguard")


def load(selection: Selection, expected_bytes: int = 0, folder: str | None = None) -> Loaded:
    """The RuleSet of a selection and its stage 1. RulePackError or UsageError if there is no usable one."""
    folder = cache_folder() if folder is None else folder
    builtin = list(pack_files(builtin_folder())) if selection.builtin else []
    users = [path for pack in selection.packs for path in _found(pack)] + list(selection.imported)
    note = _note(selection, [*builtin, *users, *code_files()]) if folder else ""
    if note:
        key = _noted(os.path.join(folder, note))
        cached = _read(_path(folder, key), key) if key else None
        if cached is not None:
            return cached
    own, theirs = read_files(builtin), read_files(users)
    key = _key(selection, own, theirs)
    path = _path(folder, key) if folder else ""
    cached = _read(path, key) if path else None
    if cached is not None:
        if note:
            _store(os.path.join(folder, note), key.encode())
        return cached
    ruleset = _parse(selection, own, theirs, key)

    def keep(databases: Databases) -> None:
        if path and _write(path, ruleset, databases) and note:
            _store(os.path.join(folder, note), key.encode())

    if expected_bytes >= FULL_COMPILE_AT or (path and _cold_starts(path) > COLD_STARTS):
        databases = compile_databases(ruleset)
        keep(databases)
        return Loaded(ruleset, Compiled(databases, widths(ruleset)), "compiled")
    return Loaded(ruleset, Cold(ruleset, keep), "cold")


def _found(pack: str) -> list[str]:
    """The files of a pack that was asked for by name; none is a mistake."""
    files = list(pack_files(pack))
    if not files:
        raise RulePackError(pack, "", "", "no packs in it" if os.path.isdir(pack) else "no such file or folder")
    return files


def warm(selection: Selection, folder: str | None = None) -> str:
    """Compiles and stores what `load` would want. Returns "warm" if it was there, else "compiled"."""
    return load(selection, FULL_COMPILE_AT, folder).state


def _path(folder: str, key: str) -> str:
    return os.path.join(folder, f"rules-{key}.bin")


def _versions() -> bytes:
    return repr((__version__, str(getattr(hyperscan, "__version__", "")), sys.version)).encode()


def _key(selection: Selection, builtin: Sequence[tuple[str, bytes]], users: Sequence[tuple[str, bytes]]) -> str:
    """The name of what comes of these files' contents."""
    digest = blake2b(_versions() + repr(tuple(selection)).encode("utf-8", "surrogateescape"), digest_size=_DIGEST)
    for name, data in (*builtin, *users, *read_files(code_files())):
        digest.update(b"%d %s\0" % (len(data), os.path.basename(name).encode("utf-8", "surrogateescape")))
        digest.update(data)
    return digest.hexdigest()


def _note(selection: Selection, files: Sequence[str]) -> str:
    """The name of the note that says what came of exactly these files, as their sizes and times tell them; "" if one
    changed so lately that it could change again without its times telling."""
    told: list[int] = []
    newest = 0
    for path in files:  # of these there are a thousand
        try:
            info = os.stat(path)
        except OSError:
            return ""  # whoever reads it will say so
        changed, made = info.st_mtime_ns, info.st_ctime_ns
        if changed > newest or made > newest:
            newest = max(changed, made)
        told += (info.st_size, changed, made, info.st_ino)
    rows = (_versions(), tuple(selection), list(files), told)
    name = blake2b(repr(rows).encode("utf-8", "surrogateescape"), digest_size=_DIGEST).hexdigest()
    return f"rules-{name}.note" if newest + SETTLED < time.time_ns() else ""


def _parse(
    selection: Selection, builtin: Sequence[tuple[str, bytes]], users: Sequence[tuple[str, bytes]], key: str
) -> RuleSet:
    from leakguard.detect import rules

    packs = list(index.read(builtin) or [rules.parse_pack(name, data) for name, data in builtin])
    imported = set(selection.imported)
    for name, data in users:
        if name in imported:
            from leakguard.detect.foreign import gitleaks_pack

            packs.append(gitleaks_pack(name, data))
        else:
            packs.append(rules.parse_pack(name, data, checked=True))
            _refuse_endless(packs[-1])
    return rules.select(packs, key, selection.only, selection.exclude, selection.preview)


def _refuse_endless(pack: "Pack") -> None:
    """RulePackError for a pattern of a user's pack that a text could keep busy for ever. Only what could be so is tried: what is
    but slow is told by `rules check`, and ends at a time limit in a scan."""
    from leakguard.detect.trigger import may_run_away

    for rule in pack.rules:
        if may_run_away(rule.pattern or rule.shape):
            from leakguard.detect.floods import slowness

            for slow in slowness(rule, ()):
                if slow.hopeless:
                    raise RulePackError(pack.file, rule.id, slow.field, slow.message)


# ---------------------------------------------------------------- the compiled cache
def _opened(path: str) -> FileIO | None:
    """A file that only this user can have written, to be read, or None."""
    try:
        handle = os.open(path, _OPEN)
    except OSError:
        return None
    try:
        status = os.fstat(handle)
        trusted = not hasattr(os, "geteuid") or (status.st_uid == os.geteuid() and not status.st_mode & 0o022)
        if stat.S_ISREG(status.st_mode) and trusted:
            return FileIO(handle)
    except OSError:
        trusted = False  # as good as not there
    os.close(handle)
    return None


def _own(path: str) -> bytes | None:
    """The content of a file that only this user can have written, or None."""
    stream = _opened(path)
    if stream is None:
        return None
    try:
        with stream:
            return stream.readall()
    except OSError:
        return None


def _noted(path: str) -> str:
    """The key a note holds; "" for anything that is no note."""
    text = _own(path) or b""
    return text.decode("ascii") if len(text) == 2 * _DIGEST and text.isalnum() else ""


def _read(path: str, key: str) -> Loaded | None:
    """What is cached under a path, or None for anything that is not exactly what was written by this user."""
    parts = _stored(path, checked=CHECKED)
    if len(parts) != CHECKED + len(Databases._fields) or parts[0] != key.encode():
        return None
    numbers = array("Q")
    numbers.frombytes(parts[1])
    try:
        databases = load_databases(parts[CHECKED:])
    except (hyperscan.error, ValueError, TypeError):
        return None
    ruleset = RuleSet(
        index.Rows(parts[2], numbers[0], index.rule_from),
        index.Rows(parts[3], numbers[1], index.set_from),
        index.Rows(parts[4], numbers[2], index.venue_from),
        key,
        parts[5],
    )
    patterns.take(parts[6])
    searches.take(parts[7])
    return Loaded(ruleset, Compiled(databases, numbers[3:]), "warm")


def _sealed(magic: bytes, parts: Sequence[bytes], checked: int | None = None) -> bytes:
    """What `_stored` reads. Against accidents: a checksum is four times as quick as a hash, and whoever could forge it is the
    user. `checked`: parts that are in it whole; of the others their header and their last bytes are."""
    check = 0
    body = [magic, b""]
    for number, part in enumerate(parts):
        header = len(part).to_bytes(8, "little")
        seen = part if checked is None or number < checked else part[:_HEADER] + part[-_SLACK:]
        check = crc32(seen, crc32(header, check))
        body += (header, part)
    body[1] = check.to_bytes(4, "little")
    return b"".join(body)


def _stored(path: str, magic: bytes = MAGIC, checked: int | None = None) -> list[bytes]:
    """The parts of what `_sealed` made, each read to where it stays: a copy of all of it costs a fortieth of a start-up. Empty for
    anything else."""
    parts: list[bytes] = []
    check = 0
    stream = _opened(path)
    if stream is None:
        return []
    try:
        with stream:
            if stream.read(len(magic)) != magic:
                return []
            told, left = stream.read(4), os.fstat(stream.fileno()).st_size
            while header := stream.read(8):
                size = int.from_bytes(header, "little")
                part = stream.read(size) if size <= left else b""
                if len(part) != size:
                    return []
                seen = part if checked is None or len(parts) < checked else part[:_HEADER] + part[-_SLACK:]
                check = crc32(seen, crc32(header, check))
                parts.append(part)
    except OSError:
        return []
    return parts if check.to_bytes(4, "little") == told else []


def _write(path: str, ruleset: RuleSet, databases: Databases) -> bool:
    """Stores a compiled RuleSet. A folder that cannot be written to is no error: the next start is cold again."""
    from leakguard.detect.prepared import stored as tables_of

    rows: tuple[Sequence[Any], ...] = (ruleset.rules, ruleset.sets, ruleset.venues)
    numbers = array("Q", (*map(len, rows), *widths(ruleset)))
    parts: list[bytes] = [ruleset.digest.encode(), numbers.tobytes()]
    parts += [index.lines_of(values) for values in rows]
    texts = [text for rule in ruleset.rules for text in (rule.pattern, rule.shape) if text]
    parts += [tables_of(ruleset), patterns.stored(), searches.stored(texts)]
    parts += [hyperscan.dumpb(database) if database is not None else b"" for database in databases]
    stored = _store(path, _sealed(MAGIC, parts, CHECKED))
    if stored:
        _remove(_counter(path))
        _drop_old(os.path.dirname(path), path)
    return stored


def _store(path: str, content: bytes) -> bool:
    """Writes a file of the cache whole or not at all; says whether."""
    folder = os.path.dirname(path)
    temporary = os.path.join(folder, f"rules-{os.urandom(8).hex()}.tmp")
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        handle = os.open(temporary, _CREATE | os.O_EXCL, 0o600)
    except OSError:
        return False
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(content)
        os.replace(temporary, path)
    except OSError:
        _remove(temporary)
        return False
    return True


def _counter(path: str) -> str:
    return path.removesuffix(".bin") + ".cold"


def _cold_starts(path: str) -> int:
    """How often there was no cache under this path, this time included; 0 if that cannot be kept."""
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        handle = os.open(_counter(path), _CREATE | os.O_APPEND, 0o600)
    except OSError:
        return 0
    try:
        os.write(handle, b".")
        return os.fstat(handle).st_size
    except OSError:
        return 0
    finally:
        os.close(handle)


def _drop_old(folder: str, keep: str, most: int = 8) -> None:
    """Keeps the newest few caches: each selection and version leaves one behind. Notes and counters are small, and go
    when there are too many; so does what a killed process left half written."""
    found: dict[str, list[tuple[float, str]]] = {"bin": [], "note": [], "cold": [], "tmp": []}
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                kind = entry.name.rpartition(".")[2]
                if entry.name.startswith("rules-") and kind in found and entry.path != keep:
                    found[kind].append((entry.stat(follow_symlinks=False).st_mtime, entry.path))
    except OSError:
        return  # somebody else cleans up, too
    for kind, files in found.items():
        for _, path in sorted(files, reverse=True)[most if kind == "bin" else 8 * most :]:
            _remove(path)


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        return  # somebody else's clean-up was faster, or the folder became read-only: nothing depends on it
