"""From pack files to a RuleSet and its stage 1, by way of the compiled cache in the user's cache folder.

The cache is keyed by the content of every pack file, the selection, and the versions that the compiled form depends
on; it holds the rules as JSON and hyperscan's serialised databases, never pickle, mode 0600. One that is foreign,
corrupt, of another version or CPU is rebuilt without a word; a folder that cannot be written to means no cache. On a
hit no TOML is parsed. Imported by pipeline, hook and redact.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple

import hyperscan

from leakguard.detect import assign, decode, index, rules
from leakguard.detect.stage1 import Cold, Compiled, Databases, Stage1, compile_databases
from leakguard.model import RuleSet
from leakguard.version import __version__

MAGIC = b"leakguard-rules-1\n"
FULL_COMPILE_AT = 4 * 1024 * 1024
"""Expected bytes from which a missing cache is compiled at once instead of starting cold."""


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
    builtin = rules.read_files(rules.pack_files(rules.builtin_folder())) if selection.builtin else []
    users = rules.read_files(path for pack in selection.packs for path in rules.pack_files(pack))
    users += rules.read_files(selection.imported)
    key = _key(selection, builtin, users)
    path = os.path.join(folder, f"rules-{key}.bin") if folder else ""
    cached = _read(path) if path else None
    if cached is not None:
        ruleset, databases = cached
        return Loaded(ruleset, Compiled(databases), "warm")
    ruleset = _parse(selection, builtin, users, key)

    def keep(databases: Databases) -> None:
        if path:
            _write(path, ruleset, databases)

    if expected_bytes >= FULL_COMPILE_AT:
        databases = compile_databases(ruleset)
        keep(databases)
        return Loaded(ruleset, Compiled(databases), "compiled")
    return Loaded(ruleset, Cold(ruleset, keep), "cold")


def warm(selection: Selection, folder: str | None = None) -> str:
    """Compiles and stores what `load` would want. Returns "warm" if it was there, else "compiled"."""
    return load(selection, FULL_COMPILE_AT, folder).state


def _key(selection: Selection, builtin: Sequence[tuple[str, bytes]], users: Sequence[tuple[str, bytes]]) -> str:
    digest = blake2b(digest_size=16)
    versions = (__version__, str(getattr(hyperscan, "__version__", "")), sys.version_info[:2], assign.TRIGGERS, decode.TRIGGERS)
    digest.update(repr((versions, decode.TEXT_TRIGGERS, tuple(selection))).encode("utf-8", "surrogateescape"))
    for name, data in (*builtin, *users):
        digest.update(b"%d %d " % (len(name), len(data)) + os.path.basename(name).encode("utf-8", "surrogateescape"))
        digest.update(data)
    return digest.hexdigest()


def _parse(
    selection: Selection, builtin: Sequence[tuple[str, bytes]], users: Sequence[tuple[str, bytes]], key: str
) -> RuleSet:
    base = index.read(builtin) or [rules.parse_pack(name, data) for name, data in builtin]
    packs = list(base)
    imported = set(selection.imported)
    for name, data in users:
        if name in imported:
            from leakguard.detect.foreign import gitleaks_pack

            packs.append(gitleaks_pack(name, data))
        else:
            packs.append(rules.parse_pack(name, data, checked=True))
    return rules.select(packs, key, selection.only, selection.exclude, selection.preview)


# ---------------------------------------------------------------- the compiled cache
def _read(path: str) -> tuple[RuleSet, Databases] | None:
    """What is cached under a path, or None for anything that is not exactly what was written by this user."""
    try:
        with open(path, "rb") as handle:
            status = os.fstat(handle.fileno())
            if hasattr(os, "geteuid") and (status.st_uid != os.geteuid() or status.st_mode & 0o022):
                return None
            blob = handle.read()
        if not blob.startswith(MAGIC):
            return None
        body = blob[len(MAGIC) + 16 :]
        if blake2b(body, digest_size=16).digest() != blob[len(MAGIC) : len(MAGIC) + 16]:
            return None
        sizes = [int.from_bytes(body[i : i + 8], "little") for i in (0, 8, 16, 24)]
        if sum(sizes) + 32 != len(body):
            return None
        parts = []
        at = 32
        for size in sizes:
            parts.append(body[at : at + size])
            at += size
        own, sets, venues, digest = json.loads(parts[0])
        ruleset = RuleSet(
            tuple(map(index.rule_from, own)), tuple(map(index.set_from, sets)), tuple(map(index.venue_from, venues)), digest
        )
        databases = Databases(*(hyperscan.loadb(part, hyperscan.HS_MODE_BLOCK) if part else None for part in parts[1:]))
    except (OSError, ValueError, TypeError, hyperscan.error):
        return None
    return ruleset, databases


def _write(path: str, ruleset: RuleSet, databases: Databases) -> None:
    """Stores a compiled RuleSet. A folder that cannot be written to is no error: the next start is cold again."""
    parts = [json.dumps(rules.to_json(ruleset), separators=(",", ":")).encode(), *(hyperscan.dumpb(d) if d is not None else b"" for d in databases)]
    body = b"".join(len(part).to_bytes(8, "little") for part in parts) + b"".join(parts)
    folder = os.path.dirname(path)
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=folder, prefix="rules-")
    except OSError:
        return
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(MAGIC + blake2b(body, digest_size=16).digest() + body)
        os.replace(temporary, path)
        _drop_old(folder, path)
    except OSError:
        _remove(temporary)


def _drop_old(folder: str, keep: str, most: int = 8) -> None:
    """Keeps the newest few caches: each selection and version leaves one behind."""
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("rules-") and entry.name.endswith(".bin") and entry.path != keep:
                found.append((entry.stat().st_mtime, entry.path))
    for _, path in sorted(found, reverse=True)[most:]:
        _remove(path)


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        return  # somebody else's clean-up was faster, or the folder became read-only: nothing depends on it
