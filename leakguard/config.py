"""Settings: what a configuration file, the environment and the command line say, and where each came from.

A configuration is `leakguard.toml`, or `[tool.leakguard]` in `pyproject.toml`, looked for in the folder the command
runs in and its parents up to the repository's root; never read inside a scanned target, unless the user trusts it.
An unknown key is an error that names the nearest valid one. Parses TOML only when there is a file; imports errors
and what reads a file, so that the hook may use it.
"""

# No `from __future__ import annotations` here: NamedTuple would compile every annotation, on every start.
import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from leakguard import given
from leakguard.errors import ConfigError, UsageError

FILE = "leakguard.toml"
PYPROJECT = "pyproject.toml"
_LEVELS = {
    "min_severity": ("info", "low", "medium", "high", "critical"),
    "min_confidence": ("low", "medium", "high", "certain"),
    "suppress_up_to": ("info", "low", "medium", "high", "critical"),
    "format": ("text", "json", "jsonl", "sarif", "csv", "junit", "gitlab", "github"),
}
_MOST = {"decode_depth": 8, "jobs": 1024, "archive_depth": 32}
_LEAST = {"archive_depth": 1}
_OPTIONS = {"include_paths": "--include-path", "exclude_paths": "--exclude-path", "skip_dirs": "--skip-dir"}


class Settings(NamedTuple):
    """All settings with their defaults. Field names are the keys of a configuration file."""

    rules: tuple[str, ...] = ()
    """More rule packs: files or folders, relative to the configuration file."""
    only: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    preview: bool = False
    import_gitleaks: tuple[str, ...] = ()
    include_paths: tuple[str, ...] = ()
    exclude_paths: tuple[str, ...] = ()
    skip_dirs: tuple[str, ...] = ()
    gitignore: bool = False
    follow_symlinks: bool = False
    max_size: int = 0
    decode_depth: int = 4
    min_severity: str = "info"
    min_confidence: str = "low"
    jobs: int = 0
    """Worker processes; 0: one per core."""
    fingerprint_key: str = ""
    """Keys the fingerprints. Share it where baselines are shared."""
    format: str = "text"
    baseline: str = ""
    """File of accepted findings, relative to the configuration file; "" for leakguard.baseline, where there is one."""
    inline: bool = True
    """Whether allow comments count."""
    foreign_comments: bool = False
    """Whether other tools' allow comments count, too."""
    suppress_up_to: str = "critical"
    """Findings above this severity are never suppressed."""
    show_suppressed: bool = False
    archives: bool = True
    """Look inside of archives."""
    archive_depth: int = 10
    archive_ratio: int = 100
    archive_members: int = 250_000
    archive_bytes: int = 64 * 1024**3
    archive_seconds: int = 600
    ocr: bool = False
    """Read what pictures show, too (the extra `ocr`, and tesseract)."""
    strict: bool = False
    """What is recognised and not read (archives without a reader, git histories) makes the run incomplete."""
    git_objects: bool = False
    """Read the objects of git repositories that a folder scan comes across."""


class Loaded(NamedTuple):
    """Settings, the file or option each one that is not a default came from, and files that were not trusted."""

    settings: Settings
    origins: Mapping[str, str]
    sources: tuple[str, ...]
    untrusted: tuple[str, ...]


