"""Which suppressions are in force in a run: finds and reads the baseline, and makes the policy for triage.suppress.

From the work tree, or, with a base revision, from that alone. Prints nothing and decides nothing about a finding.
Imported by cli/ and hook.
"""

# No `from __future__ import annotations` here: NamedTuple would compile every annotation, on every start.
import os
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from leakguard import config
from leakguard.errors import ConfigError
from leakguard.model import Finding, ScanResult, Severity
from leakguard.triage import suppress

_ON_DISK = frozenset({"file", "link", "folder", "path"})
_IN_GIT = frozenset({"blob", "index", "staged", "tree"})


class Accepted(NamedTuple):
    """The suppressions in force."""

    policy: suppress.Policy
    key: str
    """Text of the fingerprint key to scan with: the configured one, or the baseline's own."""
    file: str = ""
    """The baseline's file, "" for none."""
    untrusted: tuple[str, ...] = ()
    """Baselines that lie inside the target and are not used."""
    said: str = ""
    """The baseline as a receipt names it."""
    base: str = ""
    """The id of the base commit, "" for none."""

    def apply(self, result: ScanResult) -> ScanResult:
        """The result with what is suppressed set apart; its receipt names the baseline and the base revision."""
        done = suppress.apply(result, self.policy)
        told: dict[str, Any] = {}
        if self.said:
            told["baseline"] = {"file": self.said, "entries": len(self.policy.baseline.entries)}
        if self.base:
            told["trust_base"] = self.base
        return done._replace(receipt={**done.receipt, **told}) if told else done


def load(
    settings: config.Settings,
    targets: Sequence[str] = (),
    trust_target: bool = False,
    *,
    use_baseline: bool = True,
    base: Any = None,
    root: str | None = None,
) -> Accepted:
    """What is in force by these settings. `base` is a sources.base.Base; `root`: the folder that paths of git's objects
    count from (None: where the baseline lies). ConfigError for a baseline that cannot be read or has another key.
    """
    path = ""
    untrusted: tuple[str, ...] = ()
    if use_baseline:
        path = settings.baseline
        if not path:
            path, untrusted = config.beside(suppress.BASELINE_FILE, targets, trust_target, base)
    book, key, said = None, settings.fingerprint_key, ""
    if path:
        from leakguard.triage.baseline import parse

        try:
            data = config.content(path, base)
        except OSError as error:
            raise ConfigError(path, "baseline", error.strerror or "cannot be read") from None
        book = parse(data, path)
        key = book.use_key(settings.fingerprint_key, path)
        inside = None if base is None else base.inside(path)
        said = path if inside is None else f"{base.revision}:{inside}"
    top = base.top if base is not None else root or (os.path.dirname(os.path.abspath(path)) if path else "")
    policy = suppress.Policy(
        inline=settings.inline,
        foreign=settings.foreign_comments,
        up_to=int(Severity[settings.suppress_up_to.upper()]),
        baseline=book,
        today=today() if book is not None else "",
        place=places(top or config.working_folder() or os.sep),
        base=None if base is None else _base_text(base),
    )
    return Accepted(policy, key, path, untrusted, said, base.commit if base is not None else "")


def today() -> str:
    """The day it is in UTC: the same everywhere that a baseline is used."""
    import time

    return time.strftime("%Y-%m-%d", time.gmtime())


def _base_text(base: Any) -> Callable[[str], bytes | None]:
    def text(place: str) -> bytes | None:
        # what is inside of a container has no lines in the base's blob that anybody could have reviewed
        data: bytes | None = None if os.path.isabs(place) or "!/" in place else base.read(place)
        return data

    return text


def places(root: str) -> Callable[[Finding], str]:
    """A function that gives a finding's path below `root`, wherever the scan was started."""
    real = os.path.realpath(root)
    known: dict[str, str] = {}

    def place(finding: Finding) -> str:
        origin = finding.origin
        inner: list[str] = []
        while origin.inside is not None and origin.kind not in _IN_GIT:
            inner.append(origin.path)
            origin = origin.inside
        path = origin.path
        if origin.kind in _ON_DISK:
            if path not in known:
                full = os.path.abspath(path)
                full = os.path.join(os.path.realpath(os.path.dirname(full)), os.path.basename(full))
                below = full.startswith(real.rstrip(os.sep) + os.sep)
                known[path] = (os.path.relpath(full, real) if below else full).replace(os.sep, "/")
            path = known[path]
        return "!/".join([path, *reversed(inner)])

    return place
