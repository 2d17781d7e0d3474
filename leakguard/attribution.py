"""From what was found in objects to findings with facts: whose commit, when, is it still there, what reaches it.

Versions of one file that hold the same secret become one finding: the first that brought it, as bad as its worst.
Strings that come from the repository (subjects, authors, paths, refs) are masked like contents before they go into a
finding. Imported by history.py and images.py.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from leakguard.detect.engine import Engine
from leakguard.errors import EngineError
from leakguard.findings import Masks, masked_text
from leakguard.gitpiece import Found, Options
from leakguard.hashes import blake2b
from leakguard.model import CredentialSet, Finding, Origin
from leakguard.paths import masked_name, raw_bytes
from leakguard.sources import gitfacts
from leakguard.sources.git import Repository
from leakguard.sources.gitcall import Git
from leakguard.sources.gitfacts import Facts, Key
from leakguard.sources.gitrefs import Refs, index_files
from leakguard.triage.seen import Seen
from leakguard.work import Policy

_LAST = 253402300799
"""Seconds at which years have five digits."""


_MOST_REMOVED = 200
"""Secrets, the worst first, for which it is looked up when they were taken out."""


class Told(NamedTuple):
    """What came of a store."""

    findings: list[Finding]
    sets: list[CredentialSet]
    left_out: int
    """Findings that stand only in paths a glob excludes."""
    gaps: int
    """Commits that could not be looked into."""


class Report:
    """Turns what was found in a store into findings with facts."""

    def __init__(
        self, mask: Masker, at: Repository, refs: Refs, git: Git, width: int, policy: Policy, options: Options,
        seen: Seen | None,
    ) -> None:  # fmt: skip
        self.mask, self.at, self.refs, self.git, self.width = mask, at, refs, git, width
        self.policy, self.options, self.seen = policy, options, seen
        self.facts: dict[Key, Facts] = {}
        self.trunk: gitfacts.Trunk | None = None

    def tell(
        self,
        found: Sequence[Found],
        everything: bytes,
        commits: Callable[[], bytes],
        known: gitfacts.Told | None = None,
        *,
        attribution: bool,
    ) -> Told:
        """The findings of a store; what is known of its objects comes from the cache if nothing that decides it has
        changed. `everything`: all ids, packed; `commits` gives those of commits; `known`: what was learnt of all of them."""
        live = [one for one in found if one.kind in _LIVE]
        objects = [one for one in found if one.kind not in _LIVE]
        key = self._state(everything) if self.seen is not None and attribution else ""
        kept = self.seen.report(key) if self.seen is not None and key else None
        gaps = 0
        wanted = {named for one in (live if kept is not None else found) if (named := _key(one)) is not None}
        if attribution and wanted:
            self.facts, gaps, self.trunk = gitfacts.attribute(
                self.git, self.width, commits, wanted, self.refs, self.options.jobs, index_files(self.at), known
            )
        if kept is not None:
            findings, sets, left_out = kept
        else:
            findings, sets, left_out = self._judged(objects)
            if self.seen is not None and key:
                self.seen.set_report(key, findings, sets, left_out)
        more, halves, also = self._judged(live)
        return Told([*findings, *more], [*sets, *halves], left_out + also, gaps)

    def _state(self, everything: bytes) -> str:
        """Names everything that decides what is said of the objects' findings."""
        indexes = [(name, os.stat(path).st_mtime_ns, os.stat(path).st_size) for name, path in index_files(self.at)]
        parts = (self.refs, indexes, self.policy[:2], self.options.include, self.options.exclude, self.at.name)
        text = repr(parts).encode("utf-8", "surrogateescape")
        return blake2b(text + blake2b(everything).digest(), digest_size=16).hexdigest()

    def _reported(self, finding: Finding) -> bool:
        return finding.severity >= self.policy.min_severity and finding.confidence >= self.policy.min_confidence

    def _judged(self, found: list[Found]) -> tuple[list[Finding], list[CredentialSet], int]:
        """(findings, sets, how many findings a glob left out)."""
        groups: dict[tuple[Any, ...], list[tuple[Finding, Found]]] = {}
        for one in found:
            for finding in one.findings:
                if self._reported(finding):
                    groups.setdefault(_same(finding, one), []).append((finding, one))
        included = self._included()
        firsts = self._firsts(groups.values())
        removed = self._removed(groups.values())
        findings = []
        left_out = 0
        for versions in groups.values():
            if any(included(path) for finding, one in versions for path in self._paths(one, finding)):
                findings.append(self._finding(versions, firsts, removed))
            else:
                left_out += 1
        origins = {finding.fingerprint: finding.origin for finding in findings}
        sets: dict[tuple[str, str], CredentialSet] = {}
        for one in found:
            for made in one.sets:
                origin = next((origins[print] for _, print in made.parts if print in origins), None)
                if origin is not None:
                    sets.setdefault((made.id, str(origin)), made._replace(origin=origin))
        return findings, list(sets.values()), left_out

    def _firsts(self, groups: Iterable[list[tuple[Finding, Found]]]) -> dict[str, tuple[Facts, str]]:
        """For each secret (by fingerprint) what is known of where it came first, whatever the file is called now."""
        out: dict[str, tuple[Facts, str]] = {}
        for versions in groups:
            for finding, one in versions:
                facts = self._known(one)
                if one.kind != "blob" or facts is None or not facts.commit:
                    continue
                known = out.get(finding.fingerprint)
                if known is None or facts.place < known[0].place:
                    out[finding.fingerprint] = facts, os.fsdecode(facts.paths[0]) if facts.paths else ""
        return out

    def _removed(self, groups: Iterable[list[tuple[Finding, Found]]]) -> dict[str, str]:
        """For each secret (by fingerprint) that the default branch had and has no more: when that was, and whose commit."""
        known: dict[str, list[Facts]] = {}
        blobs: dict[str, set[bytes]] = {}
        worst: dict[str, int] = {}
        for versions in groups:
            for finding, one in versions:
                facts = self._known(one) if one.kind in ("blob", "lfs") else None
                if facts is not None and facts.commit and facts.paths:
                    known.setdefault(finding.fingerprint, []).append(facts)
                    blobs.setdefault(finding.fingerprint, set()).add(one.oid.hex().encode())
                    worst[finding.fingerprint] = max(worst.get(finding.fingerprint, 0), finding.severity)
        gone = [print for print, told in known.items() if not any(facts.now for facts in told)]
        gone = sorted(gone, key=lambda print: -worst[print])[:_MOST_REMOVED]
        if self.trunk is None or not gone:
            return {}
        contents = [
            gitfacts.Content(
                frozenset(blobs[print]),
                tuple(dict.fromkeys(path for facts in known[print] for path in facts.paths))[: gitfacts.MOST_NAMES],
                tuple(oid for facts in known[print] for oid in facts.brought),
            )
            for print in gone
        ]
        out = {}
        for print, removal in zip(gone, self.trunk.removals(contents), strict=True):
            if removal is not None:
                oid, commit = removal
                author = self.mask.text(commit.author.decode("utf-8", "replace"))
                out[print] = f"{_date(commit.committed)} by {author} in {oid.decode()}"
        return out

    def _finding(
        self, versions: list[tuple[Finding, Found]], firsts: dict[str, tuple[Facts, str]], removed: dict[str, str]
    ) -> Finding:
        """One finding of the versions of a file that hold the same secret: the one that came first."""
        first, one = min(versions, key=self._age)
        now = any(known.now for _, version in versions if (known := self._known(version)) is not None)
        facts = self._facts(one, now)
        if len(versions) > 1:
            facts.append(("versions", str(len(versions))))
        earlier, path = firsts.get(first.fingerprint, (None, ""))
        own = self._known(one)
        if earlier is not None and own is not None and own.commit and earlier.place < own.place:
            # a file that was renamed and edited at once has nothing else to do with the one it was
            facts.append(("first", f"{earlier.commit.decode()} in {self.mask.text(path)}"))
        if first.fingerprint in removed and one.kind in ("blob", "lfs"):
            facts.append(("removed", removed[first.fingerprint]))
        inside = Origin("repository", self.at.name) if self.at.name and one.kind != "file" else None
        worst = max((finding for finding, _ in versions), key=lambda finding: (finding.severity, finding.confidence))
        return first._replace(
            origin=self._placed(first.origin, one, inside, tuple(facts)),
            severity=worst.severity, confidence=worst.confidence, reasons=worst.reasons, set_id=worst.set_id,
        )  # fmt: skip

    def _placed(
        self, origin: Origin, one: Found, repository: Origin | None, facts: tuple[tuple[str, str], ...]
    ) -> Origin:
        """Where it was found, with what is known of the object; members of archives stay in their chain."""
        if origin.inside is not None:
            path = self.mask.text(origin.path)
            return origin._replace(path=path, inside=self._placed(origin.inside, one, repository, facts))
        path = origin.path if one.kind == "name" else self._path(origin, one)
        return Origin(origin.kind, path, repository, facts)

    def _included(self) -> Callable[[str], bool]:
        options = self.options
        if not options.include and not options.exclude:
            return lambda _path: True
        from leakguard.globs import compile_globs

        included, excluded = compile_globs(options.include or ("**",)), compile_globs(options.exclude)
        return lambda path: included(path) and not excluded(path)

    def _paths(self, one: Found, finding: Finding) -> list[str]:
        facts = self._known(one)
        return [os.fsdecode(path) for path in facts.paths] if facts and facts.paths else [str(finding.origin)]

    def _age(self, version: tuple[Finding, Found]) -> tuple[int, int]:
        facts = self._known(version[1])
        return facts.place if facts is not None else -1, version[0].start_byte

    def _known(self, one: Found) -> Facts | None:
        key = _key(one)
        return self.facts.get(key) if key is not None else None

    def _path(self, origin: Origin, one: Found) -> str:
        facts = self._known(one)
        path = origin.path
        if facts is not None and facts.paths and one.kind in ("blob", "lfs"):
            paths = [os.fsdecode(raw) for raw in facts.paths]
            path = path if path in paths else paths[0]
        return self.mask.text(path) if one.kind in ("blob", "lfs", "file") else path

    def _facts(self, one: Found, now: bool) -> list[tuple[str, str]]:
        out = [(_kind(one), one.oid.hex())] if one.oid and one.kind != "name" else []
        facts = self._known(one)
        if facts is None:
            return out
        mask = self.mask.text
        if facts.commit:
            if one.kind != "commit":
                out.append(("commit", facts.commit.decode()))
            out.append(("author", mask(facts.author.decode("utf-8", "replace"))))
            out.append(("date", _date(facts.when)))
            out.append(("subject", self.mask.within(facts.text, *facts.subject)))
        if len(facts.paths) > 1:
            more = f" and {facts.more_paths} more" if facts.more_paths else ""
            out.append(("paths", "; ".join(mask(os.fsdecode(path)) for path in facts.paths) + more))
        default = mask(self.refs.default)
        if one.kind in ("blob", "lfs", "name") and default and facts.commit:
            out.append(("now", f"in {default}" if now else f"not in {default}"))
        more = " and more" if facts.more_refs else ""
        if facts.refs:
            out.append(("reachable", "from " + ", ".join(mask(name) for name in facts.refs) + more))
        elif facts.logs:
            out.append(("reachable", "only from " + ", ".join(mask(name) for name in facts.logs)))
        else:
            out.append(("reachable", "from nothing"))
        return out