def load(
    explicit: str | None,
    targets: Sequence[str],
    trust_target: bool,
    overrides: Mapping[str, Any],
    start: str | None = None,
    base: Any = None,
) -> Loaded:
    """What is in force. `explicit` is a file that was named; `overrides` are options given (None: not given).

    With `base` (a sources.base.Base) files of the repository are read as that revision has them, and trusted.
    """
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    sources: list[str] = []
    untrusted: list[str] = []
    named = explicit or os.environ.get("LEAKGUARD_CONFIG")
    for path in (named,) if named else _found(start or _here(base), base):
        if not named and not trust_target and base is None and _inside(path, targets):
            untrusted.append(path)  # unread: what stands in it, right or wrong, decides nothing
            continue
        table = _read(path, required=bool(named), base=base)
        if table is not None:
            sources.append(path if base is None or base.inside(path) is None else f"{base.revision}:{base.inside(path)}")
            for key, value in table.items():
                values[key] = _checked(path, key, value)
                origins[key] = path
            break
    for key, value in overrides.items():
        if value is None or value == ():
            continue
        if key in _OPTIONS:
            wrong = _wrong_paths(key, value)
            if wrong:
                raise UsageError(f"{_OPTIONS[key]} {wrong}")
        if isinstance(value, tuple) and key in values and key != "only":
            values[key] = (*values[key], *value)
            origins[key] += f", --{key.replace('_', '-')}"
        else:
            values[key] = value
            origins[key] = f"--{key.replace('_', '-')}"
    return Loaded(Settings(**values), origins, tuple(sources), tuple(untrusted))


def working_folder() -> str:
    """The folder the command runs in; "" if it was removed meanwhile."""
    try:
        return os.getcwd()
    except FileNotFoundError:
        return ""


def _here(base: Any) -> str:
    """Where configurations are looked for: where the command runs, unless that is not in the base's repository."""
    here = working_folder()
    top: str = here if base is None or base.inside(here) is not None else base.top
    return top


def _found(start: str, base: Any = None) -> list[str]:
    """The files that may hold a configuration: those of `start` and its parents up to the repository's root, nearest
    first. Outside of a repository only those of `start`: its parents may be anybody's. None for "": see _here."""
    if not start:
        return []
    folder = os.path.abspath(start)
    out: list[str] = []
    own = 0
    while True:
        for name in (FILE, PYPROJECT):
            path = os.path.join(folder, name)
            if base is not None:
                text = base.read(base.inside(path)) if base.inside(path) is not None else None
                if text is not None and (name == FILE or _speaks(text)):
                    out.append(path)
            elif os.path.isfile(path) and (name == FILE or _mentions(path)):
                out.append(path)
        own = own or len(out) or -1
        parent = os.path.dirname(folder)
        if os.path.exists(os.path.join(folder, ".git")) if base is None else folder == base.top:
            return out
        if parent == folder:
            return out[: max(0, own)]
        folder = parent


def _mentions(path: str) -> bool:
    """Whether a pyproject.toml could have a section for us: a cheap look before TOML is imported."""
    try:
        text = given.content(path)
    except OSError:
        return False  # not ours to complain about: it may belong to another tool altogether
    return _speaks(text)


def _speaks(text: bytes) -> bool:
    return b"leakguard" in text and b"tool" in text


def _inside(path: str, targets: Sequence[str]) -> bool:
    real = os.path.realpath(path)
    for target in targets:
        root = os.path.realpath(target)
        if real == root or real.startswith(root.rstrip(os.sep) + os.sep):
            return True
    return False


def _read(path: str, required: bool, base: Any = None) -> dict[str, Any] | None:
    import tomllib

    try:
        document = tomllib.loads(content(path, base).decode("utf-8"))
    except OSError as error:
        raise ConfigError(path, "", error.strerror or "cannot be read") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(path, "", f"not valid TOML: {error}") from None
    if os.path.basename(path) == PYPROJECT:
        tool = document.get("tool", {})
        table = tool.get("leakguard") if isinstance(tool, dict) else None
        if table is None and required:
            raise ConfigError(path, "tool.leakguard", "missing")
    else:
        table = document
    if table is not None and not isinstance(table, dict):
        raise ConfigError(path, "tool.leakguard", "must be a table")
    return table


def content(path: str, base: Any = None) -> bytes:
    """A file's bytes, of the base revision where there is one and the file is the repository's. OSError if it is not
    there."""
    inside = None if base is None else base.inside(path)
    if inside is None:
        return given.content(path)
    data: bytes | None = base.read(inside)
    if data is None:
        raise FileNotFoundError(2, f"not in the base revision {base.revision}")
    return data


