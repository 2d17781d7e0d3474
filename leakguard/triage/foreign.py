"""What other tools accepted: their ignore files, reports and baselines, as a list of what to look for here.

Reads `.gitleaksignore`, gitleaks reports (JSON), TruffleHog reports (JSON lines) and detect-secrets' `.secrets.baseline`.
Says of a finding of ours whether it is the one that was accepted there; a place alone never is enough where the other
tool also wrote down a value or its hash. Opens no file; imported by cli/.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from leakguard.errors import ConfigError
from leakguard.model import Finding

KINDS = ("gitleaksignore", "gitleaks", "trufflehog", "detect-secrets")
_WITHHELD = ("", "REDACTED", "*****")


class Foreign:
    """One finding another tool knows. Can hold a secret, so it shows none of itself but its label."""

    __slots__ = ("commit", "label", "line", "path", "secret", "sha1", "where")

    def __init__(
        self, label: str, path: str, where: str, *, line: int = 0, commit: str = "", secret: bytes = b"", sha1: str = ""
    ) -> None:
        self.label = label
        self.path = path
        self.where = where
        self.line = line
        self.commit = commit
        self.secret = secret
        self.sha1 = sha1

    def __repr__(self) -> str:
        return f"Foreign({self.label!r}, {self.where!r})"

    def doubt(self, finding: Finding) -> str:
        """Why a finding in the same file is not this one; "" if it is. The finding must hold its secret."""
        secret = finding.secret or b""
        if self.sha1:
            import hashlib

            known = hashlib.sha1(secret, usedforsecurity=False).hexdigest()
            return "" if known == self.sha1 else "no finding with that hash"
        if self.secret:
            same = bool(secret) and (secret == self.secret or secret in self.secret or self.secret in secret)
            return "" if same else "no finding with that value"
        if self.line and finding.start_line <= self.line <= finding.end_line:
            return ""
        return "no finding on that line"


def kind_of(data: bytes, name: str) -> str:
    """Which of KINDS a file is. ConfigError if it is none."""
    text = data.lstrip(b"\xef\xbb\xbf \t\r\n")
    if text.startswith(b"["):
        return "gitleaks"
    if text.startswith(b"{"):
        try:
            first = json.loads(text.split(b"\n", 1)[0])
        except ValueError:
            first = None
        if isinstance(first, dict) and ("SourceMetadata" in first or "DetectorName" in first):
            return "trufflehog"
        return "detect-secrets"
    if b":" in text or not text:
        return "gitleaksignore"
    raise ConfigError(name, "", "none of the formats known: " + ", ".join(KINDS))


def read(data: bytes, name: str, kind: str = "") -> list[Foreign]:
    """The entries of a file. ConfigError if it is not what it says; never with its content."""
    kind = kind or kind_of(data, name)
    readers = {
        "gitleaksignore": _gitleaksignore, "gitleaks": _gitleaks, "trufflehog": _trufflehog,
        "detect-secrets": _detect_secrets,
    }  # fmt: skip
    try:
        return list(readers[kind](data, name))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ConfigError(name, "", f"not a file of {kind}") from None


def _gitleaksignore(data: bytes, name: str) -> Iterator[Foreign]:
    """`commit:file:rule:line` or `file:rule:line`; a file's name may hold colons."""
    for number, raw in enumerate(data.decode("utf-8", "surrogateescape").split("\n"), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        head, _, last = line.rpartition(":")
        place, _, rule = head.rpartition(":")
        commit, _, path = place.partition(":")
        if not (len(commit) in (40, 64) and all(c in "0123456789abcdef" for c in commit)):
            commit, path = "", place
        where = f"{name}:{number}"
        if not path or not rule or not last.isdigit():
            yield Foreign("line of no known form", "", where)
        else:
            yield Foreign(rule, path, where, line=int(last), commit=commit)


def _gitleaks(data: bytes, name: str) -> Iterator[Foreign]:
    for number, item in enumerate(json.loads(data), 1):
        secret = item.get("Secret", "")
        held = b"" if secret.rstrip(".") in _WITHHELD or secret.endswith("...") else secret.encode()
        yield Foreign(
            str(item["RuleID"]), str(item["File"]), f"{name}, entry {number}",
            line=int(item.get("StartLine", 0)), commit=str(item.get("Commit", "")), secret=held,
        )  # fmt: skip


def _trufflehog(data: bytes, name: str) -> Iterator[Foreign]:
    for number, raw in enumerate(data.split(b"\n"), 1):
        if not raw.strip():
            continue
        item = json.loads(raw)
        where = f"{name}:{number}"
        if "SourceMetadata" not in item:
            if "DetectorName" in item:
                yield Foreign(str(item["DetectorName"]), "", where)
            continue  # a line of its log
        data_of: dict[str, Any] = item["SourceMetadata"].get("Data") or {}
        source: dict[str, Any] = next(iter(data_of.values()), {}) or {}
        secret = str(item.get("Raw", ""))
        held = b"" if secret in _WITHHELD or "****" in secret else secret.encode()
        yield Foreign(
            str(item["DetectorName"]), str(source.get("file", "")), where,
            line=0 if held else int(source.get("line", 0)), commit=str(source.get("commit", "")), secret=held,
        )  # fmt: skip


def _detect_secrets(data: bytes, name: str) -> Iterator[Foreign]:
    for path, items in json.loads(data)["results"].items():
        for item in items:
            label = str(item["type"]) + (" (marked as a real secret)" if item.get("is_secret") else "")
            yield Foreign(
                label, str(path).replace("\\", "/"), f"{name}, {path}:{item.get('line_number', 0)}",
                sha1=str(item["hashed_secret"]),
            )  # fmt: skip