def _date(when: int) -> str:
    return datetime.fromtimestamp(min(when, _LAST), UTC).isoformat().replace("+00:00", "Z")


def _key(one: Found) -> Key | None:
    if one.kind == "name":
        return ("name", one.name)
    return (_kind(one), one.oid.hex().encode()) if one.oid else None


_LIVE = frozenset({"file", "ref", "lfs"})
"""What is looked at each time, since no object's id tells whether it is still the same."""


def _kind(one: Found) -> str:
    """The kind of the object that history knows: of an LFS content its pointer."""
    return "blob" if one.kind == "lfs" else one.kind


def _same(finding: Finding, one: Found) -> tuple[Any, ...]:
    said = finding.suppression
    kept = (said.way, said.reason, said.note) if said is not None else None
    base = (finding.rule, finding.fingerprint, finding.view, one.kind, str(finding.origin), kept)
    # where it stands tells secrets of one place apart, but a version may have moved it
    return base if one.kind == "blob" else (*base, one.oid, finding.start_byte)


class Masker:
    """Strings of the repository with every secret in them masked."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._known: dict[str, str] = {}

    def text(self, text: str) -> str:
        """`text` with every secret in it masked; the same text is judged once."""
        known = self._known.get(text)
        if known is None:
            known = self._known[text] = self._masked(text)
        return known

    def _masked(self, text: str) -> str:
        data = raw_bytes(text)
        try:
            return masked_name(self.engine, data, self.engine.scan(data, "").matches) or text
        except EngineError:
            return "<not shown>"

    def within(self, data: bytes, low: int, high: int) -> str:
        """data[low:high] with every secret masked that is one in the light of all of `data`."""
        try:
            matches = self.engine.scan(data, "").matches
        except EngineError:
            return "<not shown>"
        rules = self.engine.rules
        masks = Masks((m.secret_start, m.secret_end, rules[m.rule].id, m.length) for m in matches)
        return masked_text(data, low, high, masks)
