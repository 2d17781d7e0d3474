"""Finds, for what another tool accepted, the finding of ours that is the same, in archives, too.

Reads files below one folder and blobs of its repository, each once; runs nothing of it. Imported by cli/baseline.py.
"""

from __future__ import annotations

import os
from typing import Any

from leakguard.cli.scanning import Scanner
from leakguard.errors import LeakguardError
from leakguard.triage.foreign import Foreign


class Importer:
    """Looks entries up below `root`. The scanner keeps secrets: to compare them with hashes and values."""

    def __init__(self, scanner: Scanner, root: str) -> None:
        self._scanner = scanner
        self._root = root
        self._known: dict[tuple[str, str], tuple[list[Any], str]] = {}

    def find(self, entry: Foreign) -> tuple[list[Any], str]:
        """(the findings that are this entry, why there is none)."""
        if not entry.path:
            return [], "it names no file"
        found, problem = self._within(entry, entry.commit)
        if problem:
            return [], problem
        doubts = [(finding, entry.doubt(finding)) for finding in found]
        same = [finding for finding, doubt in doubts if not doubt]
        if not same:
            return [], doubts[0][1] if doubts else "no finding in that file"
        return same, ""

    def now(self, findings: list[Any], entry: Foreign) -> list[Any]:
        """The same findings as the file has them now, where it still does: those of a commit are history otherwise."""
        if not entry.commit:
            return findings
        known = {finding.fingerprint: finding for finding in self._within(entry, "")[0]}
        return [known.get(finding.fingerprint, finding) for finding in findings]

    def _within(self, entry: Foreign, commit: str) -> tuple[list[Any], str]:
        """What is found where an entry says. Other tools write a member behind the archive that it is in: `a.zip!conf/.env`."""
        found, problem = self._findings(entry.path, commit)
        at = entry.path.find("!", 1)
        while problem and at > 0:
            all_of_it, _ = self._findings(entry.path[:at], commit)
            if all_of_it:
                member = entry.path[at + 1 :].replace("!/", "!").lstrip("/")
                own = [finding for finding in all_of_it if _member(finding) == member]
                # a line is one of that member; a value may be known by itself, whatever the member was called there
                return own or (all_of_it if entry.secret or entry.sha1 else []), ""
            at = entry.path.find("!", at + 1)
        return found, problem

    def _findings(self, path: str, commit: str) -> tuple[list[Any], str]:
        key = (path, commit)
        if key not in self._known:
            try:
                self._known[key] = self._blob(path, commit) if commit else self._file(path)
            except LeakguardError as error:
                self._known[key] = [], error.message
        return self._known[key]

    def _file(self, path: str) -> tuple[list[Any], str]:
        full = os.path.join(self._root, path)
        real, root = os.path.realpath(full), os.path.realpath(self._root)
        if real != root and not real.startswith(root.rstrip(os.sep) + os.sep):
            return [], "it names a file outside of the folder"
        if not os.path.isfile(full):
            return [], "no such file now"
        result = self._scanner.files([full])
        problem = "; ".join(incident.reason for incident in result.incidents if incident.state != "skipped")
        return list(result.findings), "" if result.findings else problem

    def _blob(self, path: str, commit: str) -> tuple[list[Any], str]:
        from leakguard.sources.gitcall import Git

        if commit.startswith("-"):
            return [], "no such commit"
        done = Git(self._root).ask("cat-file", "blob", f"{commit}:{path}")
        if done.returncode:
            return [], "no such file in that commit here"
        return self._scanner.content(done.stdout, path)[0], ""


def _member(finding: Any) -> str:
    """Where in its archive a finding is, one name behind the other; "" if it is in none."""
    names, origin = [], finding.origin
    while origin.inside is not None:
        names.append(origin.path)
        origin = origin.inside
    return "!".join(reversed(names))