def beside(name: str, targets: Sequence[str], trust_target: bool, base: Any = None) -> tuple[str, tuple[str, ...]]:
    """(the nearest file of a name where the command runs or above it, as far up as configurations are looked for;
    those that lie inside a target and are not trusted)."""
    here = _here(base)
    if not here:
        return "", ()
    folder, first = os.path.abspath(here), True
    untrusted: list[str] = []
    while True:
        path = os.path.join(folder, name)
        inside = None if base is None else base.inside(path)
        if inside is not None and base.read(inside) is not None:
            return path, ()
        if base is None and os.path.isfile(path):
            if trust_target or not _inside(path, targets):
                return (path, tuple(untrusted)) if first or _in_repository(folder) else ("", tuple(untrusted))
            untrusted.append(path)
        top = os.path.exists(os.path.join(folder, ".git")) if base is None else folder == base.top
        parent = os.path.dirname(folder)
        if top or parent == folder:
            return "", tuple(untrusted)
        folder, first = parent, False


def _in_repository(folder: str) -> bool:
    while True:
        if os.path.exists(os.path.join(folder, ".git")):
            return True
        parent = os.path.dirname(folder)
        if parent == folder:
            return False
        folder = parent


def _checked(path: str, key: str, value: Any) -> Any:
    """A value of the right type for its key; paths of packs become relative to the file's folder."""
    if key not in Settings._fields:
        from difflib import get_close_matches

        if key in ("tool", "leakguard") and isinstance(value, dict):
            raise ConfigError(path, key, f"{FILE} has no sections: write the keys at the top of the file")
        near = get_close_matches(key, Settings._fields, 1)
        raise ConfigError(
            path, key, "unknown key" + (f"; {near[0]}?" if near else f"; known: {', '.join(Settings._fields)}")
        )
    default = Settings._field_defaults[key]
    if isinstance(default, tuple):
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise ConfigError(path, key, "must be a list of strings")
        if key in ("rules", "import_gitleaks"):
            folder = os.path.dirname(os.path.abspath(path))
            return tuple(os.path.join(folder, item) for item in value)
        wrong = _wrong_paths(key, value) if key in _OPTIONS else ""
        if wrong:
            raise ConfigError(path, key, wrong)
        return tuple(value)
    if key == "baseline" and isinstance(value, str) and value:
        return os.path.join(os.path.dirname(os.path.abspath(path)), value)
    if type(value) is not type(default):
        raise ConfigError(path, key, f"must be {_name(type(default))}")
    if isinstance(value, int) and value < 0:
        raise ConfigError(path, key, "must not be negative")
    if isinstance(value, int) and value < _LEAST.get(key, value):
        raise ConfigError(path, key, f"at least {_LEAST[key]}")
    if isinstance(value, int) and value > _MOST.get(key, value):
        raise ConfigError(path, key, f"at most {_MOST[key]}")
    if key in _LEVELS and value not in _LEVELS[key]:
        raise ConfigError(path, key, f"one of {', '.join(_LEVELS[key])}")
    return value


def _name(kind: type) -> str:
    return {bool: "true or false", int: "a whole number", str: "a string"}[kind]


def _wrong_paths(key: str, values: Sequence[str]) -> str:
    """What is wrong with globs, or with names of folders; "" for nothing. Both would fit nothing, and nobody would know."""
    from leakguard.globs import compile_globs

    if key == "skip_dirs":
        wrong = [name for name in values if not name or "/" in name]
        return f"{wrong[0]!r}: must be the name of a folder, without a slash" if wrong else ""
    try:
        compile_globs(values)
    except ValueError as error:
        return str(error)
    return ""


def digest(settings: Settings) -> str:
    """A name for exactly these settings, without the fingerprint key in it."""
    from leakguard.hashes import blake2b

    told = settings._replace(fingerprint_key="set" if settings.fingerprint_key else "")
    return blake2b(repr(tuple(told)).encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()
