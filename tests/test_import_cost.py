"""What a start may import. The whole process on one small clean file with a warm cache is held to a list by name."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {
    "git", "rich", "importlib.metadata", "logging", "asyncio", "multiprocessing", "concurrent.futures", "tomllib",
    "regex", "cryptography", "email", "http.client", "ssl", "urllib.request", "mnemonic", "Crypto", "unittest",
    "leakguard.detect.rules", "leakguard.detect.trigger", "leakguard.detect.generate", "leakguard.detect.check",
    "leakguard.detect.gates.basic", "leakguard.workers", "leakguard.report.sarif",
    "leakguard.sources.inside.walk", "tarfile", "zipfile", "lzma", "bz2", "tempfile", "zstandard",
}  # fmt: skip


def loaded(command: list[str], folder: Path) -> set[str]:
    """The modules a command has imported when it ends."""
    script = (
        "import sys, atexit\n"
        "atexit.register(lambda: sys.stderr.write('MODULES ' + ' '.join(sys.modules)))\n"
        f"sys.argv = {command!r}\n"
        + ("from leakguard.hook import main\n" if command[0] == "leakguard-hook" else "from leakguard.__main__ import main\n")
        + "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.rpartition("MODULES ")[2].split())


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize("command", [["leakguard", "scan", "small.txt", "-j", "1"], ["leakguard-hook", "--files", "small.txt"]])
def test_a_warm_start_imports_little(command: list[str], tmp_path: Path) -> None:
    (tmp_path / "small.txt").write_text("nothing to see here\n" * 5)
    modules = loaded(command, tmp_path)
    assert "hyperscan" in modules
    assert sorted(name for name in modules if name in HEAVY) == []
    assert "click" not in modules
    if command[0] == "leakguard-hook":
        assert "leakguard.report" not in modules


def test_the_names_in_the_list_are_real() -> None:
    """A list of names nobody can import would hold nothing."""
    own = [name for name in HEAVY if name.startswith("leakguard.")]
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    assert [name for name in own if not os.path.exists(os.path.join(root, *name.split(".")) + ".py")] == []
