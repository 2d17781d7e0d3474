"""A git repository made by real git, for tests that scan one."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from leakguard.model import ScanResult


class Repository:
    """A git repository in a folder."""

    def __init__(self, root: Path, *options: str) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        self.git("init", "-q", *options)
        self.git("config", "user.email", "a@example.com")
        self.git("config", "user.name", "A")

    def git(self, *arguments: str, code: int | None = 0, given: str | None = None, **environment: str) -> str:
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.root,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            errors="surrogateescape",
            input=given,
            check=False,
        )
        assert code is None or done.returncode == code, done.stderr
        return done.stdout + done.stderr

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def stage(self, name: str, text: str | bytes) -> Path:
        path = self.write(name, text)
        self.git("add", "--", name)
        return path

    def commit(self, name: str, text: str | bytes, message: str = "x") -> str:
        self.stage(name, text)
        self.git("commit", "-q", "-m", message)
        return self.head()

    def head(self) -> str:
        return self.git("rev-parse", "HEAD").strip()

    def lose(self, blob: str) -> None:
        """Takes a loose object away."""
        (self.root / ".git" / "objects" / blob[:2] / blob[2:]).unlink()


def secrets(result: ScanResult) -> set[bytes | None]:
    return {finding.secret for finding in result.findings}


def gaps(result: ScanResult) -> list[str]:
    return [f"{i.origin}: {i.reason}" for i in result.incidents if i.state != "skipped"]
